/* Mail in files: the bytes of the wire, mboxes of every kind, archives, and what is no mail. */
#include <stdarg.h>
#include <stdlib.h>

#include "base/tap.h"
#include "base/utc.h"
#include "import/mail.h"
#include "wire/smtp.h"

/* What an importer found, as text. */
struct found {
    struct buf events, rejects, blobs;
    struct import_counts counts;
    uint64_t n, last_record, wrong_record;
    int stop_at;
};

static void put_shown(struct buf *b, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_byte(b, s.p[i] == '\r' ? '^' : s.p[i] == '\n' ? '|' : s.p[i]);
}

static int on_event(void *ctx, const struct event *ev)
{
    struct found *f = ctx;
    struct buf *b = &f->events;
    char ip[IP_TEXT_MAX] = "", time[UTC_TEXT_MAX];
    if (ip_is_set(&ev->src_ip))
        ip_format(&ev->src_ip, ip);
    utc_format(ev->time, time);
    buf_printf(b, "%.19s %s ", time, ip);
    put_shown(b, ev->smtp.helo);
    buf_str(b, " <");
    put_shown(b, ev->smtp.mail_from);
    buf_byte(b, '>');
    for (size_t i = 0; i < ev->smtp.rcpt_to.n; i++) {
        buf_byte(b, ' ');
        put_shown(b, ev->smtp.rcpt_to.v[i]);
    }
    buf_str(b, " \"");
    put_shown(b, ev->smtp.subject);
    buf_byte(b, '"');
    if (ev->smtp.anomalies.n)
        buf_byte(b, ' ');
    put_shown(b, ev->smtp.anomalies);
    if (ev->observer.n)
        buf_printf(b, " @%.*s", (int)ev->observer.n, ev->observer.p);
    buf_byte(b, '\n');
    f->wrong_record += ev->record <= f->last_record || ev->kind != KIND_SMTP || !ev->smtp.has;
    f->last_record = ev->record;
    f->n++;
    return f->stop_at && f->n == (uint64_t)f->stop_at ? -42 : 0;
}

static void on_reject(void *ctx, const char *unit, uint64_t number, uint64_t offset,
                      const char *why)
{
    struct found *f = ctx;
    buf_printf(&f->rejects, "%s %llu: %s\n", unit, (unsigned long long)number, why);
}

static int on_blob(void *ctx, struct span data, uint8_t sha[SHA256_LEN])
{
    struct found *f = ctx;
    put_shown(&f->blobs, data);
    buf_byte(&f->blobs, '\n');
    sha256(data.p, data.n, sha);
    return 0;
}

static void found_free(struct found *f)
{
    buf_free(&f->events);
    buf_free(&f->rejects);
    buf_free(&f->blobs);
    *f = (struct found){0};
}

static int run(const struct import_format *format, struct span data, size_t chunk, uint64_t first,
               const struct import_mail *mail, struct found *f)
{
    struct source *s;
    struct err err = {0};
    struct import_sink sink = {.ctx = f,
                               .event = on_event,
                               .reject = on_reject,
                               .blob = on_blob,
                               .first_record = first,
                               .mail = mail,
                               .now = UTC_EVENT_MIN};
    if (source_open_memory(data, "memory", &s, NULL) < 0)
        abort();
    source_set_chunk(s, chunk);
    int rc = format->run(s, &sink, &f->counts, &err);
    source_close(s);
    buf_byte(&f->events, 0);
    buf_byte(&f->rejects, 0);
    buf_byte(&f->blobs, 0);
    return rc;
}

/* The same with all chunk sizes; compares blobs and rejects. */
static void expect_bytes(const struct import_format *format, struct span data, const char *blobs,
                         const char *rejects)
{
    static const size_t chunks[] = {SOURCE_CHUNK, 1, 7};
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct found f = {0};
        ok(run(format, data, chunks[i], 1, NULL, &f) == 0 && f.wrong_record == 0);
        is_str((char *)f.blobs.p, blobs);
        is_str((char *)f.rejects.p, rejects);
        found_free(&f);
    }
}

static void expect(const struct import_format *format, const char *text, const char *blobs,
                   const char *rejects)
{
    expect_bytes(format, span_str(text), blobs, rejects);
}

