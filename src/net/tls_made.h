/* Certificates made on first use: two keys, two CAs, and the certificates of the names asked for
 * last. */
#pragma once

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/ip.h"

#define TLS_NAME_MAX 253 /* RFC 1035's 255 bytes as text */

enum tls_made_kind { TLS_MADE_EC, TLS_MADE_RSA, TLS_MADE_KINDS };

struct tls_made;

/* Makes the keys; `secret` (32 bytes) is for the table of names. -EIO when OpenSSL cannot. */
int tls_made_new(const uint8_t secret[32], struct tls_made **out, struct err *err);
void tls_made_free(struct tls_made *m);
EVP_PKEY *tls_made_key(const struct tls_made *m, enum tls_made_kind kind);
/* The certificate for the name (letters, digits, '-', '_', '.'; TLS_NAME_MAX at most), or for the
 * address when it is empty. Borrowed until the next call. NULL: OpenSSL failed. */
X509 *tls_made_get(struct tls_made *m, enum tls_made_kind kind, struct span name,
                   const struct ip *ip, int64_t now);
/* Certificates that are kept; certificates made so far. */
unsigned tls_made_kept(const struct tls_made *m);
uint64_t tls_made_count(const struct tls_made *m);
