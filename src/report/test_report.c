/* Reports as mail and as data: whole, the same each time, and with nothing that they must not say.
 */
#include <errno.h>

#include "base/tap.h"
#include "report/formats.h"
#include "report/sample.h"
#include "report/uuid.h"
#include "wire/mime.h"

static struct arena arena;
static struct mime_scanner *scanner;
static struct report_from from;

static struct span kept(const struct buf *b)
{
    return span_of(arena_copy(&arena, b->p, b->n), b->n);
}

static struct span mail_of(const struct report *r, enum report_format format)
{
    struct buf b = {0};
    struct err err = {0};
    int e = report_mail(r, format, &b, &err);
    if (e < 0)
        printf("# %s\n", err.text);
    struct span s = e < 0 ? span_of(NULL, 0) : kept(&b);
    buf_free(&b);
    return s;
}

static struct span data_of(const struct report *r, enum report_format format)
{
    struct buf b = {0};
    int e = report_data(r, format, &b, NULL);
    struct span s = e < 0 ? span_of(NULL, 0) : kept(&b);
    buf_free(&b);
    return s;
}

static bool has(struct span s, const char *what)
{
    return s.n && memmem(s.p, s.n, what, strlen(what));
}

static unsigned count_of(struct span s, const char *what)
{
    unsigned n = 0;
    size_t k = strlen(what);
    for (size_t i = 0; i + k <= s.n; i++)
        n += memcmp(s.p + i, what, k) == 0;
    return n;
}

/* The first leaf of that type. */
static struct span part_of(const struct mime *m, const char *type)
{
    for (unsigned i = 0; i < m->parts; i++)
        if (span_is(m->part[i].type, type))
            return m->part[i].body;
    return span_of(NULL, 0);
}

static unsigned parts_of(const struct mime *m, const char *type)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->parts; i++)
        n += span_is(m->part[i].type, type);
    return n;
}

/* What is said anywhere in it, decoded. */
static struct span all_words(const struct mime *m, struct span mail)
{
    struct buf b = {0};
    buf_span(&b, mail);
    for (unsigned i = 0; i < m->parts; i++) {
        buf_span(&b, m->part[i].body);
        buf_byte(&b, '\n');
    }
    for (unsigned i = 0; i < m->headers; i++) {
        buf_span(&b, mime_text(scanner, m->header[i].value, &arena));
        buf_byte(&b, '\n');
    }
    struct span s = kept(&b);
    buf_free(&b);
    return s;
}

static size_t some_rows(struct report_row *rows)
{
    rows[0] = sample_row("192.0.2.17", 2);
    rows[1] = sample_spam("192.0.2.25", 3);
    rows[2] = sample_row("2001:db8::9", 4);
    rows[2].what = REPORT_RETURNING;
    rows[3] = sample_row("192.0.2.99", 300);
    rows[3].what = REPORT_GONE;
    return 4;
}

static void test_every_format(void)
{
    struct report_row rows[4];
    struct report r = sample_report(&from, rows, some_rows(rows));
    for (int f = 0; f < REPORT_FORMATS; f++) {
        struct span mail = mail_of(&r, (enum report_format)f);
        struct mime m;
        mime_scan(scanner, mail, &arena, &m);
        printf("# %s\n", report_format_name((enum report_format)f));
        is_int(report_format_of(span_str(report_format_name((enum report_format)f))), f);
        is_int(m.anomalies, 0);
        ok(span_eq(mail, mail_of(&r, (enum report_format)f)), "the same report, the same bytes");
        ok(span_is(mime_header(&m, 0, "Message-ID")->value,
                   "<r4711.20261130@takedown.example.net>"),
           "Message-ID");
        ok(span_is(mime_header(&m, 0, "To")->value, "abuse@isp.example"), "To");
        ok(span_is(mime_header(&m, 0, "Date")->value, "Mon, 30 Nov 2026 11:00:00 +0000"), "Date");
        ok(span_is(mime_header(&m, 0, "Auto-Submitted")->value, "auto-generated"),
           "Auto-Submitted");
        ok(has(mime_text(scanner, mime_header(&m, 0, "Subject")->value, &arena),
               "[Rustock 2011] Infected computers in your network: new: 2, back: 1, gone: 1 "
               "(rustock)"),
           "Subject");
        struct span words = all_words(&m, mail);
        ok(has(words, "192.0.2.17") && has(words, "49152") && has(words, "2001:db8::9"),
           "it tells");
        ok(!has(words, "topic=") && !has(words, "4f1c2d"), "no query of a request");
        ok(!has(words, "user@example.org"), "no recipient");
        struct span text = part_of(&m, "text/plain");
        ok(has(text, "192.0.2.99") && has(text, "NO LONGER SEEN: 1"), "gone since: in the text");
    }
    is_int(report_format_of(span_str("pdf")), -1);
}

