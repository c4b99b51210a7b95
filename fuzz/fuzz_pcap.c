/* Captures. The first byte of the input chooses what the rest is: a capture file as it stands, or
 * packets alone (each behind its length in two bytes), of the link type that the byte names: so that
 * mutations reach reassembly and sessions instead of ending in file headers. */
#include "import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
    uint64_t events;
    unsigned sum; /* of bytes, so that every span is read */
};

static void touch(struct tally *t, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        t->sum += s.p[i];
}

static int on_event(void *ctx, const struct event *ev)
{
    struct tally *t = ctx;
    const struct span spans[] = {
        ev->dns.qname,    ev->dns.qtype,       ev->dns.ecs,        ev->http.method,
        ev->http.target,  ev->http.headers,    ev->http.host,      ev->http.body,
        ev->http.blob,    ev->http.anomalies,  ev->http.version,   ev->http.referer,
        ev->smtp.helo,    ev->smtp.dialogue,   ev->smtp.mail_from, ev->smtp.subject,
        ev->raw.client,   ev->raw.server,      ev->protocol,       ev->transport,
        ev->dns.qclass,   ev->http.user_agent, ev->smtp.blob,
    };
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        touch(t, spans[i]);
    for (size_t i = 0; i < ev->smtp.rcpt_to.n; i++)
        touch(t, ev->smtp.rcpt_to.v[i]);
    if (ev->record != ++t->events) /* records are numbered without a gap */
        __builtin_trap();
    return 0;
}

static void on_reject(void *ctx, const char *unit, uint64_t number, uint64_t offset,
                      const char *why)
{
    touch(ctx, span_str(why));
}

static int on_blob(void *ctx, struct span bytes, uint8_t sha[SHA256_LEN])
{
    touch(ctx, bytes);
    memset(sha, 0, SHA256_LEN);
    return bytes.n % 7 == 6; /* now and then over a cap */
}

static void put32(struct buf *b, uint32_t v)
{
    buf_put(b, &v, sizeof v);
}

/* A pcap file of the packets in `c`, one every 10 ms. */
static void wrap(uint8_t choice, struct cur c, struct buf *out)
{
    static const uint32_t links[] = {1, 113, 276, 101, 0, 108, 228, 229};
    uint16_t n;
    put32(out, 0xa1b2c3d4);
    put32(out, 2 | 4 << 16);
    put32(out, 0);
    put32(out, 0);
    put32(out, 65535);
    put32(out, links[choice % 8]);
    for (uint32_t i = 0; cur_u16(&c, &n); i++) {
        struct span packet;
        if (n > cur_left(&c))
            n = (uint16_t)cur_left(&c);
        cur_take(&c, n, &packet);
        put32(out, 1300000000 + i / 100);
        put32(out, i % 100 * 10000);
        put32(out, n);
        put32(out, n + (choice & 64 ? 40u : 0)); /* with a snap length, or without */
        buf_span(out, packet);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tally tally = {0};
    struct import_counts counts;
    struct buf file = {0};
    struct source *src;
    struct err err;
    if (size < 1)
        return 0;
    if (data[0] & 128)
        wrap(data[0], cur_of(span_of(data + 1, size - 1)), &file);
    else
        buf_put(&file, data + 1, size - 1);
    if (source_open_memory(buf_as_span(&file), "fuzz", &src, &err) == 0) {
        const struct import_sink sink = {&tally, on_event, on_reject, on_blob, 1, NULL, 0};
        if (import_pcap.run(src, &sink, &counts, &err) == 0 && counts.records != tally.events)
            __builtin_trap();
        source_close(src);
    }
    buf_free(&file);
    return 0;
}
