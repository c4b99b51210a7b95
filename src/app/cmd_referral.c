/* ebb referral export */
#include "app/cli.h"

int cmd_referral_export(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "referral export: not yet");
}
