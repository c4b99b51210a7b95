/* Census: nanoseconds an event, bytes a sighting (an address on a day), seconds a query, beside
 * CRoaring bitmaps (one a day) fed with the same events in the same run. The world is Rustock's:
 * 1.6 million addresses in 40,000 /16s, 182 days, Weibull decline (shape 0.65, scale 112 days).
 *
 *   bench_census [ROWS]             all of it, 10 million events unless said otherwise
 *   bench_census build DIR [ROWS]   a census in DIR, and what it took
 *   bench_census query DIR BY       one query of it (day country asn network family address)
 *
 * Pin it: taskset -c 1 build/bench/bench_census */
#include <malloc.h>
#include <math.h>
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "base/utc.h"
#include "state/census.h"

#define HOSTS     1600000
#define BLOCKS    40000 /* /16s they lie in */
#define NETWORKS  4     /* announced in each */
#define ASES      15000
#define COUNTRIES 220
#define DAYS      182
#define DAY_ONE   15049 /* 2011-03-16 */
#define ROWS      10000000
#define RUNS      5
#define CHUNK     (64u << 10) /* events drawn at once */

static const char *const groupings[] = {"day", "country", "asn", "network", "family", "address"};

struct host {
    uint32_t address;
    uint16_t days; /* it is there for, from the first */
};

struct world {
    struct host *hosts;
    uint16_t block[65536]; /* /16 to its number; 0: none */
    uint64_t rows_by_day[DAYS];
    char names[ASES][24];
    char countries[COUNTRIES][2];
    uint64_t s;
};

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13; /* xorshift64 (Marsaglia 2003) */
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

static double now(clockid_t clock)
{
    return clock_ns(clock) / 1e9;
}

static struct world *new_world(uint64_t rows)
{
    struct world *w = calloc(1, sizeof *w);
    uint16_t *blocks = malloc(BLOCKS * sizeof *blocks);
    double alive[DAYS], sum = 0;
    w->hosts = malloc(HOSTS * sizeof *w->hosts);
    w->s = 88172645463325252ull;
    for (unsigned i = 0; i < BLOCKS; i++) {
        do
            blocks[i] = (uint16_t)(0x0100 + next(&w->s) % 0xdd00);
        while (w->block[blocks[i]]);
        w->block[blocks[i]] = (uint16_t)(i + 1);
    }
    for (unsigned i = 0; i < HOSTS; i++) {
        double u = (double)(next(&w->s) >> 11) / 9007199254740992.0;
        double days = 112 * pow(-log(1 - u), 1 / 0.65);
        w->hosts[i].address = (uint32_t)blocks[next(&w->s) % BLOCKS] << 16 | next(&w->s) % 65536;
        w->hosts[i].days = days > DAYS ? DAYS : (uint16_t)(days + 1);
    }
    for (unsigned d = 0; d < DAYS; d++)
        sum += alive[d] = exp(-pow(d / 112.0, 0.65));
    for (unsigned d = 0; d < DAYS; d++)
        w->rows_by_day[d] = (uint64_t)((double)rows * alive[d] / sum);
    for (unsigned i = 0; i < ASES; i++)
        snprintf(w->names[i], sizeof w->names[i], "EXAMPLE-%05u", i);
    for (unsigned i = 0; i < COUNTRIES; i++) {
        w->countries[i][0] = (char)('A' + i / 26);
        w->countries[i][1] = (char)('A' + i % 26);
    }
    free(blocks);
    return w;
}

/* What is drawn outside of the measured time; the event itself is put together inside, the same way
 * whoever takes it. */
struct draw {
    uint32_t address, network;
    uint64_t time;
};

static void draw(struct world *w, unsigned day, struct draw *out)
{
    const struct host *h;
    do
        h = &w->hosts[next(&w->s) % HOSTS];
    while (h->days <= day);
    out->address = h->address;
    out->network = (uint32_t)w->block[h->address >> 16] * NETWORKS + (h->address >> 14 & 3);
    out->time = (uint64_t)((DAY_ONE + (int64_t)day) * UTC_DAY) + next(&w->s) % (uint64_t)UTC_DAY;
}

