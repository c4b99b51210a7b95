/* Sessions: what flows in a connection, from reassembled bytes to events.
 *
 *   TCP  HTTP requests, SMTP mails and dialogues, DNS queries, each an event of its own; whatever
 *        is none of these becomes one raw event at the end of the connection.
 *   UDP  DNS queries; one raw event a flow for the rest.
 *
 * No byte that a client sent is without an event: what a parser took for its own and then could not
 * read goes to the raw event. A connection on which nobody sent data makes no event. An event's
 * time is that of the packet with its first byte. */
#pragma once

#include "import/import.h"
#include "import/packet.h"
#include "wire/http.h"
#include "wire/smtp.h"

#define SESSION_BODY_MAX     (16u << 20) /* bytes kept of one HTTP body; more are only counted */
#define SESSION_MAIL_MAX     (32u << 20) /* bytes kept of one mail; likewise */
#define SESSION_DIALOGUE_MAX (64u << 10) /* bytes kept of the command lines of one mail */
#define SESSION_SPARES_MAX   512         /* buffers kept for the next session */
#define SESSION_SPARE_BYTES  (16u << 10) /* larger ones are given back to the system */
#define SESSION_REJECT_MAX   160         /* characters of a reject's reason */

/* Who talks to whom. Ends are in a fixed order (import/flow.h), so that both directions are one. */
struct session_ends {
    struct ip ip[2];
    uint16_t port[2];
    uint32_t transport; /* PACKET_TCP, PACKET_UDP */
};

/* Where findings go, and what all sessions of one capture share. */
struct session_out {
    const struct import_sink *sink;
    struct import_counts *counts;
    int stop; /* negative once the sink asked to stop: forwarded, nothing is emitted any more */
    struct buf words;
    struct buf spare[SESSION_SPARES_MAX];
    unsigned spares;
};
void session_out_free(struct session_out *out);

enum session_kind { SESSION_OPEN, SESSION_HTTP, SESSION_SMTP, SESSION_DNS, SESSION_RAW };

struct session_side {
    uint64_t size;          /* bytes sent, lost ones included */
    uint64_t stray;         /* those that no other event has */
    struct packet_at first; /* where the first stray byte is */
    bool holed;             /* `keep` is followed by lost bytes: nothing more is added */
    struct buf keep;        /* the first RAW_BYTES_KEEP of the stray ones */
};

enum http_mode {
    HTTP_MODE_HEAD,
    HTTP_MODE_LENGTH,
    HTTP_MODE_CHUNKS,
    HTTP_MODE_SKIP,
    HTTP_MODE_RESYNC
};
enum http_tunnel { HTTP_NO_TUNNEL, HTTP_TUNNEL_CONNECT, HTTP_TUNNEL_UPGRADE, HTTP_TUNNEL_OPEN };

struct session_http {
    enum http_mode mode;
    enum http_tunnel tunnel; /* asked for, or open */
    size_t scanned;          /* of `in`, for http_head_end */
    uint64_t left;           /* of the body, or to skip */
    uint64_t body_size;
    uint32_t anomalies; /* found behind the head */
    bool cut;           /* the body is not whole */
    struct http_chunks chunks;
    struct buf head, body; /* while the body comes in */
    struct packet_at at;   /* of the head's first byte */
};

enum smtp_mode {
    SMTP_MODE_COMMAND,
    SMTP_MODE_REPLY,
    SMTP_MODE_DATA,
    SMTP_MODE_BDAT,
    SMTP_MODE_TLS,
    SMTP_MODE_OPAQUE
};

struct session_smtp {
    enum smtp_mode mode;
    int reply;      /* code of the server's last line since the command that waits for it */
    bool skip_line; /* the rest of a line that is too long or torn */
    bool skip_mail; /* bytes of the mail were lost: the rest only for its end */
    bool has_from, bdat_last;
    unsigned rcpts;
    struct smtp_data data;
    uint64_t size, bdat_left;
    struct buf mail, dialogue, helo;
    struct buf envelope; /* from and recipients, each behind its length in two bytes */
    struct packet_at at; /* of the MAIL command */
};

