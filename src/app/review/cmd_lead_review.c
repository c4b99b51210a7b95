/* ebb lead list | show | search: acts, not contents; no key is wanted */
#include <errno.h>
#include <stdio.h>

#include "app/case_act.h"
#include "app/review/review_case.h"
#include "event/event.h"
#include "state/reviews.h"

#define LIMIT 100

/* ---- list ---- */

static const struct table_column list_columns[] = {
    {"lead", "lead", TABLE_ID},
    {"received", "received", TABLE_WORDS},
    {"work", "work", TABLE_ID},
    {"status", "status", TABLE_WORDS},
    {"of", "of", TABLE_ID},
    {"assigned", "assigned", TABLE_WORDS},
    {"tags", "tags", TABLE_WORDS},
    {"four_eyes", "four eyes", TABLE_WORDS},
    {"pending", "pending", TABLE_COUNT},
    {"news", "news", TABLE_WORDS},
    {"claims", "claims", TABLE_COUNT},
    {"withdrawn", NULL, TABLE_WORDS},
    {"rank", NULL, TABLE_ID},
    {0},
};

#define TAGS_MAX 64

struct listing {
    struct table *t;
    struct pursuit *p;
    struct err *err;
    struct buf tags[TAGS_MAX];
    size_t n_tags;
};

static int keep_tag(void *ctx, struct span tag)
{
    struct listing *l = ctx;
    if (l->n_tags == TAGS_MAX)
        return 0;
    struct buf *b = &l->tags[l->n_tags++];
    b->n = 0;
    buf_span(b, tag);
    return 0;
}

static int put_lead(void *ctx, const struct review_lead *r)
{
    struct listing *l = ctx;
    struct span tags[TAGS_MAX];
    char day[UTC_TEXT_MAX];
    l->n_tags = 0;
    int rc = reviews_tags(l->p, r->entry, keep_tag, l, l->err);
    for (size_t i = 0; i < l->n_tags; i++)
        tags[i] = buf_as_span(&l->tags[i]);
    table_uint(l->t, r->entry);
    table_text(l->t, span_of(day, utc_format_date(r->received, day)));
    table_uint(l->t, r->work);
    table_str(l->t, review_status_name(r->status));
    table_index(l->t, r->of);
    table_words(l->t, r->assigned);
    table_list(l->t, tags, l->n_tags);
    table_bool(l->t, r->four_eyes);
    table_uint(l->t, r->pending);
    table_bool(l->t, r->heard > r->acted);
    table_uint(l->t, r->claims);
    table_bool(l->t, r->withdrawn);
    table_uint(l->t, r->rank);
    table_row_end(l->t);
    return rc;
}

static int list_query(const struct cli *cli, struct review_query *q, enum review_status *status)
{
    const char *name = cli_get(cli, "status");
    *q = (struct review_query){.assigned = case_text(cli, "assigned"),
                               .tag = case_text(cli, "tag"),
                               .all = cli_has(cli, "all")};
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "lead list: takes no argument (%s)", cli->args[0]);
    if (name && !review_status_parse(span_str(name), status))
        return cli_fail(EXIT_USAGE, "lead list: --status: no such status (%s)", name);
    q->status = name ? status : NULL;
    return cli_number(cli, "limit", LIMIT, &q->limit);
}

