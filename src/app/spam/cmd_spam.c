/* ebb spam [--by WHAT], spam impact, spam changes, spam records, spam published */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/spam/spam_case.h"

/* ---- volumes ---- */

static const struct table_column day_columns[] = {
    {"date", "date", TABLE_WORDS},       {"mails", "mails", TABLE_COUNT},
    {"bytes", "bytes", TABLE_COUNT},     {"campaigns", "campaigns", TABLE_COUNT},
    {"index", "index", TABLE_COUNT},     {"index_low", "from", TABLE_COUNT},
    {"index_high", "to", TABLE_COUNT},   {"index_weekday", "weekday index", TABLE_COUNT},
    {"extrapolated", NULL, TABLE_COUNT}, {0},
};
static const struct table_column hour_columns[] = {
    {"hour", "hour", TABLE_WORDS},       {"mails", "mails", TABLE_COUNT},
    {"bytes", "bytes", TABLE_COUNT},     {"campaigns", "campaigns", TABLE_COUNT},
    {"extrapolated", NULL, TABLE_COUNT}, {0},
};
/* The columns behind the one that says which group it is. */
#define COUNTED                                                                                    \
    {"mails", "mails", TABLE_COUNT}, {"share", "%", TABLE_COUNT}, {"bytes", "bytes", TABLE_COUNT}, \
        {"campaigns", "campaigns", TABLE_COUNT}, {"addresses", "addresses", TABLE_COUNT},          \
        {"first_seen", "first seen", TABLE_WORDS}, {"last_seen", "last seen", TABLE_WORDS},        \
        {"extrapolated", NULL, TABLE_COUNT},                                                       \
    {                                                                                              \
        0                                                                                          \
    }
static const struct table_column family_columns[] = {{"family", "family", TABLE_WORDS}, COUNTED};
static const struct table_column topic_columns[] = {{"topic", "topic", TABLE_WORDS}, COUNTED};
static const struct table_column brand_columns[] = {{"brand", "brand", TABLE_WORDS}, COUNTED};
static const struct table_column campaign_columns[] = {{"campaign", "campaign", TABLE_ID}, COUNTED};
static const struct table_column country_columns[] = {{"country", "country", TABLE_WORDS}, COUNTED};
static const struct table_column asn_columns[] = {{"asn", "as", TABLE_ID}, COUNTED};
static const struct table_column sensor_columns[] = {{"sensor", "sensor", TABLE_WORDS}, COUNTED};

static const struct table_column *const columns_of[VOLUME_BYS] = {
    [VOLUME_BY_DAY] = day_columns,         [VOLUME_BY_HOUR] = hour_columns,
    [VOLUME_BY_FAMILY] = family_columns,   [VOLUME_BY_TOPIC] = topic_columns,
    [VOLUME_BY_BRAND] = brand_columns,     [VOLUME_BY_CAMPAIGN] = campaign_columns,
    [VOLUME_BY_COUNTRY] = country_columns, [VOLUME_BY_ASN] = asn_columns,
    [VOLUME_BY_SENSOR] = sensor_columns,
};

/* Over all nodes: campaigns are a log's own. */
static const struct table_column campaign_log_columns[] = {
    {"campaign", "campaign", TABLE_ID}, {"log", "log", TABLE_WORDS}, COUNTED};

struct output {
    struct casedir c;
    struct engine *engine;
    bool cluster;
    struct table *table;
    enum volume_by by;
    struct volume_filter filter;
    uint64_t limit;
    double share; /* per cent of all mail that our sensors see, as the operator says; 0: not said */
    uint64_t mails;
};

static void put_extrapolated(struct output *o, uint64_t mails)
{
    if (o->share > 0)
        table_double(o->table, (double)mails * 100 / o->share, 0);
    else
        table_empty(o->table);
}

static void put_day_row(struct output *o, const struct volume_row *r,
                        const struct spam_case_series *s)
{
    int32_t day = (int32_t)(int64_t)r->key;
    uint32_t at = (uint32_t)(day - s->series.first_day);
    int64_t baseline = (int64_t)s->baseline - s->series.first_day;
    uint32_t base = baseline < 0 || baseline >= s->series.days ? UINT32_MAX : (uint32_t)baseline;
    struct series_interval index = series_index(&s->series, at, base);
    spam_case_put_day(o->table, day);
    table_uint(o->table, r->mails);
    table_uint(o->table, r->bytes);
    table_uint(o->table, r->campaigns);
    table_double(o->table, index.value, 1);
    table_double(o->table, index.low, 1);
    table_double(o->table, index.high, 1);
    table_double(o->table, base == UINT32_MAX ? NAN : series_weekday_index(&s->series, at, base),
                 1);
    put_extrapolated(o, r->mails);
    table_row_end(o->table);
}

