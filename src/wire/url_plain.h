/* The usual URL, "http://www.example.com/path?query" in small letters, looked at sixteen bytes at a
 * time where there is SSE2. Whatever else there may be is for the long way; the tests compare
 * both. */
#pragma once

#include "base/buf.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    URL_PLAIN_MIN = 9,   /* bytes of the shortest: "http://x." */
    URL_PLAIN_HOST = 63, /* no label of a host that is no longer can be too long */
};

/* At "http://" or "https://": its length, 0 for none. Eight bytes are read. */
static inline size_t url_plain_scheme(const uint8_t *p)
{
    if (memcmp(p, "http", 4) != 0)
        return 0;
    if (memcmp(p + 4, "://", 3) == 0)
        return 7;
    return memcmp(p + 4, "s://", 4) == 0 ? 8 : 0;
}

/* Bytes of plain hosts: what the label is made of, and the dot. */
enum { URL_HOST_BYTE = 1, URL_HOST_LETTER = 2, URL_HOST_DOT = 4 };
static const uint8_t url_host_bytes[256] = {
    ['0' ... '9'] = URL_HOST_BYTE, ['-'] = URL_HOST_BYTE,
    ['_'] = URL_HOST_BYTE,         ['a' ... 'z'] = URL_HOST_BYTE | URL_HOST_LETTER,
    ['.'] = URL_HOST_DOT,
};

/* The length of the host at the start of s: small letters, digits, single dots, the last label
 * begins with a letter: surely a name as it stands. 0 where it is none such. */
static inline size_t url_plain_host(struct span s)
{
    size_t n = 0;
    unsigned before = URL_HOST_DOT,
             last = 0; /* kinds of the byte before, and of the last label's first */
    for (; n < s.n && n <= URL_PLAIN_HOST; n++) {
        unsigned kind = url_host_bytes[s.p[n]];
        if (!kind)
            break;
        if (before & URL_HOST_DOT) {
            if (kind & URL_HOST_DOT)
                return 0;
            last = kind;
        }
        before = kind;
    }
    return n <= URL_PLAIN_HOST && (last & URL_HOST_LETTER) && !(before & URL_HOST_DOT) ? n : 0;
}

/* Where the first '?' and the first '#' are; the length where there is none. */
struct url_marks {
    size_t query, fragment;
};

/* False when there are control bytes. */
static inline bool url_marks_bytewise(struct span s, struct url_marks *m)
{
    m->query = m->fragment = s.n;
    for (size_t i = s.n; i-- > 0;) {
        if (s.p[i] <= '\r')
            return false;
        if (s.p[i] == '?')
            m->query = i;
        else if (s.p[i] == '#')
            m->fragment = i;
    }
    return true;
}

/* A pair of bytes that each "http" and each "www." has: no other URL is in there without it. */
static inline bool url_may_hold_bytewise(struct span s)
{
    for (size_t i = 0; i + 1 < s.n; i++) {
        uint8_t a = s.p[i] | 0x20, b = s.p[i + 1] | 0x20;
        if ((a == 't' && b == 'p') || (a == 'w' && b == 'w'))
            return true;
    }
    return false;
}

/* Where in p[i, n) a URL may end: n, or a byte that is none of its own, or of no ASCII. */
static inline size_t url_next_end_bytewise(const uint8_t *p, size_t i, size_t n)
{
    while (i < n && p[i] > ' ' && p[i] < 0x7f && p[i] != '<' && p[i] != '>' && p[i] != '"' &&
           p[i] != '`')
        i++;
    return i;
}

#ifdef __SSE2__
#define URL_SIXTEEN(p) _mm_loadu_si128((const __m128i *)(const void *)(p))

static inline __m128i url_are(__m128i v, char c)
{
    return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}

static inline bool url_marks(struct span s, struct url_marks *m)
{
    if (s.n < 16)
        return url_marks_bytewise(s, m);
    __m128i controls = _mm_setzero_si128();
    const __m128i top = _mm_set1_epi8('\r');
    m->query = m->fragment = s.n;
    for (size_t at = s.n;;) { /* from the end: what is nearer to the start counts */
        at = at > 16 ? at - 16 : 0;
        __m128i v = URL_SIXTEEN(s.p + at);
        unsigned query = (unsigned)_mm_movemask_epi8(url_are(v, '?')),
                 fragment = (unsigned)_mm_movemask_epi8(url_are(v, '#'));
        controls = _mm_or_si128(controls, _mm_cmpeq_epi8(_mm_min_epu8(v, top), v));
        if (query)
            m->query = at + (unsigned)__builtin_ctz(query);
        if (fragment)
            m->fragment = at + (unsigned)__builtin_ctz(fragment);
        if (at == 0)
            break;
    }
    return !_mm_movemask_epi8(controls);
}

static inline size_t url_next_end(const uint8_t *p, size_t i, size_t n)
{
    const __m128i blank = _mm_set1_epi8(' ');
    for (; n - i >= 16; i += 16) {
        __m128i v = URL_SIXTEEN(p + i);
        __m128i ends = _mm_or_si128(_mm_or_si128(url_are(v, '<'), url_are(v, '>')),
                                    _mm_or_si128(url_are(v, '"'), url_are(v, '`')));
        ends = _mm_or_si128(ends, _mm_cmpeq_epi8(_mm_min_epu8(v, blank), v));
        /* those above ASCII have their bit already */
        unsigned found =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(ends, url_are(v, 0x7f)), v));
        if (found)
            return i + (unsigned)__builtin_ctz(found);
    }
    return url_next_end_bytewise(p, i, n);
}

static inline __m128i url_pairs(const uint8_t *p)
{
    const __m128i small = _mm_set1_epi8(0x20);
    __m128i a = _mm_or_si128(URL_SIXTEEN(p), small), b = _mm_or_si128(URL_SIXTEEN(p + 1), small);
    return _mm_or_si128(_mm_and_si128(url_are(a, 't'), url_are(b, 'p')),
                        _mm_and_si128(url_are(a, 'w'), url_are(b, 'w')));
}

static inline bool url_may_hold(struct span s)
{
    if (s.n < 17)
        return url_may_hold_bytewise(s);
    size_t at = 0;
    __m128i found = url_pairs(s.p + s.n - 17);
    for (; s.n - at >= 33; at += 16)
        found = _mm_or_si128(found, url_pairs(s.p + at));
    if (s.n - at > 17)
        found = _mm_or_si128(found, url_pairs(s.p + at));
    return _mm_movemask_epi8(found) != 0;
}
#else
#define url_next_end url_next_end_bytewise
#define url_marks    url_marks_bytewise
#define url_may_hold url_may_hold_bytewise
#endif
