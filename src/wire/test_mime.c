/* MIME: trees, headers, words and parameters, decoders with vectors and without, torture. */
#include "wire/mime.h"

#include <time.h>

#include "base/tap.h"
#include "wire/mime_vector.h"
#include "wire/text.h"

static struct mime_scanner *scanner;
static struct arena arena;
static struct mime m;

#define BYTES(text) span_of(text, sizeof(text) - 1)

static const char *text_of(struct span s)
{
    return arena_copy(&arena, s.p, s.n);
}
static void scan(const char *mail)
{
    arena_reset(&arena);
    mime_scan(scanner, span_str(mail), &arena, &m);
}
static const char *body(unsigned part)
{
    return part < m.parts ? text_of(m.part[part].body) : NULL;
}
/* "multipart/mixed text/plain text/html", with what holds what as indices. */
static const char *tree(void)
{
    struct buf b = {0};
    for (unsigned i = 0; i < m.parts; i++)
        buf_printf(&b, "%s%d:%.*s", i ? " " : "", m.part[i].parent, (int)m.part[i].type.n,
                   (const char *)m.part[i].type.p);
    const char *text = arena_copy(&arena, b.p, b.n);
    buf_free(&b);
    return text;
}
static const char *words(uint32_t bits)
{
    struct buf b = {0};
    mime_anomaly_words(bits, &b);
    const char *text = arena_copy(&arena, b.p, b.n);
    buf_free(&b);
    return text;
}

/* --- trees --- */

static void test_tree(void)
{
    scan(
        "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\npre\n--b\n\nhello\n--b\n"
        "Content-Type: Text/HTML\nContent-Transfer-Encoding: base64\n\nPGI+aGk8L2I+\n--b--\nepi\n");
    is_str(tree(), "-1:multipart/mixed 0:text/plain 0:text/html");
    is_str(body(1), "hello");
    is_str(body(2), "<b>hi</b>");
    is_int(m.anomalies, 0);
    is_str(text_of(m.head), "Subject: x\nContent-Type: multipart/mixed; boundary=b\n");
    is_int(m.part[2].first_header, 2);
    is_int(m.part[2].headers, 2);
    is_int(m.part[2].size, 9);
    ok(m.part[0].multipart && !m.part[0].text && m.part[1].text && m.part[2].text);

    scan("Content-Type: multipart/mixed; boundary=\"o o\"\r\n\r\n--o o\r\nContent-Type: "
         "multipart/alternative; boundary=o\r\n\r\n--o\r\n\r\none\r\n--o o  \r\n\r\n\r\ntwo\r\n\r\n"
         "--o o--\r\n");
    is_str(tree(), "-1:multipart/mixed 0:multipart/alternative 1:text/plain 0:text/plain");
    is_str(body(2), "one");
    is_str(body(3), "\r\ntwo\r\n");
    is_str(words(m.anomalies), "unclosed");
    is_str(words(m.part[1].anomalies), "unclosed");

    scan("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; "
         "boundary=b\n"
         "\n--b\n\nin\n--b--\n--b\n\nout\n--b--\n");
    is_str(tree(), "-1:multipart/mixed 0:multipart/mixed 1:text/plain 0:text/plain");
    is_str(body(2), "in");
    is_str(body(3), "out");

    scan("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nhello\n--b--\n");
    is_str(tree(), "-1:multipart/digest 0:message/rfc822 1:text/plain");
    ok(m.part[1].message && m.part[2].headers == 1 && m.part[2].depth == 2);
    is_str(body(2), "hello");

    scan("Content-Type: message/rfc822\nContent-Transfer-Encoding: "
         "base64\n\nU3ViamVjdDogaW4KCmhlbGxv\n");
    is_str(tree(), "-1:message/rfc822 0:text/plain");
    is_str(body(1), "hello");
    is_str(text_of(mime_header(&m, 1, "SUBJECT")->value), "in");
}

