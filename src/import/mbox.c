/* mbox: mails one after the other, each behind a "From " line. Four writers' habits are known
 * (qmail's mbox(5) and D. J. Bernstein's description of them):
 *
 *   mboxo    quotes "From " in a body as ">From "
 *   mboxrd   quotes ">From ", ">>From " ... as well, so that it can be undone
 *   mboxcl   as mboxo, with a Content-Length
 *   mboxcl2  with a Content-Length, and no quoting
 *
 * Unless told, all are read: a Content-Length is believed when it leads exactly to the next From_
 * line or to the end, and a mail so delimited with an unquoted "From " line in it was not quoted at
 * all; else mboxrd's quoting is undone. */
#include <errno.h>

#include "import/mail.h"
#include "wire/text.h"

/* A line that begins at `at`; false where it is longer than From_ lines may be. */
static bool line_at(struct mailbox *m, size_t at, struct span *line, size_t *next)
{
    size_t have = mailbox_need(m, at + MAILBOX_FROM_MAX + 2);
    if (have <= at)
        return false;
    struct span rest = span_of(mailbox_at(m) + at, have - at);
    if (rest.n > MAILBOX_FROM_MAX + 2)
        rest.n = MAILBOX_FROM_MAX + 2;
    size_t lf = text_find(rest, '\n');
    if (lf == rest.n && rest.n > MAILBOX_FROM_MAX)
        return false;
    *line = span_of(rest.p, lf);
    *next = at + lf + (lf < rest.n);
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

static bool separator_at(struct mailbox *m, size_t at)
{
    struct span line;
    struct mailbox_from from;
    size_t next;
    return line_at(m, at, &line, &next) && mailbox_from_line(line, &from);
}

/* Where the mail ends, and where what follows it begins. */
struct extent {
    size_t mail, next;
    bool counted; /* by its Content-Length */
};

/* The length that these headers give, the last one: the mbox's writer put it there. 1, 0 there is
 * none, -1 the headers do not end here. */
static int length_in(struct span head, size_t *body, uint64_t *length)
{
    struct cur c = cur_of(head);
    int found = 0;
    while (cur_left(&c)) {
        struct span line = cur_line(&c);
        if (c.p == c.end && c.p[-1] != '\n')
            return -1;
        if (!line.n || (line.n == 1 && line.p[0] == '\r')) {
            *body = (size_t)(c.p - head.p);
            return found;
        }
        if (text_starts(line, "content-length:"))
            found = text_number(text_trim_lines(text_behind(line, 15)), length);
    }
    return -1;
}

static bool content_length(struct mailbox *m, size_t *body, uint64_t *length)
{
    for (size_t have = mailbox_need(m, 1), before = 0; have > before;) {
        size_t n = have < MAILBOX_HEAD_MAX ? have : MAILBOX_HEAD_MAX;
        int r = length_in(span_of(mailbox_at(m), n), body, length);
        if (r >= 0 || n == MAILBOX_HEAD_MAX)
            return r > 0;
        before = have;
        have = mailbox_need(m, have + 1);
    }
    return false;
}

/* An mbox writer leaves one empty line behind a mail: its length at `at`. */
static size_t blank_at(struct mailbox *m, size_t at)
{
    size_t have = mailbox_need(m, at + 2);
    const uint8_t *p = mailbox_at(m) + at;
    if (have > at && p[0] == '\n')
        return 1;
    return have > at + 1 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

static bool by_length(struct mailbox *m, struct extent *e)
{
    size_t body;
    uint64_t length;
    if (!content_length(m, &body, &length) || length > MAILBOX_MAIL_MAX - body)
        return false;
    e->mail = body + (size_t)length;
    if (mailbox_need(m, e->mail + 1) < e->mail)
        return false;
    e->next = e->mail + blank_at(m, e->mail);
    e->counted = true;
    if (mailbox_need(m, e->next + 1) == e->next)
        return !mailbox_is_torn(m);
    bool at_line = e->next > e->mail || (e->mail && mailbox_at(m)[e->mail - 1] == '\n');
    return at_line && separator_at(m, e->next);
}

/* Without the one empty line at its end. */
static size_t without_blank(const uint8_t *p, size_t n)
{
    if (n >= 2 && p[n - 1] == '\n' && p[n - 2] == '\n')
        return n - 1;
    if (n >= 3 && memcmp(p + n - 3, "\n\r\n", 3) == 0)
        return n - 2;
    return n == 1 && p[0] == '\n' ? 0 : n == 2 && memcmp(p, "\r\n", 2) == 0 ? 0 : n;
}

static int is_too_large(const struct extent *e, int already)
{
    return already || e->mail > MAILBOX_MAIL_MAX;
}

/* To the next From_ line behind an empty line. A mail that is too large is let go of on the way: 1;
 * else 0. */
static int by_separator(struct mailbox *m, struct extent *e)
{
    static const char mark[] = "\nFrom ";
    enum { MARK = sizeof mark - 1 };
    size_t searched = 0;
    int too_large = 0;
    e->counted = false;
    for (;;) {
        size_t have = mailbox_need(m, searched + MARK);
        if (have < searched + MARK) {
            e->next = have;
            e->mail = without_blank(mailbox_at(m), have);
            return is_too_large(e, too_large);
        }
        const uint8_t *p = mailbox_at(m);
        const uint8_t *found = memmem(p + searched, have - searched, mark, MARK);
        if (!found) {
            searched = have - (MARK - 1);
        } else {
            size_t at = (size_t)(found - p), blank = at + 1;
            if (without_blank(p, blank) < blank && separator_at(m, blank)) {
                e->next = blank;
                e->mail = without_blank(mailbox_at(m), blank);
                return is_too_large(e, too_large);
            }
            searched = at + 1;
        }
        if (searched > MAILBOX_MAIL_MAX) {
            too_large = 1;
            mailbox_skip(m, searched - 2); /* an empty line may have begun */
            searched = 2;
        }
    }
}

static enum mailbox_quoting quoting_of(struct span raw, enum mbox_kind kind, const struct extent *e)
{
    bool bare = raw.n && memmem(raw.p, raw.n, "\nFrom ", 6) != NULL;
    switch (kind) {
    case MBOX_O:
    case MBOX_CL:
        return QUOTING_O;
    case MBOX_RD:
        return QUOTING_RD;
    case MBOX_CL2:
        return QUOTING_NONE;
    default:
        return e->counted && bare ? QUOTING_NONE : QUOTING_RD;
    }
}

/* What the bytes of the From_ line say must outlive those that are read behind it. */
struct kept_from {
    struct mailbox_from from;
    uint8_t sender[MAILBOX_FROM_MAX];
    bool has;
};

static void take_from(struct mailbox *m, struct kept_from *k)
{
    struct span line;
    size_t next;
    k->has = line_at(m, 0, &line, &next) && mailbox_from_line(line, &k->from);
    if (!k->has)
        return;
    if (k->from.sender.n)
        memcpy(k->sender, k->from.sender.p, k->from.sender.n);
    k->from.sender.p = k->sender;
    mailbox_skip(m, next);
}

static int take_one(struct mailbox *m, enum mbox_kind kind)
{
    struct kept_from k;
    struct extent e;
    uint64_t offset = mailbox_offset(m);
    int rc = 0;
    take_from(m, &k);
    bool lengths = kind != MBOX_O && kind != MBOX_RD;
    int too_large = k.has && lengths && by_length(m, &e) ? 0 : by_separator(m, &e);
    struct span raw = span_of(mailbox_at(m), e.mail);
    bool last = mailbox_need(m, e.next + 1) == e.next;
    raw.p = mailbox_at(m);
    if (last && mailbox_is_torn(m)) {
        if (m->ended >= 0) /* a source that broke off is reported by who reads it */
            mailbox_reject(m, offset, "cut off");
    } else if (!k.has) {
        mailbox_reject(m, offset, "no From_ line in front of it");
    } else if (too_large) {
        mailbox_reject(m, offset, "larger than 64 MiB");
    } else {
        rc = mailbox_take(m, raw, &k.from, quoting_of(raw, kind, &e));
    }
    mailbox_skip(m, e.next);
    return rc;
}

int mbox_read(struct mailbox *m, enum mbox_kind kind)
{
    int rc = 0;
    size_t blank;
    while (rc >= 0 && mailbox_need(m, 1)) {
        if ((blank = blank_at(m, 0)))
            mailbox_skip(m, blank);
        else
            rc = take_one(m, kind);
    }
    return rc;
}

bool mbox_looks(struct span head)
{
    struct mailbox_from from;
    while (head.n && (*head.p == '\n' || *head.p == '\r'))
        head = text_behind(head, 1);
    struct span line = span_of(head.p, text_find(head, '\n'));
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return mailbox_from_line(line, &from);
}

static int run(struct source *src, const struct import_sink *sink, struct import_counts *counts,
               enum mbox_kind kind, struct err *err)
{
    struct mailbox m;
    mailbox_begin(&m, src, sink, counts);
    return mailbox_end(&m, mbox_read(&m, kind), err);
}

static int probe(struct span head)
{
    return mbox_looks(head) ? 95 : 0;
}

/* The kinds that cannot be told from their bytes are taken when they are asked for. */
static int never(struct span head)
{
    return 0;
}

#define MBOX(symbol, word, text, look, which)                                                      \
    static int run_##symbol(struct source *src, const struct import_sink *sink,                    \
                            struct import_counts *counts, struct err *err)                         \
    {                                                                                              \
        return run(src, sink, counts, which, err);                                                 \
    }                                                                                              \
    const struct import_format import_##symbol = {                                                 \
        .name = word, .about = text, .probe = look, .run = run_##symbol};

MBOX(mbox, "mbox", "mail in an mbox of any kind", probe, MBOX_ANY)
MBOX(mboxo, "mboxo", "an mbox whose \">>From \" is nobody's quoting", never, MBOX_O)
MBOX(mboxrd, "mboxrd", "an mbox with reversible quoting, without lengths", never, MBOX_RD)
MBOX(mboxcl, "mboxcl", "an mbox with Content-Length and quoting", never, MBOX_CL)
MBOX(mboxcl2, "mboxcl2", "an mbox with Content-Length and without quoting", never, MBOX_CL2)
