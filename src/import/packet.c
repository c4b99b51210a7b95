#include "import/packet.h"

#include <pcap/dlt.h>

#include "import/fragment.h"

enum {
    ETHER_IPV4 = 0x0800,
    ETHER_IPV6 = 0x86dd,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100
};
enum {
    IP6_HOP = 0,
    IP6_ROUTING = 43,
    IP6_FRAGMENT = 44,
    IP6_AUTH = 51,
    IP6_DESTINATION = 60,
    IP6_MOBILITY = 135,
    IP6_HIP = 139,
    IP6_SHIM6 = 140
};

/* One frame while it is taken apart. Every header is read through need(), which tells a frame that
 * the snap length cut from one that was too short when it was sent. */
struct frame {
    struct cur c; /* what was captured and not read yet */
    size_t sent;  /* the same, as it was sent: never less */
    const struct packet_at *at;
    struct fragments *fragments;
    struct packet *out;
    const char **why;
};

static int malformed(struct frame *f, const char *why)
{
    *f->why = why;
    return -1;
}

/* 1 when n bytes can be read; 0 cut by the snap length; -1 the frame itself is too short. */
static int need(struct frame *f, size_t n, const char *why)
{
    if (cur_left(&f->c) >= n)
        return 1;
    if (f->sent < n)
        return malformed(f, why);
    f->out->cut = true;
    return 0;
}

static void skip(struct frame *f, size_t n)
{
    f->c.p += n;
    f->sent -= n;
}

/* Forgets what lies behind the first n bytes as sent: link padding. */
static void trim(struct frame *f, size_t n)
{
    f->sent = n;
    if (cur_left(&f->c) > n)
        f->c.end = f->c.p + n;
}

static int decode_tcp(struct frame *f)
{
    int r = need(f, 20, "TCP header cut short");
    if (r <= 0)
        return r;
    struct packet *out = f->out;
    const uint8_t *p = f->c.p;
    out->src_port = be16_get(p);
    out->dst_port = be16_get(p + 2);
    out->seq = be32_get(p + 4);
    out->ack = be32_get(p + 8);
    out->tcp_flags = p[13];
    size_t header = (size_t)(p[12] >> 4) * 4;
    if (header < 20)
        return malformed(f, "TCP data offset below 5 words");
    if (header > f->sent)
        return malformed(f, "TCP data offset beyond the segment");
    size_t have = cur_left(&f->c);
    skip(f, have < header ? have : header);
    f->sent -= have < header ? header - have : 0;
    return 1;
}

static int decode_udp(struct frame *f)
{
    int r = need(f, 8, "UDP header cut short");
    if (r <= 0)
        return r;
    struct packet *out = f->out;
    out->src_port = be16_get(f->c.p);
    out->dst_port = be16_get(f->c.p + 2);
    size_t length = be16_get(f->c.p + 4);
    if (length < 8)
        return malformed(f, "UDP length below 8");
    if (length > f->sent)
        return malformed(f, "UDP length beyond the IP payload");
    trim(f, length);
    skip(f, 8);
    return 1;
}

static int decode_transport(struct frame *f, uint8_t protocol)
{
    int r = protocol == PACKET_TCP ? decode_tcp(f) : protocol == PACKET_UDP ? decode_udp(f) : 0;
    if (r <= 0)
        return r;
    f->out->transport = protocol;
    f->out->payload = span_of(f->c.p, cur_left(&f->c));
    f->out->length = (uint32_t)f->sent;
    f->out->cut = f->out->payload.n < f->sent;
    return 1;
}

/* Hands the rest of the frame to reassembly; 1 leaves the frame at the whole datagram. */
static int take_fragment(struct frame *f, uint32_t id, uint32_t offset, bool more,
                         uint8_t *protocol)
{
    if (cur_left(&f->c) < f->sent) { /* its datagram can never become whole */
        f->out->cut = true;
        return 0;
    }
    struct fragment in = {
        f->out->src, f->out->dst, id, *protocol, offset, more, span_of(f->c.p, f->sent)};
    struct span whole;
    int r = fragments_add(f->fragments, &in, f->at, &whole, protocol, f->why);
    if (r == 1) {
        f->c = cur_of(whole);
        f->sent = whole.n;
    }
    return r;
}

static int decode_ip4(struct frame *f)
{
    int r = need(f, 20, "IPv4 header cut short");
    if (r <= 0)
        return r;
    const uint8_t *p = f->c.p;
    size_t header = (size_t)(p[0] & 15) * 4, total = be16_get(p + 2);
    if (p[0] >> 4 != 4)
        return malformed(f, "IPv4 expected, another version found");
    if (header < 20)
        return malformed(f, "IPv4 header length below 5 words");
    if (total == 0) /* segmentation offload: the sender's card fills it in */
        total = f->sent;
    if (total < header)
        return malformed(f, "IPv4 total length below its header");
    if (total > f->sent)
        return malformed(f, "IPv4 total length beyond the frame");
    trim(f, total);
    if ((r = need(f, header, "IPv4 options cut short")) <= 0)
        return r;
    f->out->src = ip_from_bytes(p + 12, false);
    f->out->dst = ip_from_bytes(p + 16, false);
    uint8_t protocol = p[9];
    uint16_t word = be16_get(p + 6);
    uint32_t offset = (uint32_t)(word & 0x1fff) * 8;
    bool more = word & 0x2000;
    skip(f, header);
    if ((offset || more) && (protocol == PACKET_TCP || protocol == PACKET_UDP)) {
        if ((r = take_fragment(f, be16_get(p + 4), offset, more, &protocol)) <= 0)
            return r;
    }
    return decode_transport(f, protocol);
}

