#include "net/test_tls.h"

#include <errno.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/digest.h"
#include "base/utc.h"
#include "net/tls_cert.h"
#include "wire/tls_hello.h"

static int key_type(struct talk *k)
{
    return EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(k->client)));
}

static bool is_for(struct talk *k, const char *name)
{
    return X509_check_host(SSL_get0_peer_certificate(k->client), name, 0, 0, NULL) == 1;
}

/* The fingerprints and names that we recorded, beside those of the bytes that the client sent. */
static void check_info(struct talk *k, const char *sni, const char *version)
{
    static uint8_t scratch[TLS_HELLO_MAX];
    static struct tls_hello h;
    struct buf text = {0};
    uint8_t md5[16];
    char ja3[33], ja4[64];
    const struct tls_info *info = tls_info(k->t);
    is_int(tls_hello_parse(buf_as_span(&k->hello), scratch, &h), 1);
    tls_hello_ja3_text(&h, &text);
    EVP_Digest(text.p, text.n, md5, NULL, EVP_md5(), NULL);
    hex_encode(md5, 16, ja3);
    tls_hello_ja4(&h, ja4);
    buf_free(&text);
    if (!ok(info != NULL))
        return;
    is_str(info->ja3, ja3);
    is_str(info->ja4, ja4);
    ok(span_is(info->sni, sni), "SNI");
    ok(span_is(info->version, version), "version");
}

static void test_version(int version, const char *name, size_t step)
{
    struct wish w = {
        .version = version, .sni = "www.seized.example", .step = step, .alpn = "\2h2\x08http/1.1"};
    struct talk k;
    uint64_t before = world.counters.tls_handshakes;
    const unsigned char *alpn;
    unsigned alpn_len;
    printf("# TLS %s, %zu bytes at a time\n", name, step);
    is_int(connect_as(&k, &w, other_peer()), TLS_OPEN);
    is_int(k.client_result, 1);
    is_int(world.counters.tls_handshakes - before, 1);
    ok(is_for(&k, "www.seized.example"));
    check_info(&k, "www.seized.example", name);
    ok(span_is(tls_info(k.t)->alpn, "h2"), "the first that the client offers");
    SSL_get0_alpn_selected(k.client, &alpn, &alpn_len);
    ok(span_is(span_of(alpn, alpn_len), "http/1.1"), "the one that is agreed on");
    is_int(tls_hello_bytes(k.t).n, 0);
    ok(says(&k, "GET / HTTP/1.1\r\n\r\n"));
    ok(hears(&k, "HTTP/1.1 200 OK\r\n\r\n"));
    ok(says(&k, "again"));
    SSL_shutdown(k.client);
    to_server(&k, step);
    is_int(k.state, TLS_CLOSED);
    ok(hears(&k, "still open the other way"));
    tls_close(k.t, &k.out);
    ok(k.out.n > 0);
    to_client(&k);
    is_int(SSL_shutdown(k.client), 1, "close_notify was seen");
    tls_close(k.t, &k.out);
    is_int(k.out.n, 0, "only once");
    is_int(tls_output(k.t, span_str("x"), &k.out), -1);
    talk_end(&k);
}

static void test_versions(void)
{
    static const size_t steps[] = {0, 1, 7};
    for (size_t i = 0; i < 3; i++) {
        test_version(TLS1_VERSION, "1.0", steps[i]);
        test_version(TLS1_1_VERSION, "1.1", steps[i]);
        test_version(TLS1_2_VERSION, "1.2", steps[i]);
        test_version(TLS1_3_VERSION, "1.3", steps[i]);
    }
    is_int(world.counters.tls_failed + world.counters.tls_refused, 0);
}

