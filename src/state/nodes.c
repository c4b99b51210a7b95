#include "state/nodes.h"

#include <errno.h>
#include <string.h>

#include "base/digest.h"
#include "event/event.h"

#define VKEY_LEN_MAX 512

static const char schema[] =
    "CREATE TABLE nodes(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, name TEXT,"
    " vkey TEXT, origin TEXT, until INTEGER, why TEXT);"
    "CREATE INDEX nodes_by_name ON nodes(name, entry);"
    "CREATE INDEX nodes_by_origin ON nodes(origin, entry);"
    "CREATE TABLE node_seen(entry INTEGER PRIMARY KEY, time INTEGER, origin TEXT, size INTEGER,"
    " root BLOB, sha256 BLOB);"
    "CREATE INDEX node_seen_by_origin ON node_seen(origin, entry);"
    "CREATE INDEX node_seen_by_size ON node_seen(origin, size, entry);"
    "CREATE TABLE node_alarms(entry INTEGER PRIMARY KEY, time INTEGER, node INTEGER, origin TEXT,"
    " what TEXT, why TEXT, known INTEGER, sha256 BLOB);"
    "CREATE INDEX node_alarms_by_origin ON node_alarms(origin, entry);";

bool node_name_is(struct span name)
{
    if (!name.n || name.n > NODE_NAME_LEN_MAX || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

struct span node_origin(struct span vkey)
{
    const uint8_t *plus = vkey.n ? memchr(vkey.p, '+', vkey.n) : NULL;
    return span_of(vkey.p, plus ? (size_t)(plus - vkey.p) : 0);
}

/* ---- taking in ---- */

/* One log under two names would be two nodes that say the same. */
static int take_node(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_node a;
    if (act_node_read(act->payload, &a) < 0 || !node_name_is(a.name) || a.vkey.n > VKEY_LEN_MAX ||
        !node_origin(a.vkey).n)
        return err_set(err, -EBADMSG, "not a node");
    if (!act->account.n)
        return err_set(err, -EPERM, "a node that nobody signed for");
    if (sql_int(db, 0,
                "SELECT 1 FROM nodes n WHERE origin=? AND name<>? AND until>? AND"
                " entry=(SELECT max(entry) FROM nodes m WHERE m.name=n.name)",
                "tti", node_origin(a.vkey), a.name, act->time) == 1)
        return err_set(err, -EEXIST, "a node whose log another one has");
    return sql_run(db, err, "INSERT INTO nodes VALUES(?,?,?,?,?,?,?,?)", "iittttit",
                   (int64_t)act->index, act->time, act->account, a.name, a.vkey,
                   node_origin(a.vkey), a.until, a.why);
}

/* The origin of a node's entry, into `out`. -ENOENT. */
static int origin_of(const struct sql *db, uint64_t node, char out[VKEY_LEN_MAX + 1],
                     struct span *origin, struct err *err)
{
    sqlite3_stmt *s =
        node <= INT64_MAX
            ? sql_prepare(db, err, "SELECT origin FROM nodes WHERE entry=?", "i", (int64_t)node)
            : NULL;
    int rc = s && sql_step(db, s, err) == 1 ? 0 : err_set(err, -ENOENT, "of no node");
    struct span text = rc == 0 ? sql_text(s, 0) : span_of(NULL, 0);
    if (rc == 0 && text.n <= VKEY_LEN_MAX) {
        memcpy(out, text.p, text.n);
        *origin = span_of(out, text.n);
    }
    sqlite3_finalize(s);
    return rc;
}

/* A log only grows, and what was seen of it is one tree. */
static int take_seen(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    char text[VKEY_LEN_MAX + 1];
    struct span origin = {0};
    struct act_node_seen a;
    if (act_node_seen_read(act->payload, &a) < 0 || a.root.n != SHA256_LEN ||
        a.sha256.n != SHA256_LEN || !a.size || a.size > INT64_MAX)
        return err_set(err, -EBADMSG, "not a node's checkpoint");
    int rc = origin_of(db, a.node, text, &origin, err);
    if (rc < 0)
        return rc;
    if (sql_int(db, 0,
                "SELECT 1 FROM node_seen WHERE origin=? AND (size>? OR (size=? AND root<>?))"
                " LIMIT 1",
                "tiib", origin, (int64_t)a.size, (int64_t)a.size, a.root) == 1)
        return err_set(err, -ERANGE, "a node's checkpoint that goes back");
    return sql_run(db, err, "INSERT INTO node_seen VALUES(?,?,?,?,?,?)", "iitibb",
                   (int64_t)act->index, act->time, origin, (int64_t)a.size, a.root, a.sha256);
}

static int take_alarm(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    static const char *const whats[] = {"rollback", "fork", "signature", "silent", "over"};
    char text[VKEY_LEN_MAX + 1];
    struct span origin = {0};
    struct act_node_alarm a;
    bool known = false;
    if (act_node_alarm_read(act->payload, &a) < 0 || (a.sha256.n && a.sha256.n != SHA256_LEN) ||
        a.known > INT64_MAX)
        return err_set(err, -EBADMSG, "not a node's alarm");
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++)
        known |= span_is(a.what, whats[i]);
    if (!known)
        return err_set(err, -EBADMSG, "an alarm of what?");
    int rc = origin_of(db, a.node, text, &origin, err);
    if (rc < 0)
        return rc;
    return sql_run(db, err, "INSERT INTO node_alarms VALUES(?,?,?,?,?,?,?,?)", "iiitttib",
                   (int64_t)act->index, act->time, (int64_t)a.node, origin, a.what, a.why,
                   (int64_t)a.known, a.sha256);
}

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    switch (act->kind) {
    case KIND_NODE:
        return take_node(db, act, err);
    case KIND_NODE_SEEN:
        return take_seen(db, act, err);
    case KIND_NODE_ALARM:
        return take_alarm(db, act, err);
    default:
        return 1;
    }
}

