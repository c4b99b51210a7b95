#include "journal/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* The longest entry bundle we make or read: entries are JOURNAL_LEAF_LEN bytes, but a reader takes
 * whatever fits the length words. */
#define BUNDLE_MAX ((size_t)TILE_WIDTH * (2 + 65535))

static size_t put_level(char *out, int level)
{
    return (size_t)(level == TILE_ENTRIES ? sprintf(out, "tile/entries")
                                          : sprintf(out, "tile/%d", level));
}

/* "/x001/x234" for the tiles of group 1234 (tile / 1000); nothing for group 0. */
static size_t put_group(char *out, uint64_t group)
{
    if (group == 0) {
        *out = 0;
        return 0;
    }
    size_t n = put_group(out, group / 1000);
    return n + (size_t)sprintf(out + n, "/x%03u", (unsigned)(group % 1000));
}

void tile_path(char out[TILE_PATH_MAX], int level, uint64_t tile, unsigned width)
{
    size_t n = put_level(out, level);
    n += put_group(out + n, tile / 1000);
    n += (size_t)sprintf(out + n, "/%03u", (unsigned)(tile % 1000));
    if (width < TILE_WIDTH)
        sprintf(out + n, ".p/%u", width);
}

/* Appends a file below log_fd. */
static int read_at(int log_fd, const char *path, size_t max, struct buf *out, struct err *err)
{
    int fd = openat(log_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "log/%s", path);
    char name[TILE_PATH_MAX + 4];
    snprintf(name, sizeof name, "log/%s", path);
    int rc = file_read_fd(fd, name, max, out, err);
    close(fd);
    return rc == -EFBIG ? err_set(err, -EBADMSG, "%s: larger than %zu bytes", name, max) : rc;
}

/* The partial file, or the full one that took its place; *path names what was read. */
static int read_either(int log_fd, int level, uint64_t tile, unsigned width, size_t max,
                       char path[TILE_PATH_MAX], struct buf *out, struct err *err)
{
    struct err full;
    tile_path(path, level, tile, width);
    int rc = read_at(log_fd, path, max, out, err);
    if (rc != -ENOENT || width == TILE_WIDTH)
        return rc;
    char full_path[TILE_PATH_MAX];
    tile_path(full_path, level, tile, TILE_WIDTH);
    rc = read_at(log_fd, full_path, max, out, &full);
    if (rc == -ENOENT)
        return rc; /* the error that names the partial file stays */
    memcpy(path, full_path, TILE_PATH_MAX);
    return rc < 0 ? err_set(err, rc, "%s", full.text) : 0;
}

int tile_read(int log_fd, unsigned level, uint64_t tile, unsigned width, uint8_t *out,
              struct err *err)
{
    struct buf b = {0};
    char path[TILE_PATH_MAX];
    int rc = read_either(log_fd, (int)level, tile, width, TILE_BYTES, path, &b, err);
    if (rc == 0 && (b.n < width * SHA256_LEN || b.n % SHA256_LEN))
        rc = err_set(err, -EBADMSG, "log/%s: %zu bytes, want %u hashes", path, b.n, width);
    if (rc == 0)
        memcpy(out, b.p, width * SHA256_LEN);
    buf_free(&b);
    return rc;
}

bool tile_entries_length(struct span bundle, unsigned width, size_t *length)
{
    struct cur c = cur_of(bundle);
    for (unsigned i = 0; i < width; i++) {
        uint16_t n;
        struct span entry;
        if (!cur_u16(&c, &n) || !cur_take(&c, n, &entry))
            return false;
    }
    *length = (size_t)(c.p - bundle.p);
    return true;
}

int tile_read_entries(int log_fd, uint64_t tile, unsigned width, struct buf *out, struct err *err)
{
    size_t start = out->n, length;
    char path[TILE_PATH_MAX];
    int rc = read_either(log_fd, TILE_ENTRIES, tile, width, BUNDLE_MAX, path, out, err);
    if (rc < 0)
        return rc;
    if (!tile_entries_length(span_of(out->p + start, out->n - start), width, &length)) {
        out->n = start;
        return err_set(err, -EBADMSG, "log/%s: does not hold %u entries", path, width);
    }
    out->n = start + length;
    return 0;
}

void tile_writer_init(struct tile_writer *w, int log_fd)
{
    memset(w, 0, sizeof *w);
    w->log_fd = log_fd;
    for (unsigned i = 0; i <= TREE_LEVELS; i++)
        w->folder[i].fd = -1;
}

static void dirty_forget(struct tile_writer *w)
{
    while (w->dirty_n)
        close(w->dirty[--w->dirty_n]);
    w->dirty_many = false;
}

void tile_writer_close(struct tile_writer *w)
{
    dirty_forget(w);
    for (unsigned i = 0; i <= TREE_LEVELS; i++)
        if (w->folder[i].fd >= 0)
            close(w->folder[i].fd);
}

