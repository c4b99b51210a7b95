#include "mail/sketch.h"

#include <math.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Words of a class take part as their class; random strings are passed over, so that a text with
 * more or fewer of them is the same text. (Of 16,000 made mails of 400 campaigns: without the
 * classes recall is 0.992, with them 0.993; precision is 1 either way.) */
#define BIN_SHIFT   57 /* a shingle's hash: 7 bits of bin, then 32 of value */
#define VALUE_SHIFT 25
#define EMPTY       UINT32_MAX
#define K_SHINGLE   0x9e3779b97f4a7c15ull /* 2^64 / golden ratio */
/* The order in which an empty bin i looks at the others: i ^ x1, i ^ x2... with x_k = k * STEP mod
 * 128, so that each is looked at once. STEP_INVERSE gives k for x. */
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

/* Turned words, added up: as good as random, as they are hashes themselves. */
static inline void shingle_add(uint32_t *bins, uint64_t h)
{
    h *= K_SHINGLE;
    uint32_t value = (uint32_t)(h >> VALUE_SHIFT), *bin = &bins[h >> BIN_SHIFT];
    *bin = value < *bin ? value : *bin;
}

static void text_add(struct minima *m, const struct words *text)
{
    uint64_t a = 0, b = 0; /* the words before, each turned by its place */
    uint32_t n = 0;
    const struct word *w = text->v, *end = text->n ? w + text->n : w;
    for (; w < end && n < SKETCH_SHINGLE - 1; w++) {
        if (w->kind == WORD_RANDOM)
            continue;
        a = rotate(b, 21);
        b = rotate(w->hash, 21);
        n++;
    }
    if (n && n < SKETCH_SHINGLE - 1) {
        shingle_add(m->bin, b);
        m->shingles++;
        return;
    }
    uint32_t before = n;
    for (; w < end; w++) {
        if (w->kind == WORD_RANDOM)
            continue;
        shingle_add(m->bin, a + b + w->hash);
        a = rotate(b, 21);
        b = rotate(w->hash, 21);
        n++;
    }
    if (n == before && n) {
        shingle_add(m->bin, a + b);
        n++;
    }
    m->shingles += n - before;
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

/* The mean of the least of l (Poisson) values in [0, 1], 1 for none. */
static double mean_of_least(double l)
{
    return (1 - exp(-l)) / l;
}

/* Distinct shingles, from how small the minima are; exact where hardly any is there twice. */
static uint32_t distinct(const struct minima *m, unsigned full)
{
    if (m->shingles <= full || m->shingles < 8)
        return m->shingles;
    uint64_t sum = 0;
    for (unsigned i = 0; i < SKETCH_BINS; i++)
        sum += m->bin[i];
    double mean = (double)sum / SKETCH_BINS / 4294967296.0;
    if (mean < 1.3 * mean_of_least((double)m->shingles / SKETCH_BINS))
        return m->shingles;
    double load = 1 / mean;
    for (unsigned round = 0; round < 8; round++)
        load *= mean_of_least(load) / mean;
    double n = load * SKETCH_BINS;
    return n < full ? full : n > m->shingles ? m->shingles : (uint32_t)n;
}

/* Which bins have a minimum. */
static unsigned full_bins(const struct minima *m, uint64_t full[2])
{
    full[0] = full[1] = 0;
    for (unsigned i = 0; i < SKETCH_BINS; i += 4) {
#if defined(__SSE2__)
        __m128i four = _mm_loadu_si128((const __m128i *)(const void *)&m->bin[i]);
        __m128i empty = _mm_cmpeq_epi32(four, _mm_set1_epi32(-1));
        uint64_t bits = (uint64_t)(~_mm_movemask_ps(_mm_castsi128_ps(empty)) & 15);
#else
        uint64_t bits = 0;
        for (unsigned k = 0; k < 4; k++)
            bits |= (uint64_t)(m->bin[i + k] != EMPTY) << k;
#endif
        full[i >> 6] |= bits << (i & 63);
    }
    return (unsigned)(__builtin_popcountll(full[0]) + __builtin_popcountll(full[1]));
}

/* Gives every empty bin the value of a full one (Shrivastava 2017). */
static void densify(const struct minima *m, const uint64_t full[2], unsigned n, struct sketch *out)
{
    uint8_t bins[FEW_BINS];
    unsigned few = 0;
    for (unsigned half = 0; half < 2 && n < FEW_BINS; half++)
        for (uint64_t is = full[half]; is; is &= is - 1)
            bins[few++] = (uint8_t)(half * 64 + (unsigned)__builtin_ctzll(is));
    for (unsigned half = 0; half < 2; half++)
        for (uint64_t empty = ~full[half]; empty; empty &= empty - 1) {
            unsigned i = half * 64 + (unsigned)__builtin_ctzll(empty);
            unsigned donor = few ? donor_by_place(bins, few, i) : donor_by_order(full, i);
            out->bin[i] = (uint16_t)m->bin[donor];
        }
}

void sketch_of(const struct words *subject, const struct words *text, struct sketch *out)
{
    struct minima m;
    uint64_t full[2];
    memset(m.bin, 0xff, sizeof m.bin);
    m.shingles = 0;
    text_add(&m, subject);
    text_add(&m, text);
    unsigned n = full_bins(&m, full);
    out->shingles = distinct(&m, n);
    if (n == 0) {
        memset(out->bin, 0, sizeof out->bin);
        return;
    }
    for (unsigned i = 0; i < SKETCH_BINS; i++)
        out->bin[i] =
            (uint16_t)m.bin[i]; /* the low half: the high one is near 0 in every minimum */
    if (n < SKETCH_BINS)
        densify(&m, full, n, out);
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
