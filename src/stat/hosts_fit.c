#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "stat/hosts_impl.h"
#include "stat/rng.h"

#define REPLICATES         400
#define SEGMENT_REPLICATES 50
#define Z95                1.959964

const char *hosts_method_name(enum hosts_method m)
{
    switch (m) {
    case HOSTS_BOTS:
        return "bot-ids";
    case HOSTS_COUNTS:
        return "contacts";
    case HOSTS_PRESENT:
        return "presence";
    case HOSTS_NOTHING:
        break;
    }
    return "none";
}

static void *copied(const void *p, size_t n, size_t size)
{
    void *out = mem_resize(NULL, n, size);
    if (n)
        memcpy(out, p, n * size);
    return out;
}
static void copy_tally(struct tally *to, const struct tally *from, unsigned days)
{
    if (!from->met)
        return;
    to->met = copied(from->met, days, sizeof *to->met);
    to->contacts = copied(from->contacts, days, sizeof *to->contacts);
    to->back = copied(from->back, (size_t)days * days, sizeof *to->back);
    to->more = from->more;
}
static void copy_grid(struct grid *to, const struct grid *from, unsigned days)
{
    if (!from->met)
        return;
    to->n = from->n;
    to->met = copied(from->met, from->n * days, sizeof *to->met);
    to->contacts = copied(from->contacts, from->n * days, sizeof *to->contacts);
}

static struct hosts_number spread(double value, double sd, double least)
{
    double low = value * exp(-Z95 * sd), high = value * exp(Z95 * sd);
    return (struct hosts_number){value, low < least ? fmin(least, value) : low, high};
}

/* Hosts by addresses: lower, too, where one may have had two. */
static struct hosts_number spread_moved(const struct hosts_fit *f, struct hosts_number n, double sd,
                                        double least)
{
    double low = n.value * exp(-Z95 * hypot(sd, f->moved_sd));
    n.low = fmin(n.low, fmax(low, fmin(least, n.value)));
    return n;
}

static int order_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
static struct hosts_number quantiles(double value, double *x, size_t n)
{
    qsort(x, n, sizeof *x, order_doubles);
    double lo = x[(size_t)((double)(n - 1) * 0.025)],
           hi = x[(size_t)((double)(n - 1) * 0.975 + 0.999)];
    return (struct hosts_number){value, fmin(lo, value), fmax(hi, value)};
}

/* Contacts and active share of each replicate: both at once, as they go together. */
static void draw_params(struct hosts_fit *f)
{
    struct rng r;
    rng_seed(&r, f->options.seed ^ UINT64_C(0x5bd1e995));
    double logit = log(f->law.active / (1 - f->law.active)), c = f->correlation;
    for (size_t i = 0; i < f->replicates; i++) {
        double a = rng_normal(&r), b = c * a + sqrt(1 - c * c) * rng_normal(&r);
        double moved = i & 1 ? fabs(rng_normal(&r)) * f->moved_sd : 0; /* or not at all */
        f->seen_factor[i] = exp(-a * f->log_contacts_sd - moved);
        f->active[i] = 1 / (1 + exp(-(logit + b * f->logit_active_sd)));
        if (f->params.method == HOSTS_BOTS)
            f->seen_factor[i] = 1;
    }
}

static void params_of(struct hosts_fit *f)
{
    struct hosts_params *p = &f->params;
    const struct multiplicity *m = &f->law;
    double logit = log(m->active / (1 - m->active)), met = 0, seen = 0;
    p->contacts = spread(m->contacts, f->log_contacts_sd, 1);
    p->active = (struct hosts_number){m->active, 1 / (1 + exp(-logit + Z95 * f->logit_active_sd)),
                                      1 / (1 + exp(-logit - Z95 * f->logit_active_sd))};
    for (unsigned d = 0; d < f->days; d++) {
        met += (double)f->address.met[d];
        seen += f->all.seen[d];
    }
    p->per_address = spread_moved(f, spread(met > 0 ? seen / met : NAN, f->log_contacts_sd, 0),
                                  f->log_contacts_sd, 0);
    p->nat_share = m->nat_share;
    const struct persistence *all = &f->persistence[f->as.n];
    /* The interval is over networks: most addresses' own. */
    double w = 0, sum = 0, square = 0;
    for (size_t as = 0; as < f->as.n; as++) {
        double stay = f->persistence[as].stay, k = f->persistence[as].base[0];
        if (isnan(stay))
            continue;
        double x = log(fmin(stay, 1000));
        w += k, sum += k * x, square += k * x * x;
    }
    double sd = w > 0 ? sqrt(fmax(0, square / w - sum / w * sum / w)) : 0;
    double middle = w > 0 ? exp(sum / w) : all->stay;
    p->renumber_days =
        (struct hosts_number){middle, middle * exp(-Z95 * sd), middle * exp(Z95 * sd)};
    if (p->renumber_days.high > 1000)
        p->renumber_days.high = INFINITY;
}

