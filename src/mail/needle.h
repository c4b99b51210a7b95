/* Needles: names looked for in host names, paths and file names, where words stand without spaces:
 * "bankofamerica-login", "buy-v1agra". Letters are compared without case, digits and signs with the
 * letters that they stand for (0 o, 1 i l, 3 e, 4 a, 5 s), hyphens and the like do not count. */
#pragma once

#include "base/buf.h"

#define NEEDLE_MIN 3
#define NEEDLE_MAX 48
#define NEEDLE_GLUED_MIN                                                                           \
    5 /* letters of one that is found within a longer word, at its start or end */
#define NEEDLE_NAME_MAX 256 /* bytes of a name that are looked at */

struct needles;
struct needle_hit {
    uint32_t value;
    bool disguised; /* digits or signs for letters */
    bool glued;     /* a part of a longer word: "buyviagra" */
};

struct needles *needles_new(void);
void needles_free(struct needles *n);
/* NULL, or why it is none. `glued`: also at the start or end of a longer word. */
const char *needles_add(struct needles *n, struct span text, bool glued, uint32_t value);
void needles_seal(struct needles *n);
/* `name`: ASCII; other bytes end a word. At most `max`. */
unsigned needles_find(const struct needles *n, struct span name, struct needle_hit *out,
                      unsigned max);
