/* Where in text a URL may be: the places that url_find looks at. They are few, and found sixteen
 * bytes at a time where there is SSE2; the tests compare that with the bytewise loop. */
#pragma once

#include "base/buf.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* At i: a colon before a slash, a dot before a letter, or what may stand for a dot. */
static inline bool url_is_place(struct span t, size_t i)
{
    const uint8_t *p = t.p + i;
    size_t left = t.n - i;
    if (left < 3)
        return false;
    switch (*p) {
    case ':':
        return p[1] == '/' || p[1] == '\\';
    case '.':
        return p[1] > '/';
    case ' ':
        return (p[1] == '.' && p[2] == ' ') ||
               (left >= 5 && (p[1] | 0x20) == 'd' && (p[2] | 0x20) == 'o' && (p[3] | 0x20) == 't' &&
                p[4] == ' ') ||
               (left >= 5 && (p[1] == '[' || p[1] == '(' || p[1] == '{') &&
                (p[2] == '.' || (p[2] | 0x20) == 'd'));
    case '[':
        if (p[1] == ':')
            return true;
        /* fallthrough */
    case '(':
    case '{':
        return p[1] == '.' || (p[1] | 0x20) == 'd';
    case 0xe3:
        return p[1] == 0x80 && p[2] == 0x82;
    case 0xef:
        return (p[1] == 0xbc && p[2] == 0x8e) || (p[1] == 0xbd && p[2] == 0xa1);
    }
    return false;
}

/* The first place from i on; t.n when there is none. */
static inline size_t url_next_bytewise(struct span t, size_t i)
{
    while (i < t.n && !url_is_place(t, i))
        i++;
    return i;
}

#ifdef __SSE2__
static inline __m128i url_eq(__m128i v, char c)
{
    return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}

/* A superset of the places among sixteen bytes; 18 may be read. */
static inline unsigned url_places(const uint8_t *p)
{
    __m128i a = _mm_loadu_si128((const __m128i *)p), b = _mm_loadu_si128((const __m128i *)(p + 1)),
            c = _mm_loadu_si128((const __m128i *)(p + 2));
    __m128i low = _mm_set1_epi8(0x20), bl = _mm_or_si128(b, low), cl = _mm_or_si128(c, low);
    __m128i colon = _mm_and_si128(url_eq(a, ':'), _mm_or_si128(url_eq(b, '/'), url_eq(b, '\\')));
    __m128i above = _mm_set1_epi8('/' + 1);
    __m128i dot = _mm_and_si128(url_eq(a, '.'), _mm_cmpeq_epi8(_mm_max_epu8(b, above), b));
    __m128i open_a = _mm_or_si128(_mm_or_si128(url_eq(a, '['), url_eq(a, '(')), url_eq(a, '{'));
    __m128i bracket = _mm_and_si128(
        open_a, _mm_or_si128(_mm_or_si128(url_eq(b, '.'), url_eq(b, ':')), url_eq(bl, 'd')));
    __m128i open_b = _mm_or_si128(_mm_or_si128(url_eq(b, '['), url_eq(b, '(')), url_eq(b, '{'));
    __m128i spaced = _mm_and_si128(
        url_eq(a, ' '),
        _mm_or_si128(open_b, _mm_or_si128(_mm_and_si128(url_eq(b, '.'), url_eq(c, ' ')),
                                          _mm_and_si128(url_eq(bl, 'd'), url_eq(cl, 'o')))));
    __m128i wide = _mm_or_si128(_mm_and_si128(url_eq(a, (char)0xe3), url_eq(b, (char)0x80)),
                                url_eq(a, (char)0xef));
    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(_mm_or_si128(colon, dot), _mm_or_si128(bracket, spaced)), wide));
}

static inline size_t url_next(struct span t, size_t i)
{
    for (; i < t.n && t.n - i >= 18; i += 16)
        for (unsigned places = url_places(t.p + i); places; places &= places - 1) {
            size_t at = i + (unsigned)__builtin_ctz(places);
            if (url_is_place(t, at))
                return at;
        }
    return url_next_bytewise(t, i);
}
#else
#define url_next url_next_bytewise
#endif
