/* The folder log/rotated of a case. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "journal/rotation.h"

#define ROTATED   "log/rotated"
#define ID_DIGITS 8

static int by_index(const void *a, const void *b)
{
    const struct rotation_proof *x = a, *y = b;
    return x->rotation.index < y->rotation.index ? -1 : x->rotation.index > y->rotation.index;
}

int rotation_file_read(const char *dir, uint32_t id, struct buf *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/" ROTATED "/%08x", dir, id);
    return rc < 0 ? rc : file_read(path, ROTATION_FILE_MAX, out, err);
}

static int read_one(const char *dir, const char *name, struct rotation_proof *out, struct err *err)
{
    uint8_t id[ID_DIGITS / 2];
    struct buf text = {0};
    struct err why;
    if (!hex_decode(span_str(name), id, sizeof id))
        return err_set(err, -EBADMSG, ROTATED ": a file that is no key's (%.64s)", name);
    int rc = rotation_file_read(dir, be32_get(id), &text, err);
    if (rc == 0 && rotation_follow(buf_as_span(&text), NULL, out, &why) < 0)
        rc = err_set(err, -EBADMSG, ROTATED "/%s: %s", name, why.text);
    buf_free(&text);
    return rc;
}

int rotations_read(const char *dir, struct rotation_proof **out, size_t *n, struct err *err)
{
    char path[FILE_PATH_MAX];
    *out = NULL;
    *n = 0;
    int rc = file_path(path, err, "%s/" ROTATED, dir);
    DIR *d = rc == 0 ? opendir(path) : NULL;
    if (!d)
        return rc < 0 ? rc : errno == ENOENT ? 0 : err_errno(err, "%s", path);
    *out = calloc(ROTATIONS_MAX, sizeof **out);
    if (!*out)
        abort();
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        if (e->d_name[0] == '.' || (len > 4 && strcmp(e->d_name + len - 4, ".tmp") == 0))
            continue;
        rc = *n == ROTATIONS_MAX ? err_set(err, -EBADMSG, ROTATED ": more than %d", ROTATIONS_MAX)
                                 : read_one(dir, e->d_name, *out + *n, err);
        *n += rc == 0;
    }
    closedir(d);
    qsort(*out, *n, sizeof **out, by_index);
    if (rc < 0) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
    return rc;
}