static void test_lies(void)
{
    scan("Content-Type: multipart/mixed; boundary=b\n\nhello\n--c\n");
    is_str(body(0), "hello\n--c\n");
    is_str(words(m.anomalies), "no-boundary");
    ok(m.part[0].text && !m.part[0].multipart);
    scan("Content-Type: multipart/mixed\n\nhello\n");
    is_str(body(0), "hello\n");
    scan("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b\n\ntwo\n");
    is_str(tree(), "-1:multipart/mixed 0:text/html 0:text/plain");
    is_int(m.part[1].raw.n, 0);
    is_str(body(2), "two\n");
    is_str(words(m.anomalies), "unclosed");
    scan("hello\nworld\n\nagain\n");
    is_str(body(0), "hello\nworld\n\nagain\n");
    is_int(m.head.n, 0);
    is_str(words(m.anomalies), "bad-header");
    scan("");
    is_int(m.parts, 1);
    is_int(m.headers, 0);
    scan("\n\n");
    is_str(body(0), "\n");
}

/* --- headers --- */

static void test_headers(void)
{
    scan("From a@b Mon Jan  1 00:00:00 2007\nSubject:a\n\tb\r\n c  \r\nX-Y : \tz\nno colon\n"
         "Sub ject: n\n: n\nSubject: again\nTo:\n\nx");
    is_int(m.headers, 4);
    is_str(text_of(m.header[0].value), "a\n\tb\r\n c");
    is_str(text_of(mime_text(scanner, m.header[0].value, &arena)), "a\tb c");
    is_str(text_of(m.header[1].name), "X-Y");
    is_str(text_of(m.header[1].value), "z");
    is_int(m.header[3].value.n, 0);
    is_str(words(m.anomalies), "bad-header duplicate");
    is_str(text_of(mime_header(&m, 0, "sUbject")->value), "a\n\tb\r\n c");
    ok(mime_header(&m, 0, "Subj") == NULL);
    scan("Content-Type: text/html; charset=\"x\"\nContent-Type: image/gif\n"
         "Content-Transfer-Encoding: 7BIT (yes)\nContent-Transfer-Encoding: base64\n"
         "Content-ID: <a@b>\n\ngr\xfc\n");
    is_str(text_of(m.part[0].type), "text/html");
    is_str(text_of(m.part[0].charset), "x");
    is_str(text_of(m.part[0].content_id), "a@b");
    is_str(body(0), "grü\n");
    is_str(words(m.anomalies), "duplicate unknown-charset");
    scan("Content-Transfer-Encoding: rot13\nSubject: \xe9\nX: a\n\nx");
    is_str(words(m.anomalies), "unknown-encoding raw-8bit");
    scan("Content-Type: text\n\nx");
    is_str(text_of(m.part[0].type), "text/plain");
    scan("Content-Type: text/plain; name=a.txt\n\nx");
    ok(m.part[0].text);
    scan("Content-Type: text/plain; name=a.txt\nContent-Disposition: ATTACHMENT\n\nx");
    ok(!m.part[0].text);
    is_str(text_of(m.part[0].disposition), "attachment");
    is_str(text_of(m.part[0].name), "a.txt");
}

static void check_text(const char *value, const char *want)
{
    is_str(text_of(mime_text(scanner, span_str(value), &arena)), want);
}

static void test_words(void)
{
    check_text("plain", "plain");
    check_text("", "");
    check_text("gr\xc3\xbc", "grü");
    check_text("gr\xfc", "grü");
    check_text("=?utf-8?Q?gr=C3=BC=5F_?= x", "grü_  x");
    check_text("=?UTF-8?b?w7w=?= =?utf-8?B?w58?=", "üß");
    check_text("=?utf-8?B?4oI=?=\r\n =?utf-8*en?Q?=AC?=", "\uFFFD\uFFFD");
    check_text("=?utf-8?B?4oI=?=\r\n\t=?UTF-8?Q?=AC?=", "€");
    check_text("a =?koi8-r?B?8NLJ?= b", "a При b");
    check_text("\"=?iso-8859-1?q?gr=FC?=\" <a@b>", "\"grü\" <a@b>");
    check_text("a=?utf-8?q?b?=c", "abc");
    check_text("=?utf-8?Q?two words?=", "two words");
    check_text("=?utf-8?Q?fold\n ed?=", "folded");
    check_text("=?utf-8?Q?no end", "=?utf-8?Q?no end");
    check_text("=?utf-8?x?odd?= =?", "=?utf-8?x?odd?= =?");
    check_text("=??Q?a?=", "=??Q?a?=");
    check_text("=?utf-8?Q?"
               "?= x",
               " x");
    check_text("=?utf-8?Q?=ZZ?=", "=ZZ");
    check_text("=?nonsense?Q?=E9?=", "é");
    check_text("=?iso-2022-jp?B?GyRCJDMbKEI=?= =?iso-2022-jp?B?GyRCJHMbKEI=?=", "こん");
}

