#include "app/public/wipe.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How clang says it. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)

/* glibc's own, which free() and realloc() of a program may stand before ("Replacing malloc", in its
 * manual): all libraries that the program is linked with call these here. */
void __libc_free(void *p);
void *__libc_malloc(size_t n);
void *__libc_realloc(void *p, size_t n);

static bool wiping;

void wipe_what_is_freed(void)
{
    wiping = true;
}

void free(void *p)
{
    if (wiping && p)
        explicit_bzero(p, malloc_usable_size(p));
    __libc_free(p);
}

/* What moves leaves nothing where it was; what shrinks keeps its place. */
void *realloc(void *p, size_t n)
{
    if (!wiping || !p)
        return __libc_realloc(p, n);
    size_t had = malloc_usable_size(p);
    if (!n) {
        free(p);
        return NULL;
    }
    if (n <= had) {
        explicit_bzero((char *)p + n, had - n);
        return p;
    }
    void *moved = __libc_malloc(n);
    if (!moved)
        return NULL;
    memcpy(moved, p, had);
    free(p);
    return moved;
}

#else

void wipe_what_is_freed(void)
{
}

#endif
