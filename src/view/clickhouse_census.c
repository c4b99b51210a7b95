/* The census by day: each address's days as bits, counted here; and what all ways to count share.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_census_impl.h"

#define DAYS_SLICE  (4ull << 20) /* sightings of a shard that one question is over */
#define WINDOW      8            /* chunks of days that one question is about */
#define WINDOW_DAYS (WINDOW * CHUNK_DAYS)

struct day_count {
    uint64_t addresses, ipv6, ipv6_64s, fresh, gone;
};

struct days {
    struct census_plan *p;
    struct day_count *v; /* by family and day - lo */
    uint32_t days;
    const struct census_slice *slice;
    uint32_t from; /* the window's first day */
    unsigned chunks;
    bool nets; /* the rows at hand are /64s */
    struct err *err;
};

/* Adds one to a member of each day that has its bit; `from` is the day of bit 0. */
#define EACH_DAY(bits, from, member)                                                               \
    for (uint64_t left_ = (bits); left_; left_ &= left_ - 1) {                                     \
        int64_t at_ = (int64_t)(from) + __builtin_ctzll(left_) - d->p->lo;                         \
        if (at_ >= 0 && at_ < d->days)                                                             \
            of[at_].member++;                                                                      \
    }

static void count_bits(struct days *d, struct day_count *of, const struct clickhouse_value *v,
                       bool earlier, uint64_t before, bool v6)
{
    uint64_t carry = before >> 63;
    for (unsigned i = 0; i < d->chunks; i++) {
        uint64_t m = v[i].n;
        int64_t day = (int64_t)d->from + i * CHUNK_DAYS;
        EACH_DAY(m, day, addresses)
        if (v6)
            EACH_DAY(m, day, ipv6)
        EACH_DAY((m << 1 | carry) & ~m, day, gone)
        if (m && !earlier)
            EACH_DAY(m & -m, day, fresh)
        earlier |= m != 0;
        carry = m >> 63;
    }
}

/* family, earlier, the chunk before, chunks ... */
static int see_address(void *ctx, const struct clickhouse_value *v)
{
    struct days *d = ctx;
    int64_t family = census_plan_family(d->p, d->slice, v[0].s);
    if (family < 0)
        return err_set(d->err, -EBADMSG, "a family that was not asked for");
    struct day_count *of = d->v + (size_t)family * d->days;
    v++;
    if (d->nets) {
        for (unsigned i = 0; i < d->chunks; i++)
            EACH_DAY(v[2 + i].n, (int64_t)d->from + i * CHUNK_DAYS, ipv6_64s)
        return 0;
    }
    count_bits(d, of, v + 2, v[0].n != 0, v[1].n, d->slice->v6);
    return 0;
}

static int ask_window(struct days *d, const struct census_slice *s, bool nets, struct err *err)
{
    char types[CLICKHOUSE_COLUMNS_MAX + 1] = "s18";
    uint32_t chunk = d->from / CHUNK_DAYS;
    struct clickhouse_ask a;
    clickhouse_ask_begin(&a, d->p->way);
    census_ask_family(&a, s);
    clickhouse_ask_printf(&a, ", max(chunk < %u), groupBitOrMergeIf(days, chunk = %u) AS before",
                          chunk, chunk - 1);
    for (unsigned i = 0; i < d->chunks; i++) {
        clickhouse_ask_printf(&a, ", groupBitOrMergeIf(days, chunk = %u) AS m%u", chunk + i, i);
        types[3 + i] = '8';
    }
    census_ask_from(&a, d->p, s, nets ? d->from : 0, d->from + d->chunks * CHUNK_DAYS);
    clickhouse_ask_printf(&a, " GROUP BY %s",
                          nets    ? "reinterpretAsUInt64(address)"
                          : s->v6 ? "address"
                                  : "v4");
    census_ask_group(&a, s);
    clickhouse_ask_printf(&a, " HAVING before != 0");
    for (unsigned i = 0; i < d->chunks; i++)
        clickhouse_ask_printf(&a, " OR m%u != 0", i);
    a.types = types;
    a.row = see_address;
    a.ctx = d;
    d->slice = s;
    d->nets = nets;
    d->err = err;
    return clickhouse_ask_rows(&a, err);
}

static int count_window(struct days *d, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < d->p->nslices; i++) {
        rc = ask_window(d, &d->p->slices[i], false, err);
        if (rc == 0 && d->p->slices[i].v6)
            rc = ask_window(d, &d->p->slices[i], true, err);
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
    struct days d = {.p = p, .days = p->hi - p->lo};
    int rc = census_plan_slice(p, DAYS_SLICE * p->way->shards, false, err);
    d.v = mem_zeroed(p->nfamilies * d.days, sizeof *d.v);
    for (uint32_t from = p->lo - p->lo % CHUNK_DAYS; rc == 0 && from < p->hi; from += WINDOW_DAYS) {
        uint32_t chunks = (p->hi - from + CHUNK_DAYS - 1) / CHUNK_DAYS;
        d.from = from;
        d.chunks = chunks < WINDOW ? chunks : WINDOW;
        rc = count_window(&d, err);
    }
    if (rc == 0)
        rc = emit_days(&d, row, ctx);
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
