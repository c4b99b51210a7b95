/* ebb cluster verify: this node's rows in the cluster against its log, column by column. Counts say
 * what is wanting or there twice; what differs is named. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "app/case_act.h"
#include "app/cluster/ch_http.h"
#include "app/cluster/ship.h"
#include "app/progress.h"
#include "base/mem.h"
#include "view/clickhouse_cells.h"
#include "view/clickhouse_native.h"

#define WINDOW 50000 /* entries that a shard is asked for at a time */

struct verification {
    struct casedir *c;
    struct ch_http *http;
    struct clickhouse_batch *batch; /* of the one row that should be there */
    struct clickhouse_block shape;
    struct journal_cursor *cursor;
    struct arena arena;
    struct buf rest, sql; /* bytes of a row that is not whole yet */
    unsigned shard, shards;
    uint64_t position, end; /* all before are to be there; of the window */
    uint64_t at;            /* the next entry that the cursor reads */
    uint64_t last;          /* the last row's entry */
    bool any;
    uint64_t rows;
    struct err *err;
};

static const char *shard_name(const struct verification *v)
{
    return v->c->config->cluster.shards[v->shard].name;
}

/* Reads on to the next entry whose row this shard should have: 1, 0 none before v->end. */
static int next_wanted(struct verification *v, uint64_t *index)
{
    struct entry e;
    struct event ev;
    struct clickhouse_row row;
    int rc = 0;
    while (v->at < v->end && (rc = journal_cursor_next(v->cursor, &e, v->err)) == 1) {
        v->at = e.index + 1;
        arena_reset(&v->arena);
        if (e.redacted || !event_kind_is_event(e.header.kind) ||
            event_decode(e.payload, &v->arena, &ev) < 0)
            continue;
        ev.kind = e.header.kind;
        ev.time = e.header.time;
        ev.sensor = e.header.sensor;
        clickhouse_row_of(&e, &ev, registry_sensor(v->c->registry, ev.sensor), &row);
        if (clickhouse_shard(row.source, v->shards) != v->shard)
            continue;
        clickhouse_batch_next(v->batch);
        clickhouse_batch_event(v->batch, &row);
        *index = e.index;
        return 1;
    }
    return rc < 0 ? rc : 0;
}

static int compare(struct verification *v, uint64_t entry, const struct span *cell)
{
    const struct clickhouse_block *want = clickhouse_batch_part(v->batch, 0);
    for (unsigned i = 0; i < want->n; i++)
        if (!span_eq(cell[i], buf_as_span(&want->column[i])))
            return err_set(v->err, -EBADMSG, "shard %s, entry %llu: %s differs", shard_name(v),
                           (unsigned long long)entry, want->name[i]);
    v->rows++;
    return 0;
}

static int wanting(struct verification *v, uint64_t entry)
{
    return err_set(v->err, -EBADMSG, "shard %s: entry %llu is not there", shard_name(v),
                   (unsigned long long)entry);
}

static int one(struct verification *v, const struct span *cell)
{
    uint64_t index = 0, entry = clickhouse_cell_number(cell[1]);
    if (v->any && entry == v->last)
        return err_set(v->err, -EBADMSG, "shard %s: entry %llu is there twice", shard_name(v),
                       (unsigned long long)entry);
    int rc = next_wanted(v, &index);
    if (rc < 0)
        return rc;
    if (rc == 1 && index < entry)
        return wanting(v, index);
    if (rc == 0 || index > entry)
        return err_set(v->err, -EBADMSG,
                       "shard %s: entry %llu is there and should not: it was erased, or is no "
                       "observation, or another shard's",
                       shard_name(v), (unsigned long long)entry);
    v->last = entry;
    v->any = true;
    return compare(v, entry, cell);
}

static int take(void *ctx, struct span piece)
{
    struct verification *v = ctx;
    struct span cell[CLICKHOUSE_COLUMNS_MAX];
    buf_span(&v->rest, piece);
    struct cur c = cur_of(buf_as_span(&v->rest));
    int rc, wrong = 0;
    while ((rc = clickhouse_cells(&v->shape, &c, cell)) == 1 && !wrong)
        wrong = one(v, cell);
    size_t left = cur_left(&c);
    memmove(v->rest.p, c.p, left);
    v->rest.n = left;
    if (rc < 0)
        return err_set(v->err, -EPROTO, "shard %s: what it answers makes no sense", shard_name(v));
    return wrong;
}

