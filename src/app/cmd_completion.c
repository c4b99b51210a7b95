/* ebb completion: what bash, zsh and fish offer, printed from the table of options.def. The scripts
 * know every command, its options and what these want; nothing is asked of ebb while somebody
 * types. */
#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/completion.h"

#define COMMON_VALUE "-C|--account|--key|--passphrase-file|--engine"
#define COMMON       "-C --quiet --account --key --passphrase-file --engine --help"

/* Within single quotes of a shell. fish has escapes there, the others have not. */
static void put_quoted(const char *text, bool fish)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'')
            fputs(fish ? "\\'" : "'\\''", stdout);
        else if (*text == '\\' && fish)
            fputs("\\\\", stdout);
        else
            putchar(*text);
    }
    putchar('\'');
}

static char kind_letter(enum completion_kind kind, const char *arg)
{
    static const char letters[] = {[COMPLETION_NONE] = 'n',
                                   [COMPLETION_FILE] = 'f',
                                   [COMPLETION_FOLDER] = 'd',
                                   [COMPLETION_WORDS] = 'w'};
    return arg ? letters[kind] : '-';
}

/* ---- bash and zsh: a table as a function, and a function that reads it ---- */

/* "--name", how its value is completed, the words that can be its value, what it is: '|' between.
 * The line "." is that of the arguments. */
static void put_line(const char *dashes, const char *name, char kind, const char *words,
                     const char *about)
{
    char line[2 * COMPLETION_WORDS_MAX];
    snprintf(line, sizeof line, "%s%s|%c|%s|%s", dashes, name, kind, words, about);
    putchar(' ');
    put_quoted(line, false);
}

static void put_table(bool abouts)
{
    struct cli_command c;
    struct cli_option o;
    char words[COMPLETION_WORDS_MAX];
    puts("_ebb_table() {\n    case $1 in");
    for (unsigned i = 0; cli_command_at(i, &c); i++) {
        fputs("    ", stdout);
        put_quoted(c.name, false);
        fputs(") printf '%s\\n'", stdout);
        enum completion_kind kind = completion_of_arguments(c.args, words);
        put_line("", ".", kind_letter(kind, c.args), words, "");
        for (unsigned k = 0; cli_option_at(k, &o); k++)
            if (strcmp(o.command, c.name) == 0) {
                kind = completion_of_option(o.arg, o.about, words);
                put_line("--", o.name, kind_letter(kind, o.arg), words, abouts ? o.about : "");
            }
        puts(" ;;");
    }
    puts("    esac\n}");
}

static void put_commands(bool abouts)
{
    struct cli_command c;
    char line[COMPLETION_WORDS_MAX];
    puts("_ebb_commands() {\n    printf '%s\\n' \\");
    for (unsigned i = 0; cli_command_at(i, &c); i++) {
        snprintf(line, sizeof line, "%s%s%s", c.name, abouts ? "|" : "", abouts ? c.about : "");
        fputs("        ", stdout);
        put_quoted(line, false);
        puts(" \\");
    }
    puts("        ''\n}");
}

static const char bash_body[] =
    "_ebb_value() { # KIND WORDS: candidates for the word at the cursor\n"
    "    case $1 in\n"
    "    f) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "    d) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "    w) mapfile -t COMPREPLY < <(compgen -W \"$2\" -- \"$cur\") ;;\n"
    "    esac\n"
    "}\n"
    "_ebb_begins() { # whether some command is these words, or begins with them\n"
    "    local name\n"
    "    while read -r name; do\n"
    "        [[ $name && \"$name \" == \"$1 \"* ]] && return 0\n"
    "    done < <(_ebb_commands)\n"
    "    return 1\n"
    "}\n"
    "_ebb() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1)) command='' closed='' word i "
    "name kind "
    "words rest\n"
    "    COMPREPLY=()\n"
    "    # --name=value is three words to bash\n"
    "    if [[ $cur == = ]]; then cur=''; elif [[ ${COMP_WORDS[at]} == = ]]; then at=$((at - 1)); "
    "fi\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        case $word in\n"
    "        " COMMON_VALUE ") i=$((i + 1)); [[ ${COMP_WORDS[i]} == = ]] && i=$((i + 1)) ;;\n"
    "        -*) [[ $command ]] && closed=1 ;;\n"
    "        *)  if [[ ! $closed ]] && _ebb_begins \"${command:+$command }$word\"; then\n"
    "                command=${command:+$command }$word\n"
    "            else\n"
    "                closed=1\n"
    "            fi ;;\n"
    "        esac\n"
    "    done\n"
    "    case ${COMP_WORDS[at]} in\n"
    "    -C) _ebb_value d; return ;;\n"
    "    --key|--passphrase-file) _ebb_value f; return ;;\n"
    "    --engine) _ebb_value w 'local clickhouse'; return ;;\n"
    "    --account) return ;;\n"
    "    --*)\n"
    "        while IFS='|' read -r name kind words rest; do\n"
    "            [[ $name == \"${COMP_WORDS[at]}\" && $kind != - ]] || continue\n"
    "            _ebb_value \"$kind\" \"$words\"\n"
    "            return\n"
    "        done < <(_ebb_table \"$command\") ;;\n"
    "    esac\n"
    "    if [[ $cur == -* ]]; then\n"
    "        words='" COMMON " --version'\n"
    "        [[ $command ]] && words='" COMMON "'\n"
    "        while IFS='|' read -r name kind rest; do\n"
    "            [[ $name == --* ]] && words+=\" $name\"\n"
    "        done < <(_ebb_table \"$command\")\n"
    "        _ebb_value w \"$words\"\n"
    "        return\n"
    "    fi\n"
    "    IFS='|' read -r name kind words rest < <(_ebb_table \"$command\")\n"
    "    [[ $name == . ]] && _ebb_value \"$kind\" \"$words\"\n"
    "    [[ $closed ]] && return\n"
    "    words=$(_ebb_commands | sed -n \"s/^${command:+$command }\\([^ ]\\{1,\\}\\).*/\\1/p\" | "
    "sort -u)\n"
    "    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "}\n"
    "complete -F _ebb ebb\n";

