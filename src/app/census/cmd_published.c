/* ebb census published FILE: curves through other people's totals */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/census/published.h"
#include "base/arena.h"
#include "base/mem.h"
#include "stat/curve.h"
#include "stat/rng.h"

#define TOTALS_MAX     64
#define COUNTING_ERROR 0.05 /* each total may be off by so much, up or down */
#define ABOUT_DAYS     7    /* and a date that is given as "about", by so many days */
#define VARIANTS_MAX   4096 /* of the totals, within these */
#define SEED           1    /* of the variants, where not all can be tried */

static const struct table_column columns[] = {
    {"date", "date", TABLE_WORDS},
    {"what", "what", TABLE_WORDS},
    {"value", "published", TABLE_WORDS},
    {"unit", "unit", TABLE_WORDS},
    {"weibull", "weibull", TABLE_COUNT},
    {"weibull_off", "off", TABLE_COUNT},
    {"exponential", "exponential", TABLE_COUNT},
    {"exponential_off", "off", TABLE_COUNT},
    {"exponential_first", "of first two", TABLE_COUNT},
    {"low", "low", TABLE_COUNT},
    {"high", "high", TABLE_COUNT},
    {"range", NULL, TABLE_WORDS},
    {"estimator", "by", TABLE_WORDS},
    {"source", NULL, TABLE_WORDS},
    {0},
};

/* ---- totals and curves ---- */

struct totals {
    double t[TOTALS_MAX], count[TOTALS_MAX]; /* days since the first, which is the datum */
    bool about[TOTALS_MAX];
    size_t n;
};

/* The curves through them. LOG_LOGISTIC is only there to say how much the choice of a shape does:
 * it too goes through two totals behind the datum, 1 / (1 + (t / scale)^shape). */
enum shape { WEIBULL, EXPONENTIAL, FIRST_TWO, LOG_LOGISTIC, SHAPES };
struct curves {
    struct curve of[SHAPES];
    bool has[SHAPES];
};

static double share(const struct curves *c, enum shape k, double t)
{
    const struct curve *of = &c->of[k];
    return k == LOG_LOGISTIC && t > 0 ? 1 / (1 + pow(t / of->scale, of->shape))
                                      : curve_share(of, t);
}

static double when(const struct curves *c, enum shape k, double left)
{
    const struct curve *of = &c->of[k];
    return k == LOG_LOGISTIC ? of->scale * pow(1 / left - 1, 1 / of->shape) : curve_when(of, left);
}

static void fit(const struct totals *s, enum curve_shape kind, enum shape k, struct curves *out)
{
    struct curve_series series = {.t = s->t, .count = s->count, .n = s->n, .n0 = s->count[0]};
    struct curve_fit f;
    out->has[k] = curve_fit(&series, kind, NULL, &f) == CURVE_FITTED;
    out->of[k] = f.curve;
}

static void fit_all(const struct totals *s, struct curves *out)
{
    *out = (struct curves){0};
    double rate = log(s->count[0] / s->count[1]) / s->t[1];
    out->of[FIRST_TWO] = (struct curve){s->count[0], 1 / rate, 1};
    out->has[FIRST_TWO] = rate > 0;
    fit(s, CURVE_EXPONENTIAL, EXPONENTIAL, out);
    fit(s, CURVE_WEIBULL, WEIBULL, out);
    if (s->n != 3 || !(s->count[0] > s->count[1] && s->count[1] > s->count[2]))
        return;
    double o1 = s->count[0] / s->count[1] - 1, o2 = s->count[0] / s->count[2] - 1;
    double shape = log(o2 / o1) / log(s->t[2] / s->t[1]);
    out->of[LOG_LOGISTIC] = (struct curve){s->count[0], s->t[1] * pow(o1, -1 / shape), shape};
    out->has[LOG_LOGISTIC] = shape > 0;
}

/* ---- the range ---- */

struct variants {
    struct curves *v;
    size_t n;
};

/* One choice for each total: too low or too high, and early, as given or late. `pick` counts
 * through them: a digit in base 2 or 6 a total. */
static void vary(const struct totals *s, uint64_t pick, struct totals *out)
{
    static const double sign[2] = {1 - COUNTING_ERROR, 1 + COUNTING_ERROR};
    *out = *s;
    for (size_t i = 0; i < s->n; i++) {
        out->count[i] *= sign[pick & 1];
        pick >>= 1;
        if (s->about[i] && i) {
            out->t[i] += ABOUT_DAYS * ((double)(pick % 3) - 1);
            pick /= 3;
        }
    }
}

static bool in_order(const struct totals *s)
{
    for (size_t i = 1; i < s->n; i++)
        if (!(s->t[i] > s->t[i - 1]))
            return false;
    return true;
}

