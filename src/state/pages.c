#include "state/pages.h"

#include <errno.h>
#include <string.h>

#include "event/event.h"

#define DIGEST_LEN 32

static const char schema[] =
    "CREATE TABLE page_snapshot(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, path TEXT,"
    " language TEXT, sha256 BLOB);"
    "CREATE INDEX page_snapshot_by_path ON page_snapshot(path, language, entry);";

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_snapshot a;
    if (act->kind != KIND_SNAPSHOT)
        return 1;
    if (act_snapshot_read(act->payload, &a) < 0 || !a.path.n || a.sha256.n != DIGEST_LEN)
        return err_set(err, -EBADMSG, "not a snapshot");
    return sql_run(db, err, "INSERT INTO page_snapshot VALUES(?,?,?,?,?,?)", "iitttb",
                   (int64_t)act->index, act->time, act->account, a.path, a.language, a.sha256);
}

const struct pursuit_noun pages_noun = {schema, take};

int pages_snapshots(struct pursuit *p, struct span path,
                    int (*each)(void *ctx, const struct page_snapshot *s), void *ctx,
                    struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, err,
                                  "SELECT entry, time, path, language, sha256 FROM page_snapshot"
                                  " WHERE path=? ORDER BY entry DESC",
                                  "t", path);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        struct page_snapshot out = {(uint64_t)sqlite3_column_int64(s, 0),
                                    sqlite3_column_int64(s, 1), sql_text(s, 2), sql_text(s, 3),
                                    sql_text(s, 4)};
        rc = each(ctx, &out);
        if (rc)
            break;
    }
    sqlite3_finalize(s);
    return rc;
}

int pages_newest(struct pursuit *p, struct span path, struct span language, uint64_t *entry,
                 uint8_t sha256[32], struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, err,
                                  "SELECT entry, sha256 FROM page_snapshot WHERE path=? AND"
                                  " language=? ORDER BY entry DESC LIMIT 1",
                                  "tt", path, language);
    int rc = s ? sql_step(db, s, err) : -EIO;
    if (rc == 1) {
        *entry = (uint64_t)sqlite3_column_int64(s, 0);
        memcpy(sha256, sql_text(s, 1).p, DIGEST_LEN);
    }
    sqlite3_finalize(s);
    return rc;
}
