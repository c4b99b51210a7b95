/* Clickhouse events: query_events() (view/query.h) of what all nodes shipped: by log, in order of
 * the logs' origins, then by entry. An entry that was sent twice comes once. What comes is decoded
 * from the payload, as on the node; where the cluster keeps none, from the columns, which are fewer
 * members. */
#pragma once

#include "view/clickhouse.h"
#include "view/query.h"

/* An address is asked of its shard alone. */
int clickhouse_events(const struct clickhouse_way *way, const struct query *q,
                      int (*hit)(void *ctx, const struct query_hit *hit), void *ctx,
                      struct err *err);

/* The logs that rows come from, in order of their origins, as one shard says or all do
 * (CLICKHOUSE_ALL). */
struct clickhouse_logs {
    struct clickhouse_log_row {
        uint64_t log;
        struct buf origin; /* ends with NUL, which does not count */
    } * v;
    size_t n, cap;
};
int clickhouse_logs_ask(const struct clickhouse_way *way, uint32_t shard,
                        struct clickhouse_logs *out, struct err *err);
/* NULL: none. */
const struct clickhouse_log_row *clickhouse_logs_find(const struct clickhouse_logs *logs,
                                                      uint64_t log);
void clickhouse_logs_free(struct clickhouse_logs *logs);
