#include "stat/multiplicity.h"

#include <math.h>

#include "base/mem.h"
#include "base/tap.h"
#include "stat/rng.h"

#define FRAMES 2500

struct truth {
    double active, contacts;
    double nat; /* share of lines with three hosts */
    double concentration;
    unsigned days;
};

static unsigned poisson(struct rng *r, double mean)
{
    double limit = exp(-mean);
    unsigned n = 0;
    for (double u = rng_unit(r); u > limit; u *= rng_unit(r))
        n++;
    return n;
}

/* Beta of whole parameters, by order statistics. */
static double beta(struct rng *r, unsigned a, unsigned b)
{
    double x[16];
    for (unsigned i = 0; i < a + b - 1; i++) {
        double u = rng_unit(r);
        unsigned at = i;
        while (at && x[at - 1] > u) {
            x[at] = x[at - 1];
            at--;
        }
        x[at] = u;
    }
    return x[a - 1];
}

/* Frames begin and end with contact, as those of addresses do. */
static void make(const struct truth *t, uint64_t seed, struct multiplicity_frame *out)
{
    struct rng r;
    rng_seed(&r, seed);
    for (size_t i = 0; i < FRAMES;) {
        struct multiplicity_frame f = {.address = (uint32_t)i, .n = (uint8_t)t->days};
        unsigned h = rng_unit(&r) < t->nat ? 3 : 1, ends = 0;
        double p[3];
        for (unsigned j = 0; j < h; j++)
            p[j] = t->concentration > 0 ? beta(&r, (unsigned)lround(t->active * t->concentration),
                                               (unsigned)lround((1 - t->active) * t->concentration))
                                        : t->active;
        for (unsigned d = 0; d < t->days + 2; d++) {
            unsigned n = 0;
            for (unsigned j = 0; j < h; j++)
                if (rng_unit(&r) < p[j])
                    n += 1 + poisson(&r, t->contacts - 1);
            if (d < t->days)
                f.counts[d] = (uint16_t)n;
            else
                ends += n > 0;
        }
        if (ends == 2)
            out[i++] = f;
    }
}

static bool near(double got, double want, double by, const char *what)
{
    bool good = fabs(got / want - 1) <= by;
    if (!good)
        printf("#   %s: got %.4f, want %.4f within %.0f%%\n", what, got, want, 100 * by);
    return good;
}

static void finds(const char *name, struct truth t, double by)
{
    struct multiplicity_frame *frames = mem_zeroed(FRAMES, sizeof *frames);
    struct multiplicity m;
    bool good = true, covered = true;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        make(&t, seed, frames);
        good &= multiplicity_fit(frames, FRAMES,
                                 &(struct multiplicity_options){.seed = 1, .replicates = 20}, &m);
        good &=
            near(m.contacts, t.contacts, by, "contacts") && near(m.active, t.active, by, "active");
        double nat = 3 * t.nat / (1 + 2 * t.nat);
        good &= fabs(m.nat_share - nat) < 0.12;
        if (fabs(m.nat_share - nat) >= 0.12)
            printf("#   nat: got %.3f, want %.3f\n", m.nat_share, nat);
        good &= isfinite(m.concentration) == (t.concentration > 0);
        covered &= fabs(log(m.contacts / t.contacts)) < 4 * sqrt(m.var_contacts) + 1e-3;
    }
    ok(good, "contacts, active share and NAT are found");
    ok(covered, "and its error is within four of its standard deviations");
    printf("#   %s: contacts %.3f, active %.3f, behind NAT %.2f\n", name, m.contacts, m.active,
           m.nat_share);
    free(frames);
}

/* The same frames in another order, other shares of the same law: the numbers stay. */
static void test_order(void)
{
    struct multiplicity_frame *a = mem_zeroed(FRAMES, sizeof *a),
                              *b = mem_zeroed(FRAMES, sizeof *b);
    struct multiplicity x, y;
    struct multiplicity_options o = {.seed = 1};
    make(&(struct truth){.active = 0.6, .contacts = 2, .nat = 0.2, .days = 5}, 9, a);
    for (size_t i = 0; i < FRAMES; i++)
        b[i] = a[FRAMES - 1 - i];
    multiplicity_fit(a, FRAMES, &o, &x);
    multiplicity_fit(b, FRAMES, &o, &y);
    ok(x.contacts == y.contacts && x.active == y.active && x.loglik == y.loglik,
       "the order of frames does not matter");
    free(a);
    free(b);
}

/* Leases that did not hold: their days say nothing, and must not be taken for hosts that rest. */
static void test_wrong(void)
{
    struct multiplicity_frame *f = mem_zeroed(FRAMES, sizeof *f);
    struct multiplicity with, without;
    struct multiplicity_options o = {.seed = 1};
    make(&(struct truth){.active = 0.8, .contacts = 3, .days = 6}, 4, f);
    for (size_t i = 0; i < FRAMES / 5; i++)
        for (unsigned d = 0; d < f[i].n; d++)
            f[i].counts[d] = 0;
    multiplicity_fit(f, FRAMES, &o, &without);
    for (size_t i = 0; i < FRAMES; i++)
        f[i].wrong = 0.2f;
    multiplicity_fit(f, FRAMES, &o, &with);
    ok(without.active < 0.72, "frames whose lease did not hold mislead, if one does not know");
    ok(near(with.active, 0.8, 0.02, "active"), "and do not, if one does");
    free(f);
}

static void test_little(void)
{
    struct multiplicity_frame f[8] = {{.n = 1}};
    struct multiplicity m;
    struct multiplicity_options o = {.seed = 1, .replicates = 5};
    ok(!multiplicity_fit(NULL, 0, &o, &m) && m.contacts == 1 && m.active == 0.5,
       "nothing: no fit, and numbers that can be used");
    for (int i = 0; i < 8; i++)
        f[i] = (struct multiplicity_frame){.n = 1, .counts = {UINT16_MAX}};
    ok(!multiplicity_fit(f, 8, &o, &m) && m.contacts == UINT16_MAX && m.active <= 0.99,
       "a handful: plain means");
    struct multiplicity_frame *odd = mem_zeroed(FRAMES, sizeof *odd);
    for (int i = 0; i < FRAMES; i++) {
        odd[i] = (struct multiplicity_frame){.address = (uint32_t)i, .n = MULTIPLICITY_FRAME};
        for (unsigned d = 0; d < MULTIPLICITY_FRAME; d++)
            odd[i].counts[d] = i % 2 ? UINT16_MAX : (uint16_t)(d % 2);
    }
    bool fit = multiplicity_fit(odd, FRAMES, &o, &m);
    ok(!fit || (isfinite(m.contacts) && m.contacts >= 1 && m.active > 0 && m.active < 1),
       "counts as far apart as can be: still numbers");
    free(odd);
}

int main(void)
{
    finds("one host a line", (struct truth){.active = 0.7, .contacts = 3, .days = 5}, 0.03);
    finds("one contact a day", (struct truth){.active = 0.5, .contacts = 1, .days = 5}, 0.04);
    finds("NAT", (struct truth){.active = 0.6, .contacts = 2.5, .nat = 0.25, .days = 6}, 0.05);
    finds("NAT, single days", (struct truth){.active = 0.6, .contacts = 1, .nat = 0.25, .days = 1},
          0.08);
    finds("hosts that differ",
          (struct truth){.active = 0.5, .contacts = 2, .days = 8, .concentration = 6}, 0.08);
    test_order();
    test_wrong();
    test_little();
    return tap_done();
}