static void expect_event(const struct import_format *format, const char *text,
                         const struct import_mail *mail, const char *event)
{
    struct found f = {0};
    ok(run(format, span_str(text), SOURCE_CHUNK, 1, mail, &f) == 0);
    is_str((char *)f.events.p, event);
    found_free(&f);
}

#define FROM "From a@b.example  Sun Apr  8 13:07:32 2007\n"

static void canonical(void)
{
    expect(&import_eml, "Subject: x\n\nbody\n", "Subject: x^|^|body^|\n", "");
    expect(&import_eml, "Subject: x\r\n\r\nbody\r\n", "Subject: x^|^|body^|\n", "");
    expect(&import_eml, "Subject: x\n\nbody", "Subject: x^|^|body^|\n", "");
    expect(&import_eml, "Subject: x\r\n\r\nbody", "Subject: x^|^|body^|\n", "");
    expect(&import_eml, "Subject: x\r\n\r\na\nb\r\n", "Subject: x^|^|a|b^|\n", "");
    expect(&import_eml, "Subject: x\n\na\rb\n\r", "Subject: x^|^|a^b^|^^|\n", "");
    expect(&import_eml, "Subject: x\n\n.\n..\n>From x\n", "Subject: x^|^|.^|..^|>From x^|\n", "");
    expect(&import_eml, FROM "Subject: x\n\n>From x\n\n", "Subject: x^|^|From x^|\n", "");
    expect(&import_eml, FROM "Subject: x\n\nbody\n\n\n", "Subject: x^|^|body^|^|\n", "");
    expect(&import_eml, "\n", "^|\n", "");
    expect_event(&import_eml, "Subject: x\r\n\r\na\nb\rc\r\n", NULL,
                 "1990-01-01T00:00:00   <> \"x\" bare-lf bare-cr no-received time-import\n");
}

static void mboxes(void)
{
    expect(&import_mbox, FROM "A: 1\n\nx\n\n" FROM "A: 2\n\ny\n\n", "A: 1^|^|x^|\nA: 2^|^|y^|\n",
           "");
    expect(&import_mbox, FROM "A: 1\n\nx\n\n" FROM "A: 2\n\ny\n", "A: 1^|^|x^|\nA: 2^|^|y^|\n", "");
    expect(&import_mbox, FROM "A: 1\n\nx\n\n" FROM "A: 2\n\ny", "A: 1^|^|x^|\nA: 2^|^|y^|\n", "");
    expect(&import_mbox, "\n\n" FROM "A: 1\n\nx\n\n\n\n" FROM "A: 2\n\n\n",
           "A: 1^|^|x^|^|^|\nA: 2^|^|\n", "");
    /* CRLF; a CRLF mail in an mbox of LF */
    expect(&import_mbox,
           "From a@b Sun Apr  8 13:07:32 2007\r\nA: 1\r\n\r\nx\r\n\r\nFrom a@b Sun Apr  8 13:07:32 "
           "2007\r\nA: 2\r\n\r\ny\r\n\r\n",
           "A: 1^|^|x^|\nA: 2^|^|y^|\n", "");
    expect(&import_mbox, FROM "A: 1\r\n\r\nx\r\n\n" FROM "A: 2\n\ny\n\n",
           "A: 1^|^|x^|\nA: 2^|^|y^|\n", "");
    /* what is no separator */
    expect(
        &import_mbox,
        FROM
        "A: 1\n\nx\n\nFrom here on\n\nFrom the start Sun Apr  8 13:07:32 2007\nFrom a@b Sun Apr  "
        "8 13:07:32 2007\n\nFrom a@b Sunday\n\n",
        "A: 1^|^|x^|^|From here on^|^|From the start Sun Apr  8 13:07:32 2007^|From a@b Sun Apr  8 "
        "13:07:32 2007^|^|From a@b Sunday^|\n",
        "");
    /* quoting */
    const char *quoted = FROM "A: 1\n\n>From x\n>>From y\n>>From\n> From z\n\n";
    expect(&import_mbox, quoted, "A: 1^|^|From x^|>From y^|>>From^|> From z^|\n", "");
    expect(&import_mboxrd, quoted, "A: 1^|^|From x^|>From y^|>>From^|> From z^|\n", "");
    expect(&import_mboxo, quoted, "A: 1^|^|From x^|>>From y^|>>From^|> From z^|\n", "");
    expect(&import_mboxcl2, quoted, "A: 1^|^|>From x^|>>From y^|>>From^|> From z^|\n", "");
    /* empty ones, and no From_ line */
    expect(&import_mbox, FROM "\n" FROM "A: 2\n\ny\n\n", "A: 2^|^|y^|\n",
           "mail 1: an empty mail\n");
    expect(&import_mbox, "A: 1\n\nx\n\n" FROM "A: 2\n\ny\n\n", "A: 2^|^|y^|\n",
           "mail 1: no From_ line in front of it\n");
    expect(&import_mbox, FROM, "", "mail 1: an empty mail\n");
}

