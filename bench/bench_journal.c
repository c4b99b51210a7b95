/* Rates of the journal alone.
 *
 *   bench_journal append DIR N PAYLOAD_BYTES [BATCH]  a new case of N entries, committed and
 *                                                     published every BATCH entries (65536)
 *   bench_journal verify DIR N                        journal_verify
 *   bench_journal prove DIR N                         N inclusion proofs at random indexes
 *   bench_journal open DIR N                          opening for writing and closing, N times
 *   bench_journal get DIR N                           one entry at a random index, N times
 *   bench_journal all DIR                             each of them on a million entries of 250
 *                                                     bytes, medians of 5
 *
 * One line of key=value. Cases are never removed here: on ext4, for some minutes after many files
 * were deleted, each new file costs a search among their inodes. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "bench.h"
#include "journal/journal.h"

#define BATCH_DEFAULT 65536
#define ALL_ENTRIES   1000000
#define ALL_BYTES     250
#define ALL_RUNS      5

static double now(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1e9;
}

static double cpu(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static uint64_t random_next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* One measurement. */
struct run {
    double n, seconds, cpu;
};

static void report(const char *what, const struct run *r)
{
    printf("bench=journal_%s n=%.0f seconds=%.3f cpu=%.3f per_second=%.0f us_each=%.3f\n", what,
           r->n, r->seconds, r->cpu, r->n / r->seconds, r->seconds / r->n * 1e6);
    fflush(stdout);
}

static int append(const char *dir, uint64_t n, size_t bytes, uint64_t batch, struct run *r,
                  struct err *err)
{
    struct journal *j;
    int rc = journal_create(dir, "bench.example/log", err);
    if (rc == 0)
        rc = journal_open(dir, JOURNAL_WRITE, &j, NULL, err);
    if (rc < 0)
        return rc;
    uint8_t *payload = malloc(bytes + 8);
    uint64_t seed = 1;
    if (!payload)
        abort();
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t v = random_next(&seed);
        memcpy(payload + i, &v, 8);
    }
    double start = now(), used = cpu();
    for (uint64_t i = 0; i < n && rc == 0; i++) {
        struct entry_header h = {.kind = 1, .time = (int64_t)i, .sensor = 1};
        if (bytes >= 8)
            memcpy(payload, &i, 8);
        rc = journal_append(j, &h, span_of(payload, bytes), NULL, err);
        if (rc == 0 && ((i + 1) % batch == 0 || i + 1 == n)) {
            rc = journal_commit(j, err);
            if (rc == 0)
                rc = journal_publish(j, err);
        }
    }
    *r = (struct run){(double)n, now() - start, cpu() - used};
    free(payload);
    int closed = journal_close(j, rc < 0 ? NULL : err);
    return rc < 0 ? rc : closed;
}

static int verify(const char *dir, struct run *r, struct err *err)
{
    struct journal_verdict v;
    double start = now(), used = cpu();
    int rc = journal_verify(dir, NULL, &v, err);
    if (rc < 0)
        return rc;
    if (!v.holds)
        return err_set(err, -1, "%s: %s (%s, offset %llu)", dir, v.why, v.bad_file,
                       (unsigned long long)v.bad_offset);
    *r = (struct run){(double)v.entries, now() - start, cpu() - used};
    return 0;
}

static int prove(const char *dir, uint64_t n, struct run *r, struct err *err)
{
    struct journal *j;
    struct buf out = {0};
    uint64_t seed = 2;
    double worst = 0;
    int rc = journal_open(dir, JOURNAL_READ, &j, NULL, err);
    if (rc < 0)
        return rc;
    double start = now(), used = cpu();
    for (uint64_t i = 0; i < n && rc == 0; i++) {
        double t = now();
        out.n = 0;
        rc = journal_prove(j, random_next(&seed) % journal_committed(j), &out, err);
        t = now() - t;
        worst = t > worst ? t : worst;
    }
    *r = (struct run){(double)n, now() - start, cpu() - used};
    if (rc == 0)
        printf("bench=journal_prove_worst size=%llu us=%.1f\n",
               (unsigned long long)journal_committed(j), worst * 1e6);
    buf_free(&out);
    journal_close(j, NULL);
    return rc;
}

static int get(const char *dir, uint64_t n, struct run *r, struct err *err)
{
    struct journal *j;
    struct entry e;
    uint64_t seed = 3;
    int rc = journal_open(dir, JOURNAL_READ, &j, NULL, err);
    if (rc < 0)
        return rc;
    double start = now(), used = cpu();
    for (uint64_t i = 0; i < n && rc == 0; i++)
        rc = journal_get(j, random_next(&seed) % journal_committed(j), &e, err);
    *r = (struct run){(double)n, now() - start, cpu() - used};
    journal_close(j, NULL);
    return rc;
}

static int reopen(const char *dir, uint64_t n, struct run *r, struct err *err)
{
    double start = now(), used = cpu();
    int rc = 0;
    for (uint64_t i = 0; i < n && rc == 0; i++) {
        struct journal *j;
        rc = journal_open(dir, JOURNAL_WRITE, &j, NULL, err);
        if (rc == 0)
            rc = journal_close(j, err);
    }
    *r = (struct run){(double)n, now() - start, cpu() - used};
    return rc;
}

static int run_cmp(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    return x->seconds < y->seconds ? -1 : x->seconds > y->seconds;
}

/* One kind of work in the case `dir`. */
static int work(const char *what, const char *dir, uint64_t n, size_t bytes, uint64_t batch,
                struct run *r, struct err *err)
{
    if (strcmp(what, "append") == 0)
        return append(dir, n, bytes, batch, r, err);
    if (strcmp(what, "verify") == 0)
        return verify(dir, r, err);
    if (strcmp(what, "prove") == 0)
        return prove(dir, n, r, err);
    if (strcmp(what, "get") == 0)
        return get(dir, n, r, err);
    if (strcmp(what, "open") == 0)
        return reopen(dir, n, r, err);
    return err_set(err, -1,
                   "usage: bench_journal append|verify|prove|get|open|all DIR N [BYTES [BATCH]]");
}

static int all(const char *dir, struct err *err)
{
    static const struct {
        const char *what;
        uint64_t n;
    } part[] = {
        {"append", ALL_ENTRIES}, {"verify", 0}, {"prove", 1000}, {"get", 1000}, {"open", 100}};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        struct run run[ALL_RUNS];
        for (unsigned k = 0; k < ALL_RUNS; k++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/journal%u", dir, i == 0 ? k : ALL_RUNS - 1);
            int rc = work(part[i].what, path, part[i].n, ALL_BYTES, BATCH_DEFAULT, &run[k], err);
            if (rc < 0)
                return rc;
        }
        qsort(run, ALL_RUNS, sizeof *run, run_cmp);
        report(part[i].what, &run[ALL_RUNS / 2]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct run run;
    int rc;
    if (argc >= 3 && strcmp(argv[1], "all") == 0) {
        rc = all(argv[2], &err);
    } else {
        rc = work(argc >= 3 ? argv[1] : "", argc >= 3 ? argv[2] : "",
                  argc > 3 ? strtoull(argv[3], NULL, 10) : 1,
                  argc > 4 ? strtoull(argv[4], NULL, 10) : ALL_BYTES,
                  argc > 5 ? strtoull(argv[5], NULL, 10) : BATCH_DEFAULT, &run, &err);
        if (rc == 0)
            report(argv[1], &run);
    }
    if (rc < 0)
        fprintf(stderr, "bench_journal: %s\n", err.text);
    return rc < 0 ? 1 : 0;
}
