/* ebb case asset add|list|release */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "app/case/case_name.h"
#include "base/ip.h"
#include "net/authority.h"
#include "net/policy.h"

/* Wider than these, a network is somebody's whole business: with --force only. */
#define WIDEST_V4 8
#define WIDEST_V6 20

static const struct table_column done_columns[] = {
    {"name", "name", TABLE_WORDS}, {"index", "entry", TABLE_ID}, {0}};

/* ---- the options that add and import share ---- */

int case_asset_options(const struct cli *cli)
{
    static const char *const names[] = {"family", "policy", "registrar", "note"};
    if (!cli_get(cli, "order"))
        return cli_fail(EXIT_USAGE, "%s: wants --order", cli->command);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct span s = case_text(cli, names[i]);
        if (s.n > AUTHORITY_TEXT_MAX || !span_is_utf8(s))
            return cli_fail(EXIT_USAGE, "--%s: more than %d bytes, or not UTF-8", names[i],
                            AUTHORITY_TEXT_MAX);
    }
    return 0;
}

int case_check_policy(struct casedir *c, const char *name, struct err *err)
{
    if (!name || strcmp(name, POLICY_DEFAULT) == 0)
        return 0;
    for (unsigned i = 0; i < c->config->serve.policies_count; i++)
        if (strcmp(c->config->serve.policies[i].name, name) == 0)
            return 0;
    return err_set(err, -ENOENT, "no such policy in %s (%s)", CONFIG_FILE, name);
}

/* An asset's times must meet its order's. */
int case_check_times(const struct case_order *order, const char *id, int64_t from, int64_t until,
                     struct err *err)
{
    char text[UTC_TEXT_MAX];
    if (until <= from)
        return err_set(err, -EINVAL, "it ends before it begins (--from, --until)");
    if (from >= order->until) {
        utc_format(order->until, text);
        return err_set(err, -EINVAL, "order %s ends on %s, before it begins", id, text);
    }
    if (until <= order->from) {
        utc_format(order->from, text);
        return err_set(err, -EINVAL, "order %s begins on %s, after it ends", id, text);
    }
    return 0;
}

/* ---- asset add ---- */

struct adding {
    const struct cli *cli;
    struct casedir c;
    struct case_order order;
    struct case_suffixes *suffixes;
    struct act_asset asset; /* what all have in common */
    struct case_name name;
    uint64_t there;
};

static int check_width(struct adding *a, const char *text, struct err *err)
{
    struct net net;
    bool force = cli_has(a->cli, "force");
    if (force)
        return 0;
    if (a->name.kind == ASSET_DOMAIN || a->name.kind == ASSET_WILDCARD)
        return case_suffixes_has(a->suffixes, a->name.name)
                   ? err_set(
                         err, -EPERM,
                         "%s: a public suffix: everybody's names below it would be answered for "
                         "(--force to do so)",
                         text)
                   : 0;
    if (a->name.kind == ASSET_NETWORK && net_parse(span_str(a->name.name), &net) &&
        net.bits < (ip_is_v4(&net.ip) ? WIDEST_V4 : WIDEST_V6))
        return err_set(err, -EPERM, "%s: a very wide network (--force to take it)", text);
    return 0;
}

static int is_same(void *ctx, const struct casebook_asset *there)
{
    struct adding *a = ctx;
    bool over = there->state == CASEBOOK_RELEASED || there->state == CASEBOOK_CLOSED ||
                there->state == CASEBOOK_EXPIRED;
    if (!over && there->act.kind == a->name.kind && there->act.port == a->name.port &&
        span_is(there->act.transport, a->name.transport) && there->act.from < a->asset.until &&
        a->asset.from < there->act.until &&
        (a->name.kind == ASSET_PORT || span_is(there->act.name, a->name.name)))
        a->there = there->entry;
    return 0;
}

static int check_new(struct adding *a, const char *text, struct err *err)
{
    struct casebook_clock clock = {utc_now(), 0};
    struct casebook_asset_query q = {
        .order = a->order.entry, .name = span_str(a->name.name), .kind = &a->name.kind};
    a->there = 0;
    int rc = casebook_assets(a->c.casebook, &q, &clock, is_same, a, err);
    if (rc == 0 && a->there)
        rc = err_set(err, -EEXIST, "%s: an asset under this order already (entry %llu)", text,
                     (unsigned long long)a->there);
    return rc;
}

