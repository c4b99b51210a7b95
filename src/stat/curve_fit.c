#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/curve_impl.h"

/* In here a curve is S = exp(-lambda u), u = (t / span)^shape: lambda is about the size of one, and
 * for a given shape the likelihood is concave in it, so that Newton's way always ends. */
#define LAMBDA_MAX 1e6 /* all is gone at once */
#define STEPS_MAX  60
#define EXACT      1e-8 /* steps that are smaller are the last */
#define DRAWN      1e-3 /* for draws, whose spread is wider by far */
#define TURNS_MAX  30
#define GRID       13 /* shapes that are tried before the best is made better */

/* ---- the points ---- */

static bool usable(const struct curve_series *s, size_t i)
{
    double t = s->t ? s->t[i] : (double)i;
    return isfinite(t) && t >= 0 && isfinite(s->count[i]) && s->count[i] >= 0 &&
           (!s->weight || (isfinite(s->weight[i]) && s->weight[i] > 0));
}

static unsigned weekday_of(double t)
{
    return (unsigned)fmod(t, 7);
}

void curve_points_of(const struct curve_series *s, struct curve_points *out)
{
    double *m = mem_zeroed(s->n * 9, sizeof *m);
    *out = (struct curve_points){.t = m,
                                 .log_t = m + s->n,
                                 .y = m + 2 * s->n,
                                 .w = m + 3 * s->n,
                                 .factor = m + 4 * s->n,
                                 .mean = m + 5 * s->n,
                                 .u = m + 6 * s->n,
                                 .left = m + 7 * s->n,
                                 .weekday = (uint8_t *)(m + 8 * s->n),
                                 .memory = m,
                                 .n0 = s->n0 > 0 && isfinite(s->n0) ? s->n0 : 0};
    bool daily = true;
    for (size_t i = 0; i < s->n; i++) {
        if (!usable(s, i))
            continue;
        size_t at = out->n++;
        out->t[at] = s->t ? s->t[i] : (double)i;
        out->y[at] = s->count[i];
        out->w[at] = s->weight ? s->weight[i] : 1;
        out->factor[at] = 1;
        out->weekday[at] = (uint8_t)weekday_of(out->t[at]);
        out->span = fmax(out->span, out->t[at]);
        out->sum += out->w[at] * out->y[at];
        daily &= out->t[at] - out->t[0] == floor(out->t[at] - out->t[0]);
    }
    for (size_t i = 0; i < out->n; i++)
        out->log_t[i] = out->t[i] > 0 ? log(out->t[i] / out->span) : -INFINITY;
    out->weekdays = daily && out->n >= CURVE_WEEKDAYS_MIN;
}

void curve_points_free(struct curve_points *p)
{
    free(p->memory);
    p->memory = NULL;
}

/* ---- one curve's likelihood ---- */

struct at {
    double n0, likelihood;
    double step[2]; /* Fisher's: of log lambda, log shape */
    double slope;   /* of the likelihood in lambda */
    double bend;    /* the expected one, positive */
};

/* s * log(t / span), which is 0 where s is. */
static double s_log(double s, double log_t)
{
    return s > 0 ? s * log_t : 0;
}

/* Solves the two-by-two system of scoring, slightly damped: it is singular when the shape says
 * nothing. */
static void scoring(const double g[2], double aa, double ab, double bb, double step[2])
{
    aa += 1e-10 * (aa + 1e-12);
    bb += 1e-10 * (bb + 1e-12);
    double det = aa * bb - ab * ab;
    if (det > 1e-14 * aa * bb) {
        step[0] = (bb * g[0] - ab * g[1]) / det;
        step[1] = (aa * g[1] - ab * g[0]) / det;
    } else {
        step[0] = aa > 0 ? g[0] / aa : 0;
        step[1] = 0;
    }
}

/* The exponentials, where they are not there yet. */
static void fill_u(struct curve_points *p, double shape)
{
    if (p->u_shape == shape)
        return;
    for (size_t i = 0; i < p->n; i++)
        p->u[i] = shape == 1 ? p->t[i] / p->span : exp(shape * p->log_t[i]);
    p->u_shape = shape;
    p->left_lambda = NAN;
}

static void fill(struct curve_points *p, double lambda, double shape)
{
    fill_u(p, shape);
    if (p->left_lambda == lambda)
        return;
    for (size_t i = 0; i < p->n; i++)
        p->left[i] = exp(-lambda * p->u[i]);
    p->left_lambda = lambda;
}