struct session {
    enum session_kind kind;
    unsigned client;     /* the end that asked */
    bool client_known;   /* by its SYN or by what it said */
    bool torn;           /* its beginning or something else is missing */
    bool begun, events;  /* bytes were seen; an event was made */
    struct packet_at at; /* of the first bytes of either side */
    struct session_side side[2];
    struct buf in;          /* the client's bytes that wait for more */
    struct packet_at in_at; /* of their first */
    union {
        struct session_http http;
        struct session_smtp smtp;
    };
};

/* One session and its surroundings; what all functions below take. */
struct session_call {
    struct session *s;
    const struct session_ends *ends;
    struct session_out *out;
};

/* All zero is a new session; set `client`, `client_known`, `torn` before the first data.
 * Stream bytes of end `dir`, in order. */
void session_data(const struct session_call *c, unsigned dir, struct span bytes,
                  const struct packet_at *at);
/* `lost` stream bytes are missing here. */
void session_gap(const struct session_call *c, unsigned dir, uint32_t lost,
                 const struct packet_at *at);
/* A datagram that is no DNS; `sent` is its length before it was cut. */
void session_datagram(const struct session_call *c, unsigned dir, struct span bytes, size_t sent,
                      const struct packet_at *at);
/* Nothing follows: makes the last event, frees what the session holds, and clears it. */
void session_end(const struct session_call *c, const struct packet_at *at);
/* Memory it holds. */
size_t session_held(const struct session *s);

/* DNS. A query makes an event; a response does not; what is malformed is a reject. */
void session_dns_message(struct session_out *out, const struct session_ends *ends, unsigned client,
                         struct span message, bool cut, const struct packet_at *at);
/* True when the bytes are strictly one plain query (or, response set, an answer to one): how DNS is
 * told from other traffic on ports that are not its own. */
bool session_dns_strict(struct span message, bool response);

/* --- between the session_*.c files --- */

/* An event of the session's connection, to be filled in. */
struct event session_event(const struct session_ends *ends, unsigned client, enum event_kind kind,
                           const char *protocol, const struct packet_at *at);
/* Numbers the event and gives it on. */
void session_emit(struct session_out *out, struct event *ev);
/* True when the next event is already on the log: it need not be built, only counted. */
bool session_skip(struct session_out *out);
void session_reject(struct session_out *out, const struct packet_at *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Stores a mail or body; sha gets its digest. True when it was stored. */
bool session_blob(struct session_out *out, struct span data, uint8_t sha[SHA256_LEN],
                  const struct packet_at *at);
/* A buffer for a session, and its return. */
void session_take(struct session_out *out, struct buf *b);
void session_give(struct session_out *out, struct buf *b);
/* Bytes that no parser reads: kept for the raw event. */
void session_stray(const struct session_call *c, unsigned dir, struct span bytes,
                   const struct packet_at *at);
/* What a parser has before it: the client's bytes that waited, which begin at s->in_at, and the new
 * ones, from *fresh on. */
struct cur session_unread(const struct session_call *c, struct span bytes, const uint8_t **fresh);
/* Keeps what a parser could not use yet: bytes (which may lie in s->in) become s->in. */
void session_wait(const struct session_call *c, struct span bytes, const struct packet_at *at);
/* From here on the connection is raw; bytes are its first. */
void session_turn_raw(const struct session_call *c, struct span bytes, const struct packet_at *at);

void session_http_data(const struct session_call *c, struct span bytes, const struct packet_at *at);
void session_http_server(const struct session_call *c, struct span bytes);
void session_http_gap(const struct session_call *c, uint32_t lost, const struct packet_at *at);
void session_http_end(const struct session_call *c);
/* A usual method, a target, and a version: enough to start reading in the middle of things. */
bool session_http_strict(struct span bytes);
/* The head of a request that nothing follows: one that breaks off, or a lone line without
 * version.*/
bool session_http_ends(struct span bytes, struct http_request *r);

void session_smtp_data(const struct session_call *c, struct span bytes, const struct packet_at *at);
void session_smtp_server(const struct session_call *c, struct span bytes);
void session_smtp_gap(const struct session_call *c, uint32_t lost, const struct packet_at *at);
void session_smtp_end(const struct session_call *c);

void session_dns_data(const struct session_call *c, struct span bytes, const struct packet_at *at);
/* 1 the stream starts with the frame of a query, -1 it does not, 0 too few bytes. */
int session_dns_detect(struct span bytes);
