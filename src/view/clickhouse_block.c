#include "view/clickhouse_block.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as they lie");

static const struct {
    const char *table, *name, *type;
} columns[] = {
#define TABLE(name, engine, partition, order) {#name, NULL, NULL},
#define COLUMN(name, type)                    {NULL, #name, type},
#define END
#include "view/clickhouse.def"
};
#define COUNT (sizeof columns / sizeof *columns)

void clickhouse_block_init(struct clickhouse_block *b, const char *table)
{
    size_t i = 0;
    *b = (struct clickhouse_block){.table = table};
    while (i < COUNT && (!columns[i].table || strcmp(columns[i].table, table) != 0))
        i++;
    for (i++; i < COUNT && columns[i].name; i++) {
        if (b->n + 1 == CLICKHOUSE_COLUMNS_MAX)
            abort();
        b->name[b->n] = columns[i].name;
        b->type[b->n++] = columns[i].type;
    }
    if (!b->n)
        abort();
}

void clickhouse_block_free(struct clickhouse_block *b)
{
    for (unsigned i = 0; i <= b->n; i++)
        buf_free(&b->column[i]);
}

void clickhouse_block_clear(struct clickhouse_block *b)
{
    for (unsigned i = 0; i <= b->n; i++)
        b->column[i].n = 0;
    b->rows = 0;
}

size_t clickhouse_block_bytes(const struct clickhouse_block *b)
{
    size_t n = 0;
    for (unsigned i = 0; i <= b->n; i++)
        n += b->column[i].n;
    return n;
}

#define NAMES_BYTES (CLICKHOUSE_COLUMNS_MAX * 96) /* of all columns' names and types, at most */

size_t clickhouse_block_bound(const struct clickhouse_block *b)
{
    return clickhouse_frames_bound(clickhouse_block_bytes(b) + NAMES_BYTES);
}

/* A frame goes out when it is full. */
struct packing {
    struct clickhouse_frames *frames;
    struct buf *stage;
    uint8_t *out;
    size_t n;
};

static void put(struct packing *p, struct span s)
{
    while (s.n) {
        size_t room = CLICKHOUSE_FRAME_DATA - p->stage->n, n = s.n < room ? s.n : room;
        buf_put(p->stage, s.p, n);
        s = span_of(s.p + n, s.n - n);
        if (p->stage->n == CLICKHOUSE_FRAME_DATA) {
            p->n += clickhouse_frame(p->frames, buf_as_span(p->stage), p->out + p->n);
            p->stage->n = 0;
        }
    }
}

size_t clickhouse_block_pack(const struct clickhouse_block *b, struct clickhouse_frames *f,
                             struct buf *stage, uint8_t *out)
{
    struct packing p = {.frames = f, .stage = stage, .out = out};
    struct buf head = {0};
    stage->n = 0;
    clickhouse_varint(&head, b->n);
    clickhouse_varint(&head, b->rows);
    for (unsigned i = 0; i < b->n; i++) {
        clickhouse_string(&head, span_str(b->name[i]));
        clickhouse_string(&head, span_str(b->type[i]));
        put(&p, buf_as_span(&head));
        head.n = 0;
        put(&p, buf_as_span(&b->column[i]));
    }
    put(&p, buf_as_span(&b->column[b->n]));
    buf_free(&head);
    p.n += clickhouse_frame(f, buf_as_span(stage), out + p.n);
    return p.n;
}

void clickhouse_block_insert(const struct clickhouse_block *b, const char *database,
                             struct buf *sql)
{
    buf_printf(sql, "INSERT INTO %s.%s_local FORMAT Native", database, b->table);
}
