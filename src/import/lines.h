/* Lines of text from a source, in bounded memory. Lines end with LF or CRLF, the last one with the
 * end of the file too. */
#pragma once

#include "import/source.h"

#define LINES_MAX (960u << 10) /* bytes of a line with its end: what fits into a log entry */

struct lines;

struct line {
    struct span text; /* without its end; valid until the next call */
    uint64_t number;  /* from 1 */
    uint64_t offset;  /* unpacked bytes before it */
};

/* Reads from the source's present place on. NULL when there is no memory. */
struct lines *lines_open(struct source *src);
void lines_close(struct lines *l);

enum { LINES_END = 0, LINES_LINE = 1, LINES_TOO_LONG = 2 };
/* The next line: LINES_LINE; LINES_TOO_LONG (without text: it is passed over); LINES_END; or the
 * negative code of the source. A line that breaks off with the source is not given; out then has
 * its number and offset. */
int lines_next(struct lines *l, struct line *out, struct err *err);
