#include "net/dns_limit.h"

#include <sodium.h>
#include <stdlib.h>

enum { TOKEN = 1000 }; /* buckets count thousandths: one millisecond adds `rate` of them */

struct bucket {
    uint32_t tag; /* of the network; 0: not in use */
    uint32_t tick;
    uint64_t tokens;
};

struct dns_limit {
    _Alignas(64) struct bucket sets[DNS_LIMIT_SETS][DNS_LIMIT_WAYS];
    uint8_t key[crypto_shorthash_KEYBYTES];
};

struct dns_limit *dns_limit_new(const uint8_t key[16])
{
    struct dns_limit *l = aligned_alloc(64, (sizeof *l + 63) / 64 * 64);
    if (!l)
        abort();
    memset(l, 0, sizeof *l);
    memcpy(l->key, key, sizeof l->key);
    return l;
}

void dns_limit_free(struct dns_limit *l)
{
    free(l);
}

uint64_t dns_limit_network(const struct dns_limit *l, const struct ip *src)
{
    uint8_t network[8] = {0}, hash[crypto_shorthash_BYTES];
    if (ip_is_v4(src)) {
        network[0] = 4;
        memcpy(network + 1, src->b + 12, 3);
    } else {
        network[0] = 6;
        memcpy(network + 1, src->b, 7);
    }
    crypto_shorthash(hash, network, sizeof network, l->key);
    uint64_t key = be64_get(hash);
    __builtin_prefetch(l->sets[key % DNS_LIMIT_SETS], 1);
    return key;
}

static uint64_t tokens_now(const struct bucket *b, uint32_t tick, uint32_t rate)
{
    uint64_t most = (uint64_t)rate * TOKEN;
    if (!b->tag)
        return most;
    uint64_t tokens = b->tokens + (uint64_t)(uint32_t)(tick - b->tick) * rate;
    return tokens < most ? tokens : most;
}

bool dns_limit_take(struct dns_limit *l, uint64_t network, int64_t tick, uint32_t rate)
{
    uint64_t fullest = 0;
    struct bucket *set = l->sets[network % DNS_LIMIT_SETS], *b = set;
    uint32_t tag = (uint32_t)(network >> 32) | 1, now = (uint32_t)tick;
    for (unsigned i = 0; i < DNS_LIMIT_WAYS; i++) {
        if (set[i].tag == tag) {
            b = &set[i];
            break;
        }
        uint64_t tokens = tokens_now(&set[i], now, rate);
        if (tokens > fullest) {
            fullest = tokens;
            b = &set[i];
        }
    }
    if (b->tag != tag)
        *b = (struct bucket){.tag = tag, .tokens = (uint64_t)rate * TOKEN};
    else
        b->tokens = tokens_now(b, now, rate);
    b->tick = now;
    if (b->tokens < TOKEN)
        return false;
    b->tokens -= TOKEN;
    return true;
}