static void test_parts(void)
{
    struct report_row rows[4];
    struct report r = sample_report(&from, rows, some_rows(rows));
    struct mime m;
    mime_scan(scanner, mail_of(&r, REPORT_XARF), &arena, &m);
    ok(span_is(m.part[0].type, "multipart/report"), "XARF: a multipart/report");
    ok(span_is(mime_parameter(scanner, mime_header(&m, 0, "Content-Type")->value, "report-type",
                              &arena),
               "feedback-report"),
       "of feedback-report");
    is_int(m.parts, 6);
    is_int(parts_of(&m, "application/json"), 3);
    ok(span_is(m.part[1].type, "text/plain") && span_is(m.part[2].type, "message/feedback-report"),
       "for people, then for machines");
    ok(has(m.part[2].raw, "Feedback-Type: xarf\r\n"), "Feedback-Type");
    ok(span_is(m.part[3].name, "xarf.json") && span_is(m.part[4].name, "xarf-2.json"), "names");
    ok(!has(part_of(&m, "application/json"), "192.0.2.99"), "gone ones are not reported again");

    mime_scan(scanner, mail_of(&r, REPORT_CSV), &arena, &m);
    is_int(parts_of(&m, "text/csv"), 3);
    ok(span_is(m.part[2].name, "2026-11-30-event4_sinkhole-rustock-2011.csv"), "a file a report");
    ok(span_is(m.part[3].name, "2026-11-30-event4_sinkhole_http-rustock-2011.csv"), "of HTTP");
    ok(span_is(m.part[4].name, "2026-11-30-event6_sinkhole_http-rustock-2011.csv"), "and of IPv6");

    mime_scan(scanner, mail_of(&r, REPORT_STIX), &arena, &m);
    is_int(parts_of(&m, "application/stix+json"), 1);

    mime_scan(scanner, mail_of(&r, REPORT_ARF), &arena, &m);
    is_int(parts_of(&m, "message/rfc822"), 3);
    is_int(parts_of(&m, "multipart/report"), 3);
    is_int(parts_of(&m, "message/feedback-report"), 3);
    is_int(parts_of(&m, "text/rfc822-headers"), 3);
    r.rows++, r.n = 1; /* the spam alone */
    mime_scan(scanner, mail_of(&r, REPORT_ARF), &arena, &m);
    ok(span_is(m.part[0].type, "multipart/report") && m.parts == 4, "one: RFC 5965 as it is");
    struct span fields = m.part[2].raw, headers = m.part[3].body;
    ok(has(fields, "Feedback-Type: abuse\r\n") && has(fields, "Version: 1\r\n") &&
           has(fields, "Source-IP: 192.0.2.25\r\n") && has(fields, "Source-Port: 49152\r\n") &&
           has(fields, "Arrival-Date: Mon, 30 Nov 2026 08:00:00 +0000\r\n") &&
           has(fields, "Incidents: 12\r\n") &&
           has(fields, "Original-Mail-From: <kyle5181@example.com>"),
       "its fields");
    ok(has(headers, "Received: from dsl-17.example.net ([192.0.2.25] port 49152)") &&
           has(headers, "To: redacted@redacted.invalid"),
       "its headers");
    ok(!has(fields, "Rcpt") && !has(headers, "user@"), "no recipient");
    r.rows += 2; /* the gone one alone */
    for (int f = 0; f < REPORT_FORMATS; f++) {
        mime_scan(scanner, mail_of(&r, (enum report_format)f), &arena, &m);
        ok(m.parts == 1 && has(m.part[0].body, "192.0.2.99") && has(m.part[0].body, "nothing new"),
           "nothing for machines: a text");
    }
}

