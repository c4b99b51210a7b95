#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unicode/uclean.h>
#include <unistd.h>

#include "app/cli.h"
#include "base/log.h"

#define NO_MEMORY "ebb: out of memory\n"

/* Memory that has run out ends with a clear error, also where it is found by abort() (base/mem.h,
 * GLib), or by a library that goes on with the null pointer that it was given (libyara's compiler):
 * errno says which it was. What dies for another reason dies of its signal as usual, the handler
 * being gone. */
static void on_signal(int sig)
{
    (void)sig;
    if (errno == ENOMEM && write(STDERR_FILENO, NO_MEMORY, sizeof NO_MEMORY - 1) > 0)
        _exit(EXIT_FAILURE);
}

/* ICU goes on with the null pointer that it was given (72: UnicodeSet::freeze()). It gets none. */
static void *given(void *p)
{
    if (!p)
        abort();
    return p;
}

static void *icu_alloc(const void *context, size_t n)
{
    (void)context;
    return given(malloc(n ? n : 1));
}

static void *icu_realloc(const void *context, void *p, size_t n)
{
    (void)context;
    return given(realloc(p, n ? n : 1));
}

static void icu_free(const void *context, void *p)
{
    (void)context;
    free(p);
}

int main(int argc, char **argv)
{
    const struct sigaction once = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    UErrorCode icu = U_ZERO_ERROR;
    sigaction(SIGABRT, &once, NULL);
#ifndef __SANITIZE_ADDRESS__ /* which reports what it finds itself */
    sigaction(SIGSEGV, &once, NULL);
#endif
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error to report, not a death */
    u_setMemoryFunctions(NULL, icu_alloc, icu_realloc, icu_free, &icu);
    log_open();
    return cli_run(argc, argv);
}
