/* GET and POST /tips/new: something is told, and the receipt is shown, once. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "app/lead/lead_submit.h"
#include "app/public/tips_impl.h"
#include "base/clock.h"
#include "base/log.h"

/* Languages that answers may be in, beside the site's own: by their own names. */
static const char *const languages[][2] = {
    {"ar", "العربية"}, {"de", "Deutsch"},    {"en", "English"},    {"es", "Español"},
    {"fa", "فارسی"},   {"fr", "Français"},   {"hi", "हिन्दी"},      {"id", "Bahasa Indonesia"},
    {"pl", "Polski"},  {"pt", "Português"},  {"ro", "Română"},     {"ru", "Русский"},
    {"tr", "Türkçe"},  {"uk", "Українська"}, {"vi", "Tiếng Việt"}, {"zh", "中文"}};

/* ---- the form ---- */

static void put_text(struct face_view *v, const struct tips_form *f, const struct tips_errors *e)
{
    buf_str(v->out, "<div class=\"field\">\n");
    tips_put_label(v, "text", "tips.form.text");
    tips_put_hint(v, "text", "tips.form.text.hint", "256");
    tips_put_error(v, "text", e);
    buf_str(v->out, "<textarea name=\"text\" rows=\"12\" dir=\"auto\" autocomplete=\"off\"");
    tips_put_described(v, "text", e);
    buf_str(v->out, ">\n");
    if (f)
        html_text(v->out, buf_as_span(&f->text));
    buf_str(v->out, "</textarea>\n</div>\n");
}

static void put_language(struct face_view *v, struct span chosen)
{
    buf_str(v->out, "<div class=\"field\">\n");
    tips_put_label(v, "language", "tips.form.language");
    tips_put_hint(v, "language", "tips.form.language.hint", NULL);
    buf_str(v->out, "<select name=\"language\" autocomplete=\"off\"");
    tips_put_described(v, "language", NULL);
    buf_str(v->out, ">\n");
    if (!chosen.n)
        chosen = span_str(words_language(v->words));
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        buf_printf(v->out, "<option value=\"%s\" lang=\"%s\"%s>%s</option>\n", languages[i][0],
                   languages[i][0], span_is(chosen, languages[i][0]) ? " selected" : "",
                   languages[i][1]);
    buf_str(v->out, "</select>\n</div>\n");
}

static void put_contact(struct face_view *v, const struct tips_form *f, const struct tips_errors *e)
{
    buf_str(v->out, "<div class=\"field\">\n");
    tips_put_label(v, "contact", "tips.form.contact");
    tips_put_hint(v, "contact", "tips.form.contact.hint", NULL);
    tips_put_error(v, "contact", e);
    buf_str(
        v->out,
        "<textarea name=\"contact\" class=\"short\" rows=\"2\" dir=\"auto\" autocomplete=\"off\"");
    tips_put_described(v, "contact", e);
    buf_str(v->out, ">\n");
    if (f)
        html_text(v->out, f->given.contact);
    buf_str(v->out, "</textarea>\n</div>\n");
}

/* f: what was typed already; NULL: nothing. wait: minutes, where it was too much; 0. */
static void put_page(struct face_view *v, const struct tips_form *f, const struct tips_errors *e,
                     unsigned wait)
{
    char href[TIPS_HREF_MAX], minutes[12];
    face_begin(v, "tips.new.title");
    face_heading(v, "tips.new.title", NULL);
    if (wait) {
        snprintf(minutes, sizeof minutes, "%u", (wait + 59) / 60);
        buf_str(v->out, "<div class=\"bad\" role=\"alert\">\n");
        tips_put_paragraph(v, "", "tips.new.full", minutes);
        tips_put_paragraph(v, "", "tips.new.full.ways", NULL);
        buf_str(v->out, "</div>\n");
    }
    tips_put_summary(v, e);
    tips_put_paragraph(v, "", "tips.new.about", tips_href(v, "/tips", href));
    if (f && (f->given.n || e->n || wait))
        tips_put_paragraph(v, "note", "tips.new.again", NULL);
    tips_put_form(v, "/tips/new", true);
    put_text(v, f, e);
    tips_put_files(v, e);
    put_language(v, f ? f->given.language : span_of(NULL, 0));
    put_contact(v, f, e);
    tips_put_stamp(v, TIPS_FOR_LEAD, wait > 0);
    tips_put_button(v, "tips.new.send", true);
    tips_put_paragraph(v, "hint", "tips.new.then", NULL);
    buf_str(v->out, "</form>\n");
    face_end(v);
}

void face_tip_form(struct face_view *v)
{
    struct tips_errors none = {0};
    put_page(v, NULL, &none, 0);
}

/* ---- the receipt ---- */

