/* Gather: all files of one source, read a line at a time, become one table of contacts
 * (contact_table.h). Objects may come in any order and in any of the files; references between them
 * are resolved when all are read. Memory goes with what was read, up to the limits below. */
#pragma once

#include "contact/contact_rows.h"

#define GATHER_OBJECTS_MAX (32u << 20) /* networks, organisations, roles of one data set */
#define GATHER_LINE_MAX    (64u << 10) /* bytes; what is behind is not looked at */

enum gather_format {
    GATHER_CSV,       /* an operator's or CERTs' table */
    GATHER_RPSL,      /* inetnum, inet6num, aut-num, organisation, role, person, irt */
    GATHER_ARIN,      /* ARIN's bulk whois as text: NetHandle, ASHandle, OrgID, POCHandle */
    GATHER_DELEGATED, /* registries' statistics: "delegated", "extended" */
    GATHER_FORMATS,
};
/* "rpsl"; NULL beyond. */
const char *gather_format_name(enum gather_format format);

#define GATHER_SOURCE_MAX 15
struct gather_kind {
    enum gather_format format;
    char source[GATHER_SOURCE_MAX + 1]; /* "ripe"; empty: it does not say */
};
/* What a file is, by its first bytes. False: nothing that is known. */
bool gather_recognise(struct span head, struct gather_kind *out);

struct gather_sink {
    void *ctx;
    /* May be NULL. `number` is the line on which the object or row begins. */
    void (*reject)(void *ctx, uint64_t number, const char *why);
};

/* Of one file. */
struct gather_counts {
    uint64_t rows;     /* objects and rows that say something */
    uint64_t rejected; /* those that could not be taken */
    int64_t made;      /* when the source made it, as far as the file says; 0 */
};

/* Of the data set. */
struct gather_totals {
    uint64_t rows;      /* of the table */
    uint64_t silent;    /* networks and ASes that name no abuse contact */
    uint64_t dangling;  /* those that name an object which is in none of the files */
    uint64_t wide;      /* networks too wide for anybody to be told about */
    uint64_t fake;      /* mailboxes that are placeholders or the registry's own */
    uint64_t malformed; /* mailboxes that are no addresses */
};

struct gather;
/* `source` as the log names it. */
struct gather *gather_new(enum gather_format format, const char *source,
                          const struct gather_sink *sink);
void gather_free(struct gather *g);
/* Another file begins. */
void gather_file(struct gather *g);
/* One line, without its end. 0; -E2BIG: more than the limits. */
int gather_line(struct gather *g, struct span line);
/* The file's end. */
int gather_file_end(struct gather *g, struct gather_counts *counts);
/* Resolves, and appends the table to out. */
int gather_finish(struct gather *g, struct buf *out, struct gather_totals *totals);
