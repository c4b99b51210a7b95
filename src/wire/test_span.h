/* Spans in the tests of the parsers. */
#pragma once

#include "base/buf.h"
#include "base/tap.h"

/* An exact-size copy on the heap: a sanitizer sees reads past the end. */
static inline uint8_t *exact(struct span s)
{
    uint8_t *copy = malloc(s.n ? s.n : 1);
    if (!copy)
        abort();
    if (s.n)
        memcpy(copy, s.p, s.n);
    return copy;
}

#define is_span(got, want) tap_span((got), (want), #got, __FILE__, __LINE__)
static inline void tap_span(struct span got, const char *want, const char *expr, const char *file,
                            int line)
{
    if (!tap_check(span_is(got, want), expr, file, line, expr))
        printf("#   got \"%.*s\"\n#  want \"%s\"\n", (int)got.n, (const char *)got.p, want);
}