static void refused(const char *sni, struct net_peer peer, uint8_t alert)
{
    struct wish w = {.sni = sni};
    struct talk k;
    uint64_t before = world.counters.tls_refused, failed = world.counters.tls_failed;
    talk_begin(&k, &w, peer);
    SSL_do_handshake(k.client);
    char *p;
    long n = BIO_get_mem_data(k.from_client, &p);
    is_int(tls_input(k.t, span_of(p, (size_t)n), &k.plain, &k.out), TLS_REFUSED);
    uint8_t want[] = {21, 3, 1, 0, 2, 2, alert};
    ok(k.out.n == 7 && memcmp(k.out.p, want, 7) == 0, "an alert, and no certificate");
    to_client(&k);
    ok(SSL_do_handshake(k.client) == -1 &&
       ERR_GET_REASON(ERR_peek_last_error()) == SSL_AD_REASON_OFFSET + alert);
    ERR_clear_error();
    is_int(world.counters.tls_refused - before, 1);
    is_int(world.counters.tls_failed - failed, 0);
    ok(tls_info(k.t) != NULL, "the hello is known all the same");
    is_int(tls_hello_bytes(k.t).n, n);
    is_int(tls_input(k.t, span_str("more"), &k.plain, &k.out), TLS_REFUSED);
    is_int(tls_output(k.t, span_str("x"), &k.out), -1);
    talk_end(&k);
}

static void test_authority(void)
{
    struct talk k;
    refused("www.other.example", other_peer(), 112);
    refused("seized.example.org", other_peer(), 112);
    refused(NULL, other_peer(), 49);

    struct wish w = {.sni = "www.other.example"};
    is_int(connect_as(&k, &w, seized_peer()), TLS_OPEN, "by the destination");
    ok(is_for(&k, "www.other.example"));
    talk_end(&k);

    struct wish none = {.version = TLS1_2_VERSION};
    is_int(connect_as(&k, &none, seized_peer()), TLS_OPEN);
    is_int(X509_check_ip_asc(SSL_get0_peer_certificate(k.client), "192.0.2.1", 0), 1);
    ok(tls_info(k.t) && !tls_info(k.t)->sni.n);
    talk_end(&k);
    is_int(connect_as(&k, &none, test_peer("2001:db8::7", 1, "2001:db8::1", 443, true)), TLS_OPEN);
    is_int(X509_check_ip_asc(SSL_get0_peer_certificate(k.client), "2001:db8::1", 0), 1);
    talk_end(&k);
}

