/* Published: files of other people's figures (CSV: what,date,value,unit,estimator,source), as
 * `spam published` and `census published` take them. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* One figure, as the file has it; columns that a row lacks are empty. Valid within the call. */
struct published {
    struct span what, date, value, unit, estimator, source;
};

/* Gives each figure, in the file's order; row() returns 0 to go on, else it ends and that is
 * returned. Rows that are no CSV are told on standard error and counted. -EINVAL when the heading
 * lacks a column. */
int published_read(const char *path, int (*row)(void *ctx, const struct published *p), void *ctx,
                   unsigned *rejected, struct err *err);
