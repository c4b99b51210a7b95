#include "stat/multiplicity_em.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define TOLERANCE     1e-7 /* of the mean logarithm of the likelihood */
#define SHARE_MIN     1e-9
#define WRONG_LEAST   5e-4
#define OVERLAP_ONE   0.003 /* of a single host: its clock, and retries */
#define SINGLE_PRIOR  0.01  /* of all frames, added to those of h = 1: single hosts exist */
#define OVERLAP_LEAST 0.1   /* of two that are active on a day: some hours each, of the same day */
#define REUSED_MAX    0.6
#define SIZE_STEPS    4 /* the negative binomial's size is fitted every so many steps */

unsigned em_level(double wrong)
{
    return (unsigned)lround(sqrt(fmin(1, fmax(0, wrong))) * (EM_LEVELS - 1));
}
static double wrong_of(unsigned level)
{
    double x = (double)level / (EM_LEVELS - 1);
    return fmax(WRONG_LEAST, x * x * 0.999);
}

static void tabulate(struct em *e, const struct law *l)
{
    law_tabulate(l, e->presence, &e->table);
    e->n_classes = 0;
    for (unsigned c = 0; c < LAW_CLASSES; c++)
        if (e->table.prior[c] > 0 && (c < LAW_NODES || c == LAW_REUSED || !e->single))
            e->classes[e->n_classes++] = c;
    for (unsigned i = 0; i < e->n_symbols; i++)
        for (unsigned c = 0; c < e->n_classes; c++)
            e->logp[i][c] = e->table.logp[e->classes[c]][i];
}

static void priors(const struct em *e, const struct law *l, double prior[EM_LEVELS][LAW_CLASSES])
{
    for (unsigned level = 0; level < EM_LEVELS; level++) {
        double wrong = wrong_of(level);
        for (unsigned i = 0; i < e->n_classes; i++) {
            unsigned c = e->classes[i];
            double held = c == LAW_REUSED ? 0 : l->share[law_class_share(c)] * e->table.prior[c];
            prior[level][i] = log(c == LAW_REUSED ? wrong : (1 - wrong) * held + 1e-300);
        }
    }
}

double em_prior(const struct em *e, const struct law *l)
{
    return SINGLE_PRIOR * e->all * log(l->share[0] + 1e-12);
}

double em_expect(struct em *e, const struct law *l)
{
    double prior[EM_LEVELS][LAW_CLASSES], loglik = em_prior(e, l);
    tabulate(e, l);
    priors(e, l, prior);
    unsigned m = e->n_classes;
    memset(e->met, 0, sizeof e->met);
    memset(e->frames, 0, sizeof e->frames);
    for (size_t i = 0; i < e->n; i++) {
        const struct pattern *p = &e->patterns[i];
        double x[LAW_CLASSES], top = -INFINITY, sum = 0, w = e->weight[i];
        if (w <= 0)
            continue;
        memcpy(x, prior[p->level], m * sizeof *x);
        for (unsigned d = 0; d < p->n; d++)
            for (unsigned c = 0; c < m; c++)
                x[c] += e->logp[p->days[d]][c];
        for (unsigned c = 0; c < m; c++)
            top = x[c] > top ? x[c] : top;
        for (unsigned c = 0; c < m; c++)
            sum += x[c] = x[c] > top - 30 ? exp(x[c] - top) : 0;
        loglik += w * (top + log(sum));
        for (unsigned c = 0; c < m; c++)
            e->frames[c] += x[c] *= w / sum;
        for (unsigned d = 0; d < p->n; d++)
            for (unsigned c = 0; c < m; c++)
                e->met[p->days[d]][c] += x[c];
    }
    return loglik;
}

/* Expected days of hosts, active hosts and contacts; [0] of h = 1 and [1] of the others. */
struct sums {
    double hosts[2], active[2];
    double rated;             /* active hosts by their rate */
    double contacts;          /* in steps */
    double node[LAW_ACTIVES]; /* frames of h = 1 */
    double reused[2];         /* days met and not, where the lease did not hold */
};

static void add_up(const struct em *e, struct sums *s)
{
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < e->n_classes; i++) {
        unsigned c = e->classes[i];
        if (c == LAW_REUSED) {
            for (unsigned x = 0; x < e->n_symbols; x++)
                s->reused[x < 2] += e->met[x][i];
            continue;
        }
        unsigned h = law_class_hosts(c);
        double active = 0, days = 0;
        for (unsigned x = 0; x < e->n_symbols; x++) {
            days += e->met[x][i];
            active += e->met[x][i] * e->table.active[c][x];
            s->contacts += e->met[x][i] * (x / 2);
        }
        s->hosts[h > 1] += days * h;
        s->active[h > 1] += active;
        s->rated += active * e->table.rate[c];
        if (c < LAW_NODES)
            s->node[c / LAW_RATES] += e->frames[i];
    }
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

