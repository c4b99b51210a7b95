#include "sim/mail_grammar.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "sim/mail_bundled.h"

#define DEPTH_MAX       16 /* of rules within rules */
#define OPTIONS_MAX     4  /* of a choice that stays open */
#define ALTERNATIVE_MAX 64 /* in one pair of braces */

static const char *const topic_names[MAIL_TOPICS] = {"pharmacy", "replica", "casino",   "dating",
                                                     "stock",    "malware", "phishing", "419",
                                                     "software", "loan",    "ham"};

const char *mail_topic_name(enum mail_topic t)
{
    return topic_names[t];
}

/* ---- reading ---- */

struct grammar {
    struct mail_rule *rule;
    size_t n, cap;
};

struct mail_grammars {
    struct grammar of[MAIL_TOPICS + 1]; /* the last one: common words */
};

/* Cuts at the bars that are outside of braces; the number of pieces. */
static unsigned split(struct span text, struct span *out, unsigned max)
{
    unsigned n = 0, depth = 0;
    size_t from = 0;
    for (size_t i = 0; i <= text.n; i++) {
        uint8_t c = i < text.n ? text.p[i] : '|';
        depth += c == '{';
        depth -= c == '}' && depth;
        if (c == '|' && (depth == 0 || i == text.n) && n < max) {
            out[n++] = span_of(text.p + from, i - from);
            from = i + 1;
        }
    }
    return n;
}

static void add_alternatives(struct mail_rule *r, struct span line)
{
    struct span piece[ALTERNATIVE_MAX];
    unsigned n = split(line, piece, ALTERNATIVE_MAX);
    r->alternative = mem_resize(r->alternative, r->n + n, sizeof *r->alternative);
    for (unsigned i = 0; i < n; i++) {
        piece[i] = span_trim(piece[i]);
        r->alternative[r->n++] = piece[i];
    }
}

static void read_grammar(struct span text, struct grammar *g)
{
    struct cur c = cur_of(text);
    while (cur_left(&c)) {
        struct span line = cur_line(&c);
        if (!line.n || line.p[0] == '#')
            continue;
        if (line.p[0] != ' ') {
            g->rule = mem_room(g->rule, g->n, &g->cap, sizeof *g->rule);
            g->rule[g->n++] = (struct mail_rule){.name = span_of(line.p, line.n - 1)};
        } else if (g->n) {
            add_alternatives(&g->rule[g->n - 1], span_trim(line));
        }
    }
}

struct mail_grammars *mail_grammars_new(void)
{
    struct mail_grammars *g = mem_zeroed(1, sizeof *g);
    for (const struct mail_bundled *b = mail_bundled; b->name; b++) {
        unsigned t = 0;
        while (t < MAIL_TOPICS && strcmp(topic_names[t], b->name) != 0)
            t++;
        read_grammar(span_of(b->text, b->len), &g->of[t]);
    }
    return g;
}

void mail_grammars_free(struct mail_grammars *g)
{
    for (unsigned t = 0; g && t <= MAIL_TOPICS; t++) {
        for (size_t i = 0; i < g->of[t].n; i++)
            free(g->of[t].rule[i].alternative);
        free(g->of[t].rule);
    }
    free(g);
}

static const struct mail_rule *find(const struct mail_grammars *g, enum mail_topic t,
                                    struct span name)
{
    for (unsigned where = t;; where = MAIL_TOPICS) {
        for (size_t i = 0; i < g->of[where].n; i++)
            if (span_eq(g->of[where].rule[i].name, name))
                return &g->of[where].rule[i];
        if (where == MAIL_TOPICS)
            return NULL;
    }
}

const struct mail_rule *mail_rule(const struct mail_grammars *g, enum mail_topic t,
                                  const char *name)
{
    return find(g, t, span_str(name));
}

/* ---- making ---- */

struct state {
    struct mail_maker *m;
    struct mail_program *out;
    bool capital; /* the next letter begins a sentence */
    bool marked;  /* the next word is one that filters look for */
    bool space;   /* a space would be the second one, or the first of all */
    bool open;    /* within a choice that stays open: none within it */
    unsigned depth;
};

static void expand(struct state *s, struct span text);

