/* classify: each shipped rule on hand-made requests and near misses, the captures where they are
 * at hand, rule files that are wrong, families.map, and hostile views. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "event/classify.h"

static struct classify *shipped;
static char dir[64];

/* Events */

static struct event http_event(const char *method, const char *target, const char *version,
                               const char *host, const char *agent, const char *headers,
                               const char *body, size_t body_n)
{
    struct event ev = {.kind = KIND_HTTP,
                       .protocol = span_str("http"),
                       .transport = span_str("tcp"),
                       .dst_port = 80};
    ev.http.has = true;
    ev.http.method = span_str(method);
    ev.http.target = span_str(target);
    ev.http.version = span_str(version);
    ev.http.host = span_str(host);
    ev.http.user_agent = span_str(agent);
    ev.http.headers = span_str(headers);
    ev.http.body = span_of(body, body_n);
    ev.http.body_size = body_n;
    return ev;
}

static struct event raw_event(const char *client, const char *server)
{
    struct event ev = {.kind = KIND_RAW,
                       .protocol = span_str("raw"),
                       .transport = span_str("tcp"),
                       .dst_port = 6667};
    ev.raw.has = true;
    ev.raw.client = span_str(client);
    ev.raw.server = span_str(server);
    ev.raw.client_size = ev.raw.client.n;
    ev.raw.server_size = ev.raw.server.n;
    return ev;
}

static const char *text_of(struct span s)
{
    static char text[4][512];
    static int at;
    char *p = text[at++ & 3];
    snprintf(p, sizeof text[0], "%.*s", (int)s.n, s.n ? (const char *)s.p : "");
    return p;
}

/* Family by the shipped rules, "" for none. */
static const char *family(struct event ev)
{
    classify_event(shipped, &ev);
    return text_of(ev.family);
}

/* Rustock */

#define AGENT_6 "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)"
#define AGENT_7 "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)"

static struct event rustock_2007(void)
{
    return http_event("POST", "/data.php", "1.0", "192.0.2.10", AGENT_6,
                      "Accept: */*\r\nContent-Type: multipart/form-data; boundary=x\r\n"
                      "User-Agent: " AGENT_6 "\r\nHost: 192.0.2.10\r\n"
                      "Content-Encoding: gzip\r\nPragma: no-cache\r\n",
                      "--x\r\n", 5);
}

static struct event rustock_2009(void)
{
    struct event ev = http_event("POST", "/index.php?topic=33.117", "1.1", "example.net", AGENT_7,
                                 "Accept: */*\r\nReferer: http://example.net\r\n"
                                 "Content-Type: application/x-www-form-urlencoded\r\n"
                                 "Content-Encoding: gzip\r\nUA-CPU: x86\r\n"
                                 "User-Agent: " AGENT_7 "\r\nHost: example.net\r\n",
                                 "\x9a\x01\x7f\x33", 4);
    ev.http.referer = span_str("http://example.net");
    return ev;
}

static void test_rustock_2007(void)
{
    struct event ev = rustock_2007();
    classify_event(shipped, &ev);
    is_str(text_of(ev.family), "rustock");
    is_str(text_of(ev.family_source), "rustock_checkin_2007");
    is_int(ev.confidence, 70);
    ok(ev.bot_id.n == 0, "no bot id is known for it");
    ev = rustock_2007();
    ev.http.version = span_str("1.1");
    is_str(family(ev), "");
    ev = rustock_2007();
    ev.http.method = span_str("GET");
    is_str(family(ev), "");
    ev = rustock_2007();
    ev.http.host = span_str("example.net");
    is_str(family(ev), "");
    ev = rustock_2007();
    ev.http.user_agent = span_str(AGENT_7);
    is_str(family(ev), "");
    ev = rustock_2007();
    ev.http.headers = span_str("Content-Type: multipart/form-data\r\nPragma: no-cache\r\n");
    is_str(family(ev), "");
    /* the missing header in the body instead */
    ev.http.body = span_str("\r\nContent-Encoding: gzip\r\n\r\n");
    is_str(family(ev), "");
}

