/* Check-ins: which addresses are known as infected with what, for telling whose a mail is. Made
 * from the census when the first mail comes, and kept up to date from then on; nothing of it is
 * saved. 16 bytes an address and family, half as much again in the table. One thread. */
#pragma once

#include "state/census.h"

/* Addresses times families; further ones are not known as check-ins, and a warning says so once. */
#define CHECKINS_MAX (64u << 20)
/* A dynamic address changes hands: a check-in speaks for it this long before and after. */
#define CHECKINS_DAYS 7

struct checkins;
/* Takes in every address of the census that has a family. -EBADMSG when it turns out to be damaged.
 */
int checkins_new(struct census *census, struct checkins **out, struct err *err);
void checkins_free(struct checkins *c);
/* One more event; those that are no check-in (mails, events without family, resolvers, visitors)
 * are passed over. */
void checkins_add(struct checkins *c, const struct event *ev);
/* The family that checked in from the address, the one seen nearest to `time`, and how sure that
 * makes us (1-100): 95 on a day of its check-ins, 80 within CHECKINS_DAYS; less with each other
 * family there. Empty: none. */
struct span checkins_find(const struct checkins *c, const struct ip *ip, int64_t time,
                          unsigned *confidence);