/* Entries from `from` on, before v->end. */
static int window(struct verification *v, uint64_t from)
{
    struct err err;
    uint64_t index;
    v->rest.n = v->sql.n = 0;
    v->any = false;
    v->at = from;
    int rc = journal_cursor_open(v->c->journal, from, &v->cursor, v->err);
    if (rc < 0)
        return rc;
    buf_str(&v->sql, "SELECT ");
    clickhouse_columns(&v->shape, &v->sql);
    buf_printf(&v->sql,
               " FROM %s.events_local WHERE log = %llu AND entry >= %llu AND entry < %llu ORDER BY "
               "entry FORMAT RowBinary",
               v->c->config->cluster.database,
               (unsigned long long)clickhouse_log(span_str(journal_origin(v->c->journal))),
               (unsigned long long)from, (unsigned long long)v->end);
    v->err->code = 0;
    rc = ch_http_call(
        v->http,
        &(struct ch_http_request){
            .shard = v->shard, .sql = buf_as_span(&v->sql), .take = take, .take_ctx = v},
        &err);
    if (rc < 0 && !v->err->code)
        *v->err = err;
    if (rc == 0 && v->rest.n)
        rc = err_set(v->err, -EPROTO, "shard %s: half a row", shard_name(v));
    if (rc == 0 && (rc = next_wanted(v, &index)) == 1)
        rc = wanting(v, index);
    journal_cursor_close(v->cursor);
    return rc;
}

static int all(struct verification *v, bool quiet)
{
    struct progress p;
    int rc = 0;
    progress_begin(&p, shard_name(v), v->position, quiet);
    for (uint64_t from = 0; rc == 0 && from < v->position; from += WINDOW) {
        v->end = from + WINDOW < v->position ? from + WINDOW : v->position;
        rc = window(v, from);
        progress_at(&p, v->end, v->end, "entries");
    }
    progress_end(&p);
    return rc;
}

/* Drawn at random: entries that are another shard's, or no observation, are compared as such. */
static int some(struct verification *v, uint64_t n)
{
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < n && v->position; i++) {
        uint64_t at = 0;
        if (getentropy(&at, sizeof at) < 0)
            at = i; /* a kernel without: the first ones */
        at %= v->position;
        v->end = at + 1;
        rc = window(v, at);
    }
    return rc;
}

static int verify(const struct cli *cli, struct verification *v, uint64_t sample)
{
    int rc = 0;
    for (v->shard = 0; rc == 0 && v->shard < v->shards; v->shard++) {
        uint64_t before = v->rows;
        rc = ship_recorded(v->c, shard_name(v), &v->position, v->err);
        if (rc == 0 && v->position > journal_committed(v->c->journal))
            rc = err_set(v->err, -EBADMSG, "shard %s is beyond the log's end", shard_name(v));
        if (rc == 0)
            rc = sample ? some(v, sample) : all(v, cli->quiet);
        if (rc == 0 && !cli->quiet)
            printf("%s: %llu rows are as the log has them, up to entry %llu\n", shard_name(v),
                   (unsigned long long)(v->rows - before), (unsigned long long)v->position);
    }
    return rc;
}

int cmd_cluster_verify(const struct cli *cli)
{
    struct casedir c = {0};
    struct clickhouse_way way;
    struct err err = {0};
    uint64_t sample;
    struct verification v = {.c = &c, .err = &err};
    int code = cli_number(cli, "sample", 0, &sample);
    if (code)
        return code;
    int rc = case_open_views(cli, &c, VIEW_REGISTRY | VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = ch_http_open(c.config, &v.http, &way, &err);
    if (rc == 0) {
        v.shards = way.shards;
        v.batch = clickhouse_batch_new(clickhouse_log(span_str(journal_origin(c.journal))),
                                       c.config->cluster.payloads_off, 1);
        clickhouse_block_init(&v.shape, "events");
        arena_init(&v.arena);
        rc = verify(cli, &v, sample);
        arena_free(&v.arena);
        clickhouse_block_free(&v.shape);
        clickhouse_batch_free(v.batch);
        buf_free(&v.rest);
        buf_free(&v.sql);
    }
    ch_http_close(v.http);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
