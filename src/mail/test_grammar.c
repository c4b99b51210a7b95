#include "mail/grammar.h"

#include "base/tap.h"

static struct arena arena;
static struct mime_scanner *scanner;

static const char *text_of(const struct grammar *g)
{
    return arena_copy(&arena, g->text.p, g->text.n);
}

static const char *id(const char *value)
{
    struct grammar g;
    grammar_message_id(span_str(value), &arena, &g);
    return text_of(&g);
}

static void message_ids(void)
{
    is_str(id("<001c01c77a12$c744e6d0$06c9c734@Aska>"), "<x12$x8$x8@name>");
    is_str(id("<e8f601c77a00$3ac823f7$11223344@terra.com.do>"), "<x12$x8$x8@host>");
    is_str(id("<WYADCKPDFWWTWTXNFVUE@yahoo.com>"), "<A20@host>");
    is_str(id("<20019015197416.A30727@Stormy.imagine.com>"), "<d14.#@host>");
    is_str(id("<20070408123311.A5@a.example>"), "<d14.#@host>");
    is_str(id("<200704081712.l38HCR62002947@plg2.math.example>"), "<x12.w14@host>");
    is_str(id("<70CED3486721C7@[192.0.2.1]>"), "<X14@[ip]>");
    is_str(id("no brackets"), "a2 a8");
    is_str(id(""), "");
    struct grammar g;
    grammar_message_id(span_str(""), &arena, &g);
    ok(g.hash == 0);
    grammar_value(span_str("----=_NextPart_000_0019_01C77A12.C744E6D0"), &arena, &g);
    is_str(text_of(&g), "----=_NextPart_#_#_X8.X8");
    grammar_value(span_str("--8896484051606557286"), &arena, &g);
    is_str(text_of(&g), "--d19");
}

static struct grammar headers_of(const char *mail, const bool *stripped)
{
    struct mime m;
    struct grammar g;
    mime_scan(scanner, span_str(mail), &arena, &m);
    grammar_headers(&m, stripped, &arena, &g);
    return g;
}

static void headers(void)
{
    static const bool first[512] = {true};
    struct grammar a = headers_of(
        "X-Virus: no\r\nReceived: from x\r\nMessage-ID: <a@b>\r\nFrom: \"A\" <a@b.example>\r\n"
        "TO: x@y\r\nSubject:hello\r\nDate: Sun, 08 Apr 2007 21:00:48 +0300\r\n"
        "Content-Type: multipart/alternative;\r\n\tboundary=\"--8896484051606557286\"\r\n\r\nx",
        first);
    is_str(text_of(&a),
           "Message-ID From TO Subject: Date Content-Type/t | w, d M y d:d:d +z | \"--d19\"");
    struct grammar b = headers_of(
        "X-Virus: no\r\nMessage-ID: <q@r>\r\nFrom: \"B\" <c@d.example>\r\n"
        "TO: z@y\r\nSubject:good bye\r\nDate: Mon, 16 Apr 2007 01:10:08 -0700\r\n"
        "Content-Type: multipart/mixed;\r\n\tboundary=\"--7312232323606557286\"\r\n\r\nx",
        first);
    ok(a.hash && a.hash == b.hash, "another mail of the same program");
    struct grammar c = headers_of("X-Virus: no\r\nMessage-Id: <q@r>\r\n\r\n", first);
    is_str(text_of(&c), "Message-Id");
    c = headers_of("Date: Sun,  8 Apr 2007 13:12:41 -0400 (Eastern Daylight Time)\nDate2:\n", NULL);
    is_str(text_of(&c), "Date Date2 | w, d M y d:d:d +z (Z)");
    c = headers_of("Date: \tFriday, 13-Apr-07 03:01 GMT\n\n", NULL);
    is_str(text_of(&c), "Date:st | W, d-M-d d:d Z");
    c = headers_of("", NULL);
    is_int(c.text.n, 0);
    ok(c.hash == 0);
    struct buf many = {0};
    for (unsigned i = 0; i < 300; i++)
        buf_str(&many, "X-Header: 1\r\n");
    buf_byte(&many, 0);
    c = headers_of((const char *)many.p, NULL);
    is_int(c.text.n, GRAMMAR_TEXT_MAX);
    buf_free(&many);
}

static const char *dialect(const char *dialogue, const char *replies, uint64_t early,
                           const char *anomalies)
{
    struct event ev = {.kind = KIND_SMTP};
    struct grammar g;
    ev.smtp.has = true;
    ev.smtp.dialogue = span_str(dialogue);
    ev.smtp.replies = span_str(replies);
    ev.smtp.early = early;
    ev.smtp.anomalies = span_str(anomalies);
    grammar_dialect(&ev, &arena, &g);
    return text_of(&g);
}

static void dialects(void)
{
    is_str(dialect("EHLO [192.0.2.77]\r\nMAIL FROM:<a@b.example> SIZE=20 BODY=8BITMIME\r\n"
                   "RCPT TO:<x@y.example>\r\nDATA\r\n",
                   "250 250 250 354", 0, ""),
           "EHLO [ip]|MAIL FROM:<> SIZE BODY=8BITMIME|RCPT TO:<>|DATA");
    is_str(dialect("HELO pc\r\nmail from: <a@b.example>\r\nRCPT TO:<1@y.example>\r\nRCPT "
                   "TO:<2@y.example>\r\n"
                   "RCPT TO:<3@y.example>\r\nDATA\r\n",
                   "250 250 250 250 250 354", 12, "spaces"),
           "HELO name|mail from: <>|RCPT TO:<> +|DATA early spaces");
    is_str(
        dialect("EHLO mail.example.com\nHELO mail.example.com\nMAIL FROM:a@b\nRCPT TO:<>\nDATA\n",
                "502 250 250 250 354", 0, "bare-lf odd-path"),
        "EHLO host=5|HELO host|MAIL FROM:bare|RCPT TO:<null>|DATA lf odd-path");
    is_str(dialect("EHLO  x.example \r\nAUTH PLAIN [48 sealed]\r\n[12 sealed]\r\n", "250 334 235",
                   0, ""),
           "EHLO___host|AUTH PLAIN|[]");
    is_str(dialect("", "", 0, ""), "");
    struct event none = {.kind = KIND_SMTP};
    struct grammar g;
    grammar_dialect(&none, &arena, &g);
    ok(g.hash == 0 && g.text.n == 0);
}

int main(void)
{
    scanner = mime_scanner_new();
    message_ids();
    headers();
    dialects();
    mime_scanner_free(scanner);
    arena_free(&arena);
    return tap_done();
}
