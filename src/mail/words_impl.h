/* Inside of words: what its files share. */
#pragma once

#include "mail/words.h"

/* ---- hash (stable on all machines: it goes to disk) ---- */

#define WORDS_K0    0xa0761d6478bd642full
#define WORDS_K1    0xe7037ed1a0b428dbull
#define WORDS_BLOCK 16

static inline uint64_t words_fold_multiply(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* 16 bytes of a word, little-endian and zero behind its end; n: the length of the word. No
 * well-formed UTF-8 has the bytes of the constants, so a first factor is never made 0 by choosing
 * words. */
static inline uint64_t words_hash_block(uint64_t h, uint64_t lo, uint64_t hi, unsigned n)
{
    return words_fold_multiply(lo ^ h ^ WORDS_K0, hi ^ WORDS_K1 ^ (uint64_t)n << 56);
}

/* ---- characters beyond ASCII ---- */

enum fold_class {
    FOLD_SEPARATOR,
    FOLD_SPACE,
    FOLD_LETTER,
    FOLD_DIGIT,
    FOLD_APOSTROPHE,
    FOLD_DROP,  /* zero width, and marks that stand alone */
    FOLD_CHAIN, /* scripts that are written without spaces */
};
enum fold_flag {
    FOLD_CONFUSED = 1 << 0, /* another script's or a compatibility letter, taken for an ASCII one */
    FOLD_ACCENT = 1 << 1,   /* an ASCII letter with a mark that was taken off */
};
#define FOLD_TEXT_MAX 6

struct fold {
    uint8_t class : 4, flags : 4, n;
    uint8_t text[FOLD_TEXT_MAX]; /* UTF-8, whole characters; longer foldings are cut */
};

struct folds;
struct folds *folds_open(void);
void folds_close(struct folds *f);
/* Of any code point from 0x80. Pages of the table are made when they are first met. */
const struct fold *folds_get(struct folds *f, uint32_t cp);
/* Reads one character; its bytes, 1 for a byte that is not UTF-8 (*cp is 0xfffd then). n > 0. */
unsigned utf8_next(const uint8_t *p, size_t n, uint32_t *cp);

/* ---- words that rules know ---- */

struct known {
    struct known_word {
        uint64_t key; /* hash of the word with letters that look alike made one; 0: free */
        uint8_t n;
        bool accents; /* the rule itself is not in ASCII */
        uint8_t text[WORDS_WORD_MAX];
    } * v;
    size_t cap, count;
};

struct words_reader {
    struct folds *folds;
    struct known known;
    uint64_t class_hash[WORD_KINDS];
    bool sealed;
    bool vector; /* the CPU has AVX2 */
};

/* Tests: forbids the CPU's vector instructions; the results are the same. */
void words_scalar(struct words_reader *r, bool scalar);

void known_add(struct known *k, struct span word, bool accents);
/* The word that `folded` may stand for; NULL. */
const struct known_word *known_find(const struct known *k, const uint8_t *folded, unsigned n);

/* ---- classes ---- */

/* Small letters that no word has: three consonants in a row, and pairs that are rare in words. */
bool words_random(const uint8_t *letters, unsigned n);
/* The second half of that, for letters that are known to have the first. */
bool words_odd(const uint8_t *letters, unsigned n);
/* The letter that 1, | or ! stands for between two letters (0: the word's end). */
uint8_t words_i_or_l(uint8_t before, uint8_t behind);

/* A URL, host or mail address in a chunk of text without white space; `from` is how much of it has
 * been read. Finds the first; false: there is none. */
bool words_find_class(struct span chunk, size_t *start, size_t *end, enum word_kind *kind);
