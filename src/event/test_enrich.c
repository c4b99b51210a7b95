/* enrich against libloc's own look-up on its whole database, against libmaxminddb on a database
 * written here, and its cache. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <libloc/network.h>
#include <libloc/writer.h>
#include <maxminddb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "event/enrich.h"

#define DATABASE "/usr/share/libloc-location/location.db"
#define RANDOM_N 200000

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
    static char path[16][128];
    static int at;
    char *p = path[at++ & 15];
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
        "0.0.0.0",         "10.1.2.3",    "127.0.0.1",  "169.254.1.1",  "172.16.0.1",
        "192.0.2.1",       "192.168.0.1", "198.18.0.1", "198.51.100.7", "240.0.0.1",
        "255.255.255.255", "::1",         "fe80::1",    "fc00::1",      "ff02::1"};
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

/* MaxMind DB, by the format's public description: a search tree, here of 32-bit records, 16 zero
 * bytes, the data, and the metadata behind their marker. A minimal writer. */

#define MMDB_NODES 4096
#define MMDB_DATA  0x80000000u /* marks a record that is a data offset */

struct mmdb_writer {
    uint32_t child[MMDB_NODES][2]; /* 0: none */
    uint32_t n;                    /* nodes, the root is 0 */
    struct buf data;
    int version;
};

static void mmdb_head(struct buf *b, int type, size_t n)
{
    size_t size = n < 29 ? n : 29;
    buf_byte(b, (uint8_t)(type > 7 ? size : (unsigned)type << 5 | size));
    if (type > 7)
        buf_byte(b, (uint8_t)(type - 7));
    if (n >= 29)
        buf_byte(b, (uint8_t)(n - 29));
}

static void mmdb_text(struct buf *b, const char *s)
{
    mmdb_head(b, MMDB_DATA_TYPE_UTF8_STRING, strlen(s));
    buf_str(b, s);
}

static void mmdb_number(struct buf *b, const char *key, int type, uint64_t v, int n)
{
    mmdb_text(b, key);
    mmdb_head(b, type, (size_t)n);
    while (n--)
        buf_byte(b, (uint8_t)(v >> 8 * n));
}

static uint32_t mmdb_asn(struct mmdb_writer *w, uint32_t asn, const char *name)
{
    uint32_t at = (uint32_t)w->data.n;
    mmdb_head(&w->data, MMDB_DATA_TYPE_MAP, 2);
    mmdb_number(&w->data, "autonomous_system_number", MMDB_DATA_TYPE_UINT32, asn, 4);
    mmdb_text(&w->data, "autonomous_system_organization");
    mmdb_text(&w->data, name);
    return at | MMDB_DATA;
}

static uint32_t mmdb_country(struct mmdb_writer *w, const char *code)
{
    uint32_t at = (uint32_t)w->data.n;
    mmdb_head(&w->data, MMDB_DATA_TYPE_MAP, 1);
    mmdb_text(&w->data, "country");
    mmdb_head(&w->data, MMDB_DATA_TYPE_MAP, 1);
    mmdb_text(&w->data, "iso_code");
    mmdb_text(&w->data, code);
    return at | MMDB_DATA;
}

/* Puts a record at a prefix that nothing else lies in. IPv4 goes below ::/96 of an IPv6 tree. */
static void mmdb_add(struct mmdb_writer *w, const char *prefix, uint32_t record)
{
    struct net net;
    if (!net_parse(span_str(prefix), &net))
        abort();
    bool v4 = ip_is_v4(&net.ip);
    unsigned from = v4 && w->version == 4 ? 96 : 0, to = net.bits + (v4 ? 96 : 0);
    if (v4)
        memset(net.ip.b, 0, 12);
    uint32_t node = 0;
    for (unsigned bit = from; bit < to; bit++) {
        int side = net.ip.b[bit / 8] >> (7 - bit % 8) & 1;
        uint32_t *child = &w->child[node][side];
        if (bit + 1 == to) {
            *child = record;
        } else if (*child == 0) {
            if (w->n == 0)
                w->n = 1;
            *child = w->n++;
        }
        node = *child;
    }
}

