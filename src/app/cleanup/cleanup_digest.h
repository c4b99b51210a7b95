/* Cleanup digests: a contact's part of the plan as mails. A contact with more rows than a mail
 * takes gets several; a network whose reports did not help gets its copy to whom the operator
 * named. */
#pragma once

#include "app/cleanup/cleanup_plan.h"

struct digest {
    struct span contact;
    const char *format, *language, *channel; /* "mail", or CLEANUP_ESCALATION for a copy */
    struct span message_id, trial;
    unsigned part, parts; /* of the contact's, from 1 */
    int64_t since, until;
    uint64_t fresh, returning, still, gone; /* of this part */
    struct span mail;                       /* the message, as it is to be sent */
};

/* Writes the digests of all contacts that are due. each() returns 0 to go on; what it gets is valid
 * within the call. */
int digests_write(struct casedir *c, const struct plan *p, const struct plan_options *o,
                  int (*each)(void *ctx, const struct digest *d), void *ctx, struct err *err);

/* Plans and queues what is due as REPORT_QUEUED entries, in order; `now`: the time of the plan. For
 * `ebb cleanup send` (options --contact). Needs no case open. */
struct cli;
int cleanup_queue(const struct cli *cli, int64_t now, uint64_t *queued, struct err *err);
