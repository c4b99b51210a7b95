/* The desk's routes: figures, the front end, logging in; all else of /api/ is api.c's. What is
 * asked is looked at in this order: the Host, the Origin of what changes something, the session,
 * its CSRF token. doc/desk.md has the table. */
#include <stdio.h>

#include "app/desk/desk_impl.h"
#include "app/serve/metrics.h"
#include "base/clock.h"
#include "base/json.h"
#include "web/assets.h"
#include "wire/text.h"

#define TEXT_TYPE     "text/plain; charset=utf-8"
#define ASSET_SECONDS 31536000 /* a year: the address has the bytes' hash */
#define ORIGIN_MAX    512

/* ---- answers ---- */

int desk_refuse(struct web_reply *reply, unsigned status, const char *why)
{
    struct json j = json_to(&reply->body);
    reply->status = status;
    reply->type = "application/json";
    reply->body.n = 0;
    json_object(&j);
    json_key(&j, "error");
    json_str(&j, why);
    json_object_end(&j);
    return WEB_NOW;
}

static void show_metrics(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    metrics_put(&reply->body, d->setup->shared);
    reply->type = METRICS_CONTENT_TYPE;
}

static void show_health(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    buf_str(&reply->body, "ok\n");
    reply->type = TEXT_TYPE;
}

static void show_ready(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    reply->type = TEXT_TYPE;
    if (metrics_not_ready(&reply->body, d->setup->shared))
        reply->status = 503;
    else
        buf_str(&reply->body, "ready\n");
}

const struct desk_own_route desk_own_routes[] = {
    {"GET", "/metrics", "figures for Prometheus", true, show_metrics},
    {"GET", "/healthz", "whether it answers", true, show_health},
    {"GET", "/readyz", "whether the sinkhole works", true, show_ready},
    {"POST", "/api/login", "log in by password and one-time code", true, login_password},
    {"POST", "/api/login/passkey/options", "a challenge for a passkey", true,
     login_passkey_options},
    {"POST", "/api/login/passkey", "log in by passkey", true, login_passkey},
    {"POST", "/api/login/link", "log in by a link of `ebb desk link`", true, login_link},
    {"GET", "/api/session", "who is logged in", true, login_session},
    {"POST", "/api/logout", "log out", false, login_out},
    {"GET", "/api/passkeys", "one's passkeys", false, desk_passkeys},
    {"GET", "/api/passkeys/options", "what a browser makes a passkey by", false,
     desk_passkeys_options},
    {"POST", "/api/passkeys/check", "looks at a new passkey, before its act is signed", false,
     desk_passkeys_check},
    {NULL, NULL, NULL, false, NULL},
};

/* ---- where it comes from ---- */

/* "desk.example:8443" -> "desk.example"; "[::1]:80" -> "[::1]". */
static struct span without_port(struct span host)
{
    size_t n = host.n && host.p[0] == '[' ? text_find(host, ']') + 1 : text_find(host, ':');
    return span_of(host.p, n < host.n ? n : host.n);
}

/* A page elsewhere whose name is made to lead here (DNS rebinding) has that name as Host: only
 * addresses, localhost and the desk's own name are the desk. */
static bool host_is_good(const struct desk *d, const struct web_request *r)
{
    struct ip ip;
    struct span host = without_port(web_header(r, "Host"));
    if (!host.n || text_is(host, "localhost") || ip_parse(host, &ip))
        return true;
    if (host.p[0] == '[')
        return host.n > 2 && ip_parse(span_of(host.p + 1, host.n - 2), &ip);
    return d->desk_host[0] && span_ieq(host, without_port(span_str(d->desk_host)));
}

bool desk_is_secure(const struct desk *d, const struct web_request *r)
{
    return web_is_secure(r) || (strncmp(d->config->desk_url, "https://", 8) == 0 &&
                                span_ieq(web_header(r, "Host"), span_str(d->desk_host)));
}

const char *desk_cookie_name(bool secure)
{
    return secure ? "__Host-ebb" : "ebb";
}

/* The page that sent it is ours: by its Origin, or, where a browser gives none, by Sec-Fetch-Site
 * (Fetch metadata). */
static bool origin_is_good(const struct desk *d, const struct web_request *r)
{
    char own[ORIGIN_MAX];
    struct span origin = web_header(r, "Origin"), site = web_header(r, "Sec-Fetch-Site");
    struct span host = web_header(r, "Host");
    if (site.p && !span_is(site, "same-origin"))
        return false;
    if (!origin.p)
        return site.p;
    if (d->config->desk_url[0] && span_ieq(origin, span_str(d->config->desk_url)))
        return true;
    if (!host.n || host.n > ORIGIN_MAX / 2 || span_ieq(host, span_str(d->desk_host)))
        return false; /* by its name it has one origin */
    snprintf(own, sizeof own, "%s://%.*s", web_is_secure(r) ? "https" : "http", (int)host.n,
             (const char *)host.p);
    return span_ieq(origin, span_str(own));
}

/* ---- who it is ---- */

