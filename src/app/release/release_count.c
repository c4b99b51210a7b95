/* What is counted for a release: hosts and addresses by day, by country, by family. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/release/release_make.h"
#include "base/mem.h"
#include "base/utc.h"
#include "view/estimate.h"

#define SEED 1 /* as `ebb census --estimate` has it */

void release_figures_free(struct release_figures *f)
{
    free(f->days.v);
    free(f->countries.v);
    free(f->families.v);
    free(f->spam.v);
    memset(f, 0, sizeof *f);
}

/* ---- sums of estimates ---- */

/* Families are estimated apart: their sum's interval is that of independent errors. */
struct sum {
    double value, below, above; /* squares of the distances to the interval's ends */
};

static void sum_add(struct sum *s, const struct hosts_number *x)
{
    if (!isfinite(x->value))
        return;
    double low = isfinite(x->low) ? x->value - x->low : 0;
    double high = isfinite(x->high) ? x->high - x->value : 0;
    s->value += x->value;
    s->below += low * low;
    s->above += high * high;
}

static uint64_t whole(double v)
{
    return v > 0 && v < 1e15 ? (uint64_t)llround(v) : 0;
}

static struct release_number number_of(const struct sum *s)
{
    return (struct release_number){whole(s->value), whole(s->value - sqrt(s->below)),
                                   whole(s->value + sqrt(s->above))};
}

static struct release_number exactly(uint64_t n)
{
    return (struct release_number){n, n, n};
}

/* ---- being counted ---- */

struct day {
    struct sum infected, hosts;
    uint64_t addresses;
    double alive, weight; /* for the decline: unsmoothed; of the largest family there */
    double most;
    bool seen;
};
struct group { /* a country or a family */
    struct buf key;
    struct sum hosts;
    uint64_t addresses;
};
struct groups {
    struct group *v;
    size_t n, cap;
};

struct count {
    struct casedir *c;
    struct release_doc *doc;
    struct ip *excluded;
    size_t n_excluded;
    enum census_by by; /* rows at hand */
    int32_t first;     /* of `days` */
    struct day *days;
    size_t n_days;
    struct groups countries, families;
    struct sum range_hosts, week_hosts;
    uint64_t range_addresses;
};

static struct group *group_of(struct groups *g, struct span key)
{
    for (size_t i = 0; i < g->n; i++)
        if (span_eq(buf_as_span(&g->v[i].key), key))
            return &g->v[i];
    g->v = mem_room(g->v, g->n, &g->cap, sizeof *g->v);
    struct group *added = &g->v[g->n++];
    memset(added, 0, sizeof *added);
    buf_span(&added->key, key);
    return added;
}

static void groups_free(struct groups *g)
{
    for (size_t i = 0; i < g->n; i++)
        buf_free(&g->v[i].key);
    free(g->v);
}

/* A country as it is published: two capital letters, or not known. */
static struct span country_of(struct span s)
{
    bool good = s.n == 2 && s.p[0] >= 'A' && s.p[0] <= 'Z' && s.p[1] >= 'A' && s.p[1] <= 'Z';
    return good ? s : span_str("");
}

static int take_country(void *ctx, const struct estimate_segment *s)
{
    struct count *k = ctx;
    sum_add(&group_of(&k->countries, country_of(span_of(s->country, 2)))->hosts, &s->hosts.seen);
    return 0;
}

/* Room for the days from `since` on; the first family's first day may not be the first one. */
static void make_days(struct count *k)
{
    k->first = k->doc->since;
    k->n_days = (size_t)(k->doc->until - k->doc->since);
    k->days = mem_zeroed(k->n_days, sizeof *k->days);
}

static void take_days(struct count *k, const struct estimate *e)
{
    size_t all = hosts_days(e->fit), first = hosts_first_day(e->fit);
    double *alive = mem_zeroed(all, sizeof *alive);
    double *weight = mem_zeroed((size_t)(e->until - e->since), sizeof *weight);
    hosts_alive(e->fit, -1, alive);
    estimate_weights(e, weight);
    for (int32_t d = e->since; d < e->until; d++) {
        struct day *day = &k->days[d - k->first];
        struct estimate_day x;
        estimate_day(e, d, &x);
        double a = alive[(size_t)d - first];
        if (isfinite(a) && a >= day->most) {
            day->most = a;
            day->weight = weight[d - e->since];
        }
        day->alive += isfinite(a) ? a : 0;
        if (!x.addresses_raw)
            continue;
        day->seen = true;
        sum_add(&day->infected, &x.hosts.alive);
        sum_add(&day->hosts, &x.hosts.seen);
        day->addresses += x.hosts.addresses;
    }
    free(alive);
    free(weight);
}

/* Hosts of the last days. */
static void take_week(struct count *k, const struct estimate *e)
{
    struct hosts_range r;
    int32_t since = e->since > k->doc->week_since ? e->since : k->doc->week_since;
    int32_t until = e->until < k->doc->until ? e->until : k->doc->until;
    if (since >= until)
        return;
    hosts_range(e->fit, (unsigned)since, (unsigned)until - 1, &r);
    sum_add(&k->week_hosts, &r.seen);
    sum_add(&group_of(&k->families, e->family)->hosts, &r.seen);
    estimate_segment_hosts(e, HOSTS_COUNTRY, since, until, take_country, k);
}

