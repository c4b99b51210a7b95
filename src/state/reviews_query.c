/* Reading reviews. */
#include <errno.h>

#include "event/event.h"
#include "state/reviews_impl.h"

#define COLUMNS                                                                                    \
    "lead, time, class, rank, status, withdrawn, of, assigned, four_eyes, pending, heard, acted,"  \
    " claims"
#define ORDER " ORDER BY place, rank, class, lead LIMIT ?"

static void read_lead(sqlite3_stmt *s, struct review_lead *l)
{
    *l = (struct review_lead){
        .entry = (uint64_t)sqlite3_column_int64(s, 0),
        .received = sqlite3_column_int64(s, 1),
        .work = (uint64_t)-sqlite3_column_int64(s, 2),
        .rank = (uint64_t)sqlite3_column_int64(s, 3),
        .status = (enum review_status)sqlite3_column_int(s, 4),
        .withdrawn = sqlite3_column_int64(s, 5) != 0,
        .of = (uint64_t)sqlite3_column_int64(s, 6),
        .assigned = sql_text(s, 7),
        .four_eyes = sqlite3_column_int(s, 8) != 0,
        .pending = (uint64_t)sqlite3_column_int64(s, 9),
        .heard = (uint64_t)sqlite3_column_int64(s, 10),
        .acted = (uint64_t)sqlite3_column_int64(s, 11),
        .claims = (uint64_t)sqlite3_column_int64(s, 12),
    };
}

int reviews_lead(struct pursuit *p, uint64_t lead, struct review_lead *out,
                 char name[PURSUIT_NAME_MAX], struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, err, "SELECT " COLUMNS " FROM review_leads WHERE lead=?", "i",
                                  (int64_t)lead);
    int rc = s ? sql_step(db, s, err) : -EIO;
    if (rc == 1) {
        read_lead(s, out);
        size_t n = out->assigned.n < PURSUIT_NAME_MAX ? out->assigned.n : PURSUIT_NAME_MAX - 1;
        memcpy(name, n ? (const char *)out->assigned.p : "", n);
        name[n] = 0;
        out->assigned = span_of(name, n);
    }
    sqlite3_finalize(s);
    return rc;
}

/* A tag that few have is begun with; one that many have is looked up lead by lead. */
#define TAG_FEW 2000

static sqlite3_stmt *prepare_list(const struct sql *db, const struct review_query *q,
                                  struct err *err)
{
    /* Without `all`, up to what is not settled for good. */
    int64_t low = q->status ? (int64_t)*q->status : 0, high = q->status ? low
                                                              : q->all  ? REVIEW_WITHDRAWN
                                                                        : REVIEW_CLOSED - 1;
    int64_t limit = q->limit > INT64_MAX ? INT64_MAX : (int64_t)q->limit;
    struct buf query = {0};
    bool few = q->tag.n && sql_int(db, 0,
                                   "SELECT count(*) FROM (SELECT 1 FROM review_tags WHERE tag=?"
                                   " LIMIT ?)",
                                   "ti", q->tag, (int64_t)TAG_FEW) < TAG_FEW;
    if (q->status && q->all) /* those that were withdrawn meanwhile, too */
        high = REVIEW_WITHDRAWN;
    buf_str(&query, "SELECT " COLUMNS " FROM ");
    if (few)
        buf_str(&query, "(SELECT lead AS tagged FROM review_tags WHERE tag=?5)"
                        " CROSS JOIN review_leads ON lead=tagged");
    else
        buf_printf(&query, "review_leads INDEXED BY %s",
                   q->assigned.n ? "review_assigned" : "review_order");
    /* ?4 ?5 are named in each, so that parameters have the same numbers. */
    buf_printf(&query, " WHERE place BETWEEN ?1 AND ?2 AND (?3<0 OR status=?3) AND %s AND %s" ORDER,
               q->assigned.n ? "assigned=?4 AND assigned<>''" : "?4=''",
               !q->tag.n ? "?5=''"
               : few     ? "?5<>''"
                         : "EXISTS(SELECT 1 FROM review_tags t WHERE t.tag=?5 AND"
                           " t.lead=review_leads.lead)");
    buf_byte(&query, 0);
    sqlite3_stmt *s =
        sql_prepare(db, err, (const char *)query.p, "iiitti", low, high,
                    q->status ? (int64_t)*q->status : (int64_t)-1, q->assigned, q->tag, limit);
    buf_free(&query);
    return s;
}

