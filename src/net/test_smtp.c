/* SMTP sessions by hand: each dialogue's replies and events. Sections are RFC 5321's unless another
 * document is named. */
#include <sodium.h>

#include "base/tap.h"
#include "net/seal.h"
#include "net/smtp_internal.h"
#include "net/test_env.h"
#include "net/tls.h"

static struct test_env T;
static struct test_session S;
static uint8_t public_key[NET_SEAL_KEY_LEN], secret_key[NET_SEAL_KEY_LEN];

/* ---- a world, a connection, its ends ---- */

enum { ASSET_ADDRESS = 1, ASSET_NAME = 2, NO_ASSET = 4 };

static void add_policies(void)
{
    static char names[][8] = {"later", "reject", "slow"};
    static const enum policy_smtp answers[] = {POLICY_SMTP_ACCEPT_450, POLICY_SMTP_REJECT,
                                               POLICY_SMTP_TARPIT};
    for (size_t i = 0; i < 3; i++) {
        T.policies[i + 1] = T.policies[0];
        T.policies[i + 1].name = names[i];
        T.policies[i + 1].smtp.answer = answers[i];
    }
    T.policies[3].smtp.delay_ms = 5000;
    T.config.policies_count = 4;
}

static void world_for(int assets, const char *policy)
{
    test_env_init(&T);
    add_policies();
    T.config.seal = true;
    memcpy(T.config.seal_key, public_key, sizeof public_key);
    if (assets & ASSET_ADDRESS)
        test_env_asset(&T, "192.0.2.25", policy, "rustock");
    if (assets & ASSET_NAME) {
        test_env_asset(&T, "seized.example", policy, "waledac");
        test_env_asset(&T, "198.51.100.7", policy, "");
        test_env_asset(&T, "later.example", "later", "");
        test_env_asset(&T, "reject.example", "reject", "");
    }
    test_env_ready(&T);
    if (smtp_server_new(&T.config, &T.env.smtp, NULL) < 0)
        abort();
}

static void world_end(void)
{
    smtp_server_free(T.env.smtp);
    test_env_free(&T);
}

static void open_to(const char *dst)
{
    T.out.n = 0;
    test_session_begin(&S, &T, &smtp_session, test_peer("203.0.113.9", 4711, dst, 25, true));
}

static void say_span(struct span bytes)
{
    test_session_data(&S, bytes);
    for (int i = 0; i < 100000 && S.s.ticket; i++)
        test_session_stored(&S, true);
}

static void say(const char *text)
{
    say_span(span_str(text));
}

static void hang_up(void)
{
    test_session_end(&S, S.over ? SESSION_CLOSED : SESSION_PEER_CLOSED);
}

/* The codes of what was said to the client since the last call: "220 250". A reply that is not well
 * formed shows as "?". */
static const char *codes(void)
{
    static char text[65536];
    size_t n = 0;
    struct span rest = buf_as_span(&T.out);
    while (rest.n && n + 8 < sizeof text) {
        const uint8_t *lf = memchr(rest.p, '\n', rest.n);
        size_t line = lf ? (size_t)(lf + 1 - rest.p) : rest.n;
        bool good = lf && line >= 6 && line <= 512 && rest.p[line - 2] == '\r' &&
                    (rest.p[3] == ' ' || rest.p[3] == '-');
        if (!good || rest.p[3] == ' ')
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", n ? " " : "", good ? 3 : 1,
                                  good ? (const char *)rest.p : "?");
        rest = span_of(rest.p + line, rest.n - line);
    }
    text[n] = 0;
    T.out.n = 0;
    return text;
}

static const char *text_of(struct span s)
{
    static char text[4][20000];
    static int which;
    char *t = text[which++ & 3];
    size_t n = s.n < sizeof text[0] - 1 ? s.n : sizeof text[0] - 1;
    if (n)
        memcpy(t, s.p, n);
    t[n] = 0;
    return t;
}

#define is_span(got, want) is_str(text_of(got), want)
#define BLOB(i)            buf_as_span(&T.recorded[i].blob)
#define EV(i)              (&T.recorded[i].ev)

/* ---- dialogues of appendix D ---- */

