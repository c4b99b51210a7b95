#include "state/leads.h"

#include <errno.h>
#include <sodium.h>

#include "event/event.h"

static const char schema[] =
    "CREATE TABLE leads(entry INTEGER PRIMARY KEY, time INTEGER, locator BLOB, work INTEGER,"
    " size INTEGER, files INTEGER, content BLOB, wraps BLOB, public BLOB, verify BLOB, salt BLOB,"
    " commitment BLOB, withdrawn INTEGER);"
    "CREATE INDEX leads_locator ON leads(locator);"
    "CREATE TABLE lead_messages(entry INTEGER PRIMARY KEY, lead INTEGER, time INTEGER, account "
    "TEXT,"
    " what TEXT, offer INTEGER, size INTEGER, files INTEGER, content BLOB, wraps BLOB);"
    "CREATE INDEX lead_messages_lead ON lead_messages(lead);"
    "CREATE TABLE sealed(entry INTEGER PRIMARY KEY, lead INTEGER, kind INTEGER, content BLOB,"
    " wraps BLOB);"
    "CREATE INDEX sealed_lead ON sealed(lead);"
    "CREATE TABLE wraps(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, receiver TEXT,"
    " rows INTEGER, blob BLOB, handover INTEGER);"
    "CREATE INDEX wraps_receiver ON wraps(receiver);"
    "CREATE TABLE lead_deletions(entry INTEGER PRIMARY KEY, lead INTEGER, time INTEGER,"
    " account TEXT, why TEXT);";

/* ---- taking in ---- */

static bool is_lead(const struct sql *db, uint64_t entry)
{
    return sql_int(db, 0, "SELECT 1 FROM leads WHERE entry=?", "i", (int64_t)entry) == 1;
}

static int take_sealed(const struct sql *db, const struct pursuit_act *act, uint64_t lead,
                       struct span content, struct span wraps, struct err *err)
{
    return sql_run(db, err, "INSERT INTO sealed VALUES(?,?,?,?,?)", "iiibb", (int64_t)act->index,
                   (int64_t)lead, (int64_t)act->kind, content, wraps);
}

static int take_lead(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_lead a;
    if (act_lead_read(act->payload, &a) < 0 || a.salt.n != LEAD_SALT_LEN ||
        a.public.n != LEAD_PUBLIC_LEN || a.verify.n != LEAD_PUBLIC_LEN ||
        a.locator.n != LEAD_LOCATOR_LEN || !a.content.n || !a.wraps.n || !a.commitment.n)
        return err_set(err, -EBADMSG, "not a lead");
    int rc =
        sql_run(db, err, "INSERT INTO leads VALUES(?,?,?,?,?,?,?,?,?,?,?,?,0)", "iibiiibbbbbb",
                (int64_t)act->index, act->time, a.locator, (int64_t)a.work, (int64_t)a.size,
                (int64_t)a.files, a.content, a.wraps, a.public, a.verify, a.salt, a.commitment);
    return rc == 0 ? take_sealed(db, act, act->index, a.content, a.wraps, err) : rc;
}

bool leads_what_is_theirs(struct span what)
{
    return span_is(what, "message") || span_is(what, "addition") || span_is(what, "claim") ||
           span_is(what, "withdrawal");
}

bool leads_what_is_ours(struct span what)
{
    return span_is(what, "answer") || span_is(what, "payment");
}

void leads_message_signed(const struct act_lead_message *m, struct buf *out)
{
    struct act_lead_message plain = *m;
    plain.proof = span_of(NULL, 0);
    buf_str(out, LEAD_MESSAGE_SIGNED_AS);
    act_lead_message(out, &plain);
}

