/* Shadowserver's sinkhole reports: CSV, read by the names in its header line, which differ between
 * reports and over the years. Facts from the reports' public descriptions and from real samples:
 *
 *   sinkhole              event4/6_sinkhole, event4_microsoft_sinkhole
 *   sinkhole_http         event4/6_sinkhole_http, event4_microsoft_sinkhole_http, sinkhole6_http
 *   sinkhole_dns          event4/6_sinkhole_dns: src_ip asked, so it is a resolver and no victim
 *   sinkhole_http_referer event4/6_sinkhole_http_referer: the only outside address is that of the
 *                         web site that sent a visitor to the sinkhole. The site may be
 *                         compromised, but it did not contact the sinkhole and is no bot: such an
 *                         event has no src_ip, role "referer", and http_referer_ip in feed{}
 *   sinkhole_http_drone   until 2021; microsoft_sinkhole had the same columns
 *   botnet_drone          until 2021; `port` is the source's, `type` the transport
 *
 * The name is told from the columns and kept as feed{report}; IPv4 and IPv6 editions are alike.
 * Cells with a field of their own in an event go there (columns[] below), all others stay in
 * feed{} under their name, the feed's own word on AS, country and family among them.
 *
 * protocol is "dns" in sinkhole_dns; else "http" in a row that has a URL, host, agent or referer;
 * else the row's `application`; else "http" in sinkhole_http and _referer, which hold nothing
 * else; else "raw". */
#include <errno.h>
#include <stdlib.h>

#include "base/cbor.h"
#include "base/utc.h"
#include "import/csv.h"
#include "import/import.h"
#include "wire/text.h"

#define COLUMN_NAME_MAX 128
#define PROTOCOL_MAX    24

enum field {
    TIME,
    SRC_IP,
    SRC_PORT,
    DST_PORT,
    URL,
    HOST,
    AGENT,
    REFERER,
    QTYPE,
    QNAME,
    MAPPED, /* the fields above have left feed{}; those below stay there, or may */
    DST_IP = MAPPED,
    PROTOCOL,
    TYPE,
    APPLICATION,
    INFECTION,
    FAMILY,
    SITE_IP,
    FIELDS
};

/* Of two columns for one field the first named here is taken, and the other stays in feed{}. */
static const struct {
    const char *name;
    enum field field;
} columns[] = {
    {"timestamp", TIME},        {"src_ip", SRC_IP},     {"ip", SRC_IP},
    {"src_port", SRC_PORT},     {"port", SRC_PORT},     {"dst_ip", DST_IP},
    {"cc_ip", DST_IP},          {"dst_port", DST_PORT}, {"cc_port", DST_PORT},
    {"http_url", URL},          {"url", URL},           {"http_host", HOST},
    {"http_agent", AGENT},      {"agent", AGENT},       {"http_referer", REFERER},
    {"http_referrer", REFERER}, {"query_type", QTYPE},  {"query", QNAME},
    {"protocol", PROTOCOL},     {"type", TYPE},         {"application", APPLICATION},
    {"infection", INFECTION},   {"family", FAMILY},     {"http_referer_ip", SITE_IP},
    {"inet", SITE_IP},
};

struct header {
    size_t n;           /* columns */
    struct span *names; /* n of them */
    int at[FIELDS];     /* the column of each field; -1: none */
};

struct ordered {
    struct span key;
    size_t column;
};

struct reader {
    struct source *src;
    const struct import_sink *sink;
    struct import_counts *counts;
    struct arena arena; /* names of columns */

    struct header header;
    struct span report;
    bool dns, http, referer;
    struct ordered order[EVENT_FEED_CELLS_MAX]; /* what goes into feed{}, in its order */
    size_t n_order;

    /* from row to row */
    struct event ev;
    struct feed_cell feed[EVENT_FEED_CELLS_MAX];
    char date[11]; /* "2021-03-04 ", and when it began */
    int64_t midnight;
    char dst_text[IP_TEXT_MAX]; /* dst_ip as last read */
    size_t dst_n;
    struct ip dst_ip;
    char protocol[PROTOCOL_MAX];
};

/* The header line. */

static void header_map(struct header *h)
{
    for (unsigned f = 0; f < FIELDS; f++)
        h->at[f] = -1;
    for (unsigned k = 0; k < sizeof columns / sizeof columns[0]; k++)
        for (size_t i = 0; i < h->n && h->at[columns[k].field] < 0; i++)
            if (span_ieq(h->names[i], span_str(columns[k].name)))
                h->at[columns[k].field] = (int)i;
}

