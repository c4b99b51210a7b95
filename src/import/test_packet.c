/* Link layers, IP, fragments and broken packets: frames and what they must come to. */
#include "import/fragment.h"
#include "import/test_found.h"

/* A header before a query's IP packet, as a whole capture of that link type. */
static void one_link(const char *name, uint32_t link, const char *header, size_t n,
                     const struct ends *e, const char *events)
{
    struct capture_file c = {0};
    struct buf ip = query_ip(e), frame = {0};
    buf_put(&frame, header, n);
    buf_span(&frame, buf_as_span(&ip));
    buf_put(&frame, "\0\0\0\0", 4); /* padding */
    capture_begin(&c, link);
    capture_packet(&c, buf_as_span(&frame));
    expect(&c, name, events, "");
    buf_free(&ip);
    buf_free(&frame);
}

#define MACS "\2\0\0\0\0\1\2\0\0\0\0\2"

static void links(void)
{
    one_link("Ethernet", 1, MACS "\x08\x00", 14, &to_dns, QUERY);
    one_link("Ethernet, IPv6", 1, MACS "\x86\xdd", 14, &to_dns6, QUERY6);
    one_link("VLAN", 1, MACS "\x81\x00\x00\x05\x08\x00", 18, &to_dns, QUERY);
    one_link("QinQ", 1, MACS "\x88\xa8\x00\x05\x81\x00\x00\x06\x86\xdd", 22, &to_dns6, QUERY6);
    one_link("QinQ, old", 1, MACS "\x91\x00\x00\x05\x81\x00\x00\x06\x08\x00", 22, &to_dns, QUERY);
    one_link("cooked", 113, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\x00", 16, &to_dns, QUERY);
    one_link("cooked v2", 276, "\x86\xdd\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\1\0\0", 20, &to_dns6,
             QUERY6);
    one_link("raw", 101, "", 0, &to_dns, QUERY);
    one_link("raw, IPv6", 101, "", 0, &to_dns6, QUERY6);
    one_link("IPv4", 228, "", 0, &to_dns, QUERY);
    one_link("IPv6", 229, "", 0, &to_dns6, QUERY6);
    one_link("null", 0, "\2\0\0\0", 4, &to_dns, QUERY);
    one_link("null, IPv6 of macOS", 0, "\x1e\0\0\0", 4, &to_dns6, QUERY6);
    one_link("loop", 108, "\0\0\0\2", 4, &to_dns, QUERY);
    one_link("not IP", 1, MACS "\x08\x06", 14, &to_dns, "");
}

static void link_unknown(void)
{
    struct capture_file c = {0};
    struct found f = {0};
    struct err err = {0};
    capture_begin(&c, 105); /* IEEE 802.11 */
    ok(import_bytes(buf_as_span(&c.bytes), &f, 1, &err) < 0, "an unknown link type is refused");
    is_str(err.text, "test.pcap: link type 105 (IEEE802_11) is not supported");
    found_free(&f);
    buf_free(&c.bytes);
}

static void magics(void)
{
    for (unsigned i = 0; i < 5; i++) {
        struct capture_file c = {.nano = i & 1, .swapped = i & 2, .ng = i == 4};
        struct found f = {0};
        struct err err;
        capture_begin(&c, 1);
        c.at = 123456;
        capture_query(&c, &to_dns, "x.example");
        is_int(import_pcap.probe(buf_as_span(&c.bytes)), 100);
        ok(import_bytes(buf_as_span(&c.bytes), &f, 1, &err) == 0 && f.kinds[KIND_DNS] == 1);
        is_int(f.time, CAPTURE_T0 * 1000000 + 123456);
        found_free(&f);
        buf_free(&c.bytes);
    }
    is_int(import_pcap.probe(span_str("\"timestamp\",\"ip\"")), 0);
    is_int(import_pcap.probe(span_of(NULL, 0)), 0);
}

/* Fragments of one datagram: offsets in units of 8 bytes, in the order given. */
struct piece {
    unsigned from, to; /* bytes of the datagram */
    bool more;
};

static void send_fragments(struct capture_file *c, const struct ends *e, struct span datagram,
                           const struct piece *p, unsigned n)
{
    struct ip src = ip_of(e->src);
    for (unsigned i = 0; i < n; i++) {
        struct span part = span_of(datagram.p + p[i].from, p[i].to - p[i].from);
        struct buf payload = {0}, ip, frame;
        if (!ip_is_v4(&src)) {
            buf_byte(&payload, PACKET_UDP);
            buf_byte(&payload, 0);
            put16be(&payload, (uint16_t)(p[i].from | p[i].more));
            put32be(&payload, 99);
        }
        buf_span(&payload, part);
        ip = ip_packet(e, ip_is_v4(&src) ? PACKET_UDP : 44, 99,
                       (uint16_t)(p[i].from / 8 | p[i].more << 13), 0, buf_as_span(&payload));
        frame = ether(ip_is_v4(&src) ? 0x0800 : 0x86dd, buf_as_span(&ip));
        capture_packet(c, buf_as_span(&frame));
        buf_free(&payload);
        buf_free(&ip);
        buf_free(&frame);
    }
}

static void fragments_of(const char *name, const struct ends *e, const struct piece *p, unsigned n,
                         const char *events, const char *rejects)
{
    struct capture_file c = {0};
    struct buf m = dns_message(7, 0x0100, "x.example"); /* 27 bytes; 35 with the UDP header */
    struct buf u = udp_datagram(e, buf_as_span(&m));
    capture_begin(&c, 1);
    send_fragments(&c, e, buf_as_span(&u), p, n);
    expect(&c, name, events, rejects);
    buf_free(&m);
    buf_free(&u);
}

static void fragments(void)
{
    const struct piece order[] = {{0, 8, 1}, {8, 24, 1}, {24, 35, 0}};
    const struct piece back[] = {{24, 35, 0}, {8, 24, 1}, {0, 8, 1}};
    const struct piece twice[] = {{0, 8, 1}, {8, 24, 1}, {8, 24, 1}, {24, 35, 0}};
    const struct piece overlap[] = {{0, 16, 1}, {8, 24, 1}, {24, 35, 0}};
    const struct piece missing[] = {{0, 8, 1}, {24, 35, 0}};
    const struct piece odd[] = {{0, 7, 1}};
    const struct piece behind[] = {{8, 24, 0}, {24, 35, 1}};
    fragments_of("in order", &to_dns, order, 3, QUERY, "");
    fragments_of("backwards", &to_dns, back, 3, QUERY, "");
    fragments_of("one twice", &to_dns, twice, 4, QUERY, "");
    fragments_of("IPv6", &to_dns6, back, 3, QUERY6, "");
    fragments_of("overlap", &to_dns, overlap, 3, "",
                 "packet 2: overlapping fragments\n"
                 "packet 3: fragment of a datagram with overlapping fragments\n");
    fragments_of("missing", &to_dns6, missing, 2, "",
                 "packet 1: fragments: the rest of the datagram is not in the capture\n");
    fragments_of("odd length", &to_dns, odd, 1, "",
                 "packet 1: fragment length is no multiple of 8\n");
    fragments_of("behind the end", &to_dns, behind, 2, "",
                 "packet 2: fragment length is no multiple of 8\n"
                 "packet 1: fragments: the rest of the datagram is not in the capture\n");
    const struct piece atomic[] = {{0, 35, 0}};
    fragments_of("atomic", &to_dns6, atomic, 1, QUERY6, "");
}

static void fragments_bounded(void)
{
    struct capture_file c = {0};
    struct found f = {.terse = true};
    struct err err;
    struct buf ip, frame;
    capture_begin(&c, 1);
    for (unsigned i = 0; i < FRAGMENT_DATAGRAMS_MAX + 50; i++) {
        ip = ip_packet(&to_dns, PACKET_UDP, (uint16_t)i, 0x2000, 0, span_str("12345678"));
        frame = ether(0x0800, buf_as_span(&ip));
        capture_packet(&c, buf_as_span(&frame));
        buf_free(&ip);
        buf_free(&frame);
    }
    ok(import_bytes(buf_as_span(&c.bytes), &f, 1, &err) == 0);
    is_int(f.n_rejects, FRAGMENT_DATAGRAMS_MAX + 50);
    found_free(&f);
    buf_free(&c.bytes);
}

/* One frame of the given bytes (as sent `wire` long), and the reject it must give. */
static void bad(uint32_t link, const char *bytes, size_t n, size_t wire, const char *why)
{
    struct capture_file c = {0};
    struct buf all = {0};
    buf_put(&all, bytes, n);
    while (all.n < wire)
        buf_byte(&all, 0);
    capture_begin(&c, link);
    capture_packet_cut(&c, buf_as_span(&all), n);
    expect(&c, why, "", why);
    buf_free(&all);
}

#define IP4(total, protocol) "\x45\0\0" total "\0\1\0\0\x40" protocol "\0\0\xc0\0\2\1\xc6\x33\x64\2"
#define IP6(length, next)                                                                          \
    "\x60\0\0\0\0" length next                                                                     \
    "\x40\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"

static void bad_packets(void)
{
    bad(1, MACS "\x08", 13, 13, "packet 1: Ethernet header cut short\n");
    bad(101, "", 0, 0, "packet 1: empty frame\n");
    bad(101, "\x25", 1, 1, "packet 1: neither IPv4 nor IPv6\n");
    bad(101, "\x45\0\0\x14", 4, 4, "packet 1: IPv4 header cut short\n");
    bad(228, "\x65\0\0\x14\0\1\0\0\x40\x11\0\0\xc0\0\2\1\xc6\x33\x64\2", 20, 20,
        "packet 1: IPv4 expected, another version found\n");
    bad(101, "\x44\0\0\x14\0\1\0\0\x40\x11\0\0\xc0\0\2\1\xc6\x33\x64\2", 20, 20,
        "packet 1: IPv4 header length below 5 words\n");
    bad(101, IP4("\x10", "\x11"), 20, 20, "packet 1: IPv4 total length below its header\n");
    bad(101, IP4("\x40", "\x11"), 20, 20, "packet 1: IPv4 total length beyond the frame\n");
    bad(101, IP4("\x18", "\x11") "\0\1\0\2", 24, 24, "packet 1: UDP header cut short\n");
    bad(101, IP4("\x1c", "\x11") "\0\1\0\2\0\x07\0\0", 28, 28, "packet 1: UDP length below 8\n");
    bad(101, IP4("\x1c", "\x11") "\0\1\0\2\0\x09\0\0", 28, 28,
        "packet 1: UDP length beyond the IP payload\n");
    bad(101, IP4("\x1c", "\x06") "\0\1\0\2\0\x09\0\0", 28, 28, "packet 1: TCP header cut short\n");
    bad(101, IP4("\x28", "\x06") "\0\1\0\2\0\0\0\0\0\0\0\0\x40\2\0\0\0\0\0\0", 40, 40,
        "packet 1: TCP data offset below 5 words\n");
    bad(101, IP4("\x28", "\x06") "\0\1\0\2\0\0\0\0\0\0\0\0\x60\2\0\0\0\0\0\0", 40, 40,
        "packet 1: TCP data offset beyond the segment\n");
    bad(101, "\x60\0\0\0\0\x08\x11", 7, 7, "packet 1: IPv6 header cut short\n");
    bad(101, IP6("\x08", "\x11"), 40, 40, "packet 1: IPv6 payload length beyond the frame\n");
    bad(101, IP6("\x04", "\0") "\x11\0\0\0", 44, 44, "packet 1: IPv6 extension header cut short\n");
    bad(101, IP6("\x08", "\0") "\x11\2\0\0\0\0\0\0", 48, 48,
        "packet 1: IPv6 extension header beyond the packet\n");
    bad(101, IP6("\x04", "\x2c") "\x11\0\0\0", 44, 44,
        "packet 1: IPv6 fragment header cut short\n");
    bad(101, IP4("\0", "\x11") "\0\1\0\2\0\x08\0\0", 28, 28, ""); /* total 0: offload */
    bad(101, IP4("\x1c", "\1") "\x08\0\0\0\0\0\0\0", 28, 28, ""); /* ICMP is passed over */
}

static void extensions(void)
{
    struct capture_file c = {0};
    struct buf chain = {0}, many = {0}, m = dns_message(7, 0x0100, "x.example");
    struct buf u = udp_datagram(&to_dns6, buf_as_span(&m)), ip, frame;
    buf_put(&chain, "\x2b\0\0\0\0\0\0\0", 8);                  /* hop-by-hop */
    buf_put(&chain, "\x33\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* routing */
    buf_put(&chain, "\x3c\1\0\0\0\0\0\0\0\0\0\0", 12);         /* authentication */
    buf_put(&chain, "\x11\0\0\0\0\0\0\0", 8);                  /* destination options */
    buf_span(&chain, buf_as_span(&u));
    capture_begin(&c, 101);
    ip = ip_packet(&to_dns6, 0, 0, 0, 0, buf_as_span(&chain));
    capture_packet(&c, buf_as_span(&ip));
    expect(&c, "extension headers", QUERY6, "");
    buf_free(&ip);
    for (unsigned i = 0; i <= PACKET_IP6_EXTENSION_MAX; i++)
        buf_put(&many, "\0\0\0\0\0\0\0\0", 8);
    capture_begin(&c, 101);
    ip = ip_packet(&to_dns6, 0, 0, 0, 0, buf_as_span(&many));
    capture_packet(&c, buf_as_span(&ip));
    expect(&c, "too many", "", "packet 1: too many IPv6 extension headers\n");
    buf_free(&ip);
    capture_begin(&c, 1);
    ip = ip_packet(&to_dns, PACKET_UDP, 1, 0, 10, buf_as_span(&u));
    frame = ether(0x0800, buf_as_span(&ip));
    capture_packet(&c, buf_as_span(&frame));
    expect(&c, "IPv4 options", QUERY, "");
    buf_free(&ip);
    buf_free(&frame);
    buf_free(&chain);
    buf_free(&many);
    buf_free(&m);
    buf_free(&u);
}

static void cut_and_torn(void)
{
    struct capture_file c = {0};
    struct talk t;
    struct buf ip = query_ip(&to_dns), frame = ether(0x0800, buf_as_span(&ip));
    capture_begin(&c, 1);
    capture_packet_cut(&c, buf_as_span(&frame), 60);
    capture_packet_cut(&c, buf_as_span(&frame), 30);
    capture_packet(&c, buf_as_span(&frame));
    expect(
        &c, "snap length", QUERY,
        "packet 1: DNS message cut by the snap length: name runs over the end at byte 12\n"
        "packet 1: 2 packets cut by the snap length (this is the first): used as far as they go, "
        "9 bytes missing\n");
    capture_begin(&c, 1);
    capture_packet(&c, buf_as_span(&frame));
    capture_packet(&c, buf_as_span(&frame));
    c.bytes.n -= 7;
    expect(&c, "breaks off", QUERY,
           "packet 2: truncated dump file; tried to read 69 captured bytes, only got 62\n");
    capture_begin(&c, 1);
    c.at = -CAPTURE_T0 * 1000000;
    capture_packet(&c, buf_as_span(&frame));
    c.at = 0;
    capture_packet(&c, buf_as_span(&frame));
    expect(&c, "a wrong clock", QUERY, "packet 1: packet time outside 1990 to 2100\n");
    buf_free(&ip);
    buf_free(&frame);
    capture_begin(&c, 1);
    t = talk_to(&c, to_web);
    talk_open(&t);
    talk_lose(&t, 0, 3);
    talk_say(&t, 0, "DEF");
    talk_raw(&t, 0, TCP_ACK, t.seq[0] - 6, t.seq[1], span_str("abcdEf"));
    expect(&c, "a differing copy", "raw raw/tcp " WEB " client=abcDEF 6/0\n",
           "packet 5: 3 TCP bytes came again with another value: the first copy was taken\n");
}

/* With a folder as its argument the captures that the tests build are written there too. */
int main(int argc, char **argv)
{
    seeds = argc > 1 ? argv[1] : NULL;
    seed_prefix = "packet";
    links();
    link_unknown();
    magics();
    fragments();
    fragments_bounded();
    bad_packets();
    extensions();
    cut_and_torn();
    return tap_done();
}
