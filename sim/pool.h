/* Address pools: every address that the scenario's networks hold has an index, and is either free
 * or in use by one subscriber line. Indexes are dense, so that sets of addresses are bitsets.
 *
 * The addresses of a group (an AS, or a group of scanners or sandboxes) are contiguous, its IPv4
 * networks first. Network and broadcast addresses (x.x.x.0, x.x.x.255) are left out: hosts rarely
 * have them. An IPv6 "address" is a customer's /64 with one interface identifier. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/ip.h"
#include "sim/rng.h"
#include "sim/scenario.h"

#define POOL_NONE UINT32_MAX

struct pool_net {
    struct net net;
    uint32_t base, count; /* indexes base .. base+count-1 */
    uint32_t room;        /* addresses that there are: count of them, evenly spread, are used */
    uint32_t group;
    bool v6;
};

struct pool_group {
    uint32_t first_net, n_nets;
    uint32_t base, count4, count6; /* IPv4 indexes, then IPv6 ones */
};

struct pool {
    uint64_t seed;
    struct pool_net *nets;
    struct pool_group *groups; /* the ASes in order, then scanners', then sandboxes' groups */
    uint32_t n_nets, n_groups, n_ases, n_scanners; /* the last two count groups */
    uint32_t first_scanner, first_sandbox;         /* indexes from there on; multiples of 64 */
    uint32_t n;                                    /* all indexes; a multiple of 64 */
    uint64_t *used;                                /* one bit an index */
    uint32_t *released;                            /* in use until the day's end */
    size_t n_released, cap_released;
};

/* Lays the scenario's networks out. At a scale below 1 only that share of an AS's addresses is
 * used, so that its pool is as full as at scale 1 and addresses are reused as often. -EINVAL,
 * naming the key, for a text that is no prefix, a prefix too long or too short, two that overlap,
 * or too many addresses. */
int pool_new(const struct scenario *s, uint64_t seed, double scale, const char *where,
             struct pool **out, struct err *err);
void pool_free(struct pool *p);

/* Takes a free address of the group: of that network, or of any when net is POOL_NONE. *net becomes
 * its network. POOL_NONE when none is free. */
uint32_t pool_take(struct pool *p, uint32_t group, bool v6, uint32_t *net, struct rng *r);
/* Gives an address back. It stays in use until pool_day_end(), so that no address has two lines on
 * one day. */
void pool_release(struct pool *p, uint32_t address);
void pool_day_end(struct pool *p);
/* The network that holds an address of the group. */
uint32_t pool_net_of(const struct pool *p, uint32_t group, uint32_t address);
struct ip pool_ip(const struct pool *p, uint32_t net, uint32_t address);
