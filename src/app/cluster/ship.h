/* Ship: brings what the log has into the cluster, each row once. Each shard has a position of its
 * own: all entries below it are in. One that fails is left alone for a while, asked what it has
 * (what was sent last may be there, or half of it), and gets only what it lacks; the others go on
 * meanwhile. The log is read only as fast as the shards take it: two batches a shard are in memory
 * at most. doc/cluster.md says what is guaranteed, and why. One thread; ship_post.c connects. */
#pragma once

#include "app/casedir.h"
#include "app/cluster/ship_answer.h"
#include "app/cluster/ship_post.h"
#include "event/act_pursuit.h"
#include "view/clickhouse.h"

#define SHIP_BATCH_BYTES_MIN (4u << 20)
#define SHIP_BATCH_BYTES_MAX (96u << 20)
#define SHIP_ROUND_BYTES     (256u << 20) /* of values, over all shards */
#define SHIP_LOCK_FILE       "run/ship"

/* Bytes of data that one job has room for (ship_post_start). */
uint64_t ship_data_max(const struct config *config);
/* Takes the lock of who ships; keep *fd. 1: somebody else does. Not in a sandbox. */
int ship_lock(const char *case_dir, int *fd, struct err *err);

struct ship_ways {
    /* Records on the log how far a shard is (KIND_SHIPPED). */
    int (*record)(void *ctx, const struct act_shipped *act, struct err *err);
    bool (*stopped)(void *ctx); /* true: end soon */
    void *ctx;
    int wake;         /* a descriptor that ends waiting when it is readable; -1: none */
    bool whole_log;   /* the spam view is at the log's end, and stays: a command, not a daemon */
    uint64_t limit;   /* ship no entry from this one on; UINT64_MAX: all */
    unsigned give_up; /* a shard that failed so often in a row is left; 0: never */
    bool again[CLICKHOUSE_SHARDS_MAX]; /* these are shipped to from the log's beginning */
};

/* How a shard is doing. */
struct ship_status {
    const char *name;
    uint64_t position, recorded;             /* in; as the log says */
    uint64_t rows, batches, retries, erased; /* since the start; rows of all tables */
    bool up;                                 /* the last answer was good */
    bool given_up;
    char version[SHIP_VERSION_MAX], why[SHIP_WHY_MAX];
};

struct ship;
/* `c` has been opened for reading with the views REGISTRY, SPAM and PURSUIT, and stays the
 * caller's; likewise `post`, which was started with ship_data_max(). */
int ship_open(struct casedir *c, struct ship_post *post, const struct ship_ways *ways,
              struct ship **out, struct err *err);
void ship_close(struct ship *s);
/* Goes on, waiting `wait_ms` at most when there is nothing to do. 1: there is more, 0: all entries
 * that were on the log when ship_open() or ship_end_now() was called are in, or their shards were
 * given up; negative: it cannot go on (the log is damaged, the other process is gone). */
int ship_turn(struct ship *s, int wait_ms, struct err *err);
/* Records positions that are not on the log yet. */
int ship_record(struct ship *s, struct err *err);
unsigned ship_shards(const struct ship *s);
void ship_status(const struct ship *s, unsigned shard, struct ship_status *out);

/* The position that the log says for a shard of the config: of its newest SHIPPED entry. */
int ship_recorded(struct casedir *c, const char *shard, uint64_t *position, struct err *err);
