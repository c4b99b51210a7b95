/* The shipped rules on real captures: what must be found in those of bots, and nothing in ordinary
 * traffic. Reads Ethernet captures by itself, a TCP segment at a time, as these rules' layer has no
 * importer below it; the integration tests run the whole way. */
#include <sys/stat.h>

#include "base/file.h"
#include "base/tap.h"
#include "event/classify.h"

#define CAPTURE_MAX (16u << 20)

static char data[FILE_PATH_MAX];

/* What was found in one capture. */
struct tally {
    struct classify *c;
    size_t events, families;
    char family[64], rule[64], bot_id[64]; /* of the last that had one */
    struct buf client, server;             /* of all connections, first bytes */
    uint16_t server_port; /* of the connections of interest; 0: look at HTTP requests */
};

static void classify_one(struct tally *t, struct event *ev)
{
    classify_event(t->c, ev);
    t->events++;
    if (!ev->family.n)
        return;
    t->families++;
    snprintf(t->family, sizeof t->family, "%.*s", (int)ev->family.n, ev->family.p);
    snprintf(t->rule, sizeof t->rule, "%.*s", (int)ev->family_source.n, ev->family_source.p);
    snprintf(t->bot_id, sizeof t->bot_id, "%.*s", (int)ev->bot_id.n,
             ev->bot_id.n ? (const char *)ev->bot_id.p : "");
}

static struct span field(struct span line, const char *name)
{
    size_t n = strlen(name);
    return line.n >= n && strncasecmp((const char *)line.p, name, n) == 0
               ? span_of(line.p + n, line.n - n)
               : span_of(NULL, 0);
}

/* One request, its head whole in one segment. */
static void request(struct tally *t, struct span head, struct span body)
{
    struct event ev = {.kind = KIND_HTTP,
                       .protocol = span_str("http"),
                       .transport = span_str("tcp"),
                       .dst_port = 80};
    const uint8_t *end = memchr(head.p, '\r', head.n);
    struct span line = span_of(head.p, (size_t)(end - head.p));
    const uint8_t *one = memchr(line.p, ' ', line.n), *two = memrchr(line.p, ' ', line.n);
    if (!one || one == two)
        return;
    ev.http.has = true;
    ev.http.method = span_of(line.p, (size_t)(one - line.p));
    ev.http.target = span_of(one + 1, (size_t)(two - one - 1));
    ev.http.version = field(span_of(two + 1, (size_t)(end - two - 1)), "HTTP/");
    ev.http.headers = span_of(end + 2, head.n - line.n - 4);
    ev.http.body = span_of(body.p, body.n < HTTP_BODY_KEEP ? body.n : HTTP_BODY_KEEP);
    ev.http.body_size = body.n;
    struct span rest = ev.http.headers;
    while ((end = rest.n ? memchr(rest.p, '\r', rest.n) : NULL)) {
        line = span_of(rest.p, (size_t)(end - rest.p));
        struct span host = field(line, "Host: "), agent = field(line, "User-Agent: "),
                    referer = field(line, "Referer: ");
        ev.http.host = host.n ? host : ev.http.host;
        ev.http.user_agent = agent.n ? agent : ev.http.user_agent;
        ev.http.referer = referer.n ? referer : ev.http.referer;
        rest = rest.n >= line.n + 2 ? span_of(end + 2, rest.n - line.n - 2) : span_of(NULL, 0);
    }
    classify_one(t, &ev);
}

static void segment(struct tally *t, uint16_t from, uint16_t to, struct span payload)
{
    if (t->server_port) {
        struct buf *side = to == t->server_port ? &t->client : &t->server;
        if (to == t->server_port || from == t->server_port)
            buf_span(side, payload);
        return;
    }
    while (payload.n > 4 &&
           (memcmp(payload.p, "GET ", 4) == 0 || memcmp(payload.p, "POST", 4) == 0)) {
        const uint8_t *end = memmem(payload.p, payload.n, "\r\n\r\n", 4);
        if (!end)
            return;
        size_t n = (size_t)(end + 4 - payload.p);
        struct span rest = span_of(payload.p + n, payload.n - n);
        request(t, span_of(payload.p, n), rest);
        payload = rest;
    }
}

