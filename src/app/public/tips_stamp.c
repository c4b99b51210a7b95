/* Stamps of forms: a challenge is of this process and of an hour, and good for one form. */
#include <sodium.h>

#include "app/public/tips_impl.h"

#define MADE_FROM   "ebb tip stamp v1\n"
#define PAID_LEN    (TIPS_CHALLENGE_LEN - 16) /* what the MAC is over */
#define ID_AT       10
#define HOUR_AT     2
#define NUMBER_MAX_ 20 /* digits */

/* What the stamp is for: no two forms share it. */
static void subject_of(const uint8_t challenge[TIPS_CHALLENGE_LEN], uint8_t out[SHA256_LEN])
{
    sha256_ctx c;
    sha256_begin(&c);
    sha256_add(&c, MADE_FROM, sizeof MADE_FROM - 1);
    sha256_add(&c, challenge, TIPS_CHALLENGE_LEN);
    sha256_end(&c, out);
}

void tips_challenge_make(struct tips *t, const char *origin, enum tips_purpose purpose,
                         unsigned bits, int64_t now, struct tips_challenge *out)
{
    uint8_t subject[SHA256_LEN];
    out->bits = bits;
    out->bytes[0] = (uint8_t)purpose;
    out->bytes[1] = (uint8_t)bits;
    be64_put(out->bytes + HOUR_AT, stamp_hour(now));
    randombytes_buf(out->bytes + ID_AT, TIPS_ID_LEN);
    crypto_generichash(out->bytes + PAID_LEN, 16, out->bytes, PAID_LEN, t->secret,
                       sizeof t->secret);
    subject_of(out->bytes, subject);
    stamp_prefix(origin, stamp_hour(now), subject, out->prefix);
}

unsigned tips_stamp_more(uint64_t bytes)
{
    static const struct stamp_demand none;
    return stamp_price(&none, bytes, UINT64_MAX, 0) - STAMP_BITS_BASE;
}

/* Digits alone, with blanks around them: it may have been copied. */
static bool read_number(struct span s, uint64_t *out)
{
    *out = 0;
    s = span_trim(s);
    if (!s.n || s.n >= NUMBER_MAX_)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(s.p[i] - '0');
    }
    return true;
}

static bool is_ours(struct tips *t, enum tips_purpose purpose,
                    const uint8_t challenge[TIPS_CHALLENGE_LEN])
{
    uint8_t mac[16];
    crypto_generichash(mac, sizeof mac, challenge, PAID_LEN, t->secret, sizeof t->secret);
    return challenge[0] == purpose && sodium_memcmp(mac, challenge + PAID_LEN, sizeof mac) == 0;
}

/* Once: who would use it again finds it here, or pays TIPS_USED_MAX others first. */
static bool use(struct tips *t, const uint8_t *id)
{
    unsigned n = t->n_used < TIPS_USED_MAX ? t->n_used : TIPS_USED_MAX;
    for (unsigned i = 0; i < n; i++)
        if (memcmp(t->used[i], id, TIPS_ID_LEN) == 0)
            return false;
    memcpy(t->used[t->n_used++ % TIPS_USED_MAX], id, TIPS_ID_LEN);
    if (t->n_used == 2 * TIPS_USED_MAX)
        t->n_used = TIPS_USED_MAX; /* the same place, without running over */
    return true;
}

unsigned tips_stamp_take(struct tips *t, const char *origin, enum tips_purpose purpose,
                         struct span challenge_hex, struct span number, uint64_t bytes, int64_t now)
{
    uint8_t challenge[TIPS_CHALLENGE_LEN], subject[SHA256_LEN];
    struct stamp stamp;
    if (challenge_hex.n != 2 * sizeof challenge ||
        !hex_decode(challenge_hex, challenge, sizeof challenge) ||
        !read_number(number, &stamp.nonce) || !is_ours(t, purpose, challenge))
        return 0;
    unsigned bits = challenge[1] + tips_stamp_more(bytes);
    bits = bits < STAMP_BITS_MAX ? bits : STAMP_BITS_MAX;
    stamp.hour = be64_get(challenge + HOUR_AT);
    subject_of(challenge, subject);
    if (stamp_bits(&stamp, origin, subject, now) < bits)
        return 0;
    return use(t, challenge + ID_AT) ? bits : 0;
}
