/* Opening for writing: from the published checkpoint, through the entries behind it, to a log
 * whose tiles and checkpoint are complete again. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/internal.h"

/* The right edge as of the checkpoint, which must hash to the root that was signed. */
static int edge_load(struct journal *j, const struct checkpoint *c, struct err *err)
{
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        uint8_t hashes[TILE_BYTES];
        uint64_t n = tree_level_size(c->size, level);
        unsigned width = n % TILE_WIDTH;
        int rc = width ? tile_read(j->log_fd, level, n / TILE_WIDTH, width, hashes, err) : 0;
        if (rc < 0)
            return rc == -ENOENT ? -EBADMSG : rc;
        tree_load(&j->tree, level, c->size, span_of(hashes, width * SHA256_LEN));
    }
    uint8_t root[SHA256_LEN];
    tree_root(&j->tree, c->size, root);
    if (memcmp(root, c->root, SHA256_LEN) != 0)
        return err_set(err, -EBADMSG,
                       "log/tile: the last tiles do not hash to the root of "
                       "log/checkpoint (%llu entries)",
                       (unsigned long long)c->size);
    return 0;
}

/* The entries of the partial bundle, each of which must hash to its leaf. */
static int bundle_load(struct journal *j, uint64_t size, struct err *err)
{
    unsigned width = size % TILE_WIDTH;
    if (width == 0)
        return 0;
    int rc = tile_read_entries(j->log_fd, size / TILE_WIDTH, width, &j->entries, err);
    if (rc < 0)
        return rc == -ENOENT ? -EBADMSG : rc;
    bool good = j->entries.n == (size_t)width * BUNDLE_ENTRY;
    for (unsigned i = 0; i < width && good; i++) {
        uint8_t hash[SHA256_LEN];
        const uint8_t *p = j->entries.p + i * BUNDLE_ENTRY;
        merkle_leaf(p + 2, JOURNAL_LEAF_LEN, hash);
        good = be16_get(p) == JOURNAL_LEAF_LEN &&
               memcmp(hash, j->tree.level[0].hashes.p + i * SHA256_LEN, SHA256_LEN) == 0;
    }
    char path[TILE_PATH_MAX];
    tile_path(path, TILE_ENTRIES, size / TILE_WIDTH, width);
    return good ? 0 : err_set(err, -EBADMSG, "log/%s: entries do not hash to their leaves", path);
}

/* A record behind the checkpoint is taken over only when its payload holds as well. */
static int take_over(struct journal *j, const struct record *r, struct err *err)
{
    if (!record_commitment_holds(r))
        return err_set(err, -EBADMSG, "entry %llu does not match its commitment",
                       (unsigned long long)r->index);
    uint8_t hash[SHA256_LEN], length[2];
    merkle_leaf(r->leaf, JOURNAL_LEAF_LEN, hash);
    tree_add(&j->tree, hash);
    be16_put(length, JOURNAL_LEAF_LEN);
    buf_put(&j->entries, length, sizeof length);
    buf_put(&j->entries, r->leaf, JOURNAL_LEAF_LEN);
    j->size++;
    if (j->size - j->tree.level[0].start > SPILL_ENTRIES) {
        j->committed = j->size; /* they are whole and on the disk, see end_at */
        tree_fold(&j->tree, j->committed);
        return publish_tiles(j, false, err);
    }
    return 0;
}

static int damaged(const struct journal *j, const struct err *why, struct err *err)
{
    return err_set(err, why->code,
                   "%s; the published checkpoint has %llu entries, so this is "
                   "damage and not a torn tail (log verify says more)",
                   why->text, (unsigned long long)j->published);
}

/* Takes over a segment's entries behind the checkpoint. 1 all whole, 0 torn at *end, negative. */
static int tail_read(struct journal *j, uint64_t first, uint64_t *end, struct err *err)
{
    struct segment_reader r;
    struct err why = {0};
    struct record rec;
    *end = 0;
    int rc = segment_open(&r, j->journal_fd, first, j->origin, &why);
    if (rc == -EBADMSG && first >= j->published)
        return 0; /* the crash came while it was made */
    if (rc < 0)
        return rc == -EBADMSG ? damaged(j, &why, err) : err_set(err, rc, "%s", why.text);
    rc = segment_seek(&r, j->journal_fd, j->size, &why);
    if (rc == 0)
        rc = err_set(&why, -EBADMSG, "journal: segment %016llx ends at entry %llu",
                     (unsigned long long)first, (unsigned long long)r.index);
    if (rc < 0) {
        segment_close(&r);
        return rc == -EBADMSG ? damaged(j, &why, err) : err_set(err, rc, "%s", why.text);
    }
    do {
        *end = r.offset;
        rc = segment_next(&r, &rec, &why);
        if (rc == 1)
            rc = take_over(j, &rec, &why) < 0 ? why.code : 1;
    } while (rc == 1);
    segment_close(&r);
    if (rc < 0)
        err_set(err, rc, "%s", why.text);
    return rc == 0 ? 1 : rc == -EBADMSG ? 0 : rc;
}

