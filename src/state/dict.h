/* Dict: the census's words, numbered: families, AS numbers with their names, attributions. Numbers
 * are given in order of arrival and stay as long as the dict; a snapshot renumbers by content. */
#pragma once

#include "base/ip.h"

/* Who an address is said to belong to. No padding: it is hashed and compared as bytes. */
struct dict_attr {
    uint8_t network[16];
    uint32_t asn;    /* 0: unknown */
    char country[2]; /* zero bytes: unknown */
    uint8_t bits;
    uint8_t set; /* network is known; else network and bits are 0 */
};

struct dict_as {
    uint32_t asn;
    struct buf name; /* the last one seen; empty: never named */
};

/* Open addressing; a slot has the upper half of the hash and the number + 1. */
struct dict_table {
    uint64_t *slots;
    size_t size, used;
};

/* A slot of the attributions' table has all that an event is compared with, because each memory
 * access to it is a cache miss. */
struct dict_attr_slot {
    struct dict_attr attr;
    uint32_t number1; /* its number + 1; 0: free */
    uint32_t renames; /* dict.renames when the AS was known to be called so: */
    uint64_t name_hash;
};

struct dict {
    struct dict_attr *attrs;
    uint32_t *attr_as; /* index into as, for each attribution */
    struct dict_as *as;
    struct buf *families;
    size_t nattrs, attrs_cap, nas, as_cap, nfamilies, families_cap;
    struct dict_table by_asn, by_family;
    struct dict_attr_slot *by_attr;
    size_t by_attr_size;
    uint32_t renames; /* how often an AS's name was replaced by another one */
};

#define DICT_MAX (UINT32_MAX - 1) /* numbers of each sort */

void dict_free(struct dict *d); /* leaves an empty one; all zero bytes is one too */
uint32_t dict_family(struct dict *d, struct span name);
/* The attribution's number. A name that is not empty becomes its AS's name. `hash` and `name_hash`
 * are the caller's work, so that it can have the slot fetched before it is needed. */
uint32_t dict_attr(struct dict *d, const struct dict_attr *attr, uint64_t hash, struct span as_name,
                   uint64_t name_hash);
uint64_t dict_attr_hash(const struct dict_attr *attr);
uint64_t dict_name_hash(struct span name);
static inline void dict_prefetch(const struct dict *d, uint64_t hash)
{
    if (d->by_attr_size)
        __builtin_prefetch(&d->by_attr[hash & (d->by_attr_size - 1)], 1);
}
/* The number of an AS, made when it is new. */
uint32_t dict_as(struct dict *d, uint32_t asn);

static inline struct span dict_family_name(const struct dict *d, uint32_t family)
{
    return buf_as_span(&d->families[family]);
}
struct net dict_attr_network(const struct dict_attr *a);
/* Order by content: unknown network first, then by address, length, AS number, country. */
int dict_attr_cmp(const struct dict_attr *a, const struct dict_attr *b);

/* The numbers in order of content: family names bytewise, ASes by number, attributions as above.
 * Each is malloc'ed by the callee and freed by the caller. */
uint32_t *dict_families_sorted(const struct dict *d);
uint32_t *dict_as_sorted(const struct dict *d);
uint32_t *dict_attrs_sorted(const struct dict *d);
