/* Vectors are made by hand from RFC 9112 and RFC 9110 (sections beside them). */
#include "wire/http.h"

#include "wire/test_span.h"

static struct http_request r;

/* The result of http_parse over an exact-size copy; r's spans are dead afterwards. */
static int parse_exact(struct span s)
{
    uint8_t *copy = exact(s);
    int result = http_parse(span_of(copy, s.n), &r);
    free(copy);
    return result;
}

static int parse(const char *text)
{
    struct span s = span_str(text);
    (void)parse_exact(s);
    return http_parse(s, &r);
}

static void test_plain(void)
{
    static const char text[] =
        "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent:  Bot 1.0 \r\n"
        "REFERER:http://x/\r\nX-Empty:\r\n\r\nGET /next HTTP/1.1\r\n";
    is_int(parse(text), 1);
    is_int(r.head.n, strstr(text, "GET /next") - text);
    is_span(r.line, "GET /a?b=c HTTP/1.1");
    is_span(r.method, "GET");
    is_span(r.target, "/a?b=c");
    is_span(r.version, "1.1");
    is_span(r.host, "example.com");
    is_span(r.user_agent, "Bot 1.0");
    is_span(r.referer, "http://x/");
    is_span(r.content_type, "");
    is_int(r.n_headers, 4);
    is_span(r.header[1].name, "User-Agent");
    is_span(r.header[3].value, "");
    is_span(http_find(&r, "user-AGENT")->value, "Bot 1.0");
    ok(http_find(&r, "X-None") == NULL);
    is_int(r.headers.n, r.head.n - r.line.n - 2);
    ok(r.keep_alive && !r.chunked && !r.content_length && !r.expect_continue);
    is_int(r.anomalies, 0);
}

static void test_body_headers(void)
{
    is_int(parse("POST /index.php?topic=33.117 HTTP/1.1\r\nHost: 192.0.2.1\r\nContent-Type: "
                 "application/x-www-form-urlencoded\r\nContent-Encoding: gzip\r\n"
                 "Content-Length: 96\r\nExpect: 100-Continue\r\nConnection: Close\r\n\r\n"),
           1);
    is_int(r.content_length, 96);
    is_span(r.content_type, "application/x-www-form-urlencoded");
    is_span(r.content_encoding, "gzip");
    ok(r.expect_continue && !r.keep_alive);
    is_int(r.anomalies, 0);
}

