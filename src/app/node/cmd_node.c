/* ebb node, ebb node add, ebb node remove, ebb node check, ebb node push */
#include "app/cli.h"

int cmd_node(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}

int cmd_node_add(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}

int cmd_node_remove(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}

int cmd_node_check(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}

int cmd_node_push(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}
