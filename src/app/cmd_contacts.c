#include "app/cli.h"

int cmd_contacts_import(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_contacts_find(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_contacts_queue(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_contacts_ask(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}

int cmd_contacts(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "%s: not there yet", cli->command);
}
