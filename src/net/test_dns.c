/* The DNS server: what is answered to whom, EDNS, limits, cookies, and what reaches the log.
 * Replies are read by ldns. */
#include "net/test_dns.h"

#include "net/dns_cookie.h"
#include "net/dns_limit.h"
#include "net/dns_records.h"

enum {
    A = 1,
    NS = 2,
    CNAME = 5,
    SOA = 6,
    PTR = 12,
    MX = 15,
    TXT = 16,
    AAAA = 28,
    SRV = 33,
    IXFR = 251,
    AXFR = 252,
    ANY = 255,
    CAA = 257,
    HTTPS = 65
};
enum { RD = 0x0100, CD = 0x0010 };

static struct test_env t;
static struct net_peer udp, tcp;

static char *spam_records[] = {
    "@ A 192.0.2.1",
    "@ 60 A 192.0.2.2",
    "* AAAA 2001:db8::1",
    "* MX 10 mail",
    "www A 192.0.2.3",
    "WWW2 CNAME www",
    "out CNAME host.example.net.",
    "chain CNAME www2",
    "* TXT \"v=spf1 -all\"",
    "*.pool A 192.0.2.4",
    "a.pool A 192.0.2.5",
    "* HTTPS 1 . alpn=h2",
    "_s._tcp SRV 0 0 25 mail",
    "@ CAA 0 issue \";\"",
    "* PTR sinkhole.example.net.",
    "nothing CNAME empty",
};
static char *own_records[] = {
    "@ SOA a.example.net. b.example.net. 7 3600 600 86400 30",
    "* NS a.example.net.",
    "@ NS b",
    "big TXT \"0123456789012345678901234567890123456789012345678901234567890123456789\" "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\" "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\" "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\" "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\" "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\" "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\" "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
};

