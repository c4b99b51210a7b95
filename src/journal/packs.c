#include "journal/packs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"

#define PACKS_FOLDER "pack"

int packs_open(const char *store, struct packs **out, struct err *err)
{
    char dir[FILE_PATH_MAX];
    uint64_t secret;
    *out = NULL;
    int rc = file_path(dir, err, "%s/" PACKS_FOLDER, store);
    if (rc < 0)
        return rc;
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium: cannot start");
    struct packs *p = calloc(1, sizeof *p);
    if (!p || !(p->dir = strdup(dir)) || !(p->decompress = ZSTD_createDCtx()))
        abort();
    randombytes_buf(&secret, sizeof secret);
    digest_table_init(&p->seen, secret);
    p->fd = -1;
    rc = packs_refresh(p, err);
    if (rc < 0) {
        packs_close(p);
        return rc;
    }
    *out = p;
    return 0;
}

void packs_forget(struct packs *p)
{
    for (unsigned i = 0; i < PACKS_OPEN_MAX; i++) {
        if (p->files[i].number)
            close(p->files[i].fd);
        p->files[i] = (struct packs_file){0};
    }
    p->raw_number = 0;
}

void packs_ref_free(struct packs_ref *r)
{
    if (r->mapped)
        munmap((void *)(uintptr_t)r->file.p, r->file.n);
    else
        free((void *)(uintptr_t)r->file.p);
    r->file = (struct span){NULL, 0};
    r->mapped = false;
    pack_scan_end(&r->scan);
}

void packs_close(struct packs *p)
{
    if (!p)
        return;
    packs_writer_close(p);
    buf_free(&p->broken);
    packs_forget(p);
    for (size_t i = 0; i < p->refs_n; i++)
        packs_ref_free(&p->refs[i]);
    free(p->refs);
    if (p->fd >= 0)
        close(p->fd);
    digest_table_free(&p->seen);
    ZSTD_freeDCtx(p->decompress);
    buf_free(&p->block);
    buf_free(&p->raw);
    free(p->dir);
    free(p);
}

struct packs_ref *packs_ref_add(struct packs *p, uint64_t number)
{
    if (p->refs_n == p->refs_cap) {
        p->refs_cap = p->refs_cap ? 2 * p->refs_cap : 16;
        p->refs = realloc(p->refs, p->refs_cap * sizeof *p->refs);
        if (!p->refs)
            abort();
    }
    size_t i = p->refs_n++; /* nearly always the newest */
    for (; i && p->refs[i - 1].number > number; i--)
        p->refs[i] = p->refs[i - 1];
    p->refs[i] = (struct packs_ref){.number = number};
    return &p->refs[i];
}

static struct packs_ref *ref_find(struct packs *p, uint64_t number)
{
    for (size_t i = p->refs_n; i--;)
        if (p->refs[i].number == number)
            return &p->refs[i];
    return NULL;
}

/* ---- files ---- */

/* A pack for reading; NULL with errno when it cannot be opened or is none. */
static struct packs_file *open_pack(struct packs *p, uint64_t number)
{
    for (unsigned i = 0; i < PACKS_OPEN_MAX; i++)
        if (p->files[i].number == number)
            return &p->files[i];
    char name[PACK_NAME_MAX];
    uint8_t header[PACK_HEADER_LEN];
    uint32_t salt;
    pack_name(name, number);
    int fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    ssize_t n = pread(fd, header, sizeof header, 0);
    int rc = n < 0 ? -errno : pack_header_get(header, (size_t)n, number, &salt);
    if (rc < 0) {
        close(fd);
        errno = -rc;
        return NULL;
    }
    struct packs_file *f = &p->files[p->files_next++ % PACKS_OPEN_MAX];
    if (f->number)
        close(f->fd);
    *f = (struct packs_file){number, fd, salt};
    return f;
}

