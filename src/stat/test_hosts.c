#include "stat/hosts.h"

#include <math.h>

#include "base/tap.h"
#include "stat/test_world.h"

#define LAST(w) (WORLD_FIRST_DAY + (w)->days - 1)

static struct hosts *begin(const struct world *w)
{
    return hosts_begin(WORLD_FIRST_DAY, LAST(w), w->ases, w->ases / 4 + 1);
}

/* Twelve networks: most change addresses within days, some daily, two hardly. */
static struct world world_plain(void)
{
    struct world w = {.hosts = 3000,
                      .days = 56,
                      .ases = 12,
                      .active = 0.65,
                      .law = WORLD_POISSON,
                      .contacts = 3,
                      .shape = 0.8,
                      .scale = 70};
    for (unsigned i = 0; i < w.ases; i++)
        w.as[i] = (struct world_as){.weight = 1 + i % 3,
                                    .lease_days = i < 2 ? 60 : 0.6 + 0.7 * i,
                                    .exact = i == 5,
                                    .nat_hosts = 2 + i % 4,
                                    .pool = 12};
    return w;
}

struct score {
    double worst, sum, n, covered;
};
static void score(struct score *s, struct hosts_number x, double truth)
{
    double e = fabs(x.value / truth - 1);
    s->worst = fmax(s->worst, e);
    s->sum += e;
    s->n++;
    s->covered += x.low <= truth && truth <= x.high;
}

/* Days, weeks and all of a world against its truth. */
static void estimates(const char *name, const struct world *w, double by)
{
    struct score day = {0}, week = {0}, all = {0};
    double addresses = 0;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct world_truth t;
        struct hosts_range r;
        world_make(w, seed, &t);
        struct hosts *h = begin(w);
        world_feed(&t, h);
        struct hosts_fit *f = hosts_fit(h, &(struct hosts_options){.seed = 1, .replicates = 200});
        for (unsigned d = 0; d < w->days; d++) {
            struct hosts_day x;
            hosts_day(f, WORLD_FIRST_DAY + d, &x);
            score(&day, x.seen, t.seen[d]);
        }
        for (unsigned d = 0; d + 7 <= w->days; d += 7) {
            hosts_range(f, WORLD_FIRST_DAY + d, WORLD_FIRST_DAY + d + 6, &r);
            score(&week, r.seen, world_seen(&t, d, d + 6));
        }
        hosts_range(f, WORLD_FIRST_DAY, LAST(w), &r);
        double truth = world_seen(&t, 0, w->days - 1);
        score(&all, r.seen, truth);
        addresses += (double)r.addresses / truth / 2;
        hosts_fit_free(f);
        hosts_free(h);
        world_free(&t);
    }
    printf("# %s: day %.1f%%, week %.1f%%, all %.1f%% off; addresses are %.1f times the hosts\n",
           name, 100 * day.sum / day.n, 100 * week.sum / week.n, 100 * all.sum / all.n, addresses);
    ok(day.sum / day.n < by, "hosts of a day");
    ok(week.sum / week.n < by, "hosts of a week");
    ok(all.sum / all.n < by, "hosts of the whole range");
    ok(day.covered / day.n >= 0.93 && week.covered / week.n >= 0.93 && all.covered >= all.n - 0.5,
       "the intervals have the truth");
    ok(addresses > 1.9, "where addresses say twice as many and more");
}

static void test_worlds(void)
{
    struct world w = world_plain();
    estimates("renumbering", &w, 0.05);
    w.law = WORLD_ONE;
    estimates("renumbering, one contact a day", &w, 0.05);
    w = world_plain();
    w.reinfection = 0.2;
    w.reinfection_days = 5;
    w.weekend = 0.7;
    for (unsigned i = 0; i < w.ases; i++)
        w.as[i].nat_share = 0.1 * (i % 6);
    estimates("NAT, reinfection, weekends", &w, 0.1);
    w = world_plain();
    w.law = WORLD_BEACON;
    w.contacts = 20;
    for (unsigned i = 0; i < w.ases; i++)
        w.as[i].nat_share = 0.1 * (i % 6);
    estimates("NAT, beacons", &w, 0.1);
}

static bool same(struct hosts_number a, struct hosts_number b)
{
    return a.value == b.value && a.low == b.low && a.high == b.high;
}

