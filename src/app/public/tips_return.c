/* Coming back: /tips/return. The receipt goes along as a field of each form: in no address, and in
 * nothing that a browser keeps. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "app/public/tips_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "state/rewards.h"

/* ---- asking for the receipt ---- */

void tips_put_wait(struct face_view *v, unsigned wait)
{
    char seconds[12];
    snprintf(seconds, sizeof seconds, "%u", wait);
    buf_str(v->out, "<div class=\"bad\" role=\"alert\">\n");
    tips_put_paragraph(v, "", "tips.return.busy", seconds);
    buf_str(v->out, "</div>\n");
    v->reply->status = 503;
    v->reply->retry_s = wait;
}

void tips_put_ask(struct face_view *v, const struct tips_errors *e, const struct receipt *r,
                  unsigned wait)
{
    struct buf words = {0};
    face_begin(v, "tips.return.title");
    face_heading(v, "tips.return.title", NULL);
    if (wait)
        tips_put_wait(v, wait);
    tips_put_summary(v, e);
    tips_put_paragraph(v, "", "tips.return.about", NULL);
    tips_put_form(v, "/tips/return", false);
    buf_str(v->out, "<div class=\"field\">\n");
    tips_put_label(v, "receipt", "tips.return.receipt");
    tips_put_hint(v, "receipt", "tips.return.receipt.hint", NULL);
    tips_put_error(v, "receipt", e);
    buf_str(v->out, "<textarea name=\"receipt\" class=\"short\" rows=\"3\" dir=\"ltr\" "
                    "lang=\"en\" autocomplete=\"off\" autocapitalize=\"none\" "
                    "spellcheck=\"false\"");
    tips_put_described(v, "receipt", e);
    buf_byte(v->out, '>');
    if (r)
        receipt_put(r, &words);
    html_text(v->out, buf_as_span(&words));
    lead_wipe(&words);
    buf_str(v->out, "</textarea>\n</div>\n");
    if (wait)
        tips_put_stamp(v, TIPS_FOR_RETURN, true);
    tips_put_button(v, "tips.return.open", true);
    buf_str(v->out, "</form>\n");
    face_end(v);
}

void face_tip_return_form(struct face_view *v)
{
    struct tips_errors none = {0};
    tips_put_ask(v, &none, NULL, 0);
}

void tips_coming_wipe(struct tips_coming *c)
{
    receipt_wipe(&c->receipt);
    lead_line_wipe(&c->line);
}

/* Wrong ones and right ones cost the same (lead_by_receipt()). */
static int try(struct face_view *v, struct tips_coming *c, struct err *err)
{
    int64_t began = clock_ms();
    int rc = lead_line_open(&v->face->c, &c->receipt, v->face->tips->decoy, &c->line, err);
    tips_time_spent(&v->face->tips->returning, clock_ms() - began);
    return rc;
}

bool tips_come(struct face_view *v, struct tips_coming *c, uint64_t bytes)
{
    struct tips_errors e = {0};
    struct err err = {0};
    int rc = -EINVAL;
    if (tips_form_receipt(v, &c->receipt, &e)) {
        c->wait = tips_admit_back(v, bytes, &c->paid);
        if (c->wait)
            return false;
        rc = try(v, c, &err);
        if (rc < 0)
            tips_error(&e, "receipt",
                       rc == -ENOENT ? "tips.error.receipt.unknown" : "tips.error.failed", NULL);
    }
    if (rc == 0)
        return true;
    v->reply->status = rc == -EINVAL || rc == -ENOENT ? 422 : 503;
    tips_put_ask(v, &e, NULL, 0);
    return false;
}

bool tips_come_in(struct face_view *v, struct tips_coming *c)
{
    struct tips_errors none = {0};
    bool in = tips_come(v, c, 0);
    if (!in && c->wait)
        tips_put_ask(v, &none, &c->receipt, c->wait);
    return in;
}

/* ---- what was said ---- */