/* One name of the command line: checked, and its act written. */
static int prepare(struct adding *a, const char *text, struct buf *payload, struct err *err)
{
    const char *kind = cli_get(a->cli, "kind");
    const char *why = case_name_parse(text, &a->name);
    if (why)
        return err_set(err, -EINVAL, "%s: %s", text, why);
    if (kind && case_kind(kind) != a->name.kind)
        return err_set(err, -EINVAL, "%s: not a %s but a %s", text, kind,
                       act_asset_kind_name(a->name.kind));
    int rc = check_width(a, text, err);
    if (rc == 0)
        rc = check_new(a, text, err);
    if (rc < 0)
        return rc;
    a->asset.kind = a->name.kind;
    a->asset.name = span_str(a->name.name);
    a->asset.port = a->name.port;
    a->asset.transport = span_str(a->name.transport);
    act_asset(payload, &a->asset);
    return 0;
}

static int by_payload(const void *x, const void *y)
{
    const struct buf *a = x, *b = y;
    return span_cmp(buf_as_span(a), buf_as_span(b));
}

/* Two that are the same came from two names that are. */
static int check_repeats(const struct buf *payload, size_t n, struct err *err)
{
    struct buf *sorted = malloc((n + 1) * sizeof *sorted);
    int rc = 0;
    if (!sorted)
        abort();
    memcpy(sorted, payload, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_payload);
    for (size_t i = 1; rc == 0 && i < n; i++)
        if (by_payload(&sorted[i - 1], &sorted[i]) == 0)
            rc = err_set(err, -EEXIST, "the same name is given twice");
    free(sorted);
    return rc;
}

static int prepare_all(struct adding *a, struct buf *payload, struct err *err)
{
    const struct cli *cli = a->cli;
    int rc = case_open(cli, &a->c, err);
    if (rc == 0)
        rc = case_open_order(&a->c, cli_get(cli, "order"), utc_now(), &a->order, err);
    if (rc == 0)
        rc = case_check_policy(&a->c, cli_get(cli, "policy"), err);
    if (rc == 0)
        rc = case_check_times(&a->order, cli_get(cli, "order"), a->asset.from, a->asset.until, err);
    if (rc < 0)
        return rc;
    a->asset.order = a->order.entry;
    a->suffixes = case_suffixes_open();
    if (!a->suffixes)
        return err_set(err, -ENOENT, "no list of public suffixes on this machine");
    for (unsigned i = 0; rc == 0 && i < cli->n_args; i++)
        rc = prepare(a, cli->args[i], &payload[i], err);
    case_suffixes_close(a->suffixes);
    return rc == 0 ? check_repeats(payload, cli->n_args, err) : rc;
}

