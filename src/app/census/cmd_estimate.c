/* ebb census --estimate [--by day|country|asn|family]: the hosts behind the addresses. */
#include <math.h>
#include <string.h>

#include "app/casedir.h"
#include "app/census/cmd_census.h"
#include "base/mem.h"
#include "view/display.h"
#include "view/estimate.h"

#define INTERVAL(key, title)                                                                       \
    {key, title, TABLE_COUNT}, {key "_low", "low", TABLE_COUNT},                                   \
    {                                                                                              \
        key "_high", "high", TABLE_COUNT                                                           \
    }
#define HIDDEN_INTERVAL(key)                                                                       \
    {key, NULL, TABLE_COUNT}, {key "_low", NULL, TABLE_COUNT},                                     \
    {                                                                                              \
        key "_high", NULL, TABLE_COUNT                                                             \
    }
#define HALF_LIFE(title, low, high)                                                                \
    {"half_life_days", title, TABLE_COUNT}, {"half_life_low", low, TABLE_COUNT},                   \
    {                                                                                              \
        "half_life_high", high, TABLE_COUNT                                                        \
    }

static const struct table_column day_columns[] = {
    {"date", "date", TABLE_WORDS},
    {"family", "family", TABLE_WORDS},
    {"addresses", "addresses", TABLE_COUNT},
    INTERVAL("hosts", "hosts"),
    {"addresses_raw", NULL, TABLE_COUNT},
    {"contacts", NULL, TABLE_COUNT},
    {"bot_ids", NULL, TABLE_COUNT},
    INTERVAL("alive", "alive"),
    {0},
};
/* The text has these in words instead. */
static const struct table_column range_columns[] = {
    {"since", NULL, TABLE_WORDS},
    {"until", NULL, TABLE_WORDS},
    {"family", NULL, TABLE_WORDS},
    {"addresses", NULL, TABLE_COUNT},
    HIDDEN_INTERVAL("hosts"),
    HALF_LIFE(NULL, NULL, NULL),
    {"method", NULL, TABLE_WORDS},
    {"addresses_raw", NULL, TABLE_COUNT},
    {"bot_ids", NULL, TABLE_COUNT},
    {"contacts", NULL, TABLE_COUNT},
    HIDDEN_INTERVAL("alive_first"),
    HIDDEN_INTERVAL("alive"),
    {"curve", NULL, TABLE_WORDS},
    HIDDEN_INTERVAL("shape"),
    HIDDEN_INTERVAL("days_to_90"),
    {"address_half_life_days", NULL, TABLE_COUNT},
    {"address_half_life_low", NULL, TABLE_COUNT},
    {"address_half_life_high", NULL, TABLE_COUNT},
    {"renumbering_days", NULL, TABLE_COUNT},
    {"renumbering_low", NULL, TABLE_COUNT},
    {"renumbering_high", NULL, TABLE_COUNT},
    HIDDEN_INTERVAL("nat_multiplicity"),
    {"nat_share", NULL, TABLE_COUNT},
    HIDDEN_INTERVAL("checkins_a_day"),
    HIDDEN_INTERVAL("active_share"),
    {"bot_id_share", NULL, TABLE_COUNT},
    {"capture_recapture", NULL, TABLE_COUNT},
    {"days_not_watched", NULL, TABLE_COUNT},
    {"no_half_life", NULL, TABLE_WORDS},
    {"assumptions", NULL, TABLE_WORDS},
    {0},
};
#define SEGMENT                                                                                    \
    {"family", "family", TABLE_WORDS}, {"addresses", "addresses", TABLE_COUNT},                    \
        INTERVAL("hosts", "hosts"), HALF_LIFE("half-life", "low", "high"),                         \
        HIDDEN_INTERVAL("hosts_a_day"), HIDDEN_INTERVAL("alive_first"), HIDDEN_INTERVAL("alive"),  \
        {"curve", NULL, TABLE_WORDS}, HIDDEN_INTERVAL("days_to_90"),                               \
        HIDDEN_INTERVAL("nat_multiplicity"), {"renumbering_days", "renumbered", TABLE_COUNT},      \
        {"no_half_life", NULL, TABLE_WORDS},                                                       \
    {                                                                                              \
        0                                                                                          \
    }
static const struct table_column country_columns[] = {{"country", "country", TABLE_WORDS}, SEGMENT};
static const struct table_column asn_columns[] = {
    {"asn", "as", TABLE_ID}, {"as_name", "name", TABLE_WORDS}, SEGMENT};

