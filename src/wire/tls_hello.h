/* TLS ClientHello (RFC 8446, 4.1.2; RFC 6066 SNI; RFC 7301 ALPN): bytes -> struct, and the
 * fingerprints JA3 (MD5 over its text form) and JA4 (FoxIO's published specification, the
 * BSD-licensed part). */
#pragma once

#include "base/buf.h"

#define TLS_HELLO_MAX         (64u << 10) /* a handshake message, over all its records */
#define TLS_HELLO_RECORDS_MAX 1024        /* records that one hello may come in */
#define TLS_RECORD_MAX        (16u << 10) /* RFC 8446, 5.1 */
#define TLS_HELLO_BYTES_MAX   (TLS_HELLO_MAX + 5 * TLS_HELLO_RECORDS_MAX) /* the two together */
#define TLS_CIPHERS_MAX       512
#define TLS_EXTENSIONS_MAX    256
#define TLS_GROUPS_MAX        256
#define TLS_SCHEMES_MAX       256
#define TLS_VERSIONS_MAX      64
#define TLS_JA3_TEXT_MAX      16384

/* Lists are as the client sent them, GREASE (RFC 8701) included. */
struct tls_hello {
    uint16_t legacy_version;
    uint16_t cipher[TLS_CIPHERS_MAX], extension[TLS_EXTENSIONS_MAX], group[TLS_GROUPS_MAX];
    uint16_t scheme[TLS_SCHEMES_MAX], version[TLS_VERSIONS_MAX];
    size_t n_ciphers, n_extensions, n_groups, n_schemes, n_versions;
    uint8_t point_format[256];
    size_t n_point_formats;
    bool has_sni;     /* the extension is there, whatever is in it */
    struct span sni;  /* as sent; points into the data */
    struct span alpn; /* the first protocol */
};

/* Reads a hello at the start of a TCP stream (records, RFC 8446, 5.1). 1 done, 0 need more, -1 no
 * ClientHello, malformed, or longer than the limits above. `scratch` (TLS_HELLO_MAX bytes) is used
 * when the hello spans records; spans point into data or scratch. What is behind the hello is not
 * looked at. An extension that is malformed within its own bounds is listed, and its contents are
 * left out. */
int tls_hello_parse(struct span data, uint8_t *scratch, struct tls_hello *out);
/* The version that JA4 counts and most servers would: the highest of supported_versions, where the
 * extension has any, else the hello's own. Without GREASE. */
uint16_t tls_hello_version(const struct tls_hello *h);
/* RFC 8701: 0x0a0a, 0x1a1a, ... 0xfafa. */
static inline bool tls_is_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}
/* The text that JA3 hashes, without GREASE, appended. */
void tls_hello_ja3_text(const struct tls_hello *h, struct buf *out);
/* JA4, "t13d1516h2_8daaf6152771_e5627efa2ab1": 36 characters and a NUL. */
void tls_hello_ja4(const struct tls_hello *h, char out[64]);
