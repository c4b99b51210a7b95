/* What all pages share: head, navigation, choice of language, foot; dates and addresses. */
#include <stdio.h>

#include "app/public/face.h"
#include "web/assets.h"

static const struct {
    const char *path, *key;
} pages[] = {{"/", "site.nav.progress"},       {"/check", "site.nav.check"},
             {"/notices", "site.nav.notices"}, {"/reward", "site.nav.reward"},
             {"/tips", "site.nav.tips"},       {"/about", "site.nav.about"}};
#define PAGES (sizeof pages / sizeof *pages)

/* ---- addresses ---- */

void face_href(struct face_view *v, const char *path)
{
    const char *fragment = strchr(path, '#');
    size_t n = fragment ? (size_t)(fragment - path) : strlen(path);
    html_text(v->out, span_of(path, n));
    if (v->chosen)
        buf_printf(v->out, "?lang=%s", words_language(v->words));
    if (fragment)
        html_str(v->out, fragment);
}

void face_permalink(struct face_view *v, const char *path)
{
    html_str(v->out, v->face->config->web.public_url);
    html_str(v->out, path);
}

/* ---- head ---- */

/* The page is below `path`: "/notices" has "/notices/5", "/" has what no other has. */
static bool is_here(const char *here, const char *path)
{
    size_t n = strlen(path);
    if (n == 1)
        return strcmp(here, "/") == 0 || strncmp(here, "/releases", 9) == 0 ||
               strncmp(here, "/proof", 6) == 0;
    return strncmp(here, path, n) == 0 && (here[n] == 0 || here[n] == '/');
}

/* One of our own files, where the build made it. */
static void put_asset(struct face_view *v, const char *name, const char *before,
                      const char *attribute, const char *behind)
{
    struct buf url = {0};
    web_asset_url(&url, name);
    if (url.n) {
        buf_str(v->out, before);
        html_attribute(v->out, attribute, buf_as_span(&url));
        buf_str(v->out, behind);
    }
    buf_free(&url);
}

static void put_assets(struct face_view *v)
{
    put_asset(v, "public.css", "<link rel=\"stylesheet\"", "href", ">\n");
    put_asset(v, "icon.svg", "<link rel=\"icon\" type=\"image/svg+xml\"", "href", ">\n");
    put_asset(v, "public.js", "<script type=\"module\"", "src", "></script>\n");
}

static void put_case(struct face_view *v, bool html)
{
    const char *name = v->face->config->name;
    if (html)
        words_put(v->out, v->words, "site.case", name, NULL);
    else
        words_plain(v->out, v->words, "site.case", name, NULL);
}

static void put_title(struct face_view *v, const char *key, const char *argument)
{
    struct buf text = {0};
    words_plain(&text, v->words, key, argument ? argument : "", NULL);
    buf_str(v->out, "<title>");
    html_text(v->out, buf_as_span(&text));
    buf_str(v->out, " \xc2\xb7 ");
    text.n = 0;
    words_plain(&text, v->words, "site.case", v->face->config->name, NULL);
    html_text(v->out, buf_as_span(&text));
    buf_str(v->out, "</title>\n");
    buf_free(&text);
}

/* In every language under its own address, and without one by what the browser prefers. */
static void put_alternates(struct face_view *v)
{
    const char *site = v->face->config->web.public_url;
    if (!site[0])
        return; /* wants whole addresses */
    for (char *const *l = v->face->config->web.language_list; *l; l++) {
        const struct words *w = words_in(span_str(*l));
        if (!w)
            continue;
        buf_printf(v->out, "<link rel=\"alternate\" hreflang=\"%s\" href=\"", words_language(w));
        html_str(v->out, site);
        html_str(v->out, v->path);
        buf_printf(v->out, "?lang=%s\">\n", words_language(w));
    }
    buf_str(v->out, "<link rel=\"alternate\" hreflang=\"x-default\" href=\"");
    html_str(v->out, site);
    html_str(v->out, v->path);
    buf_str(v->out, "\">\n");
}

static void put_languages(struct face_view *v)
{
    buf_str(v->out, "<nav class=\"languages\"");
    html_attribute(v->out, "aria-label", span_str(words_raw(v->words, "site.languages")));
    buf_str(v->out, "><ul>");
    for (char *const *l = v->face->config->web.language_list; *l; l++) {
        const struct words *w = words_in(span_str(*l));
        if (!w)
            continue;
        const char *tag = words_language(w);
        buf_printf(v->out, "<li><a lang=\"%s\" dir=\"%s\" hreflang=\"%s\" href=\"", tag,
                   words_rtl(w) ? "rtl" : "ltr", tag);
        html_str(v->out, v->path);
        buf_printf(v->out, "?lang=%s\"%s>", tag, w == v->words ? " aria-current=\"true\"" : "");
        html_str(v->out, words_name(w));
        buf_str(v->out, "</a></li>");
    }
    buf_str(v->out, "</ul></nav>\n");
}

static void put_navigation(struct face_view *v)
{
    buf_str(v->out, "<nav class=\"pages\"");
    html_attribute(v->out, "aria-label", span_str(words_raw(v->words, "site.nav.label")));
    buf_str(v->out, "><ul>");
    for (size_t i = 0; i < PAGES; i++) {
        buf_str(v->out, "<li><a href=\"");
        face_href(v, pages[i].path);
        buf_str(v->out, is_here(v->path, pages[i].path) ? "\" aria-current=\"page\">" : "\">");
        words_put(v->out, v->words, pages[i].key, NULL);
        buf_str(v->out, "</a></li>");
    }
    buf_str(v->out, "</ul></nav>\n");
}