static int check_proof(const struct sql *db, const struct act_lead_message *m, struct err *err)
{
    struct buf text = {0};
    sqlite3_stmt *s =
        sql_prepare(db, err, "SELECT verify FROM leads WHERE entry=?", "i", (int64_t)m->lead);
    int rc = s ? sql_step(db, s, err) : -EIO;
    struct span key = rc == 1 ? sql_text(s, 0) : span_of(NULL, 0);
    leads_message_signed(m, &text);
    if (rc >= 0)
        rc = key.n == LEAD_PUBLIC_LEN && m->proof.n == LEAD_PROOF_LEN &&
                     crypto_sign_verify_detached(m->proof.p, text.p, text.n, key.p) == 0
                 ? 0
                 : err_set(err, -EKEYREJECTED, "a message that is not by the lead's informant");
    sqlite3_finalize(s);
    buf_free(&text);
    return rc;
}

static int take_message(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_lead_message a;
    if (act_lead_message_read(act->payload, &a) < 0 ||
        !(act->account.n ? leads_what_is_ours(a.what) : leads_what_is_theirs(a.what)) ||
        !a.content.n != !a.wraps.n)
        return err_set(err, -EBADMSG, "not a message about a lead");
    if (!is_lead(db, a.lead))
        return err_set(err, -ENOENT, "a message about a lead that is not there");
    int rc = act->account.n ? 0 : check_proof(db, &a, err);
    if (rc == 0)
        rc = sql_run(db, err, "INSERT INTO lead_messages VALUES(?,?,?,?,?,?,?,?,?,?)", "iiittiiibb",
                     (int64_t)act->index, (int64_t)a.lead, act->time, act->account, a.what,
                     (int64_t)a.offer, (int64_t)a.size, (int64_t)a.files, a.content, a.wraps);
    if (rc == 0 && a.content.n)
        rc = take_sealed(db, act, a.lead, a.content, a.wraps, err);
    if (rc == 0 && span_is(a.what, "withdrawal"))
        rc = sql_run(db, err, "UPDATE leads SET withdrawn=? WHERE entry=? AND withdrawn=0", "ii",
                     (int64_t)act->index, (int64_t)a.lead);
    return rc;
}

/* Of a review only what is sealed; the rest is reviews.c's. */
static int take_note(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_lead_review a;
    if (act_lead_review_read(act->payload, &a) < 0 || !a.content.n || !a.wraps.n ||
        !is_lead(db, a.lead))
        return 1;
    return take_sealed(db, act, a.lead, a.content, a.wraps, err);
}

static int take_wraps(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_keys_wrapped a;
    if (act_keys_wrapped_read(act->payload, &a) < 0 || !a.to.n)
        return err_set(err, -EBADMSG, "not wrapped keys");
    return sql_run(db, err, "INSERT INTO wraps VALUES(?,?,?,?,?,?,?)", "iittibi",
                   (int64_t)act->index, act->time, act->account, a.to, (int64_t)a.rows, a.sha256,
                   (int64_t)a.handover);
}

static int take_deletion(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_lead_deletion a;
    if (act_lead_deletion_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not a deletion");
    if (!is_lead(db, a.lead))
        return err_set(err, -ENOENT, "the deletion of a lead that is not there");
    return sql_run(db, err, "INSERT INTO lead_deletions VALUES(?,?,?,?,?)", "iiitt",
                   (int64_t)act->index, (int64_t)a.lead, act->time, act->account, a.why);
}

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    switch (act->kind) {
    case KIND_LEAD:
        return take_lead(db, act, err);
    case KIND_LEAD_MESSAGE:
        return take_message(db, act, err);
    case KIND_LEAD_REVIEW:
        return take_note(db, act, err);
    case KIND_KEYS_WRAPPED:
        return take_wraps(db, act, err);
    case KIND_LEAD_DELETION:
        return take_deletion(db, act, err);
    }
    return 1;
}

const struct pursuit_noun leads_noun = {schema, take};

/* ---- leads ---- */