static void lengths(void)
{
#define INNER "x\n\nFrom a@b.example  Sun Apr  8 13:07:32 2007\ny\n"
#define SHOWN "x^|^|From a@b.example  Sun Apr  8 13:07:32 2007^|y^|\n"
    /* leads to the end, or to the next From_ line */
    expect(&import_mbox, FROM "Content-Length: 48\n\n" INNER "\n", "Content-Length: 48^|^|" SHOWN,
           "");
    expect(&import_mbox, FROM "Content-Length: 48\n\n" INNER, "Content-Length: 48^|^|" SHOWN, "");
    expect(&import_mbox, FROM "content-length:48\n\n" INNER "\n" FROM "A: 2\n\ny\n\n",
           "content-length:48^|^|" SHOWN "A: 2^|^|y^|\n", "");
    /* an mboxcl2 is not unquoted, an mboxcl is */
    expect(&import_mbox,
           FROM "Content-Length: 9\n\n>From x\n\n"
                "\n",
           "Content-Length: 9^|^|From x^|^|\n", "");
    expect(&import_mbox,
           FROM "Content-Length: 15\n\n>From x\nFrom y\n"
                "\n",
           "Content-Length: 15^|^|>From x^|From y^|\n", "");
    /* leads elsewhere: a lie */
    expect(&import_mbox, FROM "Content-Length: 47\n\n" INNER "\n",
           "Content-Length: 47^|^|x^|\n"
           "y^|\n",
           "");
    expect(&import_mbox, FROM "Content-Length: 99999999999999999999\n\nx\n\n" FROM "A: 2\n\ny\n\n",
           "Content-Length: 99999999999999999999^|^|x^|\nA: 2^|^|y^|\n", "");
    expect(&import_mbox, FROM "Content-Length: 1000\n\nx\n\n" FROM "A: 2\n\ny\n\n",
           "Content-Length: 1000^|^|x^|\nA: 2^|^|y^|\n", "");
    expect(&import_mboxrd, FROM "Content-Length: 48\n\n" INNER "\n",
           "Content-Length: 48^|^|x^|\n"
           "y^|\n",
           "");
}

static bool from_line(const char *text, const char *sender, const char *time)
{
    struct mailbox_from f;
    char shown[UTC_TEXT_MAX];
    if (!mailbox_from_line(span_str(text), &f))
        return sender == NULL;
    utc_format(f.time, shown);
    return sender && span_is(f.sender, sender) && strncmp(shown, time, strlen(time)) == 0;
}

