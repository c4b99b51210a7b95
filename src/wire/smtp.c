#include "wire/smtp.h"

#include "wire/words.h"

static const char *const verbs[] = {
    [SMTP_UNKNOWN] = "", [SMTP_HELO] = "HELO", [SMTP_EHLO] = "EHLO", [SMTP_MAIL] = "MAIL",
    [SMTP_RCPT] = "RCPT", [SMTP_DATA] = "DATA", [SMTP_BDAT] = "BDAT", [SMTP_RSET] = "RSET",
    [SMTP_QUIT] = "QUIT", [SMTP_NOOP] = "NOOP", [SMTP_VRFY] = "VRFY", [SMTP_AUTH] = "AUTH",
    [SMTP_STARTTLS] = "STARTTLS", [SMTP_HELP] = "HELP",
};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

void smtp_anomaly_words(uint32_t bits, struct buf *out)
{
    static const char *const words[] = {"bare-lf", "bare-cr",  "long-line", "odd-path",
                                        "odd-end", "bad-size", "spaces",    "control"};
    words_of_bits(bits, words, sizeof words / sizeof *words, out);
}

const char *smtp_verb_name(enum smtp_verb verb)
{
    return (unsigned)verb < N_VERBS ? verbs[verb] : "";
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct span skip(struct span s, size_t n)
{
    return span_of(s.p + n, s.n - n);
}

static struct span trim_start(struct span s)
{
    while (s.n && is_space(*s.p))
        s = skip(s, 1);
    return s;
}

static struct span trim_end(struct span s)
{
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* The bytes up to the first white space. */
static struct span first_word(struct span s)
{
    size_t n = 0;
    while (n < s.n && !is_space(s.p[n]))
        n++;
    return span_of(s.p, n);
}

static bool span_starts(struct span s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && span_ieq(span_of(s.p, n), span_of(word, n));
}

static enum smtp_verb verb_of(struct span word)
{
    for (int v = SMTP_UNKNOWN + 1; v < N_VERBS; v++)
        if (span_ieq(word, span_str(verbs[v])))
            return (enum smtp_verb)v;
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
    const uint8_t *first = s.n ? memchr(s.p, '>', s.n) : NULL;
    return first ? (size_t)(first - s.p) : s.n;
}

/* A path without its source route "@one,@two:" (RFC 5321, 4.1.2, A-d-l). */
static struct span without_route(struct span path)
{
    const uint8_t *colon = path.n && *path.p == '@' ? memchr(path.p, ':', path.n) : NULL;
    return colon ? skip(path, (size_t)(colon + 1 - path.p)) : path;
}

/* Behind MAIL or RCPT: "FROM:<path> params". */
static void take_path(struct span rest, const char *keyword, struct smtp_command *out)
{
    if (!span_starts(rest, keyword)) {
        out->anomalies |= SMTP_ODD_PATH;
        out->argument = out->mailbox = rest;
        return;
    }
    rest = skip(rest, strlen(keyword));
    struct span colon = trim_start(rest);
    if (colon.n == 0 || *colon.p != ':' || colon.n != rest.n)
        out->anomalies |= SMTP_ODD_PATH;
    rest = colon.n && *colon.p == ':' ? skip(colon, 1) : colon;
    struct span path = trim_start(rest);
    if (path.n != rest.n)
        out->anomalies |= SMTP_ODD_PATH;
    if (path.n && *path.p == '<') {
        path = skip(path, 1);
        size_t end = path_end(path);
        out->argument = span_of(path.p, end);
        rest = skip(path, end < path.n ? end + 1 : end);
        if (end == path.n || (rest.n && !is_space(*rest.p)))
            out->anomalies |= SMTP_ODD_PATH;
    } else {
        out->anomalies |= SMTP_ODD_PATH;
        out->argument = first_word(path);
        rest = skip(path, out->argument.n);
    }
    out->mailbox = without_route(out->argument);
    out->params = trim_start(rest);
}

/* RFC 3030, 2: "BDAT size [LAST]". */
static void take_bdat(struct span rest, struct smtp_command *out)
{
    struct span digits = first_word(rest);
    uint64_t v = 0;
    bool good = digits.n > 0;
    for (size_t i = 0; i < digits.n && good; i++) {
        uint8_t c = digits.p[i];
        good = c >= '0' && c <= '9' && !__builtin_mul_overflow(v, 10, &v) &&
               !__builtin_add_overflow(v, c - '0', &v);
    }
    if (good)
        out->bdat_size = v;
    else
        out->anomalies |= SMTP_BAD_SIZE;
    out->bdat_last = span_ieq(first_word(trim_start(skip(rest, digits.n))), span_str("LAST"));
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
    struct span command = trim_start(trim_end(text));
    if (command.n != text.n)
        out->anomalies |= SMTP_SPACES;
    struct span word = first_word(command);
    struct span behind = skip(command, word.n), rest = trim_start(behind);
    if (behind.n - rest.n > 1)
        out->anomalies |= SMTP_SPACES;
    out->verb = verb_of(word);
    out->argument = rest;
    if (out->verb == SMTP_MAIL)
        take_path(rest, "FROM", out);
    else if (out->verb == SMTP_RCPT)
        take_path(rest, "TO", out);
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
    static const char *const openers[] = {"HELO", "EHLO", "MAIL", "PROXY"};
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++) {
        size_t n = strlen(openers[i]);
        if (span_starts(data, openers[i]) &&
            (data.n == n || is_space(data.p[n]) || data.p[n] == '\r' || data.p[n] == '\n'))
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
    const uint8_t *lf = memchr(c->p, '\n', cur_left(c));
    *line = span_of(c->p, (size_t)((lf ? lf : c->end) - c->p));
    c->p = lf ? lf + 1 : c->end;
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

static struct span trim_lines(struct span s)
{
    while (s.n && (is_space(*s.p) || *s.p == '\r' || *s.p == '\n'))
        s = skip(s, 1);
    while (s.n && (is_space(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
        s.n--;
    return s;
}

struct span smtp_mail_header(struct span mail, const char *name)
{
    struct span line, found = {NULL, 0};
    struct cur c = cur_of(mail);
    if (mail.n > SMTP_HEADER_BLOCK_MAX)
        c.end = mail.p + SMTP_HEADER_BLOCK_MAX;
    while (line_next(&c, &line) && line.n) {
        if (found.p && !is_space(*line.p))
            break;
        if (found.p) {
            found.n = (size_t)(line.p + line.n - found.p);
            continue;
        }
        const uint8_t *colon = memchr(line.p, ':', line.n);
        size_t at = colon ? (size_t)(colon - line.p) : 0;
        if (colon && span_ieq(trim_end(span_of(line.p, at)), span_str(name)))
            found = skip(line, at + 1);
    }
    return trim_lines(found);
}
