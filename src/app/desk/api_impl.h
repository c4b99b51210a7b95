/* Of src/app/desk/{api,act,live,view}*.c alone. */
#pragma once

#include "app/desk/api.h"
#include "app/desk/query.h"
#include "app/desk/view.h"
#include "app/serve/serve_status.h"
#include "base/arena.h"

#define API_CHILDREN_MAX    4   /* at once; more requests wait */
#define API_WAITING_MAX     64  /* then: 503 */
#define API_PER_SESSION_MAX 24  /* of those, of one session */
#define API_ARGV_MAX        512 /* words behind a command's name */

enum api_how { API_READ, API_VIEW, API_NOW };
enum api_shape { ROWS, DOCUMENT, TEXT };

struct api_route {
    enum api_how how;
    const char *method, *path; /* READ: the command's words */
    unsigned roles;
    enum api_shape shape;
    view_make *view;
    int (*now)(struct desk_api *a, const struct desk_session *s, struct web_request *r,
               struct web_reply *reply);
};
extern const struct api_route api_routes[];
extern const size_t api_routes_count;
/* The roles that may prepare an act by that command; 0: there is none. *name: as it is called. */
unsigned api_act_roles(struct span command, const char **name);

/* A request that a child answers. */
struct job {
    struct job *next;
    struct desk_api *api;
    struct web_request *request; /* NULL: the client went away */
    const struct api_route *route;
    struct desk_session session;
    struct arena arena; /* strings below */
    char *argv[API_ARGV_MAX];
    int argc;
    const char *command; /* READ, and acts */
    bool csv, plain;     /* format= */
    struct view_ask view;
    bool running;
    bool finishes; /* also when nobody waits for it any more */
    struct desk_query query;
    uint64_t position; /* of the log when the child began */
    uint64_t asked;    /* and when it was asked */
    int64_t since;     /* ms: of the child's begin */
    const char *key;   /* of the cache; NULL: not to be kept */
    int (*child)(void *job);
    /* Fills the reply of a child that ended well (exit 0, or a check that failed). */
    void (*finish)(struct job *j, struct web_reply *reply);
    void *own; /* act.c's; freed by `free_own` */
    void (*free_own)(void *own);
};

struct api_kept;  /* api_cache.c */
struct act_store; /* act.c */

struct desk_api {
    struct desk_api_setup setup;
    struct job *jobs; /* in the order in which they came */
    struct api_kept *kept;
    struct act_store *acts;
    struct serve_rates rates;
};

/* ---- api.c ---- */
/* A job for this request, not started yet; api_submit() takes it over and gives what handle()
 * returns. */
struct job *api_job(struct desk_api *a, const struct desk_session *s, struct web_request *r,
                    const struct api_route *route);
int api_submit(struct job *j, struct web_reply *reply);
void api_job_free(struct job *j);
/* Fills a reply with {"error": ...} and gives WEB_NOW. */
int api_refuse(struct web_reply *reply, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same as a child's end says. */
void api_refuse_child(struct job *j, struct web_reply *reply);
const char *api_case_dir(const struct desk_api *a);
uint64_t api_log_size(const struct desk_api *a);
/* Warnings ("ebb: warning: ...") that a child said, as a member "warnings"; nothing without. */
struct json;
void api_put_warnings(const struct job *j, struct json *out);

/* ---- api_read.c ---- */
int api_read(struct desk_api *a, const struct desk_session *s, struct web_request *r,
             const struct api_route *route, struct web_reply *reply);
/* Adds a word to argv: "--name=value"; copies. False: too many. */
bool api_word(struct job *j, const char *before, const char *name, const char *between,
              struct span value);
/* An option that names a file, or is not for the desk. */
bool api_option_is_refused(const char *command, const char *name);

/* ---- api_cache.c ---- */
struct api_kept *api_kept_new(void);
void api_kept_free(struct api_kept *k);
/* What is kept under that key and good at that position, or NULL. took: milliseconds. */
const struct buf *api_kept_find(const struct api_kept *k, const char *key, uint64_t position);
void api_kept_put(struct api_kept *k, const char *key, uint64_t position, int64_t took,
                  struct span body);
void api_kept_clear(struct api_kept *k);

#define NOW(method, path, roles, function)                                                         \
    int function(struct desk_api *a, const struct desk_session *s, struct web_request *r,          \
                 struct web_reply *reply);
#include "app/desk/routes.def"
