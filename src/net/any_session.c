/* Any: a port where nobody knows what will be spoken. The client's first bytes say which session
 * goes on; TLS was found and taken off before (net/conn_feed.c). A client that says nothing waits
 * for us to speak: then a raw session's policy may. Consumes nothing, says nothing and keeps
 * nothing, so that it can be dropped at any time. */
#include "net/raw_server.h"
#include "net/session.h"
#include "wire/http.h"

#define BANNER_WAIT_MS                                                                             \
    2000          /* where a policy has a banner, a client that waits for one is not kept long */
#define ENOUGH 64 /* bytes with which there is no more to wait for */

static enum session_next become(struct session *s, const struct session_type *type)
{
    s->becomes = type;
    return SESSION_BECOME;
}

static bool speaks_first(struct session *s)
{
    struct authority_match match;
    return raw_server_authority(s->env, &s->peer, &match) &&
           net_policy(s->env->config, match.asset.policy)->raw.answer == POLICY_RAW_BANNER;
}

static enum session_next begin(struct session *s)
{
    uint32_t wait = s->env->config->limits.head_ms;
    if (wait > BANNER_WAIT_MS && speaks_first(s))
        wait = BANNER_WAIT_MS;
    s->wake_at = s->env->tick + wait;
    return SESSION_GO_ON;
}

static enum session_next data(struct session *s, struct cur *in)
{
    struct span first = span_of(in->p, cur_left(in));
    if (first.n == 0)
        return SESSION_GO_ON;
    if (http_looks_like_request(first))
        return become(s, &http_session);
    const char *guess = raw_guess(first);
    if (strcmp(guess, "smtp") == 0)
        return become(s, &smtp_session);
    bool enough =
        first.n >= ENOUGH || memchr(first.p, '\n', first.n) || strcmp(guess, "unknown") != 0;
    return enough ? become(s, &raw_session) : SESSION_GO_ON;
}

static enum session_next wake(struct session *s)
{
    return become(s, &raw_session);
}

/* What came in too little to be told is a raw connection's all the same. */
static void end(struct session *s, enum session_end why, struct cur *rest)
{
    struct authority_match match;
    struct span client = span_of(rest->p, cur_left(rest));
    bool ours = raw_server_authority(s->env, &s->peer, &match);
    raw_server_record(s->env, &s->peer, ours ? &match : NULL, client, client.n, span_of(NULL, 0),
                      0);
}

const struct session_type any_session = {
    .name = "any",
    .begin = begin,
    .data = data,
    .wake = wake,
    .end = end,
    .in_max = ENOUGH,
};
