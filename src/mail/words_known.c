/* The words that rules name: what a disguised word is taken for when it could be several. */
#include "base/mem.h"
#include "mail/words_impl.h"

#define KNOWN_LETTERS_MIN 4

static uint64_t look_key(const uint8_t *p, unsigned n)
{
    static const uint8_t alike[256] = {
        ['l'] = 'i', ['1'] = 'i', ['|'] = 'i', ['!'] = 'i', ['0'] = 'o'};
    uint8_t one[WORDS_WORD_MAX];
    if (n > WORDS_WORD_MAX)
        n = WORDS_WORD_MAX;
    for (unsigned i = 0; i < n; i++)
        one[i] = alike[p[i]] ? alike[p[i]] : p[i];
    uint64_t key = words_hash(span_of(one, n));
    return key ? key : 1;
}

static struct known_word *slot_of(const struct known *k, uint64_t key)
{
    size_t i = key & (k->cap - 1);
    while (k->v[i].key && k->v[i].key != key)
        i = (i + 1) & (k->cap - 1);
    return &k->v[i];
}

static void grow(struct known *k)
{
    struct known old = *k;
    k->cap = old.cap ? old.cap * 2 : 256;
    k->v = mem_zeroed(k->cap, sizeof *k->v);
    for (size_t i = 0; i < old.cap; i++)
        if (old.v[i].key)
            *slot_of(k, old.v[i].key) = old.v[i];
    free(old.v);
}

void known_add(struct known *k, struct span word, bool accents)
{
    if (word.n < KNOWN_LETTERS_MIN || word.n > WORDS_WORD_MAX)
        return;
    if (k->count * 2 >= k->cap)
        grow(k);
    struct known_word *w = slot_of(k, look_key(word.p, (unsigned)word.n));
    if (w->key)
        return; /* the first rule's */
    w->key = look_key(word.p, (unsigned)word.n);
    w->n = (uint8_t)word.n;
    w->accents = accents;
    memcpy(w->text, word.p, word.n);
    k->count++;
}

const struct known_word *known_find(const struct known *k, const uint8_t *folded, unsigned n)
{
    if (!k->count || n < KNOWN_LETTERS_MIN || n > WORDS_WORD_MAX)
        return NULL;
    const struct known_word *w = slot_of(k, look_key(folded, n));
    return w->key && w->n == n ? w : NULL;
}
