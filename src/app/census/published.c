#include "app/census/published.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "import/csv.h"

enum { WHAT, DATE, VALUE, UNIT, ESTIMATOR, SOURCE, CELLS };
static const char *const names[CELLS] = {"what", "date", "value", "unit", "estimator", "source"};

/* Where each column is. */
static int read_heading(const struct csv_row *row, const char *path, size_t at[CELLS],
                        struct err *err)
{
    for (unsigned i = 0; i < CELLS; i++) {
        at[i] = 0;
        while (at[i] < row->n && !span_is(row->cells[at[i]], names[i]))
            at[i]++;
        if (at[i] == row->n)
            return err_set(err, -EINVAL, "%s: line %llu: no column `%s`", path,
                           (unsigned long long)row->line, names[i]);
    }
    return 0;
}

static struct published figure(const struct csv_row *row, const size_t at[CELLS])
{
    struct span cell[CELLS];
    for (unsigned i = 0; i < CELLS; i++)
        cell[i] = at[i] < row->n ? row->cells[at[i]] : span_of("", 0);
    return (struct published){cell[WHAT], cell[DATE],      cell[VALUE],
                              cell[UNIT], cell[ESTIMATOR], cell[SOURCE]};
}

static int read_rows(struct csv *csv, const char *path,
                     int (*each)(void *ctx, const struct published *p), void *ctx,
                     unsigned *rejected, struct err *err)
{
    struct csv_row row;
    size_t at[CELLS];
    bool heading = false;
    int rc;
    while ((rc = csv_next(csv, &row, err)) > 0) {
        if (rc == CSV_BAD) {
            fprintf(stderr, "ebb: %s: line %llu: %s\n", path, (unsigned long long)row.line,
                    row.why);
            ++*rejected;
            continue;
        }
        struct published p;
        if (heading)
            p = figure(&row, at);
        rc = heading ? each(ctx, &p) : read_heading(&row, path, at, err);
        if (rc)
            return rc;
        heading = true;
    }
    return rc;
}

int published_read(const char *path, int (*row)(void *ctx, const struct published *p), void *ctx,
                   unsigned *rejected, struct err *err)
{
    struct source *source;
    int rc = source_open(path, &source, err);
    if (rc < 0)
        return rc;
    struct csv *csv = csv_open(source);
    if (!csv)
        abort();
    rc = read_rows(csv, path, row, ctx, rejected, err);
    csv_close(csv);
    source_close(source);
    return rc;
}
