#include "state/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

int sql_fail(const struct sql *s, struct err *err)
{
    int code = sqlite3_errcode(s->db);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return err_set(err, -EBUSY, "%s: another process is writing it: try again", s->path);
    return err_set(err, code == SQLITE_NOMEM ? -ENOMEM : -EIO,
                   "%s: %s (`ebb rebuild %s` makes it anew)", s->path, sqlite3_errmsg(s->db),
                   s->view);
}

/* ---- statements that are prepared once ---- */

#define CACHE_SLOTS                                                                                \
    256 /* of statements; a second one in the same slot takes the place of the first */

struct sql_cache {
    sqlite3_stmt *slots[CACHE_SLOTS];
};

void sql_cache_open(struct sql *s)
{
    s->cache = calloc(1, sizeof *s->cache);
    if (!s->cache)
        abort();
}

void sql_close(struct sql *s)
{
    for (unsigned i = 0; s->cache && i < CACHE_SLOTS; i++)
        sqlite3_finalize(s->cache->slots[i]);
    free(s->cache);
    s->cache = NULL;
    sqlite3_close(s->db);
    s->db = NULL;
}

/* Its place, with the statement in it when that is free to be run; NULL: do without. */
static sqlite3_stmt **cached(const struct sql *s, const char *query)
{
    if (!s->cache)
        return NULL;
    sqlite3_stmt **slot = &s->cache->slots[XXH3_64bits(query, strlen(query)) % CACHE_SLOTS];
    if (*slot && sqlite3_stmt_busy(*slot))
        return NULL;
    if (*slot && strcmp(sqlite3_sql(*slot), query) != 0) {
        sqlite3_finalize(*slot);
        *slot = NULL;
    }
    return slot;
}

static int bind(sqlite3_stmt *s, const char *types, va_list ap)
{
    int rc = SQLITE_OK;
    for (int i = 1; rc == SQLITE_OK && *types; types++, i++) {
        if (*types == 'i') {
            rc = sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
            continue;
        }
        struct span v = va_arg(ap, struct span);
        const char *p = v.n ? (const char *)v.p : "";
        rc = *types == 'b' ? sqlite3_bind_blob64(s, i, p, v.n, SQLITE_STATIC)
                           : sqlite3_bind_text64(s, i, p, v.n, SQLITE_STATIC, SQLITE_UTF8);
    }
    return rc;
}

sqlite3_stmt *sql_vprepare(const struct sql *s, struct err *err, const char *query,
                           const char *types, va_list ap)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(s->db, query, -1, &st, NULL) == SQLITE_OK &&
        bind(st, types, ap) == SQLITE_OK)
        return st;
    sql_fail(s, err);
    sqlite3_finalize(st);
    return NULL;
}

sqlite3_stmt *sql_prepare(const struct sql *s, struct err *err, const char *query,
                          const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    sqlite3_stmt *st = sql_vprepare(s, err, query, types, ap);
    va_end(ap);
    return st;
}

int sql_step(const struct sql *s, sqlite3_stmt *statement, struct err *err)
{
    int rc = sqlite3_step(statement);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : sql_fail(s, err);
}

/* A statement that is run to its end here: from the cache where there is one. */
static sqlite3_stmt *take_statement(const struct sql *s, struct err *err, const char *query,
                                    const char *types, va_list ap, sqlite3_stmt ***slot)
{
    *slot = cached(s, query);
    if (!*slot)
        return sql_vprepare(s, err, query, types, ap);
    if (!**slot &&
        sqlite3_prepare_v3(s->db, query, -1, SQLITE_PREPARE_PERSISTENT, *slot, NULL) != SQLITE_OK)
        sql_fail(s, err);
    else if (bind(**slot, types, ap) != SQLITE_OK)
        sql_fail(s, err);
    else
        return **slot;
    return NULL;
}

/* What was bound is the caller's and does not outlive the call. */
static void give_back(sqlite3_stmt *statement, sqlite3_stmt **slot)
{
    if (slot) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    } else {
        sqlite3_finalize(statement);
    }
}

int sql_vrun(const struct sql *s, struct err *err, const char *query, const char *types, va_list ap)
{
    struct err own = {.code = -EIO};
    sqlite3_stmt **slot, *st = take_statement(s, err ? err : &own, query, types, ap, &slot);
    if (!st)
        return err ? err->code : own.code;
    int rc = sql_step(s, st, err);
    give_back(st, slot);
    return rc < 0 ? rc : 0;
}

int sql_run(const struct sql *s, struct err *err, const char *query, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int rc = sql_vrun(s, err, query, types, ap);
    va_end(ap);
    return rc;
}

int64_t sql_int(const struct sql *s, int64_t fallback, const char *query, const char *types, ...)
{
    sqlite3_stmt **slot;
    va_list ap;
    va_start(ap, types);
    sqlite3_stmt *st = take_statement(s, NULL, query, types, ap, &slot);
    va_end(ap);
    if (!st)
        return fallback;
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
        fallback = sqlite3_column_int64(st, 0);
    give_back(st, slot);
    return fallback;
}

struct span sql_text(sqlite3_stmt *statement, int column)
{
    const void *p = sqlite3_column_blob(statement, column);
    return span_of(p, p ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}
