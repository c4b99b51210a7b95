/* Print: what the makers of PDFs share: fonts, outside text made harmless, a PDF as bytes. */
#pragma once

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include "base/buf.h"
#include "base/err.h"

#define PRINT_PDF_MAX (128u << 20) /* bytes of a PDF that we make */
#define PRINT_MM      (72 / 25.4)  /* points of a millimetre */

/* Families, each with Latin and Cyrillic; the first that the machine has is taken. */
#define PRINT_SERIF "Liberation Serif, DejaVu Serif, Noto Serif, serif"
#define PRINT_SANS  "Liberation Sans, DejaVu Sans, Noto Sans, sans"
#define PRINT_MONO  "Liberation Mono, DejaVu Sans Mono, Noto Sans Mono, monospace"

/* Appends the text as it may be set: UTF-8 (each byte that is not becomes U+FFFD), no control but
 * the line feed (a CR before one is dropped, a tab is a blank), no mark that reorders or hides
 * text, no pile of combining marks (the eighth and those behind it become U+FFFD), and no line of
 * more than PRINT_LINE_MAX bytes: a longer one is broken. No other character is lost. */
#define PRINT_LINE_MAX  8192u
#define PRINT_MARKS_MAX 7u
void print_clean(struct buf *out, struct span text);

/* Where text is measured: one layout unit a point, no hinting, so that it is the same everywhere.
 */
struct print {
    PangoFontMap *map;
    PangoContext *context;
};
void print_open(struct print *p, const char *language);
void print_close(struct print *p);
/* A layout in that font; size in points. The caller unrefs it. */
PangoLayout *print_layout(const struct print *p, const char *family, double size, bool bold,
                          bool italic);
void print_font(PangoLayout *layout, const char *family, double size, bool bold, bool italic);

/* Space between letters, in points; whether a hyphen is set where a word is broken: by a soft
 * hyphen or, where nothing else helps, anywhere. Not unless asked: it would stand in names as if it
 * were theirs. */
void print_attributes(PangoLayout *layout, double spacing, bool hyphens);

/* A PDF that is written to `out`. title, author: NULL none; date: microseconds UTC. Sizes in
 * points. */
struct print_pdf {
    cairo_surface_t *surface;
    cairo_t *cr;
    struct buf *out;
    size_t from;
    bool full;
};
int print_pdf_open(struct print_pdf *pdf, double width, double height, const char *title,
                   const char *author, int64_t date, struct buf *out, struct err *err);
/* Ends it; on failure, and when `keep` is false, nothing is left in out. */
int print_pdf_close(struct print_pdf *pdf, bool keep, struct err *err);
