/* The tables and what is taken into them. Columns are the acts' members: event/act_notice.def makes
 * the tables, and the statements that fill and read them (notices_book.c). */
#include "state/notices.h"

#include <errno.h>
#include <string.h>

#include "base/utc.h"
#include "event/act_cleanup.h"
#include "event/event.h"

/* ---- from the acts' table ---- */

static const char schema[] =
#define ACT(name)   "CREATE TABLE " #name "(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT"
#define TEXT(key)   ", \"" #key "\" TEXT"
#define BYTES(key)  ", \"" #key "\" BLOB"
#define DIGEST(key) ", \"" #key "\" BLOB"
#define UINT(key)   ", \"" #key "\" INTEGER"
#define TIME(key)   ", \"" #key "\" INTEGER"
#define TRUE(key)   ", \"" #key "\" INTEGER"
#define END         ");"
#include "event/act_notice.def"
#undef ACT
#undef TEXT
#undef BYTES
#undef DIGEST
#undef UINT
#undef TIME
#undef TRUE
#undef END
    "CREATE INDEX notice_message_id ON notice(message_id);"
    "CREATE TABLE notice_mail(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, kind TEXT,"
    " report INTEGER, attempt INTEGER, what TEXT, text TEXT, status TEXT, by TEXT, why TEXT,"
    " contact TEXT, message_id TEXT, sha256 BLOB);"
    "CREATE INDEX notice_mail_report ON notice_mail(report);";

#define ACT(name)   static const char insert_##name[] = "INSERT INTO " #name " VALUES(?,?,?"
#define TEXT(key)   ",?"
#define BYTES(key)  ",?"
#define DIGEST(key) ",?"
#define UINT(key)   ",?"
#define TIME(key)   ",?"
#define TRUE(key)   ",?"
#define END         ")";
#include "event/act_notice.def"
#undef ACT
#undef TEXT
#undef BYTES
#undef DIGEST
#undef UINT
#undef TIME
#undef TRUE
#undef END