static void check_parameter(const char *value, const char *name, const char *want)
{
    is_str(text_of(mime_parameter(scanner, span_str(value), name, &arena)), want);
}

static void test_parameters(void)
{
    check_parameter("a/b; name=x", "name", "x");
    check_parameter("a/b;NAME = \"x y\" ; z=1", "name", "x y");
    check_parameter("a/b; name=x y; z=1", "name", "x y");
    check_parameter("a/b; name=\"x\\\"y\r\n z\"", "name", "x\"y z");
    check_parameter("a/b; name=\"open; z=1", "name", "open");
    check_parameter("a/b; (name=c) name=x", "name", "x");
    check_parameter("a/b; name; name=", "name", "");
    check_parameter("a/b; names=1; nam=2", "name", "");
    check_parameter("a/b; name=1; name=2", "name", "1");
    check_parameter("a/b; name*=utf-8'en'gr%C3%BC", "name", "grü");
    check_parameter("a/b; name*=iso-8859-1''gr%fc; name=other", "name", "grü");
    check_parameter("a/b; name*1=b; name*0=a; name*3=d", "name", "ab");
    check_parameter("a/b; name*0*=utf-8''%E2%82; name*1*=%AC; name*2=\"%41\"", "name", "€%41");
    check_parameter("a/b; name*=plain%4", "name", "plain%4");
    check_parameter("a/b; name=\"=?utf-8?Q?gr=C3=BC?=\"", "name", "grü");
    check_parameter("", "name", "");
    check_parameter("a/b; name*999999999999999999999=x", "name", "");
}

/* --- uuencoded blocks --- */

static void test_uu(void)
{
    scan("\nhello\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\nbegin 600 b\n#0V%T\n");
    is_str(tree(), "-1:text/plain 0:application/octet-stream 0:application/octet-stream");
    is_str(body(0), "hello\nbye\n");
    is_str(body(1), "Cat");
    is_str(body(2), "Cat");
    is_str(text_of(m.part[1].name), "cat.txt");
    ok(m.part[1].encoding == MIME_UU && !m.part[1].text && m.part[1].size == 3);
    is_str(words(m.anomalies), "bad-uu uuencoded");
    scan("\nbegin 644 love\nwith all my heart\nbegin the beguine\nbegin 999 x\n");
    is_int(m.parts, 1);
    is_int(m.anomalies, 0);
    scan("Content-Type: image/gif\nContent-Transfer-Encoding: x-uuencode\n\nhi\nbegin 644 "
         "a\r\n#0V%T\r\n`\r\n"
         "end\r\n");
    is_str(body(0), "Cat");
    is_int(m.anomalies, 0);
}

/* --- decoders: with vectors and without --- */

typedef uint64_t decoder(struct span in, uint8_t *out, uint64_t max, uint32_t *anomalies);

static uint64_t state = 88172645463325252ull;
static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void check_decoder(decoder *d, struct span in, const char *want, uint32_t anomalies)
{
    uint8_t out[400];
    for (int scalar = 0; scalar < 2; scalar++) {
        uint32_t got = 0;
        mime_decode_scalar(scalar);
        uint64_t n = d(in, out, sizeof out, &got);
        is_str(text_of(span_of(out, n)), want);
        is_str(words(got), text_of(span_str(words(anomalies))));
    }
    mime_decode_scalar(false);
}

