/* Captures, pcap and pcapng, read by libpcap. Packets are numbered from 1; records are the events
 * in the order in which they are made, which depends on the file alone.
 *
 * A capture that libpcap cannot read on (torn, or with a second interface of another link type)
 * ends with a reject that says so; what came before has come in. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/utc.h"
#include "import/flow.h"
#include "import/fragment.h"
#include "import/import.h"

#define CAPTURE_HELD_MAX (256u << 20) /* bytes that all connections together may keep waiting */
#define STREAM_BUFFER    (256u << 10)
#define SIZE_MAGIC       4

enum { PORT_DNS = 53 };

/* Something that is common when it happens: said once for the whole capture. */
struct note {
    uint64_t count, bytes;
    struct packet_at first;
};

struct capture {
    pcap_t *pcap;
    int link;
    bool classic; /* pcap, not pcapng: seconds are unsigned 32 bits */
    struct packet_at at;
    struct fragments *fragments;
    struct flows *flows;
    struct flow *flow; /* of the packet at hand */
    struct tcp_pool pool;
    struct tcp_sink tcp;
    struct session_out out;
    size_t held; /* by sessions */
    struct note cut, early;
};

static void note(struct note *n, const struct packet_at *at, uint64_t bytes)
{
    if (!n->count++)
        n->first = *at;
    n->bytes += bytes;
}

static struct session_call call_of(struct capture *c, struct flow *flow)
{
    return (struct session_call){&flow->session, &flow->key, &c->out};
}

/* --- TCP --- */

static void stream_data(void *ctx, unsigned dir, struct span bytes, const struct packet_at *at)
{
    struct capture *c = ctx;
    struct session_call call = call_of(c, c->flow);
    if (!c->flow->tcp.half[dir].syn)
        call.s->torn = true;
    session_data(&call, dir, bytes, at);
}

static void stream_gap(void *ctx, unsigned dir, uint32_t lost, enum tcp_gap why,
                       const struct packet_at *at)
{
    struct capture *c = ctx;
    struct session_call call = call_of(c, c->flow);
    const struct session_ends *ends = call.ends;
    if (why == TCP_GAP_LOST) {
        char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
        ip_format(&ends->ip[dir], from);
        ip_format(&ends->ip[!dir], to);
        session_reject(&c->out, at,
                       "%u TCP bytes lost before this packet, %s port %u to %s port %u", lost, from,
                       ends->port[dir], to, ends->port[!dir]);
    }
    session_gap(&call, dir, lost, at);
}

/* Makes the connection's last events; the flow stays, so that echoes are known as such. */
static void flow_finish(struct capture *c, struct flow *flow)
{
    struct flow *current = c->flow;
    struct session_call call = call_of(c, flow);
    unsigned client = call.s->client;
    bool known = call.s->client_known || call.s->begun;
    c->flow = flow;
    if (flow->key.transport == PACKET_TCP)
        tcp_end(&flow->tcp, client, &c->at, &c->pool, &c->tcp);
    session_end(&call, &c->at);
    c->held -= flow->held;
    flow->held = 0;
    call.s->client = client;
    call.s->client_known = known;
    c->flow = current;
}

static void flow_drop_oldest(struct capture *c)
{
    struct flow *flow = flows_oldest(c->flows);
    if (flow->session.begun)
        note(&c->early, &c->at, 0);
    flow_finish(c, flow);
    flows_remove(c->flows, flow);
}

static struct flow *flow_of(struct capture *c, const struct packet *p, unsigned *dir)
{
    bool made;
    struct flow *flow = flows_get(c->flows, p, dir, &made);
    if (!flow) {
        flow_drop_oldest(c);
        flow = flows_get(c->flows, p, dir, &made);
    }
    return flow;
}

static void bound_memory(struct capture *c, struct flow *flow)
{
    size_t held = session_held(&flow->session);
    c->held += held - flow->held;
    flow->held = held;
    while (c->held + c->pool.held > CAPTURE_HELD_MAX && flows_oldest(c->flows) != flow)
        flow_drop_oldest(c);
}

/* The side that sent the first SYN asks. */
static void take_role(struct session *s, unsigned dir, uint8_t flags)
{
    if (!(flags & TCP_SYN) || s->begun || s->client_known)
        return;
    s->client = flags & TCP_ACK ? !dir : dir;
    s->client_known = true;
}

