#include "stat/multiplicity.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "stat/multiplicity_em.h"
#include "stat/rng.h"

#define STEPS_MAX         120 /* of the EM */
#define STEPS_START       12  /* of each start, before the best is taken further */
#define STEPS_AGAIN       6   /* of a bootstrap replicate */
#define COUNTS_WANTED     120 /* steps that all but one in 500 counts lie in */
#define FRAMES_MIN        20
#define DAYS_MIN          60
#define OVERLAP_START     0.3
#define REPEATS_MIN       1.5 /* days a frame: single days do not tell which hosts differ */
#define POISSON_SIZE      50
#define POISSON_PLAUSIBLE 25
#define AS_LIKELY         3 /* of the logarithm of the likelihood: no reason to believe in more hosts */
#define NAT_LIKELIER      6
#define NAT_DOUBT         4
#define WIDER             2.25 /* variances: a replicate climbs a few steps only, from the estimate */
#define LIKELIER          4    /* what an assumption less must bring */

static int order_patterns(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct pattern));
}

/* A pattern's days descend. */
static struct pattern pattern_of(const struct em *e, const struct multiplicity_frame *f)
{
    struct pattern p = {.n = f->n, .level = (uint16_t)em_level((double)f->wrong)};
    for (unsigned i = 0; i < f->n; i++) {
        double c = fmin(ceil(f->counts[i] / e->unit), MULTIPLICITY_COUNTS - 1);
        uint16_t x = (uint16_t)(2 * c);
        x |= x && e->overlaps && f->overlap >> i & 1;
        unsigned at = i;
        while (at && p.days[at - 1] < x) {
            p.days[at] = p.days[at - 1];
            at--;
        }
        p.days[at] = x;
    }
    return p;
}

/* So large that all but one in 500 counts are at most COUNTS_WANTED steps. */
static double unit_of(const struct multiplicity_frame *frames, size_t n)
{
    size_t *at = mem_zeroed(UINT16_MAX + 1, sizeof *at), all = 0, over = 0;
    for (size_t i = 0; i < n; i++)
        for (unsigned d = 0; d < frames[i].n; d++, all++)
            at[frames[i].counts[d]]++;
    unsigned c = UINT16_MAX;
    for (; c > 1; c--) {
        over += at[c];
        if (over * 500 > all)
            break;
    }
    free(at);
    return c <= COUNTS_WANTED ? 1 : (double)c / COUNTS_WANTED;
}

static void gather(struct em *e, const struct multiplicity_frame *frames, size_t n,
                   uint32_t *pattern_of_frame)
{
    struct keyed {
        struct pattern p;
        uint32_t frame;
    } *all = mem_zeroed(n, sizeof *all);
    for (size_t i = 0; i < n; i++)
        all[i] = (struct keyed){pattern_of(e, &frames[i]), (uint32_t)i};
    qsort(all, n, sizeof *all, order_patterns);
    e->patterns = mem_zeroed(n, sizeof *e->patterns);
    e->weight = mem_zeroed(n, sizeof *e->weight);
    e->n_counts = 2;
    for (size_t i = 0; i < n; i++) {
        if (!e->n || memcmp(&e->patterns[e->n - 1], &all[i].p, sizeof all[i].p))
            e->patterns[e->n++] = all[i].p;
        e->weight[e->n - 1]++;
        pattern_of_frame[all[i].frame] = (uint32_t)e->n - 1;
        unsigned top = all[i].p.days[0] / 2u + 1;
        e->n_counts = top > e->n_counts ? top : e->n_counts;
    }
    e->n_symbols = 2 * e->n_counts;
    e->table.n_counts = e->n_counts;
    for (size_t i = 0; i < n; i++)
        e->days += frames[i].n;
    e->all = (double)n;
    free(all);
}

/* Each of n contacts is there with chance q: how many are. */
static void thin(double *to, double weight, unsigned n, double q)
{
    double x = weight * pow(1 - q, n);
    for (unsigned k = 0; k <= n; k++) {
        to[k] += x;
        x *= q / (1 - q) * (double)(n - k) / (k + 1);
    }
}

