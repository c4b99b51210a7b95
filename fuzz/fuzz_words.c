/* Words, their sketch and grammar_value: what holds of any bytes. The first byte says how long the
 * recipient is, which comes next. */
#include "mail/grammar.h"
#include "mail/sketch.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct words *w, struct span text)
{
    uint32_t random = 0, disguised = 0, at = 0;
    must(w->n <= WORDS_MAX && (w->n == 0 || text.n));
    for (uint32_t i = 0; i < w->n; i++) {
        const struct word *v = &w->v[i];
        must(v->n > 0 && v->at + v->n <= w->text.n && v->at >= at);
        must(v->source_n > 0 && v->source + v->source_n <= text.n && v->kind < WORD_KINDS);
        at = v->at + v->n;
        if (v->kind == WORD_PLAIN) {
            must(v->n <= WORDS_WORD_MAX);
            must(v->hash == words_hash(span_of(w->text.p + v->at, v->n)));
        }
        random += v->kind == WORD_RANDOM;
        disguised += (v->flags & WORD_DISGUISED) != 0;
    }
    must(random == w->random && disguised == w->disguised);
}

static void check_sketch(const struct words *a, const struct words *b)
{
    struct sketch s, t;
    sketch_of(a, b, &s);
    sketch_of(a, b, &t);
    must(memcmp(&s, &t, sizeof s) == 0 && s.shingles <= a->n + b->n);
    must((s.shingles == 0) == (a->n + b->n == a->random + b->random));
    must(sketch_likeness(&s, &t) == (s.shingles ? 1 : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct words_reader *reader;
    static struct arena arena;
    if (!reader) {
        reader = words_open();
        words_fold(reader, span_str("viagra cialis valium pfizer"), &arena);
        words_seal(reader);
    }
    arena_reset(&arena);
    size_t n = size ? data[0] : 0;
    if (n + 1 > size)
        n = 0;
    struct span recipient = span_of(data + (size > 0), n);
    struct span text = span_of(data + (size > 0) + n, size - (size > 0) - n);
    struct words w, r;
    struct grammar g;
    words_read(reader, text, recipient, &arena, &w);
    check(&w, text);
    words_read(reader, recipient, span_of(NULL, 0), &arena, &r);
    check_sketch(&r, &w);
    struct span folded = words_fold(reader, text, &arena);
    must(folded.n <= w.text.n + w.n + 4 * text.n + 1);
    grammar_value(text, &arena, &g);
    must(g.text.n <= GRAMMAR_TEXT_MAX && (g.hash == 0) == (g.text.n == 0));
    grammar_message_id(text, &arena, &g);
    must(g.text.n <= GRAMMAR_TEXT_MAX);
    struct event ev = {.kind = KIND_SMTP};
    ev.smtp.has = true;
    ev.smtp.dialogue = text;
    ev.smtp.replies = recipient;
    grammar_dialect(&ev, &arena, &g);
    must(g.text.n <= GRAMMAR_TEXT_MAX);
    return 0;
}
