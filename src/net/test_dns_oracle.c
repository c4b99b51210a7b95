/* The DNS server's answers beside a model: policies and queries at random; the model reads the same
 * records with ldns (BSD licence), the zone as their origin, and looks through all of them. */
#include "net/test_dns.h"

#include <ctype.h>

enum { POLICIES = 400, QUERIES = 50, RECORDS_MAX = 14, ANSWERS_MAX = 64, TEXT_MAX = 1200 };

static uint64_t seed = 0x9e3779b97f4a7c15u;

static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 16) % n;
}

#define PICK(list) list[below(sizeof(list) / sizeof *(list))]

static void lower(char *s)
{
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

/* Letters' case at random, as clients do against spoofers. */
static void mix(char *s)
{
    for (; *s; s++)
        if (below(2))
            *s = (char)toupper((unsigned char)*s);
}

struct record {
    char owner[64], type[12], text[256];
};

struct model {
    char zone[128];
    struct record v[RECORDS_MAX];
    unsigned n;
};

static void random_record(struct model *m)
{
    static const char *const owners[] = {"@",   "*",   "*",     "a",     "a",  "b",
                                         "b.a", "*.a", "*.b.a", "c.b.a", "A.b"};
    static const char *const names[] = {"@", "a", "b.a", "x", "host.example.net.", "C.b.a"};
    static const char *const types[] = {"A",     "AAAA", "MX", "TXT", "CNAME", "SRV",
                                        "HTTPS", "PTR",  "NS", "SOA", "RP"};
    struct record *r = &m->v[m->n++];
    char data[200];
    const char *owner = PICK(owners), *type = PICK(types);
    strcpy(r->owner, owner);
    strcpy(r->type, type);
    unsigned number = below(100);
    const char *name = PICK(names), *other = PICK(names);
    if (strcmp(r->type, "A") == 0)
        snprintf(data, sizeof data, "192.0.2.%u", number);
    else if (strcmp(r->type, "AAAA") == 0)
        snprintf(data, sizeof data, "2001:db8::%u", number);
    else if (strcmp(r->type, "TXT") == 0)
        snprintf(data, sizeof data, "\"text %u\" \"\"", number);
    else if (strcmp(r->type, "MX") == 0)
        snprintf(data, sizeof data, "%u %s", number, name);
    else if (strcmp(r->type, "SRV") == 0)
        snprintf(data, sizeof data, "1 2 %u %s", number, name);
    else if (strcmp(r->type, "HTTPS") == 0)
        snprintf(data, sizeof data, "1 %s port=%u", name, number);
    else if (strcmp(r->type, "SOA") == 0)
        snprintf(data, sizeof data, "%s %s %u 2 3 4 %u", name, other, number, 10 + below(50));
    else if (strcmp(r->type, "RP") == 0)
        snprintf(data, sizeof data, "%s %s", name, other);
    else
        snprintf(data, sizeof data, "%s", name);
    snprintf(r->text, sizeof r->text, "%s %u %s %s", owner, 20 + 10 * below(3), type, data);
    if (strcmp(r->type, "NS") == 0 || strcmp(r->type, "SOA") == 0)
        strcpy(r->owner, "@");
    lower(r->owner);
}

static bool has(const struct model *m, const char *owner, const char *type)
{
    for (unsigned i = 0; i < m->n; i++)
        if (strcmp(m->v[i].owner, owner) == 0 && (!type || strcmp(m->v[i].type, type) == 0))
            return true;
    /* what is made up */
    return strcmp(owner, "@") == 0 &&
           (!type || strcmp(type, "NS") == 0 || strcmp(type, "SOA") == 0);
}

/* The owner whose records of *type answer for the relative name; *type becomes CNAME when that is
 * what there is. "": none. */
static const char *owner_for(const struct model *m, const char *relative, const char **type,
                             char out[200])
{
    bool nearer = false;
    const char *rest = relative;
    snprintf(out, 200, "%s", relative);
    for (;;) {
        if (has(m, out, *type))
            return out;
        if (!nearer && has(m, out, "CNAME")) {
            *type = "CNAME";
            return out;
        }
        nearer |= has(m, out, NULL);
        if (strcmp(out, "*") == 0)
            return "";
        const char *dot = strcmp(relative, "@") ? strchr(rest, '.') : NULL;
        rest = dot ? dot + 1 : "";
        snprintf(out, 200, *rest ? "*.%s" : "*", rest);
    }
}

struct answers {
    char *v[ANSWERS_MAX];
    unsigned n;
};

static void add_answer(struct answers *a, const char *owner, uint32_t ttl, ldns_rr *rr)
{
    char *text, line[TEXT_MAX];
    ldns_rr_set_ttl(rr, ttl);
    ldns_rdf_deep_free(ldns_rr_owner(rr));
    ldns_rr_set_owner(rr, ldns_dname_new_frm_str(owner));
    text = ldns_rr2str(rr);
    snprintf(line, sizeof line, "%s", text);
    free(text);
    lower(line);
    if (strstr(line, "sinkhole=")) /* the identity is no record of the policy */
        return;
    for (unsigned i = 0; i < a->n; i++)
        if (strcmp(a->v[i], line) == 0)
            return;
    if (a->n < ANSWERS_MAX)
        a->v[a->n++] = strdup(line);
}

static ldns_rr *read_record(const struct model *m, const char *text)
{
    ldns_rr *rr = NULL;
    ldns_rdf *origin = ldns_dname_new_frm_str(m->zone);
    if (ldns_rr_new_frm_str(&rr, text, 300, origin, NULL) != LDNS_STATUS_OK)
        abort();
    ldns_rdf_deep_free(origin);
    return rr;
}

/* The records of that owner and type, under the name; the target of a CNAME goes to target. */
static void take_set(const struct model *m, const char *owner, const char *type, const char *name,
                     struct answers *a, char target[200])
{
    uint32_t ttl = UINT32_MAX;
    ldns_rr *rr[RECORDS_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < m->n; i++) {
        if (strcmp(m->v[i].owner, owner) || strcmp(m->v[i].type, type))
            continue;
        rr[n] = read_record(m, m->v[i].text);
        ttl = ldns_rr_ttl(rr[n]) < ttl ? ldns_rr_ttl(rr[n]) : ttl;
        n++;
    }
    if (!n && strcmp(type, "NS") == 0) {
        rr[n++] = read_record(m, "@ NS ns");
        ttl = 300;
    }
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(type, "CNAME") == 0) {
            char *text = ldns_rdf2str(ldns_rr_rdf(rr[i], 0));
            snprintf(target, 200, "%s", text);
            free(text);
        }
        add_answer(a, name, ttl, rr[i]);
        ldns_rr_free(rr[i]);
    }
}