static inline void put_event(const struct world *w, const struct draw *d, struct event *ev)
{
    ev->src_ip = ip_from_v4(d->address);
    ev->time = (int64_t)d->time;
    ev->asn = d->network % ASES + 1;
    ev->as_name = span_of(w->names[d->network % ASES], 13);
    ev->country = span_of(w->countries[d->network / 7 % COUNTRIES], 2);
    ev->network = (struct net){ip_from_v4(d->address & 0xffffc000), 18, true};
    __asm__ volatile("" : : "r"(ev) : "memory"); /* made even if nobody takes it */
}

/* A chunk to a census, to a day's bitmap, or to nobody. Returns the seconds it took. */
static double feed_chunk(const struct world *w, const struct draw *v, size_t n, struct census *c,
                         roaring_bitmap_t *bitmap)
{
    static struct event ev = {.kind = KIND_FEED, .family = {(const uint8_t *)"rustock", 7}};
    double begun = now(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < n; i++) {
        put_event(w, &v[i], &ev);
        if (c) {
            census_add(c, &ev);
            census_advance(c, census_position(c) + 1);
        }
        if (bitmap)
            roaring_bitmap_add(bitmap, ip_v4(&ev.src_ip));
    }
    return now(CLOCK_THREAD_CPUTIME_ID) - begun;
}

/* Nanoseconds an event beyond what making it takes. */
static double feed(uint64_t rows, struct census *c, roaring_bitmap_t **bitmaps)
{
    struct world *w = new_world(rows);
    static struct draw chunk[CHUNK];
    double took = 0;
    for (unsigned day = 0; day < DAYS; day++)
        for (uint64_t left = w->rows_by_day[day], n; left; left -= n) {
            n = left < CHUNK ? left : CHUNK;
            for (uint64_t i = 0; i < n; i++)
                draw(w, day, &chunk[i]);
            double making = feed_chunk(w, chunk, n, NULL, NULL);
            took += feed_chunk(w, chunk, n, c, bitmaps ? bitmaps[day] : NULL) - making;
        }
    free(w->hosts);
    free(w);
    return took * 1e9 / (double)rows;
}

struct sum {
    uint64_t rows, addresses, fresh, gone;
};
static int add_row(void *ctx, const struct census_row *r)
{
    struct sum *s = ctx;
    s->rows++;
    s->addresses += r->addresses;
    s->fresh += r->fresh;
    s->gone += r->gone;
    return 0;
}

