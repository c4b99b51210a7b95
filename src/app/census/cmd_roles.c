/* ebb census --roles, census explain|judge|overrule */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/case_act.h"
#include "app/census/cmd_census.h"
#include "app/progress.h"
#include "base/mem.h"
#include "event/act_cleanup.h"
#include "state/judge_view.h"

#define TEXT_MAX 1024        /* bytes of a reason or a name */
#define BLOB_MAX (16u << 20) /* of judgements that one entry has; more go on the next */

/* The case with sources and judgements up to date, and a judge. */
static int open_judge(const struct cli *cli, struct casedir *c, struct judge **out, struct err *err)
{
    c->quiet = cli->quiet;
    int rc = casedir_open(c, cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(c, VIEW_SOURCES | VIEW_JUDGEMENTS, err);
    if (rc == 0)
        rc = judge_new(c->config->cleanup.judged, c->config->cleanup.known_count, c->judgements,
                       out);
    return rc;
}

/* ---- census --roles ---- */

static const struct table_column role_columns[] = {
    {"role", "role", TABLE_WORDS},           {"counts", "counts", TABLE_WORDS},
    {"addresses", "addresses", TABLE_COUNT}, {"raw", "raw", TABLE_COUNT},
    {"contacts", "contacts", TABLE_COUNT},   {"families", "families", TABLE_COUNT},
    {"overruled", "overruled", TABLE_COUNT}, {0},
};

struct role_tally {
    uint64_t addresses, raw, contacts, overruled, families;
    uint8_t *family; /* by number: 1 where it was seen */
};

struct roles {
    struct span family; /* asked for */
    int64_t since, until;
    struct role_tally tally[JUDGED_ROLES + 1]; /* the last is all */
    size_t n_families;
};

static bool is_wanted(const struct roles *r, const struct source *row)
{
    return (!r->family.n || span_eq(r->family, row->family)) && row->last_time >= r->since &&
           row->first_time < r->until;
}

static void see_family(struct roles *r, struct role_tally *t, unsigned family)
{
    if (family < r->n_families && !t->family[family]) {
        t->family[family] = 1;
        t->families++;
    }
}

static int tally_address(void *ctx, const struct source *rows, size_t n, const struct judgement *g)
{
    struct roles *r = ctx;
    struct role_tally *to[] = {&r->tally[g->role], &r->tally[JUDGED_ROLES]};
    for (unsigned k = 0; k < 2; k++) {
        bool any = false, own = false;
        for (size_t i = 0; i < n; i++) {
            if (!is_wanted(r, &rows[i]))
                continue;
            any = true;
            own |= rows[i].own > 0;
            to[k]->contacts += rows[i].contacts;
            see_family(r, to[k], rows[i].family_number);
        }
        to[k]->addresses += any;
        to[k]->raw += own;
        to[k]->overruled += any && g->overruled;
    }
    return 0;
}

static int most_family(void *ctx, const struct source *row)
{
    size_t *n = ctx;
    *n = row->family_number >= *n ? row->family_number + 1 : *n;
    return 0;
}

static void print_tally(struct table *t, const char *role, const bool *counts,
                        const struct role_tally *r)
{
    table_str(t, role);
    if (counts)
        table_bool(t, *counts);
    else
        table_empty(t);
    table_uint(t, r->addresses);
    table_uint(t, r->raw);
    table_uint(t, r->contacts);
    table_uint(t, r->families);
    table_uint(t, r->overruled);
    table_row_end(t);
}

/* Infected hosts may be behind the first rows; then all others; then all. */
static int print_roles(const struct cli *cli, const struct roles *r)
{
    struct table *t = table_open(cli_shape(cli), role_columns, stdout);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < JUDGED_ROLES; i++) {
            bool counts = judged_counts((enum judged)i);
            if (counts == !pass)
                print_tally(t, judged_name((enum judged)i), &counts, &r->tally[i]);
        }
    print_tally(t, "all", NULL, &r->tally[JUDGED_ROLES]);
    return table_close(t);
}

static int count_roles(struct casedir *c, struct judge *j, struct roles *r)
{
    sources_each(c->sources, most_family, &r->n_families);
    for (int i = 0; i <= JUDGED_ROLES; i++)
        r->tally[i].family = mem_zeroed(r->n_families, 1);
    return judge_all(j, c->sources, tally_address, r);
}

