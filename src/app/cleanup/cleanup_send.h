/* Sending what is queued, by whatever command: `cleanup send`, `notice send`. */
#pragma once

#include "app/cli.h"
#include "app/serve/courier_clerk.h"

/* Two that plan at once would tell the same twice: one after the other,
 * and each sees all that is on the log. The descriptor (close()
 * lets the next one), or negative. */
int cleanup_queue_lock(const struct cli *cli, struct err *err);
/* Sends what is queued and due, a row a mail on standard output; leaves it to `ebb serve` where
 * that runs. The command's exit code. Needs no case open. */
int cleanup_send_queued(const struct cli *cli, const struct config *config,
                        const struct clerk_options *options);