/* The fragment header: 1 carry on with *next behind it. */
static int decode_ip6_fragment(struct frame *f, uint8_t *next)
{
    int r = need(f, 8, "IPv6 fragment header cut short");
    if (r <= 0)
        return r;
    const uint8_t *p = f->c.p;
    uint16_t word = be16_get(p + 2);
    *next = p[0];
    skip(f, 8);
    if (!(word & 0xfff9)) /* an atomic fragment (RFC 6946): whole in itself */
        return 1;
    return take_fragment(f, be32_get(p + 4), word & 0xfff8, word & 1, next);
}

static int decode_ip6_chain(struct frame *f, uint8_t next)
{
    for (unsigned i = 0; i < PACKET_IP6_EXTENSION_MAX; i++) {
        int r;
        size_t n;
        switch (next) {
        case IP6_HOP:
        case IP6_ROUTING:
        case IP6_DESTINATION:
        case IP6_MOBILITY:
        case IP6_HIP:
        case IP6_SHIM6:
        case IP6_AUTH:
            if ((r = need(f, 8, "IPv6 extension header cut short")) <= 0)
                return r;
            n = next == IP6_AUTH ? ((size_t)f->c.p[1] + 2) * 4 : ((size_t)f->c.p[1] + 1) * 8;
            if ((r = need(f, n, "IPv6 extension header beyond the packet")) <= 0)
                return r;
            next = f->c.p[0];
            skip(f, n);
            break;
        case IP6_FRAGMENT:
            if ((r = decode_ip6_fragment(f, &next)) <= 0)
                return r;
            break;
        default:
            return decode_transport(f, next);
        }
    }
    return malformed(f, "too many IPv6 extension headers");
}

static int decode_ip6(struct frame *f)
{
    int r = need(f, 40, "IPv6 header cut short");
    if (r <= 0)
        return r;
    const uint8_t *p = f->c.p;
    if (p[0] >> 4 != 6)
        return malformed(f, "IPv6 expected, another version found");
    size_t length = be16_get(p + 4);
    skip(f, 40);
    if (length > f->sent)
        return malformed(f, "IPv6 payload length beyond the frame");
    if (length) /* 0: a jumbogram or segmentation offload, the frame says how long */
        trim(f, length);
    f->out->src = ip_from_bytes(p + 8, true);
    f->out->dst = ip_from_bytes(p + 24, true);
    return decode_ip6_chain(f, p[6]);
}

static int decode_ip(struct frame *f)
{
    int r = need(f, 1, "empty frame");
    if (r <= 0)
        return r;
    uint8_t version = f->c.p[0] >> 4;
    return version == 4   ? decode_ip4(f)
           : version == 6 ? decode_ip6(f)
                          : malformed(f, "neither IPv4 nor IPv6");
}

/* By Ethernet type, behind any number of VLAN tags up to the limit. */
static int decode_ether_type(struct frame *f, uint16_t type)
{
    for (unsigned tags = 0; type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD;) {
        if (tags++ == PACKET_VLAN_MAX)
            return malformed(f, "too many VLAN tags");
        int r = need(f, 4, "VLAN tag cut short");
        if (r <= 0)
            return r;
        type = be16_get(f->c.p + 2);
        skip(f, 4);
    }
    return type == ETHER_IPV4 ? decode_ip4(f) : type == ETHER_IPV6 ? decode_ip6(f) : 0;
}

/* A link header of n bytes with the Ethernet type at `type`. */
static int decode_link(struct frame *f, size_t n, size_t type, const char *why)
{
    int r = need(f, n, why);
    if (r <= 0)
        return r;
    uint16_t v = be16_get(f->c.p + type);
    skip(f, n);
    return decode_ether_type(f, v);
}

/* Address family numbers differ by system and byte order; IP's first nibble is the check. */
static int decode_loopback(struct frame *f)
{
    int r = need(f, 4, "loopback header cut short");
    if (r <= 0)
        return r;
    uint32_t family = be32_get(f->c.p);
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    skip(f, 4);
    switch (family) {
    case 2: /* AF_INET everywhere */
        return decode_ip4(f);
    case 10: /* AF_INET6: Linux, then the BSDs and macOS, then Windows */
    case 24:
    case 28:
    case 30:
    case 23:
        return decode_ip6(f);
    default:
        return 0;
    }
}

bool packet_link_known(int link)
{
    switch (link) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_NULL:
    case DLT_LOOP:
        return true;
    default:
        return false;
    }
}

int packet_decode(int link, struct span bytes, size_t wire, const struct packet_at *at,
                  struct fragments *fragments, struct packet *out, const char **why)
{
    struct frame f = {cur_of(bytes), wire < bytes.n ? bytes.n : wire, at, fragments, out, why};
    out->cut = false;
    switch (link) {
    case DLT_EN10MB:
        return decode_link(&f, 14, 12, "Ethernet header cut short");
    case DLT_LINUX_SLL:
        return decode_link(&f, 16, 14, "Linux cooked header cut short");
    case DLT_LINUX_SLL2:
        return decode_link(&f, 20, 0, "Linux cooked v2 header cut short");
    case DLT_NULL:
    case DLT_LOOP:
        return decode_loopback(&f);
    case DLT_IPV4:
        return decode_ip4(&f);
    case DLT_IPV6:
        return decode_ip6(&f);
    default:
        return decode_ip(&f);
    }
}
