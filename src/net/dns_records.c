#include "net/dns_records.h"

#include <errno.h>
#include <stdlib.h>

#include <ldns/ldns.h>
#include <xxhash.h>

#include "base/buf.h"

enum { RR_HEAD = 12, NAMES_MAX = 16, NAME_MAX_WIRE = 255 };

/* The origin that relative names get while they are parsed; nobody writes such a label. */
static const uint8_t marker[] = "\x0a\001ebb-zone\001";
enum { MARKER_LEN = sizeof marker };

/* One record as parsed. */
struct record {
    struct span owner; /* labels, lower case */
    uint16_t type;
    uint32_t ttl;
    unsigned number; /* in the policy's order */
    struct span rdata;
    struct dns_splice splices[NAMES_MAX]; /* offsets within rdata */
    unsigned splices_count;
    size_t longest; /* labels of its longest relative name */
};

struct compiler {
    const struct policy *policy;
    struct dns_records *r;
    ldns_rdf *origin;
    struct record *v;
    unsigned n;
    struct buf rdata;
    const char *text; /* the record being compiled */
    struct err *err;
};

static int refuse(const struct compiler *c, const char *why)
{
    return err_set(c->err, -EINVAL, "policy %s: DNS record \"%s\": %s", c->policy->name, c->text,
                   why);
}

/* Types whose names RFC 1035 lets be compressed. */
static bool may_point(uint16_t type)
{
    return type == DNS_TYPE_NS || type == DNS_TYPE_CNAME || type == DNS_TYPE_SOA ||
           type == DNS_TYPE_PTR || type == DNS_TYPE_MX;
}

/* Whether the name ends in the marker; *labels is what stands in front of it. */
static bool is_relative(const ldns_rdf *name, struct span *labels)
{
    const uint8_t *p = ldns_rdf_data(name);
    size_t n = ldns_rdf_size(name), at = 0;
    while (at < n && p[at] && !(n - at == MARKER_LEN && memcmp(p + at, marker, MARKER_LEN) == 0))
        at += p[at] + 1u;
    *labels = span_of(p, at);
    return at < n && p[at];
}

static int add_name(struct compiler *c, struct record *rec, const ldns_rdf *name)
{
    struct span labels;
    if (!is_relative(name, &labels)) {
        buf_put(&c->rdata, ldns_rdf_data(name), ldns_rdf_size(name));
        return 0;
    }
    if (rec->splices_count == NAMES_MAX)
        return refuse(c, "too many names");
    buf_span(&c->rdata, labels);
    rec->longest = labels.n > rec->longest ? labels.n : rec->longest;
    rec->splices[rec->splices_count++] =
        (struct dns_splice){.at = (uint16_t)c->rdata.n, .whole = !may_point(rec->type)};
    return 0;
}

static int add_rdata(struct compiler *c, struct record *rec, const ldns_rr *rr)
{
    c->rdata.n = 0;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
        if (ldns_rdf_size(rdf) + c->rdata.n > DNS_RECORDS_RRSET_MAX)
            return refuse(c, "too long");
        if (ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_DNAME) {
            if (add_name(c, rec, rdf) < 0)
                return -EINVAL;
        } else {
            buf_put(&c->rdata, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
        }
    }
    rec->rdata = span_of(arena_copy(&c->r->arena, c->rdata.p, c->rdata.n), c->rdata.n);
    return 0;
}

/* Owner, type and TTL. Names that only the zone itself can have go there. */
static int add_head(struct compiler *c, struct record *rec, const ldns_rr *rr)
{
    struct span labels;
    if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
        return refuse(c, "the class is IN");
    rec->type = (uint16_t)ldns_rr_get_type(rr);
    if (rec->type == 0 || rec->type == DNS_TYPE_OPT || (rec->type >= 249 && rec->type <= 255))
        return refuse(c, "no type of records");
    if (!is_relative(ldns_rr_owner(rr), &labels))
        return refuse(c, "the owner is relative to the zone and has no final dot");
    if (rec->type == DNS_TYPE_SOA || rec->type == DNS_TYPE_NS) {
        if (labels.n && !(labels.n == 2 && memcmp(labels.p, "\1*", 2) == 0))
            return refuse(c, "SOA and NS belong to the zone, owner @");
        labels.n = 0;
    }
    if (rec->type == DNS_TYPE_CNAME && labels.n == 0)
        return refuse(c, "CNAME cannot be the zone's own");
    uint8_t *owner = (uint8_t *)arena_copy(&c->r->arena, labels.p, labels.n);
    for (size_t i = 0; i < labels.n; i++) /* a length is below 'A' */
        if (owner[i] >= 'A' && owner[i] <= 'Z')
            owner[i] |= 0x20;
    rec->owner = span_of(owner, labels.n);
    rec->ttl = ldns_rr_ttl(rr) <= INT32_MAX ? ldns_rr_ttl(rr) : INT32_MAX; /* RFC 2181, 8 */
    return 0;
}

