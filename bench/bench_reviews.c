/* Leads at the size that the issue names: how long it takes to take in 100,000 leads, their reviews
 * and the facts drawn from them, and then, opening included, to list and to search them.
 *
 *     bench_reviews [FOLDER [LEADS [FACTS]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/utc.h"
#include "bench.h"
#include "event/act_signed.h"
#include "event/event.h"
#include "state/leads.h"
#include "state/reviews.h"

#define ROUNDS 9

static const char *dir = "/tmp/ebb-bench-reviews";
static uint64_t n_leads = 100000, n_facts = 100000, at = 1;
static struct pursuit *p;

static void take(uint8_t kind, struct buf *payload)
{
    pursuit_act(p, kind, at, 1300233600000000ll + (int64_t)at * UTC_SECOND, buf_as_span(payload));
    at++;
    payload->n = 0;
}

/* Signed under a key that nobody looks at: who signs is all that a view reads. */
static void take_by(const char *who, uint8_t kind, struct buf *payload)
{
    static const uint8_t secret[64] = {1};
    struct buf out = {0};
    act_sign(buf_as_span(payload), kind, "bench", span_str(who), secret, &out);
    payload->n = 0;
    take(kind, &out);
    buf_free(&out);
}

static void add_leads(struct buf *b)
{
    static const uint8_t z[64];
    for (uint64_t i = 0; i < n_leads; i++) {
        uint8_t locator[LEAD_LOCATOR_LEN] = {0};
        be32_put(locator, (uint32_t)i);
        act_lead(b, &(struct act_lead){.salt = span_of(z, LEAD_SALT_LEN),
                                       .size = 20000,
                                       .work = 16 + i % 5,
                                       .wraps = span_of(z, 32),
                                       .public = span_of(z, 32),
                                       .verify = span_of(z, 32),
                                       .content = span_of(z, 32),
                                       .locator = span_of(locator, sizeof locator),
                                       .commitment = span_of(z, 32)});
        take(KIND_LEAD, b);
    }
}

/* A third is triaged, with a reason; a tenth has a tag, half of these a common one. */
static void add_reviews(struct buf *b)
{
    char text[160];
    for (uint64_t i = 1; i <= n_leads; i += 3) {
        snprintf(text, sizeof text, "names panel%llu.example, a server of hoster %llu",
                 (unsigned long long)i, (unsigned long long)(i % 97));
        act_lead_review(b, &(struct act_lead_review){.lead = i,
                                                     .what = span_str("status"),
                                                     .value = span_str("triage"),
                                                     .why = span_str(text)});
        take_by("rita", KIND_LEAD_REVIEW, b);
    }
    for (uint64_t i = 1; i <= n_leads; i += 10) {
        snprintf(text, sizeof text, i % 20 < 10 ? "money" : "t%llu",
                 (unsigned long long)(i % 1000));
        act_lead_review(b, &(struct act_lead_review){
                               .lead = i, .what = span_str("tag"), .value = span_str(text)});
        take_by("rita", KIND_LEAD_REVIEW, b);
    }
}

static void add_facts(struct buf *b)
{
    static const char *const types[] = {"domain", "handle", "mail", "address"};
    char value[80];
    act_subject(b,
                &(struct act_subject){.name = span_str("John Doe 1"), .kind = span_str("person")});
    uint64_t subject = at;
    take(KIND_SUBJECT, b);
    for (uint64_t i = 0; i < n_facts; i++) {
        unsigned long long n = i * 2654435761u % 0xffffffff;
        unsigned t = (unsigned)(i % 4);
        if (t == 3)
            snprintf(value, sizeof value, "%llu.%llu.%llu.%llu", n >> 24 & 255, n >> 16 & 255,
                     n >> 8 & 255, n & 255);
        else
            snprintf(value, sizeof value,
                     t == 0   ? "c%llx.example"
                     : t == 1 ? "nick_%llx"
                              : "m%llx@mail.example",
                     n);
        act_fact(b, &(struct act_fact){.subject = subject,
                                       .lead = 1 + i % n_leads,
                                       .type = span_str(types[t]),
                                       .value = span_str(value),
                                       .confidence = 50,
                                       .observed = ACT_FOREVER});
        take(KIND_FACT, b);
    }
}

static uint64_t rows;
static int count_lead(void *ctx, const struct review_lead *l)
{
    (void)ctx;
    (void)l;
    rows++;
    return 0;
}
static int count_hit(void *ctx, const struct review_hit *h)
{
    (void)ctx;
    (void)h;
    rows++;
    return 0;
}

static void open_view(void)
{
    struct err err = {0};
    if (pursuit_open(dir, &p, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
}

static void measure(const char *what, const struct review_query *q, const char *text)
{
    double wall[ROUNDS], cpu[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double w = clock_ns(CLOCK_MONOTONIC), c = cpu_ns();
        rows = 0;
        open_view();
        if (q)
            reviews_list(p, q, count_lead, NULL, NULL);
        else
            reviews_search(p, span_str(text), 100, count_hit, NULL, NULL);
        pursuit_close(p);
        wall[i] = clock_ns(CLOCK_MONOTONIC) - w;
        cpu[i] = cpu_ns() - c;
    }
    printf("%-34s %5llu rows  %7.2f ms  CPU %7.2f ms\n", what, (unsigned long long)rows,
           median(wall, ROUNDS) / 1e6, median(cpu, ROUNDS) / 1e6);
}

int main(int argc, char **argv)
{
    struct buf b = {0};
    char path[FILE_PATH_MAX];
    if (argc > 1)
        dir = argv[1];
    if (argc > 2)
        n_leads = strtoull(argv[2], NULL, 10);
    if (argc > 3)
        n_facts = strtoull(argv[3], NULL, 10);
    file_mkdirs(dir, 0700, NULL);
    if (n_leads == 0 || file_path(path, NULL, "%s/pursuit", dir) < 0)
        return 1;
    remove(path);
    open_view();
    double from = cpu_ns();
    add_leads(&b);
    printf("%llu leads taken in: %.2f s of CPU\n", (unsigned long long)n_leads,
           (cpu_ns() - from) / 1e9);
    from = cpu_ns();
    add_reviews(&b);
    printf("their reviews: %.2f s\n", (cpu_ns() - from) / 1e9);
    from = cpu_ns();
    add_facts(&b);
    pursuit_advance(p, at);
    pursuit_snapshot(p, NULL);
    pursuit_close(p);
    printf("%llu facts: %.2f s\n", (unsigned long long)n_facts, (cpu_ns() - from) / 1e9);

    enum review_status triage = REVIEW_TRIAGE;
    measure("list", &(struct review_query){.limit = 100}, NULL);
    measure("list --limit 100000 --all", &(struct review_query){.limit = 100000, .all = true},
            NULL);
    measure("list --status triage", &(struct review_query){.limit = 100, .status = &triage}, NULL);
    measure("list --tag, of half a tenth",
            &(struct review_query){.limit = 100, .tag = span_str("money")}, NULL);
    measure("list --tag, of few", &(struct review_query){.limit = 100, .tag = span_str("t11")},
            NULL);
    measure("list --tag, of none", &(struct review_query){.limit = 100, .tag = span_str("none")},
            NULL);
    measure("search, one act", NULL, "panel31.example");
    measure("search, a word that all have", NULL, "server");
    measure("search, a common and a rare word", NULL, "server panel99998");
    measure("search, two common words", NULL, "server hoster 96");
    measure("search, a fact", NULL, "nick_12");
    measure("search, nothing", NULL, "zzzzzz");
    remove(path);
    buf_free(&b);
    return 0;
}
