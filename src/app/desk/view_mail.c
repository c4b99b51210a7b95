/* View of one mail, taken apart to be looked at: text as text, HTML as the source of a string,
 * which the page sanitises and frames; of attachments names and digests alone, never bytes. */
#include <errno.h>

#include "app/desk/view.h"
#include "event/event.h"
#include "wire/mime.h"

#define HEADERS_MAX     200
#define HEADER_SHOWN    4096 /* bytes of a value */
#define TEXTS_MAX       20
#define HTML_MAX        (512u << 10)
#define ATTACHMENTS_MAX 100
#define RCPT_MAX        100

struct showing {
    struct view *v;
    struct arena arena;
    struct mime_scanner *scanner;
    struct mime mime;
    struct event ev;
    struct entry entry;
    struct buf payload, raw, sensor;
    bool cut;
};

static struct span shown(struct showing *g, struct span s, size_t max)
{
    if (s.n <= max)
        return s;
    g->cut = true;
    return span_of(s.p, max); /* json_span mends a character that is cut */
}

static int read_event(struct showing *g, struct err *err)
{
    struct casedir *c = &g->v->c;
    int rc = journal_get(c->journal, g->v->ask->id, &g->entry, err);
    if (rc < 0)
        return rc;
    buf_span(&g->payload, g->entry.payload);
    if (g->entry.header.kind != KIND_SMTP || g->entry.redacted ||
        event_decode(buf_as_span(&g->payload), &g->arena, &g->ev) < 0 ||
        g->ev.smtp.blob.n != SHA256_LEN)
        return err_set(err, -ENOENT, "entry %llu is no mail whose text is kept",
                       (unsigned long long)g->v->ask->id);
    struct entry e;
    struct span name = {0};
    if (g->entry.header.sensor && journal_get(c->journal, g->entry.header.sensor, &e, NULL) == 0 &&
        act_sensor_read(e.payload, &name) == 0)
        buf_span(&g->sensor, name);
    return casedir_blob(c, g->ev.smtp.blob.p, &g->raw, err);
}

static void put_ip(struct json *j, const char *key, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    json_key(j, key);
    if (ip_is_set(ip))
        json_span(j, span_of(text, ip_format(ip, text)));
    else
        json_null(j);
}

static void put_envelope(struct showing *g)
{
    struct json *j = &g->v->j;
    const struct event *ev = &g->ev;
    view_uint(j, "index", g->v->ask->id);
    view_when(j, "time", g->entry.header.time);
    json_key(j, "sensor");
    json_span(j, buf_as_span(&g->sensor));
    put_ip(j, "src_ip", &ev->src_ip);
    view_text(j, "country", ev->country);
    view_index(j, "asn", ev->asn);
    view_text(j, "as_name", ev->as_name);
    view_text(j, "family", ev->family);
    view_text(j, "helo", ev->smtp.helo);
    view_text(j, "mail_from", ev->smtp.mail_from);
    json_key(j, "rcpt_to");
    json_array(j);
    for (size_t i = 0; i < ev->smtp.rcpt_to.n && i < RCPT_MAX; i++)
        json_span(j, ev->smtp.rcpt_to.v[i]);
    json_array_end(j);
    g->cut |= ev->smtp.rcpt_to.n > RCPT_MAX;
    view_digest(j, "sha256", ev->smtp.blob);
    view_uint(j, "size", g->raw.n);
    const struct mime_header *subject = mime_header(&g->mime, 0, "Subject");
    json_key(j, "subject");
    json_span(j, subject ? mime_text(g->scanner, subject->value, &g->arena) : ev->smtp.subject);
}

static void put_headers(struct showing *g)
{
    struct json *j = &g->v->j;
    const struct mime_part *mail = &g->mime.part[0];
    json_key(j, "headers");
    json_array(j);
    for (unsigned i = 0; g->mime.parts && i < mail->headers && i < HEADERS_MAX; i++) {
        const struct mime_header *h = &g->mime.header[mail->first_header + i];
        json_object(j);
        json_key(j, "name");
        json_span(j, shown(g, h->name, 256));
        json_key(j, "value");
        json_span(j, shown(g, mime_text(g->scanner, h->value, &g->arena), HEADER_SHOWN));
        json_object_end(j);
    }
    json_array_end(j);
    g->cut |= g->mime.parts && mail->headers > HEADERS_MAX;
}

static bool is_leaf(const struct mime_part *p)
{
    return !p->multipart && !p->message;
}

static bool is_html(const struct mime_part *p)
{
    return span_is(p->type, "text/html") || span_is(p->type, "application/xhtml+xml");
}

static bool is_saved(const struct mime_part *p)
{
    return is_leaf(p) && (!p->text || span_is(p->disposition, "attachment"));
}

static void put_texts(struct showing *g)
{
    struct json *j = &g->v->j;
    unsigned n = 0;
    json_key(j, "texts");
    json_array(j);
    for (unsigned i = 0; i < g->mime.parts; i++) {
        const struct mime_part *p = &g->mime.part[i];
        if (!is_leaf(p) || is_saved(p) || is_html(p))
            continue;
        if (n++ == TEXTS_MAX) {
            g->cut = true;
            break;
        }
        json_object(j);
        json_key(j, "type");
        json_span(j, p->type);
        view_text(j, "charset", p->charset);
        json_key(j, "text");
        json_span(j, p->body);
        view_bool(j, "cut", p->anomalies & MIME_CUT_BYTES);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_html(struct showing *g)
{
    struct span html = {0};
    for (unsigned i = 0; i < g->mime.parts && !html.n; i++)
        if (is_leaf(&g->mime.part[i]) && !is_saved(&g->mime.part[i]) && is_html(&g->mime.part[i]))
            html = g->mime.part[i].body;
    view_text(&g->v->j, "html", shown(g, html, HTML_MAX));
}

static void put_attachments(struct showing *g)
{
    struct json *j = &g->v->j;
    unsigned n = 0;
    json_key(j, "attachments");
    json_array(j);
    for (unsigned i = 0; i < g->mime.parts; i++) {
        const struct mime_part *p = &g->mime.part[i];
        uint8_t digest[SHA256_LEN];
        if (!is_saved(p))
            continue;
        if (n++ == ATTACHMENTS_MAX) {
            g->cut = true;
            break;
        }
        sha256(p->body.p, p->body.n, digest);
        json_object(j);
        view_text(j, "name", shown(g, p->name, 256));
        json_key(j, "type");
        json_span(j, shown(g, p->type, 256));
        view_uint(j, "size", p->size);
        view_digest(j, "sha256", span_of(digest, sizeof digest));
        json_object_end(j);
    }
    json_array_end(j);
}

int view_mail(struct view *v, struct err *err)
{
    struct showing g = {.v = v};
    arena_init(&g.arena);
    int rc = casedir_open(&v->c, v->ask->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = read_event(&g, err);
    if (rc == 0) {
        g.scanner = mime_scanner_new();
        mime_scan(g.scanner, buf_as_span(&g.raw), &g.arena, &g.mime);
        json_object(&v->j);
        put_envelope(&g);
        put_headers(&g);
        put_texts(&g);
        put_html(&g);
        put_attachments(&g);
        view_bool(&v->j, "cut",
                  g.cut || g.mime.anomalies & (MIME_CUT_DEPTH | MIME_CUT_PARTS | MIME_CUT_HEADERS |
                                               MIME_CUT_BYTES));
        view_end(v);
        mime_scanner_free(g.scanner);
    }
    buf_free(&g.payload);
    buf_free(&g.raw);
    buf_free(&g.sensor);
    arena_free(&g.arena);
    return rc;
}
