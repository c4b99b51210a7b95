/* The campaign as a view: what is taken in and what is not, how notices fare, days of runs,
 * warnings; hostile acts; a rebuild gives the same. */
#include "state/notices.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/act_cleanup.h"
#include "event/event.h"

#define DAY_ZERO (20000 * UTC_DAY)
#define ORDER    3

static char dir[] = "/tmp/ebb-notices-XXXXXX";

/* The log: acts in order, so that they can be taken in again. */
#define ACTS_MAX 400
static struct logged {
    uint8_t kind;
    struct buf payload;
} logged[ACTS_MAX];
static uint64_t log_size = 10;

static uint64_t put(struct pursuit *p, uint8_t kind, struct buf *payload)
{
    logged[log_size] = (struct logged){kind, *payload};
    *payload = (struct buf){0};
    pursuit_act(p, kind, log_size, (int64_t)log_size * UTC_SECOND,
                buf_as_span(&logged[log_size].payload));
    return log_size++;
}

static const uint8_t digest[SHA256_LEN] = {7};
#define DIGEST_SPAN span_of(digest, SHA256_LEN)

static uint64_t party(struct pursuit *p, const char *name)
{
    struct buf b = {0};
    act_party(&b, &(struct act_party){
                      .name = span_str(name), .order = ORDER, .language = span_str("en")});
    return put(p, KIND_PARTY, &b);
}

static uint64_t contact(struct pursuit *p, uint64_t of, const char *channel, const char *address)
{
    struct buf b = {0};
    act_party_contact(&b, &(struct act_party_contact){.found = span_str("x"),
                                                      .party = of,
                                                      .address = span_str(address),
                                                      .channel = span_str(channel)});
    return put(p, KIND_PARTY_CONTACT, &b);
}

static uint64_t words(struct pursuit *p, const char *name, const char *form, const char *language,
                      uint64_t original)
{
    struct buf b = {0};
    act_notice_template(&b, &(struct act_notice_template){.form = span_str(form),
                                                          .name = span_str(name),
                                                          .sha256 = DIGEST_SPAN,
                                                          .language = span_str(language),
                                                          .original = original});
    return put(p, KIND_NOTICE_TEMPLATE, &b);
}

static uint64_t notice(struct pursuit *p, uint64_t of, uint64_t to, uint64_t template,
                       const char *channel, const char *id)
{
    struct buf b = {0};
    act_notice(&b, &(struct act_notice){.order = ORDER,
                                        .party = of,
                                        .sha256 = DIGEST_SPAN,
                                        .channel = span_str(channel),
                                        .contact = to,
                                        .template = template,
                                        .message_id = span_str(id)});
    return put(p, KIND_NOTICE, &b);
}

static uint64_t queued(struct pursuit *p, const char *id, const char *channel)
{
    struct buf b = {0};
    act_report_queued(&b, &(struct act_report_queued){.contact = span_str("a@b.example"),
                                                      .channel = span_str(channel),
                                                      .message_id = span_str(id),
                                                      .sha256 = DIGEST_SPAN});
    return put(p, KIND_REPORT_QUEUED, &b);
}

static void tried(struct pursuit *p, uint64_t report, const char *result)
{
    struct buf b = {0};
    act_report_tried(
        &b, &(struct act_report_tried){.report = report, .attempt = 1, .result = span_str(result)});
    put(p, KIND_REPORT_TRIED, &b);
}

static void returned(struct pursuit *p, uint64_t report, const char *what, const char *status)
{
    struct buf b = {0};
    act_report_returned(&b, &(struct act_report_returned){.report = report,
                                                          .what = span_str(what),
                                                          .status = span_str(status),
                                                          .sha256 = DIGEST_SPAN});
    put(p, KIND_REPORT_RETURNED, &b);
}

static void result(struct pursuit *p, uint64_t of, const char *what)
{
    struct buf b = {0};
    act_notice_result(
        &b, &(struct act_notice_result){.what = span_str(what), .when = DAY_ZERO, .notice = of});
    put(p, KIND_NOTICE_RESULT, &b);
}

static uint64_t run(struct pursuit *p, const char *dates)
{
    struct buf b = {0};
    act_publication(&b, &(struct act_publication){.dates = span_str(dates),
                                                  .order = ORDER,
                                                  .outlet = span_str("Times"),
                                                  .sha256 = DIGEST_SPAN});
    return put(p, KIND_PUBLICATION, &b);
}

