#include "state/sources.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tap.h"
#include "base/utc.h"
#include "state/sources_impl.h"

#define NOON (1700000000ll / 86400 * UTC_DAY + 12 * 3600 * UTC_SECOND)

static char dir[] = "/tmp/ebb-sources-XXXXXX";

static struct ip addr(const char *text)
{
    struct ip ip = {{0}};
    ip_parse(span_str(text), &ip);
    return ip;
}

/* A check-in by HTTP, as a rule would know it. */
static struct event visit(const char *ip, const char *family, int64_t seconds)
{
    struct event ev = {.kind = KIND_HTTP,
                       .time = NOON + seconds * UTC_SECOND,
                       .src_ip = addr(ip),
                       .dst_ip = addr("198.51.100.1"),
                       .dst_port = 80,
                       .src_port = 40000,
                       .family = span_str(family),
                       .family_source = span_str(*family ? "some_rule" : ""),
                       .country = span_str("DE"),
                       .asn = 64500,
                       .as_name = span_str("Example")};
    ev.http.has = true;
    ev.http.method = span_str("GET");
    ev.http.target = span_str("/gate.php?id=1");
    ev.http.host = span_str("c2.example.net");
    ev.http.user_agent = span_str("Mozilla/4.0");
    return ev;
}

static struct sources *fresh(void)
{
    struct sources *s = NULL;
    struct err err;
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/sources", dir);
    unlink(path);
    if (sources_open(dir, &s, &err) < 0)
        abort();
    return s;
}

struct seen {
    struct source rows[64];
    char family[64][32];
    unsigned n;
};

static int see(void *ctx, const struct source *row)
{
    struct seen *s = ctx;
    if (s->n == 64)
        return 1;
    snprintf(s->family[s->n], sizeof s->family[0], "%.*s", (int)row->family.n,
             (const char *)row->family.p);
    s->rows[s->n++] = *row;
    return 0;
}

static struct source only(struct sources *s)
{
    struct seen seen = {.n = 0};
    sources_rows(s, see, &seen);
    is_int(seen.n, 1);
    return seen.rows[0];
}

static void test_times(void)
{
    struct sources *s = fresh();
    const int64_t day = 86400;
    const int64_t at[] = {0, 3600, day, 3 * day, 2 * day, 2 * day + 60, -day};
    for (unsigned i = 0; i < 7; i++) {
        struct event ev = visit("192.0.2.1", "bot", at[i]);
        sources_add(s, 100 + i, &ev);
    }
    struct source r = only(s);
    is_int(r.contacts, 7);
    is_int(r.days, 5, "days that come late count, too");
    ok(r.recent == 0x1f, "a bit a day, back from the last");
    ok(r.first_time == NOON - UTC_DAY && r.last_time == NOON + 3 * UTC_DAY, "first and last");
    is_int(r.index, 103, "the latest by time stands for all");
    ok(r.hours == ((1u << 12) | (1u << 13)), "hours of the day");
    is_int((long long)(r.gap_mean / 3600), 16);
    ok(r.asn == 64500 && memcmp(r.country, "DE", 2) == 0 && span_is(r.as_name, "Example"), "whose");
    sources_close(s);
}

static void test_roles(void)
{
    struct sources *s = fresh();
    struct event ev = visit("192.0.2.1", "bot", 0);
    sources_add(s, 5, &ev);
    ev.time += UTC_DAY;
    ev.role = span_str("resolver");
    ev.asset = 7;
    sources_add(s, 6, &ev);
    struct source r = only(s);
    is_int(r.roles, SOURCE_UNJUDGED | SOURCE_RESOLVER);
    is_int(r.index, 5, "an infected host's contact stands for all, not a later one for others");
    ok(r.asset == 0 && r.own == 1 && r.matched == 1 && r.contacts == 2, "and counts by itself");
    ok(r.last_time == ev.time, "while the times are of all");
    ev.role = span_of(NULL, 0);
    sources_add(s, 7, &ev);
    ok(only(s).index == 7 && only(s).asset == 7, "a later one of the host's does");
    ev.src_ip = (struct ip){{0}};
    sources_add(s, 8, &ev);
    ev.kind = KIND_SENSOR;
    sources_add(s, 9, &ev);
    is_int(sources_count(s), 1, "no address, no observation: not taken in");
    sources_close(s);
}

