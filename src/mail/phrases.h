/* Phrases: words and sequences of up to four of them, looked for in a mail's words. What a word in
 * the rules is, words_read() says itself, so a phrase is found wherever it is read the same way.
 * The usual word, which starts no phrase, costs a bit test. */
#pragma once

#include "mail/words.h"

#define PHRASE_WORDS_MAX 4
#define PHRASES_MAX      65536
#define PHRASE_LOOSE_MIN 5 /* letters of a word that is also found loosely */
#define PHRASE_LOOSE_MAX 32

struct phrases;
struct phrase_hit {
    uint32_t value; /* as it was added */
    uint32_t at;    /* first word */
    uint8_t n;      /* words */
    uint8_t flags;  /* word_flag of all of them */
    bool loose;     /* doubled or exchanged letters: "Viaagra", "Vaigra" */
};

struct phrases *phrases_new(void);
void phrases_free(struct phrases *p);
/* NULL, or why this is no phrase. */
const char *phrases_add(struct phrases *p, struct words_reader *words, struct span text,
                        uint32_t value);
/* Also finds it, when it is one word long enough, with a letter doubled or two letters exchanged;
 * and in words that words_read() calls disguised or random, with any letters doubled and any sign
 * for another that looks like it: i for l, 0 for o. False: it is too short, or no single word. */
bool phrases_add_loose(struct phrases *p, struct words_reader *words, struct span text,
                       uint32_t value);
/* When all are added, and before the first phrases_find. */
void phrases_seal(struct phrases *p);
/* In the order of the words, at one word the longest first, the same phrase as often as it comes.
 * How many there are, `max` at most. */
unsigned phrases_find(const struct phrases *p, const struct words *words, struct phrase_hit *out,
                      unsigned max);
