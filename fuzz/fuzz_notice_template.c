/* A notice's template of any bytes, filled with any values: what is checked good can be filled,
 * what is not cannot; values do not get out of their places; what comes out can be laid out and
 * mailed. Between bytes 0xff, which are in no UTF-8: the template, then values; the first byte says
 * the form.
 */
#include "must.h"
#include "report/notice_layout.h"
#include "report/notice_message.h"
#include "report/notice_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ITEMS 3

static struct span piece(struct cur *c)
{
    size_t left = cur_left(c);
    const uint8_t *end = left ? memchr(c->p, 0xff, left) : NULL;
    struct span s = span_of(c->p, end ? (size_t)(end - c->p) : left);
    c->p = end ? end + 1 : c->end;
    return s;
}

static bool has_any(struct span s, const char *marks)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] && strchr(marks, s.p[i]))
            return true;
    return false;
}

static size_t lines_of(struct span s)
{
    size_t n = 0;
    for (struct cur c = cur_of(s); cur_left(&c); n++)
        cur_line(&c);
    return n;
}

static void check_out(struct span words, enum notice_form form, const struct notice_values *v,
                      struct span out)
{
    must(out.n > 0 && out.n <= NOTICE_OUTPUT_MAX + (1u << 20) && out.p[out.n - 1] == '\n');
    must(span_is_utf8(out));
    for (size_t i = 0; i < out.n; i++)
        must(out.p[i] >= 0x20 || out.p[i] == '\t' || out.p[i] == '\n');
    if (form == NOTICE_HTML && !has_any(words, "<>\"'"))
        must(!has_any(out, "<>\"'"));
    must(lines_of(out) <= lines_of(words) * (v->n_items ? v->n_items : 1));
    must(lines_of(out) >= lines_of(words));
}

static int look(void *ctx, struct span words, bool line)
{
    must(words.n > 0 && (!line || !memchr(words.p, '\n', words.n)));
    *(size_t *)ctx += words.n;
    return 0;
}

static void check_layout(struct span text)
{
    struct arena arena = {0};
    struct notice_layout l;
    size_t seen = 0;
    notice_paragraphs(text, look, &seen);
    must(seen <= text.n);
    if (notice_layout(text, &arena, &l, NULL) == 0) {
        must(l.n <= NOTICE_PARTS_MAX);
        size_t all = l.heading.n + l.court.n + l.parties.n + l.docket.n + l.title.n + l.signature.n;
        for (unsigned i = 0; i < l.n; i++)
            all += l.part[i].words.n + l.part[i].head.n;
        must(all <= text.n);
    }
    arena_free(&arena);
}

static void check_mail(struct span text, struct span html)
{
    struct buf mail = {0};
    struct span subject, body;
    notice_text_split(text, &subject, &body);
    must(subject.n + body.n <= text.n);
    must(notice_message(&(struct notice_message){.from_name = subject,
                                                 .from = span_str("a@b.example"),
                                                 .to_name = subject,
                                                 .to = span_str("c@d.example"),
                                                 .subject = subject,
                                                 .message_id = span_str("1@b.example"),
                                                 .language = "en",
                                                 .text = body,
                                                 .html = html},
                        &mail, NULL) == 0);
    size_t run = 0;
    for (size_t i = 0; i < mail.n; i++) {
        uint8_t c = mail.p[i];
        must((c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n' || c == '\t');
        must(c != '\n' || (i && mail.p[i - 1] == '\r'));
        run = c == '\n' ? 0 : run + 1;
        must(run <= 999);
    }
    buf_free(&mail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cur c = cur_of(span_of(data, size));
    struct span items[ITEMS];
    struct notice_values v = {.items = items, .n_items = ITEMS};
    struct buf out = {0};
    bool used[NOTICE_VALUES];
    uint8_t first = 0;
    cur_u8(&c, &first);
    enum notice_form form = (enum notice_form)(first % NOTICE_FORMS);
    struct span words = piece(&c);
    for (unsigned i = 0; i < ITEMS; i++)
        items[i] = piece(&c);
    for (unsigned i = 0; i < NOTICE_VALUES; i++)
        v.text[i] = cur_left(&c) ? piece(&c) : span_str("a value");
    bool good = notice_template_check(words, form, used, NULL) == 0, whole = true;
    for (unsigned i = 0; good && i < NOTICE_VALUES; i++)
        whole &= !used[i] || i == NOTICE_ASSETS || v.text[i].n > 0;
    int rc = notice_template_fill(words, form, &v, &out, NULL);
    must(good || rc < 0);
    must(!good || !whole || rc == 0 || out.n == 0);
    must(rc == 0 || out.n == 0);
    if (rc == 0) {
        must(whole);
        check_out(words, form, &v, buf_as_span(&out));
        check_mail(buf_as_span(&out), form == NOTICE_HTML ? buf_as_span(&out) : span_of(NULL, 0));
    }
    check_layout(rc == 0 ? buf_as_span(&out) : words);
    buf_free(&out);
    return 0;
}
