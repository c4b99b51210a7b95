/* Pieces of HTTP texts: words in them, and comma-separated header values with qualities (RFC 9110,
 * 5.6.1 and 12.4.2). */
#pragma once

#include "wire/text.h"

#define HTTP_QUALITY_MAX 1000 /* q=1 */

/* The word, which is in small letters, anywhere in s and in any case. */
static inline bool http_has_word(struct span s, const char *word)
{
    for (; s.n; s = text_behind(s, 1))
        if (text_starts(s, word))
            return true;
    return false;
}

/* The next member, trimmed, empty ones left out. False at the end. */
static inline bool http_list_next(struct cur *c, struct span *member)
{
    while (cur_left(c)) {
        size_t n = text_find(span_of(c->p, cur_left(c)), ',');
        *member = text_trim_lines(span_of(c->p, n));
        c->p += n < cur_left(c) ? n + 1 : n;
        if (member->n)
            return true;
    }
    return false;
}

/* "0", "0.5", "1.000" in thousandths; -1 when it is none. */
static inline int http_quality(struct span s)
{
    if (s.n == 0 || s.n > 5 || (*s.p != '0' && *s.p != '1') || (s.n > 1 && s.p[1] != '.'))
        return -1;
    int q = *s.p == '1' ? HTTP_QUALITY_MAX : 0, unit = 100;
    for (size_t i = 2; i < s.n; i++, unit /= 10) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        q += (s.p[i] - '0') * unit;
    }
    return q > HTTP_QUALITY_MAX ? -1 : q;
}

/* Splits a member into its value and its quality: 1000 where none is given, -1 for one that is
 * none. */
static inline int http_list_quality(struct span member, struct span *value)
{
    size_t n = text_find(member, ';');
    int quality = HTTP_QUALITY_MAX;
    *value = text_trim_end(span_of(member.p, n));
    while (n < member.n) {
        struct span rest = text_behind(member, n + 1);
        size_t len = text_find(rest, ';');
        struct span param = text_trim_lines(span_of(rest.p, len));
        if (text_starts(param, "q="))
            quality = http_quality(text_behind(param, 2));
        n += 1 + len;
    }
    return quality;
}
