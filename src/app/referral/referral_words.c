/* A referral's texts: for people to read, and for programs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/referral/referral.h"
#include "app/subject/subject_export.h"
#include "base/file.h"
#include "base/json.h"
#include "journal/note.h"
#include "view/display.h"

static void put_stamp(struct buf *out, int64_t t)
{
    char text[UTC_TEXT_MAX];
    if (t != ACT_FOREVER)
        buf_put(out, text, utc_format(t, text));
}

/* ---- README.txt ---- */

static const char how[] =
    "HOW TO VERIFY\n"
    "1. Each file is as the manifest has it:\n"
    "       sed -n 's/^  {\"sha256\": \"\\([0-9a-f]*\\)\", .*\"path\": \"\\(.*\\)\"}.*$/\\1  "
    "\\2/p' "
    "manifest.json | sha256sum -c --quiet\n"
    "2. The manifest is signed (Ed25519, RFC 8032) by the person whose key is in account.pem:\n"
    "       openssl pkeyutl -verify -pubin -inkey account.pem -rawin -in manifest.json -sigfile "
    "manifest.sig\n"
    "   Compare that key with what you know of it from elsewhere; the case's log has it, too.\n"
    "3. evidence.csv names entries of the case's log with the SHA-256 of their leaves (RFC 9162).\n"
    "   checkpoint is the log's signed state (C2SP tlog-checkpoint), vkey its key. What the "
    "entries say,\n"
    "   and their proofs, is in exhibits/: each has a script, verify.sh, that needs openssl "
    "alone.\n"
    "\n"
    "WHAT IS NOT PROVED: that what was recorded is true. The log shows what was recorded, when, by "
    "whom,\n"
    "and that it was not changed since.\n";

static const char *const about[][2] = {
    {"referral.pdf", "all of this, to be read"},
    {"summary.txt", "the words that come first"},
    {"subjects.txt, subjects.json", "who, what is known of them, and from where"},
    {"subjects.stix.json", "the same as STIX 2.1"},
    {"timeline.csv", "what happened, in order"},
    {"losses.csv, losses.json", "what was lost; totals"},
    {"evidence.csv", "what is behind each fact: entries of the log, documents, leads"},
    {"custody.csv", "who did what with the evidence"},
    {"leads/", "what informants said"},
    {"exhibits/", "entries of the log with their proofs"},
    {"checkpoint, vkey", "the log's signed state, and its key"},
    {"account.pem", "the key of the person who made this"},
    {"manifest.json, manifest.sig", "every file's size and SHA-256; that person's signature"},
};

static void put_readme(struct referral *x, struct buf *out)
{
    const struct referral_request *r = x->r;
    struct span by = referral_person(x, span_str(r->signer->name));
    bool any = false;
    buf_printf(out, "REFERRAL: %s\n\nTo             ", r->name);
    buf_span(out, r->agency);
    buf_printf(out, "\nMade by        %.*s, ", (int)by.n, (const char *)by.p);
    put_stamp(out, x->now);
    buf_printf(out, "\nLog            %s, %" PRIu64 " entries\nKey            %s\n",
               journal_origin(x->c->journal), x->size, openpgp_fingerprint(x->to));
    buf_str(out, "Limits         ");
    buf_span(out, r->limits.n ? r->limits : span_str("none were set"));
    buf_str(out, "\nLeft out       ");
    for (unsigned i = 0; referral_without_name(i); i++)
        if (referral_is_left_out(x, 1u << i)) {
            buf_printf(out, "%s%s", any ? ", " : "", referral_without_name(i));
            any = true;
        }
    buf_str(out, any ? "; informants' contacts\n\n" : "informants' contacts\n\n");
    buf_str(out, "FILES (those that there was nothing for are not there)\n");
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        buf_printf(out, "    %-28s %s\n", about[i][0], about[i][1]);
    buf_printf(out, "\n%s", how);
}

/* ---- subjects ---- */

static bool is_known(const struct subject_row *row)
{
    return row->what == SUBJECT_ROW_FACT || row->what == SUBJECT_ROW_LINK;
}

