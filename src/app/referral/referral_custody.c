/* Who did what with the evidence and the leads: from the acts alone. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/referral/referral.h"
#include "base/mem.h"
#include "event/event.h"

/* What an act is about; empty: no business of this referral. */
struct about {
    struct referral *x;
    struct buf text;
};

static void add_act(struct referral *x, uint64_t entry, int64_t time, const char *act,
                    struct span by, struct span about)
{
    x->acts = mem_room(x->acts, x->n_acts, &x->cap_acts, sizeof *x->acts);
    x->acts[x->n_acts++] = (struct referral_act){
        .entry = entry,
        .time = time,
        .act = span_str(act),
        .by = by,
        .about = referral_copy(x, about),
    };
}

static void add_rows(struct referral *x)
{
    struct buf about = {0};
    for (size_t i = 0; i < x->n_subjects; i++)
        for (size_t k = 0; k < x->subjects[i].rows.n; k++) {
            const struct subject_row *row = &x->subjects[i].rows.row[k];
            if (referral_is_again(x, i, row))
                continue;
            about.n = 0;
            buf_span(&about, x->subjects[i].name);
            if (row->what != SUBJECT_ROW_SUBJECT) {
                buf_printf(&about, ": %.*s%s", (int)row->type.n, (const char *)row->type.p,
                           row->type.n ? " " : "");
                buf_span(&about, row->value);
            }
            add_act(x, row->entry, row->recorded, subject_row_name(row->what), row->account,
                    buf_as_span(&about));
        }
    buf_free(&about);
}

/* ---- other acts, one kind after the other ---- */

static bool is_ours(const struct referral *x, uint64_t lead)
{
    if (referral_is_left_out(x, REFERRAL_LEADS))
        return false;
    for (size_t i = 0; i < x->n_sources; i++)
        if (x->sources[i] == lead)
            return true;
    for (size_t i = 0; i < x->n_leads; i++)
        if (x->leads[i].entry == lead)
            return true;
    return false;
}

static void about_lead(struct about *a, uint64_t lead, struct span what, struct span value)
{
    if (!is_ours(a->x, lead))
        return;
    buf_printf(&a->text, "lead %llu", (unsigned long long)lead);
    if (what.n) {
        buf_str(&a->text, ": ");
        buf_span(&a->text, what);
    }
    if (value.n) {
        buf_str(&a->text, " ");
        buf_span(&a->text, value);
    }
}

static void about_review(struct about *a, struct span payload)
{
    struct act_lead_review r;
    if (act_lead_review_read(payload, &r) < 0)
        return;
    bool person = span_is(r.what, "assign") || span_is(r.what, "conflict");
    about_lead(a, r.lead, r.what, person ? referral_person(a->x, r.value) : r.value);
}

static void about_account(struct about *a, struct span payload)
{
    struct act_account r;
    if (act_account_read(payload, &r) < 0)
        return;
    buf_span(&a->text, referral_person(a->x, r.name));
    buf_str(&a->text, r.roles.n ? ": " : ": closed");
    buf_span(&a->text, r.roles);
}

static void about_bundle(struct about *a, struct span name, struct span digest)
{
    char hex[SHA256_HEX_MAX];
    buf_span(&a->text, name);
    if (digest.n == SHA256_LEN) {
        hex_encode(digest.p, SHA256_LEN, hex);
        buf_printf(&a->text, ", SHA-256 %s", hex);
    }
}

static void about_size(struct about *a, uint64_t size, struct span by)
{
    buf_printf(&a->text, "the log of %llu entries", (unsigned long long)size);
    if (by.n) {
        buf_str(&a->text, ", ");
        buf_span(&a->text, by);
    }
}