static void set_up(void)
{
    static char spam[] = "spam", own[] = "own", operator[] = "Example Response Team", nsid[] = "s1";
    test_env_init(&t);
    t.policies[1] = t.policies[2] = t.policies[0];
    t.policies[1].name = spam;
    t.policies[1].dns.records = spam_records;
    t.policies[1].dns.records_count = sizeof spam_records / sizeof *spam_records;
    t.policies[2].name = own;
    t.policies[2].dns.records = own_records;
    t.policies[2].dns.records_count = sizeof own_records / sizeof *own_records;
    t.config.policies_count = 3;
    t.config.operator_name = operator;
    t.config.nsid = nsid;
    t.config.limits.dns_responses = 0;
    test_env_asset(&t, "seized.example", "spam", "rustock");
    test_env_asset(&t, "deep.seized.example", "", "");
    test_env_asset(&t, "own.example", "own", "");
    test_env_asset(&t, "*.wild.example", "spam", "");
    test_env_asset(&t, "198.51.100.7", "spam", "");
    test_env_asset(&t, "203.0.113.0/24", "spam", "");
    test_env_asset(&t, "198.18.0.0/24", "spam", "");
    test_env_asset(&t, "2001:db8:5::/46", "spam", "");
    uint8_t quiet[255]; /* not identified */
    struct authority_asset a = {
        .index = 4,
        .until = TEST_NOW + 1,
        .name = span_of(quiet, authority_wire_name(span_str("quiet.example"), quiet))};
    authority_builder_asset(t.builder, &a, NULL);
    test_env_ready(&t);
    struct err err;
    if (dns_server_new(&t.config, &t.env.dns, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    udp = test_peer("192.0.2.200", 4000, "192.0.2.53", 53, false);
    tcp = udp;
    tcp.tcp = true;
}

static const char *ask(const char *name, unsigned type, unsigned flags)
{
    struct message m = query_of(name, type, flags);
    return dns_reply_text(dns_ask(&t, &udp, span_of(m.p, m.n)));
}

static struct test_recorded *last(void)
{
    static struct test_recorded none;
    return t.n ? &t.recorded[t.n - 1] : &none;
}

static const char *text_of(struct span s)
{
    static char text[1100];
    snprintf(text, sizeof text, "%.*s", (int)s.n, s.n ? (const char *)s.p : "");
    return text;
}

#define SOA_NEGATIVE                                                                               \
    " | authority: seized.example. 60 IN SOA ns.seized.example. hostmaster.seized.example. 3 "     \
    "3600 "                                                                                        \
    "600 86400 60"

static const struct {
    const char *name;
    unsigned type;
    const char *reply, *answer; /* what the log says; NULL: not recorded */
} answers[] = {
    {"seized.example", A,
     "NOERROR aa | seized.example. 60 IN A 192.0.2.1 / seized.example. 60 IN A 192.0.2.2",
     "NOERROR"},
    /* records of the zone itself do not go further down, "*" goes everywhere */
    {"other.seized.example", A, "NOERROR aa" SOA_NEGATIVE, "NODATA"},
    {"a.b.c.seized.example", AAAA, "NOERROR aa | a.b.c.seized.example. 300 IN AAAA 2001:db8::1",
     "NOERROR"},
    {"seized.example", AAAA, "NOERROR aa | seized.example. 300 IN AAAA 2001:db8::1", "NOERROR"},
    {"sEiZeD.eXaMpLe", AAAA, "NOERROR aa | sEiZeD.eXaMpLe. 300 IN AAAA 2001:db8::1", "NOERROR"},
    {"seized.example", MX, "NOERROR aa | seized.example. 300 IN MX 10 mail.seized.example.",
     "NOERROR"},
    {"x.seized.example", MX, "NOERROR aa | x.seized.example. 300 IN MX 10 mail.seized.example.",
     "NOERROR"},
    {"www.seized.example", A, "NOERROR aa | www.seized.example. 300 IN A 192.0.2.3", "NOERROR"},
    {"WWW.seized.example", A, "NOERROR aa | WWW.seized.example. 300 IN A 192.0.2.3", "NOERROR"},
    {"www.seized.example", AAAA, "NOERROR aa | www.seized.example. 300 IN AAAA 2001:db8::1",
     "NOERROR"},
    {"x.www.seized.example", A, "NOERROR aa" SOA_NEGATIVE, "NODATA"},
    {"www2.seized.example", A,
     "NOERROR aa | www2.seized.example. 300 IN CNAME www.seized.example. / www.seized.example. 300 "
     "IN "
     "A 192.0.2.3",
     "NOERROR"},
    {"www2.seized.example", CNAME,
     "NOERROR aa | www2.seized.example. 300 IN CNAME www.seized.example.", "NOERROR"},
    {"chain.seized.example", A,
     "NOERROR aa | chain.seized.example. 300 IN CNAME www2.seized.example. / www2.seized.example. "
     "300 "
     "IN CNAME www.seized.example. / www.seized.example. 300 IN A 192.0.2.3",
     "NOERROR"},
    {"out.seized.example", A, "NOERROR aa | out.seized.example. 300 IN CNAME host.example.net.",
     "NOERROR"},
    {"nothing.seized.example", A,
     "NOERROR aa | nothing.seized.example. 300 IN CNAME empty.seized.example." SOA_NEGATIVE,
     "NODATA"},
    {"x.pool.seized.example", A, "NOERROR aa | x.pool.seized.example. 300 IN A 192.0.2.4",
     "NOERROR"},
    {"y.x.pool.seized.example", A, "NOERROR aa | y.x.pool.seized.example. 300 IN A 192.0.2.4",
     "NOERROR"},
    {"a.pool.seized.example", A, "NOERROR aa | a.pool.seized.example. 300 IN A 192.0.2.5",
     "NOERROR"},
    {"b.a.pool.seized.example", A, "NOERROR aa | b.a.pool.seized.example. 300 IN A 192.0.2.4",
     "NOERROR"},
    {"pool.seized.example", A, "NOERROR aa" SOA_NEGATIVE, "NODATA"},
    {"seized.example", HTTPS, "NOERROR aa | seized.example. 300 IN HTTPS 1 . alpn=h2", "NOERROR"},
    {"_s._tcp.seized.example", SRV,
     "NOERROR aa | _s._tcp.seized.example. 300 IN SRV 0 0 25 mail.seized.example.", "NOERROR"},
    {"seized.example", CAA, "NOERROR aa | seized.example. 300 IN CAA 0 issue \";\"", "NOERROR"},
    {"seized.example", SOA,
     "NOERROR aa | seized.example. 60 IN SOA ns.seized.example. hostmaster.seized.example. 3 3600 "
     "600 "
     "86400 60",
     "NOERROR"},
    {"seized.example", NS, "NOERROR aa | seized.example. 300 IN NS ns.seized.example.", "NOERROR"},
    {"x.seized.example", NS, "NOERROR aa" SOA_NEGATIVE, "NODATA"},
    {"x.seized.example", SOA, "NOERROR aa" SOA_NEGATIVE, "NODATA"},
    {"x.seized.example", TXT, "NOERROR aa | x.seized.example. 300 IN TXT \"v=spf1 -all\"",
     "NOERROR"},
    {"seized.example", 999, "NOERROR aa" SOA_NEGATIVE, "NODATA"},
    {"seized.example", ANY, "NOERROR aa | seized.example. 300 IN HINFO \"RFC8482\" \"\"",
     "NOERROR"},
    {"seized.example", AXFR, "REFUSED", "REFUSED"},
    {"seized.example", IXFR, "REFUSED", "REFUSED"},
    {"seized.example", 41, "FORMERR", "FORMERR"},
    /* an asset below another has its own policy, here the default one, which has no records */
    {"deep.seized.example", A,
     "NOERROR aa | authority: deep.seized.example. 60 IN SOA ns.deep.seized.example. "
     "hostmaster.deep.seized.example. 3 3600 600 86400 60",
     "NODATA"},
    {"own.example", SOA,
     "NOERROR aa | own.example. 300 IN SOA a.example.net. b.example.net. 7 3600 600 86400 30",
     "NOERROR"},
    {"own.example", NS,
     "NOERROR aa | own.example. 300 IN NS a.example.net. / own.example. 300 IN NS b.own.example.",
     "NOERROR"},
    {"x.own.example", A,
     "NOERROR aa | authority: own.example. 30 IN SOA a.example.net. b.example.net. 7 3600 600 "
     "86400 30",
     "NODATA"},
    /* names directly below a wildcard are zones */
    {"wild.example", A, "REFUSED", NULL},
    {"x.wild.example", A,
     "NOERROR aa | x.wild.example. 60 IN A 192.0.2.1 / x.wild.example. 60 IN A "
     "192.0.2.2",
     "NOERROR"},
    {"y.x.wild.example", A,
     "NOERROR aa | authority: x.wild.example. 60 IN SOA ns.x.wild.example. "
     "hostmaster.x.wild.example. 3 "
     "3600 600 86400 60",
     "NODATA"},
    {"www.x.wild.example", A, "NOERROR aa | www.x.wild.example. 300 IN A 192.0.2.3", "NOERROR"},
    {"example", A, "REFUSED", NULL},
    {"other.example", A, "REFUSED", NULL},
    {"xseized.example", A, "REFUSED", NULL},
    {".", NS, "REFUSED", NULL},
    /* reverse names */
    {"7.100.51.198.in-addr.arpa", PTR,
     "NOERROR aa | 7.100.51.198.in-addr.arpa. 300 IN PTR sinkhole.example.net.", "NOERROR"},
    {"7.100.51.198.IN-ADDR.ARPA", PTR,
     "NOERROR aa | 7.100.51.198.IN-ADDR.ARPA. 300 IN PTR sinkhole.example.net.", "NOERROR"},
    {"x.7.100.51.198.in-addr.arpa", SRV,
     "NOERROR aa | authority: 7.100.51.198.in-addr.arpa. 60 IN SOA ns.7.100.51.198.in-addr.arpa. "
     "hostmaster.7.100.51.198.in-addr.arpa. 3 3600 600 86400 60",
     "NODATA"},
    {"8.100.51.198.in-addr.arpa", PTR, "REFUSED", NULL},
    {"07.100.51.198.in-addr.arpa", PTR, "REFUSED", NULL},
    {"100.51.198.in-addr.arpa", PTR, "REFUSED", NULL},
    {"9.113.0.203.in-addr.arpa", SRV,
     "NOERROR aa | authority: 113.0.203.in-addr.arpa. 60 IN SOA ns.113.0.203.in-addr.arpa. "
     "hostmaster.113.0.203.in-addr.arpa. 3 3600 600 86400 60",
     "NODATA"},
    {"113.0.203.in-addr.arpa", NS,
     "NOERROR aa | 113.0.203.in-addr.arpa. 300 IN NS ns.113.0.203.in-addr.arpa.", "NOERROR"},
    {"0.203.in-addr.arpa", NS, "REFUSED", NULL},
    {"0.18.198.in-addr.arpa", PTR,
     "NOERROR aa | 0.18.198.in-addr.arpa. 300 IN PTR sinkhole.example.net.", "NOERROR"},
    {"18.198.in-addr.arpa", PTR, "REFUSED", NULL}, /* more than what is ours */
    {"in-addr.arpa", NS, "REFUSED", NULL},
    {"256.113.0.203.in-addr.arpa", PTR,
     "NOERROR aa | 256.113.0.203.in-addr.arpa. 300 IN PTR sinkhole.example.net.", "NOERROR"},
    {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.B.d.0.1.0.0.2.ip6.arpa", NS,
     "NOERROR aa | authority: 5.0.0.0.8.B.d.0.1.0.0.2.ip6.arpa. 60 IN SOA "
     "ns.5.0.0.0.8.B.d.0.1.0.0.2.ip6.arpa. hostmaster.5.0.0.0.8.B.d.0.1.0.0.2.ip6.arpa. 3 3600 600 "
     "86400 "
     "60",
     "NODATA"},
    {"3.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", PTR,
     "NOERROR aa | 3.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 300 IN PTR sinkhole.example.net.",
     "NOERROR"},
    {"1.1.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", PTR,
     "NOERROR aa | 1.1.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 300 IN PTR sinkhole.example.net.",
     "NOERROR"},
    {"5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", NS,
     "NOERROR aa | 5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 300 IN NS "
     "ns.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
     "NOERROR"},
    {"8.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", NS, "REFUSED", NULL}, /* 2001:db8:4:: to 7:: are ours */
    {"0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", NS, "REFUSED", NULL},
    {"1.5.0.0.0.9.b.d.0.1.0.0.2.ip6.arpa", PTR, "REFUSED", NULL},
};

static void test_answers(void)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        test_env_forget(&t);
        uint64_t refused = t.counters.dns_refused;
        printf("# %s %u\n", answers[i].name, answers[i].type);
        is_str(ask(answers[i].name, answers[i].type, 0), answers[i].reply);
        if (answers[i].answer) {
            ok(t.n == 1, "recorded once");
            is_str(text_of(last()->ev.answer), answers[i].answer);
            is_str(text_of(last()->ev.dns.qname), answers[i].name);
            ok(t.counters.dns_refused == refused, "not counted as refused");
        } else {
            ok(t.n == 0 && t.counters.dns_refused == refused + 1, "counted, not recorded");
        }
    }
}

