#include "app/cli.h"

int cmd_case_asset_export(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}
