/* Subjects: what the log says, taken into tables. */
#include "state/subjects_impl.h"

#include <errno.h>
#include <stdio.h>

#include "event/event.h"

/* `into`: the subject that it is merged into, 0: none; root: the one at the end of that way, itself
 * where there is none. normal: facts_normal(). `split`: the entry that took the merge back. */
static const char schema[] =
    "CREATE TABLE subjects(entry INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE, kind TEXT,"
    " note TEXT, \"into\" INTEGER, root INTEGER);"
    "CREATE INDEX subjects_root ON subjects(root);"
    "CREATE TABLE merges(entry INTEGER PRIMARY KEY, \"into\" INTEGER, other INTEGER, why TEXT,"
    " split INTEGER, split_why TEXT);"
    "CREATE INDEX merges_into ON merges(\"into\");"
    "CREATE INDEX merges_other ON merges(other);"
    "CREATE TABLE facts(entry INTEGER PRIMARY KEY, subject INTEGER, type TEXT, value TEXT,"
    " normal TEXT, confidence INTEGER, observed INTEGER, lead INTEGER, entries TEXT, document TEXT,"
    " sha256 BLOB, note TEXT);"
    "CREATE INDEX facts_subject ON facts(subject);"
    "CREATE INDEX facts_normal ON facts(type, normal);"
    "CREATE INDEX facts_lead ON facts(lead) WHERE lead<>0;"
    "CREATE TABLE links(entry INTEGER PRIMARY KEY, subject INTEGER, other INTEGER, asset INTEGER,"
    " name TEXT, campaign INTEGER, relation TEXT, confidence INTEGER, lead INTEGER, entries TEXT,"
    " document TEXT, sha256 BLOB, note TEXT);"
    "CREATE INDEX links_subject ON links(subject);"
    "CREATE INDEX links_other ON links(other) WHERE other<>0;"
    "CREATE TABLE knowledge(entry INTEGER PRIMARY KEY, size INTEGER, root BLOB, facts INTEGER);"
    "CREATE INDEX knowledge_size ON knowledge(size);"
    /* What facts can be searched by, up to an entry; their texts are above. */
    "CREATE VIRTUAL TABLE fact_words USING fts5(" SUBJECT_WORDS_COLUMNS ");"
    "CREATE TABLE fact_words_at(entry INTEGER, waiting INTEGER);"
    "INSERT INTO fact_words_at VALUES(0, 0);";

/* ---- words ---- */

static const char *const kinds[] = {"person", "group", "organisation", "unknown", NULL};
static const char *const types[] = {"handle",  "name",      "address", "domain", "mail",
                                    "payment", "messenger", "phone",   "other",  NULL};

const char *subject_kind_name(unsigned i)
{
    return i < sizeof kinds / sizeof *kinds ? kinds[i] : NULL;
}

const char *fact_type_name(unsigned i)
{
    return i < sizeof types / sizeof *types ? types[i] : NULL;
}

static bool is_one_of(struct span s, const char *const *words)
{
    while (*words && !span_is(s, *words))
        words++;
    return *words != NULL;
}

bool subject_kind_is_good(struct span name)
{
    return is_one_of(name, kinds);
}

bool fact_type_is_good(struct span name)
{
    return is_one_of(name, types);
}

/* ---- subjects ---- */

/* Texts of a log can be anything; those that are no text are not taken in. */
static bool fits(struct span s, size_t max)
{
    return s.n <= max && span_is_utf8(s);
}

static bool is_subject(const struct sql *db, uint64_t entry)
{
    return entry && entry <= INT64_MAX &&
           sql_int(db, 0, "SELECT 1 FROM subjects WHERE entry=?", "i", (int64_t)entry);
}

static int take_subject(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_subject a;
    char name[SUBJECT_NAME_MAX + 32];
    if (act_subject_read(act->payload, &a) < 0 || !a.name.n || !fits(a.name, SUBJECT_NAME_MAX) ||
        !fits(a.kind, SUBJECT_WORD_MAX) || !fits(a.note, SUBJECT_TEXT_MAX))
        return err_set(err, -EBADMSG, "not a subject");
    struct span called = a.name;
    if (sql_int(db, 0, "SELECT 1 FROM subjects WHERE name=?", "t", called))
        called =
            span_of(name, (size_t)snprintf(name, sizeof name, "%.*s (%llu)", (int)a.name.n,
                                           (const char *)a.name.p, (unsigned long long)act->index));
    return sql_run(db, err, "INSERT INTO subjects VALUES(?,?,?,?,0,?)", "ittti",
                   (int64_t)act->index, called, a.kind, a.note, (int64_t)act->index);
}