static struct variants variants_of(const struct totals *s)
{
    struct variants out = {mem_zeroed(VARIANTS_MAX, sizeof *out.v), 0};
    struct totals varied;
    struct rng r;
    double all = 1;
    for (size_t i = 0; i < s->n; i++)
        all *= s->about[i] && i ? 6 : 2;
    rng_seed(&r, SEED);
    for (uint64_t i = 0; i < VARIANTS_MAX && (double)i < all; i++) {
        vary(s, all <= VARIANTS_MAX ? i : rng_next(&r), &varied);
        if (in_order(&varied))
            fit_all(&varied, &out.v[out.n++]);
    }
    return out;
}

/* What is asked of a curve; `days` or `left` is its argument. */
enum figure { FIGURE_COUNT, FIGURE_PERCENT, FIGURE_WHEN };
struct question {
    enum figure figure;
    double at;
};

static double answer(const struct curves *c, enum shape k, struct question q)
{
    if (!c->has[k])
        return NAN;
    if (q.figure == FIGURE_WHEN)
        return when(c, k, q.at);
    double left = share(c, k, q.at);
    return q.figure == FIGURE_COUNT ? c->of[k].n0 * left : 100 * (left - 1);
}

static void range(const struct variants *v, struct question q, double *low, double *high)
{
    *low = *high = NAN;
    for (size_t i = 0; i < v->n; i++)
        for (int k = 0; k < SHAPES; k++) {
            double a = answer(&v->v[i], (enum shape)k, q);
            *low = isnan(a) ? *low : fmin(a, *low); /* fmin: the other when one is NaN */
            *high = isnan(a) ? *high : fmax(a, *high);
        }
}

/* ---- the file ---- */

/* A figure that a curve can be asked for. */
struct row {
    struct published p;
    struct question q;
    double value; /* published; NaN: none */
};

struct output {
    const struct cli *cli;
    struct arena arena;
    struct row *rows;
    size_t n, cap;
    unsigned rejected, others;
    int64_t datum;
    struct totals totals;
    struct curves curves;
    struct variants variants;
    char range[128];
    struct table *table;
};

static struct span keep(struct output *o, struct span s)
{
    return span_of(arena_copy(&o->arena, s.p, s.n), s.n);
}

