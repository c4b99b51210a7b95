/* Made-up botnets with known truth, for what estimates hosts: lines whose leases end, in pools of
 * addresses that are used again, hosts behind them, contacts, cleaning, reinfection. It shares
 * nothing with the simulator in sim/, on purpose: an estimate has to work in more than one world.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "stat/hosts.h"
#include "stat/rng.h"

#define WORLD_DAYS_MAX  200
#define WORLD_ASES_MAX  64
#define WORLD_FIRST_DAY 15000

enum world_law { WORLD_ONE, WORLD_POISSON, WORLD_GEOMETRIC, WORLD_BEACON, WORLD_DEDUPED };

struct world_as {
    double weight;
    double lease_days; /* mean; 0: for ever */
    bool exact;        /* every 24 hours, at the line's own second of the day */
    double nat_share;  /* of hosts */
    unsigned nat_hosts;
    double pool; /* addresses a line of the start */
};

struct world {
    const char *name;
    unsigned hosts, days, ases;
    struct world_as as[WORLD_ASES_MAX];
    double active;        /* mean share of days with contact */
    double concentration; /* of the hosts' shares: Beta(active c, (1 - active) c); 0: all alike */
    double rate_spread;   /* sigma of the logarithm of a host's contacts; 0: all alike */
    double weekend;       /* factor of `active` on two days of seven */
    enum world_law law;
    double contacts;     /* mean on an active day */
    double shape, scale; /* Weibull cleaning; scale 0: never */
    double reinfection, reinfection_days;
    double births; /* new hosts a day, share of the start */
};

struct world_host {
    uint32_t line;
    float active, rate;
    float clean, born; /* day and its part */
};
struct world_line {
    uint32_t as, address;
    double renew;
    bool held;
};
struct world_record {
    uint32_t address;
    uint16_t day, contacts;
    uint32_t hours;
};

/* What is so, and what was seen. */
struct world_truth {
    unsigned days;
    double seen[WORLD_DAYS_MAX], alive[WORLD_DAYS_MAX];
    size_t n_hosts;
    uint64_t (*seen_bits)[(WORLD_DAYS_MAX + 63) / 64]; /* by host */
    struct world_record *records;                      /* by address, then by day */
    size_t n_records, cap_records;
    uint32_t *address_as;
    size_t n_addresses;
};

static double world_exponential(struct rng *r, double mean)
{
    return -mean * log(1 - rng_unit(r));
}

static unsigned world_poisson(struct rng *r, double mean)
{
    if (mean > 50) {
        double x = mean + sqrt(mean) * rng_normal(r) + 0.5;
        return x < 0 ? 0 : (unsigned)x;
    }
    double limit = exp(-mean), product = rng_unit(r);
    unsigned n = 0;
    while (product > limit) {
        n++;
        product *= rng_unit(r);
    }
    return n;
}

/* Marsaglia, Tsang 2000; below 1 by Johnk's power. */
static double world_gamma(struct rng *r, double a)
{
    if (a < 1)
        return world_gamma(r, a + 1) * pow(1 - rng_unit(r), 1 / a);
    double d = a - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = rng_normal(r), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(1 - rng_unit(r)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

static double world_lifetime(const struct world *w, struct rng *r)
{
    if (w->scale <= 0)
        return 1e6;
    return w->scale * pow(-log(1 - rng_unit(r)), 1 / w->shape);
}

struct world_run {
    const struct world *w;
    struct rng r;
    struct world_host *hosts;
    struct world_line *lines;
    size_t n_hosts, n_lines;
    size_t pool_first[WORLD_ASES_MAX], pool_size[WORLD_ASES_MAX];
    bool *used;
    struct world_truth *t;
};

static void world_people(struct world_run *x, unsigned as, unsigned n)
{
    const struct world_as *a = &x->w->as[as];
    unsigned left = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!left) {
            /* A line behind NAT is drawn with the odds that makes its share one of hosts. */
            double q = a->nat_share / (a->nat_share + (1 - a->nat_share) * a->nat_hosts);
            left = rng_unit(&x->r) < q ? a->nat_hosts : 1;
            x->lines[x->n_lines++] = (struct world_line){.as = as};
        }
        left--;
        struct world_host *h = &x->hosts[x->n_hosts++];
        double p = x->w->active;
        if (x->w->concentration > 0) {
            double g = world_gamma(&x->r, p * x->w->concentration),
                   k = world_gamma(&x->r, (1 - p) * x->w->concentration);
            p = g / (g + k);
        }
        *h = (struct world_host){.line = (uint32_t)x->n_lines - 1, .active = (float)p};
        double s = x->w->rate_spread;
        h->rate = (float)exp(s * rng_normal(&x->r) - s * s / 2);
        h->clean = (float)world_lifetime(x->w, &x->r);
    }
}

