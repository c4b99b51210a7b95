/* Netmap: networks with a number each, and the longest one that holds an address. Networks are
 * flattened to the points at which the longest match changes, in sorted arrays: a look-up is a
 * binary search, in a large IPv4 map within the points of one /20. The arrays can lie in a mapped
 * file. */
#pragma once

#include "base/ip.h"

#define NETMAP_NONE      UINT32_MAX
#define NETMAP_VALUE_MAX ((1u << 26) - 2) /* values are 0 to this */

/* What counts from an address on: value << 6 | prefix length; NETMAP_NONE: no network. */
struct netmap_point4 {
    uint32_t start, match;
};
struct netmap_point6 {
    struct ip start;
    uint32_t value, bits; /* NETMAP_NONE, 0: no network */
};

struct netmap_part {
    const uint32_t *top; /* where the points of each /top_bits begin; NULL: none */
    unsigned top_bits;   /* top has 2^top_bits + 1 entries */
    const struct netmap_point4 *v4;
    const struct netmap_point6 *v6;
    uint32_t n;
};

struct netmap {
    struct netmap_part v4, v6;
};

/* The value of the longest network that has the address, and that network; NETMAP_NONE. */
uint32_t netmap_find(const struct netmap *m, const struct ip *ip, struct net *network);
/* False: the arrays are none that a look-up can trust (starts that do not rise, an index beyond the
 * end, values from `values` on): for files. */
bool netmap_ok(const struct netmap *m, uint32_t values);

/* The bits of a top of so many entries; -1: none has that many. */
int netmap_top_bits(size_t entries);

/* Building. Of equal networks the one with the highest rank stays, of equal ranks the one with the
 * lowest value. */
struct netmap_builder;
struct netmap_builder *netmap_build(void);
void netmap_build_free(struct netmap_builder *b);
void netmap_add(struct netmap_builder *b, const struct net *network, uint32_t value, uint8_t rank);
/* Flattens what was added; the map's arrays are the builder's. */
void netmap_finish(struct netmap_builder *b, struct netmap *out);
