/* The census by day: each address's days as bits, counted here; and what all ways to count share.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_census_impl.h"

#define DAYS_SLICE (8ull << 20) /* sightings of a shard that one question is over */
#define CHUNKS     1024         /* all that there can be */

struct day_count {
    uint64_t addresses, ipv6, ipv6_64s, fresh, gone;
};

/* The days of an address, or of a /64, as they come together. */
struct day_bits {
    uint64_t m[CHUNKS];   /* by chunk */
    uint32_t first, last; /* chunks with bits; first > last: none */
};

/* A shard's answer: rows of one address follow each other. */
struct day_stream {
    struct days *d;
    bool any;
    uint64_t family;
    uint8_t key[16];
    struct day_bits address, net;
};

struct days {
    struct census_plan *p;
    struct day_count *v; /* by family and day - lo */
    uint32_t days;
    const struct census_slice *slice;
    struct day_stream *streams; /* by shard */
    struct err *err;
};

static void bits_add(struct day_bits *b, uint32_t chunk, uint64_t bits)
{
    b->m[chunk] |= bits;
    b->first = chunk < b->first ? chunk : b->first;
    b->last = chunk > b->last ? chunk : b->last;
}

static void bits_clear(struct day_bits *b)
{
    for (uint32_t i = b->first; i <= b->last && i < CHUNKS; i++)
        b->m[i] = 0;
    b->first = CHUNKS;
    b->last = 0;
}

/* Adds one to a member of each day that has its bit; `from` is the day of bit 0. */
#define EACH_DAY(bits, from, member)                                                               \
    for (uint64_t left_ = (bits); left_; left_ &= left_ - 1) {                                     \
        int64_t at_ = (int64_t)(from) + __builtin_ctzll(left_) - d->p->lo;                         \
        if (at_ >= 0 && at_ < d->days)                                                             \
            of[at_].member++;                                                                      \
    }

/* A chunk of an address. `before`: that of the chunk before; `earlier`: it was seen before. */
static inline void count_chunk(const struct days *d, struct day_count *of, int64_t day, uint64_t m,
                               uint64_t before, bool earlier)
{
    EACH_DAY(m, day, addresses)
    EACH_DAY((m << 1 | before >> 63) & ~m, day, gone)
    if (m && !earlier)
        EACH_DAY(m & -m, day, fresh)
    if (d->slice->v6)
        EACH_DAY(m, day, ipv6)
}

static void end_address(struct day_stream *s)
{
    const struct days *d = s->d;
    const struct day_bits *b = &s->address;
    struct day_count *of = d->v + s->family * d->days;
    uint32_t from = d->p->lo / CHUNK_DAYS, until = (d->p->hi - 1) / CHUNK_DAYS;
    bool earlier = b->first < from;
    for (uint32_t i = b->first < from ? from : b->first; i <= b->last + 1 && i <= until; i++) {
        uint64_t m = i < CHUNKS ? b->m[i] : 0;
        count_chunk(d, of, (int64_t)i * CHUNK_DAYS, m, i ? b->m[i - 1] : 0, earlier);
        earlier |= m != 0;
    }
    bits_clear(&s->address);
}

static void end_net(struct day_stream *s)
{
    const struct days *d = s->d;
    struct day_count *of = d->v + s->family * d->days;
    for (uint32_t i = s->net.first; i <= s->net.last && i < CHUNKS; i++)
        EACH_DAY(s->net.m[i], (int64_t)i * CHUNK_DAYS, ipv6_64s)
    bits_clear(&s->net);
}

/* family, address or its number, chunk, days */
static int see_sighting(void *ctx, const struct clickhouse_value *v)
{
    struct day_stream *s = ctx;
    bool v6 = s->d->slice->v6;
    int64_t family = census_plan_family(s->d->p, s->d->slice, &v[0]);
    if (family < 0 || v[2].n >= CHUNKS)
        return err_set(s->d->err, -EBADMSG, "a sighting that was not asked for");
    bool same = s->any && s->family == (uint64_t)family;
    if (!same || memcmp(s->key, v[1].s.p, v[1].s.n) != 0) {
        end_address(s);
        if (v6 && (!same || memcmp(s->key, v[1].s.p, 8) != 0))
            end_net(s);
    }
    s->any = true;
    s->family = (uint64_t)family;
    memcpy(s->key, v[1].s.p, v[1].s.n);
    bits_add(&s->address, (uint32_t)v[2].n, v[3].n);
    if (v6)
        bits_add(&s->net, (uint32_t)v[2].n, v[3].n);
    return 0;
}

