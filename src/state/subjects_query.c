/* Reading subjects, facts and links. */
#include <errno.h>

#include "state/subjects_impl.h"

#define TRIGRAM    3    /* characters; shorter texts are looked up by how values begin */
#define SEARCH_MAX 1024 /* bytes of a text that is searched for */

int subjects_walk(struct pursuit *p, sqlite3_stmt *s, int (*row)(void *, sqlite3_stmt *), void *ctx,
                  struct err *err)
{
    int rc = 0, step = 0;
    if (!s)
        return -EIO;
    while (rc == 0 && (step = sql_step(pursuit_sql(p), s, err)) == 1)
        rc = row(ctx, s);
    sqlite3_finalize(s);
    return rc == 0 && step < 0 ? step : rc;
}

/* ---- subjects ---- */

#define SUBJECTS                                                                                   \
    "SELECT s.entry, s.\"into\", s.name, s.kind, s.note, a.time, a.account,"                       \
    " (SELECT count(*) FROM subjects m CROSS JOIN facts f ON f.subject=m.entry WHERE "             \
    "m.root=s.entry"                                                                               \
    "  AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.of=f.entry)),"                            \
    " (SELECT count(*) FROM subjects m CROSS JOIN links l ON l.subject=m.entry WHERE "             \
    "m.root=s.entry"                                                                               \
    "  AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.of=l.entry)) +"                           \
    " (SELECT count(*) FROM subjects m CROSS JOIN links l ON l.other=m.entry AND l.other<>0"       \
    "  WHERE m.root=s.entry AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.of=l.entry)"         \
    "  AND l.subject NOT IN (SELECT entry FROM subjects WHERE root=s.entry))"                      \
    " FROM subjects s JOIN acts a ON a.entry=s.entry "

struct subject_reader {
    int (*each)(void *, const struct subject *);
    void *ctx;
    bool any;
};

static int read_subject(void *ctx, sqlite3_stmt *s)
{
    struct subject_reader *r = ctx;
    struct subject out = {
        .entry = u64(s, 0),
        .into = u64(s, 1),
        .name = sql_text(s, 2),
        .kind = sql_text(s, 3),
        .note = sql_text(s, 4),
        .recorded = sqlite3_column_int64(s, 5),
        .account = sql_text(s, 6),
        .facts = u64(s, 7),
        .links = u64(s, 8),
    };
    r->any = true;
    return r->each(r->ctx, &out);
}

static bool entry_in(struct span text, int64_t *out)
{
    int64_t v = 0;
    for (size_t i = 0; i < text.n; i++)
        if ((uint8_t)(text.p[i] - '0') > 9 || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, text.p[i] - '0', &v))
            return false;
    *out = v;
    return text.n != 0;
}

uint64_t subjects_entry_itself(struct pursuit *p, struct span name)
{
    const struct sql *db = pursuit_sql(p);
    int64_t entry = sql_int(db, 0, "SELECT entry FROM subjects WHERE name=?", "t", name), number;
    if (!entry && entry_in(name, &number))
        entry = sql_int(db, 0, "SELECT entry FROM subjects WHERE entry=?", "i", number);
    return (uint64_t)entry;
}

uint64_t subjects_entry(struct pursuit *p, struct span name)
{
    return (uint64_t)sql_int(pursuit_sql(p), 0, "SELECT root FROM subjects WHERE entry=?", "i",
                             (int64_t)subjects_entry_itself(p, name));
}

int subjects_find(struct pursuit *p, struct span name,
                  int (*each)(void *ctx, const struct subject *s), void *ctx, struct err *err)
{
    struct subject_reader r = {each, ctx, false};
    int64_t entry = (int64_t)subjects_entry(p, name);
    if (!entry)
        return 0;
    int rc =
        subjects_walk(p, sql_prepare(pursuit_sql(p), err, SUBJECTS "WHERE s.entry=?", "i", entry),
                      read_subject, &r, err);
    return rc < 0 ? rc : r.any;
}

int subjects_list_after(struct pursuit *p, uint64_t after,
                        int (*each)(void *ctx, const struct subject *s), void *ctx, struct err *err)
{
    struct subject_reader r = {each, ctx, false};
    return subjects_walk(p,
                         sql_prepare(pursuit_sql(p), err,
                                     SUBJECTS "WHERE s.entry>? ORDER BY s.entry", "i",
                                     bound(after)),
                         read_subject, &r, err);
}

