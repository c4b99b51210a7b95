/* ebb cleanup effect: those told beside those held back by lot */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cleanup/cleanup_plan.h"
#include "app/casedir.h"
#include "app/cli.h"
#include "base/mem.h"
#include "view/effect.h"

#define VIEWS        (VIEW_ACTIVITY | VIEW_SOURCES | VIEW_JUDGEMENTS | VIEW_CONTACTS | VIEW_CLEANUP)
#define CLUSTERS_MIN 4 /* of each arm, for a claim */

#define NOTE                                                                                       \
    "addresses are watched, not hosts: renumbering ends an address's life in both arms alike, "    \
    "and since arms are drawn by network this pulls the ratio towards 1, not away from it"

static const struct table_column columns[] = {
    {"arm", "arm", TABLE_WORDS},
    {"contacts", "contacts", TABLE_COUNT},
    {"reached", "reached", TABLE_COUNT},
    {"addresses", "addresses", TABLE_COUNT},
    {"spells", NULL, TABLE_COUNT},
    {"cleaned", "cleaned", TABLE_COUNT},
    {"cleaned_percent", "%", TABLE_COUNT},
    {"median_days", "median days", TABLE_COUNT},
    {"median_low", NULL, TABLE_COUNT},
    {"median_high", NULL, TABLE_COUNT},
    {"hazard_ratio", "hazard ratio", TABLE_COUNT},
    {"low", "low", TABLE_COUNT},
    {"high", "high", TABLE_COUNT},
    {"p", "p", TABLE_COUNT},
    {"randomised", NULL, TABLE_WORDS},
    {"method", "method", TABLE_WORDS},
    {"note", NULL, TABLE_WORDS},
    {0},
};
static const struct table_column curve_columns[] = {
    {"arm", "arm", TABLE_WORDS},
    {"day", "day", TABLE_COUNT},
    {"at_risk", "at risk", TABLE_COUNT},
    {"cleaned", "cleaned", TABLE_COUNT},
    {"censored", NULL, TABLE_COUNT},
    {"share", "still infected", TABLE_COUNT},
    {"low", "low", TABLE_COUNT},
    {"high", "high", TABLE_COUNT},
    {0},
};

struct output {
    const struct cli *cli;
    struct casedir c;
    struct effect e;
    struct table *table;
    enum effect_by by;
    uint64_t seed;
    uint32_t gone_days;
};

/* ---- whom addresses belong to ---- */

static bool contact_of(void *ctx, const struct source *s, struct span *mail)
{
    const struct config_network *own;
    return cleanup_whom(ctx, s, mail, &own) == WHOM_CONTACT;
}

/* ---- rows ---- */

static const char *const arm_names[2] = {"control", "told"};

static void put_curve(struct output *o, const struct survival *s, bool treated, const char *name)
{
    struct survival_row *rows;
    size_t n = survival_curve(s, treated, &rows);
    for (size_t i = 0; i < n; i++) {
        table_str(o->table, name);
        table_int(o->table, rows[i].time);
        table_uint(o->table, rows[i].at_risk);
        table_uint(o->table, rows[i].events);
        table_uint(o->table, rows[i].censored);
        table_double(o->table, rows[i].share, 4);
        table_double(o->table, rows[i].low, 4);
        table_double(o->table, rows[i].high, 4);
        table_row_end(o->table);
    }
    free(rows);
}

/* One arm or group: how many, how fast. */
static void put_arm(struct output *o, const struct survival *s, bool treated, struct span name,
                    const struct effect_arm *arm)
{
    struct survival_row *rows;
    size_t n = survival_curve(s, treated, &rows);
    struct survival_median median = survival_median(rows, n);
    table_text(o->table, name);
    table_uint(o->table, arm->contacts);
    table_uint(o->table, arm->reached);
    if (o->by) /* an address is not looked for in a group */
        table_empty(o->table);
    else
        table_uint(o->table, arm->addresses);
    table_uint(o->table, arm->spells);
    table_uint(o->table, arm->cleaned);
    table_double(o->table, arm->spells ? 100 * (1 - rows[n - 1].share) : NAN, 1);
    table_double(o->table, median.value, 0);
    table_double(o->table, median.low, 0);
    table_double(o->table, median.high, 0);
    free(rows);
}

static void put_no_ratio(struct output *o, const char *method)
{
    for (int i = 0; i < 4; i++)
        table_empty(o->table);
    table_bool(o->table, o->e.has_trial && !o->by);
    table_str(o->table, method);
    table_row_end(o->table);
}