/* Days without mail are days, too. */
static void put_days(struct output *o, const struct spam_case_series *s, const struct volume *days)
{
    uint64_t printed = 0;
    for (uint32_t d = 0, i = 0; d < s->series.days && (!o->limit || printed < o->limit); d++) {
        int32_t day = s->series.first_day + (int32_t)d;
        struct volume_row empty = {.key = (uint64_t)(int64_t)day};
        bool there = i < days->n && (int32_t)(int64_t)days->v[i].key == day;
        put_day_row(o, there ? &days->v[i] : &empty, s);
        i += there;
        printed++;
    }
}

static void put_hour_row(struct output *o, const struct volume_row *r)
{
    spam_case_put_time(o->table, (int64_t)r->key * 3600 * UTC_SECOND);
    table_uint(o->table, r->mails);
    table_uint(o->table, r->bytes);
    table_uint(o->table, r->campaigns);
    put_extrapolated(o, r->mails);
    table_row_end(o->table);
}

static void put_group(struct output *o, const struct volume_row *r)
{
    uint64_t key = r->key;
    const char country[2] = {(char)(key >> 8), (char)key};
    switch (o->by) {
    case VOLUME_BY_TOPIC:
        table_str(o->table, topic_name((enum topic)key));
        break;
    case VOLUME_BY_CAMPAIGN:
        spam_case_put_campaign(o->table, key);
        if (o->cluster)
            table_text(o->table, o->engine->name(o->engine->ctx, r->log));
        break;
    case VOLUME_BY_COUNTRY:
        table_text(o->table, span_of(country, key ? 2 : 0));
        break;
    case VOLUME_BY_ASN:
        if (key)
            table_uint(o->table, key);
        else
            table_empty(o->table);
        break;
    default:
        table_text(o->table, o->engine->name(o->engine->ctx, (unsigned)key));
    }
}

static void put_row(struct output *o, const struct volume_row *r)
{
    if (o->by == VOLUME_BY_HOUR) {
        put_hour_row(o, r);
        return;
    }
    put_group(o, r);
    table_uint(o->table, r->mails);
    table_double(o->table, o->mails ? 100.0 * (double)r->mails / (double)o->mails : NAN, 2);
    table_uint(o->table, r->bytes);
    table_uint(o->table, r->campaigns);
    table_uint(o->table, r->sources);
    spam_case_put_time(o->table, r->first);
    spam_case_put_time(o->table, r->last);
    put_extrapolated(o, r->mails);
    table_row_end(o->table);
}

static int print_days(const struct cli *cli, struct output *o, struct err *err)
{
    struct spam_case_series s;
    struct volume days;
    int rc = spam_case_series(cli, o->engine, &o->filter, &s, &days, err);
    if (rc < 0)
        return rc;
    o->table = table_open(cli_shape(cli), day_columns, stdout);
    put_days(o, &s, &days);
    if (rc == 0)
        spam_case_say_cohort(cli, &s);
    spam_case_series_free(&s);
    volume_free(&days);
    return 0;
}

static int print_groups(const struct cli *cli, struct output *o, struct err *err)
{
    struct volume rows;
    int rc = o->engine->volume(o->engine->ctx, o->by, &o->filter, &rows, err);
    if (rc < 0)
        return rc;
    o->mails = rows.mails;
    const struct table_column *columns = columns_of[o->by];
    if (o->cluster && o->by == VOLUME_BY_CAMPAIGN)
        columns = campaign_log_columns;
    o->table = table_open(cli_shape(cli), columns, stdout);
    for (size_t i = 0; i < rows.n && (!o->limit || i < o->limit); i++)
        put_row(o, &rows.v[i]);
    volume_free(&rows);
    return 0;
}

static int print_volume(const struct cli *cli, struct output *o, struct err *err)
{
    int rc = o->by == VOLUME_BY_DAY ? print_days(cli, o, err) : print_groups(cli, o, err);
    if (rc == 0 && o->share > 0 && !cli->quiet)
        fprintf(
            stderr,
            "ebb: `extrapolated` is mails / %g %%, the share of all mail that these sensors see as "
            "the operator says: an estimate, not a count\n",
            o->share);
    return rc;
}

static int read_share(const struct cli *cli, double *out)
{
    const char *text = cli_get(cli, "share");
    char *end;
    *out = text ? strtod(text, &end) : 0;
    if (text && (end == text || *end || !(*out > 0) || *out > 100))
        return cli_fail(EXIT_USAGE, "--share: wants per cent of all mail, above 0 (%s)", text);
    return 0;
}

