#include "wire/smtp.h"

#include "wire/text.h"

static const char *const verbs[] = {
    [SMTP_UNKNOWN] = "",          [SMTP_HELO] = "HELO", [SMTP_EHLO] = "EHLO", [SMTP_MAIL] = "MAIL",
    [SMTP_RCPT] = "RCPT",         [SMTP_DATA] = "DATA", [SMTP_BDAT] = "BDAT", [SMTP_RSET] = "RSET",
    [SMTP_QUIT] = "QUIT",         [SMTP_NOOP] = "NOOP", [SMTP_VRFY] = "VRFY", [SMTP_AUTH] = "AUTH",
    [SMTP_STARTTLS] = "STARTTLS", [SMTP_HELP] = "HELP", [SMTP_EXPN] = "EXPN", [SMTP_ETRN] = "ETRN",
    [SMTP_TURN] = "TURN",
};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

void smtp_anomaly_words(uint32_t bits, struct buf *out)
{
    static const char *const words[] = {"bare-lf", "bare-cr",  "long-line", "odd-path",
                                        "odd-end", "bad-size", "spaces",    "control"};
    text_bit_words(bits, words, sizeof words / sizeof *words, out);
}

const char *smtp_verb_name(enum smtp_verb verb)
{
    return (unsigned)verb < N_VERBS ? verbs[verb] : "";
}

/* The bytes up to the first white space. */
static struct span first_word(struct span s)
{
    size_t n = 0;
    while (n < s.n && !text_is_space(s.p[n]))
        n++;
    return span_of(s.p, n);
}

static enum smtp_verb verb_of(struct span word)
{
    static const struct {
        const char *word;
        enum smtp_verb verb;
    } rows[] = {
        {"rcpt", SMTP_RCPT},         {"mail", SMTP_MAIL}, {"data", SMTP_DATA}, {"ehlo", SMTP_EHLO},
        {"helo", SMTP_HELO},         {"quit", SMTP_QUIT}, {"rset", SMTP_RSET}, {"bdat", SMTP_BDAT},
        {"noop", SMTP_NOOP},         {"vrfy", SMTP_VRFY}, {"auth", SMTP_AUTH}, {"help", SMTP_HELP},
        {"starttls", SMTP_STARTTLS}, {"expn", SMTP_EXPN}, {"etrn", SMTP_ETRN}, {"turn", SMTP_TURN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_is(word, rows[i].word))
            return rows[i].verb;
    return SMTP_UNKNOWN;
}

/* Offset of the '>' that ends a path, which a quoted local part may hold too (RFC 5321, 4.1.2);
 * s.n when there is none. When the quote never ends the first '>' is taken. */
static size_t path_end(struct span s)
{
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (s.p[i] == '>' && !quoted)
            return i;
    }
    return text_find(s, '>');
}

/* A path without its source route "@one,@two:" (RFC 5321, 4.1.2, A-d-l). */
static struct span without_route(struct span path)
{
    size_t colon = path.n && *path.p == '@' ? text_find(path, ':') : path.n;
    return colon < path.n ? text_behind(path, colon + 1) : path;
}

/* Behind MAIL or RCPT: "FROM:<path> params". */
static void take_path(struct span rest, const char *keyword, struct smtp_command *out)
{
    if (!text_starts(rest, keyword)) {
        out->anomalies |= SMTP_ODD_PATH;
        out->argument = out->mailbox = rest;
        return;
    }
    rest = text_behind(rest, strlen(keyword));
    struct span colon = text_trim_start(rest);
    if (colon.n == 0 || *colon.p != ':' || colon.n != rest.n)
        out->anomalies |= SMTP_ODD_PATH;
    rest = colon.n && *colon.p == ':' ? text_behind(colon, 1) : colon;
    struct span path = text_trim_start(rest);
    if (path.n != rest.n)
        out->anomalies |= SMTP_ODD_PATH;
    out->path = path.n > 0;
    if (path.n && *path.p == '<') {
        path = text_behind(path, 1);
        size_t end = path_end(path);
        out->argument = span_of(path.p, end);
        rest = text_behind(path, end < path.n ? end + 1 : end);
        if (end == path.n || (rest.n && !text_is_space(*rest.p)))
            out->anomalies |= SMTP_ODD_PATH;
    } else {
        out->anomalies |= SMTP_ODD_PATH;
        out->argument = first_word(path);
        rest = text_behind(path, out->argument.n);
    }
    out->mailbox = without_route(out->argument);
    out->params = text_trim_start(rest);
}

