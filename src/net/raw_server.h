/* Raw server: datagrams, and what raw_session needs once a process. */
#pragma once

#include "net/net.h"

#define RAW_BANNER_MAX 4096

struct raw_server;

/* -EINVAL names the policy whose banner is too long, a program, or, for IRC, no server's name. */
int raw_server_new(const struct net_config *config, struct raw_server **out, struct err *err);
void raw_server_free(struct raw_server *s);
/* One datagram on a raw or any listener; records it when the destination is an asset. Never
 * answers: a sinkhole is no reflector. */
void raw_server_datagram(struct net_env *env, const struct net_peer *peer, struct span data);
/* Records bytes of a connection that no session could take: a TLS handshake that failed, an HTTP
 * connection that never spoke HTTP. The protocol is guessed from them. With match NULL nothing is
 * recorded, and raw_refused counts it. */
void raw_server_record(struct net_env *env, const struct net_peer *peer,
                       const struct authority_match *match, struct span client,
                       uint64_t client_size, struct span server, uint64_t server_size);
/* The asset that gives authority over a raw conversation: by destination, else by the name that the
 * client asked for in TLS. */
bool raw_server_authority(const struct net_env *env, const struct net_peer *peer,
                          struct authority_match *out);

/* What the first bytes of a client look like: "http" "tls" "smtp" "irc" "socks" "ssh" "rdp" "dns"
 * "sip" "rtsp" "ssdp" "smb" "mqtt" "snmp" "tftp" "telnet" "redis" "adb" "bittorrent" "proxy", or
 * "unknown", also while they are too few to say. */
const char *raw_guess(struct span first);
/* What an event's `protocol` says for a guess: unknown bytes are "raw", as in imports. */
struct span raw_protocol(const char *guess);
