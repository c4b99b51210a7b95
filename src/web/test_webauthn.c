#include "web/webauthn.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "base/digest.h"
#include "base/tap.h"
#include "web/base64url.h"

/* An authenticator in software. */
struct authenticator {
    EVP_PKEY *key;
    const EVP_MD *md;
    uint8_t spki[WEBAUTHN_KEY_MAX];
    size_t spki_n;
    uint8_t flags;
    uint32_t count;
    const char *rp_id, *origin, *type;
    bool cross;
    struct buf client_data, data, signature;
};

static const uint8_t challenge[WEBAUTHN_CHALLENGE_LEN] = {1, 2, 3, 250, 251, 252};
static const struct webauthn_expect expect = {
    {challenge, sizeof challenge}, "https://desk.example", "desk.example"};

static void take_key(struct authenticator *a, EVP_PKEY *key)
{
    uint8_t *p = a->spki;
    *a = (struct authenticator){.key = key,
                                .md = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256(),
                                .flags = WEBAUTHN_UP | WEBAUTHN_UV,
                                .count = 1,
                                .rp_id = "desk.example",
                                .origin = "https://desk.example",
                                .type = "webauthn.get"};
    a->spki_n = (size_t)i2d_PUBKEY(key, &p);
}

static void drop(struct authenticator *a)
{
    buf_free(&a->client_data);
    buf_free(&a->data);
    buf_free(&a->signature);
    EVP_PKEY_free(a->key);
}

static void make(struct authenticator *a, struct span id)
{
    uint8_t hash[SHA256_LEN];
    a->client_data.n = a->data.n = a->signature.n = 0;
    buf_printf(&a->client_data, "{\"type\":\"%s\",\"challenge\":\"", a->type);
    base64url_put(&a->client_data, span_of(challenge, sizeof challenge));
    buf_printf(&a->client_data, "\",\"origin\":\"%s\",\"crossOrigin\":%s}", a->origin,
               a->cross ? "true" : "false");
    sha256(a->rp_id, strlen(a->rp_id), hash);
    buf_put(&a->data, hash, sizeof hash);
    buf_byte(&a->data, a->flags);
    buf_be32(&a->data, a->count);
    if (id.n) {
        buf_put(&a->data, "0123456789abcdef", 16);
        buf_be16(&a->data, (uint16_t)id.n);
        buf_span(&a->data, id);
        buf_byte(&a->data, 0xa0); /* a COSE key, which is not looked at */
    }
    struct buf message = {0};
    buf_span(&message, buf_as_span(&a->data));
    sha256(a->client_data.p, a->client_data.n, hash);
    buf_put(&message, hash, sizeof hash);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = 1024;
    EVP_DigestSignInit(ctx, NULL, a->md, NULL, a->key);
    EVP_DigestSign(ctx, buf_reserve(&a->signature, n), &n, message.p, message.n);
    a->signature.n = n;
    EVP_MD_CTX_free(ctx);
    buf_free(&message);
}

static int check(struct authenticator *a, uint32_t *count)
{
    struct webauthn_assertion w = {buf_as_span(&a->client_data), buf_as_span(&a->data),
                                   buf_as_span(&a->signature), span_of(a->spki, a->spki_n), count};
    return webauthn_check_assertion(&expect, &w, NULL);
}

static int login(struct authenticator *a, uint32_t *count)
{
    make(a, (struct span){0});
    return check(a, count);
}

static void test_kind(EVP_PKEY *key)
{
    struct authenticator a;
    uint32_t count = 0;
    take_key(&a, key);
    is_int(login(&a, &count), 0);
    is_int(count, 1);
    ok(login(&a, &count) < 0, "the counter must grow");
    a.count = 2;
    is_int(login(&a, &count), 0);
    a.count = 3;
    for (size_t i = 0; i < a.data.n + 3; i++) { /* every byte of it counts */
        make(&a, (struct span){0});
        if (i < a.data.n)
            a.data.p[i] ^= 1;
        else
            a.signature.p[a.signature.n / 2 + (i - a.data.n)] ^= 1;
        if (check(&a, &count) == 0)
            ok(false, "a changed byte is seen");
    }
    a.flags = WEBAUTHN_UV;
    ok(login(&a, &count) < 0, "nobody present");
    a.flags = WEBAUTHN_UP;
    ok(login(&a, &count) < 0, "not verified");
    a.flags |= WEBAUTHN_UV;
    a.origin = "https://desk.example.evil.example";
    ok(login(&a, &count) < 0, "another site");
    a.origin = "https://desk.example";
    a.rp_id = "evil.example";
    ok(login(&a, &count) < 0, "another domain");
    a.rp_id = "desk.example";
    a.type = "webauthn.create";
    ok(login(&a, &count) < 0, "another ceremony");
    a.type = "webauthn.get";
    a.cross = true;
    ok(login(&a, &count) < 0, "by way of another site");
    a.cross = false;
    is_int(login(&a, &count), 0);
    drop(&a);
}

