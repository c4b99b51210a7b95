/* Names: short texts by number, in the order in which they came, from 1. */
#pragma once

#include "base/buf.h"

#define NAMES_MAX 65535 /* further ones are number 0 */

struct names {
    struct buf *v;
    size_t n, cap;
    unsigned last; /* found last: the next one often is the same */
};

/* The name's number, made when it is new; 0 for an empty one. */
unsigned names_number(struct names *s, struct span name);
/* 0 when it is not there. */
unsigned names_find(const struct names *s, struct span name);
struct span names_text(const struct names *s, unsigned number);
void names_free(struct names *s);
void names_save(const struct names *s, struct buf *out);
/* Into an empty one, from the cursor. False: malformed. */
bool names_load(struct names *s, struct cur *c);
