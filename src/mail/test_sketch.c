#include "mail/sketch.h"

#include <math.h>

#include "base/tap.h"

static struct words_reader *reader;
static struct arena arena;

static uint64_t seed = 7;
static uint32_t next_random(uint32_t below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((seed >> 33) % below);
}

/* A text of n words whose shingles are all distinct from those of other bases. */
static struct words text_of(struct word *v, uint32_t n, uint64_t base)
{
    for (uint32_t i = 0; i < n; i++) {
        char word[40];
        snprintf(word, sizeof word, "%llux%u", (unsigned long long)base, i);
        v[i] = (struct word){.hash = words_hash(span_str(word)), .kind = WORD_PLAIN};
    }
    return (struct words){.v = v, .n = n};
}

/* Two texts, the second with `other` words of its own at the end instead: their exact likeness by
 * shingles. */
static double pair_of(struct word *a, struct word *b, uint32_t n, uint32_t other, uint64_t base,
                      struct sketch out[2])
{
    const struct words none = {0};
    struct words x = text_of(a, n, base), y = text_of(b, n, base + 1);
    memcpy(b, a, (n - other) * sizeof *a);
    sketch_of(&none, &x, &out[0]);
    sketch_of(&none, &y, &out[1]);
    double shingles = n - (SKETCH_SHINGLE - 1);
    double same = other ? shingles - other : shingles;
    return same < 0 ? 0 : same / (2 * shingles - same);
}

/* Bias and error over many pairs against what 128 independent minima would have. */
static void error_of(uint32_t n)
{
    static struct word a[2000], b[2000];
    double bias = 0, square = 0, expected = 0;
    enum { PAIRS = 4000 };
    for (unsigned i = 0; i < PAIRS; i++) {
        struct sketch s[2];
        double j = pair_of(a, b, n, next_random(n - 2), 2 * (uint64_t)i + (uint64_t)n * 1000000, s);
        double error = sketch_likeness(&s[0], &s[1]) - j;
        bias += error;
        square += error * error;
        expected += j * (1 - j) / SKETCH_BINS;
    }
    bias /= PAIRS;
    double ratio = sqrt(square / expected);
    printf("# %u words: bias %+.4f, error %.4f, %.2f of 128 independent ones\n", n, bias,
           sqrt(square / PAIRS), ratio);
    ok(fabs(bias) < 0.005, "the estimate is unbiased");
    /* with fewer shingles than bins, bins repeat one another, and no sketch could do better */
    ok(ratio < (n > 200 ? 1.1 : n > 80 ? 1.4 : n > 40 ? 2 : 6), "the error is near the theory's");
}

static void edges(void)
{
    struct words none = {0}, w, v;
    struct sketch a, b;
    sketch_of(&none, &none, &a);
    is_int(a.shingles, 0);
    ok(sketch_likeness(&a, &a) == 0, "nothing is like nothing");
    words_read(reader, span_str("buy now"), span_of(NULL, 0), &arena, &w);
    sketch_of(&none, &w, &a);
    is_int(a.shingles, 1);
    ok(sketch_likeness(&a, &a) == 1);
    words_read(reader, span_str("now buy"), span_of(NULL, 0), &arena, &v);
    sketch_of(&none, &v, &b);
    ok(sketch_likeness(&a, &b) == 0, "order counts");
    sketch_of(&w, &none, &b);
    ok(sketch_likeness(&a, &b) == 1, "subject and text are one set");
    words_read(reader, span_str("cheap pills 5 xkqzvw for you"), span_of(NULL, 0), &arena, &w);
    words_read(reader, span_str("cheap qqzxkvw pills 77.10 for bvxkzq you wqxzjk"),
               span_of(NULL, 0), &arena, &v);
    sketch_of(&none, &w, &a);
    sketch_of(&none, &v, &b);
    ok(sketch_likeness(&a, &b) == 1, "random strings and other numbers are the same");
}

static void counting(void)
{
    static struct word v[4000];
    const struct words none = {0};
    struct sketch s;
    for (uint32_t n = 3; n <= 4000; n = n * 3 / 2 + 1) {
        struct words w = text_of(v, n, n);
        sketch_of(&none, &w, &s);
        if (s.shingles != n - 2)
            ok(false, "distinct shingles are all counted");
    }
    for (uint32_t n = 400; n <= 4000; n += 400) { /* the same 100 words again and again */
        struct words w = text_of(v, 100, 5);
        for (uint32_t i = 100; i < n; i++)
            v[i] = v[i - 100];
        w.n = n;
        sketch_of(&none, &w, &s);
        ok(s.shingles >= 75 && s.shingles <= 130, "repeated ones are counted once, about");
    }
}

int main(void)
{
    reader = words_open();
    edges();
    counting();
    error_of(10);
    error_of(60);
    error_of(120);
    error_of(400);
    error_of(2000);
    words_close(reader);
    arena_free(&arena);
    return tap_done();
}
