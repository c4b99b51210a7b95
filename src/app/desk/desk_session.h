/* Desk session: who asks, as the handlers of /api/ see it. Made anew for each request: roles and
 * whether the account is still open are those of the log at this moment. desk.c answers 401 itself
 * where there is no session, and 403 where a request that would change something has not the
 * session's CSRF token and the right Origin: handlers are called for good requests only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "state/accounts.h"

#define DESK_SESSION_ID_LEN 16

struct desk_session {
    char account[ACT_ACCOUNT_MAX + 1];
    unsigned roles; /* mask of accounts.h; not 0 */
    bool csrf;      /* method is not GET or HEAD: token and origin were checked, and are right */
    /* Says which session it is and nothing of its secret: for what a handler keeps by session. */
    uint8_t id[DESK_SESSION_ID_LEN];
    const char *how; /* "password", "passkey", "link": how it began */
};