/* Beta's mean, for the expected frames at the nodes' values of now. */
struct try_active {
    const struct law_table *table;
    const struct sums *sums;
    double concentration;
};
static double try_active(void *ctx, double active)
{
    const struct try_active *t = ctx;
    const struct sums *s = t->sums;
    double a = active * t->concentration + 2, b = (1 - active) * t->concentration;
    double norm = lgamma(a) + lgamma(b) - lgamma(a + b), sum = 0;
    for (unsigned i = 0; i < LAW_ACTIVES; i++) {
        double p = t->table->p[i * LAW_RATES];
        sum += s->node[i] * ((a - 1) * log(p) + (b - 1) * log1p(-p) - norm);
    }
    return sum + s->active[1] * log(active) + (s->hosts[1] - s->active[1]) * log1p(-active);
}

/* Expected days with k active hosts and n contacts; those of h = 1 by the host's rate. */
struct try_law {
    double days[LAW_HOSTS_MAX + 1][MULTIPLICITY_COUNTS], one[LAW_RATES][MULTIPLICITY_COUNTS];
    double overlap[LAW_HOSTS_MAX + 1], apart[LAW_HOSTS_MAX + 1]; /* days, by k */
    double rate[LAW_RATES];
    unsigned n_counts;
    struct law law;
};
static double try_size(void *ctx, double logsize)
{
    struct try_law *t = ctx;
    double sum = 0;
    t->law.size = exp(logsize);
    double size = law_sum_size(&t->law);
    for (unsigned r = 0; r < LAW_RATES; r++)
        for (unsigned n = 1; n < t->n_counts; n++)
            if (t->one[r][n] > 1e-4)
                sum += t->one[r][n] * law_lognb(n, 1, t->law.extra * t->rate[r], t->law.size);
    for (unsigned k = 1; k <= LAW_HOSTS_MAX; k++)
        for (unsigned n = k; n < t->n_counts; n++)
            if (t->days[k][n] > 1e-4)
                sum += t->days[k][n] * law_lognb(n, k, t->law.extra, size);
    return sum;
}

/* Of k hosts each two overlap with the same chance. */
static double overlap_of(unsigned k, double pair)
{
    return fmin(1 - 1e-6, 1 - (1 - OVERLAP_ONE) * pow(1 - pair, k * (k - 1.) / 2));
}
static double try_overlap(void *ctx, double pair)
{
    const struct try_law *t = ctx;
    double sum = 0;
    for (unsigned k = 2; k <= LAW_HOSTS_MAX; k++) {
        double o = overlap_of(k, pair);
        sum += t->overlap[k] * log(o) + t->apart[k] * log1p(-o);
    }
    return sum;
}
void em_set_overlap(struct law *l, double pair)
{
    for (unsigned k = 0; k <= LAW_HOSTS_MAX; k++)
        l->overlap[k] = k ? overlap_of(k, pair) : 0;
}

static void expect_active(const struct em *e, const struct law *l, struct try_law *t)
{
    for (unsigned i = 0; i < e->n_classes; i++) {
        unsigned c = e->classes[i], h = c == LAW_REUSED ? 0 : law_class_hosts(c);
        for (unsigned k = 1; k <= h; k++)
            for (unsigned x = 2 * k; x < e->n_symbols; x++) {
                if (e->met[x][i] < 1e-6)
                    continue;
                double o = x & 1 ? l->overlap[k] : 1 - l->overlap[k];
                double nb = h == 1 ? e->table.one[c % LAW_RATES][x / 2] : e->table.nb[k][x / 2];
                double days = e->met[x][i] * e->table.binom[c][k] * nb * o /
                              (exp(e->table.logp[c][x]) + 1e-300);
                *(h == 1 ? &t->one[c % LAW_RATES][x / 2] : &t->days[k][x / 2]) += days;
                *(x & 1 ? &t->overlap[k] : &t->apart[k]) += days;
            }
    }
}

