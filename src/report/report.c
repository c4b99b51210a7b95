#include "report/report.h"

#include <errno.h>
#include <stdio.h>

#include "base/utc.h"
#include "report/formats.h"
#include "report/message.h"
#include "report/row.h"
#include "report/text.h"

/* Beside a file that has them all, the text shows so many of each kind. */
#define TEXT_ROWS_BESIDE_FILE 200
#define FILENAME_MAX_BYTES    128

static const char *const names[REPORT_FORMATS] = {
    [REPORT_XARF] = "xarf", [REPORT_ARF] = "arf",   [REPORT_CSV] = "csv",
    [REPORT_STIX] = "stix", [REPORT_TEXT] = "text",
};

const char *report_format_name(enum report_format format)
{
    return format < REPORT_FORMATS ? names[format] : NULL;
}

int report_format_of(struct span name)
{
    for (int f = 0; f < REPORT_FORMATS; f++)
        if (span_is(name, names[f]))
            return f;
    return -1;
}

/* A report on its way into a mail. */
struct writer {
    struct arena arena;
    const struct report *r;
    struct buf *out;
    struct buf subject; /* made once */
    struct span domain; /* of Message-IDs */
    size_t infected;    /* rows that are not gone: those that machines are told of */
};

static struct span domain_of(const struct report_from *f)
{
    if (f->domain.n)
        return f->domain;
    const uint8_t *at = f->mail.n ? memchr(f->mail.p, '@', f->mail.n) : NULL;
    return at ? span_of(at + 1, (size_t)(f->mail.p + f->mail.n - at - 1)) : f->domain;
}

static struct writer writer_of(const struct report *r, struct buf *out)
{
    struct writer w = {.r = r, .out = out, .domain = domain_of(r->from)};
    for (size_t i = 0; i < r->n; i++)
        w.infected += r->rows[i].what != REPORT_GONE;
    return w;
}

static int check_word(struct span s, bool good, const char *what, struct err *err)
{
    if (good)
        return 0;
    return err_set(err, -EINVAL, "report: no %s: \"%.*s\"", what, (int)(s.n < 100 ? s.n : 100),
                   s.n ? (const char *)s.p : "");
}

/* Whatever gets into a header as it is. */
static int check(const struct writer *w, struct err *err)
{
    const struct report *r = w->r;
    const struct report_from *f = r->from;
    int e;
    if ((e = check_word(r->id, message_is_id(r->id), "usable id", err)) < 0 ||
        (e = check_word(r->contact, message_is_address(r->contact), "mail address of a contact",
                        err)) < 0 ||
        (e = check_word(f->mail, message_is_address(f->mail), "mail address of the reporter",
                        err)) < 0 ||
        (e = check_word(w->domain, message_is_domain(w->domain), "domain of the reporter", err)) <
            0 ||
        (e = check_word(f->name, f->name.n && message_is_line(f->name), "name of the reporter",
                        err)) < 0 ||
        (e = check_word(f->org, message_is_line(f->org), "organisation", err)) < 0 ||
        (e = check_word(f->case_name, message_is_line(f->case_name), "name of a case", err)) < 0)
        return e;
    if (r->n > REPORT_ROWS_MAX)
        return err_set(err, -EINVAL, "report: %zu rows, %d at most", r->n, REPORT_ROWS_MAX);
    for (size_t i = 0; i < r->n; i++)
        if (r->rows[i].what > REPORT_GONE || !ip_is_set(&r->rows[i].ip))
            return err_set(err, -EINVAL, "report: row %zu has no address", i + 1);
    return 0;
}

/* Headers of the whole, up to MIME-Version; n > 0: of the n-th report within. */
static void headers(struct writer *w, unsigned n)
{
    const struct report *r = w->r;
    struct buf id = {0}, display = {0};
    if (!w->subject.n)
        text_subject(&w->arena, r, &w->subject);
    buf_byte(&id, '<');
    buf_span(&id, r->id);
    if (n)
        buf_printf(&id, ".%u", n);
    buf_byte(&id, '@');
    buf_span(&id, w->domain);
    buf_byte(&id, '>');
    buf_span(&display, words_clean(&w->arena, r->from->org.n ? r->from->org : r->from->name, 200));
    message_date(w->out, "Date", r->made);
    message_mailbox(w->out, "From", buf_as_span(&display), r->from->mail);
    message_header(w->out, "To", r->contact);
    message_text(w->out, "Subject", buf_as_span(&w->subject));
    message_header(w->out, "Message-ID", buf_as_span(&id));
    message_header(w->out, "Auto-Submitted", span_str("auto-generated")); /* RFC 3834 */
    message_header(w->out, "MIME-Version", span_str("1.0"));
    buf_free(&id);
    buf_free(&display);
}

