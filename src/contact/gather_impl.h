/* Gather, inside: what its formats share. */
#pragma once

#include "contact/gather.h"

struct gather {
    enum gather_format format;
    char source[GATHER_SOURCE_MAX + 1];
    struct gather_sink sink;
    struct gather_counts counts; /* of the file in hand */
    struct gather_totals totals;
    uint64_t line; /* of the file in hand, from 1 */
    struct contact_rows rows;
    struct contact_table *table; /* GATHER_CSV */
    struct objects *objects;     /* GATHER_RPSL, GATHER_ARIN */
    struct delegations *delegations;
};

void gather_reject(struct gather *g, uint64_t line, const char *why);
/* A date at the beginning of the text ("2026-01-31", "20260131"), which makes the file at least as
 * new. */
void gather_made(struct gather *g, struct span text);
