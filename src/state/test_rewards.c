#include "state/rewards.h"

#include "state/money.h"
#include "state/reviews.h"
#include "state/test_acts.h"

/* ---- money ---- */

static long long parsed(const char *text, const char *currency)
{
    int64_t v = 0;
    int rc = money_parse(span_str(text), span_str(currency), &v, NULL);
    return rc < 0 ? rc : v;
}

static const char *formatted(int64_t amount, const char *currency)
{
    static char text[MONEY_TEXT_MAX];
    ok(money_format(amount, span_str(currency), text) == strlen(text));
    return text;
}

static void test_money(void)
{
    is_int(parsed("250000", "USD"), 25000000);
    is_int(parsed("250000.00", "USD"), 25000000);
    is_int(parsed("0.01", "USD"), 1);
    is_int(parsed("0.5", "USD"), 50);
    is_int(parsed("250000", "JPY"), 250000);
    is_int(parsed("1.234", "KWD"), 1234);
    is_int(parsed("92233720368547758.07", "USD"), INT64_MAX);
    static const char *const bad[] = {"",      ".",   "1.",  "1.234", "-1",      "+1",   "1e3",
                                      "0x10",  " 1",  "1 ",  "1,000", "0",       "0.00", ".5",
                                      "1.2.3", "1\n", "NaN", "1.0x",  "\xd9\xa1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(parsed(bad[i], "USD"), -EINVAL);
    is_int(parsed("1.0", "JPY"), -EINVAL);
    is_int(parsed("92233720368547758.08", "USD"), -ERANGE);
    is_int(parsed("99999999999999999999999999", "USD"), -ERANGE);
    is_int(parsed("9223372036854775807", "USD"), -ERANGE);
    is_int(parsed("1", "XXX"), -EINVAL);
    is_int(parsed("1", "usd"), -EINVAL);
    is_int(parsed("1", "US"), -EINVAL);
    is_str(formatted(25000000, "USD"), "250000.00");
    is_str(formatted(5, "USD"), "0.05");
    is_str(formatted(5, "JPY"), "5");
    is_str(formatted(-1, "KWD"), "-0.001");
    is_str(formatted(INT64_MIN, "USD"), "-92233720368547758.08");
    int64_t v;
    is_int(money_percent(25000000, span_str("33.333333"), &v, NULL), 0);
    is_int(v, 8333333);
    is_int(money_percent(INT64_MAX, span_str("100"), &v, NULL), 0);
    is_int(v, INT64_MAX);
    is_int(money_percent(100, span_str("0.5"), &v, NULL), -EINVAL, "nothing is left of it");
    is_int(money_percent(100, span_str("100.1"), &v, NULL), -EINVAL);
    is_int(money_percent(100, span_str("0"), &v, NULL), -EINVAL);
    is_int(money_percent(100, span_str("-5"), &v, NULL), -EINVAL);
    is_int(money_percent(100, span_str("1.0000001"), &v, NULL), -EINVAL);
}

/* ---- acts ---- */

static const uint8_t paper[32] = {7};

static uint64_t offer_in(const char *name, uint64_t amount, const char *currency,
                         const char *conditions)
{
    return log_add(KIND_OFFER, "cus", act_offer,
                   (&(struct act_offer){.name = span_str(name),
                                        .amount = amount,
                                        .currency = span_str(currency),
                                        .conditions = span_str(conditions),
                                        .sha256 = span_of(paper, 32),
                                        .from = LOG_TIME,
                                        .until = LOG_TIME + 100 * UTC_DAY}));
}

static uint64_t offer(const char *name, uint64_t amount)
{
    return offer_in(name, amount, "USD", "identification arrest conviction");
}

static uint64_t milestone(uint64_t of, const char *what, uint64_t subject, int64_t day)
{
    return log_add(KIND_MILESTONE, "cou", act_milestone,
                   (&(struct act_milestone){.offer = of,
                                            .what = span_str(what),
                                            .subject = subject,
                                            .when = LOG_TIME + day * UTC_DAY,
                                            .sha256 = span_of(paper, 32)}));
}

static uint64_t check(uint64_t of, uint64_t lead, const char *name, const char *answer)
{
    return log_add(KIND_ELIGIBILITY, "rita", act_eligibility,
                   (&(struct act_eligibility){.offer = of,
                                              .lead = lead,
                                              .check = span_str(name),
                                              .answer = span_str(answer),
                                              .why = span_str("looked at")}));
}

static uint64_t award_by(const char *by, uint64_t of, uint64_t lead, uint64_t amount)
{
    return log_add(
        KIND_AWARD, by, act_award,
        (&(struct act_award){
            .offer = of, .lead = lead, .amount = amount, .why = span_str("it led to it")}));
}

static uint64_t award(uint64_t of, uint64_t lead, uint64_t amount)
{
    return award_by("cou", of, lead, amount);
}

static uint64_t approve(const char *by, uint64_t entry, bool yes)
{
    return log_add(KIND_APPROVAL, by, act_approval,
                   (&(struct act_approval){.entry = entry,
                                           .what = span_str(yes ? "approved" : "refused"),
                                           .why = span_str("seen")}));
}

static uint64_t pay(uint64_t of, uint64_t amount)
{
    return log_add(
        KIND_PAYOUT, "cus", act_payout,
        (&(struct act_payout){
            .award = of, .amount = amount, .method = span_str("wire"), .when = LOG_TIME}));
}

static uint64_t take_back(const char *by, uint64_t entry)
{
    return log_add(KIND_WITHDRAWN, by, act_withdrawn,
                   (&(struct act_withdrawn){.entry = entry, .why = span_str("a mistake")}));
}

static void people(void)
{
    log_account("cus", "custodian");
    log_account("cou", "counsel");
    log_account("rita", "reviewer");
}

/* ---- what is where ---- */

static int64_t at[REWARD_ACCOUNTS];

static int balance(struct pursuit *p, uint64_t of)
{
    struct err err = {0};
    log_feed(p);
    int rc = rewards_balance(p, of, at, &err);
    if (rc < 0)
        printf("# %s\n", err.text);
    return rc;
}

static enum reward_state award_state;
static int keep_state(void *ctx, const struct reward_award *a)
{
    (void)ctx;
    award_state = a->state;
    return 0;
}

static enum reward_state state(struct pursuit *p, uint64_t entry)
{
    award_state = REWARD_STATES;
    log_feed(p);
    rewards_award(p, entry, keep_state, NULL, NULL);
    return award_state;
}

static void test_awards(void)
{
    struct pursuit *p = log_begin();
    people();
    uint64_t o = offer("the reward", 1000), a = log_lead(10), b = log_lead(10);
    uint64_t x = award(o, a, 600), y = award(o, b, 500);
    is_int(balance(p, o), 0);
    is_int(state(p, x), REWARD_PENDING);
    is_int(state(p, y), REWARD_VOID, "pending ones hold their share");
    is_int(at[REWARD_LEFT], 400);
    is_int(at[REWARD_HELD], 600);
    approve("cou", x, true);  /* the act's own */
    approve("rita", x, true); /* not the role */
    is_int(state(p, x), REWARD_PENDING);
    approve("cus", x, true);
    is_int(state(p, x), REWARD_APPROVED);
    approve("cus", x, false); /* settled */
    is_int(state(p, x), REWARD_APPROVED);
    uint64_t z = award(o, b, 400);
    approve("cus", z, false);
    is_int(state(p, z), REWARD_REFUSED);
    is_int(balance(p, o), 0);
    is_int(at[REWARD_LEFT], 400);
    is_int(at[REWARD_AWARDED], 600);
    is_int(at[REWARD_FUND], -1000);
    take_back("rita", x); /* not the role */
    is_int(state(p, x), REWARD_APPROVED);
    take_back("cus", x);
    is_int(state(p, x), REWARD_TAKEN_BACK);
    take_back("cus", x);
    is_int(balance(p, o), 0);
    is_int(at[REWARD_LEFT], 1000);
    is_int(state(p, award(o, a, 0)), REWARD_VOID);
    is_int(state(p, award(o, a, UINT64_MAX)), REWARD_VOID);
    is_int(state(p, award(o, a, (uint64_t)INT64_MAX)), REWARD_VOID);
    is_int(state(p, award(999, a, 10)), REWARD_VOID);
    is_int(state(p, award_by("", o, a, 10)), REWARD_STATES, "by nobody: it is not there");
    log_add(KIND_LEAD_REVIEW, "rita", act_lead_review,
            (&(struct act_lead_review){
                .lead = a, .what = span_str("conflict"), .value = span_str("cou")}));
    is_int(state(p, award(o, a, 10)), REWARD_STATES, "by who has a conflict of interest");
    uint64_t w = award(o, b, 1000);
    is_int(state(p, w), REWARD_PENDING);
    take_back("cus", o); /* with an award that stands */
    is_int(rewards_offer_entry(p, span_str("the reward")), (long long)o);
    take_back("cus", w);
    take_back("cus", o);
    is_int(balance(p, o), 0);
    is_int(at[REWARD_FUND], 0);
    is_int(state(p, award(o, b, 10)), REWARD_VOID);
    log_check(p);
    log_end(p);
}

static void answer_all(uint64_t o, uint64_t lead, const char *last)
{
    for (unsigned i = 0; i < REWARD_CHECKS; i++)
        check(o, lead, reward_check_name(i), i + 1 < REWARD_CHECKS ? "yes" : last);
}

static void test_payouts(void)
{
    struct pursuit *p = log_begin();
    people();
    uint64_t o = offer("the reward", 1000), a = log_lead(10);
    uint64_t x = award(o, a, 700);
    pay(x, 100); /* not approved */
    approve("cus", x, true);
    pay(x, 100);                  /* no conditions */
    milestone(o, "arrest", 5, 2); /* out of order */
    milestone(o, "identification", 5, 1);
    milestone(o, "arrest", 5, 3);
    milestone(o, "conviction", 6, 9); /* of another one */
    log_feed(p);
    is_int(rewards_unmet(p, o), 1 << REWARD_CONVICTION);
    pay(x, 100);
    milestone(o, "conviction", 5, 2); /* before the arrest */
    uint64_t c = milestone(o, "conviction", 5, 9);
    log_feed(p);
    is_int(rewards_unmet(p, o), 0);
    pay(x, 100); /* no checklist */
    answer_all(o, a, "unknown");
    pay(x, 100);
    is_int(balance(p, o), 0);
    is_int(at[REWARD_PAID], 0);
    check(o, a, reward_check_name(REWARD_CHECKS - 1), "yes");
    check(o, a, "nonsense", "no");
    pay(x, 100);
    pay(x, 601); /* more than what is left */
    pay(x, 0);
    pay(x, UINT64_MAX);
    pay(999, 1);
    is_int(balance(p, o), 0);
    is_int(at[REWARD_PAID], 100);
    is_int(at[REWARD_AWARDED], 600);
    take_back("cus", x); /* it is paid in part */
    is_int(state(p, x), REWARD_APPROVED);
    take_back("cus", c); /* the conviction is overturned */
    pay(x, 100);
    log_feed(p);
    is_int(rewards_may_pay(p, x, 100, NULL), -EPERM);
    milestone(o, "conviction", 5, 10);
    log_feed(p);
    is_int(rewards_may_pay(p, x, 601, NULL), -ERANGE);
    is_int(rewards_may_pay(p, x, 600, NULL), 0);
    pay(x, 600);
    pay(x, 1);
    is_int(balance(p, o), 0);
    is_int(at[REWARD_PAID], 700);
    is_int(at[REWARD_LEFT], 300);
    log_check(p);
    /* A table that somebody has changed. */
    sqlite3_exec(pursuit_sql(p)->db,
                 "UPDATE payouts SET amount=200 WHERE void_why='' AND amount=100", NULL, NULL,
                 NULL);
    ok(rewards_balance(p, o, at, NULL) < 0, "a changed payout does not balance");
    sqlite3_exec(pursuit_sql(p)->db, "UPDATE payouts SET amount=100 WHERE amount=200", NULL, NULL,
                 NULL);
    is_int(rewards_balance(p, o, at, NULL), 0);
    sqlite3_exec(pursuit_sql(p)->db, "UPDATE reward_ledger SET amount=5000 WHERE debit=1", NULL,
                 NULL, NULL);
    ok(rewards_balance(p, o, at, NULL) < 0, "nor does a changed posting");
    log_end(p);
}

static void test_offers(void)
{
    struct pursuit *p = log_begin();
    people();
    offer("", 10);
    offer("none", 0);
    offer("over", UINT64_MAX);
    offer_in("odd", 10, "ZZZ", "arrest");
    offer_in("odd", 10, "USD", "arrest trial");
    offer_in("odd", 10, "USD", "");
    log_feed(p);
    is_int(sql_int(pursuit_sql(p), -1, "SELECT count(*) FROM offers", ""), 0);
    uint64_t o = offer_in("one", 10, "USD", "arrest");
    offer("one", 20);
    log_feed(p);
    is_int(sql_int(pursuit_sql(p), -1, "SELECT count(*) FROM offers", ""), 1);
    is_int(rewards_offer_entry(p, span_str("")), (long long)o);
    is_int(rewards_offer_entry(p, span_str("two")), 0);
    milestone(o, "arrest", 0, -1); /* before the offer */
    log_feed(p);
    is_int(rewards_unmet(p, o), 1 << REWARD_ARREST);
    milestone(o, "arrest", 0, 1);
    log_feed(p);
    is_int(rewards_unmet(p, o), 0);
    offer("two", 20);
    log_feed(p);
    is_int(rewards_offer_entry(p, span_str("")), 0, "which one is not said");
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)o);
    is_int(rewards_offer_entry(p, span_str(digits)), (long long)o);
    is_int(reward_conditions_parse(span_str("arrest,conviction")), 6);
    /* Claims. */
    uint64_t a = log_lead(10);
    log_message("", a, "claim", o);
    log_message("", a, "claim", 999);
    struct reward_claim claim;
    log_feed(p);
    is_int(rewards_claim(p, o, a, &claim, NULL), 1);
    ok(claim.in_time && !claim.informed);
    log_message("rita", a, "payment", 0);
    log_feed(p);
    is_int(rewards_claim(p, o, a, &claim, NULL), 1);
    ok(claim.informed);
    is_int(rewards_claim(p, 999, a, &claim, NULL), 0);
    log_entries[log_message("", log_lead(10), "claim", o)].time += 200 * UTC_DAY;
    log_feed(p);
    is_int(sql_int(pursuit_sql(p), -1, "SELECT count(*) FROM claims WHERE in_time=0", ""), 1);
    log_check(p);
    log_end(p);
}

