/* Files into a backup: what is there already is not copied again. Nothing that the last manifest
 * names is changed: a file only gets longer, or a new one is written beside it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/care/backup.h"
#include "app/care/beneath.h"
#include "base/file.h"

#define PIECE        (1u << 20)
#define SEEN_FILE    "seen" /* what source files looked like: a hint, its loss costs reading */
#define SEEN_VERSION 1
#define SEEN_MAX     (1u << 30)
#define SETTLED_S    3    /* a file that was changed so long ago would show another change */
#define NAMES_MAX    1000 /* of one file, one beside the other */

/* Of a source file whose bytes the backup has. */
struct backup_seen {
    uint64_t path; /* hash of it */
    uint64_t inode, size;
    int64_t changed_s, changed_ns;
};

static uint64_t path_hash(const char *path)
{
    uint8_t sha[SHA256_LEN];
    sha256(path, strlen(path), sha);
    uint64_t h;
    memcpy(&h, sha, sizeof h);
    return h;
}

static struct backup_seen seen_of(const char *path, const struct stat *st)
{
    return (struct backup_seen){path_hash(path), st->st_ino, (uint64_t)st->st_size,
                                st->st_ctim.tv_sec, st->st_ctim.tv_nsec};
}

static int by_hash(const void *a, const void *b)
{
    const struct backup_seen *x = a, *y = b;
    return x->path < y->path ? -1 : x->path > y->path;
}

static bool is_seen(const struct backup_store *s, const struct backup_seen *now)
{
    size_t n = s->seen_old.n / sizeof *now;
    const struct backup_seen *was = n ? bsearch(now, s->seen_old.p, n, sizeof *now, by_hash) : NULL;
    return was && memcmp(was, now, sizeof *was) == 0;
}

static void note_seen(struct backup_store *s, const struct backup_seen *now)
{
    if (now->changed_s + SETTLED_S < s->begun)
        buf_put(&s->seen_new, now, sizeof *now);
}

/* ---- bytes ---- */

