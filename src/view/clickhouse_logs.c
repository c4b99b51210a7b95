/* The logs that rows come from. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_ask.h"
#include "view/clickhouse_events.h"

#define LOGS_MAX 65536

struct asking {
    struct clickhouse_logs *logs;
    struct err *err;
};

static int see_log(void *ctx, const struct clickhouse_value *v)
{
    struct asking *a = ctx;
    struct clickhouse_logs *logs = a->logs;
    if (logs->n >= (size_t)LOGS_MAX * CLICKHOUSE_SHARDS_MAX)
        return err_set(a->err, -E2BIG, "more than %d logs", LOGS_MAX);
    logs->v = mem_room(logs->v, logs->n, &logs->cap, sizeof *logs->v);
    struct clickhouse_log_row *row = &logs->v[logs->n++];
    *row = (struct clickhouse_log_row){.log = v[0].n};
    buf_span(&row->origin, v[1].s);
    buf_byte(&row->origin, 0);
    row->origin.n--;
    return 0;
}

static int by_origin(const void *a, const void *b)
{
    const struct clickhouse_log_row *x = a, *y = b;
    int c = span_cmp(buf_as_span(&x->origin), buf_as_span(&y->origin));
    return c ? c : (x->log > y->log) - (x->log < y->log);
}

/* Each shard says its own. */
static void fold(struct clickhouse_logs *logs)
{
    size_t n = 0;
    for (size_t i = 0; i < logs->n; i++) {
        if (n && logs->v[n - 1].log == logs->v[i].log)
            buf_free(&logs->v[i].origin);
        else
            logs->v[n++] = logs->v[i];
    }
    logs->n = n;
}

int clickhouse_logs_ask(const struct clickhouse_way *way, uint32_t shard,
                        struct clickhouse_logs *out, struct err *err)
{
    struct asking asking = {out, err};
    struct clickhouse_ask a;
    *out = (struct clickhouse_logs){0};
    clickhouse_ask_begin(&a, way);
    a.shard = shard;
    clickhouse_ask_printf(&a, "log, any(origin) FROM %s.logs_local GROUP BY log", way->database);
    a.types = "8s";
    a.row = see_log;
    a.ctx = &asking;
    int rc = clickhouse_ask_rows(&a, err);
    if (rc == 0 && out->n) {
        qsort(out->v, out->n, sizeof *out->v, by_origin);
        fold(out);
    }
    return rc;
}

const struct clickhouse_log_row *clickhouse_logs_find(const struct clickhouse_logs *logs,
                                                      uint64_t log)
{
    for (size_t i = 0; i < logs->n; i++)
        if (logs->v[i].log == log)
            return &logs->v[i];
    return NULL;
}

void clickhouse_logs_free(struct clickhouse_logs *logs)
{
    for (size_t i = 0; i < logs->n; i++)
        buf_free(&logs->v[i].origin);
    free(logs->v);
    *logs = (struct clickhouse_logs){0};
}
