#include "stat/curve.h"

#include <math.h>
#include <stdbool.h>

#include "base/tap.h"
#include "stat/rng.h"

#define DAYS_MAX 400

static bool near(double got, double want, double part)
{
    bool is = fabs(got - want) <= part * fabs(want);
    if (!is)
        printf("# got %.9g, want %.9g\n", got, want);
    return is;
}

/* Binomial: the normal approximation where it is good, else one by one. */
static double binomial(struct rng *r, double n, double p)
{
    double mean = n * p, v = mean * (1 - p), k = 0;
    if (p > 0.5)
        return n - binomial(r, n, 1 - p);
    if (v > 50)
        return fmin(fmax(floor(mean + sqrt(v) * rng_normal(r) + 0.5), 0), n);
    if (n > 2000) { /* Poisson */
        for (double q = rng_unit(r), end = exp(-mean); q > end; q *= rng_unit(r))
            k++;
        return k;
    }
    for (int i = 0; i < (int)n; i++)
        k += rng_unit(r) < p;
    return k;
}

/* What is simulated: each day's share of n0 that is left and seen; hosts that are lost for good, or
 * drawn anew each day; weekends. */
struct world {
    size_t days;
    double n0, half, shape;
    bool lost, weekends;
};

static double world_scale(const struct world *w)
{
    return w->half / pow(log(2), 1 / w->shape);
}

static void simulate(const struct world *w, uint64_t seed, double *y)
{
    struct rng r;
    double alive = w->n0, left = 1;
    rng_seed(&r, seed);
    for (size_t t = 0; t < w->days; t++) {
        double share = exp(-pow((double)t / world_scale(w), w->shape));
        double seen = w->weekends && (t + seed) % 7 < 2 ? 0.5 : 0.8;
        alive = w->lost ? binomial(&r, alive, share / left) : w->n0 * share;
        y[t] = binomial(&r, floor(alive), seen);
        left = share;
    }
}

/* ---- exact ---- */

static void test_exact(void)
{
    double y[100], t[3] = {0, 84, 173}, total[3] = {1601619, 702860, 421866};
    struct curve_fit f;
    struct curve_series s = {.count = y, .n = 100};
    struct curve c = {.n0 = 1e5, .scale = 40, .shape = 0.8};
    for (int i = 0; i < 100; i++)
        y[i] = curve_value(&c, i);
    is_int(curve_fit(&s, CURVE_WEIBULL, NULL, &f), CURVE_FITTED);
    ok(near(f.curve.n0, 1e5, 1e-5) && near(f.curve.scale, 40, 1e-5) &&
           near(f.curve.shape, 0.8, 1e-5),
       "a Weibull without noise is found");
    ok(f.deviance < 1e-3 && f.dispersion < 1e-6, "with nothing left over");
    ok(near(curve_when(&f.curve, 0.5), 40 * pow(log(2), 1 / 0.8), 1e-5), "its half-life");
    for (int i = 0; i < 100; i++)
        y[i] = 5e4 * exp2(-i / 20.0);
    curve_fit(&s, CURVE_EXPONENTIAL, NULL, &f);
    ok(near(curve_when(&f.curve, 0.5), 20, 1e-6) && f.curve.shape == 1, "an exponential");
    curve_fit(&s, CURVE_WEIBULL, NULL, &f);
    ok(near(f.curve.shape, 1, 1e-4), "which is a Weibull of shape 1");
    s = (struct curve_series){.t = t, .count = total, .n = 3, .n0 = total[0]};
    curve_fit(&s, CURVE_WEIBULL, NULL, &f);
    ok(near(curve_value(&f.curve, 84), 702860, 1e-6) &&
           near(curve_value(&f.curve, 173), 421866, 1e-6),
       "three points, the first given: through both others");
    double weeks7 = 100 * (curve_share(&f.curve, 49) - 1);
    ok(weeks7 > -45 && weeks7 < -43, "which is -43 to -45 percent after seven weeks");
    curve_fit(&s, CURVE_EXPONENTIAL, NULL, &f);
    weeks7 = 100 * (curve_share(&f.curve, 49) - 1);
    ok(weeks7 > -34 && weeks7 < -33, "an exponential of all three says -34");
    s.n = 2;
    is_int(curve_fit(&s, CURVE_EXPONENTIAL, NULL, &f), CURVE_SHORT);
}

