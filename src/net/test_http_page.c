/* What people get over HTTP: who is taken for one, in which language, what the page says, and what
 * is refused when policies and pages are compiled. */
#include <errno.h>

#include "base/tap.h"
#include "net/http_content.h"
#include "net/http_language.h"
#include "net/http_page.h"
#include "net/http_server.h"
#include "net/http_visitor.h"
#include "net/test_env.h"

/* ---- language ---- */

static const char *chosen(const char *accept, const char *tags)
{
    static char text[64];
    struct span tag[16];
    size_t n = 0;
    for (const char *at = tags; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        tag[n++] = span_of(at, len);
        at += len;
    }
    size_t i = http_language_lookup(span_str(accept), tag, n);
    if (i == SIZE_MAX)
        return "-";
    snprintf(text, sizeof text, "%.*s", (int)tag[i].n, tag[i].p);
    return text;
}

static void test_language(void)
{
    /* RFC 4647, 3.4: zh-Hant-CN-x-private1-private2 falls back to these in this order */
    is_str(chosen("zh-Hant-CN-x-private1-private2", "zh zh-Hant zh-Hant-CN zh-Hant-CN-x-private1"),
           "zh-Hant-CN-x-private1");
    is_str(chosen("zh-Hant-CN-x-private1-private2", "zh zh-Hant zh-Hant-CN"), "zh-Hant-CN");
    is_str(chosen("zh-Hant-CN-x-private1-private2", "zh zh-Hant"), "zh-Hant");
    is_str(chosen("zh-Hant-CN-x-private1-private2", "zh en"), "zh");
    is_str(chosen("zh-Hant-CN-x-private1-private2", "zh-Hant-CN-x"), "-"); /* never looked up */
    is_str(chosen("zh-Hant-CN-x-private1-private2", "en"), "-");
    /* RFC 4647, 3.4.1: "fr-FR, zh-Hant" is looked up as fr-FR, fr, zh-Hant, zh, then the default */
    is_str(chosen("fr-FR, zh-Hant", "ja zh-Hant"), "zh-Hant");
    is_str(chosen("fr-FR, zh-Hant", "fr zh-Hant"), "fr");
    is_str(chosen("fr-FR, zh-Hant", "ja fr-CA"), "-"); /* a look-up goes to what is shorter only */
    /* RFC 9110, 12.5.4: Danish, then British English, then any English */
    is_str(chosen("da, en-gb;q=0.8, en;q=0.7", "en da"), "da");
    is_str(chosen("da, en-gb;q=0.8, en;q=0.7", "en en-GB"), "en-GB");
    is_str(chosen("da, en-gb;q=0.8, en;q=0.7", "de en"), "en");
    is_str(chosen("en;q=0.7, de;q=0.701", "en de"), "de");
    is_str(chosen("en ; q=0.2 ,\tDE-at;q=0.9", "en de"), "de");
    is_str(chosen("de;q=0, en", "de en"), "en");
    is_str(chosen("de-CH, de;q=0", "de en"), "-");
    is_str(chosen("de;q=0.5, fr;q=0.5", "fr de"), "de"); /* as sent */
    is_str(chosen("*", "de en"), "-");
    is_str(chosen("*, de;q=0.1", "de en"), "de");
    is_str(chosen("de;q=1.5, en;q=0.1", "de en"), "en");
    is_str(chosen("de;q=x, en;q=0.1", "de en"), "en");
    is_str(chosen("", "de"), "-");
    is_str(chosen(",,;;q,--,a-,-b,\xff,toolonglanguage", "de"), "-");
    is_str(chosen("pt-BR,pt;q=0.9", "pt-BR pt"), "pt-BR");
    is_str(chosen("pt-PT", "pt-BR pt"), "pt");
    struct buf many = {0};
    for (unsigned i = 0; i < 10000; i++)
        buf_str(&many, "de-a-b-c-d-e-f;q=0.5,");
    const struct span one = span_of("xx", 2);
    is_int(http_language_lookup(buf_as_span(&many), &one, 1), SIZE_MAX);
    buf_free(&many);
    ok(http_language_is_tag(span_str("pt-BR")) && http_language_is_tag(span_str("i")), "tags");
    ok(!http_language_is_tag(span_str("")) && !http_language_is_tag(span_str("de-")) &&
           !http_language_is_tag(span_str("-de")) && !http_language_is_tag(span_str("de--at")) &&
           !http_language_is_tag(span_str("d\r\n")) && !http_language_is_tag(span_str("ninechars")),
       "no tags");
}

