/* What curve_fit.c and curve_decline.c share: the points of a series, prepared for many fits. */
#pragma once

#include "stat/curve.h"

#define CURVE_WEEKDAYS_MIN 28  /* points; fewer: no weekday factors */
#define CURVE_MEAN_MIN     0.1 /* expected counts below that are no smaller in a residual */

struct curve_points {
    size_t n;
    double *t;      /* days */
    double *log_t;  /* log of t over the span; -INFINITY at 0 */
    double *y, *w;  /* count, weight */
    double *factor; /* weekday's, as fitted last */
    double *mean;   /* fitted count, with the weekday's factor */
    uint8_t *weekday;
    double *memory;
    double span, n0; /* the last t; as in the series */
    double sum;      /* of w y */
    bool weekdays;
    /* computed last, and for which curve: exponentials are what fitting takes its time for */
    double *u, *left; /* (t / span)^shape, S(t) */
    double u_shape, left_lambda;
    double log_factors; /* sum of w y log(factor) */
};

/* Takes over the points that count. curve_points_free takes any state. */
void curve_points_of(const struct curve_series *s, struct curve_points *out);
void curve_points_free(struct curve_points *p);
/* curve_fit() on them; `mean` has the fitted counts then. `start` (or NULL) is near. A draw is
 * fitted as exactly as a draw needs it, without its deviance. `log_likelihood` is without the terms
 * that do not depend on the curve. */
enum curve_state curve_points_fit(struct curve_points *p, enum curve_shape kind,
                                  const struct curve_fit *start, bool draw, struct curve_fit *out,
                                  double *log_likelihood);
/* curve_interval_of() with another share of the draws on each side of it than 2.5%. */
struct curve_interval curve_interval_tails(double value, double *v, size_t n, double tail);
