/* ebb lead mark | assign | tag | conflict | four-eyes | link */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/review/review_case.h"
#include "event/event.h"
#include "state/subjects.h"

#define REVIEWS (ROLE_REVIEWER | ROLE_CUSTODIAN)

/* Writes it and prints what it is now. */
static int record(const struct cli *cli, const struct act_lead_review *a, const char *what,
                  struct span value)
{
    struct buf payload = {0};
    struct err err;
    uint64_t index;
    act_lead_review(&payload, a);
    int rc = review_act(cli, KIND_LEAD_REVIEW, &payload, span_of(NULL, 0), &index, &err);
    buf_free(&payload);
    return rc < 0 ? cli_err(&err) : review_print(cli, a->lead, what, value, index);
}

/* The one lead that is named, and --why where it is wanted. 0, or EXIT_USAGE. */
static int begin(const struct cli *cli, struct act_lead_review *a, const char *what, bool why)
{
    *a = (struct act_lead_review){.what = span_str(what)};
    if (!cli->n_args || (cli->n_args > 1 && strcmp(cli->command, "lead tag") != 0))
        return cli_fail(EXIT_USAGE, "%s: wants one lead", cli->command);
    int code = review_entry(cli, cli->args[0], "a lead", &a->lead);
    if (code)
        return code;
    return why ? review_why(cli, &a->why) : review_text(cli, "why", REVIEW_WHY_MAX, &a->why);
}

/* ---- mark ---- */

/* The status may follow, and the lead that it is a duplicate of is one. */
static int check_mark(struct review_case *r, const struct act_lead_review *a, enum review_status to,
                      struct err *err)
{
    struct review_lead other;
    char name[PURSUIT_NAME_MAX];
    if (r->lead.withdrawn)
        return err_set(err, -EPERM, "the informant has withdrawn lead %llu",
                       (unsigned long long)a->lead);
    if (!review_status_may(r->lead.status, to))
        return err_set(err, -EINVAL, "lead %llu is %s: what may follow is: %s",
                       (unsigned long long)a->lead, review_status_name(r->lead.status),
                       review_status_next(r->lead.status));
    if (to != REVIEW_DUPLICATE)
        return 0;
    int rc = reviews_lead(r->c.pursuit, a->other, &other, name, err);
    if (rc == 0)
        rc = err_set(err, -ENOENT, "--of: no such lead (%llu)", (unsigned long long)a->other);
    else if (rc == 1 && a->other == a->lead)
        rc = err_set(err, -EINVAL, "--of: a lead is no duplicate of itself");
    else if (rc == 1 && other.status == REVIEW_DUPLICATE)
        rc = err_set(err, -EINVAL, "--of: lead %llu is a duplicate itself, of %llu",
                     (unsigned long long)a->other, (unsigned long long)other.of);
    return rc < 0 ? rc : 0;
}

int cmd_lead_mark(const struct cli *cli)
{
    struct act_lead_review a;
    struct review_case r;
    enum review_status to;
    struct err err;
    const char *of = cli_get(cli, "of");
    int code = begin(cli, &a, "status", false);
    if (code)
        return code;
    a.value = case_text(cli, "status");
    if (!review_status_parse(a.value, &to) || to == REVIEW_RECEIVED)
        return cli_fail(EXIT_USAGE,
                        "lead mark: --status: triage needs-more corroborated duplicate known "
                        "referred closed (%s)",
                        a.value.n ? (const char *)a.value.p : "none was given");
    if ((to == REVIEW_DUPLICATE) != (of != NULL))
        return cli_fail(EXIT_USAGE, "lead mark: --of goes with --status duplicate");
    if (of && (code = review_entry(cli, of, "--of", &a.other)))
        return code;
    if (review_status_decides(to) && (code = review_why(cli, &a.why)))
        return code;
    int rc = review_open_lead(cli, &r, a.lead, REVIEWS, &err);
    if (rc == 0)
        rc = check_mark(&r, &a, to, &err);
    review_close(&r);
    return rc < 0 ? cli_err(&err) : record(cli, &a, "status", a.value);
}

