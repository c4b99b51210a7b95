#include "app/case/case_name.h"

#include <libpsl.h>
#include <stdio.h>
#include <string.h>

#include "base/domain.h"
#include "base/ip.h"

/* "8080", "8080/tcp". */
static const char *take_port(const char *text, struct case_name *out)
{
    char digits[8] = "";
    size_t n = strspn(text, "0123456789");
    uint64_t port;
    if (n == 0 || n >= sizeof digits)
        return "a port is a number from 1 to 65535";
    memcpy(digits, text, n);
    if (!cli_parse_u64(digits, &port) || port < 1 || port > UINT16_MAX)
        return "a port is a number from 1 to 65535";
    out->port = (uint16_t)port;
    if (strcmp(text + n, "/tcp") == 0 || strcmp(text + n, "/udp") == 0)
        strcpy(out->transport, text + n + 1);
    else if (text[n])
        return "behind a port there is /tcp, /udp or nothing";
    return NULL;
}

static const char *take_address(struct span text, struct case_name *out)
{
    struct ip ip;
    if (!ip_parse(text, &ip))
        return "not an address";
    out->kind = ASSET_ADDRESS;
    ip_format(&ip, out->name);
    return ip_is_set(&ip) ? NULL : "not an address";
}

static const char *take_domain(const char *text, struct case_name *out)
{
    out->kind = ASSET_DOMAIN;
    if (strncmp(text, "*.", 2) == 0) {
        out->kind = ASSET_WILDCARD;
        text += 2;
    }
    size_t n = domain_text(span_str(text), (uint8_t *)out->name);
    out->name[n] = 0;
    if (n)
        return NULL;
    return span_is_plain(span_str(text)) ? "not a domain, address, network or port:N"
                                         : "not a domain: IDNs are written as A-labels (xn--...)";
}

/* "192.0.2.1:8080" */
static const char *take_address_port(const char *text, const char *colon, struct case_name *out)
{
    const char *why = take_address(span_of(text, (size_t)(colon - text)), out);
    return why ? why : take_port(colon + 1, out);
}

const char *case_name_parse(const char *text, struct case_name *out)
{
    struct net net;
    struct ip ip;
    const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
    *out = (struct case_name){.kind = ASSET_DOMAIN};
    if (strncmp(text, "port:", 5) == 0) {
        out->kind = ASSET_PORT;
        return take_port(text + 5, out);
    }
    if (text[0] == '[') {
        const char *why = bracket
                              ? take_address(span_of(text + 1, (size_t)(bracket - text - 1)), out)
                              : "no ] in it";
        if (why || !bracket[1])
            return why;
        return bracket[1] == ':' ? take_port(bracket + 2, out)
                                 : "behind ] there is :PORT or nothing";
    }
    if (ip_parse(span_str(text), &ip))
        return take_address(span_str(text), out);
    if (net_parse(span_str(text), &net)) {
        out->kind = ASSET_NETWORK;
        net_format(&net, out->name);
        return NULL;
    }
    if (colon && strchr(text, ':') == colon)
        return take_address_port(text, colon, out);
    if (strchr(text, '/'))
        return "not a network (the bits behind the prefix must be zero)";
    return take_domain(text, out);
}

enum act_asset_kind case_kind(const char *name)
{
    int k = 0;
    while (k < ASSET_KINDS && strcmp(name, act_asset_kind_name((enum act_asset_kind)k)) != 0)
        k++;
    return (enum act_asset_kind)k;
}

void case_name_format(const struct act_asset *a, char *out, size_t size)
{
    int n = (int)(a->name.n < CASE_NAME_MAX ? a->name.n : CASE_NAME_MAX);
    const char *name = n ? (const char *)a->name.p : "";
    bool six = a->kind == ASSET_ADDRESS && memchr(name, ':', (size_t)n);
    char port[16] = "";
    if (a->port)
        snprintf(port, sizeof port, "%s%u%s%.*s", a->kind == ASSET_PORT ? "port:" : ":", a->port,
                 a->transport.n ? "/" : "", (int)a->transport.n,
                 a->transport.n ? (const char *)a->transport.p : "");
    snprintf(out, size, "%s%.*s%s%s",
             a->kind == ASSET_WILDCARD ? "*."
             : six && a->port          ? "["
                                       : "",
             n, name, six && a->port ? "]" : "", port);
}

/* ---- public suffixes ---- */

struct case_suffixes *case_suffixes_open(void)
{
    return (struct case_suffixes *)psl_latest(NULL);
}

void case_suffixes_close(struct case_suffixes *s)
{
    psl_free((psl_ctx_t *)s);
}

bool case_suffixes_has(const struct case_suffixes *s, const char *name)
{
    return !strchr(name, '.') || psl_is_public_suffix2((const psl_ctx_t *)s, name, PSL_TYPE_ANY);
}