int cmd_lead_list(const struct cli *cli)
{
    enum review_status status;
    struct review_query q;
    struct casedir c;
    struct err err;
    struct listing l = {.err = &err};
    int rc = list_query(cli, &q, &status);
    if (rc)
        return rc;
    rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0) {
        l.t = table_open(cli_shape(cli), list_columns, stdout);
        l.p = c.pursuit;
        rc = reviews_list(c.pursuit, &q, put_lead, &l, &err);
    }
    if (l.t && table_close(l.t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    for (size_t i = 0; i < TAGS_MAX; i++)
        buf_free(&l.tags[i]);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- show ---- */

static const struct table_column act_columns[] = {
    {"index", "entry", TABLE_ID},        {"time", "time", TABLE_WORDS},
    {"kind", "kind", TABLE_WORDS},       {"what", "what", TABLE_WORDS},
    {"value", "value", TABLE_WORDS},     {"other", "other", TABLE_ID},
    {"account", "account", TABLE_WORDS}, {"state", "state", TABLE_WORDS},
    {"settled", "settled", TABLE_ID},    {"why", "why", TABLE_WORDS},
    {"known", NULL, TABLE_WORDS},        {0},
};

static int put_act(void *ctx, const struct review_act *a)
{
    struct table *t = ctx;
    table_uint(t, a->entry);
    case_put_time(t, a->time);
    table_str(t, event_kind_name(a->kind));
    table_text(t, a->what);
    table_words(t, a->value);
    table_index(t, a->other);
    table_words(t, a->account);
    table_text(t, a->state);
    table_index(t, a->settled);
    table_words(t, a->why);
    table_words(t, a->known);
    table_row_end(t);
    return 0;
}

/* The lead itself, as it stands. */
static void put_standing(struct table *t, const struct review_lead *l)
{
    put_act(t, &(struct review_act){.entry = l->entry,
                                    .kind = KIND_LEAD,
                                    .time = l->received,
                                    .what = span_str("status"),
                                    .value = span_str(review_status_name(l->status)),
                                    .other = l->of,
                                    .state = span_str(l->withdrawn ? "withdrawn"
                                                      : l->pending ? "pending"
                                                                   : "done")});
}

int cmd_lead_show(const struct cli *cli)
{
    struct casedir c;
    struct review_lead lead;
    struct table *t = NULL;
    struct err err;
    char name[PURSUIT_NAME_MAX];
    uint64_t entry;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "lead show: wants one lead");
    int code = review_entry(cli, cli->args[0], "a lead", &entry);
    if (code)
        return code;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = reviews_lead(c.pursuit, entry, &lead, name, &err);
    if (rc == 0 && !sql_int(pursuit_sql(c.pursuit), 0, "SELECT 1 FROM reviews WHERE lead=?", "i",
                            (int64_t)entry)) /* of one that was deleted the acts are left */
        rc = err_set(&err, -ENOENT, "no such lead: see `ebb lead list` (%s)", cli->args[0]);
    if (rc >= 0) {
        t = table_open(cli_shape(cli), act_columns, stdout);
        if (rc == 1)
            put_standing(t, &lead);
        rc = reviews_acts(c.pursuit, entry, put_act, t, &err);
    }
    if (t && table_close(t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- search ---- */

static const struct table_column hit_columns[] = {
    {"lead", "lead", TABLE_ID},    {"index", "entry", TABLE_ID},  {"kind", "kind", TABLE_WORDS},
    {"what", "what", TABLE_WORDS}, {"text", "text", TABLE_WORDS}, {0},
};

static int put_hit(void *ctx, const struct review_hit *h)
{
    struct table *t = ctx;
    table_uint(t, h->lead);
    table_uint(t, h->entry);
    table_str(t, event_kind_name(h->kind));
    table_text(t, h->what);
    table_text(t, h->text);
    table_row_end(t);
    return 0;
}

int cmd_lead_search(const struct cli *cli)
{
    struct casedir c;
    struct table *t = NULL;
    struct err err;
    uint64_t limit;
    if (cli->n_args != 1 || !*cli->args[0])
        return cli_fail(EXIT_USAGE, "lead search: wants one text");
    int code = cli_number(cli, "limit", LIMIT, &limit);
    if (code)
        return code;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0) {
        t = table_open(cli_shape(cli), hit_columns, stdout);
        rc = reviews_search(c.pursuit, span_str(cli->args[0]), limit, put_hit, t, &err);
    }
    if (t && table_close(t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
