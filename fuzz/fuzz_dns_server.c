/* The DNS server: any bytes as one datagram, and as a TCP stream however it is cut. A reply is one
 * (id, QR, opcode, question), within what client and limits allow, so many times the query at most;
 * ours and ldns's parser take it; and every query is recorded, or counted as what it is.
 *
 * The first byte chooses limits, the second says where the stream is cut. */
#include "must.h"
#include "net/dns_server.h"
#include "net/test_env.h"
#include "wire/dns.h"

#include <ldns/ldns.h> /* behind stdbool, or it makes a bool of its own */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct test_env *world(void)
{
    static char *records[] = {(char *)"* A 192.0.2.1",    (char *)"@ MX 10 mail",
                              (char *)"a CNAME b",        (char *)"b CNAME a",
                              (char *)"*.w SRV 0 0 1 x",  (char *)"c CNAME w",
                              (char *)"* PTR h.example.", (char *)"w HTTPS 1 w alpn=h2"};
    static struct test_env *t;
    if (t)
        return t;
    t = calloc(1, sizeof *t);
    must(t);
    test_env_init(t);
    t->policies[0].dns.records = records;
    t->policies[0].dns.records_count = sizeof records / sizeof *records;
    t->config.nsid = (char *)"name";
    t->config.operator_name = (char *)"operator";
    test_env_asset(t, "a", "", "family");
    test_env_asset(t, "*.w", "", "");
    test_env_asset(t, "192.0.2.0/24", "", "");
    test_env_asset(t, "2001:db8::/32", "", "");
    test_env_ready(t);
    must(dns_server_new(&t->config, &t->env.dns, NULL) == 0);
    return t;
}

static void check_reply(struct span query, struct span reply, const struct dns_query *q)
{
    struct dns_query r;
    ldns_pkt *pkt = NULL;
    must(reply.n >= DNS_HEADER_LEN && memcmp(reply.p, query.p, 2) == 0);
    must(dns_parse(reply, &r, NULL, NULL) == 1 && dns_is_response(&r));
    must(!((q->flags ^ r.flags) & 0x7800) && !(r.flags & 0x00e0));
    must(r.qdcount == (q->question_end > 0) && r.has_opt <= q->has_opt && r.arcount == r.has_opt);
    must(r.question_end == q->question_end);
    must(memcmp(reply.p + 12, query.p + 12, r.question_end ? r.question_end - 12 : 0) == 0);
    must((r.flags & 15) == 0 || (r.ancount == 0 && r.nscount == 0));
    must(!r.has_opt || (r.edns_version == 0 && !(r.edns_flags & 0x7fff)));
    must(ldns_wire2pkt(&pkt, reply.p, reply.n) == LDNS_STATUS_OK);
    ldns_pkt_free(pkt);
}

/* What became of one query. */
static void check_account(const struct test_env *t, const struct net_counters *before)
{
    uint64_t counted = t->counters.dns_refused - before->dns_refused + t->counters.dns_malformed -
                       before->dns_malformed;
    must(t->counters.dns_queries == before->dns_queries + 1);
    must(t->n <= 1 && counted <= 1);
    if (t->n) {
        const struct event *ev = &t->recorded[0].ev;
        must(ev->dns.has && ev->dns.qname.n && ev->answer.n && ev->asset == 3);
        must(span_is_plain(ev->dns.qname) && span_is_plain(ev->dns.anomalies));
    }
}

static void one_datagram(struct test_env *t, struct span query)
{
    struct net_peer peer = test_peer("192.0.2.200", 4000, "192.0.2.53", 53, false);
    struct dns_query q;
    struct net_counters before = t->counters;
    size_t cap = t->config.limits.dns_udp_size;
    uint8_t *out = malloc(cap);
    test_env_forget(t);
    dns_parse(query, &q, NULL, NULL);
    size_t n = dns_server_answer(&t->env, &peer, query, out, cap);
    must(n <= cap && n <= query.n * t->config.limits.dns_amplification);
    must(n <= 512 || (q.has_opt && n <= q.udp_size));
    check_account(t, &before);
    if (query.n < DNS_HEADER_LEN || query.n > DNS_MESSAGE_MAX || dns_is_response(&q))
        must(n == 0);
    else if (!t->config.limits.dns_responses)
        must(n > 0);
    if (n)
        check_reply(query, span_of(out, n), &q);
    free(out);
}

/* The stream as it comes in two pieces; what is answered is appended to t->out. */
static void one_stream(struct test_env *t, struct span stream, size_t cut)
{
    struct net_peer peer = test_peer("2001:db8::5", 4000, "192.0.2.53", 53, true);
    struct test_session ts;
    t->out.n = 0;
    test_session_begin(&ts, t, &dns_session, peer);
    test_session_data(&ts, span_of(stream.p, cut));
    if (!ts.over)
        test_session_data(&ts, span_of(stream.p + cut, stream.n - cut));
    test_session_end(&ts, SESSION_PEER_CLOSED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_env *t = world();
    struct buf whole = {0};
    struct cur c;
    struct span message, in;
    if (size < 2)
        return 0;
    in = span_of(data + 2, size - 2);
    t->config.limits.dns_amplification = data[0] & 1 ? 2 : 10;
    t->config.limits.dns_udp_size = data[0] & 2 ? 512 : 1232;
    t->config.limits.dns_responses = data[0] & 4 ? 1 : 0;
    t->env.tick += data[0];
    one_datagram(t, in);
    test_env_forget(t);
    one_stream(t, in, in.n);
    buf_span(&whole, buf_as_span(&t->out));
    size_t events = t->n;
    test_env_forget(t);
    one_stream(t, in, in.n ? data[1] % in.n : 0);
    must(span_eq(buf_as_span(&whole), buf_as_span(&t->out)) && t->n == events);
    for (c = cur_of(buf_as_span(&whole)); dns_tcp_next(&c, &message) == 1;) {
        struct dns_query r;
        must(dns_parse(message, &r, NULL, NULL) == 1 && dns_is_response(&r) && !(r.flags & 0x0200));
    }
    must(!cur_left(&c));
    buf_free(&whole);
    return 0;
}
