/* Ship_post: the process that talks to the shards. It is forked before anything of the case is
 * opened, locked into SANDBOX_COURIER, and has nothing but a socket to its parent, memory that both
 * share, and what struct ch_http holds (the password, CAs, addresses). A job is a list of
 * statements for one shard, each with data or without; they are made one after the other, and the
 * first that fails ends it. Shards do not wait for each other.
 *
 * What the process says is checked: it read bytes of others. */
#pragma once

#include "app/config.h"
#include "base/buf.h"
#include "base/err.h"

#define SHIP_PARTS_MAX  8
#define SHIP_SQL_MAX    (12u << 10)
#define SHIP_ID_MAX     64
#define SHIP_WHY_MAX    400
#define SHIP_SLOTS      2 /* a shard's jobs that are known at a time: one goes out, one is made */
#define SHIP_ANSWER_MAX (16u << 20)

/* In memory that both share; the data lies behind it. */
struct ship_part {
    uint64_t at, n; /* the data, in frames; n 0: none */
    uint32_t sql_n;
    char sql[SHIP_SQL_MAX];
    char id[SHIP_ID_MAX]; /* of the query; "": the server's own */
};
struct ship_job {
    /* by the parent */
    uint32_t parts;
    uint64_t answer_at; /* the last part's answer goes there: SHIP_ANSWER_MAX bytes at most */
    struct ship_part part[SHIP_PARTS_MAX];
    /* by the process */
    int32_t code;    /* 0, or what the part that failed gave: -EIO, -EHOSTUNREACH, -EFBIG */
    uint32_t failed; /* that part */
    uint64_t answer_n;
    char why[SHIP_WHY_MAX];
};

struct ship_post;
/* Looks the shards up and forks the process, which first lets go of what it is not to have
 * (in_child; may be NULL). `data_max`: bytes of data of one job. */
int ship_post_start(const struct config *config, uint64_t data_max, void (*in_child)(void *ctx),
                    void *ctx, struct ship_post **out, struct err *err);
/* Ends it: what is under way is broken off. */
void ship_post_stop(struct ship_post *p);

struct ship_job *ship_post_job(struct ship_post *p, unsigned shard, unsigned slot);
uint8_t *ship_post_data(struct ship_post *p, unsigned shard, unsigned slot);
/* Adds a statement to a job; `data`: offset and length in its data. */
void ship_job_add(struct ship_job *job, struct span sql, const char *id, uint64_t at, uint64_t n);
/* Has it made. One at a time of a shard. -EPIPE: the process is gone. */
int ship_post_send(struct ship_post *p, unsigned shard, unsigned slot, struct err *err);
/* 1 and which job is done, 0 none for now, -EPIPE. */
int ship_post_heed(struct ship_post *p, unsigned *shard, unsigned *slot, struct err *err);
/* Readable when a job is done. */
int ship_post_fd(const struct ship_post *p);
/* The job's failure as an error (code and words, printable); 0 when it has none. */
int ship_job_result(const struct ship_job *job, struct err *err);
