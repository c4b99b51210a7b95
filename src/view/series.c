#include "view/series.h"

#include <math.h>

#include "base/mem.h"

/* ---- draws ---- */

/* SplitMix64 (Steele, Lea, Flood, 2014): enough for bootstraps, the same everywhere. */
struct draws {
    uint64_t state;
};

static uint64_t draw(struct draws *d)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t draw_below(struct draws *d, uint32_t n)
{
    return (uint32_t)((draw(d) >> 32) * n >> 32);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The middle 95 % of the drawn values; those that are no numbers are left out. */
static void interval_of(double *v, unsigned n, struct series_interval *out)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++)
        if (isfinite(v[i]))
            v[kept++] = v[i];
    out->low = out->high = NAN;
    if (kept < n / 2 || !kept)
        return;
    qsort(v, kept, sizeof *v, by_value);
    out->low = v[(size_t)(0.025 * (kept - 1))];
    out->high = v[(size_t)ceil(0.975 * (kept - 1))];
}

/* ---- the cohort ---- */

static void first_and_last(const struct volume_hours *h, unsigned sensor, int32_t *first,
                           int32_t *last)
{
    *first = INT32_MAX;
    *last = INT32_MIN;
    for (uint32_t i = 0; i < h->days * 24; i++) {
        if (!h->mails[sensor][i])
            continue;
        int32_t day = h->first_day + (int32_t)(i / 24);
        *first = *first == INT32_MAX ? day : *first;
        *last = day;
    }
}

void series_cohort(const struct volume_hours *all, int32_t baseline, struct series_cohort *out)
{
    int32_t end = INT32_MIN, first, last;
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < all->sensors; i++) {
        first_and_last(all, i, &first, &last);
        end = last > end ? last : end;
    }
    for (unsigned i = 0; i < all->sensors; i++) {
        first_and_last(all, i, &first, &last);
        if (first <= baseline && last >= end - SERIES_QUIET_DAYS)
            out->sensor[out->n++] = all->sensor[i];
        else
            out->left_out++;
    }
    out->left_out += all->more_sensors;
}

static bool in_cohort(const struct series_cohort *cohort, uint16_t sensor)
{
    if (!cohort)
        return true;
    for (unsigned i = 0; i < cohort->n; i++)
        if (cohort->sensor[i] == sensor)
            return true;
    return false;
}

void series_of(const struct volume_hours *all, const struct volume_hours *filtered,
               const struct series_cohort *cohort, struct series *out)
{
    *out = (struct series){.first_day = all->first_day, .days = all->days};
    out->hour = mem_zeroed((size_t)all->days * 24, sizeof *out->hour);
    out->day = mem_zeroed(all->days, sizeof *out->day);
    for (unsigned i = 0; i < filtered->sensors; i++) {
        if (!in_cohort(cohort, filtered->sensor[i]))
            continue;
        out->sensors++;
        for (uint32_t h = 0; h < all->days * 24 && h < filtered->days * 24; h++) {
            out->hour[h] += filtered->mails[i][h];
            out->day[h / 24] += filtered->mails[i][h];
        }
    }
    if (cohort)
        out->sensors = cohort->n;
}

void series_free(struct series *s)
{
    free(s->hour);
    free(s->day);
    *s = (struct series){0};
}

/* ---- the index ---- */

static double drawn_day(const struct series *s, uint32_t day, struct draws *d)
{
    double sum = 0;
    for (unsigned h = 0; h < 24; h++)
        sum += s->hour[(size_t)day * 24 + draw_below(d, 24)];
    return sum;
}

struct series_interval series_index(const struct series *s, uint32_t d, uint32_t baseline)
{
    struct series_interval out = {NAN, NAN, NAN};
    double v[SERIES_DRAWS];
    struct draws draws = {((uint64_t)d << 32) + baseline};
    if (baseline >= s->days || d >= s->days || !(s->day[baseline] > 0))
        return out;
    out.value = 100 * s->day[d] / s->day[baseline];
    if (d == baseline) { /* 100 by definition, not by measuring */
        out.low = out.high = 100;
        return out;
    }
    for (unsigned i = 0; i < SERIES_DRAWS; i++) {
        double below = drawn_day(s, baseline, &draws);
        v[i] = below > 0 ? 100 * drawn_day(s, d, &draws) / below : NAN;
    }
    interval_of(v, SERIES_DRAWS, &out);
    return out;
}