static void insertion(struct pursuit *p, uint64_t of, int64_t planned, const char *what,
                      int64_t when)
{
    struct buf b = {0};
    act_insertion(&b,
                  &(struct act_insertion){
                      .what = span_str(what), .when = when, .planned = planned, .publication = of});
    put(p, KIND_INSERTION, &b);
}

static uint64_t hearing(struct pursuit *p, int64_t when, int64_t deadline)
{
    struct buf b = {0};
    act_hearing(&b, &(struct act_hearing){.when = when, .order = ORDER, .deadline = deadline});
    return put(p, KIND_HEARING, &b);
}

static void answer(struct pursuit *p, uint64_t of, uint64_t to, const char *what, int64_t when)
{
    struct buf b = {0};
    act_answer(
        &b, &(struct act_answer){.what = span_str(what), .when = when, .party = of, .hearing = to});
    put(p, KIND_ANSWER, &b);
}

static void withdraw(struct pursuit *p, uint64_t entry)
{
    struct buf b = {0};
    act_withdrawn(&b, &(struct act_withdrawn){.why = span_str("x"), .entry = entry});
    put(p, KIND_WITHDRAWN, &b);
}

static struct notice_book book;

static void read_book(struct pursuit *p)
{
    struct err err = {0};
    notice_book_free(&book);
    ok(notices_read(p, &book, &err) == 0, "the campaign is read");
    if (err.code)
        printf("# %s\n", err.text);
}

static const char *state_of(uint64_t entry)
{
    const struct notice *n = notice_at(&book, entry);
    return n ? notice_state_name(n->state) : "";
}

/* ---- notices ---- */

static void test_fares(struct pursuit *p)
{
    uint64_t one = party(p, "One"), two = party(p, "Two");
    uint64_t a = contact(p, one, "mail", "a@one.example");
    uint64_t b = contact(p, one, "mail", "b@one.example");
    uint64_t c = contact(p, two, "post", "A Street");
    uint64_t en = words(p, "n", "text", "en", 0), ru = words(p, "n", "text", "ru", en);
    uint64_t n1 = notice(p, one, a, en, "mail", "1@x");
    read_book(p);
    is_str(state_of(n1), "made");
    ok(notice_at(&book, n1)->report == 0, "no report carries it");
    uint64_t r1 = queued(p, "1@x", "notice");
    queued(p, "1@x", "mail"); /* an abuse report with our id carries nothing */
    read_book(p);
    is_str(state_of(n1), "queued");
    ok(notice_at(&book, n1)->report == r1 && book.n_mails == 1, "its report");
    tried(p, r1, "trying");
    tried(p, r1, "sent");
    read_book(p);
    is_str(state_of(n1), "sent");
    ok(notice_has_had(&book, notice_find_party(&book, span_str("One")), span_str("n")),
       "the party had it");
    returned(p, r1, "bounce", "4.2.2");
    read_book(p);
    is_str(state_of(n1), "sent");
    returned(p, r1, "bounce", "5.1.1");
    tried(p, r1, "sent"); /* settled: it had been sent */
    read_book(p);
    is_str(state_of(n1), "bounced");
    const struct notice_party *p1 = notice_find_party(&book, span_str("One"));
    ok(!notice_has_had(&book, p1, span_str("n")), "what bounced was not had");
    const struct notice_contact *next =
        notice_next_contact(&book, p1, span_str("mail"), span_str("n"), span_of(NULL, 0), false);
    ok(next && next->at.entry == b, "the next contact");
    next = notice_next_contact(&book, p1, span_str("mail"), span_str("n"),
                               span_str("A@ONE.example"), false);
    ok(next && next->at.entry == a, "the one that is named, whatever became of it");
    uint64_t n2 = notice(p, two, c, en, "post", "");
    result(p, n2, "posted");
    read_book(p);
    is_str(state_of(n2), "sent");
    result(p, n2, "delivered");
    read_book(p);
    is_str(state_of(n2), "delivered");
    ok(notice_find_words(&book, span_str("n"), span_str("text"), span_str("RU"))->at.entry == ru,
       "words by language");
    ok(notice_find_words(&book, span_str("n"), span_str("text"), span_of(NULL, 0))->at.entry == en,
       "the original for any");
    ok(!notice_find_words(&book, span_str("n"), span_str("html"), span_of(NULL, 0)), "none");
    withdraw(p, b);
    read_book(p);
    ok(!notice_next_contact(&book, notice_find_party(&book, span_str("One")), span_str("mail"),
                            span_str("n"), span_of(NULL, 0), false),
       "a contact that was taken back is none");
}

/* ---- what is not taken in ---- */

