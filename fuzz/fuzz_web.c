/* Whole requests through the web server: bytes on a connection, cut where a byte 0xff 0xff says so.
 * Every request that reaches the handler has a path, fields and client that are safe to use, within
 * their limits; two that are answered cannot be told from each other's bytes. */
#include "must.h"

#include <stdio.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "web/web.h"

#define BODY_MAX 2000
#define FILE_MAX 3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct web *server;
static int listener;
static struct sockaddr_in at;

static int touch(void *ctx, const char *name, struct span value)
{
    must(span_is_utf8(span_str(name)) && span_is_utf8(value));
    return 0;
}

static int handle(void *ctx, struct web_request *r, struct web_reply *reply)
{
    size_t n, total = 0;
    const struct web_field *f = web_fields(r, &n);
    must(n <= WEB_FIELDS_MAX && web_path(r)[0] == '/' && web_body(r).n <= BODY_MAX);
    for (size_t i = 0; i < n; i++) {
        total += f[i].value.n;
        must(f[i].name && f[i].value.p && span_is_utf8(span_str(f[i].name)));
        buf_span(&reply->body, f[i].value);
    }
    must(total <= BODY_MAX + FILE_MAX && ip_is_set(web_client(r)));
    web_queries(r, touch, NULL);
    web_cookie(r, "ebb");
    snprintf(reply->etag, sizeof reply->etag, "abc");
    snprintf(reply->location, sizeof reply->location, "%s", web_path(r));
    reply->max_age_s = 5;
    return WEB_NOW;
}

static void start(void)
{
    socklen_t n = sizeof at;
    struct net proxy;
    net_parse(span_str("127.0.0.0/8"), &proxy);
    static struct net proxies[1];
    proxies[0] = proxy;
    at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    must(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 16) == 0);
    getsockname(listener, (struct sockaddr *)&at, &n);
    struct web_setup s = {.listener = listener,
                          .proxies = proxies,
                          .n_proxies = 1,
                          .connections = 64,
                          .connections_per_ip = 64,
                          .body_max = BODY_MAX,
                          .file_max = FILE_MAX,
                          .request_s = 5,
                          .idle_s = 5,
                          .onion = "http://a.onion",
                          .handle = handle};
    must(web_start(&s, &server, NULL) == 0);
}

static void turn(void)
{
    for (int i = 0; i < 3; i++)
        must(web_run(server, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char out[8192];
    if (!server)
        start();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct linger hard = {1, 0};
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        close(fd);
        return 0;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); /* no port waits */
    turn();
    while (size) {
        const uint8_t *cut = memmem(data, size, "\xff\xff", 2);
        size_t n = cut ? (size_t)(cut - data) : size;
        (void)!send(fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        turn();
        n += cut ? 2 : 0;
        data += n;
        size -= n;
    }
    shutdown(fd, SHUT_WR);
    turn();
    while (recv(fd, out, sizeof out, MSG_DONTWAIT) > 0)
        ;
    close(fd);
    turn();
    return 0;
}
