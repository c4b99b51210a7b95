#include "mail/phrases.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/letter_class.h"
#include "wire/text.h"

#define FILTER_BITS 15 /* 4 KB: it stays in the first-level cache */

struct phrase {
    uint64_t rest[PHRASE_WORDS_MAX - 1]; /* hashes behind the first word's */
    uint64_t first;
    uint32_t value;
    uint8_t words;
};

/* Phrases with one first word lie together: phrase[at] up to n of them. */
struct slot {
    uint64_t hash;
    uint32_t at, n; /* n is 0: free */
};

struct table {
    struct phrase *phrase;
    size_t n, cap;
    struct slot *slot;
    size_t mask;
};

struct phrases {
    struct table exact, loose;
    /* Which words may be found loosely: by first and last letter, a bit for each length. */
    uint32_t lengths[LETTER_CLASSES][LETTER_CLASSES];
    uint64_t filter[(1u << FILTER_BITS) / 64];
    struct arena arena; /* while they are added */
};

struct phrases *phrases_new(void)
{
    return mem_zeroed(1, sizeof(struct phrases));
}

void phrases_free(struct phrases *p)
{
    if (!p)
        return;
    free(p->exact.phrase);
    free(p->exact.slot);
    free(p->loose.phrase);
    free(p->loose.slot);
    arena_free(&p->arena);
    free(p);
}

static inline size_t filter_bit(uint64_t hash)
{
    return (size_t)(hash * 0x9e3779b97f4a7c15u >> (64 - FILTER_BITS));
}

static inline bool filter_has(const struct phrases *p, uint64_t hash)
{
    size_t bit = filter_bit(hash);
    return p->filter[bit / 64] >> bit % 64 & 1;
}

static inline size_t slot_of(uint64_t hash)
{
    return (size_t)(hash * 0xd6e8feb86659fd93u >> 20);
}

/* ---- loose words ---- */

/* Of the word itself, in any case, to tell it from those that are only like it. */
static uint64_t text_hash(struct span word)
{
    uint64_t h = word.n;
    for (size_t i = 0; i < word.n; i++)
        h = (h ^ text_lower(word.p[i])) * 0x9e3779b97f4a7c15u;
    return h;
}

/* The loose form: classes, a repeated one once; its hash, and its length in *n. 0: there is none.
 */
static uint64_t loose_hash(struct span word, unsigned *n)
{
    uint64_t h = 0;
    uint8_t last = 0;
    *n = 0;
    for (size_t i = 0; i < word.n; i++) {
        uint8_t c = letter_class[word.p[i]];
        if (c == LETTER_NONE || c == LETTER_HYPHEN)
            return 0;
        if (c != last)
            h = (h ^ c) * 0x9e3779b97f4a7c15u, ++*n;
        h ^= c != last ? h >> 29 : 0;
        last = c;
    }
    return h;
}

static inline bool loose_may_be(const struct phrases *p, const uint8_t *word, uint32_t n)
{
    return n <= PHRASE_LOOSE_MAX - 1 &&
           p->lengths[letter_class[word[0]]][letter_class[word[n - 1]]] >> n & 1;
}

/* ---- adding ---- */

static void table_add(struct table *t, const struct phrase *phrase)
{
    t->phrase = mem_room(t->phrase, t->n, &t->cap, sizeof *t->phrase);
    t->phrase[t->n++] = *phrase;
}

static const char *phrase_of(struct phrases *p, struct words_reader *reader, struct span text,
                             struct words *words)
{
    arena_reset(&p->arena);
    words_read(reader, text, span_of(NULL, 0), &p->arena, words);
    if (words->n == 0)
        return "there is no word in it";
    if (words->n > PHRASE_WORDS_MAX)
        return "a phrase of more than four words";
    return words->v[0].kind == WORD_NUMBER
               ? "it begins with a number, and every number is the same here"
               : NULL;
}

const char *phrases_add(struct phrases *p, struct words_reader *reader, struct span text,
                        uint32_t value)
{
    struct words words;
    const char *why = phrase_of(p, reader, text, &words);
    if (why)
        return why;
    for (uint32_t i = 0; i < words.n; i++)
        if (words.v[i].kind != WORD_PLAIN && words.v[i].kind != WORD_NUMBER)
            return "one of its words is a URL, an address or a random string in mail";
    if (p->exact.n == PHRASES_MAX)
        return "there are too many phrases";
    struct phrase phrase = {.value = value, .words = (uint8_t)words.n, .first = words.v[0].hash};
    for (uint32_t i = 1; i < words.n; i++)
        phrase.rest[i - 1] = words.v[i].hash;
    table_add(&p->exact, &phrase);
    return NULL;
}

