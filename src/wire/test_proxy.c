#include "wire/proxy.h"

#include "base/digest.h"
#include "wire/test_span.h"

/* Parses an exact-size copy; spans of `out` are not to be looked at, but for their lengths. */
static int parse(const void *p, size_t n, struct proxy_header *out)
{
    uint8_t *copy = exact(span_of(p, n));
    int result = proxy_parse(span_of(copy, n), out);
    free(copy);
    return result;
}

static int parse_str(const char *s)
{
    struct proxy_header h;
    return parse(s, strlen(s), &h);
}

static int parse_hex(const char *hex, struct buf *data, struct proxy_header *out)
{
    data->n = 0;
    size_t n = strlen(hex) / 2;
    if (!hex_decode(span_str(hex), buf_reserve(data, n), n))
        return -2;
    data->n = n;
    return proxy_parse(buf_as_span(data), out);
}

static void is_ip(const struct ip *ip, const char *want)
{
    char text[IP_TEXT_MAX];
    ip_format(ip, text);
    is_str(text, want);
}

static void test_v1(void)
{
    static const char tcp4[] = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET / HTTP/1.1\r\n";
    struct proxy_header h;
    is_int(parse(tcp4, sizeof tcp4 - 1, &h), 1);
    is_int(h.version, 1);
    ok(!h.local && !h.udp && !h.authority.n);
    is_ip(&h.src, "192.0.2.1");
    is_ip(&h.dst, "198.51.100.2");
    is_int(h.src_port, 56324);
    is_int(h.dst_port, 443);
    is_int(h.length, 45);

    static const char tcp6[] = "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                               "FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFE 65535 0\r\n";
    is_int(parse(tcp6, sizeof tcp6 - 1, &h), 1);
    is_ip(&h.dst, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
    is_int(h.src_port, 65535);
    is_int(h.dst_port, 0);
    is_int(h.length, sizeof tcp6 - 1);

    is_int(parse("PROXY UNKNOWN\r\nx", 16, &h), 1);
    ok(h.local && !ip_is_set(&h.src));
    is_int(h.length, 15);
    is_int(parse_str("PROXY UNKNOWN \xff\n\r what \r\n"), 1);
    /* HAProxy, where one side is IPv4 and the other IPv6 */
    is_int(parse_str("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n"), 1);
}

static void test_v1_lengths(void)
{
    /* the longest line that the specification knows: 107 bytes */
    char line[200] = "PROXY UNKNOWN ";
    memset(line + 14, 'f', 91);
    memcpy(line + 105, "\r\n", 3);
    struct proxy_header h;
    is_int(parse(line, 107, &h), 1);
    is_int(h.length, 107);
    is_int(parse(line, 106, &h), 0, "no LF yet");
    memcpy(line + 105, "f\r\n", 4);
    is_int(parse(line, 108, &h), -1, "108 bytes");
    is_int(parse(line, 107, &h), -1, "107 bytes without an end");
    is_int(parse(line, 106, &h), 0);
}

static void test_v1_malformed(void)
{
    static const char *const bad[] = {
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 \r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 +2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 1 -2\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n",
        "PROXY TCP4 192.0.2 198.51.100.2 1 2\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n",
        "PROXY TCP6 2001:db8::1 198.51.100.2 1 2\r\n",
        "PROXY TCP6 2001:db8::1::3 2001:db8::2 1 2\r\n",
        "PROXY TCP6 2001:db8::1%eth0 2001:db8::2 1 2\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n",
        "PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n",
        "PROXY TCP4\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY \r\n",
        "PROXY\r\n",
        "proxy TCP4",
        " PROXY",
        "GET / HTTP/1.1\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        tap_check(parse_str(bad[i]) == -1, "malformed", __FILE__, __LINE__, "malformed");
    is_int(parse_str(""), 0);
    is_int(parse_str("P"), 0);
    is_int(parse_str("PROXY"), 0);
    is_int(parse_str("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r"), 0);
}

/* A header that HAProxy 2.6.12 sent for curl ("send-proxy-v2 proxy-v2-options
 * crc32c,authority,ssl"): CRC32C, AUTHORITY and SSL TLVs. */
#define HAPROXY_V2                                                                                 \
    "0d0a0d0a000d0a515549540a2111003a7f0000017f000001cde869de0300041e74503f0200127777772e7365697a" \
    "65642e6578616d706c6520000f0100000000210007544c5376312e33"

static void test_v2_haproxy(void)
{
    struct proxy_header h;
    struct buf data = {0};
    is_int(parse_hex(HAPROXY_V2, &data, &h), 1);
    is_int(h.version, 2);
    ok(!h.local && !h.udp);
    is_ip(&h.src, "127.0.0.1");
    is_ip(&h.dst, "127.0.0.1");
    is_int(h.src_port, 52712);
    is_int(h.dst_port, 27102);
    is_span(h.authority, "www.seized.example");
    is_int(h.length, data.n);
    int short_of = 0, flipped = 0;
    for (size_t n = 0; n < data.n; n++)
        short_of += parse(data.p, n, &h) == 0;
    is_int(short_of, data.n, "any shorter one needs more");
    for (size_t bit = 0; bit < 8 * data.n; bit++) {
        data.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        flipped += parse(data.p, data.n, &h) == 1;
        data.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    /* What the checksum does not save: LOCAL instead of PROXY, a shorter length that ends with a
     * whole TLV before the checksum (none here), and the checksum's own type. */
    is_int(flipped, 1 + 8, "flipped bits are found");
    buf_free(&data);
}

static int v2(const char *rest, struct proxy_header *h)
{
    char hex[1024];
    struct buf data = {0};
    snprintf(hex, sizeof hex, "0d0a0d0a000d0a515549540a%s", rest);
    int result = parse_hex(hex, &data, h);
    h->authority.p = NULL;
    buf_free(&data);
    return result;
}

static void test_v2_forms(void)
{
    struct proxy_header h;
    is_int(v2("2111000cc0000201c6336402dc0401bb", &h), 1, "TCP over IPv4");
    ok(!h.local && !h.udp);
    is_ip(&h.src, "192.0.2.1");
    is_ip(&h.dst, "198.51.100.2");
    is_int(h.src_port, 56324);
    is_int(h.dst_port, 443);
    is_int(v2("2112000cc0000201c6336402dc0401bb", &h), 1, "UDP over IPv4");
    ok(h.udp && !h.local);
    is_int(v2("21220024"
              "20010db8000000000000000000000001"
              "20010db8000000000000000000000002"
              "00350036",
              &h),
           1, "UDP over IPv6");
    ok(h.udp);
    is_ip(&h.src, "2001:db8::1");
    is_ip(&h.dst, "2001:db8::2");
    is_int(h.src_port, 53);
    is_int(h.dst_port, 54);
    is_int(h.length, 52);
    is_int(v2("20000000", &h), 1, "LOCAL");
    ok(h.local);
    is_int(h.length, 16);
    is_int(v2("20ff0003010203", &h), 1, "LOCAL: family and block are void");
    ok(h.local);
    is_int(h.length, 19);
    is_int(v2("21000000", &h), 1, "UNSPEC");
    ok(h.local);
    is_int(v2("21000006"
              "020003"
              "612e62",
              &h),
           1, "UNSPEC with AUTHORITY");
    is_int(h.authority.n, 3);
    is_int(v2("2110000cc0000201c6336402dc0401bb", &h), 1, "IPv4, unspecified transport");
    ok(h.local && !ip_is_set(&h.src));
    is_int(v2("2111000fc0000201c6336402dc0401bb040000", &h), 1, "NOOP");
    is_int(v2("2111000fc0000201c6336402dc0401bbea0000", &h), 1, "a TLV of somebody's own");
}

static void test_v2_unix(void)
{
    uint8_t block[16 + 216 + 4] = "\r\n\r\n\0\r\nQUIT\n\x21\x31\0\xd8";
    struct proxy_header h;
    is_int(parse(block, 16 + 216, &h), 1, "UNIX");
    ok(h.local);
    is_int(h.length, 232);
    block[13] = 0x32;
    is_int(parse(block, 16 + 216, &h), 1, "UNIX datagram");
    block[15] = 215;
    is_int(parse(block, 16 + 216, &h), -1, "UNIX, short");
}

static void test_v2_malformed(void)
{
    struct proxy_header h;
    is_int(v2("11", &h), -1, "version 1 in the binary form");
    is_int(v2("22", &h), -1, "command 2");
    is_int(v2("2f", &h), -1);
    is_int(v2("2141000cc0000201c6336402dc0401bb", &h), -1, "family 4");
    is_int(v2("2113000cc0000201c6336402dc0401bb", &h), -1, "transport 3");
    is_int(v2("2111000bc0000201c6336402dc0401", &h), -1, "block too short");
    is_int(v2("2121000cc0000201c6336402dc0401bb", &h), -1, "IPv6 in 12 bytes");
    is_int(v2("2111000dc0000201c6336402dc0401bb04", &h), -1, "TLV without length");
    is_int(v2("2111000fc0000201c6336402dc0401bb040001", &h), -1, "TLV over the end");
    is_int(v2("21110012c0000201c6336402dc0401bb030003000000", &h), -1, "checksum of three bytes");
    is_int(v2("21110013c0000201c6336402dc0401bb03000400000000", &h), -1, "checksum wrong");
    is_int(v2("211103f1", &h), -1, "longer than we take");
    is_int(v2("211103f0", &h), 0, "as long as we take");
    is_int(parse("\r\n\r\n\0\r\nQUIX", 11, &h), -1);
    is_int(parse("\r\n\r\n\0\r\nQUIT", 11, &h), 0);
}

static void check_written(const char *src, const char *dst, bool udp, size_t length)
{
    uint8_t out[52];
    struct proxy_header h;
    struct ip s, d;
    ip_parse(span_str(src), &s);
    ip_parse(span_str(dst), &d);
    size_t n = proxy_write_v2(out, &s, 1234, &d, 53, udp);
    is_int(n, length);
    is_int(parse(out, n, &h), 1);
    ok(!h.local && h.udp == udp && h.src_port == 1234 && h.dst_port == 53 && h.length == n);
    ok(memcmp(&h.src, &s, sizeof s) == 0 && memcmp(&h.dst, &d, sizeof d) == 0);
}

int main(void)
{
    test_v1();
    test_v1_lengths();
    test_v1_malformed();
    test_v2_haproxy();
    test_v2_forms();
    test_v2_unix();
    test_v2_malformed();
    check_written("192.0.2.1", "198.51.100.2", false, 28);
    check_written("192.0.2.1", "198.51.100.2", true, 28);
    check_written("2001:db8::1", "2001:db8::2", true, 52);
    check_written("192.0.2.1", "2001:db8::2", false, 52);
    return tap_done();
}
