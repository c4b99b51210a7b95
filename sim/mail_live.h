/* Delivers mails over SMTP to a server on this machine, each as its family speaks. Only loopback is
 * spoken to. */
#pragma once

#include "sim/mail_sim.h"

struct mail_live_options {
    struct ip to;
    uint16_t port;
    bool proxy; /* a PROXY v2 header carries the sender's address; else it is one of 127.0.0.0/8 */
    unsigned families;
};
struct mail_live_counts {
    uint64_t sent, accepted, failed;
};
/* Called for each mail that was accepted, in the order in which they were. */
typedef int mail_live_accepted(void *ctx, const struct mail_label *label, struct span row,
                               size_t bytes, struct err *err);

struct mail_live;
/* -EINVAL when the target is not loopback. */
int mail_live_new(const struct mail_live_options *o, mail_live_accepted *accepted, void *ctx,
                  struct mail_live **out, struct err *err);
/* Where the server sees a mail come from: put it into the label before sending. */
struct ip mail_live_source(const struct mail_live_options *o, const struct mail_label *label);
/* Begins a delivery; waits while too many are under way. Copies what it needs; row is given back
 * when the mail is accepted. */
int mail_live_send(struct mail_live *l, struct span mail, const struct mail_label *label,
                   struct span row, struct err *err);
/* Waits for what is under way; frees in any case. */
int mail_live_end(struct mail_live *l, struct mail_live_counts *counts, struct err *err);
