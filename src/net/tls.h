/* TLS on memory: bytes in, bytes out (OpenSSL). Certificates by SNI: the operator's where one fits,
 * otherwise one made on first use and signed by a key of this start. The client's hello is read
 * before OpenSSL sees it, for JA3 and JA4. doc/sinkhole/tls.md. */
#pragma once

#include "net/net.h"

#define TLS_MADE_MAX 4096 /* certificates made on first use that are kept; about 3 KB each */

/* Texts are as the client sends them, cut at 255 bytes. A hello in SSL 2.0's form has nothing but
 * the version. */
struct tls_info {
    struct span sni;
    struct span alpn;    /* the first that is offered */
    struct span version; /* as agreed: "1.2"; before that the highest offered */
    char ja3[33];        /* MD5 as hex */
    char ja4[64];        /* t13d1516h2_8daaf6152771_e5627efa2ab1 */
};

struct tls_server;
struct tls;

/* Opens nothing afterwards: all that OpenSSL sets up on first use is set up here, by handshakes
 * with ourselves (about 0.1 s). -EINVAL names the certificate that does not load or does not fit
 * its key; -EIO when OpenSSL fails. */
int tls_server_new(const struct net_config *config, struct tls_server **out, struct err *err);
void tls_server_free(struct tls_server *s);

/* A connection's TLS; the handshake is done by tls_input calls. `peer` (copied) is looked at for
 * authority: the SNI or the destination must be in force, else the connection ends before a
 * certificate is shown. Counts tls_handshakes, tls_failed and tls_refused. */
struct tls *tls_new(struct net_env *env, const struct net_peer *peer);
void tls_free(struct tls *t);
enum tls_state {
    TLS_SHAKING,
    TLS_OPEN,
    TLS_CLOSED, /* by the client's close_notify; it can still be written to */
    TLS_FAILED, /* no handshake, or what came after one was not of it */
    TLS_REFUSED,
};
/* Takes all of `in`; appends what became plain to `plain` and what must be sent (also alerts) to
 * `out`, which are to be used whatever is returned. After the last three states there is nothing
 * more to take, and the same is returned. */
enum tls_state tls_input(struct tls *t, struct span in, struct buf *plain, struct buf *out);
/* Appends `plain` encrypted to out. 0, -1 when the connection is not open. */
int tls_output(struct tls *t, struct span plain, struct buf *out);
/* Appends a close_notify, once; nothing when the connection is not open. */
void tls_close(struct tls *t, struct buf *out);
/* NULL until the client's hello was read whole; valid as long as t. */
const struct tls_info *tls_info(const struct tls *t);
/* The first bytes that came in (the hello), for recording a handshake that failed or was refused;
 * empty once one is done. */
struct span tls_hello_bytes(const struct tls *t);
/* Bytes that t and OpenSSL hold, roughly. */
size_t tls_memory(const struct tls *t);
/* Whether the bytes could begin a TLS connection (also with a hello in SSL 2.0's form): 1 yes, 0
 * too few to say (11 always do), -1 no. */
int tls_looks_like(struct span first);
