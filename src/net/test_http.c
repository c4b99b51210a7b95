/* HTTP sessions, driven by hand: what is answered and recorded for each shape of request, and that
 * it never hangs on how the stream was cut. Expectations are derived by hand from RFC 9110 and 9112
 * and doc/sinkhole/http.md. */
#include "base/tap.h"
#include "net/http_server.h"
#include "net/test_env.h"
#include "net/tls.h"

#define HOST       "Host: seized.example\r\n"
#define DATE       "Date: Wed, 16 Mar 2011 09:00:00 GMT\r\n"
#define FIXED      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
#define IDENTITY   "X-Sinkhole: Example Team; order=order-1\r\n"
#define KEEP       "Connection: keep-alive\r\n\r\n"
#define CLOSE      "Connection: close\r\n\r\n"
#define EMPTY_HEAD "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 0\r\n" FIXED IDENTITY
#define EMPTY_KEEP EMPTY_HEAD KEEP
#define EMPTY_END  EMPTY_HEAD CLOSE

/* A world with the policies default, body, missing, close, always and never. */
struct world {
    struct test_env t;
    struct test_session ts;
};

static char operator_name[] = "Example Team";

static void world_policies(struct test_env *t)
{
    static char names[][10] = {"default", "body", "missing", "close", "always", "never"};
    static char body[] = "hello";
    for (unsigned i = 0; i < 6; i++) {
        t->policies[i] = t->policies[0];
        t->policies[i].name = names[i];
    }
    t->policies[1].http.answer = POLICY_HTTP_BODY;
    t->policies[1].http.body = body;
    t->policies[2].http.answer = POLICY_HTTP_404;
    t->policies[3].http.answer = POLICY_HTTP_CLOSE;
    t->policies[4].http.page = POLICY_PAGE_ALWAYS;
    t->policies[5].http.page = POLICY_PAGE_NEVER;
    t->config.policies_count = 6;
    t->config.operator_name = operator_name;
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    struct err err;
    test_env_init(&w->t);
    world_policies(&w->t);
    test_env_asset(&w->t, "seized.example", "", "rustock");
    test_env_asset(&w->t, "*.wild.example", "", "");
    test_env_asset(&w->t, "body.example", "body", "");
    test_env_asset(&w->t, "missing.example", "missing", "");
    test_env_asset(&w->t, "close.example", "close", "");
    test_env_asset(&w->t, "always.example", "always", "");
    test_env_asset(&w->t, "never.example", "never", "");
    test_env_asset(&w->t, "192.0.2.1", "", "");
    test_env_ready(&w->t);
    if (http_server_new(&w->t.config, &w->t.env.http, &err) < 0) {
        printf("# %s\n", err.text);
        abort();
    }
    return w;
}

static void world_free(struct world *w)
{
    http_server_free(w->t.env.http);
    test_env_free(&w->t);
    free(w);
}

/* A connection to an address that is no asset: authority comes by name. */
static void open_to(struct world *w, const char *dst)
{
    w->t.out.n = 0;
    test_env_forget(&w->t);
    test_session_begin(&w->ts, &w->t, &http_session,
                       test_peer("198.51.100.7", 1025, dst, 80, true));
}

static void give_n(struct world *w, const char *bytes, size_t n)
{
    test_session_data(&w->ts, span_of(bytes, n));
}

static void give(struct world *w, const char *bytes)
{
    give_n(w, bytes, strlen(bytes));
}

static void close_(struct world *w)
{
    test_session_end(&w->ts, SESSION_PEER_CLOSED);
    is_int(w->t.counters.memory_bytes, 0);
}

/* The whole of a connection. */
static void talk(struct world *w, const char *dst, const char *bytes)
{
    open_to(w, dst);
    give(w, bytes);
    close_(w);
}

static void wake(struct world *w, int ms)
{
    w->t.env.tick += ms;
    if (!w->ts.over && w->ts.s.wake_at && w->ts.s.wake_at <= w->t.env.tick) {
        w->ts.s.wake_at = 0;
        test_session_next(&w->ts, w->ts.s.type->wake(&w->ts.s));
        if (!w->ts.over)
            test_session_data(&w->ts, span_of(NULL, 0));
    }
}

