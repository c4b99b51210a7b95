/* Partners: who may fetch what is seen in their own networks. A view of the log (PARTNER entries),
 * loaded on demand. Used by one thread. */
#pragma once

#include "base/digest.h"
#include "base/err.h"
#include "base/ip.h"

#define PARTNER_NETWORKS_MAX 4096 /* prefixes and ASes of one */
#define PARTNER_NAME_MAX     64   /* bytes: letters, digits, ".", "_" and "-" */
/* Wider than any one network has; a slip of the finger would give everything away. */
#define PARTNER_BITS_MIN_V4 8
#define PARTNER_BITS_MIN_V6 16

struct partners;

/* Loads `<dir>/partners`, or starts empty (also when it is damaged: it can be rebuilt). */
int partners_open(const char *dir, struct partners **out, struct err *err);
void partners_close(struct partners *p);
uint64_t partners_position(const struct partners *p);
void partners_advance(struct partners *p, uint64_t position);
int partners_snapshot(struct partners *p, struct err *err);
/* Takes in a PARTNER act; a name again replaces what it had. Networks that make no sense are passed
 * over. */
void partners_act(struct partners *p, uint8_t kind, uint64_t index, int64_t time,
                  struct span payload);

/* Spans and arrays are valid until the view takes in an act or is closed. */
struct partner {
    uint64_t entry;
    int64_t since; /* when it was recorded */
    struct span name, networks;
    const struct net *nets; /* ordered, none within another */
    size_t n_nets;
    const uint32_t *ases; /* ascending */
    size_t n_ases;
    int64_t until; /* ACT_FOREVER: no end */
    bool revoked;
    struct span by, why;
};
/* By name, bytewise. each() returns 0 to go on; anything else ends it and is returned. */
int partners_each(struct partners *p, int (*each)(void *ctx, const struct partner *partner),
                  void *ctx);
/* By its name; false: there is none. */
bool partners_by_name(struct partners *p, struct span name, struct partner *out);
/* By the SHA-256 of a token, compared in constant time. False: nobody's (out->entry is 0; a revoked
 * partner's token is nobody's), or over at `now` (out->entry is the partner's). */
bool partners_by_token(struct partners *p, const uint8_t token[SHA256_LEN], int64_t now,
                       struct partner *out);
/* What all of them together may see that are in force at `now`: networks and ASes only. Valid until
 * the next such call, too. */
void partners_union(struct partners *p, int64_t now, struct partner *out);
/* True when the address is in the partner's networks, or announced by one of its ASes. */
bool partner_may_see(const struct partner *partner, const struct ip *ip, uint32_t asn);

/* A partner's name: PARTNER_NAME_MAX bytes at most, and fit for a file's name. */
bool partner_name_is_good(struct span name);
/* "AS3320", "192.0.2.0/24" or "192.0.2.1": *asn is not 0, or *net is set. NULL, or why not. */
const char *partner_network_parse(struct span text, struct net *net, uint32_t *asn);