static void test_no_counter(void)
{
    struct authenticator a;
    uint32_t count = 0;
    take_key(&a, EVP_EC_gen("P-256"));
    a.count = 0;
    is_int(login(&a, &count), 0);
    is_int(login(&a, &count), 0); /* many have none */
    EVP_PKEY *other = EVP_EC_gen("P-256");
    uint8_t *p = a.spki;
    a.spki_n = (size_t)i2d_PUBKEY(other, &p);
    ok(login(&a, &count) < 0, "another's key");
    EVP_PKEY_free(other);
    drop(&a);
}

static void test_registration(void)
{
    struct authenticator a;
    struct span id = span_str("an id");
    take_key(&a, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    a.type = "webauthn.create";
    a.flags |= WEBAUTHN_AT;
    make(&a, id);
    struct webauthn_registration r = {buf_as_span(&a.client_data), buf_as_span(&a.data), id,
                                      span_of(a.spki, a.spki_n)};
    is_int(webauthn_check_registration(&expect, &r, NULL), 0);
    for (size_t n = 0; n < a.data.n; n++) {
        r.authenticator.n = n;
        if (webauthn_check_registration(&expect, &r, NULL) == 0)
            ok(false, "cut off");
    }
    r.authenticator.n = a.data.n;
    r.id = span_str("an ie");
    ok(webauthn_check_registration(&expect, &r, NULL) < 0);
    drop(&a);
}

static void test_keys(void)
{
    static const char *const weak[] = {"P-384", "secp256k1"};
    uint8_t der[WEBAUTHN_KEY_MAX], *p = der;
    EVP_PKEY *rsa = EVP_RSA_gen(1024);
    size_t n = (size_t)i2d_PUBKEY(rsa, &p);
    ok(webauthn_check_key(span_of(der, n), NULL) < 0, "a short RSA key");
    EVP_PKEY_free(rsa);
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *k = EVP_EC_gen(weak[i]);
        p = der;
        n = (size_t)i2d_PUBKEY(k, &p);
        ok(webauthn_check_key(span_of(der, n), NULL) < 0);
        EVP_PKEY_free(k);
    }
    ok(webauthn_check_key(span_str("nonsense"), NULL) < 0);
    ok(webauthn_check_key((struct span){0}, NULL) < 0);
}

static void test_client_data(void)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{}",
        "{\"type\":\"webauthn.get\"}",
        "{\"type\":1,\"challenge\":2,\"origin\":3}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AQID\",\"origin\":\"https://desk.example\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(webauthn_check_client_data(span_str(bad[i]), "webauthn.get", &expect, NULL) < 0);
}

static void test_rp_id(void)
{
    char id[64];
    ok(webauthn_rp_id("https://Desk.Example:8443", id, sizeof id));
    is_str(id, "desk.example");
    ok(webauthn_rp_id("http://localhost:8080", id, sizeof id));
    is_str(id, "localhost");
    ok(!webauthn_rp_id("https://192.0.2.1", id, sizeof id));
    ok(!webauthn_rp_id("https://[2001:db8::1]:80", id, sizeof id));
    ok(!webauthn_rp_id("", id, sizeof id) && !webauthn_rp_id("https://", id, sizeof id));
    ok(!webauthn_rp_id("https://desk.example", id, 5));
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    test_kind(EVP_EC_gen("P-256"));
    test_kind(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    test_kind(EVP_RSA_gen(2048));
    test_no_counter();
    test_registration();
    test_keys();
    test_client_data();
    test_rp_id();
    return tap_done();
}
