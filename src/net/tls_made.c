#define OPENSSL_SUPPRESS_DEPRECATED
#include "net/tls_made.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/digest.h"
#include "base/utc.h"
#include "net/tls_cert.h"

#define BUCKETS  (2 * TLS_MADE_MAX)
#define NONE     UINT32_MAX
#define CN_MAX   64 /* X.520's upper bound */
#define RSA_BITS 2048
/* Three primes: the key is found in a third of the time, so that a sensor that died is back soon.
 * What can be seen of it is like any other. */
#define RSA_PRIMES 3

struct made {
    X509 *cert; /* NULL: the place was never used */
    char *name; /* with the kind in front: "e", "r" */
    int64_t until;
    uint64_t hash;
    uint32_t next;         /* in the bucket */
    uint32_t older, newer; /* by last use */
};

struct tls_made {
    EVP_PKEY *key[TLS_MADE_KINDS];
    X509_NAME *issuer[TLS_MADE_KINDS];
    ASN1_OCTET_STRING *key_id[TLS_MADE_KINDS];
    uint64_t seed, count;
    uint32_t bucket[BUCKETS];
    uint32_t oldest, newest;
    unsigned kept;
    struct made made[TLS_MADE_MAX];
};

static bool add_extension(X509 *x, int nid, void *value, bool critical)
{
    return value && X509_add1_ext_i2d(x, nid, value, critical, X509V3_ADD_APPEND) == 1;
}

static bool add_key_usage(X509 *x, enum tls_made_kind kind)
{
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    EXTENDED_KEY_USAGE *extended = sk_ASN1_OBJECT_new_null();
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new(); /* not a CA */
    bool good = usage && extended && basic && ASN1_BIT_STRING_set_bit(usage, 0, 1);
    if (good && kind == TLS_MADE_RSA)
        good = ASN1_BIT_STRING_set_bit(usage, 2,
                                       1); /* keyEncipherment: the client sends a key in it */
    good = good && sk_ASN1_OBJECT_push(extended, OBJ_nid2obj(NID_server_auth)) > 0 &&
           add_extension(x, NID_basic_constraints, basic, true) &&
           add_extension(x, NID_key_usage, usage, true) &&
           add_extension(x, NID_ext_key_usage, extended, false);
    ASN1_BIT_STRING_free(usage);
    sk_ASN1_OBJECT_free(extended);
    BASIC_CONSTRAINTS_free(basic);
    return good;
}

static bool add_authority_key(X509 *x, const ASN1_OCTET_STRING *id)
{
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    bool good = authority && (authority->keyid = ASN1_OCTET_STRING_dup(id)) &&
                add_extension(x, NID_authority_key_identifier, authority, false);
    AUTHORITY_KEYID_free(authority);
    return good;
}

/* `bytes` are a name, or an address's 4 or 16. An empty subject makes the extension critical (RFC
 * 5280, 4.2.1.6). */
static bool add_alt_name(X509 *x, int type, struct span bytes, bool critical)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text =
        ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
    bool good = names && name && text && ASN1_STRING_set(text, bytes.p, (int)bytes.n);
    if (name && text) {
        GENERAL_NAME_set0_value(name, type, text);
        text = NULL;
    }
    if (good && (good = sk_GENERAL_NAME_push(names, name) > 0))
        name = NULL;
    good = good && add_extension(x, NID_subject_alt_name, names, critical);
    ASN1_STRING_free(text);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return good;
}

static bool set_common_name(X509_NAME *name, struct span text)
{
    return X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING, text.p, (int)text.n,
                                      -1, 0) == 1;
}

static bool set_frame(X509 *x, EVP_PKEY *key, int64_t from, int64_t until)
{
    uint8_t serial[16];
    BIGNUM *n = NULL;
    bool good = RAND_bytes(serial, sizeof serial) == 1;
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and always of the same length */
    good = good && (n = BN_bin2bn(serial, sizeof serial, NULL)) &&
           BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) && X509_set_version(x, X509_VERSION_3) &&
           ASN1_TIME_set(X509_getm_notBefore(x), from / UTC_SECOND) &&
           ASN1_TIME_set(X509_getm_notAfter(x), until / UTC_SECOND) && X509_set_pubkey(x, key);
    BN_free(n);
    return good;
}

