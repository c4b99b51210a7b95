/* Table: rows of one reading command in the three shapes that every command has: aligned text,
 * CSV (RFC 4180), JSON Lines. Columns are declared once; cells are then given in that order. Cells
 * that a row does not give are empty, cells too many are dropped.
 *
 * Memory is bounded: text is aligned by the first 2,000 rows (or 4 MB), which are held back; later
 * rows keep those widths and go straight out. Outside text in the text shape, and in CSV that goes
 * to a terminal, is made safe as view/display.h says; CSV in files has the bytes as they are. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/ip.h"

enum table_shape { TABLE_TEXT, TABLE_CSV, TABLE_JSON };

struct table;

enum table_kind {
    TABLE_WORDS, /* left-aligned */
    TABLE_COUNT, /* right-aligned, thousands separated */
    TABLE_ID,    /* right-aligned as it is: an index, a port, an AS number */
};

struct table_column {
    const char *key;      /* JSON member and CSV heading */
    const char *title;    /* heading of the text table; NULL: JSON and CSV only */
    enum table_kind kind; /* of its values; how the text table sets them */
};

/* `columns` ends with a NULL key, has 64 at most, and must outlive the table. */
struct table *table_open(enum table_shape shape, const struct table_column *columns, FILE *out);
void table_text(struct table *t, struct span s); /* JSON null when s.p is NULL */
void table_str(struct table *t, const char *s);
void table_uint(struct table *t, uint64_t v);
void table_int(struct table *t, int64_t v);
void table_bool(struct table *t, bool v); /* "true" or "false" outside of JSON */
/* Null, or an empty cell, when v is not finite. */
void table_double(struct table *t, double v, int decimals);
void table_hex(struct table *t, const uint8_t *p, size_t n);
/* Several texts: a JSON array; elsewhere one cell with ", " between them. */
void table_list(struct table *t, const struct span *v, size_t n);
void table_empty(struct table *t); /* null, or an empty cell */
/* Cells that may have nothing to show: an index that is 0, a text or digest without bytes are
 * empty. */
void table_index(struct table *t, uint64_t index);
void table_words(struct table *t, struct span s);
void table_digest(struct table *t, struct span digest);
void table_row_end(struct table *t);
/* Prints what is left, flushes, frees. Returns 0, -1 when output failed. */
int table_close(struct table *t);
