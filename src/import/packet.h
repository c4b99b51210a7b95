/* Packets: a captured frame down to its TCP segment or UDP datagram.
 *
 * Link layers: Ethernet (with up to PACKET_VLAN_MAX 802.1Q/802.1ad tags), Linux cooked v1 and v2,
 * raw IP, BSD null and loop. Checksums are not looked at: a capture taken on the sending host has
 * none yet (checksum offload). */
#pragma once

#include "base/buf.h"
#include "base/ip.h"

#define PACKET_VLAN_MAX          8  /* stacked tags */
#define PACKET_IP6_EXTENSION_MAX 16 /* extension headers of one IPv6 packet */

enum { PACKET_TCP = 6, PACKET_UDP = 17 }; /* protocol numbers of IP */
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

/* Where in the capture something was. */
struct packet_at {
    int64_t time;    /* microseconds UTC */
    uint64_t number; /* of the packet, from 1 */
};

struct packet {
    struct ip src, dst;
    uint16_t src_port, dst_port;
    uint8_t transport; /* PACKET_TCP or PACKET_UDP */
    uint8_t tcp_flags;
    uint32_t seq, ack;
    struct span payload; /* what was captured of it; borrows from the frame (or from reassembly) */
    uint32_t length;     /* what was sent of it by the headers; payload.n is less when cut */
    bool cut;            /* the capture's snap length ended it */
};

struct fragments; /* import/fragment.h */

/* True when frames of that link type (a DLT_ value of libpcap) can be read. */
bool packet_link_known(int link);

/* Takes one frame apart. `wire` is its length when it was sent, frame.n what the capture has.
 * 1 out is filled; 0 nothing for us (not IP, not TCP or UDP, a fragment that waits for others, or
 * headers that the snap length cut off: out->cut is set then); -1 malformed, *why says how (static
 * text). Fragments are put together in `f`; a payload from there is valid until the next call. */
int packet_decode(int link, struct span frame, size_t wire, const struct packet_at *at,
                  struct fragments *f, struct packet *out, const char **why);
