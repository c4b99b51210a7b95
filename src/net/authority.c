#include "net/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/domain.h"
#include "net/authority_layout.h"
#include "net/policy.h"

#define PREFIX_BITS 128
#define SEALS       (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct authority {
    const struct authority_header *head;
    const uint32_t *start;
    const struct authority_record *record;
    const struct authority_group *group;
    const struct authority_order_record *order;
    const struct authority_text *policy;
    const struct authority_times *times;
    const uint8_t *text;
    int most_labels; /* of any name */
    size_t mapped;   /* 0: nothing is */
};

/* ---- names as text ---- */

size_t authority_wire_name(struct span text, uint8_t out[255])
{
    return domain_wire(text, out);
}

/* "name:80": without the port. */
static struct span without_port(struct span text)
{
    size_t n = text.n;
    while (n && text.p[n - 1] >= '0' && text.p[n - 1] <= '9')
        n--;
    if (n && text.p[n - 1] == ':')
        text.n = n - 1;
    return text;
}

/* ---- checking ---- */

static bool section_good(const struct authority_header *h, const struct authority_section *s,
                         size_t element)
{
    return s->at % AUTHORITY_ALIGN == 0 && s->at >= sizeof *h && s->at <= h->size &&
           s->n <= (h->size - s->at) / element;
}

static bool sections_good(const struct authority_header *h)
{
    return h->bucket_bits <= AUTHORITY_BUCKETS_LOG &&
           section_good(h, &h->starts, sizeof(uint32_t)) &&
           h->starts.n == (1ull << h->bucket_bits) + 1 &&
           section_good(h, &h->records, sizeof(struct authority_record)) &&
           h->records.n <= AUTHORITY_ASSETS_MAX &&
           section_good(h, &h->groups, sizeof(struct authority_group)) &&
           section_good(h, &h->orders, sizeof(struct authority_order_record)) &&
           section_good(h, &h->policies, sizeof(struct authority_text)) && h->policies.n > 0 &&
           section_good(h, &h->times, sizeof(struct authority_times)) &&
           section_good(h, &h->texts, 1) && (h->lengths[2] & ~1ull) == 0;
}

static bool text_good(const struct authority *a, struct authority_text t)
{
    return t.at <= a->head->texts.n && t.n <= a->head->texts.n - t.at;
}

static struct span text_of(const struct authority *a, struct authority_text t)
{
    return span_of(a->text + t.at, t.n);
}

static bool is_name(const struct authority_record *r)
{
    return r->kind == AUTHORITY_DOMAIN || r->kind == AUTHORITY_WILDCARD;
}

static struct span key_of(const struct authority *a, const struct authority_record *r)
{
    uint32_t at;
    if (!is_name(r) || r->length <= AUTHORITY_KEY_MAX)
        return span_of(r->key, r->length);
    memcpy(&at, r->key, sizeof at);
    return span_of(a->text + at, r->length);
}

static bool name_good(const struct authority *a, const struct authority_record *r)
{
    uint8_t at[AUTHORITY_LABELS_MAX];
    struct authority_text t = {0, r->length};
    if (r->length > AUTHORITY_KEY_MAX) {
        memcpy(&t.at, r->key, sizeof t.at);
        if (!text_good(a, t))
            return false;
    }
    return authority_labels(key_of(a, r), at) > 0;
}

static bool endpoint_good(const struct authority_record *r)
{
    struct authority_endpoint e;
    if (r->length != sizeof e)
        return false;
    memcpy(&e, r->key, sizeof e);
    if (e.transport > AUTHORITY_UDP)
        return false;
    if (r->kind == AUTHORITY_PORT)
        return e.bits == AUTHORITY_PORT_BITS;
    return e.bits <= PREFIX_BITS && (!ip_is_v4(&e.ip) || e.bits >= 96);
}

static bool records_good(const struct authority *a)
{
    const struct authority_header *h = a->head;
    for (uint64_t i = 0; i < h->records.n; i++) {
        const struct authority_record *r = &a->record[i];
        if (r->kind > AUTHORITY_PORT || r->group >= h->groups.n)
            return false;
        if (is_name(r) ? !name_good(a, r) : !endpoint_good(r))
            return false;
    }
    for (uint64_t i = 1; i < h->starts.n; i++)
        if (a->start[i] < a->start[i - 1])
            return false;
    return a->start[0] == 0 && a->start[h->starts.n - 1] == h->records.n;
}