/* Who can check ECDSA gets it; everybody else RSA. */
static void test_kinds(void)
{
    static const struct {
        struct wish w;
        int type;
    } cases[] = {
        {{.version = TLS1_3_VERSION}, EVP_PKEY_EC},
        {{.version = TLS1_3_VERSION, .sigalgs = "RSA-PSS+SHA256"}, EVP_PKEY_RSA},
        {{.version = TLS1_3_VERSION, .sigalgs = "ECDSA+SHA384:RSA-PSS+SHA256"}, EVP_PKEY_RSA},
        {{.version = TLS1_3_VERSION, .groups = "P-521"}, EVP_PKEY_EC},
        {{.version = TLS1_2_VERSION}, EVP_PKEY_EC},
        {{.version = TLS1_2_VERSION, .groups = "X25519"}, EVP_PKEY_RSA},
        {{.version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"}, EVP_PKEY_RSA},
        {{.version = TLS1_2_VERSION, .ciphers = "AES128-SHA"}, EVP_PKEY_RSA},
        {{.version = TLS1_2_VERSION, .ciphers = "DHE-RSA-AES128-SHA"}, EVP_PKEY_RSA},
        {{.version = TLS1_2_VERSION,
          .ciphers = "ECDHE-ECDSA-AES128-SHA:AES128-SHA",
          .sigalgs = "RSA+SHA1"},
         EVP_PKEY_RSA},
        {{.version = TLS1_2_VERSION,
          .ciphers = "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
          .sigalgs = "ECDSA+SHA1"},
         EVP_PKEY_EC},
        {{.version = TLS1_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"}, EVP_PKEY_EC},
        {{.version = TLS1_VERSION, .ciphers = "AES128-SHA:@SECLEVEL=0"}, EVP_PKEY_RSA},
        {{.version = TLS1_VERSION, .ciphers = "CAMELLIA256-SHA:@SECLEVEL=0"}, EVP_PKEY_RSA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wish w = cases[i].w;
        struct talk k;
        w.sni = "kinds.seized.example";
        is_int(connect_as(&k, &w, other_peer()), TLS_OPEN);
        if (k.state == TLS_OPEN)
            is_int(key_type(&k), cases[i].type);
        talk_end(&k);
    }
    struct wish anonymous = {
        .version = TLS1_2_VERSION, .sni = "seized.example", .ciphers = "aNULL:@SECLEVEL=0"};
    struct talk k;
    is_int(connect_as(&k, &anonymous, other_peer()), TLS_OPEN, "without any certificate");
    talk_end(&k);
    anonymous.ciphers = "eNULL:@SECLEVEL=0";
    is_int(connect_as(&k, &anonymous, other_peer()), TLS_OPEN, "without any encryption");
    ok(says(&k, "hello"));
    talk_end(&k);
}

/* The certificate's serial number, as text. */
static void serial_of(const char *sni, int version, char out[64])
{
    struct wish w = {.version = version, .sni = sni};
    struct talk k;
    connect_as(&k, &w, other_peer());
    char *hex = i2s_ASN1_INTEGER(NULL, X509_get0_serialNumber(SSL_get0_peer_certificate(k.client)));
    snprintf(out, 64, "%s", hex);
    OPENSSL_free(hex);
    talk_end(&k);
}

static void test_reuse(void)
{
    char a[64], b[64], c[64];
    serial_of("reuse.seized.example", TLS1_3_VERSION, a);
    serial_of("Reuse.Seized.Example", TLS1_2_VERSION, b);
    is_str(b, a);
    serial_of("reuse2.seized.example", TLS1_3_VERSION, c);
    ok(strcmp(a, c) != 0);
}

static void test_made(void)
{
    struct wish w = {.sni = "made.seized.example"};
    struct talk k;
    int days, seconds;
    ASN1_TIME *now = ASN1_TIME_set(NULL, TEST_NOW / UTC_SECOND);
    connect_as(&k, &w, other_peer());
    X509 *x = SSL_get0_peer_certificate(k.client);
    is_int(X509_get_version(x), X509_VERSION_3);
    ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x), now);
    is_int(days, TLS_MADE_BEFORE_DAYS);
    ASN1_TIME_diff(&days, &seconds, now, X509_get0_notAfter(x));
    is_int(days, TLS_MADE_DAYS);
    is_int(X509_check_ca(x), 0);
    is_int(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0), 1);
    is_int(X509_verify(x, X509_get0_pubkey(x)), 1, "by the one key of its kind");
    ok(X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) != 0);
    is_int(sk_X509_num(SSL_get_peer_cert_chain(k.client)), 1);
    ok(!is_for(&k, "other.seized.example"));
    ASN1_TIME_free(now);
    talk_end(&k);

    char name[] = "a234567890123456789012345678901234567890."
                  "b234567890123456789012345678901234567890.seized.example";
    w.sni = name;
    is_int(connect_as(&k, &w, other_peer()), TLS_OPEN, "longer than a common name");
    ok(is_for(&k, name));
    is_int(X509_NAME_entry_count(X509_get_subject_name(SSL_get0_peer_certificate(k.client))), 0);
    talk_end(&k);
}

static void test_bound(void)
{
    struct tls_certs *certs;
    struct tls_pair pair;
    struct tls_hello h = {.scheme = {0x0403}, .n_schemes = 1, .version = {0x0304}, .n_versions = 1};
    struct ip ip = ip_from_v4(0xc0000201);
    char name[64];
    int64_t now = TEST_NOW;
    if (tls_certs_new(&world.config, &certs, NULL) < 0)
        abort();
    for (unsigned i = 0; i < TLS_MADE_MAX + 50; i++) {
        snprintf(name, sizeof name, "n%u.seized.example", i);
        if (!tls_certs_pick(certs, &h, span_str(name), &ip, now, &pair))
            abort();
        if (i % 100 == 0) /* the first is always in use */
            tls_certs_pick(certs, &h, span_str("n0.seized.example"), &ip, now, &pair);
    }
    is_int(tls_certs_kept(certs), TLS_MADE_MAX);
    is_int(tls_certs_made(certs), TLS_MADE_MAX + 50);
    tls_certs_pick(certs, &h, span_str("n0.seized.example"), &ip, now, &pair);
    is_int(tls_certs_made(certs), TLS_MADE_MAX + 50, "still there");
    tls_certs_pick(certs, &h, span_str("n1.seized.example"), &ip, now, &pair);
    is_int(tls_certs_made(certs), TLS_MADE_MAX + 51, "made anew");
    is_int(tls_certs_kept(certs), TLS_MADE_MAX);
    now += (TLS_MADE_DAYS - 2) * UTC_DAY;
    tls_certs_pick(certs, &h, span_str("N1.seized.example."), &ip, now, &pair);
    is_int(tls_certs_made(certs), TLS_MADE_MAX + 51);
    now += 2 * UTC_DAY;
    tls_certs_pick(certs, &h, span_str("n1.seized.example"), &ip, now, &pair);
    is_int(tls_certs_made(certs), TLS_MADE_MAX + 52, "about to expire");
    is_int(tls_certs_kept(certs), TLS_MADE_MAX);
    tls_certs_pick(certs, &h, span_of("w\xff\0 x.seized.example", 20), &ip, now, &pair);
    is_int(X509_check_host(pair.cert, "w___x.seized.example", 0, 0, NULL), 1,
           "odd bytes are written as underscores");
    tls_certs_free(certs);
}

static void test_name_fits(void)
{
    is_int(tls_name_fits(span_str("a.example"), span_str("a.example")), 2);
    is_int(tls_name_fits(span_str("*.example"), span_str("a.example")), 1);
    is_int(tls_name_fits(span_str("*.example"), span_str("b.a.example")), 0);
    is_int(tls_name_fits(span_str("*.example"), span_str("example")), 0);
    is_int(tls_name_fits(span_str("*.example"), span_str(".example")), 0);
    is_int(tls_name_fits(span_str("a*.example"), span_str("ab.example")), 0);
    is_int(tls_name_fits(span_str("*"), span_str("example")), 0);
    is_int(tls_name_fits(span_str("a.example"), span_str("a.example.org")), 0);
}

/* A certificate in PEM: `san` in OpenSSL's words ("DNS:a,IP:192.0.2.1"), may be NULL. */
static struct net_certificate make_pem(EVP_PKEY *key, const char *cn, const char *san)
{
    struct net_certificate out;
    X509 *x = X509_new();
    BIO *chain = BIO_new(BIO_s_mem()), *pem = BIO_new(BIO_s_mem());
    char *p;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)cn,
                               -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    if (san) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    X509_sign(x, key, EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256());
    PEM_write_bio_X509(chain, x);
    PEM_write_bio_X509(chain, x); /* stands in for an intermediate */
    PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL);
    out.chain = strndup(p, (size_t)BIO_get_mem_data(chain, &p));
    out.key = strndup(p, (size_t)BIO_get_mem_data(pem, &p));
    BIO_free(chain);
    BIO_free(pem);
    X509_free(x);
    return out;
}

