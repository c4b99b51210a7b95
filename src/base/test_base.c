/* Bytes, digests, times, addresses, JSON, arena, log. Known answers with their sources beside them.
 */
#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

/* jansson has functions of these names too; its others serve as the oracle for what we write */
#define json_object oracle_json_object
#define json_array  oracle_json_array
#define json_null   oracle_json_null
#include <jansson.h>
#undef json_object
#undef json_array
#undef json_null

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/log.h"
#include "base/tap.h"
#include "base/utc.h"

static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

#define is_buf(b, want) tap_buf((b), (want), __LINE__)
static void tap_buf(struct buf *b, const char *want, int line)
{
    if (!tap_check(span_is(buf_as_span(b), want), want, __FILE__, line, "text"))
        printf("#   got %.*s\n#  want %s\n", (int)b->n, (char *)b->p, want);
    b->n = 0;
}

static void test_spans(void)
{
    ok(span_eq(span_of(NULL, 0), span_str("")));
    ok(!span_eq(span_str("a"), span_str("ab")));
    ok(span_ieq(span_str("aZ[`{"), span_str("Az[`{")));
    ok(!span_ieq(span_str("["), span_str("{")), "only letters fold");
    ok(!span_ieq(span_str("@"), span_str("`")));
    ok(span_cmp(span_str("a"), span_str("ab")) < 0);
    ok(span_cmp(span_str("b"), span_str("ab")) > 0);
    ok(span_cmp(span_str("\x80"), span_str("a")) > 0, "bytes are unsigned");
    ok(span_cmp(span_of(NULL, 0), span_str("")) == 0);
    ok(span_str(NULL).n == 0);
}

/* UTF-8 written anew from RFC 3629, section 4's ABNF, for every code point and its neighbours. */
static bool utf8_by_the_book(const uint8_t *p, size_t n)
{
    uint32_t v;
    switch (n) {
    case 1:
        return p[0] > 0 && p[0] < 0x80;
    case 2:
        v = (p[0] & 0x1fu) << 6 | (p[1] & 0x3f);
        return p[0] >> 5 == 6 && p[1] >> 6 == 2 && v >= 0x80;
    case 3:
        v = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3f);
        return p[0] >> 4 == 14 && p[1] >> 6 == 2 && p[2] >> 6 == 2 && v >= 0x800 &&
               (v < 0xd800 || v > 0xdfff);
    default:
        v = (p[0] & 7u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3f);
        return p[0] >> 3 == 30 && p[1] >> 6 == 2 && p[2] >> 6 == 2 && p[3] >> 6 == 2 &&
               v >= 0x10000 && v <= 0x10ffff;
    }
}

static void test_utf8(void)
{
    unsigned wrong = 0;
    uint8_t s[8];
    for (uint32_t v = 0; v < 1u << 24;
         v++) { /* all sequences of three bytes at least one >= 0x80 */
        be32_put(s, v << 8);
        if (!(v & 0x808080))
            continue;
        bool want = utf8_by_the_book(s, 3);
        want = want || (utf8_by_the_book(s, 1) && utf8_by_the_book(s + 1, 2)) ||
               (utf8_by_the_book(s, 2) && utf8_by_the_book(s + 2, 1));
        wrong += span_is_utf8(span_of(s, 3)) != want;
    }
    uint64_t x = 88172645463325252u;
    for (unsigned i = 0; i < 1000000; i++) { /* four bytes, most of them near a boundary */
        be32_put(s, 0xf0808080u ^ (uint32_t)(next(&x) & 0x0f3f3f3f) ^
                        (next(&x) % 4 ? 0 : (uint32_t)next(&x)));
        if (s[0] >= 0xf0)
            wrong += span_is_utf8(span_of(s, 4)) != utf8_by_the_book(s, 4);
    }
    is_int(wrong, 0);
    static const char text[] = "0123456789abcdef0123456789";
    for (size_t at = 0; at < sizeof text - 1; at++) { /* a NUL, a stray byte at each place */
        char copy[sizeof text];
        memcpy(copy, text, sizeof text);
        wrong += !span_is_utf8(span_of(copy, sizeof text - 1));
        copy[at] = 0;
        wrong += span_is_utf8(span_of(copy, sizeof text - 1));
        copy[at] = (char)0xbf;
        wrong += span_is_utf8(span_of(copy, sizeof text - 1));
    }
    is_int(wrong, 0);
    ok(span_is_utf8(span_of(NULL, 0)));
}

