/* Merkle trees: the hashing, inclusion and consistency proofs of RFC 9162, section 2.1 (the same
 * tree as RFC 6962), with SHA-256.
 *
 * Building reads hashes of complete subtrees from a `merkle_source`; checking takes spans, so that
 * a hash of a wrong length is a proof that does not hold rather than a read past its end. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define MERKLE_PROOF_MAX 66 /* hashes of the longest proof over 2^64 leaves */

/* SHA-256(0x00 || data). */
void merkle_leaf(const void *data, size_t n, uint8_t out[SHA256_LEN]);
/* SHA-256(0x01 || left || right). */
void merkle_node(const uint8_t left[SHA256_LEN], const uint8_t right[SHA256_LEN],
                 uint8_t out[SHA256_LEN]);
/* The root of no leaves: SHA-256 of nothing. */
void merkle_empty(uint8_t out[SHA256_LEN]);
#define MERKLE_FOLD_MAX 256
/* Root over n hashes that lie side by side, 1 <= n <= MERKLE_FOLD_MAX. */
void merkle_fold(const uint8_t *hashes, size_t n, uint8_t out[SHA256_LEN]);

/* Gives the hash over leaves [index << level, (index + 1) << level), all of which are in the tree.
 * 0 or negative. */
struct merkle_source {
    int (*node)(void *ctx, unsigned level, uint64_t index, uint8_t out[SHA256_LEN],
                struct err *err);
    void *ctx;
};

struct merkle_proof {
    size_t n;
    uint8_t hash[MERKLE_PROOF_MAX][SHA256_LEN]; /* in the order of RFC 9162: leaf to root */
};

int merkle_root(const struct merkle_source *src, uint64_t size, uint8_t out[SHA256_LEN],
                struct err *err);
/* PATH(index, D[size]); -ERANGE unless index < size. */
int merkle_inclusion(const struct merkle_source *src, uint64_t index, uint64_t size,
                     struct merkle_proof *out, struct err *err);
/* PROOF(from, D[to]); empty when from is 0 or equals to; -ERANGE unless from <= to. */
int merkle_consistency(const struct merkle_source *src, uint64_t from, uint64_t to,
                       struct merkle_proof *out, struct err *err);

/* RFC 9162, 2.1.3.2. `proof` is its hashes one after the other. */
bool merkle_inclusion_holds(uint64_t index, uint64_t size, struct span leaf_hash, struct span proof,
                            struct span root);
/* RFC 9162, 2.1.4.2; also from == to (equal roots, no proof) and from == 0 (the empty root, no
 * proof), which the RFC leaves to the caller. */
bool merkle_consistency_holds(uint64_t from, uint64_t to, struct span from_root,
                              struct span to_root, struct span proof);
/* Of a proof between two different sizes, neither 0: the roots that it leads to. So a signed new
 * root says by itself what the old one is: nobody finds another old root with a proof to the same
 * new one. Where `from` is a power of two the proof starts from the old root, which has to be given
 * (old_root, in and out). False: not a proof of these sizes. */
bool merkle_consistency_roots(uint64_t from, uint64_t to, struct span proof,
                              uint8_t old_root[SHA256_LEN], uint8_t new_root[SHA256_LEN]);
/* Whether the old root is worked out from the proof alone. */
static inline bool merkle_consistency_tells(uint64_t from, uint64_t to)
{
    return from && from < to && (from & (from - 1)) != 0;
}
