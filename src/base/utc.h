/* Times: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted. Never local time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define UTC_SECOND   1000000ll
#define UTC_DAY      (86400 * UTC_SECOND)
#define UTC_TEXT_MAX 32
/* What an event's time may be: 1990-01-01 to 2100-01-01. Outside of it a clock is wrong. */
#define UTC_EVENT_MIN 631152000000000ll
#define UTC_EVENT_MAX 4102444800000000ll

/* The clock now. */
int64_t utc_now(void);
/* RFC 3339 with a zone ("2011-03-16T09:00:00.5Z", "...+02:00"), the same with a space for the T
 * and without zone (taken as UTC), or a bare date (its midnight). Whole span; false when it is
 * none of these or no date of the calendar. Second 60 counts as the next minute's 0. */
bool utc_parse(struct span text, int64_t *out);
/* "2011-03-16T09:00:00.500000Z"; returns its length (27 for years 0-9999, so out needs
 * UTC_TEXT_MAX). */
unsigned utc_format(int64_t t, char *out);
/* "2011-03-16", length 10. */
unsigned utc_format_date(int64_t t, char *out);
/* Days since 1970-01-01, rounding down. */
static inline int32_t utc_day(int64_t t)
{
    int64_t d = t / UTC_DAY;
    return (int32_t)(t % UTC_DAY < 0 ? d - 1 : d);
}
/* Days since 1970-01-01 of a proleptic Gregorian date; no checks. */
int64_t utc_days_from_civil(int64_t year, unsigned month, unsigned day);
