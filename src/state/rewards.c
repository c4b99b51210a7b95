#include "state/rewards.h"

#include <errno.h>
#include <stdio.h>

#include "base/utc.h"
#include "event/event.h"
#include "state/rewards_impl.h"

const char rewards_schema[] =
    "CREATE TABLE offers(entry INTEGER PRIMARY KEY, name TEXT, amount INTEGER, currency TEXT,"
    " from_time INTEGER, until_time INTEGER, of_order INTEGER, conditions INTEGER, sha256 BLOB,"
    " document TEXT, note TEXT, account TEXT, time INTEGER, withdrawn INTEGER);"
    "CREATE TABLE milestones(entry INTEGER PRIMARY KEY, offer INTEGER, subject INTEGER,"
    " what INTEGER, at INTEGER, sha256 BLOB, document TEXT, note TEXT, account TEXT,"
    " time INTEGER, withdrawn INTEGER);"
    "CREATE INDEX milestones_of ON milestones(offer, subject, what);"
    "CREATE TABLE claims(offer INTEGER, lead INTEGER, entry INTEGER, day INTEGER,"
    " in_time INTEGER, informed INTEGER, PRIMARY KEY(offer, lead)) WITHOUT ROWID;"
    "CREATE INDEX claims_of ON claims(lead);"
    "CREATE TABLE eligibility(offer INTEGER, lead INTEGER, item INTEGER, answer INTEGER,"
    " entry INTEGER, why TEXT, account TEXT, PRIMARY KEY(offer, lead, item)) WITHOUT ROWID;"
    "CREATE TABLE awards(entry INTEGER PRIMARY KEY, offer INTEGER, lead INTEGER, amount INTEGER,"
    " paid INTEGER, state INTEGER, settled INTEGER, withdrawn INTEGER, why TEXT, account TEXT,"
    " time INTEGER, void_why TEXT);"
    "CREATE INDEX awards_of ON awards(offer, entry);"
    "CREATE INDEX awards_to ON awards(lead, entry);"
    "CREATE TABLE payouts(entry INTEGER PRIMARY KEY, award INTEGER, amount INTEGER, at INTEGER,"
    " method TEXT, reference TEXT, sha256 BLOB, document TEXT, note TEXT, account TEXT,"
    " time INTEGER, void_why TEXT);"
    "CREATE INDEX payouts_of ON payouts(award, entry);"
    "CREATE TABLE reward_ledger(entry INTEGER PRIMARY KEY, offer INTEGER, award INTEGER,"
    " time INTEGER, amount INTEGER, debit INTEGER, credit INTEGER, account TEXT);"
    "CREATE INDEX reward_ledger_of ON reward_ledger(offer, entry);";

const struct pursuit_noun rewards_noun = {rewards_schema, rewards_take};

/* ---- vocabulary ---- */

static const char *const conditions[] = {"identification", "arrest", "conviction"};

const char *reward_condition_name(unsigned c)
{
    return c < REWARD_CONDITIONS ? conditions[c] : NULL;
}

unsigned reward_conditions_parse(struct span text)
{
    unsigned mask = 0;
    for (size_t i = 0; i < text.n; i++) {
        size_t from = i;
        unsigned bit = 0;
        while (i < text.n && text.p[i] != ' ' && text.p[i] != ',')
            i++;
        for (unsigned c = 0; c < REWARD_CONDITIONS; c++)
            if (span_is(span_of(text.p + from, i - from), conditions[c]))
                bit = 1u << c;
        if (!bit && i > from)
            return 0;
        mask |= bit;
    }
    return mask;
}

static const struct {
    const char *name, *about;
} checks[REWARD_CHECKS] = {
#define CHECK(symbol, name_, about_) [REWARD_##symbol] = {name_, about_},
#include "state/reward_checks.def"
};

const char *reward_check_name(unsigned c)
{
    return c < REWARD_CHECKS ? checks[c].name : NULL;
}

const char *reward_check_about(unsigned c)
{
    return c < REWARD_CHECKS ? checks[c].about : NULL;
}

bool reward_check_parse(struct span name, enum reward_check *out)
{
    for (unsigned i = 0; i < REWARD_CHECKS; i++)
        if (span_is(name, checks[i].name)) {
            *out = (enum reward_check)i;
            return true;
        }
    return false;
}

static const char *const answers[] = {"open", "yes", "no", "unknown"};

const char *reward_answer_name(enum reward_answer a)
{
    return answers[(unsigned)a <= REWARD_UNKNOWN ? a : REWARD_OPEN];
}

bool reward_answer_parse(struct span name, enum reward_answer *out)
{
    for (unsigned i = REWARD_YES; i <= REWARD_UNKNOWN; i++)
        if (span_is(name, answers[i])) {
            *out = (enum reward_answer)i;
            return true;
        }
    return false;
}

const char *reward_state_name(enum reward_state s)
{
    static const char *const names[] = {"pending", "approved", "refused", "taken back", "void"};
    return names[(unsigned)s < REWARD_STATES ? s : REWARD_VOID];
}

const char *reward_account_name(enum reward_account a)
{
    static const char *const names[] = {"fund", "left", "pending", "awarded", "paid"};
    return names[(unsigned)a < REWARD_ACCOUNTS ? a : REWARD_FUND];
}

/* ---- what must hold ---- */

