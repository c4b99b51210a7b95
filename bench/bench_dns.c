/* Nanoseconds a DNS query takes in the server: parse, authority, answer, event encoded. One line a
 * case, for few and for many zones; queries go over all of them. Pin it:
 * taskset -c 1 build/bench/bench_dns [zones...] */
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "net/dns_server.h"

enum { RUNS = 9, ROUNDS = 400000 };

struct world {
    struct net_env env;
    struct net_config config;
    struct net_counters counters;
    struct policy policy;
    struct arena arena;
    struct buf payload;
    struct authority *authority;
    uint64_t bytes;
};

static bool keep(struct net_env *env, const struct event *ev, struct span blob, uint64_t *ticket)
{
    struct world *w = env->ctx;
    w->payload.n = 0;
    event_encode(ev, &w->payload);
    w->bytes += w->payload.n;
    return true;
}

/* The number as eight hex digits. */
static void put_number(uint8_t *p, uint32_t v)
{
    for (unsigned i = 8; i--; v >>= 4)
        p[i] = (uint8_t) "0123456789abcdef"[v & 15];
}

static void add_zones(struct world *w, uint32_t zones)
{
    struct authority_builder *b = authority_builder_new();
    struct authority_order order = {.id = span_str("order-1"), .until = INT64_MAX};
    uint8_t name[] = "\x09z00000000\7example";
    int fd;
    authority_builder_order(b, &order);
    for (uint32_t i = 0; i < zones; i++) {
        put_number(name + 2, i);
        struct authority_asset a = {.index = 3,
                                    .kind = AUTHORITY_DOMAIN,
                                    .name = span_of(name, sizeof name),
                                    .until = INT64_MAX,
                                    .family = span_str("rustock")};
        if (authority_builder_asset(b, &a, NULL) < 0)
            abort();
    }
    if (authority_builder_finish(b, &fd, NULL) < 0 || authority_map(fd, &w->authority, NULL) < 0)
        abort();
    close(fd);
    authority_builder_free(b);
    w->env.authority = w->authority;
}

static void set_up(struct world *w)
{
    static char name[] = "default", none[] = "", a[] = "* A 192.0.2.1", mx[] = "* MX 10 mail";
    static char *records[] = {a, mx};
    w->config.limits = (struct net_limits){
#define LIMIT(limit, fallback, least, most, about) .limit = fallback,
#include "net/limits.def"
    };
    w->policy =
        (struct policy){.name = name, .dns = {.ttl = 300, .records = records, .records_count = 2}};
    w->config.policies = &w->policy;
    w->config.policies_count = 1;
    w->config.operator_name = w->config.help_url = w->config.nsid = none;
    w->env = (struct net_env){.now = 1300266000000000ll,
                              .tick = 1000000,
                              .config = &w->config,
                              .counters = &w->counters,
                              .arena = &w->arena,
                              .record = keep,
                              .ctx = w};
    if (dns_server_new(&w->config, &w->env.dns, NULL) < 0)
        abort();
}

/* at: where in the query the zone's number is. */
static void measure(struct world *w, const char *name, uint32_t zones, uint32_t rate,
                    struct span query, size_t at)
{
    double ns[RUNS];
    uint8_t in[512], out[1232];
    struct net_peer peer = {.src_port = 4000, .dst_port = 53};
    uint64_t random = 1, answers = 0;
    memcpy(in, query.p, query.n);
    w->config.limits.dns_responses = rate;
    peer.dst = ip_from_v4(0xc0000235);
    for (unsigned run = 0; run < RUNS; run++) {
        double start = cpu_ns();
        for (unsigned i = 0; i < ROUNDS; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            put_number(in + at, (uint32_t)(random >> 33) % zones);
            peer.src = ip_from_v4((uint32_t)(random >> 32));
            answers += dns_server_answer(&w->env, &peer, span_of(in, query.n), out, sizeof out) > 0;
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
#define BYTES(text)      span_of(text, sizeof(text) - 1)

int main(int argc, char **argv)
{
    static const char *const usual[] = {NULL, "1000", "1000000"};
    const char *const *zones = argc > 1 ? (const char *const *)argv : usual;
    int n = argc > 1 ? argc : 3;
    for (int i = 1; i < n; i++) {
        struct world *w = calloc(1, sizeof *w);
        uint32_t z = (uint32_t)strtoul(zones[i], NULL, 10);
        set_up(w);
        add_zones(w, z);
        measure(w, "A", z, 0, BYTES(HEAD("\0") ZONE "\0\0\1\0\1"), 14);
        measure(w, "A, rate limit", z, 200, BYTES(HEAD("\0") ZONE "\0\0\1\0\1"), 14);
        measure(w, "A below the zone, EDNS", z, 200,
                BYTES(HEAD("\1") "\3www" ZONE "\0\0\1\0\1" OPT("\0")), 18);
        measure(w, "A, EDNS and cookie", z, 200,
                BYTES(HEAD("\1") ZONE "\0\0\1\0\1" OPT("\x0c\0\x0a\0\x08"
                                                       "12345678")),
                14);
        measure(w, "MX, a name in it", z, 200, BYTES(HEAD("\0") ZONE "\0\0\x0f\0\1"), 14);
        measure(w, "AAAA, no data", z, 200, BYTES(HEAD("\0") ZONE "\0\0\x1c\0\1"), 14);
        measure(w, "A, refused", z, 200, BYTES(HEAD("\0") "\x09z00000000\6others\0\0\1\0\1"), 14);
        dns_server_free(w->env.dns);
        authority_unmap(w->authority);
        arena_free(&w->arena);
        buf_free(&w->payload);
        free(w);
    }
    return 0;
}
