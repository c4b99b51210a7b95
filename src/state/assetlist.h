/* Asset list: names seized together, with days of their own: a generator's calendar. The same bytes
 * always read as the same rows.
 *
 * A row is `name,from,until,registrar`; all but the name may be missing or empty, so a plain list
 * of names is one, too. A name is a domain or "*.domain", for everything below it. Times are dates
 * or RFC 3339, until exclusive. A first row that begins with "name" or "domain" is a heading: it
 * says which column is what; others are passed over. Empty lines and lines that begin with # are
 * none. Cells may be in double quotes, with a quote inside doubled. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define ASSETLIST_ROWS_MAX  (32u << 20)
#define ASSETLIST_LINE_MAX  4096
#define ASSETLIST_CELLS_MAX 64

struct assetlist_row {
    struct span name; /* lower case, without a final dot or "*." */
    bool wildcard;
    int64_t from, until;
    struct span registrar;
    uint64_t line; /* from 1 */
};

struct assetlist_sink {
    void *ctx;
    /* 0 to go on; anything else ends the reading and is returned. Spans are valid during the call.
     */
    int (*row)(void *ctx, const struct assetlist_row *row);
    /* May be NULL. */
    void (*reject)(void *ctx, uint64_t line, const char *why);
};

struct assetlist_counts {
    uint64_t rows, rejected;
};

/* `fallback` has what a row that says nothing gets (from, until, registrar). -E2BIG over
 * ASSETLIST_ROWS_MAX rows. A row that repeats another one (name and times) is rejected. */
int assetlist_read(struct span file, const struct assetlist_row *fallback,
                   const struct assetlist_sink *sink, struct assetlist_counts *counts,
                   struct err *err);
