/* Connection: one TCP client's life. Reads what there is, strips a PROXY header and TLS, calls the
 * session, sends its answer, and closes when it is time: all the descriptors, deadlines and limits
 * that sessions know nothing of. net/conn.c has its life, net/conn_feed.c the way of bytes that
 * came in. */
#pragma once

#include "net/loop.h"
#include "net/tls.h"

#define CONN_OUT_MAX    (256u << 10) /* unsent bytes with which no more is read */
#define CONN_LINGER_MS  2000         /* for a client to close after us when it was still sending */
#define CONN_LINGER_MAX (256u << 10) /* bytes of it that are read and forgotten meanwhile */

enum conn_stage {
    CONN_PROXY,   /* waits for a balancer's header */
    CONN_FIRST,   /* waits for first bytes: TLS or not? */
    CONN_SHAKING, /* TLS: handshake */
    CONN_SESSION,
    CONN_CLOSING, /* the session is over; its last bytes go out */
    CONN_LINGER,  /* our side is shut */
    CONN_DEAD,
};

struct conn {
    struct source source;
    struct sensor *sensor;
    struct listener *listener;
    struct session s;
    struct tls *tls;
    struct buf in;  /* came in and not consumed */
    struct buf out; /* to be sent, from out_at */
    uint32_t out_at;
    uint32_t forgotten; /* bytes read in CONN_LINGER */
    uint32_t memory;    /* bytes accounted for, beyond what sessions take themselves */
    /* Ticks: accepted, last progress, since when first words are awaited. */
    int64_t opened, active, head_at;
    int64_t wait_at;
    struct timer timer;
    TAILQ_ENTRY(conn) age, next_ready, next_waiting; /* `age` also in dead and spare */
    enum conn_stage stage : 8;
    bool tls_open : 1; /* behind the handshake, close_notify not sent */
    bool begun : 1;    /* the session's begin() was called, its end() not */
    bool counted : 1;  /* in sensor->addresses */
    bool spoke : 1;    /* consumed something: in `served` */
    bool watched : 1;  /* by epoll */
    bool drained : 1;  /* nothing to read until epoll says so */
    bool half : 1;     /* the client shut its side, as epoll says */
    bool eof : 1;      /* and all it sent was read */
    bool more : 1;     /* the session may go on with what is in `in` */
    bool ready : 1;    /* in sensor->ready */
    bool waits : 1;    /* in sensor->waiting, for s.ticket */
    bool became : 1;   /* the session is another one since the last call */
    bool linger : 1;   /* the client was still sending when the session ended */
};

/* Accepts what waits, up to a bound. */
void conn_accept(struct sensor *s, struct listener *l);
void conn_event(struct conn *c, uint32_t events);
/* Goes on without an event. */
void conn_ready(struct conn *c);
void conn_timer(struct conn *c);
/* Tells those whose tickets are durable. */
void conns_stored(struct sensor *s);
/* Ends all that are left. */
void conns_stop(struct sensor *s);
/* Gives back the memory of those that were closed in this turn. */
void conns_bury(struct sensor *s);
void conns_free(struct sensor *s);

/* ---- between conn.c and conn_feed.c ---- */

/* Whether the session may be given bytes. */
bool conn_takes(const struct conn *c);
/* Bytes as they came from the network. */
void conn_feed(struct conn *c, struct span wire);
/* Calls the session with what it left before, and nothing new. */
void conn_resume(struct conn *c);
/* PROXY was read, or is not expected: TLS, first bytes or the session come next. */
void conn_begin(struct conn *c);
/* Counts it for the client's address. False: that has too many, c is dead. */
bool conn_count(struct conn *c);
/* Does as a session said. True: it goes on. `rest` is what it did not consume. */
bool conn_follow(struct conn *c, enum session_next next, struct cur *rest);
/* Ends the session; what is to be sent still is. */
void conn_finish(struct conn *c, enum session_end why);
/* Ends it and closes at once. */
void conn_kill(struct conn *c, enum session_end why);
