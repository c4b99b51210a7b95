#include "event/event.h"

#include "base/cbor.h"
#include "base/tap.h"
#include "event/act.h"

/* Each group's keys are in deterministic CBOR order, or the encoder would write bad maps. */
static void test_order(void)
{
    static const char *const event_keys[] = {
#define EVENT_FIELD(type, m, key) key,
#include "event/kinds.def"
    };
    static const char *const dns_keys[] = {
#define DNS_FIELD(type, m, key) key,
#include "event/kinds.def"
    };
    static const char *const http_keys[] = {
#define HTTP_FIELD(type, m, key) key,
#include "event/kinds.def"
    };
    static const char *const smtp_keys[] = {
#define SMTP_FIELD(type, m, key) key,
#include "event/kinds.def"
    };
    static const char *const raw_keys[] = {
#define RAW_FIELD(type, m, key) key,
#include "event/kinds.def"
    };
    static const char *const tls_keys[] = {
#define TLS_FIELD(type, m, key) key,
#include "event/kinds.def"
    };
    const struct {
        const char *const *keys;
        size_t n;
    } groups[] = {
        {event_keys, sizeof event_keys / sizeof *event_keys},
        {dns_keys, sizeof dns_keys / sizeof *dns_keys},
        {http_keys, sizeof http_keys / sizeof *http_keys},
        {smtp_keys, sizeof smtp_keys / sizeof *smtp_keys},
        {raw_keys, sizeof raw_keys / sizeof *raw_keys},
        {tls_keys, sizeof tls_keys / sizeof *tls_keys},
    };
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (size_t i = 1; i < groups[g].n; i++)
            if (!ok(cbor_key_cmp(span_str(groups[g].keys[i - 1]), span_str(groups[g].keys[i])) < 0))
                printf("# %s before %s\n", groups[g].keys[i - 1], groups[g].keys[i]);
}

static struct event sample(void)
{
    static const struct span rcpt[] = {{(const uint8_t *)"a@example.org", 13},
                                       {(const uint8_t *)"b@example.org", 13}};
    static const struct feed_cell cells[] = {
        {{(const uint8_t *)"tag", 3}, {(const uint8_t *)"c2", 2}},
        {{(const uint8_t *)"report", 6}, {(const uint8_t *)"sinkhole_http", 13}}};
    struct event ev = {.kind = KIND_FEED, .time = 1300266000000000, .asn = 64500, .import = 4,
                       .record = 7, .src_port = 1025, .dst_port = 80, .confidence = 80};
    ip_parse(span_str("192.0.2.7"), &ev.src_ip);
    ip_parse(span_str("2001:db8::1"), &ev.dst_ip);
    net_parse(span_str("192.0.2.0/24"), &ev.network);
    ev.role = span_str("unjudged");
    ev.country = span_str("DE");
    ev.protocol = span_str("http");
    ev.family = span_str("rustock");
    ev.http.has = true;
    ev.http.method = span_str("POST");
    ev.http.target = span_str("/data.php");
    ev.http.body = span_of("\x00\xff\x01", 3);
    ev.http.user_agent = span_of("bad\xff utf8", 9);
    ev.smtp.has = true;
    ev.smtp.rcpt_to = (struct span_list){rcpt, 2};
    ev.feed.has = true;
    ev.feed.cells = cells;
    ev.feed.n = 2;
    return ev;
}

static void test_round_trip(void)
{
    struct event ev = sample(), back;
    struct buf once = {0}, twice = {0};
    struct arena arena;
    arena_init(&arena);
    event_encode(&ev, &once);
    ok(cbor_valid(buf_as_span(&once)), "the payload is deterministic CBOR");
    is_int(event_decode(buf_as_span(&once), &arena, &back), 0);
    ok(memcmp(&back.src_ip, &ev.src_ip, 16) == 0 && memcmp(&back.dst_ip, &ev.dst_ip, 16) == 0);
    is_int(back.asn, 64500);
    is_int(back.record, 7);
    is_int(back.network.bits, 24);
    ok(span_eq(back.http.body, ev.http.body));
    ok(span_eq(back.http.user_agent, ev.http.user_agent), "text that is not UTF-8 keeps its bytes");
    is_int(back.smtp.rcpt_to.n, 2);
    ok(span_is(back.feed.cells[1].value, "sinkhole_http"));
    event_encode(&back, &twice);
    ok(span_eq(buf_as_span(&once), buf_as_span(&twice)), "encode(decode(x)) is x");

    for (size_t n = 0; n < once.n; n++)
        if (event_decode(span_of(once.p, n), &arena, &back) == 0)
            ok(false, "a cut payload is malformed");
    buf_free(&once);
    buf_free(&twice);
    arena_free(&arena);
}

