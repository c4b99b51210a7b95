#include "stat/multiplicity.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "stat/multiplicity_law.h"
#include "stat/rng.h"

#define STRIDE        24   /* classes, padded: LAW_CLASSES <= STRIDE */
#define STEPS_MAX     120  /* of the EM, each two steps and an extrapolation */
#define STEPS_START   12   /* of each start, before the best are taken further */
#define STEPS_AGAIN   6    /* of a bootstrap replicate */
#define TOLERANCE     1e-7 /* of the mean logarithm of the likelihood */
#define START_FRAMES  4000
#define COUNTS_WANTED 120 /* steps that all but one in 500 counts lie in */
#define SHARE_MIN     1e-9
#define FRAMES_MIN    40

_Static_assert(LAW_CLASSES <= STRIDE, "classes fit");

/* Frames with the same counts, in whatever order, are one pattern. */
struct pattern {
    uint8_t n, counts[MULTIPLICITY_FRAME];
};

struct em {
    struct pattern *patterns;
    double *weight; /* frames that have it */
    size_t n;
    double all; /* frames */
    double unit;
    unsigned n_counts;
    bool presence, single;
    struct law_table table;
    double logp[MULTIPLICITY_COUNTS][STRIDE];
    double met[MULTIPLICITY_COUNTS][STRIDE]; /* expected days by count and class */
    double frames[STRIDE];                   /* expected frames by class */
};

static int order_patterns(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct pattern));
}

