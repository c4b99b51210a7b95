/* Nanoseconds an HTTP request takes in its session: head, authority, answer, event encoded; what
 * the connection and the kernel cost comes on top. One line a case: the median of RUNS and the
 * least. Pin it: taskset -c 1 build/bench/bench_http */
#include <stdio.h>

#include "bench_net.h"
#include "net/http_server.h"

enum { RUNS = 9, ROUNDS = 200000 };

/* Each piece of the request in a call of its own, on one connection. */
static double rounds(struct test_env *t, struct session *s, const struct span *piece,
                     unsigned pieces)
{
    double start = cpu_ns();
    for (unsigned i = 0; i < ROUNDS; i++) {
        t->out.n = 0;
        t->env.now += 5;
        for (unsigned k = 0; k < pieces; k++) {
            struct cur in = cur_of(piece[k]);
            if (s->type->data(s, &in) != SESSION_GO_ON || cur_left(&in))
                abort();
            arena_reset(&t->arena);
        }
    }
    return (cpu_ns() - start) / ROUNDS;
}

static void measure(struct test_env *t, const char *name, const struct span *piece, unsigned pieces)
{
    double ns[RUNS];
    struct session s = {.type = &http_session, .env = &t->env, .out = &t->out};
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
        ns[run] = rounds(t, &s, piece, pieces);
    double middle = median(ns, RUNS);
    printf("%-28s %5zu bytes in, %5zu out %9.1f ns (least %9.1f)\n", name, piece[0].n, t->out.n,
           middle, ns[0]);
    struct cur nothing = {0};
    s.type->end(&s, SESSION_CLOSED, &nothing);
    free(s.state);
}

#define HOST "Host: seized.example\r\n"
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
    static struct test_env t;
    static char team[] = "Example Team";
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
    bench_env_init(&t);
    t.config.operator_name = team;
    test_env_asset(&t, "seized.example", "", "rustock");
    test_env_ready(&t);
    if (http_server_new(&t.config, &t.env.http, NULL) < 0)
        return EXIT_FAILURE;
    measure(&t, "GET, 1 header", &simple, 1);
    measure(&t, "GET, 3 headers", &wrk, 1);
    measure(&t, "POST check-in, 10 headers", &checkin, 1);
    measure(&t, "the same, chunked", &chunked, 1);
    measure(&t, "the same, 100-continue", split, 2);
    measure(&t, "a person's page", &browser, 1);
    http_server_free(t.env.http);
    test_env_free(&t);
    return t.n == 0;
}
