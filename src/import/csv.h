/* CSV (RFC 4180) from a source, row by row, in bounded memory.
 *
 * Cells are bare or in double quotes; a quote inside is doubled, quoted cells may hold commas and
 * line ends. Lines end with LF or CRLF, the last one with the end of the file too. A UTF-8 byte
 * order mark and empty lines are passed over. Whatever is not this grammar is a bad row: it is
 * reported and reading goes on at the line behind the one that the row began on, so a quote that
 * is left open costs one row and not the file. */
#pragma once

#include "import/source.h"

/* Bytes of a row, its line end included: below a megabyte, so that it fits into a log entry. */
#define CSV_ROW_MAX   (960u << 10)
#define CSV_CELLS_MAX 1024 /* cells of a row; a row with more is bad */

struct csv_row {
    struct span *cells; /* unquoted; the caller may change them, and use one more behind the last */
    size_t n;
    uint64_t line, offset; /* where it begins: line from 1, byte (unpacked) from 0 */
    bool plain;            /* known to be ASCII throughout, without NUL */
    const char *why;       /* what is wrong with a bad row */
};

struct csv;

/* Reads from the source's present place on, which is line 1. NULL when there is no memory. */
struct csv *csv_open(struct source *src);
void csv_close(struct csv *c);
/* Takes the portable scanner instead of the CPU's own, for tests. */
void csv_portable(struct csv *c);

enum { CSV_END = 0, CSV_ROW = 1, CSV_BAD = 2 };
/* The next row: CSV_ROW; CSV_BAD (why, line and offset are set, no cells); CSV_END; or the negative
 * code of the source, where a line that breaks off with the source is not given. Cells are valid
 * until the next call. */
int csv_next(struct csv *c, struct csv_row *row, struct err *err);
/* After CSV_END or an error: line and offset of the place reached. */
void csv_place(const struct csv *c, uint64_t *line, uint64_t *offset);
