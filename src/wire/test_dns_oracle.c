/* Our reading of DNS messages beside ldns's (BSD licence), over messages and their mutations: where
 * both accept, name, type, class and EDNS must agree, and our text of a name must read back, with
 * ldns, as the bytes of the message. */
#include "wire/dns.h"

#include <ldns/ldns.h> /* behind stdbool, or it makes a bool of its own */

#include "base/tap.h"

enum { ROUNDS = 200000, MESSAGE_MAX = 512 };

struct message {
    const char *p;
    size_t n;
};
#define MESSAGE(text)                                                                              \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct message seeds[] = {
    MESSAGE("\x12\x34\x01\x20\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1"),
    MESSAGE("\x12\x34\x01\x20\0\1\0\0\0\0\0\1\3www\7example\3com\0\0\x1c\0\1"
            "\0\0\x29\x10\0\0\0\x80\0\0\x17\0\x08\0\7\0\1\x18\0\xc0\0\2\0\x0a\0\x08"
            "12345678"),
    MESSAGE("\x12\x34\x81\x80\0\1\0\2\0\1\0\2\1a\1b\2cd\0\0\1\0\1"
            "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\5\2xy\xc0\x0e\xc0\x22\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4"
            "\xc0\x0e\0\2\0\1\0\0\0\x3c\0\4\1n\xc0\x10\1n\xc0\x10\0\1\0\1\0\0\0\x3c\0\4\1\2\3\5"
            "\0\0\x29\x02\x00\0\0\0\0\0\0"),
    MESSAGE("\0\0\1\0\0\2\0\0\0\0\0\0\4\0.\\\xff\5_-;\"(\0\0\xff\0\xff\xc0\x11\0\2\0\1"),
    MESSAGE("\0\0\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1"),
};

static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static size_t mutate(uint8_t *m, size_t n, uint64_t *random)
{
    static const uint8_t likely[] = {0, 1, 0x0c, 0x29, 0x3f, 0x40, 0x80, 0xc0, 0xff};
    for (unsigned changes = next(random) % 4; changes; changes--) {
        size_t at = next(random) % n;
        m[at] = next(random) & 1 ? likely[next(random) % sizeof likely] : (uint8_t)next(random);
    }
    return next(random) % 8 ? n : next(random) % (n + 1);
}

/* Did ldns read the same name, type, class and EDNS? */
static bool agree(const struct dns_query *q, const ldns_pkt *pkt)
{
    ldns_rr_list *questions = ldns_pkt_question(pkt);
    if (q->id != ldns_pkt_id(pkt) || q->qdcount != ldns_rr_list_rr_count(questions))
        return false;
    if (q->qdcount == 0)
        return q->qname_len == 0;
    const ldns_rr *rr = ldns_rr_list_rr(questions, 0);
    const ldns_rdf *owner = ldns_rr_owner(rr);
    ldns_rdf *ours = ldns_dname_new_frm_str(q->qname);
    bool same = ours && ldns_rdf_size(ours) == ldns_rdf_size(owner) &&
                memcmp(ldns_rdf_data(ours), ldns_rdf_data(owner), ldns_rdf_size(owner)) == 0 &&
                q->qtype == (uint16_t)ldns_rr_get_type(rr) &&
                q->qclass == (uint16_t)ldns_rr_get_class(rr);
    ldns_rdf_deep_free(ours);
    if (q->has_opt && !(q->anomalies & DNS_OPT_ODD))
        same = same && q->udp_size == ldns_pkt_edns_udp_size(pkt) &&
               q->edns_version == ldns_pkt_edns_version(pkt) &&
               q->edns_rcode == ldns_pkt_edns_extended_rcode(pkt) &&
               q->do_bit == ldns_pkt_edns_do(pkt);
    return same;
}

static void complain(const uint8_t *m, size_t n, const struct dns_query *q)
{
    printf("# %s type %u:", q->qname, q->qtype);
    for (size_t i = 0; i < n; i++)
        printf(" %02x", m[i]);
    printf("\n");
}

int main(void)
{
    uint64_t random = 0x9e3779b97f4a7c15u;
    unsigned both = 0, differ = 0, only_ours = 0, only_theirs = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        const struct message *seed = &seeds[i % (sizeof seeds / sizeof *seeds)];
        uint8_t m[MESSAGE_MAX];
        memcpy(m, seed->p, seed->n);
        size_t n = i < sizeof seeds / sizeof *seeds ? seed->n : mutate(m, seed->n, &random);
        struct dns_query q;
        ldns_pkt *pkt = NULL;
        bool ours = dns_parse(span_of(m, n), &q, NULL, NULL) == 1;
        bool theirs = ldns_wire2pkt(&pkt, m, n) == LDNS_STATUS_OK;
        both += ours && theirs;
        only_ours += ours && !theirs;
        only_theirs += !ours && theirs;
        if (ours && theirs && !agree(&q, pkt) && differ++ < 5)
            complain(m, n, &q);
        if (theirs)
            ldns_pkt_free(pkt);
    }
    printf("# both accept %u, only ours %u, only ldns %u\n", both, only_ours, only_theirs);
    ok(both > ROUNDS / 4, "enough messages that both accept");
    is_int(differ, 0);
    return tap_done();
}
