#include "app/cli.h"

int cmd_partners_add(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_partners_revoke(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_partners_files(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_partners(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}
