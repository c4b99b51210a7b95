/* Received headers as servers write them, forged ones, dates, and the walk by trusted relays. */
#include "base/tap.h"
#include "base/utc.h"
#include "wire/received.h"

/* "helo|rdns|ip|by|for|time" */
static const char *shown(const struct received *r)
{
    static char text[2048];
    char ip[IP_TEXT_MAX] = "", time[UTC_TEXT_MAX] = "";
    if (ip_is_set(&r->ip))
        ip_format(&r->ip, ip);
    if (r->dated) {
        utc_format(r->time, time);
        time[19] = 0;
    }
    snprintf(text, sizeof text, "%s%.*s|%.*s|%s|%.*s|%.*s|%s", r->from ? "" : "local ",
             (int)r->helo.n, r->helo.p, (int)r->rdns.n, r->rdns.p, ip, (int)r->by.n, r->by.p,
             (int)r->recipient.n, r->recipient.p, time);
    return text;
}

static const char *parsed(const char *value)
{
    struct received r;
    received_parse(span_str(value), &r);
    return shown(&r);
}

static void writings(void)
{
    /* sendmail */
    is_str(parsed("from 129.97.78.23 ([211.202.101.74])\n\tby speedy.example (8.12.8/8.12.5) with "
                  "SMTP id "
                  "l38H7G0I003017;\n\tSun, 8 Apr 2007 13:07:21 -0400"),
           "129.97.78.23||211.202.101.74|speedy.example||2007-04-08T17:07:21");
    is_str(parsed("from murphy.example (murphy.example [70.103.162.31])\r\n\tby speedy.example "
                  "(8.12.8/8.12.5)"
                  " with ESMTP id l38\r\n\tfor <k@speedy.example>; Sun, 8 Apr 2007 13:09:28 -0400"),
           "murphy.example|murphy.example|70.103.162.31|speedy.example|k@speedy.example|2007-04-"
           "08T17:09:28");
    is_str(parsed("from me (pc.example [192.0.2.7] (may be forged)) by a (8.13) id x; 1 Jan 2007 "
                  "00:00:00 GMT"),
           "me||192.0.2.7|a||2007-01-01T00:00:00");
    is_str(parsed("from h (IDENT:[10.0.0.1]@pc.example [192.0.2.7]) by a; 1 Jan 2007 00:00:00 GMT"),
           "h|pc.example|192.0.2.7|a||2007-01-01T00:00:00");
    is_str(parsed("(from root@localhost) by host.example (8.12) id x for a@b; Mon, 1 Jan 2007 "
                  "00:00:00 GMT"),
           "local |||host.example|a@b|2007-01-01T00:00:00");
    /* Postfix */
    is_str(parsed("from [192.168.0.101] (pool.example [70.53.184.47])\n by x.example (Postfix) "
                  "with ESMTP id "
                  "C1\n for <d@l.example>; Sun,  8 Apr 2007 12:52:34 -0400 (EDT)"),
           "[192.168.0.101]|pool.example|70.53.184.47|x.example|d@l.example|2007-04-08T16:52:34");
    is_str(parsed("from a (unknown [IPv6:2001:db8::25]) (using TLSv1 with cipher X (256/256 bits)) "
                  "(Client CN \"[203.0.113.1]\", Issuer \"i\") by x (Postfix) with ESMTPS id 1; "
                  "Sun, 08 Apr 2007 12:52:34 +0000"),
           "a||2001:db8::25|x||2007-04-08T12:52:34");
    is_str(parsed("by lists.example (Postfix, from userid 603) id 11D; Thu, 12 Apr 2007 00:44:12 "
                  "+0000 (GMT)"),
           "local |||lists.example||2007-04-12T00:44:12");
    /* Exim */
    is_str(parsed("from pc.example ([192.0.2.9] helo=[10.9.8.7] ident=x) by mx.example with esmtp "
                  "(Exim 4.63) "
                  "(envelope-from <s@x>) id 1Hb for r@mx.example; Sun, 08 Apr 2007 13:07:21 +0200"),
           "[10.9.8.7]|pc.example|192.0.2.9|mx.example|r@mx.example|2007-04-08T11:07:21");
    is_str(parsed("from [192.0.2.9] (helo=pc) by mx.example with smtp id 1; Sun, 08 Apr 2007 "
                  "13:07:21 +0200"),
           "pc||192.0.2.9|mx.example||2007-04-08T11:07:21");
    is_str(parsed("from [192.0.2.9]:4021 (port=4021 helo=pc) by mx with smtp id 1; 8 Apr 2007 "
                  "13:07:21 +0200"),
           "pc||192.0.2.9|mx||2007-04-08T11:07:21");
    is_str(parsed("from apache by mx with local (Exim 4.60) id 1; Sun, 08 Apr 2007 13:07:21 +0200"),
           "local apache|||mx||2007-04-08T11:07:21");
    /* qmail */
    is_str(
        parsed(
            "from web.example (HELO localhost.localdomain) ([65.244.48.145])\n by ip4 with ESMTP; "
            "08 Apr 2007 16:36:08 -0400"),
        "localhost.localdomain|web.example|65.244.48.145|ip4||2007-04-08T20:36:08");
    is_str(parsed("from unknown (HELO [10.1.1.1]) (u@192.168.12.72)\n by m with SMTP; 10 Apr 2007 "
                  "02:17:59 -0000"),
           "[10.1.1.1]||192.168.12.72|m||2007-04-10T02:17:59");
    is_str(parsed("(qmail 10683 invoked by uid 514); 8 Apr 2007 18:46:54 -0000"),
           "local |||||2007-04-08T18:46:54");
    is_str(parsed("(qmail 10676 invoked from network); 8 Apr 2007 18:46:53 -0000"),
           "local |||||2007-04-08T18:46:53");
    /* Exchange, SMTPSVC, Gmail, Yahoo, Courier */
    is_str(
        parsed(
            "from EX1.corp.example (10.1.2.3) by EX2.corp.example (10.1.2.4) with Microsoft SMTP "
            "Server (TLS) id 14.1.2; Mon, 9 Apr 2007 10:00:00 -0700"),
        "EX1.corp.example||10.1.2.3|EX2.corp.example||2007-04-09T17:00:00");
    is_str(parsed("from pc ([192.0.2.44]) by bay0.example with Microsoft "
                  "SMTPSVC(6.0.3790.2668);\r\n\t Mon, 9 "
                  "Apr 2007 10:00:00 -0700"),
           "pc||192.0.2.44|bay0.example||2007-04-09T17:00:00");
    is_str(
        parsed(
            "from h.example (rdns.example. [192.0.2.1]) by mx.google.com with ESMTPS id a1si for "
            "<u@gmail.example> (version=TLS1_2 cipher=X bits=128/128); Mon, 09 Apr 2007 10:00:00 "
            "-0700 (PDT)"),
        "h.example|rdns.example.|192.0.2.1|mx.google.com|u@gmail.example|2007-04-09T17:00:00");
    is_str(parsed("by 10.36.1.2 with SMTP id x; Mon, 09 Apr 2007 10:00:00 -0700 (PDT)"),
           "local |||10.36.1.2||2007-04-09T17:00:00");
    is_str(parsed("from 192.0.2.1 (EHLO pc.example) (192.0.2.1) by mta1 with SMTP; Mon, 09 Apr "
                  "2007 10:00:00 -0700"),
           "pc.example|192.0.2.1|192.0.2.1|mta1||2007-04-09T17:00:00");
    is_str(parsed("from [192.0.2.1] by web1.example via HTTP; Mon, 09 Apr 2007 10:00:00 PDT"),
           "[192.0.2.1]||192.0.2.1|web1.example||2007-04-09T17:00:00");
    is_str(parsed("from h ([::ffff:192.0.2.1]) by c with esmtp; Mon, 09 Apr 2007 10:00:00 -0700"),
           "h||192.0.2.1|c||2007-04-09T17:00:00");
}

