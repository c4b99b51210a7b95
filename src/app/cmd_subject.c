/* ebb case subject add | ebb case subject fact | ebb case subject link | ebb case subject withdraw | ebb case subject merge | ebb case subject split | ebb case subject list | ebb case subject show | ebb case subject timeline | ebb case subject search | ebb case subject export | ebb case facts */
#include "app/cli.h"

int cmd_subject_add(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject add: not yet");
}

int cmd_subject_fact(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject fact: not yet");
}

int cmd_subject_link(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject link: not yet");
}

int cmd_subject_withdraw(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject withdraw: not yet");
}

int cmd_subject_merge(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject merge: not yet");
}

int cmd_subject_split(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject split: not yet");
}

int cmd_subject_list(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject list: not yet");
}

int cmd_subject_show(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject show: not yet");
}

int cmd_subject_timeline(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject timeline: not yet");
}

int cmd_subject_search(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject search: not yet");
}

int cmd_subject_export(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case subject export: not yet");
}

int cmd_case_facts(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "case facts: not yet");
}
