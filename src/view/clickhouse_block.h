/* Clickhouse_block: rows of one of the cluster's tables (clickhouse.def) in the making, column by
 * column, as ClickHouse's Native format has them: number of columns, number of rows, and for each
 * column its name, type and values; numbers little-endian, lengths as varints. One thread. */
#pragma once

#include "base/buf.h"
#include "view/clickhouse_frame.h"

#define CLICKHOUSE_COLUMNS_MAX 32

struct clickhouse_block {
    const char *table;
    unsigned n;
    const char *name[CLICKHOUSE_COLUMNS_MAX], *type[CLICKHOUSE_COLUMNS_MAX];
    /* Values; behind the last column, those of its arrays, where it is one of arrays. */
    struct buf column[CLICKHOUSE_COLUMNS_MAX];
    uint64_t rows;
};

/* Of that table; aborts when there is none of that name. */
void clickhouse_block_init(struct clickhouse_block *b, const char *table);
void clickhouse_block_free(struct clickhouse_block *b);
/* No rows; memory stays. */
void clickhouse_block_clear(struct clickhouse_block *b);
/* Bytes of its values so far. */
size_t clickhouse_block_bytes(const struct clickhouse_block *b);
/* The most that it takes in frames. */
size_t clickhouse_block_bound(const struct clickhouse_block *b);
/* The whole block in frames, to `out` with that much room; gives how much it took. `stage` is room
 * that is kept from call to call. */
size_t clickhouse_block_pack(const struct clickhouse_block *b, struct clickhouse_frames *f,
                             struct buf *stage, uint8_t *out);
/* "INSERT INTO database.table_local FORMAT Native". */
void clickhouse_block_insert(const struct clickhouse_block *b, const char *database,
                             struct buf *sql);

/* Values, to the end of a column. */
static inline void clickhouse_u8(struct buf *b, uint8_t v)
{
    buf_byte(b, v);
}
static inline void clickhouse_u16(struct buf *b, uint16_t v)
{
    buf_put(b, &v, 2); /* little-endian machines only: clickhouse_block.c asserts it */
}
static inline void clickhouse_u32(struct buf *b, uint32_t v)
{
    buf_put(b, &v, 4);
}
static inline void clickhouse_u64(struct buf *b, uint64_t v)
{
    buf_put(b, &v, 8);
}
static inline void clickhouse_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_byte(b, (uint8_t)(v | 0x80));
    buf_byte(b, (uint8_t)v);
}
static inline void clickhouse_string(struct buf *b, struct span s)
{
    clickhouse_varint(b, s.n);
    buf_span(b, s);
}