static void test_json(void)
{
    struct event ev = sample();
    struct buf out = {0};
    struct json j = json_to(&out);
    event_json(&ev, 12, "import", &j);
    buf_byte(&out, 0);
    is_str((char *)out.p,
           "{\"index\":12,\"time\":\"2011-03-16T09:00:00.000000Z\",\"kind\":\"feed\",\"sensor\":"
           "\"import\",\"protocol\":\"http\",\"transport\":null,\"src_ip\":\"192.0.2.7\",\"src_port\":"
           "1025,\"dst_ip\":\"2001:db8::1\",\"dst_port\":80,\"asn\":64500,\"as_name\":null,"
           "\"country\":\"DE\",\"network\":\"192.0.2.0/24\",\"family\":\"rustock\",\"family_source\":"
           "null,\"confidence\":80,\"bot_id\":null,\"role\":\"unjudged\",\"import\":4,\"record\":7,"
           "\"http\":{\"body_hex\":\"00ff01\",\"method\":\"POST\",\"target\":\"/data.php\","
           "\"user_agent\":\"bad\xef\xbf\xbd utf8\"},\"smtp\":{\"rcpt_to\":[\"a@example.org\","
           "\"b@example.org\"]},\"feed\":{\"tag\":\"c2\",\"report\":\"sinkhole_http\"}}");
    buf_free(&out);
}

static void test_acts(void)
{
    struct buf out = {0};
    uint8_t digest[SHA256_LEN] = {1, 2, 3};
    struct act_import_begun begun = {span_str("a.csv"), span_str("shadowserver"),
                                     span_of(digest, sizeof digest), 1234, true}, b;
    act_import_begun(&out, &begun);
    ok(cbor_valid(buf_as_span(&out)));
    is_int(act_import_begun_read(buf_as_span(&out), &b), 0);
    ok(span_is(b.file, "a.csv") && span_is(b.format, "shadowserver") && b.size == 1234 && b.kept);
    ok(span_eq(b.sha256, begun.sha256));
    out.n = 0;
    struct act_import_done done = {4, 10, 8, 2}, d;
    act_import_done(&out, &done);
    ok(cbor_valid(buf_as_span(&out)));
    is_int(act_import_done_read(buf_as_span(&out), &d), 0);
    ok(d.import == 4 && d.records == 10 && d.events == 8 && d.rejected == 2);
    out.n = 0;
    struct act_enrichment e = {span_str("location.db"), span_str("2022-10-29T00:00:00Z"),
                               span_of(digest, sizeof digest)}, f;
    act_enrichment(&out, &e);
    ok(cbor_valid(buf_as_span(&out)));
    is_int(act_enrichment_read(buf_as_span(&out), &f), 0);
    ok(span_is(f.name, "location.db"));
    out.n = 0;
    act_ruleset(&out, 5, digest);
    ok(cbor_valid(buf_as_span(&out)));
    out.n = 0;
    act_case_opened(&out, "example.org/case", "0.1");
    ok(cbor_valid(buf_as_span(&out)));
    is_int(act_sensor_read(span_of("", 0), &e.name), -1);
    buf_free(&out);
}

/* Written as it should be, read back as it was, also when cut; an erased payload is none. */
#define READS_BACK(out, name, into)                                                                \
    ({                                                                                             \
        bool good = cbor_valid(buf_as_span(out)) && name##_read(span_of(NULL, 0), into) == -1;     \
        for (size_t n = 0; n < (out)->n; n++)                                                      \
            (void)name##_read(span_of((out)->p, n), into);                                         \
        good && name##_read(buf_as_span(out), into) == 0;                                          \
    })

