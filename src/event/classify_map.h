/* Inside of classify: a feed's words for families, and ours (families.map). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct map;

struct map_family {
    struct span family; /* empty: the word names no family */
    uint8_t confidence;
};

/* Reads the text; name is for errors, which give the line. An empty text is a map without words. */
int map_open(struct span text, const char *name, struct map **out, struct err *err);
void map_close(struct map *m);
/* Our family for a word, compared without case. Words not in the map become families themselves,
 * in lower case. Valid until the next call. */
const struct map_family *map_find(struct map *m, struct span word);
