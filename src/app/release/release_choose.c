/* From what was counted to what is shown: view/release.h decides. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/release/release_choose.h"
#include "base/mem.h"

/* One table as it is decided on: what was counted, and rows of the last release that have nothing
 * any more. */
struct choice {
    struct release_cell *cell;
    const char **key;
    size_t n;
};

static bool same_rule(const struct release_doc *a, const struct release_doc *b)
{
    return a->rule.minimum == b->rule.minimum && a->rule.round == b->rule.round;
}

/* Numbers that came from other thresholds are not gone on with; that they were shown is known. */
static void set_last(struct release_cell *c, const struct release_row *last, bool same)
{
    if (!last)
        return;
    c->listed = true;
    c->was_shown = last->shown && same;
    memcpy(c->was, last->n, sizeof c->was);
}

/* A row of a release by its key. */
typedef const struct release_row *pick_row(const struct release_doc *d, const char *key);

static const struct release_row *pick_day(const struct release_doc *d, const char *key)
{
    return release_rows_find(&d->days, key);
}

static const struct release_row *pick_country(const struct release_doc *d, const char *key)
{
    return release_rows_find(&d->countries, key);
}

static const struct release_row *pick_family(const struct release_doc *d, const char *key)
{
    return release_rows_find(&d->families, key);
}

static const struct release_row *pick_week(const struct release_doc *d, const char *key)
{
    (void)key;
    return &d->week;
}

/* Each statistic goes on from what is nearest of all that was ever published of it under these
 * thresholds: so any two releases say the same of a cell, or differ by enough (release_keep), not
 * only two that follow each other. */
static void go_on(struct release_cell *c, const struct release_past *past,
                  const struct release_doc *doc, pick_row *pick, const char *key)
{
    for (size_t i = 1; c->was_shown && i < past->n; i++) {
        const struct release_row *row = same_rule(&past->v[i], doc) ? pick(&past->v[i], key) : NULL;
        for (unsigned s = 0; row && row->shown && s < RELEASE_STATS_MAX; s++) {
            uint64_t now = release_rounded(&doc->rule, c->count[s].value);
            if (release_distance(row->n[s].value, now) < release_distance(c->was[s].value, now))
                c->was[s] = row->n[s];
        }
    }
}

static void all_go_on(struct choice *c, const struct release_past *past,
                      const struct release_doc *doc, pick_row *pick)
{
    for (size_t i = 0; i < c->n; i++)
        go_on(&c->cell[i], past, doc, pick, c->key[i]);
}

static struct choice choose_from(const struct release_counts *counts,
                                 const struct release_rows *last, bool same, bool keep_gone)
{
    size_t most = counts->n + (last ? last->n : 0);
    struct choice c = {mem_zeroed(most, sizeof *c.cell), mem_zeroed(most, sizeof *c.key), 0};
    for (size_t i = 0; i < counts->n; i++) {
        struct release_cell *cell = &c.cell[c.n];
        memcpy(cell->count, counts->v[i].n, sizeof cell->count);
        set_last(cell, last ? release_rows_find(last, counts->v[i].key) : NULL, same);
        c.key[c.n++] = counts->v[i].key;
    }
    for (size_t i = 0; last && keep_gone && i < last->n; i++) {
        bool there = false;
        for (size_t k = 0; k < counts->n && !there; k++)
            there = strcmp(counts->v[k].key, last->v[i].key) == 0;
        if (there)
            continue;
        set_last(&c.cell[c.n], &last->v[i], same);
        c.key[c.n++] = last->v[i].key;
    }
    return c;
}

static void choice_free(struct choice *c)
{
    free(c->cell);
    free(c->key);
}

static void set_row(struct release_row *row, const struct release_cell *c)
{
    row->shown = c->why == RELEASE_SHOWN;
    if (row->shown)
        memcpy(row->n, c->shown, sizeof row->n);
}

static void set_rows(struct release_rows *rows, const struct choice *c, bool suppressed)
{
    for (size_t i = 0; i < c->n; i++)
        if (suppressed || c->cell[i].why == RELEASE_SHOWN)
            set_row(release_rows_add(rows, span_str(c->key[i])), &c->cell[i]);
}

/* Most first as it is shown: the order must not say more than the numbers. */
static int cmp_row(const void *a, const void *b)
{
    const struct release_row *x = a, *y = b;
    if (x->shown != y->shown)
        return x->shown ? -1 : 1;
    if (x->shown && x->n[0].value != y->n[0].value)
        return x->n[0].value > y->n[0].value ? -1 : 1;
    return strcmp(x->key, y->key);
}

