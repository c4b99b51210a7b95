/* Series: a daily volume and what may be said of it: an index, intervals, change points, records.
 * Pure computing on numbers; random draws have a fixed seed, so the same facts give the same
 * figures. doc/gauge/volume.md explains each for readers of the figures. */
#pragma once

#include "view/volume.h"

struct series {
    int32_t first_day;
    uint32_t days;
    uint32_t *hour;   /* mails by the hour, 24 a day */
    double *day;      /* their sums */
    unsigned sensors; /* in the cohort */
};

/* Sensors that were there all the time: with mail on or before the baseline day, and within
 * SERIES_QUIET_DAYS of the last day on which any had mail. One that was added later, or taken down,
 * must not look like growth or decline. */
#define SERIES_QUIET_DAYS 7
struct series_cohort {
    uint16_t sensor[VOLUME_SENSORS_MAX];
    unsigned n;
    unsigned left_out; /* sensors that had mail and are not in it */
};
void series_cohort(const struct volume_hours *all, int32_t baseline, struct series_cohort *out);

/* The filtered hours, summed over the cohort's sensors (NULL: over all). `all` gives the days. */
void series_of(const struct volume_hours *all, const struct volume_hours *filtered,
               const struct series_cohort *cohort, struct series *out);
void series_free(struct series *s);

#define SERIES_DRAWS 1000
struct series_interval {
    double value, low, high; /* NaN: cannot be said */
};
/* Day d (number in the series) against the baseline day, which is 100. The interval (95 %) is a
 * bootstrap over the hours of both days (Efron, 1979): how much would differ if the same hours had
 * come in another mixture; it does not know of what other sensors would have seen. */
struct series_interval series_index(const struct series *s, uint32_t d, uint32_t baseline);
/* Against the same weekday of the baseline's week (the seven days that end with the baseline, else
 * the seven that begin with it), which is 100; NaN when that day is not in the series or had
 * nothing. */
double series_weekday_index(const struct series *s, uint32_t d, uint32_t baseline);

/* Change points: CUSUM with a bootstrap (Taylor, "Change-Point Analysis", 2000), over the logarithm
 * of the daily mails plus one, with the mean of each weekday taken out where there are four weeks
 * and more; then again within what is left and right of it. */
#define SERIES_CHANGES_MAX  64
#define SERIES_CHANGE_LEVEL 95 /* per cent: below that it is no change point */
#define SERIES_CHANGE_DAYS  4  /* at least on both sides */
struct series_change {
    uint32_t day;         /* the first one of the new level */
    double confidence;    /* per cent: shuffles of the days with less of a swing */
    double before, after; /* mean mails a day between this change and its neighbours */
};
/* Ordered by day; how many there are, at most SERIES_CHANGES_MAX. */
unsigned series_changes(const struct series *s, struct series_change *out);

/* Before and after an event: mean mails a day in the `window` days before the event's day and in
 * the `window` days from it on, and the change in per cent with its interval (95 %, bootstrap over
 * days). */
struct series_impact {
    uint32_t days_before, days_after; /* fewer where the series begins or ends */
    double before, after;
    struct series_interval change; /* per cent, -36.5 for a fall by a third and more */
};
bool series_impact(const struct series *s, int32_t event_day, uint32_t window,
                   struct series_impact *out); /* false: no day on one of the sides */

/* Records over days or whole weeks (Monday to Sunday): the units since which nothing was as low (as
 * high). `since` is the last unit before this one that was as low or lower; -1 when there is none
 * in `window` units, which are all that came before it. */
struct series_record {
    uint32_t unit; /* day number, or day number of the week's Monday */
    double mails;
    bool lowest;   /* else highest */
    int32_t since; /* unit number of the last that was beyond it, -1 none */
    uint32_t window;
};
/* Each unit that is a record over SERIES_RECORD_MIN units and more; ordered. Free the list. */
#define SERIES_RECORD_MIN 4
size_t series_records(const struct series *s, bool weeks, struct series_record **out);
