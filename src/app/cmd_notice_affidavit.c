/* ebb notice affidavit */
#include "app/cli.h"

int cmd_notice_affidavit(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice affidavit: not yet");
}
