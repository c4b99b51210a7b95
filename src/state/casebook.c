#include "state/casebook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "event/event.h"
#include "state/accounts.h"
#include "state/casebook_impl.h"

#define FILE_MAX       (64ull << 30)
#define POSITION_AT    60 /* the database header's user_version, a fixed word, application_id */
#define POSITION_BYTES 12
#define SCHEMA_VERSION 2

/* Times are microseconds UTC; 9223372036854775807 is "not set". entry: the index on the log. */
static const char schema[] =
    "CREATE TABLE about(version INTEGER);"
    "CREATE TABLE orders(entry INTEGER PRIMARY KEY, id TEXT, court TEXT, docket TEXT,"
    " jurisdiction TEXT, document TEXT, sha256 BLOB, from_time INTEGER, until_time INTEGER,"
    " scope TEXT, contact TEXT, note TEXT, recorded INTEGER, closed INTEGER, closed_why TEXT,"
    " closed_entry INTEGER);"
    "CREATE INDEX orders_id ON orders(id);"
    "CREATE TABLE assets(entry INTEGER PRIMARY KEY, order_entry INTEGER, kind TEXT, name TEXT,"
    " port INTEGER, transport TEXT, family TEXT, policy TEXT, identify INTEGER, from_time INTEGER,"
    " until_time INTEGER, registered_until INTEGER, registrar TEXT, note TEXT, recorded INTEGER,"
    " released INTEGER, released_why TEXT, released_entry INTEGER);"
    "CREATE INDEX assets_name ON assets(name);"
    "CREATE TABLE lists(entry INTEGER PRIMARY KEY, order_entry INTEGER, file TEXT, sha256 BLOB,"
    " family TEXT, policy TEXT, identify INTEGER, from_time INTEGER, until_time INTEGER,"
    " registrar TEXT, names INTEGER, rejected INTEGER, note TEXT, recorded INTEGER,"
    " released INTEGER, released_why TEXT, released_entry INTEGER);"
    "CREATE TABLE list_days(list INTEGER, from_time INTEGER, until_time INTEGER, registrar TEXT,"
    " tld TEXT, wildcard INTEGER, names INTEGER, text TEXT);"
    "CREATE INDEX list_days_list ON list_days(list);"
    "CREATE TABLE list_released(list INTEGER, name TEXT, released INTEGER, why TEXT, entry INTEGER,"
    " PRIMARY KEY(list, name)) WITHOUT ROWID;"
    "CREATE TABLE accounts(entry INTEGER PRIMARY KEY, name TEXT, roles TEXT, box BLOB, sign BLOB,"
    " until_time INTEGER, why TEXT, recorded INTEGER);"
    "CREATE INDEX accounts_name ON accounts(name, entry);";

/* ---- SQLite ---- */

static struct sql as_sql(const struct casebook *cb)
{
    return (struct sql){.db = cb->db, .path = cb->path, .view = "casebook"};
}

int casebook_fail(const struct casebook *cb, struct err *err)
{
    struct sql s = as_sql(cb);
    return sql_fail(&s, err);
}

sqlite3_stmt *casebook_prepare(struct casebook *cb, struct err *err, const char *sql,
                               const char *types, ...)
{
    struct sql s = as_sql(cb);
    va_list ap;
    va_start(ap, types);
    sqlite3_stmt *st = sql_vprepare(&s, err, sql, types, ap);
    va_end(ap);
    return st;
}

int casebook_run(struct casebook *cb, struct err *err, const char *sql, const char *types, ...)
{
    struct sql s = as_sql(cb);
    va_list ap;
    va_start(ap, types);
    int rc = sql_vrun(&s, err, sql, types, ap);
    va_end(ap);
    return rc;
}

/* ---- acts ---- */

static int take_order(struct casebook *cb, uint64_t index, int64_t time, struct span payload,
                      struct err *err)
{
    struct act_order a;
    if (act_order_read(payload, &a) < 0)
        return err_set(err, -EBADMSG, "not an order");
    int64_t from = a.from == CASEBOOK_FOREVER ? time : a.from;
    return casebook_run(cb, err, "INSERT INTO orders VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,'',0)",
                        "itttttbiitttii", (int64_t)index, a.id, a.court, a.docket, a.jurisdiction,
                        a.document, a.sha256, from, a.until, a.scope, a.contact, a.note, time,
                        CASEBOOK_FOREVER);
}

static int take_closing(struct casebook *cb, uint64_t index, int64_t time, struct span payload,
                        struct err *err)
{
    struct act_order_closed a;
    if (act_order_closed_read(payload, &a) < 0)
        return err_set(err, -EBADMSG, "not an order's closing");
    int64_t when = a.when == CASEBOOK_FOREVER ? time : a.when;
    return casebook_run(cb, err,
                        "UPDATE orders SET closed=?, closed_why=?, closed_entry=?"
                        " WHERE entry=? AND closed_entry=0",
                        "itii", when, a.why, (int64_t)index, (int64_t)a.order);
}

