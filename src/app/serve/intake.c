#include "app/serve/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/utc.h"
#include "event/act.h"
#include "net/sensor.h"

#define TURN_RECORDS  4096          /* of one ring, before others have their turn */
#define PENDING_MAX   (16ull << 20) /* bytes of payload between commits */
#define LOOK_EVERY_MS 250           /* at the disk and at the sensors' losses */
#define FREE_INODES   1024
#define GAP_EVERY_MS  1000

struct slot {
    struct ring ring;
    uint64_t taken;               /* records read, this recorder's and its predecessors' */
    uint64_t dropped, suppressed; /* of the counters, those that gap entries speak of */
    bool wanted;                  /* somebody waits for one of the records since the last commit */
    bool damaged;                 /* its writer scribbled: not read until it was replaced */
};

struct intake {
    struct serve_shared *shared;
    struct casedir *c;
    struct pipeline *pipeline;
    uint64_t sensor, free_disk;
    struct slot slot[SERVE_SLOTS_MAX];
    struct arena arena;
    struct buf payload,
        blob;              /* a record's own copy: its writer is not to change it under our hands */
    uint64_t since_commit; /* records */
    int64_t oldest;        /* of them */
    int64_t committed_at, looked_at, gaps_at; /* monotonic, ms */
    int64_t gap_since[SERVE_SLOTS_MAX];
    int64_t full_since; /* UTC; 0: there is room */
    bool wanted;
};

/* ---- where the last recorder stood ---- */

/* Moves a slot behind the records of a chunk that are on the log. */
static void pass_chunk(struct intake *in, const struct serve_chunk *chunk, uint64_t on_log)
{
    struct slot *slot = &in->slot[chunk->slot];
    struct span record;
    slot->ring =
        ring_reader(in->shared->slot[chunk->slot].ring, in->shared->ring_capacity, chunk->from);
    for (uint64_t i = 0; i < on_log && ring_next(&slot->ring, &record) == 1; i++)
        slot->taken++;
}

/* What of the chunks reached the log: entries below `size`. */
static void pass_chunks(struct intake *in, uint64_t size)
{
    const struct serve_recovery *r = in->shared->recovery;
    if (r->chunks_of != r->which)
        return; /* killed between the new state and the emptied list */
    for (uint32_t i = 0; i < r->chunks && i < SERVE_CHUNKS_MAX; i++) {
        const struct serve_chunk *chunk = &r->chunk[i];
        if (chunk->first >= size || chunk->slot >= in->shared->n_slots)
            break;
        uint64_t on_log = size - chunk->first;
        pass_chunk(in, chunk, on_log < chunk->records ? on_log : chunk->records);
    }
}

/* The new state is whole before it is pointed at. */
static void save_state(struct intake *in)
{
    struct serve_recovery *r = in->shared->recovery;
    uint32_t next = 1 - r->which;
    struct serve_state *state = &r->state[next];
    state->log_size = journal_committed(in->c->journal);
    for (unsigned i = 0; i < in->shared->n_slots; i++) {
        const struct slot *slot = &in->slot[i];
        state->slot[i] = (struct serve_slot_state){.done = slot->ring.at,
                                                   .taken = slot->taken,
                                                   .dropped = slot->dropped,
                                                   .suppressed = slot->suppressed};
    }
    __atomic_store_n(&r->which, next, __ATOMIC_RELEASE);
    __atomic_store_n(&r->chunks, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&r->chunks_of, next, __ATOMIC_RELEASE);
}

static void tell_sensors(struct intake *in)
{
    const uint64_t one = 1;
    for (unsigned i = 0; i < in->shared->n_slots; i++) {
        struct slot *slot = &in->slot[i];
        struct ring_shared *shared = slot->ring.shared;
        if (shared->durable != slot->ring.at) {
            __atomic_store_n(&shared->durable, slot->ring.at, __ATOMIC_RELEASE);
            ring_release(&slot->ring, slot->ring.at);
        }
        if (slot->wanted && write(in->shared->slot[i].stored_event, &one, sizeof one) < 0)
            log_line(LOG_DEBUG, "a sensor was not told", "slot=%u", i);
        slot->wanted = false;
    }
}

