/* ebb census [--by WHAT] */
#include <stdlib.h>
#include <string.h>

#include "app/census/cmd_census.h"
#include "app/node/node_census.h"
#include "app/cluster/engine_open.h"

#define COLUMNS_MAX 16
#define VICTIMS                                                                                    \
    {                                                                                              \
        "victims", "victims", TABLE_COUNT                                                          \
    }

static const struct table_column day_columns[] = {
    {"date", "date", TABLE_WORDS},
    {"family", "family", TABLE_WORDS},
    {"addresses", "addresses", TABLE_COUNT},
    VICTIMS,
    {"new", "new", TABLE_COUNT},
    {"returning", "returning", TABLE_COUNT},
    {"gone", "gone", TABLE_COUNT},
    {"ipv6", NULL, TABLE_COUNT},
    {"ipv6_64s", NULL, TABLE_COUNT},
    {0},
};
#define COUNTED                                                                                    \
    {"family", "family", TABLE_WORDS}, {"addresses", "addresses", TABLE_COUNT}, VICTIMS,           \
        {"first_seen", "first seen", TABLE_WORDS}, {"last_seen", "last seen", TABLE_WORDS},        \
        {"ipv6", NULL, TABLE_COUNT}, {"ipv6_64s", NULL, TABLE_COUNT},                              \
    {                                                                                              \
        0                                                                                          \
    }
static const struct table_column country_columns[] = {{"country", "country", TABLE_WORDS}, COUNTED};
static const struct table_column asn_columns[] = {
    {"asn", "as", TABLE_ID}, {"as_name", "name", TABLE_WORDS}, COUNTED};
static const struct table_column network_columns[] = {{"network", "network", TABLE_WORDS},
                                                      {"asn", "as", TABLE_ID},
                                                      {"as_name", "name", TABLE_WORDS},
                                                      {"country", "country", TABLE_WORDS},
                                                      COUNTED};
static const struct table_column family_columns[] = {COUNTED};
static const struct table_column address_columns[] = {
    {"address", "address", TABLE_WORDS},
    {"family", "family", TABLE_WORDS},
    {"first_seen", "first seen", TABLE_WORDS},
    {"last_seen", "last seen", TABLE_WORDS},
    {"days", "days", TABLE_COUNT},
    {0},
};

static const struct {
    const char *name;
    enum census_by by;
    const struct table_column *columns;
} groupings[] = {
    {"day", CENSUS_BY_DAY, day_columns},          {"country", CENSUS_BY_COUNTRY, country_columns},
    {"asn", CENSUS_BY_ASN, asn_columns},          {"network", CENSUS_BY_NETWORK, network_columns},
    {"family", CENSUS_BY_FAMILY, family_columns}, {"address", CENSUS_BY_ADDRESS, address_columns},
};

struct output {
    struct table *table;
    struct table_column columns[COLUMNS_MAX];
    bool victims; /* judged counts beside raw ones */
    struct ip *excluded;
    enum census_by by;
    uint64_t limit, rows;
};

static void put_day(struct table *t, int32_t day)
{
    char text[UTC_TEXT_MAX];
    table_text(t, span_of(text, utc_format_date((int64_t)day * UTC_DAY, text)));
}

static void put_asn(struct table *t, const struct census_row *r)
{
    if (r->asn)
        table_uint(t, r->asn);
    else
        table_empty(t);
    table_text(t, r->as_name);
}

static void put_network(struct table *t, const struct census_row *r)
{
    char text[NET_TEXT_MAX];
    if (r->network.set)
        table_text(t, span_of(text, net_format(&r->network, text)));
    else
        table_empty(t);
}

/* The columns that tell one row from another. */
static void put_group(struct output *o, const struct census_row *r)
{
    char text[IP_TEXT_MAX];
    switch (o->by) {
    case CENSUS_BY_DAY:
        put_day(o->table, r->day);
        break;
    case CENSUS_BY_COUNTRY:
        table_text(o->table, r->country);
        break;
    case CENSUS_BY_ASN:
        put_asn(o->table, r);
        break;
    case CENSUS_BY_NETWORK:
        put_network(o->table, r);
        put_asn(o->table, r);
        table_text(o->table, r->country);
        break;
    case CENSUS_BY_ADDRESS:
        table_text(o->table, span_of(text, ip_format(&r->address, text)));
        break;
    case CENSUS_BY_FAMILY:
        break;
    }
    table_text(o->table, r->family);
}

