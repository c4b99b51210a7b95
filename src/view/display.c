#include "view/display.h"

struct range {
    uint32_t from, to;
};

/* Reads a character; n is its length. Bytes that are no UTF-8 give n 0. */
static uint32_t next_char(struct span s, size_t *n)
{
    uint8_t c = s.p[0];
    size_t k = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    *n = 0;
    if (c >= 0x80 && (k > s.n || !span_is_utf8(span_of(s.p, k))))
        return 0;
    *n = k;
    if (k == 1)
        return c;
    uint32_t v = c & (0x7fu >> k);
    for (size_t i = 1; i < k; i++)
        v = v << 6 | (s.p[i] & 0x3f);
    return v;
}

static bool in(const struct range *r, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (c >= r[i].from && c <= r[i].to)
            return true;
    return false;
}

/* What must not reach a terminal: controls, and format characters that reorder or hide. */
static bool unsafe(uint32_t c)
{
    static const struct range bad[] = {{0x00, 0x1f},     {0x7f, 0x9f},      {0xad, 0xad},
                                       {0x61c, 0x61c},   {0x180e, 0x180e},  {0x200b, 0x200f},
                                       {0x2028, 0x202e}, {0x2060, 0x206f},  {0xfeff, 0xfeff},
                                       {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    return in(bad, sizeof bad / sizeof *bad, c);
}

void display_put(struct buf *out, struct span s)
{
    while (s.n) {
        size_t run = 0;
        while (run < s.n && s.p[run] >= 0x20 && s.p[run] < 0x7f)
            run++;
        buf_put(out, s.p, run);
        s = span_of(s.p + run, s.n - run);
        if (s.n == 0)
            break;
        size_t n;
        uint32_t c = next_char(s, &n);
        if (n == 0 || (n == 1 && unsafe(c)))
            buf_printf(out, "\\x%02x", s.p[0]);
        else if (unsafe(c))
            buf_printf(out, "\\u{%04x}", (unsigned)c);
        else
            buf_put(out, s.p, n);
        n = n ? n : 1;
        s = span_of(s.p + n, s.n - n);
    }
}

/* Blocks of combining marks and of wide characters (Unicode 15, EastAsianWidth W and F and general
 * category Mn, by block: alignment only, so rare exceptions within a block do not matter). */
static unsigned char_width(uint32_t c)
{
    static const struct range none[] = {{0x300, 0x36f},   {0x483, 0x489},    {0x591, 0x5bd},
                                        {0x610, 0x61a},   {0x64b, 0x65f},    {0x1ab0, 0x1aff},
                                        {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},  {0xfe00, 0xfe0f},
                                        {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef}};
    static const struct range two[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x4dbf},
                                       {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},
                                       {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
                                       {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
                                       {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    if (c < 0x300)
        return 1;
    if (in(none, sizeof none / sizeof *none, c))
        return 0;
    return in(two, sizeof two / sizeof *two, c) ? 2 : 1;
}

unsigned display_width(struct span s)
{
    unsigned width = 0;
    while (s.n) {
        size_t n;
        uint32_t c = next_char(s, &n);
        width += n ? char_width(c) : 1;
        n = n ? n : 1;
        s = span_of(s.p + n, s.n - n);
    }
    return width;
}
