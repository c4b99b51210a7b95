#include "mail/sketch.h"

#include <math.h>

/* A word of a class stands for itself, once for its class; random strings are passed over, so that a
 * text with more or fewer of them is the same text. (On real spam that kept apart what is apart and put
 * together more of what is one: doc/gauge.md.) */
#define BIN_SHIFT   57 /* a shingle's hash: 7 bits of bin, then 32 of value */
#define VALUE_SHIFT 25
#define EMPTY       UINT32_MAX
#define K_SHINGLE   0x9e3779b97f4a7c15ull /* 2^64 / golden ratio */
/* The order in which an empty bin i looks at the others: i ^ x1, i ^ x2... with x_k = k * STEP mod 128,
 * so that each is looked at once. STEP_INVERSE gives k for x. */
#define STEP         77u
#define STEP_INVERSE 5u
#define FEW_BINS     10 /* with fewer full ones, it is quicker to ask each for its place */

_Static_assert(SKETCH_BINS == 128 && STEP * STEP_INVERSE % SKETCH_BINS == 1, "a permutation");

static inline uint64_t rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

struct minima {
    uint32_t bin[SKETCH_BINS];
    uint32_t shingles;
};

static inline void shingle_add(struct minima *m, uint64_t h)
{
    h *= K_SHINGLE;
    uint32_t value = (uint32_t)(h >> VALUE_SHIFT), *bin = &m->bin[h >> BIN_SHIFT];
    *bin = value < *bin ? value : *bin;
    m->shingles++;
}

static void text_add(struct minima *m, const struct words *text)
{
    uint64_t a = 0, b = 0; /* the words before, each turned by its place */
    uint32_t n = 0;
    for (uint32_t i = 0; i < text->n; i++) {
        const struct word *w = &text->v[i];
        if (w->kind == WORD_RANDOM)
            continue;
        uint64_t c = w->hash;
        if (++n >= SKETCH_SHINGLE)
            shingle_add(m, (rotate(a, 21) ^ b) * K_SHINGLE + rotate(c, 42));
        a = rotate(b, 17);
        b = c;
    }
    if (n && n < SKETCH_SHINGLE)
        shingle_add(m, a * K_SHINGLE + b);
}

/* Fills the bin with that of the first full one in its order. */
static unsigned donor_by_order(const uint64_t full[2], unsigned i)
{
    for (unsigned k = 1;; k++) {
        unsigned j = i ^ (k * STEP % SKETCH_BINS);
        if (full[j >> 6] >> (j & 63) & 1)
            return j;
    }
}

static unsigned donor_by_place(const uint8_t *bins, unsigned n, unsigned i)
{
    unsigned best = SKETCH_BINS, donor = 0;
    for (unsigned b = 0; b < n; b++) {
        unsigned k = (i ^ bins[b]) * STEP_INVERSE % SKETCH_BINS;
        if (k < best) {
            best = k;
            donor = bins[b];
        }
    }
    return donor;
}

/* Distinct shingles, from how small the minima are; exact where no shingle can be there twice. */
static uint32_t distinct(const struct minima *m, unsigned full)
{
    if (m->shingles <= full || m->shingles < 8)
        return m->shingles;
    double sum = 0;
    for (unsigned i = 0; i < SKETCH_BINS; i++)
        sum += m->bin[i];
    /* the mean of a minimum of l (Poisson) values in [0, 1], 1 for none, is (1 - e^-l) / l */
    double mean = sum / SKETCH_BINS / 4294967296.0, load = 1 / mean;
    for (unsigned round = 0; round < 8; round++)
        load = (1 - exp(-load)) / mean;
    double n = load * SKETCH_BINS;
    if (n < full)
        n = full;
    return n > 0.75 * m->shingles ? m->shingles : (uint32_t)n;
}

void sketch_of(const struct words *subject, const struct words *text, struct sketch *out)
{
    struct minima m;
    uint8_t bins[SKETCH_BINS];
    uint64_t full[2] = {0, 0};
    unsigned n = 0;
    memset(m.bin, 0xff, sizeof m.bin);
    m.shingles = 0;
    text_add(&m, subject);
    text_add(&m, text);
    for (unsigned i = 0; i < SKETCH_BINS; i++) {
        out->bin[i] = (uint16_t)m.bin[i]; /* the low half: the high one is near 0 in every minimum */
        bins[n] = (uint8_t)i;
        bool is = m.bin[i] != EMPTY;
        full[i >> 6] |= (uint64_t)is << (i & 63);
        n += is;
    }
    out->shingles = distinct(&m, n);
    if (n == 0)
        memset(out->bin, 0, sizeof out->bin);
    for (unsigned half = 0; half < 2 && n; half++)
        for (uint64_t empty = ~full[half]; empty; empty &= empty - 1) {
            unsigned i = half * 64 + (unsigned)__builtin_ctzll(empty);
            out->bin[i] =
                (uint16_t)m.bin[n < FEW_BINS ? donor_by_place(bins, n, i) : donor_by_order(full, i)];
        }
}

double sketch_likeness(const struct sketch *a, const struct sketch *b)
{
    if (!a->shingles || !b->shingles)
        return 0;
    unsigned same = 0;
    for (unsigned i = 0; i < SKETCH_BINS; i++)
        same += a->bin[i] == b->bin[i];
    const double chance = 1.0 / 65536;
    double j = ((double)same / SKETCH_BINS - chance) / (1 - chance);
    return j < 0 ? 0 : j;
}
