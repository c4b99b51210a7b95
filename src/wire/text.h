/* Pieces of text protocols. */
#pragma once

#include "base/buf.h"

static inline bool text_is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static inline bool text_is_space_or_end(uint8_t c)
{
    return text_is_space(c) || c == '\r' || c == '\n';
}

/* s without its first n bytes. */
static inline struct span text_behind(struct span s, size_t n)
{
    return span_of(s.p + n, s.n - n);
}

static inline struct span text_trim_start(struct span s)
{
    while (s.n && text_is_space(*s.p))
        s = text_behind(s, 1);
    return s;
}

static inline struct span text_trim_end(struct span s)
{
    while (s.n && text_is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* White space off both ends; line endings too, for folded values. */
static inline struct span text_trim_lines(struct span s)
{
    while (s.n && text_is_space_or_end(s.p[s.n - 1]))
        s.n--;
    while (s.n && text_is_space_or_end(*s.p))
        s = text_behind(s, 1);
    return s;
}

static inline uint8_t text_lower(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c;
}

/* Starts with the word, which is in small letters, in any case. */
static inline bool text_starts(struct span s, const char *word)
{
    size_t i = 0;
    while (word[i] && i < s.n && text_lower(s.p[i]) == (uint8_t)word[i])
        i++;
    return word[i] == 0;
}

/* The same as a whole. */
static inline bool text_is(struct span s, const char *word)
{
    return s.n == strlen(word) && text_starts(s, word);
}

/* Offset of the byte, s.n when it is not there. */
static inline size_t text_find(struct span s, uint8_t byte)
{
    const uint8_t *at = s.n ? memchr(s.p, byte, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

/* A decimal number as a whole; false when it is none or over 64 bits. */
static inline bool text_number(struct span s, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, s.p[i] - '0', &v))
            return false;
    }
    *out = v;
    return s.n > 0;
}

/* Appends the words whose bits are set, in the table's order, separated by spaces. */
static inline void text_bit_words(uint32_t bits, const char *const *words, size_t n,
                                  struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        if (!(bits >> i & 1))
            continue;
        if (!first)
            buf_byte(out, ' ');
        buf_str(out, words[i]);
        first = false;
    }
}
