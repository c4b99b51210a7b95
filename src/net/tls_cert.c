#include "net/tls_cert.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/tls_made.h"
#include "wire/text.h"

/* One of the operator's certificates, and whom it is for. */
struct operator_cert {
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
    char **names; /* in small letters */
    size_t names_count;
    struct ip *ips;
    size_t ips_count;
};

struct tls_certs {
    struct operator_cert *operators;
    unsigned operators_count;
    struct tls_made *made;
};

static bool lists(const uint16_t *v, size_t n, uint16_t wanted)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] == wanted)
            return true;
    return false;
}

/* Suites of TLS 1.2 and older with an ECDSA (or EdDSA) certificate, of those that OpenSSL has and a
 * client could mean. */
static bool lists_ecdsa_suite(const struct tls_hello *h)
{
    static const uint16_t suites[] = {0xc02b, 0xc02c, 0xcca9, 0xc009, 0xc00a,
                                      0xc023, 0xc024, 0xc0ac, 0xc0ad};
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        if (lists(h->cipher, h->n_ciphers, suites[i]))
            return true;
    return false;
}

struct key_use {
    const char *group; /* OpenSSL's name; NULL: not an EC key */
    int type;          /* EVP_PKEY_... */
    uint16_t scheme;   /* of TLS 1.3 */
    uint16_t curve;    /* that a client of TLS 1.2 must list, when it lists any; 0: none */
};
static const struct key_use key_uses[] = {
    {"prime256v1", EVP_PKEY_EC, 0x0403, 23}, {"secp384r1", EVP_PKEY_EC, 0x0503, 24},
    {"secp521r1", EVP_PKEY_EC, 0x0603, 25},  {NULL, EVP_PKEY_ED25519, 0x0807, 0},
    {NULL, EVP_PKEY_ED448, 0x0808, 0},
};

static const struct key_use *key_use(EVP_PKEY *key)
{
    char group[64] = "";
    int type = EVP_PKEY_get_base_id(key);
    if (type == EVP_PKEY_EC)
        EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
    for (size_t i = 0; i < sizeof key_uses / sizeof *key_uses; i++)
        if (key_uses[i].type == type &&
            (!key_uses[i].group || strcmp(key_uses[i].group, group) == 0))
            return &key_uses[i];
    return NULL;
}

/* Schemes of TLS 1.2 that go with any curve: ecdsa with SHA-1, -256, -384, -512. */
static bool lists_ecdsa_scheme(const struct tls_hello *h)
{
    static const uint16_t schemes[] = {0x0403, 0x0203, 0x0503, 0x0603};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (lists(h->scheme, h->n_schemes, schemes[i]))
            return true;
    return h->n_schemes == 0; /* RFC 5246, 7.4.1.4.1: SHA-1 is meant */
}

static bool client_takes(const struct tls_hello *h, EVP_PKEY *key)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return true;
    const struct key_use *use = key_use(key);
    if (!h || !use)
        return false;
    if (lists(h->version, h->n_versions, TLS1_3_VERSION))
        return lists(h->scheme, h->n_schemes, use->scheme);
    if (!lists_ecdsa_suite(h))
        return false;
    if (!use->curve)
        return lists(h->scheme, h->n_schemes, use->scheme);
    return lists_ecdsa_scheme(h) && (!h->n_groups || lists(h->group, h->n_groups, use->curve));
}

int tls_name_fits(struct span pattern, struct span name)
{
    if (span_eq(pattern, name))
        return 2;
    if (pattern.n < 3 || pattern.p[0] != '*' || pattern.p[1] != '.')
        return 0;
    size_t label = text_find(name, '.');
    return label && label < name.n && span_eq(text_behind(pattern, 1), text_behind(name, label));
}

