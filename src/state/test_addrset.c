/* Addrset, pending, run: packing by hand, merging beside CRoaring, damage. */
#include <roaring/roaring.h>

#include "base/tap.h"
#include "state/addrset.h"
#include "base/mem.h"
#include "state/pending.h"
#include "state/run.h"

#define ATTRS 1000

struct random {
    uint64_t s;
};
/* xorshift64* (Vigna 2016) */
static uint64_t next(struct random *r)
{
    r->s ^= r->s >> 12;
    r->s ^= r->s << 25;
    r->s ^= r->s >> 27;
    return r->s * 0x2545f4914f6cdd1du;
}

struct row {
    struct addrset_key key;
    uint16_t days[64];
    size_t n;
};

static struct addrset pack(struct buf *out, const struct row *rows, size_t n, bool v6)
{
    struct addrset_writer w;
    uint16_t min = UINT16_MAX;
    for (size_t i = 0; i < n; i++)
        min = rows[i].days[0] < min ? rows[i].days[0] : min;
    size_t start = out->n;
    addrset_begin(&w, out, v6, min);
    for (size_t i = 0; i < n; i++)
        addrset_put(&w, &rows[i].key, rows[i].days, rows[i].n);
    w.set.p = out->p + start;
    return w.set;
}

static void test_known(void)
{
    /* Worked by hand from doc/census.md. Addresses 10.0.0.1 = 0x0a000001, 10.0.1.129, the latter
     * with two attributions; smallest day 15049. */
    static const struct row rows[] = {
        {{0, 0x0a000001, 3}, {15050}, 1},
        {{0, 0x0a000181, 1}, {15049, 15050, 15350}, 3},
        {{0, 0x0a000181, 2},
         {15049, 15050, 15051, 15052, 15053, 15054, 15055, 15056, 15057, 15059},
         10},
    };
    static const uint8_t want[] = {
        0x81, 0x80, 0x80, 0x50, /* 0x0a000001 = 167772161 */
        0x06, 0x01, 0x00,       /* attribution +3, day +1, no more days */
        0x80, 0x03,             /* + 0x180 = 384 */
        0x03, 0x00,             /* attribution -2, day +0 */
        0x04, 0x00, 0xab, 0x02, /* two gaps: next day, then 299 days between */
        0x00, 0x02, 0x00,       /* same address, attribution +1, day +0 */
        0x05, 0xff, 0x02,       /* bitmap of two bytes: days 1-8, then day 10 */
    };
    struct buf b = {0};
    struct addrset set = pack(&b, rows, 3, false);
    ok(b.n == sizeof want && memcmp(b.p, want, sizeof want) == 0, "packed as worked by hand");
    is_int(set.rows, 3);
    is_int(set.sightings, 14);
    is_int(set.day_min, 15049);
    is_int(set.day_max, 15350);
    is_int(set.n, sizeof want);
    struct addrset_cur c;
    addrset_cur_init(&c, &set, 4);
    for (size_t i = 0; i < 3; i++)
        ok(addrset_next(&c) == 1 && c.key.lo == rows[i].key.lo && c.key.attr == rows[i].key.attr &&
               c.n == rows[i].n && memcmp(c.days, rows[i].days, c.n * 2) == 0,
           "row reads back");
    is_int(addrset_next(&c), 0);
    addrset_cur_free(&c);
    addrset_cur_init(&c, &set, 3); /* an attribution that there is not */
    is_int(addrset_next(&c), -1);
    addrset_cur_free(&c);
    buf_free(&b);
}

static void test_extremes(void)
{
    uint16_t *all = mem_resize(NULL, ADDRSET_DAY_END, 2), ends[] = {0, 65535};
    for (unsigned i = 0; i < ADDRSET_DAY_END; i++)
        all[i] = (uint16_t)i;
    struct buf b = {0};
    struct addrset_writer w;
    struct addrset_key low = {0, 0, 0}, high = {UINT64_MAX, UINT64_MAX, UINT32_MAX - 1};
    addrset_begin(&w, &b, true, 0);
    addrset_put(&w, &low, all, ADDRSET_DAY_END);
    addrset_put(&w, &high, ends, 2);
    w.set.p = b.p;
    struct addrset_cur c;
    addrset_cur_init(&c, &w.set, UINT32_MAX);
    ok(addrset_next(&c) == 1 && c.n == ADDRSET_DAY_END && memcmp(c.days, all, 2 * c.n) == 0,
       "all days of the format");
    ok(addrset_next(&c) == 1 && c.key.hi == UINT64_MAX && c.key.lo == UINT64_MAX &&
           c.key.attr == UINT32_MAX - 1 && c.n == 2 && c.days[0] == 0 && c.days[1] == 65535,
       "highest address, first and last day");
    is_int(addrset_next(&c), 0);
    addrset_cur_free(&c);
    free(all);
    buf_free(&b);
}

/* Random rows, ascending, without repeats. */
static size_t random_rows(struct random *r, struct row *rows, size_t max, bool v6)
{
    struct addrset_key key = {0};
    size_t n = 0;
    while (n < max) {
        unsigned how = next(r) % 8;
        if (how == 0 && n) {
            key.attr += 1 + next(r) % 3;
        } else {
            uint64_t step = next(r) >> (v6 ? next(r) % 60 : 40 + next(r) % 20);
            key.lo += step + 1;
            key.hi += v6 ? (key.lo < step + 1) + (how == 1 ? next(r) >> 30 : 0) : 0;
            key.attr = (uint32_t)(next(r) % (ATTRS / 2));
        }
        if (key.attr >= ATTRS || (!v6 && key.lo > UINT32_MAX))
            break;
        struct row *row = &rows[n++];
        *row = (struct row){.key = key};
        unsigned day = 15000 + next(r) % 100, dense = 1u << next(r) % 8;
        for (size_t i = 0, want = 1 + next(r) % 64; i < want; i++, day += 1 + next(r) % dense)
            row->days[row->n++] = (uint16_t)day;
    }
    return n;
}