static bool has(const struct header *h, enum field f)
{
    return h->at[f] >= 0;
}

/* Reports of web sites say nothing of the visitor, not even a port. Those from before 2021 call the
 * site's address "ip" or "inet". */
static bool is_referer_report(const struct header *h)
{
    if (has(h, SRC_PORT))
        return false;
    if (!has(h, SRC_IP))
        return has(h, SITE_IP);
    return has(h, REFERER) && !has(h, URL) && !has(h, AGENT) &&
           span_ieq(h->names[h->at[SRC_IP]], span_str("ip"));
}

static void name_report(struct reader *r)
{
    struct header *h = &r->header;
    bool legacy = has(h, SRC_IP) && span_ieq(h->names[h->at[SRC_IP]], span_str("ip"));
    r->referer = is_referer_report(h);
    r->dns = !r->referer && has(h, QNAME);
    bool web = has(h, URL) || has(h, HOST) || has(h, AGENT);
    r->http = r->referer || (web && !legacy && !r->dns);
    r->report = span_str(r->referer                    ? "sinkhole_http_referer"
                         : r->dns                      ? "sinkhole_dns"
                         : legacy && has(h, INFECTION) ? "botnet_drone"
                         : legacy                      ? "sinkhole_http_drone"
                         : web                         ? "sinkhole_http"
                                                       : "sinkhole");
    if (r->referer && has(h, SRC_IP)) {
        h->at[SITE_IP] = h->at[SRC_IP];
        h->at[SRC_IP] = -1;
    }
}

static int header_check(struct reader *r, struct err *err)
{
    const struct header *h = &r->header;
    const char *name = source_name(r->src);
    if (!has(h, TIME))
        return err_set(err, -EINVAL, "%s: no column \"timestamp\" (line 1)", name);
    if (!has(h, SRC_IP) && !is_referer_report(h))
        return err_set(err, -EINVAL, "%s: no column \"src_ip\" or \"ip\" (line 1)", name);
    static const enum field one_of[] = {INFECTION, FAMILY, TYPE, QNAME, URL, HOST, AGENT, DST_IP};
    for (unsigned i = 0; i < sizeof one_of / sizeof one_of[0]; i++)
        if (has(h, one_of[i]))
            return 0;
    return err_set(err, -EINVAL,
                   "%s: no sinkhole report: no column \"infection\", \"family\", \"type\" or "
                   "\"dst_ip\" (line 1)",
                   name);
}

static int ordered_cmp(const void *a, const void *b)
{
    return cbor_key_cmp(((const struct ordered *)a)->key, ((const struct ordered *)b)->key);
}

static bool is_mapped(const struct header *h, size_t column)
{
    for (unsigned f = 0; f < MAPPED; f++)
        if (h->at[f] == (int)column)
            return true;
    return false;
}

static int order_feed(struct reader *r, struct err *err)
{
    const struct header *h = &r->header;
    struct ordered *all = r->order;
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++)
        all[n++] = (struct ordered){h->names[i], i};
    qsort(all, n, sizeof *all, ordered_cmp);
    bool own_report = false;
    for (size_t i = 0; i < n; i++) {
        own_report |= span_is(all[i].key, "report");
        if (i && span_eq(all[i].key, all[i - 1].key))
            return err_set(err, -EINVAL, "%s: two columns \"%.*s\" (line 1)", source_name(r->src),
                           (int)all[i].key.n, (const char *)all[i].key.p);
    }
    r->n_order = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_mapped(h, all[i].column))
            all[r->n_order++] = all[i];
    if (!own_report) { /* a cell behind the row's last holds it */
        all[r->n_order++] = (struct ordered){span_str("report"), h->n};
        qsort(all, r->n_order, sizeof *all, ordered_cmp);
    }
    return 0;
}

static int header_names(struct reader *r, const struct csv_row *row, struct err *err)
{
    const char *name = source_name(r->src);
    if (row->n >= EVENT_FEED_CELLS_MAX)
        return err_set(err, -EINVAL, "%s: more than %d columns (line 1)", name,
                       EVENT_FEED_CELLS_MAX - 1);
    r->header.n = row->n;
    r->header.names = arena_alloc(&r->arena, row->n * sizeof *r->header.names);
    for (size_t i = 0; i < row->n; i++) {
        struct span s = row->cells[i];
        char number[32];
        if (s.n > COLUMN_NAME_MAX || (s.n && !span_is_utf8(s)))
            return err_set(err, -EINVAL, "%s: column %zu has no usable name (line 1)", name, i + 1);
        if (!s.n)
            s = span_of(number, (size_t)snprintf(number, sizeof number, "column_%zu", i + 1));
        r->header.names[i] = span_of(arena_copy(&r->arena, s.p, s.n), s.n);
    }
    return 0;
}

