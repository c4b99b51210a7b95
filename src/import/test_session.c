/* What flows in connections: packets and the events that they must come to. */
#include "import/test_found.h"

static void dns(void)
{
    struct capture_file c = {0};
    const struct ends back = {"198.51.100.2", "192.0.2.1", 53, 40000};
    const struct ends odd = {"192.0.2.1", "198.51.100.2", 40000, 5300};
    const struct ends odd_back = {"198.51.100.2", "192.0.2.1", 5300, 40000};
    struct buf answer = dns_message(7, 0x8180, "x.example");
    capture_begin(&c, 1);
    capture_query(&c, &to_dns, "x.example");
    capture_udp(&c, &back, buf_as_span(&answer));
    capture_udp(&c, &to_dns, span_str("no DNS"));
    capture_udp(&c, &back, span_str("\1\2\x80\0no"));
    capture_query(&c, &odd, "y.example");
    capture_udp(&c, &odd_back, buf_as_span(&answer));
    expect(&c, "DNS over UDP",
           QUERY "dns dns/udp 192.0.2.1:40000>198.51.100.2:5300 qname=y.example qtype=A\n",
           "packet 3: DNS message malformed: shorter than a header at byte 0\n"
           "packet 4: DNS message malformed: shorter than a header at byte 0\n");
    buf_free(&answer);
}

static void dns_tcp(void)
{
    struct capture_file c = {0};
    struct ends e = to_web;
    struct buf two = {0}, m = dns_message(7, 0x0100, "x.example");
    e.dport = 53;
    for (unsigned i = 0; i < 2; i++) {
        put16be(&two, (uint16_t)m.n);
        buf_span(&two, buf_as_span(&m));
    }
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, e);
    talk_open(&t);
    talk_bytes(&t, 0, buf_as_span(&two));
    for (size_t i = 0; i < two.n; i += 5)
        talk_bytes(&t, 0, span_of(two.p + i, two.n - i < 5 ? two.n - i : 5));
    m.p[2] = 0x80;
    be16_put(two.p, (uint16_t)m.n);
    talk_bytes(&t, 1, span_of(two.p, 2));
    talk_bytes(&t, 1, buf_as_span(&m));
    talk_close(&t);
#define TCP_QUERY "dns dns/tcp 192.0.2.1:40000>198.51.100.2:53 qname=x.example qtype=A\n"
    expect(&c, "DNS over TCP", TCP_QUERY TCP_QUERY TCP_QUERY TCP_QUERY, "");
    capture_begin(&c, 1);
    t = talk_to(&c, e);
    talk_open(&t);
    talk_say(&t, 0, "GET /a HTTP/1.0\r\n\r\n");
    talk_close(&t);
    expect(&c, "HTTP on DNS's port",
           "http http/tcp 192.0.2.1:40000>198.51.100.2:53 method=GET target=/a\n", "");
    buf_free(&two);
    buf_free(&m);
}

/* A conversation on the web port: each line is one segment, '<' from the server. */
static void web(const char *name, const char *const *lines, bool closed, const char *events,
                const char *rejects)
{
    struct capture_file c = {0};
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, to_web);
    talk_open(&t);
    for (; *lines; lines++)
        talk_say(&t, **lines == '<', *lines + (**lines == '<' || **lines == '>'));
    if (closed)
        talk_close(&t);
    expect(&c, name, events, rejects);
}
#define WEB_TALK(name, events, ...)                                                                \
    web(name, (const char *const[]){__VA_ARGS__, NULL}, true, events, "")

