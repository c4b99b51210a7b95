#include "mail/returned.h"

#include <string.h>
#include <strings.h>

#define LINES_MAX 4096 /* of a text that are looked at */

struct reader {
    struct mime_scanner *s;
    struct arena *arena;
    struct mime m;
    struct returned *out;
};

const char *returned_what_name(enum returned_what what)
{
    static const char *const names[] = {"reply", "auto-reply", "delay", "bounce"};
    return names[what];
}

/* ---- words ---- */

static bool starts(struct span s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && strncasecmp((const char *)s.p, word, n) == 0;
}

static bool contains(struct span s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= s.n; i++)
        if ((s.p[i] | 0x20) == (word[0] | 0x20) && strncasecmp((const char *)s.p + i, word, n) == 0)
            return true;
    return false;
}

static bool contains_any(struct span s, const char *const *words)
{
    for (; *words; words++)
        if (contains(s, *words))
            return true;
    return false;
}

static struct span skip(struct span s, size_t n)
{
    return span_of(s.p + n, s.n - n);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "5.1.1" at the start of s, RFC 3463: its length, 0 for none. */
static size_t status_length(struct span s)
{
    size_t at = 1;
    if (s.n < 5 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5'))
        return 0;
    for (unsigned part = 0; part < 2; part++) {
        size_t digits = 0;
        if (at >= s.n || s.p[at++] != '.')
            return 0;
        while (at < s.n && is_digit(s.p[at]) && digits < 4)
            at++, digits++;
        if (!digits || digits > 3)
            return 0;
    }
    /* an address goes on with a dot */
    return at < s.n &&
                   (is_digit(s.p[at]) || (s.p[at] == '.' && at + 1 < s.n && is_digit(s.p[at + 1])))
               ? 0
               : at;
}

/* The first one in a text that stands by itself. */
static struct span find_status(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool begins = i == 0 || strchr(" \t(#[:;-<", s.p[i - 1]);
        size_t n = begins ? status_length(skip(s, i)) : 0;
        if (n && s.p[i] != '2')
            return span_of(s.p + i, n);
    }
    return span_of(NULL, 0);
}

/* An SMTP code in a text ("550 no such user"): its class as a status, empty for none. */
static struct span status_of_code(struct span s)
{
    for (size_t i = 0; i + 3 < s.n; i++) {
        bool begins = i == 0 || strchr(" \t(:;<'\"", s.p[i - 1]);
        bool code = (s.p[i] == '4' || s.p[i] == '5') && s.p[i + 1] >= '0' && s.p[i + 1] <= '5' &&
                    is_digit(s.p[i + 2]) && (s.p[i + 3] == ' ' || s.p[i + 3] == '-');
        if (begins && code)
            return span_str(s.p[i] == '4' ? "4.0.0" : "5.0.0");
    }
    return span_of(NULL, 0);
}

/* One line, UTF-8, not too long. */
static struct span one_line(struct reader *r, struct span s)
{
    s = span_trim(s);
    size_t n = s.n < RETURNED_TEXT_MAX ? s.n : RETURNED_TEXT_MAX, to = 0;
    while (n && n < s.n && (s.p[n] & 0xc0) == 0x80)
        n--; /* not within a letter */
    bool utf8 = span_is_utf8(span_of(s.p, n));
    uint8_t *out = arena_alloc(r->arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        uint8_t c = s.p[i];
        bool blank = c <= ' ' || c == 0x7f;
        if (blank && (!to || out[to - 1] == ' '))
            continue;
        out[to++] = blank ? ' ' : c >= 0x80 && !utf8 ? '?' : c;
    }
    while (to && out[to - 1] == ' ')
        to--;
    return span_of(out, to);
}

/* ---- addresses and ids ---- */

/* "rfc822; user@host", "Name <user@host>", "<user@host>:" -> user@host; empty for none. */
static struct span address_in(struct span s)
{
    const uint8_t *at = s.n ? memchr(s.p, '@', s.n) : NULL;
    const uint8_t *lt = s.n ? memrchr(s.p, '<', s.n) : NULL;
    if (lt && memchr(lt, '@', (size_t)(s.p + s.n - lt)))
        at = memchr(lt, '@', (size_t)(s.p + s.n - lt));
    if (!at)
        return span_of(NULL, 0);
    const char *ends = " \t\r\n<>()[]\\,;:\"'";
    const uint8_t *from = at, *to = at + 1, *end = s.p + s.n;
    while (from > s.p && from[-1] > ' ' && from[-1] < 0x7f && !strchr(ends, from[-1]))
        from--;
    while (to<end && * to> ' ' && *to < 0x7f && *to != '@' && !strchr(ends, *to))
        to++;
    while (to > at + 1 && to[-1] == '.')
        to--;
    if (from == at || to == at + 1 || to - from > 254)
        return span_of(NULL, 0);
    return span_of(from, (size_t)(to - from));
}

static void add_id(struct returned *out, struct span id)
{
    for (unsigned i = 0; i < out->n_ids; i++)
        if (span_eq(out->ids[i], id))
            return;
    if (out->n_ids < RETURNED_IDS_MAX && id.n && id.n <= 998)
        out->ids[out->n_ids++] = id;
}

/* Every <...> of a header's value; `backwards`: the last is the likeliest (References). */
static void add_ids(struct returned *out, struct span value, bool backwards)
{
    struct span found[RETURNED_IDS_MAX];
    unsigned n = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] != '<')
            continue;
        const uint8_t *end = memchr(value.p + i, '>', value.n - i);
        if (!end)
            break;
        struct span id = span_of(value.p + i + 1, (size_t)(end - value.p) - i - 1);
        i = (size_t)(end - value.p);
        if (!id.n || memchr(id.p, '<', id.n) || memchr(id.p, '\n', id.n))
            continue;
        if (n == RETURNED_IDS_MAX) { /* of many the latest */
            memmove(found, found + 1, (n - 1) * sizeof *found);
            n--;
        }
        found[n++] = id;
    }
    for (unsigned i = 0; i < n; i++)
        add_id(out, found[backwards ? n - 1 - i : i]);
}

