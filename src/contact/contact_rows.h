/* Contact rows: what was read of a source, put in order, without what says nothing new; written as
 * a table (contact_table.h). Memory is about 40 bytes a row, and the texts. */
#pragma once

#include "contact/contact_table.h"
#include "contact/contact_texts.h"

struct contact_item {
    struct ip ip;
    uint32_t key;   /* AS number, country */
    uint32_t order; /* in which it came */
    uint32_t text;  /* number of its threesome */
    uint8_t match, bits;
    char country[2];
};

/* All zero bytes is an empty one. */
struct contact_rows {
    struct contact_texts texts;
    struct contact_item *v;
    size_t n, cap;
};

void contact_rows_free(struct contact_rows *r);
/* -E2BIG over CONTACT_ROWS_MAX rows or CONTACT_HEAP_MAX bytes of text. A row with a registry and no
 * mailbox is a delegation. */
int contact_rows_add(struct contact_rows *r, const struct contact_row *row);
/* A range of addresses of one IP version as prefixes, each with the row's contact; those too wide
 * for anybody are left out. How many were added, or negative. first <= last. */
int contact_rows_add_range(struct contact_rows *r, const struct ip *first, const struct ip *last,
                           const struct contact_row *row);
/* Appends the table: sorted by match, then network (the wider first), AS, country. Of rows for the
 * same one the first stays; a network within another one that says the same, too, is left out.
 * Gives the number of rows. */
uint64_t contact_rows_write(struct contact_rows *r, bool delegations, struct buf *out);
