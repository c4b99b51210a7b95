/* Supervisor: binds the sockets, starts the roles, starts those again that die, and parses nothing
 * that comes from the network. */
#pragma once

#include "app/config.h"

/* Runs until SIGTERM or SIGINT. `config` is the supervisor's from then on. 0 after a clean stop. */
int supervise_run(const char *case_dir, struct config *config, struct err *err);
