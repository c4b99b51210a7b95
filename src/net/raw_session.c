/* A raw connection: taken in as it comes, answered by policy, and recorded once, at its end. */
#include <stdlib.h>

#include "net/irc.h"
#include "net/raw_server.h"
#include "net/session.h"
#include "wire/text.h"

enum { IN_MAX = 16384 };

struct raw_state {
    bool ours;      /* the destination was an asset when the connection began */
    uint64_t asset; /* which one */
    enum policy_raw answer;
    uint64_t client_size, server_size;
    struct buf client, server; /* the first bytes; limits.raw_bytes each, taken from memory_mib */
    size_t seen;               /* bytes of `in` that were counted before */
    uint32_t lines;
    bool skipping; /* the rest of a line that was too long */
    bool no_room;  /* there was no memory when first bytes came: later ones are not the first */
    struct irc irc;
    char name[IRC_SERVER_MAX + 1], host[IP_TEXT_MAX + 1];
};

/* --- first bytes --- */

static void keep(struct session *s, struct buf *b, struct span data)
{
    struct raw_state *r = s->state;
    size_t most = s->env->config->limits.raw_bytes;
    size_t n = data.n < most - b->n ? data.n : most - b->n;
    if (n == 0 || (!b->p && r->no_room))
        return;
    if (!b->p) {
        r->no_room = !net_memory_take(s->env, most);
        if (r->no_room)
            return;
        buf_reserve(b, most);
    }
    buf_put(b, data.p, n);
}

static void drop(struct session *s, struct buf *b)
{
    if (b->p)
        net_memory_give(s->env, s->env->config->limits.raw_bytes);
    buf_free(b);
}

/* What was appended to out since it held `before` bytes. */
static void sent(struct session *s, size_t before)
{
    struct raw_state *r = s->state;
    size_t n = s->out->n - before;
    r->server_size += n;
    if (n)
        keep(s, &r->server, span_of(s->out->p + before, n));
}

/* --- policies --- */

/* "::1" could not stand in a prefix as it is. */
static void address_text(const struct ip *ip, char out[IP_TEXT_MAX + 1])
{
    char text[IP_TEXT_MAX];
    size_t n = ip_format(ip, text), at = 0;
    if (n && text[0] == ':')
        out[at++] = '0';
    memcpy(out + at, text, n);
    out[at + n] = 0;
}

static void irc_begin(struct session *s, const struct policy *policy)
{
    struct raw_state *r = s->state;
    size_t n = strlen(policy->raw.banner);
    if (n && n <= IRC_SERVER_MAX)
        memcpy(r->name, policy->raw.banner, n);
    else
        address_text(&s->peer.dst, r->name);
    address_text(&s->peer.src, r->host);
    struct irc_names names = {span_str(r->name), span_str(r->host)};
    irc_greet(&names, s->out);
}

static enum session_next begin(struct session *s)
{
    struct raw_state *r = s->state;
    struct authority_match match;
    size_t before = s->out->n;
    if (!raw_server_authority(s->env, &s->peer, &match)) {
        net_count(s->env, raw_refused, 1);
        return SESSION_CLOSE;
    }
    net_count(s->env, raw_connections, 1);
    r->ours = true;
    r->asset = match.asset.index;
    const struct policy *policy = net_policy(s->env->config, match.asset.policy);
    r->answer = policy->raw.answer;
    if (r->answer == POLICY_RAW_BANNER)
        buf_str(s->out, policy->raw.banner);
    else if (r->answer == POLICY_RAW_IRC)
        irc_begin(s, policy);
    sent(s, before);
    return SESSION_GO_ON;
}

/* --- what comes in --- */

static bool said_enough(const struct session *s)
{
    const struct raw_state *r = s->state;
    const struct net_limits *l = &s->env->config->limits;
    return r->server_size >= (uint64_t)l->raw_total_kib << 10 || r->lines >= l->requests;
}

static bool heard_enough(const struct session *s)
{
    const struct raw_state *r = s->state;
    return r->client_size >= (uint64_t)s->env->config->limits.raw_total_kib << 10;
}

