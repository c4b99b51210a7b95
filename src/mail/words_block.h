/* Inside of words: 64 bytes of text at once, a bit a byte for each kind of byte. AVX2 where the CPU
 * has it; else a table, with the same results. */
#pragma once

#include "mail/words_impl.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define WORDS_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#endif

#define BLOCK_BYTES 64

struct block {
    const uint8_t *p; /* BLOCK_BYTES and more can be read */
    uint64_t letter, capital, vowel, digit, high;
    uint64_t space, blank, line; /* white space; of it, ' ' and '\n' */
    uint64_t joint;              /* words may go on behind it: . : @ ' ` ! $ | \ */
    uint64_t bar;                /* / \ | */
};

/* ---- plain ---- */

enum {
    B_LETTER = 1 << 0,
    B_VOWEL = 1 << 1,
    B_DIGIT = 1 << 2,
    B_HIGH = 1 << 3,
    B_SPACE = 1 << 4,
    B_LINE = 1 << 5,
    B_JOINT = 1 << 6,
    B_BAR = 1 << 7,
};

static const uint8_t block_types[256] = {
    ['b' ... 'd'] = B_LETTER,
    ['f' ... 'h'] = B_LETTER,
    ['j' ... 'n'] = B_LETTER,
    ['p' ... 't'] = B_LETTER,
    ['v' ... 'z'] = B_LETTER,
    ['a'] = B_LETTER | B_VOWEL,
    ['e'] = B_LETTER | B_VOWEL,
    ['i'] = B_LETTER | B_VOWEL,
    ['o'] = B_LETTER | B_VOWEL,
    ['u'] = B_LETTER | B_VOWEL,
    ['B' ... 'D'] = B_LETTER,
    ['F' ... 'H'] = B_LETTER,
    ['J' ... 'N'] = B_LETTER,
    ['P' ... 'T'] = B_LETTER,
    ['V' ... 'Z'] = B_LETTER,
    ['A'] = B_LETTER | B_VOWEL,
    ['E'] = B_LETTER | B_VOWEL,
    ['I'] = B_LETTER | B_VOWEL,
    ['O'] = B_LETTER | B_VOWEL,
    ['U'] = B_LETTER | B_VOWEL,
    ['0' ... '9'] = B_DIGIT,
    [0x80 ... 0xff] = B_HIGH,
    [' '] = B_SPACE,
    ['\t'] = B_SPACE,
    ['\v' ... '\r'] = B_SPACE,
    ['\n'] = B_SPACE | B_LINE,
    ['.'] = B_JOINT,
    [':'] = B_JOINT,
    ['@'] = B_JOINT,
    ['\''] = B_JOINT,
    ['`'] = B_JOINT,
    ['!'] = B_JOINT,
    ['$'] = B_JOINT,
    ['|'] = B_JOINT | B_BAR,
    ['\\'] = B_JOINT | B_BAR,
    ['/'] = B_BAR,
};

static inline void block_look_plain(struct block *b)
{
    *b = (struct block){.p = b->p};
    for (unsigned i = 0; i < BLOCK_BYTES; i++) {
        uint64_t c = b->p[i], t = block_types[c];
        b->letter |= (t & 1) << i;
        b->capital |= (t & 1 & ~(c >> 5)) << i;
        b->vowel |= (t >> 1 & 1) << i;
        b->digit |= (t >> 2 & 1) << i;
        b->high |= (t >> 3 & 1) << i;
        b->space |= (t >> 4 & 1) << i;
        b->blank |= (uint64_t)(c == ' ') << i;
        b->line |= (t >> 5 & 1) << i;
        b->joint |= (t >> 6 & 1) << i;
        b->bar |= (t >> 7) << i;
    }
}

/* ---- AVX2 ---- */

#ifdef WORDS_AVX2
WORDS_AVX2 static inline uint64_t block_bits(__m256i v)
{
    return (uint32_t)_mm256_movemask_epi8(v);
}

/* Of 32 bytes, into the bits from `at`. A byte's set is told by its halves: what both tables have
 * in common (bytes beyond ASCII get nothing from the first). */
