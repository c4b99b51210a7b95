#include "app/cmd_census.h"

int census_roles(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_census_explain(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_census_judge(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_census_overrule(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}
