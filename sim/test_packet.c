#include "sim/packet.h"

#include "base/tap.h"
#include "base/digest.h"

static struct ip ip_of(const char *text)
{
    struct ip ip = {{0}};
    ip_parse(span_str(text), &ip);
    return ip;
}

/* Ones' complement sum over a checked range is all ones (RFC 1071). */
static bool sums_up(const uint8_t *p, size_t n, uint32_t pseudo)
{
    uint64_t sum = pseudo;
    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)(p[i] << 8 | (i + 1 < n ? p[i + 1] : 0));
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

/* The worked example of an IPv4 header checksum that textbooks and Wikipedia ("Internet checksum")
 * give: 192.168.0.1 to 192.168.0.199, UDP, 115 bytes, checksum b861. */
static void test_ipv4(void)
{
    struct buf b = {0};
    struct ip src = ip_of("192.168.0.1"), dst = ip_of("192.168.0.199");
    uint8_t payload[87] = {1, 2, 3}, want[20];
    struct packet p = {.time = 1300579200123456,
                       .src = &src,
                       .dst = &dst,
                       .udp = true,
                       .src_port = 4000,
                       .dst_port = 53,
                       .ttl = 64,
                       .payload = span_of(payload, sizeof payload)};
    packet_put(&b, &p);
    ok(hex_decode(span_str("45000073000040004011b861c0a80001c0a800c7"), want, 20), "vector");
    is_int(b.n, 16 + 14 + 115);
    ok(memcmp(b.p + 30, want, 20) == 0, "IPv4 header with its known checksum");
    uint32_t pseudo = 0xc0a8 + 0x0001 + 0xc0a8 + 0x00c7 + 17 + 95;
    ok(sums_up(b.p + 50, 95, pseudo), "UDP checksum, odd length");
    static const uint8_t time[8] = {0x80, 0x43, 0x85, 0x4d, 0x40, 0xe2, 0x01, 0x00};
    ok(memcmp(b.p, time, 8) == 0, "record time, little-endian");
    buf_free(&b);
}

static void test_ipv6(void)
{
    struct buf b = {0};
    struct ip src = ip_of("2001:db8::1"), dst = ip_of("2001:db8::2");
    struct packet p = {.src = &src,
                       .dst = &dst,
                       .src_port = 1025,
                       .dst_port = 80,
                       .ttl = 60,
                       .seq = 7,
                       .flags = PACKET_SYN,
                       .window = 100,
                       .inward = true};
    packet_put(&b, &p);
    is_int(b.n, 16 + 14 + 40 + 28);
    ok(b.p[28] == 0x86 && b.p[29] == 0xdd, "Ethernet type");
    ok(be16_get(b.p + 34) == 28 && b.p[36] == 6 && b.p[37] == 60, "IPv6 header");
    uint32_t pseudo = 2 * (0x2001 + 0x0db8) + 1 + 2 + 6 + 28;
    ok(sums_up(b.p + 70, 28, pseudo), "TCP checksum");
    buf_free(&b);
}

int main(void)
{
    test_ipv4();
    test_ipv6();
    return tap_done();
}
