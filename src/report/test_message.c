/* Headers and bodies of mail: nothing gets out of its place, and our own scanner reads back what
 * was written. */
#include "base/tap.h"
#include "base/utc.h"
#include "report/message.h"
#include "wire/mime.h"

static struct arena arena;
static struct mime_scanner *scanner;

static void checked(bool good, const char *what, unsigned i)
{
    char name[80];
    snprintf(name, sizeof name, what, i);
    tap_check(good, name, __FILE__, __LINE__, name);
}

static bool lines_are_good(struct span mail, size_t max)
{
    size_t run = 0;
    for (size_t i = 0; i < mail.n; i++) {
        if (mail.p[i] == '\n') {
            if (i == 0 || mail.p[i - 1] != '\r')
                return false;
            run = 0;
        } else if (mail.p[i] != '\r') {
            run++;
        } else if (i + 1 == mail.n || mail.p[i + 1] != '\n') {
            return false;
        }
        if (run > max)
            return false;
    }
    return true;
}

/* The text as a reader sees it, from a header of that name. */
static struct span read_back(const char *name, struct span text, size_t *headers)
{
    struct buf b = {0};
    struct mime m;
    message_text(&b, name, text);
    buf_str(&b, "\r\nbody\r\n");
    struct span mail = span_of(arena_copy(&arena, b.p, b.n), b.n);
    buf_free(&b);
    mime_scan(scanner, mail, &arena, &m);
    *headers = m.headers;
    const struct mime_header *h = mime_header(&m, 0, name);
    if (!lines_are_good(mail, 78) || !h)
        return span_str("(bad)");
    return mime_text(scanner, h->value, &arena);
}

static void test_headers(void)
{
    static const char *const texts[] = {
        "plain",
        "a long line of plain words that has to be folded somewhere, because it does not go into "
        "one line of seventy-eight bytes and more",
        "=?UTF-8?Q?not_an_encoded_word?=",
        "two  blanks",
        "\xc3\xbc"
        "ber-\xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x90\x9b \xc3\xa9t\xc3\xa9, and so on and "
        "so on for \xc3\xa4 while \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac",
        "averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongword",
        "tab\tand\nline\r\nend",
    };
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t headers;
        struct span text = span_str(texts[i]), back = read_back("Subject", text, &headers);
        checked(headers == 1, "text %u: one header", i);
        checked(span_eq(back, text) || i == 6, "text %u: reads back", i);
        if (i == 6)
            ok(!memchr(back.p, '\n', back.n) || span_eq(back, text), "its line ends are encoded");
        back = read_back("X-A-Header-With-A-Long-Name", text, &headers);
        checked(headers == 1 && (span_eq(back, text) || i == 6), "text %u: behind a long name", i);
    }
}

static void test_names(void)
{
    static const char *const good[] = {"a@b.example", "first.last+tag@sub.isp.example",
                                       "x=y@localhost", "o'neil@x1.example"};
    static const char *const bad[] = {"",
                                      "a",
                                      "@b",
                                      "a@",
                                      "a@b@c",
                                      "a b@c",
                                      "a@b, c@d",
                                      "<a@b>",
                                      "a@b\r\nX: y",
                                      "a\n@b",
                                      "a..b@c.d",
                                      ".a@b",
                                      "a@-b.c",
                                      "a@b..c",
                                      "a@b.c.",
                                      "\"a b\"@c",
                                      "a@[192.0.2.1]",
                                      "\xc3\xa9@b.c",
                                      "a@\xc3\xa9.c",
                                      "a@b_c.d"};
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
        checked(message_is_address(span_str(good[i])), "an address: case %u", i);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        checked(!message_is_address(span_str(bad[i])), "no address: case %u", i);
    ok(!message_is_address(span_of("a@b\0c", 5)), "no address: a NUL");
    ok(message_is_id(span_str("r12.20261130")) && !message_is_id(span_str("a@b")) &&
           !message_is_id(span_str("a b")) && !message_is_id(span_str("a>b")),
       "ids");
    ok(message_is_domain(span_str("a-b.example")) && !message_is_domain(span_str("")) &&
           !message_is_domain(span_str("a.")) && !message_is_domain(span_str("a-.b")),
       "domains");
}

static void test_mailbox(void)
{
    struct buf b = {0};
    message_mailbox(&b, "From", span_str("A \"B\" \\ C"), span_str("a@b.example"));
    buf_byte(&b, 0);
    is_str((char *)b.p, "From: \"A \\\"B\\\" \\\\ C\"\r\n <a@b.example>\r\n");
    b.n = 0;
    message_mailbox(&b, "From", span_str("B\xc3\xbcro"), span_str("a@b.example"));
    buf_byte(&b, 0);
    is_str((char *)b.p, "From: =?UTF-8?B?QsO8cm8=?=\r\n <a@b.example>\r\n");
    b.n = 0;
    message_date(&b, "Date", 1796036400ll * UTC_SECOND);
    message_date(&b, "Date", 951782400ll * UTC_SECOND);
    message_date(&b, "Date", 0);
    buf_byte(&b, 0);
    is_str((char *)b.p, "Date: Mon, 30 Nov 2026 11:00:00 +0000\r\n"
                        "Date: Tue, 29 Feb 2000 00:00:00 +0000\r\n"
                        "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n");
    buf_free(&b);
}

/* A part's text as it comes out at the other end. */
static struct span body_back(struct span text, enum mime_encoding *encoding, bool *good)
{
    struct buf b = {0};
    struct mime m;
    message_body_text(&b, "text/plain", "en", text);
    struct span mail = span_of(arena_copy(&arena, b.p, b.n), b.n);
    buf_free(&b);
    mime_scan(scanner, mail, &arena, &m);
    *encoding = m.part[0].encoding;
    *good = lines_are_good(mail, 998) && m.anomalies == 0;
    return m.part[0].body;
}

static bool is_crlf_of(struct span crlf, struct span lf)
{
    size_t k = 0;
    for (size_t i = 0; i < crlf.n; i++) {
        if (crlf.p[i] == '\r' && i + 1 < crlf.n && crlf.p[i + 1] == '\n')
            continue;
        if (k >= lf.n || lf.p[k++] != crlf.p[i])
            return false;
    }
    return k == lf.n;
}

static void test_bodies(void)
{
    char longest[2000];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\n';
    struct {
        struct span text;
        enum mime_encoding encoding;
    } cases[] = {
        {span_str("plain\n\ntext\n"), MIME_IDENTITY},
        {span_str("From here on\n"), MIME_QP},
        {span_str("a =_ b\n"), MIME_QP},
        {span_str("blank at the end \n"), MIME_QP},
        {span_str("\xc3\xbc"
                  "ber\n.\n..\nFrom me = you\n"),
         MIME_QP},
        {span_of(longest, sizeof longest), MIME_QP},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum mime_encoding encoding;
        bool good;
        struct span back = body_back(cases[i].text, &encoding, &good);
        checked(good, "body %u: well-formed", i);
        checked(encoding == cases[i].encoding && is_crlf_of(back, cases[i].text),
                "body %u: reads back", i);
    }
}

int main(void)
{
    scanner = mime_scanner_new();
    test_headers();
    test_names();
    test_mailbox();
    test_bodies();
    mime_scanner_free(scanner);
    arena_free(&arena);
    return tap_done();
}