static int count_slice(struct days *d, const struct census_slice *s, struct err *err)
{
    char types[] = {census_family_type(s), s->v6 ? 'a' : '4', '2', '8', 0};
    void *ctx[CLICKHOUSE_SHARDS_MAX];
    const char *key = s->v6 ? "address" : "v4";
    struct clickhouse_ask a;
    d->slice = s;
    clickhouse_ask_begin(&a, d->p->way);
    census_ask_family(&a, s);
    clickhouse_ask_printf(&a, ", %s, chunk, finalizeAggregation(days)", key);
    census_ask_from(&a, d->p, s, 0, d->p->hi);
    clickhouse_ask_printf(&a, " ORDER BY %s%s", s->n == 1 ? "" : "f, ", key);
    for (unsigned i = 0; i < d->p->way->shards; i++)
        ctx[i] = &d->streams[i];
    a.types = types;
    a.row = see_sighting;
    a.ctxs = ctx;
    int rc = clickhouse_ask_rows(&a, err);
    for (unsigned i = 0; i < d->p->way->shards; i++) {
        end_address(&d->streams[i]);
        end_net(&d->streams[i]);
        d->streams[i].any = false;
    }
    return rc;
}

static int emit_days(const struct days *d, clickhouse_census_row row, void *ctx)
{
    const struct census_plan *p = d->p;
    int rc = 0;
    for (uint32_t day = 0; rc == 0 && day < d->days; day++)
        for (size_t f = 0; rc == 0 && f < p->nfamilies; f++) {
            const struct day_count *c = &d->v[f * d->days + day];
            struct census_row r = {.day = (int32_t)(p->lo + day),
                                   .family = buf_as_span(&p->families[f].name),
                                   .addresses = c->addresses,
                                   .victims = c->addresses,
                                   .ipv6 = c->ipv6,
                                   .ipv6_64s = c->ipv6_64s,
                                   .fresh = c->fresh,
                                   .returning = c->addresses - c->fresh,
                                   .gone = c->gone,
                                   .first_day = (int32_t)(p->lo + day),
                                   .last_day = (int32_t)(p->lo + day)};
            if (c->addresses)
                rc = row(ctx, &r);
        }
    return rc;
}

int census_ask_days(struct census_plan *p, clickhouse_census_row row, void *ctx, struct err *err)
{
    struct days d = {.p = p, .days = p->hi - p->lo, .err = err};
    int rc = census_plan_slice(p, DAYS_SLICE * p->way->shards, false, err);
    d.v = mem_zeroed(p->nfamilies * d.days, sizeof *d.v);
    d.streams = mem_zeroed(p->way->shards, sizeof *d.streams);
    for (unsigned i = 0; i < p->way->shards; i++) {
        d.streams[i].d = &d;
        d.streams[i].address.first = d.streams[i].net.first = CHUNKS;
    }
    for (size_t i = 0; rc == 0 && i < p->nslices; i++)
        rc = count_slice(&d, &p->slices[i], err);
    if (rc == 0)
        rc = emit_days(&d, row, ctx);
    free(d.streams);
    free(d.v);
    return rc;
}

int clickhouse_census(const struct clickhouse_way *way, const struct census_query *q,
                      clickhouse_census_row row, void *ctx, struct err *err)
{
    struct census_plan p;
    if (q->n_excluded)
        return err_set(err, -ENOTSUP, "who is no victim is judged by one node's views");
    int rc = census_plan_make(way, q, &p, err);
    if (rc == 0 && p.lo < p.hi)
        rc = q->by == CENSUS_BY_DAY       ? census_ask_days(&p, row, ctx, err)
             : q->by == CENSUS_BY_ADDRESS ? census_ask_addresses(&p, row, ctx, err)
                                          : census_ask_keys(&p, row, ctx, err);
    census_plan_free(&p);
    return rc;
}
