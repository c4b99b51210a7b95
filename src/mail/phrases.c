#include "mail/phrases.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/letter_class.h"
#include "wire/text.h"

#define FILTER_BITS 16 /* 8 KB: it stays in the first-level cache */

#define WORDS_ONCE 256 /* words that are sifted before any is looked up */

struct phrase {
    uint64_t key;                        /* of its first word, or of its first two */
    uint64_t rest[PHRASE_WORDS_MAX - 1]; /* hashes behind the first word's */
    uint32_t value;
    uint8_t words;
};

/* Phrases with one key lie together: phrase[at] up to n of them. */
struct slot {
    uint64_t key;
    uint32_t at, n; /* n is 0: free */
};

struct table {
    struct phrase *phrase;
    size_t n, cap;
    struct slot *slot;
    size_t mask;
};

struct phrases {
    struct table single, several, loose; /* phrases of one word, of more; words found loosely */
    struct filter {
        uint64_t bits[(1u << FILTER_BITS) / 64];
    } firsts, keys;     /* first words; keys of single and several */
    struct arena arena; /* while they are added */
};

struct phrases *phrases_new(void)
{
    return mem_zeroed(1, sizeof(struct phrases));
}

static void table_free(struct table *t)
{
    free(t->phrase);
    free(t->slot);
}

void phrases_free(struct phrases *p)
{
    if (!p)
        return;
    table_free(&p->single);
    table_free(&p->several);
    table_free(&p->loose);
    arena_free(&p->arena);
    free(p);
}

/* Of two words that follow one another: words like "your" begin many phrases, pairs few. */
static inline uint64_t pair_key(uint64_t first, uint64_t second)
{
    return first * 0x9e3779b97f4a7c15u ^ (second << 32 | second >> 32);
}

static inline size_t filter_bit(uint64_t key)
{
    return (size_t)(key >> (64 - FILTER_BITS)); /* words_hash leaves no bit to chance */
}

static inline uint32_t filter_has(const struct filter *f, uint64_t key)
{
    size_t bit = filter_bit(key);
    return f->bits[bit / 64] >> bit % 64 & 1;
}

static void filter_add(struct filter *f, uint64_t key)
{
    f->bits[filter_bit(key) / 64] |= 1ull << filter_bit(key) % 64;
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

/* Words that are looked at for their loose form: disguised ones, and what passed for random. */
static inline bool is_odd(const struct word *w)
{
    return (w->kind == WORD_RANDOM) | ((w->flags & (WORD_DISGUISED | WORD_SPACED)) != 0);
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
    struct table *t = words.n == 1 ? &p->single : &p->several;
    if (t->n == PHRASES_MAX)
        return "there are too many phrases";
    struct phrase phrase = {.value = value, .words = (uint8_t)words.n, .key = words.v[0].hash};
    for (uint32_t i = 1; i < words.n; i++)
        phrase.rest[i - 1] = words.v[i].hash;
    filter_add(&p->firsts, phrase.key);
    if (words.n > 1)
        phrase.key = pair_key(phrase.key, phrase.rest[0]);
    table_add(t, &phrase);
    return NULL;
}

static void add_variant(struct phrases *p, const uint8_t *text, size_t n, uint32_t value)
{
    struct phrase phrase = {
        .key = words_hash(span_of(text, n)), .rest = {1}, .value = value, .words = 1};
    if (p->single.n == PHRASES_MAX)
        return;
    filter_add(&p->firsts, phrase.key);
    table_add(&p->single, &phrase);
}

/* A letter doubled, an i with an l beside it. */
static void add_doubled(struct phrases *p, struct span word, uint32_t value)
{
    uint8_t text[PHRASE_LOOSE_MAX + 1];
    for (size_t i = 0; i < word.n; i++) {
        uint8_t c = word.p[i], other = c == 'i' ? 'l' : c == 'l' ? 'i' : 0;
        memcpy(text, word.p, i + 1);
        memcpy(text + i + 2, word.p + i + 1, word.n - i - 1);
        text[i + 1] = c;
        if (i + 1 == word.n || word.p[i + 1] != c)
            add_variant(p, text, word.n + 1, value);
        text[i + 1] = other;
        if (other)
            add_variant(p, text, word.n + 1, value);
        text[i] = other;
        text[i + 1] = c;
        if (other)
            add_variant(p, text, word.n + 1, value);
    }
}

/* Two letters exchanged, but not the first or last. */
static void add_exchanged(struct phrases *p, struct span word, uint32_t value)
{
    uint8_t text[PHRASE_LOOSE_MAX];
    for (size_t i = 1; i + 2 < word.n; i++) {
        memcpy(text, word.p, word.n);
        text[i] = word.p[i + 1];
        text[i + 1] = word.p[i];
        if (text[i] != text[i + 1])
            add_variant(p, text, word.n, value);
    }
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
    table_add(&p->loose,
              &(struct phrase){.value = value, .words = 1, .key = hash, .rest = {text_hash(word)}});
    if (words.v[0].kind == WORD_PLAIN && word.n <= PHRASE_LOOSE_MAX) {
        /* words of their own, so that they cost nothing when mail is read */
        add_doubled(p, word, value);
        add_exchanged(p, word, value);
    }
    return true;
}

static int phrase_cmp(const void *a, const void *b)
{
    const struct phrase *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->words != y->words)
        return x->words > y->words ? -1 : 1;
    if (x->words == 1 && x->rest[0] != y->rest[0])
        return x->rest[0] < y->rest[0] ? -1 : 1; /* what is written so before misspellings */
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
        size_t k = slot_of(t->phrase[i].key) & t->mask;
        while (t->slot[k].n)
            k = (k + 1) & t->mask;
        for (n = 1; i + n < t->n && t->phrase[i + n].key == t->phrase[i].key;)
            n++;
        t->slot[k] = (struct slot){t->phrase[i].key, (uint32_t)i, (uint32_t)n};
    }
}

