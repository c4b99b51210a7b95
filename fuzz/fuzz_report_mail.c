/* Reports of hostile texts: whatever is in the rows and the operator's names, a mail that is made
 * is whole, has the headers it should have and no others, and our own scanner reads back from it
 * what went in; documents are JSON (jansson's word) and CSV rows have their cells. */
#include <jansson.h>

#include "import/csv.h"
#include "must.h"
#include "report/sample.h"
#include "wire/mime.h"

#define ROWS_MAX    4
#define SEPARATOR   0xff /* between texts; in no UTF-8 */
#define LINE_BYTES  998
#define CSV_COLUMNS 36

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mime_scanner *scanner;
static struct arena arena;

static struct span text(struct cur *c)
{
    size_t left = cur_left(c);
    const uint8_t *end = left ? memchr(c->p, SEPARATOR, left) : NULL;
    struct span s = span_of(c->p, end ? (size_t)(end - c->p) : left);
    c->p = end ? end + 1 : c->end;
    return s;
}

static uint8_t byte(struct cur *c)
{
    uint8_t v = 0;
    cur_u8(c, &v);
    return v;
}

static void row_of(struct cur *c, struct report_row *row)
{
    static const char *const protocols[] = {"http", "smtp", "raw", "dns", "irc", "tls", ""};
    uint8_t flags = byte(c), kind = byte(c);
    *row = sample_row(flags & 1 ? "2001:db8::1" : "192.0.2.1", byte(c));
    row->what = flags >> 1 & 3;
    row->what = row->what > REPORT_GONE ? REPORT_NEW : row->what;
    if (flags & 8)
        row->src_port = row->dst_port = 0, row->asn = 0;
    if (flags & 16)
        memset(&row->dst_ip, 0, sizeof row->dst_ip);
    row->protocol = span_str(protocols[kind % 7]);
    if (flags & 32)
        row->protocol = text(c);
    row->family = text(c), row->host = text(c), row->agent = text(c);
    row->method = text(c), row->target = text(c), row->as_name = text(c);
    row->helo = text(c), row->mail_from = text(c), row->subject = text(c);
    row->transport = flags & 64 ? text(c) : span_str("tcp");
    row->country[0] = (char)kind;
}

static void check_lines(struct span mail)
{
    size_t run = 0;
    must(mail.n > 2 && mail.p[mail.n - 1] == '\n');
    for (size_t i = 0; i < mail.n; i++) {
        uint8_t c = mail.p[i];
        must(c >= 0x20 ? c < 0x7f : c == '\r' || c == '\n');
        must(c != '\r' || (i + 1 < mail.n && mail.p[i + 1] == '\n'));
        must(c != '\n' || (i && mail.p[i - 1] == '\r'));
        run = c == '\n' ? 0 : run + 1;
        must(run <= LINE_BYTES + 1);
    }
}

static void check_headers(const struct mime *m, const struct report *r)
{
    static const char *const names[] = {"Date",
                                        "From",
                                        "To",
                                        "Subject",
                                        "Message-ID",
                                        "Auto-Submitted",
                                        "MIME-Version",
                                        "Content-Type",
                                        "Content-Language",
                                        "Content-Transfer-Encoding"};
    unsigned seen = 0;
    for (unsigned i = 0; i < m->part[0].headers; i++) {
        const struct mime_header *h = &m->header[m->part[0].first_header + i];
        unsigned k = 0;
        while (k < sizeof names / sizeof *names && !span_is(h->name, names[k]))
            k++;
        must(k < sizeof names / sizeof *names && !(seen >> k & 1));
        seen |= 1u << k;
    }
    must((seen & 0xff) == 0xff);
    must(span_eq(mime_header(m, 0, "To")->value, r->contact));
}

static void check_json(struct span s)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES, &error);
    must(json != NULL);
    json_decref(json);
}

