/* ebb cluster create: ebb's tables on every shard; or the statements, or the servers' part. */
#include <errno.h>
#include <stdio.h>

#include "app/cli.h"
#include "app/cluster/ch_http.h"
#include "app/web_server.h"

#define NATIVE_PORT 9000 /* of the protocol that servers ask each other by, as they come */

struct creation {
    struct ch_http *http; /* NULL: the statements are printed */
    unsigned shard;
    int rc;
    struct err *err;
};

static void statement(void *ctx, struct span sql)
{
    struct creation *x = ctx;
    if (!x->http) {
        printf("%.*s;\n", (int)sql.n, (const char *)sql.p);
        return;
    }
    if (x->rc == 0)
        x->rc =
            ch_http_call(x->http, &(struct ch_http_request){.shard = x->shard, .sql = sql}, x->err);
}

/* As a file for /etc/clickhouse-server/config.d/; 18.16 wants the root to be called so, newer ones
 * take it, too. */
static void print_servers(const struct config_cluster *c)
{
    printf(
        "<?xml version=\"1.0\"?>\n"
        "<!-- Of every shard: /etc/clickhouse-server/config.d/%s.xml. The port is that of the\n"
        "     servers' own protocol; user and password are those that the shards ask each other\n"
        "     with. -->\n"
        "<yandex>\n  <remote_servers>\n    <%s>\n",
        c->name, c->name);
    for (unsigned i = 0; i < c->shards_count; i++) {
        struct web_server s = {0};
        web_server_read(c->shards[i].url, &s);
        printf("      <shard>\n        <internal_replication>true</internal_replication>\n"
               "        <replica><host>%s</host><port>%u</port>",
               s.host, NATIVE_PORT);
        if (*c->user)
            printf("<user>%s</user><password><!-- that of cluster.password_file --></password>",
                   c->user);
        printf("</replica>\n      </shard>\n");
    }
    printf("    </%s>\n  </remote_servers>\n</yandex>\n", c->name);
}

static int create(const struct cli *cli, const struct config *config, struct err *err)
{
    struct creation x = {.err = err};
    struct clickhouse_way way;
    int rc = ch_http_open(config, &x.http, &way, err);
    for (; rc == 0 && x.shard < way.shards; x.shard++) {
        clickhouse_create(config->cluster.database, config->cluster.name, statement, &x);
        rc = x.rc;
        if (rc == 0 && !cli->quiet)
            printf("%s: database %s has its tables\n", config->cluster.shards[x.shard].name,
                   config->cluster.database);
    }
    ch_http_close(x.http);
    return rc;
}

int cmd_cluster_create(const struct cli *cli)
{
    struct config *config;
    struct err err;
    int rc = config_load(cli->case_dir, &config, &err);
    if (rc < 0)
        return cli_fail(EXIT_USAGE, "%s", err.text);
    if (cli_has(cli, "print"))
        clickhouse_create(config->cluster.database, config->cluster.name, statement,
                          &(struct creation){0});
    else if (cli_has(cli, "servers"))
        print_servers(&config->cluster);
    else
        rc = create(cli, config, &err);
    config_free(config);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
