#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool span_ieq(struct span a, struct span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        uint8_t x = a.p[i], y = b.p[i];
        if (x >= 'A' && x <= 'Z')
            x |= 0x20;
        if (y >= 'A' && y <= 'Z')
            y |= 0x20;
        if (x != y)
            return false;
    }
    return true;
}

int span_cmp(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

struct span span_trim(struct span s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_of(s.p + 1, s.n - 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

struct span cur_line(struct cur *c)
{
    size_t left = cur_left(c);
    const uint8_t *lf = left ? memchr(c->p, '\n', left) : NULL;
    struct span line = span_of(c->p, lf ? (size_t)(lf - c->p) : left);
    c->p = lf ? lf + 1 : c->end;
    return line;
}

/* Length of the sequence at p, 0 when it is malformed (table 3-7 of the Unicode standard). */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t c = p[0];
    if (c >= 0xc2 && c <= 0xdf)
        return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (c >= 0xe0 && c <= 0xef) {
        if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
            return 0;
        if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f))
            return 0;
        return 3;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        if (left < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
            return 0;
        if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
            return 0;
        return 4;
    }
    return 0;
}

/* Whether eight bytes are all ASCII and none is NUL: no high bit, and none appears on taking 1 from
 * each (a borrow into the next byte only follows a NUL). */
static bool is_plain8(uint64_t v)
{
    return !(((v - 0x0101010101010101u) | v) & 0x8080808080808080u);
}

/* The same for any number; most text is this, and short, so the last words overlap. */
static bool is_plain(const uint8_t *p, size_t n)
{
    uint64_t v = 0x0101010101010101u;
    if (n >= 8) {
        for (size_t i = 0; i + 8 <= n; i += 8) {
            memcpy(&v, p + i, 8);
            if (!is_plain8(v))
                return false;
        }
        memcpy(&v, p + n - 8, 8);
    } else if (n >= 4) {
        memcpy(&v, p, 4);
        memcpy((uint8_t *)&v + 4, p + n - 4, 4);
    } else {
        memcpy(&v, p, n);
    }
    return is_plain8(v);
}

bool span_is_plain(struct span s)
{
    return s.n == 0 || is_plain(s.p, s.n);
}

bool span_is_utf8(struct span s)
{
    if (span_is_plain(s))
        return true;
    const uint8_t *p = s.p, *end = s.p + s.n;
    while (p < end) {
        if (*p == 0)
            return false;
        if (*p < 0x80) {
            p++;
            continue;
        }
        size_t n = utf8_sequence(p, (size_t)(end - p));
        if (!n)
            return false;
        p += n;
    }
    return true;
}

void buf_free(struct buf *b)
{
    free(b->p);
    memset(b, 0, sizeof *b);
}

uint8_t *buf_grow(struct buf *b, size_t n)
{
    if (n > SIZE_MAX / 2 - b->n)
        abort();
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->n < n)
        cap *= 2;
    if (cap != b->cap) {
        b->p = realloc(b->p, cap);
        if (!b->p)
            abort();
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    char *at = (char *)buf_reserve(b, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(at, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}
