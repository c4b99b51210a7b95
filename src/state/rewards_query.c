/* Reading offers, milestones, claims, awards, payouts and the ledger. */
#include <errno.h>
#include <stdlib.h>

#include "base/utc.h"
#include "event/event.h"
#include "state/money.h"
#include "state/rewards_impl.h"

static uint64_t u64(sqlite3_stmt *s, int column)
{
    return (uint64_t)sqlite3_column_int64(s, column);
}

/* ---- offers ---- */

#define OFFER_COLUMNS                                                                              \
    "entry, name, amount, currency, from_time, until_time, of_order, conditions, sha256,"          \
    " document, note, account, time, withdrawn"

static int each_offer(const struct sql *db, sqlite3_stmt *s,
                      int (*each)(void *ctx, const struct reward_offer *o), void *ctx, uint64_t *n,
                      struct err *err)
{
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        ++*n;
        rc = each(ctx, &(struct reward_offer){.entry = u64(s, 0),
                                              .name = sql_text(s, 1),
                                              .amount = sqlite3_column_int64(s, 2),
                                              .currency = sql_text(s, 3),
                                              .from = sqlite3_column_int64(s, 4),
                                              .until = sqlite3_column_int64(s, 5),
                                              .order = u64(s, 6),
                                              .conditions = (unsigned)sqlite3_column_int(s, 7),
                                              .sha256 = sql_text(s, 8),
                                              .document = sql_text(s, 9),
                                              .note = sql_text(s, 10),
                                              .account = sql_text(s, 11),
                                              .recorded = sqlite3_column_int64(s, 12),
                                              .withdrawn = sqlite3_column_int64(s, 13) != 0});
    }
    sqlite3_finalize(s);
    return rc;
}

int rewards_offers(struct pursuit *p, int (*each)(void *ctx, const struct reward_offer *o),
                   void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    uint64_t n = 0;
    return each_offer(
        db, sql_prepare(db, err, "SELECT " OFFER_COLUMNS " FROM offers ORDER BY entry", ""), each,
        ctx, &n, err);
}

/* An entry's index; 0: not digits. */
static int64_t as_entry(struct span name)
{
    uint64_t v = 0;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] < '0' || name.p[i] > '9' || i > 17)
            return 0;
        else
            v = v * 10 + (uint64_t)(name.p[i] - '0');
    return (int64_t)v;
}

/* Which one is meant; 0: none, -1: there are more than one. */
static int64_t meant(const struct sql *db, struct span name)
{
    if (!name.n)
        return sql_int(db, 0, "SELECT count(*) FROM offers WHERE withdrawn=0", "") > 1
                   ? -1
                   : sql_int(db, 0, "SELECT entry FROM offers WHERE withdrawn=0", "");
    int64_t entry = sql_int(
        db, 0, "SELECT entry FROM offers WHERE name=? ORDER BY withdrawn<>0, entry DESC LIMIT 1",
        "t", name);
    return entry ? entry
                 : sql_int(db, 0, "SELECT entry FROM offers WHERE entry=?", "i", as_entry(name));
}

uint64_t rewards_offer_entry(struct pursuit *p, struct span name)
{
    int64_t entry = meant(pursuit_sql(p), name);
    return entry > 0 ? (uint64_t)entry : 0;
}

int rewards_offer(struct pursuit *p, struct span name,
                  int (*each)(void *ctx, const struct reward_offer *o), void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    int64_t entry = meant(db, name);
    uint64_t n = 0;
    if (entry < 0)
        return err_set(err, -EINVAL, "there is more than one offer: say which (--offer)");
    int rc = each_offer(
        db, sql_prepare(db, err, "SELECT " OFFER_COLUMNS " FROM offers WHERE entry=?", "i", entry),
        each, ctx, &n, err);
    return rc < 0 ? rc : n > 0;
}

int rewards_milestones(struct pursuit *p, uint64_t offer,
                       int (*each)(void *ctx, const struct reward_milestone *m), void *ctx,
                       struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, err,
                                  "SELECT entry, offer, subject, what, at, time, document, sha256,"
                                  " note, account, withdrawn FROM milestones WHERE offer=?"
                                  " ORDER BY entry",
                                  "i", (int64_t)offer);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1)
        rc = each(ctx,
                  &(struct reward_milestone){u64(s, 0), u64(s, 1), u64(s, 2),
                                             (enum reward_condition)sqlite3_column_int(s, 3),
                                             sqlite3_column_int64(s, 4), sqlite3_column_int64(s, 5),
                                             sql_text(s, 6), sql_text(s, 7), sql_text(s, 8),
                                             sql_text(s, 9), sqlite3_column_int64(s, 10) != 0});
    sqlite3_finalize(s);
    return rc;
}

