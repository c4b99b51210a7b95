#include "sim/mail_headers.h"

#include "base/utc.h"
#include "sim/mail_encode.h"

#define BOUNDARY_MAX 96

static const char *const names[3][MAIL_HEADERS] = {
    {"Message-ID", "From", "To", "Subject", "Date", "MIME-Version", "Content-Type", "X-Mailer",
     "X-Priority", "X-MSMail-Priority", "X-MimeOLE", "Reply-To", "Importance", "Organization",
     "X-Originating-IP", "Thread-Index", "Sender"},
    {"Message-Id", "From", "To", "Subject", "Date", "Mime-Version", "Content-Type", "X-Mailer",
     "X-Priority", "X-MSMail-Priority", "X-MIMEOLE", "Reply-To", "Importance", "Organization",
     "X-Originating-Ip", "Thread-Index", "Sender"},
    {"Message-ID", "From", "To", "Subject", "Date", "MIME-version", "Content-type", "X-Mailer",
     "X-Priority", "X-MSMail-Priority", "X-MimeOLE", "Reply-to", "Importance", "Organisation",
     "X-Originating-IP", "Thread-index", "Sender"}};

static bool is_plain(struct span s)
{
    return span_is_plain(s);
}

static void put_mailbox(unsigned style, struct span name, struct span address, struct buf *out)
{
    if (style == 4)
        name = address;
    if (style == 0 || style == 4)
        buf_byte(out, '"');
    if (style != 2 && style != 3)
        buf_span(out, name);
    if (style == 0 || style == 4)
        buf_byte(out, '"');
    if (style != 2 && style != 3)
        buf_byte(out, ' ');
    if (style != 3)
        buf_byte(out, '<');
    buf_span(out, address);
    if (style != 3)
        buf_byte(out, '>');
}

static void put_date(const struct mail_parts *p, struct buf *out)
{
    static const char *const zone[] = {" +0000", " -0500", " +0300", " GMT", " -0800 (PST)"};
    static const int8_t hours[] = {0, -5, 3, 0, -8};
    unsigned kind = p->mailer->zone;
    int at = kind < 5 ? hours[kind] : p->zone;
    struct mail_date d = mail_date_of(p->words.time + at * 3600 * UTC_SECOND);
    mail_put_date(out, &d, p->mailer->weekday, p->mailer->pad);
    if (kind < 5) {
        buf_str(out, zone[kind]);
        return;
    }
    buf_str(out, at < 0 ? " -" : " +");
    mail_put_number(out, (unsigned)(at < 0 ? -at : at), 2);
    buf_str(out, "00");
}

static void put_encoding(const struct mail_parts *p, unsigned encoding, bool plain, struct buf *out)
{
    static const char *const small[] = {"8bit", "quoted-printable", "base64"};
    static const char *const capital[] = {"8Bit", "Quoted-Printable", "Base64"};
    buf_str(out, names[p->mailer->case_of_names][MAIL_H_CONTENT]);
    out->n -= 4;
    buf_str(out, p->mailer->case_of_names == 2 ? "transfer-encoding: " : "Transfer-Encoding: ");
    if (encoding == MAIL_8BIT && plain)
        buf_str(out, p->mailer->lower_encoding ? "7bit" : "7Bit");
    else
        buf_str(out, (p->mailer->lower_encoding ? small : capital)[encoding]);
    buf_put(out, "\r\n", 2);
}

static void put_parameter(const struct mail_parts *p, const char *name, struct span value,
                          bool quoted, struct buf *out)
{
    buf_str(out, p->mailer->fold_tab ? ";\r\n\t" : "; ");
    buf_str(out, name);
    buf_byte(out, '=');
    if (quoted)
        buf_byte(out, '"');
    buf_span(out, value);
    if (quoted)
        buf_byte(out, '"');
}

static void put_type_name(const struct mail_parts *p, const char *type, struct buf *out)
{
    buf_str(out, names[p->mailer->case_of_names][MAIL_H_CONTENT]);
    buf_put(out, ": ", 2);
    buf_str(out, type);
}

/* Content-Type and encoding of a text, at the top or of a part. */
static void put_text_headers(const struct mail_parts *p, bool html, struct buf *out)
{
    bool plain = is_plain(html ? p->html : p->text);
    if (p->mailer->encoding_first)
        put_encoding(p, p->mailer->encoding, plain, out);
    put_type_name(p, html ? "text/html" : "text/plain", out);
    put_parameter(p, "charset", span_str(p->charset), p->mailer->quoted, out);
    buf_put(out, "\r\n", 2);
    if (!p->mailer->encoding_first)
        put_encoding(p, p->mailer->encoding, plain, out);
}

static void put_text_body(const struct mail_parts *p, bool html, struct buf *out)
{
    struct span text = html ? p->html : p->text;
    if (p->mailer->encoding == MAIL_QUOTED_PRINTABLE)
        mail_put_quoted(text, out);
    else if (p->mailer->encoding == MAIL_BASE64)
        mail_put_base64(text, out);
    else
        buf_span(out, text);
}

/* ---- parts ---- */

static void put_delimiter(struct span boundary, bool last, struct buf *out)
{
    buf_put(out, "\r\n--", 4);
    buf_span(out, boundary);
    buf_str(out, last ? "--\r\n" : "\r\n");
}

static void put_text_part(const struct mail_parts *p, struct span boundary, bool html,
                          struct buf *out)
{
    put_delimiter(boundary, false, out);
    put_text_headers(p, html, out);
    buf_put(out, "\r\n", 2);
    put_text_body(p, html, out);
}

