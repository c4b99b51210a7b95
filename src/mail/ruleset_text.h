/* The lines of a rules file, for topics.rules and brands.rules: comments and white space off, with
 * their numbers for errors. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define RULESET_TEXT_MAX  (4u << 20) /* bytes of a file */
#define RULESET_LINE_MAX  1024
#define RULESET_LINES_MAX 65535

struct ruleset_text {
    struct buf bytes; /* lines are spans of it */
    struct cur at;
    const char *path; /* the caller's */
    unsigned line;    /* number of the line that was read last, from 1 */
};

/* Reads the whole file. Free it with ruleset_text_close in any case. */
int ruleset_text_open(const char *path, struct ruleset_text *t, struct err *err);
void ruleset_text_close(struct ruleset_text *t);
/* The next line that says something: 1; 0 at the end; negative when the line is none (too long, not
 * UTF-8, control characters). A comment starts with a '#' at the line's start or behind a space. */
int ruleset_text_next(struct ruleset_text *t, struct span *line, struct err *err);
/* "path:line: why", and -EINVAL. */
int ruleset_text_wrong(const struct ruleset_text *t, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes the first word off a line, the white space behind it too; empty at the end. */
struct span ruleset_word(struct span *line);
/* Takes off what stands before the separator (or all), trimmed; false when nothing is left. */
bool ruleset_item(struct span *rest, char separator, struct span *item);
/* A whole number in that range. */
bool ruleset_number(struct span word, int least, int most, int *out);