static void put_words(struct face_view *v, const struct receipt *r)
{
    struct buf words = {0};
    receipt_put(r, &words);
    struct span rest = buf_as_span(&words);
    buf_str(v->out, "<ol class=\"receipt\" lang=\"en\" dir=\"ltr\" translate=\"no\">\n");
    while (rest.n) {
        const uint8_t *end = memchr(rest.p, ' ', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        buf_str(v->out, "<li><b>");
        html_text(v->out, span_of(rest.p, n));
        buf_str(v->out, "</b></li>\n");
        rest = end ? span_of(end + 1, rest.n - n - 1) : span_of(NULL, 0);
    }
    buf_str(v->out, "</ol>\n");
    tips_put_paragraph(v, "", "tips.receipt.line", NULL);
    buf_str(v->out, "<p class=\"receipt-line\" lang=\"en\" dir=\"ltr\" translate=\"no\"><code>");
    html_text(v->out, buf_as_span(&words));
    buf_str(v->out, "</code></p>\n");
    lead_wipe(&words);
}

static void put_list(struct face_view *v, const char *const *keys, size_t n)
{
    buf_str(v->out, "<ul>\n");
    for (size_t i = 0; i < n; i++) {
        buf_str(v->out, "<li>");
        words_put(v->out, v->words, keys[i], NULL);
        buf_str(v->out, "</li>\n");
    }
    buf_str(v->out, "</ul>\n");
}

static void put_receipt_page(struct face_view *v, const struct tips_form *f,
                             const struct lead_submit *s)
{
    static const char *const keep[] = {"tips.receipt.keep.paper", "tips.receipt.keep.place",
                                       "tips.receipt.keep.secret", "tips.receipt.keep.lost"};
    char href[TIPS_HREF_MAX], n[12];
    face_begin(v, "tips.receipt.title");
    face_heading(v, "tips.receipt.title", NULL);
    tips_put_paragraph(v, "", "tips.receipt.taken", NULL);
    buf_str(v->out, "<div class=\"warn\">\n");
    tips_put_paragraph(v, "", "tips.receipt.once", NULL);
    buf_str(v->out, "</div>\n");
    put_words(v, &s->receipt);
    face_section(v, "tips.receipt.keep", "keep");
    put_list(v, keep, sizeof keep / sizeof *keep);
    if (f->given.n && f->strip && f->kept) {
        snprintf(n, sizeof n, "%u", f->kept);
        tips_put_paragraph(v, "note", "tips.receipt.kept", n);
    }
    tips_put_paragraph(v, "", "tips.receipt.next", tips_href(v, "/tips/return", href));
    tips_put_paragraph(v, "", "tips.receipt.leave", NULL);
    face_end(v);
}

/* ---- taking it in ---- */

static int take(struct face_view *v, const struct tips_form *f, unsigned work,
                struct lead_submit *s, struct err *err)
{
    struct lead_content content;
    int64_t began = clock_ms();
    int rc = lead_content_given(&f->given, &content, err);
    if (rc == 0)
        rc = lead_submit_begin(&v->face->c, &content, s, err);
    tips_time_spent(&v->face->tips->telling, clock_ms() - began);
    if (rc == 0)
        rc = lead_submit_take(&v->face->cli, &content, work, s, err);
    lead_content_free(&content);
    return rc;
}

/* Why it failed is said without a word of what was sent. */
static void fail(struct face_view *v, const struct tips_form *f, int rc, const struct err *err)
{
    struct tips_errors e = {0};
    log_line(LOG_WARN, "a lead could not be taken", "why=\"%s\"", err->text);
    v->reply->status = 503;
    v->reply->retry_s = 60;
    v->out->n = 0;
    tips_error(&e, "text",
               rc == -ENOKEY   ? "tips.error.closed"
               : rc == -ENOSPC ? "tips.error.space"
                               : "tips.error.failed",
               NULL);
    put_page(v, f, &e, 0);
}

static void submit(struct face_view *v, struct tips_form *f, struct tips_errors *e)
{
    struct lead_submit s = {0};
    struct err err = {0};
    unsigned work = 0, wait = 0;
    if (!e->n && !f->given.text.n && !f->given.n)
        tips_error(e, "text", "tips.error.nothing", NULL);
    if (!e->n)
        wait = tips_admit(v, true, f->bytes, &work);
    if (e->n || wait) {
        v->reply->status = wait ? 503 : 422;
        v->reply->retry_s = wait;
        put_page(v, f, e, wait);
        return;
    }
    int rc = take(v, f, work, &s, &err);
    if (rc == 0)
        put_receipt_page(v, f, &s);
    else
        fail(v, f, rc, &err);
    lead_submit_wipe(&s);
}

void face_tip_submit(struct face_view *v)
{
    struct tips_form f;
    struct tips_errors e = {0};
    tips_form_read(v, &f, &e);
    submit(v, &f, &e);
    tips_form_wipe(&f);
    sodium_stackzero(TIPS_STACK_WIPED);
}
