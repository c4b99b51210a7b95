/* Nanoseconds a DNS query takes in the server: parse, authority, answer, event encoded. One line a
 * case, for few and for many zones; queries go over all of them. Pin it:
 * taskset -c 1 build/bench/bench_dns [zones...] */
#include <stdio.h>

#include "bench_net.h"
#include "net/dns_server.h"

enum { RUNS = 9, ROUNDS = 400000 };

/* The number as eight hex digits. */
static void put_number(uint8_t *p, uint32_t v)
{
    for (unsigned i = 8; i--; v >>= 4)
        p[i] = (uint8_t) "0123456789abcdef"[v & 15];
}

static void set_up(struct test_env *t, uint32_t zones)
{
    static char a[] = "* A 192.0.2.1", mx[] = "* MX 10 mail";
    static char *records[] = {a, mx};
    bench_env_init(t);
    t->policies[0].dns.records = records;
    t->policies[0].dns.records_count = 2;
    for (uint32_t i = 0; i < zones; i++) {
        char name[] = "z00000000.example";
        put_number((uint8_t *)name + 1, i);
        test_env_asset(t, name, "", "rustock");
    }
    test_env_ready(t);
    if (dns_server_new(&t->config, &t->env.dns, NULL) < 0)
        abort();
}

/* at: where in the query the zone's number is. */
static void measure(struct test_env *t, const char *name, uint32_t zones, uint32_t rate,
                    struct span query, size_t at)
{
    double ns[RUNS];
    uint8_t in[512], out[1232];
    struct net_peer peer = {.src_port = 4000, .dst_port = 53};
    uint64_t random = 1, answers = 0;
    memcpy(in, query.p, query.n);
    t->config.limits.dns_responses = rate;
    peer.dst = ip_from_v4(0xc0000235);
    for (unsigned run = 0; run < RUNS; run++) {
        double start = cpu_ns();
        for (unsigned i = 0; i < ROUNDS; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            put_number(in + at, (uint32_t)(random >> 33) % zones);
            peer.src = ip_from_v4((uint32_t)(random >> 32));
            answers += dns_server_answer(&t->env, &peer, span_of(in, query.n), out, sizeof out) > 0;
        }
        ns[run] = (cpu_ns() - start) / ROUNDS;
    }
    double middle = median(ns, RUNS);
    printf("%8u zones  %-34s %7.1f ns (least %7.1f)  %3.0f%% answered\n", zones, name, middle,
           ns[0], 100.0 * (double)answers / RUNS / ROUNDS);
}

#define HEAD(additional) "\x12\x34\1\0\0\1\0\0\0\0\0" additional
#define ZONE             "\x09z00000000\7example"
#define OPT(options)     "\0\0\x29\x04\xd0\0\0\0\0\0" options

int main(int argc, char **argv)
{
    static const char *const usual[] = {NULL, "1000", "1000000"};
    const char *const *zones = argc > 1 ? (const char *const *)argv : usual;
    int n = argc > 1 ? argc : 3;
    for (int i = 1; i < n; i++) {
        struct test_env *t = malloc(sizeof *t);
        uint32_t z = (uint32_t)strtoul(zones[i], NULL, 10);
        if (!t)
            abort();
        set_up(t, z);
        measure(t, "A", z, 0, BYTES(HEAD("\0") ZONE "\0\0\1\0\1"), 14);
        measure(t, "A, rate limit", z, 200, BYTES(HEAD("\0") ZONE "\0\0\1\0\1"), 14);
        measure(t, "A below the zone, EDNS", z, 200,
                BYTES(HEAD("\1") "\3www" ZONE "\0\0\1\0\1" OPT("\0")), 18);
        measure(t, "A, EDNS and cookie", z, 200,
                BYTES(HEAD("\1") ZONE "\0\0\1\0\1" OPT("\x0c\0\x0a\0\x08"
                                                       "12345678")),
                14);
        measure(t, "MX, a name in it", z, 200, BYTES(HEAD("\0") ZONE "\0\0\x0f\0\1"), 14);
        measure(t, "AAAA, no data", z, 200, BYTES(HEAD("\0") ZONE "\0\0\x1c\0\1"), 14);
        measure(t, "A, refused", z, 200, BYTES(HEAD("\0") "\x09z00000000\6others\0\0\1\0\1"), 14);
        dns_server_free(t->env.dns);
        test_env_free(t);
        free(t);
    }
    return 0;
}