static void mmdb_write(struct mmdb_writer *w, const char *path)
{
    struct buf out = {0};
    struct err err;
    for (uint32_t i = 0; i < w->n; i++)
        for (int side = 0; side < 2; side++) {
            uint32_t c = w->child[i][side];
            uint32_t v = c == 0 ? w->n : c & MMDB_DATA ? w->n + 16 + (c & ~MMDB_DATA) : c;
            be32_put(buf_reserve(&out, 4), v);
            out.n += 4;
        }
    buf_put(&out, (uint8_t[16]){0}, 16);
    buf_span(&out, buf_as_span(&w->data));
    buf_str(&out, "\xab\xcd\xefMaxMind.com");
    mmdb_head(&out, MMDB_DATA_TYPE_MAP, 9);
    mmdb_number(&out, "binary_format_major_version", MMDB_DATA_TYPE_UINT16, 2, 1);
    mmdb_number(&out, "binary_format_minor_version", MMDB_DATA_TYPE_UINT16, 0, 0);
    mmdb_number(&out, "build_epoch", MMDB_DATA_TYPE_UINT64, 1300000000, 4);
    mmdb_text(&out, "database_type");
    mmdb_text(&out, "Test");
    mmdb_text(&out, "description");
    mmdb_head(&out, MMDB_DATA_TYPE_MAP, 0);
    mmdb_number(&out, "ip_version", MMDB_DATA_TYPE_UINT16, (uint64_t)w->version, 1);
    mmdb_text(&out, "languages");
    mmdb_head(&out, MMDB_DATA_TYPE_ARRAY, 0);
    mmdb_number(&out, "node_count", MMDB_DATA_TYPE_UINT32, w->n, 4);
    mmdb_number(&out, "record_size", MMDB_DATA_TYPE_UINT16, 32, 1);
    if (file_replace(path, buf_as_span(&out), 0600, &err) < 0)
        abort();
    buf_free(&out);
    buf_free(&w->data);
}

static void write_asn_db(const char *path)
{
    static struct mmdb_writer w;
    w = (struct mmdb_writer){.version = 6};
    uint32_t one = mmdb_asn(&w, 64496, "Example One");
    mmdb_add(&w, "192.0.2.0/24", one);
    mmdb_add(&w, "198.51.100.0/25", mmdb_asn(&w, 64497, "Example Two"));
    mmdb_add(&w, "255.255.255.255/32", one);
    mmdb_add(&w, "2001:db8::/32", mmdb_asn(&w, 64498, "Example Three"));
    mmdb_add(&w, "2001:db9::1/128", mmdb_asn(&w, 64499, "Example Four"));
    mmdb_add(&w, "2001:db9:0:1:8000::/65", one);
    mmdb_add(&w, "ffff::/16", one);
    uint32_t v4 = 0; /* 6to4 leads into the IPv4 tree, as in the databases one can buy */
    for (int bit = 0; bit < 96; bit++)
        v4 = w.child[v4][0];
    mmdb_add(&w, "2002::/16", v4);
    mmdb_write(&w, path);
}

static void write_country_db(const char *path, const char *code)
{
    static struct mmdb_writer w;
    w = (struct mmdb_writer){.version = 4};
    mmdb_add(&w, "192.0.2.0/25", mmdb_country(&w, code));
    mmdb_add(&w, "192.0.2.128/25", mmdb_country(&w, "BE"));
    mmdb_add(&w, "8.8.8.0/24", mmdb_country(&w, "SE"));
    mmdb_write(&w, path);
}

static void is_answer(const struct enrich *e, const char *ip, uint32_t asn, const char *name,
                      const char *country, const char *network)
{
    struct enrich_result r = look(e, ip);
    bool good = r.asn == asn && span_is(r.as_name, name) && memcmp(r.country, country, 2) == 0 &&
                strcmp(net_text(&r.network), network) == 0;
    if (!ok(good, "an answer"))
        printf("# %s: AS%u %.*s %.2s %s\n", ip, r.asn, (int)r.as_name.n, r.as_name.p, r.country,
               net_text(&r.network));
}

#define NOWHERE "\0"

