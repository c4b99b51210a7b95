/* Census queries: one pass over each family's sets, an address at a time. */
#include <errno.h>

#include "state/census_impl.h"
#include "base/mem.h"

#define COUNTRY_KEYS 65536 /* two bytes */

typedef int (*row_fn)(void *ctx, const struct census_row *row);

/* What is counted for one row. A stamp says which address (or /64) was counted last, because an
 * address can have several attributions of one key. */
struct tally {
    uint64_t addresses, others, ipv6, ipv6_64s;
    uint64_t stamp, stamp_64;
    uint32_t first_day, last_day;
    uint32_t attr; /* BY_NETWORK: the one seen last, on attr_day */
    uint32_t attr_day;
};

struct day_tally {
    uint64_t addresses, others, ipv6, ipv6_64s, fresh, gone;
    uint64_t stamp_64;
};

struct result {
    uint32_t family, family_rank;
    uint32_t key;
    struct tally t;
    uint64_t fresh, gone; /* BY_DAY */
};

struct query {
    struct census *c;
    const struct census_query *q;
    row_fn row;
    void *ctx;
    const struct run **runs;
    const struct addrset **sets;
    size_t nruns;
    uint32_t lo, hi; /* the range, within what days there can be */

    uint32_t *key_of; /* attribution to key; NULL: one key for all */
    size_t nkeys;
    struct tally *tally; /* by key */
    uint32_t *touched;   /* keys of this family */
    size_t ntouched;
    uint64_t serial, serial_64; /* the address and /64 at hand */
    size_t excluded;            /* the first that is not below it */
    bool other;                 /* it is excluded */

    struct day_tally *days; /* BY_DAY: by day - lo */
    uint16_t *union_days, *spare;

    struct result *results;
    size_t nresults, results_cap;
};

/* Days of a row within the range: days[*from] up to days[*to - 1]. */
static inline bool within(const struct query *q, const uint16_t *days, size_t n, size_t *from,
                          size_t *to)
{
    size_t i = 0;
    if (days[0] >= q->hi || days[n - 1] < q->lo)
        return false;
    while (days[i] < q->lo)
        i++;
    *from = i;
    if (days[n - 1] >= q->hi)
        while (days[n - 1] >= q->hi)
            n--;
    *to = n;
    return i < n;
}

/* Sets of one family and IP version in all runs; 0 when there is none. */
static size_t sets_of(struct query *q, uint32_t family, bool v6)
{
    size_t n = 0;
    for (size_t i = 0; i < q->nruns; i++) {
        const struct addrset *s = run_find(q->runs[i], family, v6);
        if (s && s->rows)
            q->sets[n++] = s;
    }
    return n;
}

static void count_part(struct query *q, const struct addrset_group *g,
                       const struct addrset_part *part, bool v6)
{
    const uint16_t *days = g->days + part->at;
    size_t from, to;
    if (!within(q, days, part->n, &from, &to))
        return;
    uint32_t first = days[from], last = days[to - 1];
    uint32_t key = q->key_of ? q->key_of[part->attr] : 0;
    struct tally *t = &q->tally[key];
    if (t->addresses == 0) {
        q->touched[q->ntouched++] = key;
        t->first_day = first;
        t->last_day = last;
        t->attr = part->attr;
        t->attr_day = last;
    }
    if (t->stamp != q->serial) {
        t->stamp = q->serial;
        t->addresses++;
        t->others += q->other;
        t->ipv6 += v6;
    }
    if (v6 && t->stamp_64 != q->serial_64) {
        t->stamp_64 = q->serial_64;
        t->ipv6_64s++;
    }
    t->first_day = first < t->first_day ? first : t->first_day;
    t->last_day = last > t->last_day ? last : t->last_day;
    if (t->attr != part->attr && last >= t->attr_day) {
        const struct dict_attr *attrs = q->c->dict.attrs;
        if (last > t->attr_day || dict_attr_cmp(&attrs[part->attr], &attrs[t->attr]) < 0)
            t->attr = part->attr;
    }
    t->attr_day = last > t->attr_day ? last : t->attr_day;
}

