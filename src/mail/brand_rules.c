/* Reading the register of brands. */
#include <stdlib.h>

#include "base/domain.h"
#include "base/mem.h"
#include "mail/brand_impl.h"
#include "mail/ruleset_text.h"
#include "wire/text.h"

#define NAME_MAX_BYTES 64 /* of names, owners and kinds */
#define NEARS_MAX      65536
#define DOMAINS_MAX    32768

struct reading {
    struct brands *b;
    struct words_reader *words;
    struct ruleset_text *text;
    struct err *err;
};

static struct span keep(struct brands *b, struct span s)
{
    return span_of(arena_copy(&b->arena, s.p, s.n), s.n);
}

static struct span keep_small(struct brands *b, struct span s)
{
    uint8_t *p = (uint8_t *)arena_copy(&b->arena, s.p, s.n);
    for (size_t i = 0; i < s.n; i++)
        p[i] = text_lower(p[i]);
    return span_of(p, s.n);
}

/* Small letters, digits and hyphens: what a command line takes without quotes. */
static bool is_name(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (!((uint8_t)(c - 'a') < 26 || (uint8_t)(c - '0') < 10 || (c == '-' && i > 0)))
            return false;
    }
    return s.n > 0 && s.n <= NAME_MAX_BYTES;
}

/* The brand that ends here says all that it must. */
static int finish_brand(const struct reading *r)
{
    const struct brands *b = r->b;
    if (b->n == 0)
        return 0;
    const struct brand *brand = &b->brand[b->n - 1];
    const char *lacks = !brand->owner.n  ? "an owner"
                        : !brand->kind.n ? "a kind"
                        : !brand->marks  ? "a mark"
                                         : NULL;
    if (!lacks)
        return 0;
    r->text->line = brand->line;
    return ruleset_text_wrong(r->text, r->err, "the brand \"%.*s\" lacks %s", (int)brand->name.n,
                              (const char *)brand->name.p, lacks);
}

static int read_brand(const struct reading *r, struct span name)
{
    struct brands *b = r->b;
    int bad = finish_brand(r);
    if (bad)
        return bad;
    if (!is_name(name))
        return ruleset_text_wrong(r->text, r->err,
                                  "a brand's name is 1 to %d small letters, digits and hyphens",
                                  NAME_MAX_BYTES);
    if (brand_named(b, name) >= 0)
        return ruleset_text_wrong(r->text, r->err, "this brand is there already");
    if (b->n == BRANDS_MAX)
        return ruleset_text_wrong(r->text, r->err, "more than %d brands", BRANDS_MAX);
    b->brand = mem_room(b->brand, b->n, &b->cap, sizeof *b->brand);
    b->brand[b->n++] = (struct brand){.name = keep(b, name),
                                      .mark = (uint32_t)b->marks,
                                      .domain = (uint32_t)b->domains,
                                      .line = r->text->line};
    return 0;
}

static int read_owner(const struct reading *r, struct span owner)
{
    struct brand *brand = &r->b->brand[r->b->n - 1];
    if (owner.n == 0 || owner.n > NAME_MAX_BYTES || brand->owner.n)
        return ruleset_text_wrong(r->text, r->err, "wanted one owner of 1 to %d bytes",
                                  NAME_MAX_BYTES);
    brand->owner = keep(r->b, owner);
    return 0;
}

static int read_kind(const struct reading *r, struct span kind)
{
    struct brand *brand = &r->b->brand[r->b->n - 1];
    if (!is_name(kind) || brand->kind.n)
        return ruleset_text_wrong(r->text, r->err, "wanted one kind: a word of small letters");
    brand->kind = keep(r->b, kind);
    return 0;
}

static int add_domains(const struct reading *r, struct span list, bool mailboxes)
{
    struct brands *b = r->b;
    while (list.n) {
        uint8_t text[DOMAIN_TEXT_MAX];
        size_t n = domain_text(ruleset_word(&list), text);
        if (n == 0 || !memchr(text, '.', n))
            return ruleset_text_wrong(r->text, r->err, "this is no domain name");
        if (b->domains == DOMAINS_MAX)
            return ruleset_text_wrong(r->text, r->err, "more than %d domains", DOMAINS_MAX);
        b->domain = mem_room(b->domain, b->domains, &b->domains_cap, sizeof *b->domain);
        b->domain[b->domains++] = (struct own){keep(b, span_of(text, n)), mailboxes};
        b->brand[b->n - 1].domains++;
    }
    return 0;
}

static int read_domains(const struct reading *r, struct span list)
{
    return add_domains(r, list, false);
}

static int read_mailboxes(const struct reading *r, struct span list)
{
    return add_domains(r, list, true);
}

static int read_near(const struct reading *r, struct span list, uint32_t *nears)
{
    struct brands *b = r->b;
    struct arena arena = {0};
    struct span item;
    *nears = 0;
    while (ruleset_item(&list, ',', &item)) {
        struct words words;
        words_read(r->words, item, span_of(NULL, 0), &arena, &words);
        if (words.n != 1 || words.v[0].kind != WORD_PLAIN || *nears == BRAND_NEAR_MAX ||
            b->nears == NEARS_MAX) {
            arena_free(&arena);
            return ruleset_text_wrong(r->text, r->err,
                                      "behind \"near\": 1 to %d words with commas between them",
                                      BRAND_NEAR_MAX);
        }
        b->near = mem_room(b->near, b->nears, &b->nears_cap, sizeof *b->near);
        b->near[b->nears++] = (struct near_word){words.v[0].hash, keep_small(b, item)};
        ++*nears;
    }
    arena_free(&arena);
    return *nears ? 0 : ruleset_text_wrong(r->text, r->err, "there is nothing behind \"near\"");
}

