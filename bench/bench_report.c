/* Microseconds of CPU time to write a digest of 30 rows, per format: rows in memory to the mail's
 * bytes. 50,000 networks' digests have to be drafted in under 20 s in all, so that 200 us would be
 * half of it. Least of the runs: taskset -c 1 build/bench/bench_report [DIGESTS [FORMAT]] */
#include <stdio.h>

#include "bench.h"
#include "report/sample.h"

enum { RUNS = 5, ROWS = 30 };

static void fill(struct report_row *rows)
{
    for (unsigned i = 0; i < ROWS; i++) {
        rows[i] = i % 10 == 9 ? sample_spam("192.0.2.1", i) : sample_row("192.0.2.1", i);
        rows[i].ip.b[15] = (uint8_t)(i * 5);
        rows[i].src_port = (uint16_t)(1024 + i * 311);
        rows[i].what = i < 18 ? REPORT_NEW : i < 26 ? REPORT_RETURNING : REPORT_GONE;
        if (i % 3 == 2)
            rows[i].family = span_str("virut");
    }
}

/* One way through all; each digest has an id of its own. */
static double run(const struct report *base, enum report_format format, unsigned digests,
                  uint64_t *bytes)
{
    struct report r = *base;
    struct buf out = {0};
    char id[32];
    double start = cpu_ns();
    for (unsigned i = 0; i < digests; i++) {
        out.n = 0;
        r.id = span_of(id, (size_t)snprintf(id, sizeof id, "r%u", i));
        if (report_mail(&r, format, &out, NULL) < 0)
            abort();
        *bytes += out.n;
    }
    double ns = (cpu_ns() - start) / digests;
    buf_free(&out);
    return ns;
}

int main(int argc, char **argv)
{
    unsigned digests = argc > 1 ? (unsigned)atoi(argv[1]) : 5000;
    struct report_row rows[ROWS];
    struct report_from from = sample_from();
    struct report r = sample_report(&from, rows, ROWS);
    fill(rows);
    int only = argc > 2 ? report_format_of(span_str(argv[2])) : -1;
    for (int f = 0; f < REPORT_FORMATS; f++) {
        if (only >= 0 && f != only)
            continue;
        double ns[RUNS];
        uint64_t bytes = 0;
        for (unsigned i = 0; i < RUNS; i++)
            ns[i] = run(&r, (enum report_format)f, digests, &bytes);
        median(ns, RUNS);
        printf("%-5s %7.1f us a digest of %u rows (%llu bytes): 50,000 in %.1f s\n",
               report_format_name((enum report_format)f), ns[0] / 1000, ROWS,
               (unsigned long long)(bytes / RUNS / digests), ns[0] * 50000 / 1e9);
    }
    return 0;
}