/* Hashes [from, to) of a file, copying it to `out` unless that is -1. -ENODATA: it is shorter. */
static int pump(struct backup_store *s, int in, int out, uint64_t from, uint64_t to,
                sha256_ctx *sha)
{
    while (from < to) {
        size_t want = to - from < PIECE ? (size_t)(to - from) : PIECE;
        ssize_t n = pread(in, s->buffer, want, (off_t)from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        sha256_add(sha, s->buffer, (size_t)n);
        for (ssize_t done = 0; out >= 0 && done < n;) {
            ssize_t w = pwrite(out, s->buffer + done, (size_t)(n - done), (off_t)from + done);
            if (w < 0 && errno == EINTR)
                continue;
            if (w <= 0)
                return w < 0 ? -errno : -ENOSPC;
            done += w;
        }
        from += (uint64_t)n;
    }
    return 0;
}

static bool name_is_taken(const struct backup_store *s, const char *at)
{
    struct stat st;
    return fstatat(s->dir_fd, at, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A name that nothing has. */
static int free_name(const struct backup_store *s, const char *path, char at[MANIFEST_PATH_MAX],
                     struct err *err)
{
    int n = snprintf(at, MANIFEST_PATH_MAX, MANIFEST_KEPT "%s", path);
    for (unsigned i = 2; n > 0 && n < MANIFEST_PATH_MAX && i < NAMES_MAX; i++) {
        if (!name_is_taken(s, at))
            return 0;
        n = snprintf(at, MANIFEST_PATH_MAX, MANIFEST_KEPT "%s~%u", path, i);
    }
    return err_set(err, -ENAMETOOLONG, "%s: no name for it in the backup", path);
}

static int copy_failed(struct err *err, const char *path, int rc)
{
    if (rc == -ENODATA)
        return err_set(err, -EAGAIN, "%s: it became shorter meanwhile", path);
    return err_set(err, rc, "%s: cannot be copied: %s", path, strerror(-rc));
}

/* ---- one file ---- */

static void take_over(struct backup_store *s, const struct manifest_file *old)
{
    struct manifest_file *f = manifest_add(&s->new, old->path, old->at);
    f->size = old->size;
    memcpy(f->sha256, old->sha256, SHA256_LEN);
    s->figures.kept_files++;
    s->figures.kept_bytes += old->size;
}

static bool stored_is_there(const struct backup_store *s, const struct manifest_file *old)
{
    struct stat st;
    int fd = beneath_open(s->dir_fd, old->at, O_RDONLY, 0, NULL);
    bool there = fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size >= old->size;
    if (fd >= 0)
        close(fd);
    return there;
}

static int copy_anew(struct backup_store *s, int in, const char *path, uint64_t bytes,
                     struct err *err)
{
    char at[MANIFEST_PATH_MAX];
    sha256_ctx sha;
    int rc = free_name(s, path, at, err);
    if (rc == 0)
        rc = beneath_make_folders(s->dir_fd, at, NULL, err);
    int out = rc < 0 ? rc : beneath_open(s->dir_fd, at, O_RDWR | O_CREAT | O_EXCL, 0600, err);
    if (out < 0)
        return out;
    sha256_begin(&sha);
    rc = pump(s, in, out, 0, bytes, &sha);
    if (close(out) < 0 && rc == 0)
        rc = -errno;
    if (rc < 0)
        return copy_failed(err, path, rc);
    struct manifest_file *f = manifest_add(&s->new, path, at);
    f->size = bytes;
    sha256_end(&sha, f->sha256);
    s->figures.copied_files++;
    s->figures.copied_bytes += bytes;
    return 0;
}

/* What came behind the bytes that the backup has. `sha` is of these. */
static int append(struct backup_store *s, int in, const struct manifest_file *old, uint64_t bytes,
                  sha256_ctx *sha, struct err *err)
{
    int out = beneath_open(s->dir_fd, old->at, O_RDWR, 0, err);
    if (out < 0)
        return out;
    int rc = ftruncate(out, (off_t)old->size) < 0 ? -errno : 0; /* a run that was killed */
    if (rc == 0)
        rc = pump(s, in, out, old->size, bytes, sha);
    if (close(out) < 0 && rc == 0)
        rc = -errno;
    if (rc < 0)
        return copy_failed(err, old->path, rc);
    struct manifest_file *f = manifest_add(&s->new, old->path, old->at);
    f->size = bytes;
    sha256_end(sha, f->sha256);
    s->figures.kept_bytes += old->size;
    s->figures.copied_files++;
    s->figures.copied_bytes += bytes - old->size;
    return 0;
}

/* The source is read up to where the backup's copy ends: is it still the same? */
static int keep_changed(struct backup_store *s, int in, const struct manifest_file *old,
                        uint64_t bytes, struct err *err)
{
    sha256_ctx sha, so_far;
    uint8_t digest[SHA256_LEN];
    sha256_begin(&sha);
    int rc = pump(s, in, -1, 0, old->size, &sha);
    if (rc < 0)
        return copy_failed(err, old->path, rc);
    so_far = sha;
    sha256_end(&so_far, digest);
    if (memcmp(digest, old->sha256, SHA256_LEN) != 0)
        return copy_anew(s, in, old->path, bytes, err);
    if (bytes > old->size)
        return append(s, in, old, bytes, &sha, err);
    take_over(s, old);
    return 0;
}

static int keep(struct backup_store *s, const char *path, uint64_t bytes, bool anew,
                struct err *err)
{
    struct stat st;
    if (!manifest_path_is_good(path))
        return err_set(err, -EINVAL, "%s: a file of such a name cannot be backed up", path);
    int in = beneath_open(s->case_fd, path, O_RDONLY, 0, err);
    if (in < 0)
        return in == -ENOENT ? 1 : in;
    int rc = fstat(in, &st) < 0 ? err_errno(err, "%s", path) : 0;
    if (rc == 0) {
        const struct manifest_file *old = manifest_find(&s->old, path);
        struct backup_seen now = seen_of(path, &st);
        bytes = bytes == BACKUP_ALL ? (uint64_t)st.st_size : bytes;
        if (old && (anew || !stored_is_there(s, old) || bytes < old->size))
            old = NULL;
        if (old && bytes == old->size && is_seen(s, &now))
            take_over(s, old);
        else
            rc = old ? keep_changed(s, in, old, bytes, err) : copy_anew(s, in, path, bytes, err);
        if (rc == 0)
            note_seen(s, &now);
    }
    close(in);
    return rc;
}

int backup_keep(struct backup_store *s, const char *path, uint64_t bytes, struct err *err)
{
    return keep(s, path, bytes, false, err);
}

int backup_keep_anew(struct backup_store *s, const char *path, struct err *err)
{
    s->new.n--; /* the last one, which did not hold */
    free(s->new.files[s->new.n].path);
    free(s->new.files[s->new.n].at);
    return keep(s, path, BACKUP_ALL, true, err);
}

int backup_keep_text(struct backup_store *s, const char *path, struct span text, struct err *err)
{
    const struct manifest_file *old = manifest_find(&s->old, path);
    uint8_t digest[SHA256_LEN];
    char at[MANIFEST_PATH_MAX];
    sha256(text.p, text.n, digest);
    if (old && old->size == text.n && memcmp(old->sha256, digest, SHA256_LEN) == 0 &&
        stored_is_there(s, old)) {
        take_over(s, old);
        return 0;
    }
    int rc = free_name(s, path, at, err);
    if (rc == 0)
        rc = beneath_make_folders(s->dir_fd, at, NULL, err);
    int out = rc < 0 ? rc : beneath_open(s->dir_fd, at, O_WRONLY | O_CREAT | O_EXCL, 0600, err);
    if (out < 0)
        return out;
    rc = file_write_all(out, text.p, text.n);
    if (close(out) < 0 && rc == 0)
        rc = -errno;
    if (rc < 0)
        return copy_failed(err, path, rc);
    struct manifest_file *f = manifest_add(&s->new, path, at);
    f->size = text.n;
    memcpy(f->sha256, digest, SHA256_LEN);
    s->figures.copied_files++;
    s->figures.copied_bytes += text.n;
    return 0;
}

int backup_store_open(const struct backup_store *s, const struct manifest_file *f, struct err *err)
{
    return beneath_open(s->dir_fd, f->at, O_RDONLY, 0, err);
}

/* ---- what is over ---- */

struct sweep {
    int dir_fd;
    const struct manifest_file **file; /* ascending by `at` */
    size_t n;
};

static int by_text(const void *a, const void *b)
{
    const struct manifest_file *const *x = a, *const *y = b;
    return strcmp((*x)->at, (*y)->at);
}

static int sweep_one(void *ctx, const char *path, const struct stat *st, struct err *err)
{
    struct sweep *w = ctx;
    struct manifest_file key = {.at = (char *)(uintptr_t)path};
    const struct manifest_file *k = &key;
    const struct manifest_file **f =
        w->n ? bsearch(&k, w->file, w->n, sizeof *w->file, by_text) : NULL;
    if (!f)
        return beneath_remove(w->dir_fd, path, err);
    if ((uint64_t)st->st_size <= (*f)->size)
        return 0;
    int fd = beneath_open(w->dir_fd, path, O_WRONLY, 0, err);
    if (fd < 0)
        return fd;
    int rc = ftruncate(fd, (off_t)(*f)->size) < 0 ? err_errno(err, "%s", path) : 0;
    close(fd);
    return rc;
}

int backup_sweep(int dir_fd, const struct manifest *m, struct err *err)
{
    struct sweep w = {.dir_fd = dir_fd, .n = m->n, .file = calloc(m->n + 1, sizeof *w.file)};
    struct beneath_visit v = {.each = sweep_one, .ctx = &w};
    if (!w.file)
        abort();
    for (size_t i = 0; i < m->n; i++)
        w.file[i] = &m->files[i];
    qsort(w.file, w.n, sizeof *w.file, by_text);
    int rc = beneath_walk(dir_fd, "data", &v, err);
    beneath_prune(dir_fd, "data");
    free(w.file);
    return rc;
}

/* ---- the hint file ---- */

void backup_seen_load(struct backup_store *s)
{
    struct buf file = {0};
    int fd = beneath_open(s->dir_fd, SEEN_FILE, O_RDONLY, 0, NULL);
    if (fd < 0)
        return;
    uint32_t head[2];
    if (file_read_fd(fd, SEEN_FILE, SEEN_MAX, &file, NULL) == 0 && file.n >= sizeof head) {
        memcpy(head, file.p, sizeof head);
        size_t n = file.n - sizeof head;
        if (head[0] == SEEN_VERSION && head[1] == crc32c(0, file.p + sizeof head, n) &&
            n % sizeof(struct backup_seen) == 0)
            buf_put(&s->seen_old, file.p + sizeof head, n);
    }
    buf_free(&file);
    close(fd);
}

static void seen_sort(struct buf *b)
{
    if (b->n)
        qsort(b->p, b->n / sizeof(struct backup_seen), sizeof(struct backup_seen), by_hash);
}

void backup_seen_next(struct backup_store *s)
{
    struct buf spare = s->seen_old;
    seen_sort(&s->seen_new);
    s->seen_old = s->seen_new;
    spare.n = 0;
    s->seen_new = spare;
}

int backup_seen_save(struct backup_store *s, const char *dir, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf file = {0};
    seen_sort(&s->seen_new);
    uint32_t head[2] = {SEEN_VERSION, crc32c(0, s->seen_new.p, s->seen_new.n)};
    buf_put(&file, head, sizeof head);
    buf_span(&file, buf_as_span(&s->seen_new));
    int rc = file_path(path, err, "%s/" SEEN_FILE, dir);
    if (rc == 0)
        rc = file_replace(path, buf_as_span(&file), 0600, err);
    buf_free(&file);
    return rc;
}
