/* ebb cluster ship: what the cluster does not have yet, to the log's end. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/case_act.h"
#include "app/cluster/ship.h"
#include "app/progress.h"

#define GIVE_UP 5 /* a shard that failed so often in a row: some ten seconds */
#define WAIT_MS 200

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static bool stopped(void *ctx)
{
    (void)ctx;
    return interrupted;
}

/* By nobody: a timer may do it. */
static int record(void *ctx, const struct act_shipped *shipped, struct err *err)
{
    struct buf payload = {0};
    act_shipped(&payload, shipped);
    struct case_act act = {.kind = KIND_SHIPPED, .payload = buf_as_span(&payload)};
    int rc = case_acts_as(ctx, NULL, &act, 1, err);
    buf_free(&payload);
    return rc;
}

static uint64_t slowest(const struct ship *s)
{
    struct ship_status st;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < ship_shards(s); i++) {
        ship_status(s, i, &st);
        if (!st.given_up && st.position < least)
            least = st.position;
    }
    return least == UINT64_MAX ? 0 : least;
}

static int run(const struct cli *cli, struct ship *s, uint64_t end, struct err *err)
{
    struct progress p;
    struct err ending;
    int rc;
    progress_begin(&p, "shipping", end, cli->quiet);
    while ((rc = ship_turn(s, WAIT_MS, err)) == 1 && !interrupted) {
        uint64_t at = slowest(s);
        progress_at(&p, at, at, "entries");
    }
    progress_end(&p);
    int recorded = ship_record(s, rc < 0 ? &ending : err);
    return rc < 0 ? rc : recorded;
}

/* A row a shard; the first that was given up is the error. */
static int print(const struct cli *cli, const struct ship *s, struct err *err)
{
    static const struct table_column columns[] = {{"shard", "shard", TABLE_WORDS},
                                                  {"position", "position", TABLE_COUNT},
                                                  {"rows", "rows", TABLE_COUNT},
                                                  {"batches", "batches", TABLE_COUNT},
                                                  {"retries", "retries", TABLE_COUNT},
                                                  {"state", "state", TABLE_WORDS},
                                                  {NULL, NULL, TABLE_WORDS}};
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    int rc = 0;
    for (unsigned i = 0; i < ship_shards(s); i++) {
        struct ship_status st;
        ship_status(s, i, &st);
        table_text(t, span_str(st.name));
        table_uint(t, st.position);
        table_uint(t, st.rows);
        table_uint(t, st.batches);
        table_uint(t, st.retries);
        table_text(t, span_str(st.given_up ? st.why : "shipped"));
        table_row_end(t);
        if (st.given_up && rc == 0)
            rc = err_set(err, -1, "%s", st.why);
    }
    return table_close(t) < 0 && rc == 0 ? err_set(err, -1, "output could not be written") : rc;
}

static int again(const struct cli *cli, const struct config *c, struct ship_ways *ways)
{
    const char *name = cli_get(cli, "again");
    bool found = false;
    for (unsigned i = 0; name && i < c->cluster.shards_count; i++) {
        ways->again[i] = strcmp(c->cluster.shards[i].name, name) == 0 || strcmp(name, "all") == 0;
        found |= ways->again[i];
    }
    return name && !found ? cli_fail(EXIT_USAGE, "--again: ebb.yaml has no such shard (%s)", name)
                          : 0;
}

/* The process that connects is made before the case is opened. */
static int ship(const struct cli *cli, const struct config *config, struct ship_ways *ways,
                struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct ship_post *post = NULL;
    struct ship *s = NULL;
    int rc = ship_post_start(config, ship_data_max(config), NULL, NULL, &post, err);
    if (rc == 0)
        rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_REGISTRY | VIEW_SPAM | VIEW_PURSUIT, err);
    if (rc == 0)
        rc = ship_open(&c, post, ways, &s, err);
    if (rc == 0)
        rc = run(cli, s, journal_committed(c.journal), err);
    if (rc == 0)
        rc = print(cli, s, err);
    ship_close(s);
    casedir_close(&c, NULL);
    ship_post_stop(post);
    return rc;
}

int cmd_cluster_ship(const struct cli *cli)
{
    struct sigaction act = {.sa_handler = on_signal};
    struct ship_ways ways = {.record = record,
                             .stopped = stopped,
                             .ctx = (void *)cli,
                             .wake = -1,
                             .whole_log = true,
                             .give_up = GIVE_UP};
    struct config *config;
    struct err err;
    int fd = -1, code = cli_number(cli, "limit", UINT64_MAX, &ways.limit);
    if (code)
        return code;
    if (config_load(cli->case_dir, &config, &err) < 0)
        return cli_fail(EXIT_USAGE, "%s", err.text);
    code = again(cli, config, &ways);
    int rc = code ? 0 : ship_lock(cli->case_dir, &fd, &err);
    if (rc == 1)
        rc = err_set(&err, -1, "another process ships already: `ebb serve`, or this command");
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    if (!code && rc == 0)
        rc = ship(cli, config, &ways, &err);
    if (fd >= 0)
        close(fd);
    config_free(config);
    return code ? code : rc < 0 ? cli_err(&err) : interrupted ? EXIT_FAILED : EXIT_DONE;
}
