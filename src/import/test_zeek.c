#include <errno.h>

#include "base/tap.h"
#include "base/utc.h"
#include "import/import.h"
#include "import/lines.h"
#include "import/test_text.h"

/* Events as JSON, with kind, record and time as the log would have them. */
static int take_event(void *ctx, const struct event *ev)
{
    struct found *f = ctx;
    struct json j = json_to(&f->events);
    struct event seen = *ev;
    if (!ev->role.n) /* JSON shows a role that is left to the pipeline as unjudged, too */
        seen.role = span_str("left");
    event_json(&seen, ev->record, "s", &j);
    buf_byte(&f->events, '\n');
    for (size_t i = 1; i < ev->feed.n; i++)
        if (ev->feed.cells[i].key.n < ev->feed.cells[i - 1].key.n)
            buf_str(&f->events, "UNORDERED\n");
    f->n++;
    return f->stop;
}

static int run(struct span data, size_t chunk, uint64_t first, struct found *f)
{
    return found_run(&import_zeek, take_event, data, chunk, first, f);
}

static void done(struct found *f)
{
    buf_free(&f->events);
    buf_free(&f->rejects);
}

static void holds(const struct found *f, const char *want)
{
    if (!tap_check(strstr((char *)f->events.p, want) != NULL, want, __FILE__, __LINE__, want))
        printf("# in %s\n", (char *)f->events.p);
}

static void holds_not(const struct found *f, const char *what)
{
    tap_check(strstr((char *)f->events.p, what) == NULL, what, __FILE__, __LINE__, "absent");
}

static void all_in(const char *text, unsigned records, struct found *f)
{
    is_int(run(span_str(text), SOURCE_CHUNK, 1, f), 0);
    is_str(f->err.text, "");
    is_str((char *)f->rejects.p, "");
    is_int(f->counts.records, records);
    is_int(f->counts.rejected, 0);
    is_int(f->n, records);
    holds_not(f, "UNORDERED");
}

#define CONN_HEAD                                                                                  \
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"   \
    "#open\t2014-05-23-18-02-04\n"                                                                 \
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\torig_bytes"     \
    "\tresp_bytes\ttunnel_parents\n"                                                               \
    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tcount\tcount\tset[string]\n"

static void test_conn(void)
{
    struct found f = {0};
    all_in(CONN_HEAD
           "1258531221.486539\tC1\t192.0.2.1\t68\t198.51.100.1\t67\tudp\t-\t301\t300"
           "\t(empty)\n"
           "1258531222.5\tC2\t2001:db8::1\t1025\t2001:db8::2\t443\ttcp\tssl,http\t-\t0\ta,b\n"
           "#close\t2014-05-23-18-02-05\n",
           2, &f);
    /* 1258531221 = 2009-11-18T08:00:21Z */
    holds(&f, "{\"index\":1,\"time\":\"2009-11-18T08:00:21.486539Z\",\"kind\":\"conn\"");
    holds(&f, "\"protocol\":\"raw\",\"transport\":\"udp\",\"src_ip\":\"192.0.2.1\",\"src_port\":68,"
              "\"dst_ip\":\"198.51.100.1\",\"dst_port\":67");
    holds(&f, "\"client_size\":301,\"server_size\":300");
    holds(&f, "\"feed\":{\"uid\":\"C1\",\"report\":\"zeek_conn\"}");
    holds(&f, "2009-11-18T08:00:22.500000Z");
    holds(&f, "\"protocol\":\"ssl\",\"transport\":\"tcp\",\"src_ip\":\"2001:db8::1\"");
    holds(&f, "\"feed\":{\"uid\":\"C2\",\"report\":\"zeek_conn\",\"service\":\"ssl,http\","
              "\"tunnel_parents\":\"a,b\"}");
    done(&f);
}

