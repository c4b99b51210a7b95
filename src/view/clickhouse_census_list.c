/* The census by address: slice after slice, put in order here. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_census_impl.h"

#define LIST_SLICE (1ull << 20) /* sightings of all shards that are held at once */

/* An address's days of a chunk under one attribution. */
struct sighting {
    uint32_t family;
    struct ip ip;
    struct dict_attr attr;
    uint16_t chunk;
    uint64_t days;
};

struct list {
    struct census_plan *p;
    struct sighting *v;
    size_t n, cap;
    const struct census_slice *slice;
    struct census_as_names names;
    struct err *err;
};

static int see_sighting(void *ctx, const struct clickhouse_value *v)
{
    struct list *l = ctx;
    int64_t family = census_plan_family(l->p, l->slice, &v[0]);
    if (family < 0)
        return err_set(l->err, -EBADMSG, "a family that was not asked for");
    l->v = mem_room(l->v, l->n, &l->cap, sizeof *l->v);
    struct sighting *s = &l->v[l->n++];
    *s = (struct sighting){.family = (uint32_t)family,
                           .attr = {.asn = (uint32_t)v[2].n},
                           .chunk = (uint16_t)v[6].n,
                           .days = v[7].n};
    memcpy(s->ip.b, v[1].s.p, 16);
    memcpy(s->attr.country, v[3].s.p, 2);
    if (v[5].n) {
        memcpy(s->attr.network, v[4].s.p, 16);
        s->attr.bits = (uint8_t)(v[5].n - 1);
        s->attr.set = 1;
    }
    return 0;
}

static int cmp_address(const struct sighting *a, const struct sighting *b)
{
    bool x = ip_is_v4(&a->ip), y = ip_is_v4(&b->ip);
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return x != y ? (x ? -1 : 1) : memcmp(a->ip.b, b->ip.b, 16);
}

static int by_address(const void *x, const void *y)
{
    const struct sighting *a = x, *b = y;
    int c = cmp_address(a, b);
    return c ? c : (a->chunk > b->chunk) - (a->chunk < b->chunk);
}

static int ask_slice(struct list *l, const struct census_slice *s, struct err *err)
{
    struct clickhouse_ask a;
    l->slice = s;
    l->n = 0;
    l->err = err;
    clickhouse_ask_begin(&a, l->p->way);
    census_ask_family(&a, s);
    clickhouse_ask_printf(&a, ", address, asn, country, network, bits, chunk, ");
    census_ask_mask(&a, l->p);
    clickhouse_ask_printf(&a, " AS m");
    census_ask_from(&a, l->p, s, l->p->lo, l->p->hi);
    clickhouse_ask_printf(&a, " AND m != 0");
    a.types = s->n == 1 ? "1a4ca128" : "sa4ca128";
    a.row = see_sighting;
    a.ctx = l;
    int rc = clickhouse_ask_rows(&a, err);
    if (rc == 0 && l->n)
        qsort(l->v, l->n, sizeof *l->v, by_address);
    return rc;
}

/* One address: its sightings, by chunk. */
static int emit(struct list *l, const struct sighting *s, size_t n, clickhouse_census_row row,
                void *ctx)
{
    struct census_row r = {.family = buf_as_span(&l->p->families[s->family].name),
                           .address = s->ip,
                           .addresses = 1,
                           .victims = 1,
                           .ipv6 = !ip_is_v4(&s->ip),
                           .ipv6_64s = !ip_is_v4(&s->ip),
                           .first_day = INT32_MAX,
                           .last_day = -1};
    const struct dict_attr *latest = NULL;
    uint64_t days = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t day = s[i].chunk * CHUNK_DAYS;
        int32_t first = day + __builtin_ctzll(s[i].days);
        int32_t last = day + 63 - __builtin_clzll(s[i].days);
        if (!latest || last > r.last_day ||
            (last == r.last_day && dict_attr_cmp(&s[i].attr, latest) < 0))
            latest = &s[i].attr;
        r.first_day = first < r.first_day ? first : r.first_day;
        r.last_day = last > r.last_day ? last : r.last_day;
        days |= s[i].days;
        if (i + 1 == n || s[i + 1].chunk != s[i].chunk) {
            r.days += (uint32_t)__builtin_popcountll(days);
            days = 0;
        }
    }
    r.asn = latest->asn;
    r.as_name = census_as_names_find(&l->names, r.asn);
    if (latest->country[0] || latest->country[1])
        r.country = span_of(latest->country, 2);
    r.network = dict_attr_network(latest);
    return row(ctx, &r);
}

static int emit_slice(struct list *l, clickhouse_census_row row, void *ctx)
{
    int rc = 0;
    for (size_t i = 0, end; rc == 0 && i < l->n; i = end) {
        for (end = i + 1; end < l->n && cmp_address(&l->v[i], &l->v[end]) == 0;)
            end++;
        rc = emit(l, &l->v[i], end - i, row, ctx);
    }
    return rc;
}

int census_ask_addresses(struct census_plan *p, clickhouse_census_row row, void *ctx,
                         struct err *err)
{
    struct list l = {.p = p};
    int rc = census_as_names_ask(p->way, &l.names, err);
    if (rc == 0)
        rc = census_plan_slice(p, LIST_SLICE, true, err);
    for (size_t i = 0; rc == 0 && i < p->nslices; i++) {
        rc = ask_slice(&l, &p->slices[i], err);
        if (rc == 0)
            rc = emit_slice(&l, row, ctx);
    }
    census_as_names_free(&l.names);
    free(l.v);
    return rc;
}
