/* Progress: a bar on a terminal for what takes longer than a second; nothing elsewhere. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool on, shown;
    const char *what;
    uint64_t total;         /* of done's unit; 0: unknown */
    int64_t started, drawn; /* monotonic, ms */
};

/* `what` must outlive it. quiet turns it off. */
void progress_begin(struct progress *p, const char *what, uint64_t total, bool quiet);
/* done of total, and how many things of which kind that were: for rate and time left. Cheap: draws
 * five times a second at most. */
void progress_at(struct progress *p, uint64_t done, uint64_t things, const char *unit);
/* Clears the line. */
void progress_end(struct progress *p);
