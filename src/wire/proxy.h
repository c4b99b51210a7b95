/* PROXY protocol, versions 1 and 2 (the HAProxy project's proxy-protocol.txt): bytes -> addresses.
 */
#pragma once

#include "base/buf.h"
#include "base/ip.h"

#define PROXY_V1_MAX 107  /* bytes of a version 1 line */
#define PROXY_V2_MAX 1024 /* header and TLVs that are taken; longer ones are malformed */

struct proxy_header {
    int version;
    bool local; /* LOCAL or UNKNOWN: the balancer speaks for itself; addresses are not set */
    bool udp;   /* v2: DGRAM */
    struct ip src, dst;
    uint16_t src_port, dst_port;
    struct span authority; /* PP2_TYPE_AUTHORITY: the SNI that the balancer saw; may be empty */
    size_t length;         /* bytes of the header */
};
/* At the start of data: 1 done, 0 need more, -1 no PROXY header or malformed. */
int proxy_parse(struct span data, struct proxy_header *out);
/* Writes a version 2 header for TCP or UDP; bytes written, at most 52. For the simulator and tests.
 */
size_t proxy_write_v2(uint8_t *out, const struct ip *src, uint16_t src_port, const struct ip *dst,
                      uint16_t dst_port, bool udp);