const struct session *desk_session_of(struct desk *d, const struct web_request *r, unsigned *roles)
{
    struct span token = web_cookie(r, desk_cookie_name(desk_is_secure(d, r)));
    const struct session *s = sessions_find(d->sessions, token, clock_ms(), true);
    *roles = 0;
    if (s && !login_account(d, s->account, roles)) {
        sessions_end_account(d->sessions, s->account);
        return NULL;
    }
    return s;
}

bool desk_may_be_large(void *ctx, const struct web_request *r)
{
    unsigned roles;
    return desk_session_of(ctx, r, &roles);
}

static bool csrf_is_good(const struct session *s, const struct web_request *r)
{
    return session_csrf_is(s, web_header(r, "X-Ebb-Csrf"));
}

static bool only_reads(const struct web_request *r)
{
    return span_is(web_method(r), "GET") || span_is(web_method(r), "HEAD");
}

/* ---- the front end ---- */

static void give_asset(const struct web_asset *a, struct web_request *r, struct web_reply *reply)
{
    bool zipped = a->gzip.n && web_takes_gzip(r);
    reply->type = a->type;
    reply->borrowed = zipped ? a->gzip : a->data;
    reply->gzipped = zipped;
    reply->forever = true;
    snprintf(reply->etag, sizeof reply->etag, "%s", a->etag);
    if (span_is(web_query(r, "v"), a->etag)) {
        reply->immutable = true;
        reply->max_age_s = ASSET_SECONDS;
    }
}

static int show_page(struct web_request *r, struct web_reply *reply)
{
    const char *path = web_path(r);
    bool file = strncmp(path, "/assets/", 8) == 0;
    const struct web_asset *a = web_asset(file ? path : "/assets/desk.html");
    if (!only_reads(r)) {
        reply->allow = "GET, HEAD";
        return desk_refuse(reply, 405, "GET and HEAD only");
    }
    if (a) {
        give_asset(a, r, reply);
        return WEB_NOW;
    }
    reply->type = TEXT_TYPE;
    reply->status = file ? 404 : 200;
    buf_str(&reply->body, file ? "there is no such file\n"
                               : "This ebb was built without its desk (meson setup -Dweb=true). "
                                 "The commands do all that it does.\n");
    return WEB_NOW;
}

/* ---- the table ---- */

static const struct desk_own_route *find_own(const char *path, struct span method, bool *known)
{
    if (span_is(method, "HEAD"))
        method = span_str("GET");
    *known = false;
    for (const struct desk_own_route *o = desk_own_routes; o->path; o++) {
        if (strcmp(o->path, path) != 0)
            continue;
        *known = true;
        if (span_is(method, o->method))
            return o;
    }
    return NULL;
}

static int answer_own(struct desk *d, const struct desk_own_route *o, const struct session *s,
                      struct web_request *r, struct web_reply *reply)
{
    if (!o->open && !s)
        return desk_refuse(reply, 401, "nobody is logged in");
    if (!o->open && !only_reads(r) && !csrf_is_good(s, r))
        return desk_refuse(reply, 403, "the request lacks this session's X-Ebb-Csrf");
    o->answer(d, r, reply);
    return WEB_NOW;
}

static int answer_api(struct desk *d, const struct session *s, unsigned roles,
                      struct web_request *r, struct web_reply *reply)
{
    struct desk_session who = {.roles = roles};
    if (!s)
        return desk_api_handle(d->api, NULL, r, reply);
    if (!only_reads(r) && !csrf_is_good(s, r))
        return desk_refuse(reply, 403, "the request lacks this session's X-Ebb-Csrf");
    memcpy(who.account, s->account, strlen(s->account) + 1);
    memcpy(who.id, s->id, sizeof who.id);
    who.csrf = !only_reads(r);
    who.how = s->how;
    return desk_api_handle(d->api, &who, r, reply);
}

static int refuse_method(const char *path, struct web_reply *reply)
{
    reply->allow = "POST";
    for (const struct desk_own_route *o = desk_own_routes; o->path; o++)
        if (strcmp(o->path, path) == 0 && strcmp(o->method, "GET") == 0)
            reply->allow = "GET, HEAD";
    return desk_refuse(reply, 405, "not by this method");
}

int desk_handle(void *ctx, struct web_request *r, struct web_reply *reply)
{
    struct desk *d = ctx;
    const char *path = web_path(r);
    unsigned roles;
    bool known, api = strncmp(path, "/api/", 5) == 0 || strcmp(path, "/api") == 0;
    const struct desk_own_route *own = find_own(path, web_method(r), &known);
    if (known && !own)
        return refuse_method(path, reply);
    if (known && !api) /* figures: for monitoring, by whatever name it has */
        return answer_own(d, own, NULL, r, reply);
    if (!host_is_good(d, r))
        return desk_refuse(reply, 421, "this is not the desk's address: see web.desk_url");
    if (!api)
        return show_page(r, reply);
    if (!only_reads(r) && !origin_is_good(d, r))
        return desk_refuse(reply, 403, "this comes from another site");
    const struct session *s = desk_session_of(d, r, &roles);
    return own ? answer_own(d, own, s, r, reply) : answer_api(d, s, roles, r, reply);
}
