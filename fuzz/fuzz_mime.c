/* Mails to trees: limits hold, spans lie in the mail, texts are UTF-8, the plain code says the same
 * as the vectors, and reading headers stays within bounds. */
#include "must.h"
#include "wire/charset.h"
#include "wire/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parts of a message in base64 lie in what was decoded. */
static bool is_decoded(const struct mime *m, int i)
{
    for (i = m->part[i].parent; i >= 0; i = m->part[i].parent)
        if (m->part[i].message && m->part[i].encoding != MIME_IDENTITY)
            return true;
    return false;
}

static void check_part(struct span in, const struct mime *m, unsigned i)
{
    const struct mime_part *p = &m->part[i];
    must(p->parent < (int)i && (i == 0) == (p->parent == -1));
    must(p->depth == (i ? m->part[p->parent].depth + 1 : 0) && p->depth <= MIME_DEPTH_MAX);
    must(p->first_header + p->headers <= m->headers);
    must(p->type.n >= 3 && !(p->multipart && p->message) &&
         !(p->text && (p->multipart || p->message)));
    must(i == 0 || m->part[p->parent].multipart || m->part[p->parent].message ||
         p->encoding == MIME_UU);
    must(!p->text || (charset_is_utf8(p->body) && p->body.n <= 3 * MIME_TEXT_MAX));
    must(p->text || p->multipart || p->message || p->body.n <= p->size);
    must(charset_is_utf8(p->name) && (p->anomalies & ~m->anomalies) == 0);
    if (!is_decoded(m, (int)i))
        inside(in, p->raw);
}

static bool same(const struct mime *a, const struct mime *b)
{
    if (a->parts != b->parts || a->headers != b->headers || a->anomalies != b->anomalies)
        return false;
    for (unsigned i = 0; i < a->parts; i++)
        if (!span_eq(a->part[i].body, b->part[i].body) || a->part[i].size != b->part[i].size ||
            !span_eq(a->part[i].raw, b->part[i].raw) || !span_eq(a->part[i].type, b->part[i].type))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mime_scanner *s;
    static struct arena arena;
    struct mime m, plain;
    struct span in = span_of(data, size);
    s = s ? s : mime_scanner_new();
    arena_reset(&arena);
    mime_scan(s, in, &arena, &m);
    must(m.parts >= 1 && m.parts <= MIME_PARTS_MAX && m.headers <= MIME_HEADERS_MAX);
    inside(in, m.head);
    for (unsigned i = 0; i < m.parts; i++)
        check_part(in, &m, i);
    for (unsigned i = 0; i < m.headers; i++) {
        must(m.header[i].name.n > 0 && !memchr(m.header[i].name.p, '\n', m.header[i].name.n));
        must(charset_is_utf8(mime_text(s, m.header[i].value, &arena)));
        must(charset_is_utf8(mime_parameter(s, m.header[i].value, "filename", &arena)));
    }
    mime_decode_scalar(true);
    mime_scan(s, in, &arena, &plain);
    mime_decode_scalar(false);
    must(same(&m, &plain));
    return 0;
}
