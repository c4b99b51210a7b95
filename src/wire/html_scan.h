/* The loops over bytes of html.c, sixteen at a time where there is SSE2 (each x86-64 has it). The
 * others are always there, and the tests compare both. */
#pragma once

#include "base/buf.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool html_is_white(uint8_t c)
{
    return c <= ' ' &&
           (1ull << c & (1ull << ' ' | 1ull << '\t' | 1ull << '\n' | 1ull << '\f' | 1ull << '\r'));
}

static inline bool html_is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* Behind a '<': a tag, a comment or the like; else it is text. */
static inline bool html_opens(uint8_t c)
{
    return html_is_letter(c) || c == '/' || c == '!' || c == '?';
}

static inline bool html_ends_name(uint8_t c)
{
    return c <= '>' && (1ull << c & (1ull << ' ' | 1ull << '\t' | 1ull << '\n' | 1ull << '\f' |
                                     1ull << '\r' | 1ull << '/' | 1ull << '>'));
}

static inline bool html_ends_attr(uint8_t c)
{
    return html_ends_name(c) || c == '=';
}

/* Where the byte is; end when it is not there. */
static inline const uint8_t *html_find_bytewise(const uint8_t *p, const uint8_t *end, uint8_t byte)
{
    while (p < end && *p != byte)
        p++;
    return p;
}

/* Copies text: at least the first byte, up to one that needs a closer look (white space but for
 * single spaces within text, '<', '&', control bytes, a no-break space's first byte). Returns where
 * that is. 16 bytes more than are copied may be written. */
static inline const uint8_t *html_copy_bytewise(uint8_t **out, const uint8_t *p, const uint8_t *end)
{
    uint8_t *w = *out;
    do {
        *w++ = *p++;
        if (p == end || *p < ' ' || *p == '<' || *p == '&' || *p == 0xc2)
            break;
        if (*p == ' ' &&
            (p + 1 == end || p[1] <= ' ' || p[1] == '<' || p[1] == '&' || p[1] == 0xc2))
            break;
    } while (true);
    *out = w;
    return p;
}

#ifdef __SSE2__
static inline const uint8_t *html_find(const uint8_t *p, const uint8_t *end, uint8_t byte)
{
    const __m128i want = _mm_set1_epi8((char)byte);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, want));
        if (found)
            return p + __builtin_ctz(found);
    }
    return html_find_bytewise(p, end, byte);
}

static inline const uint8_t *html_copy(uint8_t **out, const uint8_t *p, const uint8_t *end)
{
    const __m128i lt = _mm_set1_epi8('<'), amp = _mm_set1_epi8('&'), control = _mm_set1_epi8(0x1f),
                  nbsp = _mm_set1_epi8((char)0xc2), space = _mm_set1_epi8(' ');
    uint8_t *w = *out;
    *w++ = *p++;
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        _mm_storeu_si128((__m128i *)w, v);
        __m128i stops = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(v, lt), _mm_cmpeq_epi8(v, amp)),
            _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, control), v), _mm_cmpeq_epi8(v, nbsp)));
        unsigned stop = (unsigned)_mm_movemask_epi8(stops);
        unsigned spaces = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, space));
        stop |= spaces & ((stop | spaces) >> 1 | 0x8000); /* the last one's next is not known */
        if (stop) {
            unsigned n = (unsigned)__builtin_ctz(stop);
            *out = w + n;
            return p + n;
        }
        p += 16;
        w += 16;
    }
    *out = w;
    if (p == end || *p < ' ' || *p == '<' || *p == '&' || *p == 0xc2 || *p == ' ')
        return p;
    return html_copy_bytewise(out, p, end);
}
#else
#define html_find html_find_bytewise
#define html_copy html_copy_bytewise
#endif
