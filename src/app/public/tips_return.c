/* Coming back: /tips/return, and what is said, claimed or taken back from there. The receipt goes
 * along as a field of each form: in no address, and in nothing that a browser keeps. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "app/lead/lead_line.h"
#include "app/public/tips_impl.h"
#include "base/log.h"
#include "state/rewards.h"

#define STACK_WIPED (256u << 10)

/* ---- asking for the receipt ---- */

static void put_ask(struct face_view *v, const struct tips_errors *e, unsigned wait)
{
    char seconds[12];
    face_begin(v, "tips.return.title");
    face_heading(v, "tips.return.title", NULL);
    if (wait) {
        snprintf(seconds, sizeof seconds, "%u", wait);
        buf_str(v->out, "<div class=\"bad\" role=\"alert\">\n");
        tips_put_paragraph(v, "", "tips.return.busy", seconds);
        buf_str(v->out, "</div>\n");
    }
    tips_put_summary(v, e);
    tips_put_paragraph(v, "", "tips.return.about", NULL);
    tips_put_form(v, "/tips/return", false);
    buf_str(v->out, "<div class=\"field\">\n");
    tips_put_label(v, "receipt", "tips.return.receipt");
    tips_put_hint(v, "receipt", "tips.return.receipt.hint", NULL);
    tips_put_error(v, "receipt", e);
    buf_str(v->out, "<textarea name=\"receipt\" class=\"short\" rows=\"3\" dir=\"ltr\" lang=\"en\" "
                    "autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\"");
    tips_put_described(v, "receipt", e);
    buf_str(v->out, "></textarea>\n</div>\n");
    if (wait)
        tips_put_stamp(v, TIPS_FOR_RETURN, true);
    tips_put_button(v, "tips.return.open", true);
    buf_str(v->out, "</form>\n");
    face_end(v);
}

void face_tip_return_form(struct face_view *v)
{
    struct tips_errors none = {0};
    put_ask(v, &none, 0);
}

/* A receipt and the lead that it opens. All of it secret. */
struct coming {
    struct receipt receipt;
    struct lead_line line;
};

static void coming_wipe(struct coming *c)
{
    receipt_wipe(&c->receipt);
    lead_line_wipe(&c->line);
}

