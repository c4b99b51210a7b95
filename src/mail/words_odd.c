/* Which strings of letters are no words. */
#include "mail/words_impl.h"

#define ODD_LETTERS_MIN 5
#define ODD_LEAST       12 /* of words_oddness */
#define ODD_CONSONANTS                                                                             \
    3                  /* in a row, y among them: few words have them, few random strings do not */
#define I_OR_L_CLEAR 6 /* how much likelier an l must be */

/* Pairs of letters: 3 log2 of how much likelier the second is behind the first by chance (1/26)
 * than in words, kept within -6 to 12. Counted over the vocabulary of mail in several languages,
 * each word once. */
/* clang-format off */
static const int8_t pairs[26][26] = {
    {12, 0, -2, -1, 12, 6, 1, 9, -1, 12, 5, -5, 0, -5, 12, 0, 12, -5, -2, -6, 2, 3, 7, 9, 3, 10}, /* a */
    {-5, 4, 4, 6, -5, 12, 12, 11, -5, 5, 12, -6, 8, 9, -4, 8, 12, -3, -1, 4, -4, 10, 12, 12, 4, 12}, /* b */
    {-5, 12, 2, 10, -5, 12, 12, -5, -2, 12, -2, -1, 10, 10, -6, 9, 12, -1, 4, -4, 0, 12, 12, 12, 6, 12}, /* c */
    {-4, 4, 8, 2, -6, 7, 3, 9, -6, 12, 12, 2, 5, 5, -3, 8, 12, -1, -1, 7, 0, 5, 7, 12, 3, 12}, /* d */
    {-2, 7, -1, -5, 2, 3, 4, 10, 5, 12, 11, -2, 1, -5, 7, 3, 9, -6, -6, -1, 7, 3, 6, 2, 6, 11}, /* e */
    {-4, 12, 8, 7, -5, -3, 11, 12, -6, 12, 12, -2, 9, 11, -6, 9, 12, -3, 2, 0, -3, 12, 11, 12, 4, 12}, /* f */
    {-4, 12, 11, 8, -6, 8, 1, -3, -4, 12, 12, -1, 5, -1, -2, 8, 12, -5, -1, 4, -2, 12, 12, 12, 5, 12}, /* g */
    {-6, 8, 10, 6, -6, 12, 12, 12, -6, 12, 12, 5, 5, 4, -6, 10, 12, 0, 4, -2, 0, 12, 8, 12, 3, 12}, /* h */
    {0, 3, -3, 1, -1, 3, 1, 12, 12, 12, 9, -1, 1, -6, -4, 3, 11, 0, -3, -3, 12, 1, 12, 8, 12, 4}, /* i */
    {-6, 12, 8, 7, -6, 10, 8, 10, -1, 12, 5, 12, 6, 5, -6, 3, 12, 5, 4, 10, -6, 7, 12, 12, 12, 8}, /* j */
    {-3, 6, 11, 4, -6, 6, 6, 5, -6, 12, 6, 0, 8, 0, 0, 5, 12, 4, -5, 3, 2, 11, 6, 12, 2, 12}, /* k */
    {-5, 8, 8, 1, -6, 7, 10, 12, -6, 12, 9, -5, 6, 11, -4, 8, 12, 11, 0, 1, 0, 8, 12, 12, -3, 12}, /* l */
    {-6, 0, 5, 8, -6, 10, 12, 12, -5, 12, 11, 6, 0, 8, -4, -4, 12, 12, 1, 9, 0, 12, 12, 12, 6, 12}, /* m */
    {-3, 9, -2, -3, -4, 3, -6, 10, -2, 11, 5, 7, 9, 2, -1, 9, 12, 10, -4, -6, 4, 4, 12, 12, 7, 12}, /* n */
    {5, 3, 1, 1, 8, 5, 2, 10, 4, 12, 5, -2, -2, -6, 0, 0, 12, -6, -1, -1, -3, 2, 0, 7, 7, 12}, /* o */
    {-5, 12, 5, 7, -6, 11, 9, 0, -2, 12, 12, -4, 8, 12, -5, -2, 12, -6, 0, -1, 0, 12, 11, 12, 6, 12}, /* p */
    {7, 12, 7, 9, 9, 9, 12, 12, 6, 7, 12, 0, 12, 6, 6, 7, 9, 7, 7, 4, -6, 9, 6, 12, 9, 9}, /* q */
    {-5, 7, 2, 1, -6, 8, 3, 12, -5, 12, 4, 5, 1, 2, -4, 5, 12, 1, -3, -1, 2, 5, 10, 12, 2, 12}, /* r */
    {-1, 11, -1, 8, -6, 7, 11, -2, -5, 12, 5, 3, 3, 7, -1, -1, 10, 10, -3, -6, -2, 10, 6, 12, 5, 12}, /* s */
    {-4, 12, 4, 8, -6, 9, 12, -2, -6, 12, 12, 3, 7, 10, -3, 8, 12, -4, -2, 1, 1, 12, 8, 12, 1, 11}, /* t */
    {0, 0, 0, 1, -2, 5, 1, 12, 0, 12, 11, -3, -1, -6, 8, -1, 12, -6, -5, -4, 12, 8, 12, 9, 9, 10}, /* u */
    {-6, 12, 9, 11, -6, 12, 11, 12, -6, 12, 12, 11, 9, 11, -2, 11, 12, 7, 6, 11, 9, 12, 12, 12, 8, 12}, /* v */
    {-6, 6, 7, 4, -6, 7, 11, -1, -6, 12, 8, 3, 8, -3, -4, 7, 12, -1, -2, 8, 12, 12, 12, 12, 7, 12}, /* w */
    {-2, 5, -4, 5, -4, 7, 9, 3, -5, 12, 8, 2, 1, 7, 2, -6, 11, 5, 5, -5, 2, 8, 11, 5, 6, 12}, /* x */
    {-2, 1, 1, 3, -5, 6, 5, 8, -3, 12, 12, 0, -1, -3, -3, -3, 12, 2, -6, 0, 5, 6, 2, 11, 10, 6}, /* y */
    {-6, 5, 7, 7, -6, 7, 10, 8, -5, 10, 8, 3, 6, 12, -2, 8, 10, 7, 8, 4, 3, 8, 10, 12, 2, 1}, /* z */
};
/* clang-format on */

