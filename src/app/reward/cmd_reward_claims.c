/* ebb reward check | claims */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/reward/reward_case.h"
#include "event/event.h"

/* ---- check ---- */

static int answered(void *ctx, const struct reward_answered *a)
{
    *(enum reward_answer *)ctx = a->answer;
    return 0;
}

static enum reward_answer answer_to(struct pursuit *p, uint64_t offer, uint64_t lead,
                                    enum reward_check check, struct err *err)
{
    enum reward_answer is = REWARD_OPEN;
    rewards_answer(p, offer, lead, check, answered, &is, err);
    return is;
}

struct checklist {
    struct table *t;
    const char *name;
};

static int put_answer(void *ctx, const struct reward_answered *a)
{
    struct checklist *l = ctx;
    table_str(l->t, reward_answer_name(a->answer));
    table_uint(l->t, a->entry);
    table_text(l->t, a->account);
    table_text(l->t, a->why);
    return 0;
}

/* The whole checklist of a claim, as it is answered. */
static int print_checklist(const struct cli *cli, uint64_t lead)
{
    static const struct table_column columns[] = {{"check", "check", TABLE_WORDS},
                                                  {"answer", "answer", TABLE_WORDS},
                                                  {"index", "entry", TABLE_ID},
                                                  {"account", "account", TABLE_WORDS},
                                                  {"why", "why", TABLE_WORDS},
                                                  {"about", "what is asked", TABLE_WORDS},
                                                  {0}};
    struct casedir c;
    struct reward_case offer;
    struct checklist l = {0};
    struct err err;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = reward_find(&c, cli_get(cli, "offer"), &offer, &err);
    if (rc == 0)
        l.t = table_open(cli_shape(cli), columns, stdout);
    for (unsigned i = 0; rc >= 0 && i < REWARD_CHECKS; i++) {
        table_str(l.t, reward_check_name(i));
        rc = rewards_answer(c.pursuit, offer.offer.entry, lead, (enum reward_check)i, put_answer,
                            &l, &err);
        if (rc == 0) {
            table_str(l.t, reward_answer_name(REWARD_OPEN));
            for (int k = 0; k < 3; k++)
                table_empty(l.t);
        }
        table_str(l.t, reward_check_about(i));
        table_row_end(l.t);
    }
    if (l.t && table_close(l.t) < 0 && rc >= 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* "yes" to what the log itself can tell must be so. */
static int check_answer(struct review_case *r, const struct act_eligibility *a,
                        enum reward_check check, enum reward_answer answer, struct err *err)
{
    struct reward_claim claim;
    int rc = rewards_claim(r->c.pursuit, a->offer, a->lead, &claim, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "lead %llu has not claimed this offer",
                       (unsigned long long)a->lead);
    if (rc == 1 && answer == REWARD_YES && check == REWARD_NEW &&
        !reviews_new_facts(r->c.pursuit, a->lead))
        return err_set(err, -EPERM,
                       "no fact of lead %llu was decided to be new: `ebb lead decide` comes first",
                       (unsigned long long)a->lead);
    return rc < 0 ? rc : 0;
}

int cmd_reward_check(const struct cli *cli)
{
    struct act_eligibility a = {.check = case_text(cli, "check"),
                                .answer = case_text(cli, "answer")};
    struct review_case r;
    struct reward_case offer;
    enum reward_check check;
    enum reward_answer answer;
    struct buf payload = {0};
    struct err err;
    uint64_t index = 0;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "reward check: wants one lead");
    int code = review_entry(cli, cli->args[0], "a lead", &a.lead);
    if (code)
        return code;
    if (!a.check.n && !a.answer.n)
        return print_checklist(cli, a.lead);
    if (!reward_check_parse(a.check, &check))
        return cli_fail(EXIT_USAGE, "reward check: --check: see `ebb reward check %llu` (%.*s)",
                        (unsigned long long)a.lead, (int)a.check.n, (const char *)a.check.p);
    if (!reward_answer_parse(a.answer, &answer))
        return cli_fail(EXIT_USAGE, "reward check: --answer: yes no unknown");
    if ((code = review_why(cli, &a.why)))
        return code;
    int rc = review_open_lead(cli, &r, a.lead, ROLE_REVIEWER | ROLE_COUNSEL, &err);
    if (rc == 0)
        rc = reward_find(&r.c, cli_get(cli, "offer"), &offer, &err);
    if (rc == 0) {
        a.offer = offer.offer.entry;
        rc = check_answer(&r, &a, check, answer, &err);
    }
    review_close(&r);
    if (rc < 0)
        return cli_err(&err);
    act_eligibility(&payload, &a);
    rc = review_act(cli, KIND_ELIGIBILITY, &payload, span_of(NULL, 0), &index, &err);
    buf_free(&payload);
    return rc < 0 ? cli_err(&err)
                  : review_print(cli, a.lead, reward_check_name(check), a.answer, index);
}

/* ---- claims ---- */

static const struct table_column columns[] = {
    {"offer", "offer", TABLE_WORDS},
    {"lead", "lead", TABLE_ID},
    {"index", "entry", TABLE_ID},
    {"day", "day", TABLE_WORDS},
    {"in_time", "in time", TABLE_WORDS},
    {"status", "lead's status", TABLE_WORDS},
    {"new_facts", "new", TABLE_COUNT},
    {"yes", "yes", TABLE_COUNT},
    {"no", "no", TABLE_COUNT},
    {"missing", "not answered yes", TABLE_WORDS},
    {"award", "award", TABLE_ID},
    {"amount", "amount", TABLE_WORDS},
    {"currency", NULL, TABLE_WORDS},
    {"state", "state", TABLE_WORDS},
    {"paid", "paid", TABLE_WORDS},
    {"informed", "payment told", TABLE_WORDS},
    {0},
};

struct claims {
    struct casedir *c;
    struct table *t;
    struct err *err;
    struct reward_case offer;
    struct reward_award award; /* numbers alone */
};

/* The award that stands for the lead, else the newest. */
static int keep_award(void *ctx, const struct reward_award *a)
{
    struct claims *l = ctx;
    l->award = *a;
    return 0;
}

static int find_award(struct claims *l, const struct reward_claim *claim)
{
    int64_t entry = sql_int(pursuit_sql(l->c->pursuit), 0,
                            "SELECT entry FROM awards WHERE lead=? AND offer=?"
                            " ORDER BY state<=1 DESC, entry DESC LIMIT 1",
                            "ii", (int64_t)claim->lead, (int64_t)claim->offer);
    l->award = (struct reward_award){0};
    int rc = entry ? rewards_award(l->c->pursuit, (uint64_t)entry, keep_award, l, l->err) : 0;
    return rc < 0 ? rc : 0;
}

static void put_award(struct claims *l)
{
    if (!l->award.entry) {
        for (int i = 0; i < 5; i++)
            table_empty(l->t);
        return;
    }
    table_uint(l->t, l->award.entry);
    reward_put(l->t, l->award.amount, l->offer.offer.currency);
    table_text(l->t, l->offer.offer.currency);
    table_str(l->t, reward_state_name(l->award.state));
    reward_put(l->t, l->award.paid, l->offer.offer.currency);
}

static void put_checks(struct claims *l, const struct reward_claim *claim)
{
    struct pursuit *p = l->c->pursuit;
    struct span missing[REWARD_CHECKS];
    size_t n = 0;
    table_uint(l->t, rewards_answers(p, claim->offer, claim->lead, REWARD_YES));
    table_uint(l->t, rewards_answers(p, claim->offer, claim->lead, REWARD_NO));
    for (unsigned i = 0; i < REWARD_CHECKS; i++)
        if (answer_to(p, claim->offer, claim->lead, (enum reward_check)i, l->err) != REWARD_YES)
            missing[n++] = span_str(reward_check_name(i));
    table_list(l->t, missing, n);
}

static int put_claim(void *ctx, const struct reward_claim *claim)
{
    struct claims *l = ctx;
    struct review_lead lead;
    char number[24], name[PURSUIT_NAME_MAX], day[UTC_TEXT_MAX];
    snprintf(number, sizeof number, "%llu", (unsigned long long)claim->offer);
    int rc = reward_find(l->c, number, &l->offer, l->err);
    if (rc == -EPERM) /* taken back */
        rc = 0;
    if (rc == 0)
        rc = reviews_lead(l->c->pursuit, claim->lead, &lead, name, l->err);
    int found = rc;
    if (rc >= 0)
        rc = find_award(l, claim);
    if (rc < 0)
        return rc;
    table_str(l->t, l->offer.name);
    table_uint(l->t, claim->lead);
    table_uint(l->t, claim->entry);
    table_text(l->t, span_of(day, utc_format_date(claim->day, day)));
    table_bool(l->t, claim->in_time);
    table_str(l->t, !found           ? "deleted"
                    : lead.withdrawn ? "withdrawn"
                                     : review_status_name(lead.status));
    table_uint(l->t, reviews_new_facts(l->c->pursuit, claim->lead));
    put_checks(l, claim);
    put_award(l);
    table_bool(l->t, claim->informed);
    table_row_end(l->t);
    return 0;
}

int cmd_reward_claims(const struct cli *cli)
{
    struct casedir c;
    struct err err;
    struct claims l = {.c = &c, .err = &err};
    uint64_t offer = 0;
    const char *name = cli_get(cli, "offer");
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "reward claims: takes no argument (%s)", cli->args[0]);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0 && name) {
        rc = reward_find(&c, name, &l.offer, &err);
        offer = l.offer.offer.entry;
    }
    if (rc == 0) {
        l.t = table_open(cli_shape(cli), columns, stdout);
        rc = rewards_claims(c.pursuit, offer, put_claim, &l, &err);
    }
    if (l.t && table_close(l.t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