/* Counts of addresses whose lease changed: like those of all, of a part of the day. */
static void gather_chance(struct em *e)
{
    double all = 0, days = 0, overlap = 0, *chance = e->table.chance;
    for (size_t i = 0; i < e->n; i++)
        for (unsigned d = 0; d < e->patterns[i].n; d++) {
            unsigned x = e->patterns[i].days[d];
            if (x < 2)
                continue;
            for (unsigned q = 1; q <= 7; q += 2)
                thin(chance, e->weight[i] / 4, x / 2, q / 8.);
            overlap += (x & 1) * e->weight[i];
            days += e->weight[i];
        }
    for (unsigned n = 1; n < e->n_counts; n++)
        all += chance[n];
    for (unsigned n = 0; n < e->n_counts; n++) {
        e->table.chance_overlap[n] = e->overlaps ? fmin(0.99, 0.5 * overlap / days + 0.001) : 0;
        chance[n] = n && all > 0 ? chance[n] / all : 0;
    }
}

/* In contacts and not in steps; a step is rounded up, half of one too much. */
static double mean_contacts(const struct em *e, const struct law *l)
{
    double steps = 1 + l->extra;
    return e->presence ? 1 : e->unit > 1 ? fmax(1, (steps - 0.5) * e->unit + 0.5) : steps;
}

/* Starts: a single host has this part of the mean contacts of an address's day. */
static const double starts[] = {1, 0.7, 0.5, 0.33, 0.2, 0.1, 0.05};

static struct law start_of(const struct em *e, double part)
{
    double days = 0, some = 0, contacts = 0, all = 0;
    for (size_t i = 0; i < e->n; i++)
        for (unsigned d = 0; d < e->patterns[i].n; d++) {
            days += e->weight[i];
            some += e->weight[i] * (e->patterns[i].days[d] > 1);
            contacts += e->weight[i] * (e->patterns[i].days[d] / 2);
        }
    struct law l = {.concentration = INFINITY, .size = 2, .reused = 0.2};
    if (e->overlaps)
        em_set_overlap(&l, OVERLAP_START);
    double mean = part * contacts / some, seen = fmin(some / days, 0.97);
    l.active = 1 - pow(1 - seen, part > 0.3 ? part : 0.3);
    l.extra = fmax(mean - 1, 0.01);
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        l.share[i] = e->single ? i == 0 : exp(-fabs(log(multiplicity_hosts[i] * part)) * 1.5);
    l.share[0] += 0.2;
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        all += l.share[i];
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        l.share[i] /= all;
    return l;
}

static double mean_hosts(const struct law *l)
{
    double hosts = 0;
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        hosts += l->share[i] * multiplicity_hosts[i];
    return hosts;
}

/* Hosts that differ, in how often they are active or in how much contact they make: taken where
 * that is clearly likelier. A member of the law is tried at growing values. */
static double differing(struct em *e, struct law *l, double loglik, size_t member,
                        const double *values, size_t n)
{
    bool taken = false;
    for (size_t i = 0; i < n; i++) {
        struct law x = *l;
        *(double *)((char *)&x + member) = values[i];
        double value = em_climb(e, &x, STEPS_START * 2);
        if (value > loglik + (taken ? 0 : LIKELIER)) {
            *l = x;
            loglik = value;
            taken = true;
        } else if (i > 1)
            break;
    }
    return loglik;
}

static double differences(struct em *e, struct law *l, double loglik)
{
    static const double concentrations[] = {40, 20, 10, 6, 4, 2.5, 1.5};
    static const double spreads[] = {0.15, 0.3, 0.45, 0.6, 0.8, 1};
    if (e->days < REPEATS_MIN * e->all)
        return loglik;
    if (!e->presence)
        loglik = differing(e, l, loglik, offsetof(struct law, spread), spreads, 6);
    return differing(e, l, loglik, offsetof(struct law, concentration), concentrations, 7);
}

