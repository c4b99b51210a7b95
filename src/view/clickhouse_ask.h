/* Clickhouse ask: one question to all shards, or to one, and the rows of their answers. All that
 * has to do with an address lies on one shard, so most answers add up; a shard that does not answer
 * makes the question fail, never a smaller number. */
#pragma once

#include "base/utc.h"
#include "view/clickhouse.h"
#include "view/clickhouse_rows.h"

#define CLICKHOUSE_ALL UINT32_MAX

/* A question in the making: what stands in the SELECT list is behind a mark already. */
struct clickhouse_ask {
    const struct clickhouse_way *way;
    uint32_t shard; /* or CLICKHOUSE_ALL */
    struct buf sql;
    const char *types; /* of the columns, as clickhouse_rows has them */
    int (*row)(void *ctx, const struct clickhouse_value *v);
    void *ctx;
    void *const *ctxs; /* of each shard its own; NULL: ctx for all */
};

/* Begins one to all shards: "SELECT (the mark), ". */
void clickhouse_ask_begin(struct clickhouse_ask *a, const struct clickhouse_way *way);
void clickhouse_ask_printf(struct clickhouse_ask *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A text; an address as FixedString(16). */
void clickhouse_ask_quote(struct clickhouse_ask *a, struct span text);
void clickhouse_ask_address(struct clickhouse_ask *a, const uint8_t b[16]);
/* Asks: row() for each row of each shard, in no order of shards. Frees the question. 0, what row()
 * gave, or negative with the shard's name in err. */
int clickhouse_ask_rows(struct clickhouse_ask *a, struct err *err);

/* The days that rows of a time in the range can be on, for "AND day >= ..." of what is partitioned
 * by it: appends nothing where the range is open or has days that a Date cannot be. */
void clickhouse_ask_days(struct clickhouse_ask *a, int64_t since, int64_t until);