/* Rows have what take_lead() let in: these lengths. */
static void copy_column(sqlite3_stmt *s, int column, uint8_t *out, size_t n)
{
    struct span v = sql_text(s, column);
    memset(out, 0, n);
    if (v.n == n)
        memcpy(out, v.p, n);
}

#define LEAD_COLUMNS                                                                               \
    "SELECT entry, time, work, size, files, withdrawn, locator, salt, public, verify, content,"    \
    " wraps, commitment FROM leads "

static int one_lead(struct pursuit *p, sqlite3_stmt *s, struct lead *out, struct err *err)
{
    int rc = s ? sql_step(pursuit_sql(p), s, err) : -EIO;
    if (rc == 1) {
        out->entry = (uint64_t)sqlite3_column_int64(s, 0);
        out->time = sqlite3_column_int64(s, 1);
        out->work = (uint64_t)sqlite3_column_int64(s, 2);
        out->size = (uint64_t)sqlite3_column_int64(s, 3);
        out->files = (uint64_t)sqlite3_column_int64(s, 4);
        out->withdrawn = (uint64_t)sqlite3_column_int64(s, 5);
        copy_column(s, 6, out->locator, sizeof out->locator);
        copy_column(s, 7, out->salt, sizeof out->salt);
        copy_column(s, 8, out->public_key, sizeof out->public_key);
        copy_column(s, 9, out->verify, sizeof out->verify);
        copy_column(s, 10, out->content, sizeof out->content);
        copy_column(s, 11, out->wraps, sizeof out->wraps);
        copy_column(s, 12, out->commitment, sizeof out->commitment);
    }
    sqlite3_finalize(s);
    return rc;
}

int leads_get(struct pursuit *p, uint64_t entry, struct lead *out, struct err *err)
{
    return one_lead(
        p, sql_prepare(pursuit_sql(p), err, LEAD_COLUMNS "WHERE entry=?", "i", (int64_t)entry), out,
        err);
}

int leads_find(struct pursuit *p, const uint8_t locator[LEAD_LOCATOR_LEN], struct lead *out,
               struct err *err)
{
    return one_lead(p,
                    sql_prepare(pursuit_sql(p), err,
                                LEAD_COLUMNS "WHERE locator=? ORDER BY entry LIMIT 1", "b",
                                span_of(locator, LEAD_LOCATOR_LEN)),
                    out, err);
}

uint64_t leads_count(struct pursuit *p)
{
    return (uint64_t)sql_int(pursuit_sql(p), 0, "SELECT count(*) FROM leads", "");
}

/* ---- messages ---- */

int leads_messages(struct pursuit *p, uint64_t lead,
                   int (*each)(void *ctx, const struct lead_message *m), void *ctx, struct err *err)
{
    sqlite3_stmt *s = sql_prepare(pursuit_sql(p), err,
                                  "SELECT entry, offer, size, files, time, account, what, content,"
                                  " wraps FROM lead_messages WHERE lead=? ORDER BY entry",
                                  "i", (int64_t)lead);
    int rc = s ? 0 : -EIO, row;
    while (rc == 0 && (row = sql_step(pursuit_sql(p), s, err)) != 0) {
        struct lead_message m = {.lead = lead};
        if (row < 0) {
            rc = row;
            break;
        }
        m.entry = (uint64_t)sqlite3_column_int64(s, 0);
        m.offer = (uint64_t)sqlite3_column_int64(s, 1);
        m.size = (uint64_t)sqlite3_column_int64(s, 2);
        m.files = (uint64_t)sqlite3_column_int64(s, 3);
        m.time = sqlite3_column_int64(s, 4);
        m.account = sql_text(s, 5);
        m.what = sql_text(s, 6);
        m.content = sql_text(s, 7);
        m.wraps = sql_text(s, 8);
        rc = each(ctx, &m);
    }
    sqlite3_finalize(s);
    return rc;
}

uint64_t leads_messages_count(struct pursuit *p, uint64_t lead)
{
    return (uint64_t)sql_int(pursuit_sql(p), 0, "SELECT count(*) FROM lead_messages WHERE lead=?",
                             "i", (int64_t)lead);
}

