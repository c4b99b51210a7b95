#include "net/tls_warm.h"

#include <errno.h>

#include <openssl/err.h>

#include "base/utc.h"

#define TURNS_MAX 16 /* of two sides that talk until both are done; a handshake takes three */

struct warm_case {
    int version;
    const char *ciphers; /* up to TLS 1.2 */
    const char *groups;
    bool ecdsa;
};

/* Each kind of key, of exchange, of hash, once. */
static const struct warm_case cases[] = {
    {TLS1_3_VERSION, NULL, "X25519", true},
    {TLS1_3_VERSION, NULL, "P-256", false},
    {TLS1_3_VERSION, NULL, "P-384", true},
    {TLS1_3_VERSION, NULL, "P-521", true},
    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", "P-256", true},
    {TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA256", "P-256", false},
    {TLS1_2_VERSION, "AES256-GCM-SHA384", "P-256", false},
    {TLS1_2_VERSION, "DHE-RSA-AES128-SHA", "P-256", false},
    {TLS1_1_VERSION, "AES128-SHA", "P-256", false},
    {TLS1_VERSION, "ECDHE-RSA-AES256-SHA", "P-256", false},
};

/* What a client of that case says of itself, as far as it bears on the choice of a certificate. */
static void hello_of(const struct warm_case *w, struct tls_hello *h)
{
    memset(h, 0, sizeof *h);
    h->legacy_version = 0x0303;
    h->cipher[0] = 0xc02b;
    h->n_ciphers = w->ecdsa;
    h->scheme[0] = w->ecdsa ? 0x0403 : 0x0804;
    h->n_schemes = 1;
    h->version[0] = (uint16_t)w->version;
    h->n_versions = 1;
}

static bool prepare(const struct warm_case *w, SSL *server, SSL *client, struct tls_certs *certs,
                    int64_t now)
{
    struct tls_hello h;
    struct tls_pair pair;
    struct ip loopback = ip_from_v4(0x7f000001);
    hello_of(w, &h);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    return tls_certs_pick(certs, &h, span_of(NULL, 0), &loopback, now, &pair) &&
           SSL_use_cert_and_key(server, pair.cert, pair.key, pair.chain, 1) == 1 &&
           SSL_set_min_proto_version(client, w->version) == 1 &&
           SSL_set_max_proto_version(client, w->version) == 1 &&
           (!w->ciphers || SSL_set_cipher_list(client, w->ciphers) == 1) &&
           SSL_set1_groups_list(client, w->groups) == 1;
}

static bool shake_hands(SSL *server, SSL *client)
{
    bool done = false;
    for (int i = 0; i < TURNS_MAX && !done; i++) {
        int c = SSL_do_handshake(client), s = SSL_do_handshake(server);
        done = c == 1 && s == 1;
    }
    return done;
}

/* A few bytes each way, and the ends of both. */
static bool talk(SSL *server, SSL *client)
{
    char byte;
    bool good = SSL_write(client, "x", 1) == 1 && SSL_read(server, &byte, 1) == 1 &&
                SSL_write(server, "y", 1) == 1 && SSL_read(client, &byte, 1) == 1;
    SSL_shutdown(client);
    return good && SSL_read(server, &byte, 1) == 0 && SSL_shutdown(server) == 1;
}

static bool warm(const struct warm_case *w, SSL_CTX *server_ctx, SSL_CTX *client_ctx,
                 struct tls_certs *certs, int64_t now)
{
    SSL *server = SSL_new(server_ctx), *client = SSL_new(client_ctx);
    BIO *a = NULL, *b = NULL;
    bool good = server && client && BIO_new_bio_pair(&a, 0, &b, 0) == 1;
    if (good) {
        SSL_set_bio(server, a, a);
        SSL_set_bio(client, b, b);
        good = prepare(w, server, client, certs, now) && shake_hands(server, client) &&
               talk(server, client);
    }
    SSL_free(server);
    SSL_free(client);
    return good;
}

int tls_warm(SSL_CTX *server, struct tls_certs *certs, struct err *err)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    int64_t now = utc_now();
    int rc = client ? 0 : err_set(err, -EIO, "TLS: OpenSSL has no client");
    if (client)
        SSL_CTX_set_security_level(client, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases && rc == 0; i++)
        if (!warm(&cases[i], server, client, certs, now))
            rc = err_set(err, -EIO, "TLS: handshake %zu with ourselves fails: %s", i,
                         ERR_reason_error_string(ERR_peek_last_error()));
    SSL_CTX_free(client);
    ERR_clear_error();
    return rc;
}
