/* What the view of activity is made of; for activity*.c only. It is built as the census is:
 * contacts just taken in, sorted and packed into runs, runs merged into larger ones, and a base
 * that is mapped. doc/census.md has the packed form. */
#pragma once

#include "state/activity.h"
#include "state/dict.h"

/* Sets are ordered by family, then so. */
enum activity_sort { SORT_V4, SORT_V6, SORT_BOTS };
#define ACTIVITY_SORTS 3

/* IPv4: the address is in lo. IPv6: in both. Bots, from the top: 48 bits of the id's hash, the AS
 * number, the country's two bytes, 32 bits of the address's hash: an id's rows lie together, and
 * those of one AS within them. */
struct activity_key {
    uint64_t hi, lo;
};
static inline bool activity_key_same(const struct activity_key *a, const struct activity_key *b)
{
    return a->lo == b->lo && a->hi == b->hi;
}
static inline bool activity_key_less(const struct activity_key *a, const struct activity_key *b)
{
    return a->hi != b->hi ? a->hi < b->hi : a->lo < b->lo;
}

/* One family's contacts of one sort, packed; in memory or in the mapped file. */
struct activity_set {
    const uint8_t *p;
    size_t n;
    enum activity_sort sort;
    uint16_t day_min, day_max;
    uint64_t rows, days, contacts; /* days and contacts: sums over the rows */
};

/* Packing. day_min must be the smallest day of all rows that will come. */
struct activity_writer {
    struct buf *out;
    struct activity_key last;
    struct activity_set set; /* p is NULL; n counts the bytes appended so far */
};
void activity_begin(struct activity_writer *w, struct buf *out, enum activity_sort sort,
                    uint16_t day_min);
/* Keys ascend; days ascend, at least one. */
void activity_put(struct activity_writer *w, const struct activity_key *key,
                  const struct activity_day *days, size_t n);

/* Reading several sets of one sort as one. */
struct activity_cur {
    struct cur c;
    uint64_t rows_left;
    const struct activity_set *set;
    bool started;
    struct activity_key key;
    struct activity_day *days; /* of the row read last, own memory */
    size_t n;
};
struct activity_merge {
    struct activity_cur *src; /* all of them */
    struct activity_cur **heap;
    size_t n, nsrc;
    bool held; /* the row handed out last lies in heap[0] */
    int rc;
    struct activity_key key; /* the row */
    const struct activity_day *days;
    size_t ndays;
    struct activity_day *sum, *spare; /* made when first needed */
};
void activity_merge_init(struct activity_merge *m, const struct activity_set *const *sets,
                         size_t n);
void activity_merge_free(struct activity_merge *m);
/* The next row into key, days and ndays, valid until the next call. 1 one, 0 the end, -1 damaged.
 */
int activity_merge_next(struct activity_merge *m);

/* A sorted, packed part of the whole: sets by family and sort. */
struct activity_part {
    uint32_t family;
    size_t at; /* where in bytes its set begins */
    struct activity_set set;
};
struct activity_run {
    struct buf bytes; /* empty when the sets lie in a mapped file */
    struct activity_part *parts;
    size_t n, cap;
    unsigned level; /* how many times it was merged */
};
void activity_run_free(struct activity_run *r);
void activity_run_add(struct activity_run *r, struct activity_part part);
/* NULL: none. */
const struct activity_set *activity_run_find(const struct activity_run *r, uint32_t family,
                                             enum activity_sort sort);
/* The union. 0, or -1 when one is damaged. */
int activity_run_merge(const struct activity_run *const *runs, size_t n, struct activity_run *out);

/* Contacts as they came. The bytes from `day` on are the key that they are sorted by, so the layout
 * matters: numbers little-endian, the more significant ones behind. */
#define TOUCHES_MAX (512u << 10)
struct touch4 {
    uint16_t more; /* contacts but one */
    uint8_t hour, unused;
    uint16_t day, unused2;
    uint32_t address, family;
};
struct touch {
    uint16_t more;
    uint8_t hour, unused;
    uint16_t day, unused2;
    uint32_t key[4]; /* lo, hi: low half first */
    uint32_t family;
};
struct touches {
    struct touch4 *v4;
    struct touch *v6, *bots;
    size_t n4, n6, nbots, cap4, cap6, capbots;
};
void touches_free(struct touches *t);
void touches_add(struct touches *t, uint32_t family, enum activity_sort sort,
                 const struct activity_key *key, uint16_t day, unsigned hour, unsigned contacts);
static inline bool touches_full(const struct touches *t)
{
    return t->n4 + t->n6 + t->nbots >= TOUCHES_MAX;
}
/* Packs them and empties it. */
void activity_run_from(struct touches *t, struct activity_run *out);

/* The snapshot's bytes: the runs' union, families in order of their names. -EBADMSG: a run is
 * damaged. */
int activity_file_write(uint64_t position, const struct dict *families,
                        const struct activity_run *const *runs, size_t n, struct buf *out);
/* Into an empty dict and run; sets point into the bytes. -EBADMSG, and both stay empty. */
int activity_file_read(struct span bytes, uint64_t *position, struct dict *families,
                       struct activity_run *base, struct err *err);
#define ACTIVITY_CHECKSUM_LEN 8
uint64_t activity_file_checksum(struct span covered);

struct activity {
    char *dir;
    uint64_t position;
    struct dict families; /* only these of it */
    void *map;            /* what base's sets lie in */
    size_t map_size;
    struct activity_run base;
    struct activity_run *runs; /* newer ones, oldest first */
    size_t nruns, runs_cap;
    struct touches touches; /* newer still */
    uint32_t family;        /* of the event before, which the next one's mostly is too */
    struct buf family_name; /* empty: none yet */
    bool warned;            /* of times that cannot be counted */
};