static void about_act(struct about *a, uint8_t kind, struct span payload)
{
    union {
        struct act_novelty novelty;
        struct act_lead_deletion deletion;
        struct act_keys_wrapped wrapped;
        struct act_exhibit exhibit;
        struct act_timestamp timestamp;
        struct act_cosignature cosignature;
        struct act_knowledge knowledge;
    } r;
    if (kind == KIND_ACCOUNT)
        about_account(a, payload);
    else if (kind == KIND_LEAD_REVIEW)
        about_review(a, payload);
    else if (kind == KIND_NOVELTY && act_novelty_read(payload, &r.novelty) == 0)
        about_lead(a, r.novelty.lead, span_str("what it says was"), r.novelty.verdict);
    else if (kind == KIND_LEAD_DELETION && act_lead_deletion_read(payload, &r.deletion) == 0)
        about_lead(a, r.deletion.lead, span_str("asked to be deleted"), (struct span){0});
    else if (kind == KIND_KEYS_WRAPPED && act_keys_wrapped_read(payload, &r.wrapped) == 0 &&
             !referral_is_left_out(a->x, REFERRAL_LEADS)) {
        buf_printf(&a->text, "%llu keys of leads%s to ", (unsigned long long)r.wrapped.rows,
                   r.wrapped.handover ? ", and their custody," : "");
        buf_span(&a->text, referral_person(a->x, r.wrapped.to));
    } else if (kind == KIND_EXHIBIT && act_exhibit_read(payload, &r.exhibit) == 0)
        about_bundle(a, r.exhibit.name, r.exhibit.sha256);
    else if (kind == KIND_TIMESTAMP && act_timestamp_read(payload, &r.timestamp) == 0)
        about_size(a, r.timestamp.size, r.timestamp.authority);
    else if (kind == KIND_COSIGNATURE && act_cosignature_read(payload, &r.cosignature) == 0)
        about_size(a, r.cosignature.size, r.cosignature.witnesses);
    else if (kind == KIND_KNOWLEDGE && act_knowledge_read(payload, &r.knowledge) == 0)
        about_bundle(a, span_str("what was known"), r.knowledge.root);
}

static int add_acts(struct referral *x, struct err *err)
{
    const struct sql *db = pursuit_sql(x->c->pursuit);
    struct about a = {.x = x};
    sqlite3_stmt *s =
        sql_prepare(db, err,
                    "SELECT entry, kind, time, account FROM acts WHERE entry<? AND "
                    "kind IN (?,?,?,?,?,?,?,?,?) ORDER BY entry",
                    "iiiiiiiiii", (int64_t)x->size, (int64_t)KIND_ACCOUNT,
                    (int64_t)KIND_LEAD_REVIEW, (int64_t)KIND_NOVELTY, (int64_t)KIND_LEAD_DELETION,
                    (int64_t)KIND_KEYS_WRAPPED, (int64_t)KIND_EXHIBIT, (int64_t)KIND_TIMESTAMP,
                    (int64_t)KIND_COSIGNATURE, (int64_t)KIND_KNOWLEDGE);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        struct entry e;
        uint64_t entry = (uint64_t)sqlite3_column_int64(s, 0);
        a.text.n = 0;
        rc = journal_get(x->c->journal, entry, &e, err);
        if (rc == 0 && !e.redacted)
            about_act(&a, e.header.kind, e.payload);
        if (rc == 0 && a.text.n)
            add_act(x, entry, sqlite3_column_int64(s, 2), event_kind_name(e.header.kind),
                    referral_person(x, referral_copy(x, sql_text(s, 3))), buf_as_span(&a.text));
    }
    sqlite3_finalize(s);
    buf_free(&a.text);
    return rc;
}

static int by_entry(const void *p, const void *q)
{
    const struct referral_act *a = p, *b = q;
    return (a->entry > b->entry) - (a->entry < b->entry);
}

int referral_custody(struct referral *x, struct err *err)
{
    add_rows(x);
    int rc = add_acts(x, err);
    if (rc == 0 && x->n_acts)
        qsort(x->acts, x->n_acts, sizeof *x->acts, by_entry);
    return rc;
}
