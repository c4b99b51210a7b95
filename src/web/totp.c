#include "web/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include "web/html.h"
#include "wire/text.h"

#define SHA1_LEN 20

uint32_t totp_hotp(struct span secret, uint64_t counter, unsigned digits)
{
    uint8_t message[8], mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    uint32_t most = 1;
    be64_put(message, counter);
    if (!HMAC(EVP_sha1(), secret.p, (int)secret.n, message, sizeof message, mac, &n) ||
        n != SHA1_LEN)
        abort(); /* no memory */
    for (unsigned i = 0; i < digits; i++)
        most *= 10;
    uint32_t code = (be32_get(mac + (mac[SHA1_LEN - 1] & 15)) & 0x7fffffff) % most;
    sodium_memzero(mac, sizeof mac);
    return code;
}

static void write_code(uint32_t code, uint8_t out[TOTP_DIGITS])
{
    for (unsigned i = TOTP_DIGITS; i-- > 0; code /= 10)
        out[i] = (uint8_t)('0' + code % 10);
}

bool totp_check(struct span secret, struct span code, int64_t now_s, uint64_t *last)
{
    uint64_t step = (uint64_t)now_s / TOTP_STEP_S, found = 0;
    if (code.n != TOTP_DIGITS || !secret.n)
        return false;
    for (uint64_t s = step - TOTP_WINDOW; s <= step + TOTP_WINDOW; s++) {
        uint8_t want[TOTP_DIGITS];
        write_code(totp_hotp(secret, s, TOTP_DIGITS), want);
        if (sodium_memcmp(want, code.p, TOTP_DIGITS) == 0 && s > *last)
            found = s;
    }
    if (found)
        *last = found;
    return found;
}

void totp_secret(uint8_t out[TOTP_SECRET_LEN])
{
    randombytes_buf(out, TOTP_SECRET_LEN);
}

void totp_uri(struct buf *out, const char *issuer, const char *account, struct span secret)
{
    buf_str(out, "otpauth://totp/");
    html_url_part(out, span_str(issuer));
    buf_byte(out, ':');
    html_url_part(out, span_str(account));
    buf_str(out, "?secret=");
    base32_put(out, secret);
    buf_str(out, "&issuer=");
    html_url_part(out, span_str(issuer));
}

/* ---- base32 ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void base32_put(struct buf *out, struct span s)
{
    uint32_t bits = 0;
    unsigned n = 0;
    for (size_t i = 0; i < s.n; i++) {
        bits = bits << 8 | s.p[i];
        for (n += 8; n >= 5; n -= 5)
            buf_byte(out, (uint8_t)letters[bits >> (n - 5) & 31]);
    }
    if (n)
        buf_byte(out, (uint8_t)letters[bits << (5 - n) & 31]);
}

bool base32_decode(struct buf *out, struct span text)
{
    uint32_t bits = 0;
    unsigned n = 0;
    size_t had = out->n;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text_lower(text.p[i]);
        int v = c >= 'a' && c <= 'z' ? c - 'a' : c >= '2' && c <= '7' ? c - '2' + 26 : -1;
        bits = bits << 5 | (uint32_t)(v & 31);
        n += 5;
        if (v < 0)
            break;
        if (n >= 8) {
            n -= 8;
            buf_byte(out, (uint8_t)(bits >> n));
        }
        if (i + 1 == text.n && n < 5 && !(bits & ((1u << n) - 1)))
            return true;
    }
    out->n = had;
    return false;
}
