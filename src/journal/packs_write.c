/* Adding to packs and erasing in them: one process at a time. */
#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_c_literalCompressionMode */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"
#include "journal/packs.h"

/* Chosen on 6000 real mails of 2.7 KB each: one by one at level 1 they take 20 us each and shrink
 * to half; 128 KiB at a time, in the order of arrival, 6.9 us and to 23 %; with these parameters,
 * which are those of level 1 but for a fast search and Huffman-coded literals kept, 5.6 us and to
 * 25 %, where level -3 takes 7 us and 31 %. Larger blocks gain little and are slow to read a mail
 * from. */
#define LEVEL         1
#define HASH_LOG      15
#define MIN_MATCH     6
#define TARGET_LENGTH 4
#define BLOCK_RAW     (128u << 10)
#define UNSYNCED_MAX                                                                               \
    (16u << 20) /* then packs_add syncs by itself: what is kept in memory is bounded */
#define PACK_BLOBS  (1u << 19) /* so is what a pack's index takes to make */
#define SEEN_MAX    (3u << 20) /* blobs known without looking at a disk: 64 MiB */
#define RAW_NOT_YET UINT64_MAX
#define ZERO_PIECE  (64u << 10)

/* A blob that was added and is not synced. */
struct pending {
    uint8_t sha[SHA256_LEN];
    uint32_t at, length; /* in its block's raw bytes */
    uint64_t offset;     /* of its block; RAW_NOT_YET: that is not compressed */
};

struct packs_writer {
    uint64_t limit, cut;
    int fd; /* of the pack that grows; -1 as long as it has no file */
    uint64_t number, end, raw_bytes;
    uint32_t salt;
    bool folder_new;
    struct buf entries; /* struct pack_index_entry: all of this pack */
    struct buf pending; /* struct pending */
    size_t block_first; /* the first pending of the block that fills */
    struct buf raw;     /* that block's bytes */
    struct buf out;     /* blocks ready to be written at `end` */
    uint64_t out_raw;   /* bytes of all pending blobs */
    size_t seen_limit;  /* then the oldest of `seen` are forgotten */
    ZSTD_CCtx *compress;
};

static struct pending *pendings(const struct packs_writer *w)
{
    return (struct pending *)(void *)w->pending.p;
}

static size_t pending_count(const struct packs_writer *w)
{
    return w->pending.n / sizeof(struct pending);
}

static int fail(const struct packs *p, struct err *err, uint64_t number, int rc)
{
    return err_set(err, rc, "%s/%08llx.pack: %s", p->dir, (unsigned long long)number,
                   strerror(-rc));
}

static int end_erasures(struct packs *p, struct err *err);

/* ---- opening ---- */

static int index_write(struct packs *p, uint64_t number, uint64_t size, uint64_t raw,
                       struct pack_index_entry *entries, size_t n, struct err *err)
{
    char path[FILE_PATH_MAX], name[PACK_NAME_MAX];
    struct buf out = {0};
    pack_index_name(name, number);
    int rc = file_path(path, err, "%s/%s", p->dir, name);
    if (rc == 0) {
        pack_index_put(&out, number, size, raw, entries, n);
        rc = file_replace(path, buf_as_span(&out), 0600, err);
    }
    buf_free(&out);
    return rc;
}

/* The places of one pack as `seen` has them, which scanned it. */
static void entries_of(const struct packs *p, uint64_t number, struct buf *out)
{
    size_t n = p->seen.slots ? (size_t)1 << p->seen.bits : 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t value = p->seen.slots[i].value;
        if (value && packs_value_number(value) == number) {
            struct pack_index_entry e = {p->seen.slots[i].key, packs_value_offset(value)};
            buf_put(out, &e, sizeof e);
        }
    }
}

static int pack_size(const struct packs *p, uint64_t number, uint64_t *size, struct err *err)
{
    char name[PACK_NAME_MAX];
    struct stat st;
    pack_name(name, number);
    if (fstatat(p->fd, name, &st, 0) < 0)
        return fail(p, err, number, -errno);
    *size = (uint64_t)st.st_size;
    return 0;
}