static bool origins_good(const struct authority *a)
{
    const struct authority_header *h = a->head;
    for (uint64_t i = 0; i < h->groups.n; i++) {
        const struct authority_group *g = &a->group[i];
        if (g->order >= h->orders.n || g->policy >= h->policies.n || !text_good(a, g->family))
            return false;
    }
    for (uint64_t i = 0; i < h->orders.n; i++)
        for (int k = 0; k < ORDER_TEXTS; k++)
            if (!text_good(a, a->order[i].text[k]) || a->order[i].text[k].n > AUTHORITY_TEXT_MAX)
                return false;
    for (uint64_t i = 0; i < h->policies.n; i++)
        if (!text_good(a, a->policy[i]))
            return false;
    return span_is(text_of(a, a->policy[0]), POLICY_DEFAULT);
}

static int most_labels(const struct authority_header *h)
{
    return h->labels[1]   ? 127 - __builtin_clzll(h->labels[1])
           : h->labels[0] ? 63 - __builtin_clzll(h->labels[0])
                          : 0;
}

static void sections_of(struct authority *a, const uint8_t *p)
{
    const struct authority_header *h = a->head = (const void *)p;
    a->start = (const void *)(p + h->starts.at);
    a->record = (const void *)(p + h->records.at);
    a->group = (const void *)(p + h->groups.at);
    a->order = (const void *)(p + h->orders.at);
    a->policy = (const void *)(p + h->policies.at);
    a->times = (const void *)(p + h->times.at);
    a->text = p + h->texts.at;
    a->most_labels = most_labels(h);
}

/* Pages in and checks the mapping. */
static bool table_good(struct authority *a, const uint8_t *p, size_t size)
{
    const struct authority_header *h = (const void *)p;
    if (memcmp(h->magic, AUTHORITY_MAGIC, sizeof h->magic) != 0 || h->size != size ||
        !sections_good(h))
        return false;
    sections_of(a, p);
    return origins_good(a) && records_good(a);
}

static struct authority *new_table(void)
{
    struct authority *a = calloc(1, sizeof *a);
    if (!a)
        abort();
    return a;
}

int authority_map(int fd, struct authority **out, struct err *err)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    /* Without its seals it could change after it was checked. */
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0)
        return err_set(err, -EBADMSG, "authority table: it is not sealed memory");
    size_t size = (size_t)st.st_size;
    if (size < sizeof(struct authority_header))
        return err_set(err, -EBADMSG, "authority table: it is cut off");
    uint8_t *p = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED)
        return err_errno(err, "authority table: mmap");
    struct authority *a = new_table();
    a->mapped = size;
    if (!table_good(a, p, size)) {
        munmap(p, size);
        free(a);
        return err_set(err, -EBADMSG, "authority table: it is damaged");
    }
    *out = a;
    return 0;
}

struct authority *authority_none(void)
{
    static const struct {
        struct authority_header head;
        uint32_t start[2];
        struct authority_text policy;
        uint8_t text[sizeof POLICY_DEFAULT];
    } none = {.head = {.starts = {0, 2}, .policies = {0, 1}, .texts = {0, sizeof POLICY_DEFAULT}},
              .policy = {0, sizeof POLICY_DEFAULT - 1},
              .text = POLICY_DEFAULT};
    struct authority *a = new_table();
    a->head = &none.head;
    a->start = none.start;
    a->policy = &none.policy;
    a->text = none.text;
    return a;
}

void authority_unmap(struct authority *a)
{
    if (!a)
        return;
    if (a->mapped)
        munmap((void *)a->head, a->mapped);
    free(a);
}

uint64_t authority_assets(const struct authority *a)
{
    return a->head->assets;
}

struct span authority_policy(const struct authority *a, uint32_t number)
{
    return number < a->head->policies.n ? text_of(a, a->policy[number]) : span_of(NULL, 0);
}

/* ---- look-ups ---- */

static bool in_force(const struct authority_record *r, int64_t now)
{
    return r->from <= now && now < r->until;
}

static void fill_order(const struct authority *a, const struct authority_order_record *r,
                       struct authority_order *out)
{
    out->index = r->index;
    out->id = text_of(a, r->text[ORDER_ID]);
    out->court = text_of(a, r->text[ORDER_COURT]);
    out->docket = text_of(a, r->text[ORDER_DOCKET]);
    out->jurisdiction = text_of(a, r->text[ORDER_JURISDICTION]);
    out->scope = text_of(a, r->text[ORDER_SCOPE]);
    out->contact = text_of(a, r->text[ORDER_CONTACT]);
    out->from = r->from;
    out->until = r->until;
}

