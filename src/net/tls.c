#include "net/tls.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/digest.h"
#include "net/tls_cert.h"
#include "net/tls_warm.h"
#include "wire/tls_hello.h"

/* What the measurements in doc/sinkhole/tls.md say that OpenSSL holds for one connection. */
#define SHAKING_MEMORY (44u << 10)
#define OPEN_MEMORY    (14u << 10)
#define RECORD_MEMORY  (17u << 10) /* more while a record is there in part */

#define PLAIN_STEP 4096 /* bytes decrypted at a time */

/* Everything that OpenSSL has and Debian builds, cheap and sound before odd: old bots speak nothing
 * else. DHE comes late, since it costs the most. */
#define CIPHERS                                                                                    \
    "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE:kRSA:DHE:ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0"
#define CIPHERS_13                                                                                 \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"                  \
    "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"
/* No finite fields: a client could ask for 8192 bits, at a hundred times the cost. */
#define GROUPS "X25519:P-256:P-384:P-521"

/* Who offers nothing but DHE is old, and the old ones take no more; 2048 bits cost four times as
 * much as a handshake with RSA. */
#define DH_1024_BITS 2 /* of SSL_CTX_set_dh_auto(); 1: by the strength of the certificate */

enum alert {
    ALERT_ACCESS_DENIED = 49,
    ALERT_DECODE_ERROR = 50,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_INTERNAL_ERROR = 80,
    ALERT_UNRECOGNIZED_NAME = 112,
};

struct tls_server {
    SSL_CTX *ctx;
    BIO_METHOD *method;
    struct tls_certs *certs;
    uint8_t scratch[TLS_HELLO_MAX]; /* for one call */
    struct tls_hello parsed;        /* likewise */
};

struct tls {
    struct net_env *env;
    struct net_peer peer;
    enum tls_state state;
    bool opened, closing;
    SSL *ssl;
    struct buf hello; /* until the handshake is done */
    struct span in;   /* what OpenSSL has not taken yet; within a call */
    struct buf *out;  /* within a call */
    bool has_info;
    struct tls_info info;
    char *texts; /* what info's spans point to */
};

static int bio_read(BIO *b, char *data, size_t n, size_t *done)
{
    struct tls *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    *done = n < t->in.n ? n : t->in.n;
    if (!*done) {
        BIO_set_retry_read(b);
        return 0;
    }
    memcpy(data, t->in.p, *done);
    t->in = span_of(t->in.p + *done, t->in.n - *done);
    return 1;
}

static int bio_write(BIO *b, const char *data, size_t n, size_t *done)
{
    struct tls *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (t->out)
        buf_put(t->out, data, n);
    *done = n;
    return 1;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ebb");
    if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
        BIO_meth_set_ctrl(m, bio_ctrl))
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* We speak HTTP/1.1 where it is offered; otherwise no protocol is agreed on and the client goes on.
 */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *ctx)
{
    struct cur c = cur_of(span_of(in, in_len));
    struct span name;
    uint8_t n;
    while (cur_u8(&c, &n) && cur_take(&c, n, &name)) {
        if (!span_is(name, "http/1.1"))
            continue;
        *out = name.p;
        *out_len = (unsigned char)name.n;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static SSL_CTX *make_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return NULL;
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_TLS_ROLLBACK_BUG);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
    SSL_CTX_set_dh_auto(ctx, DH_1024_BITS);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) == 1 &&
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 &&
        SSL_CTX_set_ciphersuites(ctx, CIPHERS_13) == 1 &&
        SSL_CTX_set1_groups_list(ctx, GROUPS) == 1)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

int tls_server_new(const struct net_config *config, struct tls_server **out, struct err *err)
{
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS, NULL);
    struct tls_server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    int rc = tls_certs_new(config, &s->certs, err);
    if (rc == 0) {
        s->ctx = make_context();
        s->method = make_method();
        if (!s->ctx || !s->method)
            rc = err_set(err, -EIO, "TLS: OpenSSL has no server");
    }
    if (rc == 0)
        rc = tls_warm(s->ctx, s->certs, err);
    ERR_clear_error();
    if (rc < 0)
        tls_server_free(s);
    else
        *out = s;
    return rc;
}

void tls_server_free(struct tls_server *s)
{
    if (!s)
        return;
    SSL_CTX_free(s->ctx);
    BIO_meth_free(s->method);
    tls_certs_free(s->certs);
    free(s);
}

struct tls *tls_new(struct net_env *env, const struct net_peer *peer)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->env = env;
    t->peer = *peer;
    return t;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    buf_free(&t->hello);
    free(t->texts);
    free(t);
}

/* Ends it before OpenSSL has seen anything; the alert is ours. */
static enum tls_state give_up(struct tls *t, enum tls_state state, enum alert alert)
{
    uint8_t record[] = {21, 3, 1, 0, 2, 2 /* fatal */, (uint8_t)alert};
    buf_put(t->out, record, sizeof record);
    if (state == TLS_REFUSED)
        net_count(t->env, tls_refused, 1);
    else
        net_count(t->env, tls_failed, 1);
    return t->state = state;
}