static bool number_of(struct span s, double *out)
{
    char text[64], *end;
    if (!s.n || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    *out = strtod(text, &end);
    return !*end && isfinite(*out);
}

/* "decline after 7 weeks": 7. */
static bool weeks_of(struct span what, double *weeks)
{
    static const char before[] = "decline after ", behind[] = " weeks";
    size_t n = sizeof before - 1, m = sizeof behind - 1;
    if (what.n <= n + m || memcmp(what.p, before, n) != 0 ||
        memcmp(what.p + what.n - m, behind, m) != 0)
        return false;
    return number_of(span_of(what.p + n, what.n - n - m), weeks) && *weeks > 0;
}

static bool says_about(struct span s)
{
    static const char word[] = "about";
    return memmem(s.p, s.n, word, sizeof word - 1) != NULL;
}

static void add(struct output *o, const struct published *p, struct question q, double value)
{
    o->rows = mem_room(o->rows, o->n, &o->cap, sizeof *o->rows);
    o->rows[o->n++] =
        (struct row){.p = {keep(o, p->what), keep(o, p->date), keep(o, p->value), keep(o, p->unit),
                           keep(o, p->estimator), keep(o, p->source)},
                     .q = q,
                     .value = value};
}

static int add_total(struct output *o, const struct published *p, double value)
{
    struct totals *s = &o->totals;
    int64_t time;
    if (!utc_parse(p->date, &time) || !(value > 0))
        return cli_fail(EXIT_FAILED, "a total wants a date and a number above 0 (%.*s, %.*s)",
                        (int)p->date.n, (const char *)p->date.p, (int)p->value.n,
                        (const char *)p->value.p);
    if (!s->n)
        o->datum = time;
    double t = (double)(utc_day(time) - utc_day(o->datum));
    if (s->n == TOTALS_MAX || (s->n && !(t > s->t[s->n - 1])))
        return cli_fail(EXIT_FAILED, "totals: %d at most, each later than the one before (%.*s)",
                        TOTALS_MAX, (int)p->date.n, (const char *)p->date.p);
    s->t[s->n] = t;
    s->count[s->n] = value;
    s->about[s->n++] = says_about(p->estimator);
    add(o, p, (struct question){FIGURE_COUNT, t}, value);
    return 0;
}

static int take(void *ctx, const struct published *p)
{
    struct output *o = ctx;
    double value, weeks;
    bool number = number_of(p->value, &value);
    if (span_is(p->what, "unique addresses"))
        return add_total(o, p, number ? value : 0);
    if (number && weeks_of(p->what, &weeks))
        add(o, p, (struct question){FIGURE_PERCENT, 7 * weeks}, value);
    else
        o->others++;
    return 0;
}

/* ---- output ---- */

/* Percent for counts, points for percentages. */
static double off(const struct row *r, double fitted)
{
    return r->q.figure == FIGURE_COUNT ? 100 * (fitted / r->value - 1) : fitted - r->value;
}

static void put(struct output *o, const struct row *r)
{
    double low, high, a[SHAPES];
    int decimals = r->q.figure == FIGURE_COUNT ? 0 : 1;
    for (int k = 0; k < SHAPES; k++)
        a[k] = answer(&o->curves, (enum shape)k, r->q);
    range(&o->variants, r->q, &low, &high);
    table_text(o->table, r->p.date);
    table_text(o->table, r->p.what);
    table_text(o->table, r->p.value);
    table_text(o->table, r->p.unit);
    table_double(o->table, a[WEIBULL], decimals);
    table_double(o->table, off(r, a[WEIBULL]), 1);
    table_double(o->table, a[EXPONENTIAL], decimals);
    table_double(o->table, off(r, a[EXPONENTIAL]), 1);
    table_double(o->table, a[FIRST_TWO], decimals);
    table_double(o->table, low, decimals);
    table_double(o->table, high, decimals);
    table_str(o->table, o->range);
    table_text(o->table, r->p.estimator);
    table_text(o->table, r->p.source);
    table_row_end(o->table);
}

/* A row of ours: no published value. `days` gives its date; NaN: none. */
static void put_ours(struct output *o, const char *what, const char *unit, struct question q,
                     double days)
{
    char date[UTC_TEXT_MAX];
    struct row r = {.p = {.what = span_str(what), .unit = span_str(unit)}, .q = q, .value = NAN};
    if (days >= 0 && days < 100000)
        r.p.date = span_of(date, utc_format_date(o->datum + (int64_t)days * UTC_DAY, date));
    put(o, &r);
}

static int put_all(struct output *o)
{
    int64_t at = o->datum;
    const char *text = cli_get(o->cli, "at");
    if (text && (!utc_parse(span_str(text), &at) || at < o->datum))
        return cli_fail(EXIT_USAGE, "--at: a date, not before the first total's (%s)", text);
    o->table = table_open(cli_shape(o->cli), columns, stdout);
    for (size_t i = 0; i < o->n; i++)
        put(o, &o->rows[i]);
    double days = (double)(utc_day(at) - utc_day(o->datum));
    if (text) {
        put_ours(o, "decline at this day", "percent", (struct question){FIGURE_PERCENT, days},
                 days);
        put_ours(o, "unique addresses at this day", "addresses a week",
                 (struct question){FIGURE_COUNT, days}, days);
    }
    struct question half = {FIGURE_WHEN, 0.5}, gone90 = {FIGURE_WHEN, 0.1};
    put_ours(o, "half-life", "days", half, answer(&o->curves, WEIBULL, half));
    put_ours(o, "90% gone", "days", gone90, answer(&o->curves, WEIBULL, gone90));
    if (table_close(o->table) < 0)
        return cli_fail(EXIT_FAILED, "output could not be written");
    return EXIT_DONE;
}

static void say(const struct output *o)
{
    const struct totals *s = &o->totals;
    if (o->cli->quiet)
        return;
    fprintf(stderr,
            "ebb: %zu totals, the first is the datum: a Weibull has 2 parameters for the other "
            "%zu, an exponential 1.%s\n",
            s->n, s->n - 1,
            s->n > 3   ? ""
            : s->n < 3 ? " No Weibull can be said."
                       : " With as many parameters as points the Weibull leaves no residual: how "
                         "well it fits cannot be said, and there is no confidence interval.");
    fprintf(stderr,
            "ebb: low and high are no such interval but a range: over the curve's shape (Weibull, "
            "exponential of all totals, exponential of the first two%s) and over a counting error "
            "that is assumed, %g%% up or down in each total, and %d days where the date is given "
            "as \"about\".\n",
            s->n == 3 ? ", log-logistic" : "", 100 * COUNTING_ERROR, ABOUT_DAYS);
    if (o->others)
        fprintf(stderr, "ebb: %u figures are of other things; curves say nothing of them\n",
                o->others);
    if (!o->curves.has[EXPONENTIAL] && !o->curves.has[FIRST_TWO])
        fputs("ebb: the totals do not decline: there is no half-life\n", stderr);
}

int cmd_census_published(const struct cli *cli)
{
    struct output o = {.cli = cli};
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "census published: wants one file");
    int rc = published_read(cli->args[0], take, &o, &o.rejected, &err);
    if (rc < 0)
        rc = cli_err(&err);
    else if (rc == 0 && o.totals.n < 2)
        rc = cli_fail(EXIT_FAILED, "%s: wants two totals and more (rows \"unique addresses\")",
                      cli->args[0]);
    if (rc == 0) {
        fit_all(&o.totals, &o.curves);
        o.variants = variants_of(&o.totals);
        snprintf(o.range, sizeof o.range, "curve shapes and %g%% counting error; no interval",
                 100 * COUNTING_ERROR);
        rc = put_all(&o);
        if (rc == EXIT_DONE)
            say(&o);
    }
    free(o.variants.v);
    free(o.rows);
    arena_free(&o.arena);
    return rc == EXIT_DONE && o.rejected ? EXIT_FAILED : rc;
}