int intake_open(struct serve_shared *shared, struct casedir *c, struct intake **out,
                struct err *err)
{
    struct intake *in = calloc(1, sizeof *in);
    const struct serve_state *state = &shared->recovery->state[shared->recovery->which];
    if (!in)
        abort();
    in->shared = shared;
    in->c = c;
    arena_init(&in->arena);
    for (unsigned i = 0; i < shared->n_slots; i++) {
        in->slot[i].ring =
            ring_reader(shared->slot[i].ring, shared->ring_capacity, state->slot[i].done);
        in->slot[i].taken = state->slot[i].taken;
        in->slot[i].dropped = state->slot[i].dropped;
        in->slot[i].suppressed = state->slot[i].suppressed;
        in->slot[i].wanted = true; /* somebody may still wait for what was just found on the log */
    }
    pass_chunks(in, journal_committed(c->journal));
    save_state(in);
    tell_sensors(in);
    *out = in;
    return 0;
}

int intake_start(struct intake *in, struct pipeline *p, const char *sensor, uint64_t free_disk,
                 struct err *err)
{
    in->pipeline = p;
    in->free_disk = free_disk;
    in->committed_at = in->gaps_at = clock_ms();
    for (unsigned i = 0; i < in->shared->n_slots; i++)
        in->gap_since[i] = utc_now();
    return pipeline_sensor(p, sensor, &in->sensor, err);
}

void intake_close(struct intake *in)
{
    arena_free(&in->arena);
    buf_free(&in->payload);
    buf_free(&in->blob);
    free(in);
}

/* ---- gaps ---- */

int intake_gap(struct intake *in, const char *what, int64_t since, uint64_t count, struct err *err)
{
    struct buf payload = {0};
    uint64_t index;
    struct act_gap gap = {
        .what = span_str(what), .since = since, .until = utc_now(), .count = count};
    act_gap(&payload, &gap);
    int rc = pipeline_act(in->pipeline, KIND_GAP, buf_as_span(&payload), &index, err);
    buf_free(&payload);
    in->shared->board->figures.gaps++;
    in->shared->board->figures.lost += count;
    in->since_commit++;
    log_line(LOG_WARN, "gap", "why=\"%s\" count=%llu", what, (unsigned long long)count);
    return rc;
}

/* What the sensors dropped or suppressed since the last gap entry. */
static int journal_losses(struct intake *in, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < in->shared->n_slots; i++) {
        const struct net_counters *counters = in->shared->slot[i].counters;
        struct slot *known = &in->slot[i];
        uint64_t dropped = __atomic_load_n(&counters->dropped, __ATOMIC_RELAXED);
        uint64_t suppressed = __atomic_load_n(&counters->suppressed, __ATOMIC_RELAXED);
        if (dropped != known->dropped)
            rc = intake_gap(in, "ring full", in->gap_since[i], dropped - known->dropped, err);
        if (rc == 0 && suppressed != known->suppressed)
            rc =
                intake_gap(in, "suppressed", in->gap_since[i], suppressed - known->suppressed, err);
        known->dropped = dropped;
        known->suppressed = suppressed;
        in->gap_since[i] = utc_now();
    }
    return rc;
}

/* Records before `head` that were published and not read yet. */
static uint64_t unread(const struct slot *slot, uint64_t head)
{
    struct ring peek = slot->ring;
    struct span record;
    uint64_t n = 0;
    while (peek.at < head && ring_next(&peek, &record) == 1)
        n++;
    return n;
}

int intake_damaged(const struct intake *in)
{
    for (unsigned i = 0; i < in->shared->n_slots; i++)
        if (in->slot[i].damaged)
            return (int)i;
    return -1;
}

