/* Curve: the decline of a series of counts. N(t) = n0 S(t), with S Weibull exp(-(t/scale)^shape) or
 * exponential (shape 1). Counts are taken as overdispersed Poisson: variance = dispersion times
 * mean, over the weight. A daily series of four weeks and more has a factor for each weekday
 * estimated along, so that weekends are no noise and a series that begins on a Monday is not
 * another one; values are the level of a whole week. doc/decline.md has the method.
 *
 * Nothing here is ever NaN unless it says so; no randomness but the seeded; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum curve_shape { CURVE_EXPONENTIAL, CURVE_WEIBULL };
/* "exponential", "weibull". */
const char *curve_shape_name(enum curve_shape shape);

/* Bounds of what is fitted: a shape beyond them is a step or a constant. */
#define CURVE_SHAPE_MIN 0.1
#define CURVE_SHAPE_MAX 10.0

struct curve {
    double n0, scale, shape; /* scale in days; INFINITY: no decline */
};
/* S(t), 1 to 0; 1 for t <= 0. */
double curve_share(const struct curve *c, double t);
/* n0 S(t). */
double curve_value(const struct curve *c, double t);
/* Days from t = 0 until this share (0 to 1) is left: 0.5 is the half-life, 0.1 when 90% are gone.
 * INFINITY without decline. */
double curve_when(const struct curve *c, double left);

/* What is fitted. Points with a count that is not finite or negative, or a weight of 0, are left
 * out (days on which nobody looked). */
struct curve_series {
    const double *t;      /* days since the start, ascending; NULL: 0, 1, 2 ... (daily) */
    const double *count;  /* need not be whole: hosts are estimates */
    const double *weight; /* inverse relative variance; NULL: 1 each */
    size_t n;
    double n0; /* known count at t = 0; 0: fitted as well */
};

enum curve_state {
    CURVE_FITTED,
    CURVE_SHORT,  /* too few points, or nothing counted: no curve */
    CURVE_RISING, /* it does not decline: n0 is its mean, there is no half-life */
};
/* "", "too few days", "no decline". */
const char *curve_state_why(enum curve_state state);

#define CURVE_POINTS_MIN 3 /* and one more than parameters for a dispersion */

struct curve_fit {
    enum curve_state state;
    enum curve_shape kind;
    struct curve curve;  /* all 0 when CURVE_SHORT; scale INFINITY when CURVE_RISING */
    unsigned points;     /* that were used */
    unsigned parameters; /* fitted, without weekdays */
    bool weekdays;       /* their factors were fitted, too: six parameters more */
    double weekday[7];   /* factor of the days t = 0, 1 ... 6 (mod 7), mean 1; 1 without */
    double deviance;     /* Poisson, weighted */
    double dispersion;   /* Pearson's chi^2 over degrees of freedom; 0 with none left */
};
/* The curve of this kind with the greatest quasi-likelihood: a profile over the shape, so it needs
 * no start and finds the same from any. `start` (or NULL) is a curve nearby (of another bootstrap
 * draw), which makes it faster. Returns out->state. */
enum curve_state curve_fit(const struct curve_series *s, enum curve_shape kind,
                           const struct curve *start, struct curve_fit *out);

/* A figure with its 95% interval. high INFINITY: more than 2.5% of the draws never get there. */
struct curve_interval {
    double value, low, high;
};
/* Sorts v[0 .. n-1] and takes its 2.5% and 97.5% quantiles; `value` is the point estimate. INFINITY
 * among them is sorted last. For those who draw by themselves. */
struct curve_interval curve_interval_of(double value, double *v, size_t n);

#define CURVE_BLOCK         7    /* days of a bootstrap block */
#define CURVE_DRAWS         1000 /* default */
#define CURVE_DRAWS_MAX     20000
#define CURVE_INTERVALS_MIN 14 /* points; fewer: no interval, low = high = NaN */

struct curve_options {
    uint64_t seed;
    unsigned draws;   /* 0: CURVE_DRAWS */
    const double *at; /* days for which the value is wanted, behind the series' end, too */
    size_t n_at;
};
struct curve_decline {
    enum curve_state state;  /* but for CURVE_FITTED there is no half-life: all below is INFINITY */
    struct curve_fit fit[2]; /* by enum curve_shape */
    enum curve_shape best;   /* the lower quasi-AIC; the exponential when equal */
    double qaic[2];          /* differences matter only */
    struct curve_interval half_life, gone90; /* days from t = 0 */
    struct curve_interval shape;             /* of the Weibull */
    double autocorrelation;                  /* of residuals, from one day to the next */
    unsigned draws;                          /* that the intervals rest on; 0: no interval */
};
/* Fits both, chooses, and draws: a moving-block bootstrap of the residuals, each draw fitted and
 * chosen anew, so that intervals know of the choice, and extrapolations of the shape. at[i] (or
 * NULL) is the value on options->at[i]. Deterministic in (series, options). */
void curve_decline(const struct curve_series *s, const struct curve_options *options,
                   struct curve_decline *out, struct curve_interval *at);

/* The non-increasing sequence nearest to y (weighted least squares; pool adjacent violators: Barlow
 * et al. 1972). weight NULL: 1 each. out may be y. */
void curve_isotonic(const double *y, const double *weight, size_t n, double *out);
