/* ebb lead novelty | decide: was it new? */
#include <errno.h>
#include <stdio.h>

#include "app/review/review_case.h"
#include "app/review/review_known.h"
#include "event/event.h"

/* ---- novelty ---- */

static const struct table_column columns[] = {
    {"fact", "fact", TABLE_ID},
    {"type", "type", TABLE_WORDS},
    {"value", "value", TABLE_WORDS},
    {"subject", "subject", TABLE_WORDS},
    {"position", "said at", TABLE_ID},
    {"verdict", "verdict", TABLE_WORDS},
    {"known", "known by", TABLE_WORDS},
    {"entry", "entry", TABLE_ID},
    {"time", "time", TABLE_WORDS},
    {"account", "account", TABLE_WORDS},
    {"lead", "lead", TABLE_ID},
    {"withdrawn", "withdrawn", TABLE_WORDS},
    {"note", "note", TABLE_WORDS},
    {"unread", NULL, TABLE_COUNT},
    {0},
};

struct test {
    struct casedir *c;
    struct table *t;
    uint64_t lead;
    const struct known_claim *claim;
    struct buf verdict;
    unsigned rows; /* of this claim */
    uint64_t unread;
    struct err *err;
};

static void put(struct table *t, struct span s)
{
    table_text(t, s.n ? s : span_of(NULL, 0));
}

static void put_claim(struct test *x)
{
    table_uint(x->t, x->claim->entry);
    table_text(x->t, x->claim->type);
    put(x->t, x->claim->value);
    put(x->t, x->claim->subject);
    table_uint(x->t, x->claim->position);
    put(x->t, buf_as_span(&x->verdict));
}

static int put_known(void *ctx, const struct known *k)
{
    struct test *x = ctx;
    x->rows++;
    put_claim(x);
    table_str(x->t, known_how_name(k->how));
    table_uint(x->t, k->entry);
    case_put_time(x->t, k->time);
    put(x->t, k->account);
    if (k->lead)
        table_uint(x->t, k->lead);
    else
        table_empty(x->t);
    table_bool(x->t, k->withdrawn);
    put(x->t, k->note);
    table_row_end(x->t);
    return 0;
}

/* Nothing was known of it. */
static void put_nothing(struct test *x)
{
    put_claim(x);
    table_str(x->t, "nothing");
    for (int i = 0; i < 6; i++)
        table_empty(x->t);
    table_uint(x->t, x->unread);
    table_row_end(x->t);
}

static int keep_verdict(void *ctx, const struct review_act *a)
{
    buf_span(ctx, a->value);
    return 0;
}

static int test_claim(void *ctx, const struct known_claim *claim)
{
    struct test *x = ctx;
    x->claim = claim;
    x->rows = 0;
    x->verdict.n = 0;
    int rc = reviews_novelty(x->c->pursuit, claim->entry, keep_verdict, &x->verdict, x->err);
    if (rc >= 0)
        rc = known_before(x->c, x->lead, claim->entry, true, put_known, x, &x->unread, x->err);
    if (rc == 0 && !x->rows)
        put_nothing(x);
    return rc;
}

