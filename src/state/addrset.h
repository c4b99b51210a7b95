/* Addrset: an exact set of sightings (address, attribution, day), sorted and packed.
 *
 * A set holds the addresses of one IP version in ascending order; an address that was attributed
 * differently over time (another network announced it) has one row for each attribution, and each
 * row has its days in ascending order. So distinct counts of any grouping and range come out of one
 * pass, whatever the order in which sightings arrived. The packed form of a given set is unique:
 * equal sets are equal bytes (doc/census.md has the encoding).
 *
 * Sets are written once, by ascending rows, and merged into larger ones. One thread at a time. */
#pragma once

#include "base/buf.h"
#include "base/ip.h"

/* Days since 1970 that a set can hold: to the year 2149. */
#define ADDRSET_DAY_END 65536

struct addrset_key {
    uint64_t hi, lo; /* the address as a number; hi is 0 for IPv4 */
    uint32_t attr;
};

/* A set as it lies in memory or in a mapped file. */
struct addrset {
    const uint8_t *p;
    size_t n;
    bool v6;
    uint16_t day_min, day_max; /* of all rows; 0 when there are none */
    uint64_t rows;
    uint64_t sightings; /* (address, attribution, day) in it */
};

static inline struct addrset_key addrset_key(const struct ip *ip, bool v6, uint32_t attr)
{
    if (!v6)
        return (struct addrset_key){0, ip_v4(ip), attr};
    return (struct addrset_key){be64_get(ip->b), be64_get(ip->b + 8), attr};
}
struct ip addrset_ip(const struct addrset_key *key, bool v6);

static inline bool addrset_same_address(const struct addrset_key *a, const struct addrset_key *b)
{
    return a->lo == b->lo && a->hi == b->hi;
}
static inline bool addrset_less(const struct addrset_key *a, const struct addrset_key *b)
{
    if (a->hi != b->hi)
        return a->hi < b->hi;
    if (a->lo != b->lo)
        return a->lo < b->lo;
    return a->attr < b->attr;
}

/* Packing. `day_min` must be the smallest day of all rows that will come, because it is part of the
 * form. The bytes are appended to `out`, which the caller may empty between rows (its length is not
 * looked at). */
struct addrset_writer {
    struct buf *out;
    struct addrset_key last;
    struct addrset set; /* p is NULL; n counts the bytes appended so far */
};

void addrset_begin(struct addrset_writer *w, struct buf *out, bool v6, uint16_t day_min);
/* Keys ascend; days ascend, at least one. */
void addrset_put(struct addrset_writer *w, const struct addrset_key *key, const uint16_t *days,
                 size_t n);

/* Reading one set. */
struct addrset_cur {
    struct cur c;
    uint64_t rows_left;
    bool v6, started;
    uint16_t day_min, day_max;
    uint32_t attrs; /* attributions are below this */
    struct addrset_key key;
    uint16_t *days; /* of the row read last, own memory */
    size_t n;
};

void addrset_cur_init(struct addrset_cur *c, const struct addrset *set, uint32_t attrs);
void addrset_cur_free(struct addrset_cur *c);
/* Reads a row into key, days and n. 1 read, 0 at the end, -1 when the bytes are no set. */
int addrset_next(struct addrset_cur *c);

/* Reading several sets of one IP version as one. */
struct addrset_merge {
    struct addrset_cur *src; /* all of them */
    struct addrset_cur **heap;
    size_t n, nsrc;
    bool held; /* the row handed out last lies in heap[0] */
    int rc;
    struct addrset_key key; /* the row */
    const uint16_t *days;
    size_t ndays;
    uint16_t *union_days, *spare; /* ADDRSET_DAY_END each, made when first needed */
};

void addrset_merge_init(struct addrset_merge *m, const struct addrset *const *sets, size_t n,
                        uint32_t attrs);
void addrset_merge_free(struct addrset_merge *m);
/* The next row of the union into key, days and ndays, valid until the next call. As addrset_next.
 */
int addrset_merge_next(struct addrset_merge *m);

/* The same, an address at a time: its rows together. */
struct addrset_part {
    uint32_t attr;
    size_t at, n; /* days[at] ... */
};
struct addrset_group {
    struct addrset_merge m;
    bool ahead;             /* m already stands on the next address */
    struct addrset_key key; /* attr is not used */
    struct addrset_part *parts;
    size_t nparts, parts_cap;
    uint16_t *days;
    size_t ndays, days_cap;
};

void addrset_group_init(struct addrset_group *g, const struct addrset *const *sets, size_t n,
                        uint32_t attrs);
void addrset_group_free(struct addrset_group *g);
/* 1 one address with nparts >= 1 rows; 0 at the end; -1 damaged. */
int addrset_group_next(struct addrset_group *g);