/* ---- claims ---- */

#define CLAIM_COLUMNS "entry, offer, lead, day, in_time, informed"

static struct reward_claim read_claim(sqlite3_stmt *s)
{
    return (struct reward_claim){u64(s, 0),
                                 u64(s, 1),
                                 u64(s, 2),
                                 sqlite3_column_int64(s, 3),
                                 sqlite3_column_int(s, 4) != 0,
                                 sqlite3_column_int(s, 5) != 0};
}

int rewards_claims(struct pursuit *p, uint64_t offer,
                   int (*each)(void *ctx, const struct reward_claim *c), void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    struct reward_claim c;
    sqlite3_stmt *s = sql_prepare(
        db, err, "SELECT " CLAIM_COLUMNS " FROM claims WHERE ?1=0 OR offer=?1 ORDER BY entry", "i",
        (int64_t)offer);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        c = read_claim(s);
        rc = each(ctx, &c);
    }
    sqlite3_finalize(s);
    return rc;
}

int rewards_claim(struct pursuit *p, uint64_t offer, uint64_t lead, struct reward_claim *out,
                  struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s =
        sql_prepare(db, err, "SELECT " CLAIM_COLUMNS " FROM claims WHERE offer=? AND lead=?", "ii",
                    (int64_t)offer, (int64_t)lead);
    int rc = s ? sql_step(db, s, err) : -EIO;
    if (rc == 1)
        *out = read_claim(s);
    sqlite3_finalize(s);
    return rc;
}

int rewards_answer(struct pursuit *p, uint64_t offer, uint64_t lead, enum reward_check check,
                   int (*each)(void *ctx, const struct reward_answered *a), void *ctx,
                   struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, err,
                                  "SELECT answer, entry, why, account FROM eligibility WHERE"
                                  " offer=? AND lead=? AND item=?",
                                  "iii", (int64_t)offer, (int64_t)lead, (int64_t)check);
    int rc = s ? sql_step(db, s, err) : -EIO;
    if (rc == 1) {
        int said = each(ctx, &(struct reward_answered){(enum reward_answer)sqlite3_column_int(s, 0),
                                                       u64(s, 1), sql_text(s, 2), sql_text(s, 3)});
        rc = said < 0 ? said : 1;
    }
    sqlite3_finalize(s);
    return rc;
}

/* ---- awards, payouts ---- */

#define AWARD_COLUMNS                                                                              \
    "entry, offer, lead, settled, withdrawn, state, amount, paid, time, why, account, void_why"

static int each_award(const struct sql *db, sqlite3_stmt *s,
                      int (*each)(void *ctx, const struct reward_award *a), void *ctx, uint64_t *n,
                      struct err *err)
{
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        ++*n;
        rc = each(ctx, &(struct reward_award){
                           u64(s, 0), u64(s, 1), u64(s, 2), u64(s, 3), u64(s, 4),
                           (enum reward_state)sqlite3_column_int(s, 5), sqlite3_column_int64(s, 6),
                           sqlite3_column_int64(s, 7), sqlite3_column_int64(s, 8), sql_text(s, 9),
                           sql_text(s, 10), sql_text(s, 11)});
    }
    sqlite3_finalize(s);
    return rc;
}

int rewards_awards(struct pursuit *p, uint64_t offer,
                   int (*each)(void *ctx, const struct reward_award *a), void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    uint64_t n = 0;
    return each_award(db,
                      sql_prepare(db, err,
                                  "SELECT " AWARD_COLUMNS " FROM awards WHERE ?1=0 OR offer=?1"
                                  " ORDER BY entry",
                                  "i", (int64_t)offer),
                      each, ctx, &n, err);
}

int rewards_award(struct pursuit *p, uint64_t entry,
                  int (*each)(void *ctx, const struct reward_award *a), void *ctx, struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    uint64_t n = 0;
    int rc = each_award(db,
                        sql_prepare(db, err, "SELECT " AWARD_COLUMNS " FROM awards WHERE entry=?",
                                    "i", (int64_t)entry),
                        each, ctx, &n, err);
    return rc < 0 ? rc : n > 0;
}

