/* Run: a sorted, packed part of the census: one addrset for each family and IP version in it. Runs
 * are made from pending sightings, merged into larger ones, and the snapshot is one. */
#pragma once

#include "state/addrset.h"
#include "state/pending.h"

struct run_part {
    uint32_t family;
    size_t at; /* where in bytes its set begins */
    struct addrset set;
};

struct run {
    struct buf bytes;       /* empty when the sets lie in a mapped file */
    struct run_part *parts; /* ascending by family, IPv4 first */
    size_t n, cap;
    unsigned level; /* how many times it was merged */
};

void run_free(struct run *r);
/* Packs what is pending (sorted here) and empties it. */
void run_from_pending(struct pending *p, struct run *out);
/* The union. 0, or -1 when one of them is damaged. */
int run_merge(const struct run *runs, size_t n, uint32_t attrs, struct run *out);
/* The set of a family and IP version, NULL when there is none. */
const struct addrset *run_find(const struct run *r, uint32_t family, bool v6);
void run_add_part(struct run *r, struct run_part part);
