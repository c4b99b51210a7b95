/* The estimate's glue beside a plain one: the same events, gathered in lists and handed to the
 * estimator directly, give the same numbers to the last bit, whatever the threads. */
#include <math.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tap.h"
#include "base/utc.h"
#include "stat/rng.h"
#include "view/estimate.h"

#define DAY0     15000
#define DAYS     70
#define HOSTS    700
#define LEASE    6 /* mean days */
#define ASES     4
#define POOL     400 /* addresses of an AS */
#define EVENTS   200000
#define SCANNERS 5

struct seen {
    struct ip ip;
    int32_t day;
    unsigned hour;
    uint32_t asn;
    char country[2], bot[12];
};
static struct seen seen[EVENTS];
static size_t nseen;
static struct ip excluded[SCANNERS];
static const char *const countries[ASES] = {"DE", "DE", "US", "BR"};

static struct ip pool_ip(unsigned as, unsigned i)
{
    if (as == 3) {
        struct ip ip = {{0x20, 1, 0x0d, 0xb8}};
        be32_put(ip.b + 4, i);
        ip.b[15] = 1;
        return ip;
    }
    return ip_from_v4((10 + as) << 24 | i * 7);
}

static void contact(struct ip ip, unsigned as, unsigned day, unsigned hour, bool bot, unsigned host)
{
    if (nseen == EVENTS)
        abort();
    struct seen *s = &seen[nseen++];
    *s = (struct seen){.ip = ip, .day = (int32_t)(DAY0 + day), .hour = hour, .asn = 64500 + as};
    memcpy(s->country, countries[as], 2);
    if (bot)
        snprintf(s->bot, sizeof s->bot, "%u", host);
}

/* Hosts that are cleaned as time goes, some behind one address, in pools that lend addresses. */
static void make_world(uint64_t seed, bool bots)
{
    struct rng r;
    nseen = 0;
    rng_seed(&r, seed);
    for (unsigned h = 0; h < HOSTS; h++) {
        unsigned as = h % ASES, at = (unsigned)rng_below(&r, POOL);
        for (unsigned day = 0; day < DAYS && rng_unit(&r) > 0.01; day++) {
            if (rng_unit(&r) < 1.0 / LEASE)
                at = (unsigned)rng_below(&r, POOL);
            for (unsigned k = 0; k < 4 && rng_unit(&r) < 0.6; k++)
                contact(pool_ip(as, at), as, day, (unsigned)rng_below(&r, 24), bots, h);
        }
    }
    for (unsigned i = 0; i < SCANNERS; i++) {
        excluded[i] = pool_ip(i < 3 ? 1 : 3, 10000 + i);
        for (unsigned day = 0; day < DAYS; day++)
            for (unsigned k = 0; k < 5; k++)
                contact(excluded[i], i < 3 ? 1 : 3, day, k, bots, 10000 + 7 * i + k);
    }
}

static char dir[] = "/tmp/ebb-estimate-XXXXXX";

static void drop(const char *name)
{
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/%s", dir, name);
    unlink(path);
}

struct views {
    struct census *census;
    struct activity *activity;
};

static void take_in(struct views *v)
{
    drop("census");
    drop("activity");
    if (census_open(dir, &v->census, NULL) < 0 || activity_open(dir, &v->activity, NULL) < 0)
        abort();
    for (size_t i = 0; i < nseen; i++) {
        const struct seen *s = &seen[i];
        struct event ev = {.kind = KIND_HTTP, .src_ip = s->ip, .asn = s->asn};
        ev.time = s->day * UTC_DAY + s->hour * 3600 * UTC_SECOND;
        ev.country = span_of(s->country, 2);
        ev.family = span_str("rustock");
        ev.bot_id = span_str(s->bot);
        census_add(v->census, &ev);
        activity_add(v->activity, &ev);
        if (i == nseen / 3)
            activity_snapshot(v->activity, NULL);
    }
}

static void let_go(struct views *v)
{
    census_close(v->census);
    activity_close(v->activity);
}

/* ---- the plain way ---- */

static int cmp_seen(const void *x, const void *y)
{
    const struct seen *a = x, *b = y;
    int c = memcmp(a->ip.b, b->ip.b, 16);
    return c ? c : a->day - b->day;
}

static uint64_t bot_hash(const struct seen *s)
{
    return XXH3_64bits(s->bot, strlen(s->bot)) >> 16;
}

