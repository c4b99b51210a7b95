/* Sockets on loopback, for live_udp.c, live_tcp.c and mail_live.c. */
#pragma once

#include <netinet/in.h>
#include <string.h>

#include "base/ip.h"

struct live_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a;
    socklen_t n;
};

static inline struct live_address live_address(const struct ip *ip, uint16_t port)
{
    struct live_address out = {0};
    if (ip_is_v4(ip)) {
        out.a.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        out.a.v4.sin_addr.s_addr = htonl(ip_v4(ip));
        out.n = sizeof out.a.v4;
    } else {
        out.a.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&out.a.v6.sin6_addr, ip->b, 16);
        out.n = sizeof out.a.v6;
    }
    return out;
}

/* Nobody else is spoken to. */
static inline bool live_is_loopback(const struct ip *ip)
{
    static const struct ip one = {{[15] = 1}};
    return ip_is_v4(ip) ? ip_v4(ip) >> 24 == 127 : memcmp(ip, &one, sizeof one) == 0;
}
