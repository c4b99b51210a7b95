#include "view/distinct.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"

#define BITS_FIRST 10
#define HUGE_PAGE  (2u << 20)

/* Zeroed, 2^bits entries; in huge pages where it is large, because each look goes somewhere else
 * and would miss the TLB as well. */
static void *table_new(unsigned bits, size_t size)
{
    size_t n = (size_t)1 << bits;
    if (n * size < 2 * HUGE_PAGE)
        return mem_zeroed(n, size);
    void *p = aligned_alloc(HUGE_PAGE, n * size);
    if (!p)
        abort();
    madvise(p, n * size, MADV_HUGEPAGE);
    return memset(p, 0, n * size);
}

/* The finalizer of SplitMix64 (Steele, Lea, Flood, 2014): its high bits say the place. */
static inline size_t place_of(uint64_t value, unsigned bits)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return (size_t)((value ^ value >> 31) >> (64 - bits));
}

/* Two thirds are as full as a table gets. */
static bool is_full(size_t n, unsigned bits)
{
    return !bits || 3 * n > 2 * ((size_t)1 << bits);
}

/* ---- numbers ---- */

static struct numbered *find_number(const struct numbers *s, uint64_t value)
{
    size_t i = place_of(value, s->bits), mask = ((size_t)1 << s->bits) - 1;
    while (s->v[i].value && s->v[i].value != value)
        i = (i + 1) & mask;
    return &s->v[i];
}

static void numbers_grow(struct numbers *s)
{
    struct numbers bigger = {.bits = s->bits ? s->bits + 1 : BITS_FIRST, .n = s->n};
    bigger.v = table_new(bigger.bits, sizeof *bigger.v);
    for (size_t i = 0; s->bits && i < (size_t)1 << s->bits; i++)
        if (s->v[i].value)
            *find_number(&bigger, s->v[i].value) = s->v[i];
    free(s->v);
    *s = bigger;
}

struct numbered *numbers_of(struct numbers *s, uint64_t value)
{
    if (is_full((size_t)s->n + 1, s->bits))
        numbers_grow(s);
    struct numbered *at = find_number(s, value);
    if (!at->value)
        *at = (struct numbered){value, s->n++, 0};
    return at;
}

void numbers_prefetch(const struct numbers *s, uint64_t value)
{
    if (s->bits)
        __builtin_prefetch(&s->v[place_of(value, s->bits)]);
}

void numbers_free(struct numbers *s)
{
    free(s->v);
    *s = (struct numbers){0};
}

/* ---- groups ---- */

static bool put(struct distinct *d, uint64_t pair)
{
    size_t i = place_of(pair, d->bits), mask = ((size_t)1 << d->bits) - 1;
    for (; d->v[i]; i = (i + 1) & mask)
        if (d->v[i] == pair)
            return false;
    d->v[i] = pair;
    d->n++;
    return true;
}

static void grow(struct distinct *d)
{
    struct distinct bigger = {.bits = d->bits ? d->bits + 1 : BITS_FIRST};
    bigger.v = table_new(bigger.bits, sizeof *bigger.v);
    for (size_t i = 0; d->bits && i < (size_t)1 << d->bits; i++)
        if (d->v[i])
            put(&bigger, d->v[i]);
    free(d->v);
    d->v = bigger.v;
    d->bits = bigger.bits;
}

static void settle(struct distinct *d)
{
    if (is_full(d->n + d->waiting, d->bits))
        grow(d);
    for (unsigned i = 0; i < d->waiting; i++)
        if (put(d, d->wait[i]))
            d->count[(d->wait[i] >> DISTINCT_VALUE_BITS) - 1]++;
    d->waiting = 0;
}

/* Room to count the group in. */
static void reach(struct distinct *d, uint32_t group)
{
    size_t more = d->groups ? 2 * d->groups : 64;
    if (group >= DISTINCT_GROUPS_MAX - 1)
        abort();
    more = more > group ? more : (size_t)group + 1;
    d->count = mem_resize(d->count, more, sizeof *d->count);
    memset(d->count + d->groups, 0, (more - d->groups) * sizeof *d->count);
    d->groups = more;
}

void distinct_put(struct distinct *d, uint32_t group, uint64_t value)
{
    uint64_t pair = ((uint64_t)group + 1) << DISTINCT_VALUE_BITS | value;
    if (group >= d->groups)
        reach(d, group);
    if (d->bits)
        __builtin_prefetch(&d->v[place_of(pair, d->bits)], 1);
    d->wait[d->waiting++] = pair;
    if (d->waiting == DISTINCT_WAIT)
        settle(d);
}

uint64_t distinct_count(struct distinct *d, uint32_t group)
{
    if (d->waiting)
        settle(d);
    return group < d->groups ? d->count[group] : 0;
}

void distinct_free(struct distinct *d)
{
    free(d->v);
    free(d->count);
    *d = (struct distinct){0};
}
