#include "base/digest.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

void sha256_begin(sha256_ctx *c)
{
    SHA256_Init(c);
}

void sha256_add(sha256_ctx *c, const void *p, size_t n)
{
    SHA256_Update(c, p, n);
}

void sha256_end(sha256_ctx *c, uint8_t out[SHA256_LEN])
{
    SHA256_Final(out, c);
}

void sha256(const void *p, size_t n, uint8_t out[SHA256_LEN])
{
    sha256_ctx c;
    SHA256_Init(&c);
    SHA256_Update(&c, p, n);
    SHA256_Final(out, &c);
}

static uint32_t crc32c_scalar(uint32_t crc, const uint8_t *p, size_t n)
{
    while (n--) {
        crc ^= *p++;
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p,
                                                               size_t n)
{
    uint64_t c = crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        c = _mm_crc32_u64(c, v);
    }
    crc = (uint32_t)c;
    while (n--)
        crc = _mm_crc32_u8(crc, *p++);
    return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    crc = ~crc;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc32c_sse42(crc, p, n);
#endif
    return ~crc32c_scalar(crc, p, n);
}

void hex_encode(const uint8_t *p, size_t n, char *out)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digit[p[i] >> 4];
        *out++ = digit[p[i] & 15];
    }
    *out = 0;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct span text, uint8_t *out, size_t n)
{
    if (text.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int hi = hex_value(text.p[2 * i]), lo = hex_value(text.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

static const char base64_digit[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_group(uint8_t out[4], uint32_t v)
{
    out[0] = (uint8_t)base64_digit[v >> 18];
    out[1] = (uint8_t)base64_digit[v >> 12 & 63];
    out[2] = (uint8_t)base64_digit[v >> 6 & 63];
    out[3] = (uint8_t)base64_digit[v & 63];
}

void base64_encode(struct buf *b, struct span s)
{
    uint8_t *out = buf_reserve(b, (s.n + 2) / 3 * 4);
    size_t i = 0;
    for (; i + 3 <= s.n; i += 3, out += 4)
        base64_group(out, (uint32_t)s.p[i] << 16 | (uint32_t)s.p[i + 1] << 8 | s.p[i + 2]);
    if (i < s.n) {
        bool two = i + 2 == s.n;
        base64_group(out, (uint32_t)s.p[i] << 16 | (two ? (uint32_t)s.p[i + 1] << 8 : 0));
        out[2] = two ? out[2] : '=';
        out[3] = '=';
    }
    b->n += (s.n + 2) / 3 * 4;
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool base64_groups(struct buf *b, struct span text)
{
    for (size_t i = 0; i < text.n; i += 4) {
        bool last = i + 4 == text.n;
        unsigned pad = last ? (text.p[i + 3] == '=') + (text.p[i + 3] == '=' && text.p[i + 2] == '=')
                            : 0;
        uint32_t v = 0;
        for (unsigned k = 0; k < 4 - pad; k++) {
            int d = base64_value(text.p[i + k]);
            if (d < 0)
                return false;
            v |= (uint32_t)d << (18 - 6 * k);
        }
        if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
            return false;
        buf_byte(b, (uint8_t)(v >> 16));
        if (pad < 2)
            buf_byte(b, (uint8_t)(v >> 8));
        if (pad < 1)
            buf_byte(b, (uint8_t)v);
    }
    return true;
}

bool base64_decode(struct buf *b, struct span text)
{
    size_t start = b->n;
    if (text.n % 4 == 0 && base64_groups(b, text))
        return true;
    b->n = start;
    return false;
}