static int add_text(struct compiler *c, const char *text)
{
    ldns_rr *rr = NULL;
    c->text = text;
    ldns_status status = ldns_rr_new_frm_str(&rr, text, c->policy->dns.ttl, c->origin, NULL);
    if (status != LDNS_STATUS_OK)
        return refuse(c, ldns_get_errorstr_by_id(status));
    struct record *rec = &c->v[c->n];
    *rec = (struct record){.number = c->n};
    int rc = add_head(c, rec, rr);
    if (rc == 0)
        rc = add_rdata(c, rec, rr);
    ldns_rr_free(rr);
    c->n += rc == 0;
    return rc;
}

static const struct record *first_of(const struct compiler *c, uint16_t type)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->v[i].type == type)
            return &c->v[i];
    return NULL;
}

/* SOA with the first name server as its source of data, and numbers that suit answers which may
 * change by a reload: secondaries there are none. */
static void add_soa(struct compiler *c)
{
    static const uint32_t numbers[] = {0, 3600, 600, 86400, DNS_NEGATIVE_TTL};
    static const uint8_t contact[] = "\012hostmaster";
    const struct record *ns = first_of(c, DNS_TYPE_NS);
    struct record *rec = &c->v[c->n];
    *rec = *ns;
    rec->number = c->n++;
    rec->type = DNS_TYPE_SOA;
    rec->ttl = DNS_NEGATIVE_TTL;
    c->rdata.n = 0;
    buf_span(&c->rdata, ns->rdata);
    buf_put(&c->rdata, contact, sizeof contact - 1);
    if (rec->longest < sizeof contact - 1)
        rec->longest = sizeof contact - 1;
    rec->splices[rec->splices_count++] = (struct dns_splice){.at = (uint16_t)c->rdata.n};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        be32_put(buf_reserve(&c->rdata, 4), numbers[i]);
        c->rdata.n += 4;
    }
    rec->rdata = span_of(arena_copy(&c->r->arena, c->rdata.p, c->rdata.n), c->rdata.n);
    c->r->serial = true;
}

