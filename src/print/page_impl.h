/* For page.c and page_set.c: what was asked for, kept until it is set, because "%n" has to be known
 * first. */
#pragma once

#include "print/page.h"
#include "print/print.h"

enum block_kind {
    BLOCK_TEXT,
    BLOCK_HEADING,
    BLOCK_ITEM,
    BLOCK_FIELD,
    BLOCK_RULE,
    BLOCK_SPACE,
    BLOCK_BREAK,
    BLOCK_SIGNATURE,
    BLOCK_TABLE,
    BLOCK_ROW,
    BLOCK_TABLE_END,
};
struct block {
    enum block_kind kind;
    unsigned level;
    unsigned at; /* of its style, or columns */
    unsigned piece;
    double mm;
};
/* Clean text, with a NUL behind it. */
struct piece {
    size_t at, n;
};

struct page {
    struct page_format format;
    char *words[5]; /* the format's texts */
    struct buf text;
    struct piece *pieces;
    size_t n_pieces, cap_pieces;
    struct page_style *styles;
    size_t n_styles, cap_styles;
    struct page_columns *tables;
    size_t n_tables, cap_tables;
    struct block *blocks;
    size_t n_blocks, cap_blocks;
    bool in_table;
    struct err err; /* the first */
};

/* Sets it all; appends the PDF. */
int page_set(const struct page *p, struct buf *out, struct err *err);

/* ---- setting (page_set.c, page_rows.c) ---- */

/* One run over the document: the first counts pages, the second draws. All in points. */
struct setting {
    const struct page *p;
    struct print print;
    struct print_pdf pdf;
    bool draws;
    double left, right, top, bottom; /* of the text */
    double y;                        /* where the next thing goes */
    bool fresh;                      /* nothing is on this page yet */
    bool begun;                      /* it was begun by the caller, not by what flowed over */
    unsigned page, pages;            /* pages: 0 while they are counted */
    int outline[4];                  /* the newest of each level */
    PangoLayout *small;              /* heads and feet */
    /* the table that is open */
    const struct page_columns *table;
    double title_height;
    bool title_due; /* to be set before the next row */
    PangoLayout *titles[PAGE_COLUMNS_MAX], *cells[PAGE_COLUMNS_MAX];
    struct err err;
};

/* Ends the page, begins another; false when there are too many. */
bool setting_turn(struct setting *s);
/* The text of a piece into a layout. */
void setting_words(const struct setting *s, PangoLayout *layout, unsigned piece);
void setting_tag(struct setting *s, const char *name);
void setting_untag(struct setting *s, const char *name);
/* A line across at y. */
void setting_line(struct setting *s, double x1, double x2, double y, double width, double grey);

/* page_rows.c */
void rows_begin(struct setting *s, const struct page_columns *table, unsigned title);
void rows_row(struct setting *s, unsigned piece);
void rows_end(struct setting *s);
/* The height of a table's titles and its first row. */
double rows_least(struct setting *s, const struct page_columns *table, unsigned title,
                  unsigned piece);
void rows_free(struct setting *s);
