/* DNS messages and streams. What parses has a name that turns back into wire form and parses to
 * the same, and spans that lie in the message. */
#include "must.h"
#include "wire/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text (RFC 1035, 5.1) to wire form; the length. */
static size_t name_to_wire(const char *text, size_t n, uint8_t wire[DNS_NAME_WIRE_MAX])
{
    size_t length = 0, at = 1;
    if (n == 1 && text[0] == '.') {
        wire[0] = 0;
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned c = (uint8_t)text[i];
        must(c > 0x20 && c < 0x7f);
        if (c == '.') {
            wire[length] = (uint8_t)(at - length - 1);
            must(wire[length] > 0 && wire[length] < 64);
            length = at++;
            continue;
        }
        if (c == '\\') {
            must(i + 1 < n);
            c = (uint8_t)text[++i];
            if (c >= '0' && c <= '9') {
                must(i + 2 < n);
                c = (c - '0') * 100u + (uint8_t)(text[i + 1] - '0') * 10u +
                    (uint8_t)(text[i + 2] - '0');
                i += 2;
            }
        }
        must(at < DNS_NAME_WIRE_MAX && c < 256);
        wire[at++] = (uint8_t)c;
    }
    wire[length] = (uint8_t)(at - length - 1);
    must(wire[length] > 0 && wire[length] < 64 && at < DNS_NAME_WIRE_MAX);
    wire[at] = 0;
    return at + 1;
}

static void check_name(const char *text, size_t n)
{
    uint8_t wire[DNS_NAME_WIRE_MAX];
    char again[DNS_NAME_TEXT_MAX];
    size_t at = 0, len;
    must(n < DNS_NAME_TEXT_MAX && strlen(text) == n);
    size_t wire_n = name_to_wire(text, n, wire);
    must(dns_name(span_of(wire, wire_n), &at, again, &len, NULL) == 1);
    must(at == wire_n && len == n && memcmp(again, text, n + 1) == 0);
}

static void one_message(struct span m)
{
    struct dns_query q;
    const char *why = NULL;
    size_t offset = SIZE_MAX;
    char name[16];
    int r = dns_parse(m, &q, &why, &offset);
    must(offset <= m.n && (r == 1 || (r == -1 && why)));
    must(strlen(q.qname) == q.qname_len && q.question_end <= m.n);
    if (q.question_end)
        check_name(q.qname, q.qname_len);
    must(!q.cookie.n || (q.cookie.p >= m.p && q.cookie.p + q.cookie.n <= m.p + m.n));
    if (q.has_ecs) {
        struct net masked = net_of(&q.ecs.ip, q.ecs.bits);
        must(q.has_opt && q.ecs.bits <= (ip_is_v4(&q.ecs.ip) ? 32 : 128));
        must(memcmp(&masked.ip, &q.ecs.ip, sizeof masked.ip) == 0);
    }
    must(strlen(dns_type_name(q.qtype, name)) < sizeof name);
    must(strlen(dns_class_name(q.qclass, name)) < sizeof name);
    if (r == 1 && offset == m.n && m.n > DNS_HEADER_LEN && q.qdcount) { /* no byte can be spared */
        struct dns_query less;
        must(dns_parse(span_of(m.p, m.n - 1), &less, NULL, NULL) == -1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    one_message(span_of(data, size));
    struct cur c = {data, data + size};
    struct span m;
    while (dns_tcp_next(&c, &m) == 1) {
        must(m.p >= data && m.p + m.n <= data + size && m.n >= DNS_HEADER_LEN);
        one_message(m);
    }
    return 0;
}
