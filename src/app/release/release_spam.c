/* The spam gauge for a release: the index by day, before and after the takedown, over the sensors
 * that were there all the time, as `ebb spam --by day --baseline DAY` and `ebb spam impact` have
 * it. */
#include <math.h>
#include <stdlib.h>

#include "app/release/release_make.h"
#include "base/mem.h"
#include "base/utc.h"
#include "view/series.h"

/* No "-0" when it is printed. */
static double whole(double v)
{
    return round(v) + 0.0;
}

static void add_day(struct release_spam *out, int32_t day, double mails,
                    const struct release_rule *rule, const struct series_interval *x)
{
    out->v = mem_room(out->v, out->n, &out->cap, sizeof *out->v);
    struct release_spam_day *d = &out->v[out->n++];
    *d = (struct release_spam_day){.day = day, .index = NAN, .low = NAN, .high = NAN};
    d->shown = mails >= (double)rule->minimum && isfinite(x->value);
    if (!d->shown)
        return;
    d->index = whole(x->value);
    d->low = floor(x->low) + 0.0;
    d->high = ceil(x->high) + 0.0;
}

static void add_impact(const struct series *s, const struct release_doc *doc,
                       struct release_spam *out)
{
    struct series_impact r;
    if (!doc->has_takedown || !series_impact(s, doc->takedown, RELEASE_IMPACT_DAYS, &r) ||
        r.before < (double)doc->rule.minimum || r.after < (double)doc->rule.minimum ||
        !isfinite(r.change.value))
        return;
    out->impact = true;
    out->before = r.days_before;
    out->after = r.days_after;
    out->change = whole(r.change.value);
    out->low = floor(r.change.low) + 0.0;
    out->high = ceil(r.change.high) + 0.0;
}

/* The day that is 100: the last one before the takedown, else the first; -1: none that could be. */
static int64_t baseline_of(const struct series *s, const struct release_doc *doc)
{
    int64_t day = doc->has_takedown ? (int64_t)doc->takedown - 1 - s->first_day : 0;
    if (day < 0 || day >= (int64_t)s->days)
        day = 0;
    return s->days && s->day[day] >= (double)doc->rule.minimum ? day : -1;
}

int release_count_spam(struct casedir *c, const struct release_doc *doc, struct release_spam *out,
                       struct err *err)
{
    struct volume_filter f = {.campaign = VOLUME_ANY_CAMPAIGN};
    struct volume_hours all, filtered;
    struct series_cohort cohort;
    struct series s;
    int32_t since = doc->has_takedown ? doc->takedown - RELEASE_SPAM_BEFORE : doc->since;
    since = doc->since < since ? doc->since : since;
    f.since = (int64_t)since * UTC_DAY;
    f.until = (int64_t)doc->until * UTC_DAY;
    int rc = volume_hours(c->spam, &f, &all, &filtered, NULL, err);
    if (rc == 0 && all.days) {
        int32_t first = all.first_day;
        series_cohort(&all, doc->has_takedown && doc->takedown > first ? doc->takedown - 1 : first,
                      &cohort);
        series_of(&all, &filtered, &cohort, &s);
        int64_t base = baseline_of(&s, doc);
        out->there = base >= 0;
        out->baseline = s.first_day + (int32_t)base;
        out->sensors = s.sensors;
        for (uint32_t d = 0; out->there && d < s.days && d < RELEASE_DAYS_MAX; d++) {
            struct series_interval x = series_index(&s, d, (uint32_t)base);
            add_day(out, s.first_day + (int32_t)d, s.day[d], &doc->rule, &x);
        }
        if (out->there)
            add_impact(&s, doc, out);
        series_free(&s);
    }
    volume_hours_free(&all);
    volume_hours_free(&filtered);
    return rc;
}