static X509 *make_cert(const struct tls_made *m, enum tls_made_kind kind, struct span name,
                       const struct ip *ip, int64_t now, int64_t until)
{
    char text[IP_TEXT_MAX];
    struct span subject = name, bytes = name;
    if (!name.n) {
        subject = span_of(text, ip_format(ip, text));
        bytes = ip_is_v4(ip) ? span_of(ip->b + 12, 4) : span_of(ip->b, 16);
    }
    bool short_enough = subject.n <= CN_MAX;
    X509 *x = X509_new();
    bool good = x && set_frame(x, m->key[kind], now - TLS_MADE_BEFORE_DAYS * UTC_DAY, until) &&
                X509_set_issuer_name(x, m->issuer[kind]) &&
                (!short_enough || set_common_name(X509_get_subject_name(x), subject)) &&
                add_key_usage(x, kind) && add_authority_key(x, m->key_id[kind]) &&
                add_alt_name(x, name.n ? GEN_DNS : GEN_IPADD, bytes, !short_enough) &&
                X509_sign(x, m->key[kind], EVP_sha256()) > 0;
    if (good)
        return x;
    X509_free(x);
    ERR_clear_error();
    return NULL;
}

static void unlink_use(struct tls_made *m, uint32_t at)
{
    struct made *e = &m->made[at];
    if (e->older != NONE)
        m->made[e->older].newer = e->newer;
    else
        m->oldest = e->newer;
    if (e->newer != NONE)
        m->made[e->newer].older = e->older;
    else
        m->newest = e->older;
}

static void link_newest(struct tls_made *m, uint32_t at)
{
    struct made *e = &m->made[at];
    e->newer = NONE;
    e->older = m->newest;
    if (m->newest != NONE)
        m->made[m->newest].newer = at;
    else
        m->oldest = at;
    m->newest = at;
}

static uint32_t find(const struct tls_made *m, uint64_t hash, const char *name)
{
    uint32_t at = m->bucket[hash % BUCKETS];
    while (at != NONE && (m->made[at].hash != hash || strcmp(m->made[at].name, name) != 0))
        at = m->made[at].next;
    return at;
}

static void take_out(struct tls_made *m, uint32_t at)
{
    struct made *e = &m->made[at];
    uint32_t *link = &m->bucket[e->hash % BUCKETS];
    while (*link != at)
        link = &m->made[*link].next;
    *link = e->next;
    unlink_use(m, at);
    X509_free(e->cert);
    free(e->name);
    e->cert = NULL;
    e->name = NULL;
}

/* A free place: a new one, else that of the certificate that was not asked for the longest. */
static uint32_t free_place(struct tls_made *m)
{
    if (m->kept < TLS_MADE_MAX)
        return m->kept++;
    uint32_t at = m->oldest;
    take_out(m, at);
    return at;
}

static void put_in(struct tls_made *m, uint32_t at, uint64_t hash, const char *name, X509 *cert,
                   int64_t until)
{
    struct made *e = &m->made[at];
    *e = (struct made){.cert = cert,
                       .name = strdup(name),
                       .until = until,
                       .hash = hash,
                       .next = m->bucket[hash % BUCKETS]};
    if (!e->name)
        abort();
    m->bucket[hash % BUCKETS] = at;
    link_newest(m, at);
}

/* "e" or "r" and the name; an address in brackets, so that no name is the same. */
static size_t key_text(enum tls_made_kind kind, struct span name, const struct ip *ip,
                       char out[TLS_NAME_MAX + 2])
{
    size_t n = name.n < TLS_NAME_MAX ? name.n : TLS_NAME_MAX;
    out[0] = kind == TLS_MADE_EC ? 'e' : 'r';
    if (n) {
        memcpy(out + 1, name.p, n);
    } else {
        out[1] = '[';
        n = 1 + ip_format(ip, out + 2);
    }
    out[1 + n] = 0;
    return 1 + n;
}

/* Valid for another day at least, and already, should the clock have been set back. */
static bool is_fresh(const struct made *e, int64_t now)
{
    return now < e->until - UTC_DAY &&
           now > e->until - (TLS_MADE_DAYS + TLS_MADE_BEFORE_DAYS) * UTC_DAY;
}

X509 *tls_made_get(struct tls_made *m, enum tls_made_kind kind, struct span name,
                   const struct ip *ip, int64_t now)
{
    char text[TLS_NAME_MAX + 2];
    size_t n = key_text(kind, name, ip, text);
    uint64_t hash = XXH3_64bits_withSeed(text, n, m->seed);
    uint32_t at = find(m, hash, text);
    int64_t until = now + TLS_MADE_DAYS * UTC_DAY;
    if (at != NONE && is_fresh(&m->made[at], now)) {
        unlink_use(m, at);
        link_newest(m, at);
        return m->made[at].cert;
    }
    X509 *cert = make_cert(m, kind, name, ip, now, until);
    if (!cert)
        return NULL;
    m->count++;
    if (at != NONE)
        take_out(m, at);
    else
        at = free_place(m);
    put_in(m, at, hash, text, cert, until);
    return cert;
}

