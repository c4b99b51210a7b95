#include "event/event.h"

#include <stddef.h>
#include <stdio.h>

#include "base/cbor.h"
#include "base/utc.h"

enum field_type { UINT, TEXT, BYTES, IP, NET, LIST, MAP, CELLS };

/* A key's place in the deterministic order as one number: its length, then its first bytes. Keys of
 * this vocabulary differ there, so that finding one costs no call. */
#define RANK_BYTES 7
#define RANK_AT(key, i) ((uint64_t)(sizeof key > (i) + 1 ? (uint8_t)key[(i) < sizeof key ? (i) : 0] : 0))
#define RANK(key)                                                                                  \
    ((uint64_t)(sizeof key - 1) << 56 | RANK_AT(key, 0) << 48 | RANK_AT(key, 1) << 40 |            \
     RANK_AT(key, 2) << 32 | RANK_AT(key, 3) << 24 | RANK_AT(key, 4) << 16 | RANK_AT(key, 5) << 8 | \
     RANK_AT(key, 6))

struct field {
    const char *key;
    uint64_t rank;
    uint8_t type;
    uint16_t at;                /* offset of the member in struct event */
    const struct group *member; /* MAP: what is in it */
};

struct group {
    const struct field *field;
    size_t n;
};

#define PLAIN(prefix, type, m, key)                                                                \
    {key, RANK(key), type, offsetof(struct event, prefix m), NULL},
