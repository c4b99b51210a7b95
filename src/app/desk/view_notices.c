/* Views of the notices: parties with their contacts, dates in court with what was answered; and
 * what was handed over. */
#include "app/desk/view.h"
#include "state/handovers.h"
#include "state/notices.h"

/* ---- parties ---- */

static void put_contact(struct json *j, const struct notice_contact *k)
{
    json_object(j);
    view_uint(j, "entry", k->at.entry);
    json_key(j, "channel");
    json_span(j, k->act.channel);
    json_key(j, "address");
    json_span(j, k->act.address);
    view_text(j, "found", k->act.found);
    view_text(j, "entries", k->act.entries);
    view_text(j, "document", k->act.document);
    view_text(j, "note", k->act.note);
    view_bool(j, "withdrawn", k->at.withdrawn);
    json_object_end(j);
}

static void put_party(struct json *j, const struct notice_book *b, const struct notice_party *p)
{
    json_object(j);
    view_uint(j, "entry", p->at.entry);
    json_key(j, "name");
    json_span(j, p->act.name);
    view_index(j, "order", p->act.order);
    view_text(j, "assets", p->act.assets);
    view_text(j, "language", p->act.language);
    view_index(j, "subject", p->act.subject);
    view_text(j, "note", p->act.note);
    view_when(j, "recorded", p->at.time);
    view_text(j, "account", p->at.account);
    view_bool(j, "withdrawn", p->at.withdrawn);
    json_key(j, "contacts");
    json_array(j);
    for (size_t i = 0; i < b->n_contacts; i++)
        if (b->contacts[i].act.party == p->at.entry)
            put_contact(j, &b->contacts[i]);
    json_array_end(j);
    json_object_end(j);
}

int view_parties(struct view *v, struct err *err)
{
    struct notice_book b = {0};
    int rc = view_open(v, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = notices_read(v->c.pursuit, &b, err);
    if (rc == 0) {
        view_begin_rows(v);
        for (size_t i = 0; i < b.n_parties; i++)
            put_party(&v->j, &b, &b.parties[i]);
        view_end_rows(v);
    }
    notice_book_free(&b);
    return rc;
}

/* ---- hearings ---- */

static void put_answer(struct json *j, const struct notice_book *b, const struct notice_answer *a)
{
    const struct notice_party *p = notice_party_at(b, a->act.party);
    json_object(j);
    view_uint(j, "entry", a->at.entry);
    view_uint(j, "party", a->act.party);
    view_text(j, "party_name", p ? p->act.name : span_of(NULL, 0));
    json_key(j, "what");
    json_span(j, a->act.what);
    view_when(j, "when", a->act.when);
    view_text(j, "document", a->act.document);
    view_digest(j, "sha256", a->act.sha256);
    view_text(j, "note", a->act.note);
    view_text(j, "account", a->at.account);
    view_bool(j, "withdrawn", a->at.withdrawn);
    json_object_end(j);
}

static int keep_order_id(void *ctx, const struct casebook_order *o)
{
    buf_span(ctx, o->act.id);
    return 1;
}

static void put_hearing(struct view *v, const struct notice_book *b, const struct notice_hearing *h)
{
    struct json *j = &v->j;
    struct buf id = {0};
    struct casebook_clock clock = {utc_now(), 0};
    casebook_order(v->c.casebook, h->act.order, span_str(""), &clock, keep_order_id, &id, NULL);
    json_object(j);
    view_uint(j, "entry", h->at.entry);
    view_uint(j, "order", h->act.order);
    view_text(j, "order_id", buf_as_span(&id));
    view_when(j, "when", h->act.when);
    view_when(j, "deadline", h->act.deadline);
    view_text(j, "place", h->act.place);
    view_text(j, "note", h->act.note);
    view_when(j, "recorded", h->at.time);
    view_text(j, "account", h->at.account);
    view_bool(j, "withdrawn", h->at.withdrawn);
    json_key(j, "answers");
    json_array(j);
    for (size_t i = 0; i < b->n_answers; i++)
        if (b->answers[i].act.hearing == h->at.entry)
            put_answer(j, b, &b->answers[i]);
    json_array_end(j);
    json_object_end(j);
    buf_free(&id);
}

int view_hearings(struct view *v, struct err *err)
{
    struct notice_book b = {0};
    int rc = view_open(v, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = notices_read(v->c.pursuit, &b, err);
    if (rc == 0) {
        view_begin_rows(v);
        for (size_t i = 0; i < b.n_hearings; i++)
            put_hearing(v, &b, &b.hearings[i]);
        view_end_rows(v);
    }
    notice_book_free(&b);
    return rc;
}

/* ---- what was handed over ---- */

static int put_referral(void *ctx, const struct handover_referral *r)
{
    struct json *j = ctx;
    json_object(j);
    view_uint(j, "entry", r->entry);
    view_when(j, "recorded", r->recorded);
    view_text(j, "account", r->account);
    json_key(j, "name");
    json_span(j, r->act.name);
    view_text(j, "agency", r->act.agency);
    view_text(j, "limits", r->act.limits);
    view_uint(j, "files", r->act.files);
    view_text(j, "leads", r->act.leads);
    view_text(j, "subjects", r->act.subjects);
    view_digest(j, "sha256", r->act.sha256);
    view_text(j, "recipient", r->act.recipient);
    json_object_end(j);
    return 0;
}

static int put_exhibit(void *ctx, const struct handover_exhibit *x)
{
    struct json *j = ctx;
    json_object(j);
    view_uint(j, "entry", x->entry);
    view_when(j, "recorded", x->recorded);
    view_text(j, "account", x->account);
    json_key(j, "name");
    json_span(j, x->act.name);
    view_uint(j, "size", x->act.size);
    view_uint(j, "files", x->act.files);
    view_text(j, "query", x->act.query);
    view_digest(j, "sha256", x->act.sha256);
    view_uint(j, "entries", x->act.entries);
    json_object_end(j);
    return 0;
}

int view_referrals(struct view *v, struct err *err)
{
    int rc = view_open(v, VIEW_PURSUIT, err);
    if (rc < 0)
        return rc;
    view_begin_rows(v);
    rc = handovers_referrals(v->c.pursuit, put_referral, &v->j, err);
    view_end_rows(v);
    return rc;
}

int view_exhibits(struct view *v, struct err *err)
{
    int rc = view_open(v, VIEW_PURSUIT, err);
    if (rc < 0)
        return rc;
    view_begin_rows(v);
    rc = handovers_exhibits(v->c.pursuit, put_exhibit, &v->j, err);
    view_end_rows(v);
    return rc;
}
