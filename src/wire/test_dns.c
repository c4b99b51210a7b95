/* Vectors are made by hand from the RFCs named beside them. */
#include "wire/dns.h"

#include "wire/test_span.h"

static int parse(const void *p, size_t n, struct dns_query *q, const char **why, size_t *offset)
{
    uint8_t *copy = exact(span_of(p, n));
    int r = dns_parse(span_of(copy, n), q, why, offset);
    if (q->cookie.n) /* its span dies with the copy */
        q->cookie.p = (const uint8_t *)p + (q->cookie.p - copy);
    free(copy);
    return r;
}

#define MESSAGE(text)          text, sizeof(text) - 1
#define HEADER(qd, an, ns, ar) "\x12\x34\x01\x20\0" qd "\0" an "\0" ns "\0" ar
#define QUESTION               "\3www\7example\3com\0\0\1\0\1"

static void is_malformed(const void *p, size_t n, const char *want, size_t where)
{
    struct dns_query q;
    const char *why = NULL;
    size_t offset = 0;
    is_int(parse(p, n, &q, &why, &offset), -1);
    is_str(why, want);
    is_int(offset, where);
}

static void test_plain(void)
{
    static const char m[] = HEADER("\1", "\0", "\0", "\0") QUESTION;
    struct dns_query q;
    is_int(parse(MESSAGE(m), &q, NULL, NULL), 1);
    is_int(q.id, 0x1234);
    is_int(q.flags, 0x0120);
    ok(!dns_is_response(&q));
    is_int(q.qdcount, 1);
    is_str(q.qname, "www.example.com");
    is_int(q.qname_len, 15);
    is_int(q.qtype, 1);
    is_int(q.qclass, 1);
    is_int(q.question_end, 12 + 17 + 4);
    ok(!q.has_opt && !q.do_bit && !q.has_ecs && !q.nsid && !q.cookie.n);
    is_int(q.anomalies, 0);
    is_int(parse(MESSAGE(HEADER("\1", "\0", "\0", "\0") QUESTION "junk"), &q, NULL, NULL), 1);
    is_int(parse(MESSAGE(HEADER("\1", "\0", "\0", "\0") "\0\0\2\0\1"), &q, NULL, NULL), 1);
    is_str(q.qname, ".");
    is_int(q.qname_len, 1);
    is_int(parse(MESSAGE(HEADER("\0", "\0", "\0", "\0")), &q, NULL, NULL), 1);
    is_str(q.qname, "");
    is_int(q.question_end, 0);
    is_int(q.anomalies, DNS_QUESTIONS);
}

/* RFC 1035, 4.1.4: the example's three names at their offsets, in a message of our own. */
static void test_compression(void)
{
    uint8_t m[100] = {0};
    memcpy(m + 20, "\1F\3ISI\4ARPA", 12);
    memcpy(m + 40, "\3FOO\xc0\x14", 6);
    memcpy(m + 64, "\xc0\x1a", 2);
    static const struct {
        size_t at, behind;
        const char *name;
    } rows[] = {
        {20, 32, "F.ISI.ARPA"}, {40, 46, "FOO.F.ISI.ARPA"}, {64, 66, "ARPA"}, {92, 93, "."}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[DNS_NAME_TEXT_MAX];
        size_t at = rows[i].at, len;
        is_int(dns_name(span_of(m, sizeof m), &at, name, &len, NULL), 1);
        is_str(name, rows[i].name);
        is_int(len, strlen(rows[i].name));
        is_int(at, rows[i].behind);
    }
}

