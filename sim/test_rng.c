#include "sim/rng.h"

#include "base/tap.h"

/* SplitMix64 from seed 1234567: the sequence that published ports of the generator are checked
 * with (Vigna's splitmix64.c). */
static void test_known_sequence(void)
{
    static const uint64_t want[] = {6457827717110365317u, 3203168211198807973u,
                                    9817491932198370423u, 4593380528125082431u,
                                    16408922859458223821u};
    struct rng r = {1234567};
    for (int i = 0; i < 5; i++)
        ok(rng_next(&r) == want[i], "SplitMix64's known sequence");
}

static double relative(double got, double want)
{
    return fabs(got - want) / (fabs(want) > 1e-300 ? fabs(want) : 1);
}

static void test_functions(void)
{
    double worst_ln = 0, worst_exp = 0;
    struct rng r = rng_stream(1, RNG_FLOW, 2, 3);
    for (int i = 0; i < 200000; i++) {
        double u = rng_unit(&r);
        double x = ldexp(u, (int)rng_below(&r, 120) - 60);
        worst_ln = fmax(worst_ln, fabs(rng_ln(x) - log(x)) / fmax(fabs(log(x)), 1));
        double y = (u - 0.5) * 200;
        worst_exp = fmax(worst_exp, relative(rng_exp(y), exp(y)));
    }
    ok(worst_ln < 1e-15, "ln agrees with libm's to 1e-15");
    ok(worst_exp < 1e-13, "exp agrees with libm's to 1e-13");
    printf("# worst: ln %g, exp %g\n", worst_ln, worst_exp);
    ok(rng_ln(1) == 0 && rng_exp(0) == 1, "exact where it can be");
}

/* Kolmogorov's distance between a sample and S(t); 1.63/sqrt(n) is passed by one good sample in a
 * hundred, and the seed is fixed. */
static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_weibull(void)
{
    enum { N = 20000 };
    static double t[N];
    double worst = 0;
    for (int i = 0; i < N; i++) {
        struct rng r = rng_stream(7, RNG_SURVIVAL, (uint64_t)i, 0);
        t[i] = rng_weibull(&r, 0.65, 112);
    }
    qsort(t, N, sizeof *t, by_value);
    for (int i = 0; i < N; i++) {
        double f = 1 - exp(-pow(t[i] / 112, 0.65));
        worst = fmax(worst, fmax(fabs(f - (double)i / N), fabs((double)(i + 1) / N - f)));
    }
    printf("# Kolmogorov distance %g, bound %g\n", worst, 1.63 / sqrt(N));
    ok(worst < 1.63 / sqrt(N), "Weibull draws follow the curve");
}

static void test_moments(void)
{
    enum { N = 200000 };
    double exponential = 0, poisson = 0, unit = 0;
    unsigned most = 0;
    struct rng r = rng_stream(11, RNG_CONTACT, 0, 0);
    for (int i = 0; i < N; i++) {
        exponential += rng_exponential(&r, 3);
        unsigned k = rng_poisson(&r, rng_exp(-1.5), 60);
        poisson += k;
        most = k > most ? k : most;
        double u = rng_unit(&r);
        unit += u;
        if (u <= 0 || u >= 1)
            ok(0, "a unit draw outside (0, 1)");
    }
    ok(fabs(exponential / N - 3) < 0.03, "exponential mean");
    ok(fabs(poisson / N - 1.5) < 0.015, "Poisson mean");
    ok(fabs(unit / N - 0.5) < 0.003, "unit mean");
    ok(rng_poisson(&r, 0, 5) == 5, "Poisson is bounded");
}

static void test_streams(void)
{
    struct rng a = rng_stream(1, RNG_CONTACT, 5, 6), again = rng_stream(1, RNG_CONTACT, 5, 6);
    struct rng others[] = {rng_stream(2, RNG_CONTACT, 5, 6), rng_stream(1, RNG_LEASE, 5, 6),
                           rng_stream(1, RNG_CONTACT, 6, 6), rng_stream(1, RNG_CONTACT, 5, 7),
                           rng_stream(1, RNG_CONTACT, 6, 5)};
    uint64_t first = rng_next(&a);
    ok(first == rng_next(&again), "a stream's name gives the same numbers");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ok(first != rng_next(&others[i]), "another name gives others");
}

int main(void)
{
    test_known_sequence();
    test_functions();
    test_weibull();
    test_moments();
    test_streams();
    return tap_done();
}
