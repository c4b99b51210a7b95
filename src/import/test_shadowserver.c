#include <errno.h>
#include <zlib.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"
#include "import/csv.h"
#include "import/test_text.h"

/* Number, time, and the event as JSON. */
static int take_event(void *ctx, const struct event *ev)
{
    struct found *f = ctx;
    char time[UTC_TEXT_MAX];
    utc_format(ev->time, time);
    buf_printf(&f->events, "%llu %s ", (unsigned long long)ev->record, time);
    struct json j = json_to(&f->events);
    struct event copy = *ev;
    event_json(&copy, 0, "s", &j);
    buf_byte(&f->events, '\n');
    f->n++;
    return f->stop;
}

static int run(struct span data, size_t chunk, uint64_t first, struct found *f)
{
    return found_run(&import_shadowserver, take_event, data, chunk, first, f);
}

/* The one event of a file of header and row, decoded by hand below. */
struct last {
    struct event ev;
    char feed[2048]; /* "key=value " for each cell, in order */
};

static int keep_last(void *ctx, const struct event *ev)
{
    struct last *l = ctx;
    l->ev = *ev;
    l->feed[0] = 0;
    for (size_t i = 0; i < ev->feed.n; i++)
        snprintf(l->feed + strlen(l->feed), sizeof l->feed - strlen(l->feed), "%.*s=%.*s ",
                 (int)ev->feed.cells[i].key.n, (const char *)ev->feed.cells[i].key.p,
                 (int)ev->feed.cells[i].value.n, (const char *)ev->feed.cells[i].value.p);
    return 7; /* stays within the run: the spans are looked at there */
}

/* Checks inside the sink, while the spans are valid. */
struct check {
    struct last last;
    void (*look)(const struct last *l);
    unsigned calls;
};

static int look_at(void *ctx, const struct event *ev)
{
    struct check *c = ctx;
    keep_last(&c->last, ev);
    c->look(&c->last);
    c->calls++;
    return 0;
}

static void one(const char *text, void (*look)(const struct last *l))
{
    struct check c = {.look = look};
    struct found f = {0};
    struct import_sink sink = {&c, look_at, take_reject, take_blob, 1, NULL, 0};
    struct source *s;
    struct import_counts counts;
    source_open_memory(span_str(text), "memory", &s, NULL);
    is_int(import_shadowserver.run(s, &sink, &counts, &f.err), 0);
    is_int(counts.records, 1);
    is_int(counts.rejected, 0);
    is_int(c.calls, 1);
    source_close(s);
    buf_free(&f.rejects);
}

static void is_span(struct span got, const char *want)
{
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)got.n, got.n ? (const char *)got.p : "");
    is_str(text, want);
}

static void is_ip(const struct ip *got, const char *want)
{
    char text[IP_TEXT_MAX];
    ip_format(got, text);
    is_str(ip_is_set(got) ? text : "", want);
}

/* 2021-03-04T00:00:00Z: 18690 days after 1970 */
#define MARCH_4 (18690 * UTC_DAY)

static void look_sinkhole(const struct last *l)
{
    is_int(l->ev.kind, KIND_FEED);
    is_int(l->ev.time, MARCH_4 + 2 * UTC_SECOND);
    is_int(l->ev.record, 1);
    is_span(l->ev.transport, "tcp");
    is_span(l->ev.protocol, "raw");
    is_span(l->ev.role, "");
    is_ip(&l->ev.src_ip, "192.0.2.77");
    is_int(l->ev.src_port, 17409);
    is_ip(&l->ev.dst_ip, "198.51.100.1");
    is_int(l->ev.dst_port, 4455);
    ok(!l->ev.http.has && !l->ev.dns.has && l->ev.feed.has);
    is_str(l->feed, "new=x family=fam report=sinkhole src_asn=12252 src_geo=PE infection=inf ");
}

static void look_http(const struct last *l)
{
    is_span(l->ev.protocol, "http");
    ok(l->ev.http.has);
    is_span(l->ev.http.method, "GET");
    is_span(l->ev.http.target, "/a b?q=\"1\"");
    is_span(l->ev.http.version, "1.1");
    is_span(l->ev.http.host, "h.example");
    is_span(l->ev.http.user_agent, "Agent, \"x\"");
    is_span(l->ev.http.referer, "");
    is_ip(&l->ev.src_ip, "2001:db8::1");
    is_str(l->feed, "report=sinkhole_http infection=andromeda ");
}