/* A pattern's counts descend. */
static struct pattern pattern_of(const struct multiplicity_frame *f, double unit)
{
    struct pattern p = {.n = f->n};
    for (unsigned i = 0; i < f->n; i++) {
        double c = ceil(f->counts[i] / unit);
        uint8_t x = c < MULTIPLICITY_COUNTS - 1 ? (uint8_t)c : MULTIPLICITY_COUNTS - 1;
        unsigned at = i;
        while (at && p.counts[at - 1] < x) {
            p.counts[at] = p.counts[at - 1];
            at--;
        }
        p.counts[at] = x;
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

static void tabulate(struct em *e, const struct law *l)
{
    law_tabulate(l, e->presence, &e->table);
    for (unsigned n = 0; n < e->n_counts; n++)
        for (unsigned c = 0; c < LAW_CLASSES; c++)
            e->logp[n][c] = e->table.logp[c][n];
}

/* What is expected of each class; returns the logarithm of the likelihood. */
static double expect(struct em *e, const struct law *l)
{
    double prior[STRIDE], loglik = 0;
    tabulate(e, l);
    for (unsigned c = 0; c < STRIDE; c++)
        prior[c] = c < LAW_CLASSES ? log(l->share[law_class_share(c)] * e->table.prior[c] + 1e-300)
                                   : -1e300;
    memset(e->met, 0, sizeof e->met);
    memset(e->frames, 0, sizeof e->frames);
    for (size_t i = 0; i < e->n; i++) {
        const struct pattern *p = &e->patterns[i];
        double x[STRIDE], top = -INFINITY, sum = 0, w = e->weight[i];
        if (w <= 0)
            continue;
        memcpy(x, prior, sizeof x);
        for (unsigned d = 0; d < p->n; d++)
            for (unsigned c = 0; c < STRIDE; c++)
                x[c] += e->logp[p->counts[d]][c];
        for (unsigned c = 0; c < LAW_CLASSES; c++)
            top = x[c] > top ? x[c] : top;
        for (unsigned c = 0; c < STRIDE; c++) {
            x[c] = c < LAW_CLASSES && x[c] > top - 40 ? exp(x[c] - top) : 0;
            sum += x[c];
        }
        loglik += w * (top + log(sum));
        for (unsigned c = 0; c < STRIDE; c++)
            x[c] *= w / sum;
        for (unsigned c = 0; c < STRIDE; c++)
            e->frames[c] += x[c];
        for (unsigned d = 0; d < p->n; d++)
            for (unsigned c = 0; c < STRIDE; c++)
                e->met[p->counts[d]][c] += x[c];
    }
    return loglik;
}

/* Expected days, hosts' days, active hosts and contacts; of h = 1 and of the others. */
struct sums {
    double hosts[2], active[2], contacts;
    double node[LAW_NODES]; /* frames */
    double node_days[LAW_NODES], node_active[LAW_NODES];
};

static void add_up(const struct em *e, struct sums *s)
{
    memset(s, 0, sizeof *s);
    for (unsigned c = 0; c < LAW_CLASSES; c++) {
        unsigned h = law_class_hosts(c);
        for (unsigned n = 0; n < e->n_counts; n++) {
            double days = e->met[n][c], act = days * e->table.active[c][n];
            s->hosts[h > 1] += days * h;
            s->active[h > 1] += act;
            s->contacts += days * n;
            if (c < LAW_NODES) {
                s->node_days[c] += days;
                s->node_active[c] += act;
            }
        }
        if (c < LAW_NODES)
            s->node[c] = e->frames[c];
    }
}

/* What Beta's mean changes, for the expected frames at the nodes' values of now. */
static double beta_value(const struct law_table *t, const struct sums *s, double active,
                         double concentration)
{
    double a = active * concentration + 2, b = (1 - active) * concentration,
           norm = lgamma(a) + lgamma(b) - lgamma(a + b), sum = 0;
    for (unsigned i = 0; i < LAW_NODES; i++)
        sum += s->node[i] * ((a - 1) * log(t->p[i]) + (b - 1) * log1p(-t->p[i]) - norm);
    return sum + s->active[1] * log(active) + (s->hosts[1] - s->active[1]) * log1p(-active);
}

static double golden(double lo, double hi, int steps, double (*f)(void *, double), void *ctx)
{
    const double ratio = 0.6180339887498949;
    double a = hi - ratio * (hi - lo), b = lo + ratio * (hi - lo), fa = f(ctx, a), fb = f(ctx, b);
    for (int i = 0; i < steps; i++) {
        if (fa > fb) {
            hi = b;
            b = a;
            fb = fa;
            fa = f(ctx, a = hi - ratio * (hi - lo));
        } else {
            lo = a;
            a = b;
            fa = fb;
            fb = f(ctx, b = lo + ratio * (hi - lo));
        }
    }
    return (lo + hi) / 2;
}

struct try_active {
    const struct em *e;
    const struct sums *s;
    double concentration;
};
static double try_active(void *ctx, double x)
{
    const struct try_active *t = ctx;
    return beta_value(&t->e->table, t->s, x, t->concentration);
}

/* The size of the negative binomial: expected days with k active hosts and n contacts. */
struct try_size {
    double (*days)[MULTIPLICITY_COUNTS];
    double extra;
    unsigned n_counts;
};
static double try_size(void *ctx, double logsize)
{
    const struct try_size *t = ctx;
    double sum = 0, size = exp(logsize);
    for (unsigned k = 1; k <= LAW_HOSTS_MAX; k++)
        for (unsigned n = k; n < t->n_counts; n++)
            if (t->days[k][n] > 1e-4)
                sum += t->days[k][n] * law_lognb(n, k, t->extra, size);
    return sum;
}

static void fit_size(const struct em *e, struct law *l)
{
    struct try_size t = {mem_zeroed(LAW_HOSTS_MAX + 1, sizeof *t.days), l->extra, e->n_counts};
    for (unsigned c = 0; c < LAW_CLASSES; c++)
        for (unsigned k = 1; k <= law_class_hosts(c); k++)
            for (unsigned n = k; n < e->n_counts; n++)
                if (e->met[n][c] > 1e-6)
                    t.days[k][n] += e->met[n][c] * e->table.binom[c][k] * e->table.nb[k][n] /
                                    (exp(e->table.logp[c][n]) + 1e-300);
    l->size = exp(golden(log(0.2), log(300), 14, try_size, &t));
    if (try_size(&t, log(1e6)) >= try_size(&t, log(l->size)))
        l->size = 1e6;
    free(t.days);
}

static void maximize(struct em *e, struct law *l, bool size)
{
    struct sums s;
    add_up(e, &s);
    double share[MULTIPLICITY_CLASSES] = {0}, all = 0;
    for (unsigned c = 0; c < LAW_CLASSES; c++) {
        share[law_class_share(c)] += e->frames[c];
        all += e->frames[c];
    }
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        l->share[i] = share[i] / all;
    double active = s.active[0] + s.active[1], hosts = s.hosts[0] + s.hosts[1];
    if (isfinite(l->concentration)) {
        struct try_active t = {e, &s, l->concentration};
        l->active =
            golden(fmax(0.01, l->active - 0.1), fmin(0.99, l->active + 0.1), 16, try_active, &t);
    } else
        l->active = fmin(fmax(active / hosts, 1e-3), 0.999);
    if (!e->presence) {
        l->extra = fmax(s.contacts / active - 1, 1e-9);
        if (size)
            fit_size(e, l);
    }
}

/* The law as a vector, for extrapolation. */
#define VECTOR (3 + MULTIPLICITY_CLASSES)
static void to_vector(const struct law *l, double *v)
{
    v[0] = log(l->active / (1 - l->active));
    v[1] = log(l->extra + 1e-9);
    v[2] = l->size < 1e5 ? log(l->size) : 7;
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        v[3 + i] = sqrt(l->share[i]);
}
static void of_vector(const double *v, struct law *l)
{
    double all = 0;
    l->active = fmin(fmax(1 / (1 + exp(-v[0])), 1e-3), 0.999);
    l->extra = fmax(exp(fmin(v[1], 8)) - 1e-9, 1e-9);
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++) {
        double x = v[3 + i] > 0 ? v[3 + i] * v[3 + i] : 0;
        l->share[i] = x < SHARE_MIN ? SHARE_MIN : x;
        all += l->share[i];
    }
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        l->share[i] /= all;
}

/* Two steps and an extrapolation along them, as long as it helps. Returns the likelihood. */
static double climb(struct em *e, struct law *l, unsigned steps)
{
    double before = -INFINITY, now = expect(e, l);
    for (unsigned s = 0; s < steps; s++) {
        double v0[VECTOR], v1[VECTOR], v2[VECTOR], x[VECTOR], rr = 0, vv = 0;
        to_vector(l, v0);
        maximize(e, l, s % 4 == 0);
        expect(e, l);
        to_vector(l, v1);
        maximize(e, l, false);
        double plain = expect(e, l);
        to_vector(l, v2);
        struct law safe = *l;
        for (unsigned i = 0; i < VECTOR; i++) {
            double r = v1[i] - v0[i], v = v2[i] - v1[i] - r;
            rr += i == 2 ? 0 : r * r;
            vv += i == 2 ? 0 : v * v;
        }
        double alpha = vv > 0 ? sqrt(rr / vv) : 1;
        alpha = alpha < 1 ? 1 : alpha > 50 ? 50 : alpha;
        for (unsigned i = 0; i < VECTOR; i++) {
            double r = v1[i] - v0[i], v = v2[i] - v1[i] - r;
            x[i] = v0[i] + 2 * alpha * r + alpha * alpha * v;
        }
        of_vector(x, l);
        now = expect(e, l);
        if (!(now >= plain)) {
            *l = safe;
            now = expect(e, l);
        }
        if (now - before < TOLERANCE * e->all && s > 3)
            break;
        before = now;
    }
    return now;
}

static void gather(struct em *e, const struct multiplicity_frame *frames, size_t n,
                   uint32_t *pattern_of_frame)
{
    struct keyed {
        struct pattern p;
        uint32_t frame;
    } *all = mem_zeroed(n, sizeof *all);
    for (size_t i = 0; i < n; i++)
        all[i] = (struct keyed){pattern_of(&frames[i], e->unit), (uint32_t)i};
    qsort(all, n, sizeof *all, order_patterns);
    e->patterns = mem_zeroed(n, sizeof *e->patterns);
    e->weight = mem_zeroed(n, sizeof *e->weight);
    e->n_counts = 2;
    for (size_t i = 0; i < n; i++) {
        if (!e->n || memcmp(&e->patterns[e->n - 1], &all[i].p, sizeof all[i].p))
            e->patterns[e->n++] = all[i].p;
        e->weight[e->n - 1]++;
        pattern_of_frame[all[i].frame] = (uint32_t)e->n - 1;
        if (all[i].p.counts[0] + 1u > e->n_counts)
            e->n_counts = all[i].p.counts[0] + 1u;
    }
    e->table.n_counts = e->n_counts;
    e->all = (double)n;
    free(all);
}

/* Mean contacts of an active host, in contacts and not in steps: contacts of all frames by the
 * expected active hosts. */
static double mean_contacts(const struct em *e, const struct law *l, double counted)
{
    struct sums s;
    (void)l;
    add_up(e, &s);
    return counted / (s.active[0] + s.active[1]);
}

/* Starts: a single host has this part of the mean contacts of an address's day. */
static const double starts[] = {1, 0.7, 0.5, 0.33, 0.2, 0.1, 0.05};

static struct law start_of(const struct em *e, double part)
{
    double days = 0, some = 0, contacts = 0;
    for (size_t i = 0; i < e->n; i++)
        for (unsigned d = 0; d < e->patterns[i].n; d++) {
            days += e->weight[i];
            some += e->weight[i] * (e->patterns[i].counts[d] > 0);
            contacts += e->weight[i] * e->patterns[i].counts[d];
        }
    struct law l = {.concentration = INFINITY, .size = 2};
    double mean = part * contacts / some, seen = fmin(some / days, 0.97);
    l.active = 1 - pow(1 - seen, part > 0.3 ? part : 0.3);
    l.extra = fmax(mean - 1, 0.01);
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        l.share[i] = exp(-fabs(log(multiplicity_hosts[i] * part)) * 1.5);
    double all = 0;
    l.share[0] += 0.2;
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        all += l.share[i];
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        l.share[i] /= all;
    return l;
}

static double nat_hosts(const struct law *l)
{
    double hosts = 0;
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        hosts += l->share[i] * multiplicity_hosts[i];
    return hosts;
}

/* The likeliest of several starts; of those that are as likely, the one with the fewest hosts. */
static double search(struct em *e, struct law *best)
{
    double top = -INFINITY;
    for (unsigned i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct law l = start_of(e, starts[i]);
        if (e->single) {
            if (i)
                break;
            memset(l.share, 0, sizeof l.share);
            l.share[0] = 1;
        }
        if (l.extra <= 0.011 && i)
            break;
        double value = climb(e, &l, STEPS_START);
        if (value > top + 3 || (value > top - 3 && nat_hosts(&l) < nat_hosts(best))) {
            *best = l;
            top = value > top ? value : top;
        }
    }
    return climb(e, best, STEPS_MAX);
}

/* Hosts that differ in how often they are active: taken when it is clearly likelier. */
static double spread_active(struct em *e, struct law *l, double loglik)
{
    static const double concentrations[] = {40, 20, 10, 6, 4, 2.5, 1.5};
    for (unsigned i = 0; i < sizeof concentrations / sizeof *concentrations; i++) {
        struct law x = *l;
        x.concentration = concentrations[i];
        double value = climb(e, &x, STEPS_START * 2);
        if (value < loglik + (isfinite(l->concentration) ? 0 : 4)) {
            if (i > 1)
                break;
            continue;
        }
        *l = x;
        loglik = value;
    }
    return loglik;
}

static double seen_share(const struct law *l, unsigned i)
{
    double p[LAW_NODES], prior[LAW_NODES];
    if (i)
        return pow(1 - pow(1 - l->active, multiplicity_hosts[i]), 2);
    if (!isfinite(l->concentration))
        return l->active * l->active;
    law_nodes(l->active, l->concentration, p, prior);
    double a = l->active, c = l->concentration;
    return a * (a * c + 1) / (c + 1); /* E p^2 of Beta */
}

static void report(const struct em *e, const struct law *l, double counted,
                   struct multiplicity *out)
{
    double lines = 0, hosts = 0, nat = 0;
    out->contacts = e->presence ? 1 : fmax(1, mean_contacts(e, l, counted));
    out->spread = e->presence ? 0 : sqrt(l->extra + l->extra * l->extra / l->size) * e->unit;
    out->active = l->active;
    out->concentration = l->concentration;
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++) {
        out->lines[i] = l->share[i] / seen_share(l, i);
        lines += out->lines[i];
    }
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++) {
        out->lines[i] /= lines;
        hosts += out->lines[i] * multiplicity_hosts[i];
        nat += i ? out->lines[i] * multiplicity_hosts[i] : 0;
    }
    out->nat_share = nat / hosts;
}