static void test_rustock_2009(void)
{
    static const char *const targets[] = {"/index.php?topic=33.117", "/login.php", "/main.php",
                                          "/data.php?topic=1.2"};
    static const char *const others[] = {"/index.php", "/index.php?topic=33", "/x/login.php",
                                         "/login.php?user=1", "/index.php?topic=33.117&x=1"};
    struct event ev = rustock_2009();
    classify_event(shipped, &ev);
    is_str(text_of(ev.family), "rustock");
    is_str(text_of(ev.family_source), "rustock_checkin_2009");
    is_int(ev.confidence, 80);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        ev = rustock_2009();
        ev.http.target = span_str(targets[i]);
        is_str(family(ev), "rustock");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ev = rustock_2009();
        ev.http.target = span_str(others[i]);
        is_str(family(ev), "");
    }
    ev = rustock_2009();
    ev.http.body = span_of("\x1f\x8b\x08\x00", 4);
    ok(family(ev)[0] == 0, "a body that is gzip, as declared, is not Rustock");
    ev.http.body = span_of("", 0);
    ok(family(ev)[0] == 0, "nor is a request without a body");
    ev = rustock_2009();
    ev.http.referer = span_str("http://other.example/");
    is_str(family(ev), "");
    ev = rustock_2009();
    ev.http.host = span_of(NULL, 0);
    is_str(family(ev), "");
}

/* IRC, InstID */

static void test_irc(void)
{
    struct event ev = raw_event("NICK a\r\nPRIVMSG #s01 :[DOWNLOAD]: Downloading URL: "
                                "http://example.net/a.exe to: a.exe.\r\n",
                                ":irc.example.net 001 a :Welcome\r\n");
    classify_event(shipped, &ev);
    is_str(text_of(ev.family), "irc-bot");
    is_str(text_of(ev.family_source), "irc_bot_report");
    is_str(family(raw_event("NICK a\r\n",
                            ":irc.example.net 001 a :Welcome\r\n"
                            ":irc.example.net 332 a #x :.advscan dcom135 200 3 0 -r -s\r\n")),
           "irc-bot");
    is_str(
        family(raw_event("NICK a\r\n", ":irc.example.net 001 a :Welcome\r\n"
                                       ":o!o@example.net PRIVMSG #x :!ddos 192.0.2.1 80 60\r\n")),
        "irc-bot");
    is_str(family(raw_event("PASS secret\r\nNICK damn-0262937047\r\n"
                            "USER ghmfeirsfnw 0 0 :damn-0262937047\r\n",
                            "")),
           "irc-bot");
    /* people on IRC */
    is_str(family(raw_event("NICK alice\r\nUSER alice 0 * :Alice\r\nJOIN #c\r\n"
                            "PRIVMSG #c :how does one stop a .ddos attack? [DOWNLOAD] it here\r\n",
                            ":irc.example.net 332 alice #c :Welcome to #c, no .download links\r\n"
                            ":bob!b@example.net PRIVMSG #c :the update is at example.net\r\n")),
           "");
    is_str(family(raw_event("NICK bob-12345\r\nUSER bob 0 * :Bob\r\n", "")), "");
    /* what the client says is not what the server says */
    is_str(family(raw_event("NICK a\r\n:o!o@example.net PRIVMSG #x :!ddos 192.0.2.1 80 60\r\n",
                            ":irc.example.net 001 a :Welcome\r\n")),
           "");
}

#define GUID "2CAA09DF-35D8-471C-9979-A11DA0CC54DB"

static void test_instid(void)
{
    struct event ev = http_event("GET", "/c?x=1&InstID={" GUID "}&status=1", "1.1", "example.net",
                                 "x", "User-Agent: x\r\nHost: example.net\r\n", "", 0);
    classify_event(shipped, &ev);
    is_str(text_of(ev.family), "instid");
    is_int(ev.confidence, 50);
    is_str(text_of(ev.bot_id), GUID);
    ev.http.target = span_str("/c?adcontext=ROUTINE_CHECKIN&InstID={" GUID "}");
    ev.http.user_agent = span_str("{" GUID "}|0.21.5.110");
    classify_event(shipped, &ev);
    is_str(text_of(ev.family), "btgrab");
    is_str(text_of(ev.family_source), "btgrab_checkin");
    is_int(ev.confidence, 85);
    is_str(text_of(ev.bot_id), GUID);
    ev = http_event("GET", "/c?InstID={2CAA09DF}", "1.1", "example.net", "x", "Host: a\r\n", "", 0);
    is_str(family(ev), "");
    ev = http_event("GET", "/c", "1.1", "example.net", "x",
                    "Host: a\r\nReferer: /?InstID={" GUID "}\r\n", "", 0);
    is_str(family(ev), "");
}

/* Rule files and maps that are made here */

