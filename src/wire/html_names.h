/* Tag and attribute names by one multiplication: a name's first eight letters, small, are a word;
 * its slot is the word times a constant found by search, so that no two of ours meet. */
#pragma once

#include "base/buf.h"

enum html_tag_flag {
    TAG_VOID = 1 << 0,     /* has no end */
    TAG_SPACE = 1 << 1,    /* ends the word */
    TAG_LINE = 1 << 2,     /* ends the line, before and after; beside the one above */
    TAG_SCOPE = 1 << 3,    /* end tags within close nothing outside */
    TAG_ENDS_P = 1 << 4,   /* a <p> ends where it begins */
    TAG_LIST = 1 << 5,     /* an <li> within ends none outside */
    TAG_RAW = 1 << 6,      /* up to its end tag there are no tags */
    TAG_PRE = 1 << 7,      /* line ends are kept */
    TAG_TABLE = 1 << 8,    /* cells and rows within end none outside */
    TAG_ROW = 1 << 9,      /* ends within its table */
    TAG_IMPLIES = 1 << 10, /* ends others, though nothing says so */
    TAG_ODD = 1 << 11,     /* is more than its style and its place */
};

enum html_tag {
    T_UNKNOWN,
#define TAG(id, word, n, flags) T_##id,
#define ATTR(id, word, n)
#include "wire/html_names.def"
#undef TAG
#undef ATTR
    T_COUNT,
};

enum html_attr {
    A_NONE,
#define TAG(id, word, n, flags)
#define ATTR(id, word, n) A_##id,
#include "wire/html_names.def"
#undef TAG
#undef ATTR
    A_COUNT,
};

struct html_name {
    uint64_t word;
    uint8_t id, n;
    uint16_t flags;
};

#define NAME_WORD(a, b, c, d, e, f, g, h)                                                          \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 |              \
     (uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)
#define TAG_SLOT(word)  ((word)*0xca7bbf8bfd6f0337u >> 55)
#define ATTR_SLOT(word) ((word)*0xa81aa40a2b0b8c13u >> 59)

/* Two names in one slot: the compiler warns of an entry that is overwritten. */
static const struct html_name html_tags[512] = {
#define W(...)                  NAME_WORD(__VA_ARGS__)
#define TAG(id, word, n, flags) [TAG_SLOT(word)] = {word, T_##id, n, flags},
#define ATTR(id, word, n)
#include "wire/html_names.def"
#undef TAG
#undef ATTR
};
static const struct html_name html_attrs[32] = {
#define TAG(id, word, n, flags)
#define ATTR(id, word, n) [ATTR_SLOT(word)] = {word, A_##id, n, 0},
#include "wire/html_names.def"
#undef TAG
#undef ATTR
#undef W
};

/* Near the input's end. */
static __attribute__((noinline, unused)) uint64_t html_name_tail(const uint8_t *p, size_t n)
{
    uint64_t w = 0;
    memcpy(&w, p, n);
    return w;
}

/* The first eight bytes of a name as a word, letters small; `left` bytes may be read. */
static inline uint64_t html_name_word(const uint8_t *p, size_t n, size_t left)
{
    uint64_t w;
    if (left >= 8) {
        memcpy(&w, p, 8);
        if (n < 8)
            w &= ((uint64_t)1 << 8 * n) - 1;
    } else {
        w = html_name_tail(p, n);
    }
    uint64_t bit = (w & 0x4040404040404040u) >> 1; /* @A-Z[\]^_ and the small ones get it */
    return w | bit;
}

static inline const struct html_name *html_tag_find(uint64_t word, size_t n)
{
    const struct html_name *t = &html_tags[TAG_SLOT(word)];
    return t->word == word && t->n == n ? t : NULL;
}

static inline enum html_attr html_attr_find(uint64_t word, size_t n)
{
    const struct html_name *a = &html_attrs[ATTR_SLOT(word)];
    return a->word == word && a->n == n ? (enum html_attr)a->id : A_NONE;
}