/* ---- assign ---- */

static int check_assignee(struct review_case *r, const struct act_lead_review *a, struct err *err)
{
    struct account to;
    int n = (int)a->value.n;
    const char *name = (const char *)a->value.p;
    int rc = casebook_account(r->c.casebook, a->value, &to, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "--to: no such account (%.*s)", n, name);
    if (rc == 1 && !account_is_open(&to, utc_now()))
        return err_set(err, -EPERM, "--to: account %.*s is %s", n, name,
                       to.roles ? "over" : "closed");
    if (rc == 1 && !(to.roles & REVIEWS))
        return err_set(err, -EPERM, "--to: account %.*s is no reviewer", n, name);
    if (rc == 1 && reviews_conflict(r->c.pursuit, a->lead, a->value))
        return err_set(err, -EPERM, "--to: account %.*s has a conflict of interest on this lead", n,
                       name);
    return rc < 0 ? rc : 0;
}

int cmd_lead_assign(const struct cli *cli)
{
    struct act_lead_review a;
    struct review_case r;
    struct err err;
    int code = begin(cli, &a, "assign", false);
    if (code)
        return code;
    a.value = case_text(cli, "to");
    if (!account_name_is_good(a.value))
        return cli_fail(EXIT_USAGE, "lead assign: wants --to, an account");
    int rc = review_open_lead(cli, &r, a.lead, REVIEWS, &err);
    if (rc == 0)
        rc = check_assignee(&r, &a, &err);
    review_close(&r);
    return rc < 0 ? cli_err(&err) : record(cli, &a, "assigned", a.value);
}

/* ---- tag ---- */

#define TAGS_AT_ONCE 16

static int tag_all(const struct cli *cli, const struct act_lead_review *a, struct err *err)
{
    struct buf payload[TAGS_AT_ONCE] = {0};
    struct case_act acts[TAGS_AT_ONCE] = {0};
    unsigned n = cli->n_args - 1;
    for (unsigned i = 0; i < n; i++) {
        struct act_lead_review one = *a;
        one.value = span_str(cli->args[i + 1]);
        act_lead_review(&payload[i], &one);
        acts[i] = (struct case_act){.kind = KIND_LEAD_REVIEW, .payload = buf_as_span(&payload[i])};
    }
    int rc = case_acts(cli, acts, n, err);
    for (unsigned i = 0; i < n; i++)
        buf_free(&payload[i]);
    for (unsigned i = 0; rc == 0 && i < n; i++)
        if (review_print(cli, a->lead, cli_has(cli, "remove") ? "untagged" : "tagged",
                         span_str(cli->args[i + 1]), acts[i].index))
            rc = 1;
    return rc;
}

int cmd_lead_tag(const struct cli *cli)
{
    struct act_lead_review a;
    struct review_case r;
    struct err err;
    int code = begin(cli, &a, cli_has(cli, "remove") ? "untag" : "tag", false);
    if (code)
        return code;
    if (cli->n_args < 2 || cli->n_args > TAGS_AT_ONCE + 1)
        return cli_fail(EXIT_USAGE, "lead tag: wants a lead and 1 to %d tags", TAGS_AT_ONCE);
    for (unsigned i = 1; i < cli->n_args; i++)
        if (!review_tag_is_good(span_str(cli->args[i])))
            return cli_fail(EXIT_USAGE,
                            "lead tag: a tag is of small letters, digits, \"-\", \"_\", \".\", "
                            "\":\", %d bytes at most (%u.)",
                            REVIEW_TAG_MAX, i);
    int rc = review_open_lead(cli, &r, a.lead, REVIEWS, &err);
    review_close(&r);
    if (rc == 0)
        rc = tag_all(cli, &a, &err);
    return rc < 0 ? cli_err(&err) : rc ? EXIT_FAILED : EXIT_DONE;
}

/* ---- conflict ---- */