static void test_csv(void)
{
    struct report_row rows[4];
    struct report r = sample_report(&from, rows, some_rows(rows));
    rows[0].agent = span_str("say \"hi\", bot");
    struct span csv = data_of(&r, REPORT_CSV);
    ok(has(csv, "\n\"2026-11-30 09:00:00\",\"tcp\",\"192.0.2.17\",49152,64500,\"DE\",,,,,,,,,"
                "\"198.51.100.7\",80,,,,,,,,,\"rustock\",\"rustock\",,\"http\",,\"4713\","
                "\"POST /index.php\",\"c2.example.org\",\"say \"\"hi\"\", bot\",,,\n"),
       "a row");
    is_int(count_of(csv, "\n"), 4);
    rows[0].agent = span_str("=1+1");
    rows[0].host = span_str("@SUM(1)");
    csv = data_of(&r, REPORT_CSV);
    ok(has(csv, "\"'=1+1\"") && has(csv, "\"'@SUM(1)\""), "no formulas");
    struct buf b = {0};
    csv_head(CSV_SINKHOLE6, &b);
    is_int(count_of(buf_as_span(&b), ","), 29);
    b.n = 0;
    report_csv_head(&b);
    is_int(count_of(buf_as_span(&b), ","), 35);
    for (int report = 0; report < CSV_REPORTS; report++)
        for (unsigned i = 0; i < 4; i++) {
            b.n = 0;
            rows[i].agent = span_str("");
            csv_row(&arena, (enum csv_report)report, &rows[i], &b);
            ok(count_of(buf_as_span(&b), ",") == (report & 1 ? 35 : 29),
               "as many cells as columns");
        }
    buf_free(&b);
}

static void test_xarf(void)
{
    struct report_row rows[4];
    struct report r = sample_report(&from, rows, some_rows(rows));
    struct span a = data_of(&r, REPORT_XARF);
    is_int(count_of(a, "\n"), 3);
    is_int(count_of(a, "\"type\":\"botnet\""), 2);
    is_int(count_of(a, "\"type\":\"spam\""), 1);
    ok(has(a, "\"c2_server\":\"c2.example.org\",\"c2_protocol\":\"http\""), "C2");
    ok(has(a, "\"smtp_from\":\"kyle5181@example.com\",\"subject\":\"Re: redacted "), "the spam");
    const char *id = (const char *)memmem(a.p, a.n, "report_id", 9) + 12;
    ok(id[14] == '4' && strchr("89ab", id[19]), "a version 4 UUID");
    r.id = span_str("another");
    struct span b = data_of(&r, REPORT_XARF);
    ok(!memmem(b.p, b.n, id, 36), "another report has another id");
    rows[1].mail_from = span_str("bounce-user=example.org@spam.example.com");
    ok(has(data_of(&r, REPORT_XARF), "\"smtp_from\":\"redacted@spam.example.com\""), "no VERP");
    rows[1].src_port = 0;
    a = data_of(&r, REPORT_XARF);
    ok(!has(a, "\"type\":\"spam\"") && has(a, "\"bot_capabilities\":[\"spam\"]"),
       "spam without a port: a bot that sends spam");
    rows[0].family = span_str("_Spy/Bot \xc3\xa4"
                              "1");
    ok(has(data_of(&r, REPORT_XARF), "\"malware:spy-bot---1\""), "tags have few characters");
}

static void sco(const char *json, const char *want)
{
    static const uint8_t space[UUID_LEN] = {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
                                            0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7};
    uint8_t uuid[UUID_LEN];
    char text[UUID_TEXT_MAX];
    uuid_of_name(space, span_str(json), uuid);
    uuid_format(uuid, text);
    is_str(text, want);
}

static void test_stix(void)
{
    struct report_row rows[4];
    struct report r = sample_report(&from, rows, some_rows(rows));
    /* as in the standard's examples (2.9, 6.4, 6.9) and at other implementations */
    sco("{\"value\":\"198.51.100.3\"}", "28bb3599-77cd-5a82-a950-b5bc3caf07c4");
    sco("{\"value\":\"example.com\"}", "bedb4899-d24b-5401-bc86-8f6b4cc18ec7");
    rows[0].ip = sample_ip("198.51.100.3");
    rows[0].host = span_str("EXAMPLE.com:80");
    struct span a = data_of(&r, REPORT_STIX);
    ok(has(a,
           "\"id\":\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\",\"value\":\"198.51.100.3\""),
       "ids of observables are everybody's");
    ok(has(a, "\"id\":\"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7\""), "of domains too");
    is_int(count_of(a, "\"type\":\"sighting\""), 3);
    is_int(count_of(a, "\"type\":\"observed-data\""), 3);
    is_int(count_of(a, "\"type\":\"malware\""), 1);
    is_int(count_of(a, "\"type\":\"autonomous-system\""), 1);
    is_int(count_of(a, "\"type\":\"ipv4-addr\""), 3); /* two sources and the sinkhole */
    ok(!has(a, "192.0.2.99"), "gone ones are not sighted");
}

static void refused(const struct report *r, const char *what)
{
    struct buf b = {0};
    struct err err;
    bool good = true;
    for (int f = 0; f < REPORT_FORMATS; f++)
        good &= report_mail(r, (enum report_format)f, &b, &err) == -EINVAL && b.n == 0;
    ok(good);
    printf("# %s: %s\n", what, err.text);
    buf_free(&b);
}