/* ---- fields of a block of lines: a notification's, a returned mail's headers ---- */

/* The next field of the block, with its folded lines. False at the block's end, which is an empty
 * line; the cursor is behind it then. */
static bool next_field(struct cur *c, struct span *name, struct span *value)
{
    while (cur_left(c)) {
        struct span line = cur_line(c);
        const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
        if (!span_trim(line).n)
            return false;
        if (!colon)
            continue;
        *name = span_trim(span_of(line.p, (size_t)(colon - line.p)));
        *value = span_of(colon + 1, (size_t)(line.p + line.n - colon - 1));
        while (cur_left(c) && (*c->p == ' ' || *c->p == '\t')) {
            struct cur ahead = *c;
            line = cur_line(&ahead);
            if (!span_trim(line).n)
                break;
            *c = ahead;
            value->n = (size_t)(line.p + line.n - value->p);
        }
        *value = span_trim(*value);
        return true;
    }
    return false;
}

static struct span header(struct reader *r, const char *name)
{
    const struct mime_header *h = mime_header(&r->m, 0, name);
    return h ? h->value : span_of(NULL, 0);
}

/* ---- RFC 3464 ---- */

struct group {
    enum returned_what what;
    bool known; /* it has an Action */
    struct span original, final, status, diagnostic;
};

/* "type; text" -> text. */
static struct span typed(struct span value)
{
    const uint8_t *semicolon = value.n ? memchr(value.p, ';', value.n) : NULL;
    return semicolon ? span_trim(skip(value, (size_t)(semicolon + 1 - value.p))) : value;
}

static bool read_group(struct cur *c, struct group *g)
{
    struct span name, value;
    bool any = false;
    *g = (struct group){.what = RETURNED_AUTO};
    while (next_field(c, &name, &value)) {
        any = true;
        if (span_ieq(name, span_str("Action"))) {
            g->known = true;
            g->what = starts(value, "failed")    ? RETURNED_BOUNCE
                      : starts(value, "delayed") ? RETURNED_DELAY
                                                 : RETURNED_AUTO;
        } else if (span_ieq(name, span_str("Original-Recipient"))) {
            g->original = address_in(typed(value));
        } else if (span_ieq(name, span_str("Final-Recipient"))) {
            g->final = address_in(typed(value));
        } else if (span_ieq(name, span_str("Status"))) {
            g->status = span_of(value.p, status_length(value));
        } else if (span_ieq(name, span_str("Diagnostic-Code"))) {
            g->diagnostic = typed(value);
        }
    }
    return any;
}

static struct span or_else(struct span a, struct span b)
{
    return a.n ? a : b;
}

static void take_group(struct reader *r, const struct group *g)
{
    struct span status = g->status;
    if (status.n && g->what == RETURNED_BOUNCE && status.p[0] == '2')
        status.n = 0; /* it contradicts itself */
    status = or_else(status, or_else(find_status(g->diagnostic), status_of_code(g->diagnostic)));
    status = or_else(status, span_str(g->what == RETURNED_BOUNCE ? "5.0.0" : "4.0.0"));
    r->out->what = g->what;
    r->out->contact = or_else(g->original, g->final);
    r->out->status = g->what == RETURNED_AUTO ? span_of(NULL, 0) : status;
    r->out->text = one_line(r, g->diagnostic);
}