static void test_hostile(struct pursuit *p)
{
    size_t parties = book.n_parties, notices = book.n_notices, runs = book.n_runs;
    struct buf b = {0};
    uint64_t one = notice_find_party(&book, span_str("One"))->at.entry;
    uint64_t a = book.contacts[0].at.entry;
    party(p, "");
    contact(p, 99999, "mail", "x@y.example");
    notice(p, one, 99999, 0, "mail", "9@x");
    notice(p, UINT64_MAX, a, 0, "mail", "9@x");
    notice(p, one, a, 0, "mail", "1@x"); /* another's Message-ID */
    result(p, one, "delivered");         /* a party is no notice */
    result(p, book.notices[0].at.entry, "eaten");
    run(p, "");
    run(p, "2011-06-15  2011-06-16");
    run(p, "2011-06-16 2011-06-15");
    run(p, "2011-06-15 2011-06-15");
    run(p, "2011-06-15 ");
    run(p, "2011-02-30");
    insertion(p, one, DAY_ZERO, "published", DAY_ZERO);
    answer(p, one, 99999, "response", 0);
    static const uint8_t junk[] = {0xa1, 0x64, 'n', 'a', 'm', 'e', 0x7f, 0xff};
    for (unsigned kind = KIND_PARTY; kind <= KIND_ANSWER; kind++)
        for (size_t n = 0; n <= sizeof junk; n++) {
            buf_put(&b, junk, n);
            put(p, (uint8_t)kind, &b);
        }
    struct buf dates = {0};
    for (int i = 0; i < NOTICE_DATES_MAX + 1; i++) {
        char text[UTC_TEXT_MAX];
        utc_format_date(DAY_ZERO + i * UTC_DAY, text);
        buf_printf(&dates, "%s%s", i ? " " : "", text);
    }
    buf_byte(&dates, 0);
    run(p, (const char *)dates.p);
    buf_free(&dates);
    read_book(p);
    is_int(book.n_parties, parties);
    is_int(book.n_notices, notices);
    is_int(book.n_runs, runs);
    is_int(book.n_insertions, 0);
    is_int(book.n_answers, 0);
    uint64_t good = run(p, "2011-06-15");
    insertion(p, good, DAY_ZERO, "published", INT64_MAX - 1);
    insertion(p, good, INT64_MIN, "missed", ACT_FOREVER);
    insertion(p, good, ACT_FOREVER, "published", ACT_FOREVER);
    hearing(p, INT64_MIN, DAY_ZERO);
    hearing(p, DAY_ZERO, INT64_MAX - 1);
    withdraw(p, good);
    read_book(p);
    ok(book.n_insertions == 0 && book.n_hearings == 0, "times that are none");
}

/* ---- runs ---- */

static bool warned(int64_t now, const char *words_wanted)
{
    struct buf out = {0};
    notice_warnings(&book, ORDER, NULL, now, 14 * UTC_DAY, &out);
    buf_byte(&out, 0);
    bool there = strstr((const char *)out.p, words_wanted) != NULL;
    buf_free(&out);
    return there;
}

static void test_runs(struct pursuit *p)
{
    int64_t zero, now;
    utc_parse(span_str("2011-06-15"), &zero);
    uint64_t r = run(p, "2011-06-15 2011-06-16 2011-06-17 2011-06-18");
    now = zero + 2 * UTC_DAY + UTC_DAY / 2;
    struct arena arena;
    arena_init(&arena);
    struct notice_run_sum sum;
    size_t n;
    read_book(p);
    const struct notice_day *d = notice_run_days(&book, notice_run_at(&book, r), now, &arena, &n);
    is_int(n, 4);
    ok(d[0].state == NOTICE_DAY_UNKNOWN && d[1].state == NOTICE_DAY_UNKNOWN &&
           d[2].state == NOTICE_DAY_PLANNED && d[3].state == NOTICE_DAY_PLANNED,
       "a day is over when its end is");
    ok(warned(now, "2011-06-16 is over, and nobody said") && !warned(now, "2011-06-17 is over"),
       "a gap is warned of");
    insertion(p, r, zero, "published", zero);
    insertion(p, r, zero + UTC_DAY, "published", zero + UTC_DAY);
    insertion(p, r, zero + UTC_DAY, "missed", ACT_FOREVER); /* somebody looked again */
    insertion(p, r, zero + 2 * UTC_DAY, "moved", zero + 5 * UTC_DAY);
    read_book(p);
    d = notice_run_days(&book, notice_run_at(&book, r), now, &arena, &n);
    notice_run_add_up(d, n, zero + 4 * UTC_DAY, &sum);
    ok(d[1].state == NOTICE_DAY_MISSED && d[2].state == NOTICE_DAY_MOVED, "the newest word counts");
    is_int(sum.published, 1);
    is_int(sum.missed, 1);
    is_int(sum.ahead, 2);
    is_int(sum.in_time, 2);
    ok(warned(now, "1 day was missed without another"), "a missed day");
    insertion(p, r, ACT_FOREVER, "published", zero + 2 * UTC_DAY);
    read_book(p);
    d = notice_run_days(&book, notice_run_at(&book, r), now, &arena, &n);
    notice_run_add_up(d, n, ACT_FOREVER, &sum);
    ok(n == 5 && sum.extra == 1 && sum.published == 2, "one day more than planned");
    ok(!warned(now, "missed without"), "mends it");
    ok(warned(zero + 6 * UTC_DAY, "2011-06-20 is over"), "the day that it was moved to, too");
    hearing(p, zero + 60 * UTC_DAY, zero + 40 * UTC_DAY);
    read_book(p);
    ok(warned(now, "4 of 30 days before 2011-07-25, the deadline: 26 more are needed"),
       "a run that is too short");
    arena_free(&arena);
}

