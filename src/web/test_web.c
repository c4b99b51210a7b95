#include "web/web.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tap.h"
#include "web/web_text.h"
#include "wire/proxy.h"

/* ---- a server in this process, and a client that drives it ---- */

struct server {
    struct web *web;
    int listener;
    uint16_t port;
    struct web_request *late;
    unsigned gone;
};

static void put_field_list(struct web_request *r, struct buf *out)
{
    size_t n;
    const struct web_field *f = web_fields(r, &n);
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s%s%s=", f[i].name, f[i].file ? "@" : "", f[i].file ? f[i].file : "");
        buf_span(out, f[i].value);
        buf_byte(out, ';');
    }
}

static int put_query(void *ctx, const char *name, struct span value)
{
    buf_printf(ctx, " %s=%.*s", name, (int)value.n, (const char *)value.p);
    return 0;
}

static int handle(void *ctx, struct web_request *r, struct web_reply *reply)
{
    struct server *s = ctx;
    const char *path = web_path(r);
    char client[IP_TEXT_MAX];
    if (strcmp(path, "/late") == 0) {
        s->late = r;
        return WEB_LATER;
    }
    reply->type = "text/plain";
    if (strcmp(path, "/long") == 0) {
        for (int i = 0; i < 1000; i++)
            buf_str(&reply->body, "line\n");
        snprintf(reply->etag, sizeof reply->etag, "abc");
        reply->max_age_s = 60;
        return WEB_NOW;
    }
    if (strcmp(path, "/bad-location") == 0) {
        reply->status = 303;
        snprintf(reply->location, sizeof reply->location, "/a\r\nSet-Cookie: x=y");
        return WEB_NOW;
    }
    ip_format(web_client(r), client);
    buf_printf(&reply->body, "%.*s %s %s:%u%s", (int)web_method(r).n, (const char *)web_method(r).p,
               path, client, web_client_port(r), web_is_secure(r) ? " secure" : "");
    web_queries(r, put_query, &reply->body);
    struct span cookie = web_cookie(r, "c");
    if (cookie.p)
        buf_printf(&reply->body, " cookie:%.*s", (int)cookie.n, (const char *)cookie.p);
    buf_printf(&reply->body, " [%.*s] ", (int)web_body(r).n,
               web_body(r).n ? (const char *)web_body(r).p : "");
    put_field_list(r, &reply->body);
    return WEB_NOW;
}

static void gone(void *ctx, struct web_request *r)
{
    struct server *s = ctx;
    s->gone += s->late == r;
    s->late = NULL;
}

static struct web_setup usual(struct server *s)
{
    return (struct web_setup){.listener = s->listener,
                              .connections = 32,
                              .connections_per_ip = 16,
                              .body_max = 1000,
                              .file_max = 3000,
                              .request_s = 1,
                              .idle_s = 5,
                              .handle = handle,
                              .gone = gone,
                              .ctx = s};
}