unsigned rewards_unmet_of(const struct sql *db, uint64_t offer)
{
    unsigned wanted = (unsigned)sql_int(db, 0, "SELECT conditions FROM offers WHERE entry=?", "i",
                                        (int64_t)offer);
    unsigned best = wanted;
    sqlite3_stmt *s = sql_prepare(db, NULL,
                                  "SELECT sum(DISTINCT 1<<what) FROM milestones WHERE offer=? AND"
                                  " withdrawn=0 GROUP BY subject",
                                  "i", (int64_t)offer);
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        unsigned unmet = wanted & ~(unsigned)sqlite3_column_int(s, 0);
        if (__builtin_popcount(unmet) < __builtin_popcount(best))
            best = unmet;
    }
    sqlite3_finalize(s);
    return best;
}

unsigned rewards_unmet(struct pursuit *p, uint64_t offer)
{
    return rewards_unmet_of(pursuit_sql(p), offer);
}

int rewards_milestone_check(const struct sql *db, uint64_t offer, enum reward_condition what,
                            uint64_t subject, int64_t when, struct err *err)
{
    int64_t wanted =
        sql_int(db, 0, "SELECT conditions FROM offers WHERE entry=?", "i", (int64_t)offer);
    if (when <
        sql_int(db, INT64_MIN, "SELECT from_time FROM offers WHERE entry=?", "i", (int64_t)offer))
        return err_set(err, -EINVAL, "a milestone before the offer began");
    for (unsigned c = 0; c < REWARD_CONDITIONS; c++) {
        int64_t at = sql_int(db, INT64_MAX,
                             "SELECT min(at) FROM milestones WHERE offer=? AND subject=? AND"
                             " what=? AND withdrawn=0",
                             "iii", (int64_t)offer, (int64_t)subject, (int64_t)c);
        if (c == (unsigned)what && at != INT64_MAX)
            return err_set(err, -EEXIST, "the %s is on record already", conditions[c]);
        if (c < (unsigned)what && wanted & 1 << c && at == INT64_MAX)
            return err_set(err, -EINVAL, "the %s comes first, and is not on record", conditions[c]);
        if (c < (unsigned)what && at != INT64_MAX && when < at)
            return err_set(err, -EINVAL, "before the %s", conditions[c]);
        if (c > (unsigned)what && at != INT64_MAX && when > at)
            return err_set(err, -EINVAL, "after the %s", conditions[c]);
    }
    return 0;
}

int rewards_milestone_may(struct pursuit *p, uint64_t offer, enum reward_condition what,
                          uint64_t subject, int64_t when, struct err *err)
{
    return rewards_milestone_check(pursuit_sql(p), offer, what, subject, when, err);
}

static int64_t count_answers(const struct sql *db, uint64_t offer, uint64_t lead,
                             enum reward_answer a)
{
    return sql_int(db, 0, "SELECT count(*) FROM eligibility WHERE offer=? AND lead=? AND answer=?",
                   "iii", (int64_t)offer, (int64_t)lead, (int64_t)a);
}

unsigned rewards_answers(struct pursuit *p, uint64_t offer, uint64_t lead, enum reward_answer a)
{
    const struct sql *db = pursuit_sql(p);
    if (a != REWARD_OPEN)
        return (unsigned)count_answers(db, offer, lead, a);
    return REWARD_CHECKS - (unsigned)sql_int(db, 0,
                                             "SELECT count(*) FROM eligibility WHERE offer=? AND"
                                             " lead=?",
                                             "ii", (int64_t)offer, (int64_t)lead);
}

static int say_unmet(unsigned unmet, struct err *err)
{
    for (unsigned c = 0; c < REWARD_CONDITIONS; c++)
        if (unmet & 1u << c)
            return err_set(err, -EPERM, "no %s is on record: nothing is paid before",
                           conditions[c]);
    return 0;
}

int rewards_pay_check(const struct sql *db, uint64_t award, int64_t amount, struct err *err)
{
    sqlite3_stmt *s =
        sql_prepare(db, err, "SELECT offer, lead, amount, paid, state FROM awards WHERE entry=?",
                    "i", (int64_t)award);
    int rc = s ? sql_step(db, s, err) : -EIO;
    if (rc <= 0) {
        sqlite3_finalize(s);
        return rc < 0 ? rc : err_set(err, -ENOENT, "no such award");
    }
    uint64_t offer = (uint64_t)sqlite3_column_int64(s, 0),
             lead = (uint64_t)sqlite3_column_int64(s, 1);
    int64_t left = sqlite3_column_int64(s, 2) - sqlite3_column_int64(s, 3);
    enum reward_state state = (enum reward_state)sqlite3_column_int(s, 4);
    sqlite3_finalize(s);
    if (state != REWARD_APPROVED)
        return err_set(err, -EPERM, "the award is %s: another person must have approved it",
                       reward_state_name(state));
    if (say_unmet(rewards_unmet_of(db, offer), err) < 0)
        return -EPERM;
    int64_t yes = count_answers(db, offer, lead, REWARD_YES);
    if (yes != REWARD_CHECKS)
        return err_set(err, -EPERM, "the checklist is not complete: %lld of %d are \"yes\"",
                       (long long)yes, REWARD_CHECKS);
    if (amount <= 0 || amount > left)
        return err_set(err, -ERANGE, "more than what is left of the award");
    return 0;
}

int rewards_may_pay(struct pursuit *p, uint64_t award, int64_t amount, struct err *err)
{
    return rewards_pay_check(pursuit_sql(p), award, amount, err);
}
