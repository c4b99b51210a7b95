/* DNS records of a policy, compiled once to wire form: the hot path copies them. A name in them
 * that is relative goes on with the seized zone's name, which only the query tells, so the place
 * where the zone goes in (a splice) is kept beside the bytes. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "net/policy.h"

#define DNS_RECORDS_RRSET_MAX 61440 /* bytes of one RRset, so that a whole answer fits 65535 */
#define DNS_NEGATIVE_TTL      60    /* of the SOA record that ebb makes up */
#define DNS_CNAME_STEPS_MAX   8     /* followed within the zone for one answer */

enum {
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_HINFO = 13,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_IXFR = 251,
    DNS_TYPE_AXFR = 252,
    DNS_TYPE_ANY = 255,
};

struct dns_splice {
    uint16_t at;       /* offset in wire in front of which the zone goes in */
    uint16_t rdlength; /* offset of its record's length */
    bool whole;        /* the name itself, for types that must not be compressed (RFC 3597, 4) */
};

struct dns_rrset {
    uint16_t type, count;
    uint32_t ttl;
    const uint8_t *wire; /* records; each owner a pointer to the question's name */
    size_t n;
    const struct dns_splice *splices; /* by offset */
    unsigned splices_count, wholes;
    size_t zone_max; /* longest zone, wire bytes, with which every name is at most 255 bytes */
};

struct dns_owner {
    struct span name; /* labels in front of the zone, wire form, lower case */
    const struct dns_rrset *sets;
    unsigned sets_count;
};

struct dns_records {
    struct arena arena;
    uint32_t ttl;
    const struct dns_owner *apex; /* "@": has SOA and NS always */
    const struct dns_owner *any;  /* "*"; NULL when there is none */
    const struct dns_rrset *soa, *ns;
    struct dns_rrset negative; /* the SOA record as NODATA has it (RFC 2308, 3) */
    bool serial;               /* the SOA was made up: its serial is the asset's index */
    /* Other owners, hashed by name. */
    const struct dns_owner **slots;
    unsigned mask, labels_max;
    bool wild; /* there are some like "*.www" */
};

/* -EINVAL naming policy and record when a record does not parse or may not be there. */
int dns_records_new(const struct policy *policy, struct dns_records **out, struct err *err);
void dns_records_free(struct dns_records *r);
/* The records of that type for the name made of these labels (wire form, any case, without the
 * zone; empty: the zone itself), or else its CNAME record, or NULL. */
const struct dns_rrset *dns_records_find(const struct dns_records *r, struct span labels,
                                         uint16_t type);
/* The target of a CNAME set, when it lies within the zone: its labels in front of the zone. */
bool dns_records_target(const struct dns_rrset *cname, struct span *labels);
