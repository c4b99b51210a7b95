#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/cli.h"
#include "base/log.h"

/* What aborts because malloc() gave nothing (base/mem.h, and libraries) ends with a clear error;
 * what aborts for another reason, an assert, dies of it as usual. */
static void on_abort(int sig)
{
    static const char text[] = "ebb: out of memory\n";
    (void)sig;
    if (errno == ENOMEM && write(STDERR_FILENO, text, sizeof text - 1) > 0)
        _exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    const struct sigaction once = {.sa_handler = on_abort, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGABRT, &once, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error to report, not a death */
    log_open();
    return cli_run(argc, argv);
}