static int print_bash(void)
{
    puts("# bash completion for ebb, printed by `ebb completion bash`. -*- shell-script -*-");
    put_commands(false);
    put_table(false);
    fputs(bash_body, stdout);
    return EXIT_DONE;
}

static const char zsh_body[] =
    "_ebb_value() { # KIND WORDS\n"
    "    case $1 in\n"
    "    f) _files ;;\n"
    "    d) _files -/ ;;\n"
    "    w) compadd -- ${=2} ;;\n"
    "    esac\n"
    "}\n"
    "_ebb_begins() {\n"
    "    local name\n"
    "    for name in ${(f)\"$(_ebb_commands)\"}; do\n"
    "        [[ \"${name%%|*} \" == \"$1 \"* ]] && return 0\n"
    "    done\n"
    "    return 1\n"
    "}\n"
    "_ebb() {\n"
    "    local command='' closed='' word name kind list line at=$words[CURRENT-1]\n"
    "    local -a fields offered next\n"
    "    local -i i\n"
    "    for ((i = 2; i < CURRENT; i++)); do\n"
    "        word=$words[i]\n"
    "        case $word in\n"
    "        " COMMON_VALUE ") ((i++)) ;;\n"
    "        -*) [[ -n $command ]] && closed=1 ;;\n"
    "        *)  if [[ -z $closed ]] && _ebb_begins \"${command:+$command }$word\"; then\n"
    "                command=${command:+$command }$word\n"
    "            else\n"
    "                closed=1\n"
    "            fi ;;\n"
    "        esac\n"
    "    done\n"
    "    if [[ $PREFIX == --*=* ]]; then at=${PREFIX%%=*}; compset -P '*='; fi\n"
    "    case $at in\n"
    "    -C) _ebb_value d; return ;;\n"
    "    --key|--passphrase-file) _ebb_value f; return ;;\n"
    "    --engine) _ebb_value w 'local clickhouse'; return ;;\n"
    "    --account) return ;;\n"
    "    esac\n"
    "    for line in ${(f)\"$(_ebb_table \"$command\")\"}; do\n"
    "        fields=(\"${(@s:|:)line}\")\n"
    "        name=$fields[1] kind=$fields[2] list=$fields[3]\n"
    "        if [[ $name == $at && $kind != - ]]; then _ebb_value $kind \"$list\"; return; fi\n"
    "        if [[ $name == . && $PREFIX != -* ]]; then _ebb_value $kind \"$list\"; fi\n"
    "        if [[ $name == --* ]]; then offered+=(\"${name}:${fields[4]}\"); fi\n"
    "    done\n"
    "    if [[ $PREFIX == -* ]]; then\n"
    "        _describe -o option offered\n"
    "        compadd -- " COMMON " --version\n"
    "        return\n"
    "    fi\n"
    "    [[ -n $closed ]] && return\n"
    "    for line in ${(f)\"$(_ebb_commands)\"}; do\n"
    "        [[ $line == ${command:+$command }* ]] || continue\n"
    "        name=${${line%%|*}#${command:+$command }}\n"
    "        [[ -z $name || $name == $command ]] && continue\n"
    "        if [[ $name == *' '* ]]; then next+=(${name%% *}); else offered=(); "
    "next+=(\"$name:${line#*|}\"); "
    "fi\n"
    "    done\n"
    "    next=(${(u)next})\n"
    "    (($#next)) && _describe command next\n"
    "}\n"
    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _ebb \"$@\"; else compdef _ebb ebb; fi\n";

static int print_zsh(void)
{
    puts("#compdef ebb\n# Printed by `ebb completion zsh`.");
    put_commands(true);
    put_table(true);
    fputs(zsh_body, stdout);
    return EXIT_DONE;
}

/* ---- fish: a line a candidate ---- */

