/* Activity: how often each address, and each bot id, made contact on each day: what hosts are
 * estimated from. A view of the log that is loaded on demand: exact, deterministic, and no larger
 * than some bytes an address and day.
 *
 * It takes in what the census counts (census.h), family by family, and for each contact the
 * address; where the event has a bot id, the id too (as a hash, with the AS, country and address
 * that it was seen in). Contacts of an address on a day are summed whatever the order that events
 * come in. Used by one thread. */
#pragma once

#include "base/err.h"
#include "event/event.h"

#define ACTIVITY_CONTACTS_MAX 65535 /* of one address or id on one day; more count as that */

struct activity;

/* Loads the snapshot `<dir>/activity` (mapped, not copied), or starts empty (also, with a warning,
 * when it is damaged or of another version: it can be rebuilt). */
int activity_open(const char *dir, struct activity **out, struct err *err);
void activity_close(struct activity *a);
uint64_t activity_position(const struct activity *a);
void activity_advance(struct activity *a, uint64_t position);
void activity_add(struct activity *a, const struct event *ev);
/* Writes the snapshot, replacing the old one as a whole. */
int activity_snapshot(struct activity *a, struct err *err);

struct activity_day {
    uint16_t day;      /* since 1970 */
    uint16_t contacts; /* 1 and more */
    uint32_t hours;    /* bit h: some contact was in that hour of the day (UTC) */
};

/* One address or bot id of one family, with its days in ascending order. Valid within the call. */
struct activity_row {
    struct span family;
    struct ip ip; /* ACTIVITY_ADDRESSES */
    /* ACTIVITY_BOTS: the id's hash, and where it was seen: an id seen from two addresses has two
     * rows, which are neighbours. */
    uint64_t bot; /* 48 bits: of ten million ids no two are likely to share one */
    uint32_t asn;
    char country[2];
    uint32_t source; /* activity_source() of the address */
    const struct activity_day *days;
    size_t n;
};

/* What a bot's row knows its address by. */
uint32_t activity_source(const struct ip *ip);

enum activity_what { ACTIVITY_ADDRESSES, ACTIVITY_BOTS };

/* Rows in order: family (by name), then IPv4 before IPv6, by number; bots by hash, AS, country,
 * source. A family that is not empty asks for that one. row() returns 0 to go on; anything else
 * ends it and is returned. -EBADMSG: the snapshot is damaged. */
int activity_rows(struct activity *a, enum activity_what what, struct span family,
                  int (*row)(void *ctx, const struct activity_row *row), void *ctx,
                  struct err *err);

/* Each family's totals, to choose a method by; families by name. As activity_rows. */
struct activity_family {
    struct span name;
    uint64_t address_days, contacts; /* sums over all addresses and days */
    uint64_t bot_days, bot_contacts; /* contacts that carried an id */
    uint16_t day_min, day_max;
};
int activity_families(struct activity *a, int (*family)(void *ctx, const struct activity_family *f),
                      void *ctx, struct err *err);