static void world_lease(struct world_run *x, struct world_line *l, double now)
{
    const struct world_as *a = &x->w->as[l->as];
    size_t first = x->pool_first[l->as], size = x->pool_size[l->as], at = 0;
    bool was = l->held, found = false;
    for (int tries = 0; tries < 100 && !found; tries++) {
        at = first + rng_below(&x->r, size);
        found = !x->used[at];
    }
    if (found) {
        if (was)
            x->used[l->address] = false;
        x->used[at] = true;
        l->address = (uint32_t)at;
        l->held = true;
    }
    if (a->lease_days <= 0)
        l->renew = 1e9;
    else if (a->exact)
        l->renew = was ? now + 1 : now + rng_unit(&x->r);
    else
        l->renew = now + world_exponential(&x->r, a->lease_days);
}

/* The times of a host's contacts on a day, as parts of it. */
static unsigned world_contacts(struct world_run *x, const struct world_host *h, double *at,
                               unsigned most)
{
    const struct world *w = x->w;
    unsigned n = 1;
    if (w->law == WORLD_POISSON || w->law == WORLD_DEDUPED)
        n += world_poisson(&x->r, (w->contacts * h->rate > 1 ? w->contacts * h->rate - 1 : 0));
    if (w->law == WORLD_GEOMETRIC)
        n += (unsigned)floor(log(1 - rng_unit(&x->r)) / log(1 - 1 / (w->contacts + 1e-9)));
    if (w->law == WORLD_BEACON) {
        /* Switched on for some hours; `contacts` in the mean of six hours. */
        double hours = 1 + 10 * rng_unit(&x->r) * h->rate, from = rng_unit(&x->r);
        hours = hours > 23 ? 23 : hours;
        n = (unsigned)(hours * w->contacts / 6 + 0.5);
        n = n ? n : 1;
        for (unsigned i = 0; i < n && i < most; i++) {
            double t = from + hours / 24 * i / n;
            at[i] = t - floor(t);
        }
        return n < most ? n : most;
    }
    n = n < most ? n : most;
    for (unsigned i = 0; i < n; i++)
        at[i] = rng_unit(&x->r);
    return n;
}

static void world_record(struct world_truth *t, uint32_t address, unsigned day, double at)
{
    uint32_t hour = 1u << (unsigned)(at * 24);
    for (size_t i = t->n_records; i-- > 0 && t->n_records - i < 64;) {
        struct world_record *r = &t->records[i];
        if (r->address == address && r->day == day) {
            r->contacts++;
            r->hours |= hour;
            return;
        }
    }
    t->records = mem_room(t->records, t->n_records, &t->cap_records, sizeof *t->records);
    t->records[t->n_records++] = (struct world_record){address, (uint16_t)day, 1, hour};
}

static void world_line_day(struct world_run *x, size_t line, size_t host, size_t end, unsigned day)
{
    struct world_line *l = &x->lines[line];
    double at[512];
    uint32_t spell[64];
    double since[64];
    unsigned spells = 0;
    bool any = false;
    for (size_t i = host; i < end; i++)
        any |= x->hosts[i].clean > day && x->hosts[i].born < day + 1;
    if (!any) {
        if (l->held)
            x->used[l->address] = false;
        l->held = false;
        return;
    }
    if (!l->held)
        world_lease(x, l, day);
    spell[0] = l->address;
    since[spells++] = 0;
    while (l->renew < day + 1 && spells < 64) {
        double when = l->renew < day ? day : l->renew;
        world_lease(x, l, when);
        spell[spells] = l->address;
        since[spells++] = when - day;
    }
    bool weekend = x->w->weekend > 0 && day % 7 >= 5;
    for (size_t i = host; i < end; i++) {
        struct world_host *h = &x->hosts[i];
        if (h->clean <= day || h->born >= day + 1)
            continue;
        x->t->alive[day]++;
        bool seen = false;
        unsigned n = rng_unit(&x->r) < h->active * (weekend ? x->w->weekend : 1)
                         ? world_contacts(x, h, at, 512)
                         : 0;
        for (unsigned c = 0; c < n; c++) {
            if (day + at[c] >= h->clean)
                continue;
            unsigned s = spells - 1;
            while (s && since[s] > at[c])
                s--;
            world_record(x->t, spell[s], day, at[c]);
            seen = true;
        }
        if (seen) {
            x->t->seen[day]++;
            x->t->seen_bits[i][day / 64] |= UINT64_C(1) << day % 64;
        }
        if (h->clean < day + 1 && rng_unit(&x->r) < x->w->reinfection) {
            h->born = (float)(day + 1 + floor(world_exponential(&x->r, x->w->reinfection_days)));
            h->clean = (float)(h->born + world_lifetime(x->w, &x->r));
        }
    }
}

