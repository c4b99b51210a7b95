#include "web/html.h"

#include <stdio.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define THIN_SPACE  "\xe2\x80\xaf" /* U+202F, narrow and without a break */
#define UTF8_MAX    4

/* Length of the well-formed sequence at p (RFC 3629, 4), and its code point; 0: there is none. */
static size_t sequence(const uint8_t *p, size_t n, uint32_t *code)
{
    size_t want = p[0] < 0x80   ? 1
                  : p[0] < 0xc2 ? 0
                  : p[0] < 0xe0 ? 2
                  : p[0] < 0xf0 ? 3
                  : p[0] < 0xf5 ? 4
                                : 0;
    if (!want || want > n)
        return 0;
    uint32_t c = want == 1 ? p[0] : p[0] & (0x7fu >> want);
    for (size_t i = 1; i < want; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if ((want == 3 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))) ||
        (want == UTF8_MAX && (c < 0x10000 || c > 0x10ffff)))
        return 0;
    *code = c;
    return want;
}

/* What could hide or reorder what stands beside it: controls, marks and overrides of direction
 * (UAX 9), separators of lines, tags, and what is no character. */
static bool is_hidden(uint32_t c)
{
    if (c < 0x20)
        return c != '\t' && c != '\n';
    return (c >= 0x7f && c <= 0x9f) || c == 0x061c ||
           (c >= 0x200b && c <= 0x200f && c != 0x200c && c != 0x200d) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

static const char *escape_of(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void html_text(struct buf *out, struct span s)
{
    size_t at = 0;
    while (at < s.n) {
        uint32_t code = 0;
        size_t n = sequence(s.p + at, s.n - at, &code);
        const char *escape = n == 1 ? escape_of(s.p[at]) : NULL;
        if (escape)
            buf_str(out, escape);
        else if (!n || is_hidden(code))
            buf_str(out, REPLACEMENT);
        else
            buf_put(out, s.p + at, n);
        at += n ? n : 1;
    }
}

void html_str(struct buf *out, const char *s)
{
    html_text(out, span_str(s));
}

void html_attribute(struct buf *out, const char *name, struct span value)
{
    buf_printf(out, " %s=\"", name);
    html_text(out, value);
    buf_byte(out, '"');
}

void html_count(struct buf *out, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf_str(out, THIN_SPACE);
        buf_byte(out, (uint8_t)digits[i]);
    }
}

void html_url_part(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' ||
            c == '.' || c == '_' || c == '~')
            buf_byte(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}