static void hostile(void)
{
    is_str(parsed("from 192.0.2.1 by speedy; Sun, 8 Apr 2007 13:07:21 -0400"),
           "192.0.2.1|||speedy||2007-04-08T17:07:21");
    is_str(parsed("from a by b with c (pc.example [192.0.2.7]) by real (Postfix) id 1; x"),
           "a by b with c|pc.example|192.0.2.7|real||");
    is_str(parsed("from x( (pc.example [192.0.2.7]) by real.example with SMTP; Sun, 8 Apr 2007 "
                  "13:07:21 -0400"),
           "||192.0.2.7|real.example||2007-04-08T17:07:21");
    is_str(parsed("from"), "|||||");
    is_str(parsed(""), "local |||||");
    is_str(parsed(";;;("), "local |||||");
    is_str(parsed("from [] ([ [999.1.1.1] [::g]) by"), "[]|||||");
    struct buf b = {0};
    for (unsigned i = 0; i < 20000; i++)
        buf_str(&b, i % 3 ? "((" : "by ");
    struct received r;
    received_parse(buf_as_span(&b), &r);
    ok(!r.dated && !ip_is_set(&r.ip), "a long run of parentheses");
    buf_free(&b);
}

static const char *date(const char *text)
{
    static char out[UTC_TEXT_MAX];
    int64_t t;
    if (!received_date(span_str(text), &t))
        return "none";
    utc_format(t, out);
    out[19] = 0;
    return out;
}