static const char *out(struct world *w)
{
    *buf_reserve(&w->t.out, 1) = 0;
    return (const char *)w->t.out.p;
}

static bool out_has(struct world *w, const char *s)
{
    return strstr(out(w), s) != NULL;
}

static const struct event *event_at(const struct world *w, size_t i)
{
    return &w->t.recorded[i].ev;
}

static const char *text_of(struct span s)
{
    static char text[4][2048];
    static unsigned turn;
    char *at = text[turn++ % 4];
    size_t n = s.n < sizeof text[0] - 1 ? s.n : sizeof text[0] - 1;
    if (n)
        memcpy(at, s.p, n);
    at[n] = 0;
    return at;
}

/* One event with this answer and these anomalies. */
static void is_event(const struct world *w, const char *method, const char *answer,
                     const char *anomalies)
{
    is_int(w->t.n, 1);
    if (w->t.n != 1)
        return;
    is_int(event_at(w, 0)->kind, KIND_HTTP);
    is_str(text_of(event_at(w, 0)->http.method), method);
    is_str(text_of(event_at(w, 0)->answer), answer);
    is_str(text_of(event_at(w, 0)->http.anomalies), anomalies);
}

static void test_simple(struct world *w)
{
    open_to(w, "203.0.113.1");
    give(w, "GET /gate.php?id=1 HTTP/1.1\r\n" HOST "User-Agent: bot\r\nReferer: http://x/\r\n\r\n");
    is_str(out(w), EMPTY_KEEP);
    ok(!w->ts.over, "the connection stays");
    is_int(w->ts.s.wake_at, 0);
    close_(w);
    is_event(w, "GET", "200 empty", "");
    const struct event *ev = event_at(w, 0);
    is_str(text_of(ev->http.target), "/gate.php?id=1");
    is_str(text_of(ev->http.version), "1.1");
    is_str(text_of(ev->http.host), "seized.example");
    is_str(text_of(ev->http.user_agent), "bot");
    is_str(text_of(ev->http.referer), "http://x/");
    is_str(text_of(ev->http.headers), HOST "User-Agent: bot\r\nReferer: http://x/\r\n\r\n");
    is_str(text_of(ev->protocol), "http");
    is_str(text_of(ev->family), "rustock");
    is_str(text_of(ev->role), "");
    is_int(ev->http.body_size, 0);
    is_int(ev->asset, 3);
    is_int(w->t.counters.http_requests, 1);
    is_int(w->t.counters.http_refused, 0);
}

