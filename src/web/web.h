/* Web: HTTP/1.1 for the pages of people, over libmicrohttpd: listener, TLS, PROXY protocol, limits,
 * forms, compression and security headers in one place. Who serves gets whole requests and gives
 * whole answers. Used by one thread, whose loop waits on web_fd() and calls web_run(). */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"

#define WEB_PATH_MAX   1024
#define WEB_FIELDS_MAX 512 /* form fields and files of one request */

struct web_request;
struct web_reply;
struct web;

/* The Content-Security-Policy of all answers: nothing inline, nothing from elsewhere. */
enum web_policy {
    WEB_PUBLIC, /* styles, scripts, images and forms of its own */
    WEB_DESK,   /* also: WebAssembly (libsodium), frames that are sandboxed */
};

struct web_setup {
    int listener;                  /* bound and listening; stays the caller's */
    const char *certificate, *key; /* PEM files, read before the sandbox; NULL or "": plain HTTP */
    const struct net *proxies;     /* who may send PROXY headers and Forwarded ones; NULL: nobody */
    size_t n_proxies;
    bool proxy_header; /* those connections begin with a PROXY header, version 1 or 2; others are
                          refused */
    enum web_policy policy;
    bool hsts;            /* Strict-Transport-Security: the caller knows that people come by TLS */
    const char *onion;    /* "http://...onion": named in Onion-Location; NULL or "": none */
    unsigned connections; /* at most */
    unsigned connections_per_ip;
    size_t body_max; /* bytes of a request's body; larger ones get 413. Files: file_max */
    size_t file_max; /* of all files of a multipart form together */
    /* Asked when the headers are there, and the body is not: whether it may be that large. Where it
     * says no, body_small is the limit of everything. NULL: it always may. */
    bool (*may_be_large)(void *ctx, const struct web_request *r);
    size_t body_small;
    /* Of all bodies together, as they lie in memory at once, what is beyond body_small of each. A
     * request for which there is no room is answered with 503. 0: no limit. */
    size_t large_max;
    unsigned request_s; /* a request's headers must be whole by then, or it is cut off, however it
                         * trickles; its body likewise, and a second longer for each 4 KB of it */
    unsigned idle_s;
    /* Called when the request is there. Fills the reply, or returns WEB_LATER and calls
     * web_answer() in its time; the request is valid until it was answered. */
    int (*handle)(void *ctx, struct web_request *r, struct web_reply *reply);
    /* The client went away before its WEB_LATER was answered. May be NULL when there are none. */
    void (*gone)(void *ctx, struct web_request *r);
    void *ctx;
};
enum { WEB_NOW = 0, WEB_LATER = 1 };

int web_start(const struct web_setup *setup, struct web **out, struct err *err);
int web_fd(const struct web *w);                /* readable: call web_run() */
int web_wait_ms(const struct web *w, int most); /* how long to wait at most */
int web_run(struct web *w, struct err *err);
/* Requests that were WEB_LATER and not answered are gone(). */
void web_stop(struct web *w);
/* In a forked child, which serves nothing: closes the connections' descriptors, so that they end
 * with the parent's. */
void web_in_child(struct web *w);

struct web_figures {
    uint64_t requests, refused, cut_off, bytes;
    unsigned connections;
};
void web_figures(const struct web *w, struct web_figures *out);

/* ---- a request; all spans are valid until it was answered ---- */

struct span web_method(const struct web_request *r);
const char *web_path(
    const struct web_request *r); /* decoded; begins with "/"; no "..", no control characters */
const struct ip *
web_client(const struct web_request *r); /* after PROXY or Forwarded headers of a proxy */
uint16_t web_client_port(const struct web_request *r); /* 0: not known */
bool web_is_secure(const struct web_request *r);       /* TLS here, or at the proxy */
/* "" (p not NULL) when present and empty; p NULL when absent. */
struct span web_query(const struct web_request *r, const char *name);
struct span web_header(const struct web_request *r, const char *name);
struct span web_cookie(const struct web_request *r, const char *name);
/* The body as it came; empty for forms, whose fields are taken apart. */
struct span web_body(const struct web_request *r);
struct web_field {
    const char *name, *file; /* file: its name as the client says; NULL: a plain field */
    struct span value;
};
const struct web_field *web_fields(const struct web_request *r, size_t *n);
struct span web_form(const struct web_request *r,
                     const char *name); /* a plain field; p NULL: absent */
/* All of the query's parameters: each() returns 0 to go on. */
void web_queries(const struct web_request *r,
                 int (*each)(void *ctx, const char *name, struct span value), void *ctx);
/* What the handler keeps with it. */
void web_keep(struct web_request *r, void *own);
void *web_kept(const struct web_request *r);
/* The client takes gzip. */
bool web_takes_gzip(const struct web_request *r);

/* ---- an answer ---- */

struct web_reply {
    unsigned status;      /* 200 unless set */
    const char *type;     /* Content-Type; text/html; charset=utf-8 unless set; static text */
    struct buf body;      /* freed by who called handle */
    struct span borrowed; /* instead of the body: copied before handle() or web_answer() is over */
    bool forever; /* borrowed is part of the program (assets): neither copied nor compressed */
    bool gzipped; /* body or borrowed is gzip; unpacked for who does not take it */
    unsigned max_age_s; /* may be kept so long; 0: no-store */
    bool immutable;
    char etag[68]; /* without quotes; "" none. If-None-Match is then answered with 304. Gzip is
                      other bytes: its tag gets "-gz" here (RFC 9110, 8.8.1) */
    char location[WEB_PATH_MAX];
    char cookie[512];     /* Set-Cookie */
    char attachment[128]; /* file name: Content-Disposition */
    char language[36];    /* Content-Language */
    const char *allow;    /* with 405 */
    unsigned retry_s;     /* Retry-After; 0 none */
};
/* Answers a request that was WEB_LATER; frees the body. */
void web_answer(struct web *w, struct web_request *r, struct web_reply *reply);
