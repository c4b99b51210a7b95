/* ebb lead price | ebb lead submit | ebb lead return | ebb lead read | ebb lead answer | ebb lead rewrap | ebb lead delete | ebb lead purge | ebb lead proof */
#include "app/cli.h"

int cmd_lead_price(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead price: not yet");
}

int cmd_lead_submit(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead submit: not yet");
}

int cmd_lead_return(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead return: not yet");
}

int cmd_lead_read(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead read: not yet");
}

int cmd_lead_answer(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead answer: not yet");
}

int cmd_lead_rewrap(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead rewrap: not yet");
}

int cmd_lead_delete(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead delete: not yet");
}

int cmd_lead_purge(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead purge: not yet");
}

int cmd_lead_proof(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead proof: not yet");
}