static void bind_bytes(sqlite3_stmt *s, int i, struct span v, bool text)
{
    const char *p = v.n ? (const char *)v.p : "";
    if (text)
        sqlite3_bind_text64(s, i, p, v.n, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_blob64(s, i, p, v.n, SQLITE_STATIC);
}

#define ACT(name)                                                                                  \
    static int put_##name(const struct sql *db, const struct pursuit_act *act,                     \
                          const struct act_##name *a, struct err *err)                             \
    {                                                                                              \
        sqlite3_stmt *s = sql_prepare(db, err, insert_##name, "iit", (int64_t)act->index,          \
                                      act->time, act->account);                                    \
        int i = 4, rc = -EIO;                                                                      \
        if (!s)                                                                                    \
            return rc;
#define TEXT(key)   bind_bytes(s, i++, a->key, true);
#define BYTES(key)  bind_bytes(s, i++, a->key, false);
#define DIGEST(key) bind_bytes(s, i++, a->key, false);
#define UINT(key)   sqlite3_bind_int64(s, i++, (int64_t)a->key);
#define TIME(key)   sqlite3_bind_int64(s, i++, a->key);
#define TRUE(key)   sqlite3_bind_int64(s, i++, a->key);
#define END                                                                                        \
    rc = sql_step(db, s, err);                                                                     \
    sqlite3_finalize(s);                                                                           \
    return rc;                                                                                     \
    }
#include "event/act_notice.def"
#undef ACT
#undef TEXT
#undef BYTES
#undef DIGEST
#undef UINT
#undef TIME
#undef TRUE
#undef END

/* ---- acts of the campaign ---- */

static int is_there(const struct sql *db, const char *query, uint64_t entry, const char *what,
                    struct err *err)
{
    if (sql_int(db, 0, query, "i", (int64_t)entry) == 1)
        return 0;
    return err_set(err, -ENOENT, "entry %llu is no %s", (unsigned long long)entry, what);
}
#define IS_PARTY   "SELECT 1 FROM party WHERE entry=?"
#define IS_CONTACT "SELECT 1 FROM party_contact WHERE entry=?"
#define IS_NOTICE  "SELECT 1 FROM notice WHERE entry=?"
#define IS_RUN     "SELECT 1 FROM publication WHERE entry=?"
#define IS_HEARING "SELECT 1 FROM hearing WHERE entry=?"

static bool one_of(struct span word, const char *const *words)
{
    while (*words && !span_is(word, *words))
        words++;
    return *words != NULL;
}

/* A time of this world, or none: what is reckoned with it cannot overflow. */
static bool is_time(int64_t t)
{
    return t == ACT_FOREVER || (t >= UTC_EVENT_MIN && t <= UTC_EVENT_MAX);
}

static int not_that(const char *what, struct err *err)
{
    return err_set(err, -EBADMSG, "not a %s", what);
}

static int take_party(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_party a;
    if (act_party_read(act->payload, &a) < 0 || !a.name.n)
        return not_that("party", err);
    return put_party(db, act, &a, err);
}

static int take_contact(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_party_contact a;
    if (act_party_contact_read(act->payload, &a) < 0)
        return not_that("party's contact", err);
    int rc = is_there(db, IS_PARTY, a.party, "party", err);
    return rc < 0 ? rc : put_party_contact(db, act, &a, err);
}

static int take_template(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_notice_template a;
    if (act_notice_template_read(act->payload, &a) < 0 || a.sha256.n != SHA256_LEN || !a.name.n)
        return not_that("template", err);
    return put_notice_template(db, act, &a, err);
}

/* A Message-ID stands for one notice. */
static int take_notice(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_notice a;
    if (act_notice_read(act->payload, &a) < 0 || a.sha256.n != SHA256_LEN)
        return not_that("notice", err);
    int rc = is_there(db, IS_PARTY, a.party, "party", err);
    if (rc == 0)
        rc = is_there(db, IS_CONTACT, a.contact, "party's contact", err);
    if (rc == 0 && a.message_id.n &&
        sql_int(db, 0, "SELECT 1 FROM notice WHERE message_id=?", "t", a.message_id) == 1)
        rc = err_set(err, -EEXIST, "another notice has that Message-ID");
    return rc < 0 ? rc : put_notice(db, act, &a, err);
}

static int take_result(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    static const char *const words[] = {"sent",     "delivered", "bounced",  "refused", "reply",
                                        "clipping", "posted",    "answered", "served",  NULL};
    struct act_notice_result a;
    if (act_notice_result_read(act->payload, &a) < 0 || !one_of(a.what, words) || !is_time(a.when))
        return not_that("notice's result", err);
    int rc = is_there(db, IS_NOTICE, a.notice, "notice", err);
    return rc < 0 ? rc : put_notice_result(db, act, &a, err);
}

static int take_publication(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_publication a;
    int64_t days[NOTICE_DATES_MAX];
    size_t n;
    if (act_publication_read(act->payload, &a) < 0 || !notice_dates_parse(a.dates, days, &n))
        return not_that("publication", err);
    int rc = a.party ? is_there(db, IS_PARTY, a.party, "party", err) : 0;
    return rc < 0 ? rc : put_publication(db, act, &a, err);
}

static int take_insertion(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    static const char *const words[] = {"published", "missed", "moved", NULL};
    struct act_insertion a;
    if (act_insertion_read(act->payload, &a) < 0 || !one_of(a.what, words) || !is_time(a.when) ||
        !is_time(a.planned))
        return not_that("insertion", err);
    if (span_is(a.what, "published") && a.when == ACT_FOREVER)
        return err_set(err, -EBADMSG, "published, and on no day");
    int rc = is_there(db, IS_RUN, a.publication, "publication", err);
    return rc < 0 ? rc : put_insertion(db, act, &a, err);
}

static int take_hearing(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_hearing a;
    if (act_hearing_read(act->payload, &a) < 0 || !is_time(a.when) || !is_time(a.deadline))
        return not_that("hearing", err);
    return put_hearing(db, act, &a, err);
}

static int take_answer(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    static const char *const words[] = {"response", "default", "extension", NULL};
    struct act_answer a;
    if (act_answer_read(act->payload, &a) < 0 || !one_of(a.what, words) || !is_time(a.when))
        return not_that("answer", err);
    int rc = is_there(db, IS_PARTY, a.party, "party", err);
    if (rc == 0)
        rc = is_there(db, IS_HEARING, a.hearing, "hearing", err);
    return rc < 0 ? rc : put_answer(db, act, &a, err);
}

/* ---- the mail ---- */

static int put_mail(const struct sql *db, const struct pursuit_act *act,
                    const struct notice_mail *m, struct err *err)
{
    return sql_run(db, err, "INSERT INTO notice_mail VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                   "iittiitttttttb", (int64_t)act->index, act->time, act->account,
                   span_str(event_kind_name(act->kind)), (int64_t)m->report, (int64_t)m->attempt,
                   m->what, m->text, m->status, m->by, m->why, m->contact, m->message_id,
                   m->sha256);
}

/* 1 when that report is none that carries notices. */
static int is_carrier(const struct sql *db, uint64_t report)
{
    return sql_int(db, 0, "SELECT 1 FROM notice_mail WHERE entry=? AND what='queued'", "i",
                   (int64_t)report) == 1;
}

/* The abuse desk's acts are none of our business, well-formed or not. */
static int take_mail(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_report_queued q;
    struct act_report_tried t;
    struct act_report_returned r;
    switch (act->kind) {
    case KIND_REPORT_QUEUED:
        if (act_report_queued_read(act->payload, &q) < 0 ||
            !span_is(q.channel, NOTICE_MAIL_CHANNEL))
            return 1;
        return put_mail(db, act,
                        &(struct notice_mail){.report = act->index,
                                              .what = span_str("queued"),
                                              .contact = q.contact,
                                              .message_id = q.message_id,
                                              .sha256 = q.sha256},
                        err);
    case KIND_REPORT_TRIED:
        if (act_report_tried_read(act->payload, &t) < 0 || !is_carrier(db, t.report))
            return 1;
        return put_mail(db, act,
                        &(struct notice_mail){.report = t.report,
                                              .attempt = t.attempt,
                                              .what = t.result,
                                              .text = t.reply,
                                              .by = t.by,
                                              .why = t.why},
                        err);
    default:
        if (act_report_returned_read(act->payload, &r) < 0 || !is_carrier(db, r.report))
            return 1;
        return put_mail(db, act,
                        &(struct notice_mail){.report = r.report,
                                              .what = r.what,
                                              .text = r.text,
                                              .status = r.status,
                                              .contact = r.contact,
                                              .sha256 = r.sha256},
                        err);
    }
}

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    switch (act->kind) {
    case KIND_PARTY:
        return take_party(db, act, err);
    case KIND_PARTY_CONTACT:
        return take_contact(db, act, err);
    case KIND_NOTICE_TEMPLATE:
        return take_template(db, act, err);
    case KIND_NOTICE:
        return take_notice(db, act, err);
    case KIND_NOTICE_RESULT:
        return take_result(db, act, err);
    case KIND_PUBLICATION:
        return take_publication(db, act, err);
    case KIND_INSERTION:
        return take_insertion(db, act, err);
    case KIND_HEARING:
        return take_hearing(db, act, err);
    case KIND_ANSWER:
        return take_answer(db, act, err);
    case KIND_REPORT_QUEUED:
    case KIND_REPORT_TRIED:
    case KIND_REPORT_RETURNED:
        return take_mail(db, act, err);
    default:
        return 1;
    }
}

const struct pursuit_noun notices_noun = {schema, take};
