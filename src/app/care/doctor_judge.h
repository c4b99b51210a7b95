/* Doctor, judge: from what was measured to a state. Pure; doc/doctor.md has the same numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_WRONG, DOCTOR_SKIPPED, DOCTOR_STATES };
const char *doctor_state_name(enum doctor_state s);
static inline enum doctor_state doctor_worse(enum doctor_state a, enum doctor_state b)
{
    return a == DOCTOR_SKIPPED ? b : b == DOCTOR_SKIPPED ? a : a > b ? a : b;
}

/* Smaller is better: from `warn` on a warning, from `wrong` on wrong. */
enum doctor_state doctor_over(double value, double warn, double wrong);
/* Larger is better: below `warn` a warning, below `wrong` wrong. */
enum doctor_state doctor_under(double value, double warn, double wrong);

/* Free bytes of so many, and days until they are gone at the log's growth (INFINITY: it does not
 * grow, NAN: not known yet). */
#define DOCTOR_FREE_WARN_PERCENT  10.0
#define DOCTOR_FREE_WRONG_PERCENT 2.0
#define DOCTOR_FREE_WRONG_BYTES   (512.0 * 1024 * 1024)
#define DOCTOR_FULL_WARN_DAYS     14.0
#define DOCTOR_FULL_WRONG_DAYS    3.0
enum doctor_state doctor_space(double free_bytes, double all_bytes, double days);

/* Bytes a day of files that only grow, over the days before `now` (microseconds). NAN: none is old
 * enough to tell. */
#define DOCTOR_GROWTH_DAYS 7
struct doctor_file {
    int64_t born, changed; /* born 0: not known */
    uint64_t bytes;
};
double doctor_growth(const struct doctor_file *files, size_t n, int64_t now);

/* The middle one of so many microseconds; sorts them. */
#define DOCTOR_SYNC_WARN_US  50000
#define DOCTOR_SYNC_WRONG_US 1000000
double doctor_median(double *v, size_t n);

/* The clock: what adjtimex says, and the newest entry of the log. */
#define DOCTOR_OFFSET_WARN_US  100000
#define DOCTOR_OFFSET_WRONG_US 2000000
#define DOCTOR_AHEAD_US        5000000 /* an entry may be so far ahead of the clock */
enum doctor_state doctor_offset(bool synchronised, int64_t offset_us);

/* Days until something ends: gone is wrong, soon a warning. */
#define DOCTOR_ENDS_DAYS 14
enum doctor_state doctor_ends(int64_t until, int64_t now, unsigned days);

/* The addresses in a policy's record, "* A 192.0.2.1": its value when it is A or AAAA. */
bool doctor_record_address(const char *record, char *out, size_t size);
