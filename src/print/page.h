/* Page: a PDF that grows from top to bottom, set by Pango and drawn by Cairo. Text is UTF-8 in any
 * script that the fonts of the machine have; outside text cannot do anything but be shown (no
 * markup is read; controls and bidi overrides are shown as replacement characters). A line feed
 * ends a line. The same calls give the same bytes, fonts being the same (the date is the caller's).
 * Nothing is read but fonts. Lengths are in millimetres, sizes of type in points. What is given is
 * copied. Errors stay until page_close(). */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define PAGE_PAGES_MAX  2000u
#define PAGE_TEXT_MAX   (32u << 20) /* bytes of text in one document */
#define PAGE_BLOCKS_MAX 500000u     /* paragraphs and rows */
#define PAGE_SIZE_MAX   72.0        /* points of type */

struct page;

struct page_format {
    double width, height;            /* A4: 210 x 297 */
    double left, right, top, bottom; /* margins */
    const char *title, *author;      /* the PDF's own; NULL none */
    const char *language;            /* BCP 47 */
    const char *header, *footer; /* on every page, small; NULL none. "%p" and "%n": page, pages */
    int64_t date;                /* microseconds UTC */
};
/* Margins of 25 mm, header none, footer "%p / %n"; the title, language and date are to be set. */
extern const struct page_format page_a4, page_letter;

struct page *page_open(const struct page_format *format);
/* Appends the PDF to out and frees; negative when something failed: -EINVAL a format without room
 * for text, -E2BIG one of the limits above. out NULL: only frees. */
int page_close(struct page *p, struct buf *out, struct err *err);

enum page_align { PAGE_LEFT, PAGE_CENTRE, PAGE_RIGHT, PAGE_JUSTIFY };
/* All zero, or NULL: serif, 10.5 points. */
struct page_style {
    double size; /* points; 0: 10.5 */
    bool bold, italic, mono, sans;
    enum page_align align;
    double before, after; /* millimetres of white */
    double indent;
};
void page_text(struct page *p, const struct page_style *style, struct span text);
/* 1: the document's title, 2, 3: below it. Never alone at the foot of a page. */
void page_heading(struct page *p, unsigned level, struct span text);
/* A paragraph with a mark in the margin before it: "1.", "(a)", a dash. */
void page_item(struct page *p, struct span mark, struct span text);
/* A line of a form: what it is, and beside it what stands there. */
void page_field(struct page *p, struct span label, struct span value);
void page_rule(struct page *p); /* a thin line across */
/* Not at the head of a page, unless the document or page_break() began it. */
void page_space(struct page *p, double mm);
void page_break(struct page *p);
/* A line to sign on, with words below it. */
void page_signature(struct page *p, struct span below);

/* A table: columns of these widths (parts of what there is), a heading that every page repeats;
 * rows are not torn apart where they fit on a page. */
#define PAGE_COLUMNS_MAX 10
struct page_columns {
    unsigned n;
    double width[PAGE_COLUMNS_MAX];
    bool mono[PAGE_COLUMNS_MAX];
    bool right[PAGE_COLUMNS_MAX]; /* set to the right: numbers */
    const char *title[PAGE_COLUMNS_MAX];
};
void page_table(struct page *p, const struct page_columns *columns);
void page_row(struct page *p, const struct span *cells); /* columns->n of them */
void page_table_end(struct page *p);
