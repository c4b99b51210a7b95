/* Judging the published files: each tile and bundle against what the segments give. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/verify.h"

#define FILE_MAX (TILE_WIDTH * BUNDLE_ENTRY + 1)

/* A whole tile file into v->file; longer ones are cut at FILE_MAX, which no right one has. */
static int read_file(struct verifier *v, const char *path, struct err *err)
{
    int fd = openat(v->log_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ENOENT : err_errno(err, "log/%s", path);
    v->file.n = 0;
    int rc = file_read_upto(fd, FILE_MAX, &v->file);
    close(fd);
    errno = -rc;
    return rc < 0 ? err_errno(err, "log/%s", path) : 0;
}

static uint64_t first_difference(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n, i = 0;
    while (i < n && a.p[i] == b.p[i])
        i++;
    return i;
}

static int bad_tile(struct verifier *v, int level, uint64_t tile, const char *path, struct span got,
                    struct span want)
{
    char file[TILE_PATH_MAX + 4];
    uint64_t offset = first_difference(got, want), index = UINT64_MAX;
    snprintf(file, sizeof file, "log/%s", path);
    if (level == TILE_ENTRIES)
        index = tile * TILE_WIDTH + offset / BUNDLE_ENTRY;
    else if (level == 0)
        index = tile * TILE_WIDTH + offset / SHA256_LEN;
    if (offset == want.n) /* too long: no entry of the log is hurt */
        index = UINT64_MAX;
    return verify_bad(v, index, file, offset,
                      level == TILE_ENTRIES
                          ? "the bundle differs from the entries in the journal"
                          : "the tile differs from the hashes of the journal's entries");
}

/* Where leaf tile and bundle agree with each other, it is the segment that was changed. */
static int blame(struct verifier *v, uint64_t tile, struct span leaves, struct span entries,
                 struct span want, const char *path)
{
    uint64_t k = first_difference(leaves, want) / SHA256_LEN;
    if (leaves.n == want.n && entries.n == v->entries.n && k < TILE_WIDTH) {
        uint8_t hash[SHA256_LEN];
        merkle_leaf(entries.p + k * BUNDLE_ENTRY + 2, JOURNAL_LEAF_LEN, hash);
        if (memcmp(hash, leaves.p + k * SHA256_LEN, SHA256_LEN) == 0) {
            char name[SEGMENT_NAME_MAX], file[SEGMENT_NAME_MAX + 8];
            segment_name(name, v->place[k].first);
            snprintf(file, sizeof file, "journal/%s", name);
            return verify_bad(v, tile * TILE_WIDTH + k, file, v->place[k].offset,
                              "header or commitment differ from what the log published");
        }
    }
    return bad_tile(v, 0, tile, path, leaves, want);
}

static int missing(struct verifier *v, uint64_t index, const char *path)
{
    char file[TILE_PATH_MAX + 4];
    snprintf(file, sizeof file, "log/%s", path);
    return verify_bad(v, index, file, 0, "the file is missing");
}

/* A file that must be there; for width < 256 the full one may have taken its place. */
static int compare(struct verifier *v, int level, uint64_t tile, unsigned width, struct span want,
                   struct err *err)
{
    char path[TILE_PATH_MAX];
    bool instead = false;
    tile_path(path, level, tile, width);
    int rc = read_file(v, path, err);
    if (rc == -ENOENT && width < TILE_WIDTH) {
        char full[TILE_PATH_MAX];
        tile_path(full, level, tile, TILE_WIDTH);
        rc = read_file(v, full, err);
        instead = rc == 0;
    }
    if (rc == -ENOENT)
        return missing(v, level <= 0 ? tile * TILE_WIDTH : UINT64_MAX, path);
    if (rc < 0)
        return rc;
    struct span got = buf_as_span(&v->file);
    if (instead && got.n > want.n)
        got.n = want.n;
    v->verdict->tiles++;
    return span_eq(got, want) ? 0 : bad_tile(v, level, tile, path, got, want);
}

static int compare_leaves(struct verifier *v, uint64_t tile, struct err *err)
{
    char path[TILE_PATH_MAX];
    struct span want = tree_tile(&v->tree, 0, tile);
    tile_path(path, 0, tile, TILE_WIDTH);
    int rc = read_file(v, path, err);
    if (rc == -ENOENT)
        return missing(v, tile * TILE_WIDTH, path);
    if (rc < 0)
        return rc;
    v->verdict->tiles++;
    if (span_eq(buf_as_span(&v->file), want))
        return compare(v, TILE_ENTRIES, tile, TILE_WIDTH, buf_as_span(&v->entries), err);
    struct buf leaves = v->file;
    v->file = (struct buf){0};
    tile_path(path, TILE_ENTRIES, tile, TILE_WIDTH);
    rc = read_file(v, path, err);
    tile_path(path, 0, tile, TILE_WIDTH);
    if (rc == 0 || rc == -ENOENT)
        rc = blame(v, tile, buf_as_span(&leaves), buf_as_span(&v->file), want, path);
    buf_free(&leaves);
    return rc;
}

int verify_full_tiles(struct verifier *v, struct err *err)
{
    int rc = 0;
    tree_fold(&v->tree, v->size);
    for (unsigned level = 0; level < TREE_LEVELS && rc == 0; level++) {
        uint64_t n = tree_level_size(v->size, level), below = v->size & ((1ull << (8 * level)) - 1);
        if (below || n == 0 || n % TILE_WIDTH)
            break; /* this entry completed no tile here, so none above */
        uint64_t tile = n / TILE_WIDTH - 1;
        if (v->size <= v->signed_.size && !v->options->no_tiles)
            rc = level == 0 ? compare_leaves(v, tile, err)
                            : compare(v, (int)level, tile, TILE_WIDTH,
                                      tree_tile(&v->tree, level, tile), err);
        tree_drop_full(&v->tree, level, v->size);
    }
    return rc;
}

int verify_edge(struct verifier *v, struct err *err)
{
    int rc = 0;
    if (v->options->no_tiles)
        return 0;
    unsigned entries = v->size % TILE_WIDTH;
    if (entries)
        buf_put(&v->edge[TREE_LEVELS], v->entries.p, entries * BUNDLE_ENTRY);
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        uint64_t n = tree_level_size(v->size, level);
        struct span tile = tree_tile(&v->tree, level, n / TILE_WIDTH);
        buf_span(&v->edge[level], tile);
    }
    for (unsigned level = 0; level < TREE_LEVELS && rc == 0; level++) {
        uint64_t n = tree_level_size(v->size, level);
        if (n % TILE_WIDTH)
            rc = compare(v, (int)level, n / TILE_WIDTH, n % TILE_WIDTH,
                         buf_as_span(&v->edge[level]), err);
    }
    if (rc == 0 && entries)
        rc = compare(v, TILE_ENTRIES, v->size / TILE_WIDTH, entries,
                     buf_as_span(&v->edge[TREE_LEVELS]), err);
    return rc;
}

