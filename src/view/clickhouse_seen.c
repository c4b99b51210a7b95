#include "view/clickhouse_seen.h"

#include <sys/mman.h>
#include <xxhash.h>

#include "base/mem.h"

#define HUGE_PAGE (2u << 20)

struct clickhouse_seen_slot {
    XXH128_hash_t key; /* both halves 0: free */
    uint64_t bits;
    uint32_t batch, row;
};

void clickhouse_seen_init(struct clickhouse_seen *s, uint32_t keys)
{
    *s = (struct clickhouse_seen){.cap = 1024, .batch = 1};
    while (s->cap < keys)
        s->cap *= 2;
    size_t bytes = s->cap * sizeof *s->slot;
    bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    s->slot = aligned_alloc(HUGE_PAGE, bytes);
    if (!s->slot)
        abort();
    (void)madvise(s->slot, bytes, MADV_HUGEPAGE); /* each look is somewhere else */
    memset(s->slot, 0, bytes);
}

void clickhouse_seen_free(struct clickhouse_seen *s)
{
    free(s->slot);
    s->slot = NULL;
}

void clickhouse_seen_forget(struct clickhouse_seen *s)
{
    if (s->n)
        memset(s->slot, 0, s->cap * sizeof *s->slot);
    s->n = 0;
}

void clickhouse_seen_next(struct clickhouse_seen *s)
{
    if (++s->batch == 0) { /* numbers begin anew: none of the old may be taken for this batch's */
        clickhouse_seen_forget(s);
        s->batch = 1;
    }
}

static struct clickhouse_seen_slot *find(struct clickhouse_seen *s, XXH128_hash_t key)
{
    uint32_t i = (uint32_t)key.low64 & (s->cap - 1);
    while ((s->slot[i].key.low64 | s->slot[i].key.high64) && !XXH128_isEqual(s->slot[i].key, key))
        i = (i + 1) & (s->cap - 1);
    return &s->slot[i];
}

enum clickhouse_seen_what clickhouse_seen_bit(struct clickhouse_seen *s, struct span key,
                                              uint64_t bit, uint32_t *row)
{
    XXH128_hash_t hash = XXH3_128bits(key.p, key.n);
    struct clickhouse_seen_slot *slot = find(s, hash);
    if (!(slot->key.low64 | slot->key.high64)) {
        if (s->n >= s->cap - s->cap / 4) {
            clickhouse_seen_forget(s);
            slot = find(s, hash);
        }
        slot->key = hash;
        s->n++;
    }
    if (slot->bits & bit)
        return CLICKHOUSE_SENT;
    slot->bits |= bit;
    if (slot->batch == s->batch) {
        *row = slot->row;
        return CLICKHOUSE_OLD_ROW;
    }
    slot->batch = s->batch;
    slot->row = *row;
    return CLICKHOUSE_NEW_ROW;
}
