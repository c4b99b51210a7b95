#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/curve_impl.h"
#include "stat/rng.h"

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
        curve_points_fit(p, (enum curve_shape)k, near ? &near->fit[k] : NULL, &out->fit[k],
                         &out->likelihood[k]);
    choose(out);
}

/* ---- draws ---- */

struct draws {
    struct curve_points points; /* y is overwritten by each draw */
    double *mean, *residual;    /* of the chosen curve */
    double *innovation;         /* residual less what the day before explains */
    double autocorrelation;
    struct rng rng;
};

/* Pearson residuals as large as the errors are (the fit took some of it), and what is left of them
 * when the day before is taken out. */
static void draws_residuals(struct draws *d, const struct curve_fit *fit)
{
    const struct curve_points *p = &d->points;
    double sum = 0, own = 0, next = 0;
    unsigned used = fit->parameters + (fit->weekdays ? 6 : 0);
    double grow = sqrt((double)p->n / (double)(p->n - used));
    for (size_t i = 0; i < p->n; i++) {
        d->mean[i] = p->mean[i];
        d->residual[i] =
            grow * (p->y[i] - p->mean[i]) * sqrt(p->w[i] / fmax(p->mean[i], CURVE_MEAN_MIN));
        sum += d->residual[i];
    }
    for (size_t i = 0; i < p->n; i++)
        d->residual[i] -= sum / (double)p->n;
    for (size_t i = 0; i < p->n; i++) {
        own += d->residual[i] * d->residual[i];
        next += i ? d->residual[i] * d->residual[i - 1] : 0;
    }
    /* what a fit takes out makes residuals look less alike than errors are: Kendall 1954, for each
     * parameter */
    double r = own > 0 ? next / own : 0;
    r += (1 + r) * (double)fit->parameters / (double)p->n;
    d->autocorrelation = fmin(fmax(r, 0), 0.95);
    for (size_t i = 0; i < p->n; i++)
        d->innovation[i] = i ? d->residual[i] - d->autocorrelation * d->residual[i - 1]
                             : d->residual[i] * sqrt(1 - d->autocorrelation * d->autocorrelation);
}

/* Blocks of innovations in a row, then the autocorrelation again ("post-blackening": Davison and
 * Hinkley 1997, 8.2.3), on the fitted curve. */
static void draws_next(struct draws *d)
{
    struct curve_points *p = &d->points;
    double r = 0, rho = d->autocorrelation;
    size_t left = 0, from = 0;
    p->sum = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (!left) {
            left = p->n < CURVE_BLOCK ? p->n : CURVE_BLOCK;
            from = rng_below(&d->rng, p->n - left + 1);
        }
        double e = d->innovation[from++];
        left--;
        r = i ? rho * r + e : e / sqrt(1 - rho * rho);
        p->y[i] = d->mean[i] + r * sqrt(fmax(d->mean[i], CURVE_MEAN_MIN) / p->w[i]);
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
    struct draws d = {.points = *p};
    double *room = mem_zeroed(p->n * 3, sizeof *room), again;
    struct curve_fit fit;
    d.mean = room;
    d.residual = room + p->n;
    d.innovation = room + 2 * p->n;
    rng_seed(&d.rng, o->seed);
    curve_points_fit(&d.points, b->best, &b->fit[b->best], &fit, &again); /* for its means */
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

static void intervals(struct figures *f, const struct curve_options *o, struct curve_decline *out,
                      struct curve_interval *at)
{
    size_t n = f->draws;
    out->half_life = curve_interval_of(out->half_life.value, f->v + HALF * n, n);
    out->gone90 = curve_interval_of(out->gone90.value, f->v + GONE90 * n, n);
    out->shape = curve_interval_of(out->shape.value, f->v + SHAPE * n, n);
    for (size_t i = 0; at && i < o->n_at; i++)
        at[i] = curve_interval_of(at[i].value, f->v + (AT + i) * n, n);
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
        intervals(&f, &o, out, at);
        free(f.v);
    }
    if (out->state != CURVE_FITTED)
        out->half_life.value = out->gone90.value = INFINITY;
    curve_points_free(&p);
}