/* The worst that befell a recipient counts; the first group is about the mail. */
static bool read_status(struct reader *r, struct span body)
{
    struct cur c = cur_of(body);
    struct group g, worst = {.what = RETURNED_REPLY};
    for (unsigned i = 0; cur_left(&c) && i < RETURNED_GROUPS_MAX; i++) {
        bool any = read_group(&c, &g);
        if (!any || (!g.known && !g.status.n))
            continue;
        if (!g.known)
            g.what = g.status.p[0] == '5'   ? RETURNED_BOUNCE
                     : g.status.p[0] == '4' ? RETURNED_DELAY
                                            : RETURNED_AUTO;
        if (g.what > worst.what)
            worst = g;
    }
    if (worst.what == RETURNED_REPLY)
        return false;
    take_group(r, &worst);
    return true;
}

/* ---- the mail that came back ---- */

static bool is_type(const struct mime_part *p, const char *type)
{
    return span_is(p->type, type);
}

static void ids_of_block(struct reader *r, struct span block)
{
    struct cur c = cur_of(block);
    struct span name, value;
    for (unsigned i = 0; i < LINES_MAX && next_field(&c, &name, &value); i++)
        if (span_ieq(name, span_str("Message-ID")) ||
            span_ieq(name, span_str("Original-Message-ID")))
            add_ids(r->out, value, false);
}

/* Of mails within the mail: their Message-ID. */
static void ids_of_parts(struct reader *r)
{
    for (unsigned i = 1; i < r->m.parts; i++) {
        const struct mime_part *p = &r->m.part[i];
        const struct mime_header *id = NULL;
        if (r->m.part[p->parent].message)
            id = mime_header(&r->m, i, "Message-ID");
        if (id)
            add_ids(r->out, id->value, false);
        if (is_type(p, "text/rfc822-headers") || is_type(p, "message/global-headers") ||
            is_type(p, "message/disposition-notification"))
            ids_of_block(r, p->body);
    }
}

/* qmail, Exim, sendmail of old put the mail, or its headers, behind their text. */
static void ids_of_text(struct reader *r, struct span text)
{
    struct cur c = cur_of(text);
    for (unsigned i = 0; cur_left(&c) && i < LINES_MAX; i++) {
        struct span line = span_trim(cur_line(&c));
        while (line.n && line.p[0] == '>')
            line = span_trim(skip(line, 1));
        if (starts(line, "Message-ID:"))
            add_ids(r->out, line, false);
    }
}

static struct span first_text(const struct reader *r)
{
    for (unsigned i = 0; i < r->m.parts; i++)
        if (r->m.part[i].text)
            return r->m.part[i].body;
    return span_of(NULL, 0);
}

/* ---- before and beside RFC 3464 ---- */

static const char *const bounce_subjects[] = {
    "undeliver",         "undelivered",           "delivery status notification",
    "returned mail",     "failure notice",        "delivery failed",
    "delivery failure",  "delivery has failed",   "mail delivery",
    "delivery report",   "unzustellbar",          "non remis",
    "non delivery",      "nicht zugestellt",      "returned to sender",
    "mail system error", "message not delivered", NULL};
static const char *const delay_words[] = {"delayed",
                                          "warning: ",
                                          "still trying",
                                          "will be retried",
                                          "has not yet been",
                                          "not yet been delivered",
                                          "temporary problem",
                                          "no action is required",
                                          "does not require you to take any action",
                                          NULL};
static const char *const final_words[] = {"giving up",
                                          "given up",
                                          "permanent",
                                          "could not be delivered",
                                          "will not be retried",
                                          "retry timeout exceeded",
                                          NULL};

static bool is_daemon(struct span from)
{
    struct span a = address_in(from);
    return starts(a, "mailer-daemon@") || starts(a, "postmaster@") || starts(a, "mdaemon@") ||
           starts(a, "mail-daemon@") || starts(a, "microsoftexchange") ||
           starts(from, "mailer-daemon");
}

static bool is_old_bounce(struct reader *r)
{
    struct span subject = mime_text(r->s, header(r, "Subject"), r->arena);
    struct span path = header(r, "Return-Path");
    bool talks = contains_any(subject, bounce_subjects) || contains_any(subject, delay_words);
    if (header(r, "X-Failed-Recipients").n)
        return true;
    return talks && (is_daemon(header(r, "From")) || span_is(path, "<>"));
}

/* Where the copy of our mail begins, the text is over. */
static bool is_copy_line(struct span line)
{
    return starts(line, "--- Below this line is a copy") ||
           starts(line, "------ This is a copy of") ||
           starts(line, "--- The header of the original message") ||
           starts(line, "   ----- Original message follows") ||
           starts(line, "----- Original message follows") ||
           starts(line, "------ The body of the message");
}

/* The line that says most: one with a status, or with a code; the one behind "<user@host>:" else.
 */