/* ---- whatever happens, it balances ---- */

static uint64_t random_state;
static uint64_t some(uint64_t n)
{
    random_state ^= random_state << 13; /* xorshift64: Marsaglia, 2003 */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % n;
}

static uint64_t random_awards[1024];
static unsigned n_random_awards;

static void random_act(const uint64_t *offers, const uint64_t *leads)
{
    static const char *const by[] = {"cus", "cou", "rita", "dan", ""};
    static const char *const what[] = {"identification", "arrest", "conviction"};
    uint64_t o = offers[some(3)], l = leads[some(3)], any = 1 + some(log_n);
    if (n_random_awards && some(4))
        any = random_awards[some(n_random_awards)];
    switch (some(9)) {
    case 0:
    case 1:
        random_awards[n_random_awards++] = award_by(by[some(5)], o, l,
                                                    some(3)   ? 1 + some(400)
                                                    : some(2) ? UINT64_MAX - some(9)
                                                              : 0);
        break;
    case 2:
    case 3:
        approve(by[some(5)], any, some(4) != 0);
        break;
    case 4:
        pay(any, some(6) ? 1 + some(300) : UINT64_MAX - some(9));
        break;
    case 5:
        take_back(by[some(5)], any);
        break;
    case 6:
        milestone(o, what[some(2)], some(8) == 0, (int64_t)some(9));
        break;
    case 7:
        if (some(2))
            answer_all(o, l, some(5) ? "yes" : "no");
        else
            check(o, l, reward_check_name((unsigned)some(REWARD_CHECKS)), some(5) ? "yes" : "no");
        break;
    case 8:
        log_add(KIND_LEAD_REVIEW, "rita", act_lead_review,
                (&(struct act_lead_review){.lead = l,
                                           .what = span_str(some(8) ? "tag" : "conflict"),
                                           .value = span_str(some(8) ? "x" : by[some(4)])}));
        break;
    }
}

