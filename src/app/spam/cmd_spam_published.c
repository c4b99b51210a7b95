/* ebb spam published FILE: other people's figures, and ours of the same days */
#include <math.h>
#include <stdio.h>

#include "app/census/published.h"
#include "app/spam/spam_case.h"

static const struct table_column columns[] = {
    {"date", "date", TABLE_WORDS},
    {"what", "what", TABLE_WORDS},
    {"value", "published", TABLE_WORDS},
    {"unit", "unit", TABLE_WORDS},
    {"estimator", "by", TABLE_WORDS},
    {"source", NULL, TABLE_WORDS},
    {"mails", "mails here", TABLE_COUNT},
    {"index", "index here", TABLE_COUNT},
    {0},
};

struct overlay {
    struct casedir c;
    struct engine *engine;
    struct table *table;
    struct volume_filter filter;
    struct spam_case_series s;
    bool series; /* there is mail in the range */
    unsigned rejected;
};

/* Ours of that day; nothing where it was not seen. A quarter's or a year's figure has no day. */
static void put_ours(struct overlay *o, struct span date)
{
    int64_t time;
    int64_t day = -1;
    if (o->series && utc_parse(date, &time))
        day = (int64_t)utc_day(time) - o->s.series.first_day;
    if (day < 0 || day >= o->s.series.days) {
        table_empty(o->table);
        table_empty(o->table);
        return;
    }
    uint32_t baseline = (uint32_t)(o->s.baseline - o->s.series.first_day);
    table_double(o->table, o->s.series.day[day], 0);
    table_double(o->table, series_index(&o->s.series, (uint32_t)day, baseline).value, 1);
}

static int put_row(void *ctx, const struct published *p)
{
    struct overlay *o = ctx;
    const struct span cells[] = {p->date, p->what, p->value, p->unit, p->estimator, p->source};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        table_text(o->table, cells[i]);
    put_ours(o, p->date);
    table_row_end(o->table);
    return 0;
}

static int overlay(const struct cli *cli, struct overlay *o, struct err *err)
{
    int rc = spam_case_series(cli, o->engine, &o->filter, &o->s, NULL, err);
    if (rc < 0)
        return rc;
    o->series = rc == 0;
    o->table = table_open(cli_shape(cli), columns, stdout);
    return published_read(cli->args[0], put_row, o, &o->rejected, err);
}

int cmd_spam_published(const struct cli *cli)
{
    struct overlay o = {0};
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "spam published: wants one file");
    int rc = spam_case_filter(cli, &o.filter);
    if (rc)
        return rc;
    rc = spam_case_engine(cli, &o.c, &o.engine, &err);
    if (rc == 0)
        rc = overlay(cli, &o, &err);
    spam_case_series_free(&o.s);
    int code = spam_case_done(&o.c, o.engine, o.table, rc, &err);
    return code == EXIT_DONE && o.rejected ? EXIT_FAILED : code;
}
