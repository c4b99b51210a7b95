/* Partners: what they may see against a model that looks at every network, tokens, and the
 * snapshot. */
#include "state/partners.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "event/act_cleanup.h"
#include "event/event.h"

static char dir[] = "/tmp/ebb-partners-XXXXXX";

static void digest_of(const char *token, uint8_t out[SHA256_LEN])
{
    sha256(token, strlen(token), out);
}

static void put(struct partners *p, uint64_t index, const char *name, const char *networks,
                const char *token, int64_t until)
{
    struct buf payload = {0};
    uint8_t digest[SHA256_LEN];
    struct act_partner act = {.name = span_str(name),
                              .networks = span_str(networks),
                              .by = span_str("operator"),
                              .why = span_str("agreed"),
                              .until = until};
    if (token) {
        digest_of(token, digest);
        act.token = span_of(digest, sizeof digest);
    }
    act_partner(&payload, &act);
    partners_act(p, KIND_PARTNER, index, 1000000 * (int64_t)index, buf_as_span(&payload));
    buf_free(&payload);
}

static bool known(struct partners *p, const char *token, int64_t now, struct partner *out)
{
    uint8_t digest[SHA256_LEN];
    digest_of(token, digest);
    return partners_by_token(p, digest, now, out);
}

static bool sees(const struct partner *p, const char *address, uint32_t asn)
{
    struct ip ip;
    if (!ip_parse(span_str(address), &ip))
        abort();
    return partner_may_see(p, &ip, asn);
}

static int collect(void *ctx, const struct partner *p)
{
    struct buf *out = ctx;
    buf_span(out, p->name);
    buf_str(out, p->revoked ? "- " : " ");
    return 0;
}

static bool listed(struct partners *p, const char *want)
{
    struct buf out = {0};
    partners_each(p, collect, &out);
    buf_byte(&out, 0);
    bool good = strcmp((char *)out.p, want) == 0;
    if (!good)
        printf("# %s\n", (char *)out.p);
    buf_free(&out);
    return good;
}

static void check(struct partners *p)
{
    struct partner got;
    ok(listed(p, "isp lab- national "));
    ok(known(p, "token-2", 0, &got) && span_is(got.name, "isp") && got.entry == 5,
       "a name again replaces");
    ok(!known(p, "token-1", 0, &got) && got.entry == 0, "its old token is nobody's");
    ok(!known(p, "token-3", 0, &got) && got.entry == 0, "nor is a revoked one");
    ok(known(p, "token-4", 1999, &got) && span_is(got.name, "national"));
    ok(!known(p, "token-4", 2000, &got) && got.entry == 4, "over: it says whose it was");
    ok(!known(p, "", 0, &got));
    ok(partners_by_name(p, span_str("isp"), &got) && got.since == 5000000);
    ok(span_is(got.by, "operator") && span_is(got.why, "agreed"));
    is_int(got.n_nets, 3, "nested prefixes are one");
    is_int(got.n_ases, 2);
    ok(sees(&got, "192.0.2.1", 0) && sees(&got, "192.0.2.255", 7));
    ok(!sees(&got, "192.0.3.0", 0) && !sees(&got, "192.0.1.255", 0));
    ok(sees(&got, "198.51.100.200", 64500) && sees(&got, "8.8.8.8", 4200000000u));
    ok(!sees(&got, "8.8.8.8", 64501) && !sees(&got, "8.8.8.8", 0));
    ok(sees(&got, "2001:db8:7::1", 0) && !sees(&got, "2001:db9::1", 0));
    ok(sees(&got, "10.1.2.3", 0) && !sees(&got, "10.1.2.4", 0), "one address");
    ok(!sees(&got, "::c000:201", 0), "an IPv6 address is none of an IPv4 prefix");
    ok(!partners_by_name(p, span_str("nobody"), &got) && !got.entry);
    partners_union(p, 1999, &got);
    ok(sees(&got, "192.0.2.1", 0) && sees(&got, "8.8.8.8", 64497) && !sees(&got, "8.8.8.8", 64496),
       "all together, but the revoked one");
    partners_union(p, 2000, &got);
    ok(sees(&got, "192.0.2.1", 0) && !sees(&got, "8.8.8.8", 64497), "and not one that is over");
}