static void test_dns(void)
{
    struct found f = {0};
    all_in("#separator \\x7c\n#unset_field|NULL\n"
           "#fields|ts|id.orig_h|id.orig_p|id.resp_h|id.resp_p|proto|trans_id|query|qclass|"
           "qclass_name|qtype|qtype_name|rcode|RD\n"
           "1300475167.096535|192.0.2.1|1024|198.51.100.1|53|udp|39619|Example.\\x7c\\x5cx|1|"
           "C_INTERNET|28|AAAA|NULL|T\n"
           "1300475167.1|192.0.2.1|1024|198.51.100.1|53|udp|7|version.bind|3|C_CHAOS|16|TXT|0|F\n"
           "1300475167.2|192.0.2.1|1024|198.51.100.1|53|udp|8|x.example|1|C_INTERNET|1|A|0|NULL\n",
           3, &f);
    holds(&f, "\"time\":\"2011-03-18T19:06:07.096535Z\",\"kind\":\"dns\"");
    holds(&f,
          "\"dns\":{\"id\":39619,\"flags\":256,\"qname\":\"Example.|\\\\x\",\"qtype\":\"AAAA\"}");
    holds(&f, "\"feed\":{\"RD\":\"T\",\"qtype\":\"28\",\"qclass\":\"1\",\"report\":\"zeek_dns\"}");
    holds(&f, "\"role\":\"left\",\"dns\":{\"id\":7,\"qname\"");
    holds(&f, "\"role\":\"unjudged\",\"dns\":{\"id\":8,\"qname\"");
    holds(&f,
          "\"dns\":{\"id\":7,\"qname\":\"version.bind\",\"qtype\":\"TXT\",\"qclass\":\"C_CHAOS\"}");
    done(&f);
}

static void test_http_smtp(void)
{
    struct found f = {0};
    all_in(
        "#separator \\x09\n#path\thttp\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\t"
        "method\thost\turi\treferrer\tversion\tuser_agent\trequest_body_len\tstatus_code\n"
        "1300475168.5\t192.0.2.1\t1024\t198.51.100.1\t80\tPOST\th.example\t/a?b\thttp://r/\t1.1\t"
        "Agent\\x09X\t96\t200\n",
        1, &f);
    holds(&f, "\"protocol\":\"http\",\"transport\":\"tcp\"");
    holds(&f, "\"http\":{\"host\":\"h.example\",\"method\":\"POST\",\"target\":\"/a?b\","
              "\"referer\":\"http://r/\",\"version\":\"1.1\",\"body_size\":96,"
              "\"user_agent\":\"Agent\\tX\"}");
    holds(&f, "\"feed\":{\"report\":\"zeek_http\",\"status_code\":\"200\"}");

    all_in(
        "#separator \\x09\n#path\tsmtp\n#fields\tts\tid.orig_h\thelo\tmailfrom\trcptto\tsubject\n"
        "1300475168\t192.0.2.1\tmail.example\ta@x.example\tb@y.example,c\\x2cd@y.example\tHi\n"
        "1300475169\t192.0.2.1\tmail.example\t-\t-\t(empty)\n",
        2, &f);
    holds(&f, "\"smtp\":{\"helo\":\"mail.example\",\"rcpt_to\":[\"b@y.example\",\"c,d@y.example\"],"
              "\"subject\":\"Hi\",\"mail_from\":\"a@x.example\"}");
    holds(&f, "\"smtp\":{\"helo\":\"mail.example\"}");
    done(&f);
}

