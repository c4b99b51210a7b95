/* ebb notice hearing | answer */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/notice/notice.h"
#include "event/event.h"

/* ---- hearing ---- */

int cmd_notice_hearing(const struct cli *cli)
{
    struct act_hearing a = {.note = case_text(cli, "note"), .place = case_text(cli, "place")};
    struct notice_case n;
    struct notice_order order;
    struct buf payload = {0};
    uint64_t entry;
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice hearing: wants one order");
    int code = notice_check_option(cli, "note", NOTICE_WORDS_MAX);
    if (code == 0)
        code = notice_check_option(cli, "place", NOTICE_NAME_MAX);
    if (code == 0)
        code = case_time(cli, "when", ACT_FOREVER, &a.when);
    if (code == 0)
        code = case_time(cli, "deadline", ACT_FOREVER, &a.deadline);
    if (code)
        return code;
    if (a.when == ACT_FOREVER && a.deadline == ACT_FOREVER)
        return cli_fail(EXIT_USAGE, "notice hearing: wants --when, --deadline or both");
    int rc = notice_case_open(cli, &n, &err);
    if (rc == 0)
        rc = notice_order_named(&n, cli->args[0], &order, &err);
    if (rc == 0 && (a.when < order.from || a.deadline < order.from))
        rc = err_set(&err, -EINVAL, "--when, --deadline: before the order holds");
    if (rc == 0)
        a.order = order.entry;
    notice_case_close(&n);
    act_hearing(&payload, &a);
    if (rc == 0)
        rc =
            notice_record(cli, KIND_HEARING, buf_as_span(&payload), span_of(NULL, 0), &entry, &err);
    buf_free(&payload);
    return rc < 0 ? notice_fail(rc, &err)
                  : notice_print_done(cli, "order", span_str(cli->args[0]), entry);
}

/* ---- answer ---- */

static int find_hearing(struct notice_case *n, const struct notice_party *p,
                        const struct notice_hearing **out, struct err *err)
{
    const char *text = cli_get(n->cli, "hearing");
    uint64_t entry = 0;
    if (text && !cli_parse_u64(text, &entry))
        return err_set(err, -EINVAL, "--hearing: an entry's index (%.40s)", text);
    *out = text ? NULL : notice_hearing_of(&n->book, p->act.order);
    for (size_t i = 0; text && i < n->book.n_hearings; i++)
        if (n->book.hearings[i].at.entry == entry && n->book.hearings[i].act.order == p->act.order)
            *out = &n->book.hearings[i];
    return *out ? 0
                : err_set(err, -ENOENT,
                          "no hearing is on record under the party's order: see `ebb notice "
                          "hearing`");
}

/* Somebody who was told of nothing is in default of nothing. */
static bool was_told(const struct notice_case *n, const struct notice_party *p)
{
    struct arena arena;
    bool told = false;
    arena_init(&arena);
    for (size_t i = 0; i < n->book.n_notices; i++)
        told |= n->book.notices[i].act.party == p->at.entry &&
                notice_went_out(n->book.notices[i].state);
    for (size_t i = 0; !told && i < n->book.n_runs; i++) {
        const struct notice_run *run = &n->book.runs[i];
        struct notice_run_sum sum;
        size_t days;
        if (run->act.order != p->act.order || (run->act.party && run->act.party != p->at.entry))
            continue;
        const struct notice_day *day = notice_run_days(&n->book, run, n->now, &arena, &days);
        notice_run_add_up(day, days, ACT_FOREVER, &sum);
        told = sum.published > 0;
    }
    arena_free(&arena);
    return told;
}

static int check_default(const struct notice_case *n, const struct notice_party *p,
                         const struct notice_hearing *h, int64_t when, struct err *err)
{
    int64_t deadline = notice_deadline(&n->book, p, h);
    char text[UTC_TEXT_MAX];
    if (deadline == ACT_FOREVER)
        return err_set(err, -EPERM, "default: no deadline is set for the hearing (entry %llu)",
                       (unsigned long long)h->at.entry);
    utc_format(deadline, text);
    if (n->now < deadline || when < deadline)
        return err_set(err, -EPERM, "default: the deadline is not over: it is at %s", text);
    if (notice_answer_of(&n->book, p, h, "response"))
        return err_set(err, -EPERM, "default: there is a response (entry %llu)",
                       (unsigned long long)notice_answer_of(&n->book, p, h, "response")->at.entry);
    if (notice_answer_of(&n->book, p, h, "default"))
        return err_set(err, -EALREADY, "default: is on record already");
    if (!was_told(n, p))
        return err_set(err, -EPERM, "default: no notice to the party is on record as gone out");
    return 0;
}

static int check_answer(const struct notice_case *n, const struct notice_party *p,
                        const struct notice_hearing *h, const struct act_answer *a, struct err *err)
{
    int64_t deadline = notice_deadline(&n->book, p, h);
    if (span_is(a->what, "extension")) {
        if (deadline == ACT_FOREVER)
            return err_set(err, -EPERM, "extension: no deadline is set for the hearing");
        if (a->when <= deadline)
            return err_set(err, -EINVAL, "--when: the new deadline is not after the old one");
        if (notice_answer_of(&n->book, p, h, "response"))
            return err_set(err, -EPERM, "extension: the party has answered");
        return 0;
    }
    if (a->when > n->now)
        return err_set(err, -EINVAL, "--when: is to come");
    return span_is(a->what, "default") ? check_default(n, p, h, a->when, err) : 0;
}

static int prepare(struct notice_case *n, struct act_answer *a, struct notice_document *document,
                   struct err *err)
{
    const struct notice_party *p = NULL;
    const struct notice_hearing *h = NULL;
    int rc = notice_party_named(n, n->cli->args[0], &p, err);
    if (rc == 0)
        rc = find_hearing(n, p, &h, err);
    if (rc == 0)
        rc = check_answer(n, p, h, a, err);
    if (rc == 0)
        rc = notice_document_read(n, document, err);
    if (rc < 0)
        return rc;
    a->party = p->at.entry;
    a->hearing = h->at.entry;
    a->document = document->name;
    a->sha256 = document->sha256;
    return 0;
}

int cmd_notice_answer(const struct cli *cli)
{
    struct act_answer a = {.what = case_text(cli, "what"), .note = case_text(cli, "note")};
    struct notice_case n;
    struct notice_document document = {0};
    struct buf payload = {0};
    uint64_t entry;
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice answer: wants one party");
    if (!span_is(a.what, "response") && !span_is(a.what, "extension") &&
        !span_is(a.what, "default"))
        return cli_fail(EXIT_USAGE, "--what: response extension default");
    if (span_is(a.what, "extension") && !cli_has(cli, "when"))
        return cli_fail(EXIT_USAGE, "notice answer: an extension wants --when: the new deadline");
    int code = notice_check_option(cli, "note", NOTICE_WORDS_MAX);
    if (code == 0)
        code = case_time(cli, "when", utc_now(), &a.when);
    if (code)
        return code;
    int rc = notice_case_open(cli, &n, &err);
    if (rc == 0)
        rc = prepare(&n, &a, &document, &err);
    notice_case_close(&n);
    act_answer(&payload, &a);
    if (rc == 0)
        rc = notice_record(cli, KIND_ANSWER, buf_as_span(&payload), buf_as_span(&document.bytes),
                           &entry, &err);
    buf_free(&payload);
    buf_free(&document.bytes);
    return rc < 0 ? notice_fail(rc, &err)
                  : notice_print_done(cli, "party", span_str(cli->args[0]), entry);
}
