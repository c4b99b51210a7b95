/* What a referral says, read from the case before anything is written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/exhibit/exhibit_query.h"
#include "app/referral/referral.h"
#include "base/file.h"
#include "base/mem.h"
#include "event/event.h"
#include "state/leads.h"
#include "state/notices.h"
#include "state/rewards.h"

#define LEAF_PREFIX 0x00 /* RFC 9162 */

static const char *const without_names[REFERRAL_WITHOUTS] = {"leads", "confidence", "names",
                                                             "notes", "victims"};

const char *referral_without_name(unsigned i)
{
    return i < REFERRAL_WITHOUTS ? without_names[i] : NULL;
}

bool referral_is_left_out(const struct referral *x, unsigned what)
{
    return (x->r->without & what) != 0;
}

struct span referral_copy(struct referral *x, struct span s)
{
    return span_of(arena_copy(&x->arena, s.n ? (const void *)s.p : "", s.n), s.n);
}

struct span referral_person(struct referral *x, struct span account)
{
    char text[32];
    size_t i = 0;
    if (!account.n || !referral_is_left_out(x, REFERRAL_NAMES))
        return account;
    while (i < x->n_people && !span_eq(x->people[i], account))
        i++;
    if (i == x->n_people) {
        x->people = mem_room(x->people, x->n_people, &x->cap_people, sizeof *x->people);
        x->people[x->n_people++] = referral_copy(x, account);
    }
    snprintf(text, sizeof text, "person %zu", i + 1);
    return referral_copy(x, span_str(text));
}

void referral_put_sources(const struct referral *x, const struct subject_row *row, struct buf *out)
{
    const struct act_fact *f = &row->fact;
    if (f->entries.n) {
        buf_str(out, "entries ");
        buf_span(out, f->entries);
    }
    if (f->document.n || f->sha256.n) {
        buf_str(out, out->n ? "; document " : "document ");
        buf_span(out, f->document);
    }
    if (f->lead && referral_is_left_out(x, REFERRAL_LEADS))
        buf_str(out, out->n ? "; a source" : "a source");
    else if (f->lead)
        buf_printf(out, "%slead %llu", out->n ? "; " : "", (unsigned long long)f->lead);
}

/* ---- files that were named ---- */

/* Words to be read by people: UTF-8, no controls but line ends and tabs. */
static int check_words(const char *option, struct span s, struct err *err)
{
    bool any = false;
    if (!span_is_utf8(s))
        return err_set(err, -EINVAL, "--%s: not UTF-8", option);
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f)
            return err_set(err, -EINVAL, "--%s: a control character", option);
        any |= c > 0x20;
    }
    return any ? 0 : err_set(err, -EINVAL, "--%s: the file is empty", option);
}

static int read_files(struct referral *x, struct err *err)
{
    const struct referral_request *r = x->r;
    int rc = 0;
    if (r->summary)
        rc = file_read(r->summary, REFERRAL_SUMMARY_MAX, &x->summary, err);
    if (rc == 0 && r->summary)
        rc = check_words("summary", buf_as_span(&x->summary), err);
    if (rc == 0 && r->losses)
        rc = file_read(r->losses, LOSSES_FILE_MAX, &x->losses_file, err);
    if (rc == 0 && r->losses)
        rc = losses_parse(buf_as_span(&x->losses_file), &x->losses, err);
    return rc;
}

/* ---- subjects ---- */

static int add_subject(void *ctx, const struct subject *s)
{
    struct referral *x = ctx;
    for (size_t i = 0; i < x->n_subjects; i++)
        if (x->subjects[i].entry == s->entry)
            return 0;
    if (x->n_subjects == REFERRAL_SUBJECTS_MAX)
        return -E2BIG;
    if (!x->subjects)
        x->subjects = mem_zeroed(REFERRAL_SUBJECTS_MAX, sizeof *x->subjects);
    x->subjects[x->n_subjects++] = (struct referral_subject){
        .entry = s->entry,
        .name = referral_copy(x, s->name),
        .kind = referral_copy(x, s->kind),
        .note =
            referral_is_left_out(x, REFERRAL_NOTES) ? (struct span){0} : referral_copy(x, s->note),
        .recorded = s->recorded,
    };
    return 0;
}

static int add_unmerged(void *ctx, const struct subject *s)
{
    return s->into ? 0 : add_subject(ctx, s);
}