static void http(void)
{
#define POST(n, rest) "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " #n "\r\n\r\n" rest
    WEB_TALK("one request", GET_SEEN, GET, "<HTTP/1.1 200 OK\r\n\r\n");
    WEB_TALK("pipelined", GET_SEEN GET_SEEN GET_SEEN, GET GET GET);
    WEB_TALK("kept alive", GET_SEEN GET_SEEN, GET, "<HTTP/1.1 200 OK\r\n\r\n", GET);
    WEB_TALK("head in two", GET_SEEN, "GET /a HTT", "P/1.1\r\nHost: h\r\n\r\n");
    WEB_TALK("two heads, torn in the second", GET_SEEN GET_SEEN, GET "GET /a HTT",
             "P/1.1\r\nHost: h\r\n\r\n");
#define POST_SEEN "http http/tcp " WEB " method=POST target=/p host=h body=abcde size=5\n"
    WEB_TALK("body", POST_SEEN, POST(5, "abcde"));
    WEB_TALK("body apart, then the next", POST_SEEN GET_SEEN, POST(5, ""), "ab", "cde" GET);
    WEB_TALK("a client that adds an empty line", POST_SEEN GET_SEEN, POST(5, "abcde\r\n"), GET);
    WEB_TALK("chunked", POST_SEEN GET_SEEN,
             "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
             "3\r\ncd", "e\r\n0\r\n\r\n" GET);
    WEB_TALK("body that stops early",
             "http http/tcp " WEB
             " method=POST target=/p host=h anomalies=cut-body body=abc size=3\n",
             POST(50, "abc"));
    WEB_TALK("head that stops early",
             "http http/tcp " WEB " method=GET target=/a host=h anomalies=cut\n",
             "GET /a HTTP/1.1\r\nHost: h\r\n");
    WEB_TALK("not HTTP behind a request", GET_SEEN "raw raw/tcp " WEB " client=~~~ 3/0\n", GET,
             "\1\2\3");
    WEB_TALK("looks like HTTP at first", "raw raw/tcp " WEB " client=GET_away_^|~x 13/0\n", "GET a",
             "way ", "\r\n", "\1", "x");
    WEB_TALK("CONNECT, agreed",
             "http http/tcp " WEB " method=CONNECT target=m:25 host=m\n"
             "smtp raw/tcp " WEB " client=EHLO_x^| server=220_hi^| 8/27\n",
             "CONNECT m:25 HTTP/1.1\r\nHost: m\r\n\r\n", "<HTTP/1.0 200 ok\r\n\r\n", "<220 hi\r\n",
             "EHLO x\r\n");
    WEB_TALK("CONNECT, refused",
             "http http/tcp " WEB " method=CONNECT target=m:25 host=m\n" GET_SEEN,
             "CONNECT m:25 HTTP/1.1\r\nHost: m\r\n\r\n", "<HTTP/1.0 403 no\r\n\r\n", GET);
    WEB_TALK("upgrade, agreed", GET_SEEN_UP "raw raw/tcp " WEB " client=~~ server=~ 2/19\n", GET_UP,
             "<HTTP/1.1 101 x\r\n\r\n", "<\x81", "\x81\x80");
    WEB_TALK("upgrade, passed over", GET_SEEN_UP GET_SEEN, GET_UP, "<HTTP/1.1 200 x\r\n\r\n", GET);
    WEB_TALK("one byte a segment", GET_SEEN, "G", "E", "T", " ", "/", "a", " HTTP/1.1\r", "\n", "H",
             "ost: h", "\r", "\n", "\r", "\n");
}

/* An answer that is not in the capture: what the client says next decides. */
static void tunnels_unanswered(void)
{
#define CONNECT_SEEN "http http/tcp " WEB " method=CONNECT target=m:25 host=m\n"
    WEB_TALK("CONNECT, then HTTP", CONNECT_SEEN GET_SEEN,
             "CONNECT m:25 HTTP/1.1\r\nHost: m\r\n\r\n", GET);
    WEB_TALK("CONNECT, then something", CONNECT_SEEN "raw raw/tcp " WEB " client=abc 3/0\n",
             "CONNECT m:25 HTTP/1.1\r\nHost: m\r\n\r\n", "abc");
}

/* An event's time is that of the packet with its first byte. */
static void times(void)
{
    static const struct {
        uint16_t port;
        const char *first, *second;
    } streams[] = {
        {80, "GET /a HT", "TP/1.1\r\n\r\n"},
        {80, "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "abcde"},
        {25, "MAIL FROM:<a@b.example>\r\nDATA\r\n", "Subject: x\r\n\r\n.\r\n"},
        {53, NULL, NULL},
        {4444, "some", "thing"},
    };
    struct buf m = dns_message(7, 0x0100, "x.example");
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct capture_file c = {0};
        struct found f = {0};
        struct err err;
        struct ends e = to_web;
        uint8_t length[2] = {0, (uint8_t)m.n};
        e.dport = streams[i].port;
        capture_begin(&c, 1);
        struct talk t = talk_to(&c, e);
        talk_open(&t);
        c.at = 5000000;
        if (streams[i].first)
            talk_say(&t, 0, streams[i].first);
        else
            talk_bytes(&t, 0, span_of(length, 2));
        c.at = 7000000;
        if (streams[i].second)
            talk_say(&t, 0, streams[i].second);
        else
            talk_bytes(&t, 0, buf_as_span(&m));
        talk_close(&t);
        ok(import_bytes(buf_as_span(&c.bytes), &f, 1, &err) == 0);
        is_int(f.last_record, 1);
        is_int(f.time, CAPTURE_T0 * 1000000 + 5000000);
        found_free(&f);
        buf_free(&c.bytes);
    }
    buf_free(&m);
}

