/* ebb account check: was each act signed by an account that had the right at the time? */
#include <errno.h>
#include <stdio.h>

#include "app/case_act.h"
#include "app/progress.h"
#include "event/event.h"
#include "state/accounts.h"

static const struct table_column columns[] = {
    {"index", "entry", TABLE_ID},
    {"kind", "kind", TABLE_WORDS},
    {"account", "account", TABLE_WORDS},
    {"why", "why", TABLE_WORDS},
    {0},
};

struct check {
    struct casebook *then; /* the accounts, as they were before the entry at hand */
    struct table *t;
    uint64_t held, unsigned_acts, wrong, redacted;
};

static int no_blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    return err_set(err, -ENOENT, "not wanted");
}

static void put_wrong(struct check *k, const struct entry *e, struct span account, const char *why)
{
    const char *kind = event_kind_name(e->header.kind);
    k->wrong++;
    table_uint(k->t, e->index);
    table_str(k->t, kind ? kind : "unknown");
    table_text(k->t, account);
    table_str(k->t, why);
    table_row_end(k->t);
}

/* The first account of a case has no signature; casebook_may() knows when that is right. */
static void check_act(struct check *k, const char *origin, const struct entry *e)
{
    struct err why = {0};
    struct span account = {0};
    bool named = act_signer(e->payload, &account) == 0 && account.n;
    int rc = casebook_may(k->then, origin, e->header.kind, e->payload, e->header.time, &why);
    if (rc < 0)
        put_wrong(k, e, account, why.text);
    else if (named)
        k->held++;
    else
        k->unsigned_acts++;
    if (e->header.kind == KIND_ACCOUNT && rc == 0)
        casebook_act(k->then, KIND_ACCOUNT, e->index, e->header.time, e->payload);
}

static int walk(struct casedir *c, struct check *k, struct err *err)
{
    struct journal_cursor *cursor;
    struct progress progress;
    struct entry e;
    int rc = journal_cursor_open(c->journal, 0, &cursor, err);
    if (rc < 0)
        return rc;
    progress_begin(&progress, "reading the log", journal_committed(c->journal), c->quiet);
    while ((rc = journal_cursor_next(cursor, &e, err)) == 1) {
        if (e.header.kind < KIND_REDACTION || event_kind_is_event(e.header.kind))
            continue;
        if (e.redacted)
            k->redacted++;
        else
            check_act(k, journal_origin(c->journal), &e);
        progress_at(&progress, e.index, e.index, "entries");
    }
    progress_end(&progress);
    journal_cursor_close(cursor);
    return rc;
}

int cmd_account_check(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct check k = {0};
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "account check: takes no argument (%s)", cli->args[0]);
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0) /* nowhere: a casebook of accounts alone, in memory */
        rc = casebook_open("", &(struct casebook_blobs){no_blob, NULL}, &k.then, &err);
    if (rc == 0) {
        k.t = table_open(cli_shape(cli), columns, stdout);
        rc = walk(&c, &k, &err);
    }
    if (k.t && table_close(k.t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casebook_close(k.then);
    casedir_close(&c, NULL);
    if (rc < 0)
        return cli_err(&err);
    if (!cli->quiet)
        fprintf(stderr, "ebb: %llu acts signed as they should be, %llu without an account, %llu erased, %llu wrong\n",
                (unsigned long long)k.held, (unsigned long long)k.unsigned_acts,
                (unsigned long long)k.redacted, (unsigned long long)k.wrong);
    return k.wrong ? EXIT_FAILED : EXIT_DONE;
}
