/* TCP reassembly: the segments of one connection, as a capture has them, into the two byte streams
 * the peers saw.
 *
 * What lies in order is handed on without copying. What came early waits in a bounded list. Bytes
 * that came twice are taken once, the first copy wins, and a difference is counted. A hole is given
 * up, and said to be lost, when the peer has acknowledged bytes behind it, when more waits behind
 * it than the limits allow, or when the connection ends. Sequence numbers wrap.
 *
 * A connection that was open before the capture began starts at its first data byte. */
#pragma once

#include "import/packet.h"

#define TCP_HELD_MAX   (1u << 20) /* bytes that wait behind a hole, one direction */
#define TCP_PIECES_MAX 1024       /* pieces they come in */
#define TCP_AHEAD_MAX                                                                              \
    (1u << 30)                    /* a segment farther ahead is not of this connection (RFC 7323)  \
                                   */
#define TCP_SEEN_MAX   4          /* last segments that a repetition is compared with */
#define TCP_RST_WINDOW (1u << 20) /* how far off a reset may be */

/* Memory for waiting pieces; shared by all connections. All zero is an empty one. */
struct tcp_piece;
struct tcp_pool {
    struct tcp_piece *spare; /* of the usual size */
    unsigned spares;
    size_t held; /* bytes in use, over all connections */
};
void tcp_pool_free(struct tcp_pool *p);

/* A run of bytes that was handed on, to tell an honest repetition from another text. */
struct tcp_seen {
    uint32_t seq, n, hash;
};

struct tcp_half {
    uint32_t next;  /* sequence number of the byte to hand on next */
    uint32_t start; /* of the first byte of the stream (or, far into it, a safe way back) */
    uint32_t acked; /* what the peer acknowledged, as far as it went */
    uint32_t fin;   /* sequence number of the FIN */
    bool known, syn, has_acked, has_fin, closed, delivered;
    uint8_t seen_next;
    uint32_t held;
    uint32_t pieces;
    struct tcp_seen seen[TCP_SEEN_MAX];
    struct tcp_piece *first, *last;
};

struct tcp {
    struct tcp_half half[2];
    bool over; /* reset, or both sides closed */
};

enum tcp_gap {
    TCP_GAP_LOST, /* not in the capture */
    TCP_GAP_CUT,  /* cut by the snap length */
};

/* Where the bytes go. `dir` is the index of the sending half. */
struct tcp_sink {
    void *ctx;
    void (*data)(void *ctx, unsigned dir, struct span bytes, const struct packet_at *at);
    /* `lost` bytes are missing before what comes next. */
    void (*gap)(void *ctx, unsigned dir, uint32_t lost, enum tcp_gap why,
                const struct packet_at *at);
    uint64_t differing; /* bytes that came again and differ: against what waits, or against one of
                         * the last segments when its bounds are the same */
    uint64_t late;   /* bytes that cannot be placed: before the start, far ahead, behind the end */
    uint64_t odd_at; /* packet of the first of either */
};

enum tcp_verdict {
    TCP_TAKEN,
    TCP_ENDED, /* the connection is over with this segment; call tcp_end */
    TCP_ANEW,  /* it starts another connection on the same ports: end this one, clear it (tcp_init)
                * and give the segment again */
};

void tcp_init(struct tcp *t);
/* One segment of half `dir`. */
enum tcp_verdict tcp_segment(struct tcp *t, unsigned dir, const struct packet *segment,
                             const struct packet_at *at, struct tcp_pool *pool,
                             struct tcp_sink *sink);
/* Hands on what still waits, holes given up, half `first` before the other, and frees it. */
void tcp_end(struct tcp *t, unsigned first, const struct packet_at *at, struct tcp_pool *pool,
             struct tcp_sink *sink);
