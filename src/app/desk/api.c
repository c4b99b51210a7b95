#include "app/desk/api.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/desk/act_store.h"
#include "app/desk/api_impl.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

#define JSON_TYPE "application/json"
#define PARAMS_EACH                                                                                \
    (sizeof((struct view_ask *)0)->parameter / sizeof *((struct view_ask *)0)->parameter)

/* ---- routes ---- */

const struct api_route api_routes[] = {
#define READ(command, roles, shape)        {API_READ, "GET", command, roles, shape, NULL, NULL},
#define VIEW(path, roles, function)        {API_VIEW, "GET", path, roles, DOCUMENT, function, NULL},
#define NOW(method, path, roles, function) {API_NOW, method, path, roles, DOCUMENT, NULL, function},
#include "app/desk/routes.def"
};
const size_t api_routes_count = sizeof api_routes / sizeof *api_routes;

static const struct {
    const char *command;
    unsigned roles;
} act_routes[] = {
#define ACT(command, roles) {command, roles},
#include "app/desk/routes.def"
};

unsigned api_act_roles(struct span command, const char **name)
{
    for (size_t i = 0; i < sizeof act_routes / sizeof *act_routes; i++)
        if (span_is(command, act_routes[i].command)) {
            *name = act_routes[i].command;
            return act_routes[i].roles;
        }
    return 0;
}

/* What stands in a path for "{id}" and "{sha256}". */
struct found {
    const struct api_route *route;
    uint64_t id;
    uint8_t sha256[SHA256_LEN];
};

/* "/api/q/case/order/list" is the command "case order list". */
static bool command_matches(const char *path, const char *command)
{
    if (strncmp(path, "/api/q/", 7) != 0)
        return false;
    for (path += 7; *path && *command; path++, command++)
        if (*path != (*command == ' ' ? '/' : *command))
            return false;
    return !*path && !*command;
}

/* The digits or hexadecimal digits that a path has; false: something else, or too long. */
static bool take_id(const char **path, struct found *f)
{
    char digits[24];
    size_t n = strspn(*path, "0123456789");
    if (!n || n >= sizeof digits)
        return false;
    memcpy(digits, *path, n);
    digits[n] = 0;
    *path += n;
    return cli_parse_u64(digits, &f->id);
}

static bool take_sha256(const char **path, struct found *f)
{
    size_t n = strspn(*path, "0123456789abcdef");
    if (n != 2 * SHA256_LEN || !hex_decode(span_of(*path, n), f->sha256, SHA256_LEN))
        return false;
    *path += n;
    return true;
}

static bool path_matches(const char *path, const char *pattern, struct found *f)
{
    while (*pattern) {
        if (strncmp(pattern, "{id}", 4) == 0) {
            if (!take_id(&path, f))
                return false;
            pattern += 4;
        } else if (strncmp(pattern, "{sha256}", 8) == 0) {
            if (!take_sha256(&path, f))
                return false;
            pattern += 8;
        } else if (*path++ != *pattern++) {
            return false;
        }
    }
    return !*path;
}

static bool find_route(const char *path, struct found *out)
{
    for (size_t i = 0; i < api_routes_count; i++) {
        const struct api_route *r = &api_routes[i];
        *out = (struct found){.route = r};
        if (r->how == API_READ ? command_matches(path, r->path) : path_matches(path, r->path, out))
            return true;
    }
    return false;
}

bool desk_api_has(const char *path)
{
    struct found f;
    return find_route(path, &f);
}

void desk_api_routes(void (*each)(void *ctx, const struct desk_api_route *r), void *ctx)
{
    char path[WEB_PATH_MAX];
    for (size_t i = 0; i < api_routes_count; i++) {
        const struct api_route *r = &api_routes[i];
        struct desk_api_route out = {r->method, r->path, "", r->roles, false};
        if (r->how == API_READ) {
            snprintf(path, sizeof path, "/api/q/%s", r->path);
            for (char *p = path; *p; p++)
                *p = *p == ' ' ? '/' : *p;
            out.path = path;
            out.runs = r->path;
        }
        each(ctx, &out);
    }
    for (size_t i = 0; i < sizeof act_routes / sizeof *act_routes; i++)
        each(ctx, &(struct desk_api_route){"POST", "/api/acts/prepare", act_routes[i].command,
                                           act_routes[i].roles, true});
}

/* ---- replies ---- */

const char *api_case_dir(const struct desk_api *a)
{
    return a->setup.role->case_dir;
}

uint64_t api_log_size(const struct desk_api *a)
{
    return __atomic_load_n(&a->setup.role->shared->board->figures.log_size, __ATOMIC_RELAXED);
}

int api_refuse(struct web_reply *reply, unsigned status, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    struct json j;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_free(&reply->body);
    *reply = (struct web_reply){.status = status, .type = JSON_TYPE};
    j = json_to(&reply->body);
    json_object(&j);
    json_key(&j, "error");
    json_str(&j, text);
    json_object_end(&j);
    json_newline(&j);
    return WEB_NOW;
}