static void test_kinds_of_role(void)
{
    static const struct {
        const char *role;
        unsigned bit;
    } roles[] = {{"resolver", SOURCE_RESOLVER},
                 {"visitor", SOURCE_VISITOR},
                 {"sender", SOURCE_SENDER},
                 {"referer", SOURCE_REFERER},
                 {"", SOURCE_UNJUDGED}};
    struct sources *s = fresh();
    for (unsigned i = 0; i < 5; i++) {
        char ip[32];
        struct seen seen = {.n = 0};
        snprintf(ip, sizeof ip, "192.0.2.%u", i + 1);
        struct event ev = visit(ip, "bot", 0);
        ev.role = span_str(roles[i].role);
        sources_add(s, i, &ev);
        sources_of(s, &ev.src_ip, see, &seen);
        ok(seen.n == 1 && seen.rows[0].roles == roles[i].bit, "a role");
    }
    sources_close(s);
}

static void test_order(void)
{
    static const char *const ips[] = {"2001:db8::2", "192.0.2.9", "::1", "10.0.0.1", "192.0.2.9"};
    static const char *const families[] = {"b", "zz", "c", "a", "aa"};
    struct sources *s = fresh();
    struct seen seen = {.n = 0};
    for (unsigned i = 0; i < 5; i++) {
        struct event ev = visit(ips[i], families[i], i);
        sources_add(s, i, &ev);
    }
    struct event ev = visit("192.0.2.9", "", 9);
    sources_add(s, 9, &ev);
    sources_rows(s, see, &seen);
    static const char *const want[] = {"a", "aa", "unknown", "zz", "c", "b"};
    is_int(seen.n, 6);
    for (unsigned i = 0; i < 6; i++)
        is_str(seen.family[i], want[i]);
    seen.n = 0;
    struct ip ip = addr("192.0.2.9");
    sources_of(s, &ip, see, &seen);
    ok(seen.n == 3 && strcmp(seen.family[0], "aa") == 0 && strcmp(seen.family[2], "zz") == 0,
       "one address, by family");
    ip = addr("192.0.2.10");
    seen.n = 0;
    sources_of(s, &ip, see, &seen);
    is_int(seen.n, 0);
    sources_close(s);
}

static struct source after(const char *target, const char *host, const char *agent, unsigned times)
{
    struct sources *s = fresh();
    for (unsigned i = 0; i < times; i++) {
        struct event ev = visit("192.0.2.1", "bot", i * 1000);
        ev.http.target = span_str(target);
        ev.http.host = span_str(host);
        ev.http.user_agent = span_str(agent);
        sources_add(s, i, &ev);
    }
    struct source r = only(s);
    sources_close(s);
    return r;
}

static void test_shapes(void)
{
    uint32_t gate = after("/gate.php?id=17&v=2", "c2.example.net", "", 1).shape;
    ok(gate == after("/gate.php?id={ABCD-12}&v=3", "other.example", "x", 3).shape,
       "values and names of hosts make no difference");
    ok(gate == after("GET /gate.php?id=17&v=2 HTTP/1.1", "c2.example.net", "", 1).shape,
       "nor does a feed's request line");
    ok(gate != after("/gate.php?key=17&v=2", "c2.example.net", "", 1).shape, "parameters do");
    ok(gate != after("/gate.php?id=17&v=2", "198.51.100.1", "", 1).shape,
       "an address as Host does");
    ok(after("/index.php?topic=33.117", "a.b", "", 1).shape ==
           after("/index.php?topic=4.5", "a.b", "", 1).shape,
       "numbers do not");
    ok(after("/abcdef1234567890", "a.b", "", 1).shape == after("/99aa88bb77", "a.b", "", 1).shape,
       "nor do long words with digits");
    ok(after("/", "a.b", "", 1).nothing &&
           after("GET /robots.txt HTTP/1.0", "a.b", "", 1).nothing &&
           !after("/gate.php", "a.b", "", 1).nothing,
       "who asks for nothing");
    ok(after("/", "192.0.2.1:8080", "", 1).by_address &&
           after("/", "[2001:db8::1]", "", 1).by_address && after("/", "", "", 1).by_address &&
           !after("/", "4chan.example", "", 1).by_address,
       "who asks an address");
    ok(after("", "", "", 1).shape != 0, "a method alone says something");
}