static void shows(const char *sni, const struct wish *base, struct net_peer peer, const char *cn)
{
    struct wish w = *base;
    struct talk k;
    char text[256] = "";
    w.sni = sni;
    is_int(connect_as(&k, &w, peer), TLS_OPEN);
    X509 *x = SSL_get0_peer_certificate(k.client);
    if (x)
        X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, text, sizeof text);
    is_str(text, cn);
    talk_end(&k);
}

static void bad_operator(char *chain, char *key, const char *says_that)
{
    struct net_certificate c = {chain, key};
    struct net_config config = world.config;
    struct tls_server *s;
    struct err err = {0};
    config.certificates = &c;
    config.certificates_count = 1;
    is_int(tls_server_new(&config, &s, &err), -EINVAL);
    is_str(err.text, says_that);
}

static void test_operator(void)
{
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048), *p384 = EVP_EC_gen("P-384");
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    struct net_certificate c[] = {
        make_pem(ec, "star-ec", "DNS:*.seized.example"),
        make_pem(rsa, "star-rsa", "DNS:*.seized.example"),
        make_pem(rsa, "exact-rsa", "DNS:WWW.Seized.Example,DNS:seized.example"),
        make_pem(p384, "p384", "DNS:p384.deep.seized.example"),
        make_pem(ed, "ed25519", "DNS:ed.deep.seized.example"),
        make_pem(rsa, "cn.deep.seized.example", NULL),
        make_pem(ec, "ip", "IP:192.0.2.1,IP:2001:db8::1"),
    };
    struct wish any = {0}, old = {.version = TLS1_VERSION, .ciphers = "AES128-SHA:@SECLEVEL=0"};
    struct wish no384 = {.version = TLS1_2_VERSION, .groups = "P-256"};
    unsigned n = sizeof c / sizeof *c;
    world_begin(c, n);
    shows("a.seized.example", &any, other_peer(), "star-ec");
    shows("a.seized.example", &old, other_peer(), "star-rsa");
    shows("www.seized.example", &any, other_peer(), "exact-rsa");
    shows("SEIZED.example", &any, other_peer(), "exact-rsa");
    shows("b.a.seized.example", &any, other_peer(), "b.a.seized.example");
    shows("p384.deep.seized.example", &any, other_peer(), "p384");
    shows("p384.deep.seized.example", &no384, other_peer(), "p384.deep.seized.example");
    shows("ed.deep.seized.example", &any, other_peer(), "ed25519");
    shows("ed.deep.seized.example", &old, other_peer(), "ed.deep.seized.example");
    shows("cn.deep.seized.example", &any, other_peer(), "cn.deep.seized.example");
    shows(NULL, &any, seized_peer(), "ip");
    shows(NULL, &old, seized_peer(), "192.0.2.1");
    struct talk k;
    struct wish w = {.sni = "a.seized.example"};
    connect_as(&k, &w, other_peer());
    is_int(sk_X509_num(SSL_get_peer_cert_chain(k.client)), 2);
    talk_end(&k);

    char junk[] = "-----BEGIN CERTIFICATE-----\njunk\n", none[] = "";
    bad_operator(junk, c[0].key, "certificate 1: its chain is no PEM certificate");
    bad_operator(none, none, "certificate 1: its chain is no PEM certificate");
    bad_operator(c[2].chain, junk,
                 "certificate 1 (www.seized.example): its key is no PEM key without a password");
    bad_operator(c[2].chain, c[0].key, "certificate 1 (www.seized.example): it is not of this key");
    world_end();
    for (unsigned i = 0; i < n; i++) {
        free(c[i].chain);
        free(c[i].key);
    }
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(ed);
}