/* "Chase near bank, account": cuts off what is behind the word near; false: it is not there. */
static bool split_near(struct span *marks, struct span *near)
{
    struct span rest = *marks;
    while (rest.n) {
        struct span word = ruleset_word(&rest);
        if (!span_is(word, "near"))
            continue;
        *near = rest;
        marks->n = (size_t)(word.p - marks->p);
        *marks = span_trim(*marks);
        return true;
    }
    return false;
}

static int add_mark(const struct reading *r, struct span text, uint32_t near, uint32_t nears,
                    bool loosely)
{
    struct brands *b = r->b;
    struct brand *brand = &b->brand[b->n - 1];
    uint32_t value = (uint32_t)b->marks;
    if (b->marks == BRAND_MARKS_MAX || brand->marks == UINT16_MAX)
        return ruleset_text_wrong(r->text, r->err, "more than %d marks", BRAND_MARKS_MAX);
    if (nears == 0) { /* the reader takes disguised words for it */
        struct arena arena = {0};
        words_fold(r->words, text, &arena);
        arena_free(&arena);
    }
    bool loose = loosely && nears == 0 && phrases_add_loose(b->phrases, r->words, text, value);
    const char *why = phrases_add(b->phrases, r->words, text, value);
    if (why && !loose)
        return ruleset_text_wrong(r->text, r->err, "\"%.*s\" is no mark: %s", (int)text.n,
                                  (const char *)text.p, why);
    needles_add(b->needles, text, nears == 0,
                value); /* those that no host name can have are left out */
    b->mark = mem_room(b->mark, b->marks, &b->marks_cap, sizeof *b->mark);
    b->mark[b->marks++] =
        (struct mark){keep(b, text), (uint16_t)(b->n - 1), (uint16_t)brand->marks++, near, nears};
    return 0;
}

static int read_marks(const struct reading *r, struct span list, bool loosely)
{
    struct span near, item;
    uint32_t first = (uint32_t)r->b->nears, nears = 0;
    bool any = false;
    if (split_near(&list, &near)) {
        int bad = read_near(r, near, &nears);
        if (bad)
            return bad;
    }
    while (ruleset_item(&list, ',', &item)) {
        int bad = add_mark(r, item, first, nears, loosely);
        if (bad)
            return bad;
        any = true;
    }
    return any ? 0 : ruleset_text_wrong(r->text, r->err, "there is no mark");
}

static int read_mark(const struct reading *r, struct span list)
{
    return read_marks(r, list, true);
}

static int read_exact(const struct reading *r, struct span list)
{
    return read_marks(r, list, false);
}

static int read_line(const struct reading *r, struct span line)
{
    static const struct {
        const char *word;
        int (*read)(const struct reading *r, struct span rest);
    } known[] = {
        {"brand", read_brand},     {"owner", read_owner},         {"kind", read_kind},
        {"domains", read_domains}, {"mailboxes", read_mailboxes}, {"mark", read_mark},
        {"exact", read_exact},
    };
    struct span word = ruleset_word(&line);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!span_is(word, known[i].word))
            continue;
        if (i > 0 && r->b->n == 0)
            return ruleset_text_wrong(r->text, r->err, "there is no \"brand\" before this line");
        return known[i].read(r, line);
    }
    return ruleset_text_wrong(r->text, r->err,
                              "wanted brand, owner, kind, domains, mailboxes, mark or exact");
}

static int read_all(const struct reading *r)
{
    struct span line;
    int more;
    while ((more = ruleset_text_next(r->text, &line, r->err)) > 0) {
        int bad = read_line(r, line);
        if (bad)
            return bad;
    }
    return more < 0 ? more : finish_brand(r);
}

int brands_open(const char *path, struct words_reader *words, struct brands **out, struct err *err)
{
    struct ruleset_text text;
    struct brands *b = mem_zeroed(1, sizeof *b);
    struct reading reading = {b, words, &text, err};
    b->phrases = phrases_new();
    b->needles = needles_new();
    int r = ruleset_text_open(path, &text, err);
    if (r == 0)
        r = read_all(&reading);
    ruleset_text_close(&text);
    if (r < 0) {
        brands_close(b);
        return r;
    }
    phrases_seal(b->phrases);
    needles_seal(b->needles);
    *out = b;
    return 0;
}

void brands_close(struct brands *b)
{
    if (!b)
        return;
    phrases_free(b->phrases);
    needles_free(b->needles);
    free(b->brand);
    free(b->mark);
    free(b->near);
    free(b->domain);
    arena_free(&b->arena);
    free(b);
}

unsigned brands_count(const struct brands *b)
{
    return (unsigned)b->n;
}

struct span brand_name(const struct brands *b, unsigned brand)
{
    return b->brand[brand].name;
}

struct span brand_owner(const struct brands *b, unsigned brand)
{
    return b->brand[brand].owner;
}

struct span brand_kind(const struct brands *b, unsigned brand)
{
    return b->brand[brand].kind;
}

unsigned brand_marks(const struct brands *b, unsigned brand)
{
    return b->brand[brand].marks;
}

struct span brand_mark(const struct brands *b, unsigned brand, unsigned mark)
{
    return b->mark[b->brand[brand].mark + mark].text;
}

int brand_named(const struct brands *b, struct span name)
{
    for (size_t i = 0; i < b->n; i++)
        if (span_ieq(b->brand[i].name, name))
            return (int)i;
    return -1;
}
