/* Bytes to a TLS server before, in and after a handshake. The first byte says how: how many bytes
 * are given at a time, and what stands before them (nothing, or a true client's hello, or a
 * handshake that was done, so that the bytes meet what is behind it). */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "must.h"
#include "net/test_env.h"
#include "net/tls.h"
#include "wire/tls_hello.h"

#define INPUT_MAX (128u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct test_env world;
static SSL_CTX *client_ctx;
static struct buf plain, out;

static void prepare(void)
{
    test_env_init(&world);
    test_env_asset(&world, "seized.example", "", "");
    test_env_asset(&world, "192.0.2.1", "", "");
    test_env_ready(&world);
    must(tls_server_new(&world.config, &world.env.tls, NULL) == 0);
    client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(client_ctx, 0);
}

/* What is true of a connection at any time. */
static void check(const struct tls *t, enum tls_state state)
{
    const struct tls_info *info = tls_info(t);
    must(tls_memory(t) < 4 * TLS_HELLO_BYTES_MAX + INPUT_MAX);
    must(state != TLS_REFUSED && (state == TLS_SHAKING || state == TLS_FAILED || info));
    if (!info)
        return;
    must(info->sni.n <= 255 && info->alpn.n <= 255);
    must((strlen(info->ja3) == 32 && strlen(info->ja4) == 36) || (!info->ja3[0] && !info->ja4[0]));
}

static enum tls_state give(struct tls *t, enum tls_state state, struct span in, size_t step)
{
    for (size_t at = 0; at < in.n; at += step) {
        size_t n = in.n - at < step ? in.n - at : step;
        enum tls_state before = state;
        state = tls_input(t, span_of(in.p + at, n), &plain, &out);
        must(before == TLS_SHAKING || before == TLS_OPEN || state == before);
        check(t, state);
    }
    return state;
}

/* A client's flights, as far as wanted: 1 the hello, 2 the whole handshake. */
static enum tls_state client(struct tls *t, int version, int flights)
{
    enum tls_state state = TLS_SHAKING;
    SSL *ssl = SSL_new(client_ctx);
    BIO *in = BIO_new(BIO_s_mem()), *from = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, from);
    SSL_set_connect_state(ssl);
    SSL_set_max_proto_version(ssl, version);
    SSL_set_tlsext_host_name(ssl, "www.seized.example");
    for (int i = 0; i < flights; i++) {
        char *p;
        SSL_do_handshake(ssl);
        long n = BIO_get_mem_data(from, &p);
        state = give(t, state, span_of(p, n > 0 ? (size_t)n : 0), 1 << 20);
        (void)BIO_reset(from);
        if (out.n)
            BIO_write(in, out.p, (int)out.n);
        out.n = 0;
    }
    SSL_free(ssl);
    ERR_clear_error();
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {INPUT_MAX, 1, 5, 100};
    struct net_peer peer = test_peer("198.51.100.1", 1, "192.0.2.1", 443, true);
    if (!client_ctx)
        prepare();
    if (!size || size > INPUT_MAX)
        return 0;
    struct tls *t = tls_new(&world.env, &peer);
    enum tls_state state = TLS_SHAKING;
    int flights = data[0] >> 2 & 3;
    plain.n = out.n = 0;
    if (flights == 1 || flights == 2)
        state = client(t, data[0] & 16 ? TLS1_2_VERSION : TLS1_3_VERSION, flights);
    state = give(t, state, span_of(data + 1, size - 1), steps[data[0] & 3]);
    must(plain.n <= size + 16);
    must(out.n < (1 << 20));
    if (tls_output(t, span_str("answer"), &out) == 0)
        must(state == TLS_OPEN || state == TLS_CLOSED);
    tls_close(t, &out);
    tls_free(t);
    must(ERR_peek_error() == 0);
    return 0;
}
