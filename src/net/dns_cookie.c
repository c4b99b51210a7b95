#include "net/dns_cookie.h"

#include <sodium.h>

enum { VERSION = 1, OLDEST = 3600, EARLIEST = 300 }; /* seconds; RFC 9018, 4.3 */

/* RFC 9018, 4.4: SipHash-2-4 over client cookie, version, reserved, timestamp and address. */
static void cookie_hash(const uint8_t key[DNS_COOKIE_KEY], const uint8_t *cookie,
                        const struct ip *src, uint8_t out[crypto_shorthash_BYTES])
{
    uint8_t in[DNS_COOKIE_CLIENT + 8 + 16];
    size_t address = ip_is_v4(src) ? 4 : 16;
    memcpy(in, cookie, DNS_COOKIE_CLIENT + 8);
    memcpy(in + DNS_COOKIE_CLIENT + 8, src->b + 16 - address, address);
    crypto_shorthash(out, in, DNS_COOKIE_CLIENT + 8 + address, key);
}

void dns_cookie_make(const uint8_t key[DNS_COOKIE_KEY], const uint8_t client[DNS_COOKIE_CLIENT],
                     const struct ip *src, uint32_t now, uint8_t out[DNS_COOKIE_LEN])
{
    memmove(out, client, DNS_COOKIE_CLIENT);
    be32_put(out + DNS_COOKIE_CLIENT, (uint32_t)VERSION << 24);
    be32_put(out + DNS_COOKIE_CLIENT + 4, now);
    cookie_hash(key, out, src, out + DNS_COOKIE_CLIENT + 8);
}

bool dns_cookie_check(const uint8_t key[DNS_COOKIE_KEY], struct span cookie, const struct ip *src,
                      uint32_t now)
{
    uint8_t hash[crypto_shorthash_BYTES];
    if (cookie.n != DNS_COOKIE_LEN || be32_get(cookie.p + DNS_COOKIE_CLIENT) != (uint32_t)VERSION
                                                                                    << 24)
        return false;
    int32_t age = (int32_t)(now - be32_get(cookie.p + DNS_COOKIE_CLIENT + 4)); /* RFC 1982 */
    if (age > OLDEST || age < -EARLIEST)
        return false;
    cookie_hash(key, cookie.p, src, hash);
    return sodium_memcmp(hash, cookie.p + DNS_COOKIE_CLIENT + 8, sizeof hash) == 0;
}
