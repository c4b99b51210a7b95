#include "lead/receipt.h"

#include <errno.h>
#include <sodium.h>

#include "lead/words.h"

#define KDF_CONTEXT "ebb-lead"
#define SHOWN_MAX   16 /* letters of a wrong word that an error shows */

_Static_assert(sizeof(((struct receipt_keys *)0)->box) == crypto_box_PUBLICKEYBYTES, "");
_Static_assert(sizeof(((struct receipt_keys *)0)->sign) == crypto_sign_SECRETKEYBYTES, "");
_Static_assert(RECEIPT_SALT_LEN == crypto_pwhash_SALTBYTES, "");
_Static_assert(RECEIPT_SECRET_WORDS *WORDS_BITS >= 80, "a receipt is not guessed");

static void draw(uint16_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        words[i] = (uint16_t)randombytes_uniform(WORDS_COUNT);
}

void receipt_make(struct receipt *out)
{
    draw(out->word, RECEIPT_WORDS);
}

void receipt_move(struct receipt *r)
{
    draw(r->word, RECEIPT_LOCATOR_WORDS);
}

void receipt_wipe(struct receipt *r)
{
    sodium_memzero(r, sizeof *r);
}

void receipt_put(const struct receipt *r, struct buf *out)
{
    for (unsigned i = 0; i < RECEIPT_WORDS; i++) {
        if (i)
            buf_byte(out, ' ');
        buf_str(out, word_of(r->word[i]));
    }
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The next word: letters, or whatever else is no separator, so that it is found wrong. */
static bool next_word(struct cur *c, struct span *out)
{
    while (cur_left(c) && *c->p < 0x80 && !is_letter(*c->p))
        c->p++;
    const uint8_t *from = c->p;
    while (cur_left(c) && (*c->p >= 0x80 || is_letter(*c->p)))
        c->p++;
    *out = span_of(from, (size_t)(c->p - from));
    return out->n > 0;
}

int receipt_parse(struct span text, struct receipt *out, struct err *err)
{
    struct cur c = cur_of(text);
    struct span word;
    unsigned n = 0;
    *out = (struct receipt){0};
    if (text.n > RECEIPT_TEXT_MAX)
        return err_set(err, -EINVAL, "a receipt has %d words, not %zu bytes", RECEIPT_WORDS,
                       text.n);
    for (; next_word(&c, &word); n++) {
        int value = word_value(word);
        if (value < 0 && n < RECEIPT_WORDS) {
            receipt_wipe(out);
            return err_set(err, -EINVAL, "word %u of the receipt is not in the list (%.*s)", n + 1,
                           (int)(word.n < SHOWN_MAX ? word.n : SHOWN_MAX), (const char *)word.p);
        }
        if (n < RECEIPT_WORDS)
            out->word[n] = (uint16_t)value;
    }
    if (n == RECEIPT_WORDS)
        return 0;
    receipt_wipe(out);
    return err_set(err, -EINVAL, "a receipt has %d words, not %u", RECEIPT_WORDS, n);
}

unsigned receipt_count(struct span text, unsigned *wrong)
{
    struct cur c = cur_of(text);
    struct span word;
    unsigned n = 0;
    *wrong = 0;
    for (; next_word(&c, &word); n++)
        if (!*wrong && word_value(word) < 0)
            *wrong = n + 1;
    return n;
}

void receipt_locator(const struct receipt *r, uint8_t locator[RECEIPT_LOCATOR_LEN])
{
    for (unsigned i = 0; i < RECEIPT_LOCATOR_WORDS; i++)
        be16_put(locator + 2 * i, r->word[i]);
}

/* ---- keys ---- */

void receipt_keys_wipe(struct receipt_keys *k)
{
    sodium_memzero(k, sizeof *k);
}

/* One master from Argon2id, and a key for each use from it. */
int receipt_keys(const struct receipt *r, const uint8_t salt[RECEIPT_SALT_LEN],
                 struct receipt_keys *out, struct err *err)
{
    uint8_t secret[2 * RECEIPT_SECRET_WORDS], master[crypto_kdf_KEYBYTES], seed[32];
    for (unsigned i = 0; i < RECEIPT_SECRET_WORDS; i++)
        be16_put(secret + 2 * i, r->word[RECEIPT_LOCATOR_WORDS + i]);
    int rc = crypto_pwhash(master, sizeof master, (const char *)secret, sizeof secret, salt,
                           RECEIPT_OPERATIONS, RECEIPT_MEMORY, crypto_pwhash_ALG_ARGON2ID13);
    sodium_memzero(secret, sizeof secret);
    if (rc < 0)
        return err_set(err, -ENOMEM, "Argon2id: no memory for it (%u MiB)", RECEIPT_MEMORY >> 20);
    crypto_kdf_derive_from_key(seed, sizeof seed, 1, KDF_CONTEXT, master);
    crypto_box_seed_keypair(out->box, out->box_secret, seed);
    crypto_kdf_derive_from_key(seed, sizeof seed, 2, KDF_CONTEXT, master);
    crypto_sign_seed_keypair(out->verify, out->sign, seed);
    crypto_kdf_derive_from_key(out->opening, sizeof out->opening, 3, KDF_CONTEXT, master);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(master, sizeof master);
    return 0;
}

/* Salt and public key of a lead that is not there: the same each time for one locator. */
static void decoy_lead(const struct receipt *r, const uint8_t decoy[RECEIPT_DECOY_LEN],
                       uint8_t salt[RECEIPT_SALT_LEN], uint8_t box[32])
{
    uint8_t locator[RECEIPT_LOCATOR_LEN], out[RECEIPT_SALT_LEN + 32];
    receipt_locator(r, locator);
    crypto_generichash(out, sizeof out, locator, sizeof locator, decoy, RECEIPT_DECOY_LEN);
    memcpy(salt, out, RECEIPT_SALT_LEN);
    memcpy(box, out + RECEIPT_SALT_LEN, 32);
}

int receipt_open(const struct receipt *r, const struct receipt_lead *lead,
                 const uint8_t decoy[RECEIPT_DECOY_LEN], struct receipt_keys *out, struct err *err)
{
    uint8_t salt[RECEIPT_SALT_LEN], box[32];
    decoy_lead(r, decoy, salt, box);
    if (lead->salt) {
        memcpy(salt, lead->salt, sizeof salt);
        memcpy(box, lead->box, sizeof box);
    }
    int rc = receipt_keys(r, salt, out, err);
    if (rc < 0)
        return rc;
    bool right = sodium_memcmp(out->box, box, sizeof box) == 0;
    if (!right || !lead->salt)
        receipt_keys_wipe(out);
    return right && lead->salt;
}

void receipt_commitment(const struct receipt_keys *k, const uint8_t content[SHA256_LEN],
                        uint8_t out[SHA256_LEN])
{
    sha256_ctx c;
    sha256_begin(&c);
    sha256_add(&c, k->opening, sizeof k->opening);
    sha256_add(&c, content, SHA256_LEN);
    sha256_end(&c, out);
}
