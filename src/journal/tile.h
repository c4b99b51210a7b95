/* Tiles: the published files of the log (C2SP tlog-tiles) below `log/`. Level -1 stands for entry
 * bundles.
 *
 * Files are written in place, without a temporary name: whatever lies beyond the signed
 * checkpoint's size is not part of the log, and a writer removes it when it opens. */
#pragma once

#include "journal/merkle.h"
#include "journal/tree.h"

#define TILE_ENTRIES  (-1)
#define TILE_PATH_MAX 64
/* "tile/0/x001/x234/067" or "tile/entries/...p/17"; width 256 for a full tile. */
void tile_path(char out[TILE_PATH_MAX], int level, uint64_t tile, unsigned width);

/* Reads a tile's first `width` hashes: from the partial file of that width, else from the full
 * file. -ENOENT when neither is there, -EBADMSG when its size is wrong. */
int tile_read(int log_fd, unsigned level, uint64_t tile, unsigned width, uint8_t *out,
              struct err *err);
/* The same for the first `width` entries of a bundle, appended to out with their length words. */
int tile_read_entries(int log_fd, uint64_t tile, unsigned width, struct buf *out, struct err *err);
/* Bytes of the first `width` entries in a bundle; false when it does not hold that many. */
bool tile_entries_length(struct span bundle, unsigned width, size_t *length);

#define TILE_SYNC_MAX 16 /* more files than this are made durable by one syncfs */
struct tile_writer {
    int log_fd;
    struct tile_folder {
        int fd; /* -1 none yet */
        uint64_t group;
    } folder[TREE_LEVELS + 1]; /* the last is for entries */
    int dirty[TILE_SYNC_MAX];
    unsigned dirty_n;
    bool dirty_many;
};
void tile_writer_init(struct tile_writer *w, int log_fd);
int tile_write(struct tile_writer *w, int level, uint64_t tile, unsigned width, struct span data,
               struct err *err);
/* Makes everything written since the last call durable. */
int tile_sync(struct tile_writer *w, struct err *err);
/* Removes the partial files of a tile; 0 also when there are none. */
int tile_remove_partials(struct tile_writer *w, int level, uint64_t tile, struct err *err);
/* Removes what lies beyond a tree of `size` leaves, on every level. */
int tile_trim(struct tile_writer *w, uint64_t size, struct err *err);
void tile_writer_close(struct tile_writer *w);

/* A merkle_source over the tiles of a log of `size` entries; the last tiles read are kept. */
#define TILE_CACHE 16
struct tile_source {
    int log_fd;
    uint64_t size;
    unsigned next;
    struct tile_cached {
        bool set;
        unsigned level, width;
        uint64_t tile;
        uint8_t hashes[TILE_BYTES];
    } cached[TILE_CACHE];
};
struct tile_source *tile_source_open(int log_fd, uint64_t size);
void tile_source_close(struct tile_source *s);
/* The function of struct merkle_source; ctx is the tile_source. */
int tile_source_node(void *ctx, unsigned level, uint64_t index, uint8_t out[SHA256_LEN],
                     struct err *err);