/* ---- visitors ---- */

#define FIREFOX                                                                                    \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
#define LANGUAGE "Accept-Language: en-US,en;q=0.5\r\n"
#define ENCODING "Accept-Encoding: gzip, deflate\r\n"
#define HTML     "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"

static int judged(const char *line, const char *headers)
{
    static char head[4096];
    struct http_request r;
    snprintf(head, sizeof head, "%s HTTP/1.1\r\nHost: a.example\r\n%s\r\n", line, headers);
    return http_parse(span_str(head), &r) == 1 ? (int)http_visitor_judge(&r) : -1;
}

static void test_visitors(void)
{
    is_int(judged("GET /", FIREFOX HTML LANGUAGE ENCODING), HTTP_VISITOR_PAGE);
    is_int(judged("HEAD /x?y", FIREFOX HTML LANGUAGE ENCODING), HTTP_VISITOR_PAGE);
    is_int(judged("GET /", FIREFOX HTML LANGUAGE "Upgrade-Insecure-Requests: 1\r\n"),
           HTTP_VISITOR_PAGE);
    is_int(judged("GET /", FIREFOX HTML LANGUAGE "Sec-Fetch-Dest: document\r\n"),
           HTTP_VISITOR_PAGE);
    /* Chrome, Safari, IE 9, old Opera */
    is_int(
        judged("GET /",
               "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
               "like Gecko) Chrome/120.0.0.0 Safari/537.36\r\nUpgrade-Insecure-Requests: 1\r\n"
               "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
               "image/webp,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: "
               "de-DE,de;q=0.9\r\n"),
        HTTP_VISITOR_PAGE);
    is_int(judged("GET /",
                  "Accept: text/html, application/xhtml+xml, */*\r\nAccept-Language: en-US\r\n"
                  "User-Agent: Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; "
                  "Trident/5.0)\r\nAccept-Encoding: gzip, deflate\r\n"),
           HTTP_VISITOR_PAGE);
    is_int(judged("GET /", "User-Agent: Opera/9.80 (Windows NT 6.1; U; en) Presto/2.8.131\r\n" HTML
                           "Accept-Language: en\r\n" ENCODING),
           HTTP_VISITOR_PAGE);
    /* what bots send */
    is_int(judged("GET /", "Accept: */*\r\nAccept-Language: en-us\r\nUA-CPU: x86\r\n" ENCODING
                           "User-Agent: Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)\r\n"),
           HTTP_VISITOR_NONE);
    is_int(judged("GET /", "Accept: */*\r\n" FIREFOX LANGUAGE ENCODING), HTTP_VISITOR_NONE);
    is_int(judged("GET /", FIREFOX), HTTP_VISITOR_NONE);
    is_int(judged("GET /", FIREFOX HTML), HTTP_VISITOR_NONE);
    is_int(judged("GET /", FIREFOX HTML LANGUAGE), HTTP_VISITOR_NONE);
    is_int(judged("GET /", FIREFOX HTML ENCODING), HTTP_VISITOR_NONE);
    is_int(judged("GET /", "Accept: text/html;q=0\r\n" FIREFOX LANGUAGE ENCODING),
           HTTP_VISITOR_NONE);
    is_int(judged("GET /", ""), HTTP_VISITOR_NONE);
    is_int(judged("POST /", FIREFOX HTML LANGUAGE ENCODING "Content-Length: 1\r\n"),
           HTTP_VISITOR_NONE);
    is_int(judged("GET  /", FIREFOX HTML LANGUAGE ENCODING), HTTP_VISITOR_NONE); /* odd spaces */
    is_int(judged("GET /", "User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; "
                           "+http://www.google.com/bot.html)\r\n" HTML LANGUAGE ENCODING),
           HTTP_VISITOR_NONE);
    is_int(judged("GET /", "User-Agent: curl/7.88.1\r\nAccept: */*\r\n"), HTTP_VISITOR_NONE);
    /* beside the page */
    is_int(judged("GET /favicon.ico", FIREFOX "Accept: image/avif,*/*\r\n" LANGUAGE ENCODING),
           HTTP_VISITOR_FETCH);
    is_int(judged("GET /x.js",
                  FIREFOX "Accept: */*\r\n" LANGUAGE ENCODING "Sec-Fetch-Dest: script\r\n"),
           HTTP_VISITOR_FETCH);
    is_int(judged("GET /x", FIREFOX HTML LANGUAGE ENCODING "Sec-Fetch-Dest: image\r\n"),
           HTTP_VISITOR_FETCH);
    is_int(judged("GET /x", FIREFOX HTML LANGUAGE ENCODING "X-Requested-With: XMLHttpRequest\r\n"),
           HTTP_VISITOR_NONE);
}

