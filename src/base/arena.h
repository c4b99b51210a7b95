/* Arena: memory that is given back all at once. One arena per request or batch; not shared
 * between threads. Allocation cannot fail: when the system has no memory the process aborts,
 * because every arena is bounded by the limits of what it parses. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *head; /* chunk in use; older chunks are linked behind it */
    uint8_t *at, *end;
};

/* An empty arena; all zero bytes is one too. */
void arena_init(struct arena *a);
/* n bytes, aligned to 16, not cleared; valid until arena_reset/arena_free. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy of n bytes followed by a NUL that is not counted. */
char *arena_copy(struct arena *a, const void *data, size_t n);
/* Forgets everything, keeps the largest chunk for reuse. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);