static int64_t root_of(const struct sql *db, uint64_t entry)
{
    return sql_int(db, 0, "SELECT root FROM subjects WHERE entry=?", "i", (int64_t)entry);
}

static int64_t group_of(const struct sql *db, int64_t root)
{
    return sql_int(db, 0, "SELECT count(*) FROM subjects WHERE root=?", "i", root);
}

/* `other` is the end of its own way, so that nothing but its group changes; no circle, because the
 * group that it goes to is another one. */
static int take_merge(const struct sql *db, const struct pursuit_act *act,
                      const struct act_subject_merged *a, struct err *err)
{
    int64_t other = (int64_t)a->other, root = root_of(db, a->into);
    if (root_of(db, a->other) != other)
        return err_set(err, -EALREADY, "subject %llu is merged into another one",
                       (unsigned long long)a->other);
    if (root == other)
        return err_set(err, -EINVAL, "a merge in a circle");
    if (group_of(db, root) + group_of(db, other) > SUBJECT_GROUP_MAX)
        return err_set(err, -E2BIG, "more than %d subjects in one", SUBJECT_GROUP_MAX);
    int rc = sql_run(db, err, "INSERT INTO merges VALUES(?,?,?,?,?,'')", "iiiti",
                     (int64_t)act->index, (int64_t)a->into, other, a->why, SUBJECT_FOREVER);
    if (rc == 0)
        rc = sql_run(db, err, "UPDATE subjects SET \"into\"=? WHERE entry=?", "ii",
                     (int64_t)a->into, other);
    return rc == 0 ? sql_run(db, err, "UPDATE subjects SET root=? WHERE root=?", "ii", root, other)
                   : rc;
}

/* What was merged into `other` goes along with it. */
static int take_split(const struct sql *db, const struct pursuit_act *act,
                      const struct act_subject_merged *a, struct err *err)
{
    int64_t other = (int64_t)a->other;
    if (!sql_int(db, 0, "SELECT 1 FROM subjects WHERE entry=? AND \"into\"=?", "ii", other,
                 (int64_t)a->into))
        return err_set(err, -ENOENT, "a split of what is not merged");
    int rc = sql_run(db, err, "UPDATE merges SET split=?, split_why=? WHERE other=? AND split=?",
                     "itii", (int64_t)act->index, a->why, other, SUBJECT_FOREVER);
    if (rc == 0)
        rc = sql_run(db, err, "UPDATE subjects SET \"into\"=0 WHERE entry=?", "i", other);
    return rc == 0 ? sql_run(db, err,
                             "WITH RECURSIVE below(e) AS (VALUES(?1) UNION SELECT m.other FROM"
                             " merges m JOIN below ON m.\"into\"=below.e WHERE m.split=?2)"
                             " UPDATE subjects SET root=?1 WHERE entry IN (SELECT e FROM below)",
                             "ii", other, SUBJECT_FOREVER)
                   : rc;
}

static int take_merged(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_subject_merged a;
    if (act_subject_merged_read(act->payload, &a) < 0 || !fits(a.why, SUBJECT_TEXT_MAX))
        return err_set(err, -EBADMSG, "not a merge of subjects");
    if (!is_subject(db, a.into) || !is_subject(db, a.other))
        return err_set(err, -ENOENT, "a merge of no subjects");
    return act->kind == KIND_SUBJECT_MERGED ? take_merge(db, act, &a, err)
                                            : take_split(db, act, &a, err);
}

/* ---- facts, links ---- */

/* What facts and links have alike. */
struct source {
    uint64_t subject, lead, confidence;
    struct span entries, document, sha256, note;
};