static void test_agents(void)
{
    static const char *const crawlers[] = {
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 zgrab/0.x", "masscan/1.0 (https://github.com/robertdavidgraham/masscan)",
        "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
        "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)"};
    static const char *const tools[] = {"curl/7.88.1", "python-requests/2.28", "Go-http-client/1.1",
                                        "Wget/1.21"};
    static const char *const neither[] = {"Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)", "",
                                          "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"};
    for (unsigned i = 0; i < 5; i++)
        ok(after("/", "a", crawlers[i], 1).crawler_agent, "a crawler");
    for (unsigned i = 0; i < 4; i++)
        ok(after("/", "a", tools[i], 1).tool_agent && !after("/", "a", tools[i], 1).crawler_agent,
           "a tool");
    for (unsigned i = 0; i < 3; i++)
        ok(!after("/", "a", neither[i], 2).tool_agent &&
               !after("/", "a", neither[i], 2).crawler_agent,
           "a browser");
}

/* Distinct things by bitmaps: near the truth, and never below what a bit says. */
static void test_distinct(void)
{
    struct sources *s = fresh();
    char id[32], ip[32], agent[32], path[64];
    for (unsigned i = 0; i < 40; i++) {
        struct event ev = visit("192.0.2.1", "bot", i * 100);
        snprintf(id, sizeof id, "bot-%u", i);
        snprintf(ip, sizeof ip, "198.51.100.%u", i % 12 + 1);
        snprintf(agent, sizeof agent, "agent %c", 'a' + i % 5);
        snprintf(path, sizeof path, "/%c/x", 'a' + i % 7);
        ev.bot_id = span_str(id);
        ev.dst_ip = addr(ip);
        ev.http.user_agent = span_str(agent);
        ev.http.target = span_str(path);
        sources_add(s, i, &ev);
    }
    struct source r = only(s);
    ok(r.bots >= 32 && r.bots <= 48, "40 bots, about");
    ok(r.targets >= 9 && r.targets <= 15, "12 targets, about");
    ok(r.agents >= 4 && r.agents <= 6, "5 agents, about");
    ok(r.paths >= 5 && r.paths <= 9, "7 paths, about");
    is_int(r.names, 1);
    ok(r.spoken == 40 && r.fresh == 40 && r.mixed == 39,
       "each with another id than the one before");
    sources_close(s);
}

static void test_identity(void)
{
    struct sources *s = fresh();
    for (unsigned day = 0; day < 10; day++) {
        char ip[32];
        snprintf(ip, sizeof ip, "192.0.2.%u", day + 1);
        struct event ev = visit(ip, "bot", day * 86400);
        ev.http.target = span_str("/gate.php?id=the-one");
        sources_add(s, day, &ev);
    }
    struct seen seen = {.n = 0};
    sources_rows(s, see, &seen);
    unsigned new = 0;
    for (unsigned i = 0; i < seen.n; i++)
        new += (unsigned)seen.rows[i].fresh;
    ok(seen.n == 10 && new == 1, "a host that changes its address is new once");
    sources_close(s);
}

static void test_sweep(void)
{
    struct sources *s = fresh();
    for (unsigned i = 0; i < 12; i++) {
        char ip[32];
        struct event ev = visit("192.0.2.1", "bot", i / 4 * 5000 + i % 4 * 2);
        snprintf(ip, sizeof ip, "198.51.100.%u", i % 4 + 1);
        ev.dst_ip = addr(ip);
        sources_add(s, i, &ev);
    }
    is_int(only(s).swept, 9, "three passes over four: nine steps");
    sources_close(s);
}

/* A made-up world; the same numbers each time. */
static void feed(struct sources *s, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char ip[48], family[16], id[16], target[64];
        uint64_t r = (i + 1) * 0x9e3779b97f4a7c15ull;
        r ^= r >> 29;
        snprintf(ip, sizeof ip, r % 9 ? "10.%u.%u.%u" : "2001:db8:%u:%u::%u",
                 (unsigned)(r >> 8 & 3), (unsigned)(r >> 16 & 7), (unsigned)(r >> 24 & 15));
        snprintf(family, sizeof family, "family%u", (unsigned)(r >> 32 & 3));
        snprintf(id, sizeof id, "id%u", (unsigned)(r >> 36 & 255));
        snprintf(target, sizeof target, "/x%u?y", (unsigned)(r >> 44 & 7));
        struct event ev = visit(ip, family, i * 77);
        ev.bot_id = span_str(r % 3 ? id : "");
        ev.http.target = span_str(target);
        ev.asn = 64500 + (r >> 50 & 7);
        ev.as_name = span_str(r % 5 ? "One" : "Other");
        if (r % 11 == 0)
            ev.role = span_str("resolver");
        sources_add(s, i, &ev);
        sources_advance(s, i + 1);
    }
}

static void read_file(struct buf *out)
{
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/sources", dir);
    out->n = 0;
    if (file_read(path, 1u << 28, out, NULL) < 0)
        abort();
}

static void put_file(struct span bytes)
{
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/sources", dir);
    if (file_replace(path, bytes, 0600, NULL) < 0)
        abort();
}