static void look_bare_url(const struct last *l)
{
    is_span(l->ev.http.method, "");
    is_span(l->ev.http.target, "/locator.php");
    is_span(l->ev.http.version, "");
    is_span(l->ev.http.referer, "null");
}

static void look_no_http(const struct last *l)
{
    is_span(l->ev.protocol, "http"); /* the report says so */
    ok(!l->ev.http.has);
}

static void look_dns(const struct last *l)
{
    is_span(l->ev.protocol, "dns");
    is_span(l->ev.transport, "udp");
    is_span(l->ev.role, "resolver");
    ok(l->ev.dns.has);
    is_span(l->ev.dns.qname, "YolkIsh.example");
    is_span(l->ev.dns.qtype, "AAAA");
    is_str(l->feed, "count=1 family=calypso report=sinkhole_dns ");
}

static void look_referer(const struct last *l)
{
    is_span(l->ev.role, "referer");
    is_span(l->ev.protocol, "http");
    is_ip(&l->ev.src_ip, ""); /* a site that linked is no bot */
    is_ip(&l->ev.dst_ip, "198.51.100.1");
    is_int(l->ev.src_port, 0);
    is_span(l->ev.http.host, "x.example");
    is_str(l->feed, "family=kovter report=sinkhole_http_referer http_referer_ip=192.0.2.9 "
                    "http_referer_port=80 ");
}

static void look_site(const struct last *l)
{
    is_ip(&l->ev.src_ip, "");
    is_span(l->ev.role, "referer");
    is_str(l->feed, "inet=192.0.2.9 type=torpig report=sinkhole_http_referer ");
}

static void look_http_drone(const struct last *l)
{
    is_span(l->ev.protocol, "http");
    is_span(l->ev.http.method, "GET");
    is_span(l->ev.http.target, "/search?q=0");
    is_span(l->ev.http.version, "1.0");
    is_int(l->ev.src_port, 49121);
    is_int(l->ev.dst_port, 80);
    is_span(l->ev.transport, "");
    is_str(l->feed, "geo=AT type=downadup report=sinkhole_http_drone ");
}

static void look_botnet_drone(const struct last *l)
{
    is_span(l->ev.protocol, "irc");
    is_span(l->ev.transport, "udp");
    is_int(l->ev.src_port, 2868);
    is_int(l->ev.dst_port, 4293);
    is_ip(&l->ev.dst_ip, "198.51.100.71");
    ok(!l->ev.http.has);
    is_str(l->feed, "report=botnet_drone infection=dorkbot application=IRC ");
}

static void look_hidden(const struct last *l)
{
    is_ip(&l->ev.dst_ip, "");
    is_str(l->feed, "dst_ip=148.81.111.x report=sinkhole infection=virut ");
}

static void test_reports(void)
{
    one("\"timestamp\",\"protocol\",\"src_ip\",\"src_port\",\"src_asn\",\"src_geo\",\"src_city\","
        "\"dst_ip\",\"dst_port\",\"infection\",\"family\",\"new\"\n"
        "\"2021-03-04 00:00:02\",\"tcp\",\"192.0.2.77\",17409,12252,\"PE\",,\"198.51.100.1\",4455,"
        "\"inf\",\"fam\",\"x\"\n",
        look_sinkhole);
    one("\xef\xbb\xbftimestamp,protocol,src_ip,src_port,infection,http_url,http_host,http_agent,"
        "http_referer\r\n2021-03-04 00:00:02,tcp,2001:db8::1,1,andromeda,\"GET /a b?q=\"\"1\"\" "
        "HTTP/1.1\",h.example,\"Agent, \"\"x\"\"\",\r\n",
        look_http);
    one("timestamp,src_ip,http_url,http_host,http_referer\n2021-03-04 00:00:02,192.0.2.1,"
        "/locator.php,h.example,null\n",
        look_bare_url);
    one("timestamp,src_ip,http_url,http_host\n2021-03-04 00:00:02,192.0.2.1,,\n", look_no_http);
    one("timestamp,protocol,src_ip,src_port,family,query_type,query,count\n2021-03-04 00:00:02,UDP,"
        "192.0.2.1,29614,calypso,AAAA,YolkIsh.example.,1\n",
        look_dns);
    one("timestamp,protocol,http_referer_ip,http_referer_port,dst_ip,dst_port,family,http_url,"
        "http_host,http_referer\n2021-03-04 00:00:02,tcp,192.0.2.9,80,198.51.100.1,80,kovter,"
        "GET / HTTP/1.1,x.example,http://x.example/\n",
        look_referer);
    one("timestamp,type,http_host,http_referrer,inet\n2010-06-10 23:55:29,torpig,x.example,"
        "http://y.example/,192.0.2.9\n",
        look_site);
    one("timestamp,ip,geo,url,type,http_agent,src_port,dst_port,http_host,http_referer,"
        "http_referer_ip,dst_ip\n2018-03-21 00:00:07,192.0.2.1,AT,GET /search?q=0 HTTP/1.0,"
        "downadup,Mozilla/4.0,49121,80,h.example,,,198.51.100.1\n",
        look_http_drone);
    one("timestamp,ip,port,type,infection,url,agent,cc_ip,cc_port,application\n2016-07-24 00:00:36,"
        "192.0.2.1,2868,UDP,dorkbot,,,198.51.100.71,4293,IRC\n",
        look_botnet_drone);
    one("timestamp,src_ip,dst_ip,infection\n2021-03-04 00:00:02,192.0.2.1,148.81.111.x,virut\n",
        look_hidden);
}