static int cmp_bot(const void *x, const void *y)
{
    const struct seen *a = x, *b = y;
    uint64_t i = bot_hash(a), j = bot_hash(b);
    if (i != j)
        return i < j ? -1 : 1;
    return a->asn != b->asn ? (a->asn > b->asn) - (a->asn < b->asn) : a->day - b->day;
}

static bool is_excluded(const struct ip *ip)
{
    for (unsigned i = 0; i < SCANNERS; i++)
        if (memcmp(ip, &excluded[i], sizeof *ip) == 0)
            return true;
    return false;
}

static uint32_t country_index(uint32_t as)
{
    static const uint32_t index[ASES] = {1, 1, 2, 0}; /* BR DE US */
    return index[as];
}

/* seen[i .. j) are one row. */
static void plain_row(struct hosts *h, size_t i, size_t j, bool bot)
{
    uint16_t days[DAYS], contacts[DAYS];
    uint32_t hours[DAYS], as = seen[i].asn - 64500;
    struct hosts_row row = {.as = as, .country = country_index(as)};
    row.days = days;
    row.contacts = contacts;
    row.hours = hours;
    for (; i < j; i++) {
        if (row.n == 0 || days[row.n - 1] != seen[i].day) {
            days[row.n] = (uint16_t)seen[i].day;
            contacts[row.n] = 0;
            hours[row.n++] = 0;
        }
        contacts[row.n - 1]++;
        hours[row.n - 1] |= 1u << seen[i].hour;
    }
    row.key = bot ? bot_hash(&seen[j - 1]) << 16 | bot_hash(&seen[j - 1]) >> 32
                  : XXH3_64bits(seen[j - 1].ip.b, 16);
    (bot ? hosts_bot : hosts_address)(h, &row);
}

static struct hosts_fit *plain_fit(uint64_t seed)
{
    struct hosts *h = hosts_begin(DAY0, DAY0 + DAYS - 1, ASES, 3);
    qsort(seen, nseen, sizeof *seen, cmp_seen);
    for (size_t i = 0, j; i < nseen; i = j) {
        for (j = i; j < nseen && memcmp(&seen[i].ip, &seen[j].ip, 16) == 0; j++)
            ;
        if (!is_excluded(&seen[i].ip))
            plain_row(h, i, j, false);
    }
    qsort(seen, nseen, sizeof *seen, cmp_bot);
    for (size_t i = 0, j; i < nseen; i = j) {
        for (j = i;
             j < nseen && bot_hash(&seen[i]) == bot_hash(&seen[j]) && seen[i].asn == seen[j].asn;
             j++)
            ;
        if (seen[i].bot[0] && !is_excluded(&seen[i].ip))
            plain_row(h, i, j, true);
    }
    struct hosts_fit *f = hosts_fit(h, &(struct hosts_options){.seed = seed});
    hosts_free(h);
    return f;
}

/* ---- both ---- */

