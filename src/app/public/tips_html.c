/* Pieces of the informants' pages. They need no script and no style, and keep nothing in the
 * browser: no cookie, and fields that it is asked not to remember. */
#include <stdio.h>

#include "app/lead/lead_price.h"
#include "app/public/tips_impl.h"
#include "web/assets.h"

/* ---- words ---- */

const char *tips_href(const struct face_view *v, const char *path, char out[TIPS_HREF_MAX])
{
    if (v->chosen)
        snprintf(out, TIPS_HREF_MAX, "%s?lang=%s", path, words_language(v->words));
    else
        snprintf(out, TIPS_HREF_MAX, "%s", path);
    return out;
}

const char *tips_megabytes(uint64_t bytes, char out[24])
{
    snprintf(out, 24, "%llu", (unsigned long long)(bytes >> 20));
    return out;
}

void tips_put_paragraph(struct face_view *v, const char *class, const char *key,
                        const char *argument)
{
    buf_str(v->out, "<p");
    if (class[0])
        html_attribute(v->out, "class", span_str(class));
    buf_byte(v->out, '>');
    words_put(v->out, v->words, key, argument ? argument : "", NULL);
    buf_str(v->out, "</p>\n");
}

/* ---- what is wrong ---- */

void tips_error(struct tips_errors *e, const char *field, const char *key, const char *argument)
{
    if (e->n == TIPS_ERRORS_MAX)
        return;
    e->list[e->n].field = field;
    e->list[e->n].key = key;
    snprintf(e->list[e->n].argument, sizeof e->list->argument, "%s", argument ? argument : "");
    e->n++;
}

static void put_error_words(struct face_view *v, const struct tips_errors *e, size_t i)
{
    words_put(v->out, v->words, e->list[i].key, e->list[i].argument, NULL);
}

void tips_put_summary(struct face_view *v, const struct tips_errors *e)
{
    if (!e->n)
        return;
    buf_str(v->out, "<div class=\"bad\" role=\"alert\" aria-labelledby=\"wrong\">\n"
                    "<h2 id=\"wrong\">");
    words_put(v->out, v->words, "tips.error.title", NULL);
    buf_str(v->out, "</h2>\n<ul>\n");
    for (size_t i = 0; i < e->n; i++) {
        buf_printf(v->out, "<li><a href=\"#%s\">", e->list[i].field);
        put_error_words(v, e, i);
        buf_str(v->out, "</a></li>\n");
    }
    buf_str(v->out, "</ul>\n</div>\n");
}

static bool has_error(const struct tips_errors *e, const char *field)
{
    for (size_t i = 0; e && i < e->n; i++)
        if (strcmp(e->list[i].field, field) == 0)
            return true;
    return false;
}

void tips_put_described(struct face_view *v, const char *field, const struct tips_errors *e)
{
    bool wrong = has_error(e, field);
    buf_printf(v->out, " id=\"%s\" aria-describedby=\"%s-hint%s%s%s\"%s", field, field,
               wrong ? " " : "", wrong ? field : "", wrong ? "-error" : "",
               wrong ? " aria-invalid=\"true\"" : "");
}

void tips_put_error(struct face_view *v, const char *field, const struct tips_errors *e)
{
    if (!has_error(e, field))
        return;
    buf_printf(v->out, "<p class=\"error\" id=\"%s-error\">", field);
    for (size_t i = 0; i < e->n; i++)
        if (strcmp(e->list[i].field, field) == 0) {
            put_error_words(v, e, i);
            buf_byte(v->out, ' ');
        }
    buf_str(v->out, "</p>\n");
}

/* ---- forms ---- */

void tips_put_label(struct face_view *v, const char *field, const char *key)
{
    buf_printf(v->out, "<label for=\"%s\">", field);
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</label>\n");
}

void tips_put_hint(struct face_view *v, const char *field, const char *key, const char *argument)
{
    buf_printf(v->out, "<p class=\"hint\" id=\"%s-hint\">", field);
    words_put(v->out, v->words, key, argument ? argument : "", NULL);
    buf_str(v->out, "</p>\n");
}

void tips_put_form(struct face_view *v, const char *path, bool files)
{
    buf_str(v->out,
            "<form method=\"post\" accept-charset=\"utf-8\" autocomplete=\"off\" action=\"");
    face_href(v, path);
    buf_str(v->out, files ? "\" enctype=\"multipart/form-data\">\n" : "\">\n");
}

void tips_put_button(struct face_view *v, const char *key, bool primary)
{
    buf_printf(v->out, "<p><button type=\"submit\"%s>", primary ? "" : " class=\"second\"");
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</button></p>\n");
}

void tips_put_hidden(struct face_view *v, const char *name, struct span value)
{
    buf_str(v->out, "<input type=\"hidden\"");
    html_attribute(v->out, "name", span_str(name));
    html_attribute(v->out, "value", value);
    buf_str(v->out, " autocomplete=\"off\">\n");
}

void tips_put_receipt(struct face_view *v, const struct receipt *r)
{
    struct buf words = {0};
    receipt_put(r, &words);
    tips_put_hidden(v, "receipt", buf_as_span(&words));
    lead_wipe(&words);
}

