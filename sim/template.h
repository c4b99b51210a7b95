/* A text with places for a bot id, written {id}. */
#pragma once

#include "base/buf.h"

#define TEMPLATE_IDS_MAX 8 /* places in one text; further ones stay as they are */

/* The text between the places. Borrows the text. */
struct template
{
    struct span parts[TEMPLATE_IDS_MAX + 1];
    unsigned n; /* parts, one more than places */
};

static inline struct template template_of(struct span text)
{
    struct template t = {.n = 0};
    for (;;) {
        const uint8_t *at =
            text.n && t.n < TEMPLATE_IDS_MAX ? memmem(text.p, text.n, "{id}", 4) : NULL;
        size_t n = at ? (size_t)(at - text.p) : text.n;
        t.parts[t.n++] = span_of(text.p, n);
        if (!at)
            return t;
        text = span_of(at + 4, text.n - n - 4);
    }
}

static inline void template_put(struct buf *out, const struct template *t, struct span id)
{
    buf_span(out, t->parts[0]);
    for (unsigned i = 1; i < t->n; i++) {
        buf_span(out, id);
        buf_span(out, t->parts[i]);
    }
}
