#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/cli.h"

#define NULL_PAGE 65536 /* what a null pointer with a member's offset points into */

/* Memory that has run out ends with a clear error, also where it is found by abort() (base/mem.h,
 * GLib), or where a library goes on with the null pointer that malloc() gave it (libyara's scanner,
 * ICU's sets): errno says which it was. Everything else dies of its signal as usual, the handler
 * being gone. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
    static const char text[] = "ebb: out of memory\n";
    (void)context;
    if (errno == ENOMEM && (sig == SIGABRT || (uintptr_t)info->si_addr < NULL_PAGE) &&
        write(STDERR_FILENO, text, sizeof text - 1) > 0)
        _exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    const struct sigaction once = {.sa_sigaction = on_fault,
                                   .sa_flags = SA_SIGINFO | (int)SA_RESETHAND};
    sigaction(SIGABRT, &once, NULL);
#ifndef __SANITIZE_ADDRESS__ /* which reports what it finds itself */
    sigaction(SIGSEGV, &once, NULL);
#endif
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error to report, not a death */
    return cli_run(argc, argv);
}