static void text_part(struct writer *w, const char *attached)
{
    const struct text_form form = {attached, attached ? TEXT_ROWS_BESIDE_FILE : SIZE_MAX};
    struct buf text = {0};
    text_put(&w->arena, w->r, &form, &text);
    message_body_text(w->out, "text/plain", text_language(w->r), buf_as_span(&text));
    buf_free(&text);
}

/* "2026-11-30-event4_sinkhole-case.csv", as Shadowserver's files are called and told apart. */
static void file_name(const struct writer *w, const char *what, const char *end,
                      char out[FILENAME_MAX_BYTES])
{
    char date[UTC_TEXT_MAX], slug[32];
    size_t n = 0;
    utc_format_date(w->r->made, date);
    struct span s = w->r->from->case_name;
    for (size_t i = 0; i < s.n && n + 1 < sizeof slug; i++) {
        uint8_t c = s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (letter || (n && slug[n - 1] != '-'))
            slug[n++] = letter ? (char)c : '-';
    }
    slug[n] = 0;
    snprintf(out, FILENAME_MAX_BYTES, "%s-%s%s%s%s", date, what, n ? "-" : "", slug, end);
}

static const struct report_row *next_infected(const struct report *r, size_t *i)
{
    while (*i < r->n && r->rows[*i].what == REPORT_GONE)
        ++*i;
    return *i < r->n ? &r->rows[(*i)++] : NULL;
}

static void feedback_part(struct writer *w, const struct report_row *row, bool xarf)
{
    struct buf b = {0};
    (xarf ? arf_feedback_xarf : arf_feedback)(&w->arena, w->r, row, &b);
    buf_str(w->out, "Content-Type: message/feedback-report\r\nContent-Disposition: inline\r\n\r\n");
    struct cur c = cur_of(buf_as_span(&b));
    while (cur_left(&c)) {
        buf_span(w->out, cur_line(&c));
        buf_put(w->out, "\r\n", 2);
    }
    buf_put(w->out, "\r\n", 2);
    buf_free(&b);
}

static void xarf_mail(struct writer *w)
{
    char boundary[MESSAGE_BOUNDARY_MAX], name[32];
    struct buf document = {0};
    const struct report_row *row;
    size_t at = 0, n = 0, first = 0;
    message_boundary(w->r->id, 0, boundary);
    message_multipart(w->out, "report; report-type=feedback-report", boundary);
    message_part(w->out, boundary);
    text_part(w, "XARF");
    message_part(w->out, boundary);
    feedback_part(w, w->infected == 1 ? next_infected(w->r, &first) : NULL, true);
    while ((row = next_infected(w->r, &at))) {
        n++;
        snprintf(name, sizeof name, n == 1 ? "xarf.json" : "xarf-%zu.json", n);
        document.n = 0;
        xarf_put(&w->arena, w->r, row, &document);
        message_part(w->out, boundary);
        message_body_base64(w->out, "application/json", name, buf_as_span(&document));
    }
    message_end(w->out, boundary);
    buf_free(&document);
}

/* A whole RFC 5965 report behind its headers; n as for headers(). */
static void arf_report(struct writer *w, const struct report_row *row, unsigned n)
{
    char boundary[MESSAGE_BOUNDARY_MAX];
    struct buf b = {0};
    message_boundary(w->r->id, n, boundary);
    message_multipart(w->out, "report; report-type=feedback-report", boundary);
    message_part(w->out, boundary);
    if (n) {
        row_evidence(&w->arena, w->r, row, &b);
        message_body_text(w->out, "text/plain", NULL, buf_as_span(&b));
    } else {
        text_part(w, "ARF");
    }
    message_part(w->out, boundary);
    feedback_part(w, row, false);
    message_part(w->out, boundary);
    b.n = 0;
    arf_headers(&w->arena, w->r, row, &b);
    message_body_text(w->out, "text/rfc822-headers", NULL, buf_as_span(&b));
    message_end(w->out, boundary);
    buf_free(&b);
}

