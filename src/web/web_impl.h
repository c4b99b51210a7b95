/* Of src/web/web*.c alone: connections (web_conn.c), requests (web_request.c), answers
 * (web_reply.c) and the loop (web.c). */
#pragma once

#include <microhttpd.h>

#include "base/arena.h"
#include "web/web.h"
#include "web/web_text.h"

#define WEB_METHOD_MAX 16
#define WEB_SPARES_MAX 32 /* arenas that are kept for the next requests */

/* In which a connection is; each has a list, the longest waiting first. */
enum web_phase {
    WEB_HEADING,  /* its PROXY header is awaited; libmicrohttpd does not know it yet */
    WEB_WAITING,  /* a whole request is awaited, its headers first */
    WEB_BODY,     /* then its body */
    WEB_THINKING, /* the handler has it: WEB_LATER */
    WEB_REPLYING, /* the answer is on its way */
    WEB_CUT,      /* shut down; libmicrohttpd will close it */
    WEB_PHASES,
};

struct web_conn {
    int fd;
    enum web_phase phase;
    int64_t since;    /* milliseconds: of the phase */
    uint64_t reply_n; /* bytes of the answer */
    struct web_conn *prev, *next;
    struct ip peer, client; /* client: what a PROXY header said */
    uint16_t port;
    bool counted; /* in the per-address figures */
    bool used;    /* one request was answered on it */
    struct MHD_Connection *mhd;
    struct web_request *request;
};

struct web_crowd; /* how many connections an address has */

struct web {
    struct web_setup setup;
    struct MHD_Daemon *daemon;
    int epoll;     /* what web_fd() gives: listener, libmicrohttpd's own, and those below */
    int mhd_epoll; /* inside of it */
    int64_t now;
    int64_t scanned;    /* when those whose time depends on bytes were looked at */
    int64_t deaf_until; /* no descriptors were left: the listener is not waited on */
    bool stopping;
    struct web_conn **conn; /* by descriptor */
    size_t conn_cap;
    struct {
        struct web_conn *first, *last;
        unsigned n;
    } list[WEB_PHASES];
    struct web_crowd *crowd;
    struct arena spare[WEB_SPARES_MAX];
    unsigned spares;
    size_t large; /* bytes of bodies, beyond body_small of each */
    struct web_figures figures;
    struct buf certificate, key; /* terminated */
};

struct web_request {
    struct web *web;
    struct web_conn *conn;
    struct MHD_Connection *mhd;
    char method[WEB_METHOD_MAX + 1];
    struct arena arena;
    struct web_target target;
    struct ip client;
    uint16_t port;
    bool secure;
    bool small;       /* no large body is taken of it */
    bool begun;       /* the headers were looked at */
    bool later, gone; /* of WEB_LATER */
    unsigned problem; /* the status that refuses it; 0: fine */
    struct MHD_PostProcessor *form;
    struct web_field *field; /* WEB_FIELDS_MAX at most */
    struct buf *value;       /* of the fields */
    size_t fields, fields_cap, values_cap;
    size_t plain_n, file_n, taken; /* bytes: of plain fields, of files, of the body as it came */
    size_t large;                  /* of them, what counts for the web's `large` */
    struct buf body, forwarded, x_forwarded;
    struct MHD_Response *response; /* ready to be queued */
    unsigned status;
    size_t reply_n;
    void *own;
};

/* ---- web_conn.c ---- */
void web_conn_phase(struct web *w, struct web_conn *c, enum web_phase phase);
/* Takes what waits at the listener; the sockets go on to libmicrohttpd, or wait for their header.
 */
void web_conn_accept(struct web *w);
/* More of a PROXY header is there. */
void web_conn_header(struct web *w, struct web_conn *c);
/* Shuts down what has taken too long; sets *next (clock_ms) to when the next one will have. */
void web_conn_deadlines(struct web *w);
int64_t web_conn_next_deadline(const struct web *w);
void web_conn_cut(struct web *w, struct web_conn *c);
void web_conn_drop(struct web *w,
                   struct web_conn *c); /* forgets it; the descriptor is closed by who owns it */
struct web_conn *web_conn_of(struct web *w, int fd);
struct web_crowd *web_crowd_new(void);
void web_crowd_free(struct web_crowd *c);

/* ---- web_request.c ---- */
struct web_request *web_request_new(struct web *w, struct web_conn *c, struct MHD_Connection *mhd,
                                    const char *uri);
void web_request_free(struct web_request *r);
/* Headers are there: 0, or the status that refuses it at once. */
unsigned web_request_begin(struct web_request *r, const char *method, const char *version);
/* Some of the body; false: close the connection. */
bool web_request_take(struct web_request *r, const char *data, size_t n);
/* It is whole: 0, or the status that refuses it. */
unsigned web_request_end(struct web_request *r);
/* Refuses to be served, in short words. */
void web_refusal(struct web_reply *reply, unsigned status);

/* ---- web_reply.c ---- */
/* Makes r->response; frees reply's body. False: no memory. */
bool web_reply_make(struct web *w, struct web_request *r, struct web_reply *reply);
