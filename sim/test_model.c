#include "sim/model.h"

#include <errno.h>
#include <math.h>

#include "base/tap.h"

#define HEAD                                                                                       \
    "start: 2024-01-01\ndays: 60\n"                                                                \
    "sensors: [192.0.2.1]\n"                                                                       \
    "families: [{name: x, kind: http, host: a.example, path: /}]\n"

struct fixture {
    struct scenario *s;
    struct model *m;
};

static bool open_it(struct fixture *f, const char *yaml)
{
    struct err err = {0};
    *f = (struct fixture){0};
    if (scenario_load(span_str(yaml), "test", &f->s, &err) == 0 &&
        model_new(f->s, 3, 1, "test", &f->m, &err) == 0)
        return true;
    printf("# %s\n", err.text);
    return false;
}

static void close_it(struct fixture *f)
{
    model_free(f->m);
    scenario_free(f->s);
}

/* Hosts alive at each day's start against S(day); Kolmogorov's bound at a fixed seed. */
static void test_survival(const char *curve, double shape, double scale)
{
    struct fixture f;
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             HEAD "hosts: 20000\nactivity: {daily: 0.5}\nsurvival: %s\n"
                  "ases: [{asn: 1, country: DE, weight: 1, networks: [10.0.0.0/12]}]\n",
             curve);
    if (!ok(open_it(&f, yaml), "opens"))
        return;
    double worst = 0, n = f.m->n_hosts, bound = 1.63 / sqrt(n);
    for (uint32_t d = 0; d < 60; d++) {
        struct model_day day;
        const struct model_checkin *c;
        size_t k;
        model_run_day(f.m, d, &day, &c, &k, NULL);
        worst = fmax(worst, fabs(day.alive / n - exp(-pow(d / scale, shape))));
    }
    printf("# worst distance %g, bound %g\n", worst, bound);
    ok(worst < bound, "hosts alive follow the curve");
    close_it(&f);
}

static uint32_t line_of(const struct model *m, uint32_t host)
{
    uint32_t low = 0, n = m->n_lines;
    while (n > 1) {
        uint32_t half = n / 2;
        if (m->lines[low + half].first_host <= host) {
            low += half;
            n -= half;
        } else {
            n = half;
        }
    }
    return low;
}

/* What must hold on every day. */
struct tally {
    uint32_t shared, unordered, wrong_seen, wrong_alive, dead, outside, most_behind, moves;
};

static void check_day(const struct model *m, const struct model_day *day,
                      const struct model_checkin *c, size_t n, uint32_t *owner, uint32_t *host_day,
                      struct tally *t)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && c[i - 1].second > c[i].second)
            t->unordered++;
        if (c[i].role != MODEL_INFECTED)
            continue;
        uint32_t line = line_of(m, c[i].whom) + 1;
        if (owner[c[i].address] && owner[c[i].address] != line)
            t->shared++;
        owner[c[i].address] = line;
        if (m->pool->nets[c[i].net].group != m->lines[line - 1].as)
            t->outside++;
        seen += host_day[c[i].whom] != day->day + 1;
        host_day[c[i].whom] = day->day + 1;
    }
    t->wrong_seen += seen != day->seen;
}

static void test_days(void)
{
    struct fixture f;
    if (!ok(open_it(&f, HEAD
                    "hosts: 5000\nactivity: {daily: 0.9, checkins: 4}\n"
                    "survival: {curve: exponential, scale_days: 15}\n"
                    "reinfection: {probability: 0.5, mean_days: 4}\n"
                    "ases:\n"
                    "  - {asn: 1, country: DE, weight: 3, networks: [10.0.0.0/20, 10.1.0.0/20],\n"
                    "     nat: {share: 0.5, hosts: 5}, dhcp: {mean_days: 0.7, across: 0.5}}\n"
                    "  - {asn: 2, country: FR, weight: 1, networks: [10.2.0.0/20],\n"
                    "     dhcp: {mean_days: 20}}\n"
                    "scanners: [{asn: 3, country: US, count: 3, behaviour: sweep, checkins: 2,\n"
                    "            networks: [203.0.113.0/24]}]\n"
                    "sandboxes: [{asn: 3, country: US, count: 2, networks: [198.51.100.0/24]}]\n"),
            "opens"))
        return;
    const struct model *m = f.m;
    struct tally t = {0};
    uint32_t *owner = calloc(m->pool->n, sizeof *owner);
    uint32_t *host_day = calloc(m->n_hosts, sizeof *host_day);
    uint64_t cleaned = 0, again = 0;
    for (uint32_t d = 0; d < 60; d++) {
        struct model_day day;
        const struct model_checkin *c;
        size_t n;
        model_run_day(f.m, d, &day, &c, &n, NULL);
        again += day.reinfected;
        t.wrong_alive += day.alive != m->n_hosts - cleaned + again;
        cleaned += day.cleaned;
        memset(owner, 0, m->pool->n * sizeof *owner);
        check_day(m, &day, c, n, owner, host_day, &t);
    }
    is_int(t.shared, 0);     /* no address of two lines on one day */
    is_int(t.unordered, 0);  /* in order of time */
    is_int(t.outside, 0);    /* a line stays in its AS */
    is_int(t.wrong_seen, 0); /* hosts seen are those with contacts */
    is_int(t.wrong_alive, 0);
    ok(again > 1000 && cleaned > 5000, "there is cleaning and reinfection");
    is_int(m->n_actors, 5);
    is_int(m->as_hosts[0], 3750);
    is_int(m->as_lines[0], 1875 / 5 + 1875);
    free(owner);
    free(host_day);
    close_it(&f);
}

