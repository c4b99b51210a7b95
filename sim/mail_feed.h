/* Check-ins of some of the machines that send, as a partner's feed has them: who knows their
 * family. */
#pragma once

#include "sim/mail_sim.h"
#include "sim/sink.h"

/* A share of each family's machines, each once or twice at times of its own, in the order of time.
 */
int mail_feed_write(const struct mail_sim *s, double share, struct sink *to, struct err *err);
