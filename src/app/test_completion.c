/* What may stand behind an option, told from its words. */
#include <string.h>

#include "app/completion.h"
#include "base/tap.h"

static bool option_is(const char *arg, const char *about, enum completion_kind kind,
                      const char *words)
{
    char got[COMPLETION_WORDS_MAX];
    return completion_of_option(arg, about, got) == kind && strcmp(got, words) == 0;
}

static bool arguments_are(const char *args, enum completion_kind kind, const char *words)
{
    char got[COMPLETION_WORDS_MAX];
    return completion_of_arguments(args, got) == kind && strcmp(got, words) == 0;
}

int main(void)
{
    ok(option_is(NULL, "print JSON", COMPLETION_NONE, ""), "a flag");
    ok(option_is("FILE", "the order itself", COMPLETION_FILE, ""), "a file");
    ok(option_is("DIR", "where to", COMPLETION_FOLDER, ""), "a folder");
    ok(option_is("TEXT", "one two three", COMPLETION_NONE, ""), "a text is the user's own");
    ok(option_is("F", "csv json stix; default: csv", COMPLETION_WORDS, "csv json stix"), "a list");
    ok(option_is("F", "do not recognise, take as: shadowserver zeek", COMPLETION_WORDS,
                 "shadowserver zeek"),
       "a list behind a phrase");
    ok(option_is("WHAT", "day country; default: day. With --estimate: day", COMPLETION_WORDS,
                 "day country"),
       "what is said of the default is none of it");
    ok(option_is("UNIT", "week or day; default: week", COMPLETION_WORDS, "week day"), "or");
    ok(option_is("WHAT", "quarter-page half-page ..., or WIDTHxHEIGHT in mm", COMPLETION_WORDS,
                 "quarter-page half-page"),
       "what stands for others is left out");
    ok(option_is("WHAT", "sent: it went out; again: send it (again); cancelled", COMPLETION_NONE,
                 ""),
       "explained words are no list");
    ok(option_is("NAME", "of this family; \"\" for none", COMPLETION_NONE, ""), "prose is no list");
    ok(option_is("NAME", "alone", COMPLETION_NONE, ""), "one word is no list");
    ok(arguments_are("FILE|MAILDIR...", COMPLETION_FILE, ""), "arguments: files");
    ok(arguments_are("[FILE...]", COMPLETION_FILE, ""), "arguments: files or none");
    ok(arguments_are("BACKUP DIR", COMPLETION_FOLDER, ""), "arguments: folders");
    ok(arguments_are("PROFILES", COMPLETION_NONE, ""), "a part of a word is no word");
    ok(arguments_are("bash|zsh|fish", COMPLETION_WORDS, "bash zsh fish"), "arguments: words");
    ok(arguments_are("INDEX[-LAST]...", COMPLETION_NONE, ""), "arguments: neither");
    return tap_done();
}
