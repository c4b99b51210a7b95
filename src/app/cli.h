/* Command line: one parsed call, and the shapes of its output. options.def has the table. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/utc.h"
#include "view/table.h"

#define CLI_ARGS_MAX    4096
#define CLI_OPTIONS_MAX 64

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct cli {
    const char *command;
    const char *case_dir; /* -C */
    bool quiet;
    const char *account, *key, *passphrase_file; /* who acts; NULL: as the environment says */
    const char
        *engine; /* "clickhouse": what reads asks the cluster; NULL, "local": the case's views */
    const char *args[CLI_ARGS_MAX]; /* positional */
    unsigned n_args;
    struct {
        const char *name, *value; /* value "" for a flag */
    } options[CLI_OPTIONS_MAX];
    unsigned n_options;
};

/* Parses argv and runs the command; the program's exit code. */
int cli_run(int argc, char **argv);

/* The same for who has the command's name ("lead list") and its options and arguments apart, as
 * argv behind the name: cli->case_dir and who acts are set already. EXIT_USAGE for wrong ones; what
 * is wrong is on standard error. */
int cli_run_command(struct cli *cli, const char *name, int argc, char **argv);
/* Whether a command has that option; *arg is what it wants ("FILE", "N" ...), NULL for a flag. */
bool cli_option(const char *command, const char *name, const char **arg);
/* What its arguments are ("LEAD TAG..."); NULL: no such command. */
const char *cli_arguments(const char *command);

/* The table of options.def, for what is made of it (completion): the i-th command or option; false
 * behind the last one. All texts are static. */
struct cli_command {
    const char *name, *args, *about;
};
struct cli_option {
    const char *command, *name, *arg, *about; /* arg NULL: a flag */
};
bool cli_command_at(unsigned i, struct cli_command *out);
bool cli_option_at(unsigned i, struct cli_option *out);

/* An option's value; NULL when it was not given. */
const char *cli_get(const struct cli *cli, const char *name);
static inline bool cli_has(const struct cli *cli, const char *name)
{
    return cli_get(cli, name) != NULL;
}
/* --json, --csv, or an aligned table. */
enum table_shape cli_shape(const struct cli *cli);
/* Prints "ebb: ..." and returns `code`, for `return cli_fail(...)`. */
int cli_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline int cli_err(const struct err *err)
{
    return cli_fail(EXIT_FAILED, "%s", err->text);
}
/* --since and --until as microseconds; 0, or EXIT_USAGE when one is no time. */
int cli_range(const struct cli *cli, int64_t *since, int64_t *until);
/* A number option; `fallback` when not given. 0, or EXIT_USAGE. */
int cli_number(const struct cli *cli, const char *name, uint64_t fallback, uint64_t *out);
/* "12" or the like, the whole text. */
bool cli_parse_u64(const char *text, uint64_t *out);

#define COMMAND(name, function, args, about) int function(const struct cli *cli);
#include "app/options.def"
