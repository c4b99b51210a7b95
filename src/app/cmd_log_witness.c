/* ebb log timestamp | ebb log witness | ebb log stamps */
#include "app/cli.h"

int cmd_log_timestamp(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "log timestamp: not yet");
}

int cmd_log_witness(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "log witness: not yet");
}

int cmd_log_stamps(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "log stamps: not yet");
}
