#include "state/pursuit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "event/act_signed.h"
#include "event/event.h"

#define SCHEMA_VERSION 3
#define BUSY_MS        10000 /* how long another process that writes is waited for */

/* Times are microseconds UTC; 9223372036854775807 is "not set". entry: the index on the log. */
static const char schema[] =
    "CREATE TABLE about(version INTEGER, position INTEGER);"
    "CREATE TABLE acts(entry INTEGER PRIMARY KEY, kind INTEGER, time INTEGER, account TEXT);"
    "CREATE TABLE approvals(of INTEGER, account TEXT, entry INTEGER, what TEXT, why TEXT,"
    " PRIMARY KEY(of, account)) WITHOUT ROWID;"
    "CREATE TABLE withdrawn(of INTEGER PRIMARY KEY, entry INTEGER, why TEXT);";

static const struct pursuit_noun *const nouns[] = {&subjects_noun, &notices_noun, &leads_noun,
                                                   &reviews_noun,  &rewards_noun, &handovers_noun,
                                                   &releases_noun, &passkeys_noun, &pages_noun,
                                                   &nodes_noun, &keys_noun};
#define NOUNS (sizeof nouns / sizeof *nouns)

struct pursuit {
    char path[FILE_PATH_MAX];
    struct sql sql;
    uint64_t position;
    bool writing;      /* within a transaction */
    bool read_only;    /* the file is another's to write: what is new goes into a copy in memory */
    struct err failed; /* why nothing can be taken in any more; code 0: it can */
};

const struct sql *pursuit_sql(const struct pursuit *p)
{
    return &p->sql;
}

/* ---- taking in ---- */