static void http_ends(void)
{
    WEB_TALK("HTTP/0.9", "http http/tcp " WEB " method=GET target=/a anomalies=no-version\n",
             "GET /a\r\n");
    WEB_TALK("a line that does not end", "raw raw/tcp " WEB " client=GET_/a 6/0\n", "GET /a");
    WEB_TALK("HTTP/2", "http raw/tcp " WEB " client=PRI_*_HTTP/2.0^|^|SM^|^| 24/0\n",
             "PRI * HTTP/2.0\r\n\r\n", "SM\r\n\r\n");
}

/* What is not in the capture. */
static void http_losses(void)
{
    struct capture_file c = {0};
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, to_web);
    talk_open(&t);
    talk_say(&t, 0, POST(20, "abcde"));
    talk_lose(&t, 0, 10);
    talk_say(&t, 0, "vwxyz" GET);
    talk_ack(&t, 1);
    talk_lose(&t, 0, 100);
    talk_say(&t, 0, "lost: head\r\n\r\n" GET GET);
    talk_close(&t);
#define LOST(n, packet)                                                                            \
    "packet " #packet ": " #n " TCP bytes lost before this packet, 192.0.2.1 port 40000 to "       \
    "198.51.100.2 port 80\n"
    expect(&c, "losses",
           "http http/tcp " WEB
           " method=POST target=/p host=h anomalies=cut-body body=abcde size=5\n" GET_SEEN
               GET_SEEN GET_SEEN "http raw/tcp " WEB " client=lost:_head^|^| 14/0\n",
           LOST(10, 5) LOST(100, 7));
    capture_begin(&c, 1); /* no SYN, the server first, ports that say nothing */
    struct ends high = {"192.0.2.1", "198.51.100.2", 40000, 50000};
    t = talk_to(&c, high);
    talk_say(&t, 1, "rest of a page");
    talk_say(&t, 0, GET);
    expect(&c, "begun before the capture",
           "http http/tcp 192.0.2.1:40000>198.51.100.2:50000 method=GET target=/a host=h\n", "");
    capture_begin(&c, 1);
    t = talk_to(&c, to_web);
    talk_say(&t, 0, "rest of a body");
    talk_say(&t, 0, GET);
    expect(&c, "begun in a request", GET_SEEN "http raw/tcp " WEB " client=rest_of_a_body 14/0\n",
           "");
}

/* Retransmission, reordering and the same ports again. */
static void tcp_life(void)
{
    struct capture_file c = {0};
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, to_web);
    talk_open(&t);
    uint32_t seq = t.seq[0];
    talk_lose(&t, 0, (uint32_t)strlen(GET));
    talk_say(&t, 0, GET);
    talk_raw(&t, 0, TCP_ACK, seq, t.seq[1], span_str(GET));
    talk_raw(&t, 0, TCP_ACK, seq, t.seq[1], span_str(GET));
    talk_close(&t);
    talk_raw(&t, 0, TCP_ACK, seq, t.seq[1], span_str(GET)); /* an echo behind the end */
    t.seq[0] += 100000;
    t.seq[1] += 100000;
    talk_open(&t);
    talk_say(&t, 0, GET);
    talk_raw(&t, 1, TCP_RST, t.seq[1], 0, span_of(NULL, 0));
    t.seq[0] += 100000;
    talk_open(&t); /* without an end of the one before */
    talk_say(&t, 0, GET);
    t.seq[0] += 100000;
    talk_open(&t);
    talk_say(&t, 0, GET);
    expect(&c, "ports used again", GET_SEEN GET_SEEN GET_SEEN GET_SEEN GET_SEEN, "");
    capture_begin(&c, 1);
    t = talk_to(&c, to_web);
    talk_open(&t);
    talk_say(&t, 0, GET);
    talk_close(&t);
    struct talk back = talk_to(&c, (struct ends){to_web.dst, to_web.src, 80, 40000});
    back.seq[0] = back.seq[1] = 777777;
    talk_open(&back);
    talk_say(&back, 0, GET);
    expect(&c, "ports used again, the other way round",
           GET_SEEN "http http/tcp 198.51.100.2:80>192.0.2.1:40000 method=GET target=/a host=h\n",
           "");
    capture_begin(&c, 1);
    t = talk_to(&c, to_web);
    talk_open(&t);
    talk_close(&t);
    expect(&c, "no data, no event", "", "");
}

