/* Distinct: how many different values each of many groups has, exactly. Tables are open addressing,
 * in the order of the hash, so that doubling one goes through memory in order. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Any 64-bit values but 0 as numbers from 0, in the order in which they came. All zero bytes is an
 * empty one. */
struct numbers {
    struct numbered {
        uint64_t value;
        uint32_t number, tag; /* the caller's, 0 at first */
    } * v;
    unsigned bits;
    uint32_t n;
};
/* Good until the next one. */
struct numbered *numbers_of(struct numbers *s, uint64_t value);
/* It will be asked for soon. */
void numbers_prefetch(const struct numbers *s, uint64_t value);
void numbers_free(struct numbers *s);

#define DISTINCT_VALUE_BITS                                                                        \
    33 /* enough for an IPv4 address and a bit that tells it from a number */
#define DISTINCT_GROUPS_MAX (1u << 31)
#define DISTINCT_WAIT       32

/* All zero bytes is an empty one. Values wait in line while their places come from memory. */
struct distinct {
    uint64_t *v; /* group + 1, value; 0: free */
    unsigned bits;
    size_t n;
    uint64_t wait[DISTINCT_WAIT];
    unsigned waiting;
    uint64_t *count; /* by group */
    size_t groups;
};
void distinct_put(struct distinct *d, uint32_t group, uint64_t value);
uint64_t distinct_count(struct distinct *d, uint32_t group);
void distinct_free(struct distinct *d);
