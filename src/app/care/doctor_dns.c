/* Doctor: whether what is seized comes here: domains by the DNS (--ask), addresses by this
 * machine's interfaces. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/care/doctor.h"
#include "app/care/doctor_dns.h"
#include "base/clock.h"

#define NAMES_MAX   200   /* asked for in one run */
#define ASK_MS      60000 /* for all of them */
#define PAUSE_MS    50    /* between two: 20 names a second at most */
#define ADDRESSES   64
#define LABEL_BYTES 6

struct wanted {
    char name[DOCTOR_DNS_NAME];
    char policy[128];
    bool wildcard;
};

struct asking {
    struct doctor *d;
    struct doctor_dns *dns;
    struct wanted *v;
    size_t n;
    uint64_t more; /* names that are not asked for */
    struct ip local[ADDRESSES];
    unsigned locals;
    unsigned here, elsewhere, gone, silent;
};

/* ---- this machine ---- */

static bool take_interface(const struct ifaddrs *i, struct ip *out)
{
    if (!i->ifa_addr)
        return false;
    if (i->ifa_addr->sa_family == AF_INET) {
        const struct sockaddr_in *a = (const struct sockaddr_in *)(const void *)i->ifa_addr;
        *out = ip_from_v4(ntohl(a->sin_addr.s_addr));
        return true;
    }
    if (i->ifa_addr->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
    *out = ip_from_bytes(a->sin6_addr.s6_addr, true);
    return true;
}

static unsigned interfaces(struct ip out[ADDRESSES])
{
    struct ifaddrs *list = NULL;
    unsigned n = 0;
    if (getifaddrs(&list) < 0)
        return 0;
    for (const struct ifaddrs *i = list; i && n < ADDRESSES; i = i->ifa_next)
        n += take_interface(i, &out[n]);
    freeifaddrs(list);
    return n;
}

static bool among(const struct ip *v, unsigned n, const struct ip *ip)
{
    for (unsigned i = 0; i < n; i++)
        if (memcmp(&v[i], ip, sizeof *ip) == 0)
            return true;
    return false;
}

/* ---- domains ---- */

/* What the sinkhole itself answers for the asset: its policy's addresses, else this machine's. */
static unsigned own_addresses(const struct asking *a, const char *name, struct ip out[ADDRESSES])
{
    const struct config_serve *c = &a->d->c.config->serve;
    const struct policy *policy = NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < c->policies_count; i++)
        if (strcmp(c->policies[i].name, name) == 0 ||
            (!policy && strcmp(c->policies[i].name, POLICY_DEFAULT) == 0))
            policy = &c->policies[i];
    for (unsigned i = 0; policy && n < ADDRESSES && i < policy->dns.records_count; i++) {
        char text[64];
        n += doctor_record_address(policy->dns.records[i], text, sizeof text) &&
             ip_parse(span_str(text), &out[n]);
    }
    if (n)
        return n;
    memcpy(out, a->local, a->locals * sizeof *out);
    return a->locals;
}

static int collect(void *ctx, const struct casebook_asset *asset)
{
    struct asking *a = ctx;
    bool domain = asset->act.kind == ASSET_DOMAIN || asset->act.kind == ASSET_WILDCARD;
    if (asset->list || !domain ||
        (asset->state != CASEBOOK_OPEN && asset->state != CASEBOOK_EXPIRING))
        return 0;
    struct wanted *w = &a->v[a->n];
    if (a->n == NAMES_MAX || asset->act.name.n >= sizeof w->name) {
        a->more++;
        return 0;
    }
    snprintf(w->name, sizeof w->name, "%.*s", (int)asset->act.name.n,
             (const char *)asset->act.name.p);
    snprintf(w->policy, sizeof w->policy, "%.*s", (int)asset->act.policy.n,
             (const char *)asset->act.policy.p);
    w->wildcard = asset->act.kind == ASSET_WILDCARD;
    a->n++;
    return 0;
}

static void join(const struct doctor_dns_answer *got, char out[512])
{
    size_t n = 0;
    out[0] = 0;
    for (unsigned i = 0; i < got->addresses && n + IP_TEXT_MAX + 8 < 256; i++) {
        char text[IP_TEXT_MAX + 1];
        text[ip_format(&got->address[i], text)] = 0;
        n += (size_t)snprintf(out + n, 512 - n, "%s%s", i ? ", " : "", text);
    }
    if (!got->addresses)
        n += (size_t)snprintf(out + n, 512 - n, "no address");
    if (got->servers)
        snprintf(out + n, 512 - n, " (name server %.200s)", got->server[0]);
}