static void test_decoders(void)
{
    check_decoder(mime_base64, BYTES("aGVsbG8="), "hello", 0);
    check_decoder(mime_base64, BYTES("aGVs\r\n bG8g\nd29y bA=="), "hello worl", 0);
    check_decoder(mime_base64, BYTES("aGVsbG8"), "hello", MIME_BAD_BASE64);
    check_decoder(mime_base64, BYTES("aGVsb"), "hel", MIME_BAD_BASE64);
    check_decoder(mime_base64, BYTES("aGVs!bG8="), "hello", MIME_BAD_BASE64);
    check_decoder(mime_base64, BYTES("aGVsbG8=d29ybA=="), "helloworl", MIME_BAD_BASE64);
    check_decoder(mime_base64, BYTES("aGVsbA="), "hell", MIME_BAD_BASE64);
    check_decoder(mime_base64, BYTES("aGVs===="), "hel", MIME_BAD_BASE64);
    check_decoder(mime_base64,
                  BYTES("aGVsbG8gd29ybGQsIGhvdyBhcmUgeW91IHRvZGF5LCBmaW5lIEkgaG9wZSwgYnll\n"
                        "aGVsbG8gd29ybGQsIGhvdyBhcmUgeW91\xff"),
                  "hello world, how are you today, fine I hope, byehello world, how are you",
                  MIME_BAD_BASE64);
    check_decoder(mime_quoted_printable, BYTES("a=3Db=\nc=\r\nd=e9=C3=a9 \t\n"),
                  "a=bcd\xe9\xc3\xa9 \t\n", 0);
    check_decoder(mime_quoted_printable, BYTES("a= \t\nb"), "ab", 0);
    check_decoder(mime_quoted_printable, BYTES("a="), "a", 0);
    check_decoder(mime_quoted_printable, BYTES("a=4"), "a=4", MIME_BAD_QP);
    check_decoder(mime_quoted_printable, BYTES("a=b==41=zz"), "a=b=A=zz", MIME_BAD_QP);
    check_decoder(mime_uudecode, BYTES("begin 644 x\n#0V%T\n`\nend\n"), "Cat", 0);
    check_decoder(mime_uudecode, BYTES("#0V%T\n \nend\n"), "Cat", 0);
    check_decoder(mime_uudecode, BYTES("#0V%T\nhello\n"), "Cat", MIME_BAD_UU);
}

/* Text that is nearly right, in lines of changing length. */
static void make_input(struct buf *in, unsigned kind)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char *const odd[] = {"\r\n", "\n", "=",    "==", "=\n", "= \n", "=\r\n", " ",
                                      "=3D",  "=3", "\xff", "\0", "%",   "-",    "=C3=A9"};
    size_t n = next() % 700, line = 1 + next() % 100;
    unsigned damage = (unsigned)(next() % 3 ? next() % 200 : 0);
    in->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (damage && next() % damage == 0) {
            const char *piece = odd[next() % (sizeof odd / sizeof *odd)];
            buf_put(in, piece, *piece ? strlen(piece) : 1);
        }
        buf_byte(in, kind == 0   ? (uint8_t)base64[next() % 64]
                     : kind == 1 ? (uint8_t)(' ' + next() % 64)
                                 : (uint8_t)next());
        if (i % line == line - 1)
            buf_put(in, kind == 1 ? "=\r\n" : "\r\n", kind == 1 ? 3 : 2);
    }
}

/* The same bytes, counts and anomalies; nothing written behind the limit. */
static bool decoder_agrees(decoder *d, struct span in, uint64_t max)
{
    uint8_t out[2][2048];
    uint64_t n[2];
    uint32_t anomalies[2] = {0, 0};
    memset(out, 0xa5, sizeof out);
    for (int scalar = 0; scalar < 2; scalar++) {
        mime_decode_scalar(scalar);
        n[scalar] = d(in, out[scalar], max, &anomalies[scalar]);
    }
    mime_decode_scalar(false);
    uint64_t kept = n[0] < max ? n[0] : max;
    for (uint64_t i = max; i < sizeof out[0]; i++)
        if (out[0][i] != 0xa5 || out[1][i] != 0xa5)
            return false;
    return n[0] == n[1] && anomalies[0] == anomalies[1] && memcmp(out[0], out[1], kept) == 0;
}

static bool looks_agree(struct span in)
{
    unsigned look[2];
    size_t ascii[2];
    const uint8_t *line[2];
    for (int scalar = 0; scalar < 2; scalar++) {
        mime_decode_scalar(scalar);
        look[scalar] = vector_look(in);
        ascii[scalar] = vector_ascii(in);
        line[scalar] = vector_line(in.p, in.p + in.n, '-', '-');
    }
    mime_decode_scalar(false);
    return look[0] == look[1] && ascii[0] == ascii[1] && line[0] == line[1];
}