#define MAIL_TO "192.0.2.1:40000>198.51.100.2:25"

static void smtp_talk(const char *name, const char *events, const char *rejects,
                      const char *const *lines)
{
    struct capture_file c = {0};
    struct ends e = to_web;
    e.dport = 25;
    capture_begin(&c, 1);
    struct talk t = talk_to(&c, e);
    talk_open(&t);
    for (; *lines; lines++) {
        if (**lines == '?')
            talk_lose(&t, 0, 50);
        else
            talk_say(&t, **lines == '<', *lines + (**lines == '<'));
    }
    talk_close(&t);
    expect(&c, name, events, rejects);
}
#define SMTP_TALK(name, events, rejects, ...)                                                      \
    smtp_talk(name, events, rejects, (const char *const[]){__VA_ARGS__, NULL})

static void smtp(void)
{
#define BANNER  "<220 hi\r\n"
#define OK250   "<250 ok\r\n"
#define GO      "<354 go\r\n"
#define HELO    "HELO me\r\n"
#define FROM_TO "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
#define MAIL    "Subject: hi there\r\n\r\n..dot\r\n.\r\n"
#define MAIL_SEEN                                                                                  \
    "smtp smtp/tcp " MAIL_TO                                                                       \
    " helo=me from=a@b.example to=c@d.example subject=hi_there size=27 blob\n"
#define NO_MAIL "smtp smtp/tcp " MAIL_TO " helo=me from=a@b.example to=c@d.example\n"
    SMTP_TALK("a mail", MAIL_SEEN, "", BANNER, HELO, OK250, FROM_TO, OK250, "DATA\r\n", GO, MAIL,
              OK250, "QUIT\r\n", "<221 bye\r\n");
    SMTP_TALK("two mails, one without a word from the server", MAIL_SEEN MAIL_SEEN, "",
              HELO FROM_TO, "DATA\r\n", MAIL FROM_TO "DATA\r\n" MAIL "QUIT\r\n");
    SMTP_TALK("a mail in crumbs", MAIL_SEEN, "", BANNER, "HE", "LO me\r", "\n", FROM_TO "DA",
              "TA\r\n", GO, "Subject: hi", " there\r\n\r\n.", ".dot\r\n.", "\r\nQUIT\r\n");
    SMTP_TALK("no mail", NO_MAIL, "", BANNER, HELO, OK250, FROM_TO, "<550 no\r\n", "QUIT\r\n");
    SMTP_TALK("DATA refused", NO_MAIL, "", BANNER, HELO, OK250, FROM_TO, "<550 no\r\n", "DATA\r\n",
              "<503 no\r\n", "QUIT\r\n");
    SMTP_TALK("a mail, then an attempt", MAIL_SEEN NO_MAIL, "", BANNER, HELO, OK250, FROM_TO, OK250,
              "DATA\r\n", GO, MAIL, OK250, FROM_TO, "<550 no\r\n", "QUIT\r\n");
    SMTP_TALK("STARTTLS", "smtp smtp/tcp " MAIL_TO " helo=me\n", "", BANNER, "EHLO me\r\n", OK250,
              "STARTTLS\r\n", "<220 go\r\n", "\x16\x03\x01\r\n", "MAIL FROM:<x>\r\n");
    SMTP_TALK("DATA refused, and on", NO_MAIL, "", BANNER, HELO, OK250,
              "MAIL FROM:<a@b.example>\r\n", OK250, "DATA\r\n", "<503 no\r\n",
              "RCPT TO:<c@d.example>\r\n", "<550 no\r\n");
    SMTP_TALK("chunks",
              "smtp smtp/tcp " MAIL_TO
              " helo=me from=a@b.example to=c@d.example subject=x size=16 blob\n",
              "", BANNER, HELO, FROM_TO, "BDAT 10\r\nSubject: x", OK250,
              "BDAT 6 LAST\r\n\r\n\r\nhi", OK250);
    SMTP_TALK("a torn mail",
              "smtp smtp/tcp " MAIL_TO
              " helo=me from=a@b.example to=c@d.example subject=hi size=68 blob\n" NO_MAIL,
              "packet 10: 50 TCP bytes lost before this packet, 192.0.2.1 port 40000 to "
              "198.51.100.2 port 25\n",
              BANNER, HELO, FROM_TO, "DATA\r\n", GO, "Subject: hi\r\n", "?", "....\r\n.\r\n", OK250,
              FROM_TO);
    SMTP_TALK("a banner alone", "smtp raw/tcp " MAIL_TO " server=220_hi^| 0/8\n", "", BANNER);
    SMTP_TALK("another protocol",
              "raw raw/tcp " MAIL_TO " client=USER_bob^| server=220_ftp^| 10/9\n", "",
              "<220 ftp\r\n", "USER bob\r\n");
}

