/* What is said, claimed or taken back by who has come back: /tips/say, /tips/claim, /tips/withdraw.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "app/public/tips_impl.h"
#include "base/log.h"
#include "state/rewards.h"

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

/* full: minutes until files are taken again; wait: seconds until receipts are tried. */
static void put_say_again(struct face_view *v, const struct receipt *r, const struct tips_form *f,
                          const struct tips_errors *e, unsigned full, unsigned wait)
{
    char minutes[12];
    v->reply->status = 422;
    face_begin(v, "tips.say.title");
    face_heading(v, "tips.say.title", NULL);
    if (wait)
        tips_put_wait(v, wait);
    if (full) {
        v->reply->status = 503;
        v->reply->retry_s = full * 60;
        snprintf(minutes, sizeof minutes, "%u", full);
        buf_str(v->out, "<div class=\"bad\" role=\"alert\">\n");
        tips_put_paragraph(v, "", "tips.new.full", minutes);
        tips_put_paragraph(v, "", "tips.new.full.ways", NULL);
        buf_str(v->out, "</div>\n");
    }
    tips_put_summary(v, e);
    tips_put_paragraph(v, "note", "tips.new.again", NULL);
    tips_put_say(v, r, f, e, full || wait);
    face_end(v);
}

static void say(struct face_view *v, struct tips_coming *c, struct tips_form *f,
                struct tips_errors *e)
{
    struct lead_content content = {0};
    struct lead_line_say s = {.content = &content};
    struct err err = {0};
    uint64_t entry;
    unsigned work;
    unsigned wait = c->paid ? 0 : tips_admit(v, false, f->bytes, &work);
    if (wait) {
        put_say_again(v, &c->receipt, f, e, (wait + 59) / 60, 0);
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

/* What is wrong with the words is said before the receipt costs anything. */
void face_tip_say(struct face_view *v)
{
    struct tips_coming c = {0};
    struct tips_form f;
    struct tips_errors e = {0}, other = {0};
    tips_form_read(v, &f, &e);
    if (!e.n && !f.given.text.n && !f.given.n)
        tips_error(&e, "text", "tips.error.nothing", NULL);
    if (e.n && tips_form_receipt(v, &c.receipt, &other))
        put_say_again(v, &c.receipt, &f, &e, 0, 0);
    else if (tips_come(v, &c, f.bytes))
        say(v, &c, &f, &e);
    else if (c.wait)
        put_say_again(v, &c.receipt, &f, &e, 0, c.wait);
    tips_form_wipe(&f);
    tips_coming_wipe(&c);
    sodium_stackzero(TIPS_STACK_WIPED);
}

/* ---- claiming ---- */

void face_tip_claim(struct face_view *v)
{
    struct tips_coming c = {0};
    struct err err = {0};
    uint64_t entry;
    struct reward_claim claim;
    if (tips_come_in(v, &c)) {
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
    tips_coming_wipe(&c);
    sodium_stackzero(TIPS_STACK_WIPED);
}

/* ---- taking it back ---- */

/* Nothing is looked up for it: whether the receipt is right is asked when it is meant. */
static void put_confirm(struct face_view *v, const struct tips_errors *e)
{
    struct receipt r;
    struct tips_errors other = {0};
    if (!tips_form_receipt(v, &r, &other)) {
        v->reply->status = 422;
        tips_put_ask(v, &other, NULL, 0);
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
    struct tips_coming c = {0};
    struct lead_line_say s = {.withdraw = true};
    struct err err = {0};
    uint64_t entry;
    if (tips_come_in(v, &c)) {
        int rc = lead_line_say(&v->face->cli, &c.line, &s, &entry, &err);
        if (rc == 0)
            put_done(v, &c.receipt, "tips.done.withdrawn", "tips.done.withdrawn.about");
        else
            put_failed(v, &c.receipt, rc, &err);
    }
    tips_coming_wipe(&c);
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
    sodium_stackzero(TIPS_STACK_WIPED);
}