static void test_vectors(void)
{
    static decoder *const decoders[] = {mime_base64, mime_quoted_printable, mime_uudecode};
    struct buf in = {0};
    unsigned bad = 0, bad_looks = 0;
    for (unsigned round = 0; round < 60000; round++) {
        make_input(&in, round % 3);
        uint64_t max = next() % 4 ? 2000 : next() % 600;
        if (max == 2000 && in.n > 2000)
            in.n = 2000;
        for (size_t i = 0; i < 3; i++)
            bad += !decoder_agrees(decoders[i], buf_as_span(&in), max);
        for (unsigned k = 0; in.n > 3 && k < next() % 4; k++)
            memcpy(in.p + next() % (in.n - 2), "\n--", 3);
        bad_looks += in.n && !looks_agree(buf_as_span(&in));
    }
    is_int(bad, 0);
    is_int(bad_looks, 0);
    buf_free(&in);
}

/* Decoding what does not fit: counted, not kept. */
static void test_limits(void)
{
    struct buf mail = {0};
    buf_str(&mail, "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n");
    for (unsigned i = 0; i < 10000; i++)
        buf_str(&mail,
                "YWJjZGVmZ2hpYWJjZGVmZ2hpYWJjZGVmZ2hpYWJjZGVmZ2hpYWJjZGVmZ2hpYWJjZGVmZ2hp\n");
    arena_reset(&arena);
    mime_scan(scanner, buf_as_span(&mail), &arena, &m);
    is_int(m.part[0].size, 540000);
    is_int(m.part[0].body.n, MIME_TEXT_MAX);
    is_str(words(m.anomalies), "cut-bytes");
    mail.n = 0;
    buf_str(&mail, "Content-Type: text/plain; charset=utf-8\n\nx");
    while (mail.n < MIME_TEXT_MAX + 100)
        buf_str(&mail, "\xe2\x82\xac");
    mime_scan(scanner, buf_as_span(&mail), &arena, &m);
    is_str(words(m.anomalies), "cut-bytes");
    ok(m.part[0].body.n <= MIME_TEXT_MAX && m.part[0].body.n > MIME_TEXT_MAX - 3 &&
           charset_is_utf8(m.part[0].body),
       "cut between characters");
    buf_free(&mail);
}

/* --- torture --- */

