#include "view/estimate.h"

#include <math.h>
#include <unistd.h>

#include "base/mem.h"
#include "view/estimate_impl.h"

/* A day without any contact, or an hour of it, was not watched when so many were to be expected. */
#define EXPECTED_MIN 20
#define WEEK         7

static unsigned threads_of(const struct estimate_options *o)
{
    long n = o->threads ? (long)o->threads : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > ESTIMATE_THREADS_MAX ? ESTIMATE_THREADS_MAX : (unsigned)n;
}

/* Families with their days, copied: the view's names may move. */
struct families {
    struct family {
        struct buf name;
        uint16_t first, last;
    } * v;
    size_t n, cap;
    struct span want;
};

static int add_family(void *ctx, const struct activity_family *f)
{
    struct families *l = ctx;
    if ((l->want.n && !span_eq(l->want, f->name)) || f->address_days == 0)
        return 0;
    l->v = mem_room(l->v, l->n, &l->cap, sizeof *l->v);
    struct family *x = &l->v[l->n++];
    *x = (struct family){.first = f->day_min, .last = f->day_max};
    buf_span(&x->name, f->name);
    return 0;
}

static void free_families(struct families *l)
{
    for (size_t i = 0; i < l->n; i++)
        buf_free(&l->v[i].name);
    free(l->v);
}

/* The range, and the days that are learned from; false: not seen in the range. */
static bool set_days(struct estimate_work *w, const struct family *f)
{
    int32_t since = w->options->since > f->first ? w->options->since : f->first;
    int32_t until = w->options->until <= f->last ? w->options->until - 1 : f->last;
    if (since > until)
        return false;
    w->first = f->first;
    w->last = f->last;
    if (w->last - w->first >= HOSTS_DAYS_MAX) {
        w->last = (uint16_t)until;
        if (w->last - w->first >= HOSTS_DAYS_MAX)
            w->first = (uint16_t)(w->last - HOSTS_DAYS_MAX + 1);
        since = since < w->first ? w->first : since;
    }
    w->since = (uint16_t)since;
    w->until = (uint16_t)until;
    return true;
}

static void work_free(struct estimate_work *w)
{
    free(w->ases.values);
    free(w->ases.slots);
    free(w->countries.values);
    free(w->countries.slots);
    free(w->raw_by_day);
    free(w->as_addresses);
    free(w->country_addresses);
    free(w->hours);
    if (w->hosts)
        hosts_free(w->hosts);
}

/* Contacts of a day as its neighbours within a week lead to expect them. */
static double expected(const uint64_t *contacts, size_t n, size_t at)
{
    size_t from = at < WEEK ? 0 : at - WEEK, to = at + WEEK < n ? at + WEEK : n - 1;
    uint64_t sum = 0, days = 0;
    for (size_t i = from; i <= to; i++) {
        sum += i == at ? 0 : contacts[i];
        days += i != at && contacts[i];
    }
    return days ? (double)sum / (double)days : 0;
}

unsigned estimate_watched(const struct estimate_work *w, const struct hosts_fit *f, double *weight)
{
    static const uint32_t all = (1u << 24) - 1;
    size_t n = w->until - w->since + 1u, whole = 0;
    const uint32_t *hours = w->hours + (w->since - w->first);
    uint64_t *contacts = mem_zeroed(n, sizeof *contacts);
    unsigned out = 0;
    for (size_t i = 0; i < n; i++) {
        struct hosts_day d;
        hosts_day(f, w->since + (unsigned)i, &d);
        contacts[i] = d.contacts;
        whole += hours[i] == all;
    }
    for (size_t i = 0; i < n; i++) {
        double per_day = expected(contacts, n, i);
        bool none = contacts[i] == 0 && per_day >= EXPECTED_MIN;
        /* Feeds may have one time for a whole day. */
        bool part = 2 * whole > n && hours[i] != all && per_day >= 24 * EXPECTED_MIN;
        weight[i] = none || part ? 0 : 1;
        out += none || part;
    }
    free(contacts);
    return out;
}

