/* Vectors are made by hand from RFC 5321 and others (sections beside them). */
#include "wire/smtp.h"

#include "wire/test_span.h"

static void test_commands(void)
{
    static const struct {
        const char *line;
        enum smtp_verb verb;
        const char *argument, *mailbox, *params;
        uint32_t anomalies;
    } rows[] = {
        {"HELO bot.example\r\n", SMTP_HELO, "bot.example", "", "", 0},
        {"ehlo [192.0.2.1]\r\n", SMTP_EHLO, "[192.0.2.1]", "", "", 0},
        {"EHLO\r\n", SMTP_EHLO, "", "", "", 0},
        {"HELO  a b \r\n", SMTP_HELO, "a b", "", "", SMTP_SPACES},
        {" HELO a\n", SMTP_HELO, "a", "", "", SMTP_SPACES | SMTP_BARE_LF},
        {"MAIL FROM:<>\r\n", SMTP_MAIL, "", "", "", 0}, /* 4.5.5 */
        {"MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME\r\n", SMTP_MAIL, "a@b", "a@b",
         "SIZE=1000 BODY=8BITMIME", 0},
        {"mail from:<a@b>\r\n", SMTP_MAIL, "a@b", "a@b", "", 0},
        {"MAIL FROM: <a@b>\r\n", SMTP_MAIL, "a@b", "a@b", "", SMTP_ODD_PATH},
        {"MAIL FROM :<a@b>\r\n", SMTP_MAIL, "a@b", "a@b", "", SMTP_ODD_PATH},
        {"MAIL FROM:a@b SIZE=1\r\n", SMTP_MAIL, "a@b", "a@b", "SIZE=1", SMTP_ODD_PATH},
        {"MAIL FROM:<a@b\r\n", SMTP_MAIL, "a@b", "a@b", "", SMTP_ODD_PATH},
        {"MAIL FROM:<a@b>SIZE=1\r\n", SMTP_MAIL, "a@b", "a@b", "SIZE=1", SMTP_ODD_PATH},
        {"MAIL FROM\r\n", SMTP_MAIL, "", "", "", SMTP_ODD_PATH},
        {"MAIL FROM:\r\n", SMTP_MAIL, "", "", "", SMTP_ODD_PATH},
        {"MAIL\r\n", SMTP_MAIL, "", "", "", SMTP_ODD_PATH},
        {"MAIL <a@b>\r\n", SMTP_MAIL, "<a@b>", "<a@b>", "", SMTP_ODD_PATH},
        {"RCPT TO:<u@v>\r\n", SMTP_RCPT, "u@v", "u@v", "", 0},
        {"RCPT TO:<Postmaster>\r\n", SMTP_RCPT, "Postmaster", "Postmaster", "", 0},
        {"RCPT FROM:<u@v>\r\n", SMTP_RCPT, "FROM:<u@v>", "FROM:<u@v>", "", SMTP_ODD_PATH},
        /* 4.1.2: source routes, appendix C; quoted local parts */
        {"RCPT TO:<@hosta.int,@jkl.org:userc@d.bar.org>\r\n", SMTP_RCPT,
         "@hosta.int,@jkl.org:userc@d.bar.org", "userc@d.bar.org", "", 0},
        {"RCPT TO:<@hosta.int>\r\n", SMTP_RCPT, "@hosta.int", "@hosta.int", "", 0},
        {"RCPT TO:<\"a>b\"@c> X=1\r\n", SMTP_RCPT, "\"a>b\"@c", "\"a>b\"@c", "X=1", 0},
        {"RCPT TO:<\"a\\\">b\"@c>\r\n", SMTP_RCPT, "\"a\\\">b\"@c", "\"a\\\">b\"@c", "", 0},
        {"RCPT TO:<\"a>b@c>\r\n", SMTP_RCPT, "\"a", "\"a", "b@c>", SMTP_ODD_PATH},
        {"RCPT TO:<\"a\\\r\n", SMTP_RCPT, "\"a\\", "\"a\\", "", SMTP_ODD_PATH},
        {"DATA\r\n", SMTP_DATA, "", "", "", 0},
        {"QUIT \r\n", SMTP_QUIT, "", "", "", SMTP_SPACES},
        {"RSET\r\n", SMTP_RSET, "", "", "", 0},
        {"NOOP x\r\n", SMTP_NOOP, "x", "", "", 0},
        {"VRFY user\r\n", SMTP_VRFY, "user", "", "", 0},
        {"AUTH LOGIN\r\n", SMTP_AUTH, "LOGIN", "", "", 0},
        {"STARTTLS\r\n", SMTP_STARTTLS, "", "", "", 0},
        {"HELP\r\n", SMTP_HELP, "", "", "", 0},
        {"expn list\r\n", SMTP_EXPN, "list", "", "", 0},
        {"ETRN a.example\r\n", SMTP_ETRN, "a.example", "", "", 0},
        {"TURN\r\n", SMTP_TURN, "", "", "", 0},
        {"XCLIENT ADDR=1\r\n", SMTP_UNKNOWN, "ADDR=1", "", "", 0},
        {"HELOx\r\n", SMTP_UNKNOWN, "", "", "", 0},
        {"\r\n", SMTP_UNKNOWN, "", "", "", 0},
        {"\n", SMTP_UNKNOWN, "", "", "", SMTP_BARE_LF},
        {"QUIT\r\r\n", SMTP_UNKNOWN, "", "", "", SMTP_BARE_CR},
        {"HELO a\rb\r\n", SMTP_HELO, "a\rb", "", "", SMTP_BARE_CR},
        {"HELO \x01\r\n", SMTP_HELO, "\x01", "", "", SMTP_CONTROL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct smtp_command c;
        struct span s = span_str(rows[i].line);
        uint8_t *copy = exact(s);
        tap_check(smtp_command_parse(span_of(copy, s.n), &c) == 1, "parsed", __FILE__, __LINE__,
                  rows[i].line);
        is_int(c.verb, rows[i].verb);
        is_span(c.line, rows[i].line);
        is_span(c.argument, rows[i].argument);
        is_span(c.mailbox, rows[i].mailbox);
        is_span(c.params, rows[i].params);
        is_int(c.anomalies, rows[i].anomalies);
        free(copy);
    }
}

/* An empty path is one; none at all is not. */
static void test_path(void)
{
    static const struct {
        const char *line;
        bool path;
    } rows[] = {
        {"MAIL FROM:<>\r\n", true},     {"MAIL FROM:<a@b>\r\n", true}, {"MAIL FROM: a@b\r\n", true},
        {"RCPT TO:<a\r\n", true},       {"MAIL FROM:\r\n", false},     {"MAIL FROM: \r\n", false},
        {"MAIL FROM\r\n", false},       {"MAIL\r\n", false},           {"MAIL <a@b>\r\n", false},
        {"RCPT FROM:<a@b>\r\n", false}, {"NOOP a\r\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct smtp_command c;
        is_int(smtp_command_parse(span_str(rows[i].line), &c), 1);
        tap_check(c.path == rows[i].path, "a path is there", __FILE__, __LINE__, rows[i].line);
    }
}

/* RFC 3030, 2. */
static void test_bdat(void)
{
    static const struct {
        const char *line;
        uint64_t size;
        bool last;
        uint32_t anomalies;
    } rows[] = {
        {"BDAT 1000\r\n", 1000, false, 0},
        {"BDAT 0 LAST\r\n", 0, true, 0},
        {"bdat 86 last\r\n", 86, true, 0},
        {"BDAT 18446744073709551615\r\n", UINT64_MAX, false, 0},
        {"BDAT 18446744073709551616\r\n", 0, false, SMTP_BAD_SIZE},
        {"BDAT -1\r\n", 0, false, SMTP_BAD_SIZE},
        {"BDAT\r\n", 0, false, SMTP_BAD_SIZE},
        {"BDAT LAST\r\n", 0, false, SMTP_BAD_SIZE},
        {"BDAT 5 LASTLY\r\n", 5, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct smtp_command c;
        is_int(smtp_command_parse(span_str(rows[i].line), &c), 1);
        is_int(c.verb, SMTP_BDAT);
        ok(c.bdat_size == rows[i].size && c.bdat_last == rows[i].last);
        is_int(c.anomalies, rows[i].anomalies);
    }
}

/* RFC 2920: many commands in one piece; and each line at every cut. */
static void test_pipelining(void)
{
    static const char text[] = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n";
    struct smtp_command c;
    struct cur cur = cur_of(span_str(text));
    is_int(smtp_command_parse(span_of(cur.p, cur_left(&cur)), &c), 1);
    cur.p += c.line.n;
    is_int(smtp_command_parse(span_of(cur.p, cur_left(&cur)), &c), 1);
    is_span(c.argument, "c@d");
    cur.p += c.line.n;
    is_int(smtp_command_parse(span_of(cur.p, cur_left(&cur)), &c), 1);
    is_int(c.verb, SMTP_DATA);
    is_int(cur_left(&cur), c.line.n);
    unsigned wrong = 0;
    for (size_t n = 0; n < 17; n++) {
        uint8_t *copy = exact(span_of(text, n));
        wrong += smtp_command_parse(span_of(copy, n), &c) != 0;
        free(copy);
    }
    is_int(wrong, 0);
}

static void test_long_line(void)
{
    struct buf b = {0};
    struct smtp_command c;
    buf_str(&b, "HELO ");
    while (b.n < SMTP_LINE_MAX - 1)
        buf_byte(&b, 'x');
    is_int(smtp_command_parse(buf_as_span(&b), &c), 0);
    buf_str(&b, "\n");
    is_int(smtp_command_parse(buf_as_span(&b), &c), 1, "the longest line");
    is_int(c.anomalies, SMTP_BARE_LF);
    is_int(c.line.n, SMTP_LINE_MAX);
    b.n--;
    buf_str(&b, "xQUIT\nNOOP\r\n");
    is_int(smtp_command_parse(buf_as_span(&b), &c), 1);
    is_int(c.anomalies, SMTP_LONG_LINE);
    is_int(c.line.n, SMTP_LINE_MAX);
    is_int(c.verb, SMTP_HELO);
    struct cur cur = cur_of(span_of(b.p + c.line.n, 3));
    is_int(smtp_line_skip(&cur), 0);
    is_int(cur_left(&cur), 0);
    cur.end = b.p + b.n;
    is_int(smtp_line_skip(&cur), 1);
    is_int(smtp_command_parse(span_of(cur.p, cur_left(&cur)), &c), 1);
    is_int(c.verb, SMTP_NOOP);
    buf_free(&b);
}

static void test_looks(void)
{
    ok(smtp_looks_like_client(span_str("HELO x\r\n")));
    ok(smtp_looks_like_client(span_str("ehlo\r\n")));
    ok(smtp_looks_like_client(span_str("EHLO")));
    ok(smtp_looks_like_client(span_str("MAIL FROM:<>\r\n")));
    ok(smtp_looks_like_client(span_str("PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n")));
    ok(!smtp_looks_like_client(span_str("HEL")));
    ok(!smtp_looks_like_client(span_str("HELOISE\r\n")));
    ok(!smtp_looks_like_client(span_str("")));
    ok(!smtp_looks_like_client(span_str("GET / HTTP/1.0\r\n")));
    ok(smtp_looks_like_server(span_str("220 mx ESMTP\r\n")));
    ok(smtp_looks_like_server(span_str("220-mx")));
    ok(!smtp_looks_like_server(span_str("220")));
    ok(!smtp_looks_like_server(span_str("2200")));
    ok(!smtp_looks_like_server(span_str("250 ok")));
    is_str(smtp_verb_name(SMTP_STARTTLS), "STARTTLS");
    is_str(smtp_verb_name(SMTP_UNKNOWN), "");
}

struct outcome {
    int result;
    struct buf mail;
    uint64_t size;
    uint32_t anomalies;
    size_t used;
};

/* Feeds what lies between the cuts as exact-size copies. */
static void feed(struct span in, const size_t *cuts, size_t n_cuts, size_t max, struct outcome *o)
{
    struct smtp_data s = {0};
    size_t at = 0;
    o->mail.n = o->size = o->used = 0;
    o->result = 0;
    for (size_t i = 0; i <= n_cuts && o->result == 0; i++) {
        size_t end = i < n_cuts ? cuts[i] : in.n;
        uint8_t *copy = exact(span_of(in.p + at, end - at));
        struct cur c = cur_of(span_of(copy, end - at));
        o->result = smtp_data_next(&s, &c, max, &o->mail, &o->size);
        o->used += end - at - cur_left(&c);
        free(copy);
        at = end;
    }
    o->anomalies = s.anomalies;
}

static const struct {
    const char *in;
    int result;
    const char *mail;
    size_t left;
    uint32_t anomalies;
} data_rows[] = {
    {".\r\n", 1, "", 0, 0},
    {"a\r\n.\r\nQUIT\r\n", 1, "a\r\n", 6, 0},
    {"\r\n.\r\n", 1, "\r\n", 0, 0},
    {"a\r\n..\r\n.\r\n", 1, "a\r\n.\r\n", 0, 0}, /* RFC 5321, 4.5.2 */
    {"..a\r\n...b\r\n.c\r\n.\r\n", 1, ".a\r\n..b\r\nc\r\n", 0, 0},
    {"a.\r\n.\r\n", 1, "a.\r\n", 0, 0},
    {"a\r\n", 0, "a\r\n", 0, 0},
    {"a\r\n.", 0, "a\r\n", 0, 0},
    {"a\r\n.\r", 0, "a\r\n", 0, 0},
    /* what others take for an end, and we do not */
    {"a\n.\nb\r\n.\r\n", 1, "a\n.\nb\r\n", 0, SMTP_BARE_LF | SMTP_ODD_END},
    {"a\n.\r\nb\r\n.\r\n", 1, "a\n.\r\nb\r\n", 0, SMTP_BARE_LF | SMTP_ODD_END},
    {"a\r\n.\nb\r\n.\r\n", 1, "a\r\n\nb\r\n", 0, SMTP_BARE_LF | SMTP_ODD_END},
    {"a\n.\r\n.\r\n", 1, "a\n.\r\n", 0, SMTP_BARE_LF | SMTP_ODD_END},
    {"a\r.\rb\r\n.\r\n", 1, "a\r.\rb\r\n", 0, SMTP_BARE_CR},
    {"a\r\n.\rb\r\n.\r\n", 1, "a\r\n\rb\r\n", 0, SMTP_BARE_CR},
    {"a\r\n.\r\r\n.\r\n", 1, "a\r\n\r\r\n", 0, SMTP_BARE_CR},
    {"a\n..\n.b\r\n.\r\n", 1, "a\n..\n.b\r\n", 0, SMTP_BARE_LF},
    {"a\r\r\n.\r\n", 1, "a\r\r\n", 0, SMTP_BARE_CR},
    {"\r\r\n.\r\n", 1, "\r\r\n", 0, SMTP_BARE_CR},
    {"\n.\r\r\n.\r\n", 1, "\n.\r\r\n", 0, SMTP_BARE_LF | SMTP_BARE_CR},
};

/* Every piece-wise feeding with one, two or all cuts gives what the whole gives. */
static void test_data(void)
{
    struct outcome o = {0};
    for (size_t i = 0; i < sizeof data_rows / sizeof *data_rows; i++) {
        struct span in = span_str(data_rows[i].in);
        size_t every[64];
        unsigned wrong = 0;
        for (size_t a = 0; a <= in.n; a++) {
            every[a] = a;
            for (size_t b = a; b <= in.n; b++) {
                feed(in, (size_t[]){a, b}, 2, 1000, &o);
                wrong += o.result != data_rows[i].result || o.used + data_rows[i].left != in.n ||
                         o.anomalies != data_rows[i].anomalies || o.size != o.mail.n ||
                         !span_is(buf_as_span(&o.mail), data_rows[i].mail);
            }
        }
        feed(in, every, in.n + 1, 1000, &o);
        wrong += o.result != data_rows[i].result || o.anomalies != data_rows[i].anomalies ||
                 !span_is(buf_as_span(&o.mail), data_rows[i].mail);
        if (!tap_check(wrong == 0, data_rows[i].in, __FILE__, __LINE__, "mail, cut anywhere"))
            printf("# row %zu, %u cuts wrong\n", i, wrong);
    }
    for (size_t max = 0; max < 9; max++) {
        feed(span_str("ab\r\n..c\r\n.\r\n"), NULL, 0, max, &o);
        ok(o.result == 1 && o.size == 8 && o.mail.n == (max < 8 ? max : 8));
        ok(memcmp("ab\r\n.c\r\n", o.mail.p, o.mail.n) == 0);
    }
    buf_free(&o.mail);
    struct smtp_data s = {0};
    struct buf none = {0};
    uint64_t size = 0;
    struct span empty = {NULL, 0};
    struct cur c = cur_of(empty);
    is_int(smtp_data_next(&s, &c, 10, &none, &size), 0);
    is_int(size, 0);
}

/* Long lines are copied in runs: whatever stands anywhere round a run's ends is found. The oracle is
 * the same mail a byte at a time. */
static void test_data_runs(void)
{
    static const char *const odd[] = {"\n", "\r", ".", "\r\n", "\r\n.", "\r\n..", "\n.", "\r\n.\r\n"};
    struct outcome whole = {0}, bytes = {0};
    struct buf mail = {0};
    size_t cuts[400];
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        cuts[i] = i;
    for (size_t line = 0; line < 2; line++)
        for (size_t k = 0; k < sizeof odd / sizeof *odd; k++)
            for (size_t at = 0; at < 300; at++) {
                mail.n = 0;
                while (mail.n < at)
                    buf_str(&mail, line && mail.n + 2 <= at ? "\r\n" : "x");
                buf_str(&mail, odd[k]);
                while (mail.n < 390)
                    buf_byte(&mail, 'y');
                buf_str(&mail, "\r\n.\r\n");
                feed(buf_as_span(&mail), NULL, 0, 1000, &whole);
                feed(buf_as_span(&mail), cuts, mail.n, 1000, &bytes);
                wrong += whole.result != 1 || whole.used != bytes.used || whole.size != bytes.size ||
                         whole.anomalies != bytes.anomalies ||
                         !span_eq(buf_as_span(&whole.mail), buf_as_span(&bytes.mail));
            }
    is_int(wrong, 0);
    buf_free(&mail);
    buf_free(&whole.mail);
    buf_free(&bytes.mail);
}

/* Stuffing by RFC 5321, 4.5.2, written the other way round, and back, over random mails. */
static void test_stuffing_round_trip(void)
{
    uint64_t x = 88172645463325252u;
    unsigned wrong = 0;
    struct outcome o = {0};
    struct buf mail = {0}, wire = {0};
    for (unsigned i = 0; i < 20000; i++) {
        static const char alphabet[] = "..\r\n\n\ra";
        mail.n = wire.n = 0;
        for (unsigned n = i % 24; n; n--) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            buf_byte(&mail, (uint8_t)alphabet[x % 7]);
        }
        buf_str(&mail, "\r\n");
        for (size_t k = 0; k < mail.n; k++) {
            bool start = k == 0 || (k >= 2 && mail.p[k - 2] == '\r' && mail.p[k - 1] == '\n');
            if (start && mail.p[k] == '.')
                buf_byte(&wire, '.');
            buf_byte(&wire, mail.p[k]);
        }
        buf_str(&wire, ".\r\n");
        size_t cut = x % (wire.n + 1);
        feed(buf_as_span(&wire), &cut, 1, 1000, &o);
        wrong +=
            o.result != 1 || o.used != wire.n || !span_eq(buf_as_span(&o.mail), buf_as_span(&mail));
    }
    is_int(wrong, 0);
    buf_free(&o.mail);
    buf_free(&mail);
    buf_free(&wire);
}

/* RFC 5322, 2.2. */
static void test_mail_header(void)
{
    struct span mail =
        span_str("Received: x\r\n\tby y\r\nSubject:  two\r\n words \r\nsubject: again\r\n"
                 "To : u@v\r\nno colon\r\nEmpty:\r\nLast: l\r\n\r\nX-Body: no\r\n");
    is_span(smtp_mail_header(mail, "SUBJECT"), "two\r\n words");
    is_span(smtp_mail_header(mail, "Received"), "x\r\n\tby y");
    is_span(smtp_mail_header(mail, "To"), "u@v"); /* 4.5.1 */
    is_span(smtp_mail_header(mail, "Empty"), "");
    is_span(smtp_mail_header(mail, "Last"), "l");
    is_span(smtp_mail_header(mail, "X-Body"), "");
    is_span(smtp_mail_header(mail, "by y"), "");
    is_span(smtp_mail_header(span_str("A: b\n c\n\nD: e\n"), "A"), "b\n c");
    is_span(smtp_mail_header(span_str("A: b\n c\n\nD: e\n"), "D"), "");
    is_span(smtp_mail_header(span_str("\nA: b\n"), "A"), "");
    is_span(smtp_mail_header(span_str("A: b"), "A"), "b");
    is_span(smtp_mail_header(span_str("A:"), "A"), "");
    is_span(smtp_mail_header(span_str(""), "A"), "");
    unsigned wrong = 0;
    for (size_t n = 0; n <= mail.n; n++) {
        uint8_t *copy = exact(span_of(mail.p, n));
        struct span v = smtp_mail_header(span_of(copy, n), "Subject");
        wrong += v.n && (v.p < copy || v.p + v.n > copy + n);
        free(copy);
    }
    is_int(wrong, 0);
    struct buf big = {0};
    while (big.n < SMTP_HEADER_BLOCK_MAX)
        buf_str(&big, "Filler: 0123456789abcdef\r\n");
    buf_str(&big, "Far: away\r\n\r\n");
    is_span(smtp_mail_header(buf_as_span(&big), "Far"), "");
    buf_free(&big);
}

static void test_words(void)
{
    struct buf b = {0};
    smtp_anomaly_words(SMTP_BARE_LF | SMTP_ODD_END | SMTP_CONTROL, &b);
    ok(span_is(buf_as_span(&b), "bare-lf odd-end control"));
    buf_free(&b);
}

int main(void)
{
    test_commands();
    test_path();
    test_bdat();
    test_pipelining();
    test_long_line();
    test_looks();
    test_data();
    test_data_runs();
    test_stuffing_round_trip();
    test_mail_header();
    test_words();
    return tap_done();
}