static void test_mmdb(void)
{
    struct enrich *e;
    struct err err = {0};
    write_asn_db(in_dir("asn.mmdb"));
    write_country_db(in_dir("country.mmdb"), "NL");
    struct enrich_config config = {.mmdb_asn = in_dir("asn.mmdb"),
                                   .mmdb_country = in_dir("country.mmdb")};
    if (!is_int(enrich_open(&config, &e, &err), 0)) {
        printf("# %s\n", err.text);
        return;
    }
    is_str(enrich_info(e)->name, "asn.mmdb+country.mmdb");
    is_str(enrich_info(e)->date, "2011-03-13T07:06:40.000000Z");
    is_answer(e, "192.0.2.1", 64496, "Example One", "NL", "192.0.2.0/24");
    is_answer(e, "192.0.2.127", 64496, "Example One", "NL", "192.0.2.0/24");
    is_answer(e, "192.0.2.128", 64496, "Example One", "BE", "192.0.2.0/24");
    is_answer(e, "192.0.2.255", 64496, "Example One", "BE", "192.0.2.0/24");
    is_answer(e, "192.0.3.0", 0, "", NOWHERE, "none");
    is_answer(e, "192.0.1.255", 0, "", NOWHERE, "none");
    is_answer(e, "198.51.100.127", 64497, "Example Two", NOWHERE, "198.51.100.0/25");
    is_answer(e, "198.51.100.128", 0, "", NOWHERE, "none");
    is_answer(e, "8.8.8.8", 0, "", "SE", "none");
    is_answer(e, "255.255.255.255", 64496, "Example One", NOWHERE, "255.255.255.255/32");
    is_answer(e, "255.255.255.254", 0, "", NOWHERE, "none");
    is_answer(e, "2001:db8::", 64498, "Example Three", NOWHERE, "2001:db8::/32");
    is_answer(e, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 64498, "Example Three", NOWHERE,
              "2001:db8::/32");
    is_answer(e, "2001:db9::", 0, "", NOWHERE, "none");
    is_answer(e, "2001:db9::1", 64499, "Example Four", NOWHERE, "2001:db9::1/128");
    is_answer(e, "2001:db9::2", 0, "", NOWHERE, "none");
    is_answer(e, "2001:db9:0:1::", 0, "", NOWHERE, "none");
    is_answer(e, "2001:db9:0:1:8000::", 64496, "Example One", NOWHERE, "2001:db9:0:1:8000::/65");
    is_answer(e, "2001:db9:0:1:ffff:ffff:ffff:ffff", 64496, "Example One", NOWHERE,
              "2001:db9:0:1:8000::/65");
    is_answer(e, "2001:db9:0:2::", 0, "", NOWHERE, "none");
    is_answer(e, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 64496, "Example One", NOWHERE,
              "ffff::/16");
    is_answer(e, "2002:c000:201::", 0, "", NOWHERE, "none");
    is_answer(e, "::192.0.2.1", 0, "", NOWHERE, "none");
    enrich_close(e);
    config = (struct enrich_config){0};
    is_int(enrich_open(&config, &e, &err), 0);
    is_answer(e, "192.0.2.1", 0, "", NOWHERE, "none");
    is_answer(e, "2001:db8::", 0, "", NOWHERE, "none");
    enrich_close(e);
}

/* A small libloc database with networks in networks, by libloc's own writer. */
static void write_libloc(const char *path)
{
    struct loc_ctx *ctx;
    struct loc_writer *w;
    struct loc_as *as;
    struct loc_network *n;
    if (loc_new(&ctx) != 0 || loc_writer_new(ctx, &w, NULL, NULL) != 0)
        abort();
    for (uint32_t i = 1; i <= 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "Network %u", i);
        loc_writer_add_as(w, &as, 64500 + i);
        loc_as_set_name(as, name);
        loc_as_unref(as);
    }
    for (int i = 0; i < 600; i++) {
        char text[NET_TEXT_MAX];
        uint64_t r = random_next();
        struct ip ip = ip_from_v4(0xc0000000u | (uint32_t)(r & 0xfff) << 8 | (uint32_t)(r >> 56));
        struct net net = net_of(&ip, (uint8_t)(8 + (r >> 32) % 25));
        if (i % 2) {
            be64_put(ip.b, 0x20010db800000000 | (r & 0xf));
            be64_put(ip.b + 8, r & 0xf000000000000000);
            net = net_of(&ip, (uint8_t)(28 + (r >> 32) % 101));
        }
        net_format(&net, text);
        n = NULL;
        if (loc_writer_add_network(w, &n, text) != 0) { /* it is there already */
            if (n)
                loc_network_unref(n); /* libloc leaves it to us */
            continue;
        }
        if (i % 5)
            loc_network_set_asn(n, 64500 + (uint32_t)(r >> 48) % 25); /* some without a name */
        if (i % 7)
            loc_network_set_country_code(n, i % 3 ? "NL" : "BE");
        loc_network_unref(n);
    }
    FILE *f = fopen(path, "wb+");
    if (!f || loc_writer_write(w, f, LOC_DATABASE_VERSION_1) != 0 || fclose(f) != 0)
        abort();
    loc_writer_unref(w);
    loc_unref(ctx);
}

