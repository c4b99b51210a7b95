#include "app/serve/metrics.h"

#include <inttypes.h>

/* ---- the format: a family is its help, its type and then all its samples ---- */

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s ", name);
    for (; *help; help++) {
        if (*help == '\\' || *help == '\n')
            buf_byte(out, '\\');
        buf_byte(out, *help == '\n' ? 'n' : (uint8_t)*help);
    }
    buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void value(struct buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
    family(out, name, type, help);
    buf_printf(out, "%s %" PRIu64 "\n", name, v);
}

/* Microseconds as seconds. */
static void seconds(struct buf *out, const char *name, const char *help, int64_t us)
{
    family(out, name, "gauge", help);
    buf_printf(out, "%s %s%" PRIu64 ".%06u\n", name, us < 0 ? "-" : "",
               (us < 0 ? -(uint64_t)us : (uint64_t)us) / 1000000,
               (unsigned)((us < 0 ? -(uint64_t)us : (uint64_t)us) % 1000000));
}

#define LOAD(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)

/* ---- sensors ---- */

/* A slot in which a sensor runs or ran: what it has counted goes on counting. */
static bool slot_used(const struct serve_shared *s, unsigned slot)
{
    const struct serve_process *p = &s->board->sensor[slot];
    return LOAD(p->pid) || LOAD(p->since) || LOAD(s->slot[slot].counters->recorded);
}

static uint64_t slot_depth(const struct serve_shared *s, unsigned slot)
{
    struct ring ring = {.shared = s->slot[slot].ring};
    uint64_t depth = ring_depth(&ring); /* the sensor may have scribbled over it */
    return depth < s->ring_capacity ? depth : s->ring_capacity;
}

#define EACH_SLOT(s, slot)                                                                         \
    for (unsigned slot = 0; slot < (s)->n_slots; slot++)                                           \
        if (slot_used(s, slot))

static void put_sensor_processes(struct buf *out, const struct serve_shared *s)
{
    family(out, "ebb_sensor_up", "gauge", "1 while the sensor process of this slot runs");
    EACH_SLOT(s, i)
    buf_printf(out, "ebb_sensor_up{sensor=\"%u\"} %d\n", i, LOAD(s->board->sensor[i].pid) > 0);
    family(out, "ebb_sensor_restarts_total", "counter", "starts of a sensor that had died");
    EACH_SLOT(s, i)
    buf_printf(out, "ebb_sensor_restarts_total{sensor=\"%u\"} %" PRIu32 "\n", i,
               LOAD(s->board->sensor[i].restarts));
    family(out, "ebb_ring_depth_bytes", "gauge",
           "bytes that wait for the recorder in a sensor's ring");
    EACH_SLOT(s, i)
    buf_printf(out, "ebb_ring_depth_bytes{sensor=\"%u\"} %" PRIu64 "\n", i, slot_depth(s, i));
    family(out, "ebb_ring_capacity_bytes", "gauge", "size of a sensor's ring");
    EACH_SLOT(s, i)
    buf_printf(out, "ebb_ring_capacity_bytes{sensor=\"%u\"} %" PRIu64 "\n", i, s->ring_capacity);
}

static void put_counters(struct buf *out, const struct serve_shared *s)
{
#define SAMPLES(metric, type, help, field)                                                         \
    family(out, metric, type, help);                                                               \
    EACH_SLOT(s, i)                                                                                \
    buf_printf(out, metric "{sensor=\"%u\"} %" PRIu64 "\n", i, LOAD(s->slot[i].counters->field));
#define COUNTER(name, help) SAMPLES("ebb_sensor_" #name "_total", "counter", help, name)
#define GAUGE(name, help)   SAMPLES("ebb_sensor_" #name, "gauge", help, name)
#include "net/counters.def"
#undef SAMPLES
}

/* ---- the others ---- */

static void put_roles(struct buf *out, const struct serve_board *b)
{
    const struct {
        const char *name;
        const struct serve_process *process;
    } roles[] = {{"supervisor", &b->supervisor},
                 {"recorder", &b->recorder},
                 {"desk", &b->desk},
                 {"courier", &b->courier},
                 {"partners", &b->partners},
                 {"public", &b->public},
                 {"keeper", &b->keeper},
                 {"centre", &b->centre},
                 {"shipper", &b->shipper}};
    const size_t n = sizeof roles / sizeof *roles;
    family(out, "ebb_role_up", "gauge", "1 while the process of this role runs");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "ebb_role_up{role=\"%s\"} %d\n", roles[i].name,
                   LOAD(roles[i].process->pid) > 0);
    family(out, "ebb_role_restarts_total", "counter", "starts of a role that had died");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "ebb_role_restarts_total{role=\"%s\"} %" PRIu32 "\n", roles[i].name,
                   LOAD(roles[i].process->restarts));
}

