/* Desk: the team's web server, a process of its own on its own listener (serve.desk), apart from
 * everything that bots and the public talk to: sessions, the JSON API, the front end, and figures
 * for monitoring. It reads the case and writes nothing; acts go to the recorder, signed in the
 * browser. doc/desk.md. */
#pragma once

#include "app/serve/roles.h"

/* Runs until ROLE_STOP or the link closes: 0; negative when it cannot go on. setup->listener is
 * bound and listening, and stays open. */
int desk_run(const struct role_setup *setup, struct err *err);
