/* Packets as bytes: Ethernet, IPv4 or IPv6, TCP or UDP, with right checksums, behind a pcap record
 * header. */
#pragma once

#include "base/buf.h"
#include "base/ip.h"

#define PACKET_SYN 0x02
#define PACKET_ACK 0x10
#define PACKET_PSH 0x08
#define PACKET_FIN 0x01

#define PACKET_PAYLOAD_MAX 1400

struct packet {
    int64_t time;               /* microseconds since 1970 */
    const struct ip *src, *dst; /* of one family */
    uint16_t src_port, dst_port;
    bool udp, inward; /* inward: towards the sensor */
    uint8_t ttl;
    uint16_t id; /* IPv4 identification */
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;
    struct span payload;
};

/* The file's header: classic pcap, microseconds, Ethernet, little-endian
 * (draft-ietf-opsawg-pcap). */
void packet_file_header(struct buf *out);
/* Appends one record. A SYN carries an MSS option. */
void packet_put(struct buf *out, const struct packet *p);
