/* IP addresses and prefixes. An address is 16 bytes, IPv4 in its mapped form ::ffff:a.b.c.d
 * (RFC 4291, 2.5.5.2), so both families sort and hash the same way. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define IP_TEXT_MAX  46 /* as INET6_ADDRSTRLEN */
#define NET_TEXT_MAX (IP_TEXT_MAX + 4)

struct ip {
    uint8_t b[16]; /* all zero: no address */
};

/* A prefix; bits counts within the family (0-32 for IPv4, 0-128 for IPv6). */
struct net {
    struct ip ip; /* host bits are zero */
    uint8_t bits;
    bool set; /* false: unknown */
};

static inline bool ip_is_v4(const struct ip *ip)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(ip->b, mapped, 12) == 0;
}
static inline bool ip_is_set(const struct ip *ip)
{
    static const struct ip none;
    return memcmp(ip, &none, sizeof none) != 0;
}
/* The IPv4 address as a number, host order. Only for ip_is_v4(). */
static inline uint32_t ip_v4(const struct ip *ip)
{
    return be32_get(ip->b + 12);
}
static inline struct ip ip_from_v4(uint32_t v)
{
    struct ip ip = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    be32_put(ip.b + 12, v);
    return ip;
}
/* 4 or 16 bytes in network order, as on the wire. */
static inline struct ip ip_from_bytes(const uint8_t *p, bool v6)
{
    struct ip ip;
    if (!v6)
        return ip_from_v4(be32_get(p));
    memcpy(ip.b, p, 16);
    return ip;
}
/* Dotted quad or RFC 4291 text, the whole span; a mapped IPv6 text reads as IPv4. */
bool ip_parse(struct span text, struct ip *out);
/* Canonical text (RFC 5952); out holds IP_TEXT_MAX. Returns its length. */
size_t ip_format(const struct ip *ip, char *out);
/* "a.b.c.d/n"; out holds NET_TEXT_MAX. Returns the length. */
size_t net_format(const struct net *net, char *out);
bool net_parse(struct span text, struct net *out);
/* The same, or an address: the network that is just it. */
bool net_parse_any(struct span text, struct net *out);
/* The prefix of that length that holds the address. */
struct net net_of(const struct ip *ip, uint8_t bits);
/* True when the address lies in the network: of the same IP version, and the prefix is its own. */
static inline bool net_has(const struct net *net, const struct ip *ip)
{
    if (!net->set || ip_is_v4(ip) != ip_is_v4(&net->ip))
        return false;
    struct net have = net_of(ip, net->bits);
    return memcmp(&have.ip, &net->ip, sizeof have.ip) == 0;
}

/* A set of networks in one array: sorts it, leaves out what lies in another one, and returns how
 * many are left. NULL when n is 0 is fine. */
size_t nets_order(struct net *nets, size_t n);
/* True when one of them has the address; they were put in order. */
bool nets_have(const struct net *nets, size_t n, const struct ip *ip);