static int take_family(void *ctx, const struct estimate *e)
{
    struct count *k = ctx;
    sum_add(&k->range_hosts, &e->range.seen);
    k->range_addresses += e->range.addresses;
    take_days(k, e);
    take_week(k, e);
    return 0;
}

static int take_row(void *ctx, const struct census_row *r)
{
    struct count *k = ctx;
    if (k->by == CENSUS_BY_COUNTRY) {
        group_of(&k->countries, country_of(r->country))->addresses += r->victims;
        return 0;
    }
    group_of(&k->families, r->family)->addresses += r->victims;
    return 0;
}

static int count_addresses(struct count *k, enum census_by by, struct err *err)
{
    struct census_query q = {.by = by,
                             .since = k->doc->week_since,
                             .until = k->doc->until,
                             .excluded = k->excluded,
                             .n_excluded = k->n_excluded};
    k->by = by;
    return census_rows(k->c->census, &q, take_row, k, err);
}

/* ---- the first day, and who is no victim ---- */

static int take_first(void *ctx, const struct census_row *r)
{
    int32_t *first = ctx;
    *first = r->first_day < *first ? r->first_day : *first;
    return 0;
}

static int find_first(struct count *k, struct err *err)
{
    struct census_query q = {.by = CENSUS_BY_FAMILY, .since = INT32_MIN, .until = k->doc->until};
    int32_t first = INT32_MAX;
    int rc =
        k->doc->since != INT32_MIN ? 0 : census_rows(k->c->census, &q, take_first, &first, err);
    if (rc < 0 || k->doc->since != INT32_MIN)
        return rc;
    if (first == INT32_MAX)
        return err_set(err, -ENODATA, "nothing was seen in that time: nothing to publish");
    if (k->doc->until - first > RELEASE_DAYS_MAX)
        first = k->doc->until - RELEASE_DAYS_MAX;
    k->doc->since = first;
    return 0;
}

static int leave_out(struct count *k, struct err *err)
{
    const struct config_cleanup *cleanup = &k->c->config->cleanup;
    struct judge *judge;
    int rc = judge_new(cleanup->judged, cleanup->known_count, k->c->judgements, &judge);
    if (rc == 0) {
        rc = judge_excluded(judge, k->c->sources, &k->excluded, &k->n_excluded);
        judge_free(judge);
    }
    return rc < 0 ? err_set(err, rc, "what addresses are taken for could not be told") : 0;
}

/* ---- what was counted ---- */

static struct release_count *add_count(struct release_counts *c, struct span key)
{
    c->v = mem_room(c->v, c->n, &c->cap, sizeof *c->v);
    struct release_count *x = &c->v[c->n++];
    memset(x, 0, sizeof *x);
    if (key.n >= RELEASE_KEY_MAX)
        key.n = RELEASE_KEY_MAX - 1;
    while (key.n && !span_is_utf8(key))
        key.n--;
    memcpy(x->key, key.n ? (const char *)key.p : "", key.n);
    return x;
}

static void give_days(const struct count *k, struct release_counts *out)
{
    for (size_t i = 0; i < k->n_days; i++) {
        char date[UTC_TEXT_MAX];
        const struct day *d = &k->days[i];
        if (!d->seen)
            continue;
        unsigned n = utc_format_date((int64_t)(k->first + (int32_t)i) * UTC_DAY, date);
        struct release_count *c = add_count(out, span_of(date, n));
        c->n[RELEASE_INFECTED] = number_of(&d->infected);
        c->n[RELEASE_HOSTS] = number_of(&d->hosts);
        c->n[RELEASE_ADDRESSES] = exactly(d->addresses);
    }
}

static int cmp_count(const void *a, const void *b)
{
    return strcmp(((const struct release_count *)a)->key, ((const struct release_count *)b)->key);
}

static int cmp_group(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->addresses != y->addresses)
        return x->addresses > y->addresses ? -1 : 1;
    return span_cmp(buf_as_span(&x->key), buf_as_span(&y->key));
}

/* Names that are the same once they were cut are one; what is beyond the most is the others. */
static void give_groups(struct groups *g, size_t most, struct release_counts *out)
{
    struct release_counts names = {0};
    if (g->n)
        qsort(g->v, g->n, sizeof *g->v, cmp_group);
    for (size_t i = 0; i < g->n; i++) {
        struct release_count *c =
            add_count(&names, i < most ? buf_as_span(&g->v[i].key) : span_str(""));
        c->n[RELEASE_WEEK_HOSTS] = number_of(&g->v[i].hosts);
        c->n[RELEASE_WEEK_ADDRESSES] = exactly(g->v[i].addresses);
    }
    if (names.n)
        qsort(names.v, names.n, sizeof *names.v, cmp_count);
    for (size_t i = 0; i < names.n; i++) {
        bool same = out->n && strcmp(out->v[out->n - 1].key, names.v[i].key) == 0;
        if (!same) {
            *add_count(out, span_str(names.v[i].key)) = names.v[i];
            continue;
        }
        for (unsigned q = 0; q < RELEASE_WEEK_STATS; q++) {
            struct release_number *x = &out->v[out->n - 1].n[q], *y = &names.v[i].n[q];
            *x = (struct release_number){x->value + y->value, x->low + y->low, x->high + y->high};
        }
    }
    free(names.v);
}