static int find_named(struct referral *x, struct err *err)
{
    int rc = 0;
    for (const char *s = x->r->subjects; rc == 0 && s;) {
        const char *comma = strchr(s, ',');
        struct span name = span_trim(span_of(s, comma ? (size_t)(comma - s) : strlen(s)));
        rc = name.n ? subjects_find(x->c->pursuit, name, add_subject, x, err) : 0;
        if (rc == 0)
            return err_set(err, -ENOENT,
                           "--subject: no such subject: see `ebb case subject list` "
                           "(%.*s)",
                           (int)name.n, (const char *)name.p);
        rc = rc == 1 ? 0 : rc;
        s = comma ? comma + 1 : NULL;
    }
    return rc;
}

static void apply_limits(struct referral *x, struct subject_row *row)
{
    if (referral_is_left_out(x, REFERRAL_CONFIDENCE))
        row->fact.confidence = 0;
    if (referral_is_left_out(x, REFERRAL_NOTES))
        row->fact.note = (struct span){0};
    row->account = referral_person(x, row->account);
}

static void add_source(struct referral *x, uint64_t lead)
{
    size_t i = x->n_sources;
    while (i && x->sources[i - 1] > lead)
        i--;
    if (i && x->sources[i - 1] == lead)
        return;
    x->sources = mem_room(x->sources, x->n_sources, &x->cap_sources, sizeof *x->sources);
    memmove(x->sources + i + 1, x->sources + i, (x->n_sources - i) * sizeof *x->sources);
    x->sources[i] = lead;
    x->n_sources++;
}

static int gather_subjects(struct referral *x, struct err *err)
{
    int rc =
        x->r->subjects ? find_named(x, err) : subjects_list(x->c->pursuit, add_unmerged, x, err);
    if (rc == -E2BIG)
        return err_set(err, rc, "more than %d subjects: name them (--subject)",
                       REFERRAL_SUBJECTS_MAX);
    if (rc == 0 && !x->n_subjects)
        return err_set(err, -ENOENT, "there is no subject: see `ebb case subject add`");
    for (size_t i = 0; rc == 0 && i < x->n_subjects; i++) {
        struct subject_rows *rows = &x->subjects[i].rows;
        rc = subject_rows_gather(x->c, x->subjects[i].entry, x->size, false, rows, err);
        for (size_t k = 0; rc == 0 && k < rows->n; k++) {
            if (rows->row[k].fact.lead)
                add_source(x, rows->row[k].fact.lead);
            apply_limits(x, &rows->row[k]);
        }
    }
    return rc;
}

static int find_row(const void *key, const void *row)
{
    uint64_t a = *(const uint64_t *)key, b = ((const struct subject_row *)row)->entry;
    return (a > b) - (a < b);
}

/* A link of two subjects is a row of both. */
bool referral_is_again(const struct referral *x, size_t subject, const struct subject_row *row)
{
    for (size_t i = 0; i < subject && row->what == SUBJECT_ROW_LINK; i++) {
        const struct subject_rows *r = &x->subjects[i].rows;
        if (r->n && bsearch(&row->entry, r->row, r->n, sizeof *r->row, find_row))
            return true;
    }
    return false;
}

/* ---- evidence: what is behind each fact and link ---- */

static struct referral_evidence *new_evidence(struct referral *x, uint64_t fact,
                                              enum referral_source source)
{
    if (x->n_evidence >= REFERRAL_EVIDENCE_MAX)
        return NULL;
    x->evidence = mem_room(x->evidence, x->n_evidence, &x->cap_evidence, sizeof *x->evidence);
    struct referral_evidence *e = &x->evidence[x->n_evidence++];
    *e = (struct referral_evidence){.fact = fact, .source = source, .time = ACT_FOREVER};
    return e;
}

static int add_entry(struct referral *x, uint64_t fact, uint64_t index, struct err *err)
{
    struct entry e;
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN], prefix = LEAF_PREFIX;
    int rc = journal_get(x->c->journal, index, &e, err);
    if (rc == -ENOENT)
        return 0; /* a list that names what is not there: the view has refused such, or will */
    struct referral_evidence *row = rc < 0 ? NULL : new_evidence(x, fact, REFERRAL_ENTRY);
    if (rc < 0 || !row)
        return rc;
    char what[64];
    snprintf(what, sizeof what, "%s%s", event_kind_name(e.header.kind),
             e.redacted ? " (erased)" : "");
    row->entry = index;
    row->what = referral_copy(x, span_str(what));
    row->time = e.header.time;
    rc = journal_leaf(x->c->journal, index, leaf, salt, err);
    sha256_ctx sum;
    sha256_begin(&sum);
    sha256_add(&sum, &prefix, 1);
    sha256_add(&sum, leaf, sizeof leaf);
    sha256_end(&sum, row->sha256);
    return rc;
}

