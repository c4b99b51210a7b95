#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK (32u << 10)

int file_path(char out[FILE_PATH_MAX], struct err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(out, FILE_PATH_MAX, fmt, ap);
    va_end(ap);
    if (n < 0 || n >= FILE_PATH_MAX)
        return err_set(err, -ENAMETOOLONG, "path too long: %.80s...", out);
    return 0;
}

int file_read_upto(int fd, size_t max, struct buf *out)
{
    while (max) {
        if (out->n == out->cap)
            buf_reserve(out, max < READ_CHUNK ? max : READ_CHUNK);
        size_t room = out->cap - out->n;
        ssize_t n = read(fd, out->p + out->n, room < max ? room : max);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        out->n += (size_t)n;
        max -= (size_t)n;
    }
    return 0;
}

int file_read_fd(int fd, const char *name, size_t max, struct buf *out, struct err *err)
{
    size_t start = out->n;
    int rc = file_read_upto(fd, max < SIZE_MAX ? max + 1 : max, out);
    if (rc < 0) {
        errno = -rc;
        rc = err_errno(err, "%s", name);
    } else if (out->n - start > max) {
        rc = err_set(err, -EFBIG, "%s: larger than %zu bytes", name, max);
    }
    if (rc < 0)
        out->n = start;
    return rc;
}

static struct {
    const char *path;
    struct span data;
} offers[FILE_OFFERS_MAX];

bool file_offer(const char *path, struct span data)
{
    for (size_t i = 0; i < FILE_OFFERS_MAX; i++)
        if (!offers[i].path) {
            offers[i].path = path;
            offers[i].data = data;
            return true;
        }
    return false;
}

static int read_offer(const char *path, struct span data, size_t max, struct buf *out,
                      struct err *err)
{
    if (data.n > max)
        return err_set(err, -EFBIG, "%s: larger than %zu bytes", path, max);
    buf_span(out, data);
    return 0;
}

int file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < FILE_OFFERS_MAX && offers[i].path; i++)
        if (strcmp(offers[i].path, path) == 0)
            return read_offer(path, offers[i].data, max, out, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "%s", path);
    int rc = file_read_fd(fd, path, max, out, err);
    close(fd);
    return rc;
}

int file_write_all(int fd, const void *p, size_t n)
{
    const uint8_t *at = p;
    while (n) {
        ssize_t w = write(fd, at, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -errno;
        at += w;
        n -= (size_t)w;
    }
    return 0;
}

int file_sync_dir(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "%s", path);
    int rc = fsync(fd) < 0 ? err_errno(err, "%s", path) : 0;
    close(fd);
    return rc;
}

int file_replace(const char *path, struct span data, mode_t mode, struct err *err)
{
    char tmp[FILE_PATH_MAX], dir[FILE_PATH_MAX];
    int rc = file_path(tmp, err, "%s.tmp", path);
    if (rc < 0)
        return rc;
    const char *slash = strrchr(path, '/');
    rc = slash ? file_path(dir, err, "%.*s", (int)(slash - path) + (slash == path), path)
               : file_path(dir, err, ".");
    if (rc < 0)
        return rc;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_errno(err, "%s", tmp);
    int w = file_write_all(fd, data.p, data.n);
    if (w < 0)
        errno = -w;
    if (w < 0 || fsync(fd) < 0) {
        rc = err_errno(err, "%s", tmp);
        close(fd);
        unlink(tmp);
        return rc;
    }
    close(fd);
    if (rename(tmp, path) < 0) {
        rc = err_errno(err, "%s", path);
        unlink(tmp);
        return rc;
    }
    return file_sync_dir(dir, err);
}

int file_mkdirs(const char *path, mode_t mode, struct err *err)
{
    char at[FILE_PATH_MAX];
    int rc = file_path(at, err, "%s", path);
    if (rc < 0)
        return rc;
    if (!at[0])
        return err_set(err, -ENOENT, "no name for a folder");
    for (char *p = at + 1;; p++) {
        char c = *p;
        if (c != '/' && c != 0)
            continue;
        *p = 0;
        if (mkdir(at, mode) < 0 && errno != EEXIST)
            return err_errno(err, "%s", at);
        if (c == 0)
            break;
        *p = c;
    }
    struct stat st; /* EEXIST may have been a file */
    if (stat(at, &st) < 0)
        return err_errno(err, "%s", at);
    return S_ISDIR(st.st_mode) ? 0 : err_set(err, -ENOTDIR, "%s: %s", at, strerror(ENOTDIR));
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