static void read_old_text(struct reader *r, struct span text)
{
    struct span line_status = {0}, line_code = {0}, behind = {0}, status = {0}, code = {0};
    struct cur c = cur_of(text);
    bool named = false;
    for (unsigned i = 0; cur_left(&c) && i < LINES_MAX; i++) {
        struct span line = span_trim(cur_line(&c));
        if (is_copy_line(line))
            break;
        bool names = line.n > 2 && line.p[line.n - 1] == ':' && address_in(line).n;
        if (names && !r->out->contact.n)
            r->out->contact = address_in(line);
        if (!names && named && line.n && !behind.n)
            behind = line;
        named = names || (named && !line.n);
        if (!status.n && (status = find_status(line)).n)
            line_status = line;
        if (!code.n && (code = status_of_code(line)).n)
            line_code = line;
    }
    r->out->status = or_else(status, code);
    r->out->text = one_line(r, or_else(line_status, or_else(line_code, behind)));
}

static void read_old_bounce(struct reader *r)
{
    struct span text = first_text(r);
    struct span subject = mime_text(r->s, header(r, "Subject"), r->arena);
    struct span head = span_of(text.p, text.n < 4096 ? text.n : 4096);
    bool delay = contains_any(subject, delay_words) ||
                 (contains_any(head, delay_words) && !contains_any(head, final_words));
    r->out->contact = address_in(header(r, "X-Failed-Recipients"));
    read_old_text(r, text);
    r->out->what = delay ? RETURNED_DELAY : RETURNED_BOUNCE;
    if (!r->out->status.n)
        r->out->status = span_str(delay ? "4.0.0" : "5.0.0");
    if (!r->out->text.n)
        r->out->text = one_line(r, subject);
    ids_of_text(r, text);
}

/* ---- answers ---- */

static const char *const auto_subjects[] = {"automatic reply",
                                            "auto reply",
                                            "autoreply",
                                            "auto-reply",
                                            "auto response",
                                            "autoresponse",
                                            "auto:",
                                            "out of office",
                                            "out of the office",
                                            "automatische antwort",
                                            "abwesenheit",
                                            "abwesend",
                                            "r\u00e9ponse automatique",
                                            "respuesta autom\u00e1tica",
                                            "risposta automatica",
                                            "automatisch antwoord",
                                            "autosvar",
                                            "vacation",
                                            NULL};

static bool is_automatic(struct reader *r)
{
    struct span submitted = header(r, "Auto-Submitted");
    struct span precedence = header(r, "Precedence");
    struct span subject = mime_text(r->s, header(r, "Subject"), r->arena);
    if (submitted.n && !starts(submitted, "no"))
        return true;
    if (starts(precedence, "bulk") || starts(precedence, "junk") || starts(precedence, "auto"))
        return true;
    if (header(r, "X-Autoreply").n || header(r, "X-Autorespond").n || header(r, "X-Auto-Reply").n ||
        span_is(header(r, "Return-Path"), "<>"))
        return true;
    for (const char *const *words = auto_subjects; *words; words++)
        if (starts(subject, *words))
            return true;
    return false;
}

static void read_answer(struct reader *r)
{
    r->out->what = is_automatic(r) ? RETURNED_AUTO : RETURNED_REPLY;
    r->out->contact = address_in(header(r, "From"));
    r->out->text = one_line(r, mime_text(r->s, header(r, "Subject"), r->arena));
}

static bool read_notification(struct reader *r)
{
    for (unsigned i = 0; i < r->m.parts; i++) {
        const struct mime_part *p = &r->m.part[i];
        bool ours = p->parent <= 0; /* not in a mail within the mail */
        if (ours &&
            (is_type(p, "message/delivery-status") || is_type(p, "message/global-delivery-status")))
            return read_status(r, p->body);
    }
    return false;
}

static bool is_disposition(const struct reader *r)
{
    for (unsigned i = 0; i < r->m.parts; i++)
        if (is_type(&r->m.part[i], "message/disposition-notification") && r->m.part[i].parent <= 0)
            return true;
    return false;
}

void returned_read(struct mime_scanner *s, struct span mail, struct arena *arena,
                   struct returned *out)
{
    struct reader r = {.s = s, .arena = arena, .out = out};
    *out = (struct returned){0};
    mime_scan(s, mail, arena, &r.m);
    ids_of_parts(&r);
    if (read_notification(&r)) {
        if (!out->text.n)
            out->text = one_line(&r, mime_text(s, header(&r, "Subject"), arena));
    } else if (is_old_bounce(&r)) {
        read_old_bounce(&r);
    } else {
        read_answer(&r);
        if (is_disposition(&r))
            out->what = RETURNED_AUTO;
    }
    add_ids(out, header(&r, "In-Reply-To"), false);
    add_ids(out, header(&r, "References"), true);
}
