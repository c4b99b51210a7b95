/* Captures built packet by packet, and what they must come to. */
#include <pcap/dlt.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"
#include "import/flow.h"
#include "import/fragment.h"
#include "import/import.h"
#include "import/test_capture.h"

/* Findings as text, one a line. */
struct found {
    struct buf events, rejects;
    unsigned kinds[KIND_CONN + 1];
    unsigned n_rejects, blobs;
    struct buf blob; /* the last one */
    int64_t time;    /* of the last event */
    uint64_t stop_at, wrong_record, last_record;
    bool terse; /* only count */
};

static void put_span(struct buf *b, const char *name, struct span s)
{
    if (!s.n)
        return;
    buf_printf(b, " %s=", name);
    for (size_t i = 0; i < s.n && i < 60; i++) {
        if (s.p[i] > ' ' && s.p[i] < 0x7f)
            buf_byte(b, s.p[i]);
        else
            buf_byte(b, s.p[i] == ' ' ? '_' : s.p[i] == '\r' ? '^' : s.p[i] == '\n' ? '|' : '~');
    }
}

static int on_event(void *ctx, const struct event *ev)
{
    struct found *f = ctx;
    char src[IP_TEXT_MAX], dst[IP_TEXT_MAX];
    struct buf *b = &f->events;
    f->kinds[ev->kind]++;
    f->wrong_record += ev->record != ++f->last_record;
    f->time = ev->time;
    if (f->terse)
        return 0;
    ip_format(&ev->src_ip, src);
    ip_format(&ev->dst_ip, dst);
    buf_printf(b, "%.*s %s/%.*s %s:%u>%s:%u", (int)ev->protocol.n, ev->protocol.p,
               event_kind_name((uint8_t)ev->kind), (int)ev->transport.n, ev->transport.p, src,
               (unsigned)ev->src_port, dst, (unsigned)ev->dst_port);
    put_span(b, "qname", ev->dns.qname);
    put_span(b, "qtype", ev->dns.qtype);
    put_span(b, "method", ev->http.method);
    put_span(b, "target", ev->http.target);
    put_span(b, "host", ev->http.host);
    put_span(b, "anomalies", ev->http.anomalies);
    put_span(b, "body", ev->http.body);
    if (ev->http.body_size)
        buf_printf(b, " size=%llu", (unsigned long long)ev->http.body_size);
    put_span(b, "helo", ev->smtp.helo);
    put_span(b, "from", ev->smtp.mail_from);
    for (size_t i = 0; i < ev->smtp.rcpt_to.n; i++)
        put_span(b, "to", ev->smtp.rcpt_to.v[i]);
    put_span(b, "subject", ev->smtp.subject);
    if (ev->smtp.size)
        buf_printf(b, " size=%llu", (unsigned long long)ev->smtp.size);
    if (ev->http.blob.n || ev->smtp.blob.n)
        buf_str(b, " blob");
    put_span(b, "client", ev->raw.client);
    put_span(b, "server", ev->raw.server);
    if (ev->raw.has)
        buf_printf(b, " %llu/%llu", (unsigned long long)ev->raw.client_size,
                   (unsigned long long)ev->raw.server_size);
    buf_byte(b, '\n');
    return f->stop_at && ev->record >= f->stop_at ? -42 : 0;
}

static void on_reject(void *ctx, const char *unit, uint64_t number, uint64_t offset,
                      const char *why)
{
    struct found *f = ctx;
    f->n_rejects++;
    if (!f->terse)
        buf_printf(&f->rejects, "%s %llu: %s\n", unit, (unsigned long long)number, why);
}

static int on_blob(void *ctx, struct span data, uint8_t sha[SHA256_LEN])
{
    struct found *f = ctx;
    f->blobs++;
    f->blob.n = 0;
    buf_span(&f->blob, data);
    sha256(data.p, data.n, sha);
    return 0;
}

static int import_from(struct source *src, struct found *f, uint64_t first, struct err *err)
{
    struct import_sink sink = {f, on_event, on_reject, on_blob, first};
    struct import_counts counts;
    f->last_record = first - 1;
    int r = import_pcap.run(src, &sink, &counts, err);
    if (counts.rejected != f->n_rejects)
        f->wrong_record++;
    source_close(src);
    return r;
}

