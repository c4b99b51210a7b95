/* Reading entries: a cursor forward from an index, and one entry by its index. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/internal.h"

struct journal_cursor {
    struct journal *journal;
    uint64_t index;     /* of the next entry */
    uint64_t committed; /* as last looked up */
    bool open;
    struct segment_reader reader;
};

int journal_cursor_open(struct journal *j, uint64_t index, struct journal_cursor **out,
                        struct err *err)
{
    *out = NULL;
    uint64_t committed = committed_now(j);
    if (index > committed)
        return err_set(err, -ENOENT, "journal: entry %llu is beyond the end (%llu entries)",
                       (unsigned long long)index, (unsigned long long)committed);
    struct journal_cursor *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->journal = j;
    c->index = index;
    c->committed = committed;
    *out = c;
    return 0;
}

static void close_segment(struct journal_cursor *c)
{
    if (c->open)
        segment_close(&c->reader);
    c->open = false;
}

void journal_cursor_close(struct journal_cursor *c)
{
    if (!c)
        return;
    close_segment(c);
    free(c);
}

/* Opens the segment that holds c->index and goes there. */
static int place(struct journal_cursor *c, struct err *err)
{
    struct journal *j = c->journal;
    struct segment_list list;
    close_segment(c);
    int rc = segment_list_read(j->journal_fd, &list, err);
    if (rc < 0)
        return rc;
    size_t i = segment_list_find(&list, c->index);
    uint64_t first = i < list.n ? list.first[i] : 0;
    bool missing = i == list.n;
    segment_list_free(&list);
    if (missing)
        return err_set(err, -EBADMSG, "journal: the segment of entry %llu is missing",
                       (unsigned long long)c->index);
    rc = segment_open(&c->reader, j->journal_fd, first, j->origin, err);
    if (rc < 0)
        return rc;
    c->open = true;
    rc = segment_seek(&c->reader, j->journal_fd, c->index, err);
    if (rc == 0)
        rc = err_set(err, -EBADMSG, "journal: entry %llu is missing (segment %016llx ends at %llu)",
                     (unsigned long long)c->index, (unsigned long long)first,
                     (unsigned long long)c->reader.index);
    if (rc < 0)
        close_segment(c);
    return rc;
}

/* The next record below c->committed, whichever segment it is in. */
static int next_record(struct journal_cursor *c, struct record *rec, struct err *err)
{
    int rc = 0;
    if (c->open)
        rc = segment_next(&c->reader, rec, err);
    if (rc != 0)
        return rc;
    rc = place(c, err); /* not open yet, or this segment has ended */
    if (rc < 0)
        return rc;
    rc = segment_next(&c->reader, rec, err);
    return rc ? rc
              : err_set(err, -EBADMSG, "journal: entry %llu is missing",
                        (unsigned long long)c->index);
}

static bool salt_is_zero(const uint8_t *salt)
{
    static const uint8_t zero[JOURNAL_SALT_LEN];
    return memcmp(salt, zero, JOURNAL_SALT_LEN) == 0;
}

/* 1, 0 the end for now, negative. */
static int cursor_record(struct journal_cursor *c, struct record *rec, struct err *err)
{
    if (c->index >= c->committed) {
        c->committed = committed_now(c->journal);
        if (c->index >= c->committed)
            return 0;
        /* Read ahead when it was not committed: it may have been undone and written anew. */
        if (c->open)
            segment_refresh(&c->reader);
    }
    int rc = next_record(c, rec, err);
    if (rc == 1)
        c->index++;
    return rc;
}

static void entry_from(const struct record *rec, struct entry *out)
{
    out->index = rec->index;
    out->leaf = rec->leaf;
    out->salt = rec->salt;
    entry_header_get(rec->leaf, &out->header);
    out->redacted = salt_is_zero(rec->salt) && record_is_zero(rec);
    out->payload = out->redacted ? (struct span){NULL, 0} : span_of(rec->payload, rec->length);
}

