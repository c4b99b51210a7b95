/* A referral as a document: a cover, and what there is behind it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/referral/referral.h"

/* Rows of one table; the files have all. Fewer where the document would be too long: a row may be
 * long itself. */
static const size_t rows_most[] = {3000, 300, 30};

struct document {
    struct referral *x;
    struct page *p;
    size_t rows;
};

static const struct page_style body = {.align = PAGE_LEFT, .after = 2.5};
static const struct page_style small = {.size = 9, .after = 2};

static struct span stamp(int64_t t, char out[UTC_TEXT_MAX])
{
    if (t == ACT_FOREVER)
        return (struct span){0};
    utc_format(t, out); /* to the second: the tables have the rest */
    out[19] = 'Z';
    return span_of(out, 20);
}

static struct span number(uint64_t n, char out[24])
{
    return span_of(out, (size_t)snprintf(out, 24, "%" PRIu64, n));
}

static void put_line(struct page *p, const struct page_style *style, struct buf *text)
{
    page_text(p, style, buf_as_span(text));
    text->n = 0;
}

static size_t shown(const struct document *d, size_t n)
{
    return n < d->rows ? n : d->rows;
}

/* The end of a table that was cut, and where the rest is. */
static void put_rest(const struct document *d, size_t n, const char *file)
{
    struct buf text = {0};
    page_table_end(d->p);
    if (n > d->rows) {
        buf_printf(&text, "These are the first %zu of %zu; %s has all of them.", d->rows, n, file);
        put_line(d->p, &small, &text);
    }
    buf_free(&text);
}

/* ---- the cover ---- */

static void put_left_out(struct referral *x, struct page *p)
{
    static const char *const words[REFERRAL_WITHOUTS] = {
        "which facts come from informants",
        "our degrees of confidence",
        "the names of our people (\"person 1\" is the same person throughout)",
        "notes",
        "victims: single losses, and their addresses in exhibits",
    };
    page_heading(p, 3, span_str("Left out of this referral"));
    for (unsigned i = 0; i < REFERRAL_WITHOUTS; i++)
        if (referral_is_left_out(x, 1u << i))
            page_item(p, span_str("–"), span_str(words[i]));
    page_item(p, span_str("–"), span_str("how informants can be reached"));
    page_item(p, span_str("–"),
              span_str(x->n_leads ? "the contents of leads, other than those listed here"
                                  : "the contents of leads"));
}

static void put_contents(struct referral *x, struct page *p)
{
    const struct {
        const char *what;
        uint64_t n;
    } of[] = {{"subjects", x->n_subjects},    {"events in the timeline", x->n_events},
              {"losses", x->losses.n},        {"pieces of evidence", x->n_evidence},
              {"acts of custody", x->n_acts}, {"leads with their contents", x->n_leads},
              {"exhibits", x->n_exhibits}};
    struct buf text = {0};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (of[i].n)
            buf_printf(&text, "%s%" PRIu64 " %s", text.n ? ", " : "", of[i].n, of[i].what);
    page_field(p, span_str("Contents"), buf_as_span(&text));
    buf_free(&text);
}

static void put_cover(struct referral *x, struct page *p)
{
    const struct referral_request *r = x->r;
    struct span by = referral_person(x, span_str(r->signer->name));
    char when[UTC_TEXT_MAX];
    struct buf text = {0};
    page_space(p, 30);
    page_text(p, &(struct page_style){.size = 10, .sans = true, .after = 3}, span_str("REFERRAL"));
    page_heading(p, 1, span_str(r->name));
    page_rule(p);
    page_space(p, 4);
    page_field(p, span_str("To"), r->agency);
    page_field(p, span_str("Made by"), by);
    page_field(p, span_str("Date"), stamp(x->now, when));
    buf_printf(&text, "%s, %" PRIu64 " entries", journal_origin(x->c->journal), x->size);
    page_field(p, span_str("Log of the case"), buf_as_span(&text));
    text.n = 0;
    put_contents(x, p);
    buf_printf(&text, "%s\n", openpgp_fingerprint(x->to));
    buf_str(&text, openpgp_user(x->to));
    page_field(p, span_str("OpenPGP key"), buf_as_span(&text));
    page_space(p, 4);
    page_heading(p, 3, span_str("Limits of disclosure"));
    page_text(p, &body,
              r->limits.n ? r->limits : span_str("None were set by who makes this referral."));
    put_left_out(x, p);
    page_space(p, 2);
    page_text(p, &small,
              span_str("This document is part of a folder. manifest.json there has the size and "
                       "SHA-256 of each file, this one among them; manifest.sig is the signature "
                       "over it. README.txt says how both are verified. Times are UTC."));
    page_signature(p, span_str("Name, office, date"));
    page_break(p);
    buf_free(&text);
}

/* ---- subjects ---- */

