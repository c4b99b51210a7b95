/* Tar: files of a folder as an archive (POSIX ustar), read as it is made: nothing of it lies on a
 * disk. Owners are left out, modes are 0644, all times are the caller's, so that the same files
 * give the same archive. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define TAR_BLOCK    512
#define TAR_SIZE_MAX ((8ull << 30) - 1) /* of one file: eleven octal digits */

struct tar_file {
    const char *path; /* below the folder */
    uint64_t size;
    uint8_t sha256[SHA256_LEN]; /* what it must be */
};
struct tar {
    int dir;            /* the folder, open */
    const char *prefix; /* what it is called in the archive */
    const struct tar_file *files;
    size_t n;
    int64_t time; /* microseconds UTC */
    /* where it is */
    size_t i;
    int fd; /* of the file that is read; -1 none */
    uint64_t left;
    sha256_ctx sum;
    uint8_t block[2 * TAR_BLOCK];
    size_t at, have; /* of the block: a header, padding, the end */
    bool ended;
    struct err err;
};
/* Sets the places up; dir, prefix, files, n, time are the caller's. */
void tar_begin(struct tar *t);
/* The next bytes, `room` at most; 0 the end; negative with t->err: a name that ustar has no room
 * for, a file that is not what it was. */
ssize_t tar_read(struct tar *t, void *out, size_t room);
void tar_end(struct tar *t);
