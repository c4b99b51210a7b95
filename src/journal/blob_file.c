#include "journal/blob_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "base/file.h"

#define LEVEL          3
#define BLOB_MAX       (8ull << 30) /* bytes of one blob that we read back */
#define RATIO_MAX      (128u << 10) /* a frame that claims to grow more than this is not ours */
#define FOLDERS        256
#define SYNC_FILES_MAX 32
#define TOTAL_FILE     "total"

struct blob_files {
    char *dir;
    int fd;
    uint64_t total;
    bool dirty_folder[FOLDERS], dirty_top, dirty_many;
    int dirty[SYNC_FILES_MAX];
    unsigned dirty_n;
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
    struct buf scratch;
};

/* "ab/cdef....zst" */
#define NAME_MAX_LEN (2 * SHA256_LEN + 1 + 4 + 1)
static void blob_name(char out[NAME_MAX_LEN], const uint8_t sha[SHA256_LEN])
{
    char hex[SHA256_HEX_MAX];
    hex_encode(sha, SHA256_LEN, hex);
    snprintf(out, NAME_MAX_LEN, "%.2s/%s.zst", hex, hex + 2);
}

/* How many bytes are stored, before compression: kept in a file, so that opening need not look at
 * every blob; after a crash it may lack the last ones, which a cap can bear. */
static void total_read(struct blob_files *s)
{
    char text[32] = "";
    int fd = openat(s->fd, TOTAL_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n > 0)
        s->total = strtoull(text, NULL, 10);
}

