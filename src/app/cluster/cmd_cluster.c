/* ebb cluster, ebb cluster create, ebb cluster ship, ebb cluster verify, ebb cluster row */
#include "app/cli.h"

int cmd_cluster(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}

int cmd_cluster_verify(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}

int cmd_cluster_row(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}
