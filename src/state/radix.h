/* Radix sort of records by bytes that lie together in them, least significant first. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RADIX_DIGITS_MAX 24

/* Least significant byte first in memory: what the digits are. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "radix sorts by little-endian keys");

/* Stable sort of n > 0 records of `size` bytes by the bytes first ... first + digits - 1. Bytes
 * that are the same in all of them are passed over. `b` is as large as `a`; returns where the
 * result is, a or b. Inlined, so that sizes are constants. */
static inline __attribute__((always_inline)) uint8_t *radix_sort(uint8_t *a, uint8_t *b, size_t n,
                                                                 const size_t size,
                                                                 const unsigned first,
                                                                 const unsigned digits)
{
    uint32_t count[RADIX_DIGITS_MAX][256] = {0};
    for (size_t i = 0; i < n; i++)
        for (unsigned d = 0; d < digits; d++)
            count[d][a[i * size + first + d]]++;
    for (unsigned d = 0; d < digits; d++) {
        if (count[d][a[first + d]] == n)
            continue;
        uint32_t at = 0, start[256];
        for (unsigned v = 0; v < 256; v++) {
            start[v] = at;
            at += count[d][v];
        }
        for (size_t i = 0; i < n; i++)
            memcpy(b + size * start[a[i * size + first + d]]++, a + i * size, size);
        uint8_t *swap = a;
        a = b;
        b = swap;
    }
    return a;
}
