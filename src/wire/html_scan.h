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

/* Within tags all control bytes are white space. */
static inline bool html_ends_value(uint8_t c)
{
    return c <= ' ' || c == '>';
}

static inline bool html_ends_name(uint8_t c)
{
    return c <= ' ' || c == '>' || c == '/';
}

static inline bool html_ends_attr(uint8_t c)
{
    return c <= ' ' || c == '>' || c == '/' || c == '=';
}

/* Where the byte is; end when it is not there. */
static inline const uint8_t *html_find_bytewise(const uint8_t *p, const uint8_t *end, uint8_t byte)
{
    while (p < end && *p != byte)
        p++;
    return p;
}

/* The ends of a tag's name, of an attribute's, and of a value without quotes. */
static inline const uint8_t *html_name_end_bytewise(const uint8_t *p, const uint8_t *end)
{
    while (p < end && !html_ends_name(*p))
        p++;
    return p;
}

static inline const uint8_t *html_attr_end_bytewise(const uint8_t *p, const uint8_t *end)
{
    while (p < end && !html_ends_attr(*p))
        p++;
    return p;
}

static inline const uint8_t *html_value_end_bytewise(const uint8_t *p, const uint8_t *end)
{
    while (p < end && !html_ends_value(*p))
        p++;
    return p;
}

enum html_blank { HTML_CONTROLS, HTML_WHITE = 1, HTML_LINE_END = 2 };

/* Behind white space and control bytes; what they were is added to *kinds. */
static inline const uint8_t *html_blank_bytewise(const uint8_t *p, const uint8_t *end,
                                                 unsigned *kinds)
{
    for (; p < end && *p <= ' '; p++) {
        *kinds |= html_is_white(*p) ? HTML_WHITE : HTML_CONTROLS;
        *kinds |= *p == '\n' ? HTML_LINE_END : 0;
    }
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
/* Which bytes are white space or control bytes; which are the byte `c`. */
static inline __m128i html_low(__m128i v)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(' ')), v);
}

static inline __m128i html_eq(__m128i v, uint8_t c)
{
    return _mm_cmpeq_epi8(v, _mm_set1_epi8((char)c));
}

/* As bits. */
static inline unsigned html_bits(__m128i v)
{
    return (unsigned)_mm_movemask_epi8(v);
}

static inline unsigned html_blanks(__m128i v)
{
    return html_bits(html_low(v));
}

static inline unsigned html_are(__m128i v, uint8_t c)
{
    return html_bits(html_eq(v, c));
}

#define HTML_SIXTEEN(p) _mm_loadu_si128((const __m128i *)(p))

static inline const uint8_t *html_find(const uint8_t *p, const uint8_t *end, uint8_t byte)
{
    for (; end - p >= 16; p += 16) {
        unsigned found = html_are(HTML_SIXTEEN(p), byte);
        if (found)
            return p + __builtin_ctz(found);
    }
    return html_find_bytewise(p, end, byte);
}

static inline const uint8_t *html_name_end(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i v = HTML_SIXTEEN(p);
        unsigned found =
            html_bits(_mm_or_si128(_mm_or_si128(html_low(v), html_eq(v, '>')), html_eq(v, '/')));
        if (found)
            return p + __builtin_ctz(found);
    }
    return html_name_end_bytewise(p, end);
}

static inline const uint8_t *html_attr_end(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i v = HTML_SIXTEEN(p);
        unsigned found = html_bits(_mm_or_si128(_mm_or_si128(html_low(v), html_eq(v, '>')),
                                                _mm_or_si128(html_eq(v, '/'), html_eq(v, '='))));
        if (found)
            return p + __builtin_ctz(found);
    }
    return html_attr_end_bytewise(p, end);
}

static inline const uint8_t *html_value_end(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i v = HTML_SIXTEEN(p);
        unsigned found = html_bits(_mm_or_si128(html_low(v), html_eq(v, '>')));
        if (found)
            return p + __builtin_ctz(found);
    }
    return html_value_end_bytewise(p, end);
}

static inline const uint8_t *html_blank(const uint8_t *p, const uint8_t *end, unsigned *kinds)
{
    while (end - p >= 16) {
        __m128i v = HTML_SIXTEEN(p);
        unsigned n = (unsigned)__builtin_ctz(~html_blanks(v)), run = (1u << n) - 1;
        unsigned line = html_are(v, '\n') & run;
        unsigned white = html_bits(_mm_or_si128(_mm_or_si128(html_eq(v, ' '), html_eq(v, '\r')),
                                                _mm_or_si128(html_eq(v, '\t'), html_eq(v, '\f')))) &
                         run;
        *kinds |= (line ? HTML_LINE_END | HTML_WHITE : 0) | (white ? HTML_WHITE : 0);
        p += n;
        if (n < 16)
            return p;
    }
    return html_blank_bytewise(p, end, kinds);
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
#define html_find      html_find_bytewise
#define html_name_end  html_name_end_bytewise
#define html_attr_end  html_attr_end_bytewise
#define html_value_end html_value_end_bytewise
#define html_blank     html_blank_bytewise
#define html_copy      html_copy_bytewise
#endif
