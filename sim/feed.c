#include "sim/feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utc.h"
#include "sim/checkin.h"
#include "sim/template.h"

const char feed_header[] =
    "\"timestamp\",\"protocol\",\"src_ip\",\"src_port\",\"src_asn\",\"src_geo\",\"src_region\","
    "\"src_city\",\"src_hostname\",\"src_naics\",\"src_sector\",\"device_vendor\",\"device_type\","
    "\"device_model\",\"dst_ip\",\"dst_port\",\"dst_asn\",\"dst_geo\",\"dst_region\",\"dst_city\","
    "\"dst_hostname\",\"dst_naics\",\"dst_sector\",\"public_source\",\"infection\",\"family\","
    "\"tag\",\"application\",\"version\",\"event_id\",\"http_url\",\"http_host\",\"http_agent\","
    "\"forwarded_by\",\"ssl_cipher\",\"http_referer\"\n";

/* A row's cells from "infection" to its end, for one family and one kind of visitor. */
struct tail {
    struct buf text;
    struct template cells;
};

struct feed {
    const struct model *m;
    struct sink *to[2]; /* IPv4, IPv6 */
    struct buf *groups; /* by pool group: from src_port's end to dst_ip's opening quote */
    struct buf *dsts;   /* by sensor: the address and the closing quote */
    char (*dst_text)[IP_TEXT_MAX];
    struct tail *tails; /* [visitor][family]: 0 the bots', then each scanners' group's */
    unsigned n_visitors;
    char octet[256][4]; /* "0" .. "255", the length in [3] */
    size_t row_max;
};

static void cell(struct buf *b, const char *text)
{
    if (!text || !*text)
        return;
    buf_byte(b, '"');
    for (; *text; text++) {
        if (*text == '"')
            buf_byte(b, '"');
        buf_byte(b, (uint8_t)*text);
    }
    buf_byte(b, '"');
}

/* A scanner asks for the address that it found: {id} stands for that in its Host cell. */
static void http_cells(struct feed *f, struct buf *b, const struct model_checkin *c)
{
    const struct scenario_family *family = &f->m->s->families[c->family];
    struct buf line = {0};
    buf_str(&line, checkin_method(f->m, c));
    buf_byte(&line, ' ');
    buf_str(&line, checkin_path(f->m, c));
    buf_put(&line, " HTTP/1.1", 10); /* with its NUL */
    cell(b, (const char *)line.p);
    buf_byte(b, ',');
    cell(b, c->role == MODEL_SCANNER ? "{id}" : family->host);
    buf_byte(b, ',');
    cell(b, checkin_agent(f->m, c));
    buf_str(b, ",,,");
    cell(b, c->role == MODEL_SCANNER ? NULL : family->referer);
    buf_free(&line);
}

static void make_tail(struct feed *f, struct tail *t, const struct model_checkin *c)
{
    const struct scenario_family *family = &f->m->s->families[c->family];
    buf_printf(&t->text, ",%u,,,,,,,,,", family->port);
    cell(&t->text, family->name);
    buf_byte(&t->text, ',');
    cell(&t->text, family->name);
    buf_byte(&t->text, ',');
    cell(&t->text, family->tag);
    buf_str(&t->text, ",,,,");
    if (checkin_is_http(f->m, c))
        http_cells(f, &t->text, c);
    else
        buf_str(&t->text, ",,,,,");
    buf_byte(&t->text, '\n');
    t->cells = template_of(buf_as_span(&t->text));
    if (t->text.n > f->row_max)
        f->row_max = t->text.n;
}

static void make_tails(struct feed *f)
{
    const struct scenario *s = f->m->s;
    for (unsigned v = 0; v < f->n_visitors; v++) {
        struct model_checkin c = {.role = v ? MODEL_SCANNER : MODEL_INFECTED};
        if (v) { /* any scanner of that group, to ask for its words */
            while (c.whom < f->m->n_actors && f->m->actors[c.whom].of != &s->scanners[v - 1])
                c.whom++;
            if (c.whom == f->m->n_actors)
                continue;
        }
        for (unsigned k = 0; k < s->families_count; k++) {
            c.family = (uint8_t)k;
            make_tail(f, &f->tails[v * s->families_count + k], &c);
        }
    }
}

static void make_sources(struct feed *f)
{
    const struct scenario *s = f->m->s;
    for (uint32_t k = 0; k < f->m->pool->n_groups; k++) {
        uint32_t actor = k - s->ases_count;
        uint32_t asn;
        const char *country;
        if (k < s->ases_count) {
            asn = s->ases[k].asn;
            country = s->ases[k].country;
        } else {
            const struct scenario_actors *a = actor < s->scanners_count
                                                  ? &s->scanners[actor]
                                                  : &s->sandboxes[actor - s->scanners_count];
            asn = a->asn;
            country = a->country;
        }
        buf_printf(&f->groups[k], ",%u,\"%s\",,,,,,,,,\"", asn, country);
    }
    for (unsigned i = 0; i < s->sensors_count; i++) {
        struct ip ip;
        ip_parse(span_str(s->sensors[i]), &ip);
        ip_format(&ip, f->dst_text[i]);
        buf_printf(&f->dsts[i], "%s\"", f->dst_text[i]);
    }
    for (unsigned i = 0; i < 256; i++) {
        char text[4];
        int n = snprintf(text, sizeof text, "%u", i);
        memcpy(f->octet[i], text, 3);
        f->octet[i][3] = (char)n;
    }
}