bool phrases_add_loose(struct phrases *p, struct words_reader *reader, struct span text,
                       uint32_t value)
{
    struct words words;
    unsigned n;
    if (phrase_of(p, reader, text, &words) || words.n != 1)
        return false;
    struct span word = span_of(words.text.p + words.v[0].at, words.v[0].n);
    uint64_t hash = loose_hash(word, &n);
    if (!hash || n < PHRASE_LOOSE_MIN || p->loose.n == PHRASES_MAX)
        return false;
    table_add(&p->loose, &(struct phrase){
                             .value = value, .words = 1, .first = hash, .rest = {text_hash(word)}});
    uint32_t *lengths = &p->lengths[letter_class[word.p[0]]][letter_class[word.p[word.n - 1]]];
    for (size_t k = n; k <= word.n + 3 && k < PHRASE_LOOSE_MAX; k++)
        *lengths |= 1u << k;
    return true;
}

static int phrase_cmp(const void *a, const void *b)
{
    const struct phrase *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->words != y->words)
        return x->words > y->words ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value;
}

static void table_seal(struct table *t)
{
    size_t cap = 16;
    while (cap < t->n * 2)
        cap *= 2;
    t->slot = mem_zeroed(cap, sizeof *t->slot);
    t->mask = cap - 1;
    if (t->n)
        qsort(t->phrase, t->n, sizeof *t->phrase, phrase_cmp);
    for (size_t i = 0, n; i < t->n; i += n) {
        size_t k = slot_of(t->phrase[i].first) & t->mask;
        while (t->slot[k].n)
            k = (k + 1) & t->mask;
        for (n = 1; i + n < t->n && t->phrase[i + n].first == t->phrase[i].first;)
            n++;
        t->slot[k] = (struct slot){t->phrase[i].first, (uint32_t)i, (uint32_t)n};
    }
}

void phrases_seal(struct phrases *p)
{
    table_seal(&p->exact);
    table_seal(&p->loose);
    for (size_t i = 0; i < p->exact.n; i++)
        p->filter[filter_bit(p->exact.phrase[i].first) / 64] |=
            1ull << filter_bit(p->exact.phrase[i].first) % 64;
    arena_free(&p->arena);
}

/* ---- finding ---- */

static const struct slot *table_find(const struct table *t, uint64_t hash)
{
    for (size_t k = slot_of(hash) & t->mask; t->slot[k].n; k = (k + 1) & t->mask)
        if (t->slot[k].hash == hash)
            return &t->slot[k];
    return NULL;
}

struct finding {
    const struct words *words;
    struct phrase_hit *out;
    unsigned n, max;
};

static void found(struct finding *f, const struct phrase *phrase, uint32_t at, bool loose)
{
    if (f->n == f->max)
        return;
    uint8_t flags = 0;
    for (uint32_t i = at; i < at + phrase->words; i++)
        flags |= f->words->v[i].flags;
    f->out[f->n++] = (struct phrase_hit){phrase->value, at, phrase->words, flags, loose};
}

static bool follows(const struct words *words, uint32_t at, const struct phrase *phrase)
{
    if (words->n - at < phrase->words)
        return false;
    for (uint32_t i = 1; i < phrase->words; i++)
        if (words->v[at + i].hash != phrase->rest[i - 1])
            return false;
    return true;
}

static bool find_exact(const struct table *t, struct finding *f, uint32_t at)
{
    const struct slot *slot = table_find(t, f->words->v[at].hash);
    bool any = false;
    for (uint32_t i = 0; slot && i < slot->n; i++) {
        const struct phrase *phrase = &t->phrase[slot->at + i];
        if (!follows(f->words, at, phrase))
            continue;
        found(f, phrase, at, false);
        any |= phrase->words == 1;
    }
    return any;
}

static void find_loose(const struct table *t, struct finding *f, uint32_t at, struct span text)
{
    unsigned n;
    uint64_t hash = loose_hash(text, &n);
    const struct slot *slot = hash ? table_find(t, hash) : NULL;
    for (uint32_t i = 0; slot && i < slot->n; i++) {
        const struct phrase *phrase = &t->phrase[slot->at + i];
        found(f, phrase, at, phrase->rest[0] != text_hash(text));
    }
}

unsigned phrases_find(const struct phrases *p, const struct words *words, struct phrase_hit *out,
                      unsigned max)
{
    struct finding f = {words, out, 0, max};
    bool loose = p->loose.n > 0;
    for (uint32_t i = 0; i < words->n; i++) {
        const struct word *w = &words->v[i];
        if (filter_has(p, w->hash) && find_exact(&p->exact, &f, i))
            continue;
        if (!loose || w->n == 0 || (w->kind != WORD_PLAIN && w->kind != WORD_RANDOM))
            continue;
        if (loose_may_be(p, words->text.p + w->at, w->n))
            find_loose(&p->loose, &f, i, span_of(words->text.p + w->at, w->n));
    }
    return f.n;
}
