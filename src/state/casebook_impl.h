/* What the casebook's files share. */
#pragma once

#include <sqlite3.h>
#include <stdarg.h>

#include "base/file.h"
#include "state/casebook.h"

struct casebook {
    char path[FILE_PATH_MAX];
    sqlite3 *db;
    struct casebook_blobs blobs;
    uint64_t position, saved; /* saved: the position in the file */
    bool changed;             /* since the file was written */
};

int casebook_fail(const struct casebook *cb, struct err *err);
/* A statement with its parameters, one letter each: i int64_t, t struct span as text, b struct span
 * as a blob. Text and blobs are borrowed until it is finalized. NULL with err. */
sqlite3_stmt *casebook_prepare(struct casebook *cb, struct err *err, const char *sql,
                               const char *types, ...);
/* The same, run to its end. */
int casebook_run(struct casebook *cb, struct err *err, const char *sql, const char *types, ...);
/* Valid until the statement moves. */
struct span casebook_text(sqlite3_stmt *s, int column);

/* Rows of a list's blob into list_days. */
int casebook_load_list(struct casebook *cb, uint64_t index, const struct act_asset_list *a,
                       struct span file, struct err *err);