static int world_order(const void *a, const void *b)
{
    const struct world_record *x = a, *y = b;
    return x->address != y->address ? x->address < y->address ? -1 : 1 : x->day - y->day;
}

static void world_make(const struct world *w, uint64_t seed, struct world_truth *t)
{
    struct world_run x = {.w = w, .t = t};
    rng_seed(&x.r, seed);
    *t = (struct world_truth){.days = w->days};
    x.hosts = mem_zeroed((size_t)w->hosts * 2 + WORLD_ASES_MAX, sizeof *x.hosts);
    x.lines = mem_zeroed((size_t)w->hosts * 2 + WORLD_ASES_MAX, sizeof *x.lines);
    double weights = 0;
    for (unsigned a = 0; a < w->ases; a++)
        weights += w->as[a].weight;
    size_t addresses = 0;
    for (unsigned a = 0; a < w->ases; a++) {
        size_t before = x.n_lines;
        unsigned n = (unsigned)(w->hosts * w->as[a].weight / weights + 0.5);
        world_people(&x, a, n);
        size_t host = x.n_hosts;
        world_people(&x, a, (unsigned)(n * w->births * w->days));
        for (size_t i = host; i < x.n_hosts; i++) {
            x.hosts[i].born = (float)(rng_unit(&x.r) * w->days);
            x.hosts[i].clean += x.hosts[i].born;
        }
        x.pool_first[a] = addresses;
        x.pool_size[a] = (size_t)((double)(x.n_lines - before) * w->as[a].pool) + 16;
        addresses += x.pool_size[a];
    }
    t->n_hosts = x.n_hosts;
    t->n_addresses = addresses;
    t->seen_bits = mem_zeroed(x.n_hosts, sizeof *t->seen_bits);
    t->address_as = mem_zeroed(addresses, sizeof *t->address_as);
    for (unsigned a = 0; a < w->ases; a++)
        for (size_t i = 0; i < x.pool_size[a]; i++)
            t->address_as[x.pool_first[a] + i] = a;
    x.used = mem_zeroed(addresses, sizeof *x.used);
    for (unsigned day = 0; day < w->days; day++) {
        size_t host = 0;
        for (size_t l = 0; l < x.n_lines; l++) {
            size_t end = host;
            while (end < x.n_hosts && x.hosts[end].line == l)
                end++;
            world_line_day(&x, l, host, end, day);
            host = end;
        }
    }
    qsort(t->records, t->n_records, sizeof *t->records, world_order);
    /* The same address and day, met by two lines. */
    size_t n = 0;
    for (size_t i = 0; i < t->n_records; i++) {
        struct world_record *r = &t->records[i];
        if (n && t->records[n - 1].address == r->address && t->records[n - 1].day == r->day) {
            t->records[n - 1].contacts = (uint16_t)(t->records[n - 1].contacts + r->contacts);
            t->records[n - 1].hours |= r->hours;
        } else
            t->records[n++] = *r;
    }
    t->n_records = n;
    if (w->law == WORLD_DEDUPED)
        for (size_t i = 0; i < n; i++)
            t->records[i].contacts = 1;
    free(x.used);
    free(x.hosts);
    free(x.lines);
}

static void world_free(struct world_truth *t)
{
    free(t->records);
    free(t->seen_bits);
    free(t->address_as);
}

/* Hosts that made contact on one of the days since .. until, from 0. */
static double world_seen(const struct world_truth *t, unsigned since, unsigned until)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_hosts; i++) {
        bool any = false;
        for (unsigned d = since; d <= until && !any; d++)
            any = t->seen_bits[i][d / 64] >> d % 64 & 1;
        n += any;
    }
    return (double)n;
}

/* All addresses into an accumulator; countries are ASes by four. */
static void world_feed(const struct world_truth *t, struct hosts *h)
{
    uint16_t days[WORLD_DAYS_MAX], contacts[WORLD_DAYS_MAX];
    uint32_t hours[WORLD_DAYS_MAX];
    for (size_t i = 0; i < t->n_records;) {
        size_t n = 0;
        uint32_t address = t->records[i].address, as = t->address_as[address];
        for (; i < t->n_records && t->records[i].address == address; i++, n++) {
            days[n] = (uint16_t)(t->records[i].day + WORLD_FIRST_DAY);
            contacts[n] = t->records[i].contacts;
            hours[n] = t->records[i].hours;
        }
        struct rng mix;
        rng_seed(&mix, address);
        hosts_address(h, &(struct hosts_row){.key = rng_next(&mix),
                                             .as = as,
                                             .country = as / 4,
                                             .days = days,
                                             .contacts = contacts,
                                             .hours = hours,
                                             .n = n});
    }
}