static void put_ratio(struct output *o, const struct survival_cox *cox, double p,
                      const char *method)
{
    table_double(o->table, cox->state == SURVIVAL_FITTED ? cox->ratio : NAN, 3);
    table_double(o->table, cox->low, 3);
    table_double(o->table, cox->high, 3);
    table_double(o->table, p, 5);
    table_bool(o->table, o->e.has_trial && !o->by);
    table_str(o->table, method);
    table_str(o->table, NOTE);
    table_row_end(o->table);
}

/* ---- the trial ---- */

static void put_comparison(struct output *o)
{
    struct survival_cox cox;
    struct survival_permutation perm;
    char method[160];
    survival_cox(&o->e.survival, &cox);
    survival_permute(&o->e.survival, o->seed, 0, &perm);
    table_str(o->table, "told / control");
    for (int i = 0; i < 9; i++)
        table_empty(o->table);
    snprintf(method, sizeof method,
             "Cox (Efron), error by contact (%zu); p: arms permuted among contacts, %u draws, seed "
             "%llu",
             cox.clusters, perm.draws, (unsigned long long)o->seed);
    put_ratio(o, &cox, perm.p, method);
}

/* Why there is nothing to claim; NULL: there is. */
static const char *no_claim(const struct effect *e)
{
    if (!e->has_trial)
        return "there is no control arm (`ebb cleanup trial` draws one): hosts that nobody is told "
               "of get clean, too (58-74% in Cetin et al., NDSS 2019), so these rates are no "
               "effect of the reports";
    if (e->arm[0].contacts < CLUSTERS_MIN || e->arm[1].contacts < CLUSTERS_MIN)
        return "too few contacts in an arm of the trial";
    if (!e->arm[0].spells || !e->arm[1].spells)
        return "no infected address was watched in one of the arms (yet: an address is clean when "
               "it was not seen for gone-days, so the data must reach so far behind the trial's "
               "begin)";
    return NULL;
}

static void say(const struct output *o)
{
    const struct effect *e = &o->e;
    char from[UTC_TEXT_MAX], until[UTC_TEXT_MAX];
    if (o->cli->quiet)
        return;
    from[utc_format_date(e->begin * UTC_DAY, from)] = 0;
    until[utc_format_date(e->end * UTC_DAY, until)] = 0;
    fprintf(stderr, "ebb: watched from %s to %s; clean: not seen for %u days. %s.\n", from, until,
            o->gone_days, NOTE);
    if (o->by) {
        fputs("ebb: networks chose their channel and format, no lot did: differences between "
              "these rows may be differences between networks\n",
              stderr);
        return;
    }
    if (e->has_trial && e->arm[0].reached)
        fprintf(stderr,
                "ebb: %llu controls were sent reports while the trial ran: they count as controls, "
                "which pulls the ratio towards 1\n",
                (unsigned long long)e->arm[0].reached);
    if (e->has_trial && e->arm[1].reached < e->arm[1].contacts)
        fprintf(stderr,
                "ebb: %llu of the %llu contacts drawn to be told were not reached: they count as "
                "told (as drawn), which pulls the ratio towards 1\n",
                (unsigned long long)(e->arm[1].contacts - e->arm[1].reached),
                (unsigned long long)e->arm[1].contacts);
}

static void put_trial(struct output *o)
{
    const struct effect *e = &o->e;
    for (int arm = 1; arm >= (e->has_trial ? 0 : 1); arm--) {
        if (cli_has(o->cli, "curves")) {
            put_curve(o, &e->survival, arm, arm_names[arm]);
            continue;
        }
        put_arm(o, &e->survival, arm, span_str(arm_names[arm]), &e->arm[arm]);
        put_no_ratio(o, "Kaplan-Meier");
    }
    if (!no_claim(e) && !cli_has(o->cli, "curves"))
        put_comparison(o);
}

/* ---- told contacts by what they got ---- */

/* How many of each group; `in` marks group g's clusters, `others` those that are neither of g nor
 * of `base`. */
static struct effect_arm group_of(const struct effect *e, size_t g, size_t base, bool *in,
                                  bool *others)
{
    struct effect_arm arm = {0};
    for (size_t c = 0; c < e->survival.clusters; c++) {
        bool told = e->survival.treated[c] && e->group[c] != EFFECT_NO_GROUP;
        in[c] = told && e->group[c] == g;
        others[c] = !in[c] && !(told && e->group[c] == base);
        arm.contacts += in[c];
    }
    arm.reached = arm.contacts;
    for (size_t i = 0; i < e->survival.n; i++)
        if (in[e->survival.units[i].cluster] &&
            e->survival.units[i].entry < e->survival.units[i].end) {
            arm.spells++;
            arm.cleaned += e->survival.units[i].event;
        }
    return arm;
}