static void packet(struct tally *t, struct span p)
{
    size_t header, total; /* of the IP header, and with what it carries */
    const uint8_t *ip = p.p + 14;
    if (p.n >= 34 && be16_get(p.p + 12) == 0x0800 && ip[9] == 6) {
        header = (size_t)(ip[0] & 15) * 4;
        total = be16_get(ip + 2);
    } else if (p.n >= 54 && be16_get(p.p + 12) == 0x86dd && ip[6] == 6) {
        header = 40;
        total = 40 + (size_t)be16_get(ip + 4);
    } else {
        return;
    }
    if (14 + total > p.n || total < header + 20)
        return;
    const uint8_t *tcp = ip + header;
    size_t offset = (size_t)(tcp[12] >> 4) * 4;
    if (header + offset <= total)
        segment(t, be16_get(tcp), be16_get(tcp + 2),
                span_of(tcp + offset, total - header - offset));
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool read_capture(struct tally *t, const char *name)
{
    char command[2 * FILE_PATH_MAX];
    bool gz = strstr(name, ".gz") != NULL;
    snprintf(command, sizeof command, "%s '%s/pcap/%s'", gz ? "gzip -dc" : "cat", data, name);
    FILE *f = popen(command, "r");
    struct buf b = {0};
    size_t n;
    while (f && b.n < CAPTURE_MAX && (n = fread(buf_reserve(&b, 65536), 1, 65536, f)) > 0)
        b.n += n;
    bool good = f && pclose(f) == 0 && b.n > 24 && le32(b.p) == 0xa1b2c3d4;
    for (size_t at = 24; good && at + 16 <= b.n;) {
        uint32_t len = le32(b.p + at + 8);
        if (len > b.n - at - 16)
            break;
        packet(t, span_of(b.p + at + 16, len));
        at += 16 + len;
    }
    buf_free(&b);
    return good;
}

static void forget(struct tally *t)
{
    buf_free(&t->client);
    buf_free(&t->server);
    *t = (struct tally){.c = t->c};
}

static void test_ordinary_http(struct tally *t, const char *name, size_t at_least)
{
    ok(read_capture(t, name) && t->events >= at_least, "requests are read");
    printf("# %s: %zu requests\n", name, t->events);
    ok(t->families == 0, "ordinary requests have no family");
    if (t->families)
        printf("# last: %s by %s\n", t->family, t->rule);
    forget(t);
}

static void test_checkin(struct tally *t)
{
    ok(read_capture(t, "suricata-http-checkin-instid.pcap"), "a check-in with InstID");
    ok(t->events >= 1 && t->families == t->events, "it and its retransmissions");
    is_str(t->family, "btgrab");
    is_str(t->rule, "btgrab_checkin");
    is_int(strlen(t->bot_id), 36);
    forget(t);
}

static void test_irc(struct tally *t)
{
    t->server_port = 6667;
    ok(read_capture(t, "suricata-irc-botnet-2004.pcap"), "an IRC botnet");
    struct event ev = {.kind = KIND_RAW, .dst_port = 6667};
    ev.raw.has = true;
    ev.raw.client = span_of(t->client.p, t->client.n < 1024 ? t->client.n : 1024);
    ev.raw.server = span_of(t->server.p, t->server.n < 1024 ? t->server.n : 1024);
    classify_one(t, &ev);
    is_str(t->family, "irc-bot");
    is_str(t->rule, "irc_bot_report");
    ev.raw.client = span_of(NULL, 0); /* the server's side alone, all of it: the topics */
    ev.raw.server = buf_as_span(&t->server);
    classify_one(t, &ev);
    is_str(t->rule, "irc_bot_command");
    ev.raw.client = span_of(t->client.p, 100); /* the login alone */
    ev.raw.server = span_of(NULL, 0);
    classify_one(t, &ev);
    is_str(t->rule, "irc_bot_nick");
    is_int(t->families, 3);
    forget(t);
}

static void test_smtp(struct tally *t)
{
    t->server_port = 25;
    ok(read_capture(t, "zeek-smtp.pcap") && t->client.n > 0, "mail");
    struct event ev = {.kind = KIND_SMTP, .dst_port = 25};
    ev.smtp.has = true;
    ev.smtp.dialogue = buf_as_span(&t->client);
    classify_one(t, &ev);
    ev = (struct event){.kind = KIND_RAW, .dst_port = 25};
    ev.raw.has = true;
    ev.raw.client = buf_as_span(&t->client);
    ev.raw.server = buf_as_span(&t->server);
    classify_one(t, &ev);
    ok(t->families == 0, "mail has no family");
    forget(t);
}

int main(void)
{
    const char *root = getenv("EBB_SOURCE_ROOT"), *shared = getenv("EBB_SHARED_DATA");
    char rules[FILE_PATH_MAX];
    struct tally t = {0};
    struct err err = {0};
    struct stat st;
    root = root ? root : ".";
    snprintf(rules, sizeof rules, "%s/rules", root);
    if (shared)
        snprintf(data, sizeof data, "%s", shared);
    else
        snprintf(data, sizeof data, "%s/../shared/data", root);
    if (stat(data, &st) < 0) {
        tap_skip("rules on captures", "no shared data here");
        return tap_done();
    }
    if (!is_int(classify_open(rules, &t.c, &err), 0)) {
        printf("# %s\n", err.text);
        return tap_done();
    }
    test_checkin(&t);
    test_irc(&t);
    test_smtp(&t);
    test_ordinary_http(&t, "zeek-1000-requests-one-dropped-response.pcap.gz", 1000);
    test_ordinary_http(&t, "zeek-pipelined-requests.pcap", 5);
    test_ordinary_http(&t, "zeek-smuggle-http-request.pcap", 1);
    classify_close(t.c);
    return tap_done();
}
