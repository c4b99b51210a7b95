/* What courier_smarthost.c reads and courier_smtp.c uses, in the process that courier_post.c makes.
 */
#pragma once

#include "app/serve/courier_post.h"

#define POST_ADDRESS_MAX 254         /* RFC 5321, 4.5.3.1.3, without <> */
#define POST_BYTES_MAX   (64u << 20) /* of one report */

enum post_tls { POST_STARTTLS, POST_TLS, POST_PLAIN };

struct smarthost {
    enum post_tls tls;
    uint16_t port;
    bool literal;         /* the config has an address: nothing is looked up */
    bool loopback;        /* all its addresses are this machine's */
    char url[640];        /* smtp://host:port/who-we-are */
    char hello[256];      /* who we are */
    char sender[256 + 4]; /* "<...>", the envelope's */
    char user[1024];
    struct buf password; /* terminated; empty: no authentication */
    struct buf ca;       /* PEM */
    struct buf resolve;  /* terminated */
};

/* A connection to it, in the process that was forked for that. */
struct post_line;
/* `parent`: a socket whose other end closes when what is being sent is to be broken off. NULL when
 * libcurl cannot be set up. */
struct post_line *post_line_new(const struct smarthost *h, int parent);
void post_line_free(struct post_line *l);
void post_line_knock(struct post_line *l, struct courier_mark *mark);
/* contact is terminated and an address. */
void post_line_mail(struct post_line *l, const char *contact, struct span bytes,
                    struct courier_mark *mark);
