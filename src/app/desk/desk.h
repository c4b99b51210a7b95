/* Desk: the operator's web server, a process of its own on its own listener, apart from everything
 * that bots talk to. For now it shows figures: GET /metrics (Prometheus), /healthz, /readyz, and a
 * status page at /. It reads shared memory and nothing else. */
#pragma once

#include "app/serve/roles.h"

/* Runs until ROLE_STOP or the link closes: 0; negative when it cannot go on. setup->listener is
 * bound and listening, and stays open. */
int desk_run(const struct role_setup *setup, struct err *err);