/* No contact at or after the moment of cleaning. */
static void test_cleaned(void)
{
    struct fixture f;
    if (!open_it(&f, HEAD "hosts: 2000\nactivity: {daily: 1, checkins: 5}\n"
                          "survival: {curve: exponential, scale_days: 5}\n"
                          "ases: [{asn: 1, country: DE, weight: 1, networks: [10.0.0.0/16]}]\n"))
        return;
    uint32_t *clean_at = calloc(f.m->n_hosts, sizeof *clean_at), late = 0, contacts = 0;
    for (uint32_t h = 0; h < f.m->n_hosts; h++)
        clean_at[h] = f.m->hosts[h].clean_at;
    for (uint32_t d = 0; d < 60; d++) {
        struct model_day day;
        const struct model_checkin *c;
        size_t n;
        model_run_day(f.m, d, &day, &c, &n, NULL);
        for (size_t i = 0; i < n; i++, contacts++)
            late += d * MODEL_DAY_SECONDS + c[i].second >= clean_at[c[i].whom];
    }
    is_int(late, 0);
    /* About five a day over five days a host. */
    ok(contacts > 2000 * 20 && contacts < 2000 * 30, "and many before");
    free(clean_at);
    close_it(&f);
}

/* Renewals: a lease lasts `mean` days on average, and moves across networks as often as asked. */
static void test_leases(void)
{
    struct fixture f;
    if (!open_it(&f, HEAD "hosts: 3000\nactivity: {daily: 1}\nsurvival: {curve: never}\n"
                          "ases: [{asn: 1, country: DE, weight: 1,\n"
                          "        networks: [10.0.0.0/16, 10.1.0.0/16],\n"
                          "        dhcp: {mean_days: 2, across: 0.4}}]\n"))
        return;
    uint64_t leases = 0;
    uint32_t changed = 0, moved = 0;
    uint32_t *net = calloc(f.m->n_lines, sizeof *net), *n_leases = calloc(f.m->n_lines, 4);
    for (uint32_t d = 0; d < 60; d++) {
        struct model_day day;
        const struct model_checkin *c;
        size_t n;
        for (uint32_t i = 0; i < f.m->n_lines; i++) {
            net[i] = f.m->lines[i].net;
            n_leases[i] = f.m->lines[i].leases;
        }
        model_run_day(f.m, d, &day, &c, &n, NULL);
        for (uint32_t i = 0; i < f.m->n_lines; i++)
            if (f.m->lines[i].leases == n_leases[i] + 1) {
                changed++;
                moved += f.m->lines[i].net != net[i];
            }
    }
    for (uint32_t i = 0; i < f.m->n_lines; i++)
        leases += f.m->lines[i].leases - 1;
    double mean = 60.0 * f.m->n_lines / (double)leases;
    printf("# mean lease %g days; moved %g\n", mean, (double)moved / changed);
    ok(fabs(mean - 2) < 0.05, "leases last as long as asked");
    ok(fabs((double)moved / changed - 0.2) < 0.01,
       "half of the free draws land in the other network");
    free(net);
    free(n_leases);
    close_it(&f);
}

