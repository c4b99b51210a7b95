#include "import/flow.h"

#include <stdlib.h>
#include <xxhash.h>

#define SLAB        256 /* flows that are allocated at once */
#define SLOTS_FIRST 4096
#define NONE        UINT32_MAX

struct slot {
    uint32_t flow; /* NONE: empty */
    uint32_t hash;
};

struct flows {
    uint64_t hash_key;
    struct slot *slots;
    uint32_t mask, used;
    struct flow *slab[FLOWS_MAX / SLAB];
    uint32_t made;  /* flows in slabs, used or spare */
    uint32_t spare; /* linked by `newer` */
    uint32_t oldest, newest;
};

_Static_assert(sizeof(struct session_ends) == 40, "the key is hashed as bytes");

static struct flow *at(const struct flows *f, uint32_t i)
{
    return &f->slab[i / SLAB][i % SLAB];
}

static void slots_make(struct flows *f, uint32_t n)
{
    if (!(f->slots = malloc(n * sizeof *f->slots)))
        abort();
    memset(f->slots, 0xff, n * sizeof *f->slots);
    f->mask = n - 1;
}

struct flows *flows_new(uint64_t hash_key)
{
    struct flows *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    f->hash_key = hash_key;
    f->spare = f->oldest = f->newest = NONE;
    slots_make(f, SLOTS_FIRST);
    return f;
}

void flows_free(struct flows *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->made; i += SLAB)
        free(f->slab[i / SLAB]);
    free(f->slots);
    free(f);
}

static unsigned make_key(const struct packet *p, struct session_ends *key)
{
    int c = memcmp(&p->src, &p->dst, sizeof p->src);
    unsigned dir = c > 0 || (c == 0 && p->src_port > p->dst_port);
    key->ip[dir] = p->src;
    key->ip[!dir] = p->dst;
    key->port[dir] = p->src_port;
    key->port[!dir] = p->dst_port;
    key->transport = p->transport;
    return dir;
}

/* The slot of a key, or the empty one where it belongs. */
static uint32_t probe(const struct flows *f, const struct session_ends *key, uint32_t hash)
{
    uint32_t i = hash & f->mask;
    for (; f->slots[i].flow != NONE; i = (i + 1) & f->mask) {
        if (f->slots[i].hash == hash &&
            memcmp(&at(f, f->slots[i].flow)->key, key, sizeof *key) == 0)
            break;
    }
    return i;
}

static void slots_grow(struct flows *f)
{
    struct slot *old = f->slots;
    uint32_t n = f->mask + 1;
    slots_make(f, n * 2);
    for (uint32_t i = 0; i < n; i++) {
        if (old[i].flow == NONE)
            continue;
        uint32_t j = old[i].hash & f->mask;
        while (f->slots[j].flow != NONE)
            j = (j + 1) & f->mask;
        f->slots[j] = old[i];
    }
    free(old);
}

static uint32_t index_of(const struct flows *f, const struct flow *flow)
{
    return f->slots[probe(f, &flow->key, flow->hash)].flow;
}

static void unlink_used(struct flows *f, const struct flow *flow)
{
    *(flow->older == NONE ? &f->oldest : &at(f, flow->older)->newer) = flow->newer;
    *(flow->newer == NONE ? &f->newest : &at(f, flow->newer)->older) = flow->older;
}

static void link_newest(struct flows *f, struct flow *flow, uint32_t i)
{
    flow->older = f->newest;
    flow->newer = NONE;
    *(f->newest == NONE ? &f->oldest : &at(f, f->newest)->newer) = i;
    f->newest = i;
}

static uint32_t take_spare(struct flows *f)
{
    if (f->spare == NONE) {
        struct flow *slab = calloc(SLAB, sizeof *slab);
        if (!slab)
            abort();
        f->slab[f->made / SLAB] = slab;
        for (uint32_t i = SLAB; i-- > 0;) {
            slab[i].newer = f->spare;
            f->spare = f->made + i;
        }
        f->made += SLAB;
    }
    uint32_t i = f->spare;
    f->spare = at(f, i)->newer;
    return i;
}

static struct flow *get(struct flows *f, const struct packet *p, unsigned *dir, bool *made)
{
    struct session_ends key;
    *dir = make_key(p, &key);
    uint32_t hash = (uint32_t)XXH3_64bits_withSeed(&key, sizeof key, f->hash_key);
    uint32_t slot = probe(f, &key, hash), i = f->slots[slot].flow;
    if (i != NONE) {
        struct flow *flow = at(f, i);
        if (f->newest != i) {
            unlink_used(f, flow);
            link_newest(f, flow, i);
        }
        return flow;
    }
    if (!made || f->used == FLOWS_MAX)
        return NULL;
    if (f->used * 2 >= f->mask) {
        slots_grow(f);
        slot = probe(f, &key, hash);
    }
    i = take_spare(f);
    f->slots[slot] = (struct slot){i, hash};
    f->used++;
    struct flow *flow = at(f, i);
    memset(flow, 0, sizeof *flow);
    flow->key = key;
    flow->hash = hash;
    link_newest(f, flow, i);
    *made = true;
    return flow;
}

struct flow *flows_get(struct flows *f, const struct packet *p, unsigned *dir, bool *made)
{
    *made = false;
    return get(f, p, dir, made);
}

struct flow *flows_find(struct flows *f, const struct packet *p, unsigned *dir)
{
    return get(f, p, dir, NULL);
}

struct flow *flows_oldest(struct flows *f)
{
    return f->oldest == NONE ? NULL : at(f, f->oldest);
}

/* Closes the gap that a removed slot leaves in its run (linear probing without tombstones). */
static void slot_remove(struct flows *f, uint32_t i)
{
    for (uint32_t j = (i + 1) & f->mask; f->slots[j].flow != NONE; j = (j + 1) & f->mask) {
        uint32_t home = f->slots[j].hash & f->mask;
        if (((j - home) & f->mask) >= ((j - i) & f->mask)) {
            f->slots[i] = f->slots[j];
            i = j;
        }
    }
    f->slots[i] = (struct slot){NONE, NONE};
}

void flows_remove(struct flows *f, struct flow *flow)
{
    uint32_t slot = probe(f, &flow->key, flow->hash), i = index_of(f, flow);
    slot_remove(f, slot);
    unlink_used(f, flow);
    f->used--;
    flow->newer = f->spare;
    f->spare = i;
}