static int take_asset(struct casebook *cb, uint64_t index, int64_t time, struct span payload,
                      struct err *err)
{
    struct act_asset a;
    if (act_asset_read(payload, &a) < 0)
        return err_set(err, -EBADMSG, "not an asset");
    int64_t from = a.from == CASEBOOK_FOREVER ? time : a.from;
    return casebook_run(cb, err, "INSERT INTO assets VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'',0)",
                        "iittitttiiiittii", (int64_t)index, (int64_t)a.order,
                        span_str(act_asset_kind_name(a.kind)), a.name, (int64_t)a.port, a.transport,
                        a.family, a.policy, (int64_t)a.identify, from, a.until, a.registered_until,
                        a.registrar, a.note, time, CASEBOOK_FOREVER);
}

/* The times that rows without any of their own get: the list's, else the order's. */
static int default_times(struct casebook *cb, struct act_asset_list *a, int64_t time,
                         struct err *err)
{
    sqlite3_stmt *s = casebook_prepare(
        cb, err, "SELECT from_time, until_time FROM orders WHERE entry=?", "i", (int64_t)a->order);
    if (!s)
        return -EIO;
    bool found = sqlite3_step(s) == SQLITE_ROW;
    if (a->from == CASEBOOK_FOREVER)
        a->from = found ? sqlite3_column_int64(s, 0) : time;
    if (a->until == CASEBOOK_FOREVER && found)
        a->until = sqlite3_column_int64(s, 1);
    sqlite3_finalize(s);
    return 0;
}

static int take_list(struct casebook *cb, uint64_t index, int64_t time, struct span payload,
                     struct err *err)
{
    struct act_asset_list a;
    struct buf file = {0};
    if (act_asset_list_read(payload, &a) < 0)
        return err_set(err, -EBADMSG, "not an asset list");
    int rc = default_times(cb, &a, time, err);
    if (rc == 0)
        rc = casebook_run(cb, err, "INSERT INTO lists VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'',0)",
                          "iitbttiiitiitii", (int64_t)index, (int64_t)a.order, a.file, a.sha256,
                          a.family, a.policy, (int64_t)a.identify, a.from, a.until, a.registrar,
                          (int64_t)a.rows, (int64_t)a.rejected, a.note, time, CASEBOOK_FOREVER);
    if (rc == 0)
        rc = cb->blobs.get(cb->blobs.ctx, a.sha256.p, &file, err);
    if (rc == 0)
        rc = casebook_load_list(cb, index, &a, buf_as_span(&file), err);
    buf_free(&file);
    return rc;
}

static int take_release(struct casebook *cb, uint64_t index, int64_t time, struct span payload,
                        struct err *err)
{
    struct act_asset_released a;
    if (act_asset_released_read(payload, &a) < 0)
        return err_set(err, -EBADMSG, "not a release");
    int64_t when = a.when == CASEBOOK_FOREVER ? time : a.when;
    int64_t asset = (int64_t)a.asset, entry = (int64_t)index;
    if (a.name.n)
        return casebook_run(cb, err, "INSERT OR IGNORE INTO list_released VALUES(?,?,?,?,?)",
                            "ititi", asset, a.name, when, a.why, entry);
#define RELEASE                                                                                    \
    " SET released=?, released_why=?, released_entry=? WHERE entry=? AND released_entry=0"
    int rc = casebook_run(cb, err, "UPDATE assets" RELEASE, "itii", when, a.why, entry, asset);
    return rc < 0
               ? rc
               : casebook_run(cb, err, "UPDATE lists" RELEASE, "itii", when, a.why, entry, asset);
#undef RELEASE
}

static int take(struct casebook *cb, uint8_t kind, uint64_t index, int64_t time,
                struct span payload, struct err *err)
{
    switch (kind) {
    case KIND_ORDER:
        return take_order(cb, index, time, payload, err);
    case KIND_ORDER_CLOSED:
        return take_closing(cb, index, time, payload, err);
    case KIND_ASSET:
        return take_asset(cb, index, time, payload, err);
    case KIND_ASSET_LIST:
        return take_list(cb, index, time, payload, err);
    case KIND_ASSET_RELEASED:
        return take_release(cb, index, time, payload, err);
    case KIND_ACCOUNT:
        return casebook_take_account(cb, index, time, payload, err);
    }
    return 1;
}

uint64_t casebook_changes(const struct casebook *cb)
{
    return cb->changes;
}

void casebook_act(struct casebook *cb, uint8_t kind, uint64_t index, int64_t time,
                  struct span payload)
{
    struct err err = {0};
    if ((kind < KIND_ORDER || kind > KIND_ASSET_RELEASED) && kind != KIND_ACCOUNT)
        return;
    sqlite3_exec(cb->db, "BEGIN", NULL, NULL, NULL);
    int rc = take(cb, kind, index, time, payload, &err);
    /* What could be taken in of a list whose blob is gone stays. */
    sqlite3_exec(cb->db, "COMMIT", NULL, NULL, NULL);
    cb->changed = true;
    cb->changes++;
    if (rc < 0)
        log_line(LOG_WARN, "an act that the casebook cannot take in", "entry=%llu why=\"%s\"",
                 (unsigned long long)index, err.text);
}

/* ---- the file ---- */