static const char fish_head[] =
    "# Printed by `ebb completion fish`.\n"
    "function __ebb_command # the command's words before the cursor, and \"-\" where no more can "
    "follow\n"
    "    set -l command ''\n"
    "    set -l closed ''\n"
    "    set -l skip 0\n"
    "    set -l said (commandline -opc)\n"
    "    for word in $said[2..-1]\n"
    "        if test $skip = 1\n"
    "            set skip 0\n"
    "            continue\n"
    "        end\n"
    "        switch $word\n"
    "            case -C --account --key --passphrase-file --engine\n"
    "                set skip 1\n"
    "            case '-*'\n"
    "                test -n \"$command\"; and set closed ' -'\n"
    "            case '*'\n"
    "                set -l longer (string trim -- \"$command $word\")\n"
    "                if test -z \"$closed\"; and string match -q -- \"$longer *\" (printf '%s \\n' "
    "$__ebb_commands)\n"
    "                    set command $longer\n"
    "                else\n"
    "                    set closed ' -'\n"
    "                end\n"
    "        end\n"
    "    end\n"
    "    echo \"$command$closed\"\n"
    "end\n"
    "function __ebb_is # a command whose options and arguments may follow\n"
    "    set -l command (__ebb_command)\n"
    "    test \"$command\" = \"$argv\"; or test \"$command\" = \"$argv -\"\n"
    "end\n"
    "function __ebb_next # a command's words to which another may be added\n"
    "    test (__ebb_command) = \"$argv\"\n"
    "end\n";

static void fish_line(const char *test, const char *command)
{
    char condition[128];
    snprintf(condition, sizeof condition, "%s \"%s\"", test, command);
    fputs("complete -c ebb -n ", stdout);
    put_quoted(condition, true);
}

static void fish_value(enum completion_kind kind, const char *words)
{
    if (kind == COMPLETION_FILE)
        fputs(" -F", stdout);
    else if (kind == COMPLETION_FOLDER)
        fputs(" -f -a '(__fish_complete_directories)'", stdout);
    else if (kind == COMPLETION_WORDS)
        printf(" -f -a '%s'", words);
}

/* The last word of a command's name, offered behind those before it. The about is that of the
 * command; of a word that only begins others there is none. */
static void fish_command(const struct cli_command *c)
{
    char before[64] = "", words[COMPLETION_WORDS_MAX];
    const char *last = strrchr(c->name, ' ');
    for (const char *space = strchr(c->name, ' '); space; space = strchr(space + 1, ' ')) {
        const char *start = before[0] ? c->name + strlen(before) + 1 : c->name;
        fish_line("__ebb_next", before);
        printf(" -f -a '%.*s'\n", (int)(space - start), start);
        snprintf(before, sizeof before, "%.*s", (int)(space - c->name), c->name);
    }
    fish_line("__ebb_next", before);
    printf(" -f -a '%s' -d ", last ? last + 1 : c->name);
    put_quoted(c->about, true);
    putchar('\n');
    enum completion_kind kind = completion_of_arguments(c->args, words);
    if (kind != COMPLETION_NONE) {
        fish_line("__ebb_is", c->name);
        fish_value(kind, words);
        putchar('\n');
    }
}

static int print_fish(void)
{
    struct cli_command c;
    struct cli_option o;
    char words[COMPLETION_WORDS_MAX];
    fputs(fish_head, stdout);
    fputs("set -g __ebb_commands", stdout);
    for (unsigned i = 0; cli_command_at(i, &c); i++) {
        putchar(' ');
        put_quoted(c.name, true);
    }
    puts("\ncomplete -c ebb -f\n"
         "complete -c ebb -s C -x -a '(__fish_complete_directories)' -d 'the case'\n"
         "complete -c ebb -l quiet -d 'no progress bar'\n"
         "complete -c ebb -l account -x -d 'who acts'\n"
         "complete -c ebb -l key -r -F -d 'the key file of who acts'\n"
         "complete -c ebb -l passphrase-file -r -F -d 'first line: its passphrase'\n"
         "complete -c ebb -l engine -x -a 'local clickhouse' -d 'who is asked'\n"
         "complete -c ebb -l help -d 'options of a command'");
    for (unsigned i = 0; cli_command_at(i, &c); i++)
        fish_command(&c);
    for (unsigned i = 0; cli_option_at(i, &o); i++) {
        fish_line("__ebb_is", o.command);
        printf(" -l %s%s", o.name, o.arg ? " -r" : "");
        fish_value(completion_of_option(o.arg, o.about, words), words);
        fputs(" -d ", stdout);
        put_quoted(o.about, true);
        putchar('\n');
    }
    return EXIT_DONE;
}

int cmd_completion(const struct cli *cli)
{
    const char *shell = cli->n_args == 1 ? cli->args[0] : "";
    if (strcmp(shell, "bash") == 0)
        return print_bash();
    if (strcmp(shell, "zsh") == 0)
        return print_zsh();
    if (strcmp(shell, "fish") == 0)
        return print_fish();
    return cli_fail(EXIT_USAGE, "completion: for which shell? bash, zsh or fish");
}
