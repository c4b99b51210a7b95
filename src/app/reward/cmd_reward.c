/* ebb reward offer | milestone | withdraw */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/reward/reward_case.h"
#include "event/event.h"
#include "state/subjects.h"

#define CURRENCY     "USD"
#define CONDITIONS   "identification arrest conviction"
#define MAKES_OFFERS (ROLE_COUNSEL | ROLE_CUSTODIAN)

/* Writes it; the row that says so. */
static int record(const struct cli *cli, uint8_t kind, struct buf *payload, struct span blob,
                  const char *what, struct span name)
{
    static const struct table_column columns[] = {{"what", "what", TABLE_WORDS},
                                                  {"name", "name", TABLE_WORDS},
                                                  {"index", "entry", TABLE_ID},
                                                  {0}};
    struct err err;
    uint64_t index;
    int rc = review_act(cli, kind, payload, blob, &index, &err);
    if (rc < 0)
        return cli_err(&err);
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    table_str(t, what);
    table_text(t, name);
    table_uint(t, index);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

/* ---- offer ---- */

static int offer_options(const struct cli *cli, struct act_offer *a)
{
    uint64_t number;
    if (cli->n_args != 1 || !*cli->args[0])
        return cli_fail(EXIT_USAGE, "reward offer: wants one name");
    if (cli_parse_u64(cli->args[0], &number))
        return cli_fail(EXIT_USAGE, "reward offer: digits alone are an entry's index (%s)",
                        cli->args[0]);
    a->name = span_str(cli->args[0]);
    a->currency = cli_has(cli, "currency") ? case_text(cli, "currency") : span_str(CURRENCY);
    a->conditions =
        cli_has(cli, "conditions") ? case_text(cli, "conditions") : span_str(CONDITIONS);
    int code = review_text_check("the name", a->name, REVIEW_NAME_MAX);
    if (code == 0)
        code = review_text(cli, "note", REVIEW_WHY_MAX, &a->note);
    if (code == 0)
        code = case_time(cli, "from", utc_now(), &a->from);
    if (code == 0)
        code = case_time(cli, "until", ACT_FOREVER, &a->until);
    if (code)
        return code;
    if (!reward_conditions_parse(a->conditions))
        return cli_fail(EXIT_USAGE, "--conditions: identification arrest conviction (%.*s)",
                        (int)a->conditions.n, (const char *)a->conditions.p);
    if (a->until <= a->from || a->until <= utc_now())
        return cli_fail(EXIT_USAGE,
                        "the offer ends before it begins, or is over (--from, --until)");
    if (!cli_has(cli, "amount") || !cli_has(cli, "terms"))
        return cli_fail(EXIT_USAGE, "reward offer: wants --amount and --terms");
    return 0;
}

/* Conditions in their order, each once. */
static void put_conditions(unsigned mask, struct buf *out)
{
    for (unsigned c = 0; c < REWARD_CONDITIONS; c++)
        if (mask & 1u << c)
            buf_printf(out, "%s%s", out->n ? " " : "", reward_condition_name(c));
}

static int offer_check(const struct cli *cli, struct review_case *r, struct act_offer *a,
                       struct review_document *terms, struct err *err)
{
    struct case_order order;
    const char *id = cli_get(cli, "order");
    int rc = 0;
    if (rewards_offer_entry(r->c.pursuit, a->name))
        return err_set(err, -EEXIST, "offer %s is there already", cli->args[0]);
    if (id)
        rc = case_open_order(&r->c, id, utc_now(), &order, err);
    if (rc == 0 && id && a->from < order.from)
        rc = err_set(err, -EINVAL, "the offer begins before order %s does (--from)", id);
    if (rc == 0 && id)
        a->order = order.entry;
    return rc == 0 ? review_document(cli, &r->c, "terms", terms, err) : rc;
}

int cmd_reward_offer(const struct cli *cli)
{
    struct act_offer a = {0};
    struct review_case r;
    struct review_document terms = {0};
    struct buf payload = {0}, conditions = {0};
    struct err err;
    int64_t amount;
    int code = offer_options(cli, &a);
    if (code)
        return code;
    struct reward_offer own = {.currency = a.currency};
    if (reward_amount(cli, &own, false, &amount, &err) < 0)
        return cli_fail(EXIT_USAGE, "%s", err.text);
    a.amount = (uint64_t)amount;
    put_conditions(reward_conditions_parse(a.conditions), &conditions);
    a.conditions = buf_as_span(&conditions);
    int rc = review_open_as(cli, &r, MAKES_OFFERS, &err);
    if (rc == 0)
        rc = offer_check(cli, &r, &a, &terms, &err);
    review_close(&r);
    a.document = terms.name;
    a.sha256 = terms.sha256;
    act_offer(&payload, &a);
    code = rc < 0 ? cli_err(&err)
                  : record(cli, KIND_OFFER, &payload, buf_as_span(&terms.bytes), "offer", a.name);
    buf_free(&payload);
    buf_free(&conditions);
    buf_free(&terms.bytes);
    return code;
}

/* ---- milestone ---- */

static int milestone_options(const struct cli *cli, struct act_milestone *a,
                             enum reward_condition *what)
{
    unsigned c = 0;
    a->what = case_text(cli, "what");
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "reward milestone: wants one offer");
    while (c < REWARD_CONDITIONS && !span_is(a->what, reward_condition_name(c)))
        c++;
    if (c == REWARD_CONDITIONS)
        return cli_fail(EXIT_USAGE, "--what: identification arrest conviction");
    *what = (enum reward_condition)c;
    if (!cli_has(cli, "document"))
        return cli_fail(EXIT_USAGE, "reward milestone: wants --document, which says so");
    int code = review_text(cli, "note", REVIEW_WHY_MAX, &a->note);
    return code ? code : reward_when(cli, utc_now(), &a->when);
}