int subjects_list(struct pursuit *p, int (*each)(void *ctx, const struct subject *s), void *ctx,
                  struct err *err)
{
    return subjects_list_after(p, 0, each, ctx, err);
}

bool subjects_name(struct pursuit *p, uint64_t entry, struct buf *out)
{
    sqlite3_stmt *s = sql_prepare(pursuit_sql(p), NULL, "SELECT name FROM subjects WHERE entry=?",
                                  "i", bound(entry));
    bool found = s && sql_step(pursuit_sql(p), s, NULL) == 1;
    if (found)
        buf_span(out, sql_text(s, 0));
    sqlite3_finalize(s);
    return found;
}

uint64_t subjects_root_at(struct pursuit *p, uint64_t entry, uint64_t size)
{
    return (uint64_t)sql_int(pursuit_sql(p), (int64_t)entry,
                             "WITH RECURSIVE up(e, d) AS (VALUES(?1, 0) UNION SELECT m.\"into\", "
                             "d+1 FROM merges m JOIN up"
                             " ON m.other=up.e WHERE m.entry<?2 AND m.split>=?2 AND d<?3)"
                             " SELECT e FROM up ORDER BY d DESC LIMIT 1",
                             "iii", bound(entry), bound(size), (int64_t)SUBJECT_GROUP_MAX);
}

struct plain_reader {
    int (*each)(void *, const struct subject_plain *);
    void *ctx;
};

static int read_plain(void *ctx, sqlite3_stmt *s)
{
    struct plain_reader *r = ctx;
    struct subject_plain out = {
        .entry = u64(s, 0),
        .root = u64(s, 1),
        .name = sql_text(s, 2),
        .kind = sql_text(s, 3),
        .note = sql_text(s, 4),
        .recorded = sqlite3_column_int64(s, 5),
    };
    return r->each(r->ctx, &out);
}

/* The roots of then are those of now where nothing was merged or split since. */
int subjects_plain(struct pursuit *p, uint64_t size,
                   int (*each)(void *ctx, const struct subject_plain *s), void *ctx,
                   struct err *err)
{
    struct plain_reader r = {each, ctx};
    const struct sql *db = pursuit_sql(p);
    bool same =
        !sql_int(db, 0, "SELECT 1 FROM merges WHERE entry>=?1 OR (split>=?1 AND split<?2) LIMIT 1",
                 "ii", bound(size), SUBJECT_FOREVER);
    const char *query =
        same ? "SELECT s.entry, s.root, s.name, s.kind, s.note, a.time FROM subjects s JOIN acts a"
               " ON a.entry=s.entry WHERE s.entry<?1 ORDER BY s.entry"
             : "WITH RECURSIVE then_in(e, r) AS (SELECT entry, entry FROM subjects s WHERE entry<?1"
               " AND NOT EXISTS (SELECT 1 FROM merges m WHERE m.other=s.entry AND m.entry<?1 AND"
               " m.split>=?1) UNION SELECT m.other, r FROM merges m JOIN then_in ON m.\"into\"=e"
               " WHERE m.entry<?1 AND m.split>=?1)"
               " SELECT s.entry, t.r, s.name, s.kind, s.note, a.time FROM subjects s JOIN acts a ON"
               " a.entry=s.entry JOIN then_in t ON t.e=s.entry WHERE s.entry<?1 ORDER BY s.entry";
    return subjects_walk(p, sql_prepare(db, err, query, "i", bound(size)), read_plain, &r, err);
}

int subjects_one(struct pursuit *p, uint64_t entry, uint64_t size,
                 int (*each)(void *ctx, const struct subject_plain *s), void *ctx, struct err *err)
{
    struct plain_reader r = {each, ctx};
    return subjects_walk(p,
                         sql_prepare(pursuit_sql(p), err,
                                     "SELECT s.entry, ?3, s.name, s.kind, s.note, a.time FROM"
                                     " subjects s JOIN acts a ON a.entry=s.entry WHERE s.entry=?1"
                                     " AND s.entry<?2",
                                     "iii", bound(entry), bound(size),
                                     (int64_t)subjects_root_at(p, entry, size)),
                         read_plain, &r, err);
}

