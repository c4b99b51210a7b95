/* "Am I infected?" answers who asks about their own address, and nobody else: which address that
 * is, the listener says (web_client), no parameter does. Nothing is stored, logged or counted. It
 * never says that an address, or a computer, is clean: that cannot be known from here. */
#include "app/public/check_seen.h"

#include <stdio.h>

#include "base/json.h"

static const char *const boxes[SEEN_RESULTS] = {"note", "bad", "warn", "note", "note"};

/* check.RESULT.TAIL */
static void put_result(struct face_view *v, const struct seen_answer *a, const char *tail,
                       const char *argument)
{
    char key[64];
    snprintf(key, sizeof key, "check.%s.%s", a->inner ? "inner" : seen_name(a->result), tail);
    words_put(v->out, v->words, key, argument, NULL);
}

/* ---- the answer ---- */

static void put_families(struct face_view *v, const struct seen_answer *a)
{
    static const char *const heads[] = {"check.family", "check.first", "check.last", "check.days"};
    buf_str(
        v->out,
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"kind\"><table>\n"
        "<thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        buf_str(v->out, i == 0   ? "<th scope=\"col\" id=\"kind\">"
                        : i == 3 ? "<th scope=\"col\" class=\"number\">"
                                 : "<th scope=\"col\">");
        words_put(v->out, v->words, heads[i], NULL);
        buf_str(v->out, "</th>");
    }
    buf_str(v->out, "</tr></thead>\n<tbody>\n");
    for (unsigned i = 0; i < a->n; i++) {
        const struct seen_family *f = &a->families[i];
        buf_str(v->out, "<tr><th scope=\"row\">");
        if (f->certain && !span_is(f->family, CENSUS_FAMILY_UNKNOWN))
            face_outside(v, f->family);
        else
            words_put(v->out, v->words, "check.family-unknown", NULL);
        buf_str(v->out, "</th><td>");
        face_day(v, f->first);
        buf_str(v->out, "</td><td>");
        face_day(v, f->last);
        buf_printf(v->out, "</td><td class=\"number\">%u</td></tr>\n", f->days);
    }
    buf_str(v->out, "</tbody>\n</table></div>\n");
}

static void put_window(struct face_view *v, const struct seen_answer *a)
{
    if (!a->any)
        return;
    buf_str(v->out, "<p>");
    words_put(v->out, v->words, "check.window", NULL);
    buf_byte(v->out, ' ');
    face_day(v, a->since);
    buf_str(v->out, " \xe2\x80\x93 ");
    face_day(v, a->until);
    buf_str(v->out, "</p>\n");
    if (!a->complete)
        face_paragraph(v, "check.reading");
}

static void put_answer(struct face_view *v, const struct seen_answer *a, const char *address)
{
    buf_printf(v->out, "<section class=\"%s\" aria-labelledby=\"result\">\n<h2 id=\"result\">",
               boxes[a->result]);
    put_result(v, a, "title", "");
    buf_str(v->out, "</h2>\n<p>");
    put_result(v, a, "what", address);
    buf_str(v->out, "</p>\n");
    if (a->n)
        put_families(v, a);
    if (!a->inner && !ip_is_v4(&a->network.ip))
        face_paragraph(v, "check.ipv6");
    put_window(v, a);
    buf_str(v->out, "</section>\n");
}

/* ---- what it means, what to do ---- */

static void put_list(struct face_view *v, const char *const *keys)
{
    buf_str(v->out, "<ul>\n");
    for (; *keys; keys++) {
        buf_str(v->out, "<li>");
        words_put(v->out, v->words, *keys, NULL);
        buf_str(v->out, "</li>\n");
    }
    buf_str(v->out, "</ul>\n");
}

static void put_meaning(struct face_view *v, const struct seen_answer *a)
{
    static const char *const nothing[] = {"check.why.nat",   "check.why.dhcp",  "check.why.mobile",
                                          "check.why.sleep", "check.why.other", NULL};
    static const char *const seen[] = {"check.means.nat", "check.means.dhcp", NULL};
    bool called = a->result == SEEN_INFECTED || a->result == SEEN_UNCLEAR;
    face_section(v, called ? "check.means.title" : "check.why.title", "means");
    face_paragraph(v, called ? "check.means.lead" : "check.why.lead");
    put_list(v, called ? seen : nothing);
}

/* A system's steps fold out: who has one of them does not read the others. */
static void put_system(struct face_view *v, const char *system, unsigned steps)
{
    char key[64];
    buf_str(v->out, "<details><summary>");
    snprintf(key, sizeof key, "check.%s.title", system);
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</summary>\n<ol>\n");
    for (unsigned i = 1; i <= steps; i++) {
        snprintf(key, sizeof key, "check.%s.%u", system, i);
        buf_str(v->out, "<li>");
        words_put(v->out, v->words, key, NULL);
        buf_str(v->out, "</li>\n");
    }
    buf_str(v->out, "</ol>\n</details>\n");
}

