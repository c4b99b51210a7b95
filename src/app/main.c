#include <signal.h>

#include "app/cli.h"

int main(int argc, char **argv)
{
    /* A reader that goes away (`ebb events | head`) and a file-size limit are errors to report,
     * not deaths. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return cli_run(argc, argv);
}
