#include "net/dns_server.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "net/dns_cookie.h"
#include "net/dns_limit.h"
#include "net/dns_reply.h"
#include "net/dns_zone.h"
#include "wire/dns.h"

enum { POLICIES_KNOWN = 256, POLICY_NAME_KNOWN = 64, UDP_LEAST = 512 };
enum { OPCODE_QUERY = 0, OPCODE_NOTIFY = 4, OPCODE_UPDATE = 5, CLASS_IN = 1 };
enum {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_BADVERS = 16
};
enum { COOKIE_RENEW = 1800, IDENTITY_TEXTS = 5, IDENTITY_LABEL_MAX = 16 };

/* A policy name as a table has it, and its records: the number is the table's, so the name is
 * compared; then it does not matter when tables change. */
struct known {
    char name[POLICY_NAME_KNOWN];
    size_t n;
    const struct dns_records *records;
};

struct dns_server {
    const struct net_config *config;
    struct dns_records **records; /* by number of policy in the config */
    struct known known[POLICIES_KNOWN];
    struct dns_limit *limit;
    uint8_t cookie_key[DNS_COOKIE_KEY];
    struct span nsid;
    unsigned slipped; /* limited answers, to count out dns_slip */
    uint8_t scratch[DNS_MESSAGE_MAX];
};

/* Keys of their own, so that what others make of the secret tells nothing of ours. */
static void make_keys(struct dns_server *s, const uint8_t secret[32])
{
    static const char salt[16] = "ebb dns";
    uint8_t keys[2 * DNS_COOKIE_KEY];
    crypto_generichash(keys, sizeof keys, (const uint8_t *)salt, sizeof salt, secret, 32);
    memcpy(s->cookie_key, keys, DNS_COOKIE_KEY);
    s->limit = dns_limit_new(keys + DNS_COOKIE_KEY);
    sodium_memzero(keys, sizeof keys);
}

int dns_server_new(const struct net_config *config, struct dns_server **out, struct err *err)
{
    struct dns_server *s = calloc(1, sizeof *s);
    if (!s || sodium_init() < 0)
        abort();
    s->config = config;
    s->nsid = span_str(config->nsid);
    s->records = calloc(config->policies_count + 1u, sizeof(struct dns_records *));
    if (!s->records)
        abort();
    make_keys(s, config->secret);
    int rc = s->nsid.n > DNS_NSID_MAX
                 ? err_set(err, -EINVAL, "nsid: longer than %d bytes", DNS_NSID_MAX)
                 : 0;
    for (unsigned i = 0; i < config->policies_count && rc == 0; i++)
        rc = dns_records_new(&config->policies[i], &s->records[i], err);
    if (rc < 0)
        dns_server_free(s);
    else
        *out = s;
    return rc;
}

void dns_server_free(struct dns_server *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->config->policies_count; i++)
        dns_records_free(s->records[i]);
    free(s->records);
    dns_limit_free(s->limit);
    free(s);
}

uint8_t *dns_server_scratch(struct dns_server *s)
{
    return s->scratch;
}

static const struct dns_records *policy_records(struct dns_server *s,
                                                const struct authority_match *m)
{
    struct span name = m->asset.policy;
    struct known *k = &s->known[m->policy % POLICIES_KNOWN];
    if (k->records && k->n == name.n && memcmp(k->name, name.p, k->n) == 0)
        return k->records;
    const struct dns_records *r = s->records[net_policy(s->config, name) - s->config->policies];
    if (name.n && name.n <= POLICY_NAME_KNOWN) {
        memcpy(k->name, name.p, name.n);
        k->n = name.n;
        k->records = r;
    }
    return r;
}

/* One query on its way. */
struct exchange {
    struct net_env *env;
    struct dns_server *s;
    const struct net_peer *peer;
    struct span query;
    struct dns_query q;
    bool whole; /* it parsed to its end */
    bool ours;  /* within authority: match and zone are set */
    struct authority_match match;
    size_t zone; /* offset in the question's name */
    bool cookie_good;
    uint64_t network; /* for the rate limit */
    uint16_t rcode;
    const char *answer; /* for the log */
    struct dns_reply r;
};

/* An option in the OPT record that RFC 6891 and the option's own document want refused. */
static bool is_option_bad(const struct dns_query *q)
{
    if (q->anomalies & (DNS_OPT_ODD | DNS_OPTION_BAD | DNS_COOKIE_BAD | DNS_ECS_BITS))
        return true;
    /* a family that we do not know is an unknown option; 0 is a client that hides his */
    return q->anomalies & DNS_ECS_BAD && (q->ecs_option.n < 4 || be16_get(q->ecs_option.p) == 1 ||
                                          be16_get(q->ecs_option.p) == 2);
}

static void judge(struct exchange *x, uint16_t rcode, const char *answer)
{
    x->rcode = rcode;
    x->answer = answer;
}

