#include "sim/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BITS4_MIN    8
#define BITS4_MAX    30
#define BITS6_MIN    16
#define BITS6_MAX    60
#define SUBNETS6_MAX (1u << 20) /* /64s that are used of one IPv6 network */
#define SCALED_MIN   64u        /* addresses that a network keeps at the smallest scale */
#define TRIES_MAX    64         /* random draws before the pool is searched */
#define HOSTS_A_24   254u

static uint32_t round64(uint64_t n)
{
    return (uint32_t)((n + 63) & ~63ull);
}

static uint32_t addresses_in(const struct net *net, bool v6)
{
    if (v6)
        return net->bits > 44 ? 1u << (64 - net->bits) : SUBNETS6_MAX;
    return net->bits <= 24 ? HOSTS_A_24 << (24 - net->bits) : (1u << (32 - net->bits)) - 2;
}

/* One list of networks and how errors call it. */
struct list {
    char **text;
    unsigned n;
    const char *name;
    unsigned index;
    bool v4_only;
};

static struct list list_of(const struct scenario *s, uint32_t group)
{
    if (group < s->ases_count)
        return (struct list){s->ases[group].networks, s->ases[group].networks_count, "ases", group,
                             false};
    group -= s->ases_count;
    const struct scenario_actors *a = s->scanners;
    const char *name = "scanners";
    if (group >= s->scanners_count) {
        group -= s->scanners_count;
        a = s->sandboxes;
        name = "sandboxes";
    }
    return (struct list){a[group].networks, a[group].networks_count, name, group, true};
}

static int parse_net(const struct list *l, unsigned i, struct pool_net *out, const char *where,
                     struct err *err)
{
    const char *text = l->text[i], *why = NULL;
    struct net *net = &out->net;
    if (!strchr(text, '/') || !net_parse(span_str(text), net)) {
        why = "not a prefix like 192.0.2.0/24";
    } else {
        out->v6 = !ip_is_v4(&net->ip);
        unsigned low = out->v6 ? BITS6_MIN : BITS4_MIN, high = out->v6 ? BITS6_MAX : BITS4_MAX;
        if (out->v6 && l->v4_only)
            why = "IPv6, which only ases take";
        else if (net->bits < low || net->bits > high)
            why = out->v6 ? "not between /16 and /60" : "not between /8 and /30";
    }
    if (why)
        return err_set(err, -EINVAL, "scenario: %s[%u].networks: \"%s\" is %s (%s)", l->name,
                       l->index, text, why, where);
    out->room = out->count = addresses_in(net, out->v6);
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const struct pool_net *x = *(struct pool_net *const *)a, *y = *(struct pool_net *const *)b;
    int c = memcmp(x->net.ip.b, y->net.ip.b, 16);
    return c ? c : (x->net.bits > y->net.bits) - (x->net.bits < y->net.bits);
}

/* Sorted by address, a prefix that overlaps another one comes right behind one that holds it. */
static int check_overlap(const struct pool *p, const char *where, struct err *err)
{
    struct pool_net **order = calloc(p->n_nets, sizeof *order);
    int rc = 0;
    if (!order)
        return err_set(err, -ENOMEM, "scenario: no memory (%s)", where);
    for (uint32_t i = 0; i < p->n_nets; i++)
        order[i] = &p->nets[i];
    qsort(order, p->n_nets, sizeof *order, by_address);
    for (uint32_t i = 1; i < p->n_nets && rc == 0; i++) {
        const struct pool_net *a = order[i - 1], *b = order[i];
        struct net outer = net_of(&b->net.ip, a->net.bits);
        char ta[NET_TEXT_MAX], tb[NET_TEXT_MAX];
        if (a->v6 != b->v6 || memcmp(outer.ip.b, a->net.ip.b, 16) != 0)
            continue;
        net_format(&a->net, ta);
        net_format(&b->net, tb);
        rc = err_set(err, -EINVAL, "scenario: networks: %s and %s overlap (%s)", ta, tb, where);
    }
    free(order);
    return rc;
}

static uint32_t scaled_count(uint32_t room, double scale)
{
    double want = room * scale + 0.5;
    uint32_t n = want < SCALED_MIN ? SCALED_MIN : want < room ? (uint32_t)want : room;
    return n < room ? n : room;
}

/* Reads one group's networks behind those that stand already, IPv4 before IPv6. */
static int add_group(struct pool *p, const struct scenario *s, uint32_t group, double scale,
                     const char *where, struct err *err)
{
    struct list l = list_of(s, group);
    struct pool_group *g = &p->groups[group];
    g->first_net = p->n_nets;
    for (int v6 = 0; v6 < 2; v6++)
        for (unsigned i = 0; i < l.n; i++) {
            struct pool_net net = {.group = group};
            int rc = parse_net(&l, i, &net, where, err);
            if (rc < 0)
                return rc;
            if (group < p->n_ases)
                net.count = scaled_count(net.room, scale);
            if (net.v6 == (v6 == 1))
                p->nets[p->n_nets++] = net;
        }
    g->n_nets = p->n_nets - g->first_net;
    return 0;
}

static int lay_out(struct pool *p, const char *where, struct err *err)
{
    uint64_t at = 0;
    for (uint32_t k = 0; k <= p->n_groups; k++) {
        struct pool_group *g = &p->groups[k];
        if (k == p->n_ases)
            at = p->first_scanner = round64(at);
        if (k == p->n_ases + p->n_scanners)
            at = p->first_sandbox = round64(at);
        if (k == p->n_groups)
            break;
        g->base = (uint32_t)at;
        for (uint32_t i = g->first_net; i < g->first_net + g->n_nets; i++) {
            struct pool_net *net = &p->nets[i];
            net->base = (uint32_t)at;
            at += net->count;
            *(net->v6 ? &g->count6 : &g->count4) += net->count;
            if (at > SCENARIO_ADDRESSES_MAX)
                return err_set(err, -EINVAL, "scenario: networks: over %u addresses in all (%s)",
                               SCENARIO_ADDRESSES_MAX, where);
        }
    }
    p->n = round64(at);
    return 0;
}

