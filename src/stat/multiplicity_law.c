#include "stat/multiplicity_law.h"

#include <math.h>
#include <string.h>

const uint8_t multiplicity_hosts[MULTIPLICITY_CLASSES] = {1,  2,  3,  4,  5,  6,  8,  10,
                                                          12, 16, 20, 24, 32, 40, 48, 64};

#define SIZE_POISSON 1e5 /* from here on it is Poisson */
#define SMALL        1e-300

double law_lognb(unsigned n, unsigned k, double extra, double size)
{
    double j = n - k, mean = extra * k, r = size * k;
    if (mean < 1e-9)
        return j > 0 ? j * log(1e-9) : 0;
    if (size >= SIZE_POISSON)
        return j * log(mean) - mean - lgamma(j + 1);
    return lgamma(j + r) - lgamma(r) - lgamma(j + 1) + r * log(r / (r + mean)) +
           j * log(mean / (r + mean));
}

/* Sums of k hosts: recursion in n, from the mode outwards so that nothing underflows. */
static void tabulate_sums(double *row, unsigned n_counts, unsigned k, double extra, double size)
{
    double mean = extra * k, r = size * k;
    bool poisson = size >= SIZE_POISSON;
    double q = poisson ? 0 : mean / (r + mean);
    memset(row, 0, MULTIPLICITY_COUNTS * sizeof *row);
    if (k >= n_counts)
        return;
    unsigned top = n_counts - 1 - k, mode = mean < top ? (unsigned)mean : top;
    row[k + mode] = exp(law_lognb(k + mode, k, extra, size));
    if (mean < 1e-9)
        return;
    for (unsigned j = mode; j < top; j++)
        row[k + j + 1] = row[k + j] * (poisson ? mean / (j + 1) : q * (j + r) / (j + 1));
    for (unsigned j = mode; j > 0; j--)
        row[k + j - 1] = row[k + j] * (poisson ? j / mean : j / (q * (j - 1 + r)));
}

double law_sum_size(const struct law *l)
{
    return l->spread > 0 ? 1 / (1 / l->size + expm1(l->spread * l->spread)) : l->size;
}

static void tabulate_binom(double *row, unsigned h, double p)
{
    double lp = log(p), lq = log1p(-p);
    for (unsigned k = 0; k <= h; k++)
        row[k] = exp(lgamma(h + 1.) - lgamma(k + 1.) - lgamma(h - k + 1.) + k * lp + (h - k) * lq);
}

/* Symbols are 2 n, and 2 n + 1 where contacts overlap. */
static void tabulate_class(const struct law *l, struct law_table *t, unsigned c)
{
    unsigned h = law_class_hosts(c);
    const double *b = t->binom[c];
    double *sum = t->logp[c], *act = t->active[c];
    memset(sum, 0, sizeof t->logp[c]);
    memset(act, 0, sizeof t->active[c]);
    sum[0] = b[0];
    for (unsigned k = 1; k <= h; k++) {
        const double *nb = h == 1 ? t->one[c % LAW_RATES] : t->nb[k];
        double both[2] = {b[k] * (1 - l->overlap[k]), b[k] * l->overlap[k]};
        for (unsigned n = k; n < t->n_counts; n++)
            for (unsigned o = 0; o < 2; o++) {
                double x = both[o] * nb[n];
                sum[2 * n + o] += x;
                act[2 * n + o] += k * x;
            }
    }
    for (unsigned i = 0; i < 2 * t->n_counts; i++) {
        act[i] = sum[i] > SMALL ? act[i] / sum[i] : fmin(i / 2, h * t->p[c]);
        sum[i] = log(sum[i] + SMALL);
    }
}

static void tabulate_presence(struct law_table *t, unsigned c)
{
    unsigned h = law_class_hosts(c);
    double none = pow(1 - t->p[c], h);
    for (unsigned i = 0; i < 2 * t->n_counts; i++) {
        t->logp[c][i] = log((i < 2 ? none : 1 - none) + SMALL);
        t->active[c][i] = i < 2 ? 0 : h * t->p[c] / (1 - none + SMALL);
    }
}