/* What becomes of the query, before anything is looked up in the records. */
static void judge_query(struct exchange *x)
{
    const struct dns_query *q = &x->q;
    unsigned opcode = q->flags >> 11 & 15;
    bool cookie_only = q->qdcount == 0 && q->cookie.p; /* RFC 7873, 5.4 */
    if (opcode != OPCODE_QUERY && opcode != OPCODE_NOTIFY && opcode != OPCODE_UPDATE)
        judge(x, RCODE_NOTIMP, "NOTIMP");
    else if (!x->whole || (q->qdcount != 1 && !cookie_only))
        judge(x, RCODE_FORMERR, "FORMERR");
    else if (q->has_opt && q->edns_version > 0)
        judge(x, RCODE_BADVERS, "BADVERS");
    else if (is_option_bad(q) || q->qtype == DNS_TYPE_OPT)
        judge(x, RCODE_FORMERR, "FORMERR");
    else if (cookie_only && opcode == OPCODE_QUERY)
        judge(x, RCODE_NOERROR, "NOERROR");
    else if (!x->ours || opcode != OPCODE_QUERY || q->qclass != CLASS_IN ||
             q->qtype == DNS_TYPE_AXFR || q->qtype == DNS_TYPE_IXFR)
        judge(x, RCODE_REFUSED, "REFUSED");
    else
        judge(x, RCODE_NOERROR, "NOERROR");
}

/* ---- answer ---- */

/* A made-up SOA's serial is the log's index of what made the name an asset: it grows. */
static bool put_soa(struct exchange *x, const struct dns_records *records,
                    const struct dns_rrset *soa, size_t owner)
{
    if (x->r.zone_len > soa->zone_max) /* no room for a name below the zone: nothing to say */
        return true;
    if (!dns_reply_rrset(&x->r, soa, owner))
        return false;
    if (records->serial)
        be32_put(x->r.p + x->r.n - 20, (uint32_t)x->match.asset.index);
    return true;
}

static size_t add_text(char *out, size_t n, const char *label, struct span text)
{
    if (!text.n)
        return n;
    size_t length = strlen(label), kept = text.n < AUTHORITY_TEXT_MAX ? text.n : AUTHORITY_TEXT_MAX;
    memcpy(out + n, label, length);
    memcpy(out + n + length, text.p, kept);
    return n + length + kept;
}

/* Whose sinkhole this is, and under which order. */
static bool put_identity(struct exchange *x, uint32_t ttl)
{
    const struct authority_order *o = &x->match.order;
    char text[IDENTITY_TEXTS * (AUTHORITY_TEXT_MAX + IDENTITY_LABEL_MAX)];
    size_t n = add_text(text, 0, "sinkhole=", span_str("ebb"));
    n = add_text(text, n, "; operator=", span_str(x->s->config->operator_name));
    n = add_text(text, n, "; order=", o->docket.n ? o->docket : o->id);
    n = add_text(text, n, "; court=", o->court);
    n = add_text(text, n, "; contact=", o->contact);
    return dns_reply_txt(&x->r, ttl, span_of(text, n));
}

static const struct dns_rrset *find(const struct exchange *x, const struct dns_records *records,
                                    struct span labels)
{
    const struct dns_rrset *set = dns_records_find(records, labels, x->q.qtype);
    return set && set->splices_count && x->r.zone_len > set->zone_max ? NULL : set;
}

/* The records asked for, by way of CNAMEs within the zone. 1 there are some, or a CNAME leads out
 * of the zone, 0 there are none, -1 no room. */
static int put_answer(struct exchange *x, const struct dns_records *records)
{
    struct dns_reply *r = &x->r;
    struct span labels = span_of(x->query.p + DNS_HEADER_LEN, x->zone);
    size_t owner = DNS_HEADER_LEN;
    for (unsigned steps = 0; steps <= DNS_CNAME_STEPS_MAX; steps++) {
        size_t start = r->n;
        const struct dns_rrset *set = find(x, records, labels);
        if (!set)
            return 0;
        if (set->type == DNS_TYPE_SOA ? !put_soa(x, records, set, owner)
                                      : !dns_reply_rrset(r, set, owner))
            return -1;
        r->answers = (uint16_t)(r->answers + set->count);
        owner = start + 12;
        if (set->type != DNS_TYPE_CNAME || x->q.qtype == DNS_TYPE_CNAME ||
            !dns_records_target(set, &labels) || owner > 0x3fff)
            break;
    }
    return 1;
}

static int put_any(struct exchange *x, const struct dns_records *records)
{
    if (!dns_reply_hinfo(&x->r, records->ttl))
        return -1;
    x->r.answers = 1;
    return 1;
}

