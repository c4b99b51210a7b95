/* Query: the one way to read observations back. Runs over the journal from front to back, so the
 * answer is always what the log says. */
#pragma once

#include "event/event.h"
#include "journal/journal.h"
#include "state/registry.h"

struct query {
    int64_t since, until;                  /* microseconds, since inclusive, until exclusive */
    const char *family;                    /* NULL: any; "": none */
    struct net src;                        /* unset: any */
    struct span country, protocol, sensor; /* empty: any */
    uint64_t asn;                          /* 0: any */
    uint8_t kind;                          /* 0: any */
    uint64_t from_index, limit;            /* limit 0: none */
};

struct query_hit {
    uint64_t index;
    const struct event *ev; /* valid during the call */
    const char *sensor;
    const char *log; /* origin of the log that it is on; NULL: the case's own */
};

/* Calls hit() for each matching event in log order; it returns 0 to go on. 0, negative with err,
 * or what hit() returned. Redacted entries have nothing to match and are passed over. */
int query_events(struct journal *j, const struct registry *registry, const struct query *q,
                 int (*hit)(void *ctx, const struct query_hit *hit), void *ctx, struct err *err);

/* Whether an observation passes the filters (all but from_index and limit): for who gets them in
 * another way. */
bool query_matches(const struct query *q, const struct query_hit *hit);