static void test_json(void)
{
    struct found f = {0};
    all_in(
        "{\"ts\":1300475167.096535,\"uid\":\"C1\",\"id.orig_h\":\"192.0.2.1\",\"id.orig_p\":1024,"
        "\"id.resp_h\":\"198.51.100.1\",\"id.resp_p\":53,\"proto\":\"udp\",\"trans_id\":7,"
        "\"query\":\"a\\u00e4\\ud83d\\ude00\\\"\\/\",\"AA\":false,\"answers\":[\"x\",1,null],"
        "\"TTLs\":[0.10,1e2],\"odd\":{\"a\":[1, {}]} }\r\n"
        "\n"
        "{\"ts\":\"2011-03-18T19:06:08.5Z\",\"id.orig_h\":\"192.0.2.1\",\"method\":\"GET\","
        "\"host\":\"h\"}\n"
        "{\"ts\":1300475169123,\"id.orig_h\":\"192.0.2.1\",\"rcptto\":[\"b@y\",\"c@y\"]}\n"
        "{\"ts\":1300475170,\"id.orig_h\":\"192.0.2.1\",\"_path\":\"conn\",\"service\":\"IRC\"}\n"
        "{\"ts\":1300475171,\"id.orig_h\":\"192.0.2.1\",\"rcptto\":\"d@y\"}",
        5, &f);
    holds(&f, "\"time\":\"2011-03-18T19:06:07.096535Z\",\"kind\":\"dns\"");
    holds(&f, "\"dns\":{\"id\":7,\"qname\":\"a\xc3\xa4\xf0\x9f\x98\x80\\\"/\"}");
    holds(&f, "\"feed\":{\"AA\":\"false\",\"odd\":\"{\\\"a\\\":[1, {}]}\",\"uid\":\"C1\","
              "\"TTLs\":\"0.10,1e2\",\"report\":\"zeek_dns\",\"answers\":\"x,1,\"}");
    holds(&f, "\"time\":\"2011-03-18T19:06:08.500000Z\",\"kind\":\"http\"");
    holds(&f, "\"time\":\"2011-03-18T19:06:09.123000Z\",\"kind\":\"smtp\"");
    holds(&f, "\"rcpt_to\":[\"b@y\",\"c@y\"]");
    holds(&f, "\"kind\":\"conn\",\"sensor\":\"s\",\"protocol\":\"irc\"");
    holds(&f, "\"rcpt_to\":[\"d@y\"]");
    done(&f);
}

static void test_json_rejects(void)
{
    static const char *const bad[] = {
        "{",
        "{\"ts\"",
        "{\"ts\":",
        "{\"ts\":1,}",
        "{,}",
        "{\"ts\":01}",
        "{\"ts\":1.}",
        "{\"ts\":1e}",
        "{\"ts\":-}",
        "{\"ts\":\"\\x\"}",
        "{\"ts\":\"\\u12\"}",
        "{\"ts\":\"\\ud800\"}",
        "{\"ts\":\"\\udc00\"}",
        "{\"ts\":\"\\ud800\\u0041\"}",
        "{\"ts\":\"a\tb\"}",
        "{\"ts\":tru}",
        "{\"ts\":[1,]}",
        "{\"ts\":[1 2]}",
        "{\"ts\":[}",
        "{\"ts\":{\"a\"}}",
        "{\"ts\":1} x",
        "{} {}",
        "{\"ts\":\"abc}",
        "{\"ts\":\"abc\\",
        "{\"ts\":nul",
        "{ts:1}",
        "{\"ts\":'1'}",
    };
    struct found f = {0};
    unsigned good = 0, n = sizeof bad / sizeof bad[0];
    for (unsigned i = 0; i < n; i++) {
        is_int(run(span_str(bad[i]), SOURCE_CHUNK, 1, &f), 0);
        good += strcmp((char *)f.rejects.p, "line 1 @0 no JSON object\n") == 0;
    }
    is_int(good, n);
    struct buf in = {0};
    buf_str(&in, "{\"ts\":1300475167,\"id.orig_h\":\"192.0.2.1\",\"query\":");
    for (int i = 0; i < 100000; i++)
        buf_byte(&in, '[');
    is_int(run(buf_as_span(&in), SOURCE_CHUNK, 1, &f), 0);
    is_str((char *)f.rejects.p, "line 1 @0 no JSON object\n");

    is_int(run(span_str("{\"ts\":1,\"ts\":2}\n"
                        "{\"ts\":1300475167,\"id.orig_h\":\"192.0.2.1\"}\n"
                        "{\"id.orig_h\":\"192.0.2.1\",\"query\":\"x\"}\n"
                        "{\"ts\":1300475167,\"query\":\"x\"}\n"
                        "{\"ts\":32503680000,\"id.orig_h\":\"192.0.2.1\",\"query\":\"x\"}\n"
                        "{\"ts\":1300475167,\"id.orig_h\":\"192.0.2\",\"query\":\"x\"}\n"
                        "{\"ts\":1300475167,\"id.orig_h\":\"192.0.2.1\",\"id.orig_p\":65536,"
                        "\"query\":\"x\"}\n"
                        "{\"\":1,\"query\":\"x\"}\n"
                        "{\"ts\":1300475167,\"id.orig_h\":\"192.0.2.1\",\"query\":\"x\"}\n"),
               3, 1, &f),
           0);
    is_str((char *)f.rejects.p, "line 1 @0 two fields of one name\n"
                                "line 2 @16 of no conn, dns, http or smtp log\n"
                                "line 3 @58 no ts\n"
                                "line 4 @96 no id.orig_h\n"
                                "line 5 @126 ts is no time between 1990 and 2100\n"
                                "line 6 @181 id.orig_h is no address\n"
                                "line 7 @233 id.orig_p is no port\n"
                                "line 8 @305 a field without usable name\n");
    is_int(f.n, 1);
    is_int(f.counts.records, 9);
    holds(&f, "{\"index\":9,");
    buf_free(&in);
    done(&f);
}

