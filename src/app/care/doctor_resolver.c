/* Asking by libldns, whose parser is the one that the sinkhole's records are read with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#include "app/care/doctor_dns.h"
#include "app/config_serve.h"

#define TIMEOUT_S 2
#define RETRIES   1
#define DNS_PORT  53

struct doctor_dns {
    ldns_resolver *resolver;
};

static int add_server(ldns_resolver *r, const struct ip *ip, uint16_t port, struct err *err)
{
    char text[IP_TEXT_MAX + 1];
    text[ip_format(ip, text)] = 0;
    ldns_rdf *address =
        ldns_rdf_new_frm_str(ip_is_v4(ip) ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, text);
    if (!address || ldns_resolver_push_nameserver(r, address) != LDNS_STATUS_OK) {
        ldns_rdf_deep_free(address);
        return err_set(err, -EIO, "--resolver: libldns does not take it (%s)", text);
    }
    ldns_rdf_deep_free(address); /* it keeps a copy */
    ldns_resolver_set_port(r, port);
    return 0;
}

static int open_named(const char *where, struct doctor_dns *d, struct err *err)
{
    struct ip ip;
    uint16_t port = DNS_PORT;
    if (!ip_parse(span_str(where), &ip) && !config_parse_endpoint(where, &ip, &port))
        return err_set(err, -EINVAL, "--resolver: want ADDRESS or ADDRESS:PORT (%s)", where);
    d->resolver = ldns_resolver_new();
    if (!d->resolver)
        abort();
    return add_server(d->resolver, &ip, port, err);
}

int doctor_dns_open(const char *where, struct doctor_dns **out, struct err *err)
{
    struct doctor_dns *d = calloc(1, sizeof *d);
    int rc = 0;
    if (!d)
        abort();
    if (where[0])
        rc = open_named(where, d, err);
    else if (ldns_resolver_new_frm_file(&d->resolver, NULL) != LDNS_STATUS_OK ||
             ldns_resolver_nameserver_count(d->resolver) == 0)
        rc = err_set(err, -ENOENT, "/etc/resolv.conf names no resolver");
    if (rc < 0) {
        doctor_dns_close(d);
        return rc;
    }
    ldns_resolver_set_timeout(d->resolver, (struct timeval){.tv_sec = TIMEOUT_S});
    ldns_resolver_set_retry(d->resolver, RETRIES);
    ldns_resolver_set_dnsrch(d->resolver, false);
    ldns_resolver_set_defnames(d->resolver, false);
    ldns_resolver_set_recursive(d->resolver, true);
    *out = d;
    return 0;
}

void doctor_dns_close(struct doctor_dns *d)
{
    if (!d)
        return;
    if (d->resolver)
        ldns_resolver_deep_free(d->resolver);
    free(d);
}

static void take_address(const ldns_rdf *rdf, struct doctor_dns_answer *out)
{
    if (!rdf || out->addresses == DOCTOR_DNS_ADDRESSES)
        return;
    size_t n = ldns_rdf_size(rdf);
    if (n == 4 || n == 16)
        out->address[out->addresses++] = ip_from_bytes(ldns_rdf_data(rdf), n == 16);
}

static void take_server(const ldns_rdf *rdf, struct doctor_dns_answer *out)
{
    char *text = rdf && out->servers < DOCTOR_DNS_SERVERS ? ldns_rdf2str(rdf) : NULL;
    if (!text)
        return;
    size_t n = strlen(text);
    if (n > 1 && text[n - 1] == '.')
        n--;
    if (n < DOCTOR_DNS_NAME) {
        memcpy(out->server[out->servers], text, n);
        out->server[out->servers++][n] = 0;
    }
    free(text);
}

static void take(const ldns_pkt *p, ldns_rr_type type, struct doctor_dns_answer *out)
{
    const ldns_rr_list *list = ldns_pkt_answer(p);
    for (size_t i = 0; list && i < ldns_rr_list_rr_count(list); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(list, i);
        if (ldns_rr_get_type(rr) != type || ldns_rr_rd_count(rr) < 1)
            continue;
        if (type == LDNS_RR_TYPE_NS)
            take_server(ldns_rr_rdf(rr, 0), out);
        else
            take_address(ldns_rr_rdf(rr, 0), out);
    }
}

static enum doctor_dns_code ask(struct doctor_dns *d, const ldns_rdf *name, ldns_rr_type type,
                                struct doctor_dns_answer *out)
{
    ldns_pkt *p = NULL;
    /* libldns asks a server that has been silent once never again */
    for (size_t i = 0; i < ldns_resolver_nameserver_count(d->resolver); i++)
        ldns_resolver_set_nameserver_rtt(d->resolver, i, LDNS_RESOLV_RTT_MIN);
    if (ldns_resolver_query_status(&p, d->resolver, name, type, LDNS_RR_CLASS_IN, LDNS_RD) !=
            LDNS_STATUS_OK ||
        !p)
        return DOCTOR_DNS_NO_ANSWER;
    unsigned rcode = ldns_pkt_get_rcode(p);
    if (rcode == LDNS_RCODE_NOERROR)
        take(p, type, out);
    ldns_pkt_free(p);
    if (type != LDNS_RR_TYPE_NS)
        out->rcode = rcode;
    return rcode == LDNS_RCODE_NOERROR    ? DOCTOR_DNS_ANSWER
           : rcode == LDNS_RCODE_NXDOMAIN ? DOCTOR_DNS_NO_NAME
                                          : DOCTOR_DNS_FAILED;
}

bool doctor_dns_ask(struct doctor_dns *d, const char *name, const char *zone,
                    struct doctor_dns_answer *out)
{
    *out = (struct doctor_dns_answer){.code = DOCTOR_DNS_NO_ANSWER};
    ldns_rdf *of = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_DNAME, name);
    ldns_rdf *in = ldns_rdf_new_frm_str(LDNS_RDF_TYPE_DNAME, zone);
    if (of && in) {
        out->code = ask(d, of, LDNS_RR_TYPE_A, out);
        if (out->code == DOCTOR_DNS_ANSWER) { /* else the others say the same, or nothing either */
            ask(d, of, LDNS_RR_TYPE_AAAA, out);
            ask(d, in, LDNS_RR_TYPE_NS, out);
        }
    }
    bool good = of && in;
    ldns_rdf_deep_free(of);
    ldns_rdf_deep_free(in);
    return good;
}
