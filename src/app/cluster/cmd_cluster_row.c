/* ebb cluster row: one row of any node's, with what a proof of its log is about. */
#include <errno.h>
#include <stdio.h>

#include "app/cli.h"
#include "app/cluster/ch_http.h"
#include "base/digest.h"
#include "base/json.h"
#include "event/event.h"
#include "journal/journal.h"
#include "view/clickhouse_cells.h"

#define ANSWER_MAX (4u << 20)

static int take(void *ctx, struct span piece)
{
    buf_span(ctx, piece);
    return 0;
}

static void put_event(struct json *j, const struct clickhouse_block *t, const struct span *cell)
{
    struct arena arena;
    struct event ev;
    struct buf sensor = {0};
    struct span payload = clickhouse_cell_text(cell[clickhouse_column(t, "payload")]);
    arena_init(&arena);
    json_key(j, "event");
    if (!payload.n || event_decode(payload, &arena, &ev) < 0) {
        json_null(j);
    } else {
        ev.kind = (enum event_kind)clickhouse_cell_number(cell[clickhouse_column(t, "kind")]);
        ev.time = (int64_t)clickhouse_cell_number(cell[clickhouse_column(t, "time")]);
        ev.sensor = 0;
        buf_span(&sensor, clickhouse_cell_text(cell[clickhouse_column(t, "sensor")]));
        buf_byte(&sensor, 0);
        event_json(&ev, clickhouse_cell_number(cell[clickhouse_column(t, "entry")]),
                   (const char *)sensor.p, j);
    }
    buf_free(&sensor);
    arena_free(&arena);
}

/* leaf: header || SHA-256(salt || payload), whose RFC 9162 hash a proof leads to the root from. */
static void print(const char *origin, const struct clickhouse_block *t, const struct span *cell)
{
    struct span header = cell[clickhouse_column(t, "header")],
                salt = cell[clickhouse_column(t, "salt")],
                payload = clickhouse_cell_text(cell[clickhouse_column(t, "payload")]);
    uint8_t leaf[JOURNAL_LEAF_LEN];
    sha256_ctx sha;
    struct buf out = {0};
    memcpy(leaf, header.p, JOURNAL_HEADER_LEN);
    sha256_begin(&sha);
    sha256_add(&sha, salt.p, salt.n);
    sha256_add(&sha, payload.p, payload.n);
    sha256_end(&sha, leaf + JOURNAL_HEADER_LEN);
    struct json j = json_to(&out);
    json_object(&j);
    json_key(&j, "origin");
    json_str(&j, origin);
    json_key(&j, "index");
    json_uint(&j, clickhouse_cell_number(cell[clickhouse_column(t, "entry")]));
    json_key(&j, "kept");
    json_bool(&j, payload.n != 0);
    json_key(&j, "header");
    json_hex(&j, header.p, header.n);
    json_key(&j, "salt");
    json_hex(&j, salt.p, salt.n);
    json_key(&j, "payload");
    json_hex(&j, payload.p, payload.n);
    json_key(&j, "leaf");
    json_hex(&j, leaf, sizeof leaf);
    put_event(&j, t, cell);
    json_object_end(&j);
    printf("%.*s\n", (int)out.n, (const char *)out.p);
    buf_free(&out);
}

static int find(const struct config *config, const char *origin, uint64_t index, struct err *err)
{
    struct ch_http *http;
    struct clickhouse_way way;
    struct clickhouse_block t;
    struct buf sql = {0}, answer = {0};
    int rc = ch_http_open(config, &http, &way, err);
    if (rc < 0)
        return rc;
    clickhouse_block_init(&t, "events");
    buf_str(&sql, "SELECT ");
    clickhouse_columns(&t, &sql);
    buf_printf(&sql,
               " FROM %s.events_local WHERE log = %llu AND entry = %llu LIMIT 1 FORMAT RowBinary",
               config->cluster.database, (unsigned long long)clickhouse_log(span_str(origin)),
               (unsigned long long)index);
    for (unsigned i = 0; rc == 0 && !answer.n && i < way.shards; i++)
        rc = ch_http_call(http,
                          &(struct ch_http_request){.shard = i,
                                                    .sql = buf_as_span(&sql),
                                                    .answer_max = ANSWER_MAX,
                                                    .take = take,
                                                    .take_ctx = &answer},
                          err);
    struct span cell[CLICKHOUSE_COLUMNS_MAX];
    struct cur c = cur_of(buf_as_span(&answer));
    if (rc == 0 && !answer.n)
        rc = err_set(err, -ENOENT, "the cluster has no entry %llu of %s", (unsigned long long)index,
                     origin);
    if (rc == 0 && clickhouse_cells(&t, &c, cell) != 1)
        rc = err_set(err, -EPROTO, "what the cluster answers makes no sense");
    if (rc == 0)
        print(origin, &t, cell);
    clickhouse_block_free(&t);
    buf_free(&sql);
    buf_free(&answer);
    ch_http_close(http);
    return rc;
}

int cmd_cluster_row(const struct cli *cli)
{
    struct config *config;
    struct err err;
    uint64_t index;
    if (cli->n_args != 2 || !cli_parse_u64(cli->args[1], &index))
        return cli_fail(EXIT_USAGE, "cluster row: wants ORIGIN and INDEX");
    if (config_load(cli->case_dir, &config, &err) < 0)
        return cli_fail(EXIT_USAGE, "%s", err.text);
    int rc = find(config, cli->args[0], index, &err);
    config_free(config);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
