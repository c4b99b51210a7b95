/* Nanoseconds of CPU a classified event with a folder of rules: feed rows by their word, HTTP
 * requests, DNS names and raw connections by the rules. Pin it:
 * taskset -c 1 build/bench/bench_classify [RULES] */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "event/classify.h"

enum { RUNS = 5 };

/* Events alternate, as they do in life: each new to the rules (from a port of its own, which they see),
 * or heard before. */
static void measure_turn(const char *name, bool fresh, struct classify *c, const struct event *events,
                         size_t n, unsigned rounds)
{
    static uint64_t turn;
    double ns[RUNS];
    size_t found = 0;
    for (int run = 0; run < RUNS; run++) {
        double start = cpu_ns();
        for (unsigned i = 0; i < rounds; i++) {
            struct event ev = events[i % n];
            if (fresh)
                ev.dst_port = 1000000 + turn++;
            classify_event(c, &ev);
            found += ev.family.n != 0;
        }
        ns[run] = (cpu_ns() - start) / rounds;
    }
    double middle = median(ns, RUNS);
    printf("%-34s %-6s %8.1f ns (least %8.1f)   %3.0f%% with a family\n", name,
           fresh ? "new" : "again", middle, ns[0], 100.0 * (double)found / rounds / RUNS);
}

static void measure(const char *name, struct classify *c, const struct event *events, size_t n,
                    unsigned rounds)
{
    measure_turn(name, true, c, events, n, rounds);
    measure_turn(name, false, c, events, n, rounds);
}

#define AGENT "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1; .NET CLR 2.0.50727)"

static struct event http(const char *method, const char *target, const char *host, const char *body)
{
    struct event ev = {.kind = KIND_HTTP,
                       .protocol = span_str("http"),
                       .transport = span_str("tcp"),
                       .dst_port = 80,
                       .src_port = 1024 + strlen(target)};
    ev.http.has = true;
    ev.http.method = span_str(method);
    ev.http.target = span_str(target);
    ev.http.version = span_str("1.1");
    ev.http.host = span_str(host);
    ev.http.user_agent = span_str(AGENT);
    ev.http.headers = span_str(
        "Accept: image/gif, image/x-xbitmap, image/jpeg, application/x-shockwave-flash, */*\r\n"
        "Referer: http://example.net\r\nAccept-Language: en-us\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nUA-CPU: x86\r\n"
        "Accept-Encoding: gzip, deflate\r\nContent-Encoding: gzip\r\n"
        "User-Agent: " AGENT "\r\nHost: example.net\r\nContent-Length: 96\r\n"
        "Connection: Keep-Alive\r\nCache-Control: no-cache\r\n");
    ev.http.referer = span_str("http://example.net");
    ev.http.body = span_str(body);
    ev.http.body_size = ev.http.body.n;
    return ev;
}

static void measure_http(struct classify *c)
{
    const char *body = "0123456789abcdef0123456789abcdef0123456789abcdef"
                       "0123456789abcdef0123456789abcdef0123456789abcdef";
    const struct event plain[] = {http("GET", "/index.html", "www.example.net", ""),
                                  http("GET", "/a/b/c.gif?x=1", "example.org", ""),
                                  http("POST", "/form.php", "example.com", body)};
    const struct event checkins[] = {
        http("POST", "/index.php?topic=33.117", "example.net", body),
        http("GET", "/c?InstID={2CAA09DF-35D8-471C-9979-A11DA0CC54DB}", "example.net", "")};
    measure("rules: ordinary HTTP requests", c, plain, 3, 100000);
    measure("rules: check-ins", c, checkins, 2, 100000);
}

static void measure_others(struct classify *c)
{
    static uint8_t bytes[RAW_BYTES_KEEP];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    const struct event dns[] = {
        {.kind = KIND_DNS,
         .dst_port = 53,
         .dns = {.has = true, .qname = span_str("www.example.net"), .qtype = span_str("A")}},
        {.kind = KIND_DNS,
         .dst_port = 53,
         .dns = {.has = true, .qname = span_str("example.org"), .qtype = span_str("MX")}}};
    const struct event raw[] = {
        {.kind = KIND_RAW,
         .dst_port = 443,
         .raw = {.has = true, .client = span_of(bytes, 1024), .server = span_of(bytes, 1024)}}};
    measure("rules: DNS names", c, dns, 2, 100000);
    measure("rules: raw connections, 2 KiB", c, raw, 1, 50000);
}

static void measure_feed(struct classify *c)
{
    const char *const words[] = {"downadup",  "sality", "avalanche-nymaim", "Ramnit", "rustock",
                                 "conficker", "zeus",   "victorygate.b"};
    struct feed_cell cells[8][4];
    struct event ev[8] = {0};
    for (int i = 0; i < 8; i++) {
        cells[i][0] = (struct feed_cell){span_str("tag"), span_str("tag")};
        cells[i][1] = (struct feed_cell){span_str("infection"), span_str(words[i])};
        cells[i][2] = (struct feed_cell){span_str("public_source"), span_str("x")};
        cells[i][3] = (struct feed_cell){span_str("src_hostname"), span_str("host.example.net")};
        ev[i].kind = KIND_FEED;
        ev[i].feed.has = true;
        ev[i].feed.cells = cells[i];
        ev[i].feed.n = 4;
    }
    measure("feed words", c, ev, 8, 5000000);
}

int main(int argc, char **argv)
{
    struct classify *c;
    struct err err;
    if (classify_open(argc > 1 ? argv[1] : "rules", &c, &err) < 0) {
        fprintf(stderr, "bench_classify: %s\n", err.text);
        return 1;
    }
    measure_feed(c);
    measure_http(c);
    measure_others(c);
    classify_close(c);
    return 0;
}
