#include "sim/rng.h"

#define LN2 0.693147180559945309417

double rng_ln(double x)
{
    int e;
    double m = frexp(x, &e); /* exact */
    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    /* ln m = 2 artanh s; |s| < 0.172, so that twelve terms reach the last bit. */
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int n = 23; n >= 1; n -= 2)
        sum = sum * s2 + 1.0 / n;
    return 2 * s * sum + e * LN2;
}

double rng_exp(double x)
{
    double k = floor(x / LN2 + 0.5), r = x - k * LN2, sum = 1;
    for (int n = 18; n >= 1; n--)
        sum = 1 + sum * r / n;
    return ldexp(sum, (int)k); /* exact */
}

double rng_exponential(struct rng *r, double mean)
{
    return -mean * rng_ln(rng_unit(r));
}

double rng_weibull(struct rng *r, double shape, double scale)
{
    double h = -rng_ln(rng_unit(r));
    return scale * rng_exp(rng_ln(h) / shape);
}

unsigned rng_poisson(struct rng *r, double e, unsigned max)
{
    unsigned n = 0;
    for (double p = rng_unit(r); p > e && n < max; p *= rng_unit(r))
        n++;
    return n;
}
