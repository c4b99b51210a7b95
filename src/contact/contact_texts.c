#include "contact/contact_texts.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"

#define SLOTS_FIRST 1024

void contact_texts_free(struct contact_texts *t)
{
    free(t->v);
    free(t->slots);
    buf_free(&t->heap);
    *t = (struct contact_texts){0};
}

static size_t length(const struct contact_text *k)
{
    return (size_t)k->mail + k->handle + k->name;
}

static uint64_t hash_of(const struct contact_texts *t, const struct contact_text *k)
{
    uint64_t seed =
        (uint64_t)k->owner << 24 | (uint64_t)k->mail << 16 | (uint64_t)k->handle << 8 | k->name;
    return XXH3_64bits_withSeed(t->heap.p + k->at, length(k), seed);
}

static bool same(const struct contact_texts *t, const struct contact_text *x,
                 const struct contact_text *y)
{
    return x->owner == y->owner && x->mail == y->mail && x->handle == y->handle &&
           x->name == y->name && memcmp(t->heap.p + x->at, t->heap.p + y->at, length(x)) == 0;
}

static void grow(struct contact_texts *t)
{
    t->n_slots = t->n_slots ? 2 * t->n_slots : SLOTS_FIRST;
    free(t->slots);
    t->slots = mem_zeroed(t->n_slots, sizeof *t->slots);
    for (size_t i = 0; i < t->n; i++) {
        uint64_t hash = hash_of(t, &t->v[i]);
        size_t at = hash & (t->n_slots - 1);
        while (t->slots[at].number)
            at = (at + 1) & (t->n_slots - 1);
        t->slots[at] = (struct contact_slot){(uint32_t)i + 1, (uint32_t)(hash >> 32)};
    }
}

uint32_t contact_texts_number(struct contact_texts *t, uint32_t owner, struct span mail,
                              struct span handle, struct span name)
{
    struct contact_text k = {.owner = owner,
                             .at = (uint32_t)t->heap.n,
                             .mail = (uint8_t)mail.n,
                             .handle = (uint8_t)handle.n,
                             .name = (uint8_t)name.n};
    buf_reserve(&t->heap, 1); /* so that there is an address, even of nothing */
    buf_span(&t->heap, mail);
    buf_span(&t->heap, handle);
    buf_span(&t->heap, name);
    if (2 * t->n >= t->n_slots)
        grow(t);
    uint64_t hash = hash_of(t, &k);
    size_t at = hash & (t->n_slots - 1);
    for (; t->slots[at].number; at = (at + 1) & (t->n_slots - 1))
        if (t->slots[at].tag == (uint32_t)(hash >> 32) &&
            same(t, &t->v[t->slots[at].number - 1], &k)) {
            t->heap.n = k.at;
            return t->slots[at].number - 1;
        }
    t->v = mem_room(t->v, t->n, &t->cap, sizeof *t->v);
    t->v[t->n] = k;
    t->n++;
    t->slots[at] = (struct contact_slot){(uint32_t)t->n, (uint32_t)(hash >> 32)};
    return (uint32_t)t->n - 1;
}