static void test_tsv_rejects(void)
{
    struct found f = {0};
    struct buf in = {0};
    buf_str(&in, "1300475167\tstray\n" CONN_HEAD);
    size_t at[5]; /* where the bad lines begin */
    at[0] = in.n;
    buf_str(&in, "1300475167\tC\t192.0.2.1\n");
    at[1] = in.n;
    buf_str(&in, "1300475167\tC\t192.0.2.1\t1\t192.0.2.2\t2\ttcp\t-\tmany\t-\t-\n");
    buf_str(&in, "1300475167\tC\t192.0.2.1\t1\t192.0.2.2\t2\tgre\t-\t-\t-\t-\n");
    buf_str(&in, "#path\tssl\n#fields\tts\tuid\n");
    at[2] = in.n;
    buf_str(&in, "1300475167\tC\n#path\tdns\n#fields\tts\tid.orig_h\tquery\n");
    at[3] = in.n;
    buf_str(&in, "1300475167\t192.0.2.1\tx\n" CONN_HEAD);
    at[4] = in.n;
    buf_put(&in, "13\0\t\n", 5);
    buf_str(&in, "1300475168\tC\t192.0.2.1\t1\t192.0.2.2\t2\ttcp\t-\t-\t-\t-");
    is_int(run(buf_as_span(&in), SOURCE_CHUNK, 1, &f), 0);
    is_int(f.n, 2);
    is_int(f.counts.records, 8);
    is_int(f.counts.rejected, 6);
    holds(&f, "\"transport\":null");
    holds(&f, "\"proto\":\"gre\"");
    char want[1024];
    snprintf(want, sizeof want,
             "line 1 @0 no #fields line above\n"
             "line 10 @%zu 3 cells, #fields has 11\n"
             "line 11 @%zu orig_bytes is no number\n"
             "line 15 @%zu of another log than the file's first\n"
             "line 18 @%zu of another log than the file's first\n"
             "line 27 @%zu a NUL byte\n",
             at[0], at[1], at[2], at[3], at[4]);
    is_str((char *)f.rejects.p, want);

    is_int(run(buf_as_span(&in), 1, 8, &f), 0);
    is_int(f.n, 1);
    f.stop = -EDQUOT;
    is_int(run(buf_as_span(&in), 7, 1, &f), -EDQUOT);
    buf_free(&in);
    done(&f);
}

static void refused(const char *text, const char *why)
{
    struct found f = {0};
    is_int(run(span_str(text), SOURCE_CHUNK, 1, &f), -EINVAL);
    is_str(f.err.text, why);
    done(&f);
}

static void test_refused(void)
{
    struct found f = {0};
    refused("", "memory: no log line");
    refused("\n\n", "memory: no log line");
    refused("#separator \\x09\n#path\tssl\n#fields\tts\n",
            "memory: #path ssl: only conn, dns, http and smtp logs are read (line 2)");
    refused("#separator \\x09\n#fields\tts\tuid\n",
            "memory: #fields of another log: only conn, dns, http and smtp logs are read (line 2)");
    refused("#separator \\x09\\x09\n", "memory: #separator is no single character (line 1)");
    all_in(CONN_HEAD "#close\t2014\n", 0, &f);
    done(&f);
}

