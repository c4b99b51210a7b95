/* Taking in offers, milestones, claims, answers, awards, approvals and payouts. */
#include <errno.h>

#include "base/utc.h"
#include "event/event.h"
#include "state/accounts.h"
#include "state/money.h"
#include "state/reviews_impl.h"
#include "state/rewards_impl.h"

#define NAME_MAX_BYTES 256

int64_t rewards_sum(const struct sql *db, uint64_t offer, enum reward_account account)
{
    return sql_int(db, 0,
                   "SELECT sum(CASE WHEN credit=?1 THEN amount ELSE 0 END) -"
                   " sum(CASE WHEN debit=?1 THEN amount ELSE 0 END)"
                   " FROM reward_ledger WHERE offer=?2",
                   "ii", (int64_t)account, (int64_t)offer);
}

/* An act posts once: its entry is the line's number. */
static int post(const struct sql *db, const struct pursuit_act *act, uint64_t offer, uint64_t award,
                int64_t amount, enum reward_account from, enum reward_account to, struct err *err)
{
    return sql_run(db, err, "INSERT INTO reward_ledger VALUES(?,?,?,?,?,?,?,?)", "iiiiiiit",
                   (int64_t)act->index, (int64_t)offer, (int64_t)award, act->time, amount,
                   (int64_t)from, (int64_t)to, act->account);
}

