/* DNS server: the answer to one query, authoritatively for what is seized, REFUSED for all else.
 * RFC 1034, 1035, 2181, 2308, 5001, 6891, 7873, 7871, 8482, 8906, 9018, 9460, 9619.
 * doc/sinkhole/dns.md says what is answered. */
#pragma once

#include "net/net.h"

#define DNS_NSID_MAX 128

struct dns_server;

/* Compiles the policies' records; a record that does not parse is -EINVAL naming policy and record.
 * The config stays the caller's and must outlive the server. */
int dns_server_new(const struct net_config *config, struct dns_server **out, struct err *err);
void dns_server_free(struct dns_server *s);
/* Answers one message: writes the reply to out (cap bytes, 512 at least; for TCP 65535) and returns
 * its length, 0 for none. Records the query when it is within authority, counts it otherwise. Rate
 * limits and limits.dns_amplification apply to UDP only. */
size_t dns_server_answer(struct net_env *env, const struct net_peer *peer, struct span query,
                         uint8_t *out, size_t cap);
/* 65535 bytes for an answer, valid until the next call. For dns_session. */
uint8_t *dns_server_scratch(struct dns_server *s);