const struct pursuit_noun nodes_noun = {schema, take};

/* ---- queries ---- */

/* Of the log's own keeping: until the node is added again. Silence: until it is seen. */
#define ADDED_SINCE "EXISTS(SELECT 1 FROM nodes m WHERE m.origin=a.origin AND m.entry>a.entry)"
#define SEEN_SINCE  "EXISTS(SELECT 1 FROM node_seen v WHERE v.origin=a.origin AND v.entry>a.entry)"
#define OVER_SINCE                                                                                 \
    "EXISTS(SELECT 1 FROM node_alarms o WHERE o.origin=a.origin AND o.what='over' AND"             \
    " o.entry>a.entry)"
#define OPEN                                                                                       \
    "(a.what<>'over' AND NOT " ADDED_SINCE " AND NOT (a.what='silent' AND (" SEEN_SINCE            \
    " OR " OVER_SINCE ")))"

#define COLUMNS                                                                                    \
    "SELECT n.entry, n.time, n.until, n.account, n.name, n.vkey, n.origin, n.why,"                 \
    " coalesce(s.entry, 0), coalesce(s.size, 0), coalesce(s.time, 0), s.root, s.sha256,"           \
    " coalesce((SELECT min(time) FROM node_seen f WHERE f.origin=n.origin), 0),"                   \
    " coalesce((SELECT min(time) FROM node_seen f WHERE f.origin=n.origin AND f.size=s.size), 0)," \
    " (SELECT count(*) FROM node_alarms a WHERE a.origin=n.origin AND a.what<>'silent' AND " OPEN  \
    "),"                                                                                           \
    " (SELECT count(*) FROM node_alarms a WHERE a.origin=n.origin AND a.what='silent' AND " OPEN   \
    "),"                                                                                           \
    " coalesce((SELECT max(a.entry) FROM node_alarms a WHERE a.origin=n.origin AND " OPEN "), 0)"  \
    " FROM nodes n LEFT JOIN node_seen s ON s.entry="                                              \
    "(SELECT max(entry) FROM node_seen v WHERE v.origin=n.origin)"                                 \
    " WHERE n.entry=(SELECT max(entry) FROM nodes m WHERE m.name=n.name) "

static uint64_t uint_at(sqlite3_stmt *s, int column)
{
    return (uint64_t)sqlite3_column_int64(s, column);
}

