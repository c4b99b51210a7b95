/* ebb events [filters] */
#include <stdio.h>
#include <string.h>

#include "app/cluster/engine_open.h"
#include "base/json.h"

#define OUTPUT_GONE 1
#define FLUSH_AT    (1u << 16)

static const struct table_column columns[] = {
    {"index", "index", TABLE_ID},
    {"time", "time", TABLE_WORDS},
    {"sensor", "sensor", TABLE_WORDS},
    {"protocol", "proto", TABLE_WORDS},
    {"src_ip", "source", TABLE_WORDS},
    {"src_port", NULL, TABLE_ID},
    {"dst_ip", NULL, TABLE_WORDS},
    {"dst_port", "port", TABLE_ID},
    {"asn", "asn", TABLE_ID},
    {"as_name", "as", TABLE_WORDS},
    {"country", "cc", TABLE_WORDS},
    {"network", NULL, TABLE_WORDS},
    {"family", "family", TABLE_WORDS},
    {"bot_id", "bot id", TABLE_WORDS},
    {"role", "role", TABLE_WORDS},
    {"what", "what", TABLE_WORDS},
    {"log", "log", TABLE_WORDS}, /* of which node, with the cluster */
    {0},
};
#define COLUMNS (sizeof columns / sizeof *columns)

struct output {
    enum table_shape shape;
    struct table *table;
    struct buf lines;
};

/* What the table shows of an event in one cell. */
static struct span summary(const struct event *ev, struct buf *b)
{
    b->n = 0;
    if (ev->dns.has)
        buf_printf(b, "%.*s %.*s", (int)ev->dns.qtype.n, ev->dns.qtype.p, (int)ev->dns.qname.n,
                   ev->dns.qname.p);
    else if (ev->http.has)
        buf_printf(b, "%.*s %.*s%.*s", (int)ev->http.method.n, ev->http.method.p,
                   (int)ev->http.host.n, ev->http.host.p, (int)ev->http.target.n,
                   ev->http.target.p);
    else if (ev->smtp.has)
        buf_printf(b, "<%.*s> %.*s", (int)ev->smtp.mail_from.n, ev->smtp.mail_from.p,
                   (int)ev->smtp.subject.n, ev->smtp.subject.p);
    else if (ev->raw.has)
        buf_printf(b, "%llu bytes, %llu back", (unsigned long long)ev->raw.client_size,
                   (unsigned long long)ev->raw.server_size);
    if (b->n > 100)
        b->n = 100;
    return buf_as_span(b);
}

static void table_ip(struct table *t, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    if (ip_is_set(ip))
        table_text(t, span_of(text, ip_format(ip, text)));
    else
        table_empty(t);
}

static void table_number(struct table *t, uint64_t v)
{
    if (v)
        table_uint(t, v);
    else
        table_empty(t);
}

static void print_cells(struct table *t, const struct query_hit *h)
{
    const struct event *ev = h->ev;
    char text[NET_TEXT_MAX];
    struct buf what = {0};
    table_uint(t, h->index);
    table_text(t, span_of(text, utc_format(ev->time, text)));
    table_str(t, h->sensor);
    table_text(t, ev->protocol);
    table_ip(t, &ev->src_ip);
    table_number(t, ev->src_port);
    table_ip(t, &ev->dst_ip);
    table_number(t, ev->dst_port);
    table_number(t, ev->asn);
    table_text(t, ev->as_name);
    table_text(t, ev->country);
    if (ev->network.set)
        table_text(t, span_of(text, net_format(&ev->network, text)));
    else
        table_empty(t);
    table_text(t, ev->family);
    table_text(t, ev->bot_id);
    table_text(t, event_role(ev));
    table_text(t, summary(ev, &what));
    if (h->log)
        table_str(t, h->log);
    table_row_end(t);
    buf_free(&what);
}

static int flush(struct output *o)
{
    bool good = fwrite(o->lines.p, 1, o->lines.n, stdout) == o->lines.n;
    o->lines.n = 0;
    return good ? 0 : OUTPUT_GONE;
}

/* One more member, behind the event's own. */
static void put_log(struct buf *lines, const char *log)
{
    struct json j = json_to(lines);
    lines->n--; /* the brace */
    buf_str(lines, ",\"log\":");
    json_str(&j, log);
    buf_byte(lines, '}');
}

static int print_hit(void *ctx, const struct query_hit *h)
{
    struct output *o = ctx;
    if (o->shape != TABLE_JSON) {
        print_cells(o->table, h);
        return ferror(stdout) ? OUTPUT_GONE : 0;
    }
    struct json j = json_to(&o->lines);
    event_json(h->ev, h->index, h->sensor, &j);
    if (h->log)
        put_log(&o->lines, h->log);
    json_newline(&j);
    return o->lines.n > FLUSH_AT ? flush(o) : 0;
}

static int read_filters(const struct cli *cli, struct query *q)
{
    const char *src = cli_get(cli, "src"), *kind = cli_get(cli, "kind");
    int rc = cli_range(cli, &q->since, &q->until);
    if (rc == 0)
        rc = cli_number(cli, "asn", 0, &q->asn);
    if (rc == 0)
        rc = cli_number(cli, "from-index", 0, &q->from_index);
    if (rc == 0)
        rc = cli_number(cli, "limit", 0, &q->limit);
    if (rc)
        return rc;
    if (src && !net_parse_any(span_str(src), &q->src))
        return cli_fail(EXIT_USAGE, "--src: not an address or network (%s)", src);
    for (unsigned k = 1; kind && k <= UINT8_MAX && !q->kind; k++)
        if (event_kind_is_event((uint8_t)k) && strcmp(event_kind_name((uint8_t)k), kind) == 0)
            q->kind = (uint8_t)k;
    if (kind && !q->kind)
        return cli_fail(EXIT_USAGE, "--kind: no such kind (%s)", kind);
    q->family = cli_get(cli, "family");
    q->country = span_str(cli_get(cli, "country"));
    q->protocol = span_str(cli_get(cli, "protocol"));
    q->sensor = span_str(cli_get(cli, "sensor"));
    return 0;
}

int cmd_events(const struct cli *cli)
{
    struct casedir c;
    struct engine *e;
    struct query q = {0};
    struct err err;
    struct output o = {.shape = cli_shape(cli)};
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "events: takes no argument (%s)", cli->args[0]);
    int rc = read_filters(cli, &q);
    if (rc)
        return rc;
    rc = engine_open(cli, ENGINE_EVENTS, 0, &c, &e, &err);
    if (rc == 0) {
        struct table_column shown[COLUMNS];
        memcpy(shown, columns, sizeof shown);
        if (!engine_is_cluster(cli))
            shown[COLUMNS - 2] = (struct table_column){0};
        if (o.shape != TABLE_JSON)
            o.table = table_open(o.shape, shown, stdout);
        rc = e->events(e->ctx, &q, print_hit, &o, &err);
        if (rc == 0 && o.shape == TABLE_JSON)
            rc = flush(&o);
        if (o.table && table_close(o.table) < 0)
            rc = OUTPUT_GONE;
    }
    buf_free(&o.lines);
    engine_close(e);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : rc == OUTPUT_GONE ? EXIT_FAILED : EXIT_DONE;
}
