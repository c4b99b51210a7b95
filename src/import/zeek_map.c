/* Which fields of Zeek's logs have a place in an event. All others, and those whose value does not
 * fit it, stay in feed{} under Zeek's name, with feed{report} saying which log it was. Names and
 * meaning: the Conn::Info, DNS::Info, HTTP::Info and SMTP::Info records of Zeek's documentation. */
#include "base/cbor.h"
#include "base/utc.h"
#include "import/zeek.h"
#include "wire/text.h"

#define RECORD_MAX         LINES_MAX      /* names and values: what fits into a log entry */
#define DNS_FLAG_RD        0x0100         /* RFC 1035, 4.1.1 */
#define MILLISECONDS_ABOVE 100000000000ll /* a ts beyond this (year 5138) counts milliseconds */

static const struct {
    const char *name;
    enum zeek_target target;
    enum zeek_log log; /* ZEEK_NONE: every log */
} targets[] = {
    {"ts", ZEEK_TS, ZEEK_NONE},
    {"id.orig_h", ZEEK_ORIG_H, ZEEK_NONE},
    {"id.orig_p", ZEEK_ORIG_P, ZEEK_NONE},
    {"id.resp_h", ZEEK_RESP_H, ZEEK_NONE},
    {"id.resp_p", ZEEK_RESP_P, ZEEK_NONE},
    {"proto", ZEEK_PROTO, ZEEK_NONE},
    {"service", ZEEK_SERVICE, ZEEK_CONN},
    {"orig_bytes", ZEEK_ORIG_BYTES, ZEEK_CONN},
    {"resp_bytes", ZEEK_RESP_BYTES, ZEEK_CONN},
    {"trans_id", ZEEK_TRANS_ID, ZEEK_DNS},
    {"RD", ZEEK_RD, ZEEK_DNS},
    {"query", ZEEK_QUERY, ZEEK_DNS},
    {"qclass_name", ZEEK_QCLASS_NAME, ZEEK_DNS},
    {"qtype_name", ZEEK_QTYPE_NAME, ZEEK_DNS},
    {"method", ZEEK_METHOD, ZEEK_HTTP},
    {"host", ZEEK_HOST, ZEEK_HTTP},
    {"uri", ZEEK_URI, ZEEK_HTTP},
    {"referrer", ZEEK_REFERRER, ZEEK_HTTP},
    {"version", ZEEK_VERSION, ZEEK_HTTP},
    {"user_agent", ZEEK_USER_AGENT, ZEEK_HTTP},
    {"request_body_len", ZEEK_BODY_LEN, ZEEK_HTTP},
    {"helo", ZEEK_HELO, ZEEK_SMTP},
    {"mailfrom", ZEEK_MAILFROM, ZEEK_SMTP},
    {"rcptto", ZEEK_RCPTTO, ZEEK_SMTP},
    {"subject", ZEEK_SUBJECT, ZEEK_SMTP},
};

/* Fields that only one of the four logs has. */
static const struct {
    const char *name;
    enum zeek_log log;
} marks[] = {
    {"conn_state", ZEEK_CONN},  {"history", ZEEK_CONN},      {"orig_pkts", ZEEK_CONN},
    {"resp_pkts", ZEEK_CONN},   {"missed_bytes", ZEEK_CONN}, {"query", ZEEK_DNS},
    {"qtype", ZEEK_DNS},        {"qtype_name", ZEEK_DNS},    {"trans_id", ZEEK_DNS},
    {"rcode", ZEEK_DNS},        {"method", ZEEK_HTTP},       {"uri", ZEEK_HTTP},
    {"status_code", ZEEK_HTTP}, {"host", ZEEK_HTTP},         {"request_body_len", ZEEK_HTTP},
    {"helo", ZEEK_SMTP},        {"mailfrom", ZEEK_SMTP},     {"rcptto", ZEEK_SMTP},
    {"last_reply", ZEEK_SMTP},
};

static const char *const log_names[] = {"", "conn", "dns", "http", "smtp"};
static const char *const report_names[] = {"", "zeek_conn", "zeek_dns", "zeek_http", "zeek_smtp"};

enum zeek_log zeek_log_named(struct span name)
{
    for (enum zeek_log log = ZEEK_CONN; log <= ZEEK_SMTP; log++)
        if (span_is(name, log_names[log]))
            return log;
    return ZEEK_NONE;
}

