#include "app/release/release_table.h"

#include <math.h>

#include "base/utc.h"

#define INTERVAL(key, title)                                                                       \
    {key, title, TABLE_COUNT}, {key "_low", "low", TABLE_COUNT},                                   \
    {                                                                                              \
        key "_high", "high", TABLE_COUNT                                                           \
    }

static const struct table_column columns[] = {
    {"table", "", TABLE_WORDS},
    {"key", "of", TABLE_WORDS},
    INTERVAL("infected", "infected"),
    INTERVAL("hosts", "hosts"),
    {"addresses", "addresses", TABLE_COUNT},
    INTERVAL("index", "index"),
    {"suppressed", "", TABLE_WORDS},
    {0},
};

enum { NUMBERS = 10 }; /* cells between the key and "suppressed" */

static void put_number(struct table *t, const struct release_number *x)
{
    table_uint(t, x->value);
    table_uint(t, x->low);
    table_uint(t, x->high);
}

static void put_empty(struct table *t, unsigned n)
{
    while (n--)
        table_empty(t);
}

static void put_end(struct table *t, bool suppressed)
{
    if (suppressed)
        table_str(t, "suppressed");
    else
        table_empty(t);
    table_row_end(t);
}

/* `stats`: of a day three, else two. */
static void put_row(struct table *t, const char *table, const char *key,
                    const struct release_row *r, unsigned stats)
{
    bool day = stats == RELEASE_DAY_STATS;
    table_str(t, table);
    table_str(t, key);
    if (!r->shown) {
        put_empty(t, NUMBERS);
        put_end(t, true);
        return;
    }
    if (day)
        put_number(t, &r->n[RELEASE_INFECTED]);
    else
        put_empty(t, 3);
    put_number(t, &r->n[day ? (unsigned)RELEASE_HOSTS : (unsigned)RELEASE_WEEK_HOSTS]);
    table_uint(t, r->n[stats - 1].value);
    put_empty(t, 3);
    put_end(t, false);
}

static void put_rows(struct table *t, const char *table, const char *none,
                     const struct release_rows *rows, unsigned stats)
{
    for (size_t i = 0; i < rows->n; i++)
        put_row(t, table, rows->v[i].key[0] ? rows->v[i].key : none, &rows->v[i], stats);
}

static void put_index(struct table *t, const char *table, const char *key, bool shown, double v,
                      double low, double high)
{
    table_str(t, table);
    table_str(t, key);
    put_empty(t, 7);
    table_double(t, shown ? v : NAN, 0);
    table_double(t, shown ? low : NAN, 0);
    table_double(t, shown ? high : NAN, 0);
    put_end(t, !shown);
}

static void put_spam(struct table *t, const struct release_spam *s)
{
    for (size_t i = 0; i < s->n; i++) {
        char date[UTC_TEXT_MAX];
        date[utc_format_date((int64_t)s->v[i].day * UTC_DAY, date)] = 0;
        put_index(t, "spam", date, s->v[i].shown, s->v[i].index, s->v[i].low, s->v[i].high);
    }
    if (s->impact)
        put_index(t, "spam change %", "takedown", true, s->change, s->low, s->high);
}

static void put_half_life(struct table *t, const struct release_half_life *h)
{
    table_str(t, "half-life (days)");
    table_str(t, h->why[0] ? h->why : "all families");
    put_empty(t, 3);
    table_double(t, h->days, 1);
    table_double(t, h->low, 1);
    table_double(t, h->high, 1);
    put_empty(t, 4);
    put_end(t, false);
}

int release_table_print(const struct release_doc *d, enum table_shape shape, FILE *out)
{
    char since[UTC_TEXT_MAX];
    struct table *t = table_open(shape, columns, out);
    since[utc_format_date((int64_t)d->since * UTC_DAY, since)] = 0;
    put_rows(t, "day", "", &d->days, RELEASE_DAY_STATS);
    put_row(t, "range", since, &d->range, RELEASE_WEEK_STATS);
    put_half_life(t, &d->half_life);
    since[utc_format_date((int64_t)d->week_since * UTC_DAY, since)] = 0;
    put_row(t, "week", since, &d->week, RELEASE_WEEK_STATS);
    put_rows(t, "country", "not known", &d->countries, RELEASE_WEEK_STATS);
    put_rows(t, "family", "others", &d->families, RELEASE_WEEK_STATS);
    if (d->families_suppressed) {
        char text[40];
        const struct release_row none = {0};
        snprintf(text, sizeof text, "%llu more", (unsigned long long)d->families_suppressed);
        put_row(t, "family", text, &none, RELEASE_WEEK_STATS);
    }
    put_spam(t, &d->spam);
    return table_close(t);
}