static void test_buf_and_cur(void)
{
    struct buf b = {0};
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(&b, "%u,", i);
    is_int(b.n, 10 * 2 + 90 * 3 + 900 * 4);
    ok(memcmp(b.p, "0,1,2,", 6) == 0 && memcmp(b.p + b.n - 4, "999,", 4) == 0);
    b.n = 0;
    buf_put(&b, NULL, 0);
    buf_byte(&b, 'x');
    buf_span(&b, span_str("yz"));
    is_buf(&b, "xyz");
    buf_free(&b);
    ok(!b.p && !b.cap);

    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    struct cur c = cur_of(span_of(bytes, 8));
    struct span s;
    ok(cur_u64(&c, &u64) && u64 == 0x0102030405060708u);
    ok(!cur_u8(&c, &u8) && cur_left(&c) == 0);
    c = cur_of(span_of(bytes, 8));
    ok(cur_u8(&c, &u8) && cur_u16(&c, &u16) && cur_u32(&c, &u32));
    ok(u8 == 1 && u16 == 0x0203 && u32 == 0x04050607);
    ok(!cur_u16(&c, &u16) && !cur_u32(&c, &u32) && !cur_u64(&c, &u64) && cur_left(&c) == 1);
    ok(!cur_take(&c, 2, &s) && cur_take(&c, 1, &s) && s.n == 1 && *s.p == 8);
    ok(!cur_take(&c, SIZE_MAX, &s) && cur_take(&c, 0, &s));
    uint8_t put[8];
    be64_put(put, 0x0102030405060708u);
    ok(memcmp(put, bytes, 8) == 0);
    be32_put(put, 0x01020304);
    be16_put(put + 4, 0x0506);
    ok(memcmp(put, bytes, 6) == 0);
}

static void test_lines(void)
{
    struct cur c = cur_of(span_str("one\n\n two\r\nthree"));
    ok(span_is(cur_line(&c), "one") && span_is(cur_line(&c), ""));
    struct span two = cur_line(&c);
    ok(span_is(two, " two\r") && span_is(span_trim(two), "two"));
    ok(span_is(cur_line(&c), "three") && cur_left(&c) == 0, "the last needs no LF");
    c = cur_of(span_of(NULL, 0));
    ok(cur_line(&c).n == 0 && cur_left(&c) == 0 && span_trim(span_of(NULL, 0)).n == 0);
    ok(span_trim(span_str(" \t\r")).n == 0 && span_is(span_trim(span_str("\ra b\t")), "\ra b"));
}

/* FIPS 180-2, appendix B, and the digest of nothing. */
static void test_sha256(void)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t digest[SHA256_LEN];
    char hex[SHA256_HEX_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sha256(rows[i].text, strlen(rows[i].text), digest);
        hex_encode(digest, SHA256_LEN, hex);
        is_str(hex, rows[i].hex);
    }
    sha256_ctx c;
    sha256_begin(&c);
    for (unsigned i = 0; i < 1000000 / 50; i++)
        sha256_add(&c, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 50);
    sha256_end(&c, digest);
    hex_encode(digest, SHA256_LEN, hex);
    is_str(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 3720, B.4 (bytes in the order of the wire there), and the catalogues' check value. */
static void test_crc32c(void)
{
    uint8_t m[64];
    is_int(crc32c(0, "123456789", 9), 0xe3069283);
    memset(m, 0, 32);
    is_int(crc32c(0, m, 32), 0x8a9136aa);
    memset(m, 0xff, 32);
    is_int(crc32c(0, m, 32), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        m[i] = (uint8_t)i;
    is_int(crc32c(0, m, 32), 0x46dd794e);
    for (unsigned i = 0; i < 32; i++)
        m[i] = (uint8_t)(31 - i);
    is_int(crc32c(0, m, 32), 0x113fdb5c);
    is_int(crc32c(0, NULL, 0), 0);
    unsigned wrong = 0;
    for (size_t cut = 0; cut <= 9; cut++)
        wrong += crc32c(crc32c(0, "123456789", cut), "123456789" + cut, 9 - cut) != 0xe3069283;
    is_int(wrong, 0, "continued at every cut");
}

/* RFC 4648, section 10. */
static void test_base64_and_hex(void)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xef\xbe", "/+++"},
    };
    struct buf b = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        base64_encode(&b, span_str(rows[i][0]));
        is_buf(&b, rows[i][1]);
        ok(base64_decode(&b, span_str(rows[i][1])));
        is_buf(&b, rows[i][0]);
    }
    static const char *const bad[] = {
        "Zg",       "Zg=",    "Zg===", "Z===", "====", "Zh==",  "Zm9=", "Zm=v",
        "Zg==Zg==", "Zm9v\n", "Zm-v",  "Zm_v", " Zm9", "Zm9vZ", "=Zm9"};
    buf_str(&b, "kept");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        tap_check(!base64_decode(&b, span_str(bad[i])) && b.n == 4, bad[i], __FILE__, __LINE__,
                  "not base64, and nothing appended");
    buf_free(&b);
    uint8_t bytes[2];
    char hex[5];
    ok(hex_decode(span_str("0aFf"), bytes, 2) && bytes[0] == 10 && bytes[1] == 255);
    hex_encode(bytes, 2, hex);
    is_str(hex, "0aff");
    ok(!hex_decode(span_str("0af"), bytes, 2) && !hex_decode(span_str("0aFfF"), bytes, 2));
    ok(!hex_decode(span_str("0g"), bytes, 1) && !hex_decode(span_str(" 1"), bytes, 1));
    ok(!hex_decode(span_str("@1"), bytes, 1) && !hex_decode(span_str("1`"), bytes, 1));
}