enum zeek_log zeek_log_of_field(struct span name)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (span_is(name, marks[i].name))
            return marks[i].log;
    return ZEEK_NONE;
}

enum zeek_target zeek_target_of(enum zeek_log log, struct span name)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if ((targets[i].log == ZEEK_NONE || targets[i].log == log) &&
            span_is(name, targets[i].name))
            return targets[i].target;
    return ZEEK_FEED;
}

static bool number_parse(struct span s, uint64_t max, uint64_t *out)
{
    *out = 0;
    return s.n <= 19 && (!s.n || text_number(s, out)) && *out <= max;
}

/* Seconds since 1970 with a fraction, milliseconds (an option of Zeek's JSON), or a date. */
static bool time_parse(struct span s, int64_t *out)
{
    const uint8_t *point = s.n ? memchr(s.p, '.', s.n) : NULL;
    size_t whole = point ? (size_t)(point - s.p) : s.n;
    uint64_t seconds, unit = 100000, us = 0;
    if (whole && number_parse(span_of(s.p, whole), 9000000000000ull, &seconds)) {
        for (size_t i = whole + 1; i < s.n; i++, unit /= 10) {
            if (s.p[i] < '0' || s.p[i] > '9')
                return false;
            us += (s.p[i] - (uint64_t)'0') * unit;
        }
        *out = seconds > MILLISECONDS_ABOVE ? (int64_t)(seconds * 1000 + us / 1000)
                                            : (int64_t)(seconds * 1000000 + us);
    } else if (!utc_parse(s, out)) {
        return false;
    }
    return *out >= UTC_EVENT_MIN && *out < UTC_EVENT_MAX;
}

static struct span transport_of(struct span s)
{
    static const char *const known[] = {"tcp", "udp", "icmp"};
    for (unsigned i = 0; i < 3; i++)
        if (span_is(s, known[i]))
            return span_str(known[i]);
    return span_of(NULL, 0);
}

/* Puts one field in its place. 1 done; 0 it stays in feed{}; -1 the record cannot be taken. */
static int put(struct event *ev, const struct zeek_field *f)
{
    struct span v = f->value;
    switch (f->target) {
    case ZEEK_TS:
        return time_parse(v, &ev->time) ? 1 : -1;
    case ZEEK_ORIG_H:
        return ip_parse(v, &ev->src_ip) ? 1 : -1;
    case ZEEK_RESP_H:
        return ip_parse(v, &ev->dst_ip) ? 1 : -1;
    case ZEEK_ORIG_P:
        return number_parse(v, 65535, &ev->src_port) ? 1 : -1;
    case ZEEK_RESP_P:
        return number_parse(v, 65535, &ev->dst_port) ? 1 : -1;
    case ZEEK_PROTO:
        ev->transport = transport_of(v);
        return ev->transport.n != 0;
    case ZEEK_ORIG_BYTES:
        return number_parse(v, UINT64_MAX, &ev->raw.client_size) ? 1 : -1;
    case ZEEK_RESP_BYTES:
        return number_parse(v, UINT64_MAX, &ev->raw.server_size) ? 1 : -1;
    case ZEEK_TRANS_ID:
        return number_parse(v, 65535, &ev->dns.id) ? 1 : -1;
    case ZEEK_BODY_LEN:
        return number_parse(v, UINT64_MAX, &ev->http.body_size) ? 1 : -1;
    case ZEEK_QUERY:
        ev->dns.qname = v;
        return 1;
    case ZEEK_QTYPE_NAME:
        ev->dns.qtype = v;
        return 1;
    case ZEEK_QCLASS_NAME:
        if (!span_is(v, "C_INTERNET"))
            ev->dns.qclass = v;
        return 1;
    case ZEEK_METHOD:
        ev->http.method = v;
        return 1;
    case ZEEK_HOST:
        ev->http.host = v;
        return 1;
    case ZEEK_URI:
        ev->http.target = v;
        return 1;
    case ZEEK_REFERRER:
        ev->http.referer = v;
        return 1;
    case ZEEK_VERSION:
        ev->http.version = v;
        return 1;
    case ZEEK_USER_AGENT:
        ev->http.user_agent = v;
        return 1;
    case ZEEK_HELO:
        ev->smtp.helo = v;
        return 1;
    case ZEEK_MAILFROM:
        ev->smtp.mail_from = v;
        return 1;
    case ZEEK_SUBJECT:
        ev->smtp.subject = v;
        return 1;
    case ZEEK_RCPTTO:
        if (f->list.n > EVENT_RCPT_MAX)
            return 0;
        ev->smtp.rcpt_to = f->list;
        return 1;
    case ZEEK_RD: /* the only header bit that is the query's own; the word stays as well */
        if (span_is(v, "T") || span_is(v, "true"))
            ev->dns.flags = DNS_FLAG_RD;
        return 0;
    default: /* the service too: Zeek's list of words says more than our one */
        return 0;
    }
}