static void judge(struct asking *a, const struct wanted *w, const struct doctor_dns_answer *got)
{
    struct ip own[ADDRESSES];
    char text[512];
    unsigned n = own_addresses(a, w->policy, own), ours = 0;
    for (unsigned i = 0; i < got->addresses; i++)
        ours += among(own, n, &got->address[i]);
    switch (got->code) {
    case DOCTOR_DNS_NO_NAME:
        a->gone++;
        doctor_say(a->d, DOCTOR_WRONG, w->name,
                   "see whether the registration has lapsed: somebody else could register it",
                   "there is no such name");
        return;
    case DOCTOR_DNS_FAILED:
    case DOCTOR_DNS_NO_ANSWER:
        a->silent++;
        doctor_say(a->d, DOCTOR_WARN, w->name,
                   "ask the registrar which name servers it has; see that they answer",
                   got->code == DOCTOR_DNS_FAILED ? "the resolver fails (rcode %u)"
                                                  : "no answer came",
                   got->rcode);
        return;
    case DOCTOR_DNS_ANSWER:
        break;
    }
    if (ours && ours == got->addresses) {
        a->here++;
        return;
    }
    join(got, text);
    a->elsewhere++;
    doctor_say(a->d, ours ? DOCTOR_WARN : DOCTOR_WRONG, w->name,
               ours ? "somebody else answers for it, too: look at its name servers"
                    : "it is not delegated to this sinkhole: ask the registrar",
               "answers %s", text);
}

/* Of a wildcard any name below it will do; nobody has asked for this one before. */
static void ask_one(struct asking *a, const struct wanted *w)
{
    struct doctor_dns_answer got;
    char name[DOCTOR_DNS_NAME + 32];
    uint8_t label[LABEL_BYTES];
    char hex[2 * LABEL_BYTES + 1];
    randombytes_buf(label, sizeof label);
    hex_encode(label, sizeof label, hex);
    snprintf(name, sizeof name, "%s%s%s", w->wildcard ? hex : "", w->wildcard ? "." : "", w->name);
    if (doctor_dns_ask(a->dns, name, w->name, &got))
        judge(a, w, &got);
    else
        a->more++;
}

static void ask_all(struct asking *a)
{
    int64_t end = clock_ms() + ASK_MS;
    size_t i = 0;
    for (; i < a->n && clock_ms() < end; i++) {
        if (i)
            clock_sleep(PAUSE_MS);
        ask_one(a, &a->v[i]);
    }
    a->more += a->n - i;
    doctor_say(
        a->d, DOCTOR_OK, "", a->more ? "lists are only sampled: `ebb case coverage`" : "",
        "%u come here, %u go elsewhere, %u are gone, %u without an answer; %llu not asked for",
        a->here, a->elsewhere, a->gone, a->silent, (unsigned long long)a->more);
}

static void delegation(struct doctor *d)
{
    struct asking a = {.d = d};
    struct casebook_clock clock = {d->now, 0};
    struct casebook_asset_query q = {.names = true};
    struct err err;
    if (!d->ask || !d->views || !d->c.config) {
        doctor_say(d, DOCTOR_SKIPPED, "", d->ask ? "" : "--ask",
                   d->ask ? "the casebook cannot be read" : "asking is traffic: not without --ask");
        return;
    }
    a.v = calloc(NAMES_MAX + 1, sizeof *a.v);
    if (!a.v)
        abort();
    a.locals = interfaces(a.local);
    casebook_assets(d->c.casebook, &q, &clock, collect, &a, NULL);
    if (!a.n)
        doctor_say(d, DOCTOR_SKIPPED, "", "", "no domain is an asset now");
    else if (sodium_init() < 0 || doctor_dns_open(d->ask, &a.dns, &err) < 0)
        doctor_say(d, DOCTOR_WRONG, "", "--resolver, or /etc/resolv.conf", "%s", err.text);
    else
        ask_all(&a);
    doctor_dns_close(a.dns);
    free(a.v);
}

/* ---- addresses ---- */

static int one_address(void *ctx, const struct casebook_asset *asset)
{
    struct asking *a = ctx;
    struct ip ip;
    char text[IP_TEXT_MAX + 1];
    if (asset->act.kind != ASSET_ADDRESS || !ip_parse(asset->act.name, &ip) ||
        (asset->state != CASEBOOK_OPEN && asset->state != CASEBOOK_EXPIRING))
        return 0;
    if (among(a->local, a->locals, &ip)) {
        a->here++;
        return 0;
    }
    text[ip_format(&ip, text)] = 0;
    const struct config_serve *c = a->d->c.config ? &a->d->c.config->serve : NULL;
    bool forwarded = c && c->balancers_count;
    for (unsigned i = 0; c && i < c->listen_count; i++)
        forwarded |= c->listen[i].transparent || c->listen[i].proxy;
    a->elsewhere++;
    if (!forwarded)
        doctor_say(
            a->d, DOCTOR_WARN, text,
            "route it here and set it on an interface, or a transparent listener or balancer",
            "on none of this machine's interfaces, and nothing here takes what is forwarded");
    return 0;
}

static void addresses(struct doctor *d)
{
    struct asking a = {.d = d};
    struct casebook_clock clock = {d->now, 0};
    struct casebook_asset_query q = {0};
    if (!d->views) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "the casebook cannot be read");
        return;
    }
    a.locals = interfaces(a.local);
    casebook_assets(d->c.casebook, &q, &clock, one_address, &a, NULL);
    if (!a.here && !a.elsewhere)
        doctor_say(d, DOCTOR_SKIPPED, "", "", "no address is an asset now");
    else if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "%u on this machine, %u by forwarding", a.here,
                   a.elsewhere);
}

const struct doctor_check doctor_dns_checks[] = {
    {"delegation", delegation}, {"addresses", addresses}, {0}};
