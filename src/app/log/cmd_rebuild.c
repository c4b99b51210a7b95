/* ebb rebuild [VIEW] */
#include <stdio.h>
#include <string.h>

#include "app/casedir.h"
#include "app/cli.h"

/* The casebook and the pursuit are one database in two files: what is small and always loaded, and
 * what is large and loaded when it is needed. */
static unsigned which(const char *only)
{
    unsigned mask = only ? casedir_view_mask(only) : 0;
    return mask & VIEW_CASEBOOK ? mask | VIEW_PURSUIT : mask;
}

static int rebuild(struct casedir *c, const char *only, struct err *err)
{
    int rc = 0;
    for (const char *const *view = casedir_view_names; rc == 0 && *view; view++)
        if (!only || which(only) & casedir_view_mask(*view))
            rc = casedir_drop_view(c->dir, *view, err);
    if (rc == 0)
        rc = casedir_views(c, VIEW_ALL | which(only), err);
    return rc == 0 ? casedir_save_views(c, err) : rc;
}

int cmd_rebuild(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct err err, closing;
    const char *only = cli->n_args ? cli->args[0] : NULL;
    if (cli->n_args > 1)
        return cli_fail(EXIT_USAGE, "rebuild: wants one view at most");
    if (only && !casedir_view_mask(only))
        return cli_fail(EXIT_USAGE, "rebuild: no such view (%s)", only);
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_WRITE, &err);
    if (rc == 0)
        rc = rebuild(&c, only, &err);
    if (rc == 0 && !cli->quiet)
        printf("rebuilt %s from %llu entries\n", only ? only : "every view",
               (unsigned long long)journal_committed(c.journal));
    int closed = casedir_close(&c, &closing);
    return rc < 0 ? cli_err(&err) : closed < 0 ? cli_err(&closing) : EXIT_DONE;
}
