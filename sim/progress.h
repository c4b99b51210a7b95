/* A bar on the terminal for work that takes longer than a second. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool on;
    int64_t began, shown; /* microseconds */
};

/* On when standard error is a terminal and `quiet` is false. */
void progress_begin(struct progress *p, bool quiet);
/* `done` of `all` days, with `rows` contacts so far. Draws at most ten times a second. */
void progress_show(struct progress *p, uint32_t done, uint32_t all, uint64_t rows);
/* Takes the bar away. */
void progress_end(struct progress *p);
