/* A last segment that ends before the signed checkpoint: its tail was lost after it had been
 * published. The log must not go back behind what it signed, so the lost entries stay on it: their
 * headers and commitments are taken from the published bundles, salt and payload are gone, and a
 * redaction entry says so. What they observed can then come in again as new entries.
 *
 * Only a file that ends too early is treated so. Bytes that are there and wrong are damage, which
 * nobody but a person should judge. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "journal/internal.h"

#define LOST_MAX    64
#define ZERO_PIECE  4096
#define WRITE_BYTES (1u << 20)

/* ---- is it a tail that is missing, and from where on ---- */

static bool is_zero_to_end(int fd, uint64_t at)
{
    uint8_t piece[ZERO_PIECE];
    ssize_t n;
    while ((n = pread(fd, piece, sizeof piece, (off_t)at)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            if (piece[i])
                return false;
        at += (uint64_t)n;
    }
    return n == 0;
}

/* The file ends within the record at `at`, or has nothing but zeros from there on (some file
 * systems leave those where a write did not happen). */
static bool is_cut(int fd, uint64_t at, uint64_t index)
{
    uint8_t record[RECORD_FIXED];
    struct stat st;
    if (fstat(fd, &st) < 0)
        return false;
    uint64_t left = (uint64_t)st.st_size - at;
    if (left < RECORD_FIXED)
        return true;
    if (pread(fd, record, sizeof record, (off_t)at) != (ssize_t)sizeof record)
        return false;
    bool framed = be32_get(record + RECORD_CRC) == record_crc(record) &&
                  be64_get(record + RECORD_INDEX) == index;
    return framed ? left - RECORD_FIXED < be32_get(record + RECORD_LENGTH) : is_zero_to_end(fd, at);
}

/* Where the last segment's whole records end. 1 its tail is missing, 0 something else is wrong. */
static int find_end(struct journal *j, uint64_t first, uint64_t *index, uint64_t *end,
                    struct err *err)
{
    struct segment_reader r;
    struct record rec;
    char name[SEGMENT_NAME_MAX];
    struct stat st;
    segment_name(name, first);
    *index = first;
    *end = SEGMENT_HEADER_LEN;
    if (fstatat(j->journal_fd, name, &st, 0) < 0)
        return err_errno(err, "journal/%s", name);
    if (st.st_size < SEGMENT_HEADER_LEN) {
        if (unlinkat(j->journal_fd, name, 0) < 0)
            return err_errno(err, "journal/%s", name);
        int made = writer_create_segment(j->journal_fd, first, j->origin, err);
        return made < 0 ? made : 1;
    }
    int rc = segment_open(&r, j->journal_fd, first, j->origin, err);
    if (rc < 0)
        return rc == -EBADMSG ? 0 : rc;
    while ((rc = segment_next(&r, &rec, err)) == 1)
        ;
    *index = r.index;
    *end = r.offset;
    if (rc == 0 || rc == -EBADMSG)
        rc = rc == 0 || is_cut(r.fd, r.offset, r.index);
    segment_close(&r);
    return rc;
}

/* ---- what is being salvaged, for a crash in between ---- */

static int lost_read(const struct journal *j, uint64_t *first, uint64_t *last, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    unsigned long long a, b;
    int rc = file_path(path, err, "%s/" LOST_FILE_NAME, j->dir);
    if (rc < 0 || !file_exists(path))
        return rc;
    rc = file_read(path, LOST_MAX, &text, err);
    if (rc == 0) {
        buf_byte(&text, 0);
        rc = sscanf((char *)text.p, "%llu %llu\n", &a, &b) == 2 && a < b && b <= j->size
                 ? 1
                 : err_set(err, -EBADMSG, "%s: not a range of entries", path);
        *first = a;
        *last = b;
    }
    buf_free(&text);
    return rc;
}

static int lost_write(const struct journal *j, uint64_t first, uint64_t last, struct err *err)
{
    char path[FILE_PATH_MAX], text[LOST_MAX];
    uint64_t before = 0, ignored;
    int rc = lost_read(j, &before, &ignored, err);
    if (rc < 0)
        return rc;
    if (rc == 1 && before < first) /* a salvage that a crash interrupted had come further */
        first = before;
    int n = snprintf(text, sizeof text, "%llu %llu\n", (unsigned long long)first,
                     (unsigned long long)last);
    rc = file_path(path, err, "%s/" LOST_FILE_NAME, j->dir);
    return rc < 0 ? rc : file_replace(path, span_of(text, (size_t)n), 0600, err);
}

/* ---- records without payload ---- */

static void record_put_lost(struct buf *out, uint64_t index, const uint8_t *leaf)
{
    uint8_t *p = buf_reserve(out, RECORD_FIXED);
    memset(p, 0, RECORD_FIXED);
    be64_put(p + RECORD_INDEX, index);
    memcpy(p + RECORD_LEAF, leaf, JOURNAL_LEAF_LEN);
    be32_put(p + RECORD_CRC, record_crc(p));
    out->n += RECORD_FIXED;
}

static int tile_salvage(struct journal *j, uint64_t tile, uint64_t from, unsigned width,
                        struct buf *out, struct err *err)
{
    uint8_t hashes[TILE_BYTES], hash[SHA256_LEN];
    struct buf bundle = {0};
    struct entry_header header;
    int rc = tile_read(j->log_fd, 0, tile, width, hashes, err);
    if (rc == 0)
        rc = tile_read_entries(j->log_fd, tile, width, &bundle, err);
    if (rc == 0 && bundle.n != (size_t)width * BUNDLE_ENTRY)
        rc = err_set(err, -EBADMSG, "log/tile/entries: the bundle of entry %llu has another size",
                     (unsigned long long)from);
    for (uint64_t i = from; rc == 0 && i < tile * TILE_WIDTH + width; i++) {
        unsigned at = (unsigned)(i % TILE_WIDTH);
        const uint8_t *leaf = bundle.p + (size_t)at * BUNDLE_ENTRY + 2;
        merkle_leaf(leaf, JOURNAL_LEAF_LEN, hash);
        if (memcmp(hash, hashes + at * SHA256_LEN, SHA256_LEN) != 0 ||
            !entry_header_get(leaf, &header))
            rc = err_set(err, -EBADMSG, "log/tile/entries: entry %llu does not hash to its leaf",
                         (unsigned long long)i);
        else if (header.flags & ENTRY_FLAG_REDACTION) /* others are legitimate only through it */
            rc = err_set(err, -EBADMSG, "journal: the redaction at entry %llu is lost",
                         (unsigned long long)i);
        else
            record_put_lost(out, i, leaf);
    }
    buf_free(&bundle);
    return rc;
}

static int records_salvage(struct journal *j, int fd, uint64_t from, struct err *err)
{
    struct buf out = {0};
    int rc = 0;
    for (uint64_t i = from; rc == 0 && i < j->published;) {
        uint64_t tile = i / TILE_WIDTH, next = (tile + 1) * TILE_WIDTH;
        unsigned width = next <= j->published ? TILE_WIDTH : j->published % TILE_WIDTH;
        rc = tile_salvage(j, tile, i, width, &out, err);
        i = next;
        if (rc == 0 && (out.n >= WRITE_BYTES || i >= j->published)) {
            rc = file_write_all(fd, out.p, out.n);
            if (rc < 0)
                rc = err_set(err, rc, "journal: salvaging entries failed");
            out.n = 0;
        }
    }
    buf_free(&out);
    return rc;
}

int salvage(struct journal *j, struct err *err)
{
    struct segment_list list;
    char name[SEGMENT_NAME_MAX];
    uint64_t index = 0, end = 0;
    int rc = segment_list_read(j->journal_fd, &list, err);
    if (rc < 0)
        return rc;
    uint64_t first = list.n ? list.first[list.n - 1] : 0;
    bool any = list.n > 0 && first < j->published;
    segment_list_free(&list);
    rc = any ? find_end(j, first, &index, &end, err) : 0;
    if (rc != 1 || index >= j->published)
        return rc < 0 ? rc : 0;
    rc = lost_write(j, index, j->published, err);
    if (rc < 0)
        return rc;
    segment_name(name, first);
    int fd = openat(j->journal_fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "journal/%s", name);
    if (ftruncate(fd, (off_t)end) < 0 || lseek(fd, 0, SEEK_END) < 0)
        rc = err_errno(err, "journal/%s", name);
    else
        rc = records_salvage(j, fd, index, err);
    if (rc == 0 && fdatasync(fd) < 0)
        rc = err_errno(err, "journal/%s", name);
    close(fd);
    segment_index_name(name, first);
    unlinkat(j->journal_fd, name, 0); /* its offsets led into what is gone */
    return rc < 0 ? rc : 1;
}

int salvage_finish(struct journal *j, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct journal_range lost;
    uint64_t index;
    int rc = lost_read(j, &lost.first, &lost.last, err);
    if (rc != 1)
        return rc;
    rc =
        redact_record(j, &lost, 1, "ebb",
                      "the journal ended before its signed checkpoint: payloads lost", &index, err);
    if (rc == 0)
        rc = journal_publish(j, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/" LOST_FILE_NAME, j->dir);
    if (rc == 0 && unlink(path) < 0)
        rc = err_errno(err, "%s", path);
    if (rc == 0)
        log_line(LOG_WARN, "the journal ended before its checkpoint, payloads are lost",
                 "first=%llu last=%llu recorded_as=%llu", (unsigned long long)lost.first,
                 (unsigned long long)lost.last - 1, (unsigned long long)index);
    return rc;
}
