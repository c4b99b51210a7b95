/* Texts: numbers for many texts, from 0 in the order in which they came; looked up by hash. For
 * what names.h is too small for. Texts may hold any bytes. One thread. */
#pragma once

#include "base/buf.h"

#define TEXTS_NONE UINT32_MAX

struct texts {
    struct buf pool;
    uint64_t *ends; /* of each in the pool */
    size_t n, cap;
    uint32_t *slots; /* number + 1; open addressing */
    size_t size;
};

/* Its number, made when it is new. */
uint32_t texts_number(struct texts *t, struct span text);
/* TEXTS_NONE when it is not there. */
uint32_t texts_find(const struct texts *t, struct span text);
/* Valid until the next one is made. */
struct span texts_at(const struct texts *t, uint32_t number);
void texts_free(struct texts *t);
/* Appended; read back from the cursor into an empty one. False: malformed. */
void texts_save(const struct texts *t, struct buf *out);
bool texts_load(struct texts *t, struct cur *c);
