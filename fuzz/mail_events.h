/* What the importers of mail are held to: the same events, bytes and rejects however the bytes come
 * in; records that grow; bytes that end with a line's end; times that events may have. */
#pragma once

#include <stdlib.h>

#include "base/cbor.h"
#include "base/digest.h"
#include "base/utc.h"
#include "must.h"
#include "import/import.h"

struct mail_seen {
    struct buf out;
    uint64_t records;
};

static inline void mix(struct buf *b, uint64_t v)
{
    buf_put(b, &v, sizeof v);
}

static inline int take_event(void *ctx, const struct event *ev)
{
    struct mail_seen *s = ctx;
    size_t from = s->out.n;
    must(ev->kind == KIND_SMTP && ev->smtp.has && ev->smtp.size > 0);
    must(ev->time >= UTC_EVENT_MIN && ev->time < UTC_EVENT_MAX);
    must(ev->record > s->records);
    s->records = ev->record;
    event_encode(ev, &s->out);
    must(cbor_valid(span_of(s->out.p + from, s->out.n - from)));
    mix(&s->out, (uint64_t)ev->time);
    return 0;
}

static inline void take_reject(void *ctx, const char *unit, uint64_t number, uint64_t offset,
                               const char *why)
{
    struct mail_seen *s = ctx;
    mix(&s->out, number);
    mix(&s->out, offset);
    buf_str(&s->out, why);
}

static inline int take_blob(void *ctx, struct span data, uint8_t sha[SHA256_LEN])
{
    must(data.n > 0 && data.p[data.n - 1] == '\n');
    sha256(data.p, data.n, sha);
    return 0;
}

static inline void run(const struct import_format *format, struct span data, size_t chunk,
                       struct mail_seen *seen)
{
    struct source *src;
    struct span host = span_str("*.our.example");
    struct net net;
    net_parse(span_str("10.0.0.0/8"), &net);
    struct import_mail mail = {{&net, 1, &host, 1}, true};
    struct import_sink sink = {seen, take_event, take_reject, take_blob, 1, &mail, UTC_EVENT_MIN};
    struct import_counts counts;
    struct err err;
    must(source_open_memory(data, "memory", &src, NULL) == 0);
    source_set_chunk(src, chunk);
    int rc = format->run(src, &sink, &counts, &err);
    must(counts.records >= seen->records);
    mix(&seen->out, (uint64_t)rc);
    mix(&seen->out, counts.records);
    mix(&seen->out, counts.rejected);
    source_close(src);
}

/* The first byte of the input says how it is cut. */
static inline int mail_events(const struct import_format *format, const uint8_t *data, size_t size)
{
    struct mail_seen a = {0}, b = {0};
    if (size < 1)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    if (in.n > 2 && (in.p[0] == 0x1f || in.p[0] == 0x28 || (in.p[0] & 0xf0) == 0x50))
        return 0; /* unpacking has a target of its own */
    format->probe(in);
    run(format, in, SOURCE_CHUNK, &a);
    run(format, in, data[0], &b);
    must(span_eq(buf_as_span(&a.out), buf_as_span(&b.out)));
    buf_free(&a.out);
    buf_free(&b.out);
    return 0;
}
