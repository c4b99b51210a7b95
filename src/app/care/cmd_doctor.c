/* ebb doctor */
#include "app/cli.h"

int cmd_doctor(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}
