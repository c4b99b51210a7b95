/* A config for tests and benchmarks: each limit at its default, one policy, no listeners. */
#pragma once

#include "net/net.h"

/* `policies` is the caller's; its first becomes the default one. */
static inline void test_config_init(struct net_config *c, struct policy *policies)
{
    static char empty[] = "", named[] = "default", octets[] = "application/octet-stream";
    c->limits = (struct net_limits){
#define LIMIT(name, fallback, least, most, about) .name = fallback,
#include "net/limits.def"
    };
    policies[0] = (struct policy){.name = named,
                                  .dns = {.ttl = 300},
                                  .http = {.body = empty, .content_type = octets},
                                  .smtp = {.banner = empty},
                                  .raw = {.banner = empty}};
    c->policies = policies;
    c->policies_count = 1;
    c->operator_name = c->help_url = c->nsid = empty;
}
