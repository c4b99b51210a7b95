/* Tree: the right edge of a growing Merkle tree, kept as tiles. For every tile level it holds the
 * hashes from the start of the first tile that is not put away, so a publisher can write them and
 * a verifier compare them.
 *
 * Leaves are added ahead (tree_add); tree_fold brings the levels above up to a size. All zero
 * bytes is an empty tree. */
#pragma once

#include "journal/merkle.h"

#define TREE_LEVELS 8   /* of tiles; 256^8 leaves */
#define TILE_WIDTH  256 /* hashes of a full tile */
#define TILE_BYTES  (TILE_WIDTH * SHA256_LEN)

struct tree_level {
    uint64_t start;    /* index of the first hash held: a multiple of TILE_WIDTH */
    struct buf hashes; /* hashes.n / SHA256_LEN of them */
};
struct tree {
    struct tree_level level[TREE_LEVELS];
};

/* How many hashes a level has in a tree of that many leaves. */
static inline uint64_t tree_level_size(uint64_t size, unsigned level)
{
    return size >> (8 * level);
}

static inline void tree_add(struct tree *t, const uint8_t leaf_hash[SHA256_LEN])
{
    buf_put(&t->level[0].hashes, leaf_hash, SHA256_LEN);
}
/* Starts a level at its partial tile in a tree of `size` leaves, `hashes` being that tile. */
void tree_load(struct tree *t, unsigned level, uint64_t size, struct span hashes);
/* Levels 1 and up as they are with `size` leaves; never goes back. */
void tree_fold(struct tree *t, uint64_t size);
/* Root over the first `size` leaves, folded up to exactly that size or, within the same tile at
 * every level, beyond it. */
void tree_root(const struct tree *t, uint64_t size, uint8_t out[SHA256_LEN]);
/* The hashes of one tile as held: may be a partial one, empty when none are held. */
struct span tree_tile(const struct tree *t, unsigned level, uint64_t tile);
/* Forgets every full tile of a level. */
void tree_drop_full(struct tree *t, unsigned level, uint64_t size);
void tree_free(struct tree *t);
