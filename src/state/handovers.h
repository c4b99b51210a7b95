/* Hand-overs: referrals, exhibits, time stamps and cosignatures. Tables of the pursuit (pursuit.h):
 * what was given to whom, and what shows from outside how the log was. */
#pragma once

#include "state/pursuit.h"

/* Spans are valid within the callback. */
struct handover_timestamp {
    uint64_t entry;
    int64_t recorded;
    struct act_timestamp act; /* root, chain, sha256, checkpoint: SHA256_LEN each */
};
/* In the log's order. each() returns 0 to go on. */
int handovers_timestamps(struct pursuit *p,
                         int (*each)(void *ctx, const struct handover_timestamp *t), void *ctx,
                         struct err *err);
/* The one that says most of entries up to `last`: the first whose tree has them all, else the
 * newest. 1 found (each() was called), 0 the log has none; negative. */
int handovers_timestamp_for(struct pursuit *p, uint64_t last,
                            int (*each)(void *ctx, const struct handover_timestamp *t), void *ctx,
                            struct err *err);
/* Whether an authority says that one was made within this time. */
bool handovers_stamped(struct pursuit *p, int64_t since, int64_t until);

struct handover_cosignature {
    uint64_t entry;
    int64_t recorded;
    struct act_cosignature act; /* root, sha256: SHA256_LEN each */
};
int handovers_cosignatures(struct pursuit *p,
                           int (*each)(void *ctx, const struct handover_cosignature *c), void *ctx,
                           struct err *err);
/* As handovers_timestamp_for(). */
int handovers_cosignature_for(struct pursuit *p, uint64_t last,
                              int (*each)(void *ctx, const struct handover_cosignature *c),
                              void *ctx, struct err *err);
/* How many entries the tree had that this witness (its verifier key) last signed; 0: none. */
uint64_t handovers_witnessed(struct pursuit *p, struct span vkey);

struct handover_exhibit {
    uint64_t entry;
    int64_t recorded;
    struct span account;
    struct act_exhibit act;
};
int handovers_exhibits(struct pursuit *p, int (*each)(void *ctx, const struct handover_exhibit *x),
                       void *ctx, struct err *err);

struct handover_referral {
    uint64_t entry;
    int64_t recorded;
    struct span account;
    struct act_referral act;
};
int handovers_referrals(struct pursuit *p,
                        int (*each)(void *ctx, const struct handover_referral *r), void *ctx,
                        struct err *err);
