/* DNS over TCP (RFC 7766): messages with their lengths in front, many at a time, answered in order.
 */
#include "net/dns_server.h"
#include "net/session.h"
#include "wire/dns.h"

/* Answers that wait to be sent: with more than this the client reads before it is answered on. */
#define OUT_MAX  (256u << 10)
#define PAUSE_MS 20

struct state {
    uint32_t queries;
    int64_t deadline; /* tick at which the silence was too long */
};

static void rest_until(struct session *s, int64_t tick)
{
    const struct state *st = s->state;
    s->wake_at = tick < st->deadline ? tick : st->deadline;
}

static void was_heard(struct session *s)
{
    struct state *st = s->state;
    st->deadline = s->env->tick + s->env->config->limits.dns_tcp_idle_ms;
    s->wake_at = st->deadline;
}

static enum session_next dns_begin(struct session *s)
{
    was_heard(s);
    return SESSION_GO_ON;
}

static void answer(struct session *s, struct span message)
{
    uint8_t *scratch = dns_server_scratch(s->env->dns), length[2];
    size_t n = dns_server_answer(s->env, &s->peer, message, scratch, DNS_MESSAGE_MAX);
    if (!n)
        return;
    be16_put(length, (uint16_t)n);
    buf_put(s->out, length, sizeof length);
    buf_put(s->out, scratch, n);
}

/* Only whole messages count against the silence: a byte now and then does not keep a connection. */
static enum session_next dns_data(struct session *s, struct cur *in)
{
    struct state *st = s->state;
    struct span message;
    s->paused = false;
    for (;;) {
        if (s->out->n > OUT_MAX && cur_left(in)) {
            s->paused = true;
            rest_until(s, s->env->tick + PAUSE_MS);
            return SESSION_GO_ON;
        }
        int r = dns_tcp_next(in, &message);
        if (r < 0) {
            net_count(s->env, dns_malformed, 1);
            in->p = in->end;
            return SESSION_CLOSE;
        }
        if (r == 0)
            return SESSION_GO_ON;
        answer(s, message);
        was_heard(s);
        if (++st->queries >= s->env->config->limits.requests)
            return SESSION_CLOSE;
    }
}

static enum session_next dns_wake(struct session *s)
{
    const struct state *st = s->state;
    if (s->env->tick >= st->deadline) {
        net_count(s->env, timeouts, 1);
        return SESSION_CLOSE;
    }
    s->paused = false;
    s->wake_at = st->deadline;
    return SESSION_GO_ON;
}

/* A message that never became whole. */
static void dns_end(struct session *s, enum session_end why, struct cur *rest)
{
    if (cur_left(rest))
        net_count(s->env, dns_malformed, 1);
}

const struct session_type dns_session = {
    .name = "dns",
    .state_size = sizeof(struct state),
    .begin = dns_begin,
    .data = dns_data,
    .wake = dns_wake,
    .end = dns_end,
    .in_max = 2 + DNS_MESSAGE_MAX,
};