/* 1 when there was a row, 0 none; negative; what each() returned unless 0. */
static int walk(struct pursuit *p, sqlite3_stmt *s,
                int (*each)(void *ctx, const struct node_entry *n), void *ctx, struct err *err)
{
    int rc = s ? 0 : -EIO, some = 0, stop = 0;
    while (rc == 0 && !stop && (rc = sql_step(pursuit_sql(p), s, err)) == 1) {
        struct node_entry n = {
            .entry = uint_at(s, 0),
            .recorded = sqlite3_column_int64(s, 1),
            .until = sqlite3_column_int64(s, 2),
            .account = sql_text(s, 3),
            .name = sql_text(s, 4),
            .vkey = sql_text(s, 5),
            .origin = sql_text(s, 6),
            .why = sql_text(s, 7),
            .seen_entry = uint_at(s, 8),
            .size = uint_at(s, 9),
            .seen = sqlite3_column_int64(s, 10),
            .root = sql_text(s, 11),
            .note = sql_text(s, 12),
            .first_seen = sqlite3_column_int64(s, 13),
            .grown = sqlite3_column_int64(s, 14),
            .alarms = uint_at(s, 15),
            .silent = uint_at(s, 16),
            .alarm_entry = uint_at(s, 17),
        };
        some = 1;
        stop = each(ctx, &n);
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : stop ? stop : some;
}

int nodes_list(struct pursuit *p, int (*each)(void *ctx, const struct node_entry *n), void *ctx,
               struct err *err)
{
    int rc =
        walk(p, sql_prepare(pursuit_sql(p), err, COLUMNS "ORDER BY n.name", ""), each, ctx, err);
    return rc == 1 ? 0 : rc;
}

int nodes_named(struct pursuit *p, struct span name,
                int (*each)(void *ctx, const struct node_entry *n), void *ctx, struct err *err)
{
    return walk(p, sql_prepare(pursuit_sql(p), err, COLUMNS "AND n.name=?", "t", name), each, ctx,
                err);
}

int nodes_alarms(struct pursuit *p, struct span name,
                 int (*each)(void *ctx, const struct node_alarm *a), void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(
        db, err,
        "SELECT a.entry, a.time, a.node, a.known, n.name, a.origin, a.what, a.why, a.sha256, " OPEN
        " FROM node_alarms a JOIN nodes n ON n.entry=a.node WHERE ?1='' OR n.name=?1"
        " ORDER BY a.entry DESC",
        "t", name);
    int rc = s ? 0 : -EIO, stop = 0;
    while (rc == 0 && !stop && (rc = sql_step(db, s, err)) == 1) {
        struct node_alarm a = {.entry = uint_at(s, 0),
                               .recorded = sqlite3_column_int64(s, 1),
                               .node = uint_at(s, 2),
                               .known = uint_at(s, 3),
                               .name = sql_text(s, 4),
                               .origin = sql_text(s, 5),
                               .what = sql_text(s, 6),
                               .why = sql_text(s, 7),
                               .sha256 = sql_text(s, 8),
                               .open = sqlite3_column_int(s, 9) != 0};
        stop = each(ctx, &a);
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : stop;
}

int nodes_seen(struct pursuit *p, int (*each)(void *ctx, const struct node_sight *s), void *ctx,
               struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(
        db, err, "SELECT entry, size, time, origin, root, sha256 FROM node_seen ORDER BY entry",
        "");
    int rc = s ? 0 : -EIO, stop = 0;
    while (rc == 0 && !stop && (rc = sql_step(db, s, err)) == 1) {
        struct node_sight out = {uint_at(s, 0),  uint_at(s, 1),  sqlite3_column_int64(s, 2),
                                 sql_text(s, 3), sql_text(s, 4), sql_text(s, 5)};
        stop = each(ctx, &out);
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : stop;
}

int nodes_keys(struct pursuit *p, int (*each)(void *ctx, const struct node_key_entry *k), void *ctx,
               struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(
        db, err, "SELECT entry, until, origin, name, vkey FROM nodes ORDER BY origin, entry DESC",
        "");
    int rc = s ? 0 : -EIO, stop = 0;
    while (rc == 0 && !stop && (rc = sql_step(db, s, err)) == 1) {
        struct node_key_entry k = {uint_at(s, 0), sqlite3_column_int64(s, 1), sql_text(s, 2),
                                   sql_text(s, 3), sql_text(s, 4)};
        stop = each(ctx, &k);
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : stop;
}
