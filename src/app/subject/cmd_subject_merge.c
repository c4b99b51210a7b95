/* ebb case subject withdraw, merge, split: what was said is taken back, or said of another one. */
#include <errno.h>
#include <stdio.h>

#include "app/subject/subject_cli.h"
#include "event/event.h"

static int why_of(const struct cli *cli, struct span *why)
{
    int rc = subject_cli_text(cli, "why", SUBJECT_TEXT_MAX, why);
    return rc == 0 && !why->n ? cli_fail(EXIT_USAGE, "%s: wants --why", cli->command) : rc;
}

static int record(const struct cli *cli, uint8_t kind, struct buf *payload, uint64_t *index,
                  struct err *err)
{
    struct case_act act = {.kind = kind, .payload = buf_as_span(payload)};
    int rc = case_acts(cli, &act, 1, err);
    buf_free(payload);
    *index = act.index;
    return rc;
}

/* ---- withdraw ---- */

static const struct table_column withdrawn_columns[] = {
    {"withdrawn", "withdrawn", TABLE_ID}, {"index", "entry", TABLE_ID}, {0}};

static int any_fact(void *ctx, const struct subject_fact *f)
{
    (void)ctx, (void)f;
    return 0;
}

static int any_link(void *ctx, const struct subject_link *l)
{
    (void)ctx, (void)l;
    return 0;
}

static int check_withdrawal(const struct cli *cli, uint64_t entry, struct err *err)
{
    struct casedir c;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    int there = rc == 0 ? subjects_fact(c.pursuit, entry, any_fact, NULL, err) : 0;
    if (rc == 0 && there == 0)
        there = subjects_link(c.pursuit, entry, any_link, NULL, err);
    if (rc == 0 && there < 0)
        rc = there;
    if (rc == 0 && there == 0)
        rc = err_set(err, -ENOENT, "entry %llu is no fact and no link", (unsigned long long)entry);
    if (rc == 0 && pursuit_is_withdrawn(c.pursuit, entry))
        rc = err_set(err, -EALREADY, "entry %llu was withdrawn already", (unsigned long long)entry);
    casedir_close(&c, NULL);
    return rc;
}

int cmd_subject_withdraw(const struct cli *cli)
{
    struct act_withdrawn a = {0};
    struct buf payload = {0};
    struct err err;
    uint64_t index = 0;
    if (cli->n_args != 1 || !cli_parse_u64(cli->args[0], &a.entry))
        return cli_fail(EXIT_USAGE, "case subject withdraw: wants the entry of a fact or a link");
    int code = why_of(cli, &a.why);
    if (code)
        return code;
    if (check_withdrawal(cli, a.entry, &err) < 0)
        return cli_err(&err);
    act_withdrawn(&payload, &a);
    if (record(cli, KIND_WITHDRAWN, &payload, &index, &err) < 0)
        return cli_err(&err);
    struct table *t = table_open(cli_shape(cli), withdrawn_columns, stdout);
    table_uint(t, a.entry);
    table_uint(t, index);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

/* ---- merge, split ---- */

static const struct table_column merged_columns[] = {{"into", "into", TABLE_WORDS},
                                                     {"other", "other", TABLE_WORDS},
                                                     {"index", "entry", TABLE_ID},
                                                     {0}};

static int check_merge(struct casedir *c, const struct cli *cli, const struct act_subject_merged *a,
                       struct err *err)
{
    uint64_t into = subjects_root_at(c->pursuit, a->into, UINT64_MAX),
             other = subjects_root_at(c->pursuit, a->other, UINT64_MAX);
    if (a->into == a->other)
        return err_set(err, -EINVAL, "a subject cannot be merged into itself (%s)", cli->args[0]);
    if (other != a->other)
        return err_set(err, -EALREADY,
                       "it is merged into another one already: see `ebb case subject show` (%s)",
                       cli->args[1]);
    if (into == other)
        return err_set(err, -EINVAL, "it is merged into %s already: that would be a circle (%s)",
                       cli->args[1], cli->args[0]);
    const char *groups = "SELECT count(*) FROM subjects WHERE root=? OR root=?";
    if (sql_int(pursuit_sql(c->pursuit), 0, groups, "ii", (int64_t)into, (int64_t)other) >
        SUBJECT_GROUP_MAX)
        return err_set(err, -E2BIG, "more than %d subjects would be one (%s)", SUBJECT_GROUP_MAX,
                       cli->args[0]);
    return 0;
}

static int check_split(struct casedir *c, const struct cli *cli, const struct act_subject_merged *a,
                       struct err *err)
{
    return sql_int(pursuit_sql(c->pursuit), 0,
                   "SELECT 1 FROM subjects WHERE entry=? AND \"into\"=?", "ii", (int64_t)a->other,
                   (int64_t)a->into)
               ? 0
               : err_set(err, -ENOENT, "%s is not merged into %s", cli->args[1], cli->args[0]);
}

static int change(const struct cli *cli, uint8_t kind)
{
    struct act_subject_merged a = {0};
    struct casedir c;
    struct buf payload = {0};
    struct err err;
    uint64_t index = 0;
    if (cli->n_args != 2)
        return cli_fail(EXIT_USAGE, "%s: wants two subjects", cli->command);
    int code = why_of(cli, &a.why);
    if (code)
        return code;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = subject_cli_find(&c, cli->args[0], true, &a.into, &err);
    if (rc == 0)
        rc = subject_cli_find(&c, cli->args[1], true, &a.other, &err);
    if (rc == 0)
        rc = kind == KIND_SUBJECT_MERGED ? check_merge(&c, cli, &a, &err)
                                         : check_split(&c, cli, &a, &err);
    casedir_close(&c, NULL);
    if (rc == 0) {
        act_subject_merged(&payload, &a);
        rc = record(cli, kind, &payload, &index, &err);
    }
    if (rc < 0)
        return cli_err(&err);
    struct table *t = table_open(cli_shape(cli), merged_columns, stdout);
    table_str(t, cli->args[0]);
    table_str(t, cli->args[1]);
    table_uint(t, index);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

int cmd_subject_merge(const struct cli *cli)
{
    return change(cli, KIND_SUBJECT_MERGED);
}

int cmd_subject_split(const struct cli *cli)
{
    return change(cli, KIND_SUBJECT_SPLIT);
}
