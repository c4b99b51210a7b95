#include "journal/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/hash.h"
#include "journal/internal.h"

#define VKEY_MAX 1024
#define BATCH    TILE_WIDTH

void journal_extent_name(char out[EXTENT_NAME_MAX], uint64_t first)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(name, first);
    snprintf(out, EXTENT_NAME_MAX, "journal/%s", name);
}

void journal_extent_free(struct journal_extent *e)
{
    buf_free(&e->vkey);
    buf_free(&e->note);
    free(e->origin);
    free(e->segments);
    *e = (struct journal_extent){0};
}

static int vkey_text(const char *dir, struct buf *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/log/vkey", dir);
    return rc < 0 ? rc : file_read(path, VKEY_MAX, out, err);
}

static bool redaction_under_way(const char *dir)
{
    char path[FILE_PATH_MAX];
    return file_path(path, NULL, "%s/" INTENT_FILE, dir) == 0 && file_exists(path);
}

/* Where the entry `size` begins, or would. */
static int end_of(int journal_fd, uint64_t first, uint64_t size, const char *origin, uint64_t *end,
                  struct err *err)
{
    struct segment_reader r;
    int rc = segment_open(&r, journal_fd, first, origin, err);
    if (rc < 0)
        return rc;
    rc = segment_seek(&r, journal_fd, size, err);
    *end = r.offset;
    if (rc == 0)
        rc = err_set(err, -EBADMSG,
                     "journal: segment %016llx ends at entry %llu, before the checkpoint",
                     (unsigned long long)first, (unsigned long long)r.index);
    segment_close(&r);
    return rc < 0 ? rc : 0;
}

static int segments_take(int journal_fd, struct journal_extent *e, struct err *err)
{
    struct segment_list list;
    int rc = segment_list_read(journal_fd, &list, err);
    if (rc < 0)
        return rc;
    e->segments = calloc(list.n + 1, sizeof *e->segments);
    if (!e->segments)
        abort();
    for (size_t i = 0; i < list.n && rc == 0; i++) {
        char name[SEGMENT_NAME_MAX];
        struct stat st;
        struct journal_extent_segment *s = &e->segments[e->n];
        if (list.first[i] && list.first[i] >= e->size)
            break;
        e->n++;
        s->first = list.first[i];
        segment_name(name, s->first);
        if (i + 1 < list.n && list.first[i + 1] <= e->size) {
            if (fstatat(journal_fd, name, &st, 0) < 0)
                rc = err_errno(err, "journal/%s", name);
            else
                s->bytes = (uint64_t)st.st_size;
        } else {
            rc = end_of(journal_fd, s->first, e->size, e->origin, &s->bytes, err);
        }
    }
    if (rc == 0 && (!e->n || e->segments[0].first))
        rc = err_set(err, -EBADMSG, "journal: the segment of entry 0 is missing");
    segment_list_free(&list);
    return rc;
}

/* From the header of the last entry. */
static int last_take(const char *dir, struct journal_extent *e, struct err *err)
{
    struct journal *j;
    struct entry entry;
    if (e->size == 0)
        return 0;
    int rc = journal_open(dir, JOURNAL_READ, &j, NULL, err);
    if (rc < 0)
        return rc;
    rc = journal_get(j, e->size - 1, &entry, err);
    if (rc == 0)
        e->last = entry.header.time;
    journal_close(j, NULL);
    return rc;
}

int journal_extent_take(const char *dir, struct journal_extent *out, struct err *err)
{
    struct note_key key;
    struct checkpoint c;
    *out = (struct journal_extent){0};
    int fd = -1, rc = vkey_text(dir, &out->vkey, err);
    if (rc == 0)
        rc = vkey_load(dir, &key, err);
    if (rc == 0)
        rc = checkpoint_load(dir, &key, &out->note, &c, err);
    if (rc == 0) {
        out->size = c.size;
        memcpy(out->root, c.root, SHA256_LEN);
        out->origin = strdup(key.name);
        if (!out->origin)
            abort();
        /* Looked at behind the checkpoint: what it has of redactions is carried out then. */
        if (redaction_under_way(dir))
            rc =
                err_set(err, -EAGAIN, "a redaction is being carried out at this moment: try again");
    }
    if (rc == 0)
        rc = fd = case_folder(dir, "journal", err);
    if (fd >= 0) {
        rc = segments_take(fd, out, err);
        close(fd);
    }
    if (rc == 0)
        rc = last_take(dir, out, err);
    if (rc < 0)
        journal_extent_free(out);
    return rc;
}

