/* Shapes: short patterns from which a mailer makes its ids, boundaries, names and addresses.
 *
 *   %8x hex, %8X in capitals, %4d digits, %6a letters, %6A in capitals, %6m letters and digits,
 *   %6u the same with capitals; %4-9d: a number of them from 4 to 9
 *   %t the mail's time in seconds, %D as YYYYMMDDhhmmss
 *   %h the sender's domain, %s its local part, %i the client's address, %I with dashes */
#pragma once

#include "base/ip.h"
#include "sim/rng.h"

struct mail_shape_words {
    int64_t time; /* microseconds */
    struct span domain, local;
    struct ip address;
};
/* Appends. */
void mail_shape_put(const char *shape, const struct mail_shape_words *w, struct rng *r,
                    struct buf *out);
/* The shape with other numbers: a relative of it. Fields of fixed length get one to three longer or
 * shorter. At most max bytes with the NUL. */
void mail_shape_vary(const char *shape, struct rng *r, char *out, size_t max);

/* "20110201000003" and the calendar's fields. */
struct mail_date {
    int year;
    unsigned month, day, hour, minute, second, weekday; /* month 1-12, weekday 0: Sunday */
};
struct mail_date mail_date_of(int64_t time);
/* A number as decimal digits, at least `least` of them. */
void mail_put_number(struct buf *out, uint64_t v, unsigned least);
/* "Tue, 01 Feb 2011 00:00:03"; `pad`: the day has two digits. */
void mail_put_date(struct buf *out, const struct mail_date *d, bool weekday, bool pad);
/* "Tue Feb  1 00:00:03 2011", as mbox has it. */
void mail_put_asctime(struct buf *out, const struct mail_date *d);
void mail_put_address(struct buf *out, const struct ip *ip, char between);
