/* Disclosure control against who solves for suppressed cells by intervals, over thousands of random
 * worlds and their releases. */
#include "view/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tap.h"

static uint64_t seed = 1;
static uint64_t draw(uint64_t n) /* splitmix64: below n */
{
    uint64_t z = (seed += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (z ^ (z >> 31)) % n;
}

static struct release_number of(uint64_t v)
{
    return (struct release_number){v, v - v / 10, v + v / 8};
}

/* ---- a world: two tables with one total, and days; released again and again ---- */

#define CELLS    24
#define RELEASES 8

struct world {
    struct release_rule rule;
    struct release_margin m, days;
    struct release_cell cell[2][CELLS], day[CELLS];
    /* since each number was new: the count then */
    uint64_t base[3][CELLS + 1][RELEASE_STATS_MAX];
};

/* Mostly small, some large: like countries. */
static uint64_t draw_count(const struct world *w)
{
    switch (draw(4)) {
    case 0:
        return draw(w->rule.minimum + 2);
    case 1:
        return draw(3 * w->rule.minimum);
    case 2:
        return draw(100 * w->rule.minimum);
    default:
        return 1 + draw(1u << (1 + draw(16)));
    }
}

/* The counts of both tables add up to the same. */
static void sum_up(struct world *w)
{
    for (unsigned q = 0; q < w->m.stats; q++) {
        uint64_t sum[2] = {0}, most = 0;
        for (int t = 0; t < 2; t++)
            for (size_t i = 0; i < w->m.table[t].n; i++)
                sum[t] += w->cell[t][i].count[q].value;
        int less = sum[0] < sum[1] ? 0 : 1;
        struct release_cell *c = &w->cell[less][draw(w->m.table[less].n)];
        c->count[q] = of(c->count[q].value + sum[!less] - sum[less]);
        w->m.total.count[q] = of(sum[!less]);
        uint64_t all = 0;
        for (size_t i = 0; i < w->days.table[0].n; i++) {
            uint64_t v = w->day[i].count[q].value;
            most = v > most ? v : most;
            all += v;
        }
        w->days.total.count[q] = of(most + draw(all - most + 1));
    }
}

static void begin(struct world *w)
{
    static const struct release_rule rules[] = {{10, 10}, {10, 5}, {5, 10}, {10, 1}, {3, 3},
                                                {20, 10}, {7, 4},  {1, 1},  {2, 1},  {100, 50}};
    memset(w, 0, sizeof *w);
    w->rule = rules[draw(sizeof rules / sizeof *rules)];
    w->m.stats = w->days.stats = 1 + (unsigned)draw(3);
    w->m.tables = 2;
    w->days.tables = 1;
    w->m.first = w->days.first = true;
    for (int t = 0; t < 2; t++)
        w->m.table[t] = (struct release_table){w->cell[t], 1 + draw(CELLS), true};
    w->days.table[0] = (struct release_table){w->day, 1 + draw(CELLS), false};
    for (unsigned q = 0; q < w->m.stats; q++) {
        for (int t = 0; t < 2; t++)
            for (size_t i = 0; i < w->m.table[t].n; i++)
                w->cell[t][i].count[q] = of(draw_count(w));
        for (size_t i = 0; i < w->days.table[0].n; i++)
            w->day[i].count[q] = of(draw_count(w));
    }
    sum_up(w);
}

/* Some days later: most cells a little more or less, some not at all. */
static void go_on(struct world *w)
{
    struct release_cell *all[3] = {w->cell[0], w->cell[1], w->day};
    size_t n[3] = {w->m.table[0].n, w->m.table[1].n, w->days.table[0].n};
    w->m.first = w->days.first = false;
    for (int t = 0; t < 3; t++)
        for (size_t i = 0; i < n[t]; i++)
            for (unsigned q = 0; q < w->m.stats; q++) {
                uint64_t v = all[t][i].count[q].value, step = draw(3) ? draw(4) : draw(v / 4 + 3);
                bool still = t == 2 ? draw(20) : !draw(3);
                v = still ? v : draw(2) ? v + step : v > step ? v - step : 0;
                all[t][i].count[q] = of(v);
            }
    sum_up(w);
}

/* ---- what must hold of every release ---- */

static unsigned broken; /* reported once, not a line each */
#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond) && broken++ < 10)                                                              \
            printf("# does not hold: %s (line %d)\n", #cond, __LINE__);                            \
    } while (0)

static void check_cell(const struct world *w, const struct release_cell *c, unsigned stats,
                       bool first, uint64_t base[RELEASE_STATS_MAX])
{
    const struct release_rule *r = &w->rule;
    bool small = false;
    for (unsigned q = 0; q < stats; q++) {
        uint64_t x = c->count[q].value, v = c->shown[q].value;
        small |= x < r->minimum;
        if (c->why != RELEASE_SHOWN)
            continue;
        MUST(x >= r->minimum && v % r->round == 0);
        MUST(c->shown[q].low <= v && v <= c->shown[q].high);
        MUST(first || c->was_shown || x >= 2 * r->minimum);
        uint64_t off = x > v ? x - v : v - x;
        MUST(off < release_keep(r));
        if (c->was_shown && c->was[q].value != v) { /* a change that shows */
            uint64_t change = x > base[q] ? x - base[q] : base[q] - x;
            MUST(change >= r->minimum);
        }
        if (!c->was_shown || c->was[q].value != v) {
            MUST(off <= (r->round + 1) / 2); /* new: as it is rounded */
            base[q] = x;
        }
    }
    MUST(!small || c->why == RELEASE_SMALL);
}

static void check_table(const struct world *w, const struct release_table *t, unsigned stats)
{
    uint64_t sum[RELEASE_STATS_MAX] = {0};
    size_t n = 0;
    bool taken = false, let_go = false; /* one instead of another */
    for (size_t i = 0; i < t->n; i++) {
        taken |= t->cell[i].was_shown && t->cell[i].why == RELEASE_ALONG;
        let_go |= t->cell[i].listed && !t->cell[i].was_shown && t->cell[i].why == RELEASE_SHOWN;
    }
    MUST(!taken || !let_go);
    for (size_t i = 0; i < t->n; i++)
        if (t->cell[i].why != RELEASE_SHOWN) {
            n++;
            for (unsigned q = 0; q < stats; q++)
                sum[q] += t->cell[i].count[q].value;
        }
    if (n == t->n)
        return; /* nothing is shown */
    MUST(n != 1);
    for (unsigned q = 0; q < stats && n; q++)
        MUST(sum[q] >= w->rule.minimum);
}

/* ---- who solves for suppressed cells ---- */

struct range {
    double low, high;
};

/* What a published number says: by itself, and by what was published before. */
static struct range told(const struct release_rule *r, const struct release_cell *c, unsigned q)
{
    double half = (double)(r->round / 2), v = (double)c->shown[q].value;
    bool kept = c->was_shown && c->was[q].value == c->shown[q].value;
    double reach = kept ? (double)(release_keep(r) - r->round) : 0;
    struct range x = {v - reach - half, v + reach + (double)r->round - 1 - half};
    x.low = x.low < (double)r->minimum ? (double)r->minimum : x.low;
    return x;
}

/* Knows which suppressed cells are small, which is not published. */
static struct range first_guess(const struct release_rule *r, const struct release_cell *c,
                                unsigned q)
{
    if (c->why == RELEASE_SHOWN)
        return told(r, c, q);
    if (c->count[q].value < r->minimum)
        return (struct range){c->count[q].value > 0, (double)r->minimum - 1};
    return (struct range){(double)r->minimum, 1e12};
}

static bool narrow(struct range *x, double low, double high)
{
    bool change = low > x->low || high < x->high;
    x->low = low > x->low ? low : x->low;
    x->high = high < x->high ? high : x->high;
    return change;
}

/* Intervals are narrowed until nothing changes. */
static void attack(const struct world *w, const struct release_margin *m, unsigned q,
                   struct range x[RELEASE_TABLES_MAX][CELLS])
{
    struct range total = {0, 1e12};
    bool change = true;
    if (m->total.why == RELEASE_SHOWN)
        total = told(&w->rule, &m->total, q);
    for (size_t t = 0; t < m->tables; t++)
        for (size_t i = 0; i < m->table[t].n; i++)
            x[t][i] = first_guess(&w->rule, &m->table[t].cell[i], q);
    for (int turn = 0; change && turn < 50; turn++) {
        change = false;
        for (size_t t = 0; t < m->tables; t++) {
            const struct release_table *table = &m->table[t];
            double low = 0, high = 0;
            for (size_t i = 0; i < table->n; i++) {
                low += x[t][i].low;
                high += x[t][i].high;
            }
            change |= narrow(&total, table->additive ? low : 0, high);
            for (size_t i = 0; i < table->n; i++)
                change |= narrow(&x[t][i], total.low - (high - x[t][i].high),
                                 table->additive ? total.high - (low - x[t][i].low) : total.high);
        }
    }
}

static bool all_withheld(const struct release_margin *m)
{
    if (m->total.why == RELEASE_SHOWN)
        return false;
    for (size_t t = 0; t < m->tables; t++)
        for (size_t i = 0; i < m->table[t].n && m->table[t].additive; i++)
            if (m->table[t].cell[i].why == RELEASE_SHOWN)
                return false;
    return true;
}

static uint64_t attacked;

static void check_attack(const struct world *w, const struct release_margin *m)
{
    struct range x[RELEASE_TABLES_MAX][CELLS];
    if (all_withheld(m))
        return;
    for (unsigned q = 0; q < m->stats; q++) {
        attack(w, m, q, x);
        for (size_t t = 0; t < m->tables; t++)
            for (size_t i = 0; i < m->table[t].n; i++) {
                const struct release_cell *c = &m->table[t].cell[i];
                MUST(x[t][i].low <= (double)c->count[q].value); /* the attacker makes no mistake */
                MUST(x[t][i].high >= (double)c->count[q].value);
                if (c->why == RELEASE_SHOWN || c->count[q].value >= w->rule.minimum)
                    continue;
                attacked++;
                MUST(x[t][i].low <= 1 && x[t][i].high >= (double)w->rule.minimum - 1);
            }
    }
}

static void remember(struct release_cell *c)
{
    c->listed = true;
    c->was_shown = c->why == RELEASE_SHOWN;
    memcpy(c->was, c->shown, sizeof c->was);
}

static void release(struct world *w)
{
    release_protect(&w->rule, &w->m);
    release_protect(&w->rule, &w->days);
    bool first = w->m.first;
    for (int t = 0; t < 2; t++) {
        for (size_t i = 0; i < w->m.table[t].n; i++)
            check_cell(w, &w->cell[t][i], w->m.stats, first, w->base[t][i]);
        check_table(w, &w->m.table[t], w->m.stats);
    }
    for (size_t i = 0; i < w->days.table[0].n; i++)
        check_cell(w, &w->day[i], w->m.stats, first, w->base[2][i]);
    check_cell(w, &w->m.total, w->m.stats, first, w->base[0][CELLS]);
    check_cell(w, &w->days.total, w->m.stats, first, w->base[2][CELLS]);
    check_table(w, &w->days.table[0], w->m.stats);
    check_attack(w, &w->m);
    check_attack(w, &w->days);
}

static void remember_all(struct world *w)
{
    for (size_t i = 0; i < CELLS; i++) {
        remember(&w->cell[0][i]);
        remember(&w->cell[1][i]);
        remember(&w->day[i]);
    }
    remember(&w->m.total);
    remember(&w->days.total);
}

/* The same counts again give the same cells and numbers: there is nothing to compare. */
static void check_again(const struct world *w)
{
    struct world *again = malloc(sizeof *again);
    *again = *w;
    for (int t = 0; t < 2; t++)
        again->m.table[t].cell = again->cell[t];
    again->days.table[0].cell = again->day;
    again->m.first = again->days.first = false;
    remember_all(again);
    release(again);
    const struct release_cell *a[3] = {w->cell[0], w->cell[1], w->day},
                              *b[3] = {again->cell[0], again->cell[1], again->day};
    size_t n[3] = {w->m.table[0].n, w->m.table[1].n, w->days.table[0].n};
    for (int t = 0; t < 3; t++)
        for (size_t i = 0; i < n[t]; i++) {
            MUST((a[t][i].why == RELEASE_SHOWN) == (b[t][i].why == RELEASE_SHOWN));
            MUST(a[t][i].why != RELEASE_SHOWN ||
                 memcmp(a[t][i].shown, b[t][i].shown, w->m.stats * sizeof *a[t][i].shown) == 0);
        }
    MUST((w->m.total.why == RELEASE_SHOWN) == (again->m.total.why == RELEASE_SHOWN));
    free(again);
}

static void test_worlds(unsigned n)
{
    struct world *w = malloc(sizeof *w);
    unsigned shown = 0, cells = 0;
    broken = 0;
    for (unsigned k = 0; k < n; k++) {
        begin(w);
        for (int day = 0; day < RELEASES; day++) {
            release(w);
            check_again(w);
            for (size_t i = 0; i < w->m.table[0].n; i++, cells++)
                shown += w->cell[0][i].why == RELEASE_SHOWN;
            remember_all(w);
            go_on(w);
        }
    }
    ok(broken == 0, "random worlds: nothing small is told");
    ok(attacked > 50ull * n, "and there was much to tell");
    ok(shown > cells / 8, "nor is all withheld");
    printf("# %u worlds of %d releases: %llu attacks on small cells, %u of %u cells shown\n", n,
           RELEASES, (unsigned long long)attacked, shown, cells);
    free(w);
}

/* ---- by hand ---- */

static struct release_cell cell(uint64_t v)
{
    return (struct release_cell){.count = {{v, v, v}}};
}

static void test_by_hand(void)
{
    const struct release_rule r = {10, 10};
    struct release_cell c[] = {cell(400), cell(3), cell(57), cell(1000)};
    struct release_margin m = {
        .stats = 1, .first = true, .total = cell(1460), .table = {{c, 4, true}}, .tables = 1};
    is_int(release_keep(&r), 20);
    is_int(release_rounded(&r, 14), 10);
    is_int(release_rounded(&r, 15), 20);
    release_protect(&r, &m);
    ok(c[1].why == RELEASE_SMALL && c[2].why == RELEASE_ALONG, "the smallest goes along");
    is_int(c[0].shown[0].value, 400);
    is_int(m.total.shown[0].value, 1460);
    for (size_t i = 0; i < 4; i++)
        remember(&c[i]);
    remember(&m.total);
    m.first = false;
    c[0].count[0] = of(414); /* less than the minimum more */
    c[1].count[0] = of(12);  /* above the minimum now, but 12 - (1 to 9) would show */
    c[3].count[0] = of(1016);
    release_protect(&r, &m);
    is_int(c[0].shown[0].value, 400, "kept");
    ok(c[1].why == RELEASE_ENTERING && c[2].why == RELEASE_ALONG, "not yet");
    is_int(c[3].shown[0].value, 1020, "16 more: shown");
    c[1].count[0] = of(20);
    release_protect(&r, &m);
    ok(c[1].why == RELEASE_SHOWN && c[2].why == RELEASE_SHOWN, "from twice the minimum on");
}

/* Of three releases the small one's neighbour stays the same, though another is smaller by then. */
static void test_neighbour(void)
{
    const struct release_rule r = {10, 10};
    struct release_cell c[] = {cell(400), cell(3), cell(30), cell(41), cell(1000)};
    struct release_margin m = {
        .stats = 1, .first = true, .total = cell(1474), .table = {{c, 5, true}}, .tables = 1};
    uint64_t grows[] = {30, 300, 2000}, falls[] = {41, 12, 11};
    for (int i = 0; i < 3; i++) {
        c[2].count[0] = of(grows[i]);
        c[3].count[0] = of(falls[i]);
        m.total.count[0] = of(1403 + grows[i] + falls[i]);
        release_protect(&r, &m);
        ok(c[1].why == RELEASE_SMALL && c[2].why == RELEASE_ALONG && c[3].why == RELEASE_SHOWN);
        for (size_t k = 0; k < 5; k++)
            remember(&c[k]);
        remember(&m.total);
        m.first = false;
    }
}

static void test_shared_margin(void)
{
    /* The second table has nothing small; the first one's small cell is hidden by the third. */
    const struct release_rule r = {10, 1};
    struct release_cell a[] = {cell(500), cell(9), cell(30)}, b[] = {cell(500), cell(39)};
    struct release_margin m = {.stats = 1,
                               .first = true,
                               .total = cell(539),
                               .table = {{a, 3, true}, {b, 2, true}},
                               .tables = 2};
    release_protect(&r, &m);
    ok(a[1].why == RELEASE_SMALL && a[2].why == RELEASE_ALONG && a[0].why == RELEASE_SHOWN);
    ok(b[0].why == RELEASE_SHOWN && b[1].why == RELEASE_SHOWN);
    /* Ten in all, one of them apart, and the other table would give the total away. */
    struct release_cell d[] = {cell(1), cell(10)}, e[] = {cell(11)};
    struct release_margin n = {.stats = 1,
                               .first = true,
                               .total = cell(11),
                               .table = {{d, 2, true}, {e, 1, true}},
                               .tables = 2};
    release_protect(&r, &n);
    ok(all_withheld(&n), "nothing can be shown there");
    struct release_margin none = {.stats = 1, .first = true, .tables = 1};
    release_protect(&r, &none);
    ok(none.total.why == RELEASE_SMALL, "no cells at all");
}

int main(void)
{
    test_by_hand();
    test_neighbour();
    test_shared_margin();
    test_worlds(4000);
    return tap_done();
}
