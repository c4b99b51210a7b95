/* Ch_http: the way to the cluster's shards over HTTP (libcurl), for view/clickhouse.h. Compressed
 * both ways; the password goes in a header, never in the URL. Connections are kept. No redirect is
 * followed, no proxy used, and nothing is connected to but the addresses that the shards' names had
 * when they were looked up. One thread. */
#pragma once

#include "app/config.h"
#include "view/clickhouse.h"

#define CH_HTTP_ANSWER_MAX (8ull << 30) /* bytes of an answer, unpacked */
#define CH_HTTP_QUERY_MAX  (12u << 10)  /* of a statement that has data: it goes in the URL */
#define CH_HTTP_ID_MAX     64           /* of a query's id */

struct ch_http;

/* Reads the password file and CAs; connects to nobody yet. -EINVAL when the config has no shards.
 * `way` asks by ch_http_call(). */
int ch_http_open(const struct config *config, struct ch_http **out, struct clickhouse_way *way,
                 struct err *err);
/* Looks the shards' names up, which is else done when one is first asked: for a process that locks
 * itself in. A name that has no address now is no error: asking its shard is -EHOSTUNREACH then. */
void ch_http_look_up(struct ch_http *h);
void ch_http_close(struct ch_http *h);

/* One call, with more to say than the way has. */
struct ch_http_request {
    unsigned shard;
    struct span sql;
    struct span body;     /* in frames (clickhouse_frame()); empty: the statement has no data */
    const char *query_id; /* system.processes has it while it runs; NULL: the server's own */
    unsigned timeout_s;   /* 0: the config's */
    uint64_t answer_max;  /* 0: CH_HTTP_ANSWER_MAX */
    bool stream; /* the answer comes as it is made, not packed: for rows that can tell a server's
                    words from a row (view/clickhouse_rows.h) */
    int (*take)(void *ctx, struct span piece); /* may be NULL */
    void *take_ctx;
};
/* As clickhouse_way's ask(); -ETIMEDOUT counts as -EHOSTUNREACH, -EFBIG: the answer is too large.
 */
int ch_http_call(struct ch_http *h, const struct ch_http_request *r, struct err *err);
