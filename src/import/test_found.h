/* What a capture comes to, as text to compare; for the tests of its importer. */
#pragma once

#include "base/file.h"
#include "base/tap.h"
#include "import/import.h"
#include "import/test_capture.h"

/* Findings as text, one a line. */
struct found {
    struct buf events, rejects;
    unsigned kinds[KIND_CONN + 1];
    unsigned n_rejects, blobs;
    struct buf blob; /* the last one */
    int64_t time;    /* of the last event */
    uint64_t stop_at, wrong_record, last_record;
    bool terse; /* only count */
};

static inline void put_span(struct buf *b, const char *name, struct span s)
{
    if (!s.n)
        return;
    buf_printf(b, " %s=", name);
    for (size_t i = 0; i < s.n && i < 60; i++) {
        if (s.p[i] > ' ' && s.p[i] < 0x7f)
            buf_byte(b, s.p[i]);
        else
            buf_byte(b, s.p[i] == ' ' ? '_' : s.p[i] == '\r' ? '^' : s.p[i] == '\n' ? '|' : '~');
    }
}

static inline int on_event(void *ctx, const struct event *ev)
{
    struct found *f = ctx;
    char src[IP_TEXT_MAX], dst[IP_TEXT_MAX];
    struct buf *b = &f->events;
    f->kinds[ev->kind]++;
    f->wrong_record += ev->record != ++f->last_record;
    f->time = ev->time;
    if (f->terse)
        return 0;
    ip_format(&ev->src_ip, src);
    ip_format(&ev->dst_ip, dst);
    buf_printf(b, "%.*s %s/%.*s %s:%u>%s:%u", (int)ev->protocol.n, ev->protocol.p,
               event_kind_name((uint8_t)ev->kind), (int)ev->transport.n, ev->transport.p, src,
               (unsigned)ev->src_port, dst, (unsigned)ev->dst_port);
    put_span(b, "qname", ev->dns.qname);
    put_span(b, "qtype", ev->dns.qtype);
    put_span(b, "method", ev->http.method);
    put_span(b, "target", ev->http.target);
    put_span(b, "host", ev->http.host);
    put_span(b, "anomalies", ev->http.anomalies);
    put_span(b, "body", ev->http.body);
    if (ev->http.body_size)
        buf_printf(b, " size=%llu", (unsigned long long)ev->http.body_size);
    put_span(b, "helo", ev->smtp.helo);
    put_span(b, "from", ev->smtp.mail_from);
    for (size_t i = 0; i < ev->smtp.rcpt_to.n; i++)
        put_span(b, "to", ev->smtp.rcpt_to.v[i]);
    put_span(b, "subject", ev->smtp.subject);
    if (ev->smtp.size)
        buf_printf(b, " size=%llu", (unsigned long long)ev->smtp.size);
    if (ev->http.blob.n || ev->smtp.blob.n)
        buf_str(b, " blob");
    put_span(b, "client", ev->raw.client);
    put_span(b, "server", ev->raw.server);
    if (ev->raw.has)
        buf_printf(b, " %llu/%llu", (unsigned long long)ev->raw.client_size,
                   (unsigned long long)ev->raw.server_size);
    buf_byte(b, '\n');
    return f->stop_at && ev->record >= f->stop_at ? -42 : 0;
}

static inline void on_reject(void *ctx, const char *unit, uint64_t number, uint64_t offset,
                             const char *why)
{
    struct found *f = ctx;
    f->n_rejects++;
    if (!f->terse)
        buf_printf(&f->rejects, "%s %llu: %s\n", unit, (unsigned long long)number, why);
}

static inline int on_blob(void *ctx, struct span data, uint8_t sha[SHA256_LEN])
{
    struct found *f = ctx;
    f->blobs++;
    f->blob.n = 0;
    buf_span(&f->blob, data);
    sha256(data.p, data.n, sha);
    return 0;
}

static inline int import_from(struct source *src, struct found *f, uint64_t first, struct err *err)
{
    struct import_sink sink = {f, on_event, on_reject, on_blob, first, NULL, 0};
    struct import_counts counts;
    f->last_record = first - 1;
    int r = import_pcap.run(src, &sink, &counts, err);
    if (counts.rejected != f->n_rejects)
        f->wrong_record++;
    source_close(src);
    return r;
}

static const char *seeds; /* where each capture is also written to, for the fuzz corpus */
static const char *seed_prefix = "pcap";
static unsigned seed_number;

static inline int import_bytes(struct span bytes, struct found *f, uint64_t first, struct err *err)
{
    struct source *src;
    if (seeds && bytes.n < 8192) {
        char path[FILE_PATH_MAX];
        if (file_path(path, err, "%s/%s-%03u", seeds, seed_prefix, ++seed_number) == 0)
            file_replace(path, bytes, 0644, err);
    }
    if (source_open_memory(bytes, "test.pcap", &src, err) < 0)
        return -1;
    return import_from(src, f, first, err);
}

static inline void found_free(struct found *f)
{
    buf_free(&f->events);
    buf_free(&f->rejects);
    buf_free(&f->blob);
}

/* Imports what was built, and frees it; compares events and rejects. */
static inline void expect(struct capture_file *c, const char *name, const char *events,
                          const char *rejects)
{
    struct found f = {0};
    struct err err = {0};
    ok(import_bytes(buf_as_span(&c->bytes), &f, 1, &err) == 0);
    buf_byte(&f.events, 0);
    buf_byte(&f.rejects, 0);
    printf("# %s %s\n", name, err.text);
    is_str((char *)f.events.p, events);
    is_str((char *)f.rejects.p, rejects);
    ok(f.wrong_record == 0);
    found_free(&f);
    buf_free(&c->bytes);
    *c = (struct capture_file){0};
}

static const struct ends to_dns __attribute__((unused)) = {"192.0.2.1", "198.51.100.2", 40000, 53};
static const struct ends to_dns6
    __attribute__((unused)) = {"2001:db8::1", "2001:db8::2", 40000, 53};
static const struct ends to_web __attribute__((unused)) = {"192.0.2.1", "198.51.100.2", 40000, 80};
#define QUERY       "dns dns/udp 192.0.2.1:40000>198.51.100.2:53 qname=x.example qtype=A\n"
#define QUERY6      "dns dns/udp 2001:db8::1:40000>2001:db8::2:53 qname=x.example qtype=A\n"
#define GET         "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define WEB         "192.0.2.1:40000>198.51.100.2:80"
#define GET_UP      "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: w\r\n\r\n"
#define GET_SEEN_UP GET_SEEN
#define GET_SEEN    "http http/tcp " WEB " method=GET target=/a host=h\n"

static inline struct buf query_ip(const struct ends *e)
{
    struct buf m = dns_message(7, 0x0100, "x.example");
    struct buf u = udp_datagram(e, buf_as_span(&m));
    struct buf ip = ip_packet(e, PACKET_UDP, 1, 0, 0, buf_as_span(&u));
    buf_free(&m);
    buf_free(&u);
    return ip;
}

static inline struct talk talk_to(struct capture_file *c, struct ends e)
{
    return (struct talk){c, e, {1000, 4000000000u}};
}
