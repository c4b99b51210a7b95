/* ebb backup, ebb backup verify, ebb restore */
#include "app/cli.h"

int cmd_backup(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}

int cmd_backup_verify(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}

int cmd_restore(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not yet", cli->command);
}