static void test_starts(void)
{
    struct world w = {.days = 120, .n0 = 20000, .half = 30, .shape = 1.3, .weekends = true};
    double y[DAYS_MAX];
    struct curve_fit cold, warm;
    struct curve_series s = {.count = y, .n = w.days};
    bool same = true;
    simulate(&w, 5, y);
    curve_fit(&s, CURVE_WEIBULL, NULL, &cold);
    for (double shape = 0.1; shape < 11; shape *= 2)
        for (double scale = 1e-6; scale < 1e9; scale *= 100) {
            struct curve start = {.n0 = 1, .scale = scale, .shape = shape};
            curve_fit(&s, CURVE_WEIBULL, &start, &warm);
            same &= near(warm.curve.scale, cold.curve.scale, 1e-3) &&
                    near(warm.curve.shape, cold.curve.shape, 1e-3);
        }
    ok(same, "the same curve from any start");
    ok(cold.weekdays && near(cold.weekday[1] / cold.weekday[2], 0.8 / 0.5, 0.05),
       "weekdays have their factors");
}

/* ---- no curve ---- */

static bool sane(const struct curve_decline *d, const struct curve_interval *at)
{
    const double v[] = {d->half_life.value,
                        d->gone90.value,
                        d->fit[0].curve.n0,
                        d->fit[1].curve.n0,
                        d->fit[0].curve.scale,
                        d->fit[1].curve.scale,
                        d->fit[0].curve.shape,
                        d->fit[1].curve.shape,
                        d->fit[0].dispersion,
                        d->fit[1].dispersion,
                        d->fit[0].deviance,
                        d->fit[1].deviance,
                        at->value};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        if (isnan(v[i]))
            return false;
    return d->draws == 0 || !(isnan(d->half_life.low) || isnan(d->half_life.high) ||
                              isnan(at->low) || isnan(at->high));
}

static enum curve_state decline(const double *y, size_t n, struct curve_decline *d)
{
    const double when = 500;
    struct curve_options o = {.seed = 1, .draws = 60, .at = &when, .n_at = 1};
    struct curve_series s = {.count = y, .n = n};
    struct curve_interval at;
    curve_decline(&s, &o, d, &at);
    ok(sane(d, &at), "no NaN");
    return d->state;
}

static void test_none(void)
{
    struct curve_decline d;
    double y[60], t[4] = {0, 0, 0, 0};
    for (int i = 0; i < 60; i++)
        y[i] = 100 + 3 * i + (i * 7919) % 13;
    is_int(decline(y, 60, &d), CURVE_RISING);
    ok(isinf(d.half_life.value) && isinf(d.gone90.value), "a rising series has no half-life");
    is_int(decline(y, 2, &d), CURVE_SHORT);
    ok(isinf(d.half_life.value) && d.draws == 0, "two days: nothing is said");
    is_int(decline(y, 0, &d), CURVE_SHORT);
    for (int i = 0; i < 60; i++)
        y[i] = 0;
    is_int(decline(y, 60, &d), CURVE_SHORT);
    y[0] = 7;
    is_int(decline(y, 60, &d), CURVE_FITTED);
    ok(d.half_life.value < 1, "gone at once");
    for (int i = 0; i < 60; i++)
        y[i] = 12;
    decline(y, 60, &d);
    ok(d.half_life.value > 1e6, "a constant has no half-life, or none that is worth a word");
    for (int i = 0; i < 60; i++)
        y[i] = i < 50 ? 1000 : 0;
    is_int(decline(y, 60, &d), CURVE_FITTED);
    for (int i = 0; i < 60; i++)
        y[i] = i % 3 ? NAN : i % 2 ? -1 : INFINITY;
    is_int(decline(y, 60, &d), CURVE_SHORT);
    for (int i = 0; i < 60; i++)
        y[i] = 1e300 / (i + 1);
    decline(y, 60, &d);
    for (int i = 0; i < 60; i++)
        y[i] = 1e-300 / (i + 1);
    decline(y, 60, &d);
    struct curve_fit f;
    struct curve_series s = {.t = t, .count = y, .n = 4};
    is_int(curve_fit(&s, CURVE_WEIBULL, NULL, &f), CURVE_SHORT);
}

static void test_noise(void)
{
    struct curve_decline d;
    struct rng r;
    double y[DAYS_MAX];
    rng_seed(&r, 3);
    for (int round = 0; round < 60; round++) {
        size_t n = rng_below(&r, 90);
        double size = pow(10, rng_unit(&r) * 6 - 1);
        for (size_t i = 0; i < n; i++)
            y[i] = rng_below(&r, 5) ? size * pow(rng_unit(&r), 3) : 0;
        decline(y, n, &d);
    }
}

/* ---- simulated declines ---- */

struct score {
    double error, worst;
    unsigned half, gone90, at, n;
};