static void from_lines(void)
{
    ok(from_line("From a@b Sun Apr  8 13:07:32 2007", "a@b", "2007-04-08T13:07:32"));
    ok(from_line("From MAILER-DAEMON Sun Apr 8 13:07:32 EDT 2007", "MAILER-DAEMON",
                 "2007-04-08T17:07:32"));
    ok(from_line("From 1234@xxx Mon Apr 09 10:07:32 +0000 2007", "1234@xxx",
                 "2007-04-09T10:07:32"));
    ok(from_line("From a at b.example  Sun Apr  8 13:07 2007", "a at b.example",
                 "2007-04-08T13:07:00"));
    ok(from_line("From \"a b\"@c Sun Apr  8 13:07:32 2007 +0200", "\"a b\"@c",
                 "2007-04-08T11:07:32"));
    ok(from_line("From a@b Sun Apr  8 13:07:32 2007 remote from x", "a@b", "2007-04-08T13:07:32"));
    ok(from_line("From  Sun Apr  8 13:07:32 2007", "", "2007-04-08T13:07:32"));
    ok(from_line("From a@b Sun Apr 31 13:07:32 2007", NULL, NULL));
    ok(from_line("From a@b 8 Apr 2007 13:07:32", NULL, NULL));
    ok(from_line("From: a@b Sun Apr  8 13:07:32 2007", NULL, NULL));
    ok(from_line("From you and me Sun Apr  8 13:07:32 2007", NULL, NULL));
    ok(from_line("From ", NULL, NULL));
    ok(from_line("", NULL, NULL));
}

static void evidence(void)
{
    struct net net;
    net_parse(span_str("10.0.0.0/8"), &net);
    struct import_mail mail = {.trust = {.net = &net, .nets = 1}, .sensor_by_host = true};
    const char *text =
        "Delivered-To: <ours@final>\n"
        "Received: from relay (relay.x [10.1.1.1]) by store.x; Sun, 8 Apr 2007 13:00:05 +0000\n"
        "X-Original-To: them@relay\n"
        "Received: from bot (pc.isp [192.0.2.66])\n\tby Relay.x; Sun, 8 Apr 2007 13:00:03 +0000\n"
        "Received: from f ([198.51.100.1]) by bot for <forged@x>; Sun, 8 Apr 2007 10:00:00 +0000\n"
        "Envelope-To: forged@x\nReturn-Path: <s@bot>\nDate: 1 Jan 2006 00:00:00 GMT\n"
        "Subject: a\n =?x?=\nsubject: b\n\nSubject: c\n";
    expect_event(&import_eml, text, &mail,
                 "2007-04-08T13:00:03 192.0.2.66 bot <s@bot> them@relay \"a^| =?x?=\" @Relay.x\n");
    expect_event(&import_eml, text, NULL,
                 "2007-04-08T13:00:05 10.1.1.1 relay <s@bot> ours@final \"a^| =?x?=\"\n");
    expect_event(&import_mbox,
                 FROM
                 "Received: from x ([192.0.2.1]) by y; no date\nDate: 1 Jan 2006 00:00:00 GMT\n\n",
                 NULL, "2007-04-08T13:07:32 192.0.2.1 x <a@b.example> \"\" time-from-line\n");
    expect_event(&import_eml, "Date: 1 Jan 2006 00:00:00 GMT\nEnvelope-to: a@x, <b@x>,\n\n", NULL,
                 "2006-01-01T00:00:00   <> a@x b@x \"\" no-received time-header\n");
    expect_event(
        &import_eml,
        "Received: from x ([192.0.2.1]) by y; 1 Jan 1970 00:00:00 GMT\nDate: 1 Jan 2200 00:00:00 "
        "GMT\n\n",
        NULL, "1990-01-01T00:00:00 192.0.2.1 x <> \"\" time-import\n");
    expect_event(&import_mbox, "From - Sun Apr  8 13:07:32 2007\nReturn-Path: <r@x>\n\n", NULL,
                 "2007-04-08T13:07:32   <r@x> \"\" no-received time-from-line\n");
    expect_event(&import_mbox, "From MAILER-DAEMON Sun Apr  8 13:07:32 2007\nA: 1\n\n", NULL,
                 "2007-04-08T13:07:32   <> \"\" no-received time-from-line\n");
    expect_event(&import_mbox, "From root Sun Apr  8 13:07:32 2007\nA: 1\n\n", NULL,
                 "2007-04-08T13:07:32   <root> \"\" no-received time-from-line\n");
}

/* ---- archives ---- */

