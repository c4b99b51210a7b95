/* SQL: SQLite with parameters and errors in our terms. What the views that are databases share. */
#pragma once

#include <sqlite3.h>
#include <stdarg.h>

#include "base/buf.h"
#include "base/err.h"

/* A database and how errors call it. */
struct sql {
    sqlite3 *db;
    const char *path, *view; /* "ebb rebuild VIEW" */
    struct sql_cache *cache; /* of prepared statements; NULL: none */
};

/* Statements that sql_run() and sql_int() run again and again are prepared once from now on. */
void sql_cache_open(struct sql *s);
/* Closes the database, with the cache; s->db is NULL then. */
void sql_close(struct sql *s);

/* What SQLite says, as an error: -ENOMEM, -EBUSY, else -EIO. */
int sql_fail(const struct sql *s, struct err *err);
/* A statement with its parameters, one letter each: i int64_t, t struct span as text, b struct span
 * as a blob. Text and blobs are borrowed until it is finalized. NULL with err. */
sqlite3_stmt *sql_prepare(const struct sql *s, struct err *err, const char *query,
                          const char *types, ...);
sqlite3_stmt *sql_vprepare(const struct sql *s, struct err *err, const char *query,
                           const char *types, va_list ap);
/* The same, run to its end. */
int sql_run(const struct sql *s, struct err *err, const char *query, const char *types, ...);
int sql_vrun(const struct sql *s, struct err *err, const char *query, const char *types,
             va_list ap);
/* The first column of the first row; `fallback` when there is none. */
int64_t sql_int(const struct sql *s, int64_t fallback, const char *query, const char *types, ...);
/* 1 a row, 0 the end, negative with err. */
int sql_step(const struct sql *s, sqlite3_stmt *statement, struct err *err);
/* A column's bytes, whatever they are; valid until the statement moves. */
struct span sql_text(sqlite3_stmt *statement, int column);