/* Sums over the points: of m = w factor S, of w y, with s = lambda u and s log(t / span), the
 * derivatives of -log S by log lambda and log shape (but for a shape). */
struct sums {
    double m, wy_s, wy_sl, m_s, m_sl, m_ss, m_ssl, m_slsl;
};

static void sum_up(const struct curve_points *p, double lambda, struct sums *out)
{
    *out = (struct sums){0};
    for (size_t i = 0; i < p->n; i++) {
        double s = lambda * p->u[i], sl = s_log(s, p->log_t[i]);
        double m = p->w[i] * p->factor[i] * p->left[i], wy = p->w[i] * p->y[i];
        out->m += m;
        out->wy_s += wy * s;
        out->wy_sl += wy * sl;
        out->m_s += m * s;
        out->m_sl += m * sl;
        out->m_ss += m * s * s;
        out->m_ssl += m * s * sl;
        out->m_slsl += m * sl * sl;
    }
}

static void look(struct curve_points *p, double lambda, double shape, struct at *out)
{
    struct sums k;
    fill(p, lambda, shape);
    sum_up(p, lambda, &k);
    double n0 = p->n0 > 0 ? p->n0 : k.m > 0 ? p->sum / k.m : 0;
    double centre = p->n0 > 0 || !(k.m > 0) ? 0 : 1 / k.m;
    out->n0 = n0;
    out->likelihood = (n0 > 0 ? p->sum * log(n0) : 0) + p->log_factors - k.wy_s - n0 * k.m;
    double g[2] = {n0 * k.m_s - k.wy_s, shape * (n0 * k.m_sl - k.wy_sl)};
    double aa = n0 * (k.m_ss - centre * k.m_s * k.m_s),
           ab = n0 * shape * (k.m_ssl - centre * k.m_s * k.m_sl),
           bb = n0 * shape * shape * (k.m_slsl - centre * k.m_sl * k.m_sl);
    out->slope = lambda > 0 ? g[0] / lambda : 0;
    out->bend = lambda > 0 ? aa / (lambda * lambda) : 0;
    scoring(g, aa, ab, bb, out->step);
}

/* The slope at lambda = 0: whether there is any decline of this shape. */
static bool declines(struct curve_points *p, double shape)
{
    double wy_u = 0, m_u = 0, mass = 0;
    fill_u(p, shape);
    for (size_t i = 0; i < p->n; i++) {
        wy_u += p->w[i] * p->y[i] * p->u[i];
        m_u += p->w[i] * p->factor[i] * p->u[i];
        mass += p->w[i] * p->factor[i];
    }
    double n0 = p->n0 > 0 ? p->n0 : p->sum / mass;
    return n0 * m_u - wy_u > 1e-9 * fabs(wy_u);
}

/* ---- the best lambda of a shape, the best shape ---- */

/* Newton between brackets; 0 when there is no decline. Its error falls by squares: a step that is
 * smaller than `enough` is the last one. */
static double best_lambda(struct curve_points *p, double shape, double start, double enough,
                          struct at *at)
{
    double low = 0, high = LAMBDA_MAX, lambda = start > 0 ? start : 1;
    if (!declines(p, shape)) {
        look(p, 0, shape, at);
        return 0;
    }
    for (int i = 0; i < STEPS_MAX; i++) {
        look(p, lambda, shape, at);
        if (at->slope > 0)
            low = lambda;
        else
            high = lambda;
        double next = at->bend > 0 ? lambda + at->slope / at->bend : INFINITY;
        if (!(next > low && next < high)) /* also NaN */
            next = low > 0 ? sqrt(low * fmin(high, low * 1e4)) : high < 1e-12 ? 0 : high / 4;
        bool last = fabs(next - lambda) <= enough * lambda;
        lambda = next;
        if (last)
            break;
    }
    look(p, lambda, shape, at);
    return lambda;
}

struct place {
    double lambda, shape;
    struct at at;
};

static void place_at(struct curve_points *p, double log_shape, double start, struct place *out)
{
    out->shape = exp(log_shape);
    out->lambda = best_lambda(p, out->shape, start, EXACT, &out->at);
}