static void test_appendix_d1(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    is_str(codes(), "220");
    say("EHLO bar.com\r\n");
    ok(T.out.n && memmem(T.out.p, T.out.n, "250-[192.0.2.25]\r\n", 18), "our name is the address");
    is_str(codes(), "250");
    say("MAIL FROM:<Smith@bar.com>\r\n");
    say("RCPT TO:<Jones@foo.com>\r\n");
    say("RCPT TO:<Green@foo.com>\r\n");
    say("RCPT TO:<Brown@foo.com>\r\n");
    say("DATA\r\n");
    is_str(codes(), "250 250 250 250 354");
    say("Subject: Blah blah blah...\r\n\r\n...etc. etc. etc.\r\n");
    say("..\r\n");
    is_str(codes(), "");
    is_int(T.n, 0);
    test_session_data(&S, span_str(".\r\n"));
    is_str(codes(), "");
    ok(S.s.ticket == 1, "the 250 waits for the disk");
    is_int(T.n, 1);
    test_session_stored(&S, true);
    is_str(codes(), "250");
    say("QUIT\r\n");
    is_str(codes(), "221");
    ok(S.over);
    hang_up();
    is_int(T.n, 1);
    const struct event *ev = EV(0);
    is_int(ev->kind, KIND_SMTP);
    is_span(ev->protocol, "smtp");
    is_span(ev->transport, "tcp");
    is_span(ev->answer, "250");
    is_span(ev->family, "rustock");
    is_span(ev->family_source, "asset");
    is_int(ev->asset, 3);
    is_int(ev->src_port, 4711);
    is_span(ev->smtp.helo, "bar.com");
    is_span(ev->smtp.mail_from, "Smith@bar.com");
    is_int(ev->smtp.rcpt_to.n, 3);
    is_span(ev->smtp.rcpt_to.v[2], "Brown@foo.com");
    is_span(ev->smtp.subject, "Blah blah blah...");
    is_span(BLOB(0), "Subject: Blah blah blah...\r\n\r\n..etc. etc. etc.\r\n.\r\n");
    is_int(ev->smtp.size, BLOB(0).n);
    is_span(ev->smtp.dialogue,
            "EHLO bar.com\r\nMAIL FROM:<Smith@bar.com>\r\nRCPT TO:<Jones@foo.com>\r\n"
            "RCPT TO:<Green@foo.com>\r\nRCPT TO:<Brown@foo.com>\r\nDATA\r\n");
    is_span(ev->smtp.replies, "250 250 250 250 250 354");
    is_span(ev->smtp.timing, "0,0,0,0,0,0");
    is_int(ev->smtp.early, 0);
    is_span(ev->smtp.anomalies, "");
    is_int(T.counters.smtp_sessions, 1);
    is_int(T.counters.smtp_mails, 1);
    is_int(T.counters.recorded, 1);
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

/* D.2: aborted with RSET; D.3 without the relay: the source route is recorded as it came; D.4:
 * VRFY. */
static void test_appendix_d234(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    say("EHLO bar.com\r\nMAIL FROM:<Smith@bar.com>\r\nRCPT TO:<Jones@foo.com>\r\n");
    say("RSET\r\nRCPT TO:<Green@foo.com>\r\nDATA\r\nQUIT\r\n");
    is_str(codes(), "220 250 250 250 250 503 503 221");
    hang_up();
    is_int(T.n, 1, "one event for a session without mail");
    is_span(EV(0)->smtp.mail_from, "");
    is_span(EV(0)->answer, "221");
    is_int(BLOB(0).n, 0);
    test_env_forget(&T);

    open_to("192.0.2.25");
    say("EHLO bar.com\r\nMAIL FROM:<JQP@bar.com>\r\nRCPT TO:<@foo.com:Jones@XYZ.COM>\r\nDATA\r\n");
    say("Received: from bar.com\r\n\r\nx\r\n.\r\nQUIT\r\n");
    is_str(codes(), "220 250 250 250 354 250 221");
    hang_up();
    is_int(T.n, 1);
    is_span(EV(0)->smtp.rcpt_to.v[0], "@foo.com:Jones@XYZ.COM");
    test_env_forget(&T);

    open_to("192.0.2.25");
    say("EHLO bar.com\r\nVRFY Crispin\r\nEXPN list\r\nETRN x\r\nTURN\r\nHELP\r\nNOOP x\r\n");
    is_str(codes(), "220 250 252 502 502 502 214 250");
    hang_up();
    is_int(T.n, 1);
    is_span(EV(0)->smtp.dialogue,
            "EHLO bar.com\r\nVRFY Crispin\r\nEXPN list\r\nETRN x\r\nTURN\r\nHELP\r\nNOOP x\r\n");
    is_span(EV(0)->smtp.replies, "250 252 502 502 502 214 250");
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

static void test_ehlo(void)
{
    world_for(ASSET_ADDRESS, "");
    static char banner[] = "mail.example.net";
    T.policies[0].smtp.banner = banner;
    open_to("192.0.2.25");
    say("EHLO x\r\n");
    is_str(text_of(buf_as_span(&T.out)),
           "220 mail.example.net ESMTP\r\n250-mail.example.net\r\n250-PIPELINING\r\n"
           "250-SIZE 10485760\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-BINARYMIME\r\n"
           "250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n250 HELP\r\n");
    T.out.n = 0;
    say("HELO x\r\n");
    is_str(text_of(buf_as_span(&T.out)), "250 mail.example.net\r\n");
    T.out.n = 0;
    say("HELO\r\nEHLO  \r\n");
    is_str(codes(), "501 501");
    hang_up();
    world_end();

    static char bad[] = "a\r\nb";
    struct smtp_server *server = NULL;
    struct err err;
    T.config.policies = T.policies;
    T.policies[0].smtp.banner = bad;
    is_int(smtp_server_new(&T.config, &server, &err) < 0, 1);
    is_str(err.text, "policy default: smtp banner: a host name is wanted");
}

/* ---- authority ---- */

static void test_authority_by_name(void)
{
    world_for(ASSET_NAME, "");
    open_to("192.0.2.99");
    say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@elsewhere.example>\r\nRCPT TO:<Postmaster>\r\n");
    is_str(codes(), "220 250 250 550 550");
    is_int(T.counters.smtp_refused, 2);
    say("DATA\r\n");
    is_str(codes(), "554");
    say("RCPT TO:<u@WWW.Seized.Example>\r\nRCPT "
        "TO:<v@[198.51.100.7]>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n");
    is_str(codes(), "250 250 354 250 221");
    hang_up();
    is_int(T.n, 1);
    is_span(EV(0)->family, "waledac");
    is_int(EV(0)->smtp.rcpt_to.n, 2);
    is_span(EV(0)->smtp.rcpt_to.v[0], "u@WWW.Seized.Example");
    is_span(
        EV(0)->smtp.dialogue,
        "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<[20 refused]\r\nRCPT TO:<[11 refused]\r\nDATA\r\n"
        "RCPT TO:<u@WWW.Seized.Example>\r\nRCPT TO:<v@[198.51.100.7]>\r\nDATA\r\n");
    is_span(BLOB(0), "hi\r\n");
    test_env_forget(&T);

    open_to("192.0.2.99");
    say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@elsewhere.example>\r\nVRFY u@else.example\r\n");
    say("AUTH PLAIN AGEAYg==\r\nQUIT\r\n");
    hang_up();
    is_int(T.n, 0, "nothing is recorded of a session that never touched authority");
    codes();
    open_to("192.0.2.99");
    say("GET / HTTP/1.1\r\n\r\n");
    hang_up();
    is_int(T.n, 0);
    is_int(T.counters.smtp_refused, 4);
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

static void test_authority_none(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.26");
    ok(S.over && T.out.n == 0, "closed without a word");
    is_int(T.counters.smtp_refused, 1);
    is_int(T.counters.smtp_sessions, 0);
    hang_up();
    is_int(T.n, 0);
    world_end();
}

/* An order that runs out while the mail comes in. */
static void test_authority_ends(void)
{
    world_for(ASSET_NAME, "");
    open_to("192.0.2.99");
    say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@seized.example>\r\nDATA\r\nhi\r\n");
    T.env.now += 2 * 86400000000ll;
    say(".\r\n");
    is_str(codes(), "220 250 250 250 354 550");
    is_int(T.counters.smtp_refused, 1);
    hang_up();
    is_int(T.n, 0);
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

static void test_contact_only(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    hang_up();
    is_int(T.n, 1);
    is_span(EV(0)->answer, "220");
    is_span(EV(0)->smtp.dialogue, "");
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

/* ---- policies ---- */

static void test_policies(void)
{
    world_for(ASSET_NAME, "");
    open_to("192.0.2.99");
    say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@later.example>\r\nDATA\r\nhi\r\n");
    test_session_data(&S, span_str(".\r\n"));
    ok(!S.s.ticket, "nobody waits for a 450");
    say("MAIL FROM:<c@d>\r\nRCPT TO:<u@reject.example>\r\nRCPT TO:<v@reject.example>\r\nDATA\r\n");
    is_str(codes(), "220 250 250 250 354 450 250 550 550 554");
    is_int(T.n, 1);
    is_span(EV(0)->answer, "450");
    is_span(BLOB(0), "hi\r\n");
    say("RSET\r\n");
    is_int(T.n, 2, "a transaction that was rejected is recorded");
    is_span(EV(1)->answer, "550");
    is_span(EV(1)->smtp.mail_from, "c@d");
    is_int(EV(1)->smtp.rcpt_to.n, 2);
    is_span(EV(1)->smtp.replies, "250 550 550 554 250");
    say("QUIT\r\n");
    hang_up();
    is_int(T.n, 2);
    world_end();
}

static void wake(void)
{
    T.env.tick = S.s.wake_at;
    test_session_next(&S, S.s.type->wake(&S.s));
    test_session_data(&S, span_of(NULL, 0));
}

static void test_tarpit(void)
{
    world_for(ASSET_ADDRESS, "slow");
    open_to("192.0.2.25");
    is_str(codes(), "");
    ok(S.s.paused && S.s.wake_at == T.env.tick + 5000, "the greeting waits");
    buf_str(&S.in, "EHLO x\r\n"); /* comes before the greeting */
    wake();
    is_str(codes(), "220");
    ok(S.s.paused, "the next reply waits, too");
    wake();
    is_str(codes(), "250");
    T.env.tick += 40;
    say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    is_str(codes(), "");
    wake();
    is_str(codes(), "250");
    wake();
    wake();
    is_str(codes(), "250 354");
    T.env.tick += 7;
    test_session_data(&S, span_str("hi\r\n.\r\nQUIT\r\n"));
    ok(S.s.ticket != 0);
    test_session_stored(&S, true);
    is_str(codes(), "");
    wake();
    is_str(codes(), "250");
    ok(!S.over && S.s.paused);
    wake();
    is_str(codes(), "221");
    ok(S.over);
    hang_up();
    is_int(T.n, 1);
    is_int(EV(0)->smtp.early, 8);
    is_span(EV(0)->smtp.timing, "0,40,0,0");
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

/* ---- what is said and when ---- */

static void test_timing(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    T.env.tick += 120;
    say("EHLO x\r\n");
    T.env.tick += 3;
    say("MAIL FR");
    T.env.tick += 4;
    say("OM:<a@b>\r\n");
    say("RCPT TO:<c@d>\r\n");
    T.env.tick += 1000;
    say("DATA\r\n");
    T.env.tick += 9;
    test_session_data(&S, span_str("x\r\n.\r\n"));
    T.env.tick += 50;
    test_session_stored(&S, true);
    T.env.tick += 11;
    say("mail from:<a@b>\r\nrcpt to:<c@d>\r\ndata\r\n");
    say(".\r\n");
    hang_up();
    is_int(T.n, 2);
    is_span(EV(0)->smtp.timing, "120,7,0,1000");
    is_span(EV(1)->smtp.timing, "11,0,0");
    is_span(EV(1)->smtp.dialogue, "mail from:<a@b>\r\nrcpt to:<c@d>\r\ndata\r\n");
    is_span(EV(1)->smtp.helo, "x");
    is_int(EV(1)->smtp.size, 0);
    world_end();
}

/* RFC 2920, 3.1: MAIL, RCPT, RSET and what is behind a mail may come along; nothing behind EHLO,
 * DATA, QUIT may. A HELO client waits for everything. */
static void test_early(void)
{
    static const struct {
        const char *first, *then;
        unsigned early;
    } rows[] = {
        {"EHLO x\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", 0},
        {"EHLO x\r\nMAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\nDATA\r\n", 17},
        {"EHLO x\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n", 3},
        {"EHLO x\r\nNOOP\r\nMAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\nDATA\r\n", 23},
        {"HELO x\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", 21},
        {"HELO x\r\n", "MAIL FROM:<a@b>\r\n", 0},
        {"EHLO x\r\nMAIL FR", "OM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", 7},
        {"EHLO x\r\nRSET\r\n", "RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", 6},
        {"EHLO x\r\n", "AUTH LOGIN\r\nYQ==\r\nYg==\r\n", 12},
        {"EHLO x\r\n", "STARTTLS\r\nEHLO y\r\n", 8},
    };
    world_for(ASSET_ADDRESS, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_env_forget(&T);
        open_to("192.0.2.25");
        say(rows[i].first);
        say(rows[i].then);
        hang_up();
        is_int(T.n, 1);
        is_int(EV(0)->smtp.early, rows[i].early);
    }
    /* before the greeting: what a connection had when the session began */
    test_env_forget(&T);
    open_to("192.0.2.25");
    smtp_state(&S.s)->early_next = true; /* as begin() does for quiet_since_begin = false */
    say("EHLO x\r\n");
    hang_up();
    is_int(EV(0)->smtp.early, 8);
    world_end();
}

static void test_dialect(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    say(" ehlo  x \n");
    say("mail from: a@b \r\nRCPT TO :<c@d>\r\nRCPT TO:<>\r\nMAIL\r\ndata\r\n");
    say("a\rb\r\nc\n.\nd\r\n.\r\n");
    is_str(codes(), "220 250 250 250 501 503 354 250");
    hang_up();
    is_int(T.n, 1);
    is_span(EV(0)->smtp.dialogue, " ehlo  x \nmail from: a@b \r\nRCPT TO :<c@d>\r\nRCPT TO:<>\r\n"
                                  "MAIL\r\ndata\r\n");
    is_span(EV(0)->smtp.anomalies, "bare-lf bare-cr odd-path odd-end spaces");
    is_span(EV(0)->smtp.mail_from, "a@b");
    world_end();
}

/* ---- the end of a mail ---- */

/* The sequences of the SMTP smuggling disclosure of December 2023 (SEC Consult): each is tried as
 * the end of a mail, with a second one behind it. None may end it. */
static void test_smuggling(void)
{
    static const struct {
        const char *end;
        size_t n;
    } rows[] = {
#define ROW(text) {text, sizeof text - 1}
        ROW("\n.\n"),       ROW("\n.\r\n"),     ROW("\r\n.\n"),     ROW("\r.\r"),
        ROW("\r\n.\r"),     ROW("\r.\r\n"),     ROW("\n.\r"),       ROW("\r.\n"),
        ROW("\r\n\0.\r\n"), ROW("\r\n.\0\r\n"), ROW("\r\n.\r\r\n"), ROW("\r\r\n.\r\r\n"),
        ROW("\r\n.\n\r\n"), ROW("\r\n \r\n"),
    };
    static const char second[] =
        "MAIL FROM:<admin@bank.example>\r\nRCPT TO:<v@x>\r\nDATA\r\nevil\r\n";
    world_for(ASSET_ADDRESS, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf sent = {0};
        test_env_forget(&T);
        open_to("192.0.2.25");
        say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
        codes();
        buf_str(&sent, "lorem");
        buf_put(&sent, rows[i].end, rows[i].n);
        buf_str(&sent, second);
        say_span(buf_as_span(&sent));
        is_str(codes(), "");
        say(".\r\n");
        is_str(codes(), "250");
        hang_up();
        is_int(T.n, 1);
        ok(BLOB(0).n >= sent.n - 1 && memmem(BLOB(0).p, BLOB(0).n, "MAIL FROM:<admin", 16),
           "one mail");
        bool dot_line = memchr(rows[i].end, '.', rows[i].n) && rows[i].end[rows[i].n - 1] == '\n' &&
                        (i < 3 || i == 12);
        is_int(strstr(text_of(EV(0)->smtp.anomalies), "odd-end") != NULL, dot_line);
        buf_free(&sent);
    }
    world_end();
}

/* RFC 3030. */
static void test_bdat(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    say("EHLO x\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    is_str(codes(), "220 250 250 250 503");
    say("BDAT 20\r\nSubject: x\r\n\r\n.\r\n.\r\nBDAT 3\r\na");
    is_str(codes(), "250");
    say("\r\n");
    is_str(codes(), "250");
    say("RCPT TO:<e@f>\r\nDATA\r\nBDAT 5 LAST\r\n\r\n.\r\n");
    is_str(codes(), "503 503 250");
    say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 2\r\nhiBDAT 0 LAST\r\n");
    is_str(codes(), "250 250 250 250");
    say("BDAT 4 LAST\r\nQUITBDAT x\r\nBDAT 4\r\nQUITRSET\r\n");
    is_str(codes(), "503 501 503 250");
    hang_up();
    is_int(T.n, 2);
    is_span(BLOB(0), "Subject: x\r\n\r\n.\r\n.\r\na\r\n\r\n.\r\n");
    is_span(EV(0)->smtp.subject, "x");
    is_span(EV(0)->smtp.dialogue, "EHLO x\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT "
                                  "TO:<c@d>\r\nDATA\r\nBDAT 20\r\nBDAT 3\r\n"
                                  "RCPT TO:<e@f>\r\nDATA\r\nBDAT 5 LAST\r\n");
    is_span(EV(0)->smtp.replies, "250 250 250 503 250 250 503 503 250");
    is_span(BLOB(1), "hi");
    is_int(T.counters.memory_bytes, 0);

    test_env_forget(&T);
    open_to("192.0.2.25");
    say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 10\r\nhalf");
    hang_up();
    is_int(T.n, 1);
    is_span(EV(0)->smtp.anomalies, "aborted");
    is_int(EV(0)->smtp.size, 4);
    is_int(BLOB(0).n, 0);
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

static void test_aborted(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: half\r\n\r\nlorem");
    hang_up();
    is_int(T.n, 1);
    is_span(EV(0)->smtp.anomalies, "aborted");
    is_span(EV(0)->smtp.subject, "half");
    is_span(EV(0)->answer, "354");
    is_int(EV(0)->smtp.size, 22);
    is_int(BLOB(0).n, 0);
    is_int(T.counters.smtp_mails, 0);
    is_int(T.counters.memory_bytes, 0);
    /* a client that hangs up while the mail is being stored */
    test_env_forget(&T);
    open_to("192.0.2.25");
    say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nlorem\r\n");
    test_session_data(&S, span_str(".\r\n"));
    hang_up();
    is_int(T.n, 1);
    is_span(BLOB(0), "lorem\r\n");
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

/* ---- STARTTLS ---- */

static void test_starttls(void)
{
    struct tls_info tls = {.version = span_str("1.3"), .sni = span_str("seized.example")};
    world_for(ASSET_NAME | ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    say("EHLO first\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nSTARTTLS now\r\n");
    is_str(codes(), "220 250 250 250 501");
    struct cur in = cur_of(span_str("STARTTLS\r\nMAIL FROM:<evil@x>\r\n"));
    is_int(S.s.type->data(&S.s, &in), SESSION_STARTTLS);
    is_int(cur_left(&in), 0, "what came along is thrown away");
    is_str(codes(), "220");
    S.s.peer.tls = &tls;
    is_int(S.s.type->begin_tls(&S.s), SESSION_GO_ON);
    say("RCPT TO:<c@d>\r\n");
    is_str(codes(), "503");
    say("EHLO second\r\n");
    ok(!memmem(T.out.p, T.out.n, "STARTTLS", 8), "not offered within TLS");
    ok(memmem(T.out.p, T.out.n, "250-mx.seized.example\r\n", 23), "the name that was asked for");
    is_str(codes(), "250");
    say("STARTTLS\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n");
    is_str(codes(), "503 250 250 354 250");
    hang_up();
    is_int(T.n, 1);
    is_span(EV(0)->smtp.helo, "second");
    is_span(
        EV(0)->smtp.dialogue,
        "EHLO first\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nSTARTTLS now\r\nSTARTTLS\r\n"
        "RCPT TO:<c@d>\r\nEHLO second\r\nSTARTTLS\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    is_span(EV(0)->tls.sni, "seized.example");
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

/* ---- credentials ---- */

static const char *opened(struct span chain)
{
    static char text[4096];
    struct arena arena = {0};
    struct span out[64];
    int n = seal_open(public_key, secret_key, chain, &arena, out, 64);
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s", i ? "|" : "", (int)out[i].n,
                               (const char *)out[i].p);
    arena_free(&arena);
    return n < 0 ? "does not open" : text;
}

static bool in_clear(const char *secret)
{
    for (size_t i = 0; i < T.n; i++)
        if (memmem(T.recorded[i].payload.p, T.recorded[i].payload.n, secret, strlen(secret)))
            return true;
    return false;
}

/* RFC 4954, and clients that are worse. */
static void test_auth(void)
{
    static const struct {
        const char *said, *replies, *dialogue, *sealed;
    } rows[] = {
        {"AUTH PLAIN AHZpY3RpbQBzZWNyZXQ=\r\nNOOP\r\n", "250 235 250",
         "AUTH PLAIN [20 sealed]\r\nNOOP\r\n", "AHZpY3RpbQBzZWNyZXQ="},
        {"AUTH PLAIN\r\nAHZpY3RpbQBzZWNyZXQ=\r\n", "250 334 235", "AUTH PLAIN\r\n[20 sealed]\r\n",
         "AHZpY3RpbQBzZWNyZXQ="},
        {"auth login\r\ndmljdGlt\r\nc2VjcmV0\n", "250 334 334 235",
         "auth login\r\n[8 sealed]\r\n[8 sealed]\n", "dmljdGlt|c2VjcmV0"},
        {"AUTH  LOGIN dmljdGlt \r\nc2VjcmV0\r\n", "250 334 235",
         "AUTH  LOGIN [8 sealed] \r\n[8 sealed]\r\n", "dmljdGlt|c2VjcmV0"},
        {"AUTH LOGIN\r\n*\r\nAUTH PLAIN\r\n*\r\n", "250 334 501 334 501",
         "AUTH LOGIN\r\n[1 sealed]\r\nAUTH PLAIN\r\n[1 sealed]\r\n", "*|*"},
        {"AUTH XOAUTH2 c2VjcmV0\r\nc2VjcmV0\r\nNOOP\r\nAUTH hunter2 x\r\nAUTH\r\n",
         "250 504 500 250 504 501",
         "AUTH XOAUTH2 [8 sealed]\r\n[8 sealed]\r\nNOOP\r\nAUTH [9 sealed]\r\nAUTH\r\n",
         "c2VjcmV0|c2VjcmV0|hunter2 x"},
        {"AUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGMAZA==\r\nc2VjcmV0\r\n", "250 235 503 500",
         "AUTH PLAIN [8 sealed]\r\nAUTH PLAIN [8 sealed]\r\n[8 sealed]\r\n",
         "AGEAYg==|AGMAZA==|c2VjcmV0"},
        {"AUTHPLAIN c2VjcmV0\r\nX-AUTH c2VjcmV0\r\n", "250 500 500",
         "[18 sealed]\r\n[15 sealed]\r\n", "AUTHPLAIN c2VjcmV0|X-AUTH c2VjcmV0"},
        {"MAIL FROM:<a@b>\r\nAUTH PLAIN c2VjcmV0\r\n", "250 250 503",
         "MAIL FROM:<a@b>\r\nAUTH PLAIN [8 sealed]\r\n", "c2VjcmV0"},
        {"AUTH LOGIN\r\nc2Vj", "250 334", "AUTH LOGIN\r\n[4 sealed]", "c2Vj"},
        {"AUTH PLAIN c2Vj", "250", "AUTH PLAIN [4 sealed]", "c2Vj"},
    };
    world_for(ASSET_ADDRESS, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[512];
        test_env_forget(&T);
        open_to("192.0.2.25");
        codes();
        say("EHLO x\r\n");
        say(rows[i].said);
        is_str(codes(), rows[i].replies);
        hang_up();
        is_int(T.n, 1);
        snprintf(want, sizeof want, "EHLO x\r\n%s", rows[i].dialogue);
        is_span(EV(0)->smtp.dialogue, want);
        is_str(opened(EV(0)->smtp.auth), rows[i].sealed);
        ok(!in_clear("c2V") && !in_clear("AHZ") && !in_clear("dml") && !in_clear("hunter"));
    }
    /* with a mail, once; by policy credentials are refused */
    test_env_forget(&T);
    open_to("192.0.2.25");
    say("EHLO x\r\nAUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b> AUTH=<>\r\nRCPT "
        "TO:<c@d>\r\nDATA\r\n1\r\n.\r\n");
    say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n1\r\n.\r\n");
    hang_up();
    is_int(T.n, 2);
    is_str(opened(EV(0)->smtp.auth), "AGEAYg==");
    is_int(EV(1)->smtp.auth.n, 0);
    is_int(T.counters.memory_bytes, 0);
    world_end();
    world_for(ASSET_ADDRESS, "reject");
    open_to("192.0.2.25");
    codes();
    say("EHLO x\r\nAUTH PLAIN AGEAYg==\r\nAUTH LOGIN\r\nYQ==\r\nYg==\r\n");
    is_str(codes(), "250 535 334 334 535");
    hang_up();
    is_str(opened(EV(0)->smtp.auth), "AGEAYg==|YQ==|Yg==");
    world_end();
}

/* Bytes that are no SMTP are kept raw, unless they hold what may be a credential. */
static void test_auth_first(void)
{
    static const char *const firsts[] = {"AUTHPLAIN c2VjcmV0\r\n", "AUTH PLAIN c2VjcmV0",
                                         "XAUTH c2VjcmV0"};
    world_for(ASSET_ADDRESS, "");
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        test_env_forget(&T);
        open_to("192.0.2.25");
        say(firsts[i]);
        hang_up();
        is_int(T.n, 1);
        is_int(EV(0)->kind, KIND_SMTP);
        ok(!in_clear("c2V"));
    }
    /* without a key they are thrown away */
    T.config.seal = false;
    test_env_forget(&T);
    open_to("192.0.2.25");
    say("EHLO x\r\nAUTH PLAIN c2VjcmV0\r\n");
    hang_up();
    is_span(EV(0)->smtp.dialogue, "EHLO x\r\nAUTH PLAIN [8 dropped]\r\n");
    is_int(EV(0)->smtp.auth.n, 0);
    ok(!in_clear("c2V"));
    world_end();
}

static void test_seal(void)
{
    struct buf chain = {0};
    struct arena arena = {0};
    struct span out[2];
    unsigned pushed = 0;
    char secret[200];
    memset(secret, 'x', sizeof secret);
    while (pushed < 1000 && seal_push(public_key, span_of(secret, sizeof secret), &arena, &chain))
        pushed++;
    ok(chain.n <= SEAL_BOXES_MAX && pushed == SEAL_BOXES_MAX / (sizeof secret + SEAL_EXTRA),
       "a chain is bounded");
    is_int(seal_open(public_key, secret_key, buf_as_span(&chain), &arena, out, 2), 2);
    chain.p[chain.n / 2] ^= 1;
    is_int(seal_open(public_key, secret_key, buf_as_span(&chain), &arena, out, 2), -1);
    is_int(seal_open(public_key, secret_key, span_of(chain.p, 10), &arena, out, 2), -1);
    buf_free(&chain);
    arena_free(&arena);
    /* a key that libsodium will not seal to is found when the process starts */
    struct smtp_server *server;
    world_for(ASSET_ADDRESS, "");
    memset(T.config.seal_key, 0, sizeof T.config.seal_key);
    is_int(smtp_server_new(&T.config, &server, NULL) < 0, 1);
    world_end();
}

/* ---- no SMTP ---- */

static void test_not_smtp(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    codes();
    say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    is_str(codes(), "500 500 500");
    hang_up();
    is_int(T.n, 1);
    is_int(EV(0)->kind, KIND_RAW);
    is_span(EV(0)->protocol, "http");
    is_span(EV(0)->raw.client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    is_int(EV(0)->raw.client_size, 27);
    is_span(EV(0)->raw.server,
            "220 [192.0.2.25] ESMTP\r\n500 5.5.2 command is not known\r\n"
            "500 5.5.2 command is not known\r\n500 5.5.2 command is not known\r\n");
    is_int(EV(0)->raw.server_size, EV(0)->raw.server.n);
    is_int(EV(0)->smtp.has, 0);
    is_int(T.counters.memory_bytes, 0);

    test_env_forget(&T);
    open_to("192.0.2.25");
    say_span(span_of("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                     11)); /* a hello that does not end */
    hang_up();
    is_int(T.n, 1);
    is_int(EV(0)->kind, KIND_RAW);
    is_span(EV(0)->protocol, "tls");
    is_int(EV(0)->raw.client.n, 11);
    is_span(EV(0)->raw.server, "220 [192.0.2.25] ESMTP\r\n");

    test_env_forget(&T);
    open_to("192.0.2.25");
    codes();
    for (int i = 0; i < 30 && !S.over; i++)
        say("\x03\x04noise\n");
    is_str(codes(),
           "500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 "
           "421");
    hang_up();
    is_int(EV(0)->kind, KIND_RAW);

    test_env_forget(&T);
    open_to("192.0.2.25");
    say("GET / HTTP/1.1\r\nQUIT\r\n");
    hang_up();
    is_int(EV(0)->kind, KIND_SMTP, "something was SMTP");
    is_span(EV(0)->smtp.dialogue, "GET / HTTP/1.1\r\nQUIT\r\n");
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

/* ---- limits ---- */

static void test_sizes(void)
{
    world_for(ASSET_ADDRESS, "");
    T.config.limits.mail_mib = 1;
    open_to("192.0.2.25");
    codes();
    say("EHLO x\r\n");
    say("MAIL FROM:<a@b> SIZE=1048577\r\nMAIL FROM:<a@b> SIZE=x\r\nMAIL FROM:<a@b> BODY=9BIT\r\n"
        "MAIL FROM:<a@b> RET=HDRS\r\nMAIL FROM:<a@b> SIZE=1048576 BODY=8BITMIME SMTPUTF8\r\n"
        "MAIL FROM:<c@d>\r\nRCPT TO:<a@b> NOTIFY=NEVER\r\nRCPT TO:<a@b>\r\n");
    is_str(codes(), "250 552 501 501 555 250 503 555 250");
    say("DATA\r\n");
    struct buf piece = {0};
    while (piece.n < 65536)
        buf_str(&piece, "0123456789abcde\n");
    for (int i = 0; i < 20; i++)
        say_span(buf_as_span(&piece));
    ok(T.counters.memory_bytes <= 3u << 20);
    say("\r\n.\r\n");
    is_str(codes(), "354 552");
    is_int(T.n, 1);
    is_span(EV(0)->answer, "552");
    is_int(EV(0)->smtp.size, 20 * 65536 + 2);
    is_int(BLOB(0).n, 1 << 20);
    is_span(EV(0)->smtp.anomalies, "bare-lf cut");
    say("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nBDAT 1310720 LAST\r\n");
    for (int i = 0; i < 20; i++)
        say_span(buf_as_span(&piece));
    is_str(codes(), "250 250 552");
    is_int(EV(1)->smtp.size, 20 * 65536);
    is_int(BLOB(1).n, 1 << 20);
    hang_up();
    is_int(T.counters.memory_bytes, 0);
    buf_free(&piece);
    world_end();
}

/* A mail of a GB in pieces of 64 KiB. */
static void test_huge(void)
{
    struct buf piece = {0};
    uint64_t peak = 0;
    world_for(ASSET_ADDRESS, "");
    while (piece.n < 65536)
        buf_str(&piece, "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnop\r\n");
    open_to("192.0.2.25");
    say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    codes();
    for (unsigned i = 0; i < 16384; i++) {
        struct cur c = cur_of(buf_as_span(&piece));
        S.s.type->data(&S.s, &c);
        peak = T.counters.memory_bytes > peak ? T.counters.memory_bytes : peak;
    }
    say(".\r\n");
    is_str(codes(), "552");
    is_int(EV(0)->smtp.size, 16384ll * (long long)piece.n);
    is_int(BLOB(0).n, 10 << 20);
    ok(peak <= 17 << 20, "memory stays under its cap");
    hang_up();
    is_int(T.counters.memory_bytes, 0);
    buf_free(&piece);
    world_end();
}

static void test_memory(void)
{
    world_for(ASSET_ADDRESS, "");
    T.config.limits.memory_mib = 1;
    T.counters.memory_bytes = (1 << 20) - 1500;
    open_to("192.0.2.25");
    codes();
    say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    is_str(codes(), "250 250 250 452");
    say("BDAT 3 LAST\r\nabcBDAT 0\r\n");
    is_str(codes(), "452 452");
    is_int(T.counters.smtp_deferred, 3);
    T.counters.memory_bytes -= 8192;
    say("DATA\r\n");
    struct buf mail = {0};
    while (mail.n < 40000)
        buf_str(&mail, "Lorem ipsum dolor sit amet\r\n");
    for (size_t at = 0; at < mail.n; at += 1000)
        say_span(span_of(mail.p + at, at + 1000 < mail.n ? 1000 : mail.n - at));
    T.counters.memory_bytes = 60000; /* too late: the mail has a hole otherwise */
    say_span(buf_as_span(&mail));
    say(".\r\n");
    is_str(codes(), "354 452");
    is_int(T.n, 1);
    is_int(EV(0)->smtp.size, 2 * mail.n);
    ok(BLOB(0).n >= 4096 - 4 && BLOB(0).n < mail.n && memcmp(BLOB(0).p, mail.p, BLOB(0).n) == 0,
       "its first bytes");
    is_span(EV(0)->smtp.anomalies, "cut");
    is_span(EV(0)->answer, "452");
    is_int(T.counters.smtp_deferred, 4);
    hang_up();
    buf_free(&mail);
    world_end();
}

static void test_storage(void)
{
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    codes();
    say("EHLO x\r\n");
    T.storage_full = true;
    say("MAIL FROM:<a@b>\r\n");
    is_str(codes(), "250 452");
    T.storage_full = false;
    say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n");
    T.storage_full = true;
    say(".\r\n");
    is_str(codes(), "250 250 354 452");
    is_int(T.counters.smtp_deferred, 2);
    is_int(T.n, 0);
    T.storage_full = false;
    T.full = true; /* no room on the ring */
    say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n");
    is_str(codes(), "250 250 354 451");
    is_int(T.counters.smtp_deferred, 3);
    T.full = false;
    say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n");
    test_session_data(&S, span_str(".\r\n"));
    test_session_stored(&S, false);
    is_str(codes(), "250 250 354 451");
    is_int(T.counters.smtp_deferred, 4);
    is_int(T.n, 1);
    hang_up();
    is_int(T.n, 1);
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

static unsigned until_421(const char *line)
{
    unsigned n = 0;
    open_to("192.0.2.25");
    say("EHLO x\r\n");
    codes();
    const char *got = "";
    while (!S.over && n < 5000) {
        say(line);
        got = codes();
        n++;
    }
    ok(S.over && strstr(got, "421"));
    hang_up();
    return n;
}

static void test_patience(void)
{
    struct buf line = {0};
    world_for(ASSET_ADDRESS, "");
    is_int(until_421("FOO\r\n"), SMTP_BAD_MAX + 1);
    is_int(until_421("RSET\r\n"), SMTP_JUNK_MAX); /* EHLO was the first of them */
    is_int(until_421("NOOP\r\n"), SMTP_JUNK_MAX);
    is_int(until_421("VRFY x\r\n"), SMTP_JUNK_MAX);
    is_int(until_421("EHLO x\r\n"), SMTP_JUNK_MAX);
    is_int(until_421("AUTH LOGIN\r\n*\r\n"), SMTP_JUNK_MAX);
    is_int(until_421("BDAT 0\r\n"), SMTP_JUNK_MAX);
    is_int(until_421("MAIL FROM:<a@b>\r\nRSET\r\n"), SMTP_JUNK_MAX);
    T.config.limits.requests = 7;
    is_int(until_421("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\n"), 8);
    T.config.limits.requests = 10000;
    ok(T.counters.memory_bytes == 0);
    /* 4.5.3.1.4 asks for 512 bytes, RFC 4954 for more */
    while (line.n < 10000)
        buf_str(&line, "NOOP ");
    buf_str(&line, "\r\nNOOP\r\n");
    test_env_forget(&T);
    open_to("192.0.2.25");
    codes();
    say_span(buf_as_span(&line));
    is_str(codes(), "500 250");
    hang_up();
    is_span(EV(0)->smtp.anomalies, "long-line");
    buf_free(&line);
    world_end();
}

static void test_recipients(void)
{
    world_for(ASSET_ADDRESS, "");
    T.config.limits.mail_recipients = 150;
    open_to("192.0.2.25");
    say("EHLO x\r\nMAIL FROM:<a@b>\r\n");
    codes();
    for (int i = 0; i < 152; i++) {
        char line[64];
        snprintf(line, sizeof line, "RCPT TO:<user%03d@a-domain-that-is-long.example>\r\n", i);
        say(line);
        is_str(codes(), i < 150 ? "250" : "452");
    }
    say("DATA\r\n.\r\n");
    is_str(codes(), "354 250");
    hang_up();
    is_int(EV(0)->smtp.rcpt_to.n, EVENT_RCPT_MAX);
    is_span(EV(0)->smtp.rcpt_to.v[99], "user099@a-domain-that-is-long.example");
    is_int(T.counters.memory_bytes, 0);
    world_end();
}

/* What is said beyond the limit is counted. */
static void test_long_dialogue(void)
{
    char line[1100];
    world_for(ASSET_ADDRESS, "");
    open_to("192.0.2.25");
    codes();
    memset(line, 'x', sizeof line);
    memcpy(line, "NOOP ", 5);
    memcpy(line + 998, "\r\n", 3);
    for (int i = 0; i < 10; i++)
        say(line);
    say("QUIT\r\n");
    is_str(codes(), "250 250 250 250 250 250 250 250 250 250 221");
    hang_up();
    struct span d = EV(0)->smtp.dialogue;
    const char *end = "[1814 bytes more, 2 lines]"; /* 10006 - 8192; one is cut, two are missing */
    ok(d.n == SMTP_DIALOGUE_MAX + strlen(end) &&
           memcmp(d.p + SMTP_DIALOGUE_MAX, end, strlen(end)) == 0,
       "marked");
    is_span(EV(0)->smtp.anomalies, "long-dialogue");
    is_span(EV(0)->smtp.replies, "250 250 250 250 250 250 250 250 250");
    is_span(EV(0)->answer, "221");
    world_end();
}

/* ---- cuts ---- */

static const char *const streams[] = {
    "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@seized.example>\r\nRCPT "
    "TO:<c@else.example>\r\nDATA\r\n"
    "Subject: 1\r\n\r\n..a\r\n.b\r\n\n.\n\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<d@seized.example>\r\n"
    "DATA\r\n\r\n.\r\nQUIT\r\n",
    "helo x\nMAIL FROM: a@b\r\nRCPT TO:c@later.example\r\ndata\r\n.\r\nfoo\r\nRSET\r\nVRFY a@b\r\n"
    "NOOP\r\nMAIL FROM:<x@y>\r\nRCPT TO:<z@reject.example>\r\nDATA\r\nEHLO z\r\nQUIT\r\n",
    "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@seized.example>\r\nBDAT 6\r\nab\r\ncdBDAT 3 "
    "LAST\r\n\r\n."
    "MAIL FROM:<a@b>\r\nBDAT 4\r\nRSETRCPT TO:<c@seized.example>\r\nBDAT 0\r\nBDAT 0 LAST\r\nBDAT "
    "2\r\n",
    "EHLO x\r\nAUTH LOGIN\r\nYQ==\r\nYg==\r\nMAIL FROM:<a@b>\r\nRCPT "
    "TO:<c@seized.example>\r\nDATA\r\n"
    "a\r\n.\r.\r\n\r\n.\r\n.\r\nAUTH PLAIN YQBhAGI=\r\n",
    "GET / HTTP/1.0\r\n\r\nQUIT\r\n",
    "MAIL FROM:<a@b>\r\nRCPT TO:<c@seized.example>\r\nDATA\r\nlorem ipsum\r\n",
};

/* Everything of what was recorded that cuts may not change. The boxes of secrets differ each time.
 */
static void digest(struct buf *out)
{
    for (size_t i = 0; i < T.n; i++) {
        struct event ev = T.recorded[i].ev;
        ev.smtp.early = 0;
        ev.smtp.timing = span_of(NULL, 0);
        size_t secrets = ev.smtp.auth.n;
        ev.smtp.auth = span_of(NULL, 0);
        event_encode(&ev, out);
        buf_printf(out, "<%zu %zu>", secrets, T.recorded[i].blob.n);
        buf_span(out, BLOB(i));
    }
    buf_span(out, buf_as_span(&T.out));
}

static void play(const char *stream, size_t cut, size_t step, struct buf *out)
{
    struct span all = span_str(stream);
    test_env_forget(&T);
    open_to("192.0.2.99");
    for (size_t at = 0; at < all.n && !S.over;) {
        size_t n = step ? step : at < cut ? cut : all.n;
        n = n < all.n - at ? n : all.n - at;
        if (!step && at == 0 && cut && cut < all.n)
            n = cut;
        say_span(span_of(all.p + at, n));
        at += n;
    }
    hang_up();
    out->n = 0;
    digest(out);
}

static void test_cuts(void)
{
    struct buf whole = {0}, cut = {0};
    world_for(ASSET_NAME, "");
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        unsigned wrong = 0;
        play(streams[i], 0, 0, &whole);
        ok(whole.n > 0);
        for (size_t at = 1; at < strlen(streams[i]); at++) {
            play(streams[i], at, 0, &cut);
            wrong += !span_eq(buf_as_span(&whole), buf_as_span(&cut));
        }
        for (size_t step = 1; step < 8; step++) {
            play(streams[i], 0, step, &cut);
            wrong += !span_eq(buf_as_span(&whole), buf_as_span(&cut));
        }
        is_int(wrong, 0);
        is_int(T.counters.memory_bytes, 0);
    }
    buf_free(&whole);
    buf_free(&cut);
    world_end();
}

int main(void)
{
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    crypto_box_keypair(public_key, secret_key);
    test_appendix_d1();
    test_appendix_d234();
    test_ehlo();
    test_authority_by_name();
    test_authority_none();
    test_authority_ends();
    test_contact_only();
    test_policies();
    test_tarpit();
    test_timing();
    test_early();
    test_dialect();
    test_smuggling();
    test_bdat();
    test_aborted();
    test_starttls();
    test_auth();
    test_auth_first();
    test_seal();
    test_not_smtp();
    test_sizes();
    test_huge();
    test_memory();
    test_storage();
    test_patience();
    test_recipients();
    test_long_dialogue();
    test_cuts();
    return tap_done();
}