/* "b.a.zone." -> "b.a"; NULL when it is not in the zone. */
static const char *relative_to(const struct model *m, const char *name, char out[200])
{
    size_t n = strlen(name), z = strlen(m->zone);
    if (n < z || strcasecmp(name + n - z, m->zone) || (n > z && name[n - z - 1] != '.'))
        return NULL;
    snprintf(out, 200, "%.*s", (int)(n > z ? n - z - 1 : 0), name);
    if (n == z)
        strcpy(out, "@");
    lower(out);
    return out;
}

static void model_answer(const struct model *m, const char *qname, const char *qtype,
                         struct answers *a)
{
    char name[200], relative[200], owner[200], target[200];
    snprintf(name, sizeof name, "%s", qname);
    for (unsigned i = 0; i < 9 && relative_to(m, name, relative); i++) {
        const char *type = qtype;
        const char *o = owner_for(m, relative, &type, owner);
        if (!*o)
            return;
        take_set(m, o, type, name, a, target);
        if (strcmp(type, "CNAME") || strcmp(qtype, "CNAME") == 0)
            return;
        snprintf(name, sizeof name, "%s", target);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The answer section as the model has it; repeated records (a loop of CNAMEs) once. */
static void reply_answers(struct span reply, struct answers *a)
{
    ldns_pkt *pkt = NULL;
    if (ldns_wire2pkt(&pkt, reply.p, reply.n) != LDNS_STATUS_OK)
        return;
    ldns_rr_list *list = ldns_pkt_answer(pkt);
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        ldns_rr *rr = ldns_rr_list_rr(list, i);
        char *owner = ldns_rdf2str(ldns_rr_owner(rr));
        add_answer(a, owner, ldns_rr_ttl(rr), rr);
        free(owner);
    }
    ldns_pkt_free(pkt);
}

static bool equal(struct answers *a, struct answers *b)
{
    bool same = a->n == b->n;
    qsort(a->v, a->n, sizeof *a->v, by_text);
    qsort(b->v, b->n, sizeof *b->v, by_text);
    for (unsigned i = 0; same && i < a->n; i++)
        same = strcmp(a->v[i], b->v[i]) == 0;
    return same;
}

static void show(const char *what, struct answers *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        printf("# %s %s", what, a->v[i]);
        free(a->v[i]);
    }
}

