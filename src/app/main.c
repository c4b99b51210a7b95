#include <signal.h>

#include "app/cli.h"

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error to report, not a death */
    return cli_run(argc, argv);
}