WORDS_AVX2 static inline void block_half(struct block *b, unsigned at)
{
    enum {
        VOWEL_46 = 1, /* a e i o; in rows 4 and 6 of ASCII */
        VOWEL_57 = 2, /* u */
        DIGIT_3 = 4,
        JOINT_2 = 8,   /* ! $ ' . */
        JOINT_3 = 16,  /* : */
        JOINT_46 = 32, /* @ ` */
        BAR_57 = 64,   /* \ | */
        BAR_2 = 128,   /* / */
        VOWELS = VOWEL_46 | VOWEL_57,
        JOINTS = JOINT_2 | JOINT_3 | JOINT_46 | BAR_57,
        BARS = BAR_57 | BAR_2,
    };
    const __m256i low_table = _mm256_setr_epi8(
        DIGIT_3 | JOINT_46, VOWEL_46 | DIGIT_3 | JOINT_2, DIGIT_3, DIGIT_3, DIGIT_3 | JOINT_2,
        VOWEL_46 | VOWEL_57 | DIGIT_3, DIGIT_3, DIGIT_3 | JOINT_2, DIGIT_3, VOWEL_46 | DIGIT_3,
        JOINT_3, 0, BAR_57, 0, JOINT_2, VOWEL_46 | (int8_t)BAR_2, DIGIT_3 | JOINT_46,
        VOWEL_46 | DIGIT_3 | JOINT_2, DIGIT_3, DIGIT_3, DIGIT_3 | JOINT_2,
        VOWEL_46 | VOWEL_57 | DIGIT_3, DIGIT_3, DIGIT_3 | JOINT_2, DIGIT_3, VOWEL_46 | DIGIT_3,
        JOINT_3, 0, BAR_57, 0, JOINT_2, VOWEL_46 | (int8_t)BAR_2);
    const __m256i high_table = _mm256_setr_epi8(
        0, 0, JOINT_2 | (int8_t)BAR_2, DIGIT_3 | JOINT_3, VOWEL_46 | JOINT_46, VOWEL_57 | BAR_57,
        VOWEL_46 | JOINT_46, VOWEL_57 | BAR_57, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        JOINT_2 | (int8_t)BAR_2, DIGIT_3 | JOINT_3, VOWEL_46 | JOINT_46, VOWEL_57 | BAR_57,
        VOWEL_46 | JOINT_46, VOWEL_57 | BAR_57, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i zero = _mm256_setzero_si256();
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(b->p + at));
    __m256i from_a =
        _mm256_sub_epi8(_mm256_or_si256(v, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
    __m256i letter =
        _mm256_cmpeq_epi8(_mm256_min_epu8(from_a, _mm256_set1_epi8('z' - 'a')), from_a);
    __m256i set =
        _mm256_and_si256(_mm256_shuffle_epi8(low_table, v),
                         _mm256_shuffle_epi8(high_table, _mm256_and_si256(_mm256_srli_epi16(v, 4),
                                                                          _mm256_set1_epi8(15))));
    __m256i blank = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(' '));
    __m256i from_tab = _mm256_sub_epi8(v, _mm256_set1_epi8('\t'));
    __m256i control =
        _mm256_cmpeq_epi8(_mm256_min_epu8(from_tab, _mm256_set1_epi8('\r' - '\t')), from_tab);
    __m256i no_vowel = _mm256_cmpeq_epi8(_mm256_and_si256(set, _mm256_set1_epi8(VOWELS)), zero);
    __m256i no_joint = _mm256_cmpeq_epi8(_mm256_and_si256(set, _mm256_set1_epi8(JOINTS)), zero);
    __m256i no_bar = _mm256_cmpeq_epi8(_mm256_and_si256(set, _mm256_set1_epi8((int8_t)BARS)), zero);
    uint64_t letters = block_bits(letter);
    b->letter |= letters << at;
    b->capital |= (letters & ~block_bits(_mm256_slli_epi16(v, 2))) << at;
    b->vowel |= (uint64_t)(uint32_t)~block_bits(no_vowel) << at;
    b->digit |= block_bits(_mm256_slli_epi16(set, 5)) << at;
    b->high |= block_bits(v) << at;
    b->space |= block_bits(_mm256_or_si256(blank, control)) << at;
    b->blank |= block_bits(blank) << at;
    b->line |= block_bits(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n'))) << at;
    b->joint |= (uint64_t)(uint32_t)~block_bits(no_joint) << at;
    b->bar |= (uint64_t)(uint32_t)~block_bits(no_bar) << at;
}

WORDS_AVX2 static inline void block_look_avx2(struct block *b)
{
    *b = (struct block){.p = b->p};
    block_half(b, 0);
    block_half(b, 32);
}
#endif
