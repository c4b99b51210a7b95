#include "app/completion.h"

#include <stdio.h>
#include <string.h>

/* Words of sentences: who uses one says in prose what is wanted, and lists nothing. */
static const char *const prose[] = {
    "a",    "all",   "also", "an",   "and",   "as",  "at",   "by",   "else",   "for",
    "from", "how",   "in",   "is",   "it",    "its", "of",   "on",   "the",    "this",
    "to",   "under", "what", "when", "which", "who", "whom", "with", "without"};

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; (p = strstr(p, word)); p++)
        if ((p == text || strchr(" |[", p[-1])) && (!p[n] || strchr(" |].", p[n])))
            return true;
    return false;
}

/* The part of the text that may be a list: behind a phrase and its colon, before ';', '(', ',' or
 * a full stop. */
static const char *list_of(const char *about, size_t *n)
{
    size_t len = strcspn(about, ";(");
    const char *colon = memchr(about, ':', len);
    if (colon && memchr(about, ' ', (size_t)(colon - about))) {
        len -= (size_t)(colon + 1 - about);
        about = colon + 1;
    }
    const char *end = memchr(about, ',', len);
    len = end ? (size_t)(end - about) : len;
    for (size_t i = 0; i + 1 < len; i++)
        if (about[i] == '.' && about[i + 1] == ' ')
            len = i;
    *n = len;
    return about;
}

/* 1: a word that can be given; 0: one to pass over (a placeholder, "or", "..."); -1: this is prose.
 */
static int word_is(const char *word)
{
    size_t n = strlen(word);
    if (strcmp(word, "...") == 0 || strcmp(word, "or") == 0 ||
        strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZx") == n)
        return 0;
    for (size_t i = 0; i < sizeof prose / sizeof *prose; i++)
        if (strcmp(prose[i], word) == 0)
            return -1;
    return strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n ? 1 : -1;
}

/* Two words and more, and nothing else. */
static bool take_words(const char *list, size_t n, const char *between, char *words)
{
    char text[COMPLETION_WORDS_MAX], *rest = NULL;
    size_t given = 0, prosaic = 0;
    words[0] = 0;
    if (n >= sizeof text)
        return false;
    memcpy(text, list, n);
    text[n] = 0;
    for (char *w = strtok_r(text, between, &rest); w; w = strtok_r(NULL, between, &rest)) {
        int is = word_is(w);
        prosaic += is < 0;
        if (is > 0 && given++)
            strcat(words, " ");
        if (is > 0)
            strcat(words, w); /* all of them are no longer than the text that they are of */
    }
    if (given < 2 || prosaic)
        words[0] = 0;
    return words[0] != 0;
}

enum completion_kind completion_of_arguments(const char *args, char *words)
{
    static const char *const files[] = {"FILE", "PUBLIC-FILE", "PATH", "PROOF"};
    words[0] = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (has_word(args, files[i]))
            return COMPLETION_FILE;
    if (has_word(args, "DIR") || has_word(args, "MAILDIR") || has_word(args, "BACKUP"))
        return COMPLETION_FOLDER;
    return take_words(args, strlen(args), "|", words) ? COMPLETION_WORDS : COMPLETION_NONE;
}

enum completion_kind completion_of_option(const char *arg, const char *about, char *words)
{
    static const char *const closed[] = {"F", "WHAT", "SIGN", "UNIT", "NAME", "WHICH", "LIST"};
    size_t n;
    const char *list = list_of(about, &n);
    words[0] = 0;
    if (!arg)
        return COMPLETION_NONE;
    if (strcmp(arg, "FILE") == 0 || strcmp(arg, "PATH") == 0)
        return COMPLETION_FILE;
    if (strcmp(arg, "DIR") == 0)
        return COMPLETION_FOLDER;
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (strcmp(arg, closed[i]) == 0 && take_words(list, n, " ", words))
            return COMPLETION_WORDS;
    return COMPLETION_NONE;
}