static struct mail_item *add_item(struct mail_program *p, enum mail_item_kind kind)
{
    p->item = mem_room(p->item, p->n, &p->cap, sizeof *p->item);
    struct mail_item *i = &p->item[p->n++];
    *i = (struct mail_item){.kind = (uint8_t)kind, .at = (uint32_t)p->text.n};
    return i;
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static void add_byte(struct state *s, uint8_t c)
{
    struct mail_program *p = s->out;
    struct mail_item *last = p->n ? &p->item[p->n - 1] : NULL;
    bool letter = is_letter(c), second = c == ' ' && s->space;
    s->space = c == ' ';
    if (second)
        return;
    if (s->capital && c > ' ') {
        if (c >= 'a' && c <= 'z')
            c &= 0xdf;
        s->capital = false;
    }
    enum mail_item_kind kind = s->marked && letter ? MAIL_MARKED : MAIL_LITERAL;
    if (s->marked && !letter && last && last->kind == MAIL_MARKED)
        s->marked = false;
    if (!last || last->kind != kind || last->n == UINT16_MAX || last->at + last->n != p->text.n)
        last = add_item(p, kind);
    buf_byte(&p->text, c);
    last->n++;
}

static void add_text(struct state *s, struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        add_byte(s, text.p[i]);
}

static void add_number(struct state *s, unsigned v)
{
    char text[16];
    unsigned n = 0;
    do
        text[sizeof text - ++n] = (char)('0' + v % 10);
    while (v /= 10);
    add_text(s, span_of(text + sizeof text - n, n));
}

static void add_brand(struct state *s)
{
    const struct mail_rule *r = mail_rule(s->m->g, s->m->topic, "brand");
    unsigned pick, n = r && r->n > MAIL_BRANDS_MAX ? MAIL_BRANDS_MAX : r ? r->n : 0;
    if (!n || !r->alternative[0].n)
        return;
    do
        pick = rng_below(&s->m->rng, n);
    while (s->m->brands && !(s->m->brands >> pick & 1));
    struct mail_item *i = add_item(s->out, MAIL_BRAND);
    i->of = (uint8_t)pick;
    i->n = (uint16_t)r->alternative[pick].n;
    buf_span(&s->out->text, r->alternative[pick]);
    s->capital = s->marked = s->space = false;
}

/* Places that the program fills in itself. */
static bool add_special(struct state *s, struct span name)
{
    struct rng *r = &s->m->rng;
    if (span_is(name, "brand"))
        add_brand(s);
    else if (span_is(name, "num"))
        add_number(s, 11 + rng_below(r, rng_chance(r, 0.5) ? 88 : 880));
    else if (span_is(name, "pct"))
        add_number(s, 5 * (2 + rng_below(r, 17)));
    else if (span_is(name, "cents"))
        add_number(s, 10 + rng_below(r, 90));
    else if (span_is(name, "day"))
        add_number(s, 4 + rng_below(r, 17));
    else if (span_is(name, "price")) {
        add_number(s, 1 + rng_below(r, rng_chance(r, 0.5) ? 9 : 290));
        add_byte(s, '.');
        add_text(s, span_str(rng_chance(r, 0.5) ? "95" : rng_chance(r, 0.5) ? "99" : "49"));
    } else if (span_is(name, "phone")) {
        add_text(s, span_str("+")); /* 555-01xx is nobody's number */
        add_number(s, 1 + rng_below(r, 9));
        add_text(s, span_str(" 555 01"));
        add_number(s, 10 + rng_below(r, 90));
    } else if (span_is(name, "me"))
        add_item(s->out, MAIL_ME);
    else if (span_is(name, "url")) {
        add_item(s->out, MAIL_URL);
        s->m->has_url = true;
    } else if (span_is(name, "mailbox"))
        add_item(s->out, MAIL_MAILBOX);
    else if (span_is(name, "numm"))
        add_item(s->out, MAIL_DIGITS)->n = (uint16_t)(4 + rng_below(r, 6));
    else if (span_is(name, "word"))
        add_item(s->out, MAIL_NOUN);
    else
        return false;
    if (s->out->item[s->out->n - 1].kind >= MAIL_ME)
        s->capital = s->space = false;
    return true;
}

/* One of the alternatives, or, where it stays open, some. */
static void choose(struct state *s, const struct span *alternative, unsigned n)
{
    struct mail_program *p = s->out;
    if (s->depth > DEPTH_MAX)
        return;
    s->depth++;
    if (n < 2 || s->open || !rng_chance(&s->m->rng, s->m->spin)) {
        expand(s, alternative[n > 1 ? rng_below(&s->m->rng, n) : 0]);
        s->depth--;
        return;
    }
    unsigned options = n < OPTIONS_MAX ? n : OPTIONS_MAX, first = rng_below(&s->m->rng, n);
    bool capital = s->capital, space = s->space;
    size_t choice = p->n;
    add_item(p, MAIL_CHOICE)->n = (uint16_t)options;
    s->open = true;
    for (unsigned i = 0; i < options; i++) {
        size_t option = p->n;
        add_item(p, MAIL_OPTION);
        s->capital = capital;
        s->space = space;
        expand(s, alternative[(first + i) % n]);
        p->item[option].at = (uint32_t)(p->n - option - 1);
    }
    s->open = s->space = false;
    p->item[choice].at = (uint32_t)(p->n - choice - 1);
    add_item(p, MAIL_LITERAL); /* what follows is no part of the last option */
    s->depth--;
}

static void expand_name(struct state *s, struct span name)
{
    bool same = name.n && name.p[0] == '@', open = s->open;
    struct rng before = s->m->rng;
    if (same) {
        name = span_of(name.p + 1, name.n - 1);
        uint64_t key = s->m->whose;
        for (size_t i = 0; i < name.n; i++)
            key = rng_mix(key + RNG_STEP * (name.p[i] + 1u));
        s->m->rng = (struct rng){key};
        s->open = true;
    }
    const struct mail_rule *r = find(s->m->g, s->m->topic, name);
    if (!add_special(s, name) && r && r->n)
        choose(s, r->alternative, r->n);
    if (same) {
        s->m->rng = before;
        s->open = open;
    }
}

static size_t closing(struct span text, size_t from)
{
    unsigned depth = 0;
    for (size_t i = from; i < text.n; i++) {
        depth += text.p[i] == '{';
        depth -= text.p[i] == '}';
        if (depth == 0)
            return i;
    }
    return text.n;
}

static void expand(struct state *s, struct span text)
{
    struct span piece[ALTERNATIVE_MAX];
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        const uint8_t *end = c == '<' ? memchr(text.p + i, '>', text.n - i) : NULL;
        if (c == '~') {
            s->marked = true;
        } else if (c == '{') {
            size_t to = closing(text, i);
            unsigned n = split(span_of(text.p + i + 1, to - i - 1), piece, ALTERNATIVE_MAX);
            choose(s, piece, n);
            i = to;
        } else if (end) {
            expand_name(s, span_of(text.p + i + 1, (size_t)(end - text.p) - i - 1));
            i = (size_t)(end - text.p);
        } else {
            add_byte(s, c);
        }
    }
}