static int header_read(struct reader *r, struct csv *csv, struct err *err)
{
    struct csv_row row;
    int e = csv_next(csv, &row, err);
    if (e < 0)
        return e;
    if (e == CSV_END)
        return err_set(err, -EINVAL, "%s: no header line", source_name(r->src));
    if (e == CSV_BAD)
        return err_set(err, -EINVAL, "%s: no header line: %s (line %llu)", source_name(r->src),
                       row.why, (unsigned long long)row.line);
    if ((e = header_names(r, &row, err)) < 0)
        return e;
    header_map(&r->header);
    if ((e = header_check(r, err)) < 0)
        return e;
    name_report(r);
    return order_feed(r, err);
}

/* One row. */

static int two_digits(const uint8_t *p)
{
    unsigned a = p[0] - (unsigned)'0', b = p[1] - (unsigned)'0';
    return a > 9 || b > 9 ? 99 : (int)(a * 10 + b);
}

/* Rows of a report are mostly of one day, so that the date's arithmetic is done once. */
static bool time_parse(struct reader *r, struct span s, int64_t *out)
{
    if (s.n == 19 && memcmp(s.p, r->date, sizeof r->date) == 0 && s.p[13] == ':' &&
        s.p[16] == ':') {
        int hour = two_digits(s.p + 11), minute = two_digits(s.p + 14),
            second = two_digits(s.p + 17);
        if (hour < 24 && minute < 60 && second < 60) {
            *out = r->midnight + (int64_t)(hour * 3600 + minute * 60 + second) * UTC_SECOND;
            return true;
        }
    }
    if (!utc_parse(s, out) || *out < UTC_EVENT_MIN || *out >= UTC_EVENT_MAX)
        return false;
    /* Not for a leap second, which may be of the next day. */
    if (s.n == 19 && two_digits(s.p + 17) < 60) {
        memcpy(r->date, s.p, sizeof r->date);
        r->midnight = *out - *out % UTC_DAY;
    }
    return true;
}

static bool port_parse(struct span s, uint64_t *out)
{
    *out = 0;
    return s.n <= 5 && (!s.n || text_number(s, out)) && *out <= 65535;
}

/* "tcp", "udp" or "icmp" in any case; empty for other words. */
static struct span transport_of(struct span s)
{
    static const char *const known[] = {"tcp", "udp", "icmp"};
    for (unsigned i = 0; i < 3; i++)
        if (span_ieq(s, span_str(known[i])))
            return span_str(known[i]);
    return span_of(NULL, 0);
}

static struct span cell(const struct reader *r, const struct csv_row *row, enum field f)
{
    int i = r->header.at[f];
    return i < 0 ? span_of(NULL, 0) : row->cells[i];
}

/* "GET /path HTTP/1.1", "GET /path", or only what was asked for. */
static void url_split(struct span s, struct event *ev)
{
    size_t n = 0;
    while (n < s.n && n < 20 && s.p[n] >= 'A' && s.p[n] <= 'Z')
        n++;
    ev->http.method = ev->http.version = span_of(NULL, 0);
    ev->http.target = s;
    if (n == 0 || n == s.n || s.p[n] != ' ')
        return;
    ev->http.method = span_of(s.p, n);
    struct span target = span_of(s.p + n + 1, s.n - n - 1);
    const uint8_t *space = target.n ? memrchr(target.p, ' ', target.n) : NULL;
    if (space) {
        struct span last = span_of(space + 1, target.n - (size_t)(space + 1 - target.p));
        if (last.n > 5 && memcmp(last.p, "HTTP/", 5) == 0) {
            ev->http.version = span_of(last.p + 5, last.n - 5);
            target.n = (size_t)(space - target.p);
        }
    }
    ev->http.target = target;
}

static void map_http(struct reader *r, const struct csv_row *row)
{
    struct event *ev = &r->ev;
    struct span url = cell(r, row, URL);
    ev->http.host = cell(r, row, HOST);
    ev->http.user_agent = cell(r, row, AGENT);
    ev->http.referer = cell(r, row, REFERER);
    ev->http.has = url.n || ev->http.host.n || ev->http.user_agent.n || ev->http.referer.n;
    if (ev->http.has)
        url_split(url, ev);
}

