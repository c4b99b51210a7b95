/* Centre: the process that nodes report to, over HTTP: a witness of their logs (C2SP tlog-witness),
 * and the place where their censuses go. It talks to everybody, and so it has no key, writes no
 * file and reads nothing of the case but the censuses that are on their way: what comes is looked
 * at for its form, and handed on to the recorder (node_witness.h). doc/nodes.md has the requests.
 */
#pragma once

#include "app/serve/roles.h"

#define CENTRE_BURST   60  /* requests of one address at once ... */
#define CENTRE_EACH_MS 100 /* ... and one more in so long */
#define CENTRE_ALL     400 /* of all addresses */
#define CENTRE_ALL_MS  5

/* Runs until ROLE_STOP or the link closes: 0; negative when it cannot go on. */
int centre_run(const struct role_setup *setup, struct err *err);

/* For the supervisor, before it locks itself in: binds nodes.listen where it is set (else *fd stays
 * as it is), and looks at the certificate. fd NULL: only looked at. -EINVAL: without a certificate
 * for others than loopback. */
int centre_bind(const struct config *config, int *fd, struct err *err);
/* The folder that it reads from; as the case's user. */
int centre_prepare(const char *case_dir, const struct config *config, struct err *err);