/* ---- what is sealed ---- */

static void sealed_row(sqlite3_stmt *s, struct lead_sealed_entry *out)
{
    out->entry = (uint64_t)sqlite3_column_int64(s, 0);
    out->lead = (uint64_t)sqlite3_column_int64(s, 1);
    out->kind = (uint8_t)sqlite3_column_int(s, 2);
    copy_column(s, 3, out->content, SHA256_LEN);
    copy_column(s, 4, out->wraps, SHA256_LEN);
}

int leads_sealed(struct pursuit *p, uint64_t lead,
                 int (*each)(void *ctx, const struct lead_sealed_entry *s), void *ctx,
                 struct err *err)
{
    sqlite3_stmt *s =
        lead ? sql_prepare(pursuit_sql(p), err,
                           "SELECT entry, lead, kind, content, wraps FROM sealed WHERE lead=?"
                           " ORDER BY entry",
                           "i", (int64_t)lead)
             : sql_prepare(pursuit_sql(p), err,
                           "SELECT entry, lead, kind, content, wraps FROM sealed ORDER BY entry",
                           "");
    int rc = s ? 0 : -EIO, row;
    while (rc == 0 && (row = sql_step(pursuit_sql(p), s, err)) != 0) {
        struct lead_sealed_entry e;
        if (row < 0) {
            rc = row;
            break;
        }
        sealed_row(s, &e);
        rc = each(ctx, &e);
    }
    sqlite3_finalize(s);
    return rc;
}

int leads_sealed_get(struct pursuit *p, uint64_t entry, struct lead_sealed_entry *out,
                     struct err *err)
{
    sqlite3_stmt *s = sql_prepare(
        pursuit_sql(p), err, "SELECT entry, lead, kind, content, wraps FROM sealed WHERE entry=?",
        "i", (int64_t)entry);
    int rc = s ? sql_step(pursuit_sql(p), s, err) : -EIO;
    if (rc == 1)
        sealed_row(s, out);
    sqlite3_finalize(s);
    return rc;
}

int leads_wraps(struct pursuit *p, struct span receiver,
                int (*each)(void *ctx, const uint8_t blob[SHA256_LEN]), void *ctx, struct err *err)
{
    sqlite3_stmt *s =
        sql_prepare(pursuit_sql(p), err,
                    "SELECT blob FROM wraps WHERE receiver=? ORDER BY entry DESC", "t", receiver);
    int rc = s ? 0 : -EIO, row;
    while (rc == 0 && (row = sql_step(pursuit_sql(p), s, err)) != 0) {
        uint8_t blob[SHA256_LEN];
        if (row < 0) {
            rc = row;
            break;
        }
        copy_column(s, 0, blob, sizeof blob);
        rc = each(ctx, blob);
    }
    sqlite3_finalize(s);
    return rc;
}

int leads_deletions(struct pursuit *p, int (*each)(void *ctx, const struct lead_deletion *d),
                    void *ctx, struct err *err)
{
    sqlite3_stmt *s = sql_prepare(
        pursuit_sql(p), err,
        "SELECT entry, lead, time, account, why FROM lead_deletions ORDER BY entry", "");
    int rc = s ? 0 : -EIO, row;
    while (rc == 0 && (row = sql_step(pursuit_sql(p), s, err)) != 0) {
        struct lead_deletion d;
        if (row < 0) {
            rc = row;
            break;
        }
        d.entry = (uint64_t)sqlite3_column_int64(s, 0);
        d.lead = (uint64_t)sqlite3_column_int64(s, 1);
        d.time = sqlite3_column_int64(s, 2);
        d.account = sql_text(s, 3);
        d.why = sql_text(s, 4);
        rc = each(ctx, &d);
    }
    sqlite3_finalize(s);
    return rc;
}
