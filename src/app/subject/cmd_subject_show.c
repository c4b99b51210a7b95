/* ebb case subject list, show, timeline, search */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/subject/subject_rows.h"

#define LIMIT_DEFAULT 100

/* A table that was begun, or not, and the case: closed; the exit code. */
static int ended(struct casedir *c, struct table *t, int rc, int code, struct err *err)
{
    if (t && table_close(t) < 0 && rc >= 0)
        rc = err_set(err, -EIO, "output could not be written");
    casedir_close(c, NULL);
    return code ? code : rc < 0 ? cli_err(err) : EXIT_DONE;
}

/* ---- list ---- */

static const struct table_column list_columns[] = {
    {"subject", "subject", TABLE_WORDS}, {"kind", "kind", TABLE_WORDS},
    {"facts", "facts", TABLE_COUNT},     {"links", "links", TABLE_COUNT},
    {"into", "merged into", TABLE_ID},   {"recorded", "recorded", TABLE_WORDS},
    {"index", "entry", TABLE_ID},        {"account", NULL, TABLE_WORDS},
    {"note", NULL, TABLE_WORDS},         {0},
};

struct listing {
    struct table *t;
    uint64_t left;
};

static int put_subject(void *ctx, const struct subject *s)
{
    struct listing *l = ctx;
    if (!l->left)
        return 1;
    l->left--;
    table_text(l->t, s->name);
    table_text(l->t, s->kind);
    table_uint(l->t, s->facts);
    table_uint(l->t, s->links);
    table_index(l->t, s->into);
    case_put_time(l->t, s->recorded);
    table_uint(l->t, s->entry);
    table_text(l->t, s->account);
    table_words(l->t, s->note);
    table_row_end(l->t);
    return l->left ? 0 : 1;
}

int cmd_subject_list(const struct cli *cli)
{
    struct casedir c;
    struct listing l = {0};
    struct err err;
    uint64_t after;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "case subject list: takes no argument (%s)", cli->args[0]);
    int code = cli_number(cli, "limit", UINT64_MAX, &l.left);
    if (code == 0)
        code = cli_number(cli, "after", 0, &after);
    if (code)
        return code;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0) {
        l.t = table_open(cli_shape(cli), list_columns, stdout);
        rc = subjects_list_after(c.pursuit, after, put_subject, &l, &err);
    }
    return ended(&c, l.t, rc, 0, &err);
}

/* ---- show, timeline ---- */

static const struct table_column show_columns[] = {
    {"index", "entry", TABLE_ID},
    {"what", "what", TABLE_WORDS},
    {"type", "type", TABLE_WORDS},
    {"value", "value", TABLE_WORDS},
    {"confidence", "conf.", TABLE_ID},
    {"observed", "observed", TABLE_WORDS},
    {"entries", "entries", TABLE_WORDS},
    {"document", "document", TABLE_WORDS},
    {"lead", "lead", TABLE_ID},
    {"recorded", "recorded", TABLE_WORDS},
    {"account", "account", TABLE_WORDS},
    {"of", NULL, TABLE_ID},
    {"sha256", NULL, TABLE_WORDS},
    {"note", "note", TABLE_WORDS},
    {"withdrawn", NULL, TABLE_WORDS},
    {"asset", NULL, TABLE_ID},
    {"other", NULL, TABLE_ID},
    {"campaign", NULL, TABLE_ID},
    {0},
};
static const struct table_column timeline_columns[] = {
    {"time", "time", TABLE_WORDS},
    {"index", "entry", TABLE_ID},
    {"what", "what", TABLE_WORDS},
    {"type", "type", TABLE_WORDS},
    {"value", "value", TABLE_WORDS},
    {"confidence", "conf.", TABLE_ID},
    {"observed", NULL, TABLE_WORDS},
    {"entries", "entries", TABLE_WORDS},
    {"document", "document", TABLE_WORDS},
    {"lead", "lead", TABLE_ID},
    {"recorded", NULL, TABLE_WORDS},
    {"account", "account", TABLE_WORDS},
    {"of", NULL, TABLE_ID},
    {"sha256", NULL, TABLE_WORDS},
    {"note", "note", TABLE_WORDS},
    {"withdrawn", NULL, TABLE_WORDS},
    {0},
};

static void put_source(struct table *t, const struct act_fact *f)
{
    table_words(t, f->entries);
    table_words(t, f->document);
    table_index(t, f->lead);
}

static void put_first(struct table *t, const struct subject_row *r)
{
    table_uint(t, r->entry);
    if (r->what == SUBJECT_ROW_FACT && r->withdrawn)
        table_str(t, "withdrawn fact");
    else if (r->what == SUBJECT_ROW_LINK && r->withdrawn)
        table_str(t, "withdrawn link");
    else
        table_str(t, subject_row_name(r->what));
    table_words(t, r->type);
    table_text(t, r->value);
    table_index(t, r->fact.confidence);
    case_put_time(t, r->fact.observed);
    put_source(t, &r->fact);
    case_put_time(t, r->recorded);
    table_words(t, r->account);
    table_uint(t, r->of);
    table_digest(t, r->fact.sha256);
    table_words(t, r->fact.note);
    table_bool(t, r->withdrawn);
}

