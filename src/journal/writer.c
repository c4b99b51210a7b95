/* Writing entries: salts, commitments, records, segments, commit and its undoing. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/hash.h"
#include "journal/internal.h"

static int refuse(const struct journal *j, struct err *err)
{
    if (j->mode != JOURNAL_WRITE)
        return err_set(err, -EROFS, "journal: opened for reading");
    return err_set(err, -EIO, "journal: an earlier write failed; open it again");
}

/* A fresh seed from the kernel for each batch, stretched by ChaCha20, which costs a fifth of asking
 * the kernel for all of it; the seed is gone before the first salt is used. */
static int salts_fill(struct journal *j, struct err *err)
{
    uint8_t seed[randombytes_SEEDBYTES];
    ssize_t n = getrandom(seed, sizeof seed, 0); /* up to 256 bytes come whole, getrandom(2) */
    if (n != (ssize_t)sizeof seed)
        return err_errno(err, "getrandom");
    randombytes_buf_deterministic(j->salts, sizeof j->salts, seed);
    sodium_memzero(seed, sizeof seed);
    j->salts_used = 0;
    return 0;
}

static int salt_take(struct journal *j, uint8_t out[JOURNAL_SALT_LEN], struct err *err)
{
    if (j->salts_used + JOURNAL_SALT_LEN > sizeof j->salts) {
        int rc = salts_fill(j, err);
        if (rc < 0)
            return rc;
    }
    memcpy(out, j->salts + j->salts_used, JOURNAL_SALT_LEN);
    /* a salt must not outlive its entry in memory: it is what keeps an erased payload erased */
    memset(j->salts + j->salts_used, 0, JOURNAL_SALT_LEN);
    j->salts_used += JOURNAL_SALT_LEN;
    return 0;
}

/* Commitments, checksums and leaves of the records since the last time, many at once because
 * that is three times as fast as one by one. */
static void seal(struct journal *j)
{
    struct segment_writer *s = &j->seg;
    struct hash_job jobs[SEAL_RECORDS];
    size_t n = s->unsealed_n;
    uint8_t *hashes = buf_reserve(&j->tree.level[0].hashes, n * SHA256_LEN);
    uint8_t *bundle = buf_reserve(&j->entries, n * BUNDLE_ENTRY);
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = s->pending.p + s->unsealed[i];
        jobs[i] = (struct hash_job){p + RECORD_SALT, JOURNAL_SALT_LEN + be32_get(p + RECORD_LENGTH),
                                    p + RECORD_LEAF + JOURNAL_HEADER_LEN, HASH_NO_PREFIX};
    }
    hash_many(jobs, n);
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = s->pending.p + s->unsealed[i];
        be32_put(p + RECORD_CRC, record_crc(p));
        be16_put(bundle, JOURNAL_LEAF_LEN);
        memcpy(bundle + 2, p + RECORD_LEAF, JOURNAL_LEAF_LEN);
        bundle += BUNDLE_ENTRY;
        jobs[i] = (struct hash_job){p + RECORD_LEAF, JOURNAL_LEAF_LEN, hashes + i * SHA256_LEN,
                                    HASH_LEAF};
    }
    hash_many(jobs, n);
    j->tree.level[0].hashes.n += n * SHA256_LEN;
    j->entries.n += n * BUNDLE_ENTRY;
    s->unsealed_n = 0;
}

static int flush(struct journal *j, struct err *err)
{
    struct segment_writer *s = &j->seg;
    seal(j);
    if (s->pending.n == 0)
        return 0;
    int rc = file_write_all(s->fd, s->pending.p, s->pending.n);
    if (rc < 0) {
        char name[SEGMENT_NAME_MAX];
        segment_name(name, s->first);
        errno = -rc;
        return err_errno(err, "journal/%s", name);
    }
    s->offset += s->pending.n;
    s->pending.n = 0;
    /* the disk works while we hash; what counts is fdatasync */
    if (s->offset - s->started >= START_BYTES) {
        sync_file_range(s->fd, (off_t)s->started, (off_t)(s->offset - s->started),
                        SYNC_FILE_RANGE_WRITE);
        s->started = s->offset;
    }
    return 0;
}

/* The index file is a hint that is checked when used, so its failures do not matter. */
static void flush_index(struct segment_writer *s)
{
    if (s->pending_index.n && s->index_fd >= 0)
        (void)!file_write_all(s->index_fd, s->pending_index.p, s->pending_index.n);
    s->pending_index.n = 0;
}