/* A report is on one source. Several go as messages within one, as forwarded ones do. */
static void arf_mail(struct writer *w)
{
    size_t at = 0;
    const struct report_row *row = next_infected(w->r, &at);
    if (w->infected == 1) {
        arf_report(w, row, 0);
        return;
    }
    char boundary[MESSAGE_BOUNDARY_MAX];
    message_boundary(w->r->id, 0, boundary);
    message_multipart(w->out, "mixed", boundary);
    message_part(w->out, boundary);
    text_part(w, "ARF");
    for (unsigned n = 1; row; row = next_infected(w->r, &at), n++) {
        message_part(w->out, boundary);
        buf_str(w->out, "Content-Type: message/rfc822\r\n\r\n");
        headers(w, n);
        arf_report(w, row, n);
    }
    message_end(w->out, boundary);
}

static void csv_attachment(struct writer *w, const char *boundary, enum csv_report report)
{
    char name[FILENAME_MAX_BYTES];
    struct buf b = {0};
    const struct report_row *row;
    csv_head(report, &b);
    size_t head = b.n;
    for (size_t at = 0; (row = next_infected(w->r, &at));)
        if (csv_report_of(row) == report)
            csv_row(&w->arena, report, row, &b);
    if (b.n > head) {
        file_name(w, csv_report_name(report), ".csv", name);
        message_part(w->out, boundary);
        message_body_base64(w->out, "text/csv; charset=utf-8", name, buf_as_span(&b));
    }
    buf_free(&b);
}

static void file_mail(struct writer *w, enum report_format format)
{
    char boundary[MESSAGE_BOUNDARY_MAX], name[FILENAME_MAX_BYTES];
    message_boundary(w->r->id, 0, boundary);
    message_multipart(w->out, "mixed", boundary);
    message_part(w->out, boundary);
    text_part(w, format == REPORT_CSV ? "CSV" : "STIX 2.1");
    if (format == REPORT_CSV) {
        for (int report = 0; report < CSV_REPORTS; report++)
            csv_attachment(w, boundary, (enum csv_report)report);
    } else {
        struct buf b = {0};
        stix_put(&w->arena, w->r, &b);
        file_name(w, "stix", ".json", name);
        message_part(w->out, boundary);
        message_body_base64(w->out, "application/stix+json; version=2.1", name, buf_as_span(&b));
        buf_free(&b);
    }
    message_end(w->out, boundary);
}

int report_mail(const struct report *r, enum report_format format, struct buf *out, struct err *err)
{
    struct writer w = writer_of(r, out);
    int e = check(&w, err);
    if (e < 0)
        return e;
    bool each = format == REPORT_XARF || format == REPORT_ARF;
    if (each && w.infected > REPORT_ARF_ROWS_MAX)
        return err_set(err, -EINVAL, "report: %zu infected addresses, %d at most in %s mails",
                       w.infected, REPORT_ARF_ROWS_MAX, names[format]);
    headers(&w, 0);
    if (w.infected == 0 || format == REPORT_TEXT) /* nothing for machines */
        text_part(&w, NULL);
    else if (format == REPORT_XARF)
        xarf_mail(&w);
    else if (format == REPORT_ARF)
        arf_mail(&w);
    else
        file_mail(&w, format);
    buf_free(&w.subject);
    arena_free(&w.arena);
    return 0;
}

int report_data(const struct report *r, enum report_format format, struct buf *out, struct err *err)
{
    struct writer w = writer_of(r, out);
    const struct report_row *row;
    int e = check(&w, err);
    if (e < 0)
        return e;
    if (format == REPORT_XARF) {
        for (size_t at = 0; (row = next_infected(r, &at));) {
            xarf_put(&w.arena, r, row, out);
            buf_byte(out, '\n');
        }
    } else if (format == REPORT_CSV) {
        report_csv_head(out);
        for (size_t at = 0; (row = next_infected(r, &at));)
            csv_row(&w.arena, CSV_SINKHOLE4_HTTP, row, out);
    } else if (format == REPORT_STIX) {
        stix_put(&w.arena, r, out);
        buf_byte(out, '\n');
    } else if (format == REPORT_TEXT) {
        report_text(r, out);
    } else {
        e = err_set(err, -ENOTSUP, "report: ARF is a form of mail, not of data");
    }
    arena_free(&w.arena);
    return e;
}

void report_text(const struct report *r, struct buf *out)
{
    const struct text_form form = {NULL, SIZE_MAX};
    struct arena arena = {0};
    text_put(&arena, r, &form, out);
    arena_free(&arena);
}
