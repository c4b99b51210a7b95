#include "state/handovers.h"

#include <errno.h>

#include "base/digest.h"
#include "event/event.h"

/* Times are microseconds UTC; time: when it was recorded, stamped: what the authority says. */
static const char schema[] =
    "CREATE TABLE timestamps(entry INTEGER PRIMARY KEY, time INTEGER, size INTEGER, root BLOB,"
    " stamped INTEGER, authority TEXT, sha256 BLOB, checkpoint BLOB, chain BLOB);"
    "CREATE INDEX timestamps_size ON timestamps(size);"
    "CREATE TABLE cosignatures(entry INTEGER PRIMARY KEY, time INTEGER, size INTEGER, root BLOB,"
    " witnesses TEXT, sha256 BLOB);"
    "CREATE INDEX cosignatures_size ON cosignatures(size);"
    "CREATE TABLE exhibits(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, name TEXT,"
    " query TEXT, size INTEGER, entries INTEGER, files INTEGER, sha256 BLOB);"
    "CREATE TABLE referrals(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, name TEXT,"
    " agency TEXT, limits TEXT, subjects TEXT, leads TEXT, recipient TEXT, files INTEGER,"
    " sha256 BLOB);";

/* ---- taking in ---- */

static int bad(struct err *err, const char *what)
{
    return err_set(err, -EBADMSG, "not %s", what);
}

static bool is_digest(struct span s)
{
    return s.n == SHA256_LEN;
}

static int take_timestamp(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_timestamp a;
    if (act_timestamp_read(act->payload, &a) < 0 || !is_digest(a.root) || !is_digest(a.sha256) ||
        !is_digest(a.checkpoint) || !is_digest(a.chain) || a.size > INT64_MAX ||
        a.size > act->index)
        return bad(err, "a time stamp");
    return sql_run(db, err, "INSERT INTO timestamps VALUES(?,?,?,?,?,?,?,?,?)", "iiibitbbb",
                   (int64_t)act->index, act->time, (int64_t)a.size, a.root, a.when, a.authority,
                   a.sha256, a.checkpoint, a.chain);
}

static int take_cosignature(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_cosignature a;
    if (act_cosignature_read(act->payload, &a) < 0 || !is_digest(a.root) || !is_digest(a.sha256) ||
        a.size > INT64_MAX || a.size > act->index)
        return bad(err, "a cosignature");
    return sql_run(db, err, "INSERT INTO cosignatures VALUES(?,?,?,?,?,?)", "iiibtb",
                   (int64_t)act->index, act->time, (int64_t)a.size, a.root, a.witnesses, a.sha256);
}

static int take_exhibit(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_exhibit a;
    if (act_exhibit_read(act->payload, &a) < 0 || !is_digest(a.sha256))
        return bad(err, "an exhibit");
    return sql_run(db, err, "INSERT INTO exhibits VALUES(?,?,?,?,?,?,?,?,?)", "iitttiiib",
                   (int64_t)act->index, act->time, act->account, a.name, a.query, (int64_t)a.size,
                   (int64_t)a.entries, (int64_t)a.files, a.sha256);
}

static int take_referral(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_referral a;
    if (act_referral_read(act->payload, &a) < 0 || !is_digest(a.sha256))
        return bad(err, "a referral");
    return sql_run(db, err, "INSERT INTO referrals VALUES(?,?,?,?,?,?,?,?,?,?,?)", "iitttttttib",
                   (int64_t)act->index, act->time, act->account, a.name, a.agency, a.limits,
                   a.subjects, a.leads, a.recipient, (int64_t)a.files, a.sha256);
}

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    switch (act->kind) {
    case KIND_TIMESTAMP:
        return take_timestamp(db, act, err);
    case KIND_COSIGNATURE:
        return take_cosignature(db, act, err);
    case KIND_EXHIBIT:
        return take_exhibit(db, act, err);
    case KIND_REFERRAL:
        return take_referral(db, act, err);
    default:
        return 1;
    }
}

const struct pursuit_noun handovers_noun = {schema, take};

/* ---- queries ---- */

