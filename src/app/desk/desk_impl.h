/* Of src/app/desk/{desk,login}*.c alone: the desk process. */
#pragma once

#include "app/casedir.h"
#include "app/desk/api.h"
#include "app/desk/desk_session.h"
#include "app/desk/login_file.h"
#include "app/serve/roles.h"
#include "web/session.h"
#include "web/throttle.h"
#include "web/web.h"
#include "web/webauthn.h"

struct login_json;
struct login_state;   /* login.c: codes that were used, links likewise */
struct passkey_state; /* login_passkey.c: secret of challenges, counters */

struct desk {
    const struct role_setup *setup;
    const struct config_web *config;
    struct web *web;
    struct desk_api *api;
    struct casedir c; /* casebook: accounts */
    bool behind;      /* there is more of the log to read */
    int64_t looked;   /* clock_ms() */
    int64_t swept;
    int64_t started; /* utc_now() */
    bool restarted;  /* another desk served before this one: what it remembered is gone */
    struct sessions *sessions;
    struct login_state *login;
    struct passkey_state *passkeys;
    char rp_id[256];       /* "": no passkeys */
    const char *desk_host; /* of web.desk_url; "" */
};

/* ---- desk_route.c ---- */
int desk_handle(void *ctx, struct web_request *r, struct web_reply *reply);
/* For web_setup: only who is logged in may send much. */
bool desk_may_be_large(void *ctx, const struct web_request *r);
/* The session of a request whose account is open; NULL: none. *roles as the log has them now. */
const struct session *desk_session_of(struct desk *d, const struct web_request *r, unsigned *roles);
/* People reach the desk by TLS: here, or at a proxy; then the cookie is of browsers' strict kind.
 */
bool desk_is_secure(const struct desk *d, const struct web_request *r);
const char *desk_cookie_name(bool secure);
/* {"error": "..."} */
int desk_refuse(struct web_reply *reply, unsigned status, const char *why);

/* ---- login.c: what is open to who is not logged in. JSON in, JSON out ---- */
struct login_state *login_state_new(void);
void login_state_free(struct login_state *s);
/* In a child: nothing is left of secrets. */
void login_state_wipe(struct login_state *s);
void login_password(struct desk *d, struct web_request *r, struct web_reply *reply);
void login_link(struct desk *d, struct web_request *r, struct web_reply *reply);
void login_out(struct desk *d, struct web_request *r, struct web_reply *reply);
void login_session(struct desk *d, struct web_request *r, struct web_reply *reply);
/* Whether the account is in force; its roles. */
bool login_account(struct desk *d, const char *name, unsigned *roles);
/* Takes a try of this client: 0, or the reply says 429. `cost`: it hashes a password. */
bool login_may_try(struct desk *d, const struct web_request *r, const char *account, bool hashes,
                   struct web_reply *reply);
/* Begins a session: cookie, and what /api/session says. */
void login_begin(struct desk *d, struct web_request *r, const char *account, const char *how,
                 struct web_reply *reply);
/* The body as a JSON object; NULL, and the reply refuses. */
struct login_json *login_body(const struct web_request *r, struct web_reply *reply);
/* ---- login_passkey.c ---- */
struct passkey_state *passkey_state_new(void);
void passkey_state_free(struct passkey_state *s);
void passkey_state_wipe(struct passkey_state *s);
void login_passkey_options(struct desk *d, struct web_request *r, struct web_reply *reply);
void login_passkey(struct desk *d, struct web_request *r, struct web_reply *reply);
/* Of who is logged in. */
void desk_passkeys(struct desk *d, struct web_request *r, struct web_reply *reply);
void desk_passkeys_options(struct desk *d, struct web_request *r, struct web_reply *reply);
void desk_passkeys_check(struct desk *d, struct web_request *r, struct web_reply *reply);

/* The routes that are the desk's own, for `ebb desk routes`: the first whose path is NULL ends it.
 */
struct desk_own_route {
    const char *method, *path, *about;
    bool open; /* without a session */
    void (*answer)(struct desk *d, struct web_request *r, struct web_reply *reply);
};
extern const struct desk_own_route desk_own_routes[];
