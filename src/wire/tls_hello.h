/* TLS ClientHello (RFC 8446, 4.1.2; RFC 6066 SNI; RFC 7301 ALPN): bytes -> struct, and the
 * fingerprints JA3 (MD5 over its text form) and JA4 (FoxIO's published specification). */
#pragma once

#include "base/buf.h"

#define TLS_HELLO_MAX   (64u << 10) /* a handshake message, over all its records */
#define TLS_CIPHERS_MAX 512
#define TLS_EXTENSIONS_MAX 256
#define TLS_GROUPS_MAX 256
#define TLS_SCHEMES_MAX 256
#define TLS_VERSIONS_MAX 64
#define TLS_JA3_TEXT_MAX 16384

struct tls_hello {
    uint16_t legacy_version;
    uint16_t cipher[TLS_CIPHERS_MAX], extension[TLS_EXTENSIONS_MAX], group[TLS_GROUPS_MAX];
    uint16_t scheme[TLS_SCHEMES_MAX], version[TLS_VERSIONS_MAX];
    size_t n_ciphers, n_extensions, n_groups, n_schemes, n_versions;
    uint8_t point_format[256];
    size_t n_point_formats;
    bool has_sni;
    struct span sni;  /* as sent; points into the data */
    struct span alpn; /* the first protocol */
};

/* Reads a hello at the start of a TCP stream (records, RFC 8446, 5.1). 1 done, 0 need more, -1 no
 * ClientHello or malformed. `scratch` (TLS_HELLO_MAX bytes) is used when the hello spans records; spans
 * point into data or scratch. */
int tls_hello_parse(struct span data, uint8_t *scratch, struct tls_hello *out);
/* The text that JA3 hashes, without GREASE (RFC 8701), appended. */
void tls_hello_ja3_text(const struct tls_hello *h, struct buf *out);
/* JA4, "t13d1516h2_8daaf6152771_b186095e22b6": 36 characters and a NUL. */
void tls_hello_ja4(const struct tls_hello *h, char out[64]);