static void test_authority(struct world *w)
{
    uint64_t refused = w->t.counters.http_refused;
    talk(w, "203.0.113.1", "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
    is_str(out(w), "");
    is_int(w->t.n, 0);
    ok(w->ts.over, "a stranger's name: closed without a word");
    talk(w, "203.0.113.1", "GET / HTTP/1.0\r\n\r\n");
    is_int(w->t.n, 0);
    talk(w, "203.0.113.1",
         "POST / HTTP/1.1\r\nHost: other.example\r\nExpect: 100-continue\r\n"
         "Content-Length: 3\r\n\r\n");
    is_str(out(w), "");
    is_int(w->t.counters.http_refused, refused + 3);
    talk(w, "203.0.113.1", "GET / HTTP/1.1\r\nHost: WWW.Seized.Example.:8080\r\n\r\n");
    is_int(w->t.n, 1);
    talk(w, "203.0.113.1", "GET / HTTP/1.1\r\nHost: wild.example\r\n\r\n");
    is_int(w->t.n, 0);
    talk(w, "203.0.113.1", "GET / HTTP/1.1\r\nHost: a.b.wild.example\r\n\r\n");
    is_int(w->t.n, 1);
    talk(w, "192.0.2.1", "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n");
    is_event(w, "GET", "200 empty", "");
    talk(w, "192.0.2.1", "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
    is_event(w, "GET", "200 empty", "");
    talk(w, "192.0.2.1", "GET / HTTP/1.0\r\n\r\n");
    is_str(out(w), EMPTY_END);
    is_event(w, "GET", "200 empty", "");
    talk(w, "203.0.113.1", "GET http://seized.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n");
    is_event(w, "GET", "200 empty", "");
    is_str(text_of(event_at(w, 0)->http.target), "http://seized.example/x");
    is_str(text_of(event_at(w, 0)->http.host), "other.example");
    /* the name in TLS, when the request has none that counts */
    struct tls_info tls = {.sni = span_str("seized.example")};
    open_to(w, "203.0.113.1");
    w->ts.s.peer.tls = &tls;
    give(w, "GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n");
    close_(w);
    is_event(w, "GET", "200 empty", "");
    is_str(text_of(event_at(w, 0)->tls.sni), "seized.example");
}

/* A table that is swapped in between holds for the next request. */
static void test_swap(struct world *w)
{
    const struct authority *had = w->t.env.authority;
    struct authority *none = authority_none();
    open_to(w, "203.0.113.1");
    give(w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    is_str(out(w), EMPTY_KEEP);
    w->t.env.authority = none;
    give(w, "GET / HTTP/1.1\r\n" HOST "\r\n");
    is_str(out(w), EMPTY_KEEP);
    ok(w->ts.over, "authority was lost");
    close_(w);
    is_int(w->t.n, 1);
    w->t.env.authority = had;
    authority_unmap(none);
}

static void test_versions(struct world *w)
{
    talk(w, "203.0.113.1", "GET / HTTP/1.0\r\n" HOST "\r\n");
    is_str(out(w), EMPTY_END);
    talk(w, "203.0.113.1", "GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n");
    is_str(out(w), EMPTY_KEEP);
    talk(w, "203.0.113.1",
         "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
         "GET /2 HTTP/1.1\r\n" HOST "\r\n");
    is_str(out(w), EMPTY_END);
    is_int(w->t.n, 1);
    talk(w, "203.0.113.1", "GET / HTTP/1.2\r\n" HOST "\r\n");
    is_event(w, "GET", "200 empty", "odd-version");
    is_str(text_of(event_at(w, 0)->http.version), "1.2");
}

static void test_old(struct world *w)
{
    /* 0.9: the client waits for its answer behind one line */
    open_to(w, "192.0.2.1");
    give(w, "GET /old\r\n");
    ok(w->ts.s.paused && w->ts.s.wake_at > w->t.env.tick, "a line without version is waited upon");
    wake(w, 1000);
    ok(w->ts.over, "0.9 is answered by closing");
    is_str(out(w), "");
    close_(w);
    is_event(w, "GET", "200 empty", "no-version");
    /* it was the first line of a head */
    open_to(w, "192.0.2.1");
    give(w, "GET /old\r\n");
    give(w, "Host: a\r\n");
    wake(w, 1000);
    is_int(w->t.n, 0);
    give(w, "\r\n");
    close_(w);
    is_event(w, "GET", "200 empty", "no-version");
    talk(w, "192.0.2.1", "GET /old\r\n");
    is_event(w, "GET", "closed", "no-version");
    /* a policy with a body sends it bare */
    open_to(w, "203.0.113.1");
    give(w, "GET http://body.example/\r\n");
    wake(w, 1000);
    is_str(out(w), "hello");
    close_(w);
}

static void test_policies(struct world *w)
{
    talk(w, "203.0.113.1", "GET / HTTP/1.1\r\nHost: body.example\r\n\r\n");
    is_str(out(w), "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 5\r\n"
                   "Content-Type: application/octet-stream\r\n" FIXED IDENTITY KEEP "hello");
    is_event(w, "GET", "200 body", "");
    talk(w, "203.0.113.1", "HEAD / HTTP/1.1\r\nHost: body.example\r\n\r\n");
    is_str(out(w), "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 5\r\n"
                   "Content-Type: application/octet-stream\r\n" FIXED IDENTITY KEEP);
    talk(w, "203.0.113.1", "GET / HTTP/1.1\r\nHost: missing.example\r\n\r\n");
    ok(strncmp(out(w), "HTTP/1.1 404 Not Found\r\n", 24) == 0, "404");
    is_event(w, "GET", "404", "");
    talk(w, "203.0.113.1",
         "POST / HTTP/1.1\r\nHost: close.example\r\nContent-Length: 2\r\n"
         "Expect: 100-continue\r\n\r\nab");
    is_str(out(w), "");
    ok(w->ts.over, "closed");
    is_event(w, "POST", "closed", "");
    is_str(text_of(event_at(w, 0)->http.body), "ab");
    talk(w, "203.0.113.1", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
    ok(out_has(w, "200 OK") && out_has(w, "Allow: GET, HEAD, POST, OPTIONS\r\n"), "OPTIONS");
    is_event(w, "OPTIONS", "200 empty", "");
    talk(w, "203.0.113.1", "TRACE / HTTP/1.1\r\n" HOST "X-Secret: s\r\n\r\n");
    is_str(out(w), EMPTY_KEEP); /* nothing comes back */
    talk(w, "203.0.113.1", "GET /robots.txt HTTP/1.1\r\n" HOST "User-Agent: crawlbot\r\n\r\n");
    ok(out_has(w, "\r\n\r\nUser-agent: *\nDisallow: /\n"), "robots.txt");
    is_event(w, "GET", "200 robots", "");
    talk(w, "203.0.113.1", "GET /robots.txt HTTP/1.1\r\nHost: body.example\r\n\r\n");
    is_event(w, "GET", "200 body", "");
}

static void test_proxy_shapes(struct world *w)
{
    talk(w, "203.0.113.1", "CONNECT seized.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01");
    ok(strncmp(out(w), "HTTP/1.1 405 ", 13) == 0 && out_has(w, "Connection: close"),
       "CONNECT opens no tunnel");
    is_event(w, "CONNECT", "405", "no-host");
    talk(w, "203.0.113.1", "CONNECT mail.example:25 HTTP/1.1\r\nHost: mail.example:25\r\n\r\n");
    is_str(out(w), "");
    is_int(w->t.n, 0);
    talk(w, "192.0.2.1",
         "GET http://elsewhere.example/ HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n");
    is_event(w, "GET", "200 empty", "");
    open_to(w, "192.0.2.1");
    give(w, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    give_n(w, "\0\0\6\4\0\0\0\0\0\0\3\0\0\0d", 15);
    is_int(w->t.n, 0);
    wake(w, 1000);
    ok(w->ts.over, "HTTP/2 is closed");
    is_str(out(w), "");
    close_(w);
    is_event(w, "PRI", "closed", "odd-version no-host");
    is_int(event_at(w, 0)->http.body_size, 21);
}

static void test_bodies(struct world *w)
{
    talk(w, "203.0.113.1",
         "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde"
         "GET /2 HTTP/1.1\r\n" HOST "\r\n");
    is_str(out(w), EMPTY_KEEP EMPTY_KEEP);
    is_int(w->t.n, 2);
    is_str(text_of(event_at(w, 0)->http.body), "abcde");
    is_int(event_at(w, 0)->http.body_size, 5);
    is_str(text_of(event_at(w, 1)->http.target), "/2");
    talk(w, "203.0.113.1",
         "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
         "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"
         "GET /2 HTTP/1.1\r\n" HOST "\r\n");
    is_str(out(w), EMPTY_KEEP EMPTY_KEEP);
    is_str(text_of(event_at(w, 0)->http.body), "abcde");
    is_int(event_at(w, 0)->http.body_size, 5);
    talk(w, "203.0.113.1",
         "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
         "Content-Length: 2\r\n\r\nab");
    is_str(out(w), "HTTP/1.1 100 Continue\r\n\r\n" EMPTY_KEEP);
    is_event(w, "POST", "100+200 empty", "");
    /* a line's end behind the body, from clients that count it not */
    talk(w, "203.0.113.1",
         "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab\r\n"
         "GET /2 HTTP/1.1\r\n" HOST "\r\n");
    is_int(w->t.n, 2);
    is_str(text_of(event_at(w, 1)->http.anomalies), "");
    talk(w, "203.0.113.1", "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab\r\n");
    is_int(w->t.n, 1);
    /* 1.0 without length: until the client is quiet */
    open_to(w, "203.0.113.1");
    give(w, "POST / HTTP/1.0\r\n" HOST "\r\na=1");
    give(w, "&b=2");
    is_str(out(w), "");
    wake(w, 1000);
    is_str(out(w), EMPTY_END);
    close_(w);
    is_event(w, "POST", "200 empty", "");
    is_str(text_of(event_at(w, 0)->http.body), "a=1&b=2");
}

static void test_long_body(struct world *w)
{
    size_t n = 300000;
    char *body = malloc(n), head[200];
    for (size_t i = 0; i < n; i++)
        body[i] = (char)('a' + i % 23);
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", n);
    open_to(w, "203.0.113.1");
    give(w, head);
    for (size_t i = 0; i < n; i += 10000)
        give_n(w, body + i, 10000);
    is_str(out(w), EMPTY_KEEP);
    is_int(w->t.n, 1);
    is_int(w->t.counters.memory_bytes, 0);
    is_int(event_at(w, 0)->http.body.n, HTTP_BODY_KEEP);
    is_int(event_at(w, 0)->http.body_size, n);
    ok(span_eq(buf_as_span(&w->t.recorded[0].blob), span_of(body, n)), "the blob is the body");
    ok(span_eq(event_at(w, 0)->http.body, span_of(body, HTTP_BODY_KEEP)), "its beginning is kept");
    close_(w);
    /* over the limit of a mebibyte */
    w->t.config.limits.http_body_mib = 1;
    open_to(w, "203.0.113.1");
    give(w, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n");
    for (unsigned i = 0; i < 6 && !w->ts.over; i++)
        give_n(w, body, 250000);
    ok(w->ts.over, "too long: closed");
    is_str(out(w), EMPTY_END);
    is_event(w, "POST", "200 empty", "cut-body");
    is_int(event_at(w, 0)->http.body_size, 1250000);
    is_int(w->t.recorded[0].blob.n, 1 << 20);
    close_(w);
    /* no memory left: what there is is recorded */
    w->t.config.limits.memory_mib = 0;
    open_to(w, "203.0.113.1");
    give(w, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999\r\n\r\nabc");
    ok(w->ts.over, "no memory: closed");
    is_event(w, "POST", "200 empty", "cut-body");
    close_(w);
    w->t.config.limits.memory_mib = 512;
    w->t.config.limits.http_body_mib = 8;
    free(body);
}

static void test_smuggling(struct world *w)
{
    static const struct {
        const char *request, *anomalies, *body;
    } shapes[] = {
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
         "1\r\nz\r\n0\r\n\r\n",
         "length-conflict", "z"},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc",
         "length-conflict", "abc"},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n"
         "1\r\nz\r\n0\r\n\r\n",
         "bad-length", "z"},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "spaces", ""},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz", "bad-chunk", ""},
        {"GET / HTTP/1.1\r\n" HOST "Host: other.example\r\n\r\n", "two-hosts", ""},
        {"GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", "folded", ""},
        {"GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n", "bad-header", ""},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        open_to(w, "203.0.113.1");
        give(w, shapes[i].request);
        give(w, "GET /smuggled HTTP/1.1\r\n" HOST "\r\n");
        is_str(out(w), EMPTY_END);
        ok(w->ts.over, "closed");
        close_(w);
        is_event(w, *shapes[i].request == 'P' ? "POST" : "GET", "200 empty", shapes[i].anomalies);
        is_str(text_of(event_at(w, 0)->http.body), shapes[i].body);
    }
    /* nothing says how long the body is: what comes until the client is quiet */
    open_to(w, "203.0.113.1");
    give(w, "POST / HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\nabc");
    wake(w, 1000);
    is_str(out(w), EMPTY_END);
    close_(w);
    is_event(w, "POST", "200 empty", "bad-length");
    is_str(text_of(event_at(w, 0)->http.body), "abc");
    open_to(w, "203.0.113.1");
    give(w, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\nabc");
    wake(w, 1000);
    close_(w);
    is_event(w, "POST", "200 empty", "odd-coding");
    is_str(text_of(event_at(w, 0)->http.body), "abc");
}

static void test_slow(struct world *w)
{
    uint64_t timeouts = w->t.counters.timeouts;
    open_to(w, "192.0.2.1");
    is_int(w->ts.s.wake_at - w->t.env.tick, 20000);
    wake(w, 20001);
    ok(w->ts.over, "a connection without a word");
    close_(w);
    is_int(w->t.n, 0);
    open_to(w, "192.0.2.1");
    give(w, "GET / HTTP/1.1\r\nX: ");
    for (int i = 0; i < 30 && !w->ts.over; i++) {
        wake(w, 1000);
        if (!w->ts.over)
            give(w, "a");
    }
    ok(w->ts.over, "a head by drops");
    is_str(out(w), "");
    close_(w);
    is_event(w, "GET", "closed", "no-host cut");
    open_to(w, "192.0.2.1");
    give(w, "POST / HTTP/1.0\r\nContent-Length: 10000000\r\n\r\n");
    for (int i = 0; i < 100 && !w->ts.over; i++) {
        wake(w, 1000);
        if (!w->ts.over)
            give(w, "0123456789");
    }
    ok(w->ts.over, "a body by drops");
    close_(w);
    is_event(w, "POST", "closed", "cut-body");
    open_to(w, "192.0.2.1");
    give(w, "POST / HTTP/1.0\r\nContent-Length: 1000000\r\n\r\n");
    static char kilo[1000];
    memset(kilo, 'k', sizeof kilo);
    for (int i = 0; i < 1000 && !w->ts.over; i++) {
        wake(w, 1000);
        give_n(w, kilo, sizeof kilo);
    }
    is_str(out(w), EMPTY_END);
    close_(w);
    is_event(w, "POST", "200 empty", "");
    is_int(w->t.counters.timeouts, timeouts + 3);
}

static void test_ends(struct world *w)
{
    talk(w, "192.0.2.1", "GET / HTTP/1.1\r\nHost: a");
    is_event(w, "GET", "closed", "cut");
    talk(w, "192.0.2.1", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    is_event(w, "POST", "closed", "cut-body");
    is_str(text_of(event_at(w, 0)->http.body), "abc");
    is_int(event_at(w, 0)->http.body_size, 3);
    talk(w, "192.0.2.1", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    is_event(w, "POST", "closed", "cut-body");
    is_str(text_of(event_at(w, 0)->http.body), "ab");
    talk(w, "192.0.2.1", "");
    is_int(w->t.n, 0);
    uint64_t refused = w->t.counters.http_refused;
    talk(w, "203.0.113.1", "GET / HTTP/1.1\r\nHost: other.exa");
    is_int(w->t.n, 0);
    is_int(w->t.counters.http_refused, refused + 1);
    w->t.config.limits.requests = 2;
    talk(w, "203.0.113.1",
         "GET / HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n"
         "GET / HTTP/1.1\r\n" HOST "\r\n");
    is_str(out(w), EMPTY_KEEP EMPTY_END);
    is_int(w->t.n, 2);
    w->t.config.limits.requests = 10000;
}

static void test_no_http(struct world *w)
{
    talk(w, "192.0.2.1", "\x16\x03\x01\x02");
    is_str(out(w), "");
    is_int(w->t.n, 1);
    is_int(event_at(w, 0)->kind, KIND_RAW);
    is_int(event_at(w, 0)->raw.client_size, 4);
    talk(w, "192.0.2.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\nNICK bot\r\nUSER a b c d\r\n\r\n");
    is_int(w->t.n, 2);
    is_int(event_at(w, 1)->kind, KIND_RAW);
    is_str(text_of(event_at(w, 1)->raw.client), "NICK bot\r\nUSER a b c d\r\n\r\n");
    uint64_t refused = w->t.counters.raw_refused;
    talk(w, "203.0.113.1", "\x01\x02\x03");
    is_int(w->t.n, 0);
    is_int(w->t.counters.raw_refused, refused + 1);
    open_to(w, "192.0.2.1");
    for (unsigned i = 0; i < 1500 && !w->ts.over; i++)
        give(w, "\x01");
    ok(w->ts.over, "as many bytes as are kept");
    close_(w);
    is_int(w->t.n, 1);
    is_int(event_at(w, 0)->raw.client.n, 1024);
    /* a head without end */
    char *head = malloc(70000);
    memset(head, 'x', 70000);
    memcpy(head, "GET /", 5);
    open_to(w, "192.0.2.1");
    for (unsigned i = 0; i < 70 && !w->ts.over; i++)
        give_n(w, head + (size_t)i * 1000, 1000);
    ok(w->ts.over, "a head over its limit");
    close_(w);
    is_event(w, "GET", "closed", "no-version cut");
    is_int(event_at(w, 0)->http.target.n, HTTP_HEAD_MAX - 1 - 4);
    free(head);
}

/* ---- however the stream is cut ---- */

/* Everything that came of a connection: events, blobs, bytes sent, how it ended. */
static void digest(struct world *w, struct buf *sum)
{
    sum->n = 0;
    for (size_t i = 0; i < w->t.n; i++) {
        buf_printf(sum, "\n[%d %zu %zu]", (int)event_at(w, i)->kind, w->t.recorded[i].payload.n,
                   w->t.recorded[i].blob.n);
        buf_span(sum, buf_as_span(&w->t.recorded[i].payload));
        buf_span(sum, buf_as_span(&w->t.recorded[i].blob));
    }
    buf_str(sum, w->ts.over ? "\nover\n" : "\nopen\n");
    buf_span(sum, buf_as_span(&w->t.out));
}

/* Pieces of `step` bytes behind the first `first`; then quiet, then the end. */
static void cut(struct world *w, struct span stream, size_t first, size_t step, struct buf *sum)
{
    open_to(w, "192.0.2.1");
    size_t at = 0;
    while (at < stream.n) {
        size_t n = at == 0 && first ? first : step;
        if (n > stream.n - at)
            n = stream.n - at;
        give_n(w, (const char *)stream.p + at, n);
        at += n;
    }
    for (unsigned i = 0; i < 3; i++)
        wake(w, 500);
    digest(w, sum);
    test_session_end(&w->ts, SESSION_PEER_CLOSED);
    struct buf rest = {0};
    digest(w, &rest);
    buf_span(sum, buf_as_span(&rest));
    buf_free(&rest);
}

static void is_cut_free(struct world *w, const char *name, struct span stream)
{
    struct buf whole = {0}, pieces = {0};
    size_t differ = 0;
    int64_t tick = w->t.env.tick;
    cut(w, stream, 0, stream.n, &whole);
    for (size_t i = 1; i < stream.n; i++) {
        w->t.env.tick = tick;
        cut(w, stream, i, stream.n, &pieces);
        differ += !span_eq(buf_as_span(&whole), buf_as_span(&pieces));
    }
    for (size_t step = 1; step <= 5; step++) {
        w->t.env.tick = tick;
        cut(w, stream, 0, step, &pieces);
        differ += !span_eq(buf_as_span(&whole), buf_as_span(&pieces));
    }
    ok(differ == 0 && w->t.counters.memory_bytes == 0, "cut anywhere, it stays the same");
    if (differ)
        printf("# %s: %zu of %zu cuts differ\n", name, differ, stream.n + 4);
    buf_free(&whole);
    buf_free(&pieces);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define BROWSER                                                                                    \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"       \
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n"     \
    "Accept-Encoding: gzip, deflate\r\n"
#define CHUNKED "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
#define POST    "POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: "

static void test_cuts(struct world *w)
{
    static const char *const streams[] = {
        GET("/1") POST "5\r\n\r\nabcde\r\n" CHUNKED "\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n" GET("/4"),
        "\r\n\r\n" GET("/1") "\r\n" GET("/2") "\n\n" GET("/3"),
        "GET / HTTP/1.1\nHost: seized.example\n\nHEAD /2 HTTP/1.1\nHost: body.example\n\n",
        "GET / HTTP/1.1\r\n" HOST BROWSER "\r\n" GET("/favicon.ico"),
        CHUNKED "Expect: 100-continue\r\n\r\n1\r\na\r\nzz" GET("/never"),
        POST "7\r\nExpect: 100-continue\r\n\r\nabcdefg" GET("/2"),
        POST "3\r\nContent-Length: 4\r\n\r\nabcd" GET("/never"),
        GET("/1") "GET / HTTP/1.1\r\nHost: cut",
        GET("/1") "JOIN #channel\r\nPRIVMSG x y\r\n",
        GET("/1") "FOO bar\r\nbaz\r\n\r\n",
        "GET /old\r\n",
        "GET /old\r\nGET / HTTP/1.1\r\n\r\n",
        "POST /open HTTP/1.0\r\n\r\na=b&c=d",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nxyz",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsettings",
        "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03",
        GET("/1") "GET / HTTP/1.1\r\nHost: close.example\r\n\r\n" GET("/never"),
        "\x16\x03\x01\x02",
        "\rGET / HTTP/1.1\r\n\r\n",
        "get / HTTP/1.1\r\nHost: a\r\n\r\nget / http/1.1\r\nHost: a\r\n\r\n",
        "GET  /  x HTTP/1.1 \r\nHost : a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nFOO /x HTTP/1.1\r\nHost: a\r\n\r\nFOO /x\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        is_cut_free(w, streams[i], span_str(streams[i]));
    /* long enough to be gathered */
    struct buf big = {0};
    buf_str(&big, POST "70000\r\n\r\n");
    memset(buf_reserve(&big, 70000), 'p', 70000);
    big.n += 70000;
    buf_str(&big, GET("/2"));
    struct buf whole = {0}, pieces = {0};
    cut(w, buf_as_span(&big), 0, big.n, &whole);
    for (size_t first = 1; first < big.n; first += 1 + first / 3) {
        cut(w, buf_as_span(&big), first, 7777, &pieces);
        ok(span_eq(buf_as_span(&whole), buf_as_span(&pieces)), "a long body, cut");
    }
    buf_free(&big);
    buf_free(&whole);
    buf_free(&pieces);
}

/* Many requests at once: the connection gets the answers in portions, so that it can hold the rest
 * back from a client that takes none. */
static void test_flood(struct world *w)
{
    struct buf many = {0};
    unsigned turns = 0;
    size_t most = 0;
    for (unsigned i = 0; i < 2000; i++)
        buf_str(&many, GET("/"));
    open_to(w, "192.0.2.1");
    struct cur in = cur_of(buf_as_span(&many));
    while (cur_left(&in) && turns < 100) {
        w->t.out.n = 0;
        is_int(w->ts.s.type->data(&w->ts.s, &in), SESSION_GO_ON);
        most = w->t.out.n > most ? w->t.out.n : most;
        turns++;
    }
    ok(turns > 3 && most < (66u << 10), "answers come in portions");
    is_int(w->t.n, 2000);
    close_(w);
    buf_free(&many);
}

static void test_full(struct world *w)
{
    w->t.full = true;
    talk(w, "192.0.2.1", GET("/"));
    is_str(out(w), EMPTY_KEEP);
    is_int(w->t.n, 0);
    w->t.full = false;
}

static void test_date(struct world *w)
{
    static const struct {
        int64_t second;
        const char *text;
    } dates[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110, 5.6.7 */
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
    };
    struct world *at = world_new();
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        char want[64];
        /* authority has its own days: ask while it is in force, then see what the clock made */
        snprintf(want, sizeof want, "\r\nDate: %s\r\n", dates[i].text);
        struct authority_match match;
        authority_host(at->t.env.authority, span_str("seized.example"), TEST_NOW, &match);
        struct http_request r;
        struct http_reply reply;
        struct span head = span_str("GET / HTTP/1.1\r\n" HOST "\r\n");
        http_parse(head, &r);
        at->t.env.now = dates[i].second * 1000000 + 999999;
        at->t.out.n = 0;
        http_server_decide(at->t.env.http, &match, &r, &reply);
        http_server_put(&at->t.env, &at->ts.s.peer, &match, &r, &reply, true, &at->t.out);
        ok(out_has(at, want), "the date");
    }
    world_free(at);
}

int main(void)
{
    struct world *w = world_new();
    test_simple(w);
    test_authority(w);
    test_swap(w);
    test_versions(w);
    test_old(w);
    test_policies(w);
    test_proxy_shapes(w);
    test_bodies(w);
    test_long_body(w);
    test_smuggling(w);
    test_slow(w);
    test_ends(w);
    test_no_http(w);
    test_cuts(w);
    test_flood(w);
    test_full(w);
    test_date(w);
    world_free(w);
    return tap_done();
}
