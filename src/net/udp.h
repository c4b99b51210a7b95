/* UDP: datagrams in batches. DNS queries are answered from the address that was asked, everything
 * else is only looked at. All memory is allocated at the start. */
#pragma once

#include "net/loop.h"

#define UDP_BATCH  64
#define UDP_ROUNDS 4    /* batches of one socket before others have their turn */
#define UDP_ANSWER 4096 /* bytes of an answer: the most that limits.dns_udp_size allows */

struct udp_batch *udp_batch_new(void);
void udp_batch_free(struct udp_batch *b);
/* Takes what waits on the socket, up to a bound. */
void udp_serve(struct sensor *s, const struct listener *l);