static void sort_rows(struct release_rows *rows)
{
    if (rows->n)
        qsort(rows->v, rows->n, sizeof *rows->v, cmp_row);
}

/* ---- the tables ---- */

/* Days: no host twice on a day, but on several days: at most the range's, together at least. */
static void choose_days(const struct release_figures *f, const struct release_past *past,
                        struct release_doc *doc)
{
    const struct release_doc *last = past->n ? past->v : NULL;
    bool same = last && same_rule(last, doc), again = last && last->since == doc->since;
    struct choice days = choose_from(&f->days, last ? &last->days : NULL, same, false);
    all_go_on(&days, past, doc, pick_day);
    struct release_margin m = {.stats = RELEASE_DAY_STATS,
                               .first = !last,
                               .table = {{days.cell, days.n, false}},
                               .tables = 1};
    m.total.count[RELEASE_INFECTED] = m.total.count[RELEASE_HOSTS] = f->range[RELEASE_WEEK_HOSTS];
    m.total.count[RELEASE_ADDRESSES] = f->range[RELEASE_WEEK_ADDRESSES];
    if (again) {
        set_last(&m.total, &last->range, same);
        m.total.was[RELEASE_ADDRESSES] = last->range.n[RELEASE_WEEK_ADDRESSES];
        m.total.was[RELEASE_INFECTED] = m.total.was[RELEASE_HOSTS] =
            last->range.n[RELEASE_WEEK_HOSTS];
    }
    release_protect(&doc->rule, &m);
    set_rows(&doc->days, &days, true);
    doc->range.shown = m.total.why == RELEASE_SHOWN;
    if (doc->range.shown) {
        doc->range.n[RELEASE_WEEK_HOSTS] = m.total.shown[RELEASE_HOSTS];
        doc->range.n[RELEASE_WEEK_ADDRESSES] = m.total.shown[RELEASE_ADDRESSES];
    }
    choice_free(&days);
}

/* Families that are not shown have no name in a release: names come from feeds. So all that were
 * not shown may have been there. */
static void set_families(struct choice *families, const struct release_doc *last)
{
    for (size_t i = 0; last && i < families->n; i++)
        if (!families->cell[i].was_shown && last->families_suppressed)
            families->cell[i].listed = true;
}

static void choose_week(const struct release_figures *f, const struct release_past *past,
                        struct release_doc *doc)
{
    const struct release_doc *last = past->n ? past->v : NULL;
    bool same = last && same_rule(last, doc);
    struct choice countries =
        choose_from(&f->countries, last ? &last->countries : NULL, same, true);
    struct choice families = choose_from(&f->families, last ? &last->families : NULL, same, true);
    struct release_margin m = {
        .stats = RELEASE_WEEK_STATS,
        .first = !last,
        .table = {{countries.cell, countries.n, true}, {families.cell, families.n, true}},
        .tables = 2};
    set_families(&families, last);
    memcpy(m.total.count, f->week, sizeof f->week);
    set_last(&m.total, last ? &last->week : NULL, same);
    all_go_on(&countries, past, doc, pick_country);
    all_go_on(&families, past, doc, pick_family);
    go_on(&m.total, past, doc, pick_week, "");
    release_protect(&doc->rule, &m);
    set_row(&doc->week, &m.total);
    set_rows(&doc->countries, &countries, true);
    set_rows(&doc->families, &families, false);
    doc->families_suppressed = families.n - doc->families.n;
    sort_rows(&doc->countries);
    sort_rows(&doc->families);
    choice_free(&countries);
    choice_free(&families);
}

/* It is of hundreds of hosts, or it is not said. */
static void choose_half_life(const struct release_figures *f, struct release_doc *doc)
{
    doc->half_life = f->half_life;
    if (doc->range.shown && doc->days.n && doc->days.v[0].shown)
        return;
    doc->half_life = (struct release_half_life){.days = NAN, .low = NAN, .high = NAN};
    snprintf(doc->half_life.why, sizeof doc->half_life.why, "suppressed");
}

void release_past_free(struct release_past *p)
{
    for (size_t i = 0; i < p->n; i++)
        release_doc_free(&p->v[i]);
    free(p->v);
    *p = (struct release_past){0};
}

void release_choose(const struct release_figures *f, const struct release_past *past,
                    struct release_doc *doc)
{
    choose_days(f, past, doc);
    choose_week(f, past, doc);
    choose_half_life(f, doc);
    doc->spam = f->spam;
    doc->spam.v = mem_zeroed(f->spam.n, sizeof *doc->spam.v);
    if (f->spam.n)
        memcpy(doc->spam.v, f->spam.v, f->spam.n * sizeof *doc->spam.v);
}
