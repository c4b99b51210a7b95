#include "app/release/release_doc.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/utc.h"

/* ---- writing ---- */

static void put_date(struct json *j, const char *key, int32_t day)
{
    char text[UTC_TEXT_MAX];
    json_key(j, key);
    json_span(j, span_of(text, utc_format_date((int64_t)day * UTC_DAY, text)));
}

static void put_uint(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

static void put_double(struct json *j, const char *key, double v, int decimals)
{
    json_key(j, key);
    json_double(j, v, decimals);
}

static void put_entry(struct json *j, const char *key, uint64_t entry)
{
    json_key(j, key);
    if (entry)
        json_uint(j, entry);
    else
        json_null(j);
}

static const char *const day_stats[] = {"infected", "hosts", "addresses"};
static const char *const week_stats[] = {"hosts", "addresses"};

/* Numbers, or that they are suppressed. Addresses are counted, not estimated: no interval. */
static void put_numbers(struct json *j, const struct release_row *r, const char *const *stats,
                        unsigned n)
{
    char key[32];
    if (!r->shown) {
        json_key(j, "suppressed");
        json_bool(j, true);
    }
    for (unsigned q = 0; r->shown && q < n; q++) {
        put_uint(j, stats[q], r->n[q].value);
        if (q + 1 == n)
            break;
        snprintf(key, sizeof key, "%s_low", stats[q]);
        put_uint(j, key, r->n[q].low);
        snprintf(key, sizeof key, "%s_high", stats[q]);
        put_uint(j, key, r->n[q].high);
    }
}

static void put_rows(struct json *j, const char *name, const char *key,
                     const struct release_rows *rows, const char *const *stats, unsigned n)
{
    json_key(j, name);
    json_array(j);
    for (size_t i = 0; i < rows->n; i++) {
        json_object(j);
        json_key(j, key);
        if (rows->v[i].key[0])
            json_str(j, rows->v[i].key);
        else
            json_null(j);
        put_numbers(j, &rows->v[i], stats, n);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_rule(struct json *j, const struct release_rule *rule)
{
    json_key(j, "rule");
    json_object(j);
    put_uint(j, "minimum", rule->minimum);
    put_uint(j, "round", rule->round);
    put_uint(j, "keep", release_keep(rule));
    put_uint(j, "enter", release_enter(rule));
    json_object_end(j);
}

static void put_log(struct json *j, const struct release_doc *d)
{
    json_key(j, "log");
    json_object(j);
    json_key(j, "origin");
    json_str(j, d->origin);
    put_uint(j, "size", d->size);
    json_key(j, "root");
    json_hex(j, d->root, SHA256_LEN);
    json_object_end(j);
}

static void put_half_life(struct json *j, const struct release_half_life *h)
{
    json_key(j, "half_life");
    json_object(j);
    put_double(j, "days", h->days, 1);
    put_double(j, "low", h->low, 1);
    put_double(j, "high", h->high, 1);
    json_key(j, "high_open"); /* the interval has no end */
    json_bool(j, isinf(h->high));
    json_key(j, "why");
    if (h->why[0])
        json_str(j, h->why);
    else
        json_null(j);
    json_object_end(j);
}

static void put_impact(struct json *j, const struct release_spam *s)
{
    json_key(j, "impact");
    if (!s->impact) {
        json_null(j);
        return;
    }
    json_object(j);
    put_uint(j, "days_before", s->before);
    put_uint(j, "days_after", s->after);
    put_double(j, "change", s->change, 0);
    put_double(j, "change_low", s->low, 0);
    put_double(j, "change_high", s->high, 0);
    json_object_end(j);
}

static void put_spam(struct json *j, const struct release_spam *s)
{
    json_key(j, "spam");
    if (!s->there) {
        json_null(j);
        return;
    }
    json_object(j);
    put_date(j, "baseline", s->baseline);
    put_uint(j, "sensors", s->sensors);
    json_key(j, "days");
    json_array(j);
    for (size_t i = 0; i < s->n; i++) {
        json_object(j);
        put_date(j, "date", s->v[i].day);
        if (s->v[i].shown) {
            put_double(j, "index", s->v[i].index, 0);
            put_double(j, "index_low", s->v[i].low, 0);
            put_double(j, "index_high", s->v[i].high, 0);
        } else {
            json_key(j, "suppressed");
            json_bool(j, true);
        }
        json_object_end(j);
    }
    json_array_end(j);
    put_impact(j, s);
    json_object_end(j);
}

/* What is counted, and what was done to it: keys of the pages' words (progress.what.KEY), and of
 * doc/release.md. */
static void put_what(struct json *j)
{
    static const char *const keys[] = {"infected",   "hosts",    "addresses",
                                       "countries",  "families", "spam",
                                       "suppressed", "rounded",  "kept"};
    json_key(j, "what");
    json_array(j);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_str(j, keys[i]);
    json_array_end(j);
}

static void put_week(struct json *j, const struct release_doc *d)
{
    json_key(j, "week");
    json_object(j);
    put_date(j, "since", d->week_since);
    put_date(j, "until", d->until);
    put_numbers(j, &d->week, week_stats, RELEASE_WEEK_STATS);
    json_object_end(j);
    put_rows(j, "countries", "country", &d->countries, week_stats, RELEASE_WEEK_STATS);
    put_rows(j, "families", "family", &d->families, week_stats, RELEASE_WEEK_STATS);
    put_uint(j, "families_suppressed", d->families_suppressed);
}

void release_doc_write(const struct release_doc *d, struct buf *out)
{
    struct json j = json_to(out);
    json_object(&j);
    json_key(&j, "format");
    json_str(&j, RELEASE_FORMAT);
    put_date(&j, "since", d->since);
    put_date(&j, "until", d->until);
    if (d->has_takedown) {
        put_date(&j, "takedown", d->takedown);
    } else {
        json_key(&j, "takedown");
        json_null(&j);
    }
    put_rule(&j, &d->rule);
    put_log(&j, d);
    put_entry(&j, "previous", d->previous);
    put_entry(&j, "replaces", d->replaces);
    json_key(&j, "range");
    json_object(&j);
    put_numbers(&j, &d->range, week_stats, RELEASE_WEEK_STATS);
    json_object_end(&j);
    put_half_life(&j, &d->half_life);
    put_rows(&j, "days", "date", &d->days, day_stats, RELEASE_DAY_STATS);
    put_week(&j, d);
    put_spam(&j, &d->spam);
    put_what(&j);
    json_object_end(&j);
    json_newline(&j);
}

bool release_doc_same(const struct release_doc *a, const struct release_doc *b)
{
    struct release_doc x = *a, y = *b;
    struct buf s = {0}, t = {0};
    x.size = y.size = x.previous = y.previous = x.replaces = y.replaces = 0;
    memset(x.root, 0, sizeof x.root);
    memset(y.root, 0, sizeof y.root);
    release_doc_write(&x, &s);
    release_doc_write(&y, &t);
    bool same = span_eq(buf_as_span(&s), buf_as_span(&t));
    buf_free(&s);
    buf_free(&t);
    return same;
}
