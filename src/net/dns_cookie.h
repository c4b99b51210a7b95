/* DNS cookies (RFC 7873) with the server cookies of RFC 9018: whoever shows one was sent it at his
 * address, so that his queries are not spoofed. */
#pragma once

#include "base/ip.h"

#define DNS_COOKIE_CLIENT 8
#define DNS_COOKIE_SERVER 16
#define DNS_COOKIE_KEY    16
#define DNS_COOKIE_LEN    (DNS_COOKIE_CLIENT + DNS_COOKIE_SERVER)

/* Client and server cookie for a client at that address; now: seconds UTC. */
void dns_cookie_make(const uint8_t key[DNS_COOKIE_KEY], const uint8_t client[DNS_COOKIE_CLIENT],
                     const struct ip *src, uint32_t now, uint8_t out[DNS_COOKIE_LEN]);
/* Whether we gave this cookie (as sent, client and server part) to that address within the last
 * hour, give or take the clocks of several servers that share a key. */
bool dns_cookie_check(const uint8_t key[DNS_COOKIE_KEY], struct span cookie, const struct ip *src,
                      uint32_t now);
