#include "state/reviews.h"

#include "state/test_acts.h"

static struct buf text;

static int put_lead(void *ctx, const struct review_lead *l)
{
    (void)ctx;
    buf_printf(&text, "%s%llu", text.n ? " " : "", (unsigned long long)l->entry);
    return 0;
}

static const char *listed(struct pursuit *p, const struct review_query *q)
{
    struct err err = {0};
    text.n = 0;
    is_int(reviews_list(p, q, put_lead, NULL, &err), 0);
    buf_byte(&text, 0);
    return (const char *)text.p;
}

static struct review_lead lead(struct pursuit *p, uint64_t entry)
{
    static char name[PURSUIT_NAME_MAX];
    struct review_lead l = {0};
    is_int(reviews_lead(p, entry, &l, name, NULL), 1);
    return l;
}

/* ---- acts ---- */

static uint64_t review(const char *by, uint64_t of, const char *what, const char *value,
                       uint64_t other)
{
    return log_add(KIND_LEAD_REVIEW, by, act_lead_review,
                   (&(struct act_lead_review){.lead = of,
                                              .what = span_str(what),
                                              .value = span_str(value),
                                              .other = other,
                                              .why = span_str("because of this")}));
}

static uint64_t approve(const char *by, uint64_t entry, const char *what)
{
    return log_add(
        KIND_APPROVAL, by, act_approval,
        (&(struct act_approval){.entry = entry, .what = span_str(what), .why = span_str("seen")}));
}

static uint64_t novelty(const char *by, uint64_t of, uint64_t fact, const char *verdict)
{
    return log_add(KIND_NOVELTY, by, act_novelty,
                   (&(struct act_novelty){.lead = of,
                                          .fact = fact,
                                          .verdict = span_str(verdict),
                                          .size = of,
                                          .why = span_str("nobody had it")}));
}

/* ---- the order ---- */

static void test_order(void)
{
    struct pursuit *p = log_begin();
    struct review_query all = {.limit = 100};
    for (int i = 0; i < 5; i++)
        log_lead(10); /* 1-5 */
    log_lead(20);     /* 6 */
    log_lead(20);     /* 7 */
    log_feed(p);
    is_str(listed(p, &all), "6 1 7 2 3 4 5");
    /* What comes later at another price takes its turn at once, and no more than its turn. */
    review("rita", 6, "status", "triage", 0); /* 8 */
    review("rita", 1, "status", "triage", 0); /* 9 */
    log_lead(30);                             /* 10 */
    log_lead(30);                             /* 11 */
    log_lead(10);                             /* 12 */
    log_feed(p);
    is_str(listed(p, &(struct review_query){.limit = 5}), "10 7 2 11 3");
    is_str(listed(p, &all), "10 7 2 11 3 4 5 12 6 1");
    enum review_status triage = REVIEW_TRIAGE;
    is_str(listed(p, &(struct review_query){.status = &triage, .limit = 9}), "6 1");
    log_check(p);
    log_end(p);
}

/* A flood at a low price, and twenty that paid what was asked; and the other way round. */
static void test_flood(void)
{
    for (int turn = 0; turn < 2; turn++) {
        struct pursuit *p = log_begin();
        uint64_t real[20];
        struct review_query q = {.limit = 100};
        unsigned n = 0;
        for (int i = 0; i < 10020; i++)
            if (i % 501 == 250)
                real[n++] = log_lead(turn ? 8 : 20);
            else
                log_lead(turn ? 20 : 8);
        log_feed(p);
        is_int(n, 20);
        const char *list = listed(p, &q);
        unsigned found = 0;
        for (unsigned i = 0; i < n; i++) {
            char word[32];
            snprintf(word, sizeof word, " %llu ", (unsigned long long)real[i]);
            struct buf padded = {0};
            buf_printf(&padded, " %s ", list);
            found += memmem(padded.p, padded.n, word, strlen(word)) != NULL;
            buf_free(&padded);
        }
        is_int(found, 20);
        log_end(p);
    }
}

/* ---- status ---- */

