/* Beneath: files below a folder by relative paths, never through a symbolic link: what lies in a
 * backup may have been put there by somebody else. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"

#define BENEATH_DEPTH_MAX 10
#define BENEATH_FILES_MAX 4000000 /* of one walk */

/* A folder by its path, for the others; its descriptor. */
int beneath_root(const char *dir, struct err *err);
/* A regular file; flags as for open(2). -ENOENT; -ELOOP or -ENOTDIR for a link; -EINVAL for what is
 * no regular file. */
int beneath_open(int root, const char *path, int flags, mode_t mode, struct err *err);
/* Makes the folders that the file `path` lies in: mode 0755 below `open_below` (NULL: nowhere),
 * else 0700. */
int beneath_make_folders(int root, const char *path, const char *open_below, struct err *err);
/* 0 also when it is not there. */
int beneath_remove(int root, const char *path, struct err *err);
/* Every regular file below `under` ("" for all) in the order of names, folder by folder. Links,
 * sockets and the like are passed over, and what `skip` (may be NULL) says true to. Stops with what
 * `each` returns unless 0. */
struct beneath_visit {
    bool (*skip)(void *ctx, const char *path);
    int (*each)(void *ctx, const char *path, const struct stat *st, struct err *err);
    void *ctx;
};
int beneath_walk(int root, const char *under, const struct beneath_visit *v, struct err *err);
/* Removes folders below `under` that have nothing in them. */
void beneath_prune(int root, const char *under);
/* Removes the folder itself with all that is below it: our own scratch. */
void beneath_remove_all(const char *dir);