/* Hosts of countries are estimated country by country: what they lack of the whole is not known
 * where. */
static void give_unknown(struct count *k)
{
    struct sum known = {0};
    struct group *none = group_of(&k->countries, span_str(""));
    none->hosts = (struct sum){0};
    for (size_t i = 0; i < k->countries.n; i++)
        known.value += k->countries.v[i].hosts.value;
    none->hosts.value = k->week_hosts.value > known.value ? k->week_hosts.value - known.value : 0;
}

/* Where it is the rounding that is left, there is nobody without a country. */
static void drop_nobody(struct release_counts *c)
{
    struct release_count *none = c->v; /* "" is the first */
    if (!c->n || none->key[0] || none->n[RELEASE_WEEK_ADDRESSES].value)
        return;
    memmove(none, none + 1, --c->n * sizeof *none);
}

/* Of all families together: as `ebb census --estimate` does it for each. */
static void give_half_life(const struct count *k, struct release_half_life *out)
{
    double *t = mem_zeroed(k->n_days, sizeof *t), *count = mem_zeroed(k->n_days, sizeof *count);
    double *weight = mem_zeroed(k->n_days, sizeof *weight);
    size_t from = 0, n = 0;
    while (from < k->n_days && !k->days[from].seen)
        from++;
    for (size_t i = from; i < k->n_days; i++, n++) {
        t[n] = (double)n + 0.5; /* a day's count is that of its middle */
        count[n] = k->days[i].alive;
        weight[n] = k->days[i].weight;
    }
    while (n && !k->days[from + n - 1].seen)
        n--;
    struct curve_series s = {.t = t, .count = count, .weight = weight, .n = n};
    struct curve_options options = {.seed = SEED};
    struct curve_decline d;
    curve_decline(&s, &options, &d, NULL);
    *out = (struct release_half_life){.days = NAN, .low = NAN, .high = NAN};
    if (d.state == CURVE_FITTED) {
        out->days = d.half_life.value;
        out->low = d.half_life.low;
        out->high = d.half_life.high;
    } else {
        snprintf(out->why, sizeof out->why, "%s", curve_state_why(d.state));
    }
    free(t);
    free(count);
    free(weight);
}

static void give(struct count *k, struct release_figures *out)
{
    give_unknown(k);
    give_days(k, &out->days);
    give_groups(&k->countries, SIZE_MAX, &out->countries);
    drop_nobody(&out->countries);
    give_groups(&k->families, RELEASE_FAMILIES_MAX, &out->families);
    out->range[RELEASE_WEEK_HOSTS] = number_of(&k->range_hosts);
    out->range[RELEASE_WEEK_ADDRESSES] = exactly(k->range_addresses);
    out->week[RELEASE_WEEK_HOSTS] = number_of(&k->week_hosts);
    for (size_t i = 0; i < out->families.n; i++)
        out->week[RELEASE_WEEK_ADDRESSES].value +=
            out->families.v[i].n[RELEASE_WEEK_ADDRESSES].value;
    out->week[RELEASE_WEEK_ADDRESSES] = exactly(out->week[RELEASE_WEEK_ADDRESSES].value);
    give_half_life(k, &out->half_life);
}

static int count_hosts(struct count *k, struct err *err)
{
    struct estimate_options options = {.since = k->doc->since,
                                       .until = k->doc->until,
                                       .excluded = k->excluded,
                                       .n_excluded = k->n_excluded,
                                       .seed = SEED};
    make_days(k);
    return estimate_families(k->c->census, k->c->activity, &options, take_family, k, err);
}

int release_count(struct casedir *c, struct release_doc *doc, struct release_figures *out,
                  struct err *err)
{
    struct count k = {.c = c, .doc = doc};
    int rc = find_first(&k, err);
    if (rc == 0)
        rc = leave_out(&k, err);
    if (rc == 0) {
        sources_close(c->sources); /* large, and not needed any more */
        c->sources = NULL;
        rc = count_hosts(&k, err);
    }
    if (rc == 0)
        rc = count_addresses(&k, CENSUS_BY_COUNTRY, err);
    if (rc == 0)
        rc = count_addresses(&k, CENSUS_BY_FAMILY, err);
    if (rc == 0)
        give(&k, out);
    if (rc == 0 && !out->days.n)
        rc = err_set(err, -ENODATA, "nothing was seen in that time: nothing to publish");
    if (rc == 0)
        rc = release_count_spam(c, doc, &out->spam, err);
    free(k.days);
    free(k.excluded);
    groups_free(&k.countries);
    groups_free(&k.families);
    return rc;
}