/* A closed pack has lost its index. */
static int index_remake(struct packs *p, struct packs_ref *r, struct err *err)
{
    uint64_t size = 0;
    struct buf entries = {0};
    int rc = pack_size(p, r->number, &size, err);
    if (rc == 0) {
        entries_of(p, r->number, &entries);
        rc = index_write(p, r->number, size, r->raw, (struct pack_index_entry *)(void *)entries.p,
                         entries.n / sizeof(struct pack_index_entry), err);
    }
    buf_free(&entries);
    if (rc == 0)
        packs_index_load(p, r->number, r);
    return rc;
}

/* Goes on with the newest pack, behind its last whole block. 1; 0 it cannot be gone on with. */
static int resume(struct packs *p, struct packs_ref *r, struct err *err)
{
    struct packs_writer *w = p->writer;
    char name[PACK_NAME_MAX];
    uint8_t header[PACK_HEADER_LEN];
    uint64_t size = 0;
    if (r->file.p || !r->scan.whole)
        return 0;
    pack_name(name, r->number);
    int rc = pack_size(p, r->number, &size, err);
    if (rc < 0)
        return rc;
    int fd = openat(p->fd, name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return fail(p, err, r->number, -errno);
    ssize_t n = pread(fd, header, sizeof header, 0);
    rc = n < 0 ? -errno : pack_header_get(header, (size_t)n, r->number, &w->salt);
    if (rc == 0 && size > r->scan.whole && ftruncate(fd, (off_t)r->scan.whole) < 0)
        rc = -errno;
    if (rc < 0) {
        close(fd);
        return fail(p, err, r->number, rc);
    }
    w->cut = size - r->scan.whole;
    w->fd = fd;
    w->number = r->number;
    w->end = r->scan.whole;
    w->raw_bytes = r->raw;
    entries_of(p, r->number, &w->entries);
    return 1;
}

static void start_pack(struct packs *p, uint64_t number)
{
    struct packs_writer *w = p->writer;
    w->fd = -1;
    w->number = number;
    w->end = w->raw_bytes = 0;
    w->salt = randombytes_random();
    w->entries.n = 0;
}

/* What the closed packs hold, the newest first, as far as memory is meant to go. */
static void seen_load(struct packs *p)
{
    for (size_t i = p->refs_n; i-- && p->seen.used < SEEN_MAX / 2;) {
        const struct packs_ref *r = &p->refs[i];
        for (size_t k = 0; r->file.p && k < r->index.count; k++) {
            struct pack_index_entry e = pack_index_at(&r->index, k);
            digest_table_add(&p->seen, e.key, packs_value(r->number, e.offset));
        }
    }
}

static bool not_before(uint64_t value, uint64_t number)
{
    return value & PACKS_PENDING || packs_value_number(value) >= number;
}

static void seen_forget(struct packs *p)
{
    size_t i = p->refs_n, n = 0;
    while (i && n < SEEN_MAX / 2)
        n += p->refs[--i].index.count;
    digest_table_filter(&p->seen, not_before,
                        i < p->refs_n ? p->refs[i].number : p->writer->number);
    size_t next = p->seen.used + SEEN_MAX / 4;
    p->writer->seen_limit = next < SEEN_MAX ? SEEN_MAX : next;
}

/* A pack that a crash left before anything was in it. */
static void drop_empty(struct packs *p)
{
    while (p->refs_n) {
        struct packs_ref *r = &p->refs[p->refs_n - 1];
        char name[PACK_NAME_MAX];
        uint64_t size = 0;
        if (r->file.p || r->scan.whole || pack_size(p, r->number, &size, NULL) < 0 ||
            size > PACK_HEADER_LEN)
            return;
        pack_name(name, r->number);
        unlinkat(p->fd, name, 0);
        packs_ref_free(r);
        p->refs_n--;
    }
}

/* A parameter that a later zstd does not take costs room or time, nothing else. */
static void set_up_compression(ZSTD_CCtx *c)
{
    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(c, ZSTD_c_strategy, ZSTD_fast);
    ZSTD_CCtx_setParameter(c, ZSTD_c_hashLog, HASH_LOG);
    ZSTD_CCtx_setParameter(c, ZSTD_c_minMatch, MIN_MATCH);
    ZSTD_CCtx_setParameter(c, ZSTD_c_targetLength, TARGET_LENGTH);
    ZSTD_CCtx_setParameter(c, ZSTD_c_literalCompressionMode, ZSTD_ps_enable);
}

int packs_writer_open(struct packs *p, struct err *err)
{
    struct packs_writer *w = p->writer = calloc(1, sizeof *w);
    if (!w || !(w->compress = ZSTD_createCCtx()))
        abort();
    set_up_compression(w->compress);
    w->limit = PACKS_LIMIT;
    w->seen_limit = SEEN_MAX;
    w->fd = -1;
    drop_empty(p);
    int rc = end_erasures(p, err);
    for (size_t i = 0; i + 1 < p->refs_n && rc >= 0; i++)
        if (!p->refs[i].file.p && p->refs[i].scan.whole)
            rc = index_remake(p, &p->refs[i], err);
    if (rc == 0 && p->refs_n)
        rc = resume(p, &p->refs[p->refs_n - 1], err);
    if (rc == 0)
        start_pack(p, p->refs_n ? p->refs[p->refs_n - 1].number + 1 : 1);
    seen_load(p);
    return rc < 0 ? rc : 0;
}

void packs_writer_close(struct packs *p)
{
    struct packs_writer *w = p->writer;
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    buf_free(&w->entries);
    buf_free(&w->pending);
    buf_free(&w->raw);
    buf_free(&w->out);
    ZSTD_freeCCtx(w->compress);
    free(w);
    p->writer = NULL;
}

void packs_writer_set_limit(struct packs *p, uint64_t bytes)
{
    p->writer->limit = bytes;
}

uint64_t packs_writer_cut(const struct packs *p)
{
    return p->writer->cut;
}

/* ---- adding ---- */

static int is_there(struct packs *p, uint64_t value, const uint8_t *sha)
{
    struct pack_block b;
    struct pack_place place;
    if (value & PACKS_PENDING)
        return memcmp(pendings(p->writer)[value & ~PACKS_PENDING].sha, sha, SHA256_LEN) == 0;
    return packs_block(p, packs_value_number(value), packs_value_offset(value), false, &b, NULL) ==
               1 &&
           pack_place_find(&b, p->block.p + PACK_BLOCK_LEN, sha, &place);
}

bool packs_held(struct packs *p, const uint8_t sha[SHA256_LEN])
{
    uint64_t value;
    size_t at = 0;
    while (digest_table_next(&p->seen, digest_key(sha), &at, &value))
        if (is_there(p, value, sha))
            return true;
    return false;
}

/* The block that fills, compressed behind the others that wait to be written. */
static void close_block(struct packs_writer *w)
{
    size_t count = pending_count(w) - w->block_first;
    if (!count)
        return;
    if (!w->end && !w->out.n) {
        pack_header_put(buf_reserve(&w->out, PACK_HEADER_LEN), w->number, w->salt);
        w->out.n += PACK_HEADER_LEN;
    }
    struct pack_block b = {
        .offset = w->end + w->out.n, .raw = (uint32_t)w->raw.n, .count = (uint16_t)count};
    uint8_t *at = buf_reserve(&w->out, PACK_BLOCK_MAX), *body = at + PACK_BLOCK_LEN;
    struct pending *each = pendings(w) + w->block_first;
    for (size_t i = 0; i < count; i++) {
        pack_entry_put(body + i * PACK_ENTRY_LEN, each[i].sha, each[i].length);
        each[i].offset = b.offset;
    }
    size_t n = ZSTD_compress2(w->compress, body + count * PACK_ENTRY_LEN, PACK_FRAME_MAX, w->raw.p,
                              w->raw.n);
    if (ZSTD_isError(n)) /* there is room for the worst: only memory can be missing */
        abort();
    b.frame = (uint32_t)n;
    b.body_crc = crc32c(0, body, pack_body_len(&b));
    pack_block_put(at, w->salt, &b);
    memset(body + pack_body_len(&b), 0, pack_block_len(&b) - PACK_BLOCK_LEN - pack_body_len(&b));
    w->out.n += pack_block_len(&b);
    w->block_first += count;
    w->raw.n = 0;
}

int packs_add(struct packs *p, const uint8_t sha[SHA256_LEN], struct span data, struct err *err)
{
    struct packs_writer *w = p->writer;
    if (data.n > PACK_RAW_MAX)
        return err_set(err, -EFBIG, "%s: %zu bytes are too many for a pack", p->dir, data.n);
    if (w->out.n >= UNSYNCED_MAX) {
        int rc = packs_sync(p, err);
        if (rc < 0)
            return rc;
    }
    if (w->raw.n + data.n > BLOCK_RAW || pending_count(w) - w->block_first == PACK_BLOBS_MAX)
        close_block(w);
    if (p->seen.used >= w->seen_limit)
        seen_forget(p);
    digest_table_add(&p->seen, digest_key(sha), PACKS_PENDING | pending_count(w));
    struct pending *new = (struct pending *)(void *)buf_reserve(&w->pending, sizeof *new);
    *new = (struct pending){
        .at = (uint32_t)w->raw.n, .length = (uint32_t)data.n, .offset = RAW_NOT_YET};
    memcpy(new->sha, sha, SHA256_LEN);
    w->pending.n += sizeof *new;
    buf_span(&w->raw, data);
    w->out_raw += data.n;
    p->total += data.n;
    return 0;
}

int packs_pending(struct packs *p, const uint8_t sha[SHA256_LEN], struct buf *out)
{
    struct packs_writer *w = p->writer;
    uint64_t value;
    size_t at = 0;
    while (digest_table_next(&p->seen, digest_key(sha), &at, &value)) {
        struct pack_block b;
        if (!(value & PACKS_PENDING) || !is_there(p, value, sha))
            continue;
        const struct pending *x = pendings(w) + (value & ~PACKS_PENDING);
        if (x->offset == RAW_NOT_YET) {
            buf_put(out, w->raw.p + x->at, x->length);
            return 0;
        }
        const uint8_t *block = w->out.p + (x->offset - w->end);
        if (!pack_block_get(block, w->salt, x->offset, &b))
            continue;
        p->block.n = 0;
        buf_put(&p->block, block, PACK_BLOCK_LEN + pack_body_len(&b));
        int rc = packs_unpack(p, w->number, &b);
        p->raw_number = 0; /* it may yet be dropped */
        if (rc < 0)
            continue;
        buf_put(out, p->raw.p + x->at, x->length);
        return 0;
    }
    return -ENOENT;
}

/* ---- syncing ---- */

static int write_at(int fd, const uint8_t *data, size_t n, uint64_t offset)
{
    while (n) {
        ssize_t w = pwrite(fd, data, n, (off_t)offset);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return w < 0 ? -errno : -ENOSPC;
        data += w;
        offset += (uint64_t)w;
        n -= (size_t)w;
    }
    return 0;
}

static int create_folder(struct packs *p, struct err *err)
{
    if (mkdir(p->dir, 0700) < 0 && errno != EEXIST)
        return err_errno(err, "%s", p->dir);
    p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->fd < 0)
        return err_errno(err, "%s", p->dir);
    int store = openat(p->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = store < 0 || fsync(store) < 0 ? err_errno(err, "%s", p->dir) : 0;
    if (store >= 0)
        close(store);
    return rc;
}

static int create_pack(struct packs *p, struct err *err)
{
    struct packs_writer *w = p->writer;
    char name[PACK_NAME_MAX];
    int rc = p->fd < 0 ? create_folder(p, err) : 0;
    if (rc < 0)
        return rc;
    pack_name(name, w->number);
    w->fd = openat(p->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (w->fd < 0)
        return fail(p, err, w->number, -errno);
    packs_ref_add(p, w->number);
    w->folder_new = true;
    return 0;
}

/* A closed pack gets its index; while that cannot be written, it just goes on growing. */
static void roll(struct packs *p)
{
    struct packs_writer *w = p->writer;
    struct packs_ref *r = &p->refs[p->refs_n - 1];
    if (index_write(p, w->number, w->end, w->raw_bytes,
                    (struct pack_index_entry *)(void *)w->entries.p,
                    w->entries.n / sizeof(struct pack_index_entry), NULL) < 0 ||
        packs_index_load(p, w->number, r) != 1)
        return;
    close(w->fd);
    start_pack(p, w->number + 1);
}

/* What was pending has its place on the disk. */
static void settle(struct packs *p)
{
    struct packs_writer *w = p->writer;
    const struct pending *each = pendings(w);
    size_t n = pending_count(w);
    for (size_t i = 0; i < n; i++) {
        struct pack_index_entry e = {digest_key(each[i].sha), each[i].offset};
        buf_put(&w->entries, &e, sizeof e);
        digest_table_set(&p->seen, e.key, PACKS_PENDING | i, packs_value(w->number, e.offset));
    }
    w->end += w->out.n;
    w->raw_bytes += w->out_raw;
    p->refs[p->refs_n - 1].raw = w->raw_bytes;
    w->out_raw = w->out.n = w->pending.n = w->block_first = 0;
}

int packs_sync(struct packs *p, struct err *err)
{
    struct packs_writer *w = p->writer;
    close_block(w);
    if (!w->out.n)
        return 0;
    int rc = w->fd < 0 ? create_pack(p, err) : 0;
    if (rc < 0)
        return rc;
    rc = write_at(w->fd, w->out.p, w->out.n, w->end);
    if (rc == 0 && fdatasync(w->fd) < 0)
        rc = -errno;
    if (rc == 0 && w->folder_new && fsync(p->fd) < 0)
        rc = -errno;
    if (rc < 0) {
        /* no half of it stays in the way of others on a full disk; the next call writes all again
         */
        (void)!ftruncate(w->fd, (off_t)w->end);
        return fail(p, err, w->number, rc);
    }
    w->folder_new = false;
    settle(p);
    if (w->end >= w->limit || w->entries.n >= PACK_BLOBS * sizeof(struct pack_index_entry))
        roll(p);
    return 0;
}

static bool is_written(uint64_t value, uint64_t ctx)
{
    return !(value & PACKS_PENDING);
}

void packs_drop(struct packs *p)
{
    struct packs_writer *w = p->writer;
    if (!w->pending.n)
        return;
    digest_table_filter(&p->seen, is_written, 0);
    p->total -= w->out_raw;
    w->out_raw = w->out.n = w->pending.n = w->block_first = w->raw.n = 0;
}

/* ---- erasing ---- */

static int zero_range(int fd, uint64_t offset, size_t n)
{
    static const uint8_t zero[ZERO_PIECE];
    int rc = 0;
    for (; n && rc == 0;) {
        size_t piece = n < sizeof zero ? n : sizeof zero;
        rc = write_at(fd, zero, piece, offset);
        offset += piece;
        n -= piece;
    }
    return rc;
}

static uint32_t crc_of_zeros(size_t n)
{
    static const uint8_t zero[ZERO_PIECE];
    uint32_t crc = 0;
    for (; n > sizeof zero; n -= sizeof zero)
        crc = crc32c(crc, zero, sizeof zero);
    return crc32c(crc, zero, n);
}

/* Content first, then what names it: until then, who is interrupted finds it again. */
static int erase_bytes(struct packs *p, uint64_t number, uint32_t salt, struct pack_block b)
{
    char name[PACK_NAME_MAX];
    size_t entries = (size_t)b.count * PACK_ENTRY_LEN;
    struct buf head = {0};
    pack_name(name, number);
    int fd = openat(p->fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = zero_range(fd, b.offset + PACK_BLOCK_LEN + entries, b.frame);
    if (rc == 0 && fdatasync(fd) < 0)
        rc = -errno;
    b.erased = true;
    b.raw = 0;
    b.body_crc = crc_of_zeros(pack_body_len(&b));
    memset(buf_reserve(&head, PACK_BLOCK_LEN + entries), 0, PACK_BLOCK_LEN + entries);
    pack_block_put(head.p, salt, &b);
    if (rc == 0)
        rc = write_at(fd, head.p, PACK_BLOCK_LEN + entries, b.offset);
    if (rc == 0 && fdatasync(fd) < 0)
        rc = -errno;
    close(fd);
    buf_free(&head);
    return rc;
}

/* What is to be erased: digests one after the other, ascending. */
struct going {
    const uint8_t *sha;
    size_t n;
};

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, SHA256_LEN);
}

static bool goes(const struct going *g, const uint8_t *sha)
{
    return bsearch(sha, g->sha, g->n, SHA256_LEN, by_digest) != NULL;
}

static bool block_has_any(const struct pack_block *b, const uint8_t *entries,
                          const struct going *going)
{
    struct pack_place place = {0};
    for (unsigned i = 0; pack_place_next(b, entries, i, &place); i++)
        if (goes(going, place.sha256))
            return true;
    return false;
}

/* The other blobs of the block in p->block, stored anew and durable. */
static int keep_others(struct packs *p, uint64_t number, const struct pack_block *b,
                       const struct going *going, struct err *err)
{
    struct buf entries = {0}, raw = {0};
    struct pack_place place = {0};
    if (packs_unpack(p, number, b) < 0)
        return 0; /* nothing is left of them */
    buf_put(&entries, p->block.p + PACK_BLOCK_LEN, (size_t)b->count * PACK_ENTRY_LEN);
    buf_span(&raw, buf_as_span(&p->raw));
    int rc = 0;
    for (unsigned i = 0; rc == 0 && pack_place_next(b, entries.p, i, &place); i++)
        if (!goes(going, place.sha256))
            rc = packs_add(p, place.sha256, span_of(raw.p + place.at, place.length), err);
    if (rc == 0)
        rc = packs_sync(p, err);
    if (rc < 0)
        packs_drop(p);
    buf_free(&entries);
    buf_free(&raw);
    return rc;
}

static bool elsewhere(uint64_t value, uint64_t erased)
{
    return value != erased;
}

/* Takes a block's places out of what finds them. */
static int unlist(struct packs *p, uint64_t number, uint64_t offset, uint32_t raw, struct err *err)
{
    struct packs_writer *w = p->writer;
    struct packs_ref *r = NULL;
    digest_table_filter(&p->seen, elsewhere, packs_value(number, offset));
    struct pack_index_entry *e = (struct pack_index_entry *)(void *)w->entries.p;
    size_t n = w->entries.n / sizeof *e, kept = 0;
    p->total -= raw;
    for (size_t i = p->refs_n; i-- && !r;)
        r = p->refs[i].number == number ? &p->refs[i] : NULL;
    if (r)
        r->raw -= raw;
    if (number == w->number) {
        for (size_t i = 0; i < n; i++)
            if (e[i].offset != offset)
                e[kept++] = e[i];
        w->entries.n = kept * sizeof *e;
        w->raw_bytes -= raw;
        return 0;
    }
    if (!r || !r->file.p)
        return 0;
    struct buf left = {0};
    for (size_t i = 0; i < r->index.count; i++) {
        struct pack_index_entry one = pack_index_at(&r->index, i);
        if (one.offset != offset)
            buf_put(&left, &one, sizeof one);
    }
    int rc = index_write(p, number, r->index.pack_size, r->raw,
                         (struct pack_index_entry *)(void *)left.p, left.n / sizeof *e, err);
    buf_free(&left);
    if (rc == 0) {
        uint64_t rest = r->raw;
        packs_ref_free(r);
        if (packs_index_load(p, number, r) != 1)
            return err_set(err, -EIO, "%s/%08llx.idx: cannot be read again", p->dir,
                           (unsigned long long)number);
        r->raw = rest;
    }
    return rc;
}

static int erase_block(struct packs *p, uint64_t number, const struct pack_block *b)
{
    uint8_t header[PACK_HEADER_LEN];
    char name[PACK_NAME_MAX];
    uint32_t salt;
    pack_name(name, number);
    int fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, header, sizeof header, 0);
    int rc = n < 0 ? -errno : pack_header_get(header, (size_t)n, number, &salt);
    if (fd >= 0)
        close(fd);
    if (rc == 0)
        rc = erase_bytes(p, number, salt, *b);
    packs_forget(p);
    return rc;
}

