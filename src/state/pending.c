#include "state/pending.h"

#include "base/mem.h"
#include "state/radix.h"

#define KEY4_BYTES 8
#define KEY6_BYTES 20

void pending_free(struct pending *p)
{
    free(p->v4);
    free(p->v6);
    free(p->scratch);
    *p = (struct pending){0};
}

void pending_grow4(struct pending *p)
{
    p->v4 = mem_room(p->v4, p->n4, &p->cap4, sizeof *p->v4);
}

void pending_grow6(struct pending *p)
{
    p->v6 = mem_room(p->v6, p->n6, &p->cap6, sizeof *p->v6);
}

static int cmp4(const void *x, const void *y)
{
    const struct pending4 *a = x, *b = y;
    return a->attr != b->attr ? (a->attr < b->attr ? -1 : 1)
                              : (a->day > b->day) - (a->day < b->day);
}
static int cmp6(const void *x, const void *y)
{
    const struct pending6 *a = x, *b = y;
    return a->attr != b->attr ? (a->attr < b->attr ? -1 : 1)
                              : (a->day > b->day) - (a->day < b->day);
}

/* Sightings of one address are few, and mostly in order already. */
static void sort_groups4(struct pending4 *v, size_t n)
{
    for (size_t i = 0, j; i < n; i = j) {
        bool ordered = true;
        for (j = i + 1; j < n && v[j].address == v[i].address && v[j].family == v[i].family; j++)
            ordered &= cmp4(&v[j - 1], &v[j]) <= 0;
        if (!ordered)
            qsort(v + i, j - i, sizeof *v, cmp4);
    }
}

static void sort_groups6(struct pending6 *v, size_t n)
{
    for (size_t i = 0, j; i < n; i = j) {
        bool ordered = true;
        for (j = i + 1;
             j < n && v[j].lo == v[i].lo && v[j].hi == v[i].hi && v[j].family == v[i].family; j++)
            ordered &= cmp6(&v[j - 1], &v[j]) <= 0;
        if (!ordered)
            qsort(v + i, j - i, sizeof *v, cmp6);
    }
}

static void *scratch(struct pending *p, size_t size)
{
    if (p->scratch_size < size) {
        free(p->scratch);
        p->scratch = mem_resize(NULL, size, 1);
        p->scratch_size = size;
    }
    return p->scratch;
}

void pending_sort(struct pending *p)
{
    if (p->n4) {
        uint8_t *other = scratch(p, p->n4 * sizeof *p->v4);
        uint8_t *at = radix_sort((uint8_t *)p->v4, other, p->n4, sizeof *p->v4, 0, KEY4_BYTES);
        if (at == other)
            memcpy(p->v4, other, p->n4 * sizeof *p->v4);
        sort_groups4(p->v4, p->n4);
    }
    if (p->n6) {
        uint8_t *other = scratch(p, p->n6 * sizeof *p->v6);
        uint8_t *at = radix_sort((uint8_t *)p->v6, other, p->n6, sizeof *p->v6, 0, KEY6_BYTES);
        if (at == other)
            memcpy(p->v6, other, p->n6 * sizeof *p->v6);
        sort_groups6(p->v6, p->n6);
    }
}
