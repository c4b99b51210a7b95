/* DNS zone of a query: the asset that gives authority over its name, and where in the name its zone
 * begins. Assets are zones so:
 * - a domain is one zone;
 * - of a wildcard, which does not have its own name, each name directly below is one;
 * - an address is the zone of its reverse name; a network the reverse zones of whole octets (IPv4)
 * or digits (IPv6) that lie within it. Assets of one port count for their address. */
#pragma once

#include "net/net.h"

/* name: wire form, any case, final zero byte included. *zone is an offset in it. The match is valid
 * as authority_match is. */
bool dns_zone_find(const struct net_env *env, const struct net_peer *peer, struct span name,
                   struct authority_match *match, size_t *zone);