static void fails(const void *p, size_t n, size_t answer, const char *what)
{
    struct net_peer peer = seized_peer();
    struct tls *t = tls_new(&world.env, &peer);
    struct buf plain = {0}, out = {0};
    uint64_t before = world.counters.tls_failed;
    tap_check(tls_input(t, span_of(p, n), &plain, &out) == TLS_FAILED, "fails", __FILE__, __LINE__,
              what);
    is_int(world.counters.tls_failed - before, 1);
    is_int(out.n, answer);
    ok(span_eq(tls_hello_bytes(t), span_of(p, n)), "the bytes are there to be recorded");
    is_int(tls_input(t, span_of(p, n), &plain, &out), TLS_FAILED);
    is_int(world.counters.tls_failed - before, 1);
    is_int(plain.n, 0);
    tls_close(t, &out);
    is_int(out.n, answer);
    tls_free(t);
    buf_free(&plain);
    buf_free(&out);
}
#define fails_str(s, answer, what) fails(s, sizeof(s) - 1, answer, what)

static void test_failures(void)
{
    fails_str("GET / HTTP/1.0\r\n\r\n", 7, "plaintext");
    fails_str("\x16\3\1\0\4\2\0\0\0", 7, "a server's hello");
    fails_str("\x15\3\1\0\2\2\x28", 7, "an alert");
}

