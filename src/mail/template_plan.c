/* Clauses: the pieces of a template that a rule asks for. Each lies in one place and one line, so
 * that it holds however an engine breaks text into lines and paragraphs. */
#include <errno.h>
#include <stdlib.h>

#include "mail/template_impl.h"
#include "wire/text.h"

#define PIECE_BYTES     100 /* of anchors in one clause, about */
#define PIECE_ITEMS     15
#define FIELD_BYTES     64 /* a field that may be longer ends a clause */
#define CANDIDATES_MAX  1024
#define TOKENS_SEEN     256
#define CLAUSE_BITS     10.0 /* a clause must be so rare */
#define RAW_COMMON_BITS 1.5  /* that each token of the mail as sent counts less */
#define MARKUP_PART     0.3  /* of its bits, that markup counts */
#define RAW_BYTES       8    /* a literal must be so long */
#define RULE_BITS       40.0 /* what a rule asks for at least */
#define URLS_MAX        2    /* clauses of that kind */
#define HEADERS_MAX     2
#define FIXED_BITS      1.5 /* of a field of one length and a narrow class */

struct planner {
    struct plan *plan;
    struct vocabulary *vocabulary;
    struct clause *candidate;
    unsigned n;
    uint32_t seen[TOKENS_SEEN];
    unsigned seens;
};

static bool is_class(const struct template_item *i, const char *class)
{
    return strcmp(i->class, class) == 0;
}

/* --- how rare a clause is --- */

static double anchor_bits(struct planner *p, const struct clause *c, struct span text)
{
    struct tokens t;
    double bits = 0;
    vocabulary_read(p->vocabulary, text, reading_of(c->place, c->header), &p->plan->arena, &t);
    for (uint32_t i = 0; i < t.n; i++) {
        bool known = false;
        for (unsigned k = 0; k < p->seens; k++)
            known = known || p->seen[k] == t.v[i].id;
        if (known || p->seens == TOKENS_SEEN)
            continue;
        p->seen[p->seens++] = t.v[i].id;
        double b = vocabulary_bits(p->vocabulary, t.v[i].id);
        if (c->place == TEMPLATE_RAW) /* markup */
            b = b > RAW_COMMON_BITS ? b - RAW_COMMON_BITS : 0;
        bits += b;
    }
    return bits;
}

/* HTML and style sheets are written by programs that honest people use, too. */
static bool is_markup(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (strchr("<>{}", s.p[i]) && s.p[i])
            return true;
    }
    return s.n > 3 && memmem(s.p, s.n, "=3D", 3);
}

static double clause_bits(struct planner *p, const struct clause *c)
{
    double bits = 0;
    p->seens = 0;
    for (unsigned i = 0; i < c->items; i++) {
        const struct template_item *item = &c->item[i];
        if (item->anchor)
            bits += anchor_bits(p, c, item->text);
        else if (item->least == item->most && item->least > 1)
            bits += FIXED_BITS;
    }
    if (c->place == TEMPLATE_RAW && is_markup(c->item->text))
        bits *= MARKUP_PART;
    return c->place == TEMPLATE_HEADER ? bits / 2 : bits;
}

static bool same_clause(const struct clause *a, const struct clause *b)
{
    if (a->place != b->place || a->items != b->items || a->header != b->header)
        return false;
    for (unsigned i = 0; i < a->items; i++) {
        if (a->item[i].anchor != b->item[i].anchor || !span_eq(a->item[i].text, b->item[i].text))
            return false;
    }
    return true;
}

static void candidate_add(struct planner *p, struct clause c)
{
    if (c.items == 0 || p->n == CANDIDATES_MAX)
        return;
    c.bits = clause_bits(p, &c);
    if (c.bits < (c.place == TEMPLATE_HEADER ? CLAUSE_BITS / 2 : CLAUSE_BITS))
        return;
    for (unsigned i = 0; i < p->n; i++) {
        if (same_clause(&p->candidate[i], &c))
            return;
    }
    p->candidate[p->n++] = c;
}

/* --- pieces of the body --- */

struct piece {
    struct planner *planner;
    const struct template_line *line;
    struct template_item item[PIECE_ITEMS];
    unsigned items;
    size_t bytes;
};