int intake_sensor_died(struct intake *in, unsigned slot_number, int64_t since, uint64_t recorded,
                       uint64_t head, struct err *err)
{
    struct slot *slot = &in->slot[slot_number];
    if (slot->damaged) {
        log_line(LOG_ERROR, "a sensor's ring made no sense", "slot=%u bytes=%llu", slot_number,
                 (unsigned long long)ring_skip(&slot->ring));
        slot->damaged = false;
    }
    uint64_t there =
        slot->taken + unread(slot, head); /* what it published is whole, and is taken in */
    uint64_t lost = recorded > there ? recorded - there : 0;
    slot->taken += lost;
    return intake_gap(in, "sensor died", since, lost, err);
}

/* ---- the disk ---- */

static void set_full(struct intake *in, bool full)
{
    in->shared->board->figures.storage_full = full;
    for (unsigned i = 0; i < in->shared->n_slots; i++)
        __atomic_store_n(&in->slot[i].ring.shared->storage_full, full, __ATOMIC_RELAXED);
}

static bool disk_has_room(const struct intake *in)
{
    struct statvfs fs;
    if (statvfs(in->c->dir, &fs) < 0)
        return true; /* the commit will tell */
    return (uint64_t)fs.f_bavail * fs.f_frsize >= in->free_disk &&
           (fs.f_files == 0 || fs.f_favail >= FREE_INODES);
}

/* Looks four times a second: at the disk's room, so that nothing is half written for lack of it,
 * and at what sensors lost. While there is none, the rings keep what they can. */
static int look_round(struct intake *in, struct err *err)
{
    int64_t now = clock_ms();
    int rc = 0;
    if (now - in->looked_at < LOOK_EVERY_MS)
        return 0;
    in->looked_at = now;
    bool full = !disk_has_room(in);
    if (full && !in->full_since) {
        in->full_since = utc_now();
        set_full(in, true);
        log_line(LOG_ERROR, "disk full", "recording=stopped");
    } else if (!full && in->full_since) {
        rc = intake_gap(in, "disk full", in->full_since, 0, err);
        in->full_since = 0;
        set_full(in, false);
        log_line(LOG_WARN, "disk has room again", "recording=on");
    }
    if (rc == 0 && !in->full_since && now - in->gaps_at >= GAP_EVERY_MS) {
        in->gaps_at = now;
        rc = journal_losses(in, err);
    }
    return rc;
}

/* ---- one record ---- */

/* An event from a sensor's record, in our own memory. False: it makes no sense. */
static bool read_record(struct intake *in, struct span record, struct event *ev, bool *wanted)
{
    struct sensor_record head;
    if (record.n < sizeof head)
        return false;
    memcpy(&head, record.p, sizeof head);
    if ((uint64_t)head.payload + head.blob > record.n - sizeof head ||
        !event_kind_is_event(head.kind) || head.payload > JOURNAL_PAYLOAD_MAX)
        return false;
    in->payload.n = in->blob.n = 0;
    buf_put(&in->payload, record.p + sizeof head, head.payload);
    buf_put(&in->blob, record.p + sizeof head + head.payload, head.blob);
    arena_reset(&in->arena);
    if (event_decode(buf_as_span(&in->payload), &in->arena, ev) < 0)
        return false;
    ev->kind = head.kind;
    ev->time = head.time;
    ev->sensor = in->sensor;
    *wanted = head.wanted;
    return true;
}

static int store_blob(struct intake *in, struct event *ev, struct err *err)
{
    uint8_t *digest = arena_alloc(&in->arena, SHA256_LEN);
    int rc = pipeline_blob(in->pipeline, buf_as_span(&in->blob), digest, err);
    if (rc < 0)
        return rc;
    struct span *to = ev->kind == KIND_SMTP ? &ev->smtp.blob : &ev->http.blob;
    if (rc == 0)
        *to = span_of(digest, SHA256_LEN);
    return 0;
}

static int take_record(struct intake *in, struct slot *slot, const struct event *found, bool wanted,
                       struct err *err)
{
    struct event ev = *found;
    int rc =
        in->blob.n && (ev.kind == KIND_SMTP || ev.kind == KIND_HTTP) ? store_blob(in, &ev, err) : 0;
    if (rc == 0)
        rc = pipeline_take(in->pipeline, &ev, err);
    if (rc < 0)
        return rc;
    if (in->since_commit++ == 0)
        in->oldest = ev.time;
    slot->wanted |= wanted;
    in->wanted |= wanted;
    slot->taken++;
    return 0;
}