int journal_extent_still(const char *dir, const struct journal_extent *e, struct err *err)
{
    struct buf vkey = {0};
    struct journal *j;
    struct journal_cursor *c;
    struct entry entry;
    int rc = vkey_text(dir, &vkey, err);
    bool same = rc == 0 && span_eq(buf_as_span(&vkey), buf_as_span(&e->vkey));
    buf_free(&vkey);
    if (rc < 0)
        return rc;
    if (!same || redaction_under_way(dir))
        return 0;
    rc = journal_open(dir, JOURNAL_READ, &j, NULL, err);
    if (rc < 0)
        return rc;
    rc = journal_cursor_open(j, e->size, &c, err);
    int still = 1;
    while (rc == 0 && still && (rc = journal_cursor_next(c, &entry, err)) == 1) {
        still = !(entry.header.flags & ENTRY_FLAG_REDACTION);
        rc = 0;
    }
    journal_cursor_close(c);
    journal_close(j, NULL);
    return rc < 0 ? rc : still;
}

/* ---- a copy ---- */

static int bad_record(const struct segment_reader *r, uint64_t index, uint64_t offset,
                      const char *why, struct err *err)
{
    return err_set(err, -EBADMSG, "journal/%016llx.seg: offset %llu: entry %llu: %s",
                   (unsigned long long)r->first, (unsigned long long)offset,
                   (unsigned long long)index, why);
}

static int check_record(struct tile_source *tiles, const struct segment_reader *r,
                        const struct record *rec, struct err *err)
{
    uint8_t leaf[SHA256_LEN], published[SHA256_LEN];
    if (!record_commitment_holds(rec) && !record_is_zero(rec))
        return bad_record(r, rec->index, rec->offset, "does not match its commitment", err);
    merkle_leaf(rec->leaf, JOURNAL_LEAF_LEN, leaf);
    int rc = tile_source_node(tiles, 0, rec->index, published, err);
    if (rc == 0 && memcmp(leaf, published, SHA256_LEN) != 0)
        rc = bad_record(r, rec->index, rec->offset, "is not the one that the log published", err);
    return rc;
}

static int check_segment(int journal_fd, struct tile_source *tiles, const struct journal_extent *e,
                         uint64_t first, uint64_t from, uint64_t end, struct err *err)
{
    struct segment_reader r;
    struct record rec;
    int rc = segment_open(&r, journal_fd, first, e->origin, err);
    if (rc < 0)
        return rc;
    uint64_t at = from > first ? from : first;
    rc = segment_seek(&r, journal_fd, at, err);
    while (rc == 1 && at < end && (rc = segment_next(&r, &rec, err)) == 1) {
        rc = check_record(tiles, &r, &rec, err);
        rc = rc < 0 ? rc : 1;
        at++;
    }
    if (rc == 0)
        rc = bad_record(&r, r.index, r.offset, "is missing", err);
    segment_close(&r);
    return rc < 0 ? rc : 0;
}

/* That the last tiles lead to the root. */
static int check_root(struct tile_source *tiles, const struct journal_extent *e, struct err *err)
{
    uint8_t root[SHA256_LEN];
    struct merkle_source src = {tile_source_node, tiles};
    int rc = merkle_root(&src, e->size, root, err);
    if (rc == 0 && memcmp(root, e->root, SHA256_LEN) != 0)
        rc = err_set(err, -EBADMSG, "log/tile: the tiles do not hash to the checkpoint's root");
    return rc;
}

int journal_extent_check(const char *dir, const char *copy, const struct journal_extent *e,
                         uint64_t from, struct err *err)
{
    int log_fd = case_folder(dir, "log", err), journal_fd = -1, rc = log_fd;
    if (rc >= 0)
        rc = journal_fd = case_folder(copy, "journal", err);
    struct tile_source *tiles = rc >= 0 ? tile_source_open(log_fd, e->size) : NULL;
    if (rc >= 0)
        rc = check_root(tiles, e, err);
    for (size_t i = 0; i < e->n && rc >= 0; i++) {
        uint64_t end = i + 1 < e->n ? e->segments[i + 1].first : e->size;
        if (end > from)
            rc = check_segment(journal_fd, tiles, e, e->segments[i].first, from, end, err);
    }
    if (tiles)
        tile_source_close(tiles);
    if (log_fd >= 0)
        close(log_fd);
    if (journal_fd >= 0)
        close(journal_fd);
    return rc < 0 ? rc : 0;
}

/* ---- publishing a copy ---- */

