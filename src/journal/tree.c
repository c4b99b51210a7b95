#include "journal/tree.h"

void tree_load(struct tree *t, unsigned level, uint64_t size, struct span hashes)
{
    struct tree_level *l = &t->level[level];
    l->start = tree_level_size(size, level) / TILE_WIDTH * TILE_WIDTH;
    l->hashes.n = 0;
    buf_span(&l->hashes, hashes);
}

void tree_fold(struct tree *t, uint64_t size)
{
    for (unsigned i = 1; i < TREE_LEVELS; i++) {
        struct tree_level *below = &t->level[i - 1], *l = &t->level[i];
        uint64_t want = tree_level_size(size, i);
        for (uint64_t have = l->start + l->hashes.n / SHA256_LEN; have < want; have++) {
            uint8_t root[SHA256_LEN];
            const uint8_t *tile = below->hashes.p + (have * TILE_WIDTH - below->start) * SHA256_LEN;
            merkle_fold(tile, TILE_WIDTH, root);
            buf_put(&l->hashes, root, SHA256_LEN);
        }
    }
}

void tree_root(const struct tree *t, uint64_t size, uint8_t out[SHA256_LEN])
{
    bool have = false;
    for (unsigned i = 0; i < TREE_LEVELS; i++) {
        const struct tree_level *l = &t->level[i];
        unsigned width = tree_level_size(size, i) % TILE_WIDTH;
        uint64_t first = tree_level_size(size, i) - width;
        /* the partial tile's complete subtrees, from the smallest at its right end */
        for (unsigned end = width; end > 0;) {
            unsigned n = end & -end;
            uint8_t left[SHA256_LEN];
            end -= n;
            merkle_fold(l->hashes.p + (first + end - l->start) * SHA256_LEN, n, left);
            if (have)
                merkle_node(left, out, out);
            else
                memcpy(out, left, SHA256_LEN);
            have = true;
        }
    }
    if (!have)
        merkle_empty(out);
}

struct span tree_tile(const struct tree *t, unsigned level, uint64_t tile)
{
    const struct tree_level *l = &t->level[level];
    uint64_t first = tile * TILE_WIDTH, held = l->start + l->hashes.n / SHA256_LEN;
    if (first < l->start || first >= held)
        return (struct span){NULL, 0};
    uint64_t n = held - first < TILE_WIDTH ? held - first : TILE_WIDTH;
    return span_of(l->hashes.p + (first - l->start) * SHA256_LEN, n * SHA256_LEN);
}

void tree_drop_full(struct tree *t, unsigned level, uint64_t size)
{
    struct tree_level *l = &t->level[level];
    uint64_t start = tree_level_size(size, level) / TILE_WIDTH * TILE_WIDTH;
    if (start <= l->start)
        return;
    size_t gone = (size_t)(start - l->start) * SHA256_LEN;
    memmove(l->hashes.p, l->hashes.p + gone, l->hashes.n - gone);
    l->hashes.n -= gone;
    l->start = start;
}

void tree_free(struct tree *t)
{
    for (unsigned i = 0; i < TREE_LEVELS; i++)
        buf_free(&t->level[i].hashes);
    memset(t, 0, sizeof *t);
}
