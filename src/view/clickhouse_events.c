#include "view/clickhouse_events.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "state/fact.h"
#include "view/clickhouse_ask.h"

#define PORTION_ROWS  20000 /* of a shard at once */
#define PORTION_FIRST 4096  /* entries that are looked at first; more, where few match */
#define PORTION_GROW  8
#define SENSOR_MAX    256
#define COLUMNS                                                                                    \
    "entry, kind, toUInt64(time), sensor, protocol, src, src_port, dst, dst_port, asn, country, "  \
    "family, bot_id, role, network, bits, salt, payload"
#define TYPES "818ssa2a24ssssa1as"
enum {
    C_ENTRY,
    C_KIND,
    C_TIME,
    C_SENSOR,
    C_PROTOCOL,
    C_SRC,
    C_SRC_PORT,
    C_DST,
    C_DST_PORT,
    C_ASN,
    C_COUNTRY,
    C_FAMILY,
    C_BOT_ID,
    C_ROLE,
    C_NETWORK,
    C_BITS,
    C_SALT,
    C_PAYLOAD,
    C_COLUMNS
};

/* A row of an answer; texts lie in `texts`, which moves while they come. */
struct held {
    uint64_t entry;
    uint64_t n[C_COLUMNS];
    size_t at[C_COLUMNS], len[C_COLUMNS];
};

struct asked {
    const struct clickhouse_way *way;
    const struct query *q;
    int (*hit)(void *ctx, const struct query_hit *hit);
    void *ctx;
    const struct clickhouse_log_row *log;
    struct held *v;
    size_t n, cap;
    struct buf texts;
    uint64_t hits;
    uint32_t shard; /* the one that has all that is wanted, or CLICKHOUSE_ALL */
    struct portion {
        struct asked *asked;
        uint64_t rows, last;
    } portion[CLICKHOUSE_SHARDS_MAX]; /* each shard's answer */
    struct arena arena;
};

/* ---- the question ---- */

static void ask_network(struct clickhouse_ask *a, const struct net *net)
{
    struct ip last = net->ip;
    unsigned bits = net->bits + (ip_is_v4(&net->ip) ? 96 : 0);
    for (unsigned i = 0; i < 128; i++)
        if (i >= bits)
            last.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
    clickhouse_ask_printf(a, " AND src >= ");
    clickhouse_ask_address(a, net->ip.b);
    clickhouse_ask_printf(a, " AND src <= ");
    clickhouse_ask_address(a, last.b);
}

static void ask_text(struct clickhouse_ask *a, const char *column, struct span text)
{
    clickhouse_ask_printf(a, " AND %s = ", column);
    clickhouse_ask_quote(a, text);
}

static void ask_filter(struct clickhouse_ask *a, const struct query *q)
{
    if (q->since > INT64_MIN)
        clickhouse_ask_printf(a, " AND time >= toInt64(%lld)", (long long)q->since);
    if (q->until < INT64_MAX)
        clickhouse_ask_printf(a, " AND time < toInt64(%lld)", (long long)q->until);
    clickhouse_ask_days(a, q->since, q->until);
    if (q->kind)
        clickhouse_ask_printf(a, " AND kind = %u", q->kind);
    if (q->asn && q->asn <= UINT32_MAX)
        clickhouse_ask_printf(a, " AND asn = %llu", (unsigned long long)q->asn);
    if (q->src.set)
        ask_network(a, &q->src);
    if (q->family)
        ask_text(a, "family", span_str(q->family));
    if (q->country.n)
        ask_text(a, "country", q->country);
    if (q->protocol.n)
        ask_text(a, "protocol", q->protocol);
    if (q->sensor.n)
        ask_text(a, "sensor", q->sensor);
}

/* All that has to do with one address lies on one shard. */
static uint32_t shard_of(const struct clickhouse_way *way, const struct query *q)
{
    if (!q->src.set || q->src.bits != (ip_is_v4(&q->src.ip) ? 32 : 128))
        return CLICKHOUSE_ALL;
    return clickhouse_shard(fact_source(&q->src.ip), way->shards);
}

/* ---- the answer ---- */

