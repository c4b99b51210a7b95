/* Reading the sources: rows as they are shown, in order. */
#include <math.h>

#include "base/mem.h"
#include "base/utc.h"
#include "state/radix.h"
#include "state/sources_impl.h"

/* How many distinct things a bitmap of `bits` has seen (linear counting: Whang, Vander-Zanden,
 * Taylor 1990). A full one has seen its limit. */
static unsigned distinct(uint64_t bitmap, unsigned bits)
{
    unsigned set = (unsigned)__builtin_popcountll(bitmap);
    double zero = set == bits ? 0.5 : (double)(bits - set);
    return (unsigned)(bits * log(bits / zero) + 0.5);
}

/* The logarithms of all counts, once: rows are many. */
struct distinct_table {
    uint8_t of32[33], of64[65];
    bool made;
};

static const struct distinct_table *table(void)
{
    static struct distinct_table t;
    if (t.made)
        return &t;
    for (unsigned i = 0; i <= 32; i++)
        t.of32[i] = (uint8_t)distinct((1ull << i) - 1, 32);
    for (unsigned i = 0; i <= 64; i++) {
        unsigned d = distinct(i == 64 ? UINT64_MAX : (1ull << i) - 1, 64);
        t.of64[i] = (uint8_t)(d < 255 ? d : 255);
    }
    t.made = true;
    return &t;
}

static void show_gaps(const struct sources_row *r, struct source *out)
{
    if (r->contacts < 3)
        return;
    double n = (double)r->contacts - 1;
    double mean = (double)(r->last - r->first) / (double)UTC_SECOND / n;
    double variance = (double)r->gap_squares / n - mean * mean;
    out->gap_mean = mean;
    out->gap_deviation = variance > 0 ? sqrt(variance) : 0;
}

static void show_attr(const struct dict *d, uint32_t attr, struct source *out)
{
    const struct dict_attr *a = &d->attrs[attr];
    out->asn = a->asn;
    memcpy(out->country, a->country, 2);
    out->network = dict_attr_network(a);
    out->as_name = buf_as_span(&d->as[d->attr_as[attr]].name);
}

static void show_traits(const struct sources_row *r, struct source *out)
{
    const struct distinct_table *t = table();
    out->targets = t->of32[__builtin_popcount(r->targets)];
    out->names = t->of32[__builtin_popcount(r->names)];
    out->paths = t->of32[__builtin_popcount(r->paths)];
    out->agents = t->of32[__builtin_popcount(r->agents)];
    out->bots = t->of64[__builtin_popcountll(r->bots)];
    out->shape_share = r->own ? (double)r->votes / r->own : 0;
    show_gaps(r, out);
}

void sources_show(const struct sources *s, const struct sources_row *r, struct source *out)
{
    *out = (struct source){.ip = r->ip,
                           .family = dict_family_name(&s->dict, r->family),
                           .first_time = r->first,
                           .last_time = r->last,
                           .contacts = r->contacts,
                           .days = r->days,
                           .recent = r->recent,
                           .index = r->index,
                           .kind = (uint8_t)r->kind,
                           .src_port = r->src_port,
                           .dst_port = r->dst_port,
                           .asset = r->asset,
                           .roles = r->roles,
                           .own = r->own,
                           .matched = r->matched,
                           .hours = r->hours,
                           .crawler_agent = r->crawler,
                           .tool_agent = r->tool,
                           .ruled = r->ruled,
                           .family_number = r->family,
                           .shape = r->shape,
                           .spoken = r->spoken,
                           .fresh = r->fresh,
                           .mixed = r->mixed,
                           .swept = r->swept,
                           .nothing = r->nothing,
                           .by_address = r->by_address};
    show_traits(r, out);
    show_attr(&s->dict, r->attr, out);
}

int sources_each(struct sources *s, int (*row)(void *ctx, const struct source *row), void *ctx)
{
    struct source out;
    int rc = 0;
    sources_settle(s);
    for (size_t i = 0; rc == 0 && i < s->n; i++) {
        sources_show(s, sources_row_at(s, i), &out);
        rc = row(ctx, &out);
    }
    return rc;
}

/* ---- order ---- */

struct by_v4 {
    uint32_t row, address;
};

struct order {
    const struct sources *s;
    uint32_t *rank; /* of families, by name */
};

static int cmp_rows(const void *x, const void *y, void *ctx)
{
    const struct order *o = ctx;
    const struct sources_row *a = sources_row_at(o->s, *(const uint32_t *)x);
    const struct sources_row *b = sources_row_at(o->s, *(const uint32_t *)y);
    int c = memcmp(&a->ip, &b->ip, sizeof a->ip);
    if (c)
        return c;
    uint32_t f = o->rank[a->family], g = o->rank[b->family];
    return (f > g) - (f < g);
}

static uint32_t *ranks(const struct dict *d)
{
    uint32_t *sorted = dict_families_sorted(d);
    uint32_t *rank = mem_resize(NULL, d->nfamilies, sizeof *rank);
    for (size_t i = 0; i < d->nfamilies; i++)
        rank[sorted[i]] = (uint32_t)i;
    free(sorted);
    return rank;
}

/* Rows of one address are few: sorted by hand once the addresses are. */
static void order_families(struct order *o, uint32_t *rows, const struct by_v4 *v, size_t n)
{
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && v[j].address == v[i].address; j++)
            ;
        if (j - i > 1)
            qsort_r(rows + i, j - i, sizeof *rows, cmp_rows, o);
    }
}

static size_t order_v4(struct order *o, uint32_t *out)
{
    const struct sources *s = o->s;
    struct by_v4 *v = mem_resize(NULL, s->n, sizeof *v), *spare;
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct ip *ip = &sources_row_at(s, i)->ip;
        if (ip_is_v4(ip))
            v[n++] = (struct by_v4){(uint32_t)i, ip_v4(ip)};
    }
    spare = mem_resize(NULL, n, sizeof *spare);
    if (n) {
        struct by_v4 *sorted = (struct by_v4 *)radix_sort((uint8_t *)v, (uint8_t *)spare, n,
                                                          sizeof *v, sizeof v->row, 4);
        for (size_t i = 0; i < n; i++)
            out[i] = sorted[i].row;
        order_families(o, out, sorted, n);
    }
    free(v);
    free(spare);
    return n;
}

static void make_order(struct sources *s)
{
    struct order o = {s, ranks(&s->dict)};
    s->order = mem_resize(NULL, s->n, sizeof *s->order);
    size_t n = order_v4(&o, s->order), at = n;
    for (size_t i = 0; i < s->n && at < s->n; i++)
        if (!ip_is_v4(&sources_row_at(s, i)->ip))
            s->order[at++] = (uint32_t)i;
    if (at > n)
        qsort_r(s->order + n, at - n, sizeof *s->order, cmp_rows, &o);
    free(o.rank);
}

#define AHEAD 16 /* rows that are fetched before they are needed */

int sources_rows(struct sources *s, int (*row)(void *ctx, const struct source *row), void *ctx)
{
    struct source out;
    int rc = 0;
    sources_settle(s);
    if (!s->order)
        make_order(s);
    for (size_t i = 0; rc == 0 && i < s->n; i++) {
        if (i + AHEAD < s->n) {
            const char *next = (const char *)sources_row_at(s, s->order[i + AHEAD]);
            __builtin_prefetch(next);
            __builtin_prefetch(next + 64);
            __builtin_prefetch(next + 128);
        }
        sources_show(s, sources_row_at(s, s->order[i]), &out);
        rc = row(ctx, &out);
    }
    return rc;
}
