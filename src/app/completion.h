/* What may stand behind an option or a command, told from the words of options.def: for shells'
 * completion. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum completion_kind {
    COMPLETION_NONE,   /* a value that only the user knows */
    COMPLETION_FILE,   /* a path */
    COMPLETION_FOLDER, /* a directory */
    COMPLETION_WORDS,  /* one of a few words */
};

#define COMPLETION_WORDS_MAX 512

/* What an option wants ("FILE", "NAME"; NULL: a flag) and what is said about it ("xarf arf csv;
 * default: xarf"). `words` (COMPLETION_WORDS_MAX bytes) gets those that may be given, with a space
 * between, or "". */
enum completion_kind completion_of_option(const char *arg, const char *about, char *words);
/* The same of a command's arguments ("FILE...", "bash|zsh|fish"). */
enum completion_kind completion_of_arguments(const char *args, char *words);