static const char *path_of(const char *target)
{
    static char head[512], text[512];
    struct http_request r;
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\n\r\n", target);
    if (http_parse(span_str(head), &r) != 1)
        return "?";
    struct span path = http_visitor_path(&r);
    snprintf(text, sizeof text, "%.*s", (int)path.n, path.p);
    return text;
}

static void test_paths(void)
{
    is_str(path_of("/robots.txt?x=/"), "/robots.txt");
    is_str(path_of("http://a.example/favicon.ico"), "/favicon.ico");
    is_str(path_of("http://a.example"), "");
    is_str(path_of("*"), "");
}

/* ---- content ---- */

static int body_is(const char *type, const char *body)
{
    return http_content_check("policy", span_str(type), span_str(body), NULL);
}

static void test_content(void)
{
    static const char *const good_types[] = {"application/octet-stream",
                                             "text/plain; charset=utf-8", "image/gif",
                                             "application/json", "text/html"};
    static const char *const bad_types[] = {"application/javascript",
                                            "text/vbscript",
                                            "application/x-msdownload",
                                            "application/x-dosexec",
                                            "application/java-archive",
                                            "application/hta",
                                            "application/vnd.microsoft.portable-executable",
                                            "application/vnd.android.package-archive",
                                            "Application/X-Shockwave-Flash",
                                            "application/x-sh",
                                            "",
                                            "text",
                                            "/",
                                            "text/",
                                            "/x",
                                            "text/plain\r\nX: y",
                                            "text/plain, text/html",
                                            "te xt/plain"};
    static const char *const bad_bodies[] = {"MZ\x90",
                                             "\177ELF\2",
                                             "#!/bin/sh",
                                             "PK\3\4x",
                                             "\xca\xfe\xba\xbe",
                                             "<?php",
                                             "a<SCRIPT>",
                                             "FWS\7",
                                             "x javascript:alert(1)",
                                             "dex\n035"};
    static const char *const bad_pages[] = {"<iframe src=x>",
                                            "<img src=x onerror=y>",
                                            "<meta http-equiv=\"refresh\" content=\"0;url=//x\">",
                                            "<a href='x'onclick=y>",
                                            "<svg/onload=y>",
                                            "<FORM action=x>",
                                            "<base href=//x>",
                                            "<p\nonclick=x>"};
    static const char *const good_pages[] = {"<p>go on</p>", "<p title=\"on x\">a < on b</p>",
                                             "<!-- on --><a href=\"https://x/\">y</a>",
                                             "<meta charset=utf-8>"};
    for (size_t i = 0; i < sizeof good_types / sizeof *good_types; i++)
        is_int(body_is(good_types[i], "ok"), 0);
    for (size_t i = 0; i < sizeof bad_types / sizeof *bad_types; i++)
        is_int(body_is(bad_types[i], "ok"), -EINVAL);
    for (size_t i = 0; i < sizeof bad_bodies / sizeof *bad_bodies; i++)
        is_int(body_is("application/octet-stream", bad_bodies[i]), -EINVAL);
    for (size_t i = 0; i < sizeof bad_pages / sizeof *bad_pages; i++) {
        is_int(body_is("text/html", bad_pages[i]), -EINVAL);
        is_int(http_content_check_html("page", span_str(bad_pages[i]), NULL), -EINVAL);
    }
    for (size_t i = 0; i < sizeof good_pages / sizeof *good_pages; i++)
        is_int(http_content_check_html("page", span_str(good_pages[i]), NULL), 0);
}

/* ---- templates ---- */

