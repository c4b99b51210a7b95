/* Publishing: tiles and entry bundles, then the signed checkpoint that makes them the log. */
#include <errno.h>

#include "journal/internal.h"

/* Tiles of one level that a tree of `size` leaves has and that are still held. */
static int level_write(struct journal *j, int level, uint64_t size, bool partial, struct err *err)
{
    unsigned at = level == TILE_ENTRIES ? 0 : (unsigned)level;
    size_t each = level == TILE_ENTRIES ? BUNDLE_ENTRY : SHA256_LEN;
    const struct tree_level *l = &j->tree.level[at];
    const uint8_t *p = level == TILE_ENTRIES ? j->entries.p : l->hashes.p;
    uint64_t have = tree_level_size(size, at);
    for (uint64_t first = l->start; first < have; first += TILE_WIDTH, p += TILE_WIDTH * each) {
        unsigned width = have - first < TILE_WIDTH ? (unsigned)(have - first) : TILE_WIDTH;
        if (width < TILE_WIDTH && !partial)
            break;
        int rc =
            tile_write(&j->tiles, level, first / TILE_WIDTH, width, span_of(p, width * each), err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void entries_drop_full(struct journal *j, uint64_t size)
{
    uint64_t start = size / TILE_WIDTH * TILE_WIDTH, held = j->tree.level[0].start;
    if (start <= held)
        return;
    size_t gone = (size_t)(start - held) * BUNDLE_ENTRY;
    memmove(j->entries.p, j->entries.p + gone, j->entries.n - gone);
    j->entries.n -= gone;
}

int publish_tiles(struct journal *j, bool partial, struct err *err)
{
    int rc = 0;
    for (int level = TILE_ENTRIES; level < TREE_LEVELS && rc == 0; level++)
        rc = level_write(j, level, j->committed, partial, err);
    if (rc < 0)
        return rc;
    entries_drop_full(j, j->committed);
    for (unsigned level = 0; level < TREE_LEVELS; level++)
        tree_drop_full(&j->tree, level, j->committed);
    return 0;
}

static int checkpoint_write(struct journal *j, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0}, note = {0};
    struct checkpoint c = {.origin = span_str(j->origin), .size = j->committed};
    tree_root(&j->tree, j->committed, c.root);
    checkpoint_put(&c, &text);
    int rc = note_sign(&j->key, buf_as_span(&text), &note, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/" CHECKPOINT_FILE, j->dir);
    if (rc == 0)
        rc = file_replace(path, buf_as_span(&note), 0644, err);
    buf_free(&text);
    buf_free(&note);
    return rc;
}

/* The partial files of the tiles that were partial at `before` and are full now. */
static int drop_partials(struct journal *j, uint64_t before, struct err *err)
{
    for (int level = TILE_ENTRIES; level < TREE_LEVELS; level++) {
        unsigned at = level == TILE_ENTRIES ? 0 : (unsigned)level;
        uint64_t old = tree_level_size(before, at), now = tree_level_size(j->committed, at);
        if (old % TILE_WIDTH == 0 || old / TILE_WIDTH == now / TILE_WIDTH)
            continue;
        int rc = tile_remove_partials(&j->tiles, level, old / TILE_WIDTH, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int journal_publish(struct journal *j, struct err *err)
{
    if (j->mode != JOURNAL_WRITE)
        return err_set(err, -EROFS, "journal: opened for reading");
    if (j->published == j->committed)
        return 0;
    int rc = publish_tiles(j, true, err);
    if (rc < 0)
        return rc;
    rc = tile_sync(&j->tiles, err);
    if (rc < 0) {
        j->failed = true; /* what is on the disk is unknown now; opening again writes it anew */
        return rc;
    }
    rc = checkpoint_write(j, err);
    if (rc < 0)
        return rc;
    uint64_t before = j->published;
    j->published = j->committed;
    return drop_partials(j, before, err);
}