static void test_utc_texts(void)
{
    static const struct {
        const char *text, *want; /* "" when refused */
    } rows[] = {
        /* RFC 3339, 5.8 */
        {"1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520000Z"},
        {"1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57.000000Z"},
        {"1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000000Z"},
        {"1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000000Z"},
        {"1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870000Z"},
        {"2011-03-16 09:00:00", "2011-03-16T09:00:00.000000Z"},
        {"2011-03-16t09:00:00z", "2011-03-16T09:00:00.000000Z"},
        {"2011-03-16", "2011-03-16T00:00:00.000000Z"},
        {"2011-03-16T09:00:00.1234569Z", "2011-03-16T09:00:00.123456Z"},
        {"2000-02-29", "2000-02-29T00:00:00.000000Z"},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
        {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
        {"0000-01-01", "0000-01-01T00:00:00.000000Z"},
        {"1900-02-29", ""},
        {"2011-02-29", ""},
        {"2011-04-31", ""},
        {"2011-13-01", ""},
        {"2011-00-01", ""},
        {"2011-01-00", ""},
        {"2011-01-01T24:00:00Z", ""},
        {"2011-01-01T23:60:00Z", ""},
        {"2011-01-01T23:59:61Z", ""},
        {"2011-01-01T23:59Z", ""},
        {"2011-01-01T23:59:59.Z", ""},
        {"2011-01-01T23:59:59+24:00", ""},
        {"2011-01-01T23:59:59+0100", ""},
        {"2011-01-01T23:59:59Z ", ""},
        {"2011-1-1", ""},
        {" 2011-01-01", ""},
        {"2011-01-01T", ""},
        {"2011-01-01X00:00:00Z", ""},
        {"", ""},
        {"-001-01-01", ""},
        {"20110101", ""},
        {"2011-01-01T23:59:59+01:60", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[UTC_TEXT_MAX] = "";
        int64_t t;
        size_t n = strlen(rows[i].text);
        char *copy = malloc(n ? n : 1); /* no NUL behind it */
        memcpy(copy, rows[i].text, n);
        if (utc_parse(span_of(copy, n), &t))
            is_int(utc_format(t, text), 27);
        is_str(text, rows[i].want);
        free(copy);
    }
}

/* Beside libc's calendar. */
static void test_utc_calendar(void)
{
    uint64_t x = 88172645463325252u;
    unsigned wrong = 0;
    for (unsigned i = 0; i < 200000; i++) {
        int64_t seconds = (int64_t)(next(&x) % 315569520000u) - 62167219200; /* years 0 to 9999 */
        int64_t t = seconds * UTC_SECOND + (int64_t)(next(&x) % 1000000), back;
        time_t clock = (time_t)seconds;
        struct tm tm;
        char want[64], got[UTC_TEXT_MAX], date[UTC_TEXT_MAX];
        gmtime_r(&clock, &tm);
        snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)(t - seconds * UTC_SECOND));
        unsigned n = utc_format(t, got);
        wrong += strcmp(got, want) != 0 || !utc_parse(span_of(got, n), &back) || back != t;
        wrong += utc_format_date(t, date) != 10 || strncmp(date, want, 10) != 0;
        wrong += utc_day(t) != (seconds - (((seconds % 86400) + 86400) % 86400)) / 86400;
    }
    is_int(wrong, 0);
    int64_t least, most;
    ok(utc_parse(span_str("1990-01-01"), &least) && least == UTC_EVENT_MIN);
    ok(utc_parse(span_str("2100-01-01"), &most) && most == UTC_EVENT_MAX);
    is_int(utc_days_from_civil(1970, 1, 1), 0);
    is_int(utc_day(-1), -1);
    is_int(utc_day(0), 0);
    char text[UTC_TEXT_MAX];
    ok(utc_format(INT64_MAX, text) < UTC_TEXT_MAX && utc_format(INT64_MIN, text) < UTC_TEXT_MAX);
    int64_t a = utc_now(), b = utc_now();
    ok(a <= b && a > UTC_EVENT_MIN && b < UTC_EVENT_MAX);
}