static int print_row(void *ctx, const struct census_row *r)
{
    struct output *o = ctx;
    put_group(o, r);
    if (o->by != CENSUS_BY_ADDRESS)
        table_uint(o->table, r->addresses);
    if (o->by != CENSUS_BY_ADDRESS && o->victims)
        table_uint(o->table, r->victims);
    if (o->by == CENSUS_BY_DAY) {
        table_uint(o->table, r->fresh);
        table_uint(o->table, r->returning);
        table_uint(o->table, r->gone);
    } else {
        put_day(o->table, r->first_day);
        put_day(o->table, r->last_day);
    }
    if (o->by == CENSUS_BY_ADDRESS) {
        table_uint(o->table, r->days);
    } else {
        table_uint(o->table, r->ipv6);
        table_uint(o->table, r->ipv6_64s);
    }
    table_row_end(o->table);
    return ++o->rows == o->limit; /* 1 stops */
}

int census_days(const struct cli *cli, int32_t *since_day, int32_t *until_day)
{
    int64_t since, until;
    int rc = cli_range(cli, &since, &until);
    if (rc)
        return rc;
    *since_day = since == INT64_MIN ? INT32_MIN : utc_day(since);
    *until_day = until == INT64_MAX ? INT32_MAX : utc_day(until - 1) + 1;
    return 0;
}

/* The grouping's columns; `victims` where it is asked for. */
static void choose_columns(struct output *o, const struct table_column *all)
{
    size_t n = 0;
    for (; all->key; all++)
        if (o->victims || strcmp(all->key, "victims") != 0)
            o->columns[n++] = *all;
    o->columns[n] = (struct table_column){0};
}

/* Addresses that no infected host is behind: judging all sources takes seconds where there are
 * millions, which is why it has to be asked for. */
static int find_excluded(struct casedir *c, struct output *o, struct census_query *q)
{
    struct judge *j;
    if (!o->victims)
        return 0;
    int rc =
        judge_new(c->config->cleanup.judged, c->config->cleanup.known_count, c->judgements, &j);
    if (rc == 0) {
        rc = judge_excluded(j, c->sources, &o->excluded, &q->n_excluded);
        judge_free(j);
    }
    q->excluded = o->excluded;
    return rc;
}

/* An option that other views than the census answer; NULL: none was given. */
static const char *is_of_one_node(const struct cli *cli)
{
    static const char *const names[] = {"victims", "estimate", "roles"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cli_has(cli, names[i]))
            return names[i];
    return NULL;
}

int cmd_census(const struct cli *cli)
{
    struct casedir c;
    struct engine *e;
    struct census_query q = {0};
    struct output o = {0};
    struct err err;
    const char *by = cli_get(cli, "by") ? cli_get(cli, "by") : "day";
    size_t g = 0;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "census: takes no argument (%s)", cli->args[0]);
    if (engine_is_cluster(cli) && is_of_one_node(cli))
        return cli_fail(EXIT_USAGE,
                        "--%s: with --engine local only: what an address is taken for, "
                        "and how many hosts it stands for, is judged by one node's views",
                        is_of_one_node(cli));
    bool nodes = cli_has(cli, "nodes");
    if (nodes && (engine_is_cluster(cli) || cli_has(cli, "roles") || cli_has(cli, "estimate")))
        return cli_fail(EXIT_USAGE, "--nodes: not with --engine, --roles or --estimate");
    if (cli_has(cli, "roles"))
        return census_roles(cli);
    if (cli_has(cli, "estimate"))
        return census_estimate(cli);
    while (g < sizeof groupings / sizeof *groupings && strcmp(groupings[g].name, by) != 0)
        g++;
    if (g == sizeof groupings / sizeof *groupings)
        return cli_fail(EXIT_USAGE, "--by: day, country, asn, network, family or address (%s)", by);
    int rc = census_days(cli, &q.since, &q.until);
    if (rc == 0)
        rc = cli_number(cli, "limit", 0, &o.limit);
    if (rc)
        return rc;
    q.by = o.by = groupings[g].by;
    o.victims = cli_has(cli, "victims");
    if (o.victims && o.by == CENSUS_BY_ADDRESS)
        return cli_fail(EXIT_USAGE, "--victims: not with --by address: see `ebb census explain`");
    choose_columns(&o, groupings[g].columns);
    q.family = span_str(cli_get(cli, "family"));
    rc = engine_open(
        cli, ENGINE_CENSUS,
        (o.victims ? VIEW_SOURCES | VIEW_JUDGEMENTS : 0) | (nodes ? VIEW_PURSUIT : 0), &c, &e, &err);
    if (rc == 0 && nodes)
        rc = node_census_join(&c, &err);
    if (rc == 0)
        rc = find_excluded(&c, &o, &q);
    if (rc == 0) {
        o.table = table_open(cli_shape(cli), o.columns, stdout);
        rc = e->census(e->ctx, &q, print_row, &o, &err);
        if (table_close(o.table) < 0 && rc >= 0)
            rc = err_set(&err, -1, "output could not be written");
    }
    engine_close(e);
    casedir_close(&c, NULL);
    free(o.excluded);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
