/* Which page a path is, and making it. */
#include <stdio.h>

#include "app/public/face.h"

#define ID_DIGITS_MAX 18 /* below 2^63 */
#define NAME_MAX_     100

static const struct {
    const char *method, *path;
    face_page *page;
    bool cached;
} routes[] = {
#define PAGE(method, path, function, cached) {method, path, function, cached},
#include "app/public/routes.def"
};
#define ROUTES (sizeof routes / sizeof *routes)

static size_t take_id(const char *p, uint64_t *out)
{
    size_t n = 0;
    *out = 0;
    for (; n < ID_DIGITS_MAX && p[n] >= '0' && p[n] <= '9'; n++)
        *out = *out * 10 + (uint64_t)(p[n] - '0');
    return n > 1 && p[0] == '0' ? 0 : n; /* one address for each number */
}

static size_t take_name(const char *p)
{
    size_t n = 0;
    while (n < NAME_MAX_ && p[n] &&
           ((p[n] >= '0' && p[n] <= '9') || ((p[n] | 32) >= 'a' && (p[n] | 32) <= 'z') ||
            strchr("-_.", p[n])))
        n++;
    return n;
}

static bool fits(const char *pattern, const char *path, struct face_route *out)
{
    out->id = 0;
    out->name = span_of(NULL, 0);
    while (*pattern) {
        if (strncmp(pattern, "{id}", 4) == 0) {
            size_t n = take_id(path, &out->id);
            if (!n)
                return false;
            pattern += 4;
            path += n;
        } else if (strncmp(pattern, "{name}", 6) == 0) {
            out->name = span_of(path, take_name(path));
            if (!out->name.n)
                return false;
            pattern += 6;
            path += out->name.n;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return !*path;
}

/* A path has at most GET and POST. */
unsigned face_route(struct span method, const char *path, struct face_route *out)
{
    bool get = span_is(method, "GET") || span_is(method, "HEAD"), has_get = false, has_post = false;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!fits(routes[i].path, path, out))
            continue;
        bool is_get = strcmp(routes[i].method, "GET") == 0;
        has_get |= is_get;
        has_post |= !is_get;
        if (is_get ? get : span_is(method, routes[i].method)) {
            out->page = routes[i].page;
            out->cached = routes[i].cached;
            return 200;
        }
    }
    out->page = NULL;
    out->allow = has_get && has_post ? "GET, HEAD, POST"
                 : has_get           ? "GET, HEAD"
                 : has_post          ? "POST"
                                     : NULL;
    return has_get || has_post ? 405 : 404;
}

void face_make(struct face *f, const struct face_route *route, const char *path,
               const struct words *words, bool chosen, struct web_request *request,
               struct web_reply *reply)
{
    struct face_view v = {.face = f,
                          .request = request,
                          .words = words,
                          .chosen = chosen,
                          .path = path,
                          .out = &reply->body,
                          .reply = reply,
                          .id = route->id,
                          .name = route->name};
    if (route->page)
        route->page(&v);
    else
        face_problem(&v, route->allow ? 405 : 404,
                     route->allow ? "site.problem.method" : "site.problem.missing");
}

unsigned face_page_bytes(struct face *f, const char *path, const struct words *words,
                         struct buf *out)
{
    struct face_route route = {0};
    struct web_reply reply = {.status = 200};
    unsigned status = face_route(span_str("GET"), path, &route);
    if (status != 200 || !route.cached)
        return 404;
    face_make(f, &route, path, words, true, NULL, &reply);
    if (reply.status == 200)
        buf_span(out, reply.body.n ? buf_as_span(&reply.body) : reply.borrowed);
    buf_free(&reply.body);
    return reply.status;
}
