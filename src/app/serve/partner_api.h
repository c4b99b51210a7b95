/* Partners' API: what networks fetch of the infections in their own prefixes and ASes, over HTTPS.
 * A process of its own on its own listener: it reads the case's files, writes nothing and connects
 * nowhere. doc/partners.md has the requests. */
#pragma once

#include "app/serve/roles.h"

#define PARTNER_API_BURST 60 /* requests of one partner at once; one more each second */

/* Runs until ROLE_STOP or the link closes: 0; negative when it cannot go on. setup->listener is
 * bound and listening, and stays open. */
int partner_api_run(const struct role_setup *setup, struct err *err);
