/* CSV as Shadowserver sends it: the columns of event4_sinkhole, and behind them those of
 * event4_sinkhole_http, each in order; strings in quotes, numbers bare, nothing where there is
 * nothing. Times are whole seconds, UTC. What differs:
 *  - `application` has the protocol, also where it is not HTTP;
 *  - `event_id` has the contact's entry of the evidence log;
 *  - `dst_hostname` has the name that the bot asked for in rows that are not HTTP, which have no
 *    other place for it;
 *  - http_url ends before the query, and has no HTTP version;
 *  - a cell that a spreadsheet would take for a formula begins with an apostrophe. */
#include "report/formats.h"
#include "report/row.h"

static const char *const columns[] = {
    "timestamp",   "protocol",     "src_ip",       "src_port",     "src_asn",    "src_geo",
    "src_region",  "src_city",     "src_hostname", "src_naics",    "src_sector", "device_vendor",
    "device_type", "device_model", "dst_ip",       "dst_port",     "dst_asn",    "dst_geo",
    "dst_region",  "dst_city",     "dst_hostname", "dst_naics",    "dst_sector", "public_source",
    "infection",   "family",       "tag",          "application",  "version",    "event_id",
    "http_url",    "http_host",    "http_agent",   "forwarded_by", "ssl_cipher", "http_referer"};
enum { COLUMNS_HTTP = sizeof columns / sizeof *columns, COLUMNS = COLUMNS_HTTP - 6 };

static bool is_http(const struct report_row *row)
{
    return span_is(row->protocol, "http") || row->method.n || row->target.n || row->agent.n;
}

enum csv_report csv_report_of(const struct report_row *row)
{
    bool http = is_http(row);
    if (ip_is_v4(&row->ip))
        return http ? CSV_SINKHOLE4_HTTP : CSV_SINKHOLE4;
    return http ? CSV_SINKHOLE6_HTTP : CSV_SINKHOLE6;
}

const char *csv_report_name(enum csv_report report)
{
    static const char *const names[] = {"event4_sinkhole", "event4_sinkhole_http",
                                        "event6_sinkhole", "event6_sinkhole_http"};
    return names[report];
}

static bool has_http(enum csv_report report)
{
    return report == CSV_SINKHOLE4_HTTP || report == CSV_SINKHOLE6_HTTP;
}

void csv_head(enum csv_report report, struct buf *out)
{
    unsigned n = has_http(report) ? COLUMNS_HTTP : COLUMNS;
    for (unsigned i = 0; i < n; i++) {
        buf_str(out, i ? ",\"" : "\"");
        buf_str(out, columns[i]);
        buf_byte(out, '"');
    }
    buf_byte(out, '\n');
}

static void empty(struct buf *out, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        buf_byte(out, ',');
}

/* With the comma behind it. */
static void text(struct buf *out, struct span s)
{
    if (s.n) {
        buf_byte(out, '"');
        if (strchr("=+-@", s.p[0]) && s.p[0])
            buf_byte(out, '\'');
        for (const uint8_t *quote; s.n && (quote = memchr(s.p, '"', s.n));) {
            size_t run = (size_t)(quote - s.p) + 1;
            buf_put(out, s.p, run);
            buf_byte(out, '"');
            s = span_of(s.p + run, s.n - run);
        }
        buf_span(out, s);
        buf_byte(out, '"');
    }
    buf_byte(out, ',');
}

static void number(struct buf *out, uint64_t n)
{
    if (n)
        number_put(out, n);
    buf_byte(out, ',');
}

static void address(struct buf *out, const struct ip *ip)
{
    char t[IP_TEXT_MAX];
    text(out, ip_is_set(ip) ? span_of(t, ip_format(ip, t)) : span_of(NULL, 0));
}

static bool is_country(const char c[2])
{
    return c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z';
}

static void source_cells(struct arena *arena, const struct report_row *row, struct buf *out)
{
    char when[TIME_SECONDS_MAX];
    time_format(row->time, when);
    text(out, span_str(when));
    text(out, words_clean(arena, row->transport, ROW_FAMILY_MAX));
    address(out, &row->ip);
    number(out, row->src_port);
    number(out, row->asn);
    text(out, is_country(row->country) ? span_of(row->country, 2) : span_of(NULL, 0));
    empty(out, 8); /* src_region to device_model */
}

static void event_id(struct buf *out, uint64_t index)
{
    if (!index)
        return;
    buf_byte(out, '"');
    number_put(out, index);
    buf_byte(out, '"');
}

/* "GET /path"; without a method only what was asked for. */
static void url(struct arena *arena, const struct report_row *row, struct buf *out)
{
    struct span method = words_clean(arena, row->method, ROW_FAMILY_MAX),
                path = row_path(arena, row);
    struct buf b = {0};
    buf_span(&b, method);
    if (method.n && path.n)
        buf_byte(&b, ' ');
    buf_span(&b, path);
    text(out, buf_as_span(&b));
    buf_free(&b);
}

void csv_row(struct arena *arena, enum csv_report report, const struct report_row *row,
             struct buf *out)
{
    struct span family = row_family(arena, row),
                host = words_clean(arena, row->host, ROW_WORDS_MAX);
    bool http = has_http(report) && is_http(row);
    source_cells(arena, row, out);
    address(out, &row->dst_ip);
    number(out, row->dst_port);
    empty(out, 4); /* dst_asn to dst_city */
    text(out, http ? span_of(NULL, 0) : host);
    empty(out, 3); /* dst_naics to public_source */
    text(out, family);
    text(out, family);
    empty(out, 1); /* tag */
    text(out, words_clean(arena, row->protocol, ROW_FAMILY_MAX));
    empty(out, 1); /* version */
    event_id(out, row->index);
    if (has_http(report)) {
        buf_byte(out, ',');
        http ? url(arena, row, out) : empty(out, 1);
        text(out, http ? host : span_of(NULL, 0));
        text(out, words_clean(arena, row->agent, ROW_WORDS_MAX));
        empty(out, 2); /* forwarded_by, ssl_cipher; nothing behind http_referer */
    }
    buf_byte(out, '\n');
}

void report_csv_head(struct buf *out)
{
    csv_head(CSV_SINKHOLE4_HTTP, out);
}

void report_csv_row(const struct report_row *row, struct buf *out)
{
    struct arena arena = {0};
    csv_row(&arena, CSV_SINKHOLE4_HTTP, row, out);
    arena_free(&arena);
}
