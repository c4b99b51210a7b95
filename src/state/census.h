/* Census: exact distinct addresses by family, day, country, AS and network. A view of the log: it
 * knows the position it has reached, can be deleted, and comes out byte for byte the same when it
 * is rebuilt, whatever the batches and restarts it was built in. doc/census.md has the definitions
 * and the snapshot's layout.
 *
 * An event counts when its kind is an observation with a source address and its role is neither
 * "resolver" nor "visitor" (a person at a browser) nor "sender" (of a mail that somebody handed
 * over). An event without family counts under the family "unknown", and so does a mail whose family
 * was told from its address or signs (family_source
 * "address", "dialect"). The day is the event's UTC day; events
 * may come in any order of time. One census is used by one thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "event/event.h"

#define CENSUS_FAMILY_UNKNOWN "unknown"

struct census;

/* Loads the snapshot `<dir>/census`, or starts empty when there is none. A snapshot that is damaged
 * or of another version is dropped with a warning (it can be rebuilt). Reading maps the file and
 * does not copy it. */
int census_open(const char *dir, struct census **out, struct err *err);
void census_close(struct census *c);
/* The rule above, for other views that count what the census counts: whether the event counts, and
 * its family; census_day() is false for a time that no census can count. */
bool census_counts(const struct event *ev);
struct span census_family(const struct event *ev);
bool census_day(const struct event *ev, uint16_t *day);
/* Log entries taken in so far: the next one to feed has this index. */
uint64_t census_position(const struct census *c);
/* Takes one event in; nothing is borrowed from it. Each day counts as it was recorded: an address
 * that newer enrichment data gives to another network has sightings under both. A country that is
 * not two bytes and an AS number above 2^32-1 count as unknown; a time outside of 1970 to 2149 is
 * not counted and warned of once. */
void census_add(struct census *c, const struct event *ev);
/* Says that all entries below `position` have been taken in (those that are no events too). */
void census_advance(struct census *c, uint64_t position);
/* Writes the snapshot, replacing the old one as a whole, and goes on from it. It takes time in
 * proportion to all that is in it, not to what is new: some tenths of a second for 10 million
 * sightings. On failure the census holds what it held. */
int census_snapshot(struct census *c, struct err *err);
/* Memory that a snapshot would give back: what was taken in since the last one, packed. */
size_t census_pending_bytes(const struct census *c);

enum census_by {
    CENSUS_BY_DAY,
    CENSUS_BY_COUNTRY,
    CENSUS_BY_ASN,
    CENSUS_BY_NETWORK,
    CENSUS_BY_FAMILY,
    CENSUS_BY_ADDRESS
};

struct census_query {
    enum census_by by;
    int32_t since, until; /* days since 1970, since inclusive, until exclusive */
    struct span family;   /* empty: every family, each with rows of its own */
    /* Addresses that no infected host is behind (judge_excluded), ascending, IPv4 first; none when
     * NULL. They count like all others; `victims` of a row is without them. */
    const struct ip *excluded;
    size_t n_excluded;
};

/* One row; fields that the grouping does not have are zero or empty. Spans are valid within row().
 * Where an address was recorded with different attributions, it counts once under each. */
struct census_row {
    int32_t day; /* CENSUS_BY_DAY */
    struct span family;
    /* BY_ASN: asn and as_name. BY_COUNTRY: country (empty: unknown). BY_NETWORK: the network, and
     * whose it was when it was seen last in the range (nobody's for the unknown network).
     * BY_ADDRESS: all of them, as recorded last in the range. An AS's name is the one that the
     * log's latest event with it says. */
    uint32_t asn;
    struct span as_name;
    struct span country;
    struct net network;
    struct ip address;       /* BY_ADDRESS */
    uint64_t addresses;      /* distinct IPv4 + IPv6 addresses */
    uint64_t victims;        /* of those: not among the query's `excluded` */
    uint64_t ipv6, ipv6_64s; /* of those: IPv6, and the /64s they lie in */
    /* BY_DAY: seen for the first time ever; seen on an earlier day too (fresh + returning =
     * addresses); seen on the day before and not on this one. "Ever" and "earlier" look at the
     * whole log, not only at the range asked for. A day on which a family was not seen at all has
     * no row. */
    uint64_t fresh, returning, gone;
    int32_t first_day, last_day; /* first and last seen, within the range */
    uint32_t days;               /* BY_ADDRESS: days it was seen on */
};

/* Calls row() for each, ordered: by day and family; else by addresses (most first), then by name
 * (country, AS number, network), then by family; BY_ADDRESS by family, then IPv4 before IPv6, by
 * number, streamed. row() returns 0 to go on; anything else ends the query and is returned.
 * -EBADMSG when the snapshot turns out to be damaged. */
int census_rows(struct census *c, const struct census_query *q,
                int (*row)(void *ctx, const struct census_row *row), void *ctx, struct err *err);

/* One family's addresses with all their sightings, for joining with what else is known of them:
 * IPv4 before IPv6, by number. The census must not take in anything meanwhile. */
struct census_walk;
/* An address's days under one attribution; attributions are in no particular order. Valid until the
 * next address. */
struct census_part {
    uint32_t asn;    /* 0: unknown */
    char country[2]; /* zero bytes: unknown */
    const uint16_t *days;
    size_t n;
};
void census_walk_open(struct census *c, struct span family, struct census_walk **out);
void census_walk_close(struct census_walk *w);
/* 1 an address, 0 the end, -EBADMSG: the snapshot is damaged. */
int census_walk_next(struct census_walk *w, struct ip *ip, const struct census_part **parts,
                     size_t *n, struct err *err);
/* An AS's name, as the log's latest event of it says; empty: not known. */
struct span census_as_name(const struct census *c, uint32_t asn);