static bool same(const struct hosts_number *a, const struct hosts_number *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

struct check {
    const struct hosts_fit *want;
    unsigned since, until; /* both included */
    int families, segments;
    bool range, days, order, declines;
    double last;
    uint64_t segment_addresses;
    enum hosts_kind kind;
};

static int check_segment(void *ctx, const struct estimate_segment *s)
{
    struct check *k = ctx;
    struct hosts_segment want;
    uint32_t index = k->kind == HOSTS_AS
                         ? s->asn - 64500
                         : (uint32_t)(s->country[0] == 'D') + 2u * (s->country[0] == 'U');
    hosts_segment(k->want, k->kind, index, k->since, k->until, &want);
    k->segments++;
    k->segment_addresses += s->addresses;
    k->range &= same(&want.seen, &s->hosts.seen) && want.contacts == s->hosts.contacts;
    k->order &= s->hosts.seen.value <= k->last;
    k->last = s->hosts.seen.value;
    k->declines &= s->enough && s->decline.state == CURVE_FITTED &&
                   s->decline.half_life.value > 20 && s->decline.half_life.value < 250;
    return 0;
}

static uint64_t distinct(unsigned since, unsigned until, bool victims)
{
    uint64_t n = 0;
    qsort(seen, nseen, sizeof *seen, cmp_seen);
    for (size_t i = 0, j; i < nseen; i = j) {
        bool in = false;
        for (j = i; j < nseen && memcmp(&seen[i].ip, &seen[j].ip, 16) == 0; j++)
            in |= seen[j].day >= (int32_t)since && seen[j].day <= (int32_t)until;
        n += in && !(victims && is_excluded(&seen[i].ip));
    }
    return n;
}

static int check_family(void *ctx, const struct estimate *e)
{
    struct check *k = ctx;
    struct hosts_range want;
    k->families++;
    hosts_range(k->want, k->since, k->until, &want);
    k->range &= e->since == (int32_t)k->since && e->until == (int32_t)k->until + 1 &&
                same(&want.seen, &e->range.seen) && want.addresses == e->range.addresses &&
                want.contacts == e->range.contacts && want.ids == e->range.ids &&
                e->addresses_raw == distinct(k->since, k->until, false) &&
                want.addresses == distinct(k->since, k->until, true) &&
                e->left_out == e->addresses_raw - want.addresses;
    for (int32_t day = e->since; day < e->until; day++) {
        struct estimate_day d;
        struct hosts_day plain;
        estimate_day(e, day, &d);
        hosts_day(k->want, (unsigned)day, &plain);
        k->days &= same(&plain.seen, &d.hosts.seen) && plain.ids == d.hosts.ids &&
                   plain.addresses == d.hosts.addresses &&
                   d.addresses_raw == plain.addresses + SCANNERS;
    }
    k->declines &= e->hosts.state == CURVE_FITTED && e->hosts.half_life.value > 40 &&
                   e->hosts.half_life.value < 110 &&
                   e->hosts.half_life.low < e->hosts.half_life.value &&
                   e->hosts.half_life.high > e->hosts.half_life.value && e->days_left_out == 0;
    for (k->kind = HOSTS_AS; k->kind <= HOSTS_COUNTRY; k->kind++) {
        k->last = INFINITY;
        k->segment_addresses = 0;
        estimate_segments(e, k->kind, 0, check_segment, k);
        k->range &= k->segment_addresses == want.addresses;
    }
    return 0;
}

static void test_world(uint64_t seed, bool bots, unsigned threads, unsigned since, unsigned until)
{
    struct views v;
    make_world(seed, bots);
    take_in(&v);
    struct estimate_options o = {.since = (int32_t)since,
                                 .until = (int32_t)until + 1,
                                 .excluded = excluded,
                                 .n_excluded = SCANNERS,
                                 .seed = seed,
                                 .threads = threads};
    struct check k = {.since = since < DAY0 ? DAY0 : since,
                      .until = until >= DAY0 + DAYS ? DAY0 + DAYS - 1 : until,
                      .range = true,
                      .days = true,
                      .order = true,
                      .declines = true};
    struct hosts_fit *f = plain_fit(seed);
    k.want = f;
    is_int(estimate_families(v.census, v.activity, &o, check_family, &k, NULL), 0);
    is_int(k.families, 1);
    is_int(k.segments, ASES + 3);
    ok(k.range && k.days, "as the estimator says of plain lists");
    ok(k.order, "the largest first");
    ok(k.declines, "half-lives are near what they were made with (69 days)");
    hosts_fit_free(f);
    o.family = span_str("none");
    k.families = 0;
    is_int(estimate_families(v.census, v.activity, &o, check_family, &k, NULL), 0);
    o.family = (struct span){0};
    o.since = DAY0 + DAYS;
    o.until = INT32_MAX;
    is_int(estimate_families(v.census, v.activity, &o, check_family, &k, NULL), 0);
    is_int(k.families, 0);
    let_go(&v);
}

/* A day that nobody watched, and one of which only the morning, are no decline. */
static int check_gaps(void *ctx, const struct estimate *e)
{
    *(unsigned *)ctx = e->days_left_out;
    return 0;
}

static void test_gaps(void)
{
    struct views v;
    unsigned left_out = 0;
    struct estimate_options o = {.since = INT32_MIN, .until = INT32_MAX, .seed = 1};
    make_world(9, false);
    size_t n = 0;
    for (size_t i = 0; i < nseen; i++)
        if (seen[i].day != DAY0 + 20 && (seen[i].day != DAY0 + 40 || seen[i].hour < 12))
            seen[n++] = seen[i];
    nseen = n;
    take_in(&v);
    is_int(estimate_families(v.census, v.activity, &o, check_gaps, &left_out, NULL), 0);
    is_int(left_out, 2);
    let_go(&v);
}

int main(void)
{
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    log_set_level(LOG_ERROR);
    test_world(1, false, 1, 0, 60000);
    test_world(1, false, 2, 0, 60000);
    test_world(2, true, 5, 0, 60000);
    test_world(3, true, 2, DAY0 + 5, DAY0 + 60);
    test_gaps();
    drop("census");
    drop("activity");
    rmdir(dir);
    return tap_done();
}
