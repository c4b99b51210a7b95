#include "state/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/mem.h"

#define PIECE     (256u << 10) /* bytes read at a time */
#define CHECK_LEN 64           /* last bytes that the check covers */

struct tail {
    char path[FILE_PATH_MAX];
    int fd; /* -1: there is no file yet */
    uint64_t written, check;
    struct buf pending;
};

static int check_end(const struct tail *t, uint64_t *out)
{
    uint8_t last[CHECK_LEN];
    size_t n = t->written < CHECK_LEN ? (size_t)t->written : CHECK_LEN;
    if (t->fd < 0 || pread(t->fd, last, n, (off_t)(t->written - n)) != (ssize_t)n)
        return -EBADMSG;
    *out = XXH3_64bits(last, n);
    return 0;
}

int tail_open(const char *dir, const char *name, uint64_t bytes, uint64_t check, struct tail **out,
              struct err *err)
{
    struct tail *t = mem_zeroed(1, sizeof *t);
    uint64_t there;
    int rc = file_path(t->path, err, "%s/%s", dir, name);
    t->fd = rc == 0 ? open(t->path, O_RDONLY | O_CLOEXEC) : -1;
    t->written = bytes;
    t->check = check;
    if (rc == 0 && bytes && (check_end(t, &there) < 0 || there != check))
        rc = err_set(err, -EBADMSG, "%s: does not hold what the snapshot speaks of", t->path);
    if (rc < 0) {
        tail_close(t);
        return rc;
    }
    *out = t;
    return 0;
}

void tail_close(struct tail *t)
{
    if (t->fd >= 0)
        close(t->fd);
    buf_free(&t->pending);
    free(t);
}

struct buf *tail_pending(struct tail *t)
{
    return &t->pending;
}

uint64_t tail_bytes(const struct tail *t)
{
    return t->written + t->pending.n;
}

uint64_t tail_check(const struct tail *t)
{
    return t->check;
}

/* A view that starts anew leaves the old file to those who still read it, and makes another. */
static int open_for_writing(struct tail *t, struct err *err)
{
    if (t->written == 0 && unlink(t->path) < 0 && errno != ENOENT)
        return err_errno(err, "%s", t->path);
    int fd = open(t->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "%s", t->path);
    if (t->fd >= 0)
        close(t->fd);
    t->fd = fd;
    return 0;
}

int tail_write(struct tail *t, struct err *err)
{
    if (!t->pending.n)
        return 0;
    int rc = open_for_writing(t, err);
    if (rc < 0)
        return rc;
    off_t end = (off_t)t->written;
    if (ftruncate(t->fd, end) < 0 || lseek(t->fd, end, SEEK_SET) != end)
        return err_errno(err, "%s", t->path);
    rc = file_write_all(t->fd, t->pending.p, t->pending.n);
    if (rc == 0 && fdatasync(t->fd) < 0)
        rc = -errno;
    if (rc == 0) {
        t->written += t->pending.n;
        t->pending.n = 0;
        rc = check_end(t, &t->check);
    }
    return rc < 0 ? err_set(err, rc, "%s: %s", t->path, strerror(-rc)) : 0;
}

int tail_read(struct tail *t, uint64_t at, void *out, size_t n, struct err *err)
{
    if (at >= t->written) {
        if (at - t->written > t->pending.n || n > t->pending.n - (size_t)(at - t->written))
            return err_set(err, -EBADMSG, "%s: nothing at byte %llu", t->path,
                           (unsigned long long)at);
        memcpy(out, t->pending.p + (at - t->written), n);
        return 0;
    }
    return pread(t->fd, out, n, (off_t)at) == (ssize_t)n
               ? 0
               : err_set(err, -EBADMSG, "%s: no whole record at byte %llu", t->path,
                         (unsigned long long)at);
}

int tail_each(struct tail *t, int (*piece)(void *ctx, struct span bytes, size_t *used), void *ctx,
              struct err *err)
{
    return tail_each_from(t, 0, piece, ctx, err);
}

int tail_each_from(struct tail *t, uint64_t from,
                   int (*piece)(void *ctx, struct span bytes, size_t *used), void *ctx,
                   struct err *err)
{
    struct buf b = {0};
    uint64_t at = from;
    size_t skip = from > t->written ? (size_t)(from - t->written) : 0;
    int rc = 0;
    while (rc == 0 && at < t->written) {
        size_t want = t->written - at < PIECE ? (size_t)(t->written - at) : PIECE, used = 0;
        b.n = 0;
        ssize_t got = pread(t->fd, buf_reserve(&b, want), want, (off_t)at);
        if (got > 0)
            rc = piece(ctx, span_of(b.p, (size_t)got), &used);
        if (got <= 0 || (rc == 0 && !used))
            rc = err_set(err, -EBADMSG, "%s: no whole record at byte %llu", t->path,
                         (unsigned long long)at);
        at += used;
    }
    buf_free(&b);
    size_t used = 0;
    if (rc == 0 && t->pending.n > skip) {
        rc = piece(ctx, span_of(t->pending.p + skip, t->pending.n - skip), &used);
        if (rc == 0 && used != t->pending.n - skip)
            rc = err_set(err, -EBADMSG, "%s: what is pending makes no sense", t->path);
    }
    return rc;
}
