/* ebb case facts */
#include "app/cli.h"

int cmd_case_facts(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case facts: not yet");
}