/* RFC 3030, 2: "BDAT size [LAST]". */
static void take_bdat(struct span rest, struct smtp_command *out)
{
    struct span digits = first_word(rest);
    if (!text_number(digits, &out->bdat_size))
        out->anomalies |= SMTP_BAD_SIZE;
    out->bdat_last = text_is(first_word(text_trim_start(text_behind(rest, digits.n))), "last");
}

/* The text of a line without its ending. */
static void command_text(struct span text, struct smtp_command *out)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\r')
            out->anomalies |= SMTP_BARE_CR;
        else if ((text.p[i] < 0x20 && text.p[i] != '\t') || text.p[i] == 0x7f)
            out->anomalies |= SMTP_CONTROL;
    }
    struct span command = text_trim_start(text_trim_end(text));
    if (command.n != text.n)
        out->anomalies |= SMTP_SPACES;
    struct span word = first_word(command);
    struct span behind = text_behind(command, word.n), rest = text_trim_start(behind);
    if (behind.n - rest.n > 1)
        out->anomalies |= SMTP_SPACES;
    out->verb = verb_of(word);
    out->argument = rest;
    if (out->verb == SMTP_MAIL)
        take_path(rest, "from", out);
    else if (out->verb == SMTP_RCPT)
        take_path(rest, "to", out);
    else if (out->verb == SMTP_BDAT)
        take_bdat(rest, out);
}

int smtp_command_parse(struct span data, struct smtp_command *out)
{
    size_t window = data.n < SMTP_LINE_MAX ? data.n : SMTP_LINE_MAX;
    const uint8_t *lf = window ? memchr(data.p, '\n', window) : NULL;
    if (!lf && window < SMTP_LINE_MAX)
        return 0;
    memset(out, 0, sizeof *out);
    struct span text = span_of(data.p, lf ? (size_t)(lf - data.p) : window);
    out->line = span_of(data.p, text.n + (lf != NULL));
    if (!lf)
        out->anomalies |= SMTP_LONG_LINE;
    else if (text.n && text.p[text.n - 1] == '\r')
        text.n--;
    else
        out->anomalies |= SMTP_BARE_LF;
    command_text(text, out);
    return 1;
}

int smtp_line_skip(struct cur *c)
{
    const uint8_t *lf = cur_left(c) ? memchr(c->p, '\n', cur_left(c)) : NULL;
    c->p = lf ? lf + 1 : c->end;
    return lf != NULL;
}

bool smtp_looks_like_client(struct span data)
{
    static const char *const openers[] = {"helo", "ehlo", "mail", "proxy"};
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++) {
        size_t n = strlen(openers[i]);
        if (text_starts(data, openers[i]) &&
            (data.n == n || text_is_space(data.p[n]) || data.p[n] == '\r' || data.p[n] == '\n'))
            return true;
    }
    return false;
}

bool smtp_looks_like_server(struct span data)
{
    return data.n >= 4 && memcmp(data.p, "220", 3) == 0 && (data.p[3] == ' ' || data.p[3] == '-');
}

/* The next line of c without its ending; false when nothing is left. */
static bool line_next(struct cur *c, struct span *line)
{
    if (!cur_left(c))
        return false;
    size_t lf = text_find(span_of(c->p, cur_left(c)), '\n');
    *line = span_of(c->p, lf);
    c->p += lf < cur_left(c) ? lf + 1 : lf;
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

struct span smtp_mail_header(struct span mail, const char *name)
{
    struct span line, found = {NULL, 0};
    struct cur c = cur_of(mail);
    if (mail.n > SMTP_HEADER_BLOCK_MAX)
        c.end = mail.p + SMTP_HEADER_BLOCK_MAX;
    while (line_next(&c, &line) && line.n) {
        if (found.p && !text_is_space(*line.p))
            break;
        if (found.p) {
            found.n = (size_t)(line.p + line.n - found.p);
            continue;
        }
        size_t colon = text_find(line, ':');
        if (colon < line.n && span_ieq(text_trim_end(span_of(line.p, colon)), span_str(name)))
            found = text_behind(line, colon + 1);
    }
    found = text_trim_lines(found);
    return span_of(found.p, found.n < SMTP_HEADER_VALUE_MAX ? found.n : SMTP_HEADER_VALUE_MAX);
}