static size_t make(struct mail_maker *m, const struct span *alternative, unsigned n,
                   struct mail_program *out)
{
    size_t at = out->n;
    struct state s = {.m = m, .out = out, .capital = true, .space = true};
    add_item(out, MAIL_LITERAL); /* nothing is added to the text before */
    choose(&s, alternative, n);
    return at;
}

size_t mail_make(struct mail_maker *m, const char *rule, struct mail_program *out)
{
    const struct mail_rule *r = mail_rule(m->g, m->topic, rule);
    return r && r->n ? make(m, r->alternative, r->n, out) : out->n;
}

size_t mail_make_nth(struct mail_maker *m, const char *rule, unsigned alternative,
                     struct mail_program *out)
{
    const struct mail_rule *r = mail_rule(m->g, m->topic, rule);
    return r && r->n ? make(m, &r->alternative[alternative % r->n], 1, out) : out->n;
}

void mail_make_text(struct mail_program *out, const char *text)
{
    struct mail_item *i = add_item(out, MAIL_LITERAL);
    i->n = (uint16_t)strlen(text);
    buf_str(&out->text, text);
}

void mail_program_free(struct mail_program *p)
{
    buf_free(&p->text);
    free(p->item);
    *p = (struct mail_program){0};
}

/* ---- checking ---- */

static bool is_special(struct span name)
{
    static const char *const names[] = {"brand", "num", "pct", "cents",   "day",  "price",
                                        "phone", "me",  "url", "mailbox", "numm", "word"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is(name, names[i]))
            return true;
    return false;
}

static struct span missing_in(const struct mail_grammars *g, enum mail_topic t, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        const uint8_t *end = text.p[i] == '<' ? memchr(text.p + i, '>', text.n - i) : NULL;
        if (!end)
            continue;
        bool same = text.p[i + 1] == '@';
        struct span name = span_of(text.p + i + 1 + same, (size_t)(end - text.p) - i - 1 - same);
        if (!is_special(name) && !find(g, t, name))
            return name;
    }
    return (struct span){0};
}

struct span mail_grammars_missing(const struct mail_grammars *g)
{
    static const char *const needed[] = {"brand", "subject", "opening", "sentence",
                                         "call",  "closing", "fragment"};
    for (unsigned t = 0; t <= MAIL_TOPICS; t++) {
        for (size_t i = 0; t < MAIL_HAM && i < sizeof needed / sizeof *needed; i++)
            if (!find(g, t, span_str(needed[i])))
                return span_str(needed[i]);
        for (size_t i = 0; i < g->of[t].n; i++)
            for (unsigned a = 0; a < g->of[t].rule[i].n; a++) {
                struct span name = missing_in(g, t, g->of[t].rule[i].alternative[a]);
                if (name.n)
                    return name;
            }
    }
    return (struct span){0};
}
