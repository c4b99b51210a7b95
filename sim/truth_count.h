/* The truth's numbers, between counting (truth.c) and printing (truth_json.c). Private to both. */
#pragma once

#include "sim/truth.h"

/* Distinct addresses of one kind of visitor. */
struct truth_addresses {
    uint32_t seen, fresh, gone, ipv6; /* fresh: on no earlier day; gone: yesterday but not today */
    uint64_t checkins;
};

/* A set of contacts on one day: all of them, or one family's. */
struct truth_set_day {
    struct truth_addresses by[MODEL_ROLES];
};

/* The sets of addresses behind the numbers of one set of contacts. */
struct truth_set {
    uint64_t *today, *yesterday, *week, *ever;
};

struct truth_day_row {
    struct model_day model;
    uint64_t rows, rows6; /* feed rows, IPv4 and IPv6 */
};

struct truth {
    const struct model *m;
    uint32_t n_days, n_weeks, done; /* done: days taken in */
    unsigned n_sets;                /* 1, or 1 + families where there are several */
    size_t words;                   /* of a bitset */
    struct truth_set *sets;
    struct truth_set_day *set_days;  /* [day][set] */
    struct truth_set_day *set_weeks; /* [week][set]: seen alone */
    struct truth_set_day *set_all;   /* [set]: seen and checkins */
    struct truth_day_row *days;
    uint32_t *week_hosts; /* infected hosts that made contact in the week */
    uint32_t *as_weeks;   /* [week][AS] infected hosts' addresses */
    uint32_t *as_all;     /* [AS] */
    uint16_t *host_week;  /* by host: week + 1 of its last contact */
    uint32_t hosts_seen;  /* over the whole range */
};
