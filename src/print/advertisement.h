/* Advertisement: a legal notice that a newspaper can print as it is: one box of a given size, one
 * colour, fonts embedded. Words come structured and in any language with an alphabet that the fonts
 * have; type shrinks until all fits the box, down to ADVERTISEMENT_TYPE_MIN, and grows to fill it,
 * up to ADVERTISEMENT_TYPE_MAX. The same words give the same bytes. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define ADVERTISEMENT_PARTS_MAX 12
#define ADVERTISEMENT_TEXT_MAX  (64u << 10) /* bytes of all words */
#define ADVERTISEMENT_TYPE_MIN  6.5         /* points of the body's type */
#define ADVERTISEMENT_TYPE_MAX  14.0

/* The sizes that have names; any other is "WIDTHxHEIGHT" in millimetres. Papers differ: ask each
 * for the size of its box. */
struct advertisement_size {
    const char *name;
    double width, height; /* millimetres */
};
extern const struct advertisement_size advertisement_sizes[]; /* the last has no name */
/* -EINVAL with the names that there are. */
int advertisement_size_of(struct span text, struct advertisement_size *out, struct err *err);

enum advertisement_kind {
    ADVERTISEMENT_WORDS, /* paragraphs, in columns */
    ADVERTISEMENT_NAMES, /* one a line: domains, addresses; in columns, small, not broken */
    ADVERTISEMENT_BOX,   /* set apart at the end: how and until when to answer */
};
struct advertisement_part {
    enum advertisement_kind kind;
    struct span head; /* empty: none */
    struct span words;
};
/* Each may be empty. A line feed ends a line (of court, parties, signature) or a paragraph. */
struct advertisement {
    const char *language; /* BCP 47 */
    struct span heading;  /* "LEGAL NOTICE" */
    struct span court;    /* "UNITED STATES DISTRICT COURT\nWESTERN DISTRICT OF WASHINGTON" */
    struct span parties,
        docket;        /* the caption: at the left who against whom, at the right the number */
    struct span title; /* "SUMMONS AND NOTICE OF HEARING" */
    struct advertisement_part parts[ADVERTISEMENT_PARTS_MAX];
    unsigned n;
    struct span signature; /* at the end: who gives notice, place and date */
    bool crop_marks;       /* the sheet is then larger than the box, by 2 x 12 mm */
    int64_t date;          /* of the PDF, microseconds UTC */
};
struct advertisement_fit {
    double type; /* points of the body's type that it came to */
    unsigned columns;
};
/* Appends a PDF of one page. fit may be NULL. -E2BIG: too many words, with how much too many;
 * -EILSEQ: characters that no font here has. */
int advertisement_put(const struct advertisement *a, const struct advertisement_size *size,
                      struct buf *out, struct advertisement_fit *fit, struct err *err);