static const char *rendered(const char *html, const char *operator, const char * court)
{
    static char text[4096];
    struct http_page p;
    struct err err = {0};
    struct http_page_values values = {0};
    struct buf out = {0};
    if (http_page_compile("en", html, &p, &err) < 0) {
        snprintf(text, sizeof text, "%s", err.text);
        return text;
    }
    values.v[HTTP_PAGE_operator] = span_str(operator);
    values.v[HTTP_PAGE_court] = span_str(court);
    http_page_render(&p, &values, &out);
    snprintf(text, sizeof text, "%.*s", (int)out.n, out.p);
    buf_free(&out);
    http_page_free(&p);
    return text;
}

static void test_templates(void)
{
    is_str(rendered("<p>{{operator}}</p>", "a<b>&\"'c", ""), "<p>a&lt;b&gt;&amp;&#34;&#39;c</p>");
    is_str(rendered("{{operator}}",
                    "G\xc3\xa4"
                    "rtner",
                    ""),
           "G\xc3\xa4"
           "rtner");
    is_str(rendered("{{operator}}", "G\xe4r\r\n\x01", ""), "G?r???");
    is_str(rendered("{{operator}}", "{{court}}", "x"), "{{court}}"); /* values are no templates */
    is_str(rendered("a{{#court}}[{{court}}]{{/court}}{{^court}}none{{/court}}b", "", "C"), "a[C]b");
    is_str(rendered("a{{#court}}[{{court}}]{{/court}}{{^court}}none{{/court}}b", "", ""), "anoneb");
    is_str(rendered("{{#court}}1{{#operator}}2{{/operator}}3{{/court}}4", "o", ""), "4");
    is_str(rendered("{{#court}}1{{#operator}}2{{/operator}}3{{/court}}4", "", "c"), "134");
    is_str(rendered("{{nothing}}", "", ""), "page \"en\": no such placeholder (\"nothing\")");
    is_str(rendered("{{court", "", ""), "page \"en\": a placeholder has no end (\"{{court\")");
    is_str(rendered("{{#court}}", "", ""), "page \"en\": a section has no end (\"court\")");
    is_str(rendered("{{/court}}", "", ""),
           "page \"en\": a section ends that was not begun (\"/court\")");
    is_str(rendered("{{#court}}{{/operator}}{{/court}}", "", ""),
           "page \"en\": a section ends that was not begun (\"/operator\")");
    is_str(rendered("<style>a{{court}}</style>", "", ""),
           "page \"en\": a style sheet has a placeholder or no end (\"a{{court}}\")");
    is_str(rendered("<style>a", "", ""),
           "page \"en\": a style sheet has a placeholder or no end (\"a\")");
    is_str(rendered("", "", ""), "page \"en\": empty, over 256 KiB, or not UTF-8");
    is_str(rendered("\xff", "", ""), "page \"en\": empty, over 256 KiB, or not UTF-8");
    struct buf deep = {0}, many = {0};
    for (unsigned i = 0; i <= HTTP_PAGE_DEPTH_MAX; i++)
        buf_str(&deep, "{{#court}}");
    for (unsigned i = 0; i <= HTTP_PAGE_PIECES_MAX; i++)
        buf_str(&many, "{{court}}");
    buf_byte(&deep, 0);
    buf_byte(&many, 0);
    is_str(rendered((const char *)deep.p, "", ""),
           "page \"en\": sections nest too deep (\"#court\")");
    ok(strstr(rendered((const char *)many.p, "", ""), "too many"), "too many placeholders");
    buf_free(&deep);
    buf_free(&many);
    /* printf 'a{b:c}' | openssl dgst -sha256 -binary | openssl base64 */
    struct http_page p;
    is_int(http_page_compile("de", "<STYLE type=x>a{b:c}</STYLE>", &p, NULL), 0);
    buf_byte(&p.headers, 0);
    ok(strstr((const char *)p.headers.p,
              "style-src 'sha256-0cRUVYRKwNwnl1hkfkPGjkht16b039TjFdJzmXfFK2o='\r\n"),
       "the style sheet's hash");
    ok(strstr((const char *)p.headers.p, "Content-Language: de\r\n"), "the language");
    is_str(p.answer, "200 page de");
    http_page_free(&p);
}

/* ---- the page as served ---- */

struct world {
    struct test_env t;
    struct test_session ts;
};