static int by_place(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    int order = span_cmp(x->owner, y->owner);
    if (order)
        return order;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static bool same_data(const struct record *a, const struct record *b)
{
    if (!span_eq(a->rdata, b->rdata) || a->splices_count != b->splices_count)
        return false;
    for (unsigned i = 0; i < a->splices_count; i++)
        if (a->splices[i].at != b->splices[i].at)
            return false;
    return true;
}

static bool is_repeated(const struct record *v, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (same_data(&v[k], &v[i]))
            return true;
    return false;
}

static void put_record(struct buf *wire, const struct record *rec, uint32_t ttl,
                       struct dns_splice *splices, unsigned *n)
{
    size_t start = wire->n, pointers = 0;
    for (unsigned i = 0; i < rec->splices_count; i++) {
        splices[*n] = rec->splices[i];
        splices[*n].at = (uint16_t)(splices[*n].at + start + RR_HEAD);
        splices[*n].rdlength = (uint16_t)(start + 10);
        pointers += !splices[(*n)++].whole;
    }
    uint8_t *p = buf_reserve(wire, RR_HEAD);
    be16_put(p, 0xc00c); /* the question's name */
    be16_put(p + 2, rec->type);
    be16_put(p + 4, 1);
    be32_put(p + 6, ttl);
    be16_put(p + 10, (uint16_t)(rec->rdata.n + 2 * pointers));
    wire->n += RR_HEAD;
    buf_span(wire, rec->rdata);
}

/* The RRset of v[0] to v[n - 1]; all get the least TTL of them (RFC 2181, 5.2). */
static int make_set(struct compiler *c, const struct record *v, unsigned n, struct dns_rrset *out)
{
    struct buf wire = {0};
    size_t names = 0, longest = 0;
    uint32_t ttl = v[0].ttl;
    for (unsigned i = 0; i < n; i++) {
        names += v[i].splices_count;
        longest = v[i].longest > longest ? v[i].longest : longest;
        ttl = v[i].ttl < ttl ? v[i].ttl : ttl;
    }
    struct dns_splice *splices = arena_alloc(&c->r->arena, (names + 1) * sizeof *splices);
    *out = (struct dns_rrset){
        .type = v[0].type, .ttl = ttl, .splices = splices, .zone_max = NAME_MAX_WIRE - longest};
    for (unsigned i = 0; i < n && wire.n <= DNS_RECORDS_RRSET_MAX; i++) {
        if (is_repeated(v, i))
            continue;
        put_record(&wire, &v[i], ttl, splices, &out->splices_count);
        out->count++;
    }
    size_t most = wire.n;
    for (unsigned i = 0; i < out->splices_count; i++) {
        most += splices[i].whole ? NAME_MAX_WIRE : 2;
        out->wholes += splices[i].whole;
    }
    out->n = wire.n;
    out->wire = (uint8_t *)arena_copy(&c->r->arena, wire.p, wire.n);
    buf_free(&wire);
    c->text =
        v[0].number < c->policy->dns.records_count ? c->policy->dns.records[v[0].number] : "SOA";
    if (most > DNS_RECORDS_RRSET_MAX)
        return refuse(c, "it and the others of its name and type are too long together");
    if (out->count > 1 && (out->type == DNS_TYPE_SOA || out->type == DNS_TYPE_CNAME))
        return refuse(c, "there can be one only");
    return 0;
}

/* The owner of v[0] to v[n - 1]. */
static int make_owner(struct compiler *c, const struct record *v, unsigned n, struct dns_owner *out)
{
    struct dns_rrset *sets = arena_alloc(&c->r->arena, n * sizeof *sets);
    *out = (struct dns_owner){.name = v[0].owner, .sets = sets};
    bool cname = false;
    for (unsigned i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && v[next].type == v[i].type;)
            next++;
        if (make_set(c, v + i, next - i, &sets[out->sets_count++]) < 0)
            return -EINVAL;
        cname |= v[i].type == DNS_TYPE_CNAME;
    }
    if (cname && out->sets_count > 1)
        return refuse(c, "a name with CNAME has nothing else");
    return 0;
}

static unsigned label_count(struct span labels)
{
    unsigned n = 0;
    for (size_t at = 0; at < labels.n; at += labels.p[at] + 1u)
        n++;
    return n;
}

static void place_owner(struct dns_records *r, const struct dns_owner *o)
{
    unsigned labels = label_count(o->name);
    if (!labels) {
        r->apex = o;
        return;
    }
    if (o->name.n >= 2 && memcmp(o->name.p, "\1*", 2) == 0) {
        if (labels == 1) {
            r->any = o;
            return;
        }
        r->wild = true;
    }
    r->labels_max = labels > r->labels_max ? labels : r->labels_max;
    size_t i = XXH3_64bits(o->name.p, o->name.n) & r->mask;
    while (r->slots[i])
        i = (i + 1) & r->mask;
    r->slots[i] = o;
}

static int make_owners(struct compiler *c)
{
    struct dns_records *r = c->r;
    struct dns_owner *owners = arena_alloc(&r->arena, c->n * sizeof *owners);
    unsigned slots = 4, n = 0;
    while (slots < 2 * c->n)
        slots *= 2;
    r->mask = slots - 1;
    r->slots = arena_alloc(&r->arena, slots * sizeof(struct dns_owner *));
    memset(r->slots, 0, slots * sizeof(struct dns_owner *));
    qsort(c->v, c->n, sizeof *c->v, by_place);
    for (unsigned i = 0, next; i < c->n; i = next) {
        for (next = i + 1; next < c->n && span_eq(c->v[next].owner, c->v[i].owner);)
            next++;
        if (make_owner(c, c->v + i, next - i, &owners[n]) < 0)
            return -EINVAL;
        place_owner(r, &owners[n++]);
    }
    return 0;
}

static const struct dns_rrset *set_of(const struct dns_owner *o, uint16_t type)
{
    for (unsigned i = 0; i < o->sets_count; i++)
        if (o->sets[i].type == type)
            return &o->sets[i];
    return NULL;
}

