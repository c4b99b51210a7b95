/* Clickhouse: what who ships and who asks have in common: the tables (clickhouse.def), which shard
 * a row is on, and the way to a server. Works with Debian 12's 18.16 and any newer one. Connects
 * nowhere: the program gives the way (app/cluster/ch_http.h). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"

#define CLICKHOUSE_SHARDS_MAX 64

/* A way to one shard. */
struct clickhouse_way {
    /* Sends a statement; what comes back goes to take() in pieces of any size, which returns 0 to
     * go on. `body`, when it is not empty, is the data of an INSERT in the Native format.
     * -EHOSTUNREACH: there is nobody, or the connection broke: nobody knows whether it was done;
     * -EIO: the server says that it did not do it, err has its words. */
    int (*ask)(void *ctx, unsigned shard, struct span sql, struct span body,
               int (*take)(void *ctx, struct span piece), void *take_ctx, struct err *err);
    /* The same statement to every shard at once, take_ctx[i] is shard i's: for a question, which can
     * be asked again. NULL: one after the other by ask(). */
    int (*ask_all)(void *ctx, struct span sql, int (*take)(void *ctx, struct span piece),
                   void *const *take_ctx, struct err *err);
    const char *(*shard_name)(void *ctx, unsigned shard); /* NULL: they have none */
    unsigned shards;
    const char *database;
    void *ctx;
};

/* The statements that make database and tables, one after the other. `cluster`: the name in the
 * servers' configuration that the Distributed tables go by. */
void clickhouse_create(const char *database, const char *cluster,
                       void (*statement)(void *ctx, struct span sql), void *ctx);
/* The log's number in the tables. */
uint64_t clickhouse_log(struct span origin);
/* The shard of an address' rows (fact_source() of it), or of a bot's. */
unsigned clickhouse_shard(uint64_t source, unsigned shards);
/* Appends a string literal. */
void clickhouse_quote(struct buf *sql, struct span text);
