/* ebb release withdraw */
#include <errno.h>
#include <stdio.h>

#include "app/case_act.h"
#include "event/event.h"
#include "state/releases.h"

static int take_state(void *ctx, const struct release_entry *r)
{
    *(bool *)ctx = r->withdrawn;
    return 0;
}

static int check(const struct cli *cli, uint64_t entry, struct err *err)
{
    struct casedir c;
    bool withdrawn = false;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = releases_one(c.pursuit, entry, take_state, &withdrawn, err);
    casedir_close(&c, NULL);
    if (rc == 0)
        return err_set(err, -ENOENT, "entry %llu is no release", (unsigned long long)entry);
    if (rc == 1 && withdrawn)
        return err_set(err, -EALREADY, "release %llu was withdrawn already",
                       (unsigned long long)entry);
    return rc < 0 ? rc : 0;
}

int cmd_release_withdraw(const struct cli *cli)
{
    struct buf payload = {0};
    struct err err;
    uint64_t entry;
    if (cli->n_args != 1 || !cli_parse_u64(cli->args[0], &entry))
        return cli_fail(EXIT_USAGE, "release withdraw: wants a release's entry");
    if (!cli_has(cli, "why"))
        return cli_fail(EXIT_USAGE, "release withdraw: wants --why; it goes on the log");
    int rc = check(cli, entry, &err);
    if (rc == 0) {
        act_withdrawn(&payload,
                      &(struct act_withdrawn){.why = case_text(cli, "why"), .entry = entry});
        struct case_act act = {.kind = KIND_WITHDRAWN, .payload = buf_as_span(&payload)};
        rc = case_acts(cli, &act, 1, &err);
        if (rc == 0 && !cli->quiet)
            printf("release %llu is withdrawn, entry %llu\n", (unsigned long long)entry,
                   (unsigned long long)act.index);
    }
    buf_free(&payload);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
