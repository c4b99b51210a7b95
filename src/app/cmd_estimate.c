#include "app/cmd_census.h"

int census_estimate(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}
