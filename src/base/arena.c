#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK_MIN (64u << 10)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* usable bytes behind this header */
};

void arena_init(struct arena *a)
{
    memset(a, 0, sizeof *a);
}

static void arena_grow(struct arena *a, size_t n)
{
    size_t size = a->head ? a->head->size * 2 : ARENA_CHUNK_MIN;
    while (size < n)
        size *= 2;
    struct arena_chunk *c = malloc(sizeof *c + size);
    if (!c)
        abort();
    c->next = a->head;
    c->size = size;
    a->head = c;
    a->at = (uint8_t *)(c + 1);
    a->end = a->at + size;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > PTRDIFF_MAX / 2) /* nothing that we parse; rounding and doubling must not wrap */
        abort();
    n = (n + 15) & ~(size_t)15;
    if (n > (size_t)(a->end - a->at))
        arena_grow(a, n);
    void *p = a->at;
    a->at += n;
    return p;
}

char *arena_copy(struct arena *a, const void *data, size_t n)
{
    char *p = arena_alloc(a, n + 1);
    if (n)
        memcpy(p, data, n);
    p[n] = 0;
    return p;
}

static void chunks_free(struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *next = c->next;
        free(c);
        c = next;
    }
}

void arena_reset(struct arena *a)
{
    if (!a->head)
        return;
    chunks_free(a->head->next); /* the head is the newest and so the largest */
    a->head->next = NULL;
    a->at = (uint8_t *)(a->head + 1);
    a->end = a->at + a->head->size;
}

void arena_free(struct arena *a)
{
    chunks_free(a->head);
    memset(a, 0, sizeof *a);
}