/* False: the page says why. Wrong ones and right ones cost the same (lead_by_receipt()). */
static bool come(struct face_view *v, struct coming *c)
{
    struct tips_errors e = {0};
    struct err err = {0};
    unsigned wait = 0;
    bool good = tips_form_receipt(v, &c->receipt, &e);
    if (good)
        wait = tips_admit_back(v);
    int rc = good && !wait
                 ? lead_line_open(&v->face->c, &c->receipt, v->face->tips->decoy, &c->line, &err)
                 : -EAGAIN;
    if (rc == 0)
        return true;
    if (good && !wait)
        tips_error(&e, "receipt",
                   rc == -ENOENT ? "tips.error.receipt.unknown" : "tips.error.failed", NULL);
    v->reply->status = wait ? 503 : 422;
    v->reply->retry_s = wait;
    put_ask(v, &e, wait);
    return false;
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

static int put_said(struct face_view *v, struct coming *c, struct err *err)
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
    struct coming *c;
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

static void put_claims(struct face_view *v, struct coming *c)
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

static void put_say(struct face_view *v, const struct receipt *r, const struct tips_form *f,
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
        tips_put_stamp(v, TIPS_FOR_LEAD, true);
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
    struct coming c = {0};
    struct tips_errors none = {0};
    struct err err = {0};
    if (come(v, &c)) {
        face_begin(v, "tips.line.title");
        face_heading(v, "tips.line.title", NULL);
        if (c.line.lead.withdrawn)
            face_paragraph(v, "tips.line.withdrawn");
        if (put_said(v, &c, &err) < 0)
            log_line(LOG_WARN, "a lead's messages cannot be read", "why=\"%s\"", err.text);
        if (!c.line.lead.withdrawn)
            put_say(v, &c.receipt, NULL, &none, false);
        put_claims(v, &c);
        if (!c.line.lead.withdrawn)
            put_withdraw(v, &c.receipt);
        face_end(v);
    }
    coming_wipe(&c);
    sodium_stackzero(STACK_WIPED);
}

/* ---- saying it ---- */

/* A short page with the way back to all that was said. */
static void put_done(struct face_view *v, const struct receipt *r, const char *title,
                     const char *about)
{
    face_begin(v, title);
    face_heading(v, title, NULL);
    face_paragraph(v, about);
    tips_put_form(v, "/tips/return", false);
    tips_put_receipt(v, r);
    tips_put_button(v, "tips.done.back", false);
    buf_str(v->out, "</form>\n");
    face_end(v);
}

static void put_failed(struct face_view *v, const struct receipt *r, int rc, const struct err *err)
{
    log_line(LOG_WARN, "a message about a lead could not be taken", "why=\"%s\"", err->text);
    v->reply->status = rc == -EPERM || rc == -EFBIG ? 422 : 503;
    put_done(v, r, "tips.failed.title",
             rc == -EPERM   ? "tips.failed.withdrawn"
             : rc == -EFBIG ? "tips.failed.much"
                            : "tips.failed.about");
}

static void put_say_again(struct face_view *v, const struct receipt *r, const struct tips_form *f,
                          const struct tips_errors *e, unsigned wait)
{
    char minutes[12];
    v->reply->status = wait ? 503 : 422;
    v->reply->retry_s = wait;
    face_begin(v, "tips.say.title");
    face_heading(v, "tips.say.title", NULL);
    if (wait) {
        snprintf(minutes, sizeof minutes, "%u", (wait + 59) / 60);
        buf_str(v->out, "<div class=\"bad\" role=\"alert\">\n");
        tips_put_paragraph(v, "", "tips.new.full", minutes);
        tips_put_paragraph(v, "", "tips.new.full.ways", NULL);
        buf_str(v->out, "</div>\n");
    }
    tips_put_summary(v, e);
    put_say(v, r, f, e, wait > 0);
    face_end(v);
}

static void say(struct face_view *v, struct coming *c, struct tips_form *f, struct tips_errors *e)
{
    struct lead_content content = {0};
    struct lead_line_say s = {.content = &content};
    struct err err = {0};
    uint64_t entry;
    unsigned work;
    if (!e->n && !f->given.text.n && !f->given.n)
        tips_error(e, "text", "tips.error.nothing", NULL);
    unsigned wait = e->n ? 0 : tips_admit(v, false, f->bytes, &work);
    if (e->n || wait) {
        put_say_again(v, &c->receipt, f, e, wait);
        return;
    }
    int rc = lead_content_given(&f->given, &content, &err);
    if (rc == 0)
        rc = lead_line_say(&v->face->cli, &c->line, &s, &entry, &err);
    lead_content_free(&content);
    if (rc == 0)
        put_done(v, &c->receipt, "tips.done.said", "tips.done.said.about");
    else
        put_failed(v, &c->receipt, rc, &err);
}

void face_tip_say(struct face_view *v)
{
    struct coming c = {0};
    struct tips_form f;
    struct tips_errors e = {0};
    if (come(v, &c)) {
        tips_form_read(v, &f, &e);
        say(v, &c, &f, &e);
        tips_form_wipe(&f);
    }
    coming_wipe(&c);
    sodium_stackzero(STACK_WIPED);
}

/* ---- claiming ---- */

void face_tip_claim(struct face_view *v)
{
    struct coming c = {0};
    struct err err = {0};
    uint64_t entry;
    struct reward_claim claim;
    if (come(v, &c)) {
        struct lead_line_say s = {
            .offer = rewards_offer_entry(v->face->c.pursuit, web_form(v->request, "offer"))};
        int rc = !s.offer
                     ? -ENOENT
                     : rewards_claim(v->face->c.pursuit, s.offer, c.line.lead.entry, &claim, &err);
        if (rc == 0)
            rc = lead_line_say(&v->face->cli, &c.line, &s, &entry, &err);
        if (rc >= 0)
            put_done(v, &c.receipt, "tips.done.claimed", "tips.done.claimed.about");
        else if (rc == -ENOENT) {
            v->reply->status = 422;
            put_done(v, &c.receipt, "tips.failed.title", "tips.failed.offer");
        } else
            put_failed(v, &c.receipt, rc, &err);
    }
    coming_wipe(&c);
    sodium_stackzero(STACK_WIPED);
}

/* ---- taking it back ---- */

/* Nothing is looked up for it: whether the receipt is right is asked when it is meant. */
static void put_confirm(struct face_view *v, const struct tips_errors *e)
{
    struct receipt r;
    struct tips_errors other = {0};
    if (!tips_form_receipt(v, &r, &other)) {
        v->reply->status = 422;
        put_ask(v, &other, 0);
        return;
    }
    face_begin(v, "tips.withdraw.title");
    face_heading(v, "tips.withdraw.title", NULL);
    tips_put_summary(v, e);
    face_paragraph(v, "tips.withdraw.about");
    face_paragraph(v, "tips.withdraw.final");
    tips_put_form(v, "/tips/withdraw", false);
    tips_put_receipt(v, &r);
    tips_put_hidden(v, "asked", span_str("yes"));
    tips_put_error(v, "sure", e);
    buf_str(v->out, "<p class=\"choice\"><input type=\"checkbox\" name=\"sure\" value=\"yes\"");
    tips_put_described(v, "sure", e);
    buf_str(v->out, "> ");
    tips_put_label(v, "sure", "tips.withdraw.sure");
    buf_str(v->out, "</p>\n");
    tips_put_hint(v, "sure", "tips.withdraw.hint", NULL);
    tips_put_button(v, "tips.withdraw.button", false);
    buf_str(v->out, "</form>\n");
    tips_put_form(v, "/tips/return", false);
    tips_put_receipt(v, &r);
    tips_put_button(v, "tips.withdraw.keep", true);
    buf_str(v->out, "</form>\n");
    face_end(v);
    receipt_wipe(&r);
}

static void withdraw(struct face_view *v)
{
    struct coming c = {0};
    struct lead_line_say s = {.withdraw = true};
    struct err err = {0};
    uint64_t entry;
    if (come(v, &c)) {
        int rc = lead_line_say(&v->face->cli, &c.line, &s, &entry, &err);
        if (rc == 0)
            put_done(v, &c.receipt, "tips.done.withdrawn", "tips.done.withdrawn.about");
        else
            put_failed(v, &c.receipt, rc, &err);
    }
    coming_wipe(&c);
}

void face_tip_withdraw(struct face_view *v)
{
    struct tips_errors e = {0};
    bool sure = span_is(web_form(v->request, "sure"), "yes");
    if (!sure && web_form(v->request, "asked").n) {
        tips_error(&e, "sure", "tips.error.sure", NULL);
        v->reply->status = 422;
    }
    if (sure)
        withdraw(v);
    else
        put_confirm(v, &e);
    sodium_stackzero(STACK_WIPED);
}
