#include "journal/cosignature.h"

#include <errno.h>
#include <sodium.h>

#define ID_LEN   4
#define TIME_LEN 8
#define LINE_LEN (ID_LEN + TIME_LEN + crypto_sign_BYTES)
#define TIME_MAX (UINT64_MAX >> 1)

#define ALGORITHM 0x04 /* C2SP tlog-cosignature: Ed25519, with a time */

static const char private_prefix[] = "PRIVATE+KEY+";

/* What is signed. */
static void put_message(struct buf *out, uint64_t time, struct span text)
{
    buf_printf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time);
    buf_span(out, text);
}

/* `raw`: id, time and signature. */
static int check(struct span raw, struct span text, const struct note_key *witness, uint64_t *time,
                 struct err *err)
{
    struct buf message = {0};
    *time = raw.n == LINE_LEN ? be64_get(raw.p + ID_LEN) : 0;
    put_message(&message, *time, text);
    bool good = raw.n == LINE_LEN && *time <= TIME_MAX &&
                crypto_sign_verify_detached(raw.p + ID_LEN + TIME_LEN, message.p, message.n,
                                            witness->public_key) == 0;
    buf_free(&message);
    return good ? 1 : err_set(err, -EBADMSG, "the cosignature of %s does not hold", witness->name);
}

int cosignature_find(struct span lines, struct span checkpoint_text, const struct note_key *witness,
                     struct span *line, uint64_t *time, struct err *err)
{
    struct buf raw = {0};
    struct span name;
    unsigned n = 0;
    int rc = 0;
    if (lines.n > NOTE_MAX || (lines.n && lines.p[lines.n - 1] != '\n'))
        return err_set(err, -EBADMSG, "no lines with signatures");
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    for (struct cur c = cur_of(lines); rc == 0 && cur_left(&c);) {
        *line = cur_line(&c);
        raw.n = 0;
        if (++n > NOTE_SIGNATURES_MAX)
            rc = err_set(err, -EBADMSG, "more than %d signatures", NOTE_SIGNATURES_MAX);
        else
            rc = note_line_parse(*line, &name, &raw, err);
        if (rc == 0 && span_is(name, witness->name) && be32_get(raw.p) == witness->id)
            rc = check(buf_as_span(&raw), checkpoint_text, witness, time, err);
    }
    buf_free(&raw);
    return rc;
}

/* ---- a witness's own side ---- */

static void key_from_seed(struct note_key *key)
{
    const uint8_t infix[] = {'\n', ALGORITHM};
    uint8_t secret[crypto_sign_SECRETKEYBYTES], digest[SHA256_LEN];
    sha256_ctx c;
    crypto_sign_seed_keypair(key->public_key, secret, key->seed);
    sodium_memzero(secret, sizeof secret);
    sha256_begin(&c);
    sha256_add(&c, key->name, strlen(key->name));
    sha256_add(&c, infix, sizeof infix);
    sha256_add(&c, key->public_key, NOTE_PUBLIC_LEN);
    sha256_end(&c, digest);
    key->id = be32_get(digest);
    key->can_sign = true;
}

int cosigner_generate(const char *name, struct note_key *out, struct err *err)
{
    if (!note_name_valid(span_str(name)))
        return err_set(err, -EINVAL, "not a key name: \"%s\"", name ? name : "");
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    *out = (struct note_key){0};
    memcpy(out->name, name, strlen(name));
    randombytes_buf(out->seed, sizeof out->seed);
    key_from_seed(out);
    return 0;
}

static void key_put(const struct note_key *key, const uint8_t bytes[32], struct buf *out)
{
    uint8_t raw[1 + 32] = {ALGORITHM};
    memcpy(raw + 1, bytes, 32);
    buf_printf(out, "%s+%08x+", key->name, key->id);
    base64_encode(out, span_of(raw, sizeof raw));
    sodium_memzero(raw, sizeof raw);
}

void cosigner_put_signer(const struct note_key *key, struct buf *out)
{
    buf_str(out, private_prefix);
    key_put(key, key->seed, out);
}

void cosigner_put_verifier(const struct note_key *key, struct buf *out)
{
    key_put(key, key->public_key, out);
}

int cosigner_parse_signer(struct span text, struct note_key *out, struct err *err)
{
    size_t skip = sizeof private_prefix - 1;
    struct note_key key = {0};
    struct buf raw = {0};
    const uint8_t *plus = NULL;
    *out = key;
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    if (text.n > skip && memcmp(text.p, private_prefix, skip) == 0)
        plus = memchr(text.p + skip, '+', text.n - skip);
    size_t name = plus ? (size_t)(plus - text.p) - skip : 0;
    if (!plus || !note_name_valid(span_of(text.p + skip, name)) || text.n < skip + name + 11)
        return err_set(err, -EBADMSG, "not a witness's key");
    memcpy(key.name, text.p + skip, name);
    uint8_t id[ID_LEN];
    struct span rest = span_of(plus + 1, text.n - skip - name - 1);
    bool good = rest.p[8] == '+' && hex_decode(span_of(rest.p, 8), id, ID_LEN) &&
                base64_decode(&raw, span_of(rest.p + 9, rest.n - 9)) && raw.n == 1 + NOTE_SEED_LEN;
    int rc = !good                   ? err_set(err, -EBADMSG, "not a witness's key")
             : raw.p[0] != ALGORITHM ? err_set(err, -ENOTSUP, "key %s: not a witness's", key.name)
                                     : 0;
    if (rc == 0) {
        memcpy(key.seed, raw.p + 1, NOTE_SEED_LEN);
        key_from_seed(&key);
        if (key.id != be32_get(id))
            rc = err_set(err, -EBADMSG, "key %s: its id does not fit", key.name);
    }
    if (raw.n)
        sodium_memzero(raw.p, raw.n);
    buf_free(&raw);
    if (rc == 0)
        *out = key;
    sodium_memzero(&key, sizeof key);
    return rc;
}

int cosignature_put(const struct note_key *key, struct span checkpoint_text, uint64_t time,
                    struct buf *out, struct err *err)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES], pub[crypto_sign_PUBLICKEYBYTES], raw[LINE_LEN];
    struct buf message = {0};
    if (!key->can_sign || !time || time > TIME_MAX)
        return err_set(err, -EINVAL, "cosignature: no key, or no time");
    put_message(&message, time, checkpoint_text);
    be32_put(raw, key->id);
    be64_put(raw + ID_LEN, time);
    crypto_sign_seed_keypair(pub, secret, key->seed);
    crypto_sign_detached(raw + ID_LEN + TIME_LEN, NULL, message.p, message.n, secret);
    sodium_memzero(secret, sizeof secret);
    buf_free(&message);
    buf_printf(out, "\xe2\x80\x94 %s ", key->name);
    base64_encode(out, span_of(raw, sizeof raw));
    buf_byte(out, '\n');
    return 0;
}