enum by { BY_DAY, BY_FAMILY, BY_COUNTRY, BY_ASN };
static const struct {
    const char *name;
    enum by by;
    const struct table_column *columns;
} groupings[] = {
    {"day", BY_DAY, day_columns},
    {"family", BY_FAMILY, NULL},
    {"country", BY_COUNTRY, country_columns},
    {"asn", BY_ASN, asn_columns},
};

/* A family's figures, kept until the rows before them are out. */
struct kept {
    struct buf family;
    struct estimate e;
    struct hosts_params params;
};

struct output {
    enum by by;
    struct table *rows; /* by day, country or AS; NULL: none */
    uint64_t limit, n;
    struct census *census;
    struct span family; /* at hand */
    struct kept *kept;
    size_t nkept, kept_cap;
};

static void put_day(struct table *t, int32_t day)
{
    char text[UTC_TEXT_MAX];
    table_text(t, span_of(text, utc_format_date((int64_t)day * UTC_DAY, text)));
}

static void put_number(struct table *t, const struct hosts_number *x, int decimals)
{
    table_double(t, x->value, decimals);
    table_double(t, x->low, decimals);
    table_double(t, x->high, decimals);
}

static void put_interval(struct table *t, const struct curve_interval *x, int decimals)
{
    put_number(t, &(struct hosts_number){x->value, x->low, x->high}, decimals);
}

static void put_days(struct output *o, const struct estimate *e)
{
    for (int32_t day = e->since; day < e->until; day++) {
        struct estimate_day d;
        estimate_day(e, day, &d);
        if (d.addresses_raw == 0)
            continue;
        if (o->limit && o->n++ == o->limit)
            return;
        put_day(o->rows, day);
        table_text(o->rows, e->family);
        table_uint(o->rows, d.hosts.addresses);
        put_number(o->rows, &d.hosts.seen, 0);
        table_uint(o->rows, d.addresses_raw);
        table_uint(o->rows, d.hosts.contacts);
        table_uint(o->rows, d.hosts.ids);
        put_number(o->rows, &d.hosts.alive, 0);
        table_row_end(o->rows);
    }
}

static void put_why(struct table *t, const struct estimate_decline *d, bool enough)
{
    const char *why = enough ? curve_state_why(d->state) : "too few hosts";
    if (why[0])
        table_str(t, why);
    else
        table_empty(t);
}

static int put_segment(void *ctx, const struct estimate_segment *s)
{
    static const struct hosts_number none = {NAN, NAN, NAN};
    struct output *o = ctx;
    struct table *t = o->rows;
    bool fitted = s->enough && s->decline.state == CURVE_FITTED;
    if (o->by == BY_ASN) {
        table_uint(t, s->asn);
        table_text(t, census_as_name(o->census, s->asn));
    } else {
        table_text(t, span_of(s->country, sizeof s->country));
    }
    table_text(t, o->family);
    table_uint(t, s->addresses);
    put_number(t, &s->hosts.seen, 0);
    if (fitted)
        put_interval(t, &s->decline.half_life, 1);
    else
        put_number(t, &none, 0);
    put_number(t, &s->hosts.seen_daily, 1);
    put_number(t, &s->hosts.alive_first, 0);
    put_number(t, &s->hosts.alive_last, 0);
    if (fitted) {
        table_str(t, s->decline.curve);
        put_interval(t, &s->decline.gone90, 1);
    } else {
        table_empty(t);
        put_number(t, &none, 0);
    }
    put_number(t, &s->hosts.per_address, 3);
    table_double(t, s->hosts.renumber_days, 2);
    put_why(t, &s->decline, s->enough);
    table_row_end(t);
    return o->limit && ++o->n == o->limit; /* 1 stops */
}

static int take_family(void *ctx, const struct estimate *e)
{
    struct output *o = ctx;
    o->kept = mem_room(o->kept, o->nkept, &o->kept_cap, sizeof *o->kept);
    struct kept *k = &o->kept[o->nkept++];
    *k = (struct kept){.e = *e, .params = *e->params};
    buf_span(&k->family, e->family);
    o->family = e->family;
    if (o->by == BY_DAY)
        put_days(o, e);
    if (o->by == BY_DAY || o->by == BY_FAMILY)
        return 0;
    if (o->limit && o->n >= o->limit)
        return 0;
    estimate_segments(e, o->by == BY_ASN ? HOSTS_AS : HOSTS_COUNTRY, o->limit ? o->limit - o->n : 0,
                      put_segment, o);
    return 0;
}