static void test_headers(void)
{
    is_str(ask("seized.example", AAAA, RD | CD),
           "NOERROR aa rd cd | seized.example. 300 IN AAAA 2001:db8::1");
    /* AA, TC, RA, Z, AD in a query are not echoed (RFC 8906, 8) */
    is_str(ask("seized.example", AAAA, 0x06e0),
           "NOERROR aa | seized.example. 300 IN AAAA 2001:db8::1");
    is_str(ask("other.example", A, RD), "REFUSED rd");
    is_str(ask("seized.example", A, 0x8000), "nothing");
    is_str(ask("seized.example", SOA, 4 << 11 | 0x0400), "REFUSED"); /* NOTIFY */
    is_str(text_of(last()->ev.answer), "REFUSED");
    is_int(last()->ev.dns.flags, 4 << 11 | 0x0400);
    is_str(ask("seized.example", SOA, 5 << 11), "REFUSED"); /* UPDATE */
    is_str(ask("other.example", SOA, 5 << 11), "REFUSED");
    for (unsigned opcode = 1; opcode < 16; opcode++)
        if (opcode != 4 && opcode != 5)
            is_str(ask("seized.example", A, opcode << 11), "NOTIMPL");

    struct message m = query_of("seized.example", A, 0);
    m.p[m.n - 1] = 255; /* class ANY */
    is_str(dns_reply_text(dns_ask(&t, &udp, span_of(m.p, m.n))), "REFUSED");
    is_str(text_of(last()->ev.dns.qclass), "ANY");
    m = query_of("version.bind", TXT, 0);
    m.p[m.n - 1] = 3;
    is_str(dns_reply_text(dns_ask(&t, &udp, span_of(m.p, m.n))), "REFUSED");

    m = query_of("seized.example", A, 0);
    size_t one = m.n - 12;
    memcpy(m.p + m.n, m.p + 12, one);
    m.n += one;
    m.p[5] = 2;
    is_str(dns_reply_text(dns_ask(&t, &udp, span_of(m.p, m.n))), "FORMERR");
    m.p[5] = 0; /* no question, then the rest is answers that are not counted */
    is_str(dns_reply_text(dns_ask(&t, &udp, span_of(m.p, m.n))), "FORMERR qd=0");

    /* every way of being cut short */
    m = query_of("seized.example", AAAA, 0);
    query_opt(&m, 4096, 0, 0, OPTIONS("\0\3\0\0"));
    size_t question = m.n - 15;
    for (size_t n = 0; n < m.n; n++) {
        const char *reply = dns_reply_text(dns_ask(&t, &udp, span_of(m.p, n)));
        const char *want = n < 12 ? "nothing" : n < question ? "FORMERR qd=0" : "FORMERR";
        if (strcmp(reply, want) != 0)
            is_str(reply, want);
    }
    test_env_forget(&t);
    uint64_t malformed = t.counters.dns_malformed;
    dns_ask(&t, &udp, span_of(m.p, m.n - 1));
    ok(t.n == 1 && t.counters.dns_malformed == malformed + 1, "malformed, yet its name is ours");
    is_str(text_of(last()->ev.answer), "FORMERR");
}

