/* TOTP: one-time codes by time (RFC 6238) of six digits, thirty seconds and HMAC-SHA-1, which is
 * what every authenticator app takes. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

#define TOTP_SECRET_LEN 20 /* RFC 4226, 4: 160 bits are recommended */
#define TOTP_STEP_S     30
#define TOTP_DIGITS     6
#define TOTP_WINDOW     1 /* steps before and behind: a clock may differ (RFC 6238, 5.2) */

/* HOTP (RFC 4226, 5.3): `digits` digits, 9 at most. */
uint32_t totp_hotp(struct span secret, uint64_t counter, unsigned digits);
/* Whether it is the code of about now, and of a later step than *last, which is then its step: no
 * code is good twice (RFC 6238, 5.2). Takes as long for each text of TOTP_DIGITS digits. */
bool totp_check(struct span secret, struct span code, int64_t now_s, uint64_t *last);
/* A fresh secret. */
void totp_secret(uint8_t out[TOTP_SECRET_LEN]);
/* "otpauth://totp/ISSUER:ACCOUNT?secret=...&issuer=ISSUER", as apps read it. */
void totp_uri(struct buf *out, const char *issuer, const char *account, struct span secret);

/* Base32 without padding (RFC 4648, 6), capital letters; decoding takes small ones, too. */
void base32_put(struct buf *out, struct span s);
bool base32_decode(struct buf *out, struct span text);
