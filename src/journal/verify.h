/* What the parts of journal_verify share. Functions return 0 to go on, 1 when the verdict has been
 * given (something does not hold), negative when it could not be judged. */
#pragma once

#include "journal/internal.h"
#include "journal/rotation.h"

struct verify_ranges {
    struct journal_range *v;
    size_t n, cap;
};

struct verifier {
    const char *dir;
    const struct journal_verify_options *options;
    struct journal_verdict *verdict;
    int journal_fd, log_fd;
    struct note_key key;
    struct buf note;
    struct checkpoint signed_; /* the published checkpoint */
    uint64_t committed;        /* entries that must be there; what follows may be torn */
    bool live;                 /* somebody writes: what follows is theirs */
    bool large;                /* see SEGMENTS_CACHED */
    bool torn;                 /* a torn tail was met */
    bool since_set;
    uint64_t since_size;
    uint8_t since_root[SHA256_LEN];

    struct rotation_proof *rotated; /* the files of log/rotated, by index */
    size_t rotated_n;
    struct rotation *named; /* what the entries themselves say */
    size_t named_n;
    struct rotation *chain; /* of those, what leads to log/vkey */
    size_t chain_n;

    uint64_t size; /* entries read */
    struct tree tree;
    struct buf entries; /* of the bundle being filled */
    struct {
        uint64_t first, offset; /* segment and place of each entry of that bundle */
    } place[TILE_WIDTH];
    struct verify_ranges zero, covered;

    /* the partial tiles of the signed size, [TREE_LEVELS] being the bundle */
    struct buf edge[TREE_LEVELS + 1];
    struct buf file; /* a tile as read */
};

int verify_bad(struct verifier *v, uint64_t index, const char *file, uint64_t offset,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The full tiles that the last entry has completed. */
int verify_full_tiles(struct verifier *v, struct err *err);
/* The partial tiles of the signed size; keeps them for verify_tile_files. */
int verify_edge(struct verifier *v, struct err *err);
/* Every file below log/tile. */
int verify_tile_files(struct verifier *v, struct err *err);
/* verify_keys.c: log/rotated; the roots that old keys signed, when that many entries were read; the
 * next of those sizes; an entry of KEY_ROTATED; what all of it comes to. */
int verify_keys_load(struct verifier *v, struct err *err);
int verify_keys_size(struct verifier *v);
uint64_t verify_keys_stop(const struct verifier *v, uint64_t limit);
void verify_keys_entry(struct verifier *v, const struct record *r);
int verify_keys_end(struct verifier *v);
