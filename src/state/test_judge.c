#include "state/judge.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/act_cleanup.h"
#include "state/census.h"
#include "state/judge_view.h"

#define NOON    (1700000000ll / 86400 * UTC_DAY + 12 * 3600 * UTC_SECOND)
#define DAY     86400
#define VICTIMS 200

static char dir[] = "/tmp/ebb-judge-XXXXXX";
static uint64_t entries;

static struct ip addr(const char *text)
{
    struct ip ip = {{0}};
    if (!ip_parse(span_str(text), &ip))
        abort();
    return ip;
}

static struct net network(const char *text)
{
    struct net net;
    if (!net_parse(span_str(text), &net))
        abort();
    return net;
}

static struct sources *new_sources(void)
{
    struct sources *s = NULL;
    if (sources_open(dir, &s, NULL) < 0)
        abort();
    return s;
}

/* A check-in of the family that most have. */
static struct event checkin(const char *ip, int64_t seconds)
{
    struct event ev = {.kind = KIND_HTTP,
                       .time = NOON + seconds * UTC_SECOND,
                       .src_ip = addr(ip),
                       .dst_ip = addr("198.51.100.1"),
                       .dst_port = 80,
                       .family = span_str("gatebot"),
                       .family_source = span_str("asset"),
                       .asn = 64500};
    ev.http.has = true;
    ev.http.method = span_str("GET");
    ev.http.target = span_str("/gate.php?id=1");
    ev.http.host = span_str("c2.example.net");
    ev.http.user_agent = span_str("Mozilla/4.0");
    return ev;
}

/* Somebody who looks what is there: no rule, no asset. */
static struct event look(const char *ip, int64_t seconds, const char *target, const char *agent)
{
    struct event ev = checkin(ip, seconds);
    ev.family = ev.family_source = span_of(NULL, 0);
    ev.http.target = span_str(target);
    ev.http.host = span_str("198.51.100.1");
    ev.http.user_agent = span_str(agent);
    return ev;
}

static void put(struct sources *s, const struct event *ev)
{
    sources_add(s, ++entries, ev);
}

static void put_bot(struct sources *s, const char *ip, int64_t seconds, const char *family,
                    const char *id)
{
    char target[64];
    struct event ev = checkin(ip, seconds);
    snprintf(target, sizeof target, "/gate.php?id=%s", id);
    ev.family = span_str(family);
    ev.bot_id = span_str(id);
    ev.http.target = span_str(target);
    put(s, &ev);
}

/* Hosts as there are in any botnet: each with its id, ten days long, some with an older version. */
static void put_victims(struct sources *s)
{
    char ip[32], id[32];
    for (unsigned day = 0; day < 10; day++)
        for (unsigned i = 0; i < VICTIMS; i++) {
            snprintf(ip, sizeof ip, "10.0.%u.%u", i / 100, i % 100 + 1);
            snprintf(id, sizeof id, "host-%u", i);
            put_bot(s, ip, day * DAY + i * 7, i % 3 ? "gatebot" : "otherbot", id);
            put_bot(s, ip, day * DAY + i * 7 + 9000, i % 3 ? "gatebot" : "otherbot", id);
        }
}

struct found {
    struct source rows[16];
    size_t n;
};

static int find(void *ctx, const struct source *row)
{
    struct found *f = ctx;
    f->rows[f->n++] = *row;
    return f->n == 16;
}

static struct judgement judged(struct judge *j, struct sources *s, const char *ip)
{
    struct judgement g = {.role = JUDGED_ROLES};
    struct found f = {.n = 0};
    struct ip a = addr(ip);
    sources_of(s, &a, find, &f);
    if (f.n)
        judge_address(j, f.rows, f.n, &g);
    return g;
}

static const char *role(struct judge *j, struct sources *s, const char *ip)
{
    struct judgement g = judged(j, s, ip);
    return g.role < JUDGED_ROLES ? judged_name(g.role) : "nobody";
}

static bool spoke(const struct judgement *g, const char *test)
{
    for (unsigned i = 0; i < g->n; i++)
        if (strcmp(g->tests[i].test, test) == 0)
            return true;
    return false;
}

static struct judge *learned(struct sources *s)
{
    struct judge *j = NULL;
    judge_new(NULL, 0, NULL, &j);
    judge_learn(j, s);
    return j;
}

