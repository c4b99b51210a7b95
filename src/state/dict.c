#include "state/dict.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"

#define TABLE_MIN 64

_Static_assert(sizeof(struct dict_attr) == 24, "no padding");

/* Whether number `index` is what is looked for. */
typedef bool (*same_fn)(const struct dict *d, uint32_t index, const void *key);

static inline uint64_t *table_find(const struct dict *d, const struct dict_table *t, uint64_t hash,
                                   same_fn same, const void *key)
{
    for (size_t at = hash & (t->size - 1);; at = (at + 1) & (t->size - 1)) {
        uint64_t slot = t->slots[at];
        if (slot == 0 || (((slot ^ hash) >> 32) == 0 && same(d, (uint32_t)slot - 1, key)))
            return &t->slots[at];
    }
}

/* Keeps a quarter of the slots free, so that a probe ends soon. Low bits of the hash choose the
 * slot and are not stored, so growing hashes again through `rehash`. */
static void table_room(const struct dict *d, struct dict_table *t,
                       uint64_t (*rehash)(const struct dict *d, uint32_t index))
{
    if (t->used * 4 < t->size * 3)
        return;
    size_t size = t->size ? t->size * 2 : TABLE_MIN;
    uint64_t *slots = mem_zeroed(size, sizeof *slots);
    for (size_t i = 0; i < t->size; i++) {
        if (t->slots[i] == 0)
            continue;
        size_t at = rehash(d, (uint32_t)t->slots[i] - 1) & (size - 1);
        while (slots[at])
            at = (at + 1) & (size - 1);
        slots[at] = t->slots[i];
    }
    free(t->slots);
    t->slots = slots;
    t->size = size;
}

static void table_set(struct dict_table *t, uint64_t *slot, uint64_t hash, size_t index)
{
    if (index >= DICT_MAX)
        abort();
    *slot = (hash & 0xffffffff00000000u) | (uint64_t)(index + 1);
    t->used++;
}

static uint64_t family_hash(const struct dict *d, uint32_t index)
{
    return XXH3_64bits(d->families[index].p, d->families[index].n);
}
static bool family_same(const struct dict *d, uint32_t index, const void *key)
{
    return span_eq(dict_family_name(d, index), *(const struct span *)key);
}

uint32_t dict_family(struct dict *d, struct span name)
{
    table_room(d, &d->by_family, family_hash);
    uint64_t hash = XXH3_64bits(name.p, name.n);
    uint64_t *slot = table_find(d, &d->by_family, hash, family_same, &name);
    if (*slot)
        return (uint32_t)*slot - 1;
    d->families = mem_room(d->families, d->nfamilies, &d->families_cap, sizeof *d->families);
    d->families[d->nfamilies] = (struct buf){0};
    buf_span(&d->families[d->nfamilies], name);
    table_set(&d->by_family, slot, hash, d->nfamilies);
    return (uint32_t)d->nfamilies++;
}

static uint64_t asn_hash_of(uint32_t asn)
{
    return (asn + 1ull) * 0x9e3779b97f4a7c15u ^ (asn + 1ull) * 0x9e3779b97f4a7c15u >> 32;
}
static uint64_t asn_hash(const struct dict *d, uint32_t index)
{
    return asn_hash_of(d->as[index].asn);
}
static bool asn_same(const struct dict *d, uint32_t index, const void *key)
{
    return d->as[index].asn == *(const uint32_t *)key;
}

uint32_t dict_as(struct dict *d, uint32_t asn)
{
    table_room(d, &d->by_asn, asn_hash);
    uint64_t hash = asn_hash_of(asn);
    uint64_t *slot = table_find(d, &d->by_asn, hash, asn_same, &asn);
    if (*slot)
        return (uint32_t)*slot - 1;
    d->as = mem_room(d->as, d->nas, &d->as_cap, sizeof *d->as);
    d->as[d->nas] = (struct dict_as){.asn = asn};
    table_set(&d->by_asn, slot, hash, d->nas);
    return (uint32_t)d->nas++;
}

uint64_t dict_attr_hash(const struct dict_attr *attr)
{
    return XXH3_64bits(attr, sizeof *attr);
}

uint64_t dict_name_hash(struct span name)
{
    return XXH3_64bits(name.p, name.n) | 1; /* 0 in a slot: not known yet */
}

static struct dict_attr_slot *attr_slot(struct dict_attr_slot *slots, size_t size,
                                        const struct dict_attr *attr, uint64_t hash)
{
    size_t at = hash & (size - 1);
    while (slots[at].number1 && memcmp(&slots[at].attr, attr, sizeof *attr) != 0)
        at = (at + 1) & (size - 1);
    return &slots[at];
}

