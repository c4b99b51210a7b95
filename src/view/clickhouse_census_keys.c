/* The census by country, AS, network and family. Two questions: how many addresses each has, by
 * slice; and which days each was seen on, of all addresses together. What was shipped meanwhile may
 * be in the second and not in the first, never the other way round. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_census_impl.h"

#define KEYS_SLICE (4ull << 20) /* sightings of a shard that one question is over */

/* What a row is of: an attribution, of which only what it is by is set. */
struct key_count {
    uint32_t family;
    struct dict_attr key;
    uint64_t addresses, ipv6, ipv6_64s;
    /* of the second question: */
    uint32_t first_day, last_day;
    struct dict_attr attr; /* by network: as seen last */
};

struct keys {
    struct census_plan *p;
    enum census_by by;
    struct key_count *v, *seen; /* of the first and of the second question */
    size_t n, cap, nseen, seen_cap;
    const struct census_slice *slice;
    struct census_as_names names;
    struct err *err;
};

/* ---- the key as columns ---- */

/* Their names and types: the same ones in GROUP BY. */
static const char *key_columns(enum census_by by)
{
    switch (by) {
    case CENSUS_BY_COUNTRY:
        return "country";
    case CENSUS_BY_ASN:
        return "asn";
    case CENSUS_BY_NETWORK:
        return "network, bits";
    default:
        return NULL;
    }
}

static const char *key_types(enum census_by by)
{
    return by == CENSUS_BY_COUNTRY   ? "c"
           : by == CENSUS_BY_ASN     ? "4"
           : by == CENSUS_BY_NETWORK ? "a1"
                                     : "";
}

static void set_network(struct dict_attr *a, struct span network, uint64_t bits)
{
    if (!bits)
        return;
    memcpy(a->network, network.p, 16);
    a->bits = (uint8_t)(bits - 1);
    a->set = 1;
}

/* Reads the key; the value behind it. */
static const struct clickhouse_value *key_of(enum census_by by, const struct clickhouse_value *v,
                                             struct dict_attr *out)
{
    *out = (struct dict_attr){0};
    switch (by) {
    case CENSUS_BY_COUNTRY:
        memcpy(out->country, v->s.p, 2);
        return v + 1;
    case CENSUS_BY_ASN:
        out->asn = (uint32_t)v->n;
        return v + 1;
    case CENSUS_BY_NETWORK:
        set_network(out, v[0].s, v[1].n);
        return v + 2;
    default:
        return v;
    }
}

static int cmp_key(const void *x, const void *y)
{
    const struct key_count *a = x, *b = y;
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return dict_attr_cmp(&a->key, &b->key);
}

static int find_family(struct keys *k, const struct clickhouse_value *f, uint32_t *out)
{
    int64_t family = census_plan_family(k->p, k->slice, f);
    if (family < 0)
        return err_set(k->err, -EBADMSG, "a family that was not asked for");
    *out = (uint32_t)family;
    return 0;
}

/* ---- how many ---- */

static int see_count(void *ctx, const struct clickhouse_value *v)
{
    struct keys *k = ctx;
    struct key_count c = {0};
    int rc = find_family(k, &v[0], &c.family);
    if (rc)
        return rc;
    v = key_of(k->by, v + 1, &c.key);
    c.addresses = v[0].n;
    c.ipv6 = k->slice->v6 ? v[0].n : 0;
    c.ipv6_64s = v[1].n;
    if (!c.addresses)
        return 0;
    k->v = mem_room(k->v, k->n, &k->cap, sizeof *k->v);
    k->v[k->n++] = c;
    return 0;
}

static void ask_begin(struct keys *k, struct clickhouse_ask *a, char *types, const char *more)
{
    const char *columns = key_columns(k->by);
    clickhouse_ask_begin(a, k->p->way);
    census_ask_family(a, k->slice);
    clickhouse_ask_printf(a, columns ? ", %s, " : ", ", columns);
    types[0] = census_family_type(k->slice);
    types[1] = 0;
    strcat(strcat(types, key_types(k->by)), more);
    a->types = types;
    a->ctx = k;
}