static int print_done(const struct cli *cli, const struct case_act *acts, const char *const *names,
                      size_t n)
{
    struct table *t = table_open(cli_shape(cli), done_columns, stdout);
    for (size_t i = 0; i < n; i++) {
        table_str(t, names[i]);
        table_uint(t, acts[i].index);
        table_row_end(t);
    }
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

static int add_all(struct adding *a, struct buf *payload, struct case_act *acts, struct err *err)
{
    int rc = prepare_all(a, payload, err);
    casedir_close(&a->c, NULL);
    for (unsigned i = 0; i < a->cli->n_args; i++)
        acts[i] = (struct case_act){.kind = KIND_ASSET, .payload = buf_as_span(&payload[i])};
    return rc == 0 ? case_acts(a->cli, acts, a->cli->n_args, err) : rc;
}

int cmd_case_asset_add(const struct cli *cli)
{
    struct adding a = {.cli = cli,
                       .asset = {.family = case_text(cli, "family"),
                                 .policy = case_text(cli, "policy"),
                                 .registrar = case_text(cli, "registrar"),
                                 .note = case_text(cli, "note"),
                                 .identify = !cli_has(cli, "no-identify")}};
    const char *kind = cli_get(cli, "kind");
    struct err err;
    if (!cli->n_args)
        return cli_fail(EXIT_USAGE, "case asset add: wants a name, address, network or port:N");
    if (kind && case_kind(kind) == ASSET_KINDS)
        return cli_fail(EXIT_USAGE, "--kind: domain, wildcard, address, network or port (%s)",
                        kind);
    int rc = case_asset_options(cli);
    if (rc == 0)
        rc = case_time(cli, "from", utc_now(), &a.asset.from);
    if (rc == 0)
        rc = case_time(cli, "until", ACT_FOREVER, &a.asset.until);
    if (rc == 0)
        rc = case_time(cli, "registered-until", ACT_FOREVER, &a.asset.registered_until);
    if (rc)
        return rc;
    struct buf *payload = calloc(cli->n_args, sizeof *payload);
    struct case_act *acts = calloc(cli->n_args, sizeof *acts);
    if (!payload || !acts)
        abort();
    rc = add_all(&a, payload, acts, &err);
    rc = rc < 0 ? cli_err(&err) : print_done(cli, acts, cli->args, cli->n_args);
    for (unsigned i = 0; i < cli->n_args; i++)
        buf_free(&payload[i]);
    free(payload);
    free(acts);
    return rc;
}

/* ---- asset list ---- */

static const struct table_column list_columns[] = {
    {"name", "name", TABLE_WORDS},
    {"kind", "kind", TABLE_WORDS},
    {"state", "state", TABLE_WORDS},
    {"order", "order", TABLE_WORDS},
    {"family", "family", TABLE_WORDS},
    {"policy", "policy", TABLE_WORDS},
    {"names", "names", TABLE_COUNT},
    {"from", "from", TABLE_WORDS},
    {"end", "end", TABLE_WORDS},
    {"index", "entry", TABLE_ID},
    {"until", NULL, TABLE_WORDS},
    {"port", NULL, TABLE_ID},
    {"transport", NULL, TABLE_WORDS},
    {"registrar", NULL, TABLE_WORDS},
    {"registered_until", NULL, TABLE_WORDS},
    {"identify", NULL, TABLE_WORDS},
    {"released", NULL, TABLE_WORDS},
    {"released_why", NULL, TABLE_WORDS},
    {"note", NULL, TABLE_WORDS},
    {0},
};

struct asset_list {
    struct table *t;
    const char *state;
    const struct case_name *want; /* NULL: any */
};

static bool is_wanted(const struct asset_list *l, const struct casebook_asset *a)
{
    if (l->state && strcmp(l->state, casebook_state_name(a->state)) != 0)
        return false;
    return !l->want || !l->want->port || l->want->port == a->act.port;
}

static int put_asset(void *ctx, const struct casebook_asset *a)
{
    struct asset_list *l = ctx;
    char name[CASE_NAME_MAX + 16];
    if (!is_wanted(l, a))
        return 0;
    case_name_format(&a->act, name, sizeof name);
    if (a->list)
        table_text(l->t, a->act.name);
    else
        table_str(l->t, name);
    table_str(l->t, a->list ? "list" : act_asset_kind_name(a->act.kind));
    table_str(l->t, casebook_state_name(a->state));
    table_text(l->t, a->order);
    table_text(l->t, a->act.family);
    table_text(l->t, a->act.policy);
    table_uint(l->t, a->names);
    case_put_time(l->t, a->act.from);
    case_put_time(l->t, a->end);
    table_uint(l->t, a->entry);
    case_put_time(l->t, a->act.until);
    if (a->act.port)
        table_uint(l->t, a->act.port);
    else
        table_empty(l->t);
    table_text(l->t, a->act.transport);
    table_text(l->t, a->act.registrar);
    case_put_time(l->t, a->act.registered_until);
    table_bool(l->t, a->act.identify);
    case_put_time(l->t, a->released);
    table_text(l->t, a->released_why);
    table_text(l->t, a->act.note);
    table_row_end(l->t);
    return 0;
}

static int list_query(const struct cli *cli, struct casebook_asset_query *q, struct case_name *name,
                      enum act_asset_kind *kind)
{
    const char *kind_name = cli_get(cli, "kind"), *text = cli_get(cli, "name");
    q->family = case_text(cli, "family");
    q->names = cli_has(cli, "names");
    if (kind_name) {
        *kind = case_kind(kind_name);
        if (*kind == ASSET_KINDS)
            return cli_fail(EXIT_USAGE, "--kind: domain, wildcard, address, network or port (%s)",
                            kind_name);
        q->kind = kind;
    }
    if (text) {
        const char *why = case_name_parse(text, name);
        if (why)
            return cli_fail(EXIT_USAGE, "--name: %s (%s)", why, text);
        q->name = span_str(name->name);
        q->kind = q->kind ? q->kind : &name->kind;
    }
    return 0;
}

int cmd_case_asset_list(const struct cli *cli)
{
    struct casedir c = {0};
    struct casebook_clock clock;
    struct casebook_asset_query q = {0};
    struct case_order order;
    struct case_name name;
    enum act_asset_kind kind;
    struct asset_list l = {.state = cli_get(cli, "state"),
                           .want = cli_has(cli, "name") ? &name : NULL};
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "case asset list: takes no argument (%s)", cli->args[0]);
    int rc = case_clock(cli, &clock);
    if (rc == 0)
        rc = list_query(cli, &q, &name, &kind);
    if (rc)
        return rc;
    rc = case_open(cli, &c, &err);
    if (rc == 0 && cli_has(cli, "order")) {
        rc = case_find_order(&c, cli_get(cli, "order"), clock.now, &order, &err);
        q.order = order.entry;
    }
    if (rc == 0) {
        l.t = table_open(cli_shape(cli), list_columns, stdout);
        rc = casebook_assets(c.casebook, &q, &clock, put_asset, &l, &err);
    }
    return case_listed(&c, &clock, l.t, rc, &err);
}