int journal_cursor_next(struct journal_cursor *c, struct entry *out, struct err *err)
{
    struct record rec;
    int rc = cursor_record(c, &rec, err);
    if (rc == 1)
        entry_from(&rec, out);
    return rc;
}

/* The record of one entry, in the journal's own cursor, which stays where it is cheap to go on. */
static int single_record(struct journal *j, uint64_t index, struct record *rec, struct err *err)
{
    if (index >= committed_now(j))
        return err_set(err, -ENOENT, "journal: no entry %llu (%llu entries)",
                       (unsigned long long)index, (unsigned long long)committed_now(j));
    int rc = 0;
    if (!j->single)
        rc = journal_cursor_open(j, index, &j->single, err);
    if (rc < 0)
        return rc;
    struct journal_cursor *c = j->single;
    if (c->index != index) {
        c->index = index;
        close_segment(c);
    }
    rc = cursor_record(c, rec, err);
    if (rc == 0)
        rc = err_set(err, -ENOENT, "journal: no entry %llu", (unsigned long long)index);
    if (rc < 0)
        return rc;
    if (!record_commitment_holds(rec) && !record_is_zero(rec))
        return err_set(err, -EBADMSG,
                       "journal: entry %llu does not match its commitment (offset "
                       "%llu of segment %016llx)",
                       (unsigned long long)index, (unsigned long long)rec->offset,
                       (unsigned long long)c->reader.first);
    return 0;
}

int journal_get(struct journal *j, uint64_t index, struct entry *out, struct err *err)
{
    struct record rec;
    int rc = single_record(j, index, &rec, err);
    if (rc == 0)
        entry_from(&rec, out);
    return rc;
}

int journal_leaf(struct journal *j, uint64_t index, uint8_t leaf[JOURNAL_LEAF_LEN],
                 uint8_t salt[JOURNAL_SALT_LEN], struct err *err)
{
    struct record rec;
    int rc = single_record(j, index, &rec, err);
    if (rc == 0) {
        memcpy(leaf, rec.leaf, JOURNAL_LEAF_LEN);
        memcpy(salt, rec.salt, JOURNAL_SALT_LEN);
    }
    return rc;
}

/* A reader's root: the published right edge, and the leaves of what was committed since. */
static int reader_root(const struct journal *j, uint8_t root[SHA256_LEN])
{
    struct journal *again;
    struct journal_cursor *c = NULL;
    struct tree t = {0};
    struct record rec;
    uint64_t size = 0;
    int rc = journal_open(j->dir, JOURNAL_READ, &again, NULL, NULL);
    if (rc < 0)
        return rc;
    for (unsigned level = 0; level < TREE_LEVELS && rc == 0; level++) {
        uint8_t hashes[TILE_BYTES];
        uint64_t n = tree_level_size(again->published, level);
        unsigned width = n % TILE_WIDTH;
        if (width)
            rc = tile_read(again->log_fd, level, n / TILE_WIDTH, width, hashes, NULL);
        if (rc == 0)
            tree_load(&t, level, again->published, span_of(hashes, width * SHA256_LEN));
    }
    if (rc == 0)
        rc = journal_cursor_open(again, size = again->published, &c, NULL);
    while (rc == 0 && size < again->committed && (rc = cursor_record(c, &rec, NULL)) == 1) {
        uint8_t hash[SHA256_LEN];
        merkle_leaf(rec.leaf, JOURNAL_LEAF_LEN, hash);
        tree_add(&t, hash);
        size++;
        rc = 0;
    }
    if (rc == 0) {
        tree_fold(&t, size);
        tree_root(&t, size, root);
    }
    journal_cursor_close(c);
    tree_free(&t);
    journal_close(again, NULL);
    return rc;
}

void journal_root(const struct journal *j, uint8_t root[SHA256_LEN])
{
    if (j->mode == JOURNAL_WRITE)
        tree_root(&j->tree, j->committed, root);
    else if (reader_root(j, root) < 0)
        memset(root, 0, SHA256_LEN);
}