/* ---- rings ---- */

static struct serve_chunk *new_chunk(struct intake *in, unsigned slot, uint64_t from)
{
    struct serve_recovery *r = in->shared->recovery;
    struct serve_chunk *chunk = &r->chunk[r->chunks];
    *chunk = (struct serve_chunk){
        .slot = slot, .from = from, .first = journal_size(in->c->journal)};
    __atomic_store_n(&r->chunks, r->chunks + 1, __ATOMIC_RELEASE);
    return chunk;
}

static bool chunks_left(const struct intake *in)
{
    return in->shared->recovery->chunks < SERVE_CHUNKS_MAX;
}

/* Up to TURN_RECORDS of one ring; how many there were. A chunk counts a record before it is
 * appended: a recorder that is killed in between finds out from the log's size. */
static int drain(struct intake *in, unsigned number, struct err *err)
{
    struct slot *slot = &in->slot[number];
    struct serve_chunk *chunk = NULL;
    struct span record;
    int n = 0, more = 0;
    while (n < TURN_RECORDS && !slot->damaged && (chunk || chunks_left(in)) &&
           pipeline_pending(in->pipeline) < PENDING_MAX) {
        struct event ev;
        bool wanted;
        uint64_t at = slot->ring.at;
        more = ring_next(&slot->ring, &record);
        if (more != 1)
            break;
        n++;
        if (!read_record(in, record, &ev, &wanted)) {
            log_line(LOG_ERROR, "a sensor's record makes no sense", "slot=%u at=%llu", number,
                     (unsigned long long)at);
            slot->taken++;
            chunk = NULL;
            continue;
        }
        if (!chunk)
            chunk = new_chunk(in, number, at);
        __atomic_store_n(&chunk->records, chunk->records + 1, __ATOMIC_RELEASE);
        int rc = take_record(in, slot, &ev, wanted, err);
        if (rc < 0)
            return rc;
    }
    slot->damaged |= more < 0;
    return n;
}

int intake_commit(struct intake *in, struct err *err)
{
    struct serve_figures *figures = &in->shared->board->figures;
    int rc = pipeline_commit(in->pipeline, err);
    if (rc < 0) {
        set_full(in, rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG);
        return rc;
    }
    save_state(in);
    tell_sensors(in);
    figures->log_size = journal_committed(in->c->journal);
    figures->committed_at = utc_now();
    if (in->since_commit) {
        figures->events += in->since_commit;
        figures->commits++;
        if (in->oldest)
            figures->lag_us = figures->committed_at - in->oldest;
    }
    in->since_commit = 0;
    in->oldest = 0;
    in->wanted = false;
    in->committed_at = clock_ms();
    return 0;
}

static bool commit_is_due(const struct intake *in, bool drained)
{
    if (in->wanted && drained)
        return true;
    if (!chunks_left(in) || pipeline_pending(in->pipeline) >= PENDING_MAX)
        return true;
    for (unsigned i = 0; i < in->shared->n_slots; i++)
        if (ring_depth(&in->slot[i].ring) > in->shared->ring_capacity / 2)
            return true;
    return clock_ms() - in->committed_at >=
           (in->since_commit ? in->c->config->commit_interval_ms : 1000);
}

int intake_turn(struct intake *in, struct err *err)
{
    bool drained = true;
    int rc = look_round(in, err);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; !in->full_since && i < in->shared->n_slots; i++) {
        rc = drain(in, i, err);
        if (rc < 0) {
            set_full(in, rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG);
            return rc;
        }
        drained &= rc < TURN_RECORDS;
    }
    if (!in->full_since && commit_is_due(in, drained)) {
        rc = intake_commit(in, err);
        if (rc < 0)
            return rc;
    }
    return !drained;
}

void intake_sleeps(struct intake *in, bool sleeps)
{
    for (unsigned i = 0; i < in->shared->n_slots; i++)
        __atomic_store_n(&in->slot[i].ring.shared->reader_sleeps, sleeps, __ATOMIC_SEQ_CST);
}
