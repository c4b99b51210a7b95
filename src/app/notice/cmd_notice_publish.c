/* ebb notice publish | insertion: runs in print */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/notice/notice.h"
#include "base/mem.h"
#include "event/event.h"

#define SIZE_DEFAULT  "quarter-page"
#define DATES_TEXT    (NOTICE_DATES_MAX * 11 + 1)
#define AHEAD_OF_TIME UTC_DAY /* a paper of today may be another day's where it is sold */

/* ---- dates ---- */

static int64_t day_of(int64_t time)
{
    return (int64_t)utc_day(time) * UTC_DAY;
}

static void put_day(struct buf *out, int64_t day)
{
    char text[UTC_TEXT_MAX];
    if (out->n)
        buf_byte(out, ' ');
    buf_put(out, text, utc_format_date(day, text));
}

/* "2011-06-15,2011-06-16" or with blanks, as a PUBLICATION has them. */
static int dates_of_list(const char *list, struct buf *out)
{
    int64_t days[NOTICE_DATES_MAX];
    size_t n;
    if (strlen(list) > 2 * DATES_TEXT)
        return cli_fail(EXIT_USAGE, "--dates: %d days at most", NOTICE_DATES_MAX);
    for (const char *p = list; *p; p++) {
        bool between = *p == ',' || *p == ' ';
        if (!between)
            buf_byte(out, (uint8_t)*p);
        else if (out->n && out->p[out->n - 1] != ' ' && p[1])
            buf_byte(out, ' ');
    }
    if (!notice_dates_parse(buf_as_span(out), days, &n))
        return cli_fail(EXIT_USAGE,
                        "--dates: days like 2011-06-15, each after the one before, %d at most",
                        NOTICE_DATES_MAX);
    return 0;
}

static int dates_option(const struct cli *cli, struct buf *out)
{
    uint64_t days;
    int64_t from;
    if (cli_has(cli, "dates")) {
        if (cli_has(cli, "from") || cli_has(cli, "days"))
            return cli_fail(EXIT_USAGE, "notice publish: --dates, or --from and --days");
        return dates_of_list(cli_get(cli, "dates"), out);
    }
    int code = cli_number(cli, "days", NOTICE_RUN_DAYS, &days);
    if (code == 0 && !cli_has(cli, "from"))
        code = cli_fail(EXIT_USAGE, "notice publish: wants --from or --dates");
    if (code == 0)
        code = case_time(cli, "from", 0, &from);
    if (code == 0 && (days < 1 || days > NOTICE_DATES_MAX))
        code = cli_fail(EXIT_USAGE, "--days: 1 to %d", NOTICE_DATES_MAX);
    for (uint64_t i = 0; code == 0 && i < days; i++)
        put_day(out, day_of(from) + (int64_t)i * UTC_DAY);
    return code;
}

/* ---- publish ---- */

struct publishing {
    struct notice_case n;
    struct notice_order order;
    const struct notice_party *party;
    struct act_publication act;
    struct buf dates, pdf;
    char size[64];
    uint8_t sha256[SHA256_LEN];
};

static int publish_options(const struct cli *cli, struct publishing *p)
{
    static const struct {
        const char *name;
        size_t max;
    } texts[] = {{"place", NOTICE_NAME_MAX}, {"size", 40}, {"note", NOTICE_WORDS_MAX}};
    const char *size = cli_has(cli, "size") ? cli_get(cli, "size") : SIZE_DEFAULT;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice publish: wants one outlet");
    if (!cli_has(cli, "order") || !cli_has(cli, "template") || !cli_has(cli, "place"))
        return cli_fail(EXIT_USAGE, "notice publish: wants --order, --template and --place");
    const char *fault = notice_text_fault(span_str(cli->args[0]), NOTICE_NAME_MAX);
    if (fault || !span_trim(span_str(cli->args[0])).n)
        return cli_fail(EXIT_USAGE, "notice publish: the outlet's name: %s",
                        fault ? fault : "empty");
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof texts / sizeof *texts; i++)
        code = notice_check_option(cli, texts[i].name, texts[i].max);
    if (code == 0)
        code = dates_option(cli, &p->dates);
    snprintf(p->size, sizeof p->size, "%s", size);
    for (char *c = p->size; *c; c++)
        *c = *c == '-' ? ' ' : *c;
    return code;
}