static void test_identity(void)
{
    is_str(ask("own.example", TXT, 0),
           "NOERROR aa | own.example. 300 IN TXT \"sinkhole=ebb; operator="
           "Example Response Team; order=2:11-cv-00222; court=District "
           "Court\"");
    is_str(ask("seized.example", TXT, 0),
           "NOERROR aa | seized.example. 300 IN TXT \"v=spf1 -all\" / seized.example. 300 IN TXT "
           "\"sinkhole=ebb; operator=Example Response Team; order=2:11-cv-00222; court=District "
           "Court\"");
    is_str(ask("quiet.example", TXT, 0),
           "NOERROR aa | authority: quiet.example. 60 IN SOA ns.quiet.example. "
           "hostmaster.quiet.example. 4 3600 600 86400 60");
    is_str(ask("x.deep.seized.example", TXT, 0),
           "NOERROR aa | authority: deep.seized.example. 60 IN SOA ns.deep.seized.example. "
           "hostmaster.deep.seized.example. 3 3600 600 86400 60");
}

static const char *ask_opt(const char *name, unsigned type, unsigned size, unsigned version,
                           unsigned flags, const void *options, size_t n)
{
    struct message m = query_of(name, type, 0);
    query_opt(&m, size, version, flags, options, n);
    return dns_reply_text(dns_ask(&t, &udp, span_of(m.p, m.n)));
}

#define AAAA_ANSWER "NOERROR aa | seized.example. 300 IN AAAA 2001:db8::1"
static const struct {
    unsigned version, flags;
    const char *options;
    size_t n;
    const char *reply;
} edns[] = {
    {0, 0, OPTIONS(""), AAAA_ANSWER " | edns 1232 v0 f0"},
    {1, 0, OPTIONS(""), "BADVERS | edns 1232 v0 f0"},
    {255, 0, OPTIONS(""), "BADVERS | edns 1232 v0 f0"},
    {0, 0, OPTIONS("\0\x64\0\0"), AAAA_ANSWER " | edns 1232 v0 f0"}, /* unknown option */
    {0, 0x0040, OPTIONS(""), AAAA_ANSWER " | edns 1232 v0 f0"},      /* unknown flag */
    {0, 0x8000, OPTIONS(""), AAAA_ANSWER " | edns 1232 v0 f8000"},
    {0, 0xffff, OPTIONS(""), AAAA_ANSWER " | edns 1232 v0 f8000"},
    {1, 0x0040, OPTIONS(""), "BADVERS | edns 1232 v0 f0"},
    {1, 0, OPTIONS("\0\x64\0\0"), "BADVERS | edns 1232 v0 f0"},
    {1, 0x8040, OPTIONS("\0\x64\0\0"), "BADVERS | edns 1232 v0 f8000"},
    {0, 0x0040, OPTIONS("\0\x64\0\4abcd"), AAAA_ANSWER " | edns 1232 v0 f0"},
    {1, 0, OPTIONS("\0\x64\0\4abc"), "BADVERS | edns 1232 v0 f0"}, /* of a form we cannot know */
    {0, 0, OPTIONS("\0\x64\0\4abc"), "FORMERR | edns 1232 v0 f0"},
    {0, 0, OPTIONS("\0\x64\0"), "FORMERR | edns 1232 v0 f0"},
    {0, 0, OPTIONS("\0\3\0\0"), AAAA_ANSWER " | edns 1232 v0 f0 000300027331"}, /* NSID */
    {1, 0, OPTIONS("\0\3\0\0"), "BADVERS | edns 1232 v0 f0"},
    /* client subnet: echoed with scope 0 (RFC 7871, 7.2.1) */
    {0, 0, OPTIONS("\0\x08\0\7\0\1\x18\0\xc0\0\2"),
     AAAA_ANSWER " | edns 1232 v0 f0 0008000700011800c00002"},
    {0, 0, OPTIONS("\0\x08\0\7\0\1\x18\x10\xc0\0\2"),
     AAAA_ANSWER " | edns 1232 v0 f0 0008000700011800c00002"},
    {0, 0, OPTIONS("\0\x08\0\4\0\1\0\0"), AAAA_ANSWER " | edns 1232 v0 f0 0008000400010000"},
    {0, 0, OPTIONS("\0\x08\0\7\0\1\x17\0\xc0\0\3"),
     "FORMERR | edns 1232 v0 f0"}, /* bits behind /23 */
    {0, 0, OPTIONS("\0\x08\0\6\0\1\x18\0\xc0\0"), "FORMERR | edns 1232 v0 f0"}, /* too short */
    {0, 0, OPTIONS("\0\x08\0\4\0\0\0\0"), AAAA_ANSWER " | edns 1232 v0 f0"}, /* family 0: hidden */
    {0, 0,
     OPTIONS("\0\x0a\0\7"
             "1234567"),
     "FORMERR | edns 1232 v0 f0"}, /* cookie too short */
    {0, 0,
     OPTIONS("\0\x0a\0\x0f"
             "123456789012345"),
     "FORMERR | edns 1232 v0 f0"},
};