/* The SOA record again, with the lesser of its TTL and its last number. */
static void make_negative(struct dns_records *r)
{
    uint8_t *wire = (uint8_t *)arena_copy(&r->arena, r->soa->wire, r->soa->n);
    uint32_t minimum = be32_get(wire + r->soa->n - 4);
    r->negative = *r->soa;
    r->negative.wire = wire;
    r->negative.ttl = minimum < r->soa->ttl ? minimum : r->soa->ttl;
    be32_put(wire + 6, r->negative.ttl);
}

static int compile(struct compiler *c)
{
    const struct policy *p = c->policy;
    for (unsigned i = 0; i < p->dns.records_count; i++)
        if (add_text(c, p->dns.records[i]) < 0)
            return -EINVAL;
    if (!first_of(c, DNS_TYPE_NS) && add_text(c, "@ NS ns") < 0)
        return -EINVAL;
    if (!first_of(c, DNS_TYPE_SOA))
        add_soa(c);
    if (make_owners(c) < 0)
        return -EINVAL;
    c->r->soa = set_of(c->r->apex, DNS_TYPE_SOA);
    c->r->ns = set_of(c->r->apex, DNS_TYPE_NS);
    make_negative(c->r);
    return 0;
}

int dns_records_new(const struct policy *policy, struct dns_records **out, struct err *err)
{
    struct dns_records *r = calloc(1, sizeof *r);
    struct compiler c = {.policy = policy, .r = r, .err = err};
    c.v = calloc(policy->dns.records_count + 2u, sizeof *c.v);
    c.origin = ldns_dname_new_frm_data(MARKER_LEN, marker);
    if (!r || !c.v || !c.origin)
        abort();
    r->ttl = policy->dns.ttl;
    int rc = compile(&c);
    ldns_rdf_deep_free(c.origin);
    free(c.v);
    buf_free(&c.rdata);
    if (rc < 0)
        dns_records_free(r);
    else
        *out = r;
    return rc;
}

void dns_records_free(struct dns_records *r)
{
    if (!r)
        return;
    arena_free(&r->arena);
    free(r);
}

static const struct dns_owner *owner_of(const struct dns_records *r, struct span name)
{
    for (size_t i = XXH3_64bits(name.p, name.n) & r->mask; r->slots[i]; i = (i + 1) & r->mask)
        if (span_eq(r->slots[i]->name, name))
            return r->slots[i];
    return NULL;
}

/* Goes on from owner to owner, nearest first, until one has the type. */
struct search {
    uint16_t type;
    bool known; /* a nearer owner has records, so that a farther one's CNAME does not count */
    const struct dns_rrset *found;
};

static bool search_owner(struct search *s, const struct dns_owner *o)
{
    if (!o)
        return false;
    s->found = set_of(o, s->type);
    if (!s->found && !s->known)
        s->found = set_of(o, DNS_TYPE_CNAME);
    s->known = true;
    return s->found;
}

/* Owners of their own: the name, then "*" in place of ever more labels. */
static bool search_named(struct search *s, const struct dns_records *r, struct span labels)
{
    uint8_t lower[NAME_MAX_WIRE];
    for (size_t i = 0; i < labels.n; i++)
        lower[i] =
            (uint8_t)(labels.p[i] >= 'A' && labels.p[i] <= 'Z' ? labels.p[i] | 0x20 : labels.p[i]);
    unsigned count = label_count(labels);
    if (count <= r->labels_max && search_owner(s, owner_of(r, span_of(lower, labels.n))))
        return true;
    if (!r->wild)
        return false;
    for (size_t at = lower[0] + 1u; at < labels.n; at += lower[at] + 1u) {
        if (count-- > r->labels_max)
            continue;
        memcpy(lower + at - 2, "\1*", 2); /* over the end of the label in front */
        if (search_owner(s, owner_of(r, span_of(lower + at - 2, labels.n - at + 2))))
            return true;
    }
    return false;
}

const struct dns_rrset *dns_records_find(const struct dns_records *r, struct span labels,
                                         uint16_t type)
{
    struct search s = {.type = type};
    if (labels.n == 0) {
        if (search_owner(&s, r->apex))
            return s.found;
    } else if (r->labels_max && labels.n <= NAME_MAX_WIRE && search_named(&s, r, labels)) {
        return s.found;
    }
    search_owner(&s, r->any);
    return s.found;
}

bool dns_records_target(const struct dns_rrset *cname, struct span *labels)
{
    if (cname->splices_count != 1)
        return false;
    *labels = span_of(cname->wire + RR_HEAD, cname->n - RR_HEAD);
    return true;
}
