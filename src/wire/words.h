/* Names of the bits of an anomaly mask. */
#pragma once

#include "base/buf.h"

/* Appends the words whose bits are set, in the table's order, separated by spaces. */
static inline void words_of_bits(uint32_t bits, const char *const *words, size_t n, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        if (!(bits >> i & 1))
            continue;
        if (!first)
            buf_byte(out, ' ');
        buf_str(out, words[i]);
        first = false;
    }
}