static void put_file_part(const struct mail_parts *p, struct span boundary, struct buf *out)
{
    put_delimiter(boundary, false, out);
    put_type_name(p, p->file_type, out);
    put_parameter(p, "name", span_str(p->file_name), true, out);
    buf_put(out, "\r\n", 2);
    put_encoding(p, MAIL_BASE64, false, out);
    if (p->inline_file)
        buf_printf(out, "Content-ID: <%s>\r\n", p->file_name);
    else {
        buf_str(out, "Content-Disposition: attachment");
        put_parameter(p, "filename", span_str(p->file_name), true, out);
        buf_put(out, "\r\n", 2);
    }
    buf_put(out, "\r\n", 2);
    buf_span(out, p->file);
}

static bool has_parts(const struct mail_parts *p)
{
    return p->file.n || (p->text.n && p->html.n);
}

static const char *outer_type(const struct mail_parts *p)
{
    return !p->file.n       ? "multipart/alternative"
           : p->inline_file ? "multipart/related"
                            : "multipart/mixed";
}

static void put_parts(const struct mail_parts *p, struct span boundary, struct buf *out)
{
    if (p->mailer->prologue)
        buf_str(out, "This is a multi-part message in MIME format.\r\n");
    if (p->text.n)
        put_text_part(p, boundary, false, out);
    if (p->html.n)
        put_text_part(p, boundary, true, out);
    if (p->file.n)
        put_file_part(p, boundary, out);
    put_delimiter(boundary, true, out);
}

/* ---- headers ---- */

static void put_subject(const struct mail_parts *p, struct buf *out)
{
    if (is_plain(p->subject))
        buf_span(out, p->subject);
    else
        mail_put_encoded_word(p->subject, p->charset, out);
}

static void put_content(const struct mail_parts *p, struct span boundary, struct buf *out)
{
    if (!has_parts(p)) {
        put_text_headers(p, p->html.n, out);
        return;
    }
    put_type_name(p, outer_type(p), out);
    put_parameter(p, "boundary", boundary, true, out);
    buf_put(out, "\r\n", 2);
}

/* The value of a header that is one line; false: the mail has none. */
static bool put_value(const struct mail_parts *p, enum mail_header h, struct buf *out)
{
    const struct mail_mailer *m = p->mailer;
    switch (h) {
    case MAIL_H_MESSAGE_ID:
        mail_shape_put(m->message_id, &p->words, p->r, out);
        break;
    case MAIL_H_FROM:
        put_mailbox(m->name_style, p->name, p->from, out);
        break;
    case MAIL_H_TO:
        put_mailbox(m->to_name           ? m->name_style
                    : m->name_style == 3 ? 3
                                         : 2,
                    p->to_name, p->to, out);
        break;
    case MAIL_H_SUBJECT:
        put_subject(p, out);
        break;
    case MAIL_H_DATE:
        put_date(p, out);
        break;
    case MAIL_H_MIME_VERSION:
        buf_str(out, "1.0");
        break;
    case MAIL_H_PRIORITY:
        buf_str(out, "3");
        break;
    case MAIL_H_MS_PRIORITY:
    case MAIL_H_IMPORTANCE:
        buf_str(out, "Normal");
        break;
    case MAIL_H_MIMEOLE:
        buf_str(out, m->mime_ole);
        break;
    case MAIL_H_REPLY_TO:
        buf_span(out, p->reply_to.n ? p->reply_to : p->from);
        break;
    case MAIL_H_SENDER:
        buf_span(out, p->from);
        break;
    case MAIL_H_ORGANIZATION:
        mail_shape_put(m->organization, &p->words, p->r, out);
        break;
    case MAIL_H_ORIGINATING:
        buf_byte(out, '[');
        mail_put_address(out, &p->words.address, '.');
        buf_byte(out, ']');
        break;
    case MAIL_H_THREAD:
        mail_shape_put("Ac%20u%8u==", &p->words, p->r, out);
        break;
    default:
        return false;
    }
    return true;
}

static void put_header(const struct mail_parts *p, enum mail_header h, struct span boundary,
                       struct buf *out)
{
    size_t before = out->n;
    if (h == MAIL_H_CONTENT) {
        put_content(p, boundary, out);
        return;
    }
    if (h == MAIL_H_MAILER) {
        mail_shape_put(p->mailer->mailer, &p->words, p->r, out);
        if (out->n > before)
            buf_put(out, "\r\n", 2);
        return;
    }
    buf_str(out, names[p->mailer->case_of_names][h]);
    buf_put(out, ": ", 2);
    if (put_value(p, h, out))
        buf_put(out, "\r\n", 2);
    else
        out->n = before;
}

void mail_put_parts(const struct mail_parts *p, struct buf *scratch, struct buf *out)
{
    scratch->n = 0;
    if (has_parts(p))
        mail_shape_put(p->mailer->boundary, &p->words, p->r, scratch);
    struct span boundary = buf_as_span(scratch);
    for (unsigned i = 0; i < p->mailer->headers; i++)
        put_header(p, p->mailer->header[i], boundary, out);
    buf_put(out, "\r\n", 2);
    if (has_parts(p))
        put_parts(p, boundary, out);
    else
        put_text_body(p, p->html.n, out);
    if (out->p[out->n - 1] != '\n')
        buf_put(out, "\r\n", 2);
}