static int take_approval(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_approval a;
    if (act_approval_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not an approval");
    /* Nobody approves their own. */
    if (!act->account.n || sql_int(db, 0, "SELECT count(*) FROM acts WHERE entry=? AND account=?",
                                   "it", (int64_t)a.entry, act->account))
        return err_set(err, -EPERM, "an approval by the account whose act it is");
    return sql_run(db, err, "INSERT OR REPLACE INTO approvals VALUES(?,?,?,?,?)", "ititt",
                   (int64_t)a.entry, act->account, (int64_t)act->index, a.what, a.why);
}

static int take_withdrawal(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_withdrawn a;
    if (act_withdrawn_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not a withdrawal");
    return sql_run(db, err, "INSERT OR IGNORE INTO withdrawn VALUES(?,?,?)", "iit",
                   (int64_t)a.entry, (int64_t)act->index, a.why);
}

static int take_own(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    if (act->kind < KIND_ACCOUNT)
        return 0;
    int rc = sql_run(db, err, "INSERT INTO acts VALUES(?,?,?,?)", "iiit", (int64_t)act->index,
                     (int64_t)act->kind, act->time, act->account);
    if (rc == 0 && act->kind == KIND_APPROVAL)
        rc = take_approval(db, act, err);
    if (rc == 0 && act->kind == KIND_WITHDRAWN)
        rc = take_withdrawal(db, act, err);
    return rc;
}

static bool is_mine(uint8_t kind)
{
    return (kind >= KIND_ACCOUNT && kind <= KIND_KEY_ROTATED) ||
           (kind >= KIND_REPORT_QUEUED && kind <= KIND_REPORT_RETURNED);
}

static int copy(struct pursuit *p, struct err *err);

/* Another process may have taken in more since we opened. */
static int begin(struct pursuit *p, struct err *err)
{
    int rc = p->read_only ? copy(p, err) : 0;
    if (rc == 0 && !p->writing)
        rc = sql_run(&p->sql, err, "BEGIN IMMEDIATE", "");
    if (rc == 0 && !p->writing)
        p->position = (uint64_t)sql_int(&p->sql, 0, "SELECT position FROM about", "");
    p->writing |= rc == 0;
    return rc;
}

/* An act that one noun cannot take in leaves nothing half-done. */
static int take(struct pursuit *p, const struct pursuit_act *act, struct err *err)
{
    sql_run(&p->sql, NULL, "SAVEPOINT act", "");
    int rc = take_own(&p->sql, act, err);
    for (size_t i = 0; rc >= 0 && i < NOUNS; i++)
        rc = nouns[i]->take(&p->sql, act, err);
    if (rc < 0)
        sql_run(&p->sql, NULL, "ROLLBACK TO act", "");
    sql_run(&p->sql, NULL, "RELEASE act", "");
    return rc;
}

void pursuit_act(struct pursuit *p, uint8_t kind, uint64_t index, int64_t time, struct span payload)
{
    struct pursuit_act act = {.kind = kind, .index = index, .time = time, .payload = payload};
    struct err err = {0};
    if (!is_mine(kind))
        return;
    if (p->failed.code || begin(p, &p->failed) < 0 || index < p->position)
        return;
    int rc = 0;
    if (act_signer(payload, &act.account) < 0)
        rc = err_set(&err, -EBADMSG, "not an act");
    if (rc == 0)
        rc = take(p, &act, &err);
    if (rc < 0)
        log_line(LOG_WARN, "an act that the pursuit cannot take in", "entry=%llu why=\"%s\"",
                 (unsigned long long)index, err.text);
}

uint64_t pursuit_position(const struct pursuit *p)
{
    return p->position;
}

uint64_t pursuit_refresh(struct pursuit *p)
{
    if (p->read_only)
        p->position = (uint64_t)sql_int(&p->sql, 0, "SELECT position FROM about", "");
    return p->position;
}

bool pursuit_is_kept(const struct pursuit *p)
{
    return p->read_only;
}

void pursuit_advance(struct pursuit *p, uint64_t position)
{
    if (position > p->position && !p->failed.code)
        p->position = position;
}

int pursuit_settle(struct pursuit *p, struct err *err)
{
    if (p->failed.code)
        return err_set(err, p->failed.code, "%s", p->failed.text);
    return p->writing ? pursuit_snapshot(p, err) : 0;
}

int pursuit_snapshot(struct pursuit *p, struct err *err)
{
    uint64_t position = p->position;
    int rc = p->failed.code ? err_set(err, p->failed.code, "%s", p->failed.text) : begin(p, err);
    if (position > p->position)
        p->position = position;
    if (rc == 0)
        rc = sql_run(&p->sql, err, "UPDATE about SET position=max(position,?)", "i",
                     (int64_t)p->position);
    if (rc == 0)
        rc = sql_run(&p->sql, err, "COMMIT", "");
    p->writing &= rc != 0;
    return rc;
}

/* ---- the file ---- */

static int make_tables(struct pursuit *p, struct err *err)
{
    bool good = sqlite3_exec(p->sql.db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
                sqlite3_exec(p->sql.db, schema, NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; good && i < NOUNS; i++)
        good = sqlite3_exec(p->sql.db, nouns[i]->schema, NULL, NULL, NULL) == SQLITE_OK;
    if (!good)
        return sql_fail(&p->sql, err);
    int rc = sql_run(&p->sql, err, "INSERT INTO about VALUES(?,0)", "i", (int64_t)SCHEMA_VERSION);
    return rc == 0 ? sql_run(&p->sql, err, "COMMIT", "") : rc;
}

static int connect(struct pursuit *p, const char *path, struct err *err)
{
    sql_close(&p->sql);
    if (sqlite3_open_v2(path, &p->sql.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK)
        return sql_fail(&p->sql, err);
    p->read_only = sqlite3_db_readonly(p->sql.db, "main") == 1;
    sql_cache_open(&p->sql);
    sqlite3_busy_timeout(p->sql.db, BUSY_MS);
    sqlite3_exec(p->sql.db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
    sqlite3_exec(p->sql.db, "PRAGMA cache_size=-32768", NULL, NULL, NULL); /* kB, at most */
    return 0;
}

/* 1 good, 0 of another version or none; what is damaged looks like that, too. */
static int is_good(struct pursuit *p)
{
    return sql_int(&p->sql, 0, "SELECT version FROM about", "") == SCHEMA_VERSION;
}

static int open_file(struct pursuit *p, struct err *err)
{
    bool there = file_exists(p->path);
    int rc = connect(p, p->path, err);
    if (rc < 0 || is_good(p))
        return rc;
    if (there && make_tables(p, NULL) < 0 && !is_good(p)) { /* not by another process just now */
        log_line(LOG_WARN, "view dropped, it will be rebuilt", "view=pursuit");
        if (unlink(p->path) < 0)
            return err_errno(err, "%s", p->path);
        rc = connect(p, p->path, err);
        there = false;
    }
    return rc == 0 && !is_good(p) ? make_tables(p, err) : rc;
}

/* Who may not write the file goes on in memory, once there is something to take in. */
static int copy(struct pursuit *p, struct err *err)
{
    struct sql file = p->sql;
    p->sql = (struct sql){.path = file.path, .view = file.view};
    int rc = connect(p, ":memory:", err);
    sqlite3_backup *b = rc == 0 ? sqlite3_backup_init(p->sql.db, "main", file.db, "main") : NULL;
    if (rc == 0 && (!b || sqlite3_backup_step(b, -1) != SQLITE_DONE))
        rc = sql_fail(&p->sql, err);
    sqlite3_backup_finish(b);
    p->read_only = false;
    sql_close(&file);
    return rc;
}

int pursuit_open(const char *dir, struct pursuit **out, struct err *err)
{
    struct pursuit *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    int rc = file_path(p->path, err, "%s/pursuit", dir);
    p->sql = (struct sql){.path = p->path, .view = "pursuit"};
    if (rc == 0) {
        rc = open_file(p, err);
        if (rc < 0 && rc != -EBUSY) { /* who may only read does without the file */
            rc = connect(p, ":memory:", err);
            if (rc == 0)
                rc = make_tables(p, err);
        }
    }
    if (rc < 0) {
        pursuit_close(p);
        return rc;
    }
    p->position = (uint64_t)sql_int(&p->sql, 0, "SELECT position FROM about", "");
    *out = p;
    return 0;
}

void pursuit_close(struct pursuit *p)
{
    if (!p)
        return;
    if (p->writing)
        sqlite3_exec(p->sql.db, "ROLLBACK", NULL, NULL, NULL);
    sql_close(&p->sql);
    free(p);
}

/* ---- queries ---- */

int pursuit_acted(struct pursuit *p, uint64_t entry, struct pursuit_acted *out,
                  char name[PURSUIT_NAME_MAX], struct err *err)
{
    sqlite3_stmt *s = sql_prepare(
        &p->sql, err, "SELECT kind, time, account FROM acts WHERE entry=?", "i", (int64_t)entry);
    int rc = s ? sql_step(&p->sql, s, err) : -EIO;
    if (rc == 1) {
        struct span account = sql_text(s, 2);
        size_t n = account.n < PURSUIT_NAME_MAX ? account.n : PURSUIT_NAME_MAX - 1;
        memcpy(name, account.n ? (const char *)account.p : "", n);
        name[n] = 0;
        *out = (struct pursuit_acted){entry, (uint8_t)sqlite3_column_int(s, 0),
                                      sqlite3_column_int64(s, 1), span_of(name, n)};
    }
    sqlite3_finalize(s);
    return rc;
}

int pursuit_approvals(struct pursuit *p, uint64_t entry, unsigned *yes, unsigned *no,
                      struct err *err)
{
    sqlite3_stmt *s = sql_prepare(
        &p->sql, err,
        "SELECT count(*) FILTER (WHERE what='approved'), count(*) FILTER (WHERE what<>'approved')"
        " FROM approvals WHERE of=?",
        "i", (int64_t)entry);
    int rc = s ? sql_step(&p->sql, s, err) : -EIO;
    *yes = rc == 1 ? (unsigned)sqlite3_column_int(s, 0) : 0;
    *no = rc == 1 ? (unsigned)sqlite3_column_int(s, 1) : 0;
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

bool pursuit_is_withdrawn(struct pursuit *p, uint64_t entry)
{
    return sql_int(&p->sql, 0, "SELECT 1 FROM withdrawn WHERE of=?", "i", (int64_t)entry) == 1;
}
