/* ebb case asset coverage: days of the lists, and what is not seized of them */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "base/mem.h"

#define DAYS_MAX     3660 /* of one report */
#define FAMILIES_MAX 1024

/* Names that are seized, or missing, on the days from first to before last. A count below 0 takes
 * back. */
struct piece {
    const struct casebook_days *of;
    int64_t names;
    int32_t first, last;
    bool seized;
};

struct coverage {
    struct casedir c;
    uint64_t order;
    struct span family; /* empty: any */
    bool gaps;
    int32_t first, last; /* the report's days */
    bool given_first, given_last;
    void (*take)(struct coverage *v, const struct piece *p);

    struct released {
        uint64_t list;
        size_t at, n; /* in texts */
        int32_t day;
    } * released; /* by list and name */
    size_t n_released, released_cap;
    struct buf texts;

    struct family {
        struct buf name;
        int64_t *seized, *missing; /* by day: what changes on it */
    } families[FAMILIES_MAX];
    size_t n_families;

    struct share {
        struct span registrar, tld, family; /* copied into `kept` */
        uint64_t name_days, missing_days;
        int32_t first_missing, last_missing;
    } * shares;
    size_t n_shares, shares_cap;
    struct arena kept;
    struct err *err;
    int rc;
};

/* ---- which days ---- */

static int32_t first_day(const struct casebook_days *d)
{
    return utc_day(d->from);
}

/* A name without end counts up to today. */
static int32_t end_day(const struct casebook_days *d)
{
    int32_t today = utc_day(utc_now());
    if (d->until == CASEBOOK_FOREVER)
        return (today > first_day(d) ? today : first_day(d)) + 1;
    return utc_day(d->until - 1) + 1;
}

static int widen(void *ctx, const struct casebook_days *d)
{
    struct coverage *v = ctx;
    if (!v->given_first && first_day(d) < v->first)
        v->first = first_day(d);
    if (!v->given_last && end_day(d) > v->last)
        v->last = end_day(d);
    return 0;
}

/* ---- pieces ---- */

static void emit(struct coverage *v, const struct casebook_days *d, int64_t names, int32_t first,
                 int32_t last, bool seized)
{
    first = first > v->first ? first : v->first;
    last = last < v->last ? last : v->last;
    if (first < last)
        v->take(v, &(struct piece){d, names, first, last, seized});
}

static int keep_released(void *ctx, uint64_t list, struct span name, int64_t when)
{
    struct coverage *v = ctx;
    v->released = mem_room(v->released, v->n_released, &v->released_cap, sizeof *v->released);
    v->released[v->n_released++] = (struct released){list, v->texts.n, name.n, utc_day(when)};
    buf_span(&v->texts, name);
    return 0;
}