static void fit_shape(const struct em *e, struct law *l)
{
    struct try_law *t = mem_zeroed(1, sizeof *t);
    t->n_counts = e->n_counts;
    expect_active(e, l, t);
    t->law = *l;
    law_rate_nodes(l->spread, t->rate);
    l->size = exp(golden(log(0.2), log(300), 14, try_size, t));
    if (e->poisson || try_size(t, log(1e6)) >= try_size(t, log(l->size)))
        l->size = 1e6;
    if (e->overlaps)
        em_set_overlap(l, golden(OVERLAP_LEAST, 0.95, 14, try_overlap, t));
    free(t);
}

static void maximize(struct em *e, struct law *l, bool shape)
{
    struct sums s;
    double share[MULTIPLICITY_CLASSES] = {SINGLE_PRIOR * e->all}, all = share[0];
    if (shape && !e->presence)
        fit_shape(e, l);
    add_up(e, &s);
    for (unsigned i = 0; i < e->n_classes; i++) {
        unsigned c = e->classes[i];
        if (c == LAW_REUSED)
            continue;
        share[law_class_share(c)] += e->frames[i];
        all += e->frames[i];
    }
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES && all > 0; i++)
        l->share[i] = share[i] / all;
    double active = s.active[0] + s.active[1], hosts = s.hosts[0] + s.hosts[1];
    if (isfinite(l->concentration)) {
        struct try_active t = {&e->table, &s, l->concentration};
        l->active =
            golden(fmax(0.01, l->active - 0.1), fmin(0.99, l->active + 0.1), 16, try_active, &t);
    } else if (hosts > 0)
        l->active = fmin(fmax(active / hosts, 1e-3), 0.999);
    l->reused = fmin(REUSED_MAX, (s.reused[0] + 0.2) / (s.reused[0] + s.reused[1] + 1));
    if (!e->presence && s.rated > 0)
        l->extra = fmax((s.contacts - active) / s.rated, 1e-9);
}

/* The law as a vector, for extrapolation. */
#define VECTOR (3 + MULTIPLICITY_CLASSES)
static void to_vector(const struct law *l, double *v)
{
    v[0] = log(l->active / (1 - l->active));
    v[1] = log(l->extra + 1e-9);
    v[2] = log(l->reused / (1 - l->reused));
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        v[3 + i] = sqrt(l->share[i]);
}
static void of_vector(const double *v, struct law *l)
{
    double all = 0;
    l->active = fmin(fmax(1 / (1 + exp(-v[0])), 1e-3), 0.999);
    l->extra = fmax(exp(fmin(v[1], 8)) - 1e-9, 1e-9);
    l->reused = fmin(fmax(1 / (1 + exp(-v[2])), 1e-4), REUSED_MAX);
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++) {
        double x = v[3 + i] > 0 ? v[3 + i] * v[3 + i] : 0;
        l->share[i] = x < SHARE_MIN ? SHARE_MIN : x;
        all += l->share[i];
    }
    for (unsigned i = 0; i < MULTIPLICITY_CLASSES; i++)
        l->share[i] /= all;
}

double em_climb(struct em *e, struct law *l, unsigned steps)
{
    double before = -INFINITY, now = em_expect(e, l);
    for (unsigned s = 0; s < steps; s++) {
        double v0[VECTOR], v1[VECTOR], v2[VECTOR], x[VECTOR], rr = 0, vv = 0;
        if (s % SIZE_STEPS == 0) {
            maximize(e, l, true);
            em_expect(e, l);
        }
        to_vector(l, v0);
        maximize(e, l, false);
        em_expect(e, l);
        to_vector(l, v1);
        maximize(e, l, false);
        double plain = em_expect(e, l);
        to_vector(l, v2);
        struct law safe = *l;
        for (unsigned i = 0; i < VECTOR; i++) {
            double r = v1[i] - v0[i], v = v2[i] - v1[i] - r;
            rr += r * r;
            vv += v * v;
        }
        double alpha = vv > 0 ? sqrt(rr / vv) : 1;
        alpha = alpha < 1 ? 1 : alpha > 50 ? 50 : alpha;
        for (unsigned i = 0; i < VECTOR; i++) {
            double r = v1[i] - v0[i], v = v2[i] - v1[i] - r;
            x[i] = v0[i] + 2 * alpha * r + alpha * alpha * v;
        }
        of_vector(x, l);
        now = em_expect(e, l);
        if (!(now >= plain)) {
            *l = safe;
            now = em_expect(e, l);
        }
        if (now - before < TOLERANCE * e->all && s > 3)
            break;
        before = now;
    }
    return now;
}
