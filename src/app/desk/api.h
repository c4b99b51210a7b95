/* Desk's API: everything under /api/ but logging in. A reading route runs the command that `ebb`
 * has, in a child of the desk, whose output comes back through a pipe (query.h); acts are made by
 * their command, too, and signed in the browser (act.h). routes.def has every route and who may use
 * it; web/openapi-desk.yaml describes them. One thread; nothing here blocks. doc/desk.md. */
#pragma once

#include <poll.h>

#include "app/desk/desk_session.h"
#include "app/serve/roles.h"
#include "web/web.h"

struct desk_api;

struct desk_api_setup {
    const struct role_setup *role;
    struct web *web; /* where late answers go */
    /* Called first of all in each child, which runs commands over what outsiders have written:
     * wipes what such a process must not have (sessions, secrets of logging in). May be NULL. */
    void (*in_child)(void *ctx);
    void *ctx;
};

/* After the sandbox was entered, or before; opens no file. */
int desk_api_open(const struct desk_api_setup *setup, struct desk_api **out, struct err *err);
/* Ends the children. No request may be waiting any more (web_stop() comes before). */
void desk_api_close(struct desk_api *a);

/* True for "/api/..." paths that routes.def has, whatever the method. The caller has its own for
 * logging in (/api/login ...), and answers all other paths. */
bool desk_api_has(const char *path);
/* Answers one of them: WEB_NOW, or WEB_LATER. session NULL: nobody is logged in (401). What is no
 * GET or HEAD is refused unless session->csrf. Uses web_keep(). */
int desk_api_handle(struct desk_api *a, const struct desk_session *session, struct web_request *r,
                    struct web_reply *reply);
/* For web_setup.gone: the client of a WEB_LATER of ours went away. Requests that are not ours are
 * passed over. */
void desk_api_gone(struct desk_api *a, struct web_request *r);
/* A session ended: what it has prepared is dropped. */
void desk_api_forget(struct desk_api *a, const uint8_t id[DESK_SESSION_ID_LEN]);

/* What to wait on beside the web's descriptor: fills in at most `max` (DESK_API_FDS is always
 * enough) and returns how many. */
#define DESK_API_FDS 16
unsigned desk_api_fds(const struct desk_api *a, struct pollfd *p, unsigned max);
/* How long to wait at most. */
int desk_api_wait_ms(const struct desk_api *a, int most);
/* After each wait: reads what children wrote, answers what is done (web_answer()), starts what
 * waits. */
void desk_api_turn(struct desk_api *a);

/* Every route of routes.def, for `ebb desk routes`: each() is called once a route. roles: ROLE_*.
 * runs: the command's words, or what it is in words. */
struct desk_api_route {
    const char *method, *path, *runs;
    unsigned roles;
    bool acts; /* a command of acts: by way of /api/acts/prepare */
};
void desk_api_routes(void (*each)(void *ctx, const struct desk_api_route *r), void *ctx);