static struct span trim(struct span s, bool front, bool back)
{
    while (front && s.n && template_is_space(*s.p))
        s = text_behind(s, 1);
    while (back && s.n && template_is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* From anchor to anchor, without white space at its ends. */
static void piece_end(struct piece *p)
{
    unsigned first = 0, last = p->items;
    struct arena *arena = &p->planner->plan->arena;
    while (first < last && !p->item[first].anchor)
        first++;
    while (last > first && !p->item[last - 1].anchor)
        last--;
    p->items = 0;
    p->bytes = 0;
    if (first == last)
        return;
    unsigned n = last - first;
    struct template_item *item = arena_alloc(arena, n * sizeof *item);
    memcpy(item, p->item + first, n * sizeof *item);
    item[0].text = trim(item[0].text, true, n == 1);
    item[n - 1].text = trim(item[n - 1].text, n == 1, true);
    candidate_add(p->planner, (struct clause){p->line->place, p->line->header, item, n, false, 0});
}

static void piece_item(struct piece *p, const struct template_item *item)
{
    if (p->items == PIECE_ITEMS)
        piece_end(p);
    p->item[p->items++] = *item;
    p->bytes += item->text.n;
}

/* Where to cut a text that is longer than a piece: at white space, else before a character. */
static size_t cut_at(struct span text, size_t most)
{
    if (text.n <= most)
        return text.n;
    for (size_t n = most; n > most / 2; n--) {
        if (template_is_space(text.p[n]))
            return n;
    }
    size_t n = most;
    while (n > 1 && (text.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static void piece_anchor(struct piece *p, struct span text)
{
    while (text.n) {
        size_t line = text_find(text, '\n');
        size_t n = cut_at(span_of(text.p, line), PIECE_BYTES);
        struct template_item item = {.anchor = true, .text = span_of(text.p, n)};
        if (n)
            piece_item(p, &item);
        bool ends = n < text.n;
        text = text_behind(text, n);
        if (text.n && *text.p == '\n')
            text = text_behind(text, 1);
        if (ends)
            piece_end(p);
    }
}

static bool ends_piece(const struct template_item *field)
{
    return is_class(field, "line") || is_class(field, "any") || field->most > FIELD_BYTES;
}

static void line_pieces(struct planner *planner, const struct template_line *l)
{
    struct piece p = {.planner = planner, .line = l};
    for (unsigned i = 0; i < l->items; i++) {
        const struct template_item *item = &l->item[i];
        if (item->anchor)
            piece_anchor(&p, item->text);
        else if (ends_piece(item))
            piece_end(&p);
        else
            piece_item(&p, item);
        if (p.bytes >= PIECE_BYTES)
            piece_end(&p);
    }
    piece_end(&p);
}

/* --- other places --- */

static bool has_wide_field(const struct template_line *l)
{
    for (unsigned i = 0; i < l->items; i++) {
        if (!l->item[i].anchor &&
            (is_class(&l->item[i], "any") || l->item[i].most > 4 * FIELD_BYTES))
            return true;
    }
    return false;
}

static void subject_clause(struct planner *p, const struct template_line *l)
{
    if (l->items <= PIECE_ITEMS && !has_wide_field(l))
        candidate_add(p, (struct clause){l->place, NULL, l->item, l->items, true, 0});
    else
        line_pieces(p, l);
}

/* A URL's or header's anchors and what is between them. */
static void whole_clause(struct planner *p, const struct template_line *l)
{
    unsigned first = 0, last = l->items;
    while (first < last && !l->item[first].anchor)
        first++;
    while (last > first && !l->item[last - 1].anchor)
        last--;
    if (last - first <= PIECE_ITEMS && !has_wide_field(l))
        candidate_add(
            p, (struct clause){l->place, l->header, l->item + first, last - first, false, 0});
    else
        line_pieces(p, l);
}

static void raw_clauses(struct planner *p, const struct template_line *l)
{
    for (unsigned i = 0; i < l->items; i++) {
        struct template_item *item = &l->item[i];
        for (struct span rest = item->text; item->anchor && rest.n;) {
            size_t n = rest.n > 2 * PIECE_BYTES ? cut_at(rest, PIECE_BYTES) : rest.n;
            struct template_item *piece = arena_alloc(&p->plan->arena, sizeof *piece);
            *piece = (struct template_item){.anchor = true,
                                            .text = trim(span_of(rest.p, n), true, true)};
            if (piece->text.n >= RAW_BYTES)
                candidate_add(p, (struct clause){l->place, l->header, piece, 1, false, 0});
            rest = text_behind(rest, n);
        }
    }
}

static void gather(struct planner *p, const struct template *t, enum rule_format format)
{
    bool text = format == RULE_REGEX || format == RULE_HYPERSCAN;
    for (unsigned i = 0; i < t->lines; i++) {
        const struct template_line *l = &t->line[i];
        if ((l->place == TEMPLATE_RAW) != (format == RULE_YARA))
            continue;
        if (l->place == TEMPLATE_RAW)
            raw_clauses(p, l);
        else if (l->place == TEMPLATE_SUBJECT)
            subject_clause(p, l);
        else if (l->place == TEMPLATE_BODY)
            line_pieces(p, l);
        else if (l->place == TEMPLATE_URL || !text)
            whole_clause(p, l);
    }
}

/* --- which of them --- */

static int by_bits(const void *a, const void *b)
{
    const struct clause *x = a, *y = b;
    if (x->bits != y->bits)
        return x->bits < y->bits ? 1 : -1;
    return (x->item > y->item) - (x->item < y->item);
}

/* The rarest first, of no place but body and raw too many; of many that are equally rare, some from
 * all over the text. */
static void choose(struct planner *p)
{
    unsigned urls = 0, headers = 0, subjects = 0, n = 0;
    qsort(p->candidate, p->n, sizeof *p->candidate, by_bits);
    for (unsigned i = 0; i < p->n; i++) {
        struct clause c = p->candidate[i];
        unsigned *count = c.place == TEMPLATE_URL       ? &urls
                          : c.place == TEMPLATE_HEADER  ? &headers
                          : c.place == TEMPLATE_SUBJECT ? &subjects
                                                        : NULL;
        unsigned most = c.place == TEMPLATE_URL ? URLS_MAX : HEADERS_MAX;
        if (count && ++*count > most)
            continue;
        p->candidate[n++] = c;
    }
    unsigned equal = n ? 1 : 0;
    while (equal < n && p->candidate[equal].bits == p->candidate[0].bits)
        equal++;
    unsigned step = equal > RULE_CLAUSES_MAX ? equal / RULE_CLAUSES_MAX : 1;
    for (unsigned i = 0; i < n && p->plan->n < RULE_CLAUSES_MAX; i += step)
        p->plan->clause[p->plan->n++] = p->candidate[i];
}

/* A mail may lack some of the clauses, as long as those that are left are rare enough: what stood
 * in all samples need not be in all mails. */
static void choose_need(struct plan *plan)
{
    for (unsigned lack = plan->n / 4;; lack--) {
        plan->need = plan->n - lack;
        plan->bits = 0;
        for (unsigned i = lack; i < plan->n; i++) /* the rarest come first */
            plan->bits += plan->clause[i].bits;
        if (plan->bits >= RULE_BITS || lack == 0)
            return;
    }
}

int plan_make(const struct template *t, enum rule_format format, struct plan *out, struct err *err)
{
    struct planner p = {.plan = out, .vocabulary = vocabulary_open()};
    *out = (struct plan){.n = 0};
    p.candidate = arena_alloc(&out->arena, CANDIDATES_MAX * sizeof *p.candidate);
    gather(&p, t, format);
    choose(&p);
    choose_need(out);
    vocabulary_close(p.vocabulary);
    if (out->n && out->bits >= RULE_BITS)
        return 0;
    if (format == RULE_YARA && out->n == 0)
        return err_set(
            err, -ENODATA,
            "template: no literal stands in the bytes of all mails: their text is encoded "
            "(base64) or broken into lines differently");
    return err_set(
        err, -ENODATA,
        "template: the mails share too little to tell them from others (%.0f bits, %.0f at "
        "least)",
        out->bits, RULE_BITS);
}

void plan_free(struct plan *p)
{
    arena_free(&p->arena);
}
