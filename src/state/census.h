/* Census: exact distinct addresses by family, day, country, AS and network. A view of the log: it
 * knows the position it has reached, can be deleted, and comes out byte for byte the same when it
 * is rebuilt.
 *
 * An event counts when its kind is an observation with a source address and its role is not
 * "resolver". An event without family counts under the family "unknown". The day is the event's
 * UTC day. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "event/event.h"

struct census;

/* Loads the snapshot `<dir>/census`, or starts empty when there is none. A snapshot that is damaged
 * or of another version is dropped with a warning (it can be rebuilt). Reading maps the file and
 * does not copy it. */
int census_open(const char *dir, struct census **out, struct err *err);
void census_close(struct census *c);
/* Log entries taken in so far: the next one to feed has this index. */
uint64_t census_position(const struct census *c);
/* Takes one event in. `enrichment` is the header's reference: an address may be announced by
 * somebody else under newer data, and each day counts as it was recorded. */
void census_add(struct census *c, const struct event *ev, uint64_t enrichment);
/* Says that all entries below `position` have been taken in (those that are no events too). */
void census_advance(struct census *c, uint64_t position);
/* Writes the snapshot, replacing the old one as a whole. */
int census_snapshot(struct census *c, struct err *err);

enum census_by { CENSUS_BY_DAY, CENSUS_BY_COUNTRY, CENSUS_BY_ASN, CENSUS_BY_NETWORK,
                 CENSUS_BY_FAMILY, CENSUS_BY_ADDRESS };

struct census_query {
    enum census_by by;
    int32_t since, until; /* days since 1970, since inclusive, until exclusive */
    struct span family;   /* empty: every family, each with rows of its own */
};

/* One row; fields that the grouping does not have are zero or empty. */
struct census_row {
    int32_t day;             /* CENSUS_BY_DAY */
    struct span family;
    uint32_t asn;            /* BY_ASN, BY_NETWORK */
    struct span as_name;
    struct span country;     /* BY_COUNTRY, BY_NETWORK; empty: unknown */
    struct net network;      /* BY_NETWORK */
    struct ip address;       /* BY_ADDRESS */
    uint64_t addresses;      /* distinct IPv4 + IPv6 addresses */
    uint64_t ipv6, ipv6_64s; /* of those: IPv6, and the /64s they lie in */
    /* BY_DAY: seen for the first time ever; seen on an earlier day too (new + returning =
     * addresses); seen on the day before and not on this one. "Ever" and "earlier" look at the
     * whole log, not only at the range asked for. */
    uint64_t fresh, returning, gone;
    int32_t first_day, last_day; /* first and last seen, within the range */
    uint32_t days;               /* BY_ADDRESS: days it was seen on */
};

/* Calls row() for each, ordered: by day and family; else by addresses (most first), then by name.
 * row() returns 0 to go on. */
int census_rows(struct census *c, const struct census_query *q,
                int (*row)(void *ctx, const struct census_row *row), void *ctx, struct err *err);