int reviews_list(struct pursuit *p, const struct review_query *q,
                 int (*each)(void *ctx, const struct review_lead *l), void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    struct review_lead l;
    sqlite3_stmt *s = prepare_list(db, q, err);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        read_lead(s, &l);
        rc = each(ctx, &l);
    }
    sqlite3_finalize(s);
    return rc;
}

int reviews_tags(struct pursuit *p, uint64_t lead, int (*each)(void *ctx, struct span tag),
                 void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, err, "SELECT tag FROM review_tags WHERE lead=? ORDER BY tag",
                                  "i", (int64_t)lead);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1)
        rc = each(ctx, sql_text(s, 0));
    sqlite3_finalize(s);
    return rc;
}

/* ---- acts ---- */

#define ACT_COLUMNS                                                                                \
    "entry, lead, other, kind, time, what, value, why, account, state, settled, content, wraps,"   \
    " size, known"

static void read_act(sqlite3_stmt *s, struct review_act *a)
{
    *a = (struct review_act){
        .entry = (uint64_t)sqlite3_column_int64(s, 0),
        .lead = (uint64_t)sqlite3_column_int64(s, 1),
        .other = (uint64_t)sqlite3_column_int64(s, 2),
        .kind = (uint8_t)sqlite3_column_int(s, 3),
        .time = sqlite3_column_int64(s, 4),
        .what = sql_text(s, 5),
        .value = sql_text(s, 6),
        .why = sql_text(s, 7),
        .account = sql_text(s, 8),
        .state = sql_text(s, 9),
        .settled = (uint64_t)sqlite3_column_int64(s, 10),
        .content = sql_text(s, 11),
        .wraps = sql_text(s, 12),
        .size = (uint64_t)sqlite3_column_int64(s, 13),
        .known = sql_text(s, 14),
    };
}

static int each_act(const struct sql *db, sqlite3_stmt *s,
                    int (*each)(void *ctx, const struct review_act *a), void *ctx, bool *any,
                    struct err *err)
{
    struct review_act a;
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        *any = true;
        read_act(s, &a);
        rc = each(ctx, &a);
    }
    sqlite3_finalize(s);
    return rc;
}

int reviews_acts(struct pursuit *p, uint64_t lead,
                 int (*each)(void *ctx, const struct review_act *a), void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    bool any = false;
    return each_act(db,
                    sql_prepare(db, err,
                                "SELECT " ACT_COLUMNS " FROM reviews WHERE lead=? ORDER BY entry",
                                "i", (int64_t)lead),
                    each, ctx, &any, err);
}

int reviews_act(struct pursuit *p, uint64_t entry,
                int (*each)(void *ctx, const struct review_act *a), void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    bool any = false;
    int rc = each_act(db,
                      sql_prepare(db, err, "SELECT " ACT_COLUMNS " FROM reviews WHERE entry=?", "i",
                                  (int64_t)entry),
                      each, ctx, &any, err);
    return rc < 0 ? rc : any;
}

#define IN_FORCE "state IN ('done','approved')"

int reviews_novelty(struct pursuit *p, uint64_t fact,
                    int (*each)(void *ctx, const struct review_act *a), void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    bool any = false;
    int rc = each_act(db,
                      sql_prepare(db, err,
                                  "SELECT " ACT_COLUMNS " FROM reviews WHERE what='novelty' AND"
                                  " other=? AND " IN_FORCE " ORDER BY entry DESC LIMIT 1",
                                  "i", (int64_t)fact),
                      each, ctx, &any, err);
    return rc < 0 ? rc : any;
}

uint64_t reviews_new_facts(struct pursuit *p, uint64_t lead)
{
    return (uint64_t)sql_int(
        pursuit_sql(p), 0,
        "SELECT count(*) FROM (SELECT value, max(entry) FROM reviews WHERE lead=? AND"
        " what='novelty' AND " IN_FORCE " GROUP BY other) WHERE value IN ('new','part')",
        "i", (int64_t)lead);
}