/* Golden section over the log of the shape, between the neighbours of the best of the grid. */
static void golden(struct curve_points *p, double low, double high, struct place *best)
{
    const double ratio = 0.6180339887498949;
    struct place a, b;
    place_at(p, high - ratio * (high - low), best->lambda, &a);
    place_at(p, low + ratio * (high - low), best->lambda, &b);
    for (int i = 0; i < STEPS_MAX && high - low > 1e-7; i++) {
        if (a.at.likelihood >= b.at.likelihood) {
            high = log(b.shape);
            b = a;
            place_at(p, high - ratio * (high - low), b.lambda, &a);
        } else {
            low = log(a.shape);
            a = b;
            place_at(p, low + ratio * (high - low), a.lambda, &b);
        }
    }
    struct place *better = a.at.likelihood >= b.at.likelihood ? &a : &b;
    if (better->at.likelihood > best->at.likelihood)
        *best = *better;
}

/* Fisher scoring in both; false when it did not arrive (then there is the slow way). */
static bool polish(struct curve_points *p, double enough, struct place *at)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        double a = at->at.step[0], b = at->at.step[1], damp = fmin(1, 1 / (fabs(a) + fabs(b)));
        struct place next;
        int halved = 0;
        for (;; halved++, damp /= 2) {
            next.lambda = at->lambda * exp(damp * a);
            next.shape = at->shape * exp(damp * b);
            look(p, next.lambda, next.shape, &next.at);
            if (next.at.likelihood >= at->at.likelihood || halved == 8)
                break;
        }
        bool last = fabs(a) + fabs(b) < enough;
        if (last && halved)
            return isfinite(at->at.likelihood);
        if (halved == 8 || next.shape < CURVE_SHAPE_MIN || next.shape > CURVE_SHAPE_MAX ||
            next.lambda > LAMBDA_MAX)
            return false;
        *at = next;
        if (last)
            return isfinite(at->at.likelihood);
    }
    return false;
}

static void search(struct curve_points *p, struct place *best)
{
    const double low = log(CURVE_SHAPE_MIN), width = log(CURVE_SHAPE_MAX) - low;
    struct place here = {.lambda = 1};
    int at = 0;
    for (int i = 0; i < GRID; i++) {
        place_at(p, low + width * i / (GRID - 1), here.lambda, &here);
        if (i == 0 || here.at.likelihood > best->at.likelihood) {
            *best = here;
            at = i;
        }
    }
    struct place try = *best;
    if (best->lambda > 0 && polish(p, EXACT, &try) && try.at.likelihood >= best->at.likelihood)
        *best = try;
    else
        golden(p, low + width * fmax(0, at - 1) / (GRID - 1),
               low + width * fmin(GRID - 1, at + 1) / (GRID - 1), best);
}

/* ---- weekdays ---- */

static void set_factors(struct curve_points *p, const double factor[7])
{
    double wy[7] = {0};
    for (size_t i = 0; i < p->n; i++) {
        p->factor[i] = factor[p->weekday[i]];
        wy[p->weekday[i]] += p->w[i] * p->y[i];
    }
    p->log_factors = 0;
    for (int d = 0; d < 7; d++)
        p->log_factors += wy[d] * log(factor[d]);
}

/* Given the curve the best factors are observed over expected, by weekday. */
static void find_factors(struct curve_points *p, const struct place *at, double factor[7])
{
    double y[7] = {0}, m[7] = {0}, sum = 0;
    fill(p, at->lambda, at->shape);
    for (size_t i = 0; i < p->n; i++) {
        unsigned d = p->weekday[i];
        y[d] += p->w[i] * p->y[i];
        m[d] += p->w[i] * at->at.n0 * p->left[i];
    }
    for (int d = 0; d < 7; d++) {
        factor[d] = m[d] > 0 ? fmax(y[d] / m[d], 1e-3) : 1;
        sum += factor[d];
    }
    for (int d = 0; d < 7; d++)
        factor[d] *= 7 / sum;
}

/* ---- all of it ---- */

static void fit_place(struct curve_points *p, enum curve_shape kind, struct place *at, bool near,
                      double enough)
{
    if (kind == CURVE_EXPONENTIAL) {
        at->shape = 1;
        at->lambda = best_lambda(p, 1, at->lambda, enough, &at->at);
        return;
    }
    if (near && at->lambda > 0) {
        struct place try = *at;
        look(p, try.lambda, try.shape, &try.at);
        if (polish(p, enough, &try)) {
            *at = try;
            return;
        }
    }
    search(p, at);
}

