/* Words: text as it is compared. Reading folds case, width and compatibility forms, confusable
 * letters (UTS 39 skeletons) and the digits and signs that stand for letters (v1agra, C|AL|S),
 * joins letters that were spaced apart (v i a g r a, v.i.a.g.r.a), drops zero-width characters, and
 * replaces what is different in each mail by its class: numbers, mail addresses, URLs, random
 * strings, and the recipient's own name. doc/gauge.md has the rules. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#define WORDS_MAX      4096 /* of one text; what follows is not read */
#define WORDS_WORD_MAX 64   /* bytes of a word; longer ones are cut and count as random */

enum word_kind {
    WORD_PLAIN,
    WORD_NUMBER,
    WORD_ADDRESS,
    WORD_URL,
    WORD_RANDOM,
    WORD_RECIPIENT,
    WORD_KINDS
};

enum word_flag {
    WORD_DISGUISED =
        1 << 0,           /* folding changed more than case: v1agra, Cyrillic letters, zero width */
    WORD_SPACED = 1 << 1, /* put together from letters that stood apart */
    WORD_LINE = 1 << 2,   /* the first of a line */
};

struct word {
    uint64_t hash;  /* of text and kind: words_hash() of it; classes have one hash each */
    uint32_t at, n; /* in words.text: the folded word. A class's is the text as it stood */
    uint32_t source, source_n; /* in the text that was read */
    uint8_t kind, flags;
};

struct words {
    struct span text;
    struct word *v;
    uint32_t n;
    uint32_t disguised, random; /* how many words are */
    bool cut;
};

/* Tables that are made once; used by one thread. */
struct words_reader;
struct words_reader *words_open(void);
void words_close(struct words_reader *r);

/* `text` is UTF-8. `recipient` may be empty: a mailbox whose local part (3 characters at least) is
 * the class WORD_RECIPIENT. Results in the arena. */
void words_read(struct words_reader *r, struct span text, struct span recipient,
                struct arena *arena, struct words *out);
/* The hash of a plain word that is folded already (small letters), as words_read gives it. */
uint64_t words_hash(struct span folded);
/* A word or name as words_read folds it, for rules ("Pfizer" -> "pfizer"), several words with a
 * space between them; in the arena. The reader remembers the words of rules: a disguised word that
 * could be several (C|A|IS, VaIium) is read as the one that a rule names. */
struct span words_fold(struct words_reader *r, struct span text, struct arena *arena);
/* The rules are read: words_fold remembers no more. */
void words_seal(struct words_reader *r);
