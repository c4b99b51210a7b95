#include "view/clickhouse.h"

#include <string.h>

#include "base/digest.h"

static const struct column {
    const char *table, *name, *type;
} columns[] = {
#define TABLE(name, engine, partition, order) {#name, NULL, NULL},
#define COLUMN(name, type)                    {NULL, #name, type},
#define END
#include "view/clickhouse.def"
};

static const struct table_def {
    const char *name, *engine, *partition, *order;
} tables[] = {
#define TABLE(name, engine, partition, order) {#name, engine, partition, order},
#define COLUMN(name, type)
#define END
#include "view/clickhouse.def"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void put_columns(struct buf *b, const char *table)
{
    size_t i = 0;
    const char *between = "";
    while (i < COUNT(columns) && (!columns[i].table || strcmp(columns[i].table, table) != 0))
        i++;
    for (i++; i < COUNT(columns) && columns[i].name; i++) {
        buf_printf(b, "%s%s %s", between, columns[i].name, columns[i].type);
        between = ", ";
    }
}

void clickhouse_create(const char *database, const char *cluster,
                       void (*statement)(void *ctx, struct span sql), void *ctx)
{
    struct buf b = {0};
    buf_printf(&b, "CREATE DATABASE IF NOT EXISTS %s", database);
    statement(ctx, buf_as_span(&b));
    for (size_t i = 0; i < COUNT(tables); i++) {
        const struct table_def *t = &tables[i];
        b.n = 0;
        buf_printf(&b, "CREATE TABLE IF NOT EXISTS %s.%s_local (", database, t->name);
        put_columns(&b, t->name);
        buf_printf(&b, ") ENGINE = %s PARTITION BY %s ORDER BY (%s)", t->engine, t->partition,
                   t->order);
        statement(ctx, buf_as_span(&b));
        b.n = 0;
        buf_printf(&b, "CREATE TABLE IF NOT EXISTS %s.%s (", database, t->name);
        put_columns(&b, t->name);
        buf_printf(&b, ") ENGINE = Distributed(%s, %s, %s_local)", cluster, database, t->name);
        statement(ctx, buf_as_span(&b));
    }
    buf_free(&b);
}

uint64_t clickhouse_log(struct span origin)
{
    uint8_t digest[SHA256_LEN];
    uint64_t v = 0;
    sha256(origin.p, origin.n, digest);
    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)digest[i] << (8 * i);
    return v;
}

/* The finaliser of MurmurHash3 (Austin Appleby, public domain), so that neighbours part. */
unsigned clickhouse_shard(uint64_t source, unsigned shards)
{
    source ^= source >> 33;
    source *= 0xff51afd7ed558ccdull;
    source ^= source >> 33;
    source *= 0xc4ceb9fe1a85ec53ull;
    source ^= source >> 33;
    return (unsigned)(source % shards);
}

void clickhouse_quote(struct buf *sql, struct span text)
{
    buf_byte(sql, '\'');
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '\'' || c == '\\')
            buf_byte(sql, '\\');
        if (c < 0x20 || c == 0x7f)
            buf_printf(sql, "\\x%02x", c);
        else
            buf_byte(sql, c);
    }
    buf_byte(sql, '\'');
}