/* All days of an address, whatever it was attributed to. */
static const uint16_t *days_of(struct query *q, const struct addrset_group *g, size_t *n)
{
    if (g->nparts == 1) {
        *n = g->ndays;
        return g->days;
    }
    size_t have = 0;
    for (size_t k = 0; k < g->nparts; k++) {
        const uint16_t *a = q->union_days, *b = g->days + g->parts[k].at;
        size_t i = 0, j = 0, out = 0;
        while (i < have || j < g->parts[k].n) {
            bool left = j == g->parts[k].n || (i < have && a[i] <= b[j]);
            uint16_t day = left ? a[i++] : b[j++];
            if (out == 0 || q->spare[out - 1] != day)
                q->spare[out++] = day;
        }
        uint16_t *swap = q->union_days;
        q->union_days = q->spare;
        q->spare = swap;
        have = out;
    }
    *n = have;
    return q->union_days;
}

static void count_days(struct query *q, const struct addrset_group *g, bool v6)
{
    size_t n;
    const uint16_t *days = days_of(q, g, &n);
    if (days[0] >= q->lo && days[0] < q->hi)
        q->days[days[0] - q->lo].fresh++;
    for (size_t i = 0; i < n && days[i] < q->hi; i++) {
        uint32_t day = days[i];
        if (day + 1 >= q->lo && day + 1 < q->hi && (i + 1 == n || days[i + 1] != day + 1))
            q->days[day + 1 - q->lo].gone++;
        if (day < q->lo)
            continue;
        struct day_tally *d = &q->days[day - q->lo];
        d->addresses++;
        d->others += q->other;
        if (v6) {
            d->ipv6++;
            if (d->stamp_64 != q->serial_64) {
                d->stamp_64 = q->serial_64;
                d->ipv6_64s++;
            }
        }
    }
}

/* The attribution seen last in the range: the part that ends latest, ties by content. */
static const struct addrset_part *latest_part(const struct query *q, const struct addrset_group *g)
{
    const struct dict_attr *attrs = q->c->dict.attrs;
    const struct addrset_part *best = NULL;
    uint32_t best_day = 0;
    for (size_t i = 0; i < g->nparts; i++) {
        const struct addrset_part *p = &g->parts[i];
        size_t from, to;
        if (!within(q, g->days + p->at, p->n, &from, &to))
            continue;
        uint32_t last = g->days[p->at + to - 1];
        if (!best || last > best_day ||
            (last == best_day && dict_attr_cmp(&attrs[p->attr], &attrs[best->attr]) < 0)) {
            best = p;
            best_day = last;
        }
    }
    return best;
}

static void row_attr(const struct dict *d, uint32_t attr, struct census_row *row)
{
    const struct dict_attr *a = &d->attrs[attr];
    row->asn = a->asn;
    row->as_name = buf_as_span(&d->as[d->attr_as[attr]].name);
    if (a->country[0] || a->country[1])
        row->country = span_of(a->country, 2);
    row->network = dict_attr_network(a);
}

static int address_row(struct query *q, const struct addrset_group *g, uint32_t family, bool v6)
{
    size_t n, from, to;
    const uint16_t *days = days_of(q, g, &n);
    if (!within(q, days, n, &from, &to))
        return 0;
    struct census_row row = {.family = dict_family_name(&q->c->dict, family),
                             .address = addrset_ip(&g->key, v6),
                             .addresses = 1,
                             .victims = !q->other,
                             .ipv6 = v6,
                             .ipv6_64s = v6,
                             .first_day = days[from],
                             .last_day = days[to - 1],
                             .days = (uint32_t)(to - from)};
    row_attr(&q->c->dict, latest_part(q, g)->attr, &row);
    return q->row(q->ctx, &row);
}

/* Addresses come in order, and so do those that are excluded. */
static void see_excluded(struct query *q, const struct addrset_key *key, bool v6)
{
    const struct census_query *query = q->q;
    q->other = false;
    for (; q->excluded < query->n_excluded; q->excluded++) {
        const struct ip *ip = &query->excluded[q->excluded];
        bool is_v6 = !ip_is_v4(ip);
        if (is_v6 != v6 && is_v6)
            return; /* the IPv4 ones are behind us */
        if (is_v6 != v6)
            continue;
        struct addrset_key at = addrset_key(ip, v6, key->attr);
        if (addrset_less(&at, key))
            continue;
        q->other = addrset_same_address(&at, key);
        return;
    }
}

