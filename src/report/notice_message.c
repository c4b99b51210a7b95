#include "report/notice_message.h"

#include <errno.h>

#include "report/message.h"

bool notice_language_is_good(struct span tag)
{
    size_t part = 0;
    bool first = true;
    for (size_t i = 0; i < tag.n; i++) {
        uint8_t c = tag.p[i], low = c | 0x20;
        bool letter = low >= 'a' && low <= 'z', digit = c >= '0' && c <= '9';
        if (c == '-' && part) {
            part = 0;
            first = false;
        } else if ((!letter && (!digit || first)) || ++part > 8) {
            return false;
        }
    }
    return tag.n >= 2 && tag.n <= NOTICE_LANGUAGE_MAX && part > 0;
}

static bool id_is_good(struct span id)
{
    const uint8_t *at = id.n ? memchr(id.p, '@', id.n) : NULL;
    return at && message_is_id(span_of(id.p, (size_t)(at - id.p))) &&
           message_is_domain(span_of(at + 1, (size_t)(id.p + id.n - at - 1)));
}

static int check(const struct notice_message *m, struct err *err)
{
    if (!message_is_address(m->from))
        return err_set(err, -EINVAL, "cleanup.from.mail of ebb.yaml: not a mail address (%.*s)",
                       (int)m->from.n, (const char *)m->from.p);
    if (!message_is_address(m->to))
        return err_set(err, -EINVAL, "not a mail address (%.*s)", (int)m->to.n,
                       (const char *)m->to.p);
    if (!id_is_good(m->message_id))
        return err_set(err, -EINVAL, "cleanup.from.domain of ebb.yaml: not a domain name");
    return 0;
}

int notice_message(const struct notice_message *m, struct buf *out, struct err *err)
{
    char boundary[MESSAGE_BOUNDARY_MAX];
    int rc = check(m, err);
    if (rc < 0)
        return rc;
    message_date(out, "Date", m->date);
    message_mailbox(out, "From", m->from_name, m->from);
    message_mailbox(out, "To", m->to_name, m->to);
    message_text(out, "Subject", m->subject);
    buf_str(out, "Message-ID: <");
    buf_span(out, m->message_id);
    buf_str(out, ">\r\nMIME-Version: 1.0\r\n");
    if (!m->html.n) {
        message_body_text(out, "text/plain", m->language, m->text);
        return 0;
    }
    message_boundary(m->message_id, 0, boundary);
    message_multipart(out, "alternative", boundary);
    message_part(out, boundary);
    message_body_text(out, "text/plain", m->language, m->text);
    message_part(out, boundary);
    message_body_text(out, "text/html", m->language, m->html);
    message_end(out, boundary);
    return 0;
}