static void test_victims(void)
{
    struct sources *s = new_sources();
    struct event ev;
    char id[32];
    put_victims(s);
    for (unsigned day = 0; day < 10; day++) /* an address that another host has each day */
        for (unsigned k = 0; k < 3; k++) {
            snprintf(id, sizeof id, "host-%u", day * 11);
            put_bot(s, "10.1.0.1", day * DAY + k * 4000, "gatebot", id);
        }
    for (unsigned i = 0; i < 8; i++) { /* a version that few have */
        ev = checkin("10.1.0.2", i * DAY);
        ev.http.target = span_str("/old/in.cgi?n=1");
        put(s, &ev);
    }
    ev = checkin("10.1.0.3", 0);
    put(s, &ev);
    for (unsigned i = 0; i < 8; i++) { /* a bot that somebody wrote in Python */
        ev = checkin("10.1.0.4", i * DAY);
        ev.http.user_agent = span_str("python-requests/2.28");
        put(s, &ev);
    }
    struct judge *j = learned(s);
    is_str(role(j, s, "10.0.0.5"), "victim");
    is_str(role(j, s, "10.1.0.1"), "victim");
    is_str(role(j, s, "10.1.0.3"), "victim");
    struct judgement g = judged(j, s, "10.1.0.2");
    ok(judged_counts(g.role) && spoke(&g, "speaks-otherwise"),
       "an odd version is one sign, no more");
    g = judged(j, s, "10.1.0.4");
    ok(judged_counts(g.role) && spoke(&g, "says-tool"), "a tool's agent is one sign, no more");
    judge_free(j);
    sources_close(s);
}

static void test_scanners(void)
{
    static const char googlebot[] =
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    static const char *const paths[] = {"/wp-login.php", "/.env",         "/phpmyadmin/",
                                        "/manager/html", "/cgi-bin/luci", "/.git/config",
                                        "/admin",        "/boaform"};
    struct sources *s = new_sources();
    struct event ev;
    char ip[32];
    put_victims(s);
    ev = look("203.0.113.1", 0, "/", googlebot);
    put(s, &ev);
    ev = look("203.0.113.2", 0, "/robots.txt", "");
    put(s, &ev);
    for (unsigned i = 0; i < 8; i++) {
        ev = look("203.0.113.3", i * 60, paths[i], "Mozilla/5.0");
        put(s, &ev);
    }
    for (unsigned i = 0; i < 40; i++) { /* a feed gives a family to whatever comes */
        ev = look("203.0.113.4", i / 10 * DAY + i, "GET / HTTP/1.1", "");
        snprintf(ip, sizeof ip, "198.51.100.%u", i % 10 + 1);
        ev.dst_ip = addr(ip);
        ev.family = span_str(i / 10 % 2 ? "gatebot" : "otherbot");
        ev.family_source = span_str("feed");
        put(s, &ev);
    }
    for (unsigned i = 0; i < 40; i++) { /* the same without a word: goes from target to target */
        ev = checkin("203.0.113.5", i / 10 * DAY + i);
        ev.http.has = false;
        ev.kind = KIND_FEED;
        snprintf(ip, sizeof ip, "198.51.100.%u", i % 10 + 1);
        ev.dst_ip = addr(ip);
        put(s, &ev);
    }
    struct judge *j = learned(s);
    struct judgement g = judged(j, s, "203.0.113.1");
    ok(g.role == JUDGED_SCANNER && spoke(&g, "says-crawler"), "Googlebot with one visit");
    is_str(role(j, s, "203.0.113.2"), "scanner");
    g = judged(j, s, "203.0.113.3");
    ok(g.role == JUDGED_SCANNER && spoke(&g, "path-probing"), "who tries many paths");
    g = judged(j, s, "203.0.113.4");
    ok(g.role == JUDGED_SCANNER && spoke(&g, "same-words") && spoke(&g, "speaks-otherwise") &&
           spoke(&g, "asks-nothing") && spoke(&g, "by-address"),
       "who says the same to two families");
    g = judged(j, s, "203.0.113.5");
    ok(g.role == JUDGED_SCANNER && spoke(&g, "sweeping"), "who sweeps without a word");
    ok(g.tests[0].says == JUDGED_SCANNER, "the deciding tests come first");
    judge_free(j);
    sources_close(s);
}

