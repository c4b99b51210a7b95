/* From addresses and contacts by day to hosts that made contact, hosts alive, and hosts seen at
 * least once over several days. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "stat/hosts_impl.h"
#include "stat/rng.h"

#define RATIO_DAYS     10 /* half width that contacts an address are smoothed over */
#define LEVEL_DAYS     3  /* least half width that hosts alive are smoothed over */
#define LEVEL_DAYS_MAX 14
#define LEVEL_NOISE    0.006 /* wanted of the smoothed level */
#define WEEKS_MIN      3
#define WEEK_RATIO     3.2 /* F of 6 and many: 1 in 200 by chance */
#define RISE_SE        3
#define RISE_MIN       0.02
#define BLOCK          7
#define ACTIVE_MAX     0.995
#define NODES          32

/* Local line (Cleveland 1979) at t through y with weights w, in half width `half`. */
static double local_line(const double *y, const double *w, unsigned days, unsigned t, unsigned half)
{
    double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    unsigned from = t > half ? t - half : 0, to = t + half < days ? t + half : days - 1;
    for (unsigned d = from; d <= to; d++) {
        double x = ((double)d - t) / (half + 1.), k = 1 - fabs(x * x * x);
        double v = k * k * k * (w ? w[d] : 1);
        sw += v, sx += v * x, sy += v * y[d], sxx += v * x * x, sxy += v * x * y[d];
    }
    double det = sw * sxx - sx * sx;
    if (sw <= 0)
        return 0;
    return det > 1e-9 * sw * sxx ? (sxx * sy - sx * sxy) / det : sy / sw;
}

/* Contacts an address are steadier than contacts of a host: what is left of them beyond what
 * chance does is believed, the rest is smoothed away (empirical Bayes). */
static void seen_of_counts(const struct hosts_fit *f, const uint64_t *met, const uint64_t *contacts,
                           struct series *s)
{
    unsigned n = s->days;
    double *y = mem_zeroed(n, sizeof *y), *w = mem_zeroed(n, sizeof *w),
           *smooth = mem_zeroed(n, sizeof *smooth), beyond = 0, weight = 0;
    double cv2 = f->law.spread * f->law.spread / (f->law.contacts * f->law.contacts);
    for (unsigned t = 0; t < n; t++) {
        w[t] = (double)met[t];
        y[t] = met[t] ? (double)contacts[t] / (double)met[t] : 0;
    }
    for (unsigned t = 0; t < n; t++) {
        smooth[t] = local_line(y, w, n, t, RATIO_DAYS);
        smooth[t] = fmax(smooth[t], 1);
        double hosts = smooth[t] * w[t] / f->law.contacts;
        double off = met[t] ? y[t] / smooth[t] - 1 : 0;
        beyond += w[t] * (off * off - (hosts > 0 ? cv2 / hosts : 0));
        weight += w[t];
    }
    double real = weight > 0 ? fmax(0, beyond / weight) : 0;
    for (unsigned t = 0; t < n; t++) {
        double hosts = smooth[t] * w[t] / f->law.contacts;
        double chance = hosts > 0 ? cv2 / hosts : 0;
        double believe = real + chance > 0 ? real / (real + chance) : 0;
        s->seen[t] = hosts * (1 + believe * (met[t] ? y[t] / smooth[t] - 1 : 0));
        s->seen_sd[t] = sqrt(believe * chance + (1 - believe) * chance / (2 * RATIO_DAYS));
    }
    free(y);
    free(w);
    free(smooth);
}

static void seen_of_ids(const uint64_t *met, const uint64_t *contacts, const uint64_t *ids,
                        const uint64_t *id_contacts, struct series *s)
{
    for (unsigned t = 0; t < s->days; t++) {
        double ratio = id_contacts[t] && contacts[t] > id_contacts[t]
                           ? (double)contacts[t] / (double)id_contacts[t]
                           : 1;
        s->seen[t] = ids[t] ? (double)ids[t] * ratio : (double)met[t];
        s->seen_sd[t] = 0.25 * log(ratio) + (ids[t] ? 0 : 1);
    }
}

/* Days against the mean of the week around them. Sums by day of the week; returns how many. */
static unsigned week_sums(const double *seen, unsigned days, unsigned first, double sum[FACTORS],
                          unsigned count[FACTORS], double *square)
{
    unsigned n = 0;
    for (unsigned t = 3; t + 3 < days; t++) {
        double level = 0;
        for (unsigned d = t - 3; d <= t + 3; d++)
            level += seen[d] / FACTORS;
        if (level < 20)
            continue;
        double x = seen[t] / level - 1;
        unsigned i = (first + t) % FACTORS;
        sum[i] += x;
        *square += x * x;
        count[i]++;
        n++;
    }
    return n;
}

