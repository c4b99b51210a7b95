#include "journal/note.h"
#include "journal/note_text.h"

#include <errno.h>
#include <sodium.h>

#define ALGORITHM_ED25519  0x01
#define ALGORITHM_COSIGNER 0x04 /* C2SP tlog-cosignature: Ed25519, with a time */
#define ID_LEN             4
#define SIGNATURE_LEN      (ID_LEN + crypto_sign_BYTES)

static const char dash[] = "\xe2\x80\x94 "; /* U+2014 and a space */
static const char private_prefix[] = "PRIVATE+KEY+";

/* One code point of well-formed UTF-8. */
static uint32_t utf8_next(const uint8_t **p)
{
    const uint8_t *s = *p;
    if (s[0] < 0x80) {
        *p += 1;
        return s[0];
    }
    if (s[0] < 0xe0) {
        *p += 2;
        return (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
    }
    if (s[0] < 0xf0) {
        *p += 3;
        return (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
    }
    *p += 4;
    return (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
           (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
}

/* Unicode's White_Space property (PropList.txt). */
static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

bool note_name_valid(struct span name)
{
    if (name.n == 0 || name.n > NOTE_NAME_MAX || !span_is_utf8(name))
        return false;
    for (const uint8_t *p = name.p; p < name.p + name.n;) {
        uint32_t c = utf8_next(&p);
        if (c < 0x20 || c == 0x7f || c == '+' || is_space(c))
            return false;
    }
    return true;
}

/* UTF-8 without control characters other than newline. */
static bool text_valid(struct span s)
{
    if (!span_is_utf8(s))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 && s.p[i] != '\n')
            return false;
    return true;
}

static uint32_t key_id(const char *name, uint8_t algorithm,
                       const uint8_t public_key[NOTE_PUBLIC_LEN])
{
    const uint8_t infix[] = {'\n', algorithm};
    uint8_t digest[SHA256_LEN];
    sha256_ctx c;
    sha256_begin(&c);
    sha256_add(&c, name, strlen(name));
    sha256_add(&c, infix, sizeof infix);
    sha256_add(&c, public_key, NOTE_PUBLIC_LEN);
    sha256_end(&c, digest);
    return be32_get(digest);
}

static void key_from_seed(struct note_key *key)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(key->public_key, secret, key->seed);
    sodium_memzero(secret, sizeof secret);
    key->can_sign = true;
}

int note_key_generate(const char *name, struct note_key *out, struct err *err)
{
    if (!note_name_valid(span_str(name)))
        return err_set(err, -EINVAL, "not a key name: \"%s\" (no spaces, no '+', 1 to %d bytes)",
                       name ? name : "", NOTE_NAME_MAX);
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    memset(out, 0, sizeof *out);
    memcpy(out->name, name, strlen(name));
    randombytes_buf(out->seed, sizeof out->seed);
    key_from_seed(out);
    out->id = key_id(out->name, ALGORITHM_ED25519, out->public_key);
    return 0;
}

/* "name+id+base64(algorithm || 32 bytes)". */
static int key_parse(struct span text, uint8_t algorithm, struct note_key *out, uint8_t key[32],
                     struct err *err)
{
    memset(out, 0, sizeof *out);
    const uint8_t *plus = text.n ? memchr(text.p, '+', text.n) : NULL;
    struct span name = span_of(text.p, plus ? (size_t)(plus - text.p) : 0);
    if (!plus || !note_name_valid(name))
        return err_set(err, -EBADMSG, "key: no valid name before the first '+'");
    memcpy(out->name, name.p, name.n);
    struct span rest = span_of(plus + 1, text.n - name.n - 1);
    uint8_t id[ID_LEN];
    if (rest.n < 9 || rest.p[8] != '+' || !hex_decode(span_of(rest.p, 8), id, ID_LEN))
        return err_set(err, -EBADMSG, "key %s: no 8 hex digits of key id", out->name);
    out->id = be32_get(id);
    struct buf raw = {0};
    int rc = 0;
    if (!base64_decode(&raw, span_of(rest.p + 9, rest.n - 9)) || raw.n == 0)
        rc = err_set(err, -EBADMSG, "key %s: not base64", out->name);
    else if (raw.p[0] != algorithm)
        rc = err_set(err, -ENOTSUP, "key %s: algorithm 0x%02x is not %s", out->name, raw.p[0],
                     algorithm == ALGORITHM_ED25519 ? "Ed25519" : "that of cosignatures (0x04)");
    else if (raw.n != 1 + 32)
        rc = err_set(err, -EBADMSG, "key %s: %zu bytes, want 33", out->name, raw.n);
    else
        memcpy(key, raw.p + 1, 32);
    if (raw.n)
        sodium_memzero(raw.p, raw.n);
    buf_free(&raw);
    return rc;
}

static int id_check(const struct note_key *key, uint8_t algorithm, struct err *err)
{
    uint32_t want = key_id(key->name, algorithm, key->public_key);
    if (key->id != want)
        return err_set(err, -EBADMSG, "key %s: id %08x does not fit the key (%08x)", key->name,
                       key->id, want);
    return 0;
}

int note_key_parse_signer(struct span text, struct note_key *out, struct err *err)
{
    size_t skip = sizeof private_prefix - 1;
    if (text.n < skip || memcmp(text.p, private_prefix, skip) != 0)
        return err_set(err, -EBADMSG, "not a signer key: no %s", private_prefix);
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    uint8_t seed[NOTE_SEED_LEN];
    int rc = key_parse(span_of(text.p + skip, text.n - skip), ALGORITHM_ED25519, out, seed, err);
    if (rc < 0)
        return rc;
    memcpy(out->seed, seed, sizeof seed);
    sodium_memzero(seed, sizeof seed);
    key_from_seed(out);
    return id_check(out, ALGORITHM_ED25519, err);
}

static int parse_verifier(struct span text, uint8_t algorithm, struct note_key *out,
                          struct err *err)
{
    uint8_t public_key[NOTE_PUBLIC_LEN];
    int rc = key_parse(text, algorithm, out, public_key, err);
    if (rc < 0)
        return rc;
    memcpy(out->public_key, public_key, sizeof public_key);
    return id_check(out, algorithm, err);
}

int note_key_parse_verifier(struct span text, struct note_key *out, struct err *err)
{
    return parse_verifier(text, ALGORITHM_ED25519, out, err);
}

int note_key_parse_cosigner(struct span text, struct note_key *out, struct err *err)
{
    return parse_verifier(text, ALGORITHM_COSIGNER, out, err);
}

static void key_put(const struct note_key *key, const uint8_t bytes[32], struct buf *out)
{
    uint8_t raw[1 + 32];
    raw[0] = ALGORITHM_ED25519;
    memcpy(raw + 1, bytes, 32);
    buf_printf(out, "%s+%08x+", key->name, key->id);
    base64_encode(out, span_of(raw, sizeof raw));
    sodium_memzero(raw, sizeof raw);
}

void note_key_put_signer(const struct note_key *key, struct buf *out)
{
    buf_str(out, private_prefix);
    key_put(key, key->seed, out);
}

void note_key_put_verifier(const struct note_key *key, struct buf *out)
{
    key_put(key, key->public_key, out);
}

/* Checks key and text; then the line, without what comes before it. */
static int signature_put(const struct note_key *key, struct span text, struct buf *out,
                         struct err *err)
{
    if (!key->can_sign)
        return err_set(err, -EINVAL, "note: key %s cannot sign", key->name);
    if (text.n == 0 || text.p[text.n - 1] != '\n' || !text_valid(text))
        return err_set(err, -EINVAL, "note: text must be UTF-8 lines that end in a newline");
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    uint8_t signature[SIGNATURE_LEN];
    crypto_sign_seed_keypair(public_key, secret, key->seed);
    be32_put(signature, key->id);
    crypto_sign_detached(signature + ID_LEN, NULL, text.p, text.n, secret);
    sodium_memzero(secret, sizeof secret);
    buf_printf(out, "%s%s ", dash, key->name);
    base64_encode(out, span_of(signature, sizeof signature));
    buf_byte(out, '\n');
    return 0;
}

int note_sign(const struct note_key *key, struct span text, struct buf *out, struct err *err)
{
    size_t before = out->n;
    buf_span(out, text);
    buf_byte(out, '\n');
    int rc = signature_put(key, text, out, err);
    if (rc < 0)
        out->n = before;
    return rc;
}

int note_sign_again(const struct note_key *key, struct span text, struct buf *out, struct err *err)
{
    return signature_put(key, text, out, err);
}

int note_line_parse(struct span line, struct span *name, struct buf *raw, struct err *err)
{
    size_t skip = sizeof dash - 1;
    if (line.n < skip || memcmp(line.p, dash, skip) != 0)
        return err_set(err, -EBADMSG, "note: malformed signature line");
    line = span_of(line.p + skip, line.n - skip);
    const uint8_t *space = line.n ? memchr(line.p, ' ', line.n) : NULL;
    if (!space || !note_name_valid(span_of(line.p, (size_t)(space - line.p))))
        return err_set(err, -EBADMSG, "note: malformed name in a signature line");
    *name = span_of(line.p, (size_t)(space - line.p));
    if (!base64_decode(raw, span_of(space + 1, line.n - name->n - 1)) || raw->n <= ID_LEN)
        return err_set(err, -EBADMSG, "note: a signature is not base64 of an id and a signature");
    return 0;
}

/* One line without its newline. 1 ours and good, 0 somebody else's, negative. */
static int signature_check(struct span line, struct span text, const struct note_key *key,
                           struct err *err)
{
    struct buf raw = {0};
    struct span name;
    int rc = note_line_parse(line, &name, &raw, err);
    if (rc == 0 && span_is(name, key->name) && be32_get(raw.p) == key->id)
        rc = raw.n == SIGNATURE_LEN && crypto_sign_verify_detached(raw.p + ID_LEN, text.p, text.n,
                                                                   key->public_key) == 0
                 ? 1
                 : err_set(err, -EBADMSG, "note: the signature of %s does not hold", key->name);
    buf_free(&raw);
    return rc;
}

int note_open(struct span note, const struct note_key *key, struct span *text, struct err *err)
{
    if (note.n > NOTE_MAX)
        return err_set(err, -EBADMSG, "note: larger than %u bytes", NOTE_MAX);
    if (note.n == 0 || note.p[note.n - 1] != '\n' || !text_valid(note))
        return err_set(err, -EBADMSG, "note: not UTF-8 lines that end in a newline");
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    size_t blank = note.n - 1; /* where the last "\n\n" begins */
    while (blank > 0 && !(note.p[blank - 1] == '\n' && note.p[blank] == '\n'))
        blank--;
    if (blank == 0 || blank + 1 == note.n)
        return err_set(err, -EBADMSG, "note: no blank line before signatures");
    struct span body = span_of(note.p, blank);
    unsigned lines = 0;
    bool good = false;
    for (const uint8_t *p = note.p + blank + 1, *end = note.p + note.n; p < end;) {
        const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
        if (++lines > NOTE_SIGNATURES_MAX)
            return err_set(err, -EBADMSG, "note: more than %d signatures", NOTE_SIGNATURES_MAX);
        int rc = signature_check(span_of(p, (size_t)(nl - p)), body, key, err);
        if (rc < 0)
            return rc;
        good |= rc == 1;
        p = nl + 1;
    }
    if (!good)
        return err_set(err, -ENOKEY, "note: not signed by %s+%08x", key->name, key->id);
    *text = body;
    return 0;
}

static bool line_take(struct span *text, struct span *line)
{
    const uint8_t *nl = text->n ? memchr(text->p, '\n', text->n) : NULL;
    if (!nl || nl == text->p)
        return false;
    *line = span_of(text->p, (size_t)(nl - text->p));
    *text = span_of(nl + 1, text->n - line->n - 1);
    return true;
}

int checkpoint_parse(struct span text, struct checkpoint *out, struct err *err)
{
    struct span size, root, line;
    memset(out, 0, sizeof *out);
    if (!text_valid(text) || !line_take(&text, &out->origin))
        return err_set(err, -EBADMSG, "checkpoint: no origin line");
    if (!line_take(&text, &size) || !note_decimal(size, &out->size))
        return err_set(err, -EBADMSG, "checkpoint: the second line is not a tree size");
    if (!line_take(&text, &root))
        return err_set(err, -EBADMSG, "checkpoint: no root hash");
    if (!note_hash(root, out->root))
        return err_set(err, -EBADMSG, "checkpoint: the root is not base64 of 32 bytes");
    out->extensions = text;
    while (text.n)
        if (!line_take(&text, &line))
            return err_set(err, -EBADMSG, "checkpoint: an extension line is empty or torn");
    return 0;
}

void checkpoint_put(const struct checkpoint *c, struct buf *out)
{
    buf_span(out, c->origin);
    buf_printf(out, "\n%llu\n", (unsigned long long)c->size);
    base64_encode(out, span_of(c->root, SHA256_LEN));
    buf_byte(out, '\n');
    buf_span(out, c->extensions);
}
