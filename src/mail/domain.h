/* Domains: the part of a host name that somebody registered (libpsl), remembered. */
#pragma once

#include "base/buf.h"

struct domains;
struct domains *domains_open(void);
void domains_close(struct domains *d);
/* "shop.example.co.uk" -> "example.co.uk": a part of `host` (small letters, A-labels). The host
 * itself when it is a public suffix or has no dot. */
struct span domains_registered(struct domains *d, struct span host);