static uint64_t opened_count(uint64_t *position)
{
    struct sources *s = NULL;
    struct err err;
    if (sources_open(dir, &s, &err) < 0)
        return UINT64_MAX;
    uint64_t n = sources_count(s);
    *position = sources_position(s);
    sources_close(s);
    return n;
}

static void test_snapshot(void)
{
    struct sources *s = fresh();
    struct buf one = {0}, two = {0};
    struct err err;
    feed(s, 0, 5000);
    uint64_t count = sources_count(s), position;
    is_int(sources_snapshot(s, &err), 0);
    sources_close(s);
    read_file(&one);
    is_int(opened_count(&position), (long long)count);
    is_int(position, 5000);
    s = fresh();
    for (unsigned i = 0; i < 5000; i += 617) { /* saved and loaded on the way */
        feed(s, i, i + 617 < 5000 ? i + 617 : 5000);
        sources_snapshot(s, &err);
        sources_close(s);
        if (sources_open(dir, &s, &err) < 0)
            abort();
    }
    read_file(&two);
    ok(span_eq(buf_as_span(&one), buf_as_span(&two)), "the same log gives the same bytes");
    sources_close(s);
    buf_free(&two);

    unsigned believed = 0;
    for (size_t i = 0; i < one.n; i += 1 + one.n / 200) { /* a bit here, a bit there */
        one.p[i] ^= 1u << i % 8;
        put_file(buf_as_span(&one));
        believed += opened_count(&position) != 0 || position != 0;
        one.p[i] ^= 1u << i % 8;
    }
    for (size_t n = 0; n < one.n; n += 1 + one.n / 50) {
        put_file(span_of(one.p, n));
        believed += opened_count(&position) != 0 || position != 0;
    }
    is_int(believed, 0, "what is damaged is dropped");
    put_file(buf_as_span(&one));
    is_int(opened_count(&position), (long long)count);
    buf_free(&one);
}

/* Rows that point nowhere, under a checksum that holds. */
static void test_hostile(void)
{
    struct sources *s = fresh();
    struct buf good = {0};
    struct err err;
    feed(s, 0, 50);
    sources_snapshot(s, &err);
    sources_close(s);
    read_file(&good);
    unsigned believed = 0, tried = 0;
    for (size_t i = 8; i + 8 < good.n; i += 4) {
        uint32_t was = be32_get(good.p + i);
        be32_put(good.p + i, 0xfffffff0u);
        be64_put(good.p + good.n - 8, sources_checksum(span_of(good.p, good.n - 8)));
        put_file(buf_as_span(&good));
        if (sources_open(dir, &s, &err) == 0) {
            struct seen seen = {.n = 0};
            tried++;
            believed += sources_count(s) != 0;
            sources_rows(s, see, &seen); /* must not read what is not there */
            struct event ev = visit("192.0.2.1", "bot", 0);
            sources_add(s, 1, &ev);
            sources_close(s);
        }
        be32_put(good.p + i, was);
    }
    ok(tried > 100 && believed < tried, "not all with words changed are taken");
    buf_free(&good);
}

static void count_address(void *ctx, const struct ip *ip)
{
    *(unsigned *)ctx += ip_is_v4(ip);
}

/* For who keeps an index of addresses: rows keep their numbers; and the days that there are. */
static void test_growing(void)
{
    struct sources *s = fresh();
    int64_t first, last;
    unsigned n = 0;
    ok(!sources_span(s, &first, &last), "nothing yet");
    for (unsigned i = 0; i < 5; i++) {
        struct event ev =
            visit(i % 2 ? "192.0.2.1" : "192.0.2.2", i < 2 ? "bot" : "other", i == 3 ? -3600 : 60);
        sources_add(s, i, &ev);
    }
    ok(sources_span(s, &first, &last) && first == NOON - 3600 * UTC_SECOND &&
       last == NOON + 60 * UTC_SECOND);
    is_int(sources_addresses(s, 0, 3, count_address, &n), 3);
    is_int(n, 3);
    is_int(sources_addresses(s, 3, 100, count_address, &n), 4);
    is_int(n, 4);
    is_int(sources_addresses(s, 4, 100, count_address, &n), 4);
    is_int(n, 4);
    sources_close(s);
}

int main(void)
{
    if (!mkdtemp(dir))
        abort();
    log_set_level(LOG_ERROR);
    test_times();
    test_roles();
    test_kinds_of_role();
    test_order();
    test_shapes();
    test_agents();
    test_distinct();
    test_identity();
    test_sweep();
    test_snapshot();
    test_hostile();
    test_growing();
    sources_close(fresh());
    rmdir(dir);
    return tap_done();
}
