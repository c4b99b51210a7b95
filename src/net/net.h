/* What every part of the network side shares: who speaks (peer), the world it runs in (env), and
 * the way of an observation to the recorder. Sessions and servers know nothing of descriptors: they
 * take bytes and give bytes, and can be tested and fuzzed as they are. One thread a process. */
#pragma once

#include "event/event.h"
#include "net/authority.h"
#include "net/policy.h"

enum net_protocol { NET_DNS, NET_HTTP, NET_SMTP, NET_RAW, NET_ANY };

#define NET_SEAL_KEY_LEN  32
#define NET_LISTENERS_MAX 256
#define NET_BALANCERS_MAX 64
#define NET_PAGES_MAX     64

struct net_limits {
#define LIMIT(name, fallback, least, most, about) uint32_t name;
#include "net/limits.def"
};

struct net_listener {
    enum net_protocol protocol;
    struct ip ip; /* all zero: any address, both families */
    uint16_t port;
    bool tcp, udp;
    bool tls;         /* every connection begins with TLS (SMTP on port 465) */
    bool proxy;       /* every connection and datagram begins with a PROXY header of a balancer */
    bool transparent; /* IP_TRANSPARENT: takes traffic that nftables sends here by TPROXY */
};

struct net_page {
    char *language; /* a BCP 47 tag: "de", "pt-BR" */
    char *html;     /* with the placeholders of net/http_page.h */
};

struct net_certificate {
    char *chain, *key; /* PEM texts */
};

/* Everything a sensor is told once, before it is locked in. Filled by the app from the config. */
struct net_config {
    struct net_limits limits;
    struct net_listener *listeners;
    unsigned listeners_count;
    struct policy *policies;
    unsigned policies_count;
    struct net *balancers;
    unsigned balancers_count;
    struct net_page *pages;
    unsigned pages_count;
    struct net_certificate *certificates;
    unsigned certificates_count;
    char *operator_name; /* who runs the sinkhole, for pages and the identification header */
    char *help_url;      /* where victims get help; "" for none */
    char *nsid;          /* RFC 5001; "" for none */
    bool seal;           /* whether seal_key is set */
    uint8_t seal_key[NET_SEAL_KEY_LEN]; /* libsodium sealed boxes: credentials are recorded so */
    uint8_t secret[32]; /* the same in every sensor process of this start: cookies and the like */
};

/* The policy of that name; the default one when there is none. Never NULL. */
const struct policy *net_policy(const struct net_config *config, struct span name);

/* Shared memory: written by one sensor, read by the recorder and the desk. */
struct net_counters {
#define COUNTER(name, help) uint64_t name;
#define GAUGE(name, help)   uint64_t name;
#include "net/counters.def"
};
#define net_count(env, name, n)                                                                    \
    __atomic_store_n(&(env)->counters->name, (env)->counters->name + (uint64_t)(n),                \
                     __ATOMIC_RELAXED)

struct tls_info; /* net/tls.h */

struct net_peer {
    struct ip src, dst; /* dst: the original destination, behind REDIRECT, TPROXY or PROXY too */
    struct ip via;      /* the balancer that the connection came through; not set otherwise */
    uint16_t src_port, dst_port;
    bool tcp;
    const struct tls_info *tls; /* set once a handshake's hello was read; NULL in the clear */
};

struct net_env {
    int64_t now;  /* microseconds UTC, set once for each turn of the loop */
    int64_t tick; /* milliseconds, monotonic, likewise */
    const struct net_config *config;
    const struct authority *authority; /* may be another one at the next call */
    struct net_counters *counters;
    struct arena *arena; /* for one call: reset by the loop between calls */

    /* Puts one observation, and bytes to be stored as its blob (a mail, a long body), on the way to
     * the recorder, which sets the event's blob digest. Everything is copied. False: no room,
     * counted as dropped, or suppressed by address_events. With `ticket`, the recorder commits soon
     * and *ticket is what to wait for (see struct session); it is 0 when the result is false. Use
     * net_record(). */
    bool (*record)(struct net_env *env, const struct event *ev, struct span blob, uint64_t *ticket);
    bool (*storage_full)(struct net_env *env); /* nothing can be stored for now: take no mail */
    void *ctx;

    /* Compiled once a process, see each protocol's header. */
    struct dns_server *dns;
    struct http_server *http;
    struct smtp_server *smtp;
    struct raw_server *raw;
    struct tls_server *tls;
};

/* An event of that kind with what env, peer and match (may be NULL) say: time, addresses, ports,
 * transport, via, tls{}, asset, and the asset's family (family_source "asset"). */
void net_event(const struct net_env *env, const struct net_peer *peer,
               const struct authority_match *match, enum event_kind kind, struct event *out);
/* env->record, counted. */
bool net_record(struct net_env *env, const struct event *ev, struct span blob, uint64_t *ticket);

/* Memory that sessions keep between calls, against limits.memory_mib. False: there is no more (the
 * session says so to its client). What was taken is given back by the same session. */
bool net_memory_take(struct net_env *env, size_t n);
void net_memory_give(struct net_env *env, size_t n);

/* The asset that gives authority over the peer's destination address and port. */
bool net_destination(const struct net_env *env, const struct net_peer *peer,
                     struct authority_match *out);