static void put_recorder(struct buf *out, const struct serve_figures *f)
{
    value(out, "ebb_log_entries", "gauge", "entries of the log that are durable",
          LOAD(f->log_size));
    value(out, "ebb_recorder_events_total", "counter", "observations journalled", LOAD(f->events));
    value(out, "ebb_recorder_commits_total", "counter", "group commits", LOAD(f->commits));
    value(out, "ebb_recorder_gaps_total", "counter",
          "gap entries written: losses that the log speaks of", LOAD(f->gaps));
    value(out, "ebb_recorder_lost_total", "counter", "observations that gap entries speak of",
          LOAD(f->lost));
    value(out, "ebb_recorder_refused_public_total", "counter",
          "requests that the public process may not make", LOAD(f->refused_public));
    value(out, "ebb_recorder_refused_acts_total", "counter",
          "acts that did not stand up to scrutiny", LOAD(f->refused_acts));
    value(out, "ebb_recorder_mails_waiting", "gauge", "mails that the last commit answered",
          LOAD(f->mails_waiting));
    value(out, "ebb_assets", "gauge", "assets under an order in force", LOAD(f->assets));
    value(out, "ebb_storage_full", "gauge", "1 while the disk is full and nothing is recorded",
          LOAD(f->storage_full) != 0);
    seconds(out, "ebb_recorder_lag_seconds",
            "age of the oldest observation of the last batch when it was durable", LOAD(f->lag_us));
    seconds(out, "ebb_recorder_last_commit_timestamp_seconds",
            "time of the last commit, 0 for none yet", LOAD(f->committed_at));
}

static void put_nodes(struct buf *out, const struct serve_board *b)
{
    uint32_t n = __atomic_load_n(&b->nodes, __ATOMIC_ACQUIRE);
    if (!n || n > SERVE_NODES_MAX)
        return;
    family(out, "ebb_node_alarms", "gauge",
           "open alarms of a node: its log does not hold, or it is silent");
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, "ebb_node_alarms{node=\"%.64s\"} %" PRIu32 "\n", b->node[i].name,
                   LOAD(b->node[i].alarms));
    family(out, "ebb_node_log_entries", "gauge", "entries of a node's log that were cosigned");
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, "ebb_node_log_entries{node=\"%.64s\"} %" PRIu64 "\n", b->node[i].name,
                   LOAD(b->node[i].size));
    family(out, "ebb_node_heard_timestamp_seconds", "gauge",
           "time when a node was heard of last, 0 for never");
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, "ebb_node_heard_timestamp_seconds{node=\"%.64s\"} %" PRId64 "\n",
                   b->node[i].name, LOAD(b->node[i].heard) / 1000000);
}

static void put_ships(struct buf *out, const struct serve_board *b)
{
    uint32_t n = __atomic_load_n(&b->ships, __ATOMIC_ACQUIRE);
    if (!n || n > SERVE_SHARDS_MAX)
        return;
#define EACH(metric, kind, help, field)                                                            \
    family(out, metric, kind, help);                                                               \
    for (uint32_t i = 0; i < n; i++)                                                               \
    buf_printf(out, metric "{shard=\"%.64s\"} %" PRIu64 "\n", b->ship[i].name,                     \
               (uint64_t)LOAD(b->ship[i].field))
    EACH("ebb_ship_up", "gauge", "1 while the shard's last answer was good", up);
    EACH("ebb_ship_position", "gauge", "entries of the log below this are in the shard", position);
    EACH("ebb_ship_lag_entries", "gauge", "entries of the log that the shard lacks", lag);
    EACH("ebb_ship_rows_total", "counter", "rows that the shard took", rows);
    EACH("ebb_ship_batches_total", "counter", "batches that the shard took", batches);
    EACH("ebb_ship_retries_total", "counter", "times that the shard failed", retries);
#undef EACH
}

void metrics_put(struct buf *out, const struct serve_shared *s)
{
    const struct serve_board *b = s->board;
    family(out, "ebb_build_info", "gauge", "1, with the version");
    buf_str(out, "ebb_build_info{version=\"" EBB_VERSION "\"} 1\n");
    seconds(out, "ebb_start_timestamp_seconds", "time when ebb serve was started",
            LOAD(b->supervisor.since));
    value(out, "ebb_reloads_total", "counter", "configurations taken over while running",
          LOAD(b->reloads));
    put_roles(out, b);
    put_recorder(out, &b->figures);
    put_nodes(out, b);
    put_ships(out, b);
    put_sensor_processes(out, s);
    put_counters(out, s);
}

static unsigned reason(struct buf *out, bool holds, const char *text)
{
    if (holds)
        buf_printf(out, "%s\n", text);
    return holds;
}

unsigned metrics_not_ready(struct buf *out, const struct serve_shared *s)
{
    unsigned sensors = 0;
    for (unsigned i = 0; i < s->n_slots; i++)
        sensors += LOAD(s->board->sensor[i].pid) > 0;
    return reason(out, !sensors, "no sensor runs") +
           reason(out, LOAD(s->board->recorder.pid) <= 0, "the recorder does not run") +
           reason(out, LOAD(s->board->figures.storage_full),
                  "the disk is full: nothing is recorded");
}
