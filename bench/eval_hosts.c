/* How well hosts are estimated: made-up botnets with known truth, many mixes, several seeds. Prints
 * for each mix the median error of hosts over a day, a week and all, how often the 95% interval has
 * the truth, how wide it is, and how wrong the distinct addresses are. An evaluation: not timed.
 *   eval_hosts [SEEDS [MIX [HOSTS [FIRST]]]]  */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stat/test_world.h"

struct mix {
    const char *name;
    struct world base;
    double nat, nat_most; /* share of hosts, and hosts behind one address */
    double lease_least, lease_most;
    bool changes; /* no network keeps addresses */
    bool crowded; /* lines with infected hosts have a good part of a network's addresses */
};

static const struct mix mixes[] = {
    /* Of each: share of hosts behind NAT, hosts of such a line, mean days of a lease. */
    {"renumbering", {.law = WORLD_POISSON}, 0, 1, 0.5, 10, false, false},
    {"renumbering, one contact", {.law = WORLD_ONE}, 0, 1, 0.5, 10, false, false},
    {"renumbering, geometric", {.law = WORLD_GEOMETRIC}, 0, 1, 0.5, 10, false, false},
    {"renumbering, beacons", {.law = WORLD_BEACON}, 0, 1, 0.5, 10, false, false},
    {"renumbering, daily", {.law = WORLD_POISSON}, 0, 1, 0.9, 1.1, true, false},
    {"renumbering, weekends", {.law = WORLD_POISSON, .weekend = 0.6}, 0, 1, 0.5, 10, false, false},
    {"renumbering, reinfection",
     {.law = WORLD_POISSON, .reinfection = 0.2, .reinfection_days = 5},
     0,
     1,
     0.5,
     10,
     false,
     false},
    {"NAT", {.law = WORLD_POISSON}, 0.4, 8, 0.5, 10, false, false},
    {"NAT, one contact", {.law = WORLD_ONE}, 0.4, 8, 0.5, 10, false, false},
    {"NAT, geometric", {.law = WORLD_GEOMETRIC}, 0.4, 8, 0.5, 10, false, false},
    {"NAT, beacons", {.law = WORLD_BEACON}, 0.4, 8, 0.5, 10, false, false},
    {"NAT, heavy", {.law = WORLD_POISSON}, 0.9, 40, 0.5, 5, false, false},
    {"NAT, reinfection",
     {.law = WORLD_POISSON, .reinfection = 0.2, .reinfection_days = 5},
     0.4,
     8,
     0.5,
     10,
     false,
     false},
    {"NAT, weekends", {.law = WORLD_POISSON, .weekend = 0.6}, 0.4, 8, 0.5, 10, false, false},
    {"NAT, daily", {.law = WORLD_POISSON}, 0.4, 6, 0.9, 1.1, true, false},
    {"beyond: crowded pools", {.law = WORLD_POISSON}, 0, 1, 0.5, 10, false, true},
    {"beyond: crowded pools, NAT", {.law = WORLD_POISSON}, 0.4, 8, 0.5, 10, false, true},
    {"beyond: crowded, daily", {.law = WORLD_POISSON}, 0, 1, 0.4, 1.5, true, true},
    {"beyond: crowded, daily, NAT", {.law = WORLD_POISSON}, 0.4, 6, 0.4, 1.5, true, true},
    {"beyond: active differs",
     {.law = WORLD_POISSON, .concentration = 5},
     0,
     1,
     0.5,
     10,
     false,
     false},
    {"beyond: active differs, NAT",
     {.law = WORLD_POISSON, .concentration = 5},
     0.4,
     8,
     0.5,
     10,
     false,
     false},
    {"beyond: contacts differ",
     {.law = WORLD_POISSON, .rate_spread = 0.5},
     0,
     1,
     0.5,
     10,
     false,
     false},
    {"beyond: contacts differ, NAT",
     {.law = WORLD_POISSON, .rate_spread = 0.5},
     0.4,
     8,
     0.5,
     10,
     false,
     false},
    {"beyond: a row an address, day", {.law = WORLD_DEDUPED}, 0, 1, 0.5, 10, false, false},
    {"beyond: the same, NAT", {.law = WORLD_DEDUPED}, 0.4, 8, 0.5, 10, false, false},
    {"beyond: new hosts", {.law = WORLD_POISSON, .births = 0.005}, 0, 1, 0.5, 10, false, false},
};

static double between(struct rng *r, double a, double b)
{
    return a * exp(rng_unit(r) * log(b / a));
}

static struct world world_of(const struct mix *m, uint64_t seed, unsigned hosts)
{
    struct world w = m->base;
    struct rng r;
    rng_seed(&r, seed * 7919 + 13);
    w.hosts = hosts;
    w.days = 40 + (unsigned)rng_below(&r, 60);
    w.ases = 8 + (unsigned)rng_below(&r, 20);
    w.active = 0.35 + 0.55 * rng_unit(&r);
    w.contacts = w.law == WORLD_BEACON ? between(&r, 12, 60) : between(&r, 1.5, 8);
    w.shape = between(&r, 0.6, 1.2);
    w.scale = between(&r, 30, 200);
    for (unsigned i = 0; i < w.ases; i++) {
        struct world_as *a = &w.as[i];
        a->weight = between(&r, 0.1, 1);
        a->lease_days = between(&r, m->lease_least, m->lease_most);
        a->exact = rng_unit(&r) < 0.15;
        if (!m->changes && i % 5 == 4) { /* cable: as good as fixed */
            a->lease_days = i % 10 == 4 ? 60 : 0;
            a->exact = false;
        }
        a->nat_share = m->nat > 0 ? fmin(0.97, m->nat * 2 * rng_unit(&r)) : 0;
        a->nat_hosts = 2 + (unsigned)rng_below(&r, (uint64_t)m->nat_most - (m->nat_most > 1));
        a->pool = m->crowded ? between(&r, 2, 8) : between(&r, 8, 40);
    }
    return w;
}