static void test_ip_texts(void)
{
    static const char *const rows[][2] = {
        /* RFC 5952, section 4 */
        {"2001:0db8::0001", "2001:db8::1"},
        {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:DB8::A", "2001:db8::a"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:c000:201", "192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"192.0.2.01", ""},
        {"192.0.2", ""},
        {"192.0.2.256", ""},
        {"192.0.2.1.", ""},
        {"1..2.3", ""},
        {"192.0.2.1 ", ""},
        {"1.2.3.4.5", ""},
        {"", ""},
        {":", ""},
        {":::", ""},
        {"1::2::3", ""},
        {"12345::", ""},
        {"fe80::1%eth0", ""},
        {"1:2:3:4:5:6:7", ""},
        {"1:2:3:4:5:6:7:8:9", ""},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", ""},
        {"+1.2.3.4", ""},
        {"0x1.2.3.4", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[IP_TEXT_MAX] = "";
        struct ip ip;
        size_t n = strlen(rows[i][0]);
        char *copy = malloc(n ? n : 1);
        memcpy(copy, rows[i][0], n);
        if (ip_parse(span_of(copy, n), &ip))
            is_int(ip_format(&ip, text), strlen(rows[i][1]));
        is_str(text, rows[i][1]);
        free(copy);
    }
    struct ip ip;
    ok(!ip_parse(span_of("1.2.3.4\0", 8), &ip) && !ip_parse(span_of("::1\0", 4), &ip));
    unsigned wrong = 0;
    uint64_t x = 88172645463325252u;
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t v = (uint32_t)next(&x);
        char text[IP_TEXT_MAX], want[INET_ADDRSTRLEN];
        ip = ip_from_v4(v);
        struct ip back;
        size_t n = ip_format(&ip, text);
        inet_ntop(AF_INET, &(struct in_addr){htonl(v)}, want, sizeof want);
        wrong += strcmp(text, want) != 0 || !ip_parse(span_of(text, n), &back) ||
                 memcmp(&back, &ip, sizeof ip) != 0 || !ip_is_v4(&ip) || ip_v4(&ip) != v;
    }
    is_int(wrong, 0);
    struct ip none = {{0}};
    ok(!ip_is_set(&none) && ip_is_set(&ip));
}

static void test_nets(void)
{
    static const char *const rows[][2] = {
        {"192.0.2.0/24", "192.0.2.0/24"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"192.0.2.1/32", "192.0.2.1/32"},
        {"2001:db8::/32", "2001:db8::/32"},
        {"::/0", "::/0"},
        {"2001:db8::1/128", "2001:db8::1/128"},
        {"192.0.2.1/24", ""},
        {"192.0.2.0/33", ""},
        {"::/129", ""},
        {"192.0.2.0", ""},
        {"192.0.2.0/", ""},
        {"192.0.2.0/2x", ""},
        {"192.0.2.0/0024", ""},
        {"/8", ""},
        {"", ""},
        {"192.0.2.0/-1", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[NET_TEXT_MAX] = "";
        struct net net;
        if (net_parse(span_str(rows[i][0]), &net)) {
            is_int(net_format(&net, text), strlen(rows[i][1]));
            ok(net.set);
        }
        is_str(text, rows[i][1]);
    }
    static const char *const lines[] = {"192.0.2.0/24",   "192.0.2.7",     "10.0.0.0/8",
                                        "192.0.2.128/25", "2001:db8::/32", "2001:db8::1",
                                        "198.51.100.9"};
    struct net nets[sizeof lines / sizeof *lines], one;
    struct ip ip;
    size_t n = sizeof lines / sizeof *lines;
    for (size_t i = 0; i < n; i++)
        ok(net_parse_any(span_str(lines[i]), &nets[i]));
    ok(nets[1].bits == 32 && nets[5].bits == 128, "an address is a network of its own");
    ok(!net_parse_any(span_str("192.0.2.1/24"), &one) && !net_parse_any(span_str("x"), &one),
       "and what is neither is none");
    n = nets_order(nets, n);
    is_int(n, 4);
    static const struct {
        const char *ip;
        bool in;
    } has[] = {{"192.0.2.255", true},    {"192.0.3.0", false},   {"10.255.0.1", true},
               {"9.255.255.255", false}, {"2001:db8::2", true},  {"2001:db9::", false},
               {"198.51.100.9", true},   {"198.51.100.8", false}};
    for (size_t i = 0; i < sizeof has / sizeof *has; i++)
        ok(ip_parse(span_str(has[i].ip), &ip) && nets_have(nets, n, &ip) == has[i].in);
    ok(nets_order(NULL, 0) == 0 && !nets_have(NULL, 0, &ip), "a set of none has nothing");
    unsigned wrong = 0;
    struct ip ones, v4 = ip_from_v4(0xffffffff);
    memset(&ones, 0xff, sizeof ones);
    for (unsigned bits = 0; bits <= 128; bits++) {
        struct net net = net_of(&ones, (uint8_t)bits);
        for (unsigned i = 0; i < 128; i++)
            wrong += (net.ip.b[i / 8] >> (7 - i % 8) & 1) != (i < bits);
    }
    for (unsigned bits = 0; bits <= 32; bits++) {
        struct net net = net_of(&v4, (uint8_t)bits);
        wrong += !ip_is_v4(&net.ip) || ip_v4(&net.ip) != (bits ? 0xffffffffu << (32 - bits) : 0);
    }
    is_int(wrong, 0);
    char text[NET_TEXT_MAX];
    struct net longest = net_of(&ones, 128);
    is_int(net_format(&longest, text), 39 + 4);
}

static void test_json_shape(void)
{
    struct buf b = {0};
    struct json j = json_to(&b);
    json_object(&j);
    json_key(&j, "a");
    json_uint(&j, UINT64_MAX);
    json_key(&j, "b");
    json_array(&j);
    json_int(&j, INT64_MIN);
    json_bool(&j, true);
    json_null(&j);
    json_array(&j);
    json_array_end(&j);
    json_object(&j);
    json_object_end(&j);
    json_array_end(&j);
    json_key_span(&j, span_str("\"k"));
    json_hex(&j, (const uint8_t *)"\x0a\xff", 2);
    json_key(&j, "d");
    json_double(&j, 1.25, 1);
    json_key(&j, "n");
    json_double(&j, 0.0 / 0.0, 1);
    json_key(&j, "i");
    json_double(&j, 1.0 / 0.0, 1);
    json_object_end(&j);
    json_newline(&j);
    json_uint(&j, 0);
    is_buf(&b, "{\"a\":18446744073709551615,\"b\":[-9223372036854775808,true,null,[],{}],"
               "\"\\\"k\":\"0aff\",\"d\":1.2,\"n\":null,\"i\":null}\n0");
    buf_free(&b);
}

/* RFC 8259, section 7; what is no UTF-8 becomes U+FFFD a byte. */
static void test_json_strings(void)
{
    static const struct {
        const char *in;
        size_t n;
        const char *want;
    } rows[] = {
        {"", 0, "\"\""},
        {"\"\\/\b\f\n\r\t", 8, "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {"\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\""},
        {"\xc3\xbc\xe6\xb0\xb4\xf0\x90\x85\x91", 9, "\"\xc3\xbc\xe6\xb0\xb4\xf0\x90\x85\x91\""},
        {"a\xff"
         "b",
         3,
         "\"a\xef\xbf\xbd"
         "b\""},
        {"\xc3", 1, "\"\xef\xbf\xbd\""},
        {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe6\xb0"
         "x",
         3, "\"\xef\xbf\xbd\xef\xbf\xbdx\""},
    };
    struct buf b = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json j = json_to(&b);
        json_span(&j, span_of(rows[i].in, rows[i].n));
        is_buf(&b, rows[i].want);
    }
    unsigned wrong = 0;
    uint64_t x = 88172645463325252u;
    for (unsigned i = 0; i < 50000; i++) { /* whatever comes in, jansson reads it, and the same */
        uint8_t bytes[12];
        size_t n = next(&x) % sizeof bytes;
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)(next(&x) % 3 ? next(&x) % 128 : next(&x));
        struct json j = json_to(&b);
        b.n = 0;
        json_span(&j, span_of(bytes, n));
        json_t *read = json_loadb((char *)b.p, b.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        wrong += !json_is_string(read);
        if (json_is_string(read) && !memchr(bytes, 0, n) && span_is_utf8(span_of(bytes, n)))
            wrong += !span_eq(span_of(json_string_value(read), json_string_length(read)),
                              span_of(bytes, n));
        json_decref(read);
    }
    is_int(wrong, 0);
    buf_free(&b);
}

static void test_arena(void)
{
    struct arena a = {0};
    unsigned wrong = 0;
    uint64_t x = 88172645463325252u;
    uint8_t *kept[300];
    size_t sizes[300];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 300; i++) {
            sizes[i] = next(&x) % (i % 50 ? 500 : 300000);
            kept[i] = arena_alloc(&a, sizes[i]);
            wrong += (uintptr_t)kept[i] % 16 != 0;
            if (sizes[i])
                memset(kept[i], (int)i, sizes[i]);
        }
        for (unsigned i = 0; i < 300; i++)
            for (size_t k = 0; k < sizes[i]; k++)
                wrong += kept[i][k] != (uint8_t)i;
        arena_reset(&a);
    }
    is_int(wrong, 0);
    const char *copy = arena_copy(&a, "ab\0c", 4);
    ok(memcmp(copy, "ab\0c", 5) == 0);
    is_str(arena_copy(&a, NULL, 0), "");
    arena_free(&a);
    arena_reset(&a);
    arena_free(&a);
    ok(!a.head && !a.at);
}

