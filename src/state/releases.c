#include "state/releases.h"

#include <errno.h>

#include "base/digest.h"
#include "event/event.h"

static const char schema[] =
    "CREATE TABLE releases(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, rule TEXT,"
    " size INTEGER, since INTEGER, until INTEGER, sha256 BLOB, replaces INTEGER);"
    "CREATE INDEX releases_replaced ON releases(replaces);";

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_release a;
    if (act->kind != KIND_RELEASE)
        return 1;
    if (act_release_read(act->payload, &a) < 0 || a.sha256.n != SHA256_LEN || a.size > act->index)
        return err_set(err, -EBADMSG, "not a release");
    if (!act->account.n)
        return err_set(err, -EPERM, "a release that nobody signed");
    if (a.replaces &&
        sql_int(db, 0, "SELECT 1 FROM releases WHERE entry=?", "i", (int64_t)a.replaces) != 1)
        return err_set(err, -ENOENT, "a release that corrects none");
    return sql_run(db, err, "INSERT INTO releases VALUES(?,?,?,?,?,?,?,?,?)", "iittiiibi",
                   (int64_t)act->index, act->time, act->account, a.rule, (int64_t)a.size, a.since,
                   a.until, a.sha256, (int64_t)a.replaces);
}

const struct pursuit_noun releases_noun = {schema, take};

#define COLUMNS                                                                                    \
    "SELECT r.entry, r.time, r.account, r.rule, r.size, r.since, r.until, r.sha256, r.replaces,"   \
    " coalesce((SELECT max(n.entry) FROM releases n WHERE n.replaces=r.entry), 0),"                \
    " EXISTS(SELECT 1 FROM withdrawn w WHERE w.of=r.entry) FROM releases r "

/* 1 when there was a row, 0 none; negative; what each() returned unless 0. */
static int walk(struct pursuit *p, sqlite3_stmt *s,
                int (*each)(void *ctx, const struct release_entry *r), void *ctx, struct err *err)
{
    int rc = s ? 0 : -EIO, some = 0, stop = 0;
    while (rc == 0 && !stop && (rc = sql_step(pursuit_sql(p), s, err)) == 1) {
        struct release_entry r = {
            .entry = (uint64_t)sqlite3_column_int64(s, 0),
            .recorded = sqlite3_column_int64(s, 1),
            .account = sql_text(s, 2),
            .rule = sql_text(s, 3),
            .size = (uint64_t)sqlite3_column_int64(s, 4),
            .since = sqlite3_column_int64(s, 5),
            .until = sqlite3_column_int64(s, 6),
            .sha256 = sql_text(s, 7),
            .replaces = (uint64_t)sqlite3_column_int64(s, 8),
            .replaced_by = (uint64_t)sqlite3_column_int64(s, 9),
            .withdrawn = sqlite3_column_int(s, 10) != 0,
        };
        some = 1;
        stop = each(ctx, &r);
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : stop ? stop : some;
}

int releases_list(struct pursuit *p, uint64_t limit,
                  int (*each)(void *ctx, const struct release_entry *r), void *ctx, struct err *err)
{
    int64_t most = limit && limit < INT64_MAX ? (int64_t)limit : -1;
    int rc = walk(
        p, sql_prepare(pursuit_sql(p), err, COLUMNS "ORDER BY r.entry DESC LIMIT ?", "i", most),
        each, ctx, err);
    return rc == 1 ? 0 : rc;
}

int releases_one(struct pursuit *p, uint64_t entry,
                 int (*each)(void *ctx, const struct release_entry *r), void *ctx, struct err *err)
{
    if (entry > INT64_MAX)
        return 0;
    return walk(p, sql_prepare(pursuit_sql(p), err, COLUMNS "WHERE r.entry=?", "i", (int64_t)entry),
                each, ctx, err);
}

uint64_t releases_newest(struct pursuit *p)
{
    return (uint64_t)sql_int(
        pursuit_sql(p), 0,
        "SELECT max(entry) FROM releases r WHERE NOT EXISTS(SELECT 1 FROM withdrawn w WHERE"
        " w.of=r.entry) AND NOT EXISTS(SELECT 1 FROM releases n WHERE n.replaces=r.entry AND NOT"
        " EXISTS(SELECT 1 FROM withdrawn w WHERE w.of=n.entry))",
        "");
}

uint64_t releases_last(struct pursuit *p)
{
    return (uint64_t)sql_int(pursuit_sql(p), 0, "SELECT max(entry) FROM releases", "");
}

bool releases_has(struct pursuit *p, uint64_t entry)
{
    return entry <= INT64_MAX && sql_int(pursuit_sql(p), 0, "SELECT 1 FROM releases WHERE entry=?",
                                         "i", (int64_t)entry) == 1;
}
