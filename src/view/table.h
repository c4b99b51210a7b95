/* Table: rows of one reading command in the three shapes that every command has: aligned text,
 * CSV (RFC 4180), JSON Lines. Columns are declared once; cells are then given in that order. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/ip.h"

enum table_shape { TABLE_TEXT, TABLE_CSV, TABLE_JSON };

struct table;

struct table_column {
    const char *key;   /* JSON member and CSV heading */
    const char *title; /* heading of the text table; NULL: JSON and CSV only */
    bool number;       /* right-aligned with thousands separated in text, bare in JSON and CSV */
};

/* `columns` ends with a NULL key and must outlive the table. */
struct table *table_open(enum table_shape shape, const struct table_column *columns, FILE *out);
void table_text(struct table *t, struct span s); /* JSON null when s.p is NULL */
void table_str(struct table *t, const char *s);
void table_uint(struct table *t, uint64_t v);
void table_int(struct table *t, int64_t v);
void table_double(struct table *t, double v, int decimals);
void table_hex(struct table *t, const uint8_t *p, size_t n);
void table_empty(struct table *t); /* null, or an empty cell */
void table_row_end(struct table *t);
/* Prints what is left (text is aligned at the end), frees. Returns 0, -1 when output failed. */
int table_close(struct table *t);