void phrases_seal(struct phrases *p)
{
    table_seal(&p->single);
    table_seal(&p->several);
    table_seal(&p->loose);
    for (size_t i = 0; i < p->single.n; i++)
        filter_add(&p->keys, p->single.phrase[i].key);
    for (size_t i = 0; i < p->several.n; i++)
        filter_add(&p->keys, p->several.phrase[i].key);
    arena_free(&p->arena);
}

/* ---- finding ---- */

static const struct slot *table_find(const struct table *t, uint64_t key)
{
    for (size_t k = slot_of(key) & t->mask; t->slot[k].n; k = (k + 1) & t->mask)
        if (t->slot[k].key == key)
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

static bool find_exact(const struct table *t, struct finding *f, uint32_t at, uint64_t key)
{
    const struct slot *slot = table_find(t, key);
    unsigned before = f->n;
    for (uint32_t i = 0; slot && i < slot->n; i++) {
        const struct phrase *phrase = &t->phrase[slot->at + i];
        if (follows(f->words, at, phrase))
            found(f, phrase, at, phrase->words == 1 && phrase->rest[0]);
    }
    return f->n > before;
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

/* Few words get here. */
static void find_at(const struct phrases *p, struct finding *f, uint32_t at)
{
    const struct word *w = &f->words->v[at];
    uint64_t pair = at + 1 < f->words->n ? pair_key(w->hash, w[1].hash) : 0;
    if (filter_has(&p->keys, pair))
        find_exact(&p->several, f, at, pair);
    if (filter_has(&p->keys, w->hash) && find_exact(&p->single, f, at, w->hash))
        return;
    if (p->loose.n && is_odd(w))
        find_loose(&p->loose, f, at, span_of(f->words->text.p + w->at, w->n));
}

/* Numbers of the words v[0..n] that may begin a phrase. Without branches, because what the next
 * word is cannot be foreseen. */
static unsigned sift(const struct phrases *p, const struct word *v, uint32_t n,
                     uint16_t out[WORDS_ONCE])
{
    unsigned k = 0;
    for (uint32_t i = 0; i < n; i++) {
        out[k] = (uint16_t)i;
        k += filter_has(&p->firsts, v[i].hash) | is_odd(&v[i]);
    }
    return k;
}

unsigned phrases_find(const struct phrases *p, const struct words *words, struct phrase_hit *out,
                      unsigned max)
{
    struct finding f = {words, out, 0, max};
    uint16_t may[WORDS_ONCE];
    for (uint32_t from = 0, n; from < words->n; from += n) {
        n = words->n - from < WORDS_ONCE ? words->n - from : WORDS_ONCE;
        unsigned k = sift(p, words->v + from, n, may);
        for (unsigned i = 0; i < k; i++)
            find_at(p, &f, from + may[i]);
    }
    return f.n;
}