/* A fixed lease ends just so many days after it began; first ones end at all times. */
static void test_fixed_leases(void)
{
    struct fixture f;
    if (!open_it(&f, HEAD "hosts: 500\nactivity: {daily: 1}\nsurvival: {curve: never}\n"
                          "ases: [{asn: 1, country: DE, weight: 1, networks: [10.0.0.0/16],\n"
                          "        dhcp: {mean_days: 1.5, lease: fixed}}]\n"))
        return;
    uint32_t *ends = calloc(f.m->n_lines, sizeof *ends), wrong = 0, early = 0;
    for (uint32_t i = 0; i < f.m->n_lines; i++) {
        ends[i] = f.m->lines[i].renew_at;
        early += ends[i] < MODEL_DAY_SECONDS * 3 / 4;
        wrong += ends[i] > MODEL_DAY_SECONDS * 3 / 2;
    }
    ok(early > 200 && early < 300, "first leases end at any time");
    for (uint32_t d = 0; d < 60; d++) {
        struct model_day day;
        const struct model_checkin *c;
        size_t n;
        model_run_day(f.m, d, &day, &c, &n, NULL);
        for (uint32_t i = 0; i < f.m->n_lines; i++)
            wrong += (f.m->lines[i].renew_at - ends[i]) % (MODEL_DAY_SECONDS * 3 / 2) != 0;
    }
    is_int(wrong, 0);
    free(ends);
    close_it(&f);
}

#define BEACON_DAYS 6
#define BEACON_HEAD(activity, hosts)                                                               \
    HEAD "hosts: " hosts "\nactivity: {daily: 1, " activity "}\nsurvival: {curve: never}\n"        \
         "ases: [{asn: 1, country: DE, weight: 1, networks: [10.0.0.0/16]}]\n"

/* Contacts of all hosts, by gap to the one before: how many are off by more than `slack`. */
static void beat(const char *yaml, uint32_t interval, uint32_t slack, double *each_day,
                 uint32_t *off)
{
    struct fixture f;
    uint64_t contacts = 0;
    *off = 0;
    *each_day = 0;
    if (!ok(open_it(&f, yaml), "opens"))
        return;
    uint32_t *last = calloc(f.m->n_hosts, sizeof *last);
    for (uint32_t d = 0; d < BEACON_DAYS; d++) {
        struct model_day day;
        const struct model_checkin *c;
        size_t n;
        model_run_day(f.m, d, &day, &c, &n, NULL);
        for (size_t i = 0; i < n; i++) {
            uint32_t now = d * MODEL_DAY_SECONDS + c[i].second, *before = &last[c[i].whom];
            uint32_t gap = now - *before;
            *off += *before && (gap + slack < interval || gap > interval + slack);
            *before = now;
        }
        contacts += n;
    }
    *each_day = (double)contacts / BEACON_DAYS / f.m->n_hosts;
    free(last);
    close_it(&f);
}

static void test_beacons(void)
{
    double each_day;
    uint32_t off;
    beat(BEACON_HEAD("interval_minutes: 50", "300"), 3000, 0, &each_day, &off);
    is_int(off, 0); /* over midnight, too */
    ok(fabs(each_day - 28.8) < 0.1, "a contact each 50 minutes");
    beat(BEACON_HEAD("interval_minutes: 30, jitter: 0.2", "300"), 1800, 361, &each_day, &off);
    is_int(off, 0);
    ok(fabs(each_day - 48) < 0.2);
    beat(BEACON_HEAD("interval_minutes: 30, jitter: 0.2", "300"), 1800, 60, &each_day, &off);
    ok(off > 300 * BEACON_DAYS * 20, "they do stray");
    beat(BEACON_HEAD("interval_minutes: 20, on_hours: 8, peak: 14, depth: 1", "4000"), 1200, 1,
         &each_day, &off);
    printf("# %g contacts a day, %g breaks\n", each_day, off / 4000.0 / BEACON_DAYS);
    ok(fabs(each_day - (24 + 0.5)) < 0.3, "on for eight hours on average");
    ok(off / 4000.0 / BEACON_DAYS < 1.4, "and in one piece, or in two around midnight");
}

/* Of told hosts: S(t) until the day, then S(day) (S(t)/S(day))^ratio; of the others as it would be
 * anyway, to the second. */
