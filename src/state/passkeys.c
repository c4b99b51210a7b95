#include "state/passkeys.h"

#include <errno.h>

#include "event/event.h"

static const char schema[] =
    "CREATE TABLE passkeys(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, id BLOB,"
    " key BLOB, name TEXT, rp_id TEXT);"
    "CREATE INDEX passkeys_id ON passkeys(id);"
    "CREATE INDEX passkeys_account ON passkeys(account);";

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_passkey a;
    if (act->kind != KIND_PASSKEY)
        return 1;
    if (!act->account.n || act_passkey_read(act->payload, &a) < 0 || !a.id.n || a.id.n > PASSKEY_ID_MAX || !a.key.n ||
        a.key.n > PASSKEY_KEY_MAX || !a.rp_id.n)
        return err_set(err, -EBADMSG, "not a passkey");
    return sql_run(db, err, "INSERT INTO passkeys VALUES(?,?,?,?,?,?,?)", "iitbbtt",
                   (int64_t)act->index, act->time, act->account, a.id, a.key, a.name, a.rp_id);
}

const struct pursuit_noun passkeys_noun = {schema, take};

/* 1 when each() was called. */
static int walk(struct pursuit *p, sqlite3_stmt *s, int (*each)(void *ctx, const struct passkey *k),
                void *ctx, struct err *err)
{
    int rc = s ? 1 : -EIO, some = 0, stop = 0;
    while (rc == 1 && !stop && (rc = sql_step(pursuit_sql(p), s, err)) == 1) {
        struct passkey k = {(uint64_t)sqlite3_column_int64(s, 0),
                            sqlite3_column_int64(s, 1),
                            sql_text(s, 2),
                            {.id = sql_text(s, 3),
                             .key = sql_text(s, 4),
                             .name = sql_text(s, 5),
                             .rp_id = sql_text(s, 6)}};
        some = 1;
        stop = each(ctx, &k);
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : some;
}

#define IN_FORCE                                                                                   \
    "SELECT entry, time, account, id, key, name, rp_id FROM passkeys"                              \
    " WHERE entry NOT IN (SELECT of FROM withdrawn) AND "

int passkeys_of(struct pursuit *p, struct span account,
                int (*each)(void *ctx, const struct passkey *k), void *ctx, struct err *err)
{
    sqlite3_stmt *s = account.n ? sql_prepare(pursuit_sql(p), err,
                                              IN_FORCE "account=? ORDER BY entry", "t", account)
                                : sql_prepare(pursuit_sql(p), err, IN_FORCE "1 ORDER BY entry", "");
    int rc = walk(p, s, each, ctx, err);
    return rc < 0 ? rc : 0;
}

int passkeys_find(struct pursuit *p, struct span id, struct span rp_id,
                  int (*each)(void *ctx, const struct passkey *k), void *ctx, struct err *err)
{
    return walk(p,
                sql_prepare(pursuit_sql(p), err, IN_FORCE "id=? AND rp_id=? ORDER BY entry LIMIT 1",
                            "bt", id, rp_id),
                each, ctx, err);
}
