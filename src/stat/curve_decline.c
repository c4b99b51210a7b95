#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/curve_impl.h"
#include "stat/rng.h"

#define AUTOCORRELATION_MAX 0.95

/* ---- the choice ---- */

struct both {
    struct curve_fit fit[2];
    double likelihood[2], qaic[2];
    enum curve_shape best;
};

/* Burnham and Anderson 2002, 2.5: the likelihood over the dispersion of the larger model. */
static void choose(struct both *b)
{
    double c = b->fit[CURVE_WEIBULL].dispersion;
    b->best = CURVE_EXPONENTIAL;
    for (int k = 0; k < 2; k++)
        b->qaic[k] = c > 0 ? -2 * b->likelihood[k] / c + 2 * b->fit[k].parameters : 0;
    if (b->fit[CURVE_WEIBULL].state == CURVE_FITTED &&
        b->qaic[CURVE_WEIBULL] < b->qaic[CURVE_EXPONENTIAL])
        b->best = CURVE_WEIBULL;
}

static void fit_both(struct curve_points *p, const struct both *near, struct both *out)
{
    for (int k = 0; k < 2; k++)
        curve_points_fit(p, (enum curve_shape)k, near ? &near->fit[k] : NULL, near != NULL,
                         &out->fit[k], &out->likelihood[k]);
    choose(out);
}

/* ---- draws ---- */

struct draws {
    struct curve_points points; /* y is overwritten by each draw */
    double *mean, *residual;    /* of the chosen curve */
    double *innovation;         /* residual less what the day before explains */
    double *share, n0;          /* of the chosen curve, too */
    double autocorrelation;
    struct rng rng;
};

/* How alike neighbouring residuals are. What a fit takes out makes them look less alike than the
 * errors were: Kendall 1954, with a term for each parameter. */
static double alike(const double *residual, size_t n, unsigned parameters)
{
    double own = 0, next = 0;
    for (size_t i = 0; i < n; i++) {
        own += residual[i] * residual[i];
        next += i ? residual[i] * residual[i - 1] : 0;
    }
    double r = own > 0 ? next / own : 0;
    r += (parameters * (1 + r) + 2 * r) / (double)n;
    return fmin(fmax(r, 0), AUTOCORRELATION_MAX);
}

/* Pearson residuals as large as the errors are (a fit follows the slow ones most), and what is left
 * of them when the day before is taken out. */
static void draws_residuals(struct draws *d, const struct curve_fit *fit)
{
    const struct curve_points *p = &d->points;
    double sum = 0, n = (double)p->n;
    for (size_t i = 0; i < p->n; i++) {
        d->mean[i] = p->mean[i];
        d->residual[i] = (p->y[i] - p->mean[i]) * sqrt(p->w[i] / fmax(p->mean[i], CURVE_MEAN_MIN));
        sum += d->residual[i];
    }
    for (size_t i = 0; i < p->n; i++)
        d->residual[i] -= sum / n;
    double rho = d->autocorrelation = alike(d->residual, p->n, fit->parameters);
    double taken = fit->parameters * (1 + rho) / (1 - rho) + (fit->weekdays ? 6 : 0);
    double grow = sqrt(n / (n - fmin(taken, n / 2)));
    for (size_t i = 0; i < p->n; i++)
        d->innovation[i] = grow * (i ? d->residual[i] - rho * d->residual[i - 1]
                                     : d->residual[i] * sqrt(1 - rho * rho));
}

/* Hosts are lost one by one, so the same curve could have run a little differently: the binomial
 * process around it (Var = n0 S (1 - S)), day by day. */
struct losses {
    double share, away;
};

static double losses_next(struct draws *d, struct losses *l, double share)
{
    double kept = l->share > 0 ? share / l->share : 0;
    l->away = l->away * kept + sqrt(d->n0 * share * fmax(1 - kept, 0)) * rng_normal(&d->rng);
    l->share = share;
    return l->away;
}

/* Blocks of innovations in a row, then the autocorrelation again ("post-blackening": Davison and
 * Hinkley 1997, 8.2.3), on the fitted curve with other losses. Blocks go round from the last day to
 * the first, so that all days are drawn as often (Politis and Romano 1992). */
static void draws_next(struct draws *d)
{
    struct curve_points *p = &d->points;
    struct losses losses = {.share = 1};
    double r = 0, rho = d->autocorrelation;
    p->sum = 0;
    for (size_t i = 0, from = 0; i < p->n; i++) {
        from = i % CURVE_BLOCK ? (from + 1) % p->n : rng_below(&d->rng, p->n);
        double e = d->innovation[from], lost = losses_next(d, &losses, d->share[i]);
        r = i ? rho * r + e : e / sqrt(1 - rho * rho);
        p->y[i] =
            d->mean[i] + p->factor[i] * lost + r * sqrt(fmax(d->mean[i], CURVE_MEAN_MIN) / p->w[i]);
        p->sum += p->w[i] * p->y[i];
    }
}

/* What is drawn: a row of `draws` values a figure. */
struct figures {
    double *v;
    size_t draws, n;
};
enum { HALF, GONE90, SHAPE, AT };

