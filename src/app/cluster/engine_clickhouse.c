/* The cluster: over all nodes that ship to it. And which of the two a command is answered by. */
#include <stdlib.h>
#include <string.h>

#include "app/cluster/ch_all.h"
#include "app/cluster/engine_open.h"
#include "base/mem.h"
#include "state/names.h"
#include "view/clickhouse_census.h"
#include "view/clickhouse_events.h"
#include "view/clickhouse_volume.h"

struct engine_cluster {
    struct engine engine;
    struct ch_http *http;
    struct clickhouse_way way;
    struct names names;
};

static int cluster_census(void *ctx, const struct census_query *q,
                          int (*row)(void *ctx, const struct census_row *row), void *row_ctx,
                          struct err *err)
{
    struct engine_cluster *e = ctx;
    return clickhouse_census(&e->way, q, row, row_ctx, err);
}

static int cluster_events(void *ctx, const struct query *q,
                          int (*hit)(void *ctx, const struct query_hit *hit), void *hit_ctx,
                          struct err *err)
{
    struct engine_cluster *e = ctx;
    return clickhouse_events(&e->way, q, hit, hit_ctx, err);
}

static int cluster_volume(void *ctx, enum volume_by by, const struct volume_filter *f,
                          struct volume *out, struct err *err)
{
    struct engine_cluster *e = ctx;
    return clickhouse_volume(&e->way, &e->names, by, f, out, err);
}

static int cluster_hours(void *ctx, const struct volume_filter *f, struct volume_hours *all,
                         struct volume_hours *filtered, struct volume *days, struct err *err)
{
    struct engine_cluster *e = ctx;
    return clickhouse_hours(&e->way, &e->names, f, all, filtered, days, err);
}

static struct span cluster_name(void *ctx, unsigned number)
{
    struct engine_cluster *e = ctx;
    return number ? names_text(&e->names, number) : span_of("", 0);
}

static unsigned cluster_named(void *ctx, struct span name)
{
    struct engine_cluster *e = ctx;
    return names_find(&e->names, name);
}

int engine_clickhouse_open(const struct config *config, struct engine **out, struct err *err)
{
    struct engine_cluster *e = mem_zeroed(1, sizeof *e);
    int rc = ch_http_open(config, &e->http, &e->way, err);
    if (rc < 0) {
        free(e);
        return rc;
    }
    e->way.ask_all = ch_all_ask;
    e->way.shard_name = ch_all_name;
    e->engine = (struct engine){.census = cluster_census,
                                .events = cluster_events,
                                .volume = cluster_volume,
                                .hours = cluster_hours,
                                .name = cluster_name,
                                .named = cluster_named,
                                .ctx = e};
    *out = &e->engine;
    return 0;
}

bool engine_is_cluster(const struct cli *cli)
{
    return cli->engine && strcmp(cli->engine, "clickhouse") == 0;
}

int engine_open(const struct cli *cli, enum engine_what what, unsigned views, struct casedir *c,
                struct engine **out, struct err *err)
{
    bool cluster = engine_is_cluster(cli);
    *out = NULL;
    *c = (struct casedir){.quiet = cli->quiet};
    if (cluster) {
        int rc = config_load(cli->case_dir, &c->config, err);
        return rc < 0 ? rc : engine_clickhouse_open(c->config, out, err);
    }
    int rc = casedir_open(c, cli->case_dir, JOURNAL_READ, err);
    return rc < 0 ? rc : engine_local_open(c, what, views, out, err);
}

void engine_close(struct engine *e)
{
    if (!e)
        return;
    if (e->census != cluster_census) {
        free(e);
        return;
    }
    struct engine_cluster *cluster = e->ctx;
    ch_http_close(cluster->http);
    names_free(&cluster->names);
    free(cluster);
}