struct hosts_fit *hosts_fit(struct hosts *h, const struct hosts_options *options)
{
    struct hosts_fit *f = mem_zeroed(1, sizeof *f);
    hosts_flush(h);
    hosts_sample_sort(h);
    f->first = h->first;
    f->days = h->days;
    f->options = *options;
    f->replicates = options->replicates ? options->replicates : REPLICATES;
    if (f->replicates > HOSTS_REPLICATES_MAX)
        f->replicates = HOSTS_REPLICATES_MAX;
    copy_tally(&f->address, &h->address, h->days);
    copy_tally(&f->id, &h->id, h->days);
    copy_grid(&f->as, &h->as, h->days);
    copy_grid(&f->country, &h->country, h->days);
    copy_grid(&f->id_as, &h->id_as, h->days);
    copy_grid(&f->id_country, &h->id_country, h->days);
    f->law = (struct multiplicity){.contacts = 1, .active = 0.5, .concentration = INFINITY};
    hosts_learn(h, f);
    series_make(f, f->address.met, f->address.contacts, f->id.met, f->id.contacts, &f->all);
    f->seen_factor = mem_zeroed(f->replicates, sizeof *f->seen_factor);
    f->active = mem_zeroed(f->replicates, sizeof *f->active);
    f->levels = mem_zeroed(f->replicates * f->days, sizeof *f->levels);
    draw_params(f);
    for (size_t r = 0; r < f->replicates; r++)
        series_replicate(f, &f->all, r, f->levels + r * f->days);
    params_of(f);
    return f;
}

static void free_tally(struct tally *t)
{
    free(t->met);
    free(t->contacts);
    free(t->back);
}
static void free_grid(struct grid *g)
{
    free(g->met);
    free(g->contacts);
}
void hosts_fit_free(struct hosts_fit *f)
{
    if (!f)
        return;
    free_tally(&f->address);
    free_tally(&f->id);
    free_grid(&f->as);
    free_grid(&f->country);
    free_grid(&f->id_as);
    free_grid(&f->id_country);
    free(f->persistence);
    hosts_series_free(&f->all);
    free(f->seen_factor);
    free(f->active);
    free(f->levels);
    free(f);
}

const struct hosts_params *hosts_params(const struct hosts_fit *f)
{
    return &f->params;
}
unsigned hosts_first_day(const struct hosts_fit *f)
{
    return f->first;
}
size_t hosts_days(const struct hosts_fit *f)
{
    return f->days;
}
size_t hosts_replicates(const struct hosts_fit *f)
{
    return f->replicates;
}

/* What the seen of a day is off by: contacts of a host, and the day's own noise. */
static double day_sd(const struct hosts_fit *f, const struct series *s, unsigned t)
{
    double params = f->params.method == HOSTS_BOTS ? 0 : f->log_contacts_sd;
    return sqrt(params * params + s->seen_sd[t] * s->seen_sd[t]);
}

static struct hosts_number seen_day(const struct hosts_fit *f, const struct series *s, unsigned t,
                                    uint64_t ids)
{
    double sd = day_sd(f, s, t), least = f->params.method == HOSTS_BOTS ? (double)ids : 0;
    return spread_moved(f, spread(s->seen[t], sd, least), sd, least);
}

/* A replicate's hosts seen at least once, or with since = until + 1 those alive on `until`. */
static double replicate_value(const struct hosts_fit *f, const struct series *s,
                              const double *level, size_t r, unsigned since, unsigned until)
{
    double scale = f->seen_factor[r] * f->law.active / f->active[r];
    if (since > until)
        return level[until] * scale;
    return series_range(f, s, level, f->active[r], since, until) * scale;
}

