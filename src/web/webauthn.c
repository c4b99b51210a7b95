#include "web/webauthn.h"

#include <errno.h>

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "base/digest.h"
#include "base/ip.h"
#include "web/base64url.h"
#include "wire/text.h"

#define DATA_MIN   37 /* rpIdHash, flags, signCount */
#define AAGUID_LEN 16
#define RSA_MIN    2048
#define RSA_MAX    4096

static int bad(struct err *err, const char *what)
{
    return err_set(err, -EACCES, "passkey: %s", what);
}

bool webauthn_rp_id(const char *origin, char *out, size_t max)
{
    struct ip ip;
    struct span s = span_str(origin);
    size_t scheme = text_starts(s, "https://") ? 8 : text_starts(s, "http://") ? 7 : 0;
    if (!scheme)
        return false;
    s = text_behind(s, scheme);
    s.n = text_find(s, ':');
    if (!s.n || s.n >= max || *s.p == '[' || ip_parse(s, &ip))
        return false;
    for (size_t i = 0; i < s.n; i++)
        out[i] = (char)text_lower(s.p[i]);
    out[s.n] = 0;
    return true;
}

/* ---- client data (5.8.1) ---- */

static bool is_text(const json_t *object, const char *key, const char *want)
{
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) && strcmp(json_string_value(v), want) == 0;
}

static bool is_challenge(const json_t *object, struct span want)
{
    const json_t *v = json_object_get(object, "challenge");
    struct buf have = {0};
    bool good = json_is_string(v) &&
                base64url_decode(&have, span_of(json_string_value(v), json_string_length(v))) &&
                have.n == want.n && want.n && sodium_memcmp(have.p, want.p, want.n) == 0;
    buf_free(&have);
    return good;
}

int webauthn_check_client_data(struct span json, const char *type, const struct webauthn_expect *e,
                               struct err *err)
{
    json_error_t why;
    int rc = 0;
    if (json.n > WEBAUTHN_CLIENT_DATA_MAX)
        return bad(err, "the client data is too long");
    json_t *o = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(o))
        rc = bad(err, "the client data is malformed");
    else if (!is_text(o, "type", type))
        rc = bad(err, "this is for something else");
    else if (!is_challenge(o, e->challenge))
        rc = bad(err, "this answers another challenge");
    else if (!is_text(o, "origin", e->origin))
        rc = bad(err, "this is of another site");
    else if (json_is_true(json_object_get(o, "crossOrigin")))
        rc = bad(err, "this came by way of another site");
    json_decref(o);
    return rc;
}

/* ---- authenticator data (6.1) ---- */

int webauthn_read_data(struct span data, const char *rp_id, struct webauthn_data *out,
                       struct err *err)
{
    struct cur c = cur_of(data);
    struct span hash, aaguid;
    uint8_t want[SHA256_LEN];
    uint16_t id_n;
    *out = (struct webauthn_data){0};
    if (data.n < DATA_MIN || data.n > WEBAUTHN_DATA_MAX)
        return bad(err, "the authenticator's data is malformed");
    sha256(rp_id, strlen(rp_id), want);
    if (!cur_take(&c, SHA256_LEN, &hash) || sodium_memcmp(hash.p, want, SHA256_LEN) != 0)
        return bad(err, "this is for another domain");
    if (!cur_u8(&c, &out->flags) || !cur_u32(&c, &out->sign_count))
        return bad(err, "the authenticator's data is malformed");
    if (out->flags & WEBAUTHN_AT &&
        (!cur_take(&c, AAGUID_LEN, &aaguid) || !cur_u16(&c, &id_n) || !id_n ||
         id_n > WEBAUTHN_ID_MAX || !cur_take(&c, id_n, &out->id) || !cur_left(&c)))
        return bad(err, "the authenticator's data is malformed");
    if (!(out->flags & (WEBAUTHN_AT | WEBAUTHN_ED)) && cur_left(&c))
        return bad(err, "the authenticator's data is malformed");
    return 0;
}

