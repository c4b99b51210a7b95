/* Estimate: the infected hosts behind what was counted, and their decline: what the log's views
 * know (activity, census, judgements) put into stat/hosts and stat/curve. doc/census.md has the
 * method and what it assumes. Families are estimated apart. One thread calls; it uses more by
 * itself, and the numbers do not depend on how many. */
#pragma once

#include "stat/curve.h"
#include "stat/hosts.h"
#include "state/activity.h"
#include "state/census.h"

struct estimate_options {
    int32_t since, until; /* days since 1970, until exclusive */
    struct span family;   /* empty: each */
    /* Addresses that are no victims (judge_excluded): ascending, IPv4 first. */
    const struct ip *excluded;
    size_t n_excluded;
    uint64_t seed;
    unsigned threads; /* 0: one a core, ESTIMATE_THREADS_MAX at most */
};
#define ESTIMATE_THREADS_MAX 16

/* A series' decline over the range, from its first day. */
struct estimate_decline {
    enum curve_state state; /* but for CURVE_FITTED the rest is INFINITY */
    const char *curve;      /* "weibull", "exponential" */
    /* Days. Intervals are NaN where there are too few days for one. */
    struct curve_interval half_life, gone90;
    struct curve_interval shape; /* of the Weibull */
};

/* One family. Spans and pointers are valid within the call. */
struct estimate {
    struct span family;
    int32_t since, until;   /* the range, cut to the days on which the family was seen */
    uint64_t addresses_raw; /* distinct in the range, whatever they were judged to be */
    uint64_t left_out;      /* of those: no victims */
    struct hosts_range range;
    const struct hosts_params *params;
    struct estimate_decline hosts, addresses;
    unsigned days_left_out; /* of the range, from the decline: not watched, or not all day */
    const struct hosts_fit *fit;
    const struct estimate_work *work; /* inner */
};

/* Estimates each family that was seen in the range, in order of names. each() returns 0 to go on.
 */
int estimate_families(struct census *census, struct activity *activity,
                      const struct estimate_options *options,
                      int (*each)(void *ctx, const struct estimate *e), void *ctx, struct err *err);

struct estimate_day {
    uint64_t addresses_raw;
    struct hosts_day hosts; /* its addresses: without those that are no victims */
};
void estimate_day(const struct estimate *e, int32_t day, struct estimate_day *out);

/* An AS or a country; those that are not known have no segment. */
struct estimate_segment {
    uint32_t asn;       /* HOSTS_AS */
    char country[2];    /* HOSTS_COUNTRY */
    uint64_t addresses; /* distinct in the range, without those that are no victims */
    struct hosts_segment hosts;
    bool enough; /* hosts enough for a decline (ESTIMATE_SEGMENT_MIN alive on the first day) */
    struct estimate_decline decline;
};
#define ESTIMATE_SEGMENT_MIN 50
/* Segments seen in the range, those with most hosts first (then by number or name), `limit` of them
 * (0: all). each() returns 0 to go on. */
int estimate_segments(const struct estimate *e, enum hosts_kind kind, size_t limit,
                      int (*each)(void *ctx, const struct estimate_segment *s), void *ctx);

/* The same for fewer days (of the range, until exclusive), hosts alone: without decline, which is
 * what takes time. In the order of numbers or names; `addresses` are the whole range's. */
int estimate_segment_hosts(const struct estimate *e, enum hosts_kind kind, int32_t since,
                           int32_t until, int (*each)(void *ctx, const struct estimate_segment *s),
                           void *ctx);
/* Which days of the range a decline rests on: 1, or 0 where nobody looked, or not all day;
 * `weight` has until - since of them. Returns how many are left out. */
unsigned estimate_weights(const struct estimate *e, double *weight);
