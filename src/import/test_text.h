/* What an importer of text says of a file in memory; for the tests of these importers. */
#pragma once

#include "base/tap.h"
#include "import/import.h"

/* Events as its caller writes them, rejects as text, one a line. */
struct found {
    struct buf events, rejects;
    uint64_t n;
    int stop;
    struct import_counts counts;
    struct err err;
};

static inline void take_reject(void *ctx, const char *unit, uint64_t number, uint64_t offset,
                               const char *why)
{
    struct found *f = ctx;
    buf_printf(&f->rejects, "%s %llu @%llu %s\n", unit, (unsigned long long)number,
               (unsigned long long)offset, why);
}

static inline int take_blob(void *ctx, struct span data, uint8_t sha[32])
{
    abort();
}

/* Both texts end with a NUL. */
static inline int found_run(const struct import_format *format,
                            int (*take_event)(void *ctx, const struct event *ev), struct span data,
                            size_t chunk, uint64_t first, struct found *f)
{
    struct source *s;
    struct import_sink sink = {f, take_event, take_reject, take_blob, first, NULL, 0};
    f->events.n = f->rejects.n = f->n = 0;
    memset(&f->err, 0, sizeof f->err);
    if (source_open_memory(data, "memory", &s, NULL) < 0)
        abort();
    source_set_chunk(s, chunk);
    int r = format->run(s, &sink, &f->counts, &f->err);
    source_close(s);
    buf_byte(&f->rejects, 0);
    buf_byte(&f->events, 0);
    return r;
}
