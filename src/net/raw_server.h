/* Raw server: datagrams, and what raw_session needs once a process. */
#pragma once

#include "net/net.h"

struct raw_server;

int raw_server_new(const struct net_config *config, struct raw_server **out, struct err *err);
void raw_server_free(struct raw_server *s);
/* One datagram on a raw or any listener; records it when the destination is an asset. Never answers:
 * a sinkhole is no reflector. */
void raw_server_datagram(struct net_env *env, const struct net_peer *peer, struct span data);
/* Records bytes of a connection that no session could take: a TLS handshake that failed, an HTTP
 * connection that never spoke HTTP. The protocol is guessed from them. Counts and records nothing when
 * match is NULL. */
void raw_server_record(struct net_env *env, const struct net_peer *peer, const struct authority_match *match,
                       struct span client, uint64_t client_size, struct span server, uint64_t server_size);

/* "http" "tls" "smtp" "irc" "socks" "dns" "unknown": what the first bytes of a client look like. */
const char *raw_guess(struct span first);
