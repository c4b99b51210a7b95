/* An OpenSSL client on memory, and our side of the same connection. */
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/tap.h"
#include "net/test_env.h"
#include "net/tls.h"

static struct test_env world;
static SSL_CTX *client_ctx;

static inline struct net_peer seized_peer(void)
{
    return test_peer("198.51.100.7", 40000, "192.0.2.1", 443, true);
}

static inline struct net_peer other_peer(void)
{
    return test_peer("198.51.100.7", 40000, "203.0.113.9", 443, true);
}

static inline void world_begin(struct net_certificate *certificates, unsigned n)
{
    test_env_init(&world);
    test_env_asset(&world, "seized.example", "", "zeus");
    test_env_asset(&world, "192.0.2.1", "", "");
    test_env_asset(&world, "2001:db8::1", "", "");
    test_env_ready(&world);
    world.config.certificates = certificates;
    world.config.certificates_count = n;
    if (tls_server_new(&world.config, &world.env.tls, NULL) < 0)
        abort();
}

static inline void world_end(void)
{
    tls_server_free(world.env.tls);
    test_env_free(&world);
}

/* What a client wants. Zero: the newest version, no SNI, the library's own lists. */
struct wish {
    int version;
    const char *sni, *ciphers, *sigalgs, *groups;
    const char *alpn; /* wire form */
    size_t step;      /* bytes given at a time; 0: all that there are */
};

/* A client of OpenSSL's on memory, and our side of the same connection. */
struct talk {
    SSL *client;
    BIO *to_client, *from_client;
    struct tls *t;
    enum tls_state state;
    struct buf plain, out, hello; /* out is emptied into the client; hello: its first flight */
    int client_result, client_error;
};

static inline void talk_begin(struct talk *k, const struct wish *w, struct net_peer peer)
{
    memset(k, 0, sizeof *k);
    k->t = tls_new(&world.env, &peer);
    k->client = SSL_new(client_ctx);
    k->to_client = BIO_new(BIO_s_mem());
    k->from_client = BIO_new(BIO_s_mem());
    SSL_set_bio(k->client, k->to_client, k->from_client);
    SSL_set_connect_state(k->client);
    if (w->version) {
        SSL_set_min_proto_version(k->client, w->version);
        SSL_set_max_proto_version(k->client, w->version);
    }
    if (w->sni)
        SSL_set_tlsext_host_name(k->client, w->sni);
    if (w->ciphers && SSL_set_cipher_list(k->client, w->ciphers) != 1)
        abort();
    if (w->sigalgs && SSL_set1_sigalgs_list(k->client, w->sigalgs) != 1)
        abort();
    if (w->groups && SSL_set1_groups_list(k->client, w->groups) != 1)
        abort();
    if (w->alpn)
        SSL_set_alpn_protos(k->client, (const uint8_t *)w->alpn, (unsigned)strlen(w->alpn));
}

static inline void to_client(struct talk *k)
{
    if (k->out.n)
        BIO_write(k->to_client, k->out.p, (int)k->out.n);
    k->out.n = 0;
}

/* All that the client has written, to us; what we answer, back. False when there was nothing. */
static inline bool to_server(struct talk *k, size_t step)
{
    char *p;
    long n = BIO_get_mem_data(k->from_client, &p);
    if (n <= 0)
        return false;
    uint8_t *copy = malloc((size_t)n);
    memcpy(copy, p, (size_t)n);
    (void)BIO_reset(k->from_client);
    if (!k->hello.n)
        buf_put(&k->hello, copy, (size_t)n);
    step = step ? step : (size_t)n;
    for (size_t at = 0; at < (size_t)n; at += step) {
        size_t some = (size_t)n - at < step ? (size_t)n - at : step;
        uint8_t *exact = malloc(some); /* a sanitizer sees what is kept of it */
        memcpy(exact, copy + at, some);
        k->state = tls_input(k->t, span_of(exact, some), &k->plain, &k->out);
        free(exact);
    }
    free(copy);
    to_client(k);
    return true;
}

static inline void shake(struct talk *k, size_t step)
{
    for (int i = 0; i < 8; i++) {
        ERR_clear_error();
        k->client_result = SSL_do_handshake(k->client);
        if (k->client_result != 1 &&
            SSL_get_error(k->client, k->client_result) != SSL_ERROR_WANT_READ)
            k->client_error = ERR_GET_REASON(ERR_peek_last_error());
        if (!to_server(k, step) && k->client_result == 1)
            break;
    }
}

static inline void talk_end(struct talk *k)
{
    SSL_free(k->client);
    tls_free(k->t);
    buf_free(&k->plain);
    buf_free(&k->out);
    buf_free(&k->hello);
}

static inline enum tls_state connect_as(struct talk *k, const struct wish *w, struct net_peer peer)
{
    talk_begin(k, w, peer);
    shake(k, w->step);
    return k->state;
}

static inline bool says(struct talk *k, const char *text)
{
    size_t before = k->plain.n;
    SSL_write(k->client, text, (int)strlen(text));
    to_server(k, 0);
    return span_is(span_of(k->plain.p + before, k->plain.n - before), text);
}

static inline bool hears(struct talk *k, const char *text)
{
    char got[256];
    if (tls_output(k->t, span_str(text), &k->out) < 0)
        return false;
    to_client(k);
    int n = SSL_read(k->client, got, sizeof got);
    return n == (int)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}