/* The day of its release; false when it was not. */
static bool released_on(const struct coverage *v, uint64_t list, struct span name, int32_t *day)
{
    size_t low = 0, high = v->n_released;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct released *r = &v->released[mid];
        int c = r->list != list ? (r->list < list ? -1 : 1)
                                : span_cmp(span_of(v->texts.p + r->at, r->n), name);
        if (c == 0) {
            *day = r->day;
            return true;
        }
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static void take_back_released(struct coverage *v, const struct casebook_days *d, int32_t first,
                               int32_t last)
{
    for (struct cur c = cur_of(d->text); v->n_released && cur_left(&c);) {
        struct span name = cur_line(&c);
        int32_t day;
        if (!released_on(v, d->list, name, &day))
            continue;
        day = day > first ? day : first;
        emit(v, d, -1, day, last, true);
        emit(v, d, 1, day, last, false);
    }
}

/* A day counts as seized when the name was under authority for all of what its row says of that
 * day. */
static int cut_days(void *ctx, const struct casebook_days *d)
{
    struct coverage *v = ctx;
    int64_t names = (int64_t)d->names;
    int32_t first = first_day(d), last = end_day(d), begin = last, end = last;
    if (d->in_from < d->in_until) {
        begin = d->in_from == d->from ? first : utc_day(d->in_from - 1) + 1;
        end = d->in_until == d->until ? last : utc_day(d->in_until);
        end = end < last ? end : last;
        begin = begin < end ? begin : end;
    }
    emit(v, d, names, first, begin, false);
    emit(v, d, names, begin, end, true);
    emit(v, d, names, end, last, false);
    take_back_released(v, d, begin, end);
    return v->rc;
}

static int run(struct coverage *v, void (*take)(struct coverage *, const struct piece *),
               struct err *err)
{
    v->take = take;
    int rc = casebook_released_names(v->c.casebook, keep_released, v, err);
    return rc == 0 ? casebook_days(v->c.casebook, v->order, v->family, cut_days, v, err) : rc;
}

/* ---- by day ---- */

static struct family *family_of(struct coverage *v, struct span name)
{
    for (size_t i = v->n_families; i-- > 0;)
        if (span_eq(buf_as_span(&v->families[i].name), name))
            return &v->families[i];
    if (v->n_families == FAMILIES_MAX) {
        v->rc =
            err_set(v->err, -E2BIG, "more than %d families: say which with --family", FAMILIES_MAX);
        return NULL;
    }
    struct family *f = &v->families[v->n_families++];
    size_t days = (size_t)(v->last - v->first) + 1;
    buf_span(&f->name, name);
    f->seized = calloc(days, sizeof *f->seized);
    f->missing = calloc(days, sizeof *f->missing);
    if (!f->seized || !f->missing)
        abort();
    return f;
}

static void take_day(struct coverage *v, const struct piece *p)
{
    struct family *f = family_of(v, p->of->family);
    if (!f)
        return;
    int64_t *change = p->seized ? f->seized : f->missing;
    change[p->first - v->first] += p->names;
    change[p->last - v->first] -= p->names;
}

static const struct table_column day_columns[] = {{"date", "date", TABLE_WORDS},
                                                  {"family", "family", TABLE_WORDS},
                                                  {"names", "names", TABLE_COUNT},
                                                  {"seized", "seized", TABLE_COUNT},
                                                  {"missing", "missing", TABLE_COUNT},
                                                  {"state", "state", TABLE_WORDS},
                                                  {0}};

static void put_day(struct table *t, int32_t day)
{
    char text[UTC_TEXT_MAX];
    table_text(t, span_of(text, utc_format_date(day * UTC_DAY, text)));
}

static void print_days(const struct coverage *v, struct table *t)
{
    int64_t seized[FAMILIES_MAX] = {0}, missing[FAMILIES_MAX] = {0};
    for (int32_t day = v->first; day < v->last; day++) {
        for (size_t i = 0; i < v->n_families; i++) {
            const struct family *f = &v->families[i];
            seized[i] += f->seized[day - v->first];
            missing[i] += f->missing[day - v->first];
            if (v->gaps && seized[i] && !missing[i])
                continue;
            put_day(t, day);
            table_text(t, buf_as_span(&f->name));
            table_int(t, seized[i] + missing[i]);
            table_int(t, seized[i]);
            table_int(t, missing[i]);
            table_str(t, missing[i] ? "gap" : seized[i] ? "seized" : "no names");
            table_row_end(t);
        }
    }
}

/* ---- by registrar ---- */

static struct span keep(struct coverage *v, struct span s)
{
    return span_of(arena_copy(&v->kept, s.n ? (const void *)s.p : "", s.n), s.n);
}

static void take_share(struct coverage *v, const struct piece *p)
{
    const struct casebook_days *d = p->of;
    struct share *last = v->n_shares ? &v->shares[v->n_shares - 1] : NULL;
    if (!last || !span_eq(last->registrar, d->registrar) || !span_eq(last->tld, d->tld) ||
        !span_eq(last->family, d->family)) {
        v->shares = mem_room(v->shares, v->n_shares, &v->shares_cap, sizeof *v->shares);
        last = &v->shares[v->n_shares++];
        *last = (struct share){
            keep(v, d->registrar), keep(v, d->tld), keep(v, d->family), 0, 0, INT32_MAX, INT32_MIN};
    }
    int64_t name_days = p->names * (p->last - p->first);
    last->name_days += (uint64_t)name_days;
    if (p->seized)
        return;
    last->missing_days += (uint64_t)name_days;
    last->first_missing = p->first < last->first_missing ? p->first : last->first_missing;
    last->last_missing = p->last - 1 > last->last_missing ? p->last - 1 : last->last_missing;
}

static int by_share(const void *x, const void *y)
{
    const struct share *a = x, *b = y;
    int c = span_cmp(a->registrar, b->registrar);
    if (c == 0)
        c = span_cmp(a->tld, b->tld);
    return c ? c : span_cmp(a->family, b->family);
}

static void join_shares(struct coverage *v)
{
    size_t n = 0;
    if (v->n_shares)
        qsort(v->shares, v->n_shares, sizeof *v->shares, by_share);
    for (size_t i = 0; i < v->n_shares; i++) {
        struct share *s = &v->shares[i], *into = n ? &v->shares[n - 1] : NULL;
        if (!into || by_share(into, s) != 0) {
            v->shares[n++] = *s;
            continue;
        }
        into->name_days += s->name_days;
        into->missing_days += s->missing_days;
        if (s->first_missing < into->first_missing)
            into->first_missing = s->first_missing;
        if (s->last_missing > into->last_missing)
            into->last_missing = s->last_missing;
    }
    v->n_shares = n;
}

static const struct table_column share_columns[] = {{"registrar", "registrar", TABLE_WORDS},
                                                    {"tld", "registry", TABLE_WORDS},
                                                    {"family", "family", TABLE_WORDS},
                                                    {"name_days", "names x days", TABLE_COUNT},
                                                    {"seized", "seized", TABLE_COUNT},
                                                    {"missing", "missing", TABLE_COUNT},
                                                    {"first_missing", "first missing", TABLE_WORDS},
                                                    {"last_missing", "last missing", TABLE_WORDS},
                                                    {0}};

static void print_shares(struct coverage *v, struct table *t)
{
    join_shares(v);
    for (size_t i = 0; i < v->n_shares; i++) {
        const struct share *s = &v->shares[i];
        if (v->gaps && !s->missing_days)
            continue;
        table_text(t, s->registrar);
        table_text(t, s->tld);
        table_text(t, s->family);
        table_uint(t, s->name_days);
        table_uint(t, s->name_days - s->missing_days);
        table_uint(t, s->missing_days);
        if (s->missing_days) {
            put_day(t, s->first_missing);
            put_day(t, s->last_missing);
        }
        table_row_end(t);
    }
}

/* ---- the command ---- */

static int find_range(struct coverage *v, struct err *err)
{
    int rc = casebook_days(v->c.casebook, v->order, v->family, widen, v, err);
    if (rc == 0 && v->first < v->last && (int64_t)v->last - v->first > DAYS_MAX)
        rc =
            err_set(err, -E2BIG, "more than %d days: say which with --since and --until", DAYS_MAX);
    return rc;
}

static int report(struct coverage *v, const struct cli *cli, bool by_day, struct err *err)
{
    const char *id = cli_get(cli, "order");
    struct case_order order;
    int rc = case_open(cli, &v->c, err);
    if (rc == 0 && id) {
        rc = case_find_order(&v->c, id, utc_now(), &order, err);
        v->order = order.entry;
    }
    if (rc == 0)
        rc = find_range(v, err);
    if (rc == 0 && v->first < v->last)
        rc = run(v, by_day ? take_day : take_share, err);
    if (rc < 0)
        return rc;
    struct table *t = table_open(cli_shape(cli), by_day ? day_columns : share_columns, stdout);
    if (by_day)
        print_days(v, t);
    else
        print_shares(v, t);
    return table_close(t) < 0 ? err_set(err, -EIO, "output could not be written") : 0;
}

static void forget(struct coverage *v)
{
    casedir_close(&v->c, NULL);
    for (size_t i = 0; i < v->n_families; i++) {
        buf_free(&v->families[i].name);
        free(v->families[i].seized);
        free(v->families[i].missing);
    }
    free(v->released);
    free(v->shares);
    buf_free(&v->texts);
    arena_free(&v->kept);
    free(v);
}

int cmd_case_asset_coverage(const struct cli *cli)
{
    const char *by = cli_get(cli, "by") ? cli_get(cli, "by") : "day";
    int64_t since, until;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "case asset coverage: takes no argument (%s)", cli->args[0]);
    if (strcmp(by, "day") != 0 && strcmp(by, "registrar") != 0)
        return cli_fail(EXIT_USAGE, "--by: day or registrar (%s)", by);
    int rc = cli_range(cli, &since, &until);
    if (rc)
        return rc;
    struct coverage *v = calloc(1, sizeof *v);
    if (!v)
        abort();
    v->err = &err;
    v->family = case_text(cli, "family");
    v->gaps = cli_has(cli, "gaps");
    v->given_first = since != INT64_MIN;
    v->given_last = until != INT64_MAX;
    v->first = v->given_first ? utc_day(since) : INT32_MAX;
    v->last = v->given_last ? utc_day(until - 1) + 1 : INT32_MIN;
    rc = report(v, cli, strcmp(by, "day") == 0, &err);
    forget(v);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