static bool reads_back(const struct addrset *set, const struct row *rows, size_t n)
{
    struct addrset_cur c;
    bool good = true;
    addrset_cur_init(&c, set, ATTRS);
    for (size_t i = 0; i < n && good; i++)
        good = addrset_next(&c) == 1 && memcmp(&c.key, &rows[i].key, sizeof c.key - 4) == 0 &&
               c.n == rows[i].n && memcmp(c.days, rows[i].days, 2 * c.n) == 0;
    good = good && addrset_next(&c) == 0;
    addrset_cur_free(&c);
    return good;
}

static void test_random(void)
{
    struct random r = {42};
    static struct row rows[500];
    unsigned good = 0;
    for (unsigned round = 0; round < 200; round++) {
        bool v6 = round & 1;
        struct buf b = {0};
        size_t n = random_rows(&r, rows, 1 + next(&r) % 500, v6);
        struct addrset set = pack(&b, rows, n, v6);
        good += reads_back(&set, rows, n);
        buf_free(&b);
    }
    is_int(good, 200);
}

/* Cut or changed bytes: an error or other rows, never out of bounds (a sanitizer sees that), rows
 * always in order. */
static void test_damage(void)
{
    struct random r = {7};
    static struct row rows[40];
    unsigned bad_order = 0, caught = 0, short_caught = 0;
    for (unsigned round = 0; round < 20000; round++) {
        bool v6 = round & 1;
        struct buf b = {0};
        size_t n = random_rows(&r, rows, 1 + next(&r) % 40, v6);
        struct addrset set = pack(&b, rows, n, v6);
        bool cut = round & 2;
        set.n = cut ? next(&r) % set.n : set.n;
        uint8_t *copy = malloc(set.n ? set.n : 1);
        memcpy(copy, b.p, set.n);
        if (!cut)
            copy[next(&r) % set.n] ^= (uint8_t)(1u << next(&r) % 8);
        set.p = copy;
        struct addrset_cur c;
        struct addrset_key last = {0};
        int rc;
        addrset_cur_init(&c, &set, ATTRS);
        for (size_t i = 0; (rc = addrset_next(&c)) > 0; i++, last = c.key)
            bad_order += (i && !addrset_less(&last, &c.key)) || c.key.attr >= ATTRS;
        caught += rc < 0;
        short_caught += cut && rc < 0;
        addrset_cur_free(&c);
        free(copy);
        buf_free(&b);
    }
    is_int(bad_order, 0);
    is_int(short_caught, 10000);
    ok(caught > 10000, "some changed bytes are found without a checksum");
}

/* Sightings spread over several runs, with repeats, come out as one run made of them all; counts
 * per day agree with CRoaring's. */
static void test_merge(void)
{
    struct random r = {99};
    unsigned same = 0, counted = 0;
    for (unsigned round = 0; round < 30; round++) {
        struct pending whole = {0}, part = {0};
        struct run runs[6] = {0}, merged, once;
        roaring_bitmap_t *day[16];
        for (int i = 0; i < 16; i++)
            day[i] = roaring_bitmap_create();
        for (unsigned k = 0; k < 6; k++) {
            for (unsigned i = next(&r) % 3000; i-- > 0;) {
                uint32_t ip = (uint32_t)(next(&r) % 4096 * 77777), family = next(&r) % 3;
                unsigned d = next(&r) % 16;
                struct addrset_key key = {ip, next(&r) % 5, (uint32_t)(next(&r) % 3)};
                if (family == 1)
                    roaring_bitmap_add(day[d], ip);
                pending_add4(&part, family, ip, key.attr, (uint16_t)(d + 500));
                pending_add4(&whole, family, ip, key.attr, (uint16_t)(d + 500));
                pending_add6(&part, family, &key, (uint16_t)(d + 500));
                pending_add6(&whole, family, &key, (uint16_t)(d + 500));
            }
            run_from_pending(&part, &runs[k]);
        }
        run_from_pending(&whole, &once);
        same += run_merge(runs, 6, 3, &merged) == 0 && merged.n == once.n &&
                merged.bytes.n == once.bytes.n &&
                memcmp(merged.bytes.p, once.bytes.p, once.bytes.n) == 0;
        const struct addrset *set = run_find(&merged, 1, false);
        struct addrset_group g;
        uint64_t count[16] = {0};
        addrset_group_init(&g, &set, 1, 3);
        while (addrset_group_next(&g) > 0) {
            bool seen[16] = {0};
            for (size_t i = 0; i < g.ndays; i++)
                seen[g.days[i] - 500] = true;
            for (int i = 0; i < 16; i++)
                count[i] += seen[i];
        }
        addrset_group_free(&g);
        bool equal = true;
        for (int i = 0; i < 16; i++) {
            equal &= count[i] == roaring_bitmap_get_cardinality(day[i]);
            roaring_bitmap_free(day[i]);
        }
        counted += equal;
        for (unsigned k = 0; k < 6; k++)
            run_free(&runs[k]);
        run_free(&merged);
        run_free(&once);
        pending_free(&whole);
        pending_free(&part);
    }
    is_int(same, 30);
    is_int(counted, 30);
}

int main(void)
{
    test_known();
    test_extremes();
    test_random();
    test_damage();
    test_merge();
    return tap_done();
}