static void tabulate_reused(const struct law *l, struct law_table *t)
{
    for (unsigned i = 0; i < 2 * t->n_counts; i++) {
        double o = t->chance_overlap[i / 2];
        double x = l->reused * t->chance[i / 2] * (i & 1 ? o : 1 - o);
        t->logp[LAW_REUSED][i] = log((i < 2 ? 1 - l->reused : x) + SMALL);
        t->active[LAW_REUSED][i] = 0;
    }
}

void law_active_nodes(double active, double concentration, double p[LAW_ACTIVES],
                      double prior[LAW_ACTIVES])
{
    enum { GRID = 200 };
    if (!isfinite(concentration)) {
        for (unsigned i = 0; i < LAW_ACTIVES; i++) {
            p[i] = active;
            prior[i] = i == 0;
        }
        return;
    }
    double a = active * concentration + 2, b = (1 - active) * concentration, w[GRID], all = 0;
    double norm = lgamma(a) + lgamma(b) - lgamma(a + b);
    for (unsigned i = 0; i < GRID; i++) {
        double x = (i + 0.5) / GRID;
        w[i] = exp((a - 1) * log(x) + (b - 1) * log1p(-x) - norm);
        all += w[i];
    }
    double done = 0, mass = 0, sum = 0;
    unsigned node = 0;
    for (unsigned i = 0; i < GRID; i++) {
        mass += w[i] / all;
        sum += w[i] / all * (i + 0.5) / GRID;
        done += w[i] / all;
        if (done >= (node + 1.) / LAW_ACTIVES - 1e-12 || i + 1 == GRID) {
            p[node] = mass > 0 ? sum / mass : active;
            prior[node] = mass;
            mass = sum = 0;
            if (node + 1 < LAW_ACTIVES)
                node++;
        }
    }
}

void law_rate_nodes(double spread, double rate[LAW_RATES])
{
    static const double z[LAW_RATES] = {0, -1.0908, 1.0908}; /* means of the normal law's thirds */
    double mean = 0;
    for (unsigned i = 0; i < LAW_RATES; i++)
        mean += (rate[i] = exp(spread * z[i])) / LAW_RATES;
    for (unsigned i = 0; i < LAW_RATES; i++)
        rate[i] /= mean;
}

void law_tabulate(const struct law *l, bool presence, struct law_table *t)
{
    double p[LAW_ACTIVES], prior[LAW_ACTIVES], rate[LAW_RATES];
    law_active_nodes(l->active, l->concentration, p, prior);
    law_rate_nodes(l->spread, rate);
    for (unsigned c = 0; c < LAW_CLASSES; c++) {
        bool one = c < LAW_NODES;
        unsigned r = c % LAW_RATES;
        t->p[c] = one ? p[c / LAW_RATES] : l->active;
        t->rate[c] = one ? rate[r] : 1;
        t->prior[c] = one ? prior[c / LAW_RATES] * (l->spread > 0 ? 1. / LAW_RATES : r == 0) : 1;
    }
    if (!presence) {
        for (unsigned r = 0; r < LAW_RATES; r++)
            tabulate_sums(t->one[r], t->n_counts, 1, l->extra * rate[r], l->size);
        for (unsigned k = 1; k <= LAW_HOSTS_MAX; k++)
            tabulate_sums(t->nb[k], t->n_counts, k, l->extra, law_sum_size(l));
    }
    for (unsigned c = 0; c < LAW_REUSED; c++) {
        if (t->prior[c] <= 0)
            continue;
        if (presence) {
            tabulate_presence(t, c);
            continue;
        }
        tabulate_binom(t->binom[c], law_class_hosts(c), t->p[c]);
        tabulate_class(l, t, c);
    }
    tabulate_reused(l, t);
}
