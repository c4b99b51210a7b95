#include "app/cli.h"

int cmd_cleanup_send(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_cleanup_returns(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_cleanup_settle(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_cleanup_contact(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}