/* mkdir -p of a path below log/. */
static int make_folders(struct tile_writer *w, char *path, struct err *err)
{
    for (char *p = path;; p++) {
        char c = *p;
        if (c != '/' && c != 0)
            continue;
        *p = 0;
        if (mkdirat(w->log_fd, path, 0755) == 0)
            w->dirty_many = true; /* the new name must be durable in the folder above, too */
        else if (errno != EEXIST)
            return err_errno(err, "log/%s", path);
        *p = c;
        if (c == 0)
            return 0;
    }
}

/* The descriptor of the folder that has the tile's file, kept for the tiles that follow. */
static int folder_open(struct tile_writer *w, int level, uint64_t tile, struct err *err)
{
    struct tile_folder *f = &w->folder[level == TILE_ENTRIES ? TREE_LEVELS : level];
    if (f->fd >= 0 && f->group == tile / 1000)
        return f->fd;
    char path[TILE_PATH_MAX];
    put_group(path + put_level(path, level), tile / 1000);
    int rc = make_folders(w, path, err);
    if (rc < 0)
        return rc;
    int fd = openat(w->log_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "log/%s", path);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = fd;
    f->group = tile / 1000;
    return fd;
}

static void dirty_add(struct tile_writer *w, int fd)
{
    if (w->dirty_n < TILE_SYNC_MAX && !w->dirty_many) {
        w->dirty[w->dirty_n++] = fd;
        return;
    }
    dirty_forget(w);
    w->dirty_many = true;
    close(fd);
}

int tile_write(struct tile_writer *w, int level, uint64_t tile, unsigned width, struct span data,
               struct err *err)
{
    int dir = folder_open(w, level, tile, err);
    if (dir < 0)
        return dir;
    char path[TILE_PATH_MAX], name[16];
    tile_path(path, level, tile, width);
    snprintf(name, sizeof name, "%03u.p", (unsigned)(tile % 1000));
    if (width < TILE_WIDTH) {
        if (mkdirat(dir, name, 0755) == 0)
            w->dirty_many = true;
        else if (errno != EEXIST)
            return err_errno(err, "log/%s", path);
        snprintf(name + 5, sizeof name - 5, "/%u", width);
    } else {
        name[3] = 0;
    }
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_errno(err, "log/%s", path);
    int rc = file_write_all(fd, data.p, data.n);
    if (rc < 0) {
        errno = -rc;
        rc = err_errno(err, "log/%s", path);
        close(fd);
        return rc;
    }
    dirty_add(w, fd);
    return 0;
}

int tile_sync(struct tile_writer *w, struct err *err)
{
    int rc = 0;
    if (w->dirty_many) {
        if (syncfs(w->log_fd) < 0)
            rc = err_errno(err, "log");
    } else {
        /* start all of them, so that the waits below overlap */
        for (unsigned i = 0; i < w->dirty_n; i++)
            sync_file_range(w->dirty[i], 0, 0, SYNC_FILE_RANGE_WRITE);
        for (unsigned i = 0; i < w->dirty_n && rc == 0; i++)
            if (fsync(w->dirty[i]) < 0)
                rc = err_errno(err, "log/tile");
        for (unsigned i = 0; i <= TREE_LEVELS && rc == 0 && w->dirty_n; i++)
            if (w->folder[i].fd >= 0 && fsync(w->folder[i].fd) < 0)
                rc = err_errno(err, "log/tile");
    }
    dirty_forget(w);
    return rc;
}

struct tile_source *tile_source_open(int log_fd, uint64_t size)
{
    struct tile_source *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->log_fd = log_fd;
    s->size = size;
    return s;
}

void tile_source_close(struct tile_source *s)
{
    free(s);
}

static int source_tile(struct tile_source *s, unsigned level, uint64_t tile, const uint8_t **out,
                       struct err *err)
{
    for (unsigned i = 0; i < TILE_CACHE; i++) {
        struct tile_cached *c = &s->cached[i];
        if (c->set && c->level == level && c->tile == tile) {
            *out = c->hashes;
            return 0;
        }
    }
    struct tile_cached *c = &s->cached[s->next++ % TILE_CACHE];
    uint64_t have = tree_level_size(s->size, level) - tile * TILE_WIDTH;
    c->set = false;
    c->level = level;
    c->tile = tile;
    c->width = have < TILE_WIDTH ? (unsigned)have : TILE_WIDTH;
    int rc = tile_read(s->log_fd, level, tile, c->width, c->hashes, err);
    if (rc < 0)
        return rc;
    c->set = true;
    *out = c->hashes;
    return 0;
}

int tile_source_node(void *ctx, unsigned level, uint64_t index, uint8_t out[SHA256_LEN],
                     struct err *err)
{
    struct tile_source *s = ctx;
    if (level >= 64 || index >= s->size >> level)
        return err_set(err, -ERANGE, "log: no complete subtree %llu at level %u",
                       (unsigned long long)index, level);
    unsigned within = level % 8; /* the subtree spans 2^within hashes of the tile level below it */
    uint64_t first = index << within;
    const uint8_t *hashes;
    int rc = source_tile(s, level / 8, first / TILE_WIDTH, &hashes, err);
    if (rc < 0)
        return rc;
    merkle_fold(hashes + first % TILE_WIDTH * SHA256_LEN, 1u << within, out);
    return 0;
}