static void take_tcp(struct capture *c, const struct packet *p)
{
    unsigned dir;
    struct flow *flow = flow_of(c, p, &dir);
    c->flow = flow;
    take_role(&flow->session, dir, p->tcp_flags);
    enum tcp_verdict v = tcp_segment(&flow->tcp, dir, p, &c->at, &c->pool, &c->tcp);
    if (v == TCP_ANEW) {
        if (!flow->tcp.over)
            flow_finish(c, flow);
        if (p->tcp_flags & TCP_SYN)
            flow->session.client_known = false;
        take_role(&flow->session, dir, p->tcp_flags);
        tcp_init(&flow->tcp);
        v = tcp_segment(&flow->tcp, dir, p, &c->at, &c->pool, &c->tcp);
    }
    if (v == TCP_ENDED)
        flow_finish(c, flow);
    else
        bound_memory(c, flow);
}

/* --- UDP --- */

static void take_dns(struct capture *c, const struct packet *p)
{
    struct session_ends ends = {{p->src, p->dst}, {p->src_port, p->dst_port}, PACKET_UDP};
    session_dns_message(&c->out, &ends, 0, p->payload, p->cut, &c->at);
}

static bool is_response(struct span m)
{
    return m.n >= 3 && m.p[2] & 0x80;
}

/* Port 53 is DNS: what cannot be read there is a reject. Elsewhere a datagram is DNS when it is a
 * plain query to the letter, and the answers of its flow are passed over; all else is raw. */
static void take_udp(struct capture *c, const struct packet *p)
{
    unsigned dir;
    if (!p->length)
        return;
    if (p->dst_port == PORT_DNS || (p->src_port == PORT_DNS && is_response(p->payload))) {
        take_dns(c, p);
        return;
    }
    struct flow *flow = flow_of(c, p, &dir);
    if (session_dns_strict(p->payload, false)) {
        take_dns(c, p);
        if (!flow->session.begun)
            flow->session.kind = SESSION_DNS;
        return;
    }
    if (flow->session.kind == SESSION_DNS && session_dns_strict(p->payload, true))
        return;
    struct session_call call = call_of(c, flow);
    session_datagram(&call, dir, p->payload, p->length, &c->at);
    bound_memory(c, flow);
}

/* --- packets --- */

static void datagram_lost(void *ctx, uint64_t packet, const char *why)
{
    struct capture *c = ctx;
    session_reject(&c->out, &(struct packet_at){c->at.time, packet}, "%s", why);
}

static int64_t packet_time(const struct capture *c, const struct pcap_pkthdr *h)
{
    int64_t seconds = c->classic ? (int64_t)(uint32_t)h->ts.tv_sec : h->ts.tv_sec;
    int64_t t;
    if (__builtin_mul_overflow(seconds, UTC_SECOND, &t) ||
        __builtin_add_overflow(t, (int64_t)h->ts.tv_usec, &t))
        return INT64_MAX;
    return t;
}

static void take_packet(struct capture *c, const struct pcap_pkthdr *h, const uint8_t *bytes)
{
    struct packet p;
    const char *why = "";
    c->at.time = packet_time(c, h);
    if (c->at.time < UTC_EVENT_MIN || c->at.time >= UTC_EVENT_MAX) {
        session_reject(&c->out, &c->at, "packet time outside 1990 to 2100");
        return;
    }
    int r =
        packet_decode(c->link, span_of(bytes, h->caplen), h->len, &c->at, c->fragments, &p, &why);
    if (r < 0)
        session_reject(&c->out, &c->at, "%s", why);
    else if (p.cut)
        note(&c->cut, &c->at, r ? p.length - p.payload.n : 0);
    if (r != 1)
        return;
    if (p.transport == PACKET_TCP)
        take_tcp(c, &p);
    else
        take_udp(c, &p);
}

/* Everything that is still open, the least recently seen first. */
static void finish_all(struct capture *c)
{
    fragments_flush(c->fragments);
    for (struct flow *flow; (flow = flows_oldest(c->flows));) {
        flow_finish(c, flow);
        flows_remove(c->flows, flow);
    }
}

static void say_notes(struct capture *c)
{
    if (c->cut.count)
        session_reject(&c->out, &c->cut.first,
                       "%llu packets cut by the snap length (this is the first): used as far as "
                       "they go, %llu bytes missing",
                       (unsigned long long)c->cut.count, (unsigned long long)c->cut.bytes);
    struct packet_at odd = {c->at.time, c->tcp.odd_at};
    if (c->tcp.differing)
        session_reject(&c->out, &odd,
                       "%llu TCP bytes came again with another value: the first copy was taken",
                       (unsigned long long)c->tcp.differing);
    if (c->tcp.late)
        session_reject(&c->out, &odd, "%llu TCP bytes outside their connection: left out",
                       (unsigned long long)c->tcp.late);
    if (c->early.count)
        session_reject(&c->out, &c->early.first,
                       "%llu connections ended early (this packet the first) for lack of room",
                       (unsigned long long)c->early.count);
}