static void put_subject(const struct document *d, const struct referral_subject *s)
{
    struct referral *x = d->x;
    struct page *p = d->p;
    static const struct page_columns columns = {
        .n = 5,
        .width = {1, 1.6, 4, 1.6, 3.4},
        .right = {[3] = true},
        .title = {"Entry", "What", "Value", "Confidence", "Observed; source; by; note"}};
    struct page_columns c = columns;
    if (referral_is_left_out(x, REFERRAL_CONFIDENCE)) {
        c.title[3] = "";
        c.width[3] = 0.3;
    }
    struct buf text = {0}, entry = {0}, sure = {0};
    size_t n = 0;
    char when[UTC_TEXT_MAX];
    page_heading(p, 2, s->name);
    buf_span(&text, s->kind);
    buf_printf(&text, ", entry %" PRIu64 ", recorded %.*s", s->entry, 20,
               (const char *)stamp(s->recorded, when).p);
    put_line(p, &small, &text);
    if (s->note.n)
        page_text(p, &body, s->note);
    page_table(p, &c);
    for (size_t i = 0; i < s->rows.n; i++) {
        const struct subject_row *row = &s->rows.row[i];
        if ((row->what != SUBJECT_ROW_FACT && row->what != SUBJECT_ROW_LINK) || n++ >= d->rows)
            continue;
        entry.n = sure.n = text.n = 0;
        buf_printf(&entry, "%" PRIu64, row->entry);
        if (row->fact.confidence)
            buf_printf(&sure, "%" PRIu64, row->fact.confidence);
        referral_put_sources(x, row, &text);
        struct buf more = {0};
        if (row->fact.observed != ACT_FOREVER) {
            buf_span(&more, stamp(row->fact.observed, when));
            buf_str(&more, "; ");
        }
        buf_span(&more, buf_as_span(&text));
        buf_str(&more, "; ");
        buf_span(&more, row->account);
        if (row->fact.note.n) {
            buf_str(&more, "\n");
            buf_span(&more, row->fact.note);
        }
        page_row(p, (struct span[]){buf_as_span(&entry), row->type, row->value, buf_as_span(&sure),
                                    buf_as_span(&more)});
        buf_free(&more);
    }
    put_rest(d, n, "subjects.txt");
    buf_free(&entry);
    buf_free(&sure);
    buf_free(&text);
}

/* ---- tables ---- */

static void put_timeline(const struct document *d)
{
    struct referral *x = d->x;
    struct page *p = d->p;
    static const struct page_columns columns = {
        .n = 4, .width = {2.2, 5.6, 1, 1.4}, .title = {"Time", "What", "Entry", "By"}};
    char when[UTC_TEXT_MAX], entry[24];
    if (!x->n_events)
        return;
    page_heading(p, 2, span_str("Timeline"));
    page_table(p, &columns);
    for (size_t i = 0; i < shown(d, x->n_events); i++) {
        const struct referral_event *e = &x->events[i];
        page_row(p, (struct span[]){stamp(e->time, when), e->what, number(e->entry, entry), e->by});
    }
    put_rest(d, x->n_events, "timeline.csv");
}

static void put_losses(const struct document *d)
{
    struct referral *x = d->x;
    struct page *p = d->p;
    static const struct page_columns rows = {.n = 4,
                                             .width = {4, 1.8, 1.2, 3},
                                             .right = {[1] = true},
                                             .title = {"What", "Amount", "Currency", "Source"}};
    static const struct page_columns totals = {.n = 3,
                                               .width = {4, 1.8, 4.2},
                                               .right = {[1] = true},
                                               .title = {"Total", "Amount", "Currency"}};
    char amount[MONEY_TEXT_MAX], n[40];
    if (!x->losses.n)
        return;
    page_heading(p, 2, span_str("Losses"));
    if (!referral_is_left_out(x, REFERRAL_VICTIMS)) {
        page_table(p, &rows);
        for (size_t i = 0; i < shown(d, x->losses.n); i++) {
            const struct loss *l = &x->losses.rows[i];
            unsigned k = money_format(l->amount, l->currency, amount);
            page_row(p, (struct span[]){l->what, span_of(amount, k), l->currency, l->source});
        }
        put_rest(d, x->losses.n, "losses.csv");
    }
    page_table(p, &totals);
    for (unsigned i = 0; i < x->losses.n_totals; i++) {
        const struct losses_total *t = &x->losses.totals[i];
        unsigned k = money_format(t->amount, t->currency, amount);
        snprintf(n, sizeof n, "of %u row%s", t->rows, t->rows == 1 ? "" : "s");
        page_row(p, (struct span[]){span_str(n), span_of(amount, k), t->currency});
    }
    page_table_end(p);
}

static void put_evidence(const struct document *d)
{
    struct referral *x = d->x;
    struct page *p = d->p;
    static const struct page_columns columns = {
        .n = 5,
        .width = {1, 1, 2.2, 2.2, 4},
        .mono = {[4] = true},
        .title = {"Behind", "Entry", "What", "Time", "SHA-256 of leaf or document"}};
    char when[UTC_TEXT_MAX], fact[24], entry[24], hex[SHA256_HEX_MAX];
    if (!x->n_evidence)
        return;
    page_heading(p, 2, span_str("Evidence"));
    page_text(p, &body,
              span_str("What is behind each fact and link, which are named by their entries: "
                       "entries of the case's log with the hash of their leaf (RFC 9162), "
                       "documents with the hash of the file, leads with the commitment that was "
                       "put on the log when they came."));
    page_table(p, &columns);
    for (size_t i = 0; i < shown(d, x->n_evidence); i++) {
        const struct referral_evidence *e = &x->evidence[i];
        hex_encode(e->sha256, SHA256_LEN, hex);
        page_row(p, (struct span[]){number(e->fact, fact),
                                    e->source == REFERRAL_DOCUMENT ? span_str("document")
                                                                   : number(e->entry, entry),
                                    e->what, stamp(e->time, when), span_str(hex)});
    }
    put_rest(d, x->n_evidence, "evidence.csv");
}

