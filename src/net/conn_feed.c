/* The way of bytes that came in: PROXY header, TLS, session. */
#include <stdlib.h>

#include "net/conn.h"
#include "net/raw_server.h"
#include "wire/proxy.h"

static const struct session_type *const session_types[] = {
    [NET_DNS] = &dns_session, [NET_HTTP] = &http_session, [NET_SMTP] = &smtp_session,
    [NET_RAW] = &raw_session, [NET_ANY] = &any_session,
};

static void refuse(struct conn *c)
{
    net_count(&c->sensor->env, proxy_refused, 1);
    conn_kill(c, SESSION_LIMIT);
}

/* ---- the session ---- */

static void begin_session(struct conn *c)
{
    struct cur nothing = {0};
    c->s.state = calloc(1, c->s.type->state_size + 1);
    if (!c->s.state)
        abort();
    c->begun = true;
    conn_follow(c, c->s.type->begin(&c->s), &nothing);
}

/* Its first words: others that said less make room before it does. */
static void spoke(struct conn *c)
{
    struct sensor *s = c->sensor;
    TAILQ_REMOVE(&s->silent, c, age);
    TAILQ_INSERT_TAIL(&s->served, c, age);
    c->spoke = true;
}

/* Calls the session until it has taken all it can for now. False: it is over, or another way was
 * taken. */
static bool give(struct conn *c, struct cur *in)
{
    size_t before;
    do {
        before = cur_left(in);
        c->became = false;
        enum session_next next = c->s.type->data(&c->s, in);
        if (!c->spoke && cur_left(in) < before)
            spoke(c);
        if (!conn_follow(c, next, in))
            return false;
    } while (conn_takes(c) && ((cur_left(in) && cur_left(in) < before) || c->became));
    c->more = cur_left(in) && !conn_takes(c);
    return true;
}

/* Keeps what `in` has left; its bytes are either those of c->in or somebody else's. */
static void keep(struct conn *c, const struct cur *in)
{
    size_t n = cur_left(in);
    if (n == 0) {
        buf_free(&c->in);
    } else if (c->in.n) {
        memmove(c->in.p, in->p, n);
        c->in.n = n;
    } else {
        buf_put(&c->in, in->p, n);
    }
}

static void feed_session(struct conn *c, struct span fresh)
{
    if (fresh.n)
        c->s.quiet_since_begin = false;
    if (c->in.n || !conn_takes(c)) {
        buf_span(&c->in, fresh);
        fresh = buf_as_span(&c->in);
    }
    if (!conn_takes(c)) {
        c->more |= fresh.n > 0;
        return;
    }
    struct cur in = cur_of(fresh);
    if (!give(c, &in))
        return;
    keep(c, &in);
    if (!c->more && c->in.n > c->s.type->in_max) {
        net_count(&c->sensor->env, connections_limited, 1);
        conn_finish(c, SESSION_LIMIT);
    }
}

void conn_resume(struct conn *c)
{
    c->more = false;
    feed_session(c, span_of(NULL, 0));
}

/* ---- TLS ---- */

/* The handshake is done. */
static void shaken(struct conn *c)
{
    struct cur nothing = {0};
    c->stage = CONN_SESSION;
    c->tls_open = true;
    c->head_at = c->sensor->env.tick;
    if (!c->begun)
        begin_session(c);
    else if (c->s.type->begin_tls)
        conn_follow(c, c->s.type->begin_tls(&c->s), &nothing);
}

static void feed_tls(struct conn *c, struct span wire)
{
    struct sensor *s = c->sensor;
    s->clear.n = 0;
    enum tls_state state = tls_input(c->tls, wire, &s->clear, &s->wire);
    c->s.peer.tls = tls_info(c->tls);
    arena_reset(s->env.arena);
    if (state == TLS_FAILED || state == TLS_REFUSED) {
        c->linger = true; /* so that the client gets to see why */
        conn_finish(c, SESSION_RESET);
        return;
    }
    if (c->stage == CONN_SHAKING && state != TLS_SHAKING)
        shaken(c);
    if (c->stage == CONN_SESSION && s->clear.n)
        feed_session(c, buf_as_span(&s->clear));
    if (state == TLS_CLOSED)
        c->eof = c->drained = true;
}