static int check_conflict(struct review_case *r, const struct act_lead_review *a, bool off,
                          struct err *err)
{
    struct account whose;
    int n = (int)a->value.n;
    const char *name = (const char *)a->value.p;
    int rc = casebook_account(r->c.casebook, a->value, &whose, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "--of: no such account (%.*s)", n, name);
    bool has = rc == 1 && reviews_conflict(r->c.pursuit, a->lead, a->value);
    if (rc == 1 && has != off)
        return err_set(err, -EALREADY, "account %.*s has %s conflict of interest on this lead", n,
                       name, off ? "no" : "a");
    if (rc == 1 && off && (!(r->actor.roles & ROLE_CUSTODIAN) || span_is(a->value, r->actor.name)))
        return err_set(err, -EPERM,
                       "a conflict of interest is lifted by a custodian, not by who has it");
    return rc < 0 ? rc : 0;
}

int cmd_lead_conflict(const struct cli *cli)
{
    struct act_lead_review a;
    struct review_case r;
    struct err err;
    bool off = cli_has(cli, "off");
    int code = begin(cli, &a, off ? "no-conflict" : "conflict", true);
    if (code)
        return code;
    /* Who has one may say so again of themselves or another: the lead is only looked up. */
    int rc = review_open_as(cli, &r, REVIEWS, &err);
    if (rc == 0)
        rc = review_find_lead(&r, a.lead, &err);
    a.value = cli_has(cli, "of") ? case_text(cli, "of") : span_str(r.actor.name);
    if (rc == 0)
        rc = check_conflict(&r, &a, off, &err);
    review_close(&r);
    return rc < 0 ? cli_err(&err) : record(cli, &a, off ? "no conflict" : "conflict", a.value);
}

/* ---- four-eyes ---- */

int cmd_lead_four_eyes(const struct cli *cli)
{
    struct act_lead_review a;
    struct review_case r;
    struct err err;
    bool off = cli_has(cli, "off");
    int code = begin(cli, &a, off ? "two-eyes" : "four-eyes", off);
    if (code)
        return code;
    int rc = review_open_lead(cli, &r, a.lead, REVIEWS, &err);
    if (rc == 0 && r.lead.four_eyes != off)
        rc = err_set(&err, -EALREADY, "lead %llu has %s four-eyes mark", (unsigned long long)a.lead,
                     off ? "no" : "the");
    review_close(&r);
    return rc < 0 ? cli_err(&err) : record(cli, &a, "four eyes", span_str(off ? "off" : "on"));
}

/* ---- link ---- */

static int nothing(void *ctx, const struct subject_fact *f)
{
    (void)ctx;
    (void)f;
    return 0;
}

int cmd_lead_link(const struct cli *cli)
{
    struct act_lead_review a;
    struct review_case r;
    struct err err;
    const char *subject = cli_get(cli, "subject"), *fact = cli_get(cli, "fact");
    int code = begin(cli, &a, "link", false);
    if (code)
        return code;
    if (!subject == !fact)
        return cli_fail(EXIT_USAGE, "lead link: wants --subject or --fact");
    if (fact && (code = review_entry(cli, fact, "--fact", &a.other)))
        return code;
    int rc = review_open_lead(cli, &r, a.lead, REVIEWS, &err);
    if (rc == 0 && subject) {
        a.other = subjects_entry(r.c.pursuit, span_str(subject));
        rc = a.other ? 0
                     : err_set(&err, -ENOENT, "no such subject: see `ebb case subject list` (%s)",
                               subject);
    } else if (rc == 0) {
        rc = subjects_fact(r.c.pursuit, a.other, nothing, NULL, &err);
        rc = rc == 0 ? err_set(&err, -ENOENT, "no such fact (%s)", fact) : rc < 0 ? rc : 0;
    }
    review_close(&r);
    return rc < 0 ? cli_err(&err)
                  : record(cli, &a, "linked", span_str(subject ? "subject" : "fact"));
}
