#include "sim/mail_encode.h"

#include "sim/rng.h"

#define LINE_MAX_ENCODED 76
#define GIF_RUN          126 /* codes before a clear code: the code's width stays eight bits */

void mail_wrap(struct span text, unsigned width, struct buf *out)
{
    const uint8_t *p = text.p, *end = text.p + text.n;
    uint8_t *to = buf_reserve(out, text.n * 2 + 2);
    while (p < end) {
        const uint8_t *lf = memchr(p, '\n', (size_t)(end - p)), *stop = lf ? lf + 1 : end;
        while ((size_t)(stop - p) > width) {
            const uint8_t *cut = p + width;
            while (cut > p && *cut != ' ')
                cut--;
            if (cut == p && !(cut = memchr(p + width, ' ', (size_t)(stop - p) - width)))
                break;
            memcpy(to, p, (size_t)(cut - p));
            to += cut - p;
            *to++ = '\r';
            *to++ = '\n';
            p = cut + 1;
        }
        memcpy(to, p, (size_t)(stop - p));
        to += stop - p;
        p = stop;
    }
    out->n = (size_t)(to - out->p);
}

/* What may stand as it is; spaces are looked at on their own. */
static bool is_literal(uint8_t c)
{
    return c > ' ' && c < 0x7f && c != '=';
}

static uint8_t *put_escaped(uint8_t c, uint8_t *to)
{
    static const char hex[] = "0123456789ABCDEF";
    to[0] = '=';
    to[1] = (uint8_t)hex[c >> 4];
    to[2] = (uint8_t)hex[c & 15];
    return to + 3;
}

void mail_put_quoted(struct span text, struct buf *out)
{
    uint8_t *to = buf_reserve(out, text.n * 3 + text.n / 8 + 16);
    const uint8_t *p = text.p, *end = text.p + text.n;
    unsigned column = 0;
    while (p < end) {
        unsigned left = LINE_MAX_ENCODED - 1 - column;
        const uint8_t *stop = (size_t)(end - p) < left ? end : p + left, *from = p;
        while (p < stop && (is_literal(*p) || (*p == ' ' && p + 1 < end && p[1] != '\r')))
            *to++ = *p++;
        column += (unsigned)(p - from);
        if (p == end)
            break;
        if (*p == '\r' && p + 1 < end && p[1] == '\n') {
            *to++ = *p++;
            *to++ = *p++;
            column = 0;
        } else if (p < stop && column + 3 < LINE_MAX_ENCODED) {
            to = put_escaped(*p++, to);
            column += 3;
        } else {
            memcpy(to, "=\r\n", 3);
            to += 3;
            column = 0;
        }
    }
    out->n = (size_t)(to - out->p);
}

static uint8_t *base64_group(const uint8_t *p, size_t left, uint8_t *to)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t v =
        (uint32_t)p[0] << 16 | (left > 1 ? (uint32_t)p[1] << 8 : 0) | (left > 2 ? p[2] : 0);
    to[0] = (uint8_t)digit[v >> 18];
    to[1] = (uint8_t)digit[v >> 12 & 63];
    to[2] = left > 1 ? (uint8_t)digit[v >> 6 & 63] : '=';
    to[3] = left > 2 ? (uint8_t)digit[v & 63] : '=';
    return to + 4;
}

void mail_put_base64(struct span bytes, struct buf *out)
{
    uint8_t *to = buf_reserve(out, bytes.n / 3 * 4 + bytes.n / 28 + 16);
    for (size_t line = 0; line < bytes.n; line += 57) {
        size_t end = line + 57 < bytes.n ? line + 57 : bytes.n;
        for (size_t i = line; i < end; i += 3)
            to = base64_group(bytes.p + i, end - i, to);
        *to++ = '\r';
        *to++ = '\n';
    }
    out->n = (size_t)(to - out->p);
}

void mail_put_encoded_word(struct span text, const char *charset, struct buf *out)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = text.n - i > 45 ? 45 : text.n - i;
        while (i + n < text.n && (text.p[i + n] & 0xc0) == 0x80)
            n--; /* a character is not cut */
        buf_str(out, i ? "\r\n =?" : "=?");
        buf_str(out, charset);
        buf_str(out, "?B?");
        uint8_t *to = buf_reserve(out, 64), *from = to;
        for (size_t k = 0; k < n; k += 3)
            to = base64_group(text.p + i + k, n - k, to);
        out->n += (size_t)(to - from);
        buf_str(out, "?=");
        i += n;
    }
}

void mail_put_gif(unsigned width, unsigned height, uint64_t seed, unsigned noise, uint64_t other,
                  struct buf *out)
{
    uint8_t head[] = "GIF89a\0\0\0\0\xf6\0\0";
    size_t pixels = (size_t)width * height;
    struct rng r = {seed}, more = {other};
    head[6] = (uint8_t)width;
    head[7] = (uint8_t)(width >> 8);
    head[8] = (uint8_t)height;
    head[9] = (uint8_t)(height >> 8);
    buf_put(out, head, 13);
    for (unsigned i = 0; i < 128; i++) { /* the palette, of the same seed */
        uint64_t v = rng_next(&r);
        buf_put(out, &v, 3);
    }
    uint8_t frame[] = "\x2c\0\0\0\0\0\0\0\0\0\x07";
    memcpy(frame + 5, head + 6, 4);
    buf_put(out, frame, 11);
    /* Codes of eight bits that are no more than the pixels: a clear code comes before they could
     * grow. In blocks of 254, two runs each. */
    size_t codes = pixels + (pixels + GIF_RUN - 1) / GIF_RUN + 1, done = 0, at = 0;
    uint8_t *to = buf_reserve(out, codes + codes / 254 + 8);
    uint64_t bits = 0;
    for (size_t block = 0; block < codes; block += 254) {
        size_t n = codes - block < 254 ? codes - block : 254;
        *to++ = (uint8_t)n;
        for (size_t i = 0; i < n; i++, at++) {
            if (at == codes - 1) {
                *to++ = 0x81;
            } else if (at % (GIF_RUN + 1) == 0) {
                *to++ = 0x80;
            } else {
                if (done++ % 8 == 0)
                    bits = rng_next(&r);
                *to++ = (uint8_t)(bits & 0x7f);
                bits >>= 8;
            }
        }
    }
    *to++ = 0;
    *to++ = ';';
    size_t first = out->n;
    out->n = (size_t)(to - out->p);
    for (unsigned i = 0; i < noise; i++) { /* some of the pixels differ */
        size_t where = first + rng_below(&more, out->n - 2 - first),
               in_block = (where - first) % 255;
        size_t code = (where - first) / 255 * 254 + in_block - 1;
        if (in_block && code < codes - 1 && code % (GIF_RUN + 1))
            out->p[where] = (uint8_t)(rng_next(&more) & 0x7f);
    }
}
