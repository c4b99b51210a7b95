#include "event/classify_map.h"

#include <errno.h>
#include <stdlib.h>

#include "event/classify.h"

#define LINES_MAX   10000
#define CACHE_SLOTS 4096 /* a power of two */
#define CACHE_WORDS 3072 /* beyond this the cache starts anew */

struct line {
    struct span word, family; /* in lower case; a wildcard's word without its '*' */
    uint8_t confidence;
    bool wildcard, rest; /* "x-*", and "= *" */
};

struct slot {
    const uint8_t *word; /* as the feed spells it; NULL: free */
    uint32_t hash, word_n;
    struct map_family family;
};

struct map {
    struct arena arena;        /* lines */
    struct line *exact, *wild; /* sorted by word */
    size_t n_exact, n_wild;
    struct arena words; /* of the cache */
    size_t n_words;
    struct slot slot[CACHE_SLOTS];
};

static struct span lower(struct arena *a, struct span s)
{
    uint8_t *p = (uint8_t *)arena_copy(a, s.p, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] |= 0x20;
    return span_of(p, s.n);
}

/* Words and families are UTF-8 without control characters. */
static bool is_word(struct span s)
{
    if (s.n == 0 || s.n > CLASSIFY_WORD_MAX || !span_is_utf8(s))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

/* "family, 60": cuts the confidence off. */
static bool confidence(struct span *family, uint8_t *out)
{
    const uint8_t *comma = family->n ? memchr(family->p, ',', family->n) : NULL;
    *out = CLASSIFY_FEED_CONFIDENCE;
    if (!comma)
        return true;
    struct span number = span_trim(span_of(comma + 1, family->n - (size_t)(comma + 1 - family->p)));
    *family = span_trim(span_of(family->p, (size_t)(comma - family->p)));
    unsigned v = 0;
    for (size_t i = 0; i < number.n && i < 4; i++) {
        if (number.p[i] < '0' || number.p[i] > '9')
            return false;
        v = v * 10 + (number.p[i] - '0');
    }
    *out = (uint8_t)v;
    return number.n > 0 && number.n <= 3 && v >= 1 && v <= 100;
}

static const char *parse_line(struct map *m, struct span text, struct line *l)
{
    const uint8_t *equals = memchr(text.p, '=', text.n);
    if (!equals)
        return "wanted \"feedword = family\"";
    struct span word = span_trim(span_of(text.p, (size_t)(equals - text.p)));
    struct span family = span_trim(span_of(equals + 1, text.n - (size_t)(equals + 1 - text.p)));
    if (!confidence(&family, &l->confidence))
        return "the confidence behind the comma is not 1 to 100";
    l->wildcard = word.n && word.p[word.n - 1] == '*';
    word.n -= l->wildcard;
    if (!is_word(word) || memchr(word.p, '*', word.n))
        return "this is no feed word (a '*' may only end it)";
    l->rest = span_is(family, "*");
    if (l->rest && !l->wildcard)
        return "\"= *\" stands for what the word's '*' matched, but there is none";
    if (!is_word(family))
        return "this is no family name";
    l->word = lower(&m->arena, word);
    l->family = span_is(family, "-") ? span_of(NULL, 0) : lower(&m->arena, family);
    return NULL;
}

static int line_cmp(const void *a, const void *b)
{
    return span_cmp(((const struct line *)a)->word, ((const struct line *)b)->word);
}

static const struct line *find_exact(const struct line *v, size_t n, struct span word)
{
    struct line key = {.word = word};
    return n ? bsearch(&key, v, n, sizeof *v, line_cmp) : NULL;
}

/* Parses all lines into `lines`, which has room for them. */
static int parse(struct map *m, struct span text, const char *name, struct line *lines, size_t *n,
                 struct err *err)
{
    size_t number = 0;
    *n = 0;
    for (struct cur c = cur_of(text); cur_left(&c);) {
        struct span line = span_trim(cur_line(&c));
        number++;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        const char *why = parse_line(m, line, &lines[*n]);
        if (!why)
            for (size_t i = 0; i < *n && !why; i++)
                if (lines[i].wildcard == lines[*n].wildcard &&
                    span_eq(lines[i].word, lines[*n].word))
                    why = "this word is there already";
        if (why)
            return err_set(err, -EINVAL, "%s:%zu: %s", name, number, why);
        ++*n;
    }
    return 0;
}

static size_t count_lines(struct span text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

int map_open(struct span text, const char *name, struct map **out, struct err *err)
{
    size_t lines = count_lines(text), n;
    if (lines > LINES_MAX)
        return err_set(err, -EFBIG, "%s: more than %d lines", name, LINES_MAX);
    struct map *m = calloc(1, sizeof *m);
    struct line *parsed = calloc(lines, sizeof *parsed);
    if (!m || !parsed)
        abort();
    int rc = parse(m, text, name, parsed, &n, err);
    if (rc < 0) {
        free(parsed);
        map_close(m);
        return rc;
    }
    m->exact = arena_alloc(&m->arena, (n + 1) * sizeof *m->exact);
    m->wild = arena_alloc(&m->arena, (n + 1) * sizeof *m->wild);
    for (size_t i = 0; i < n; i++)
        if (parsed[i].wildcard)
            m->wild[m->n_wild++] = parsed[i];
        else
            m->exact[m->n_exact++] = parsed[i];
    free(parsed);
    qsort(m->exact, m->n_exact, sizeof *m->exact, line_cmp);
    qsort(m->wild, m->n_wild, sizeof *m->wild, line_cmp);
    *out = m;
    return 0;
}

void map_close(struct map *m)
{
    if (!m)
        return;
    arena_free(&m->arena);
    arena_free(&m->words);
    free(m);
}

/* Exact words first, then the longest wildcard, then the word itself. */
static struct map_family resolve(struct map *m, struct span as_sent)
{
    struct span trimmed = span_trim(as_sent);
    if (!is_word(trimmed))
        return (struct map_family){0};
    struct span word = lower(&m->words, trimmed);
    const struct line *l = find_exact(m->exact, m->n_exact, word);
    for (size_t n = word.n; n && !l; n--)
        l = find_exact(m->wild, m->n_wild, span_of(word.p, n));
    if (!l)
        return (struct map_family){word, CLASSIFY_FEED_CONFIDENCE};
    if (!l->rest)
        return (struct map_family){l->family, l->confidence};
    struct span rest = span_of(word.p + l->word.n, word.n - l->word.n);
    return (struct map_family){rest.n ? rest : word, l->confidence};
}

/* Multiply-xorshift over eight bytes at a time. */
static uint32_t hash_of(struct span s)
{
    uint64_t h = 0x9e3779b97f4a7c15ull ^ s.n, v;
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        memcpy(&v, s.p + i, 8);
        h = (h ^ v) * 0xff51afd7ed558ccdull;
        h ^= h >> 32;
    }
    v = 0;
    for (; i < s.n; i++)
        v = v << 8 | s.p[i];
    h = (h ^ v) * 0xc4ceb9fe1a85ec53ull;
    return (uint32_t)(h ^ h >> 32);
}

const struct map_family *map_find(struct map *m, struct span word)
{
    static const struct map_family none;
    if (word.n == 0 || word.n > CLASSIFY_WORD_MAX)
        return &none;
    uint32_t hash = hash_of(word), i = hash & (CACHE_SLOTS - 1);
    for (; m->slot[i].word; i = (i + 1) & (CACHE_SLOTS - 1))
        if (m->slot[i].hash == hash && span_eq(span_of(m->slot[i].word, m->slot[i].word_n), word))
            return &m->slot[i].family;
    if (m->n_words == CACHE_WORDS) {
        memset(m->slot, 0, sizeof m->slot);
        arena_reset(&m->words);
        m->n_words = 0;
        i = hash & (CACHE_SLOTS - 1);
    }
    m->n_words++;
    m->slot[i] = (struct slot){(const uint8_t *)arena_copy(&m->words, word.p, word.n), hash,
                               (uint32_t)word.n, resolve(m, word)};
    return &m->slot[i].family;
}
