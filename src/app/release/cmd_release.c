/* ebb release make | list | show */
#include "app/cli.h"

#define NOT_YET(name)                                                                              \
    int name(const struct cli *cli)                                                                \
    {                                                                                              \
        (void)cli;                                                                                 \
        return cli_fail(EXIT_FAILED, "not yet");                                                   \
    }
NOT_YET(cmd_release_make)
NOT_YET(cmd_release_show)
NOT_YET(cmd_release)