/* One family's IPv4 or IPv6 addresses. */
static int scan(struct query *q, uint32_t family, bool v6, struct err *err)
{
    size_t n = sets_of(q, family, v6);
    if (n == 0)
        return 0;
    struct addrset_group g;
    uint64_t net_64 = 0;
    int more, rc = 0;
    addrset_group_init(&g, q->sets, n, (uint32_t)q->c->dict.nattrs);
    q->serial_64++;
    q->excluded = 0;
    while (rc == 0 && (more = addrset_group_next(&g)) != 0) {
        if (more < 0) {
            rc = err_set(err, -EBADMSG, "census: the snapshot is damaged, rebuild it (%s/census)",
                         q->c->dir);
            break;
        }
        q->serial++;
        if (q->q->n_excluded)
            see_excluded(q, &g.key, v6);
        if (v6 && g.key.hi != net_64) {
            net_64 = g.key.hi;
            q->serial_64++;
        }
        if (q->q->by == CENSUS_BY_DAY)
            count_days(q, &g, v6);
        else if (q->q->by == CENSUS_BY_ADDRESS)
            rc = address_row(q, &g, family, v6);
        else
            for (size_t i = 0; i < g.nparts; i++)
                count_part(q, &g, &g.parts[i], v6);
    }
    addrset_group_free(&g);
    return rc;
}

static struct result *new_result(struct query *q, uint32_t family, uint32_t rank, uint32_t key)
{
    q->results = mem_room(q->results, q->nresults, &q->results_cap, sizeof *q->results);
    struct result *r = &q->results[q->nresults++];
    *r = (struct result){.family = family, .family_rank = rank, .key = key};
    return r;
}

static void keep_tallies(struct query *q, uint32_t family, uint32_t rank)
{
    for (size_t i = 0; i < q->ntouched; i++) {
        uint32_t key = q->touched[i];
        new_result(q, family, rank, key)->t = q->tally[key];
        q->tally[key] = (struct tally){0};
    }
    q->ntouched = 0;
}

/* Days of all of a family's sets, cut to the range that was asked for. */
static bool clip_days(struct query *q, uint32_t family)
{
    uint32_t min = ADDRSET_DAY_END, max = 0;
    for (int v6 = 0; v6 < 2; v6++)
        for (size_t i = sets_of(q, family, v6); i-- > 0;) {
            min = q->sets[i]->day_min < min ? q->sets[i]->day_min : min;
            max = q->sets[i]->day_max > max ? q->sets[i]->day_max : max;
        }
    int64_t lo = q->q->since > (int64_t)min ? q->q->since : (int64_t)min;
    int64_t hi = q->q->until < (int64_t)max + 1 ? q->q->until : (int64_t)max + 1;
    if (lo >= hi)
        return false;
    q->lo = (uint32_t)lo;
    q->hi = (uint32_t)hi;
    return true;
}

static void keep_days(struct query *q, uint32_t family, uint32_t rank)
{
    for (uint32_t day = q->lo; day < q->hi; day++) {
        const struct day_tally *d = &q->days[day - q->lo];
        if (d->addresses == 0)
            continue;
        struct result *r = new_result(q, family, rank, day);
        r->fresh = d->fresh;
        r->gone = d->gone;
        r->t = (struct tally){.addresses = d->addresses,
                              .others = d->others,
                              .ipv6 = d->ipv6,
                              .ipv6_64s = d->ipv6_64s,
                              .first_day = day,
                              .last_day = day};
    }
}

static int scan_family(struct query *q, uint32_t family, uint32_t rank, struct err *err)
{
    if (!clip_days(q, family))
        return 0;
    if (q->q->by == CENSUS_BY_DAY)
        q->days = mem_zeroed(q->hi - q->lo, sizeof *q->days);
    int rc = scan(q, family, false, err);
    if (rc == 0)
        rc = scan(q, family, true, err);
    if (q->days)
        keep_days(q, family, rank);
    else
        keep_tallies(q, family, rank);
    free(q->days);
    q->days = NULL;
    return rc;
}

/* Numbers the networks: attributions that differ in AS or country only share one. The numbers are
 * in order of content, as are the other keys but the ASes', which are the dict's. */
static void number_networks(struct query *q)
{
    const struct dict *d = &q->c->dict;
    uint32_t *order = dict_attrs_sorted(d);
    size_t n = 0;
    for (size_t i = 0; i < d->nattrs; i++) {
        const struct dict_attr *a = &d->attrs[order[i]], *b = i ? &d->attrs[order[i - 1]] : NULL;
        if (b && (a->set != b->set || a->bits != b->bits || memcmp(a->network, b->network, 16)))
            n++;
        q->key_of[order[i]] = (uint32_t)n;
    }
    q->nkeys = n + 1;
    free(order);
}

