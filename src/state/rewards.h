/* Rewards: offers, milestones, claims, the checklist, awards and payouts. Tables of the pursuit
 * (pursuit.h).
 *
 * Acts are taken in the log's order, and one that must not be does not count: an award that would
 * take the awarded and pending ones together above the offer, a payout above its award, before its
 * conditions, its checklist or its approval. What counts is posted twice (table `reward_ledger`),
 * so that offer = left + pending + awarded + paid at every entry. Amounts are in the currency's
 * smallest unit (money.h). */
#pragma once

#include "state/pursuit.h"

enum reward_condition {
    REWARD_IDENTIFICATION,
    REWARD_ARREST,
    REWARD_CONVICTION,
    REWARD_CONDITIONS,
};
const char *reward_condition_name(unsigned c); /* NULL from REWARD_CONDITIONS on */
/* "identification arrest" (blanks or commas between) as a mask; 0 when a word is none. */
unsigned reward_conditions_parse(struct span text);

/* Spans are valid within the callback. */
struct reward_offer {
    uint64_t entry;
    struct span name, currency, document, sha256, note, account;
    int64_t amount, from, until, recorded;
    uint64_t order;
    unsigned conditions; /* mask */
    bool withdrawn;
};
/* By name, or by its entry in digits; empty: the only one. 1 found (each() was called), 0 not;
 * negative (-EINVAL: none was named, and there are more than one). */
int rewards_offer(struct pursuit *p, struct span name,
                  int (*each)(void *ctx, const struct reward_offer *o), void *ctx, struct err *err);
/* The same, its entry alone; 0: there is none. */
uint64_t rewards_offer_entry(struct pursuit *p, struct span name);
int rewards_offers(struct pursuit *p, int (*each)(void *ctx, const struct reward_offer *o),
                   void *ctx, struct err *err);

/* ---- milestones ---- */

struct reward_milestone {
    uint64_t entry, offer, subject;
    enum reward_condition what;
    int64_t when, recorded;
    struct span document, sha256, note, account;
    bool withdrawn;
};
int rewards_milestones(struct pursuit *p, uint64_t offer,
                       int (*each)(void *ctx, const struct reward_milestone *m), void *ctx,
                       struct err *err);
/* Why a milestone cannot be: -EINVAL with what is not in order: they come one after the other, and
 * none before the offer. `subject`: its entry, 0 for none. */
int rewards_milestone_may(struct pursuit *p, uint64_t offer, enum reward_condition what,
                          uint64_t subject, int64_t when, struct err *err);
/* Conditions of the offer that nobody has met yet, as a mask; 0: one subject (or none named) has
 * met them all. */
unsigned rewards_unmet(struct pursuit *p, uint64_t offer);

/* ---- claims and their checklist ---- */

enum reward_check {
#define CHECK(symbol, name, about) REWARD_##symbol,
#include "state/reward_checks.def"
    REWARD_CHECKS,
};
const char *reward_check_name(unsigned c); /* NULL from REWARD_CHECKS on */
const char *reward_check_about(unsigned c);
bool reward_check_parse(struct span name, enum reward_check *out);

enum reward_answer { REWARD_OPEN, REWARD_YES, REWARD_NO, REWARD_UNKNOWN };
const char *reward_answer_name(enum reward_answer a); /* "open" "yes" "no" "unknown" */
bool reward_answer_parse(struct span name, enum reward_answer *out);

struct reward_claim {
    uint64_t entry, offer, lead;
    int64_t day;
    bool in_time;  /* after the offer began and before it ended, by days and by the log */
    bool informed; /* payment instructions went to the informant (a LEAD_MESSAGE) */
};
/* By offer (0: all), in the log's order. */
int rewards_claims(struct pursuit *p, uint64_t offer,
                   int (*each)(void *ctx, const struct reward_claim *c), void *ctx,
                   struct err *err);
/* That lead's: 1 found, 0 it claimed nothing. */
int rewards_claim(struct pursuit *p, uint64_t offer, uint64_t lead, struct reward_claim *out,
                  struct err *err);

struct reward_answered {
    enum reward_answer answer;
    uint64_t entry;
    struct span why, account;
};
/* The newest answer to a line of the checklist: 1 found (each() was called), 0 open. */
int rewards_answer(struct pursuit *p, uint64_t offer, uint64_t lead, enum reward_check check,
                   int (*each)(void *ctx, const struct reward_answered *a), void *ctx,
                   struct err *err);
/* How many lines are answered with that. */
unsigned rewards_answers(struct pursuit *p, uint64_t offer, uint64_t lead, enum reward_answer a);

/* ---- awards and payouts ---- */

enum reward_state {
    REWARD_PENDING, /* not approved yet */
    REWARD_APPROVED,
    REWARD_REFUSED,
    REWARD_TAKEN_BACK,
    REWARD_VOID, /* it does not count: more than there was, no such offer ... */
    REWARD_STATES,
};
const char *reward_state_name(enum reward_state s);

struct reward_award {
    uint64_t entry, offer, lead, settled, withdrawn;
    enum reward_state state;
    int64_t amount, paid, recorded;
    struct span why, account, void_why;
};
int rewards_awards(struct pursuit *p, uint64_t offer,
                   int (*each)(void *ctx, const struct reward_award *a), void *ctx,
                   struct err *err);
int rewards_award(struct pursuit *p, uint64_t entry,
                  int (*each)(void *ctx, const struct reward_award *a), void *ctx, struct err *err);

struct reward_payout {
    uint64_t entry, award;
    int64_t amount, when, recorded;
    struct span method, reference, document, sha256, note, account, void_why;
    bool counts;
};
int rewards_payouts(struct pursuit *p, uint64_t award,
                    int (*each)(void *ctx, const struct reward_payout *o), void *ctx,
                    struct err *err);
/* Why that award cannot be paid so much now: -EPERM, -ERANGE with the reason; 0: it can. */
int rewards_may_pay(struct pursuit *p, uint64_t award, int64_t amount, struct err *err);

/* ---- the ledger ---- */

/* Where an offer's money is. */
enum reward_account {
    REWARD_FUND,    /* owed by who offers: the whole offer, negative */
    REWARD_LEFT,    /* not awarded */
    REWARD_HELD,    /* in awards that are not approved yet */
    REWARD_AWARDED, /* in approved awards, and not paid yet */
    REWARD_PAID,
    REWARD_ACCOUNTS,
};
const char *reward_account_name(enum reward_account a);

/* One posting: an amount goes from one account to another. */
struct reward_posting {
    uint64_t entry, offer, award;
    int64_t time, amount;
    enum reward_account from, to;
    struct span account; /* who did it */
};
/* In the log's order; offer 0: all. */
int rewards_ledger(struct pursuit *p, uint64_t offer,
                   int (*each)(void *ctx, const struct reward_posting *o), void *ctx,
                   struct err *err);
/* Balances of an offer, summed from the postings; and whether they hold: each account but the fund
 * is never below nothing after any posting, the sum is nothing, and what offers, awards and payouts
 * say themselves is the same. 0, or -EBADMSG with the first line that does not hold. */
int rewards_balance(struct pursuit *p, uint64_t offer, int64_t out[REWARD_ACCOUNTS],
                    struct err *err);