/* Networks in networks, down to single addresses, beside libloc. */
static void test_nested(void)
{
    struct enrich *e;
    struct err err = {0};
    struct oracle o = {0};
    write_libloc(in_dir("small.db"));
    struct enrich_config config = {.libloc = in_dir("small.db")};
    FILE *f = fopen(config.libloc, "rb");
    ok(f && loc_new(&o.ctx) == 0 && loc_database_new(o.ctx, &o.db, f) == 0, "libloc opens it");
    if (is_int(enrich_open(&config, &e, &err), 0)) {
        compare_networks(&o, e);
        for (int i = 0; i < 50000; i++) {
            uint64_t r = random_next();
            struct ip ip = ip_from_v4(0xc0000000u | (uint32_t)(r & 0xfffff));
            compare(&o, e, &ip);
            be64_put(ip.b, 0x20010db800000000 | (r & 0x1f));
            be64_put(ip.b + 8, i % 3 ? r & 0xf000000000000000 : r << 8);
            compare(&o, e, &ip);
        }
        ok(o.checked > 100000, "enough was compared");
        is_int(o.wrong, 0);
        enrich_close(e);
    } else {
        printf("# %s\n", err.text);
    }
    loc_database_unref(o.db);
    loc_unref(o.ctx);
    fclose(f);
}

/* Cache */

static char cache_file[512];

/* The one file in the cache folder. */
static bool find_cache(const char *cache)
{
    DIR *d = opendir(cache);
    struct dirent *entry;
    int n = 0;
    while (d && (entry = readdir(d)))
        if (entry->d_name[0] != '.') {
            snprintf(cache_file, sizeof cache_file, "%s/%s", cache, entry->d_name);
            n++;
        }
    if (d)
        closedir(d);
    return n == 1;
}

static bool opens(const struct enrich_config *config, bool cached)
{
    struct enrich *e;
    struct err err = {0};
    if (enrich_open(config, &e, &err) != 0) {
        printf("# %s\n", err.text);
        return false;
    }
    struct enrich_result r = look(e, "192.0.2.1");
    bool good = enrich_cached(e) == cached && r.asn == 64496 && memcmp(r.country, "NL", 2) == 0 &&
                span_is(r.as_name, "Example One");
    enrich_close(e);
    return good;
}

static void flip(const char *path, off_t at)
{
    uint8_t c;
    int fd = open(path, O_RDWR);
    if (fd < 0 || pread(fd, &c, 1, at) != 1)
        abort();
    c ^= 0x10;
    if (pwrite(fd, &c, 1, at) != 1)
        abort();
    close(fd);
}

static void test_cache(void)
{
    struct stat st;
    struct enrich *e;
    struct err err = {0};
    write_asn_db(in_dir("asn.mmdb"));
    write_country_db(in_dir("country.mmdb"), "NL");
    struct enrich_config config = {.mmdb_asn = in_dir("asn.mmdb"),
                                   .mmdb_country = in_dir("country.mmdb"),
                                   .cache_dir = in_dir("cache")};
    ok(opens(&config, false), "built");
    ok(find_cache(config.cache_dir), "one cache file");
    ok(opens(&config, true), "taken from the cache");
    if (stat(cache_file, &st) != 0)
        abort();
    size_t kept = 0, n = 0;
    for (off_t at = 0; at < st.st_size; at += at < 1024 ? 17 : 19937, n++) {
        flip(cache_file, at);
        kept += !opens(&config, false);
    }
    ok(n > 100 && kept == 0, "no damaged cache is used, and each is made good");
    ok(opens(&config, true), "the last one too");
    if (truncate(cache_file, st.st_size / 2) != 0)
        abort();
    ok(opens(&config, false), "nor a truncated one");
    if (truncate(cache_file, 0) != 0)
        abort();
    ok(opens(&config, false), "nor an empty one");
    utimensat(AT_FDCWD, config.mmdb_asn, (struct timespec[2]){{1, 0}, {1, 0}}, 0);
    ok(opens(&config, false), "a database that was touched is read again");
    ok(opens(&config, true), "once");
    enrich_open(&config, &e, &err);
    uint8_t before[SHA256_LEN];
    memcpy(before, enrich_info(e)->sha256, SHA256_LEN);
    enrich_close(e);
    write_country_db(in_dir("country.mmdb"), "FR");
    enrich_open(&config, &e, &err);
    ok(!enrich_cached(e) && memcmp(look(e, "192.0.2.1").country, "FR", 2) == 0,
       "a new database is used");
    ok(memcmp(before, enrich_info(e)->sha256, SHA256_LEN) != 0, "and has another digest");
    enrich_close(e);
    ok(find_cache(config.cache_dir), "still one cache file");
    unlink(cache_file);
    rmdir(config.cache_dir);
    write_country_db(in_dir("country.mmdb"), "NL");
    config.cache_dir = in_dir("asn.mmdb"); /* no folder can be made there */
    ok(opens(&config, false), "a cache that cannot be written is no error");
}

