/* Reading links, merges, what was known. */
#include <errno.h>

#include "state/subjects_impl.h"

#define LINK_COLUMNS                                                                               \
    "SELECT f.entry, f.subject, f.other, f.asset, f.name, f.campaign, f.relation, f.confidence,"   \
    " f.lead, f.entries, f.document, f.sha256, f.note, a.time, a.account, coalesce(w.entry<?2, 0)" \
    " FROM links f JOIN acts a ON a.entry=f.entry LEFT JOIN withdrawn w ON w.of=f.entry "

struct link_reader {
    int (*each)(void *, const struct subject_link *);
    void *ctx;
    bool any;
};

static int read_link(void *ctx, sqlite3_stmt *s)
{
    struct link_reader *r = ctx;
    struct subject_link out = {
        .entry = u64(s, 0),
        .act = {.subject = u64(s, 1),
                .other = u64(s, 2),
                .asset = u64(s, 3),
                .name = sql_text(s, 4),
                .campaign = u64(s, 5),
                .relation = sql_text(s, 6),
                .confidence = u64(s, 7),
                .lead = u64(s, 8),
                .entries = sql_text(s, 9),
                .document = sql_text(s, 10),
                .sha256 = sql_text(s, 11),
                .note = sql_text(s, 12)},
        .recorded = sqlite3_column_int64(s, 13),
        .account = sql_text(s, 14),
        .withdrawn = sqlite3_column_int(s, 15) != 0,
    };
    r->any = true;
    return r->each(r->ctx, &out);
}

int subjects_links(struct pursuit *p, uint64_t subject, uint64_t size, bool all,
                   int (*each)(void *ctx, const struct subject_link *l), void *ctx, struct err *err)
{
    struct link_reader r = {each, ctx, false};
    const char *query =
        subject ? GROUP LINK_COLUMNS
            "WHERE f.entry IN (SELECT entry FROM links WHERE subject IN (SELECT e FROM members)"
            " UNION SELECT entry FROM links WHERE other<>0 AND other IN (SELECT e FROM members))"
            " AND " HELD "ORDER BY f.entry"
                : LINK_COLUMNS "WHERE " HELD "AND ?1=0 ORDER BY f.entry";
    return subjects_walk(
        p,
        sql_prepare(pursuit_sql(p), err, query, "iii", bound(subject), bound(size), (int64_t)all),
        read_link, &r, err);
}

int subjects_link(struct pursuit *p, uint64_t entry,
                  int (*each)(void *ctx, const struct subject_link *l), void *ctx, struct err *err)
{
    struct link_reader r = {each, ctx, false};
    int rc = subjects_walk(p,
                           sql_prepare(pursuit_sql(p), err, LINK_COLUMNS "WHERE f.entry=?1", "ii",
                                       bound(entry), SUBJECT_FOREVER),
                           read_link, &r, err);
    return rc < 0 ? rc : r.any;
}

static void keep_text(char *out, size_t size, struct span s)
{
    size_t n = s.n < size ? s.n : size - 1;
    memcpy(out, s.n ? (const char *)s.p : "", n);
    out[n] = 0;
}

int subjects_withdrawal(struct pursuit *p, uint64_t of, struct subject_withdrawal *out)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, NULL,
                                  "SELECT w.entry, a.time, a.account, w.why FROM withdrawn w"
                                  " JOIN acts a ON a.entry=w.entry WHERE w.of=?",
                                  "i", bound(of));
    int rc = s ? sql_step(db, s, NULL) : -EIO;
    if (rc == 1) {
        out->entry = u64(s, 0);
        out->recorded = sqlite3_column_int64(s, 1);
        keep_text(out->account, sizeof out->account, sql_text(s, 2));
        keep_text(out->why, sizeof out->why, sql_text(s, 3));
    }
    sqlite3_finalize(s);
    return rc;
}

/* ---- merges ---- */

#define MERGES                                                                                     \
    "SELECT m.entry, m.\"into\", m.other, m.why, m.split, m.split_why, a.time, a.account,"         \
    " b.time, b.account FROM merges m JOIN acts a ON a.entry=m.entry"                              \
    " LEFT JOIN acts b ON b.entry=m.split "

struct merge_reader {
    int (*each)(void *, const struct subject_merge *);
    void *ctx;
};

static int read_merge(void *ctx, sqlite3_stmt *s)
{
    struct merge_reader *r = ctx;
    struct subject_merge out = {
        .entry = u64(s, 0),
        .into = u64(s, 1),
        .other = u64(s, 2),
        .why = sql_text(s, 3),
        .split = u64(s, 4) == (uint64_t)SUBJECT_FOREVER ? UINT64_MAX : u64(s, 4),
        .split_why = sql_text(s, 5),
        .recorded = sqlite3_column_int64(s, 6),
        .account = sql_text(s, 7),
        .split_recorded = sqlite3_column_int64(s, 8),
        .split_account = sql_text(s, 9),
    };
    return r->each(r->ctx, &out);
}

int subjects_merges(struct pursuit *p, uint64_t subject,
                    int (*each)(void *ctx, const struct subject_merge *m), void *ctx,
                    struct err *err)
{
    struct merge_reader r = {each, ctx};
    const char *query = subject ? GROUP MERGES "WHERE m.\"into\" IN (SELECT e FROM members) OR"
                                               " m.other IN (SELECT e FROM members)"
                                               " ORDER BY m.entry"
                                : MERGES "WHERE ?1=0 AND ?2 ORDER BY m.entry";
    return subjects_walk(
        p, sql_prepare(pursuit_sql(p), err, query, "ii", bound(subject), SUBJECT_FOREVER),
        read_merge, &r, err);
}

/* ---- what was known ---- */

struct known {
    int (*each)(void *, uint64_t);
    void *ctx;
};

static int read_known(void *ctx, sqlite3_stmt *s)
{
    struct known *k = ctx;
    return k->each(k->ctx, u64(s, 0));
}

#define STANDS " AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.of=t.entry AND w.entry<?1)"

int subjects_known(struct pursuit *p, uint64_t size, int (*each)(void *ctx, uint64_t entry),
                   void *ctx, struct err *err)
{
    struct known k = {each, ctx};
    return subjects_walk(
        p,
        sql_prepare(pursuit_sql(p), err,
                    "SELECT entry FROM subjects t WHERE entry<?1" STANDS
                    " UNION ALL SELECT entry FROM merges t WHERE entry<?1 AND split>=?1" STANDS
                    " UNION ALL SELECT entry FROM facts t WHERE entry<?1" STANDS
                    " UNION ALL SELECT entry FROM links t WHERE entry<?1" STANDS " ORDER BY 1",
                    "i", bound(size)),
        read_known, &k, err);
}

int subjects_knowledge(struct pursuit *p, uint64_t size, struct span root,
                       struct subject_knowledge *out, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, err,
                                  "SELECT entry, size, facts, root FROM knowledge WHERE size=?1"
                                  " AND (length(?2)=0 OR root=?2) ORDER BY entry LIMIT 1",
                                  "ib", bound(size), root);
    int rc = s ? sql_step(db, s, err) : -EIO;
    if (rc == 1) {
        *out =
            (struct subject_knowledge){.entry = u64(s, 0), .size = u64(s, 1), .facts = u64(s, 2)};
        struct span stored = sql_text(s, 3);
        memcpy(out->root, stored.p, stored.n < SHA256_LEN ? stored.n : SHA256_LEN);
    }
    sqlite3_finalize(s);
    return rc;
}
