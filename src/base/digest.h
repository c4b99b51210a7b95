/* Digests and their text forms. SHA-256 is OpenSSL's (it uses the CPU's SHA instructions); the
 * low-level interface is taken because EVP's per-call set-up costs more than hashing a log leaf. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define SHA256_LEN       32
#define SHA256_HEX_MAX   65
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

/* Streaming: sha256_begin, sha256_add any number of times, sha256_end. Plain value, no clean-up. */
typedef SHA256_CTX sha256_ctx;
void sha256_begin(sha256_ctx *c);
void sha256_add(sha256_ctx *c, const void *p, size_t n);
void sha256_end(sha256_ctx *c, uint8_t out[SHA256_LEN]);
/* One shot. */
void sha256(const void *p, size_t n, uint8_t out[SHA256_LEN]);

/* CRC-32C (RFC 3720, B.4), continued from `crc` (0 to start). Uses SSE 4.2 where the CPU has it. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* Lower-case hex, terminated; out holds 2n+1. */
void hex_encode(const uint8_t *p, size_t n, char *out);
/* Exactly n bytes from exactly 2n hex digits. */
bool hex_decode(struct span text, uint8_t *out, size_t n);

/* RFC 4648 base64 with padding, appended to b. */
void base64_encode(struct buf *b, struct span s);
/* Strict: padding required, no other characters, canonical trailing bits. Appends to b,
 * nothing when it returns false. */
bool base64_decode(struct buf *b, struct span text);
