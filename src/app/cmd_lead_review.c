/* ebb lead list | ebb lead show | ebb lead search | ebb lead mark | ebb lead assign | ebb lead note | ebb lead tag | ebb lead conflict | ebb lead four-eyes | ebb lead link | ebb lead novelty | ebb lead decide */
#include "app/cli.h"

int cmd_lead_list(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead list: not yet");
}

int cmd_lead_show(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead show: not yet");
}

int cmd_lead_search(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead search: not yet");
}

int cmd_lead_mark(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead mark: not yet");
}

int cmd_lead_assign(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead assign: not yet");
}

int cmd_lead_note(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead note: not yet");
}

int cmd_lead_tag(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead tag: not yet");
}

int cmd_lead_conflict(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead conflict: not yet");
}

int cmd_lead_four_eyes(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead four-eyes: not yet");
}

int cmd_lead_link(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead link: not yet");
}

int cmd_lead_novelty(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead novelty: not yet");
}

int cmd_lead_decide(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "lead decide: not yet");
}
