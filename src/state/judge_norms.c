/* What is usual for each family, learned from the sources: how most of its addresses speak, how
 * often they come, how many agents and paths they have; and where neighbours behave as sandboxes
 * do. */
#include <math.h>

#include "base/mem.h"
#include "state/judge_impl.h"

#define USUAL        0.05 /* of a family's addresses: so many speak as bots do */
#define SELDOM       0.02 /* likewise: may be an older version; fewer are strange */
#define CLEAR        0.6  /* of a family's addresses in usual ways: the family has a way to speak */
#define CLEAR_ROWS   20   /* addresses that it takes to say so */
#define MOST         0.95
#define SHAPES_MAX   (1u << 20) /* families' ways of speaking that are counted */
#define PLACES_MIN   1024
#define RATE_STEPS   4 /* buckets a doubling */
#define NEIGHBOUR_V4 24
#define NEIGHBOUR_V6 48
#define KEY_AS       (1ull << 62)
#define KEY_V6       (1ull << 61)

/* ---- counting shapes ---- */

struct shapes {
    struct shape_count {
        uint64_t key; /* family << 32 | shape; a shape is never 0 */
        uint32_t rows;
    } * v;
    size_t size, n;
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0x9e3779b97f4a7c15ull;
    return x ^ x >> 29;
}

static struct shape_count *shape_at(struct shape_count *v, size_t size, uint64_t key)
{
    size_t i = mix(key) & (size - 1);
    while (v[i].key && v[i].key != key)
        i = (i + 1) & (size - 1);
    return &v[i];
}

static void shapes_room(struct shapes *t)
{
    if (2 * t->n < t->size)
        return;
    size_t size = t->size ? 2 * t->size : 1024;
    struct shape_count *v = mem_zeroed(size, sizeof *v);
    for (size_t i = 0; i < t->size; i++)
        if (t->v[i].key)
            *shape_at(v, size, t->v[i].key) = t->v[i];
    free(t->v);
    t->v = v;
    t->size = size;
}

static void shapes_add(struct shapes *t, unsigned family, uint32_t shape)
{
    uint64_t key = (uint64_t)family << 32 | shape;
    shapes_room(t);
    struct shape_count *at = shape_at(t->v, t->size, key);
    if (!at->key) {
        if (t->n == SHAPES_MAX)
            return; /* one that is usual came long before */
        at->key = key;
        t->n++;
    }
    at->rows++;
}

/* ---- the families ---- */

static unsigned bucket(double value)
{
    double b = value > 1 ? 1 + log2(value) * RATE_STEPS : 0;
    return b < NORM_BUCKETS - 1 ? (unsigned)b : NORM_BUCKETS - 1;
}

static double value_of(unsigned b)
{
    return b ? exp2((b - 1.0 + 0.5) / RATE_STEPS) : 1;
}

static unsigned capped(unsigned n)
{
    return n < NORM_BUCKETS - 1 ? n : NORM_BUCKETS - 1;
}

struct learning {
    struct norms *norms;
    struct shapes shapes;
};

static struct norm *norm_room(struct norms *n, unsigned family)
{
    if (family >= n->n) {
        n->v = mem_resize(n->v, family + 1u, sizeof *n->v);
        memset(n->v + n->n, 0, (family + 1u - n->n) * sizeof *n->v);
        n->n = family + 1u;
    }
    return &n->v[family];
}

static int learn_row(void *ctx, const struct source *r)
{
    struct learning *l = ctx;
    if (!r->own)
        return 0;
    struct norm *f = norm_room(l->norms, r->family_number);
    l->norms->own += (double)r->own;
    l->norms->matched += (double)r->matched;
    f->rows++;
    f->own += (double)r->own;
    f->swept += r->swept;
    f->spoken += (double)r->spoken;
    f->fresh += (double)r->fresh;
    f->tools += r->tool_agent;
    f->crawlers += r->crawler_agent;
    f->rate[bucket((double)r->own / (r->days ? r->days : 1))]++;
    f->agents[capped(r->agents)]++;
    f->paths[capped(r->paths)]++;
    if (r->shape) {
        f->speaking++;
        shapes_add(&l->shapes, r->family_number, r->shape);
    }
    return 0;
}

static unsigned quantile(const uint32_t counts[NORM_BUCKETS], double q)
{
    uint64_t all = 0, below = 0;
    unsigned i = 0;
    for (unsigned k = 0; k < NORM_BUCKETS; k++)
        all += counts[k];
    for (; i < NORM_BUCKETS - 1; i++) {
        below += counts[i];
        if ((double)below >= q * (double)all)
            break;
    }
    return i;
}

