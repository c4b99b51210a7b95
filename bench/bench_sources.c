/* Sources: taking in events, saving, loading, going over all rows in order. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utc.h"
#include "state/judge.h"

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double said(const char *what, double n, double since)
{
    double now = cpu();
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("%-24s %10.0f  %6.3f s  %8.0f/s  peak %ld MB\n", what, n, now - since, n / (now - since),
           u.ru_maxrss / 1024);
    fflush(stdout);
    return cpu();
}

static int count(void *ctx, const struct source *row)
{
    *(uint64_t *)ctx += row->contacts;
    return 0;
}

static int count_judged(void *ctx, const struct source *rows, size_t n, const struct judgement *g)
{
    ((uint64_t *)ctx)[g->role]++;
    return 0;
}

static void fill(struct sources *s, unsigned events, unsigned addresses)
{
    static const char *const agents[] = {"Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)",
                                         "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"};
    struct event ev = {.kind = KIND_FEED,
                       .family = span_str("rustock"),
                       .family_source = span_str("feed"),
                       .as_name = span_str("Some Telecom"),
                       .dst_port = 80};
    uint64_t r = 1;
    char target[64];
    ev.http.has = true;
    ev.http.host = span_str("rustock.example.com");
    for (unsigned i = 0; i < events; i++) {
        r = r * 6364136223846793005ull + 1442695040888963407ull;
        uint32_t host = (uint32_t)((r >> 33) % addresses);
        ev.time = UTC_EVENT_MIN + (int64_t)i * 7 * UTC_SECOND;
        ev.src_ip = ip_from_v4(0x10000000u + host * 37u);
        ev.dst_ip = ip_from_v4(0xc0000200u + (r >> 20 & 3));
        ev.asn = 64500 + host % 500;
        ev.country = span_of("DEINUSBR" + host % 4 * 2, 2);
        ev.http.target =
            span_of(target, (size_t)snprintf(target, sizeof target,
                                             "POST /index.php?topic=%u HTTP/1.1", host));
        ev.http.user_agent = span_str(agents[host & 1]);
        if (s)
            sources_add(s, i, &ev);
    }
    if (s)
        sources_advance(s, events);
}

int main(int argc, char **argv)
{
    unsigned addresses = argc > 1 ? (unsigned)atoi(argv[1]) : 1600000;
    unsigned events = argc > 2 ? (unsigned)atoi(argv[2]) : 3 * addresses;
    char dir[] = "/tmp/ebb-bench-XXXXXX", path[FILE_PATH_MAX];
    struct sources *s = NULL;
    struct judge *j = NULL;
    struct err err;
    uint64_t n = 0, roles[JUDGED_ROLES] = {0};
    if (!mkdtemp(dir) || sources_open(dir, &s, &err) < 0)
        return 1;
    double t = cpu();
    fill(NULL, events, addresses);
    t = said("events made up", events, t);
    fill(s, events, addresses);
    t = said("made up and taken in", events, t);
    if (sources_snapshot(s, &err) < 0)
        return 1;
    said("saved", (double)sources_count(s), t);
    sources_close(s);
    t = cpu();
    if (sources_open(dir, &s, &err) < 0)
        return 1;
    t = said("loaded", (double)sources_count(s), t);
    sources_rows(s, count, &n);
    t = said("rows in order, first", (double)sources_count(s), t);
    sources_rows(s, count, &n);
    t = said("rows in order, again", (double)sources_count(s), t);
    judge_new(NULL, 0, NULL, &j);
    judge_all(j, s, count_judged, roles);
    said("judged", (double)sources_count(s), t);
    judge_free(j);
    sources_close(s);
    file_path(path, NULL, "%s/sources", dir);
    unlink(path);
    rmdir(dir);
    return 0;
}