int cmd_spam(const struct cli *cli)
{
    struct output o = {0};
    struct err err;
    const char *by = cli_get(cli, "by") ? cli_get(cli, "by") : "day";
    o.by = volume_by_named(by);
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "spam: takes no argument (%s)", cli->args[0]);
    if (o.by == VOLUME_BYS)
        return cli_fail(
            EXIT_USAGE,
            "--by: day, hour, family, topic, brand, campaign, country, asn or sensor (%s)", by);
    int rc = spam_case_filter(cli, &o.filter);
    if (rc == 0)
        rc = cli_number(cli, "limit", 0, &o.limit);
    if (rc == 0)
        rc = read_share(cli, &o.share);
    if (rc)
        return rc;
    o.cluster = engine_is_cluster(cli);
    rc = spam_case_engine(cli, &o.c, &o.engine, &err);
    if (rc == 0)
        rc = print_volume(cli, &o, &err);
    return spam_case_done(&o.c, o.engine, o.table, rc, &err);
}

/* ---- before and after ---- */

static const struct table_column impact_columns[] = {
    {"event", "event", TABLE_WORDS},
    {"group", "of", TABLE_WORDS},
    {"name", "", TABLE_WORDS},
    {"days_before", "days before", TABLE_COUNT},
    {"before", "mails/day before", TABLE_COUNT},
    {"days_after", "days after", TABLE_COUNT},
    {"after", "mails/day after", TABLE_COUNT},
    {"change", "change %", TABLE_COUNT},
    {"change_low", "from", TABLE_COUNT},
    {"change_high", "to", TABLE_COUNT},
    {"sensors", NULL, TABLE_COUNT},
    {0},
};

struct impact {
    const struct cli *cli;
    struct engine *engine;
    struct table *table;
    int32_t event;
    uint32_t days;
};

static int put_impact(struct impact *im, const struct volume_filter *f, const char *group,
                      struct span name, struct err *err)
{
    struct spam_case_series s;
    struct series_impact r;
    int rc = spam_case_series(im->cli, im->engine, f, &s, NULL, err);
    if (rc)
        return rc;
    if (!series_impact(&s.series, im->event, im->days, &r)) {
        spam_case_series_free(&s);
        return 1;
    }
    spam_case_put_day(im->table, im->event);
    table_str(im->table, group);
    table_text(im->table, name);
    table_uint(im->table, r.days_before);
    table_double(im->table, r.before, 1);
    table_uint(im->table, r.days_after);
    table_double(im->table, r.after, 1);
    table_double(im->table, r.change.value, 1);
    table_double(im->table, r.change.low, 1);
    table_double(im->table, r.change.high, 1);
    table_uint(im->table, s.series.sensors);
    table_row_end(im->table);
    if (strcmp(group, "all") == 0)
        spam_case_say_cohort(im->cli, &s);
    spam_case_series_free(&s);
    return 0;
}

#define IMPACT_ROWS 12 /* of each group: those with most mail */

static int put_impact_of(struct impact *im, enum volume_by by, const struct volume_filter *window,
                         struct err *err)
{
    struct volume rows;
    int rc = im->engine->volume(im->engine->ctx, by, window, &rows, err);
    for (size_t i = 0; rc == 0 && i < rows.n && i < IMPACT_ROWS; i++) {
        struct volume_filter f = *window;
        struct span name =
            span_str(by == VOLUME_BY_TOPIC ? topic_name((enum topic)rows.v[i].key) : "");
        if (by == VOLUME_BY_FAMILY) {
            name = f.family = im->engine->name(im->engine->ctx, (unsigned)rows.v[i].key);
            f.no_family = !name.n;
            name = name.n ? name : span_str("(not known)");
        } else if (rows.v[i].key == TOPIC_NONE) {
            continue;
        } else {
            f.topic = (enum topic)rows.v[i].key;
        }
        rc = put_impact(im, &f, volume_by_name(by), name, err);
    }
    volume_free(&rows);
    return rc;
}

static int print_impact(struct impact *im, const struct volume_filter *f, struct err *err)
{
    int rc = put_impact(im, f, "all", span_str(""), err);
    if (rc == 1)
        return err_set(err, -ENODATA, "no mail before or after that day: nothing to compare");
    if (rc == 0 && !f->family.n && !f->no_family)
        rc = put_impact_of(im, VOLUME_BY_FAMILY, f, err);
    if (rc == 0 && !f->topic)
        rc = put_impact_of(im, VOLUME_BY_TOPIC, f, err);
    return rc < 0 ? rc : 0;
}

int cmd_spam_impact(const struct cli *cli)
{
    struct casedir c = {0};
    struct impact im = {.cli = cli};
    struct volume_filter f;
    struct err err;
    uint64_t days;
    if (cli->n_args || !cli_has(cli, "event"))
        return cli_fail(EXIT_USAGE, "spam impact: wants --event DATE and no argument");
    int rc = spam_case_filter(cli, &f);
    if (rc == 0)
        rc = spam_case_day(cli, "event", 0, &im.event);
    if (rc == 0)
        rc = cli_number(cli, "days", 7, &days);
    if (rc == 0 && (days == 0 || days > VOLUME_DAYS_MAX))
        rc = cli_fail(EXIT_USAGE, "--days: 1 to %d", VOLUME_DAYS_MAX);
    if (rc)
        return rc;
    im.days = (uint32_t)days;
    rc = spam_case_engine(cli, &c, &im.engine, &err);
    if (rc == 0) {
        im.table = table_open(cli_shape(cli), impact_columns, stdout);
        rc = print_impact(&im, &f, &err);
    }
    return spam_case_done(&c, im.engine, im.table, rc, &err);
}

