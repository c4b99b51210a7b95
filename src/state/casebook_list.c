/* Rows of a list, gathered into days. */
#include <errno.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"
#include "state/assetlist.h"
#include "state/casebook_impl.h"

struct day {
    int64_t from, until;
    struct span registrar, tld; /* point into the gathering's texts: by offset until it is done */
    size_t registrar_at, tld_at;
    bool wildcard;
    uint64_t names;
    struct buf text;
};

struct gathering {
    struct day *day;
    size_t n, cap, last;
    uint32_t *slot; /* index + 1; open addressing */
    size_t slots;   /* a power of two */
    struct buf texts;
};

static uint64_t hash_of(int64_t from, int64_t until, bool wildcard, struct span registrar,
                        struct span tld)
{
    int64_t times[3] = {from, until, wildcard};
    uint64_t h = XXH3_64bits(times, sizeof times);
    h = XXH3_64bits_withSeed(registrar.n ? registrar.p : (const void *)"", registrar.n, h);
    return XXH3_64bits_withSeed(tld.p, tld.n, h);
}

static struct span registrar_of(const struct gathering *g, const struct day *d)
{
    return span_of(g->texts.p + d->registrar_at, d->registrar.n);
}

static struct span tld_of(const struct gathering *g, const struct day *d)
{
    return span_of(g->texts.p + d->tld_at, d->tld.n);
}

static bool is_day(const struct gathering *g, const struct day *d, const struct assetlist_row *row,
                   struct span tld)
{
    return d->from == row->from && d->until == row->until && d->wildcard == row->wildcard &&
           span_eq(tld_of(g, d), tld) && span_eq(registrar_of(g, d), row->registrar);
}

static void grow(struct gathering *g)
{
    g->day = mem_room(g->day, g->n, &g->cap, sizeof *g->day);
    if (2 * g->n < g->slots)
        return;
    g->slots = g->slots ? g->slots * 2 : 1024;
    free(g->slot);
    g->slot = mem_zeroed(g->slots, sizeof *g->slot);
    for (size_t i = 0; i < g->n; i++) {
        const struct day *d = &g->day[i];
        size_t k = hash_of(d->from, d->until, d->wildcard, registrar_of(g, d), tld_of(g, d)) &
                   (g->slots - 1);
        while (g->slot[k])
            k = (k + 1) & (g->slots - 1);
        g->slot[k] = (uint32_t)(i + 1);
    }
}

static struct day *day_of(struct gathering *g, const struct assetlist_row *row, struct span tld)
{
    if (g->n && is_day(g, &g->day[g->last], row, tld))
        return &g->day[g->last];
    grow(g);
    size_t k = hash_of(row->from, row->until, row->wildcard, row->registrar, tld) & (g->slots - 1);
    for (; g->slot[k]; k = (k + 1) & (g->slots - 1)) {
        g->last = g->slot[k] - 1;
        if (is_day(g, &g->day[g->last], row, tld))
            return &g->day[g->last];
    }
    struct day *d = &g->day[g->n];
    *d = (struct day){.from = row->from,
                      .until = row->until,
                      .wildcard = row->wildcard,
                      .registrar = {NULL, row->registrar.n},
                      .tld = {NULL, tld.n}};
    d->registrar_at = g->texts.n;
    buf_span(&g->texts, row->registrar);
    d->tld_at = g->texts.n;
    buf_span(&g->texts, tld);
    g->last = g->n;
    g->slot[k] = (uint32_t)++g->n;
    return d;
}

static int gather(void *ctx, const struct assetlist_row *row)
{
    struct gathering *g = ctx;
    const uint8_t *dot = memrchr(row->name.p, '.', row->name.n);
    struct span tld = span_of(dot + 1, (size_t)(row->name.p + row->name.n - dot - 1));
    struct day *d = day_of(g, row, tld);
    buf_span(&d->text, row->name);
    buf_byte(&d->text, '\n');
    d->names++;
    return 0;
}

static int by_time(const void *x, const void *y)
{
    const struct day *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->until != b->until)
        return a->until < b->until ? -1 : 1;
    int c = span_cmp(a->tld, b->tld);
    if (c == 0)
        c = span_cmp(a->registrar, b->registrar);
    return c ? c : (int)a->wildcard - (int)b->wildcard;
}

static int write_days(struct casebook *cb, uint64_t index, const struct gathering *g,
                      struct err *err)
{
    sqlite3_stmt *s =
        casebook_prepare(cb, err, "INSERT INTO list_days VALUES(?,?,?,?,?,?,?,?)", "");
    if (!s)
        return -EIO;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < g->n; i++) {
        const struct day *d = &g->day[i];
        sqlite3_bind_int64(s, 1, (int64_t)index);
        sqlite3_bind_int64(s, 2, d->from);
        sqlite3_bind_int64(s, 3, d->until);
        sqlite3_bind_text64(s, 4, (const char *)d->registrar.p, d->registrar.n, SQLITE_STATIC,
                            SQLITE_UTF8);
        sqlite3_bind_text64(s, 5, (const char *)d->tld.p, d->tld.n, SQLITE_STATIC, SQLITE_UTF8);
        sqlite3_bind_int(s, 6, d->wildcard);
        sqlite3_bind_int64(s, 7, (int64_t)d->names);
        sqlite3_bind_text64(s, 8, (const char *)d->text.p, d->text.n, SQLITE_STATIC, SQLITE_UTF8);
        if (sqlite3_step(s) != SQLITE_DONE)
            rc = casebook_fail(cb, err);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return rc;
}

int casebook_load_list(struct casebook *cb, uint64_t index, const struct act_asset_list *a,
                       struct span file, struct err *err)
{
    struct gathering g = {0};
    struct assetlist_row fallback = {.from = a->from, .until = a->until, .registrar = a->registrar};
    struct assetlist_sink sink = {.ctx = &g, .row = gather};
    struct assetlist_counts counts;
    int rc = assetlist_read(file, &fallback, &sink, &counts, err);
    for (size_t i = 0; i < g.n; i++) {
        g.day[i].registrar = registrar_of(&g, &g.day[i]);
        g.day[i].tld = tld_of(&g, &g.day[i]);
    }
    if (g.n)
        qsort(g.day, g.n, sizeof *g.day, by_time);
    if (rc == 0)
        rc = write_days(cb, index, &g, err);
    for (size_t i = 0; i < g.n; i++)
        buf_free(&g.day[i].text);
    free(g.day);
    free(g.slot);
    buf_free(&g.texts);
    return rc;
}