static void tar_header(struct buf *b, const char *name, char type, size_t size)
{
    uint8_t h[512] = {0};
    unsigned sum = 0;
    snprintf((char *)h, 100, "%s", name);
    snprintf((char *)h + 100, 8, "%07o", 0644);
    snprintf((char *)h + 124, 12, "%011o", (unsigned)size);
    snprintf((char *)h + 136, 12, "%011o", 0);
    memset(h + 148, ' ', 8);
    h[156] = (uint8_t)type;
    memcpy(h + 257, "ustar\00000", 8);
    for (unsigned i = 0; i < 512; i++)
        sum += h[i];
    snprintf((char *)h + 148, 8, "%06o", sum);
    buf_put(b, h, sizeof h);
}

static void tar_member(struct buf *b, const char *name, char type, const char *text)
{
    size_t n = strlen(text);
    tar_header(b, name, type, n);
    buf_put(b, text, n);
    while (b->n % 512)
        buf_byte(b, 0);
}

static void tar_end(struct buf *b)
{
    static const uint8_t zeros[1024];
    buf_put(b, zeros, sizeof zeros);
}

static void archives(void)
{
    struct buf b = {0};
    tar_header(&b, "mail/", '5', 0);
    tar_member(&b, "mail/1.eml", '0', "Subject: 1\n\nx\n");
    tar_member(&b, "link", '2', "");
    tar_member(&b, "mail/2", 0, FROM "From: 2\n\nx\n\n" FROM "From: 3\n\ny\n\n");
    tar_member(&b, "notes.txt", '0', "what this is\n");
    tar_member(&b, "empty", '0', "");
    tar_member(&b, "long", 'L', "a/long/name/cur/1");
    tar_member(&b, "a/lo", '0', "4\n");
    tar_member(&b, "pax", 'x', "21 path=b/c/new/name\n11 size=11\n");
    tar_header(&b, "b", '0', 0);
    buf_str(&b, "Subject: 5\n");
    while (b.n % 512)
        buf_byte(&b, 0);
    tar_member(&b, "pax", 'x', "22 GNU.sparse.major=1\n");
    tar_member(&b, "sparse", '0', "Subject: no\n");
    tar_member(&b, "g", 'g', "21 path=b/c/new/name\n");
    const char *blobs = "Subject: 1^|^|x^|\nFrom: 2^|^|x^|\nFrom: 3^|^|y^|\n4^|\nSubject: 5^|\n",
               *rejects = "mail 4: notes.txt: not a mail\nmail 5: empty: an empty file\n";
    size_t whole = b.n;
    ok(import_tar.probe(buf_as_span(&b)) == 99);
    tar_end(&b);
    expect_bytes(&import_tar, buf_as_span(&b), blobs, rejects);

    struct found f = {0};
    ok(run(&import_tar, buf_as_span(&b), 512, 6, NULL, &f) == 0);
    is_int(f.counts.records, 7);
    is_int(f.n, 2);
    found_free(&f);
    f.stop_at = 2;
    is_int(run(&import_tar, buf_as_span(&b), 512, 1, NULL, &f), -42);
    is_int(f.n, 2);
    found_free(&f);

    /* two archives in one file; then a damaged header, and a cut */
    buf_reserve(&b, whole); /* or the bytes would move away while they are copied */
    buf_put(&b, b.p, whole);
    is_int(run(&import_tar, buf_as_span(&b), SOURCE_CHUNK, 1, NULL, &f), 0);
    is_int(f.n, 10);
    found_free(&f);
    b.n = whole;
    b.p[512 + 3] ^= 1;
    expect_bytes(
        &import_tar, buf_as_span(&b), "From: 2^|^|x^|\nFrom: 3^|^|y^|\n4^|\nSubject: 5^|\n",
        "header 2: not a header, or its checksum does not hold: passed over to the next one\n"
        "mail 3: notes.txt: not a mail\nmail 4: empty: an empty file\n");
    b.p[512 + 3] ^= 1;
    b.n = 512 + 512 + 5;
    expect_bytes(&import_tar, buf_as_span(&b), "", "mail 1: mail/1.eml: cut off\n");
    b.n = 512 + 100;
    expect_bytes(&import_tar, buf_as_span(&b), "", "header 1: the archive is cut off\n");
    buf_free(&b);
}

/* ---- limits, probes ---- */

