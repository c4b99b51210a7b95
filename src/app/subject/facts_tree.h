/* Facts tree: the commitment to what was known when the log had so many entries. A Merkle tree (RFC
 * 9162 hashing, SHA-256) over the entries that held then: subjects, merges, facts and links, in
 * the log's order. A leaf is the entry's index (8 bytes, big endian) and its leaf of the log
 * (header and commitment, 68 bytes). The commitment is SHA-256 of a salt of 16 bytes and the
 * payload: so who is shown one fact, its salt and the path to the root can check it, and can guess
 * at none of the others. doc/subjects.md has the form. */
#pragma once

#include "app/casedir.h"
#include "journal/merkle.h"

#define FACTS_LEAF_LEN (8 + JOURNAL_LEAF_LEN)

struct facts_tree {
    uint64_t size; /* of the log */
    uint64_t n;    /* leaves */
    uint64_t *entry;
    uint8_t *hash; /* level by level, the leaves first */
    uint8_t root[SHA256_LEN];
};
/* The casedir has its pursuit loaded. facts_tree_free() also after a failure. */
int facts_tree_make(struct casedir *c, uint64_t size, struct facts_tree *out, struct err *err);
void facts_tree_free(struct facts_tree *t);
/* What shows one entry: its leaf, its salt, where it stands, the path. -ENOENT: it did not hold
 * then. */
struct facts_proof {
    uint64_t index; /* of the leaf */
    uint8_t leaf[FACTS_LEAF_LEN], salt[JOURNAL_SALT_LEN];
    struct merkle_proof path;
};
int facts_tree_prove(struct casedir *c, const struct facts_tree *t, uint64_t entry,
                     struct facts_proof *out, struct err *err);