int pool_new(const struct scenario *s, uint64_t seed, double scale, const char *where,
             struct pool **out, struct err *err)
{
    struct pool *p = calloc(1, sizeof *p);
    int rc = -ENOMEM;
    *out = NULL;
    if (!p)
        goto out;
    p->seed = seed;
    p->n_ases = s->ases_count;
    p->n_scanners = s->scanners_count;
    p->n_groups = s->ases_count + s->scanners_count + s->sandboxes_count;
    size_t nets = 0;
    for (uint32_t k = 0; k < p->n_groups; k++)
        nets += list_of(s, k).n;
    if (nets > SCENARIO_NETWORKS_MAX) {
        rc = err_set(err, -EINVAL, "scenario: networks: over %u prefixes (%s)",
                     SCENARIO_NETWORKS_MAX, where);
        goto out;
    }
    p->nets = calloc(nets ? nets : 1, sizeof *p->nets);
    p->groups = calloc(p->n_groups + 1, sizeof *p->groups);
    if (!p->nets || !p->groups)
        goto out;
    for (uint32_t k = 0; k < p->n_groups; k++)
        if ((rc = add_group(p, s, k, scale, where, err)) < 0)
            goto out;
    if ((rc = check_overlap(p, where, err)) < 0 || (rc = lay_out(p, where, err)) < 0)
        goto out;
    p->used = calloc(p->n / 64 + 1, sizeof *p->used);
    rc = p->used ? 0 : -ENOMEM;
out:
    if (rc == -ENOMEM)
        err_set(err, rc, "scenario: no memory for its networks (%s)", where);
    if (rc < 0) {
        pool_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    free(p->nets);
    free(p->groups);
    free(p->used);
    free(p->released);
    free(p);
}

static bool is_used(const struct pool *p, uint32_t a)
{
    return p->used[a / 64] >> (a % 64) & 1;
}

uint32_t pool_net_of(const struct pool *p, uint32_t group, uint32_t address)
{
    uint32_t low = p->groups[group].first_net, n = p->groups[group].n_nets;
    while (n > 1) {
        uint32_t half = n / 2;
        if (p->nets[low + half].base <= address) {
            low += half;
            n -= half;
        } else {
            n = half;
        }
    }
    return low;
}

/* A free one of base .. base+count-1: by chance first, and where the range is nearly full by
 * looking at every one from a place of chance on. */
static uint32_t find_free(const struct pool *p, uint32_t base, uint32_t count, struct rng *r)
{
    if (!count)
        return POOL_NONE;
    for (int i = 0; i < TRIES_MAX; i++) {
        uint32_t a = base + rng_below(r, count);
        if (!is_used(p, a))
            return a;
    }
    uint32_t from = rng_below(r, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t a = base + (uint32_t)(((uint64_t)from + i) % count);
        if (!is_used(p, a))
            return a;
    }
    return POOL_NONE;
}

uint32_t pool_take(struct pool *p, uint32_t group, bool v6, uint32_t *net, struct rng *r)
{
    const struct pool_group *g = &p->groups[group];
    uint32_t a = POOL_NONE;
    if (*net != POOL_NONE)
        a = find_free(p, p->nets[*net].base, p->nets[*net].count, r);
    if (a == POOL_NONE) {
        a = v6 ? find_free(p, g->base + g->count4, g->count6, r)
               : find_free(p, g->base, g->count4, r);
        if (a == POOL_NONE)
            return a;
        *net = pool_net_of(p, group, a);
    }
    p->used[a / 64] |= 1ull << (a % 64);
    return a;
}

void pool_release(struct pool *p, uint32_t address)
{
    if (p->n_released == p->cap_released) {
        size_t cap = p->cap_released ? p->cap_released * 2 : 4096;
        uint32_t *list = realloc(p->released, cap * sizeof *list);
        if (!list)
            return; /* it stays in use: fewer addresses to draw from, nothing wrong */
        p->released = list;
        p->cap_released = cap;
    }
    p->released[p->n_released++] = address;
}

void pool_day_end(struct pool *p)
{
    for (size_t i = 0; i < p->n_released; i++)
        p->used[p->released[i] / 64] &= ~(1ull << (p->released[i] % 64));
    p->n_released = 0;
}

struct ip pool_ip(const struct pool *p, uint32_t net, uint32_t address)
{
    const struct pool_net *n = &p->nets[net];
    uint32_t i = (uint32_t)((uint64_t)(address - n->base) * n->room / n->count);
    if (!n->v6) {
        uint32_t first = ip_v4(&n->net.ip);
        return ip_from_v4(n->net.bits <= 24 ? first + (i / HOSTS_A_24 << 8) + i % HOSTS_A_24 + 1
                                            : first + i + 1);
    }
    /* The /64s are scattered over the network: multiplying by an odd number permutes them. */
    struct ip ip = n->net.ip;
    unsigned width = 64 - n->net.bits;
    uint64_t subnet = (i * RNG_STEP) & ((1ull << width) - 1);
    struct rng r = rng_stream(p->seed, RNG_ADDRESS6, address, 0);
    be64_put(ip.b, be64_get(ip.b) | subnet);
    be64_put(ip.b + 8, rng_next(&r) & ~(1ull << 57)); /* no universal bit: RFC 4941 */
    return ip;
}
