/* eml: a file that is one mail. One that begins with a From_ line is an mbox with one mail in it,
 * and its empty line and quoting are undone as there. */
#include "import/mail.h"
#include "wire/text.h"

#define LINES_LOOKED_AT 24

/* Headers that mails have and other text has not. */
static bool is_mail_header(struct span name)
{
    static const char *const names[] = {"received",
                                        "return-path",
                                        "from",
                                        "to",
                                        "subject",
                                        "date",
                                        "message-id",
                                        "mime-version",
                                        "delivered-to",
                                        "x-original-to",
                                        "envelope-to",
                                        "reply-to",
                                        "cc",
                                        "content-type",
                                        "sender",
                                        "x-mailer",
                                        "dkim-signature",
                                        "authentication-results",
                                        "received-spf",
                                        "x-received",
                                        "arc-seal",
                                        "list-id",
                                        "in-reply-to",
                                        "references"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, names[i]))
            return true;
    return false;
}

static bool is_header_name(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = text_lower(s.p[i]);
        if ((uint8_t)(c - 'a') >= 26 && (uint8_t)(c - '0') >= 10 && c != '-' && c != '_')
            return false;
    }
    return s.n > 0;
}

int eml_looks(struct span head)
{
    unsigned known = 0, odd = 0;
    struct cur c = cur_of(head);
    for (unsigned i = 0; i < LINES_LOOKED_AT && cur_left(&c); i++) {
        bool whole = memchr(c.p, '\n', cur_left(&c)) != NULL;
        struct span line = cur_line(&c);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (!line.n)
            break;
        if (text_is_space(line.p[0]) && i)
            continue;
        size_t colon = text_find(line, ':');
        if (colon < line.n && is_header_name(text_trim_end(span_of(line.p, colon))))
            known += is_mail_header(text_trim_end(span_of(line.p, colon)));
        else if (whole || colon < line.n)
            odd++;
    }
    return odd == 0 ? (known > 1 ? 80 : known ? 60 : 0) : known > odd + 1 ? 30 : 0;
}

int eml_read(struct mailbox *m)
{
    uint64_t offset = mailbox_offset(m);
    size_t n = mailbox_need(m, MAILBOX_FROM_MAX + 2);
    if (mbox_looks(span_of(mailbox_at(m), n)))
        return mbox_read(m, MBOX_ANY);
    n = mailbox_need(m, MAILBOX_MAIL_MAX + 1);
    int rc = 0;
    if (n > MAILBOX_MAIL_MAX)
        mailbox_reject(m, offset, "larger than 64 MiB");
    else if (!mailbox_is_torn(m))
        rc = mailbox_take(m, span_of(mailbox_at(m), n), NULL, QUOTING_NONE);
    else if (m->ended >= 0)
        mailbox_reject(m, offset, "cut off");
    mailbox_skip(m, UINT64_MAX);
    return rc;
}

static int run(struct source *src, const struct import_sink *sink, struct import_counts *counts,
               struct err *err)
{
    struct mailbox m;
    mailbox_begin(&m, src, sink, counts);
    return mailbox_end(&m, eml_read(&m), err);
}

const struct import_format import_eml = {
    .name = "eml", .about = "one mail, as it was received", .probe = eml_looks, .run = run};
