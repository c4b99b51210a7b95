#include "event/act_signed.h"

#include <sodium.h>

#include "base/cbor.h"

#define MEMBERS_MAX 64

/* A member as it stands in the map: key and value, and both together. */
struct member {
    struct span key, whole;
};

static int split(struct span payload, struct member out[MEMBERS_MAX + 2], unsigned *n)
{
    struct cur c = cur_of(payload);
    struct cbor_item map, key;
    if (cbor_get(&c, &map) != 1 || map.type != CBOR_MAP || map.n > MEMBERS_MAX)
        return -1;
    for (*n = 0; *n < map.n; ++*n) {
        const uint8_t *from = c.p;
        if (cbor_get(&c, &key) != 1 || key.type != CBOR_TEXT || cbor_skip(&c) != 1)
            return -1;
        out[*n] = (struct member){key.s, span_of(from, (size_t)(c.p - from))};
    }
    return 0;
}

static int find_member(const struct member *m, unsigned n, const char *key)
{
    for (unsigned i = 0; i < n; i++)
        if (span_is(m[i].key, key))
            return (int)i;
    return -1;
}

/* Keeps the order of keys. */
static void insert(struct member *m, unsigned *n, struct member new)
{
    unsigned at = *n;
    for (; at > 0 && cbor_key_cmp(new.key, m[at - 1].key) < 0; at--)
        m[at] = m[at - 1];
    m[at] = new;
    ++*n;
}

static void put_map(const struct member *m, unsigned n, int without, struct buf *out)
{
    cbor_put_head(out, CBOR_MAP, without < 0 ? n : n - 1);
    for (unsigned i = 0; i < n; i++)
        if ((int)i != without)
            buf_span(out, m[i].whole);
}

/* What is signed, over the map without "sig". */
static void put_signed(uint8_t kind, const char *origin, struct buf *out)
{
    buf_str(out, ACT_SIGNED_AS);
    buf_str(out, origin);
    buf_byte(out, '\n');
    buf_byte(out, kind);
}

int act_to_sign(struct span payload, uint8_t kind, const char *origin, struct span account,
                struct buf *plain, struct buf *text)
{
    struct member m[MEMBERS_MAX + 2];
    struct buf name = {0};
    unsigned n;
    if (split(payload, m, &n) < 0 || find_member(m, n, "account") >= 0 ||
        find_member(m, n, "sig") >= 0)
        return -1;
    cbor_put_key(&name, "account");
    cbor_put_text(&name, account);
    insert(m, &n, (struct member){span_str("account"), buf_as_span(&name)});
    put_map(m, n, -1, plain);
    put_signed(kind, origin, text);
    buf_span(text, buf_as_span(plain));
    buf_free(&name);
    return 0;
}

int act_signature_put(struct span plain, const uint8_t signature[ACT_SIGNATURE_LEN],
                      struct buf *out)
{
    struct member m[MEMBERS_MAX + 2];
    struct buf sig = {0};
    unsigned n;
    if (split(plain, m, &n) < 0 || find_member(m, n, "account") < 0 || find_member(m, n, "sig") >= 0)
        return -1;
    cbor_put_key(&sig, "sig");
    cbor_put_bytes(&sig, span_of(signature, ACT_SIGNATURE_LEN));
    insert(m, &n, (struct member){span_str("sig"), buf_as_span(&sig)});
    put_map(m, n, -1, out);
    buf_free(&sig);
    return 0;
}

int act_sign(struct span payload, uint8_t kind, const char *origin, struct span account,
             const uint8_t secret[ACT_SIGN_SECRET], struct buf *out)
{
    uint8_t signature[ACT_SIGNATURE_LEN];
    struct buf plain = {0}, text = {0};
    int rc = act_to_sign(payload, kind, origin, account, &plain, &text);
    if (rc == 0) {
        crypto_sign_detached(signature, NULL, text.p, text.n, secret);
        rc = act_signature_put(buf_as_span(&plain), signature, out);
    }
    buf_free(&plain);
    buf_free(&text);
    return rc;
}

int act_signer(struct span payload, struct span *account)
{
    struct cur at;
    struct cbor_item it;
    *account = span_of(NULL, 0);
    int rc = cbor_find(cur_of(payload), "account", &at);
    if (rc <= 0)
        return rc;
    if (cbor_get(&at, &it) != 1 || it.type != CBOR_TEXT || !it.s.n || it.s.n > ACT_ACCOUNT_MAX)
        return -1;
    *account = it.s;
    return 0;
}

int act_signature_holds(struct span payload, uint8_t kind, const char *origin,
                        const uint8_t public_key[ACT_SIGN_PUBLIC])
{
    struct member m[MEMBERS_MAX + 2];
    struct cbor_item it;
    struct cur at;
    struct buf text = {0};
    unsigned n;
    if (split(payload, m, &n) < 0)
        return -1;
    int sig = find_member(m, n, "sig");
    if (sig < 0)
        return 0;
    if (cbor_find(cur_of(payload), "sig", &at) != 1 || cbor_get(&at, &it) != 1 ||
        it.type != CBOR_BYTES || it.s.n != ACT_SIGNATURE_LEN)
        return -1;
    put_signed(kind, origin, &text);
    put_map(m, n, sig, &text);
    int rc = crypto_sign_verify_detached(it.s.p, text.p, text.n, public_key) == 0;
    buf_free(&text);
    return rc;
}
