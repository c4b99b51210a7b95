/* Clickhouse_cells: rows that a server answers with, in the RowBinary format, as cells: each the
 * bytes that clickhouse_block.h would send for that value. Outside bytes: bounded and checked. */
#pragma once

#include "view/clickhouse_block.h"

#define CLICKHOUSE_CELL_MAX (64u << 20)

/* Reads one row of the block's table, all columns in their order; a String's cell begins with its
 * length. 1; 0: there is more to come, nothing was read; -1: no such row. Tables with arrays or
 * aggregate states are none that it knows (-1). */
int clickhouse_cells(const struct clickhouse_block *table, struct cur *c,
                     struct span cell[CLICKHOUSE_COLUMNS_MAX]);
/* A String's cell without its length. */
struct span clickhouse_cell_text(struct span cell);
/* A number's; 8 bytes at most. */
uint64_t clickhouse_cell_number(struct span cell);
/* A column's place by its name; aborts when there is none. */
unsigned clickhouse_column(const struct clickhouse_block *table, const char *name);
/* Appends "log, entry, ...". */
void clickhouse_columns(const struct clickhouse_block *table, struct buf *sql);
