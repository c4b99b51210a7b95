/* The table's layout, which its builder and its readers share. One file in sealed memory: a header,
 * then sections at 64-byte boundaries, all words in this machine's order (a table never leaves it).
 *
 * Assets lie in a hash table that is laid out flat: records sorted by the bucket that their key
 * falls into, and for each bucket where it begins. A record is one cache line and has its name in
 * it, so a look-up costs one line of the starts (four bytes a bucket) and one record. Keys are name
 * suffixes in wire form or prefixes of addresses; which label counts and prefix lengths occur is in
 * the header, so only those are looked for. */
#pragma once

#include "net/authority.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define AUTHORITY_MAGIC       "ebbauth1"
#define AUTHORITY_ALIGN       64
#define AUTHORITY_NAME_MAX    255
#define AUTHORITY_LABELS_MAX  127
#define AUTHORITY_KEY_MAX     38
#define AUTHORITY_PORT_BITS   255 /* what a port's key has for a prefix length */
#define AUTHORITY_BUCKETS_LOG 26

struct authority_text {
    uint32_t at, n;
};

/* The key of a domain or wildcard is its name; when that is longer than AUTHORITY_KEY_MAX, the key
 * is the four bytes of its place among the texts. Else it is a struct authority_endpoint. */
struct authority_record {
    int64_t from, until; /* its order's taken into account */
    uint32_t group;
    uint32_t tag; /* low half of the key's hash; the high half gives the bucket */
    uint8_t kind;
    uint8_t length; /* of the name or the key */
    uint8_t key[AUTHORITY_KEY_MAX];
};
_Static_assert(sizeof(struct authority_record) == 64, "a record is one cache line");

/* Laid out without gaps, so that keys compare as bytes; hashed without port and transport, for
 * which the record holds. A port's own key: no address, AUTHORITY_PORT_BITS. */
struct authority_endpoint {
    struct ip ip;
    uint8_t bits; /* counted in the mapped form, 0 to 128 */
    uint8_t transport;
    uint16_t port;
};
_Static_assert(sizeof(struct authority_endpoint) == 20, "no gaps");
#define AUTHORITY_ENDPOINT_HASHED 17

/* What assets of one origin share. */
struct authority_group {
    uint64_t index;
    uint32_t order, policy;
    struct authority_text family;
    uint32_t identify, unused;
};

enum {
    ORDER_ID,
    ORDER_COURT,
    ORDER_DOCKET,
    ORDER_JURISDICTION,
    ORDER_SCOPE,
    ORDER_CONTACT,
    ORDER_TEXTS
};
struct authority_order_record {
    uint64_t index;
    int64_t from, until;
    struct authority_text text[ORDER_TEXTS];
};

/* A time in which some name is in force. In order, none touching the next. */
struct authority_times {
    int64_t from, until;
};

struct authority_section {
    uint64_t at, n; /* n counts elements */
};

struct authority_header {
    uint8_t magic[8];
    uint64_t size, seed, assets;
    uint64_t labels[2];  /* bit n: some name has n labels */
    uint64_t lengths[3]; /* bit n: some prefix has n bits */
    uint64_t bucket_bits;
    struct authority_section starts, records, groups, orders, policies, times, texts;
};

static inline uint64_t authority_hash(uint64_t seed, const void *p, size_t n)
{
    return XXH3_64bits_withSeed(p, n, seed);
}

static inline size_t authority_bucket(uint64_t hash, uint64_t bucket_bits)
{
    return bucket_bits ? (size_t)(hash >> (64 - bucket_bits)) : 0;
}

/* A port's key holds the port where an address would be. */
static inline struct authority_endpoint authority_port_key(uint16_t port)
{
    struct authority_endpoint e = {.bits = AUTHORITY_PORT_BITS, .port = port};
    memcpy(e.ip.b, &port, sizeof port);
    return e;
}

/* ASCII upper case to lower; a length byte of wire form is never a letter. */
static inline void authority_fold(uint8_t *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(p[i] | (uint8_t)((uint8_t)(p[i] - 'A') < 26) << 5);
}

/* Where the labels of a name in wire form begin. Their number; -1 when it is none. The root has 0.
 */
static inline int authority_labels(struct span name, uint8_t at[AUTHORITY_LABELS_MAX])
{
    int n = 0;
    if (name.n == 0 || name.n > AUTHORITY_NAME_MAX)
        return -1;
    size_t i = 0;
    while (name.p[i]) {
        if (name.p[i] > 63 || n == AUTHORITY_LABELS_MAX || i + name.p[i] + 1u >= name.n)
            return -1;
        at[n++] = (uint8_t)i;
        i += name.p[i] + 1u;
    }
    return i + 1 == name.n ? n : -1;
}

/* Of a whole name, label by label from the right, so that a look-up gets every suffix's on the way.
 */
static inline uint64_t authority_name_hash(uint64_t seed, struct span name, const uint8_t *at,
                                           int labels)
{
    uint64_t h = seed;
    for (int i = labels; i-- > 0;)
        h = authority_hash(h, name.p + at[i], name.p[at[i]] + 1u);
    return h;
}