static void test_status(void)
{
    struct pursuit *p = log_begin();
    log_lead(10);                                   /* 1 */
    log_lead(10);                                   /* 2 */
    log_lead(10);                                   /* 3 */
    review("rita", 1, "status", "corroborated", 0); /* 4: not from received */
    log_feed(p);
    is_int(lead(p, 1).status, REVIEW_RECEIVED);
    review("rita", 1, "status", "triage", 0);
    review("rita", 1, "status", "corroborated", 0);
    review("rita", 2, "status", "duplicate", 1);
    review("rita", 3, "status", "duplicate", 3); /* of itself */
    review("rita", 3, "status", "duplicate", 2); /* of a duplicate */
    review("rita", 3, "status", "nonsense", 0);
    review("rita", 3, "nonsense", "x", 0);
    review("", 3, "status", "triage", 0); /* by nobody */
    log_feed(p);
    is_int(lead(p, 1).status, REVIEW_CORROBORATED);
    is_int(lead(p, 2).status, REVIEW_DUPLICATE);
    is_int(lead(p, 2).of, 1);
    is_int(lead(p, 3).status, REVIEW_RECEIVED);
    review("rita", 3, "status", "closed", 0);
    log_feed(p);
    is_str(listed(p, &(struct review_query){.limit = 9}), "1 2");
    is_str(listed(p, &(struct review_query){.limit = 9, .all = true}), "1 2 3");
    review("rita", 3, "status", "triage", 0); /* opened again */
    review("rita", 3, "assign", "sam", 0);
    review("rita", 3, "tag", "money", 0);
    review("rita", 3, "tag", "Bad Tag", 0);
    review("rita", 1, "tag", "money", 0);
    log_feed(p);
    is_str(listed(p, &(struct review_query){.limit = 9, .assigned = span_str("sam")}), "3");
    is_str(listed(p, &(struct review_query){.limit = 9, .tag = span_str("money")}), "3 1");
    is_str(listed(p, &(struct review_query){.limit = 9, .tag = span_str("Bad Tag")}), "");
    review("rita", 3, "untag", "money", 0);
    log_feed(p);
    is_str(listed(p, &(struct review_query){.limit = 9, .tag = span_str("money")}), "1");
    log_check(p);
    log_end(p);
}

/* ---- two people ---- */

static void test_two(void)
{
    struct pursuit *p = log_begin();
    log_account("rita", "reviewer"); /* 1 */
    log_account("sam", "reviewer");  /* 2 */
    log_account("aud", "auditor");   /* 3 */
    uint64_t l = log_lead(10);       /* 4 */
    review("rita", l, "status", "triage", 0);
    review("rita", l, "four-eyes", "", 0);
    uint64_t d = review("rita", l, "status", "corroborated", 0);
    log_feed(p);
    is_int(lead(p, l).status, REVIEW_TRIAGE, "pending");
    is_int(lead(p, l).pending, 1);
    approve("rita", d, "approved"); /* her own */
    approve("aud", d, "approved");  /* not the role */
    approve("sam", d, "perhaps");
    log_feed(p);
    is_int(lead(p, l).pending, 1);
    unsigned yes, no;
    is_int(pursuit_approvals(p, d, &yes, &no, NULL), 0);
    is_int(yes + no, 0, "what does not count is nowhere");
    approve("sam", d, "approved");
    log_feed(p);
    is_int(lead(p, l).status, REVIEW_CORROBORATED);
    is_int(lead(p, l).pending, 0);
    approve("sam", d, "refused"); /* settled */
    uint64_t off = review("sam", l, "two-eyes", "", 0);
    log_feed(p);
    is_int(lead(p, l).four_eyes, 1, "the mark does not go without another person");
    approve("sam", off, "approved");
    approve("rita", off, "refused");
    log_feed(p);
    is_int(lead(p, l).four_eyes, 1);
    is_int(lead(p, l).pending, 0);
    /* Two decisions that cannot both be. */
    uint64_t a = review("rita", l, "status", "closed", 0);
    uint64_t b = review("rita", l, "status", "referred", 0);
    approve("sam", a, "approved");
    approve("sam", b, "approved");
    log_feed(p);
    is_int(lead(p, l).status, REVIEW_CLOSED);
    is_int(sql_int(pursuit_sql(p), 0, "SELECT 1 FROM reviews WHERE entry=? AND state='overtaken'",
                   "i", (int64_t)b),
           1);
    log_check(p);
    log_end(p);
}

static void test_conflict(void)
{
    struct pursuit *p = log_begin();
    log_account("rita", "reviewer");
    log_account("sam", "reviewer");
    log_account("cus", "custodian");
    uint64_t l = log_lead(10);
    review("sam", l, "conflict", "rita", 0);
    log_feed(p);
    ok(reviews_conflict(p, l, span_str("rita")));
    ok(!reviews_conflict(p, l, span_str("sam")));
    ok(!reviews_conflict(p, l + 1, span_str("rita")));
    review("rita", l, "status", "triage", 0);
    review("rita", l, "tag", "mine", 0);
    novelty("rita", l, 77, "new");
    review("cus", l, "assign", "rita", 0);
    review("rita", l, "no-conflict", "rita", 0);
    review("sam", l, "no-conflict", "rita", 0); /* no custodian */
    log_feed(p);
    is_int(lead(p, l).status, REVIEW_RECEIVED, "who has a conflict decides nothing");
    is_int(lead(p, l).assigned.n, 0);
    ok(reviews_conflict(p, l, span_str("rita")));
    review("sam", l, "four-eyes", "", 0);
    review("sam", l, "status", "triage", 0);
    uint64_t d = review("sam", l, "status", "known", 0);
    approve("rita", d, "approved");
    log_feed(p);
    is_int(lead(p, l).status, REVIEW_TRIAGE, "and approves nothing");
    review("cus", l, "no-conflict", "rita", 0);
    approve("rita", d, "approved");
    log_feed(p);
    is_int(lead(p, l).status, REVIEW_KNOWN);
    log_check(p);
    log_end(p);
}

