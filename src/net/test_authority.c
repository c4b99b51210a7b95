#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/tap.h"
#include "base/utc.h"
#include "net/authority.h"
#include "net/authority_layout.h"

#define DAY UTC_DAY
#define T0  1300233600000000ll /* 2011-03-16 */

struct world {
    struct authority_builder *b;
    struct authority *a;
    struct authority_match m;
    uint64_t next;
};

static void order(struct world *w, const char *id, int64_t from, int64_t until)
{
    struct authority_order o = {.index = 100 + w->next++,
                                .id = span_str(id),
                                .court = span_str("Court"),
                                .docket = span_str("2:11-cv-00222"),
                                .jurisdiction = span_str("US"),
                                .scope = span_str("all of it"),
                                .contact = span_str("help.example"),
                                .from = from,
                                .until = until};
    authority_builder_order(w->b, &o);
}

static struct world world(void)
{
    struct world w = {.b = authority_builder_new()};
    order(&w, "one", T0 - 100 * DAY, T0 + 100 * DAY);
    order(&w, "two", T0 - 100 * DAY, T0 + 10 * DAY);
    return w;
}

static void ready(struct world *w)
{
    int fd = -1;
    struct err err;
    is_int(authority_builder_finish(w->b, &fd, &err), 0);
    is_int(authority_map(fd, &w->a, &err), 0);
    close(fd);
}

static void end(struct world *w)
{
    authority_unmap(w->a);
    authority_builder_free(w->b);
}

/* Gives the asset's index. */
static uint64_t name(struct world *w, const char *text, uint32_t of, int64_t from, int64_t until,
                     const char *policy)
{
    uint8_t wire[255];
    bool wild = *text == '*';
    struct authority_asset a = {.index = ++w->next,
                                .kind = wild ? AUTHORITY_WILDCARD : AUTHORITY_DOMAIN,
                                .from = from,
                                .until = until,
                                .order = of,
                                .policy = span_str(policy),
                                .family = span_str("fam"),
                                .identify = true};
    a.name = span_of(wire, authority_wire_name(span_str(wild ? text + 2 : text), wire));
    is_int(authority_builder_asset(w->b, &a, NULL), 0);
    return a.index;
}

static uint64_t address(struct world *w, const char *text, uint16_t port,
                        enum authority_transport transport)
{
    struct authority_asset a = {.index = ++w->next,
                                .kind = AUTHORITY_NETWORK,
                                .port = port,
                                .transport = transport,
                                .from = T0,
                                .until = T0 + DAY};
    struct ip ip;
    if (!*text) {
        a.kind = AUTHORITY_PORT;
    } else if (!net_parse(span_str(text), &a.net)) {
        ip_parse(span_str(text), &ip);
        a.kind = AUTHORITY_ADDRESS;
        a.net = net_of(&ip, ip_is_v4(&ip) ? 32 : 128);
    }
    is_int(authority_builder_asset(w->b, &a, NULL), 0);
    return a.index;
}

/* The index of the asset that covers the host, 0 for none. */
static uint64_t host(struct world *w, const char *text, int64_t now)
{
    return authority_host(w->a, span_str(text), now, &w->m) ? w->m.asset.index : 0;
}

static uint64_t reach(struct world *w, const char *text, uint16_t port, enum authority_transport t)
{
    struct ip ip;
    ip_parse(span_str(text), &ip);
    return authority_address(w->a, &ip, port, t, T0, &w->m) ? w->m.asset.index : 0;
}