/* The position stands in two words of the database's header that are made for users of SQLite, so
 * that it can be changed without writing anything else. */
static uint64_t position_read(const uint8_t *header)
{
    return (uint64_t)be32_get(header + 8) << 32 | be32_get(header);
}

static int empty(struct casebook *cb, struct err *err)
{
    sqlite3_close(cb->db);
    cb->db = NULL;
    cb->position = cb->saved = 0;
    cb->changed = true;
    if (sqlite3_open_v2(":memory:", &cb->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
            SQLITE_OK ||
        sqlite3_exec(cb->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return casebook_fail(cb, err);
    return casebook_run(cb, err, "INSERT INTO about VALUES(?)", "i", (int64_t)SCHEMA_VERSION);
}

static bool is_good(struct casebook *cb)
{
    sqlite3_stmt *s = casebook_prepare(cb, NULL, "SELECT version FROM about", "");
    bool good = s && sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 0) == SCHEMA_VERSION;
    sqlite3_finalize(s);
    if (!good)
        return false;
    s = casebook_prepare(cb, NULL, "PRAGMA quick_check(1)", "");
    good = s && sqlite3_step(s) == SQLITE_ROW && span_is(sql_text(s, 0), "ok");
    sqlite3_finalize(s);
    return good;
}

static int load(struct casebook *cb, struct err *err)
{
    struct buf file = {0};
    int rc = file_read(cb->path, FILE_MAX, &file, err);
    if (rc < 0 || file.n < POSITION_AT + POSITION_BYTES) {
        buf_free(&file);
        return rc < 0 ? rc : 1;
    }
    cb->position = cb->saved = position_read(file.p + POSITION_AT);
    uint8_t *copy = sqlite3_malloc64(file.n);
    sqlite3_int64 limit = (sqlite3_int64)FILE_MAX;
    if (!copy || sqlite3_open_v2(":memory:", &cb->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        abort();
    memcpy(copy, file.p, file.n);
    rc = sqlite3_deserialize(cb->db, "main", copy, (sqlite3_int64)file.n, (sqlite3_int64)file.n,
                             SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
    buf_free(&file);
    if (rc == SQLITE_OK)
        sqlite3_file_control(cb->db, "main", SQLITE_FCNTL_SIZE_LIMIT, &limit);
    return rc == SQLITE_OK && is_good(cb) ? 0 : 1;
}

int casebook_open(const char *dir, const struct casebook_blobs *blobs, struct casebook **out,
                  struct err *err)
{
    struct casebook *cb = calloc(1, sizeof *cb);
    if (!cb)
        abort();
    cb->blobs = *blobs;
    int rc = file_path(cb->path, err, "%s/casebook", dir);
    bool there = rc == 0 && file_exists(cb->path);
    if (there)
        rc = load(cb, err);
    if (rc == 1)
        log_line(LOG_WARN, "view dropped, it will be rebuilt", "view=casebook");
    if (rc == 1 || (rc == 0 && !there))
        rc = empty(cb, err);
    if (rc < 0) {
        casebook_close(cb);
        return rc;
    }
    sqlite3_exec(cb->db, "PRAGMA journal_mode=OFF", NULL, NULL, NULL);
    *out = cb;
    return 0;
}

void casebook_close(struct casebook *cb)
{
    if (!cb)
        return;
    sqlite3_close(cb->db);
    free(cb);
}

uint64_t casebook_position(const struct casebook *cb)
{
    return cb->position;
}

void casebook_advance(struct casebook *cb, uint64_t position)
{
    cb->position = position;
}

static void position_write(uint64_t position, uint8_t *header)
{
    be32_put(header, (uint32_t)position);
    be32_put(header + 8, (uint32_t)(position >> 32));
}

static int save_whole(struct casebook *cb, struct err *err)
{
    sqlite3_int64 n = 0;
    uint8_t *p = sqlite3_serialize(cb->db, "main", &n, 0);
    if (!p || n < POSITION_AT + POSITION_BYTES)
        return casebook_fail(cb, err);
    position_write(cb->position, p + POSITION_AT);
    int rc = file_replace(cb->path, span_of(p, (size_t)n), 0644, err);
    sqlite3_free(p);
    return rc;
}

static int save_position(struct casebook *cb, struct err *err)
{
    uint8_t words[POSITION_BYTES];
    int fd = open(cb->path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "%s", cb->path);
    int rc = pread(fd, words, sizeof words, POSITION_AT) == (ssize_t)sizeof words ? 0 : -1;
    position_write(cb->position, words);
    if (rc == 0)
        rc = pwrite(fd, words, sizeof words, POSITION_AT) == (ssize_t)sizeof words ? fdatasync(fd)
                                                                                   : -1;
    if (rc < 0)
        rc = err_errno(err, "%s", cb->path);
    close(fd);
    return rc;
}

int casebook_snapshot(struct casebook *cb, struct err *err)
{
    if (!cb->changed && cb->saved == cb->position)
        return 0;
    int rc = cb->changed || !file_exists(cb->path) ? save_whole(cb, err) : save_position(cb, err);
    if (rc == 0) {
        cb->changed = false;
        cb->saved = cb->position;
    }
    return rc;
}