/* ---- asset release ---- */

/* What one NAME or INDEX stands for: an asset, a list, or a name in several of them. */
#define RELEASES_MAX 4096
struct releasing {
    const struct cli *cli;
    struct casedir c;
    uint64_t order;
    int64_t now;
    struct case_name name;
    struct buf payload[RELEASES_MAX];
    const char *arg[RELEASES_MAX];
    size_t n;
    const char *text; /* the argument in hand */
    bool found;       /* it is there, though over */
    struct err *err;
};

static int release_one(void *ctx, const struct casebook_asset *a)
{
    struct releasing *r = ctx;
    struct act_asset_released act = {
        .asset = a->entry, .why = case_text(r->cli, "why"), .when = r->now};
    r->found = true;
    if (a->state == CASEBOOK_RELEASED || a->state == CASEBOOK_CLOSED)
        return 0;
    if (r->name.port && r->name.port != a->act.port)
        return 0;
    if (a->of_list)
        act.name = a->act.name;
    if (r->n == RELEASES_MAX)
        return err_set(r->err, -E2BIG, "more than %d assets at once", RELEASES_MAX);
    act_asset_released(&r->payload[r->n], &act);
    r->arg[r->n] = r->text;
    /* A calendar has the same name on many days: it is released once. */
    if (r->n && span_eq(buf_as_span(&r->payload[r->n - 1]), buf_as_span(&r->payload[r->n])))
        buf_free(&r->payload[r->n]), memset(&r->payload[r->n], 0, sizeof r->payload[r->n]);
    else
        r->n++;
    return 0;
}

static int release_text(struct releasing *r, const char *text, struct err *err)
{
    struct casebook_clock clock = {r->now, 0};
    struct casebook_asset_query q = {.order = r->order};
    size_t before = r->n;
    r->text = text;
    r->found = false;
    r->name = (struct case_name){0};
    if (!cli_parse_u64(text, &q.entry)) {
        const char *why = case_name_parse(text, &r->name);
        if (why)
            return err_set(err, -EINVAL, "%s: %s", text, why);
        q.name = span_str(r->name.name);
        q.kind = &r->name.kind;
    } else if (!q.entry) {
        return err_set(err, -ENOENT, "no such asset: see `ebb case asset list` (%s)", text);
    }
    int rc = casebook_assets(r->c.casebook, &q, &clock, release_one, r, err);
    if (rc == 0 && r->n == before)
        rc = r->found
                 ? err_set(err, -EALREADY, "released already, or its order is closed (%s)", text)
                 : err_set(err, -ENOENT, "no such asset: see `ebb case asset list` (%s)", text);
    return rc;
}

static int release_all(struct releasing *r, struct case_act *acts, struct err *err)
{
    const char *id = cli_get(r->cli, "order");
    struct case_order order;
    r->err = err;
    int rc = case_open(r->cli, &r->c, err);
    if (rc == 0 && id) {
        rc = case_find_order(&r->c, id, r->now, &order, err);
        r->order = order.entry;
    }
    for (unsigned i = 0; rc == 0 && i < r->cli->n_args; i++)
        rc = release_text(r, r->cli->args[i], err);
    casedir_close(&r->c, NULL);
    for (size_t i = 0; i < r->n; i++)
        acts[i] =
            (struct case_act){.kind = KIND_ASSET_RELEASED, .payload = buf_as_span(&r->payload[i])};
    return rc == 0 ? case_acts(r->cli, acts, r->n, err) : rc;
}

int cmd_case_asset_release(const struct cli *cli)
{
    struct err err;
    if (!cli->n_args)
        return cli_fail(EXIT_USAGE, "case asset release: wants a name or an entry's index");
    if (!case_text(cli, "why").n)
        return cli_fail(EXIT_USAGE, "case asset release: wants --why");
    struct releasing *r = calloc(1, sizeof *r);
    struct case_act *acts = calloc(RELEASES_MAX, sizeof *acts);
    if (!r || !acts)
        abort();
    r->cli = cli;
    r->now = utc_now();
    int rc = release_all(r, acts, &err);
    rc = rc < 0 ? cli_err(&err) : print_done(cli, acts, r->arg, r->n);
    for (size_t i = 0; i < RELEASES_MAX; i++)
        buf_free(&r->payload[i]);
    free(r);
    free(acts);
    return rc;
}