struct score {
    double *error, *bias, *width, *ratio;
    size_t n, cap, cap2, cap3, cap4, covered;
};

static void add(struct score *s, struct hosts_number x, double truth, double addresses)
{
    if (truth < 20)
        return;
    s->error = mem_room(s->error, s->n, &s->cap, sizeof *s->error);
    s->bias = mem_room(s->bias, s->n, &s->cap2, sizeof *s->bias);
    s->width = mem_room(s->width, s->n, &s->cap3, sizeof *s->width);
    s->ratio = mem_room(s->ratio, s->n, &s->cap4, sizeof *s->ratio);
    s->error[s->n] = fabs(x.value / truth - 1);
    s->bias[s->n] = x.value / truth - 1;
    s->width[s->n] = (x.high - x.low) / truth;
    s->ratio[s->n] = addresses / truth;
    s->covered += x.low <= truth * 1.0000001 && x.high >= truth * 0.9999999;
    s->n++;
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
static double middle(double *x, size_t n)
{
    if (!n)
        return NAN;
    qsort(x, n, sizeof *x, order);
    return x[n / 2];
}

static void print(const struct score *s)
{
    printf(" | %5.1f %+5.1f %4.0f%% %5.1f", 100 * middle(s->error, s->n),
           100 * middle(s->bias, s->n), s->n ? 100. * (double)s->covered / (double)s->n : 0,
           100 * middle(s->width, s->n));
}
static void drop(struct score *s)
{
    free(s->error);
    free(s->bias);
    free(s->width);
    free(s->ratio);
}

int main(int argc, char **argv)
{
    unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10;
    const char *only = argc > 2 && argv[2][0] ? argv[2] : NULL;
    unsigned hosts = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 4000;
    unsigned first = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1;
    bool talk = getenv("EVAL_TALK") != NULL;
    printf("%-30s | %-22s | %-22s | %-22s | %-22s | addresses/hosts, all\n",
           "error bias cover width, %", "day", "week", "all", "alive");
    for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++) {
        struct score day = {0}, week = {0}, all = {0}, alive = {0};
        if (only && !strstr(mixes[i].name, only))
            continue;
        clock_t spent = 0;
        for (unsigned seed = first; seed < first + seeds; seed++) {
            struct world w = world_of(&mixes[i], seed * 100 + i, hosts);
            struct world_truth t;
            world_make(&w, seed * 1000 + i, &t);
            clock_t from = clock();
            struct hosts *h =
                hosts_begin(WORLD_FIRST_DAY, WORLD_FIRST_DAY + w.days - 1, w.ases, w.ases / 4 + 1);
            world_feed(&t, h);
            struct hosts_fit *f = hosts_fit(h, &(struct hosts_options){.seed = seed});
            spent += clock() - from;
            struct hosts_range range;
            hosts_range(f, WORLD_FIRST_DAY, WORLD_FIRST_DAY + w.days - 1, &range);
            double truth = world_seen(&t, 0, w.days - 1);
            add(&all, range.seen, truth, (double)range.addresses);
            if (talk) {
                const struct hosts_params *p = hosts_params(f);
                double active = 0;
                for (unsigned d = 0; d < w.days; d++)
                    active += t.seen[d];
                double m = 0;
                for (unsigned d = 0; d < w.days; d++)
                    m += t.alive[d];
                double contacts = 0;
                for (size_t k = 0; k < t.n_records; k++)
                    contacts += t.records[k].contacts;
                printf(
                    "# seed %u days %u: %s m %.3f [%.3f %.3f] true %.3f  p %.3f [%.3f %.3f] true "
                    "%.3f  nat %.2f runs %zu days %zu ren %.1f beacon %.1f per %.2f all %.0f [%.0f "
                    "%.0f] "
                    "true %.0f\n",
                    seed, w.days, hosts_method_name(p->method), p->contacts.value, p->contacts.low,
                    p->contacts.high, contacts / active, p->active.value, p->active.low,
                    p->active.high, w.active * (w.weekend > 0 ? (5 + 2 * w.weekend) / 7 : 1),
                    p->nat_share, p->runs, p->windows, p->renumber_days.value, p->beacon,
                    p->per_address.value, range.seen.value, range.seen.low, range.seen.high, truth);
            }
            for (unsigned d = 0; d < w.days; d += 5) {
                struct hosts_day x;
                hosts_day(f, WORLD_FIRST_DAY + d, &x);
                add(&day, x.seen, t.seen[d], (double)x.addresses);
                add(&alive, x.alive, t.alive[d], (double)x.addresses);
            }
            for (unsigned d = 0; d + 7 <= w.days; d += 7) {
                hosts_range(f, WORLD_FIRST_DAY + d, WORLD_FIRST_DAY + d + 6, &range);
                add(&week, range.seen, world_seen(&t, d, d + 6), (double)range.addresses);
            }
            hosts_fit_free(f);
            hosts_free(h);
            world_free(&t);
        }
        printf("%-30s", mixes[i].name);
        print(&day);
        print(&week);
        print(&all);
        print(&alive);
        printf(" | %.1f  (%.2f s)\n", middle(all.ratio, all.n),
               (double)spent / CLOCKS_PER_SEC / seeds);
        fflush(stdout);
        drop(&day), drop(&week), drop(&all), drop(&alive);
    }
    return 0;
}