static void attr_room(struct dict *d)
{
    if (d->nattrs * 4 < d->by_attr_size * 3)
        return;
    size_t size = d->by_attr_size ? d->by_attr_size * 2 : TABLE_MIN;
    struct dict_attr_slot *slots = mem_zeroed(size, sizeof *slots);
    for (size_t i = 0; i < d->by_attr_size; i++)
        if (d->by_attr[i].number1)
            *attr_slot(slots, size, &d->by_attr[i].attr, dict_attr_hash(&d->by_attr[i].attr)) =
                d->by_attr[i];
    free(d->by_attr);
    d->by_attr = slots;
    d->by_attr_size = size;
}

static void attr_new(struct dict *d, struct dict_attr_slot *slot, const struct dict_attr *attr)
{
    if (d->nattrs >= DICT_MAX)
        abort();
    if (d->nattrs == d->attrs_cap) {
        d->attrs = mem_room(d->attrs, d->nattrs, &d->attrs_cap, sizeof *d->attrs);
        d->attr_as = mem_resize(d->attr_as, d->attrs_cap, sizeof *d->attr_as);
    }
    d->attrs[d->nattrs] = *attr;
    d->attr_as[d->nattrs] = dict_as(d, attr->asn);
    *slot = (struct dict_attr_slot){.attr = *attr, .number1 = (uint32_t)++d->nattrs};
}

/* The slot remembers that this is the AS's name, which holds until some AS is renamed. */
static void attr_name(struct dict *d, struct dict_attr_slot *slot, struct span name, uint64_t hash)
{
    struct buf *have = &d->as[d->attr_as[slot->number1 - 1]].name;
    if (!span_eq(name, buf_as_span(have))) {
        d->renames += have->n != 0;
        have->n = 0;
        buf_span(have, name);
    }
    slot->name_hash = hash;
    slot->renames = d->renames;
}

uint32_t dict_attr(struct dict *d, const struct dict_attr *attr, uint64_t hash, struct span as_name,
                   uint64_t name_hash)
{
    attr_room(d);
    struct dict_attr_slot *slot = attr_slot(d->by_attr, d->by_attr_size, attr, hash);
    if (!slot->number1)
        attr_new(d, slot, attr);
    if (as_name.n && attr->asn && (slot->name_hash != name_hash || slot->renames != d->renames))
        attr_name(d, slot, as_name, name_hash);
    return slot->number1 - 1;
}

void dict_free(struct dict *d)
{
    for (size_t i = 0; i < d->nfamilies; i++)
        buf_free(&d->families[i]);
    for (size_t i = 0; i < d->nas; i++)
        buf_free(&d->as[i].name);
    free(d->families);
    free(d->as);
    free(d->attrs);
    free(d->attr_as);
    free(d->by_attr);
    free(d->by_asn.slots);
    free(d->by_family.slots);
    *d = (struct dict){0};
}

struct net dict_attr_network(const struct dict_attr *a)
{
    struct net net = {.bits = a->bits, .set = a->set};
    memcpy(net.ip.b, a->network, 16);
    return net;
}

int dict_attr_cmp(const struct dict_attr *a, const struct dict_attr *b)
{
    if (a->set != b->set)
        return a->set < b->set ? -1 : 1;
    int c = memcmp(a->network, b->network, 16);
    if (c)
        return c;
    if (a->bits != b->bits)
        return a->bits < b->bits ? -1 : 1;
    if (a->asn != b->asn)
        return a->asn < b->asn ? -1 : 1;
    return memcmp(a->country, b->country, 2);
}

static int cmp_family(const void *x, const void *y, void *ctx)
{
    const struct dict *d = ctx;
    return span_cmp(dict_family_name(d, *(const uint32_t *)x),
                    dict_family_name(d, *(const uint32_t *)y));
}
static int cmp_as(const void *x, const void *y, void *ctx)
{
    const struct dict *d = ctx;
    uint32_t a = d->as[*(const uint32_t *)x].asn, b = d->as[*(const uint32_t *)y].asn;
    return (a > b) - (a < b);
}
static int cmp_attr(const void *x, const void *y, void *ctx)
{
    const struct dict *d = ctx;
    return dict_attr_cmp(&d->attrs[*(const uint32_t *)x], &d->attrs[*(const uint32_t *)y]);
}

static uint32_t *sorted(const struct dict *d, size_t n,
                        int (*cmp)(const void *, const void *, void *))
{
    uint32_t *order = mem_resize(NULL, n, sizeof *order);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, n, sizeof *order, cmp, (void *)d);
    return order;
}

uint32_t *dict_families_sorted(const struct dict *d)
{
    return sorted(d, d->nfamilies, cmp_family);
}
uint32_t *dict_as_sorted(const struct dict *d)
{
    return sorted(d, d->nas, cmp_as);
}
uint32_t *dict_attrs_sorted(const struct dict *d)
{
    return sorted(d, d->nattrs, cmp_attr);
}
