/* What the processes of `ebb serve` share: memory that the supervisor maps before it forks, so that
 * it lies at the same place in each of them and outlives them. A sensor keeps its own slot alone
 * and unmaps the rest (serve_shared_keep_slot). */
#pragma once

#include "base/ring.h"
#include "net/net.h"

#define SERVE_SENSORS_MAX 32
/* Two slots a sensor: at a reload the new process begins on the other one while the old one ends.
 */
#define SERVE_SLOTS_MAX  (2 * SERVE_SENSORS_MAX)
#define SERVE_CHUNKS_MAX 4096

/* Written by the supervisor. */
struct serve_process {
    int32_t pid;       /* 0: not running */
    uint32_t restarts; /* since the start of `ebb serve`, those of reloads not counted */
    int64_t since;     /* microseconds UTC; of the start of this process */
};

/* Written by the recorder. */
struct serve_figures {
    uint64_t log_size; /* entries, durable */
    uint64_t events;   /* observations journalled by this `ebb serve` */
    uint64_t commits;
    uint64_t mails_waiting; /* tickets that the last commit answered */
    uint64_t gaps;          /* gap entries written */
    uint64_t lost;          /* observations that gap entries speak of */
    uint64_t assets, refused_acts;
    uint64_t refused_public; /* of these, what the public process may not ask for */
    int64_t lag_us;       /* age of the oldest observation of the last batch, when it was durable */
    int64_t committed_at; /* microseconds UTC */
    uint32_t storage_full;
};

#define SERVE_VIEWS_MAX 16

/* Of a centre: a node that reports here, as its log was seen last. */
#define SERVE_NODES_MAX 256
struct serve_node {
    char name[65];   /* terminated; of letters, digits, "-_." */
    uint32_t alarms; /* open */
    uint64_t size;
    int64_t heard; /* microseconds UTC; 0 never */
};

/* Of a shipper: a shard of the cluster (cluster/ship.h). */
#define SERVE_SHARDS_MAX 64
struct serve_ship {
    char name[65]; /* terminated, printable */
    uint32_t up;
    uint64_t position, lag, rows, batches, retries;
};

/* The latest processes of a role that ended, by the supervisor: what one asked of the recorder may
 * still lie there. */
#define SERVE_GONE_MAX 32
struct serve_gone {
    int32_t pid[SERVE_GONE_MAX];
    uint32_t deaths;
};

struct serve_board {
    struct serve_process supervisor, recorder, desk, courier, partners, public, keeper, centre,
        shipper;
    struct serve_process sensor[SERVE_SLOTS_MAX];
    struct serve_figures figures;
    /* How far each view has read the log, in the order of casedir_view_names: written by who keeps
     * it, recorder or keeper. */
    uint64_t view[SERVE_VIEWS_MAX];
    uint32_t reloads;
    struct serve_gone public_gone, centre_gone;
    uint32_t nodes; /* of node[]; by the recorder */
    struct serve_node node[SERVE_NODES_MAX];
    uint32_t ships; /* of ship[]; by the shipper */
    struct serve_ship ship[SERVE_SHARDS_MAX];
};

/* Where the recorder stands, for its successor: kept in two states, of which one is whole whenever
 * it dies. What it has appended since that state is listed in chunks: records of a slot's ring, one
 * entry of the log each, in order. So after a kill each record is on the log exactly once. */
struct serve_slot_state {
    uint64_t done;                /* ring position: all before it is durable */
    uint64_t taken;               /* records read */
    uint64_t dropped, suppressed; /* of the counters, those that gap entries speak of */
};
struct serve_state {
    uint64_t log_size;
    struct serve_slot_state slot[SERVE_SLOTS_MAX];
};
struct serve_chunk {
    uint32_t slot, records;
    uint64_t from;  /* ring position of the first */
    uint64_t first; /* its log index */
};
struct serve_recovery {
    uint32_t which;     /* of state[]: the whole one */
    uint32_t chunks_of; /* the state that the chunks add to; not `which`: they are in it already */
    uint32_t chunks;
    struct serve_state state[2];
    struct serve_chunk chunk[SERVE_CHUNKS_MAX];
};

struct serve_slot {
    void *ring;
    struct net_counters *counters;
    int stored_event; /* eventfd of this slot's sensor */
};

struct serve_shared {
    struct serve_board *board;
    struct serve_recovery *recovery;
    /* The desk's process group, by the desk itself when it starts: a page of its own, which it
     * gives up then (serve_shared_drop_group). Recorder and supervisor alone have it. 0: none yet.
     */
    int32_t *desk_group;
    unsigned n_slots;
    uint64_t ring_capacity;
    int reader;     /* the memory once more, for mapping it to read (serve_shared_keep_reading) */
    int ring_event; /* eventfd that the recorder waits on */
    struct serve_slot slot[SERVE_SLOTS_MAX];
};

/* Maps everything for so many sensors. */
int serve_shared_new(unsigned sensors, uint64_t ring_capacity, struct serve_shared *out,
                     struct err *err);
/* In a process that talks to everybody and shows no figures: unmaps everything. Whoever can write
 * the board could pass for another process. */
void serve_shared_drop(struct serve_shared *s);
/* In a process that only shows figures: board, counters and rings can be read from now on and never
 * be written again; the rest is unmapped. */
int serve_shared_keep_reading(struct serve_shared *s, struct err *err);
/* Unmaps the desk's group. */
void serve_shared_drop_group(struct serve_shared *s);
/* In a sensor: unmaps the board, the recovery state and all other slots. */
void serve_shared_keep_slot(struct serve_shared *s, unsigned slot);

/* Whether that pid is the role's process, or was it a short while ago. */
bool serve_is(const struct serve_process *now, const struct serve_gone *gone, int32_t pid);
/* By the supervisor, before another one starts. */
void serve_has_ended(struct serve_gone *gone, int32_t pid);