/* One level's folder while it is walked. */
struct walk {
    struct verifier *v;
    int level;
    uint64_t hashes; /* of the level in the signed tree */
};

#define WALK_DEPTH_MAX 8

static int unexpected(struct verifier *v, const char *path, const char *name)
{
    char file[256];
    snprintf(file, sizeof file, "log/%.150s/%.80s", path, name);
    return verify_bad(v, UINT64_MAX, file, 0, "no file of the log");
}

static bool number_parse(const char *s, unsigned *out)
{
    char again[16], *end;
    unsigned long n = strtoul(s, &end, 10);
    if (n > 999 || *end)
        return false;
    snprintf(again, sizeof again, "%lu", n);
    *out = (unsigned)n;
    return strcmp(again, s) == 0;
}

static bool digits3(const char *s, unsigned *out)
{
    for (unsigned i = 0; i < 3; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    *out = (unsigned)(s[0] - '0') * 100 + (unsigned)(s[1] - '0') * 10 + (unsigned)(s[2] - '0');
    return true;
}

/* What lies beyond the signed size may be left from a publication that is, or was, under way. */
static int beyond(struct walk *w, const char *path, const char *name)
{
    struct verifier *v = w->v;
    if (v->live || v->torn || v->size > v->signed_.size)
        return 0;
    char file[256];
    snprintf(file, sizeof file, "log/%.150s/%.80s", path, name);
    return verify_bad(v, UINT64_MAX, file, 0, "the file lies beyond the signed checkpoint");
}

/* The first bytes of the truth about a tile: kept from the edge, or the full file, which has been
 * compared already. */
static int truth(struct walk *w, uint64_t tile, struct buf *out, struct err *err)
{
    struct verifier *v = w->v;
    if (tile == w->hashes / TILE_WIDTH) {
        buf_span(out, buf_as_span(&v->edge[w->level == TILE_ENTRIES ? TREE_LEVELS : w->level]));
        return 0;
    }
    char path[TILE_PATH_MAX];
    tile_path(path, w->level, tile, TILE_WIDTH);
    int rc = read_file(v, path, err);
    if (rc == 0)
        buf_span(out, buf_as_span(&v->file));
    return rc == -ENOENT ? missing(v, UINT64_MAX, path) : rc;
}

static int partial_check(struct walk *w, uint64_t tile, unsigned width, struct span whole,
                         struct err *err)
{
    char path[TILE_PATH_MAX];
    size_t n = width * (w->level == TILE_ENTRIES ? (size_t)BUNDLE_ENTRY : SHA256_LEN);
    tile_path(path, w->level, tile, width);
    int rc = read_file(w->v, path, err);
    if (rc == -ENOENT)
        return 0; /* a writer has just removed it */
    if (rc < 0)
        return rc;
    struct span want = span_of(whole.p, n < whole.n ? n : whole.n);
    w->v->verdict->tiles++;
    return span_eq(buf_as_span(&w->v->file), want)
               ? 0
               : bad_tile(w->v, w->level, tile, path, buf_as_span(&w->v->file), want);
}

static DIR *folder_at(int fd, const char *path)
{
    int sub = openat(fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = sub < 0 ? NULL : fdopendir(sub);
    if (!d && sub >= 0)
        close(sub);
    return d;
}

static int partials_walk(struct walk *w, uint64_t tile, const char *path, struct err *err)
{
    DIR *d = folder_at(w->v->log_fd, path);
    struct buf whole = {0};
    int rc = 0;
    if (!d)
        return errno == ENOENT ? 0 : unexpected(w->v, path, "");
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        unsigned width;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (!number_parse(e->d_name, &width) || width == 0 || width >= TILE_WIDTH)
            rc = unexpected(w->v, path, e->d_name);
        else if (tile * TILE_WIDTH + width > w->hashes)
            rc = beyond(w, path, e->d_name);
        else {
            if (whole.n == 0)
                rc = truth(w, tile, &whole, err);
            if (rc == 0)
                rc = partial_check(w, tile, width, buf_as_span(&whole), err);
        }
    }
    closedir(d);
    buf_free(&whole);
    return rc;
}

static int level_walk(struct walk *w, const char *path, uint64_t group, unsigned depth,
                      struct err *err);

static int name_check(struct walk *w, const char *path, const char *name, uint64_t group,
                      unsigned depth, struct err *err)
{
    char sub[TILE_PATH_MAX + 16];
    unsigned n;
    snprintf(sub, sizeof sub, "%.40s/%.15s", path, name);
    if (name[0] == 'x' && digits3(name + 1, &n) && name[4] == 0 && (depth || n) &&
        depth < WALK_DEPTH_MAX)
        return level_walk(w, sub, group * 1000 + n, depth + 1, err);
    if (!digits3(name, &n))
        return unexpected(w->v, path, name);
    uint64_t tile = group * 1000 + n;
    if (strcmp(name + 3, ".p") == 0)
        return partials_walk(w, tile, sub, err);
    if (name[3])
        return unexpected(w->v, path, name);
    /* full tiles of the signed tree have been compared while the segments were read */
    return (tile + 1) * TILE_WIDTH > w->hashes ? beyond(w, path, name) : 0;
}

static int level_walk(struct walk *w, const char *path, uint64_t group, unsigned depth,
                      struct err *err)
{
    DIR *d = folder_at(w->v->log_fd, path);
    int rc = 0;
    if (!d)
        return errno == ENOENT ? 0 : unexpected(w->v, path, "");
    for (struct dirent *e; rc == 0 && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = name_check(w, path, e->d_name, group, depth, err);
    closedir(d);
    return rc;
}

int verify_tile_files(struct verifier *v, struct err *err)
{
    DIR *d = folder_at(v->log_fd, "tile");
    int rc = 0;
    if (!d)
        return missing(v, UINT64_MAX, "tile");
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        unsigned level = 0;
        char path[TILE_PATH_MAX];
        bool entries = strcmp(e->d_name, "entries") == 0;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (!entries && (!number_parse(e->d_name, &level) || level >= TREE_LEVELS)) {
            rc = unexpected(v, "tile", e->d_name);
            break;
        }
        snprintf(path, sizeof path, "tile/%.20s", e->d_name);
        struct walk w = {.v = v,
                         .level = entries ? TILE_ENTRIES : (int)level,
                         .hashes = tree_level_size(v->signed_.size, level)};
        rc = level_walk(&w, path, 0, 0, err);
    }
    closedir(d);
    return rc;
}
