#include "view/clickhouse_cells.h"

#include <stdlib.h>

static const struct {
    const char *type;
    size_t n; /* bytes; 0: a string */
} types[] = {
    {"UInt8", 1},          {"UInt16", 2},           {"Date", 2},
    {"UInt32", 4},         {"UInt64", 8},           {"Int64", 8},
    {"FixedString(2)", 2}, {"FixedString(16)", 16}, {"FixedString(36)", 36},
    {"String", 0},
};

static int size_of(const char *type, size_t *n)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, type) == 0) {
            *n = types[i].n;
            return 0;
        }
    return -1;
}

/* 1, 0 more to come, -1. *n gets the length with its own bytes. */
static int string_size(const struct cur *c, size_t *n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 5; i++) { /* more than CLICKHOUSE_CELL_MAX has no room there */
        if (cur_left(c) <= i)
            return 0;
        v |= (uint64_t)(c->p[i] & 0x7f) << (7 * i);
        if (c->p[i] < 0x80) {
            *n = (size_t)v + i + 1;
            return v <= CLICKHOUSE_CELL_MAX ? 1 : -1;
        }
    }
    return -1;
}

int clickhouse_cells(const struct clickhouse_block *table, struct cur *c,
                     struct span cell[CLICKHOUSE_COLUMNS_MAX])
{
    struct cur at = *c;
    for (unsigned i = 0; i < table->n; i++) {
        size_t n;
        int rc = size_of(table->type[i], &n);
        if (rc == 0)
            rc = n ? 1 : string_size(&at, &n);
        if (rc <= 0)
            return rc;
        if (!cur_take(&at, n, &cell[i]))
            return 0;
    }
    *c = at;
    return 1;
}

struct span clickhouse_cell_text(struct span cell)
{
    struct cur c = cur_of(cell);
    size_t n = 0;
    if (string_size(&c, &n) != 1 || n != cell.n)
        return span_of(NULL, 0);
    size_t head = 1;
    while (head < n && cell.p[head - 1] >= 0x80)
        head++;
    return span_of(cell.p + head, n - head);
}

uint64_t clickhouse_cell_number(struct span cell)
{
    uint64_t v = 0;
    memcpy(&v, cell.p, cell.n < 8 ? cell.n : 8);
    return v;
}

unsigned clickhouse_column(const struct clickhouse_block *table, const char *name)
{
    for (unsigned i = 0; i < table->n; i++)
        if (strcmp(table->name[i], name) == 0)
            return i;
    abort();
}

void clickhouse_columns(const struct clickhouse_block *table, struct buf *sql)
{
    for (unsigned i = 0; i < table->n; i++)
        buf_printf(sql, "%s%s", i ? ", " : "", table->name[i]);
}
