/* What the importers of text are held to: the same events and rejects however the bytes come in,
 * feed{} in order. */
#pragma once

#include <stdlib.h>

#include "base/cbor.h"
#include "import/import.h"

static inline void mix(struct buf *b, uint64_t v)
{
    buf_put(b, &v, sizeof v);
}

static inline int take_event(void *ctx, const struct event *ev)
{
    struct buf *b = ctx;
    for (size_t i = 1; i < ev->feed.n; i++)
        if (cbor_key_cmp(ev->feed.cells[i - 1].key, ev->feed.cells[i].key) >= 0)
            abort();
    size_t from = b->n;
    event_encode(ev, b);
    if (!cbor_valid(span_of(b->p + from, b->n - from)))
        abort();
    mix(b, ev->record);
    mix(b, (uint64_t)ev->time);
    return 0;
}

static inline void take_reject(void *ctx, const char *unit, uint64_t number, uint64_t offset,
                               const char *why)
{
    struct buf *b = ctx;
    mix(b, number);
    mix(b, offset);
    buf_str(b, why);
}

static inline int take_blob(void *ctx, struct span data, uint8_t sha256[32])
{
    abort();
}

static inline void run(const struct import_format *format, struct span data, size_t chunk,
                       struct buf *out)
{
    struct source *s;
    struct import_sink sink = {out, take_event, take_reject, take_blob, 1, NULL, 0};
    struct import_counts counts;
    struct err err;
    if (source_open_memory(data, "memory", &s, NULL) < 0)
        abort();
    source_set_chunk(s, chunk);
    out->n = 0;
    int r = format->run(s, &sink, &counts, &err);
    mix(out, (uint64_t)r);
    mix(out, counts.records);
    mix(out, counts.rejected);
    source_close(s);
}

/* The first byte of the input says how it is cut. */
static inline int import_events(const struct import_format *format, const uint8_t *data,
                                size_t size)
{
    if (size < 1)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    if (in.n > 2 && (in.p[0] == 0x1f || in.p[0] == 0x28 || (in.p[0] & 0xf0) == 0x50))
        return 0; /* unpacking has a target of its own */
    struct buf a = {0}, b = {0};
    format->probe(in);
    run(format, in, SOURCE_CHUNK, &a);
    run(format, in, data[0], &b);
    if (!span_eq(buf_as_span(&a), buf_as_span(&b)))
        abort();
    buf_free(&a);
    buf_free(&b);
    return 0;
}