/* "ssl" from "ssl,http"; "raw" when Zeek saw no protocol that it knows. */
static struct span service_protocol(struct zeek *z, struct span service)
{
    size_t n = 0;
    for (; n < service.n && n < sizeof z->protocol && service.p[n] != ','; n++) {
        uint8_t c = service.p[n];
        if (c <= ' ' || c >= 0x7f)
            return span_str("raw");
        z->protocol[n] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return n && (n == service.n || service.p[n] == ',') ? span_of(z->protocol, n) : span_str("raw");
}

static const char *missing(const bool *seen)
{
    return !seen[ZEEK_TS] ? "no ts" : !seen[ZEEK_ORIG_H] ? "no id.orig_h" : NULL;
}

static const char *const bad_value[ZEEK_TARGETS] = {
    [ZEEK_TS] = "ts is no time between 1990 and 2100",
    [ZEEK_ORIG_H] = "id.orig_h is no address",
    [ZEEK_RESP_H] = "id.resp_h is no address",
    [ZEEK_ORIG_P] = "id.orig_p is no port",
    [ZEEK_RESP_P] = "id.resp_p is no port",
    [ZEEK_ORIG_BYTES] = "orig_bytes is no number",
    [ZEEK_RESP_BYTES] = "resp_bytes is no number",
    [ZEEK_TRANS_ID] = "trans_id is no 16-bit number",
    [ZEEK_BODY_LEN] = "request_body_len is no number",
};

static void set_kind(struct zeek *z, enum zeek_log log, struct span service)
{
    static const enum event_kind kinds[] = {KIND_RAW, KIND_CONN, KIND_DNS, KIND_HTTP, KIND_SMTP};
    struct event *ev = &z->ev;
    ev->kind = kinds[log];
    ev->raw.has = log == ZEEK_CONN;
    ev->dns.has = log == ZEEK_DNS;
    ev->http.has = log == ZEEK_HTTP;
    ev->smtp.has = log == ZEEK_SMTP;
    ev->protocol = log == ZEEK_CONN ? service_protocol(z, service) : span_str(log_names[log]);
    if (!ev->transport.n && (log == ZEEK_HTTP || log == ZEEK_SMTP))
        ev->transport = span_str("tcp"); /* these two logs do not say it */
}

const char *zeek_map(struct zeek *z, enum zeek_log log, const struct zeek_field *fields, size_t n)
{
    bool seen[ZEEK_TARGETS] = {false};
    struct span service = {NULL, 0}, report = span_str("report");
    bool reported = false;
    memset(&z->ev, 0, sizeof z->ev);
    size_t cells = 0, bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const struct zeek_field *f = &fields[i];
        bytes += f->value.n + f->name.n;
        if (bytes > RECORD_MAX)
            return "the record is too large";
        if (!reported && cbor_key_cmp(f->name, report) >= 0) {
            if (cells < EVENT_FEED_CELLS_MAX && !(span_eq(f->name, report) && f->value.n))
                z->feed[cells++] = (struct feed_cell){report, span_str(report_names[log])};
            reported = true;
        }
        if (!f->value.n)
            continue;
        int r = put(&z->ev, f);
        if (r < 0)
            return bad_value[f->target];
        seen[f->target] = true;
        if (f->target == ZEEK_SERVICE)
            service = f->value;
        if (r == 0) {
            if (cells == EVENT_FEED_CELLS_MAX)
                return "too many fields";
            z->feed[cells++] = (struct feed_cell){f->name, f->value};
        }
    }
    if (!reported && cells < EVENT_FEED_CELLS_MAX)
        z->feed[cells++] = (struct feed_cell){report, span_str(report_names[log])};
    set_kind(z, log, service);
    if (log == ZEEK_DNS && !seen[ZEEK_RD]) /* nobody can tell whether a resolver asked */
        z->ev.role = span_str("unjudged");
    z->ev.feed.has = true;
    z->ev.feed.cells = z->feed;
    z->ev.feed.n = cells;
    return missing(seen);
}
