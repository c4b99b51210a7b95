/* ebb exhibit export */
#include "app/cli.h"

int cmd_exhibit_export(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "exhibit export: not yet");
}
