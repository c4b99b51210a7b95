/* The fingerprints of a ClientHello: JA3 and JA4. */
#include "wire/tls_hello.h"

#include <stdio.h>

#include "base/digest.h"

#define JA4_HASH_LEN 12 /* hex digits that are kept of a SHA-256 */

enum { EXTENSION_SNI = 0, EXTENSION_ALPN = 16 };

static void put_decimal(unsigned v, struct buf *out)
{
    uint8_t *p = buf_reserve(out, 5);
    uint8_t digits[5];
    size_t n = 0;
    do
        digits[n++] = (uint8_t)('0' + v % 10);
    while (v /= 10);
    out->n += n;
    while (n)
        *p++ = digits[--n];
}

static void put_list(const uint16_t *v, size_t n, struct buf *out)
{
    bool first = true;
    buf_byte(out, ',');
    for (size_t i = 0; i < n; i++) {
        if (tls_is_grease(v[i]))
            continue;
        if (!first)
            buf_byte(out, '-');
        put_decimal(v[i], out);
        first = false;
    }
}

void tls_hello_ja3_text(const struct tls_hello *h, struct buf *out)
{
    put_decimal(h->legacy_version, out);
    put_list(h->cipher, h->n_ciphers, out);
    put_list(h->extension, h->n_extensions, out);
    put_list(h->group, h->n_groups, out);
    buf_byte(out, ',');
    for (size_t i = 0; i < h->n_point_formats; i++) {
        if (i)
            buf_byte(out, '-');
        put_decimal(h->point_format[i], out);
    }
}

static const char *ja4_version(uint16_t version)
{
    switch (version) {
    case 0x0304:
        return "13";
    case 0x0303:
        return "12";
    case 0x0302:
        return "11";
    case 0x0301:
        return "10";
    case 0x0300:
        return "s3";
    case 0x0002:
        return "s2";
    case 0xfeff:
        return "d1";
    case 0xfefd:
        return "d2";
    case 0xfefc:
        return "d3";
    default:
        return "00";
    }
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* First and last character of the first protocol, or of its hex form when they are odd. */
static void ja4_alpn(struct span alpn, char out[2])
{
    static const char hex[] = "0123456789abcdef";
    out[0] = out[1] = '0';
    if (!alpn.n)
        return;
    uint8_t first = alpn.p[0], last = alpn.p[alpn.n - 1];
    bool plain = is_alphanumeric(first) && is_alphanumeric(last);
    out[0] = plain ? (char)first : hex[first >> 4];
    out[1] = plain ? (char)last : hex[last & 15];
}

/* Copies what JA4 looks at, in ascending order; how many. */
static size_t sorted(const uint16_t *v, size_t n, bool extensions, uint16_t *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (tls_is_grease(v[i]))
            continue;
        if (extensions && (v[i] == EXTENSION_SNI || v[i] == EXTENSION_ALPN))
            continue;
        size_t at = kept++;
        for (; at && out[at - 1] > v[i]; at--)
            out[at] = out[at - 1];
        out[at] = v[i];
    }
    return kept;
}

static char *put_hex_list(const uint16_t *v, size_t n, char *p)
{
    uint8_t bytes[2];
    for (size_t i = 0; i < n; i++) {
        if (i)
            *p++ = ',';
        be16_put(bytes, v[i]);
        hex_encode(bytes, 2, p);
        p += 4;
    }
    return p;
}

static void ja4_hash(const char *text, size_t n, char out[JA4_HASH_LEN + 1])
{
    uint8_t digest[SHA256_LEN];
    if (!n) {
        memcpy(out, "000000000000", JA4_HASH_LEN + 1);
        return;
    }
    sha256(text, n, digest);
    hex_encode(digest, JA4_HASH_LEN / 2, out);
}

static void ja4_ciphers(const struct tls_hello *h, char out[JA4_HASH_LEN + 1])
{
    uint16_t v[TLS_CIPHERS_MAX];
    char text[5 * TLS_CIPHERS_MAX + 1];
    size_t n = sorted(h->cipher, h->n_ciphers, false, v);
    ja4_hash(text, (size_t)(put_hex_list(v, n, text) - text), out);
}

static void ja4_extensions(const struct tls_hello *h, char out[JA4_HASH_LEN + 1])
{
    uint16_t v[TLS_EXTENSIONS_MAX], schemes[TLS_SCHEMES_MAX];
    char text[5 * TLS_EXTENSIONS_MAX + 5 * TLS_SCHEMES_MAX + 2], *p = text;
    size_t n = sorted(h->extension, h->n_extensions, true, v), n_schemes = 0;
    for (size_t i = 0; i < h->n_schemes; i++)
        if (!tls_is_grease(h->scheme[i]))
            schemes[n_schemes++] = h->scheme[i];
    p = put_hex_list(v, n, p);
    if (n && n_schemes) {
        *p++ = '_';
        p = put_hex_list(schemes, n_schemes, p);
    }
    ja4_hash(text, (size_t)(p - text), out);
}

static unsigned count(const uint16_t *v, size_t n)
{
    unsigned kept = 0;
    for (size_t i = 0; i < n; i++)
        kept += !tls_is_grease(v[i]);
    return kept < 99 ? kept : 99;
}

void tls_hello_ja4(const struct tls_hello *h, char out[64])
{
    char ciphers[JA4_HASH_LEN + 1], extensions[JA4_HASH_LEN + 1], alpn[2];
    ja4_ciphers(h, ciphers);
    ja4_extensions(h, extensions);
    ja4_alpn(h->alpn, alpn);
    snprintf(out, 64, "t%s%c%02u%02u%c%c_%s_%s", ja4_version(tls_hello_version(h)),
             h->has_sni ? 'd' : 'i', count(h->cipher, h->n_ciphers),
             count(h->extension, h->n_extensions), alpn[0], alpn[1], ciphers, extensions);
}
