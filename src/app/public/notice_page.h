/* Notice page: one notice on the web with all that its page and files share. */
#pragma once

#include "app/public/orders.h"
#include "base/digest.h"

struct notice_page {
    struct face_view *v;
    const struct notice_book *book;
    const struct notice *notice;
    struct public_posting posting;
    const struct notice_party *party; /* NULL: it names none */
    struct casebook_order order;      /* kept in the arena */
    struct arena arena;
};
/* Of v->id. False: there is none for the public; close it all the same. */
bool notice_page_open(struct face_view *v, struct notice_page *out);
void notice_page_close(struct notice_page *p);
/* Says that there is none, or that it cannot be read. */
void notice_page_missing(struct face_view *v);

/* "notices.state-open" and the like. */
const char *notice_state_key(const struct casebook_order *o);

/* A file that belongs to the notice: "order.pdf", "notice.html", "print-17.pdf". This list is all
 * that is ever given of the blobs. */
struct notice_paper {
    char name[48];
    const char *title;    /* a key of the words */
    struct span about;    /* the file's own name, the newspaper's */
    struct span language; /* empty: not known */
    struct span sha256;
    const char *type; /* Content-Type */
    bool shown;       /* by the browser itself; else it is kept as a file */
};
void notice_papers(struct notice_page *p, void (*each)(void *ctx, const struct notice_paper *paper),
                   void *ctx);
/* A paper's bytes; negative when they are not there. */
int notice_paper_bytes(struct face *f, struct span sha256, struct buf *out);
/* Where and when it was printed in newspapers. */
void notice_runs(struct notice_page *p);
