/* For tests of the DNS server: queries made by hand, replies as text read by ldns (BSD). */
#pragma once

#include "net/dns_server.h"
#include "net/test_env.h"
#include "wire/dns.h"

#include <ldns/ldns.h> /* behind stdbool, or it makes a bool of its own */

#include "base/tap.h"

struct message {
    uint8_t p[1024];
    size_t n;
};

static inline void message_put(struct message *m, const void *p, size_t n)
{
    if (n)
        memcpy(m->p + m->n, p, n);
    m->n += n;
}

static inline void message_u16(struct message *m, unsigned v)
{
    be16_put(m->p + m->n, (uint16_t)v);
    m->n += 2;
}

static inline void message_name(struct message *m, const char *name)
{
    while (*name && strcmp(name, ".") != 0) {
        size_t n = strcspn(name, ".");
        m->p[m->n++] = (uint8_t)n;
        message_put(m, name, n);
        name += n + (name[n] == '.');
    }
    m->p[m->n++] = 0;
}

/* One question, id 0x1234. */
static inline struct message query_of(const char *name, unsigned type, unsigned flags)
{
    struct message m = {.n = 0};
    message_u16(&m, 0x1234);
    message_u16(&m, flags);
    message_u16(&m, 1);
    message_put(&m, "\0\0\0\0\0", 6);
    message_name(&m, name);
    message_u16(&m, type);
    message_u16(&m, 1);
    return m;
}

/* Adds OPT with these options as they are on the wire. */
static inline void query_opt(struct message *m, unsigned size, unsigned version, unsigned flags,
                             const void *options, size_t n)
{
    m->p[11]++;
    message_put(m, "\0\0\x29", 3);
    message_u16(m, size);
    message_u16(m, version);
    message_u16(m, flags);
    message_u16(m, (unsigned)n);
    message_put(m, options, n);
}
#define OPTIONS(text) text, sizeof(text) - 1

/* Answers go to memory of just their size, so that the sanitizers see what runs over. */
static inline struct span dns_ask(struct test_env *t, const struct net_peer *peer,
                                  struct span query)
{
    static uint8_t *out;
    size_t cap = peer->tcp ? DNS_MESSAGE_MAX : t->config.limits.dns_udp_size;
    free(out);
    out = malloc(cap);
    size_t n = dns_server_answer(&t->env, peer, query, out, cap);
    arena_reset(&t->arena);
    return span_of(out, n);
}

static inline void text_records(struct buf *out, const char *before, const ldns_rr_list *list)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        char *rr = ldns_rr2str(ldns_rr_list_rr(list, i));
        for (char *p = rr; *p; p++)
            if (*p == '\t')
                *p = ' ';
        size_t n = strlen(rr);
        while (n && (rr[n - 1] == '\n' || rr[n - 1] == ' '))
            n--;
        buf_str(out, i ? " / " : before);
        buf_put(out, rr, n);
        free(rr);
    }
}

/* "NOERROR aa | answer / answer | authority: ... | edns ...", valid until the next call; what ldns
 * does not take is "malformed". */
static inline const char *dns_reply_text(struct span reply)
{
    static struct buf out;
    ldns_pkt *pkt = NULL;
    out.n = 0;
    if (reply.n == 0)
        return "nothing";
    if (ldns_wire2pkt(&pkt, reply.p, reply.n) != LDNS_STATUS_OK || !ldns_pkt_qr(pkt))
        return "malformed";
    unsigned rcode = (unsigned)ldns_pkt_get_rcode(pkt) | (unsigned)ldns_pkt_edns_extended_rcode(pkt)
                                                             << 4;
    ldns_lookup_table *word = ldns_lookup_by_id(ldns_rcodes, (int)rcode);
    if (word && rcode < 16)
        buf_str(&out, word->name);
    else
        buf_printf(&out, "%s", rcode == 16 ? "BADVERS" : "?");
    buf_str(&out, ldns_pkt_aa(pkt) ? " aa" : "");
    buf_str(&out, ldns_pkt_tc(pkt) ? " tc" : "");
    buf_str(&out, ldns_pkt_rd(pkt) ? " rd" : "");
    buf_str(&out, ldns_pkt_ra(pkt) ? " ra" : "");
    buf_str(&out, ldns_pkt_ad(pkt) ? " ad" : "");
    buf_str(&out, ldns_pkt_cd(pkt) ? " cd" : "");
    if (reply.p[3] & 0x40)
        buf_str(&out, " z");
    if (ldns_pkt_qdcount(pkt) != 1)
        buf_printf(&out, " qd=%u", ldns_pkt_qdcount(pkt));
    text_records(&out, " | ", ldns_pkt_answer(pkt));
    text_records(&out, " | authority: ", ldns_pkt_authority(pkt));
    if (ldns_pkt_edns(pkt)) {
        buf_printf(&out, " | edns %u v%u f%x", ldns_pkt_edns_udp_size(pkt),
                   ldns_pkt_edns_version(pkt), ldns_pkt_edns_z(pkt));
        ldns_rdf *data = ldns_pkt_edns_data(pkt);
        for (size_t i = 0; data && i < ldns_rdf_size(data); i++)
            buf_printf(&out, "%s%02x", i ? "" : " ", ldns_rdf_data(data)[i]);
    }
    buf_byte(&out, 0);
    ldns_pkt_free(pkt);
    return (const char *)out.p;
}