/* GROUP BY wants something: the family's column is always there. */
static void ask_group(struct keys *k, struct clickhouse_ask *a, const char *more)
{
    const char *columns = key_columns(k->by);
    clickhouse_ask_printf(a, " GROUP BY f");
    if (columns)
        clickhouse_ask_printf(a, ", %s", columns);
    clickhouse_ask_printf(a, "%s", more);
}

static int ask_counts(struct keys *k, const struct census_slice *s, struct err *err)
{
    struct clickhouse_ask a;
    char types[16];
    k->slice = s;
    ask_begin(k, &a, types, "88");
    clickhouse_ask_printf(&a, s->v6 ? "uniqExact(address), uniqExact(reinterpretAsUInt64(address))"
                                    : "uniqExact(v4), toUInt64(0)");
    census_ask_from(&a, k->p, s, k->p->lo, k->p->hi);
    clickhouse_ask_printf(&a, " AND ");
    census_ask_mask(&a, k->p);
    clickhouse_ask_printf(&a, " != 0");
    ask_group(k, &a, "");
    a.row = see_count;
    k->err = err;
    return clickhouse_ask_rows(&a, err);
}

/* The shards' and the slices' addresses are different ones. */
static void fold_counts(struct keys *k)
{
    size_t n = 0;
    if (!k->n)
        return;
    qsort(k->v, k->n, sizeof *k->v, cmp_key);
    for (size_t i = 1; i < k->n; i++) {
        struct key_count *a = &k->v[n], *b = &k->v[i];
        if (cmp_key(a, b) != 0) {
            k->v[++n] = *b;
            continue;
        }
        a->addresses += b->addresses;
        a->ipv6 += b->ipv6;
        a->ipv6_64s += b->ipv6_64s;
    }
    k->n = n + 1;
}

/* ---- when, and whose ---- */

static int see_days(void *ctx, const struct clickhouse_value *v)
{
    struct keys *k = ctx;
    struct key_count c = {0};
    int rc = find_family(k, &v[0], &c.family);
    if (rc)
        return rc;
    v = key_of(k->by, v + 1, &c.key);
    if (k->by == CENSUS_BY_NETWORK) {
        c.attr = c.key;
        c.attr.asn = (uint32_t)v[0].n;
        memcpy(c.attr.country, v[1].s.p, 2);
        v += 2;
    }
    uint32_t day = (uint32_t)v[0].n * CHUNK_DAYS;
    if (!v[1].n)
        return 0;
    c.first_day = day + (uint32_t)__builtin_ctzll(v[1].n);
    c.last_day = day + 63 - (uint32_t)__builtin_clzll(v[1].n);
    k->seen = mem_room(k->seen, k->nseen, &k->seen_cap, sizeof *k->seen);
    k->seen[k->nseen++] = c;
    return 0;
}

static int ask_days(struct keys *k, const struct census_slice *s, struct err *err)
{
    struct clickhouse_ask a;
    char types[16];
    bool network = k->by == CENSUS_BY_NETWORK;
    k->slice = s;
    ask_begin(k, &a, types, network ? "4c28" : "28");
    clickhouse_ask_printf(&a, "%schunk, groupBitOr(", network ? "asn, country, " : "");
    census_ask_mask(&a, k->p);
    clickhouse_ask_printf(&a, ")");
    census_ask_from(&a, k->p, s, k->p->lo, k->p->hi);
    ask_group(k, &a, network ? ", asn, country, chunk" : ", chunk");
    a.row = see_days;
    k->err = err;
    return clickhouse_ask_rows(&a, err);
}

