/* ebb reward award | pay */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/reward/reward_case.h"
#include "event/event.h"

static const struct table_column columns[] = {
    {"lead", "lead", TABLE_ID},        {"award", "award", TABLE_ID},
    {"amount", "amount", TABLE_WORDS}, {"currency", "currency", TABLE_WORDS},
    {"left", "left", TABLE_WORDS},     {"state", "state", TABLE_WORDS},
    {"index", "entry", TABLE_ID},      {0},
};

/* What was done, as the view has it now. */
struct done {
    uint64_t lead, award, index;
    int64_t amount, left; /* left: of the offer, or of the award that is paid */
    struct span currency;
    const char *state, *why;
};

static int print(const struct cli *cli, const struct done *d)
{
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    table_uint(t, d->lead);
    table_uint(t, d->award);
    reward_put(t, d->amount, d->currency);
    table_text(t, d->currency);
    reward_put(t, d->left, d->currency);
    table_str(t, d->state);
    table_uint(t, d->index);
    table_row_end(t);
    if (table_close(t) < 0)
        return cli_fail(EXIT_FAILED, "output could not be written");
    return strcmp(d->state, "void") != 0
               ? EXIT_DONE
               : cli_fail(EXIT_FAILED,
                          "%s: entry %llu is on the log and does not count: something "
                          "else came first (see `ebb reward ledger --lines`)",
                          cli->command, (unsigned long long)d->index);
}

/* ---- award ---- */

static int award_check_lead(struct review_case *r, const struct act_award *a, struct err *err)
{
    const struct sql *db = pursuit_sql(r->c.pursuit);
    unsigned long long lead = a->lead;
    if (r->lead.withdrawn)
        return err_set(err, -EPERM, "the informant has withdrawn lead %llu", lead);
    if (sql_int(db, 0, "SELECT 1 FROM reviews WHERE lead=? AND what='delete' AND state<>'refused'",
                "i", (int64_t)lead))
        return err_set(err, -EPERM, "lead %llu is to be deleted", lead);
    if (r->lead.status != REVIEW_CORROBORATED && r->lead.status != REVIEW_REFERRED)
        return err_set(err, -EPERM,
                       "lead %llu is %s: an award wants one that is corroborated or referred", lead,
                       review_status_name(r->lead.status));
    if (sql_int(db, 0, "SELECT 1 FROM awards WHERE lead=? AND offer=? AND state<=1", "ii",
                (int64_t)lead, (int64_t)a->offer))
        return err_set(err, -EEXIST, "lead %llu has an award of this offer already", lead);
    return 0;
}

static int award_check(struct review_case *r, const struct act_award *a,
                       const struct reward_offer *offer, struct err *err)
{
    struct pursuit *p = r->c.pursuit;
    struct reward_claim claim;
    int64_t at[REWARD_ACCOUNTS];
    char left[MONEY_TEXT_MAX];
    unsigned long long lead = a->lead;
    int rc = award_check_lead(r, a, err);
    if (rc == 0) {
        rc = rewards_claim(p, a->offer, a->lead, &claim, err);
        if (rc == 0)
            return err_set(err, -ENOENT, "lead %llu has not claimed this offer", lead);
        if (rc == 1 && !claim.in_time)
            return err_set(err, -EPERM,
                           "lead %llu claimed before the offer began or after it ended", lead);
        rc = rc < 0 ? rc : 0;
    }
    if (rc == 0 && rewards_answers(p, a->offer, a->lead, REWARD_NO))
        return err_set(err, -EPERM, "a line of the checklist of lead %llu is answered \"no\"",
                       lead);
    if (rc == 0)
        rc = rewards_balance(p, a->offer, at, err);
    if (rc == 0 && (int64_t)a->amount > at[REWARD_LEFT]) {
        money_format(at[REWARD_LEFT], offer->currency, left);
        rc = err_set(err, -ERANGE, "more than what is left of the offer, which is %s %s", left,
                     (const char *)offer->currency.p);
    }
    return rc;
}

static int keep_award(void *ctx, const struct reward_award *a)
{
    struct done *d = ctx;
    d->lead = a->lead;
    d->amount = a->amount;
    d->left = a->amount - a->paid;
    d->state = reward_state_name(a->state);
    return 0;
}

static int print_award(const struct cli *cli, struct done *d, uint64_t offer)
{
    struct casedir c;
    struct err err;
    int64_t at[REWARD_ACCOUNTS];
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    d->state = "void";
    if (rc == 0)
        rc = rewards_award(c.pursuit, d->award, keep_award, d, &err);
    if (rc >= 0)
        rc = rewards_balance(c.pursuit, offer, at, &err);
    d->left = rc == 0 ? at[REWARD_LEFT] : 0;
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : print(cli, d);
}