static void test_refused(void)
{
    struct report_row rows[4];
    const struct report good = sample_report(&from, rows, some_rows(rows));
    struct report r = good;
    struct report_from f = from;
    r.contact = span_str("abuse@isp.example\r\nBcc: all@isp.example");
    refused(&r, "a line end in To");
    r.contact = span_str("abuse@isp.example, other@isp.example");
    refused(&r, "two addresses");
    r = good;
    r.id = span_str("a>\r\nX: y");
    refused(&r, "id");
    r = good;
    r.from = &f;
    f.name = span_str("Desk\nX: y");
    refused(&r, "name");
    f = from, f.mail = span_str("<a@b>");
    refused(&r, "mail");
    f = from, f.domain = span_str("a b");
    refused(&r, "domain");
    f = from, f.case_name = span_str("a\rb");
    refused(&r, "case");
    f = from, f.org = span_str("a\nb");
    refused(&r, "org");
    r = good;
    memset(&rows[2].ip, 0, sizeof rows[2].ip);
    refused(&r, "no address");
    struct buf b = {0};
    is_int(report_data(&good, REPORT_ARF, &b, NULL), -EINVAL);
    some_rows(rows);
    is_int(report_data(&good, REPORT_ARF, &b, NULL), -ENOTSUP);
    buf_free(&b);
}

static void test_limits(void)
{
    static struct report_row rows[REPORT_ROWS_MAX + 1];
    for (unsigned i = 0; i <= REPORT_ROWS_MAX; i++) {
        rows[i] = sample_row("192.0.2.1", 1);
        be32_put(rows[i].ip.b + 12, 0x0a000000 + i);
    }
    struct report r = sample_report(&from, rows, REPORT_ROWS_MAX);
    struct buf b = {0};
    is_int(report_mail(&r, REPORT_CSV, &b, NULL), 0);
    struct mime m;
    mime_scan(scanner, buf_as_span(&b), &arena, &m);
    ok(m.anomalies == 0 && has(m.part[1].body, "These are the first 200") &&
           m.part[1].body.n < 40000,
       "the text beside a long file is short");
    is_int(count_of(m.part[2].body, "\n"), REPORT_ROWS_MAX + 1);
    b.n = 0;
    is_int(report_mail(&r, REPORT_STIX, &b, NULL), 0);
    b.n = 0;
    is_int(report_mail(&r, REPORT_XARF, &b, NULL), -EINVAL);
    is_int(report_mail(&r, REPORT_ARF, &b, NULL), -EINVAL);
    r.n = REPORT_ARF_ROWS_MAX;
    is_int(report_mail(&r, REPORT_XARF, &b, NULL), 0);
    b.n = 0;
    is_int(report_mail(&r, REPORT_ARF, &b, NULL), 0);
    b.n = 0;
    r.n = REPORT_ROWS_MAX + 1;
    is_int(report_mail(&r, REPORT_TEXT, &b, NULL), -EINVAL);
    r.n = 0;
    r.still = 3;
    is_int(report_mail(&r, REPORT_STIX, &b, NULL), 0);
    buf_free(&b);
}

static void test_languages(void)
{
    static const struct {
        const char *tag, *says;
    } cases[] = {{"en", "Dear abuse team"},    {"de", "Botnetz"},
                 {"de-AT", "Botnetz"},         {"FR", "logiciel malveillant"},
                 {"es", "software malicioso"}, {"", "Dear abuse team"},
                 {"tlh", "Dear abuse team"},   {"dex", "Dear abuse team"}};
    struct report_row rows[4];
    struct report r = sample_report(&from, rows, some_rows(rows));
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        r.language = span_str(cases[i].tag);
        report_text(&r, &b);
        ok(has(buf_as_span(&b), cases[i].says));
        ok(span_is_utf8(buf_as_span(&b)) && !has(buf_as_span(&b), "{") &&
               !has(buf_as_span(&b), "}"),
           "all words are filled in");
        ok(!has(buf_as_span(&b), "\n\n\n") && !has(buf_as_span(&b), " \n"), "paragraphs");
        buf_free(&b);
    }
}

int main(void)
{
    scanner = mime_scanner_new();
    from = sample_from();
    test_every_format();
    test_parts();
    test_csv();
    test_xarf();
    test_stix();
    test_refused();
    test_limits();
    test_languages();
    mime_scanner_free(scanner);
    arena_free(&arena);
    return tap_done();
}