/* Whether it was one of the broken ones; it is none any more. */
static bool unlist_broken(struct packs *p, uint64_t number, uint64_t offset)
{
    struct packs_at *at = (struct packs_at *)(void *)p->broken.p;
    size_t n = p->broken.n / sizeof *at, kept = 0;
    for (size_t i = 0; i < n; i++)
        if (at[i].number != number || at[i].offset != offset)
            at[kept++] = at[i];
    p->broken.n = kept * sizeof *at;
    p->damaged -= n - kept;
    return kept < n;
}

/* One place that may have it. */
static int erase_at(struct packs *p, uint64_t number, uint64_t offset, const struct going *going,
                    struct err *err)
{
    struct pack_block b;
    int rc = packs_block(p, number, offset, true, &b, err);
    if (rc == 0) /* erased before, and interrupted */
        return unlist(p, number, offset, 0, err);
    if (rc < 0 && rc != -EBADMSG)
        return rc;
    if (!block_has_any(&b, p->block.p + PACK_BLOCK_LEN, going))
        return 0;
    if (rc == 1 && (rc = keep_others(p, number, &b, going, err)) < 0)
        return rc;
    rc = erase_block(p, number, &b);
    if (rc < 0)
        return fail(p, err, number, rc);
    /* one that did not hold when it was scanned was not counted */
    return unlist(p, number, offset, unlist_broken(p, number, offset) ? 0 : b.raw, err);
}