static struct hosts_number interval(const struct hosts_fit *f, const struct series *s,
                                    const double *levels, size_t replicates, unsigned since,
                                    unsigned until)
{
    double *x = mem_zeroed(replicates, sizeof *x);
    double value =
        since > until ? s->level[until] : series_range(f, s, s->level, f->law.active, since, until);
    for (size_t r = 0; r < replicates; r++)
        x[r] = replicate_value(f, s, levels + r * f->days, r, since, until);
    struct hosts_number n;
    if (replicates >= 200)
        n = quantiles(value, x, replicates);
    else {
        double sum = 0, square = 0, k = 0;
        for (size_t r = 0; r < replicates; r++) {
            if (x[r] <= 0)
                continue;
            sum += log(x[r]), square += log(x[r]) * log(x[r]), k++;
        }
        n = spread(value, k > 1 ? sqrt(fmax(0, (square - sum * sum / k) / (k - 1))) : 0, 0);
    }
    free(x);
    return n;
}

static bool clip(const struct hosts_fit *f, unsigned *since, unsigned *until)
{
    unsigned last = f->first + f->days - 1;
    *since = *since < f->first ? f->first : *since;
    *until = *until > last ? last : *until;
    if (*since > *until)
        return false;
    *since -= f->first;
    *until -= f->first;
    return true;
}

void hosts_day(const struct hosts_fit *f, unsigned day, struct hosts_day *out)
{
    unsigned since = day, t = day;
    *out = (struct hosts_day){0};
    if (!clip(f, &since, &t))
        return;
    out->addresses = f->address.met[t];
    out->contacts = f->address.contacts[t];
    out->ids = f->id.met ? f->id.met[t] : 0;
    out->seen = seen_day(f, &f->all, t, out->ids);
    out->alive = interval(f, &f->all, f->levels, f->replicates, t + 1, t);
}

static double chapman(const struct hosts_fit *f, unsigned since, unsigned until, double all)
{
    unsigned middle = since + (until - since + 1) / 2;
    if (until <= since)
        return 0;
    double a = (double)hosts_distinct(&f->address, f->days, since, middle - 1),
           b = (double)hosts_distinct(&f->address, f->days, middle, until);
    return (a + 1) * (b + 1) / (a + b - all + 1) - 1;
}

/* Distinct ids, times what the contacts without one stand for. */
static struct hosts_number seen_ids(const struct hosts_fit *f, unsigned since, unsigned until,
                                    double ids)
{
    double contacts = 0, named = 0;
    for (unsigned t = since; t <= until; t++) {
        contacts += (double)f->address.contacts[t];
        named += (double)f->id.contacts[t];
    }
    double ratio = named > 0 && contacts > named ? contacts / named : 1;
    return spread(ids * ratio, 0.25 * log(ratio), ids);
}

void hosts_range(const struct hosts_fit *f, unsigned since, unsigned until, struct hosts_range *out)
{
    *out = (struct hosts_range){0};
    if (!clip(f, &since, &until))
        return;
    out->addresses = hosts_distinct(&f->address, f->days, since, until);
    out->ids = f->id.met ? hosts_distinct(&f->id, f->days, since, until) : 0;
    for (unsigned t = since; t <= until; t++) {
        out->address_days += f->address.met[t];
        out->contacts += f->address.contacts[t];
    }
    if (f->params.method == HOSTS_BOTS)
        out->seen = seen_ids(f, since, until, (double)out->ids);
    else if (since == until)
        out->seen = seen_day(f, &f->all, since, 0);
    else
        out->seen = interval(f, &f->all, f->levels, f->replicates, since, until);
    out->alive_first = interval(f, &f->all, f->levels, f->replicates, since + 1, since);
    out->alive_last = interval(f, &f->all, f->levels, f->replicates, until + 1, until);
    out->capture_recapture = chapman(f, since, until, (double)out->addresses);
}

/* One segment's series; the rows are widened into `met`. */
static bool segment_series(const struct hosts_fit *f, enum hosts_kind kind, uint32_t index,
                           struct series *s, uint64_t **met_out)
{
    const struct grid *g = kind == HOSTS_AS ? &f->as : &f->country,
                      *ids = kind == HOSTS_AS ? &f->id_as : &f->id_country;
    if (index >= g->n)
        return false;
    uint64_t *met = mem_zeroed((size_t)f->days * 2, sizeof *met), *named = met + f->days;
    for (unsigned t = 0; t < f->days; t++) {
        met[t] = g->met[(size_t)index * f->days + t];
        named[t] = ids->n ? ids->met[(size_t)index * f->days + t] : 0;
    }
    series_make(f, met, g->contacts + (size_t)index * f->days, ids->n ? named : NULL,
                ids->n ? ids->contacts + (size_t)index * f->days : NULL, s);
    *met_out = met;
    return true;
}

