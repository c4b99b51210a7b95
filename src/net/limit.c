#include "net/limit.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static void *table(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        abort();
    return p;
}

/* What counts as one address. */
struct key {
    uint8_t b[16];
};

static struct key key_of(const struct ip *ip)
{
    struct key k = {{0}};
    memcpy(k.b, ip->b, ip_is_v4(ip) ? 16 : 8);
    return k;
}

static uint64_t hash_of(const struct key *k, uint64_t seed)
{
    return XXH3_64bits_withSeed(k, sizeof *k, seed);
}

/* ---- counts ---- */

struct count {
    struct key key;
    uint32_t n; /* 0: free */
};

/* Open addressing, never more than half full: each entry stands for at least one of `most`. */
struct limit_counts {
    uint64_t seed;
    uint32_t mask;
    struct count entry[];
};

struct limit_counts *limit_counts_new(uint32_t most, uint64_t seed)
{
    uint32_t n = 16;
    while (n / 2 < most)
        n *= 2;
    struct limit_counts *c = table(1, sizeof *c + n * sizeof c->entry[0]);
    c->seed = seed;
    c->mask = n - 1;
    return c;
}

void limit_counts_free(struct limit_counts *c)
{
    free(c);
}

/* Where the key stands, or the free entry where it would. */
static uint32_t find(const struct limit_counts *c, const struct key *k)
{
    uint32_t i = (uint32_t)hash_of(k, c->seed) & c->mask;
    while (c->entry[i].n && memcmp(&c->entry[i].key, k, sizeof *k) != 0)
        i = (i + 1) & c->mask;
    return i;
}

bool limit_enter(struct limit_counts *c, const struct ip *ip, uint32_t most)
{
    struct key k = key_of(ip);
    struct count *e = &c->entry[find(c, &k)];
    if (e->n >= most)
        return false;
    e->key = k;
    e->n++;
    return true;
}

uint32_t limit_count(const struct limit_counts *c, const struct ip *ip)
{
    struct key k = key_of(ip);
    return c->entry[find(c, &k)].n;
}

void limit_leave(struct limit_counts *c, const struct ip *ip)
{
    struct key k = key_of(ip);
    uint32_t hole = find(c, &k);
    if (c->entry[hole].n == 0 || --c->entry[hole].n)
        return;
    /* Those behind the hole that could not stand nearer to their place move up. */
    for (uint32_t i = (hole + 1) & c->mask; c->entry[i].n; i = (i + 1) & c->mask) {
        uint32_t home = (uint32_t)hash_of(&c->entry[i].key, c->seed) & c->mask;
        if (((i - home) & c->mask) < ((i - hole) & c->mask))
            continue;
        c->entry[hole] = c->entry[i];
        c->entry[i].n = 0;
        hole = i;
    }
}

/* ---- rates ---- */

#define RATE_SETS 16384
#define RATE_WAYS 4

struct rate {
    uint32_t tag; /* of the address, never 0 */
    uint32_t second;
    uint32_t passed;
};

struct limit_rates {
    uint64_t seed;
    uint32_t most;
    struct rate set[RATE_SETS][RATE_WAYS];
};

struct limit_rates *limit_rates_new(uint32_t rate, uint64_t seed)
{
    struct limit_rates *r = table(1, sizeof *r);
    r->seed = seed;
    r->most = rate;
    return r;
}

void limit_rates_free(struct limit_rates *r)
{
    free(r);
}

bool limit_pass(struct limit_rates *r, const struct ip *ip, int64_t tick)
{
    struct key k = key_of(ip);
    uint64_t hash = hash_of(&k, r->seed);
    uint32_t tag = (uint32_t)(hash >> 32) | 1, second = (uint32_t)(tick / 1000);
    struct rate *set = r->set[hash % RATE_SETS], *e = NULL;
    for (int i = 0; i < RATE_WAYS && !e; i++)
        if (set[i].tag == tag)
            e = &set[i];
    if (!e) {
        e = set;
        for (int i = 1; i < RATE_WAYS; i++)
            if (set[i].second < e->second)
                e = &set[i];
        *e = (struct rate){.tag = tag, .second = second};
    }
    if (e->second != second)
        *e = (struct rate){.tag = tag, .second = second};
    if (e->passed >= r->most)
        return false;
    e->passed++;
    return true;
}
