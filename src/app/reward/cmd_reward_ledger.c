/* ebb reward ledger: where an offer's money is; exit 1 with the first line that does not balance */
#include <errno.h>
#include <stdio.h>

#include "app/reward/reward_case.h"
#include "event/event.h"

struct ledger {
    struct casedir *c;
    struct table *t;
    struct err *err;
    uint64_t only; /* 0: all */
    bool lines;
    struct reward_case offer;
    int64_t at[REWARD_ACCOUNTS];
};

/* ---- a row an offer ---- */

static const struct table_column offer_columns[] = {
    {"offer", "offer", TABLE_WORDS},
    {"index", "entry", TABLE_ID},
    {"currency", "currency", TABLE_WORDS},
    {"amount", "amount", TABLE_WORDS},
    {"pending", "pending", TABLE_WORDS},
    {"awarded", "awarded", TABLE_WORDS},
    {"paid", "of it paid", TABLE_WORDS},
    {"unpaid", "unpaid", TABLE_WORDS},
    {"left", "left", TABLE_WORDS},
    {"from", "from", TABLE_WORDS},
    {"until", "until", TABLE_WORDS},
    {"unmet", "not on record yet", TABLE_WORDS},
    {"balances", "balances", TABLE_WORDS},
    {"withdrawn", NULL, TABLE_WORDS},
    {"sha256", NULL, TABLE_WORDS},
    {"document", NULL, TABLE_WORDS},
    {0},
};

static void put_unmet(struct ledger *l, uint64_t offer)
{
    struct span names[REWARD_CONDITIONS];
    unsigned mask = rewards_unmet(l->c->pursuit, offer);
    size_t n = 0;
    for (unsigned c = 0; c < REWARD_CONDITIONS; c++)
        if (mask & 1u << c)
            names[n++] = span_str(reward_condition_name(c));
    table_list(l->t, names, n);
}

static void put_offer(struct ledger *l, const struct reward_offer *o)
{
    table_text(l->t, o->name);
    table_uint(l->t, o->entry);
    table_text(l->t, o->currency);
    reward_put(l->t, o->amount, o->currency);
    reward_put(l->t, l->at[REWARD_HELD], o->currency);
    reward_put(l->t, l->at[REWARD_AWARDED] + l->at[REWARD_PAID], o->currency);
    reward_put(l->t, l->at[REWARD_PAID], o->currency);
    reward_put(l->t, l->at[REWARD_AWARDED], o->currency);
    reward_put(l->t, l->at[REWARD_LEFT], o->currency);
    case_put_time(l->t, o->from);
    case_put_time(l->t, o->until);
    put_unmet(l, o->entry);
    table_bool(l->t, true); /* else the command has ended */
    table_bool(l->t, o->withdrawn);
    table_hex(l->t, o->sha256.p, o->sha256.n);
    table_text(l->t, o->document);
    table_row_end(l->t);
}

/* ---- a row a posting ---- */

static const struct table_column line_columns[] = {
    {"index", "entry", TABLE_ID},
    {"time", "time", TABLE_WORDS},
    {"offer", "offer", TABLE_WORDS},
    {"account", "account", TABLE_WORDS},
    {"act", "act", TABLE_WORDS},
    {"award", "award", TABLE_ID},
    {"from", "from", TABLE_WORDS},
    {"to", "to", TABLE_WORDS},
    {"amount", "amount", TABLE_WORDS},
    {"currency", "currency", TABLE_WORDS},
    {"left", "left", TABLE_WORDS},
    {"pending", "pending", TABLE_WORDS},
    {"awarded", "awarded", TABLE_WORDS},
    {"paid", "paid", TABLE_WORDS},
    {"why", "does not count", TABLE_WORDS},
    {0},
};

static const char *kind_of(struct ledger *l, uint64_t entry)
{
    int64_t kind = sql_int(pursuit_sql(l->c->pursuit), 0, "SELECT kind FROM acts WHERE entry=?",
                           "i", (int64_t)entry);
    const char *name = event_kind_name((uint8_t)kind);
    return name ? name : "";
}

