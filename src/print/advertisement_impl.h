/* For advertisement.c and advertisement_bands.c: a notice composed at one size of type. All in
 * points. */
#pragma once

#include "print/advertisement.h"
#include "print/print.h"

#define BANDS_MAX (ADVERTISEMENT_PARTS_MAX + 8)

enum mark_kind { MARK_LINES, MARK_RULE, MARK_UPRIGHT, MARK_FRAME };
/* Something drawn, at a place within its band. */
struct mark {
    enum mark_kind kind;
    PangoLayout *layout; /* lines from .. to-1 of it */
    int from, to;
    double x, y, width, height, weight;
};
/* Marks that stay together; white between bands may grow. */
struct band {
    size_t first, n;
    double before, height;
};
struct composition {
    const struct print *print;
    double type, width;
    unsigned columns;
    struct mark *marks;
    size_t n_marks, cap_marks;
    PangoLayout **layouts;
    size_t n_layouts, cap_layouts;
    struct band bands[BANDS_MAX];
    unsigned n_bands;
    double height; /* of all, with the white before bands */
    int unknown;   /* characters that no font has */
};

/* Words of an advertisement, cleaned: no blank around, no empty lines. */
struct clean_part {
    enum advertisement_kind kind;
    struct buf head, words;
};
struct clean {
    struct buf heading, court, parties, docket, title, signature;
    struct clean_part parts[ADVERTISEMENT_PARTS_MAX];
    unsigned n;
};

/* Composes all bands for this type and width. */
void composition_make(struct composition *c, const struct clean *words);
void composition_free(struct composition *c);
