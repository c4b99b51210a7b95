/* enrich against libloc's own look-up on its whole database, against libmaxminddb on a database
 * written here, and its cache. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <libloc/network.h>
#include <maxminddb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "event/enrich.h"

#define DATABASE  "/usr/share/libloc-location/location.db"
#define RANDOM_N  200000

static uint64_t random_state = 42;
static uint64_t random_next(void) /* xorshift64 (Marsaglia 2003) */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static char dir[64];

static char *in_dir(const char *name)
{
    static char path[4][128];
    static int at;
    char *p = path[at++ & 3];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static struct enrich_result look(const struct enrich *e, const char *text)
{
    struct enrich_result r;
    struct ip ip;
    if (!ip_parse(span_str(text), &ip))
        abort();
    enrich_lookup(e, &ip, &r);
    return r;
}

static const char *net_text(const struct net *net)
{
    static char text[NET_TEXT_MAX];
    if (!net->set)
        return "none";
    net_format(net, text);
    return text;
}

/* Differential: libloc */

struct oracle {
    struct loc_ctx *ctx;
    struct loc_database *db;
    size_t checked, wrong;
};

static void compare(struct oracle *o, const struct enrich *e, const struct ip *ip)
{
    struct enrich_result r;
    enrich_lookup(e, ip, &r);
    struct in6_addr a;
    memcpy(&a, ip->b, 16);
    struct loc_network *n = NULL;
    int rc = loc_database_lookup(o->db, &a, &n);
    uint32_t asn = 0;
    char country[3] = "";
    struct net net = {0};
    if (rc == 0 && n) {
        asn = loc_network_get_asn(n);
        const char *cc = loc_network_get_country_code(n);
        snprintf(country, sizeof country, "%s", cc ? cc : "");
        memcpy(net.ip.b, loc_network_get_first_address(n), 16);
        net.bits = (uint8_t)loc_network_prefix(n);
        net.set = true;
        loc_network_unref(n);
    }
    char got[3] = {r.country[0], r.country[1], 0};
    o->checked++;
    if (asn == r.asn && strcmp(country, got) == 0 && net.set == r.network.set &&
        (!net.set || (net.bits == r.network.bits && memcmp(&net.ip, &r.network.ip, 16) == 0)))
        return;
    if (o->wrong++ < 5) {
        char text[IP_TEXT_MAX];
        ip_format(ip, text);
        printf("# %s: libloc %u %s %s", text, asn, country, net_text(&net));
        printf(", ours %u %s %s\n", r.asn, got, net_text(&r.network));
    }
}

static void compare_random(struct oracle *o, const struct enrich *e)
{
    for (int i = 0; i < RANDOM_N; i++) {
        struct ip ip = ip_from_v4((uint32_t)random_next());
        compare(o, e, &ip);
        uint64_t hi = random_next(), lo = random_next();
        if (i % 4)
            hi = (hi & 0x1fffffffffffffff) | 0x2000000000000000; /* 2000::/3, where networks are */
        be64_put(ip.b, hi);
        be64_put(ip.b + 8, lo);
        compare(o, e, &ip);
    }
}

/* First and last address of every network, and the neighbours outside of it. */
static void compare_networks(struct oracle *o, const struct enrich *e)
{
    struct loc_database_enumerator *en;
    struct loc_network *n;
    if (loc_database_enumerator_new(&en, o->db, LOC_DB_ENUMERATE_NETWORKS, 0) != 0)
        abort();
    while (loc_database_enumerator_next_network(en, &n) == 0 && n) {
        struct ip ip;
        memcpy(ip.b, loc_network_get_first_address(n), 16);
        compare(o, e, &ip);
        memcpy(ip.b, loc_network_get_last_address(n), 16);
        compare(o, e, &ip);
        uint64_t lo = be64_get(ip.b + 8) + 1, hi = be64_get(ip.b) + (lo == 0);
        be64_put(ip.b, hi);
        be64_put(ip.b + 8, lo);
        bool v4_end = hi == 0 && lo >> 32 != 0xffff;
        if (!v4_end)
            compare(o, e, &ip);
        loc_network_unref(n);
    }
    loc_database_enumerator_unref(en);
}

static void compare_names(struct oracle *o, const struct enrich *e)
{
    size_t wrong = 0, seen = 0;
    for (int i = 0; i < RANDOM_N; i++) {
        struct ip ip = ip_from_v4((uint32_t)random_next());
        struct enrich_result r;
        enrich_lookup(e, &ip, &r);
        struct loc_as *as = NULL;
        if (r.asn == 0 || loc_database_get_as(o->db, &as, r.asn) != 0 || !as) {
            wrong += r.as_name.n != 0;
            continue;
        }
        seen++;
        wrong += !span_is(r.as_name, loc_as_get_name(as));
        loc_as_unref(as);
    }
    ok(seen > RANDOM_N / 3, "random addresses with an AS: enough to compare");
    is_int(wrong, 0);
}

static void test_libloc(void)
{
    struct enrich *e;
    struct err err = {0};
    struct enrich_config config = {.libloc = DATABASE};
    struct oracle o = {0};
    if (!file_exists(DATABASE)) {
        tap_skip("against libloc", "no libloc database here");
        return;
    }
    FILE *f = fopen(DATABASE, "rb");
    ok(f && loc_new(&o.ctx) == 0 && loc_database_new(o.ctx, &o.db, f) == 0, "libloc opens it");
    is_int(enrich_open(&config, &e, &err), 0);
    compare_random(&o, e);
    compare_networks(&o, e);
    printf("# %zu addresses compared\n", o.checked);
    ok(o.checked > 1000000, "every network was compared");
    is_int(o.wrong, 0);
    compare_names(&o, e);
    static const char *const special[] = {
        "0.0.0.0", "10.1.2.3", "127.0.0.1", "169.254.1.1", "172.16.0.1", "192.0.2.1",
        "192.168.0.1", "198.18.0.1", "198.51.100.7", "240.0.0.1", "255.255.255.255",
        "::1", "fe80::1", "fc00::1", "ff02::1"};
    size_t known = 0;
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        struct enrich_result r = look(e, special[i]);
        if (r.asn || r.country[0] || r.network.set || r.as_name.n) {
            printf("# %s: AS%u %.2s %s\n", special[i], r.asn, r.country, net_text(&r.network));
            known++;
        }
    }
    ok(known == 0, "special-purpose addresses (RFC 6890) are unknown");
    is_str(enrich_info(e)->name, "location.db");
    enrich_close(e);
    loc_database_unref(o.db);
    loc_unref(o.ctx);
    fclose(f);
}

int main(void)
{
    snprintf(dir, sizeof dir, "/tmp/ebb-test-enrich-XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    test_libloc();
    rmdir(dir);
    (void)in_dir;
    return tap_done();
}
