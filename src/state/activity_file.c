/* The snapshot of the view of activity: the same log gives the same bytes. doc/census.md has the
 * layout. */
#include <errno.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"
#include "state/activity_impl.h"

#define MAGIC     "ebb activity\r\n"
#define MAGIC_LEN 14
#define VERSION   1
#define HEAD_LEN  (MAGIC_LEN + 4)
#define FOOT_LEN  (8 + 8 + ACTIVITY_CHECKSUM_LEN) /* position, where the families begin */

uint64_t activity_file_checksum(struct span covered)
{
    return XXH3_64bits(covered.p, covered.n);
}

/* One family's contacts of one sort, merged; says in *out what was written. */
static int put_set(const struct activity_run *const *runs, size_t n, uint32_t family,
                   enum activity_sort sort, struct buf *bytes, struct activity_set *out)
{
    const struct activity_set **sets = mem_zeroed(n, sizeof *sets);
    uint16_t day_min = UINT16_MAX;
    size_t k = 0;
    int rc = 0;
    *out = (struct activity_set){.sort = sort};
    for (size_t i = 0; i < n; i++) {
        const struct activity_set *s = activity_run_find(runs[i], family, sort);
        if (!s || !s->rows)
            continue;
        sets[k++] = s;
        day_min = s->day_min < day_min ? s->day_min : day_min;
    }
    if (k) {
        struct activity_writer w;
        struct activity_merge m;
        activity_begin(&w, bytes, sort, day_min);
        activity_merge_init(&m, sets, k);
        while ((rc = activity_merge_next(&m)) > 0)
            activity_put(&w, &m.key, m.days, m.ndays);
        activity_merge_free(&m);
        *out = w.set;
    }
    free(sets);
    return rc < 0 ? -EBADMSG : 0;
}

static void put_totals(struct buf *b, const struct activity_set *set)
{
    buf_be64(b, set->n);
    buf_be64(b, set->rows);
    buf_be64(b, set->days);
    buf_be64(b, set->contacts);
    buf_be16(b, set->day_min);
    buf_be16(b, set->day_max);
}

static void put_families(struct buf *b, const struct dict *d, const uint32_t *order,
                         const struct activity_set *sets)
{
    buf_be32(b, (uint32_t)d->nfamilies);
    for (size_t i = 0; i < d->nfamilies; i++) {
        struct span name = dict_family_name(d, order[i]);
        buf_be32(b, (uint32_t)name.n);
        buf_span(b, name);
        for (size_t k = 0; k < ACTIVITY_SORTS; k++)
            put_totals(b, &sets[i * ACTIVITY_SORTS + k]);
    }
}

int activity_file_write(uint64_t position, const struct dict *families,
                        const struct activity_run *const *runs, size_t n, struct buf *out)
{
    uint32_t *order = dict_families_sorted(families);
    size_t nsets = families->nfamilies * ACTIVITY_SORTS;
    struct activity_set *sets = mem_zeroed(nsets, sizeof *sets);
    int rc = 0;
    out->n = 0;
    buf_put(out, MAGIC, MAGIC_LEN);
    buf_be32(out, VERSION);
    for (size_t i = 0; rc == 0 && i < nsets; i++)
        rc = put_set(runs, n, order[i / ACTIVITY_SORTS], (enum activity_sort)(i % ACTIVITY_SORTS),
                     out, &sets[i]);
    uint64_t families_at = out->n;
    put_families(out, families, order, sets);
    buf_be64(out, position);
    buf_be64(out, families_at);
    buf_be64(out, activity_file_checksum(buf_as_span(out)));
    free(order);
    free(sets);
    return rc;
}

/* Sets follow one another, the last one ends where the families begin. */
static bool get_set(struct cur *c, uint32_t family, enum activity_sort sort, struct cur *sets,
                    struct activity_run *base)
{
    struct activity_set s = {.sort = sort};
    struct span bytes;
    uint64_t n;
    if (!cur_u64(c, &n) || !cur_u64(c, &s.rows) || !cur_u64(c, &s.days) ||
        !cur_u64(c, &s.contacts) || !cur_u16(c, &s.day_min) || !cur_u16(c, &s.day_max))
        return false;
    if (n > cur_left(sets) || !cur_take(sets, n, &bytes) || s.rows > n || s.days < s.rows ||
        s.contacts < s.days || s.day_min > s.day_max)
        return false;
    if (n == 0)
        return s.rows == 0 && s.contacts == 0;
    s.p = bytes.p;
    s.n = bytes.n;
    activity_run_add(base, (struct activity_part){.family = family, .set = s});
    return true;
}

static bool get_families(struct cur *c, struct dict *d, struct cur *sets, struct activity_run *base)
{
    uint32_t n, length;
    struct span last = {0};
    if (!cur_u32(c, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct span name;
        if (!cur_u32(c, &length) || !cur_take(c, length, &name) || (i && span_cmp(last, name) >= 0))
            return false;
        uint32_t family = dict_family(d, name);
        for (int sort = 0; sort < ACTIVITY_SORTS; sort++)
            if (!get_set(c, family, (enum activity_sort)sort, sets, base))
                return false;
        last = name;
    }
    return cur_left(c) == 0 && cur_left(sets) == 0;
}

int activity_file_read(struct span bytes, uint64_t *position, struct dict *families,
                       struct activity_run *base, struct err *err)
{
    if (bytes.n < HEAD_LEN + FOOT_LEN || memcmp(bytes.p, MAGIC, MAGIC_LEN) != 0)
        return err_set(err, -EBADMSG, "not a snapshot of activity");
    if (be32_get(bytes.p + MAGIC_LEN) != VERSION)
        return err_set(err, -EBADMSG, "version %u, this program writes %u",
                       (unsigned)be32_get(bytes.p + MAGIC_LEN), (unsigned)VERSION);
    size_t covered = bytes.n - ACTIVITY_CHECKSUM_LEN, end = bytes.n - FOOT_LEN;
    if (activity_file_checksum(span_of(bytes.p, covered)) != be64_get(bytes.p + covered))
        return err_set(err, -EBADMSG, "checksum does not hold");
    uint64_t at = be64_get(bytes.p + end + 8);
    if (at < HEAD_LEN || at > end)
        return err_set(err, -EBADMSG, "families out of place");
    struct cur c = cur_of(span_of(bytes.p + at, end - at));
    struct cur sets = cur_of(span_of(bytes.p + HEAD_LEN, at - HEAD_LEN));
    if (!get_families(&c, families, &sets, base)) {
        dict_free(families);
        activity_run_free(base);
        return err_set(err, -EBADMSG, "families malformed");
    }
    *position = be64_get(bytes.p + end);
    return 0;
}