/* The documents of the mail are those that report_data() gives, a line each. */
static void check_documents(const struct mime *m, const struct report *r, enum report_format format,
                            const char *type)
{
    struct buf want = {0};
    must(report_data(r, format, &want, NULL) == 0);
    struct cur c = cur_of(buf_as_span(&want));
    for (unsigned i = 0; i < m->parts; i++) {
        if (!span_is(m->part[i].type, type))
            continue;
        must(span_eq(m->part[i].body, cur_line(&c)));
        check_json(m->part[i].body);
    }
    buf_free(&want);
}

static void check_csv(const struct report *r, size_t infected)
{
    struct buf b = {0};
    struct source *src;
    struct csv_row row;
    size_t n = 0;
    must(report_data(r, REPORT_CSV, &b, NULL) == 0);
    must(source_open_memory(buf_as_span(&b), "report", &src, NULL) == 0);
    struct csv *csv = csv_open(src);
    for (int e; (e = csv_next(csv, &row, NULL)) != CSV_END; n++)
        must(e == CSV_ROW && row.n == CSV_COLUMNS);
    must(n == infected + 1);
    csv_close(csv);
    source_close(src);
    buf_free(&b);
}

/* The text part alone, as it was before it was encoded. */
static void check_text(const struct mime *m, const struct report *r)
{
    struct buf want = {0};
    report_text(r, &want);
    struct cur a = cur_of(m->part[0].body), b = cur_of(buf_as_span(&want));
    while (cur_left(&b))
        must(span_eq(span_trim(cur_line(&a)), span_trim(cur_line(&b))));
    must(cur_left(&a) == 0 && span_is_utf8(buf_as_span(&want)));
    buf_free(&want);
}

static void check_mail(struct span mail, const struct report *r, enum report_format format,
                       size_t infected)
{
    struct mime m;
    check_lines(mail);
    mime_scan(scanner, mail, &arena, &m);
    must(m.anomalies == 0);
    check_headers(&m, r);
    if (infected == 0 || format == REPORT_TEXT) {
        must(m.parts == 1);
        check_text(&m, r);
    } else if (format == REPORT_XARF) {
        must(m.parts == 3 + infected);
        check_documents(&m, r, format, "application/json");
    } else if (format == REPORT_STIX) {
        must(m.parts == 3);
        check_documents(&m, r, format, "application/stix+json");
    } else if (format == REPORT_ARF) {
        must(m.parts == (infected == 1 ? 4 : 2 + 5 * infected));
    } else {
        must(m.parts >= 3 && m.parts <= 6);
        check_csv(r, infected);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const languages[] = {"en", "de", "fr", "es"};
    struct cur c = cur_of(span_of(data, size));
    struct report_row rows[ROWS_MAX];
    struct report_from from = sample_from();
    uint8_t format = byte(&c) % REPORT_FORMATS, flags = byte(&c);
    struct report r = sample_report(&from, rows, byte(&c) % (ROWS_MAX + 1));
    size_t infected = 0;
    r.language = span_str(languages[flags & 3]);
    if (flags & 4)
        r.id = text(&c), r.contact = text(&c), from.mail = text(&c);
    if (flags & 8)
        from.domain = text(&c);
    if (flags & 16)
        from.org = text(&c), from.name = text(&c), from.case_name = text(&c);
    if (flags & 32)
        from.page = text(&c), from.web = text(&c), from.phone = text(&c), r.log_origin = text(&c);
    for (size_t i = 0; i < r.n; i++) {
        row_of(&c, &rows[i]);
        infected += rows[i].what != REPORT_GONE;
    }
    scanner = scanner ? scanner : mime_scanner_new();
    arena_reset(&arena);
    struct buf mail = {0}, again = {0};
    if (report_mail(&r, format, &mail, NULL) == 0) {
        check_mail(buf_as_span(&mail), &r, format, infected);
        must(report_mail(&r, format, &again, NULL) == 0);
        must(span_eq(buf_as_span(&mail), buf_as_span(&again)));
    } else {
        must(mail.n == 0);
    }
    buf_free(&mail);
    buf_free(&again);
    return 0;
}