static void test_told(const char *curve, double shape, double scale, double ratio)
{
    struct fixture f, plain;
    char yaml[1024];
    const uint32_t from = 10;
    snprintf(yaml, sizeof yaml,
             HEAD "hosts: 40000\nactivity: {daily: 0.5}\nsurvival: %s\n"
                  "ases: [{asn: 1, country: DE, weight: 1, networks: [10.0.0.0/13]},\n"
                  "       {asn: 2, country: DE, weight: 1, networks: [10.8.0.0/13]}]\n",
             curve);
    if (!ok(open_it(&f, yaml) && open_it(&plain, yaml), "opens"))
        return;
    is_int(model_tell(f.m, span_str("# told\n\n AS2 # all of it\n"), "list", from, ratio, NULL), 0);
    double worst = 0, n = f.m->as_hosts[1], bound = 1.63 / sqrt(n);
    uint32_t others = 0;
    for (uint32_t d = 0; d < 60; d++) {
        struct model_day day, as_ever;
        const struct model_checkin *c;
        size_t k;
        model_run_day(f.m, d, &day, &c, &k, NULL);
        model_run_day(plain.m, d, &as_ever, &c, &k, NULL);
        if (d < from) {
            others += day.alive_told != 0 || day.alive != as_ever.alive;
            continue;
        }
        double at = exp(-pow(from / scale, shape)), now = exp(-pow(d / scale, shape));
        worst = fmax(worst, fabs(day.alive_told / n - at * pow(now / at, ratio)));
        for (uint32_t h = 0; h < f.m->as_hosts[0]; h++)
            others += f.m->hosts[h].clean_at != plain.m->hosts[h].clean_at;
    }
    printf("# worst distance %g, bound %g\n", worst, bound);
    ok(worst < bound, "told hosts follow their curve");
    is_int(others, 0);
    is_int(f.m->told.lines, f.m->as_lines[1]);
    is_int(f.m->told.hosts, f.m->as_hosts[1]);
    close_it(&f);
    close_it(&plain);
}

/* By prefix and address; hosts that are infected again later are hastened, too. */
static void test_told_networks(void)
{
    struct fixture f;
    struct err err;
    char list[200], text[IP_TEXT_MAX];
    if (!open_it(
            &f, HEAD
            "hosts: 4000\nactivity: {daily: 1}\n"
            "survival: {curve: exponential, scale_days: 10}\n"
            "reinfection: {probability: 1, mean_days: 1}\n"
            "ases: [{asn: 1, country: DE, weight: 1, networks: [10.0.0.0/16, 10.1.0.0/16]}]\n"))
        return;
    is_int(model_tell(f.m, span_str("10.0.0.0/16\n10.0.0.0"), "list", 0, 2, &err), 0);
    uint64_t days[2] = {0}, cleaned[2] = {0};
    for (uint32_t d = 0; d < 60; d++) {
        struct model_day day;
        const struct model_checkin *c;
        size_t n;
        model_run_day(f.m, d, &day, &c, &n, NULL);
        days[1] += day.alive_told;
        days[0] += day.alive - day.alive_told;
        cleaned[1] += day.cleaned_told;
        cleaned[0] += day.cleaned - day.cleaned_told;
    }
    double ratio = (double)cleaned[1] / (double)days[1] / ((double)cleaned[0] / (double)days[0]);
    printf("# hazard ratio %g\n", ratio);
    ok(fabs(ratio - 2) < 0.15, "over sixty days and many infections");
    ok(f.m->told.lines > 1900 && f.m->told.lines < 2100);
    close_it(&f);
    if (!open_it(&f, BEACON_HEAD("checkins: 1", "50")))
        return;
    struct ip ip = pool_ip(f.m->pool, f.m->lines[7].net, f.m->lines[7].address);
    snprintf(list, sizeof list, "%.*s\r\n", (int)ip_format(&ip, text), text);
    is_int(model_tell(f.m, span_str(list), "list", 0, 2, &err), 0);
    struct model_day day;
    const struct model_checkin *c;
    size_t n;
    model_run_day(f.m, 0, &day, &c, &n, NULL);
    is_int(f.m->told.lines, 1);
    ok(f.m->lines[7].told);
    close_it(&f);
    static const char *const bad[] = {"10.0.0.0/33", "AS",         "AS0",    "AS4294967296",
                                      "x",           "10.0.0.1/8", "AS1 AS2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!open_it(&f, BEACON_HEAD("checkins: 1", "5")))
            return;
        snprintf(list, sizeof list, "AS1\n\n%s\n", bad[i]);
        ok(model_tell(f.m, span_str(list), "list", 0, 2, &err) == -EINVAL &&
           strstr(err.text, "line 3"));
        close_it(&f);
    }
}

int main(void)
{
    test_survival("{curve: weibull, shape: 0.65, scale_days: 30}", 0.65, 30);
    test_survival("{curve: exponential, scale_days: 25}", 1, 25);
    test_days();
    test_cleaned();
    test_leases();
    test_fixed_leases();
    test_beacons();
    test_told("{curve: weibull, shape: 0.65, scale_days: 30}", 0.65, 30, 1.5);
    test_told("{curve: weibull, shape: 1.4, scale_days: 40}", 1.4, 40, 3);
    test_told("{curve: exponential, scale_days: 25}", 1, 25, 0.5);
    test_told("{curve: exponential, scale_days: 25}", 1, 25, 1);
    test_told_networks();
    return tap_done();
}
