/* Unit tests: Test Anything Protocol on standard output. A test program calls ok()/is_*() and ends
 * with `return tap_done();`. A failing check prints where it stands and does not stop the rest. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

#define ok(cond, ...) tap_check(!!(cond), #cond, __FILE__, __LINE__, "" __VA_ARGS__)

static inline int tap_check(int good, const char *expr, const char *file, int line, const char *name)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++tap_count, name[0] ? name : expr);
    if (!good) {
        tap_failed++;
        printf("# failed: %s (%s:%d)\n", expr, file, line);
    }
    fflush(stdout);
    return good;
}

#define is_int(got, want, ...) tap_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
static inline int tap_int(long long got, long long want, const char *expr, const char *file, int line)
{
    int good = tap_check(got == want, expr, file, line, expr);
    if (!good)
        printf("#   got %lld, want %lld\n", got, want);
    return good;
}

#define is_str(got, want) tap_str((got), (want), #got, __FILE__, __LINE__)
static inline int tap_str(const char *got, const char *want, const char *expr, const char *file,
                          int line)
{
    int good = tap_check(got && want && strcmp(got, want) == 0, expr, file, line, expr);
    if (!good)
        printf("#   got \"%s\"\n#  want \"%s\"\n", got ? got : "(null)", want ? want : "(null)");
    return good;
}

/* Says why and counts as passed: for inputs that are not on this machine. */
static inline void tap_skip(const char *what, const char *why)
{
    printf("ok %d - %s # SKIP %s\n", ++tap_count, what, why);
}

static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