int cmd_lead_novelty(const struct cli *cli)
{
    struct casedir c;
    struct review_lead lead;
    struct err err;
    struct test x = {.c = &c, .err = &err};
    char name[PURSUIT_NAME_MAX];
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "lead novelty: wants one lead");
    int code = review_entry(cli, cli->args[0], "a lead", &x.lead);
    if (code)
        return code;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = reviews_lead(c.pursuit, x.lead, &lead, name, &err);
    if (rc == 0)
        rc = err_set(&err, -ENOENT, "no such lead: see `ebb lead list` (%s)", cli->args[0]);
    if (rc == 1) {
        x.t = table_open(cli_shape(cli), columns, stdout);
        rc = known_claims(&c, x.lead, test_claim, &x, &err);
    }
    if (x.t && table_close(x.t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    buf_free(&x.verdict);
    if (rc == 0 && x.unread)
        fprintf(stderr,
                "ebb: warning: observations before entry %llu were not looked through: see `ebb "
                "events`\n",
                (unsigned long long)x.unread);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- decide ---- */

struct decision {
    struct act_novelty act;
    struct buf known; /* entries: what the log proves, and what was named */
    unsigned proven;
};

static int keep_known(void *ctx, const struct known *k)
{
    struct decision *d = ctx;
    if (!k->withdrawn)
        d->proven++;
    if (d->known.n < REVIEW_WHY_MAX)
        buf_printf(&d->known, "%s%llu", d->known.n ? " " : "", (unsigned long long)k->entry);
    return 0;
}

static int keep_position(void *ctx, const struct known_claim *claim)
{
    struct decision *d = ctx;
    if (claim->entry == d->act.fact)
        d->act.size = claim->position;
    return 0;
}

/* Entries with blanks or commas between, or ranges; all of them on the log. */
static int check_list(struct casedir *c, struct span list, struct err *err)
{
    uint64_t n = journal_committed(c->journal), v = 0;
    bool digits = false;
    for (size_t i = 0; i <= list.n; i++) {
        uint8_t ch = i < list.n ? list.p[i] : ' ';
        if (ch >= '0' && ch <= '9' && v < n) {
            v = v * 10 + (uint64_t)(ch - '0');
            digits = true;
        } else if ((ch == ' ' || ch == ',' || (ch == '-' && digits)) && (!digits || v < n)) {
            v = 0;
            digits = false;
        } else {
            return err_set(err, -EINVAL, "--known: entries of the log, like \"12 80-84\" (%.*s)",
                           (int)list.n, (const char *)list.p);
        }
    }
    return 0;
}

static int prepare(const struct cli *cli, struct decision *d, struct span known, struct err *err)
{
    struct review_case r;
    int rc = review_open_lead(cli, &r, d->act.lead, ROLE_REVIEWER | ROLE_CUSTODIAN, err);
    if (rc == 0 && known.n)
        rc = check_list(&r.c, known, err);
    if (rc == 0)
        rc = known_before(&r.c, d->act.lead, d->act.fact, false, keep_known, d, NULL, err);
    if (rc == 0)
        rc = known_claims(&r.c, d->act.lead, keep_position, d, err);
    review_close(&r);
    if (rc == 0 && d->proven && !d->act.why.n)
        rc = err_set(err, -EINVAL,
                     "%u earlier entries prove that this was known (%.*s): to decide that it is "
                     "%.*s, say why (--why)",
                     d->proven, (int)d->known.n, (const char *)d->known.p, (int)d->act.verdict.n,
                     (const char *)d->act.verdict.p);
    return rc;
}

int cmd_lead_decide(const struct cli *cli)
{
    struct decision d = {.act = {.verdict = case_text(cli, "verdict")}};
    struct buf payload = {0};
    struct span known;
    struct err err;
    uint64_t index = 0;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "lead decide: wants one lead");
    int code = review_entry(cli, cli->args[0], "a lead", &d.act.lead);
    if (code == 0)
        code = review_entry(cli, cli_get(cli, "fact"), "--fact", &d.act.fact);
    if (code == 0 && !span_is(d.act.verdict, "new") && !span_is(d.act.verdict, "known") &&
        !span_is(d.act.verdict, "part"))
        code = cli_fail(EXIT_USAGE, "lead decide: --verdict: new known part");
    if (code == 0)
        code = review_text(cli, "known", REVIEW_WHY_MAX, &known);
    if (code == 0)
        code = review_text(cli, "why", REVIEW_WHY_MAX, &d.act.why);
    if (code)
        return code;
    int rc = prepare(cli, &d, known, &err);
    if (rc == 0 && !span_trim(d.act.why).n)
        rc = err_set(&err, -EINVAL, "lead decide: wants --why: the reason goes on the log");
    if (rc == 0 && known.n)
        buf_printf(&d.known, "%s%.*s", d.known.n ? " " : "", (int)known.n, (const char *)known.p);
    d.act.known = buf_as_span(&d.known);
    act_novelty(&payload, &d.act);
    if (rc == 0)
        rc = review_act(cli, KIND_NOVELTY, &payload, span_of(NULL, 0), &index, &err);
    code = rc < 0 ? cli_err(&err) : review_print(cli, d.act.lead, "novelty", d.act.verdict, index);
    buf_free(&payload);
    buf_free(&d.known);
    return code;
}
