/* The monotonic clock: for spans of time within this boot, never for the log (base/utc.h). */
#pragma once

#include <stdint.h>
#include <time.h>

/* Microseconds. */
static inline int64_t clock_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Milliseconds. */
static inline int64_t clock_ms(void)
{
    return clock_us() / 1000;
}

/* Sleeps for so many milliseconds, or until a signal comes. */
static inline void clock_sleep(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};
    nanosleep(&t, NULL);
}
