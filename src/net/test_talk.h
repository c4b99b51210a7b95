/* A session that does as its client says, a line at a time, for tests of the loop that drives it.
 */
#pragma once

#include "net/test_sensor.h"

#define LINE_MAX_BYTES 256

struct talk {
    bool pausing;
};

static inline void record_text(struct session *s, const char *answer, struct span client,
                               uint64_t *ticket)
{
    struct event ev;
    net_event(s->env, &s->peer, NULL, KIND_RAW, &ev);
    ev.answer = span_str(answer);
    ev.raw.has = true;
    ev.raw.client = client;
    net_record(s->env, &ev, client, ticket);
}

static inline void put_endpoint(struct buf *out, const struct ip *ip, uint16_t port)
{
    char text[IP_TEXT_MAX + 8];
    size_t n = ip_is_set(ip) ? ip_format(ip, text) : 0;
    buf_put(out, text, n);
    sprintf(text, " %u ", port);
    buf_str(out, text);
}

static inline enum session_next talk_line(struct session *s, const char *line)
{
    struct talk *t = s->state;
    unsigned n;
    if (strcmp(line, "bye") == 0) {
        buf_str(s->out, "bye\n");
        return SESSION_CLOSE;
    }
    if (strcmp(line, "abort") == 0)
        return SESSION_ABORT;
    if (strcmp(line, "tls") == 0) {
        buf_str(s->out, "go\n");
        return SESSION_STARTTLS;
    }
    if (sscanf(line, "pause %u", &n) == 1) {
        t->pausing = s->paused = true;
        s->wake_at = s->env->tick + n;
    } else if (sscanf(line, "big %u", &n) == 1) {
        memset(buf_reserve(s->out, n), 'x', n);
        s->out->n += n;
    } else if (strcmp(line, "store") == 0) {
        record_text(s, "store", span_of(line, 5), &s->ticket);
        if (!s->ticket)
            buf_str(s->out, "lost\n");
    } else if (strcmp(line, "note") == 0) {
        record_text(s, "note", span_of(line, 4), NULL);
    } else if (strcmp(line, "full") == 0) {
        buf_str(s->out, s->env->storage_full(s->env) ? "full\n" : "room\n");
    } else if (strcmp(line, "assets") == 0) {
        buf_printf(s->out, "%u assets\n", (unsigned)authority_assets(s->env->authority));
    } else if (strcmp(line, "peer") == 0) {
        put_endpoint(s->out, &s->peer.src, s->peer.src_port);
        put_endpoint(s->out, &s->peer.dst, s->peer.dst_port);
        put_endpoint(s->out, &s->peer.via, 0);
        buf_str(s->out, "\n");
    } else {
        buf_printf(s->out, "<%s>\n", line);
    }
    return SESSION_GO_ON;
}

static inline enum session_next talk_begin(struct session *s)
{
    if (s->env->config->listeners[0].protocol == NET_SMTP)
        buf_str(s->out, "hello\n");
    return SESSION_GO_ON;
}

/* One line a call: the connection has to come again. */
static inline enum session_next talk_data(struct session *s, struct cur *in)
{
    char line[LINE_MAX_BYTES];
    const uint8_t *end = cur_left(in) ? memchr(in->p, '\n', cur_left(in)) : NULL;
    if (!end || end - in->p >= LINE_MAX_BYTES)
        return SESSION_GO_ON;
    memcpy(line, in->p, (size_t)(end - in->p));
    line[end - in->p] = 0;
    in->p = end + 1;
    return talk_line(s, line);
}

static inline enum session_next talk_wake(struct session *s)
{
    struct talk *t = s->state;
    if (!t->pausing)
        return SESSION_CLOSE;
    t->pausing = s->paused = false;
    buf_str(s->out, "woke\n");
    return SESSION_GO_ON;
}

static inline enum session_next talk_stored(struct session *s, bool ok)
{
    buf_str(s->out, ok ? "stored\n" : "failed\n");
    return SESSION_GO_ON;
}

static inline void talk_end(struct session *s, enum session_end why, struct cur *rest)
{
    static const char *const whys[] = {"peer closed", "closed", "reset",
                                       "timeout",     "limit",  "stopped"};
    buf_str(s->out, "never sent\n");
    record_text(s, whys[why], span_of(rest->p, cur_left(rest)), NULL);
}

static inline enum session_next talk_begin_tls(struct session *s)
{
    buf_str(s->out, "safe\n");
    return SESSION_GO_ON;
}

static const struct session_type talk_session = {
    .name = "talk",
    .state_size = sizeof(struct talk),
    .begin = talk_begin,
    .data = talk_data,
    .wake = talk_wake,
    .stored = talk_stored,
    .begin_tls = talk_begin_tls,
    .end = talk_end,
    .in_max = LINE_MAX_BYTES,
};

static const struct session_type *const talk_types[] = {&talk_session, &talk_session, &talk_session,
                                                        &talk_session, &talk_session};

static inline void talk_world(struct world *w, enum net_protocol protocol)
{
    world_init(w);
    w->setup.sessions = talk_types;
    world_listen(w, (struct net_listener){.protocol = protocol, .tcp = true}, "127.0.0.1");
}

static inline int talk_client(const struct world *w)
{
    return client("127.0.0.1", world_port(w, 0, true, AF_INET), SOCK_STREAM);
}

static inline uint16_t own_port(int fd)
{
    struct sockaddr_in6 a;
    socklen_t n = sizeof a;
    getsockname(fd, (struct sockaddr *)&a, &n);
    return ntohs(a.sin6_port);
}

/* How the next connection's session ended, by its record. */
static inline bool ended(struct world *w, const char *why, const char *rest)
{
    struct arena arena = {0};
    struct seen seen;
    bool good = world_next(w, &arena, &seen);
    if (good && (!span_is(seen.ev.answer, why) || !span_is(seen.ev.raw.client, rest))) {
        printf("# ended: %.*s \"%.*s\"\n", (int)seen.ev.answer.n, seen.ev.answer.p,
               (int)seen.ev.raw.client.n, seen.ev.raw.client.p);
        good = false;
    }
    arena_free(&arena);
    return good;
}