/* The identity beside what records of the type there are at the zone's own name, with their TTL. */
static int put_txt(struct exchange *x, const struct dns_records *records)
{
    int rc = put_answer(x, records);
    if (rc < 0 || x->zone || !x->match.asset.identify)
        return rc;
    uint32_t ttl = rc ? be32_get(x->r.p + x->r.question + 6) : records->ttl;
    if (!put_identity(x, ttl))
        return -1;
    x->r.answers++;
    return 1;
}

static void put_sections(struct exchange *x)
{
    const struct dns_records *records = policy_records(x->s, &x->match);
    int rc = x->q.qtype == DNS_TYPE_ANY   ? put_any(x, records)
             : x->q.qtype == DNS_TYPE_TXT ? put_txt(x, records)
                                          : put_answer(x, records);
    if (rc == 0) {
        size_t before = x->r.n;
        x->answer = "NODATA";
        rc = put_soa(x, records, &records->negative, x->r.zone) ? 0 : -1;
        x->r.authorities = x->r.n > before;
    }
    if (rc < 0) {
        x->answer = "truncated";
        dns_reply_truncate(&x->r);
    }
}

/* ---- OPT ---- */

static uint8_t *put_option(uint8_t *p, uint16_t code, struct span value)
{
    be16_put(p, code);
    be16_put(p + 2, (uint16_t)value.n);
    if (value.n)
        memcpy(p + 4, value.p, value.n);
    return p + 4 + value.n;
}

/* Our OPT record: RFC 6891, 6.1.1 and 6.2.3. Options are answered where they were understood; the
 * name is left out where it makes the reply too long. */
struct opt {
    uint8_t p[DNS_OPT_LEN + 4 + DNS_COOKIE_LEN + 4 + 20 + 4 + DNS_NSID_MAX];
    size_t n;
};

static void put_cookie(const struct exchange *x, uint8_t out[DNS_COOKIE_LEN])
{
    uint32_t now = (uint32_t)(x->env->now / 1000000);
    struct span given = x->q.cookie;
    if (x->cookie_good && now - be32_get(given.p + DNS_COOKIE_CLIENT + 4) < COOKIE_RENEW)
        memcpy(out, given.p, DNS_COOKIE_LEN);
    else
        dns_cookie_make(x->s->cookie_key, given.p, &x->peer->src, now, out);
}

static void make_opt(const struct exchange *x, size_t room, struct opt *opt)
{
    const struct dns_query *q = &x->q;
    uint8_t *p = opt->p + DNS_OPT_LEN, cookie[DNS_COOKIE_LEN];
    memset(opt->p, 0, DNS_OPT_LEN);
    opt->p[2] = DNS_TYPE_OPT;
    be16_put(opt->p + 3, (uint16_t)x->s->config->limits.dns_udp_size);
    opt->p[5] = (uint8_t)(x->rcode >> 4);
    be16_put(opt->p + 7, q->edns_flags & 0x8000); /* DO; RFC 3225, 3 */
    if (q->edns_version == 0 && x->rcode != RCODE_FORMERR) {
        if (q->cookie.p && !(q->anomalies & DNS_COOKIE_BAD)) {
            put_cookie(x, cookie);
            p = put_option(p, DNS_OPTION_COOKIE, span_of(cookie, sizeof cookie));
        }
        if (q->ecs_option.p && !(q->anomalies & DNS_ECS_BAD)) {
            p = put_option(p, DNS_OPTION_ECS, q->ecs_option);
            p[3 - (ptrdiff_t)q->ecs_option.n] = 0; /* scope: the answer is for everybody */
        }
        if (q->nsid && x->s->nsid.n && (size_t)(p - opt->p) + 4 + x->s->nsid.n <= room)
            p = put_option(p, DNS_OPTION_NSID, x->s->nsid);
    }
    opt->n = (size_t)(p - opt->p);
    be16_put(opt->p + 9, (uint16_t)(opt->n - DNS_OPT_LEN));
}

/* ---- reply ---- */

/* How long a reply may be: for UDP, what client and config allow, and so many times the query that
 * nobody wants us for a reflector. */
static size_t reply_max(const struct exchange *x, size_t cap)
{
    const struct net_limits *l = &x->s->config->limits;
    if (x->peer->tcp)
        return cap < DNS_MESSAGE_MAX ? cap : DNS_MESSAGE_MAX;
    size_t size = x->q.has_opt && x->q.udp_size > UDP_LEAST ? x->q.udp_size : UDP_LEAST;
    size = size < l->dns_udp_size ? size : l->dns_udp_size;
    size = size < cap ? size : cap;
    size_t reflected = x->query.n * l->dns_amplification;
    return x->cookie_good || size < reflected ? size : reflected;
}

