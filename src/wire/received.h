/* Received headers (RFC 5321, 4.4) as the mail servers of the world write them: who handed the mail
 * over, to whom, when. And the walk from the newest down to the first hop that was no relay of
 * ours: what stands below that one was written by a stranger, and is not believed. */
#pragma once

#include "base/buf.h"
#include "base/ip.h"

#define RECEIVED_WALK_MAX   100  /* hops looked at (RFC 5321, 6.3 suggests 100 as a loop's mark) */
#define RECEIVED_TOKENS_MAX 256  /* words of one header */
#define RECEIVED_VALUE_MAX  8192 /* bytes of one header that are looked at */

struct received {
    bool from;             /* somebody handed the mail over; false: a hop within one host */
    struct span helo;      /* as what the client introduced itself; the client's own words */
    struct span rdns;      /* its address's name as the writer looked it up; empty: unknown, or not
                            * certain to be that */
    struct ip ip;          /* its address; not set where none is said */
    struct span by;        /* the host that wrote this */
    struct span with;      /* "ESMTP" */
    struct span recipient; /* of "for", without angle brackets */
    bool dated;
    int64_t time; /* microseconds UTC */
};

/* Reads a header's value, as sent (folded). Never fails: what cannot be read is left empty. Spans
 * point into `value`. */
void received_parse(struct span value, struct received *out);

/* A date of mail: RFC 5322 with its obsolete forms (years of two digits, "EST", military letters,
 * comments), asctime's "Sun Apr  8 13:07:32 2007" with a zone in any place, and RFC 3339. Without a
 * zone it is taken as UTC. False when it is none, or no date of the calendar. */
bool received_date(struct span text, int64_t *out);

/* The relays whose word is taken. */
struct received_trust {
    const struct net *net; /* of their addresses */
    size_t nets;
    const struct span *host; /* names, "*.example.org" for all below it */
    size_t hosts;
};

/* Whether the client of this hop is such a relay: by its address, or by the name that the writer
 * found for that (never by what it said of itself). */
bool received_is_trusted(const struct received_trust *t, const struct received *r);

/* The headers' values, the newest first. Passes over hops within one host (no "from", a loopback
 * address) and those from trusted relays, to the first from anybody else; when there is none, the
 * last. Fills *out and returns its place; -1 when n is 0. Where its date cannot be read, that of
 * the next newer one is taken. */
int received_walk(const struct span *value, size_t n, const struct received_trust *trust,
                  struct received *out);