/* Forty bots behind one address, and four thousand: quick, to many targets, and no scanner. */
static void test_gateways(void)
{
    struct sources *s = new_sources();
    char id[32];
    put_victims(s);
    for (unsigned day = 0; day < 10; day++)
        for (unsigned i = 0; i < 80; i++) {
            snprintf(id, sizeof id, "cgnat-%u", i % 40);
            put_bot(s, "10.2.0.1", day * DAY + i * 500, "gatebot", id);
        }
    for (unsigned day = 0; day < 3; day++)
        for (unsigned i = 0; i < 8000; i++) {
            char target[64], ip[32];
            struct event ev = checkin("10.2.0.2", day * DAY + i * 5);
            snprintf(id, sizeof id, "big-%u", i * 7 % 4000);
            snprintf(target, sizeof target, "/gate.php?id=%s", id);
            snprintf(ip, sizeof ip, "198.51.100.%u", i * 5 % 11 + 1);
            ev.bot_id = span_str(id);
            ev.http.target = span_str(target);
            ev.dst_ip = addr(ip);
            put(s, &ev);
        }
    struct judge *j = learned(s);
    struct judgement g = judged(j, s, "10.2.0.1");
    ok(g.role == JUDGED_PROXY && spoke(&g, "several-bots"), "forty bots behind one address");
    ok(judged_counts(g.role), "count as infected");
    g = judged(j, s, "10.2.0.2");
    ok(g.role == JUDGED_PROXY && !spoke(&g, "sweeping"),
       "four thousand are quick, and do not sweep");
    judge_free(j);
    sources_close(s);
}

static void test_sandboxes(void)
{
    struct sources *s = new_sources();
    char id[32], ip[32];
    put_victims(s);
    for (unsigned i = 0; i < 24; i++) { /* a machine that was never seen, each time */
        snprintf(id, sizeof id, "sample-%u", i);
        put_bot(s, "203.0.113.9", i / 3 * DAY + i % 3 * 900, "gatebot", id);
    }
    for (unsigned host = 1; host <= 6; host++) /* a lab without ids: one family a day */
        for (unsigned day = 0; day < 12; day++) {
            static const char *const families[] = {"quiet-a", "quiet-b", "quiet-c"};
            struct event ev;
            snprintf(ip, sizeof ip, "192.0.2.%u", host);
            ev = checkin(ip, day * DAY);
            ev.family = span_str(families[(day * 7 + host * 3 + day / 2) % 3]);
            ev.http.has = false;
            ev.kind = KIND_FEED;
            put(s, &ev);
        }
    for (unsigned day = 0; day < 12; day++) /* one address with two families, both every day */
        for (unsigned k = 0; k < 2; k++) {
            struct event ev = checkin("10.3.0.1", day * DAY + k * 100);
            ev.family = span_str(k ? "quiet-a" : "quiet-b");
            ev.http.has = false;
            ev.kind = KIND_FEED;
            put(s, &ev);
        }
    struct judge *j = learned(s);
    struct judgement g = judged(j, s, "203.0.113.9");
    ok(g.role == JUDGED_SANDBOX && spoke(&g, "always-new"), "each contact another machine");
    g = judged(j, s, "192.0.2.3");
    ok(g.role == JUDGED_SANDBOX && spoke(&g, "one-at-a-time") && spoke(&g, "lab-network"),
       "a lab that runs one family a day");
    g = judged(j, s, "10.3.0.1");
    ok(judged_counts(g.role), "two families on the same days are two victims");
    judge_free(j);
    sources_close(s);
}

static void test_others(void)
{
    struct sources *s = new_sources();
    put_victims(s);
    for (unsigned i = 0; i < 20; i++) {
        struct event ev = checkin("10.4.0.1", i * 600);
        ev.role = span_str("resolver");
        put(s, &ev);
        ev.src_ip = addr("10.4.0.2"); /* a resolver that is infected itself */
        put(s, &ev);
        ev.src_ip = addr("10.4.0.3");
        ev.role = span_str(i % 2 ? "visitor" : "sender");
        put(s, &ev);
        if (i % 5 == 0)
            put_bot(s, "10.4.0.2", i * DAY, "otherbot", "resolver-host");
    }
    struct judge *j = learned(s);
    is_str(role(j, s, "10.4.0.1"), "resolver");
    is_str(role(j, s, "10.4.0.2"), "victim");
    is_str(role(j, s, "10.4.0.3"), "other");
    ok(!judged_counts(JUDGED_RESOLVER) && !judged_counts(JUDGED_OTHER), "these do not count");
    judge_free(j);
    sources_close(s);
}