static const char *visit(struct world *w, const char *dst, const char *host, const char *more)
{
    static char request[2048];
    snprintf(request, sizeof request,
             "GET / HTTP/1.1\r\nHost: %s\r\n" FIREFOX HTML ENCODING "%s\r\n", host, more);
    w->t.out.n = 0;
    test_env_forget(&w->t);
    test_session_begin(&w->ts, &w->t, &http_session,
                       test_peer("198.51.100.7", 1025, dst, 80, true));
    test_session_data(&w->ts, span_str(request));
    test_session_end(&w->ts, SESSION_PEER_CLOSED);
    *buf_reserve(&w->t.out, 1) = 0;
    return (const char *)w->t.out.p;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static size_t body_length(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? strlen(end + 4) : 0;
}

static size_t said_length(const char *answer)
{
    const char *at = strstr(answer, "Content-Length: ");
    return at ? strtoul(at + 16, NULL, 10) : SIZE_MAX;
}

static void test_served(struct world *w)
{
    const char *a = visit(w, "203.0.113.1", "www.seized.example:80", "Accept-Language: en\r\n");
    ok(strncmp(a, "HTTP/1.1 200 OK\r\nDate: Wed, 16 Mar 2011 09:00:00 GMT\r\n", 54) == 0, "200");
    is_int(said_length(a), body_length(a));
    ok(has(a, "Content-Type: text/html; charset=utf-8\r\n"), "HTML");
    ok(has(a, "Content-Security-Policy: default-src 'none';"), "nothing is loaded");
    ok(has(a, "Cache-Control: no-store\r\n"), "not kept by caches");
    ok(has(a, "X-Sinkhole: A <\"B??; order=order-1\r\n"), "one header line, whatever the name");
    ok(has(a, "<h1>www.seized.example has been seized</h1>"), "what was asked for");
    ok(has(a, "<dt>Seized</dt><dd>seized.example</dd>"), "what was seized");
    ok(has(a, "By order of District Court, it"), "the court");
    ok(has(a, "2:11-cv-00222"), "the docket");
    ok(has(a, "from 2011-03-15 to 2011-04-15"), "the days");
    ok(has(a, "<dd>198.51.100.7</dd>") && has(a, "<dd>2011-03-16 09:00:00 UTC</dd>"), "the visit");
    ok(has(a, "A &lt;&#34;B"), "the operator, escaped");
    ok(has(a, "<a href=\"https://help.example/?a=1&amp;b\""), "help");
    ok(!has(a, "<script") && !has(a, "{{"), "no script, nothing left of the template");
    is_int(w->t.n, 1);
    ok(span_is(w->t.recorded[0].ev.role, "visitor"), "a visitor");
    ok(span_is(w->t.recorded[0].ev.answer, "200 page en"), "the answer");
    is_int(w->t.counters.http_pages, 1);
    a = visit(w, "203.0.113.1", "seized.example", "Accept-Language: fr, de-AT;q=0.9, en;q=0.1\r\n");
    ok(has(a, "Content-Language: de\r\n") && has(a, "\r\n\r\n<p>Beschlagnahmt: seized.example</p>"),
       "German");
    is_int(said_length(a), body_length(a));
    ok(span_is(w->t.recorded[0].ev.answer, "200 page de"), "the answer");
    a = visit(w, "203.0.113.1", "seized.example", "Accept-Language: fr\r\n");
    ok(has(a, "Content-Language: en\r\n"), "English for all others");
    /* whoever points his name to a seized address is not seized by that */
    a = visit(w, "192.0.2.1", "bank.example", "Accept-Language: en\r\n");
    ok(!has(a, "bank.example") && has(a, "<h1>192.0.2.1 has been seized</h1>"), "the address");
    a = visit(w, "203.0.113.1", "x.wild.example", "Accept-Language: en\r\n");
    ok(has(a, "<h1>x.wild.example has been seized</h1>") && has(a, "<dd>*.wild.example</dd>"),
       "below");
    a = visit(w, "203.0.113.1", "never.example", "Accept-Language: en\r\n");
    ok(said_length(a) == 0 && span_is(w->t.recorded[0].ev.role, "visitor"), "never, but known");
    a = visit(w, "203.0.113.1", "always.example", "");
    ok(has(a, "<h1>always.example") && !w->t.recorded[0].ev.role.n, "always, but no visitor");
    uint64_t pages = w->t.counters.http_pages;
    test_session_begin(&w->ts, &w->t, &http_session,
                       test_peer("198.51.100.7", 1025, "203.0.113.1", 80, true));
    w->t.out.n = 0;
    test_session_data(&w->ts, span_str("HEAD / HTTP/1.1\r\nHost: seized.example\r\n" FIREFOX HTML
                                           ENCODING LANGUAGE "\r\n"));
    test_session_end(&w->ts, SESSION_PEER_CLOSED);
    *buf_reserve(&w->t.out, 1) = 0;
    ok(said_length((char *)w->t.out.p) > 2000 && body_length((char *)w->t.out.p) == 0, "HEAD");
    is_int(w->t.counters.http_pages, pages + 1);
    is_int(w->t.counters.memory_bytes, 0);
}

static int server_new(struct net_config *c, struct err *err)
{
    struct http_server *s = NULL;
    int r = http_server_new(c, &s, err);
    http_server_free(s);
    return r;
}

static void test_refused(struct test_env *t)
{
    static char script[] = "text/javascript", program[] = "MZ", help[] = "javascript:x",
                de[] = "de", DE[] = "DE", bad[] = "{{x}}", page[] = "<p>", odd[] = "d e";
    struct net_config c = t->config;
    struct policy p = t->policies[0];
    struct net_page pages[2] = {{de, page}, {DE, page}};
    struct err err;
    c.policies = &p;
    c.policies_count = 1;
    is_int(server_new(&c, &err), 0);
    p.http.answer = POLICY_HTTP_BODY;
    p.http.content_type = script;
    is_int(server_new(&c, &err), -EINVAL);
    is_str(err.text, "policy \"default\": content type \"text/javascript\" is executed by clients "
                     "(\"script\")");
    p = t->policies[0];
    p.http.answer = POLICY_HTTP_BODY;
    p.http.body = program;
    is_int(server_new(&c, &err), -EINVAL);
    is_str(err.text, "policy \"default\": the body is a DOS or Windows program: the sinkhole sends "
                     "nothing that runs");
    p = t->policies[0];
    c.help_url = help;
    is_int(server_new(&c, &err), -EINVAL);
    c.help_url = t->config.help_url;
    c.pages = pages;
    c.pages_count = 2;
    is_int(server_new(&c, &err), -EINVAL);
    is_str(err.text, "page \"DE\": there is another one of this language");
    pages[1].language = odd;
    is_int(server_new(&c, &err), -EINVAL);
    pages[1] = (struct net_page){DE, bad};
    c.pages_count = 1;
    is_int(server_new(&c, &err), 0);
    pages[0] = pages[1];
    is_int(server_new(&c, &err), -EINVAL);
}

int main(void)
{
    static char operator[] = "A <\"B\r\n", help[] = "https://help.example/?a=1&b", de[] = "de",
                html[] = "<p>Beschlagnahmt: {{host}}</p>", always[] = "always", never[] = "never";
    static struct world w;
    struct net_page page = {de, html};
    struct err err;
    test_language();
    test_visitors();
    test_paths();
    test_content();
    test_templates();
    test_env_init(&w.t);
    test_refused(&w.t);
    w.t.policies[1] = w.t.policies[2] = w.t.policies[0];
    w.t.policies[1].name = always;
    w.t.policies[1].http.page = POLICY_PAGE_ALWAYS;
    w.t.policies[2].name = never;
    w.t.policies[2].http.page = POLICY_PAGE_NEVER;
    w.t.config.policies_count = 3;
    w.t.config.operator_name = operator;
    w.t.config.help_url = help;
    w.t.config.pages = &page;
    w.t.config.pages_count = 1;
    test_env_asset(&w.t, "seized.example", "", "");
    test_env_asset(&w.t, "*.wild.example", "", "");
    test_env_asset(&w.t, "always.example", "always", "");
    test_env_asset(&w.t, "never.example", "never", "");
    test_env_asset(&w.t, "192.0.2.1", "", "");
    test_env_ready(&w.t);
    if (http_server_new(&w.t.config, &w.t.env.http, &err) < 0)
        abort();
    test_served(&w);
    http_server_free(w.t.env.http);
    test_env_free(&w.t);
    return tap_done();
}
