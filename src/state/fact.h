/* Fact: what a volume is counted from: one record of fixed size for each mail, in log order, in a
 * file that only grows (a tail). Any grouping and any filter is one pass over it. A part of the
 * spam view. */
#pragma once

#include "base/ip.h"
#include "state/tail.h"

#define FACT_BRANDS 4
#define FACT_LEN    64 /* bytes on disk */

/* One mail. Numbers of names are the spam view's (spam_name), 0 for none. */
struct fact {
    uint64_t index;
    int64_t time;
    uint64_t campaign; /* id that it was put in, FACT_NO_CAMPAIGN when its bytes were gone */
    uint64_t source;   /* fact_source() of the connecting address, 0 for none */
    uint32_t bytes, asn;
    uint32_t dialect;               /* number in spam_dialects, 0 for none */
    uint16_t family, sensor, flags; /* flags: enum mail_flag */
    uint8_t topic, why;
    char country[2];
    uint16_t brand[FACT_BRANDS];
};
#define FACT_NO_CAMPAIGN UINT64_MAX

/* An address as one number: IPv4 exactly; of IPv6 the first 64 bits, hashed to 63. */
uint64_t fact_source(const struct ip *ip);

/* Appends a record to the file's pending bytes. */
void fact_add(struct tail *t, const struct fact *fact);
/* Calls fact() for each in log order; it returns 0 to go on. 0, what it returned, or negative. */
int fact_each(struct tail *t, int (*fact)(void *ctx, const struct fact *fact), void *ctx,
              struct err *err);
/* The same from the first one on whose index is `index` or more. */
int fact_each_from(struct tail *t, uint64_t index, int (*fact)(void *ctx, const struct fact *fact),
                   void *ctx, struct err *err);
