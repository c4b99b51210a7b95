/* Doctor, DNS: asks a resolver, a question after the other, in a bounded time. Asking is traffic:
 * it is only done when somebody wants it. */
#pragma once

#include "base/err.h"
#include "base/ip.h"

#define DOCTOR_DNS_ADDRESSES 32 /* of one name */
#define DOCTOR_DNS_NAME      256
#define DOCTOR_DNS_SERVERS   8

struct doctor_dns;
/* where: "" the system's (/etc/resolv.conf), else ADDRESS[:PORT], [ADDRESS]:PORT. -EINVAL. */
int doctor_dns_open(const char *where, struct doctor_dns **out, struct err *err);
void doctor_dns_close(struct doctor_dns *r);

enum doctor_dns_code {
    DOCTOR_DNS_ANSWER,   /* the name is there, also when no address is */
    DOCTOR_DNS_NO_NAME,  /* NXDOMAIN */
    DOCTOR_DNS_FAILED,   /* another answer: SERVFAIL, REFUSED */
    DOCTOR_DNS_NO_ANSWER /* none came in time */
};
struct doctor_dns_answer {
    enum doctor_dns_code code;
    unsigned rcode;
    struct ip address[DOCTOR_DNS_ADDRESSES];
    unsigned addresses;
    char server[DOCTOR_DNS_SERVERS][DOCTOR_DNS_NAME]; /* names of the zone's name servers */
    unsigned servers;
};
/* A and AAAA of `name`, and NS of `zone`. False: `name` is none. */
bool doctor_dns_ask(struct doctor_dns *r, const char *name, const char *zone,
                    struct doctor_dns_answer *out);
