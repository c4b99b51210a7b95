/* Censuses of several logs as one: exact, because sets are joined and not numbers. */
#pragma once

#include "state/census.h"

/* Joins the census that the file `path` is a snapshot of into this one, in memory: an address that
 * both have seen counts once, new, returning and gone are what they are over both. What the file
 * says of an AS's name is taken where this one has none. Not to be saved afterwards
 * (census_snapshot): the position stays this one's. *position gets the file's. -EBADMSG: the file
 * is damaged or none; the census is then as it was. */
int census_join(struct census *c, const char *path, uint64_t *position, struct err *err);
/* Reads all of a snapshot's bytes, as census_join() would: 0, or -EBADMSG. For files of others. */
int census_check(const char *path, uint64_t *position, struct err *err);
/* Writes a snapshot of the census as another file, replacing it; the census goes on as it was. */
int census_write(struct census *c, const char *path, struct err *err);
