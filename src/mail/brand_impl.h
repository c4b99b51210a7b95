/* Inside of brand: the register as its reader leaves it to the judge. */
#pragma once

#include "base/arena.h"
#include "mail/brand.h"
#include "mail/needle.h"
#include "mail/phrases.h"

struct near_word {
    uint64_t hash;    /* as words_read gives it */
    struct span text; /* as the register writes it, small letters: for URLs */
};

struct mark {
    struct span text;       /* as the register writes it */
    uint16_t brand, number; /* its brand's number-th */
    uint32_t near, nears;   /* where its context words begin, how many; 0: it needs none */
};

struct own {
    struct span domain; /* small letters */
    bool mailboxes;     /* anybody may have an address there */
};

struct brand {
    struct span name, owner, kind;
    uint32_t mark, marks;
    uint32_t domain, domains;
    unsigned line; /* of the file */
};

struct brands {
    struct arena arena;
    struct brand *brand;
    size_t n, cap;
    struct mark *mark;
    size_t marks, marks_cap;
    struct near_word *near;
    size_t nears, nears_cap;
    struct own *domain;
    size_t domains, domains_cap;
    struct phrases *phrases; /* values: marks */
    struct needles *needles;
};
