/* Who we are and what we keep; and what machines ask of every site. */
#include <stdio.h>

#include "app/public/face.h"
#include "app/public/face_files.h"
#include "app/public/orders.h"

/* ---- /about ---- */

static const char *operator_of(const struct config *c)
{
    return c->serve.operator_name && c->serve.operator_name[0] ? c->serve.operator_name
                                                               : c->cleanup.from.org;
}

static void put_who(struct face_view *v)
{
    const struct config *c = v->face->config;
    face_section(v, "site.about.who", "who");
    buf_str(v->out, "<p>");
    if (operator_of(c)[0])
        words_put(v->out, v->words, "site.about.who-is", operator_of(c), NULL);
    else
        words_put(v->out, v->words, "site.about.who-not", NULL);
    buf_str(v->out, "</p>\n");
}

/* A term and a link, or text where the address is none. */
static void put_way(struct face_view *v, const char *key, const char *scheme, const char *value)
{
    struct buf url = {0};
    if (!value[0])
        return;
    buf_str(&url, scheme);
    for (const char *p = value; *p; p++)
        if (*p != ' ') /* telephone numbers are written with them */
            buf_byte(&url, (uint8_t)*p);
    buf_str(v->out, "<dt>");
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</dt><dd><a rel=\"noreferrer\"");
    html_attribute(v->out, "href", buf_as_span(&url));
    buf_byte(v->out, '>');
    if (strcmp(scheme, "tel:") == 0)
        face_phone(v, value);
    else
        face_outside(v, span_str(value));
    buf_str(v->out, "</a></dd>\n");
    buf_free(&url);
}

static bool is_web(const char *url)
{
    return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
}

static void put_contact(struct face_view *v)
{
    const struct config *c = v->face->config;
    const char *web = is_web(c->cleanup.from.web) ? c->cleanup.from.web : "";
    if (!c->cleanup.from.mail[0] && !c->cleanup.from.phone[0] && !web[0])
        return;
    face_section(v, "site.about.contact", "contact");
    buf_str(v->out, "<dl class=\"facts\">\n");
    put_way(v, "site.about.mail", "mailto:", c->cleanup.from.mail);
    put_way(v, "site.about.phone", "tel:", c->cleanup.from.phone);
    put_way(v, "site.about.web", "", web);
    buf_str(v->out, "</dl>\n");
}

static void put_order(void *ctx, const struct public_order *o)
{
    struct face_view *v = ctx;
    char path[64];
    buf_str(v->out, "<li>");
    face_outside(v, o->order.act.court);
    buf_str(v->out, " \xc2\xb7 ");
    face_outside(v, o->order.act.docket);
    buf_str(v->out, " \xc2\xb7 <a href=\"");
    snprintf(path, sizeof path, "/notices/%llu", (unsigned long long)o->notice);
    face_href(v, path);
    buf_str(v->out, "\">");
    words_put(v->out, v->words, "site.about.order-notice", NULL);
    buf_str(v->out, "</a></li>\n");
}

static void put_basis(struct face_view *v)
{
    struct buf list = {0}, *out = v->out;
    face_section(v, "site.about.basis", "basis");
    v->out = &list;
    int rc = public_orders(v->face, put_order, v);
    v->out = out;
    if (rc >= 0)
        face_paragraph(v, list.n ? "site.about.basis-orders" : "site.about.basis-none");
    if (list.n) {
        buf_str(out, "<ul>\n");
        buf_span(out, buf_as_span(&list));
        buf_str(out, "</ul>\n");
    }
    buf_free(&list);
}

/* Paragraphs with links to our own pages: "site.about.KEY" has up to two. */
static void put_linked(struct face_view *v, const char *key, const char *first, const char *second)
{
    struct buf urls[2] = {{0}}, *out = v->out;
    const char *paths[] = {first, second};
    for (int i = 0; i < 2; i++) {
        v->out = &urls[i];
        face_href(v, paths[i]);
        buf_byte(&urls[i], 0);
    }
    v->out = out;
    buf_str(out, "<p>");
    words_put(out, v->words, key, (const char *)urls[0].p, (const char *)urls[1].p, NULL);
    buf_str(out, "</p>\n");
    buf_free(&urls[0]);
    buf_free(&urls[1]);
}

void face_about(struct face_view *v)
{
    face_begin(v, "site.about.title");
    face_heading(v, "site.about.title", NULL);
    buf_str(v->out, "<p class=\"lead\">");
    words_put(v->out, v->words, "site.about.lead", v->face->config->name, NULL);
    buf_str(v->out, "</p>\n");
    face_paragraph(v, "site.about.how");
    put_who(v);
    put_basis(v);
    face_section(v, "site.about.infected", "infected");
    put_linked(v, "site.about.infected-what", "/check", "/");
    face_paragraph(v, "site.about.infected-use");
    face_section(v, "site.about.visitors", "visitors");
    face_paragraph(v, "site.about.visitors-nothing");
    put_linked(v, "site.about.visitors-but", "/check", "/tips");
    face_section(v, "site.about.proof", "proof");
    put_linked(v, "site.about.proof-how", "/log/checkpoint", "/log/vkey");
    put_contact(v);
    face_end(v);
}

/* ---- for machines ---- */

void face_openapi(struct face_view *v)
{
    v->reply->type = "application/json";
    buf_put(v->out, face_files[0].data, face_files[0].n);
}

/* Pages may be found; what is asked of one visitor, or said by one, may not. */
void face_robots(struct face_view *v)
{
    v->reply->type = "text/plain; charset=utf-8";
    buf_str(v->out, "User-agent: *\n"
                    "Disallow: /check\n"
                    "Disallow: /tips/new\n"
                    "Disallow: /tips/return\n"
                    "Disallow: /proof/\n");
}

#define EXPIRES_DAYS 180 /* RFC 9116, 2.5.5: less than a year */

/* The first of the month that is some half a year ahead: the same file for a month. */
static void put_expiry(struct face_view *v)
{
    char text[UTC_TEXT_MAX];
    utc_format(v->face->now + EXPIRES_DAYS * UTC_DAY, text);
    buf_printf(v->out, "Expires: %.7s-01T00:00:00Z\n", text);
}

/* RFC 9116; there is none where nobody can be written to. */
void face_security_txt(struct face_view *v)
{
    const struct config *c = v->face->config;
    if (!c->cleanup.from.mail[0]) {
        face_problem(v, 404, "site.problem.missing");
        return;
    }
    v->reply->type = "text/plain; charset=utf-8";
    buf_str(v->out, "Contact: mailto:");
    for (const char *p = c->cleanup.from.mail; *p; p++) /* an address; never a line of its own */
        if (*p > ' ' && *p != 0x7f)
            buf_byte(v->out, (uint8_t)*p);
    buf_byte(v->out, '\n');
    put_expiry(v);
    buf_str(v->out, "Preferred-Languages: ");
    for (char *const *l = c->web.language_list; *l; l++)
        buf_printf(v->out, "%s%s", l == c->web.language_list ? "" : ", ", *l);
    buf_byte(v->out, '\n');
    if (c->web.public_url[0])
        buf_printf(v->out, "Canonical: %s/.well-known/security.txt\n", c->web.public_url);
}

void face_health(struct face_view *v)
{
    v->reply->type = "text/plain; charset=utf-8";
    buf_str(v->out, "ok\n");
}
