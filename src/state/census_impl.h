/* What a census is made of; for census*.c only. */
#pragma once

#include "state/census.h"
#include "state/dict.h"
#include "state/pending.h"
#include "state/run.h"
#include "state/snapshot.h"

#define CENSUS_AHEAD     8   /* events that are on their way at once */
#define CENSUS_NAME_KEEP 120 /* longer names of ASes are not kept for that long */

/* An event on its way into `pending`: its attribution's slot is being fetched meanwhile. */
struct incoming {
    struct dict_attr attr;
    uint64_t hash, name_hash;
    struct addrset_key key;
    uint32_t family;
    uint16_t day;
    bool v6;
    uint8_t name_n;
    char name[CENSUS_NAME_KEEP];
};

struct census {
    char *dir;
    uint64_t position;
    struct dict dict;
    struct snapshot snapshot; /* mapped; what `base` points into */
    struct run base;          /* all up to the last snapshot */
    struct run *runs;         /* newer ones, oldest first */
    size_t nruns, runs_cap;
    struct pending pending;                 /* newer still */
    struct incoming incoming[CENSUS_AHEAD]; /* the newest: a ring, the oldest at taken */
    size_t came, taken;

    /* the last event's day and family, which the next one's mostly are too */
    int64_t day_from;
    uint16_t day;
    bool day_known;
    uint32_t family;
    struct buf family_name; /* empty: none yet */
    bool warned;            /* of times that cannot be counted */
};

/* Moves all that was taken in into runs. */
void census_settle(struct census *c);
/* All runs, the base first: out has room for 1 + nruns. Returns how many. */
size_t census_all_runs(const struct census *c, const struct run **out);