static void text_row(struct referral *x, const struct subject_row *row, struct buf *out)
{
    struct buf from = {0};
    buf_printf(out, "  %s%.*s: ", row->what == SUBJECT_ROW_LINK ? "link: " : "", (int)row->type.n,
               (const char *)row->type.p);
    display_put(out, row->value);
    if (row->fact.confidence)
        buf_printf(out, "\n      confidence %" PRIu64 " of 100", row->fact.confidence);
    if (row->fact.observed != ACT_FOREVER) {
        buf_str(out, "\n      observed ");
        put_stamp(out, row->fact.observed);
    }
    referral_put_sources(x, row, &from);
    buf_printf(out, "\n      entry %" PRIu64 ", ", row->entry);
    put_stamp(out, row->recorded);
    buf_printf(out, ", by %.*s; from ", (int)row->account.n, (const char *)row->account.p);
    display_put(out, buf_as_span(&from));
    if (row->fact.note.n) {
        buf_str(out, "\n      ");
        display_put(out, row->fact.note);
    }
    buf_byte(out, '\n');
    buf_free(&from);
}

static void text_subjects(struct referral *x, struct buf *out)
{
    for (size_t i = 0; i < x->n_subjects; i++) {
        const struct referral_subject *s = &x->subjects[i];
        display_put(out, s->name);
        buf_printf(out, " (%.*s, entry %" PRIu64 ")\n", (int)s->kind.n, (const char *)s->kind.p,
                   s->entry);
        if (s->note.n) {
            buf_str(out, "  ");
            display_put(out, s->note);
            buf_byte(out, '\n');
        }
        for (size_t k = 0; k < s->rows.n; k++)
            if (is_known(&s->rows.row[k]))
                text_row(x, &s->rows.row[k], out);
        buf_byte(out, '\n');
    }
}

static void json_text(struct json *j, const char *key, struct span s)
{
    if (s.n) {
        json_key(j, key);
        json_span(j, s);
    }
}

static void json_stamp(struct json *j, const char *key, int64_t t)
{
    char text[UTC_TEXT_MAX];
    if (t != ACT_FOREVER)
        json_text(j, key, span_of(text, utc_format(t, text)));
}

static void json_source(struct referral *x, struct json *j, const struct act_fact *f)
{
    json_key(j, "source");
    json_object(j);
    json_text(j, "entries", f->entries);
    json_text(j, "document", f->document);
    if (f->sha256.n == SHA256_LEN) {
        json_key(j, "sha256");
        json_hex(j, f->sha256.p, f->sha256.n);
    }
    if (f->lead && !referral_is_left_out(x, REFERRAL_LEADS)) {
        json_key(j, "lead");
        json_uint(j, f->lead);
    }
    json_object_end(j);
}

static void json_row(struct referral *x, struct json *j, const struct subject_row *row)
{
    json_object(j);
    json_key(j, "what");
    json_str(j, subject_row_name(row->what));
    json_key(j, "entry");
    json_uint(j, row->entry);
    json_text(j, row->what == SUBJECT_ROW_LINK ? "relation" : "type", row->type);
    json_text(j, "value", row->value);
    if (row->fact.confidence) {
        json_key(j, "confidence");
        json_uint(j, row->fact.confidence);
    }
    json_stamp(j, "observed", row->fact.observed);
    json_stamp(j, "recorded", row->recorded);
    json_text(j, "by", row->account);
    json_text(j, "note", row->fact.note);
    if (is_known(row))
        json_source(x, j, &row->fact);
    json_object_end(j);
}

