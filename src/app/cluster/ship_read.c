/* One round over the log: entries become rows of the shards that they belong to. */
#include <errno.h>
#include <stdio.h>

#include "app/cluster/ship_impl.h"
#include "event/act.h"

#define LOOK_BYTES 256         /* entries between two looks at how large the batches are; */
#define LARGE      (16u << 10) /* and behind each payload over this */
#define ROWS_MAX   2000000     /* of all tables: bots, for a shard that has few of the addresses */
#define LOOK_EVERY 8192        /* entries between two looks at what is done, and whether to stop */

static int go_to(struct ship *s, uint64_t index, struct err *err)
{
    if (s->cursor && s->cursor_at == index)
        return 0;
    if (s->cursor)
        journal_cursor_close(s->cursor);
    s->cursor = NULL;
    int rc = journal_cursor_open(s->c->journal, index, &s->cursor, err);
    s->cursor_at = index;
    return rc;
}

/* Sensors that the registry does not know yet are those that a daemon's log named since. */
static struct span sensor_name(struct ship *s, uint64_t index)
{
    struct entry e;
    struct span name;
    if (s->sensor_index != index || !index) {
        name = registry_sensor(s->c->registry, index);
        if (!name.n && index && journal_get(s->c->journal, index, &e, NULL) == 0 &&
            e.header.kind == KIND_SENSOR && act_sensor_read(e.payload, &name) < 0)
            name.n = 0;
        s->sensor_index = index;
        snprintf(s->sensor, sizeof s->sensor, "%.*s", (int)name.n, (const char *)name.p);
    }
    return span_str(s->sensor);
}

static bool any_full(const struct ship *s, uint64_t group)
{
    bool full = false;
    for (unsigned i = 0; i < s->n; i++)
        full |= group >> i & 1 && (clickhouse_batch_bytes(s->shard[i].batch) >= s->batch_bytes ||
                                   clickhouse_batch_rows(s->shard[i].batch) >= ROWS_MAX);
    return full;
}

/* The event's row, its sighting and its bot, each to its shard where that one takes part. True when
 * a batch is full. */
static bool take(struct ship *s, uint64_t group, const struct entry *e, struct event *ev)
{
    struct clickhouse_row *r = &s->row;
    clickhouse_row_of(e, ev, sensor_name(s, ev->sensor), r);
    unsigned i = clickhouse_shard(r->source, s->n);
    struct ship_shard *x = &s->shard[i];
    bool full = false;
    if (group >> i & 1) {
        if (!ship_window_has(&x->stream[SHIP_EVENTS].window, e->index))
            clickhouse_batch_event(x->batch, r);
        if (r->counts)
            clickhouse_batch_sighting(x->batch, r);
        full = clickhouse_batch_events(x->batch) >= s->config->batch_rows;
    }
    if (r->bot) {
        i = clickhouse_shard(r->bot_key, s->n);
        if (group >> i & 1)
            clickhouse_batch_bot(s->shard[i].batch, r);
    }
    if (e->index % LOOK_BYTES == 0 || e->payload.n > LARGE)
        full |= any_full(s, group);
    return full;
}

/* 1: a batch is full, or here is an entry that is looked at by itself. */
static int entry_read(struct ship *s, uint64_t group, const struct entry *e)
{
    struct event ev;
    if (e->redacted || !event_kind_is_event(e->header.kind))
        return 0;
    arena_reset(&s->arena);
    if (event_decode(e->payload, &s->arena, &ev) < 0)
        return 0; /* a later version's event */
    ev.kind = e->header.kind;
    ev.time = e->header.time;
    ev.sensor = e->header.sensor;
    if (spam_is_mail(&ev) && e->index >= s->last_mail)
        s->last_mail = e->index + 1;
    return take(s, group, e, &ev);
}

static int flush_all(struct ship *s, uint64_t group, uint64_t to, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < s->n; i++)
        if (group >> i & 1)
            rc = ship_flush(s, i, SHIP_EVENTS, to, err);
    return rc;
}

/* A redaction is carried out by shards that have all that is before it. */
static int come_to_redaction(struct ship *s, uint64_t group, const struct entry *e, struct err *err)
{
    bool idle = true;
    for (unsigned i = 0; i < s->n; i++)
        idle &= !(group >> i & 1) || ship_is_idle(&s->shard[i]);
    if (!idle)
        return ship_heed(s, 100, err); /* and we come again */
    return ship_erase(s, group, e, err);
}

int ship_round(struct ship *s, uint64_t group, uint64_t from, uint64_t to, struct err *err)
{
    struct entry e;
    int rc = go_to(s, from, err);
    while (rc == 0 && s->cursor_at < to) {
        rc = journal_cursor_next(s->cursor, &e, err);
        if (rc <= 0)
            break;
        if (e.header.kind == KIND_REDACTION) {
            uint64_t at = e.index;
            rc = at == from ? come_to_redaction(s, group, &e, err) : flush_all(s, group, at, err);
            journal_cursor_close(s->cursor); /* it is read again, from the shards' positions */
            s->cursor = NULL;
            return rc;
        }
        s->cursor_at = e.index + 1;
        bool full = entry_read(s, group, &e);
        rc = 0;
        if (s->cursor_at % LOOK_EVERY == 0) {
            rc = ship_heed(s, 0, err);
            full |= s->ways.stopped(s->ways.ctx);
        }
        if (full)
            break;
    }
    if (rc < 0)
        return rc;
    /* One that failed meanwhile went back: what was put into its batch since is not its business.
     */
    for (unsigned i = 0; i < s->n; i++)
        if (group >> i & 1 &&
            (s->shard[i].state != SHIP_READY || s->shard[i].stream[SHIP_EVENTS].read != from)) {
            clickhouse_batch_next(s->shard[i].batch);
            clickhouse_batch_forget(s->shard[i].batch);
            group &= ~(1ull << i);
        }
    return flush_all(s, group, s->cursor_at, err);
}