static void test_wire_name(void)
{
    static const struct {
        const char *text, *wire;
        size_t n;
    } good[] = {{"example.org", "\7example\3org", 13},
                {"EXAMPLE.Org.", "\7example\3org", 13},
                {"_dmarc.a-b.xn--bcher-kva.example", "\6_dmarc\3a-b\015xn--bcher-kva\7example", 34},
                {"localhost", "\11localhost", 11},
                {"1.2.0.192.in-addr.arpa",
                 "\1"
                 "1\1"
                 "2\1"
                 "0\3"
                 "192\7in-addr\4arpa",
                 24}};
    static const char *const bad[] = {"",
                                      ".",
                                      "a..b",
                                      ".a",
                                      "a b",
                                      "192.0.2.1",
                                      "999.1",
                                      "a.b:80",
                                      "b\xc3\xbc"
                                      "cher.example",
                                      "*.example.org",
                                      "[::1]",
                                      "a/b"};
    uint8_t out[255];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ok(authority_wire_name(span_str(good[i].text), out) == good[i].n &&
           memcmp(out, good[i].wire, good[i].n) == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(authority_wire_name(span_str(bad[i]), out), 0);
    char text[300];
    memset(text, 'a', sizeof text);
    is_int(authority_wire_name(span_of(text, 63), out), 65);
    is_int(authority_wire_name(span_of(text, 64), out), 0);
    for (int i = 63; i < 300; i += 64)
        text[i] = '.';
    is_int(authority_wire_name(span_of(text, 253), out),
           255); /* the longest name, RFC 1035 2.3.4 */
    is_int(authority_wire_name(span_of(text, 254), out), 0);
    text[253] = '.';
    is_int(authority_wire_name(span_of(text, 254), out), 255);
}

static void test_names(void)
{
    struct world w = world();
    uint64_t org = name(&w, "example.org", 0, T0, T0 + DAY, "quiet");
    uint64_t deep = name(&w, "deep.example.org", 0, T0, T0 + DAY, "");
    uint64_t wild = name(&w, "*.wild.example", 0, T0, T0 + DAY, "quiet");
    uint64_t apex = name(&w, "both.example", 0, T0, T0 + DAY, "");
    uint64_t below = name(&w, "*.both.example", 0, T0, T0 + DAY, "loud");
    static const char long_name[] =
        "a-name-that-does-not-fit-into-a-record.of-the-table.example.net";
    uint64_t far = name(&w, long_name, 0, T0, T0 + DAY, "");
    ready(&w);
    is_int(authority_assets(w.a), 6);
    is_int(host(&w, "example.org", T0), org);
    ok(span_is(w.m.asset.policy, "quiet") && w.m.policy == 1 && span_is(w.m.asset.family, "fam") &&
       w.m.asset.identify && w.m.asset.kind == AUTHORITY_DOMAIN && w.m.zone == 0);
    ok(w.m.order.index == 100 && span_is(w.m.order.id, "one") &&
       span_is(w.m.order.court, "Court") && span_is(w.m.order.docket, "2:11-cv-00222") &&
       span_is(w.m.order.jurisdiction, "US") && span_is(w.m.order.scope, "all of it") &&
       span_is(w.m.order.contact, "help.example"));
    ok(span_eq(w.m.asset.name, span_of("\7example\3org\0", 13)));
    is_int(host(&w, "WWW.Example.ORG.", T0), org);
    is_int(w.m.zone, 4);
    is_int(host(&w, "www.example.org:8080", T0), org);
    is_int(host(&w, "a.b.c.deep.example.org", T0), deep);
    ok(w.m.zone == 6 && w.m.policy == 0 && span_is(w.m.asset.policy, "default"));
    is_int(host(&w, "eep.example.org", T0), org);
    is_int(host(&w, "notexample.org", T0), 0);
    is_int(host(&w, "org", T0), 0);
    is_int(host(&w, "example.com", T0), 0);
    is_int(host(&w, "wild.example", T0), 0);
    is_int(host(&w, "x.y.wild.example", T0), wild);
    is_int(w.m.zone, 4);
    ok(w.m.asset.kind == AUTHORITY_WILDCARD && span_is(authority_policy(w.a, w.m.policy), "quiet"));
    is_int(host(&w, "both.example", T0), apex);
    is_int(host(&w, "x.both.example", T0), below);
    is_int(host(&w, long_name, T0), far);
    ok(w.m.asset.name.n == sizeof long_name + 1 && w.m.zone == 0);
    is_int(host(&w, "of-the-table.example.net", T0), 0);
    is_int(host(&w, "", T0), 0);
    is_int(host(&w, "192.0.2.1", T0), 0);
    is_int(host(&w, "example.org", T0 - 1), 0);
    is_int(host(&w, "example.org", T0 + DAY), 0);
    is_int(host(&w, "example.org", T0 + DAY - 1), org);
    ok(authority_name(w.a, span_of("\1X\7eXample\3oRg\0", 15), T0, &w.m) && w.m.zone == 2);
    ok(!authority_name(w.a, span_of("\1X\7eXample\3oRg\0", 14), T0, &w.m), "no final zero byte");
    ok(!authority_name(w.a, span_of("\7eXample\3oRg\0x", 14), T0, &w.m), "something behind it");
    ok(!authority_name(w.a, span_of("\0", 1), T0, &w.m), "the root");
    ok(!authority_name(w.a, span_of("", 0), T0, &w.m));
    ok(span_is(authority_policy(w.a, 0), "default") && span_is(authority_policy(w.a, 2), "loud") &&
       authority_policy(w.a, 3).n == 0);
    ok(authority_any_name(w.a, T0) && !authority_any_name(w.a, T0 + DAY) &&
       !authority_any_name(w.a, T0 - 1));
    end(&w);
}

static void test_times(void)
{
    struct world w = world();
    uint64_t first = name(&w, "days.example", 0, T0, T0 + DAY, "");
    uint64_t third = name(&w, "days.example", 0, T0 + 2 * DAY, T0 + 3 * DAY, "");
    uint64_t whole = name(&w, "days.example", 0, T0, T0 + 20 * DAY, "");
    uint64_t two = name(&w, "bounded.example", 1, T0 - 200 * DAY, T0 + 200 * DAY, "");
    name(&w, "never.example", 1, T0 + 20 * DAY, T0 + 30 * DAY, "");
    name(&w, "child.days.example", 0, T0 + 5 * DAY, T0 + 6 * DAY, "");
    ready(&w);
    is_int(authority_assets(w.a), 6);
    ok(first && host(&w, "days.example", T0) == whole, "of two that began together the later one");
    is_int(host(&w, "days.example", T0 + DAY), whole);
    is_int(host(&w, "days.example", T0 + 2 * DAY), third);
    is_int(host(&w, "days.example", T0 + 3 * DAY), whole);
    is_int(host(&w, "child.days.example", T0 + 3 * DAY), whole);
    is_int(w.m.zone, 6);
    is_int(host(&w, "bounded.example", T0 + 10 * DAY - 1), two);
    is_int(host(&w, "bounded.example", T0 + 10 * DAY), 0);
    is_int(host(&w, "bounded.example", T0 - 100 * DAY), two);
    is_int(host(&w, "bounded.example", T0 - 100 * DAY - 1), 0);
    is_int(host(&w, "never.example", T0 + 25 * DAY), 0);
    ok(authority_any_name(w.a, T0 - 100 * DAY) && authority_any_name(w.a, T0 + 19 * DAY) &&
       !authority_any_name(w.a, T0 + 20 * DAY));
    end(&w);
}

/* A list with a row a day, a gap in it, and names that share a bucket. */
static void test_days(void)
{
    struct world w = world();
    struct authority_asset a = {.index = 7, .kind = AUTHORITY_DOMAIN};
    uint8_t wire[255];
    for (int i = 0; i < 60; i++) {
        if (i == 30)
            continue;
        a.name = span_of(wire, authority_wire_name(span_str("daily.example"), wire));
        a.from = T0 + (i * 7 % 60) * DAY; /* in no order, each day once: but for (30*7)%60 */
        a.until = a.from + DAY;
        authority_builder_asset(w.b, &a, NULL);
    }
    ready(&w);
    int good = 0;
    for (int i = 0; i < 60; i++)
        good += (host(&w, "daily.example", T0 + i * DAY + DAY / 2) == 7) == (i != 30 * 7 % 60);
    is_int(good, 60);
    is_int(authority_assets(w.a), 59);
    ok(w.a && !host(&w, "daily.example", T0 + 60 * DAY));
    end(&w);
}

static void test_addresses(void)
{
    struct world w = world();
    uint64_t exact = address(&w, "192.0.2.1", 0, AUTHORITY_ANY);
    uint64_t smtp = address(&w, "192.0.2.1", 25, AUTHORITY_TCP);
    uint64_t ported = address(&w, "192.0.2.2", 25, AUTHORITY_ANY);
    uint64_t wide = address(&w, "192.0.2.0/24", 0, AUTHORITY_ANY);
    uint64_t narrow = address(&w, "192.0.2.0/28", 25, AUTHORITY_ANY);
    uint64_t host32 = address(&w, "198.51.100.7/32", 25, AUTHORITY_ANY);
    uint64_t addr32 = address(&w, "198.51.100.7", 0, AUTHORITY_ANY);
    uint64_t six = address(&w, "2001:db8::/32", 0, AUTHORITY_ANY);
    uint64_t six_one = address(&w, "2001:db8::1", 0, AUTHORITY_ANY);
    uint64_t port = address(&w, "", 8080, AUTHORITY_TCP);
    uint64_t any_port = address(&w, "", 53, AUTHORITY_ANY);
    uint64_t udp_port = address(&w, "", 53, AUTHORITY_UDP);
    ready(&w);
    is_int(reach(&w, "192.0.2.1", 80, AUTHORITY_TCP), exact);
    ok(w.m.asset.kind == AUTHORITY_ADDRESS && w.m.asset.net.bits == 32 && w.m.asset.net.set &&
       ip_v4(&w.m.asset.net.ip) == 0xc0000201);
    is_int(reach(&w, "192.0.2.1", 25, AUTHORITY_TCP), smtp);
    ok(w.m.asset.port == 25 && w.m.asset.transport == AUTHORITY_TCP);
    is_int(reach(&w, "192.0.2.1", 25, AUTHORITY_UDP), exact);
    is_int(reach(&w, "192.0.2.2", 25, AUTHORITY_TCP), ported);
    is_int(reach(&w, "192.0.2.2", 26, AUTHORITY_TCP), wide);
    is_int(reach(&w, "192.0.2.3", 25, AUTHORITY_TCP), narrow);
    is_int(reach(&w, "192.0.2.3", 26, AUTHORITY_TCP), wide);
    ok(w.m.asset.kind == AUTHORITY_NETWORK && w.m.asset.net.bits == 24);
    is_int(reach(&w, "192.0.2.16", 25, AUTHORITY_TCP), wide);
    is_int(reach(&w, "192.0.3.0", 25, AUTHORITY_TCP), 0);
    ok(host32 && reach(&w, "198.51.100.7", 25, AUTHORITY_TCP) == addr32, "address before network");
    is_int(reach(&w, "2001:db8::2", 25, AUTHORITY_TCP), six);
    is_int(w.m.asset.net.bits, 32);
    is_int(reach(&w, "2001:db8::1", 25, AUTHORITY_TCP), six_one);
    is_int(reach(&w, "2001:db9::1", 25, AUTHORITY_TCP), 0);
    is_int(reach(&w, "2001:db9::1", 8080, AUTHORITY_TCP), port);
    is_int(reach(&w, "203.0.113.1", 8080, AUTHORITY_TCP), port);
    ok(w.m.asset.kind == AUTHORITY_PORT && w.m.asset.port == 8080 && !w.m.asset.net.set);
    is_int(reach(&w, "203.0.113.1", 8080, AUTHORITY_UDP), 0);
    is_int(reach(&w, "203.0.113.1", 53, AUTHORITY_UDP), udp_port);
    is_int(reach(&w, "203.0.113.1", 53, AUTHORITY_TCP), any_port);
    is_int(reach(&w, "192.0.2.1", 8080, AUTHORITY_TCP), exact);
    ok(!authority_any_name(w.a, T0), "no name is in force");
    struct ip ip;
    ip_parse(span_str("192.0.2.1"), &ip);
    ok(!authority_address(w.a, &ip, 80, AUTHORITY_TCP, T0 + DAY, &w.m));
    end(&w);
}

static void test_families_apart(void)
{
    struct world w = world();
    uint64_t all6 = address(&w, "::/0", 0, AUTHORITY_ANY);
    ready(&w);
    is_int(reach(&w, "2001:db8::1", 1, AUTHORITY_TCP), all6);
    is_int(reach(&w, "192.0.2.1", 1, AUTHORITY_TCP), 0);
    end(&w);
    w = world();
    uint64_t all4 = address(&w, "0.0.0.0/0", 0, AUTHORITY_ANY);
    ready(&w);
    is_int(reach(&w, "192.0.2.1", 1, AUTHORITY_TCP), all4);
    is_int(reach(&w, "2001:db8::1", 1, AUTHORITY_TCP), 0);
    end(&w);
}

static void test_none_and_refusals(void)
{
    struct world w = world();
    w.a = authority_none();
    ok(!host(&w, "example.org", T0) && !reach(&w, "192.0.2.1", 1, AUTHORITY_TCP) &&
       !authority_any_name(w.a, T0) && authority_assets(w.a) == 0);
    ok(span_is(authority_policy(w.a, 0), "default") && authority_policy(w.a, 1).n == 0);
    struct authority_asset a = {.kind = AUTHORITY_DOMAIN, .name = span_of("\1a\0", 3), .order = 2};
    is_int(authority_builder_asset(w.b, &a, NULL), -EINVAL);
    a.order = 0;
    static const struct span bad[] = {{NULL, 0},
                                      {(const uint8_t *)"", 1},
                                      {(const uint8_t *)"\1a", 2},
                                      {(const uint8_t *)"\2a\0", 3},
                                      {(const uint8_t *)"\1a\0\0", 4}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        a.name = bad[i];
        is_int(authority_builder_asset(w.b, &a, NULL), -EINVAL);
    }
    a.kind = AUTHORITY_PORT;
    is_int(authority_builder_asset(w.b, &a, NULL), -EINVAL);
    a.kind = AUTHORITY_ADDRESS;
    is_int(authority_builder_asset(w.b, &a, NULL), -EINVAL);
    end(&w);
    w = world();
    ready(&w);
    ok(!host(&w, "example.org", T0) && !reach(&w, "192.0.2.1", 1, AUTHORITY_TCP), "an empty table");
    end(&w);
}

static int table(struct span bytes, int seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n ||
        fcntl(fd, F_ADD_SEALS, seals) < 0)
        abort();
    return fd;
}