int writer_create_segment(int journal_fd, uint64_t first, const char *origin, struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    uint8_t header[SEGMENT_HEADER_LEN];
    segment_name(name, first);
    segment_header_put(header, first, origin);
    int fd = openat(journal_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "journal/%s", name);
    int rc = file_write_all(fd, header, sizeof header);
    if (rc == 0 && (fdatasync(fd) < 0 || fsync(journal_fd) < 0))
        rc = -errno;
    close(fd);
    if (rc < 0) {
        unlinkat(journal_fd, name, 0);
        errno = -rc;
        return err_errno(err, "journal/%s", name);
    }
    return 0;
}

static void segment_files_close(struct segment_writer *s)
{
    if (s->fd >= 0)
        close(s->fd);
    if (s->index_fd >= 0)
        close(s->index_fd);
    s->fd = s->index_fd = -1;
}

int writer_resume_segment(struct journal *j, uint64_t first, uint64_t offset, struct err *err)
{
    struct segment_writer *s = &j->seg;
    char name[SEGMENT_NAME_MAX];
    segment_files_close(s);
    segment_name(name, first);
    s->fd = openat(j->journal_fd, name, O_WRONLY | O_CLOEXEC);
    if (s->fd < 0 || lseek(s->fd, (off_t)offset, SEEK_SET) < 0)
        return err_errno(err, "journal/%s", name);
    segment_index_name(name, first);
    s->index_fd = openat(j->journal_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    /* j->size - 1 is the last entry here: as many offsets belong to the file */
    uint64_t slots = j->size > first ? (j->size - 1 - first) / SEGMENT_STRIDE : 0;
    if (s->index_fd >= 0 &&
        (ftruncate(s->index_fd, (off_t)(slots * 8)) < 0 || lseek(s->index_fd, 0, SEEK_END) < 0)) {
        close(s->index_fd);
        s->index_fd = -1;
    }
    s->first = first;
    s->offset = s->started = offset;
    s->pending.n = s->pending_index.n = s->unsealed_n = 0;
    return 0;
}

int writer_start_segment(struct journal *j, uint64_t first, struct err *err)
{
    int rc = writer_create_segment(j->journal_fd, first, j->origin, err);
    return rc < 0 ? rc : writer_resume_segment(j, first, SEGMENT_HEADER_LEN, err);
}

void writer_close(struct journal *j)
{
    segment_files_close(&j->seg);
    buf_free(&j->seg.pending);
    buf_free(&j->seg.pending_index);
}

/* What is durable is not read again soon: in bulk it would push everything else out of memory, and
 * fresh pages for the next batch cost more than the writing. */
static void drop_cached(const struct segment_writer *s, uint64_t from)
{
    if (s->offset - from >= DROP_BYTES)
        posix_fadvise(s->fd, (off_t)from, (off_t)(s->offset - from), POSIX_FADV_DONTNEED);
}

/* Closes a segment that has reached its limit and begins the next. */
static int roll(struct journal *j, struct err *err)
{
    int rc = flush(j, err);
    if (rc < 0)
        return rc;
    flush_index(&j->seg);
    /* Before the next one exists: a gap before whole entries could not be told from damage. */
    if (fdatasync(j->seg.fd) < 0)
        return err_errno(err, "journal");
    if (j->seg.index_fd >= 0)
        fdatasync(j->seg.index_fd); /* so that only the last segment's can be lost in a crash */
    drop_cached(&j->seg, 0);
    return writer_start_segment(j, j->size, err);
}

/* Nothing of the uncommitted batch is kept. */
static void undo(struct journal *j)
{
    struct segment_writer *s = &j->seg;
    char name[SEGMENT_NAME_MAX];
    struct err ignored;
    j->failed = true;
    struct segment_list list; /* segments begun since, the last of them may be half made */
    if (segment_list_read(j->journal_fd, &list, &ignored) == 0) {
        for (size_t i = 0; i < list.n; i++) {
            if (list.first[i] <= s->kept_first)
                continue;
            segment_name(name, list.first[i]);
            unlinkat(j->journal_fd, name, 0);
            segment_index_name(name, list.first[i]);
            unlinkat(j->journal_fd, name, 0);
        }
        segment_list_free(&list);
    }
    segment_name(name, s->kept_first);
    int fd = openat(j->journal_fd, name, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        /* When even this fails the next writer cuts, or takes over, what is whole. */
        if (ftruncate(fd, (off_t)s->kept_offset) == 0)
            fdatasync(fd);
        close(fd);
    }
    segment_files_close(s);
    s->first = s->kept_first;
    s->offset = s->kept_offset;
    s->pending.n = s->pending_index.n = s->unsealed_n = 0;
    struct tree_level *leaves = &j->tree.level[0];
    leaves->hashes.n = (size_t)(j->committed - leaves->start) * SHA256_LEN;
    j->entries.n = (size_t)(j->committed - leaves->start) * BUNDLE_ENTRY;
    j->size = j->committed;
}

/* The record goes to the pending bytes; seal() completes it. */
static int record_put(struct journal *j, const struct entry_header *header, struct span payload,
                      struct err *err)
{
    struct segment_writer *s = &j->seg;
    if (s->unsealed_n == SEAL_RECORDS)
        seal(j);
    uint8_t *p = buf_reserve(&s->pending, RECORD_FIXED + payload.n);
    int rc = salt_take(j, p + RECORD_SALT, err);
    if (rc < 0)
        return rc;
    if (payload.n)
        memcpy(p + RECORD_FIXED, payload.p, payload.n);
    be32_put(p + RECORD_LENGTH, (uint32_t)payload.n);
    be64_put(p + RECORD_INDEX, j->size);
    entry_header_put(p + RECORD_LEAF, header);
    uint64_t within = j->size - s->first;
    if (within && within % SEGMENT_STRIDE == 0) {
        be64_put(buf_reserve(&s->pending_index, 8), s->offset + s->pending.n);
        s->pending_index.n += 8;
    }
    s->unsealed[s->unsealed_n++] = s->pending.n;
    s->pending.n += RECORD_FIXED + payload.n;
    return 0;
}

int writer_append(struct journal *j, const struct entry_header *header, struct span payload,
                  uint64_t *index, struct err *err)
{
    if (j->mode != JOURNAL_WRITE || j->failed)
        return refuse(j, err);
    if (payload.n > JOURNAL_PAYLOAD_MAX)
        return err_set(err, -E2BIG,
                       "journal: a payload of %zu bytes (at most %u; larger things "
                       "are blobs)",
                       payload.n, JOURNAL_PAYLOAD_MAX);
    int rc = 0;
    if (j->size > j->seg.first && j->seg.offset + j->seg.pending.n >= j->segment_limit)
        rc = roll(j, err);
    if (rc == 0)
        rc = record_put(j, header, payload, err);
    if (rc < 0) {
        undo(j);
        return rc;
    }
    if (index)
        *index = j->size;
    j->size++;
    if (j->seg.pending.n >= FLUSH_BYTES && (rc = flush(j, err)) < 0)
        undo(j);
    return rc;
}

int journal_append(struct journal *j, const struct entry_header *header, struct span payload,
                   uint64_t *index, struct err *err)
{
    /* its payload is what makes an erased entry legitimate, so it is only made together with one */
    if (header->flags & ENTRY_FLAG_REDACTION)
        return err_set(err, -EINVAL, "journal: a redaction is recorded by journal_redact");
    return writer_append(j, header, payload, index, err);
}

int journal_commit(struct journal *j, struct err *err)
{
    if (j->mode != JOURNAL_WRITE || j->failed)
        return refuse(j, err);
    if (j->size == j->committed)
        return 0;
    int rc = flush(j, err);
    if (rc == 0 && fdatasync(j->seg.fd) < 0)
        rc = err_errno(err, "journal");
    if (rc < 0) {
        undo(j);
        return rc;
    }
    flush_index(&j->seg);
    drop_cached(&j->seg, j->seg.kept_first == j->seg.first ? j->seg.kept_offset : 0);
    j->committed = j->size;
    j->seg.kept_first = j->seg.first;
    j->seg.kept_offset = j->seg.offset;
    tree_fold(&j->tree, j->committed);
    committed_write(j->committed_fd, j->committed, NULL); /* readers see it with the next one */
    /* Tiles beyond the checkpoint are no part of the log yet; writing full ones bounds memory. A
     * failure comes back when they are published. */
    if (j->committed - j->tree.level[0].start > SPILL_ENTRIES)
        publish_tiles(j, false, NULL);
    return 0;
}
