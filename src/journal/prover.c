#include "journal/prover.h"

#include <errno.h>
#include <stdlib.h>

#include "journal/internal.h"
#include "journal/proof.h"

struct journal_prover {
    struct buf note;
    struct checkpoint checkpoint; /* its origin points into the note */
    struct tile_source *tiles;
};

int journal_prover_open(struct journal *j, struct journal_prover **out, struct err *err)
{
    struct journal_prover *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    int rc = checkpoint_load(j->dir, &j->key, &p->note, &p->checkpoint, err);
    if (rc < 0) {
        journal_prover_close(p);
        return rc;
    }
    p->tiles = tile_source_open(j->log_fd, p->checkpoint.size);
    *out = p;
    return 0;
}

void journal_prover_close(struct journal_prover *p)
{
    if (!p)
        return;
    tile_source_close(p->tiles);
    buf_free(&p->note);
    free(p);
}

struct span journal_prover_note(const struct journal_prover *p)
{
    return buf_as_span(&p->note);
}

const struct checkpoint *journal_prover_checkpoint(const struct journal_prover *p)
{
    return &p->checkpoint;
}

/* Checked before it is given away. */
static int path_build(struct journal_prover *p, uint64_t index, struct merkle_proof *path,
                      struct err *err)
{
    const struct checkpoint *c = &p->checkpoint;
    struct merkle_source src = {tile_source_node, p->tiles};
    uint8_t leaf[SHA256_LEN];
    int rc = tile_source_node(p->tiles, 0, index, leaf, err);
    if (rc == 0)
        rc = merkle_inclusion(&src, index, c->size, path, err);
    if (rc == 0 && !merkle_inclusion_holds(index, c->size, span_of(leaf, sizeof leaf),
                                           span_of(path->hash, path->n * SHA256_LEN),
                                           span_of(c->root, SHA256_LEN)))
        rc = err_set(err, -EBADMSG,
                     "log/tile: the tiles over entry %llu do not hash to the root "
                     "of log/checkpoint",
                     (unsigned long long)index);
    return rc;
}

int journal_prover_entry(struct journal_prover *p, uint64_t index, struct buf *out, struct err *err)
{
    struct merkle_proof path;
    if (index >= p->checkpoint.size)
        return err_set(err, -ENOENT,
                       "no proof: the published checkpoint has %llu entries, not "
                       "entry %llu",
                       (unsigned long long)p->checkpoint.size, (unsigned long long)index);
    int rc = path_build(p, index, &path, err);
    if (rc == 0)
        proof_put(index, &path, buf_as_span(&p->note), out);
    return rc;
}

int journal_prover_consistency(struct journal_prover *p, uint64_t from,
                               uint8_t from_root[SHA256_LEN], struct merkle_proof *out,
                               struct err *err)
{
    const struct checkpoint *c = &p->checkpoint;
    struct merkle_source src = {tile_source_node, p->tiles};
    if (from > c->size)
        return err_set(err, -ERANGE, "the published checkpoint has %llu entries, not %llu",
                       (unsigned long long)c->size, (unsigned long long)from);
    int rc = merkle_root(&src, from, from_root, err);
    if (rc == 0)
        rc = merkle_consistency(&src, from, c->size, out, err);
    if (rc == 0 && !merkle_consistency_holds(from, c->size, span_of(from_root, SHA256_LEN),
                                             span_of(c->root, SHA256_LEN),
                                             span_of(out->hash, out->n * SHA256_LEN)))
        rc =
            err_set(err, -EBADMSG, "log/tile: the tiles do not hash to the root of log/checkpoint");
    return rc;
}