/* How unlike a word the letters are. */
static int words_oddness(const uint8_t *letters, unsigned n)
{
    const int8_t *row = pairs[letters[0] - 'a'];
    int sum = 0;
    for (unsigned i = 1; i < n; i++) {
        unsigned letter = letters[i] - 'a';
        sum += row[letter];
        row = pairs[letter];
    }
    return sum;
}

bool words_odd(const uint8_t *letters, unsigned n)
{
    return n >= ODD_LETTERS_MIN && words_oddness(letters, n) >= ODD_LEAST;
}

bool words_random(const uint8_t *letters, unsigned n)
{
    unsigned row = 0, most = 0;
    if (n < ODD_LETTERS_MIN)
        return false;
    for (unsigned i = 0; i < n; i++) {
        uint8_t c = letters[i];
        row = c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' ? 0 : row + 1;
        most = row > most ? row : most;
    }
    return most >= ODD_CONSONANTS && words_odd(letters, n);
}

static bool is_small(uint8_t c)
{
    return (uint8_t)(c - 'a') < 26;
}

uint8_t words_i_or_l(uint8_t before, uint8_t behind)
{
    int i = 0, l = 0;
    if (is_small(before)) {
        i += pairs[before - 'a']['i' - 'a'];
        l += pairs[before - 'a']['l' - 'a'];
    }
    if (is_small(behind)) {
        i += pairs['i' - 'a'][behind - 'a'];
        l += pairs['l' - 'a'][behind - 'a'];
    }
    return l + I_OR_L_CLEAR <= i ? 'l' : 'i';
}
