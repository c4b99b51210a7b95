/* Delegated: registries' statistics ("delegated" and "delegated-extended" files): which addresses
 * were given to a holder in which country by which registry.
 *
 *     2|ripencc|1764370799|240000|19830705|20251128|+0100                     the version line
 *     ripencc|*|ipv4|*|120000|summary
 *     ripencc|FR|ipv4|2.0.0.0|1048576|20100712|allocated|OPAQUE-ID
 *
 * An IPv4 value is a number of addresses, no power of two in general; an IPv6 value is a prefix
 * length. They have no contacts: they say which registry to ask, and which country's CERT. */
#pragma once

#include "contact/gather.h"

struct gather;
struct delegations;
struct delegations *delegations_new(struct gather *g);
void delegations_free(struct delegations *d);
int delegations_line(struct delegations *d, struct span line);
/* Neighbours of one country and registry are put together, then cut into prefixes. */
int delegations_resolve(struct delegations *d);
/* True when a file of statistics may begin with this line; its registry ("ripe"; "" unknown). */
bool delegations_probe(struct span line, char registry[GATHER_SOURCE_MAX + 1]);
