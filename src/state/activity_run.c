/* Runs of contacts: made from those that just came in, and merged. */
#include "base/mem.h"
#include "state/activity_impl.h"
#include "state/addrset.h"
#include "state/radix.h"

#define TOUCH_AT      offsetof(struct touch, day)
#define TOUCH_DIGITS  (sizeof(struct touch) - TOUCH_AT)
#define TOUCH4_DIGITS (sizeof(struct touch4) - TOUCH_AT)

_Static_assert(TOUCH_AT == offsetof(struct touch4, day) && TOUCH_DIGITS == 24 &&
                   TOUCH4_DIGITS == 12,
               "the key is packed");

void activity_run_free(struct activity_run *r)
{
    buf_free(&r->bytes);
    free(r->parts);
    *r = (struct activity_run){0};
}

void activity_run_add(struct activity_run *r, struct activity_part part)
{
    r->parts = mem_room(r->parts, r->n, &r->cap, sizeof *r->parts);
    r->parts[r->n++] = part;
}

/* Once no more bytes come: gives back what was reserved too much, and says where the sets are. */
static void seal(struct activity_run *r)
{
    if (r->bytes.n) {
        r->bytes.p = mem_resize(r->bytes.p, r->bytes.n, 1);
        r->bytes.cap = r->bytes.n;
    }
    for (size_t i = 0; i < r->n; i++)
        r->parts[i].set.p = r->bytes.p + r->parts[i].at;
}

void touches_free(struct touches *t)
{
    free(t->v4);
    free(t->v6);
    free(t->bots);
    *t = (struct touches){0};
}

void touches_add(struct touches *t, uint32_t family, enum activity_sort sort,
                 const struct activity_key *key, uint16_t day, unsigned hour, unsigned contacts)
{
    uint16_t more = (uint16_t)(contacts - 1);
    if (sort == SORT_V4) {
        t->v4 = mem_room(t->v4, t->n4, &t->cap4, sizeof *t->v4);
        t->v4[t->n4++] = (struct touch4){more, (uint8_t)hour, 0, day, 0, (uint32_t)key->lo, family};
        return;
    }
    struct touch x = {
        more,
        (uint8_t)hour,
        0,
        day,
        0,
        {(uint32_t)key->lo, (uint32_t)(key->lo >> 32), (uint32_t)key->hi, (uint32_t)(key->hi >> 32)},
        family};
    if (sort == SORT_V6) {
        t->v6 = mem_room(t->v6, t->n6, &t->cap6, sizeof *t->v6);
        t->v6[t->n6++] = x;
    } else {
        t->bots = mem_room(t->bots, t->nbots, &t->capbots, sizeof *t->bots);
        t->bots[t->nbots++] = x;
    }
}

/* A run in the making. */
struct packing {
    struct activity_run *run;
    struct activity_part part;
    struct activity_writer w;
    struct activity_key key; /* of the row at hand */
    struct activity_day *days;
    size_t n;
};

static void end_row(struct packing *k)
{
    if (k->n)
        activity_put(&k->w, &k->key, k->days, k->n);
    k->n = 0;
}

static void begin_set(struct packing *k, uint32_t family, enum activity_sort sort, uint16_t day_min)
{
    k->part = (struct activity_part){.family = family, .at = k->run->bytes.n};
    activity_begin(&k->w, &k->run->bytes, sort, day_min);
}

static void end_set(struct packing *k)
{
    end_row(k);
    k->part.set = k->w.set;
    activity_run_add(k->run, k->part);
}

static inline void pack(struct packing *k, const struct activity_key *key, uint16_t day,
                        uint8_t hour, uint16_t more)
{
    if (k->n && !activity_key_same(key, &k->key))
        end_row(k);
    k->key = *key;
    if (k->n == 0 || k->days[k->n - 1].day != day)
        k->days[k->n++] = (struct activity_day){.day = day};
    struct activity_day *d = &k->days[k->n - 1];
    uint32_t contacts = d->contacts + more + 1u;
    d->contacts = (uint16_t)(contacts < ACTIVITY_CONTACTS_MAX ? contacts : ACTIVITY_CONTACTS_MAX);
    d->hours |= 1u << hour;
}

static size_t pack4(struct packing *k, const struct touch4 *v, size_t n)
{
    uint16_t day_min = v[0].day;
    size_t end = 1;
    for (; end < n && v[end].family == v[0].family; end++)
        day_min = v[end].day < day_min ? v[end].day : day_min;
    begin_set(k, v[0].family, SORT_V4, day_min);
    for (size_t i = 0; i < end; i++) {
        struct activity_key key = {0, v[i].address};
        pack(k, &key, v[i].day, v[i].hour, v[i].more);
    }
    end_set(k);
    return end;
}

