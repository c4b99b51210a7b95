/* Names of ASes over all logs. */
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_census_impl.h"

static int see_name(void *ctx, const struct clickhouse_value *v)
{
    struct census_as_names *s = ctx;
    s->v = mem_room(s->v, s->n, &s->cap, sizeof *s->v);
    struct census_as *as = &s->v[s->n++];
    *as = (struct census_as){
        .asn = (uint32_t)v[0].n, .log = v[1].n, .entry = v[2].n, .time = (int64_t)v[3].n};
    buf_span(&as->name, v[4].s);
    return 0;
}

/* Of one log, the latest entry first. */
static int by_log(const void *a, const void *b)
{
    const struct census_as *x = a, *y = b;
    if (x->asn != y->asn)
        return x->asn < y->asn ? -1 : 1;
    if (x->log != y->log)
        return x->log < y->log ? -1 : 1;
    return (x->entry < y->entry) - (x->entry > y->entry);
}

/* Logs' latest: the latest first; of one time, in order of the names. */
static int by_time(const void *a, const void *b)
{
    const struct census_as *x = a, *y = b;
    if (x->asn != y->asn)
        return x->asn < y->asn ? -1 : 1;
    if (x->time != y->time)
        return x->time > y->time ? -1 : 1;
    return span_cmp(buf_as_span(&x->name), buf_as_span(&y->name));
}

/* The first of each run is kept. */
static void keep_first(struct census_as_names *s, bool of_log)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct census_as *last = n ? &s->v[n - 1] : NULL;
        if (last && last->asn == s->v[i].asn && (!of_log || last->log == s->v[i].log))
            buf_free(&s->v[i].name);
        else
            s->v[n++] = s->v[i];
    }
    s->n = n;
}

int census_as_names_ask(const struct clickhouse_way *way, struct census_as_names *out,
                        struct err *err)
{
    struct clickhouse_ask a;
    *out = (struct census_as_names){0};
    clickhouse_ask_begin(&a, way);
    clickhouse_ask_printf(&a,
                          "asn, log, max(entry), argMax(time, entry), argMax(name, entry) FROM "
                          "%s.as_names_local GROUP BY asn, log",
                          way->database);
    a.types = "4888s";
    a.row = see_name;
    a.ctx = out;
    int rc = clickhouse_ask_rows(&a, err);
    if (rc != 0 || !out->n)
        return rc;
    qsort(out->v, out->n, sizeof *out->v, by_log);
    keep_first(out, true);
    qsort(out->v, out->n, sizeof *out->v, by_time);
    keep_first(out, false);
    return 0;
}

struct span census_as_names_find(const struct census_as_names *s, uint32_t asn)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->v[mid].asn < asn)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n && s->v[lo].asn == asn ? buf_as_span(&s->v[lo].name) : span_of(NULL, 0);
}

void census_as_names_free(struct census_as_names *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_free(&s->v[i].name);
    free(s->v);
    *s = (struct census_as_names){0};
}
