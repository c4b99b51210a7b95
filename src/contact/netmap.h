/* Netmap: networks with a number each, and the longest one that holds an address. Networks are
 * flattened to the points at which the longest match changes, in sorted arrays: a look-up is a
 * binary search, for IPv4 within one /16. The arrays can lie in a mapped file. */
#pragma once

#include "base/ip.h"

#define NETMAP_NONE UINT32_MAX
#define NETMAP_TOP  65537 /* entries of netmap_part.top */

/* One IP version. From start[i] to start[i + 1] the match has value[i] and bits[i]. */
struct netmap_part {
    const uint32_t
        *top; /* IPv4: where each /16 begins in start[]; NULL: none (IPv6, a small map) */
    const uint32_t *start4;
    const struct ip *start6;
    const uint32_t *value; /* NETMAP_NONE: no network */
    const uint8_t *bits;
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

/* Building. Of equal networks the one with the highest rank stays, of equal ranks the one with the
 * lowest value. */
struct netmap_builder;
struct netmap_builder *netmap_build(void);
void netmap_build_free(struct netmap_builder *b);
void netmap_add(struct netmap_builder *b, const struct net *network, uint32_t value, uint8_t rank);
/* Flattens what was added; the map's arrays are the builder's. */
void netmap_finish(struct netmap_builder *b, struct netmap *out);
