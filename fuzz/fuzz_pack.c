/* A pack and its index from anywhere. The first byte says whether checksums are put right first (so
 * that what lies behind them is reached), the second how many times 16 bytes at the end are the
 * index. Whatever they hold: what a reader gives out has the digest it is asked for, and a writer
 * goes on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "journal/blob.h"
#include "journal/pack.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX   (1u << 16)
#define DIGESTS_MAX 64

enum { REPAIR = 1, WRITE = 2 };

/* One store for all runs, gone at the end. */
static char folder[64];

static void path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", folder, name);
}

static void clear(void)
{
    static const char *const names[] = {"pack/00000001.pack", "pack/00000001.idx",
                                        "pack/00000002.pack", "pack/00000002.idx", "total"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        path_of(path, names[i]);
        unlink(path);
    }
}

static void folder_remove(void)
{
    char path[128];
    clear();
    path_of(path, "pack");
    rmdir(path);
    rmdir(folder);
}

static void folder_make(void)
{
    char path[128];
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "%s/ebb-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        must(mkdtemp(folder) != NULL);
        atexit(folder_remove);
        path_of(path, "pack");
        must(mkdir(path, 0700) == 0);
    }
    clear();
}

static void put_file(const char *name, const uint8_t *p, size_t n)
{
    char path[128];
    path_of(path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0 && file_write_all(fd, p, n) == 0);
    close(fd);
}

/* Header fields stay as they are; checksums, offsets and what they must agree with are put right.
 */
static void repair_pack(uint8_t *p, size_t n)
{
    uint32_t salt = 7;
    if (n < PACK_HEADER_LEN)
        return;
    pack_header_put(p, 1, salt);
    for (size_t at = PACK_HEADER_LEN; at + PACK_BLOCK_LEN <= n; at += PACK_ALIGN) {
        uint8_t *h = p + at;
        if (memcmp(h, "blk\n", 4) != 0)
            continue;
        struct pack_block b = {.offset = at,
                               .frame = be32_get(h + 20) % (PACK_FRAME_MAX + 9),
                               .raw = be32_get(h + 24) % (PACK_RAW_MAX + 9),
                               .count = be16_get(h + 16),
                               .erased = h[19] & 1};
        if (pack_block_len(&b) > n - at)
            b.frame = b.count = 1;
        if (pack_block_len(&b) <= n - at)
            b.body_crc = crc32c(0, h + PACK_BLOCK_LEN, pack_body_len(&b));
        pack_block_put(h, salt, &b);
    }
}

static void repair_index(uint8_t *p, size_t n, uint64_t pack_size)
{
    if (n < PACK_INDEX_HEADER_LEN)
        return;
    struct buf head = {0};
    pack_index_put(&head, 1, pack_size, be64_get(p + 32), NULL, 0);
    size_t count = (n - PACK_INDEX_HEADER_LEN) / PACK_INDEX_ENTRY_LEN;
    memcpy(p, head.p, PACK_INDEX_HEADER_LEN);
    be32_put(p + 12, (uint32_t)count);
    be32_put(p + 40, crc32c(0, p + PACK_INDEX_HEADER_LEN, n - PACK_INDEX_HEADER_LEN));
    be32_put(p + 44, crc32c(0, p, 44));
    buf_free(&head);
}

struct found {
    uint8_t sha[DIGESTS_MAX][SHA256_LEN];
    unsigned n;
};

static int note(void *ctx, const uint8_t *sha, uint64_t size, int rc)
{
    struct found *f = ctx;
    must(size <= PACK_RAW_MAX && (rc == 0 || rc == -EBADMSG));
    if (f->n < DIGESTS_MAX)
        memcpy(f->sha[f->n++], sha, SHA256_LEN);
    return 0;
}

static void get_all(struct blob_store *s, const struct found *f)
{
    for (unsigned i = 0; i < f->n; i++) {
        struct buf out = {0};
        uint8_t digest[SHA256_LEN];
        int rc = blob_get(s, f->sha[i], &out, NULL);
        must(rc <= 0);
        sha256(out.p ? out.p : (const uint8_t *)"", out.n, digest);
        must(rc < 0 ? out.n == 0 : memcmp(digest, f->sha[i], SHA256_LEN) == 0);
        buf_free(&out);
    }
}

static void write_on(const struct found *f)
{
    struct blob_store *s;
    uint8_t sha[SHA256_LEN];
    struct buf out = {0};
    if (blob_open(folder, 0, 0, &s, NULL) < 0)
        return;
    must(blob_put(s, span_str("one more"), sha, NULL) == 0 && blob_sync(s, NULL) == 0);
    get_all(s, f);
    must(blob_get(s, sha, &out, NULL) == 0 && span_is(buf_as_span(&out), "one more"));
    if (f->n) {
        blob_remove(s, f->sha[0], NULL);
        out.n = 0;
        must(memcmp(f->sha[0], sha, SHA256_LEN) == 0 || blob_get(s, f->sha[0], &out, NULL) < 0);
        out.n = 0;
        must(memcmp(f->sha[0], sha, SHA256_LEN) == 0 || blob_get(s, sha, &out, NULL) == 0);
    }
    buf_free(&out);
    blob_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_MAX)
        return 0;
    size_t n = size - 2, index = (size_t)data[1] * 16;
    uint8_t *copy = malloc(n + 1);
    must(copy != NULL);
    memcpy(copy, data + 2, n);
    index = index < n ? index : n;
    if (data[0] & REPAIR) {
        repair_pack(copy, n - index);
        repair_index(copy + n - index, index, n - index);
    }
    folder_make();
    put_file("pack/00000001.pack", copy, n - index);
    if (index)
        put_file("pack/00000001.idx", copy + n - index, index);
    free(copy);
    struct found f = {.n = 0};
    struct blob_store *s;
    if (blob_open_reader(folder, &s, NULL) == 0) {
        must(blob_walk(s, note, &f, NULL) == 0);
        get_all(s, &f);
        blob_close(s);
    }
    if (data[0] & WRITE)
        write_on(&f);
    return 0;
}
