/* ebb cluster: how far each shard is, and what it says of itself. */
#include <stdio.h>

#include "app/case_act.h"
#include "app/cluster/ch_http.h"
#include "app/cluster/ship.h"

#define ANSWER_MAX 4096
#define ASK_S      10

struct shard_answer {
    struct buf text;
};

static int take(void *ctx, struct span piece)
{
    struct shard_answer *a = ctx;
    buf_span(&a->text, piece);
    return 0;
}

static int ask(struct ch_http *http, unsigned shard, struct casedir *c, struct ship_answer *out,
               struct err *err)
{
    struct shard_answer a = {0};
    struct buf sql = {0};
    ship_answer_question(c->config->cluster.database,
                         clickhouse_log(span_str(journal_origin(c->journal))), 0, "ebb-", &sql);
    int rc = ch_http_call(http,
                          &(struct ch_http_request){.shard = shard,
                                                    .sql = buf_as_span(&sql),
                                                    .timeout_s = ASK_S,
                                                    .answer_max = ANSWER_MAX,
                                                    .take = take,
                                                    .take_ctx = &a},
                          err);
    if (rc == 0 && !ship_answer_read(buf_as_span(&a.text), out))
        rc = err_set(err, -1, "what it answers makes no sense");
    buf_free(&a.text);
    buf_free(&sql);
    return rc;
}

/* Entries behind are those of the log; some are no observations, and make no row. */
static int print(const struct cli *cli, struct casedir *c, struct ch_http *http, struct err *err)
{
    static const struct table_column columns[] = {{"shard", "shard", TABLE_WORDS},
                                                  {"url", "url", TABLE_WORDS},
                                                  {"position", "position", TABLE_COUNT},
                                                  {"behind", "behind", TABLE_COUNT},
                                                  {"rows", "rows", TABLE_COUNT},
                                                  {"mails", "mails", TABLE_COUNT},
                                                  {"version", "version", TABLE_WORDS},
                                                  {"state", "state", TABLE_WORDS},
                                                  {NULL, NULL, TABLE_WORDS}};
    const struct config_cluster *cc = &c->config->cluster;
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    uint64_t size = journal_committed(c->journal), position;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < cc->shards_count; i++) {
        struct ship_answer a = {0};
        struct err why = {0};
        rc = ship_recorded(c, cc->shards[i].name, &position, err);
        bool up = rc == 0 && ask(http, i, c, &a, &why) == 0;
        table_str(t, cc->shards[i].name);
        table_str(t, cc->shards[i].url);
        table_uint(t, position);
        table_uint(t, size > position ? size - position : 0);
        if (up)
            table_uint(t, a.events);
        else
            table_empty(t);
        if (up)
            table_uint(t, a.mails);
        else
            table_empty(t);
        table_words(t, span_str(a.version));
        table_str(t, up ? "up" : why.text);
        table_row_end(t);
    }
    return table_close(t) < 0 && rc == 0 ? err_set(err, -1, "output could not be written") : rc;
}

int cmd_cluster(const struct cli *cli)
{
    struct casedir c;
    struct ch_http *http = NULL;
    struct err err;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = ch_http_open(c.config, &http, NULL, &err);
    if (rc == 0)
        rc = print(cli, &c, http, &err);
    ch_http_close(http);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