static int capture_open(struct capture *c, struct source *src, struct err *err)
{
    char why[PCAP_ERRBUF_SIZE];
    struct span head;
    int r = source_head(src, &head, err);
    if (r < 0)
        return r;
    c->classic = head.n >= SIZE_MAGIC && be32_get(head.p) != 0x0a0d0d0a;
    FILE *stream = source_stream(src, err);
    if (!stream)
        return err && err->code ? err->code : -EIO;
    setvbuf(stream, NULL, _IOFBF, STREAM_BUFFER);
    c->pcap = pcap_fopen_offline(stream, why);
    if (!c->pcap) {
        fclose(stream);
        r = source_stream_error(src, err);
        return r ? r
                 : err_set(err, -EINVAL, "%s: not a readable capture: %s", source_name(src), why);
    }
    c->link = pcap_datalink(c->pcap);
    if (packet_link_known(c->link))
        return 0;
    const char *name = pcap_datalink_val_to_name(c->link);
    return err_set(err, -ENOTSUP, "%s: link type %d (%s) is not supported", source_name(src),
                   c->link, name ? name : "unknown");
}

static int capture_read(struct capture *c, struct source *src, struct err *err)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    int r;
    for (;;) {
        r = pcap_next_ex(c->pcap, &header, &bytes);
        c->at.number++;
        if (r != 1 || c->out.stop)
            break;
        take_packet(c, header, bytes);
    }
    struct packet_at here = c->at;
    c->at.number--;
    if (!c->out.stop)
        finish_all(c);
    if (c->out.stop)
        return err_set(err, c->out.stop, "%s: import stopped", source_name(src));
    say_notes(c);
    struct err broken;
    int code = source_stream_error(src, &broken);
    if (code)
        return import_broke_off(src, c->out.sink, c->out.counts, "packet", here.number, err);
    if (r == PCAP_ERROR)
        session_reject(&c->out, &here, "%s", pcap_geterr(c->pcap));
    return 0;
}

static int run(struct source *src, const struct import_sink *sink, struct import_counts *counts,
               struct err *err)
{
    uint64_t key = 0;
    struct capture *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    *counts = (struct import_counts){0};
    c->out.sink = sink;
    c->out.counts = counts;
    c->tcp = (struct tcp_sink){.ctx = c, .data = stream_data, .gap = stream_gap};
    int r = capture_open(c, src, err);
    if (r == 0) {
        if (getrandom(&key, sizeof key, GRND_NONBLOCK) != (ssize_t)sizeof key)
            key = (uint64_t)(uintptr_t)c; /* at worst a slower table */
        c->fragments = fragments_new(datagram_lost, c);
        c->flows = flows_new(key);
        r = capture_read(c, src, err);
        for (struct flow *flow; (flow = flows_oldest(c->flows));) { /* when stopped */
            flow_finish(c, flow);
            flows_remove(c->flows, flow);
        }
    }
    if (c->pcap)
        pcap_close(c->pcap);
    flows_free(c->flows);
    fragments_free(c->fragments);
    tcp_pool_free(&c->pool);
    session_out_free(&c->out);
    free(c);
    return r;
}

static int probe(struct span head)
{
    if (head.n < SIZE_MAGIC)
        return 0;
    switch (be32_get(head.p)) {
    case 0xa1b2c3d4: /* microseconds, this order and the other */
    case 0xd4c3b2a1:
    case 0xa1b23c4d: /* nanoseconds */
    case 0x4d3cb2a1:
    case 0xa1b2cd34: /* with an extended packet header */
    case 0x34cdb2a1:
        return 100;
    case 0x0a0d0d0a: /* pcapng: a section header, and its byte order mark */
        if (head.n < 12)
            return 60;
        return be32_get(head.p + 8) == 0x1a2b3c4d || be32_get(head.p + 8) == 0x4d3c2b1a ? 100 : 0;
    default:
        return 0;
    }
}

const struct import_format import_pcap = {
    .name = "pcap",
    .about = "packet captures, pcap and pcapng: DNS queries, HTTP requests, mails, other traffic",
    .probe = probe,
    .run = run,
};
