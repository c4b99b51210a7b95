#include "stat/survival.h"

#include <math.h>
#include <stdbool.h>

#include "base/mem.h"
#include "base/tap.h"
#include "stat/rng.h"

static bool near(double got, double want, double away)
{
    bool is = fabs(got - want) <= away;
    if (!is)
        printf("# got %.9g, want %.9g\n", got, want);
    return is;
}

/* ---- weeks in remission: Freireich et al., Blood 21 (1963), 699; also in Gehan 1965 ---- */

#define PATIENTS 42
static void freireich(struct survival_unit *u, bool *treated)
{
    static const int drug[21] = {
        6,   6,   6,   -6, 7,  -9,  10,  -10, -11, 13, 16,
        -17, -19, -20, 22, 23, -25, -32, -32, -34, -35}; /* < 0: censored */
    static const int placebo[21] = {1, 1, 2,  2,  3,  4,  4,  5,  5,  8, 8,
                                    8, 8, 11, 11, 12, 12, 15, 17, 22, 23};
    for (uint32_t i = 0; i < 21; i++) {
        u[i] = (struct survival_unit){0, abs(drug[i]), i, drug[i] > 0};
        u[21 + i] = (struct survival_unit){0, placebo[i], 21 + i, true};
        treated[i] = false;
        treated[21 + i] = true; /* "treated" with nothing, so that the ratio is above 1 */
    }
}

static void test_curve(const struct survival *s)
{
    static const struct {
        int time;
        double share;
    } want[] = {{6, 0.8571},  {7, 0.8067},  {10, 0.7529}, {13, 0.6902},
                {16, 0.6275}, {22, 0.5378}, {23, 0.4482}};
    struct survival_row *rows;
    size_t n = survival_curve(s, false, &rows), found = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof want / sizeof *want; k++)
            if (rows[i].time == want[k].time)
                found += near(rows[i].share, want[k].share, 5e-5);
    is_int(found, 7);
    ok(rows[0].time == 0 && rows[0].at_risk == 21 && rows[0].share == 1, "begins with all");
    ok(rows[1].at_risk == 21 && rows[1].events == 3 && rows[1].censored == 1, "week 6");
    ok(near(rows[1].low, 0.6197, 5e-4) && near(rows[1].high, 0.9516, 5e-4),
       "its interval, log-log");
    struct survival_median m = survival_median(rows, n);
    ok(m.value == 23 && m.low == 13 && isnan(m.high), "median 23 weeks, 13 to no end");
    free(rows);
    n = survival_curve(s, true, &rows);
    m = survival_median(rows, n);
    ok(m.value == 8 && m.low == 4 && m.high == 11, "placebo: 8 weeks, 4 to 11");
    ok(rows[n - 1].share == 0, "until none is left");
    free(rows);
}

static void test_freireich(void)
{
    struct survival_unit u[PATIENTS];
    bool treated[PATIENTS];
    struct survival s = {u, PATIENTS, treated, PATIENTS};
    struct survival_logrank l;
    struct survival_cox c;
    struct survival_permutation p;
    freireich(u, treated);
    test_curve(&s);
    survival_logrank(&s, &l);
    ok(l.events[0] == 9 && l.events[1] == 21 && near(l.expected[0], 19.25, 0.005) &&
           near(l.expected[1], 10.75, 0.005),
       "log-rank: observed and expected");
    ok(near(l.chi2, 16.79, 0.005) && near(l.p, 4.17e-5, 1e-6), "chi squared 16.79");
    survival_cox(&s, &c);
    ok(c.state == SURVIVAL_FITTED && near(c.log_ratio, 1.572, 0.0005) &&
           near(c.error, 0.412, 0.0005),
       "Cox with Efron's ties: 1.572, error 0.412");
    survival_permute(&s, 1, 20000, &p);
    ok(p.p < 0.001 && near(p.score, 10.25, 0.005), "permuted: hardly ever as far");
}

/* ---- residuals: against the definition, unit by unit ---- */

static bool at_risk(const struct survival_unit *u, int t)
{
    return u->entry < t && t <= u->end;
}

