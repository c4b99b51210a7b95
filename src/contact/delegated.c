#include "contact/delegated.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "contact/gather_impl.h"
#include "contact/range.h"

#define FIELDS_MAX 9

enum {
    FIELD_REGISTRY,
    FIELD_COUNTRY,
    FIELD_TYPE,
    FIELD_START,
    FIELD_VALUE,
    FIELD_DATE,
    FIELD_STATUS
};
#define FIELD_ENDDATE 5 /* of the version line */

static const struct {
    const char *field, *name;
} registries[] = {
    {"ripencc", "ripe"},  {"apnic", "apnic"},     {"arin", "arin"},
    {"lacnic", "lacnic"}, {"afrinic", "afrinic"}, {"nro", "nro"},
};

struct piece {
    struct ip first, last;
    char country[2];
    uint8_t registry;
};

struct delegations {
    struct gather *g;
    struct piece *v;
    size_t n, cap;
};

struct delegations *delegations_new(struct gather *g)
{
    struct delegations *d = mem_zeroed(1, sizeof *d);
    d->g = g;
    return d;
}

void delegations_free(struct delegations *d)
{
    if (!d)
        return;
    free(d->v);
    free(d);
}

/* ---- lines ---- */

static unsigned split(struct span line, struct span out[FIELDS_MAX])
{
    unsigned n = 0;
    struct cur c = cur_of(line);
    while (n < FIELDS_MAX) {
        const uint8_t *bar = cur_left(&c) ? memchr(c.p, '|', cur_left(&c)) : NULL;
        out[n++] = span_trim(span_of(c.p, bar ? (size_t)(bar - c.p) : cur_left(&c)));
        if (!bar)
            break;
        c.p = bar + 1;
    }
    return n;
}

static int registry_of(struct span field)
{
    for (size_t i = 0; i < sizeof registries / sizeof registries[0]; i++)
        if (span_ieq(field, span_str(registries[i].field)))
            return (int)i;
    return -1;
}

static bool read_number(struct span s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (!s.n || s.n > 12)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if ((uint8_t)(s.p[i] - '0') > 9)
            return false;
        v = v * 10 + (uint8_t)(s.p[i] - '0');
    }
    *out = v;
    return v > 0 && v <= max;
}

static bool is_version(const struct span *f, unsigned n)
{
    return n >= 6 && f[0].n && (uint8_t)(f[0].p[0] - '0') < 10;
}

/* NULL, or why it is no piece. */
static const char *read_piece(const struct span *f, struct piece *p)
{
    uint64_t value;
    int registry = registry_of(f[FIELD_REGISTRY]);
    bool v4 = span_is(f[FIELD_TYPE], "ipv4");
    if (registry < 0)
        return "no registry that ebb knows";
    if (!ip_parse(f[FIELD_START], &p->first) || ip_is_v4(&p->first) != v4)
        return "no address";
    if (!read_number(f[FIELD_VALUE], v4 ? (uint64_t)1 << 32 : 128, &value))
        return v4 ? "no number of addresses" : "no prefix length";
    if (v4) {
        if (value - 1 > UINT32_MAX - ip_v4(&p->first))
            return "more addresses than there are";
        p->last = ip_from_v4(ip_v4(&p->first) + (uint32_t)(value - 1));
    } else {
        struct net network = net_of(&p->first, (uint8_t)value);
        if (memcmp(&network.ip, &p->first, sizeof p->first) != 0)
            return "bits beyond the prefix length";
        p->last = range_end(&network);
    }
    p->registry = (uint8_t)registry;
    struct span cc = f[FIELD_COUNTRY];
    bool named = cc.n == 2 && (uint8_t)((cc.p[0] | 0x20) - 'a') < 26 &&
                 (uint8_t)((cc.p[1] | 0x20) - 'a') < 26 && !span_ieq(cc, span_str("ZZ"));
    if (named) {
        p->country[0] = (char)(cc.p[0] & ~0x20);
        p->country[1] = (char)(cc.p[1] & ~0x20);
    }
    return NULL;
}

int delegations_line(struct delegations *d, struct span line)
{
    struct span f[FIELDS_MAX];
    struct piece p = {0};
    line = span_trim(line);
    if (!line.n || line.p[0] == '#')
        return 0;
    unsigned n = split(line, f);
    if (is_version(f, n)) {
        gather_made(d->g, f[FIELD_ENDDATE]);
        return 0;
    }
    if (n >= 2 && (span_is(f[n - 1], "summary") || span_is(f[FIELD_COUNTRY], "*")))
        return 0;
    if (n <= FIELD_STATUS) {
        gather_reject(d->g, d->g->line, "too few fields");
        return 0;
    }
    if (span_is(f[FIELD_TYPE], "asn") || span_is(f[FIELD_STATUS], "available") ||
        span_is(f[FIELD_STATUS], "reserved"))
        return 0;
    if (!span_is(f[FIELD_TYPE], "ipv4") && !span_is(f[FIELD_TYPE], "ipv6")) {
        gather_reject(d->g, d->g->line, "neither asn, ipv4 nor ipv6");
        return 0;
    }
    const char *why = read_piece(f, &p);
    if (why) {
        gather_reject(d->g, d->g->line, why);
        return 0;
    }
    if (d->n == GATHER_OBJECTS_MAX)
        return -E2BIG;
    d->g->counts.rows++;
    d->v = mem_room(d->v, d->n, &d->cap, sizeof *d->v);
    d->v[d->n++] = p;
    return 0;
}

/* ---- together ---- */

static int cmp_piece(const void *x, const void *y)
{
    const struct piece *a = x, *b = y;
    int by = memcmp(&a->first, &b->first, sizeof a->first);
    return by ? by : memcmp(&a->last, &b->last, sizeof a->last);
}

static bool follows(const struct piece *a, const struct piece *b)
{
    struct ip next = a->last;
    unsigned i = sizeof next.b;
    while (i && ++next.b[i - 1] == 0)
        i--;
    return i && ip_is_v4(&a->last) == ip_is_v4(&b->first) &&
           memcmp(&next, &b->first, sizeof next) == 0 && a->registry == b->registry &&
           memcmp(a->country, b->country, 2) == 0;
}

static int add_piece(struct delegations *d, const struct piece *p)
{
    struct contact_row row = {.registry = span_str(registries[p->registry].name),
                              .country = {p->country[0], p->country[1]}};
    int added = contact_rows_add_range(&d->g->rows, &p->first, &p->last, &row);
    return added < 0 ? added : 0;
}

int delegations_resolve(struct delegations *d)
{
    int rc = 0;
    if (d->n)
        qsort(d->v, d->n, sizeof *d->v, cmp_piece);
    for (size_t i = 0; rc == 0 && i < d->n;) {
        struct piece p = d->v[i++];
        for (; i < d->n && follows(&p, &d->v[i]); i++)
            p.last = d->v[i].last;
        rc = add_piece(d, &p);
    }
    return rc;
}

bool delegations_probe(struct span line, char registry[GATHER_SOURCE_MAX + 1])
{
    struct span f[FIELDS_MAX];
    unsigned n = split(span_trim(line), f);
    registry[0] = 0;
    if (n < 6)
        return false;
    bool version = is_version(f, n);
    int which = registry_of(f[version ? 1 : FIELD_REGISTRY]);
    if (which >= 0)
        snprintf(registry, GATHER_SOURCE_MAX + 1, "%s", registries[which].name);
    return version || which >= 0;
}