/* However the bytes come in, the same comes out; and lines at the bound. */
static void test_chunks(void)
{
    static const size_t chunk[] = {1, 2, 7, 64, 4095, 4096, 4097};
    struct found whole = {0}, f = {0};
    struct buf in = {0};
    int good = 1;
    buf_str(&in, CONN_HEAD);
    for (unsigned i = 0; i < 300; i++)
        buf_printf(&in, "13004751%02u.%u\tC\t192.0.2.%u\t%u\t192.0.2.2\t2\ttcp\t\\x4%u\t-\t%s%s",
                   i % 100, i, i, i * 300, i % 10, i % 9 ? "-\t-" : "-", i % 2 ? "\n" : "\r\n");
    is_int(run(buf_as_span(&in), SOURCE_CHUNK, 1, &whole), 0);
    ok(whole.counts.rejected > 20 && whole.n > 100);
    for (unsigned i = 0; i < sizeof chunk / sizeof chunk[0]; i++)
        good &= run(buf_as_span(&in), chunk[i], 1, &f) == 0 &&
                span_eq(buf_as_span(&f.events), buf_as_span(&whole.events)) &&
                span_eq(buf_as_span(&f.rejects), buf_as_span(&whole.rejects));
    ok(good, "the same events and rejects however the bytes come in");

    static const size_t size[] = {LINES_MAX - 1, LINES_MAX, 10u << 20};
    for (unsigned i = 0; i < 3; i++) {
        in.n = 0;
        buf_str(&in, "a\n");
        memset(buf_reserve(&in, size[i]), 'x', size[i]);
        in.n += size[i];
        buf_str(&in, "\nb");
        for (unsigned k = 0; k < 2; k++) {
            struct source *s;
            struct line line;
            source_open_memory(buf_as_span(&in), "memory", &s, NULL);
            source_set_chunk(s, k ? SOURCE_CHUNK : 5000);
            struct lines *l = lines_open(s);
            ok(lines_next(l, &line, NULL) == LINES_LINE && span_is(line.text, "a"));
            is_int(lines_next(l, &line, NULL), i == 0 ? LINES_LINE : LINES_TOO_LONG);
            is_int(line.number, 2);
            ok(lines_next(l, &line, NULL) == LINES_LINE && span_is(line.text, "b"));
            is_int(line.number, 3);
            is_int(line.offset, 2 + size[i] + 1);
            is_int(lines_next(l, &line, NULL), LINES_END);
            lines_close(l);
            source_close(s);
        }
    }
    buf_free(&in);
    done(&f);
    done(&whole);
}

static void test_probe(void)
{
    is_int(import_zeek.probe(span_str("#separator \\x09\n")), 100);
    is_int(import_zeek.probe(span_str("\n#fields\tts\n")), 90);
    is_int(import_zeek.probe(span_str("{\"ts\":1,\"uid\":\"C\"")), 90);
    is_int(import_zeek.probe(span_str("{\"ts\":1,\"id.orig_h\":\"C\"")), 90);
    is_int(import_zeek.probe(span_str("{\"ts\":1}")), 0);
    is_int(import_zeek.probe(span_str("timestamp,src_ip\n")), 0);
    is_int(import_zeek.probe(span_str("")), 0);
    ok(import_format_named("zeek") == &import_zeek);
    ok(import_format_named("nothing") == NULL);
    ok(import_format_detect(span_str("#separator \\x09\n")) == &import_zeek);
    ok(import_format_detect(span_str("hello\n")) == NULL);
}

int main(void)
{
    test_conn();
    test_dns();
    test_http_smtp();
    test_json();
    test_json_rejects();
    test_tsv_rejects();
    test_refused();
    test_chunks();
    test_probe();
    return tap_done();
}
