/* ebb notice withdraw: takes back a notice, the word of what came of one, or a run in print */
#include <errno.h>

#include "app/notice/notice.h"
#include "event/event.h"

static const struct notice_at *find(const struct notice_book *b, uint64_t entry)
{
    const struct notice *n = notice_at(b, entry);
    const struct notice_run *r = notice_run_at(b, entry);
    if (n || r)
        return n ? &n->at : &r->at;
    for (size_t i = 0; i < b->n_results; i++)
        if (b->results[i].at.entry == entry)
            return &b->results[i].at;
    return NULL;
}

static int check(const struct cli *cli, struct act_withdrawn *a, struct err *err)
{
    struct notice_case n;
    const char *arg = cli->args[0];
    int rc = notice_case_open(cli, &n, err);
    const struct notice_at *at =
        rc == 0 && cli_parse_u64(arg, &a->entry) ? find(&n.book, a->entry) : NULL;
    if (rc == 0 && !at)
        rc = err_set(err, -ENOENT,
                     "no such notice, result or run: see `ebb notice status --notices` (%.80s)",
                     arg);
    else if (rc == 0 && at->withdrawn)
        rc = err_set(err, -EALREADY, "entry %.80s was withdrawn already", arg);
    notice_case_close(&n);
    return rc;
}

int cmd_notice_withdraw(const struct cli *cli)
{
    struct act_withdrawn a = {.why = case_text(cli, "why")};
    struct buf payload = {0};
    uint64_t entry;
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice withdraw: wants one entry");
    if (!a.why.n)
        return cli_fail(EXIT_USAGE, "notice withdraw: wants --why");
    int code = notice_check_option(cli, "why", NOTICE_WORDS_MAX);
    if (code)
        return code;
    int rc = check(cli, &a, &err);
    act_withdrawn(&payload, &a);
    if (rc == 0)
        rc = notice_record(cli, KIND_WITHDRAWN, buf_as_span(&payload), span_of(NULL, 0), &entry,
                           &err);
    buf_free(&payload);
    return rc < 0 ? notice_fail(rc, &err)
                  : notice_print_done(cli, "withdrawn", span_str(cli->args[0]), entry);
}
