/* Nanoseconds a look-up of authority in a thousand and in a million names, time to build and map
 * them. Pin it: taskset -c 1 build/bench/bench_authority */
#include <stdio.h>
#include <unistd.h>

#include "base/utc.h"
#include "bench.h"
#include "net/authority.h"

enum { RUNS = 5, QUERIES = 1 << 18, NAME_MAX_LEN = 40 };

static uint64_t sink; /* keeps results alive */

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15ull;
    x ^= x >> 29;
    return x * 0xbf58476d1ce4e5b9ull;
}

/* A name of the kind that generators make; `below` puts a label in front. */
static size_t make_name(uint64_t i, bool below, uint8_t out[NAME_MAX_LEN])
{
    uint64_t r = mix(i + 1);
    size_t n = 0;
    if (below) {
        memcpy(out, "\3www", 4);
        n = 4;
    }
    unsigned len = 8 + (unsigned)(r % 8);
    out[n++] = (uint8_t)len;
    for (unsigned k = 0; k < len; k++, r = k == 7 ? mix(r + i) : r >> 5)
        out[n++] = (uint8_t)('a' + (r >> 8 & 31) % 26);
    memcpy(out + n, "\3com", 5);
    return n + 5;
}

static double look_up(const struct authority *a, const uint8_t (*query)[NAME_MAX_LEN],
                      const uint8_t *len, bool one_by_one)
{
    struct authority_match m;
    uint64_t last = 0;
    double start = cpu_ns();
    for (int i = 0; i < QUERIES; i++) {
        size_t at = one_by_one ? (i ^ (last & 1)) : (size_t)i;
        bool found = authority_name(a, span_of(query[at], len[at]), 1000, &m);
        last = found ? m.asset.index + m.zone : 0;
        sink += last;
    }
    return (cpu_ns() - start) / QUERIES;
}

static double best(const struct authority *a, const uint8_t (*query)[NAME_MAX_LEN],
                   const uint8_t *len, bool one_by_one)
{
    double v[RUNS];
    for (int i = 0; i < RUNS; i++)
        v[i] = look_up(a, query, len, one_by_one);
    return median(v, RUNS);
}

static void run(uint32_t names)
{
    static uint8_t query[QUERIES][NAME_MAX_LEN], len[QUERIES];
    struct authority_builder *b = authority_builder_new();
    struct authority_order order = {
        .index = 1, .id = span_str("order"), .until = AUTHORITY_FOREVER};
    struct authority *a;
    uint8_t name[NAME_MAX_LEN];
    int fd;
    double t0 = cpu_ns();
    authority_builder_order(b, &order);
    for (uint32_t i = 0; i < names; i++) {
        struct authority_asset asset = {.index = 2,
                                        .name = span_of(name, make_name(i, false, name)),
                                        .until = AUTHORITY_FOREVER,
                                        .family = span_str("family")};
        if (authority_builder_asset(b, &asset, NULL) < 0)
            abort();
    }
    double t1 = cpu_ns();
    if (authority_builder_finish(b, &fd, NULL) < 0)
        abort();
    double t2 = cpu_ns();
    if (authority_map(fd, &a, NULL) < 0)
        abort();
    double t3 = cpu_ns();
    printf("%8u names: add %.0f ms, finish %.0f ms, map %.0f ms\n", names, (t1 - t0) / 1e6,
           (t2 - t1) / 1e6, (t3 - t2) / 1e6);
    for (int kind = 0; kind < 3; kind++) {
        static const char *const what[] = {"the name itself", "a name below", "none"};
        for (int i = 0; i < QUERIES; i++)
            len[i] = (uint8_t)make_name(mix((uint64_t)i * 7919) % names + (kind == 2 ? names : 0),
                                        kind == 1, query[i]);
        printf("  %-16s %6.1f ns a look-up, %6.1f ns one after the other\n", what[kind],
               best(a, query, len, false), best(a, query, len, true));
    }
    authority_unmap(a);
    authority_builder_free(b);
    close(fd);
}

int main(void)
{
    run(1000);
    run(1000000);
    return sink == 1;
}
