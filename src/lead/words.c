#include "lead/words.h"

#include <assert.h>

#define LETTERS_ENOUGH 4 /* no two words have the same first four */
#define LETTERS_MAX    8

static const char *const words[] = {
#define WORD(w) #w,
#include "lead/words.def"
};
_Static_assert(sizeof words / sizeof *words == WORDS_COUNT, "as many as 11 bits have values");

const char *word_of(unsigned value)
{
    assert(value < WORDS_COUNT);
    return words[value];
}

/* < 0, 0, > 0 as the given letters come before the word, begin it, or come behind it. */
static int compare(const char *given, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (given[i] != word[i]) /* at the word's end it is NUL */
            return given[i] < word[i] ? -1 : 1;
    return n < LETTERS_ENOUGH && word[n] ? -1 : 0;
}

int word_value(struct span word)
{
    char lower[LETTERS_MAX + 1];
    if (!word.n || word.n > LETTERS_MAX)
        return -1;
    for (size_t i = 0; i < word.n; i++) {
        uint8_t c = word.p[i] | 0x20;
        if (c < 'a' || c > 'z' || (word.p[i] & 0x80))
            return -1;
        lower[i] = (char)c;
    }
    for (int low = 0, high = WORDS_COUNT; low < high;) {
        int middle = (low + high) / 2;
        int order = compare(lower, word.n, words[middle]);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}
