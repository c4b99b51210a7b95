#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/survival_impl.h"

#define STEPS_MAX 50
#define BETA_MAX  20.0

/* Of one time, Efron's ties (1977): of d who are lost at once the l-th is drawn from those at risk
 * less l/d of the d. All as sums over l. */
struct efron {
    double mean;    /* of the covariate, over d */
    double spread;  /* sum of its variances */
    double lost[2]; /* sum of (x - mean_l) / at_risk_l, for x = 0 and 1 */
    double own[2];  /* the same, each times (1 - l/d): of those who are lost at this time */
};

static void efron(const struct survival_time *at, double theta, struct efron *out)
{
    double d = (double)(at->events[0] + at->events[1]);
    double all = (double)at->risk[0] + theta * (double)at->risk[1],
           ones = theta * (double)at->risk[1],
           all_lost = (double)at->events[0] + theta * (double)at->events[1],
           ones_lost = theta * (double)at->events[1];
    *out = (struct efron){0};
    for (double l = 0; l < d; l++) {
        double part = l / d, risk = all - part * all_lost, mean = (ones - part * ones_lost) / risk;
        out->mean += mean / d;
        out->spread += mean * (1 - mean);
        out->lost[0] -= mean / risk;
        out->lost[1] += (1 - mean) / risk;
        out->own[0] -= (1 - part) * mean / risk;
        out->own[1] += (1 - part) * (1 - mean) / risk;
    }
}

static double events_at(const struct survival_time *at)
{
    return (double)(at->events[0] + at->events[1]);
}

/* Score and information at beta. */
static void look(const struct survival_times *times, double beta, double *score, double *info)
{
    struct efron e;
    *score = *info = 0;
    for (size_t t = 1; t < times->n; t++) {
        const struct survival_time *at = &times->at[t];
        if (!events_at(at) || !at->risk[0] || !at->risk[1])
            continue;
        efron(at, exp(beta), &e);
        *score += (double)at->events[1] - events_at(at) * e.mean;
        *info += e.spread;
    }
}

/* The likelihood is concave: Newton, halved where it would go too far. */
static double solve(const struct survival_times *times, double *info)
{
    double beta = 0, score, low = -BETA_MAX, high = BETA_MAX;
    for (int i = 0; i < STEPS_MAX; i++) {
        look(times, beta, &score, info);
        if (score > 0)
            low = beta;
        else
            high = beta;
        double next = *info > 0 ? beta + score / *info : INFINITY;
        if (!(next > low && next < high))
            next = (low + high) / 2;
        if (fabs(next - beta) < 1e-10)
            break;
        beta = next;
    }
    return beta;
}

/* Events while both arms were at risk, by arm: others say nothing of a ratio. */
static enum survival_state state_of(const struct survival_times *times, double *ratio)
{
    uint64_t events[2] = {0};
    for (size_t t = 1; t < times->n; t++)
        if (times->at[t].risk[0] && times->at[t].risk[1])
            for (int arm = 0; arm < 2; arm++)
                events[arm] += times->at[t].events[arm];
    *ratio = events[1] ? INFINITY : 0;
    if (!events[0] && !events[1])
        *ratio = NAN;
    return events[0] && events[1]   ? SURVIVAL_FITTED
           : events[0] || events[1] ? SURVIVAL_ONE_ARM
                                    : SURVIVAL_NONE;
}

/* ---- the clusters' error ---- */

/* Sums of Efron's terms up to each time, so that a unit's residual takes two look-ups. */
static struct efron *sums(const struct survival_times *times, double theta)
{
    struct efron *e = mem_zeroed(times->n + 1, sizeof *e);
    for (size_t t = 1; t < times->n; t++) {
        efron(&times->at[t], theta, &e[t]);
        e[t].lost[0] += e[t - 1].lost[0];
        e[t].lost[1] += e[t - 1].lost[1];
    }
    return e;
}

/* A unit's part of the score (Therneau and Grambsch 2000, 3.4). */
static double residual(const struct efron *e, double theta, int x, int32_t entry, int32_t end,
                       bool event)
{
    double weight = x ? theta : 1;
    double r = -weight * (e[event ? end - 1 : end].lost[x] - e[entry].lost[x]);
    return event ? r + x - e[end].mean - weight * e[end].own[x] : r;
}

/* Student's t with df degrees of freedom, beyond which 5% lie: Cornish and Fisher's series. */
static double student(double df)
{
    const double z = 1.959963984540054;
    return z + (pow(z, 3) + z) / (4 * df) +
           (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * df * df) +
           (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * pow(z, 3) - 15 * z) / (384 * df * df * df);
}

static void cluster_error(const struct survival *s, const struct survival_times *times, double info,
                          struct survival_cox *out)
{
    double theta = exp(out->log_ratio), sum = 0;
    double *score = mem_zeroed(s->clusters, sizeof *score);
    bool *seen = mem_zeroed(s->clusters, sizeof *seen);
    struct efron *e = sums(times, theta);
    int32_t entry, end;
    for (size_t i = 0; i < s->n; i++) {
        const struct survival_unit *u = &s->units[i];
        if (!survival_span(u, &entry, &end))
            continue;
        score[u->cluster] += residual(e, theta, s->treated[u->cluster], entry, end, u->event);
        out->clusters += !seen[u->cluster];
        seen[u->cluster] = true;
    }
    for (size_t c = 0; c < s->clusters; c++)
        sum += score[c] * score[c];
    double g = (double)out->clusters;
    out->cluster_error = sqrt(sum * g / fmax(g - 1, 1)) / info;
    free(e);
    free(seen);
    free(score);
}

void survival_cox(const struct survival *s, struct survival_cox *out)
{
    struct survival_times times;
    double info;
    *out =
        (struct survival_cox){.low = NAN, .high = NAN, .error = NAN, .cluster_error = NAN, .p = 1};
    survival_times(s, &times);
    out->state = state_of(&times, &out->ratio);
    out->log_ratio = log(out->ratio);
    if (out->state == SURVIVAL_FITTED) {
        out->log_ratio = solve(&times, &info);
        out->ratio = exp(out->log_ratio);
        out->error = 1 / sqrt(info);
        cluster_error(s, &times, info, out);
        double t = student(fmax((double)out->clusters - 2, 2));
        out->low = exp(out->log_ratio - t * out->cluster_error);
        out->high = exp(out->log_ratio + t * out->cluster_error);
        out->p = erfc(fabs(out->log_ratio) / out->cluster_error / sqrt(2));
    }
    survival_times_free(&times);
}