int cmd_reward_award(const struct cli *cli)
{
    struct act_award a = {0};
    struct review_case r;
    struct reward_case offer;
    struct buf payload = {0};
    struct err err;
    struct done d = {0};
    int64_t amount = 0;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "reward award: wants one lead");
    int code = review_entry(cli, cli->args[0], "a lead", &a.lead);
    if (code == 0 && !cli_has(cli, "amount") && !cli_has(cli, "percent"))
        code = cli_fail(EXIT_USAGE, "reward award: wants --amount or --percent");
    if (code == 0)
        code = review_why(cli, &a.why);
    if (code)
        return code;
    int rc = review_open_lead(cli, &r, a.lead, ROLE_COUNSEL | ROLE_CUSTODIAN, &err);
    if (rc == 0)
        rc = reward_find(&r.c, cli_get(cli, "offer"), &offer, &err);
    if (rc == 0)
        rc = reward_amount(cli, &offer.offer, true, &amount, &err);
    a.offer = rc == 0 ? offer.offer.entry : 0;
    a.amount = (uint64_t)amount;
    if (rc == 0)
        rc = award_check(&r, &a, &offer.offer, &err);
    review_close(&r);
    if (rc < 0)
        return cli_err(&err);
    act_award(&payload, &a);
    rc = review_act(cli, KIND_AWARD, &payload, span_of(NULL, 0), &d.index, &err);
    buf_free(&payload);
    d.lead = a.lead;
    d.award = d.index;
    d.amount = amount;
    d.currency = offer.offer.currency;
    return rc < 0 ? cli_err(&err) : print_award(cli, &d, a.offer);
}

/* ---- pay ---- */

static int pay_check(const struct cli *cli, struct review_case *r, struct act_payout *a,
                     struct reward_case *offer, struct done *d, struct err *err)
{
    char number[24];
    int64_t amount = 0;
    int rc = rewards_award(r->c.pursuit, a->award, keep_award, d, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "no such award: see `ebb reward claims` (%s)", cli->args[0]);
    if (rc == 1)
        rc = review_find_lead(r, d->lead, err);
    if (rc == 0 && r->lead.withdrawn)
        rc = err_set(err, -EPERM, "the informant has withdrawn lead %llu",
                     (unsigned long long)d->lead);
    if (rc == 0 && reviews_conflict(r->c.pursuit, d->lead, span_str(r->actor.name)))
        rc = err_set(err, -EPERM, "account %s has a conflict of interest on lead %llu",
                     r->actor.name, (unsigned long long)d->lead);
    snprintf(number, sizeof number, "%lld",
             (long long)sql_int(pursuit_sql(r->c.pursuit), 0,
                                "SELECT offer FROM awards WHERE entry=?", "i", (int64_t)a->award));
    if (rc == 0)
        rc = reward_find(&r->c, number, offer, err);
    if (rc == 0)
        rc = reward_amount(cli, &offer->offer, false, &amount, err);
    a->amount = (uint64_t)(amount ? amount : d->left);
    return rc == 0 ? rewards_may_pay(r->c.pursuit, a->award, (int64_t)a->amount, err) : rc;
}

static int pay_options(const struct cli *cli, struct act_payout *a)
{
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "reward pay: wants one award");
    int code = review_entry(cli, cli->args[0], "an award", &a->award);
    if (code == 0)
        code = review_text(cli, "method", REVIEW_NAME_MAX, &a->method);
    if (code == 0 && !a->method.n)
        code = cli_fail(EXIT_USAGE, "reward pay: wants --method");
    if (code == 0)
        code = review_text(cli, "reference", REVIEW_NAME_MAX, &a->reference);
    if (code == 0)
        code = review_text(cli, "note", REVIEW_WHY_MAX, &a->note);
    return code ? code : reward_when(cli, utc_now(), &a->when);
}

static int print_payout(const struct cli *cli, struct done *d)
{
    struct casedir c;
    struct err err;
    int64_t amount = d->amount;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = rewards_award(c.pursuit, d->award, keep_award, d, &err);
    bool counts = rc == 1 && sql_int(pursuit_sql(c.pursuit), 0,
                                     "SELECT 1 FROM payouts WHERE entry=? AND void_why=''", "i",
                                     (int64_t)d->index) == 1;
    casedir_close(&c, NULL);
    d->amount = amount;
    d->state = counts ? d->left ? "paid in part" : "paid" : "void";
    return rc < 0 ? cli_err(&err) : print(cli, d);
}

int cmd_reward_pay(const struct cli *cli)
{
    struct act_payout a = {0};
    struct review_case r;
    struct reward_case offer = {0};
    struct review_document document = {0};
    struct buf payload = {0};
    struct done d = {0};
    struct err err;
    int code = pay_options(cli, &a);
    if (code)
        return code;
    int rc = review_open_as(cli, &r, ROLE_CUSTODIAN, &err);
    if (rc == 0)
        rc = pay_check(cli, &r, &a, &offer, &d, &err);
    if (rc == 0)
        rc = review_document(cli, &r.c, "document", &document, &err);
    review_close(&r);
    a.document = document.name;
    a.sha256 = document.sha256;
    act_payout(&payload, &a);
    if (rc == 0)
        rc = review_act(cli, KIND_PAYOUT, &payload, buf_as_span(&document.bytes), &d.index, &err);
    d.award = a.award;
    d.amount = (int64_t)a.amount;
    d.currency = offer.offer.currency;
    code = rc < 0 ? cli_err(&err) : print_payout(cli, &d);
    buf_free(&payload);
    buf_free(&document.bytes);
    return code;
}
