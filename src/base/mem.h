/* Arrays that grow: like buf and arena they abort when the system has no memory, because what they
 * hold is bounded by what the log holds, or by a limit. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* realloc for n items of `size` bytes. */
static inline void *mem_resize(void *p, size_t n, size_t size)
{
    if (n > SIZE_MAX / 2 / size)
        abort();
    p = realloc(p, n ? n * size : 1);
    if (!p)
        abort();
    return p;
}

static inline void *mem_zeroed(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p)
        abort();
    return p;
}

/* Room for one more item behind `n`: returns p, moved and *cap doubled when it was full. */
static inline void *mem_room(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap ? *cap * 2 : 16;
    return mem_resize(p, *cap, size);
}