static int total_write(struct blob_files *s, struct err *err)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%020llu\n", (unsigned long long)s->total);
    int fd = openat(s->fd, TOTAL_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int rc =
        fd < 0 || pwrite(fd, text, (size_t)n, 0) != n ? err_errno(err, "blobs/" TOTAL_FILE) : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

int blob_files_open(const char *dir, struct blob_files **out, struct err *err)
{
    *out = NULL;
    struct blob_files *s = calloc(1, sizeof *s);
    if (!s || !(s->dir = strdup(dir)) || !(s->compress = ZSTD_createCCtx()) ||
        !(s->decompress = ZSTD_createDCtx()))
        abort();
    s->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->fd < 0) {
        int rc = err_errno(err, "%s", dir);
        blob_files_close(s);
        return rc;
    }
    ZSTD_CCtx_setParameter(s->compress, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(s->compress, ZSTD_c_checksumFlag, 1);
    total_read(s);
    *out = s;
    return 0;
}

/* A file system that knows no locks has the journal's lock to rely on. */
int blob_files_lock(struct blob_files *s, struct err *err)
{
    if (flock(s->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return err_set(err, -EBUSY, "%s: somebody else writes to it", s->dir);
    return 0;
}

uint64_t blob_files_total(const struct blob_files *s)
{
    return s->total;
}

static void dirty_forget(struct blob_files *s)
{
    while (s->dirty_n)
        close(s->dirty[--s->dirty_n]);
    memset(s->dirty_folder, 0, sizeof s->dirty_folder);
    s->dirty_top = s->dirty_many = false;
}

void blob_files_close(struct blob_files *s)
{
    if (!s)
        return;
    dirty_forget(s);
    if (s->fd >= 0)
        close(s->fd);
    ZSTD_freeCCtx(s->compress);
    ZSTD_freeDCtx(s->decompress);
    buf_free(&s->scratch);
    free(s->dir);
    free(s);
}

/* Appends the decompressed file; -ENOENT, -EBADMSG. */
static int load(struct blob_files *s, const char *name, struct buf *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf packed = {0};
    int rc = file_path(path, err, "%s/%s", s->dir, name);
    if (rc == 0)
        rc = file_read(path, BLOB_MAX, &packed, err);
    if (rc == 0) {
        unsigned long long n = ZSTD_getFrameContentSize(packed.p, packed.n);
        if (packed.n == 0 || n == ZSTD_CONTENTSIZE_UNKNOWN || n == ZSTD_CONTENTSIZE_ERROR ||
            n > BLOB_MAX || n / RATIO_MAX > packed.n) {
            rc = err_set(err, -EBADMSG, "%s: not a blob", path);
        } else {
            uint8_t *at = buf_reserve(out, (size_t)n + 1);
            size_t got = ZSTD_decompressDCtx(s->decompress, at, (size_t)n, packed.p, packed.n);
            if (ZSTD_isError(got) || got != n)
                rc = err_set(err, -EBADMSG, "%s: damaged", path);
            else
                out->n += got;
        }
    }
    buf_free(&packed);
    return rc;
}

/* A file of that name may be torn by a crash; only one that gives the same bytes counts. */
static bool is_there(struct blob_files *s, const char *name, struct span data)
{
    if (faccessat(s->fd, name, F_OK, 0) < 0)
        return false;
    struct buf have = {0};
    bool same = load(s, name, &have, NULL) == 0 && span_eq(buf_as_span(&have), data);
    buf_free(&have);
    return same;
}

static void dirty_add(struct blob_files *s, int fd, unsigned folder)
{
    s->dirty_folder[folder] = true;
    if (s->dirty_n < SYNC_FILES_MAX && !s->dirty_many) {
        s->dirty[s->dirty_n++] = fd;
        return;
    }
    while (s->dirty_n)
        close(s->dirty[--s->dirty_n]);
    s->dirty_many = true; /* one syncfs is cheaper by now */
    close(fd);
}

/* Under another name first, so that readers never see half of it. */
static int store(struct blob_files *s, const char *name, struct span data, unsigned folder,
                 struct err *err)
{
    char top[3], tmp[NAME_MAX_LEN + 32];
    s->scratch.n = 0;
    uint8_t *packed = buf_reserve(&s->scratch, ZSTD_compressBound(data.n));
    size_t n = ZSTD_compress2(s->compress, packed, ZSTD_compressBound(data.n), data.p, data.n);
    if (ZSTD_isError(n))
        return err_set(err, -EIO, "blobs/%s: %s", name, ZSTD_getErrorName(n));
    snprintf(top, sizeof top, "%02x", folder);
    if (mkdirat(s->fd, top, 0700) == 0)
        s->dirty_top = true;
    else if (errno != EEXIST)
        return err_errno(err, "blobs/%s", top);
    snprintf(tmp, sizeof tmp, "%s.tmp", name); /* what a crash leaves is overwritten */
    int fd = openat(s->fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "blobs/%s", tmp);
    int rc = file_write_all(fd, packed, n);
    if (rc < 0)
        errno = -rc;
    if (rc < 0 || renameat(s->fd, tmp, s->fd, name) < 0) {
        rc = err_errno(err, "blobs/%s", name);
        close(fd);
        unlinkat(s->fd, tmp, 0);
        return rc;
    }
    dirty_add(s, fd, folder);
    return 0;
}

int blob_files_add(struct blob_files *s, const uint8_t sha[SHA256_LEN], struct span data,
                   struct err *err)
{
    char name[NAME_MAX_LEN];
    blob_name(name, sha);
    int rc = store(s, name, data, sha[0], err);
    if (rc == 0)
        s->total += data.n;
    return rc;
}

bool blob_files_held(struct blob_files *s, const uint8_t sha[SHA256_LEN], struct span data)
{
    char name[NAME_MAX_LEN];
    blob_name(name, sha);
    return is_there(s, name, data);
}

int blob_files_sync(struct blob_files *s, struct err *err)
{
    int rc = 0;
    if (s->dirty_n == 0 && !s->dirty_many)
        return 0;
    rc = total_write(s, err);
    if (rc == 0 && s->dirty_many) {
        if (syncfs(s->fd) < 0)
            rc = err_errno(err, "%s", s->dir);
    } else if (rc == 0) {
        for (unsigned i = 0; i < s->dirty_n; i++)
            sync_file_range(s->dirty[i], 0, 0, SYNC_FILE_RANGE_WRITE);
        for (unsigned i = 0; i < s->dirty_n && rc == 0; i++)
            if (fsync(s->dirty[i]) < 0)
                rc = err_errno(err, "%s", s->dir);
        for (unsigned i = 0; i < FOLDERS && rc == 0; i++) {
            char path[FILE_PATH_MAX];
            if (s->dirty_folder[i] && (rc = file_path(path, err, "%s/%02x", s->dir, i)) == 0)
                rc = file_sync_dir(path, err);
        }
        if (rc == 0 && s->dirty_top && fsync(s->fd) < 0)
            rc = err_errno(err, "%s", s->dir);
    }
    if (rc == 0)
        dirty_forget(s);
    return rc;
}

int blob_files_get(struct blob_files *s, const uint8_t sha[SHA256_LEN], struct buf *out,
                   struct err *err)
{
    char name[NAME_MAX_LEN];
    uint8_t digest[SHA256_LEN];
    size_t start = out->n;
    blob_name(name, sha);
    int rc = load(s, name, out, err);
    if (rc < 0)
        return rc;
    sha256(out->p + start, out->n - start, digest);
    if (memcmp(digest, sha, SHA256_LEN) == 0)
        return 0;
    out->n = start;
    return err_set(err, -EBADMSG, "%s/%s: another content than its name says", s->dir, name);
}

int blob_files_remove(struct blob_files *s, const uint8_t sha[SHA256_LEN], struct err *err)
{
    char name[NAME_MAX_LEN];
    struct buf have = {0};
    blob_name(name, sha);
    uint64_t size = load(s, name, &have, NULL) == 0 ? have.n : 0;
    buf_free(&have);
    char tmp[NAME_MAX_LEN + 4];
    snprintf(tmp, sizeof tmp, "%s.tmp", name);
    unlinkat(s->fd, tmp, 0); /* left by a crash, perhaps */
    if (unlinkat(s->fd, name, 0) < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s/%s", s->dir, name);
    s->total -= size < s->total ? size : s->total;
    char top[FILE_PATH_MAX];
    int rc = file_path(top, err, "%s/%.2s", s->dir, name);
    if (rc == 0)
        rc = file_sync_dir(top, err);
    return rc < 0 ? rc : total_write(s, err);
}

/* ---- all of them ---- */

static bool name_parse(const char *folder, const char *name, uint8_t sha[SHA256_LEN])
{
    char hex[SHA256_HEX_MAX + 1], again[NAME_MAX_LEN], whole[NAME_MAX_LEN];
    if (strlen(folder) != 2 || strlen(name) != 2 * SHA256_LEN - 2 + 4)
        return false;
    snprintf(hex, sizeof hex, "%s%.*s", folder, 2 * SHA256_LEN - 2, name);
    if (!hex_decode(span_of(hex, strlen(hex)), sha, SHA256_LEN))
        return false;
    blob_name(again, sha);
    snprintf(whole, sizeof whole, "%.2s/%.66s", folder, name);
    return strcmp(again, whole) == 0;
}

static int walk_folder(struct blob_files *s, const char *folder, blob_files_each each, void *ctx,
                       struct err *err)
{
    int fd = openat(s->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        rc = errno == ENOENT ? 0 : err_errno(err, "%s/%s", s->dir, folder);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    struct buf out = {0};
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        uint8_t sha[SHA256_LEN];
        if (!name_parse(folder, e->d_name, sha))
            continue;
        out.n = 0;
        int got = blob_files_get(s, sha, &out, NULL);
        if (got != -ENOENT) /* removed meanwhile */
            rc = each(ctx, sha, out.n, got);
    }
    closedir(d);
    buf_free(&out);
    return rc;
}

int blob_files_walk(struct blob_files *s, blob_files_each each, void *ctx, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; i < FOLDERS && rc == 0; i++) {
        char folder[3];
        snprintf(folder, sizeof folder, "%02x", i);
        rc = walk_folder(s, folder, each, ctx, err);
    }
    return rc;
}
