/* ebb release (list) | show */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/case_act.h"
#include "app/release/release_make.h"
#include "app/release/release_table.h"
#include "state/releases.h"

static const struct table_column list_columns[] = {
    {"entry", "entry", TABLE_ID},
    {"time", "made", TABLE_WORDS},
    {"by", "by", TABLE_WORDS},
    {"since", "since", TABLE_WORDS},
    {"until", "until", TABLE_WORDS},
    {"rule", "rule", TABLE_WORDS},
    {"size", "entries", TABLE_COUNT},
    {"replaces", "corrects", TABLE_ID},
    {"replaced_by", "corrected by", TABLE_ID},
    {"state", "", TABLE_WORDS},
    {"sha256", NULL, TABLE_WORDS},
    {0},
};

static void put_date(struct table *t, int64_t time)
{
    char text[UTC_TEXT_MAX];
    table_text(t, span_of(text, utc_format_date(time, text)));
}

static int put_release(void *ctx, const struct release_entry *r)
{
    struct table *t = ctx;
    table_uint(t, r->entry);
    case_put_time(t, r->recorded);
    table_text(t, r->account);
    put_date(t, r->since);
    put_date(t, r->until);
    table_text(t, r->rule);
    table_uint(t, r->size);
    table_index(t, r->replaces);
    table_index(t, r->replaced_by);
    table_str(t, r->withdrawn ? "withdrawn" : r->replaced_by ? "corrected" : "published");
    table_digest(t, r->sha256);
    table_row_end(t);
    return 0;
}

int cmd_release(const struct cli *cli)
{
    struct casedir c;
    struct table *t = NULL;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "release: takes no argument (%s)", cli->args[0]);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0) {
        t = table_open(cli_shape(cli), list_columns, stdout);
        rc = releases_list(c.pursuit, 0, put_release, t, &err);
    }
    if (t && table_close(t) < 0 && rc >= 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

static int print(const struct cli *cli, const struct release_doc *d, const struct buf *bytes,
                 struct err *err)
{
    int rc = 0;
    if (cli_shape(cli) != TABLE_JSON)
        rc = release_table_print(d, cli_shape(cli), stdout);
    else if (fwrite(bytes->p, 1, bytes->n, stdout) != bytes->n || fflush(stdout) != 0)
        rc = -1;
    return rc < 0 ? err_set(err, -EIO, "output could not be written") : 0;
}

int cmd_release_show(const struct cli *cli)
{
    struct casedir c;
    struct release_doc d = {0};
    struct buf bytes = {0};
    struct err err;
    uint64_t entry = 0;
    if (cli->n_args > 1 || (cli->n_args && !cli_parse_u64(cli->args[0], &entry)))
        return cli_fail(EXIT_USAGE, "release show: wants a release's entry, or nothing");
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0 && !cli->n_args && !(entry = releases_newest(c.pursuit)))
        rc = err_set(&err, -ENOENT, "nothing was published yet: see `ebb release make`");
    if (rc == 0)
        rc = release_load(&c, entry, &d, &bytes, &err);
    if (rc == 0)
        rc = print(cli, &d, &bytes, &err);
    release_doc_free(&d);
    buf_free(&bytes);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
