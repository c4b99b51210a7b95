#include "net/http_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utc.h"
#include "net/http_content.h"
#include "net/http_language.h"
#include "net/http_page.h"
#include "net/http_visitor.h"
#include "net/tls.h"
#include "wire/text.h"

#define DATE_LEN      29 /* "Wed, 16 Mar 2011 09:00:00 GMT" (RFC 9110, 5.6.7) */
#define LENGTH_MAX    20
#define NUMBER_TEXT   "Content-Length: "
#define DEFAULT_TYPE  "application/octet-stream"
#define FOREVER_YEARS 100 /* an order's end so far away is none */

struct http_form {
    struct buf head; /* status line, Date and the headers that are always the same */
    struct span body;
    const char *answer; /* for the event */
};

struct http_server {
    const struct net_config *config;
    struct http_form *policy_form; /* one a policy; no head: close */
    struct http_form not_found, no_method, options, robots;
    struct http_page *pages;
    struct span *languages; /* of the pages */
    unsigned pages_count;
    unsigned fallback;   /* page for those whose language is not there */
    struct buf identify; /* the identification header up to the order's id */
    struct buf scratch, document;
    int64_t date_second; /* the second that `date` is the text of */
    char date[DATE_LEN + 1];
};

/* ---- made once ---- */

static void form_make(struct http_form *f, const char *status, const char *type, const char *more,
                      struct span body, const char *answer)
{
    buf_printf(&f->head, "HTTP/1.1 %s\r\nDate: %*s\r\nContent-Length: %zu\r\n", status, DATE_LEN,
               "", body.n);
    if (type)
        buf_printf(&f->head, "Content-Type: %s\r\n", type);
    buf_str(&f->head, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    buf_str(&f->head, more);
    f->body = body;
    f->answer = answer;
}

#define DOCUMENT_POLICY "Content-Security-Policy: default-src 'none'; sandbox\r\n"

static int policy_compile(const struct policy *p, struct http_form *f, struct err *err)
{
    const struct span none = {NULL, 0};
    const char *type = *p->http.content_type ? p->http.content_type : DEFAULT_TYPE;
    struct span body = span_str(p->http.body);
    char what[96];
    snprintf(what, sizeof what, "policy \"%.64s\"", p->name);
    switch (p->http.answer) {
    case POLICY_HTTP_EMPTY:
        form_make(f, "200 OK", NULL, "", none, "200 empty");
        return 0;
    case POLICY_HTTP_404:
        form_make(f, "404 Not Found", NULL, "", none, "404");
        return 0;
    case POLICY_HTTP_CLOSE:
        return 0;
    case POLICY_HTTP_BODY:
        break;
    }
    if (body.n > HTTP_POLICY_BODY_MAX)
        return err_set(err, -EINVAL, "%s: the body is over %u KiB", what,
                       HTTP_POLICY_BODY_MAX >> 10);
    int r = http_content_check(what, span_str(type), body, err);
    if (r == 0)
        form_make(f, "200 OK", type,
                  http_content_is_document(span_str(type)) ? DOCUMENT_POLICY : "", body,
                  "200 body");
    return r;
}

static int policies_compile(struct http_server *s, struct err *err)
{
    int r = 0;
    s->policy_form = calloc(s->config->policies_count + 1, sizeof *s->policy_form);
    if (!s->policy_form)
        abort();
    for (unsigned i = 0; i < s->config->policies_count && r == 0; i++)
        r = policy_compile(&s->config->policies[i], &s->policy_form[i], err);
    return r;
}

static void forms_make(struct http_server *s)
{
    const struct span none = {NULL, 0};
    static const char robots[] = "User-agent: *\nDisallow: /\n";
    form_make(&s->not_found, "404 Not Found", NULL, "", none, "404");
    form_make(&s->no_method, "405 Method Not Allowed", NULL, "Allow: GET, HEAD, POST, OPTIONS\r\n",
              none, "405");
    form_make(&s->options, "200 OK", NULL, "Allow: GET, HEAD, POST, OPTIONS\r\n", none,
              "200 empty");
    form_make(&s->robots, "200 OK", "text/plain; charset=utf-8", "", span_str(robots),
              "200 robots");
}

static int page_add(struct http_server *s, const char *language, const char *html, struct err *err)
{
    for (unsigned i = 0; i < s->pages_count; i++)
        if (span_ieq(s->languages[i], span_str(language)))
            return err_set(err, -EINVAL, "page \"%s\": there is another one of this language",
                           language);
    int r = http_page_compile(language, html, &s->pages[s->pages_count], err);
    if (r == 0)
        s->languages[s->pages_count++] = span_str(language);
    return r;
}

/* The operator's pages, and the built-in one unless they have English. */
static int pages_compile(struct http_server *s, struct err *err)
{
    const struct net_config *c = s->config;
    const struct span english = span_str("en");
    s->pages = calloc(c->pages_count + 1, sizeof *s->pages);
    s->languages = calloc(c->pages_count + 1, sizeof *s->languages);
    if (!s->pages || !s->languages)
        abort();
    if (c->pages_count > NET_PAGES_MAX)
        return err_set(err, -EINVAL, "pages: more than %u", NET_PAGES_MAX);
    for (unsigned i = 0; i < c->pages_count; i++) {
        int r = page_add(s, c->pages[i].language, c->pages[i].html, err);
        if (r < 0)
            return r;
    }
    s->fallback = 0;
    while (s->fallback < s->pages_count && !span_ieq(s->languages[s->fallback], english))
        s->fallback++;
    return s->fallback < s->pages_count ? 0 : page_add(s, "en", http_page_builtin, err);
}

static bool is_link(struct span s)
{
    static const char *const schemes[] = {"https://", "http://", "mailto:", "tel:"};
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (text_starts(s, schemes[i]))
            return true;
    return false;
}

/* A header's value: visible ASCII, nothing that ends a line. */
static void put_visible(struct span s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++)
        buf_byte(out, s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?');
}

static void identify_make(struct http_server *s)
{
    struct span name = span_str(s->config->operator_name);
    buf_str(&s->identify, "X-Sinkhole: ");
    put_visible(name, &s->identify);
    buf_str(&s->identify, name.n ? "; order=" : "order=");
}

int http_server_new(const struct net_config *config, struct http_server **out, struct err *err)
{
    struct http_server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->config = config;
    s->date_second = INT64_MIN;
    int r = 0;
    if (*config->help_url && !is_link(span_str(config->help_url)))
        r = err_set(err, -EINVAL, "help_url: no https, http, mailto or tel link (\"%s\")",
                    config->help_url);
    if (r == 0)
        r = policies_compile(s, err);
    if (r == 0)
        r = pages_compile(s, err);
    if (r < 0) {
        http_server_free(s);
        return r;
    }
    forms_make(s);
    identify_make(s);
    *out = s;
    return 0;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    for (unsigned i = 0; s->policy_form && i < s->config->policies_count; i++)
        buf_free(&s->policy_form[i].head);
    for (unsigned i = 0; i < s->pages_count; i++)
        http_page_free(&s->pages[i]);
    buf_free(&s->not_found.head);
    buf_free(&s->no_method.head);
    buf_free(&s->options.head);
    buf_free(&s->robots.head);
    buf_free(&s->identify);
    buf_free(&s->scratch);
    buf_free(&s->document);
    free(s->policy_form);
    free(s->pages);
    free(s->languages);
    free(s);
}

struct buf *http_server_scratch(struct http_server *s)
{
    s->scratch.n = 0;
    return &s->scratch;
}

/* ---- for each request ---- */

static void reply_form(const struct http_form *f, struct http_reply *out)
{
    out->form = f->head.n ? f : NULL;
    out->text = f->head.n ? span_str(f->answer) : span_of("closed", 6);
}

static void reply_page(const struct http_server *s, const struct http_request *r,
                       struct http_reply *out)
{
    const struct http_header *h = http_find(r, "Accept-Language");
    size_t at = SIZE_MAX;
    if (h && s->pages_count > 1)
        at = http_language_lookup(h->value, s->languages, s->pages_count);
    out->page = &s->pages[at < s->pages_count ? at : s->fallback];
    out->text = span_str(out->page->answer);
}

/* A tunnel is never opened, so its answer is never a 200, which would promise one. */
static const struct http_form *
by_method(const struct http_server *s, const struct http_form *policy, const struct http_request *r)
{
    if (!policy->head.n)
        return policy;
    if (span_is(r->method, "CONNECT"))
        return &s->no_method;
    return span_is(r->method, "OPTIONS") && policy->answer[0] == '2' ? &s->options : policy;
}

void http_server_decide(const struct http_server *s, const struct authority_match *match,
                        const struct http_request *r, struct http_reply *out)
{
    const struct policy *p = net_policy(s->config, match->asset.policy);
    const struct http_form *form = &s->policy_form[p - s->config->policies];
    enum http_visitor visitor = http_visitor_judge(r);
    memset(out, 0, sizeof *out);
    out->visitor = visitor != HTTP_VISITOR_NONE;
    bool get = span_is(r->method, "GET") || span_is(r->method, "HEAD");
    if (!get || p->http.page == POLICY_PAGE_NEVER) {
        reply_form(by_method(s, form, r), out);
        return;
    }
    struct span path = http_visitor_path(r);
    bool bare = p->http.answer == POLICY_HTTP_EMPTY || p->http.answer == POLICY_HTTP_404;
    if (span_is(path, "/robots.txt") && (bare || out->visitor))
        reply_form(&s->robots, out);
    else if (visitor == HTTP_VISITOR_FETCH && span_is(path, "/favicon.ico"))
        reply_form(&s->not_found, out);
    else if (visitor == HTTP_VISITOR_PAGE || p->http.page == POLICY_PAGE_ALWAYS)
        reply_page(s, r, out);
    else
        reply_form(form, out);
}

static void two_digits(char *at, unsigned v)
{
    at[0] = (char)('0' + v / 10 % 10);
    at[1] = (char)('0' + v % 10);
}

/* Once a second. */
static void date_make(struct http_server *s, int64_t now)
{
    static const char days[] = "ThuFriSatSunMonTueWed", /* 1970-01-01 was a Thursday */
        months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char date[UTC_TEXT_MAX];
    int64_t second = now / UTC_SECOND;
    unsigned day = (unsigned)(utc_day(now) % 7), in_day = (unsigned)(second % 86400);
    utc_format_date(now, date); /* 2011-03-16 */
    unsigned month = (unsigned)((date[5] - '0') * 10 + date[6] - '0' - 1);
    memcpy(s->date, "Thu, 01 Jan 1970 00:00:00 GMT", DATE_LEN);
    memcpy(s->date, days + (size_t)3 * day, 3);
    memcpy(s->date + 5, date + 8, 2);
    memcpy(s->date + 8, months + (size_t)3 * month, 3);
    memcpy(s->date + 12, date, 4);
    two_digits(s->date + 17, in_day / 3600);
    two_digits(s->date + 20, in_day / 60 % 60);
    two_digits(s->date + 23, in_day % 60);
    s->date_second = second;
}

static void put_date(struct http_server *s, const struct net_env *env, uint8_t *at)
{
    if (env->now / UTC_SECOND != s->date_second)
        date_make(s, env->now);
    memcpy(at, s->date, DATE_LEN);
}

static void put_identity(const struct http_server *s, const struct authority_match *match,
                         struct buf *out)
{
    if (!match->asset.identify)
        return;
    buf_span(out, buf_as_span(&s->identify));
    put_visible(match->order.id, out);
    buf_put(out, "\r\n", 2);
}

/* Closes the head. */
static void put_connection(bool keep, struct buf *out)
{
    static const char kept[] = "Connection: keep-alive\r\n\r\n",
                      closed[] = "Connection: close\r\n\r\n";
    buf_put(out, keep ? kept : closed, keep ? sizeof kept - 1 : sizeof closed - 1);
}

static void put_form(struct http_server *s, struct net_env *env,
                     const struct authority_match *match, const struct http_form *f, bool keep,
                     bool body, struct buf *out)
{
    uint8_t *at = buf_reserve(out, f->head.n + f->body.n + s->identify.n + match->order.id.n + 64);
    memcpy(at, f->head.p, f->head.n);
    const uint8_t *line = memchr(at, '\n', f->head.n);
    put_date(s, env, at + (line - at) + sizeof("\nDate: ") - 1);
    out->n += f->head.n;
    put_identity(s, match, out);
    put_connection(keep, out);
    if (body)
        buf_span(out, f->body);
}

/* The order's contact as a link, in the arena; empty when it is neither link nor mail address. */
static struct span contact_link(struct arena *arena, struct span contact)
{
    if (is_link(contact))
        return contact;
    size_t at = text_find(contact, '@');
    bool mail = at > 0 && at + 1 < contact.n && contact.n < HTTP_PAGE_VALUE_MAX - 16;
    for (size_t i = 0; i < contact.n; i++)
        mail = mail && contact.p[i] > ' ' && contact.p[i] < 0x7f &&
               !strchr(":?&,;<>\"'", contact.p[i]);
    if (!mail)
        return span_of(NULL, 0);
    uint8_t *p = arena_alloc(arena, contact.n + 7);
    memcpy(p, "mailto:", 7);
    memcpy(p + 7, contact.p, contact.n);
    return span_of(p, contact.n + 7);
}

static struct span day_text(struct arena *arena, int64_t t)
{
    char *text = arena_alloc(arena, UTC_TEXT_MAX);
    return span_of(text, utc_format_date(t, text));
}

static struct span ip_text(struct arena *arena, const struct ip *ip)
{
    char *text = arena_alloc(arena, IP_TEXT_MAX);
    return span_of(text, ip_format(ip, text));
}

static struct span time_text(struct arena *arena, int64_t t)
{
    char *text = arena_alloc(arena, UTC_TEXT_MAX);
    utc_format(t, text);
    text[10] = ' ';
    return span_of(text, 19);
}

/* Without port and without the brackets of an IPv6 address. */
static struct span host_name(struct span authority)
{
    if (authority.n && *authority.p == '[')
        return span_of(authority.p + 1, text_find(text_behind(authority, 1), ']'));
    return span_of(authority.p, text_find(authority, ':'));
}

/* Never a name that somebody else merely pointed to a seized address: that one was not seized. */
static struct span asked_for(const struct net_env *env, const struct net_peer *peer,
                             const struct authority_match *m, const struct http_request *r)
{
    struct authority_match by_host;
    struct span authority = http_authority(r);
    if (m->asset.kind == AUTHORITY_DOMAIN || m->asset.kind == AUTHORITY_WILDCARD) {
        if (authority_host(env->authority, authority, env->now, &by_host))
            return host_name(authority);
        if (peer->tls && peer->tls->sni.n)
            return peer->tls->sni;
    }
    return ip_text(env->arena, &peer->dst);
}

static struct span seized_text(const struct net_env *env, const struct net_peer *peer,
                               const struct authority_asset *asset)
{
    char *text = arena_alloc(env->arena, NET_TEXT_MAX + 2 * asset->name.n);
    size_t n = 0;
    struct span label;
    switch (asset->kind) {
    case AUTHORITY_DOMAIN:
    case AUTHORITY_WILDCARD:
        if (asset->kind == AUTHORITY_WILDCARD)
            n = (size_t)(stpcpy(text, "*.") - text);
        for (struct cur c = cur_of(asset->name); cur_left(&c) && *c.p;) {
            size_t len = *c.p++;
            if (!cur_take(&c, len, &label))
                break;
            memcpy(text + n, label.p, len);
            n += len;
            text[n++] = '.';
        }
        return span_of(text, n ? n - 1 : 0);
    case AUTHORITY_NETWORK:
        return span_of(text, net_format(&asset->net, text));
    case AUTHORITY_ADDRESS:
    case AUTHORITY_PORT:
        break;
    }
    return ip_text(env->arena, &peer->dst);
}

static void page_values(const struct net_env *env, const struct net_peer *peer,
                        const struct authority_match *m, const struct http_request *r,
                        const struct http_page *page, struct http_page_values *out)
{
    struct span *v = out->v;
    struct arena *arena = env->arena;
    memset(out, 0, sizeof *out);
    v[HTTP_PAGE_operator] = span_str(env->config->operator_name);
    v[HTTP_PAGE_order] = m->order.id;
    v[HTTP_PAGE_court] = m->order.court;
    v[HTTP_PAGE_docket] = m->order.docket;
    v[HTTP_PAGE_jurisdiction] = m->order.jurisdiction;
    v[HTTP_PAGE_scope] = m->order.scope;
    v[HTTP_PAGE_from] = day_text(arena, m->order.from);
    if (m->order.until < env->now + FOREVER_YEARS * 366 * UTC_DAY)
        v[HTTP_PAGE_until] = day_text(arena, m->order.until - 1); /* it ends before that moment */
    v[HTTP_PAGE_contact] = m->order.contact;
    v[HTTP_PAGE_contact_href] = contact_link(arena, m->order.contact);
    v[HTTP_PAGE_help] = span_str(env->config->help_url);
    v[HTTP_PAGE_seized] = seized_text(env, peer, &m->asset);
    v[HTTP_PAGE_host] = asked_for(env, peer, m, r);
    v[HTTP_PAGE_address] = ip_text(arena, &peer->src);
    v[HTTP_PAGE_time] = time_text(arena, env->now);
    v[HTTP_PAGE_language] = page->language;
}

static void put_page(struct http_server *s, struct net_env *env,
                     const struct authority_match *match, const struct http_page *page, bool keep,
                     bool body, struct buf *out)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nDate: ";
    char length[sizeof NUMBER_TEXT + LENGTH_MAX + 2];
    buf_str(out, head);
    put_date(s, env, buf_reserve(out, DATE_LEN));
    out->n += DATE_LEN;
    int n = snprintf(length, sizeof length, "\r\n" NUMBER_TEXT "%zu\r\n", s->document.n);
    buf_put(out, length, (size_t)n);
    buf_span(out, buf_as_span(&page->headers));
    put_identity(s, match, out);
    put_connection(keep, out);
    if (body)
        buf_span(out, buf_as_span(&s->document));
}

void http_server_put(struct net_env *env, const struct net_peer *peer,
                     const struct authority_match *match, const struct http_request *r,
                     const struct http_reply *reply, bool keep, struct buf *out)
{
    struct http_server *s = env->http;
    bool body = !span_is(r->method, "HEAD");
    if (reply->page) {
        struct http_page_values values;
        page_values(env, peer, match, r, reply->page, &values);
        s->document.n = 0;
        http_page_render(reply->page, &values, &s->document);
        net_count(env, http_pages, 1);
    }
    if (!r->version.n)
        buf_span(out, reply->page ? buf_as_span(&s->document) : reply->form->body);
    else if (reply->page)
        put_page(s, env, match, reply->page, keep, body, out);
    else
        put_form(s, env, match, reply->form, keep, body, out);
}