static void limits(void)
{
    struct buf b = {0};
    struct found f = {0};
    buf_str(&b, FROM "A: 1\n\n");
    while (b.n < MAILBOX_MAIL_MAX + 100)
        buf_str(&b, "a line of a mail that is too large for anybody to read it, and goes on\n");
    buf_str(&b, "\n" FROM "A: 2\n\ny\n\n");
    ok(run(&import_mbox, buf_as_span(&b), SOURCE_CHUNK, 1, NULL, &f) == 0);
    is_str((char *)f.rejects.p, "mail 1: larger than 64 MiB\n");
    ok(strcmp((char *)f.blobs.p, "A: 2^|^|y^|\n") == 0, "the next one is taken");
    found_free(&f);
    struct span mail = span_of(b.p + sizeof FROM - 1, b.n - sizeof FROM + 1);
    ok(run(&import_eml, mail, SOURCE_CHUNK, 1, NULL, &f) == 0);
    is_str((char *)f.rejects.p, "mail 1: larger than 64 MiB\n");
    found_free(&f);

    /* a long subject, sender, and more Received headers and recipients than are kept */
    b.n = 0;
    buf_str(&b, "Subject: ");
    for (unsigned i = 0; i < 300000; i++)
        buf_str(&b, "abcd");
    buf_str(&b, "\nEnvelope-To: ");
    for (unsigned i = 0; i < 1000; i++)
        buf_str(&b, "a@b,");
    buf_byte(&b, '\n');
    for (unsigned i = 0; i < 1000; i++)
        buf_str(&b, "Received: by x; 1 Jan 2007 00:00:00 GMT\n");
    ok(run(&import_eml, buf_as_span(&b), SOURCE_CHUNK, 1, NULL, &f) == 0);
    ok(f.n == 1 && f.events.n < SMTP_HEADER_VALUE_MAX + EVENT_RCPT_MAX * 5 + 200,
       "what is kept is bounded");
    found_free(&f);
    buf_free(&b);
}

static void torn(void)
{
    static const char text[] = FROM "A: 1\n\nx\n\n" FROM "A: 2\n\ny\n\n";
    /* gzip that breaks off: stored block of the text, its length larger than what follows */
    struct buf b = {0};
    uint16_t n = sizeof text - 1 + 10;
    buf_put(&b, "\x1f\x8b\x08\0\0\0\0\0\0\3\1", 11);
    buf_put(&b, (uint8_t[]){(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8)}, 4);
    buf_str(&b, text);
    struct found f = {0};
    ok(run(&import_mbox, buf_as_span(&b), SOURCE_CHUNK, 1, NULL, &f) == 0);
    is_str((char *)f.blobs.p, "A: 1^|^|x^|\n");
    is_int(f.counts.rejected, 1);
    ok(strncmp((char *)f.rejects.p, "mail 2: ", 8) == 0);
    found_free(&f);
    buf_free(&b);
}

static void probes(void)
{
    static const struct {
        const char *text, *format;
    } heads[] = {
        {FROM "A: 1\n", "mbox"},
        {"\n" FROM "A: 1\n", "mbox"},
        {"From a@b Sun Apr  8 13:07:32 2007\r\nA: 1\r\n", "mbox"},
        {"Received: from x\n\tby y; z\nSubject: x\n\nbody", "eml"},
        {"Return-Path: <a@b>\r\nX-Odd: 1\r\n\r\n", "eml"},
        {"Subject: only\n\nbody: x\n", "eml"},
        {"name: a case\norigin: x\n", NULL},
        {"just text: with colons\nand more", NULL},
        {"{\"ts\":1,\"uid\":\"x\",\"id.orig_h\":\"1.2.3.4\"}\n", "zeek"},
        {"#separator \\x09\n#fields\tts\n", "zeek"},
        {"\"timestamp\",\"ip\",\"port\",\"asn\",\"geo\"\n", "shadowserver"},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL},
        {"From here: to there\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const struct import_format *f = import_format_detect(span_str(heads[i].text));
        printf("# head %zu\n", i + 1);
        ok(heads[i].format ? f && strcmp(f->name, heads[i].format) == 0 : !f);
    }
}

int main(void)
{
    canonical();
    mboxes();
    lengths();
    from_lines();
    evidence();
    archives();
    limits();
    torn();
    probes();
    return tap_done();
}