void hosts_segment(const struct hosts_fit *f, enum hosts_kind kind, uint32_t index, unsigned since,
                   unsigned until, struct hosts_segment *out)
{
    struct series s;
    uint64_t *met;
    *out = (struct hosts_segment){.renumber_days = NAN};
    if (!clip(f, &since, &until) || !segment_series(f, kind, index, &s, &met))
        return;
    const uint64_t *contacts =
        (kind == HOSTS_AS ? f->as.contacts : f->country.contacts) + (size_t)index * f->days;
    size_t n = f->replicates < SEGMENT_REPLICATES ? f->replicates : SEGMENT_REPLICATES;
    double *levels = mem_zeroed(n * f->days, sizeof *levels), all = 0, seen = 0, noise = 0,
           mean = 0;
    for (size_t r = 0; r < n; r++)
        series_replicate(f, &s, r, levels + r * f->days);
    for (unsigned t = 0; t < f->days; t++) {
        all += (double)met[t];
        seen += s.seen[t];
        if (t < since || t > until)
            continue;
        out->address_days += met[t];
        out->contacts += contacts[t];
        mean += s.seen[t] / (until - since + 1);
        noise += s.seen[t] * s.seen[t] * s.seen_sd[t] * s.seen_sd[t];
    }
    double params = f->params.method == HOSTS_BOTS ? 0 : f->log_contacts_sd;
    noise = mean > 0 ? noise / (mean * mean) / pow(until - since + 1., 2) : 0;
    out->seen_daily = spread(mean, sqrt(params * params + noise), 0);
    out->seen =
        since == until ? seen_day(f, &s, since, 0) : interval(f, &s, levels, n, since, until);
    out->alive_first = interval(f, &s, levels, n, since + 1, since);
    out->alive_last = interval(f, &s, levels, n, until + 1, until);
    out->per_address = spread(all > 0 ? seen / all : NAN, params, 0);
    if (kind == HOSTS_AS)
        out->renumber_days = f->persistence[index].stay;
    free(levels);
    free(met);
    hosts_series_free(&s);
}

void hosts_segment_day(const struct hosts_fit *f, enum hosts_kind kind, uint32_t index,
                       unsigned day, struct hosts_day *out)
{
    struct series s;
    uint64_t *met;
    unsigned since = day, t = day;
    *out = (struct hosts_day){0};
    if (!clip(f, &since, &t) || !segment_series(f, kind, index, &s, &met))
        return;
    out->addresses = met[t];
    out->contacts =
        (kind == HOSTS_AS ? f->as.contacts : f->country.contacts)[(size_t)index * f->days + t];
    out->seen = seen_day(f, &s, t, 0);
    out->alive =
        spread(s.level[t], hypot(day_sd(f, &s, t), f->logit_active_sd * (1 - f->law.active)), 0);
    free(met);
    hosts_series_free(&s);
}

static void alive_of(const struct hosts_fit *f, const struct series *s, int replicate,
                     double *alive)
{
    if (replicate < 0 || (size_t)replicate >= f->replicates) {
        for (unsigned t = 0; t < f->days; t++)
            alive[t] = s->middle[t] * s->residual[t];
        return;
    }
    size_t r = (size_t)replicate;
    double scale = f->seen_factor[r] * f->law.active / f->active[r];
    series_resample(f, s, r, alive);
    for (unsigned t = 0; t < f->days; t++)
        alive[t] *= scale;
}

void hosts_alive(const struct hosts_fit *f, int replicate, double *alive)
{
    alive_of(f, &f->all, replicate, alive);
}

void hosts_segment_alive(const struct hosts_fit *f, enum hosts_kind kind, uint32_t index,
                         int replicate, double *alive)
{
    struct series s;
    uint64_t *met;
    if (!segment_series(f, kind, index, &s, &met)) {
        memset(alive, 0, f->days * sizeof *alive);
        return;
    }
    alive_of(f, &s, replicate, alive);
    free(met);
    hosts_series_free(&s);
}

void hosts_segment_replicates(const struct hosts_fit *f, enum hosts_kind kind, uint32_t index,
                              size_t n, double *alive)
{
    struct series s;
    uint64_t *met;
    if (!segment_series(f, kind, index, &s, &met)) {
        memset(alive, 0, n * f->days * sizeof *alive);
        return;
    }
    for (size_t r = 0; r < n; r++)
        alive_of(f, &s, (int)r, alive + r * f->days);
    free(met);
    hosts_series_free(&s);
}