static const struct field dns_field[] = {
#define DNS_FIELD(type, m, key) PLAIN(dns., type, m, key)
#include "event/kinds.def"
};
static const struct field http_field[] = {
#define HTTP_FIELD(type, m, key) PLAIN(http., type, m, key)
#include "event/kinds.def"
};
static const struct field smtp_field[] = {
#define SMTP_FIELD(type, m, key) PLAIN(smtp., type, m, key)
#include "event/kinds.def"
};
static const struct field raw_field[] = {
#define RAW_FIELD(type, m, key) PLAIN(raw., type, m, key)
#include "event/kinds.def"
};
static const struct field tls_field[] = {
#define TLS_FIELD(type, m, key) PLAIN(tls., type, m, key)
#include "event/kinds.def"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
static const struct group dns_group = {dns_field, COUNT(dns_field)};
static const struct group http_group = {http_field, COUNT(http_field)};
static const struct group smtp_group = {smtp_field, COUNT(smtp_field)};
static const struct group raw_group = {raw_field, COUNT(raw_field)};
static const struct group tls_group = {tls_field, COUNT(tls_field)};

/* A member that is no map gets no table: the macro picks by type. */
#define MEMBER_UINT(m)  NULL
#define MEMBER_TEXT(m)  NULL
#define MEMBER_BYTES(m) NULL
#define MEMBER_IP(m)    NULL
#define MEMBER_NET(m)   NULL
#define MEMBER_LIST(m)  NULL
#define MEMBER_CELLS(m) NULL
#define MEMBER_MAP(m)   &m##_group
static const struct field event_field[] = {
#define EVENT_FIELD(type, m, key)                                                                  \
    {key, RANK(key), type, offsetof(struct event, m), MEMBER_##type(m)},
#include "event/kinds.def"
};
static const struct group event_group = {event_field, COUNT(event_field)};

/* The event's parts, in JSON's order behind the flat fields. */
static const struct {
    const char *key;
    const struct group *group;
    size_t at;
} event_part[] = {
    {"dns", &dns_group, offsetof(struct event, dns)},
    {"http", &http_group, offsetof(struct event, http)},
    {"smtp", &smtp_group, offsetof(struct event, smtp)},
    {"raw", &raw_group, offsetof(struct event, raw)},
    {"tls", &tls_group, offsetof(struct event, tls)},
};

const char *event_kind_name(uint8_t kind)
{
    switch (kind) {
#define KIND(number, symbol, name, is_event)                                                       \
    case number:                                                                                   \
        return name;
#include "event/kinds.def"
    }
    return NULL;
}

bool event_kind_is_event(uint8_t kind)
{
    switch (kind) {
#define KIND(number, symbol, name, is_event)                                                       \
    case number:                                                                                   \
        return is_event;
#include "event/kinds.def"
    }
    return false;
}

/* ---- writing ---- */

/* The hot path: straight-line code from the table, into room that was reserved once. Each put_*
 * writes key and value and returns the end, or writes nothing where the field is absent. */

static uint8_t *put_head(uint8_t *p, enum cbor_type type, uint64_t n)
{
    if (n < 24) {
        *p = (uint8_t)(type << 5 | n);
        return p + 1;
    }
    return p + cbor_head(p, type, n);
}

static uint8_t *put_bytes(uint8_t *p, enum cbor_type type, struct span s)
{
    p = put_head(p, type, s.n);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static uint8_t *put_text(uint8_t *p, struct span s, bool plain)
{
    return put_bytes(p, plain || span_is_utf8(s) ? CBOR_TEXT : CBOR_BYTES, s);
}

static uint8_t *put_ip(uint8_t *p, const struct ip *ip)
{
    return put_bytes(p, CBOR_BYTES, ip_is_v4(ip) ? span_of(ip->b + 12, 4) : span_of(ip->b, 16));
}

/* A map's head has one byte, which is filled in when its fields are counted. */
#define HEAD_COUNT_MAX 23
_Static_assert(COUNT(http_field) <= HEAD_COUNT_MAX && COUNT(smtp_field) <= HEAD_COUNT_MAX &&
                   COUNT(dns_field) <= HEAD_COUNT_MAX && COUNT(raw_field) <= HEAD_COUNT_MAX &&
                   COUNT(tls_field) <= HEAD_COUNT_MAX,
               "every part's size fits into its head byte");

#define HEAD_MAX 9
#define PUT(present, key, value)                                                                   \
    if (present) {                                                                                 \
        *p = (uint8_t)(CBOR_TEXT << 5 | (sizeof key - 1));                                         \
        memcpy(p + 1, key, sizeof key - 1);                                                        \
        p += sizeof key;                                                                           \
        p = value;                                                                                 \
        n++;                                                                                       \
    }
#define PUT_UINT(m, key)  PUT(m, key, put_head(p, CBOR_UINT, m))
#define PUT_TEXT(m, key)  PUT(m.n, key, put_text(p, m, ev->plain))
#define PUT_BYTES(m, key) PUT(m.n, key, put_bytes(p, CBOR_BYTES, m))
#define PUT_IP(m, key)    PUT(ip_is_set(&m), key, put_ip(p, &m))
#define PUT_NET(m, key)   PUT(m.set, key, put_net(p, &m))
#define PUT_LIST(m, key)  PUT(m.n, key, put_list(p, &m, ev->plain))

static uint8_t *put_net(uint8_t *p, const struct net *net)
{
    p = put_ip(put_head(p, CBOR_ARRAY, 2), &net->ip);
    return put_head(p, CBOR_UINT, net->bits);
}

static uint8_t *put_list(uint8_t *p, const struct span_list *list, bool plain)
{
    p = put_head(p, CBOR_ARRAY, list->n);
    for (size_t i = 0; i < list->n; i++)
        p = put_text(p, list->v[i], plain);
    return p;
}

static uint8_t *put_cells(uint8_t *p, const struct event *ev)
{
    p = put_head(p, CBOR_MAP, ev->feed.n);
    for (size_t i = 0; i < ev->feed.n; i++) {
        p = put_bytes(p, CBOR_TEXT, ev->feed.cells[i].key);
        p = put_text(p, ev->feed.cells[i].value, ev->plain);
    }
    return p;
}

static uint8_t *put_dns(uint8_t *p, const struct event *ev)
{
    uint8_t *head = p++;
    unsigned n = 0;
#define DNS_FIELD(type, m, key) PUT_##type(ev->dns.m, key)
#include "event/kinds.def"
    *head = (uint8_t)(CBOR_MAP << 5 | n);
    return p;
}

static uint8_t *put_http(uint8_t *p, const struct event *ev)
{
    uint8_t *head = p++;
    unsigned n = 0;
#define HTTP_FIELD(type, m, key) PUT_##type(ev->http.m, key)
#include "event/kinds.def"
    *head = (uint8_t)(CBOR_MAP << 5 | n);
    return p;
}

static uint8_t *put_smtp(uint8_t *p, const struct event *ev)
{
    uint8_t *head = p++;
    unsigned n = 0;
#define SMTP_FIELD(type, m, key) PUT_##type(ev->smtp.m, key)
#include "event/kinds.def"
    *head = (uint8_t)(CBOR_MAP << 5 | n);
    return p;
}

static uint8_t *put_raw(uint8_t *p, const struct event *ev)
{
    uint8_t *head = p++;
    unsigned n = 0;
#define RAW_FIELD(type, m, key) PUT_##type(ev->raw.m, key)
#include "event/kinds.def"
    *head = (uint8_t)(CBOR_MAP << 5 | n);
    return p;
}

static uint8_t *put_tls(uint8_t *p, const struct event *ev)
{
    uint8_t *head = p++;
    unsigned n = 0;
#define TLS_FIELD(type, m, key) PUT_##type(ev->tls.m, key)
#include "event/kinds.def"
    *head = (uint8_t)(CBOR_MAP << 5 | n);
    return p;
}

static uint8_t *put_event(uint8_t *p, const struct event *ev)
{
    uint8_t *head = p++;
    unsigned n = 0;
/* A part's function is named after its member, so this level goes by members. */
#define PUT_OWN_UINT(m, key)      PUT_UINT(ev->m, key)
#define PUT_OWN_TEXT(m, key)      PUT_TEXT(ev->m, key)
#define PUT_OWN_IP(m, key)        PUT_IP(ev->m, key)
#define PUT_OWN_NET(m, key)       PUT_NET(ev->m, key)
#define PUT_OWN_MAP(m, key)       PUT(ev->m.has, key, put_##m(p, ev))
#define PUT_OWN_CELLS(m, key)     PUT(ev->m.has, key, put_cells(p, ev))
#define EVENT_FIELD(type, m, key) PUT_OWN_##type(m, key)
#include "event/kinds.def"
    if (n > HEAD_COUNT_MAX) { /* an event with nearly everything: its head has two bytes */
        memmove(head + 2, head + 1, (size_t)(p - head - 1));
        p += put_head(head, CBOR_MAP, n) - head - 1;
        return p;
    }
    *head = (uint8_t)(CBOR_MAP << 5 | n);
    return p;
}

/* What the encoding takes at most: each value's bytes, and key and heads for every field. */
#define FIELD_MAX     (24 + HEAD_MAX + 40) /* 40: a network or an address with their own heads */
#define SIZE_UINT(m)  0
#define SIZE_TEXT(m)  m.n
#define SIZE_BYTES(m) m.n
#define SIZE_IP(m)    0
#define SIZE_NET(m)   0
#define SIZE_LIST(m)  list_size(&m)
#define SIZE_MAP(m)   0
#define SIZE_CELLS(m) cells_size(ev)

static size_t list_size(const struct span_list *list)
{
    size_t size = 0;
    for (size_t i = 0; i < list->n; i++)
        size += list->v[i].n + HEAD_MAX;
    return size;
}

static size_t cells_size(const struct event *ev)
{
    size_t size = 0;
    for (size_t i = 0; i < ev->feed.n; i++)
        size += ev->feed.cells[i].key.n + ev->feed.cells[i].value.n + 2 * HEAD_MAX;
    return size;
}

static size_t encoded_max(const struct event *ev)
{
    size_t size = 0;
#define EVENT_FIELD(type, m, key) size += FIELD_MAX + SIZE_##type(ev->m);
#include "event/kinds.def"
    if (ev->dns.has) {
#define DNS_FIELD(type, m, key) size += FIELD_MAX + SIZE_##type(ev->dns.m);
#include "event/kinds.def"
    }
    if (ev->http.has) {
#define HTTP_FIELD(type, m, key) size += FIELD_MAX + SIZE_##type(ev->http.m);
#include "event/kinds.def"
    }
    if (ev->smtp.has) {
#define SMTP_FIELD(type, m, key) size += FIELD_MAX + SIZE_##type(ev->smtp.m);
#include "event/kinds.def"
    }
    if (ev->raw.has) {
#define RAW_FIELD(type, m, key) size += FIELD_MAX + SIZE_##type(ev->raw.m);
#include "event/kinds.def"
    }
    if (ev->tls.has) {
#define TLS_FIELD(type, m, key) size += FIELD_MAX + SIZE_##type(ev->tls.m);
#include "event/kinds.def"
    }
    return size;
}

void event_encode(const struct event *ev, struct buf *out)
{
    uint8_t *start = buf_reserve(out, encoded_max(ev));
    out->n += (size_t)(put_event(start, ev) - start);
}

/* ---- reading ---- */

/* Short strings, which nearly all are, without a call; otherwise as cbor_get. */
static inline int get_item(struct cur *c, struct cbor_item *it)
{
    unsigned type = c->p < c->end ? *c->p >> 5 : CBOR_SIMPLE, n = c->p < c->end ? *c->p & 31 : 31;
    if ((type == CBOR_TEXT || type == CBOR_BYTES) && n < 24 && cur_left(c) > n) {
        *it = (struct cbor_item){(enum cbor_type)type, n, span_of(c->p + 1, n)};
        c->p += 1 + n;
        return 1;
    }
    return cbor_get(c, it);
}

static int get_uint(struct cur *c, uint64_t *out)
{
    struct cbor_item it;
    if (cbor_get(c, &it) < 0 || it.type != CBOR_UINT)
        return -1;
    *out = it.n;
    return 0;
}

static int get_string(struct cur *c, struct span *out)
{
    struct cbor_item it;
    if (get_item(c, &it) < 0 || (it.type != CBOR_TEXT && it.type != CBOR_BYTES))
        return -1;
    *out = it.s;
    return 0;
}

static int get_ip(struct cur *c, struct ip *out)
{
    struct cbor_item it;
    if (get_item(c, &it) < 0 || it.type != CBOR_BYTES || (it.n != 4 && it.n != 16))
        return -1;
    *out = ip_from_bytes(it.s.p, it.n == 16);
    return 0;
}

static int get_net(struct cur *c, struct net *out)
{
    struct cbor_item it;
    uint64_t bits;
    if (cbor_get(c, &it) < 0 || it.type != CBOR_ARRAY || it.n != 2 || get_ip(c, &out->ip) < 0 ||
        get_uint(c, &bits) < 0 || bits > (ip_is_v4(&out->ip) ? 32u : 128u))
        return -1;
    out->bits = (uint8_t)bits;
    out->set = true;
    return 0;
}

static int get_list(struct cur *c, struct arena *arena, struct span_list *out)
{
    struct cbor_item it;
    if (cbor_get(c, &it) < 0 || it.type != CBOR_ARRAY)
        return -1;
    struct span *v = arena_alloc(arena, (size_t)it.n * sizeof *v);
    for (uint64_t i = 0; i < it.n; i++)
        if (get_string(c, &v[i]) < 0)
            return -1;
    *out = (struct span_list){v, (size_t)it.n};
    return 0;
}

static int get_cells(struct cur *c, struct arena *arena, struct event *ev)
{
    struct cbor_item it, key;
    if (cbor_get(c, &it) < 0 || it.type != CBOR_MAP)
        return -1;
    struct feed_cell *cells = arena_alloc(arena, (size_t)it.n * sizeof *cells);
    for (uint64_t i = 0; i < it.n; i++) {
        if (cbor_get(c, &key) < 0 || key.type != CBOR_TEXT || get_string(c, &cells[i].value) < 0)
            return -1;
        cells[i].key = key.s;
    }
    ev->feed.has = true;
    ev->feed.cells = cells;
    ev->feed.n = (size_t)it.n;
    return 0;
}

static int get_group(struct cur *c, const struct group *g, struct arena *arena, struct event *ev);

static int get_field(struct cur *c, const struct field *f, struct arena *arena, struct event *ev)
{
    void *m = (uint8_t *)ev + f->at;
    switch ((enum field_type)f->type) {
    case UINT:
        return get_uint(c, m);
    case TEXT:
    case BYTES:
        return get_string(c, m);
    case IP:
        return get_ip(c, m);
    case NET:
        return get_net(c, m);
    case LIST:
        return get_list(c, arena, m);
    case MAP:
        *(bool *)m = true;
        return get_group(c, f->member, arena, ev);
    case CELLS:
        return get_cells(c, arena, ev);
    }
    return -1;
}

/* RANK() of a key that was read; `end` is the input's. */
static inline uint64_t key_rank(struct span key, const uint8_t *end)
{
    uint64_t rank = (uint64_t)(key.n < 255 ? key.n : 255) << 56, first = 0;
    size_t n = key.n < RANK_BYTES ? key.n : RANK_BYTES;
    if (n == 0)
        return rank;
    if (end - key.p >= 8)
        first = be64_get(key.p);
    else
        for (size_t i = 0; i < n; i++)
            first |= (uint64_t)key.p[i] << (56 - 8 * i);
    return rank | (first >> (64 - 8 * n)) << (8 * (RANK_BYTES - n));
}

/* Keys come in the table's order, so the search goes on from the last hit; a key that no field
 * has is passed over. */
static int get_group(struct cur *c, const struct group *g, struct arena *arena, struct event *ev)
{
    struct cbor_item map, key;
    size_t at = 0;
    if (cbor_get(c, &map) < 0 || map.type != CBOR_MAP)
        return -1;
    for (uint64_t i = 0; i < map.n; i++) {
        if (get_item(c, &key) < 0 || key.type != CBOR_TEXT)
            return -1;
        uint64_t rank = key_rank(key.s, c->end);
        while (at < g->n && g->field[at].rank < rank)
            at++;
        bool found = at < g->n && g->field[at].rank == rank &&
                     memcmp(g->field[at].key, key.s.p, key.s.n) == 0;
        int rc = found ? get_field(c, &g->field[at++], arena, ev) : (cbor_skip(c) < 0 ? -1 : 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int event_decode(struct span payload, struct arena *arena, struct event *out)
{
    struct cur c = cur_of(payload);
    memset(out, 0, sizeof *out);
    return get_group(&c, &event_group, arena, out) < 0 || c.p != c.end ? -1 : 0;
}

/* ---- showing ---- */

static bool is_present(const struct field *f, const struct event *ev)
{
    const void *m = (const uint8_t *)ev + f->at;
    switch ((enum field_type)f->type) {
    case UINT:
        return *(const uint64_t *)m != 0;
    case TEXT:
    case BYTES:
        return ((const struct span *)m)->n != 0;
    case IP:
        return ip_is_set(m);
    case NET:
        return ((const struct net *)m)->set;
    case LIST:
        return ((const struct span_list *)m)->n != 0;
    case MAP:
    case CELLS:
        return *(const bool *)m; /* `has` is each part's first member */
    }
    return false;
}

static void json_text_or_null(struct json *j, struct span s)
{
    if (s.n)
        json_span(j, s);
    else
        json_null(j);
}

static void json_ip(struct json *j, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    if (ip_is_set(ip))
        json_span(j, span_of(text, ip_format(ip, text)));
    else
        json_null(j);
}

static void json_uint_or_null(struct json *j, uint64_t v)
{
    if (v)
        json_uint(j, v);
    else
        json_null(j);
}

/* Bytes read as text where they are text, and otherwise go out as hex under a key that says so, so
 * that nothing is lost on the way; what is never text is hex under its own key. */
static void json_bytes(struct json *j, const char *key, struct span s)
{
    bool digest = strcmp(key, "blob") == 0 || strcmp(key, "auth") == 0 || strcmp(key, "cookie") == 0;
    if (!digest && span_is_utf8(s)) {
        json_key(j, key);
        json_span(j, s);
        return;
    }
    char name[40];
    int n = snprintf(name, sizeof name, digest ? "%s" : "%s_hex", key);
    (void)n;
    json_key(j, name);
    json_hex(j, s.p, s.n);
}

static void json_part(struct json *j, const struct event *ev, const struct group *g)
{
    json_object(j);
    for (size_t i = 0; i < g->n; i++) {
        const struct field *f = &g->field[i];
        const void *m = (const uint8_t *)ev + f->at;
        if (!is_present(f, ev))
            continue;
        if (f->type == BYTES) {
            json_bytes(j, f->key, *(const struct span *)m);
            continue;
        }
        json_key(j, f->key);
        if (f->type == UINT) {
            json_uint(j, *(const uint64_t *)m);
        } else if (f->type == TEXT) {
            json_span(j, *(const struct span *)m);
        } else { /* LIST: the parts have no other type */
            const struct span_list *list = m;
            json_array(j);
            for (size_t k = 0; k < list->n; k++)
                json_span(j, list->v[k]);
            json_array_end(j);
        }
    }
    json_object_end(j);
}

static void json_feed(struct json *j, const struct event *ev)
{
    json_key(j, "feed");
    json_object(j);
    for (size_t i = 0; i < ev->feed.n; i++) {
        json_key_span(j, ev->feed.cells[i].key);
        json_span(j, ev->feed.cells[i].value);
    }
    json_object_end(j);
}

static void json_origin(struct json *j, const struct event *ev)
{
    char text[NET_TEXT_MAX];
    json_key(j, "asn");
    json_uint_or_null(j, ev->asn);
    json_key(j, "as_name");
    json_text_or_null(j, ev->as_name);
    json_key(j, "country");
    json_text_or_null(j, ev->country);
    json_key(j, "network");
    if (ev->network.set)
        json_span(j, span_of(text, net_format(&ev->network, text)));
    else
        json_null(j);
}

void event_json(const struct event *ev, uint64_t index, const char *sensor, struct json *j)
{
    char when[UTC_TEXT_MAX];
    json_object(j);
    json_key(j, "index");
    json_uint(j, index);
    json_key(j, "time");
    json_span(j, span_of(when, utc_format(ev->time, when)));
    json_key(j, "kind");
    json_str(j, event_kind_name((uint8_t)ev->kind));
    json_key(j, "sensor");
    json_text_or_null(j, span_str(sensor));
    json_key(j, "protocol");
    json_text_or_null(j, ev->protocol);
    json_key(j, "transport");
    json_text_or_null(j, ev->transport);
    json_key(j, "src_ip");
    json_ip(j, &ev->src_ip);
    json_key(j, "src_port");
    json_uint_or_null(j, ev->src_port);
    json_key(j, "dst_ip");
    json_ip(j, &ev->dst_ip);
    json_key(j, "dst_port");
    json_uint_or_null(j, ev->dst_port);
    json_origin(j, ev);
    json_key(j, "family");
    json_text_or_null(j, ev->family);
    json_key(j, "family_source");
    json_text_or_null(j, ev->family_source);
    json_key(j, "confidence");
    json_uint_or_null(j, ev->confidence);
    json_key(j, "bot_id");
    json_text_or_null(j, ev->bot_id);
    json_key(j, "role");
    json_span(j, event_role(ev));
    if (ip_is_set(&ev->via)) {
        json_key(j, "via");
        json_ip(j, &ev->via);
    }
    if (ev->asset) {
        json_key(j, "asset");
        json_uint(j, ev->asset);
    }
    if (ev->answer.n) {
        json_key(j, "answer");
        json_span(j, ev->answer);
    }
    if (ev->import) {
        json_key(j, "import");
        json_uint(j, ev->import);
        json_key(j, "record");
        json_uint(j, ev->record);
    }
    for (size_t i = 0; i < COUNT(event_part); i++) {
        if (!*(const bool *)((const uint8_t *)ev + event_part[i].at))
            continue;
        json_key(j, event_part[i].key);
        json_part(j, ev, event_part[i].group);
    }
    if (ev->feed.has)
        json_feed(j, ev);
    json_object_end(j);
}