static void test_edns(void)
{
    for (size_t i = 0; i < sizeof edns / sizeof *edns; i++)
        is_str(ask_opt("seized.example", AAAA, 4096, edns[i].version, edns[i].flags,
                       edns[i].options, edns[i].n),
               edns[i].reply);
    is_str(ask_opt("other.example", A, 4096, 0, 0x8000, NULL, 0), "REFUSED | edns 1232 v0 f8000");
    struct message m = query_of("seized.example", A, 0);
    query_opt(&m, 4096, 0, 0, NULL, 0);
    query_opt(&m, 4096, 0, 0, NULL, 0);
    is_str(dns_reply_text(dns_ask(&t, &udp, span_of(m.p, m.n))), "FORMERR | edns 1232 v0 f0");
    m = query_of("seized.example", A, 0); /* OPT of a name */
    m.p[11] = 1;
    message_put(&m, "\1x\0\0\x29\x10\0\0\0\0\0\0\0", 13);
    is_str(dns_reply_text(dns_ask(&t, &udp, span_of(m.p, m.n))), "FORMERR | edns 1232 v0 f0");

    test_env_forget(&t);
    ask_opt("seized.example", AAAA, 1400, 0, 0,
            OPTIONS("\0\x08\0\7\0\1\x18\0\xc0\0\2\0\x0a\0\x08"
                    "12345678\0\3\0\0"));
    ok(last()->ev.dns.has && last()->ev.kind == KIND_DNS, "recorded as DNS");
    is_str(text_of(last()->ev.protocol), "dns");
    is_str(text_of(last()->ev.transport), "udp");
    is_str(text_of(last()->ev.dns.ecs), "192.0.2.0/24");
    is_str(text_of(last()->ev.dns.cookie), "12345678");
    is_str(text_of(last()->ev.dns.qtype), "AAAA");
    is_str(text_of(last()->ev.family), "rustock");
    is_int(last()->ev.dns.edns, 1400);
    is_int(last()->ev.dns.nsid, 1);
    is_int(last()->ev.dns.id, 0x1234);
    is_int(last()->ev.asset, 3);
    is_int(last()->ev.dns.anomalies.n, 0);
    ask_opt("seized.example", AAAA, 1400, 0, 0, OPTIONS("\0\x08\0\7\0\1\x18\x08\xc0\0\2"));
    is_str(text_of(last()->ev.dns.anomalies), "ecs-scope");
}

static void test_sizes(void)
{
    static const char zeros[400];
    uint8_t pad[404] = {
        0, 12, 1, 0x90}; /* RFC 7830 padding makes a long query, which may have a long answer */
    memcpy(pad + 4, zeros, 400);
    is_str(ask_opt("big.own.example", TXT, 1232, 0, 0, NULL, 0), "NOERROR aa tc | edns 1232 v0 f0");
    is_str(text_of(last()->ev.answer), "truncated");
    struct message m = query_of("big.own.example", TXT, 0);
    query_opt(&m, 1232, 0, 0, pad, sizeof pad);
    struct span reply = dns_ask(&t, &udp, span_of(m.p, m.n));
    ok(reply.n > 560 && reply.n <= 1232 && !(reply.p[2] & 2), "fits what the client takes");
    m = query_of("big.own.example", TXT, 0);
    query_opt(&m, 512, 0, 0, pad, sizeof pad);
    reply = dns_ask(&t, &udp, span_of(m.p, m.n));
    ok(reply.n <= 512 && reply.p[2] & 2, "does not fit what the client takes");
    m = query_of("big.own.example", TXT, 0);
    reply = dns_ask(&t, &tcp, span_of(m.p, m.n));
    ok(reply.n > 560 && !(reply.p[2] & 2), "TCP has room");
    is_str(text_of(last()->ev.transport), "tcp");
    ok(!span_eq(last()->ev.answer, span_str("truncated")), "and says so");
}