static const char *seeds; /* where each capture is also written to, for the fuzz corpus */
static unsigned seed_number;

static int import_bytes(struct span bytes, struct found *f, uint64_t first, struct err *err)
{
    struct source *src;
    if (seeds && bytes.n < 8192) {
        char path[FILE_PATH_MAX];
        if (file_path(path, err, "%s/built-%03u", seeds, ++seed_number) == 0)
            file_replace(path, bytes, 0644, err);
    }
    if (source_open_memory(bytes, "test.pcap", &src, err) < 0)
        return -1;
    return import_from(src, f, first, err);
}

static void found_free(struct found *f)
{
    buf_free(&f->events);
    buf_free(&f->rejects);
    buf_free(&f->blob);
}

/* Imports what was built, and frees it; compares events and rejects. */
static void expect(struct capture_file *c, const char *name, const char *events,
                   const char *rejects)
{
    struct found f = {0};
    struct err err = {0};
    ok(import_bytes(buf_as_span(&c->bytes), &f, 1, &err) == 0);
    buf_byte(&f.events, 0);
    buf_byte(&f.rejects, 0);
    printf("# %s %s\n", name, err.text);
    is_str((char *)f.events.p, events);
    is_str((char *)f.rejects.p, rejects);
    ok(f.wrong_record == 0);
    found_free(&f);
    buf_free(&c->bytes);
    *c = (struct capture_file){0};
}

static const struct ends to_dns = {"192.0.2.1", "198.51.100.2", 40000, 53};
static const struct ends to_dns6 = {"2001:db8::1", "2001:db8::2", 40000, 53};
static const struct ends to_web = {"192.0.2.1", "198.51.100.2", 40000, 80};
#define QUERY       "dns dns/udp 192.0.2.1:40000>198.51.100.2:53 qname=x.example qtype=A\n"
#define QUERY6      "dns dns/udp 2001:db8::1:40000>2001:db8::2:53 qname=x.example qtype=A\n"
#define GET         "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define WEB         "192.0.2.1:40000>198.51.100.2:80"
#define GET_UP      "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: w\r\n\r\n"
#define GET_SEEN_UP GET_SEEN
#define GET_SEEN    "http http/tcp " WEB " method=GET target=/a host=h\n"

static struct buf query_ip(const struct ends *e)
{
    struct buf m = dns_message(7, 0x0100, "x.example");
    struct buf u = udp_datagram(e, buf_as_span(&m));
    struct buf ip = ip_packet(e, PACKET_UDP, 1, 0, 0, buf_as_span(&u));
    buf_free(&m);
    buf_free(&u);
    return ip;
}

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

static void dns(void)
{
    struct capture_file c = {0};
    const struct ends back = {"198.51.100.2", "192.0.2.1", 53, 40000};
    const struct ends odd = {"192.0.2.1", "198.51.100.2", 40000, 5300};
    const struct ends odd_back = {"198.51.100.2", "192.0.2.1", 5300, 40000};
    struct buf answer = dns_message(7, 0x8180, "x.example");
    capture_begin(&c, 1);
    capture_query(&c, &to_dns, "x.example");
    capture_udp(&c, &back, buf_as_span(&answer));
    capture_udp(&c, &to_dns, span_str("no DNS"));
    capture_udp(&c, &back, span_str("\1\2\x80\0no"));
    capture_query(&c, &odd, "y.example");
    capture_udp(&c, &odd_back, buf_as_span(&answer));
    expect(&c, "DNS over UDP",
           QUERY "dns dns/udp 192.0.2.1:40000>198.51.100.2:5300 qname=y.example qtype=A\n",
           "packet 3: DNS message malformed: shorter than a header at byte 0\n"
           "packet 4: DNS message malformed: shorter than a header at byte 0\n");
    buf_free(&answer);
}

static struct talk talk_to(struct capture_file *c, struct ends e)
{
    return (struct talk){c, e, {1000, 4000000000u}};
}

