/* ebb case subject export */
#include "app/cli.h"

int cmd_subject_export(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject export: not yet");
}