#define HEAD "timestamp,src_ip,src_port,infection\n"

static void test_rejects(void)
{
    struct found f = {0};
    struct buf in = {0};
    buf_str(&in, HEAD                                        /* offset 0 */
            "2021-03-04 00:00:00,192.0.2.1,1,a\n"            /* 36 */
            "2021-03-04 00:00:00,192.0.2.1,1\n"              /* 70 */
            "2021-03-04 00:00:00,192.0.2.1,1,a,b\n"          /* 102 */
            "2021-02-30 00:00:00,192.0.2.1,1,a\n"            /* 138 */
            "3000-01-01 00:00:00,192.0.2.1,1,a\n"            /* 172 */
            "2021-03-04 00:00:00,192.0.2.256,1,a\n"          /* 206 */
            "2021-03-04 00:00:00,,1,a\n"                     /* 242 */
            "2021-03-04 00:00:00,192.0.2.1,65536,a\n"        /* 267 */
            "2021-03-04 24:00:00,192.0.2.1,1,a\n"            /* 305 */
            "2021-03-04 00:00:0x,192.0.2.1,,a\n"             /* 339 */
            "2021-03-04 00:00:01,192.0.2.1,8,\"a\n"          /* 372 */
            "2021-03-04 00:00:02,192.0.2.2,9,\"b\n\"\"c\"\n" /* 406, two lines */
            "2021-03-04 00:00:03,192.0.2.3,,");
    is_int(run(buf_as_span(&in), SOURCE_CHUNK, 1, &f), 0);
    is_int(f.counts.records, 13);
    is_int(f.counts.rejected, 10);
    is_int(f.n, 3);
    is_str((char *)f.rejects.p,
           "line 3 @70 3 cells, the header has 4\n"
           "line 4 @102 5 cells, the header has 4\n"
           "line 5 @138 timestamp: no time between 1990 and 2100: \"2021-02-30 00:00:00\"\n"
           "line 6 @172 timestamp: no time between 1990 and 2100: \"3000-01-01 00:00:00\"\n"
           "line 7 @206 src_ip: no address: \"192.0.2.256\"\n"
           "line 8 @242 src_ip: no address: \"\"\n"
           "line 9 @267 src_port: no port: \"65536\"\n"
           "line 10 @305 timestamp: no time between 1990 and 2100: \"2021-03-04 24:00:00\"\n"
           "line 11 @339 timestamp: no time between 1990 and 2100: \"2021-03-04 00:00:0x\"\n"
           "line 12 @372 text follows a closing quote\n");
    ok(strncmp((char *)f.events.p, "1 2021-03-04T00:00:00", 21) == 0);
    ok(strstr((char *)f.events.p, "\n12 2021-03-04T00:00:02") != NULL);
    ok(strstr((char *)f.events.p, "\n13 2021-03-04T00:00:03") != NULL);

    /* What is on the log already is not sent again, and numbers stay. */
    is_int(run(buf_as_span(&in), SOURCE_CHUNK, 12, &f), 0);
    is_int(f.counts.records, 13);
    is_int(f.n, 2);
    ok(strncmp((char *)f.events.p, "12 2021-03-04T00:00:02", 22) == 0);
    f.stop = -EDQUOT;
    is_int(run(buf_as_span(&in), SOURCE_CHUNK, 1, &f), -EDQUOT);
    is_int(f.n, 1);
    buf_free(&f.events);
    buf_free(&f.rejects);
    buf_free(&in);
}

