#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/curve_impl.h"

const char *curve_shape_name(enum curve_shape shape)
{
    return shape == CURVE_WEIBULL ? "weibull" : "exponential";
}

const char *curve_state_why(enum curve_state state)
{
    return state == CURVE_SHORT ? "too few days" : state == CURVE_RISING ? "no decline" : "";
}

double curve_share(const struct curve *c, double t)
{
    if (!(t > 0) || !(c->scale < INFINITY))
        return 1;
    return c->scale > 0 ? exp(-pow(t / c->scale, c->shape)) : 0;
}

double curve_value(const struct curve *c, double t)
{
    return c->n0 * curve_share(c, t);
}

double curve_when(const struct curve *c, double left)
{
    if (left >= 1)
        return 0;
    if (!(left > 0) || !(c->scale < INFINITY))
        return INFINITY;
    return c->scale * pow(-log(left), 1 / c->shape);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two draws that it falls between; an infinite neighbour makes it infinite. */
static double quantile(const double *v, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    double part = at - (double)i;
    if (i + 1 >= n || part <= 0)
        return v[i];
    return isinf(v[i + 1]) ? v[i + 1] : v[i] + part * (v[i + 1] - v[i]);
}

struct curve_interval curve_interval_tails(double value, double *v, size_t n, double tail)
{
    if (!n)
        return (struct curve_interval){value, NAN, NAN};
    qsort(v, n, sizeof *v, by_value);
    return (struct curve_interval){value, quantile(v, n, tail), quantile(v, n, 1 - tail)};
}

struct curve_interval curve_interval_of(double value, double *v, size_t n)
{
    return curve_interval_tails(value, v, n, 0.025);
}

void curve_isotonic(const double *y, const double *weight, size_t n, double *out)
{
    struct pool {
        double mean, weight;
        size_t n;
    } *pools = mem_zeroed(n, sizeof *pools);
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        struct pool p = {y[i], weight ? weight[i] : 1, 1};
        while (k && pools[k - 1].mean < p.mean) {
            const struct pool *q = &pools[--k];
            double w = p.weight + q->weight;
            p.mean = w > 0 ? (p.mean * p.weight + q->mean * q->weight) / w : q->mean;
            p.weight = w;
            p.n += q->n;
        }
        pools[k++] = p;
    }
    for (size_t i = 0, at = 0; i < k; i++)
        for (size_t j = 0; j < pools[i].n; j++)
            out[at++] = pools[i].mean;
    free(pools);
}