static void put_show(struct table *t, const struct subject_row *r)
{
    put_first(t, r);
    table_index(t, r->link.asset);
    table_index(t, r->link.other);
    table_index(t, r->link.campaign);
    table_row_end(t);
}

/* When it was so; where that is not known, when it came onto the log. */
static int64_t time_of(const struct subject_row *r)
{
    return r->fact.observed != ACT_FOREVER ? r->fact.observed : r->recorded;
}

static int by_time(const void *a, const void *b)
{
    const struct subject_row *x = a, *y = b;
    int64_t s = time_of(x), t = time_of(y);
    return s != t ? (s < t ? -1 : 1) : x->entry < y->entry ? -1 : x->entry > y->entry;
}

static void put_timeline(struct table *t, const struct subject_row *r)
{
    case_put_time(t, time_of(r));
    put_first(t, r);
    table_row_end(t);
}

/* `lines`: as a timeline. */
static int show(const struct cli *cli, bool lines, bool all)
{
    struct casedir c;
    struct subject_rows rows = {0};
    struct table *t = NULL;
    struct err err;
    uint64_t subject, size = UINT64_MAX;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "%s: wants one subject", cli->command);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = subject_cli_find(&c, cli->args[0], false, &subject, &err);
    int code = rc == 0 ? subject_cli_at(cli, &c, &size) : 0;
    if (rc == 0 && code == 0)
        rc = subject_rows_gather(&c, subject, size, all, &rows, &err);
    if (rc == 0 && code == 0) {
        t = table_open(cli_shape(cli), lines ? timeline_columns : show_columns, stdout);
        if (lines && rows.n)
            qsort(rows.row, rows.n, sizeof *rows.row, by_time);
        for (size_t i = 0; i < rows.n; i++)
            (lines ? put_timeline : put_show)(t, &rows.row[i]);
    }
    subject_rows_free(&rows);
    return ended(&c, t, rc, code, &err);
}

int cmd_subject_show(const struct cli *cli)
{
    return show(cli, false, cli_has(cli, "all"));
}

int cmd_subject_timeline(const struct cli *cli)
{
    return show(cli, true, true);
}

/* ---- search ---- */

static const struct table_column search_columns[] = {
    {"index", "entry", TABLE_ID},
    {"subject", "subject", TABLE_WORDS},
    {"type", "type", TABLE_WORDS},
    {"value", "value", TABLE_WORDS},
    {"confidence", "conf.", TABLE_ID},
    {"observed", "observed", TABLE_WORDS},
    {"entries", "entries", TABLE_WORDS},
    {"document", "document", TABLE_WORDS},
    {"lead", "lead", TABLE_ID},
    {"recorded", "recorded", TABLE_WORDS},
    {"withdrawn", "withdrawn", TABLE_WORDS},
    {"of", NULL, TABLE_ID},
    {"account", NULL, TABLE_WORDS},
    {"sha256", NULL, TABLE_WORDS},
    {"note", NULL, TABLE_WORDS},
    {0},
};

struct finding {
    struct casedir *c;
    struct table *t;
};

static int put_found(void *ctx, const struct subject_fact *f)
{
    struct finding *s = ctx;
    struct buf name = {0};
    subjects_name(s->c->pursuit, subjects_root_at(s->c->pursuit, f->act.subject, UINT64_MAX),
                  &name);
    table_uint(s->t, f->entry);
    table_text(s->t, buf_as_span(&name));
    table_text(s->t, f->act.type);
    table_text(s->t, f->act.value);
    table_index(s->t, f->act.confidence);
    case_put_time(s->t, f->act.observed);
    put_source(s->t, &f->act);
    case_put_time(s->t, f->recorded);
    table_bool(s->t, f->withdrawn);
    table_uint(s->t, f->act.subject);
    table_words(s->t, f->account);
    table_digest(s->t, f->act.sha256);
    table_words(s->t, f->act.note);
    table_row_end(s->t);
    buf_free(&name);
    return 0;
}

int cmd_subject_search(const struct cli *cli)
{
    struct casedir c;
    struct finding s = {&c, NULL};
    struct span type;
    struct err err;
    uint64_t limit;
    if (cli->n_args != 1 || !cli->args[0][0])
        return cli_fail(EXIT_USAGE, "case subject search: wants one text");
    int code = subject_cli_text(cli, "type", SUBJECT_WORD_MAX, &type);
    if (code == 0 && type.n && !fact_type_is_good(type))
        code = cli_fail(EXIT_USAGE,
                        "--type: handle name address domain mail payment messenger"
                        " phone other (%s)",
                        cli_get(cli, "type"));
    if (code == 0)
        code = cli_number(cli, "limit", LIMIT_DEFAULT, &limit);
    if (code)
        return code;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0) {
        s.t = table_open(cli_shape(cli), search_columns, stdout);
        rc = subjects_search(c.pursuit, type, span_str(cli->args[0]), limit, put_found, &s, &err);
    }
    return ended(&c, s.t, rc, 0, &err);
}