/* ---- change points ---- */

static const struct table_column change_columns[] = {
    {"date", "from", TABLE_WORDS},
    {"confidence", "confidence %", TABLE_COUNT},
    {"before", "mails/day before", TABLE_COUNT},
    {"after", "mails/day after", TABLE_COUNT},
    {"change", "change %", TABLE_COUNT},
    {0},
};

static int print_changes(const struct cli *cli, struct engine *e, const struct volume_filter *f,
                         struct table *t, struct err *err)
{
    struct series_change change[SERIES_CHANGES_MAX];
    struct spam_case_series s;
    int rc = spam_case_series(cli, e, f, &s, NULL, err);
    if (rc)
        return rc < 0 ? rc : 0;
    unsigned n = series_changes(&s.series, change);
    for (unsigned i = 0; i < n; i++) {
        spam_case_put_day(t, s.series.first_day + (int32_t)change[i].day);
        table_double(t, change[i].confidence, 1);
        table_double(t, change[i].before, 1);
        table_double(t, change[i].after, 1);
        table_double(t, change[i].before > 0 ? 100 * (change[i].after / change[i].before - 1) : NAN,
                     1);
        table_row_end(t);
    }
    spam_case_say_cohort(cli, &s);
    spam_case_series_free(&s);
    return 0;
}

/* ---- records ---- */

static const struct table_column record_columns[] = {
    {"unit", "", TABLE_WORDS},
    {"date", "of", TABLE_WORDS},
    {"mails", "mails", TABLE_COUNT},
    {"record", "", TABLE_WORDS},
    {"since", "since", TABLE_WORDS},
    {"window", "of so many", TABLE_COUNT},
    {"window_from", "from", TABLE_WORDS},
    {0},
};

static void put_record(struct table *t, const struct series *s, bool weeks,
                       const struct series_record *r)
{
    uint32_t first = weeks ? r->unit - 7 * r->window : r->unit - r->window;
    table_str(t, weeks ? "week" : "day");
    spam_case_put_day(t, s->first_day + (int32_t)r->unit);
    table_double(t, r->mails, 0);
    table_str(t, r->lowest ? "lowest" : "highest");
    if (r->since < 0)
        table_empty(t); /* since the window begins */
    else
        spam_case_put_day(t, s->first_day + r->since);
    table_uint(t, r->window + 1);
    spam_case_put_day(t, s->first_day + (int32_t)first);
    table_row_end(t);
}

static int print_records(const struct cli *cli, struct engine *e, const struct volume_filter *f,
                         struct table *t, struct err *err)
{
    struct series_record *list;
    struct spam_case_series s;
    const char *of = cli_get(cli, "of");
    bool weeks = !of || strcmp(of, "week") == 0;
    int rc = spam_case_series(cli, e, f, &s, NULL, err);
    if (rc)
        return rc < 0 ? rc : 0;
    size_t n = series_records(&s.series, weeks, &list);
    for (size_t i = 0; i < n; i++)
        put_record(t, &s.series, weeks, &list[i]);
    free(list);
    spam_case_say_cohort(cli, &s);
    spam_case_series_free(&s);
    return 0;
}

static int series_command(const struct cli *cli, const struct table_column *columns,
                          int (*print)(const struct cli *, struct engine *,
                                       const struct volume_filter *, struct table *, struct err *))
{
    struct casedir c = {0};
    struct engine *e = NULL;
    struct volume_filter f;
    struct table *t = NULL;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "%s: takes no argument (%s)", cli->command, cli->args[0]);
    int rc = spam_case_filter(cli, &f);
    if (rc)
        return rc;
    rc = spam_case_engine(cli, &c, &e, &err);
    if (rc == 0) {
        t = table_open(cli_shape(cli), columns, stdout);
        rc = print(cli, e, &f, t, &err);
    }
    return spam_case_done(&c, e, t, rc, &err);
}

int cmd_spam_changes(const struct cli *cli)
{
    return series_command(cli, change_columns, print_changes);
}

int cmd_spam_records(const struct cli *cli)
{
    const char *of = cli_get(cli, "of");
    if (of && strcmp(of, "week") != 0 && strcmp(of, "day") != 0)
        return cli_fail(EXIT_USAGE, "--of: day or week (%s)", of);
    return series_command(cli, record_columns, print_records);
}
