#include "sim/message.h"

#include "sim/checkin.h"
#include "sim/template.h"

#define DNS_TTL 60

static const struct scenario_family *family_of(const struct model *m, const struct model_checkin *c)
{
    return &m->s->families[c->family];
}

static struct rng stream(const struct model *m, const struct model_checkin *c, uint32_t day,
                         unsigned what)
{
    uint64_t whom = (uint64_t)c->role << 60 | (uint64_t)what << 56 | c->whom;
    return rng_stream(m->seed, RNG_FLOW, whom, (uint64_t)day << 16 | c->nth);
}

static void put(struct buf *out, const char *text, struct span id)
{
    struct template t = template_of(span_str(text));
    template_put(out, &t, id);
}

static void put_line(struct buf *out, const char *name, const char *value, struct span id)
{
    if (!value || !*value)
        return;
    buf_str(out, name);
    put(out, value, id);
    buf_put(out, "\r\n", 2);
}

/* Random bytes; the first two are never gzip's magic, so that "gzip declared but none" holds. */
static void put_body(struct buf *out, uint32_t n, struct rng *r)
{
    uint8_t *p = buf_reserve(out, n);
    for (uint32_t i = 0; i < n; i++)
        p[i] = (uint8_t)(rng_next(r) >> 56);
    if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b)
        p[0] ^= 0x80;
    out->n += n;
}

static void put_http(const struct model *m, const struct model_checkin *c, struct span id,
                     struct rng *r, struct buf *out)
{
    const struct scenario_family *f = family_of(m, c);
    bool scanner = c->role == MODEL_SCANNER;
    put(out, checkin_method(m, c), id);
    buf_byte(out, ' ');
    put(out, checkin_path(m, c), id);
    buf_str(out, " HTTP/1.1\r\nAccept: */*\r\n");
    if (!scanner) {
        put_line(out, "Referer: ", f->referer, id);
        for (unsigned i = 0; i < f->headers_count; i++)
            put_line(out, "", f->headers[i], id);
    }
    put_line(out, "User-Agent: ", checkin_agent(m, c), id);
    put_line(out, "Host: ", scanner ? m->s->sensors[c->sensor] : f->host, id);
    if (!scanner && f->body)
        buf_printf(out, "Content-Length: %u\r\n", f->body);
    buf_str(out, "\r\n");
    if (!scanner)
        put_body(out, f->body, r);
}

static void put_name(struct buf *out, const char *name, struct span id)
{
    struct buf text = {0};
    put(&text, name, id);
    for (size_t i = 0; i < text.n;) {
        const uint8_t *label = text.p + i, *dot = memchr(label, '.', text.n - i);
        size_t n = dot ? (size_t)(dot - label) : text.n - i;
        if (n) {
            buf_byte(out, (uint8_t)n);
            buf_put(out, label, n);
        }
        i += n + 1;
    }
    buf_byte(out, 0);
    buf_free(&text);
}

static void put_be16(struct buf *out, uint16_t v)
{
    be16_put(buf_reserve(out, 2), v);
    out->n += 2;
}

/* RFC 1035, 4.1: recursion desired, one question, A IN. */
static void put_query(const struct model *m, const struct model_checkin *c, struct span id,
                      struct rng *r, struct buf *out)
{
    const uint16_t header[6] = {(uint16_t)rng_next(r), 0x0100, 1, 0, 0, 0};
    for (int i = 0; i < 6; i++)
        put_be16(out, header[i]);
    put_name(out, family_of(m, c)->host, id);
    put_be16(out, 1);
    put_be16(out, 1);
}

/* The client's side from HELO to QUIT, the mail's lines ending in CRLF (RFC 5321, 2.3.8). */
static void put_smtp(const struct scenario_family *f, struct span id, struct buf *out)
{
    struct buf mail = {0};
    put_line(out, "HELO ", f->host, id);
    buf_str(out, "MAIL FROM:<");
    put(out, f->from, id);
    buf_str(out, ">\r\nRCPT TO:<");
    put(out, f->to, id);
    buf_str(out, ">\r\nDATA\r\n");
    put(&mail, f->payload, id);
    for (size_t i = 0; i < mail.n; i++) {
        if (mail.p[i] == '\r')
            continue;
        if (mail.p[i] == '\n')
            buf_byte(out, '\r');
        else if (mail.p[i] == '.' && (i == 0 || mail.p[i - 1] == '\n'))
            buf_byte(out, '.');
        buf_byte(out, mail.p[i]);
    }
    buf_str(out, mail.n && mail.p[mail.n - 1] == '\n' ? ".\r\nQUIT\r\n" : "\r\n.\r\nQUIT\r\n");
    buf_free(&mail);
}

void message_request(const struct model *m, const struct model_checkin *c, uint32_t day,
                     struct buf *out)
{
    const struct scenario_family *f = family_of(m, c);
    char text[CHECKIN_ID_MAX];
    struct span id = span_of(text, checkin_bot_id(m, c, day, text));
    struct rng r = stream(m, c, day, 1);
    if (f->kind == SCENARIO_HTTP) {
        put_http(m, c, id, &r, out);
    } else if (f->kind == SCENARIO_DNS) {
        put_query(m, c, id, &r, out);
    } else if (f->kind == SCENARIO_SMTP) {
        put_smtp(f, id, out);
    } else if (c->role != MODEL_SCANNER) {
        put(out, f->payload ? f->payload : "", id);
        put_body(out, f->body, &r);
    }
}

static void put_answer(const struct model *m, struct span query, struct buf *out)
{
    struct ip ip;
    ip_parse(span_str(m->s->sensors[m->sensors4[0]]), &ip);
    buf_put(out, query.p, 2);
    const uint16_t header[5] = {0x8500, 1, 1, 0, 0}; /* authoritative answer */
    for (int i = 0; i < 5; i++)
        put_be16(out, header[i]);
    buf_put(out, query.p + 12, query.n - 12);
    const uint16_t record[6] = {0xc00c, 1, 1, 0, DNS_TTL, 4}; /* the question's name, A, IN */
    for (int i = 0; i < 6; i++)
        put_be16(out, record[i]);
    buf_put(out, ip.b + 12, 4);
}

void message_response(const struct model *m, const struct model_checkin *c, struct span request,
                      struct buf *out)
{
    enum scenario_kind kind = family_of(m, c)->kind;
    if (kind == SCENARIO_HTTP)
        buf_str(out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    else if (kind == SCENARIO_DNS && request.n >= 12)
        put_answer(m, request, out);
}
