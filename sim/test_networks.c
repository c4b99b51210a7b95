/* The bundled scenarios' networks against libloc's database: each prefix must have, in all its
 * parts, the AS and the country that the scenario gives it, so that enrichment by that database
 * finds what the feed says. The file is EBB_LOCATION_DB, else Debian's. */
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <libloc/network.h>

#include <time.h>

#include "base/tap.h"
#include "sim/pool.h"

struct db {
    struct loc_ctx *ctx;
    struct loc_database *db;
};

static bool is_of(struct loc_network *n, const struct scenario_as *as)
{
    return loc_network_get_asn(n) == as->asn && loc_network_matches_country_code(n, as->country);
}

/* The most specific network for each /24 (IPv6: for the first address). */
static unsigned wrong_places(const struct db *d, const struct pool_net *net,
                             const struct scenario_as *as)
{
    unsigned wrong = 0, step = net->v6 || net->net.bits > 24 ? 1 : 1u << (24 - net->net.bits);
    for (unsigned i = 0; i < step; i++) {
        struct ip ip = net->v6 ? net->net.ip : ip_from_v4(ip_v4(&net->net.ip) + i * 256);
        struct in6_addr a;
        struct loc_network *found = NULL;
        memcpy(&a, ip.b, 16);
        if (loc_database_lookup(d->db, &a, &found) != 0 || !found || !is_of(found, as))
            wrong++;
        if (found)
            loc_network_unref(found);
    }
    return wrong;
}

struct range {
    struct ip first, last;
    const struct scenario_as *as;
};

static int by_first(const void *a, const void *b)
{
    return memcmp(&((const struct range *)a)->first, &((const struct range *)b)->first, 16);
}

static struct range *ranges_of(const struct scenario *s, const struct pool *p, unsigned *n)
{
    struct range *list = calloc(p->n_nets ? p->n_nets : 1, sizeof *list);
    *n = 0;
    for (uint32_t i = 0; list && i < p->n_nets; i++) {
        const struct pool_net *net = &p->nets[i];
        if (net->group >= p->n_ases)
            continue;
        struct range *r = &list[(*n)++];
        r->first = r->last = net->net.ip;
        r->as = &s->ases[net->group];
        for (unsigned bit = net->net.bits + (net->v6 ? 0 : 96); bit < 128; bit++)
            r->last.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    }
    if (list)
        qsort(list, *n, sizeof *list, by_first);
    return list;
}

static bool lies_in(const struct range *r, const struct in6_addr *a)
{
    return memcmp(a, r->first.b, 16) >= 0 && memcmp(a, r->last.b, 16) <= 0;
}

/* The range that could hold the address: the last that does not begin behind it. */
static const struct range *range_at(const struct range *ranges, unsigned n,
                                    const struct in6_addr *a)
{
    unsigned low = 0, high = n;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (memcmp(ranges[mid].first.b, a, 16) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? &ranges[low - 1] : NULL;
}

/* What the database says of the address right behind a network. */
static bool holds_behind(const struct db *d, const struct range *r, const struct in6_addr *last)
{
    struct in6_addr next = *last;
    struct loc_network *found = NULL;
    for (int i = 15; i >= 0 && ++next.s6_addr[i] == 0;)
        i--;
    if (!lies_in(r, &next))
        return true;
    bool holds = loc_database_lookup(d->db, &next, &found) == 0 && found && is_of(found, r->as);
    if (found)
        loc_network_unref(found);
    return holds;
}

/* Places smaller than a /24: the database's networks inside ours, and what follows on each. (A
 * larger one of another AS is allowed where smaller ones overrule it all, as wrong_places() sees.)
 */
static unsigned wrong_inside(const struct db *d, const struct range *ranges, unsigned n)
{
    struct loc_database_enumerator *e;
    struct loc_network *net;
    unsigned wrong = 0;
    if (loc_database_enumerator_new(&e, d->db, LOC_DB_ENUMERATE_NETWORKS, 0) != 0)
        return 1;
    while (loc_database_enumerator_next_network(e, &net) == 0 && net) {
        const struct in6_addr *first = loc_network_get_first_address(net);
        const struct in6_addr *last = loc_network_get_last_address(net);
        const struct range *r = range_at(ranges, n, first);
        if (r && lies_in(r, first) && lies_in(r, last)) {
            bool small = loc_network_prefix(net) > 24;
            if ((small && !is_of(net, r->as)) || !holds_behind(d, r, last)) {
                printf("# %s: not all of AS%u\n", loc_network_str(net), r->as->asn);
                wrong++;
            }
        }
        loc_network_unref(net);
    }
    loc_database_enumerator_unref(e);
    return wrong;
}

static void check(const struct db *d, const struct scenario_bundled *b)
{
    struct scenario *s = NULL;
    struct pool *p = NULL;
    struct err err = {0};
    unsigned wrong = 0, n;
    if (scenario_load(span_of(b->yaml, b->len), b->name, &s, &err) == 0 &&
        pool_new(s, 1, 1, b->name, &p, &err) == 0) {
        for (uint32_t i = 0; i < p->n_nets; i++)
            if (p->nets[i].group < p->n_ases)
                wrong += wrong_places(d, &p->nets[i], &s->ases[p->nets[i].group]);
        is_int(wrong, 0);
        struct range *ranges = ranges_of(s, p, &n);
        is_int(wrong_inside(d, ranges, n), 0);
        printf("# %s: %u ASes, %u networks\n", b->name, s->ases_count, n);
        free(ranges);
    } else {
        ok(0, "loads");
    }
    pool_free(p);
    scenario_free(s);
}

int main(void)
{
    const char *path = getenv("EBB_LOCATION_DB");
    struct db d = {0};
    FILE *f = fopen(path ? path : "/usr/share/libloc-location/location.db", "r");
    if (!f) {
        tap_skip("networks", "libloc's database is not here");
        return tap_done();
    }
    if (!ok(loc_new(&d.ctx) == 0 && loc_database_new(d.ctx, &d.db, f) == 0, "database opens"))
        return tap_done();
    time_t made = loc_database_created_at(d.db);
    char date[32];
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&made));
    printf("# database of %s\n", date);
    if (strcmp(date, "2022-10-29") != 0 && !path) {
        tap_skip("networks", "the database is not the one that the networks were taken from");
    } else {
        for (const struct scenario_bundled *b = scenario_bundled; b->name; b++)
            check(&d, b);
    }
    loc_database_unref(d.db);
    loc_unref(d.ctx);
    fclose(f);
    return tap_done();
}