static void test_view(void)
{
    struct partners *p;
    struct err err;
    struct partner got;
    ok(partners_open(dir, &p, &err) == 0);
    put(p, 1, "isp", "203.0.113.0/24", "token-1", ACT_FOREVER);
    put(p, 2, "lab", "AS64496", "token-3", ACT_FOREVER);
    put(p, 3, "lab", "AS64496", NULL, ACT_FOREVER);
    put(p, 4, "national", "AS64497", "token-4", 2000);
    put(p, 5, "isp",
        "192.0.2.0/25 AS64500 192.0.2.0/24 nonsense AS0 2001:db8::/32 10.1.2.3 0.0.0.0/0 "
        "192.0.2.128/25 as4200000000 AS4294967296  2001:db8:7::/48",
        "token-2", ACT_FOREVER);
    put(p, 6, "../evil", "AS1", "token-5", ACT_FOREVER);
    put(p, 6, "", "AS1", "token-5", ACT_FOREVER);
    partners_act(p, KIND_PARTNER, 7, 0, span_str("\xa1garbage"));
    partners_act(p, KIND_PARTNER, 7, 0, span_of(NULL, 0));
    partners_act(p, KIND_ORDER, 7, 0, span_str("x"));
    ok(!known(p, "token-5", 0, &got), "a name that is none is passed over");
    check(p);
    partners_advance(p, 8);
    ok(partners_snapshot(p, &err) == 0);
    partners_close(p);
    ok(partners_open(dir, &p, &err) == 0 && partners_position(p) == 8);
    check(p);
    partners_close(p);
}

static void test_damage(void)
{
    char path[FILE_PATH_MAX];
    struct buf file = {0};
    struct partners *p;
    struct err err;
    unsigned believed = 0;
    file_path(path, &err, "%s/partners", dir);
    ok(file_read(path, 1 << 20, &file, &err) == 0);
    for (size_t i = 0; i < file.n; i += 7) {
        file.p[i] ^= 0x41;
        if (file_replace(path, buf_as_span(&file), 0600, &err) < 0 ||
            partners_open(dir, &p, &err) < 0)
            abort();
        believed += partners_position(p) != 0 || !listed(p, "");
        partners_close(p);
        file.p[i] ^= 0x41;
    }
    is_int(believed, 0);
    ok(file_replace(path, span_of(file.p, 10), 0600, &err) == 0);
    ok(partners_open(dir, &p, &err) == 0 && partners_position(p) == 0, "cut");
    partners_close(p);
    unlink(path);
    buf_free(&file);
}

/* Random networks, each address looked for in all of them. */
#define NETS 60
static void test_model(void)
{
    struct partners *p;
    struct err err;
    unsigned differ = 0, seen = 0;
    srandom(7);
    if (partners_open(dir, &p, &err) < 0)
        abort();
    for (unsigned round = 0; round < 50; round++) {
        struct buf text = {0};
        struct net nets[NETS];
        struct partner got;
        for (unsigned i = 0; i < NETS; i++) {
            char name[NET_TEXT_MAX];
            struct ip ip = ip_from_v4(0x0a000000u + (uint32_t)random() % 4096);
            nets[i] = net_of(&ip, (uint8_t)(22 + random() % 11));
            net_format(&nets[i], name);
            buf_printf(&text, "%s ", name);
        }
        buf_byte(&text, 0);
        put(p, 100 + round, "model", (char *)text.p, "t", ACT_FOREVER);
        partners_by_name(p, span_str("model"), &got);
        for (uint32_t v = 0x0a000000u - 8; v < 0x0a000000u + 4104; v++) {
            struct ip ip = ip_from_v4(v);
            bool in = false;
            for (unsigned i = 0; i < NETS; i++)
                in |= net_has(&nets[i], &ip);
            differ += in != partner_may_see(&got, &ip, 0);
            seen += in;
        }
        buf_free(&text);
    }
    is_int(differ, 0);
    ok(seen > 1000);
    partners_close(p);
}

static void test_texts(void)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"AS1", true},
        {"as4294967295", true},
        {"AS0", false},
        {"AS4294967296", false},
        {"AS", false},
        {"AS-1", false},
        {"AS1x", false},
        {"AS99999999999999999999", false},
        {"10.0.0.0/8", true},
        {"10.0.0.0/7", false},
        {"0.0.0.0/0", false},
        {"::/0", false},
        {"2001:db8::/32", true},
        {"2000::/3", false},
        {"1.2.3.4", true},
        {"1.2.3", false},
        {"1.2.3.4/33", false},
        {"2001:db8::1", true},
        {"", false},
        {"64500", false},
    };
    struct net net;
    uint32_t asn;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ok((partner_network_parse(span_str(cases[i].text), &net, &asn) == NULL) == cases[i].good &&
           (!cases[i].good || (asn != 0) != net.set));
    ok(partner_name_is_good(span_str("cert.example-1_x")) &&
       !partner_name_is_good(span_str(".x")) && !partner_name_is_good(span_str("a/b")) &&
       !partner_name_is_good(span_str("a b")) && !partner_name_is_good(span_str("")));
    char name[PARTNER_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    ok(partner_name_is_good(span_of(name, PARTNER_NAME_MAX)) &&
       !partner_name_is_good(span_of(name, PARTNER_NAME_MAX + 1)));
}

int main(void)
{
    if (!mkdtemp(dir))
        abort();
    test_view();
    test_damage();
    test_model();
    test_texts();
    rmdir(dir);
    return tap_done();
}