/* The likeliest of several starts with NAT. */
static double search_nat(struct em *e, struct law *best)
{
    double top = -INFINITY;
    for (unsigned i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct law l = start_of(e, starts[i]);
        if (i && l.extra <= 0.011)
            break;
        double value = em_climb(e, &l, STEPS_START);
        if (value > top + AS_LIKELY ||
            (value > top - AS_LIKELY && mean_hosts(&l) < mean_hosts(best))) {
            *best = l;
            top = value > top ? value : top;
        }
    }
    double value = em_climb(e, best, STEPS_MAX);
    return differences(e, best, value);
}

/* Where both are nearly as likely, the one not taken is part of what is not known. */
static void doubt(const struct em *e, const struct law *one, const struct law *nat, double likelier,
                  struct multiplicity *out)
{
    double w = 1 / (1 + exp(-(likelier - NAT_LIKELIER) / NAT_DOUBT)), both = w * (1 - w);
    double m = log(mean_contacts(e, nat) / mean_contacts(e, one));
    double p = log(nat->active / (1 - nat->active)) - log(one->active / (1 - one->active));
    out->var_contacts = both * m * m;
    out->var_active = both * p * p;
    out->cov = both * m * p;
}

/* Without NAT, and with NAT if that is clearly likelier. */
static double search(struct em *e, bool single, struct law *best, struct multiplicity *out)
{
    e->single = true;
    *best = start_of(e, 1);
    double value = em_climb(e, best, STEPS_MAX);
    value = differences(e, best, value);
    if (single)
        return value;
    struct law nat = {0};
    e->single = false;
    double other = search_nat(e, &nat);
    other -= em_prior(e, &nat);
    value -= em_prior(e, best);
    doubt(e, best, &nat, other - value, out);
    if (other > value + NAT_LIKELIER) {
        *best = nat;
        return other;
    }
    e->single = true; /* also in the bootstrap */
    return value;
}

/* Single days do not tell hosts whose contacts spread from several hosts whose contacts do not. So
 * where there are hardly others, the law with as much NAT as explains all of the spread is looked
 * at, too; if it is about as likely, the answer lies in the middle, and both are in the interval.
 */
static void between_laws(struct em *e, const struct law *l, double loglik, struct multiplicity *out)
{
    struct law poisson = {0};
    bool single = e->single;
    if (e->presence || l->size > POISSON_SIZE || e->days >= REPEATS_MIN * e->all)
        return;
    e->single = false;
    e->poisson = true;
    double value = search_nat(e, &poisson);
    value -= em_prior(e, &poisson);
    e->poisson = false;
    e->single = single;
    if (value < loglik - POISSON_PLAUSIBLE)
        return;
    double m = log(mean_contacts(e, &poisson) / out->contacts) / 2;
    double p =
        (log(poisson.active / (1 - poisson.active)) - log(out->active / (1 - out->active))) / 2;
    out->contacts *= exp(m);
    out->active = 1 / (1 + exp(-p) * (1 - out->active) / out->active);
    out->var_contacts += m * m;
    out->var_active += p * p;
    out->cov += m * p;
}

/* That a line is met on two given days. */
static double seen_twice(const struct law *l, unsigned i)
{
    double a = l->active, c = l->concentration;
    if (i)
        return pow(1 - pow(1 - a, multiplicity_hosts[i]), 2);
    return isfinite(c) ? a * (a * c + 1) / (c + 1) : a * a; /* E p^2 of Beta */
}

static void report(const struct em *e, const struct law *l, struct multiplicity *out)
{
    double lines = 0, hosts = 0, nat = 0, size = law_sum_size(l);
    out->contacts = mean_contacts(e, l);
    out->spread = e->presence ? 0 : sqrt(l->extra + l->extra * l->extra / size) * e->unit;
    out->active = l->active;
    out->concentration = l->concentration;
    out->rates = l->spread;
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        lines += out->lines[i] = l->share[i] / seen_twice(l, i);
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++) {
        out->lines[i] /= lines;
        hosts += out->lines[i] * multiplicity_hosts[i];
        nat += i ? out->lines[i] * multiplicity_hosts[i] : 0;
    }
    out->nat_share = nat / hosts;
}