void series_week(const double *seen, unsigned days, unsigned first, double week[FACTORS])
{
    double sum[FACTORS] = {0}, square = 0, mean[FACTORS], between = 0, all = 0;
    unsigned count[FACTORS] = {0};
    for (unsigned i = 0; i < FACTORS; i++)
        week[i] = 1;
    if (days < WEEKS_MIN * FACTORS)
        return;
    unsigned n = week_sums(seen, days, first, sum, count, &square);
    for (unsigned i = 0; i < FACTORS; i++) {
        if (!count[i])
            return;
        mean[i] = sum[i] / count[i];
        between += count[i] * mean[i] * mean[i];
    }
    double within = fmax(0, square - between) / fmax(1, (double)n - FACTORS);
    double ratio = within > 0 ? between / (FACTORS - 1) / within : between > 0 ? INFINITY : 0;
    if (ratio < WEEK_RATIO)
        return;
    for (unsigned i = 0; i < FACTORS; i++)
        all += (week[i] = 1 + mean[i] * (1 - 1 / ratio)) / FACTORS;
    for (unsigned i = 0; i < FACTORS; i++)
        week[i] /= all;
}

static double week_at(const struct hosts_fit *f, const struct series *s, unsigned t)
{
    return s->week[(f->first + t) % FACTORS];
}

/* Pool adjacent violators: never rising. */
static void never_rising(double *x, unsigned n)
{
    double *value = mem_zeroed(n, sizeof *value);
    unsigned *size = mem_zeroed(n, sizeof *size), k = 0, at = 0;
    for (unsigned t = 0; t < n; t++) {
        value[k] = x[t];
        size[k++] = 1;
        while (k > 1 && value[k - 1] > value[k - 2]) {
            value[k - 2] = (value[k - 2] * size[k - 2] + value[k - 1] * size[k - 1]) /
                           (size[k - 2] + size[k - 1]);
            size[k - 2] += size[k - 1];
            k--;
        }
    }
    for (unsigned i = 0; i < k; i++)
        for (unsigned j = 0; j < size[i]; j++)
            x[at++] = value[i];
    free(value);
    free(size);
}

/* Weekly means that rise by more than their noise. */
static bool rising(const struct series *s, const double *raw, double noise)
{
    double lowest = INFINITY, mean = 0, count = 0;
    for (unsigned t = 0; t + FACTORS <= s->days; t++) {
        mean = 0;
        for (unsigned d = t; d < t + FACTORS; d++)
            mean += raw[d] / FACTORS;
        double se = noise * mean / sqrt(FACTORS) * M_SQRT2;
        if (mean > lowest + RISE_SE * se && mean > lowest * (1 + RISE_MIN))
            count++;
        lowest = mean < lowest ? mean : lowest;
    }
    return count >= 2;
}

static unsigned smooth_days(double noise)
{
    double half = noise * noise / (LEVEL_NOISE * LEVEL_NOISE);
    return half < LEVEL_DAYS ? LEVEL_DAYS : half > LEVEL_DAYS_MAX ? LEVEL_DAYS_MAX : (unsigned)half;
}

/* Hosts that are cleaned on a day make contact on it with some chance only: infected at its start
 * are more than what the contacts say. */
static void start_of_day(const struct hosts_fit *f, unsigned n, double *level)
{
    double missed = 1 / (f->law.contacts + 1);
    for (unsigned t = 0; t + 1 < n; t++)
        if (level[t] > level[t + 1])
            level[t] += missed * (level[t] - level[t + 1]);
}

/* The weights of local_line, which do not depend on what is smoothed: 2 half + 1 for each day, of
 * the days around it. */
static double *smoother(unsigned days, unsigned half)
{
    double *weights = mem_zeroed((size_t)days * (2 * half + 1), sizeof *weights);
    for (unsigned t = 0; t < days; t++) {
        double *w = weights + (size_t)t * (2 * half + 1), sw = 0, sx = 0, sxx = 0;
        unsigned from = t > half ? 0 : half - t,
                 to = t + half < days ? 2 * half : days - 1 - t + half;
        for (unsigned i = from; i <= to; i++) {
            double x = ((double)i - half) / (half + 1.), k = 1 - fabs(x * x * x);
            w[i] = k * k * k;
            sw += w[i], sx += w[i] * x, sxx += w[i] * x * x;
        }
        double det = sw * sxx - sx * sx;
        bool line = det > 1e-9 * sw * sxx;
        for (unsigned i = from; i <= to; i++) {
            double x = ((double)i - half) / (half + 1.);
            w[i] *= line ? (sxx - sx * x) / det : 1 / sw;
        }
    }
    return weights;
}

static void smooth_level(const struct series *s, const double *raw, double *level)
{
    unsigned half = s->half;
    for (unsigned t = 0; t < s->days; t++) {
        const double *w = s->smoother + (size_t)t * (2 * half + 1);
        unsigned from = t > half ? 0 : half - t,
                 to = t + half < s->days ? 2 * half : s->days - 1 - t + half;
        double sum = 0;
        for (unsigned i = from; i <= to; i++)
            sum += w[i] * raw[t + i - half];
        level[t] = fmax(0, sum);
    }
    if (!s->rises)
        never_rising(level, s->days);
}