static struct span version_name(unsigned version)
{
    switch (version) {
    case 0x0304:
        return span_of("1.3", 3);
    case 0x0303:
        return span_of("1.2", 3);
    case 0x0302:
        return span_of("1.1", 3);
    case 0x0301:
        return span_of("1.0", 3);
    case 0x0300:
        return span_of("ssl3", 4);
    case 0x0002:
        return span_of("ssl2", 4);
    default:
        return span_of(NULL, 0);
    }
}

static void md5_hex(struct span s, char out[33])
{
    uint8_t digest[16];
    out[0] = 0;
    if (EVP_Digest(s.p, s.n, digest, NULL, EVP_md5(), NULL) == 1)
        hex_encode(digest, sizeof digest, out);
}

static struct span first_of(struct span s, size_t max)
{
    return span_of(s.p, s.n < max ? s.n : max);
}

/* Names are kept as sent, but not longer than any real one is. */
static void fill_info(struct tls *t, const struct tls_hello *h)
{
    struct span sni = first_of(h->sni, 255), alpn = first_of(h->alpn, 255);
    struct buf ja3 = {0};
    t->texts = malloc(sni.n + alpn.n + 1);
    if (!t->texts)
        abort();
    memcpy(t->texts, sni.n ? (const void *)sni.p : "", sni.n);
    memcpy(t->texts + sni.n, alpn.n ? (const void *)alpn.p : "", alpn.n);
    t->info.sni = span_of(t->texts, sni.n);
    t->info.alpn = span_of(t->texts + sni.n, alpn.n);
    t->info.version = version_name(tls_hello_version(h));
    tls_hello_ja3_text(h, &ja3);
    md5_hex(buf_as_span(&ja3), t->info.ja3);
    buf_free(&ja3);
    tls_hello_ja4(h, t->info.ja4);
    t->has_info = true;
}

static bool authorized(const struct tls *t, struct span sni)
{
    struct authority_match match;
    return (sni.n && authority_host(t->env->authority, sni, t->env->now, &match)) ||
           net_destination(t->env, &t->peer, &match);
}

/* OpenSSL's side, with the certificate that is right for the client. `h` NULL: a hello in SSL 2.0's
 * form. */
static bool begin(struct tls *t, const struct tls_hello *h)
{
    struct tls_server *s = t->env->tls;
    struct tls_pair pair;
    BIO *bio;
    if (!tls_certs_pick(s->certs, h, h ? h->sni : span_of(NULL, 0), &t->peer.dst, t->env->now,
                        &pair))
        return false;
    t->ssl = SSL_new(s->ctx);
    bio = t->ssl ? BIO_new(s->method) : NULL;
    if (!bio)
        return false;
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_accept_state(t->ssl);
    return SSL_use_cert_and_key(t->ssl, pair.cert, pair.key, pair.chain, 1) == 1;
}

/* Decides on what the hello says; `h` as for begin(). */
static enum tls_state take_hello(struct tls *t, const struct tls_hello *h)
{
    struct span sni = h ? h->sni : span_of(NULL, 0);
    if (!authorized(t, sni))
        return give_up(t, TLS_REFUSED, sni.n ? ALERT_UNRECOGNIZED_NAME : ALERT_ACCESS_DENIED);
    if (!begin(t, h))
        return give_up(t, TLS_FAILED, ALERT_INTERNAL_ERROR);
    t->in = buf_as_span(&t->hello);
    return TLS_SHAKING;
}

/* Libraries of the time before 2010 ask for TLS 1.0 this way. There is no name in it and no
 * fingerprint of it. SSL 2.0 itself nobody speaks any more. */
static enum tls_state read_ssl2_hello(struct tls *t)
{
    struct span first = buf_as_span(&t->hello);
    int result = tls_looks_like(first);
    if (result < 0)
        return give_up(t, TLS_FAILED, ALERT_DECODE_ERROR);
    if (result == 0 || first.n < 2 + (be16_get(first.p) & 0x7fffu))
        return TLS_SHAKING;
    unsigned version = be16_get(first.p + 3);
    t->info.version = version_name(version);
    t->has_info = true;
    return version >= TLS1_VERSION ? take_hello(t, NULL)
                                   : give_up(t, TLS_FAILED, ALERT_PROTOCOL_VERSION);
}

/* What came before there is an SSL: looked at until the hello is whole. */
static enum tls_state read_hello(struct tls *t)
{
    struct tls_server *s = t->env->tls;
    struct span first = buf_as_span(&t->hello);
    struct tls_hello *h = &s->parsed;
    if (first.n && first.p[0] & 0x80)
        return read_ssl2_hello(t);
    int result = tls_hello_parse(first, s->scratch, h);
    if (result == 0)
        return TLS_SHAKING;
    if (result < 0)
        return give_up(t, TLS_FAILED, ALERT_DECODE_ERROR);
    fill_info(t, h);
    return take_hello(t, h);
}