/* Every byte of a small table changed, and every cut: refused, or safe to look things up in. */
static void test_hostile(void)
{
    struct world w = world();
    name(&w, "example.org", 0, T0, T0 + DAY, "quiet");
    name(&w, "a-name-that-does-not-fit-into-a-record.of-the-table.example.net", 0, T0, T0 + DAY,
         "");
    address(&w, "192.0.2.0/24", 25, AUTHORITY_TCP);
    int fd = -1, all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, refused = 0,
        taken = 0;
    authority_builder_finish(w.b, &fd, NULL);
    is_int(fcntl(fd, F_GET_SEALS), all);
    is_int(fcntl(fd, F_GETFD), FD_CLOEXEC);
    uint8_t bytes[8192];
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    close(fd);
    ok(n > 0 && n < (ssize_t)sizeof bytes);
    struct authority *a;
    fd = table(span_of(bytes, (size_t)n), F_SEAL_SHRINK | F_SEAL_GROW);
    is_int(authority_map(fd, &a, NULL), -EBADMSG);
    close(fd);
    for (ssize_t i = 0; i < n; i++) {
        fd = table(span_of(bytes, (size_t)i), all);
        refused += authority_map(fd, &a, NULL) == -EBADMSG;
        close(fd);
    }
    is_int(refused, n);
    for (ssize_t i = 0; i < 8 * n; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        fd = table(span_of(bytes, (size_t)n), all);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        if (authority_map(fd, &w.a, NULL) == 0) {
            taken++;
            host(&w, "www.example.org", T0);
            host(&w, "a-name-that-does-not-fit-into-a-record.of-the-table.example.net", T0);
            reach(&w, "192.0.2.9", 25, AUTHORITY_TCP);
            authority_any_name(w.a, T0);
            authority_unmap(w.a);
        }
        close(fd);
    }
    ok(taken > 0 && taken < 8 * n, "some changes are harmless, others are refused");
    w.a = NULL;
    end(&w);
}