static void dns_tcp(void)
{
    struct capture_file c = {0};
    struct ends e = to_web;
    struct buf two = {0}, m = dns_message(7, 0x0100, "x.example");
    e.dport = 53;
    for (unsigned i = 0; i < 2; i++) {
        put16be(&two, (uint16_t)m.n);
        buf_span(&two, buf_as_span(&m));
    }
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, e);
    talk_open(&t);
    talk_bytes(&t, 0, buf_as_span(&two));
    for (size_t i = 0; i < two.n; i += 5)
        talk_bytes(&t, 0, span_of(two.p + i, two.n - i < 5 ? two.n - i : 5));
    m.p[2] = 0x80;
    be16_put(two.p, (uint16_t)m.n);
    talk_bytes(&t, 1, span_of(two.p, 2));
    talk_bytes(&t, 1, buf_as_span(&m));
    talk_close(&t);
#define TCP_QUERY "dns dns/tcp 192.0.2.1:40000>198.51.100.2:53 qname=x.example qtype=A\n"
    expect(&c, "DNS over TCP", TCP_QUERY TCP_QUERY TCP_QUERY TCP_QUERY, "");
    capture_begin(&c, 1);
    t = talk_to(&c, e);
    talk_open(&t);
    talk_say(&t, 0, "GET /a HTTP/1.0\r\n\r\n");
    talk_close(&t);
    expect(&c, "HTTP on DNS's port",
           "http http/tcp 192.0.2.1:40000>198.51.100.2:53 method=GET target=/a\n", "");
    buf_free(&two);
    buf_free(&m);
}

/* A conversation on the web port: each line is one segment, '<' from the server. */
static void web(const char *name, const char *const *lines, bool closed, const char *events,
                const char *rejects)
{
    struct capture_file c = {0};
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, to_web);
    talk_open(&t);
    for (; *lines; lines++)
        talk_say(&t, **lines == '<', *lines + (**lines == '<' || **lines == '>'));
    if (closed)
        talk_close(&t);
    expect(&c, name, events, rejects);
}
#define WEB_TALK(name, events, ...)                                                                \
    web(name, (const char *const[]){__VA_ARGS__, NULL}, true, events, "")

static void http(void)
{
#define POST(n, rest) "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " #n "\r\n\r\n" rest
    WEB_TALK("one request", GET_SEEN, GET, "<HTTP/1.1 200 OK\r\n\r\n");
    WEB_TALK("pipelined", GET_SEEN GET_SEEN GET_SEEN, GET GET GET);
    WEB_TALK("kept alive", GET_SEEN GET_SEEN, GET, "<HTTP/1.1 200 OK\r\n\r\n", GET);
    WEB_TALK("head in two", GET_SEEN, "GET /a HTT", "P/1.1\r\nHost: h\r\n\r\n");
    WEB_TALK("two heads, torn in the second", GET_SEEN GET_SEEN, GET "GET /a HTT",
             "P/1.1\r\nHost: h\r\n\r\n");
#define POST_SEEN "http http/tcp " WEB " method=POST target=/p host=h body=abcde size=5 blob\n"
    WEB_TALK("body", POST_SEEN, POST(5, "abcde"));
    WEB_TALK("body apart, then the next", POST_SEEN GET_SEEN, POST(5, ""), "ab", "cde" GET);
    WEB_TALK("a client that adds an empty line", POST_SEEN GET_SEEN, POST(5, "abcde\r\n"), GET);
    WEB_TALK("chunked", POST_SEEN GET_SEEN,
             "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
             "3\r\ncd", "e\r\n0\r\n\r\n" GET);
    WEB_TALK("body that stops early",
             "http http/tcp " WEB
             " method=POST target=/p host=h anomalies=cut-body body=abc size=3 blob\n",
             POST(50, "abc"));
    WEB_TALK("head that stops early",
             "http http/tcp " WEB " method=GET target=/a host=h anomalies=cut\n",
             "GET /a HTTP/1.1\r\nHost: h\r\n");
    WEB_TALK("not HTTP behind a request", GET_SEEN "raw raw/tcp " WEB " client=~~~ 3/0\n", GET,
             "\1\2\3");
    WEB_TALK("looks like HTTP at first", "raw raw/tcp " WEB " client=GET_away_^|~x 13/0\n", "GET a",
             "way ", "\r\n", "\1", "x");
    WEB_TALK("CONNECT, agreed",
             "http http/tcp " WEB " method=CONNECT target=m:25 host=m\n"
             "smtp raw/tcp " WEB " client=EHLO_x^| server=220_hi^| 8/27\n",
             "CONNECT m:25 HTTP/1.1\r\nHost: m\r\n\r\n", "<HTTP/1.0 200 ok\r\n\r\n", "<220 hi\r\n",
             "EHLO x\r\n");
    WEB_TALK("CONNECT, refused",
             "http http/tcp " WEB " method=CONNECT target=m:25 host=m\n" GET_SEEN,
             "CONNECT m:25 HTTP/1.1\r\nHost: m\r\n\r\n", "<HTTP/1.0 403 no\r\n\r\n", GET);
    WEB_TALK("upgrade, agreed", GET_SEEN_UP "raw raw/tcp " WEB " client=~~ server=~ 2/19\n", GET_UP,
             "<HTTP/1.1 101 x\r\n\r\n", "<\x81", "\x81\x80");
    WEB_TALK("upgrade, passed over", GET_SEEN_UP GET_SEEN, GET_UP, "<HTTP/1.1 200 x\r\n\r\n", GET);
    WEB_TALK("one byte a segment", GET_SEEN, "G", "E", "T", " ", "/", "a", " HTTP/1.1\r", "\n", "H",
             "ost: h", "\r", "\n", "\r", "\n");
}