static void figures_put(struct figures *f, size_t draw, const struct both *b,
                        const struct curve_options *o)
{
    const struct curve *c = &b->fit[b->best].curve;
    f->v[HALF * f->draws + draw] = curve_when(c, 0.5);
    f->v[GONE90 * f->draws + draw] = curve_when(c, 0.1);
    f->v[SHAPE * f->draws + draw] = b->fit[CURVE_WEIBULL].curve.shape;
    for (size_t i = 0; i < o->n_at; i++)
        f->v[(AT + i) * f->draws + draw] = curve_value(c, o->at[i]);
}

static void draw_all(struct draws *d, const struct both *fitted, const struct curve_options *o,
                     struct figures *f)
{
    struct both drawn;
    for (size_t i = 0; i < f->draws; i++) {
        draws_next(d);
        fit_both(&d->points, fitted, &drawn);
        figures_put(f, i, &drawn, o);
    }
}

static void bootstrap(struct curve_points *p, const struct both *b, const struct curve_options *o,
                      struct figures *f, struct curve_decline *out)
{
    struct draws d = {.points = *p}; /* from here on these are used, and `p` is not */
    double *room = mem_zeroed(p->n * 4, sizeof *room), again;
    struct curve_fit fit;
    d.mean = room;
    d.residual = room + p->n;
    d.innovation = room + 2 * p->n;
    d.share = room + 3 * p->n;
    rng_seed(&d.rng, o->seed);
    curve_points_fit(&d.points, b->best, &b->fit[b->best], false, &fit, &again); /* for its means */
    d.n0 = fit.curve.n0;
    for (size_t i = 0; i < p->n; i++)
        d.share[i] = curve_share(&fit.curve, p->t[i]);
    draws_residuals(&d, &fit);
    out->autocorrelation = d.autocorrelation;
    draw_all(&d, b, o, f);
    free(room);
}

/* ---- the figures ---- */

static struct curve_interval unknown(double value)
{
    return (struct curve_interval){value, NAN, NAN};
}

static void values_only(const struct both *b, const struct curve_options *o,
                        struct curve_decline *out, struct curve_interval *at)
{
    const struct curve *c = &b->fit[b->best].curve;
    out->half_life = unknown(curve_when(c, 0.5));
    out->gone90 = unknown(curve_when(c, 0.1));
    out->shape = unknown(b->fit[CURVE_WEIBULL].curve.shape);
    for (size_t i = 0; at && i < o->n_at; i++)
        at[i] = unknown(curve_value(c, o->at[i]));
}

/* Draws spread less than errors do when points are few, or much alike: quantiles further out, as
 * far as Student's are (Hesterberg 2015, "expanded percentile"; Cornish and Fisher's series). */
static double tail_of(const struct curve_points *p, const struct curve_decline *d)
{
    const double z = 1.959964;
    double rho = d->autocorrelation, used = d->fit[d->best].parameters + (p->weekdays ? 6 : 0);
    double df = fmax((double)p->n * (1 - rho) / (1 + rho) - used, 5);
    double t =
        z + (pow(z, 3) + z) / (4 * df) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * df * df);
    return erfc(t / sqrt(2)) / 2;
}

static void intervals(struct figures *f, double tail, const struct curve_options *o,
                      struct curve_decline *out, struct curve_interval *at)
{
    size_t n = f->draws;
    out->half_life = curve_interval_tails(out->half_life.value, f->v + HALF * n, n, tail);
    out->gone90 = curve_interval_tails(out->gone90.value, f->v + GONE90 * n, n, tail);
    out->shape = curve_interval_tails(out->shape.value, f->v + SHAPE * n, n, tail);
    for (size_t i = 0; at && i < o->n_at; i++)
        at[i] = curve_interval_tails(at[i].value, f->v + (AT + i) * n, n, tail);
    out->draws = (unsigned)n;
}

void curve_decline(const struct curve_series *s, const struct curve_options *options,
                   struct curve_decline *out, struct curve_interval *at)
{
    struct curve_options o = options ? *options : (struct curve_options){0};
    struct curve_points p;
    struct both b;
    o.draws = !o.draws ? CURVE_DRAWS : o.draws > CURVE_DRAWS_MAX ? CURVE_DRAWS_MAX : o.draws;
    if (!at)
        o.n_at = 0;
    *out = (struct curve_decline){0};
    curve_points_of(s, &p);
    fit_both(&p, NULL, &b);
    for (int k = 0; k < 2; k++) {
        out->fit[k] = b.fit[k];
        out->qaic[k] = b.qaic[k];
    }
    out->best = b.best;
    out->state = b.fit[CURVE_EXPONENTIAL].state;
    values_only(&b, &o, out, at);
    if (out->state != CURVE_SHORT && p.n >= CURVE_INTERVALS_MIN) {
        struct figures f = {.draws = o.draws, .n = AT + o.n_at};
        f.v = mem_zeroed(f.draws * f.n, sizeof *f.v);
        bootstrap(&p, &b, &o, &f, out);
        intervals(&f, tail_of(&p, out), &o, out, at);
        free(f.v);
    }
    if (out->state != CURVE_FITTED)
        out->half_life.value = out->gone90.value = INFINITY;
    curve_points_free(&p);
}
