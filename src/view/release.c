#include "view/release.h"

/* ---- numbers ---- */

static uint64_t add(uint64_t a, uint64_t b)
{
    return a >= RELEASE_MANY - b || b >= RELEASE_MANY ? RELEASE_MANY : a + b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

uint64_t release_rounded(const struct release_rule *rule, uint64_t value)
{
    return (value + rule->round / 2) / rule->round * rule->round;
}

uint64_t release_keep(const struct release_rule *rule)
{
    return rule->round * (1 + (rule->minimum + rule->round - 1) / rule->round);
}

uint64_t release_enter(const struct release_rule *rule)
{
    return 2 * rule->minimum;
}

uint64_t release_distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The last number, where the count is near enough to it. */
static bool is_kept(const struct release_rule *rule, const struct release_cell *c, unsigned stat)
{
    return c->was_shown && release_distance(release_rounded(rule, c->count[stat].value),
                                            c->was[stat].value) < release_keep(rule);
}

static void show_number(const struct release_rule *rule, struct release_cell *c, unsigned stat)
{
    const struct release_number *x = &c->count[stat];
    if (is_kept(rule, c, stat)) {
        c->shown[stat] = c->was[stat];
        return;
    }
    uint64_t value = release_rounded(rule, x->value);
    uint64_t low = x->low / rule->round * rule->round;
    uint64_t high = (x->high + rule->round - 1) / rule->round * rule->round;
    c->shown[stat] =
        (struct release_number){value, low < value ? low : value, high > value ? high : value};
}

/* ---- what is small by itself ---- */

static bool is_below(uint64_t limit, const struct release_cell *c, unsigned stats)
{
    for (unsigned q = 0; q < stats; q++)
        if (c->count[q].value < limit)
            return true;
    return false;
}

static bool is_entering(const struct release_rule *rule, const struct release_margin *m,
                        const struct release_cell *c)
{
    return !m->first && !c->was_shown && is_below(release_enter(rule), c, m->stats);
}

static void judge(const struct release_rule *rule, const struct release_margin *m,
                  struct release_cell *c)
{
    c->why = is_below(rule->minimum, c, m->stats) ? RELEASE_SMALL : RELEASE_SHOWN;
    for (unsigned q = 0; q < m->stats; q++)
        show_number(rule, c, q);
}

/* ---- the attacker ---- */

/* Who is decided against here knows more than is published: of every number, what a new one would
 * say; of every suppressed cell, whether it is small. So what is withheld does not depend on what
 * was kept, and the same counts give the same pattern again. */

struct bounds {
    uint64_t low, high; /* both included */
};

/* What a new number says of its count. */
static struct bounds rounding_of(const struct release_rule *rule, uint64_t count)
{
    uint64_t half = rule->round / 2, v = release_rounded(rule, count);
    struct bounds b = {less(v, half), v + rule->round - 1 - half};
    b.low = b.low < rule->minimum ? rule->minimum : b.low;
    return b;
}

/* `most`: of those that are shown, the smallest, at most. Cells are taken along in an order that
 * everybody knows, the smallest first. */
static struct bounds bounds_of(const struct release_rule *rule, const struct release_cell *c,
                               unsigned stat, uint64_t most)
{
    uint64_t count = c->count[stat].value;
    if (c->why != RELEASE_SHOWN && count < rule->minimum)
        return (struct bounds){count > 0, rule->minimum - 1};
    struct bounds b = rounding_of(rule, count);
    if (c->why == RELEASE_SHOWN)
        return b;
    return (struct bounds){rule->minimum, b.high > most ? b.high : most};
}

/* A table's bounds, summed. */
struct sums {
    uint64_t low, high;
    size_t open; /* cells without an upper bound: `high` is without them */
    uint64_t most;
};

static struct sums sums_of(const struct release_rule *rule, const struct release_table *t,
                           unsigned stat)
{
    struct sums s = {.most = RELEASE_MANY};
    for (size_t i = 0; i < t->n; i++)
        if (t->cell[i].why == RELEASE_SHOWN) {
            uint64_t high = rounding_of(rule, t->cell[i].count[stat].value).high;
            s.most = high < s.most ? high : s.most;
        }
    for (size_t i = 0; i < t->n; i++) {
        struct bounds b = bounds_of(rule, &t->cell[i], stat, s.most);
        s.low = add(s.low, b.low);
        if (b.high == RELEASE_MANY)
            s.open++;
        else
            s.high = add(s.high, b.high);
    }
    return s;
}

/* What distinct counts of days say of each other is said for good, also when a day that was taken
 * along is shown later: they are bound by what they would show. */
static struct sums sums_of_days(const struct release_rule *rule, const struct release_table *t,
                                unsigned stat)
{
    struct sums s = {0};
    for (size_t i = 0; i < t->n; i++)
        s.high = add(s.high, bounds_of(rule, &t->cell[i], stat, 0).high);
    return s;
}

static void learn(struct bounds *b, uint64_t low, uint64_t high)
{
    b->low = low > b->low ? low : b->low;
    b->high = high < b->high ? high : b->high;
}

/* What the total is told to be, by itself and by each table that adds up to it. */
static struct bounds total_of(const struct release_rule *rule, const struct release_margin *m,
                              unsigned stat)
{
    struct bounds total = {0, RELEASE_MANY};
    if (m->total.why == RELEASE_SHOWN)
        total = rounding_of(rule, m->total.count[stat].value);
    for (size_t t = 0; t < m->tables; t++) {
        if (!m->table[t].additive)
            continue;
        struct sums s = sums_of(rule, &m->table[t], stat);
        learn(&total, s.low, s.open ? RELEASE_MANY : s.high);
    }
    return total;
}

/* One cell's bounds by the total and the table's other cells. */
static struct bounds told_of(struct bounds own, const struct bounds *total,
                             const struct release_table *t, const struct sums *s)
{
    bool open = own.high == RELEASE_MANY;
    uint64_t others_low = less(s->low, own.low);
    uint64_t others_high = open ? s->high : less(s->high, own.high);
    bool others_open = s->open > open;
    learn(&own, others_open ? 0 : less(total->low, others_high),
          t->additive ? less(total->high, others_low) : total->high);
    return own;
}

/* Nothing more may be told of a small cell than that it is small. */
static bool is_protected(const struct release_rule *rule, const struct bounds *b)
{
    return b->low <= 1 && b->high >= rule->minimum - 1;
}

static bool table_holds(const struct release_rule *rule, const struct release_table *t,
                        unsigned stat, const struct bounds *total)
{
    struct sums s = t->additive ? sums_of(rule, t, stat) : sums_of_days(rule, t, stat);
    for (size_t i = 0; i < t->n; i++) {
        const struct release_cell *c = &t->cell[i];
        if (c->why == RELEASE_SHOWN || c->count[stat].value >= rule->minimum)
            continue;
        struct bounds b = told_of(bounds_of(rule, c, stat, s.most), total, t, &s);
        if (!is_protected(rule, &b))
            return false;
    }
    return true;
}

/* ---- taking along ---- */

/* The suppressed cells are none, or at least two that hold the minimum together. */
static bool is_enough(const struct release_rule *rule, const struct release_table *t,
                      unsigned stats)
{
    uint64_t sum[RELEASE_STATS_MAX] = {0};
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        n += t->cell[i].why != RELEASE_SHOWN;
        for (unsigned q = 0; q < stats && t->cell[i].why != RELEASE_SHOWN; q++)
            sum[q] = add(sum[q], t->cell[i].count[q].value);
    }
    for (unsigned q = 0; q < stats && n; q++)
        if (sum[q] < rule->minimum)
            return false;
    return n != 1;
}