static void put_file(const char *name, const char *text)
{
    char path[128];
    struct err err;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (file_replace(path, span_str(text), 0600, &err) < 0)
        abort();
}

static void remove_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

/* Opens the folder; true when it fails and says all of `says`. */
static bool refused(const char *says, const char *says_too)
{
    struct classify *c = NULL;
    struct err err = {0};
    if (classify_open(dir, &c, &err) == 0) {
        classify_close(c);
        return false;
    }
    bool good = strstr(err.text, says) && strstr(err.text, says_too);
    if (!good)
        printf("# says: %s\n", err.text);
    return good;
}

#define META(more) "rule r { meta: " more " strings: $a = \"abc\" condition: $a }\n"

static void test_bad_rules(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"rule r { condition: no_such }\n", "bad.yar:1: "},
        {"\n\nrule r { strings: $a = /(/ condition: $a }\n", "bad.yar:3: "},
        {"include \"other.yar\"\n", "bad.yar:1: "},
        {META("source = \"s\" confidence = 50"), "rule r: meta needs family"},
        {META("family = \"F\" source = \"s\" confidence = 50"), "rule r: meta needs family"},
        {META("family = \"a b\" source = \"s\" confidence = 50"), "rule r: meta needs family"},
        {META("family = \"f\" source = \"s\""), "rule r: meta needs confidence"},
        {META("family = \"f\" source = \"s\" confidence = 0"), "rule r: meta needs confidence"},
        {META("family = \"f\" source = \"s\" confidence = 101"), "rule r: meta needs confidence"},
        {META("family = \"f\" source = \"s\" confidence = \"5\""), "rule r: meta needs confidence"},
        {META("family = \"f\" confidence = 50"), "rule r: meta needs source"},
        {META("family = \"f\" source = \"s\" confidence = 50 bot_id = \"$b\""),
         "rule r: bot_id names a string"},
        {META("family = \"f\" source = \"s\" confidence = 50 bot_id = \"$a\" bot_id_skip = -1"),
         "rule r: bot_id_skip"},
        {META("family = \"f\" source = \"s\" confidence = 50 bot_id_trim = 1"), "without bot_id"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_file("bad.yar", bad[i].text);
        ok(refused("bad.yar", bad[i].says), "refused: a rule");
    }
    put_file("bad.yar", META("family = \"f\" source = \"s\" confidence = 50"));
    put_file("good.yar", META("family = \"f\" source = \"s\" confidence = 50"));
    ok(refused("good.yar: rule r: is in ", "bad.yar"), "one name in two files");
    remove_file("bad.yar");
    remove_file("good.yar");
    struct classify *c;
    struct err err = {0};
    is_int(classify_open("/no/such/folder", &c, &err), -ENOENT);
    ok(strstr(err.text, "/no/such/folder"), "the error names the folder");
}

/* Highest confidence, then name; bot ids; private rules; digests. */
static void test_choice(void)
{
    struct classify *c;
    struct err err = {0};
    put_file(
        "b.yar",
        "private rule helper { strings: $a = \"zz\" condition: $a }\n"
        "rule b_low { meta: family = \"low\" confidence = 10 source = \"s\" condition: true }\n"
        "rule b_same { meta: family = \"second\" confidence = 60 source = \"s\"\n"
        "  strings: $a = \"zz\" condition: $a }\n");
    put_file("c.yar", "rule a_same { meta: family = \"first\" confidence = 60 source = \"s\"\n"
                      "  bot_id = \"$id\" bot_id_skip = 3 bot_id_trim = 1\n"
                      "  strings: $id = /id=[a-z0-9]*;/ condition: $id }\n");
    is_int(classify_open(dir, &c, &err), 0);
    is_int(classify_rules(c), 3);
    uint8_t before[SHA256_LEN];
    memcpy(before, classify_sha256(c), SHA256_LEN);
    struct event ev = raw_event("zz id=one; id=two;", "");
    classify_event(c, &ev);
    is_str(text_of(ev.family_source), "a_same");
    is_str(text_of(ev.bot_id), "one");
    ev = raw_event("zz", "");
    classify_event(c, &ev);
    is_str(text_of(ev.family_source), "b_same");
    ev = raw_event("nothing", "");
    classify_event(c, &ev);
    is_str(text_of(ev.family), "low");
    ev = raw_event("id=;", "");
    classify_event(c, &ev);
    is_str(text_of(ev.family), "first");
    is_int(ev.bot_id.n, 0);
    char big[400] = "id=";
    memset(big + 3, 'x', 300);
    big[303] = ';';
    ev = raw_event(big, "");
    classify_event(c, &ev);
    is_str(text_of(ev.family), "first");
    is_int(ev.bot_id.n, 0);
    is_int(classify_stats(c)->scanned, 5);
    is_int(classify_stats(c)->matched, 5);
    is_int(classify_stats(c)->failed, 0);
    for (int i = 0; i < 3; i++) { /* from another port, the same words */
        ev = raw_event("zz id=one; id=two;", "");
        ev.src_port = (uint64_t)(4000 + i);
        classify_event(c, &ev);
        is_str(text_of(ev.family_source), "a_same");
        is_str(text_of(ev.bot_id), "one");
        ev = raw_event("zz id=2ne; id=two;", "");
        classify_event(c, &ev);
        is_str(text_of(ev.bot_id), "2ne");
    }
    is_int(classify_stats(c)->scanned, 6); /* the one that was new */
    is_int(classify_stats(c)->matched, 11);
    ev = (struct event){.kind = KIND_CONN, .dst_port = 80};
    classify_event(c, &ev);
    ok(ev.family.n == 0, "an event with nothing to see is not scanned");
    classify_close(c);
    is_int(classify_open(dir, &c, &err), 0);
    ok(memcmp(before, classify_sha256(c), SHA256_LEN) == 0, "the digest is stable");
    classify_close(c);
    put_file("families.map", "x = y\n");
    is_int(classify_open(dir, &c, &err), 0);
    ok(memcmp(before, classify_sha256(c), SHA256_LEN) != 0, "and is over the map too");
    classify_close(c);
    remove_file("families.map");
    remove_file("b.yar");
    remove_file("c.yar");
}