/* Cuts the last segment at `end`; a segment whose header is torn goes as a whole. */
static int cut_at(struct journal *j, uint64_t first, uint64_t end, uint64_t *cut, struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    struct stat st;
    segment_name(name, first);
    if (fstatat(j->journal_fd, name, &st, 0) < 0)
        return err_errno(err, "journal/%s", name);
    *cut += (uint64_t)st.st_size - end;
    if (end >= SEGMENT_HEADER_LEN) {
        int fd = openat(j->journal_fd, name, O_WRONLY | O_CLOEXEC);
        int rc = fd < 0 || ftruncate(fd, (off_t)end) < 0 || fdatasync(fd) < 0
                     ? err_errno(err, "journal/%s", name)
                     : 0;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    if (unlinkat(j->journal_fd, name, 0) < 0)
        return err_errno(err, "journal/%s", name);
    return writer_create_segment(j->journal_fd, first, j->origin, err);
}

/* Reads all segments from the one that holds the checkpoint's end. */
static int tail_scan(struct journal *j, const struct segment_list *list, uint64_t *cut,
                     struct err *err)
{
    size_t i = segment_list_find(list, j->published);
    if (i == list->n)
        return err_set(err, -EBADMSG, "journal: the segment of entry 0 is missing");
    /* The checkpoint may end exactly where a segment does, and the next be there or not. */
    if (list->first[i] == j->published && i > 0)
        i--;
    uint64_t end = 0, first = 0;
    for (; i < list->n; i++) {
        struct err why = {0};
        first = list->first[i];
        if (first > j->size)
            return err_set(err, -EBADMSG, "journal: entries %llu to %llu are missing",
                           (unsigned long long)j->size, (unsigned long long)first - 1);
        int rc = tail_read(j, first, &end, &why);
        if (rc == 0 && i + 1 < list->n)
            rc = -EBADMSG; /* the last segment is the only one that can be torn */
        if (rc < 0)
            return err_set(err, rc, "%s", why.text);
        if (rc == 0 && (rc = cut_at(j, first, end, cut, err)) < 0)
            return rc;
        if (end < SEGMENT_HEADER_LEN)
            end = SEGMENT_HEADER_LEN;
    }
    segment_index_repair(j->journal_fd, first, j->size, j->origin);
    return writer_resume_segment(j, first, end, err);
}

int recover(struct journal *j, const struct checkpoint *published, uint64_t *cut, struct err *err)
{
    struct segment_list list = {0};
    uint64_t bytes = 0;
    int rc = edge_load(j, published, err);
    if (rc == 0)
        rc = bundle_load(j, published->size, err);
    if (rc == 0)
        rc = segment_list_read(j->journal_fd, &list, err);
    if (rc == 0)
        rc = tile_trim(&j->tiles, published->size, err);
    if (rc == 0)
        rc = tail_scan(j, &list, &bytes, err);
    if (rc == -EBADMSG && j->size == published->size) {
        struct err why = {0};
        int saved = salvage(j, &why);
        if (saved == 1)
            rc = tail_scan(j, &list, &bytes, err);
        else if (saved < 0)
            rc = err_set(err, saved, "%s", why.text);
    }
    segment_list_free(&list);
    if (rc == 0 && fdatasync(j->seg.fd) < 0) /* written by whoever crashed, maybe not durable */
        rc = err_errno(err, "journal");
    if (rc < 0)
        return rc;
    if (cut)
        *cut = bytes;
    j->committed = j->size;
    j->seg.kept_first = j->seg.first;
    j->seg.kept_offset = j->seg.offset;
    tree_fold(&j->tree, j->committed);
    rc = committed_write(j->committed_fd, j->committed, err);
    if (rc == 0)
        rc = journal_publish(j, err);
    if (rc == 0)
        rc = salvage_finish(j, err);
    if (rc == 0)
        rc = redact_finish(j, err);
    if (rc == 0)
        rotate_recover(j);
    return rc;
}