static bool add_name(struct operator_cert *o, const ASN1_STRING *text)
{
    const uint8_t *p = ASN1_STRING_get0_data(text);
    size_t n = (size_t)ASN1_STRING_length(text);
    if (!n || memchr(p, 0, n) || o->names_count == TLS_OPERATOR_NAMES_MAX)
        return false;
    char *copy = malloc(n + 1);
    if (!copy)
        abort();
    for (size_t i = 0; i < n; i++)
        copy[i] = (char)text_lower(p[i]);
    copy[n] = 0;
    o->names[o->names_count++] = copy;
    return true;
}

static void add_ip(struct operator_cert *o, const ASN1_STRING *ip)
{
    int n = ASN1_STRING_length(ip);
    if ((n == 4 || n == 16) && o->ips_count < TLS_OPERATOR_NAMES_MAX)
        o->ips[o->ips_count++] = ip_from_bytes(ASN1_STRING_get0_data(ip), n == 16);
}

/* subjectAltName; the common name only where that has no name (RFC 6125, 6.4.4). */
static void read_names(struct operator_cert *o)
{
    GENERAL_NAMES *san = X509_get_ext_d2i(o->cert, NID_subject_alt_name, NULL, NULL);
    size_t n = san ? (size_t)sk_GENERAL_NAME_num(san) : 0;
    o->names = calloc(n + 1, sizeof *o->names);
    o->ips = calloc(n + 1, sizeof *o->ips);
    if (!o->names || !o->ips)
        abort();
    for (size_t i = 0; i < n; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(san, (int)i);
        if (name->type == GEN_DNS)
            add_name(o, name->d.dNSName);
        else if (name->type == GEN_IPADD)
            add_ip(o, name->d.iPAddress);
    }
    GENERAL_NAMES_free(san);
    X509_NAME *subject = X509_get_subject_name(o->cert);
    int at = o->names_count ? -1 : X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0)
        add_name(o, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

/* Never asks a terminal. */
static int no_password(char *buf, int size, int rw, void *ctx)
{
    return -1;
}

static int load_chain(const char *pem, struct operator_cert *o)
{
    BIO *b = BIO_new_mem_buf(pem, -1);
    o->cert = PEM_read_bio_X509(b, NULL, no_password, NULL);
    o->chain = sk_X509_new_null();
    for (unsigned i = 0; o->cert && i < TLS_OPERATOR_CHAIN_MAX; i++) {
        X509 *next = PEM_read_bio_X509(b, NULL, no_password, NULL);
        if (!next)
            break;
        sk_X509_push(o->chain, next);
    }
    BIO_free(b);
    ERR_clear_error(); /* the end of the text is one */
    return o->cert ? 0 : -1;
}

static int load_operator(const struct net_certificate *c, unsigned number, struct operator_cert *o,
                         struct err *err)
{
    if (!c->chain || load_chain(c->chain, o) < 0)
        return err_set(err, -EINVAL, "certificate %u: its chain is no PEM certificate", number);
    BIO *b = BIO_new_mem_buf(c->key ? c->key : "", -1);
    o->key = PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);
    BIO_free(b);
    ERR_clear_error();
    read_names(o);
    const char *name = o->names_count ? o->names[0] : "no name";
    if (!o->key)
        return err_set(err, -EINVAL,
                       "certificate %u (%s): its key is no PEM key without a password", number,
                       name);
    bool fits = X509_check_private_key(o->cert, o->key) == 1;
    ERR_clear_error();
    if (!fits)
        return err_set(err, -EINVAL, "certificate %u (%s): it is not of this key", number, name);
    if (EVP_PKEY_get_base_id(o->key) != EVP_PKEY_RSA && !key_use(o->key))
        return err_set(err, -EINVAL,
                       "certificate %u (%s): a kind of key that TLS clients do not take", number,
                       name);
    return 0;
}

static void free_operator(struct operator_cert *o)
{
    X509_free(o->cert);
    EVP_PKEY_free(o->key);
    sk_X509_pop_free(o->chain, X509_free);
    for (size_t i = 0; i < o->names_count; i++)
        free(o->names[i]);
    free(o->names);
    free(o->ips);
}