/* Request lines: what is taken, with what note. */
static void test_lines(void)
{
    static const struct {
        const char *line;
        const char *method, *target, *version;
        uint32_t anomalies;
    } rows[] = {
        {"GET / HTTP/1.0", "GET", "/", "1.0", 0},
        {"get / HTTP/1.0", "get", "/", "1.0", 0},
        {"GET  / HTTP/1.0", "GET", "/", "1.0", HTTP_SPACES},
        {"GET /  HTTP/1.0", "GET", "/", "1.0", HTTP_SPACES},
        {"GET /\tHTTP/1.0", "GET", "/", "1.0", HTTP_SPACES},
        {"GET / HTTP/1.0 ", "GET", "/", "1.0", HTTP_SPACES},
        {"GET /a b HTTP/1.0", "GET", "/a b", "1.0", HTTP_SPACES},
        {"GET HTTP/1.0", "GET", "", "1.0", HTTP_SPACES},
        {"GET a.php HTTP/1.0", "GET", "a.php", "1.0", 0},
        {"GET /", "GET", "/", "", HTTP_NO_VERSION},
        {"GET", NULL, NULL, NULL, 0},
        {"GET / HTTP/2.0", "GET", "/", "2.0", HTTP_ODD_VERSION | HTTP_NO_HOST},
        {"GET / HTTP/", "GET", "/", "", HTTP_ODD_VERSION},
        {"GET / HTTP/0.9", "GET", "/", "0.9", HTTP_ODD_VERSION},
        {"GET / http/1.0", "GET", "/", "1.0", HTTP_ODD_VERSION},
        {"GET / HTTP/1.0x", "GET", "/", "1.0x", HTTP_ODD_VERSION | HTTP_NO_HOST},
        {"GET http://u@h:80/p HTTP/1.0", "GET", "http://u@h:80/p", "1.0", 0},
        {"CONNECT mx.example:25 HTTP/1.0", "CONNECT", "mx.example:25", "1.0", 0},
        {"OPTIONS * HTTP/1.0", "OPTIONS", "*", "1.0", 0},
        {"M-SEARCH * HTTP/1.0", "M-SEARCH", "*", "1.0", 0},
        {"FOO /x HTTP/1.0", "FOO", "/x", "1.0", 0},
        {"FOO urn:/x HTTP/1.0", "FOO", "urn:/x", "1.0", 0},
        {"FOO x HTTP/1.0", NULL, NULL, NULL, 0},
        {"FOO /x", NULL, NULL, NULL, 0}, /* FTP's CWD, say */
        {"get x", NULL, NULL, NULL, 0},  /* memcached */
        {"HTTP/1.1 200 OK", NULL, NULL, NULL, 0},
        {"ABCDEFGHIJKLMNOPQRST / HTTP/1.0", "ABCDEFGHIJKLMNOPQRST", "/", "1.0", 0},
        {"ABCDEFGHIJKLMNOPQRSTU / HTTP/1.0", NULL, NULL, NULL, 0},
        {"\x16\x03\x01 / HTTP/1.0", NULL, NULL, NULL, 0},
        {" GET / HTTP/1.0", NULL, NULL, NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        snprintf(text, sizeof text, "%s\r\n\r\n", rows[i].line);
        if (!tap_check(parse(text) == (rows[i].method ? 1 : -1), "result", __FILE__, __LINE__,
                       rows[i].line) ||
            !rows[i].method)
            continue;
        is_span(r.method, rows[i].method);
        is_span(r.target, rows[i].target);
        is_span(r.version, rows[i].version);
        is_int(r.anomalies, rows[i].anomalies);
        is_int(r.head.n, strlen(text));
    }
}

/* RFC 9112, 2.2: empty lines before a request; LF alone. */
static void test_line_endings(void)
{
    is_int(parse("\r\n\r\nGET / HTTP/1.0\r\n\r\n"), 1);
    is_int(r.anomalies, HTTP_EMPTY_LINES);
    is_int(r.head.n, 22);
    is_span(r.line, "GET / HTTP/1.0");
    is_int(parse("\n\n\n\n\n\n\n\nGET / HTTP/1.0\n\n"), 1);
    is_int(r.anomalies, HTTP_EMPTY_LINES | HTTP_BARE_LF);
    is_int(parse("\n\n\n\n\n\n\n\n\nGET / HTTP/1.0\n\n"), -1, "too many empty lines");
    is_int(parse("\rGET / HTTP/1.0\r\n\r\n"), -1);
    is_int(parse("GET / HTTP/1.0\nA: b\n\nx"), 1);
    is_int(r.anomalies, HTTP_BARE_LF);
    is_int(r.n_headers, 1);
    is_int(r.head.n, 21);
    is_int(parse("GET / HTTP/1.0\r\nA: b\r\n\nx"), 1, "mixed");
    is_int(r.anomalies, HTTP_BARE_LF);
    is_int(parse("GET / HTTP/1.0\nA: b\n\r\nx"), 1);
    is_int(r.head.n, 22);
    is_int(parse("GET / HTTP/1.0\r\nA: b\rc\r\n\r\n"), 1, "CR alone ends nothing");
    is_int(r.anomalies, HTTP_CONTROL);
    is_span(r.header[0].value, "b\rc");
    is_int(parse("GET / HTTP/1.0\r\r\nA: b\r\n\r\n"), 1);
    is_int(r.anomalies & HTTP_CONTROL, HTTP_CONTROL);
}

/* RFC 9112, 5. */
static void test_header_lines(void)
{
    is_int(parse("GET / HTTP/1.0\r\nA : b\r\nno colon\r\n: x\r\nB@d: y\r\n\r\n"), 1);
    is_int(r.anomalies, HTTP_SPACES | HTTP_BAD_HEADER);
    is_int(r.n_headers, 2);
    is_span(r.header[0].name, "A");
    is_span(r.header[1].name, "B@d");
    is_int(parse("GET / HTTP/1.0\r\nA: b\r\n\tc\r\n  d\r\nE:\r\n f\r\n\r\n"), 1); /* 5.2 */
    is_int(r.anomalies, HTTP_FOLDED);
    is_span(r.header[0].value, "b\r\n\tc\r\n  d");
    is_span(r.header[1].value, "f");
    is_int(parse("GET / HTTP/1.0\r\nX\r\n Content-Length: 5\r\nC: d\r\n\r\n"), 1, "a folded name");
    is_int(r.anomalies, HTTP_FOLDED | HTTP_BAD_HEADER);
    is_int(r.n_headers, 1);
    is_int(parse("GET / HTTP/1.0\r\n A: b\r\nC: d\r\n\r\n"), 1);
    is_int(r.anomalies, HTTP_BAD_HEADER);
    is_int(r.n_headers, 1);
    is_int(parse("GET / HTTP/1.0\r\nA: b\r\n \r\n\r\n"), 1, "a line of white space is no end");
    is_int(r.anomalies, HTTP_FOLDED);
    is_span(r.header[0].value, "b");
    struct span nul = span_of("GET / HTTP/1.0\r\nA: b\0c\r\n\r\n", 26);
    is_int(http_parse(nul, &r), 1);
    is_int(r.anomalies, HTTP_CONTROL);
    is_int(r.header[0].value.n, 3);
}

/* RFC 9112, 6.1 to 6.3, and RFC 9110, 8.6. */
static void test_framing(void)
{
    static const struct {
        const char *headers;
        uint64_t length;
        bool chunked;
        uint32_t anomalies;
    } rows[] = {
        {"Content-Length: 5", 5, false, 0},
        {"Content-Length: 18446744073709551615", UINT64_MAX, false, 0},
        {"Content-Length: 18446744073709551616", 0, false, HTTP_BAD_LENGTH},
        {"Content-Length: 5, 5", 5, false, 0},
        {"Content-Length: 5\r\nContent-Length: 5", 5, false, 0},
        {"Content-Length: 5\r\nContent-Length: 6", 5, false, HTTP_LENGTH_CONFLICT},
        {"Content-Length: 5, 6", 5, false, HTTP_LENGTH_CONFLICT},
        {"Content-Length: +5", 0, false, HTTP_BAD_LENGTH},
        {"Content-Length: -5", 0, false, HTTP_BAD_LENGTH},
        {"Content-Length: 0x5", 0, false, HTTP_BAD_LENGTH},
        {"Content-Length: 5 5", 0, false, HTTP_BAD_LENGTH},
        {"Content-Length:", 0, false, HTTP_BAD_LENGTH},
        {"Content-Length: x\r\nContent-Length: 7", 7, false, HTTP_BAD_LENGTH},
        {"Transfer-Encoding: chunked", 0, true, 0},
        {"Transfer-Encoding: gzip, Chunked", 0, true, 0},
        {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", 0, true, 0},
        {"Transfer-Encoding:\r\n chunked", 0, true, HTTP_FOLDED},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5", 0, true, HTTP_LENGTH_CONFLICT},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked", 0, true, HTTP_LENGTH_CONFLICT},
        {"Transfer-Encoding: chunked, chunked", 0, true, HTTP_ODD_CODING},
        {"Transfer-Encoding: chunked, gzip", 0, false, HTTP_ODD_CODING},
        {"Transfer-Encoding: xchunked", 0, false, HTTP_ODD_CODING},
        {"Transfer-Encoding: \x0b"
         "chunked",
         0, false, HTTP_ODD_CODING | HTTP_CONTROL},
        {"Transfer-Encoding: identity\r\nContent-Length: 5", 5, false, 0},
        {"Transfer-Encoding : chunked", 0, true, HTTP_SPACES},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", rows[i].headers);
        tap_check(parse(text) == 1, "parsed", __FILE__, __LINE__, rows[i].headers);
        ok(r.content_length == rows[i].length);
        is_int(r.chunked, rows[i].chunked);
        is_int(r.anomalies, rows[i].anomalies);
    }
    is_int(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 1);
    ok(r.chunked && r.anomalies == HTTP_ODD_CODING);
}

/* RFC 9112, 3.2 and 9.3. */
static void test_host_and_connection(void)
{
    is_int(parse("GET / HTTP/1.1\r\n\r\n"), 1);
    is_int(r.anomalies, HTTP_NO_HOST);
    is_int(parse("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"), 1);
    is_int(r.anomalies, HTTP_TWO_HOSTS);
    is_span(r.host, "a");
    is_int(parse("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 1);
    is_int(r.anomalies, 0);
    is_int(parse("GET / HTTP/1.0\r\n\r\n"), 1);
    ok(!r.keep_alive);
    is_int(parse("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n"), 1);
    ok(r.keep_alive);
    is_int(
        parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"),
        1);
    ok(!r.keep_alive);
    is_int(parse("GET /\r\n\r\n"), 1);
    ok(!r.keep_alive);

    static const char *const rows[][2] = {
        {"GET http://a.example:81/x?y HTTP/1.1", "a.example:81"},
        {"GET http://u:p@a.example?y@z HTTP/1.1", "a.example"},
        {"GET http://a.example HTTP/1.1", "a.example"},
        {"GET http:/x HTTP/1.1", "host"},
        {"GET /http://b/ HTTP/1.1", "host"},
        {"CONNECT mx:25 HTTP/1.1", "mx:25"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        snprintf(text, sizeof text, "%s\r\nHost: host\r\n\r\n", rows[i][0]);
        is_int(parse(text), 1);
        is_span(http_authority(&r), rows[i][1]);
    }
}

/* Every beginning of a request, by both interfaces: 0 until it is whole, and then the same. */
static void test_every_cut(void)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n",
        "\r\nPOST /x HTTP/1.0\nContent-Length: 3\n\n",
        "GET /\r\n\r\n",
        "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n",
        "FOO http://x/ HTTP/1.1\n\r\n",
        "FOO abcdefghijklmnopqrst:/ HTTP/1.1\r\nHost: h\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct span all = span_str(texts[i]);
        size_t scanned = 0, end = 0;
        unsigned wrong = 0;
        for (size_t n = 0; n < all.n; n++) {
            wrong += parse_exact(span_of(all.p, n)) != 0;
            wrong += http_head_end(span_of(all.p, n), &scanned, &end) != 0 || scanned > n;
        }
        is_int(wrong, 0);
        is_int(parse(texts[i]), 1);
        is_int(r.head.n, all.n);
        is_int(http_head_end(all, &scanned, &end), 1);
        is_int(end, all.n);
    }
    /* what is no request is refused as soon as it shows, and never taken */
    static const char *const others[] = {"NICK bot\r\nUSER a b c :d\r\n\r\n",
                                         "EHLO there\r\n\r\n",
                                         "\x16\x03\x01\x02\r\n\r\n",
                                         "SSH-2.0-x y\r\n\r\n",
                                         "CWD /tmp\r\n\r\n",
                                         "FOO *http://x/ HTTP/1.1\n\n",
                                         "FOO 1a:/ x\n\n",
                                         "FOO abcdefghijklmnopqrstu:/ HTTP/1.1\n\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct span all = span_str(others[i]);
        int before = 0;
        unsigned wrong = 0;
        for (size_t n = 0; n <= all.n; n++) {
            int now = parse_exact(span_of(all.p, n));
            wrong += now > 0 || (before < 0 && now >= 0);
            before = now;
        }
        is_int(wrong, 0);
        is_int(before, -1);
    }
}

static void test_end_of_stream(void)
{
    struct span s = span_str("GET /a HTTP/1.1\r\nHost: h\r\nUser-Ag");
    is_int(http_parse_end(s, &r), 1);
    is_int(r.anomalies, HTTP_CUT | HTTP_BAD_HEADER);
    is_span(r.host, "h");
    is_int(r.head.n, s.n);
    is_int(http_parse_end(span_str("GET /a HTTP/1.1\r\nHost: h\r\nUser-Agent: x"), &r), 1);
    is_int(r.anomalies, HTTP_CUT);
    is_span(r.user_agent, "x");
    is_int(http_parse_end(span_str("GET /abc"), &r), 1);
    is_int(r.anomalies, HTTP_CUT | HTTP_NO_VERSION);
    is_span(r.target, "/abc");
    is_int(http_parse_end(span_str("GET /abc\r\n"), &r), 1); /* RFC 1945, 5 */
    is_int(r.anomalies, HTTP_NO_VERSION);
    is_int(http_parse_end(span_str("GET /a HTTP/1.0\r\n\r\nrest"), &r), 1);
    is_int(r.anomalies, 0);
    is_int(r.head.n, 19);
    is_int(http_parse_end(span_str("GE"), &r), -1);
    is_int(http_parse_end(span_str(""), &r), -1);
    is_int(http_parse_end(span_str("\r\n"), &r), -1);
    is_int(http_parse_end(span_str("FOO /x HT"), &r), -1);
    static const char all[] = "\r\nPOST /x HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n";
    for (size_t n = 0; n < sizeof all; n++) {
        uint8_t *copy = exact(span_of(all, n));
        int result = http_parse_end(span_of(copy, n), &r);
        if (result != (n >= 7 ? 1 : -1) || (result == 1 && r.head.n != n && n < sizeof all - 1))
            is_int(n, -1, "a cut head");
        free(copy);
    }
}

static void test_limits(void)
{
    struct buf b = {0};
    buf_str(&b, "GET / HTTP/1.1\r\n");
    for (unsigned i = 0; i < HTTP_HEADERS_MAX + 2; i++)
        buf_printf(&b, "H%u: v\r\n", i);
    buf_str(&b, "Host: late\r\nContent-Length: 9\r\n\r\n");
    is_int(http_parse(buf_as_span(&b), &r), 1);
    is_int(r.n_headers, HTTP_HEADERS_MAX);
    is_int(r.anomalies, HTTP_TOO_MANY_HEADERS);
    is_int(r.content_length, 9, "framing counts wherever it stands");
    is_span(r.host, "late");

    b.n = 0;
    buf_str(&b, "GET /");
    while (b.n < HTTP_HEAD_MAX - 4)
        buf_byte(&b, 'x');
    is_int(http_parse(buf_as_span(&b), &r), 0);
    buf_str(&b, "\r\n\r\n");
    is_int(http_parse(buf_as_span(&b), &r), 1, "a head of the greatest length");
    is_int(r.head.n, HTTP_HEAD_MAX);
    b.n = HTTP_HEAD_MAX - 4;
    buf_str(&b, "x\r\n\r\n");
    is_int(http_parse(buf_as_span(&b), &r), -1, "one byte more");
    buf_free(&b);
}

static void test_looks(void)
{
    static const char *const yes[] = {"GET /",
                                      "POST x",
                                      "get / HTTP/1.1\r\n",
                                      "FOO /",
                                      "FOO http://x",
                                      "PRI * HTTP/2.0\r\n",
                                      "GET ",
                                      "\r\nGET /",
                                      "HEAD /x\r\n",
                                      "CONNECT a:25 HTTP/1.0\r\n"};
    static const char *const no[] = {"",
                                     "GET",
                                     "\r\n",
                                     "NICK bot\r\n",
                                     "HELO x\r\n",
                                     "220 hello\r\n",
                                     "HTTP/1.1 200 OK\r\n",
                                     "CWD /x\r\n",
                                     "GET\t/",
                                     "(GET /",
                                     "ABCDEFGHIJKLMNOPQRSTU /",
                                     "EHLO [1.2.3.4]\r\n",
                                     "get key\r\n",
                                     "MAIL FROM:<a@b>\r\n"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        tap_check(http_looks_like_request(span_str(yes[i])), yes[i], __FILE__, __LINE__, "yes");
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        tap_check(!http_looks_like_request(span_str(no[i])), no[i], __FILE__, __LINE__, "no");
}

/* Decodes a body fed in pieces of `step` bytes, each an exact-size copy. *used: bytes consumed. */
static int decode(struct span body, size_t step, struct buf *out, size_t *used)
{
    struct http_chunks s = {0};
    int result = 0;
    out->n = *used = 0;
    for (size_t at = 0; at < body.n && result == 0; at += step) {
        size_t n = body.n - at < step ? body.n - at : step;
        uint8_t *copy = exact(span_of(body.p + at, n));
        struct cur c = cur_of(span_of(copy, n));
        do {
            struct span piece;
            result = http_chunks_next(&s, &c, &piece);
            buf_span(out, piece);
        } while (result == 0 && cur_left(&c));
        *used += n - cur_left(&c);
        free(copy);
    }
    return result;
}

/* RFC 9112, 7.1. */
static void test_chunks(void)
{
    static const struct {
        const char *body;
        int result;
        const char *data;
        size_t left; /* bytes behind the body */
    } rows[] = {
        {"4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n", 1, "Wikipedia", 0},
        {"0\r\n\r\nGET /", 1, "", 5},
        {"000a\r\n0123456789\r\n0\r\n\r\n", 1, "0123456789", 0},
        {"A;name=\"value;\"\r\n0123456789\r\n0;x\r\n\r\n", 1, "0123456789", 0}, /* 7.1.1 */
        {"2 \r\nab\r\n0\r\nTrailer: x\r\nB: y\r\n\r\n!", 1, "ab", 1},           /* 7.1.2 */
        {"2\nab\n0\n\n!", 1, "ab", 1},
        {"2\r\nab\r\n0\r\n\rx\r\n\r\n", 1, "ab", 0}, /* CR x is a trailer line */
        {"2\r\nab\r\n", 0, "ab", 0},
        {"2\r\nab\r\n0\r\n", 0, "ab", 0},
        {"2\r\nab", 0, "ab", 0},
        {"fF\r\n", 0, "", 0},
        {"40000000\r\n", 0, "", 0}, /* HTTP_CHUNK_MAX */
        {"40000001\r\n", -1, "", 2},
        {"00000000000000000000000000000000000001\r\na\r\n0\r\n\r\n", 1, "a", 0},
        {"g\r\n", -1, "", 2},
        {"\r\n", -1, "", 1},
        {";x\r\n", -1, "", 3},
        {"2x\r\nab", -1, "", 4},
        {"2 2\r\nab", -1, "", 4},
        {"2\rx", -1, "", 0},
        {"-2\r\n", -1, "", 3},
        {"0x2\r\n", -1, "", 3},
        {"2\r\nabc\r\n", -1, "ab", 2},
        {"2\r\nab\r\r\n", -1, "ab", 1},
    };
    struct buf out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span body = span_str(rows[i].body);
        unsigned wrong = 0;
        for (size_t step = 1; step <= body.n; step++) {
            size_t used;
            wrong += decode(body, step, &out, &used) != rows[i].result ||
                     !span_is(buf_as_span(&out), rows[i].data) || used + rows[i].left != body.n;
        }
        tap_check(wrong == 0, rows[i].body, __FILE__, __LINE__, "chunks, in pieces of every size");
    }
    buf_free(&out);
}

static void test_chunk_limits(void)
{
    struct buf body = {0}, out = {0};
    size_t used;
    buf_str(&body, "1;");
    while (body.n < HTTP_CHUNK_LINE_MAX - 1)
        buf_byte(&body, 'x');
    buf_str(&body, "\na\r\n0\r\n\r\n");
    is_int(decode(buf_as_span(&body), body.n, &out, &used), 1);
    body.n = 0;
    buf_str(&body, "1;");
    while (body.n < HTTP_CHUNK_LINE_MAX)
        buf_byte(&body, 'x');
    buf_str(&body, "\na\r\n0\r\n\r\n");
    is_int(decode(buf_as_span(&body), body.n, &out, &used), -1, "an extension too long");
    body.n = 0;
    buf_str(&body, "0\r\n");
    for (unsigned i = 0; i <= HTTP_HEAD_MAX / 4; i++)
        buf_str(&body, "a:\r\n");
    buf_str(&body, "\r\n");
    is_int(decode(buf_as_span(&body), 1000, &out, &used), -1, "trailers without end");
    struct http_chunks s = {0};
    struct cur c = cur_of(span_of(NULL, 0));
    struct span piece;
    is_int(http_chunks_next(&s, &c, &piece), 0);
    is_int(piece.n, 0);
    buf_free(&body);
    buf_free(&out);
}

static void test_words(void)
{
    struct buf b = {0};
    http_anomaly_words(HTTP_BARE_LF | HTTP_NO_HOST | HTTP_CUT, &b);
    ok(span_is(buf_as_span(&b), "bare-lf no-host cut"));
    b.n = 0;
    http_anomaly_words(0xffff, &b);
    unsigned words = 1;
    for (size_t i = 0; i < b.n; i++)
        words += b.p[i] == ' ';
    is_int(words, 16);
    buf_free(&b);
}

int main(void)
{
    test_plain();
    test_body_headers();
    test_lines();
    test_line_endings();
    test_header_lines();
    test_framing();
    test_host_and_connection();
    test_every_cut();
    test_end_of_stream();
    test_limits();
    test_looks();
    test_chunks();
    test_chunk_limits();
    test_words();
    return tap_done();
}
