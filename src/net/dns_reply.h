/* DNS reply: header, question and sections into a buffer of fixed size. What does not fit is not
 * written, and the caller is told. */
#pragma once

#include "base/buf.h"
#include "net/dns_records.h"

enum {
    DNS_FLAG_QR = 0x8000,
    DNS_FLAG_AA = 0x0400,
    DNS_FLAG_TC = 0x0200,
    DNS_FLAG_RD = 0x0100,
    DNS_FLAG_CD = 0x0010,
    DNS_OPCODE_MASK = 0x7800
};
enum { DNS_OPTION_NSID = 3, DNS_OPTION_ECS = 8, DNS_OPTION_COOKIE = 10 };
enum { DNS_OPT_LEN = 11 };

struct dns_reply {
    uint8_t *p;
    size_t n, max;   /* written; sections may go up to max */
    size_t question; /* where the question ends */
    size_t zone;     /* offset of the zone's name in the question; 0: none */
    size_t zone_len; /* its wire bytes */
    uint16_t flags, answers, authorities, additionals;
};

/* Begins a reply to the query, whose first question (when question_end is not 0) is copied as it
 * is. out holds at least question_end bytes. */
void dns_reply_begin(struct dns_reply *r, struct span query, size_t question_end, uint8_t *out,
                     size_t max);
/* Appends the records, with the name at that offset of the message as owner. False: no room, or the
 * zone is too long for the names in them (then *r is as before). Does not count. */
bool dns_reply_rrset(struct dns_reply *r, const struct dns_rrset *set, size_t owner);
/* One TXT record of any text, in strings of at most 255 bytes; owner is the question's name. */
bool dns_reply_txt(struct dns_reply *r, uint32_t ttl, struct span text);
/* One HINFO record as RFC 8482, 4.2 has it. */
bool dns_reply_hinfo(struct dns_reply *r, uint32_t ttl);
/* Throws the sections away and sets TC. */
void dns_reply_truncate(struct dns_reply *r);
/* Writes the header; the reply's length. */
size_t dns_reply_end(struct dns_reply *r, uint16_t id);