static void overrule(struct judgements *v, uint64_t index, const char *net, const char *as,
                     const char *by)
{
    struct buf payload = {0};
    const struct act_role_overruled a = {span_str(net), span_str(as), span_str(by),
                                         span_str("why not")};
    act_role_overruled(&payload, &a);
    judgements_act(v, KIND_ROLE_OVERRULED, index, buf_as_span(&payload));
    judgements_advance(v, index + 1);
    buf_free(&payload);
}

static void test_who_says_otherwise(void)
{
    const struct judge_known known[] = {
        {network("10.0.0.0/24"), JUDGED_RESEARCHER, span_str("friends")},
        {network("10.0.0.7/32"), JUDGED_VICTIM, span_str("not he")}};
    struct sources *s = new_sources();
    struct judgements *v = NULL;
    struct judge *j = NULL;
    put_victims(s);
    judgements_open(dir, &v, NULL);
    judge_new(known, 2, v, &j);
    judge_learn(j, s);
    struct judgement g = judged(j, s, "10.0.0.5");
    ok(g.role == JUDGED_RESEARCHER && span_is(g.why, "friends") && spoke(&g, "known-range"),
       "a range that the operator knows");
    is_str(role(j, s, "10.0.0.7"), "victim");
    is_str(role(j, s, "10.0.1.7"), "victim");
    overrule(v, 900, "10.0.0.0/16", "scanner", "ann");
    overrule(v, 901, "10.0.1.0/24", "sandbox", "ben");
    g = judged(j, s, "10.0.0.5");
    ok(g.role == JUDGED_SCANNER && g.overruled && g.tests_say == JUDGED_RESEARCHER &&
           g.entry == 900 && span_is(g.by, "ann"),
       "a person says more than the list");
    is_str(role(j, s, "10.0.1.7"), "sandbox");
    overrule(v, 902, "10.0.1.0/24", "victim", "ann");
    is_str(role(j, s, "10.0.1.7"), "victim");
    is_int(judged(j, s, "10.0.1.7").entry, 902);
    overrule(v, 903, "10.0.1.0/24", "", "ann");
    is_str(role(j, s, "10.0.1.7"), "scanner");
    overrule(v, 904, "10.0.0.0/16", "", "ann");
    is_str(role(j, s, "10.0.1.7"), "victim");
    overrule(v, 905, "10.0.1.7", "other", "ann");
    is_str(role(j, s, "10.0.1.7"), "other");
    overrule(v, 906, "no network", "other", "ann");
    overrule(v, 907, "10.0.1.8", "nonsense", "ann");
    is_str(role(j, s, "10.0.1.8"), "victim");
    judge_free(j);
    judgements_close(v);
    sources_close(s);
}

static const char blob_text[] = JUDGE_ROWS_HEADING "10.0.0.5,scanner,a b\n2001:db8::1,sandbox,c\n"
                                                   "nonsense\n10.0.0.6,king,d\n,scanner,\n"
                                                   "10.0.0.7,victim\n";

static int get_blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    if (!ctx)
        return err_set(err, -2, "gone");
    buf_str(out, ctx);
    return 0;
}

static void judged_act(struct judgements *v, uint64_t index, const char *blob)
{
    static const uint8_t digest[SHA256_LEN] = {1};
    const struct act_roles_judged a = {.position = index,
                                       .rules = span_str("r"),
                                       .sha256 = span_of(digest, SHA256_LEN),
                                       .rows = 3};
    struct buf payload = {0};
    judgements_blobs(v, get_blob, (void *)blob);
    act_roles_judged(&payload, &a);
    judgements_act(v, KIND_ROLES_JUDGED, index, buf_as_span(&payload));
    judgements_advance(v, index + 1);
    buf_free(&payload);
}

static enum judged logged(struct judgements *v, const char *ip, uint64_t *entry)
{
    struct ip a = addr(ip);
    return judgements_logged(v, &a, entry);
}

