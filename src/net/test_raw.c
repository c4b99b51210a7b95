/* Raw connections and datagrams: what is guessed, answered, kept and counted. */
#include "net/raw_server.h"
#include "net/test_env.h"
#include "net/tls.h"
#include "base/tap.h"

#define BYTES(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }
#define S(literal) ((struct span)BYTES(literal))

static char silent_name[] = "silent", banner_name[] = "banner", irc_name[] = "irc",
            named_name[] = "named", banner_text[] = "220 ready\r\n", irc_host[] = "irc.example.net",
            none[] = "";

static void world(struct test_env *t)
{
    test_env_init(t);
    struct policy plain = t->policies[0];
    for (size_t i = 1; i < 5; i++)
        t->policies[i] = plain;
    t->policies[1].name = silent_name;
    t->policies[2].name = banner_name;
    t->policies[2].raw = (struct policy_raw_part){POLICY_RAW_BANNER, banner_text};
    t->policies[3].name = irc_name;
    t->policies[3].raw = (struct policy_raw_part){POLICY_RAW_IRC, none};
    t->policies[4].name = named_name;
    t->policies[4].raw = (struct policy_raw_part){POLICY_RAW_IRC, irc_host};
    t->config.policies_count = 5;
    test_env_asset(t, "192.0.2.1", "silent", "rustock");
    test_env_asset(t, "192.0.2.2", "banner", "");
    test_env_asset(t, "192.0.2.3", "irc", "ircbot");
    test_env_asset(t, "192.0.2.4", "named", "ircbot");
    test_env_asset(t, "2001:db8::7", "irc", "");
    test_env_asset(t, "c2.example.org", "silent", "tlsbot");
    test_env_ready(t);
}

static const char *text(struct span s)
{
    static char out[4][4096];
    static unsigned at;
    char *o = out[at++ % 4];
    snprintf(o, sizeof *out, "%.*s", (int)s.n, s.p ? (const char *)s.p : "");
    return o;
}

static struct net_peer to(const char *dst)
{
    return test_peer("198.51.100.9", 4321, dst, 6667, true);
}

/* A conversation to its end, fed in pieces of `step` bytes; what was sent stays in t->out. */
static void talk(struct test_env *t, const char *dst, struct span said, size_t step)
{
    struct test_session ts;
    t->out.n = 0;
    test_session_begin(&ts, t, &raw_session, to(dst));
    while (said.n && !ts.over) {
        size_t n = said.n < step ? said.n : step;
        test_session_data(&ts, span_of(said.p, n));
        said = span_of(said.p + n, said.n - n);
    }
    test_session_end(&ts, SESSION_PEER_CLOSED);
}

/* --- guesses --- */