static EVP_PKEY *generate_key(enum tls_made_kind kind)
{
    if (kind == TLS_MADE_EC)
        return EVP_EC_gen("P-256");
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (ctx && EVP_PKEY_keygen_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, RSA_BITS) == 1 &&
        EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, RSA_PRIMES) == 1)
        EVP_PKEY_generate(ctx, &key);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* OpenSSL 3.0 writes the key of its own new kind into a certificate by encoding it, looking for a
 * decoder, and decoding it again, which costs five times what signing with P-256 does. The old kind
 * of key is taken as it is. */
static EVP_PKEY *old_kind(EVP_PKEY *key, enum tls_made_kind kind)
{
    EVP_PKEY *old = EVP_PKEY_new();
    EC_KEY *ec = kind == TLS_MADE_EC ? EVP_PKEY_get1_EC_KEY(key) : NULL;
    RSA *rsa = kind == TLS_MADE_RSA ? EVP_PKEY_get1_RSA(key) : NULL;
    bool good = old && ((ec && EVP_PKEY_set1_EC_KEY(old, ec) == 1) ||
                        (rsa && EVP_PKEY_set1_RSA(old, rsa) == 1));
    EC_KEY_free(ec);
    RSA_free(rsa);
    if (good)
        return old;
    EVP_PKEY_free(old);
    return NULL;
}

static EVP_PKEY *make_key(enum tls_made_kind kind)
{
    EVP_PKEY *key = generate_key(kind), *old = key ? old_kind(key, kind) : NULL;
    EVP_PKEY_free(key);
    return old;
}

/* SHA-1 of the public key, as RFC 5280, 4.2.1.2 (1) has it; just a number that is the same for all.
 */
static ASN1_OCTET_STRING *make_key_id(EVP_PKEY *key)
{
    uint8_t *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int len = i2d_PUBKEY(key, &der);
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    bool good = len > 0 && id && EVP_Digest(der, (size_t)len, digest, &n, EVP_sha1(), NULL) == 1 &&
                ASN1_OCTET_STRING_set(id, digest, (int)n);
    OPENSSL_free(der);
    if (good)
        return id;
    ASN1_OCTET_STRING_free(id);
    return NULL;
}

static X509_NAME *make_issuer(void)
{
    uint8_t number[8];
    char hex[17], text[32];
    X509_NAME *name = X509_NAME_new();
    if (name && RAND_bytes(number, sizeof number) == 1) {
        hex_encode(number, sizeof number, hex);
        snprintf(text, sizeof text, "CA %s", hex);
        if (set_common_name(name, span_str(text)))
            return name;
    }
    X509_NAME_free(name);
    return NULL;
}

int tls_made_new(const uint8_t secret[32], struct tls_made **out, struct err *err)
{
    struct tls_made *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    memcpy(&m->seed, secret, sizeof m->seed);
    memset(m->bucket, 0xff, sizeof m->bucket);
    m->oldest = m->newest = NONE;
    for (int kind = 0; kind < TLS_MADE_KINDS; kind++) {
        m->key[kind] = make_key((enum tls_made_kind)kind);
        m->issuer[kind] = make_issuer();
        m->key_id[kind] = m->key[kind] ? make_key_id(m->key[kind]) : NULL;
        if (m->key[kind] && m->issuer[kind] && m->key_id[kind])
            continue;
        tls_made_free(m);
        ERR_clear_error();
        return err_set(err, -EIO, "TLS: no %s key can be made",
                       kind == TLS_MADE_EC ? "P-256" : "RSA");
    }
    *out = m;
    return 0;
}

void tls_made_free(struct tls_made *m)
{
    if (!m)
        return;
    for (int kind = 0; kind < TLS_MADE_KINDS; kind++) {
        EVP_PKEY_free(m->key[kind]);
        X509_NAME_free(m->issuer[kind]);
        ASN1_OCTET_STRING_free(m->key_id[kind]);
    }
    for (unsigned i = 0; i < m->kept; i++) {
        X509_free(m->made[i].cert);
        free(m->made[i].name);
    }
    free(m);
}

EVP_PKEY *tls_made_key(const struct tls_made *m, enum tls_made_kind kind)
{
    return m->key[kind];
}

unsigned tls_made_kept(const struct tls_made *m)
{
    return m->kept;
}

uint64_t tls_made_count(const struct tls_made *m)
{
    return m->count;
}