/* What is left of the points. The logarithms of a deviance are not taken for each draw. */
static void judge_fit(struct curve_points *p, const struct place *at, bool draw,
                      struct curve_fit *out)
{
    double chi2 = 0;
    unsigned used = out->parameters + (out->weekdays ? 6 : 0);
    fill(p, at->lambda, at->shape);
    for (size_t i = 0; i < p->n; i++) {
        double m = p->mean[i] = at->at.n0 * p->factor[i] * p->left[i], r = p->y[i] - m;
        chi2 += p->w[i] * r * r / fmax(m, CURVE_MEAN_MIN);
        if (!draw)
            out->deviance +=
                2 * p->w[i] * ((p->y[i] > 0 ? p->y[i] * log(p->y[i] / fmax(m, 1e-300)) : 0) - r);
    }
    out->deviance = fmax(out->deviance, 0);
    out->dispersion = p->n > used ? chi2 / (double)(p->n - used) : 0;
}

/* Curve and weekdays in turn: neither says much about the other, so few turns are needed. */
static void fit_weekdays(struct curve_points *p, enum curve_shape kind, double enough,
                         struct place *at, double factor[7])
{
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        double lambda = at->lambda, shape = at->shape, same = fmax(enough * 0.1, 1e-8);
        find_factors(p, at, factor);
        set_factors(p, factor);
        fit_place(p, kind, at, true, enough);
        if (fabs(at->lambda - lambda) <= same * lambda && fabs(at->shape - shape) <= same * shape)
            break;
    }
}

enum curve_state curve_points_fit(struct curve_points *p, enum curve_shape kind,
                                  const struct curve_fit *start, bool draw, struct curve_fit *out,
                                  double *log_likelihood)
{
    bool near = start && start->state == CURVE_FITTED;
    double enough = draw ? DRAWN : EXACT;
    struct place at = {.lambda = near ? pow(p->span / start->curve.scale, start->curve.shape) : 1,
                       .shape = near ? start->curve.shape : 1,
                       .at.n0 = near ? start->curve.n0 : 0};
    *out = (struct curve_fit){.kind = kind,
                              .points = (unsigned)p->n,
                              .parameters = (kind == CURVE_WEIBULL) + (p->n0 > 0 ? 0 : 1) + 1,
                              .weekdays = p->weekdays,
                              .weekday = {1, 1, 1, 1, 1, 1, 1}};
    *log_likelihood = 0;
    if (p->n < CURVE_POINTS_MIN || !(p->sum > 0) || !(p->span > 0))
        return out->state = CURVE_SHORT;
    if (near && p->weekdays)
        find_factors(p, &at, out->weekday);
    set_factors(p, out->weekday);
    fit_place(p, kind, &at, near, enough);
    if (p->weekdays)
        fit_weekdays(p, kind, enough, &at, out->weekday);
    judge_fit(p, &at, draw, out);
    out->curve = (struct curve){.n0 = at.at.n0, .scale = INFINITY, .shape = at.shape};
    *log_likelihood = at.at.likelihood;
    if (at.lambda > 0)
        out->curve.scale = p->span * pow(at.lambda, -1 / at.shape);
    return out->state = out->curve.scale < INFINITY ? CURVE_FITTED : CURVE_RISING;
}

/* Whether a start is better than none: than a constant. A worse one could lead astray. */
static bool is_near(struct curve_points *p, const struct curve *start, struct curve_fit *out)
{
    struct at here, flat;
    *out = (struct curve_fit){.state = CURVE_FITTED, .curve = *start};
    if (!(start->scale > 0 && start->scale < INFINITY && start->n0 > 0 && start->n0 < INFINITY &&
          start->shape >= CURVE_SHAPE_MIN && start->shape <= CURVE_SHAPE_MAX) ||
        !p->n || !(p->span > 0))
        return false;
    double lambda = pow(p->span / start->scale, start->shape);
    if (!(lambda > 0 && lambda < LAMBDA_MAX))
        return false;
    look(p, lambda, start->shape, &here);
    look(p, 0, 1, &flat);
    return here.likelihood > flat.likelihood;
}

enum curve_state curve_fit(const struct curve_series *s, enum curve_shape kind,
                           const struct curve *start, struct curve_fit *out)
{
    struct curve_points p;
    double likelihood;
    struct curve_fit near;
    curve_points_of(s, &p);
    bool use = start && is_near(&p, start, &near);
    curve_points_fit(&p, kind, use ? &near : NULL, false, out, &likelihood);
    curve_points_free(&p);
    return out->state;
}