static int put_line(void *ctx, const struct reward_posting *o)
{
    struct ledger *l = ctx;
    struct span currency = l->offer.offer.currency;
    l->at[o->from] -= o->amount;
    l->at[o->to] += o->amount;
    table_uint(l->t, o->entry);
    case_put_time(l->t, o->time);
    table_str(l->t, l->offer.name);
    table_text(l->t, o->account);
    table_str(l->t, kind_of(l, o->entry));
    if (o->award)
        table_uint(l->t, o->award);
    else
        table_empty(l->t);
    table_str(l->t, reward_account_name(o->from));
    table_str(l->t, reward_account_name(o->to));
    reward_put(l->t, o->amount, currency);
    table_text(l->t, currency);
    for (unsigned i = REWARD_LEFT; i < REWARD_ACCOUNTS; i++)
        reward_put(l->t, l->at[i], currency);
    table_row_end(l->t);
    return 0;
}

/* What is on the log and does not count. */
static void put_void(struct ledger *l, uint64_t entry, int64_t time, struct span account,
                     uint64_t award, int64_t amount, struct span why)
{
    table_uint(l->t, entry);
    case_put_time(l->t, time);
    table_str(l->t, l->offer.name);
    table_text(l->t, account);
    table_str(l->t, kind_of(l, entry));
    table_uint(l->t, award);
    table_empty(l->t);
    table_empty(l->t);
    reward_put(l->t, amount, l->offer.offer.currency);
    table_text(l->t, l->offer.offer.currency);
    for (unsigned i = REWARD_LEFT; i < REWARD_ACCOUNTS; i++)
        table_empty(l->t);
    table_text(l->t, why);
    table_row_end(l->t);
}

static int put_void_payout(void *ctx, const struct reward_payout *o)
{
    struct ledger *l = ctx;
    if (!o->counts)
        put_void(l, o->entry, o->recorded, o->account, o->award, o->amount, o->void_why);
    return 0;
}

static int put_void_award(void *ctx, const struct reward_award *a)
{
    struct ledger *l = ctx;
    if (a->state == REWARD_VOID)
        put_void(l, a->entry, a->recorded, a->account, a->entry, a->amount, a->void_why);
    return rewards_payouts(l->c->pursuit, a->entry, put_void_payout, l, l->err);
}

static int put_lines(struct ledger *l, uint64_t offer)
{
    memset(l->at, 0, sizeof l->at);
    int rc = rewards_ledger(l->c->pursuit, offer, put_line, l, l->err);
    return rc == 0 ? rewards_awards(l->c->pursuit, offer, put_void_award, l, l->err) : rc;
}

/* ---- both ---- */

static int put(void *ctx, const struct reward_offer *o)
{
    struct ledger *l = ctx;
    if (l->only && l->only != o->entry)
        return 0;
    l->offer = (struct reward_case){.offer = *o};
    snprintf(l->offer.name, sizeof l->offer.name, "%.*s", (int)o->name.n, (const char *)o->name.p);
    int rc = rewards_balance(l->c->pursuit, o->entry, l->at, l->err);
    if (rc < 0)
        return rc;
    if (l->lines)
        return put_lines(l, o->entry);
    put_offer(l, o);
    return 0;
}

int cmd_reward_ledger(const struct cli *cli)
{
    struct casedir c;
    struct err err;
    struct ledger l = {.c = &c, .err = &err, .lines = cli_has(cli, "lines")};
    const char *name = cli_get(cli, "offer");
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "reward ledger: takes no argument (%s)", cli->args[0]);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0 && name && !(l.only = rewards_offer_entry(c.pursuit, span_str(name))))
        rc = err_set(&err, -ENOENT, "no such offer (%s)", name);
    if (rc == 0) {
        l.t = table_open(cli_shape(cli), l.lines ? line_columns : offer_columns, stdout);
        rc = rewards_offers(c.pursuit, put, &l, &err);
    }
    if (l.t && table_close(l.t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    if (rc == 0 && !l.lines) {
        int64_t n = sql_int(pursuit_sql(c.pursuit), 0,
                            "SELECT (SELECT count(*) FROM awards WHERE state=4) +"
                            " (SELECT count(*) FROM payouts WHERE void_why<>'')",
                            "");
        if (n)
            fprintf(stderr,
                    "ebb: warning: %lld awards or payouts on the log do not count: see `ebb reward "
                    "ledger --lines`\n",
                    (long long)n);
    }
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