static int verdict(void *ctx, const struct review_act *a)
{
    (void)ctx;
    buf_span(&text, a->value);
    return 0;
}

static void test_novelty(void)
{
    struct pursuit *p = log_begin();
    log_account("sam", "reviewer");
    uint64_t l = log_lead(10);
    novelty("rita", l, 50, "known");
    novelty("rita", l, 50, "new");
    novelty("rita", l, 51, "part");
    novelty("rita", l, 52, "perhaps");
    novelty("", l, 53, "new");
    review("rita", l, "four-eyes", "", 0);
    uint64_t d = novelty("rita", l, 50, "known");
    log_feed(p);
    is_int(reviews_new_facts(p, l), 2);
    text.n = 0;
    is_int(reviews_novelty(p, 50, verdict, NULL, NULL), 1);
    ok(span_is(buf_as_span(&text), "new"), "a pending decision does not count yet");
    is_int(reviews_novelty(p, 52, verdict, NULL, NULL), 0);
    approve("sam", d, "approved");
    log_feed(p);
    is_int(reviews_new_facts(p, l), 1);
    log_check(p);
    log_end(p);
}

/* ---- search ---- */

static int put_hit(void *ctx, const struct review_hit *h)
{
    (void)ctx;
    buf_printf(&text, "%s%llu", text.n ? " " : "", (unsigned long long)h->entry);
    return 0;
}

static const char *search(struct pursuit *p, const char *words)
{
    text.n = 0;
    is_int(reviews_search(p, span_str(words), 100, put_hit, NULL, NULL), 0);
    buf_byte(&text, 0);
    return (const char *)text.p;
}

static void test_search(void)
{
    struct pursuit *p = log_begin();
    uint64_t l = log_lead(10);                         /* 1 */
    review("rita", l, "tag", "crypto-payments", 0);    /* 2 */
    log_add(KIND_LEAD_REVIEW, "rita", act_lead_review, /* 3 */
            (&(struct act_lead_review){.lead = l,
                                       .what = span_str("status"),
                                       .value = span_str("triage"),
                                       .why = span_str("Names the host of PANEL example.net")}));
    log_add(KIND_SUBJECT, "rita", act_subject, /* 4 */
            (&(struct act_subject){.name = span_str("John Doe 1"), .kind = span_str("person")}));
    log_add(KIND_FACT, "rita", act_fact, /* 5 */
            (&(struct act_fact){.subject = 4,
                                .lead = l,
                                .type = span_str("domain"),
                                .value = span_str("panel.example.org"),
                                .confidence = 80,
                                .observed = ACT_FOREVER}));
    log_add(KIND_FACT, "rita", act_fact, /* 6: of no lead */
            (&(struct act_fact){.subject = 4,
                                .entries = span_str("1"),
                                .type = span_str("domain"),
                                .value = span_str("panel2.example.org"),
                                .confidence = 80,
                                .observed = ACT_FOREVER}));
    log_feed(p);
    is_str(search(p, "crypto"), "2");
    is_str(search(p, "panel host"), "3");
    is_str(search(p, "panel"), "3 5");
    is_str(search(p, "host nothing"), "");
    is_str(search(p, "because"), "2");
    is_str(search(p, ""), "");
    is_str(search(p, "' OR 1=1 --"), "");
    is_str(search(p, "\xff\xfe"), "");
    log_check(p);
    log_end(p);
}

/* ---- words ---- */

static void test_words(void)
{
    for (unsigned i = 0; i < REVIEW_STATUSES; i++) {
        enum review_status s;
        ok(review_status_parse(span_str(review_status_name((enum review_status)i)), &s) && s == i);
        ok(!review_status_may((enum review_status)i, REVIEW_RECEIVED));
        ok(*review_status_next((enum review_status)i));
    }
    ok(!review_status_may(REVIEW_TRIAGE, REVIEW_STATUSES));
    ok(review_tag_is_good(span_str("a-1.b:c_d")));
    ok(review_tag_is_good(span_str("\xd0\xb4\xd0\xb5\xd0\xbd\xd1\x8c\xd0\xb3\xd0\xb8")));
    static const char *const bad[] = {"",
                                      "A",
                                      "a b",
                                      "a\n",
                                      "-a",
                                      "a\xe2\x80\xae"
                                      "b",
                                      "\xff",
                                      "a\xc2\x85",
                                      "a\xe2\x81\xa6",
                                      "a\xef\xbb\xbf",
                                      "a,b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!review_tag_is_good(span_str(bad[i])), "no tag");
    ok(review_approvers(KIND_AWARD) && !review_approvers(KIND_FACT));
}

int main(void)
{
    log_quiet();
    test_words();
    test_order();
    test_flood();
    test_status();
    test_two();
    test_conflict();
    test_novelty();
    test_search();
    buf_free(&text);
    return tap_done();
}