static void open_listener(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    *s = (struct server){.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    bind(s->listener, (struct sockaddr *)&a, sizeof a);
    listen(s->listener, 128);
    getsockname(s->listener, (struct sockaddr *)&a, &n);
    s->port = ntohs(a.sin_port);
}

static void start(struct server *s, const struct web_setup *setup)
{
    struct err err;
    ok(web_start(setup, &s->web, &err) == 0);
}

static void turn(struct server *s, int most)
{
    struct pollfd p = {.fd = web_fd(s->web), .events = POLLIN};
    poll(&p, 1, web_wait_ms(s->web, most));
    if (web_run(s->web, NULL) < 0)
        ok(false, "the server runs");
}

static int client(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(s->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    connect(fd, (struct sockaddr *)&a, sizeof a);
    return fd;
}

/* Until the server closes, or has said `until`, or a time is over. */
static const char *hear(struct server *s, int fd, const char *until, int64_t most)
{
    static char text[64 << 10];
    size_t n = 0;
    int64_t end = clock_ms() + most;
    text[0] = 0;
    while (clock_ms() < end && n < sizeof text - 1) {
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, MSG_DONTWAIT);
        if (got == 0)
            break;
        n += got > 0 ? (size_t)got : 0;
        text[n] = 0;
        if (until && strstr(text, until))
            break;
        turn(s, 10);
    }
    return text;
}

/* A request on a connection of its own. */
static const char *ask_n(struct server *s, const void *raw, size_t n)
{
    int fd = client(s);
    if (send(fd, raw, n, MSG_NOSIGNAL) < 0)
        perror("send");
    const char *text = hear(s, fd, NULL, 3000);
    close(fd);
    turn(s, 0);
    return text;
}
static const char *ask(struct server *s, const char *raw)
{
    return ask_n(s, raw, strlen(raw));
}

static bool has(const char *text, const char *part)
{
    bool found = strstr(text, part);
    if (!found)
        printf("# no \"%s\" in: %s\n", part, text);
    return found;
}

static void stop(struct server *s)
{
    web_stop(s->web);
    close(s->listener);
}

/* ---- tests ---- */

#define CLOSE "Host: h\r\nConnection: close\r\n\r\n"

static void test_requests(void)
{
    struct server s;
    open_listener(&s);
    struct web_setup setup = usual(&s);
    start(&s, &setup);
    const char *a = ask(&s, "GET /a%20b?x=1&y=a%2Bb+c HTTP/1.1\r\nCookie: b=2; c=3\r\n" CLOSE);
    ok(has(a, "HTTP/1.1 200"));
    ok(has(a, "GET /a b 127.0.0.1:"));
    ok(has(a, " x=1 y=a+b c cookie:3 []"));
    ok(has(a, "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src"));
    ok(has(a, "X-Content-Type-Options: nosniff") && has(a, "Cache-Control: no-store"));
    ok(!strstr(a, "Strict-Transport") && !strstr(a, "Onion-Location"));
    a = ask(&s, "HEAD /a HTTP/1.1\r\n" CLOSE);
    ok(has(a, "Content-Length: ") && !strstr(a, "HEAD /a"), "HEAD has no body");
    a = ask(&s, "GET http://elsewhere.example/a HTTP/1.1\r\n" CLOSE);
    ok(has(a, "GET /a "), "absolute form");
    static const char *const bad[] = {
        "GET /../a HTTP/1.1\r\n" CLOSE,
        "GET /%2e%2e/a HTTP/1.1\r\n" CLOSE,
        "GET /a%00 HTTP/1.1\r\n" CLOSE,
        "GET /a%0d%0a HTTP/1.1\r\n" CLOSE,
        "GET /a%zz HTTP/1.1\r\n" CLOSE,
        "GET /a%ff HTTP/1.1\r\n" CLOSE,
        "GET a HTTP/1.1\r\n" CLOSE,
        "GET /a HTTP/1.1\r\nHost: other\r\n" CLOSE,
        "GET /a HTTP/1.1\r\nConnection: close\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" CLOSE "ab",
        "POST /a HTTP/1.1\r\nContent-Length: +1\r\n" CLOSE "a",
        "POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" CLOSE "0\r\n\r\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n" CLOSE "0\r\n\r\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding : chunked\r\n" CLOSE "0\r\n\r\n",
        "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" CLOSE "0\r\n\r\n",
        "GET /a HTTP/1.1\r\nA\x01: b\r\n" CLOSE,
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        a = ask(&s, bad[i]);
        ok(!strstr(a, " 200 ") && !strstr(a, " /a "), "refused");
        if (strstr(a, " 200 "))
            printf("# %s\n# %s\n", bad[i], a);
    }
    stop(&s);
}

static void test_forms(void)
{
    struct server s;
    open_listener(&s);
    struct web_setup setup = usual(&s);
    start(&s, &setup);
    const char *a = ask(&s, "POST /f HTTP/1.1\r\nContent-Type: "
                            "application/x-www-form-urlencoded\r\nContent-Length: 20\r\n" CLOSE
                            "a=1&b=x%26y+z&c=&d=4");
    ok(has(a, "[] a=1;b=x&y z;c=;d=4;"));
    const char multipart[] =
        "--Bound\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nhello\r\n"
        "--Bound\r\nContent-Disposition: form-data; name=\"f\"; "
        "filename=\"n.txt\"\r\nContent-Type: text/plain\r\n\r\nbytes\r\n"
        "--Bound\r\nContent-Disposition: form-data; name=\"e\"\r\n\r\n\r\n--Bound--\r\n";
    char request[4096];
    snprintf(request, sizeof request,
             "POST /f HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=Bound\r\n"
             "Content-Length: %zu\r\n" CLOSE "%s",
             sizeof multipart - 1, multipart);
    a = ask(&s, request);
    ok(has(a, "t=hello;f@n.txt=bytes;e=;"));
    a = ask(&s, "POST /f HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" CLOSE
                "{}");
    ok(has(a, "[{}]"));
    a = ask(&s, "POST /f HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "3\r\nabc\r\n0\r\n\r\n");
    ok(has(a, "[abc]"));
    a = ask(&s, "POST /f HTTP/1.1\r\nContent-Length: 1001\r\n" CLOSE);
    ok(has(a, " 413 "));
    struct buf big = {0};
    buf_str(&big, "POST /f HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE);
    for (int i = 0; i < 200; i++)
        buf_str(&big, "a\r\n0123456789\r\n");
    buf_str(&big, "0\r\n\r\n");
    a = ask_n(&s, big.p, big.n);
    ok(!strstr(a, " 200 "), "a chunked body has the same limit");
    big.n = 0;
    buf_str(&big, "POST /f HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                  "Content-Length: 2400\r\n" CLOSE);
    for (int i = 0; i < 600; i++)
        buf_str(&big, "a=1&");
    ok(has(ask_n(&s, big.p, big.n), " 400 "), "too many fields");
    buf_free(&big);
    stop(&s);
}

static void test_answers(void)
{
    struct server s;
    open_listener(&s);
    struct web_setup setup = usual(&s);
    setup.hsts = true;
    setup.onion = "http://abc.onion";
    setup.policy = WEB_DESK;
    start(&s, &setup);
    const char *a = ask(&s, "GET /long HTTP/1.1\r\n" CLOSE);
    ok(has(a, "ETag: \"abc\"") && has(a, "private, max-age=60") && has(a, "Content-Length: 5000"));
    ok(has(a, "max-age=63072000") && has(a, "wasm-unsafe-eval") && has(a, "Vary: Accept-Encoding"));
    a = ask(&s, "GET /long HTTP/1.1\r\nAccept-Encoding: br, gzip;q=0.5\r\n" CLOSE);
    ok(has(a, "Content-Encoding: gzip") && has(a, "ETag: \"abc-gz\""));
    a = ask(&s, "GET /long HTTP/1.1\r\nAccept-Encoding: gzip;q=0\r\n" CLOSE);
    ok(!strstr(a, "Content-Encoding"));
    a = ask(&s, "GET /long HTTP/1.1\r\nIf-None-Match: \"x\", W/\"abc-gz\"\r\n" CLOSE);
    ok(has(a, " 304 ") && has(a, "ETag") && !strstr(a, "line"));
    a = ask(&s, "GET /bad-location HTTP/1.1\r\n" CLOSE);
    ok(has(a, " 500 ") && !strstr(a, "x=y"), "no header can be smuggled into an answer");
    stop(&s);
}

static void test_late(void)
{
    struct server s;
    open_listener(&s);
    struct web_setup setup = usual(&s);
    start(&s, &setup);
    int fd = client(&s);
    const char get[] = "GET /late HTTP/1.1\r\nHost: h\r\n\r\n";
    struct web_reply reply = {0};
    ok(send(fd, get, sizeof get - 1, 0) > 0);
    for (int i = 0; i < 100 && !s.late; i++)
        turn(&s, 10);
    ok(s.late != NULL);
    ok(!*hear(&s, fd, NULL, 1500), "nothing is said before, and it is not cut off");
    buf_str(&reply.body, "at last");
    if (s.late)
        web_answer(s.web, s.late, &reply);
    ok(has(hear(&s, fd, "at last", 2000), "at last"));
    ok(send(fd, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n", 28, 0) == 28);
    ok(has(hear(&s, fd, "/b", 2000), "GET /b"), "the connection is good for more");
    s.late = NULL;
    ok(send(fd, get, sizeof get - 1, 0) > 0);
    for (int i = 0; i < 100 && !s.late; i++)
        turn(&s, 10);
    close(fd);
    for (int i = 0; i < 100 && !s.gone; i++)
        turn(&s, 10);
    is_int(s.gone, 1);
    fd = client(&s);
    ok(send(fd, get, sizeof get - 1, 0) > 0);
    for (int i = 0; i < 100 && !s.late; i++)
        turn(&s, 10);
    stop(&s);
    is_int(s.gone, 2); /* stopping while a request waits */
    close(fd);
}

static bool has_sent(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* A byte each 50 ms, until the server closes, for `most` ms at most: how long that took. */
static int64_t trickle(struct server *s, int fd, char byte, int64_t most)
{
    int64_t begun = clock_ms(), next = begun;
    char c;
    while (clock_ms() - begun < most) {
        if (clock_ms() >= next && send(fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        next = clock_ms() >= next ? clock_ms() + 50 : next;
        if (recv(fd, &c, 1, MSG_DONTWAIT) == 0)
            break;
        turn(s, 10);
    }
    return clock_ms() - begun;
}

static void test_slow(void)
{
    struct server s;
    open_listener(&s);
    struct web_setup setup = usual(&s);
    setup.connections_per_ip = 1000;
    start(&s, &setup);
    int slow = client(&s), fds[100];
    int64_t took = trickle(&s, slow, 'G', 3000);
    ok(took >= 900 && took < 2000, "cut off however it trickles");
    close(slow);
    slow = client(&s);
    ok(has_sent(slow, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n"));
    took = trickle(&s, slow, 'b', 4000);
    ok(took >= 900 && took < 3000, "a body that trickles, too");
    for (int i = 0; i < 100; i++) {
        fds[i] = client(&s);
        ok(send(fds[i], "GET", 3, MSG_NOSIGNAL) == 3);
        turn(&s, 0);
    }
    ok(has(ask(&s, "GET /a HTTP/1.1\r\n" CLOSE), " 200 "), "a crowd keeps nobody out");
    struct web_figures f;
    web_figures(s.web, &f);
    ok(f.connections <= 32 && f.cut_off >= 69);
    for (int i = 0; i < 100; i++)
        close(fds[i]);
    stop(&s);

    open_listener(&s);
    setup = usual(&s);
    start(&s, &setup);
    for (int i = 0; i < 16; i++) {
        fds[i] = client(&s);
        turn(&s, 10);
    }
    ok(!*ask(&s, "GET /a HTTP/1.1\r\n" CLOSE), "an address has its share");
    for (int i = 0; i < 16; i++)
        close(fds[i]);
    turn(&s, 10);
    turn(&s, 10);
    ok(has(ask(&s, "GET /a HTTP/1.1\r\n" CLOSE), " 200 "));
    stop(&s);
}

static const char *proxied(struct server *s, const char *header, const char *more)
{
    char request[1024];
    snprintf(request, sizeof request, "%sGET /a HTTP/1.1\r\n%s" CLOSE, header, more);
    return ask(s, request);
}

static void test_proxies(void)
{
    struct server s;
    struct net loopback[2];
    open_listener(&s);
    struct web_setup setup = usual(&s);
    net_parse(span_str("127.0.0.0/8"), &loopback[0]);
    net_parse(span_str("192.0.2.0/24"), &loopback[1]);
    start(&s, &setup);
    const char *forged = "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\n";
    const char *a = proxied(&s, "", forged);
    ok(has(a, " 127.0.0.1:") && !strstr(a, "secure"), "not believed");
    stop(&s);

    open_listener(&s);
    setup = usual(&s);
    setup.proxies = loopback;
    setup.n_proxies = 2;
    start(&s, &setup);
    a = proxied(&s, "", forged);
    ok(has(a, " 198.51.100.1:0 secure"));
    a = proxied(&s, "",
                "X-Forwarded-For: 203.0.113.9, 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n");
    ok(has(a, " 198.51.100.1:0"), "what the client made up itself is not believed");
    a = proxied(&s, "",
                "Forwarded: for=\"[2001:db8::7]:4711\";proto=https, for=192.0.2.3;by=x\r\n");
    ok(has(a, " 2001:db8::7:4711 []"), "proto is the last proxy's word");
    a = proxied(&s, "", "Forwarded: for=unknown\r\n");
    ok(has(a, " 127.0.0.1:"));
    stop(&s);

    open_listener(&s);
    setup = usual(&s);
    setup.proxies = loopback;
    setup.n_proxies = 1;
    setup.proxy_header = true;
    start(&s, &setup);
    a = proxied(&s, "PROXY TCP4 198.51.100.1 203.0.113.1 4711 443\r\n", forged);
    ok(has(a, " 198.51.100.1:4711 []"), "version 1; the client's own headers count for nothing");
    uint8_t raw[256];
    struct ip src, dst;
    ip_parse(span_str("2001:db8::1"), &src);
    ip_parse(span_str("2001:db8::2"), &dst);
    size_t n = proxy_write_v2(raw, &src, 4712, &dst, 443, false);
    memcpy(raw + n, "GET /a HTTP/1.1\r\n" CLOSE, strlen("GET /a HTTP/1.1\r\n" CLOSE));
    a = ask_n(&s, raw, n + strlen("GET /a HTTP/1.1\r\n" CLOSE));
    ok(has(a, " 2001:db8::1:4712"), "version 2");
    ok(!*proxied(&s, "", ""), "no header: no answer");
    ok(!*proxied(&s, "PROXY TCP4 1.2.3.4\r\n", ""));
    int fd = client(&s); /* in pieces */
    static const char *const pieces[] = {"PRO", "XY TCP4 198.51.100.2 203.0.113.1 1 2\r",
                                         "\nGET /a ", "HTTP/1.1\r\n" CLOSE};
    for (size_t i = 0; i < 4; i++) {
        ok(send(fd, pieces[i], strlen(pieces[i]), 0) > 0);
        turn(&s, 10);
        turn(&s, 10);
    }
    ok(has(hear(&s, fd, NULL, 2000), " 198.51.100.2:1"));
    close(fd);
    stop(&s);

    open_listener(&s);
    setup = usual(&s);
    setup.proxies = loopback + 1;
    setup.n_proxies = 1;
    setup.proxy_header = true;
    start(&s, &setup);
    ok(!*proxied(&s, "PROXY TCP4 198.51.100.1 203.0.113.1 4711 443\r\n", ""), "not a proxy's");
    stop(&s);
}

static void test_text(void)
{
    ok(span_is(web_text_cookie(span_str("a=1; b=2;c=3"), "b"), "2"));
    ok(span_is(web_text_cookie(span_str("ab=1;b="), "b"), "") &&
       web_text_cookie(span_str("ab=1;b="), "b").p);
    ok(!web_text_cookie(span_str("ab=1; b"), "b").p);
    ok(web_text_matches(span_str("*"), "a") && web_text_matches(span_str("\"a,b\", \"a\""), "a"));
    ok(!web_text_matches(span_str("\"aa\", a"), "a") && !web_text_matches(span_str("*"), ""));
    ok(web_text_takes_gzip(span_str("GZIP")) && web_text_takes_gzip(span_str("br, *")));
    ok(!web_text_takes_gzip(span_str("br")) && !web_text_takes_gzip(span_str("gzip;q=0.000, *")));
}

int main(void)
{
    test_text();
    test_requests();
    test_forms();
    test_answers();
    test_late();
    test_slow();
    test_proxies();
    return tap_done();
}