static void test_authority_acts(void)
{
    uint8_t digest[SHA256_LEN] = {9, 8, 7};
    struct span sha = span_of(digest, sizeof digest);
    struct buf out = {0};
    struct act_order o = {span_str("one"), span_str("court"), span_str("docket"), span_str("US"),
                          span_str("order.pdf"), sha, -5, ACT_FOREVER, span_str("scope"),
                          span_str("help"), span_str("note")}, p;
    act_order(&out, &o);
    ok(READS_BACK(&out, act_order, &p), "an order");
    ok(span_is(p.id, "one") && span_is(p.court, "court") && span_is(p.docket, "docket") &&
       span_is(p.jurisdiction, "US") && span_is(p.document, "order.pdf") && span_eq(p.sha256, sha) &&
       span_is(p.scope, "scope") && span_is(p.contact, "help") && span_is(p.note, "note"));
    ok(p.from == -5 && p.until == ACT_FOREVER);
    out.n = 0;
    act_order(&out, &(struct act_order){.court = span_str("court")});
    is_int(act_order_read(buf_as_span(&out), &p), -1);
    out.n = 0;
    struct act_order_closed c = {7, span_str("one"), span_str("lifted"), 99}, d;
    act_order_closed(&out, &c);
    ok(READS_BACK(&out, act_order_closed, &d) && d.order == 7 && d.when == 99 &&
       span_is(d.id, "one") && span_is(d.why, "lifted"), "its closing");
    out.n = 0;
    struct act_asset a = {7, ASSET_ADDRESS, span_str("192.0.2.1"), 25, span_str("tcp"),
                          span_str("rustock"), span_str("quiet"), true, 1, 2, 3, span_str("R"),
                          span_str("n")}, b;
    act_asset(&out, &a);
    ok(READS_BACK(&out, act_asset, &b), "an asset");
    ok(b.order == 7 && b.kind == ASSET_ADDRESS && span_is(b.name, "192.0.2.1") && b.port == 25 &&
       span_is(b.transport, "tcp") && span_is(b.family, "rustock") && span_is(b.policy, "quiet") &&
       b.identify && b.from == 1 && b.until == 2 && b.registered_until == 3 &&
       span_is(b.registrar, "R") && span_is(b.note, "n"));
    out.n = 0;
    struct act_asset_list l = {7, span_str("days.csv"), sha, span_str("f"), span_str("p"), false, 1,
                               2, span_str("R"), 10, 3, span_str("n")}, m;
    act_asset_list(&out, &l);
    ok(READS_BACK(&out, act_asset_list, &m), "a list");
    ok(m.order == 7 && span_is(m.file, "days.csv") && span_eq(m.sha256, sha) && !m.identify &&
       m.from == 1 && m.until == 2 && m.rows == 10 && m.rejected == 3 && span_is(m.registrar, "R") &&
       span_is(m.family, "f") && span_is(m.policy, "p") && span_is(m.note, "n"));
    out.n = 0;
    struct act_asset_released r = {8, span_str("a.example"), span_str("why"), 4}, s;
    act_asset_released(&out, &r);
    ok(READS_BACK(&out, act_asset_released, &s) && s.asset == 8 && s.when == 4 &&
       span_is(s.name, "a.example") && span_is(s.why, "why"), "a release");
    out.n = 0;
    struct act_gap g = {span_str("ring full"), span_str("s1"), 1, 2, 3, span_str("192.0.2.1")}, h;
    act_gap(&out, &g);
    ok(READS_BACK(&out, act_gap, &h) && span_is(h.what, "ring full") && span_is(h.sensor, "s1") &&
       h.since == 1 && h.until == 2 && h.count == 3 && span_is(h.source, "192.0.2.1"), "a gap");
    out.n = 0;
    struct act_serve v = {span_str("started"), span_str("name: x"), span_str("0.1")}, w;
    act_serve(&out, &v);
    ok(READS_BACK(&out, act_serve, &w) && span_is(w.phase, "started") &&
       span_is(w.config, "name: x") && span_is(w.version, "0.1"), "serve");
    buf_free(&out);
}

int main(void)
{
    test_order();
    test_round_trip();
    test_json();
    test_acts();
    test_authority_acts();
    is_str(event_kind_name(KIND_FEED), "feed");
    ok(event_kind_name(200) == NULL && !event_kind_is_event(KIND_SENSOR) &&
       event_kind_is_event(KIND_CONN));
    return tap_done();
}
