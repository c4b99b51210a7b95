#include "sim/packet.h"

#define ETHER_LEN  14
#define SNAPLEN    65535
#define MSS        1460
#define PROTO_TCP  6
#define PROTO_UDP  17
#define PCAP_MAGIC 0xa1b2c3d4u
#define LINK_ETHER 1

static void le16(struct buf *b, uint16_t v)
{
    uint8_t p[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    buf_put(b, p, 2);
}

static void le32(struct buf *b, uint32_t v)
{
    le16(b, (uint16_t)v);
    le16(b, (uint16_t)(v >> 16));
}

static void be16(struct buf *b, uint16_t v)
{
    uint8_t p[2];
    be16_put(p, v);
    buf_put(b, p, 2);
}

static void be32(struct buf *b, uint32_t v)
{
    uint8_t p[4];
    be32_put(p, v);
    buf_put(b, p, 4);
}

void packet_file_header(struct buf *out)
{
    le32(out, PCAP_MAGIC);
    le16(out, 2);
    le16(out, 4);
    le32(out, 0);
    le32(out, 0);
    le32(out, SNAPLEN);
    le32(out, LINK_ETHER);
}

/* Ones' complement sum (RFC 1071), not yet folded. */
static uint64_t sum_bytes(uint64_t sum, const uint8_t *p, size_t n)
{
    for (; n > 1; n -= 2, p += 2)
        sum += be16_get(p);
    return n ? sum + (uint16_t)(p[0] << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_ether(struct buf *out, const struct packet *p)
{
    /* Locally administered addresses of the sensor and of its router. */
    static const uint8_t sensor[6] = {2, 0, 0, 0, 0, 2}, router[6] = {2, 0, 0, 0, 0, 1};
    buf_put(out, p->inward ? sensor : router, 6);
    buf_put(out, p->inward ? router : sensor, 6);
    be16(out, ip_is_v4(p->src) ? 0x0800 : 0x86dd);
}

static void put_ip(struct buf *out, const struct packet *p, size_t len)
{
    uint8_t proto = p->udp ? PROTO_UDP : PROTO_TCP;
    if (!ip_is_v4(p->src)) {
        be32(out, 6u << 28);
        be16(out, (uint16_t)len);
        buf_byte(out, proto);
        buf_byte(out, p->ttl);
        buf_put(out, p->src->b, 16);
        buf_put(out, p->dst->b, 16);
        return;
    }
    size_t at = out->n;
    be16(out, 0x4500);
    be16(out, (uint16_t)(20 + len));
    be16(out, p->id);
    be16(out, 0x4000); /* do not fragment */
    buf_byte(out, p->ttl);
    buf_byte(out, proto);
    be16(out, 0);
    buf_put(out, p->src->b + 12, 4);
    buf_put(out, p->dst->b + 12, 4);
    be16_put(out->p + at + 10, fold(sum_bytes(0, out->p + at, 20)));
}

static void put_tcp(struct buf *out, const struct packet *p)
{
    bool syn = p->flags & PACKET_SYN;
    be16(out, p->src_port);
    be16(out, p->dst_port);
    be32(out, p->seq);
    be32(out, p->ack);
    buf_byte(out, syn ? 0x70 : 0x50); /* seven words with options, else five */
    buf_byte(out, p->flags);
    be16(out, p->window);
    be32(out, 0);
    if (syn) { /* MSS; no-op twice, SACK permitted */
        be32(out, 0x02040000u | MSS);
        be32(out, 0x01010402u);
    }
}

static void put_udp(struct buf *out, const struct packet *p)
{
    be16(out, p->src_port);
    be16(out, p->dst_port);
    be16(out, (uint16_t)(8 + p->payload.n));
    be16(out, 0);
}

/* With the pseudo header: RFC 9293, 3.1; RFC 768; RFC 8200, 8.1. */
static uint16_t transport_sum(const struct packet *p, const uint8_t *segment, size_t n)
{
    bool v4 = ip_is_v4(p->src);
    uint64_t sum = n + (p->udp ? PROTO_UDP : PROTO_TCP);
    sum = sum_bytes(sum, p->src->b + (v4 ? 12 : 0), v4 ? 4 : 16);
    sum = sum_bytes(sum, p->dst->b + (v4 ? 12 : 0), v4 ? 4 : 16);
    uint16_t check = fold(sum_bytes(sum, segment, n));
    return p->udp && check == 0 ? 0xffff : check;
}

void packet_put(struct buf *out, const struct packet *p)
{
    size_t header = p->udp ? 8 : p->flags & PACKET_SYN ? 28 : 20;
    size_t ip = ip_is_v4(p->src) ? 20 : 40, segment = header + p->payload.n;
    uint32_t len = (uint32_t)(ETHER_LEN + ip + segment);
    le32(out, (uint32_t)(p->time / 1000000));
    le32(out, (uint32_t)(p->time % 1000000));
    le32(out, len);
    le32(out, len);
    put_ether(out, p);
    put_ip(out, p, segment);
    size_t at = out->n;
    if (p->udp)
        put_udp(out, p);
    else
        put_tcp(out, p);
    buf_span(out, p->payload);
    be16_put(out->p + at + (p->udp ? 6 : 16), transport_sum(p, out->p + at, segment));
}