static int check_source(const struct sql *db, const struct source *s, struct err *err)
{
    if (!fits(s->entries, SUBJECT_TEXT_MAX) || !fits(s->document, SUBJECT_TEXT_MAX) ||
        !fits(s->note, SUBJECT_TEXT_MAX) || s->lead > INT64_MAX || s->confidence > 100)
        return err_set(err, -EBADMSG, "not of its shape");
    if (!is_subject(db, s->subject))
        return err_set(err, -ENOENT, "of no subject");
    if (!s->lead && !s->entries.n && !s->sha256.n)
        return err_set(err, -ENODATA, "without a source");
    return 0;
}

/* Many at a time, because each time costs as much; always as many, so that a rebuild gives the same
 * index. Who searches looks at the rest, too. */
static int index_words(const struct sql *db, uint64_t entry, struct err *err)
{
    if (sql_int(db, 0, "UPDATE fact_words_at SET waiting=waiting+1 RETURNING waiting", "") <
        SUBJECT_WORDS_BATCH)
        return 0;
    int rc = sql_run(db, err, "INSERT INTO fact_words" SUBJECT_WORDS_WAITING, "");
    return rc == 0 ? sql_run(db, err, "UPDATE fact_words_at SET entry=?, waiting=0", "i",
                             (int64_t)entry)
                   : rc;
}

static int take_fact(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_fact a;
    struct buf normal = {0};
    if (act_fact_read(act->payload, &a) < 0 || !a.type.n || !fits(a.type, SUBJECT_WORD_MAX) ||
        !a.value.n || !fits(a.value, SUBJECT_TEXT_MAX))
        return err_set(err, -EBADMSG, "not a fact");
    int rc = check_source(
        db,
        &(struct source){a.subject, a.lead, a.confidence, a.entries, a.document, a.sha256, a.note},
        err);
    if (rc < 0)
        return rc;
    facts_normal(a.type, a.value, &normal);
    rc = sql_run(db, err, "INSERT INTO facts VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", "iitttiiittbt",
                 (int64_t)act->index, (int64_t)a.subject, a.type, a.value, buf_as_span(&normal),
                 (int64_t)a.confidence, a.observed, (int64_t)a.lead, a.entries, a.document,
                 a.sha256, a.note);
    if (rc == 0)
        rc = index_words(db, act->index, err);
    buf_free(&normal);
    return rc;
}

static int take_link(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_link a;
    if (act_link_read(act->payload, &a) < 0 || !fits(a.relation, SUBJECT_WORD_MAX) ||
        !fits(a.name, SUBJECT_TEXT_MAX) || a.asset > INT64_MAX || a.campaign > INT64_MAX)
        return err_set(err, -EBADMSG, "not a link");
    int rc = check_source(
        db,
        &(struct source){a.subject, a.lead, a.confidence, a.entries, a.document, a.sha256, a.note},
        err);
    if (rc == 0 &&
        (a.other ? !is_subject(db, a.other) || a.other == a.subject : !a.asset && !a.campaign))
        rc = err_set(err, -ENOENT, "a link to nothing");
    return rc < 0 ? rc
                  : sql_run(db, err, "INSERT INTO links VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
                            "iiiititiittbt", (int64_t)act->index, (int64_t)a.subject,
                            (int64_t)a.other, (int64_t)a.asset, a.name, (int64_t)a.campaign,
                            a.relation, (int64_t)a.confidence, (int64_t)a.lead, a.entries,
                            a.document, a.sha256, a.note);
}

static int take_knowledge(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_knowledge a;
    if (act_knowledge_read(act->payload, &a) < 0 || a.root.n != SHA256_LEN || a.size > act->index ||
        a.facts > a.size)
        return err_set(err, -EBADMSG, "not a commitment to what was known");
    return sql_run(db, err, "INSERT INTO knowledge VALUES(?,?,?,?)", "iibi", (int64_t)act->index,
                   (int64_t)a.size, a.root, (int64_t)a.facts);
}

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    switch (act->kind) {
    case KIND_SUBJECT:
        return take_subject(db, act, err);
    case KIND_SUBJECT_MERGED:
    case KIND_SUBJECT_SPLIT:
        return take_merged(db, act, err);
    case KIND_FACT:
        return take_fact(db, act, err);
    case KIND_LINK:
        return take_link(db, act, err);
    case KIND_KNOWLEDGE:
        return take_knowledge(db, act, err);
    default:
        return 1;
    }
}

const struct pursuit_noun subjects_noun = {schema, take};