/* Resamples addresses, climbs on from the estimate, and takes the covariance. */
static void bootstrap(struct em *e, const struct law *l, const struct multiplicity_frame *frames,
                      size_t n, const uint32_t *pattern, const struct multiplicity_options *o,
                      struct multiplicity *out)
{
    struct rng r;
    double *kept = mem_zeroed(e->n, sizeof *kept), sm = 0, sp = 0, mm = 0, pp = 0, mp = 0;
    memcpy(kept, e->weight, e->n * sizeof *kept);
    rng_seed(&r, o->seed);
    for (unsigned b = 0; b < o->replicates; b++) {
        memset(e->weight, 0, e->n * sizeof *e->weight);
        double counted = 0, limit = exp(-1);
        unsigned times = 0;
        e->all = 0;
        for (size_t i = 0; i < n; i++) {
            if (!i || frames[i].address != frames[i - 1].address) {
                times = 0; /* Poisson of mean 1 */
                for (double u = rng_unit(&r); u > limit; u *= rng_unit(&r))
                    times++;
            }
            e->weight[pattern[i]] += times;
            e->all += times;
            for (unsigned d = 0; d < frames[i].n; d++)
                counted += times * frames[i].counts[d];
        }
        struct law x = *l;
        climb(e, &x, STEPS_AGAIN);
        double m = e->presence ? 0 : log(fmax(1, mean_contacts(e, &x, counted)));
        double p = log(x.active / (1 - x.active));
        sm += m, sp += p, mm += m * m, pp += p * p, mp += m * p;
    }
    double k = o->replicates;
    if (k > 1) {
        out->var_contacts = fmax(0, (mm - sm * sm / k) / (k - 1));
        out->var_active = fmax(0, (pp - sp * sp / k) / (k - 1));
        out->cov = (mp - sm * sp / k) / (k - 1);
    }
    memcpy(e->weight, kept, e->n * sizeof *kept);
    e->all = (double)n;
    free(kept);
}

