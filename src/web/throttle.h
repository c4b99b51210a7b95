/* Throttle: how often something may be tried, by key: a bucket of tries each, which fills up again
 * with time. Bounded: when there are too many keys, the one that was longest not tried is
 * forgotten. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

struct throttle;

/* So many keys, tries at once, and milliseconds for each further one. */
struct throttle *throttle_new(unsigned keys, unsigned burst, unsigned each_ms);
void throttle_free(struct throttle *t);
/* Takes a try: 0; or how many milliseconds to wait, and nothing was taken. `now` is clock_ms(). */
int64_t throttle_take(struct throttle *t, struct span key, int64_t now);
/* All tries are given back: it was the right one. */
void throttle_clear(struct throttle *t, struct span key);