static struct score score(const struct world *w, unsigned seeds)
{
    struct score out = {.n = seeds};
    double y[DAYS_MAX], when = (double)w->days + 60;
    for (unsigned seed = 0; seed < seeds; seed++) {
        struct curve_options o = {.seed = seed, .draws = 200, .at = &when, .n_at = 1};
        struct curve_series s = {.count = y, .n = w->days};
        struct curve_decline d;
        struct curve_interval at;
        simulate(w, 100 + seed, y);
        curve_decline(&s, &o, &d, &at);
        double gone90 = world_scale(w) * pow(log(10), 1 / w->shape);
        double seen = w->weekends ? (2 * 0.5 + 5 * 0.8) / 7 : 0.8;
        double truth = w->n0 * seen * exp(-pow(when / world_scale(w), w->shape));
        double error = fabs(d.half_life.value / w->half - 1);
        out.error += error / seeds;
        out.worst = fmax(out.worst, error);
        out.half += w->half >= d.half_life.low && w->half <= d.half_life.high;
        out.gone90 += gone90 >= d.gone90.low && gone90 <= d.gone90.high;
        out.at += truth >= at.low && truth <= at.high;
    }
    printf("# half-life off by %.2f%% on average, %.2f%% at worst; covered %u, 90%% gone %u, "
           "60 days on %u of %u\n",
           100 * out.error, 100 * out.worst, out.half, out.gone90, out.at, seeds);
    return out;
}

static void test_simulated(void)
{
    static const struct world worlds[] = {
        {.days = 120, .n0 = 50000, .half = 45, .shape = 1},
        {.days = 120, .n0 = 50000, .half = 60, .shape = 0.7, .weekends = true},
        {.days = 60, .n0 = 20000, .half = 30, .shape = 1.4, .lost = true},
        {.days = 120, .n0 = 20000, .half = 80, .shape = 0.8, .lost = true, .weekends = true},
    };
    struct score all = {0};
    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
        struct score s = score(&worlds[i], 60);
        ok(s.worst < 0.05, "each half-life within 5 percent");
        all.half += s.half;
        all.gone90 += s.gone90;
        all.at += s.at;
        all.n += s.n;
    }
    ok(all.half >= 0.93 * all.n, "93 percent of the half-lives are in their intervals");
    ok(all.gone90 >= 0.93 * all.n, "and of the days until 90 percent are gone");
    ok(all.at >= 0.93 * all.n, "and of what is left 60 days behind the series' end");
}

static void test_choice(void)
{
    struct world w = {.days = 150, .n0 = 30000, .half = 50, .shape = 0.7};
    double y[DAYS_MAX];
    struct curve_decline d, again;
    struct curve_options o = {.seed = 9, .draws = 50};
    struct curve_series s = {.count = y, .n = w.days};
    unsigned weibull = 0, exponential = 0;
    for (int seed = 0; seed < 20; seed++) {
        w.shape = 0.7;
        simulate(&w, (uint64_t)seed, y);
        curve_decline(&s, &o, &d, NULL);
        weibull += d.best == CURVE_WEIBULL;
        w.shape = 1;
        simulate(&w, (uint64_t)seed, y);
        curve_decline(&s, &o, &d, NULL);
        exponential += d.best == CURVE_EXPONENTIAL;
    }
    ok(weibull == 20, "a shape of 0.7 is told from 1");
    ok(exponential >= 14, "an exponential mostly gets no shape");
    curve_decline(&s, &o, &again, NULL);
    ok(memcmp(&d.half_life, &again.half_life, sizeof d.half_life) == 0,
       "the same seed gives the same interval");
}

/* ---- isotonic ---- */

static void test_isotonic(void)
{
    double y[7] = {10, 8, 9, 7, 7.5, 8, 1}, out[7];
    static const double want[7] = {10, 8.5, 8.5, 7.5, 7.5, 7.5, 1};
    bool same = true;
    curve_isotonic(y, NULL, 7, out);
    for (int i = 0; i < 7; i++)
        same &= near(out[i], want[i], 1e-12);
    ok(same, "pools what rises, by hand");
    double w[2] = {3, 1}, two[2] = {1, 5};
    curve_isotonic(two, w, 2, two);
    ok(near(two[0], 2, 1e-12) && near(two[1], 2, 1e-12), "with weights, in place");
    curve_isotonic(y, NULL, 0, out);
    double v[41];
    for (int i = 0; i < 41; i++)
        v[i] = 40 - i;
    struct curve_interval q = curve_interval_of(20, v, 41);
    ok(q.low == 1 && q.high == 39, "quantiles of draws");
}

int main(void)
{
    test_exact();
    test_starts();
    test_none();
    test_noise();
    test_simulated();
    test_choice();
    test_isotonic();
    return tap_done();
}
