/* Estimate: seconds and memory to estimate hosts with their intervals from 180 days of a made-up
 * botnet that declines: 1.6 million addresses, most of them lent for days, in thousands of ASes.
 *
 *   bench_estimate DIR [THREADS [MILLIONS OF ADDRESSES]]
 *
 * Leaves the views census and activity in DIR. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/utc.h"
#include "bench.h"
#include "view/estimate.h"

#define DAYS    180
#define DAY_ONE 15049 /* 2011-03-16 */
#define ASES    5000
#define LEASE   12.0  /* mean days */
#define CLEANED 0.013 /* a day: half of them in 53 days */
#define ACTIVE  0.8   /* share of days */

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13; /* xorshift64 (Marsaglia 2003) */
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

static double unit(uint64_t *s)
{
    return (double)(next(s) >> 11) / 9007199254740992.0;
}

static double now(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1e9;
}

static double peak_mb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

struct host {
    uint32_t as, address;
};

/* ASes are of very different sizes: the n-th has 1/n of the hosts. */
static uint32_t any_as(uint64_t *s)
{
    return (uint32_t)pow(ASES, unit(s)) - 1;
}

static uint32_t any_address(uint64_t *s, uint32_t as, const uint32_t *first)
{
    return first[as] + (uint32_t)(unit(s) * (first[as + 1] - first[as]));
}

static void contacts(struct census *c, struct activity *a, const struct host *h, unsigned day,
                     uint64_t *s)
{
    static const char *const countries[] = {"US", "DE", "BR", "IN", "RU", "TR", "VN", "PL"};
    struct event ev = {.kind = KIND_FEED, .asn = 1000 + h->as, .family = span_str("rustock")};
    ev.country = span_of(countries[h->as % 8], 2);
    ev.src_ip = ip_from_v4(h->address);
    ev.network = net_of(&ev.src_ip, 16);
    for (unsigned k = 0; k == 0 || (k < 8 && unit(s) < 0.4); k++) {
        ev.time = (DAY_ONE + day) * UTC_DAY + (int64_t)(unit(s) * (double)UTC_DAY);
        if (k == 0)
            census_add(c, &ev);
        activity_add(a, &ev);
    }
}

static void make(struct census *c, struct activity *a, double addresses)
{
    /* A host meets about as many addresses as leases while it lives; pools are about as large. */
    double leases = 1 + (1 - exp(-CLEANED * DAYS)) / CLEANED / LEASE * ACTIVE;
    size_t n = (size_t)(addresses / leases / 0.63);
    uint32_t *first = calloc(ASES + 1, sizeof *first);
    struct host *hosts = calloc(n, sizeof *hosts);
    uint64_t s = 88172645463325252u;
    if (!first || !hosts)
        abort();
    for (size_t i = 0; i < n; i++)
        first[(hosts[i].as = any_as(&s)) + 1]++;
    first[0] = 0x05000000;
    for (unsigned i = 0; i < ASES; i++)
        first[i + 1] = first[i] + 16 + (uint32_t)(first[i + 1] * leases);
    for (size_t i = 0; i < n; i++)
        hosts[i].address = any_address(&s, hosts[i].as, first);
    for (unsigned day = 0; day < DAYS; day++)
        for (size_t i = 0; i < n; i++) {
            if (unit(&s) < CLEANED)
                hosts[i] = hosts[--n];
            else if (unit(&s) < 1 / LEASE)
                hosts[i].address = any_address(&s, hosts[i].as, first);
            if (i < n && unit(&s) < ACTIVE)
                contacts(c, a, &hosts[i], day, &s);
        }
    free(first);
    free(hosts);
}

static int count_segment(void *ctx, const struct estimate_segment *s)
{
    ((unsigned *)ctx)[0]++;
    ((unsigned *)ctx)[1] += s->enough;
    return 0;
}

static int say(void *ctx, const struct estimate *e)
{
    double *since = ctx, at = now();
    unsigned n[2] = {0, 0};
    printf("%.2f s, CPU %.2f s, peak %.0f MB: %s, %.2fM addresses, hosts %.0f (%.0f to %.0f), "
           "half-life %.1f (%.1f to %.1f)\n",
           at - since[0], cpu_ns() / 1e9 - since[1], peak_mb(),
           hosts_method_name(e->params->method), (double)e->range.addresses / 1e6,
           e->range.seen.value, e->range.seen.low, e->range.seen.high, e->hosts.half_life.value,
           e->hosts.half_life.low, e->hosts.half_life.high);
    double cpu = cpu_ns();
    estimate_segments(e, HOSTS_AS, 0, count_segment, n);
    printf("by AS: %u, %u with a half-life: %.2f s more, CPU %.2f s\n", n[0], n[1], now() - at,
           (cpu_ns() - cpu) / 1e9);
    return 0;
}

static void say_made(const char *dir, double since)
{
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s/activity", dir);
    if (stat(path, &st) == 0)
        printf("made in %.1f s CPU; activity: %.1f MB\n", cpu_ns() / 1e9 - since,
               (double)st.st_size / 1e6);
}

int main(int argc, char **argv)
{
    struct census *c;
    struct activity *a;
    struct err err = {0};
    struct estimate_options o = {.since = INT32_MIN, .until = INT32_MAX, .seed = 1};
    if (argc < 2)
        return 2;
    o.threads = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    double began = cpu_ns() / 1e9;
    if (census_open(argv[1], &c, &err) < 0 || activity_open(argv[1], &a, &err) < 0)
        goto out;
    if (activity_position(a) == 0) {
        make(c, a, 1e6 * (argc > 3 ? atof(argv[3]) : 1.6));
        census_advance(c, 1);
        activity_advance(a, 1);
        if (census_snapshot(c, &err) < 0 || activity_snapshot(a, &err) < 0)
            goto out;
        say_made(argv[1], began);
    }
    double since[2] = {now(), cpu_ns() / 1e9};
    estimate_families(c, a, &o, say, since, &err);
    census_close(c);
    activity_close(a);
out:
    if (err.code)
        fprintf(stderr, "%s\n", err.text);
    return err.code != 0;
}
