/* ebb upgrade */
#include "app/cli.h"

int cmd_upgrade(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}
