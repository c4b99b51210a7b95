/* Whole files. Paths are as the system takes them; every failure names the path. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define FILE_PATH_MAX 4096

/* "dir/name" into out[FILE_PATH_MAX]; -ENAMETOOLONG when it does not fit. */
int file_path(char out[FILE_PATH_MAX], struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Appends the file to out. -EFBIG over `max` bytes, -ENOENT and others from open/read. */
int file_read(const char *path, size_t max, struct buf *out, struct err *err);
/* For a process that runs commands on behalf of others: from now on file_read() of this path gives
 * these bytes. Both are borrowed. False: FILE_OFFERS_MAX are there already. */
#define FILE_OFFERS_MAX 8
bool file_offer(const char *path, struct span data);
/* What is left of an open file, which errors call `name`. */
int file_read_fd(int fd, const char *name, size_t max, struct buf *out, struct err *err);
/* Appends max bytes, fewer only at the file's end; -errno. */
int file_read_upto(int fd, size_t max, struct buf *out);
/* Replaces the file as a whole: written beside it, fsynced, renamed, the folder fsynced. After a
 * crash either the old or the new content is there. */
int file_replace(const char *path, struct span data, mode_t mode, struct err *err);
/* write(2) until all is out; -errno. */
int file_write_all(int fd, const void *p, size_t n);
/* fsync of a folder. */
int file_sync_dir(const char *path, struct err *err);
/* mkdir -p; -ENOTDIR when something else has the name. */
int file_mkdirs(const char *path, mode_t mode, struct err *err);
bool file_exists(const char *path);
