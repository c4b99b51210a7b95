#include "sim/pool.h"

#include "base/tap.h"

static const char yaml[] =
    "start: 2024-01-01\ndays: 3\nhosts: 1\n"
    "survival: {curve: never}\nactivity: {daily: 1}\n"
    "sensors: [192.0.2.1, '2001:db8::1']\n"
    "families: [{name: x, kind: http, host: a.example, path: /}]\n"
    "ases:\n"
    "  - {asn: 1, country: DE, weight: 1, ipv6: 0.5,\n"
    "     networks: ['2001:db8:100::/56', 10.0.0.0/22, 10.9.0.0/28]}\n"
    "  - {asn: 2, country: FR, weight: 1, networks: [10.4.0.0/24]}\n"
    "scanners: [{asn: 3, country: US, count: 1, behaviour: probe, networks: [203.0.113.0/24]}]\n";

struct fixture {
    struct scenario *s;
    struct pool *p;
};

static bool open_at(struct fixture *f, double scale)
{
    struct err err = {0};
    *f = (struct fixture){0};
    if (scenario_load(span_str(yaml), "test", &f->s, &err) == 0 &&
        pool_new(f->s, 5, scale, "test", &f->p, &err) == 0)
        return true;
    printf("# %s\n", err.text);
    return false;
}

static void close_it(struct fixture *f)
{
    pool_free(f->p);
    scenario_free(f->s);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ip));
}

/* Every index is another address, inside its network, and none is a .0 or .255. */
static void check_addresses(const struct fixture *f, const char *what)
{
    struct ip *all = calloc(f->p->n, sizeof *all);
    uint32_t n = 0, outside = 0, edge = 0, wrong_net = 0;
    for (uint32_t k = 0; all && k < f->p->n_nets; k++) {
        const struct pool_net *net = &f->p->nets[k];
        for (uint32_t a = net->base; a < net->base + net->count; a++) {
            struct ip ip = all[n++] = pool_ip(f->p, k, a);
            struct net of = net_of(&ip, net->net.bits);
            outside += memcmp(&of.ip, &net->net.ip, sizeof ip) != 0;
            edge += !net->v6 && (ip.b[15] == 0 || ip.b[15] == 255);
            wrong_net += pool_net_of(f->p, net->group, a) != k;
        }
    }
    is_int(outside, 0);
    is_int(edge, 0);
    is_int(wrong_net, 0);
    if (all)
        qsort(all, n, sizeof *all, by_bytes);
    uint32_t same = 0;
    for (uint32_t i = 1; i < n; i++)
        same += memcmp(&all[i - 1], &all[i], sizeof *all) == 0;
    ok(n > 0 && same == 0, "distinct");
    printf("# %s: %u addresses\n", what, n);
    free(all);
}

static void test_layout(void)
{
    struct fixture f;
    if (!ok(open_at(&f, 1), "laid out"))
        return;
    is_int(f.p->groups[0].count4, 4 * 254 + 14); /* a /22 and a /28 without their edges */
    is_int(f.p->groups[0].count6, 256);          /* the /64s of a /56 */
    is_int(f.p->groups[1].count4, 254);
    ok(f.p->first_scanner % 64 == 0 && f.p->first_sandbox % 64 == 0, "roles are apart");
    check_addresses(&f, "scale 1");
    close_it(&f);
    if (!ok(open_at(&f, 0.3), "laid out at 0.3"))
        return;
    is_int(f.p->groups[0].count4, 305 + 14); /* 0.3 of 1016; 14 are fewer than are kept */
    check_addresses(&f, "scale 0.3");
    close_it(&f);
}

static void test_take(void)
{
    struct fixture f;
    if (!open_at(&f, 1))
        return;
    struct rng r = rng_stream(1, RNG_LEASE, 0, 0);
    uint8_t *had = calloc(f.p->n, 1);
    uint32_t twice = 0, n, first = POOL_NONE;
    for (n = 0;; n++) {
        uint32_t net = POOL_NONE, a = pool_take(f.p, 1, false, &net, &r);
        if (a == POOL_NONE)
            break;
        twice += had[a]++;
        first = n ? first : a;
    }
    is_int(n, 254); /* to the very last one, each once */
    is_int(twice, 0);
    uint32_t net = POOL_NONE;
    pool_release(f.p, first);
    ok(pool_take(f.p, 1, false, &net, &r) == POOL_NONE, "given back today: still in use today");
    pool_day_end(f.p);
    ok(pool_take(f.p, 1, false, &net, &r) == first, "free again on the next day");
    uint32_t small = pool_net_of(f.p, 0, f.p->groups[0].base + f.p->groups[0].count4 - 1);
    for (n = 0; n < 14; n++) {
        net = small;
        pool_take(f.p, 0, false, &net, &r);
        if (net != small)
            break;
    }
    is_int(n, 14);
    net = small;
    ok(pool_take(f.p, 0, false, &net, &r) != POOL_NONE && net != small,
       "a full network falls back to the AS's others");
    net = POOL_NONE;
    uint32_t a6 = pool_take(f.p, 0, true, &net, &r);
    ok(a6 != POOL_NONE && f.p->nets[net].v6, "IPv6 when asked");
    free(had);
    close_it(&f);
}

int main(void)
{
    test_layout();
    test_take();
    return tap_done();
}
