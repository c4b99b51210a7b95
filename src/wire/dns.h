/* DNS messages (RFC 1035, EDNS(0) RFC 6891, client subnet RFC 7871, cookies RFC 7873): bytes ->
 * struct. */
#pragma once

#include "base/buf.h"
#include "base/ip.h"

#define DNS_NAME_TEXT_MAX 1016  /* 255 wire bytes, each at worst "\ddd", and a NUL */
#define DNS_NAME_WIRE_MAX 255   /* RFC 1035, 3.1 */
#define DNS_POINTERS_MAX  64    /* compression pointers followed in one name */
#define DNS_MESSAGE_MAX   65535 /* RFC 1035, 4.2.2 */
#define DNS_HEADER_LEN    12

enum dns_anomaly {
    DNS_QUESTIONS = 1 << 0,  /* other than one question */
    DNS_OPT_ODD = 1 << 1,    /* OPT outside the additional section or not owned by the root */
    DNS_OPTION_BAD = 1 << 2, /* an EDNS option runs over the OPT record's end */
    DNS_ECS_BAD = 1 << 3,    /* client subnet of unknown family or wrong length; it is left out */
    DNS_ECS_BITS = 1 << 4,   /* bits set behind the client subnet's prefix; ecs has them cleared */
    DNS_ECS_SCOPE = 1 << 5,  /* a query whose scope prefix length is not 0 */
    DNS_COOKIE_BAD = 1 << 6, /* a cookie of a length that is neither 8 nor 16 to 40 */
    DNS_REPEATED = 1 << 7,   /* client subnet or cookie twice; the first one is kept */
};
/* The words of the bits set, separated by spaces ("ecs-bits cookie-bad"), appended. */
void dns_anomaly_words(uint32_t bits, struct buf *out);

struct dns_query {
    uint16_t id, flags, qdcount, ancount, nscount, arcount;
    uint16_t qtype, qclass;
    char qname[DNS_NAME_TEXT_MAX]; /* presentation form (RFC 1035, 5.1): case as sent, no final
                                    * dot, "." for the root; `. \ " ( ) ; @ $` as \X, bytes that
                                    * are not printable ASCII, and the space, as \ddd */
    size_t qname_len;
    size_t question_end; /* offset behind the first question; 0 when there is none */
    bool has_opt, do_bit;
    uint8_t edns_version;
    uint8_t edns_rcode;  /* upper eight bits of the extended response code */
    uint16_t edns_flags; /* with the DO bit (0x8000) */
    uint16_t udp_size;
    bool has_ecs;
    uint8_t ecs_scope;
    struct net ecs;
    struct span ecs_option; /* as sent, the first one, well-formed or not */
    struct span cookie;     /* as sent, client and server part */
    bool nsid;
    uint32_t anomalies;
};

/* Reads a query or response: header, first question, and the OPT record when there is one; other
 * records are walked over, bytes behind the last one are ignored.
 * 1 done; -1 malformed (*why gets static text, *offset where; both may be NULL). A message that
 * breaks off behind its question has out filled as far as it was read (question_end > 0). qdcount 0
 * is done with an empty qname. Never needs more: a datagram is whole. */
int dns_parse(struct span message, struct dns_query *out, const char **why, size_t *offset);
/* A domain name at *offset of the message, as qname above; moves *offset behind it. 1 or -1.
 * Pointers must go back, to before the part of the name that they stand in, but not into the
 * header: every step is strictly smaller, so that there are no loops. */
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
/* The first question's name in wire form, when question_end is not 0: it is never compressed, since
 * nothing that it could point to stands in front of it. */
static inline struct span dns_question_name(struct span message, const struct dns_query *q)
{
    return span_of(message.p + DNS_HEADER_LEN, q->question_end - 4 - DNS_HEADER_LEN);
}