static struct census *must_open(const char *dir)
{
    struct census *c;
    struct err err;
    if (census_open(dir, &c, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return c;
}

/* Seconds from opening the snapshot to the last row. */
static double query(const char *dir, unsigned by, struct sum *sum)
{
    struct census_query q = {.by = (enum census_by)by, .since = DAY_ONE, .until = DAY_ONE + DAYS};
    double begun = now(CLOCK_MONOTONIC);
    struct census *c = must_open(dir);
    *sum = (struct sum){0};
    if (census_rows(c, &q, add_row, sum, NULL) < 0)
        exit(1);
    census_close(c);
    return now(CLOCK_MONOTONIC) - begun;
}

static double peak_mb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

static void build(const char *dir, uint64_t rows)
{
    char path[4096];
    struct err err;
    struct stat st = {0};
    snprintf(path, sizeof path, "%s/census", dir);
    unlink(path);
    struct census *c = must_open(dir);
    double ns = feed(rows, c, NULL);
    size_t held = census_pending_bytes(c);
    double begun = now(CLOCK_MONOTONIC);
    if (census_snapshot(c, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    double took = now(CLOCK_MONOTONIC) - begun;
    census_close(c);
    stat(path, &st);
    struct sum sum;
    query(dir, CENSUS_BY_DAY, &sum);
    printf("census_add of %llu events              %8.1f ns an event\n"
           "snapshot, with fsync                        %8.0f ms\n"
           "sightings (addresses by day)                %8llu\n"
           "on disk                                     %8.2f bytes a sighting, %.1f MB\n"
           "in memory before the snapshot               %8.2f bytes a sighting, %.1f MB\n"
           "peak of the process                         %8.0f MB\n",
           (unsigned long long)rows, ns, 1000 * took, (unsigned long long)sum.addresses,
           (double)st.st_size / (double)sum.addresses, (double)st.st_size / 1e6,
           (double)held / (double)sum.addresses, (double)held / 1e6, peak_mb());
    fflush(stdout);
}

static void queries(const char *dir)
{
    for (unsigned by = 0; by < sizeof groupings / sizeof *groupings; by++) {
        double v[RUNS];
        struct sum sum;
        for (int i = 0; i < RUNS; i++)
            v[i] = query(dir, by, &sum);
        printf("by %-8s open to last row             %8.0f ms, %llu rows\n", groupings[by],
               1000 * median(v, RUNS), (unsigned long long)sum.rows);
    }
}

/* The same counts by day from one bitmap a day; no attributions, so no other grouping. */
static void croaring(uint64_t rows)
{
    roaring_bitmap_t *day[DAYS], *before = roaring_bitmap_create();
    uint64_t addresses = 0, fresh = 0, gone = 0;
    size_t portable = 0, heap = mallinfo2().uordblks;
    for (int i = 0; i < DAYS; i++)
        day[i] = roaring_bitmap_create();
    double ns = feed(rows, NULL, day);
    heap = mallinfo2().uordblks + mallinfo2().hblkhd - heap;
    double begun = now(CLOCK_MONOTONIC);
    for (int i = 0; i < DAYS; i++) {
        addresses += roaring_bitmap_get_cardinality(day[i]);
        fresh += roaring_bitmap_andnot_cardinality(day[i], before);
        gone += i ? roaring_bitmap_andnot_cardinality(day[i - 1], day[i]) : 0;
        roaring_bitmap_or_inplace(before, day[i]);
    }
    double counted = now(CLOCK_MONOTONIC) - begun;
    for (int i = 0; i < DAYS; i++) {
        portable += roaring_bitmap_portable_size_in_bytes(day[i]);
        roaring_bitmap_free(day[i]);
    }
    roaring_bitmap_free(before);
    printf("CRoaring, a bitmap a day: add               %8.1f ns an event\n"
           "CRoaring: portable form                     %8.2f bytes a sighting\n"
           "CRoaring: in memory                         %8.2f bytes a sighting\n"
           "CRoaring: by day, in memory already         %8.0f ms (%llu addresses, %llu new, %llu "
           "gone)\n",
           ns, (double)portable / (double)addresses, (double)heap / (double)addresses,
           1000 * counted, (unsigned long long)addresses, (unsigned long long)fresh,
           (unsigned long long)gone);
}

static uint64_t rows_of(const char *s)
{
    uint64_t n = s ? strtoull(s, NULL, 10) : ROWS;
    return n ? n : ROWS;
}

int main(int argc, char **argv)
{
    struct sum sum;
    if (argc >= 3 && strcmp(argv[1], "build") == 0) {
        build(argv[2], rows_of(argv[3]));
        return 0;
    }
    if (argc == 4 && strcmp(argv[1], "query") == 0) {
        for (unsigned by = 0; by < sizeof groupings / sizeof *groupings; by++)
            if (strcmp(argv[3], groupings[by]) == 0)
                printf("%.0f ms\n", 1000 * query(argv[2], by, &sum));
        return 0;
    }
    uint64_t rows = rows_of(argv[1]);
    char dir[4096], path[4200];
    snprintf(dir, sizeof dir, "%s/bench-census-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    build(dir, rows);
    queries(dir);
    query(dir, CENSUS_BY_DAY, &sum);
    printf("(%llu addresses by day, %llu new, %llu gone)\n", (unsigned long long)sum.addresses,
           (unsigned long long)sum.fresh, (unsigned long long)sum.gone);
    croaring(rows);
    snprintf(path, sizeof path, "%s/census", dir);
    unlink(path);
    rmdir(dir);
    return 0;
}
