#include "app/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

struct command {
    const char *name;
    int (*run)(const struct cli *cli);
    const char *args, *about;
};

static const struct command commands[] = {
#define COMMAND(name, function, args, about) {name, function, args, about},
#include "app/options.def"
};

static const struct option {
    const char *command, *name, *arg, *about;
} options[] = {
#define OPTION(command, name, arg, about) {command, name, arg, about},
#include "app/options.def"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int cli_fail(int code, const char *fmt, ...)
{
    va_list ap;
    fflush(stdout);
    fprintf(stderr, "%sebb: ", log_prefix(LOG_ERROR));
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return code;
}

const char *cli_get(const struct cli *cli, const char *name)
{
    for (unsigned i = 0; i < cli->n_options; i++)
        if (strcmp(cli->options[i].name, name) == 0)
            return cli->options[i].value;
    return NULL;
}

enum table_shape cli_shape(const struct cli *cli)
{
    return cli_has(cli, "json") ? TABLE_JSON : cli_has(cli, "csv") ? TABLE_CSV : TABLE_TEXT;
}

bool cli_parse_u64(const char *text, uint64_t *out)
{
    uint64_t v = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned d = (unsigned)*text - '0';
        if (d > 9 || v > (UINT64_MAX - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

int cli_number(const struct cli *cli, const char *name, uint64_t fallback, uint64_t *out)
{
    const char *text = cli_get(cli, name);
    *out = fallback;
    if (text && !cli_parse_u64(text, out))
        return cli_fail(EXIT_USAGE, "--%s: not a number (%s)", name, text);
    return 0;
}

int cli_range(const struct cli *cli, int64_t *since, int64_t *until)
{
    const char *from = cli_get(cli, "since"), *to = cli_get(cli, "until");
    *since = INT64_MIN;
    *until = INT64_MAX;
    if (from && !utc_parse(span_str(from), since))
        return cli_fail(EXIT_USAGE, "--since: not an RFC 3339 date or time (%s)", from);
    if (to && !utc_parse(span_str(to), until))
        return cli_fail(EXIT_USAGE, "--until: not an RFC 3339 date or time (%s)", to);
    return 0;
}

static void help_line(FILE *out, const struct command *c)
{
    char left[64];
    snprintf(left, sizeof left, "%s %s", c->name, c->args);
    fprintf(out, "  %-34s %s\n", left, c->about);
}

static int help_all(FILE *out)
{
    fprintf(out, "ebb " EBB_VERSION ": sinkhole a botnet, count it, prove it.\n\n"
                 "usage: ebb [-C CASE] [--quiet] COMMAND [OPTION...] [ARGUMENT...]\n\n");
    for (size_t i = 0; i < COUNT(commands); i++)
        help_line(out, &commands[i]);
    fprintf(out, "\n  -C CASE      the case's folder; default: the current one\n"
                 "  --quiet      no progress bar\n"
                 "  --version    print the version\n"
                 "  --account NAME, --key FILE, --passphrase-file FILE\n"
                 "               who acts; or EBB_ACCOUNT, EBB_KEY, EBB_PASSPHRASE_FILE\n"
                 "  --engine clickhouse\n"
                 "               census, spam and events from the cluster, over all nodes\n"
                 "\n`ebb COMMAND --help` lists a command's options.\n"
                 "Exit: 0 done, 1 failed or does not hold, 2 wrong usage or config.\n");
    return EXIT_DONE;
}

static int help_command(const struct command *c)
{
    printf("usage: ebb [-C CASE] %s [OPTION...] %s\n\n%s\n", c->name, c->args, c->about);
    for (size_t i = 0; i < COUNT(options); i++) {
        if (strcmp(options[i].command, c->name) != 0)
            continue;
        char left[64];
        snprintf(left, sizeof left, "--%s %s", options[i].name,
                 options[i].arg ? options[i].arg : "");
        printf("  %-26s %s\n", left, options[i].about);
    }
    return EXIT_DONE;
}

static const struct option *option_find(const char *command, const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT(options); i++)
        if (strcmp(options[i].command, command) == 0 && strlen(options[i].name) == len &&
            memcmp(options[i].name, name, len) == 0)
            return &options[i];
    return NULL;
}

/* How many words of argv the command's name takes; 0 when it is another one. */
static int words_match(const char *name, int argc, char **argv)
{
    int used = 0;
    while (used < argc) {
        size_t n = strcspn(name, " ");
        if (strlen(argv[used]) != n || memcmp(argv[used], name, n) != 0)
            return 0;
        used++;
        if (!name[n])
            return used;
        name += n + 1;
    }
    return 0;
}

/* A command is one word or more; *used says how many of argv it took. */
static const struct command *command_find(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if ((*used = words_match(commands[i].name, argc, argv)))
            return &commands[i];
    return NULL;
}

/* Commands that begin with these words: what `ebb case` and `ebb log --help` are answered with.
 * False when there is none. */
static bool help_group(int argc, char **argv)
{
    char words[64] = "";
    bool any = false;
    for (int i = 0; i < argc && argv[i][0] != '-'; i++)
        if (strlen(words) + strlen(argv[i]) + 2 < sizeof words)
            strcat(strcat(words, argv[i]), " ");
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (strncmp(commands[i].name, words, strlen(words)) != 0)
            continue;
        if (!any)
            printf("usage: ebb [-C CASE] %sCOMMAND [OPTION...] [ARGUMENT...]\n\n", words);
        any = true;
        help_line(stdout, &commands[i]);
    }
    return any;
}

static int option_take(struct cli *cli, int argc, char **argv, int *at)
{
    const char *text = argv[*at] + 2;
    const char *equals = strchr(text, '=');
    const struct option *o =
        option_find(cli->command, text, equals ? (size_t)(equals - text) : strlen(text));
    if (!o)
        return cli_fail(EXIT_USAGE, "%s: no such option: see `ebb %s --help` (%s)", cli->command,
                        cli->command, argv[*at]);
    if (cli->n_options == CLI_OPTIONS_MAX)
        return cli_fail(EXIT_USAGE, "too many options");
    const char *value = equals ? equals + 1 : "";
    if (o->arg && !equals) {
        if (*at + 1 >= argc)
            return cli_fail(EXIT_USAGE, "--%s: wants %s", o->name, o->arg);
        value = argv[++*at];
    } else if (!o->arg && equals) {
        return cli_fail(EXIT_USAGE, "--%s: takes no value", o->name);
    }
    cli->options[cli->n_options].name = o->name;
    cli->options[cli->n_options++].value = value;
    return 0;
}

/* Options that every command has, and that may stand before it, too: who acts, and who is asked. 0
 * taken, 1 another option, EXIT_USAGE. */
static int common_option(struct cli *cli, int argc, char **argv, int *at)
{
    const struct {
        const char *name, **value;
    } all[] = {{"--account", &cli->account},
               {"--key", &cli->key},
               {"--passphrase-file", &cli->passphrase_file},
               {"--engine", &cli->engine}};
    for (size_t i = 0; i < COUNT(all); i++) {
        size_t n = strlen(all[i].name);
        if (strncmp(argv[*at], all[i].name, n) != 0 || (argv[*at][n] && argv[*at][n] != '='))
            continue;
        if (!argv[*at][n] && *at + 1 >= argc)
            return cli_fail(EXIT_USAGE, "%s: wants a value", all[i].name);
        *all[i].value = argv[*at][n] ? argv[*at] + n + 1 : argv[++*at];
        return 0;
    }
    return 1;
}

static int command_parse(struct cli *cli, const struct command *c, int argc, char **argv)
{
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        const char *a = argv[i];
        if (!options_end && strcmp(a, "--") == 0) {
            options_end = true;
        } else if (!options_end && (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)) {
            help_command(c);
            return -1;
        } else if (!options_end && strcmp(a, "--quiet") == 0) {
            cli->quiet = true;
        } else if (!options_end && strncmp(a, "--", 2) == 0) {
            int rc = common_option(cli, argc, argv, &i);
            if (rc == 1)
                rc = option_take(cli, argc, argv, &i);
            if (rc)
                return rc;
        } else if (!options_end && a[0] == '-' && a[1]) {
            return cli_fail(EXIT_USAGE, "%s: no such option (%s)", cli->command, a);
        } else if (cli->n_args == CLI_ARGS_MAX) {
            return cli_fail(EXIT_USAGE, "more than %d arguments", CLI_ARGS_MAX);
        } else {
            cli->args[cli->n_args++] = a;
        }
    }
    return 0;
}

/* Commands that ask an engine (view/engine.h), in place of the case's own views. */
static const char *const engine_commands[] = {
    "census", "events", "spam", "spam impact", "spam changes", "spam records", "spam published"};

static int check_engine(const struct cli *cli)
{
    if (!cli->engine || strcmp(cli->engine, "local") == 0)
        return 0;
    if (strcmp(cli->engine, "clickhouse") != 0)
        return cli_fail(EXIT_USAGE, "--engine: local or clickhouse (%s)", cli->engine);
    for (size_t i = 0; i < COUNT(engine_commands); i++)
        if (strcmp(engine_commands[i], cli->command) == 0)
            return 0;
    return cli_fail(EXIT_USAGE,
                    "%s: --engine clickhouse is for census, events, spam, and spam impact, "
                    "changes, records, published",
                    cli->command);
}

static int run_command(struct cli *cli, const struct command *c, int argc, char **argv)
{
    cli->command = c->name;
    int rc = command_parse(cli, c, argc, argv);
    if (rc)
        return rc < 0 ? EXIT_DONE : rc;
    rc = check_engine(cli);
    if (rc)
        return rc;
    rc = c->run(cli);
    if (fflush(stdout) != 0 && rc == EXIT_DONE)
        rc = cli_fail(EXIT_FAILED, "output could not be written");
    return rc;
}

int cli_run(int argc, char **argv)
{
    static struct cli cli = {.case_dir = "."};
    int at = 1, used = 0;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "-C") == 0 && at + 1 < argc) {
            cli.case_dir = argv[++at];
        } else if (strcmp(argv[at], "--quiet") == 0) {
            cli.quiet = true;
        } else if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            return help_all(stdout);
        } else if (strcmp(argv[at], "--version") == 0) {
            puts("ebb " EBB_VERSION);
            return EXIT_DONE;
        } else {
            int rc = common_option(&cli, argc, argv, &at);
            if (rc == 1)
                rc = cli_fail(EXIT_USAGE, "no such option: see `ebb --help` (%s)", argv[at]);
            if (rc)
                return rc;
        }
    }
    if (at == argc) {
        help_all(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[at], "help") == 0)
        return help_all(stdout);
    const struct command *c = command_find(argc - at, argv + at, &used);
    if (!c && help_group(argc - at, argv + at))
        return strcmp(argv[argc - 1], "--help") == 0 || strcmp(argv[argc - 1], "-h") == 0
                   ? EXIT_DONE
                   : EXIT_USAGE;
    if (!c)
        return cli_fail(EXIT_USAGE, "no such command: see `ebb --help` (%s)", argv[at]);
    return run_command(&cli, c, argc - at - used, argv + at + used);
}

static const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int cli_run_command(struct cli *cli, const char *name, int argc, char **argv)
{
    const struct command *c = command_named(name);
    return c ? run_command(cli, c, argc, argv)
             : cli_fail(EXIT_USAGE, "no such command: see `ebb --help` (%s)", name);
}

bool cli_option(const char *command, const char *name, const char **arg)
{
    const struct option *o = option_find(command, name, strlen(name));
    *arg = o ? o->arg : NULL;
    return o != NULL;
}

const char *cli_arguments(const char *command)
{
    const struct command *c = command_named(command);
    return c ? c->args : NULL;
}

bool cli_command_at(unsigned i, struct cli_command *out)
{
    if (i >= COUNT(commands))
        return false;
    *out = (struct cli_command){commands[i].name, commands[i].args, commands[i].about};
    return true;
}

bool cli_option_at(unsigned i, struct cli_option *out)
{
    if (i >= COUNT(options))
        return false;
    *out =
        (struct cli_option){options[i].command, options[i].name, options[i].arg, options[i].about};
    return true;
}
