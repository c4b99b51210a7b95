#include "event/classify_view.h"

#include "event/classify.h"

#define TAIL_MAX (HTTP_BODY_KEEP + 1024) /* kept free for a body, or a subject, at the end */

const char *const view_number_name[VIEW_NUMBERS] = {
#define NUMBER(name) "ebb_" #name,
#define TEXT(name)
    CLASSIFY_VARIABLES(NUMBER, TEXT)
#undef NUMBER
#undef TEXT
};
const char *const view_text_name[VIEW_TEXTS] = {
#define NUMBER(name)
#define TEXT(name) "ebb_" #name,
    CLASSIFY_VARIABLES(NUMBER, TEXT)
#undef NUMBER
#undef TEXT
};

static struct span cut(struct span s, size_t max)
{
    return span_of(s.p, s.n < max ? s.n : max);
}

static void text(struct view *v, enum view_text which, struct span s)
{
    v->text[which] = cut(s, CLASSIFY_TEXT_MAX);
}

/* Appends as much as leaves `keep` bytes of the view's bound. */
static void put(struct view *v, struct span s, size_t keep)
{
    size_t full = CLASSIFY_VIEW_MAX - keep;
    buf_span(&v->bytes, cut(s, v->bytes.n < full ? full - v->bytes.n : 0));
}

static void put_line(struct view *v, const char *name, struct span value, const char *end)
{
    if (!value.n)
        return;
    put(v, span_str(name), TAIL_MAX);
    put(v, value, TAIL_MAX);
    put(v, span_str(end), TAIL_MAX);
}

/* "GET /x HTTP/1.1" again; a version that is none is shown as it was sent. Returns the offset of
 * the version. */
static size_t request_line(struct view *v, const struct event *ev)
{
    struct span version = ev->http.version;
    put(v, ev->http.method, TAIL_MAX);
    put(v, span_str(" "), TAIL_MAX);
    put(v, ev->http.target, TAIL_MAX);
    put(v, span_str(version.n ? " " : ""), TAIL_MAX);
    size_t at = v->bytes.n;
    if (version.n && version.p[0] >= '0' && version.p[0] <= '9')
        put(v, span_str("HTTP/"), TAIL_MAX);
    put(v, version, TAIL_MAX);
    put(v, span_str("\r\n"), TAIL_MAX);
    return at;
}

/* Headers are recorded with the empty line behind them, or without it. */
static bool has_empty_line(struct span headers)
{
    return (headers.n >= 4 && memcmp(headers.p + headers.n - 4, "\r\n\r\n", 4) == 0) ||
           (headers.n >= 2 && memcmp(headers.p + headers.n - 2, "\n\n", 2) == 0);
}

static void http(struct view *v, const struct event *ev)
{
    text(v, VIEW_kind, span_str("http"));
    text(v, VIEW_method, ev->http.method);
    text(v, VIEW_target, ev->http.target);
    text(v, VIEW_host, ev->http.host);
    text(v, VIEW_user_agent, ev->http.user_agent);
    text(v, VIEW_referer, ev->http.referer);
    text(v, VIEW_anomalies, ev->http.anomalies);
    size_t version_at = request_line(v, ev), version_end = v->bytes.n;
    v->number[VIEW_headers_at] = version_end;
    if (ev->http.headers.n) {
        put(v, ev->http.headers, TAIL_MAX);
    } else { /* a feed or a log file: what it says of them */
        put_line(v, "Host: ", ev->http.host, "\r\n");
        put_line(v, "User-Agent: ", ev->http.user_agent, "\r\n");
        put_line(v, "Referer: ", ev->http.referer, "\r\n");
    }
    if (!has_empty_line(buf_as_span(&v->bytes)))
        put(v, span_str("\r\n"), HTTP_BODY_KEEP);
    v->number[VIEW_body_at] = v->bytes.n;
    v->number[VIEW_body_size] = ev->http.body_size;
    put(v, cut(ev->http.body, HTTP_BODY_KEEP), 0);
    if (ev->http.version.n && version_end >= version_at + 2) /* the bytes no longer move */
        text(v, VIEW_version, span_of(v->bytes.p + version_at, version_end - version_at - 2));
}

