/* Desk: the operator's web server, a process of its own on its own listener, apart from everything
 * that bots talk to. For now it shows figures: GET /metrics (Prometheus), /healthz, /readyz, and a
 * status page at /. It reads shared memory and nothing else. */
#pragma once

#include "app/serve/serve_shared.h"

struct desk_setup {
    int listen_fd; /* bound and listening; -1: the desk has nothing to serve and waits for its end
                    */
    int link;      /* to the supervisor (app/serve/roles.h) */
    const struct serve_shared *shared;
    int (*lock_in)(void *ctx,
                   struct err *err); /* called before the first outside byte; may be NULL */
    void *lock_in_ctx;
};

/* Runs until ROLE_STOP or the link closes: 0; negative when it cannot go on. The listener stays
 * open. */
int desk_run(const struct desk_setup *setup, struct err *err);
