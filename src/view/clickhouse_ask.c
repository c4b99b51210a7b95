#include "view/clickhouse_ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

/* A server may be set up to answer with a part, silently. */
#define EXACT                                                                                      \
    " SETTINGS group_by_overflow_mode='throw', distinct_overflow_mode='throw', "                   \
    "read_overflow_mode='throw', result_overflow_mode='throw', timeout_overflow_mode='throw', "    \
    "sort_overflow_mode='throw', set_overflow_mode='throw'"
#define DAY_MAX 65535

void clickhouse_ask_begin(struct clickhouse_ask *a, const struct clickhouse_way *way)
{
    *a = (struct clickhouse_ask){.way = way, .shard = CLICKHOUSE_ALL};
    buf_printf(&a->sql, "SELECT toUInt8(%u) AS mark, ", CLICKHOUSE_MARK);
}

void clickhouse_ask_printf(struct clickhouse_ask *a, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof text)
        abort(); /* our own words */
    buf_put(&a->sql, text, (size_t)n);
}

void clickhouse_ask_quote(struct clickhouse_ask *a, struct span text)
{
    clickhouse_quote(&a->sql, text);
}

void clickhouse_ask_address(struct clickhouse_ask *a, const uint8_t b[16])
{
    buf_str(&a->sql, "toFixedString(unhex('");
    for (unsigned i = 0; i < 16; i++)
        buf_printf(&a->sql, "%02x", b[i]);
    buf_str(&a->sql, "'), 16)");
}

void clickhouse_ask_days(struct clickhouse_ask *a, int64_t since, int64_t until)
{
    if (since < 0 || until <= since || until > (int64_t)DAY_MAX * UTC_DAY)
        return;
    clickhouse_ask_printf(a, " AND day >= toDate(%d) AND day <= toDate(%d)", utc_day(since),
                          utc_day(until - 1));
}

/* One after the other. */
static int ask_each(const struct clickhouse_way *w, struct span sql, void *const *take_ctx,
                    struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < w->shards; i++)
        rc = w->ask(w->ctx, i, sql, span_of(NULL, 0), clickhouse_rows_take, take_ctx[i], err);
    return rc;
}

static int ask_shards(struct clickhouse_ask *a, struct clickhouse_rows *rows, unsigned n,
                      struct err *err)
{
    const struct clickhouse_way *w = a->way;
    struct span sql = buf_as_span(&a->sql);
    void *ctx[CLICKHOUSE_SHARDS_MAX];
    for (unsigned i = 0; i < n; i++)
        ctx[i] = &rows[i];
    if (a->shard != CLICKHOUSE_ALL)
        return w->ask(w->ctx, a->shard, sql, span_of(NULL, 0), clickhouse_rows_take, ctx[0], err);
    if (w->ask_all && n > 1)
        return w->ask_all(w->ctx, sql, clickhouse_rows_take, ctx, err);
    return ask_each(w, sql, ctx, err);
}

static const char *name_of(const struct clickhouse_way *w, unsigned shard)
{
    return w->shard_name ? w->shard_name(w->ctx, shard) : "?";
}

int clickhouse_ask_rows(struct clickhouse_ask *a, struct err *err)
{
    struct clickhouse_rows rows[CLICKHOUSE_SHARDS_MAX];
    bool all = a->shard == CLICKHOUSE_ALL;
    unsigned n = all ? a->way->shards : 1;
    buf_str(&a->sql, EXACT " FORMAT RowBinary");
    for (unsigned i = 0; i < n; i++)
        clickhouse_rows_init(&rows[i], a->types, a->row,
                             a->ctxs ? a->ctxs[all ? i : a->shard] : a->ctx);
    int rc = ask_shards(a, rows, n, err);
    for (unsigned i = 0; i < n; i++) {
        struct err why = {0};
        if (rc == 0 || rc == -EBADMSG) {
            int end = clickhouse_rows_end(&rows[i], &why);
            if (end == -EBADMSG && why.code)
                rc = err_set(err, end, "shard %s: %s", name_of(a->way, all ? i : a->shard),
                             why.text);
            else if (rc == 0)
                rc = end;
        }
        clickhouse_rows_free(&rows[i]);
    }
    buf_free(&a->sql);
    return rc;
}
