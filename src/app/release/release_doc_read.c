/* Reading a release's document: whatever bytes are in the blob, what comes out is within limits. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/release/release_doc.h"
#include "base/utc.h"

#define COUNT_MAX (1ull << 48)
#define RULE_MAX  (1u << 20) /* the config has less */

struct reader {
    bool bad;
    char what[32]; /* the first member that is not as it should be */
};

static void fail(struct reader *r, const char *what)
{
    if (!r->bad)
        snprintf(r->what, sizeof r->what, "%s", what);
    r->bad = true;
}

static uint64_t get_uint(struct reader *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < 0 || (uint64_t)n > COUNT_MAX) {
        fail(r, key);
        return 0;
    }
    return (uint64_t)n;
}

/* An entry's index, or null. */
static uint64_t get_entry(struct reader *r, const json_t *o, const char *key)
{
    return json_is_null(json_object_get(o, key)) ? 0 : get_uint(r, o, key);
}

/* NaN for null. */
static double get_double(struct reader *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (json_is_null(v))
        return NAN;
    if (!json_is_number(v) || fabs(json_number_value(v)) > 1e12)
        fail(r, key);
    return json_number_value(v);
}

static struct span get_text(struct reader *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_string(v)) {
        fail(r, key);
        return span_str("");
    }
    return span_of(json_string_value(v), json_string_length(v));
}

static int32_t date_of(struct reader *r, struct span text, const char *what)
{
    int64_t time = 0;
    if (text.n != 10 || !utc_parse(text, &time) || time < UTC_EVENT_MIN || time > UTC_EVENT_MAX)
        fail(r, what);
    return utc_day(time);
}

static int32_t get_date(struct reader *r, const json_t *o, const char *key)
{
    return date_of(r, get_text(r, o, key), key);
}

static void copy_text(char *out, size_t size, struct span s)
{
    size_t n = s.n < size ? s.n : size - 1;
    memcpy(out, s.p, n);
    out[n] = 0;
}

static void get_numbers(struct reader *r, const json_t *o, struct release_row *row,
                        const char *const *stats, unsigned n)
{
    char key[32];
    row->shown = !json_is_true(json_object_get(o, "suppressed"));
    for (unsigned q = 0; row->shown && q < n; q++) {
        uint64_t v = get_uint(r, o, stats[q]);
        row->n[q] = (struct release_number){v, v, v};
        if (q + 1 == n)
            break;
        snprintf(key, sizeof key, "%s_low", stats[q]);
        row->n[q].low = get_uint(r, o, key);
        snprintf(key, sizeof key, "%s_high", stats[q]);
        row->n[q].high = get_uint(r, o, key);
        if (row->n[q].low > v || row->n[q].high < v)
            fail(r, stats[q]);
    }
}

static void get_rows(struct reader *r, const json_t *o, const char *name, const char *key,
                     struct release_rows *rows, const char *const *stats, unsigned n)
{
    const json_t *list = json_object_get(o, name), *item;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) > RELEASE_ROWS_MAX) {
        fail(r, name);
        return;
    }
    json_array_foreach(list, i, item)
    {
        bool none = json_is_null(json_object_get(item, key));
        struct span text = none ? span_str("") : get_text(r, item, key);
        if (text.n >= RELEASE_KEY_MAX || memchr(text.p, 0, text.n))
            fail(r, key);
        get_numbers(r, item, release_rows_add(rows, text), stats, n);
    }
}

static void get_half_life(struct reader *r, const json_t *o, struct release_half_life *h)
{
    h->days = get_double(r, o, "days");
    h->low = get_double(r, o, "low");
    h->high = json_is_true(json_object_get(o, "high_open")) ? INFINITY : get_double(r, o, "high");
    if (!json_is_null(json_object_get(o, "why")))
        copy_text(h->why, sizeof h->why, get_text(r, o, "why"));
}