static size_t pack_wide(struct packing *k, const struct touch *v, size_t n, enum activity_sort sort)
{
    uint16_t day_min = v[0].day;
    size_t end = 1;
    for (; end < n && v[end].family == v[0].family; end++)
        day_min = v[end].day < day_min ? v[end].day : day_min;
    begin_set(k, v[0].family, sort, day_min);
    for (size_t i = 0; i < end; i++) {
        struct activity_key key = {(uint64_t)v[i].key[3] << 32 | v[i].key[2],
                                   (uint64_t)v[i].key[1] << 32 | v[i].key[0]};
        pack(k, &key, v[i].day, v[i].hour, v[i].more);
    }
    end_set(k);
    return end;
}

/* Sorts in place, with memory for as much again. */
static void sort_touches(struct touches *t)
{
    size_t wide = t->n6 > t->nbots ? t->n6 : t->nbots;
    size_t narrow = t->n4 * sizeof *t->v4;
    uint8_t *other =
        mem_resize(NULL, wide * sizeof *t->v6 > narrow ? wide * sizeof *t->v6 : narrow, 1);
    if (t->n4 &&
        radix_sort((uint8_t *)t->v4, other, t->n4, sizeof *t->v4, TOUCH_AT, TOUCH4_DIGITS) == other)
        memcpy(t->v4, other, narrow);
    if (t->n6 &&
        radix_sort((uint8_t *)t->v6, other, t->n6, sizeof *t->v6, TOUCH_AT, TOUCH_DIGITS) == other)
        memcpy(t->v6, other, t->n6 * sizeof *t->v6);
    if (t->nbots && radix_sort((uint8_t *)t->bots, other, t->nbots, sizeof *t->bots, TOUCH_AT,
                               TOUCH_DIGITS) == other)
        memcpy(t->bots, other, t->nbots * sizeof *t->bots);
    free(other);
}

void activity_run_from(struct touches *t, struct activity_run *out)
{
    *out = (struct activity_run){0};
    struct packing k = {.run = out, .days = mem_resize(NULL, ADDRSET_DAY_END, sizeof *k.days)};
    size_t i = 0, j = 0, b = 0;
    sort_touches(t);
    while (i < t->n4 || j < t->n6 || b < t->nbots) {
        uint32_t family = UINT32_MAX;
        if (i < t->n4)
            family = t->v4[i].family;
        if (j < t->n6 && t->v6[j].family < family)
            family = t->v6[j].family;
        if (b < t->nbots && t->bots[b].family < family)
            family = t->bots[b].family;
        if (i < t->n4 && t->v4[i].family == family)
            i += pack4(&k, t->v4 + i, t->n4 - i);
        if (j < t->n6 && t->v6[j].family == family)
            j += pack_wide(&k, t->v6 + j, t->n6 - j, SORT_V6);
        if (b < t->nbots && t->bots[b].family == family)
            b += pack_wide(&k, t->bots + b, t->nbots - b, SORT_BOTS);
    }
    free(k.days);
    t->n4 = t->n6 = t->nbots = 0;
    seal(out);
}

static bool part_before(const struct activity_part *a, const struct activity_part *b)
{
    return a->family != b->family ? a->family < b->family : a->set.sort < b->set.sort;
}

static int merge_sets(const struct activity_set *const *sets, size_t n, struct activity_run *out,
                      uint32_t family)
{
    uint16_t day_min = sets[0]->day_min;
    for (size_t i = 1; i < n; i++)
        day_min = sets[i]->day_min < day_min ? sets[i]->day_min : day_min;
    struct activity_part part = {.family = family, .at = out->bytes.n};
    struct activity_writer w;
    struct activity_merge m;
    int rc;
    activity_begin(&w, &out->bytes, sets[0]->sort, day_min);
    activity_merge_init(&m, sets, n);
    while ((rc = activity_merge_next(&m)) > 0)
        activity_put(&w, &m.key, m.days, m.ndays);
    activity_merge_free(&m);
    part.set = w.set;
    activity_run_add(out, part);
    return rc;
}

int activity_run_merge(const struct activity_run *const *runs, size_t n, struct activity_run *out)
{
    *out = (struct activity_run){0};
    size_t *at = mem_zeroed(n, sizeof *at);
    const struct activity_set **sets = mem_zeroed(n, sizeof *sets);
    int rc = 0;
    while (rc == 0) {
        const struct activity_part *first = NULL;
        for (size_t i = 0; i < n; i++)
            if (at[i] < runs[i]->n && (!first || part_before(&runs[i]->parts[at[i]], first)))
                first = &runs[i]->parts[at[i]];
        if (!first)
            break;
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (at[i] < runs[i]->n && !part_before(first, &runs[i]->parts[at[i]]))
                sets[k++] = &runs[i]->parts[at[i]++].set;
        rc = merge_sets(sets, k, out, first->family);
    }
    free(sets);
    free(at);
    seal(out);
    return rc;
}

const struct activity_set *activity_run_find(const struct activity_run *r, uint32_t family,
                                             enum activity_sort sort)
{
    struct activity_part want = {.family = family, .set = {.sort = sort}};
    size_t lo = 0, hi = r->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (part_before(&r->parts[mid], &want))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < r->n && r->parts[lo].family == family && r->parts[lo].set.sort == sort)
        return &r->parts[lo].set;
    return NULL;
}