static void forget(struct answers *a)
{
    for (unsigned i = 0; i < a->n; i++)
        free(a->v[i]);
}

/* One query at random; false when the server and the model differ. */
static bool one_query(struct test_env *t, const struct model *m, const struct net_peer *peer,
                      unsigned *answered)
{
    static const char *const labels[] = {"a.", "a.", "b.", "b.", "c.", "x."};
    static const char *const types[] = {"A",     "AAAA", "MX", "TXT", "CNAME", "SRV",
                                        "HTTPS", "PTR",  "NS", "RP",  "LOC"};
    char name[200] = "";
    for (unsigned n = below(4); n; n--)
        strcat(name, PICK(labels));
    strcat(name, m->zone);
    mix(name);
    const char *type = PICK(types);
    struct answers want = {.n = 0}, got = {.n = 0};
    struct message q = query_of(name, (unsigned)ldns_get_rr_type_by_name(type), 0);
    if (below(2))
        query_opt(&q, 1232, 0, below(2) << 15, NULL, 0);
    struct span reply = dns_ask(t, peer, span_of(q.p, q.n));
    model_answer(m, name, type, &want);
    reply_answers(reply, &got);
    *answered += want.n > 0;
    bool soa = reply.n > 10 && be16_get(reply.p + 8) == 1, ended = want.n == 0;
    if (strcmp(type, "TXT") == 0 && strcasecmp(name, m->zone) == 0)
        ended = false; /* the identity */
    if (equal(&want, &got) && reply.n > 12 && (reply.p[3] & 15) == 0 && reply.p[2] & 4 &&
        (!ended || soa)) {
        forget(&want);
        forget(&got);
        return true;
    }
    printf("# %s %s\n", name, type);
    for (unsigned i = 0; i < m->n; i++)
        printf("#   %s\n", m->v[i].text);
    show("want", &want);
    show("got ", &got);
    return false;
}

/* One policy at random; nothing when it is refused. */
static bool one_policy(unsigned *policies, unsigned *answered)
{
    static const char *const zones[] = {"example.", "bad.example.", "x.y.bad.example."};
    static struct test_env t;
    struct model m = {.n = 0};
    char *records[RECORDS_MAX];
    bool good = true;
    strcpy(m.zone, PICK(zones));
    for (unsigned n = below(RECORDS_MAX) + 1; n; n--)
        random_record(&m);
    for (unsigned i = 0; i < m.n; i++)
        records[i] = m.v[i].text;
    test_env_init(&t);
    t.policies[0].dns.records = records;
    t.policies[0].dns.records_count = m.n;
    t.config.limits.dns_responses = 0;
    test_env_asset(&t, m.zone, "", "");
    test_env_ready(&t);
    struct net_peer peer = test_peer("192.0.2.200", 4000, "192.0.2.53", 53, true);
    if (dns_server_new(&t.config, &t.env.dns, NULL) == 0) {
        ++*policies;
        for (unsigned i = 0; good && i < QUERIES; i++)
            good = one_query(&t, &m, &peer, answered);
        dns_server_free(t.env.dns);
    }
    test_env_free(&t);
    return good;
}

int main(void)
{
    unsigned policies = 0, answered = 0, differ = 0;
    for (unsigned i = 0; i < 10000 && policies < POLICIES; i++)
        differ += !one_policy(&policies, &answered);
    printf("# %u policies, %u queries, %u with answers\n", policies, policies * QUERIES, answered);
    ok(policies == POLICIES && answered > POLICIES * QUERIES / 8, "enough to compare");
    is_int(differ, 0);
    return tap_done();
}