static void put_range(struct table *t, const struct kept *k)
{
    const struct estimate *e = &k->e;
    const struct hosts_params *p = &k->params;
    struct span notes[HOSTS_NOTES_MAX];
    put_day(t, e->since);
    put_day(t, e->until);
    table_text(t, buf_as_span(&k->family));
    table_uint(t, e->range.addresses);
    put_number(t, &e->range.seen, 0);
    put_interval(t, &e->hosts.half_life, 2);
    table_str(t, hosts_method_name(p->method));
    table_uint(t, e->addresses_raw);
    table_uint(t, e->range.ids);
    table_uint(t, e->range.contacts);
    put_number(t, &e->range.alive_first, 0);
    put_number(t, &e->range.alive_last, 0);
    if (e->hosts.state == CURVE_FITTED)
        table_str(t, e->hosts.curve);
    else
        table_empty(t);
    put_interval(t, &e->hosts.shape, 3);
    put_interval(t, &e->hosts.gone90, 1);
    put_interval(t, &e->addresses.half_life, 2);
    put_number(t, &p->renumber_days, 2);
    put_number(t, &p->per_address, 3);
    table_double(t, p->nat_share, 3);
    put_number(t, &p->contacts, 2);
    put_number(t, &p->active, 3);
    table_double(t, p->id_share, 3);
    table_double(t, e->range.capture_recapture, 0);
    table_uint(t, e->days_left_out);
    put_why(t, &e->hosts, true);
    for (size_t i = 0; i < p->n_notes; i++)
        notes[i] = span_str(p->notes[i]);
    table_list(t, notes, p->n_notes);
    table_row_end(t);
}

/* ---- in words ---- */

/* "1,234,567", or with decimals; "-" for what is not known. */
static void say_value(FILE *f, double v, int decimals)
{
    char text[64];
    if (isinf(v)) {
        fputs("never", f);
        return;
    }
    if (isnan(v) || snprintf(text, sizeof text, "%.*f", decimals, v) >= (int)sizeof text) {
        fputs("-", f);
        return;
    }
    size_t whole = strcspn(text, ".");
    for (size_t i = 0; text[i]; i++) {
        if (i && i < whole && (whole - i) % 3 == 0 && text[i - 1] != '-')
            fputc(',', f);
        fputc(text[i], f);
    }
}

static void say_number(FILE *f, const char *what, const struct hosts_number *x, int decimals,
                       const char *unit)
{
    fprintf(f, "  %-26s ", what);
    say_value(f, x->value, decimals);
    fputs(unit, f);
    if (!isnan(x->low) && !isnan(x->high) && (isfinite(x->low) || isfinite(x->high))) {
        fputs("  (95%: ", f);
        say_value(f, x->low, decimals);
        fputs(" to ", f);
        say_value(f, x->high, decimals);
        fputc(')', f);
    }
    fputc('\n', f);
}

static void say_interval(FILE *f, const char *what, const struct curve_interval *x, int decimals,
                         const char *unit)
{
    say_number(f, what, &(struct hosts_number){x->value, x->low, x->high}, decimals, unit);
}

static void say_heading(FILE *f, const struct kept *k)
{
    char since[UTC_TEXT_MAX], until[UTC_TEXT_MAX];
    struct buf name = {0};
    utc_format_date((int64_t)k->e.since * UTC_DAY, since);
    utc_format_date((int64_t)(k->e.until - 1) * UTC_DAY, until);
    display_put(&name, buf_as_span(&k->family));
    fprintf(f, "%.*s, %s to %s\n", (int)name.n, name.p, since, until);
    buf_free(&name);
}

static void say_decline(FILE *f, const struct estimate *e)
{
    if (e->hosts.state != CURVE_FITTED) {
        fprintf(f, "  %-26s - (%s)\n", "half-life", curve_state_why(e->hosts.state));
        return;
    }
    say_interval(f, "half-life of hosts", &e->hosts.half_life, 1, " days");
    say_interval(f, "90% cleaned after", &e->hosts.gone90, 0, " days");
    fprintf(f, "  %-26s %s\n", "curve", e->hosts.curve);
    say_interval(f, "shape of the Weibull", &e->hosts.shape, 2, "");
    if (e->addresses.state == CURVE_FITTED)
        say_interval(f, "half-life of addresses", &e->addresses.half_life, 1, " days");
    if (e->days_left_out)
        fprintf(f, "  %-26s %u, not in the curve: nobody looked, or not all day\n", "days",
                e->days_left_out);
}

static void say_method(FILE *f, const struct hosts_params *p)
{
    fprintf(f, "  %-26s %s\n", "method", hosts_method_name(p->method));
    say_number(f, "contacts of a host a day", &p->contacts, 2, "");
    say_number(f, "share of days with contact", &p->active, 3, "");
    say_number(f, "hosts an address and day", &p->per_address, 3, "");
    say_number(f, "an address is kept", &p->renumber_days, 2, " days");
    for (size_t i = 0; i < p->n_notes; i++)
        fprintf(f, "%s%s\n", i ? "    - " : "  It is assumed that\n    - ", p->notes[i]);
}

