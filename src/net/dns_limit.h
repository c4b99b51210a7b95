/* Response rate limiting: a token bucket for each /24 or /56 that queries say they come from, so
 * that spoofed ones cannot make a flood of us. The table has a fixed size; where two networks want
 * one place, the one that used its bucket less loses it, so that a flood from everywhere does not
 * wash out the network that is under attack. */
#pragma once

#include "base/ip.h"

#define DNS_LIMIT_SETS (1u << 14) /* of DNS_LIMIT_WAYS buckets: 1 MiB */
#define DNS_LIMIT_WAYS 4

struct dns_limit;

/* The key is secret, so that nobody can choose networks that share a place. */
struct dns_limit *dns_limit_new(const uint8_t key[16]);
void dns_limit_free(struct dns_limit *l);
/* The network of an address. Its place in the table is on its way to the cache from then on. */
uint64_t dns_limit_network(const struct dns_limit *l, const struct ip *src);
/* Takes one response of `rate` a second (not 0) to that network; a second's worth may come at once.
 * tick: milliseconds. False: over the limit. */
bool dns_limit_take(struct dns_limit *l, uint64_t network, int64_t tick, uint32_t rate);
