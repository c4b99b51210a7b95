/* ebb desk login | link | routes; ebb desk */
#include "app/cli.h"

#define NOT_YET(name)                                                                              \
    int name(const struct cli *cli)                                                                \
    {                                                                                              \
        (void)cli;                                                                                 \
        return cli_fail(EXIT_FAILED, "not yet");                                                   \
    }
NOT_YET(cmd_desk_login)
NOT_YET(cmd_desk_link)
NOT_YET(cmd_desk_routes)
NOT_YET(cmd_desk)
