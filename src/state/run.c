#include "state/run.h"

#include "base/mem.h"

void run_free(struct run *r)
{
    buf_free(&r->bytes);
    free(r->parts);
    *r = (struct run){0};
}

void run_add_part(struct run *r, struct run_part part)
{
    r->parts = mem_room(r->parts, r->n, &r->cap, sizeof *r->parts);
    r->parts[r->n++] = part;
}

/* Once no more bytes come: gives back what was reserved too much, and says where the sets are. */
static void run_seal(struct run *r)
{
    if (r->bytes.n) {
        r->bytes.p = mem_resize(r->bytes.p, r->bytes.n, 1);
        r->bytes.cap = r->bytes.n;
    }
    for (size_t i = 0; i < r->n; i++)
        r->parts[i].set.p = r->bytes.p + r->parts[i].at;
}

/* Days of one row gathered from sorted sightings, each once. */
struct days {
    uint16_t *v;
    size_t n;
};

static void days_add(struct days *d, uint32_t day)
{
    if (d->n == 0 || d->v[d->n - 1] != day)
        d->v[d->n++] = (uint16_t)day;
}

static size_t pack4(struct run *r, const struct pending4 *v, size_t n, struct days *days)
{
    uint32_t day_min = v[0].day;
    size_t end = 1;
    for (; end < n && v[end].family == v[0].family; end++)
        day_min = v[end].day < day_min ? v[end].day : day_min;
    struct run_part part = {.family = v[0].family, .at = r->bytes.n};
    struct addrset_writer w;
    addrset_begin(&w, &r->bytes, false, (uint16_t)day_min);
    for (size_t i = 0, j; i < end; i = j) {
        days->n = 0;
        for (j = i; j < end && v[j].address == v[i].address && v[j].attr == v[i].attr; j++)
            days_add(days, v[j].day);
        struct addrset_key key = {0, v[i].address, v[i].attr};
        addrset_put(&w, &key, days->v, days->n);
    }
    part.set = w.set;
    run_add_part(r, part);
    return end;
}

static size_t pack6(struct run *r, const struct pending6 *v, size_t n, struct days *days)
{
    uint32_t day_min = v[0].day;
    size_t end = 1;
    for (; end < n && v[end].family == v[0].family; end++)
        day_min = v[end].day < day_min ? v[end].day : day_min;
    struct run_part part = {.family = v[0].family, .at = r->bytes.n};
    struct addrset_writer w;
    addrset_begin(&w, &r->bytes, true, (uint16_t)day_min);
    for (size_t i = 0, j; i < end; i = j) {
        days->n = 0;
        for (j = i; j < end && v[j].lo == v[i].lo && v[j].hi == v[i].hi && v[j].attr == v[i].attr;
             j++)
            days_add(days, v[j].day);
        struct addrset_key key = {v[i].hi, v[i].lo, v[i].attr};
        addrset_put(&w, &key, days->v, days->n);
    }
    part.set = w.set;
    run_add_part(r, part);
    return end;
}

void run_from_pending(struct pending *p, struct run *out)
{
    *out = (struct run){0};
    struct days days = {.v = mem_resize(NULL, ADDRSET_DAY_END, sizeof(uint16_t))};
    pending_sort(p);
    size_t i = 0, j = 0;
    while (i < p->n4 || j < p->n6) {
        if (j == p->n6 || (i < p->n4 && p->v4[i].family <= p->v6[j].family))
            i += pack4(out, p->v4 + i, p->n4 - i, &days);
        else
            j += pack6(out, p->v6 + j, p->n6 - j, &days);
    }
    free(days.v);
    pending_clear(p);
    run_seal(out);
}

static int merge_sets(const struct addrset *const *sets, size_t n, uint32_t attrs, struct run *out,
                      uint32_t family)
{
    uint16_t day_min = sets[0]->day_min;
    for (size_t i = 1; i < n; i++)
        day_min = sets[i]->day_min < day_min ? sets[i]->day_min : day_min;
    struct run_part part = {.family = family, .at = out->bytes.n};
    struct addrset_writer w;
    struct addrset_merge m;
    int rc;
    addrset_begin(&w, &out->bytes, sets[0]->v6, day_min);
    addrset_merge_init(&m, sets, n, attrs);
    while ((rc = addrset_merge_next(&m)) > 0)
        addrset_put(&w, &m.key, m.days, m.ndays);
    addrset_merge_free(&m);
    part.set = w.set;
    run_add_part(out, part);
    return rc;
}

static bool part_before(const struct run_part *a, const struct run_part *b)
{
    return a->family != b->family ? a->family < b->family : a->set.v6 < b->set.v6;
}

int run_merge(const struct run *runs, size_t n, uint32_t attrs, struct run *out)
{
    *out = (struct run){0};
    size_t *at = mem_zeroed(n, sizeof *at);
    const struct addrset **sets = mem_zeroed(n, sizeof *sets);
    int rc = 0;
    while (rc == 0) {
        const struct run_part *first = NULL;
        for (size_t i = 0; i < n; i++)
            if (at[i] < runs[i].n && (!first || part_before(&runs[i].parts[at[i]], first)))
                first = &runs[i].parts[at[i]];
        if (!first)
            break;
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (at[i] < runs[i].n && !part_before(first, &runs[i].parts[at[i]]))
                sets[k++] = &runs[i].parts[at[i]++].set;
        rc = merge_sets(sets, k, attrs, out, first->family);
    }
    free(sets);
    free(at);
    run_seal(out);
    return rc;
}

const struct addrset *run_find(const struct run *r, uint32_t family, bool v6)
{
    struct run_part want = {.family = family, .set = {.v6 = v6}};
    size_t lo = 0, hi = r->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (part_before(&r->parts[mid], &want))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < r->n && r->parts[lo].family == family && r->parts[lo].set.v6 == v6)
        return &r->parts[lo].set;
    return NULL;
}
