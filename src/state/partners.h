/* Partners: who may fetch what is seen in their own networks. A view of the log (PARTNER entries),
 * loaded on demand. Used by one thread. */
#pragma once

#include "base/digest.h"
#include "base/err.h"
#include "base/ip.h"

#define PARTNER_NETWORKS_MAX 4096 /* prefixes and ASes of one */

struct partners;

int partners_open(const char *dir, struct partners **out, struct err *err);
void partners_close(struct partners *p);
uint64_t partners_position(const struct partners *p);
void partners_advance(struct partners *p, uint64_t position);
int partners_snapshot(struct partners *p, struct err *err);
void partners_act(struct partners *p, uint8_t kind, uint64_t index, int64_t time,
                  struct span payload);

/* Spans are valid until the view takes in an act or is closed. */
struct partner {
    uint64_t entry;
    struct span name, networks;
    const struct net *nets;
    size_t n_nets;
    const uint32_t *ases;
    size_t n_ases;
    int64_t until; /* ACT_FOREVER: no end */
    bool revoked;
};
int partners_each(struct partners *p, int (*each)(void *ctx, const struct partner *partner),
                  void *ctx);
/* By the SHA-256 of a token, compared in constant time. False: nobody's, over at `now`, or revoked.
 */
bool partners_by_token(struct partners *p, const uint8_t token[SHA256_LEN], int64_t now,
                       struct partner *out);
/* True when the address is in the partner's networks, or announced by one of its ASes. */
bool partner_may_see(const struct partner *partner, const struct ip *ip, uint32_t asn);