/* Bad databases */

static int open_only(const struct enrich_config *config, struct err *err)
{
    struct enrich *e = NULL;
    int rc = enrich_open(config, &e, err);
    if (rc == 0)
        enrich_close(e);
    return rc;
}

static void test_bad(void)
{
    struct err err = {0};
    struct enrich_config config = {.libloc = "/no/such/location.db"};
    is_int(open_only(&config, &err), -ENOENT);
    ok(strstr(err.text, "/no/such/location.db"), "the error names the file");
    config.libloc = "/tmp";
    ok(open_only(&config, &err) < 0 && strstr(err.text, "/tmp: not a regular file"), "a folder");
    write_asn_db(in_dir("asn.mmdb"));
    config.libloc = in_dir("asn.mmdb");
    ok(open_only(&config, &err) < 0 && strstr(err.text, "not a libloc database"), "not libloc's");
    write_libloc(in_dir("small.db"));
    config = (struct enrich_config){.mmdb_asn = in_dir("small.db")};
    ok(open_only(&config, &err) < 0 && strstr(err.text, "small.db: "), "not MaxMind's");
}

/* Without the care, and the time, of file_replace(). */
static void put(const char *path, const uint8_t *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || file_write_all(fd, p, n) < 0 || close(fd) < 0)
        abort();
}

/* Truncations, and bytes flipped: an error or a table, never a crash. */
static void damage(const char *path, struct enrich_config config, size_t step)
{
    struct buf whole = {0};
    struct err err = {0};
    size_t refused = 0, n = 0;
    if (file_read(path, 1 << 24, &whole, &err) < 0)
        abort();
    for (size_t cut = 0; cut < whole.n; cut += step, n++) {
        put(path, whole.p, cut);
        refused += open_only(&config, &err) < 0;
    }
    printf("# %s: %zu of %zu truncations refused\n", path, refused, n);
    ok(refused > 0, "truncated");
    for (int i = 0; i < 300; i++) {
        size_t at = random_next() % whole.n;
        whole.p[at] ^= (uint8_t)(1 << i % 8);
        put(path, whole.p, whole.n);
        if (open_only(&config, &err) < 0)
            whole.p[at] ^= (uint8_t)(1 << i % 8); /* keep what is taken, and go on from there */
    }
    ok(true, "flipped");
    buf_free(&whole);
}

static void test_damage(void)
{
    write_libloc(in_dir("small.db"));
    damage(in_dir("small.db"), (struct enrich_config){.libloc = in_dir("small.db")}, 331);
    write_asn_db(in_dir("asn.mmdb"));
    damage(in_dir("asn.mmdb"), (struct enrich_config){.mmdb_asn = in_dir("asn.mmdb")}, 41);
}

int main(void)
{
    snprintf(dir, sizeof dir, "/tmp/ebb-test-enrich-XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    test_mmdb();
    test_nested();
    test_cache();
    test_bad();
    test_damage();
    test_libloc();
    unlink(in_dir("asn.mmdb"));
    unlink(in_dir("country.mmdb"));
    unlink(in_dir("small.db"));
    rmdir(dir);
    return tap_done();
}
