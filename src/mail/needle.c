#include "mail/needle.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/letter_class.h"

#define GRAM      3
#define GRAM_BITS 15 /* five bits a letter */
#define NO_NEEDLE UINT32_MAX

struct needle {
    uint8_t text[NEEDLE_MAX];  /* classes */
    uint8_t plain[NEEDLE_MAX]; /* small letters and digits */
    uint8_t n;
    bool glued;
    uint32_t value;
    uint32_t next; /* with the same first three letters */
};

struct needles {
    struct needle *v;
    size_t n, cap;
    uint64_t filter[(1u << GRAM_BITS) / 64]; /* first three letters of any */
    uint32_t first[1u << GRAM_BITS];         /* the needles with them */
};

static uint8_t small(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c;
}

static unsigned gram_of(const uint8_t *text)
{
    return (unsigned)text[0] << 10 | (unsigned)text[1] << 5 | text[2];
}

struct needles *needles_new(void)
{
    struct needles *n = mem_zeroed(1, sizeof *n);
    memset(n->first, 0xff, sizeof n->first);
    return n;
}

void needles_free(struct needles *n)
{
    if (!n)
        return;
    free(n->v);
    free(n);
}

const char *needles_add(struct needles *n, struct span text, bool glued, uint32_t value)
{
    struct needle needle = {.value = value};
    for (size_t i = 0; i < text.n; i++) {
        uint8_t class = letter_class[text.p[i]];
        if (text.p[i] >= 0x80)
            return "letters beyond a to z: they are in no host name";
        if (class == LETTER_NONE || class == LETTER_HYPHEN)
            continue; /* spaces, and the dot of "Amazon.com" */
        if (needle.n == NEEDLE_MAX)
            return "too long";
        needle.text[needle.n] = class;
        needle.plain[needle.n++] = small(text.p[i]);
    }
    if (needle.n < NEEDLE_MIN)
        return "too short";
    needle.glued = glued && needle.n >= NEEDLE_GLUED_MIN;
    uint32_t *first = &n->first[gram_of(needle.text)];
    for (uint32_t k = *first; k != NO_NEEDLE; k = n->v[k].next)
        if (n->v[k].n == needle.n && memcmp(n->v[k].text, needle.text, needle.n) == 0)
            return "it is there already";
    needle.next = *first;
    *first = (uint32_t)n->n;
    n->v = mem_room(n->v, n->n, &n->cap, sizeof *n->v);
    n->v[n->n++] = needle;
    return NULL;
}

/* The longest of those with the same beginning comes first, so that it is found instead of the
 * shorter ones within it. */
static int needle_cmp(const void *a, const void *b)
{
    const struct needle *x = a, *y = b;
    return (int)x->n - (int)y->n;
}

void needles_seal(struct needles *n)
{
    if (n->n)
        qsort(n->v, n->n, sizeof *n->v, needle_cmp);
    memset(n->first, 0xff, sizeof n->first);
    for (size_t i = 0; i < n->n; i++) {
        unsigned gram = gram_of(n->v[i].text);
        n->filter[gram / 64] |= 1ull << gram % 64;
        n->v[i].next = n->first[gram];
        n->first[gram] = (uint32_t)i;
    }
}

/* A name without its hyphens: `class` ends with LETTER_NONE. */
struct straw {
    uint8_t class[NEEDLE_NAME_MAX + 1];
    uint8_t at[NEEDLE_NAME_MAX]; /* where each was in the name */
    unsigned n;
    struct span name;
};

static bool begins_word(const struct straw *s, unsigned i)
{
    return i == 0 || s->class[i - 1] == LETTER_NONE || s->at[i] != s->at[i - 1] + 1;
}

static bool disguised(const struct straw *s, unsigned i, const struct needle *needle)
{
    for (unsigned k = 0; k < needle->n; k++)
        if (small(s->name.p[s->at[i + k]]) != needle->plain[k])
            return true;
    return false;
}

/* The needle that lies at i; its hit in *out. */
static const struct needle *needle_at(const struct needles *n, const struct straw *s, unsigned i,
                                      struct needle_hit *out)
{
    for (uint32_t k = n->first[gram_of(s->class + i)]; k != NO_NEEDLE; k = n->v[k].next) {
        const struct needle *needle = &n->v[k];
        if (needle->n > s->n - i || memcmp(needle->text, s->class + i, needle->n) != 0)
            continue;
        bool begins = begins_word(s, i);
        bool ends = s->class[i + needle->n] == LETTER_NONE || begins_word(s, i + needle->n);
        if (!(begins && ends) && !(needle->glued && (begins || ends)))
            continue;
        *out = (struct needle_hit){needle->value, disguised(s, i, needle), !(begins && ends)};
        return needle;
    }
    return NULL;
}

/* Whether three letters lie there that begin a needle: most names need no more. */
static bool may_have(const struct needles *n, struct span name)
{
    unsigned gram = 0;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t class = letter_class[name.p[i]];
        if (class == LETTER_HYPHEN)
            continue;
        gram = (gram << 5 | class) & ((1u << GRAM_BITS) - 1);
        if (n->filter[gram / 64] >> gram % 64 & 1)
            return true;
    }
    return false;
}

static void straw_of(struct straw *s, struct span name)
{
    s->n = 0;
    s->name = name;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t class = letter_class[name.p[i]];
        if (class == LETTER_HYPHEN)
            continue;
        s->class[s->n] = class;
        s->at[s->n++] = (uint8_t)i;
    }
    s->class[s->n] = LETTER_NONE;
}

unsigned needles_find(const struct needles *n, struct span name, struct needle_hit *out,
                      unsigned max)
{
    struct straw s;
    unsigned found = 0;
    if (name.n > NEEDLE_NAME_MAX)
        name.n = NEEDLE_NAME_MAX;
    if (n->n == 0 || !may_have(n, name))
        return 0;
    straw_of(&s, name);
    for (unsigned i = 0; i + GRAM <= s.n && found < max; i++) {
        unsigned gram = gram_of(s.class + i);
        if (!(n->filter[gram / 64] >> gram % 64 & 1))
            continue;
        const struct needle *needle = needle_at(n, &s, i, &out[found]);
        if (needle) {
            found++;
            i += needle->n - 1u;
        }
    }
    return found;
}
