#include "net/raw_server.h"

#include <errno.h>
#include <stdlib.h>

#include "net/irc.h"
#include "net/tls.h"

struct raw_server {
    const struct net_config *config; /* its policies were found good; they are used as they are */
};

static bool is_program(struct span s)
{
    static const struct {
        const char *magic;
        size_t n;
    } magics[] = {{"MZ", 2}, {"\177ELF", 4}, {"#!", 2}, {"PK\3\4", 4}, {"\xca\xfe\xba\xbe", 4}};
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (s.n >= magics[i].n && memcmp(s.p, magics[i].magic, magics[i].n) == 0)
            return true;
    return false;
}

static int check_policy(const struct policy *p, struct err *err)
{
    struct span banner = span_str(p->raw.banner);
    if (banner.n > RAW_BANNER_MAX)
        return err_set(err, -EINVAL, "policy %s: raw banner: over %d bytes", p->name,
                       RAW_BANNER_MAX);
    if (is_program(banner))
        return err_set(err, -EINVAL, "policy %s: raw banner: begins like a program", p->name);
    if (p->raw.answer == POLICY_RAW_IRC && banner.n && !irc_server_name(banner))
        return err_set(err, -EINVAL, "policy %s: raw banner: no name for an IRC server", p->name);
    return 0;
}

int raw_server_new(const struct net_config *config, struct raw_server **out, struct err *err)
{
    *out = NULL;
    for (unsigned i = 0; i < config->policies_count; i++) {
        int r = check_policy(&config->policies[i], err);
        if (r < 0)
            return r;
    }
    *out = calloc(1, sizeof **out);
    if (!*out)
        return err_set(err, -ENOMEM, "raw server: no memory");
    (*out)->config = config;
    return 0;
}

void raw_server_free(struct raw_server *s)
{
    free(s);
}

bool raw_server_authority(const struct net_env *env, const struct net_peer *peer,
                          struct authority_match *out)
{
    if (net_destination(env, peer, out))
        return true;
    return peer->tls && peer->tls->sni.n &&
           authority_host(env->authority, peer->tls->sni, env->now, out);
}

struct span raw_protocol(const char *guess)
{
    return strcmp(guess, "unknown") == 0 ? span_of("raw", 3) : span_str(guess);
}

static struct span first_bytes(const struct net_env *env, struct span s)
{
    size_t most = env->config->limits.raw_bytes;
    return span_of(s.p, s.n < most ? s.n : most);
}

static void record(struct net_env *env, const struct net_peer *peer,
                   const struct authority_match *match, struct span client, uint64_t client_size,
                   struct event *ev)
{
    net_event(env, peer, match, KIND_RAW, ev);
    ev->protocol = raw_protocol(raw_guess(client));
    ev->raw.has = true;
    ev->raw.client = first_bytes(env, client);
    ev->raw.client_size = client_size;
}

void raw_server_datagram(struct net_env *env, const struct net_peer *peer, struct span data)
{
    struct authority_match match;
    struct event ev;
    if (!net_destination(env, peer, &match)) {
        net_count(env, raw_refused, 1);
        return;
    }
    net_count(env, raw_datagrams, 1);
    record(env, peer, &match, data, data.n, &ev);
    ev.answer = span_of("silent", 6);
    net_record(env, &ev, (struct span){0}, NULL);
}

void raw_server_record(struct net_env *env, const struct net_peer *peer,
                       const struct authority_match *match, struct span client,
                       uint64_t client_size, struct span server, uint64_t server_size)
{
    struct event ev;
    if (!match) {
        net_count(env, raw_refused, 1);
        return;
    }
    net_count(env, raw_connections, 1);
    record(env, peer, match, client, client_size, &ev);
    ev.answer = span_of("closed", 6);
    ev.raw.server = first_bytes(env, server);
    ev.raw.server_size = server_size;
    net_record(env, &ev, (struct span){0}, NULL);
}
