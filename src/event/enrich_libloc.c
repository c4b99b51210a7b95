/* Reads libloc's database, format 1 (libloc/format.h, IPFire location). The file is read here and
 * not through libloc because libloc trusts the offsets in it (a truncated file ends the process)
 * and hands out one allocated object a network; its own look-up is the oracle of our tests.
 *
 * Layout: a head with offset and length of each section, all words big-endian. The tree's nodes are
 * {zero, one, network}: child indexes, 0 for none, and an index into the networks or ~0. A network
 * is {country[2], 2 bytes of padding, AS number, flags[2], padding}. IPv4 is below ::ffff:0:0/96.
 */
#include <errno.h>

#include "event/enrich_table.h"

#define NODE_SIZE    12
#define NETWORK_SIZE 12
#define AS_SIZE      8
#define NO_NETWORK   0xffffffffu
#define V4_DEPTH     96
#define AS_NAME_MAX  1024
#define HEAD_SIZE    72 /* magic up to the pool's length */

struct libloc {
    struct span nodes, networks, ases, pool;
    struct enrich_data *out;
    size_t n_nodes, visits;
};

static bool section(struct span file, size_t at, struct span *out)
{
    uint64_t offset = be32_get(file.p + at), n = be32_get(file.p + at + 4);
    if (offset + n > file.n)
        return false;
    *out = span_of(file.p + offset, n);
    return true;
}

static int head(struct span file, const char *path, struct libloc *l, struct err *err)
{
    if (file.n < HEAD_SIZE || memcmp(file.p, "LOCDBXX", 7) != 0)
        return err_set(err, -EINVAL, "%s: not a libloc database", path);
    if (file.p[7] != 1)
        return err_set(err, -EINVAL, "%s: libloc database of format %u (1 is known)", path,
                       file.p[7]);
    if (!section(file, 28, &l->ases) || !section(file, 36, &l->networks) ||
        !section(file, 44, &l->nodes) || !section(file, 60, &l->pool))
        return err_set(err, -EINVAL, "%s: damaged: a section reaches behind the end (%zu bytes)",
                       path, file.n);
    l->n_nodes = l->nodes.n / NODE_SIZE;
    uint64_t made = be64_get(file.p + 8);
    l->out->made = made < UINT32_MAX ? (int64_t)made * 1000000 : 0;
    return 0;
}

static int as_names(struct libloc *l, const char *path, struct err *err)
{
    for (size_t at = 0; at + AS_SIZE <= l->ases.n; at += AS_SIZE) {
        uint32_t name = be32_get(l->ases.p + at + 4);
        size_t left = name < l->pool.n ? l->pool.n - name : 0;
        const uint8_t *end = left ? memchr(l->pool.p + name, 0, left) : NULL;
        if (!end)
            return err_set(err, -EINVAL, "%s: damaged: name of AS %zu reaches behind the end", path,
                           at / AS_SIZE);
        size_t n = (size_t)(end - (l->pool.p + name));
        enrich_data_as(l->out, be32_get(l->ases.p + at),
                       span_of(l->pool.p + name, n < AS_NAME_MAX ? n : AS_NAME_MAX));
    }
    return 0;
}

static bool network(struct libloc *l, uint32_t index, unsigned bits, struct enrich_value *value)
{
    if (((uint64_t)index + 1) * NETWORK_SIZE > l->networks.n)
        return false;
    const uint8_t *p = l->networks.p + (size_t)index * NETWORK_SIZE;
    *value = (struct enrich_value){.asn = be32_get(p + 4), .bits = (uint8_t)bits};
    if (p[0] && p[1])
        memcpy(value->country, p, 2);
    return true;
}

struct frame {
    uint32_t node;
    unsigned depth; /* address bits above the node */
    uint64_t hi, lo;
    struct enrich_value value; /* of the nearest network above */
};

/* Depth first, lower addresses first, so that steps come out in order. From depth `base` (0 for
 * IPv6, V4_DEPTH for IPv4); the IPv4 tree is left out of the IPv6 walk. */
static bool walk(struct libloc *l, uint32_t root, unsigned base, struct enrich_steps *steps)
{
    const struct enrich_value none = {.bits = ENRICH_NO_NET};
    struct frame stack[130];
    size_t n = 0;
    stack[n++] = (struct frame){.node = root, .depth = base, .value = none};
    while (n) {
        struct frame f = stack[--n];
        if (base == 0 && f.depth == V4_DEPTH && f.hi == 0 && f.lo == 0xffff00000000ull) {
            enrich_steps_add(steps, f.hi, f.lo, &none);
            continue;
        }
        if (f.node == 0 && f.depth != base) { /* no child here */
            enrich_steps_add(steps, f.hi, f.lo, &f.value);
            continue;
        }
        if (f.node >= l->n_nodes || f.depth > 128 || ++l->visits > l->n_nodes + 1)
            return false;
        const uint8_t *p = l->nodes.p + (size_t)f.node * NODE_SIZE;
        uint32_t zero = be32_get(p), one = be32_get(p + 4), net = be32_get(p + 8);
        if (net != NO_NETWORK && !network(l, net, f.depth - base, &f.value))
            return false;
        if (zero == 0 && one == 0) {
            enrich_steps_add(steps, f.hi, f.lo, &f.value);
            continue;
        }
        if (f.depth == 128)
            return false;
        struct frame right = f, left = f;
        left.depth = right.depth = f.depth + 1;
        left.node = zero;
        right.node = one;
        if (f.depth < 64)
            right.hi |= 1ull << (63 - f.depth);
        else
            right.lo |= 1ull << (127 - f.depth);
        stack[n++] = right;
        stack[n++] = left;
    }
    return true;
}

/* The node of ::ffff:0:0/96, 0 when there is none. */
static uint32_t v4_root(const struct libloc *l)
{
    uint32_t node = 0;
    for (unsigned depth = 0; depth < V4_DEPTH; depth++) {
        if (node >= l->n_nodes)
            return 0;
        node = be32_get(l->nodes.p + (size_t)node * NODE_SIZE + (depth < 80 ? 0 : 4));
        if (node == 0)
            return 0;
    }
    return node;
}

int enrich_libloc_read(struct span file, const char *path, struct enrich_data *out, struct err *err)
{
    struct libloc l = {.out = out};
    const struct enrich_value none = {.bits = ENRICH_NO_NET};
    int rc = head(file, path, &l, err);
    if (rc < 0)
        return rc;
    rc = as_names(&l, path, err);
    if (rc < 0)
        return rc;
    uint32_t v4 = v4_root(&l);
    bool good = l.n_nodes > 0 && walk(&l, 0, 0, &out->v6);
    l.visits = 0;
    if (good && v4)
        good = walk(&l, v4, V4_DEPTH, &out->v4);
    else
        enrich_steps_add(&out->v4, 0, 0, &none);
    if (!good)
        return err_set(err, -EINVAL, "%s: damaged: the network tree is no tree", path);
    return 0;
}