/* Beside a plain loop over all assets. */
enum { ASSETS = 400, QUERIES = 20000 };

static uint32_t draw(uint32_t below)
{
    static uint64_t s = 88172645463325252ull;
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return (uint32_t)(s >> 33) % below;
}

static size_t random_name(uint8_t *out)
{
    size_t n = 0;
    for (uint32_t labels = 1 + draw(4); labels; labels--) {
        uint32_t len = draw(20) ? 1 : 25;
        out[n++] = (uint8_t)len;
        for (; len; len--)
            out[n++] = (uint8_t)('a' + draw(3));
    }
    out[n++] = 0;
    return n;
}

static bool covers(const struct authority_asset *a, struct span q, size_t *zone)
{
    if (q.n < a->name.n || !span_eq(span_of(q.p + q.n - a->name.n, a->name.n), a->name))
        return false;
    *zone = q.n - a->name.n;
    size_t at = 0;
    while (at < *zone)
        at += q.p[at] + 1u;
    return at == *zone && (*zone || a->kind == AUTHORITY_DOMAIN);
}

static void test_model(void)
{
    static struct authority_asset asset[ASSETS];
    static uint8_t names[ASSETS][255];
    struct world w = world();
    for (uint32_t i = 0; i < ASSETS; i++) {
        int64_t from = T0 + draw(20) * DAY;
        asset[i] = (struct authority_asset){.index = i + 1,
                                            .kind = draw(3) ? AUTHORITY_DOMAIN : AUTHORITY_WILDCARD,
                                            .name = span_of(names[i], random_name(names[i])),
                                            .from = from,
                                            .until = from + (1 + draw(5)) * DAY,
                                            .order = draw(2)};
        authority_builder_asset(w.b, &asset[i], NULL);
    }
    ready(&w);
    int wrong = 0, found = 0;
    for (int k = 0; k < QUERIES; k++) {
        uint8_t q[255];
        struct span name = span_of(q, random_name(q));
        int64_t now = T0 + draw(25) * DAY;
        const struct authority_asset *best = NULL;
        for (uint32_t i = 0; i < ASSETS; i++) {
            const struct authority_asset *a = &asset[i];
            size_t zone;
            if (now < a->from || now >= a->until || (a->order == 1 && now >= T0 + 10 * DAY) ||
                !covers(a, name, &zone))
                continue;
            if (!best || a->name.n > best->name.n ||
                (a->name.n == best->name.n &&
                 (a->kind > best->kind || (a->kind == best->kind && a->from >= best->from))))
                best = a;
        }
        bool got = authority_name(w.a, name, now, &w.m);
        wrong += got != (best != NULL) || (got && w.m.asset.index != best->index);
        found += got;
    }
    is_int(wrong, 0);
    ok(found > QUERIES / 20 && found < QUERIES);
    end(&w);
}

