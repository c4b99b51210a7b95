#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/rng.h"
#include "stat/survival_impl.h"

/* The log-rank score is the sum, over the treated, of events less the hazard that each went
 * through, which does not know of arms. So a cluster's sum, and its hazard (the events that were to
 * be expected of it), are all that a draw needs of it. */
static double *cluster_sums(const struct survival *s, double *expected)
{
    struct survival_times times;
    double *sum = mem_zeroed(s->clusters, sizeof *sum);
    int32_t entry, end;
    survival_times(s, &times);
    double *hazard = mem_zeroed(times.n, sizeof *hazard);
    for (size_t t = 1; t < times.n; t++) {
        const struct survival_time *at = &times.at[t];
        double risk = (double)(at->risk[0] + at->risk[1]);
        double events = (double)(at->events[0] + at->events[1]);
        hazard[t] = hazard[t - 1] + (events > 0 ? events / risk : 0);
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct survival_unit *u = &s->units[i];
        if (!survival_span(u, &entry, &end))
            continue;
        expected[u->cluster] += hazard[end] - hazard[entry];
        sum[u->cluster] += (double)u->event - (hazard[end] - hazard[entry]);
    }
    free(hazard);
    survival_times_free(&times);
    return sum;
}

/* The sum of k of the n, drawn without replacement: the first k places of a shuffle. */
static double draw(struct rng *r, double *v, size_t n, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < k; i++) {
        size_t j = i + rng_below(r, n - i);
        double at = v[j];
        v[j] = v[i];
        v[i] = at;
        sum += at;
    }
    return sum;
}

/* Networks differ: a cluster of e expected events is off by e + tau^2 e^2, not by e. So a large one
 * is worth less than its events: 1 / (1 + tau^2 e), with tau^2 from all of them by moments. This
 * does not look at arms either, so the test stays exact. Then less the mean. */
static void weigh(double *sum, const double *expected, size_t n)
{
    double off = 0, squares = 0, mean = 0;
    for (size_t c = 0; c < n; c++) {
        off += sum[c] * sum[c] - expected[c];
        squares += expected[c] * expected[c];
    }
    double tau2 = squares > 0 ? fmax(off / squares, 0) : 0;
    for (size_t c = 0; c < n; c++) {
        sum[c] /= 1 + tau2 * expected[c];
        mean += sum[c] / (double)n;
    }
    for (size_t c = 0; c < n; c++)
        sum[c] -= mean;
}

void survival_permute(const struct survival *s, uint64_t seed, unsigned draws,
                      struct survival_permutation *out)
{
    struct rng r;
    size_t treated = 0;
    unsigned as_far = 0;
    double *expected = mem_zeroed(s->clusters, sizeof *expected);
    double *sum = cluster_sums(s, expected), observed = 0, size = 0;
    *out = (struct survival_permutation){.p = 1,
                                         .draws = !draws                       ? SURVIVAL_DRAWS
                                                  : draws > SURVIVAL_DRAWS_MAX ? SURVIVAL_DRAWS_MAX
                                                                               : draws};
    for (size_t c = 0; c < s->clusters; c++)
        out->score += s->treated[c] ? sum[c] : 0;
    weigh(sum, expected, s->clusters);
    for (size_t c = 0; c < s->clusters; c++) {
        observed += s->treated[c] ? sum[c] : 0;
        treated += s->treated[c];
        size += fabs(sum[c]);
    }
    /* the smaller arm is drawn: the sum of all is 0, so that the other's is the negative */
    size_t k = treated * 2 <= s->clusters ? treated : s->clusters - treated;
    double enough =
        fabs(observed) - 1e-9 * size; /* sums in another order differ in their last bits */
    rng_seed(&r, seed);
    for (unsigned i = 0; i < out->draws; i++)
        as_far += fabs(draw(&r, sum, s->clusters, k)) >= enough;
    out->p = (as_far + 1.0) / (out->draws + 1.0);
    free(expected);
    free(sum);
}