static void put_group(struct output *o, size_t g, size_t base, bool *in, bool *others)
{
    struct survival s;
    struct survival_cox cox;
    struct effect_arm arm = group_of(&o->e, g, base, in, others);
    effect_pick(&o->e, in, others, &s);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)o->e.groups[g].n, (const char *)o->e.groups[g].p);
    if (cli_has(o->cli, "curves")) {
        put_curve(o, &s, true, name);
    } else {
        put_arm(o, &s, true, o->e.groups[g], &arm);
        if (g == base) {
            put_no_ratio(o, "told, not randomised: what the others are compared with");
        } else {
            survival_cox(&s, &cox);
            put_ratio(o, &cox, NAN,
                      "told, not randomised: a description, not an effect; Cox, error by contact");
        }
    }
    free((void *)s.units);
}

/* The group with most contacts is what others are compared with. */
static void put_groups(struct output *o)
{
    const struct effect *e = &o->e;
    size_t base = 0, most = 0;
    bool *in = mem_zeroed(e->survival.clusters, sizeof *in);
    bool *others = mem_zeroed(e->survival.clusters, sizeof *others);
    for (size_t g = 0; g < e->n_groups; g++) {
        size_t n = group_of(e, g, g, in, others).contacts;
        if (n > most) {
            most = n;
            base = g;
        }
    }
    for (size_t g = 0; g < e->n_groups; g++)
        if (group_of(e, g, g, in, others).contacts)
            put_group(o, g, base, in, others);
    free(others);
    free(in);
}

/* ---- the command ---- */

static int options(const struct cli *cli, struct output *o, struct effect_options *e)
{
    const char *by = cli_get(cli, "by");
    uint64_t gone;
    int rc = cli_range(cli, &e->since, &e->until);
    if (rc == 0)
        rc = cli_number(cli, "seed", 1, &o->seed);
    if (rc == 0)
        rc = cli_number(cli, "gone-days", 0, &gone);
    if (rc)
        return rc;
    if (gone > EFFECT_DAYS_MAX / 2 || (!gone && cli_has(cli, "gone-days")))
        return cli_fail(EXIT_USAGE, "--gone-days: 1 to %d", EFFECT_DAYS_MAX / 2);
    if (by && strcmp(by, "channel") != 0 && strcmp(by, "format") != 0)
        return cli_fail(EXIT_USAGE, "--by: channel or format (%s)", by);
    o->by = !by ? EFFECT_BY_NONE : *by == 'c' ? EFFECT_BY_CHANNEL : EFFECT_BY_FORMAT;
    e->by = o->by;
    e->gone_days = (uint32_t)gone;
    e->trial = span_str(cli_get(cli, "trial"));
    e->family = span_str(cli_get(cli, "family"));
    return 0;
}

static int compute(struct output *o, struct effect_options *e, struct err *err)
{
    struct casedir *c = &o->c;
    struct effect_source from = {.contact = contact_of, .ctx = c};
    int rc = casedir_open(c, o->cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(c, VIEWS, err);
    if (rc < 0)
        return rc;
    const struct config_cleanup *config = &c->config->cleanup;
    if (!e->gone_days)
        e->gone_days = config->gone_days;
    if (e->gone_days > EFFECT_DAYS_MAX / 2)
        e->gone_days = EFFECT_DAYS_MAX / 2;
    o->gone_days = e->gone_days;
    rc = judge_new(config->judged, config->known_count, c->judgements, &from.judge);
    if (rc < 0)
        return err_set(err, rc, "no judge");
    from.cleanup = c->cleanup;
    from.activity = c->activity;
    from.sources = c->sources;
    rc = effect_of(&from, e, &o->e, err);
    judge_free(from.judge);
    return rc;
}

/* Behind the table: what it rests on, and whether anything may be said. */
static int finish(const struct output *o)
{
    const char *why = o->by ? NULL : no_claim(&o->e);
    say(o);
    return why ? cli_fail(EXIT_FAILED, "no claim can be made: %s", why) : EXIT_DONE;
}

int cmd_cleanup_effect(const struct cli *cli)
{
    struct output o = {.cli = cli, .c = {.quiet = cli->quiet}};
    struct effect_options e = {0};
    struct err err;
    int code;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "cleanup effect: takes no argument (%s)", cli->args[0]);
    int rc = options(cli, &o, &e);
    if (rc)
        return rc;
    rc = compute(&o, &e, &err);
    if (rc < 0) {
        code = cli_err(&err);
    } else {
        bool curves = cli_has(cli, "curves");
        o.table = table_open(cli_shape(cli), curves ? curve_columns : columns, stdout);
        if (o.by)
            put_groups(&o);
        else
            put_trial(&o);
        rc = table_close(o.table);
        code = rc < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : finish(&o);
    }
    effect_free(&o.e);
    casedir_close(&o.c, NULL);
    return code;
}