static int take_offer(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_offer a;
    if (act_offer_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not an offer");
    unsigned mask = reward_conditions_parse(a.conditions);
    int64_t from = a.from == ACT_FOREVER ? act->time : a.from;
    if (!a.name.n || a.name.n > NAME_MAX_BYTES || !a.amount || a.amount > INT64_MAX ||
        money_digits(a.currency) < 0 || a.until <= from || !mask)
        return err_set(err, -EINVAL, "an offer without a name, an amount, conditions or a time");
    if (sql_int(db, 0, "SELECT 1 FROM offers WHERE name=? AND withdrawn=0", "t", a.name))
        return err_set(err, -EEXIST, "an offer of that name is there already");
    int rc = sql_run(db, err, "INSERT INTO offers VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,0)",
                     "ititiiiibttti", (int64_t)act->index, a.name, (int64_t)a.amount, a.currency,
                     from, a.until, (int64_t)a.order, (int64_t)mask, a.sha256, a.document, a.note,
                     act->account, act->time);
    return rc == 0 ? post(db, act, act->index, 0, (int64_t)a.amount, REWARD_FUND, REWARD_LEFT, err)
                   : rc;
}

static bool is_offer(const struct sql *db, uint64_t entry)
{
    return sql_int(db, 0, "SELECT 1 FROM offers WHERE entry=? AND withdrawn=0", "i",
                   (int64_t)entry) == 1;
}

static int take_milestone(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_milestone a;
    unsigned what = 0;
    if (act_milestone_read(act->payload, &a) < 0 || a.when == ACT_FOREVER)
        return err_set(err, -EBADMSG, "not a milestone");
    while (what < REWARD_CONDITIONS && !span_is(a.what, reward_condition_name(what)))
        what++;
    if (what == REWARD_CONDITIONS || !is_offer(db, a.offer) || !a.sha256.n)
        return err_set(err, -EINVAL, "a milestone of no offer, of no kind or without document");
    int rc =
        rewards_milestone_check(db, a.offer, (enum reward_condition)what, a.subject, a.when, err);
    return rc < 0 ? rc
                  : sql_run(db, err, "INSERT INTO milestones VALUES(?,?,?,?,?,?,?,?,?,?,0)",
                            "iiiiibttti", (int64_t)act->index, (int64_t)a.offer, (int64_t)a.subject,
                            (int64_t)what, a.when, a.sha256, a.document, a.note, act->account,
                            act->time);
}

/* Times of what has to do with an informant are days. */
static int take_message(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_lead_message a;
    if (act_lead_message_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not a message");
    if (span_is(a.what, "payment"))
        return sql_run(db, err, "UPDATE claims SET informed=1 WHERE lead=?", "i", (int64_t)a.lead);
    if (!span_is(a.what, "claim") || !is_offer(db, a.offer))
        return 0;
    int64_t from =
        sql_int(db, 0, "SELECT from_time FROM offers WHERE entry=?", "i", (int64_t)a.offer);
    int64_t until =
        sql_int(db, 0, "SELECT until_time FROM offers WHERE entry=?", "i", (int64_t)a.offer);
    bool in_time = act->time >= from - UTC_DAY && act->time < until && act->index > a.offer;
    return sql_run(db, err, "INSERT OR IGNORE INTO claims VALUES(?,?,?,?,?,0)", "iiiii",
                   (int64_t)a.offer, (int64_t)a.lead, (int64_t)act->index, act->time,
                   (int64_t)in_time);
}

static int take_eligibility(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_eligibility a;
    enum reward_check check;
    enum reward_answer answer;
    if (act_eligibility_read(act->payload, &a) < 0 || !is_offer(db, a.offer) ||
        !reward_check_parse(a.check, &check) || !reward_answer_parse(a.answer, &answer))
        return err_set(err, -EBADMSG, "not an answer to the checklist of an offer");
    return sql_run(db, err, "INSERT OR REPLACE INTO eligibility VALUES(?,?,?,?,?,?,?)", "iiiiitt",
                   (int64_t)a.offer, (int64_t)a.lead, (int64_t)check, (int64_t)answer,
                   (int64_t)act->index, a.why, act->account);
}

/* One that must not be is kept, and does not count. */
static int take_award(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_award a;
    if (act_award_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not an award");
    const char *why = !is_offer(db, a.offer)              ? "no such offer"
                      : !a.amount || a.amount > INT64_MAX ? "no amount"
                      : (int64_t)a.amount > rewards_sum(db, a.offer, REWARD_LEFT)
                          ? "more than what is left of the offer"
                          : "";
    int rc = sql_run(db, err, "INSERT INTO awards VALUES(?,?,?,?,0,?,0,0,?,?,?,?)", "iiiiittit",
                     (int64_t)act->index, (int64_t)a.offer, (int64_t)a.lead, (int64_t)a.amount,
                     (int64_t)(*why ? REWARD_VOID : REWARD_PENDING), a.why, act->account, act->time,
                     span_str(why));
    if (rc == 0 && !*why)
        rc = post(db, act, a.offer, act->index, (int64_t)a.amount, REWARD_LEFT, REWARD_HELD, err);
    return rc;
}

/* What was awarded, and what became of it. */
struct standing {
    uint64_t offer, lead;
    int64_t amount, paid;
    enum reward_state state;
};

/* 1 found, 0 not. */
static int find_award(const struct sql *db, uint64_t entry, struct standing *out, struct err *err)
{
    sqlite3_stmt *s =
        sql_prepare(db, err, "SELECT offer, lead, amount, paid, state FROM awards WHERE entry=?",
                    "i", (int64_t)entry);
    int rc = s ? sql_step(db, s, err) : -EIO;
    if (rc == 1)
        *out = (struct standing){(uint64_t)sqlite3_column_int64(s, 0),
                                 (uint64_t)sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2),
                                 sqlite3_column_int64(s, 3),
                                 (enum reward_state)sqlite3_column_int(s, 4)};
    sqlite3_finalize(s);
    return rc;
}

/* Whether the approval itself counts the reviews have seen to (reviews_settle.c). */
static int take_approval(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_approval a;
    struct standing w;
    if (act_approval_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not an approval");
    int rc = find_award(db, a.entry, &w, err);
    if (rc <= 0 || w.state != REWARD_PENDING)
        return rc < 0 ? rc : 0;
    bool yes = span_is(a.what, "approved");
    rc = sql_run(db, err, "UPDATE awards SET state=?, settled=? WHERE entry=?", "iii",
                 (int64_t)(yes ? REWARD_APPROVED : REWARD_REFUSED), (int64_t)act->index,
                 (int64_t)a.entry);
    return rc < 0 ? rc
                  : post(db, act, w.offer, a.entry, w.amount, REWARD_HELD,
                         yes ? REWARD_AWARDED : REWARD_LEFT, err);
}

static int take_payout(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_payout a;
    struct standing w = {0};
    struct err why = {0};
    if (act_payout_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not a payout");
    int64_t amount = a.amount > INT64_MAX ? INT64_MAX : (int64_t)a.amount;
    int rc = find_award(db, a.award, &w, err);
    if (rc < 0)
        return rc;
    bool counts = rewards_pay_check(db, a.award, amount, &why) == 0;
    rc = sql_run(db, err, "INSERT INTO payouts VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", "iiiittbtttit",
                 (int64_t)act->index, (int64_t)a.award, amount,
                 a.when == ACT_FOREVER ? act->time : a.when, a.method, a.reference, a.sha256,
                 a.document, a.note, act->account, act->time, span_str(counts ? "" : why.text));
    if (rc == 0 && counts)
        rc = sql_run(db, err, "UPDATE awards SET paid=paid+? WHERE entry=?", "ii", amount,
                     (int64_t)a.award);
    if (rc == 0 && counts)
        rc = post(db, act, w.offer, a.award, amount, REWARD_AWARDED, REWARD_PAID, err);
    return rc;
}

/* ---- what is taken back ---- */

static int withdraw_award(const struct sql *db, const struct pursuit_act *act, uint64_t entry,
                          const struct standing *w, struct err *err)
{
    bool held = w->state == REWARD_PENDING;
    if (w->paid || (!held && w->state != REWARD_APPROVED))
        return err_set(err, -EPERM, "an award that is %s is not taken back",
                       w->paid ? "paid" : reward_state_name(w->state));
    int rc = sql_run(db, err, "UPDATE awards SET state=?, withdrawn=? WHERE entry=?", "iii",
                     (int64_t)REWARD_TAKEN_BACK, (int64_t)act->index, (int64_t)entry);
    return rc < 0 ? rc
                  : post(db, act, w->offer, entry, w->amount, held ? REWARD_HELD : REWARD_AWARDED,
                         REWARD_LEFT, err);
}

/* With no award that stands. */
static int withdraw_offer(const struct sql *db, const struct pursuit_act *act, uint64_t entry,
                          struct err *err)
{
    int64_t left = rewards_sum(db, entry, REWARD_LEFT);
    if (left != sql_int(db, 0, "SELECT amount FROM offers WHERE entry=?", "i", (int64_t)entry))
        return err_set(err, -EPERM, "an offer with awards is not taken back");
    int rc = sql_run(db, err, "UPDATE offers SET withdrawn=? WHERE entry=?", "ii",
                     (int64_t)act->index, (int64_t)entry);
    return rc < 0 ? rc : post(db, act, entry, 0, left, REWARD_LEFT, REWARD_FUND, err);
}

static int take_withdrawn(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_withdrawn a;
    struct standing w;
    if (act_withdrawn_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not a withdrawal");
    int award = find_award(db, a.entry, &w, err);
    bool milestone =
        sql_int(db, 0, "SELECT 1 FROM milestones WHERE entry=?", "i", (int64_t)a.entry) == 1;
    bool offer = is_offer(db, a.entry);
    if (award < 0)
        return award;
    if (!award && !milestone && !offer)
        return 0;
    if (!review_has_role(db, act->account, ROLE_COUNSEL | ROLE_CUSTODIAN) ||
        (award && review_has_conflict(db, w.lead, act->account)))
        return err_set(err, -EPERM, "taken back by who may not do so");
    if (award)
        return withdraw_award(db, act, a.entry, &w, err);
    if (offer)
        return withdraw_offer(db, act, a.entry, err);
    return sql_run(db, err, "UPDATE milestones SET withdrawn=? WHERE entry=?", "ii",
                   (int64_t)act->index, (int64_t)a.entry);
}

int rewards_take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    switch (act->kind) {
    case KIND_OFFER:
        return take_offer(db, act, err);
    case KIND_MILESTONE:
        return take_milestone(db, act, err);
    case KIND_LEAD_MESSAGE:
        return take_message(db, act, err);
    case KIND_ELIGIBILITY:
        return take_eligibility(db, act, err);
    case KIND_AWARD:
        return take_award(db, act, err);
    case KIND_APPROVAL:
        return take_approval(db, act, err);
    case KIND_PAYOUT:
        return take_payout(db, act, err);
    case KIND_WITHDRAWN:
        return take_withdrawn(db, act, err);
    default:
        return 1;
    }
}
