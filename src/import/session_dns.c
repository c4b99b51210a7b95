/* DNS: queries in datagrams and in TCP streams (RFC 7766). */
#include "import/session.h"
#include "wire/dns.h"

enum { HEADER = 12, TCP_LENGTH = 2 };

void session_dns_message(struct session_out *out, const struct session_ends *ends, unsigned client,
                         struct span message, bool cut, const struct packet_at *at)
{
    struct dns_query q;
    const char *why = "";
    size_t offset = 0;
    if (dns_parse(message, &q, &why, &offset) < 0) {
        session_reject(out, at, "DNS message %s: %s at byte %zu",
                       cut ? "cut by the snap length" : "malformed", why, offset);
        return;
    }
    if (dns_is_response(&q) || session_skip(out))
        return;
    char type[16], class[16], ecs[NET_TEXT_MAX];
    struct event ev = session_event(ends, client, KIND_DNS, "dns", at);
    ev.dns.has = true;
    ev.dns.id = q.id;
    ev.dns.flags = q.flags;
    ev.dns.edns = q.has_opt ? q.udp_size : 0;
    ev.dns.qname = span_of(q.qname, q.qname_len);
    if (q.qdcount) {
        ev.dns.qtype = span_str(dns_type_name(q.qtype, type));
        if (q.qclass != 1)
            ev.dns.qclass = span_str(dns_class_name(q.qclass, class));
    }
    if (q.has_ecs)
        ev.dns.ecs = span_of(ecs, net_format(&q.ecs, ecs));
    session_emit(out, &ev);
}

bool session_dns_strict(struct span m, bool response)
{
    struct dns_query q;
    if (m.n < HEADER + 5)
        return false;
    uint16_t flags = be16_get(m.p + 2);
    if ((flags & 0xf840) != (response ? 0x8000 : 0) || be16_get(m.p + 4) != 1)
        return false;
    if (!response &&
        ((flags & 0x0f) || be16_get(m.p + 6) || be16_get(m.p + 8) || be16_get(m.p + 10) > 2))
        return false;
    if (dns_parse(m, &q, NULL, NULL) < 0)
        return false;
    uint16_t class = q.qclass & 0x7fff; /* the top bit is multicast DNS's */
    return (class == 1 || class == 3 || class == 4 || class == 255) && q.qtype != 0 &&
           (response || q.arcount || q.question_end == m.n);
}

int session_dns_detect(struct span b)
{
    if (b.n < TCP_LENGTH + HEADER)
        return 0;
    size_t n = be16_get(b.p);
    const uint8_t *header = b.p + TCP_LENGTH;
    uint16_t flags = be16_get(header + 2), questions = be16_get(header + 4);
    bool query = n >= HEADER && !(flags & 0x8000) && (flags >> 11 & 15) <= 6 && !(flags & 0x40) &&
                 questions <= 1 && be16_get(header + 6) <= 64 && be16_get(header + 8) <= 64;
    return query ? 1 : -1;
}

void session_dns_data(const struct session_call *c, struct span bytes, const struct packet_at *at)
{
    struct session *s = c->s;
    const uint8_t *fresh;
    struct cur cur = session_unread(c, bytes, &fresh);
    for (;;) {
        struct span message;
        const struct packet_at where = cur.p < fresh ? s->in_at : *at;
        int r = session_dns_detect(span_of(cur.p, cur_left(&cur)));
        if (r > 0)
            r = dns_tcp_next(&cur, &message);
        if (r == 0) {
            session_wait(c, span_of(cur.p, cur_left(&cur)), &where);
            return;
        }
        if (r < 0) {
            session_reject(c->out, &where, "DNS over TCP: no message where one should start");
            session_turn_raw(c, span_of(cur.p, cur_left(&cur)), &where);
            return;
        }
        s->events = true;
        session_dns_message(c->out, c->ends, s->client, message, false, &where);
    }
}