static int check_flags(const struct webauthn_data *d, struct err *err)
{
    if (!(d->flags & WEBAUTHN_UP))
        return bad(err, "nobody was present");
    return d->flags & WEBAUTHN_UV ? 0 : bad(err, "its owner was not verified (PIN or biometric)");
}

/* ---- keys and signatures ---- */

/* NULL where it is of a kind that is not taken. *md: what signatures are made over. */
static EVP_PKEY *load_key(struct span key, const EVP_MD **md)
{
    const uint8_t *p = key.p;
    char curve[32];
    size_t n;
    bool good = false;
    EVP_PKEY *k = key.n <= WEBAUTHN_KEY_MAX ? d2i_PUBKEY(NULL, &p, (long)key.n) : NULL;
    *md = EVP_sha256();
    if (k && p == key.p + key.n) {
        switch (EVP_PKEY_get_base_id(k)) {
        case EVP_PKEY_EC:
            good = EVP_PKEY_get_group_name(k, curve, sizeof curve, &n) == 1 &&
                   strcmp(curve, "prime256v1") == 0;
            break;
        case EVP_PKEY_ED25519:
            *md = NULL;
            good = true;
            break;
        case EVP_PKEY_RSA:
            good = EVP_PKEY_get_bits(k) >= RSA_MIN && EVP_PKEY_get_bits(k) <= RSA_MAX;
            break;
        default:
            break;
        }
    }
    if (!good)
        EVP_PKEY_free(k);
    ERR_clear_error();
    return good ? k : NULL;
}

int webauthn_check_key(struct span key, struct err *err)
{
    const EVP_MD *md;
    EVP_PKEY *k = load_key(key, &md);
    EVP_PKEY_free(k);
    return k ? 0 : bad(err, "not a key of ES256, EdDSA or RS256");
}

static int check_signature(struct span key, struct span authenticator, struct span client_data,
                           struct span signature, struct err *err)
{
    const EVP_MD *md;
    uint8_t message[WEBAUTHN_DATA_MAX + SHA256_LEN];
    EVP_PKEY *k = load_key(key, &md);
    EVP_MD_CTX *ctx = k ? EVP_MD_CTX_new() : NULL;
    memcpy(message, authenticator.p, authenticator.n);
    sha256(client_data.p, client_data.n, message + authenticator.n);
    bool good =
        ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, k) == 1 &&
        EVP_DigestVerify(ctx, signature.p, signature.n, message, authenticator.n + SHA256_LEN) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(k);
    ERR_clear_error();
    return good ? 0 : bad(err, "the signature does not hold");
}

/* ---- ceremonies ---- */

int webauthn_check_assertion(const struct webauthn_expect *e, const struct webauthn_assertion *a,
                             struct err *err)
{
    struct webauthn_data d;
    int rc = a->signature.n > WEBAUTHN_SIGNATURE_MAX
                 ? bad(err, "the signature is too long")
                 : webauthn_check_client_data(a->client_data, "webauthn.get", e, err);
    if (rc == 0)
        rc = webauthn_read_data(a->authenticator, e->rp_id, &d, err);
    if (rc == 0)
        rc = check_flags(&d, err);
    if (rc == 0)
        rc = check_signature(a->key, a->authenticator, a->client_data, a->signature, err);
    if (rc == 0 && (d.sign_count || *a->sign_count) && d.sign_count <= *a->sign_count)
        rc = bad(err, "its counter went back: there may be a copy of it");
    if (rc == 0)
        *a->sign_count = d.sign_count;
    return rc;
}

int webauthn_check_registration(const struct webauthn_expect *e,
                                const struct webauthn_registration *r, struct err *err)
{
    struct webauthn_data d;
    int rc = webauthn_check_client_data(r->client_data, "webauthn.create", e, err);
    if (rc == 0)
        rc = webauthn_read_data(r->authenticator, e->rp_id, &d, err);
    if (rc == 0)
        rc = check_flags(&d, err);
    if (rc == 0 && (!d.id.p || !span_eq(d.id, r->id)))
        rc = bad(err, "the authenticator names another credential");
    return rc == 0 ? webauthn_check_key(r->key, err) : rc;
}
