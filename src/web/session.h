/* Sessions: who has logged in. In memory alone: a process that starts knows nobody. Tokens are 256
 * random bits, of which only the SHA-256 is kept; a session ends when it is idle, when it is old,
 * or when somebody says so. Bounded by SESSIONS_MAX, and by SESSIONS_PER_ACCOUNT for each account:
 * its longest idle one makes place. One thread. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"

#define SESSIONS_MAX         512
#define SESSIONS_PER_ACCOUNT 8
#define SESSION_TOKEN_LEN    43 /* base64url of 32 bytes */
#define SESSION_ID_LEN       16
#define SESSION_NAME_MAX     65

struct session {
    char account[SESSION_NAME_MAX];
    const char *how;                  /* as it was begun with */
    uint8_t id[SESSION_ID_LEN];       /* random; says nothing of the token */
    char csrf[SESSION_TOKEN_LEN + 1]; /* wanted in a header by what changes something */
    int64_t begun, seen;              /* clock_ms() */
    uint8_t token[SHA256_LEN];
    bool used;
};

struct sessions;
/* ended() is called for each that ends. May be NULL. */
struct sessions *sessions_new(int64_t idle_ms, int64_t most_ms,
                              void (*ended)(void *ctx, const struct session *s), void *ctx);
void sessions_free(struct sessions *s);
/* A new one, and its token, which is told once. NULL: there are too many, or the name is too long.
 */
const struct session *sessions_begin(struct sessions *s, const char *account, const char *how,
                                     int64_t now, char token[SESSION_TOKEN_LEN + 1]);
/* By token; NULL: there is none, or its time is over. `touch`: it was used now. */
const struct session *sessions_find(struct sessions *s, struct span token, int64_t now, bool touch);
void sessions_end(struct sessions *s, const struct session *session);
/* All of an account. */
void sessions_end_account(struct sessions *s, const char *account);
/* Those whose time is over; each() may end the one it is given. */
void sessions_sweep(struct sessions *s, int64_t now);
void sessions_each(struct sessions *s, void (*each)(void *ctx, const struct session *s), void *ctx);
/* Equal, in a time that does not tell where they differ. */
bool session_csrf_is(const struct session *session, struct span token);
/* In a forked child: nothing is left of them. */
void sessions_wipe(struct sessions *s);
/* A random token, as sessions have. */
void session_token(char out[SESSION_TOKEN_LEN + 1]);