static void see_shape(struct norm *f, uint32_t shape, uint32_t rows)
{
    double share = (double)rows / (double)f->speaking;
    if (share >= USUAL && f->n_usual < NORM_SHAPES_MAX) {
        f->usual[f->n_usual++] = shape;
        f->nothing |= shape & 1;
        f->by_address |= shape >> 1 & 1;
    } else if (share >= SELDOM && f->n_seldom < NORM_SELDOM_MAX) {
        f->seldom[f->n_seldom++] = shape;
    }
}

static void settle(struct learning *l)
{
    struct norms *n = l->norms;
    double *covered = mem_zeroed(n->n, sizeof *covered);
    for (size_t i = 0; i < l->shapes.size; i++) {
        const struct shape_count *c = &l->shapes.v[i];
        if (!c->key)
            continue;
        struct norm *f = &n->v[c->key >> 32];
        unsigned before = f->n_usual;
        see_shape(f, (uint32_t)c->key, c->rows);
        if (f->n_usual > before)
            covered[c->key >> 32] += c->rows;
    }
    for (size_t i = 0; i < n->n; i++) {
        struct norm *f = &n->v[i];
        f->clear = f->speaking >= CLEAR_ROWS && covered[i] >= CLEAR * (double)f->speaking;
        f->rate_median = value_of(quantile(f->rate, 0.5));
        f->agents_most = quantile(f->agents, MOST);
        f->paths_most = quantile(f->paths, MOST);
    }
    free(covered);
}

/* ---- the neighbours ---- */

static struct norm_place *place_at(struct norm_place *v, size_t size, uint64_t key)
{
    size_t i = mix(key) & (size - 1);
    while (v[i].key && v[i].key != key)
        i = (i + 1) & (size - 1);
    return &v[i];
}

static void count_place(struct norms *n, uint64_t key, const struct suspicion *is)
{
    if (2 * n->places_n >= n->places_size) {
        size_t size = n->places_size ? 2 * n->places_size : PLACES_MIN;
        struct norm_place *v = mem_zeroed(size, sizeof *v);
        for (size_t i = 0; i < n->places_size; i++)
            if (n->places[i].key)
                *place_at(v, size, n->places[i].key) = n->places[i];
        free(n->places);
        n->places = v;
        n->places_size = size;
    }
    struct norm_place *p = place_at(n->places, n->places_size, key);
    n->places_n += p->key == 0;
    p->key = key;
    p->seen++;
    p->suspect += is->sandbox;
    p->scanners += is->scanner;
}

static uint64_t key_of(const struct ip *ip)
{
    if (ip_is_v4(ip))
        return 1ull << 60 | ip_v4(ip) >> (32 - NEIGHBOUR_V4);
    struct net net = net_of(ip, NEIGHBOUR_V6);
    return KEY_V6 | be64_get(net.ip.b) >> 16;
}

static int learn_address(void *ctx, const struct source *rows, size_t n)
{
    struct norms *norms = ctx;
    struct suspicion is = judge_suspect(norms, rows, n);
    if (!is.seen && !is.scanner)
        return 0;
    count_place(norms, key_of(&rows[0].ip), &is);
    if (rows[0].asn)
        count_place(norms, KEY_AS | rows[0].asn, &is);
    return 0;
}

static const struct norm_place *find_place(const struct norms *n, uint64_t key)
{
    return n->places_size ? place_at(n->places, n->places_size, key) : NULL;
}

const struct norm_place *norms_neighbours(const struct norms *n, const struct source *row)
{
    return find_place(n, key_of(&row->ip));
}

const struct norm_place *norms_as(const struct norms *n, const struct source *row)
{
    return row->asn ? find_place(n, KEY_AS | row->asn) : NULL;
}

const struct norm *norms_of(const struct norms *n, const struct source *row)
{
    static const struct norm none;
    return row->family_number < n->n ? &n->v[row->family_number] : &none;
}

void norms_free(struct norms *n)
{
    free(n->v);
    free(n->places);
    *n = (struct norms){0};
}

void norms_learn(struct norms *n, struct sources *s)
{
    struct learning l = {.norms = n};
    norms_free(n);
    sources_each(s, learn_row, &l);
    settle(&l);
    free(l.shapes.v);
    struct judge_rows g = {.each = learn_address, .ctx = n};
    judge_rows_over(s, &g);
    n->learned = true;
}