int rewards_payouts(struct pursuit *p, uint64_t award,
                    int (*each)(void *ctx, const struct reward_payout *o), void *ctx,
                    struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, err,
                                  "SELECT entry, award, amount, at, time, method, reference,"
                                  " document, sha256, note, account, void_why FROM payouts"
                                  " WHERE award=? ORDER BY entry",
                                  "i", (int64_t)award);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        struct span void_why = sql_text(s, 11);
        rc = each(ctx,
                  &(struct reward_payout){
                      u64(s, 0), u64(s, 1), sqlite3_column_int64(s, 2), sqlite3_column_int64(s, 3),
                      sqlite3_column_int64(s, 4), sql_text(s, 5), sql_text(s, 6), sql_text(s, 7),
                      sql_text(s, 8), sql_text(s, 9), sql_text(s, 10), void_why, !void_why.n});
    }
    sqlite3_finalize(s);
    return rc;
}

/* ---- the ledger ---- */

int rewards_ledger(struct pursuit *p, uint64_t offer,
                   int (*each)(void *ctx, const struct reward_posting *o), void *ctx,
                   struct err *err)
{
    const struct sql *db = pursuit_sql(p);
    sqlite3_stmt *s = sql_prepare(db, err,
                                  "SELECT entry, offer, award, time, amount, debit, credit,"
                                  " account FROM reward_ledger WHERE ?1=0 OR offer=?1"
                                  " ORDER BY entry",
                                  "i", (int64_t)offer);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1)
        rc =
            each(ctx, &(struct reward_posting){
                          u64(s, 0), u64(s, 1), u64(s, 2), sqlite3_column_int64(s, 3),
                          sqlite3_column_int64(s, 4), (enum reward_account)sqlite3_column_int(s, 5),
                          (enum reward_account)sqlite3_column_int(s, 6), sql_text(s, 7)});
    sqlite3_finalize(s);
    return rc;
}

struct balance {
    int64_t *at;
    struct err *err;
};

static int add_posting(void *ctx, const struct reward_posting *o)
{
    struct balance *b = ctx;
    if (o->amount <= 0 || (unsigned)o->from >= REWARD_ACCOUNTS ||
        (unsigned)o->to >= REWARD_ACCOUNTS || o->from == o->to)
        return err_set(b->err, -EBADMSG, "the ledger: line %llu is no posting",
                       (unsigned long long)o->entry);
    bool over = __builtin_sub_overflow(b->at[o->from], o->amount, &b->at[o->from]);
    over |= __builtin_add_overflow(b->at[o->to], o->amount, &b->at[o->to]);
    for (unsigned i = REWARD_LEFT; !over && i < REWARD_ACCOUNTS; i++)
        over |= b->at[i] < 0;
    return over ? err_set(b->err, -EBADMSG,
                          "the ledger does not balance from line %llu on: \"%s\" is overdrawn",
                          (unsigned long long)o->entry, reward_account_name(o->from))
                : 0;
}

/* What the awards and payouts say themselves, beside the postings. */
static int check_own(const struct sql *db, uint64_t offer, const int64_t at[REWARD_ACCOUNTS],
                     struct err *err)
{
    static const struct {
        enum reward_account account;
        const char *query;
    } own[] = {
        {REWARD_FUND, "SELECT -amount*(withdrawn=0) FROM offers WHERE entry=?"},
        {REWARD_HELD, "SELECT sum(amount) FROM awards WHERE offer=? AND state=0"},
        {REWARD_AWARDED, "SELECT sum(amount-paid) FROM awards WHERE offer=? AND state=1"},
        {REWARD_PAID, "SELECT sum(o.amount) FROM payouts o JOIN awards a ON a.entry=o.award WHERE"
                      " a.offer=? AND o.void_why=''"},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        int64_t v = sql_int(db, 0, own[i].query, "i", (int64_t)offer);
        if (v != at[own[i].account])
            return err_set(err, -EBADMSG,
                           "the ledger does not balance: offer %llu has %lld in \"%s\", its acts"
                           " say %lld",
                           (unsigned long long)offer, (long long)at[own[i].account],
                           reward_account_name(own[i].account), (long long)v);
    }
    return 0;
}

int rewards_balance(struct pursuit *p, uint64_t offer, int64_t out[REWARD_ACCOUNTS],
                    struct err *err)
{
    struct balance b = {out, err};
    int64_t sum = 0;
    memset(out, 0, REWARD_ACCOUNTS * sizeof *out);
    int rc = rewards_ledger(p, offer, add_posting, &b, err);
    for (unsigned i = 0; rc == 0 && i < REWARD_ACCOUNTS; i++)
        sum += out[i];
    if (rc == 0 && sum != 0)
        rc = err_set(err, -EBADMSG, "the ledger does not balance: offer %llu is off by %lld",
                     (unsigned long long)offer, (long long)sum);
    return rc == 0 ? check_own(pursuit_sql(p), offer, out, err) : rc;
}
