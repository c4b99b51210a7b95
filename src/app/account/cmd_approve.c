/* ebb approve: a second person's yes or no */
#include <errno.h>
#include <string.h>

#include "app/review/review_case.h"
#include "event/event.h"
#include "state/rewards.h"

struct found {
    uint64_t lead;
    bool pending;
    char account[PURSUIT_NAME_MAX];
};

static int keep_act(void *ctx, const struct review_act *a)
{
    struct found *f = ctx;
    f->lead = a->lead;
    f->pending = span_is(a->state, "pending");
    return 0;
}

static int keep_award(void *ctx, const struct reward_award *a)
{
    struct found *f = ctx;
    f->pending = a->state == REWARD_PENDING;
    return 0;
}

/* It is an act that wants a second person, and the actor can be it. */
static int check(struct review_case *r, uint64_t entry, struct found *f, struct err *err)
{
    struct pursuit_acted act;
    struct pursuit *p = r->c.pursuit;
    unsigned long long n = entry;
    int rc = pursuit_acted(p, entry, &act, f->account, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "no such act of the pursuit (%llu)", n);
    if (rc == 1 && !review_approvers(act.kind))
        return err_set(err, -EINVAL, "entry %llu is a %s: it wants no second person", n,
                       event_kind_name(act.kind));
    if (rc == 1)
        rc = reviews_act(p, entry, keep_act, f, err);
    if (rc == 1 && act.kind == KIND_AWARD)
        rc = rewards_award(p, entry, keep_award, f, err);
    if (rc < 0)
        return rc;
    if (rc == 0 || !f->pending)
        return err_set(err, -EALREADY,
                       "entry %llu waits for nobody: it is settled, counts already, or does not "
                       "count (see `ebb lead show %llu`)",
                       n, (unsigned long long)f->lead);
    if (span_is(span_str(f->account), r->actor.name))
        return err_set(err, -EPERM, "entry %llu is %s's own act: another person approves it", n,
                       f->account);
    if (!(r->actor.roles & review_approvers(act.kind)))
        return err_set(err, -EPERM, "account %s may not approve a %s: it has not the role for it",
                       r->actor.name, event_kind_name(act.kind));
    if (reviews_conflict(p, f->lead, span_str(r->actor.name)))
        return err_set(err, -EPERM, "account %s has a conflict of interest on lead %llu",
                       r->actor.name, (unsigned long long)f->lead);
    return 0;
}

static const struct table_column columns[] = {
    {"entry", "act", TABLE_ID},      {"lead", "lead", TABLE_ID},   {"what", "what", TABLE_WORDS},
    {"state", "state", TABLE_WORDS}, {"index", "entry", TABLE_ID}, {0}};

static int print(const struct cli *cli, const struct act_approval *a, uint64_t lead, uint64_t index)
{
    struct buf state = {0};
    struct err err;
    int rc = review_state(cli, a->entry, &state, &err);
    if (rc < 0)
        return cli_err(&err);
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    table_uint(t, a->entry);
    table_uint(t, lead);
    table_text(t, a->what);
    table_text(t, buf_as_span(&state));
    table_uint(t, index);
    table_row_end(t);
    bool good = span_eq(buf_as_span(&state), a->what);
    bool overtaken = span_is(buf_as_span(&state), "overtaken");
    buf_free(&state);
    if (table_close(t) < 0)
        return cli_fail(EXIT_FAILED, "output could not be written");
    if (overtaken)
        return cli_fail(EXIT_FAILED,
                        "approve: the lead has another status by now, which this cannot follow");
    return good ? EXIT_DONE : cli_fail(EXIT_FAILED, "approve: another person was quicker");
}

int cmd_approve(const struct cli *cli)
{
    struct act_approval a = {.what = span_str(cli_has(cli, "refuse") ? "refused" : "approved")};
    struct review_case r;
    struct found f = {0};
    struct buf payload = {0};
    struct err err;
    uint64_t index;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "approve: wants one entry");
    int code = review_entry(cli, cli->args[0], "an act", &a.entry);
    if (code == 0)
        code = review_why(cli, &a.why);
    if (code)
        return code;
    int rc = review_open_as(cli, &r, 0, &err);
    if (rc == 0)
        rc = check(&r, a.entry, &f, &err);
    review_close(&r);
    if (rc < 0)
        return cli_err(&err);
    act_approval(&payload, &a);
    rc = review_act(cli, KIND_APPROVAL, &payload, span_of(NULL, 0), &index, &err);
    buf_free(&payload);
    return rc < 0 ? cli_err(&err) : print(cli, &a, f.lead, index);
}