/* `bare`: truncated from the start. */
static size_t write_reply(struct exchange *x, bool bare, uint8_t *out, size_t cap)
{
    struct opt opt = {.n = 0};
    size_t max = reply_max(x, cap);
    dns_reply_begin(&x->r, x->query, x->q.question_end, out, max);
    if (x->q.has_opt)
        make_opt(x, max - x->r.n, &opt);
    x->r.max = max - opt.n;
    x->r.flags = (uint16_t)(DNS_FLAG_QR | (x->rcode & 15) |
                            (x->q.flags & (DNS_OPCODE_MASK | DNS_FLAG_RD | DNS_FLAG_CD)));
    if (x->ours && x->rcode == RCODE_NOERROR) {
        x->r.flags |= DNS_FLAG_AA;
        x->r.zone = DNS_HEADER_LEN + x->zone;
        x->r.zone_len = x->r.question - 4 - x->r.zone;
        if (!bare)
            put_sections(x);
    }
    if (bare)
        dns_reply_truncate(&x->r);
    if (opt.n) {
        memcpy(out + x->r.n, opt.p, opt.n);
        x->r.n += opt.n;
        x->r.additionals = 1;
    }
    return dns_reply_end(&x->r, x->q.id);
}

/* Whether the answer is to be withheld (-1), truncated (1) or given (0). */
static int limit(struct exchange *x)
{
    const struct net_limits *l = &x->s->config->limits;
    if (x->peer->tcp || !l->dns_responses || x->cookie_good ||
        dns_limit_take(x->s->limit, x->network, x->env->tick, l->dns_responses))
        return 0;
    net_count(x->env, dns_limited, 1);
    x->answer = "limited";
    return l->dns_slip && ++x->s->slipped % l->dns_slip == 0 ? 1 : -1;
}

/* ---- the log ---- */

static void record(struct exchange *x)
{
    const struct dns_query *q = &x->q;
    struct event ev;
    char type[16], class[16], ecs[NET_TEXT_MAX];
    struct buf words = {0};
    net_event(x->env, x->peer, &x->match, KIND_DNS, &ev);
    ev.protocol = span_of("dns", 3);
    ev.plain = span_is_plain(ev.family);
    ev.answer = span_str(x->answer);
    ev.dns.has = true;
    ev.dns.id = q->id;
    ev.dns.flags = q->flags;
    ev.dns.edns = q->has_opt ? q->udp_size : 0;
    ev.dns.nsid = q->nsid;
    ev.dns.qname = span_of(q->qname, q->qname_len);
    ev.dns.qtype = span_str(dns_type_name(q->qtype, type));
    if (q->qclass != CLASS_IN)
        ev.dns.qclass = span_str(dns_class_name(q->qclass, class));
    if (q->has_ecs)
        ev.dns.ecs = span_of(ecs, net_format(&q->ecs, ecs));
    if (q->cookie.n >= DNS_COOKIE_CLIENT)
        ev.dns.cookie = span_of(q->cookie.p, DNS_COOKIE_CLIENT);
    if (q->anomalies) {
        dns_anomaly_words(q->anomalies, &words);
        ev.dns.anomalies = buf_as_span(&words);
    }
    net_record(x->env, &ev, span_of(NULL, 0), NULL);
    buf_free(&words);
}

/* Within authority it is recorded, and what is malformed counted too; outside it is counted. */
static void account(struct exchange *x)
{
    if (x->rcode == RCODE_FORMERR)
        net_count(x->env, dns_malformed, 1);
    else if (!x->ours && x->rcode != RCODE_NOERROR) /* a client may ask for a cookie alone */
        net_count(x->env, dns_refused, 1);
    if (x->ours)
        record(x);
}

size_t dns_server_answer(struct net_env *env, const struct net_peer *peer, struct span query,
                         uint8_t *out, size_t cap)
{
    struct exchange x;
    x.env = env;
    x.s = env->dns;
    x.peer = peer;
    x.query = query;
    net_count(env, dns_queries, 1);
    x.network = dns_limit_network(x.s->limit, &peer->src);
    x.whole = dns_parse(query, &x.q, NULL, NULL) == 1;
    if (query.n < DNS_HEADER_LEN || query.n > DNS_MESSAGE_MAX || dns_is_response(&x.q)) {
        net_count(env, dns_malformed, 1);
        return 0; /* an answer to an answer would go on for ever */
    }
    x.ours = x.q.question_end &&
             dns_zone_find(env, peer, dns_question_name(query, &x.q), &x.match, &x.zone);
    x.cookie_good =
        x.q.cookie.n == DNS_COOKIE_LEN &&
        dns_cookie_check(x.s->cookie_key, x.q.cookie, &peer->src, (uint32_t)(env->now / 1000000));
    judge_query(&x);
    int limited = limit(&x);
    size_t n = limited < 0 ? 0 : write_reply(&x, limited > 0, out, cap);
    net_count(env, dns_answers, n > 0);
    account(&x);
    return n;
}