static int hold(void *ctx, const struct clickhouse_value *v)
{
    struct portion *p = ctx;
    struct asked *x = p->asked;
    x->v = mem_room(x->v, x->n, &x->cap, sizeof *x->v);
    struct held *h = &x->v[x->n++];
    h->entry = v[C_ENTRY].n;
    p->rows++;
    p->last = h->entry > p->last ? h->entry : p->last;
    for (unsigned i = 0; i < C_COLUMNS; i++) {
        h->n[i] = v[i].n;
        h->at[i] = x->texts.n;
        h->len[i] = TYPES[i] == 's' || TYPES[i] == 'a' ? v[i].s.n : 0;
        buf_put(&x->texts, v[i].s.p, h->len[i]);
    }
    return 0;
}

static int by_entry(const void *a, const void *b)
{
    const struct held *x = a, *y = b;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

static struct span text_of(const struct asked *x, const struct held *h, unsigned column)
{
    return span_of(x->texts.p + h->at[column], h->len[column]);
}

static void event_of_columns(const struct asked *x, const struct held *h, struct event *ev)
{
    memcpy(ev->src_ip.b, text_of(x, h, C_SRC).p, 16);
    memcpy(ev->dst_ip.b, text_of(x, h, C_DST).p, 16);
    ev->src_port = h->n[C_SRC_PORT];
    ev->dst_port = h->n[C_DST_PORT];
    ev->asn = h->n[C_ASN];
    ev->protocol = text_of(x, h, C_PROTOCOL);
    ev->country = text_of(x, h, C_COUNTRY);
    ev->family = text_of(x, h, C_FAMILY);
    ev->bot_id = text_of(x, h, C_BOT_ID);
    ev->role = text_of(x, h, C_ROLE);
    if (h->n[C_BITS]) {
        memcpy(ev->network.ip.b, text_of(x, h, C_NETWORK).p, 16);
        ev->network.bits = (uint8_t)(h->n[C_BITS] - 1);
        ev->network.set = true;
    }
}

/* False: it cannot be read, which the local engine passes over, too. */
static bool event_of(struct asked *x, const struct held *h, struct event *ev)
{
    static const uint8_t none[16];
    struct span payload = text_of(x, h, C_PAYLOAD);
    *ev = (struct event){0};
    arena_reset(&x->arena);
    if (payload.n || memcmp(text_of(x, h, C_SALT).p, none, 16) != 0) {
        if (event_decode(payload, &x->arena, ev) < 0)
            return false;
    } else {
        event_of_columns(x, h, ev);
    }
    ev->kind = (enum event_kind)h->n[C_KIND];
    ev->time = (int64_t)h->n[C_TIME];
    return true;
}

static int emit(struct asked *x, const struct held *h)
{
    struct span sensor = text_of(x, h, C_SENSOR);
    char name[SENSOR_MAX];
    struct event ev;
    if (!event_of(x, h, &ev))
        return 0;
    size_t n = sensor.n < sizeof name - 1 ? sensor.n : sizeof name - 1;
    memcpy(name, sensor.p, n);
    name[n] = 0;
    struct query_hit hit = {
        .index = h->entry, .ev = &ev, .sensor = name, .log = (const char *)x->log->origin.p};
    if (!query_matches(x->q, &hit))
        return 0;
    x->hits++;
    return x->hit(x->ctx, &hit);
}

static bool is_full(const struct asked *x)
{
    return x->q->limit && x->hits == x->q->limit;
}

/* Rows up to `end`, in order, as many as are wanted. */
static int emit_rows(struct asked *x, uint64_t end)
{
    int rc = 0;
    if (x->n)
        qsort(x->v, x->n, sizeof *x->v, by_entry);
    for (size_t i = 0; rc == 0 && !is_full(x) && i < x->n && x->v[i].entry < end; i++)
        if (!i || x->v[i].entry != x->v[i - 1].entry)
            rc = emit(x, &x->v[i]);
    return rc;
}

/* ---- portions ---- */

/* So many rows of a shard. */
static uint64_t most(const struct asked *x)
{
    uint64_t left = x->q->limit ? x->q->limit - x->hits : PORTION_ROWS;
    return left < PORTION_ROWS ? left : PORTION_ROWS;
}

/* The shards' answers, of entries from..until; *end says up to where they are whole. */
static int ask_portion(struct asked *x, uint64_t from, uint64_t until, uint64_t *end,
                       struct err *err)
{
    void *ctx[CLICKHOUSE_SHARDS_MAX];
    struct clickhouse_ask a;
    uint64_t max = most(x);
    x->n = 0;
    x->texts.n = 0;
    clickhouse_ask_begin(&a, x->way);
    clickhouse_ask_printf(&a, COLUMNS " FROM %s.events_local WHERE log = %llu AND entry >= %llu",
                          x->way->database, (unsigned long long)x->log->log,
                          (unsigned long long)from);
    if (until < UINT64_MAX)
        clickhouse_ask_printf(&a, " AND entry < %llu", (unsigned long long)until);
    ask_filter(&a, x->q);
    clickhouse_ask_printf(&a, " ORDER BY entry LIMIT %llu", (unsigned long long)max);
    for (unsigned i = 0; i < x->way->shards; i++) {
        x->portion[i] = (struct portion){.asked = x};
        ctx[i] = &x->portion[i];
    }
    a.shard = x->shard;
    a.types = TYPES;
    a.row = hold;
    a.ctxs = ctx;
    int rc = clickhouse_ask_rows(&a, err);
    *end = until;
    for (unsigned i = 0; i < x->way->shards; i++)
        if (x->portion[i].rows >= max && x->portion[i].last + 1 < *end)
            *end = x->portion[i].last + 1;
    return rc;
}

static int see_any(void *ctx, const struct clickhouse_value *v)
{
    (void)v;
    *(bool *)ctx = true;
    return 0;
}

/* Whether the log has more from there, whatever the filter. */
static int ask_more(struct asked *x, uint64_t from, bool *more, struct err *err)
{
    struct clickhouse_ask a;
    clickhouse_ask_begin(&a, x->way);
    a.shard = x->shard;
    clickhouse_ask_printf(&a,
                          "toUInt8(1) FROM %s.events_local WHERE log = %llu AND entry >= %llu "
                          "LIMIT 1",
                          x->way->database, (unsigned long long)x->log->log,
                          (unsigned long long)from);
    *more = false;
    a.types = "1";
    a.row = see_any;
    a.ctx = more;
    return clickhouse_ask_rows(&a, err);
}

/* One log, portion after portion: larger ones, the fewer rows match. */
static int walk_log(struct asked *x, struct err *err)
{
    uint64_t from = x->q->from_index, step = PORTION_FIRST, end;
    bool more = true;
    int rc = 0;
    while (rc == 0 && more && !is_full(x)) {
        uint64_t until = from + step < from ? UINT64_MAX : from + step;
        rc = ask_portion(x, from, until, &end, err);
        if (rc == 0)
            rc = emit_rows(x, end);
        if (rc == 0 && !x->n)
            rc = ask_more(x, until, &more, err);
        more = more && end < UINT64_MAX;
        if (end < until)
            step = end - from;
        else if (x->n < PORTION_ROWS / PORTION_GROW)
            step = step > UINT64_MAX / PORTION_GROW ? step : step * PORTION_GROW;
        from = end;
    }
    return rc;
}

int clickhouse_events(const struct clickhouse_way *way, const struct query *q,
                      int (*hit)(void *ctx, const struct query_hit *hit), void *ctx,
                      struct err *err)
{
    struct asked x = {.way = way, .q = q, .hit = hit, .ctx = ctx, .shard = shard_of(way, q)};
    struct clickhouse_logs logs;
    int rc = clickhouse_logs_ask(way, x.shard, &logs, err);
    arena_init(&x.arena);
    for (size_t i = 0; rc == 0 && !is_full(&x) && i < logs.n; i++) {
        x.log = &logs.v[i];
        rc = walk_log(&x, err);
    }
    arena_free(&x.arena);
    buf_free(&x.texts);
    free(x.v);
    clickhouse_logs_free(&logs);
    return rc;
}
