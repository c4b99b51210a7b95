/* Merges: acts that say that two campaigns are one. Both keep their medoid and their figures. */
#include "state/campaigns_impl.h"

#include "base/mem.h"

uint64_t campaigns_root(const struct campaigns *c, uint64_t id)
{
    uint32_t at;
    for (size_t i = 0; i < c->merges && idmap_get(&c->merged, id, &at); i++)
        id = c->merge[at].into;
    return id;
}

bool merge_is_split(const struct campaigns *c, uint64_t a, uint64_t b)
{
    for (size_t i = 0; i < c->merges; i++) {
        const struct merge *m = &c->merge[i];
        if (m->split && ((m->into == a && m->from == b) || (m->into == b && m->from == a)))
            return true;
    }
    return false;
}

bool campaigns_merged(const struct campaigns *c, uint64_t id)
{
    for (size_t i = 0; i < c->merges; i++)
        if (c->merge[i].into == id || c->merge[i].from == id)
            return true;
    return false;
}

/* A slot whose root has been retired counts its own mails. */
void merge_roots(struct campaigns *c)
{
    for (uint32_t i = 0; i < c->live; i++)
        c->more[i].children = 0;
    for (uint32_t i = 0; i < c->live; i++) {
        uint32_t slot;
        c->root[i] = idmap_get(&c->by_id, campaigns_root(c, c->info[i].id), &slot) ? slot : i;
        if (c->root[i] != i)
            c->more[c->root[i]].children++;
    }
}

/* After root b was merged into root a: mostly both live, and b's slots become a's. */
static void move_root(struct campaigns *c, uint64_t a, uint64_t b)
{
    uint32_t to, from;
    if (!idmap_get(&c->by_id, a, &to) || !idmap_get(&c->by_id, b, &from)) {
        merge_roots(c);
        return;
    }
    for (uint32_t i = 0; i < c->live && c->more[from].children; i++)
        if (c->root[i] == from && i != from) {
            c->root[i] = to;
            c->more[from].children--;
            c->more[to].children++;
        }
    c->root[from] = to;
    c->more[to].children++;
}

/* Live, or merged away once. */
static bool known(const struct campaigns *c, uint64_t id)
{
    uint32_t at;
    return idmap_get(&c->by_id, id, &at) || idmap_get(&c->merged, id, &at);
}

/* Those of a merge are no single mails any more, whatever they count. */
static void keep(struct campaigns *c, uint64_t id)
{
    uint32_t slot;
    if (idmap_get(&c->by_id, id, &slot))
        slots_list(c, slot, LIST_MANY);
}

int campaigns_merge(struct campaigns *c, uint64_t into, uint64_t from)
{
    if (into == from || !known(c, into) || !known(c, from))
        return -1;
    uint64_t a = campaigns_root(c, into), b = campaigns_root(c, from);
    if (a == b)
        return 1;
    if (merge_is_split(c, a, b) || merge_is_split(c, into, from))
        return -1;
    c->merge = mem_room(c->merge, c->merges, &c->merges_cap, sizeof *c->merge);
    c->merge[c->merges] = (struct merge){.into = a, .from = b};
    idmap_set(&c->merged, b, (uint32_t)c->merges++);
    keep(c, b);
    keep(c, a);
    move_root(c, a, b);
    return 0;
}

int campaigns_split(struct campaigns *c, uint64_t into, uint64_t from)
{
    uint32_t at;
    if (!idmap_get(&c->merged, from, &at))
        return -1;
    if (c->merge[at].into != into && campaigns_root(c, from) != into)
        return -1;
    c->merge[at].split = 1;
    idmap_drop(&c->merged, from);
    merge_roots(c);
    return 0;
}