static void put_custody(const struct document *d)
{
    struct referral *x = d->x;
    struct page *p = d->p;
    static const struct page_columns columns = {
        .n = 5, .width = {1, 2.2, 1.6, 1.4, 4.2}, .title = {"Entry", "Time", "Act", "By", "About"}};
    char when[UTC_TEXT_MAX], entry[24];
    page_heading(p, 2, span_str("Custody"));
    page_text(
        p, &body,
        span_str("Who did what with the evidence and the leads, as the log has it. Each act is "
                 "signed by the account that is named."));
    page_table(p, &columns);
    for (size_t i = 0; i < shown(d, x->n_acts); i++) {
        const struct referral_act *a = &x->acts[i];
        page_row(p, (struct span[]){number(a->entry, entry), stamp(a->time, when), a->act, a->by,
                                    a->about});
    }
    put_rest(d, x->n_acts, "custody.csv");
}

static void put_leads(struct referral *x, struct page *p)
{
    static const struct page_columns columns = {.n = 4,
                                                .width = {1, 1.4, 1, 4.6},
                                                .mono = {[3] = true},
                                                .right = {[2] = true},
                                                .title = {"Lead", "Day", "Files", "Commitment"}};
    char when[UTC_TEXT_MAX], entry[24], files[24], hex[SHA256_HEX_MAX];
    if (!x->n_leads)
        return;
    page_heading(p, 2, span_str("Leads"));
    page_text(p, &body,
              span_str("What informants said, word for word, is in leads/, a folder for each. "
                       "Nobody has checked it but as the facts above say."));
    page_table(p, &columns);
    for (size_t i = 0; i < x->n_leads; i++) {
        const struct referral_lead *l = &x->leads[i];
        hex_encode(l->commitment, SHA256_LEN, hex);
        struct span day = stamp(l->day, when);
        page_row(p, (struct span[]){number(l->entry, entry), span_of(day.p, day.n < 10 ? 0 : 10),
                                    number(l->files, files), span_str(hex)});
    }
    page_table_end(p);
}

static void put_exhibits(struct referral *x, struct page *p)
{
    static const struct page_columns columns = {
        .n = 3,
        .width = {2.4, 1, 4.6},
        .mono = {[2] = true},
        .right = {[1] = true},
        .title = {"Exhibit", "Files", "SHA-256 of its manifest.json"}};
    char files[24], hex[SHA256_HEX_MAX];
    if (!x->n_exhibits)
        return;
    page_heading(p, 2, span_str("Exhibits"));
    page_table(p, &columns);
    for (size_t i = 0; i < x->n_exhibits; i++) {
        const struct referral_exhibit *e = &x->exhibits[i];
        hex_encode(e->manifest, SHA256_LEN, hex);
        page_row(p, (struct span[]){e->name, number(e->files, files), span_str(hex)});
    }
    page_table_end(p);
}

/* ---- all of it ---- */

static int set_document(struct referral *x, const struct page_format *format, size_t rows,
                        struct buf *out, struct err *err)
{
    struct document d = {.x = x, .p = page_open(format), .rows = rows};
    struct page *p = d.p;
    put_cover(x, p);
    if (x->summary.n) {
        page_heading(p, 2, span_str("Summary"));
        page_text(p, &body, buf_as_span(&x->summary));
    }
    for (size_t i = 0; i < x->n_subjects; i++)
        put_subject(&d, &x->subjects[i]);
    put_timeline(&d);
    put_losses(&d);
    put_evidence(&d);
    put_custody(&d);
    put_leads(x, p);
    put_exhibits(x, p);
    return page_close(p, out, err);
}

int referral_pdf(struct referral *x, struct err *err)
{
    struct page_format format = page_a4;
    struct buf footer = {0}, pdf = {0};
    struct span author = referral_copy(x, referral_person(x, span_str(x->r->signer->name)));
    int rc = -E2BIG;
    buf_printf(&footer, "Referral %s – page %%p of %%n", x->r->name);
    buf_byte(&footer, 0);
    format.title = x->r->name;
    format.author = (const char *)author.p;
    format.language = "en";
    format.footer = (const char *)footer.p;
    format.date = x->now;
    for (size_t i = 0; rc == -E2BIG && i < sizeof rows_most / sizeof *rows_most; i++)
        rc = set_document(x, &format, rows_most[i], &pdf, err);
    if (rc == 0)
        rc = referral_put(x, "referral.pdf", buf_as_span(&pdf), err);
    buf_free(&footer);
    buf_free(&pdf);
    return rc;
}
