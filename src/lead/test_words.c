#include "lead/words.h"

#include "base/tap.h"

static int value(const char *s)
{
    return word_value(span_str(s));
}

int main(void)
{
    bool good = true, ordered = true, apart = true;
    char four[5] = "";
    for (unsigned i = 0; i < WORDS_COUNT; i++) {
        const char *w = word_of(i);
        size_t n = strlen(w);
        good &= n >= 4 && n <= 8 && strspn(w, "abcdefghijklmnopqrstuvwxyz") == n;
        memcpy(four, w, 4); /* each has as many */
        good &= value(w) == (int)i && value(four) == (int)i;
        ordered &= i == 0 || strcmp(word_of(i - 1), w) < 0;
        apart &= i == 0 || strncmp(word_of(i - 1), w, 4) != 0;
    }
    ok(good, "each word is 4 to 8 letters, and found by itself and by four of them");
    ok(ordered, "in alphabetical order");
    ok(apart, "no two with the same first four");
    is_int(value("ABSOLUTE"), value("absolute"));
    is_int(value("AbSo"), value("absolute"));
    is_int(value("absol"), value("absolute"));
    is_int(value("abs"), -1);
    is_int(value(""), -1);
    is_int(value("absolutely"), -1);
    is_int(value("absolutf"), -1);
    is_int(value("zzzz"), -1);
    is_int(value("aaaa"), -1);
    is_int(value("ab1e"), -1);
    is_int(value("\xc3\xa4pple"), -1);
    is_int(word_value(span_of("abs\0", 4)), -1);
    return tap_done();
}
