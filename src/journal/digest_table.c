#include "journal/digest_table.h"

#include <stdlib.h>

#include "base/buf.h"

#define BITS_FIRST 10

uint64_t digest_key(const uint8_t *sha256)
{
    return be64_get(sha256);
}

void digest_table_init(struct digest_table *t, uint64_t secret)
{
    *t = (struct digest_table){.secret = secret | 1};
}

void digest_table_free(struct digest_table *t)
{
    free(t->slots);
    t->slots = NULL;
    t->bits = 0;
    t->used = 0;
}

static size_t slot_of(const struct digest_table *t, uint64_t key)
{
    return (size_t)((key ^ t->secret >> 7) * t->secret >> (64 - t->bits));
}

static void resize(struct digest_table *t, unsigned bits)
{
    struct digest_slot *old = t->slots;
    size_t n = old ? (size_t)1 << t->bits : 0;
    t->slots = calloc((size_t)1 << bits, sizeof *t->slots);
    if (!t->slots)
        abort();
    t->bits = bits;
    t->used = 0;
    for (size_t i = 0; i < n; i++)
        if (old[i].value)
            digest_table_add(t, old[i].key, old[i].value);
    free(old);
}

void digest_table_add(struct digest_table *t, uint64_t key, uint64_t value)
{
    if (!t->slots)
        resize(t, BITS_FIRST);
    else if (t->used >= ((size_t)1 << t->bits) / 4 * 3)
        resize(t, t->bits + 1);
    size_t mask = ((size_t)1 << t->bits) - 1, i = slot_of(t, key);
    while (t->slots[i].value)
        i = (i + 1) & mask;
    t->slots[i] = (struct digest_slot){key, value};
    t->used++;
}

bool digest_table_next(const struct digest_table *t, uint64_t key, size_t *at, uint64_t *value)
{
    if (!t->slots)
        return false;
    size_t mask = ((size_t)1 << t->bits) - 1, first = slot_of(t, key);
    for (size_t i = (first + *at) & mask; t->slots[i].value; i = (i + 1) & mask) {
        ++*at;
        if (t->slots[i].key == key) {
            *value = t->slots[i].value;
            return true;
        }
    }
    return false;
}

void digest_table_set(struct digest_table *t, uint64_t key, uint64_t old, uint64_t value)
{
    if (!t->slots)
        return;
    size_t mask = ((size_t)1 << t->bits) - 1;
    for (size_t i = slot_of(t, key); t->slots[i].value; i = (i + 1) & mask)
        if (t->slots[i].key == key && t->slots[i].value == old) {
            t->slots[i].value = value;
            return;
        }
}

void digest_table_filter(struct digest_table *t, bool (*keep)(uint64_t value, uint64_t ctx),
                         uint64_t ctx)
{
    size_t n = t->slots ? (size_t)1 << t->bits : 0, kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (t->slots[i].value && !keep(t->slots[i].value, ctx))
            t->slots[i].value = 0;
        kept += t->slots[i].value != 0;
    }
    unsigned bits = BITS_FIRST;
    while (((size_t)1 << bits) / 2 < kept)
        bits++;
    if (n)
        resize(t, bits); /* puts the rest where it is found again */
}
