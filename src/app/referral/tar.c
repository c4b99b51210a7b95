#include "app/referral/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utc.h"

/* A header's fields (POSIX.1-2017, pax, "ustar Interchange Format"): offset and length. */
enum {
    NAME = 0,
    NAME_LEN = 100,
    MODE = 100,
    UID = 108,
    GID = 116,
    SIZE = 124,
    MTIME = 136,
    CHECKSUM = 148,
    TYPE = 156,
    MAGIC = 257,
    PREFIX = 345,
    PREFIX_LEN = 155,
};

void tar_begin(struct tar *t)
{
    t->i = 0;
    t->fd = -1;
    t->left = t->at = t->have = 0;
    t->ended = false;
    t->err.code = 0;
}

void tar_end(struct tar *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}

/* The name, or its folders in the prefix and the rest in the name. */
static int put_name(struct tar *t, const char *path)
{
    char full[NAME_LEN + PREFIX_LEN + 2];
    int n = snprintf(full, sizeof full, "%s/%s", t->prefix, path);
    char *h = (char *)t->block;
    if (n <= NAME_LEN) {
        memcpy(h + NAME, full, (size_t)n);
        return 0;
    }
    for (const char *s = full; n < (int)sizeof full && (s = strchr(s, '/')); s++) {
        size_t before = (size_t)(s - full), behind = (size_t)n - before - 1;
        if (before <= PREFIX_LEN && behind <= NAME_LEN) {
            memcpy(h + PREFIX, full, before);
            memcpy(h + NAME, s + 1, behind);
            return 0;
        }
    }
    return err_set(&t->err, -ENAMETOOLONG, "tar: a path that is too long (%s)", path);
}

static void put_octal(struct tar *t, size_t at, size_t digits, uint64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%0*llo", (int)digits, (unsigned long long)v);
    memcpy(t->block + at, text, digits);
}

static int put_header(struct tar *t, const struct tar_file *f)
{
    memset(t->block, 0, TAR_BLOCK);
    int rc = put_name(t, f->path);
    if (rc < 0)
        return rc;
    if (f->size > TAR_SIZE_MAX)
        return err_set(&t->err, -EFBIG, "tar: over 8 GiB (%s)", f->path);
    put_octal(t, MODE, 7, 0644);
    put_octal(t, UID, 7, 0);
    put_octal(t, GID, 7, 0);
    put_octal(t, SIZE, 11, f->size);
    put_octal(t, MTIME, 11, t->time > 0 ? (uint64_t)(t->time / UTC_SECOND) : 0);
    t->block[TYPE] = '0';
    memcpy(t->block + MAGIC, "ustar\00000", 8);
    memset(t->block + CHECKSUM, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += t->block[i];
    put_octal(t, CHECKSUM, 6, sum);
    t->block[CHECKSUM + 6] = 0;
    t->at = 0;
    t->have = TAR_BLOCK;
    return 0;
}

static int open_next(struct tar *t)
{
    const struct tar_file *f = &t->files[t->i];
    t->fd = openat(t->dir, f->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (t->fd < 0)
        return err_errno(&t->err, "%s", f->path);
    t->left = f->size;
    sha256_begin(&t->sum);
    return put_header(t, f);
}

/* All of the file was read: it must be what it was; zeros up to a whole block. */
static int close_file(struct tar *t)
{
    const struct tar_file *f = &t->files[t->i++];
    uint8_t sum[SHA256_LEN], more;
    bool longer = read(t->fd, &more, 1) != 0;
    close(t->fd);
    t->fd = -1;
    sha256_end(&t->sum, sum);
    if (longer || memcmp(sum, f->sha256, SHA256_LEN) != 0)
        return err_set(&t->err, -EBADMSG, "%s: was changed meanwhile", f->path);
    t->at = 0;
    t->have = (TAR_BLOCK - f->size % TAR_BLOCK) % TAR_BLOCK;
    memset(t->block, 0, t->have);
    return 0;
}

static ssize_t read_file(struct tar *t, void *out, size_t room)
{
    ssize_t n = read(t->fd, out, room < t->left ? room : (size_t)t->left);
    if (n < 0)
        return err_errno(&t->err, "%s", t->files[t->i].path);
    if (n == 0)
        return err_set(&t->err, -EBADMSG, "%s: was cut meanwhile", t->files[t->i].path);
    sha256_add(&t->sum, out, (size_t)n);
    t->left -= (uint64_t)n;
    return n;
}

/* What comes when the block is out: the next header, padding, or the archive's end. 0 or negative.
 */
static int turn(struct tar *t)
{
    if (t->fd >= 0)
        return close_file(t);
    if (t->i < t->n)
        return open_next(t);
    t->ended = true;
    memset(t->block, 0, sizeof t->block); /* two blocks of zeros */
    t->at = 0;
    t->have = sizeof t->block;
    return 0;
}

ssize_t tar_read(struct tar *t, void *out, size_t room)
{
    if (t->err.code)
        return t->err.code;
    for (;;) {
        if (t->at < t->have) {
            size_t n = t->have - t->at < room ? t->have - t->at : room;
            memcpy(out, t->block + t->at, n);
            t->at += n;
            return (ssize_t)n;
        }
        if (t->fd >= 0 && t->left)
            return read_file(t, out, room);
        if (t->ended)
            return 0;
        int rc = turn(t);
        if (rc < 0)
            return rc;
    }
}