/* The first and last day; the attribution that ends latest, of those the first by content. */
static void fold_seen(struct key_count *into, const struct key_count *c, bool first)
{
    if (first || c->last_day > into->last_day ||
        (c->last_day == into->last_day && dict_attr_cmp(&c->attr, &into->attr) < 0))
        into->attr = c->attr;
    into->first_day = first || c->first_day < into->first_day ? c->first_day : into->first_day;
    into->last_day = first || c->last_day > into->last_day ? c->last_day : into->last_day;
}

/* Both lists are in order of their keys. */
static void join_days(struct keys *k)
{
    size_t at = 0;
    if (k->nseen)
        qsort(k->seen, k->nseen, sizeof *k->seen, cmp_key);
    for (size_t i = 0; i < k->n; i++) {
        bool first = true;
        while (at < k->nseen && cmp_key(&k->seen[at], &k->v[i]) < 0)
            at++;
        for (; at < k->nseen && cmp_key(&k->seen[at], &k->v[i]) == 0; at++, first = false)
            fold_seen(&k->v[i], &k->seen[at], first);
    }
}

/* ---- rows ---- */

/* Most addresses first, then by key, then by family. */
static int by_size(const void *x, const void *y)
{
    const struct key_count *a = x, *b = y;
    if (a->addresses != b->addresses)
        return a->addresses > b->addresses ? -1 : 1;
    int c = dict_attr_cmp(&a->key, &b->key);
    return c ? c : (a->family > b->family) - (a->family < b->family);
}

static int emit(struct keys *k, const struct key_count *c, clickhouse_census_row row, void *ctx)
{
    const struct dict_attr *a = k->by == CENSUS_BY_NETWORK ? &c->attr : &c->key;
    struct census_row r = {.family = buf_as_span(&k->p->families[c->family].name),
                           .addresses = c->addresses,
                           .victims = c->addresses,
                           .ipv6 = c->ipv6,
                           .ipv6_64s = c->ipv6_64s,
                           .first_day = (int32_t)c->first_day,
                           .last_day = (int32_t)c->last_day};
    if (k->by == CENSUS_BY_NETWORK && !c->key.set)
        return row(ctx, &r); /* the unknown network is nobody's */
    if (k->by == CENSUS_BY_NETWORK)
        r.network = dict_attr_network(a);
    bool known = a->country[0] || a->country[1];
    if (known || k->by == CENSUS_BY_COUNTRY)
        r.country = span_of(a->country, known ? 2 : 0);
    r.asn = a->asn;
    if (k->by != CENSUS_BY_COUNTRY)
        r.as_name = census_as_names_find(&k->names, a->asn);
    return row(ctx, &r);
}

static int ask_all(struct keys *k, struct err *err)
{
    struct census_plan *p = k->p;
    int rc = 0;
    if (k->by == CENSUS_BY_ASN || k->by == CENSUS_BY_NETWORK)
        rc = census_as_names_ask(p->way, &k->names, err);
    for (size_t i = 0; rc == 0 && i < p->nslices; i++)
        rc = ask_counts(k, &p->slices[i], err);
    for (size_t i = 0; rc == 0 && i < p->nslices; i++)
        rc = ask_days(k, &p->slices[i], err);
    return rc;
}

int census_ask_keys(struct census_plan *p, clickhouse_census_row row, void *ctx, struct err *err)
{
    struct keys k = {.p = p, .by = p->q->by};
    int rc = census_plan_slice(p, KEYS_SLICE * p->way->shards, false, err);
    if (rc == 0)
        rc = ask_all(&k, err);
    if (rc == 0) {
        fold_counts(&k);
        join_days(&k);
    }
    if (rc == 0 && k.n)
        qsort(k.v, k.n, sizeof *k.v, by_size);
    for (size_t i = 0; rc == 0 && i < k.n; i++)
        rc = emit(&k, &k.v[i], row, ctx);
    census_as_names_free(&k.names);
    free(k.v);
    free(k.seen);
    return rc;
}
