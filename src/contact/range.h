/* Range: addresses from one to another, as registries write them. */
#pragma once

#include "base/ip.h"

/* "192.0.2.0 - 192.0.2.255", "192.0.2.0/24", "200.1/16" (LACNIC leaves zeros out), "2001:db8::/32".
 * NULL, or why it is none. */
const char *range_read(struct span text, struct ip *first, struct ip *last);
/* The last address of a network. */
struct ip range_end(const struct net *network);
