/* ebb spam published FILE: other people's figures, and ours of the same days */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/spam_case.h"
#include "import/csv.h"

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

enum { WHAT, DATE, VALUE, UNIT, ESTIMATOR, SOURCE, CELLS };
static const char *const names[CELLS] = {"what", "date", "value", "unit", "estimator", "source"};

struct overlay {
    struct casedir c;
    struct table *table;
    struct volume_filter filter;
    struct spam_case_series s;
    bool series;      /* there is mail in the range */
    size_t at[CELLS]; /* columns of the file */
    unsigned rejected;
};

static int read_heading(struct overlay *o, const struct csv_row *row, const char *path,
                        struct err *err)
{
    for (unsigned i = 0; i < CELLS; i++) {
        size_t at = 0;
        while (at < row->n && !span_is(row->cells[at], names[i]))
            at++;
        if (at == row->n)
            return err_set(err, -EINVAL, "%s: line %llu: no column `%s`", path,
                           (unsigned long long)row->line, names[i]);
        o->at[i] = at;
    }
    return 0;
}

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

static void put_row(struct overlay *o, const struct csv_row *row)
{
    static const unsigned order[CELLS] = {DATE, WHAT, VALUE, UNIT, ESTIMATOR, SOURCE};
    for (unsigned i = 0; i < CELLS; i++) {
        size_t at = o->at[order[i]];
        table_text(o->table, at < row->n ? row->cells[at] : span_of("", 0));
    }
    put_ours(o, o->at[DATE] < row->n ? row->cells[o->at[DATE]] : span_of("", 0));
    table_row_end(o->table);
}

static int read_rows(struct overlay *o, struct csv *csv, const char *path, struct err *err)
{
    struct csv_row row;
    bool heading = false;
    int rc;
    while ((rc = csv_next(csv, &row, err)) > 0) {
        if (rc == CSV_BAD) {
            fprintf(stderr, "ebb: %s: line %llu: %s\n", path, (unsigned long long)row.line,
                    row.why);
            o->rejected++;
        } else if (!heading) {
            rc = read_heading(o, &row, path, err);
            if (rc < 0)
                return rc;
            heading = true;
        } else {
            put_row(o, &row);
        }
    }
    return rc;
}

static int overlay(const struct cli *cli, struct overlay *o, struct err *err)
{
    struct source *source;
    const char *path = cli->args[0];
    int rc = spam_case_series(cli, &o->c, &o->filter, &o->s, NULL, err);
    o->series = rc == 0;
    if (rc >= 0)
        rc = source_open(path, &source, err);
    if (rc < 0)
        return rc;
    struct csv *csv = csv_open(source);
    if (!csv)
        abort();
    o->table = table_open(cli_shape(cli), columns, stdout);
    rc = read_rows(o, csv, path, err);
    csv_close(csv);
    source_close(source);
    return rc;
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
    rc = spam_case_open(cli, &o.c, &err);
    if (rc == 0)
        rc = overlay(cli, &o, &err);
    spam_case_series_free(&o.s);
    int code = spam_case_end(&o.c, o.table, rc, &err);
    return code == EXIT_DONE && o.rejected ? EXIT_FAILED : code;
}
