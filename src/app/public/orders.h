/* Orders: which of the case's the public may see, and the notices on the web that made them public.
 * An order is public from the day on which a notice under it was put up on the web (`ebb notice
 * serve --channel web`; its result says posted): whoever does that makes the order, its paper and
 * what was seized under it public, and it stays so. No other order is ever named here: not sealed
 * ones, not those whose parties were told in other ways. doc/public.md says so to operators. */
#pragma once

#include "app/public/face.h"
#include "state/notices.h"

struct public_order {
    struct casebook_order order;
    size_t notices;  /* on the web, withdrawn ones too: 1 and more */
    uint64_t notice; /* the newest that is not withdrawn; 0: all are */
};
/* Each of them, in the order of the log; valid within the call. 0, or negative (it was logged). */
int public_orders(struct face *f, void (*each)(void *ctx, const struct public_order *o), void *ctx);

/* The campaign, read where the case has changed; NULL: it cannot be (it was logged). Kept by the
 * face. */
const struct notice_book *public_book(struct face *f);

/* How a notice was put up. */
struct public_posting {
    int64_t since;
    bool withdrawn; /* it, or the word that it was put up, was taken back: it shows no more than
                       that */
};
/* False: it is not one for the public. */
bool public_notice(const struct notice_book *b, const struct notice *n, struct public_posting *out);
const struct notice *public_notice_at(const struct notice_book *b, uint64_t entry,
                                      struct public_posting *out);

/* ---- what was seized (names.c) ---- */

#define PUBLIC_NAMES_FILE 20000 /* names of one file */

/* Names under the order, of the party where it has its own: such as hold already, in a stable
 * order. A name that was released is there, with its end. */
struct public_name {
    struct span name;    /* "*.a.example", "192.0.2.0/24", "192.0.2.1:25/tcp" */
    const char *kind;    /* domain wildcard address network port */
    int64_t from, until; /* CASEBOOK_FOREVER: open */
};
/* Calls each() for `most` names behind the first `skip`; how many there are in all. */
uint64_t public_names(struct face *f, const struct casebook_order *o, const struct notice_party *p,
                      uint64_t skip, uint64_t most,
                      void (*each)(void *ctx, const struct public_name *n), void *ctx);