static void refused(const char *text, const char *why)
{
    struct found f = {0};
    is_int(run(span_str(text), SOURCE_CHUNK, 1, &f), -EINVAL);
    is_str(f.err.text, why);
    buf_free(&f.events);
    buf_free(&f.rejects);
}

static void test_headers(void)
{
    struct found f = {0};
    refused("", "memory: no header line");
    refused("src_ip,infection\n", "memory: no column \"timestamp\" (line 1)");
    refused("timestamp,infection\n", "memory: no column \"src_ip\" or \"ip\" (line 1)");
    refused("timestamp,src_port,http_host,http_referer_ip,type\n",
            "memory: no column \"src_ip\" or \"ip\" (line 1)");
    refused("timestamp,ip,port,hostname\n",
            "memory: no sinkhole report: no column \"infection\", \"family\", \"type\" or "
            "\"dst_ip\" (line 1)");
    refused("timestamp,src_ip,family,tag,tag\n", "memory: two columns \"tag\" (line 1)");
    refused("timestamp,src_ip,family,\xff\n", "memory: column 4 has no usable name (line 1)");
    refused("timestamp,src_ip,\"family\n",
            "memory: no header line: a quote is not closed (line 1)");
    is_int(run(span_str(HEAD), SOURCE_CHUNK, 1, &f), 0);
    is_int(f.counts.records, 0);
    is_int(f.counts.rejected, 0);

    struct buf in = {0};
    buf_str(&in, "timestamp,src_ip,family");
    for (int i = 3; i < EVENT_FEED_CELLS_MAX; i++)
        buf_printf(&in, ",c%d", i);
    is_int(run(buf_as_span(&in), SOURCE_CHUNK, 1, &f), -EINVAL);
    is_str(f.err.text, "memory: more than 255 columns (line 1)");
    buf_free(&in);
    buf_free(&f.events);
    buf_free(&f.rejects);
}

/* A file with good and broken rows of every kind. */
static void mixture(struct buf *b)
{
    static const char *const row[] = {
        "\"2021-03-04 00:00:%02u\",192.0.2.%u,%u,\"a\"\n",
        "2021-03-04 00:01:%02u,192.0.2.%u,%u,\"x\"\"y\"\r\n",
        "2021-03-05 00:01:%02u,2001:db8::%u,%u,\"two\nlines\"\n",
        "2021-03-04T00:02:%02uZ,192.0.2.%u,%u,\"open\n",
        "2021-03-04 00:03:%02u,192.0.2.%u,%u,a\"b\n",
        "2021-03-04 00:03:%02u,192.0.2.%u,%u\n",
        "2021-03-04 00:03:%02u,192.0.2.%u,7%u,x\n",
    };
    b->n = 0;
    buf_str(b, "timestamp,src_ip,src_port,infection\n");
    for (unsigned i = 0; i < 400; i++)
        buf_printf(b, row[i * i % 7], i % 60, i % 256, i * 150);
}

static void test_chunks(void)
{
    static const size_t chunk[] = {1, 2, 3, 5, 7, 63, 64, 65, 1000, 4095, 4096, 4097};
    struct found whole = {0}, f = {0};
    struct buf in = {0};
    int good = 1;
    mixture(&in);
    is_int(run(buf_as_span(&in), SOURCE_CHUNK, 1, &whole), 0);
    ok(whole.counts.rejected > 100 && whole.n > 100);
    is_int(whole.counts.records, whole.counts.rejected + whole.n);
    for (unsigned i = 0; i < sizeof chunk / sizeof chunk[0]; i++) {
        good &= run(buf_as_span(&in), chunk[i], 1, &f) == 0;
        good &= span_eq(buf_as_span(&f.events), buf_as_span(&whole.events));
        good &= span_eq(buf_as_span(&f.rejects), buf_as_span(&whole.rejects));
    }
    ok(good, "the same events and rejects however the bytes come in");
    buf_free(&in);
    buf_free(&f.events);
    buf_free(&f.rejects);
    buf_free(&whole.events);
    buf_free(&whole.rejects);
}

