/* ebb notice party add | ebb notice contact add | ebb notice template add | ebb notice draft | ebb notice send | ebb notice serve | ebb notice result | ebb notice publish | ebb notice insertion | ebb notice hearing | ebb notice answer | ebb notice status | ebb notice affidavit */
#include "app/cli.h"

int cmd_notice_party_add(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice party add: not yet");
}

int cmd_notice_contact_add(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice contact add: not yet");
}

int cmd_notice_template_add(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice template add: not yet");
}

int cmd_notice_draft(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice draft: not yet");
}

int cmd_notice_send(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice send: not yet");
}

int cmd_notice_serve(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice serve: not yet");
}

int cmd_notice_result(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice result: not yet");
}

int cmd_notice_publish(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice publish: not yet");
}

int cmd_notice_insertion(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice insertion: not yet");
}

int cmd_notice_hearing(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice hearing: not yet");
}

int cmd_notice_answer(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice answer: not yet");
}

int cmd_notice_status(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice status: not yet");
}

int cmd_notice_affidavit(const struct cli *cli)
{
    return cli_fail(EXIT_FAILED, "notice affidavit: not yet");
}
