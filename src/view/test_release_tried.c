/* Disclosure control against who tries every world that there could have been, with the program at
 * hand. */
#include "view/release.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/tap.h"

#define TRIED 3

struct answer { /* what was published, and what each cell may be then */
    uint32_t key;
    uint8_t low[TRIED], high[TRIED];
};

/* The published total and cells of a world; 0 for a cell that is not there. */
static uint32_t published(const struct release_rule *r, const unsigned *x)
{
    struct release_cell c[TRIED] = {0};
    struct release_margin m = {.stats = 1, .first = true, .tables = 1};
    unsigned at[TRIED], n = 0, sum = 0;
    for (unsigned i = 0; i < TRIED; i++)
        if (x[i]) {
            at[n] = i;
            c[n++].count[0] = (struct release_number){x[i], x[i], x[i]};
            sum += x[i];
        }
    m.total.count[0] = (struct release_number){sum, sum, sum};
    m.table[0] = (struct release_table){c, n, true};
    release_protect(r, &m);
    uint32_t key = m.total.why == RELEASE_SHOWN ? (uint32_t)m.total.shown[0].value : 255;
    for (unsigned i = 0, j = 0; i < TRIED; i++) {
        uint32_t v = 0;
        if (j < n && at[j] == i) {
            v = c[j].why == RELEASE_SHOWN ? (uint32_t)c[j].shown[0].value : 255;
            j++;
        }
        key = key << 8 | v;
    }
    return key;
}

static int cmp_answer(const void *a, const void *b)
{
    uint32_t x = ((const struct answer *)a)->key, y = ((const struct answer *)b)->key;
    return (x > y) - (x < y);
}

/* Every world of three cells up to `most`. Knows rules and program, and that counts are not larger:
 * so only answers that are far from that bound say something. */
static void test_all_worlds(struct release_rule r, unsigned most)
{
    size_t n = (size_t)(most + 1) * (most + 1) * (most + 1), groups = 0;
    struct answer *a = malloc(n * sizeof *a);
    unsigned narrowest = UINT8_MAX, told_more = 0, judged = 0;
    for (size_t k = 0; k < n; k++) {
        unsigned x[TRIED] = {(unsigned)(k % (most + 1)), (unsigned)(k / (most + 1) % (most + 1)),
                             (unsigned)(k / (most + 1) / (most + 1))};
        a[k].key = published(&r, x);
        for (unsigned i = 0; i < TRIED; i++)
            a[k].low[i] = a[k].high[i] = (uint8_t)x[i];
    }
    qsort(a, n, sizeof *a, cmp_answer);
    for (size_t k = 0; k < n; groups++) {
        struct answer g = a[k];
        bool bound = false;
        for (; k < n && a[k].key == g.key; k++)
            for (unsigned i = 0; i < TRIED; i++) {
                g.low[i] = a[k].low[i] < g.low[i] ? a[k].low[i] : g.low[i];
                g.high[i] = a[k].high[i] > g.high[i] ? a[k].high[i] : g.high[i];
                bound |= g.high[i] == most;
            }
        for (unsigned i = 0; i < TRIED && !bound; i++) {
            unsigned width = g.high[i] - g.low[i] + 1u;
            if (g.low[i] >= r.minimum || !g.high[i])
                continue; /* not small, or not there */
            judged++;
            told_more += g.low[i] > 1 || g.high[i] < r.minimum - 1;
            narrowest = width < narrowest ? width : narrowest;
        }
    }
    printf(
        "# minimum %llu, round %llu: %zu worlds, %zu answers; of %u small cells %u are told to be"
        " more than 1; the narrowest is one of %u\n",
        (unsigned long long)r.minimum, (unsigned long long)r.round, n, groups, judged, told_more,
        narrowest);
    ok(narrowest + 1 >= r.minimum, "every world: a small cell may be anything that is small");
    free(a);
}

int main(void)
{
    test_all_worlds((struct release_rule){10, 10}, 64);
    test_all_worlds((struct release_rule){5, 5}, 40);
    test_all_worlds((struct release_rule){5, 1}, 40);
    test_all_worlds((struct release_rule){4, 2}, 40);
    return tap_done();
}