/* The index of a pack, when there is one that fits it. 1, 0. */
int packs_index_load(struct packs *p, uint64_t number, struct packs_ref *out)
{
    char name[PACK_NAME_MAX];
    struct stat st, pack;
    pack_name(name, number);
    if (fstatat(p->fd, name, &pack, 0) < 0)
        return 0;
    pack_index_name(name, number);
    int fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    void *map = MAP_FAILED;
    if (fstat(fd, &st) == 0 &&
        st.st_size >= PACK_INDEX_HEADER_LEN) /* never changed, but replaced */
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return 0;
    struct span file = span_of(map, (size_t)st.st_size);
    struct pack_index index;
    if (!pack_index_get(file, number, &index) || index.pack_size != (uint64_t)pack.st_size) {
        munmap(map, file.n);
        return 0;
    }
    out->file = file;
    out->mapped = true;
    out->index = index;
    out->raw = index.raw;
    return 1;
}

/* ---- what is there ---- */

static bool other_pack(uint64_t value, uint64_t number)
{
    return packs_value_number(value) != number;
}

/* Blocks that do not hold, of a pack that was scanned up to `whole`: what they name cannot be had
 * any more, but found, to be told of and to be erased. */
static void list_broken(struct packs *p, uint64_t number, uint64_t from, uint64_t whole)
{
    struct pack_block b;
    for (uint64_t at = from; at < whole;) {
        int rc = packs_block(p, number, at, true, &b, NULL);
        if (rc == -EBADMSG)
            buf_put(&p->broken, &(struct packs_at){number, at}, sizeof(struct packs_at));
        bool is_block = rc == 1 || rc == -EBADMSG || (rc == 0 && b.erased);
        at += is_block ? pack_block_len(&b) : PACK_ALIGN;
    }
}

/* Takes up what a pack has gained. 1 something, 0 nothing, negative. */
static int scan_more(struct packs *p, struct packs_ref *r)
{
    struct packs_file *f = open_pack(p, r->number);
    struct pack_block b;
    const uint8_t *body;
    int rc, any = 0;
    if (!f) /* just made, or not a pack: the next look may tell */
        return errno == EPROTO ? -EPROTO : 0;
    uint64_t from = r->scan.whole ? r->scan.whole : PACK_HEADER_LEN;
    pack_scan_begin(&r->scan, f->fd, f->salt, from);
    while ((rc = pack_scan_next(&r->scan, &b, &body)) == 1) {
        any = 1;
        if (b.erased)
            continue;
        r->raw += b.raw;
        for (unsigned i = 0; i < b.count; i++)
            digest_table_add(&p->seen, digest_key(body + (size_t)i * PACK_ENTRY_LEN),
                             packs_value(r->number, b.offset));
    }
    p->damaged += r->scan.damaged;
    pack_scan_end(&r->scan);
    if (r->scan.damaged)
        list_broken(p, r->number, from, r->scan.whole);
    return rc < 0 ? rc : any;
}

