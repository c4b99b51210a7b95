/* Limits per address: how many connections one has, how many observations of it are recorded in a
 * second. An IPv4 address counts by itself, IPv6 by its /64. Tables have a fixed size. */
#pragma once

#include "base/ip.h"

struct limit_counts;
/* For `most` at once over all addresses. Aborts when memory is gone. The seed keeps strangers from
 * choosing addresses that meet in the table. */
struct limit_counts *limit_counts_new(uint32_t most, uint64_t seed);
void limit_counts_free(struct limit_counts *c);
/* One more of that address, when it has fewer than `most`. */
bool limit_enter(struct limit_counts *c, const struct ip *ip, uint32_t most);
/* One less; for each limit_enter() that was true. */
void limit_leave(struct limit_counts *c, const struct ip *ip);
uint32_t limit_count(const struct limit_counts *c, const struct ip *ip);

struct limit_rates;
/* Up to `rate` a second of each address. When more addresses are at it than the table holds, the
 * one that was quiet longest is forgotten, so that it may pass again. */
struct limit_rates *limit_rates_new(uint32_t rate, uint64_t seed);
void limit_rates_free(struct limit_rates *r);
bool limit_pass(struct limit_rates *r, const struct ip *ip, int64_t tick);