int subjects_members(struct pursuit *p, uint64_t subject, uint64_t size,
                     int (*each)(void *ctx, const struct subject_plain *s), void *ctx,
                     struct err *err)
{
    struct plain_reader r = {each, ctx};
    return subjects_walk(
        p,
        sql_prepare(pursuit_sql(p), err,
                    GROUP "SELECT s.entry, ?1, s.name, s.kind, s.note, a.time FROM subjects"
                          " s JOIN acts a ON a.entry=s.entry WHERE s.entry<?2 AND s.entry"
                          " IN (SELECT e FROM members) ORDER BY s.entry",
                    "ii", bound(subject), bound(size)),
        read_plain, &r, err);
}

/* ---- facts ---- */

#define FACT_COLUMNS                                                                               \
    "SELECT f.entry, f.subject, f.type, f.value, f.confidence, f.observed, f.lead, f.entries,"     \
    " f.document, f.sha256, f.note, a.time, a.account, coalesce(w.entry<?2, 0)"
#define FACT_TABLES                                                                                \
    " FROM facts f JOIN acts a ON a.entry=f.entry LEFT JOIN withdrawn w ON w.of=f.entry "

struct fact_reader {
    int (*each)(void *, const struct subject_fact *);
    void *ctx;
    bool any;
    uint64_t n;
};

static int read_fact(void *ctx, sqlite3_stmt *s)
{
    struct fact_reader *r = ctx;
    struct subject_fact out = {
        .entry = u64(s, 0),
        .act = {.subject = u64(s, 1),
                .type = sql_text(s, 2),
                .value = sql_text(s, 3),
                .confidence = u64(s, 4),
                .observed = sqlite3_column_int64(s, 5),
                .lead = u64(s, 6),
                .entries = sql_text(s, 7),
                .document = sql_text(s, 8),
                .sha256 = sql_text(s, 9),
                .note = sql_text(s, 10)},
        .recorded = sqlite3_column_int64(s, 11),
        .account = sql_text(s, 12),
        .withdrawn = sqlite3_column_int(s, 13) != 0,
    };
    r->any = true;
    r->n++;
    return r->each(r->ctx, &out);
}

int subjects_facts(struct pursuit *p, uint64_t subject, uint64_t size, bool all,
                   int (*each)(void *ctx, const struct subject_fact *f), void *ctx, struct err *err)
{
    struct fact_reader r = {.each = each, .ctx = ctx};
    const char *query = subject ? GROUP FACT_COLUMNS FACT_TABLES
                            "WHERE f.subject IN (SELECT e FROM members) AND " HELD
                            "ORDER BY f.entry"
                                : FACT_COLUMNS FACT_TABLES "WHERE " HELD "AND ?1=0 "
                                                           "ORDER BY f.entry";
    return subjects_walk(
        p,
        sql_prepare(pursuit_sql(p), err, query, "iii", bound(subject), bound(size), (int64_t)all),
        read_fact, &r, err);
}

int subjects_fact(struct pursuit *p, uint64_t entry,
                  int (*each)(void *ctx, const struct subject_fact *f), void *ctx, struct err *err)
{
    struct fact_reader r = {.each = each, .ctx = ctx};
    int rc =
        subjects_walk(p,
                      sql_prepare(pursuit_sql(p), err, FACT_COLUMNS FACT_TABLES "WHERE f.entry=?1",
                                  "ii", bound(entry), SUBJECT_FOREVER),
                      read_fact, &r, err);
    return rc < 0 ? rc : r.any;
}

int subjects_facts_of_lead(struct pursuit *p, uint64_t lead,
                           int (*each)(void *ctx, const struct subject_fact *f), void *ctx,
                           struct err *err)
{
    struct fact_reader r = {.each = each, .ctx = ctx};
    return subjects_walk(p,
                         sql_prepare(pursuit_sql(p), err,
                                     FACT_COLUMNS FACT_TABLES
                                     "WHERE f.lead=?1 AND f.lead<>0 ORDER BY f.entry",
                                     "ii", bound(lead), SUBJECT_FOREVER),
                         read_fact, &r, err);
}

int subjects_known_before(struct pursuit *p, struct span type, struct span value, uint64_t before,
                          int (*each)(void *ctx, const struct subject_fact *f), void *ctx,
                          struct err *err)
{
    struct fact_reader r = {.each = each, .ctx = ctx};
    struct buf normal = {0};
    facts_normal(type, value, &normal);
    int rc =
        subjects_walk(p,
                      sql_prepare(pursuit_sql(p), err,
                                  FACT_COLUMNS FACT_TABLES
                                  "WHERE f.type=?1 AND f.normal=?3 AND f.entry<?2 ORDER BY f.entry",
                                  "tit", type, bound(before), buf_as_span(&normal)),
                      read_fact, &r, err);
    buf_free(&normal);
    return rc;
}