/* What is not in the capture. */
static void http_losses(void)
{
    struct capture_file c = {0};
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, to_web);
    talk_open(&t);
    talk_say(&t, 0, POST(20, "abcde"));
    talk_lose(&t, 0, 10);
    talk_say(&t, 0, "vwxyz" GET);
    talk_ack(&t, 1);
    talk_lose(&t, 0, 100);
    talk_say(&t, 0, "lost: head\r\n\r\n" GET GET);
    talk_close(&t);
#define LOST(n, packet)                                                                            \
    "packet " #packet ": " #n " TCP bytes lost before this packet, 192.0.2.1 port 40000 to "       \
    "198.51.100.2 port 80\n"
    expect(&c, "losses",
           "http http/tcp " WEB
           " method=POST target=/p host=h anomalies=cut-body body=abcde size=5 blob\n" GET_SEEN
               GET_SEEN GET_SEEN "http raw/tcp " WEB " client=lost:_head^|^| 14/0\n",
           LOST(10, 5) LOST(100, 7));
    capture_begin(&c, 1); /* no SYN, the server first, ports that say nothing */
    struct ends high = {"192.0.2.1", "198.51.100.2", 40000, 50000};
    t = talk_to(&c, high);
    talk_say(&t, 1, "rest of a page");
    talk_say(&t, 0, GET);
    expect(&c, "begun before the capture",
           "http http/tcp 192.0.2.1:40000>198.51.100.2:50000 method=GET target=/a host=h\n", "");
    capture_begin(&c, 1);
    t = talk_to(&c, to_web);
    talk_say(&t, 0, "rest of a body");
    talk_say(&t, 0, GET);
    expect(&c, "begun in a request", GET_SEEN "http raw/tcp " WEB " client=rest_of_a_body 14/0\n",
           "");
}

