/* What a census asks for: which families there are, and in which portions their addresses come. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_census_impl.h"

#define SLICE_FAMILIES 200         /* names in one question */
#define SLICE_NAMES    (32u << 10) /* bytes of them: a server reads 256 KiB of a statement */

static const uint8_t zero[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

/* ---- families ---- */

static int see_family(void *ctx, const struct clickhouse_value *v)
{
    struct census_plan *p = ctx;
    p->families = mem_room(p->families, p->nfamilies, &p->families_cap, sizeof *p->families);
    struct census_family *f = &p->families[p->nfamilies++];
    *f = (struct census_family){0};
    buf_span(&f->name, v[0].s);
    f->rows[v[1].n & 1] += v[2].n;
    if (!p->any || v[3].n < p->chunk_min)
        p->chunk_min = (uint16_t)v[3].n;
    if (!p->any || v[4].n > p->chunk_max)
        p->chunk_max = (uint16_t)v[4].n;
    p->any = true;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct census_family *x = a, *y = b;
    return span_cmp(buf_as_span(&x->name), buf_as_span(&y->name));
}

/* Each shard says its own: one of each name is left. */
static void fold_families(struct census_plan *p)
{
    size_t n = 0;
    qsort(p->families, p->nfamilies, sizeof *p->families, by_name);
    for (size_t i = 1; i < p->nfamilies; i++) {
        struct census_family *a = &p->families[n], *b = &p->families[i];
        if (by_name(a, b) != 0) {
            p->families[++n] = *b;
            continue;
        }
        a->rows[0] += b->rows[0];
        a->rows[1] += b->rows[1];
        buf_free(&b->name);
    }
    p->nfamilies = n + 1;
}

static int see_zero(void *ctx, const struct clickhouse_value *v)
{
    struct census_plan *p = ctx;
    const struct census_slice all = {.n = (uint32_t)p->nfamilies};
    int64_t family = p->nfamilies > 1 ? census_plan_family(p, &all, &v[0]) : 0;
    if (family < 0)
        return 0; /* it came since */
    struct census_family *f = &p->families[family];
    p->zero = true;
    f->rows[0] += v[1].n;
    f->rows[1] -= v[1].n < f->rows[1] ? v[1].n : f->rows[1];
    return 0;
}

/* Who has seen 0.0.0.0, which is with IPv6 by its number. */
static int ask_zero(struct census_plan *p, struct err *err)
{
    struct clickhouse_ask a;
    clickhouse_ask_begin(&a, p->way);
    clickhouse_ask_printf(&a,
                          "family, toUInt64(count()) FROM %s.sightings_local WHERE v4 = 0 AND "
                          "address = ",
                          p->way->database);
    clickhouse_ask_address(&a, zero);
    if (p->q->family.n) {
        clickhouse_ask_printf(&a, " AND family = ");
        clickhouse_ask_quote(&a, p->q->family);
    }
    clickhouse_ask_printf(&a, " GROUP BY family");
    a.types = "s8";
    a.row = see_zero;
    a.ctx = p;
    return clickhouse_ask_rows(&a, err);
}

int census_plan_make(const struct clickhouse_way *way, const struct census_query *q,
                     struct census_plan *p, struct err *err)
{
    struct clickhouse_ask a;
    *p = (struct census_plan){.way = way, .q = q};
    clickhouse_ask_begin(&a, way);
    clickhouse_ask_printf(&a,
                          "family, toUInt8(v4 = 0) AS six, toUInt64(count()), min(chunk), "
                          "max(chunk) FROM %s.sightings_local",
                          way->database);
    if (q->family.n) {
        clickhouse_ask_printf(&a, " WHERE family = ");
        clickhouse_ask_quote(&a, q->family);
    }
    clickhouse_ask_printf(&a, " GROUP BY family, six");
    a.types = "s1822";
    a.row = see_family;
    a.ctx = p;
    int rc = clickhouse_ask_rows(&a, err);
    if (rc < 0 || !p->any)
        return rc;
    fold_families(p);
    rc = ask_zero(p, err);
    if (rc < 0)
        return rc;
    int64_t lo = (int64_t)p->chunk_min * CHUNK_DAYS, hi = ((int64_t)p->chunk_max + 1) * CHUNK_DAYS;
    lo = q->since > lo ? q->since : lo;
    hi = q->until < hi ? q->until : hi;
    p->lo = lo < hi ? (uint32_t)lo : 0;
    p->hi = lo < hi ? (uint32_t)hi : 0;
    return 0;
}

void census_plan_free(struct census_plan *p)
{
    for (size_t i = 0; i < p->nfamilies; i++)
        buf_free(&p->families[i].name);
    free(p->families);
    free(p->slices);
    *p = (struct census_plan){0};
}

/* ---- slices ---- */

static struct census_slice *add_slice(struct census_plan *p, uint32_t family, bool v6)
{
    p->slices = mem_room(p->slices, p->nslices, &p->slices_cap, sizeof *p->slices);
    struct census_slice *s = &p->slices[p->nslices++];
    *s = (struct census_slice){.first = family, .n = 1, .v6 = v6};
    return s;
}

/* How a family's rows lie over its addresses: by the first 16 bits, of IPv6 the first 48. */
struct spread {
    struct part {
        uint64_t key, rows;
    } * v;
    size_t n, cap;
};

static int see_part(void *ctx, const struct clickhouse_value *v)
{
    struct spread *s = ctx;
    s->v = mem_room(s->v, s->n, &s->cap, sizeof *s->v);
    s->v[s->n++] = (struct part){v[0].n, v[1].n};
    return 0;
}

static int by_part(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static int ask_spread(struct census_plan *p, const struct census_slice *whole, struct spread *out,
                      struct err *err)
{
    struct clickhouse_ask a;
    clickhouse_ask_begin(&a, p->way);
    clickhouse_ask_printf(&a, whole->v6
                                  ? "reinterpretAsUInt64(reverse(substring(address, 1, 6))) AS k"
                                  : "toUInt64(bitShiftRight(v4, 16)) AS k");
    clickhouse_ask_printf(&a, ", toUInt64(count())");
    census_ask_from(&a, p, whole, 0, p->hi);
    clickhouse_ask_printf(&a, " GROUP BY k");
    a.types = "88";
    a.row = see_part;
    a.ctx = out;
    int rc = clickhouse_ask_rows(&a, err);
    if (rc == 0 && out->n)
        qsort(out->v, out->n, sizeof *out->v, by_part);
    return rc;
}

/* Parts follow each other without gaps, from the first address to the last. */
static int slice_family(struct census_plan *p, uint32_t family, bool v6, uint64_t rows,
                        struct err *err)
{
    const uint64_t unit = v6 ? 1 : 1u << 16, end = v6 ? 1ull << 48 : 1ull << 32;
    struct census_slice whole = {.first = family, .n = 1, .v6 = v6};
    struct spread spread = {0};
    int rc = ask_spread(p, &whole, &spread, err);
    struct census_slice *s = add_slice(p, family, v6);
    s->part = true;
    for (size_t i = 0; rc == 0 && i < spread.n; i++) {
        if (s->rows && s->rows + spread.v[i].rows > rows &&
            (i == 0 || spread.v[i].key != spread.v[i - 1].key)) {
            uint64_t at = spread.v[i].key * unit;
            s->to = at - 1;
            s = add_slice(p, family, v6);
            s->part = true;
            s->from = at;
        }
        s->rows += spread.v[i].rows;
    }
    s->to = end - 1;
    free(spread.v);
    return rc;
}

/* The family goes into the slice that was made last, when both are small. */
static bool joins(const struct census_plan *p, uint32_t family, bool v6, uint64_t rows)
{
    const struct census_slice *last = p->nslices ? &p->slices[p->nslices - 1] : NULL;
    uint64_t more = p->families[family].rows[v6];
    size_t bytes = p->families[family].name.n;
    if (!last || last->part || last->v6 != v6 || last->n >= SLICE_FAMILIES ||
        last->rows + more > rows)
        return false;
    for (uint32_t i = 0; i < last->n; i++)
        bytes += p->families[last->first + i].name.n;
    return bytes <= SLICE_NAMES;
}

static int slice(struct census_plan *p, uint32_t family, bool v6, uint64_t rows, struct err *err)
{
    uint64_t has = p->families[family].rows[v6];
    if (has > rows)
        return slice_family(p, family, v6, rows, err);
    if (joins(p, family, v6, rows)) {
        struct census_slice *last = &p->slices[p->nslices - 1];
        last->n = family - last->first + 1; /* others between them have no such rows */
        last->rows += has;
    } else if (has) {
        add_slice(p, family, v6)->rows = has;
    }
    return 0;
}

int census_plan_slice(struct census_plan *p, uint64_t rows, bool ordered, struct err *err)
{
    int rc = 0;
    for (int pass = 0; pass < (ordered ? 1 : 2); pass++)
        for (uint32_t i = 0; rc == 0 && i < p->nfamilies; i++) {
            rc = slice(p, i, !ordered && pass == 1, rows, err);
            if (rc == 0 && ordered)
                rc = slice(p, i, true, rows, err);
        }
    return rc;
}

/* ---- their SQL ---- */

int64_t census_plan_family(const struct census_plan *p, const struct census_slice *s,
                           const struct clickhouse_value *f)
{
    uint32_t lo = s->first, hi = s->first + s->n;
    if (s->n == 1)
        return s->first;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = span_cmp(buf_as_span(&p->families[mid].name), f->s);
        if (c == 0)
            return mid;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}

void census_ask_family(struct clickhouse_ask *a, const struct census_slice *s)
{
    clickhouse_ask_printf(a, s->n == 1 ? "toUInt8(0) AS f" : "family AS f");
}

char census_family_type(const struct census_slice *s)
{
    return s->n == 1 ? '1' : 's';
}

static void ask_prefix(struct clickhouse_ask *a, uint64_t v, bool last)
{
    uint8_t b[16];
    memset(b, last ? 0xff : 0, sizeof b);
    for (unsigned i = 0; i < 6; i++)
        b[i] = (uint8_t)(v >> (40 - 8 * i));
    clickhouse_ask_address(a, b);
}

static void ask_part(struct clickhouse_ask *a, const struct census_slice *s)
{
    if (!s->v6) {
        clickhouse_ask_printf(a, " AND v4 >= %u AND v4 <= %u", (unsigned)s->from, (unsigned)s->to);
        return;
    }
    clickhouse_ask_printf(a, " AND address >= ");
    ask_prefix(a, s->from, false);
    clickhouse_ask_printf(a, " AND address <= ");
    ask_prefix(a, s->to, true);
}

void census_ask_from(struct clickhouse_ask *a, const struct census_plan *p,
                     const struct census_slice *s, uint32_t since, uint32_t until)
{
    clickhouse_ask_printf(a, " FROM %s.sightings_local WHERE family ", p->way->database);
    clickhouse_ask_printf(a, s->n == 1 ? "= " : "IN (");
    for (uint32_t i = 0; i < s->n; i++) {
        if (i)
            clickhouse_ask_printf(a, ", ");
        clickhouse_ask_quote(a, buf_as_span(&p->families[s->first + i].name));
    }
    clickhouse_ask_printf(a, "%s AND chunk >= %u AND chunk <= %u", s->n == 1 ? "" : ")",
                          since / CHUNK_DAYS, (until - 1) / CHUNK_DAYS);
    clickhouse_ask_printf(a, s->v6     ? " AND v4 = 0"
                             : p->zero ? " AND (v4 != 0 OR address = "
                                       : " AND v4 != 0");
    if (!s->v6 && p->zero) {
        clickhouse_ask_address(a, zero);
        clickhouse_ask_printf(a, ")");
    }
    if (s->part)
        ask_part(a, s);
    if (s->v6 && p->zero) {
        clickhouse_ask_printf(a, " AND address != ");
        clickhouse_ask_address(a, zero);
    }
}

void census_ask_mask(struct clickhouse_ask *a, const struct census_plan *p)
{
    uint32_t first = p->lo / CHUNK_DAYS, last = (p->hi - 1) / CHUNK_DAYS;
    uint64_t head = ~0ull << p->lo % CHUNK_DAYS;
    uint64_t tail = ~0ull >> (CHUNK_DAYS - 1 - (p->hi - 1) % CHUNK_DAYS);
    clickhouse_ask_printf(a, "bitAnd(finalizeAggregation(days), ");
    if (first == last)
        clickhouse_ask_printf(a, "toUInt64(%llu))", (unsigned long long)(head & tail));
    else
        clickhouse_ask_printf(a,
                              "multiIf(chunk = %u, toUInt64(%llu), chunk = %u, toUInt64(%llu), "
                              "toUInt64(%llu)))",
                              first, (unsigned long long)head, last, (unsigned long long)tail,
                              ~0ull);
}
