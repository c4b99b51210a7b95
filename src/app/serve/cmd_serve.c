/* ebb serve, ebb reload */
#include <errno.h>

#include "app/cli.h"
#include "app/ctl.h"
#include "app/serve/supervise.h"
#include "base/log.h"

int cmd_serve(const struct cli *cli)
{
    struct config *config;
    struct err err = {0};
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "serve: takes no argument (%s)", cli->args[0]);
    if (config_load(cli->case_dir, &config, &err) < 0)
        return err.code == -EINVAL ? cli_fail(EXIT_USAGE, "%s", err.text) : cli_err(&err);
    log_set_level(cli->quiet ? LOG_WARN : LOG_INFO);
    int rc = supervise_run(cli->case_dir, config, &err);
    if (rc == -EINVAL)
        return cli_fail(EXIT_USAGE, "%s", err.text);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

int cmd_reload(const struct cli *cli)
{
    struct ctl_request request = {.verb = CTL_RELOAD};
    struct ctl_reply reply;
    struct err err = {0};
    int rc = ctl_call(cli->case_dir, &request, &reply, &err);
    if (rc == 1)
        return cli_fail(EXIT_FAILED, "%s: no `ebb serve` runs on this case", cli->case_dir);
    if (rc < 0)
        return cli_err(&err);
    buf_free(&reply.text);
    return EXIT_DONE;
}