void api_refuse_child(struct job *j, struct web_reply *reply)
{
    const struct desk_query *q = &j->query;
    struct span why = query_complaint(q);
    if (q->too_large) {
        api_refuse(reply, 422, "more than %u MiB: ask for less", QUERY_BYTES >> 20);
    } else if (q->code == QUERY_TIMEOUT) {
        api_refuse(reply, 503, "it took longer than %d seconds: ask for less", QUERY_SECONDS);
        reply->retry_s = QUERY_SECONDS;
    } else if (q->code == EXIT_USAGE || q->code == EXIT_FAILED || q->code == QUERY_ABSENT ||
               q->code == QUERY_FORBIDDEN) {
        unsigned status = q->code == EXIT_USAGE        ? 400
                          : q->code == QUERY_ABSENT    ? 404
                          : q->code == QUERY_FORBIDDEN ? 403
                                                       : 422;
        if (!why.n)
            why = span_str("it could not be done");
        api_refuse(reply, status, "%.*s", (int)why.n, (const char *)why.p);
    } else {
        api_refuse(reply, 500, "what was to answer this has died");
    }
}

void api_put_warnings(const struct job *j, struct json *out)
{
    struct cur c = cur_of(buf_as_span(&j->query.errors));
    bool any = false;
    while (cur_left(&c)) {
        static const char head[] = "ebb: ";
        struct span line = span_trim(cur_line(&c));
        if (line.n <= sizeof head - 1 || memcmp(line.p, head, sizeof head - 1) != 0)
            continue;
        if (!any) {
            json_key(out, "warnings");
            json_array(out);
        }
        any = true;
        line = span_of(line.p + sizeof head - 1, line.n - (sizeof head - 1));
        if (line.n > 9 && memcmp(line.p, "warning: ", 9) == 0)
            line = span_of(line.p + 9, line.n - 9);
        json_span(out, line);
    }
    if (any)
        json_array_end(out);
}

/* ---- views ---- */

struct copying {
    struct job *job;
    bool too_many;
};

static int copy_parameter(void *ctx, const char *name, struct span value)
{
    struct copying *c = ctx;
    struct view_ask *v = &c->job->view;
    c->too_many = v->parameters == PARAMS_EACH;
    if (c->too_many)
        return 1;
    char *key = arena_alloc(&c->job->arena, strlen(name) + 1);
    char *text = arena_alloc(&c->job->arena, value.n + 1);
    memcpy(key, name, strlen(name) + 1);
    if (value.n)
        memcpy(text, value.p, value.n);
    text[value.n] = 0;
    v->parameter[v->parameters].name = key;
    v->parameter[v->parameters++].value = text;
    return 0;
}

static int run_view(void *ctx)
{
    struct job *j = ctx;
    return view_run(j->route->view, &j->view);
}

static void finish_view(struct job *j, struct web_reply *reply)
{
    if (j->query.code != EXIT_DONE) {
        api_refuse_child(j, reply);
        return;
    }
    if (j->route->view == view_blob)
        reply->type = "application/octet-stream";
    reply->body = j->query.text;
    j->query.text = (struct buf){0};
}

static int view(struct desk_api *a, const struct desk_session *s, struct web_request *r,
                const struct found *f, struct web_reply *reply)
{
    struct job *j = api_job(a, s, r, f->route);
    struct copying c = {j, false};
    j->child = run_view;
    j->finish = finish_view;
    j->view.id = f->id;
    memcpy(j->view.sha256, f->sha256, SHA256_LEN);
    web_queries(r, copy_parameter, &c);
    if (c.too_many) {
        api_job_free(j);
        return api_refuse(reply, 400, "too many parameters");
    }
    return api_submit(j, reply);
}

/* ---- the whole ---- */

int desk_api_open(const struct desk_api_setup *setup, struct desk_api **out, struct err *err)
{
    (void)err;
    struct desk_api *a = mem_zeroed(1, sizeof *a);
    a->setup = *setup;
    a->kept = api_kept_new();
    a->acts = act_store_new();
    *out = a;
    return 0;
}

void desk_api_close(struct desk_api *a)
{
    if (!a)
        return;
    while (a->jobs) {
        struct job *j = a->jobs;
        a->jobs = j->next;
        api_job_free(j);
    }
    api_kept_free(a->kept);
    act_store_free(a->acts);
    free(a);
}

int desk_api_handle(struct desk_api *a, const struct desk_session *session, struct web_request *r,
                    struct web_reply *reply)
{
    struct found f;
    struct span method = web_method(r);
    reply->type = JSON_TYPE;
    if (!find_route(web_path(r), &f))
        return api_refuse(reply, 404, "no such path");
    if (!session)
        return api_refuse(reply, 401, "nobody is logged in");
    if (!span_is(method, f.route->method) &&
        !(span_is(method, "HEAD") && strcmp(f.route->method, "GET") == 0)) {
        api_refuse(reply, 405, "%s only", f.route->method);
        reply->allow = strcmp(f.route->method, "GET") == 0 ? "GET, HEAD" : f.route->method;
        return WEB_NOW;
    }
    if (strcmp(f.route->method, "GET") != 0 && !session->csrf)
        return api_refuse(reply, 403, "the request has not come from a page of the desk");
    if (!(f.route->roles & session->roles))
        return api_refuse(reply, 403, "account %s may not see this", session->account);
    switch (f.route->how) {
    case API_READ:
        return api_read(a, session, r, f.route, reply);
    case API_VIEW:
        return view(a, session, r, &f, reply);
    default:
        return f.route->now(a, session, r, reply);
    }
}