static void say_range(FILE *f, const struct kept *k)
{
    const struct estimate *e = &k->e;
    say_heading(f, k);
    say_number(f, "hosts over the range", &e->range.seen, 0, "");
    say_number(f, "alive on the first day", &e->range.alive_first, 0, "");
    say_number(f, "alive on the last day", &e->range.alive_last, 0, "");
    fprintf(f, "  %-26s ", "addresses over the range");
    say_value(f, (double)e->range.addresses, 0);
    if (e->left_out) {
        fputs(" without ", f);
        say_value(f, (double)e->left_out, 0);
        fputs(" that are no victims", f);
    }
    fputc('\n', f);
    if (e->range.ids) {
        fprintf(f, "  %-26s ", "bot ids");
        say_value(f, (double)e->range.ids, 0);
        fputc('\n', f);
    }
    say_decline(f, e);
    say_method(f, &k->params);
}

/* The rows of whole ranges: JSON and CSV as a table of their own, text in words. */
static int put_ranges(struct output *o, enum table_shape shape)
{
    if (shape == TABLE_CSV && o->by != BY_FAMILY)
        return 0; /* one heading a file */
    if (shape == TABLE_TEXT) {
        for (size_t i = 0; i < o->nkept; i++) {
            if (i || o->by != BY_FAMILY)
                putchar('\n');
            say_range(stdout, &o->kept[i]);
        }
        return fflush(stdout) == 0 ? 0 : -1;
    }
    if (o->by == BY_ASN || o->by == BY_COUNTRY)
        return 0;
    struct table *t = table_open(shape, range_columns, stdout);
    for (size_t i = 0; i < o->nkept; i++)
        put_range(t, &o->kept[i]);
    return table_close(t);
}

static int print_estimates(struct casedir *c, const struct cli *cli, size_t grouping,
                           const struct estimate_options *options, uint64_t limit, struct err *err)
{
    struct output o = {.by = groupings[grouping].by, .limit = limit, .census = c->census};
    enum table_shape shape = cli_shape(cli);
    if (groupings[grouping].columns)
        o.rows = table_open(shape, groupings[grouping].columns, stdout);
    int rc = estimate_families(c->census, c->activity, options, take_family, &o, err);
    int out = o.rows ? table_close(o.rows) : 0;
    if (rc == 0 && out == 0)
        out = put_ranges(&o, shape);
    if (rc == 0 && out < 0)
        rc = err_set(err, -1, "output could not be written");
    for (size_t i = 0; i < o.nkept; i++)
        buf_free(&o.kept[i].family);
    free(o.kept);
    return rc;
}

/* Addresses that are no victims. The view that they are told from is large, and let go of. */
static int leave_out(struct casedir *c, struct estimate_options *options)
{
    struct judge *judge;
    struct ip *excluded = NULL;
    int rc =
        judge_new(c->config->cleanup.judged, c->config->cleanup.known_count, c->judgements, &judge);
    if (rc < 0)
        return rc;
    rc = judge_excluded(judge, c->sources, &excluded, &options->n_excluded);
    judge_free(judge);
    sources_close(c->sources);
    c->sources = NULL;
    options->excluded = excluded;
    return rc;
}

int census_estimate(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct estimate_options options = {0};
    struct err err = {0};
    const char *by = cli_get(cli, "by") ? cli_get(cli, "by") : "day";
    uint64_t limit = 0;
    size_t g = 0;
    while (g < sizeof groupings / sizeof *groupings && strcmp(groupings[g].name, by) != 0)
        g++;
    if (g == sizeof groupings / sizeof *groupings)
        return cli_fail(EXIT_USAGE, "--by: with --estimate day, country, asn or family (%s)", by);
    int rc = census_days(cli, &options.since, &options.until);
    if (rc == 0)
        rc = cli_number(cli, "limit", 0, &limit);
    if (rc == 0)
        rc = cli_number(cli, "seed", 1, &options.seed);
    if (rc)
        return rc;
    options.family = span_str(cli_get(cli, "family"));
    rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CENSUS | VIEW_ACTIVITY | VIEW_SOURCES | VIEW_JUDGEMENTS, &err);
    if (rc == 0 && (rc = leave_out(&c, &options)) < 0)
        err_set(&err, rc, "what addresses are taken for could not be told");
    if (rc == 0)
        rc = print_estimates(&c, cli, g, &options, limit, &err);
    free((struct ip *)options.excluded);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