/* A run belongs to its order: none before it, none behind its end. */
static int check_days(struct publishing *p, struct err *err)
{
    int64_t days[NOTICE_DATES_MAX];
    size_t n = 0;
    notice_dates_parse(buf_as_span(&p->dates), days, &n);
    int rc = notice_may(&p->n, &p->order, p->n.now, err);
    if (rc == 0 && days[0] < day_of(p->order.from))
        rc = err_set(err, -EPERM, "the first day is before the order holds");
    if (rc == 0 && days[n - 1] >= p->order.until && !p->n.cli->quiet)
        fprintf(stderr, "ebb: warning: the order ends before the run does\n");
    if (rc == 0 && days[0] < day_of(p->order.recorded) && !p->n.cli->quiet)
        fprintf(stderr,
                "ebb: warning: the first day is before the order was put on record; the affidavit "
                "will say so\n");
    return rc;
}

static int prepare(struct publishing *p, struct err *err)
{
    const struct cli *cli = p->n.cli;
    const struct notice_words *words;
    const char *party = cli_get(cli, "party");
    int rc = notice_order_named(&p->n, cli_get(cli, "order"), &p->order, err);
    if (rc == 0 && party)
        rc = notice_party_named(&p->n, party, &p->party, err);
    if (rc == 0 && p->party && p->party->act.order != p->order.entry)
        rc = err_set(err, -EPERM, "--party: is not under that order");
    if (rc == 0)
        rc = check_days(p, err);
    if (rc == 0 && notice_language(cli, "", &p->act.language))
        return err_set(err, -EINVAL, "--language: not a tag");
    struct span language = p->act.language.n ? p->act.language
                           : p->party        ? p->party->act.language
                                             : span_str("en");
    if (rc == 0)
        rc = notice_words_for(&p->n, case_text(cli, "template"), NOTICE_ADVERTISEMENT, language,
                              &words, err);
    if (rc == 0)
        rc = notice_make_advertisement(&p->n, &p->order, p->party, words, p->size, &p->pdf, err);
    if (rc < 0)
        return rc;
    sha256(p->pdf.p, p->pdf.n, p->sha256);
    p->act = (struct act_publication){
        .note = case_text(cli, "note"),
        .size = span_str(p->size),
        .dates = buf_as_span(&p->dates),
        .order = p->order.entry,
        .party = p->party ? p->party->at.entry : 0,
        .place = case_text(cli, "place"),
        .outlet = span_str(cli->args[0]),
        .sha256 = span_of(p->sha256, SHA256_LEN),
        .language = words->act.language,
        .template = words->at.entry,
    };
    return 0;
}

static const struct table_column publish_columns[] = {
    {"outlet", "outlet", TABLE_WORDS}, {"index", "run", TABLE_ID},
    {"days", "days", TABLE_COUNT},     {"first", "first", TABLE_WORDS},
    {"last", "last", TABLE_WORDS},     {"bytes", "bytes", TABLE_COUNT},
    {"sha256", NULL, TABLE_WORDS},     {0}};