static void test_any(uint64_t seed)
{
    struct pursuit *p = log_begin();
    uint64_t offers[3], leads[3];
    int64_t paid = 0;
    bool good = true;
    random_state = seed;
    n_random_awards = 0;
    people();
    log_account("dan", "counsel custodian");
    for (int i = 0; i < 3; i++)
        offers[i] = offer_in(i == 0   ? "a"
                             : i == 1 ? "b"
                                      : "c",
                             i == 2 ? 37 : 1000 + some(999), "USD",
                             i == 1 ? "identification" : "identification arrest");
    for (int i = 0; i < 3; i++)
        leads[i] = log_lead(10);
    for (int i = 0; good && i < 1500; i++) {
        random_act(offers, leads);
        if (i % 20)
            continue;
        for (int k = 0; good && k < 3; k++) {
            good = balance(p, offers[k]) == 0 && at[REWARD_LEFT] >= 0 && at[REWARD_HELD] >= 0 &&
                   at[REWARD_AWARDED] >= 0 && at[REWARD_PAID] >= 0;
            paid += at[REWARD_PAID];
        }
    }
    printf("# seed %llu: %lld paid\n", (unsigned long long)seed, (long long)paid);
    ok(good, "every ledger balances, after every twenty acts");
    log_check(p);
    log_end(p);
}

int main(void)
{
    log_quiet();
    test_money();
    test_offers();
    test_awards();
    test_payouts();
    for (uint64_t seed = 1; seed <= 8; seed++)
        test_any(seed * 0x9e3779b97f4a7c15ull);
    return tap_done();
}