struct republisher {
    struct journal j; /* tree, bundles and tiles of it, as publish.c has them */
    uint64_t size, signed_size;
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

static int take_batch(struct republisher *p, const struct record *rec, int n, struct err *err)
{
    struct hash_job jobs[BATCH];
    struct buf *leaves = &p->j.tree.level[0].hashes;
    uint8_t *hashes = buf_reserve(leaves, (size_t)n * SHA256_LEN);
    for (int i = 0; i < n; i++) {
        uint8_t *bundle = buf_reserve(&p->j.entries, BUNDLE_ENTRY);
        be16_put(bundle, JOURNAL_LEAF_LEN);
        memcpy(bundle + 2, rec[i].leaf, JOURNAL_LEAF_LEN);
        p->j.entries.n += BUNDLE_ENTRY;
        jobs[i] =
            (struct hash_job){rec[i].leaf, JOURNAL_LEAF_LEN, hashes + i * SHA256_LEN, HASH_LEAF};
    }
    hash_many(jobs, (size_t)n);
    leaves->n += (size_t)n * SHA256_LEN;
    p->size += (uint64_t)n;
    if (p->size - p->j.tree.level[0].start < SPILL_ENTRIES)
        return 0;
    p->j.committed = p->size;
    tree_fold(&p->j.tree, p->size);
    if (p->progress)
        p->progress(p->ctx, p->size, p->signed_size);
    return publish_tiles(&p->j, false, err);
}

static int take_segment(struct republisher *p, uint64_t first, struct err *err)
{
    struct segment_reader r;
    struct record rec[BATCH];
    if (first != p->size)
        return err_set(err, -EBADMSG, "journal: entries before segment %016llx are missing",
                       (unsigned long long)first);
    int rc = segment_open(&r, p->j.journal_fd, first, p->j.origin, err);
    if (rc < 0)
        return rc;
    do {
        uint64_t left = p->signed_size - p->size;
        rc = left ? segment_batch(&r, rec, left < BATCH ? (int)left : BATCH, err) : 0;
        if (rc > 0 && (rc = take_batch(p, rec, rc, err)) == 0)
            rc = 1;
    } while (rc > 0);
    segment_close(&r);
    if (rc == 0)
        segment_index_repair(p->j.journal_fd, first, p->size, p->j.origin);
    return rc;
}

static int finish(struct republisher *p, const struct checkpoint *c, struct err *err)
{
    uint8_t root[SHA256_LEN];
    if (p->size != c->size)
        return err_set(err, -EBADMSG, "journal: %llu entries, the checkpoint has %llu",
                       (unsigned long long)p->size, (unsigned long long)c->size);
    p->j.committed = p->size;
    tree_fold(&p->j.tree, p->size);
    tree_root(&p->j.tree, p->size, root);
    if (memcmp(root, c->root, SHA256_LEN) != 0)
        return err_set(err, -EBADMSG, "journal: the entries do not hash to the checkpoint's root");
    int rc = publish_tiles(&p->j, true, err);
    return rc == 0 ? tile_sync(&p->j.tiles, err) : rc;
}

int journal_republish(const char *dir, void (*progress)(void *ctx, uint64_t done, uint64_t total),
                      void *ctx, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf note = {0};
    struct checkpoint c;
    struct segment_list list = {0};
    struct republisher *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->progress = progress;
    p->ctx = ctx;
    p->j.journal_fd = p->j.log_fd = -1;
    int rc = file_path(path, err, "%s/log/tile", dir);
    if (rc == 0)
        rc = file_mkdirs(path, 0755, err);
    if (rc == 0)
        rc = vkey_load(dir, &p->j.key, err);
    if (rc == 0)
        rc = checkpoint_load(dir, &p->j.key, &note, &c, err);
    if (rc == 0)
        rc = p->j.journal_fd = case_folder(dir, "journal", err);
    if (rc >= 0)
        rc = p->j.log_fd = case_folder(dir, "log", err);
    if (rc >= 0) {
        p->j.origin = p->j.key.name;
        p->signed_size = c.size;
        tile_writer_init(&p->j.tiles, p->j.log_fd);
        rc = segment_list_read(p->j.journal_fd, &list, err);
    }
    for (size_t i = 0; i < list.n && rc >= 0; i++)
        rc = take_segment(p, list.first[i], err);
    if (rc >= 0)
        rc = finish(p, &c, err);
    if (p->j.log_fd >= 0) {
        tile_writer_close(&p->j.tiles);
        close(p->j.log_fd);
    }
    if (p->j.journal_fd >= 0)
        close(p->j.journal_fd);
    segment_list_free(&list);
    tree_free(&p->j.tree);
    buf_free(&p->j.entries);
    buf_free(&note);
    free(p);
    return rc < 0 ? rc : 0;
}