static int fits_name(const struct operator_cert *o, struct span name)
{
    int best = 0;
    for (size_t i = 0; i < o->names_count && best < 2; i++) {
        int fit = tls_name_fits(span_str(o->names[i]), name);
        best = fit > best ? fit : best;
    }
    return best;
}

static int fits_ip(const struct operator_cert *o, const struct ip *ip)
{
    for (size_t i = 0; i < o->ips_count; i++)
        if (memcmp(&o->ips[i], ip, sizeof *ip) == 0)
            return 2;
    return 0;
}

/* The best of the operator's that the client can check: the exact name before an asterisk, then
 * what is cheaper to sign with, then the first. */
static const struct operator_cert *pick_operator(const struct tls_certs *c,
                                                 const struct tls_hello *h, struct span name,
                                                 const struct ip *dst)
{
    const struct operator_cert *best = NULL;
    int best_score = 0;
    for (unsigned i = 0; i < c->operators_count; i++) {
        const struct operator_cert *o = &c->operators[i];
        int score = 2 * (name.n ? fits_name(o, name) : fits_ip(o, dst));
        if (!score || !client_takes(h, o->key))
            continue;
        score += EVP_PKEY_get_base_id(o->key) != EVP_PKEY_RSA;
        if (score > best_score) {
            best_score = score;
            best = o;
        }
    }
    return best;
}

int tls_certs_new(const struct net_config *config, struct tls_certs **out, struct err *err)
{
    struct tls_certs *c = calloc(1, sizeof *c);
    int rc = 0;
    if (!c)
        abort();
    c->operators = calloc(config->certificates_count + 1, sizeof *c->operators);
    if (!c->operators)
        abort();
    for (unsigned i = 0; i < config->certificates_count && rc == 0; i++) {
        c->operators_count = i + 1;
        rc = load_operator(&config->certificates[i], i + 1, &c->operators[i], err);
    }
    if (rc == 0)
        rc = tls_made_new(config->secret, &c->made, err);
    if (rc < 0)
        tls_certs_free(c);
    else
        *out = c;
    return rc;
}

void tls_certs_free(struct tls_certs *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->operators_count; i++)
        free_operator(&c->operators[i]);
    free(c->operators);
    tls_made_free(c->made);
    free(c);
}

/* The SNI as a host name: small letters, no final dot. What cannot stand in a certificate's name is
 * written as an underscore; cut to what a name may have. */
static size_t clean_name(struct span sni, char out[TLS_NAME_MAX + 1])
{
    size_t n = sni.n < TLS_NAME_MAX ? sni.n : TLS_NAME_MAX;
    for (size_t i = 0; i < n; i++) {
        uint8_t ch = text_lower(sni.p[i]);
        bool plain = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '.';
        out[i] = (char)(plain ? ch : '_');
    }
    while (n && out[n - 1] == '.')
        n--;
    out[n] = 0;
    return n;
}

bool tls_certs_pick(struct tls_certs *c, const struct tls_hello *hello, struct span sni,
                    const struct ip *dst, int64_t now, struct tls_pair *out)
{
    char text[TLS_NAME_MAX + 1];
    struct span name = span_of(text, clean_name(sni, text));
    const struct operator_cert *o = pick_operator(c, hello, name, dst);
    if (o) {
        *out = (struct tls_pair){o->cert, o->key, o->chain};
        return true;
    }
    enum tls_made_kind kind =
        client_takes(hello, tls_made_key(c->made, TLS_MADE_EC)) ? TLS_MADE_EC : TLS_MADE_RSA;
    *out = (struct tls_pair){.cert = tls_made_get(c->made, kind, name, dst, now),
                             .key = tls_made_key(c->made, kind)};
    return out->cert != NULL;
}

unsigned tls_certs_kept(const struct tls_certs *c)
{
    return tls_made_kept(c->made);
}

uint64_t tls_certs_made(const struct tls_certs *c)
{
    return tls_made_count(c->made);
}