void tips_put_files(struct face_view *v, const struct tips_errors *e)
{
    char most[24], n[24];
    snprintf(n, sizeof n, "%d", TIPS_FILES_MAX);
    buf_str(v->out, "<div class=\"field\">\n");
    tips_put_label(v, "files", "tips.form.files");
    buf_str(v->out, "<p class=\"hint\" id=\"files-hint\">");
    words_put(v->out, v->words, "tips.form.files.hint", tips_megabytes(TIPS_FILES_BYTES, most), n,
              NULL);
    buf_str(v->out, "</p>\n");
    tips_put_error(v, "files", e);
    buf_str(v->out, "<input type=\"file\" name=\"files\" multiple");
    tips_put_described(v, "files", e);
    buf_str(v->out,
            ">\n</div>\n<fieldset class=\"field\" aria-describedby=\"strip-hint\">\n<legend>");
    words_put(v->out, v->words, "tips.form.strip", NULL);
    buf_str(v->out, "</legend>\n");
    tips_put_hint(v, "strip", "tips.form.strip.hint", NULL);
    static const char *const choices[][2] = {{"yes", "tips.form.strip.yes"},
                                             {"no", "tips.form.strip.no"}};
    for (size_t i = 0; i < 2; i++) {
        buf_printf(v->out,
                   "<p class=\"choice\"><input type=\"radio\" name=\"strip\" id=\"strip-%s\" "
                   "value=\"%s\"%s> <label for=\"strip-%s\">",
                   choices[i][0], choices[i][0], i == 0 ? " checked" : "", choices[i][0]);
        words_put(v->out, v->words, choices[i][1], NULL);
        buf_str(v->out, "</label></p>\n");
    }
    buf_str(v->out, "</fieldset>\n");
}

/* ---- stamps ---- */

/* By hand: the number that makes the hash begin with so many zero bits. */
static void put_command(struct face_view *v, const struct tips_challenge *c)
{
    char hex[SHA256_HEX_MAX];
    hex_encode(c->prefix, SHA256_LEN, hex);
    buf_printf(v->out,
               "<pre dir=\"ltr\" tabindex=\"0\"><code>python3 -c &quot;import hashlib\n"
               "p,n=bytes.fromhex(&#39;%s&#39;),0\n"
               "while int.from_bytes(hashlib.sha256(p+n.to_bytes(8,&#39;big&#39;)).digest(),"
               "&#39;big&#39;)&gt;&gt;%u: n+=1\n"
               "print(n)&quot;</code></pre>\n",
               hex, 256 - c->bits);
}

static unsigned price(struct face_view *v, enum tips_purpose purpose)
{
    unsigned bits;
    if (purpose == TIPS_FOR_RETURN)
        return TIPS_BACK_BITS;
    return lead_price(v->face->cli.case_dir, 0, &bits, NULL) == 0 ? bits : STAMP_BITS_MAX;
}

/* The script (web/src/tips.ts) finds the form by these. */
static void put_for_script(struct face_view *v, const struct tips_challenge *c)
{
    static const char *const keys[][2] = {{"data-working", "tips.stamp.working"},
                                          {"data-skip", "tips.stamp.skip"}};
    char hex[SHA256_HEX_MAX];
    struct buf url = {0};
    hex_encode(c->prefix, SHA256_LEN, hex);
    buf_printf(v->out,
               "<div class=\"stamp-work\" data-prefix=\"%s\" data-bits=\"%u\" "
               "data-free-bytes=\"%u\"",
               hex, c->bits, (unsigned)STAMP_FREE_ONE);
    for (size_t i = 0; i < 2; i++)
        html_attribute(v->out, keys[i][0], span_str(words_raw(v->words, keys[i][1])));
    buf_str(v->out, " hidden></div>\n");
    web_asset_url(&url, "tips.js");
    if (url.n) {
        buf_str(v->out, "<script defer");
        html_attribute(v->out, "src", buf_as_span(&url));
        buf_str(v->out, "></script>\n");
    }
    buf_free(&url);
}

void tips_put_stamp(struct face_view *v, enum tips_purpose purpose, bool open)
{
    struct tips_challenge c;
    char hex[2 * TIPS_CHALLENGE_LEN + 1];
    bool lead = purpose == TIPS_FOR_LEAD;
    tips_challenge_make(v->face->tips, journal_origin(v->face->c.journal), purpose,
                        price(v, purpose), v->face->now, &c);
    hex_encode(c.bytes, sizeof c.bytes, hex);
    buf_printf(v->out, "<details class=\"stamp\"%s>\n<summary>", open ? " open" : "");
    words_put(v->out, v->words, lead ? "tips.stamp.title" : "tips.stamp.return.title", NULL);
    buf_str(v->out, "</summary>\n");
    tips_put_paragraph(v, "", lead ? "tips.stamp.about" : "tips.stamp.return.about", NULL);
    put_for_script(v, &c);
    tips_put_label(v, "stamp", "tips.stamp.number");
    tips_put_hint(v, "stamp", "tips.stamp.hint", NULL);
    put_command(v, &c);
    tips_put_hidden(v, "challenge", span_str(hex));
    buf_str(v->out, "<input name=\"stamp\" inputmode=\"numeric\" maxlength=\"19\" dir=\"ltr\"");
    tips_put_described(v, "stamp", NULL);
    buf_str(v->out, ">\n</details>\n");
}
