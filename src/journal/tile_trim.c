#include "journal/tile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Removing tiles: partial ones that a full one has replaced, and files beyond the signed size. */

/* Tiles are written in order, so what an interrupted publication left lies right behind the edge.
 * After a power cut some of those names may be missing; so many in a row end the search. */
#define TRIM_MISSES_MAX 256

/* Removes the files of a tile's ".p" folder wider than `width`, then the folder if that is 0.
 * 1 there was one, 0 not, negative errno. */
static int remove_widths(int log_fd, const char *path, unsigned width)
{
    int fd = openat(log_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int rc = errno == ENOENT ? 0 : -errno;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    int rc = 1;
    for (struct dirent *e; rc == 1 && (e = readdir(d));)
        if (e->d_name[0] != '.' && strtoul(e->d_name, NULL, 10) > width &&
            unlinkat(fd, e->d_name, 0) < 0)
            rc = -errno;
    closedir(d);
    if (rc == 1 && width == 0 && unlinkat(log_fd, path, AT_REMOVEDIR) < 0)
        rc = -errno;
    return rc;
}

static int remove_partials(int log_fd, int level, uint64_t tile, unsigned width, struct err *err)
{
    char path[TILE_PATH_MAX];
    tile_path(path, level, tile, 1);
    *strrchr(path, '/') = 0;
    int rc = remove_widths(log_fd, path, width);
    if (rc < 0) {
        errno = -rc;
        return err_errno(err, "log/%s", path);
    }
    return rc;
}

int tile_remove_partials(struct tile_writer *w, int level, uint64_t tile, struct err *err)
{
    int rc = remove_partials(w->log_fd, level, tile, 0, err);
    return rc < 0 ? rc : 0;
}

static int trim_level(struct tile_writer *w, int level, uint64_t hashes, struct err *err)
{
    unsigned width = hashes % TILE_WIDTH;
    uint64_t tile = hashes / TILE_WIDTH;
    for (unsigned misses = 0; misses < TRIM_MISSES_MAX; tile++, width = 0) {
        char path[TILE_PATH_MAX];
        tile_path(path, level, tile, TILE_WIDTH);
        bool full = unlinkat(w->log_fd, path, 0) == 0;
        if (!full && errno != ENOENT)
            return err_errno(err, "log/%s", path);
        int partial = remove_partials(w->log_fd, level, tile, width, err);
        if (partial < 0)
            return partial;
        misses = full || partial ? 0 : misses + 1;
    }
    return 0;
}

int tile_trim(struct tile_writer *w, uint64_t size, struct err *err)
{
    int rc = trim_level(w, TILE_ENTRIES, size, err);
    for (unsigned level = 0; level < TREE_LEVELS && rc == 0; level++)
        rc = trim_level(w, (int)level, tree_level_size(size, level), err);
    return rc;
}
