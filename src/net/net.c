#include "net/net.h"

#include "net/tls.h"

const struct policy *net_policy(const struct net_config *config, struct span name)
{
    const struct policy *fallback = NULL;
    for (unsigned i = 0; i < config->policies_count; i++) {
        if (name.n && span_is(name, config->policies[i].name))
            return &config->policies[i];
        if (strcmp(config->policies[i].name, POLICY_DEFAULT) == 0)
            fallback = &config->policies[i];
    }
    return fallback; /* the config always has one of that name */
}

static void put_tls(const struct tls_info *tls, struct event *out)
{
    out->tls.has = true;
    out->tls.ja3 = span_str(tls->ja3);
    out->tls.ja4 = span_str(tls->ja4);
    out->tls.sni = tls->sni;
    out->tls.alpn = tls->alpn;
    out->tls.version = tls->version;
}

void net_event(const struct net_env *env, const struct net_peer *peer,
               const struct authority_match *match, enum event_kind kind, struct event *out)
{
    memset(out, 0, sizeof *out);
    out->kind = kind;
    out->time = env->now;
    out->src_ip = peer->src;
    out->src_port = peer->src_port;
    out->dst_ip = peer->dst;
    out->dst_port = peer->dst_port;
    out->via = peer->via;
    out->transport = peer->tcp ? span_of("tcp", 3) : span_of("udp", 3);
    if (peer->tls)
        put_tls(peer->tls, out);
    if (!match)
        return;
    out->asset = match->asset.index;
    if (match->asset.family.n) {
        out->family = match->asset.family;
        out->family_source = span_of("asset", 5);
    }
}

bool net_record(struct net_env *env, const struct event *ev, struct span blob, uint64_t *ticket)
{
    if (ticket)
        *ticket = 0;
    if (!env->record(env, ev, blob, ticket))
        return false;
    net_count(env, recorded, 1);
    return true;
}

bool net_memory_take(struct net_env *env, size_t n)
{
    if (env->counters->memory_bytes + n > (uint64_t)env->config->limits.memory_mib << 20)
        return false;
    net_count(env, memory_bytes, n);
    return true;
}

void net_memory_give(struct net_env *env, size_t n)
{
    net_count(env, memory_bytes, -(uint64_t)n);
}

bool net_destination(const struct net_env *env, const struct net_peer *peer,
                     struct authority_match *out)
{
    return authority_address(env->authority, &peer->dst, peer->dst_port,
                             peer->tcp ? AUTHORITY_TCP : AUTHORITY_UDP, env->now, out);
}
