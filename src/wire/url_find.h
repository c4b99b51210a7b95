/* Where in text a URL may be: the places that url_find looks at. They are few, and found sixteen
 * bytes at a time where there is SSE2; the tests compare that with the bytewise loop. */
#pragma once

#include "base/buf.h"
#include "wire/mime_vector.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#ifdef VECTOR_AVX2
#include <immintrin.h>
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

#ifdef VECTOR_AVX2
/* Which of 32 bytes may be the first of a place, and which the second, by the halves of a byte: a
 * bit for each kind of place. They let through a little more than there is. */
#define URL_KINDS(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)
VECTOR_AVX2 static inline __m256i url_kinds(__m256i v, __m256i by_low, __m256i by_high)
{
    const __m256i half = _mm256_set1_epi8(0x0f);
    return _mm256_and_si256(
        _mm256_shuffle_epi8(by_low, _mm256_and_si256(v, half)),
        _mm256_shuffle_epi8(by_high, _mm256_and_si256(_mm256_srli_epi16(v, 4), half)));
}

/* url_next, 32 bytes at a time. 1: a colon and a slash; 2: a dot and what is above '/'; 4: a space
 * and a dot or bracket; 8: a bracket and a dot, colon or d; 16: wide dots; 32: a space and a d. */
VECTOR_AVX2 static inline size_t url_next_avx2(struct span t, size_t i)
{
    const __m256i first_low = URL_KINDS(4 | 32, 0, 0, 16, 0, 0, 0, 0, 8, 0, 1, 8, 0, 0, 2, 16),
                  first_high =
                      URL_KINDS(0, 0, 2 | 4 | 8 | 32, 1, 0, 8, 0, 8, 0, 0, 0, 0, 0, 0, 16, 0),
                  second_low = URL_KINDS(18, 18, 18, 18, 18 | 8 | 32, 18, 18, 18, 18 | 4, 18,
                                         18 | 8, 18 | 4, 18 | 1, 18, 18 | 4 | 8, 18 | 1),
                  second_high = URL_KINDS(0, 0, 1 | 4 | 8, 2 | 8, 2 | 8 | 32, 2 | 1 | 4, 2 | 8 | 32,
                                          2 | 4, 18, 18, 18, 18, 2, 2, 2, 2);
    for (; i < t.n && t.n - i >= 33; i += 32) {
        const uint8_t *p = t.p + i;
        __m256i a = url_kinds(_mm256_loadu_si256((const __m256i *)(const void *)p), first_low,
                              first_high),
                b = url_kinds(_mm256_loadu_si256((const __m256i *)(const void *)(p + 1)),
                              second_low, second_high);
        __m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(a, b), _mm256_setzero_si256());
        for (unsigned places = ~(unsigned)_mm256_movemask_epi8(none); places;
             places &= places - 1) {
            size_t at = i + (unsigned)__builtin_ctz(places);
            if (url_is_place(t, at))
                return at;
        }
    }
    return url_next_bytewise(t, i);
}
#undef URL_KINDS
#else
#define url_next_avx2 url_next
#endif
