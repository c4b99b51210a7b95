/* Session: one side of a conversation over a byte stream, as a state machine without descriptors.
 * The connection (net/conn) reads, decrypts, calls, encrypts and writes; the session takes bytes
 * and appends its answer to s->out. Each callback says how to go on.
 *
 * A session that must wait for the disk (SMTP's 250) sets s->ticket to what net_record() gave: no
 * data() comes until stored() was called. A session that wants to be slow or has a deadline sets
 * s->wake_at; until then s->paused keeps data() away when it is set. */
#pragma once

#include "net/net.h"

struct session;
struct session_type;

enum session_next {
    SESSION_GO_ON,
    SESSION_CLOSE,    /* when all of out was sent */
    SESSION_ABORT,    /* at once, with a reset; out is thrown away */
    SESSION_STARTTLS, /* send out, throw away what else came in (RFC 3207, 4.2), shake hands, then
                         begin_tls() */
    SESSION_BECOME, /* s->becomes goes on with this connection; bytes not consumed are its first */
};

enum session_end {
    SESSION_PEER_CLOSED,
    SESSION_CLOSED,
    SESSION_RESET,
    SESSION_TIMEOUT,
    SESSION_LIMIT,
    SESSION_STOPPED
};

struct session {
    const struct session_type *type;
    struct net_env *env;
    struct net_peer peer;
    struct buf *out;                    /* bytes for the client */
    void *state;                        /* type->state_size bytes, zero at begin() */
    uint64_t ticket;                    /* not 0: waits for this to be stored */
    int64_t wake_at;                    /* env->tick at which wake() is wanted; 0: never */
    bool paused;                        /* no data() before wake() */
    bool quiet_since_begin;             /* nothing has come in yet (kept by the connection) */
    const struct session_type *becomes; /* for SESSION_BECOME */
};

struct session_type {
    const char *name;
    size_t state_size;
    /* The connection is there (through PROXY and TLS, where the listener has them). May greet. */
    enum session_next (*begin)(struct session *s);
    /* Bytes came in: those not consumed before, then the new ones. Consume by moving in->p; what is
     * left comes again with more. Called once more with nothing new when the pause or wait is over.
     */
    enum session_next (*data)(struct session *s, struct cur *in);
    enum session_next (*wake)(struct session *s); /* may be NULL */
    /* May be NULL when no ticket is ever set. */
    enum session_next (*stored)(struct session *s, bool ok);
    /* May be NULL when STARTTLS is never said. */
    enum session_next (*begin_tls)(struct session *s);
    /* Called once, at the very end, with what was never consumed; records what is worth it, frees
     * what state holds. Nothing is sent any more. */
    void (*end)(struct session *s, enum session_end why, struct cur *rest);
    size_t in_max; /* unconsumed bytes that a connection keeps for it; more ends it with
                      SESSION_LIMIT */
};

/* The authority for this conversation, looked up anew (tables change): by destination. */
static inline bool session_destination(const struct session *s, struct authority_match *out)
{
    return net_destination(s->env, &s->peer, out);
}

extern const struct session_type
    dns_session; /* net/dns_session.c: TCP framing round dns_server_answer */
extern const struct session_type http_session; /* net/http_session.c */
extern const struct session_type smtp_session; /* net/smtp_session.c */
extern const struct session_type raw_session;  /* net/raw_session.c: first bytes, banner, IRC */
extern const struct session_type
    any_session; /* net/any_session.c: looks at the first bytes, then becomes one of them */
