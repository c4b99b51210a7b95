/* Captures as a whole: record numbers, limits, and real ones. */
#include "import/flow.h"
#include "import/test_found.h"

/* The n-th event is the same one each time; a sink that stops is obeyed. */
static void records(void)
{
    struct capture_file c = {0};
    struct err err = {0};
    char name[32];
    capture_begin(&c, 1);
    for (unsigned i = 0; i < 50; i++) {
        struct ends e = to_web;
        e.sport = (uint16_t)(2000 + i);
        struct talk t = talk_to(&c, e);
        talk_open(&t);
        talk_say(&t, 0, i % 2 ? GET GET : "???");
        snprintf(name, sizeof name, "n%u.example", i);
        capture_query(&c, &to_dns, name);
        if (i % 3)
            talk_close(&t);
    }
    struct found whole = {0}, part = {0}, stopped = {.stop_at = 40};
    ok(import_bytes(buf_as_span(&c.bytes), &whole, 1, &err) == 0);
    is_int(whole.kinds[KIND_DNS] + whole.kinds[KIND_HTTP] + whole.kinds[KIND_RAW], 50 + 50 + 25);
    ok(import_bytes(buf_as_span(&c.bytes), &part, 61, &err) == 0);
    ok(part.wrong_record == 0 && part.last_record == 125, "goes on at the record asked for");
    ok(part.events.n < whole.events.n && memcmp(whole.events.p + whole.events.n - part.events.n,
                                                part.events.p, part.events.n) == 0,
       "with the same events");
    is_int(import_bytes(buf_as_span(&c.bytes), &stopped, 1, &err), -42);
    is_int(stopped.last_record, 40);
    found_free(&whole);
    found_free(&part);
    found_free(&stopped);
    buf_free(&c.bytes);
}

/* More connections than are followed at a time: the oldest end early, and nothing is missing. */
static void many_flows(void)
{
    struct capture_file c = {0};
    struct found f = {.terse = true};
    struct err err = {0};
    capture_begin(&c, 1);
    c.step_us = 10;
    unsigned n = FLOWS_MAX + 1000;
    for (unsigned i = 0; i < n; i++) {
        char src[32];
        snprintf(src, sizeof src, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        const struct ends e = {src, "198.51.100.2", 4000, 4001};
        capture_udp(&c, &e, span_str("x"));
    }
    ok(import_bytes(buf_as_span(&c.bytes), &f, 1, &err) == 0);
    is_int(f.kinds[KIND_RAW], n);
    is_int(f.n_rejects, 1);
    found_free(&f);
    buf_free(&c.bytes);
}

/* Counts of real captures; tshark's are the same (dns.flags.response==0, http.request, imf in
 * tcp.port==25). */
static void shared(void)
{
    static const struct {
        const char *file;
        unsigned dns, http, smtp, raw, rejects;
    } captures[] = {
        {"suricata-http-checkin-instid.pcap", 0, 1, 0, 0, 0},
        {"suricata-irc-botnet-2004.pcap", 0, 0, 0, 1, 0},
        {"zeek-1000-requests-one-dropped-response.pcap.gz", 0, 1000, 0, 0, 1},
        {"zeek-dns-corrupt.pcap", 1, 0, 0, 0, 0},
        {"zeek-dns-edns-ecs.pcap", 20, 0, 0, 0, 0},
        {"zeek-long-connection.pcap", 11, 0, 0, 0, 0},
        {"zeek-max-compression-depth.pcap", 0, 0, 0, 0, 0},
        {"zeek-pipelined-requests.pcap", 0, 5, 0, 0, 0},
        {"zeek-smtp.pcap", 1, 0, 2, 5, 0},
        {"zeek-smuggle-http-request.pcap", 0, 2, 0, 0, 0},
    };
    const char *dir = getenv("EBB_SHARED_DATA"), *root = getenv("EBB_SOURCE_ROOT");
    for (size_t i = 0; i < sizeof captures / sizeof *captures; i++) {
        char path[FILE_PATH_MAX];
        struct found f = {.terse = true};
        struct source *src;
        struct err err = {0};
        if (dir)
            file_path(path, NULL, "%s/pcap/%s", dir, captures[i].file);
        else
            file_path(path, NULL, "%s/../shared/data/pcap/%s", root ? root : ".", captures[i].file);
        if (!file_exists(path)) {
            tap_skip(captures[i].file, "not on this machine");
            continue;
        }
        ok(source_open(path, &src, &err) == 0 && import_from(src, &f, 1, &err) == 0);
        printf("# %s\n", captures[i].file);
        is_int(f.kinds[KIND_DNS], captures[i].dns);
        is_int(f.kinds[KIND_HTTP], captures[i].http);
        is_int(f.kinds[KIND_SMTP], captures[i].smtp);
        is_int(f.kinds[KIND_RAW], captures[i].raw);
        is_int(f.n_rejects, captures[i].rejects);
        found_free(&f);
    }
}

int main(void)
{
    records();
    many_flows();
    shared();
    return tap_done();
}