static void raw(void)
{
    struct capture_file c = {0};
    WEB_TALK("IRC",
             "irc raw/tcp " WEB " client=NICK_bot^|USER_a_b_c_:d^| server=:s_001_bot_:hi^| 25/16\n",
             "NICK bot\r\nUSER a b c :d\r\n", "<:s 001 bot :hi\r\n");
    WEB_TALK("IRC, the server alone", "irc raw/tcp " WEB " server=:s_001_bot_:hi^| 0/16\n",
             "<:s 001 bot :hi\r\n");
    WEB_TALK("SOCKS 5", "socks raw/tcp " WEB " client=~~~~ 4/0\n", "\5\2\1\2");
    WEB_TALK("a response alone", "http raw/tcp " WEB " server=HTTP/1.1_200_x^|^| 0/18\n",
             "<HTTP/1.1 200 x\r\n\r\n");
    WEB_TALK("something", "raw raw/tcp " WEB " client=abc server=defg 3/4\n", "abc", "<defg");
    capture_begin(&c, 1);
    struct ends tls = to_web;
    tls.dport = 443;
    struct talk t = talk_to(&c, tls);
    talk_open(&t);
    talk_bytes(&t, 0, span_of("\x16\3\1\0\5\1\0\0\1\0", 10));
    expect(&c, "TLS", "tls raw/tcp 192.0.2.1:40000>198.51.100.2:443 client=~~~~~~~~~~ 10/0\n", "");
    capture_begin(&c, 1);
    const struct ends out = {"192.0.2.1", "198.51.100.2", 40000, 16464};
    const struct ends in = {"198.51.100.2", "192.0.2.1", 16464, 40000};
    capture_udp(&c, &out, span_str("hello"));
    capture_udp(&c, &in, span_str("you"));
    capture_udp(&c, &out, span_str("again"));
    capture_udp(&c, &out, span_str(""));
    expect(&c, "UDP",
           "raw raw/udp 192.0.2.1:40000>198.51.100.2:16464 client=helloagain server=you 10/3\n",
           "");
}

/* The same streams however they are cut: sizes at random, some segments twice, some out of order.
 */
static void chop(struct capture_file *f, struct ends e, struct span client, struct span server,
                 unsigned seed, bool whole)
{
    struct talk t = talk_to(f, e);
    const struct span side[2] = {client, server};
    size_t at[2] = {0, 0};
    srand(seed);
    talk_open(&t);
    while (at[0] < client.n || at[1] < server.n) {
        unsigned dir = at[0] < client.n ? 0 : 1;
        size_t left = side[dir].n - at[dir];
        size_t n = whole ? left : 1 + (size_t)rand() % (rand() % 4 ? 40 : 700);
        size_t m = whole ? 0 : 1 + (size_t)rand() % 60;
        n = n < left ? n : left;
        m = m < left - n ? m : left - n;
        struct span one = span_of(side[dir].p + at[dir], n);
        struct span two = span_of(side[dir].p + at[dir] + n, m);
        bool swap = rand() % 3 == 0;
        uint32_t seq = t.seq[dir];
        if (swap && m)
            talk_raw(&t, dir, TCP_ACK, seq + (uint32_t)n, t.seq[!dir], two);
        talk_raw(&t, dir, TCP_ACK, seq, t.seq[!dir], one);
        if (rand() % 5 == 0)
            talk_raw(&t, dir, TCP_ACK, seq, t.seq[!dir], one);
        if (!swap && m)
            talk_raw(&t, dir, TCP_ACK, seq + (uint32_t)n, t.seq[!dir], two);
        t.seq[dir] += (uint32_t)(n + m);
        at[dir] += n + m;
    }
    talk_close(&t);
}

