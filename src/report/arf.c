/* ARF (RFC 5965): a report on one source. Spam is "abuse"; what is no mail is "other", the
 * registered word for it. The third part has the headers of what was seen, made up from it: the
 * mails themselves are not handed on. Recipients are not named (RFC 6590 lets them be replaced). */
#include "base/utc.h"
#include "report/formats.h"
#include "report/message.h"
#include "report/row.h"

#define USER_AGENT "ebb/" EBB_VERSION

static void field(struct buf *out, const char *name, struct span value)
{
    if (!value.n)
        return;
    buf_str(out, name);
    buf_put(out, ": ", 2);
    buf_span(out, value);
    buf_byte(out, '\n');
}

static void number(struct buf *out, const char *name, uint64_t n)
{
    if (!n)
        return;
    buf_str(out, name);
    buf_put(out, ": ", 2);
    number_put(out, n);
    buf_byte(out, '\n');
}

/* Written as mail is, and taken back to LF. */
static void lf(struct buf *out, size_t from)
{
    size_t n = from;
    for (size_t i = from; i < out->n; i++)
        if (out->p[i] != '\r')
            out->p[n++] = out->p[i];
    out->n = n;
}

static void begin(struct buf *out, const char *type)
{
    field(out, "Feedback-Type", span_str(type));
    buf_str(out, "User-Agent: " USER_AGENT "\nVersion: 1\n");
}

static void source(struct buf *out, const struct report_row *row)
{
    char text[IP_TEXT_MAX];
    field(out, "Source-IP", span_of(text, ip_format(&row->ip, text)));
    number(out, "Source-Port", row->src_port); /* RFC 6692 */
    size_t from = out->n;
    message_date(out, "Arrival-Date", row->time);
    lf(out, from);
    number(out, "Incidents", row->contacts);
}

void arf_feedback(struct arena *arena, const struct report *r, const struct report_row *row,
                  struct buf *out)
{
    bool spam = row_is_spam(row);
    struct span sender = row_sender(arena, row);
    begin(out, spam ? "abuse" : "other");
    source(out, row);
    if (spam && sender.n) {
        buf_str(out, "Original-Mail-From: <");
        buf_span(out, sender);
        buf_str(out, ">\n");
    }
    if (r->from->domain.n) {
        buf_str(out, "Reporting-MTA: dns; ");
        buf_span(out, r->from->domain);
        buf_byte(out, '\n');
    }
    if (!spam)
        field(out, "Reported-Domain", row_domain(arena, row));
}

void arf_feedback_xarf(struct arena *arena, const struct report *r, const struct report_row *row,
                       struct buf *out)
{
    begin(out, "xarf");
    if (row)
        source(out, row);
}

/* A comment of RFC 5322: outside words with what would end it left out. */
static void comment(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] > ' ' && s.p[i] < 0x7f && !strchr("()\\<>;:,\"[]", s.p[i]))
            buf_byte(out, s.p[i]);
}

#define HELO_MAX 255

static void received(struct arena *arena, const struct report_row *row, struct buf *out)
{
    char text[ROW_END_MAX];
    struct span helo = words_clean(arena, row->helo, HELO_MAX);
    buf_str(out, "Received: from ");
    if (message_is_domain(helo)) {
        buf_span(out, helo);
        buf_str(out, " ([");
    } else {
        buf_str(out, "unknown (");
        comment(out, helo);
        buf_str(out, helo.n ? " [" : "[");
    }
    buf_put(out, text, ip_format(&row->ip, text));
    buf_byte(out, ']');
    if (row->src_port) {
        buf_str(out, " port ");
        number_put(out, row->src_port);
    }
    buf_str(out, ")\r\n by sinkhole");
    if (ip_is_set(&row->dst_ip)) {
        buf_str(out, " ([");
        buf_put(out, text, ip_format(&row->dst_ip, text));
        buf_str(out, "] port ");
        number_put(out, row->dst_port);
        buf_byte(out, ')');
    }
    if (span_is(row->protocol, "smtp"))
        buf_str(out, " with SMTP");
    buf_str(out, ";\r\n");
    struct buf date = {0};
    message_date(&date, "", row->time);
    buf_put(out, date.p + 1, date.n - 1); /* without the colon */
    buf_free(&date);
}

void arf_headers(struct arena *arena, const struct report *r, const struct report_row *row,
                 struct buf *out)
{
    size_t from = out->n;
    if (row_is_spam(row)) {
        struct span sender = row_sender(arena, row);
        buf_str(out, "Return-Path: <");
        buf_span(out, sender);
        buf_str(out, ">\r\n");
        received(arena, row, out);
        buf_str(out, "To: redacted@redacted.invalid\r\n");
        if (row->subject.n)
            message_text(out, "Subject", row_subject(arena, row));
    } else {
        received(arena, row, out);
        struct buf request = {0};
        buf_span(&request, words_clean(arena, row->method, ROW_FAMILY_MAX));
        if (request.n)
            buf_byte(&request, ' ');
        buf_span(&request, row_path(arena, row));
        if (request.n)
            message_text(out, "X-HTTP-Request", buf_as_span(&request));
        buf_free(&request);
        if (row->host.n)
            message_text(out, "X-Host", words_clean(arena, row->host, ROW_WORDS_MAX));
        if (row->agent.n)
            message_text(out, "User-Agent", words_clean(arena, row->agent, ROW_WORDS_MAX));
    }
    message_date(out, "Date", row->time);
    buf_put(out, "\r\n", 2); /* their end */
    lf(out, from);
}