double series_weekday_index(const struct series *s, uint32_t d, uint32_t baseline)
{
    int64_t distance = ((int64_t)baseline - d) % 7; /* of d's weekday before the baseline */
    int64_t at = (int64_t)baseline - (distance < 0 ? distance + 7 : distance);
    if (at < 0)
        at += 7;
    if (baseline >= s->days || d >= s->days || at >= s->days || !(s->day[at] > 0))
        return NAN;
    return 100 * s->day[d] / s->day[at];
}

/* ---- change points ---- */

static double swing(const double *v, uint32_t n, uint32_t *where)
{
    double mean = 0, sum = 0, low = 0, high = 0, most = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += v[i] / n;
    for (uint32_t i = 0; i < n; i++) {
        sum += v[i] - mean;
        low = sum < low ? sum : low;
        high = sum > high ? sum : high;
        if (where && fabs(sum) > most && i + 1 >= SERIES_CHANGE_DAYS &&
            n - (i + 1) >= SERIES_CHANGE_DAYS) {
            most = fabs(sum);
            *where = i + 1;
        }
    }
    return high - low;
}

static void shuffle(double *v, uint32_t n, struct draws *d)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = draw_below(d, i);
        double t = v[i - 1];
        v[i - 1] = v[j];
        v[j] = t;
    }
}

struct search {
    const double *v; /* level of each day */
    double *scratch;
    struct series_change *out;
    unsigned n;
};

/* Days [from, to): the change in it, then those on its left and right. Depth is bounded by the
 * least length of a piece, and the number found. */
static void find_changes(struct search *s, uint32_t from, uint32_t to)
{
    uint32_t n = to - from, where = 0;
    struct draws draws = {((uint64_t)from << 32) + to};
    unsigned less = 0;
    if (n < 2 * SERIES_CHANGE_DAYS || s->n == SERIES_CHANGES_MAX)
        return;
    double seen = swing(s->v + from, n, &where);
    if (!where || !(seen > 1e-9))
        return;
    memcpy(s->scratch, s->v + from, n * sizeof *s->scratch);
    for (unsigned i = 0; i < SERIES_DRAWS; i++) {
        shuffle(s->scratch, n, &draws);
        less += swing(s->scratch, n, NULL) < seen;
    }
    double confidence = 100.0 * less / SERIES_DRAWS;
    if (confidence < SERIES_CHANGE_LEVEL)
        return;
    s->out[s->n++] = (struct series_change){.day = from + where, .confidence = confidence};
    find_changes(s, from, from + where);
    find_changes(s, from + where, to);
}

static int by_day(const void *a, const void *b)
{
    const struct series_change *x = a, *y = b;
    return (x->day > y->day) - (x->day < y->day);
}

static double mean_of(const struct series *s, uint32_t from, uint32_t to)
{
    double sum = 0;
    for (uint32_t i = from; i < to; i++)
        sum += s->day[i];
    return to > from ? sum / (to - from) : NAN;
}

static void levels(const struct series *s, double *v)
{
    double mean[7] = {0};
    uint32_t n[7] = {0};
    for (uint32_t i = 0; i < s->days; i++) {
        v[i] = log1p(s->day[i]);
        mean[i % 7] += v[i];
        n[i % 7]++;
    }
    for (uint32_t i = 0; s->days >= 28 && i < s->days; i++)
        v[i] -= mean[i % 7] / n[i % 7];
}