static void map_dns(struct reader *r, const struct csv_row *row)
{
    struct event *ev = &r->ev;
    ev->dns.qname = cell(r, row, QNAME);
    ev->dns.qtype = cell(r, row, QTYPE);
    ev->dns.has = ev->dns.qname.n || ev->dns.qtype.n;
    if (ev->dns.qname.n > 1 && ev->dns.qname.p[ev->dns.qname.n - 1] == '.')
        ev->dns.qname.n--;
}

/* The sinkhole's own address, which often stays the same from row to row. Reports hide it at times
 * behind something that is none; that word stays in feed{}, and the row is taken. */
static void map_dst_ip(struct reader *r, struct csv_row *row)
{
    int i = r->header.at[DST_IP];
    if (i < 0)
        return;
    struct span *dst = &row->cells[i];
    if (dst->n == 0 || dst->n > sizeof r->dst_text) {
        memset(&r->ev.dst_ip, 0, sizeof r->ev.dst_ip);
        return;
    }
    if (dst->n != r->dst_n || memcmp(dst->p, r->dst_text, dst->n) != 0) {
        if (!ip_parse(*dst, &r->dst_ip))
            memset(&r->dst_ip, 0, sizeof r->dst_ip);
        memcpy(r->dst_text, dst->p, dst->n);
        r->dst_n = dst->n;
    }
    r->ev.dst_ip = r->dst_ip;
    if (ip_is_set(&r->dst_ip))
        dst->n = 0;
}

/* Takes the transport from its cell, which then is left out of feed{}. */
static void map_transport(struct reader *r, struct csv_row *row)
{
    const struct header *h = &r->header;
    int i = has(h, PROTOCOL) ? h->at[PROTOCOL] : has(h, INFECTION) ? h->at[TYPE] : -1;
    r->ev.transport = span_of(NULL, 0);
    if (i < 0)
        return;
    r->ev.transport = transport_of(row->cells[i]);
    if (r->ev.transport.n)
        row->cells[i].n = 0;
}

static struct span protocol_of(struct reader *r, struct span application)
{
    if (r->dns)
        return span_str("dns");
    if (r->ev.http.has)
        return span_str("http");
    size_t n = application.n <= PROTOCOL_MAX ? application.n : 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = application.p[i];
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (c <= ' ' || c >= 0x7f)
            n = 0;
        else
            r->protocol[i] = (char)c;
    }
    return n ? span_of(r->protocol, n) : span_str(r->http ? "http" : "raw");
}

static void map_feed(struct reader *r, struct csv_row *row)
{
    row->cells[r->header.n] = r->report;
    size_t n = 0;
    for (size_t k = 0; k < r->n_order; k++) {
        const struct span *value = &row->cells[r->order[k].column];
        if (!value->n)
            continue;
        r->feed[n].key = r->order[k].key;
        r->feed[n++].value = *value;
    }
    r->ev.feed.n = n;
}

/* Fills r->ev. False, with the field that cannot be read, when the row has to be rejected. */
static bool map_row(struct reader *r, struct csv_row *row, enum field *bad)
{
    struct event *ev = &r->ev;
    struct ip site;
    if (!time_parse(r, cell(r, row, TIME), &ev->time))
        return *bad = TIME, false;
    if (r->referer ? !ip_parse(cell(r, row, SITE_IP), &site)
                   : !ip_parse(cell(r, row, SRC_IP), &ev->src_ip))
        return *bad = r->referer ? SITE_IP : SRC_IP, false;
    if (!port_parse(cell(r, row, SRC_PORT), &ev->src_port))
        return *bad = SRC_PORT, false;
    if (!port_parse(cell(r, row, DST_PORT), &ev->dst_port))
        return *bad = DST_PORT, false;
    map_dst_ip(r, row);
    map_transport(r, row);
    map_http(r, row);
    map_dns(r, row);
    ev->protocol = protocol_of(r, cell(r, row, APPLICATION));
    map_feed(r, row);
    return true;
}

static void reject(struct reader *r, const struct csv_row *row, const char *why)
{
    r->counts->rejected++;
    r->sink->reject(r->sink->ctx, "line", row->line, row->offset, why);
}

static void reject_cell(struct reader *r, const struct csv_row *row, enum field f)
{
    static const char *const what[] = {[TIME] = "no time between 1990 and 2100",
                                       [SRC_IP] = "no address",
                                       [SITE_IP] = "no address",
                                       [SRC_PORT] = "no port",
                                       [DST_PORT] = "no port"};
    struct span name = r->header.names[r->header.at[f]], value = cell(r, row, f);
    struct err text;
    err_set(&text, -EINVAL, "%.*s: %s: \"%.*s\"", (int)name.n, (const char *)name.p, what[f],
            (int)(value.n < 64 ? value.n : 64), value.n ? (const char *)value.p : "");
    reject(r, row, text.text);
}

