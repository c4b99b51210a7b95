/* DNS messages (RFC 1035, EDNS(0) RFC 6891, client subnet RFC 7871): bytes -> struct. */
#pragma once

#include "base/buf.h"
#include "base/ip.h"

#define DNS_NAME_TEXT_MAX 1016 /* 255 wire bytes, each at worst "\ddd", and a NUL */
#define DNS_POINTERS_MAX  64   /* compression pointers followed in one name */

struct dns_query {
    uint16_t id, flags, qdcount, ancount, nscount, arcount;
    uint16_t qtype, qclass;
    char qname[DNS_NAME_TEXT_MAX]; /* presentation form (RFC 1035, 5.1 escapes), case as sent, no
                                    * final dot; "." for the root */
    size_t qname_len;
    size_t question_end; /* offset behind the question */
    bool has_opt, do_bit;
    uint8_t edns_version;
    uint16_t udp_size;
    bool has_ecs;
    struct net ecs;
    struct span cookie; /* as sent */
    bool nsid;
};

/* Reads a query or response: header, first question, and the OPT record when there is one.
 * 1 done; -1 malformed (*why gets static text, *offset where). qdcount 0 is done with an empty
 * qname. Never needs more: a datagram is whole. */
int dns_parse(struct span message, struct dns_query *out, const char **why, size_t *offset);
/* A domain name at *offset of the message, as qname above; moves *offset behind it. 1 or -1. */
int dns_name(struct span message, size_t *offset, char out[DNS_NAME_TEXT_MAX], size_t *len,
             const char **why);
/* Splits a TCP stream (RFC 7766): 1 a message, 0 need more, -1 malformed (length below 12). */
int dns_tcp_next(struct cur *stream, struct span *message);
/* "A", "AAAA", ... or "TYPE123" (RFC 3597) into out[16]; returns out. */
const char *dns_type_name(uint16_t type, char out[16]);
const char *dns_class_name(uint16_t klass, char out[16]);
static inline bool dns_is_response(const struct dns_query *q)
{
    return q->flags & 0x8000;
}
