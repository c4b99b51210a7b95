#include "journal/tile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Removing tiles: partial ones that a full one has replaced, and files beyond the signed size. */

static DIR *folder_open(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0) {
        int saved = errno;
        close(fd);
        errno = saved;
    }
    return d;
}

/* Removes the files of a ".p" folder wider than `width`, and the folder when that is 0. */
static int remove_widths(int at, const char *path, unsigned width)
{
    DIR *d = folder_open(at, path);
    if (!d)
        return errno == ENOENT ? 0 : -errno;
    int rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(d));)
        if (e->d_name[0] != '.' && strtoul(e->d_name, NULL, 10) > width &&
            unlinkat(dirfd(d), e->d_name, 0) < 0)
            rc = -errno;
    closedir(d);
    if (rc == 0 && width == 0 && unlinkat(at, path, AT_REMOVEDIR) < 0)
        rc = -errno;
    return rc;
}

int tile_remove_partials(struct tile_writer *w, int level, uint64_t tile, struct err *err)
{
    char path[TILE_PATH_MAX];
    tile_path(path, level, tile, 1);
    *strrchr(path, '/') = 0;
    int rc = remove_widths(w->log_fd, path, 0);
    if (rc < 0) {
        errno = -rc;
        return err_errno(err, "log/%s", path);
    }
    return 0;
}

/* "007" or "007.p". */
static bool name_parse(const char *name, unsigned *n, bool *partial)
{
    for (unsigned i = 0; i < 3; i++)
        if (name[i] < '0' || name[i] > '9')
            return false;
    *n = (unsigned)(name[0] - '0') * 100 + (unsigned)(name[1] - '0') * 10 +
         (unsigned)(name[2] - '0');
    *partial = strcmp(name + 3, ".p") == 0;
    return *partial || name[3] == 0;
}

/* The files of one folder against the tree's edge, which is in it or before it. Tiles before the
 * edge are full, so that a crash may have left partial files that can go. */
static int trim_folder(DIR *d, uint64_t group, uint64_t edge, unsigned width)
{
    int rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        unsigned n;
        bool partial;
        if (!name_parse(e->d_name, &n, &partial))
            continue;
        uint64_t tile = group * 1000 + n;
        if (partial)
            rc = remove_widths(dirfd(d), e->d_name, tile == edge ? width : 0);
        else if (tile >= edge && unlinkat(dirfd(d), e->d_name, 0) < 0)
            rc = -errno;
    }
    return rc;
}

static int trim_level(struct tile_writer *w, int level, uint64_t hashes, struct err *err)
{
    uint64_t edge = hashes / TILE_WIDTH;
    for (uint64_t group = edge / 1000;; group++) { /* until a folder that is not there */
        char path[TILE_PATH_MAX];
        tile_path(path, level, group * 1000, TILE_WIDTH);
        *strrchr(path, '/') = 0;
        DIR *d = folder_open(w->log_fd, path);
        if (!d)
            return errno == ENOENT ? 0 : err_errno(err, "log/%s", path);
        int rc = trim_folder(d, group, edge, hashes % TILE_WIDTH);
        closedir(d);
        if (rc < 0) {
            errno = -rc;
            return err_errno(err, "log/%s", path);
        }
    }
}

int tile_trim(struct tile_writer *w, uint64_t size, struct err *err)
{
    int rc = trim_level(w, TILE_ENTRIES, size, err);
    for (unsigned level = 0; level < TREE_LEVELS && rc == 0; level++)
        rc = trim_level(w, (int)level, tree_level_size(size, level), err);
    return rc;
}
