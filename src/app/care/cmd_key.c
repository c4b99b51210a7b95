/* ebb key, ebb key rotate */
#include "app/cli.h"

int cmd_key(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}

int cmd_key_rotate(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}