static void test_cookie_vectors(void)
{
    /* RFC 9018, A.1, A.2 (the same a day later, 40 minutes after its cookie) and A.4 */
    static const uint8_t key1[] = {0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f,
                                   0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf};
    static const uint8_t cookie1[] = {0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57,
                                      0x01, 0x00, 0x00, 0x00, 0x5c, 0xf7, 0x9f, 0x11,
                                      0x1f, 0x81, 0x30, 0xc3, 0xee, 0xe2, 0x94, 0x80};
    struct ip ip;
    uint8_t out[DNS_COOKIE_LEN];
    ip_parse(span_str("198.51.100.100"), &ip);
    dns_cookie_make(key1, cookie1, &ip, 1559731985, out);
    ok(memcmp(out, cookie1, sizeof out) == 0, "RFC 9018, A.1");
    struct span c = span_of(cookie1, sizeof cookie1);
    ok(dns_cookie_check(key1, c, &ip, 1559731985 + 3600), "an hour old");
    ok(!dns_cookie_check(key1, c, &ip, 1559731985 + 3601), "older");
    ok(dns_cookie_check(key1, c, &ip, 1559731985 - 300), "from a clock five minutes ahead");
    ok(!dns_cookie_check(key1, c, &ip, 1559731985 - 301), "from the future");
    for (unsigned bit = 0; bit < 8 * DNS_COOKIE_LEN; bit++) {
        memcpy(out, cookie1, sizeof out);
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (dns_cookie_check(key1, span_of(out, sizeof out), &ip, 1559731985))
            ok(false, "a changed cookie");
    }
    ip_parse(span_str("198.51.100.101"), &ip);
    ok(!dns_cookie_check(key1, c, &ip, 1559731985), "of another address");
}

static void test_cookies(void)
{
    struct message m = query_of("big.own.example", TXT, 0);
    t.config.limits.dns_amplification = 2;
    query_opt(&m, 1232, 0, 0,
              OPTIONS("\0\x0a\0\x08"
                      "12345678"));
    struct span reply = dns_ask(&t, &udp, span_of(m.p, m.n));
    ok(reply.n > 28 && memcmp(reply.p + reply.n - 28,
                              "\0\x0a\0\x18"
                              "12345678\1\0\0\0",
                              16) == 0,
       "a server cookie");
    ok(reply.p[2] & 2, "truncated for a stranger");
    uint8_t option[28];
    memcpy(option, reply.p + reply.n - 28, sizeof option);
    m = query_of("big.own.example", TXT, 0);
    query_opt(&m, 1232, 0, 0, option, sizeof option);
    reply = dns_ask(&t, &udp, span_of(m.p, m.n));
    ok(!(reply.p[2] & 2) && reply.n > 560, "all for a client who shows it");
    ok(memcmp(reply.p + reply.n - 28, option, 28) == 0, "which stays as it is at first");
    is_int(last()->ev.dns.cookie.n, 8);
    t.config.limits.dns_responses = 1;
    for (unsigned i = 0; i < 3; i++)
        reply = dns_ask(&t, &udp, span_of(m.p, m.n));
    ok(reply.n > 560, "and no rate limit");
    t.config.limits.dns_responses = 0;
    t.env.now += 1800 * 1000000ll;
    reply = dns_ask(&t, &udp, span_of(m.p, m.n));
    ok(!(reply.p[2] & 2) && memcmp(reply.p + reply.n - 28, option, 28) != 0, "and is renewed");
    t.env.now -= 1800 * 1000000ll;
    udp = test_peer("192.0.2.201", 4000, "192.0.2.53", 53, false);
    reply = dns_ask(&t, &udp, span_of(m.p, m.n));
    ok(memcmp(reply.p + reply.n - 28, option, 28) != 0, "another address gets its own");
    ok(reply.p[2] & 2, "and not all");
    t.config.limits.dns_amplification = 10;
    udp = test_peer("192.0.2.200", 4000, "192.0.2.53", 53, false);

    /* RFC 7873, 5.4: no question, for the cookie alone */
    struct message bare = {.n = 12};
    memcpy(bare.p, "\x12\x34\0\0\0\0\0\0\0\0\0\0", 12);
    query_opt(&bare, 1232, 0, 0,
              OPTIONS("\0\x0a\0\x08"
                      "12345678"));
    uint64_t refused = t.counters.dns_refused;
    reply = dns_ask(&t, &udp, span_of(bare.p, bare.n));
    ok(reply.n == 12 + 11 + 28 && (reply.p[3] & 15) == 0, "a cookie without a question");
    is_int(t.counters.dns_refused, refused);
}

static bool take(struct dns_limit *l, const struct ip *ip, int64_t tick)
{
    return dns_limit_take(l, dns_limit_network(l, ip), tick, 5);
}