static const struct guess {
    const char *name;
    struct span bytes;
} guesses[] = {
    {"http", BYTES("GET /gate.php?id=1 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"http", BYTES("POST http://a/b HTTP/1.0\r\n")},
    {"tls", BYTES("\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03")},
    {"smtp", BYTES("EHLO mail.example.org\r\n")},
    {"smtp", BYTES("HELO x\r\n")},
    {"irc", BYTES("NICK [USA|XP]0262937047\r\nUSER a 0 0 :b\r\n")},
    {"irc", BYTES("PASS l0m3za\r\nNICK damn-0262937047\r\n")},
    {"irc", BYTES("PASS l0m3za\r\nUSER ghmfeirsfnw 0 0 :damn\r\n")},
    {"irc", BYTES("CAP LS 302\r\n")},
    {"irc", BYTES("@a=b :me nick bot\n")},
    {"irc", BYTES("JOIN #owned key\r\n")},
    {"socks", BYTES("\x05\x01\x00")},
    {"socks", BYTES("\x05\x02\x00\x02")},
    {"socks", BYTES("\x04\x01\x00\x50\xc0\x00\x02\x01\x00")},
    {"ssh", BYTES("SSH-2.0-libssh2_1.4.3\r\n")},
    /* [MS-RDPBCGR] 4.1.1, the example of a connection request */
    {"rdp",
     BYTES("\x03\x00\x00\x2c\x27\xe0\x00\x00\x00\x00\x00\x43\x6f\x6f\x6b\x69\x65\x3a\x20\x6d\x73")},
    {"dns", BYTES("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07"
                  "example\x03org\x00\x00\x01\x00\x01")},
    {"dns", BYTES("\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07"
                  "example\x03org\x00\x00\x01\x00\x01")},
    {"sip", BYTES("OPTIONS sip:nm SIP/2.0\r\n")},
    {"rtsp", BYTES("DESCRIBE rtsp://192.0.2.1/ RTSP/1.0\r\n")},
    {"ssdp", BYTES("M-SEARCH * HTTP/1.1\r\nHost:239.255.255.250:1900\r\n")},
    {"smb", BYTES("\x00\x00\x00\x54\xff"
                  "SMBr\x00\x00\x00\x00")},
    {"mqtt", BYTES("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")},
    {"snmp", BYTES("\x30\x1b\x02\x01\x01\x04\x06"
                   "public\xa0\x0e\x02\x04\x01\x02\x03\x04\x02\x01\x00\x02\x01\x00\x30\x00")},
    {"tftp", BYTES("\x00\x01x.bin\x00octet\x00")},
    {"telnet", BYTES("\xff\xfd\x03\xff\xfb\x18")},
    {"redis", BYTES("*1\r\n$4\r\nPING\r\n")},
    {"adb", BYTES("CNXN\x00\x00\x00\x01\x00\x10\x00\x00")},
    {"bittorrent", BYTES("\x13"
                         "BitTorrent protocol\x00")},
    {"proxy", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")},
    {"unknown", BYTES("USER anonymous\r\nPASS a@b\r\n")},
    {"unknown", BYTES("PASS only\r\n")},
    {"unknown", BYTES("hello\r\n")},
    {"unknown", BYTES("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
    {"unknown", BYTES("\x05\x01")},
    {"unknown", BYTES("JOIN \x00\r\n")},
    {"unknown", BYTES("")},
};

static void test_guess(void)
{
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++)
        is_str(raw_guess(guesses[i].bytes), guesses[i].name);
    ok(span_is(raw_protocol("unknown"), "raw"), "unknown bytes are raw");
    ok(span_is(raw_protocol("socks"), "socks"));
}

/* More bytes may make it certain; they never make it something else. */
static void test_guess_prefixes(void)
{
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
        bool good = true;
        size_t at = 0;
        for (size_t n = 0; n <= guesses[i].bytes.n && good; n++) {
            uint8_t *copy = malloc(n ? n : 1); /* exactly as long, for sanitizers */
            memcpy(copy, guesses[i].bytes.p, n);
            const char *g = raw_guess(span_of(copy, n));
            good = strcmp(g, "unknown") == 0 || strcmp(g, guesses[i].name) == 0;
            at = n;
            free(copy);
        }
        if (!ok(good, "a beginning is never taken for something else"))
            printf("# %s after %zu bytes\n", guesses[i].name, at);
    }
}

/* --- connections --- */

static void test_silent(void)
{
    struct test_env *t = malloc(sizeof *t);
    world(t);
    talk(t, "192.0.2.1", S("\x01hello"), 100);
    is_int(t->n, 1);
    struct event *ev = &t->recorded[0].ev;
    is_int(ev->kind, KIND_RAW);
    is_str(text(ev->protocol), "raw");
    is_str(text(ev->answer), "silent");
    is_str(text(ev->family), "rustock");
    is_str(text(ev->transport), "tcp");
    is_int(ev->asset, 3);
    is_int(ev->dst_port, 6667);
    ok(span_eq(ev->raw.client, S("\x01hello")));
    is_int(ev->raw.client_size, 6);
    is_int(ev->raw.server_size, 0);
    is_int(t->out.n, 0);
    is_int(t->counters.raw_connections, 1);
    is_int(t->counters.raw_refused, 0);
    is_int(t->counters.memory_bytes, 0);

    test_env_forget(t);
    talk(t, "192.0.2.1", S(""), 1);
    is_int(t->n, 1);
    ok(t->recorded[0].ev.raw.has && t->recorded[0].ev.raw.client.n == 0,
       "who says nothing is recorded too");
    test_env_free(t);
    free(t);
}

static void test_refused(void)
{
    struct test_env *t = malloc(sizeof *t);
    struct test_session ts;
    world(t);
    test_session_begin(&ts, t, &raw_session, to("203.0.113.77"));
    ok(ts.over, "closed at once");
    test_session_end(&ts, SESSION_CLOSED);
    is_int(t->n, 0);
    is_int(t->counters.raw_refused, 1);
    is_int(t->counters.raw_connections, 0);

    /* by name, where TLS gave one */
    struct tls_info tls = {.sni = S("c2.example.org")};
    struct net_peer peer = to("203.0.113.77");
    peer.tls = &tls;
    test_session_begin(&ts, t, &raw_session, peer);
    ok(!ts.over, "the name asked for in TLS is an asset");
    test_session_end(&ts, SESSION_PEER_CLOSED);
    is_int(t->n, 1);
    is_str(text(t->recorded[0].ev.protocol), "tls");
    is_str(text(t->recorded[0].ev.family), "tlsbot");

    /* an order that ends during the conversation */
    test_env_forget(t);
    test_session_begin(&ts, t, &raw_session, to("192.0.2.1"));
    test_session_data(&ts, S("one"));
    t->env.now += 3 * 86400000000ll;
    test_session_data(&ts, S("two"));
    ok(ts.over, "closed when the authority is over");
    test_session_end(&ts, SESSION_CLOSED);
    is_int(t->n, 1);
    is_int(t->recorded[0].ev.asset, 3);
    test_env_free(t);
    free(t);
}

static void test_banner(void)
{
    struct test_env *t = malloc(sizeof *t);
    world(t);
    talk(t, "192.0.2.2", S("SSH-2.0-x\r\n"), 3);
    ok(span_is(buf_as_span(&t->out), banner_text), "as it is, once");
    is_int(t->n, 1);
    is_str(text(t->recorded[0].ev.protocol), "ssh");
    is_str(text(t->recorded[0].ev.answer), "banner");
    ok(span_is(t->recorded[0].ev.raw.server, banner_text));
    is_int(t->recorded[0].ev.raw.server_size, 11);
    test_env_free(t);
    free(t);
}

static void test_caps(void)
{
    struct test_env *t = malloc(sizeof *t);
    struct test_session ts;
    char block[1000];
    memset(block, 'x', sizeof block);
    world(t);
    t->config.limits.raw_bytes = 100;
    t->config.limits.raw_total_kib = 64;
    test_session_begin(&ts, t, &raw_session, to("192.0.2.1"));
    unsigned blocks = 0;
    while (!ts.over && blocks < 1000) {
        test_session_data(&ts, span_of(block, sizeof block));
        blocks++;
    }
    is_int(blocks, 66); /* 65536 bytes are within the 66th thousand */
    test_session_end(&ts, SESSION_CLOSED);
    is_int(t->recorded[0].ev.raw.client.n, 100);
    is_int(t->recorded[0].ev.raw.client_size, 66000);

    /* without memory nothing is kept, and nothing later is taken for the beginning */
    test_env_forget(t);
    t->counters.memory_bytes = (uint64_t)t->config.limits.memory_mib << 20;
    test_session_begin(&ts, t, &raw_session, to("192.0.2.1"));
    test_session_data(&ts, S("begin"));
    t->counters.memory_bytes = 0;
    test_session_data(&ts, S("later"));
    test_session_end(&ts, SESSION_PEER_CLOSED);
    is_int(t->recorded[0].ev.raw.client.n, 0);
    is_int(t->recorded[0].ev.raw.client_size, 10);
    test_env_free(t);
    free(t);
}

/* --- IRC --- */

#define WELCOME(server, nick)                                                                      \
    ":" server " 001 " nick " :Welcome to the Internet Relay Network " nick                        \
    "!user@198.51.100.9\r\n"                                                                       \
    ":" server " 002 " nick " :Your host is " server ", running version 1.0\r\n"                   \
    ":" server " 003 " nick " :This server was created at its start\r\n"                           \
    ":" server " 004 " nick " " server " 1.0 i nt\r\n"                                             \
    ":" server " 005 " nick " CHANTYPES=#&+! NICKLEN=64 CHANNELLEN=64 PREFIX=(o)@ "                \
    "CASEMAPPING=ascii :are supported by this server\r\n"                                          \
    ":" server " 375 " nick " :- Message of the day -\r\n"                                         \
    ":" server " 372 " nick " :- \r\n"                                                             \
    ":" server " 376 " nick " :End of /MOTD command.\r\n"
#define GREETING(server) ":" server " NOTICE AUTH :*** Welcome\r\n"
#define JOINED(server, nick, channel)                                                              \
    ":" nick "!user@198.51.100.9 JOIN " channel "\r\n"                                             \
    ":" server " 353 " nick " = " channel " :@" nick "\r\n"                                        \
    ":" server " 366 " nick " " channel " :End of /NAMES list.\r\n"

static void expect(struct test_env *t, const char *dst, struct span said, const char *want,
                   const char *answer)
{
    test_env_forget(t);
    talk(t, dst, said, said.n + 1);
    is_str(text(buf_as_span(&t->out)), want);
    is_int(t->n, 1);
    is_str(text(t->recorded[0].ev.answer), answer);
    is_int(t->recorded[0].ev.raw.server_size, t->out.n);
}

static void test_irc_login(void)
{
    struct test_env *t = malloc(sizeof *t);
    world(t);
    /* the client's side of the capture of 2004 that the classifier is tested with */
    expect(t, "192.0.2.4",
           S("PASS l0m3za\r\nNICK damn-0262937047\r\nUSER ghmfeirsfnw 0 0 :damn-0262937047\r\n"
             "USERHOST damn-0262937047\r\nMODE damn-0262937047 -x+i\r\nJOIN #sl0w3r l03dx\r\n"),
           GREETING("irc.example.net") WELCOME(
               "irc.example.net",
               "damn-0262937047") ":irc.example.net 302 damn-0262937047 "
                                  ":damn-0262937047=+user@198.51.100.9\r\n"
                                  ":damn-0262937047!user@198.51.100.9 MODE damn-0262937047 "
                                  ":+i\r\n" JOINED("irc.example.net", "damn-0262937047", "#sl0w3r"),
           "irc 001 join");
    is_str(text(t->recorded[0].ev.protocol), "irc");
    is_str(text(t->recorded[0].ev.family), "ircbot");
    ok(strstr(text(t->recorded[0].ev.raw.client), "JOIN #sl0w3r l03dx"), "what it said is kept");
    /* USER first; without a name of its own the server is the address */
    expect(t, "192.0.2.3", S("USER a b c :d\nNICK x\n"),
           GREETING("192.0.2.3") WELCOME("192.0.2.3", "x"), "irc 001");
    /* the welcome waits for the end of negotiation */
    expect(t, "192.0.2.3", S("CAP LS 302\r\nNICK x\r\nUSER a b c :d\r\n"),
           GREETING("192.0.2.3") ":192.0.2.3 CAP * LS :\r\n", "irc");
    expect(t, "192.0.2.3", S("CAP LS 302\r\nNICK x\r\nUSER a b c :d\r\nCAP END\r\n"),
           GREETING("192.0.2.3") ":192.0.2.3 CAP * LS :\r\n" WELCOME("192.0.2.3", "x"), "irc 001");
    expect(t, "192.0.2.3", S("NICK\r\nNICK a,b\r\nNICK x\r\nJOIN #c\r\n"),
           GREETING("192.0.2.3") ":192.0.2.3 431 * :No nickname given\r\n"
                                 ":192.0.2.3 432 * * :Erroneous nickname\r\n:192.0.2.3 451 x :You "
                                 "have not registered\r\n",
           "irc");
    expect(t, "192.0.2.3", S("GET / HTTP/1.0\r\n\r\n"), GREETING("192.0.2.3"), "irc");
    is_str(text(t->recorded[0].ev.protocol), "http");
    test_env_free(t);
    free(t);
}

static void test_irc_commands(void)
{
#define IN    "NICK x\r\nUSER a b c :d\r\n"
#define LOGIN GREETING("192.0.2.3") WELCOME("192.0.2.3", "x")
    struct test_env *t = malloc(sizeof *t);
    world(t);
    expect(t, "192.0.2.3", S(IN "PING :abc\r\nPING\r\nPING :a b\r\nPONG :z\r\n"),
           LOGIN ":192.0.2.3 PONG 192.0.2.3 :abc\r\n:192.0.2.3 PONG 192.0.2.3\r\n"
                 ":192.0.2.3 PONG 192.0.2.3\r\n",
           "irc 001");
    expect(t, "192.0.2.3", S(IN "JOIN #a,&b k1,k2\r\nJOIN nonsense\r\nJOIN 0\r\n"),
           LOGIN JOINED("192.0.2.3", "x", "#a")
               JOINED("192.0.2.3", "x", "&b") ":192.0.2.3 403 x * :No such channel\r\n",
           "irc 001 join");
    /* nobody hears it, nobody answers */
    expect(t, "192.0.2.3",
           S(IN "PRIVMSG #a :.download http://192.0.2.9/x.exe\r\nNOTICE bob :hi\r\n"
                "TOPIC #a :.advscan dcom135\r\nWHATEVER a b\r\nKICK #a bob\r\nINVITE bob #a\r\n"),
           LOGIN, "irc 001");
    expect(t, "192.0.2.3",
           S(IN "TOPIC #a\r\nMODE #a\r\nMODE #a +b\r\nMODE #a +smntu\r\nMODE x\r\n"),
           LOGIN ":192.0.2.3 331 x #a :No topic is set\r\n:192.0.2.3 324 x #a +nt\r\n"
                 ":192.0.2.3 368 x #a :End of channel ban list\r\n:192.0.2.3 221 x +i\r\n",
           "irc 001");
    expect(
        t, "192.0.2.3",
        S(IN "WHO #a\r\nWHO bob\r\nWHOIS x\r\nWHOIS bob\r\nISON bob\r\nLIST\r\nNAMES #a\r\n"),
        LOGIN
        ":192.0.2.3 352 x #a user 198.51.100.9 192.0.2.3 x H@ :0 x\r\n"
        ":192.0.2.3 315 x #a :End of /WHO list.\r\n:192.0.2.3 315 x * :End of /WHO list.\r\n"
        ":192.0.2.3 311 x x user 198.51.100.9 * :x\r\n:192.0.2.3 318 x x :End of /WHOIS list.\r\n"
        ":192.0.2.3 401 x * :No such nick/channel\r\n:192.0.2.3 303 x :\r\n"
        ":192.0.2.3 323 x :End of /LIST\r\n:192.0.2.3 353 x = #a :@x\r\n"
        ":192.0.2.3 366 x #a :End of /NAMES list.\r\n",
        "irc 001");
    expect(
        t, "192.0.2.3", S(IN "NICK y\r\nPART #a\r\nQUIT :bye\r\nPING :late\r\n"),
        LOGIN
        ":x!user@198.51.100.9 NICK :y\r\n:y!user@198.51.100.9 PART #a\r\nERROR :Closing link\r\n",
        "irc 001");
    test_env_free(t);
    free(t);
}

static void test_irc_bounds(void)
{
    struct test_env *t = malloc(sizeof *t);
    struct buf said = {0};
    world(t);
    t->config.limits.raw_total_kib = 64;
    /* many channels in one line */
    buf_str(&said, "NICK x\nUSER a b c d\nJOIN ");
    for (unsigned i = 0; i < 2000; i++)
        buf_str(&said, "#c,");
    buf_byte(&said, '\n');
    talk(t, "192.0.2.3", buf_as_span(&said), 100000);
    ok(t->out.n < 20000, "one line's replies are bounded");
    /* small lines with long answers */
    said.n = 0;
    buf_str(&said, "NICK x\nUSER a b c d\n");
    for (unsigned i = 0; i < 8000; i++)
        buf_str(&said, "WHO x\n");
    test_env_forget(t);
    talk(t, "192.0.2.3", buf_as_span(&said), 16000);
    ok(t->out.n >= 64 << 10 && t->out.n < (64 << 10) + 1000, "and all replies together");
    /* a line without end, then one that counts */
    said.n = 0;
    buf_str(&said, "NICK x\nUSER a b c d\n");
    for (unsigned i = 0; i < 20000; i++)
        buf_byte(&said, 'z');
    buf_str(&said, "\nPING :q\n");
    size_t steps[] = {1, 7, 1000, 100000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        test_env_forget(t);
        talk(t, "192.0.2.3", buf_as_span(&said), steps[i]);
        ok(strstr(text(buf_as_span(&t->out)), " PONG 192.0.2.3 :q\r\n"), "passed over");
        is_int(t->recorded[0].ev.raw.client_size, said.n);
    }
    t->config.limits.requests = 3;
    test_env_forget(t);
    talk(t, "192.0.2.3", S("NICK x\r\nPING a\r\nPING b\r\nPING c\r\n"), 1000);
    ok(strstr(text(buf_as_span(&t->out)), ":b") && !strstr(text(buf_as_span(&t->out)), ":c"),
       "so many commands");
    buf_free(&said);
    test_env_free(t);
    free(t);
}

static void test_irc_v6(void)
{
    struct test_env *t = malloc(sizeof *t);
    struct test_session ts;
    world(t);
    test_session_begin(&ts, t, &raw_session, test_peer("::1", 1, "2001:db8::7", 6667, true));
    test_session_data(&ts, S("NICK x\r\nUSERHOST x\r\nUSER a b c d\r\nUSERHOST x\r\n"));
    ok(strstr(text(buf_as_span(&t->out)), ":2001:db8::7 001 x ") &&
           strstr(text(buf_as_span(&t->out)), ":x=+user@0::1\r\n"),
       "addresses that can stand in a line");
    test_session_end(&ts, SESSION_PEER_CLOSED);
    test_env_free(t);
    free(t);
}

/* However a conversation is cut, the same is answered and recorded. */
static void test_cuts(void)
{
    static const struct {
        const char *dst;
        struct span said;
    } talks[] = {
        {"192.0.2.1", BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
        {"192.0.2.2", BYTES("\x05\x01\x00\x01\x02")},
        {"192.0.2.3", BYTES("@t=1 PASS p\r\nCAP LS\r\nnick bot|1\r\nUSER a 0 * :b c\r\ncap end\r\n"
                            "JOIN #x,#y\r\nPRIVMSG #x :hi\r\nPING :1\r\nQUIT\r\nNICK z")},
        {"192.0.2.4", BYTES("\r\n\n\rUSER a 0 * :b c\rNICK x\r\r\nNICK y\n:y JOIN :#a\n")},
    };
    struct test_env *t = malloc(sizeof *t);
    world(t);
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        struct buf whole = {0}, event = {0};
        bool good = true;
        test_env_forget(t);
        talk(t, talks[i].dst, talks[i].said, 10000);
        buf_span(&whole, buf_as_span(&t->out));
        buf_span(&event, buf_as_span(&t->recorded[0].payload));
        for (size_t cut = 1; cut < talks[i].said.n; cut++) {
            struct test_session ts;
            test_env_forget(t);
            t->out.n = 0;
            test_session_begin(&ts, t, &raw_session, to(talks[i].dst));
            test_session_data(&ts, span_of(talks[i].said.p, cut));
            if (!ts.over)
                test_session_data(&ts, span_of(talks[i].said.p + cut, talks[i].said.n - cut));
            bool over = ts.over;
            test_session_end(&ts, SESSION_PEER_CLOSED);
            good &= span_eq(buf_as_span(&t->out), buf_as_span(&whole)) && t->n == 1;
            /* behind QUIT it depends on the cut how much more was read */
            good &= over || span_eq(buf_as_span(&t->recorded[0].payload), buf_as_span(&event));
        }
        ok(good, "cut at every byte");
        test_env_forget(t);
        talk(t, talks[i].dst, talks[i].said, 1);
        ok(span_eq(buf_as_span(&t->out), buf_as_span(&whole)), "and byte by byte");
        buf_free(&whole);
        buf_free(&event);
    }
    test_env_free(t);
    free(t);
}

/* --- the rest --- */

static void test_datagram(void)
{
    struct test_env *t = malloc(sizeof *t);
    world(t);
    struct net_peer peer = test_peer("198.51.100.9", 999, "192.0.2.1", 1900, false);
    raw_server_datagram(&t->env, &peer, S("M-SEARCH * HTTP/1.1\r\n\r\n"));
    is_int(t->n, 1);
    is_str(text(t->recorded[0].ev.protocol), "ssdp");
    is_str(text(t->recorded[0].ev.transport), "udp");
    is_str(text(t->recorded[0].ev.answer), "silent");
    is_int(t->recorded[0].ev.raw.client_size, 23);
    is_int(t->counters.raw_datagrams, 1);
    char big[5000] = {0};
    raw_server_datagram(&t->env, &peer, span_of(big, sizeof big));
    is_int(t->recorded[1].ev.raw.client.n, t->config.limits.raw_bytes);
    is_int(t->recorded[1].ev.raw.client_size, 5000);
    raw_server_datagram(&t->env, &peer, span_of(NULL, 0));
    is_int(t->n, 3);
    ok(t->recorded[2].ev.raw.has, "an empty datagram too");
    peer = test_peer("198.51.100.9", 999, "203.0.113.1", 1900, false);
    raw_server_datagram(&t->env, &peer, S("x"));
    is_int(t->n, 3);
    is_int(t->counters.raw_refused, 1);
    is_int(t->counters.recorded, 3);
    test_env_free(t);
    free(t);
}

static void test_record(void)
{
    struct test_env *t = malloc(sizeof *t);
    struct authority_match match;
    world(t);
    struct net_peer peer = to("192.0.2.1");
    ok(net_destination(&t->env, &peer, &match));
    raw_server_record(&t->env, &peer, &match, S("\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"),
                      300, S("\x15\x03"), 7);
    is_int(t->n, 1);
    is_str(text(t->recorded[0].ev.protocol), "tls");
    is_str(text(t->recorded[0].ev.answer), "closed");
    is_int(t->recorded[0].ev.raw.client_size, 300);
    is_int(t->recorded[0].ev.raw.server_size, 7);
    raw_server_record(&t->env, &peer, NULL, S("x"), 1, S(""), 0);
    is_int(t->n, 1);
    is_int(t->counters.raw_refused, 1);
    test_env_free(t);
    free(t);
}

static void test_new(void)
{
    struct test_env *t = malloc(sizeof *t);
    struct raw_server *s;
    struct err err = {0};
    static char spaced[] = "no name", program[] = "MZ\x90", injected[] = "a\r\n:a";
    static char longer[RAW_BANNER_MAX + 2];
    world(t);
    is_int(raw_server_new(&t->config, &s, &err), 0);
    raw_server_free(s);
    t->policies[4].raw.banner = spaced;
    ok(raw_server_new(&t->config, &s, &err) < 0 && strstr(err.text, "named"),
       "IRC needs a server's name");
    t->policies[4].raw.banner = injected;
    ok(raw_server_new(&t->config, &s, &err) < 0);
    t->policies[4].raw.banner = irc_host;
    t->policies[2].raw.banner = program;
    ok(raw_server_new(&t->config, &s, &err) < 0, "never a program");
    memset(longer, 'x', sizeof longer - 1);
    t->policies[2].raw.banner = longer;
    ok(raw_server_new(&t->config, &s, &err) < 0, "too long");
    test_env_free(t);
    free(t);
}

int main(void)
{
    test_guess();
    test_guess_prefixes();
    test_silent();
    test_refused();
    test_banner();
    test_caps();
    test_irc_login();
    test_irc_commands();
    test_irc_bounds();
    test_irc_v6();
    test_cuts();
    test_datagram();
    test_record();
    test_new();
    return tap_done();
}