/* CPU milliseconds that a scan took. */
static double scan_ms(struct span mail)
{
    struct timespec a, b;
    arena_reset(&arena);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    mime_scan(scanner, mail, &arena, &m);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    return (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
}

static void torture(const char *name, const struct buf *mail, double most_ms)
{
    double ms = scan_ms(buf_as_span(mail));
    bool sane = m.parts >= 1 && m.parts <= MIME_PARTS_MAX && m.headers <= MIME_HEADERS_MAX;
    for (unsigned i = 0; i < m.parts; i++) {
        const struct mime_part *p = &m.part[i];
        sane = sane && p->parent < (int)i && p->depth < MIME_DEPTH_MAX + 2 &&
               (!p->text || charset_is_utf8(p->body)) && p->first_header + p->headers <= m.headers;
    }
    ok(sane, "sane");
    printf("# %s: %zu bytes, %.1f ms, %u parts, %u headers: %s\n", name, mail->n, ms, m.parts,
           m.headers, words(m.anomalies));
    ok(ms < most_ms, "bounded time");
}

static void torture_nested(struct buf *b, unsigned n, const char *type)
{
    b->n = 0;
    for (unsigned i = 0; i < n; i++)
        buf_printf(b, "Content-Type: %s; boundary=b%u\n\n--b%u\n", type, i, i);
    buf_str(b, "\nat the bottom\n");
    for (unsigned i = n; i-- > 0;)
        buf_printf(b, "--b%u--\n", i);
}

static void test_torture(void)
{
    struct buf b = {0};
    torture_nested(&b, 1000, "multipart/mixed");
    torture("1,000 deep", &b, 50);
    is_int(m.parts, MIME_DEPTH_MAX);
    is_str(words(m.anomalies), "cut-depth");
    ok(memmem(m.part[m.parts - 1].body.p, m.part[m.parts - 1].body.n, "at the bottom", 13),
       "the deepest text is read as text");
    b.n = 0;
    for (unsigned i = 0; i < 1000; i++)
        buf_str(&b, "Content-Type: message/rfc822\n\n");
    buf_str(&b, "Subject: deep\n\nx\n");
    torture("1,000 messages", &b, 50);
    is_str(words(m.anomalies), "cut-depth");

    b.n = 0;
    buf_str(&b, "Content-Type: multipart/mixed; boundary=b\n\n");
    for (unsigned i = 0; i < 100000; i++)
        buf_str(&b, "--b\n\nx\n");
    torture("100,000 parts", &b, 200);
    is_int(m.parts, MIME_PARTS_MAX);
    is_str(words(m.anomalies), "cut-parts");

    b.n = 0;
    for (unsigned i = 0; i < 100000; i++)
        buf_str(&b, "Subject: x\nContent-Type: text/html\nContent-Type: multipart/mixed\n");
    buf_str(&b, "\nbody");
    torture("300,000 headers", &b, 500);
    is_str(words(m.anomalies), "cut-headers duplicate");
    is_str(body(0), "body");

    b.n = 0;
    buf_str(&b, "Subject: ");
    memset(buf_reserve(&b, 50u << 20), 'a', 50u << 20);
    b.n += 50u << 20;
    buf_str(&b, "\nTo: x\n\nbody");
    torture("50 MB header", &b, 500);
    is_str(body(0), "body");
    is_int(m.headers, 1);
    is_int(mime_text(scanner, m.header[0].value, &arena).n, MIME_HEADER_MAX);

    b.n = 0;
    buf_str(&b, "Subject: ");
    while (b.n < 8u << 20)
        buf_str(&b, "=?a?q?");
    buf_str(&b, "\nContent-Type: text/plain; ");
    while (b.n < 16u << 20)
        buf_str(&b, "name*0=\"(\\;");
    buf_str(&b, "\n\nbody");
    torture("words and parameters that never end", &b, 500);
    mime_text(scanner, m.header[0].value, &arena);

    b.n = 0;
    while (b.n < 20u << 20)
        buf_put(&b, "\0\n\0:\0--\xff", 8);
    torture("NULs", &b, 1000);
    ok(m.anomalies & MIME_NUL && m.anomalies & MIME_BAD_HEADER);

    b.n = 0;
    buf_str(&b, "Content-Type: multipart/mixed; boundary=\"-\"\n\n");
    while (b.n < 20u << 20)
        buf_str(&b, "--\n---\n");
    torture("lines of dashes", &b, 2000);

    b.n = 0;
    for (unsigned i = 0; i < MIME_DEPTH_MAX - 2; i++)
        buf_printf(&b, "Content-Type: multipart/mixed; boundary=%070u\n\n--%070u\n", i, i);
    while (b.n < 20u << 20)
        buf_printf(&b, "--%070u\n", 99);
    torture("nearly boundaries", &b, 2000);

    b.n = 0;
    buf_str(&b, "\n");
    while (b.n < 20u << 20)
        buf_str(&b, "begin 644 x\nM\nbegin 644 x\n#0V%T\n");
    torture("blocks without end", &b, 2000);
    is_int(m.parts, MIME_PARTS_MAX);

    b.n = 0;
    buf_str(&b, "Content-Transfer-Encoding: base64\nContent-Type: x/y\n\n");
    while (b.n < 50u << 20)
        buf_str(&b, "AAAAAAAAA=*A\n=");
    torture("broken base64", &b, 2000);
    is_str(words(m.anomalies), "cut-bytes bad-base64");
    buf_free(&b);
}

int main(void)
{
    scanner = mime_scanner_new();
    test_tree();
    test_lies();
    test_headers();
    test_words();
    test_parameters();
    test_uu();
    test_decoders();
    test_vectors();
    test_limits();
    test_torture();
    mime_scanner_free(scanner);
    mime_scanner_free(NULL);
    arena_free(&arena);
    return tap_done();
}
