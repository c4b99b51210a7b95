/* Rates of the journal alone.
 *
 *   bench_journal append DIR N PAYLOAD_BYTES [BATCH]  a new case of N entries, committed and
 *                                                     published every BATCH entries (65536)
 *   bench_journal verify DIR N                        journal_verify
 *   bench_journal prove DIR N                         N inclusion proofs at random indexes
 *   bench_journal open DIR N                          opening for writing and closing, N times
 *   bench_journal get DIR N                           one entry at a random index, N times
 *
 * One line of key=value. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "journal/journal.h"

#define BATCH_DEFAULT 65536

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
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

static void report(const char *what, double n, double seconds, double cpu_seconds)
{
    printf("bench=journal_%s n=%.0f seconds=%.3f cpu=%.3f per_second=%.0f us_each=%.3f\n", what, n,
           seconds, cpu_seconds, n / seconds, seconds / n * 1e6);
}

static int append(const char *dir, uint64_t n, size_t bytes, uint64_t batch, struct err *err)
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
    if (rc == 0)
        report("append", (double)n, now() - start, cpu() - used);
    free(payload);
    int closed = journal_close(j, rc < 0 ? NULL : err);
    return rc < 0 ? rc : closed;
}

static int verify(const char *dir, struct err *err)
{
    struct journal_verdict v;
    double start = now(), used = cpu();
    int rc = journal_verify(dir, NULL, &v, err);
    if (rc < 0)
        return rc;
    if (!v.holds)
        return err_set(err, -1, "%s: %s (%s, offset %llu)", dir, v.why, v.bad_file,
                       (unsigned long long)v.bad_offset);
    report("verify", (double)v.entries, now() - start, cpu() - used);
    return 0;
}

static int prove(const char *dir, uint64_t n, struct err *err)
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
    if (rc == 0) {
        report("prove", (double)n, now() - start, cpu() - used);
        printf("bench=journal_prove_worst size=%llu us=%.1f\n",
               (unsigned long long)journal_committed(j), worst * 1e6);
    }
    buf_free(&out);
    journal_close(j, NULL);
    return rc;
}

static int get(const char *dir, uint64_t n, struct err *err)
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
    if (rc == 0)
        report("get", (double)n, now() - start, cpu() - used);
    journal_close(j, NULL);
    return rc;
}

static int reopen(const char *dir, uint64_t n, struct err *err)
{
    double start = now(), used = cpu();
    int rc = 0;
    for (uint64_t i = 0; i < n && rc == 0; i++) {
        struct journal *j;
        rc = journal_open(dir, JOURNAL_WRITE, &j, NULL, err);
        if (rc == 0)
            rc = journal_close(j, err);
    }
    if (rc == 0)
        report("open", (double)n, now() - start, cpu() - used);
    return rc;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int rc = -1;
    uint64_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (argc >= 5 && strcmp(argv[1], "append") == 0)
        rc = append(argv[2], n, strtoull(argv[4], NULL, 10),
                    argc > 5 ? strtoull(argv[5], NULL, 10) : BATCH_DEFAULT, &err);
    else if (argc >= 3 && strcmp(argv[1], "verify") == 0)
        rc = verify(argv[2], &err);
    else if (argc >= 4 && strcmp(argv[1], "prove") == 0)
        rc = prove(argv[2], n, &err);
    else if (argc >= 4 && strcmp(argv[1], "get") == 0)
        rc = get(argv[2], n, &err);
    else if (argc >= 4 && strcmp(argv[1], "open") == 0)
        rc = reopen(argv[2], n, &err);
    else
        err_set(&err, rc,
                "usage: bench_journal append|verify|prove|get|open DIR N [BYTES [BATCH]]");
    if (rc < 0)
        fprintf(stderr, "bench_journal: %s\n", err.text);
    return rc < 0 ? 1 : 0;
}