static void fill_match(const struct authority *a, const struct authority_record *r,
                       struct authority_match *out)
{
    const struct authority_group *g = &a->group[r->group];
    out->asset = (struct authority_asset){.index = g->index,
                                          .kind = (enum authority_kind)r->kind,
                                          .from = r->from,
                                          .until = r->until,
                                          .order = g->order,
                                          .family = text_of(a, g->family),
                                          .policy = text_of(a, a->policy[g->policy]),
                                          .identify = g->identify};
    out->policy = g->policy;
    out->zone = 0;
    fill_order(a, &a->order[g->order], &out->order);
}

/* Of records with the same name the wildcard goes before the domain, which the name itself needs;
 * then the one that began last. They lie in that order (authority_build.c), so the last one wins.
 */
static const struct authority_record *find_name(const struct authority *a, uint64_t hash,
                                                struct span name, bool below, int64_t now)
{
    const struct authority_record *found = NULL;
    size_t bucket = authority_bucket(hash, a->head->bucket_bits);
    for (uint32_t i = a->start[bucket]; i < a->start[bucket + 1]; i++) {
        const struct authority_record *r = &a->record[i];
        if (r->tag != (uint32_t)hash || r->length != name.n || !is_name(r) || !in_force(r, now))
            continue;
        if ((below || r->kind == AUTHORITY_DOMAIN) && memcmp(key_of(a, r).p, name.p, name.n) == 0)
            found = r;
    }
    return found;
}

/* `name` is folded. */
static bool match_name(const struct authority *a, struct span name, int64_t now,
                       struct authority_match *out)
{
    uint8_t at[AUTHORITY_LABELS_MAX];
    uint64_t hash[AUTHORITY_LABELS_MAX + 1];
    int labels = authority_labels(name, at);
    int most = labels < a->most_labels ? labels : a->most_labels;
    hash[0] = a->head->seed;
    for (int n = 1; n <= most; n++) {
        const uint8_t *label = name.p + at[labels - n];
        hash[n] = authority_hash(hash[n - 1], label, *label + 1u);
    }
    for (int n = most; n > 0; n--) {
        if (!(a->head->labels[n / 64] >> n % 64 & 1))
            continue;
        size_t zone = at[labels - n];
        struct span suffix = span_of(name.p + zone, name.n - zone);
        const struct authority_record *r = find_name(a, hash[n], suffix, n < labels, now);
        if (!r)
            continue;
        fill_match(a, r, out);
        out->asset.name = key_of(a, r);
        out->zone = zone;
        return true;
    }
    return false;
}

bool authority_name(const struct authority *a, struct span wire_name, int64_t now,
                    struct authority_match *out)
{
    uint8_t folded[AUTHORITY_NAME_MAX];
    if (wire_name.n > sizeof folded)
        return false;
    authority_fold(folded, wire_name.p, wire_name.n);
    return match_name(a, span_of(folded, wire_name.n), now, out);
}

/* The wire name at the start of some bytes; empty: there is none. */
static struct span name_at(struct span bytes)
{
    size_t n = 0;
    while (n < bytes.n && n < AUTHORITY_NAME_MAX && bytes.p[n])
        n += bytes.p[n] + 1u;
    return span_of(bytes.p, n < bytes.n && n < AUTHORITY_NAME_MAX ? n + 1 : 0);
}

#define NO_BUCKET UINT32_MAX

void authority_ahead(const struct authority *a, struct span wire_name, struct authority_ahead *out)
{
    uint8_t folded[AUTHORITY_NAME_MAX], at[AUTHORITY_LABELS_MAX];
    struct span name = name_at(wire_name);
    *out = (struct authority_ahead){{NO_BUCKET, NO_BUCKET}};
    authority_fold(folded, name.p, name.n);
    name.p = folded;
    int labels = authority_labels(name, at);
    int most = labels < a->most_labels ? labels : a->most_labels;
    uint64_t hash = a->head->seed;
    for (int n = 1, k = 0; n <= most; n++) {
        const uint8_t *label = name.p + at[labels - n];
        hash = authority_hash(hash, label, *label + 1u);
        if (!(a->head->labels[n / 64] >> n % 64 & 1))
            continue;
        uint32_t bucket = (uint32_t)authority_bucket(hash, a->head->bucket_bits);
        __builtin_prefetch(&a->start[bucket]);
        out->bucket[k++ % 2] =
            bucket; /* of many levels the longest two, which are looked at first */
    }
}