static int add_entries(struct referral *x, uint64_t fact, struct span list, struct err *err)
{
    uint64_t *entries = NULL;
    size_t n = 0;
    int rc = exhibit_entries_parse(list, REFERRAL_EVIDENCE_MAX, &entries, &n, err);
    if (rc == -EINVAL)
        rc = 0; /* as above */
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add_entry(x, fact, entries[i], err);
    free(entries);
    return rc;
}

static int add_lead(struct referral *x, uint64_t fact, uint64_t lead, struct err *err)
{
    struct lead l;
    int rc = leads_get(x->c->pursuit, lead, &l, err);
    struct referral_evidence *row = rc == 1 ? new_evidence(x, fact, REFERRAL_LEAD) : NULL;
    if (row) {
        row->entry = lead;
        row->what = span_str("lead: its commitment");
        row->time = l.time;
        memcpy(row->sha256, l.commitment, SHA256_LEN);
    }
    return rc < 0 ? rc : 0;
}

static int add_row_evidence(struct referral *x, const struct subject_row *row, struct err *err)
{
    const struct act_fact *f = &row->fact;
    int rc = f->entries.n ? add_entries(x, row->entry, f->entries, err) : 0;
    if (rc == 0 && f->sha256.n == SHA256_LEN) {
        struct referral_evidence *e = new_evidence(x, row->entry, REFERRAL_DOCUMENT);
        if (e) {
            e->what = f->document;
            memcpy(e->sha256, f->sha256.p, SHA256_LEN);
        }
    }
    if (rc == 0 && f->lead && !referral_is_left_out(x, REFERRAL_LEADS))
        rc = add_lead(x, row->entry, f->lead, err);
    return rc;
}

static int gather_evidence(struct referral *x, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < x->n_subjects; i++)
        for (size_t k = 0; rc == 0 && k < x->subjects[i].rows.n; k++)
            if (!referral_is_again(x, i, &x->subjects[i].rows.row[k]))
                rc = add_row_evidence(x, &x->subjects[i].rows.row[k], err);
    if (rc == 0 && x->n_evidence >= REFERRAL_EVIDENCE_MAX)
        rc = err_set(err, -E2BIG, "more than %d pieces of evidence: name fewer subjects",
                     REFERRAL_EVIDENCE_MAX);
    return rc;
}

/* ---- the timeline ---- */

static void add_event(struct referral *x, int64_t time, uint64_t entry, struct span by,
                      struct buf *what)
{
    if (time != ACT_FOREVER && what->n) {
        x->events = mem_room(x->events, x->n_events, &x->cap_events, sizeof *x->events);
        x->events[x->n_events++] = (struct referral_event){
            .time = time, .entry = entry, .what = referral_copy(x, buf_as_span(what)), .by = by};
    }
    what->n = 0;
}

static void add_row_event(struct referral *x, const struct referral_subject *s,
                          const struct subject_row *row)
{
    struct buf what = {0};
    bool seen = row->what == SUBJECT_ROW_FACT && row->fact.observed != ACT_FOREVER;
    buf_span(&what, s->name);
    switch (row->what) {
    case SUBJECT_ROW_FACT:
    case SUBJECT_ROW_LINK:
        buf_printf(&what, ": %.*s ", (int)row->type.n, (const char *)row->type.p);
        buf_span(&what, row->value);
        break;
    case SUBJECT_ROW_SUBJECT:
        buf_str(&what, ": first recorded");
        break;
    default:
        buf_printf(&what, ": %s: ", subject_row_name(row->what));
        buf_span(&what, row->value);
    }
    if (seen)
        buf_str(&what, " (observed)");
    add_event(x, seen ? row->fact.observed : row->recorded, row->entry, row->account, &what);
    buf_free(&what);
}

static int add_order(void *ctx, const struct casebook_order *o)
{
    struct referral *x = ctx;
    struct buf what = {0};
    buf_printf(&what, "Order %.*s", (int)o->act.id.n, (const char *)o->act.id.p);
    if (o->act.court.n) {
        buf_str(&what, ", ");
        buf_span(&what, o->act.court);
    }
    if (o->act.docket.n) {
        buf_str(&what, ", ");
        buf_span(&what, o->act.docket);
    }
    buf_printf(&what, ": in force; %llu assets", (unsigned long long)o->assets);
    add_event(x, o->act.from, o->entry, (struct span){0}, &what);
    buf_printf(&what, "Order %.*s: closed", (int)o->act.id.n, (const char *)o->act.id.p);
    add_event(x, o->closed, o->entry, (struct span){0}, &what);
    buf_free(&what);
    return 0;
}

