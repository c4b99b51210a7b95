/* Snapshot: the census as one file, mapped by readers. The same log gives the same bytes: families,
 * ASes and attributions are numbered by content, sets are merged, and nothing else goes in.
 * doc/census.md has the layout. */
#pragma once

#include "base/err.h"
#include "state/dict.h"
#include "state/run.h"

struct snapshot {
    void *map; /* what the base run's sets point into */
    size_t size;
    uint64_t position;
};

/* Maps the file and checks its checksum, then fills the dict and the run (both empty before).
 * 1 loaded, 0 when there is no such file, -EBADMSG when it is damaged or of another version (dict
 * and run stay empty), another negative errno when it cannot be read. */
int snapshot_load(const char *path, struct snapshot *s, struct dict *d, struct run *base,
                  struct err *err);
void snapshot_unmap(struct snapshot *s);
/* The same from bytes that the caller keeps; no file, nothing to unmap. */
int snapshot_parse(struct span bytes, uint64_t *position, struct dict *d, struct run *base,
                   struct err *err);
/* Where the checksum stands and what it covers: all bytes before it. */
#define SNAPSHOT_CHECKSUM_LEN 8
uint64_t snapshot_checksum(struct span covered);

/* Writes the union of the runs as `path`, replacing what was there as a whole: after a crash either
 * the old or the new one is there. */
int snapshot_write(const char *path, uint64_t position, const struct dict *d,
                   const struct run *const *runs, size_t n, struct err *err);