/* The next line; false when its end has not come. One that is too long comes out empty. */
static bool next_line(struct raw_state *r, struct cur *in, struct span *line)
{
    struct span rest = span_of(in->p, cur_left(in));
    size_t n = text_find(rest, '\n');
    bool whole = n < rest.n, skip = r->skipping || n > IRC_LINE_MAX;
    if (!whole && !skip)
        return false;
    in->p += n + whole;
    r->skipping = !whole;
    if (n && rest.p[n - 1] == '\r')
        n--;
    *line = span_of(rest.p, skip ? 0 : n);
    return true;
}

static enum session_next irc_data(struct session *s, struct cur *in)
{
    struct raw_state *r = s->state;
    struct irc_names names = {span_str(r->name), span_str(r->host)};
    struct span line;
    while (cur_left(in) && !said_enough(s) && next_line(r, in, &line)) {
        size_t before = s->out->n;
        r->lines += line.n > 0;
        bool stay = irc_line(&r->irc, &names, line, s->out);
        sent(s, before);
        if (!stay)
            return SESSION_CLOSE;
    }
    return said_enough(s) ? SESSION_CLOSE : SESSION_GO_ON;
}

static void count_new(struct session *s, const struct cur *in)
{
    struct raw_state *r = s->state;
    size_t n = cur_left(in);
    if (n > r->seen) {
        keep(s, &r->client, span_of(in->p + r->seen, n - r->seen));
        r->client_size += n - r->seen;
    }
    r->seen = n;
}

static enum session_next data(struct session *s, struct cur *in)
{
    struct raw_state *r = s->state;
    struct authority_match match;
    enum session_next next = SESSION_GO_ON;
    if (!r->ours)
        return SESSION_CLOSE;
    if (!raw_server_authority(s->env, &s->peer, &match)) /* the order ran out, or was closed */
        return SESSION_CLOSE;
    count_new(s, in);
    if (r->answer == POLICY_RAW_IRC)
        next = irc_data(s, in);
    else
        in->p = in->end;
    r->seen = cur_left(in);
    return heard_enough(s) ? SESSION_CLOSE : next;
}

/* --- the end --- */

static const char *answer_text(const struct raw_state *r)
{
    if (r->answer == POLICY_RAW_BANNER)
        return r->server_size ? "banner" : "silent";
    if (r->answer == POLICY_RAW_SILENT)
        return "silent";
    return r->irc.joins ? "irc 001 join" : r->irc.welcomed ? "irc 001" : "irc";
}

static const char *guess(const struct session *s)
{
    const struct raw_state *r = s->state;
    if (r->answer == POLICY_RAW_IRC && r->irc.spoken)
        return "irc";
    return s->peer.tls && !r->client_size ? "tls" : raw_guess(buf_as_span(&r->client));
}

static void record(struct session *s)
{
    struct raw_state *r = s->state;
    struct authority_match match;
    struct event ev;
    bool known = raw_server_authority(s->env, &s->peer, &match) && match.asset.index == r->asset;
    net_event(s->env, &s->peer, known ? &match : NULL, KIND_RAW, &ev);
    ev.asset = r->asset; /* in force when the bytes came in */
    ev.protocol = raw_protocol(guess(s));
    ev.answer = span_str(answer_text(r));
    ev.raw.has = true;
    ev.raw.client = buf_as_span(&r->client);
    ev.raw.client_size = r->client_size;
    ev.raw.server = buf_as_span(&r->server);
    ev.raw.server_size = r->server_size;
    net_record(s->env, &ev, (struct span){0}, NULL);
}

static void end(struct session *s, enum session_end why, struct cur *rest)
{
    struct raw_state *r = s->state;
    if (!r->ours)
        return;
    count_new(s, rest);
    record(s);
    drop(s, &r->client);
    drop(s, &r->server);
}

const struct session_type raw_session = {
    .name = "raw",
    .state_size = sizeof(struct raw_state),
    .begin = begin,
    .data = data,
    .end = end,
    .in_max = IN_MAX,
};