/* Frames as often as their address is drawn: Poisson of mean 1. */
static void resample(struct em *e, const struct multiplicity_frame *frames, size_t n,
                     const uint32_t *pattern, struct rng *r)
{
    const double limit = exp(-1);
    unsigned times = 0;
    memset(e->weight, 0, e->n * sizeof *e->weight);
    e->all = 0;
    for (size_t i = 0; i < n; i++) {
        if (!i || frames[i].address != frames[i - 1].address) {
            times = 0;
            for (double u = rng_unit(r); u > limit; u *= rng_unit(r))
                times++;
        }
        e->weight[pattern[i]] += times;
        e->all += times;
    }
}

/* Resamples addresses, climbs on from the estimate, and takes the covariance. */
static void bootstrap(struct em *e, const struct law *l, const struct multiplicity_frame *frames,
                      size_t n, const uint32_t *pattern, const struct multiplicity_options *o,
                      struct multiplicity *out)
{
    struct rng r;
    double sm = 0, sp = 0, mm = 0, pp = 0, mp = 0, k = o->replicates;
    rng_seed(&r, o->seed);
    for (unsigned b = 0; b < o->replicates; b++) {
        resample(e, frames, n, pattern, &r);
        struct law x = *l;
        em_climb(e, &x, STEPS_AGAIN);
        double m = log(mean_contacts(e, &x)), p = log(x.active / (1 - x.active));
        sm += m, sp += p, mm += m * m, pp += p * p, mp += m * p;
    }
    if (k < 2)
        return;
    out->var_contacts += WIDER * fmax(0, (mm - sm * sm / k) / (k - 1));
    out->var_active += WIDER * fmax(0, (pp - sp * sp / k) / (k - 1));
    out->cov += WIDER * (mp - sm * sp / k) / (k - 1);
}

/* What can be said without a fit. True: there is enough for one. */
static bool plain(const struct multiplicity_frame *frames, size_t n, bool presence,
                  struct multiplicity *out)
{
    double counted = 0, some = 0;
    *out = (struct multiplicity){.contacts = 1, .active = 0.5, .concentration = INFINITY};
    out->lines[0] = 1;
    out->frames = n;
    for (size_t i = 0; i < n; i++)
        for (unsigned d = 0; d < frames[i].n; d++) {
            counted += frames[i].counts[d];
            some += frames[i].counts[d] > 0;
            out->days++;
        }
    if (some > 0 && !presence)
        out->contacts = counted / some;
    if (out->days)
        out->active = fmin(fmax(some / (double)out->days, 0.01), 0.99);
    return n >= FRAMES_MIN && out->days >= DAYS_MIN && some >= DAYS_MIN / 4.;
}

bool multiplicity_fit(const struct multiplicity_frame *frames, size_t n,
                      const struct multiplicity_options *o, struct multiplicity *out)
{
    if (!plain(frames, n, o->presence, out))
        return false;
    uint32_t *pattern = mem_zeroed(n, sizeof *pattern);
    struct em *e = mem_zeroed(1, sizeof *e);
    struct law law = {0};
    e->presence = o->presence;
    e->overlaps = o->overlaps && !o->presence;
    e->unit = unit_of(frames, n);
    gather(e, frames, n, pattern);
    gather_chance(e);
    out->loglik = search(e, o->single, &law, out);
    report(e, &law, out);
    between_laws(e, &law, out->loglik, out);
    bootstrap(e, &law, frames, n, pattern, o, out);
    free(e->patterns);
    free(e->weight);
    free(e);
    free(pattern);
    return true;
}

double multiplicity_present(const struct multiplicity *m)
{
    double hosts = 0, seen = 0;
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++) {
        double h = multiplicity_hosts[i];
        hosts += m->lines[i] * h * m->active;
        seen += m->lines[i] * (1 - pow(1 - m->active, h));
    }
    return seen > 0 ? hosts / seen : 1;
}