static void test_bad_names(void)
{
    struct {
        const char *wire;
        size_t n;
        const char *why;
    } rows[] = {
        {MESSAGE("\xc0\x10"), "compression pointer does not go back"},    /* itself */
        {MESSAGE("\xc0\x12"), "compression pointer does not go back"},    /* forward */
        {MESSAGE("\1a\xc0\x10"), "compression pointer does not go back"}, /* its own start */
        {MESSAGE("\1a\xc0\x12"), "compression pointer does not go back"}, /* inside itself */
        {MESSAGE("\xc0\x0b"), "compression pointer into the header"},
        {MESSAGE("\xc0\x00"), "compression pointer into the header"},
        {MESSAGE("\x40zz"), "unknown label type"}, /* RFC 6891, 5: obsoleted extended labels */
        {MESSAGE("\x80zz"), "unknown label type"},
        {MESSAGE("\3ab"), "name runs over the end"},
        {MESSAGE("\3abc"), "name runs over the end"},
        {MESSAGE("\xc0"), "name runs over the end"},
        {MESSAGE(""), "name runs over the end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t m[64] = {0};
        char name[DNS_NAME_TEXT_MAX];
        const char *why = NULL;
        size_t at = 16, len;
        memcpy(m + 16, rows[i].wire, rows[i].n);
        uint8_t *copy = exact(span_of(m, 16 + rows[i].n));
        is_int(dns_name(span_of(copy, 16 + rows[i].n), &at, name, &len, &why), -1);
        is_str(why, rows[i].why);
        is_int(at, 16);
        free(copy);
    }
    char name[DNS_NAME_TEXT_MAX];
    size_t beyond = 5, len;
    is_int(dns_name(span_of("\0", 1), &beyond, name, &len, NULL), -1, "offset past the end");
}

/* A chain of pointers, each to the one before: at DNS_POINTERS_MAX it is read, one more is not. */
static void test_pointer_chain(void)
{
    uint8_t m[256] = {0};
    char name[DNS_NAME_TEXT_MAX];
    size_t len;
    const char *why = NULL;
    memcpy(m + 12, "\1x", 3);
    for (unsigned i = 0; i <= DNS_POINTERS_MAX; i++)
        be16_put(m + 16 + 2 * i, (uint16_t)(0xc000 | (i ? 16 + 2 * (i - 1) : 12)));
    size_t at = 16 + 2 * (DNS_POINTERS_MAX - 1);
    is_int(dns_name(span_of(m, sizeof m), &at, name, &len, &why), 1);
    is_str(name, "x");
    is_int(at, 16 + 2 * DNS_POINTERS_MAX);
    is_int(dns_name(span_of(m, sizeof m), &at, name, &len, &why), -1);
    is_str(why, "too many compression pointers");
}

/* RFC 1035, 3.1 and 2.3.4: 255 octets at most, length octets and the root's included. */
static void test_longest(void)
{
    uint8_t m[300];
    char name[DNS_NAME_TEXT_MAX];
    size_t at = 0, len;
    const char *why = NULL;
    memset(m, 0xff, sizeof m);
    m[0] = m[64] = m[128] = 63;
    m[192] = 61;
    m[254] = 0;
    is_int(dns_name(span_of(m, 255), &at, name, &len, NULL), 1);
    is_int(at, 255);
    is_int(len, 4 * 250 + 3, "the longest text there is");
    is_int(strlen(name), len);
    ok(len < DNS_NAME_TEXT_MAX);
    ok(strncmp(name, "\\255\\255", 8) == 0);
    m[192] = 62;
    m[255] = 0;
    at = 0;
    is_int(dns_name(span_of(m, 256), &at, name, &len, &why), -1, "256 octets");
    is_str(why, "name over 255 bytes");
    for (size_t i = 0; i < 254; i += 2) { /* as many labels as there can be */
        m[i] = 1;
        m[i + 1] = 'a';
    }
    m[254] = 0;
    at = 0;
    is_int(dns_name(span_of(m, 255), &at, name, &len, NULL), 1);
    is_int(len, 127 + 126);
}

/* RFC 1035, 5.1 and RFC 4343, 2.1. */
static void test_escapes(void)
{
    static const char wire[] = "\x10"
                               "a.b\\c\"d;e(f)g@h$"
                               "\x08"
                               "\0\x1f\x20\x7f\xff!~*"
                               "\3A-_\0";
    char name[DNS_NAME_TEXT_MAX];
    size_t at = 0, len;
    is_int(dns_name(span_of(wire, sizeof wire - 1), &at, name, &len, NULL), 1);
    is_str(name, "a\\.b\\\\c\\\"d\\;e\\(f\\)g\\@h\\$.\\000\\031\\032\\127\\255!~*.A-_");
    is_int(len, strlen(name));
}

static void test_opt(void)
{
    /* RFC 6891, 6.1.2: root, 41, 4096 bytes, extended RCODE 1, version 0, DO; NSID (RFC 5001) */
    static const char m[] =
        HEADER("\1", "\0", "\0", "\1") QUESTION "\0\0\x29\x10\0\1\0\x80\0\0\4\0\3\0\0";
    struct dns_query q;
    is_int(parse(MESSAGE(m), &q, NULL, NULL), 1);
    ok(q.has_opt && q.do_bit && q.nsid);
    is_int(q.udp_size, 4096);
    is_int(q.edns_rcode, 1);
    is_int(q.edns_version, 0);
    is_int(q.edns_flags, 0x8000);
    is_int(q.anomalies, 0);
    /* between other additional records, behind an answer with a compressed name */
    static const char late[] =
        "\x12\x34\x81\x80\0\1\0\1\0\1\0\3" QUESTION "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4"
        "\xc0\x10\0\2\0\1\0\0\0\x3c\0\4\1n\xc0\x10"
        "\1n\xc0\x10\0\1\0\1\0\0\0\x3c\0\4\1\2\3\5"
        "\0\0\x29\x02\x00\0\3\0\0\0\0"
        "\1m\xc0\x10\0\1\0\1\0\0\0\x3c\0\4\1\2\3\6";
    size_t offset;
    is_int(parse(MESSAGE(late), &q, NULL, &offset), 1);
    is_int(offset, sizeof late - 1);
    ok(q.has_opt && !q.do_bit && dns_is_response(&q));
    is_int(q.udp_size, 512);
    is_int(q.edns_version, 3);
}

static void test_bad_opt(void)
{
    struct dns_query q;
    is_malformed(MESSAGE(HEADER("\1", "\0", "\0", "\2") QUESTION "\0\0\x29\x10\0\0\0\0\0\0\0"
                                                                 "\0\0\x29\x10\0\0\0\0\0\0\0"),
                 "more than one OPT record", 33 + 11);
    is_malformed(MESSAGE(HEADER("\1", "\0", "\0", "\1") QUESTION "\0\0\x29\x10\0\0\0\0\0\0\1"),
                 "record runs over the end", 33 + 11);
    is_malformed(MESSAGE(HEADER("\1", "\0", "\0", "\1") QUESTION), "name runs over the end", 33);
    is_malformed(MESSAGE(HEADER("\2", "\0", "\0", "\0") QUESTION "\1a\0\0\1\0"),
                 "question runs over the end", 33 + 3);
    is_malformed(MESSAGE(HEADER("\1", "\0", "\0", "\0") "\1a\0\0\1\0"),
                 "question runs over the end", 12 + 3);
    is_malformed("\x12\x34", 2, "shorter than a header", 0);
    is_malformed("", 0, "shorter than a header", 0);
    is_int(parse(MESSAGE(HEADER("\1", "\0", "\0", "\1") QUESTION), &q, NULL, NULL), -1);
    is_str(q.qname, "www.example.com");
    is_int(q.question_end, 33, "the question of a message that breaks off");
    /* owned by a name: noted and read; in the answer section: noted only */
    is_int(parse(MESSAGE(HEADER("\1", "\0", "\0", "\1") QUESTION "\1a\0\0\x29\2\0\0\0\0\0\0\0"), &q,
                 NULL, NULL),
           1);
    ok(q.has_opt && q.anomalies == DNS_OPT_ODD);
    is_int(parse(MESSAGE(HEADER("\1", "\1", "\0", "\0") QUESTION "\0\0\x29\2\0\0\0\0\0\0\0"), &q,
                 NULL, NULL),
           1);
    ok(!q.has_opt && q.anomalies == DNS_OPT_ODD);
}

/* A query with these options. */
static void with_options(const void *options, size_t n, struct dns_query *q)
{
    static uint8_t m[400]; /* q->cookie points into it */
    size_t at = sizeof(HEADER("\1", "\0", "\0", "\1") QUESTION "\0\0\x29\x10\0\0\0\0\0") - 1;
    memcpy(m, HEADER("\1", "\0", "\0", "\1") QUESTION "\0\0\x29\x10\0\0\0\0\0", at);
    be16_put(m + at, (uint16_t)n);
    memcpy(m + at + 2, options, n);
    is_int(parse(m, at + 2 + n, q, NULL, NULL), 1);
    ok(q->has_opt);
}

/* RFC 7871, 6. */
static void test_ecs(void)
{
    static const struct {
        const char *option;
        size_t n;
        const char *net; /* "" when left out */
        uint32_t anomalies;
    } rows[] = {
        {MESSAGE("\0\x08\0\7\0\1\x18\0\xc0\0\2"), "192.0.2.0/24", 0},
        {MESSAGE("\0\x08\0\x08\0\1\x20\0\xc0\0\2\1"), "192.0.2.1/32", 0},
        {MESSAGE("\0\x08\0\4\0\1\0\0"), "0.0.0.0/0", 0},
        {MESSAGE("\0\x08\0\6\0\1\x0f\0\xc0\2"), "192.2.0.0/15", 0},
        {MESSAGE("\0\x08\0\6\0\1\x0f\0\xc0\3"), "192.2.0.0/15", DNS_ECS_BITS},
        {MESSAGE("\0\x08\0\x0b\0\2\x38\0\x20\1\x0d\xb8\xfd\x13\x42"), "2001:db8:fd13:4200::/56", 0},
        {MESSAGE("\0\x08\0\4\0\2\0\0"), "::/0", 0},
        {MESSAGE("\0\x08\0\7\0\1\x18\x18\xc0\0\2"), "192.0.2.0/24", DNS_ECS_SCOPE},
        /* a mapped address: IPv4 in struct ip, so its length counts from there */
        {MESSAGE("\0\x08\0\x13\0\2\x78\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2"), "192.0.2.0/24", 0},
        /* 95 bits of one: the last bit of ffff is cut off and it is IPv6 */
        {MESSAGE("\0\x08\0\x10\0\2\x5f\0\0\0\0\0\0\0\0\0\0\0\xff\xff"), "::fffe:0:0/95",
         DNS_ECS_BITS},
        {MESSAGE("\0\x08\0\x08\0\1\x21\0\xc0\0\2\1"), "", DNS_ECS_BAD},
        {MESSAGE("\0\x08\0\x08\0\1\x18\0\xc0\0\2\0"), "", DNS_ECS_BAD}, /* a byte too many */
        {MESSAGE("\0\x08\0\6\0\1\x18\0\xc0\0"), "", DNS_ECS_BAD},
        {MESSAGE("\0\x08\0\4\0\3\0\0"), "", DNS_ECS_BAD},
        {MESSAGE("\0\x08\0\4\0\0\0\0"), "", DNS_ECS_BAD},
        {MESSAGE("\0\x08\0\3\0\1\0"), "", DNS_ECS_BAD},
        {MESSAGE("\0\x08\0\0"), "", DNS_ECS_BAD},
        {MESSAGE("\0\x08\0\4\0\1\0\x21"), "", DNS_ECS_BAD},
        {MESSAGE("\0\x08\0\4\0\1\0\0\0\x08\0\5\0\1\1\0\x80"), "0.0.0.0/0", DNS_REPEATED},
        {MESSAGE("\0\x08\0\5\0\1\0\0"), "", DNS_OPTION_BAD},
        {MESSAGE("\0\x08\0"), "", DNS_OPTION_BAD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dns_query q;
        char text[NET_TEXT_MAX] = "";
        with_options(rows[i].option, rows[i].n, &q);
        is_int(q.has_ecs, rows[i].net[0] != 0);
        if (q.has_ecs)
            net_format(&q.ecs, text);
        is_str(text, rows[i].net);
        is_int(q.anomalies, rows[i].anomalies);
    }
}

/* RFC 7873, 4. */
static void test_cookie(void)
{
    for (unsigned n = 0; n <= 42; n++) {
        uint8_t option[4 + 42] = {0, 10, 0, (uint8_t)n};
        struct dns_query q;
        memset(option + 4, 0x5a, n);
        with_options(option, 4 + n, &q);
        is_int(q.cookie.n, n);
        is_int(q.anomalies, n == 8 || (n >= 16 && n <= 40) ? 0 : DNS_COOKIE_BAD);
        ok(n == 0 || memcmp(q.cookie.p, option + 4, n) == 0);
    }
}

/* Every length of a whole message: only those that hold all of it parse. */
static void test_truncation(void)
{
    static const char m[] =
        "\x12\x34\x81\x80\0\1\0\1\0\0\0\1" QUESTION "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4"
        "\0\0\x29\x10\0\0\0\x80\0\0\x17\0\x08\0\7\0\1\x18\0\xc0\0\2\0\x0a\0\x08"
        "12345678";
    unsigned good = 0, question = 0;
    for (size_t n = 0; n < sizeof m; n++) {
        struct dns_query q;
        const char *why = NULL;
        size_t offset = 9999;
        int r = parse(m, n, &q, &why, &offset);
        good += r == 1;
        question += q.question_end == 33;
        if ((r < 0 && (!why || offset > n)) || strlen(q.qname) != q.qname_len)
            ok(0, "a truncated message says why and where");
    }
    is_int(good, 1);
    is_int(question, sizeof m - 33);
}

static void test_counts(void)
{
    /* 65535 records promised in each section and none there: no long walk, an error */
    is_malformed(MESSAGE("\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\1\0\1"),
                 "name runs over the end", 17);
    size_t n = DNS_MESSAGE_MAX + 1;
    uint8_t *big = calloc(1, n);
    struct dns_query q;
    const char *why = NULL;
    is_int(dns_parse(span_of(big, n), &q, &why, NULL), -1);
    is_str(why, "longer than a message can be");
    is_int(dns_parse(span_of(big, n - 1), &q, &why, NULL), 1);
    free(big);
}

static void test_tcp(void)
{
    static const uint8_t s[] = "\0\x0c"
                               "0123456789ab"
                               "\0\x0d"
                               "0123456789abc";
    struct span m;
    for (size_t cut = 0; cut < sizeof s; cut++) {
        uint8_t *copy = exact(span_of(s, cut));
        struct cur c = cur_of(span_of(copy, cut));
        unsigned messages = 0;
        int r;
        while ((r = dns_tcp_next(&c, &m)) == 1)
            messages++;
        if (r != 0 || messages != (cut < 14 ? 0u : cut < 29 ? 1u : 2u))
            ok(0, "messages of a stream cut short");
        free(copy);
    }
    struct cur c = cur_of(span_of(s, sizeof s - 1));
    is_int(dns_tcp_next(&c, &m), 1);
    ok(span_is(m, "0123456789ab"));
    is_int(dns_tcp_next(&c, &m), 1);
    ok(span_is(m, "0123456789abc"));
    is_int(dns_tcp_next(&c, &m), 0);
    c = cur_of(span_of("\0\x0b", 2));
    is_int(dns_tcp_next(&c, &m), -1);
}

static void test_mnemonics(void)
{
    char t[16];
    is_str(dns_type_name(1, t), "A");
    is_str(dns_type_name(28, t), "AAAA");
    is_str(dns_type_name(51, t), "NSEC3PARAM");
    is_str(dns_type_name(255, t), "ANY");
    is_str(dns_type_name(257, t), "CAA");
    is_str(dns_type_name(0, t), "TYPE0");
    is_str(dns_type_name(65534, t), "TYPE65534");
    is_str(dns_class_name(1, t), "IN");
    is_str(dns_class_name(3, t), "CH");
    is_str(dns_class_name(254, t), "NONE");
    is_str(dns_class_name(255, t), "ANY");
    is_str(dns_class_name(65535, t), "CLASS65535");
    struct buf b = {0};
    dns_anomaly_words(DNS_ECS_BITS | DNS_COOKIE_BAD | DNS_REPEATED, &b);
    ok(span_is(buf_as_span(&b), "ecs-bits cookie-bad repeated"));
    b.n = 0;
    dns_anomaly_words(0, &b);
    is_int(b.n, 0);
    buf_free(&b);
}

int main(void)
{
    test_plain();
    test_compression();
    test_bad_names();
    test_pointer_chain();
    test_longest();
    test_escapes();
    test_opt();
    test_bad_opt();
    test_ecs();
    test_cookie();
    test_truncation();
    test_counts();
    test_tcp();
    test_mnemonics();
    return tap_done();
}