/* The score's part of unit i at beta, by Efron's sums over everybody. */
static double part_of(const struct survival *s, size_t i, double beta)
{
    const struct survival_unit *me = &s->units[i];
    double x = s->treated[me->cluster], weight = exp(beta * x), sum = 0;
    for (int t = 1; t <= me->end; t++) {
        double all = 0, ones = 0, lost = 0, lost_ones = 0, d = 0;
        for (size_t j = 0; j < s->n; j++) {
            const struct survival_unit *u = &s->units[j];
            double xj = s->treated[u->cluster], w = exp(beta * xj);
            bool dies = u->event && u->end == t;
            if (!at_risk(u, t))
                continue;
            all += w;
            ones += w * xj;
            lost += dies ? w : 0;
            lost_ones += dies ? w * xj : 0;
            d += dies;
        }
        bool mine = me->event && me->end == t;
        for (double l = 0; l < d && at_risk(me, t); l++) {
            double risk = all - l / d * lost, mean = (ones - l / d * lost_ones) / risk;
            sum += mine ? (x - mean) / d : 0;
            sum -= weight * (mine ? 1 - l / d : 1) * (x - mean) / risk;
        }
    }
    return sum;
}

static void test_residuals(void)
{
    enum { N = 60, CLUSTERS = 12 };
    struct survival_unit u[N];
    bool treated[CLUSTERS];
    struct survival s = {u, N, treated, CLUSTERS};
    struct survival_cox c;
    struct rng r;
    double score[CLUSTERS] = {0}, sum = 0, all = 0;
    rng_seed(&r, 4);
    for (int i = 0; i < CLUSTERS; i++)
        treated[i] = i % 3 > 0;
    for (int i = 0; i < N; i++) {
        int32_t entry = (int32_t)rng_below(&r, 3) * 2;
        u[i] = (struct survival_unit){entry, entry + 1 + (int32_t)rng_below(&r, 9),
                                      (uint32_t)rng_below(&r, CLUSTERS), rng_below(&r, 3) > 0};
    }
    survival_cox(&s, &c);
    for (size_t i = 0; i < N; i++)
        score[u[i].cluster] += part_of(&s, i, c.log_ratio);
    for (int i = 0; i < CLUSTERS; i++) {
        all += score[i];
        sum += score[i] * score[i];
    }
    ok(near(all, 0, 1e-8), "the score is 0 at the estimate");
    is_int(c.clusters, CLUSTERS);
    ok(near(c.cluster_error, c.error * c.error * sqrt(sum * CLUSTERS / (CLUSTERS - 1)), 1e-9),
       "the clusters' error is that of the definition");
}

/* ---- small and hostile ---- */

static void test_small(void)
{
    struct survival_unit u[6] = {{0, 3, 0, true},  {0, 5, 0, false}, {2, 4, 1, true},
                                 {3, 9, 1, false}, {7, 7, 1, true},  {-5, 200000, 0, false}};
    bool treated[3] = {false, true, false};
    struct survival s = {u, 6, treated, 3};
    struct survival_row *rows;
    struct survival_logrank l;
    struct survival_cox c;
    struct survival_permutation p;
    size_t n = survival_curve(&s, true, &rows);
    ok(n == 3 && rows[0].at_risk == 0 && rows[1].time == 4 && rows[1].at_risk == 2 &&
           rows[1].share == 0.5 && rows[2].censored == 1,
       "who comes later is at risk later");
    free(rows);
    n = survival_curve(&s, false, &rows);
    ok(n == 4 && near(rows[1].share, 2.0 / 3, 1e-12) && rows[3].time == SURVIVAL_TIME_MAX,
       "times are bounded");
    free(rows);
    survival_logrank(&s, &l);
    ok(near(l.expected[1], 1.0 / 4 + 2.0 / 4, 1e-12) &&
           near(l.variance, 3.0 / 16 + 4.0 / 16, 1e-12),
       "expected and variance by hand");
    survival_cox(&s, &c);
    ok(c.state == SURVIVAL_FITTED && isfinite(c.low) && isfinite(c.high),
       "a ratio, a wide interval");
    u[0].event = false;
    survival_cox(&s, &c);
    ok(c.state == SURVIVAL_ONE_ARM && isinf(c.ratio) && isnan(c.low), "events in one arm only");
    u[2].event = u[4].event = false;
    survival_cox(&s, &c);
    survival_permute(&s, 1, 100, &p);
    ok(c.state == SURVIVAL_NONE && isnan(c.ratio) && p.p == 1, "no event at all");
    s.n = s.clusters = 0;
    survival_cox(&s, &c);
    survival_logrank(&s, &l);
    survival_permute(&s, 1, 100, &p);
    n = survival_curve(&s, true, &rows);
    ok(c.state == SURVIVAL_NONE && l.p == 1 && p.p == 1 && n == 1 && rows[0].share == 1,
       "nobody at all");
    ok(isnan(survival_median(rows, n).value), "has no median");
    free(rows);
}

