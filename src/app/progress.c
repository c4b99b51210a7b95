#include "app/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define BAR_WIDTH     24
#define SHOW_AFTER_MS 1000
#define DRAW_EVERY_MS 200

void progress_begin(struct progress *p, const char *what, uint64_t total, bool quiet)
{
    memset(p, 0, sizeof *p);
    p->what = what;
    p->total = total;
    p->on = !quiet && isatty(STDERR_FILENO);
    p->started = p->drawn = clock_ms();
}

void progress_at(struct progress *p, uint64_t done, uint64_t things, const char *unit)
{
    if (!p->on)
        return;
    int64_t now = clock_ms();
    if (now - p->started < SHOW_AFTER_MS || now - p->drawn < DRAW_EVERY_MS)
        return;
    p->drawn = now;
    p->shown = true;
    double seconds = (double)(now - p->started) / 1000;
    double part = p->total ? (double)done / (double)p->total : 0;
    char bar[BAR_WIDTH + 1];
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < (int)(part * BAR_WIDTH) ? '=' : ' ';
    bar[BAR_WIDTH] = 0;
    fprintf(stderr, "\r\033[K%.40s [%s] %3.0f%%  %.0f %s/s", p->what, bar, part * 100,
            (double)things / seconds, unit);
    if (part > 0.001)
        fprintf(stderr, "  %.0f s left", seconds / part - seconds);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
}
