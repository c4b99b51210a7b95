/* The loop with TLS, and with the real sessions on a port where anything may come. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/test_talk.h"
#include "wire/proxy.h"

/* ---- a TLS client ---- */

struct client_tls {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

/* The handshake over a connection that is there; false when the server will not. */
static bool tls_meet(struct client_tls *t, int fd, const char *name)
{
    t->fd = fd;
    t->ctx = SSL_CTX_new(TLS_client_method());
    t->ssl = SSL_new(t->ctx);
    SSL_set_fd(t->ssl, fd);
    if (name[0])
        SSL_set_tlsext_host_name(t->ssl, name);
    ERR_clear_error();
    return SSL_connect(t->ssl) == 1;
}

static bool tls_say(struct client_tls *t, const char *text)
{
    return SSL_write(t->ssl, text, (int)strlen(text)) == (int)strlen(text);
}

static bool tls_hears(struct client_tls *t, const char *text)
{
    char got[4096];
    int n = 0, want = (int)strlen(text);
    while (n < want) {
        int more = SSL_read(t->ssl, got + n, want - n);
        if (more <= 0)
            break;
        n += more;
    }
    if (n == want && memcmp(got, text, (size_t)n) == 0)
        return true;
    printf("# heard \"%.*s\", want \"%s\"\n", n, got, text);
    return false;
}

/* The server said close_notify. */
static bool tls_closed(struct client_tls *t)
{
    char c;
    return SSL_read(t->ssl, &c, 1) == 0 && SSL_get_error(t->ssl, 0) == SSL_ERROR_ZERO_RETURN;
}

static void tls_end(struct client_tls *t)
{
    SSL_free(t->ssl);
    SSL_CTX_free(t->ctx);
    close(t->fd);
}

/* The next record is of that kind and protocol, with that answer. */
static bool recorded(struct world *w, enum event_kind kind, const char *protocol, const char *sni)
{
    struct arena arena = {0};
    struct seen seen;
    bool good = world_next(w, &arena, &seen);
    if (good && (seen.head.kind != kind || (protocol && !span_is(seen.ev.protocol, protocol)) ||
                 (sni && !span_is(seen.ev.tls.sni, sni)))) {
        printf("# kind %d protocol \"%.*s\" sni \"%.*s\" answer \"%.*s\"\n", seen.head.kind,
               (int)seen.ev.protocol.n, seen.ev.protocol.p, (int)seen.ev.tls.sni.n,
               seen.ev.tls.sni.p, (int)seen.ev.answer.n, seen.ev.answer.p);
        good = false;
    }
    arena_free(&arena);
    return good;
}

/* ---- tests ---- */

static void test_recognised(void)
{
    struct world w;
    struct client_tls t;
    talk_world(&w, NET_HTTP);
    w.listeners[0].tls = false;
    world_listen(&w, (struct net_listener){.protocol = NET_HTTP, .tcp = true, .tls = true},
                 "127.0.0.1");
    world_start(&w);
    ok(tls_meet(&t, talk_client(&w), "bot.example"), "TLS on a plain port");
    tls_say(&t, "one\ntwo\n");
    ok(tls_hears(&t, "<one>\n<two>\n"), "an answer");
    tls_say(&t, "big 1000000\n");
    char *big = malloc(1000000);
    int n = 0;
    for (int more; n < 1000000 && (more = SSL_read(t.ssl, big, 1000000 - n)) > 0; n += more)
        ;
    free(big);
    is_int(n, 1000000, "a large answer");
    tls_say(&t, "pause 50\nmore\n");
    ok(tls_hears(&t, "woke\n<more>\n"), "a pause");
    tls_say(&t, "bye\n");
    ok(tls_hears(&t, "bye\n") && tls_closed(&t), "an orderly end");
    tls_end(&t);
    ok(recorded(&w, KIND_RAW, NULL, "bot.example"), "with what TLS said");
    ok(tls_meet(&t, client("127.0.0.1", world_port(&w, 1, true, AF_INET), SOCK_STREAM),
                "bot.example"),
       "TLS on its own port");
    tls_say(&t, "last\nwords");
    SSL_shutdown(t.ssl);
    ok(tls_hears(&t, "<last>\n") && tls_closed(&t), "a client that says close_notify is answered");
    tls_end(&t);
    ok(ended(&w, "peer closed", "words"), "what it had begun is given to end()");
    int fd = client("127.0.0.1", world_port(&w, 1, true, AF_INET), SOCK_STREAM);
    client_say(fd, "plain\n");
    ok(client_hears(fd, "<plain>\n"), "plain text on a TLS port");
    close(fd);
    is_int(w.counters->tls_handshakes, 2);
    is_int(wait_for(w.counters->connections == 0), 1);
    is_int(w.counters->memory_bytes, 0, "all memory was given back");
    world_end(&w);
}

static void test_pieces(void)
{
    struct world w;
    struct client_tls t;
    talk_world(&w, NET_HTTP);
    world_start(&w);
    /* Through a pair of memory buffers, a byte at a time. */
    int fd = talk_client(&w);
    t.fd = fd;
    t.ctx = SSL_CTX_new(TLS_client_method());
    t.ssl = SSL_new(t.ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(t.ssl, in, out);
    SSL_set_connect_state(t.ssl);
    char buf[8192];
    bool done = false;
    for (int i = 0; i < 10 && !done; i++) {
        done = SSL_do_handshake(t.ssl) == 1;
        int n = BIO_read(out, buf, sizeof buf);
        for (int k = 0; k < n; k++) {
            client_put(fd, buf + k, 1);
            if (k < 20)
                ms_sleep(1);
        }
        if (!done && (n = (int)recv(fd, buf, sizeof buf, 0)) > 0)
            BIO_write(in, buf, n);
    }
    ok(done, "a handshake, a byte at a time");
    tls_say(&t, "x\n");
    int n = BIO_read(out, buf, sizeof buf);
    client_put(fd, buf, (size_t)n);
    n = 0;
    while (SSL_read(t.ssl, buf, sizeof buf) <= 0 && (n = (int)recv(fd, buf, sizeof buf, 0)) > 0)
        BIO_write(in, buf, n);
    ok(memcmp(buf, "<x>\n", 4) == 0, "an answer");
    tls_end(&t);
    world_end(&w);
}

static void test_starttls(void)
{
    struct world w;
    struct client_tls t;
    talk_world(&w, NET_SMTP);
    world_start(&w);
    int fd = talk_client(&w);
    client_hears(fd, "hello\n");
    client_say(fd, "tls\ninjected\n");
    ok(client_hears(fd, "go\n"), "the answer comes in the clear");
    ok(tls_meet(&t, fd, "mx.example"), "handshake");
    ok(tls_hears(&t, "safe\n"), "the session is told");
    tls_say(&t, "inside\n");
    ok(tls_hears(&t, "<inside>\n"), "what was injected before is forgotten");
    tls_say(&t, "bye\n");
    ok(tls_hears(&t, "bye\n") && tls_closed(&t), "an orderly end");
    tls_end(&t);
    ok(recorded(&w, KIND_RAW, NULL, "mx.example"), "one session, with what TLS said");
    fd = talk_client(&w);
    client_hears(fd, "hello\n");
    client_say(fd, "tls\n");
    client_hears(fd, "go\n");
    client_say(fd, "this is no hello\n");
    char got[256];
    while (recv(fd, got, sizeof got, 0) > 0)
        ;
    close(fd);
    ok(ended(&w, "reset", ""), "a handshake that fails ends it");
    is_int(w.counters->tls_failed, 1);
    world_end(&w);
}

static void test_refused(void)
{
    struct world w;
    struct client_tls t;
    world_init(&w);
    w.setup.sessions = talk_types;
    world_listen(&w, (struct net_listener){.protocol = NET_HTTP, .tcp = true}, "");
    world_start(&w);
    uint16_t port = world_port(&w, 0, true, AF_INET);
    ok(!tls_meet(&t, client("127.0.0.2", port, SOCK_STREAM), "other.example"),
       "not for a stranger's name");
    ok(ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL, "by an alert, not by a reset");
    tls_end(&t);
    is_int(w.counters->tls_refused, 1);
    is_int(w.counters->recorded, 0);
    int fd = client("127.0.0.1", port, SOCK_STREAM);
    client_put(fd, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10);
    ms_sleep(50);
    close(fd);
    ok(recorded(&w, KIND_RAW, "tls", NULL), "a broken hello to one of ours is recorded");
    fd = client("127.0.0.2", port, SOCK_STREAM);
    client_put(fd, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10);
    close(fd);
    is_int(wait_for(w.counters->raw_refused >= 1), 1, "one to somebody else's is counted");
    fd = client("127.0.0.1", port, SOCK_STREAM);
    close(fd);
    ok(recorded(&w, KIND_RAW, "raw", NULL), "one that said nothing is a contact all the same");
    world_end(&w);
}

static void test_proxied(void)
{
    struct world w;
    struct client_tls t;
    struct ip src, dst;
    uint8_t header[64];
    world_init(&w);
    w.setup.sessions = talk_types;
    world_listen(&w, (struct net_listener){.protocol = NET_ANY, .tcp = true, .proxy = true},
                 "127.0.0.1");
    net_parse(span_str("127.0.0.1/32"), &w.balancers[0]);
    w.config.balancers_count = 1;
    world_start(&w);
    ip_parse(span_str("198.51.100.7"), &src);
    ip_parse(span_str("127.0.0.1"), &dst);
    int fd = talk_client(&w);
    client_put(fd, header, proxy_write_v2(header, &src, 4444, &dst, 443, false));
    ok(tls_meet(&t, fd, ""), "TLS behind PROXY");
    tls_say(&t, "peer\n");
    ok(tls_hears(&t, "198.51.100.7 4444 127.0.0.1 443 127.0.0.1 0 \n"),
       "with the client's address");
    tls_end(&t);
    world_end(&w);
}

/* Anything on one port: the real sessions. */
static void test_any(void)
{
    struct world w;
    struct client_tls t;
    char got[2048];
    static char banner[] = "welcome\r\n";
    world_init(&w);
    world_listen(&w, (struct net_listener){.protocol = NET_ANY, .tcp = true}, "127.0.0.1");
    w.config.limits.head_ms = 400;
    world_start(&w);
    const char *request = "GET /a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    int fd = talk_client(&w);
    client_say(fd, "GE");
    ms_sleep(20);
    client_say(fd, request + 2);
    ok(client_hears(fd, "HTTP/1.1 200"), "HTTP, in two pieces");
    close(fd);
    ok(recorded(&w, KIND_HTTP, "http", NULL), "recorded as such");
    ok(tls_meet(&t, talk_client(&w), "x.example"), "TLS");
    tls_say(&t, request);
    ok(tls_hears(&t, "HTTP/1.1 200"), "HTTP in it");
    tls_end(&t);
    ok(recorded(&w, KIND_HTTP, "http", "x.example"), "recorded as such");
    fd = talk_client(&w);
    client_say(fd, "EHLO client.example\r\n");
    ok(client_hears(fd, "220 "), "SMTP, when the client opens like one");
    client_say(fd, "QUIT\r\n");
    while (recv(fd, got, sizeof got, 0) > 0)
        ;
    close(fd);
    ok(recorded(&w, KIND_SMTP, "smtp", NULL), "recorded as such");
    fd = talk_client(&w);
    client_say(fd, "\x05\x01\x00");
    shutdown(fd, SHUT_WR);
    ok(client_gone(fd), "something else");
    close(fd);
    ok(recorded(&w, KIND_RAW, NULL, NULL), "recorded as such");
    fd = talk_client(&w);
    ok(client_gone(fd), "nothing, until it takes too long");
    close(fd);
    ok(recorded(&w, KIND_RAW, "raw", NULL), "recorded as a contact");
    world_end(&w);

    world_init(&w);
    world_listen(&w, (struct net_listener){.protocol = NET_ANY, .tcp = true}, "127.0.0.1");
    w.config.limits.head_ms = 200;
    w.policies[0].raw.answer = POLICY_RAW_BANNER;
    w.policies[0].raw.banner = banner;
    world_start(&w);
    fd = talk_client(&w);
    ok(client_hears(fd, banner), "a client that waits for a banner gets one");
    close(fd);
    ok(recorded(&w, KIND_RAW, NULL, NULL), "recorded");
    world_end(&w);
}

/* DNS as it is, by UDP and TCP: a query for a name that is nobody's. */
static void test_dns(void)
{
    static const uint8_t query[] = {0, 31,  0x12, 0x34, 1,   0,   0,   1,   0,   0,   0,
                                    0, 0,   0,    7,    'e', 'x', 'a', 'm', 'p', 'l', 'e',
                                    3, 'c', 'o',  'm',  0,   0,   1,   0,   1};
    struct world w;
    uint8_t got[512];
    world_init(&w);
    world_listen(&w, (struct net_listener){.protocol = NET_DNS, .tcp = true, .udp = true},
                 "127.0.0.1");
    world_start(&w);
    int fd = client("127.0.0.1", world_port(&w, 0, false, AF_INET), SOCK_DGRAM);
    client_put(fd, query + 2, sizeof query - 2);
    ok(recv(fd, got, sizeof got, 0) >= 12 && got[0] == 0x12 && got[1] == 0x34 && (got[3] & 15) == 5,
       "REFUSED by UDP");
    close(fd);
    uint8_t two[2 * sizeof query];
    memcpy(two, query, sizeof query);
    two[1] = sizeof query - 2;
    memcpy(two + sizeof query, two, sizeof query);
    fd = client("127.0.0.1", world_port(&w, 0, true, AF_INET), SOCK_STREAM);
    client_put(fd, two, sizeof two);
    size_t n = 0;
    for (ssize_t more; n < 2 * sizeof query && (more = recv(fd, got + n, sizeof got - n, 0)) > 0;)
        n += (size_t)more;
    ok(n >= 28 && got[2] == 0x12 && (got[5] & 15) == 5, "and by TCP, two at once");
    close(fd);
    is_int(w.counters->dns_refused, 3);
    world_end(&w);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    test_recognised();
    test_pieces();
    test_starttls();
    test_refused();
    test_proxied();
    test_any();
    test_dns();
    return tap_done();
}