bool multiplicity_fit(const struct multiplicity_frame *frames, size_t n,
                      const struct multiplicity_options *o, struct multiplicity *out)
{
    double counted = 0, some = 0;
    *out = (struct multiplicity){.contacts = 1, .active = 0.5, .concentration = INFINITY};
    out->lines[0] = 1;
    for (size_t i = 0; i < n; i++)
        for (unsigned d = 0; d < frames[i].n; d++) {
            counted += frames[i].counts[d];
            some += frames[i].counts[d] > 0;
            out->days++;
        }
    out->frames = n;
    if (some > 0 && !o->presence)
        out->contacts = counted / some;
    if (out->days)
        out->active = fmin(fmax(some / (double)out->days, 0.01), 0.99);
    if (n < FRAMES_MIN || some < FRAMES_MIN / 2)
        return false;
    uint32_t *pattern = mem_zeroed(n, sizeof *pattern);
    struct em *e = mem_zeroed(1, sizeof *e);
    e->presence = o->presence;
    e->single = o->single;
    e->unit = unit_of(frames, n);
    gather(e, frames, n, pattern);
    struct law law = {0};
    out->loglik = search(e, &law);
    out->loglik = spread_active(e, &law, out->loglik);
    expect(e, &law);
    report(e, &law, counted, out);
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