static void test_limit(void)
{
    t.config.limits.dns_responses = 10;
    t.config.limits.dns_slip = 2;
    struct message m = query_of("seized.example", AAAA, 0);
    unsigned full = 0, cut = 0, none = 0;
    test_env_forget(&t);
    uint64_t limited = t.counters.dns_limited;
    for (unsigned i = 0; i < 30; i++) { /* from all over one /24 */
        udp.src.b[15] = (uint8_t)i;
        struct span reply = dns_ask(&t, &udp, span_of(m.p, m.n));
        full += reply.n > m.n;
        cut += reply.n == m.n && reply.p[2] & 2;
        none += reply.n == 0;
    }
    ok(full == 10 && cut == 10 && none == 10, "ten answers, then every second one truncated");
    ok(t.n == 30, "all of them on the log");
    is_str(text_of(last()->ev.answer), "limited");
    is_int(t.counters.dns_limited - limited, 20);
    struct net_peer other = test_peer("192.0.3.1", 4000, "192.0.2.53", 53, false);
    ok(dns_ask(&t, &other, span_of(m.p, m.n)).n > m.n, "another network");
    tcp.src = udp.src;
    ok(dns_ask(&t, &tcp, span_of(m.p, m.n)).n > m.n, "TCP");
    t.env.tick += 150; /* one and a half more */
    ok(dns_ask(&t, &udp, span_of(m.p, m.n)).n > m.n, "one more after a tenth of a second");
    ok(dns_ask(&t, &udp, span_of(m.p, m.n)).n <= m.n, "but one");
    t.config.limits.dns_responses = 0;
    ok(dns_ask(&t, &udp, span_of(m.p, m.n)).n > m.n, "no limit");
    udp.src.b[15] = 200;

    /* many networks do not push out the one that is attacked */
    static const uint8_t key[16] = {1};
    struct dns_limit *l = dns_limit_new(key);
    struct ip victim = ip_from_v4(0xc0000201);
    unsigned passed = 0, others = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        struct ip ip = ip_from_v4(i << 8);
        others += take(l, &ip, 0);
        passed += take(l, &victim, 0);
    }
    is_int(passed, 5);
    ok(others > 999000, "others are answered");
    struct ip six, near, far;
    ip_parse(span_str("2001:db8:0:ff::1"), &six);
    ip_parse(span_str("2001:db8::2"), &near);
    ip_parse(span_str("2001:db8:0:100::1"), &far);
    for (unsigned i = 0; i < 5; i++)
        take(l, &six, 7);
    ok(!take(l, &near, 7), "the same /56");
    ok(take(l, &far, 7), "another /56");
    dns_limit_free(l);
}

static void is_bad(const char *record, const char *why)
{
    static char name[] = "p";
    char *records[] = {(char *)"@ A 192.0.2.1", (char *)record};
    struct policy p = {.name = name, .dns = {.ttl = 1, .records = records, .records_count = 2}};
    struct dns_records *r = NULL;
    struct err err = {0};
    char want[ERR_TEXT_MAX];
    int rc = dns_records_new(&p, &r, &err);
    snprintf(want, sizeof want, "policy p: DNS record \"%s\": %s", record, why);
    is_int(rc, -22);
    is_str(err.text, want);
    if (rc == 0)
        dns_records_free(r);
}

static void test_bad_records(void)
{
    is_bad("@ A", "Syntax error, value expected");
    is_bad("@ A 192.0.2.1.5", "Syntax error, could not parse the RR's rdata");
    is_bad("@ CNAME x", "CNAME cannot be the zone's own");
    is_bad("www.example.org. A 192.0.2.1",
           "the owner is relative to the zone and has no final dot");
    is_bad("x NS y", "SOA and NS belong to the zone, owner @");
    is_bad("@ ANY x", "the class is IN");
    is_bad("$ORIGIN example.org.", "no type of records");
    is_bad("@ CH TXT x", "the class is IN");
    is_bad("", "Syntax error, could not parse the RR");

    static char name[] = "p";
    char *twice[] = {(char *)"x CNAME a", (char *)"x A 192.0.2.1"};
    char *soas[] = {(char *)"@ SOA a. b. 1 1 1 1 1", (char *)"@ SOA a. b. 2 1 1 1 1"};
    char *same[] = {(char *)"x A 192.0.2.1", (char *)"X A 192.0.2.1"};
    struct policy p = {.name = name, .dns = {.ttl = 1, .records = twice, .records_count = 2}};
    struct dns_records *r = NULL;
    struct err err;
    is_int(dns_records_new(&p, &r, &err), -22);
    p.dns.records = soas;
    is_int(dns_records_new(&p, &r, &err), -22);
    p.dns.records = same;
    is_int(dns_records_new(&p, &r, &err), 0);
    is_int(dns_records_find(r, span_of("\1x", 2), A)->count, 1);
    dns_records_free(r);
}

/* A zone so long that the names in the records do not fit below it. */
static void test_long_zone(void)
{
    char zone[256] = "", name[600];
    while (strlen(zone) < 240)
        strcat(zone, "aaaaaaaaa.");
    strcat(zone, "example");
    struct test_env *e = calloc(1, sizeof *e);
    test_env_init(e);
    test_env_asset(e, zone, "", "");
    test_env_ready(e);
    ok(dns_server_new(&e->config, &e->env.dns, NULL) == 0);
    struct message m = query_of(zone, NS, 0);
    snprintf(name, sizeof name, "NOERROR aa | %s. 300 IN NS ns.%s.", zone, zone);
    is_str(dns_reply_text(dns_ask(e, &udp, span_of(m.p, m.n))), name);
    m = query_of(zone, SOA, 0); /* hostmaster. is too long, so there is none */
    is_str(dns_reply_text(dns_ask(e, &udp, span_of(m.p, m.n))), "NOERROR aa");
    dns_server_free(e->env.dns);
    test_env_free(e);
    free(e);
}

