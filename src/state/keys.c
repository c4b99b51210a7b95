#include "state/keys.h"

#include <errno.h>

#include "event/event.h"

#define KEY_TEXT_MAX 512 /* bytes of a key as text */

static const char schema[] =
    "CREATE TABLE keys_rotated(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, what TEXT,"
    " from_key TEXT, to_key TEXT, why TEXT);";

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_key_rotated a;
    if (act->kind != KIND_KEY_ROTATED)
        return 1;
    if (act_key_rotated_read(act->payload, &a) < 0 || !a.what.n || !a.from_key.n || !a.to_key.n ||
        a.from_key.n > KEY_TEXT_MAX || a.to_key.n > KEY_TEXT_MAX)
        return err_set(err, -EBADMSG, "not a key that was replaced");
    return sql_run(db, err, "INSERT INTO keys_rotated VALUES(?,?,?,?,?,?,?)", "iittttt",
                   (int64_t)act->index, act->time, act->account, a.what, a.from_key, a.to_key,
                   a.why);
}

const struct pursuit_noun keys_noun = {schema, take};

int keys_rotated(struct pursuit *p, struct span what,
                 int (*each)(void *ctx, const struct key_rotated *k), void *ctx, struct err *err)
{
    sqlite3_stmt *s = sql_prepare(pursuit_sql(p), err,
                                  "SELECT entry, time, account, what, from_key, to_key, why"
                                  " FROM keys_rotated WHERE ?='' OR what=? ORDER BY entry",
                                  "tt", what, what);
    int rc = s ? 1 : -EIO, stop = 0;
    while (rc == 1 && !stop && (rc = sql_step(pursuit_sql(p), s, err)) == 1) {
        struct key_rotated k = {(uint64_t)sqlite3_column_int64(s, 0),
                                sqlite3_column_int64(s, 1),
                                sql_text(s, 2),
                                {.what = sql_text(s, 3),
                                 .from_key = sql_text(s, 4),
                                 .to_key = sql_text(s, 5),
                                 .why = sql_text(s, 6)}};
        stop = each(ctx, &k);
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}