static int count_overrulings(void *ctx, const struct judge_overruling *o)
{
    ++*(unsigned *)ctx;
    return 0;
}

static void test_view(void)
{
    struct judgements *v = NULL;
    uint64_t entry;
    char path[FILE_PATH_MAX];
    struct buf one = {0}, two = {0};
    unsigned n = 0;
    judgements_open(dir, &v, NULL);
    judged_act(v, 50, blob_text);
    ok(logged(v, "10.0.0.5", &entry) == JUDGED_SCANNER && entry == 50, "what the log says");
    ok(logged(v, "2001:db8::1", &entry) == JUDGED_SANDBOX, "of IPv6, too");
    ok(logged(v, "10.0.0.6", &entry) == JUDGED_UNJUDGED && entry == 0, "a role that is none");
    judged_act(v, 60, "10.0.0.5,unjudged,\n");
    ok(logged(v, "10.0.0.5", &entry) == JUDGED_UNJUDGED && entry == 60, "the latest counts");
    judged_act(v, 61, NULL);
    overrule(v, 70, "192.0.2.0/24", "scanner", "ann");
    overrule(v, 71, "2001:db8::/32", "researcher", "ann");
    judgements_snapshot(v, NULL);
    file_path(path, NULL, "%s/judgements", dir);
    file_read(path, 1 << 20, &one, NULL);
    judgements_close(v);
    judgements_open(dir, &v, NULL);
    is_int(judgements_position(v), 72);
    judgements_overrulings(v, count_overrulings, &n);
    ok(n == 2 && logged(v, "2001:db8::1", &entry) == JUDGED_SANDBOX && entry == 50,
       "saved and loaded");
    judgements_snapshot(v, NULL);
    file_read(path, 1 << 20, &two, NULL);
    ok(span_eq(buf_as_span(&one), buf_as_span(&two)), "the same bytes again");
    judgements_close(v);
    unsigned believed = 0;
    for (size_t i = 0; i < one.n; i++) {
        one.p[i] ^= 0x10;
        file_replace(path, buf_as_span(&one), 0600, NULL);
        judgements_open(dir, &v, NULL);
        believed += judgements_position(v) != 0;
        judgements_close(v);
        one.p[i] ^= 0x10;
    }
    is_int(believed, 0, "damage is noticed");
    unlink(path);
    buf_free(&one);
    buf_free(&two);
}

static void test_all(void)
{
    struct sources *s = new_sources();
    struct judge *j = NULL;
    struct ip *out;
    size_t n;
    put_victims(s);
    static const char *const ips[] = {"2001:db8::9", "203.0.113.7", "9.0.0.1", "2001:db8::1"};
    for (unsigned i = 0; i < 4; i++) {
        struct event ev = look(ips[i], 0, "/", "zgrab/0.x");
        put(s, &ev);
    }
    judge_new(NULL, 0, NULL, &j);
    is_int(judge_excluded(j, s, &out, &n), 0);
    is_int(n, 4);
    struct ip want[] = {addr("9.0.0.1"), addr("203.0.113.7"), addr("2001:db8::1"),
                        addr("2001:db8::9")};
    ok(n == 4 && memcmp(out, want, sizeof want) == 0, "ascending, IPv4 first");
    free(out);
    judge_free(j);
    judge_new(NULL, 0, NULL, &j); /* nothing learned */
    ok(judged_counts(judged(j, s, "10.0.0.5").role), "without learning a victim is none the less");
    ok(strlen(judge_rules()) == 16, "the tests have a version");
    struct judge_vote votes[JUDGE_TESTS_MAX];
    struct found f = {.n = 0};
    struct ip a = addr("10.0.0.5");
    sources_of(s, &a, find, &f);
    unsigned tests = judge_measure(j, f.rows, f.n, votes);
    ok(tests > 15 && tests < JUDGE_TESTS_MAX, "all tests are shown");
    judge_free(j);
    sources_close(s);
}

static void test_names(void)
{
    for (int r = 0; r < JUDGED_ROLES; r++)
        is_int(judged_of_name(span_str(judged_name((enum judged)r))), r);
    ok(judged_of_name(span_str("king")) == -1 && !judged_name(JUDGED_ROLES), "names");
}

/* ---- the census beside it ---- */