/* gzip that breaks off: the whole rows come in, the rest is one reject. */
static void test_cut_off(void)
{
    struct found f = {0};
    struct buf in = {0};
    buf_str(&in, HEAD);
    for (unsigned i = 0; i < 5000; i++)
        buf_printf(&in, "2021-03-04 00:%02u:%02u,192.0.%u.%u,%u,a\n", i / 60 % 60, i % 60, i / 256,
                   i % 256, i * 7919 % 65536);
    uLongf n = compressBound(in.n) + 64;
    uint8_t *packed = malloc(n);
    z_stream z = {0};
    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = in.p;
    z.avail_in = (uInt)in.n;
    z.next_out = packed;
    z.avail_out = (uInt)n;
    deflate(&z, Z_FINISH);
    n -= z.avail_out;
    deflateEnd(&z);
    is_int(run(span_of(packed, n), SOURCE_CHUNK, 1, &f), 0);
    is_int(f.n, 5000);
    is_int(run(span_of(packed, n / 2), SOURCE_CHUNK, 1, &f), 0);
    ok(f.n > 1000 && f.n < 5000 && f.counts.rejected == 1);
    ok(strstr((char *)f.rejects.p, "memory: the packed data is cut off") != NULL);
    ok(strncmp((char *)f.rejects.p, "line ", 5) == 0 &&
           strtoull((char *)f.rejects.p + 5, NULL, 10) == f.n + 2,
       "the reject names the line that breaks off");
    free(packed);
    buf_free(&in);
    buf_free(&f.events);
    buf_free(&f.rejects);
}

static int probe(const char *text)
{
    return import_shadowserver.probe(span_str(text));
}

static void test_probe(void)
{
    is_int(probe("\"timestamp\",\"protocol\",\"src_ip\",\"src_port\",\"infection\"\n\"2021\","),
           90);
    is_int(probe("\xef\xbb\xbftimestamp,ip,port,asn,geo"), 90);
    is_int(probe("timestamp,src_ip"), 30);
    is_int(probe("protocol,src_ip,src_port,infection\n"), 50); /* run() says what is missing */
    is_int(probe("date,amount\n"), 0);
    is_int(probe("{\"ts\":1,\"uid\":\"C\"}\n"), 0);
    is_int(probe("#separator \\x09\n"), 0);
    is_int(probe(""), 0);
    is_int(import_shadowserver.probe(span_of("\xd4\xc3\xb2\xa1\0\0timestamp,src_ip\n", 23)), 0);
    struct buf in = {0};
    buf_str(&in, "timestamp,src_ip,infection");
    for (unsigned i = 0; in.n < SOURCE_HEAD_MAX; i++)
        buf_printf(&in, ",\"extra_%u\"", i);
    is_int(import_shadowserver.probe(span_of(in.p, SOURCE_HEAD_MAX)), 90);
    buf_free(&in);
}

/* Real samples: as many records as rows, none rejected. */
static void test_samples(void)
{
    static const struct {
        const char *name;
        unsigned rows;
    } sample[] = {{"event4_sinkhole", 3},
                  {"event4_sinkhole_dns", 3},
                  {"event4_sinkhole_http", 5},
                  {"event6_sinkhole_http", 3},
                  {"legacy-sinkhole_http_drone", 86}};
    char beside[FILE_PATH_MAX];
    const char *folder = getenv("EBB_SHARED_DATA"), *root = getenv("EBB_SOURCE_ROOT");
    if (!folder && file_path(beside, NULL, "%s/../shared/data", root ? root : ".") == 0)
        folder = beside;
    for (unsigned i = 0; i < 5; i++) {
        char path[FILE_PATH_MAX];
        struct found f = {0};
        struct source *s;
        struct span head;
        file_path(path, NULL, "%s/shadowserver/%s.csv", folder, sample[i].name);
        if (!file_exists(path)) {
            tap_skip(sample[i].name, "no real samples here (EBB_SHARED_DATA)");
            continue;
        }
        struct import_sink sink = {&f, take_event, take_reject, take_blob, 1, NULL, 0};
        is_int(source_open(path, &s, &f.err), 0);
        is_int(source_head(s, &head, &f.err), 0);
        ok(import_format_detect(head) == &import_shadowserver);
        is_int(import_shadowserver.run(s, &sink, &f.counts, &f.err), 0);
        is_int(f.counts.records, sample[i].rows);
        is_int(f.n, sample[i].rows);
        is_int(f.counts.rejected, 0);
        source_close(s);
        buf_free(&f.events);
        buf_free(&f.rejects);
    }
}

int main(void)
{
    test_reports();
    test_rejects();
    test_headers();
    test_chunks();
    test_cut_off();
    test_probe();
    test_samples();
    return tap_done();
}