int census_roles(const struct cli *cli)
{
    struct casedir c = {0};
    struct judge *j = NULL;
    struct roles r = {.family = case_text(cli, "family")};
    struct err err;
    if (cli_has(cli, "by") || cli_has(cli, "estimate") || cli_has(cli, "limit"))
        return cli_fail(EXIT_USAGE, "census --roles: takes --family, --since and --until alone");
    int rc = cli_range(cli, &r.since, &r.until);
    if (rc)
        return rc;
    rc = open_judge(cli, &c, &j, &err);
    if (rc == 0)
        rc = count_roles(&c, j, &r);
    if (rc == 0 && print_roles(cli, &r) < 0)
        rc = err_set(&err, -EIO, "output could not be written");
    for (int i = 0; i <= JUDGED_ROLES; i++)
        free(r.tally[i].family);
    judge_free(j);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- census explain ---- */

#define SOURCES_SHOWN 1000 /* families of one address */

struct rows {
    struct source *v;
    size_t n, cap;
};

static int keep_row(void *ctx, const struct source *row)
{
    struct rows *r = ctx;
    r->v = mem_room(r->v, r->n, &r->cap, sizeof *r->v);
    r->v[r->n++] = *row;
    return r->n == SOURCES_SHOWN;
}

static void put_time(struct json *j, const char *key, int64_t time)
{
    char text[UTC_TEXT_MAX];
    json_key(j, key);
    json_span(j, span_of(text, utc_format(time, text)));
}

static void put_count(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

static void put_flag(struct json *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}

static void put_double(struct json *j, const char *key, double v, int decimals)
{
    json_key(j, key);
    json_double(j, v, decimals);
}

static void put_door_roles(struct json *j, unsigned roles)
{
    static const char *const names[] = {"unjudged", "resolver", "visitor", "sender", "referer"};
    json_key(j, "door_roles");
    json_array(j);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (roles >> i & 1)
            json_str(j, names[i]);
    json_array_end(j);
}

static void put_whose(struct json *j, const struct source *s)
{
    char text[NET_TEXT_MAX];
    json_key(j, "asn");
    s->asn ? json_uint(j, s->asn) : json_null(j);
    json_key(j, "as_name");
    s->as_name.n ? json_span(j, s->as_name) : json_null(j);
    json_key(j, "country");
    s->country[0] ? json_span(j, span_of(s->country, 2)) : json_null(j);
    json_key(j, "network");
    s->network.set ? json_span(j, span_of(text, net_format(&s->network, text))) : json_null(j);
}

static void put_source(struct json *j, const struct source *s)
{
    json_object(j);
    json_key(j, "family");
    json_span(j, s->family);
    put_whose(j, s);
    put_time(j, "first_seen", s->first_time);
    put_time(j, "last_seen", s->last_time);
    put_count(j, "contacts", s->contacts);
    put_count(j, "own", s->own);
    put_count(j, "matched", s->matched);
    put_count(j, "days", s->days);
    put_count(j, "targets", s->targets);
    put_count(j, "names", s->names);
    put_count(j, "paths", s->paths);
    put_count(j, "agents", s->agents);
    put_count(j, "bots", s->bots);
    put_count(j, "hours", (uint64_t)__builtin_popcount(s->hours));
    put_double(j, "gap_mean", s->gap_mean, 1);
    put_double(j, "gap_deviation", s->gap_deviation, 1);
    put_count(j, "new_ids", s->fresh);
    put_count(j, "steps", s->swept);
    put_flag(j, "crawler_agent", s->crawler_agent);
    put_flag(j, "tool_agent", s->tool_agent);
    put_door_roles(j, s->roles);
    put_count(j, "latest", s->index);
    json_object_end(j);
}

static void put_vote(struct json *j, const struct judge_vote *v)
{
    json_object(j);
    json_key(j, "test");
    json_str(j, v->test);
    json_key(j, "role");
    json_str(j, judged_name(v->says));
    put_flag(j, "speaks", v->speaks);
    put_count(j, "weight", v->weight);
    put_double(j, "value", v->value, 3);
    put_double(j, "threshold", v->threshold, 3);
    json_key(j, "unit");
    json_str(j, v->unit);
    json_key(j, "says");
    json_str(j, v->about);
    json_object_end(j);
}

static void put_verdict(struct json *j, const struct judgement *g)
{
    json_key(j, "role");
    json_str(j, judged_name(g->role));
    put_flag(j, "counts", judged_counts(g->role));
    json_key(j, "tests_say");
    json_str(j, judged_name(g->tests_say));
    put_flag(j, "overruled", g->overruled);
    json_key(j, "by");
    g->by.n ? json_span(j, g->by) : json_null(j);
    json_key(j, "why");
    g->why.n ? json_span(j, g->why) : json_null(j);
    json_key(j, "entry");
    g->entry ? json_uint(j, g->entry) : json_null(j);
    json_key(j, "rules");
    json_str(j, judge_rules());
}

static void explain_json(const struct rows *rows, const struct judgement *g,
                         const struct judge_vote *votes, unsigned n)
{
    char text[IP_TEXT_MAX];
    struct buf out = {0};
    struct json j = json_to(&out);
    json_object(&j);
    json_key(&j, "address");
    json_span(&j, span_of(text, ip_format(&rows->v[0].ip, text)));
    put_verdict(&j, g);
    json_key(&j, "tests");
    json_array(&j);
    if (g->n && strcmp(g->tests[0].test, "known-range") == 0)
        put_vote(&j, &g->tests[0]);
    for (unsigned i = 0; i < n; i++)
        put_vote(&j, &votes[i]);
    json_array_end(&j);
    json_key(&j, "sources");
    json_array(&j);
    for (size_t i = 0; i < rows->n; i++)
        put_source(&j, &rows->v[i]);
    json_array_end(&j);
    json_object_end(&j);
    json_newline(&j);
    fwrite(out.p, 1, out.n, stdout);
    buf_free(&out);
}

static const struct table_column vote_columns[] = {
    {"test", "test", TABLE_WORDS},
    {"role", "speaks for", TABLE_WORDS},
    {"speaks", "speaks", TABLE_WORDS},
    {"weight", "weight", TABLE_ID},
    {"value", "measured", TABLE_ID},
    {"threshold", "wants", TABLE_ID},
    {"unit", "unit", TABLE_WORDS},
    {"says", "what it says", TABLE_WORDS},
    {0},
};

static void print_vote(struct table *t, const struct judge_vote *v)
{
    table_str(t, v->test);
    table_str(t, judged_name(v->says));
    table_bool(t, v->speaks);
    table_uint(t, v->weight);
    table_double(t, v->value, v->threshold < 1 ? 3 : 1);
    table_double(t, v->threshold, v->threshold < 1 ? 2 : 0);
    table_str(t, v->unit);
    table_str(t, v->about);
    table_row_end(t);
}

static const struct table_column source_columns[] = {
    {"family", "family", TABLE_WORDS},
    {"first_seen", "first seen", TABLE_WORDS},
    {"last_seen", "last seen", TABLE_WORDS},
    {"days", "days", TABLE_COUNT},
    {"contacts", "contacts", TABLE_COUNT},
    {"own", "own", TABLE_COUNT},
    {"matched", "matched", TABLE_COUNT},
    {"targets", "targets", TABLE_COUNT},
    {"paths", "paths", TABLE_COUNT},
    {"agents", "agents", TABLE_COUNT},
    {"bots", "bots", TABLE_COUNT},
    {"latest", "latest", TABLE_ID},
    {0},
};

static void print_source(struct table *t, const struct source *s)
{
    char text[UTC_TEXT_MAX];
    table_text(t, s->family);
    table_text(t, span_of(text, utc_format(s->first_time, text)));
    table_text(t, span_of(text, utc_format(s->last_time, text)));
    table_uint(t, s->days);
    table_uint(t, s->contacts);
    table_uint(t, s->own);
    table_uint(t, s->matched);
    table_uint(t, s->targets);
    table_uint(t, s->paths);
    table_uint(t, s->agents);
    table_uint(t, s->bots);
    table_uint(t, s->index);
    table_row_end(t);
}

static const struct table_column verdict_columns[] = {
    {"address", "address", TABLE_WORDS},
    {"role", "role", TABLE_WORDS},
    {"tests_say", "by tests", TABLE_WORDS},
    {"by", "overruled by", TABLE_WORDS},
    {"why", "why", TABLE_WORDS},
    {"entry", "entry", TABLE_ID},
    {0},
};

static void print_verdict(const struct source *s, const struct judgement *g)
{
    char text[IP_TEXT_MAX];
    struct table *t = table_open(TABLE_TEXT, verdict_columns, stdout);
    table_text(t, span_of(text, ip_format(&s->ip, text)));
    table_str(t, judged_name(g->role));
    table_str(t, judged_name(g->tests_say));
    table_text(t, g->by);
    table_text(t, g->why);
    if (g->entry)
        table_uint(t, g->entry);
    table_row_end(t);
    table_close(t);
    putchar('\n');
}

static void explain_tables(enum table_shape shape, const struct rows *rows,
                           const struct judgement *g, const struct judge_vote *votes, unsigned n)
{
    if (shape == TABLE_TEXT)
        print_verdict(&rows->v[0], g);
    struct table *t = table_open(shape, vote_columns, stdout);
    if (g->n && strcmp(g->tests[0].test, "known-range") == 0)
        print_vote(t, &g->tests[0]);
    for (unsigned i = 0; i < n; i++)
        print_vote(t, &votes[i]);
    table_close(t);
    if (shape != TABLE_TEXT)
        return;
    putchar('\n');
    t = table_open(shape, source_columns, stdout);
    for (size_t i = 0; i < rows->n; i++)
        print_source(t, &rows->v[i]);
    table_close(t);
}

static int explain(const struct cli *cli, struct casedir *c, struct judge *j, const struct ip *ip,
                   struct err *err)
{
    struct rows rows = {0};
    struct judgement g;
    struct judge_vote votes[JUDGE_TESTS_MAX];
    sources_of(c->sources, ip, keep_row, &rows);
    if (!rows.n)
        return err_set(err, -ENOENT, "never made contact (%s)", cli->args[0]);
    judge_learn(j, c->sources);
    judge_address(j, rows.v, rows.n, &g);
    unsigned n = judge_measure(j, rows.v, rows.n, votes);
    if (cli_shape(cli) == TABLE_JSON)
        explain_json(&rows, &g, votes, n);
    else
        explain_tables(cli_shape(cli), &rows, &g, votes, n);
    free(rows.v);
    return 0;
}

int cmd_census_explain(const struct cli *cli)
{
    struct casedir c = {0};
    struct judge *j = NULL;
    struct ip ip;
    struct err err;
    if (cli->n_args != 1 || !ip_parse(span_str(cli->args[0]), &ip) || !ip_is_set(&ip))
        return cli_fail(EXIT_USAGE, "census explain: wants one address");
    int rc = open_judge(cli, &c, &j, &err);
    if (rc == 0)
        rc = explain(cli, &c, j, &ip, &err);
    judge_free(j);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- census judge ---- */

struct judging {
    struct judgements *view;
    struct buf *blobs; /* as many as it takes, BLOB_MAX each about */
    uint64_t *rows;    /* of each */
    size_t n, cap, cap_rows;
    uint64_t victims, others, all;
};

static struct buf *room_for_row(struct judging *g)
{
    if (!g->n || g->blobs[g->n - 1].n >= BLOB_MAX) {
        g->blobs = mem_room(g->blobs, g->n, &g->cap, sizeof *g->blobs);
        g->rows = mem_room(g->rows, g->n, &g->cap_rows, sizeof *g->rows);
        g->blobs[g->n] = (struct buf){0};
        g->rows[g->n] = 0;
        buf_str(&g->blobs[g->n++], JUDGE_ROWS_HEADING);
    }
    g->rows[g->n - 1]++;
    return &g->blobs[g->n - 1];
}

static int see_judgement(void *ctx, const struct source *rows, size_t n, const struct judgement *j)
{
    struct judging *g = ctx;
    char text[IP_TEXT_MAX];
    uint64_t entry;
    judged_counts(j->role) ? g->victims++ : g->others++;
    if (judgements_logged(g->view, &rows[0].ip, &entry) == j->tests_say)
        return 0;
    struct buf *out = room_for_row(g);
    g->all++;
    buf_put(out, text, ip_format(&rows[0].ip, text));
    buf_printf(out, ",%s,", judged_name(j->tests_say));
    for (unsigned i = 0, told = 0; i < j->n; i++)
        if (j->tests[i].says == j->tests_say)
            buf_printf(out, "%s%s", told++ ? " " : "", j->tests[i].test);
    buf_byte(out, '\n');
    return 0;
}

static int journal_judgements(const struct cli *cli, struct judging *g, uint64_t position,
                              uint64_t *index, struct err *err)
{
    struct case_act *acts = mem_zeroed(g->n, sizeof *acts);
    struct buf *payloads = mem_zeroed(g->n, sizeof *payloads);
    for (size_t i = 0; i < g->n; i++) {
        uint8_t digest[SHA256_LEN];
        sha256(g->blobs[i].p, g->blobs[i].n, digest);
        const struct act_roles_judged a = {.position = position,
                                           .rules = span_str(judge_rules()),
                                           .sha256 = span_of(digest, SHA256_LEN),
                                           .rows = g->rows[i],
                                           .victims = g->victims,
                                           .others = g->others};
        act_roles_judged(&payloads[i], &a);
        acts[i] = (struct case_act){.kind = KIND_ROLES_JUDGED,
                                    .payload = buf_as_span(&payloads[i]),
                                    .blob = buf_as_span(&g->blobs[i])};
    }
    int rc = g->n ? case_acts(cli, acts, g->n, err) : 0;
    *index = rc == 0 && g->n ? acts[g->n - 1].index : 0;
    for (size_t i = 0; i < g->n; i++)
        buf_free(&payloads[i]);
    free(payloads);
    free(acts);
    return rc;
}

static const struct table_column judged_columns[] = {
    {"changed", "changed", TABLE_COUNT}, {"victims", "victims", TABLE_COUNT},
    {"others", "others", TABLE_COUNT},   {"rules", "rules", TABLE_WORDS},
    {"index", "entry", TABLE_ID},        {0},
};

static int print_judged(const struct cli *cli, const struct judging *g, uint64_t index)
{
    struct table *t = table_open(cli_shape(cli), judged_columns, stdout);
    table_uint(t, g->all);
    table_uint(t, g->victims);
    table_uint(t, g->others);
    table_str(t, judge_rules());
    if (g->n)
        table_uint(t, index);
    table_row_end(t);
    return table_close(t);
}

int cmd_census_judge(const struct cli *cli)
{
    struct casedir c = {0};
    struct judge *j = NULL;
    struct judging g = {0};
    struct err err;
    uint64_t position = 0, index = 0;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "census judge: takes no argument (%s)", cli->args[0]);
    int rc = open_judge(cli, &c, &j, &err);
    if (rc == 0) {
        g.view = c.judgements;
        position = sources_position(c.sources);
        rc = judge_all(j, c.sources, see_judgement, &g);
    }
    judge_free(j);
    casedir_close(&c, NULL);
    if (rc == 0)
        rc = journal_judgements(cli, &g, position, &index, &err);
    if (rc == 0 && print_judged(cli, &g, index) < 0)
        rc = err_set(&err, -EIO, "output could not be written");
    for (size_t i = 0; i < g.n; i++)
        buf_free(&g.blobs[i]);
    free(g.blobs);
    free(g.rows);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- census overrule ---- */

struct finding {
    const struct net *network;
    bool found;
};

static int find_overruling(void *ctx, const struct judge_overruling *o)
{
    struct finding *f = ctx;
    f->found |= o->network.bits == f->network->bits &&
                memcmp(&o->network.ip, &f->network->ip, sizeof o->network.ip) == 0;
    return f->found;
}

/* What is taken back must be there. */
static int check_there(const struct cli *cli, const struct net *network, struct err *err)
{
    struct casedir c = {0};
    struct finding f = {.network = network};
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_JUDGEMENTS, err);
    if (rc == 0) {
        judgements_overrulings(c.judgements, find_overruling, &f);
        if (!f.found)
            rc = err_set(err, -ENOENT, "nobody overruled that (%s)", cli->args[0]);
    }
    casedir_close(&c, NULL);
    return rc;
}

static bool is_line(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return s.n <= TEXT_MAX && span_is_utf8(s);
}

int cmd_census_overrule(const struct cli *cli)
{
    struct net network;
    struct err err;
    char text[NET_TEXT_MAX];
    struct span role = case_text(cli, "role");
    if (cli->n_args != 1 || !net_parse_any(span_str(cli->args[0]), &network) ||
        !ip_is_set(&network.ip))
        return cli_fail(EXIT_USAGE, "census overrule: wants one address or network");
    if (role.n && judged_of_name(role) < 0)
        return cli_fail(EXIT_USAGE, "--role: no such role (%s)", cli_get(cli, "role"));
    struct act_role_overruled a = {.network = span_of(text, net_format(&network, text)),
                                   .role = role,
                                   .by = case_text(cli, "by"),
                                   .why = case_text(cli, "why")};
    if (!a.why.n)
        return cli_fail(EXIT_USAGE, "census overrule: wants --why");
    if (!is_line(a.why) || !is_line(a.by))
        return cli_fail(EXIT_USAGE, "--why, --by: one line of UTF-8, %d bytes at most", TEXT_MAX);
    if (!a.by.n)
        a.by = span_str("operator");
    int rc = role.n ? 0 : check_there(cli, &network, &err);
    if (rc == 0) {
        struct buf payload = {0};
        act_role_overruled(&payload, &a);
        struct case_act act = {.kind = KIND_ROLE_OVERRULED, .payload = buf_as_span(&payload)};
        rc = case_acts(cli, &act, 1, &err);
        buf_free(&payload);
        if (rc == 0)
            printf("%s is %s (entry %llu)\n", text,
                   role.n ? cli_get(cli, "role") : "what the tests say",
                   (unsigned long long)act.index);
    }
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
