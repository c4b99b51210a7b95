/* ebb log acts */
#include <stdio.h>
#include <string.h>

#include "app/casedir.h"
#include "app/cli.h"
#include "event/event.h"
#include "view/act_json.h"

#define OUTPUT_GONE 1

static bool is_wanted(const struct entry *e, const char *kind, int64_t since, int64_t until)
{
    const char *name = event_kind_name(e->header.kind);
    if (event_kind_is_event(e->header.kind) || e->header.time < since || e->header.time >= until)
        return false;
    return !kind || (name && strcmp(kind, name) == 0);
}

static int print_acts(struct casedir *c, const char *kind, int64_t since, int64_t until,
                      struct err *err)
{
    struct journal_cursor *cursor;
    struct buf line = {0};
    struct entry e;
    int rc = journal_cursor_open(c->journal, 0, &cursor, err);
    if (rc < 0)
        return rc;
    while ((rc = journal_cursor_next(cursor, &e, err)) == 1) {
        if (!is_wanted(&e, kind, since, until))
            continue;
        struct json j = json_to(&line);
        line.n = 0;
        act_json(&e, &j);
        json_newline(&j);
        if (fwrite(line.p, 1, line.n, stdout) != line.n) {
            rc = OUTPUT_GONE;
            break;
        }
    }
    journal_cursor_close(cursor);
    buf_free(&line);
    return rc;
}

int cmd_log_acts(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct err err;
    int64_t since, until;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "log acts: takes no argument (%s)", cli->args[0]);
    int rc = cli_range(cli, &since, &until);
    if (rc)
        return rc;
    rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = print_acts(&c, cli_get(cli, "kind"), since, until, &err);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : rc == OUTPUT_GONE ? EXIT_FAILED : EXIT_DONE;
}