/* Of one day, from differences of second order, which a bent line does not make. */
static double noise_of(const double *raw, unsigned n)
{
    double sum = 0, weight = 0;
    for (unsigned t = 1; t + 1 < n; t++) {
        double mean = (raw[t - 1] + raw[t] + raw[t + 1]) / 3;
        double e = raw[t] - (raw[t - 1] + raw[t + 1]) / 2;
        if (mean <= 0)
            continue;
        sum += e * e / 1.5 / mean;
        weight += mean;
    }
    return weight > 0 ? sqrt(sum / weight) : 0.1;
}

void series_make(const struct hosts_fit *f, const uint64_t *met, const uint64_t *contacts,
                 const uint64_t *ids, const uint64_t *id_contacts, struct series *s)
{
    *s = (struct series){.days = f->days};
    s->seen = mem_zeroed(s->days, sizeof *s->seen);
    s->seen_sd = mem_zeroed(s->days, sizeof *s->seen_sd);
    s->middle = mem_zeroed(s->days, sizeof *s->middle);
    s->level = mem_zeroed(s->days, sizeof *s->level);
    s->residual = mem_zeroed(s->days, sizeof *s->residual);
    if (f->params.method == HOSTS_BOTS && ids)
        seen_of_ids(met, contacts, ids, id_contacts, s);
    else if (f->params.method == HOSTS_PRESENT)
        for (unsigned t = 0; t < s->days; t++)
            s->seen[t] = (double)met[t] * f->present;
    else
        seen_of_counts(f, met, contacts, s);
    series_week(s->seen, s->days, f->first, s->week);
    double *raw = mem_zeroed(s->days, sizeof *raw);
    for (unsigned t = 0; t < s->days; t++)
        raw[t] = s->seen[t] / (f->law.active * week_at(f, s, t));
    s->noise = noise_of(raw, s->days);
    s->half = smooth_days(s->noise);
    s->rises = rising(s, raw, s->noise);
    s->smoother = smoother(s->days, s->half);
    smooth_level(s, raw, s->middle);
    memcpy(s->level, s->middle, s->days * sizeof *s->level);
    start_of_day(f, s->days, s->level);
    for (unsigned t = 0; t < s->days; t++)
        s->residual[t] =
            raw[t] > 0 && s->middle[t] > 0 ? fmax(0.35, fmin(3, raw[t] / s->middle[t])) : 1;
    free(raw);
}

void hosts_series_free(struct series *s)
{
    free(s->seen);
    free(s->seen_sd);
    free(s->middle);
    free(s->level);
    free(s->residual);
    free(s->smoother);
}

void series_resample(const struct hosts_fit *f, const struct series *s, size_t replicate,
                     double *raw)
{
    struct rng r;
    rng_seed(&r, f->options.seed * 1000003 + replicate);
    unsigned from = 0;
    for (unsigned t = 0; t < s->days; t++) {
        if (t % BLOCK == 0)
            from = s->days > BLOCK ? (unsigned)rng_below(&r, s->days - BLOCK + 1) : 0;
        raw[t] = s->middle[t] * s->residual[(from + t % BLOCK) % s->days];
    }
}

void series_replicate(const struct hosts_fit *f, const struct series *s, size_t replicate,
                      double *level)
{
    double *raw = mem_zeroed(s->days, sizeof *raw);
    series_resample(f, s, replicate, raw);
    smooth_level(s, raw, level);
    start_of_day(f, s->days, level);
    free(raw);
}

/* Nodes of the hosts' active share, and their weights. */
static unsigned active_nodes(const struct hosts_fit *f, double active, double *p, double *w)
{
    double c = f->law.concentration, all = 0;
    if (!isfinite(c)) {
        p[0] = active;
        w[0] = 1;
        return 1;
    }
    double mean = 0;
    for (unsigned i = 0; i < NODES; i++) {
        p[i] = (i + 0.5) / NODES;
        w[i] = exp((active * c - 1) * log(p[i]) + ((1 - active) * c - 1) * log1p(-p[i]));
        all += w[i];
        mean += w[i] * p[i];
    }
    mean /= all;
    for (unsigned i = 0; i < NODES; i++) {
        w[i] /= all;
        p[i] *= active / mean;
    }
    return NODES;
}

double series_range(const struct hosts_fit *f, const struct series *s, const double *level,
                    double active, unsigned since, unsigned until)
{
    double p[NODES], w[NODES], total = 0;
    unsigned n = active_nodes(f, active, p, w);
    double c = f->law.contacts / (f->law.contacts + 1);
    for (unsigned i = 0; i < n; i++) {
        double missed = 1, hosts = 0; /* share not seen until now, of those there from the start */
        double fresh = 0;             /* new ones, not seen until now */
        for (unsigned t = since; t <= until; t++) {
            double q = 1 - fmin(ACTIVE_MAX, p[i] * week_at(f, s, t));
            double next = t < until ? level[t + 1] : 0, gone = level[t] - next;
            double half = t < until ? 1 - (1 - q) * c : q; /* cleaned within the day */
            hosts += fresh * (1 - q);
            fresh *= q;
            if (gone < 0) {
                fresh -= gone;
                gone = 0;
            }
            hosts += gone * (1 - missed * half);
            missed *= q;
        }
        total += w[i] * hosts;
    }
    return total;
}
