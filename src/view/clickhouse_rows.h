/* Clickhouse rows: what a shard answers, read as it comes in pieces: rows in RowBinary, each behind
 * a mark, so that words that a server puts into the middle of an answer ("Code: 241 ...") are not
 * taken for a row. One thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define CLICKHOUSE_MARK        0xeb
#define CLICKHOUSE_COLUMNS_MAX 32
#define CLICKHOUSE_STRING_MAX  (4u << 20) /* bytes of one text: over JOURNAL_PAYLOAD_MAX */

/* One value: a number, or the bytes of a text or an address. */
struct clickhouse_value {
    uint64_t n;
    struct span s;
};

/* How a row is laid out, one letter a column: 1 2 4 8 an unsigned number of so many bytes, h
 * FixedString(36), a FixedString(16), c FixedString(2), s String. */
struct clickhouse_rows {
    const char *types;
    /* Values are good until it returns; 0 to go on. */
    int (*row)(void *ctx, const struct clickhouse_value *v);
    void *ctx;
    uint64_t n;      /* rows so far */
    int stopped;     /* what row() gave, or -EBADMSG */
    size_t fixed;    /* bytes of a row when all are alike, with its mark; else 0 */
    struct buf rest; /* a row that has not come whole */
    struct err err;
};

void clickhouse_rows_init(struct clickhouse_rows *r, const char *types,
                          int (*row)(void *ctx, const struct clickhouse_value *v), void *ctx);
/* The next piece; as clickhouse_way's take(): what row() returned when it was not 0, -EBADMSG when
 * that is no row. */
int clickhouse_rows_take(void *rows, struct span piece);
/* The answer is over: 0, what take gave, or -EBADMSG when it ends within a row. */
int clickhouse_rows_end(struct clickhouse_rows *r, struct err *err);
void clickhouse_rows_free(struct clickhouse_rows *r);
