/* ebb completion */
#include "app/cli.h"

int cmd_completion(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}