/* A hello that goes on and on: 1024 records are too many, and so are 64 KiB. */
static void test_endless(void)
{
    struct net_peer peer = seized_peer();
    struct tls *t = tls_new(&world.env, &peer);
    struct buf plain = {0}, out = {0};
    enum tls_state state = tls_input(t, span_of("\x16\3\1\0\6\1\0\xff\xf0\3\3", 11), &plain, &out);
    size_t given = 0;
    for (; state == TLS_SHAKING && given < 100000; given++)
        state = tls_input(t, span_of("\x16\3\1\0\1\0", 6), &plain, &out);
    is_int(state, TLS_FAILED);
    is_int(given, TLS_HELLO_RECORDS_MAX);
    ok(tls_memory(t) < 3 * TLS_HELLO_BYTES_MAX);
    tls_free(t);
    t = tls_new(&world.env, &peer);
    state = tls_input(t, span_of("\x16\3\1\0\6\1\1\0\0\3\3", 11), &plain, &out);
    is_int(state, TLS_FAILED, "65536 bytes and a head are announced");
    tls_free(t);
    buf_free(&plain);
    buf_free(&out);
}

static void test_after_hello(void)
{
    struct wish w = {.sni = "seized.example"};
    struct talk k;
    uint64_t before = world.counters.tls_failed;
    talk_begin(&k, &w, other_peer());
    SSL_do_handshake(k.client);
    to_server(&k, 0);
    is_int(k.state, TLS_SHAKING);
    ok(tls_info(k.t) != NULL);
    ok(span_is(tls_info(k.t)->version, "1.3"), "the highest offered, for now");
    is_int(tls_input(k.t, span_str("garbage garbage"), &k.plain, &k.out), TLS_FAILED);
    is_int(world.counters.tls_failed - before, 1);
    ok(tls_hello_bytes(k.t).n > 0);
    talk_end(&k);

    connect_as(&k, &w, other_peer());
    is_int(tls_input(k.t, span_str("garbage garbage"), &k.plain, &k.out), TLS_FAILED);
    is_int(world.counters.tls_failed - before, 1, "that handshake had not failed");
    is_int(tls_output(k.t, span_str("x"), &k.out), -1);
    talk_end(&k);

    is_int(connect_as(&k, &w, other_peer()), TLS_OPEN);
    talk_end(&k);
}

static void test_renegotiation(void)
{
    struct wish w = {.version = TLS1_2_VERSION, .sni = "seized.example"};
    struct talk k;
    uint64_t before = world.counters.tls_handshakes;
    is_int(connect_as(&k, &w, other_peer()), TLS_OPEN);
    SSL_renegotiate(k.client);
    SSL_do_handshake(k.client);
    to_server(&k, 0);
    SSL_do_handshake(k.client);
    to_server(&k, 0);
    is_int(world.counters.tls_handshakes - before, 1);
    is_int(SSL_num_renegotiations(k.client), 1, "asked for");
    ok(SSL_do_handshake(k.client) != 1, "not had");
    talk_end(&k);
}

static void test_no_resumption(int version)
{
    struct wish w = {.version = version, .sni = "seized.example"};
    struct talk k;
    connect_as(&k, &w, other_peer());
    ok(says(&k, "x") && hears(&k, "y"));
    SSL_SESSION *session = SSL_get1_session(k.client);
    ok(!SSL_SESSION_has_ticket(session));
    talk_end(&k);
    talk_begin(&k, &w, other_peer());
    SSL_set_session(k.client, session);
    shake(&k, 0);
    is_int(k.state, TLS_OPEN);
    is_int(SSL_session_reused(k.client), 0);
    SSL_SESSION_free(session);
    talk_end(&k);
}

/* A megabyte each way, in records that are cut anywhere. */
static void test_bulk(void)
{
    struct wish w = {.sni = "seized.example"};
    struct talk k;
    size_t n = 1 << 20, got = 0;
    uint8_t *data = malloc(n), *back = malloc(n);
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    connect_as(&k, &w, other_peer());
    SSL_write(k.client, data, (int)n);
    to_server(&k, 1003);
    ok(k.plain.n == n && memcmp(k.plain.p, data, n) == 0);
    is_int(tls_output(k.t, span_of(data, n), &k.out), 0);
    to_client(&k);
    for (int more; (more = SSL_read(k.client, back + got, (int)(n - got))) > 0;)
        got += (size_t)more;
    ok(got == n && memcmp(back, data, n) == 0);
    free(data);
    free(back);
    talk_end(&k);
}