static int milestone_check(const struct cli *cli, struct review_case *r, struct act_milestone *a,
                           enum reward_condition what, struct review_document *document,
                           struct err *err)
{
    struct reward_case offer;
    const char *subject = cli_get(cli, "subject");
    int rc = reward_find(&r->c, cli->args[0], &offer, err);
    if (rc < 0)
        return rc;
    a->offer = offer.offer.entry;
    if (!cli_has(cli, "when") && a->when < offer.offer.from)
        a->when = utc_now();
    if (subject && !(a->subject = subjects_entry(r->c.pursuit, span_str(subject))))
        return err_set(err, -ENOENT, "no such subject: see `ebb case subject list` (%s)", subject);
    rc = rewards_milestone_may(r->c.pursuit, a->offer, what, a->subject, a->when, err);
    return rc == 0 ? review_document(cli, &r->c, "document", document, err) : rc;
}

int cmd_reward_milestone(const struct cli *cli)
{
    struct act_milestone a = {0};
    struct review_case r;
    struct review_document document = {0};
    enum reward_condition what = REWARD_CONDITIONS;
    struct buf payload = {0};
    struct err err;
    int code = milestone_options(cli, &a, &what);
    if (code)
        return code;
    int rc = review_open_as(cli, &r, MAKES_OFFERS, &err);
    if (rc == 0)
        rc = milestone_check(cli, &r, &a, what, &document, &err);
    review_close(&r);
    a.document = document.name;
    a.sha256 = document.sha256;
    act_milestone(&payload, &a);
    code = rc < 0 ? cli_err(&err)
                  : record(cli, KIND_MILESTONE, &payload, buf_as_span(&document.bytes), "milestone",
                           a.what);
    buf_free(&payload);
    buf_free(&document.bytes);
    return code;
}

/* ---- withdraw ---- */

static int withdraw_award(void *ctx, const struct reward_award *a)
{
    struct err *err = ctx;
    if (a->paid)
        return err_set(err, -EPERM, "award %llu is paid, at least in part: it is not taken back",
                       (unsigned long long)a->entry);
    return a->state == REWARD_PENDING || a->state == REWARD_APPROVED
               ? 0
               : err_set(err, -EALREADY, "award %llu is %s", (unsigned long long)a->entry,
                         reward_state_name(a->state));
}

static int withdraw_check(struct review_case *r, uint64_t entry, const char **what, struct err *err)
{
    const struct sql *db = pursuit_sql(r->c.pursuit);
    struct pursuit *p = r->c.pursuit;
    int64_t lead = sql_int(db, 0, "SELECT lead FROM awards WHERE entry=?", "i", (int64_t)entry);
    int rc = rewards_award(p, entry, withdraw_award, err, err);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        *what = "award";
        return reviews_conflict(p, (uint64_t)lead, span_str(r->actor.name))
                   ? err_set(err, -EPERM, "account %s has a conflict of interest on lead %lld",
                             r->actor.name, (long long)lead)
                   : 0;
    }
    if (pursuit_is_withdrawn(p, entry))
        return err_set(err, -EALREADY, "entry %llu was taken back already",
                       (unsigned long long)entry);
    *what = "milestone";
    if (sql_int(db, 0, "SELECT 1 FROM milestones WHERE entry=?", "i", (int64_t)entry))
        return 0;
    *what = "offer";
    if (!sql_int(db, 0, "SELECT 1 FROM offers WHERE entry=?", "i", (int64_t)entry))
        return err_set(err, -ENOENT, "no award, milestone or offer (%llu)",
                       (unsigned long long)entry);
    return sql_int(db, 0, "SELECT 1 FROM awards WHERE offer=? AND state<=1", "i", (int64_t)entry)
               ? err_set(err, -EPERM, "the offer has awards: it is not taken back")
               : 0;
}

int cmd_reward_withdraw(const struct cli *cli)
{
    struct act_withdrawn a = {0};
    struct review_case r;
    struct buf payload = {0};
    struct err err;
    const char *what = "";
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "reward withdraw: wants one entry");
    int code = review_entry(cli, cli->args[0], "an award, milestone or offer", &a.entry);
    if (code == 0)
        code = review_why(cli, &a.why);
    if (code)
        return code;
    int rc = review_open_as(cli, &r, MAKES_OFFERS, &err);
    if (rc == 0)
        rc = withdraw_check(&r, a.entry, &what, &err);
    review_close(&r);
    if (rc < 0)
        return cli_err(&err);
    act_withdrawn(&payload, &a);
    code = record(cli, KIND_WITHDRAWN, &payload, span_of(NULL, 0), what, span_str("taken back"));
    buf_free(&payload);
    return code;
}
