#include "view/query.h"

#include <stdio.h>

#define SENSOR_NAME_MAX 256

static bool is_any(struct span want, struct span have)
{
    return !want.n || span_eq(want, have);
}

static bool matches(const struct query *q, const struct event *ev)
{
    if (q->asn && ev->asn != q->asn)
        return false;
    if (q->family && !span_is(ev->family, q->family))
        return false;
    return is_any(q->country, ev->country) && is_any(q->protocol, ev->protocol) &&
           (!q->src.set || net_has(&q->src, &ev->src_ip));
}

bool query_matches(const struct query *q, const struct query_hit *h)
{
    const struct event *ev = h->ev;
    return event_kind_is_event((uint8_t)ev->kind) && (!q->kind || ev->kind == q->kind) &&
           ev->time >= q->since && ev->time < q->until && matches(q, ev) &&
           is_any(q->sensor, span_str(h->sensor));
}

/* What the header alone decides, before the payload is read. */
static bool header_matches(const struct query *q, const struct entry_header *h)
{
    return event_kind_is_event(h->kind) && (!q->kind || h->kind == q->kind) &&
           h->time >= q->since && h->time < q->until;
}

/* The sensor's name, looked up again only when it changes. */
struct sensor {
    uint64_t index;
    char name[SENSOR_NAME_MAX];
};

static void sensor_name(struct sensor *s, const struct registry *registry, uint64_t index)
{
    if (s->index == index && index)
        return;
    struct span name = registry_sensor(registry, index);
    s->index = index;
    snprintf(s->name, sizeof s->name, "%.*s", (int)name.n, (const char *)name.p);
}

static int run(struct journal_cursor *cursor, const struct registry *registry,
               const struct query *q, int (*hit)(void *, const struct query_hit *), void *ctx,
               struct arena *arena, struct err *err)
{
    struct entry e;
    struct event ev;
    struct sensor sensor = {0};
    uint64_t hits = 0;
    int rc;
    while ((rc = journal_cursor_next(cursor, &e, err)) == 1) {
        if (e.redacted || !header_matches(q, &e.header))
            continue;
        arena_reset(arena);
        if (event_decode(e.payload, arena, &ev) < 0)
            continue; /* written by a version that knows more */
        ev.kind = e.header.kind;
        ev.time = e.header.time;
        ev.sensor = e.header.sensor;
        sensor_name(&sensor, registry, ev.sensor);
        if (!matches(q, &ev) || !is_any(q->sensor, span_str(sensor.name)))
            continue;
        struct query_hit h = {.index = e.index, .ev = &ev, .sensor = sensor.name};
        rc = hit(ctx, &h);
        if (rc || ++hits == q->limit)
            return rc;
    }
    return rc;
}

int query_events(struct journal *j, const struct registry *registry, const struct query *q,
                 int (*hit)(void *ctx, const struct query_hit *hit), void *ctx, struct err *err)
{
    struct journal_cursor *cursor;
    struct arena arena;
    int rc = journal_cursor_open(j, q->from_index, &cursor, err);
    if (rc < 0)
        return rc;
    arena_init(&arena);
    rc = run(cursor, registry, q, hit, ctx, &arena, err);
    arena_free(&arena);
    journal_cursor_close(cursor);
    return rc;
}