/* Retransmission, reordering and the same ports again. */
static void tcp_life(void)
{
    struct capture_file c = {0};
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, to_web);
    talk_open(&t);
    uint32_t seq = t.seq[0];
    talk_lose(&t, 0, (uint32_t)strlen(GET));
    talk_say(&t, 0, GET);
    talk_raw(&t, 0, TCP_ACK, seq, t.seq[1], span_str(GET));
    talk_raw(&t, 0, TCP_ACK, seq, t.seq[1], span_str(GET));
    talk_close(&t);
    talk_raw(&t, 0, TCP_ACK, seq, t.seq[1], span_str(GET)); /* an echo behind the end */
    t.seq[0] += 100000;
    t.seq[1] += 100000;
    talk_open(&t);
    talk_say(&t, 0, GET);
    talk_raw(&t, 1, TCP_RST, t.seq[1], 0, span_of(NULL, 0));
    t.seq[0] += 100000;
    talk_open(&t); /* without an end of the one before */
    talk_say(&t, 0, GET);
    t.seq[0] += 100000;
    talk_open(&t);
    talk_say(&t, 0, GET);
    expect(&c, "ports used again", GET_SEEN GET_SEEN GET_SEEN GET_SEEN GET_SEEN, "");
    capture_begin(&c, 1);
    t = talk_to(&c, to_web);
    talk_open(&t);
    talk_close(&t);
    expect(&c, "no data, no event", "", "");
}

#define MAIL_TO "192.0.2.1:40000>198.51.100.2:25"

static void smtp_talk(const char *name, const char *events, const char *rejects,
                      const char *const *lines)
{
    struct capture_file c = {0};
    struct ends e = to_web;
    e.dport = 25;
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, e);
    talk_open(&t);
    for (; *lines; lines++) {
        if (**lines == '?')
            talk_lose(&t, 0, 50);
        else
            talk_say(&t, **lines == '<', *lines + (**lines == '<'));
    }
    talk_close(&t);
    expect(&c, name, events, rejects);
}
#define SMTP_TALK(name, events, rejects, ...)                                                      \
    smtp_talk(name, events, rejects, (const char *const[]){__VA_ARGS__, NULL})

static void smtp(void)
{
#define BANNER  "<220 hi\r\n"
#define OK250   "<250 ok\r\n"
#define GO      "<354 go\r\n"
#define HELO    "HELO me\r\n"
#define FROM_TO "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
#define MAIL    "Subject: hi there\r\n\r\n..dot\r\n.\r\n"
#define MAIL_SEEN                                                                                  \
    "smtp smtp/tcp " MAIL_TO                                                                       \
    " helo=me from=a@b.example to=c@d.example subject=hi_there size=27 blob\n"
#define NO_MAIL "smtp smtp/tcp " MAIL_TO " helo=me from=a@b.example to=c@d.example\n"
    SMTP_TALK("a mail", MAIL_SEEN, "", BANNER, HELO, OK250, FROM_TO, OK250, "DATA\r\n", GO, MAIL,
              OK250, "QUIT\r\n", "<221 bye\r\n");
    SMTP_TALK("two mails, one without a word from the server", MAIL_SEEN MAIL_SEEN, "",
              HELO FROM_TO, "DATA\r\n", MAIL FROM_TO "DATA\r\n" MAIL "QUIT\r\n");
    SMTP_TALK("a mail in crumbs", MAIL_SEEN, "", BANNER, "HE", "LO me\r", "\n", FROM_TO "DA",
              "TA\r\n", GO, "Subject: hi", " there\r\n\r\n.", ".dot\r\n.", "\r\nQUIT\r\n");
    SMTP_TALK("no mail", NO_MAIL, "", BANNER, HELO, OK250, FROM_TO, "<550 no\r\n", "QUIT\r\n");
    SMTP_TALK("DATA refused", NO_MAIL, "", BANNER, HELO, OK250, FROM_TO, "<550 no\r\n", "DATA\r\n",
              "<503 no\r\n", "QUIT\r\n");
    SMTP_TALK("a mail, then an attempt", MAIL_SEEN NO_MAIL, "", BANNER, HELO, OK250, FROM_TO, OK250,
              "DATA\r\n", GO, MAIL, OK250, FROM_TO, "<550 no\r\n", "QUIT\r\n");
    SMTP_TALK("STARTTLS", "smtp smtp/tcp " MAIL_TO " helo=me\n", "", BANNER, "EHLO me\r\n", OK250,
              "STARTTLS\r\n", "<220 go\r\n", "\x16\x03\x01", "MAIL FROM:<x>\r\n");
    SMTP_TALK("chunks",
              "smtp smtp/tcp " MAIL_TO
              " helo=me from=a@b.example to=c@d.example subject=x size=16 blob\n",
              "", BANNER, HELO, FROM_TO, "BDAT 10\r\nSubject: x", OK250,
              "BDAT 6 LAST\r\n\r\n\r\nhi", OK250);
    SMTP_TALK("a torn mail",
              "smtp smtp/tcp " MAIL_TO
              " helo=me from=a@b.example to=c@d.example subject=hi size=68 blob\n" NO_MAIL,
              "packet 10: 50 TCP bytes lost before this packet, 192.0.2.1 port 40000 to "
              "198.51.100.2 port 25\n",
              BANNER, HELO, FROM_TO, "DATA\r\n", GO, "Subject: hi\r\n", "?", "....\r\n.\r\n", OK250,
              FROM_TO);
    SMTP_TALK("a banner alone", "smtp raw/tcp " MAIL_TO " server=220_hi^| 0/8\n", "", BANNER);
    SMTP_TALK("another protocol",
              "raw raw/tcp " MAIL_TO " client=USER_bob^| server=220_ftp^| 10/9\n", "",
              "<220 ftp\r\n", "USER bob\r\n");
}

