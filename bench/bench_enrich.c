/* Nanoseconds a look-up of enrichment, beside libloc's own on the same addresses in the same run;
 * build and cached-open time. Pin it: taskset -c 1 build/bench/bench_enrich [DATABASE] */
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <libloc/network.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "event/enrich.h"

enum { RUNS = 5, ADDRESSES = 1 << 19, LIBLOC_ADDRESSES = 1 << 15 };

static uint64_t sink; /* keeps results alive */

static uint64_t random_next(void)
{
    static uint64_t s = 88172645463325252ull;
    s ^= s << 13;
    s ^= s >> 7;
    return s ^= s << 17;
}

static double ours(const struct enrich *e, const struct ip *ip)
{
    double start = cpu_ns();
    for (int i = 0; i < ADDRESSES; i++) {
        struct enrich_result r;
        enrich_lookup(e, &ip[i], &r);
        sink += r.asn + r.network.bits + r.as_name.n;
    }
    return (cpu_ns() - start) / ADDRESSES;
}

/* Each address is made from the answer before it, so that no two look-ups overlap. */
static double ours_one_by_one(const struct enrich *e, const struct ip *ip)
{
    double start = cpu_ns();
    uint8_t last = 0;
    for (int i = 0; i < ADDRESSES; i++) {
        struct enrich_result r;
        struct ip at = ip[i];
        at.b[15] ^= last;
        enrich_lookup(e, &at, &r);
        last = r.network.bits & 1;
        sink += r.asn + r.as_name.n;
    }
    return (cpu_ns() - start) / ADDRESSES;
}

static double theirs(struct loc_database *db, const struct ip *ip)
{
    double start = cpu_ns();
    for (int i = 0; i < LIBLOC_ADDRESSES; i++) {
        struct in6_addr a;
        struct loc_network *n = NULL;
        memcpy(&a, ip[i].b, 16);
        if (loc_database_lookup(db, &a, &n) == 0 && n) {
            sink += loc_network_get_asn(n);
            loc_network_unref(n);
        }
    }
    return (cpu_ns() - start) / LIBLOC_ADDRESSES;
}

static void measure(const char *name, const struct enrich *e, struct loc_database *db,
                    const struct ip *ip)
{
    double a[RUNS], b[RUNS], c[RUNS], ratio[RUNS];
    for (int i = 0; i < RUNS; i++) {
        a[i] = ours(e, ip);
        b[i] = theirs(db, ip);
        c[i] = ours_one_by_one(e, ip);
        ratio[i] = b[i] / a[i];
    }
    printf("%-34s %7.1f ns, one by one %7.1f ns   libloc: %7.1f ns   ratio %.1fx\n", name,
           median(a, RUNS), median(c, RUNS), median(b, RUNS), median(ratio, RUNS));
}

/* Random addresses inside of networks that the database has, each network as likely. */
static void fill_known(struct loc_database *db, struct ip *v4, struct ip *v6)
{
    struct loc_database_enumerator *en;
    struct loc_network *n;
    size_t seen[2] = {0};
    if (loc_database_enumerator_new(&en, db, LOC_DB_ENUMERATE_NETWORKS, 0) != 0)
        return;
    while (loc_database_enumerator_next_network(en, &n) == 0 && n) {
        bool is_v4 = loc_network_address_family(n) == AF_INET;
        size_t at = seen[is_v4]++;
        at = at < ADDRESSES ? at : random_next() % (at + 1); /* a reservoir */
        if (at < ADDRESSES) {
            struct ip *ip = is_v4 ? &v4[at] : &v6[at];
            unsigned bits = loc_network_prefix(n) + (is_v4 ? 96 : 0);
            memcpy(ip->b, loc_network_get_first_address(n), 16);
            for (unsigned bit = bits; bit < 128; bit++)
                ip->b[bit / 8] |= (uint8_t)((random_next() & 1) << (7 - bit % 8));
        }
        loc_network_unref(n);
    }
    loc_database_enumerator_unref(en);
    for (size_t i = seen[0]; i && i < ADDRESSES; i++)
        v6[i] = v6[random_next() % seen[0]];
    for (size_t i = ADDRESSES - 1; i > 0; i--) { /* shuffled */
        size_t k = random_next() % (i + 1);
        struct ip t = v4[i];
        v4[i] = v4[k];
        v4[k] = t;
        t = v6[i];
        v6[i] = v6[k];
        v6[k] = t;
    }
}

static void opening(const struct enrich_config *config, const char *what, int runs)
{
    double ms[RUNS];
    struct err err;
    for (int i = 0; i < runs; i++) {
        struct enrich *e;
        double start = cpu_ns();
        if (enrich_open(config, &e, &err) < 0) {
            fprintf(stderr, "bench_enrich: %s\n", err.text);
            exit(1);
        }
        ms[i] = (cpu_ns() - start) / 1e6;
        enrich_close(e);
    }
    printf("%-34s %7.1f ms\n", what, median(ms, (size_t)runs));
}

int main(int argc, char **argv)
{
    struct enrich_config config = {.libloc = argc > 1 ? argv[1]
                                                      : "/usr/share/libloc-location/location.db"};
    char cache[] = "/tmp/ebb-bench-XXXXXX", remove[64];
    struct ip *random4 = calloc(ADDRESSES, sizeof *random4), *random6 = calloc(ADDRESSES, 16),
              *known4 = calloc(ADDRESSES, 16), *known6 = calloc(ADDRESSES, 16);
    struct enrich *e;
    struct err err;
    struct loc_ctx *ctx;
    struct loc_database *db;
    FILE *f = fopen(config.libloc, "rb");
    if (!f || !mkdtemp(cache) || loc_new(&ctx) != 0 || loc_database_new(ctx, &db, f) != 0) {
        perror(config.libloc);
        return 1;
    }
    opening(&config, "enrichment: build the table", 3);
    config.cache_dir = cache;
    opening(&config, "enrichment: build and cache it", 1);
    opening(&config, "enrichment: open the cached table", RUNS);
    if (enrich_open(&config, &e, &err) < 0)
        return 1;
    for (int i = 0; i < ADDRESSES; i++) {
        random4[i] = ip_from_v4((uint32_t)(random_next() >> 16));
        be64_put(random6[i].b, random_next() >> 3 | 0x2000000000000000);
        be64_put(random6[i].b + 8, random_next());
    }
    fill_known(db, known4, known6);
    measure("enrichment: IPv4, any address", e, db, random4);
    measure("enrichment: IPv4, known networks", e, db, known4);
    measure("enrichment: IPv6, any in 2000::/3", e, db, random6);
    measure("enrichment: IPv6, known networks", e, db, known6);
    enrich_close(e);
    snprintf(remove, sizeof remove, "rm -r %s", cache);
    loc_database_unref(db);
    loc_unref(ctx);
    return system(remove) != 0 || sink == 1;
}