/* Steps through rows; row() returns 0 to go on. 1 when there was a row, 0 none; negative. */
static int walk(struct pursuit *p, sqlite3_stmt *s, int (*row)(sqlite3_stmt *s, void *ctx),
                void *ctx, struct err *err)
{
    int rc = s ? 0 : -EIO, some = 0, stop = 0;
    while (rc == 0 && !stop && (rc = sql_step(pursuit_sql(p), s, err)) == 1) {
        some = 1;
        stop = row(s, ctx);
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : stop ? stop : some;
}

/* What the caller wants to be called with. */
struct caller {
    union {
        int (*timestamp)(void *ctx, const struct handover_timestamp *t);
        int (*cosignature)(void *ctx, const struct handover_cosignature *c);
        int (*exhibit)(void *ctx, const struct handover_exhibit *x);
        int (*referral)(void *ctx, const struct handover_referral *r);
    };
    void *ctx;
};

#define TIMESTAMPS                                                                                 \
    "SELECT entry, time, size, root, stamped, authority, sha256, checkpoint, chain FROM "          \
    "timestamps "
#define COSIGNATURES "SELECT entry, time, size, root, witnesses, sha256 FROM cosignatures "

static uint64_t number(sqlite3_stmt *s, int column)
{
    return (uint64_t)sqlite3_column_int64(s, column);
}

static int timestamp_row(sqlite3_stmt *s, void *ctx)
{
    const struct caller *c = ctx;
    struct handover_timestamp t = {
        number(s, 0),
        sqlite3_column_int64(s, 1),
        {.size = number(s, 2),
         .root = sql_text(s, 3),
         .when = sqlite3_column_int64(s, 4),
         .authority = sql_text(s, 5),
         .sha256 = sql_text(s, 6),
         .checkpoint = sql_text(s, 7),
         .chain = sql_text(s, 8)},
    };
    return c->timestamp(c->ctx, &t);
}

static int cosignature_row(sqlite3_stmt *s, void *ctx)
{
    const struct caller *c = ctx;
    struct handover_cosignature k = {
        number(s, 0),
        sqlite3_column_int64(s, 1),
        {.size = number(s, 2),
         .root = sql_text(s, 3),
         .witnesses = sql_text(s, 4),
         .sha256 = sql_text(s, 5)},
    };
    return c->cosignature(c->ctx, &k);
}

static int exhibit_row(sqlite3_stmt *s, void *ctx)
{
    const struct caller *c = ctx;
    struct handover_exhibit x = {number(s, 0),
                                 sqlite3_column_int64(s, 1),
                                 sql_text(s, 2),
                                 {.name = sql_text(s, 3),
                                  .query = sql_text(s, 4),
                                  .size = number(s, 5),
                                  .entries = number(s, 6),
                                  .files = number(s, 7),
                                  .sha256 = sql_text(s, 8)}};
    return c->exhibit(c->ctx, &x);
}

static int referral_row(sqlite3_stmt *s, void *ctx)
{
    const struct caller *c = ctx;
    struct handover_referral r = {number(s, 0),
                                  sqlite3_column_int64(s, 1),
                                  sql_text(s, 2),
                                  {.name = sql_text(s, 3),
                                   .agency = sql_text(s, 4),
                                   .limits = sql_text(s, 5),
                                   .subjects = sql_text(s, 6),
                                   .leads = sql_text(s, 7),
                                   .recipient = sql_text(s, 8),
                                   .files = number(s, 9),
                                   .sha256 = sql_text(s, 10)}};
    return c->referral(c->ctx, &r);
}

/* Lists give 0 when they come to their end. */
static int list(struct pursuit *p, const char *query, int (*row)(sqlite3_stmt *s, void *ctx),
                struct caller caller, struct err *err)
{
    int rc = walk(p, sql_prepare(pursuit_sql(p), err, query, ""), row, &caller, err);
    return rc == 1 ? 0 : rc;
}

int handovers_timestamps(struct pursuit *p,
                         int (*each)(void *ctx, const struct handover_timestamp *t), void *ctx,
                         struct err *err)
{
    return list(p, TIMESTAMPS "ORDER BY entry", timestamp_row,
                (struct caller){.timestamp = each, .ctx = ctx}, err);
}

int handovers_cosignatures(struct pursuit *p,
                           int (*each)(void *ctx, const struct handover_cosignature *c), void *ctx,
                           struct err *err)
{
    return list(p, COSIGNATURES "ORDER BY entry", cosignature_row,
                (struct caller){.cosignature = each, .ctx = ctx}, err);
}

int handovers_exhibits(struct pursuit *p, int (*each)(void *ctx, const struct handover_exhibit *x),
                       void *ctx, struct err *err)
{
    return list(p,
                "SELECT entry, time, account, name, query, size, entries, files, sha256"
                " FROM exhibits ORDER BY entry",
                exhibit_row, (struct caller){.exhibit = each, .ctx = ctx}, err);
}

int handovers_referrals(struct pursuit *p,
                        int (*each)(void *ctx, const struct handover_referral *r), void *ctx,
                        struct err *err)
{
    return list(p,
                "SELECT entry, time, account, name, agency, limits, subjects, leads, recipient,"
                " files, sha256 FROM referrals ORDER BY entry",
                referral_row, (struct caller){.referral = each, .ctx = ctx}, err);
}

/* The first that covers the entry, else the newest. */
static int one_for(struct pursuit *p, uint64_t last, const char *first, const char *newest,
                   int (*row)(sqlite3_stmt *s, void *ctx), struct caller *caller, struct err *err)
{
    int rc = walk(p, sql_prepare(pursuit_sql(p), err, first, "i", (int64_t)last), row, caller, err);
    return rc == 0 ? walk(p, sql_prepare(pursuit_sql(p), err, newest, ""), row, caller, err) : rc;
}

int handovers_timestamp_for(struct pursuit *p, uint64_t last,
                            int (*each)(void *ctx, const struct handover_timestamp *t), void *ctx,
                            struct err *err)
{
    struct caller caller = {.timestamp = each, .ctx = ctx};
    return one_for(p, last, TIMESTAMPS "WHERE size>? ORDER BY size, entry LIMIT 1",
                   TIMESTAMPS "ORDER BY size DESC, entry LIMIT 1", timestamp_row, &caller, err);
}

int handovers_cosignature_for(struct pursuit *p, uint64_t last,
                              int (*each)(void *ctx, const struct handover_cosignature *c),
                              void *ctx, struct err *err)
{
    struct caller caller = {.cosignature = each, .ctx = ctx};
    return one_for(p, last, COSIGNATURES "WHERE size>? ORDER BY size, entry LIMIT 1",
                   COSIGNATURES "ORDER BY size DESC, entry LIMIT 1", cosignature_row, &caller, err);
}

bool handovers_stamped(struct pursuit *p, int64_t since, int64_t until)
{
    return sql_int(pursuit_sql(p), 0, "SELECT 1 FROM timestamps WHERE stamped>=? AND stamped<?",
                   "ii", since, until) == 1;
}

uint64_t handovers_witnessed(struct pursuit *p, struct span vkey)
{
    return (uint64_t)sql_int(pursuit_sql(p), 0,
                             "SELECT size FROM cosignatures WHERE instr(' '||witnesses||' ',"
                             " ' '||?||' ')>0 ORDER BY size DESC",
                             "t", vkey);
}