/* A pack that is new to us, or was not closed when we saw it. */
static int look_at(struct packs *p, uint64_t number)
{
    struct packs_ref *r = ref_find(p, number);
    if (r && r->file.p)
        return 0;
    bool scanned = r && r->scan.whole;
    if (!r)
        r = packs_ref_add(p, number);
    if (packs_index_load(p, number, r) == 1) {
        if (scanned)
            digest_table_filter(&p->seen, other_pack, number);
        return 1;
    }
    return scan_more(p, r);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int packs_refresh(struct packs *p, struct err *err)
{
    if (p->fd < 0)
        p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", p->dir);
    int fd = openat(p->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), any = 0, rc = 0;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        rc = err_errno(err, "%s", p->dir);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    struct buf found = {0};
    for (struct dirent *e; (e = readdir(d));) {
        uint64_t number;
        if (pack_name_parse(e->d_name, &number))
            buf_put(&found, &number, sizeof number);
    }
    closedir(d);
    uint64_t *numbers = (uint64_t *)(void *)found.p;
    size_t n = found.n / sizeof *numbers;
    if (n)
        qsort(numbers, n, sizeof *numbers, by_number);
    for (size_t i = 0; i < n && rc >= 0; i++) {
        rc = look_at(p, numbers[i]);
        any |= rc == 1;
        if (rc < 0)
            err_set(err, rc, "%s/%08llx.pack: %s", p->dir, (unsigned long long)numbers[i],
                    rc == -EPROTO ? "written by a newer version of ebb" : strerror(-rc));
    }
    buf_free(&found);
    p->total = 0;
    for (size_t i = 0; i < p->refs_n; i++)
        p->total += p->refs[i].raw;
    return rc < 0 ? rc : any;
}

/* ---- one block ---- */

/* Fewer only where the file ends; -errno. */
static ssize_t read_at(int fd, void *to, size_t n, uint64_t offset)
{
    for (;;) {
        ssize_t got = pread(fd, to, n, (off_t)offset);
        if (got >= 0 || errno != EINTR)
            return got < 0 ? -errno : got;
    }
}

#define ENTRIES_GUESS 32 /* blobs whose entries are read along with a header */

int packs_block(struct packs *p, uint64_t number, uint64_t offset, bool all, struct pack_block *out,
                struct err *err)
{
    struct packs_file *f = open_pack(p, number);
    *out = (struct pack_block){0};
    if (!f)
        return errno == ENOENT || errno == EBADMSG
                   ? 0
                   : err_errno(err, "%s/%08llx.pack", p->dir, (unsigned long long)number);
    p->block.n = 0;
    uint8_t *at = buf_reserve(&p->block, PACK_BLOCK_MAX);
    size_t want = PACK_BLOCK_LEN + (all ? PACK_RAW_MAX / 4 : ENTRIES_GUESS * PACK_ENTRY_LEN);
    ssize_t n = read_at(f->fd, at, want, offset);
    if (n < 0)
        return err_set(err, (int)n, "%s/%08llx.pack: %s", p->dir, (unsigned long long)number,
                       strerror((int)-n));
    if (n < PACK_BLOCK_LEN || !pack_block_get(at, f->salt, offset, out) || out->erased)
        return 0;
    size_t need = PACK_BLOCK_LEN + (all ? pack_body_len(out) : (size_t)out->count * PACK_ENTRY_LEN);
    if ((size_t)n < need) {
        ssize_t more = read_at(f->fd, at + n, need - (size_t)n, offset + (uint64_t)n);
        if (more < 0 || (size_t)(n + more) < need)
            return more < 0 ? (int)more : 0;
    }
    p->block.n = need;
    if (all && !pack_body_holds(out, at + PACK_BLOCK_LEN))
        return -EBADMSG;
    return 1;
}

int packs_unpack(struct packs *p, uint64_t number, const struct pack_block *b)
{
    p->raw_number = 0;
    p->raw.n = 0;
    uint8_t *to = buf_reserve(&p->raw, (size_t)b->raw + 1);
    const uint8_t *frame = p->block.p + PACK_BLOCK_LEN + (size_t)b->count * PACK_ENTRY_LEN;
    size_t n = ZSTD_decompressDCtx(p->decompress, to, b->raw, frame, b->frame);
    if (ZSTD_isError(n) || n != b->raw)
        return -EBADMSG;
    p->raw.n = n;
    p->raw_number = number;
    p->raw_offset = b->offset;
    return 0;
}

/* ---- one blob ---- */

int packs_candidates(struct packs *p, const uint8_t sha[SHA256_LEN],
                     int (*each)(struct packs *p, uint64_t number, uint64_t offset, void *ctx),
                     void *ctx)
{
    uint64_t key = digest_key(sha), value;
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && digest_table_next(&p->seen, key, &at, &value))
        if (!(value & PACKS_PENDING))
            rc = each(p, packs_value_number(value), packs_value_offset(value), ctx);
    for (size_t i = p->refs_n; rc == 0 && i--;) {
        const struct pack_index *x = &p->refs[i].index;
        if (!p->refs[i].file.p)
            continue;
        for (size_t k = pack_index_seek(x, key); rc == 0 && k < x->count; k++) {
            struct pack_index_entry e = pack_index_at(x, k);
            if (e.key != key)
                break;
            rc = each(p, p->refs[i].number, e.offset, ctx);
        }
    }
    const struct packs_at *broken = (const struct packs_at *)(const void *)p->broken.p;
    for (size_t i = 0; rc == 0 && i < p->broken.n / sizeof *broken; i++)
        rc = each(p, broken[i].number, broken[i].offset, ctx);
    return rc;
}

struct wanted {
    const uint8_t *sha;
    struct buf *out;
    struct err *err;
    bool damaged;
};

/* What lies at the place in p->raw, if it is the blob. */
static bool take(struct packs *p, const struct pack_place *place, struct wanted *w)
{
    uint8_t digest[SHA256_LEN];
    if ((uint64_t)place->at + place->length > p->raw.n)
        return false;
    sha256(p->raw.p + place->at, place->length, digest);
    if (memcmp(digest, w->sha, SHA256_LEN) != 0)
        return false;
    buf_put(w->out, p->raw.p + place->at, place->length);
    return true;
}