static const char *key_of(const struct lead_message *m)
{
    static const char *const keys[][2] = {
        {"message", "tips.said.message"}, {"addition", "tips.said.addition"},
        {"claim", "tips.said.claim"},     {"withdrawal", "tips.said.withdrawal"},
        {"answer", "tips.said.answer"},   {"payment", "tips.said.payment"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (span_is(m->what, keys[i][0]))
            return keys[i][1];
    return "tips.said.message";
}

static void begin_said(struct face_view *v, const char *class, const char *key, int64_t day)
{
    buf_printf(v->out, "<li class=\"said %s\">\n<h3>", class);
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, " \xc2\xb7 ");
    face_day(v, day);
    buf_str(v->out, "</h3>\n");
}

static int put_message(void *ctx, const struct lead_line_message *l)
{
    struct face_view *v = ctx;
    const struct lead_message *m = l->message;
    begin_said(v, m->account.n ? "ours" : "yours", key_of(m), m->time);
    if (l->open) {
        buf_str(v->out, "<div class=\"words\" dir=\"auto\">");
        html_text(v->out, unseal_manifest(l->open->reader)->text);
        buf_str(v->out, "</div>\n");
    } else {
        tips_put_paragraph(v, "hint",
                           m->account.n   ? "tips.said.unread"
                           : m->content.n ? "tips.said.sealed"
                                          : "tips.said.without",
                           NULL);
    }
    buf_str(v->out, "</li>\n");
    return 0;
}

static int put_said(struct face_view *v, struct tips_coming *c, struct err *err)
{
    face_section(v, "tips.said.title", "said");
    buf_str(v->out, "<ol class=\"line\">\n");
    begin_said(v, "yours", "tips.said.lead", c->line.lead.time);
    tips_put_paragraph(v, "hint", "tips.said.sealed", NULL);
    buf_str(v->out, "</li>\n");
    int rc = lead_line_read(&c->line, put_message, v, err);
    buf_str(v->out, "</ol>\n");
    return rc;
}

/* ---- claims ---- */

struct offers {
    struct face_view *v;
    struct tips_coming *c;
    unsigned open; /* offers that can be claimed */
    bool choices;  /* as choices of a form; else: claims that were made */
};

struct award_found {
    uint64_t lead;
    bool approved, paid;
};

static int find_award(void *ctx, const struct reward_award *a)
{
    struct award_found *f = ctx;
    if (a->lead == f->lead && a->state == REWARD_APPROVED) {
        f->approved = true;
        f->paid |= a->paid == a->amount;
    }
    return 0;
}

/* What the team has decided and approved, and nothing that it has not. */
static void put_claim(struct offers *o, const struct reward_offer *offer,
                      const struct reward_claim *claim)
{
    struct face_view *v = o->v;
    struct award_found found = {.lead = claim->lead};
    rewards_awards(v->face->c.pursuit, offer->entry, find_award, &found, NULL);
    buf_str(v->out, "<li>");
    face_outside(v, offer->name);
    buf_str(v->out, " \xc2\xb7 ");
    face_day(v, claim->day);
    buf_str(v->out, ": ");
    words_put(v->out, v->words,
              !claim->in_time   ? "tips.claim.late"
              : found.paid      ? "tips.claim.paid"
              : found.approved  ? "tips.claim.approved"
              : claim->informed ? "tips.claim.informed"
                                : "tips.claim.open",
              NULL);
    buf_str(v->out, "</li>\n");
}

static void put_choice(struct offers *o, const struct reward_offer *offer)
{
    struct face_view *v = o->v;
    buf_printf(v->out,
               "<p class=\"choice\"><input type=\"radio\" name=\"offer\" id=\"offer-%llu\" "
               "value=\"%llu\"%s required> <label for=\"offer-%llu\">",
               (unsigned long long)offer->entry, (unsigned long long)offer->entry,
               o->open == 0 ? " checked" : "", (unsigned long long)offer->entry);
    face_outside(v, offer->name);
    buf_str(v->out, "</label></p>\n");
    o->open++;
}

static int put_offer(void *ctx, const struct reward_offer *offer)
{
    struct offers *o = ctx;
    struct reward_claim claim;
    int rc =
        rewards_claim(o->v->face->c.pursuit, offer->entry, o->c->line.lead.entry, &claim, NULL);
    if (rc == 1 && !o->choices)
        put_claim(o, offer, &claim);
    else if (rc == 0 && o->choices && !offer->withdrawn && offer->until > o->v->face->now)
        put_choice(o, offer);
    return 0;
}

static void put_claims(struct face_view *v, struct tips_coming *c)
{
    struct offers made = {.v = v, .c = c}, can = {.v = v, .c = c, .choices = true};
    char href[TIPS_HREF_MAX];
    face_section(v, "tips.claim.title", "claim");
    size_t before = v->out->n;
    buf_str(v->out, "<ul>\n");
    size_t from = v->out->n;
    rewards_offers(v->face->c.pursuit, put_offer, &made, NULL);
    if (v->out->n == from)
        v->out->n = before;
    else
        buf_str(v->out, "</ul>\n");
    if (c->line.lead.withdrawn)
        return;
    before = v->out->n;
    tips_put_form(v, "/tips/claim", false);
    tips_put_receipt(v, &c->receipt);
    tips_put_paragraph(v, "", "tips.claim.about", tips_href(v, "/reward", href));
    rewards_offers(v->face->c.pursuit, put_offer, &can, NULL);
    tips_put_button(v, "tips.claim.button", false);
    buf_str(v->out, "</form>\n");
    if (!can.open) {
        v->out->n = before;
        if (before == from - 5) /* nothing above either */
            face_paragraph(v, "tips.claim.none");
    }
}

/* ---- what there is to say ---- */

void tips_put_say(struct face_view *v, const struct receipt *r, const struct tips_form *f,
                  const struct tips_errors *e, bool stamp)
{
    face_section(v, "tips.say.title", "say");
    tips_put_form(v, "/tips/say", true);
    tips_put_receipt(v, r);
    buf_str(v->out, "<div class=\"field\">\n");
    tips_put_label(v, "text", "tips.say.text");
    tips_put_hint(v, "text", "tips.say.hint", NULL);
    tips_put_error(v, "text", e);
    buf_str(v->out, "<textarea name=\"text\" rows=\"8\" dir=\"auto\" autocomplete=\"off\"");
    tips_put_described(v, "text", e);
    buf_str(v->out, ">\n");
    if (f)
        html_text(v->out, buf_as_span(&f->text));
    buf_str(v->out, "</textarea>\n</div>\n");
    tips_put_files(v, e);
    if (stamp)
        tips_put_stamp(v, TIPS_FOR_RETURN, true);
    tips_put_button(v, "tips.say.send", true);
    buf_str(v->out, "</form>\n");
}

static void put_withdraw(struct face_view *v, const struct receipt *r)
{
    face_section(v, "tips.withdraw.title", "withdraw");
    face_paragraph(v, "tips.withdraw.about");
    tips_put_form(v, "/tips/withdraw", false);
    tips_put_receipt(v, r);
    tips_put_button(v, "tips.withdraw.button", false);
    buf_str(v->out, "</form>\n");
}

void face_tip_return(struct face_view *v)
{
    struct tips_coming c = {0};
    struct tips_errors none = {0};
    struct err err = {0};
    if (tips_come_in(v, &c)) {
        face_begin(v, "tips.line.title");
        face_heading(v, "tips.line.title", NULL);
        if (c.line.lead.withdrawn)
            face_paragraph(v, "tips.line.withdrawn");
        if (put_said(v, &c, &err) < 0)
            log_line(LOG_WARN, "a lead's messages cannot be read", "why=\"%s\"", err.text);
        if (!c.line.lead.withdrawn)
            tips_put_say(v, &c.receipt, NULL, &none, false);
        put_claims(v, &c);
        if (!c.line.lead.withdrawn)
            put_withdraw(v, &c.receipt);
        face_end(v);
    }
    tips_coming_wipe(&c);
    sodium_stackzero(TIPS_STACK_WIPED);
}