/* The same data in another order, in three accumulators: the same numbers to the last bit. */
static void test_merge(void)
{
    struct world w = world_plain();
    struct world_truth t;
    struct hosts_range x, y;
    world_make(&w, 3, &t);
    struct hosts *one = begin(&w), *part[3];
    world_feed(&t, one);
    for (int i = 0; i < 3; i++)
        part[i] = begin(&w);
    /* From the last address to the first. */
    for (size_t end = t.n_records; end;) {
        size_t from = end;
        uint32_t address = t.records[end - 1].address;
        while (from && t.records[from - 1].address == address)
            from--;
        struct world_truth piece = t;
        piece.records = t.records + from;
        piece.n_records = end - from;
        world_feed(&piece, part[address % 3]);
        end = from;
    }
    hosts_merge(part[2], part[0]);
    hosts_merge(part[2], part[1]);
    struct hosts_options o = {.seed = 5, .replicates = 50};
    struct hosts_fit *f = hosts_fit(one, &o), *g = hosts_fit(part[2], &o);
    hosts_range(f, WORLD_FIRST_DAY + 3, LAST(&w) - 4, &x);
    hosts_range(g, WORLD_FIRST_DAY + 3, LAST(&w) - 4, &y);
    ok(x.addresses == y.addresses && same(x.seen, y.seen) && same(x.alive_first, y.alive_first) &&
           same(x.alive_last, y.alive_last) && x.capture_recapture == y.capture_recapture,
       "spread over accumulators in another order: the same numbers");
    struct hosts_segment s, u;
    hosts_segment(f, HOSTS_COUNTRY, 1, WORLD_FIRST_DAY, LAST(&w), &s);
    hosts_segment(g, HOSTS_COUNTRY, 1, WORLD_FIRST_DAY, LAST(&w), &u);
    ok(same(s.seen, u.seen) && s.contacts == u.contacts, "a segment's, too");
    size_t distinct = 0;
    for (size_t i = 0; i < t.n_records; i++) {
        unsigned d = t.records[i].day;
        bool first = true;
        for (size_t j = i; j-- > 0 && t.records[j].address == t.records[i].address;)
            first &= t.records[j].day < 3;
        distinct += first && d >= 3 && d <= w.days - 5;
    }
    is_int(x.addresses, distinct);
    for (int i = 0; i < 3; i++)
        hosts_free(part[i]);
    hosts_fit_free(f);
    hosts_fit_free(g);
    hosts_free(one);
    world_free(&t);
}

/* Segments add up to about the whole, and leases are told apart. */
static void test_segments(void)
{
    struct world w = world_plain();
    struct world_truth t;
    struct hosts_range r;
    double sum = 0;
    world_make(&w, 4, &t);
    struct hosts *h = begin(&w);
    world_feed(&t, h);
    struct hosts_fit *f = hosts_fit(h, &(struct hosts_options){.seed = 1, .replicates = 200});
    hosts_range(f, WORLD_FIRST_DAY, LAST(&w), &r);
    struct hosts_segment s[12];
    for (unsigned i = 0; i < w.ases; i++) {
        hosts_segment(f, HOSTS_AS, i, WORLD_FIRST_DAY, LAST(&w), &s[i]);
        sum += s[i].seen.value;
    }
    ok(fabs(sum / r.seen.value - 1) < 0.03, "networks' hosts add up to all hosts");
    ok(s[0].renumber_days > 20 && s[11].renumber_days > 4 && s[11].renumber_days < 16 &&
           s[2].renumber_days < 4 && s[5].renumber_days < 1.5,
       "how long addresses are kept: 60, 8.3, 2 days, and one");
    printf("# %.1f %.1f %.1f %.1f\n", s[0].renumber_days, s[11].renumber_days, s[2].renumber_days,
           s[5].renumber_days);
    ok(s[0].per_address.value > s[2].per_address.value, "renumbering within a day shows");
    double alive[64], again[64];
    hosts_alive(f, -1, alive);
    hosts_alive(f, 7, again);
    ok(hosts_days(f) == w.days && fabs(alive[20] / t.alive[20] - 1) < 0.1 && again[20] != alive[20],
       "replicates of the hosts alive");
    double some[1][64], third[64];
    hosts_segment_replicates(f, HOSTS_AS, 3, 1, some[0]);
    hosts_segment_alive(f, HOSTS_AS, 3, 0, third);
    ok(some[0][10] == third[10] && third[10] > 0, "a segment's replicates, at once or one by one");
    ok(r.capture_recapture > 1.5 * world_seen(&t, 0, w.days - 1),
       "capture-recapture of addresses is far off");
    hosts_fit_free(f);
    hosts_free(h);
    world_free(&t);
}

