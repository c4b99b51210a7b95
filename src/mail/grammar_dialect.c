/* How a client speaks SMTP. What is in it was decided by the client's program; what depends on the
 * mail, on the network or on our replies' wording is not:
 *
 *   EHLO [ip]|MAIL FROM:<> SIZE|RCPT TO:<> +|DATA
 *   helo name|mail from: <> lf|RCPT TO:<>|DATA early
 *
 * Verbs as sent; a greeting's name by its kind; a path by its brackets; parameters by their names
 * (BODY= with its value); " +" behind a line that came again; "=5" where we refused a line and the
 * client went on. Times are left out: they are the network's more than the program's. */
#include "mail/grammar_impl.h"
#include "wire/text.h"

#define LINES_READ_MAX 64
#define WORD_SHOWN_MAX 24

/* A verb and the white space behind it; the rest of the line is returned. */
static struct span note_verb(struct note *n, struct span line)
{
    size_t word = 0, space = 0;
    while (word < line.n && !text_is_space(line.p[word]) && line.p[word] != ':')
        word++;
    for (size_t i = 0; i < word && i < WORD_SHOWN_MAX; i++)
        note_byte(n, line.p[i]);
    while (word + space < line.n && text_is_space(line.p[word + space]))
        space++;
    if (space == 1 && line.p[word] == ' ' && word + 1 < line.n)
        note_str(n, " ");
    else if (space)
        note_str(n, word + space == line.n ? "_" : "__");
    return text_behind(line, word + space);
}

/* "FROM:<a@b> SIZE=1" behind MAIL or RCPT. */
static void note_path(struct note *n, struct span rest)
{
    size_t colon = text_find(rest, ':');
    for (size_t i = 0; i < colon && i < WORD_SHOWN_MAX; i++)
        text_is_space(rest.p[i]) ? note_str(n, "_") : note_byte(n, rest.p[i]);
    if (colon == rest.n)
        return;
    note_str(n, ":");
    rest = text_behind(rest, colon + 1);
    if (rest.n && text_is_space(*rest.p))
        note_str(n, " ");
    rest = text_trim_start(rest);
    bool angle = rest.n && *rest.p == '<';
    size_t end = angle ? text_find(rest, '>') : 0;
    while (!angle && end < rest.n && !text_is_space(rest.p[end]))
        end++;
    bool empty = angle && end == 1;
    note_str(n, empty ? "<null>" : angle && end < rest.n ? "<>" : angle ? "<" : "bare");
    rest = text_behind(rest, end < rest.n && angle ? end + 1 : end);
    if (rest.n && text_is_space(rest.p[rest.n - 1]))
        note_str(n, "_");
    for (unsigned words = 0; rest.n && words < 8; words++) {
        size_t word = 0, name = 0;
        rest = text_trim_start(rest);
        while (word < rest.n && !text_is_space(rest.p[word]))
            word++;
        while (name < word && rest.p[name] != '=')
            name++;
        size_t shown = text_starts(rest, "body=") ? word : name;
        if (word)
            note_str(n, " ");
        for (size_t i = 0; i < shown && i < WORD_SHOWN_MAX; i++)
            note_byte(n, rest.p[i]);
        rest = text_behind(rest, word);
    }
}

/* A greeting's name; names without a dot by their classes are often the machine's, so just "name".
 */
static void note_greeting(struct note *n, struct span name)
{
    if (!name.n) {
        note_str(n, "-");
        return;
    }
    if (text_is_space(name.p[name.n - 1]))
        note_str(n, "_");
    note_host(n, text_trim_end(name));
}

static void note_line(struct note *n, struct span line)
{
    if (line.n && *line.p == '[') { /* what the recorder put for a secret */
        note_str(n, "[]");
        return;
    }
    struct span rest = note_verb(n, line);
    if (text_starts(line, "ehlo") || text_starts(line, "helo") || text_starts(line, "lhlo"))
        note_greeting(n, rest);
    else if (text_starts(line, "mail") || text_starts(line, "rcpt"))
        note_path(n, rest);
    else if (text_starts(line, "auth")) {
        size_t word = 0;
        while (word < rest.n && !text_is_space(rest.p[word]) && word < WORD_SHOWN_MAX)
            note_byte(n, rest.p[word++]);
    } else if (text_starts(line, "bdat") || !rest.n) {
        return;
    } else {
        note_str(n, "...");
    }
}

/* The next reply's first digit: 0 when there is none. */
static uint8_t reply_next(struct cur *replies)
{
    struct cur *c = replies;
    while (cur_left(c) && *c->p == ' ')
        c->p++;
    uint8_t first = cur_left(c) ? *c->p : '0';
    while (cur_left(c) && *c->p != ' ')
        c->p++;
    return first;
}

/* The same words, in any order of lines, behind every dialogue of one program. */
static void note_habits(struct note *n, const struct event *ev, bool bare_lf)
{
    static const char *const steady[] = {"bare-cr", "odd-path", "bad-size", "control", "spaces"};
    if (bare_lf)
        note_str(n, " lf");
    if (ev->smtp.early)
        note_str(n, " early");
    for (size_t i = 0; i < sizeof steady / sizeof *steady; i++) {
        struct span words = ev->smtp.anomalies, word = span_str(steady[i]);
        const uint8_t *at = words.n ? memmem(words.p, words.n, word.p, word.n) : NULL;
        if (at) {
            note_str(n, " ");
            note_bytes(n, word);
        }
    }
}

void grammar_dialect(const struct event *ev, struct arena *arena, struct grammar *out)
{
    struct note n;
    struct cur lines = cur_of(ev->smtp.dialogue), replies = cur_of(ev->smtp.replies);
    bool bare_lf = false;
    size_t last = 0, last_n = 0; /* the line before, in the note */
    bool again = false;
    note_begin(&n, arena);
    if (!ev->smtp.has) {
        note_end(&n, out);
        return;
    }
    for (unsigned i = 0; i < LINES_READ_MAX && cur_left(&lines); i++) {
        struct span line = cur_line(&lines);
        uint8_t reply = reply_next(&replies);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        else
            bare_lf |= lines.p > ev->smtp.dialogue.p && lines.p[-1] == '\n';
        size_t start = n.n;
        if (start)
            note_str(&n, "|");
        size_t at = n.n;
        note_line(&n, line);
        if ((reply == '5' || reply == '4') && cur_left(&lines)) {
            note_str(&n, "=");
            note_byte(&n, reply);
        }
        size_t size = n.n - at;
        if (start && size == last_n && memcmp(n.p + last, n.p + at, size) == 0) {
            n.n = start;
            if (!again)
                note_str(&n, " +");
            again = true;
            continue;
        }
        last = at;
        last_n = size;
        again = false;
    }
    if (n.n)
        note_habits(&n, ev, bare_lf);
    note_end(&n, out);
}