static void smtp(struct view *v, const struct event *ev)
{
    text(v, VIEW_kind, span_str("smtp"));
    text(v, VIEW_helo, ev->smtp.helo);
    text(v, VIEW_mail_from, ev->smtp.mail_from);
    text(v, VIEW_subject, ev->smtp.subject);
    if (ev->smtp.dialogue.n) {
        put(v, ev->smtp.dialogue, TAIL_MAX);
    } else { /* a log file: the commands that it must have been */
        put_line(v, "HELO ", ev->smtp.helo, "\r\n");
        put_line(v, "MAIL FROM:<", ev->smtp.mail_from, ">\r\n");
        for (size_t i = 0; i < ev->smtp.rcpt_to.n && i < EVENT_RCPT_MAX; i++)
            put_line(v, "RCPT TO:<", ev->smtp.rcpt_to.v[i], ">\r\n");
    }
    v->number[VIEW_subject_at] = v->bytes.n;
    v->number[VIEW_mail_size] = ev->smtp.size;
    put(v, cut(ev->smtp.subject, TAIL_MAX), 0);
}

static void dns(struct view *v, const struct event *ev)
{
    text(v, VIEW_kind, span_str("dns"));
    text(v, VIEW_qname, ev->dns.qname);
    text(v, VIEW_qtype, ev->dns.qtype);
    text(v, VIEW_qclass, ev->dns.qclass.n ? ev->dns.qclass : span_str("IN"));
    put(v, ev->dns.qname, 0);
}

static void raw(struct view *v, const struct event *ev)
{
    text(v, VIEW_kind, span_str("raw"));
    put(v, cut(ev->raw.client, CLASSIFY_VIEW_MAX / 2), 0);
    v->number[VIEW_server_at] = v->bytes.n;
    v->number[VIEW_client_size] = ev->raw.client_size;
    v->number[VIEW_server_size] = ev->raw.server_size;
    put(v, ev->raw.server, 0);
}

bool view_build(struct view *v, const struct event *ev)
{
    v->bytes.n = 0;
    memset(v->number, 0, sizeof v->number);
    memset(v->text, 0, sizeof v->text);
    v->number[VIEW_src_port] = ev->src_port;
    v->number[VIEW_dst_port] = ev->dst_port;
    text(v, VIEW_protocol, ev->protocol);
    text(v, VIEW_transport, ev->transport);
    if (ev->http.has)
        http(v, ev);
    else if (ev->smtp.has)
        smtp(v, ev);
    else if (ev->dns.has)
        dns(v, ev);
    else if (ev->raw.has)
        raw(v, ev);
    return v->text[VIEW_kind].n != 0;
}

void view_free(struct view *v)
{
    buf_free(&v->bytes);
}

void classify_view(const struct event *ev, struct buf *out)
{
    struct view v = {0};
    if (view_build(&v, ev))
        buf_span(out, buf_as_span(&v.bytes));
    view_free(&v);
}

void classify_view_variables(const struct event *ev, struct buf *out)
{
    struct view v = {0};
    view_build(&v, ev);
    for (int i = 0; i < VIEW_NUMBERS; i++)
        buf_printf(out, "%s=%llu\n", view_number_name[i], (unsigned long long)v.number[i]);
    for (int i = 0; i < VIEW_TEXTS; i++) {
        buf_printf(out, "%s=", view_text_name[i]);
        for (size_t k = 0; k < v.text[i].n; k++) {
            uint8_t c = v.text[i].p[k];
            buf_byte(out, c < 0x20 || c == 0x7f ? '?' : c);
        }
        buf_byte(out, '\n');
    }
    view_free(&v);
}
