#include "app/subject/facts_tree.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "state/subjects.h"

/* ---- the entries ---- */

struct entries {
    uint64_t *v;
    size_t n, cap;
};

static int add_entry(void *ctx, uint64_t entry)
{
    struct entries *e = ctx;
    e->v = mem_room(e->v, e->n, &e->cap, sizeof *e->v);
    e->v[e->n++] = entry;
    return 0;
}

static int leaf_of(struct casedir *c, uint64_t entry, uint8_t leaf[FACTS_LEAF_LEN],
                   uint8_t salt[JOURNAL_SALT_LEN], struct err *err)
{
    be64_put(leaf, entry);
    return journal_leaf(c->journal, entry, leaf + 8, salt, err);
}

/* ---- the hashes ---- */

static uint64_t level_at(const struct facts_tree *t, unsigned level)
{
    uint64_t at = 0;
    for (unsigned i = 0; i < level; i++)
        at += t->n >> i;
    return at;
}

static int node(void *ctx, unsigned level, uint64_t index, uint8_t out[SHA256_LEN], struct err *err)
{
    const struct facts_tree *t = ctx;
    (void)err;
    memcpy(out, t->hash + (level_at(t, level) + index) * SHA256_LEN, SHA256_LEN);
    return 0;
}

static int hash_leaves(struct casedir *c, struct facts_tree *t, struct err *err)
{
    uint8_t leaf[FACTS_LEAF_LEN], salt[JOURNAL_SALT_LEN];
    for (uint64_t i = 0; i < t->n; i++) {
        int rc = leaf_of(c, t->entry[i], leaf, salt, err);
        if (rc < 0)
            return rc;
        merkle_leaf(leaf, sizeof leaf, t->hash + i * SHA256_LEN);
    }
    return 0;
}

/* Whole subtrees, level upon level: n/2, n/4 ... */
static void hash_levels(struct facts_tree *t)
{
    uint8_t *below = t->hash;
    for (uint64_t n = t->n; n > 1; n /= 2) {
        uint8_t *level = below + n * SHA256_LEN;
        for (uint64_t i = 0; i < n / 2; i++)
            merkle_node(below + 2 * i * SHA256_LEN, below + (2 * i + 1) * SHA256_LEN,
                        level + i * SHA256_LEN);
        below = level;
    }
}

int facts_tree_make(struct casedir *c, uint64_t size, struct facts_tree *out, struct err *err)
{
    struct entries entries = {0};
    *out = (struct facts_tree){.size = size};
    int rc = subjects_known(c->pursuit, size, add_entry, &entries, err);
    out->entry = entries.v;
    out->n = entries.n;
    if (rc < 0)
        return rc;
    out->hash = mem_zeroed(out->n * 2, SHA256_LEN);
    rc = hash_leaves(c, out, err);
    if (rc < 0)
        return rc;
    hash_levels(out);
    return merkle_root(&(struct merkle_source){node, out}, out->n, out->root, err);
}

void facts_tree_free(struct facts_tree *t)
{
    free(t->entry);
    free(t->hash);
}

/* ---- one of them ---- */

int facts_tree_prove(struct casedir *c, const struct facts_tree *t, uint64_t entry,
                     struct facts_proof *out, struct err *err)
{
    size_t from = 0, to = t->n;
    while (from < to) {
        size_t at = from + (to - from) / 2;
        if (t->entry[at] < entry)
            from = at + 1;
        else
            to = at;
    }
    if (from == t->n || t->entry[from] != entry)
        return err_set(err, -ENOENT, "entry %llu is nothing that was known at tree size %llu",
                       (unsigned long long)entry, (unsigned long long)t->size);
    out->index = from;
    int rc = leaf_of(c, entry, out->leaf, out->salt, err);
    return rc < 0 ? rc
                  : merkle_inclusion(&(struct merkle_source){node, (void *)t}, from, t->n,
                                     &out->path, err);
}
