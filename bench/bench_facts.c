/* Facts: seconds to count volumes from them. The mail is made up: half a year of it in log order
 * with a decline, a long tail of campaigns, 1.6 million addresses, a few dozen brands and sensors.
 *
 *   bench_facts DIR [MILLIONS [POSITION]]
 *
 * Leaves a spam view in DIR that has taken in POSITION log entries, so that with DIR a new case's
 * views/ and POSITION its log's length `ebb spam` can be timed as well. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/utc.h"
#include "bench.h"
#include "state/spam_impl.h"
#include "view/volume.h"

#define DAYS      182
#define DAY_ONE   15049 /* 2011-03-16 */
#define HOSTS     1600000
#define CAMPAIGNS 200000
#define BRANDS    40
#define SENSORS   12
#define FAMILIES  8
#define WRITE     1000000 /* facts a snapshot */
#define RUNS      5

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

static int no_blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    (void)ctx;
    (void)sha256;
    (void)out;
    return err_set(err, -1, "there are none");
}

static unsigned name(struct spam *s, const char *what, unsigned i)
{
    char text[32];
    snprintf(text, sizeof text, "%s-%u", what, i);
    return names_number(&s->names, span_str(text));
}

static struct fact made(uint64_t i, uint64_t n, unsigned first_name, uint64_t *rng)
{
    /* more of them at the beginning: the n-th of all falls on a day by a declining density */
    double at = 1 - sqrt(1 - (double)i / (double)n);
    struct fact f = {.index = i,
                     .time = DAY_ONE * UTC_DAY + (int64_t)(at * DAYS * (double)UTC_DAY),
                     .campaign = (uint64_t)pow(CAMPAIGNS, unit(rng)),
                     .bytes = 1500 + (uint32_t)(next(rng) % 4000),
                     .topic = (uint8_t)(next(rng) % TOPICS)};
    uint32_t host = (uint32_t)(unit(rng) * HOSTS);
    struct ip ip = ip_from_v4(0x0b000000 + host * 977);
    f.source = fact_source(&ip);
    f.asn = 1000 + host % 15000;
    f.country[0] = (char)('A' + host % 26);
    f.country[1] = (char)('A' + host / 26 % 8);
    f.family = (uint16_t)(first_name + host % FAMILIES);
    f.sensor = (uint16_t)(first_name + FAMILIES + next(rng) % SENSORS);
    for (unsigned b = 0; b < FACT_BRANDS && next(rng) % 3 == 0; b++)
        f.brand[b] = (uint16_t)(first_name + FAMILIES + SENSORS + (f.campaign + b) % BRANDS);
    return f;
}

static int fill(struct spam *s, uint64_t n, struct err *err)
{
    uint64_t rng = 88172645463325252u;
    unsigned first = name(s, "family", 0);
    int rc = 0;
    for (unsigned i = 1; i < FAMILIES; i++)
        name(s, "family", i);
    for (unsigned i = 0; i < SENSORS; i++)
        name(s, "sensor", i);
    for (unsigned i = 0; i < BRANDS; i++)
        name(s, "brand", i);
    for (uint64_t i = 0; rc == 0 && i < n; i++) {
        struct fact f = made(i, n, first, &rng);
        fact_add(s->facts, &f);
        if ((i + 1) % WRITE == 0)
            rc = spam_snapshot(s, err);
    }
    return rc < 0 ? rc : spam_snapshot(s, err);
}

static double timed(struct spam *s, enum volume_by by, size_t *rows, struct err *err)
{
    const struct volume_filter all = {
        .since = INT64_MIN, .until = INT64_MAX, .campaign = VOLUME_ANY_CAMPAIGN};
    struct volume v;
    struct volume_hours a, b;
    double begun = cpu_ns();
    int rc = by == VOLUME_BY_DAY ? volume_hours(s, &all, &a, &b, &v, err)
                                 : volume_rows(s, by, &all, &v, err);
    double took = cpu_ns() - begun;
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
    *rows = v.n;
    volume_free(&v);
    if (by == VOLUME_BY_DAY) {
        volume_hours_free(&a);
        volume_hours_free(&b);
    }
    return took / 1e9;
}

int main(int argc, char **argv)
{
    const struct spam_source none = {.blob = no_blob};
    uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) * 1000000 : 10000000;
    struct spam *s;
    struct err err;
    struct rusage use;
    if (argc < 2 || spam_open(argv[1], &none, &s, &err) < 0) {
        fprintf(stderr, "bench_facts DIR [MILLIONS [POSITION]]\n");
        return 2;
    }
    spam_advance(s, argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
    if (!spam_mails(s) && fill(s, n, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("%llu facts\n", (unsigned long long)spam_mails(s));
    for (enum volume_by by = 0; by < VOLUME_BYS; by++) {
        double took[RUNS];
        size_t rows = 0;
        for (unsigned i = 0; i < RUNS; i++)
            took[i] = timed(s, by, &rows, &err);
        double middle = median(took, RUNS);
        getrusage(RUSAGE_SELF, &use);
        printf("by %-8s %7zu rows  %.2f s (least %.2f), %ld MB at most so far\n",
               volume_by_name(by), rows, middle, took[0], use.ru_maxrss >> 10);
    }
    spam_close(s);
    return 0;
}