static void test_tcp(void)
{
    struct test_session ts;
    struct message m = query_of("seized.example", AAAA, 0), stream = {.n = 0};
    for (unsigned i = 0; i < 3; i++) {
        message_u16(&stream, (unsigned)m.n);
        m.p[1] = (uint8_t)i;
        message_put(&stream, m.p, m.n);
    }
    for (size_t cut = 0; cut <= stream.n; cut++) { /* the same whichever way it comes */
        t.out.n = 0;
        test_env_forget(&t);
        test_session_begin(&ts, &t, &dns_session, tcp);
        test_session_data(&ts, span_of(stream.p, cut));
        test_session_data(&ts, span_of(stream.p + cut, stream.n - cut));
        struct cur c = cur_of(buf_as_span(&t.out));
        struct span reply;
        unsigned n = 0;
        while (dns_tcp_next(&c, &reply) == 1)
            n += reply.p[1] == n && reply.n == m.n + 28;
        if (n != 3 || cur_left(&c) || t.n != 3 || ts.over)
            ok(false, "pipelined queries");
        test_session_end(&ts, SESSION_PEER_CLOSED);
    }
    ok(true, "three queries however they are cut");

    test_session_begin(&ts, &t, &dns_session, tcp);
    int64_t begun = t.env.tick;
    is_int(ts.s.wake_at, begun + 10000);
    t.env.tick += 6000;
    test_session_data(&ts, span_of(stream.p, 5));
    is_int(ts.s.wake_at, begun + 10000); /* a part of a message is as good as silence */
    test_session_data(&ts, span_of(stream.p + 5, 2 + m.n - 5));
    is_int(ts.s.wake_at, begun + 16000);
    ok(ts.s.type->wake(&ts.s) == SESSION_GO_ON, "woken early");
    t.env.tick += 10000;
    ok(ts.s.type->wake(&ts.s) == SESSION_CLOSE, "silent for too long");
    test_session_end(&ts, SESSION_TIMEOUT);

    uint64_t malformed = t.counters.dns_malformed;
    test_session_begin(&ts, &t, &dns_session, tcp);
    test_session_data(&ts, span_of("\0\3abc", 5));
    ok(ts.over, "shorter than a header");
    test_session_end(&ts, SESSION_CLOSED);
    test_session_begin(&ts, &t, &dns_session, tcp);
    test_session_data(&ts, span_of("\0\x20"
                                   "abc",
                                   5));
    ok(!ts.over, "not all of it yet");
    test_session_end(&ts, SESSION_PEER_CLOSED);
    is_int(t.counters.dns_malformed - malformed, 2);

    t.config.limits.requests = 2;
    t.out.n = 0;
    test_session_begin(&ts, &t, &dns_session, tcp);
    test_session_data(&ts, span_of(stream.p, stream.n));
    ok(ts.over && t.out.n == 2 * (m.n + 30), "two queries a connection");
    test_session_end(&ts, SESSION_CLOSED);
    t.config.limits.requests = 10000;
}

/* A client who asks and does not read. */
static void test_tcp_unread(void)
{
    struct test_session ts;
    struct message m = query_of("big.own.example", TXT, 0);
    struct buf stream = {0};
    uint8_t length[2];
    be16_put(length, (uint16_t)m.n);
    for (unsigned i = 0; i < 1800; i++) {
        buf_put(&stream, length, 2);
        buf_put(&stream, m.p, m.n);
    }
    t.out.n = 0;
    test_session_begin(&ts, &t, &dns_session, tcp);
    test_session_data(&ts, buf_as_span(&stream));
    ok(ts.s.paused && t.out.n < (256 << 10) + 1024 && ts.in.n, "stops at what may wait");
    size_t sent = 0;
    for (unsigned i = 0; i < 1000 && ts.in.n; i++) {
        sent += t.out.n;
        t.out.n = 0;
        t.env.tick = ts.s.wake_at;
        ok(ts.s.type->wake(&ts.s) == SESSION_GO_ON);
        test_session_data(&ts, span_of(NULL, 0));
    }
    ok(!ts.in.n && sent + t.out.n > 1800 * 560, "and goes on as it is read");
    test_session_end(&ts, SESSION_PEER_CLOSED);
    buf_free(&stream);
}

/* The table's numbers of policies may mean something else at the next table. */
static void test_new_table(void)
{
    is_str(ask("seized.example", AAAA, 0), AAAA_ANSWER);
    static struct test_env other;
    test_env_init(&other);
    test_env_asset(&other, "x.example", "own", "");
    test_env_asset(&other, "seized.example", "gone", "");
    test_env_asset(&other, "own.example", "spam", "");
    test_env_ready(&other);
    const struct authority *before = t.env.authority;
    t.env.authority = other.env.authority;
    is_str(ask("own.example", AAAA, 0), "NOERROR aa | own.example. 300 IN AAAA 2001:db8::1");
    is_str(ask("seized.example", AAAA, 0), "NOERROR aa" SOA_NEGATIVE);
    is_str(ask("x.seized.example", TXT, 0), "NOERROR aa" SOA_NEGATIVE);
    t.env.authority = before;
    is_str(ask("seized.example", AAAA, 0), AAAA_ANSWER);
    test_env_free(&other);
}

int main(void)
{
    set_up();
    test_answers();
    test_headers();
    test_identity();
    test_edns();
    test_sizes();
    test_cookie_vectors();
    test_cookies();
    test_limit();
    test_bad_records();
    test_long_zone();
    test_tcp();
    test_tcp_unread();
    test_new_table();
    dns_server_free(t.env.dns);
    test_env_free(&t);
    return tap_done();
}
