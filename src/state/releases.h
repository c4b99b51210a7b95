/* Releases: figures that were published. Tables of the pursuit (pursuit.h). The figures themselves
 * are blobs (doc/release.md). */
#pragma once

#include "state/pursuit.h"

/* Spans are valid within the callback. */
struct release_entry {
    uint64_t entry;
    int64_t recorded, since, until; /* microseconds */
    struct span account, rule, sha256;
    uint64_t size;        /* of the log that was counted */
    uint64_t replaces;    /* the release that it corrects; 0: none */
    uint64_t replaced_by; /* the newest that corrects it; 0: none */
    bool withdrawn;
};

/* Newest first, `limit` of them (0: all). each() returns 0 to go on. */
int releases_list(struct pursuit *p, uint64_t limit,
                  int (*each)(void *ctx, const struct release_entry *r), void *ctx,
                  struct err *err);
/* One: 1 found (each() was called), 0 there is no such release; negative. */
int releases_one(struct pursuit *p, uint64_t entry,
                 int (*each)(void *ctx, const struct release_entry *r), void *ctx, struct err *err);
/* The one that counts now: the newest that is not withdrawn and not replaced. 0: there is none. */
uint64_t releases_newest(struct pursuit *p);
/* The one that was published last, whatever became of it: people have seen it. 0: none. */
uint64_t releases_last(struct pursuit *p);
/* Whether an entry is a release that was taken in. */
bool releases_has(struct pursuit *p, uint64_t entry);
