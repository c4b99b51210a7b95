/* What a census is made of; for census*.c only. */
#pragma once

#include "state/census.h"
#include "state/dict.h"
#include "state/pending.h"
#include "state/run.h"
#include "state/snapshot.h"

struct census {
    char *dir;
    uint64_t position;
    struct dict dict;
    struct snapshot snapshot; /* mapped; what `base` points into */
    struct run base;          /* all up to the last snapshot */
    struct run *runs;         /* newer ones, oldest first */
    size_t nruns, runs_cap;
    struct pending pending; /* newest */

    /* the last event's day and family, which the next one's mostly are too */
    int64_t day_from;
    uint16_t day;
    bool day_known;
    uint32_t family;
    struct buf family_name; /* empty: none yet */
    bool warned;            /* of times that cannot be counted */
};

/* Moves what is pending into a run. */
void census_settle(struct census *c);
/* All runs, the base first: out has room for 1 + nruns. Returns how many. */
size_t census_all_runs(const struct census *c, const struct run **out);