unsigned series_changes(const struct series *s, struct series_change *out)
{
    double *v = mem_zeroed(2 * (size_t)s->days, sizeof *v);
    struct search search = {.v = v, .scratch = v + s->days, .out = out};
    levels(s, v);
    find_changes(&search, 0, s->days);
    free(v);
    if (search.n)
        qsort(out, search.n, sizeof *out, by_day);
    for (unsigned i = 0; i < search.n; i++) {
        out[i].before = mean_of(s, i ? out[i - 1].day : 0, out[i].day);
        out[i].after = mean_of(s, out[i].day, i + 1 < search.n ? out[i + 1].day : s->days);
    }
    return search.n;
}

/* ---- before and after ---- */

static double drawn_mean(const struct series *s, uint32_t from, uint32_t n, struct draws *d)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += s->day[from + draw_below(d, n)];
    return sum / n;
}

bool series_impact(const struct series *s, int32_t event_day, uint32_t window,
                   struct series_impact *out)
{
    int64_t event = (int64_t)event_day - s->first_day;
    double v[SERIES_DRAWS];
    struct draws draws = {(uint64_t)(uint32_t)event_day};
    memset(out, 0, sizeof *out);
    if (event <= 0 || event >= s->days || !window)
        return false;
    uint32_t at = (uint32_t)event;
    out->days_before = at < window ? at : window;
    out->days_after = s->days - at < window ? s->days - at : window;
    out->before = mean_of(s, at - out->days_before, at);
    out->after = mean_of(s, at, at + out->days_after);
    out->change = (struct series_interval){NAN, NAN, NAN};
    if (!(out->before > 0))
        return true;
    out->change.value = 100 * (out->after / out->before - 1);
    if (out->days_before < 2 || out->days_after < 2)
        return true; /* one day says nothing of how days differ */
    for (unsigned i = 0; i < SERIES_DRAWS; i++) {
        double before = drawn_mean(s, at - out->days_before, out->days_before, &draws);
        double after = drawn_mean(s, at, out->days_after, &draws);
        v[i] = before > 0 ? 100 * (after / before - 1) : NAN;
    }
    interval_of(v, SERIES_DRAWS, &out->change);
    return true;
}

/* ---- records ---- */

/* Whole weeks: their sums and the day number of their Mondays. 1970-01-01 was a Thursday. */
static uint32_t weeks_of(const struct series *s, double *v, uint32_t *monday)
{
    uint32_t n = 0, first = (uint32_t)((4 - s->first_day % 7 + 7) % 7);
    for (uint32_t d = first; d + 7 <= s->days; d += 7) {
        monday[n] = d;
        v[n] = 0;
        for (unsigned i = 0; i < 7; i++)
            v[n] += s->day[d + i];
        n++;
    }
    return n;
}

/* How far back nothing was beyond v[i]; -1: to the beginning. */
static int32_t beyond(const double *v, uint32_t i, bool lowest)
{
    for (uint32_t j = i; j-- > 0;)
        if (lowest ? v[j] <= v[i] : v[j] >= v[i])
            return (int32_t)j;
    return -1;
}

size_t series_records(const struct series *s, bool weeks, struct series_record **out)
{
    double *v = mem_zeroed(s->days, sizeof *v);
    uint32_t *unit = mem_zeroed(s->days, sizeof *unit), n = s->days;
    struct series_record *list = NULL;
    size_t count = 0, cap = 0;
    if (weeks)
        n = weeks_of(s, v, unit);
    for (uint32_t i = 0; !weeks && i < n; i++) {
        v[i] = s->day[i];
        unit[i] = i;
    }
    for (uint32_t i = 0; i < n; i++) {
        for (unsigned lowest = 0; lowest < 2; lowest++) {
            int32_t since = beyond(v, i, lowest);
            if ((int32_t)i - 1 - since < SERIES_RECORD_MIN)
                continue;
            list = mem_room(list, count, &cap, sizeof *list);
            list[count++] = (struct series_record){
                .unit = unit[i],
                .mails = v[i],
                .lowest = lowest,
                .since = since < 0 ? -1 : (int32_t)unit[since],
                .window = i,
            };
        }
    }
    free(v);
    free(unit);
    *out = list;
    return count;
}