static void meet_tls(struct conn *c, struct span wire)
{
    if (c->begun) { /* any_session, which has not seen a byte */
        free(c->s.state);
        c->s.state = NULL;
        c->begun = false;
        c->s.wake_at = 0;
    }
    c->tls = tls_new(&c->sensor->env, &c->s.peer);
    if (!c->tls) {
        net_count(&c->sensor->env, connections_limited, 1);
        conn_kill(c, SESSION_LIMIT);
        return;
    }
    c->stage = CONN_SHAKING;
    feed_tls(c, wire);
}

/* ---- before both ---- */

/* What was kept and what is new, in one piece of the loop's memory; nothing is kept any more. */
static struct span join(struct conn *c, struct span fresh)
{
    struct buf *joined = &c->sensor->joined;
    if (!c->in.n)
        return fresh;
    joined->n = 0;
    buf_span(joined, buf_as_span(&c->in));
    buf_span(joined, fresh);
    buf_free(&c->in);
    return buf_as_span(joined);
}

/* Which of the session types; a policy that makes us speak first leaves no time to look for TLS. */
static bool waits_for_first_bytes(const struct conn *c)
{
    struct net_env *env = &c->sensor->env;
    struct authority_match match;
    switch (c->listener->config->protocol) {
    case NET_HTTP:
    case NET_ANY:
        return true;
    case NET_RAW:
        return !net_destination(env, &c->s.peer, &match) ||
               net_policy(env->config, match.asset.policy)->raw.answer == POLICY_RAW_SILENT;
    case NET_DNS:
    case NET_SMTP:
        break;
    }
    return false;
}

void conn_begin(struct conn *c)
{
    const struct session_type *const *types = c->sensor->setup->sessions;
    enum net_protocol protocol = c->listener->config->protocol;
    c->s.type = types ? types[protocol] : session_types[protocol];
    c->head_at = c->sensor->env.tick;
    if (c->listener->config->tls) {
        c->stage = CONN_FIRST;
        return;
    }
    c->stage = waits_for_first_bytes(c) ? CONN_FIRST : CONN_SESSION;
    if (c->stage == CONN_SESSION || protocol == NET_ANY)
        begin_session(c);
}

/* True: the header was read whole, *wire is what stands behind it. */
static bool take_proxy(struct conn *c, struct span *wire)
{
    struct proxy_header h;
    *wire = join(c, *wire);
    int rc = proxy_parse(*wire, &h);
    if (rc == 0) {
        buf_span(&c->in, *wire);
        return false;
    }
    if (rc > 0 && h.local) { /* the balancer looks whether we live */
        conn_kill(c, SESSION_CLOSED);
        return false;
    }
    if (rc < 0 || h.udp) {
        refuse(c);
        return false;
    }
    c->s.peer.via = c->s.peer.src;
    c->s.peer.src = h.src;
    c->s.peer.src_port = h.src_port;
    c->s.peer.dst = h.dst;
    c->s.peer.dst_port = h.dst_port;
    *wire = span_of(wire->p + h.length, wire->n - h.length);
    if (!conn_count(c))
        return false;
    conn_begin(c);
    return c->stage != CONN_DEAD && c->stage != CONN_CLOSING;
}

/* TLS on a plain port and plain text on a TLS port are taken for what they are. */
static void take_first(struct conn *c, struct span wire)
{
    wire = join(c, wire);
    int rc = tls_looks_like(wire);
    if (rc == 0) {
        buf_span(&c->in, wire);
        return;
    }
    if (rc > 0) {
        meet_tls(c, wire);
        return;
    }
    c->stage = CONN_SESSION;
    if (!c->begun)
        begin_session(c);
    if (c->stage == CONN_SESSION)
        feed_session(c, wire);
}

void conn_feed(struct conn *c, struct span wire)
{
    if (c->stage == CONN_PROXY && !take_proxy(c, &wire))
        return;
    if (wire.n == 0)
        return;
    if (c->stage == CONN_FIRST)
        take_first(c, wire);
    else if (c->tls)
        feed_tls(c, wire);
    else if (c->stage == CONN_SESSION)
        feed_session(c, wire);
}
