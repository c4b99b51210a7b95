/* What the survival_*.c share: units counted by time and arm. */
#pragma once

#include "stat/survival.h"

struct survival_time {
    int64_t risk[2]; /* at risk: controls, treated */
    uint64_t events[2], censored[2];
};
struct survival_times {
    struct survival_time *at; /* [0 .. n - 1]; nobody is at risk at 0 */
    size_t n;
};
void survival_times(const struct survival *s, struct survival_times *out);
void survival_times_free(struct survival_times *t);
/* Within the bounds; false when it says nothing. */
bool survival_span(const struct survival_unit *u, int32_t *entry, int32_t *end);