static void test_court(struct pursuit *p)
{
    const struct notice_party *one = notice_find_party(&book, span_str("One"));
    const struct notice_hearing *h = notice_hearing_of(&book, ORDER);
    int64_t deadline = notice_deadline(&book, one, h);
    ok(h->act.deadline == deadline, "the hearing's deadline");
    ok(warned(deadline - UTC_DAY, "party One: no answer yet") &&
           !warned(deadline - 20 * UTC_DAY, "party One: no answer yet"),
       "warned of while there is time, and not too early");
    answer(p, one->at.entry, h->at.entry, "extension", deadline + 9 * UTC_DAY);
    read_book(p);
    one = notice_find_party(&book, span_str("One"));
    h = notice_hearing_of(&book, ORDER);
    ok(notice_deadline(&book, one, h) == deadline + 9 * UTC_DAY, "its extension");
    ok(warned(deadline + 10 * UTC_DAY, "party One: no answer and no default"), "then it is over");
    answer(p, one->at.entry, h->at.entry, "response", deadline);
    read_book(p);
    ok(!warned(deadline + 10 * UTC_DAY, "party One: no answer"), "a response ends it");
}

/* ---- the same again ---- */

static void dump(struct pursuit *p, struct buf *out)
{
    static const char *const tables[] = {"party",       "party_contact", "notice_template",
                                         "notice",      "notice_result", "publication",
                                         "insertion",   "hearing",       "answer",
                                         "notice_mail", "withdrawn",     "acts"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char query[80];
        snprintf(query, sizeof query, "SELECT * FROM %s ORDER BY 1", tables[i]);
        sqlite3_stmt *s = sql_prepare(pursuit_sql(p), NULL, query, "");
        while (s && sqlite3_step(s) == SQLITE_ROW)
            for (int c = 0; c < sqlite3_column_count(s); c++) {
                buf_span(out, sql_text(s, c));
                buf_byte(out, '|');
            }
        sqlite3_finalize(s);
    }
}

static void test_again(struct pursuit *p)
{
    struct pursuit *other;
    struct buf a = {0}, b = {0};
    char path[] = "/tmp/ebb-notices-XXXXXX", file[64];
    struct err err;
    if (!mkdtemp(path) || pursuit_open(path, &other, &err) < 0)
        abort();
    for (uint64_t i = 10; i < log_size; i++)
        pursuit_act(other, logged[i].kind, i, (int64_t)i * UTC_SECOND,
                    buf_as_span(&logged[i].payload));
    dump(p, &a);
    dump(other, &b);
    ok(a.n > 1000 && span_eq(buf_as_span(&a), buf_as_span(&b)), "the same acts give the same rows");
    pursuit_close(other);
    snprintf(file, sizeof file, "%s/pursuit", path);
    unlink(file);
    rmdir(path);
    buf_free(&a);
    buf_free(&b);
}

int main(void)
{
    struct pursuit *p;
    struct err err;
    char file[64];
    if (!mkdtemp(dir) || pursuit_open(dir, &p, &err) < 0)
        abort();
    test_fares(p);
    test_hostile(p);
    test_runs(p);
    test_court(p);
    test_again(p);
    notice_book_free(&book);
    pursuit_close(p);
    snprintf(file, sizeof file, "%s/pursuit", dir);
    unlink(file);
    rmdir(dir);
    for (size_t i = 0; i < ACTS_MAX; i++)
        buf_free(&logged[i].payload);
    return tap_done();
}