void face_begin_with(struct face_view *v, const char *title_key, const char *argument)
{
    const char *tag = words_language(v->words);
    snprintf(v->reply->language, sizeof v->reply->language, "%s", tag);
    buf_printf(v->out,
               "<!doctype html>\n<html lang=\"%s\" dir=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n",
               tag, words_rtl(v->words) ? "rtl" : "ltr");
    put_title(v, title_key, argument);
    buf_str(v->out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"color-scheme\" content=\"light dark\">\n");
    put_alternates(v);
    put_assets(v);
    buf_str(v->out, "</head>\n<body>\n<a class=\"skip\" href=\"#main\">");
    words_put(v->out, v->words, "site.skip", NULL);
    buf_str(v->out,
            "</a>\n<header class=\"site\">\n<div class=\"top\"><p class=\"case\"><a href=\"");
    face_href(v, "/");
    buf_str(v->out, "\">");
    put_case(v, true);
    buf_str(v->out, "</a></p>\n");
    put_languages(v);
    buf_str(v->out, "</div>\n");
    put_navigation(v);
    buf_str(v->out, "</header>\n<main id=\"main\" tabindex=\"-1\"");
    html_attribute(v->out, "data-copy", span_str(words_raw(v->words, "site.copy")));
    html_attribute(v->out, "data-copied", span_str(words_raw(v->words, "site.copied")));
    buf_str(v->out, ">\n");
}

void face_begin(struct face_view *v, const char *title_key)
{
    face_begin_with(v, title_key, NULL);
}

void face_heading(struct face_view *v, const char *key, const char *argument)
{
    buf_str(v->out, "<h1>");
    words_put(v->out, v->words, key, argument ? argument : "", NULL);
    buf_str(v->out, "</h1>\n");
}

void face_section(struct face_view *v, const char *key, const char *id)
{
    buf_str(v->out, "<h2");
    if (id && id[0])
        html_attribute(v->out, "id", span_str(id));
    buf_byte(v->out, '>');
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</h2>\n");
}

void face_paragraph(struct face_view *v, const char *key)
{
    buf_str(v->out, "<p>");
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</p>\n");
}

/* ---- foot ---- */

void face_end(struct face_view *v)
{
    const char *who = v->face->config->serve.operator_name;
    buf_str(v->out, "</main>\n<footer class=\"site\">\n<p>");
    words_put(v->out, v->words, "site.foot.nothing", NULL);
    if (who && who[0]) {
        buf_byte(v->out, ' ');
        words_put(v->out, v->words, "site.foot.operator", who, NULL);
    }
    buf_str(v->out, "</p>\n<p>");
    words_put(v->out, v->words, "site.foot.log", "/log/checkpoint", "/log/vkey", NULL);
    buf_str(v->out, "</p>\n</footer>\n</body>\n</html>\n");
}

void face_problem(struct face_view *v, unsigned status, const char *words_key)
{
    struct buf home = {0}, *out = v->out;
    v->out->n = 0;
    v->reply->type = NULL;
    v->reply->status = status;
    face_begin(v, "site.problem.title");
    face_heading(v, "site.problem.title", NULL);
    face_paragraph(v, words_key);
    v->out = &home;
    face_href(v, "/");
    buf_byte(&home, 0);
    v->out = out;
    buf_str(out, "<p>");
    words_put(out, v->words, "site.problem.back", (const char *)home.p, NULL);
    buf_str(out, "</p>\n");
    face_end(v);
    buf_free(&home);
}

/* ---- words from elsewhere, and times ---- */

void face_outside(struct face_view *v, struct span text)
{
    buf_str(v->out, "<bdi>");
    html_text(v->out, text);
    buf_str(v->out, "</bdi>");
}

void face_phone(struct face_view *v, const char *number)
{
    buf_str(v->out, "<bdi dir=\"ltr\">");
    html_str(v->out, number);
    buf_str(v->out, "</bdi>");
}

/* "site.month.3" and "site.day" give the day as the language has it. */
static void put_day(struct face_view *v, const char iso[UTC_TEXT_MAX])
{
    char key[32], day[12], year[8];
    int month = (iso[5] - '0') * 10 + iso[6] - '0';
    snprintf(key, sizeof key, "site.month.%d", month >= 1 && month <= 12 ? month : 1);
    snprintf(day, sizeof day, "%d", (iso[8] - '0') * 10 + iso[9] - '0');
    snprintf(year, sizeof year, "%.4s", iso);
    words_put(v->out, v->words, "site.day", day, words_raw(v->words, key), year, NULL);
}

void face_day(struct face_view *v, int64_t time)
{
    char iso[UTC_TEXT_MAX];
    utc_format(time, iso);
    buf_printf(v->out, "<time datetime=\"%.10s\">", iso);
    put_day(v, iso);
    buf_str(v->out, "</time>");
}

void face_time(struct face_view *v, int64_t time)
{
    char iso[UTC_TEXT_MAX];
    utc_format(time, iso);
    buf_printf(v->out, "<time datetime=\"%.16sZ\">", iso);
    put_day(v, iso);
    buf_printf(v->out, ", %.5s UTC</time>", iso + 11);
}