static int gather_court(struct referral *x, struct err *err)
{
    struct notice_book book = {0};
    struct buf what = {0};
    int rc = notices_read(x->c->pursuit, &book, err);
    for (size_t i = 0; rc == 0 && i < book.n_hearings; i++) {
        const struct notice_hearing *h = &book.hearings[i];
        if (h->at.withdrawn)
            continue;
        buf_printf(&what, "Hearing%s%.*s", h->act.place.n ? ", " : "", (int)h->act.place.n,
                   (const char *)h->act.place.p);
        add_event(x, h->act.when, h->at.entry, referral_person(x, referral_copy(x, h->at.account)),
                  &what);
    }
    for (size_t i = 0; rc == 0 && i < book.n_answers; i++) {
        const struct notice_answer *a = &book.answers[i];
        const struct notice_party *p = notice_party_at(&book, a->act.party);
        if (a->at.withdrawn || !p)
            continue;
        buf_span(&what, p->act.name);
        buf_printf(&what, ": %.*s", (int)a->act.what.n, (const char *)a->act.what.p);
        add_event(x, a->at.time, a->at.entry, referral_person(x, referral_copy(x, a->at.account)),
                  &what);
    }
    buf_free(&what);
    notice_book_free(&book);
    return rc;
}

static int add_milestone(void *ctx, const struct reward_milestone *m)
{
    struct referral *x = ctx;
    struct buf what = {0};
    for (size_t i = 0; i < x->n_subjects && !m->withdrawn; i++)
        if (x->subjects[i].entry == m->subject) {
            buf_span(&what, x->subjects[i].name);
            buf_printf(&what, ": %s", reward_condition_name(m->what));
            add_event(x, m->when, m->entry, referral_person(x, referral_copy(x, m->account)),
                      &what);
        }
    buf_free(&what);
    return 0;
}

static int add_offer(void *ctx, const struct reward_offer *o)
{
    struct referral *x = ctx;
    return o->withdrawn ? 0 : rewards_milestones(x->c->pursuit, o->entry, add_milestone, x, NULL);
}

static int by_time(const void *p, const void *q)
{
    const struct referral_event *a = p, *b = q;
    int time = (a->time > b->time) - (a->time < b->time);
    return time ? time : (a->entry > b->entry) - (a->entry < b->entry);
}

static int gather_events(struct referral *x, struct err *err)
{
    struct casebook_clock clock = {x->now, 0};
    for (size_t i = 0; i < x->n_subjects; i++)
        for (size_t k = 0; k < x->subjects[i].rows.n; k++)
            if (!referral_is_again(x, i, &x->subjects[i].rows.row[k]))
                add_row_event(x, &x->subjects[i], &x->subjects[i].rows.row[k]);
    int rc = casebook_orders(x->c->casebook, &clock, add_order, x, err);
    if (rc == 0)
        rc = gather_court(x, err);
    if (rc == 0)
        rc = rewards_offers(x->c->pursuit, add_offer, x, err);
    if (rc == 0 && x->n_events)
        qsort(x->events, x->n_events, sizeof *x->events, by_time);
    return rc;
}

/* ---- all of it ---- */

int referral_gather(struct referral *x, struct err *err)
{
    x->size = pursuit_position(x->c->pursuit);
    int rc = read_files(x, err);
    if (rc == 0)
        rc = journal_checkpoint(x->c->journal, &x->checkpoint, err);
    if (rc == 0)
        rc = gather_subjects(x, err);
    if (rc == 0)
        rc = gather_evidence(x, err);
    if (rc == 0)
        rc = gather_events(x, err);
    if (rc == 0)
        rc = referral_leads_check(x, err);
    if (rc == 0)
        rc = referral_exhibits_check(x, err);
    if (rc == 0)
        rc = referral_custody(x, err);
    return rc;
}

void referral_free(struct referral *x)
{
    for (size_t i = 0; i < x->n_subjects; i++)
        subject_rows_free(&x->subjects[i].rows);
    free(x->subjects);
    free(x->events);
    free(x->evidence);
    free(x->acts);
    free(x->exhibits);
    free(x->leads);
    free(x->sources);
    free(x->people);
    free(x->rows);
    losses_free(&x->losses);
    buf_free(&x->losses_file);
    buf_free(&x->summary);
    buf_free(&x->checkpoint);
    arena_free(&x->arena);
}