void authority_ahead_more(const struct authority *a, const struct authority_ahead *ahead)
{
    for (int k = 0; k < 2; k++)
        if (ahead->bucket[k] != NO_BUCKET)
            __builtin_prefetch(&a->record[a->start[ahead->bucket[k]]]);
}

bool authority_host(const struct authority *a, struct span text, int64_t now,
                    struct authority_match *out)
{
    uint8_t name[AUTHORITY_NAME_MAX];
    size_t n = authority_wire_name(without_port(text), name);
    return n && match_name(a, span_of(name, n), now, out);
}

struct endpoint_query {
    struct authority_endpoint key;
    uint16_t port;
    enum authority_transport transport;
    int64_t now;
};

/* How special a record is among those of one prefix; -1: it does not cover the query. */
static int rank(const struct authority_record *r, const struct endpoint_query *q)
{
    struct authority_endpoint e;
    if (is_name(r) || !in_force(r, q->now))
        return -1;
    memcpy(&e, r->key, sizeof e);
    if (memcmp(&e, &q->key, AUTHORITY_ENDPOINT_HASHED) != 0 || (e.port && e.port != q->port) ||
        (e.transport && e.transport != q->transport))
        return -1;
    return (r->kind == AUTHORITY_ADDRESS ? 4 : 0) + (e.port ? 2 : 0) + (e.transport ? 1 : 0);
}

static const struct authority_record *find_endpoint(const struct authority *a,
                                                    const struct endpoint_query *q)
{
    const struct authority_record *found = NULL;
    int best = 0;
    uint64_t hash = authority_hash(a->head->seed, &q->key, AUTHORITY_ENDPOINT_HASHED);
    size_t bucket = authority_bucket(hash, a->head->bucket_bits);
    for (uint32_t i = a->start[bucket]; i < a->start[bucket + 1]; i++) {
        const struct authority_record *r = &a->record[i];
        int special = r->tag == (uint32_t)hash ? rank(r, q) : -1;
        if (special >= best) {
            best = special;
            found = r;
        }
    }
    return found;
}

static void fill_endpoint(const struct authority *a, const struct authority_record *r,
                          struct authority_match *out)
{
    struct authority_endpoint e;
    memcpy(&e, r->key, sizeof e);
    fill_match(a, r, out);
    out->asset.port = e.port;
    out->asset.transport = (enum authority_transport)e.transport;
    if (r->kind == AUTHORITY_PORT)
        return;
    uint8_t outside = ip_is_v4(&e.ip) ? 96 : 0;
    out->asset.net = (struct net){e.ip, (uint8_t)(e.bits - outside), true};
}

/* The longest prefix length below `bits` that occurs; -1: none. */
static int next_length(const struct authority *a, int bits)
{
    for (int word = (bits - 1) / 64; bits > 0 && word >= 0; word--, bits = 64 * (word + 1)) {
        int n = bits - 64 * word;
        uint64_t left = a->head->lengths[word] & (n == 64 ? ~0ull : (1ull << n) - 1);
        if (left)
            return 64 * word + 63 - __builtin_clzll(left);
    }
    return -1;
}

bool authority_address(const struct authority *a, const struct ip *ip, uint16_t port,
                       enum authority_transport transport, int64_t now, struct authority_match *out)
{
    struct endpoint_query q = {.port = port, .transport = transport, .now = now};
    int outside = ip_is_v4(ip) ? 96 : 0; /* no prefix of IPv6 covers an address of IPv4 */
    const struct authority_record *r = NULL;
    for (int bits = PREFIX_BITS + 1; !r && (bits = next_length(a, bits)) >= outside;) {
        q.key = (struct authority_endpoint){.ip = net_of(ip, (uint8_t)(bits - outside)).ip,
                                            .bits = (uint8_t)bits};
        r = find_endpoint(a, &q);
    }
    if (!r) {
        q.key = authority_port_key(port);
        r = find_endpoint(a, &q);
    }
    if (!r)
        return false;
    fill_endpoint(a, r, out);
    return true;
}

bool authority_any_name(const struct authority *a, int64_t now)
{
    size_t low = 0, high = a->head->times.n;
    while (low < high) { /* the last one that began */
        size_t mid = low + (high - low) / 2;
        if (a->times[mid].from <= now)
            low = mid + 1;
        else
            high = mid;
    }
    return low && now < a->times[low - 1].until;
}
