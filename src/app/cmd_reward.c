/* ebb reward offer | ebb reward milestone | ebb reward check | ebb reward claims | ebb reward award | ebb reward withdraw | ebb reward pay | ebb reward ledger */
#include "app/cli.h"

int cmd_reward_offer(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "reward offer: not yet");
}

int cmd_reward_milestone(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "reward milestone: not yet");
}

int cmd_reward_check(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "reward check: not yet");
}

int cmd_reward_claims(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "reward claims: not yet");
}

int cmd_reward_award(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "reward award: not yet");
}

int cmd_reward_withdraw(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "reward withdraw: not yet");
}

int cmd_reward_pay(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "reward pay: not yet");
}

int cmd_reward_ledger(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "reward ledger: not yet");
}