/* Feeds */

static const char *feed(struct classify *c, const char *type, const char *fam,
                        const char *infection, unsigned *confidence)
{
    struct feed_cell cells[4];
    size_t n = 0;
    if (type)
        cells[n++] = (struct feed_cell){span_str("type"), span_str(type)};
    if (fam)
        cells[n++] = (struct feed_cell){span_str("family"), span_str(fam)};
    if (infection)
        cells[n++] = (struct feed_cell){span_str("infection"), span_str(infection)};
    cells[n++] = (struct feed_cell){span_str("src_hostname"), span_str("example.net")};
    struct event ev = {.kind = KIND_FEED, .feed = {true, cells, n}};
    classify_event(c, &ev);
    if (confidence)
        *confidence = (unsigned)ev.confidence;
    if (ev.family.n && !span_is(ev.family_source, "feed"))
        return "not by feed";
    return text_of(ev.family);
}

static void test_map(void)
{
    struct classify *c;
    struct err err = {0};
    unsigned confidence;
    put_file("families.map",
             "# comment\r\n\n  DownAdup =  Conficker \t\r\nurs* = gozi, 60\nursnif-loader=other\n"
             "ursn* = ursn\nava-* = *\nsinkhole = -\n");
    is_int(classify_open(dir, &c, &err), 0);
    is_str(feed(c, "downadup", NULL, NULL, &confidence), "conficker");
    is_int(confidence, 80);
    is_str(feed(c, NULL, "DOWNADUP", NULL, NULL), "conficker");
    is_str(feed(c, NULL, " downadup ", NULL, NULL), "conficker");
    is_str(feed(c, "t", "f", "i", NULL), "f");
    is_str(feed(c, "t", "", "i", NULL), "i");
    is_str(feed(c, "t", "", "", NULL), "t");
    is_str(feed(c, NULL, NULL, "", NULL), "");
    is_str(feed(c, NULL, NULL, "ursa", &confidence), "gozi");
    is_int(confidence, 60);
    is_str(feed(c, NULL, NULL, "ursnif", &confidence), "ursn");
    is_int(confidence, 80);
    is_str(feed(c, NULL, NULL, "ursnif-loader", NULL), "other");
    is_str(feed(c, NULL, NULL, "AVA-Tinba", NULL), "tinba");
    is_str(feed(c, NULL, NULL, "ava-", NULL), "ava-");
    is_str(feed(c, NULL, NULL, "sinkhole", NULL), "");
    is_str(feed(c, NULL, NULL, "Victorygate.B", NULL), "victorygate.b");
    is_str(feed(c, NULL, NULL, "a\x01", NULL), "");
    char word[200];
    memset(word, 'a', sizeof word);
    word[CLASSIFY_WORD_MAX] = 0;
    is_str(feed(c, NULL, NULL, word, NULL), word);
    memset(word, 'a', sizeof word);
    word[CLASSIFY_WORD_MAX + 1] = 0;
    is_str(feed(c, NULL, NULL, word, NULL), "");
    size_t wrong = 0; /* more words than the cache holds, twice */
    for (int i = 0; i < 20000; i++) {
        char name[32], want[32];
        snprintf(name, sizeof name, "Word-%d", i % 10000);
        snprintf(want, sizeof want, "word-%d", i % 10000);
        wrong += strcmp(feed(c, NULL, name, NULL, NULL), want) != 0;
        wrong += strcmp(feed(c, NULL, "downadup", NULL, NULL), "conficker") != 0;
    }
    is_int(wrong, 0);
    classify_close(c);
    static const struct {
        const char *text, *says;
    } bad[] = {{"a = b\nno equals\n", ":2: wanted"},
               {"= b\n", ":1: this is no feed word"},
               {"a =\n", ":1: this is no family"},
               {"a*b = c\n", ":1: this is no feed word"},
               {"a = b\nA = c\n", ":2: this word is there already"},
               {"a = *\n", ":1: \"= *\""},
               {"a = b, 0\n", ":1: the confidence"},
               {"a = b, 101\n", ":1: the confidence"},
               {"a = b, x\n", ":1: the confidence"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_file("families.map", bad[i].text);
        ok(refused("families.map", bad[i].says), "refused: a map's line");
    }
    remove_file("families.map");
}

/* What rules see */

static void test_view(void)
{
    struct buf out = {0};
    struct event ev = rustock_2009();
    classify_view(&ev, &out);
    buf_byte(&out, 0);
    ok(strncmp((char *)out.p, "POST /index.php?topic=33.117 HTTP/1.1\r\nAccept: */*\r\n", 52) == 0,
       "an HTTP view begins with the request line");
    size_t head = strlen((char *)out.p) - 4;
    ok(memcmp(out.p + head - 4, "\r\n\r\n\x9a\x01\x7f\x33", 8) == 0, "and ends with the body");
    out.n = 0;
    classify_view_variables(&ev, &out);
    buf_byte(&out, 0);
    char want[64];
    snprintf(want, sizeof want, "ebb_body_at=%zu\n", head);
    ok(strstr((char *)out.p, want), "the body is where we say");
    ok(strstr((char *)out.p, "ebb_headers_at=39\n"), "the headers too");
    ok(strstr((char *)out.p, "ebb_host=example.net\n"), "text variables");
    ok(strstr((char *)out.p, "ebb_version=HTTP/1.1\n"), "the version as in the request line");
    out.n = 0;
    ev.http.headers = span_str("Host: a\r\n\r\n");
    classify_view(&ev, &out);
    buf_byte(&out, 0);
    is_str((char *)out.p,
           "POST /index.php?topic=33.117 HTTP/1.1\r\nHost: a\r\n\r\n\x9a\x01\x7f\x33");
    out.n = 0;
    ev = (struct event){.kind = KIND_FEED,
                        .http = {.has = true,
                                 .method = span_str("GET"),
                                 .target = span_str("/"),
                                 .host = span_str("h"),
                                 .version = span_str("odd")}};
    classify_view(&ev, &out);
    buf_byte(&out, 0);
    is_str((char *)out.p, "GET / odd\r\nHost: h\r\n\r\n");
    out.n = 0;
    struct span rcpt = span_str("b@example.net");
    ev = (struct event){.kind = KIND_SMTP,
                        .smtp = {.has = true,
                                 .helo = span_str("h"),
                                 .mail_from = span_str("a@example.net"),
                                 .rcpt_to = {&rcpt, 1},
                                 .subject = span_str("s")}};
    classify_view(&ev, &out);
    buf_byte(&out, 0);
    is_str((char *)out.p, "HELO h\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.net>\r\ns");
    buf_free(&out);
}

/* A view is bounded, and its body is there, whatever comes before it. */
static void test_view_bounds(void)
{
    static char headers[100000], body[HTTP_BODY_KEEP + 100];
    memset(headers, 'h', sizeof headers - 1);
    memset(body, 'b', sizeof body);
    struct event ev =
        http_event("GET", headers, "1.1", headers, headers, headers, body, sizeof body);
    struct buf out = {0};
    classify_view(&ev, &out);
    ok(out.n <= CLASSIFY_VIEW_MAX, "a view is bounded");
    ok(memcmp(out.p + out.n - HTTP_BODY_KEEP, body, HTTP_BODY_KEEP) == 0 &&
           memcmp(out.p + out.n - HTTP_BODY_KEEP - 2, "\r\n", 2) == 0,
       "its body is whole");
    classify_event(shipped, &ev);
    out.n = 0;
    ev = raw_event(headers, headers);
    classify_view(&ev, &out);
    ok(out.n <= CLASSIFY_VIEW_MAX, "a raw one too");
    classify_event(shipped, &ev);
    out.n = 0;
    ev = (struct event){
        .smtp = {.has = true, .dialogue = span_str(headers), .subject = span_str(headers)}};
    classify_view(&ev, &out);
    ok(out.n <= CLASSIFY_VIEW_MAX, "and SMTP");
    classify_event(shipped, &ev);
    buf_free(&out);
}

/* Outside bytes cannot set our variables, and variables do not outlive their event. */
static void test_forgery(void)
{
    struct classify *c;
    struct err err = {0};
    put_file(
        "v.yar",
        "rule v { meta: family = \"v\" confidence = 50 source = \"s\"\n"
        "  condition: ebb_kind == \"raw\" and ebb_method == \"\" and ebb_dst_port == 6667 and\n"
        "    ebb_body_at == 0 and ebb_host == \"\" and ebb_server_at == 3 }\n"
        "rule w { meta: family = \"w\" confidence = 60 source = \"s\"\n"
        "  condition: ebb_host == \"a\\x01b\" }\n");
    is_int(classify_open(dir, &c, &err), 0);
    struct event ev = raw_event("abc", "ebb_method=POST\nebb_dst_port=1\n");
    classify_event(c, &ev);
    is_str(text_of(ev.family), "v");
    ev = http_event("POST", "/", "1.1", "h", "a", "Host: h\r\n", "body", 4);
    classify_event(c, &ev);
    is_str(text_of(ev.family), "");
    ev = raw_event("abc", "x");
    classify_event(c, &ev);
    is_str(text_of(ev.family), "v");
    ev.http = (typeof(ev.http)){.has = true, .host = span_of("a\0b", 3)};
    classify_event(c, &ev);
    is_str(text_of(ev.family), "w");
    classify_close(c);
    remove_file("v.yar");
}

static void test_hostile(void)
{
    static uint8_t noise[HTTP_BODY_KEEP];
    uint64_t x = 7;
    size_t hits = 0;
    for (int i = 0; i < 2000; i++) {
        for (size_t k = 0; k < sizeof noise; k++) {
            x = x * 6364136223846793005ull + 1442695040888963407ull;
            noise[k] = (uint8_t)(x >> 56);
        }
        struct event ev = i % 2 ? rustock_2009() : raw_event("", "");
        if (i % 2) {
            ev.http.headers = span_of(noise, sizeof noise);
            ev.http.body = span_of(noise, sizeof noise);
            ev.http.host = ev.http.user_agent = span_of(noise, 1 + i % sizeof noise);
        } else {
            ev.raw.client = span_of(noise, RAW_BYTES_KEEP);
            ev.raw.server = span_of(noise + RAW_BYTES_KEEP, RAW_BYTES_KEEP);
        }
        classify_event(shipped, &ev);
        hits += ev.family.n != 0;
    }
    is_int(hits, 0);
    /* what a rule's expressions match over and over */
    static char again[20000];
    for (size_t i = 0; i + 20 < sizeof again; i += 20)
        memcpy(again + i, "\nPRIVMSG #aaaaaaaaaa", 20);
    struct event ev = raw_event(again, again);
    classify_event(shipped, &ev);
    is_str(text_of(ev.family), "");
    is_int(classify_stats(shipped)->failed, 0);
}

int main(void)
{
    struct err err = {0};
    const char *root = getenv("EBB_SOURCE_ROOT");
    char rules[FILE_PATH_MAX];
    snprintf(dir, sizeof dir, "/tmp/ebb-test-classify-XXXXXX");
    if (!mkdtemp(dir) || file_path(rules, &err, "%s/rules", root ? root : ".") < 0)
        return 1;
    if (classify_open(rules, &shipped, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    test_rustock_2007();
    test_rustock_2009();
    test_irc();
    test_instid();
    test_bad_rules();
    test_choice();
    test_map();
    test_view();
    test_view_bounds();
    test_forgery();
    test_hostile();
    classify_close(shipped);
    rmdir(dir);
    return tap_done();
}