static void get_spam_days(struct reader *r, const json_t *o, struct release_spam *s)
{
    const json_t *list = json_object_get(o, "days"), *item;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) > RELEASE_ROWS_MAX) {
        fail(r, "spam.days");
        return;
    }
    s->v = calloc(json_array_size(list) + 1, sizeof *s->v);
    if (!s->v)
        abort();
    json_array_foreach(list, i, item)
    {
        struct release_spam_day *d = &s->v[s->n++];
        d->day = get_date(r, item, "date");
        d->shown = !json_is_true(json_object_get(item, "suppressed"));
        d->index = d->shown ? get_double(r, item, "index") : NAN;
        d->low = d->shown ? get_double(r, item, "index_low") : NAN;
        d->high = d->shown ? get_double(r, item, "index_high") : NAN;
        if (d->shown && !(d->index >= 0))
            fail(r, "index");
    }
}

static void get_spam(struct reader *r, const json_t *o, struct release_spam *s)
{
    const json_t *impact = json_object_get(o, "impact");
    s->there = json_is_object(o);
    if (!s->there) {
        if (!json_is_null(o))
            fail(r, "spam");
        return;
    }
    s->baseline = get_date(r, o, "baseline");
    s->sensors = get_uint(r, o, "sensors");
    get_spam_days(r, o, s);
    s->impact = json_is_object(impact);
    if (!s->impact)
        return;
    s->before = get_uint(r, impact, "days_before");
    s->after = get_uint(r, impact, "days_after");
    s->change = get_double(r, impact, "change");
    s->low = get_double(r, impact, "change_low");
    s->high = get_double(r, impact, "change_high");
}

static void get_log(struct reader *r, const json_t *o, struct release_doc *d)
{
    struct span root = get_text(r, o, "root");
    copy_text(d->origin, sizeof d->origin, get_text(r, o, "origin"));
    d->size = get_uint(r, o, "size");
    if (!hex_decode(root, d->root, SHA256_LEN))
        fail(r, "root");
}

static void get_all(struct reader *r, const json_t *o, struct release_doc *d)
{
    static const char *const day_stats[] = {"infected", "hosts", "addresses"};
    static const char *const week_stats[] = {"hosts", "addresses"};
    const json_t *rule = json_object_get(o, "rule"), *week = json_object_get(o, "week");
    if (!span_is(get_text(r, o, "format"), RELEASE_FORMAT))
        fail(r, "format");
    d->since = get_date(r, o, "since");
    d->until = get_date(r, o, "until");
    d->has_takedown = !json_is_null(json_object_get(o, "takedown"));
    d->takedown = d->has_takedown ? get_date(r, o, "takedown") : 0;
    d->rule = (struct release_rule){get_uint(r, rule, "minimum"), get_uint(r, rule, "round")};
    if (!d->rule.minimum || !d->rule.round || d->rule.minimum > RULE_MAX ||
        d->rule.round > RULE_MAX)
        fail(r, "rule");
    get_log(r, json_object_get(o, "log"), d);
    d->previous = get_entry(r, o, "previous");
    d->replaces = get_entry(r, o, "replaces");
    get_numbers(r, json_object_get(o, "range"), &d->range, week_stats, RELEASE_WEEK_STATS);
    get_half_life(r, json_object_get(o, "half_life"), &d->half_life);
    get_rows(r, o, "days", "date", &d->days, day_stats, RELEASE_DAY_STATS);
    for (size_t i = 0; i < d->days.n; i++)
        date_of(r, span_str(d->days.v[i].key), "date");
    d->week_since = get_date(r, week, "since");
    get_numbers(r, week, &d->week, week_stats, RELEASE_WEEK_STATS);
    get_rows(r, o, "countries", "country", &d->countries, week_stats, RELEASE_WEEK_STATS);
    get_rows(r, o, "families", "family", &d->families, week_stats, RELEASE_WEEK_STATS);
    d->families_suppressed = get_uint(r, o, "families_suppressed");
    get_spam(r, json_object_get(o, "spam"), &d->spam);
}

int release_doc_read(struct span text, struct release_doc *out, struct err *err)
{
    struct reader r = {0};
    json_error_t why;
    memset(out, 0, sizeof *out);
    if (text.n > RELEASE_DOC_MAX)
        return err_set(err, -EBADMSG, "a release's document of %zu bytes", text.n);
    json_t *o = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &why);
    if (!o)
        return err_set(err, -EBADMSG, "a release's document that is no JSON: %s", why.text);
    get_all(&r, o, out);
    json_decref(o);
    return r.bad ? err_set(err, -EBADMSG, "a release's document with a wrong \"%s\"", r.what) : 0;
}
