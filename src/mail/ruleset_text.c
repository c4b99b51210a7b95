#include "mail/ruleset_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"
#include "wire/text.h"

int ruleset_text_open(const char *path, struct ruleset_text *t, struct err *err)
{
    *t = (struct ruleset_text){.path = path};
    int r = file_read(path, RULESET_TEXT_MAX, &t->bytes, err);
    t->at = cur_of(buf_as_span(&t->bytes));
    return r < 0 ? r : 0;
}

void ruleset_text_close(struct ruleset_text *t)
{
    buf_free(&t->bytes);
}

int ruleset_text_wrong(const struct ruleset_text *t, struct err *err, const char *fmt, ...)
{
    char why[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return err_set(err, -EINVAL, "%s:%u: %s", t->path, t->line, why);
}

static struct span without_comment(struct span line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || text_is_space(line.p[i - 1])))
            line.n = i;
    return span_trim(line);
}

static bool is_text(struct span line)
{
    for (size_t i = 0; i < line.n; i++)
        if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
            return false;
    return span_is_utf8(line);
}

int ruleset_text_next(struct ruleset_text *t, struct span *line, struct err *err)
{
    while (cur_left(&t->at)) {
        struct span all = span_trim(cur_line(&t->at));
        if (t->line++ == RULESET_LINES_MAX)
            return ruleset_text_wrong(t, err, "more than %d lines", RULESET_LINES_MAX);
        if (all.n > RULESET_LINE_MAX)
            return ruleset_text_wrong(t, err, "a line of more than %d bytes", RULESET_LINE_MAX);
        if (!is_text(all))
            return ruleset_text_wrong(t, err, "control characters, or not UTF-8");
        *line = without_comment(all);
        if (line->n)
            return 1;
    }
    return 0;
}

struct span ruleset_word(struct span *line)
{
    struct span word = *line;
    for (word.n = 0; word.n < line->n && !text_is_space(line->p[word.n]);)
        word.n++;
    *line = text_trim_start(text_behind(*line, word.n));
    return word;
}

bool ruleset_item(struct span *rest, char separator, struct span *item)
{
    if (rest->n == 0)
        return false;
    size_t n = text_find(*rest, (uint8_t)separator);
    *item = span_trim(span_of(rest->p, n));
    *rest = text_behind(*rest, n + (n < rest->n));
    return true;
}

bool ruleset_number(struct span word, int least, int most, int *out)
{
    bool minus = word.n && word.p[0] == '-';
    uint64_t v;
    if (!text_number(minus ? text_behind(word, 1) : word, &v) || v > INT32_MAX)
        return false;
    *out = minus ? -(int)v : (int)v;
    return *out >= least && *out <= most;
}
