/* What the casebook's files share. */
#pragma once

#include "base/file.h"
#include "state/casebook.h"
#include "state/sql.h"

struct casebook {
    char path[FILE_PATH_MAX];
    sqlite3 *db;
    struct casebook_blobs blobs;
    uint64_t position, saved; /* saved: the position in the file */
    bool changed;             /* since the file was written */
    uint64_t changes;
};

int casebook_fail(const struct casebook *cb, struct err *err);
/* As sql_prepare() and sql_run(). */
sqlite3_stmt *casebook_prepare(struct casebook *cb, struct err *err, const char *sql,
                               const char *types, ...);
int casebook_run(struct casebook *cb, struct err *err, const char *sql, const char *types, ...);

/* Rows of a list's blob into list_days. */
int casebook_load_list(struct casebook *cb, uint64_t index, const struct act_asset_list *a,
                       struct span file, struct err *err);
