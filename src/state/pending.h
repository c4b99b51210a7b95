/* Pending: sightings just taken in, as they came, until they are sorted into a run. Bounded. */
#pragma once

#include "state/addrset.h"

#define PENDING4_MAX (512u << 10)
#define PENDING6_MAX (256u << 10)

/* The sort key is the first bytes of each, least significant first. */
struct pending4 {
    uint32_t address, family;
    uint32_t attr, day;
};
struct pending6 {
    uint64_t lo, hi;
    uint32_t family, attr, day, unused;
};

struct pending {
    struct pending4 *v4;
    struct pending6 *v6;
    size_t n4, cap4, n6, cap6;
    void *scratch; /* for sorting */
    size_t scratch_size;
};

void pending_free(struct pending *p);
/* One more; the caller empties it (pending_clear) when it is full. */
void pending_grow4(struct pending *p);
void pending_grow6(struct pending *p);
static inline void pending_add4(struct pending *p, uint32_t family, uint32_t address, uint32_t attr,
                                uint16_t day)
{
    if (p->n4 == p->cap4)
        pending_grow4(p);
    p->v4[p->n4++] = (struct pending4){address, family, attr, day};
}
static inline void pending_add6(struct pending *p, uint32_t family, const struct addrset_key *key,
                                uint16_t day)
{
    if (p->n6 == p->cap6)
        pending_grow6(p);
    p->v6[p->n6++] = (struct pending6){key->lo, key->hi, family, key->attr, day, 0};
}
static inline bool pending_full(const struct pending *p)
{
    return p->n4 >= PENDING4_MAX || p->n6 >= PENDING6_MAX;
}
/* Orders both arrays by family, address, attribution, day. */
void pending_sort(struct pending *p);
static inline void pending_clear(struct pending *p)
{
    p->n4 = p->n6 = 0;
}