static void raw(void)
{
    struct capture_file c = {0};
    WEB_TALK("IRC",
             "irc raw/tcp " WEB " client=NICK_bot^|USER_a_b_c_:d^| server=:s_001_bot_:hi^| 25/16\n",
             "NICK bot\r\nUSER a b c :d\r\n", "<:s 001 bot :hi\r\n");
    WEB_TALK("IRC, the server alone", "irc raw/tcp " WEB " server=:s_001_bot_:hi^| 0/16\n",
             "<:s 001 bot :hi\r\n");
    WEB_TALK("SOCKS 5", "socks raw/tcp " WEB " client=~~~~ 4/0\n", "\5\2\1\2");
    WEB_TALK("a response alone", "http raw/tcp " WEB " server=HTTP/1.1_200_x^|^| 0/18\n",
             "<HTTP/1.1 200 x\r\n\r\n");
    WEB_TALK("something", "raw raw/tcp " WEB " client=abc server=defg 3/4\n", "abc", "<defg");
    capture_begin(&c, 1);
    struct ends tls = to_web;
    tls.dport = 443;
    struct talk t = talk_to(&c, tls);
    talk_open(&t);
    talk_bytes(&t, 0, span_of("\x16\3\1\0\5\1\0\0\1\0", 10));
    expect(&c, "TLS", "tls raw/tcp 192.0.2.1:40000>198.51.100.2:443 client=~~~~~~~~~~ 10/0\n", "");
    capture_begin(&c, 1);
    const struct ends out = {"192.0.2.1", "198.51.100.2", 40000, 16464};
    const struct ends in = {"198.51.100.2", "192.0.2.1", 16464, 40000};
    capture_udp(&c, &out, span_str("hello"));
    capture_udp(&c, &in, span_str("you"));
    capture_udp(&c, &out, span_str("again"));
    capture_udp(&c, &out, span_str(""));
    expect(&c, "UDP",
           "raw raw/udp 192.0.2.1:40000>198.51.100.2:16464 client=helloagain server=you 10/3\n",
           "");
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

/* The n-th event is the same one each time; a sink that stops is obeyed. */
static void records(void)
{
    struct capture_file c = {0};
    struct err err = {0};
    char name[32];
    capture_begin(&c, 1);
    for (unsigned i = 0; i < 50; i++) {
        struct ends e = to_web;
        e.sport = (uint16_t)(2000 + i);
        struct talk t = talk_to(&c, e);
        talk_open(&t);
        talk_say(&t, 0, i % 2 ? GET GET : "???");
        snprintf(name, sizeof name, "n%u.example", i);
        capture_query(&c, &to_dns, name);
        if (i % 3)
            talk_close(&t);
    }
    struct found whole = {0}, part = {0}, stopped = {.stop_at = 40};
    ok(import_bytes(buf_as_span(&c.bytes), &whole, 1, &err) == 0);
    is_int(whole.kinds[KIND_DNS] + whole.kinds[KIND_HTTP] + whole.kinds[KIND_RAW], 50 + 50 + 25);
    ok(import_bytes(buf_as_span(&c.bytes), &part, 61, &err) == 0);
    ok(part.wrong_record == 0 && part.last_record == 125, "goes on at the record asked for");
    ok(part.events.n < whole.events.n && memcmp(whole.events.p + whole.events.n - part.events.n,
                                                part.events.p, part.events.n) == 0,
       "with the same events");
    is_int(import_bytes(buf_as_span(&c.bytes), &stopped, 1, &err), -42);
    is_int(stopped.last_record, 40);
    found_free(&whole);
    found_free(&part);
    found_free(&stopped);
    buf_free(&c.bytes);
}

/* More connections than are followed at a time: the oldest end early, and nothing is missing. */
static void many_flows(void)
{
    struct capture_file c = {0};
    struct found f = {.terse = true};
    struct err err = {0};
    capture_begin(&c, 1);
    c.step_us = 10;
    unsigned n = FLOWS_MAX + 1000;
    for (unsigned i = 0; i < n; i++) {
        char src[32];
        snprintf(src, sizeof src, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        const struct ends e = {src, "198.51.100.2", 4000, 4001};
        capture_udp(&c, &e, span_str("x"));
    }
    ok(import_bytes(buf_as_span(&c.bytes), &f, 1, &err) == 0);
    is_int(f.kinds[KIND_RAW], n);
    is_int(f.n_rejects, 1);
    found_free(&f);
    buf_free(&c.bytes);
}

/* Counts of real captures; tshark's are the same (dns.flags.response==0, http.request, imf in
 * tcp.port==25). */
static void shared(void)
{
    static const struct {
        const char *file;
        unsigned dns, http, smtp, raw, rejects;
    } captures[] = {
        {"suricata-http-checkin-instid.pcap", 0, 1, 0, 0, 0},
        {"suricata-irc-botnet-2004.pcap", 0, 0, 0, 1, 0},
        {"zeek-1000-requests-one-dropped-response.pcap.gz", 0, 1000, 0, 0, 1},
        {"zeek-dns-corrupt.pcap", 1, 0, 0, 0, 0},
        {"zeek-dns-edns-ecs.pcap", 20, 0, 0, 0, 0},
        {"zeek-long-connection.pcap", 11, 0, 0, 0, 0},
        {"zeek-max-compression-depth.pcap", 0, 0, 0, 0, 0},
        {"zeek-pipelined-requests.pcap", 0, 5, 0, 0, 0},
        {"zeek-smtp.pcap", 1, 0, 2, 5, 0},
        {"zeek-smuggle-http-request.pcap", 0, 2, 0, 0, 0},
    };
    const char *dir = getenv("EBB_SHARED_DATA");
    for (size_t i = 0; i < sizeof captures / sizeof *captures; i++) {
        char path[FILE_PATH_MAX];
        struct found f = {.terse = true};
        struct source *src;
        struct err err = {0};
        file_path(path, NULL, "%s/pcap/%s", dir ? dir : "../shared/data", captures[i].file);
        if (!file_exists(path)) {
            tap_skip(captures[i].file, "not on this machine");
            continue;
        }
        ok(source_open(path, &src, &err) == 0 && import_from(src, &f, 1, &err) == 0);
        printf("# %s\n", captures[i].file);
        is_int(f.kinds[KIND_DNS], captures[i].dns);
        is_int(f.kinds[KIND_HTTP], captures[i].http);
        is_int(f.kinds[KIND_SMTP], captures[i].smtp);
        is_int(f.kinds[KIND_RAW], captures[i].raw);
        is_int(f.n_rejects, captures[i].rejects);
        found_free(&f);
    }
}

/* With a folder as its argument the captures that the tests build are written there too. */
int main(int argc, char **argv)
{
    seeds = argc > 1 ? argv[1] : NULL;
    links();
    link_unknown();
    magics();
    fragments();
    fragments_bounded();
    bad_packets();
    extensions();
    dns();
    dns_tcp();
    http();
    http_losses();
    tcp_life();
    smtp();
    raw();
    cut_and_torn();
    records();
    if (!seeds) {
        many_flows();
        shared();
    }
    return tap_done();
}
