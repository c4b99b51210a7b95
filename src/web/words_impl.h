/* What web/words/embed.py makes of the catalogues. */
#pragma once

#include "web/words.h"

struct words_entry {
    const char *key, *text;
};
struct words {
    const char *language;              /* NULL: behind the last */
    const struct words_entry *entries; /* by key, bytewise */
    size_t n;
};
extern const struct words words_table[];