/* Those that were suppressed last time. */
static bool take_along_again(struct release_table *t)
{
    bool some = false;
    for (size_t i = 0; i < t->n; i++) {
        struct release_cell *c = &t->cell[i];
        if (c->why == RELEASE_SHOWN && c->listed && !c->was_shown) {
            c->why = RELEASE_ALONG;
            some = true;
        }
    }
    return some;
}

/* More is suppressed; false when all is. First all that was suppressed last time: had one been
 * taken along then and another now, both would have been shown once. Then the smallest. */
static bool take_along(struct release_table *t)
{
    struct release_cell *best = NULL;
    if (take_along_again(t))
        return true;
    for (size_t i = 0; i < t->n; i++) {
        struct release_cell *c = &t->cell[i];
        if (c->why == RELEASE_SHOWN && (!best || c->count[0].value < best->count[0].value))
            best = c;
    }
    if (best)
        best->why = RELEASE_ALONG;
    return best != NULL;
}

static struct release_table *first_failing(const struct release_rule *rule,
                                           struct release_margin *m)
{
    for (unsigned q = 0; q < m->stats; q++) {
        struct bounds total = total_of(rule, m, q);
        for (size_t t = 0; t < m->tables; t++)
            if (!table_holds(rule, &m->table[t], q, &total))
                return &m->table[t];
    }
    return NULL;
}

/* More is withheld, first in the table that does not hold: true when something was. */
static bool withhold(struct release_margin *m, struct release_table *t)
{
    if (t->additive && take_along(t))
        return true;
    if (m->total.why == RELEASE_SHOWN) {
        m->total.why = RELEASE_ALONG;
        return true;
    }
    for (size_t i = 0; i < m->tables; i++)
        if (m->table[i].additive && take_along(&m->table[i]))
            return true;
    return false;
}

/* Who is entering is not shown yet, but nobody is hidden behind them either: whether the small ones
 * need others is decided as if they were shown. Else they would take the place of those that were
 * taken along. */
static void hide_entering(const struct release_rule *rule, struct release_margin *m)
{
    for (size_t i = 0; i < m->tables; i++) {
        struct release_table *t = &m->table[i];
        for (size_t c = 0; c < t->n; c++)
            if (t->cell[c].why == RELEASE_SHOWN && is_entering(rule, m, &t->cell[c]))
                t->cell[c].why = RELEASE_ENTERING;
        while (!is_enough(rule, t, m->stats) && take_along(t))
            ;
    }
}

void release_protect(const struct release_rule *rule, struct release_margin *m)
{
    struct release_table *t;
    judge(rule, m, &m->total);
    if (m->total.why == RELEASE_SHOWN && is_entering(rule, m, &m->total))
        m->total.why = RELEASE_ENTERING;
    for (size_t i = 0; i < m->tables; i++) {
        t = &m->table[i];
        for (size_t c = 0; c < t->n; c++)
            judge(rule, m, &t->cell[c]);
        while (!is_enough(rule, t, m->stats) && take_along(t))
            ;
    }
    while ((t = first_failing(rule, m)) && withhold(m, t))
        ;
    hide_entering(rule, m);
}