static int print_run(const struct publishing *p, uint64_t entry)
{
    struct table *t = table_open(cli_shape(p->n.cli), publish_columns, stdout);
    size_t n = (p->dates.n + 1) / 11;
    table_text(t, p->act.outlet);
    table_uint(t, entry);
    table_uint(t, n);
    table_text(t, span_of(p->dates.p, 10));
    table_text(t, span_of(p->dates.p + p->dates.n - 10, 10));
    table_uint(t, p->pdf.n);
    table_hex(t, p->sha256, SHA256_LEN);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

int cmd_notice_publish(const struct cli *cli)
{
    struct publishing p = {0};
    struct buf payload = {0};
    const char *output = cli_get(cli, "output");
    uint64_t entry;
    struct err err;
    int code = publish_options(cli, &p);
    if (code) {
        buf_free(&p.dates);
        return code;
    }
    int rc = notice_case_open(cli, &p.n, &err);
    if (rc == 0)
        rc = prepare(&p, &err);
    if (rc == 0 && output)
        rc = notice_write(output, buf_as_span(&p.pdf), &err);
    act_publication(&payload, &p.act);
    if (rc == 0)
        rc = notice_record(cli, KIND_PUBLICATION, buf_as_span(&payload), buf_as_span(&p.pdf),
                           &entry, &err);
    code = rc < 0 ? notice_fail(rc, &err) : print_run(&p, entry);
    buf_free(&payload);
    buf_free(&p.dates);
    buf_free(&p.pdf);
    notice_case_close(&p.n);
    return code;
}

/* ---- insertion ---- */

static bool is_planned(const struct notice_run *run, int64_t day)
{
    for (size_t i = 0; i < run->n_days; i++)
        if (run->days[i] == day)
            return true;
    return false;
}

/* What else is in print, or to be, on that day: a day counts once. */
static bool is_taken(struct notice_case *n, const struct notice_run *run, int64_t day,
                     int64_t planned)
{
    size_t k;
    const struct notice_day *days = notice_run_days(&n->book, run, n->now, &n->arena, &k);
    for (size_t i = 0; i < k; i++)
        if (days[i].planned != planned && days[i].state == NOTICE_DAY_PUBLISHED &&
            day_of(days[i].when) == day)
            return true;
    return false;
}

static int check_insertion(struct notice_case *n, const struct notice_run *run,
                           const struct act_insertion *a, struct err *err)
{
    bool published = span_is(a->what, "published"), extra = a->planned == ACT_FOREVER;
    struct notice_order o;
    if (!extra && !is_planned(run, a->planned))
        return err_set(err, -EINVAL, "--planned: is no day of that run");
    if (extra && !published)
        return err_set(err, -EINVAL, "--planned: which day of the run was it?");
    if (published && a->when > day_of(n->now) + AHEAD_OF_TIME)
        return err_set(err, -EINVAL, "--when: is to come");
    if (published && is_taken(n, run, a->when, extra ? ACT_FOREVER - 1 : a->planned))
        return err_set(err, -EEXIST, "on that day it appeared already, by the log");
    if (span_is(a->what, "moved") && a->when == a->planned)
        return err_set(err, -EINVAL, "--when: the day that it was moved from");
    int rc = notice_order_at(n, run->act.order, &o, err);
    if (rc == 0 && a->when != ACT_FOREVER && a->when < day_of(o.from))
        rc = err_set(err, -EINVAL, "--when: before the order holds");
    return rc;
}

static int insertion_options(const struct cli *cli, struct act_insertion *a)
{
    bool published = span_is(a->what, "published"), missed = span_is(a->what, "missed");
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice insertion: wants one run");
    if (!published && !missed && !span_is(a->what, "moved"))
        return cli_fail(EXIT_USAGE, "--what: published missed moved");
    int code = notice_check_option(cli, "note", NOTICE_WORDS_MAX);
    if (code == 0)
        code = notice_check_option(cli, "page", NOTICE_NAME_MAX);
    if (code == 0)
        code = case_time(cli, "planned", ACT_FOREVER, &a->planned);
    if (code == 0)
        code = case_time(cli, "when", published ? a->planned : ACT_FOREVER, &a->when);
    if (code)
        return code;
    if (missed && a->when != ACT_FOREVER)
        return cli_fail(EXIT_USAGE, "--when: what was missed has no day; what is moved has");
    if (!missed && a->when == ACT_FOREVER)
        return cli_fail(EXIT_USAGE, "notice insertion: wants --when");
    if (a->planned != ACT_FOREVER)
        a->planned = day_of(a->planned);
    if (a->when != ACT_FOREVER)
        a->when = day_of(a->when);
    return 0;
}

int cmd_notice_insertion(const struct cli *cli)
{
    struct act_insertion a = {.note = case_text(cli, "note"),
                              .page = case_text(cli, "page"),
                              .what = case_text(cli, "what")};
    struct notice_case n;
    struct notice_document document = {0};
    struct buf payload = {0};
    const struct notice_run *run = NULL;
    uint64_t entry;
    struct err err;
    int code = insertion_options(cli, &a);
    if (code)
        return code;
    int rc = notice_case_open(cli, &n, &err);
    if (rc == 0 && cli_parse_u64(cli->args[0], &entry))
        run = notice_run_at(&n.book, entry);
    if (rc == 0 && !run)
        rc = err_set(&err, -ENOENT, "no such run: see `ebb notice status --runs` (%.80s)",
                     cli->args[0]);
    if (rc == 0)
        rc = check_insertion(&n, run, &a, &err);
    if (rc == 0)
        rc = notice_document_read(&n, &document, &err);
    a.publication = run ? run->at.entry : 0;
    a.document = document.name;
    a.sha256 = document.sha256;
    notice_case_close(&n);
    act_insertion(&payload, &a);
    if (rc == 0)
        rc = notice_record(cli, KIND_INSERTION, buf_as_span(&payload), buf_as_span(&document.bytes),
                           &entry, &err);
    buf_free(&payload);
    buf_free(&document.bytes);
    return rc < 0 ? notice_fail(rc, &err)
                  : notice_print_done(cli, "run", span_str(cli->args[0]), entry);
}