/* Hints must take any bytes. */
static void test_ahead(void)
{
    struct authority_builder *b = authority_builder_new();
    struct authority_order order = {.id = span_str("o"), .until = AUTHORITY_FOREVER};
    uint8_t wire[255], bytes[300];
    struct authority *a;
    struct authority_ahead ahead;
    int fd;
    authority_builder_order(b, &order);
    struct authority_asset asset = {.kind = AUTHORITY_DOMAIN, .until = AUTHORITY_FOREVER};
    asset.name = span_of(wire, authority_wire_name(span_str("seized.example"), wire));
    ok(authority_builder_asset(b, &asset, NULL) == 0 &&
           authority_builder_finish(b, &fd, NULL) == 0 && authority_map(fd, &a, NULL) == 0,
       "a table");
    close(fd);
    authority_ahead(a, span_of("\3www\6seized\7example\0\0\1\0\1", 24), &ahead);
    ok(ahead.bucket[0] != UINT32_MAX, "a name's place is found with more bytes behind it");
    authority_ahead_more(a, &ahead);
    srand(5);
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)rand() % sizeof bytes;
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)(rand() % (i % 2 ? 256 : 5));
        authority_ahead(a, span_of(bytes, n), &ahead);
        authority_ahead_more(a, &ahead);
    }
    ok(true, "any bytes will do");
    authority_unmap(a);
    authority_builder_free(b);
}

int main(void)
{
    test_wire_name();
    test_names();
    test_times();
    test_days();
    test_addresses();
    test_families_apart();
    test_none_and_refusals();
    test_hostile();
    test_model();
    test_ahead();
    return tap_done();
}
