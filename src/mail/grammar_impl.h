/* Inside of grammar: its texts are written by notes, which stop at their limit. */
#pragma once

#include "mail/grammar.h"

struct note {
    uint8_t *p;
    size_t n;
};
void note_begin(struct note *n, struct arena *arena);
void note_bytes(struct note *n, struct span s);
/* ? for what cannot be shown */
static inline void note_byte(struct note *n, uint8_t c)
{
    if (n->n < GRAMMAR_TEXT_MAX)
        n->p[n->n++] = c >= 0x20 && c < 0x7f ? c : '?';
}
static inline void note_str(struct note *n, const char *s)
{
    note_bytes(n, span_str(s));
}
void note_number(struct note *n, size_t v);
void note_value(struct note *n, struct span value); /* its classes */
void note_host(struct note *n, struct span host);   /* "host" "name" "[ip]"... */
void note_end(const struct note *n, struct grammar *out);
