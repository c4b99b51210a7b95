#include "view/series.h"

#include <math.h>

#include "base/tap.h"
#include "base/utc.h"

/* Hours of up to three sensors, made by a rule: mails(sensor, day) spread over the day. */
static void make_hours(struct volume_hours *h, int32_t first, uint32_t days, unsigned sensors,
                       uint32_t (*mails)(unsigned sensor, uint32_t day))
{
    memset(h, 0, sizeof *h);
    h->first_day = first;
    h->days = days;
    h->sensors = sensors;
    for (unsigned s = 0; s < sensors; s++) {
        h->sensor[s] = (uint16_t)(s + 1);
        h->mails[s] = calloc((size_t)days * 24, sizeof **h->mails);
        for (uint32_t d = 0; d < days; d++)
            for (unsigned hour = 0; hour < 24; hour++)
                h->mails[s][d * 24 + hour] = mails(s, d) / 24 + (hour < mails(s, d) % 24);
    }
}

static uint32_t two_and_a_late_one(unsigned sensor, uint32_t day)
{
    return sensor == 2 ? (day < 5 ? 0 : 2400) : day < 10 ? 480 : 240;
}

static void test_cohort(void)
{
    struct volume_hours h;
    struct series_cohort cohort;
    struct series fixed, all;
    make_hours(&h, 100, 20, 3, two_and_a_late_one);
    series_cohort(&h, 100, &cohort);
    is_int(cohort.n, 2);
    is_int(cohort.left_out, 1);
    series_of(&h, &h, &cohort, &fixed);
    series_of(&h, &h, NULL, &all);
    ok(series_index(&all, 6, 0).value > 300, "a sensor that was added looks like growth");
    ok(series_index(&fixed, 6, 0).value == 100, "and does not within the cohort");
    ok(series_index(&fixed, 12, 0).value == 50);
    is_int(fixed.sensors, 2);
    series_free(&fixed);
    series_free(&all);
    series_cohort(&h, 106, &cohort);
    is_int(cohort.n, 3);
    volume_hours_free(&h);
}

static uint32_t gone_early(unsigned sensor, uint32_t day)
{
    return sensor == 1 && day >= 3 ? 0 : 240;
}

static void test_sensor_taken_down(void)
{
    struct volume_hours h;
    struct series_cohort cohort;
    make_hours(&h, 0, 30, 2, gone_early);
    series_cohort(&h, 0, &cohort);
    is_int(cohort.n, 1);
    is_int(cohort.sensor[0], 1);
    volume_hours_free(&h);
}

/* A week's rhythm: weekends have half. 1970-01-01 was a Thursday. */
static uint32_t weekly(unsigned sensor, uint32_t day)
{
    (void)sensor;
    unsigned weekday = (day + 3) % 7; /* of the first day 0: Monday is 0 */
    uint32_t mails = weekday >= 5 ? 500 : 1000;
    return day >= 42 ? mails * 3 / 5 : mails;
}

static void test_index(void)
{
    struct volume_hours h;
    struct series s;
    make_hours(&h, 0, 70, 1, weekly);
    series_of(&h, &h, NULL, &s);
    is_int(s.day[0], 1000);
    is_int(s.day[2], 500); /* Saturday */
    struct series_interval x = series_index(&s, 2, 0);
    ok(x.value == 50 && x.low > 40 && x.low <= 50 && x.high >= 50 && x.high < 60,
       "an interval round its value");
    ok(series_index(&s, 0, 0).low == 100, "the baseline is 100");
    ok(series_weekday_index(&s, 9, 7) == 100, "a Saturday against a Saturday");
    ok(series_weekday_index(&s, 44, 7) == 60);
    ok(series_weekday_index(&s, 0, 0) == 100 && series_weekday_index(&s, 2, 0) == 100,
       "before the baseline's week: the one that begins with it");
    ok(isnan(series_index(&s, 3, 1000).value), "no such baseline");
    series_free(&s);
    volume_hours_free(&h);
}

static void test_changes(void)
{
    struct volume_hours h;
    struct series s;
    struct series_change c[SERIES_CHANGES_MAX];
    make_hours(&h, 0, 70, 1, weekly);
    series_of(&h, &h, NULL, &s);
    unsigned n = series_changes(&s, c);
    is_int(n, 1);
    is_int(c[0].day, 42);
    ok(c[0].confidence >= 99, "one change, and sure of it");
    ok(fabs(c[0].after / c[0].before - 0.6) < 0.01, "by what it fell");
    series_free(&s);
    volume_hours_free(&h);
}

static uint32_t noise(unsigned sensor, uint32_t day)
{
    uint32_t x = (day + 1) * 2654435761u ^ sensor;
    return 900 + (x >> 16) % 200;
}

static void test_no_change(void)
{
    struct volume_hours h;
    struct series s;
    struct series_change c[SERIES_CHANGES_MAX];
    make_hours(&h, 0, 60, 1, noise);
    series_of(&h, &h, NULL, &s);
    is_int(series_changes(&s, c), 0);
    series_free(&s);
    volume_hours_free(&h);
}

static void test_impact(void)
{
    struct volume_hours h;
    struct series s;
    struct series_impact r;
    make_hours(&h, 0, 70, 1, weekly);
    series_of(&h, &h, NULL, &s);
    ok(series_impact(&s, 42, 7, &r));
    is_int(r.days_before, 7);
    is_int(r.days_after, 7);
    ok(fabs(r.change.value + 40) < 0.01, "down by 40 %");
    ok(r.change.low < r.change.value && r.change.value < r.change.high);
    ok(series_impact(&s, 68, 7, &r) && r.days_after == 2, "fewer days where the series ends");
    ok(!series_impact(&s, 0, 7, &r), "nothing before the first day");
    ok(!series_impact(&s, 70, 7, &r), "nor from the day behind the last on");
    ok(!series_impact(&s, -5, 7, &r));
    series_free(&s);
    volume_hours_free(&h);
}

static void test_records(void)
{
    struct volume_hours h;
    struct series s;
    struct series_record *list;
    make_hours(&h, 0, 70, 1, weekly);
    series_of(&h, &h, NULL, &s);
    size_t n = series_records(&s, true, &list), lowest = 0;
    for (size_t i = 0; i < n; i++) {
        if (!list[i].lowest)
            continue;
        lowest++;
        is_int(list[i].unit % 7, 4); /* Mondays */
        is_int(list[i].since, -1);
        ok(list[i].mails < 6000, "below an ordinary week");
        ok(list[i].window >= 5, "of all the weeks before it");
    }
    is_int(lowest, 2); /* the week in which it fell, and the first whole one behind */
    free(list);
    series_free(&s);
    volume_hours_free(&h);
}

static void test_same_draws(void)
{
    struct volume_hours h;
    struct series s;
    make_hours(&h, 0, 60, 1, noise);
    series_of(&h, &h, NULL, &s);
    struct series_interval a = series_index(&s, 30, 3), b = series_index(&s, 30, 3);
    ok(a.low == b.low && a.high == b.high, "the same facts give the same figures");
    series_free(&s);
    volume_hours_free(&h);
}

int main(void)
{
    test_cohort();
    test_sensor_taken_down();
    test_index();
    test_changes();
    test_no_change();
    test_impact();
    test_records();
    test_same_draws();
    return tap_done();
}
