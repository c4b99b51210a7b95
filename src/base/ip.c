#include "base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* inet_pton wants a terminated string; feeds have millions of dotted quads, so those are fast. */
static bool v4_parse(struct span t, struct ip *out)
{
    uint32_t v = 0, octet = 0;
    unsigned dots = 0, digits = 0;
    for (size_t i = 0; i < t.n; i++) {
        uint8_t c = t.p[i];
        if (c >= '0' && c <= '9') {
            if (digits && octet == 0)
                return false; /* a leading zero: octal to some readers */
            octet = octet * 10 + (c - '0');
            if (++digits > 3 || octet > 255)
                return false;
        } else if (c == '.' && digits && dots < 3) {
            v = v << 8 | octet;
            octet = digits = 0;
            dots++;
        } else {
            return false;
        }
    }
    if (dots != 3 || !digits)
        return false;
    *out = ip_from_v4(v << 8 | octet);
    return true;
}

bool ip_parse(struct span text, struct ip *out)
{
    char copy[IP_TEXT_MAX];
    if (text.n == 0 || text.n >= sizeof copy)
        return false;
    if (v4_parse(text, out))
        return true;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    return memchr(copy, 0, text.n) == NULL && inet_pton(AF_INET6, copy, out->b) == 1;
}

static char *put_octet(char *p, unsigned v)
{
    if (v >= 100)
        *p++ = (char)('0' + v / 100);
    if (v >= 10)
        *p++ = (char)('0' + v / 10 % 10);
    *p++ = (char)('0' + v % 10);
    return p;
}

size_t ip_format(const struct ip *ip, char *out)
{
    if (!ip_is_v4(ip))
        return inet_ntop(AF_INET6, ip->b, out, IP_TEXT_MAX) ? strlen(out) : 0;
    char *p = out;
    for (int i = 12; i < 16; i++) {
        if (i > 12)
            *p++ = '.';
        p = put_octet(p, ip->b[i]);
    }
    *p = 0;
    return (size_t)(p - out);
}

size_t net_format(const struct net *net, char *out)
{
    size_t n = ip_format(&net->ip, out);
    return n + (size_t)sprintf(out + n, "/%u", net->bits);
}

bool net_parse(struct span text, struct net *out)
{
    const uint8_t *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    struct ip ip;
    if (!slash || !ip_parse(span_of(text.p, (size_t)(slash - text.p)), &ip))
        return false;
    unsigned bits = 0;
    const uint8_t *p = slash + 1, *end = text.p + text.n;
    if (p == end || end - p > 3)
        return false;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        bits = bits * 10 + (unsigned)(*p - '0');
    }
    if (bits > (ip_is_v4(&ip) ? 32u : 128u))
        return false;
    *out = net_of(&ip, (uint8_t)bits);
    return memcmp(&out->ip, &ip, sizeof ip) == 0; /* host bits must be zero */
}

bool net_parse_any(struct span text, struct net *out)
{
    struct ip ip;
    if (!ip_parse(text, &ip))
        return net_parse(text, out);
    *out = net_of(&ip, ip_is_v4(&ip) ? 32 : 128);
    return true;
}

static int cmp_net(const void *x, const void *y)
{
    const struct net *a = x, *b = y;
    int c = memcmp(&a->ip, &b->ip, sizeof a->ip);
    return c ? c : (a->bits > b->bits) - (a->bits < b->bits);
}

size_t nets_order(struct net *nets, size_t n)
{
    size_t left = 0;
    if (n)
        qsort(nets, n, sizeof *nets, cmp_net);
    for (size_t i = 0; i < n; i++)
        if (!left || !net_has(&nets[left - 1], &nets[i].ip))
            nets[left++] = nets[i];
    return left;
}

bool nets_have(const struct net *nets, size_t n, const struct ip *ip)
{
    size_t low = 0, high = n; /* the last one that does not begin above the address */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (memcmp(&nets[mid].ip, ip, sizeof *ip) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low && net_has(&nets[low - 1], ip);
}

struct net net_of(const struct ip *ip, uint8_t bits)
{
    struct net net = {.ip = *ip, .bits = bits, .set = true};
    unsigned keep = ip_is_v4(ip) ? 96u + bits : bits;
    for (unsigned i = 0; i < 16; i++) {
        if (keep >= 8 * (i + 1))
            continue;
        unsigned part = keep > 8 * i ? keep - 8 * i : 0;
        net.ip.b[i] &= (uint8_t)(0xff00 >> part);
    }
    return net;
}