static bool is_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (*p == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Erasures that were interrupted when nothing was left of the content are ended. A block of zeros
 * that nobody erased has lost the same. */
static int end_erasures(struct packs *p, struct err *err)
{
    const struct packs_at *at = (const struct packs_at *)(const void *)p->broken.p;
    for (size_t i = p->broken.n / sizeof *at; i--;) {
        struct pack_block b;
        const struct packs_at one = at[i];
        int rc = packs_block(p, one.number, one.offset, true, &b, err);
        if (rc < 0 && rc != -EBADMSG)
            return rc;
        size_t frame = PACK_BLOCK_LEN + (size_t)b.count * PACK_ENTRY_LEN;
        if (rc != -EBADMSG || !is_zero(p->block.p + frame, b.frame))
            continue;
        rc = erase_block(p, one.number, &b);
        if (rc < 0)
            return fail(p, err, one.number, rc);
        unlist_broken(p, one.number, one.offset);
    }
    return 0;
}

static int note_place(struct packs *p, uint64_t number, uint64_t offset, void *ctx)
{
    struct pack_index_entry e = {number, offset};
    buf_put(ctx, &e, sizeof e);
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct pack_index_entry *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Each block once, however many of its blobs go. */
int packs_remove_many(struct packs *p, const uint8_t *sorted, size_t n, struct err *err)
{
    struct buf places = {0};
    struct going going = {sorted, n};
    int rc = packs_sync(p, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        packs_candidates(p, sorted + i * SHA256_LEN, note_place, &places);
    struct pack_index_entry *e = (struct pack_index_entry *)(void *)places.p;
    size_t found = places.n / sizeof *e;
    if (found)
        qsort(e, found, sizeof *e, by_place);
    for (size_t i = 0; i < found && rc == 0; i++)
        if (i == 0 || by_place(&e[i - 1], &e[i]) != 0) /* `seen` and an index name the same ones */
            rc = erase_at(p, e[i].key, e[i].offset, &going, err);
    buf_free(&places);
    return rc;
}

int packs_remove(struct packs *p, const uint8_t sha[SHA256_LEN], struct err *err)
{
    return packs_remove_many(p, sha, 1, err);
}
