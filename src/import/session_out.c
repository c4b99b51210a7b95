/* What sessions have in common: events, rejects, blobs, buffers. */
#include <stdarg.h>
#include <stdio.h>

#include "import/session.h"

void session_out_free(struct session_out *out)
{
    buf_free(&out->words);
    while (out->spares)
        buf_free(&out->spare[--out->spares]);
}

void session_take(struct session_out *out, struct buf *b)
{
    if (!b->p && out->spares)
        *b = out->spare[--out->spares];
}

void session_give(struct session_out *out, struct buf *b)
{
    if (!b->p)
        return;
    if (out->spares == SESSION_SPARES_MAX || b->cap > SESSION_SPARE_BYTES) {
        buf_free(b);
    } else {
        b->n = 0;
        out->spare[out->spares++] = *b;
    }
    *b = (struct buf){0};
}

struct event session_event(const struct session_ends *ends, unsigned client, enum event_kind kind,
                           const char *protocol, const struct packet_at *at)
{
    struct event ev;
    memset(&ev, 0, sizeof ev);
    ev.kind = kind;
    ev.time = at->time;
    ev.src_ip = ends->ip[client];
    ev.dst_ip = ends->ip[!client];
    ev.src_port = ends->port[client];
    ev.dst_port = ends->port[!client];
    ev.protocol = span_str(protocol);
    ev.transport = span_str(ends->transport == PACKET_TCP ? "tcp" : "udp");
    return ev;
}

bool session_skip(struct session_out *out)
{
    if (out->stop || out->counts->records + 1 < out->sink->first_record) {
        out->counts->records += !out->stop;
        return true;
    }
    return false;
}

void session_emit(struct session_out *out, struct event *ev)
{
    if (out->stop)
        return;
    ev->record = ++out->counts->records;
    int r = out->sink->event(out->sink->ctx, ev);
    if (r < 0)
        out->stop = r;
}

void session_reject(struct session_out *out, const struct packet_at *at, const char *fmt, ...)
{
    char why[SESSION_REJECT_MAX];
    va_list ap;
    if (out->stop)
        return;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    out->counts->rejected++;
    out->sink->reject(out->sink->ctx, "packet", at->number, UINT64_MAX, why);
}

bool session_blob(struct session_out *out, struct span data, uint8_t sha[SHA256_LEN],
                  const struct packet_at *at)
{
    if (out->stop || data.n == 0)
        return false;
    int r = out->sink->blob(out->sink->ctx, data, sha);
    if (r < 0)
        out->stop = r;
    if (r > 0)
        session_reject(out, at, "%zu bytes of a body or mail not stored: over the cap", data.n);
    return r == 0;
}