static void dates(void)
{
    is_str(date("Sun, 8 Apr 2007 13:07:21 -0400"), "2007-04-08T17:07:21");
    is_str(date("8 Apr 07 13:07 EST"), "2007-04-08T18:07:00");
    is_str(date("8 Apr 97 13:07:21 Z"), "1997-04-08T13:07:21");
    is_str(date("8 Apr 107 13:07:21 UT"), "2007-04-08T13:07:21");
    is_str(date("(a (b) c) Sun (x), 8 (y) Apr 2007 13:07:21 (z\\)) -0400 (EDT)"),
           "2007-04-08T17:07:21");
    is_str(date("Sun Apr  8 13:07:32 2007"), "2007-04-08T13:07:32");
    is_str(date("Sun Apr  8 13:07:32 2007 +0200"), "2007-04-08T11:07:32");
    is_str(date("Sun Apr  8 13:07:32 +0200 2007"), "2007-04-08T11:07:32");
    is_str(date("Sun Apr  8 13:07:32 EDT 2007"), "2007-04-08T17:07:32");
    is_str(date("Sunday, 08-Apr-2007 13:07:21 GMT"), "2007-04-08T13:07:21");
    is_str(date("Sun, 08 Apr 2007 13:07:21 GMT+0300"), "2007-04-08T10:07:21");
    is_str(date("2007-04-08T13:07:21+02:00"), "2007-04-08T11:07:21");
    is_str(date("29 Feb 2008 00:00:60 +0000"), "2008-02-29T00:01:00");
    is_str(date("29 Feb 2007 00:00:00 +0000"), "none");
    is_str(date("31 Apr 2007 00:00:00 +0000"), "none");
    is_str(date("0 Apr 2007 00:00:00 +0000"), "none");
    is_str(date("8 Apr 2007 24:00:00 +0000"), "none");
    is_str(date("8 Apr 2007"), "none");
    is_str(date("2007-04-08"), "none");
    is_str(date("Apr"), "none");
    is_str(date("8 Apr 99999999999999999999 13:07:21"), "none");
    is_str(date(""), "none");
}

#define TOP                                                                                        \
    "from relay.our.example (relay.our.example [10.0.0.5]) by store.our.example; Sun, 8 Apr 2007 " \
    "13:00:05 +0000"
#define SECOND                                                                                     \
    "from bot (pc.isp.example [192.0.2.66]) by relay.our.example; Sun, 8 Apr 2007 13:00:03 +0000"
#define FORGED                                                                                     \
    "from bank.example (bank.example [198.51.100.1]) by bot; Sun, 8 Apr 2007 10:00:00 +0000"

static const char *walked(const struct received_trust *t, const char *a, const char *b,
                          const char *c)
{
    static char text[2100];
    struct received r;
    struct span v[3] = {span_str(a), span_str(b), span_str(c)};
    int at = received_walk(v, !a ? 0 : !b ? 1 : !c ? 2 : 3, t, &r);
    snprintf(text, sizeof text, "%d %s", at, shown(&r));
    return text;
}

static void walk(void)
{
    const struct received_trust none = {0};
    struct net net;
    struct span names[] = {span_str("*.our.example")}, name = span_str("RELAY.our.example");
    net_parse(span_str("10.0.0.0/8"), &net);
    const struct received_trust by_net = {&net, 1, NULL, 0}, by_tail = {NULL, 0, names, 1},
                                by_name = {NULL, 0, &name, 1};
    const char
        *top =
            "0 relay.our.example|relay.our.example|10.0.0.5|store.our.example||2007-04-08T13:00:05",
        *second = "1 bot|pc.isp.example|192.0.2.66|relay.our.example||2007-04-08T13:00:03";
    is_str(walked(&none, TOP, SECOND, FORGED), top);
    is_str(walked(NULL, TOP, SECOND, FORGED), top);
    is_str(walked(&by_net, TOP, SECOND, FORGED), second);
    is_str(walked(&by_tail, TOP, SECOND, FORGED), second);
    is_str(walked(&by_name, TOP, SECOND, FORGED), second);
    is_str(walked(&by_net, TOP, NULL, NULL), top);
    is_str(walked(&by_net, "(qmail 1 invoked by uid 5); 8 Apr 2007 13:00:04 -0000", SECOND, FORGED),
           second);
    is_str(walked(&none,
                  "from localhost ([127.0.0.1]) by relay (amavis); 8 Apr 2007 13:00:04 -0000",
                  SECOND, FORGED),
           second);
    is_str(walked(&by_net, TOP, "from bot (pc.isp.example [192.0.2.66]) by relay; no date", FORGED),
           "1 bot|pc.isp.example|192.0.2.66|relay||2007-04-08T13:00:05");
    /* a client that only says it is our relay */
    is_str(walked(&by_tail, "from relay.our.example (pc.isp.example [192.0.2.66]) by store; x",
                  FORGED, NULL),
           "0 relay.our.example|pc.isp.example|192.0.2.66|store||");
    is_str(walked(&by_tail, "from x (relay.our.example [192.0.2.66] (may be forged)) by store; x",
                  FORGED, NULL),
           "0 x||192.0.2.66|store||");
    is_str(walked(&by_net, NULL, NULL, NULL), "-1 local |||||");
}

int main(void)
{
    writings();
    hostile();
    dates();
    walk();
    return tap_done();
}
