#include "sim/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define WIDTH 30

void progress_begin(struct progress *p, bool quiet)
{
    *p = (struct progress){.on = !quiet && isatty(STDERR_FILENO), .began = clock_us()};
}

void progress_show(struct progress *p, uint32_t done, uint32_t all, uint64_t rows)
{
    int64_t t = clock_us(), spent = t - p->began;
    char bar[WIDTH + 1];
    if (!p->on || spent < 1000000 || t - p->shown < 100000)
        return;
    p->shown = t;
    unsigned full = (unsigned)((uint64_t)done * WIDTH / all);
    memset(bar, '-', WIDTH);
    memset(bar, '#', full);
    bar[WIDTH] = 0;
    double seconds = (double)spent / 1e6;
    fprintf(stderr, "\r[%s] day %u of %u, %.0f contacts/s, %.0f s left \033[K", bar, done, all,
            (double)rows / seconds, done ? seconds * (all - done) / done : 0.0);
}

void progress_end(struct progress *p)
{
    if (p->on && p->shown)
        fputs("\r\033[K", stderr);
}
