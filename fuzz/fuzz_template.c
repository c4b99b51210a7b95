/* Templates of any texts: what is inferred can be printed and written in every format, each engine
 * takes it, and it matches every sample that it was made from. Samples lie between bytes 0x1e; a
 * sample is subject, sender, Message-ID, URLs and body, between bytes 0x1f. */
#include "mail/template.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SAMPLES  8
#define BODY_MAX 1500 /* SpamAssassin cuts longer paragraphs, also within a clause */

static struct span piece(struct cur *c, uint8_t end)
{
    const uint8_t *at = cur_left(c) ? memchr(c->p, end, cur_left(c)) : NULL;
    struct span s = span_of(c->p, at ? (size_t)(at - c->p) : cur_left(c));
    c->p += s.n + (at != NULL);
    return s;
}

/* A header's value has no line ends, as template_text_of makes it. */
static struct span flat(struct span s, struct arena *arena)
{
    uint8_t *p = arena_alloc(arena, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool space = s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r');
        if (!space)
            p[n++] = s.p[i];
        else if (n && p[n - 1] != ' ')
            p[n++] = ' ';
    }
    while (n && p[n - 1] == ' ')
        n--;
    return span_of(p, n);
}

static void sample(struct span in, struct arena *arena, struct template_text *out)
{
    struct cur c = cur_of(in);
    *out = (struct template_text){.url = arena_alloc(arena, 2 * sizeof(struct span))};
    out->subject = flat(piece(&c, 0x1f), arena);
    out->from = flat(piece(&c, 0x1f), arena);
    out->message_id = flat(piece(&c, 0x1f), arena);
    for (out->urls = 0; out->urls < 2; out->urls++)
        out->url[out->urls] = flat(piece(&c, 0x1f), arena);
    out->body = span_of(c.p, cur_left(&c) < BODY_MAX ? cur_left(&c) : BODY_MAX);
    out->raw = in;
}

static void check_line(const struct template_line *l)
{
    must(l->place < TEMPLATE_PLACES && l->items && l->items <= TEMPLATE_ITEMS_MAX);
    for (unsigned i = 0; i < l->items; i++) {
        const struct template_item *item = &l->item[i];
        must(item->anchor ? item->text.n > 0 : item->class != NULL && item->least <= item->most);
        must(item->dicts <= TEMPLATE_DICT_MAX);
    }
}

static void check_rule(const struct template *t, enum rule_format f, const struct template_text *s,
                       unsigned n)
{
    struct buf out = {0};
    struct rule *rule = NULL;
    int written = rule_write(t, f, "campaign_1", NULL, &out, NULL);
    must((written == 0) == (out.n > 0));
    must((rule_compile(t, f, &rule, NULL) == 0) == (written == 0));
    for (unsigned i = 0; i < n && rule; i++) {
        if (t->used >> i & 1)
            must(rule_match(rule, &s[i]) == 1);
    }
    rule_free(rule);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct template_text s[SAMPLES];
    struct template t;
    struct buf out = {0};
    struct cur c = cur_of(span_of(data, size));
    unsigned n = 0;
    while (n < SAMPLES && cur_left(&c))
        sample(piece(&c, 0x1e), &arena, &s[n++]);
    for (unsigned given = n; given && n < SAMPLES; n++) /* so that few bytes make a template */
        s[n] = s[n % given];
    if (template_infer(s, n, &arena, &t, NULL) == 0) {
        must(t.samples >= TEMPLATE_SAMPLES_MIN &&
             t.samples == (unsigned)__builtin_popcountll(t.used));
        for (unsigned i = 0; i < t.lines; i++)
            check_line(&t.line[i]);
        template_print(&t, &out);
        check_rule(&t, (enum rule_format)(size % RULE_FORMATS), s,
                   n); /* one: engines are slow to start */
    }
    buf_free(&out);
    arena_free(&arena);
    return 0;
}
