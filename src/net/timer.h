/* Timers: deadlines in milliseconds on a wheel of slots. Setting, clearing and firing cost the same
 * for one timer and for a hundred thousand. A timer never fires early and at most TIMER_SLOT_MS
 * late; one that is further away than the wheel reaches is looked at again on its way. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TIMER_SLOT_MS 16
#define TIMER_SLOTS   4096 /* 65 seconds */

/* All zero: not set. */
struct timer {
    struct timer *prev, *next;
    int64_t at;
};

struct timers {
    int64_t slot; /* number of the last slot that was emptied */
    struct timer head[TIMER_SLOTS];
    uint64_t used[TIMER_SLOTS / 64]; /* a bit for each slot that may hold something */
};

void timers_init(struct timers *w, int64_t tick);
/* Also moves one that is set. */
void timer_set(struct timers *w, struct timer *t, int64_t at);
void timer_clear(struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
    return t->next != 0;
}
/* Takes out one timer that is due at `tick`; NULL when none is. */
struct timer *timers_due(struct timers *w, int64_t tick);
/* Milliseconds from `tick` until timers_due should be asked again, `most` at most. */
int timers_wait(const struct timers *w, int64_t tick, int most);
