/* Two texts' common tokens in the same order. First those that are once in each (patience), then
 * between them again, and where there are none the longest common subsequence, by bits. */
#include "mail/template_impl.h"

#define DEPTH_MAX  32
#define COUNT_BITS 0.1f       /* what any token weighs besides its own */
#define CELLS_MAX  (1u << 18) /* of the tables of one alignment together */

struct pair {
    uint32_t p, s;
    uint32_t back; /* the pair before it in its heaviest row, or TEMPLATE_NONE */
    float bits;    /* of that row */
};

struct aligner {
    const struct vocabulary *vocabulary;
    uint32_t *p_count, *s_count, *s_at; /* by id; zero between uses */
    uint32_t ids;
    const struct tokens *p, *s;
    uint32_t *map;
    uint32_t cells; /* left */
    struct arena arena;
};

struct aligner *aligner_open(const struct vocabulary *v)
{
    struct aligner *a = mem_zeroed(1, sizeof *a);
    a->vocabulary = v;
    a->ids = vocabulary_count(v);
    a->p_count = mem_zeroed(a->ids, sizeof *a->p_count);
    a->s_count = mem_zeroed(a->ids, sizeof *a->s_count);
    a->s_at = mem_zeroed(a->ids, sizeof *a->s_at);
    return a;
}

void aligner_close(struct aligner *a)
{
    if (!a)
        return;
    free(a->p_count);
    free(a->s_count);
    free(a->s_at);
    arena_free(&a->arena);
    free(a);
}

struct range {
    uint32_t p, p_end, s, s_end;
};

static uint32_t p_id(const struct aligner *a, uint32_t i)
{
    return a->p->v[i].id;
}
static uint32_t s_id(const struct aligner *a, uint32_t i)
{
    return a->s->v[i].id;
}

/* Pairs of tokens that are once in each range, in p's order. */
static uint32_t unique_pairs(struct aligner *a, const struct range *r, struct pair *out)
{
    uint32_t n = 0;
    for (uint32_t i = r->p; i < r->p_end; i++)
        a->p_count[p_id(a, i)]++;
    for (uint32_t i = r->s; i < r->s_end; i++) {
        a->s_count[s_id(a, i)]++;
        a->s_at[s_id(a, i)] = i;
    }
    for (uint32_t i = r->p; i < r->p_end; i++) {
        uint32_t id = p_id(a, i);
        if (a->p_count[id] == 1 && a->s_count[id] == 1)
            out[n++] = (struct pair){i, a->s_at[id], TEMPLATE_NONE, 0};
    }
    for (uint32_t i = r->p; i < r->p_end; i++)
        a->p_count[p_id(a, i)] = 0;
    for (uint32_t i = r->s; i < r->s_end; i++)
        a->s_count[s_id(a, i)] = 0;
    return n;
}

/* The heaviest row of pairs that rises in s too (a Fenwick tree of the best row that ends before
 * each token of s): marked in the map. */
static void heaviest_rise(struct aligner *a, const struct range *r, struct pair *pair, uint32_t n)
{
    uint32_t slots = r->s_end - r->s, last = 0;
    uint32_t *top = arena_alloc(&a->arena, (slots + 1) * sizeof *top); /* pair, or TEMPLATE_NONE */
    memset(top, 0xff, (slots + 1) * sizeof *top);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t before = TEMPLATE_NONE;
        for (uint32_t k = pair[i].s - r->s; k > 0; k &= k - 1) {
            if (top[k] != TEMPLATE_NONE &&
                (before == TEMPLATE_NONE || pair[top[k]].bits > pair[before].bits))
                before = top[k];
        }
        pair[i].back = before;
        pair[i].bits = vocabulary_bits(a->vocabulary, p_id(a, pair[i].p)) + COUNT_BITS +
                       (before == TEMPLATE_NONE ? 0 : pair[before].bits);
        for (uint32_t k = pair[i].s - r->s + 1; k <= slots; k += k & -k) {
            if (top[k] == TEMPLATE_NONE || pair[i].bits > pair[top[k]].bits)
                top[k] = i;
        }
        if (pair[i].bits > pair[last].bits)
            last = i;
    }
    for (uint32_t i = last; i != TEMPLATE_NONE; i = pair[i].back)
        a->map[pair[i].p] = pair[i].s;
}

static void table_align(struct aligner *a, const struct range *r)
{
    size_t rows = r->p_end - r->p + 1, columns = r->s_end - r->s + 1;
    if (rows > CELLS_MAX || columns > CELLS_MAX || rows * columns > a->cells)
        return;
    a->cells -= (uint32_t)(rows * columns);
    float *best = arena_alloc(&a->arena, rows * columns * sizeof *best);
    /* best[i][j]: of what is behind i and j */
    for (size_t i = rows; i-- > 0;) {
        for (size_t j = columns; j-- > 0;) {
            float *cell = &best[i * columns + j];
            *cell = 0;
            if (i == rows - 1 || j == columns - 1)
                continue;
            float down = cell[columns], right = cell[1];
            *cell = down > right ? down : right;
            uint32_t id = p_id(a, r->p + (uint32_t)i);
            if (id != s_id(a, r->s + (uint32_t)j))
                continue;
            float both = cell[columns + 1] + vocabulary_bits(a->vocabulary, id) + COUNT_BITS;
            *cell = both > *cell ? both : *cell;
        }
    }
    for (size_t i = 0, j = 0; i < rows - 1 && j < columns - 1;) {
        const float *cell = &best[i * columns + j];
        uint32_t p = r->p + (uint32_t)i, s = r->s + (uint32_t)j;
        if (p_id(a, p) == s_id(a, s) && *cell > cell[columns] && *cell > cell[1]) {
            a->map[p] = s;
            i++;
            j++;
        } else if (cell[columns] >= cell[1]) {
            i++;
        } else {
            j++;
        }
    }
}

static void align_range(struct aligner *a, struct range r, unsigned depth)
{
    while (r.p < r.p_end && r.s < r.s_end && p_id(a, r.p) == s_id(a, r.s))
        a->map[r.p++] = r.s++;
    while (r.p < r.p_end && r.s < r.s_end && p_id(a, r.p_end - 1) == s_id(a, r.s_end - 1))
        a->map[--r.p_end] = --r.s_end;
    if (r.p == r.p_end || r.s == r.s_end || depth == DEPTH_MAX)
        return;
    struct pair *pair = arena_alloc(&a->arena, (r.p_end - r.p) * sizeof *pair);
    uint32_t n = unique_pairs(a, &r, pair);
    if (n == 0) {
        table_align(a, &r);
        return;
    }
    heaviest_rise(a, &r, pair, n);
    struct range between = r;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t p = pair[i].p, s = a->map[p];
        if (s == TEMPLATE_NONE)
            continue;
        between.p_end = p;
        between.s_end = s;
        align_range(a, between, depth + 1);
        between.p = p + 1;
        between.s = s + 1;
    }
    between.p_end = r.p_end;
    between.s_end = r.s_end;
    align_range(a, between, depth + 1);
}

void aligner_align(struct aligner *a, const struct tokens *p, const struct tokens *s, uint32_t *map)
{
    a->p = p;
    a->s = s;
    a->map = map;
    a->cells = CELLS_MAX;
    for (uint32_t i = 0; i < p->n; i++)
        map[i] = TEMPLATE_NONE;
    align_range(a, (struct range){0, p->n, 0, s->n}, 0);
    arena_reset(&a->arena);
}
