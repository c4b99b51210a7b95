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
static void tabulate_sums(const struct law *l, struct law_table *t, unsigned k)
{
    double *row = t->nb[k], mean = l->extra * k, r = l->size * k;
    bool poisson = l->size >= SIZE_POISSON;
    double q = poisson ? 0 : mean / (r + mean);
    memset(row, 0, sizeof t->nb[k]);
    if (k >= t->n_counts)
        return;
    unsigned top = t->n_counts - 1 - k, mode = mean < top ? (unsigned)mean : top;
    row[k + mode] = exp(law_lognb(k + mode, k, l->extra, l->size));
    if (mean < 1e-9)
        return;
    for (unsigned j = mode; j < top; j++)
        row[k + j + 1] = row[k + j] * (poisson ? mean / (j + 1) : q * (j + r) / (j + 1));
    for (unsigned j = mode; j > 0; j--)
        row[k + j - 1] = row[k + j] * (poisson ? j / mean : j / (q * (j - 1 + r)));
}

static void tabulate_binom(double *row, unsigned h, double p)
{
    double lp = log(p), lq = log1p(-p);
    for (unsigned k = 0; k <= h; k++)
        row[k] = exp(lgamma(h + 1.) - lgamma(k + 1.) - lgamma(h - k + 1.) + k * lp + (h - k) * lq);
}

static void tabulate_class(struct law_table *t, unsigned c)
{
    unsigned h = law_class_hosts(c);
    const double *b = t->binom[c];
    double *sum = t->logp[c], *act = t->active[c];
    memset(sum, 0, sizeof t->logp[c]);
    memset(act, 0, sizeof t->active[c]);
    sum[0] = b[0];
    for (unsigned k = 1; k <= h; k++)
        for (unsigned n = k; n < t->n_counts; n++) {
            double x = b[k] * t->nb[k][n];
            sum[n] += x;
            act[n] += k * x;
        }
    for (unsigned n = 0; n < t->n_counts; n++) {
        act[n] = sum[n] > SMALL ? act[n] / sum[n] : fmin(n, h * t->p[c]);
        sum[n] = log(sum[n] + SMALL);
    }
}

static void tabulate_presence(struct law_table *t, unsigned c)
{
    unsigned h = law_class_hosts(c);
    double none = pow(1 - t->p[c], h);
    t->logp[c][0] = log(none + SMALL);
    t->active[c][0] = 0;
    for (unsigned n = 1; n < t->n_counts; n++) {
        t->logp[c][n] = log(1 - none + SMALL);
        t->active[c][n] = h * t->p[c] / (1 - none + SMALL);
    }
}

/* Midpoints of a fine grid, gathered into nodes of as much weight each. */
void law_nodes(double active, double concentration, double p[LAW_NODES], double prior[LAW_NODES])
{
    enum { GRID = 200 };
    if (!isfinite(concentration)) {
        for (unsigned i = 0; i < LAW_NODES; i++) {
            p[i] = active;
            prior[i] = i == 0;
        }
        return;
    }
    double a = active * concentration + 2, b = (1 - active) * concentration, w[GRID], all = 0;
    for (unsigned i = 0; i < GRID; i++) {
        double x = (i + 0.5) / GRID;
        w[i] =
            exp((a - 1) * log(x) + (b - 1) * log1p(-x) - (lgamma(a) + lgamma(b) - lgamma(a + b)));
        all += w[i];
    }
    double done = 0, mass = 0, sum = 0;
    unsigned node = 0;
    for (unsigned i = 0; i < GRID; i++) {
        mass += w[i] / all;
        sum += w[i] / all * (i + 0.5) / GRID;
        done += w[i] / all;
        if (done >= (node + 1.) / LAW_NODES - 1e-12 || i + 1 == GRID) {
            p[node] = mass > 0 ? sum / mass : active;
            prior[node] = mass;
            mass = sum = 0;
            if (node + 1 < LAW_NODES)
                node++;
        }
    }
}

void law_tabulate(const struct law *l, bool presence, struct law_table *t)
{
    law_nodes(l->active, l->concentration, t->p, t->prior);
    for (unsigned c = LAW_NODES; c < LAW_CLASSES; c++) {
        t->p[c] = l->active;
        t->prior[c] = 1;
    }
    if (!presence)
        for (unsigned k = 1; k <= LAW_HOSTS_MAX; k++)
            tabulate_sums(l, t, k);
    for (unsigned c = 0; c < LAW_CLASSES; c++) {
        if (presence) {
            tabulate_presence(t, c);
            continue;
        }
        tabulate_binom(t->binom[c], law_class_hosts(c), t->p[c]);
        tabulate_class(t, c);
    }
}
