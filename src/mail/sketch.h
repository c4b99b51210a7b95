/* Sketch: a text's set of word shingles in a few bytes, so that two texts' likeness (Jaccard) can
 * be estimated. One-permutation MinHash (Li, Owen, Zhang 2012) with optimal densification
 * (Shrivastava 2017). The seed is fixed: sketches on disk stay comparable. */
#pragma once

#include "mail/words.h"

#define SKETCH_BINS    128
#define SKETCH_SHINGLE 3 /* words; texts shorter than that: the text is one shingle */

struct sketch {
    uint32_t shingles;         /* distinct ones, about; 0: nothing to compare */
    uint16_t bin[SKETCH_BINS]; /* 16 bits of each bin's minimum */
};

/* Of both texts (either may be empty); shingles do not reach from one into the other. */
void sketch_of(const struct words *subject, const struct words *text, struct sketch *out);
/* Estimated Jaccard likeness, 0 to 1, corrected for chance agreement of 16-bit values; 0 when
 * either has nothing. */
double sketch_likeness(const struct sketch *a, const struct sketch *b);