/* TLS 1.0 asked for in SSL 2.0's form, made by hand: AES128-SHA, 16 bytes of challenge. */
static const char ssl2_hello[] = "\x80\x1f\1\3\1\0\6\0\0\0\x10"
                                 "\0\0\x2f\0\0\xff"
                                 "0123456789abcdef";

static void test_ssl2(void)
{
    struct net_peer peer = seized_peer(), other = other_peer();
    struct buf plain = {0}, out = {0};
    struct tls *t = tls_new(&world.env, &peer);
    size_t n = sizeof ssl2_hello - 1;
    for (size_t i = 0; i < n; i++) {
        is_int(tls_input(t, span_of(ssl2_hello + i, 1), &plain, &out), TLS_SHAKING);
        if (i + 1 < n && (out.n || tls_info(t)))
            ok(false, "nothing before all of it is there");
    }
    ok(out.n > 500 && memcmp(out.p, "\x16\3\1", 3) == 0 && out.p[5] == 2,
       "a server's hello and certificate");
    ok(tls_info(t) && span_is(tls_info(t)->version, "1.0") && !tls_info(t)->ja3[0]);
    tls_free(t);
    out.n = 0;
    t = tls_new(&world.env, &other);
    is_int(tls_input(t, span_of(ssl2_hello, n), &plain, &out), TLS_REFUSED);
    tls_free(t);
    buf_free(&plain);
    buf_free(&out);
    fails_str("\x80\x1f\1\0\2\0\6\0\0\0\x10"
              "\7\0\xc0\1\0\x80"
              "0123456789abcdef",
              7, "SSL 2.0 itself");
    fails_str("\x80\x1f\1\3\1\0\7\0\0\0\x10"
              "\0\0\x2f\0\0\xff"
              "0123456789abcdef",
              7, "odd lengths");
}

static void test_looks_like(void)
{
#define looks(s) tls_looks_like(span_of(s, sizeof(s) - 1))
    is_int(looks(""), 0);
    is_int(looks("\x16"), 0);
    is_int(looks("\x16\3\1\2\0"), 0);
    is_int(looks("\x16\3\1\2\0\1"), 1);
    is_int(looks("\x16\3\4\2\0\1"), 1);
    is_int(looks("\x16\3\0\0\1\1"), 1);
    is_int(looks("\x16\3\5"), -1);
    is_int(looks("\x16\2"), -1);
    is_int(looks("\x16\3\1\0\0"), -1);
    is_int(looks("\x16\3\1\x40\1"), -1);
    is_int(looks("\x16\3\1\2\0\2"), -1);
    is_int(looks("G"), -1);
    is_int(looks("\x80"), 0);
    is_int(looks("\x80\x1f\1\3"), 0);
    is_int(looks("\x80\x1f\2"), -1);
    is_int(looks("\x80\x1f\1\4"), -1);
    is_int(looks("\x80\x1f\1\3\5"), -1);
    is_int(looks("\x80\x1f\1\0\1"), -1);
    is_int(tls_looks_like(span_of(ssl2_hello, 11)), 1);
    is_int(looks("\x80\x1e\1\3\1\0\6\0\0\0\x10"), -1);
}

static void test_memory(void)
{
    struct wish w = {.sni = "seized.example"};
    struct talk k;
    talk_begin(&k, &w, other_peer());
    size_t empty = tls_memory(k.t);
    ok(empty < 1024);
    SSL_do_handshake(k.client);
    to_server(&k, 0);
    size_t shaking = tls_memory(k.t);
    shake(&k, 0);
    ok(k.state == TLS_OPEN && tls_memory(k.t) < shaking && tls_memory(k.t) > empty);
    talk_end(&k);
}

int main(void)
{
    client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(client_ctx, 0);
    world_begin(NULL, 0);
    test_versions();
    test_authority();
    test_kinds();
    test_reuse();
    test_made();
    test_bound();
    test_name_fits();
    test_failures();
    test_endless();
    test_after_hello();
    test_renegotiation();
    test_no_resumption(TLS1_2_VERSION);
    test_no_resumption(TLS1_3_VERSION);
    test_bulk();
    test_ssl2();
    test_looks_like();
    test_memory();
    world_end();
    test_operator();
    SSL_CTX_free(client_ctx);
    return tap_done();
}
