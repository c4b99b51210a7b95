/* ebb approve */
#include "app/cli.h"

int cmd_approve(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "approve: not yet");
}
