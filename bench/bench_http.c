/* Nanoseconds an HTTP request takes in its session: head, authority, answer, event encoded; what
 * the connection and the kernel cost comes on top. One line a case: the median of RUNS and the
 * least. Pin it: taskset -c 1 build/bench/bench_http */
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "net/http_server.h"
#include "net/session.h"

enum { RUNS = 9, ROUNDS = 200000 };

struct world {
    struct net_env env;
    struct net_config config;
    struct net_counters counters;
    struct policy policy;
    struct arena arena;
    struct buf payload, out;
    struct authority *authority;
    uint64_t bytes;
};

static bool keep(struct net_env *env, const struct event *ev, struct span blob, uint64_t *ticket)
{
    struct world *w = env->ctx;
    w->payload.n = 0;
    event_encode(ev, &w->payload);
    w->bytes += w->payload.n + blob.n;
    return true;
}

static void world_make(struct world *w)
{
    static char empty[] = "", name[] = "default", team[] = "Example Team";
    struct authority_builder *b = authority_builder_new();
    struct authority_order order = {.id = span_str("order-1"), .until = INT64_MAX};
    uint8_t wire[255];
    int fd;
    authority_builder_order(b, &order);
    struct authority_asset a = {
        .index = 3,
        .name = span_of(wire, authority_wire_name(span_str("seized.example"), wire)),
        .until = INT64_MAX,
        .family = span_str("rustock"),
        .identify = true};
    if (authority_builder_asset(b, &a, NULL) < 0 || authority_builder_finish(b, &fd, NULL) < 0 ||
        authority_map(fd, &w->authority, NULL) < 0)
        abort();
    close(fd);
    authority_builder_free(b);
    w->config.limits = (struct net_limits){
#define LIMIT(name, fallback, least, most, about) .name = fallback,
#include "net/limits.def"
    };
    w->config.limits.requests = UINT32_MAX;
    w->policy = (struct policy){.name = name, .http = {.body = empty, .content_type = empty}};
    w->config.policies = &w->policy;
    w->config.policies_count = 1;
    w->config.operator_name = team;
    w->config.help_url = w->config.nsid = empty;
    w->env = (struct net_env){.now = 1300266000000000,
                              .config = &w->config,
                              .counters = &w->counters,
                              .arena = &w->arena,
                              .record = keep,
                              .ctx = w,
                              .authority = w->authority};
    if (http_server_new(&w->config, &w->env.http, NULL) < 0)
        abort();
}

static void world_free(struct world *w)
{
    http_server_free(w->env.http);
    authority_unmap(w->authority);
    arena_free(&w->arena);
    buf_free(&w->payload);
    buf_free(&w->out);
}

/* Each piece of the request in a call of its own, on one connection. */
static double rounds(struct world *w, struct session *s, const struct span *piece, unsigned pieces)
{
    double start = cpu_ns();
    for (unsigned i = 0; i < ROUNDS; i++) {
        w->out.n = 0;
        w->env.now += 5;
        for (unsigned k = 0; k < pieces; k++) {
            struct cur in = cur_of(piece[k]);
            if (s->type->data(s, &in) != SESSION_GO_ON || cur_left(&in))
                abort();
            arena_reset(&w->arena);
        }
    }
    return (cpu_ns() - start) / ROUNDS;
}

static void measure(struct world *w, const char *name, const struct span *piece, unsigned pieces)
{
    double ns[RUNS];
    struct session s = {.type = &http_session, .env = &w->env, .out = &w->out};
    s.peer = (struct net_peer){.src = ip_from_v4(0xc6336407),
                               .dst = ip_from_v4(0xc0000201),
                               .src_port = 1025,
                               .dst_port = 80,
                               .tcp = true};
    s.state = calloc(1, s.type->state_size);
    if (!s.state)
        abort();
    s.type->begin(&s);
    for (unsigned run = 0; run < RUNS; run++)
        ns[run] = rounds(w, &s, piece, pieces);
    double middle = median(ns, RUNS);
    printf("%-28s %5zu bytes in, %5zu out %9.1f ns (least %9.1f)\n", name, piece[0].n, w->out.n,
           middle, ns[0]);
    struct cur nothing = {0};
    s.type->end(&s, SESSION_CLOSED, &nothing);
    free(s.state);
}

#define BYTES(text) span_of(text, sizeof(text) - 1)
#define HOST        "Host: seized.example\r\n"
#define CHECKIN                                                                                    \
    "POST /index.php?topic=33.117 HTTP/1.1\r\nAccept: */*\r\nAccept-Language: en-us\r\n"           \
    "Referer: http://192.0.2.10\r\nContent-Type: application/x-www-form-urlencoded\r\n"            \
    "UA-CPU: x86\r\nContent-Encoding: gzip\r\nUser-Agent: Mozilla/4.0 (compatible; MSIE 7.0; "     \
    "Windows NT 5.1)\r\n" HOST
#define BODY96                                                                                     \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab" \
    "cdef"
#define BROWSER                                                                                    \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"       \
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"                  \
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\n"                        \
    "Upgrade-Insecure-Requests: 1\r\n"

int main(void)
{
    static struct world w;
    const struct span simple = BYTES("GET / HTTP/1.1\r\n" HOST "\r\n"),
                      wrk = BYTES("GET /gate.php?id=0123456789abcdef HTTP/1.1\r\n" HOST
                                  "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT "
                                  "5.1)\r\nAccept: */*\r\n\r\n"),
                      checkin = BYTES(CHECKIN "Content-Length: 96\r\n\r\n" BODY96),
                      chunked = BYTES(CHECKIN "Transfer-Encoding: chunked\r\n\r\n60\r\n" BODY96
                                              "\r\n0\r\n\r\n"),
                      split[] = {BYTES(
                                     CHECKIN
                                     "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"),
                                 BYTES("60\r\n" BODY96 "\r\n0\r\n\r\n")},
                      browser = BYTES("GET / HTTP/1.1\r\n" HOST BROWSER "\r\n");
    world_make(&w);
    measure(&w, "GET, 1 header", &simple, 1);
    measure(&w, "GET, 3 headers", &wrk, 1);
    measure(&w, "POST check-in, 10 headers", &checkin, 1);
    measure(&w, "the same, chunked", &chunked, 1);
    measure(&w, "the same, 100-continue", split, 2);
    measure(&w, "a person's page", &browser, 1);
    world_free(&w);
    return w.bytes == 0;
}