/* 1 got it, 0 not here, negative. What does not hold is passed over: there may be another copy. */
static int try_get(struct packs *p, uint64_t number, uint64_t offset, void *ctx)
{
    struct wanted *w = ctx;
    struct pack_block b;
    struct pack_place place;
    int rc;
    if (p->raw_number == number && p->raw_offset == offset) { /* unpacked already; still there? */
        rc = packs_block(p, number, offset, false, &b, w->err);
        if (rc == 1 && pack_place_find(&b, p->block.p + PACK_BLOCK_LEN, w->sha, &place) &&
            take(p, &place, w))
            return 1;
    }
    rc = packs_block(p, number, offset, true, &b, w->err);
    if (rc == 0 || (rc < 0 && rc != -EBADMSG) ||
        !pack_place_find(&b, p->block.p + PACK_BLOCK_LEN, w->sha, &place))
        return rc == -EBADMSG ? 0 : rc < 0 ? rc : 0;
    if (rc == 1 && packs_unpack(p, number, &b) == 0 && take(p, &place, w))
        return 1;
    w->damaged = true;
    return 0;
}

int packs_get(struct packs *p, const uint8_t sha[SHA256_LEN], struct buf *out, struct err *err)
{
    struct wanted w = {.sha = sha, .out = out, .err = err};
    if (p->writer && packs_pending(p, sha, out) == 0)
        return 0;
    int rc = packs_candidates(p, sha, try_get, &w);
    if (rc == 0 && !p->writer && (rc = packs_refresh(p, err)) == 1)
        rc = packs_candidates(p, sha, try_get, &w);
    if (rc < 0)
        return rc;
    return rc == 1 ? 0 : w.damaged ? -EBADMSG : -ENOENT;
}

/* ---- all of them ---- */

static int walk_block(struct packs *p, uint64_t number, const struct pack_block *b,
                      const uint8_t *body,
                      int (*each)(void *ctx, const uint8_t *sha, uint64_t size, int rc), void *ctx)
{
    struct pack_place place = {0};
    p->block.n = 0;
    memset(buf_reserve(&p->block, PACK_BLOCK_MAX), 0, PACK_BLOCK_LEN);
    memcpy(p->block.p + PACK_BLOCK_LEN, body, pack_body_len(b));
    bool holds = packs_unpack(p, number, b) == 0;
    for (unsigned i = 0; pack_place_next(b, p->block.p + PACK_BLOCK_LEN, i, &place); i++) {
        uint8_t digest[SHA256_LEN];
        bool same = false;
        if (holds) {
            sha256(p->raw.p + place.at, place.length, digest);
            same = memcmp(digest, place.sha256, SHA256_LEN) == 0;
        }
        int rc = each(ctx, place.sha256, place.length, same ? 0 : -EBADMSG);
        if (rc)
            return rc;
    }
    return 0;
}

static int walk_pack(struct packs *p, uint64_t number,
                     int (*each)(void *ctx, const uint8_t *sha, uint64_t size, int rc), void *ctx)
{
    struct packs_file *f = open_pack(p, number);
    struct pack_scan scan = {0};
    struct pack_block b;
    const uint8_t *body;
    int rc;
    if (!f)
        return 0;
    pack_scan_begin(&scan, f->fd, f->salt, PACK_HEADER_LEN);
    while ((rc = pack_scan_next(&scan, &b, &body)) == 1) {
        rc = b.erased ? 0 : walk_block(p, number, &b, body, each, ctx);
        if (rc)
            break;
    }
    p->damaged += scan.damaged;
    pack_scan_end(&scan);
    return rc;
}

int packs_walk(struct packs *p,
               int (*each)(void *ctx, const uint8_t sha256[SHA256_LEN], uint64_t size, int rc),
               void *ctx, struct err *err)
{
    int rc = p->writer ? 0 : packs_refresh(p, err);
    if (rc < 0)
        return rc;
    p->damaged = 0;
    rc = 0;
    for (size_t i = 0; i < p->refs_n && rc == 0; i++)
        rc = walk_pack(p, p->refs[i].number, each, ctx);
    return rc;
}