/* ---- simulated trials ---- */

enum { NETWORKS = 150, ADDRESSES_MAX = 120, DAYS = 42 };

struct trial {
    struct survival_unit unit[NETWORKS * ADDRESSES_MAX];
    bool treated[NETWORKS];
    struct survival s;
};

/* Networks of very different sizes and diligence (gamma of shape 4); some addresses are seen first
 * later. Each is clean with the same chance each day, `ratio` times that in treated ones. */
static void simulate(struct trial *t, uint64_t seed, double ratio, unsigned percent)
{
    struct rng r;
    size_t n = 0;
    rng_seed(&r, seed);
    for (uint32_t k = 0; k < NETWORKS; k++) {
        double diligence = 0;
        for (int i = 0; i < 4; i++)
            diligence -= log(1 - rng_unit(&r)) / 4;
        t->treated[k] = rng_below(&r, 100) >= percent;
        double hazard = 0.025 * diligence * (t->treated[k] ? ratio : 1);
        size_t addresses = 1 + (size_t)(ADDRESSES_MAX * pow(rng_unit(&r), 3));
        for (size_t i = 0; i < addresses && i < ADDRESSES_MAX; i++) {
            int32_t entry = rng_below(&r, 3) ? 0 : (int32_t)rng_below(&r, DAYS);
            double life = 1 - log(1 - rng_unit(&r)) / hazard;
            bool event = entry + life <= DAYS;
            t->unit[n++] =
                (struct survival_unit){entry, event ? entry + (int32_t)life : DAYS, k, event};
        }
    }
    t->s = (struct survival){t->unit, n, t->treated, NETWORKS};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov's distance from uniform; 1.63 / sqrt(n) is passed once in a hundred. */
static double distance(double *p, size_t n)
{
    double far = 0;
    qsort(p, n, sizeof *p, by_value);
    for (size_t i = 0; i < n; i++)
        far = fmax(far, fmax(fabs(p[i] - (double)i / (double)n),
                             fabs(p[i] - (double)(i + 1) / (double)n)));
    return far;
}

static void test_null(struct trial *t)
{
    enum { SEEDS = 200 };
    double p[SEEDS], naive[SEEDS];
    unsigned covered = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        struct survival_permutation perm;
        struct survival_logrank l;
        struct survival_cox c;
        simulate(t, seed, 1, 30);
        survival_permute(&t->s, seed, 999, &perm);
        survival_logrank(&t->s, &l);
        survival_cox(&t->s, &c);
        p[seed] = perm.p;
        naive[seed] = l.p;
        covered += c.low <= 1 && c.high >= 1;
    }
    double d = distance(p, SEEDS), bound = 1.63 / sqrt(SEEDS);
    printf("# no effect: distance of p from uniform %.3f (bound %.3f); log-rank's, as if addresses "
           "were independent, %.3f; intervals cover 1 in %u of %d\n",
           d, bound, distance(naive, SEEDS), covered, SEEDS);
    ok(d < bound, "p is uniform over 200 seeds when there is no effect");
    ok(distance(naive, SEEDS) > bound, "which that of an ordinary log-rank test is not");
    ok(covered >= 0.93 * SEEDS, "intervals cover 1");
}

static void test_effect(struct trial *t)
{
    enum { SEEDS = 100 };
    double ratio[SEEDS];
    unsigned covered = 0, found = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        struct survival_permutation perm;
        struct survival_cox c;
        simulate(t, 1000 + seed, 1.5, 30);
        survival_permute(&t->s, seed, 999, &perm);
        survival_cox(&t->s, &c);
        ratio[seed] = c.ratio;
        covered += c.low <= 1.5 && c.high >= 1.5;
        found += perm.p < 0.05;
    }
    qsort(ratio, SEEDS, sizeof *ratio, by_value);
    printf("# ratio 1.5: median estimate %.3f, found in %u of %d, covered in %u\n",
           ratio[SEEDS / 2], found, SEEDS, covered);
    ok(near(ratio[SEEDS / 2], 1.5, 0.15), "a hazard ratio of 1.5: within 10 percent");
    ok(found > 0.9 * SEEDS, "it is found (p < 0.05) nine times of ten");
    ok(covered >= 0.93 * SEEDS, "intervals cover it");
}

int main(void)
{
    struct trial *t = mem_zeroed(1, sizeof *t);
    test_freireich();
    test_residuals();
    test_small();
    test_null(t);
    test_effect(t);
    free(t);
    return tap_done();
}