#define EXCLUDED 40
#define WORLD    3000

struct counted {
    struct {
        char key[160];
        uint64_t addresses, victims;
    } rows[4096];
    unsigned n;
};

static int keep_counted(void *ctx, const struct census_row *r)
{
    struct counted *c = ctx;
    char net[NET_TEXT_MAX] = "", ip[IP_TEXT_MAX] = "";
    if (r->network.set)
        net_format(&r->network, net);
    ip_format(&r->address, ip);
    snprintf(c->rows[c->n].key, sizeof c->rows[0].key, "%d %.*s %u %.*s %s %s", r->day,
             (int)r->family.n, (const char *)r->family.p, r->asn, (int)r->country.n,
             (const char *)r->country.p, net, ip);
    c->rows[c->n].addresses = r->addresses;
    c->rows[c->n++].victims = r->victims;
    return c->n == 4096;
}

static int cmp_ip(const void *x, const void *y)
{
    const struct ip *a = x, *b = y;
    return ip_is_v4(a) != ip_is_v4(b) ? (ip_is_v4(a) ? -1 : 1) : memcmp(a, b, sizeof *a);
}

static uint64_t draw(uint64_t *r)
{
    *r = *r * 6364136223846793005ull + 1442695040888963407ull;
    return *r >> 33;
}

/* The victims of one census are the addresses of another, which never saw the others. */
static void test_census(void)
{
    static struct counted all, without;
    struct census *a = NULL, *b = NULL;
    struct ip excluded[EXCLUDED];
    uint64_t r = 7;
    census_open(dir, &a, NULL);
    census_open(dir, &b, NULL);
    for (unsigned i = 0; i < EXCLUDED; i++) {
        char ip[48];
        snprintf(ip, sizeof ip, i % 2 ? "10.0.%u.%u" : "2001:db8::%u:%u", (unsigned)(draw(&r) % 4),
                 (unsigned)(draw(&r) % 50));
        excluded[i] = addr(ip);
    }
    qsort(excluded, EXCLUDED, sizeof *excluded, cmp_ip);
    for (unsigned i = 0; i < WORLD; i++) {
        char ip[48];
        snprintf(ip, sizeof ip, draw(&r) % 2 ? "10.0.%u.%u" : "2001:db8::%u:%u",
                 (unsigned)(draw(&r) % 4), (unsigned)(draw(&r) % 50));
        struct event ev = checkin(ip, (int64_t)(draw(&r) % 9) * DAY);
        ev.family = span_str(draw(&r) % 3 ? "one" : "two");
        ev.asn = 64500 + draw(&r) % 3;
        ev.country = span_str(draw(&r) % 2 ? "DE" : "FR");
        ev.network = net_of(&ev.src_ip, ip_is_v4(&ev.src_ip) ? 24 : 64);
        census_add(a, &ev);
        if (!bsearch(&ev.src_ip, excluded, EXCLUDED, sizeof *excluded, cmp_ip))
            census_add(b, &ev);
    }
    for (enum census_by by = CENSUS_BY_DAY; by <= CENSUS_BY_ADDRESS; by++) {
        struct census_query q = {.by = by, .since = INT32_MIN, .until = INT32_MAX};
        unsigned same = 0, left = 0;
        all.n = without.n = 0;
        census_rows(b, &q, keep_counted, &without, NULL);
        q.excluded = excluded;
        q.n_excluded = EXCLUDED;
        census_rows(a, &q, keep_counted, &all, NULL);
        for (unsigned i = 0; i < all.n; i++) {
            left += all.rows[i].victims > 0;
            for (unsigned k = 0; k < without.n; k++)
                same += strcmp(all.rows[i].key, without.rows[k].key) == 0 &&
                        all.rows[i].victims == without.rows[k].addresses &&
                        without.rows[k].victims == without.rows[k].addresses;
        }
        ok(without.n > 0 && same == without.n && left == without.n,
           "victims by day, country, AS, network, family, address");
    }
    census_close(a);
    census_close(b);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    if (!mkdtemp(dir))
        abort();
    test_names();
    test_victims();
    test_scanners();
    test_gateways();
    test_sandboxes();
    test_others();
    test_who_says_otherwise();
    test_view();
    test_all();
    test_census();
    rmdir(dir);
    return tap_done();
}