static void json_subjects(struct referral *x, struct buf *out)
{
    struct json j = json_to(out);
    json_object(&j);
    json_key(&j, "form");
    json_str(&j, "ebb referral subjects v1");
    json_key(&j, "subjects");
    json_array(&j);
    for (size_t i = 0; i < x->n_subjects; i++) {
        const struct referral_subject *s = &x->subjects[i];
        json_object(&j);
        json_text(&j, "name", s->name);
        json_text(&j, "kind", s->kind);
        json_key(&j, "entry");
        json_uint(&j, s->entry);
        json_text(&j, "note", s->note);
        json_key(&j, "known");
        json_array(&j);
        for (size_t k = 0; k < s->rows.n; k++)
            if (s->rows.row[k].what != SUBJECT_ROW_SUBJECT)
                json_row(x, &j, &s->rows.row[k]);
        json_array_end(&j);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    json_newline(&j);
}

/* ---- for other systems ---- */

static int by_number(const void *p, const void *q)
{
    uint64_t a = *(const uint64_t *)p, b = *(const uint64_t *)q;
    return (a > b) - (a < b);
}

/* The export knows nothing of limits: where any of these is set, there is none. */
static int put_stix(struct referral *x, struct err *err)
{
    const unsigned limits = REFERRAL_LEADS | REFERRAL_CONFIDENCE | REFERRAL_NAMES | REFERRAL_NOTES;
    uint64_t entries[REFERRAL_SUBJECTS_MAX];
    struct subject_names names = {0};
    struct buf out = {0};
    if (referral_is_left_out(x, limits))
        return 0;
    for (size_t i = 0; i < x->n_subjects; i++)
        entries[i] = x->subjects[i].entry;
    qsort(entries, x->n_subjects, sizeof *entries, by_number);
    subject_names_open(x->c, x->size, &names);
    int rc = subject_export_stix(&(struct subject_export){.c = x->c,
                                                          .size = x->size,
                                                          .names = &names,
                                                          .subjects = entries,
                                                          .n = x->n_subjects,
                                                          .tlp = "amber"},
                                 &out, err);
    buf_byte(&out, '\n');
    if (rc == 0)
        rc = referral_put(x, "subjects.stix.json", buf_as_span(&out), err);
    subject_names_free(&names);
    buf_free(&out);
    return rc;
}

/* ---- tables ---- */

struct sheet {
    FILE *f;
    char *text;
    size_t n;
    struct table *t;
};

static void sheet_open(struct sheet *s, const struct table_column *columns)
{
    s->f = open_memstream(&s->text, &s->n);
    if (!s->f)
        abort();
    s->t = table_open(TABLE_CSV, columns, s->f);
}

static int sheet_put(struct sheet *s, struct referral *x, const char *path, struct err *err)
{
    int rc = table_close(s->t) < 0 ? err_set(err, -EIO, "%s", path) : 0;
    if (fclose(s->f) != 0 && rc == 0)
        rc = err_errno(err, "%s", path);
    if (rc == 0)
        rc = referral_put(x, path, span_of(s->text, s->n), err);
    free(s->text);
    return rc;
}

static void sheet_time(struct sheet *s, int64_t t)
{
    char text[UTC_TEXT_MAX];
    if (t == ACT_FOREVER)
        table_empty(s->t);
    else
        table_text(s->t, span_of(text, utc_format(t, text)));
}

static int put_timeline(struct referral *x, struct err *err)
{
    static const struct table_column columns[] = {{"time", NULL, TABLE_WORDS},
                                                  {"what", NULL, TABLE_WORDS},
                                                  {"entry", NULL, TABLE_ID},
                                                  {"by", NULL, TABLE_WORDS},
                                                  {0}};
    struct sheet s = {0};
    sheet_open(&s, columns);
    for (size_t i = 0; i < x->n_events; i++) {
        sheet_time(&s, x->events[i].time);
        table_text(s.t, x->events[i].what);
        table_uint(s.t, x->events[i].entry);
        table_text(s.t, x->events[i].by);
        table_row_end(s.t);
    }
    return sheet_put(&s, x, "timeline.csv", err);
}

static int put_evidence(struct referral *x, struct err *err)
{
    static const char *const sources[] = {"entry", "document", "lead"};
    static const struct table_column columns[] = {{"fact", NULL, TABLE_ID},
                                                  {"source", NULL, TABLE_WORDS},
                                                  {"entry", NULL, TABLE_ID},
                                                  {"what", NULL, TABLE_WORDS},
                                                  {"time", NULL, TABLE_WORDS},
                                                  {"sha256", NULL, TABLE_WORDS},
                                                  {0}};
    struct sheet s = {0};
    sheet_open(&s, columns);
    for (size_t i = 0; i < x->n_evidence; i++) {
        const struct referral_evidence *e = &x->evidence[i];
        table_uint(s.t, e->fact);
        table_str(s.t, sources[e->source]);
        if (e->source == REFERRAL_DOCUMENT)
            table_empty(s.t);
        else
            table_uint(s.t, e->entry);
        table_text(s.t, e->what);
        sheet_time(&s, e->time);
        table_hex(s.t, e->sha256, SHA256_LEN);
        table_row_end(s.t);
    }
    return sheet_put(&s, x, "evidence.csv", err);
}

static int put_custody(struct referral *x, struct err *err)
{
    static const struct table_column columns[] = {
        {"entry", NULL, TABLE_ID}, {"time", NULL, TABLE_WORDS},  {"act", NULL, TABLE_WORDS},
        {"by", NULL, TABLE_WORDS}, {"about", NULL, TABLE_WORDS}, {0}};
    struct sheet s = {0};
    sheet_open(&s, columns);
    for (size_t i = 0; i < x->n_acts; i++) {
        table_uint(s.t, x->acts[i].entry);
        sheet_time(&s, x->acts[i].time);
        table_text(s.t, x->acts[i].act);
        table_text(s.t, x->acts[i].by);
        table_text(s.t, x->acts[i].about);
        table_row_end(s.t);
    }
    return sheet_put(&s, x, "custody.csv", err);
}

/* ---- losses ---- */

static void json_totals(const struct referral *x, struct buf *out)
{
    char text[MONEY_TEXT_MAX];
    struct json j = json_to(out);
    json_object(&j);
    json_key(&j, "totals");
    json_array(&j);
    for (unsigned i = 0; i < x->losses.n_totals; i++) {
        const struct losses_total *t = &x->losses.totals[i];
        json_object(&j);
        json_text(&j, "currency", t->currency);
        json_text(&j, "amount", span_of(text, money_format(t->amount, t->currency, text)));
        json_key(&j, "rows");
        json_uint(&j, t->rows);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    json_newline(&j);
}

static int put_losses(struct referral *x, struct err *err)
{
    struct buf totals = {0};
    if (!x->losses.n)
        return 0;
    json_totals(x, &totals);
    int rc = referral_put(x, "losses.json", buf_as_span(&totals), err);
    if (rc == 0 && !referral_is_left_out(x, REFERRAL_VICTIMS))
        rc = referral_put(x, "losses.csv", buf_as_span(&x->losses_file), err);
    buf_free(&totals);
    return rc;
}

/* ---- keys ---- */

/* SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) as PEM. */
static void put_pem(const uint8_t key[ACT_SIGN_PUBLIC], struct buf *out)
{
    static const uint8_t head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    struct buf der = {0};
    buf_put(&der, head, sizeof head);
    buf_put(&der, key, ACT_SIGN_PUBLIC);
    buf_str(out, "-----BEGIN PUBLIC KEY-----\n");
    base64_encode(out, buf_as_span(&der));
    buf_str(out, "\n-----END PUBLIC KEY-----\n");
    buf_free(&der);
}

static int put_keys(struct referral *x, struct err *err)
{
    struct buf pem = {0}, vkey = {0};
    char path[FILE_PATH_MAX];
    put_pem(x->r->signer->sign, &pem);
    int rc = file_path(path, err, "%s/log/vkey", x->c->dir);
    if (rc == 0)
        rc = file_read(path, NOTE_MAX, &vkey, err);
    if (rc == 0)
        rc = referral_put(x, "account.pem", buf_as_span(&pem), err);
    if (rc == 0)
        rc = referral_put(x, "vkey", buf_as_span(&vkey), err);
    if (rc == 0)
        rc = referral_put(x, "checkpoint", buf_as_span(&x->checkpoint), err);
    buf_free(&pem);
    buf_free(&vkey);
    return rc;
}

/* ---- all of it ---- */

static int put_text(struct referral *x, const char *path,
                    void (*make)(struct referral *x, struct buf *out), struct err *err)
{
    struct buf text = {0};
    make(x, &text);
    int rc = referral_put(x, path, buf_as_span(&text), err);
    buf_free(&text);
    return rc;
}

int referral_words(struct referral *x, struct err *err)
{
    int rc = put_text(x, "README.txt", put_readme, err);
    if (rc == 0 && x->summary.n)
        rc = referral_put(x, "summary.txt", buf_as_span(&x->summary), err);
    if (rc == 0)
        rc = put_text(x, "subjects.txt", text_subjects, err);
    if (rc == 0)
        rc = put_text(x, "subjects.json", json_subjects, err);
    if (rc == 0)
        rc = put_stix(x, err);
    if (rc == 0)
        rc = put_timeline(x, err);
    if (rc == 0)
        rc = put_evidence(x, err);
    if (rc == 0)
        rc = put_custody(x, err);
    if (rc == 0)
        rc = put_losses(x, err);
    return rc < 0 ? rc : put_keys(x, err);
}
