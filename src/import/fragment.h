/* IP fragments put back together (RFC 791, 3.2; RFC 8200, 4.5), bounded in number, bytes and time.
 * A fragment that overlaps another of its datagram makes the whole datagram void (RFC 5722 for
 * IPv6; the same for IPv4, where overlap is an attack or a broken sender as well); an exact copy is
 * passed over. */
#pragma once

#include "import/packet.h"

#define FRAGMENT_DATAGRAMS_MAX 256         /* datagrams under way */
#define FRAGMENT_BYTES_MAX     (16u << 20) /* bytes held for them */
#define FRAGMENT_SECONDS       60          /* by the capture's clock, from the first fragment */

struct fragment {
    struct ip src, dst;
    uint32_t id;
    uint8_t protocol; /* what the payload is: IP protocol or IPv6 next header */
    uint32_t offset;  /* in bytes */
    bool more;
    struct span payload;
};

/* Told of each datagram that was given up: the packet of its first fragment, and why. */
typedef void fragments_lost(void *ctx, uint64_t packet, const char *why);

struct fragments *fragments_new(fragments_lost *lost, void *ctx);
void fragments_free(struct fragments *f);
/* Takes one. 1 the datagram is whole: *datagram borrows until the next call, *protocol is that of
 * its first fragment; 0 wait; -1 refused, *why. */
int fragments_add(struct fragments *f, const struct fragment *in, const struct packet_at *at,
                  struct span *datagram, uint8_t *protocol, const char **why);
/* At the end of the capture: gives up what is incomplete. */
void fragments_flush(struct fragments *f);