/* ---- searching ---- */

static size_t characters(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

/* The text as one phrase of FTS5's language, in one of these columns. */
static void put_phrase(struct buf *out, const char *columns, struct span text)
{
    buf_printf(out, "{%s} : \"", columns);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_byte(out, '"');
        buf_byte(out, text.p[i]);
    }
    buf_byte(out, '"');
}

#define SEARCH_WITHIN(table)                                                                       \
    FACT_COLUMNS " FROM " table " i JOIN facts f ON f.entry=i.rowid JOIN acts a ON"                \
                 " a.entry=f.entry LEFT JOIN withdrawn w ON w.of=f.entry WHERE " table             \
                 " MATCH ?1 ORDER BY i.rowid LIMIT ?3"

/* What the index has, then what waits for it. */
static int search_within(struct pursuit *p, struct span match, uint64_t limit,
                         struct fact_reader *r, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    int rc = subjects_walk(p,
                           sql_prepare(db, err, SEARCH_WITHIN("fact_words"), "tii", match,
                                       SUBJECT_FOREVER, bound(limit)),
                           read_fact, r, err);
    if (rc || r->n >= limit)
        return rc;
    rc = sql_run(db, err, "DROP TABLE IF EXISTS temp.fact_waiting", "");
    if (rc == 0)
        rc = sql_run(db, err,
                     "CREATE VIRTUAL TABLE temp.fact_waiting USING fts5(" SUBJECT_WORDS_COLUMNS ")",
                     "");
    if (rc == 0)
        rc = sql_run(db, err, "INSERT INTO temp.fact_waiting" SUBJECT_WORDS_WAITING, "");
    return rc < 0 ? rc
                  : subjects_walk(p,
                                  sql_prepare(db, err, SEARCH_WITHIN("fact_waiting"), "tii", match,
                                              SUBJECT_FOREVER, bound(limit - r->n)),
                                  read_fact, r, err);
}

/* Type by type, as the index has them; `beyond` is behind every text that begins so. */
static sqlite3_stmt *search_begin(struct pursuit *p, struct span type, struct span normal,
                                  struct span beyond, int64_t limit, struct err *err)
{
    return sql_prepare(pursuit_sql(p), err,
                       FACT_COLUMNS
                       " FROM facts f JOIN acts a ON a.entry=f.entry"
                       " LEFT JOIN withdrawn w ON w.of=f.entry"
                       " WHERE f.entry IN (SELECT entry FROM facts WHERE type IN ('handle', 'name',"
                       " 'address', 'domain', 'mail', 'payment', 'messenger', 'phone', 'other')"
                       " AND (?1='' OR type=?1) AND normal>=?4 AND normal<?5 LIMIT ?3)"
                       " ORDER BY f.entry",
                       "tiitt", type, SUBJECT_FOREVER, limit, normal, beyond);
}

int subjects_search(struct pursuit *p, struct span type, struct span text, uint64_t limit,
                    int (*each)(void *ctx, const struct subject_fact *f), void *ctx,
                    struct err *err)
{
    struct fact_reader r = {.each = each, .ctx = ctx};
    struct buf words = {0}, beyond = {0};
    int rc;
    if (!text.n || text.n > SEARCH_MAX || !span_is_utf8(text))
        return err_set(err, -EINVAL, "a text of 1 to %d bytes is searched for, in UTF-8",
                       SEARCH_MAX);
    if (characters(text) >= TRIGRAM) {
        uint8_t code[TRIGRAM] = {2};
        put_phrase(&words, "value normal", text);
        if (type.n) {
            memcpy(code + 1, type.p, type.n < 2 ? type.n : 2);
            buf_str(&words, " AND ");
            put_phrase(&words, "type", span_of(code, sizeof code));
        }
        rc = search_within(p, buf_as_span(&words), limit, &r, err);
    } else {
        facts_normal(span_str("other"), text, &words);
        buf_span(&beyond, buf_as_span(&words));
        buf_byte(&beyond, 0xff); /* no UTF-8 has it */
        rc = subjects_walk(
            p, search_begin(p, type, buf_as_span(&words), buf_as_span(&beyond), bound(limit), err),
            read_fact, &r, err);
    }
    buf_free(&words);
    buf_free(&beyond);
    return rc;
}
