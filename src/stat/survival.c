#include "stat/survival.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/survival_impl.h"

#define Z95 1.959963984540054

/* ---- counts by time ---- */

static int32_t bounded(int32_t t)
{
    return t < 0 ? 0 : t > SURVIVAL_TIME_MAX ? SURVIVAL_TIME_MAX : t;
}

bool survival_span(const struct survival_unit *u, int32_t *entry, int32_t *end)
{
    *entry = bounded(u->entry);
    *end = bounded(u->end);
    return *entry < *end;
}

void survival_times(const struct survival *s, struct survival_times *out)
{
    int32_t entry, end;
    *out = (struct survival_times){0};
    for (size_t i = 0; i < s->n; i++)
        if (survival_span(&s->units[i], &entry, &end) && (size_t)end + 2 > out->n)
            out->n = (size_t)end + 2;
    out->at = mem_zeroed(out->n, sizeof *out->at);
    for (size_t i = 0; i < s->n; i++) {
        const struct survival_unit *u = &s->units[i];
        if (!survival_span(u, &entry, &end))
            continue;
        bool arm = s->treated[u->cluster];
        out->at[entry + 1].risk[arm]++;
        out->at[end + 1].risk[arm]--;
        out->at[end].events[arm] += u->event;
        out->at[end].censored[arm] += !u->event;
    }
    for (size_t t = 1; t < out->n; t++)
        for (int arm = 0; arm < 2; arm++)
            out->at[t].risk[arm] += out->at[t - 1].risk[arm];
}

void survival_times_free(struct survival_times *t)
{
    free(t->at);
    t->at = NULL;
}

/* ---- Kaplan and Meier ---- */

/* Greenwood's variance of log S over (log S)^2 is that of log(-log S): intervals stay within 0 to 1
 * (Kalbfleisch and Prentice 1980). */
static void put_interval(struct survival_row *r, double greenwood)
{
    double l = log(r->share);
    r->low = r->high = NAN;
    if (!(r->share > 0 && r->share < 1))
        return;
    double away = Z95 * sqrt(greenwood) / -l;
    r->low = exp(l * exp(away));
    r->high = exp(l * exp(-away));
}

size_t survival_curve(const struct survival *s, bool treated, struct survival_row **rows)
{
    struct survival_times times;
    double share = 1, greenwood = 0;
    size_t n = 0, cap = 0;
    struct survival_row *v = mem_room(NULL, 0, &cap, sizeof *v);
    survival_times(s, &times);
    v[n++] = (struct survival_row){.at_risk = times.n > 1 ? (uint64_t)times.at[1].risk[treated] : 0,
                                   .share = 1,
                                   .low = NAN,
                                   .high = NAN};
    for (size_t t = 1; t < times.n; t++) {
        const struct survival_time *at = &times.at[t];
        double risk = (double)at->risk[treated], events = (double)at->events[treated];
        if (!at->events[treated] && !at->censored[treated])
            continue;
        share *= (risk - events) / risk;
        greenwood += events < risk ? events / (risk * (risk - events)) : 0;
        v = mem_room(v, n, &cap, sizeof *v);
        v[n] = (struct survival_row){.time = (int32_t)t,
                                     .at_risk = (uint64_t)at->risk[treated],
                                     .events = at->events[treated],
                                     .censored = at->censored[treated],
                                     .share = share};
        put_interval(&v[n++], greenwood);
    }
    survival_times_free(&times);
    *rows = v;
    return n;
}

struct survival_median survival_median(const struct survival_row *rows, size_t n)
{
    struct survival_median m = {NAN, NAN, NAN};
    for (size_t i = 0; i < n; i++) {
        const struct survival_row *r = &rows[i];
        if (isnan(m.value) && r->share <= 0.5)
            m.value = r->time;
        if (isnan(m.low) && (r->low <= 0.5 || r->share == 0))
            m.low = r->time;
        if (isnan(m.high) && (r->high <= 0.5 || r->share == 0))
            m.high = r->time;
    }
    return m;
}

/* ---- log-rank ---- */

void survival_logrank(const struct survival *s, struct survival_logrank *out)
{
    struct survival_times times;
    *out = (struct survival_logrank){.p = 1};
    survival_times(s, &times);
    for (size_t t = 1; t < times.n; t++) {
        const struct survival_time *at = &times.at[t];
        double n0 = (double)at->risk[0], n1 = (double)at->risk[1], n = n0 + n1;
        double d = (double)(at->events[0] + at->events[1]);
        if (!(d > 0))
            continue;
        out->events[0] += at->events[0];
        out->events[1] += at->events[1];
        out->expected[0] += d * n0 / n;
        out->expected[1] += d * n1 / n;
        if (n > 1)
            out->variance += d * (n0 / n) * (n1 / n) * (n - d) / (n - 1);
    }
    double away = (double)out->events[1] - out->expected[1];
    if (out->variance > 0) {
        out->chi2 = away * away / out->variance;
        out->p = erfc(sqrt(out->chi2 / 2));
    }
    survival_times_free(&times);
}