void estimate_decline(const struct curve_series *s, uint64_t seed, unsigned draws,
                      struct estimate_decline *out)
{
    static const struct curve_interval never = {INFINITY, INFINITY, INFINITY};
    struct curve_options options = {.seed = seed, .draws = draws};
    struct curve_decline d;
    struct curve_series from_midnight = *s;
    double *noon = mem_zeroed(s->n, sizeof *noon);
    /* A day's count is that of its middle; half-lives are counted from the first day's beginning.
     */
    for (size_t i = 0; i < s->n; i++)
        noon[i] = (double)i + 0.5;
    from_midnight.t = noon;
    curve_decline(&from_midnight, &options, &d, NULL);
    free(noon);
    *out = (struct estimate_decline){d.state, curve_shape_name(d.best), never, never, never};
    if (d.state != CURVE_FITTED)
        return;
    out->half_life = d.half_life;
    out->gone90 = d.gone90;
    out->shape = d.shape;
}

static void declines(struct estimate_work *w, struct estimate *e)
{
    size_t n = w->until - w->since + 1u, all = hosts_days(e->fit);
    double *alive = mem_zeroed(all, sizeof *alive);
    double *count = mem_zeroed(n, sizeof *count), *weight = mem_zeroed(n, sizeof *weight);
    struct curve_series s = {.count = alive + (w->since - w->first), .weight = weight, .n = n};
    e->days_left_out = estimate_watched(w, e->fit, weight);
    hosts_alive(e->fit, -1, alive);
    estimate_decline(&s, w->options->seed, 0, &e->hosts);
    for (size_t i = 0; i < n; i++) {
        struct hosts_day d;
        hosts_day(e->fit, w->since + (unsigned)i, &d);
        count[i] = (double)d.addresses;
    }
    s.count = count;
    estimate_decline(&s, w->options->seed, 0, &e->addresses);
    free(alive);
    free(count);
    free(weight);
}

static int estimate_family(struct estimate_work *w,
                           int (*each)(void *ctx, const struct estimate *e), void *ctx,
                           struct err *err)
{
    int rc = estimate_survey(w, err);
    if (rc == 0)
        rc = estimate_join(w, err);
    if (rc < 0)
        return rc;
    struct hosts_options options = {.seed = w->options->seed};
    struct hosts_fit *fit = hosts_fit(w->hosts, &options);
    struct estimate e = {.family = w->family,
                         .since = w->since,
                         .until = w->until + 1,
                         .addresses_raw = w->addresses_raw,
                         .left_out = w->left_out,
                         .params = hosts_params(fit),
                         .fit = fit,
                         .work = w};
    hosts_free(w->hosts);
    w->hosts = NULL;
    hosts_range(fit, w->since, w->until, &e.range);
    declines(w, &e);
    rc = each(ctx, &e);
    hosts_fit_free(fit);
    return rc;
}

int estimate_families(struct census *census, struct activity *activity,
                      const struct estimate_options *options,
                      int (*each)(void *ctx, const struct estimate *e), void *ctx, struct err *err)
{
    struct families l = {.want = options->family};
    int rc = activity_families(activity, add_family, &l, err);
    for (size_t i = 0; rc == 0 && i < l.n; i++) {
        struct estimate_work w = {.census = census,
                                  .activity = activity,
                                  .options = options,
                                  .family = buf_as_span(&l.v[i].name),
                                  .threads = threads_of(options)};
        if (set_days(&w, &l.v[i]))
            rc = estimate_family(&w, each, ctx, err);
        work_free(&w);
    }
    free_families(&l);
    return rc;
}

void estimate_day(const struct estimate *e, int32_t day, struct estimate_day *out)
{
    hosts_day(e->fit, (unsigned)day, &out->hosts);
    out->addresses_raw = e->work->raw_by_day[day - e->work->first];
}

unsigned estimate_weights(const struct estimate *e, double *weight)
{
    return estimate_watched(e->work, e->fit, weight);
}