/* Every host with its id; every tenth contact without one; and an id of a thousand networks. */
static void test_bots(void)
{
    enum { HOSTS = 500, DAYS = 20 };
    struct hosts *h = hosts_begin(100, 100 + DAYS - 1, 8, 2);
    struct rng r;
    uint16_t days[DAYS], contacts[DAYS], named[DAYS];
    size_t seen[DAYS] = {0}, ever = 0;
    rng_seed(&r, 1);
    for (uint64_t i = 0; i < HOSTS; i++) {
        size_t n = 0;
        for (uint16_t d = 0; d < DAYS; d++) {
            if (rng_unit(&r) > 0.5)
                continue;
            days[n] = (uint16_t)(100 + d);
            named[n] = 9;
            contacts[n++] = 10;
            seen[d]++;
        }
        ever += n > 0;
        struct hosts_row row = {i + 1, (uint32_t)i % 8, 0, days, contacts, NULL, n};
        hosts_address(h, &row);
        row.contacts = named;
        row.n = n / 2; /* seen in two networks */
        hosts_bot(h, &row);
        row.as = (uint32_t)(i + 1) % 8;
        row.days += n / 2;
        row.n = n - n / 2;
        hosts_bot(h, &row);
    }
    for (uint32_t as = 0; as < 8; as++)
        hosts_bot(h, &(struct hosts_row){9999, as, 0, days, contacts, NULL, 1});
    struct hosts_fit *f = hosts_fit(h, &(struct hosts_options){.seed = 1});
    struct hosts_range x;
    struct hosts_day d;
    hosts_range(f, 100, 100 + DAYS - 1, &x);
    hosts_day(f, 103, &d);
    is_str(hosts_method_name(hosts_params(f)->method), "bot-ids");
    is_int(x.ids, ever);
    is_int(d.ids, seen[3]);
    ok(fabs(d.seen.value - (double)seen[3] * 10 / 9) < 1 && d.seen.low >= (double)d.ids,
       "hosts without an id are added, in proportion to their contacts");
    ok(fabs(hosts_params(f)->active.value - 0.5) < 0.03, "the share that is active");
    ok(fabs(hosts_params(f)->id_share - 0.9) < 0.001, "share of contacts with id");
    hosts_fit_free(f);
    f = hosts_fit(h, &(struct hosts_options){.seed = 1, .without_bots = true});
    ok(hosts_params(f)->method == HOSTS_COUNTS, "ids can be left aside");
    hosts_fit_free(f);
    hosts_free(h);
}

static void test_edges(void)
{
    struct hosts *h = hosts_begin(10, 9, 0, 0);
    struct hosts_fit *f = hosts_fit(h, &(struct hosts_options){.seed = 1});
    struct hosts_range r;
    struct hosts_segment s;
    hosts_range(f, 0, 100000, &r);
    hosts_segment(f, HOSTS_AS, 3, 0, 100, &s);
    ok(r.addresses == 0 && r.seen.value == 0 && s.seen.value == 0 &&
           hosts_params(f)->method == HOSTS_NOTHING,
       "nothing");
    hosts_fit_free(f);
    hosts_free(h);

    h = hosts_begin(50, 60, 1, 1);
    uint16_t days[] = {1, 49, 50, 52, 60, 61, 65535}, contacts[] = {1, 1, 65535, 1, 65535, 1, 1};
    hosts_address(h, &(struct hosts_row){1, HOSTS_NONE, HOSTS_NONE, days, contacts, NULL, 7});
    hosts_address(h, &(struct hosts_row){2, 0, 0, days, contacts, NULL, 0});
    f = hosts_fit(h, &(struct hosts_options){.seed = 1, .replicates = 5000});
    hosts_range(f, 50, 60, &r);
    ok(r.addresses == 1 && r.address_days == 3 && r.contacts == 131071, "days outside are ignored");
    ok(isfinite(r.seen.value) && r.seen.value > 0 && r.seen.low <= r.seen.high &&
           hosts_replicates(f) == HOSTS_REPLICATES_MAX,
       "one address: a number all the same");
    hosts_range(f, 58, 55, &r);
    ok(r.addresses == 0 && r.seen.value == 0, "an empty range");
    struct hosts_day d;
    hosts_day(f, 61, &d);
    ok(d.addresses == 0 && d.seen.value == 0, "a day outside");
    hosts_fit_free(f);
    hosts_free(h);
}

int main(void)
{
    test_edges();
    test_bots();
    test_merge();
    test_segments();
    test_worlds();
    return tap_done();
}