static enum tls_state ssl_failed(struct tls *t)
{
    if (!t->opened)
        net_count(t->env, tls_failed, 1);
    ERR_clear_error();
    return t->state = TLS_FAILED;
}

static enum tls_state shake(struct tls *t)
{
    int result = SSL_do_handshake(t->ssl);
    if (result != 1 && SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_READ)
        return TLS_SHAKING;
    if (result != 1)
        return ssl_failed(t);
    net_count(t->env, tls_handshakes, 1);
    t->opened = true;
    t->info.version = version_name((unsigned)SSL_version(t->ssl));
    return t->state = TLS_OPEN;
}

static enum tls_state decrypt(struct tls *t, struct buf *plain)
{
    size_t n;
    int result;
    while ((result = SSL_read_ex(t->ssl, buf_reserve(plain, PLAIN_STEP), PLAIN_STEP, &n)) == 1)
        plain->n += n;
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return t->state;
    case SSL_ERROR_ZERO_RETURN:
        return t->state = TLS_CLOSED;
    default:
        return ssl_failed(t);
    }
}

enum tls_state tls_input(struct tls *t, struct span in, struct buf *plain, struct buf *out)
{
    if (t->state != TLS_SHAKING && t->state != TLS_OPEN)
        return t->state;
    ERR_clear_error();
    t->out = out;
    t->in = in;
    if (!t->ssl) {
        buf_span(&t->hello, in);
        t->in = span_of(NULL, 0);
        read_hello(t);
    }
    if (t->ssl && t->state == TLS_SHAKING && shake(t) == TLS_OPEN)
        decrypt(t, plain);
    else if (t->state == TLS_OPEN)
        decrypt(t, plain);
    if (t->opened)
        buf_free(&t->hello); /* t->in is used up */
    t->in = span_of(NULL, 0);
    t->out = NULL;
    return t->state;
}

int tls_output(struct tls *t, struct span plain, struct buf *out)
{
    size_t n = 0;
    if (t->closing || (t->state != TLS_OPEN && t->state != TLS_CLOSED))
        return -1;
    if (!plain.n)
        return 0;
    ERR_clear_error();
    t->out = out;
    int result = SSL_write_ex(t->ssl, plain.p, plain.n, &n);
    t->out = NULL;
    if (result == 1)
        return 0;
    ssl_failed(t);
    return -1;
}

void tls_close(struct tls *t, struct buf *out)
{
    if (t->closing || (t->state != TLS_OPEN && t->state != TLS_CLOSED))
        return;
    t->closing = true;
    ERR_clear_error();
    t->out = out;
    SSL_shutdown(t->ssl);
    t->out = NULL;
    ERR_clear_error();
}

const struct tls_info *tls_info(const struct tls *t)
{
    return t->has_info ? &t->info : NULL;
}

struct span tls_hello_bytes(const struct tls *t)
{
    return buf_as_span(&t->hello);
}

size_t tls_memory(const struct tls *t)
{
    size_t n = sizeof *t + t->hello.cap + (t->has_info ? t->info.sni.n + t->info.alpn.n : 0);
    if (!t->ssl)
        return n;
    return n + (t->opened ? OPEN_MEMORY : SHAKING_MEMORY) +
           (SSL_has_pending(t->ssl) ? RECORD_MEMORY : 0);
}

/* RFC 5246, appendix E.2: a record of SSL 2.0 that holds nothing but the hello. */
static int looks_like_ssl2(struct span s)
{
    static const uint8_t mask[] = {0x80, 0, 0xff}, want[] = {0x80, 0, 1};
    for (size_t i = 0; i < s.n && i < sizeof want; i++)
        if ((s.p[i] & mask[i]) != want[i])
            return -1;
    if (s.n > 3 && s.p[3] != 0 && s.p[3] != 3)
        return -1;
    if (s.n > 4 && (s.p[3] == 3 ? s.p[4] > 4 : s.p[4] != 2))
        return -1;
    if (s.n < 11)
        return 0;
    unsigned specs = be16_get(s.p + 5), session = be16_get(s.p + 7), challenge = be16_get(s.p + 9);
    unsigned length = be16_get(s.p) & 0x7fff;
    return specs && specs % 3 == 0 && challenge >= 16 && challenge <= 32 &&
                   length == 9 + specs + session + challenge
               ? 1
               : -1;
}

int tls_looks_like(struct span first)
{
    if (!first.n)
        return 0;
    if (first.p[0] != 22)
        return looks_like_ssl2(first);
    if ((first.n > 1 && first.p[1] != 3) || (first.n > 2 && first.p[2] > 4))
        return -1;
    if (first.n > 4 && (be16_get(first.p + 3) == 0 || be16_get(first.p + 3) > TLS_RECORD_MAX))
        return -1;
    if (first.n < 6)
        return 0;
    return first.p[5] == 1 ? 1 : -1;
}