static void put_steps(struct face_view *v)
{
    face_section(v, "check.do.title", "do");
    face_paragraph(v, "check.do.lead");
    put_system(v, "windows", 5);
    put_system(v, "macos", 4);
    put_system(v, "linux", 4);
    put_system(v, "phone", 4);
    put_system(v, "router", 4);
    face_paragraph(v, "check.do.after");
}

/* ---- whom to call ---- */

static bool is_of(const struct config_help *h, const char country[2])
{
    return !h->country[0] || (country[0] && span_ieq(span_str(h->country), span_of(country, 2)));
}

static void put_helper(struct face_view *v, const struct config_help *h)
{
    buf_str(v->out, "<li>");
    if (h->url[0]) {
        buf_str(v->out, "<a rel=\"noreferrer\"");
        html_attribute(v->out, "href", span_str(h->url));
        buf_byte(v->out, '>');
        face_outside(v, span_str(h->name));
        buf_str(v->out, "</a>");
    } else {
        face_outside(v, span_str(h->name));
    }
    if (h->phone[0]) {
        buf_str(v->out, ", ");
        face_phone(v, h->phone);
    }
    buf_str(v->out, "</li>\n");
}

/* Those of the address's country first, then those for everybody. */
static void put_help(struct face_view *v, const struct seen_answer *a)
{
    const struct config_web *c = &v->face->config->web;
    face_section(v, "check.help.title", "help");
    face_paragraph(v, "check.help.provider");
    bool any = false;
    for (int pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < c->help_count; i++) {
            const struct config_help *h = &c->help[i];
            bool everywhere = !h->country[0];
            if (everywhere != (pass == 1) || !is_of(h, a->country))
                continue;
            buf_str(v->out, any ? "" : "<ul>\n");
            any = true;
            put_helper(v, h);
        }
    buf_str(v->out, any ? "</ul>\n" : "");
}

static void ask(struct face_view *v, struct seen_answer *out, char address[NET_TEXT_MAX])
{
    const struct ip *ip = web_client(v->request);
    face_check_ask(v->face->seen, ip, out);
    if (ip_is_v4(ip) || out->inner)
        ip_format(ip, address);
    else
        net_format(&out->network, address);
}

void face_check(struct face_view *v)
{
    struct seen_answer a;
    char address[NET_TEXT_MAX] = "";
    ask(v, &a, address);
    face_begin(v, "check.title");
    face_heading(v, "check.title", NULL);
    put_answer(v, &a, address);
    if (!a.inner)
        put_meaning(v, &a);
    put_steps(v);
    put_help(v, &a);
    face_section(v, "check.kept.title", "kept");
    face_paragraph(v, "check.kept.nothing");
    face_end(v);
}

/* ---- the same for programs ---- */

static void json_day(struct json *j, const char *key, int64_t time)
{
    char text[UTC_TEXT_MAX];
    json_key(j, key);
    json_span(j, span_of(text, utc_format_date(time, text)));
}

static void json_families(struct json *j, const struct seen_answer *a)
{
    json_key(j, "families");
    json_array(j);
    for (unsigned i = 0; i < a->n; i++) {
        const struct seen_family *f = &a->families[i];
        json_object(j);
        json_key(j, "family");
        if (f->certain && !span_is(f->family, CENSUS_FAMILY_UNKNOWN))
            json_span(j, f->family);
        else
            json_null(j);
        json_day(j, "first_day", f->first);
        json_day(j, "last_day", f->last);
        json_key(j, "days");
        json_uint(j, f->days);
        json_object_end(j);
    }
    json_array_end(j);
}

void face_check_json(struct face_view *v)
{
    struct json j = json_to(v->out);
    struct seen_answer a;
    struct buf note = {0};
    char address[NET_TEXT_MAX] = "", key[64];
    ask(v, &a, address);
    snprintf(key, sizeof key, "check.%s.what", a.inner ? "inner" : seen_name(a.result));
    words_plain(&note, v->words, key, address, NULL);
    v->reply->type = "application/json";
    json_object(&j);
    json_key(&j, "address");
    json_str(&j, address);
    json_key(&j, "result");
    json_str(&j, a.inner ? "inner" : seen_name(a.result));
    json_key(&j, "note");
    json_span(&j, buf_as_span(&note));
    json_families(&j, &a);
    json_key(&j, "window");
    if (a.any) {
        json_object(&j);
        json_day(&j, "since", a.since);
        json_day(&j, "until", a.until);
        json_object_end(&j);
    } else {
        json_null(&j);
    }
    json_key(&j, "complete");
    json_bool(&j, a.complete);
    json_object_end(&j);
    json_newline(&j);
    buf_free(&note);
}