/* What log_line writes, read back through a pipe in the place of standard error. */
static size_t logged(enum log_level level, const char *what, const char *rest, char *out,
                     size_t max)
{
    int ends[2], saved = dup(STDERR_FILENO);
    if (pipe(ends) < 0 || saved < 0)
        abort();
    dup2(ends[1], STDERR_FILENO);
    log_line(level, what, rest ? "%s" : NULL, rest);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t n = read(ends[0], out, max - 1);
    close(ends[0]);
    out[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

static void test_log(void)
{
    char line[4096], big[3000];
    is_int(logged(LOG_INFO, "quiet", NULL, line, sizeof line), 0);
    size_t n = logged(LOG_WARN, "cut", "bytes=17\nx", line, sizeof line);
    ok(strncmp(line, "time=2", 6) == 0);
    is_str(strstr(line, " level="), " level=warn what=\"cut\" bytes=17?x\n");
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    n = logged(LOG_ERROR, "long", big, line, sizeof line);
    ok(n < 1025 && line[n - 1] == '\n' && !memchr(line, '\n', n - 1), "one line, cut");
    n = logged(LOG_ERROR, big, "more=1", line, sizeof line);
    ok(n < 1025 && line[n - 1] == '\n' && !memchr(line, '\n', n - 1), "and with a long word");
    n = logged(LOG_ERROR, big, NULL, line, sizeof line);
    ok(n < 1025 && line[n - 1] == '\n');
}

int main(void)
{
    test_spans();
    test_utf8();
    test_buf_and_cur();
    test_lines();
    test_sha256();
    test_crc32c();
    test_base64_and_hex();
    test_utc_texts();
    test_utc_calendar();
    test_ip_texts();
    test_nets();
    test_json_shape();
    test_json_strings();
    test_arena();
    test_log();
    return tap_done();
}
