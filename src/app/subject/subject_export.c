#include "app/subject/subject_export.h"

#include <stdlib.h>
#include <string.h>

#include "base/domain.h"
#include "base/mem.h"

#define LOCAL_MAX 64 /* bytes of a mail address before the @ (RFC 5321, 4.5.3.1.1) */

/* Of ebb's own ids; random. */
static const uint8_t own_space[UUID_LEN] = {0x8d, 0x0a, 0x3c, 0x52, 0x6e, 0x1f, 0x4b, 0x37,
                                            0x9a, 0x84, 0x51, 0xc6, 0x20, 0xd7, 0xee, 0x19};

void subject_export_uuid(const struct subject_export *e, const char *word, struct span name,
                         char out[UUID_TEXT_MAX])
{
    uint8_t uuid[UUID_LEN];
    struct buf text = {0};
    const char *origin = journal_origin(e->c->journal);
    buf_be64(&text, strlen(origin));
    buf_str(&text, origin);
    buf_be64(&text, strlen(word));
    buf_str(&text, word);
    buf_span(&text, name);
    uuid_of_name(own_space, buf_as_span(&text), uuid);
    uuid_format(uuid, out);
    buf_free(&text);
}

bool subject_export_tlp_is_good(const char *name)
{
    return strcmp(name, "white") == 0 || strcmp(name, "green") == 0 || strcmp(name, "amber") == 0 ||
           strcmp(name, "red") == 0;
}

void subject_export_time(struct json *j, const char *key, int64_t t)
{
    char text[UTC_TEXT_MAX];
    unsigned n = utc_format(t, text);
    text[n - 4] = 'Z';
    json_key(j, key);
    json_span(j, span_of(text, n - 3));
}

/* ---- a set of texts ---- */

static uint64_t hash_of(struct span s)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ s.p[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

void subject_seen_init(struct subject_seen *s)
{
    *s = (struct subject_seen){.cap = 64};
    s->slot = mem_zeroed(s->cap, sizeof *s->slot);
    arena_init(&s->arena);
}

static struct span *slot_of(struct span *slots, size_t cap, struct span text)
{
    size_t i = hash_of(text) & (cap - 1);
    while (slots[i].p && !span_eq(slots[i], text))
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

bool subject_seen_add(struct subject_seen *s, struct span text)
{
    if (s->n * 2 >= s->cap) {
        struct span *more = mem_zeroed(s->cap * 2, sizeof *more);
        for (size_t i = 0; i < s->cap; i++)
            if (s->slot[i].p)
                *slot_of(more, s->cap * 2, s->slot[i]) = s->slot[i];
        free(s->slot);
        s->slot = more;
        s->cap *= 2;
    }
    struct span *at = slot_of(s->slot, s->cap, text);
    if (at->p)
        return false;
    *at = span_of(arena_copy(&s->arena, text.p, text.n), text.n);
    s->n++;
    return true;
}

void subject_seen_free(struct subject_seen *s)
{
    free(s->slot);
    arena_free(&s->arena);
}

/* ---- what it is ---- */

static bool is_domain(struct span s)
{
    uint8_t name[DOMAIN_TEXT_MAX];
    return domain_text(s, name) != 0 && memchr(s.p, '.', s.n);
}

/* The plain shape that every schema takes: dots, letters, digits and a few signs before the @. */
static bool is_mail(struct span s)
{
    const uint8_t *at = s.n ? memchr(s.p, '@', s.n) : NULL;
    size_t n = at ? (size_t)(at - s.p) : 0;
    if (!n || n > LOCAL_MAX || s.p[0] == '.' || s.p[n - 1] == '.')
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = s.p[i];
        bool plain = (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 ||
                     (c && strchr("_+-", c)) || (c == '.' && s.p[i + 1] != '.');
        if (!plain)
            return false;
    }
    return is_domain(span_of(at + 1, s.n - n - 1));
}

static enum subject_thing address_of(struct span s)
{
    struct net net;
    return !net_parse_any(s, &net) ? SUBJECT_THING_TEXT
           : ip_is_v4(&net.ip)     ? SUBJECT_THING_IPV4
                                   : SUBJECT_THING_IPV6;
}

static enum subject_thing fact_thing(struct span type, struct span value)
{
    if (span_is(type, "name"))
        return SUBJECT_THING_NAME;
    if (span_is(type, "handle"))
        return SUBJECT_THING_HANDLE;
    if (span_is(type, "messenger"))
        return SUBJECT_THING_MESSENGER;
    if (span_is(type, "payment"))
        return SUBJECT_THING_PAYMENT;
    if (span_is(type, "phone"))
        return SUBJECT_THING_PHONE;
    if (span_is(type, "domain"))
        return is_domain(value) ? SUBJECT_THING_DOMAIN : SUBJECT_THING_TEXT;
    if (span_is(type, "mail"))
        return is_mail(value) ? SUBJECT_THING_MAIL : SUBJECT_THING_TEXT;
    return span_is(type, "address") ? address_of(value) : SUBJECT_THING_TEXT;
}

/* "192.0.2.1:8080" names an address, too. */
static enum subject_thing asset_thing(const struct subject_row *row, struct buf *normal)
{
    struct case_name name;
    char text[CASE_NAME_MAX + 16];
    if (row->value.n >= sizeof text)
        return SUBJECT_THING_TEXT;
    memcpy(text, row->value.p, row->value.n);
    text[row->value.n] = 0;
    if (row->asset == ASSET_KINDS || case_name_parse(text, &name))
        return SUBJECT_THING_TEXT;
    bool domain = row->asset == ASSET_DOMAIN || row->asset == ASSET_WILDCARD;
    facts_normal(span_str(domain ? "domain" : "address"), span_str(name.name), normal);
    struct span value = buf_as_span(normal);
    if (domain)
        return is_domain(value) ? SUBJECT_THING_DOMAIN : SUBJECT_THING_TEXT;
    return row->asset == ASSET_PORT ? SUBJECT_THING_TEXT : address_of(value);
}

enum subject_thing subject_export_thing(const struct subject_row *row, struct buf *normal)
{
    if (row->what == SUBJECT_ROW_LINK)
        return asset_thing(row, normal);
    facts_normal(row->type, row->value, normal);
    return fact_thing(row->type, buf_as_span(normal));
}