static int take_row(struct reader *r, struct csv_row *row)
{
    enum field bad;
    if (row->n != r->header.n) {
        struct err text;
        err_set(&text, -EINVAL, "%zu cells, the header has %zu", row->n, r->header.n);
        reject(r, row, text.text);
        return 0;
    }
    if (!map_row(r, row, &bad)) {
        reject_cell(r, row, bad);
        return 0;
    }
    r->ev.plain = row->plain;
    r->ev.record = r->counts->records;
    return r->ev.record < r->sink->first_record ? 0 : r->sink->event(r->sink->ctx, &r->ev);
}

static int read_rows(struct reader *r, struct csv *csv, struct err *err)
{
    struct csv_row row;
    for (;;) {
        int e = csv_next(csv, &row, err);
        if (e == CSV_END)
            return 0;
        if (e < 0) {
            uint64_t line, offset;
            csv_place(csv, &line, &offset);
            return import_broke_off(r->src, r->sink, r->counts, "line", line, err);
        }
        r->counts->records++;
        if (e == CSV_BAD)
            reject(r, &row, row.why);
        else if ((e = take_row(r, &row)) < 0)
            return e;
    }
}

static int shadowserver_run(struct source *src, const struct import_sink *sink,
                            struct import_counts *counts, struct err *err)
{
    *counts = (struct import_counts){0};
    struct reader *r = calloc(1, sizeof *r);
    struct csv *csv = csv_open(src);
    int e = -ENOMEM;
    if (!r || !csv) {
        err_set(err, e, "%s: out of memory", source_name(src));
        goto out;
    }
    r->src = src;
    r->sink = sink;
    r->counts = counts;
    if ((e = header_read(r, csv, err)) < 0)
        goto out;
    r->ev.kind = KIND_FEED;
    r->ev.feed.has = true;
    r->ev.feed.cells = r->feed;
    if (r->dns || r->referer)
        r->ev.role = span_str(r->dns ? "resolver" : "referer");
    e = read_rows(r, csv, err);
out:
    csv_close(csv);
    if (r)
        arena_free(&r->arena);
    free(r);
    return e;
}

/* Names that tell these reports even where a required one is missing. */
static unsigned known_names(const struct csv_row *row)
{
    static const char *const also[] = {"asn",          "geo",          "src_asn", "src_geo",
                                       "dst_asn",      "dst_geo",      "tag",     "hostname",
                                       "src_hostname", "public_source"};
    unsigned n = 0;
    for (size_t i = 0; i < row->n; i++) {
        for (unsigned k = 0; k < sizeof columns / sizeof columns[0]; k++)
            n += span_ieq(row->cells[i], span_str(columns[k].name));
        for (unsigned k = 0; k < sizeof also / sizeof also[0]; k++)
            n += span_ieq(row->cells[i], span_str(also[k]));
    }
    return n;
}

static int shadowserver_probe(struct span head)
{
    const uint8_t *end = head.n ? memchr(head.p, '\n', head.n) : NULL;
    if (!end && head.p && head.n == SOURCE_HEAD_MAX) /* a long header: its last name may be cut */
        end = memrchr(head.p, ',', head.n);
    struct span first = end ? span_of(head.p, (size_t)(end - head.p)) : head;
    if (!first.n || memchr(first.p, 0, first.n))
        return 0;
    struct source *src;
    if (source_open_memory(first, "head", &src, NULL) < 0)
        return 0;
    struct csv *csv = csv_open(src);
    struct csv_row row;
    int sure = 0;
    if (csv && csv_next(csv, &row, NULL) == CSV_ROW) {
        struct header h = {.n = row.n, .names = row.cells};
        header_map(&h);
        unsigned known = known_names(&row);
        bool address = has(&h, SRC_IP) || is_referer_report(&h);
        sure = has(&h, TIME) && address && known >= 3 ? 90 : known >= 3 ? 50 : 0;
        if (!sure && has(&h, TIME) && address)
            sure = 30;
    }
    csv_close(csv);
    source_close(src);
    return sure;
}

const struct import_format import_shadowserver = {
    .name = "shadowserver",
    .about = "Shadowserver sinkhole reports (CSV)",
    .probe = shadowserver_probe,
    .run = shadowserver_run,
};