static void choose_keys(struct query *q)
{
    const struct dict *d = &q->c->dict;
    q->nkeys = 1;
    if (q->q->by == CENSUS_BY_FAMILY || q->q->by == CENSUS_BY_DAY || q->q->by == CENSUS_BY_ADDRESS)
        return;
    q->key_of = mem_resize(NULL, d->nattrs, sizeof *q->key_of);
    if (q->q->by == CENSUS_BY_NETWORK) {
        number_networks(q);
        return;
    }
    q->nkeys = q->q->by == CENSUS_BY_ASN ? d->nas : COUNTRY_KEYS;
    for (size_t i = 0; i < d->nattrs; i++)
        q->key_of[i] = q->q->by == CENSUS_BY_ASN ? d->attr_as[i]
                                                 : be16_get((const uint8_t *)d->attrs[i].country);
}

static int cmp_result(const void *x, const void *y, void *ctx)
{
    const struct result *a = x, *b = y;
    const struct query *q = ctx;
    uint32_t j = a->key, k = b->key;
    if (q->q->by != CENSUS_BY_DAY && a->t.addresses != b->t.addresses)
        return a->t.addresses > b->t.addresses ? -1 : 1;
    if (q->q->by == CENSUS_BY_ASN) {
        j = q->c->dict.as[j].asn;
        k = q->c->dict.as[k].asn;
    }
    if (j != k)
        return j < k ? -1 : 1;
    return (a->family_rank > b->family_rank) - (a->family_rank < b->family_rank);
}

static int emit(struct query *q, const struct result *r)
{
    const struct dict *d = &q->c->dict;
    uint8_t country[2];
    struct census_row row = {.family = dict_family_name(d, r->family),
                             .addresses = r->t.addresses,
                             .victims = r->t.addresses - r->t.others,
                             .ipv6 = r->t.ipv6,
                             .ipv6_64s = r->t.ipv6_64s,
                             .first_day = (int32_t)r->t.first_day,
                             .last_day = (int32_t)r->t.last_day};
    switch (q->q->by) {
    case CENSUS_BY_DAY:
        row.day = (int32_t)r->key;
        row.fresh = r->fresh;
        row.gone = r->gone;
        row.returning = r->t.addresses - r->fresh;
        break;
    case CENSUS_BY_COUNTRY:
        be16_put(country, (uint16_t)r->key);
        row.country = span_of(country, r->key ? 2 : 0);
        break;
    case CENSUS_BY_ASN:
        row.asn = d->as[r->key].asn;
        row.as_name = buf_as_span(&d->as[r->key].name);
        break;
    case CENSUS_BY_NETWORK:
        if (d->attrs[r->t.attr].set)
            row_attr(d, r->t.attr, &row);
        break;
    case CENSUS_BY_FAMILY:
    case CENSUS_BY_ADDRESS:
        break;
    }
    return q->row(q->ctx, &row);
}

static int scan_all(struct query *q, struct err *err)
{
    const struct dict *d = &q->c->dict;
    uint32_t *families = dict_families_sorted(d);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < d->nfamilies; i++)
        if (q->q->family.n == 0 || span_eq(q->q->family, dict_family_name(d, families[i])))
            rc = scan_family(q, families[i], (uint32_t)i, err);
    free(families);
    if (rc == 0 && q->nresults)
        qsort_r(q->results, q->nresults, sizeof *q->results, cmp_result, q);
    for (size_t i = 0; rc == 0 && i < q->nresults; i++)
        rc = emit(q, &q->results[i]);
    return rc;
}

int census_rows(struct census *c, const struct census_query *query, row_fn row, void *ctx,
                struct err *err)
{
    census_settle(c);
    struct query q = {.c = c, .q = query, .row = row, .ctx = ctx};
    q.runs = mem_zeroed(c->nruns + 1, sizeof *q.runs);
    q.sets = mem_zeroed(c->nruns + 1, sizeof *q.sets);
    q.nruns = census_all_runs(c, q.runs);
    choose_keys(&q);
    q.tally = mem_zeroed(q.nkeys, sizeof *q.tally);
    q.touched = mem_resize(NULL, q.nkeys, sizeof *q.touched);
    q.union_days = mem_resize(NULL, ADDRSET_DAY_END, sizeof *q.union_days);
    q.spare = mem_resize(NULL, ADDRSET_DAY_END, sizeof *q.spare);
    int rc = scan_all(&q, err);
    free(q.runs);
    free(q.sets);
    free(q.key_of);
    free(q.tally);
    free(q.touched);
    free(q.union_days);
    free(q.spare);
    free(q.results);
    return rc;
}