static void however_cut(const char *name, uint16_t port, struct span client, unsigned n_events)
{
    struct ends e = to_web;
    struct found want = {0};
    struct err err;
    unsigned same = 0, rounds = 200;
    e.dport = port;
    for (unsigned i = 0; i <= rounds; i++) {
        struct capture_file c = {0};
        struct found got = {0};
        capture_begin(&c, 1);
        chop(&c, e, client, span_of(NULL, 0), i, i == 0);
        int r = import_bytes(buf_as_span(&c.bytes), i ? &got : &want, 1, &err);
        same += i && r == 0 && span_eq(buf_as_span(&got.events), buf_as_span(&want.events)) &&
                span_eq(buf_as_span(&got.blob), buf_as_span(&want.blob)) && !got.n_rejects;
        found_free(&got);
        buf_free(&c.bytes);
    }
    printf("# %s\n", name);
    is_int(want.last_record, n_events);
    is_int(same, rounds);
    found_free(&want);
}

static void cuts(void)
{
    struct buf web = {0}, mail = {0}, names = {0};
    for (unsigned i = 0; i < 6; i++) {
        buf_printf(&web, "GET /%u HTTP/1.1\r\nHost: h%u\r\nX:%*s\r\n\r\n", i, i, 300, "x");
        buf_printf(&web, "POST /%u HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n%*u", i, 500,
                   i);
        buf_printf(&web, "PUT /%u HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\r\n\r\n", i);
        buf_printf(&web, "a;x=y\r\n0123456789\r\n100\r\n%*u\r\n0\r\nT: t\r\n\r\n", 256, i);
        buf_printf(&mail, "%s" FROM_TO "DATA\r\nSubject: %u\r\n\r\n%*u\r\n..\r\n. \r\n.\r\n",
                   i ? "RSET\r\n" : "EHLO x\r\n", i, 700, i);
        char name[16];
        snprintf(name, sizeof name, "n%u.example", i);
        struct buf m = dns_message((uint16_t)i, 0x0100, name);
        put16be(&names, (uint16_t)m.n);
        buf_span(&names, buf_as_span(&m));
        buf_free(&m);
    }
    seeds = NULL; /* enough of them */
    however_cut("HTTP", 80, buf_as_span(&web), 18);
    however_cut("SMTP", 25, buf_as_span(&mail), 6);
    however_cut("DNS", 53, buf_as_span(&names), 6);
    however_cut("raw", 4444,
                span_str("\1\2\3 and so on, for quite some bytes of no protocol at all"), 1);
    buf_free(&web);
    buf_free(&mail);
    buf_free(&names);
}

/* With a folder as its argument the captures that the tests build are written there too. */
/* A body that the entry holds whole is no blob; a longer one is, as a whole. */
static void long_bodies(void)
{
    static const size_t sizes[] = {HTTP_BODY_KEEP, HTTP_BODY_KEEP + 1, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct capture_file c = {0};
        struct found f = {0};
        struct buf body = {0};
        struct err err;
        char head[80];
        for (size_t k = 0; k < sizes[i]; k++)
            buf_byte(&body, (uint8_t)('a' + k % 26));
        snprintf(head, sizeof head, "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
                 sizes[i]);
        capture_begin(&c, 1);
        struct talk t = talk_to(&c, to_web);
        talk_open(&t);
        talk_say(&t, 0, head);
        for (size_t at = 0; at < body.n; at += 1000)
            talk_bytes(&t, 0, span_of(body.p + at, body.n - at < 1000 ? body.n - at : 1000));
        talk_close(&t);
        ok(import_bytes(buf_as_span(&c.bytes), &f, 1, &err) == 0);
        is_int(f.last_record, 1);
        is_int(f.blobs, sizes[i] > HTTP_BODY_KEEP);
        ok(!f.blobs || span_eq(buf_as_span(&f.blob), buf_as_span(&body)));
        found_free(&f);
        buf_free(&c.bytes);
        buf_free(&body);
    }
}

int main(int argc, char **argv)
{
    seeds = argc > 1 ? argv[1] : NULL;
    seed_prefix = "session";
    dns();
    dns_tcp();
    http();
    http_ends();
    long_bodies();
    tunnels_unanswered();
    times();
    http_losses();
    tcp_life();
    smtp();
    raw();
    cuts();
    return tap_done();
}