int feed_new(const struct model *m, struct sink *ipv4, struct sink *ipv6, struct feed **out,
             struct err *err)
{
    struct feed *f = calloc(1, sizeof *f);
    *out = NULL;
    if (!f)
        return err_set(err, -ENOMEM, "feed: no memory");
    f->m = m;
    f->to[0] = ipv4;
    f->to[1] = ipv6;
    f->n_visitors = 1 + m->s->scanners_count;
    f->groups = calloc(m->pool->n_groups, sizeof *f->groups);
    f->dsts = calloc(m->s->sensors_count, sizeof *f->dsts);
    f->dst_text = calloc(m->s->sensors_count, sizeof *f->dst_text);
    f->tails = calloc((size_t)f->n_visitors * m->s->families_count, sizeof *f->tails);
    if (!f->groups || !f->dsts || !f->dst_text || !f->tails) {
        feed_free(f);
        return err_set(err, -ENOMEM, "feed: no memory");
    }
    make_sources(f);
    make_tails(f);
    f->row_max += 256 + TEMPLATE_IDS_MAX * IP_TEXT_MAX;
    for (int v6 = 0; v6 < 2; v6++)
        if (f->to[v6])
            buf_str(sink_buf(f->to[v6]), feed_header);
    *out = f;
    return 0;
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    for (uint32_t k = 0; f->groups && k < f->m->pool->n_groups; k++)
        buf_free(&f->groups[k]);
    for (unsigned i = 0; f->dsts && i < f->m->s->sensors_count; i++)
        buf_free(&f->dsts[i]);
    for (unsigned i = 0; f->tails && i < f->n_visitors * f->m->s->families_count; i++)
        buf_free(&f->tails[i].text);
    free(f->groups);
    free(f->dsts);
    free(f->dst_text);
    free(f->tails);
    free(f);
}

static char *put_span(char *p, struct span s)
{
    memcpy(p, s.p, s.n);
    return p + s.n;
}

static char *put_two(char *p, unsigned v)
{
    *p++ = (char)('0' + v / 10);
    *p++ = (char)('0' + v % 10);
    return p;
}

static char *put_uint(char *p, unsigned v)
{
    char digits[10];
    unsigned n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *p++ = digits[--n];
    return p;
}

static char *put_ip(const struct feed *f, char *p, const struct ip *ip)
{
    if (!ip_is_v4(ip))
        return p + ip_format(ip, p);
    for (int i = 12; i < 16; i++) {
        const char *o = f->octet[ip->b[i]];
        memcpy(p, o, 3);
        p += o[3];
        *p++ = '.';
    }
    return p - 1;
}

/* The row's first cells: "2011-03-20 00:00:03","tcp","198.51.100.7",49152 */
static char *put_start(const struct feed *f, char *p, const char *date,
                       const struct model_checkin *c)
{
    struct ip ip = pool_ip(f->m->pool, c->net, c->address);
    *p++ = '"';
    p = put_span(p, span_of(date, 10));
    *p++ = ' ';
    p = put_two(p, c->second / 3600);
    *p++ = ':';
    p = put_two(p, c->second / 60 % 60);
    *p++ = ':';
    p = put_two(p, c->second % 60);
    memcpy(p, "\",\"tcp\",\"", 9);
    p = put_ip(f, p + 9, &ip);
    *p++ = '"';
    *p++ = ',';
    return put_uint(p, c->port);
}

static const struct tail *tail_of(const struct feed *f, const struct model_checkin *c)
{
    const struct scenario *s = f->m->s;
    unsigned visitor = 0;
    if (c->role == MODEL_SCANNER)
        visitor = 1 + (unsigned)(f->m->actors[c->whom].of - s->scanners);
    return &f->tails[visitor * s->families_count + c->family];
}

static void put_row(const struct feed *f, struct buf *out, const char *date, uint32_t day,
                    const struct model_checkin *c)
{
    const struct tail *tail = tail_of(f, c);
    char *start = (char *)buf_reserve(out, f->row_max);
    char *p = put_start(f, start, date, c);
    char id[CHECKIN_ID_MAX];
    struct span var = {0};
    p = put_span(p, buf_as_span(&f->groups[f->m->pool->nets[c->net].group]));
    p = put_span(p, buf_as_span(&f->dsts[c->sensor]));
    p = put_span(p, tail->cells.parts[0]);
    if (tail->cells.n > 1)
        var = c->role == MODEL_SCANNER ? span_str(f->dst_text[c->sensor])
                                       : span_of(id, checkin_bot_id(f->m, c, day, id));
    for (unsigned i = 1; i < tail->cells.n; i++) {
        p = put_span(p, var);
        p = put_span(p, tail->cells.parts[i]);
    }
    out->n += (size_t)(p - start);
}

int feed_day(struct feed *f, uint32_t day, const struct model_checkin *checkins, size_t n,
             uint64_t *rows, struct err *err)
{
    char date[UTC_TEXT_MAX];
    utc_format_date(f->m->s->start_time + (int64_t)day * UTC_DAY, date);
    for (size_t i = 0; i < n; i++) {
        const struct model_checkin *c = &checkins[i];
        struct sink *to = f->to[f->m->pool->nets[c->net].v6];
        if (!to || !checkin_in_feed(f->m, c))
            continue;
        put_row(f, sink_buf(to), date, day, c);
        (*rows)++;
        int rc = sink_flush(to, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
